"""Each row about cluster objects says the API server's words when it must, and else nothing."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.refusals.objects import (
    BINDING,
    CLAIM,
    CLUSTER,
    DEFINITION,
    DEPLOYMENT,
    JOB,
    NAMESPACE,
    RELEASE,
    ROWS,
    SERVICE,
    STATEFUL_SET,
    STORAGE_CLASS,
    size,
)
from rehearsal.wire import UNKNOWN
from tests.rehearsal.refusals.cases import (
    Case,
    Thing,
    create,
    delete,
    thing,
    update,
)

EXTERNAL = "kubernetes:external-secrets.io/v1:ExternalSecret"
META = {"name": "redis", "namespace": "arches"}


def change(type_: str, old: dict[str, Any], new: dict[str, Any]):
    return update(type_, "arches/redis", {"metadata": META, "spec": old}, spec=new)


def claim(storage: str, **spec: Any) -> dict[str, Any]:
    return {"resources": {"requests": {"storage": storage}}, "storageClassName": "gp3", **spec}


def storage_class(expands: bool) -> Thing:
    return thing(STORAGE_CLASS, "gp3", metadata={"name": "gp3"}, allowVolumeExpansion=expands)


BOUND = thing(BINDING, "arches/api", metadata={"name": "api", "namespace": "arches"})
CONTROLLER = thing(RELEASE, "kube-system/lbc", chart="aws-load-balancer-controller")
PUBLIC = thing(SERVICE, "arches/gateway", metadata=META, spec={"type": "LoadBalancer"})

CASES = [
    Case(
        row="Q1",
        request=change(STATEFUL_SET, {"serviceName": "a"}, {"serviceName": "b"}),
        says='StatefulSet.apps "redis" is invalid: spec: Forbidden: updates to statefulset spec '
        "for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
        "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are "
        "forbidden",
    ),
    Case(row="Q1", request=change(STATEFUL_SET, {"replicas": 3}, {"replicas": 5})),
    Case(row="Q1", request=change(STATEFUL_SET, {"serviceName": "a"}, {"serviceName": UNKNOWN})),
    Case(
        row="Q2",
        request=change(
            DEPLOYMENT,
            {"selector": {"matchLabels": {"app": "a"}}},
            {"selector": {"matchLabels": {"app": "b"}}},
        ),
        says='Deployment.apps "redis" is invalid: spec.selector: Invalid value: {"matchLabels": '
        '{"app": "b"}}: field is immutable',
    ),
    Case(
        row="Q2",
        request=change(JOB, {"template": {"a": 1}}, {"template": {"a": 2}}),
        says='Job.batch "redis" is invalid: spec.template: Invalid value: {"a": 2}: field is '
        "immutable",
    ),
    Case(
        row="Q2",
        request=change(SERVICE, {"clusterIP": "172.20.0.1"}, {"clusterIP": "172.20.0.2"}),
        says='Service "redis" is invalid: spec.clusterIP: Invalid value: "172.20.0.2": field is '
        "immutable",
    ),
    Case(row="Q2", request=change(SERVICE, {}, {"clusterIP": "None"})),
    Case(row="Q2", request=change(DEPLOYMENT, {"replicas": 1}, {"replicas": 3})),
    Case(
        row="Q3",
        request=change(CLAIM, claim("10Gi"), claim("10Gi", accessModes=["ReadWriteMany"])),
        says='PersistentVolumeClaim "redis" is invalid: spec: Forbidden: spec is immutable after '
        "creation except resources.requests and volumeAttributesClassName for bound claims",
    ),
    Case(
        row="Q3",
        request=change(CLAIM, claim("10Gi"), claim("5Gi")),
        says='PersistentVolumeClaim "redis" is invalid: spec.resources.requests.storage: '
        "Forbidden: field can not be less than status.capacity",
    ),
    Case(
        row="Q3",
        have=[storage_class(False)],
        request=change(CLAIM, claim("10Gi"), claim("20Gi")),
        says='persistentvolumeclaims "redis" is forbidden: only dynamically provisioned pvc can be '
        "resized and the storageclass that provisions the pvc must support resize",
    ),
    Case(row="Q3", have=[storage_class(True)], request=change(CLAIM, claim("10Gi"), claim("20Gi"))),
    Case(
        row="Q4",
        have=[thing(RELEASE, "velero/velero", name="velero", namespace="velero")],
        request=create(RELEASE, name="velero", namespace="velero"),
        says="cannot re-use a name that is still in use",
    ),
    Case(
        row="Q4",
        have=[thing(RELEASE, "velero/velero", name="velero", namespace="velero")],
        request=create(RELEASE, name="velero", namespace="other"),
    ),
    Case(
        row="Q5",
        request=create(EXTERNAL, metadata=META),
        says='no matches for kind "ExternalSecret" in version "external-secrets.io/v1"',
    ),
    Case(
        row="Q5",
        have=[
            thing(
                DEFINITION,
                "x",
                spec={"group": "external-secrets.io", "names": {"kind": "ExternalSecret"}},
            )
        ],
        request=create(EXTERNAL, metadata=META),
    ),
    Case(
        row="Q5",
        have=[thing(RELEASE, "x", chart="oci://ghcr.io/external-secrets/charts/external-secrets")],
        request=create(EXTERNAL, metadata=META),
    ),
    Case(row="Q5", request=create(EXTERNAL, preview=True, metadata=META)),
    Case(
        row="Q6",
        have=[BOUND],
        request=delete(NAMESPACE, "arches", metadata={"name": "arches"}),
        says="namespace arches stays Terminating for ever: arches/api has a finalizer and "
        "aws-load-balancer-controller, which takes it off, is gone; delete objects, controller, "
        "namespace in that order",
    ),
    Case(
        row="Q6",
        have=[BOUND, CONTROLLER],
        request=delete(NAMESPACE, "arches", metadata={"name": "arches"}),
    ),
    Case(row="Q6", have=[BOUND], request=delete(NAMESPACE, "x", metadata={"name": "other"})),
    Case(
        row="Q7",
        have=[PUBLIC],
        request=delete(CLUSTER, "arches-prod"),
        says="arches/gateway owns a load balancer that nobody deletes once the cluster is gone; "
        "its interfaces and group then keep the VPC",
    ),
    Case(
        row="Q7",
        have=[BOUND, thing(SERVICE, "arches/api", spec={"type": "ClusterIP"})],
        request=delete(CLUSTER, "arches-prod"),
    ),
]


def test_the_room_has_all_rows_of_the_reference() -> None:
    assert [row.id for row in ROWS] == [f"Q{i}" for i in range(1, 8)]


@pytest.mark.parametrize(
    ("text", "bytes_"), [("10Gi", 10 * 2**30), ("1.5G", 1.5e9), ("7", 7.0), ("x", None)]
)
def test_quantities_are_read_as_kubernetes_does(text: str, bytes_: float | None) -> None:
    assert size(text) == bytes_
