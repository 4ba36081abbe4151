"""Ends of support: nothing runs on a version that nobody repairs, or will not in three months.

`make` asks the calendar of the run (rules/today.py), so a stack that is green today turns red in
time for an upgrade. A version that no row knows is a finding as well: look it up and add it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from rules.data.stores import CACHE, CLUSTER, DATABASE
from rules.model import Item, Rule, Stack, StackRule

# An upgrade of a database or a cluster is tried in staging, then waits for a window.
HORIZON_DAYS = 90

_EKS = "https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html"
_RDS = (
    "https://docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes/"
    "postgresql-release-calendar.html"
)
_COMMUNITY = "https://www.postgresql.org/support/versioning/"
_CACHE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/engine-versions.html"


@dataclass(frozen=True)
class End:
    """When a version leaves standard support; None where no day is announced.

    source: where that is said. seen: when somebody last looked.
    """

    day: date | None
    source: str
    seen: date


# EKS's calendar as settings/eks.py has it. RDS and ElastiCache: the tables of those pages as
# endoflife.date reads them; its copy of RDS's is of early 2025. PostgreSQL 18: the community's last
# release, some months before RDS's own end.
KUBERNETES: Mapping[str, End] = {
    "1.33": End(date(2026, 7, 29), _EKS, date(2026, 4, 24)),
    "1.34": End(date(2026, 12, 2), _EKS, date(2026, 4, 24)),
    "1.35": End(date(2027, 3, 27), _EKS, date(2026, 4, 24)),
    "1.36": End(date(2027, 8, 2), _EKS, date(2026, 9, 16)),
}
POSTGRESQL: Mapping[str, End] = {
    "13": End(date(2026, 2, 28), _RDS, date(2026, 11, 21)),
    "14": End(date(2027, 2, 28), _RDS, date(2026, 11, 21)),
    "15": End(date(2028, 2, 29), _RDS, date(2026, 11, 21)),
    "16": End(date(2029, 2, 28), _RDS, date(2026, 11, 21)),
    "17": End(date(2030, 2, 28), _RDS, date(2026, 11, 21)),
    "18": End(date(2030, 11, 14), _COMMUNITY, date(2026, 11, 21)),
}
REDIS: Mapping[str, End] = {
    "redis 5": End(date(2026, 1, 31), _CACHE, date(2026, 11, 21)),
    "redis 6": End(date(2027, 1, 31), _CACHE, date(2026, 11, 21)),
    "redis 7": End(None, _CACHE, date(2026, 11, 21)),
    "valkey 7": End(None, _CACHE, date(2026, 11, 21)),
    "valkey 8": End(None, _CACHE, date(2026, 11, 21)),
}


def _left(what: str, end: End | None, today: date) -> Iterator[str]:
    if end is None:
        yield f"nobody has looked up how long {what} is supported"
    elif end.day is None:
        return
    elif end.day < today:
        yield f"{what} has been out of standard support since {end.day.isoformat()}"
    elif (days := (end.day - today).days) < HORIZON_DAYS:
        yield f"{what} leaves standard support in {days} days, on {end.day.isoformat()}"


def _major(version: object) -> str:
    return str(version).partition(".")[0]


def _kubernetes(cluster: Item, stack: Stack) -> Iterator[str]:
    version = cluster.props.at("version")
    if not version:
        yield "no version is said, so that AWS chooses one"
        return
    yield from _left(f"Kubernetes {version}", KUBERNETES.get(str(version)), stack.today)


def _postgresql(database: Item, stack: Stack) -> Iterator[str]:
    major = _major(database.props.at("engineVersion", ""))
    yield from _left(f"PostgreSQL {major}", POSTGRESQL.get(major), stack.today)


def _redis(cache: Item, stack: Stack) -> Iterator[str]:
    engine = cache.props.at("engine", "redis")
    name = f"{engine} {_major(cache.props.at('engineVersion', ''))}"
    yield from _left(name, REDIS.get(name), stack.today)


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="eks-in-support",
        sentence=f"The cluster's version is in standard support for {HORIZON_DAYS} days more.",
        types=(CLUSTER,),
        severity="high",
        requirements=("GEN-03",),
        controls=("FSBP EKS.2", "CHECKOV CKV_AWS_339", "SOC2 CC7.1", "ISO27001 A.8.8"),
        why="Holes stay open, the hour costs six times as much, and AWS upgrades when it likes.",
        fix="raise cluster.version by one minor",
        url=_EKS,
        evidence=("version",),
        judge=_kubernetes,
    ),
    StackRule(
        name="rds-in-support",
        sentence=f"The database's version is in standard support for {HORIZON_DAYS} days more.",
        types=(DATABASE,),
        severity="high",
        requirements=("CHK-INFRA-02", "GEN-03"),
        controls=("SOC2 CC7.1", "ISO27001 A.8.8"),
        why="Holes stay open, and AWS upgrades to another major in a window of its choice.",
        fix="raise database.engineVersion as docs/runbooks say",
        url=_RDS,
        evidence=("engine", "engineVersion"),
        judge=_postgresql,
    ),
    StackRule(
        name="redis-in-support",
        sentence=f"The cache's version is in standard support for {HORIZON_DAYS} days more.",
        types=(CACHE,),
        severity="medium",
        requirements=("CHK-INFRA-03", "GEN-03"),
        controls=("SOC2 CC7.1", "ISO27001 A.8.8"),
        why="Holes stay open, and every node costs more by the hour.",
        fix="raise cache.engineVersion",
        url=_CACHE,
        evidence=("engine", "engineVersion"),
        judge=_redis,
    ),
)  # fmt: skip
