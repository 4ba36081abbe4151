"""Grafana's dashboards as code: API, database, pooler, cache, cluster, backups.

Meets MON-10 (dashboards as code), CHK-INFRA-06, ISSUE-01 to ISSUE-03 (what to look at). A panel's
thresholds are the settings that the alerts use. Every expression is parsed by promtool in the
tests, so Grafana's own variables do not stand in them.

Refused: dashboards made by hand (lost with the pod: Grafana has no volume), and exported JSON as
files (nobody reviews 2,000 lines).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.kubernetes.observability.rules.api import JOB
from components.kubernetes.observability.rules.model import Watched, with_sidecars
from settings.observability import ObservabilitySettings
from settings.pooler import PoolerSettings

# Grafana's units (grafana-data, valueFormats) that are used here.
PERCENT, SECONDS, BYTES, RATE, REQUESTS, COUNT = (
    "percentunit", "s", "bytes", "ops", "reqps", "short",
)  # fmt: skip
WIDTH, HEIGHT, ACROSS = 12, 8, 24
GREEN, ORANGE, RED = "green", "orange", "red"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel.

    lines: legend -> PromQL. warn, bad: from which value on it is orange and red; where `low` is
    true, below it. stat: one number instead of a course in time.
    """

    title: str
    lines: dict[str, str]
    unit: str = COUNT
    warn: float | None = None
    bad: float | None = None
    low: bool = False
    stat: bool = False

    def thresholds(self) -> list[dict[str, Any]]:
        """Grafana's steps: each colour from its value up."""
        steps = [(GREEN, None), (ORANGE, self.warn), (RED, self.bad)]
        if self.low:
            steps = [(RED, None), (ORANGE, self.bad), (GREEN, self.warn)]
        first, *rest = steps
        known = [step for step in rest if step[1] is not None]
        if not known:
            return [{"color": GREEN, "value": None}]
        return [{"color": color, "value": value} for color, value in (first, *known)]


def api(settings: ObservabilitySettings, watched: Watched) -> list[Panel]:
    ours = f'namespace="{watched.namespace}"'
    memory = f'container_memory_working_set_bytes{{{ours},container="api"}}'
    restarts = f"increase(kube_pod_container_status_restarts_total{{{ours}}}[1h])"
    pods = [
        Panel(
            title="Pods that are available",
            lines={"{{deployment}}": f"kube_deployment_status_replicas_available{{{ours}}}"},
        ),
        Panel(
            title="Memory against the limit",
            lines={
                "{{pod}}": f"max by (pod) ({memory}) / max by (pod) (kube_pod_container_resource_"
                f'limits{{{ours},container="api",resource="memory"}})'
            },
            unit=PERCENT,
            warn=settings.memory_percent / 100,
            bad=0.95,
        ),
        Panel(
            title="Restarts in an hour",
            lines={"{{pod}}": f"sum by (pod) {with_sidecars(restarts)}"},
            warn=1,
            bad=3,
        ),
        Panel(
            title="Requests at the gateway",
            lines={"{{pod}}": "sum by (pod) (rate(nginx_http_requests_total[5m]))"},
            unit=REQUESTS,
        ),
        Panel(
            title="Connections at the gateway",
            lines={"{{pod}}": "sum by (pod) (nginx_connections_active)"},
        ),
        Panel(
            title="The API answers on /metrics",
            lines={"pods": f"sum(up{{{JOB}}}) or vector(0)"},
            warn=1,
            bad=1,
            low=True,
            stat=True,
        ),
    ]
    return [*(_own_metrics(settings) if watched.api_metrics else []), *pods]


