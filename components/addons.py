"""The cluster's add-ons, in the two groups that EKS forces: before the nodes and after them.

Meets K8S-10 (network policies are enforced), CHK-INFRA-01, trap "Add-on order": the network, the
service proxy and the identity agent must be there when the first node joins; DNS, volumes and
metrics need nodes, and would stay DEGRADED until a timeout of 20 minutes without them (E20).

Refused: EKS's own bootstrap of add-ons (unpinned, and self-managed objects to overwrite, E18) and
the driver's default StorageClass (gp3 under the account's key; ours is in kubernetes/base).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from components.context import Context
from components.documents import document, statement
from components.keys import Keys
from components.nodes import launched_tags
from components.pod_identity import Named, PodIdentity, PodIdentityArgs
from settings.cluster import ClusterSettings


@dataclass(frozen=True, kw_only=True)
class Row:
    """One add-on.

    configuration: EKS takes it as a JSON string and checks it against the add-on's schema (E19).
    service_account: in kube-system, with an identity of its own; None where it never calls AWS.
    volumes: it makes EBS volumes: its identity may use the cluster's key, and they carry our tags.
    """

    addon: str
    configuration: Mapping[str, Any] = field(default_factory=dict)
    service_account: str | None = None
    managed: tuple[str, ...] = ()
    volumes: bool = False


BEFORE_NODES = (
    Row(
        addon="vpc-cni",
        # Without the first, EKS accepts network policies and enforces none (K8S-10). Both are
        # strings in the add-on's schema (EKS user guide, network policies).
        configuration={
            "enableNetworkPolicy": "true",
            "nodeAgent": {"enablePolicyEventLogs": "true"},
        },
        service_account="aws-node",
        managed=("AmazonEKS_CNI_Policy",),
    ),
    Row(addon="kube-proxy"),
    Row(addon="eks-pod-identity-agent"),
)

AFTER_NODES = (
    Row(
        addon="coredns",
        configuration={"autoScaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 10}},
    ),
    Row(
        addon="aws-ebs-csi-driver",
        service_account="ebs-csi-controller-sa",
        managed=("service-role/AmazonEBSCSIDriverPolicy",),
        volumes=True,
    ),
    Row(addon="metrics-server"),  # two replicas by its own default
)


def volume_key_policy(key_arn: str) -> str:
    """What the EBS driver may do with the volumes' key (EKS user guide, Amazon EBS CSI driver)."""
    return document(
        statement(
            ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"],
            [key_arn],
            sid="GrantToEbs",
            conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
        statement(
            [
                "kms:Encrypt",
                "kms:Decrypt",
                "kms:ReEncryptFrom",
                "kms:ReEncryptTo",
                "kms:GenerateDataKey",
                "kms:GenerateDataKeyWithoutPlaintext",
                "kms:DescribeKey",
            ],
            [key_arn],
            sid="EncryptVolumes",
        ),
    )


def configuration(row: Row, context: Context) -> str | None:
    """The add-on's `configuration_values`, or None where its defaults stand."""
    values = dict(row.configuration)
    if row.volumes:
        values["controller"] = {"extraVolumeTags": launched_tags(context)}
    return json.dumps(values, sort_keys=True) if values else None


@dataclass(frozen=True, kw_only=True)
class AddonsArgs:
    """
    rows: BEFORE_NODES or AFTER_NODES.
    after: what each add-on waits for beyond the cluster (the node groups, for AFTER_NODES).
    """

    context: Context
    settings: ClusterSettings
    cluster: Named
    keys: Keys
    rows: tuple[Row, ...]
    after: tuple[pulumi.Resource, ...] = ()


class Addons(pulumi.ComponentResource):
    """One group of add-ons; `ready` is for `depends_on` only."""

    versions: dict[str, str]
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: AddonsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Addons", name, None, opts)
        here = pulumi.ResourceOptions(parent=self)
        self.versions = {row.addon: args.settings.addon_version(row.addon) for row in args.rows}
        self.ready = [
            resource for row in args.rows for resource in self._addon(name, row, args, here)
        ]
        self.register_outputs({"versions": self.versions})

    def _addon(
        self, name: str, row: Row, args: AddonsArgs, here: pulumi.ResourceOptions
    ) -> list[pulumi.Resource]:
        identity = self._identity(name, row, args, here)
        # Credentials are put into a pod when it is made. With nodes the pods start at once, so the
        # association comes first; without nodes there is no pod yet, and the add-on does not wait.
        first = [*args.after, *identity] if args.after else []
        addon = aws.eks.Addon(
            f"{name}-{row.addon}",
            cluster_name=args.cluster.cluster_name,
            addon_name=row.addon,
            addon_version=self.versions[row.addon],
            configuration_values=configuration(row, args.context),
            resolve_conflicts_on_create="OVERWRITE",
            # What somebody changed by hand in kube-system is put back: the program is the truth.
            resolve_conflicts_on_update="OVERWRITE",
            opts=pulumi.ResourceOptions.merge(here, pulumi.ResourceOptions(depends_on=first)),
        )
        return [*identity, addon]

    def _identity(
        self, name: str, row: Row, args: AddonsArgs, here: pulumi.ResourceOptions
    ) -> list[pulumi.Resource]:
        if row.service_account is None:
            return []
        policies = {"volumes": args.keys.cluster.arn.apply(volume_key_policy)}
        return PodIdentity(
            f"{name}-{row.addon}-identity",
            PodIdentityArgs(
                context=args.context,
                cluster=args.cluster,
                namespace="kube-system",
                service_account=row.service_account,
                policies=policies if row.volumes else {},
                managed=row.managed,
            ),
            here,
        ).ready
