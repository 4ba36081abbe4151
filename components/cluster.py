"""The Kubernetes cluster: control plane, who may enter, its add-ons and its nodes in order.

Meets CHK-SEC-04 (access entries, private endpoint, allow-listed public one), SEC-06 (secrets under
our key), AUDIT-03 (all five control-plane logs, kept), CHK-INFRA-01 through nodes and add-ons.

The order is the shortest that EKS allows: key, log group, cluster, CNI, nodes, DNS. The cluster
needs subnets only; the nodes alone wait for the way out through NAT.

Refused: the authentication mode CONFIG_MAP and the maker's bootstrap rights (whoever ran the first
deployment would be administrator for ever), Auto Mode (it hides nodes, and its own network policy
and volume classes with them), EKS's own log group (without a key, kept for ever, and made again
while the cluster is destroyed: E34).
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.access import ClusterAccess, ClusterAccessArgs
from components.addons import AFTER_NODES, BEFORE_NODES, Addons, AddonsArgs, Row
from components.context import Context
from components.documents import trust
from components.keys import Keys
from components.kubernetes.kubeconfig import kubeconfig
from components.network import Network
from components.nodes import Nodes, NodesArgs
from settings.cluster import ClusterSettings

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
NAME_LIMIT = 100  # EKS API reference, CreateCluster: name of 1 to 100 characters


def vpc_config(
    subnet_ids: list[pulumi.Output[str]], public_cidrs: tuple[str, ...]
) -> aws.eks.ClusterVpcConfigArgsDict:
    """The API's two doors: the private one always, the public one only for named blocks.

    Without blocks the list is left out: EKS would take an empty one for "everybody".
    """
    doors: aws.eks.ClusterVpcConfigArgsDict = {
        "subnet_ids": subnet_ids,
        "endpoint_private_access": True,
        "endpoint_public_access": bool(public_cidrs),
    }
    if public_cidrs:
        doors["public_access_cidrs"] = sorted(public_cidrs)
    return doors


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    context: Context
    settings: ClusterSettings
    network: Network
    keys: Keys


class Cluster(pulumi.ComponentResource):
    """The cluster and everything on AWS that makes it usable.

    security_group_id: made by EKS, between control plane and nodes.
    nodes_security_group_id: ours, there before the cluster, so that no database waits for it.
    access_ready, nodes_ready, addons_ready: for `depends_on` only.
    """

    cluster_name: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    certificate_authority: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    nodes_security_group_id: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    node_group_names: list[pulumi.Output[str]]
    autoscaling_group_names: list[pulumi.Output[str]]
    access_ready: list[pulumi.Resource]
    nodes_ready: list[pulumi.Resource]
    addons_ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Cluster", name, None, opts)
        here = pulumi.ResourceOptions(parent=self)
        self.nodes_security_group_id = self._nodes_group(name, args, here).id
        control_plane = self._control_plane(name, args, here)
        self._describe(control_plane, args.context)
        self.access_ready = self._access(name, args, here)
        before = self._addons(f"{name}-before-nodes", args, BEFORE_NODES, (), here)
        nodes = self._nodes(name, args, control_plane, before, here)
        after = self._addons(f"{name}-after-nodes", args, AFTER_NODES, tuple(nodes.ready), here)
        self.node_group_names = nodes.group_names
        self.autoscaling_group_names = nodes.autoscaling_group_names
        self.nodes_ready = nodes.ready
        self.addons_ready = after.ready
        self.register_outputs(
            {
                "clusterName": self.cluster_name,
                "endpoint": self.endpoint,
                "certificateAuthority": self.certificate_authority,
                "securityGroupId": self.security_group_id,
                "nodesSecurityGroupId": self.nodes_security_group_id,
                "kubeconfig": self.kubeconfig,
                "nodeGroupNames": self.node_group_names,
                "autoscalingGroupNames": self.autoscaling_group_names,
            }
        )

    def _nodes_group(
        self, name: str, args: ClusterArgs, here: pulumi.ResourceOptions
    ) -> aws.ec2.SecurityGroup:
        """A badge without rules: it says "a node", and others let it in. The traffic between nodes
        and control plane is the affair of the group that EKS makes."""
        return aws.ec2.SecurityGroup(
            f"{name}-nodes",
            vpc_id=args.network.vpc_id,
            description="Nodes of the cluster",
            tags={"Name": args.context.name("nodes")},
            opts=here,
        )

    def _control_plane(
        self, name: str, args: ClusterArgs, here: pulumi.ResourceOptions
    ) -> aws.eks.Cluster:
        kept = pulumi.ResourceOptions.merge(
            here, pulumi.ResourceOptions(protect=args.context.protect)
        )
        # People, kubeconfigs and the log group's name know it.
        physical = args.context.name("cluster", limit=NAME_LIMIT)
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/eks/{physical}/cluster",
            kms_key_id=args.keys.logs.arn,
            retention_in_days=args.settings.log_retention_days,
            opts=kept,
        )
        role, attachment = self._role(name, args, here)
        return aws.eks.Cluster(
            f"{name}-control-plane",
            name=physical,
            version=args.settings.version,
            role_arn=role.arn,
            access_config={
                "authentication_mode": "API",
                "bootstrap_cluster_creator_admin_permissions": False,
            },
            bootstrap_self_managed_addons=False,
            deletion_protection=args.context.protect,
            enabled_cluster_log_types=list(LOG_TYPES),
            encryption_config={
                "provider": {"key_arn": args.keys.cluster.arn},
                "resources": ["secrets"],
            },
            kubernetes_network_config={
                "ip_family": "ipv4",
                "service_ipv4_cidr": args.settings.service_cidr,
            },
            upgrade_policy={"support_type": "STANDARD"},
            vpc_config=vpc_config(
                args.network.private_subnet_ids, args.settings.public_access_cidrs
            ),
            opts=pulumi.ResourceOptions.merge(
                kept, pulumi.ResourceOptions(depends_on=[logs, attachment])
            ),
        )

    def _role(
        self, name: str, args: ClusterArgs, here: pulumi.ResourceOptions
    ) -> tuple[aws.iam.Role, pulumi.Resource]:
        role = aws.iam.Role(
            f"{name}-role", assume_role_policy=trust("eks.amazonaws.com"), opts=here
        )
        attachment = aws.iam.RolePolicyAttachment(
            f"{name}-role-policy",
            role=role.name,
            policy_arn=f"arn:{args.context.partition}:iam::aws:policy/AmazonEKSClusterPolicy",
            opts=here,
        )
        return role, attachment

    def _describe(self, control_plane: aws.eks.Cluster, context: Context) -> None:
        self.cluster_name = control_plane.name
        self.endpoint = control_plane.endpoint
        self.certificate_authority = control_plane.certificate_authority.apply(
            lambda authority: authority.data or ""
        )
        self.security_group_id = control_plane.vpc_config.apply(
            lambda made: made.cluster_security_group_id or ""
        )
        self.kubeconfig = pulumi.Output.secret(
            pulumi.Output.all(self.cluster_name, self.endpoint, self.certificate_authority).apply(
                lambda known: kubeconfig(
                    name=known[0],
                    endpoint=known[1],
                    certificate_authority=known[2],
                    region=context.region,
                )
            )
        )

    def _access(
        self, name: str, args: ClusterArgs, here: pulumi.ResourceOptions
    ) -> list[pulumi.Resource]:
        return [
            resource
            for entry in args.settings.access
            for resource in ClusterAccess(
                f"{name}-access-{entry.name}",
                ClusterAccessArgs(
                    context=args.context,
                    cluster=self,
                    principal_arn=entry.principal_arn,
                    policy=entry.policy,
                    namespaces=entry.namespaces,
                ),
                here,
            ).ready
        ]

    def _addons(
        self,
        name: str,
        args: ClusterArgs,
        rows: tuple[Row, ...],
        after: tuple[pulumi.Resource, ...],
        here: pulumi.ResourceOptions,
    ) -> Addons:
        return Addons(
            name,
            AddonsArgs(
                context=args.context,
                settings=args.settings,
                cluster=self,
                keys=args.keys,
                rows=rows,
                after=after,
            ),
            here,
        )

    def _nodes(
        self,
        name: str,
        args: ClusterArgs,
        control_plane: aws.eks.Cluster,
        before: Addons,
        here: pulumi.ResourceOptions,
    ) -> Nodes:
        return Nodes(
            f"{name}-nodes",
            NodesArgs(
                context=args.context,
                settings=args.settings,
                control_plane=control_plane,
                network=args.network,
                keys=args.keys,
                security_group_id=self.nodes_security_group_id,
                after=tuple(before.ready),
            ),
            here,
        )
