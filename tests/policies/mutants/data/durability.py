"""What may be lost by accident, or with one zone."""

from __future__ import annotations

from rules.data.stores import BUCKET, CACHE, CLUSTER, DATABASE, KEY, VAULT

from tests.policies.mutation import Change, Mutant, drop, put, unprotect


def _broken(
    rule: str, title: str, change: Change, *says: str, at: str = "", stack: str = "prod"
) -> Mutant:
    return Mutant(rule=rule, title=title, change=change, says=says, at=at, stack=stack)


_ZONE = "the loss of one zone stops it"
_SNAPSHOT = "its deletion takes no final snapshot"

MUTANTS: tuple[Mutant, ...] = (
    *(
        _broken(
            "stateful-protected", f"a {noun} without protection", unprotect(type_, name),
            "`pulumi destroy` may delete it",
            at=name,
        )
        for noun, type_, name in (
            ("database", DATABASE, "database-instance"),
            ("cache", CACHE, "cache-group"),
            ("bucket", BUCKET, "storage-dumps-replica"),
            ("vault", VAULT, "backup-copy-vault"),
            ("key", KEY, "keys-data"),
        )
    ),
    _broken(
        "stateful-not-emptied", "a bucket that empties itself",
        put(BUCKET, "forceDestroy", True, "storage-files"),
        "its deletion deletes every object",
    ),
    _broken(
        "stateful-not-emptied", "a vault that empties itself", put(VAULT, "forceDestroy", True),
        "its deletion deletes every recovery point",
    ),
    _broken("rds-multi-az", "one zone", put(DATABASE, "multiAz", False), _ZONE),
    _broken("rds-multi-az", "not said", drop(DATABASE, "multiAz"), _ZONE),
    _broken(
        "rds-deletion-protected", "off", put(DATABASE, "deletionProtection", False),
        "RDS may delete it",
    ),
    _broken("rds-final-snapshot", "skipped", put(DATABASE, "skipFinalSnapshot", True), _SNAPSHOT),
    _broken(
        "rds-final-snapshot", "without a name", drop(DATABASE, "finalSnapshotIdentifier"),
        _SNAPSHOT,
    ),
    _broken(
        "rds-backups-outlive-it", "RDS's own choice", drop(DATABASE, "deleteAutomatedBackups"),
        "its deletion deletes its automated backups",
    ),
    _broken(
        "rds-backup-retention", "29 days", put(DATABASE, "backupRetentionPeriod", 29),
        "automated backups are kept for 29 days, less than 30",
    ),
    _broken(
        "rds-backup-retention", "none", drop(DATABASE, "backupRetentionPeriod"),
        "automated backups are kept for 0 days, less than 30",
    ),
    _broken(
        "rds-backup-retention", "six days in staging", put(DATABASE, "backupRetentionPeriod", 6),
        "automated backups are kept for 6 days, less than 7",
        stack="staging",
    ),
    _broken(
        "eks-deletion-protected", "off", put(CLUSTER, "deletionProtection", False),
        "EKS may delete it",
    ),
    _broken("redis-multi-az", "one zone", put(CACHE, "multiAzEnabled", False), _ZONE),
    _broken("redis-multi-az", "no failover", put(CACHE, "automaticFailoverEnabled", False), _ZONE),
    _broken(
        "redis-multi-az", "two nodes", put(CACHE, "numCacheClusters", 2),
        "it has 2 nodes, less than 3",
    ),
    _broken(
        "redis-final-snapshot", "without a name", drop(CACHE, "finalSnapshotIdentifier"), _SNAPSHOT
    ),
)  # fmt: skip
