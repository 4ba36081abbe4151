"""How long every copy of people's data lives, beside the promise to erase it.

A pure table over the settings, for tests, documents and auditors; nothing is made here. Meets
GDPR-04 and the retention part of BAK-04, LB-25, LOG-01 and AUDIT-01.

The promise: what is erased in the application leaves every backup and log within
ERASURE_DAYS, plus the days that the services need to act on a period that is over. After a restore
from any of these the erasure job runs again (runbook "restore"). What is kept longer needs a reason
of its own, which is written in its row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from settings.storage import VELERO_GRACE_DAYS

if TYPE_CHECKING:
    from settings.environment import Environment

ERASURE_DAYS = 30
# S3 hides an expired object at the midnight after its last day, and removes the hidden version a
# day later, at the midnight after that: up to three days (S3 user guide, "Lifecycle rules").
MECHANICS_DAYS = 3

_ONE_MIDNIGHT = 1
_LOGS_TAIL = 3  # CloudWatch deletes up to 72 hours after expiry (Logs user guide)
_AUDIT = (
    "evidence of who did what to the infrastructure (AUDIT-03): names of operators and roles, no "
    "data of the application's users"
)
_AUDIT_LOG = (
    "security log of requests (AUDIT-01): user id, address and path, kept for a year as the "
    "guide asks; legitimate interest, in the record of processing"
)
_STATEMENTS = (
    "audit trail of schema and roles; statements without the values of their parameters "
    "(log_parameter_max_length = 0)"
)
_FLOWS = (
    "evidence of who talked to whom: addresses of machines; people come through CloudFront and the "
    "load balancer"
)
_REQUESTS = (
    "security log of requests and names: address and path, neither query strings nor headers that "
    "hold secrets (LOG-04); legitimate interest, in the record of processing"
)


@dataclass(frozen=True, kw_only=True)
class Lifetime:
    """One copy: how many days it is kept, and how many more the service takes to be rid of it.

    days: None where the copy lives as long as the original and follows its deletion.
    reason: why it may outlive the promise; empty where it may not.
    """

    copy: str
    requirement: str
    days: int | None
    tail_days: int
    reason: str = ""

    @property
    def gone_after_days(self) -> int:
        return (self.days or 0) + self.tail_days

    @property
    def keeps_promise(self) -> bool:
        return (self.days or 0) <= ERASURE_DAYS and (
            self.gone_after_days <= ERASURE_DAYS + MECHANICS_DAYS
        )

    @property
    def accepted(self) -> bool:
        return self.keeps_promise or bool(self.reason)


def lifetimes(env: Environment) -> tuple[Lifetime, ...]:
    """Every copy of the environment."""
    storage, backup = env.storage, env.backup
    expired = _ONE_MIDNIGHT + 2  # hidden at the first midnight, removed after a day at the next
    rows = [
        Lifetime(
            copy="dumps and their replica",
            requirement="BAK-04",
            days=storage.dump_days,
            tail_days=expired,
        ),
        Lifetime(
            copy="old and deleted versions of files, and their replica",
            requirement="GDPR-04",
            days=storage.noncurrent_days,
            tail_days=_ONE_MIDNIGHT,
        ),
        Lifetime(
            copy="access logs",
            requirement="LB-25",
            days=storage.access_log_days,
            tail_days=expired,
        ),
        Lifetime(
            copy="automated backups of the database",
            requirement="BAK-01",
            days=env.database.backup_retention_days,
            tail_days=_ONE_MIDNIGHT,
        ),
        Lifetime(
            copy="daily snapshots and their copy in the second region",
            requirement="BAK-01",
            days=backup.keep_days,
            tail_days=_ONE_MIDNIGHT,
        ),
        Lifetime(
            copy="snapshots of the cache",
            requirement="REDIS-03",
            days=env.cache.snapshot_retention_days,
            tail_days=_ONE_MIDNIGHT,
        ),
        Lifetime(
            copy="Velero's backups of cluster objects",
            requirement="DR-05",
            days=env.velero.keep_days,
            tail_days=VELERO_GRACE_DAYS + _ONE_MIDNIGHT,
            reason="objects of the cluster: no data of the application's users",
        ),
        Lifetime(
            copy="application and container logs",
            requirement="LOG-01",
            days=env.operators.logging.retention_days,
            tail_days=_LOGS_TAIL,
        ),
        *_evidence(env),
        Lifetime(
            copy="audit trail",
            requirement="AUDIT-03",
            days=storage.audit_days,
            tail_days=expired,
            reason=_AUDIT,
        ),
    ]
    if backup.hourly:
        rows.append(
            Lifetime(
                copy="hourly snapshots and their copy in the second region",
                requirement="DR-02",
                days=backup.hourly_keep_days,
                tail_days=_ONE_MIDNIGHT,
            )
        )
    if backup.files:
        rows.append(
            Lifetime(
                # A snapshot of a bucket holds its old versions too (AWS Backup developer guide,
                # "Amazon S3 backups"), so both times add up.
                copy="snapshots of files with their old versions, and their copy",
                requirement="GDPR-04",
                days=storage.noncurrent_days + backup.keep_days,
                tail_days=_ONE_MIDNIGHT,
            )
        )
    if backup.replicate_logs:
        rows.append(
            Lifetime(
                copy="automated backups of the database in the second region",
                requirement="DR-02",
                days=backup.keep_days,
                tail_days=_ONE_MIDNIGHT,
            )
        )
    return tuple(rows)


def _evidence(env: Environment) -> Iterator[Lifetime]:
    """The groups of CloudWatch Logs."""
    kept = (
        ("audit log of API requests", "AUDIT-01", env.governance.audit_retention_days, _AUDIT_LOG),
        ("log of the database", "AUDIT-03", env.database.log_retention_days, _STATEMENTS),
        ("log of the control plane", "AUDIT-03", env.cluster.log_retention_days, _AUDIT),
        ("flow logs", "AUDIT-03", env.network.flow_logs.retention_days, _FLOWS),
        ("logs of the firewall and of names", "AUDIT-03", env.edge.log_retention_days, _REQUESTS),
    )
    for copy, requirement, days, reason in kept:
        yield Lifetime(
            copy=copy, requirement=requirement, days=days, tail_days=_LOGS_TAIL, reason=reason
        )
    if env.cache.kind == "elasticache":
        yield Lifetime(
            # A slow command is logged with its arguments.
            copy="log of the cache",
            requirement="LOG-01",
            days=env.cache.log_retention_days,
            tail_days=_LOGS_TAIL,
        )


def broken(rows: Iterable[Lifetime]) -> tuple[Lifetime, ...]:
    """The copies that outlive the promise without a reason; a deployment has none."""
    return tuple(row for row in rows if not row.accepted)
