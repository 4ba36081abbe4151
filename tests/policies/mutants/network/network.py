"""What breaks the network."""

from __future__ import annotations

from typing import Any

from tests.policies.mutation import Change, Draft, Mutant, add, drop, put, several, unlink, without

_VPC = "aws:ec2/vpc:Vpc"
_SUBNET = "aws:ec2/subnet:Subnet"
_NAT = "aws:ec2/natGateway:NatGateway"
_ROUTE = "aws:ec2/route:Route"
_ADDRESS = "aws:ec2/eip:Eip"
_ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
_FLOW_LOG = "aws:ec2/flowLog:FlowLog"
_LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
_ACL = "aws:ec2/networkAcl:NetworkAcl"
_ACL_RULE = "aws:ec2/networkAclRule:NetworkAclRule"
_DATABASE_SUBNETS = "aws:rds/subnetGroup:SubnetGroup"
_CACHE_SUBNETS = "aws:elasticache/subnetGroup:SubnetGroup"
_CLUSTER = "aws:eks/cluster:Cluster"
_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
_TWO = "it stands in 2 zones, 3 are needed here"
_OPEN: dict[str, Any] = {"cidrBlock": "0.0.0.0/0", "protocol": "tcp"}


def forget(type_: str, name: str, input_: str, source: str) -> Change:
    """One of the resources that an input comes from is no longer named by it."""

    def cut(draft: Draft) -> None:
        item = draft.items[draft.find(type_, name)[0]]
        left = frozenset(urn for urn in item.links[input_] if not urn.endswith(f"::{source}"))
        draft.swap(type_, name, links={**item.links, input_: left})

    return cut


def relink(type_: str, name: str, input_: str, to: tuple[str, str]) -> Change:
    """An input comes from another resource."""

    def turn(draft: Draft) -> None:
        item = draft.items[draft.find(type_, name)[0]]
        urn = draft.items[draft.find(*to)[0]].urn
        draft.swap(type_, name, links={**item.links, input_: frozenset({urn})})

    return turn


def _two_zones(type_: str, name: str, input_: str, subnet: str) -> Mutant:
    return Mutant(
        rule="subnets-span-zones",
        title=f"two zones for {name}",
        change=forget(type_, name, input_, subnet),
        says=(_TWO,),
        at=name,
    )


