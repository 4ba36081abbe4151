"""The stand-in in front of a real API server: made, read, drifted, mended, replaced, deleted."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.account import Account
from rehearsal.apiserver import ApiServer
from rehearsal.cluster import Cluster
from rehearsal.providers.helm import RELEASE
from rehearsal.providers.kubernetes import Kubernetes
from rehearsal.providers.standin import Call, Refused, Unready
from rehearsal.wire import Secret
from tests.cluster.objects import config_map, deployment, of_kind, pod_spec, quota

pytestmark = pytest.mark.cluster

CANARY = "canary-0123456789abcdef"


@pytest.fixture
def account() -> Iterator[Account]:
    made = Account(":memory:")
    yield made
    made.close()


@pytest.fixture
def standin(account: Account, running: Cluster) -> Kubernetes:
    return Kubernetes(account, cluster=running)


def call(type_: str, name: str = "api") -> Call:
    return Call(urn=f"urn:pulumi:prod::arches::kubernetes:{type_}::{name}")


DEPLOYMENT = call("apps/v1:Deployment")
CONFIG = call("core/v1:ConfigMap")
SECRET = call("core/v1:Secret")


def patch(api: ApiServer, manifest: dict[str, Any], **changes: Any) -> None:
    """A change by hand: somebody with kubectl."""
    api.ask("PATCH", api.path(manifest), changes, kind="application/merge-patch+json")


def test_what_is_made_is_in_the_cluster_until_it_is_deleted(
    standin: Kubernetes, api: ApiServer, namespace: str
) -> None:
    inputs = deployment(namespace)
    id_, outputs = standin.create(DEPLOYMENT, inputs, preview=False)
    assert (id_, outputs) == (f"{namespace}/api", inputs)
    assert api.get(inputs) is not None
    assert standin.read(DEPLOYMENT, id_, inputs, inputs) == (id_, inputs, inputs)
    standin.delete(DEPLOYMENT, id_, {})
    assert api.get(inputs) is None
    assert standin.read(DEPLOYMENT, id_, {}, {})[0] == ""


def test_a_preview_sends_nothing(standin: Kubernetes, api: ApiServer, namespace: str) -> None:
    standin.create(CONFIG, config_map(namespace, a="1"), preview=True)
    assert api.get(config_map(namespace)) is None


def test_what_the_server_writes_in_its_own_way_is_no_drift(
    standin: Kubernetes, namespace: str
) -> None:
    inputs = deployment(namespace)
    resources = pod_spec(inputs)["containers"][0]["resources"]
    resources["requests"] = {"cpu": "1000m", "memory": "1024Mi"}
    resources["limits"] = {"memory": "2048Mi"}
    id_, _ = standin.create(DEPLOYMENT, inputs, preview=False)
    assert standin.read(DEPLOYMENT, id_, inputs, inputs)[2] == inputs, "each refresh would differ"


def test_a_change_by_hand_is_found_where_it_is_and_mended(
    standin: Kubernetes, api: ApiServer, namespace: str
) -> None:
    inputs = deployment(namespace)
    id_, _ = standin.create(DEPLOYMENT, inputs, preview=False)
    patch(api, inputs, spec={"replicas": 7}, metadata={"labels": {"not": "ours"}})
    drifted = copy.deepcopy(inputs)
    drifted["spec"]["replicas"] = 7
    assert standin.read(DEPLOYMENT, id_, inputs, inputs)[2] == drifted
    standin.update(DEPLOYMENT, id_, {}, drifted, inputs, preview=False)
    assert standin.read(DEPLOYMENT, id_, inputs, inputs)[2] == inputs


def test_what_somebody_deleted_is_gone_for_refresh_and_for_the_account(
    standin: Kubernetes, api: ApiServer, account: Account, namespace: str
) -> None:
    inputs = config_map(namespace, a="1")
    id_, _ = standin.create(CONFIG, inputs, preview=False)
    api.delete(inputs)
    assert standin.read(CONFIG, id_, inputs, inputs) == ("", {}, {})
    assert account.all() == []
    assert standin.create(CONFIG, inputs, preview=False)[0] == id_


def test_a_secret_is_compared_and_never_shown(
    standin: Kubernetes, api: ApiServer, namespace: str
) -> None:
    inputs = {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "jwt", "namespace": namespace},
        "stringData": {"key": Secret(CANARY), "other": Secret("same-as-before")},
    }  # fmt: skip
    id_, outputs = standin.create(SECRET, inputs, preview=False)
    assert outputs["stringData"]["key"] == Secret(CANARY)
    assert standin.read(SECRET, id_, inputs, inputs)[2] == inputs
    patch(api, inputs, data={"key": "b3RoZXI="})
    found = standin.read(SECRET, id_, inputs, inputs)[2]["stringData"]
    assert isinstance(found["key"], Secret)
    assert found["key"] != Secret(CANARY)
    assert found["other"] == Secret("same-as-before")


def test_a_refusal_does_not_quote_a_secret(standin: Kubernetes, namespace: str) -> None:
    inputs = config_map(namespace)
    inputs["metadata"]["labels"] = {"key": Secret(f"{CANARY} with a space")}
    with pytest.raises(Refused, match="a valid label must be") as refused:
        standin.create(CONFIG, inputs, preview=False)
    assert CANARY not in str(refused.value)
    assert str(refused.value).startswith("ConfigMap (api): ")
    assert "\n" not in str(refused.value)


def test_a_refused_object_is_not_remembered(
    standin: Kubernetes, account: Account, namespace: str
) -> None:
    wrong = deployment(namespace)
    wrong["spec"]["selector"]["matchLabels"]["app"] = "other"
    with pytest.raises(Refused, match="`selector` does not match template `labels`"):
        standin.create(DEPLOYMENT, wrong, preview=False)
    assert account.all() == []


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"])
def test_a_workload_whose_pods_are_refused_is_made_and_not_ready(
    standin: Kubernetes, account: Account, namespace: str, kind: str
) -> None:
    made = deployment(namespace)
    pod_spec(made)["hostNetwork"] = True
    inputs = of_kind(made, kind)
    which = call(f"{inputs['apiVersion']}:{kind}")
    with pytest.raises(Unready, match=r"its pods are refused: .* violates PodSecurity") as unready:
        standin.create(which, inputs, preview=False)
    assert unready.value.id == f"{namespace}/api", "the engine must keep it, to mend it"
    assert len(account.all()) == 1
    del pod_spec(made)["hostNetwork"]
    if kind != "Job":  # whose template never changes
        standin.update(which, f"{namespace}/api", {}, inputs, of_kind(made, kind), preview=False)


def test_an_immutable_field_is_refused_in_the_servers_words(
    standin: Kubernetes, namespace: str
) -> None:
    inputs = {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "api", "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "one"},
    }  # fmt: skip
    which = call("rbac.authorization.k8s.io/v1:RoleBinding")
    id_, _ = standin.create(which, inputs, preview=False)
    other = copy.deepcopy(inputs)
    other["roleRef"]["name"] = "two"
    assert standin.diff(which, id_, {}, inputs, other).replaces == ["roleRef.name"]
    with pytest.raises(Refused, match="cannot change roleRef"):
        standin.update(which, id_, {}, inputs, other, preview=False)


def test_when_all_is_made_the_quota_has_room_for_every_replica(
    standin: Kubernetes, namespace: str
) -> None:
    room = call("core/v1:ResourceQuota", "quota")
    standin.create(room, quota(namespace, pods="2"), preview=False)
    standin.create(DEPLOYMENT, deployment(namespace, replicas=2), preview=False)
    assert standin.refused_pods() == []
    third = call("apps/v1:Deployment", "platform")
    standin.create(third, deployment(namespace, "platform"), preview=False)
    (refused,) = standin.refused_pods()
    assert "exceeded quota: quota, requested: pods=1, used: pods=2, limited: pods=2" in refused


def test_the_servers_warnings_are_told(standin: Kubernetes, namespace: str) -> None:
    inputs = deployment(namespace)
    pod_spec(inputs)["nodeSelector"] = {"beta.kubernetes.io/os": "linux"}
    standin.create(DEPLOYMENT, inputs, preview=False)
    told = [each for each in standin.warnings if "beta.kubernetes.io/os" in each]
    assert len(told) == 1
    assert told[0].startswith("the API server warns: ")
    assert "deprecated since v1.14" in told[0]


# -- releases -----------------------------------------------------------------------------------
def release(namespace: str, **inputs: Any) -> dict[str, Any]:
    return {
        "name": "sealed",
        "namespace": namespace,
        "chart": "sealed-secrets",
        "version": "2.19.1",
        "repositoryOpts": {"repo": "https://bitnami.github.io/sealed-secrets"},
        "values": {},
        **inputs,
    }


HELM = Call(urn=f"urn:pulumi:prod::arches::{RELEASE}::sealed")


def test_a_release_needs_its_namespace_or_makes_it(standin: Kubernetes, api: ApiServer) -> None:
    with pytest.raises(Refused, match='create: failed to create: namespaces "later" not found'):
        standin.create(HELM, release("later"), preview=False)
    standin.create(HELM, release("later", createNamespace=True), preview=False)
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "later"}}
    assert api.get(space) is not None
    api.delete(space)


def test_a_release_brings_the_definitions_of_its_chart(
    standin: Kubernetes, api: ApiServer, running: Cluster, namespace: str
) -> None:
    (definition,) = running.programs.definitions("sealed-secrets")
    api.delete(definition)
    standin.create(HELM, release(namespace, skipCrds=True), preview=False)
    assert api.get(definition) is None
    standin.delete(HELM, f"{namespace}/sealed", {})
    standin.create(HELM, release(namespace), preview=False)
    assert api.get(definition) is not None
    standin.delete(HELM, f"{namespace}/sealed", {})
    assert api.get(definition) is not None, "Helm leaves what came from a crds folder"


def test_definitions_from_templates_go_with_the_release_and_refuse_a_second_owner(
    standin: Kubernetes, api: ApiServer, running: Cluster, namespace: str
) -> None:
    definitions = running.programs.definitions("external-secrets")
    for each in definitions:
        api.delete(each)
    external = release(
        namespace, chart="external-secrets", version="2.9.0",
        repositoryOpts={"repo": "https://charts.external-secrets.io"},
    )  # fmt: skip
    standin.create(HELM, external, preview=False)
    assert api.get(definitions[0]) is not None
    second = {**external, "name": "second"}
    with pytest.raises(Refused, match="invalid ownership metadata"):
        standin.create(HELM, second, preview=False)
    standin.create(HELM, {**second, "values": {"installCRDs": False}}, preview=False)
    standin.delete(HELM, f"{namespace}/sealed", {})
    assert api.get(definitions[0]) is None, "and every object of those kinds with them"


def test_definitions_that_a_release_left_are_its_own_when_it_comes_back(
    standin: Kubernetes, api: ApiServer, running: Cluster, namespace: str
) -> None:
    definitions = running.programs.definitions("prometheus-operator")
    for each in definitions:
        api.delete(each)
    kinds = release(
        namespace, chart="prometheus-operator-crds", version="31.0.1",
        repositoryOpts={"repo": "https://prometheus-community.github.io/helm-charts"},
        values={"crds": {"annotations": {"helm.sh/resource-policy": "keep"}}},
    )  # fmt: skip
    standin.create(HELM, kinds, preview=False)
    standin.delete(HELM, f"{namespace}/sealed", {})
    assert api.get(definitions[0]) is not None, "`keep` leaves them and all that they describe"
    standin.create(HELM, kinds, preview=False)
    with pytest.raises(Refused, match="invalid ownership metadata"):
        standin.create(HELM, {**kinds, "name": "second"}, preview=False)
