"""Alerts that do not exist, are not loaded, tell nothing, or reach nobody."""

from __future__ import annotations

from typing import Any

from tests.policies.mutation import Change, Mutant, add, drop, edit, put, several, without

_ALERTS = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"
_MONITOR = "kubernetes:monitoring.coreos.com/v1:PodMonitor"
_RELEASE = "kubernetes:helm.sh/v3:Release"
_ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
_STACK = "platform-operators-metrics-kube-prometheus-stack"
_DATABASE = "platform-observability-archesai-database"
_SPEC = "values.prometheus.prometheusSpec"
_UNSCRAPED = "it offers metrics and nobody scrapes them"


def _values(path: str, value: Any) -> Change:
    return put(_RELEASE, path, value, _STACK)


def _gone(path: str) -> Change:
    return drop(_RELEASE, path, _STACK)


def _anonymous(values: dict[str, Any]) -> None:
    values["values"]["grafana"]["grafana.ini"]["auth.anonymous"]["enabled"] = True


def _first_alert(path: str) -> Change:
    return drop(_ALERTS, f"spec.groups.0.rules.0.{path}", _DATABASE)


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="guide-alerts",
        title="nothing about memory",
        change=without(_ALERTS, "platform-observability-archesai-pods"),
        says=("nothing tells what the guide's HighMemoryUsage tells",),
        at="arches-prod",
    ),
    Mutant(
        rule="guide-alerts",
        title="nothing about errors and slow answers",
        change=several(
            without(_ALARM, "alarms-balancer-errors"),
            without(_ALARM, "alarms-balancer-gateway-latency"),
        ),
        says=(
            "nothing tells what the guide's HighErrorRate tells",
            "nothing tells what the guide's HighLatency tells",
        ),
        at="arches-prod",
    ),
    Mutant(
        rule="alert-explained",
        title="no runbook",
        change=_first_alert("annotations.runbook"),
        says=("DatabaseUnreachable has no runbook",),
    ),
    Mutant(
        rule="alert-explained",
        title="nobody's and of no weight",
        change=several(_first_alert("labels.owner"), _first_alert("labels.severity")),
        says=("DatabaseUnreachable has no severity, no owner",),
    ),
    Mutant(
        rule="alert-explained",
        title="bare, in a List",
        change=add(
            "kubernetes:v1:List",
            "hidden",
            {
                "kind": "List",
                "items": [
                    {
                        "kind": "PrometheusRule",
                        "metadata": {"name": "bare"},
                        "spec": {
                            "groups": [{"rules": [{"record": "a", "expr": "1"}, {"alert": "X"}]}]
                        },
                    }
                ],
            },
        ),
        says=("PrometheusRule bare: X has no severity, no owner, no summary, no runbook",),
    ),
    Mutant(
        rule="prometheus-loads-ours",
        title="only the chart's own rules",
        change=_gone(f"{_SPEC}.ruleSelectorNilUsesHelmValues"),
        says=("objects of kind rule that this program makes are passed over",),
    ),
    Mutant(
        rule="prometheus-loads-ours",
        title="only the chart's own monitors",
        change=_values(f"{_SPEC}.podMonitorSelectorNilUsesHelmValues", True),
        says=("objects of kind podMonitor that this program makes are passed over",),
    ),
    Mutant(
        rule="prometheus-interval",
        title="the operator's default",
        change=_gone(f"{_SPEC}.scrapeInterval"),
        says=("Prometheus scrapes every 30s, not every 15s",),
    ),
    Mutant(
        rule="prometheus-interval",
        title="once a minute",
        change=_values(f"{_SPEC}.evaluationInterval", "60s"),
        says=("Prometheus evaluates every 60s, not every 15s",),
    ),
    Mutant(
        rule="prometheus-persistent",
        title="on the pod's own disk",
        change=_gone(f"{_SPEC}.storageSpec"),
        says=("metrics are gone when Prometheus's pod moves",),
    ),
    Mutant(
        rule="prometheus-persistent",
        title="no retention and no silences",
        change=several(
            _gone(f"{_SPEC}.retention"), _gone("values.alertmanager.alertmanagerSpec.storage")
        ),
        says=(
            "nothing says how long metrics are kept",
            "silences are gone when Alertmanager's pod moves",
        ),
    ),
    Mutant(
        rule="prometheus-redundant",
        title="one Prometheus",
        change=_values(f"{_SPEC}.replicas", 1),
        says=("Prometheus is one pod: while it moves nobody is told of anything",),
        at=_STACK,
    ),
    Mutant(
        rule="prometheus-redundant",
        title="the chart's number of Alertmanagers",
        change=_gone("values.alertmanager.alertmanagerSpec.replicas"),
        says=("Alertmanager is one pod: while it moves nobody is told of anything",),
    ),
    Mutant(
        rule="alertmanager-config-secret",
        title="receivers in the values",
        change=_values("values.alertmanager.config", {"route": {"receiver": "team"}}),
        says=("receivers stand in the chart's values, with their addresses and tokens",),
    ),
    Mutant(
        rule="alertmanager-config-secret",
        title="the chart's own configuration",
        change=_gone("values.alertmanager.alertmanagerSpec.configSecret"),
        says=("Alertmanager's configuration is not in a Secret of ours",),
    ),
    Mutant(
        rule="grafana-signed-in",
        title="the chart's password",
        change=_gone("values.grafana.admin"),
        says=("Grafana's administrator has the chart's known password",),
    ),
    Mutant(
        rule="grafana-signed-in",
        title="open to everybody",
        change=edit(_RELEASE, _anonymous, _STACK),
        says=("anybody may look at Grafana without a password",),
    ),
    Mutant(
        rule="heartbeat",
        title="no watchdog",
        change=put(
            _ALERTS,
            "spec.groups.0.rules.0.expr",
            "up == 0",
            "platform-observability-archesai-monitoring",
        ),
        says=("no alert fires all the time, so silence and health look alike",),
        at="arches-prod",
    ),
    Mutant(
        rule="heartbeat",
        title="silence is taken for health",
        change=put(_ALARM, "treatMissingData", "notBreaching", "platform-alerting-heartbeat"),
        says=("nothing outside the cluster notices that its alerts have stopped",),
    ),
    Mutant(
        rule="workload-monitored",
        title="no monitor",
        change=without(_MONITOR, "platform-pooler"),
        says=(_UNSCRAPED,),
        at="platform-pooler",
    ),
    Mutant(
        rule="workload-monitored",
        title="a monitor of other labels",
        change=put(_MONITOR, "spec.selector.matchLabels", {"app": "pgbouncer"}, "platform-pooler"),
        says=(_UNSCRAPED,),
        at="platform-pooler",
    ),
    Mutant(
        rule="workload-monitored",
        title="a monitor in another namespace",
        change=put(_MONITOR, "metadata.namespace", "monitoring", "platform-gateway"),
        says=(_UNSCRAPED,),
        at="platform-gateway",
    ),
    Mutant(
        rule="workload-monitored",
        title="a set that nobody scrapes",
        change=add(
            "kubernetes:apps/v1:StatefulSet",
            "queue",
            {
                "kind": "StatefulSet",
                "metadata": {"namespace": "production", "name": "queue"},
                "spec": {
                    "template": {
                        "metadata": {"labels": {"app": "queue"}},
                        "spec": {"containers": [{"name": "a", "ports": [{"name": "metrics"}]}]},
                    }
                },
            },
        ),
        says=(_UNSCRAPED,),
        at="queue",
    ),
)
