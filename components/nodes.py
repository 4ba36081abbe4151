"""The nodes: one launch template, one role, one managed group in every zone.

Meets CHK-INFRA-01 (3 nodes of 4 vCPU and 8 GiB over the zones), DR-01 and the demands on nodes:
IMDSv2 with hop limit 1, encrypted gp3, no address of the internet, no SSH.

One group per zone, because a group over three zones promises no node in each, and a volume lives in
one zone: a pod whose volume is in a zone without nodes never starts. The Cluster Autoscaler finds
the groups by the tags k8s.io/cluster-autoscaler/enabled and .../<cluster>, which EKS itself puts on
the scaling groups of managed node groups (EKS user guide, managed node groups); a second owner of
those tags would fight with it, so there is none here.

The disks are under the cluster's key, not the data key: EC2 Auto Scaling's service role must be
able to use the key of the disks, and has no business with the key that protects the database.

The image is AWS's and so are its patches, but no node gets them by itself: EKS takes another image
when the version, the launch template or the release changes, and at no other time (EKS user guide,
"Update a managed node group"). `cluster.nodes.releaseVersion` names the release, as reviewed as an
add-on's version; without it a group starts with the newest one, and somebody updates it each month
(docs/runbooks/upgrade-cluster.md, "Patch the nodes").

Refused: disk size, remote access or instance types in the wrong place (E21-E24), an AMI of our own
(building it would be ours too), a release that follows the newest (an unread roll of every node on
any run), spare policies on the node role (pods have their own identities).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import Context
from components.documents import trust
from components.keys import Keys
from components.network import Network
from settings.cluster import ClusterSettings

# The only two: joining the cluster, and pulling images. The CNI has an identity of its own.
NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")
ROOT_DEVICE = "/dev/xvda"  # of Amazon Linux 2023's EKS image
TAGGED = ("instance", "volume", "network-interface")
AMI_TYPES = {False: "AL2023_x86_64_STANDARD", True: "AL2023_ARM_64_STANDARD"}
CAPACITY_TYPES = {"on-demand": "ON_DEMAND", "spot": "SPOT"}


def launched_tags(context: Context) -> dict[str, str]:
    """Tags of what AWS or a driver makes for us: the provider's default tags do not reach it.

    Only those that never change, since a change rolls every node; costs are told apart by stack.
    """
    return {"project": context.project, "stack": context.stack}


@dataclass(frozen=True, kw_only=True)
class NodesArgs:
    """
    control_plane: the cluster; its own security group goes on every node beside ours.
    security_group_id: our group "nodes", which databases and caches let in.
    after: the add-ons that a node needs to become ready.
    """

    context: Context
    settings: ClusterSettings
    control_plane: aws.eks.Cluster
    network: Network
    keys: Keys
    security_group_id: pulumi.Output[str]
    after: tuple[pulumi.Resource, ...]


class Nodes(pulumi.ComponentResource):
    """The groups; `ready` is for `depends_on` only."""

    group_names: list[pulumi.Output[str]]
    autoscaling_group_names: list[pulumi.Output[str]]
    role_arn: pulumi.Output[str]
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: NodesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Nodes", name, None, opts)
        here = pulumi.ResourceOptions(parent=self)
        role, attachments = self._role(name, args, here)
        template = self._template(name, args, here)
        first = [*attachments, *args.after, *args.network.egress]
        groups = [
            self._group(f"{name}-{zone}", subnet_id, args, role, template, here, first)
            for zone, subnet_id in zip(
                args.network.zones, args.network.private_subnet_ids, strict=True
            )
        ]
        self.group_names = [group.node_group_name for group in groups]
        self.autoscaling_group_names = [group.resources.apply(_scaling_group) for group in groups]
        self.role_arn = role.arn
        self.ready = list(groups)
        self.register_outputs(
            {
                "groupNames": self.group_names,
                "autoscalingGroupNames": self.autoscaling_group_names,
                "roleArn": self.role_arn,
            }
        )

    def _role(
        self, name: str, args: NodesArgs, here: pulumi.ResourceOptions
    ) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        role = aws.iam.Role(
            f"{name}-role", assume_role_policy=trust("ec2.amazonaws.com"), opts=here
        )
        return role, [
            aws.iam.RolePolicyAttachment(
                f"{name}-{policy}",
                role=role.name,
                policy_arn=f"arn:{args.context.partition}:iam::aws:policy/{policy}",
                opts=here,
            )
            for policy in NODE_POLICIES
        ]

    def _template(
        self, name: str, args: NodesArgs, here: pulumi.ResourceOptions
    ) -> aws.ec2.LaunchTemplate:
        own = args.control_plane.vpc_config.apply(lambda made: made.cluster_security_group_id or "")
        return aws.ec2.LaunchTemplate(
            f"{name}-template",
            description="Nodes of the cluster",
            update_default_version=True,
            # A template with groups switches off EKS's own choice: without the cluster's group the
            # node cannot reach the control plane.
            vpc_security_group_ids=[own, args.security_group_id],
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": 1,  # pods are a hop away and get nothing
                "instance_metadata_tags": "disabled",
            },
            block_device_mappings=[
                {
                    "device_name": ROOT_DEVICE,
                    "ebs": {
                        "volume_type": "gp3",
                        "volume_size": args.settings.nodes.disk_gib,
                        "encrypted": "true",
                        "kms_key_id": args.keys.cluster.arn,
                        "delete_on_termination": "true",
                    },
                }
            ],
            ebs_optimized="true",
            monitoring={"enabled": True},
            tag_specifications=[
                {
                    "resource_type": each,
                    "tags": {"Name": args.context.name("node"), **launched_tags(args.context)},
                }
                for each in TAGGED
            ],
            opts=here,
        )

    def _group(
        self,
        name: str,
        subnet_id: pulumi.Output[str],
        args: NodesArgs,
        role: aws.iam.Role,
        template: aws.ec2.LaunchTemplate,
        here: pulumi.ResourceOptions,
        first: list[pulumi.Resource],
    ) -> aws.eks.NodeGroup:
        nodes = args.settings.nodes
        return aws.eks.NodeGroup(
            name,
            cluster_name=args.control_plane.name,
            node_role_arn=role.arn,
            subnet_ids=[subnet_id],
            version=args.settings.version,  # follows the control plane in the same run (E6)
            release_version=nodes.release_version,
            ami_type=AMI_TYPES[nodes.arm],
            capacity_type=CAPACITY_TYPES[nodes.capacity],
            instance_types=list(nodes.instance_types),
            launch_template={
                "id": template.id,
                "version": template.latest_version.apply(str),
            },
            scaling_config={
                "min_size": nodes.min_per_zone,
                "desired_size": nodes.desired_per_zone,
                "max_size": nodes.max_per_zone,
            },
            update_config={"max_unavailable": 1},
            node_repair_config={"enabled": True},
            labels={"pool": "general"},
            opts=pulumi.ResourceOptions.merge(
                here,
                pulumi.ResourceOptions(
                    depends_on=first,
                    # The autoscaler owns the number once the group exists.
                    ignore_changes=["scalingConfig.desiredSize"],
                ),
            ),
        )


def _scaling_group(made: Sequence[aws.eks.outputs.NodeGroupResource]) -> str:
    """The name of the scaling group that EKS made; each node group has one."""
    return (made[0].autoscaling_groups or [])[0].name or ""
