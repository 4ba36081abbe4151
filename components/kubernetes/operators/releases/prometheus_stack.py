"""Prometheus, Alertmanager and Grafana with what they scrape of the cluster itself.

Meets MON-01 (15 s, two replicas, gp3, retention), MON-03 and MON-04 (every monitor and rule of the
cluster is found, whatever its labels), MON-10 and CHK-INFRA-06 (Grafana: password from a Secret,
sign-in by OIDC as a choice, dashboards as code, not public), MON-08 in its part (Alertmanager reads
its routes from a Secret, so no receiver's address is in Helm's values).

- What EKS hides (controller manager, scheduler, etcd, kube-proxy) is neither scraped nor alerted
  about: those alerts would fire for ever.
- The node exporter needs the host, so it has a namespace of its own; all else is `restricted`.
- CRDs are a step of their own (ADR 9).

Refused: Grafana with a volume (it would need a root container, and dashboards that only live
there); the chart's network policies (guardrails/system_policies.py writes all of them).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pulumi_kubernetes as kubernetes

from components.kubernetes.observability.alert_rules import REPLACED
from components.kubernetes.operators.releases import (
    BUDGET,
    CONTAINER,
    MAX_ONE,
    Chart,
    Values,
    resources,
    selected,
)

if TYPE_CHECKING:
    from settings.operators import GrafanaSignIn, MonitoringSettings

CHART = Chart(
    name="kube-prometheus-stack",
    repository="https://prometheus-community.github.io/helm-charts",
)
NAME = "monitoring"  # prefix of every object, so that addresses are known to others
INTERVAL = "15s"  # the guide's scrape_interval and evaluation_interval (MON-01)
ALERTMANAGER_SECRET = "alertmanager-config"  # key alertmanager.yaml
GRAFANA_SECRET = "grafana-admin"
GRAFANA_USER = "admin"
DASHBOARD_LABEL = "grafana_dashboard"
FOLDER_ANNOTATION = "grafana_folder"
# Blocks are dropped before the volume is full; the rest is for the write-ahead log.
VOLUME_SHARE_PERCENT = 80

PROMETHEUS_URL = "http://monitoring-prometheus.monitoring.svc:9090"
LOKI_URL = "http://loki.logging.svc:3100"
JAEGER_URL = "http://jaeger.tracing.svc:16686"

# The operator and its hook Jobs; nobody reaches it by its Service but the API server.
OPERATOR_LABELS = {"app.kubernetes.io/name": "kube-prometheus-stack-prometheus-operator"}
PROMETHEUS_LABELS = {"app.kubernetes.io/name": "prometheus", "operator.prometheus.io/name": NAME}
ALERTMANAGER_LABELS = {"app.kubernetes.io/name": "alertmanager", "alertmanager": NAME}
GRAFANA_LABELS = selected("grafana", CHART.name)
STATE_LABELS = selected("kube-state-metrics", CHART.name)
NODE_LABELS = selected("prometheus-node-exporter", CHART.name)

# What Grafana's sidecars read in every namespace: dashboards, by their label.
GRAFANA_ROLE = "arches-grafana"
GRAFANA_RULES: Sequence[kubernetes.rbac.v1.PolicyRuleArgsDict] = [
    {"api_groups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}
]
_HIDDEN = ("kubeControllerManager", "kubeScheduler", "kubeEtcd", "kubeProxy")
_NEVER_TRUE = (
    "kubeControllerManager",
    "kubeSchedulerAlerting",
    "kubeSchedulerRecording",
    "kubeProxy",
    "etcd",
    "windows",
)


def volume(storage_class: str, gib: int) -> Values:
    """The claim of one replica."""
    return {
        "volumeClaimTemplate": {
            "spec": {
                "storageClassName": storage_class,
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": f"{gib}Gi"}},
            }
        }
    }


def values(
    settings: MonitoringSettings,
    *,
    stack: str,
    storage_class: str,
    node_namespace: str,
    traces: bool,
) -> Values:
    """stack: label of what leaves Prometheus, so that two environments differ. traces: Jaeger is
    there to be asked."""
    off: dict[str, Any] = {component: {"enabled": False} for component in _HIDDEN}
    return {
        "fullnameOverride": NAME,
        "cleanPrometheusOperatorObjectNames": True,
        "crds": {"enabled": False},
        "defaultRules": {
            "rules": dict.fromkeys(_NEVER_TRUE, False),
            # Ours say the same with a runbook and an owner; two mails for one fault help nobody.
            "disabled": dict.fromkeys(REPLACED, True),
        },
        **off,
        "prometheus": _prometheus(settings, stack, storage_class),
        "alertmanager": _alertmanager(settings, storage_class),
        "prometheusOperator": _operator(),
        "grafana": _grafana(settings.grafana_sign_in, traces),
        "kube-state-metrics": {
            "resources": resources("20m", "96Mi"),
            # Who lists Secrets reads them.
            "collectorsExclude": ["secrets"],
        },
        "prometheus-node-exporter": {
            "namespaceOverride": node_namespace,
            "resources": resources("20m", "48Mi"),
            # All of `restricted` but the host's paths and namespaces, which are its purpose.
            "containerSecurityContext": CONTAINER,
        },
    }


def _prometheus(settings: MonitoringSettings, stack: str, storage_class: str) -> Values:
    everything = ("rule", "serviceMonitor", "podMonitor", "probe", "scrapeConfig")
    return {
        "serviceAccount": {"name": "prometheus"},
        "podDisruptionBudget": {"enabled": settings.prometheus_replicas > 1},
        "prometheusSpec": {
            "replicas": settings.prometheus_replicas,
            "podAntiAffinity": "hard",
            "scrapeInterval": INTERVAL,
            "evaluationInterval": INTERVAL,
            "retention": f"{settings.retention_days}d",
            "retentionSize": f"{settings.volume_gib * VOLUME_SHARE_PERCENT // 100}GiB",
            "storageSpec": volume(storage_class, settings.volume_gib),
            "resources": resources("250m", f"{settings.prometheus_memory_mib}Mi"),
            "externalLabels": {"stack": stack},
            **{f"{kind}SelectorNilUsesHelmValues": False for kind in everything},
        },
    }


def _alertmanager(settings: MonitoringSettings, storage_class: str) -> Values:
    return {
        "podDisruptionBudget": {"enabled": settings.alertmanager_replicas > 1},
        "alertmanagerSpec": {
            "replicas": settings.alertmanager_replicas,
            "podAntiAffinity": "hard",
            "useExistingSecret": True,
            "configSecret": ALERTMANAGER_SECRET,
            "retention": "120h",
            "storage": volume(storage_class, 2),
            "resources": resources("10m", "64Mi"),
        },
        "serviceAccount": {"name": "alertmanager"},
    }


def _operator() -> Values:
    return {
        "resources": resources("20m", "96Mi"),
        "podDisruptionBudget": BUDGET,
        "prometheusConfigReloader": {"resources": resources("10m", "32Mi")},
        "admissionWebhooks": {"patch": {"resources": resources("10m", "32Mi")}},
    }


def _grafana(sign_in: GrafanaSignIn | None, traces: bool) -> Values:
    return {
        "fullnameOverride": "grafana",
        "serviceAccount": {"name": "grafana"},
        "admin": {
            "existingSecret": GRAFANA_SECRET,
            "userKey": "user",
            "passwordKey": "password",
        },
        # The chart's own role reads every Secret of the cluster.
        "rbac": {"useExistingClusterRole": GRAFANA_ROLE},
        "persistence": {"enabled": False},
        "testFramework": {"enabled": False},
        "defaultDashboardsEditable": False,
        "resources": resources("50m", "256Mi"),
        "podDisruptionBudget": MAX_ONE,
        "sidecar": {
            "resources": resources("10m", "96Mi"),
            "datasources": {"resource": "configmap"},
            "dashboards": {
                "enabled": True,
                "resource": "configmap",
                "label": DASHBOARD_LABEL,
                "searchNamespace": "ALL",
                "folderAnnotation": FOLDER_ANNOTATION,
                "provider": {"foldersFromFilesStructure": True},
            },
        },
        "additionalDataSources": [
            _source("loki", LOKI_URL),
            *([_source("jaeger", JAEGER_URL)] if traces else []),
        ],
        "grafana.ini": grafana_ini(sign_in),
    }


def _source(kind: str, url: str) -> Values:
    return {"name": kind.title(), "uid": kind, "type": kind, "access": "proxy", "url": url}


def grafana_ini(sign_in: GrafanaSignIn | None) -> Values:
    """Nobody signs up, nobody is anonymous, nothing is reported home (MON-10).

    With `sign_in` people come from the company's identity provider, by the code flow with PKCE: a
    public client, so there is no further secret. The first administrator stays for emergencies.
    """
    ini: Values = {
        "analytics": {"reporting_enabled": False, "check_for_updates": False},
        "auth.anonymous": {"enabled": False},
        "security": {"disable_gravatar": True},
        "users": {"allow_sign_up": False},
    }
    if sign_in is not None:
        ini["server"] = {"root_url": sign_in.root_url}
        ini["auth.generic_oauth"] = {
            "enabled": True,
            "name": "Single sign-on",
            "client_id": sign_in.client_id,
            "auth_url": sign_in.auth_url,
            "token_url": sign_in.token_url,
            "api_url": sign_in.user_info_url,
            "scopes": "openid profile email groups",
            "use_pkce": True,
            "allow_sign_up": True,
            "role_attribute_strict": True,
            "role_attribute_path": (
                f"contains(groups[*], '{sign_in.admin_group}') && 'Admin' || "
                f"contains(groups[*], '{sign_in.viewer_group}') && 'Viewer'"
            ),
        }
    return ini
