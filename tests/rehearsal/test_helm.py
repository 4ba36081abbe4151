"""Helm releases without Helm: a wrong chart, version or value is refused, a pending one blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal import cluster
from rehearsal.account import Account
from rehearsal.faults import Faults
from rehearsal.providers import helm
from rehearsal.providers.kubernetes import Kubernetes
from rehearsal.providers.standin import Call, Difference, Refused, Unready
from rehearsal.wire import UNKNOWN, Secret

CALL = Call(urn=f"urn:pulumi:prod::arches::{helm.RELEASE}::velero")
SEED = bytes(range(32))


@pytest.fixture
def account() -> Iterator[Account]:
    made = Account(":memory:")
    yield made
    made.close()


@pytest.fixture
def standin(account: Account) -> Kubernetes:
    return Kubernetes(account)


def velero(**inputs: Any) -> dict[str, Any]:
    return {
        "name": "velero",
        "namespace": "default",
        "chart": "velero",
        "version": "12.1.0",
        "repositoryOpts": {"repo": "https://vmware-tanzu.github.io/helm-charts"},
        "timeout": 300,
        "values": {"credentials": {"useSecret": False}},
        **inputs,
    }


def refused(**inputs: Any) -> list[str]:
    return [f"{f.path}: {f.reason}" for f in helm.refusals(velero(**inputs))]


# -- what is known ------------------------------------------------------------------------------
def test_every_chart_has_an_address_a_version_and_values() -> None:
    assert len(helm.charts()) == 17
    for chart in helm.charts().values():
        assert chart.repository.startswith("https://"), chart.name
        assert not chart.repository.endswith("/"), chart.name
        assert chart.versions, chart.name
        assert all(isinstance(version, str) for version in chart.versions), chart.name
        assert chart.keys, chart.name


def test_definitions_are_known_of_every_operator_that_a_chart_names() -> None:
    named = {chart.operator for chart in helm.charts().values()} - {None}
    assert named == set(cluster.operators()), "a chart brings definitions that nobody has"


@pytest.mark.parametrize(
    ("chart", "path"),
    [
        ("aws-load-balancer-controller", "webhookTLS.caCert"),
        ("aws-load-balancer-controller", "controllerConfig.featureGates.ALBGatewayAPI"),
        ("external-secrets", "certController.serviceAccount.name"),
        ("external-secrets", "serviceMonitor.renderMode"),
        ("kube-prometheus-stack", "prometheus.prometheusSpec.podMonitorSelectorNilUsesHelmValues"),
        ("kube-prometheus-stack", "grafana.sidecar.dashboards.searchNamespace"),
        ("kube-prometheus-stack", "prometheus-node-exporter.namespaceOverride"),
        ("kube-prometheus-stack", "defaultRules.rules.kubeProxy"),
        ("loki", "loki.limits_config.retention_period"),
        ("loki", "singleBinary.podDisruptionBudget.maxUnavailable"),
        ("loki", "chunksCache.allocatedMemory"),
        ("alloy", "controller.podDisruptionBudget.maxUnavailable"),
        ("opentelemetry-collector", "config.receivers.jaeger"),
        ("jaeger", "userconfig.extensions"),
        ("velero", "schedules.every30.template.ttl"),
        ("velero", "configuration.repositoryMaintenanceJob.repositoryConfigData.global"),
        ("cluster-autoscaler", "rbac.serviceAccount.name"),
        ("sealed-secrets", "networkPolicy.egress.kubeapiPort"),
        ("metrics-server", "apiService.insecureSkipTLSVerify"),
        ("reloader", "reloader.deployment.containerSecurityContext.runAsNonRoot"),
    ],
)
def test_a_value_that_the_chart_reads_is_accepted(chart: str, path: str) -> None:
    known = helm.charts()[chart]
    value: Any = True
    for part in reversed(path.split(".")):
        value = {part: value}
    inputs = {
        "chart": chart,
        "version": next(iter(known.versions)),
        "repositoryOpts": {"repo": known.repository},
        "values": value,
    }
    assert list(helm.refusals(inputs)) == []


# -- what is refused ----------------------------------------------------------------------------
def test_a_chart_of_ours_is_accepted() -> None:
    assert refused() == []
    assert refused(repositoryOpts={"repo": "https://vmware-tanzu.github.io/helm-charts/"}) == []


def test_a_chart_that_does_not_exist_names_the_nearest_and_all_allowed() -> None:
    (line,) = refused(chart="valero")
    assert line.startswith('chart: "valero" is no known chart (did you mean "velero"?); known are ')
    assert "kube-prometheus-stack" in line
    assert "\n" not in line


def test_a_version_that_does_not_exist_names_the_allowed_ones() -> None:
    (line,) = refused(version="99.0.0")
    assert line.startswith(
        "version: 99.0.0 is no known version of chart velero; allowed: 12.1.0, 12.2.0; "
    )


def test_a_chart_at_another_address_is_refused() -> None:
    assert refused(repositoryOpts={"repo": "https://charts.example.org"}) == [
        "repositoryOpts.repo: https://charts.example.org has no chart velero; it is at "
        "https://vmware-tanzu.github.io/helm-charts"
    ]


@pytest.mark.parametrize(
    ("values", "path", "hint"),
    [
        ({"credential": {}}, "credential", "credentials"),
        ({"credentials": {"useSecrets": 1}}, "credentials.useSecrets", "credentials.useSecret"),
        ({"deployNodeAgents": False}, "deployNodeAgents", "deployNodeAgent"),
        (Secret({"credential": {}}), "credential", "credentials"),
    ],
)
def test_a_misspelt_value_is_refused_with_the_nearest_known_one(
    values: Any, path: str, hint: str
) -> None:
    assert refused(values=values) == [
        f'values.{path}: chart velero 12.1.0 reads no such value (did you mean "{hint}"?); '
        "Helm would ignore it without a word"
    ]


def test_a_value_that_stands_in_values_yaml_and_is_read_by_nobody_is_refused() -> None:
    known = helm.charts()["jaeger"]
    inputs = {
        "chart": "jaeger",
        "version": "4.11.1",
        "repositoryOpts": {"repo": known.repository},
        "values": {"jaeger": {"topologySpreadContraints": []}, "networkPolicy": {"enabled": True}},
    }
    assert [f.path for f in helm.refusals(inputs)] == [
        "values.jaeger.topologySpreadContraints",
        "values.networkPolicy",
    ]


def test_what_is_not_known_yet_is_not_judged() -> None:
    assert refused(version=UNKNOWN, values={"configuration": UNKNOWN}) == []
    assert refused(chart=UNKNOWN) == []


# -- definitions --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("chart", "inputs", "brings", "takes"),
    [
        ("velero", {}, True, False),
        ("velero", {"skipCrds": True}, True, False),  # its hook makes them
        ("velero", {"skipCrds": True, "values": {"upgradeCRDs": False}}, False, False),
        ("sealed-secrets", {"skipCrds": True}, False, False),
        ("kube-prometheus-stack", {"values": {"crds": {"enabled": False}}}, False, False),
        ("external-secrets", {}, True, True),
        ("external-secrets", {"skipCrds": True}, True, True),  # no switch of Helm's for templates
        ("external-secrets", {"values": {"installCRDs": False}}, False, False),
        (
            "prometheus-operator-crds",
            {"values": {"crds": {"annotations": {"helm.sh/resource-policy": "keep"}}}},
            True,
            False,
        ),
        ("loki", {}, False, False),
    ],
)
def test_a_release_brings_and_takes_definitions_as_its_chart_does(
    chart: str, inputs: dict[str, Any], brings: bool, takes: bool
) -> None:
    known = helm.charts()[chart]
    assert helm.brings_definitions(known, inputs) is brings
    assert helm.takes_definitions(known, inputs) is takes


# -- life ---------------------------------------------------------------------------------------
def test_a_release_is_installed_upgraded_read_and_uninstalled(standin: Kubernetes) -> None:
    id_, outputs = standin.create(CALL, velero(), preview=False)
    assert id_ == "default/velero"
    assert outputs["status"] == {
        "appVersion": "1.18.1",
        "chart": "velero",
        "name": "velero",
        "namespace": "default",
        "revision": 1,
        "status": "deployed",
        "version": "12.1.0",
    }
    assert standin.read(CALL, id_, outputs, velero()) == (id_, outputs, velero())
    news = velero(version="12.2.0")
    changed = standin.update(CALL, id_, outputs, velero(), news, preview=False)
    assert changed["status"]["revision"] == 2
    assert changed["status"]["version"] == "12.2.0"
    standin.delete(CALL, id_, changed)
    assert standin.read(CALL, id_, changed, news)[0] == ""


def test_a_release_without_a_name_gets_one_and_keeps_it(standin: Kubernetes) -> None:
    wanted = {k: v for k, v in velero().items() if k not in ("name", "timeout", "namespace")}
    first, failures = standin.check(CALL, {}, wanted, SEED)
    assert failures == []
    assert first == velero(name="velero-00010203")
    assert standin.check(CALL, first, wanted, b"\xff" * 32)[0] == first


def test_another_name_or_namespace_replaces_a_release_and_values_do_not(
    standin: Kubernetes,
) -> None:
    for key in ("name", "namespace"):
        assert standin.diff(CALL, "", {}, velero(), velero(**{key: "other"})) == Difference(
            changed=[key], replaces=[key]
        )
    assert standin.diff(CALL, "", {}, velero(), velero(version="12.2.0")).replaces == []


def test_a_preview_installs_nothing(standin: Kubernetes, account: Account) -> None:
    id_, outputs = standin.create(CALL, velero(), preview=True)
    assert (id_, outputs["status"]) == ("", UNKNOWN)
    assert account.all() == []


def test_a_namespace_that_nobody_made_is_refused(standin: Kubernetes) -> None:
    with pytest.raises(Refused, match='namespaces "backup" not found; make the namespace first'):
        standin.create(CALL, velero(namespace="backup"), preview=False)
    standin.create(CALL, velero(namespace="backup", createNamespace=True), preview=False)


def test_a_name_is_taken_once_in_a_namespace(standin: Kubernetes) -> None:
    standin.create(CALL, velero(), preview=False)
    with pytest.raises(Refused, match="cannot re-use a name that is still in use"):
        standin.create(CALL, velero(), preview=False)


# -- interrupted --------------------------------------------------------------------------------
def test_an_interrupted_release_blocks_every_later_run_until_it_is_uninstalled(
    account: Account,
) -> None:
    killed: list[str] = []
    faults = Faults.parse(["kill:1"])
    faults.on_kill = lambda: killed.append("engine")
    standin = Kubernetes(account, faults=faults)
    standin.create(CALL, velero(), preview=False)
    assert killed == ["engine"]
    _, outputs, _ = standin.read(CALL, "default/velero", {}, velero())
    assert outputs["status"]["status"] == "pending-install"

    later = Kubernetes(account)
    with pytest.raises(Refused, match="cannot re-use a name that is still in use"):
        later.create(CALL, velero(), preview=False)
    with pytest.raises(Refused) as refusal:
        later.update(CALL, "default/velero", {}, velero(), velero(), preview=False)
    said = str(refusal.value)
    assert "another operation (install/upgrade/rollback) is in progress" in said
    assert "`helm uninstall velero -n default` on a cluster, `make recover` here" in said

    assert later.uninstall_pending() == [
        "release default/velero was pending-install: uninstalled, as `helm uninstall velero -n "
        "default` does it on a cluster"
    ]
    assert later.uninstall_pending() == []
    assert later.create(CALL, velero(), preview=False)[0] == "default/velero"


def test_a_release_whose_pods_never_come_up_is_failed_and_the_next_run_mends_it(
    account: Account,
) -> None:
    standin = Kubernetes(account, faults=Faults.parse([f"timeout:{helm.RELEASE}"]))
    with pytest.raises(Unready, match="failed to initialize completely") as unready:
        standin.create(CALL, velero(), preview=False)
    assert unready.value.outputs["status"]["status"] == "failed"
    changed = Kubernetes(account).update(
        CALL, "default/velero", {}, velero(), velero(), preview=False
    )
    assert changed["status"]["status"] == "deployed"


def test_an_atomic_release_that_fails_takes_itself_back(account: Account) -> None:
    standin = Kubernetes(account, faults=Faults.parse([f"timeout:{helm.RELEASE}"]))
    with pytest.raises(Refused, match="has been uninstalled due to atomic being set"):
        standin.create(CALL, velero(atomic=True), preview=False)
    assert account.all() == []


@pytest.mark.parametrize(
    ("fault", "words", "made"), [("fail:1", "request timed out", 0), ("lose-reply:1", "lost", 1)]
)
def test_a_bad_day_is_one_line(account: Account, fault: str, words: str, made: int) -> None:
    standin = Kubernetes(account, faults=Faults.parse([fault]))
    with pytest.raises(Refused, match=words):
        standin.create(CALL, velero(), preview=False)
    assert len(account.all()) == made
