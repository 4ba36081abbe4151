"""Security groups and CloudFront: the ways that they open, and what stands behind each door.

A way exists only where both of its ends allow it. Where the stack does not tell, the way is taken
to be open: a graph that proves that somebody is kept out must not forget a door. Places are named
as people know them: a security group by the one thing that wears it, else by its own name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from ipaddress import ip_network

from rules.model import Item, Props, Stack
from rules.network.reach import ALL, INTERNET, Ports, Way, overlap, wide
from rules.provider import home

BALANCER = "aws:lb/loadBalancer:LoadBalancer"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
CACHE_SUBNETS = "aws:elasticache/subnetGroup:SubnetGroup"
CLUSTER = "aws:eks/cluster:Cluster"
DATABASE = "aws:rds/instance:Instance"
DATABASE_SUBNETS = "aws:rds/subnetGroup:SubnetGroup"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
NODES = "aws:eks/nodeGroup:NodeGroup"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
SUBNET = "aws:ec2/subnet:Subnet"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
VPC = "aws:ec2/vpc:Vpc"
VPC_ORIGIN = "aws:cloudfront/vpcOrigin:VpcOrigin"

# AWS's list com.amazonaws.global.cloudfront.origin-facing by region ("Limit access to your origins
# using the AWS-managed prefix list for Amazon CloudFront", AWS blog; ids never change).
CLOUDFRONT_LISTS = {
    "ap-northeast-1": "pl-58a04531",
    "ap-northeast-2": "pl-22a6434b",
    "ap-northeast-3": "pl-31a14458",
    "ap-south-1": "pl-9aa247f3",
    "ap-southeast-1": "pl-31a34658",
    "ap-southeast-2": "pl-b8a742d1",
    "ca-central-1": "pl-38a64351",
    "eu-central-1": "pl-a3a144ca",
    "eu-north-1": "pl-fab65393",
    "eu-west-1": "pl-4fa04526",
    "eu-west-2": "pl-93a247fa",
    "eu-west-3": "pl-75b1541c",
    "sa-east-1": "pl-5da64334",
    "us-east-1": "pl-3b927c52",
    "us-east-2": "pl-b6a144df",
    "us-west-1": "pl-4ea04527",
    "us-west-2": "pl-82a045eb",
}

# What wears a security group, and the input that names it.
WEARERS = {
    DATABASE: "vpcSecurityGroupIds",
    CACHE: "securityGroupIds",
    BALANCER: "securityGroups",
    TEMPLATE: "vpcSecurityGroupIds",
    ENDPOINT: "securityGroupIds",
    CLUSTER: "vpcConfig",
}
# What stands in subnets, and the input that names them: the thing's own, or its subnet group's.
SUBNETS = {
    BALANCER: "subnets",
    ENDPOINT: "subnetIds",
    NODES: "subnetIds",
    CLUSTER: "vpcConfig",
    DATABASE_SUBNETS: "subnetIds",
    CACHE_SUBNETS: "subnetIds",
}
SUBNET_GROUPS = {
    DATABASE: {"dbSubnetGroupName": DATABASE_SUBNETS},
    CACHE: {"subnetGroupName": CACHE_SUBNETS},
}
# EKS gives nodes and control plane a group of its own that lets everything out (EKS user guide,
# "View Amazon EKS security group requirements for clusters"), so their other groups do not bind.
_LEAVES = (TEMPLATE, CLUSTER)


def ports(rule: Props) -> Ports:
    """What a security group's rule opens."""
    protocol = str(rule.at("ipProtocol", "-1"))
    if protocol == "-1":
        return ALL
    low, high = int(rule.at("fromPort", 0)), int(rule.at("toPort", 65535))
    return Ports(protocol) if low < 0 else Ports(protocol, low, high)


# -- security groups -----------------------------------------------------------------------------
def worn(stack: Stack) -> dict[str, list[Item]]:
    """A security group's URN -> what wears it."""
    found: defaultdict[str, list[Item]] = defaultdict(list)
    for type_, name in WEARERS.items():
        for item in stack.of(type_):
            for group in stack.sources(item, name, GROUP):
                found[group.urn].append(item)
    return found


def place(stack: Stack, group: Item) -> str:
    """What a security group is called in the graph."""
    wearers = stack.once(worn).get(group.urn, [])
    alone = len(wearers) == 1 and wearers[0].type not in _LEAVES
    return wearers[0].name if alone else group.name


def places(stack: Stack, item: Item) -> list[str]:
    """Where a thing stands in the graph: the places of the groups that it wears."""
    return [place(stack, group) for group in stack.sources(item, WEARERS[item.type], GROUP)]


