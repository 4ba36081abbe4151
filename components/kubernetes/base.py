"""What everything in the cluster stands on: the application's namespace and the volumes' class.

Meets K8S-11 (Pod Security `restricted`), CHK-INFRA-04 (encrypted gp3). Quotas, network policies and
RBAC are the guardrails'; the namespaces of operators belong to those who install them.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components.context import Context
from components.keys import Keys
from settings.cluster import ClusterSettings

STORAGE_CLASS = "gp3-encrypted"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
# Pods wait until the load balancer has seen them healthy (AWS Load Balancer Controller,
# pod readiness gates); without the controller the label does nothing.
READINESS_GATE = {"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled"}


def pod_security(level: str, minor: str) -> dict[str, str]:
    """A namespace's Pod Security labels: the level enforced, audited and warned about.

    minor: the cluster's, so that an upgrade of the cluster does not change the rules unseen.
    """
    prefix = "pod-security.kubernetes.io"
    return {
        f"{prefix}/{mode}{suffix}": value
        for mode in ("enforce", "audit", "warn")
        for suffix, value in (("", level), ("-version", f"v{minor}"))
    }


def volume_parameters(key_arn: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
    """The EBS driver's parameters of an encrypted gp3 volume."""
    return {
        "type": "gp3",
        "encrypted": "true",
        "kmsKeyId": key_arn,
        "csi.storage.k8s.io/fstype": "ext4",
    }


@dataclass(frozen=True, kw_only=True)
class ClusterBaseArgs:
    context: Context
    settings: ClusterSettings
    keys: Keys


class ClusterBase(pulumi.ComponentResource):
    """The ground in the cluster; both outputs are Kubernetes names."""

    namespace: pulumi.Output[str]
    storage_class: pulumi.Output[str]

    def __init__(
        self, name: str, args: ClusterBaseArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:ClusterBase", name, None, opts)
        here = pulumi.ResourceOptions(parent=self)
        self.namespace = self._namespace(name, args, here).metadata.apply(_named)
        self.storage_class = self._storage_class(name, args, here).metadata.apply(_named)
        self.register_outputs({"namespace": self.namespace, "storageClass": self.storage_class})

    def _namespace(
        self, name: str, args: ClusterBaseArgs, here: pulumi.ResourceOptions
    ) -> kubernetes.core.v1.Namespace:
        return kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": args.settings.namespace,
                "labels": {
                    **pod_security("restricted", args.settings.version),
                    **READINESS_GATE,
                },
            },
            # Deleting a namespace deletes everything in it.
            opts=pulumi.ResourceOptions.merge(
                here, pulumi.ResourceOptions(protect=args.context.protect)
            ),
        )

    def _storage_class(
        self, name: str, args: ClusterBaseArgs, here: pulumi.ResourceOptions
    ) -> kubernetes.storage.v1.StorageClass:
        return kubernetes.storage.v1.StorageClass(
            f"{name}-storage-class",
            metadata={"name": STORAGE_CLASS, "annotations": {DEFAULT_CLASS: "true"}},
            provisioner="ebs.csi.aws.com",
            parameters=volume_parameters(args.keys.cluster.arn),
            # The volume is made in the zone of the pod that asks for it, not in any zone.
            volume_binding_mode="WaitForFirstConsumer",
            allow_volume_expansion=True,
            reclaim_policy="Retain" if args.context.protect else "Delete",
            opts=here,
        )


def _named(metadata: kubernetes.meta.v1.outputs.ObjectMeta) -> str:
    assert metadata.name is not None
    return metadata.name
