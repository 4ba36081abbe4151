"""What keeps the cluster's objects from being copied."""

from __future__ import annotations

import re
from typing import Any

from rules.data.stores import ALERTS, RELEASE, VELERO_SCHEDULE

from tests.policies.mutation import Change, Mutant, drop, edit, put, several, without

_AT, _RELEASE = "platform-copies-schedule", "platform-operators-backups-velero"
_BACKUPS = "platform-observability-archesai-backups"
_LOCATION = "values.configuration.backupStorageLocation.0"


def _broken(rule: str, title: str, change: Change, *says: str, at: str = "") -> Mutant:
    return Mutant(rule=rule, title=title, change=change, says=says, at=at)


def _later(seconds: str) -> Change:
    def change(values: dict[str, Any]) -> None:
        for alert in values["spec"]["groups"][0]["rules"]:
            alert["expr"] = re.sub(r"> (2700)$", f"> {seconds}", alert["expr"])

    return edit(ALERTS, change, _BACKUPS)


MUTANTS: tuple[Mutant, ...] = (
    _broken(
        "cluster-objects-copied", "no schedule", without(VELERO_SCHEDULE),
        "nothing copies its objects: no Schedule is in Velero's namespace",
        at="cluster-control-plane",
    ),
    _broken(
        "cluster-objects-copied", "the guide's place",
        drop(VELERO_SCHEDULE, "metadata.namespace"),
        "nothing copies its objects: no Schedule is in Velero's namespace",
        at="cluster-control-plane",
    ),
    _broken(
        "cluster-objects-copied", "no Velero", without(RELEASE, _RELEASE),
        "nothing copies its objects: no Schedule is in Velero's namespace",
        at="cluster-control-plane",
    ),
    _broken(
        "cluster-objects-copied", "operators only",
        put(VELERO_SCHEDULE, "spec.template.includedNamespaces", ["operators"]),
        "objects of these namespaces are not copied: production",
        at="cluster-control-plane",
    ),
    _broken(
        "cluster-objects-copied", "paused", put(VELERO_SCHEDULE, "spec.paused", True),
        "objects of these namespaces are not copied: production",
        at="cluster-control-plane",
    ),
    _broken(
        "velero-location", "a location that nobody declares",
        put(VELERO_SCHEDULE, "spec.template.storageLocation", "s3"),
        "no location is named s3, so that every backup fails",
    ),
    _broken(
        "velero-location", "no key", drop(RELEASE, f"{_LOCATION}.config.kmsKeyId", _RELEASE),
        "s3-backup is not encrypted with a key of ours",
        at=_AT,
    ),
    _broken(
        "velero-location", "the bucket of the dumps",
        several(
            without("kubernetes:batch/v1:CronJob", "platform-retention"),
            lambda draft: draft.swap(
                "kubernetes:batch/v1:CronJob",
                "platform-dumps",
                links={
                    "spec": frozenset(
                        {
                            draft.items[
                                draft.find("aws:s3/bucket:Bucket", "storage-velero")[0]
                            ].urn
                        }
                    )
                },
            ),
        ),
        "s3-backup is the bucket of the dumps, whose lock Velero cannot lift",
        at=_AT,
    ),
    _broken(
        "velero-often", "the guide's hour", put(VELERO_SCHEDULE, "spec.schedule", "0 */1 * * *"),
        "up to 60 + 15 minutes of changes are lost",
    ),
    _broken(
        "velero-often", "twice an hour, unevenly",
        put(VELERO_SCHEDULE, "spec.schedule", "0,15 * * * *"),
        "up to 45 + 15 minutes of changes are lost",
    ),
    _broken(
        "velero-often", "a schedule that means nothing",
        put(VELERO_SCHEDULE, "spec.schedule", "often"),
        "when it runs cannot be read",
    ),
    _broken(
        "velero-often", "paused", put(VELERO_SCHEDULE, "spec.paused", True), "it is paused"
    ),
    _broken(
        "velero-watched", "nobody is told", without(ALERTS, _BACKUPS),
        "nobody is told when copies stop",
        at=_AT,
    ),
    _broken(
        "velero-watched", "told after an hour", _later("3600"),
        "people are told after 60 minutes, when the promise is broken",
        at=_AT,
    ),
)  # fmt: skip