def node_groups(stack: Stack) -> dict[str, Item]:
    """The security groups of nodes, by their place."""
    return {
        place(stack, group): group
        for template in stack.of(TEMPLATE)
        for group in stack.sources(template, WEARERS[TEMPLATE], GROUP)
    }


def through_groups(stack: Stack) -> Iterator[Way]:
    for rule in stack.of(INGRESS):
        opened = ports(rule.props)
        for target in stack.sources(rule, "securityGroupId", GROUP, CLUSTER):
            for source in _admitted(stack, rule, target, opened):
                yield Way(source, place(stack, target), opened, rule.name)


def _admitted(stack: Stack, rule: Item, target: Item, opened: Ports) -> Iterator[str]:
    named = stack.sources(rule, "referencedSecurityGroupId", GROUP, CLUSTER)
    yield from (place(stack, each) for each in named if _leaves(stack, each, target, opened))
    # Who is in a list or a group of somebody else, nobody here can tell; CloudFront comes to the
    # balancer by one of them.
    door = any(each.type == BALANCER for each in stack.once(worn).get(target.urn, []))
    if not named and (outside := rule.props.at("referencedSecurityGroupId")):
        yield f"security group {outside}" if door else INTERNET
    if listed := rule.props.at("prefixListId"):
        strangers = not door or not_cloudfront(stack, str(listed))
        yield INTERNET if strangers else f"prefix list {listed}"
    for key in ("cidrIpv4", "cidrIpv6"):
        if block := rule.props.at(key):
            yield from _from_addresses(stack, block, target, opened)


def not_cloudfront(stack: Stack, listed: str) -> bool | None:
    """Whether a prefix list is not CloudFront's; None in a region whose list is not known here."""
    own = CLOUDFRONT_LISTS.get(stack.once(home))
    return None if own is None else own != listed


def _from_addresses(stack: Stack, block: str, target: Item, opened: Ports) -> Iterator[str]:
    """The internet, or every neighbour in the network who stands in the block and may leave."""
    if wide(block):
        yield INTERNET
        return
    networks = [ip_network(v.props.at("cidrBlock")) for v in stack.sources(target, "vpcId", VPC)]
    if not any(overlap(ip_network(block), own) for own in networks or [ip_network(block)]):
        yield block
        return
    if block not in map(str, networks):
        yield block  # other networks may have such addresses too
    for vpc in stack.sources(target, "vpcId", VPC):
        for group in stack.parts(GROUP, "vpcId", vpc):
            if group.urn != target.urn and _leaves(stack, group, target, opened):
                yield place(stack, group)


def _leaves(stack: Stack, group: Item, target: Item, opened: Ports) -> bool:
    """Whether those who wear a group may open connections to another one."""
    wearers = stack.once(worn).get(group.urn, [])
    if group.type == CLUSTER or any(each.type in _LEAVES for each in wearers):
        return True
    return any(
        ports(rule.props).meets(opened)
        and (
            rule.comes_from("referencedSecurityGroupId", target)
            or any(rule.props.at(key) for key in ("cidrIpv4", "cidrIpv6", "prefixListId"))
        )
        for rule in stack.parts(EGRESS, "securityGroupId", group)
    )


def subnets(stack: Stack, item: Item) -> list[Item]:
    """The subnets of this stack that a thing stands in, through its subnet group if it has one."""
    for name, group_type in SUBNET_GROUPS.get(item.type, {}).items():
        groups = stack.sources(item, name, group_type)
        return [each for group in groups for each in stack.sources(group, "subnetIds", SUBNET)]
    return stack.sources(item, SUBNETS[item.type], SUBNET)


# -- CloudFront ----------------------------------------------------------------------------------
def through_cloudfront(stack: Stack, ways: list[Way]) -> list[Way]:
    """Viewers reach a distribution; it reaches a balancer through whatever that admits for it."""
    found: list[Way] = []
    doors: defaultdict[str, list[Way]] = defaultdict(list)
    for way in ways:
        if way.source.startswith(("prefix list ", "security group ")):
            doors[way.target].append(way)
    for distribution in stack.of(DISTRIBUTION):
        found.append(Way(INTERNET, distribution.name, Ports("tcp", 443, 443), distribution.name))
        for origin in stack.sources(distribution, "origins", VPC_ORIGIN):
            for balancer in stack.sources(origin, "vpcOriginEndpointConfig", BALANCER):
                found += [
                    Way(distribution.name, way.source, way.ports, origin.name)
                    for here in places(stack, balancer)
                    for way in doors[here]
                ]
    return found
