"""What takes a backup away, or lets it be taken away."""

from __future__ import annotations

from typing import Any

from rules.data.backup import LOG_REPLICATION, TEST, TEST_PLAN, VAULT_LOCK, VAULT_POLICY
from rules.data.stores import CACHE, CRON_JOB, PLAN, SELECTION, VAULT

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

_VAULT, _COPY, _DATABASE, _DUMPS = (
    "backup-vault", "backup-copy-vault", "database-instance", "platform-dumps",
)  # fmt: skip


def _broken(rule: str, title: str, change: Change, *says: str, at: str = "") -> Mutant:
    return Mutant(rule=rule, title=title, change=change, says=says, at=at)


def _denied(key: str, value: Any) -> Change:
    return document(
        VAULT_POLICY,
        "policy",
        lambda policy: policy["Statement"][0].update({key: value}),
        f"{_VAULT}-policy",
    )


_ALL_THREE = (
    "whoever has the right may backup:DeleteRecoveryPoint, backup:DisassociateRecoveryPoint, "
    "backup:UpdateRecoveryPointLifecycle"
)

MUTANTS: tuple[Mutant, ...] = (
    _broken(
        "vault-encrypted", "the account's key", drop(VAULT, "kmsKeyArn"),
        "recovery points are encrypted with the account's default key",
    ),
    _broken(
        "vault-locked", "no lock", without(VAULT_LOCK, f"{_COPY}-lock"),
        "recovery points may be deleted before their time",
        at=_COPY,
    ),
    _broken(
        "vault-locked", "no shortest time", drop(VAULT_LOCK, "minRetentionDays", f"{_VAULT}-lock"),
        "its lock has no shortest time",
        at=_VAULT,
    ),
    _broken(
        "vault-locked", "no longest time", put(VAULT_LOCK, "maxRetentionDays", 0, f"{_VAULT}-lock"),
        "its lock has no longest time",
        at=_VAULT,
    ),
    _broken(
        "vault-erasure-denied", "no policy", without(VAULT_POLICY, f"{_VAULT}-policy"),
        _ALL_THREE,
        at=_VAULT,
    ),
    _broken("vault-erasure-denied", "allowed", _denied("Effect", "Allow"), _ALL_THREE, at=_VAULT),
    _broken(
        "vault-erasure-denied", "denied to one role",
        _denied("Principal", {"AWS": "arn:aws:iam::111122223333:role/a"}),
        _ALL_THREE,
        at=_VAULT,
    ),
    _broken(
        "vault-erasure-denied", "deleting only", _denied("Action", ["backup:DeleteRecoveryPoint"]),
        "whoever has the right may backup:DisassociateRecoveryPoint, "
        "backup:UpdateRecoveryPointLifecycle",
        at=_VAULT,
    ),
    _broken(
        "backup-plan-daily", "on working days",
        put(PLAN, "rules.0.schedule", "cron(0 6 ? * MON-FRI *)"),
        "it makes no backup every day",
    ),
    _broken(
        "backup-plan-daily", "a schedule that means nothing",
        put(PLAN, "rules.0.schedule", "daily"),
        "when daily runs cannot be read",
        "it makes no backup every day",
    ),
    _broken(
        "backup-plan-daily", "for ever", drop(PLAN, "rules.0.lifecycle"),
        "what daily makes is never deleted",
    ),
    _broken(
        "backup-plan-daily", "cold storage", put(PLAN, "rules.0.lifecycle.coldStorageAfter", 7),
        "what daily makes goes into cold storage, which databases do not have",
    ),
    _broken(
        "backup-plan-daily", "no rules", put(PLAN, "rules", []), "it makes no backup every day"
    ),
    _broken(
        "backup-plan-copied", "no copies", drop(PLAN, "rules.0.copyActions"),
        "what daily makes is not copied",
    ),
    _broken(
        "backup-plan-copied", "into the same region", put(VAULT, "region", "eu-central-1", _COPY),
        "its vaults are all in one region",
        at="backup-plan",
    ),
    _broken(
        "backup-plan-within-lock", "longer than the lock allows",
        put(PLAN, "rules.0.lifecycle.deleteAfter", 31),
        f"{_COPY} refuses what daily makes for 31 days at night",
        f"{_VAULT} refuses what daily makes for 31 days at night",
        at="backup-plan",
    ),
    _broken(
        "backup-plan-within-lock", "a lock of longer times",
        put(VAULT_LOCK, "minRetentionDays", 60, f"{_VAULT}-lock"),
        f"{_VAULT} refuses what daily makes for 30 days at night",
        f"{_VAULT} refuses what daily makes for 30 days at night",
        at="backup-plan",
    ),
    _broken(
        "store-backed-up", "nobody selects the database", without(SELECTION),
        "no backup plan selects it",
        at=_DATABASE,
    ),
    _broken(
        "store-backed-up", "selected by no plan", unlink(SELECTION, "planId"),
        "no backup plan selects it",
        at=_DATABASE,
    ),
    _broken(
        "store-backed-up", "a cache without snapshots", put(CACHE, "snapshotRetentionLimit", 0),
        "no snapshots are taken of it",
    ),
    *(
        _broken(
            "store-backed-up", f"a new {type_.rpartition(':')[2]} of {type_.split(':')[1]}",
            add(type_, "new", {}),
            "no backup plan selects it",
            at="new",
        )
        for type_ in (
            "aws:rds/cluster:Cluster", "aws:dynamodb/table:Table", "aws:efs/fileSystem:FileSystem",
            "aws:ebs/volume:Volume", "aws:fsx/openZfsFileSystem:OpenZfsFileSystem",
            "aws:docdb/cluster:Cluster", "aws:neptune/cluster:Cluster",
        )
    ),
    _broken(
        "database-logs-replicated", "in one region", without(LOG_REPLICATION),
        "its transaction logs are in one region only",
        at=_DATABASE,
    ),
    _broken(
        "database-logs-replicated", "into its own region",
        put(LOG_REPLICATION, "region", "eu-central-1"),
        "its transaction logs are replicated into their own region",
        at=_DATABASE,
    ),
    _broken(
        "database-logs-replicated", "the account's key", unlink(LOG_REPLICATION, "kmsKeyId"),
        "its replicated logs are encrypted with the account's default key",
        at=_DATABASE,
    ),
    _broken(
        "database-restores-tested", "nobody tries", without(TEST),
        "nobody tries whether its backups restore",
        at=_DATABASE,
    ),
    _broken(
        "database-restores-tested", "twice a year",
        put(TEST_PLAN, "scheduleExpression", "cron(0 8 1 1,7 ? *)"),
        "backup-restore-test does not run every month",
        at=_DATABASE,
    ),
    _broken(
        "database-restores-tested", "a schedule that means nothing",
        put(TEST_PLAN, "scheduleExpression", "monthly"),
        "backup-restore-test does not run every month",
        at=_DATABASE,
    ),
    _broken(
        "database-dumped", "no job", without(CRON_JOB, _DUMPS),
        "no job dumps it into a bucket",
        at=_DATABASE,
    ),
    _broken(
        "database-dumped", "once a week", put(CRON_JOB, "spec.schedule", "0 2 * * 0", _DUMPS),
        f"{_DUMPS} does not run every day",
        at=_DATABASE,
    ),
    _broken(
        "database-dumped", "suspended", put(CRON_JOB, "spec.suspend", True, _DUMPS),
        f"{_DUMPS} does not run every day",
        at=_DATABASE,
    ),
    _broken(
        "database-dumped", "two at once",
        several(drop(CRON_JOB, "spec.concurrencyPolicy", _DUMPS)),
        f"{_DUMPS} may run twice at once",
        at=_DATABASE,
    ),
    _broken(
        "database-dumped", "without an end",
        drop(CRON_JOB, "spec.jobTemplate.spec.activeDeadlineSeconds", _DUMPS),
        f"{_DUMPS} may hang for ever",
        at=_DATABASE,
    ),
)  # fmt: skip
