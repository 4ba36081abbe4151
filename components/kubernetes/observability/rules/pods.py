"""Pods, workloads, rollouts and jobs of the application.

Meets MON-07, MON-09 (restarts), ISSUE-01, LOG-03 and ENV-11 (log lines), BAK-05 and GDPR-03 (a job
that did not run).

Alerts about a pod carry its node, so that a node that is down explains them (alerting.py).
Log lines are counted by the collector (`log_counters`), which sees them anyway.

Refused: Loki's ruler. It needs its own storage, its own way to Alertmanager and a second rule
language that nothing here can test, for two counters.
"""

from __future__ import annotations

from collections.abc import Iterator

from components.kubernetes.observability.rules.model import (
    Alert,
    Group,
    Watched,
    either,
    grown,
    with_sidecars,
)
from settings.observability import ObservabilitySettings

# The line of the application (A13): from then on this pod remembers sessions by itself (ENV-11).
CACHE_DEGRADED = "failed to connect to Redis, using in-memory alternatives"
# Alloy's prefix of counters from log lines (loki.process, stage.metrics).
_PREFIX = "loki_process_custom_"
ERROR_LINES, DEGRADED_LINES = "error_lines_total", "cache_degraded_lines_total"
# A counter that falls silent is dropped; this one stands for as long as its pod may live.
_IDLE = "720h"
# Counters are in the collector's memory and gone when it restarts, while no line is read twice. So
# Prometheus remembers; a week is longer than anybody leaves a critical alert.
_REMEMBERED = "7d"


def log_counters() -> str:
    """Stages of Alloy's loki.process that count the lines which alerts ask for.

    They belong after the stage that leaves the application's own JSON line (A19: slog).
    """
    counters = (
        (ERROR_LINES, "Lines at level ERROR", "level", "ERROR"),
        (DEGRADED_LINES, "Pods that fell back to their own memory", "msg", CACHE_DEGRADED),
    )
    blocks = "".join(
        f"""\
  metric.counter {{
    name              = "{name}"
    description       = "{text}"
    source            = "{source}"
    value             = "{value}"
    action            = "inc"
    max_idle_duration = "{_IDLE}"
  }}
"""
        for name, text, source, value in counters
    )
    return (
        'stage.json {\n  expressions = { level = "level", msg = "msg" }\n}\n'
        f"stage.metrics {{\n{blocks}}}\n"
    )


def pods(settings: ObservabilitySettings, watched: Watched) -> Group:
    ours = f'namespace="{watched.namespace}"'
    rules = (*_memory(settings, ours), *_starts(ours), *_workloads(ours), *_lines(settings, ours))
    return Group(name="archesai-pods", rules=rules)


def _on_node(expr: str) -> str:
    """The pod's node as one more label."""
    node = "topk by (namespace, pod) (1, max by (namespace, pod, node) (kube_pod_info))"
    return f"({expr}) * on (namespace, pod) group_left (node) {node}"


def _restarts(ours: str, window: str) -> str:
    return with_sidecars(f"increase(kube_pod_container_status_restarts_total{{{ours}}}[{window}])")


def _memory(settings: ObservabilitySettings, ours: str) -> Iterator[Alert]:
    of = "namespace, pod, container"
    limit = f'kube_pod_container_resource_limits{{{ours},resource="memory"}}'
    killed = f'kube_pod_container_status_last_terminated_reason{{{ours},reason="OOMKilled"}}'
    yield Alert(
        name="HighMemoryUsage",
        expr=f'max by ({of}) (container_memory_working_set_bytes{{{ours},container!=""}})'
        f" / max by ({of}) {with_sidecars(limit)}"
        f" > {settings.memory_percent / 100:g}",
        severity="warning",
        owner="application",
        runbook="memory",
        summary=f"Memory above {settings.memory_percent} % of the limit",
        description="{{ $labels.container }} of {{ $labels.pod }} uses "
        "{{ $value | humanizePercentage }} of its limit; at 100 % the kernel kills it.",
    )
    yield Alert(
        name="KilledForMemory",
        expr=f"sum by ({of}) {with_sidecars(killed)}"
        f" and sum by ({of}) {_restarts(ours, '15m')} > 0",
        lasts="0s",
        severity="warning",
        owner="application",
        runbook="memory",
        summary="A container was killed at its memory limit",
        description="{{ $labels.container }} of {{ $labels.pod }} was killed for its memory in "
        "the last 15 minutes.",
    )


