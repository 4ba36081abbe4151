"""Values that open a door, leave a disk in clear, or give too many rights."""

from __future__ import annotations

from typing import Any

from tests.policies.mutation import Mutant, drop, put

_RELEASE = "kubernetes:helm.sh/v3:Release"
_STACK = "kube-prometheus-stack"


def _one(rule: str, title: str, chart: str, path: str, value: Any, *says: str) -> Mutant:
    change = put(_RELEASE, f"values.{path}", value, f"*-{chart}")
    return Mutant(rule=rule, title=title, change=change, says=says)


MUTANTS: tuple[Mutant, ...] = (
    _one(
        "chart-inside",
        "Grafana on a load balancer",
        _STACK,
        "grafana.service",
        {"type": "LoadBalancer"},
        "grafana.service is a LoadBalancer",
    ),
    _one(
        "chart-inside",
        "Prometheus on an Ingress",
        _STACK,
        "prometheus.ingress",
        {"enabled": True},
        "prometheus.ingress is on",
    ),
    _one(
        "chart-inside",
        "traces on every node",
        "jaeger",
        "jaeger.service.type",
        "NodePort",
        "jaeger.service is a NodePort",
    ),
    Mutant(
        rule="chart-volumes-encrypted",
        title="metrics on the cluster's own class",
        change=put(
            _RELEASE,
            "values.prometheus.prometheusSpec.storageSpec.volumeClaimTemplate.spec.storageClassName",
            "gp2",
            f"*-{_STACK}",
        ),
        says=(
            "prometheus.prometheusSpec.storageSpec.volumeClaimTemplate.spec.storageClassName gp2 "
            "is not known to be encrypted",
        ),
        at="platform-operators-metrics-kube-prometheus-stack",
    ),
    Mutant(
        rule="chart-volumes-encrypted",
        title="logs on another class",
        change=put(_RELEASE, "values.singleBinary.persistence.storageClass", "fast", "*-loki"),
        says=("singleBinary.persistence.storageClass fast is not known to be encrypted",),
        at="platform-operators-logs-loki",
    ),
    _one(
        "chart-rights-narrow",
        "Velero as administrator",
        "velero",
        "rbac.clusterAdministratorName",
        "cluster-admin",
        "rbac makes it an administrator of the cluster",
    ),
    Mutant(
        rule="chart-rights-narrow",
        title="Velero with the chart's own role",
        change=drop(_RELEASE, "values.rbac.clusterAdministratorName", "*-velero"),
        says=("rbac makes it an administrator of the cluster",),
    ),
    _one(
        "chart-rights-narrow",
        "the collector of logs reads secrets",
        "alloy",
        "rbac.rules.0.resources",
        ["pods", "secrets"],
        "rbac.rules.0 reads secrets",
    ),
    _one(
        "chart-rights-narrow",
        "the collector of logs with every verb",
        "alloy",
        "rbac.clusterRules.0.verbs",
        ["*"],
        "rbac.clusterRules.0 says * for its verbs",
    ),
    _one(
        "chart-rights-narrow",
        "the collector of logs may escalate",
        "alloy",
        "rbac.rules.0.verbs",
        ["get", "escalate"],
        "rbac.rules.0 grants escalate",
    ),
    _one(
        "chart-pod-identity",
        "a role by annotation",
        "loki",
        "serviceAccount.annotations",
        {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/loki"},
        "serviceAccount.annotations names a role past Pod Identity",
    ),
)
