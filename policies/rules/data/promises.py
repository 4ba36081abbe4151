"""Promises: less than an hour is lost, and less than an hour passes until it is back.

The arithmetic of settings/recovery.py, made again from what is deployed: schedules, replications,
alarms, times of names. What no resource decides (how fast AWS restores, how fast people answer) are
the same estimates, with their sources there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from rules.data.backup import LOG_REPLICATION
from rules.data.storage import REPLICATION, holds_copies
from rules.data.stores import (
    BUCKET,
    CRON_JOB,
    DATABASE,
    PLAN,
    SELECTION,
    VAULT,
    alerts,
    for_customers,
    longest_gap,
    number,
    once_a_stack,
    region,
)
from rules.documents import said
from rules.model import Item, Props, Rule, Stack, StackRule

OBJECTIVE_MINUTES = 60
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
RECORD = "aws:route53/record:Record"
NEVER = 10**6  # minutes; longer than any objective
# What AWS Backup takes where nothing is said: a week (CreateBackupPlan, CompletionWindowMinutes).
LONGEST_COMPLETION_MINUTES = 10080

# RDS user guide, "Restoring a DB instance to a specified time": within the last five minutes.
LOG_MINUTES = 5
# AWS prescriptive guidance, "RDS PITR snapshot replication": 5 to 30 minutes.
LOG_REPLICATION_MINUTES = 30

# Bringing the database back after a mistake (settings/recovery.py), without the alarm and
# the names, which are deployed.
ANSWER, DECIDE, RESTORE, FIRST_PAGES, POINT, SMOKE_TEST = 5, 5, 20, 5, 5, 5
BY_HAND_MINUTES = ANSWER + DECIDE + RESTORE + FIRST_PAGES + POINT + SMOKE_TEST

_JOB_AGE = "kube_cronjob_status_last_successful_time"
_JOBS = re.compile(r'cronjob=~?"([^"]*)"')
_SECONDS = re.compile(r"> (\d+)")


# -- what is lost --------------------------------------------------------------------------------
@for_customers
def _database_loss(database: Item, stack: Stack) -> Iterator[str]:
    logs = bool(number(database.props.at("backupRetentionPeriod")))
    snapshot = _snapshot_minutes(database, stack)
    lost = LOG_MINUTES if logs else snapshot
    if lost >= OBJECTIVE_MINUTES:
        yield f"a mistake loses {_told(lost)}"
    replicated = any(
        region(each, stack) != region(database, stack)
        for each in stack.parts(LOG_REPLICATION, "sourceDbInstanceArn", database)
    )
    lost = LOG_MINUTES + LOG_REPLICATION_MINUTES if logs and replicated else snapshot
    if lost >= OBJECTIVE_MINUTES:
        yield f"the loss of a region loses {_told(lost)}"


def _snapshot_minutes(database: Item, stack: Stack) -> int:
    """From one snapshot of AWS Backup to the next, and until it has ended and been copied."""
    return min(
        (
            _period(rule) + number(rule.get("completionWindow", LONGEST_COMPLETION_MINUTES))
            for selection in stack.parts(SELECTION, "resources", database)
            for plan in stack.sources(selection, "planId", PLAN)
            for rule in plan.props.at("rules", [])
        ),
        default=NEVER,
    )


def _period(rule: Props) -> int:
    try:
        return longest_gap(str(rule.get("schedule", "")))
    except ValueError:
        return NEVER  # backup-plan-daily says it


def _told(minutes: int) -> str:
    return "all of it" if minutes >= NEVER else f"up to {minutes} minutes of it"


@for_customers
def _files_loss(bucket: Item, stack: Stack) -> Iterator[str]:
    if holds_copies(bucket, stack):
        return
    for config in stack.parts(REPLICATION, "bucket", bucket):
        for rule in config.props.at("rules", []):
            if rule.at("destination.replicationTime.status") != "Enabled":
                yield "nothing promises when its replica has an object"
                continue
            within = number(rule.at("destination.replicationTime.time.minutes"))
            if within >= OBJECTIVE_MINUTES:
                yield f"its replica may be {within} minutes behind"
            if rule.at("destination.metrics.status") != "Enabled":
                yield "nobody can see whether its replica is late"
            elif not _copying_watched(bucket, stack):
                yield "nobody is told when an object cannot be copied"


def _copying_watched(bucket: Item, stack: Stack) -> bool:
    return any(
        alarm.props.at("metricName") == "OperationsFailedReplication"
        for alarm in stack.parts(ALARM, "dimensions", bucket)
    )


# -- how long it takes ---------------------------------------------------------------------------
@for_customers
def _database_back(database: Item, stack: Stack) -> Iterator[str]:
    windows = _windows(stack)
    if not windows:
        yield "nobody is told that the application is down"
        return
    names = [
        -(-number(record.props.at("ttl")) // 60)
        for record in stack.parts(RECORD, "records", database)
    ]
    alarm, name = max(windows), max(names, default=0)
    total = alarm + BY_HAND_MINUTES + name
    if total >= OBJECTIVE_MINUTES:
        yield (
            f"it is back after {total} minutes: alarm {alarm}, people and restore "
            f"{BY_HAND_MINUTES}, names {name}"
        )


@once_a_stack
def _windows(stack: Stack) -> list[int]:
    """Minutes until people are told that no target of a load balancer is healthy."""
    return [
        number(alarm.props.at("period")) * number(alarm.props.at("evaluationPeriods")) // 60
        for balancer in stack.of(BALANCER)
        for alarm in stack.parts(ALARM, "dimensions", balancer)
        if alarm.props.at("metricName") == "HealthyHostCount"
        and alarm.props.at("actionsEnabled", True)
        and said(alarm.props, "alarmActions")
    ]


# -- who is told ---------------------------------------------------------------------------------
def _jobs_watched(job: Item, stack: Stack) -> Iterator[str]:
    """The newest dump, the newest erasure: an alert on their age, later than the next run is due
    and not by a second one."""
    name = str(job.props.at("metadata.name"))
    try:
        gap = longest_gap(str(job.props.at("spec.schedule", ""))) * 60
    except ValueError:
        yield "when it runs cannot be read"
        return
    ages = _job_ages(stack).get(name)
    if not ages:
        yield "nobody is told when it stops"
    elif not gap < min(ages) < 2 * gap:
        yield f"people are told after {min(ages) // 60} minutes, and it runs every {gap // 60}"


@once_a_stack
def _job_ages(stack: Stack) -> dict[str, list[int]]:
    """CronJob -> the ages in seconds of its last success at which an alert tells."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for alert in alerts(stack):
        if _JOB_AGE in (text := str(alert.get("expr", ""))):
            names = {name for each in _JOBS.findall(text) for name in each.split("|")}
            for name in names:
                found[name] += map(int, _SECONDS.findall(text))
    return dict(found)


