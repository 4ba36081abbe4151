"""Kubernetes without a cluster: objects are checked, named, replaced and kept as by a real one."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.account import Account
from rehearsal.providers.kubernetes import Kubernetes
from rehearsal.providers.standin import Call, Difference, Refused
from rehearsal.wire import UNKNOWN, Secret

SEED = bytes(range(32))


@pytest.fixture
def standin() -> Iterator[Kubernetes]:
    account = Account(":memory:")
    yield Kubernetes(account)
    account.close()


def call(type_: str, name: str = "api") -> Call:
    return Call(urn=f"urn:pulumi:prod::arches::kubernetes:{type_}::{name}")


DEPLOYMENT = call("apps/v1:Deployment")
CONFIG = call("core/v1:ConfigMap")


def deployment() -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "api", "namespace": "arches"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "api"}},
            "template": {
                "metadata": {"labels": {"app": "api"}},
                "spec": {"containers": [{"name": "api", "image": "arches/api:1"}]},
            },
        },
    }


def changed(values: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with another value at a dotted path."""
    made = copy.deepcopy(values)
    here: Any = made
    *way, last = path.split(".")
    for part in way:
        here = here[int(part)] if isinstance(here, list) else here[part]
    here[int(last) if isinstance(here, list) else last] = value
    return made


def check(standin: Kubernetes, news: dict[str, Any], which: Call = DEPLOYMENT) -> list[str]:
    return [f"{f.path}: {f.reason}" for f in standin.check(which, {}, news, SEED)[1]]


# -- check ---------------------------------------------------------------------------------------
def test_a_valid_object_passes_unchanged(standin: Kubernetes) -> None:
    assert standin.check(DEPLOYMENT, {}, deployment(), SEED) == (deployment(), [])


def test_a_misspelt_field_is_told_with_its_place(standin: Kubernetes) -> None:
    wrong = deployment()
    wrong["spec"]["replicass"] = 3
    (failure,) = check(standin, wrong)
    assert failure.startswith("spec: ")
    assert "'replicass'" in failure
    assert "\n" not in failure


def test_a_value_of_the_wrong_type_is_told_with_its_path(standin: Kubernetes) -> None:
    (failure,) = check(standin, changed(deployment(), "spec.replicas", "three"))
    assert failure.startswith("spec.replicas: 'three' is not of type")


def test_a_field_that_is_missing_is_told(standin: Kubernetes) -> None:
    wrong = deployment()
    del wrong["spec"]["selector"]
    assert check(standin, wrong) == ["spec: 'selector' is a required property"]


@pytest.mark.parametrize(
    ("version", "kind"),
    [("apps/v9", "Deployment"), ("v9", "Pod"), ("networking.k8s.io/v9", "Ingress")],
)
def test_an_api_version_that_no_cluster_has_is_refused(
    standin: Kubernetes, version: str, kind: str
) -> None:
    (failure,) = check(standin, {**deployment(), "apiVersion": version, "kind": kind})
    assert failure.startswith(f": no {version} {kind} in Kubernetes 1.")


@pytest.mark.parametrize("part", ["apiVersion", "kind"])
def test_an_object_says_what_it_is(standin: Kubernetes, part: str) -> None:
    wrong = deployment()
    del wrong[part]
    assert check(standin, wrong) == [f"{part}: missing"]


def test_a_custom_resource_is_left_to_its_own_definition(standin: Kubernetes) -> None:
    custom = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": "api"},
        "spec": {"anything": True},
    }
    assert check(standin, custom, call("external-secrets.io/v1:ExternalSecret")) == []


def test_secrets_are_checked_and_never_quoted(standin: Kubernetes) -> None:
    config = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "jwt"}}
    good = {**config, "stringData": {"key": Secret("canary-4711")}}
    assert standin.check(call("core/v1:Secret"), {}, good, SEED) == (good, [])


def test_what_is_not_known_yet_is_not_judged(standin: Kubernetes) -> None:
    assert check(standin, changed(deployment(), "spec.replicas", UNKNOWN)) == []


def test_nulls_are_left_out(standin: Kubernetes) -> None:
    assert standin.check(DEPLOYMENT, {}, {**deployment(), "status": None}, SEED)[0] == deployment()


# -- names ---------------------------------------------------------------------------------------
def unnamed() -> dict[str, Any]:
    made = deployment()
    del made["metadata"]["name"]
    return made


