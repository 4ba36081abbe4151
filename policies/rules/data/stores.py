"""What holds data, and how the rooms about data read it: types, schedules, documents.

`STATEFUL` is the list that tests and reports ask: what must never be lost by accident.
"""

from __future__ import annotations

import calendar
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import wraps
from typing import Any, TypeVar

from rules.model import Item, NotApplicable, Props, Stack
from rules.provider import home

DATABASE = "aws:rds/instance:Instance"
PARAMETERS = "aws:rds/parameterGroup:ParameterGroup"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
BUCKET = "aws:s3/bucket:Bucket"
VAULT = "aws:backup/vault:Vault"
PLAN = "aws:backup/plan:Plan"
SELECTION = "aws:backup/selection:Selection"
KEY = "aws:kms/key:Key"
CLUSTER = "aws:eks/cluster:Cluster"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
CRON_JOB = "kubernetes:batch/v1:CronJob"
RELEASE = "kubernetes:helm.sh/v3:Release"
ALERTS = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"
VELERO_SCHEDULE = "kubernetes:velero.io/v1:Schedule"

STATEFUL = (DATABASE, CACHE, BUCKET, VAULT, KEY)

# Security Hub lists the controls of a service on one page each.
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide"
RDS_CONTROLS = f"{_HUB}/rds-controls.html"
CACHE_CONTROLS = f"{_HUB}/elasticache-controls.html"
S3_CONTROLS = f"{_HUB}/s3-controls.html"

T = TypeVar("T")
Judge = Callable[[Item, Stack], Iterable[str]]


def for_customers(judge: Judge) -> Judge:
    """A demand that binds only where customers are served; elsewhere it costs more than it saves
    (docs/adr/0007)."""

    @wraps(judge)
    def judged(subject: Item, stack: Stack) -> Iterator[str]:
        if stack.serves_customers:
            yield from judge(subject, stack)

    return judged


def once_a_stack(look: Callable[[Stack], T]) -> Callable[[Stack], T]:
    """What is looked up in a whole stack is looked up once for all its subjects."""

    @wraps(look)
    def remembered(stack: Stack) -> T:
        kept = vars(stack).setdefault("_remembered", {})
        if look not in kept:
            kept[look] = look(stack)
        return kept[look]

    return remembered


@once_a_stack
def alerts(stack: Stack) -> list[Props]:
    """Every alert of Prometheus."""
    return [
        alert
        for each in stack.of(ALERTS)
        for group in each.props.at("spec.groups", [])
        for alert in group.get("rules", [])
        if "alert" in alert
    ]


def number(value: Any) -> int:
    """A whole number however it is written (4, 4.0, "4"), 0 for nothing. Raises ValueError."""
    return int(float(value)) if value not in (None, "") else 0


def region(item: Item, stack: Stack) -> str:
    """Where an AWS resource is: its own region, or its provider's."""
    return item.props.at("region") or stack.once(home)


def parameters(props: Props) -> dict[str, str]:
    """A parameter group's rows: name -> value. Raises Undecided."""
    return {str(row["name"]): str(row["value"]) for row in props.at("parameters", [])}


# -- documents in a ConfigMap --------------------------------------------------------------------
def files(props: Props, name: str) -> list[str]:
    """The documents of that file name in a ConfigMap. Raises Undecided.

    Keys end with the file's name; before it stands where it is mounted.
    """
    data = props.at("data", {})
    return [str(data[key]) for key in data if key == name or key.endswith(f"_{name}")]


def only_with(props: Props, name: str) -> str:
    """A ConfigMap's document of that file name. Raises NotApplicable where it holds none."""
    for text in files(props, name):
        return text
    raise NotApplicable(f"holds no {name}")


def ini(text: str) -> dict[str, str]:
    """The `key = value` lines of a document like pgbouncer.ini."""
    pairs = (line.partition("=") for line in text.splitlines() if line.lstrip()[:1] not in ";#[")
    return {key.strip(): value.strip() for key, mark, value in pairs if mark}


