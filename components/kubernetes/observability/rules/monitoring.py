"""Backups, secrets, and whether the watching itself works.

Meets MON-03 (a target that is missing is told), MON-08 (heartbeat), DR-02 and DR-04 (age of
Velero's copies against the RPO), MON-09 (certificates), SEC-05, CHK-INFRA-06.

Sources of metrics are judged by a metric that only they have: the jobs' names belong to the charts
that install them. A series that is absent has no value to compare, so each needs `absent`.

Refused: alerts on the age of the database's copies here; RDS and AWS Backup report to CloudWatch
only (components/alarm_table.py).
"""

from __future__ import annotations

from components.kubernetes.observability.rules.model import Alert, Group, Watched
from settings.backup import OBJECTIVE_MINUTES
from settings.observability import ObservabilitySettings

WATCHDOG = "Watchdog"
# What has to be there -> a metric that only it has.
SOURCES: dict[str, str] = {
    "Alertmanager": "alertmanager_config_hash",
    "Alloy": "alloy_build_info",
    "External Secrets": "externalsecret_status_condition",
    "cAdvisor": "container_memory_working_set_bytes",
    "kube-state-metrics": "kube_node_info",
    "kubelet": "kubelet_node_name",
    "pgbouncer_exporter": "pgbouncer_up",
    "postgres_exporter": "pg_up",
    "redis_exporter": "redis_up",
    "blackbox exporter": "probe_success",
    "node exporter": "node_uname_info",
    "the API server": "apiserver_request_total",
}


def backups(watched: Watched) -> Group:
    newest = 'max(velero_backup_last_successful_timestamp{schedule!=""})'
    return Group(
        name="archesai-backups",
        rules=(
            Alert(
                name="ClusterBackupLate",
                expr=f"time() - {newest} > {watched.backup_late_minutes * 60}",
                lasts="0s",
                severity="warning",
                owner="platform",
                runbook="cluster-backups",
                summary="A backup of the cluster's objects was missed",
                description="The newest is {{ $value | humanizeDuration }} old.",
            ),
            Alert(
                name="ClusterBackupTooOld",
                expr=f"time() - {newest} > {watched.backup_too_old_minutes * 60}",
                lasts="0s",
                severity="critical",
                owner="platform",
                runbook="cluster-backups",
                summary="More of the cluster's objects could be lost than promised",
                description="The newest backup ended {{ $value | humanizeDuration }} ago and "
                f"holds what was there before; promised are {OBJECTIVE_MINUTES} minutes.",
            ),
            Alert(
                name="ClusterBackupUnknown",
                expr='absent(velero_backup_last_successful_timestamp{schedule!=""})',
                lasts="45m",
                severity="critical",
                owner="platform",
                runbook="cluster-backups",
                summary="Nobody knows of a backup of the cluster's objects",
                description="Velero reports no successful backup, or is not there at all.",
            ),
            Alert(
                name="ClusterBackupFailed",
                expr="sum by (schedule) (increase(velero_backup_failure_total[1h])"
                " + increase(velero_backup_partial_failure_total[1h])"
                " + increase(velero_backup_validation_failure_total[1h])) > 0",
                lasts="0s",
                severity="warning",
                owner="platform",
                runbook="cluster-backups",
                summary="A backup of the cluster's objects failed",
                description="{{ $labels.schedule }} failed, in whole or in part, within the hour.",
            ),
            Alert(
                name="BackupLocationUnavailable",
                expr="min by (backup_location_name) (velero_backup_location_status_gauge) == 0",
                severity="critical",
                owner="platform",
                runbook="cluster-backups",
                summary="Velero cannot reach its bucket",
                description="The location {{ $labels.backup_location_name }} is not available.",
            ),
        ),
    )


def names(settings: ObservabilitySettings) -> Group:
    """Our public names as the world sees them, asked by the blackbox exporter."""
    return Group(
        name="archesai-names",
        rules=(
            Alert(
                name="NameUnreachable",
                expr="max by (instance) (probe_success) == 0",
                severity="critical",
                owner="platform",
                runbook="public-names",
                summary="A public name does not answer",
                description="{{ $labels.instance }} has not answered over HTTPS for 5 minutes.",
            ),
            Alert(
                name="CertificateEnds",
                expr="min by (instance) (probe_ssl_earliest_cert_expiry) - time()"
                f" < {settings.certificate_days} * 24 * 3600",
                lasts="1h",
                severity="warning",
                owner="platform",
                runbook="public-names",
                summary="A certificate is not renewed",
                description="The certificate of {{ $labels.instance }} ends in "
                "{{ $value | humanizeDuration }}.",
            ),
        ),
    )


def secrets() -> Group:
    return Group(
        name="archesai-secrets",
        rules=(
            Alert(
                name="SecretNotSynced",
                expr="max by (namespace, name) (externalsecret_status_condition{"
                'condition="Ready",status="False"}) == 1',
                lasts="10m",
                severity="critical",
                owner="platform",
                runbook="external-secrets",
                summary="A secret does not reach the cluster",
                description="{{ $labels.namespace }}/{{ $labels.name }} is not in step with "
                "Secrets Manager: new pods may not start, replaced passwords do not arrive.",
            ),
        ),
    )