def test_an_object_without_a_name_gets_one_and_keeps_it(standin: Kubernetes) -> None:
    first, failures = standin.check(DEPLOYMENT, {}, unnamed(), SEED)
    assert failures == []
    assert first["metadata"] == {
        "name": "api-00010203",
        "namespace": "arches",
        "annotations": {"pulumi.com/autonamed": "true"},
    }
    assert standin.check(DEPLOYMENT, first, unnamed(), b"\xff" * 32)[0] == first, (
        "every `up` would replace the object"
    )


def test_two_seeds_give_two_names(standin: Kubernetes) -> None:
    names = {
        standin.check(DEPLOYMENT, {}, unnamed(), bytes([n]) * 32)[0]["metadata"]["name"]
        for n in range(5)
    }
    assert len(names) == 5


def test_an_object_that_loses_its_own_name_gets_a_new_one(standin: Kubernetes) -> None:
    made, _ = standin.check(DEPLOYMENT, deployment(), unnamed(), SEED)
    assert made["metadata"]["name"] == "api-00010203"


def test_a_name_that_only_a_cluster_can_give_is_refused_with_the_way_out(
    standin: Kubernetes,
) -> None:
    wanted = unnamed()
    wanted["metadata"]["generateName"] = "api-"
    assert check(standin, wanted) == [
        "metadata.generateName: not known here: leave metadata.name out and Pulumi gives a name"
    ]


# -- diff ----------------------------------------------------------------------------------------
def diff(
    standin: Kubernetes, olds: dict[str, Any], news: dict[str, Any], which: Call = DEPLOYMENT
) -> Difference:
    return standin.diff(which, "arches/api", olds, olds, news)


def test_an_image_changes_in_place(standin: Kubernetes) -> None:
    path = "spec.template.spec.containers.0.image"
    assert diff(standin, deployment(), changed(deployment(), path, "arches/api:2")) == Difference(
        changed=["spec.template.spec.containers[0].image"]
    )


def test_another_selector_replaces_the_object_and_the_old_one_goes_first(
    standin: Kubernetes,
) -> None:
    news = changed(deployment(), "spec.selector.matchLabels.app", "other")
    assert diff(standin, deployment(), news) == Difference(
        changed=["spec.selector.matchLabels.app"],
        replaces=["spec.selector.matchLabels.app"],
        delete_before_replace=True,
    ), "both would want one name"


def test_a_generated_name_lets_the_new_one_come_first(standin: Kubernetes) -> None:
    olds, _ = standin.check(DEPLOYMENT, {}, unnamed(), SEED)
    news = changed(olds, "spec.selector.matchLabels.app", "other")
    difference = diff(standin, olds, news)
    assert difference.replaces == ["spec.selector.matchLabels.app"]
    assert not difference.delete_before_replace


@pytest.mark.parametrize("part", ["name", "namespace"])
def test_another_place_replaces_the_object_and_the_new_one_comes_first(
    standin: Kubernetes, part: str
) -> None:
    difference = diff(standin, deployment(), changed(deployment(), f"metadata.{part}", "other"))
    assert difference.replaces == [f"metadata.{part}"]
    assert not difference.delete_before_replace


@pytest.mark.parametrize(
    ("type_", "path", "old", "new"),
    [
        ("apps/v1:StatefulSet", "spec.volumeClaimTemplates[0].spec.size",
         {"spec": {"volumeClaimTemplates": [{"spec": {"size": 1}}]}},
         {"spec": {"volumeClaimTemplates": [{"spec": {"size": 2}}]}}),
        ("batch/v1:Job", "spec.template.spec.containers[0].image",
         {"spec": {"template": {"spec": {"containers": [{"image": "a"}]}}}},
         {"spec": {"template": {"spec": {"containers": [{"image": "b"}]}}}}),
        ("storage.k8s.io/v1:StorageClass", "parameters.type",
         {"parameters": {"type": "gp2"}}, {"parameters": {"type": "gp3"}}),
        ("rbac.authorization.k8s.io/v1:RoleBinding", "roleRef.name",
         {"roleRef": {"name": "a"}}, {"roleRef": {"name": "b"}}),
        ("core/v1:ConfigMap", "data.key", {"data": {"key": "a"}}, {"data": {"key": "b"}}),
        ("core/v1:Secret", "stringData.key",
         {"stringData": {"key": Secret("a")}}, {"stringData": {"key": Secret("b")}}),
        ("apps/v1:Deployment", "spec", {"spec": None}, {"spec": {"selector": {}}}),
    ],
)  # fmt: skip
def test_what_cannot_change_in_place_replaces(
    standin: Kubernetes, type_: str, path: str, old: dict, new: dict
) -> None:
    difference = diff(standin, old, new, call(type_))
    assert (difference.changed, difference.replaces) == ([path], [path])


