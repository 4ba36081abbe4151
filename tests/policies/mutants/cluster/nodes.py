"""Nodes that anybody enters, that are too few, or that may do too much."""

from __future__ import annotations

from tests.policies.mutants.identity.identity import allow
from tests.policies.mutants.network.network import relink
from tests.policies.mutation import Mutant, add, drop, put, several, unlink, without

_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
_GROUP = "aws:eks/nodeGroup:NodeGroup"
_SUBNET = "aws:ec2/subnet:Subnet"
_ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
_ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
_FIRST = "cluster-nodes-eu-central-1a"
_SECOND = "cluster-nodes-eu-central-1b"
_THIRD = "cluster-nodes-eu-central-1c"
_HOPS = "pods can reach the machine's metadata (hop limit above 1)"
_INTRUDER = "every node, and so every intruder on one, holds"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="node-imdsv2",
        title="IMDSv1",
        change=put(_TEMPLATE, "metadataOptions.httpTokens", "optional"),
        says=("machines answer IMDSv1",),
    ),
    Mutant(
        rule="node-imdsv2",
        title="nothing said",
        change=drop(_TEMPLATE, "metadataOptions"),
        says=("machines answer IMDSv1",),
    ),
    Mutant(
        rule="node-metadata-one-hop",
        title="two hops",
        change=put(_TEMPLATE, "metadataOptions.httpPutResponseHopLimit", 2),
        says=(_HOPS,),
    ),
    Mutant(
        rule="node-metadata-one-hop",
        title="nothing said of hops",
        change=drop(_TEMPLATE, "metadataOptions.httpPutResponseHopLimit"),
        says=(_HOPS,),
    ),
    Mutant(
        rule="node-volumes-encrypted",
        title="a disk in clear",
        change=put(_TEMPLATE, "blockDeviceMappings.0.ebs.encrypted", "false"),
        says=("disk 0 is not encrypted",),
    ),
    Mutant(
        rule="node-volumes-encrypted",
        title="AWS's own key",
        change=drop(_TEMPLATE, "blockDeviceMappings.0.ebs.kmsKeyId"),
        says=("disk 0 is encrypted with the account's default key",),
    ),
    Mutant(
        rule="node-volumes-encrypted",
        title="nothing said of disks",
        change=drop(_TEMPLATE, "blockDeviceMappings"),
        says=("the disk is the image's own, which is not encrypted",),
    ),
    Mutant(
        rule="node-volumes-gp3",
        title="gp2",
        change=put(_TEMPLATE, "blockDeviceMappings.0.ebs.volumeType", "gp2"),
        says=("disk 0 is gp2, slower the smaller it is",),
    ),
    Mutant(
        rule="node-no-public-address",
        title="public addresses",
        change=put(_TEMPLATE, "networkInterfaces", [{"associatePublicIpAddress": "true"}]),
        says=("machines get public addresses",),
    ),
    Mutant(
        rule="node-no-ssh",
        title="a key for all nodes",
        change=put(_TEMPLATE, "keyName", "team"),
        says=("an SSH key opens every node",),
    ),
    Mutant(
        rule="node-no-ssh",
        title="SSH from everywhere",
        change=put(_GROUP, "remoteAccess", {"ec2SshKey": "team"}),
        says=("the group opens SSH",),
    ),
    Mutant(
        rule="node-group-own-template",
        title="EKS's template",
        change=unlink(_GROUP, "launchTemplate", _SECOND),
        says=("no launch template of ours: EKS's own admits pods to the metadata",),
        at=_SECOND,
    ),
    Mutant(
        rule="node-count",
        title="a zone without nodes",
        change=without(_GROUP, _THIRD),
        says=(
            "2 nodes are promised, 3 are needed",
            "nodes stand in 2 zones, 3 are needed",
        ),
        at="cluster-control-plane",
    ),
    Mutant(
        rule="node-count",
        title="a group that may be empty",
        change=put(_GROUP, "scalingConfig.minSize", 0, _FIRST),
        says=("2 nodes are promised, 3 are needed",),
    ),
    Mutant(
        rule="node-count",
        title="two groups in one zone",
        change=put(_SUBNET, "availabilityZone", "eu-central-1a", "network-private-eu-central-1b"),
        says=("nodes stand in 2 zones, 3 are needed",),
    ),
    Mutant(
        rule="node-size",
        title="half a machine",
        change=put(_GROUP, "instanceTypes", ["c7i.large"], _FIRST),
        says=("c7i.large has 2 vCPU and 4 GiB, needed are 4 and 8",),
        at=_FIRST,
    ),
    Mutant(
        rule="node-size",
        title="one of two too small",
        change=put(_GROUP, "instanceTypes", ["c7i.xlarge", "m7g.large"], _FIRST),
        says=("m7g.large has 2 vCPU and 8 GiB, needed are 4 and 8",),
    ),
    Mutant(
        rule="node-size",
        title="AWS's default",
        change=drop(_GROUP, "instanceTypes", _FIRST),
        says=("t3.medium has 2 vCPU and 4 GiB, needed are 4 and 8",),
    ),
    Mutant(
        rule="node-size",
        title="a kind that nobody knows",
        change=put(_GROUP, "instanceTypes", ["mac2.metal"], _FIRST),
        says=("nobody has written down what mac2.metal offers",),
    ),
    Mutant(
        rule="node-capacity-kept",
        title="spot",
        change=put(_GROUP, "capacityType", "SPOT", _FIRST),
        says=("AWS may take these nodes back at two minutes' notice",),
        at=_FIRST,
    ),
    Mutant(
        rule="node-update-one-by-one",
        title="all at once",
        change=put(_GROUP, "updateConfig", {"maxUnavailablePercentage": 100}),
        says=("100 % of the nodes may be replaced at once",),
    ),
    Mutant(
        rule="node-update-one-by-one",
        title="two at once",
        change=put(_GROUP, "updateConfig.maxUnavailable", 2),
        says=("2 nodes may be replaced at once",),
    ),
    Mutant(
        rule="node-update-one-by-one",
        title="nothing said",
        change=drop(_GROUP, "updateConfig"),
        says=("nothing says how many nodes may be replaced at once",),
    ),
    Mutant(
        rule="node-repaired",
        title="nobody repairs",
        change=drop(_GROUP, "nodeRepairConfig"),
        says=("a node that is broken stays until somebody finds it",),
    ),
    Mutant(
        rule="node-role-minimal",
        title="nodes that read every bucket",
        change=put(
            _ATTACHMENT,
            "policyArn",
            "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
            "cluster-nodes-AmazonEKSWorkerNodePolicy",
        ),
        says=(f"{_INTRUDER} AmazonS3ReadOnlyAccess",),
        at="cluster-nodes-role",
    ),
    Mutant(
        rule="node-role-minimal",
        title="nodes that push dumps",
        change=relink(
            _ATTACHMENT,
            "cluster-nodes-AmazonEKSWorkerNodePolicy",
            "policyArn",
            ("aws:iam/policy:Policy", "platform-dumps-identity-upload"),
        ),
        says=(f"{_INTRUDER} platform-dumps-identity-upload",),
    ),
    Mutant(
        rule="node-role-minimal",
        title="nodes with a right of their own",
        change=several(
            add(
                _ROLE_POLICY,
                "node-extra",
                {"policy": {"Statement": [allow("s3:GetObject")]}},
                {"role": ("aws:iam/role:Role", "cluster-nodes-role")},
            )
        ),
        says=(f"{_INTRUDER} node-extra",),
        at="cluster-nodes-role",
    ),
)
