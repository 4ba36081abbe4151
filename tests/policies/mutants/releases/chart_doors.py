"""Values that open a door, bring objects, leave a disk in clear, or give too many rights."""

from __future__ import annotations

from typing import Any

from rules.model import UNKNOWN

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
        "grafana.service has the type LoadBalancer",
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
        "jaeger.service has the type NodePort",
    ),
    _one(
        "chart-inside",
        "Prometheus for Thanos, on what the chart makes of it",
        _STACK,
        "prometheus.thanosServiceExternal",
        {"enabled": True},
        "prometheus.thanosServiceExternal has the type LoadBalancer",
    ),
    _one(
        "chart-inside",
        "a load balancer for each Prometheus",
        _STACK,
        "prometheus.servicePerReplica",
        {"enabled": True, "type": "LoadBalancer"},
        "prometheus.servicePerReplica has the type LoadBalancer",
    ),
    _one(
        "chart-inside",
        "a type under a name of its own",
        "loki",
        "gateway.serviceType",
        "NodePort",
        "gateway.serviceType has the type NodePort",
    ),
    _one(
        "chart-inside",
        "a name outside the cluster",
        _STACK,
        "alertmanager.service",
        {"type": "ExternalName", "externalName": "stranger.example"},
        "alertmanager.service has the type ExternalName",
    ),
    _one(
        "chart-inside",
        "an Ingress for each Prometheus",
        _STACK,
        "prometheus.ingressPerReplica",
        {"enabled": True, "hosts": ["metrics.example"]},
        "prometheus.ingressPerReplica is on",
    ),
    _one(
        "chart-inside",
        "a route to Prometheus",
        _STACK,
        "prometheus.route.main",
        {"enabled": True},
        "prometheus.route.main is on",
    ),
    _one(
        "chart-inside",
        "a route to Grafana",
        _STACK,
        "grafana.route.main.enabled",
        True,
        "grafana.route.main is on",
    ),
    _one(
        "chart-inside",
        "an address of the network",
        _STACK,
        "prometheus.service",
        {"externalIPs": ["198.51.100.7"], "loadBalancerIP": "198.51.100.8"},
        "prometheus.service.externalIPs is an address outside the cluster",
        "prometheus.service.loadBalancerIP is an address outside the cluster",
    ),
    _one(
        "chart-objects-seen",
        "everybody as administrator",
        _STACK,
        "extraManifests",
        [
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": "everybody"},
                "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
                "subjects": [{"kind": "Group", "name": "system:authenticated"}],
            }
        ],
        "extraManifests brings objects",
    ),
    _one(
        "chart-objects-seen",
        "objects of a chart inside the chart",
        _STACK,
        "grafana.extraObjects",
        ["kind: Service\nspec: {type: LoadBalancer}"],
        "grafana.extraObjects brings objects",
    ),
    _one(
        "chart-objects-seen",
        "objects by name",
        "velero",
        "extraDeploy",
        {"one": {"kind": "Ingress"}},
        "extraDeploy brings objects",
    ),
    _one(
        "chart-objects-seen",
        "objects that are not known yet",
        "loki",
        "extraObjects",
        [UNKNOWN],
        "extraObjects brings objects",
    ),
    _one(
        "chart-objects-seen",
        "a stranger's container as text",
        _STACK,
        "grafana.extraContainers",
        "- name: it\n  image: stranger/it\n",
        "grafana.extraContainers brings containers as text",
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