@for_customers
def _vault_watched(vault: Item, stack: Stack) -> Iterator[str]:
    plans = stack.parts(PLAN, "rules", vault)
    if not plans or region(vault, stack) != region(plans[0], stack):
        return  # copies are watched where they come from
    alarms = stack.parts(ALARM, "dimensions", vault)
    silent = [
        alarm
        for alarm in alarms
        if alarm.props.at("metricName") == "NumberOfBackupJobsCompleted"
        and alarm.props.at("treatMissingData") == "breaching"
    ]
    if not silent:
        yield "nobody is told when backups stop without a word"
    if not any(a.props.at("metricName") == "NumberOfBackupJobsFailed" for a in alarms):
        yield "nobody is told when a backup fails"


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="rpo-database",
        sentence="Less than an hour of the database is lost, even with its region.",
        types=(DATABASE,),
        severity="critical",
        requirements=("DR-02", "CHK-DR-01", "BAK-01"),
        controls=("SOC2 A1.2", "ISO27001 A.5.29", "ISO27001 A.8.13"),
        why="Customers would enter a day's work again, or never.",
        fix="keep automated backups and set backup.replicateLogs",
        url="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIT.html",
        evidence=("backupRetentionPeriod", "backupWindow"),
        judge=_database_loss,
    ),
    StackRule(
        name="rpo-files",
        sentence="Less than an hour of people's files is lost, even with their region.",
        types=(BUCKET,),
        severity="high",
        requirements=("DR-02", "CHK-DR-01"),
        controls=("SOC2 A1.2", "ISO27001 A.5.29"),
        why="Nobody could say which files are missing after a disaster.",
        fix="set storage.replicationTimeControl",
        url="https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
        "replication-time-control.html",
        evidence=("bucket",),
        judge=_files_loss,
    ),
    StackRule(
        name="rto-database",
        sentence="The database is back within an hour, counted from the alarm.",
        types=(DATABASE,),
        severity="high",
        requirements=("DR-01", "CHK-DR-01", "MON-09"),
        controls=("SOC2 A1.2", "SOC2 CC7.5", "ISO27001 A.5.29", "ISO27001 A.5.30"),
        why="Customers would stand still for longer than we promise.",
        fix="shorten the alarm's window or the name's time to live",
        url="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIT.html",
        evidence=("identifier", "instanceClass"),
        judge=_database_back,
    ),
    StackRule(
        name="cron-job-watched",
        sentence="People are told when a job that makes dumps or erases data has not succeeded.",
        types=(CRON_JOB,),
        severity="high",
        requirements=("BAK-05", "GDPR-03", "MON-09", "DR-02"),
        controls=("SOC2 CC7.2", "ISO27001 A.8.16"),
        why="Dumps and erasures are promises, and a job that stopped breaks them silently.",
        fix="name it in the alert on kube_cronjob_status_last_successful_time",
        url="https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/",
        evidence=("metadata.name", "spec.schedule"),
        judge=_jobs_watched,
    ),
    StackRule(
        name="vault-watched",
        sentence="Where customers are served, people are told when backups fail or stop.",
        types=(VAULT,),
        severity="high",
        requirements=("DR-02", "MON-09", "CHK-INFRA-07"),
        controls=("SOC2 CC7.2", "ISO27001 A.8.16"),
        why="Backups that stopped weeks ago are found on the day that they are needed.",
        fix="keep the alarms of components/alarm_table.py",
        url="https://docs.aws.amazon.com/aws-backup/latest/devguide/cloudwatch.html",
        evidence=("name", "kmsKeyArn"),
        judge=_vault_watched,
    ),
)  # fmt: skip
