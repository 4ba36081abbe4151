"""What holds for every chart, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlparse

import pytest

from components.kubernetes.operators.releases import (
    CONTAINER,
    resources,
    selected,
    spread,
)
from settings.operators import CHART_VERSIONS
from tests.components.kubernetes.operators.releases.charts import every

RELEASES = sorted(every())
# CRDs alone: nothing runs.
WITHOUT_PODS = ("external-secrets-crds", "prometheus-operator-crds")
# Where a chart keeps the resources of each container that it runs, hook Jobs included.
RESOURCES = {
    "alloy": ("alloy.resources", "configReloader.resources"),
    "aws-load-balancer-controller": ("resources",),
    "cluster-autoscaler": ("resources",),
    "external-secrets": ("resources", "webhook.resources", "certController.resources"),
    "jaeger": ("jaeger.resources",),
    "kube-prometheus-stack": (
        "prometheus.prometheusSpec.resources",
        "alertmanager.alertmanagerSpec.resources",
        "prometheusOperator.resources",
        "prometheusOperator.prometheusConfigReloader.resources",
        "prometheusOperator.admissionWebhooks.patch.resources",
        "grafana.resources",
        "grafana.sidecar.resources",
        "kube-state-metrics.resources",
        "prometheus-node-exporter.resources",
    ),
    "loki": ("singleBinary.resources",),
    "opentelemetry-collector": ("resources",),
    "prometheus-blackbox-exporter": ("resources",),
    "prometheus-postgres-exporter": ("resources",),
    "prometheus-redis-exporter": ("resources",),
    "reloader": ("reloader.deployment.resources",),
    "sealed-secrets": ("resources",),
    "velero": ("resources", "upgradeJobResources", "initContainers.0.resources"),
}
# What `restricted` refuses with the charts' defaults, and the keys that cure it (K8S-11).
CONTEXTS = {
    "alloy": ("alloy.securityContext",),
    "aws-load-balancer-controller": ("securityContext",),
    "cluster-autoscaler": ("containerSecurityContext",),
    "jaeger": ("jaeger.securityContext",),
    "opentelemetry-collector": ("securityContext",),
    "prometheus-redis-exporter": ("securityContext",),
    "reloader": ("reloader.deployment.containerSecurityContext",),
    "velero": ("containerSecurityContext", "initContainers.0.securityContext"),
}


def at(values: Any, path: str) -> Any:
    for part in path.split("."):
        values = values[int(part)] if isinstance(values, list) else values[part]
    return values


def keys(values: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every key of nested values with what it holds."""
    if isinstance(values, dict):
        for key, value in values.items():
            yield f"{path}.{key}", value
            yield from keys(value, f"{path}.{key}")
    elif isinstance(values, list):
        for place, value in enumerate(values):
            yield from keys(value, f"{path}.{place}")


def test_every_version_of_the_table_is_of_a_chart_that_is_installed_and_the_reverse() -> None:
    assert {chart.name for chart, _ in every().values()} == set(CHART_VERSIONS)


@pytest.mark.parametrize("release", RELEASES)
def test_a_chart_comes_over_https_from_where_it_lives_now(release: str) -> None:
    chart, _ = every()[release]
    address = urlparse(chart.repository)
    assert address.scheme == "https"
    assert "bitnami-labs" not in chart.repository, "moved to bitnami in June 2026"
    if chart.name == "loki":
        assert address.netloc == "grafana-community.github.io", "grafana's is the Enterprise one"


def test_the_tables_of_this_file_know_every_release_that_runs_pods() -> None:
    assert set(RESOURCES) == set(RELEASES) - set(WITHOUT_PODS)
    assert set(CONTEXTS) < set(RESOURCES)


@pytest.mark.parametrize("release", sorted(RESOURCES))
def test_every_container_asks_for_cpu_and_memory_and_its_memory_has_a_limit(release: str) -> None:
    _, values = every()[release]
    for path in RESOURCES[release]:
        asked = at(values, path)
        assert set(asked["requests"]) == {"cpu", "memory"}, f"{path}: a quota would refuse the pod"
        least = int(asked["requests"]["memory"].removesuffix("Mi"))
        assert int(asked["limits"]["memory"].removesuffix("Mi")) > least, path
    said = {path for path, value in keys(values) if isinstance(value, dict) and "requests" in value}
    volumes = {path for path in said if "storage" in at(values, path[1:])["requests"]}
    assert {path[1:] for path in said - volumes} == set(RESOURCES[release])


@pytest.mark.parametrize("release", sorted(CONTEXTS))
def test_a_container_that_restricted_would_refuse_is_cured(release: str) -> None:
    _, values = every()[release]
    for path in CONTEXTS[release]:
        assert CONTAINER.items() <= at(values, path).items(), f"{path}: the pod would not start"


@pytest.mark.parametrize("release", RELEASES)
def test_no_budget_blocks_a_drain(release: str) -> None:
    _, values = every()[release]
    for path, value in keys(values):
        if path.lower().endswith(("podisruptionbudget", "poddisruptionbudget", ".pdb")):
            if set(value) == {"enabled"}:  # the chart's minAvailable 1, fine with two or more
                continue
            assert value["maxUnavailable"] == 1, path
            assert not value.get("minAvailable"), f"{path}: with both the API server refuses it"


@pytest.mark.parametrize("release", RELEASES)
def test_a_monitor_is_never_left_out_because_its_kind_is_not_known_yet(release: str) -> None:
    _, values = every()[release]
    for path, value in keys(values):
        if path.endswith("serviceMonitor") and isinstance(value, dict):
            assert value["enabled"] is True, path
    if release == "velero":
        assert values["metrics"]["serviceMonitor"]["autodetect"] is False
    if release == "external-secrets":
        assert values["serviceMonitor"]["renderMode"] == "alwaysRender"


@pytest.mark.parametrize("release", RELEASES)
def test_no_value_of_a_chart_is_a_credential(release: str) -> None:
    _, values = every()[release]
    for path, value in keys(values):
        name = path.rsplit(".", 1)[-1].lower()
        if isinstance(value, str) and name in ("password", "token", "secretkey", "accesskeyid"):
            raise AssertionError(f"{release}{path} would stand in Helm's values in clear")


def test_the_parts_of_values_are_what_kubernetes_takes() -> None:
    assert resources("10m", "64Mi") == {
        "requests": {"cpu": "10m", "memory": "64Mi"},
        "limits": {"memory": "128Mi"},
    }
    assert selected("grafana", "stack") == {
        "app.kubernetes.io/name": "grafana",
        "app.kubernetes.io/instance": "stack",
    }
    zone, node = spread({"a": "b"})
    assert (zone["topologyKey"], node["topologyKey"]) == (
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    )
    assert zone["whenUnsatisfiable"] == "ScheduleAnyway", "a lost zone must not stop a controller"
