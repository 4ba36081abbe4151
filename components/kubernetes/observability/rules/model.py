"""What an alert and a recording rule say of themselves, and what is watched; everything as data.

Meets MON-08: an alert has a severity, an owner, a summary, a description with values and a runbook,
or it cannot be written down at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from components.kubernetes.workloads.shape import APPLICATION, Task, Workload
from settings.backup import OBJECTIVE_MINUTES
from settings.velero import VeleroSettings

# none: meant to be seen, and nobody is told (the heartbeat, a state that is known).
Severity = Literal["critical", "warning", "none"]
Owner = Literal["application", "data", "platform"]
OWNERS: tuple[Owner, ...] = ("application", "data", "platform")
API = "api"
API_JOB = f"{APPLICATION}-{API}"  # the label `job` that MON-02 asks for
REDIS = "redis"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert.

    expr: PromQL; its labels are what a person is told about. lasts: how long it must be true.
    runbook: stem of docs/runbooks/<stem>.md, also the label `about`, by which a critical alert
    silences the warnings of the same matter. summary, description: Prometheus templates.
    """

    name: str
    expr: str
    severity: Severity
    owner: Owner
    runbook: str
    summary: str
    description: str
    lasts: str = "5m"

    def rule(self) -> dict[str, Any]:
        """As it stands in a rule group."""
        return {
            "alert": self.name,
            "expr": self.expr,
            **({} if self.lasts == "0s" else {"for": self.lasts}),
            "labels": {"severity": self.severity, "owner": self.owner, "about": self.runbook},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook": f"docs/runbooks/{self.runbook}.md",
            },
        }


@dataclass(frozen=True, kw_only=True)
class Record:
    """A recording rule; its name says level, metric and operation (Prometheus, best practices)."""

    name: str
    expr: str

    def rule(self) -> dict[str, Any]:
        return {"record": self.name, "expr": self.expr}


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rules that are evaluated together, one after the other."""

    name: str
    rules: tuple[Alert | Record, ...]

    @property
    def alerts(self) -> tuple[Alert, ...]:
        return tuple(each for each in self.rules if isinstance(each, Alert))


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What there is to watch, read from the declarations of what runs.

    jobs: the label `job` of everything of ours that Prometheus must see. api_metrics: the
    application has /metrics (A5: not yet). redis: the cache is pods of ours, not ElastiCache.
    daily: CronJobs that run every day or more often. velero: how often the cluster's objects are
    copied, and how long that takes.
    """

    namespace: str
    jobs: tuple[str, ...] = ()
    api_metrics: bool = False
    redis: bool = False
    daily: tuple[str, ...] = ()
    velero: VeleroSettings = field(default_factory=VeleroSettings)

    @property
    def backup_too_old_minutes(self) -> int:
        """From this age on a copy breaks the objective: it holds what was there when it began."""
        return OBJECTIVE_MINUTES - self.velero.copy_minutes

    @property
    def backup_late_minutes(self) -> int:
        """Half-way between the age that is usual and the one that is too old."""
        return (self.velero.every_minutes + self.backup_too_old_minutes) // 2


def watched(
    namespace: str,
    workloads: Iterable[Workload],
    tasks: Iterable[Task] = (),
    velero: VeleroSettings | None = None,
) -> Watched:
    """What these declarations give to watch."""
    scraped = {each.component: each.name for each in workloads if each.metrics}
    return Watched(
        namespace=namespace,
        jobs=tuple(sorted(scraped.values())),
        api_metrics=API in scraped,
        redis=REDIS in scraped,
        daily=tuple(sorted(each.name for each in tasks if runs_daily(each.schedule))),
        velero=velero or VeleroSettings(),
    )


def runs_daily(schedule: str) -> bool:
    """Whether a cron line names every day: the last three of its five fields are open."""
    return schedule.split()[2:] == ["*", "*", "*"]


def either(*names: str) -> str:
    """A matcher's value for any of these names."""
    return "|".join(names)


def grown(series: str, window: str) -> str:
    """How much a counter grew. One that has just appeared was nothing before, which increase()
    cannot see: it needs two samples."""
    return f"(({series} unless {series} offset {window}) or increase({series}[{window}]))"


def with_sidecars(expr: str) -> str:
    """The same of the containers beside the main one: native sidecars are init containers to
    kube-state-metrics (docs/metrics/workload/pod-metrics.md, `kube_pod_init_container_*`)."""
    return f"({expr} or {expr.replace('kube_pod_container_', 'kube_pod_init_container_')})"