def _own_metrics(settings: ObservabilitySettings) -> list[Panel]:
    budget = 1 - settings.objective_percent / 100
    return [
        Panel(
            title="Requests",
            lines={
                f"{{{{{settings.status_label}}}}}": f"sum by ({settings.status_label}) "
                f"(rate(http_requests_total{{{JOB}}}[5m]))"
            },
            unit=REQUESTS,
        ),
        Panel(
            title="Share of errors",
            lines={
                window: f"job:http_requests_errors:ratio_rate{window}{{{JOB}}}"
                for window in ("5m", "1h", "6h")
            },
            unit=PERCENT,
            warn=budget,
            bad=14.4 * budget,
        ),
        Panel(
            title="Latency",
            lines={
                f"p{quantile}": f"histogram_quantile(0.{quantile}, sum by (le) "
                f"(rate(http_request_duration_seconds_bucket{{{JOB}}}[5m])))"
                for quantile in (50, 95, 99)
            },
            unit=SECONDS,
        ),
        Panel(
            title="Error budget that is left, at the pace of three days",
            lines={"left": f"1 - job:http_requests_errors:ratio_rate3d{{{JOB}}} / {budget:.6g}"},
            unit=PERCENT,
            warn=0.5,
            bad=0.1,
            low=True,
            stat=True,
        ),
        Panel(
            title="Goroutines",
            lines={"{{pod}}": f"go_goroutines{{{JOB}}}"},
            warn=settings.goroutines,
        ),
    ]


def database(settings: ObservabilitySettings, usable: int) -> list[Panel]:
    hits = "rate(pg_stat_database_blks_hit[5m])"
    return [
        Panel(title="Takes logins", lines={"up": "max(pg_up)"}, warn=1, bad=1, low=True, stat=True),
        Panel(
            title="Connections of those that are usable",
            lines={"used": f"sum(pg_stat_database_numbackends) / {usable}"},
            unit=PERCENT,
            warn=0.7,
            bad=0.8,
        ),
        Panel(
            title="Sessions by state",
            lines={"{{state}}": "sum by (state) (pg_stat_activity_count)"},
        ),
        Panel(
            title="Longest transaction",
            lines={
                "{{state}}": "max by (state) (pg_stat_activity_max_tx_duration)",
            },
            unit=SECONDS,
            bad=settings.transaction_minutes * 60,
        ),
        Panel(
            title="Transactions",
            lines={
                "commits": "sum(rate(pg_stat_database_xact_commit[5m]))",
                "rollbacks": "sum(rate(pg_stat_database_xact_rollback[5m]))",
            },
            unit=RATE,
        ),
        Panel(
            title="Blocks found in memory",
            lines={
                "{{datname}}": f"sum by (datname) ({hits}) / (sum by (datname) ({hits})"
                " + sum by (datname) (rate(pg_stat_database_blks_read[5m])) > 0)"
            },
            unit=PERCENT,
            warn=0.99,
            bad=0.9,
            low=True,
        ),
        Panel(
            title="Deadlocks in 15 minutes",
            lines={
                "{{datname}}": "sum by (datname) (increase(pg_stat_database_deadlocks[15m]))"
            },
            warn=1,
        ),
        Panel(
            title="Size", lines={"{{datname}}": "max by (datname) (pg_database_size_bytes)"},
            unit=BYTES,
        ),
    ]  # fmt: skip


def pooler(settings: ObservabilitySettings, pools: PoolerSettings) -> list[Panel]:
    full = settings.pool_percent / 100
    return [
        Panel(
            title="Connections to the database, of those that are allowed",
            lines={
                "{{pod}}": "sum by (pod) (pgbouncer_pools_server_active_connections)"
                f" / {pools.max_db_connections}"
            },
            unit=PERCENT,
            warn=full,
            bad=0.95,
        ),
        Panel(
            title="Clients that wait",
            lines={"{{pod}}": "sum by (pod) (pgbouncer_pools_client_waiting_connections)"},
            warn=1,
            bad=settings.waiting_clients,
        ),
        Panel(
            title="Longest wait",
            lines={"{{pod}}": "max by (pod) (pgbouncer_pools_client_maxwait_seconds)"},
            unit=SECONDS,
            warn=1,
            bad=pools.query_wait_timeout_seconds / 2,
        ),
        Panel(
            title="Clients, of those that are accepted",
            lines={
                "{{pod}}": "sum by (pod) (pgbouncer_used_clients)"
                " / sum by (pod) (pgbouncer_config_max_client_connections)"
            },
            unit=PERCENT,
            warn=full,
            bad=0.95,
        ),
        Panel(
            title="Queries",
            lines={
                "{{database}}": "sum by (database) "
                "(rate(pgbouncer_stats_totals_queries_pooled_total[5m]))"
            },
            unit=RATE,
        ),
        Panel(
            title="Mean time of a query",
            lines={
                "{{database}}": "sum by (database) "
                "(rate(pgbouncer_stats_totals_queries_duration_seconds_total[5m]))"
                " / (sum by (database) "
                "(rate(pgbouncer_stats_totals_queries_pooled_total[5m])) > 0)"
            },
            unit=SECONDS,
        ),
    ]


