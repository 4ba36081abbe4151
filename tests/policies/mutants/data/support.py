"""What runs on a version that nobody repairs; the day of the tests is 21 November 2026."""

from __future__ import annotations

from rules.data.stores import CACHE, CLUSTER, DATABASE

from tests.policies.mutation import Change, Mutant, drop, put


def _broken(rule: str, title: str, change: Change, *says: str) -> Mutant:
    return Mutant(rule=rule, title=title, change=change, says=says)


MUTANTS: tuple[Mutant, ...] = (
    _broken(
        "eks-in-support", "over since July", put(CLUSTER, "version", "1.33"),
        "Kubernetes 1.33 has been out of standard support since 2026-07-29",
    ),
    _broken(
        "eks-in-support", "eleven days left", put(CLUSTER, "version", "1.34"),
        "Kubernetes 1.34 leaves standard support in 11 days, on 2026-12-02",
    ),
    _broken(
        "eks-in-support", "a version that nobody looked up", put(CLUSTER, "version", "1.40"),
        "nobody has looked up how long Kubernetes 1.40 is supported",
    ),
    _broken(
        "eks-in-support", "whatever AWS chooses", drop(CLUSTER, "version"),
        "no version is said, so that AWS chooses one",
    ),
    _broken(
        "rds-in-support", "over since February", put(DATABASE, "engineVersion", "13.20"),
        "PostgreSQL 13 has been out of standard support since 2026-02-28",
    ),
    _broken(
        "rds-in-support", "a version that nobody looked up", put(DATABASE, "engineVersion", "19.1"),
        "nobody has looked up how long PostgreSQL 19 is supported",
    ),
    _broken(
        "redis-in-support", "71 days left", put(CACHE, "engineVersion", "6.2"),
        "redis 6 leaves standard support in 71 days, on 2027-01-31",
    ),
    _broken(
        "redis-in-support", "over since January", put(CACHE, "engineVersion", "5.0.6"),
        "redis 5 has been out of standard support since 2026-01-31",
    ),
    _broken(
        "redis-in-support", "an engine that nobody looked up", put(CACHE, "engine", "dragonfly"),
        "nobody has looked up how long dragonfly 7 is supported",
    ),
)  # fmt: skip
