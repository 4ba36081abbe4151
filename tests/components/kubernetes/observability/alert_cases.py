"""For each alert what makes it fire and what must leave it silent, as promtool's series.

`AxN` is the value A, N+1 times; `A+BxN` grows by B. Series are a minute apart, in the slow cases
five, and time begins at zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.kubernetes.observability.rules.model import Watched
from components.kubernetes.observability.rules.monitoring import SOURCES
from settings.alarms import AlarmsSettings
from settings.database import DatabaseSettings
from settings.observability import ObservabilitySettings
from tests.components.test_alarms import settings as alarms_settings
from tests.components.test_database import settings as database_settings
from tests.settings.test_pooler_settings import settings as pooler_settings

NS = 'namespace="production"'
GIB = 1024**3
WATCHED = Watched(
    namespace="production",
    jobs=("archesai-api", "archesai-pooler"),
    api_metrics=True,
    redis=True,
    daily=("archesai-dumps", "archesai-retention"),
)
SETTINGS = ObservabilitySettings()
POOLER = pooler_settings()


def alarms() -> AlarmsSettings:
    return alarms_settings()


def database() -> DatabaseSettings:
    return database_settings()


Series = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Case:
    """times: how many of this alert fire. why: what would be wrong if it were not so.

    sidecar: the container of `fires` is one beside the main one, which is told as the main one is.
    """

    fires: Series
    silent: Series | None
    at: str = "20m"
    times: int = 1
    slow: bool = False
    why: str = field(default="")
    sidecar: bool = False

    def of_sidecar(self) -> dict[str, str]:
        """The same fault in a native sidecar: an init container to kube-state-metrics."""
        return {
            series.replace("kube_pod_container_", "kube_pod_init_container_").replace(
                'container="api"', 'container="cache-tunnel"'
            ): values
            for series, values in self.fires.items()
        }


def _pod(**labels: str) -> str:
    return ",".join([NS, *(f'{key}="{value}"' for key, value in labels.items())])


API = 'job="archesai-api"'
INFO = {f'kube_pod_info{{{NS},pod="api-1",node="n1"}}': "1x60"}


def _requests(good: str, bad: str) -> dict[str, str]:
    return {
        f'http_requests_total{{{API},status="200",pod="api-1"}}': good,
        f'http_requests_total{{{API},status="503",pod="api-2"}}': bad,
    }


def _latency(under_one: str, total: str) -> dict[str, str]:
    bucket = "http_request_duration_seconds_bucket"
    return {
        f'{bucket}{{{API},le="1"}}': under_one,
        f'{bucket}{{{API},le="5"}}': total,
        f'{bucket}{{{API},le="+Inf"}}': total,
    }


def _memory(used: float) -> dict[str, str]:
    container = _pod(pod="api-1", container="api")
    return {
        f"container_memory_working_set_bytes{{{container}}}": f"{used * GIB:.0f}x30",
        f'kube_pod_container_resource_limits{{{container},resource="memory"}}': f"{GIB}x30",
    }


def _deployment(metric: str, value: int) -> dict[str, str]:
    # What kube-state-metrics adds of itself must not reach the alert.
    series = f'kube_deployment_{metric}{{{NS},deployment="archesai-api",pod="state-1"}}'
    return {series: f"{value}x60"}


def _autoscaler(current: int, least: int, most: int) -> dict[str, str]:
    of = f'{{{NS},horizontalpodautoscaler="archesai-api"}}'
    return {
        f"kube_horizontalpodautoscaler_status_current_replicas{of}": f"{current}x60",
        f"kube_horizontalpodautoscaler_spec_min_replicas{of}": f"{least}x60",
        f"kube_horizontalpodautoscaler_spec_max_replicas{of}": f"{most}x60",
    }


def _cron(name: str, *, made: int = 0, started: int | None = None, ended: int | None = None):
    of = f'{{{NS},cronjob="{name}"}}'
    times = {
        "kube_cronjob_created": made,
        "kube_cronjob_status_last_schedule_time": started,
        "kube_cronjob_status_last_successful_time": ended,
    }
    return {f"{metric}{of}": f"{at}x400" for metric, at in times.items() if at is not None}


def _pooler(metric: str, value: int) -> dict[str, str]:
    return {f'pgbouncer_{metric}{{{NS},pod="pooler-1"}}': f"{value}x30"}


def _redis(metric: str, value: str, more: str = "") -> dict[str, str]:
    return {f'redis_{metric}{{{NS},pod="redis-1"{more}}}': value}


def _volume(free: str, size: str) -> dict[str, str]:
    of = '{namespace="monitoring",persistentvolumeclaim="prometheus-0"}'
    return {
        f"kubelet_volume_stats_available_bytes{of}": free,
        f"kubelet_volume_stats_capacity_bytes{of}": size,
    }


def _inodes(free: int, all_of_them: int) -> dict[str, str]:
    of = '{namespace="monitoring",persistentvolumeclaim="prometheus-0"}'
    return {
        f"kubelet_volume_stats_inodes_free{of}": f"{free}x30",
        f"kubelet_volume_stats_inodes{of}": f"{all_of_them}x30",
    }


def _quota(used: int) -> dict[str, str]:
    of = f'{NS},resource="limits.memory",resourcequota="archesai"'
    return {
        f'kube_resourcequota{{{of},type="used"}}': f"{used}x30",
        f'kube_resourcequota{{{of},type="hard"}}': "100x30",
    }


def _condition(condition: str, value: int) -> dict[str, str]:
    of = f'{{node="n1",condition="{condition}",status="true"}}'
    return {f"kube_node_status_condition{of}": f"{value}x30"}


def _newest_backup(at: int) -> dict[str, str]:
    return {
        'velero_backup_last_successful_timestamp{schedule="often"}': f"{at}x200",
        # An old daily one must not hide that the frequent one is fresh.
        'velero_backup_last_successful_timestamp{schedule="daily"}': "60x200",
    }


def _failures(values: str) -> dict[str, str]:
    return {
        f'velero_backup_{kind}_total{{schedule="often"}}': values if kind == "failure" else "0x90"
        for kind in ("failure", "partial_failure", "validation_failure")
    }


def _up(*values: int) -> dict[str, str]:
    return {
        f'up{{namespace="x",job="y",instance="{number}"}}': f"{value}x30"
        for number, value in enumerate(values)
    }


def _sent(failed: str) -> dict[str, str]:
    of = '{namespace="monitoring",integration="sns"}'
    return {
        f"alertmanager_notifications_total{of}": "0+10x30",
        f"alertmanager_notifications_failed_total{of}": failed,
    }


def _members(*seen: int) -> dict[str, str]:
    return {
        f'alertmanager_cluster_members{{namespace="monitoring",pod="alertmanager-{number}"}}': (
            f"{value}x30"
        )
        for number, value in enumerate(seen)
    }


DATABASE = 'namespace="monitoring",datname="archesai"'
TRANSACTION = f"pg_stat_activity_max_tx_duration{{{DATABASE},"
DENIED = "apiserver_validating_admission_policy_check_total"
REJECTED = "apiserver_admission_webhook_rejection_count"
SYNCED = f'externalsecret_status_condition{{{NS},name="cache",condition="Ready",status="False"}}'
LINES = "loki_process_custom"

CASES: dict[str, Case] = {
    # -- the API
    "HighErrorRate": Case(
        fires=_requests("0+90x30", "0+10x30"),
        silent=_requests("0+98x30", "0+2x30"),
        why="a tenth of the requests fails; 2 % are not 5 %",
    ),
    "ErrorBudgetBurnsFast": Case(
        fires=_requests("0+98x90", "0+2x90"),
        # Two in a hundred until half an hour ago: the long windows remember, the short ones not.
        silent=_requests("0+98x90", "0+2x30 60x60"),
        at="80m",
    ),
    "ErrorBudgetBurnsSlowly": Case(
        fires=_requests("0+995x400", "0+5x400"),
        silent=_requests("0+9995x400", "0+5x400"),
        at="30h",
        slow=True,
    ),
    "HighLatency": Case(
        fires=_latency("0+90x30", "0+100x30"), silent=_latency("0+96x30", "0+100x30")
    ),
    "ProcessMemoryHigh": Case(
        fires={f'process_resident_memory_bytes{{{API},pod="api-1"}}': f"{GIB}x30"},
        silent={'process_resident_memory_bytes{job="monitoring-prometheus"}': f"{4 * GIB}x30"},
        why="Prometheus itself needs more than the API may",
    ),
    "GoroutineLeak": Case(
        fires={f'go_goroutines{{{API},pod="api-1"}}': "20000x30"},
        silent={f'go_goroutines{{{API},pod="api-1"}}': "9000x30"},
        at="25m",
    ),
    "ApiMetricsMissing": Case(
        fires={f"up{{{API}}}": "0x30"},
        silent={f"up{{{API}}}": "1x30"},
        why="a target that answers nothing is as absent as none",
    ),
    # -- pods
    "HighMemoryUsage": Case(fires=_memory(0.85), silent=_memory(0.75), sidecar=True),
    "KilledForMemory": Case(
        fires={
            "kube_pod_container_status_last_terminated_reason"
            f'{{{_pod(pod="api-1", container="api")},reason="OOMKilled"}}': "1x30",
            "kube_pod_container_status_restarts_total"
            f"{{{_pod(pod='api-1', container='api')}}}": "0x10 1x20",
        },
        silent={
            "kube_pod_container_status_last_terminated_reason"
            f'{{{_pod(pod="api-1", container="api")},reason="OOMKilled"}}': "1x30",
            "kube_pod_container_status_restarts_total"
            f"{{{_pod(pod='api-1', container='api')}}}": "1x30",
        },
        sidecar=True,
        why="it was killed last week, not now",
    ),
    "PodCrashLooping": Case(
        fires=INFO
        | {
            "kube_pod_container_status_waiting_reason"
            f'{{{_pod(pod="api-1", container="api")},reason="CrashLoopBackOff"}}': "1x30"
        },
        silent=INFO
        | {
            "kube_pod_container_status_waiting_reason"
            f'{{{_pod(pod="api-1", container="api")},reason="ContainerCreating"}}': "1x30"
        },
        sidecar=True,
    ),
    "PodRestarts": Case(
        fires=INFO
        | {
            "kube_pod_container_status_restarts_total"
            f"{{{_pod(pod='api-1', container='api')}}}": "0+0.2x60"
        },
        silent=INFO
        | {
            "kube_pod_container_status_restarts_total"
            f"{{{_pod(pod='api-1', container='api')}}}": "0x30 1x30"
        },
        at="1h",
        sidecar=True,
    ),
    "PodNotReady": Case(
        fires=INFO | {f'kube_pod_status_ready{{{NS},pod="api-1",condition="true"}}': "0x60"},
        silent=INFO
        | {
            f'kube_pod_status_ready{{{NS},pod="api-1",condition="true"}}': "0x60",
            f'kube_pod_owner{{{NS},pod="api-1",owner_kind="Job"}}': "1x60",
        },
        why="a job's pod is never ready again once it has ended",
    ),
    "WorkloadDown": Case(
        fires=_deployment("spec_replicas", 3) | _deployment("status_replicas_available", 0),
        silent=_deployment("spec_replicas", 0) | _deployment("status_replicas_available", 0),
        why="nobody wants a pod of what is scaled to none",
    ),
    "WorkloadDegraded": Case(
        fires=_deployment("spec_replicas", 3)
        | _deployment("status_replicas_available", 2)
        | {
            f'kube_statefulset_replicas{{{NS},statefulset="archesai-redis"}}': "3x60",
            f'kube_statefulset_status_replicas_ready{{{NS},statefulset="archesai-redis"}}': "2x60",
        },
        silent=_deployment("spec_replicas", 3) | _deployment("status_replicas_available", 4),
        times=2,
        why="a rollout has one pod more, not less",
    ),
    "RolloutStuck": Case(
        fires={
            f'kube_deployment_status_condition{{{NS},deployment="archesai-api",'
            'condition="Progressing",status="false"}': "1x30"
        },
        silent={
            f'kube_deployment_status_condition{{{NS},deployment="archesai-api",'
            'condition="Progressing",status="true"}': "1x30"
        },
    ),
    "AutoscalerAtMaximum": Case(
        fires=_autoscaler(10, 3, 10),
        silent=_autoscaler(3, 3, 3),
        at="30m",
        why="what may not grow is always at its maximum",
    ),
    "CacheDegraded": Case(
        # The collector restarts at minute 10 and counts from nothing; the line is not read again.
        fires=INFO | {f'{LINES}_cache_degraded_lines_total{{{NS},pod="api-1"}}': "_x5 1x4 stale"},
        silent=INFO
        | {
            f'{LINES}_cache_degraded_lines_total{{{NS},pod="api-0"}}': "_x5 1x4 stale",
            f'kube_pod_info{{{NS},pod="api-0",node="n1"}}': "1x11 stale",
        },
        at="12m",
        why="the line comes once; a pod that is gone remembers nothing",
    ),
    "ErrorLines": Case(
        fires={f'{LINES}_error_lines_total{{{NS},pod="api-1"}}': "_x5 100+20x30"},
        silent={f'{LINES}_error_lines_total{{{NS},pod="api-1"}}': "_x5 1+2x30"},
    ),
    # -- jobs
    "JobFailed": Case(
        fires={f'kube_job_failed{{{NS},job_name="migrations-1",condition="true"}}': "1x30"},
        silent={f'kube_job_failed{{{NS},job_name="migrations-1",condition="true"}}': "0x30"},
    ),
    "CronJobFailed": Case(
        fires=_cron("archesai-dumps", started=3600, ended=1800),
        silent=_cron("archesai-dumps", started=3600, ended=4200),
        at="4h",
    ),
    "CronJobOverdue": Case(
        # One ended well long ago, one never did.
        fires=_cron("archesai-dumps", ended=3600) | _cron("archesai-retention"),
        silent=_cron("archesai-drill", ended=3600) | _cron("archesai-dumps", ended=18000),
        at="28h",
        times=2,
        slow=True,
        why="a monthly job may be older than a day",
    ),
    # -- the data path
    "PoolerDown": Case(fires=_pooler("up", 0), silent=_pooler("up", 1)),
    "PoolClientsWait": Case(
        fires=_pooler("pools_client_waiting_connections", 11),
        silent=_pooler("pools_client_waiting_connections", 10),
    ),
    "PoolWaitTooLong": Case(
        fires=_pooler("pools_client_maxwait_seconds", 6),
        silent=_pooler("pools_client_maxwait_seconds", 5),
        why="half of query_wait_timeout is the last moment to act",
    ),
    "PoolSaturated": Case(
        fires=_pooler("pools_server_active_connections", 25),
        silent=_pooler("pools_server_active_connections", 24),
        why="80 % of 25 + 5 is 24",
    ),
    "PoolerClientsHigh": Case(
        fires=_pooler("used_clients", 801) | _pooler("config_max_client_connections", 1000),
        silent=_pooler("used_clients", 550) | _pooler("config_max_client_connections", 1000),
    ),
    "GatewayDown": Case(
        fires={f'nginx_up{{{NS},pod="gateway-1"}}': "0x30"},
        silent={f'nginx_up{{{NS},pod="gateway-1"}}': "1x30"},
    ),
    "GatewayDropsConnections": Case(
        fires={
            f'nginx_connections_accepted{{{NS},pod="gateway-1"}}': "0+60x30",
            f'nginx_connections_handled{{{NS},pod="gateway-1"}}': "0+50x30",
        },
        silent={
            f'nginx_connections_accepted{{{NS},pod="gateway-1"}}': "0+60x30",
            f'nginx_connections_handled{{{NS},pod="gateway-1"}}': "0+60x30",
        },
    ),
    "CacheDown": Case(fires=_redis("up", "0x30"), silent=_redis("up", "1x30")),
    "CacheWithoutPrimary": Case(
        fires={f'haproxy_backend_active_servers{{{NS},proxy="primary",pod="cache-1"}}': "0x30"},
        silent={
            f'haproxy_backend_active_servers{{{NS},proxy="primary",pod="cache-1"}}': "0x30",
            f'haproxy_backend_active_servers{{{NS},proxy="primary",pod="cache-2"}}': "1x30",
        },
        why="one front that sees the primary is enough",
    ),
    "CacheReplicationBroken": Case(
        fires=_redis("master_link_up", "0x30"), silent=_redis("master_link_up", "1x30")
    ),
    "CacheReplicaLags": Case(
        fires=_redis("connected_slave_lag_seconds", "6x30", ',slave_ip="10.0.0.1"'),
        silent=_redis("connected_slave_lag_seconds", "5x30", ',slave_ip="10.0.0.1"'),
    ),
    "CacheNotPersisted": Case(
        fires=_redis("rdb_last_bgsave_status", "1x30") | _redis("aof_last_write_status", "0x30"),
        silent=_redis("rdb_last_bgsave_status", "1x30") | _redis("aof_last_write_status", "1x30"),
    ),
    "SentinelQuorumLost": Case(
        fires=_redis("sentinel_master_ckquorum_status", "0x30", ',master_name="mymaster"'),
        silent=_redis("sentinel_master_ckquorum_status", "1x30", ',master_name="mymaster"'),
    ),
    "CacheMemoryHigh": Case(
        fires=_redis("memory_used_bytes", "81x60") | _redis("memory_max_bytes", "100x60"),
        silent=_redis("memory_used_bytes", "81x60") | _redis("memory_max_bytes", "0x60"),
        at="30m",
        why="without maxmemory there is no share",
    ),
    "CacheEvicts": Case(
        fires=_redis("evicted_keys_total", "0+30x30"), silent=_redis("evicted_keys_total", "0+5x30")
    ),
    "CacheKeysNeverExpire": Case(
        fires=_redis("db_keys", "100x90", ',db="db0"')
        | _redis("db_keys_expiring", "40x90", ',db="db0"')
        | _redis("memory_used_bytes", "60x90")
        | _redis("memory_max_bytes", "100x90"),
        silent=_redis("db_keys", "100x90", ',db="db0"')
        | _redis("db_keys_expiring", "40x90", ',db="db0"')
        | _redis("memory_used_bytes", "10x90")
        | _redis("memory_max_bytes", "100x90"),
        at="80m",
        why="in an empty cache nobody has to hurry",
    ),
    "DatabaseUnreachable": Case(
        fires={'pg_up{namespace="monitoring"}': "0x30"},
        silent={'pg_up{namespace="monitoring"}': "1x5 0x1 1x30"},
        why="a failover takes up to two minutes",
    ),
    "DatabaseConnectionsHigh": Case(
        fires={f"pg_stat_database_numbackends{{{DATABASE}}}": "157x30"},
        silent={f"pg_stat_database_numbackends{{{DATABASE}}}": "156x30"},
        why="80 % of 195 is 156",
    ),
    "DatabaseLongTransaction": Case(
        fires={f'{TRANSACTION}state="idle in transaction",application_name="api"}}': "901x30"},
        silent={f'{TRANSACTION}state="active",application_name="pg_dump"}}': "4000x30"},
        why="a dump takes as long as it takes",
    ),
    "DatabaseDeadlocks": Case(
        fires={f"pg_stat_database_deadlocks{{{DATABASE}}}": "0x10 1x20"},
        silent={f"pg_stat_database_deadlocks{{{DATABASE}}}": "1x30"},
    ),
    # -- the cluster
    "NodeNotReady": Case(fires=_condition("Ready", 0), silent=_condition("Ready", 1)),
    "NodeUnderPressure": Case(
        fires=_condition("DiskPressure", 1), silent=_condition("DiskPressure", 0)
    ),
    "NodeMemoryHigh": Case(
        fires={
            'node_memory_MemAvailable_bytes{instance="n1"}': "9x60",
            'node_memory_MemTotal_bytes{instance="n1"}': "100x60",
        },
        silent={
            'node_memory_MemAvailable_bytes{instance="n1"}': "11x60",
            'node_memory_MemTotal_bytes{instance="n1"}': "100x60",
        },
        at="30m",
    ),
    "NodeDiskHigh": Case(
        fires={
            'node_filesystem_avail_bytes{instance="n1",mountpoint="/"}': "10x60",
            'node_filesystem_size_bytes{instance="n1",mountpoint="/"}': "100x60",
        },
        silent={
            'node_filesystem_avail_bytes{instance="n1",mountpoint="/boot"}': "10x60",
            'node_filesystem_size_bytes{instance="n1",mountpoint="/boot"}': "100x60",
        },
        at="30m",
    ),
    "VolumeFull": Case(fires=_volume("4x30", "100x30"), silent=_volume("6x30", "100x30")),
    "VolumeFillsUp": Case(
        fires=_volume("14000-20x100", "100000x100"),
        silent=_volume("10000x100", "100000x100"),
        at="8h",
        slow=True,
        why="what does not grow may stay as it is",
    ),
    "VolumeOutOfInodes": Case(fires=_inodes(4, 100), silent=_inodes(0, 0)),
    "QuotaNearlyUsed": Case(fires=_quota(91), silent=_quota(90)),
    "AdmissionRefuses": Case(
        fires={f'{DENIED}{{policy="digests",enforcement_action="deny"}}': "_x10 1x20"},
        silent={f'{DENIED}{{policy="digests",enforcement_action="audit"}}': "_x10 1x20"},
        why="the first refusal of a policy is a series that was not there",
    ),
    "WebhookFails": Case(
        fires={f'{REJECTED}{{name="pods",error_type="calling_webhook_error"}}': "_x10 1x20"},
        silent={f'{REJECTED}{{name="pods",error_type="no_error"}}': "_x10 1x20"},
        why="a webhook that refuses does its work",
    ),
    # -- backups, names, secrets
    # At two hours: 38 and 36 minutes old, half-way between 30 (usual) and 45 (60 less a copy's 15).
    "ClusterBackupLate": Case(
        fires=_newest_backup(7200 - 38 * 60), silent=_newest_backup(7200 - 36 * 60), at="2h"
    ),
    "ClusterBackupTooOld": Case(
        fires=_newest_backup(7200 - 46 * 60), silent=_newest_backup(7200 - 44 * 60), at="2h"
    ),
    "ClusterBackupUnknown": Case(
        fires={'velero_backup_last_successful_timestamp{schedule=""}': "60x90"},
        silent=_newest_backup(60),
        at="1h",
        why="one that a person made is not the schedule's",
    ),
    "ClusterBackupFailed": Case(fires=_failures("0x40 1x40"), silent=_failures("1x90"), at="70m"),
    "BackupLocationUnavailable": Case(
        fires={'velero_backup_location_status_gauge{backup_location_name="s3-backup"}': "0x30"},
        silent={'velero_backup_location_status_gauge{backup_location_name="s3-backup"}': "1x30"},
    ),
    "NameUnreachable": Case(
        fires={'probe_success{instance="https://app.archesai.com/"}': "0x30"},
        silent={'probe_success{instance="https://app.archesai.com/"}': "1x30"},
    ),
    "CertificateEnds": Case(
        fires={'probe_ssl_earliest_cert_expiry{instance="x"}': f"{27 * 86400}x90"},
        silent={'probe_ssl_earliest_cert_expiry{instance="x"}': f"{30 * 86400}x90"},
        at="80m",
    ),
    "SecretNotSynced": Case(fires={SYNCED: "1x30"}, silent={SYNCED: "0x30"}),
    # -- the watching itself
    "TargetDown": Case(fires=_up(1, 1, 0), silent=_up(1, 1, 1)),
    "TargetAbsent": Case(
        fires={f"up{{{API}}}": "1x30"},
        silent={f"up{{{API}}}": "1x30", 'up{job="archesai-pooler"}': "1x30"},
    ),
    "MetricsAbsent": Case(
        fires={"alertmanager_config_hash": "1x30"},
        silent=dict.fromkeys(SOURCES.values(), "1x30"),
        times=len(SOURCES) - 1,
    ),
    # Its silence is what the alarm outside the cluster hears.
    "Watchdog": Case(fires={}, silent=None),
    "PrometheusConfigRefused": Case(
        fires={'prometheus_config_last_reload_successful{pod="p"}': "0x30"},
        silent={'prometheus_config_last_reload_successful{pod="p"}': "1x30"},
    ),
    "PrometheusRuleFails": Case(
        fires={'prometheus_rule_evaluation_failures_total{rule_group="g"}': "0+1x30"},
        silent={'prometheus_rule_evaluation_failures_total{rule_group="g"}': "7x30"},
    ),
    "PrometheusTooSlow": Case(
        fires={'prometheus_rule_group_iterations_missed_total{rule_group="g"}': "0+1x30"},
        silent={'prometheus_rule_group_iterations_missed_total{rule_group="g"}': "7x30"},
        at="25m",
    ),
    "PrometheusWithoutAlertmanager": Case(
        fires={'prometheus_notifications_alertmanagers_discovered{pod="p"}': "0x30"},
        silent={'prometheus_notifications_alertmanagers_discovered{pod="p"}': "3x30"},
    ),
    "AlertmanagerConfigRefused": Case(
        fires={'alertmanager_config_last_reload_successful{pod="a"}': "0x30"},
        silent={'alertmanager_config_last_reload_successful{pod="a"}': "1x30"},
    ),
    "AlertmanagerCannotSend": Case(fires=_sent("0+1x30"), silent=_sent("0x30")),
    "AlertmanagerSplit": Case(fires=_members(2, 3, 3), silent=_members(3, 3, 3), at="25m"),
}
