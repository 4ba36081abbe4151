"""Every store of data: by what it comes back, what is lost at worst, and how long that takes.

Pure arithmetic over the settings, for tests, documents and auditors; nothing is made here. Meets
DR-01, DR-02 and CHK-DR-01: `promises` says what each mechanism loses, `RECOVERIES` how long it
takes to be back after each kind of loss, `objectives` has one row for each store, and tests hold
all of them against one hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from settings.backup import OBJECTIVE_MINUTES, BackupSettings
from settings.cache import CacheSettings
from settings.storage import StorageSettings
from settings.velero import VeleroSettings

if TYPE_CHECKING:
    from settings.environment import Environment

DATABASE, FILES, OBJECTS, SECRETS = "database", "files", "cluster objects", "secrets"
CACHE, IMAGES, STATE = "cache", "images", "state of other environments"
LOGS, AUDIT, METRICS = "access logs", "audit trail", "metrics and logs in the cluster"

# Which store each bucket is, or is a copy of (components/storage.py).
BUCKETS: Mapping[str, str] = {
    "dumps": DATABASE,
    "velero": OBJECTS,
    "access_logs": LOGS,
    "files": FILES,
    "audit": AUDIT,
    "state": STATE,
}


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What is lost of one store at worst, by one mechanism.

    period_minutes: from one copy to the next. delay_minutes: from a copy's start until it is safe.
    counts: true where DR-02 rests on this mechanism; false for a second line, which may be older,
    and for what holds nothing of its own.
    alarms: what tells that the mechanism has stopped: rows of components/alarm_table.py, events and
    RDS's categories of components/alarms.py, Prometheus alerts. unwatched: why nothing tells, where
    nothing does.
    """

    store: str
    mechanism: str
    period_minutes: int
    delay_minutes: int
    counts: bool
    alarms: tuple[str, ...] = ()
    unwatched: str = ""

    @property
    def worst_loss_minutes(self) -> int:
        return self.period_minutes + self.delay_minutes


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """How long it takes to be back after one kind of loss, all in minutes.

    before: what has to be done first (notice, decide). branches: what runs at the same time, each
    a chain of steps. after: what comes last.
    """

    loss: str
    before: tuple[tuple[str, int], ...]
    branches: tuple[tuple[tuple[str, int], ...], ...]
    after: tuple[tuple[str, int], ...]

    @property
    def minutes(self) -> int:
        def total(steps: tuple[tuple[str, int], ...]) -> int:
            return sum(minutes for _, minutes in steps)

        longest = max((total(branch) for branch in self.branches), default=0)
        return total(self.before) + longest + total(self.after)

    @property
    def minutes_in_sequence(self) -> int:
        """The same work done one after the other: what DR-01 warns of."""
        steps = (*self.before, *(step for branch in self.branches for step in branch), *self.after)
        return sum(minutes for _, minutes in steps)


def _versions(store: str) -> Promise:
    return Promise(
        store=store,
        mechanism="versions in the bucket",
        period_minutes=0,
        delay_minutes=0,
        counts=True,
        unwatched="every write makes a version",
    )


# One row for each store and mechanism that no setting decides (DR-02). Sources: RDS user guide,
# "Restoring a DB instance to a specified time" (latest restorable time typically within five
# minutes); durations for the dump.
_ALWAYS: tuple[Promise, ...] = (
    Promise(
        store=DATABASE,
        mechanism="point-in-time recovery in the region",
        period_minutes=5,
        delay_minutes=0,
        counts=True,
        # RDS-EVENT-0028, "Disabled automated backups".
        alarms=("configuration change",),
    ),
    Promise(
        store=DATABASE,
        mechanism="pg_dump in the bucket of dumps and its replica",
        period_minutes=24 * 60,
        delay_minutes=60,
        counts=False,
        alarms=("CronJobOverdue", "CronJobFailed"),
    ),
    Promise(
        store=OBJECTS,
        mechanism="this program, run again",
        period_minutes=0,
        delay_minutes=0,
        counts=True,
        unwatched="nothing of it runs: it is a repository",
    ),
    Promise(
        store=SECRETS,
        mechanism="Secrets Manager, and the program's encrypted state",
        period_minutes=0,
        delay_minutes=0,
        counts=True,
        alarms=("SecretNotSynced",),
    ),
    Promise(
        store=IMAGES,
        mechanism="registry; built again from the commit that the tag names",
        period_minutes=0,
        delay_minutes=0,
        counts=False,
        # A pod whose image cannot be pulled.
        alarms=("PodNotReady",),
    ),
    Promise(
        store=LOGS,
        mechanism="delivered by the load balancer every five minutes; observation, not data",
        period_minutes=5,
        delay_minutes=10,
        counts=False,
        unwatched="observation, not data",
    ),
    Promise(
        store=AUDIT,
        mechanism="delivered by CloudTrail, locked in its bucket",
        period_minutes=5,
        delay_minutes=15,
        counts=True,
        unwatched="CloudTrail has no metric and no event for it: `aws cloudtrail get-trail-status`",
    ),
    Promise(
        store=METRICS,
        mechanism="two replicas on their own volumes; observation, not data",
        period_minutes=24 * 60,
        delay_minutes=0,
        counts=False,
        alarms=("TargetDown", "TargetAbsent"),
    ),
)