def _acl(title: str, entry: dict[str, Any], *says: str) -> Mutant:
    return Mutant(
        rule="network-acl-no-holes",
        title=title,
        change=add(
            _ACL,
            "filter",
            {"ingress": [{"action": "allow", **_OPEN, **entry}]},
            links={"vpcId": (_VPC, "network")},
        ),
        says=says,
        at="network",
    )


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="subnet-no-public-addresses",
        title="public addresses",
        change=put(_SUBNET, "mapPublicIpOnLaunch", True, "network-public-*"),
        says=("machines in this subnet would get public addresses",),
    ),
    Mutant(
        rule="subnet-no-public-addresses",
        title="IPv6 addresses, which are all public",
        change=put(_SUBNET, "assignIpv6AddressOnCreation", True, "network-data-*"),
        says=("machines in this subnet would get public addresses",),
    ),
    _two_zones(_DATABASE_SUBNETS, "database-subnets", "subnetIds", "network-data-eu-central-1c"),
    _two_zones(_CACHE_SUBNETS, "cache-subnets", "subnetIds", "network-data-eu-central-1a"),
    _two_zones(_CLUSTER, "cluster-control-plane", "vpcConfig", "network-private-eu-central-1b"),
    _two_zones(_BALANCER, "edge-balancer-alb", "subnets", "network-private-eu-central-1c"),
    _two_zones(_ENDPOINT, "network-endpoints-kms", "subnetIds", "network-private-eu-central-1a"),
    Mutant(
        rule="subnets-span-zones",
        title="two subnets of one zone",
        change=put(_SUBNET, "availabilityZone", "eu-central-1a", "network-data-eu-central-1b"),
        says=(_TWO, _TWO),
    ),
    Mutant(
        rule="subnets-span-zones",
        title="one zone in staging",
        change=forget(_BALANCER, "*", "subnets", "network-private-eu-central-1a"),
        says=("it stands in 1 zones, 2 are needed here",),
        stack="staging",
        at="edge-balancer-alb",
    ),
    Mutant(
        rule="subnets-span-zones",
        title="subnets of a network that was brought",
        change=several(
            unlink(_BALANCER, "subnets"), put(_BALANCER, "subnets", ["subnet-1", "subnet-2"])
        ),
        says=(_TWO,),
        at="edge-balancer-alb",
    ),
    Mutant(
        rule="nat-serves-its-zone",
        title="one gateway for two zones",
        change=relink(
            _ROUTE,
            "network-private-eu-central-1b",
            "natGatewayId",
            (_NAT, "network-eu-central-1a"),
        ),
        says=("network-private-eu-central-1b of another zone leaves through it",),
        at="network-eu-central-1a",
    ),
    Mutant(
        rule="nat-serves-its-zone",
        title="a gateway in another zone than its subnets",
        change=relink(
            _NAT, "network-eu-central-1c", "subnetId", (_SUBNET, "network-public-eu-central-1a")
        ),
        says=("network-private-eu-central-1c of another zone leaves through it",),
        at="network-eu-central-1c",
    ),
    Mutant(
        rule="route-through-no-machine",
        title="a machine in place of a gateway",
        change=put(_ROUTE, "networkInterfaceId", "eni-0123456789abcdef0", "network-private-*"),
        says=("a machine of ours stands between a subnet and everything that it calls",),
    ),
    Mutant(
        rule="route-to-peers-narrow",
        title="everything by a peer",
        change=put(_ROUTE, "vpcPeeringConnectionId", "pcx-0123456789abcdef0", "network-private-*"),
        says=("it leads to all of 0.0.0.0/0, more than any one network has",),
    ),
    Mutant(
        rule="route-to-peers-narrow",
        title="all private addresses by a transit gateway",
        change=several(
            put(_ROUTE, "destinationCidrBlock", "10.0.0.0/8", "network-private-*"),
            put(_ROUTE, "transitGatewayId", "tgw-0123456789abcdef0", "network-private-*"),
        ),
        says=("it leads to all of 10.0.0.0/8, more than any one network has",),
    ),
    Mutant(
        rule="public-address-used",
        title="an address left over",
        change=add(_ADDRESS, "spare", {"domain": "vpc"}),
        says=("nothing uses this public address",),
        at="spare",
    ),
    Mutant(
        rule="public-address-used",
        title="a gateway is gone",
        change=without(_NAT, "network-eu-central-1b"),
        says=("nothing uses this public address",),
        at="network-nat-eu-central-1b",
    ),
    _acl("SSH", {"fromPort": 22, "toPort": 22}, "filter opens port 22 to 0.0.0.0/0"),
    _acl(
        "FTP over IPv6",
        {"cidrBlock": None, "ipv6CidrBlock": "::/0", "fromPort": 20, "toPort": 21},
        "filter opens port 20 to ::/0",
        "filter opens port 21 to ::/0",
    ),
    _acl(
        "everything",
        {"protocol": "-1", "fromPort": 0, "toPort": 0},
        "filter opens every port to 0.0.0.0/0",
    ),
    Mutant(
        rule="network-acl-no-holes",
        title="RDP by a rule of its own",
        change=several(
            add(_ACL, "filter", {}, links={"vpcId": (_VPC, "network")}),
            add(
                _ACL_RULE,
                "desktop",
                {**_OPEN, "ruleAction": "allow", "fromPort": 3000, "toPort": 4000},
                links={"networkAclId": (_ACL, "filter")},
            ),
        ),
        says=("desktop opens port 3389 to 0.0.0.0/0",),
        at="network",
    ),
    Mutant(
        rule="vpc-endpoints-present",
        title="secrets by the internet",
        change=without(_ENDPOINT, "network-endpoints-secretsmanager"),
        says=("calls of secretsmanager leave the network",),
        at="network",
    ),
    Mutant(
        rule="vpc-endpoints-present",
        title="images by the internet",
        change=several(
            without(_ENDPOINT, "network-endpoints-ecr-api"),
            without(_ENDPOINT, "network-endpoints-ecr-dkr"),
        ),
        says=("calls of ecr.api, ecr.dkr leave the network",),
        at="network",
    ),
    Mutant(
        rule="vpc-endpoints-present",
        title="keys by the internet in staging",
        change=without(_ENDPOINT, "network-endpoints-kms"),
        says=("calls of kms leave the network",),
        stack="staging",
        at="network",
    ),
    Mutant(
        rule="vpc-endpoint-private-dns",
        title="public names",
        change=put(_ENDPOINT, "privateDnsEnabled", False, "network-endpoints-sts"),
        says=("the service's ordinary name still leads out of the network",),
    ),
    Mutant(
        rule="vpc-endpoint-private-dns",
        title="nothing said about names",
        change=drop(_ENDPOINT, "privateDnsEnabled", "network-endpoints-kms"),
        says=("the service's ordinary name still leads out of the network",),
    ),
    Mutant(
        rule="vpc-flow-logs",
        title="no flow log",
        change=without(_FLOW_LOG),
        says=("this VPC has no flow log",),
        at="network",
    ),
    Mutant(
        rule="vpc-flow-logs",
        title="a flow log of something else",
        change=unlink(_FLOW_LOG, "vpcId"),
        says=("this VPC has no flow log",),
        at="network",
    ),
    Mutant(
        rule="flow-log-all-traffic",
        title="accepted flows only",
        change=put(_FLOW_LOG, "trafficType", "ACCEPT"),
        says=("only accepted flows are written",),
    ),
    Mutant(
        rule="flow-log-all-traffic",
        title="rejected flows only",
        change=put(_FLOW_LOG, "trafficType", "REJECT"),
        says=("only rejected flows are written",),
    ),
    Mutant(
        rule="flow-log-kept",
        title="retention cut to a month",
        change=put(_LOG_GROUP, "retentionInDays", 30, "network-flow-logs"),
        says=("flows are kept for 30 days, 365 are needed here",),
        at="network-flow-logs",
    ),
    Mutant(
        rule="flow-log-kept",
        title="a week in staging",
        change=put(_LOG_GROUP, "retentionInDays", 7, "network-flow-logs"),
        says=("flows are kept for 7 days, 30 are needed here",),
        stack="staging",
    ),
    Mutant(
        rule="flow-log-kept",
        title="somebody else's log group",
        change=unlink(_FLOW_LOG, "logDestination"),
        says=("its destination is no log group of this stack",),
        at="network-flow-logs",
    ),
)
