"""What whoever is on call may do; tests/test_on_call.py holds it against the runbooks."""

from __future__ import annotations

import kubernetes_validate
import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.kubernetes.guardrails.responders import (
    Responders,
    RespondersArgs,
    application,
    monitoring,
)
from tests.recorder import Recorder, record

RBAC = "kubernetes:rbac.authorization.k8s.io/v1"
NAMESPACE = "kubernetes:core/v1:Namespace"


def made() -> Recorder:
    def program() -> None:
        on = pulumi.ResourceOptions(providers=[kubernetes.Provider("k", kubeconfig="{}")])
        there = kubernetes.core.v1.Namespace("there", opts=pulumi.ResourceOptions.merge(on, None))
        args = RespondersArgs(namespace="production", prometheus=2, after=[there])
        Responders("responders", args, on)

    return record(program)


@pytest.mark.parametrize("rules", [application(), monitoring(2)], ids=["application", "monitoring"])
def test_the_role_names_what_it_grants_and_no_secret(rules: list[dict[str, list[str]]]):
    for rule in rules:
        assert "*" not in str(rule), "CHK-SEC-04"
        assert not {"secrets", "serviceaccounts", "pods/attach"} & set(rule["resources"])
        assert not {"update", "bind", "escalate", "impersonate"} & set(rule["verbs"])


def test_entering_a_pod_is_asked_for_twice_since_kubernetes_1_35():
    for rule in (*application(), *monitoring(1)):
        if "pods/exec" in rule["resources"]:
            assert rule["verbs"] == ["get", "create"], "the upgrade to WebSocket is a GET"


def test_in_monitoring_only_prometheus_is_entered():
    [entered] = [rule for rule in monitoring(2) if "pods/exec" in rule["resources"]]
    assert entered["resourceNames"] == ["prometheus-monitoring-0", "prometheus-monitoring-1"], (
        "Grafana's pod knows the administrator's password"
    )


def test_both_namespaces_have_the_role_bound_to_those_on_call_alone():
    recorded = made()
    for binding in recorded.of(f"{RBAC}:RoleBinding"):
        role = recorded.one(f"{RBAC}:Role", binding.name)
        assert role.urn in binding.dependencies
        assert binding.inputs["roleRef"]["name"] == role.inputs["metadata"]["name"]
        assert binding.inputs["metadata"]["namespace"] == role.inputs["metadata"]["namespace"]
        assert binding.inputs["subjects"] == [
            {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "Group",
                "name": "arches:responders",
            }
        ]
    namespaces = {each.inputs["metadata"]["namespace"] for each in recorded.of(f"{RBAC}:Role")}
    assert namespaces == {"production", "monitoring"}
    for each in (*recorded.of(f"{RBAC}:Role"), *recorded.of(f"{RBAC}:RoleBinding")):
        kubernetes_validate.validate(each.inputs, kubernetes_validate.latest_version(), strict=True)


def test_the_role_in_monitoring_waits_for_that_namespace():
    recorded = made()
    role = recorded.one(f"{RBAC}:Role", "responders-monitoring")
    assert recorded.one(NAMESPACE).urn in role.dependencies