def directives(text: str) -> dict[str, str]:
    """The `name words` lines of a document like redis.conf; the last of a name wins, as there."""
    lines = (line.split(maxsplit=1) for line in text.splitlines() if line.lstrip()[:1] != "#")
    return {words[0]: words[1] if len(words) > 1 else "" for words in lines if words}


# -- times ---------------------------------------------------------------------------------------
_MONTHS = {calendar.month_abbr[month].upper(): month for month in range(1, 13)}
# Python's week begins on Monday, cron's on Sunday.
_WEEKDAYS = {calendar.day_abbr[day].upper(): (day + 1) % 7 for day in range(7)}
_SHORTHAND = {"@hourly": 60, "@daily": 1440, "@midnight": 1440, "@weekly": 10080}
_UNITS = {"minute": 1, "hour": 60, "day": 1440}
_DAY = 24 * 60
# A year and a month from a Thursday: every weekday, month and length of month comes up.
_DAYS = [date(2026, 1, 1) + timedelta(days=day) for day in range(400)]


def minutes(duration: str) -> int:
    """Whole minutes of a duration as Go writes it: "720h", "1h30m0s". Raises ValueError."""
    parts = re.findall(r"(\d+)([hms])", duration)
    if not parts or "".join(f"{n}{unit}" for n, unit in parts) != duration:
        raise ValueError(duration)
    return sum(int(n) * {"h": 3600, "m": 60, "s": 1}[unit] for n, unit in parts) // 60


def longest_gap(schedule: str) -> int:
    """Minutes from one run to the next at worst: cron of Kubernetes or AWS, rate(...), @every.

    Raises ValueError: a schedule that cannot be read, or that never runs.
    """
    schedule = schedule.strip()
    if schedule in _SHORTHAND:
        return _SHORTHAND[schedule]
    if schedule.startswith("@every "):
        return minutes(schedule.removeprefix("@every "))
    if rate := re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", schedule):
        return int(rate[1]) * _UNITS[rate[2]]
    return _gap_of_cron(schedule)


def _gap_of_cron(schedule: str) -> int:
    aws = schedule.startswith("cron(")
    fields = schedule.removeprefix("cron(").removesuffix(")").split()
    if len(fields) != (6 if aws else 5) or (aws and fields[5] != "*"):
        raise ValueError(schedule)
    at, hours = _values(fields[0], 0, 59), _values(fields[1], 0, 23)
    times = sorted(hour * 60 + minute for hour in hours for minute in at)
    days = _values(fields[2], 1, 31)
    months = _values(fields[3], 1, 12, _MONTHS)
    # AWS counts weekdays from 1, cron from 0 and takes 7 for Sunday as well.
    shift = 1 if aws else 0
    weekdays = {
        (day - shift) % 7
        for day in _values(fields[4], shift, 7, {d: n + shift for d, n in _WEEKDAYS.items()})
    }
    either = not aws and fields[2] != "*" and fields[4] != "*"  # cron: one of both is enough
    dates = [
        place
        for place, day in enumerate(_DAYS)
        if day.month in months
        and (any if either else all)((day.day in days, day.isoweekday() % 7 in weekdays))
    ]
    if len(dates) == len(_DAYS):
        dates = dates[:2]  # any day is like the next
    runs = [place * _DAY + time for place in dates for time in times]
    if len(runs) < 2:
        raise ValueError(schedule)
    return max(after - before for before, after in itertools.pairwise(runs))


def _values(text: str, low: int, high: int, names: Mapping[str, int] | None = None) -> set[int]:
    found: set[int] = set()
    for part in text.upper().split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span in ("*", "?"):
            start, end = low, high
        else:
            start = _value(first, names)
            end = _value(last, names) if last else (high if step else start)
        if not low <= start <= end <= high:
            raise ValueError(text)
        found.update(range(start, end + 1, int(step or 1)))
    return found


def _value(text: str, names: Mapping[str, int] | None) -> int:
    return names[text] if names and text in names else int(text)
