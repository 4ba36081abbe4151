"""All rules of Prometheus, and the promises that they and the CloudWatch alarms guard together.

The rules stand in `rules/` beside it, a file for each matter; here they are put together and
rendered. Meets MON-04 (a PrometheusRule with the guide's group), MON-05 to MON-09, ENV-20,
ISSUE-01, CHK-INFRA-06, and the alarm column of DR-02. The runbooks that alerts name, and two for
the guide's own sections, answer DBG-01 to DBG-03, DBG-05 and ISSUE-09.

Refused: the chart's alerts of the same matters. They name a runbook of another project, no owner,
and people would be told twice (`REPLACED`).
"""

from __future__ import annotations

from typing import Any

from components.kubernetes.observability.rules.api import api
from components.kubernetes.observability.rules.cluster import cluster
from components.kubernetes.observability.rules.data import data
from components.kubernetes.observability.rules.model import Alert, Group, Watched
from components.kubernetes.observability.rules.monitoring import (
    backups,
    names,
    own_health,
    secrets,
    targets,
)
from components.kubernetes.observability.rules.pods import jobs, pods
from settings.alarms import AlarmsSettings
from settings.database import DatabaseSettings
from settings.observability import ObservabilitySettings
from settings.pooler import PoolerSettings
from settings.postgres import RESERVED_CONNECTIONS

# Alerts of kube-prometheus-stack that ours replace: values `defaultRules.disabled.<name>: true`.
REPLACED = (
    "AlertmanagerClusterDown",
    "AlertmanagerClusterFailedToSendAlerts",
    "AlertmanagerFailedReload",
    "AlertmanagerFailedToSendAlerts",
    "AlertmanagerMembersInconsistent",
    "KubeContainerWaiting",
    "KubeDeploymentReplicasMismatch",
    "KubeDeploymentRolloutStuck",
    "KubeHpaMaxedOut",
    "KubeJobFailed",
    "KubeNodeNotReady",
    "KubeNodePressure",
    "KubePersistentVolumeFillingUp",
    "KubePersistentVolumeInodesFillingUp",
    "KubePodCrashLooping",
    "KubePodNotReady",
    "KubeQuotaAlmostFull",
    "KubeQuotaExceeded",
    "KubeQuotaFullyUsed",
    "KubeStatefulSetReplicasMismatch",
    "NodeMemoryHighUtilization",
    "PrometheusBadConfig",
    "PrometheusMissingRuleEvaluations",
    "PrometheusNotConnectedToAlertmanagers",
    "PrometheusRuleFailures",
    "TargetDown",
    "Watchdog",
)

# Each promise -> the alerts here and the CloudWatch alarms (by the beginning of their noun) that
# tell when it is about to break. A test finds every name in its own table.
PROMISES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "RPO of the cluster's objects": (("ClusterBackupTooOld", "ClusterBackupUnknown"), ()),
    "RPO of the database": ((), ("backup-missing", "backup-failed", "backup-copy-failed")),
    "RTO: what a failover needs is there": (
        ("WorkloadDown", "NodeNotReady", "BackupLocationUnavailable"),
        ("nodes-1-missing",),
    ),
    "daily dump and erasure": (("CronJobOverdue", "CronJobFailed", "JobFailed"), ()),
    "error budget": (("ErrorBudgetBurnsFast", "ErrorBudgetBurnsSlowly"), ("balancer-errors",)),
    "errors and latency": (("HighErrorRate", "HighLatency"), ("balancer-errors",)),
    "connections of the database": (
        ("DatabaseConnectionsHigh", "PoolSaturated", "PoolClientsWait", "PoolWaitTooLong"),
        ("database-connections",),
    ),
    "nothing is lost in the cache's failover": (
        ("CacheReplicaLags", "CacheReplicationBroken"),
        ("cache-1-lag",),
    ),
    "memory of the cache": (("CacheEvicts", "CacheMemoryHigh"), ("cache-1-memory",)),
    "one session for all pods": (("CacheDegraded",), ()),
    "storage": (("VolumeFull", "VolumeFillsUp"), ("database-storage-critical",)),
    "certificates": (("CertificateEnds",), ("certificate-balancer", "certificate-cdn")),
    "secrets arrive": (("SecretNotSynced",), ()),
    "people are told": (("Watchdog", "AlertmanagerCannotSend", "MetricsAbsent"), ()),
}


def rule_groups(
    settings: ObservabilitySettings,
    alarms: AlarmsSettings,
    pools: PoolerSettings,
    database: DatabaseSettings,
    watched: Watched,
) -> list[Group]:
    """Every group, in the order of the guide's layers."""
    usable = database.max_connections - RESERVED_CONNECTIONS
    return [
        api(settings, alarms, watched),
        pods(settings, watched),
        jobs(settings, watched),
        *data(settings, alarms, pools, watched, usable),
        cluster(settings),
        backups(watched),
        names(settings),
        secrets(),
        targets(watched),
        own_health(),
    ]


def alerts(groups: list[Group]) -> list[Alert]:
    """Every alert of these groups; one name may stand several times, for several things."""
    return [alert for group in groups for alert in group.alerts]


def render(groups: list[Group]) -> dict[str, Any]:
    """The document that Prometheus reads, and the spec of a PrometheusRule."""
    return {
        "groups": [
            {"name": group.name, "rules": [each.rule() for each in group.rules]} for group in groups
        ]
    }
