"""What loses objects, or keeps them for ever."""

from __future__ import annotations

from typing import Any

from rules.data.objects import LIFECYCLE, LOCK, VERSIONING
from rules.data.storage import LOGGING, REPLICATION
from rules.data.stores import BUCKET
from rules.documents import POLICY

from tests.policies.mutation import (
    Change,
    Mutant,
    add,
    document,
    drop,
    put,
    several,
    unlink,
    without,
)

_FILES, _DUMPS = "storage-files", "storage-dumps"
_COPY = f"{_FILES}-replication"


def _broken(rule: str, title: str, change: Change, *says: str, at: str = "") -> Mutant:
    return Mutant(rule=rule, title=title, change=change, says=says, at=at)


def _lifecycle(path: str, value: Any) -> Change:
    return put(LIFECYCLE, path, value, f"{_FILES}-lifecycle")


def _replication(path: str, value: Any) -> Change:
    return put(REPLICATION, path, value, _COPY)


def _may(*actions: str) -> Change:
    def change(policy: dict[str, Any]) -> None:
        policy["Statement"][0]["Action"] = list(actions)

    return document(POLICY, "policy", change, "platform-dumps-identity-upload")


_UPLOADS = "parts of uploads that nobody finished stay longer than 7 days"
_VERSIONS = "this bucket keeps every old version for ever"

MUTANTS: tuple[Mutant, ...] = (
    _broken(
        "bucket-versioned", "suspended",
        put(VERSIONING, "versioningConfiguration.status", "Suspended", f"{_FILES}-versioning"),
        "this bucket keeps no versions",
        at=_FILES,
    ),
    _broken(
        "bucket-versioned", "suspended by a second one",
        add(
            VERSIONING, "second", {"versioningConfiguration": {"status": "Suspended"}},
            {"bucket": (BUCKET, _FILES)},
        ),
        "this bucket keeps no versions",
        at=_FILES,
    ),
    _broken(
        "bucket-versioned", "not said", without(VERSIONING, f"{_FILES}-versioning"),
        "this bucket keeps no versions",
        at=_FILES,
    ),
    _broken(
        "bucket-access-logged", "not logged", without(LOGGING, f"{_FILES}-logging"),
        "nobody knows who read from this bucket",
        at=_FILES,
    ),
    _broken(
        "bucket-backups-locked", "dumps without a lock", without(LOCK, f"{_DUMPS}-lock"),
        "what lies here can be deleted before its time",
        at=_DUMPS,
    ),
    _broken(
        "bucket-backups-locked", "the replica without a lock",
        without(LOCK, f"{_DUMPS}-replica-lock"),
        "what lies here can be deleted before its time",
        at=f"{_DUMPS}-replica",
    ),
    _broken(
        "bucket-backups-locked", "a lock without a time",
        put(LOCK, "rule.defaultRetention", {"mode": "GOVERNANCE"}, "storage-audit-lock"),
        "what lies here can be deleted before its time",
        at="storage-audit",
    ),
    Mutant(
        rule="bucket-backups-locked",
        title="a trail of another stack without a lock",
        change=without(LOCK, "storage-audit-lock"),
        says=("what lies here can be deleted before its time",),
        stack="staging",
        at="storage-audit",
    ),
    _broken(
        "bucket-writers-cannot-erase", "may delete", _may("s3:PutObject", "s3:DeleteObject"),
        "platform-dumps-identity-upload may s3:DeleteObject",
        at=_DUMPS,
    ),
    _broken(
        "bucket-writers-cannot-erase", "may everything", _may("s3:*"),
        "platform-dumps-identity-upload may s3:DeleteObject, s3:DeleteObjectVersion, "
        "s3:BypassGovernanceRetention, s3:PutLifecycleConfiguration",
        at=_DUMPS,
    ),
    _broken(
        "bucket-replicated", "no replication", without(REPLICATION, _COPY),
        "what lies here is nowhere else",
        "what lies here is nowhere else",
    ),
    _broken(
        "bucket-replicated", "into its own region",
        put(BUCKET, "region", "eu-central-1", f"{_FILES}-replica"),
        "its replica is in the same region",
        at=_FILES,
    ),
    _broken(
        "bucket-replicated", "a new bucket that nobody copies",
        add(BUCKET, "reports", {"bucket": "arches-prod-reports"}),
        "what lies here is nowhere else",
        at="reports",
    ),
    _broken(
        "bucket-replication-whole", "switched off", _replication("rules.0.status", "Disabled"),
        "everything is switched off",
    ),
    _broken(
        "bucket-replication-whole", "a part", _replication("rules.0.filter.prefix", "new/"),
        "everything copies a part of the bucket",
    ),
    _broken(
        "bucket-replication-whole", "without what is encrypted",
        drop(REPLICATION, "rules.0.sourceSelectionCriteria", _COPY),
        "everything leaves encrypted objects out, which all are",
    ),
    _broken(
        "bucket-replication-whole", "without a key",
        drop(REPLICATION, "rules.0.destination.encryptionConfiguration", _COPY),
        "everything names no key for the replica",
    ),
    _broken(
        "bucket-uploads-aborted", "a month",
        _lifecycle("rules.0.abortIncompleteMultipartUpload.daysAfterInitiation", 30),
        _UPLOADS,
        at=_FILES,
    ),
    _broken(
        "bucket-uploads-aborted", "no lifecycle",
        unlink(LIFECYCLE, "bucket", f"{_FILES}-lifecycle"),
        _UPLOADS,
        at=_FILES,
    ),
    _broken(
        "bucket-old-versions-expire", "not said",
        drop(LIFECYCLE, "rules.0.noncurrentVersionExpiration", f"{_FILES}-lifecycle"),
        _VERSIONS,
        at=_FILES,
    ),
    _broken(
        "bucket-old-versions-expire", "switched off", _lifecycle("rules.0.status", "Disabled"),
        _VERSIONS,
        at=_FILES,
    ),
    _broken(
        "bucket-old-versions-expire", "for a folder", _lifecycle("rules.0.filter.prefix", "tmp/"),
        _VERSIONS,
        at=_FILES,
    ),
    _broken(
        "bucket-old-versions-expire", "no lifecycle",
        several(without(LIFECYCLE, f"{_FILES}-lifecycle")),
        _VERSIONS,
        at=_FILES,
    ),
)  # fmt: skip
