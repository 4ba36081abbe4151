"""Lifetimes: what a person erases leaves every copy of it, in the time that is promised.

The promise is settings/lifetimes.py's: 30 days, and what the services need to act on a period that
is over. Copies of the cluster's objects hold no data of the application's users, and evidence of
who did what is kept for a year; both have a bound of their own here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rules.data.backup import LOG_REPLICATION, VAULT_LOCK, retentions
from rules.data.objects import lifecycles
from rules.data.storage import originals, takes_trail
from rules.data.stores import (
    BUCKET,
    CACHE,
    DATABASE,
    PLAN,
    RELEASE,
    SELECTION,
    VELERO_SCHEDULE,
    minutes,
    number,
)
from rules.data.velero import velero
from rules.model import Item, NotApplicable, Props, Rule, Stack, StackRule

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
ERASURE_DAYS = 30
# S3 hides an expired object at the midnight after its last day and removes it a day later, at the
# midnight after that (S3 user guide, "Lifecycle rules").
MECHANICS_DAYS = 3
# AUDIT-01, AUDIT-03: the guide's year of evidence.
EVIDENCE_DAYS = 365
# Old versions of Velero's own copies, which Velero deletes by itself (settings/storage.py).
VELERO_GRACE_DAYS = 7

_DAY = 24 * 60


def _too_long(what: str, days: int, most: int = ERASURE_DAYS) -> Iterator[str]:
    if days > most:
        yield f"{what} for {days} days, longer than {most}"


def _database(item: Item, _stack: Stack) -> Iterator[str]:
    yield from _too_long("backups are kept", number(item.props.at("backupRetentionPeriod")))
    yield from _too_long(
        "Performance Insights keeps statements",
        number(item.props.at("performanceInsightsRetentionPeriod")),
    )


def _replicated(item: Item, _stack: Stack) -> Iterator[str]:
    days = number(item.props.at("retentionPeriod", 7))
    yield from _too_long("backups in the second region are kept", days)


def _plan(item: Item, _stack: Stack) -> Iterator[str]:
    for name, days in retentions(item):
        if not days:
            yield f"what {name} makes is kept for ever"
        yield from _too_long(f"what {name} makes is kept", days)


def _lock(item: Item, _stack: Stack) -> Iterator[str]:
    most = number(item.props.at("maxRetentionDays"))
    if not 0 < most <= ERASURE_DAYS:
        yield f"it lets recovery points be kept for {most or 'any number of'} days"


def _cache(item: Item, _stack: Stack) -> Iterator[str]:
    yield from _too_long("snapshots are kept", number(item.props.at("snapshotRetentionLimit")))


def _schedule(props: Props) -> Iterator[str]:
    ttl = str(props.at("spec.template.ttl", "720h"))  # Velero's own default
    yield from _too_long("copies of the cluster's objects are kept", -(-minutes(ttl) // _DAY))


def _logs_of_pods(props: Props) -> Iterator[str]:
    if props.at("chart") != "loki":
        raise NotApplicable("is not Loki")
    if not props.at("values.loki.compactor.retention_enabled"):
        yield "logs of pods are never deleted"
        return
    limits = "values.loki.limits_config"
    days = -(-minutes(str(props.at(f"{limits}.retention_period", "0s"))) // _DAY)
    if not days:
        yield "logs of pods are kept for ever"
    yield from _too_long("logs of pods are kept", days)
    for each in props.at(f"{limits}.retention_stream", []):
        yield from _too_long(
            "evidence of requests is kept", -(-minutes(str(each["period"])) // _DAY), EVIDENCE_DAYS
        )


def _bucket(item: Item, stack: Stack) -> Iterator[str]:
    """An object lives until it expires, or until its owner deletes it, and then as a version."""
    both = (item, *originals(item, stack))
    evidence = any(takes_trail(each, stack) for each in both)
    copies = any(item in stack.sources(each, "values", BUCKET) for each in velero(stack))
    most = EVIDENCE_DAYS if evidence else VELERO_GRACE_DAYS if copies else ERASURE_DAYS
    for rule in lifecycles(item, stack):
        days = number(rule.at("expiration.days"))
        days += number(rule.at("noncurrentVersionExpiration.noncurrentDays"))
        held = max((days for _, days in _selected(item, stack)), default=0)
        if days + held > most + MECHANICS_DAYS:
            beside = f" and {held} in the vaults" if held else ""
            yield f"objects live {days} days{beside}, longer than {most}"


def _selected(bucket: Item, stack: Stack) -> Iterator[tuple[str, int]]:
    """What backup plans make of a bucket: such a copy holds its old versions too."""
    for selection in stack.parts(SELECTION, "resources", bucket):
        for plan in stack.sources(selection, "planId", PLAN):
            yield from retentions(plan)


_OF_TYPE: Mapping[str, Callable[[Item, Stack], Iterator[str]]] = {
    DATABASE: _database,
    LOG_REPLICATION: _replicated,
    PLAN: _plan,
    VAULT_LOCK: _lock,
    CACHE: _cache,
    BUCKET: _bucket,
}


def _erased(item: Item, stack: Stack) -> Iterator[str]:
    yield from _OF_TYPE[item.type](item, stack)


def _evidence(item: Item, _stack: Stack) -> Iterator[str]:
    days = number(item.props.at("retentionInDays"))
    if not days:
        yield "it is kept for ever"
    yield from _too_long("it is kept", days, EVIDENCE_DAYS)


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="copies-erased-in-time",
        sentence=f"What a person erases leaves every copy within {ERASURE_DAYS} days.",
        types=tuple(_OF_TYPE),
        severity="high",
        requirements=("GDPR-04", "BAK-04", "LB-25"),
        controls=("GDPR 5", "GDPR 17", "SOC2 C1.2", "ISO27001 A.5.34", "ISO27001 A.8.10"),
        why="We would tell people that their data is gone while it lies in a backup.",
        fix="shorten it, or give it a reason in settings/lifetimes.py and a bound here",
        url="https://eur-lex.europa.eu/eli/reg/2016/679/oj",
        evidence=(
            "backupRetentionPeriod", "performanceInsightsRetentionPeriod", "retentionPeriod",
            "rules.*.lifecycle.deleteAfter", "maxRetentionDays", "snapshotRetentionLimit", "bucket",
        ),
        judge=_erased,
    ),
    Rule(
        name="velero-copies-end",
        sentence=f"Copies of the cluster's objects end after {ERASURE_DAYS} days.",
        types=(VELERO_SCHEDULE,),
        severity="medium",
        requirements=("DR-05", "GDPR-04"),
        controls=("GDPR 5", "SOC2 C1.2", "ISO27001 A.8.10"),
        why="Thousands of them would be kept, each with what was in the cluster on its day.",
        fix="set velero.keepHours",
        url="https://velero.io/docs/main/api-types/schedule/",
        evidence=("spec.template.ttl",),
        judge=_schedule,
    ),
    Rule(
        name="pod-logs-end",
        sentence=f"Logs of pods end after {ERASURE_DAYS} days, evidence of requests after a year.",
        types=(RELEASE,),
        severity="high",
        requirements=("LOG-01", "GDPR-04", "AUDIT-01"),
        controls=("GDPR 5", "GDPR 17", "SOC2 C1.2", "ISO27001 A.8.10"),
        why="What people did would stay readable long after they were told that it is gone.",
        fix="set operators.logging.retentionDays",
        url="https://grafana.com/docs/loki/latest/operations/storage/retention/",
        evidence=("values.loki.limits_config.retention_period",),
        judge=_logs_of_pods,
    ),
    StackRule(
        name="evidence-ends",
        sentence="Logs that are kept as evidence end after a year.",
        types=(LOG_GROUP,),
        severity="medium",
        requirements=("GDPR-04", "AUDIT-01", "AUDIT-03", "LOG-01"),
        controls=("GDPR 5", "SOC2 C1.2", "ISO27001 A.8.10"),
        why="Addresses and names of people would be kept for longer than anybody can justify.",
        fix="set retention_in_days to 365 at most",
        url="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/"
        "Working-with-log-groups-and-streams.html",
        evidence=("retentionInDays", "name"),
        judge=_evidence,
    ),
)  # fmt: skip
