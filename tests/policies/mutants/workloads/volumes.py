"""Volumes in clear, or gone with their claim."""

from __future__ import annotations

from tests.policies.mutation import Mutant, add, drop, put, several, without

_CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"
_CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
_JAEGER = "platform-operators-traces-claim"
_QUEUE = {
    "kind": "StatefulSet",
    "metadata": {"name": "queue", "namespace": "production"},
    "spec": {"volumeClaimTemplates": [{"spec": {"storageClassName": "gp2"}}]},
}

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="storage-class-encrypted",
        title="volumes in clear",
        change=put(_CLASS, "parameters.encrypted", "false"),
        says=("its volumes are not encrypted",),
    ),
    Mutant(
        rule="storage-class-encrypted",
        title="the account's default key",
        change=drop(_CLASS, "parameters.kmsKeyId"),
        says=("its volumes are encrypted with the account's default key",),
    ),
    Mutant(
        rule="storage-class-encrypted",
        title="nothing said",
        change=drop(_CLASS, "parameters"),
        says=(
            "its volumes are not encrypted",
            "its volumes are encrypted with the account's default key",
        ),
    ),
    Mutant(
        rule="storage-class-retains",
        title="deleted with the claim",
        change=put(_CLASS, "reclaimPolicy", "Delete"),
        says=("a volume goes with its claim",),
        at="base-storage-class",
    ),
    Mutant(
        rule="claim-encrypted",
        title="the cluster's own class",
        change=put(_CLAIM, "spec.storageClassName", "gp2"),
        says=("class gp2 is not known to be encrypted",),
        at=_JAEGER,
    ),
    Mutant(
        rule="claim-encrypted",
        title="the default class, which is nobody's",
        change=several(drop(_CLAIM, "spec.storageClassName"), drop(_CLASS, "metadata.annotations")),
        says=("the default class is not known to be encrypted",),
        at=_JAEGER,
    ),
    Mutant(
        rule="claim-encrypted",
        title="no class in the stack",
        change=without(_CLASS),
        says=("class gp3-encrypted is not known to be encrypted",),
        at=_JAEGER,
    ),
    Mutant(
        rule="claim-encrypted",
        title="a StatefulSet with another class",
        change=add("kubernetes:apps/v1:StatefulSet", "queue", _QUEUE),
        says=("class gp2 is not known to be encrypted",),
        at="queue",
    ),
)