def _starts(ours: str) -> Iterator[Alert]:
    waits = (
        "max_over_time(kube_pod_container_status_waiting_reason"
        f'{{{ours},reason="CrashLoopBackOff"}}[5m])'
    )
    yield Alert(
        name="PodCrashLooping",
        expr=_on_node(f"max by (namespace, pod, container) {with_sidecars(waits)} >= 1"),
        severity="critical",
        owner="application",
        runbook="pods",
        summary="A container cannot stay up",
        description="{{ $labels.container }} of {{ $labels.pod }} on {{ $labels.node }} ends again "
        "and again.",
    )
    yield Alert(
        name="PodRestarts",
        expr=_on_node(f"sum by (namespace, pod, container) {_restarts(ours, '1h')} > 3"),
        lasts="0s",
        severity="warning",
        owner="application",
        runbook="pods",
        summary="A container restarts too often",
        description="{{ $labels.container }} of {{ $labels.pod }} restarted {{ $value | printf "
        '"%.0f" }} times in an hour.',
    )
    yield Alert(
        name="PodNotReady",
        # Pods of Jobs end by themselves and have their own alerts.
        expr=_on_node(
            f'max by (namespace, pod) (kube_pod_status_ready{{{ours},condition="true"}}) == bool 0'
            f' unless on (namespace, pod) kube_pod_owner{{{ours},owner_kind="Job"}}'
        )
        + " == 1",
        lasts="15m",
        severity="warning",
        owner="application",
        runbook="pods",
        summary="A pod has not been ready for 15 minutes",
        description="{{ $labels.pod }} on {{ $labels.node }} gets no requests.",
    )


def _workloads(ours: str) -> Iterator[Alert]:
    # Aggregated, since each series also carries the pod of kube-state-metrics itself.
    def deployment(metric: str) -> str:
        return f"max by (namespace, deployment) (kube_deployment_{metric}{{{ours}}})"

    def stateful(metric: str) -> str:
        return f"max by (namespace, statefulset) (kube_statefulset_{metric}{{{ours}}})"

    def autoscaler(metric: str) -> str:
        metric = f"kube_horizontalpodautoscaler_{metric}{{{ours}}}"
        return f"max by (namespace, horizontalpodautoscaler) ({metric})"

    yield Alert(
        name="WorkloadDown",
        expr=f"{deployment('status_replicas_available')} == 0"
        f" and {deployment('spec_replicas')} > 0",
        lasts="2m",
        severity="critical",
        owner="application",
        runbook="pods",
        summary="No pod of a workload is available",
        description="All pods of {{ $labels.deployment }} are down.",
    )
    yield Alert(
        name="WorkloadDegraded",
        expr=f"{deployment('spec_replicas')} - {deployment('status_replicas_available')} > 0"
        f" or {stateful('replicas')} - {stateful('status_replicas_ready')} > 0",
        lasts="15m",
        severity="warning",
        owner="application",
        runbook="pods",
        summary="A workload has had too few pods for 15 minutes",
        description='{{ $value | printf "%.0f" }} pods of {{ $labels.deployment }}'
        "{{ $labels.statefulset }} are missing.",
    )
    yield Alert(
        name="RolloutStuck",
        expr="max by (namespace, deployment) (kube_deployment_status_condition{"
        f'{ours},condition="Progressing",status="false"}}) == 1',
        severity="critical",
        owner="application",
        runbook="rollout",
        summary="A rollout does not go on",
        description="{{ $labels.deployment }} passed its deadline; the old pods still serve.",
    )
    yield Alert(
        name="AutoscalerAtMaximum",
        expr=f"{autoscaler('status_current_replicas')} >= {autoscaler('spec_max_replicas')}"
        f" and {autoscaler('spec_max_replicas')} > {autoscaler('spec_min_replicas')}",
        lasts="15m",
        severity="warning",
        owner="application",
        runbook="autoscaler",
        summary="A workload cannot grow any more",
        description="{{ $labels.horizontalpodautoscaler }} has been at its maximum of "
        '{{ $value | printf "%.0f" }} pods for 15 minutes.',
    )


