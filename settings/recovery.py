"""Every store of data: by what it comes back, what is lost at worst, and how long that takes.

Pure arithmetic over the settings, for tests, documents and auditors; nothing is made here. Meets
DR-01, DR-02 and CHK-DR-01: `objectives` has one row for each store, and a test holds each against
one hour. Mechanisms and durations that no setting decides are said in `settings/backup.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from settings.backup import OBJECTIVE_MINUTES, PROMISES, RECOVERIES, Promise, Recovery
from settings.cache import CacheSettings
from settings.storage import StorageSettings
from settings.velero import VeleroSettings

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

_BY_LOSS = {recovery.loss: recovery for recovery in RECOVERIES}
_MISTAKE = _BY_LOSS["data, by a mistake"]
_VERIFY = _MISTAKE.after[-1:]


def _after_notice(loss: str, *steps: tuple[str, int]) -> Recovery:
    return Recovery(loss=loss, before=_MISTAKE.before, branches=(steps,), after=_VERIFY)


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


def promises(
    velero: VeleroSettings, cache: CacheSettings, storage: StorageSettings
) -> tuple[Promise, ...]:
    """Every mechanism, with the times that these settings give it."""
    rows = [_of_settings(row, velero) for row in PROMISES if row.store != CACHE]
    rows.append(_of_cache(cache))
    if storage.state_bucket:
        rows.append(
            Promise(
                store=STATE,
                mechanism="versions in the bucket",
                period_minutes=0,
                delay_minutes=0,
                counts=True,
                alarm="none: every write makes a version",
            )
        )
    return tuple(rows)


def _of_settings(row: Promise, velero: VeleroSettings) -> Promise:
    if not row.mechanism.startswith("Velero"):
        return row
    return replace(
        row,
        mechanism=f"Velero, every {velero.every_minutes} minutes",
        period_minutes=velero.every_minutes,
        delay_minutes=velero.copy_minutes,
    )


def _of_cache(cache: CacheSettings) -> Promise:
    """Neither kind counts: the cache holds nothing that the database does not (REDIS-03)."""
    if cache.kind == "elasticache":
        return next(row for row in PROMISES if row.store == CACHE)
    return Promise(
        store=CACHE,
        mechanism=f"replicas and append-only files of {cache.nodes} members; a primary that is cut "
        f"off loses {cache.in_cluster.loss_window_seconds} s",
        period_minutes=0,
        delay_minutes=_minutes(cache.in_cluster.loss_window_seconds),
        counts=False,
        alarm="Redis without a replica",
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


def objectives(
    velero: VeleroSettings, cache: CacheSettings, storage: StorageSettings
) -> tuple[Objective, ...]:
    """One row for each store of these settings."""
    rows, back = promises(velero, cache, storage), recoveries(cache)
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
