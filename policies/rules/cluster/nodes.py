"""Nodes: enough of them, in private networks, answering nobody but their own pods."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rules.documents import ATTACHMENT, ROLE, ROLE_POLICY, said
from rules.model import Item, Props, Rule, Stack, StackRule

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
GROUP = "aws:eks/nodeGroup:NodeGroup"
CLUSTER = "aws:eks/cluster:Cluster"
SUBNET = "aws:ec2/subnet:Subnet"
# CHK-INFRA-01: at least 3 nodes, each with 4 vCPU and 8 GB; over 3 zones (DR-01).
MIN_NODES = 3
MIN_VCPU = 4
MIN_MEMORY_GIB = 8
ZONES = 3
# EC2 user guide, "Specifications for Amazon EC2 instance types": vCPU of a size, and GiB for each
# vCPU of a family in generation 5 or later (t: its sizes from large up).
VCPU = {"medium": 1, "large": 2, "xlarge": 4} | {f"{n}xlarge": 4 * n for n in range(2, 49)}
GIB_PER_VCPU: Mapping[str, int] = {"c": 2, "m": 4, "r": 8, "t": 4}
# A third of three zones: two nodes carry the load while the third is replaced.
MOST_AT_ONCE_PERCENT = 33
# What a node needs: to join, and to pull images (EKS user guide, node IAM role). The CNI has an
# identity of its own.
NODE_POLICIES = {
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKSWorkerNodeMinimalPolicy",
    "AmazonEKSWorkerNodePolicy",
}


def machine(instance_type: str) -> tuple[int, int]:
    """(vCPU, GiB) of an instance type, (0, 0) of one that this table does not know."""
    found = re.fullmatch(r"([a-z])(\d+)[a-z-]*\.(\w+)", instance_type)
    if not found or found[1] not in GIB_PER_VCPU or found[3] not in VCPU:
        return 0, 0
    # Generations before the fifth have odd sizes (c4.xlarge: 7.5 GiB); t goes 2, 3, 4g.
    if found[1] != "t" and int(found[2]) < 5:
        return 0, 0
    if found[1] == "t" and found[3] == "medium":
        return 2, 4
    vcpu = VCPU[found[3]]
    return vcpu, vcpu * GIB_PER_VCPU[found[1]]


def _imdsv2(props: Props) -> Iterator[str]:
    if props.at("metadataOptions.httpTokens") != "required":
        yield "machines answer IMDSv1"


def _one_hop(props: Props) -> Iterator[str]:
    if int(props.at("metadataOptions.httpPutResponseHopLimit", 2)) > 1:
        yield "pods can reach the machine's metadata (hop limit above 1)"


def _volumes(props: Props) -> Iterator[str]:
    disks = props.at("blockDeviceMappings") or []
    if not disks:
        yield "the disk is the image's own, which is not encrypted"
    for index, disk in enumerate(disks):
        if str(disk.at("ebs.encrypted")).lower() != "true":
            yield f"disk {index} is not encrypted"
        elif not disk.given("ebs.kmsKeyId"):
            yield f"disk {index} is encrypted with the account's default key"


def _gp3(props: Props) -> Iterator[str]:
    for index, disk in enumerate(props.at("blockDeviceMappings") or []):
        if disk.at("ebs.volumeType", "gp2") != "gp3":
            yield f"disk {index} is {disk.at('ebs.volumeType', 'gp2')}, slower the smaller it is"


def _no_address(props: Props) -> Iterator[str]:
    for interface in props.at("networkInterfaces") or []:
        if str(interface.get("associatePublicIpAddress")).lower() == "true":
            yield "machines get public addresses"


def _no_ssh(props: Props) -> Iterator[str]:
    if said(props, "keyName"):
        yield "an SSH key opens every node"
    if said(props, "remoteAccess"):
        yield "the group opens SSH"


def _own_template(group: Item, stack: Stack) -> Iterator[str]:
    if not stack.sources(group, "launchTemplate", TEMPLATE):
        yield "no launch template of ours: EKS's own admits pods to the metadata"


def _enough(cluster: Item, stack: Stack) -> Iterator[str]:
    groups = stack.parts(GROUP, "clusterName", cluster)
    if not stack.serves_customers or not groups:
        return
    nodes = sum(int(group.props.at("scalingConfig.minSize", 0)) for group in groups)
    if nodes < MIN_NODES:
        yield f"{nodes} nodes are promised, {MIN_NODES} are needed"
    zones = {
        subnet.props.at("availabilityZone")
        for group in groups
        for subnet in stack.sources(group, "subnetIds", SUBNET)
    }
    # Subnets that were brought are not in the stack: then their number has to do.
    found = len(zones) or sum(len(group.props.at("subnetIds") or []) for group in groups)
    if found < ZONES:
        yield f"nodes stand in {found} zones, {ZONES} are needed"


def _large(group: Item, stack: Stack) -> Iterator[str]:
    for each in group.props.at("instanceTypes") or ["t3.medium"] if stack.serves_customers else ():
        vcpu, memory = machine(each)
        if vcpu == 0:
            yield f"nobody has written down what {each} offers"
        elif vcpu < MIN_VCPU or memory < MIN_MEMORY_GIB:
            yield f"{each} has {vcpu} vCPU and {memory} GiB, needed are 4 and 8"


def _kept(group: Item, stack: Stack) -> Iterator[str]:
    if stack.serves_customers and group.props.at("capacityType", "ON_DEMAND") != "ON_DEMAND":
        yield "AWS may take these nodes back at two minutes' notice"


def _update(props: Props) -> Iterator[str]:
    percent = int(props.at("updateConfig.maxUnavailablePercentage") or 0)
    if not percent and not int(props.at("updateConfig.maxUnavailable") or 0):
        yield "nothing says how many nodes may be replaced at once"
    elif percent > MOST_AT_ONCE_PERCENT:
        yield f"{percent} % of the nodes may be replaced at once"
    elif not percent and int(props.at("updateConfig.maxUnavailable")) > 1:
        yield f"{props.at('updateConfig.maxUnavailable')} nodes may be replaced at once"


def _repaired(props: Props) -> Iterator[str]:
    if not props.at("nodeRepairConfig.enabled"):
        yield "a node that is broken stays until somebody finds it"


def _minimal(role: Item, stack: Stack) -> Iterator[str]:
    if not stack.parts(GROUP, "nodeRoleArn", role):
        return
    for each in stack.parts(ATTACHMENT, "role", role):
        ours = stack.sources(each, "policyArn")
        name = ours[0].name if ours else str(each.props.at("policyArn", "")).rsplit("/", 1)[-1]
        if ours or name not in NODE_POLICIES:
            yield f"every node, and so every intruder on one, holds {name}"
    for each in stack.parts(ROLE_POLICY, "role", role):
        yield f"every node, and so every intruder on one, holds {each.name}"


_EKS = "https://docs.aws.amazon.com/eks/latest"
_EC2 = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide"
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide"

RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="node-imdsv2",
        sentence="Machines answer IMDSv2 only.",
        types=(TEMPLATE,),
        severity="high",
        requirements=("CHK-INFRA-01", "CHK-SEC-04"),
        controls=(
            *("FSBP EC2.8", "FSBP EC2.170", "FSBP AutoScaling.3", "CIS-AWS 6.7"),
            *("CHECKOV CKV_AWS_79", "SOC2 CC6.1", "ISO27001 A.8.9"),
        ),
        why="A page that fetches any URL would hand out the node's credentials.",
        fix="set metadata_options.http_tokens to required",
        url=f"{_EC2}/configuring-instance-metadata-service.html",
        evidence=("metadataOptions.httpTokens",),
        remedy={"metadataOptions.httpTokens": "required"},
        judge=_imdsv2,
    ),
    Rule(
        name="node-metadata-one-hop",
        sentence="Pods do not reach the machine's metadata.",
        types=(TEMPLATE,),
        severity="high",
        requirements=("CHK-INFRA-01", "CHK-SEC-04"),
        controls=(*("FSBP AutoScaling.4", "CHECKOV CKV_AWS_341", "SOC2 CC6.1", "ISO27001 A.8.9"),),
        why="Every pod could take the node's rights.",
        fix="set metadata_options.http_put_response_hop_limit to 1",
        url="https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html",
        evidence=("metadataOptions.httpPutResponseHopLimit",),
        remedy={"metadataOptions.httpPutResponseHopLimit": 1},
        judge=_one_hop,
    ),
    Rule(
        name="node-volumes-encrypted",
        sentence="Nodes' disks are encrypted with a key of ours.",
        types=(TEMPLATE,),
        severity="high",
        requirements=("CHK-INFRA-01", "SEC-06"),
        controls=(
            *("FSBP EC2.3", "FSBP EC2.181", "CIS-AWS 6.1.1", "CHECKOV CKV_AWS_3"),
            *("CHECKOV CKV_AWS_8", "SOC2 CC6.1", "ISO27001 A.8.24", "GDPR 32"),
        ),
        why="Logs and files of pods would be readable from a copy of the disk.",
        fix="set encrypted and kms_key_id in every block device mapping",
        url=f"{_HUB}/ec2-controls.html",
        evidence=(
            "blockDeviceMappings.*.deviceName",
            "blockDeviceMappings.*.ebs.encrypted",
            "blockDeviceMappings.*.ebs.kmsKeyId",
        ),
        judge=_volumes,
    ),
    Rule(
        name="node-volumes-gp3",
        sentence="Nodes' disks are gp3.",
        types=(TEMPLATE,),
        severity="low",
        requirements=("CHK-INFRA-01", "CHK-INFRA-04"),
        controls=("SOC2 A1.1", "ISO27001 A.8.6"),
        why="A small gp2 disk runs out of burst while images are pulled, and pods start late.",
        fix="set volume_type to gp3",
        url="https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html",
        evidence=("blockDeviceMappings.*.ebs.volumeType",),
        judge=_gp3,
    ),
    Rule(
        name="node-no-public-address",
        sentence="No machine gets a public address.",
        types=(TEMPLATE,),
        severity="critical",
        requirements=("CHK-INFRA-01", "CHK-SEC-03"),
        controls=(
            *("FSBP EC2.9", "FSBP EC2.25", "CIS-EKS 5.4.3", "CHECKOV CKV_AWS_88"),
            *("SOC2 CC6.6", "ISO27001 A.8.20"),
        ),
        why="Everybody could try every port that a node opens.",
        fix="leave network_interfaces away, or set associate_public_ip_address to false",
        url=f"{_HUB}/ec2-controls.html",
        evidence=("description", "networkInterfaces.*.associatePublicIpAddress"),
        judge=_no_address,
    ),
    Rule(
        name="node-no-ssh",
        sentence="Nobody enters a node by SSH.",
        types=(TEMPLATE, GROUP),
        severity="high",
        requirements=("CHK-SEC-04",),
        controls=("CHECKOV CKV_AWS_100", "SOC2 CC6.1", "ISO27001 A.8.2"),
        why="A key that many share tells nobody who was on the machine.",
        fix="leave key_name and remote_access away; docs/runbooks/debugging.md has another way",
        url=f"{_EKS}/userguide/managed-node-groups.html",
        evidence=("description", "keyName", "clusterName", "remoteAccess.ec2SshKey"),
        judge=_no_ssh,
    ),
    StackRule(
        name="node-group-own-template",
        sentence="Every node group uses a launch template of ours.",
        types=(GROUP,),
        severity="high",
        requirements=("CHK-INFRA-01",),
        controls=(*("FSBP AutoScaling.9", "SOC2 CC8.1", "ISO27001 A.8.9"),),
        why="Its machines would keep none of the promises above.",
        fix="set launch_template",
        url=f"{_EKS}/userguide/launch-templates.html",
        evidence=("nodeGroupName", "launchTemplate.id"),
        judge=_own_template,
    ),
    StackRule(
        name="node-count",
        sentence=f"Where customers are served, {MIN_NODES} nodes stand in {ZONES} zones.",
        types=(CLUSTER,),
        severity="high",
        requirements=("CHK-INFRA-01", "DR-01"),
        controls=("FSBP AutoScaling.2", "SOC2 A1.2", "ISO27001 A.8.14"),
        why="The loss of one zone would take the application with it.",
        fix="give every zone a node group with min_size 1 or more",
        url=f"{_EKS}/best-practices/data-plane.html",
        evidence=("name",),
        judge=_enough,
    ),
    StackRule(
        name="node-size",
        sentence=f"Where customers are served, a node has {MIN_VCPU} vCPU and {MIN_MEMORY_GIB} GB.",
        types=(GROUP,),
        severity="medium",
        requirements=("CHK-INFRA-01",),
        controls=("SOC2 A1.1", "ISO27001 A.8.6"),
        why="Pods would wait for room, or be killed for memory, under the first real load.",
        fix="choose instance types such as c7i.xlarge",
        url=f"{_EKS}/userguide/choosing-instance-type.html",
        evidence=("instanceTypes",),
        judge=_large,
    ),
    StackRule(
        name="node-capacity-kept",
        sentence="Where customers are served, nodes are ours until we give them back.",
        types=(GROUP,),
        severity="medium",
        requirements=("CHK-INFRA-01", "DR-01"),
        controls=("SOC2 A1.2", "ISO27001 A.8.14"),
        why="All nodes of a kind can be taken away in the same minute.",
        fix="set capacity_type to ON_DEMAND",
        url=f"{_EKS}/userguide/managed-node-groups.html",
        evidence=("capacityType",),
        judge=_kept,
    ),
    Rule(
        name="node-update-one-by-one",
        sentence="An update replaces one node after another.",
        types=(GROUP,),
        severity="medium",
        requirements=("K8S-05", "DR-01"),
        controls=("SOC2 A1.2", "ISO27001 A.8.32"),
        why="An upgrade of the nodes would be an outage.",
        fix="set update_config.max_unavailable to 1",
        url=f"{_EKS}/userguide/managed-node-update-behavior.html",
        evidence=("updateConfig.maxUnavailable", "updateConfig.maxUnavailablePercentage"),
        judge=_update,
    ),
    Rule(
        name="node-repaired",
        sentence="A broken node is replaced without a person.",
        types=(GROUP,),
        severity="low",
        requirements=("DR-01",),
        controls=("SOC2 A1.2", "ISO27001 A.8.14"),
        why="A third of the capacity would be missing until somebody looks.",
        fix="set node_repair_config.enabled",
        url=f"{_EKS}/userguide/node-health.html",
        evidence=("nodeRepairConfig.enabled",),
        remedy={"nodeRepairConfig.enabled": True},
        judge=_repaired,
    ),
    StackRule(
        name="node-role-minimal",
        sentence="A node may join the cluster and pull images, and nothing else.",
        types=(ROLE,),
        severity="high",
        requirements=("SEC-06", "CHK-SEC-04"),
        controls=("CIS-EKS 5.1.3", "CIS-EKS 5.2.1", "SOC2 CC6.3", "ISO27001 A.8.2"),
        why="Whoever breaks out of a pod has the node's rights.",
        fix="give the workload a role of its own by Pod Identity",
        url=f"{_EKS}/userguide/create-node-role.html",
        evidence=("name",),
        judge=_minimal,
    ),
)
