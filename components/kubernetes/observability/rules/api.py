"""The guide's three alerts with right maths, the error budget, and what to do without metrics.

Meets MON-03, MON-05 to MON-07, ENV-20, ISSUE-01.

- MON-05: a share of the requests with a floor on traffic. The guide's rate per series is no share.
- MON-06: the quantile of the last five minutes over all pods. The guide's is since each start.
- MON-07: memory against the container's limit; the guide's absolute 1000 MiB for the API's job
  only, since without a job Prometheus itself fires it.
- The budget of the objective, over two windows each so that an alert also ends soon (Google, "The
  Site Reliability Workbook", chapter 5): 2 % of a month's budget in an hour or 5 % in six wake
  somebody, 10 % in a day or three days are for the morning.

The application has no /metrics today (A5). Until it has, errors and latency are judged at the load
balancer (components/alarm_table.py), and what stands here is `ApiMetricsMissing`, which tells
nobody because it is known.

Refused: error rate from nginx's stub_status, which counts no status codes.
"""

from __future__ import annotations

from collections.abc import Iterator

from components.kubernetes.observability.rules.model import (
    API_JOB,
    Alert,
    Group,
    Record,
    Watched,
)
from settings.alarms import AlarmsSettings
from settings.observability import ObservabilitySettings

# How much faster than allowed the budget burns, and the long and short window of each.
FAST = ((14.4, "1h", "5m"), (6.0, "6h", "30m"))
SLOW = ((3.0, "1d", "2h"), (1.0, "3d", "6h"))
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
JOB = f'job="{API_JOB}"'
FLOOR_WINDOWS = {"1h": 12, "1d": 288}  # as many times five minutes


def api(settings: ObservabilitySettings, alarms: AlarmsSettings, watched: Watched) -> Group:
    rules: tuple[Alert | Record, ...] = (_missing(watched),)
    if watched.api_metrics:
        rules = (*_records(settings), *_guide(settings, alarms), *_budget(settings), *rules)
    return Group(name="archesai", rules=rules)  # the guide's name (MON-04)


def _records(settings: ObservabilitySettings) -> Iterator[Record]:
    failed = f'{JOB},{settings.status_label}=~"5.."'
    for window in WINDOWS:
        yield Record(
            name=f"job:http_requests_errors:ratio_rate{window}",
            expr=f"sum by (job) (rate(http_requests_total{{{failed}}}[{window}]))"
            f" / sum by (job) (rate(http_requests_total{{{JOB}}}[{window}]))",
        )


def _guide(settings: ObservabilitySettings, alarms: AlarmsSettings) -> Iterator[Alert]:
    failed = f'{JOB},{settings.status_label}=~"5.."'
    timed = ",".join(filter(None, (JOB, settings.latency_matcher)))
    yield Alert(
        name="HighErrorRate",
        expr=f"sum by (job) (rate(http_requests_total{{{failed}}}[5m]))"
        f" / sum by (job) (rate(http_requests_total{{{JOB}}}[5m]))"
        f" > {alarms.error_percent / 100:g}"
        f" and {_enough('5m', settings.error_floor_requests)}",
        severity="critical",
        owner="application",
        runbook="api-errors",
        summary="High error rate detected",
        description="{{ $value | humanizePercentage }} of the requests of {{ $labels.job }} fail "
        f"with 5xx; allowed are {alarms.error_percent} %.",
    )
    yield Alert(
        name="HighLatency",
        expr="histogram_quantile(0.95, sum by (job, le) "
        f"(rate(http_request_duration_seconds_bucket{{{timed}}}[5m])))"
        f" > {alarms.latency_seconds:g}",
        severity="warning",
        owner="application",
        runbook="api-latency",
        summary=f"95th percentile latency above {alarms.latency_seconds:g}s",
        description="The slowest 5 % of the requests of {{ $labels.job }} take more than "
        "{{ $value | humanizeDuration }}.",
    )
    yield Alert(
        name="ProcessMemoryHigh",
        expr=f"process_resident_memory_bytes{{{JOB}}} / 1024 / 1024"
        f" > {settings.process_memory_mib}",
        severity="warning",
        owner="application",
        runbook="memory",
        summary=f"Memory usage above {settings.process_memory_mib} MiB",
        description='{{ $labels.pod }} holds {{ $value | printf "%.0f" }} MiB.',
    )
    yield Alert(
        name="GoroutineLeak",
        expr=f"go_goroutines{{{JOB}}} > {settings.goroutines}",
        lasts="15m",
        severity="warning",
        owner="application",
        runbook="memory",
        summary="Goroutines pile up",
        description='{{ $labels.pod }} has {{ $value | printf "%.0f" }} goroutines; they hold '
        "memory until it is killed.",
    )


def _budget(settings: ObservabilitySettings) -> Iterator[Alert]:
    budget = 1 - settings.objective_percent / 100
    told = (
        f"The promise is {settings.objective_percent:g} % of requests without an error in 30 days."
    )
    yield Alert(
        name="ErrorBudgetBurnsFast",
        expr=f"({_burns(FAST, budget)}) and {_enough('1h', settings.error_floor_requests)}",
        lasts="2m",
        severity="critical",
        owner="application",
        runbook="api-errors",
        summary="The error budget of the month will be gone in days",
        description=told + " {{ $value | humanizePercentage }} of the requests of "
        "{{ $labels.job }} fail.",
    )
    yield Alert(
        name="ErrorBudgetBurnsSlowly",
        expr=f"({_burns(SLOW, budget)}) and {_enough('1d', settings.error_floor_requests)}",
        lasts="15m",
        severity="warning",
        owner="application",
        runbook="api-errors",
        summary="The error budget will not last for the month",
        description=told + " {{ $value | humanizePercentage }} of the requests of "
        "{{ $labels.job }} fail.",
    )


def _burns(pairs: tuple[tuple[float, str, str], ...], budget: float) -> str:
    return " or ".join(
        f"(job:http_requests_errors:ratio_rate{long}{{{JOB}}} > {factor * budget:.6g}"
        f" and job:http_requests_errors:ratio_rate{short}{{{JOB}}} > {factor * budget:.6g})"
        for factor, long, short in pairs
    )


def _enough(window: str, requests: int) -> str:
    least = requests * FLOOR_WINDOWS.get(window, 1)
    return f"sum by (job) (increase(http_requests_total{{{JOB}}}[{window}])) >= {least}"


def _missing(watched: Watched) -> Alert:
    """MON-03. The comparison makes a target that answers nothing as absent as no target."""
    return Alert(
        name="ApiMetricsMissing",
        expr=f"absent(up{{{JOB}}} == 1)",
        severity="warning" if watched.api_metrics else "none",
        owner="application",
        runbook="api-metrics",
        summary="Prometheus gets no metrics from the API",
        description="No pod of {{ $labels.job }} answers on /metrics: its errors, latency and "
        "error budget are seen at the load balancer only.",
    )