_STANDBY = Promise(
    store=DATABASE,
    mechanism="Multi-AZ standby, written in the same transaction",
    period_minutes=0,
    delay_minutes=0,
    counts=True,
    alarms=("failover",),
)
# AWS prescriptive guidance, "RDS PITR snapshot replication": 5 to 30 minutes.
_SHIPPED = Promise(
    store=DATABASE,
    mechanism="transaction logs replicated to the second region",
    period_minutes=5,
    delay_minutes=30,
    counts=True,
    unwatched="RDS has no metric and no event for it: docs/runbooks/backups.md says how to look",
)


def _snapshots(backup: BackupSettings) -> Promise:
    tests = ("restore-test",) if backup.restore_test else ()
    return Promise(
        store=DATABASE,
        mechanism="AWS Backup snapshot and its copy in the second region",
        period_minutes=24 * 60,
        delay_minutes=300,
        counts=False,
        alarms=("backup-failed", "backup-copy-failed", "backup-missing", *tests),
    )


_NOTICE = (("alarm fires and a person answers", 10), ("decide", 5))
_VERIFY = (("smoke test", 5),)
# Durations of a Multi-AZ instance and of a cluster, upper ends (durations, databases and EKS): a
# restore of little data takes 8 to 12 minutes and one Multi-AZ instance 9 to 20; blocks of a
# restored volume arrive on first use. The drill of BAK-06 replaces these estimates by measurements.
_RESTORE = (("restore to a point in time", 20), ("first pages and statistics", 5))
_CLUSTER = (
    ("network", 3),
    ("control plane", 10),
    ("nodes and add-ons", 6),
    ("workloads", 8),
)

# One row for each kind of loss that DR-01 has to survive. Estimates, see above.
RECOVERIES: tuple[Recovery, ...] = (
    Recovery(
        loss="a zone",
        before=(),
        branches=(
            (("database failover", 2), ("clients connect again", 5)),
            (("cache failover", 1),),
            (("pods start on other nodes", 3),),
        ),
        after=(),
    ),
    Recovery(
        loss="data, by a mistake",
        before=_NOTICE,
        branches=(_RESTORE,),
        after=(("point the program at the new instance", 5), *_VERIFY),
    ),
    Recovery(
        loss="the cluster",
        before=_NOTICE,
        branches=(_CLUSTER,),
        after=_VERIFY,
    ),
    Recovery(
        loss="the region",
        before=_NOTICE,
        branches=(_RESTORE, _CLUSTER, (("edge and certificates", 10),)),
        after=(("names point to the second region", 2), *_VERIFY),
    ),
)

_BY_LOSS = {recovery.loss: recovery for recovery in RECOVERIES}
_MISTAKE = _BY_LOSS["data, by a mistake"]


def _after_notice(loss: str, *steps: tuple[str, int]) -> Recovery:
    return Recovery(loss=loss, before=_NOTICE, branches=(steps,), after=_VERIFY)


def _at_once(loss: str, *steps: tuple[str, int]) -> Recovery:
    return Recovery(loss=loss, before=(), branches=(steps,), after=())


@dataclass(frozen=True, kw_only=True)
class Objective:
    """One store.

    promises: what brings it back. recovery: the slowest way to have it again. unique: it holds
    what nothing else holds, so that both objectives bind it.
    """

    store: str
    promises: tuple[Promise, ...]
    recovery: Recovery

    @property
    def unique(self) -> bool:
        return any(promise.counts for promise in self.promises)

    @property
    def loss_minutes(self) -> int:
        """The worst of the mechanisms that the promise rests on, each for another kind of loss."""
        counted = [promise for promise in self.promises if promise.counts]
        return max((each.worst_loss_minutes for each in counted), default=0)

    @property
    def kept(self) -> bool:
        """Less than an hour is lost, and it is back in less than an hour."""
        if self.recovery.minutes >= OBJECTIVE_MINUTES:
            return False
        return not self.unique or self.loss_minutes < OBJECTIVE_MINUTES