def cache(watched: Watched) -> list[Panel]:
    hits = "sum by (pod) (rate(redis_keyspace_hits_total[5m]))"
    inside = [
        Panel(
            title="Primaries that the front sees",
            lines={"servers": 'max(haproxy_backend_active_servers{proxy="primary"})'},
            warn=1,
            bad=1,
            low=True,
            stat=True,
        ),
        Panel(
            title="Sentinels that agree",
            lines={"{{pod}}": "min by (pod) (redis_sentinel_master_ok_sentinels)"},
            warn=3,
            bad=2,
            low=True,
        ),
    ]
    return [
        Panel(
            title="Memory against maxmemory",
            lines={
                "{{pod}}": "max by (pod) (redis_memory_used_bytes / (redis_memory_max_bytes > 0))"
            },
            unit=PERCENT,
            warn=0.8,
            bad=0.95,
        ),
        Panel(
            title="Found keys",
            lines={
                "{{pod}}": f"{hits} / ({hits}"
                " + sum by (pod) (rate(redis_keyspace_misses_total[5m])) > 0)"
            },
            unit=PERCENT,
        ),
        Panel(
            title="Keys thrown out in 5 minutes",
            lines={"{{pod}}": "sum by (pod) (increase(redis_evicted_keys_total[5m]))"},
            warn=1,
        ),
        Panel(
            title="Keys",
            lines={
                "all": "sum(redis_db_keys)",
                "with a time to live": "sum(redis_db_keys_expiring)",
            },
        ),
        Panel(
            title="Replication lag",
            lines={"{{slave_ip}}": "max by (slave_ip) (redis_connected_slave_lag_seconds)"},
            unit=SECONDS,
            warn=1,
            bad=5,
        ),
        Panel(
            title="Commands",
            lines={"{{pod}}": "sum by (pod) (rate(redis_commands_processed_total[5m]))"},
            unit=RATE,
        ),
        Panel(title="Clients", lines={"{{pod}}": "max by (pod) (redis_connected_clients)"}),
        *(inside if watched.redis else []),
    ]


def cluster(settings: ObservabilitySettings) -> list[Panel]:
    left = (
        "max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_available_bytes)"
        " / max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_capacity_bytes)"
    )
    return [
        Panel(
            title="Nodes that are ready",
            lines={
                "ready": 'sum(max by (node) (kube_node_status_condition{condition="Ready",'
                'status="true"}))',
                "all": "count(kube_node_info)",
            },
        ),
        Panel(
            title="Processor",
            lines={
                "{{instance}}": "1 - avg by (instance) "
                '(rate(node_cpu_seconds_total{mode="idle"}[5m]))'
            },
            unit=PERCENT,
            warn=0.8,
            bad=0.95,
        ),
        Panel(
            title="Memory",
            lines={
                "{{instance}}": "1 - max by (instance) (node_memory_MemAvailable_bytes)"
                " / max by (instance) (node_memory_MemTotal_bytes)"
            },
            unit=PERCENT,
            warn=0.8,
            bad=settings.node_memory_percent / 100,
        ),
        Panel(
            title="Free space of volumes",
            lines={"{{persistentvolumeclaim}}": left},
            unit=PERCENT,
            warn=settings.volume_free_percent / 100,
            bad=settings.volume_full_percent / 100,
            low=True,
        ),
        Panel(
            title="Pods by phase",
            lines={"{{phase}}": "sum by (phase) (kube_pod_status_phase)"},
        ),
        Panel(
            title="Quota in use",
            lines={
                "{{namespace}} {{resource}}": "max by (namespace, resource) "
                '(kube_resourcequota{type="used"}) / max by (namespace, resource) '
                '(kube_resourcequota{type="hard"} > 0)'
            },
            unit=PERCENT,
            warn=settings.quota_percent / 100,
            bad=1,
        ),
        Panel(
            title="Secrets out of step",
            lines={
                "secrets": 'sum(externalsecret_status_condition{condition="Ready",status="False"})'
                " or vector(0)"
            },
            bad=1,
            stat=True,
        ),
        Panel(
            title="Refused by admission policies in 15 minutes",
            lines={
                "{{policy}}": "sum by (policy) (increase("
                'apiserver_validating_admission_policy_check_total{enforcement_action="deny"}'
                "[15m]))"
            },
            warn=1,
        ),
    ]


