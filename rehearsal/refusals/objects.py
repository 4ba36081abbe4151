"""What the Kubernetes API server and Helm refuse, as far as account and request tell.

Rows Q1 to Q7; an API server of one's own says Q1 to Q3 and Q5 better, and is asked first where it
runs. Of Q5 only the missing definition is known, not the webhook whose pods are not up.

Definitions that a Helm release brings are not seen; a release of the operator's chart counts as
bringing them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from rehearsal.account import Account, Resource
from rehearsal.refusals.asking import siblings
from rehearsal.refusals.table import Request, Row, lookup
from rehearsal.wire import UNKNOWN, Secret, has_unknown, revealed

STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
DAEMON_SET = "kubernetes:apps/v1:DaemonSet"
JOB = "kubernetes:batch/v1:Job"
SERVICE = "kubernetes:core/v1:Service"
CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
NAMESPACE = "kubernetes:core/v1:Namespace"
STORAGE_CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
RELEASE = "kubernetes:helm.sh/v3:Release"
DEFINITION = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"
BINDING = "kubernetes:elbv2.k8s.aws/v1beta1:TargetGroupBinding"
CLUSTER = "aws:eks/cluster:Cluster"

# Pulumi's provider gives up on a namespace that does not end after ten minutes.
NAMESPACE_MINUTES = 10.0
# A VPC's deletion gives up after so many minutes on interfaces that nobody takes away.
NETWORK_MINUTES = 20.0

# Kubernetes 1.36, pkg/apis/apps/validation: ValidateStatefulSetUpdate.
_CHANGEABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_FIXED = {
    DEPLOYMENT: ("spec.selector",),
    DAEMON_SET: ("spec.selector",),
    JOB: ("spec.selector", "spec.template", "spec.completionMode"),
    SERVICE: ("spec.clusterIP",),
}
_GROUPS = {DEPLOYMENT: ".apps", DAEMON_SET: ".apps", STATEFUL_SET: ".apps", JOB: ".batch"}
# API group -> (its kinds that a program may declare, the charts that bring their definitions)
_CUSTOM: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "external-secrets.io/v1": (
        ("ExternalSecret", "ClusterExternalSecret", "SecretStore", "ClusterSecretStore"),
        ("external-secrets",),
    ),
    "monitoring.coreos.com/v1": (
        (
            "Alertmanager",
            "PodMonitor",
            "Probe",
            "Prometheus",
            "PrometheusRule",
            "ServiceMonitor",
        ),
        ("kube-prometheus-stack", "prometheus-operator-crds", "prometheus-operator"),
    ),
    "elbv2.k8s.aws/v1beta1": (
        ("TargetGroupBinding", "IngressClassParams"),
        ("aws-load-balancer-controller",),
    ),
    "velero.io/v1": (
        ("Schedule", "BackupStorageLocation", "VolumeSnapshotLocation", "Backup", "Restore"),
        ("velero",),
    ),
    "bitnami.com/v1alpha1": (("SealedSecret",), ("sealed-secrets",)),
    "opentelemetry.io/v1beta1": (("OpenTelemetryCollector",), ("opentelemetry-operator",)),
}
_CUSTOM_TYPES = {
    f"kubernetes:{version}:{kind}": (version, kind, charts)
    for version, (kinds, charts) in _CUSTOM.items()
    for kind in kinds
}
# Objects whose finalizer only their controller takes off, and the chart of that controller.
_FINALIZED = {
    BINDING: "aws-load-balancer-controller",
    INGRESS: "aws-load-balancer-controller",
    SERVICE: "aws-load-balancer-controller",
}
_SIZES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "K": 10**3, "M": 10**6}
_SIZES |= {"G": 10**9, "T": 10**12, "k": 10**3, "": 1}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]*)")


def size(text: Any) -> float | None:
    """The bytes of a quantity ("20Gi"), None where it is none."""
    match = _QUANTITY.fullmatch(str(text))
    unit = _SIZES.get(match[2]) if match else None
    return float(match[1]) * unit if match and unit is not None else None


def _name(values: Any) -> str:
    return str(lookup(values or {}, "metadata.name", ""))


def _who(request: Request) -> str:
    kind = request.type.rpartition(":")[2]
    return f'{kind}{_GROUPS.get(request.type, "")} "{_name(request.old) or _name(request.new)}"'


def _chart(release: Resource) -> str:
    return str(release.get("chart", "")).rstrip("/").rpartition("/")[2]


def _plain(value: Any) -> Any:
    return revealed(value.value if isinstance(value, Secret) else value)


# -- what cannot be changed ---------------------------------------------------------------------
def _stateful(request: Request, _account: Account) -> str | None:
    old, new = request.old_value("spec"), request.value("spec")
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return None
    for name in old.keys() | new.keys():
        before, after = _plain(old.get(name)), _plain(new.get(name))
        if name not in _CHANGEABLE and not has_unknown(after) and before != after:
            *most, last = (f"'{each}'" for each in _CHANGEABLE)
            return (
                f"{_who(request)} is invalid: spec: Forbidden: updates to statefulset spec for "
                f"fields other than {', '.join(most)} and {last} are forbidden"
            )
    return None


def _immutable(request: Request, _account: Account) -> str | None:
    for path in _FIXED[request.type]:
        before, after = _plain(request.old_value(path)), _plain(request.value(path))
        # The server fills in what was not said.
        if before is None or after is None or has_unknown(after) or before == after:
            continue
        shown = json.dumps(after, sort_keys=True)
        return f"{_who(request)} is invalid: {path}: Invalid value: {shown}: field is immutable"
    return None


def _claim(request: Request, account: Account) -> str | None:
    old, new = request.old_value("spec"), request.value("spec")
    if not isinstance(old, Mapping) or not isinstance(new, Mapping) or has_unknown(new):
        return None
    may_change = ("resources", "volumeAttributesClassName", "volumeName")
    if any(
        _plain(old.get(name)) != _plain(new.get(name))
        for name in old.keys() | new.keys()
        if name not in may_change
    ):
        return (
            f"{_who(request)} is invalid: spec: Forbidden: spec is immutable after creation except "
            "resources.requests and volumeAttributesClassName for bound claims"
        )
    path = "spec.resources.requests.storage"
    before, after = size(request.old_value(path)), size(request.value(path))
    if before is None or after is None or before == after:
        return None
    if after < before:
        return (
            f"{_who(request)} is invalid: {path}: Forbidden: field can not be less than "
            "status.capacity"
        )
    name = request.value("spec.storageClassName")
    for found in account.all(STORAGE_CLASS):
        if _name(found.inputs) == name and found.get("allowVolumeExpansion") is not True:
            return (
                f'persistentvolumeclaims "{_name(request.new)}" is forbidden: only dynamically '
                "provisioned pvc can be resized and the storageclass that provisions the pvc must "
                "support resize"
            )
    return None


# -- releases and definitions -------------------------------------------------------------------
def _release_taken(request: Request, account: Account) -> str | None:
    if not request.known("name"):
        return None
    space = request.value("namespace")
    if space is UNKNOWN:
        return None
    for other in siblings(request, account, RELEASE, everywhere=True, name=request.value("name")):
        if other.inputs.get("namespace") == space:
            return "cannot re-use a name that is still in use"
    return None


def _undefined(request: Request, account: Account) -> str | None:
    if request.preview:
        return None
    version, kind, charts = _CUSTOM_TYPES[request.type]
    group = version.partition("/")[0]
    if any(
        lookup(each.inputs, "spec.group") == group
        and lookup(each.inputs, "spec.names.kind") == kind
        for each in account.all(DEFINITION)
    ):
        return None
    if any(_chart(release) in charts for release in account.all(RELEASE)):
        return None
    return f'no matches for kind "{kind}" in version "{version}"'


# -- order on the way down ----------------------------------------------------------------------
def _balancing(account: Account, type_: str) -> list[Resource]:
    """Objects of a type that a controller has made something for in AWS."""
    found = account.all(type_)
    if type_ != SERVICE:
        return found
    return [each for each in found if lookup(each.inputs, "spec.type") == "LoadBalancer"]


def _for_ever(request: Request, account: Account) -> str | None:
    space = _name(request.old) or request.id
    charts = {_chart(release) for release in account.all(RELEASE)}
    for type_, chart in _FINALIZED.items():
        if chart in charts:
            continue
        for each in _balancing(account, type_):
            if lookup(each.inputs, "metadata.namespace") == space:
                return (
                    f"namespace {space} stays Terminating for ever: {each.id} has a finalizer and "
                    f"{chart}, which takes it off, is gone; delete objects, controller, namespace "
                    "in that order"
                )
    return None


def _orphans(_request: Request, account: Account) -> str | None:
    for type_ in (SERVICE, INGRESS):
        for each in _balancing(account, type_):
            return (
                f"{each.id} owns a load balancer that nobody deletes once the cluster is gone; its "
                "interfaces and group then keep the VPC"
            )
    return None


_SOURCE = "Kubernetes 1.36, API validation"

ROWS: tuple[Row, ...] = (
    Row(
        id="Q1",
        title="a StatefulSet keeps what it was made with",
        types=(STATEFUL_SET,),
        operations=("update",),
        source=f"rancher/k3k#1078; {_SOURCE}",
        judge=_stateful,
    ),
    Row(
        id="Q2",
        title="selectors, Job templates and cluster addresses stay",
        types=tuple(_FIXED),
        operations=("update",),
        source=f"pulumi/pulumi-kubernetes#316, helm/helm#7956; {_SOURCE}",
        judge=_immutable,
    ),
    Row(
        id="Q3",
        title="a claim only grows",
        types=(CLAIM,),
        operations=("update",),
        source=f"helm/helm#8296; {_SOURCE}",
        judge=_claim,
    ),
    Row(
        id="Q4",
        title="a release's name is free",
        types=(RELEASE,),
        operations=("create",),
        source="Helm, pkg/action/install.go",
        judge=_release_taken,
    ),
    Row(
        id="Q5",
        title="a definition comes before its objects",
        types=tuple(_CUSTOM_TYPES),
        operations=("create",),
        source="Kubernetes, RESTMapper",
        judge=_undefined,
    ),
    Row(
        id="Q6",
        title="a controller goes after what only it can let go",
        types=(NAMESPACE,),
        operations=("delete",),
        source="eksctl-io/eksctl#253",
        judge=_for_ever,
        kind="warning",
        minutes=NAMESPACE_MINUTES,
    ),
    Row(
        id="Q7",
        title="a cluster goes after its load balancers",
        types=(CLUSTER,),
        operations=("delete",),
        source="botocore 1.44, DeleteCluster",
        judge=_orphans,
        kind="warning",
        minutes=NETWORK_MINUTES,
    ),
)