def _lines(settings: ObservabilitySettings, ours: str) -> Iterator[Alert]:
    lines = f"{_PREFIX}{ERROR_LINES}{{{ours}}}"
    degraded = f"{_PREFIX}{DEGRADED_LINES}{{{ours}}}"
    yield Alert(
        name="CacheDegraded",
        # The line comes once, at the pod's start, and is true until the pod is gone.
        expr=f"max by (namespace, pod) (max_over_time({degraded}[{_REMEMBERED}])) > 0"
        " and on (namespace, pod) kube_pod_info",
        lasts="0s",
        severity="critical",
        owner="application",
        runbook="cache-degraded",
        summary="A pod works without the shared cache",
        description="{{ $labels.pod }} did not reach Redis when it started and remembers sessions "
        "by itself until it is restarted.",
    )
    yield Alert(
        name="ErrorLines",
        expr=f"sum by (namespace) ({grown(lines, '5m')}) > {settings.error_lines}",
        severity="warning",
        owner="application",
        runbook="error-lines",
        summary="The application logs many errors",
        description='{{ $value | printf "%.0f" }} lines at level ERROR in 5 minutes.',
    )


def jobs(settings: ObservabilitySettings, watched: Watched) -> Group:
    ours = f'namespace="{watched.namespace}"'

    def last(what: str) -> str:
        return f"max by (namespace, cronjob) (kube_cronjob_status_last_{what}_time{{{ours}}})"

    rules = [
        Alert(
            name="JobFailed",
            expr=f'max by (namespace, job_name) (kube_job_failed{{{ours},condition="true"}}) > 0',
            lasts="0s",
            severity="warning",
            owner="data",
            runbook="jobs",
            summary="A job failed",
            description="{{ $labels.job_name }} gave up after its last retry.",
        ),
        Alert(
            name="CronJobFailed",
            expr=f"{last('schedule')} > {last('successful')}"
            f" and time() - {last('schedule')} > 2 * 3600",
            lasts="0s",
            severity="warning",
            owner="data",
            runbook="jobs",
            summary="The last run of a CronJob did not succeed",
            description="{{ $labels.cronjob }} was started more than two hours ago and has not "
            "ended well since.",
        ),
    ]
    if watched.daily:
        named = f'{ours},cronjob=~"{either(*watched.daily)}"'
        seconds = settings.daily_job_hours * 3600
        done = f"kube_cronjob_status_last_successful_time{{{named}}}"
        rules.append(
            Alert(
                name="CronJobOverdue",
                expr=f"max by (namespace, cronjob) (time() - {done}) > {seconds}"
                " or max by (namespace, cronjob)"
                f" (time() - kube_cronjob_created{{{named}}} unless on (namespace, cronjob) {done})"
                f" > {seconds}",
                lasts="0s",
                severity="critical",
                owner="data",
                runbook="jobs",
                summary=f"A daily job has not succeeded for {settings.daily_job_hours} hours",
                description="{{ $labels.cronjob }} last ended well {{ $value | humanizeDuration }} "
                "ago, or never since it was made; dumps and erasures are promises.",
            )
        )
    return Group(name="archesai-jobs", rules=tuple(rules))
