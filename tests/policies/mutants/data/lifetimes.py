"""What outlives the promise to erase."""

from __future__ import annotations

from rules.data.backup import LOG_REPLICATION, VAULT_LOCK
from rules.data.lifetimes import LOG_GROUP
from rules.data.objects import LIFECYCLE
from rules.data.stores import BUCKET, CACHE, DATABASE, PLAN, RELEASE, SELECTION, VELERO_SCHEDULE

from tests.policies.mutation import Change, Mutant, add, drop, put


def _long(
    title: str, change: Change, *says: str, at: str = "", rule: str = "copies-erased-in-time"
) -> Mutant:
    return Mutant(rule=rule, title=title, change=change, says=says, at=at)


def _kept(noun: str, path: str, days: int) -> Change:
    return put(LIFECYCLE, f"rules.0.{path}", days, f"{noun}-lifecycle")


_OLD, _NOW = "noncurrentVersionExpiration.noncurrentDays", "expiration.days"
_LOKI = "platform-operators-logs-loki"

MUTANTS: tuple[Mutant, ...] = (
    _long(
        "the database's own backups", put(DATABASE, "backupRetentionPeriod", 35),
        "backups are kept for 35 days, longer than 30",
    ),
    _long(
        "statements in Performance Insights",
        put(DATABASE, "performanceInsightsRetentionPeriod", 731),
        "Performance Insights keeps statements for 731 days, longer than 30",
    ),
    _long(
        "backups in the second region", put(LOG_REPLICATION, "retentionPeriod", 35),
        "backups in the second region are kept for 35 days, longer than 30",
    ),
    _long(
        "a copy of a snapshot", put(PLAN, "rules.0.copyActions.0.lifecycle.deleteAfter", 365),
        "what daily makes is kept for 365 days, longer than 30",
    ),
    _long(
        "snapshots for ever", put(PLAN, "rules.0.lifecycle", {}),
        "what daily makes is kept for ever",
    ),
    _long(
        "a lock that allows a year", put(VAULT_LOCK, "maxRetentionDays", 365),
        "it lets recovery points be kept for 365 days",
    ),
    _long(
        "a lock that allows everything", drop(VAULT_LOCK, "maxRetentionDays"),
        "it lets recovery points be kept for any number of days",
    ),
    _long(
        "snapshots of the cache", put(CACHE, "snapshotRetentionLimit", 35),
        "snapshots are kept for 35 days, longer than 30",
    ),
    _long(
        "copies of the cluster's objects", put(VELERO_SCHEDULE, "spec.template.ttl", "2160h0m0s"),
        "copies of the cluster's objects are kept for 90 days, longer than 30",
        rule="velero-copies-end",
    ),
    _long(
        "dumps", _kept("storage-dumps", _NOW, 60),
        "objects live 61 days, longer than 30",
        at="storage-dumps",
    ),
    _long(
        "the replica of the dumps", _kept("storage-dumps-replica", _NOW, 90),
        "objects live 91 days, longer than 30",
        at="storage-dumps-replica",
    ),
    _long(
        "deleted files", _kept("storage-files", _OLD, 90),
        "objects live 90 days, longer than 30",
        at="storage-files",
    ),
    _long(
        "deleted copies of Velero", _kept("storage-velero", _OLD, 30),
        "objects live 30 days, longer than 7",
        at="storage-velero",
    ),
    _long(
        "access logs", _kept("storage-logs", _NOW, 365),
        "objects live 366 days, longer than 30",
        at="storage-logs",
    ),
    _long(
        "the audit trail", _kept("storage-audit", _NOW, 3650),
        "objects live 3651 days, longer than 365",
        at="storage-audit",
    ),
    _long(
        "old versions of files in the vaults",
        add(
            SELECTION,
            "files",
            {},
            {
                "resources": (BUCKET, "storage-files"),
                "planId": (PLAN, "backup-plan"),
            },
        ),
        "objects live 29 days and 30 in the vaults, longer than 30",
        at="storage-files",
    ),
    _long(
        "logs of pods", put(RELEASE, "values.loki.limits_config.retention_period", "2160h", _LOKI),
        "logs of pods are kept for 90 days, longer than 30",
        rule="pod-logs-end",
    ),
    _long(
        "logs of pods for ever",
        put(RELEASE, "values.loki.limits_config.retention_period", "0s", _LOKI),
        "logs of pods are kept for ever",
        rule="pod-logs-end",
    ),
    _long(
        "logs that nobody deletes",
        put(RELEASE, "values.loki.compactor.retention_enabled", False, _LOKI),
        "logs of pods are never deleted",
        rule="pod-logs-end",
    ),
    _long(
        "evidence of requests",
        put(RELEASE, "values.loki.limits_config.retention_stream.0.period", "17520h", _LOKI),
        "evidence of requests is kept for 730 days, longer than 365",
        rule="pod-logs-end",
    ),
    Mutant(
        rule="evidence-ends",
        title="two years",
        change=put(LOG_GROUP, "retentionInDays", 731, "edge-firewall-cdn"),
        says=("it is kept for 731 days, longer than 365",),
    ),
    Mutant(
        rule="evidence-ends",
        title="for ever",
        change=drop(LOG_GROUP, "retentionInDays", "database-postgresql-log"),
        says=("it is kept for ever",),
    ),
)  # fmt: skip
