"""Manifests: where objects stand, that rules see them whole, and that they outlive an upgrade."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from rules.kubernetes import (
    LISTS,
    PODS,
    Object,
    Template,
    checkov,
    judged,
    judged_objects,
    known,
    types,
)
from rules.model import ROOT, Item, Rule, Stack, StackRule

# Namespaced kinds that this program declares; each says its namespace.
PLACED = types(
    "apps/v1:DaemonSet",
    "apps/v1:Deployment",
    "apps/v1:StatefulSet",
    "autoscaling/v2:HorizontalPodAutoscaler",
    "batch/v1:CronJob",
    "batch/v1:Job",
    "core/v1:ConfigMap",
    "core/v1:LimitRange",
    "core/v1:PersistentVolumeClaim",
    "core/v1:Pod",
    "core/v1:ResourceQuota",
    "core/v1:Secret",
    "core/v1:Service",
    "core/v1:ServiceAccount",
    "elbv2.k8s.aws/v1beta1:TargetGroupBinding",
    "external-secrets.io/v1:ExternalSecret",
    "monitoring.coreos.com/v1:PodMonitor",
    "monitoring.coreos.com/v1:PrometheusRule",
    "networking.k8s.io/v1:NetworkPolicy",
    "policy/v1:PodDisruptionBudget",
    "rbac.authorization.k8s.io/v1:Role",
    "rbac.authorization.k8s.io/v1:RoleBinding",
    "velero.io/v1:Schedule",
)
_CLUSTER_WIDE = frozenset({"Namespace", "ClusterRole", "ClusterRoleBinding", "StorageClass"})
# Groups of Kubernetes itself, in which a version that is no v1 goes away with a release.
_OWN_GROUP = re.compile(r"^kubernetes:([a-z]+|([a-z]+\.)?[a-z]+\.k8s\.io)/v\d+(alpha|beta)\d+:")
_OTHERS = ("kubernetes:gateway.networking.k8s.io/", "kubernetes:snapshot.storage.k8s.io/")

# What people, policies and dashboards find pods by (fact A7).
LABELS = ("app.kubernetes.io/component", "app.kubernetes.io/name")


def _placed(each: Object) -> Iterator[str]:
    if each.kind in _CLUSTER_WIDE:
        return
    # A namespace that is not known yet is another resource's, and not the default one.
    place = known(each.props, "metadata.namespace", "")
    if place == "default" or not each.props.given("metadata.namespace"):
        yield "it stands in the default namespace"


def _whole(_root: Item, stack: Stack) -> Iterator[str]:
    for item in stack.items:
        yield from (f"{item.name} {wrong}" for wrong in _partial(item.type))


@cache
def _partial(type_: str) -> tuple[str, ...]:
    if not type_.startswith("kubernetes:") or type_ in LISTS:
        return ()
    if type_.endswith("Patch"):
        return ("changes an object that no rule sees whole",)
    kind = type_.rpartition(":")[2]
    return (f"hides objects in a {kind}",) if kind.endswith("List") else ()


def _stable(_root: Item, stack: Stack) -> Iterator[str]:
    for item in stack.items:
        if _passing(item.type):
            yield f"{item.name} uses {item.type.removeprefix('kubernetes:')}"


@cache
def _passing(type_: str) -> bool:
    """Whether a type is of a version of Kubernetes itself that goes away."""
    return bool(_OWN_GROUP.match(type_)) and not type_.startswith(_OTHERS)


def _labelled(template: Template) -> Iterator[str]:
    missing = [each for each in LABELS if not template.labels.get(each)]
    if missing:
        yield f"{template.said_of}its pods lack {' and '.join(missing)}"


_K8S = "https://kubernetes.io/docs"
_SEPARATED = ("SOC2 CC6.6", "ISO27001 A.8.22")

RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="object-in-named-namespace",
        sentence="Nothing stands in the default namespace.",
        types=PLACED,
        severity="medium",
        requirements=("K8S-01",),
        controls=(
            *("CIS-K8S 5.6.1", "CIS-K8S 5.6.4", "CIS-EKS 4.5.1", "CIS-EKS 4.5.2"),
            *(*checkov(21), *_SEPARATED),
        ),
        why="The default namespace has no policy, no quota and no Pod Security.",
        fix="set metadata.namespace",
        url=f"{_K8S}/concepts/overview/working-with-objects/namespaces",
        evidence=("metadata.namespace",),
        judge=judged_objects(_placed),
    ),
    StackRule(
        name="kubernetes-objects-whole",
        sentence="Every object in the cluster is declared whole and by itself.",
        types=(ROOT,),
        severity="high",
        requirements=("CICD-09",),
        controls=("SOC2 CC8.1", "ISO27001 A.8.32"),
        why="A patch or a list of one kind is judged by no rule, and so could hold anything.",
        fix="declare the object as a resource of its own kind",
        url="https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/",
        evidence=(),
        judge=_whole,
    ),
    StackRule(
        name="kubernetes-api-stable",
        sentence="Objects of Kubernetes itself are of a stable version.",
        types=(ROOT,),
        severity="medium",
        requirements=("CICD-09",),
        controls=("SOC2 CC8.1", "ISO27001 A.8.32"),
        why="An upgrade of the cluster removes beta versions, and the next deployment fails.",
        fix="use the version v1, or v2 of autoscaling",
        url=f"{_K8S}/reference/using-api/deprecation-policy",
        evidence=(),
        judge=_stable,
    ),
    Rule(
        name="pod-labelled",
        sentence="Every pod says what it belongs to.",
        types=PODS,
        severity="low",
        requirements=("K8S-02", "DBG-01"),
        controls=("ISO27001 A.5.9",),
        why="Policies, budgets, dashboards and people find pods by these labels, or not at all.",
        fix=f"label its template {' and '.join(LABELS)}",
        url=f"{_K8S}/concepts/overview/working-with-objects/common-labels",
        evidence=("spec.template.metadata.labels", "metadata.labels"),
        judge=judged(_labelled),
    ),
)