def backups(settings: ObservabilitySettings, watched: Watched) -> list[Panel]:
    ours = f'namespace="{watched.namespace}"'
    return [
        Panel(
            title="Age of the cluster's newest backup",
            lines={"age": 'time() - max(velero_backup_last_successful_timestamp{schedule!=""})'},
            unit=SECONDS,
            warn=watched.backup_late_minutes * 60,
            bad=watched.backup_too_old_minutes * 60,
            stat=True,
        ),
        Panel(
            title="Since each job last ended well",
            lines={
                "{{cronjob}}": "max by (cronjob) "
                f"(time() - kube_cronjob_status_last_successful_time{{{ours}}})"
            },
            unit=SECONDS,
            bad=settings.daily_job_hours * 3600,
        ),
        Panel(
            title="Failed backups in a day",
            lines={
                "{{schedule}}": "sum by (schedule) (increase(velero_backup_failure_total[1d])"
                " + increase(velero_backup_partial_failure_total[1d]))"
            },
            warn=1,
        ),
        Panel(
            title="Failed jobs",
            lines={
                "{{job_name}}": f'max by (job_name) (kube_job_failed{{{ours},condition="true"}})'
            },
            bad=1,
        ),
        Panel(
            title="Size of the newest backup",
            lines={"{{schedule}}": "max by (schedule) (velero_backup_tarball_size_bytes)"},
            unit=BYTES,
        ),
        Panel(
            title="The bucket is reachable",
            lines={"{{backup_location_name}}": "min(velero_backup_location_status_gauge)"},
            warn=1,
            bad=1,
            low=True,
            stat=True,
        ),
    ]


def boards(
    settings: ObservabilitySettings, pools: PoolerSettings, watched: Watched, usable: int
) -> dict[str, tuple[str, list[Panel]]]:
    """Each dashboard's stable id -> its title and panels."""
    return {
        "arches-api": ("API", api(settings, watched)),
        "arches-database": ("Database", database(settings, usable)),
        "arches-pooler": ("Pooler", pooler(settings, pools)),
        "arches-cache": ("Cache", cache(watched)),
        "arches-cluster": ("Cluster", cluster(settings)),
        "arches-backups": ("Backups", backups(settings, watched)),
    }


def dashboards(
    settings: ObservabilitySettings, pools: PoolerSettings, watched: Watched, usable: int
) -> dict[str, dict[str, Any]]:
    """Each dashboard's stable id -> the JSON that Grafana loads."""
    return {
        uid: dashboard(uid, title, panels)
        for uid, (title, panels) in boards(settings, pools, watched, usable).items()
    }


def dashboard(uid: str, title: str, panels: list[Panel]) -> dict[str, Any]:
    """Two panels in a row, over the last six hours; the data source is Prometheus, by its type."""
    return {
        "uid": uid,
        "title": f"Arches / {title}",
        "tags": ["arches"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "utc",
        "templating": {
            "list": [
                {"name": "source", "type": "datasource", "query": "prometheus", "label": "Source"}
            ]
        },
        "panels": [_drawn(number, panel) for number, panel in enumerate(panels)],
    }


def _drawn(number: int, panel: Panel) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${source}"}
    per_row = ACROSS // WIDTH
    return {
        "id": number + 1,
        "title": panel.title,
        "type": "stat" if panel.stat else "timeseries",
        "datasource": source,
        "gridPos": {
            "h": HEIGHT,
            "w": WIDTH,
            "x": number % per_row * WIDTH,
            "y": number // per_row * HEIGHT,
        },
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "thresholds": {"mode": "absolute", "steps": panel.thresholds()},
                "color": {"mode": "thresholds" if panel.stat else "palette-classic"},
                **({} if panel.stat else {"custom": {"thresholdsStyle": {"mode": "line"}}}),
            },
            "overrides": [],
        },
        "targets": [
            {
                "refId": chr(ord("A") + at),
                "datasource": source,
                "expr": expr,
                "legendFormat": legend,
                "instant": panel.stat,
                "range": not panel.stat,
            }
            for at, (legend, expr) in enumerate(panel.lines.items())
        ],
    }