def targets(watched: Watched) -> Group:
    return Group(
        name="archesai-targets",
        rules=(
            Alert(
                name="TargetDown",
                expr="100 * count by (namespace, job) (up == 0) / count by (namespace, job) (up)"
                " > 10",
                lasts="10m",
                severity="warning",
                owner="platform",
                runbook="targets",
                summary="Prometheus does not reach its targets",
                description="{{ $value | humanize }} % of the targets of {{ $labels.namespace }}/"
                "{{ $labels.job }} do not answer.",
            ),
            *([_absent_targets(watched)] if watched.jobs else []),
            _absent_sources(),
        ),
    )


def _absent_targets(watched: Watched) -> Alert:
    return Alert(
        name="TargetAbsent",
        expr=" or ".join(f'absent(up{{job="{job}"}} == 1)' for job in watched.jobs),
        lasts="10m",
        severity="warning",
        owner="platform",
        runbook="targets",
        summary="Something that should be measured is not",
        description="No pod of {{ $labels.job }} is scraped with success.",
    )


def _absent_sources() -> Alert:
    return Alert(
        name="MetricsAbsent",
        expr=" or ".join(
            f'label_replace(absent({metric}), "source", "{source}", "", "")'
            for source, metric in SOURCES.items()
        ),
        lasts="15m",
        severity="critical",
        owner="platform",
        runbook="targets",
        summary="A source of metrics has fallen silent",
        description="{{ $labels.source }} reports nothing; alerts that stand on it cannot fire.",
    )


def own_health() -> Group:
    """Prometheus and Alertmanager about themselves. A failed scrape must not hide a bad value."""
    return Group(
        name="archesai-monitoring",
        rules=(
            # Always true: what falls silent when any part of the way to people breaks.
            Alert(
                name=WATCHDOG,
                expr="vector(1)",
                lasts="0s",
                severity="none",
                owner="platform",
                runbook="heartbeat",
                summary="The way from Prometheus to people works",
                description="This alert always fires; its absence is the alarm.",
            ),
            _of_prometheus(
                "PrometheusConfigRefused",
                "max_over_time(prometheus_config_last_reload_successful[5m]) == 0",
                "10m",
                "Prometheus runs with an old configuration",
                "{{ $labels.pod }} could not load the newest one.",
            ),
            _of_prometheus(
                "PrometheusRuleFails",
                "increase(prometheus_rule_evaluation_failures_total[5m]) > 0",
                "10m",
                "An alert cannot be evaluated",
                "{{ $labels.pod }} fails in {{ $labels.rule_group }}.",
            ),
            _of_prometheus(
                "PrometheusTooSlow",
                "increase(prometheus_rule_group_iterations_missed_total[5m]) > 0",
                "15m",
                "Rules are skipped",
                "{{ $labels.pod }} skips rounds of {{ $labels.rule_group }}.",
            ),
            _of_prometheus(
                "PrometheusWithoutAlertmanager",
                "max_over_time(prometheus_notifications_alertmanagers_discovered[5m]) < 1",
                "10m",
                "Alerts go nowhere",
                "{{ $labels.pod }} knows no Alertmanager.",
            ),
            _of_alertmanager(
                "AlertmanagerConfigRefused",
                "max_over_time(alertmanager_config_last_reload_successful[5m]) == 0",
                "10m",
                "Alertmanager runs with an old configuration",
                "{{ $labels.pod }} could not load the newest one.",
            ),
            _of_alertmanager(
                "AlertmanagerCannotSend",
                "sum by (namespace, integration)"
                " (rate(alertmanager_notifications_failed_total[5m]))"
                " / sum by (namespace, integration) (rate(alertmanager_notifications_total[5m]))"
                " > 0.01",
                "5m",
                "People are not told of alerts",
                "{{ $value | humanizePercentage }} of the messages by {{ $labels.integration }} "
                "fail.",
            ),
            _of_alertmanager(
                "AlertmanagerSplit",
                "max_over_time(alertmanager_cluster_members[5m])"
                " < on (namespace) group_left () count by (namespace)"
                " (max_over_time(alertmanager_cluster_members[5m]))",
                "15m",
                "Alertmanagers do not see each other",
                "{{ $labels.pod }} knows of {{ $value }} members; people may be told twice.",
            ),
        ),
    )


def _of_prometheus(name: str, expr: str, lasts: str, summary: str, description: str) -> Alert:
    return Alert(
        name=name, expr=expr, lasts=lasts, severity="critical", owner="platform",
        runbook="prometheus", summary=summary, description=description,
    )  # fmt: skip


def _of_alertmanager(name: str, expr: str, lasts: str, summary: str, description: str) -> Alert:
    return Alert(
        name=name, expr=expr, lasts=lasts, severity="critical", owner="platform",
        runbook="alertmanager", summary=summary, description=description,
    )  # fmt: skip
