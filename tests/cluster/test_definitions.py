"""The operators' kinds, from the operators' own definitions."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal import cluster
from rehearsal.apiserver import ApiServer, Rejected
from rehearsal.cluster import Programs
from tests.cluster.conftest import Accepts

pytestmark = pytest.mark.cluster

KINDS = {
    "external-secrets": ("external-secrets.io/v1", "ExternalSecret", 23),
    "load-balancer-controller": ("elbv2.k8s.aws/v1beta1", "TargetGroupBinding", 1),
    "prometheus-operator": ("monitoring.coreos.com/v1", "PrometheusRule", 10),
    "sealed-secrets": ("bitnami.com/v1alpha1", "SealedSecret", 1),
    "velero": ("velero.io/v1", "Schedule", 13),
}


@pytest.fixture(scope="module")
def defined(api: ApiServer, programs: Programs) -> None:
    for operator in cluster.operators():
        api.define(programs.definitions(operator))


def test_every_operator_has_its_definitions(programs: Programs) -> None:
    found = {name: len(programs.definitions(name)) for name in cluster.operators()}
    assert found == {name: count for name, (_, _, count) in KINDS.items()}


def test_a_kind_is_refused_before_its_definition_and_served_after_it(api: ApiServer) -> None:
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.org"},
        "spec": {
            "group": "example.org",
            "scope": "Cluster",
            "names": {"kind": "Thing", "plural": "things", "listKind": "ThingList",
                      "singular": "thing"},
            "versions": [
                {"name": "v1", "served": True, "storage": True,
                 "schema": {"openAPIV3Schema": {"type": "object"}}},
            ],
        },
    }  # fmt: skip
    thing = {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "one"}}
    with pytest.raises(Rejected, match='no matches for kind "Thing" in version'):
        api.apply(thing)
    api.apply(definition)
    api.apply(thing)
    api.delete(definition)
    assert api.get(thing) is None, "its objects go with a definition"


@pytest.mark.usefixtures("defined")
@pytest.mark.parametrize(("version", "kind", "_count"), KINDS.values())
def test_the_kinds_that_we_declare_are_served(
    api: ApiServer, version: str, kind: str, _count: int
) -> None:
    assert api.kind(version, kind).namespaced


def external_secret(namespace: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": "api", "namespace": namespace},
        "spec": {"secretStoreRef": {"name": "aws", "kind": "ClusterSecretStore"}, **spec},
    }


def binding(namespace: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "elbv2.k8s.aws/v1beta1",
        "kind": "TargetGroupBinding",
        "metadata": {"name": "gateway", "namespace": namespace},
        "spec": {"targetGroupARN": "arn:aws:elasticloadbalancing:x", "targetType": "ip",
                 "serviceRef": {"name": "gateway", "port": 8080}, **spec},
    }  # fmt: skip


@pytest.mark.usefixtures("defined")
def test_custom_objects_are_judged_by_their_definitions(accepts: Accepts, namespace: str) -> None:
    assert accepts([external_secret(namespace, refreshInterval="1h"), binding(namespace)]) == []
    (refused,) = accepts([external_secret(namespace, refreshIntervall="1h")])
    assert ".spec.refreshIntervall: field not declared in schema" in refused
    (refused,) = accepts([binding(namespace, targetType="pod")])
    assert (
        'spec.targetType: Unsupported value: "pod": supported values: "instance", "ip"' in refused
    )
