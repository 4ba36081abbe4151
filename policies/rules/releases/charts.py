"""Charts: which ones were looked at, and what their defaults leave to our values.

A chart renders its objects in the cluster, out of sight of every other rule; what values say of it
is judged in `chart_pods.py` and `chart_doors.py`, and how it is installed in `releases.py`. A chart
that nobody looked at has no row here and is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from rules.model import NotApplicable, Props, Undecided

RELEASE = ("kubernetes:helm.sh/v3:Release",)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart that was looked at: where it is from, and what its defaults leave to us.

    pods, containers: dotted paths of security contexts without which `restricted` refuses its pods.
    sizes: paths of the resources of its containers. replicas: path -> pods where customers are
    served. kinds: path that is true where the release brings kinds as templates, idle: path that is
    false where it runs nothing; "" for always.
    """

    repository: str
    pods: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    replicas: Mapping[str, int] | None = None
    kinds: str | None = None
    idle: str | None = None


_COMMUNITY = "https://prometheus-community.github.io/helm-charts"
# From the values and templates of the versions that settings/operators.py pins.
CHARTS: Mapping[str, Chart] = {
    "alloy": Chart(
        repository="https://grafana.github.io/helm-charts",
        pods=("global.podSecurityContext",),
        containers=("alloy.securityContext",),
        sizes=("alloy.resources", "configReloader.resources"),
        replicas={"controller.replicas": 2},
    ),
    "aws-load-balancer-controller": Chart(
        repository="https://aws.github.io/eks-charts",
        pods=("podSecurityContext",),
        containers=("securityContext",),
        sizes=("resources",),
        replicas={"replicaCount": 2},
    ),
    "cluster-autoscaler": Chart(
        repository="https://kubernetes.github.io/autoscaler",
        pods=("securityContext",),
        containers=("containerSecurityContext",),
        sizes=("resources",),
        replicas={"replicaCount": 2},
    ),
    "external-secrets": Chart(
        repository="https://charts.external-secrets.io",
        sizes=("resources", "webhook.resources", "certController.resources"),
        replicas={"replicaCount": 2, "webhook.replicaCount": 2},
        kinds="installCRDs",
        idle="createOperator",
    ),
    "jaeger": Chart(
        repository="https://jaegertracing.github.io/helm-charts",
        pods=("jaeger.podSecurityContext",),
        containers=("jaeger.securityContext",),
        sizes=("jaeger.resources",),
    ),
    "kube-prometheus-stack": Chart(
        repository=_COMMUNITY,
        containers=("prometheus-node-exporter.containerSecurityContext",),
        sizes=(
            "alertmanager.alertmanagerSpec.resources",
            "grafana.resources",
            "grafana.sidecar.resources",
            "kube-state-metrics.resources",
            "prometheus-node-exporter.resources",
            "prometheus.prometheusSpec.resources",
            "prometheusOperator.admissionWebhooks.patch.resources",
            "prometheusOperator.prometheusConfigReloader.resources",
            "prometheusOperator.resources",
        ),
    ),
    "loki": Chart(
        repository="https://grafana-community.github.io/helm-charts",
        sizes=("singleBinary.resources",),
        replicas={"singleBinary.replicas": 2},
    ),
    "opentelemetry-collector": Chart(
        repository="https://open-telemetry.github.io/opentelemetry-helm-charts",
        pods=("podSecurityContext",),
        containers=("securityContext",),
        sizes=("resources",),
        replicas={"replicaCount": 2},
    ),
    "prometheus-blackbox-exporter": Chart(
        repository=_COMMUNITY, pods=("podSecurityContext",), sizes=("resources",)
    ),
    "prometheus-operator-crds": Chart(repository=_COMMUNITY, kinds="", idle=""),
    "prometheus-postgres-exporter": Chart(repository=_COMMUNITY, sizes=("resources",)),
    "prometheus-redis-exporter": Chart(
        repository=_COMMUNITY,
        pods=("podSecurityContext",),
        containers=("securityContext",),
        sizes=("resources",),
    ),
    "reloader": Chart(
        repository="https://stakater.github.io/stakater-charts",
        containers=("reloader.deployment.containerSecurityContext",),
        sizes=("reloader.deployment.resources",),
        replicas={"reloader.deployment.replicas": 2},
    ),
    "sealed-secrets": Chart(
        repository="https://bitnami.github.io/sealed-secrets", sizes=("resources",)
    ),
    "velero": Chart(
        repository="https://vmware-tanzu.github.io/helm-charts",
        pods=("podSecurityContext",),
        containers=("containerSecurityContext", "initContainers.0.securityContext"),
        sizes=("resources", "initContainers.0.resources", "upgradeJobResources"),
    ),
}


def brings_kinds(release: Props) -> bool:
    """Whether a release brings kinds as templates, so that they go when it goes."""
    kinds = chart_of(release).kinds
    return kinds == "" or bool(kinds and release.at(f"values.{kinds}"))


def chart_of(release: Props) -> Chart:
    """A chart's row, an empty one for a chart that is not known (`release-chart-reviewed`)."""
    return CHARTS.get(str(release.at("chart", "")), Chart(repository=""))


def idle(release: Props) -> bool:
    """Whether a release runs nothing."""
    path = chart_of(release).idle
    return path == "" or bool(path and release.at(f"values.{path}") is False)


def running(release: Props) -> Chart:
    """The row of a release that runs pods. Raises NotApplicable."""
    if idle(release):
        raise NotApplicable("the release runs nothing")
    return chart_of(release)


def _walk(value: Any, path: str = "") -> Iterator[tuple[str, Props]]:
    """(path, mapping) of all that values hold; what is not known yet is left out."""
    if isinstance(value, Props):
        yield path, value
        for key in value:
            for place, inner in _inside(value, key):
                yield from _walk(inner, f"{path}.{place}" if path else place)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _walk(inner, f"{path}.{index}")


def _inside(values: Props, key: str) -> Iterator[tuple[str, Any]]:
    """What stands under a key: the value, or the known items of a list that has unknown ones."""
    try:
        yield key, values[key]
    except Undecided as undecided:
        if str(undecided).endswith(key):
            return
        # The end of the list is the first place where nothing stands.
        for index in count():
            try:
                item = values.at(f"{key}.{index}")
            except Undecided:
                continue
            if item is None:
                return
            yield f"{key}.{index}", item


def mappings(release: Props) -> Iterator[tuple[str, Props]]:
    """(path, mapping) of all that a release's values hold."""
    return _walk(release.at("values") or Props({}))


def last(path: str) -> str:
    """The last part of a path."""
    return path.rpartition(".")[2]