def test_contents_change_in_place_where_the_provider_is_told_so(standin: Kubernetes) -> None:
    old, new = {"data": {"key": "a"}}, {"data": {"key": "b"}}
    standin.configure({"enableConfigMapMutable": "true", "kubeconfig": Secret("x")})
    assert diff(standin, old, new, CONFIG).replaces == []
    assert diff(standin, old, {**new, "immutable": True}, CONFIG).replaces == ["data.key"]
    assert diff(standin, old, new, call("core/v1:Secret")).replaces == ["data.key"]


# -- life ----------------------------------------------------------------------------------------
def test_an_object_is_made_read_changed_and_deleted(standin: Kubernetes) -> None:
    id_, outputs = standin.create(DEPLOYMENT, deployment(), preview=False)
    assert (id_, outputs) == ("arches/api", deployment())
    assert standin.read(DEPLOYMENT, id_, {}, {}) == (id_, deployment(), deployment())
    news = changed(deployment(), "spec.replicas", 5)
    assert standin.update(DEPLOYMENT, id_, {}, deployment(), news, preview=False) == news
    assert standin.read(DEPLOYMENT, id_, {}, {})[1] == news
    standin.delete(DEPLOYMENT, id_, {})
    assert standin.read(DEPLOYMENT, id_, {}, {}) == ("", {}, {})
    standin.delete(DEPLOYMENT, id_, {})  # gone already is as good


def test_a_preview_makes_and_changes_nothing(standin: Kubernetes) -> None:
    id_, outputs = standin.create(DEPLOYMENT, deployment(), preview=True)
    assert (id_, outputs["status"]) == ("", UNKNOWN)
    assert standin.read(DEPLOYMENT, "arches/api", {}, {})[0] == ""
    standin.create(DEPLOYMENT, deployment(), preview=False)
    news = changed(deployment(), "spec.replicas", 5)
    standin.update(DEPLOYMENT, "arches/api", {}, {}, news, preview=True)
    assert standin.read(DEPLOYMENT, "arches/api", {}, {})[1] == deployment()


def test_two_objects_of_one_kind_and_place_cannot_share_a_name(standin: Kubernetes) -> None:
    standin.create(DEPLOYMENT, deployment(), preview=False)
    with pytest.raises(Refused, match=r'^deployments "arches/api" already exists$'):
        standin.create(call("apps/v1:Deployment", "second"), deployment(), preview=False)
    elsewhere = changed(deployment(), "metadata.namespace", "staging")
    assert standin.create(DEPLOYMENT, elsewhere, preview=False)[0] == "staging/api"


def test_an_object_without_a_namespace_is_known_by_its_name(standin: Kubernetes) -> None:
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "arches"}}
    assert standin.create(call("core/v1:Namespace"), space, preview=False)[0] == "arches"


def test_an_update_of_what_is_gone_names_the_way_out(standin: Kubernetes) -> None:
    with pytest.raises(Refused, match=r"^arches/api not found; run `pulumi refresh` first$"):
        standin.update(DEPLOYMENT, "arches/api", {}, {}, deployment(), preview=False)


def test_secrets_come_back_as_secrets(standin: Kubernetes) -> None:
    secret = call("core/v1:Secret")
    inputs = {"metadata": {"name": "jwt"}, "stringData": {"key": Secret("canary-4711")}}
    id_, outputs = standin.create(secret, inputs, preview=False)
    assert outputs["stringData"] == {"key": Secret("canary-4711")}
    _, read, _ = standin.read(secret, id_, outputs, inputs)
    assert read["stringData"] == {"key": Secret("canary-4711")}


def test_a_function_call_while_building_is_refused(standin: Kubernetes) -> None:
    with pytest.raises(Refused, match="would call kubernetes while the program is built"):
        standin.invoke("kubernetes:yaml:decode", {})
