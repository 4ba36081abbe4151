"""Volumes of the cluster: encrypted with a key of ours, and kept when their claim goes."""

from __future__ import annotations

from collections.abc import Iterator

from rules.declared import cluster
from rules.kubernetes import Object, judged_objects, objects, types
from rules.model import Item, Rule, Stack, StackRule

_CLASS = types("storage.k8s.io/v1:StorageClass")
_CLAIMS = types("core/v1:PersistentVolumeClaim", "apps/v1:StatefulSet")
DEFAULT = "storageclass.kubernetes.io/is-default-class"


def encrypted(storage: Object) -> bool:
    """Whether volumes of a class are encrypted. Raises Undecided."""
    return str((storage.props.at("parameters") or {}).get("encrypted")).lower() == "true"


def encrypted_classes(stack: Stack) -> frozenset[str]:
    """The encrypted storage classes of the stack by name; "" stands for the default one."""
    found = {each.name: each for each in cluster(stack).of("StorageClass") if encrypted(each)}
    default = any(
        (each.props.at("metadata.annotations") or {}).get(DEFAULT) == "true"
        for each in found.values()
    )
    return frozenset(found) | ({""} if default else frozenset())


def _encrypted(storage: Object) -> Iterator[str]:
    if not encrypted(storage):
        yield "its volumes are not encrypted"
    if not storage.props.at("parameters") or not storage.props["parameters"].given("kmsKeyId"):
        yield "its volumes are encrypted with the account's default key"


def _kept(subject: Item, stack: Stack) -> Iterator[str]:
    for storage in objects(subject.props, "StorageClass") if stack.serves_customers else ():
        if storage.props.at("reclaimPolicy", "Delete") != "Retain":
            yield f"{storage.said_of}a volume goes with its claim"


def _claimed(subject: Item, stack: Stack) -> Iterator[str]:
    classes = stack.once(encrypted_classes)
    for each in objects(subject.props, "PersistentVolumeClaim", "StatefulSet"):
        whole = each.kind == "PersistentVolumeClaim"
        claims = [each.props] if whole else each.props.at("spec.volumeClaimTemplates") or ()
        for claim in claims:
            name = claim.at("spec.storageClassName", "")
            if name not in classes:
                said = f"class {name}" if name else "the default class"
                yield f"{each.said_of}{said} is not known to be encrypted"


_STORAGE = "https://kubernetes.io/docs/concepts/storage/storage-classes"
_AT_REST = ("SOC2 CC6.1", "ISO27001 A.8.24", "GDPR 32")

RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="storage-class-encrypted",
        sentence="Volumes are encrypted with a key of ours.",
        types=_CLASS,
        severity="high",
        requirements=("CHK-INFRA-04", "SEC-06"),
        controls=("FSBP EC2.3", "CHECKOV CKV_AWS_3", "CHECKOV CKV_AWS_189", *_AT_REST),
        why="Metrics, traces and queues lie on these disks, and a snapshot is easily shared.",
        fix='set parameters encrypted "true" and kmsKeyId',
        url="https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/parameters.md",
        evidence=("provisioner", "parameters.encrypted", "parameters.type"),
        judge=judged_objects(_encrypted, "StorageClass"),
    ),
    StackRule(
        name="storage-class-retains",
        sentence="Where customers are served, a volume outlives its claim.",
        types=_CLASS,
        severity="medium",
        requirements=("DR-01",),
        controls=("SOC2 A1.2", "ISO27001 A.8.13"),
        why="A claim that is deleted by mistake takes everything on its disk along.",
        fix="set reclaim_policy to Retain",
        url=_STORAGE,
        evidence=("reclaimPolicy",),
        judge=_kept,
    ),
    StackRule(
        name="claim-encrypted",
        sentence="Every claim asks for an encrypted class of this stack.",
        types=_CLAIMS,
        severity="high",
        requirements=("CHK-INFRA-04", "SEC-06"),
        controls=("FSBP EC2.3", "CHECKOV CKV_AWS_3", *_AT_REST),
        why="Another class, such as the cluster's own gp2, writes to disks in clear.",
        fix="name the class that components/kubernetes/base.py makes",
        url=_STORAGE,
        evidence=("spec.storageClassName", "spec.volumeClaimTemplates.*.spec.storageClassName"),
        judge=_claimed,
    ),
)