def promises(env: Environment) -> tuple[Promise, ...]:
    """Every mechanism that this environment has, with the times that its settings give it."""
    rows = [*_ALWAYS, _snapshots(env.backup), *_of_files(env.storage)]
    rows += [_of_velero(env.velero), _of_cache(env.cache)]
    if env.database.multi_az:
        rows.append(_STANDBY)
    if env.backup.replicate_logs:
        rows.append(_SHIPPED)
    if env.storage.state_bucket:
        rows.append(_versions(STATE))
    return tuple(rows)


def _of_files(storage: StorageSettings) -> Iterator[Promise]:
    yield _versions(FILES)
    if storage.replicate:
        # "Most objects replicate within 15 minutes", only time control promises it (S3 user guide,
        # "Replicating objects" and "Replication time control").
        timed = storage.replication_time_control
        yield Promise(
            store=FILES,
            mechanism="replica in the second region, "
            + ("with replication time control" if timed else "with no promise of a time"),
            period_minutes=0,
            delay_minutes=15,
            counts=timed,
            # What fails. What is only late is S3's own promise: it tells of it by no event that
            # EventBridge gets, and by a metric of the second region.
            alarms=("replication-files",) if timed else (),
            unwatched="" if timed else "S3 measures only what it promises a time for",
        )


def _of_velero(velero: VeleroSettings) -> Promise:
    """DR-04; copyMinutes is the margin for the copy itself."""
    return Promise(
        store=OBJECTS,
        mechanism=f"Velero, every {velero.every_minutes} minutes",
        period_minutes=velero.every_minutes,
        delay_minutes=velero.copy_minutes,
        counts=True,
        alarms=("ClusterBackupLate", "ClusterBackupTooOld", "ClusterBackupUnknown"),
    )


def _of_cache(cache: CacheSettings) -> Promise:
    """Neither kind counts: the cache holds nothing that the database does not (REDIS-03)."""
    if cache.kind == "elasticache":
        return Promise(
            store=CACHE,
            mechanism="daily snapshots; the cache holds nothing that the database does not",
            period_minutes=24 * 60,
            delay_minutes=60,
            counts=False,
            unwatched="nothing is lost with it",
        )
    lost = cache.in_cluster.loss_window_seconds
    return Promise(
        store=CACHE,
        mechanism=f"replicas and append-only files of {cache.nodes} members; a primary that is cut "
        f"off loses {lost} s",
        period_minutes=0,
        delay_minutes=_minutes(lost),
        counts=False,
        alarms=("CacheReplicationBroken", "CacheNotPersisted"),
    )


def recoveries(cache: CacheSettings) -> Mapping[str, Recovery]:
    """Store -> the slowest way in which it comes back after it is lost in its region."""
    inside = cache.kind == "sentinel"
    failover = _minutes(cache.in_cluster.failover_seconds) if inside else 1
    return {
        DATABASE: _MISTAKE,
        FILES: _after_notice("files, by a mistake", ("bring the versions back", 20)),
        OBJECTS: _BY_LOSS["the cluster"],
        SECRETS: _after_notice(
            "a secret, by a mistake",
            ("restore it within its window", 5),
            ("External Secrets fetches it", 15),
        ),
        CACHE: _at_once("the primary", ("failover", failover), ("caches fill again", 5)),
        IMAGES: _after_notice("an image", ("build it again from its commit", 25)),
        STATE: _after_notice("a state, by a mistake", ("bring the version back", 10)),
        LOGS: _at_once("access logs: delivery goes on"),
        AUDIT: _at_once("the trail: locked, delivery goes on"),
        METRICS: _at_once("a volume: the other replica answers"),
    }


def objectives(env: Environment) -> tuple[Objective, ...]:
    """One row for each store of this environment."""
    rows, back = promises(env), recoveries(env.cache)
    stores = dict.fromkeys(row.store for row in rows)
    return tuple(
        Objective(
            store=store,
            promises=tuple(row for row in rows if row.store == store),
            recovery=back[store],
        )
        for store in stores
    )


def _minutes(seconds: int) -> int:
    return -(-seconds // 60)
