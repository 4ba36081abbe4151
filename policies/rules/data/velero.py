"""Velero: the cluster's objects are copied often, to the right place, and somebody watches."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.data.stores import (
    BUCKET,
    CLUSTER,
    CRON_JOB,
    DEPLOYMENT,
    RELEASE,
    STATEFUL_SET,
    VELERO_SCHEDULE,
    alerts,
    longest_gap,
    once_a_stack,
)
from rules.documents import said
from rules.model import Item, Props, Rule, Stack, StackRule

# The promise (DR-02, CHK-DR-01), and the guide's half an hour from one copy to the next (DR-04).
OBJECTIVE_MINUTES = 60
LONGEST_PERIOD_MINUTES = 30
# What a copy may take until it is safe (settings/velero.py).
COPY_MINUTES = 15

_VELERO = "https://velero.io/docs/main"
_AGE = re.compile(r"time\(\) - max\(velero_backup_last_successful_timestamp[^)]*\) > (\d+)")


@once_a_stack
def velero(stack: Stack) -> list[Item]:
    """The releases of Velero."""
    return [each for each in stack.of(RELEASE) if each.props.at("chart") == "velero"]


def _objects_copied(_cluster: Item, stack: Stack) -> Iterator[str]:
    if not _schedules(stack):
        yield "nothing copies its objects: no Schedule is in Velero's namespace"
    elif missing := _not_copied(stack):
        yield f"objects of these namespaces are not copied: {', '.join(missing)}"


@once_a_stack
def _schedules(stack: Stack) -> list[Item]:
    """Those in Velero's namespace: others are ignored."""
    homes = {str(release.props.at("namespace")) for release in velero(stack)}
    found = stack.of(VELERO_SCHEDULE)
    return [each for each in found if str(each.props.at("metadata.namespace")) in homes]


@once_a_stack
def _not_copied(stack: Stack) -> list[str]:
    copied = {
        str(name)
        for each in _schedules(stack)
        if not each.props.at("spec.paused")
        for name in each.props.at("spec.template.includedNamespaces", ["*"])
    }
    ours = stack.of(DEPLOYMENT, STATEFUL_SET, CRON_JOB)
    wanted = {str(each.props.at("metadata.namespace")) for each in ours}
    return [] if "*" in copied else sorted(wanted - copied)


def _location(schedule: Item, stack: Stack) -> Iterator[str]:
    wanted = schedule.props.at("spec.template.storageLocation", "default")
    found = False
    for release in velero(stack):
        for place in release.props.at("values.configuration.backupStorageLocation", []):
            if place["name"] != wanted:
                continue
            found = True
            if not said(place, "config.kmsKeyId"):
                yield f"{wanted} is not encrypted with a key of ours"
            buckets = stack.sources(release, "values", BUCKET)
            if any(stack.parts(CRON_JOB, "spec", bucket) for bucket in buckets):
                yield f"{wanted} is the bucket of the dumps, whose lock Velero cannot lift"
    if not found:
        yield f"no location is named {wanted}, so that every backup fails"


def _often(props: Props) -> Iterator[str]:
    if props.at("spec.paused"):
        yield "it is paused"
    try:
        period = longest_gap(str(props.at("spec.schedule", "")))
    except ValueError:
        yield "when it runs cannot be read"
        return
    if period > LONGEST_PERIOD_MINUTES or period + COPY_MINUTES >= OBJECTIVE_MINUTES:
        yield f"up to {period} + {COPY_MINUTES} minutes of changes are lost"


def _watched(_schedule: Item, stack: Stack) -> Iterator[str]:
    """A copy ends after what it holds was there: the alarm has to be earlier by as much."""
    limits = _limits(stack)
    if not limits:
        yield "nobody is told when copies stop"
    elif min(limits) + COPY_MINUTES > OBJECTIVE_MINUTES:
        yield f"people are told after {min(limits):g} minutes, when the promise is broken"


@once_a_stack
def _limits(stack: Stack) -> list[float]:
    """Minutes of age at which a critical alert tells."""
    return [
        int(seconds) / 60
        for alert in alerts(stack)
        if alert.at("labels.severity") == "critical"
        for seconds in _AGE.findall(str(alert.get("expr", "")))
    ]


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="cluster-objects-copied",
        sentence="Velero copies the objects of every namespace that runs something of ours.",
        types=(CLUSTER,),
        severity="high",
        requirements=("DR-03", "DR-06", "CHK-INFRA-07"),
        controls=("SOC2 A1.2", "ISO27001 A.8.13"),
        why="A cluster that is lost would come back without what was done to it by hand.",
        fix="put a Schedule that includes them into Velero's namespace",
        url=f"{_VELERO}/api-types/schedule/",
        evidence=("name",),
        judge=_objects_copied,
    ),
    StackRule(
        name="velero-location",
        sentence="Velero's copies go to a declared location under a key of ours.",
        types=(VELERO_SCHEDULE,),
        severity="high",
        requirements=("DR-06", "DR-07"),
        controls=("SOC2 CC6.1", "ISO27001 A.8.24"),
        why="Backups would fail validation, or lie readable in a bucket.",
        fix="name the location of Velero's release, with kmsKeyId and a bucket of its own",
        url=f"{_VELERO}/locations/",
        evidence=("spec.template.storageLocation", "spec.schedule"),
        judge=_location,
    ),
    Rule(
        name="velero-often",
        sentence="Velero copies every half an hour, so that less than an hour is lost.",
        types=(VELERO_SCHEDULE,),
        severity="high",
        requirements=("DR-04", "DR-02", "CHK-DR-01"),
        controls=("SOC2 A1.2", "ISO27001 A.8.13"),
        why="An hourly copy loses an hour and the time that the copy takes.",
        fix="set velero.everyMinutes",
        url=f"{_VELERO}/api-types/schedule/",
        evidence=("spec.schedule",),
        judge=_often,
    ),
    StackRule(
        name="velero-watched",
        sentence="People are told before an hour of the cluster's objects could be lost.",
        types=(VELERO_SCHEDULE,),
        severity="medium",
        requirements=("DR-02", "MON-09", "CHK-DR-01"),
        controls=("SOC2 CC7.2", "ISO27001 A.8.16"),
        why="Backups that stopped weeks ago are found on the day that they are needed.",
        fix="put an alert on the age of the newest copy",
        url="https://velero.io/docs/main/troubleshooting/",
        evidence=("spec.schedule",),
        judge=_watched,
    ),
)  # fmt: skip
