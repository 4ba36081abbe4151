"""Values that give a release's pods a stranger's image, more rights, no bounds, or one pod."""

from __future__ import annotations

from typing import Any

from tests.policies.mutation import Mutant, drop, put

_RELEASE = "kubernetes:helm.sh/v3:Release"


def _one(rule: str, title: str, chart: str, path: str, value: Any, *says: str) -> Mutant:
    change = put(_RELEASE, f"values.{path}", value, f"*-{chart}")
    return Mutant(rule=rule, title=title, change=change, says=says)


def _gone(rule: str, title: str, chart: str, path: str, *says: str) -> Mutant:
    change = drop(_RELEASE, f"values.{path}", f"*-{chart}")
    return Mutant(rule=rule, title=title, change=change, says=says)


_COLLECTOR = "opentelemetry-collector"

MUTANTS: tuple[Mutant, ...] = (
    _one(
        "chart-image-allowed-registry",
        "a stranger's Loki",
        "loki",
        "loki.image",
        {"registry": "docker.io", "repository": "stranger/loki", "tag": "3.7.6"},
        "loki.image comes from docker.io/stranger/loki",
    ),
    _one(
        "chart-image-allowed-registry",
        "a stranger's plugin of Velero",
        "velero",
        "initContainers.0.image",
        "stranger/velero-plugin:v1",
        "initContainers.0.image comes from docker.io/stranger/velero-plugin",
    ),
    _one(
        "chart-image-allowed-registry",
        "another registry for everything",
        "kube-prometheus-stack",
        "global.image",
        {"registry": "mirror.example.com"},
        "global.image comes from mirror.example.com",
    ),
    _one(
        "chart-image-fixed",
        "the newest plugin of Velero",
        "velero",
        "initContainers.0.image",
        "velero/velero-plugin-for-aws:latest",
        "initContainers.0.image is docker.io/velero/velero-plugin-for-aws of whatever day",
    ),
    _one(
        "chart-image-fixed",
        "a plugin without a tag",
        "velero",
        "initContainers.0.image",
        "velero/velero-plugin-for-aws",
        "initContainers.0.image is docker.io/velero/velero-plugin-for-aws of whatever day",
    ),
    _one(
        "chart-image-fixed",
        "the newest autoscaler",
        "cluster-autoscaler",
        "image.tag",
        "latest",
        "image.tag moves",
    ),
    _one(
        "chart-not-loosened",
        "Loki as root",
        "loki",
        "loki.podSecurityContext",
        {"runAsUser": 0},
        "loki.podSecurityContext runs as root",
    ),
    _one(
        "chart-not-loosened",
        "a privileged collector",
        "alloy",
        "alloy.securityContext",
        {
            "privileged": True,
            "allowPrivilegeEscalation": True,
            "capabilities": {"add": ["SYS_PTRACE"]},
            "seccompProfile": {"type": "Unconfined"},
        },
        "alloy.securityContext is privileged",
        "alloy.securityContext allows privileges to grow",
        "alloy.securityContext adds capabilities",
        "alloy.securityContext allows every system call",
    ),
    _one(
        "chart-not-loosened",
        "the node's network",
        "aws-load-balancer-controller",
        "hostNetwork",
        True,
        "the chart sets hostNetwork",
    ),
    _one(
        "chart-not-loosened",
        "a port of the node",
        _COLLECTOR,
        "ports.otlp.hostPort",
        4317,
        "ports.otlp sets hostPort",
    ),
    _one(
        "chart-not-loosened",
        "ports of the node by name",
        "reloader",
        "hostPorts",
        {"http": 8080, "metrics": ""},
        "the chart sets hostPorts",
    ),
    _one(
        "chart-not-loosened",
        "the proxy's port of the node",
        "kube-prometheus-stack",
        "prometheus-node-exporter.kubeRBACProxy.enableHostPort",
        True,
        "prometheus-node-exporter.kubeRBACProxy sets enableHostPort",
    ),
    _one(
        "chart-not-loosened",
        "the node's logs",
        "alloy",
        "controller.volumes.extra",
        [{"name": "logs", "hostPath": {"path": "/var/log"}}],
        "controller.volumes.extra.0 mounts a directory of the node",
    ),
    _gone(
        "chart-restricted",
        "the collector's own context",
        _COLLECTOR,
        "securityContext",
        "securityContext keeps capabilities and privileges",
        "securityContext may write into its image",
    ),
    _gone(
        "chart-restricted",
        "no profile for Velero",
        "velero",
        "podSecurityContext.seccompProfile",
        "podSecurityContext has no seccomp profile",
    ),
    _gone(
        "chart-restricted",
        "Velero's plugin with the runtime's capabilities",
        "velero",
        "initContainers.0.securityContext.capabilities",
        "initContainers.0.securityContext keeps capabilities and privileges",
    ),
    _gone(
        "chart-restricted",
        "nothing said for the reloader",
        "reloader",
        "reloader.deployment.containerSecurityContext",
        "reloader.deployment.containerSecurityContext keeps capabilities and privileges",
        "reloader.deployment.containerSecurityContext may write into its image",
        "reloader.deployment.containerSecurityContext may run as root",
        "reloader.deployment.containerSecurityContext has no seccomp profile",
    ),
    _gone(
        "chart-sized",
        "Prometheus without a limit",
        "kube-prometheus-stack",
        "prometheus.prometheusSpec.resources.limits",
        "prometheus.prometheusSpec.resources lacks limits.memory",
    ),
    _gone(
        "chart-sized",
        "nothing said for the webhook of secrets",
        "secrets-external-secrets",
        "webhook.resources",
        "webhook.resources lacks requests.cpu, requests.memory, limits.memory",
    ),
    Mutant(
        rule="chart-replicated",
        title="one Loki",
        change=put(_RELEASE, "values.singleBinary.replicas", 1, "*-loki"),
        says=("singleBinary.replicas is 1, and 2 are needed",),
        at="platform-operators-logs-loki",
    ),
    Mutant(
        rule="chart-replicated",
        title="the chart's own number of load balancer controllers",
        change=drop(_RELEASE, "values.replicaCount", "*-aws-load-balancer-controller"),
        says=("replicaCount is 1, and 2 are needed",),
        at="platform-operators-controllers-aws-load-balancer-controller",
    ),
)
