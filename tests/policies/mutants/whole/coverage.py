"""Types of resources that no rule knows, alone or in a List."""

from __future__ import annotations

from typing import Any

from tests.policies.mutation import Mutant, add, several


def _listed(title: str, *says: str, **item: Any) -> Mutant:
    item = {"metadata": {"name": "x", "namespace": "archesai"}, **item}
    return Mutant(
        rule="types-covered",
        title=title,
        change=add("kubernetes:core/v1:List", "more", {"kind": "List", "items": [item]}),
        says=says,
        at="arches-prod",
    )


_ADMISSION = "admissionregistration.k8s.io/v1"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="types-covered",
        title="two queues, which nobody judges",
        change=several(
            add("aws:sqs/queue:Queue", "orders", {"kmsMasterKeyId": "alias/ours"}),
            add("aws:sqs/queue:Queue", "mails", {"kmsMasterKeyId": "alias/ours"}),
        ),
        says=("aws:sqs/queue:Queue (2 resources) holds data and no rule judges it",),
        at="arches-prod",
    ),
    Mutant(
        rule="types-covered",
        title="a function",
        change=add("aws:lambda/function:Function", "resize", {"runtime": "python3.13"}),
        says=("aws:lambda/function:Function (1 resource) opens a door and no rule judges it",),
        at="arches-prod",
    ),
    Mutant(
        rule="types-covered",
        title="a type that nobody thought of",
        change=add("aws:athena/workgroup:Workgroup", "analysts", {"name": "analysts"}),
        says=("aws:athena/workgroup:Workgroup (1 resource) is judged by no rule and not excused",),
        at="arches-prod",
    ),
    _listed(
        "an Ingress in a List",
        "kubernetes:networking.k8s.io/v1:Ingress (1 in a List) opens a door and no rule judges it",
        apiVersion="networking.k8s.io/v1",
        kind="Ingress",
    ),
    _listed(
        "a webhook of a stranger in a List",
        f"kubernetes:{_ADMISSION}:MutatingWebhookConfiguration (1 in a List) is judged by no rule "
        "and not excused",
        apiVersion=_ADMISSION,
        kind="MutatingWebhookConfiguration",
        webhooks=[{"clientConfig": {"url": "https://stranger.example"}}],
    ),
    _listed(
        "an API of a stranger in a List",
        "kubernetes:apiregistration.k8s.io/v1:APIService (1 in a List) is judged by no rule and "
        "not excused",
        apiVersion="apiregistration.k8s.io/v1",
        kind="APIService",
    ),
    _listed(
        "the node's disk as a volume in a List inside a List",
        "kubernetes:core/v1:PersistentVolume (1 in a List) holds data and no rule judges it",
        apiVersion="v1",
        kind="List",
        items=[
            {"apiVersion": "v1", "kind": "PersistentVolume", "spec": {"hostPath": {"path": "/"}}}
        ],
    ),
    _listed(
        "a kind of pods that no rule knows in a List",
        "kubernetes:argoproj.io/v1alpha1:Rollout (1 in a List) is judged by no rule and not "
        "excused",
        apiVersion="argoproj.io/v1alpha1",
        kind="Rollout",
    ),
    _listed(
        "the name of a kind of ours in a stranger's group",
        "kubernetes:serving.knative.dev/v1:Service (1 in a List) is judged by no rule and not "
        "excused",
        apiVersion="serving.knative.dev/v1",
        kind="Service",
    ),
    _listed(
        "a kind that only sounds like a List",
        "kubernetes:example.com/v1:AllowList (1 in a List) is judged by no rule and not excused",
        apiVersion="example.com/v1",
        kind="AllowList",
    ),
    _listed(
        "an object of no kind in a List",
        "more holds what is of no kind at items.0",
        apiVersion="v1",
    ),
    _listed(
        "an object of no version in a List", "more holds what is of no kind at items.0", kind="Pod"
    ),
)
