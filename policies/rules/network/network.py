"""Network: subnets over enough zones, ways out that fail alone, private ways to AWS, all logged.

Security groups are security_groups.py, routes and who reaches whom reachability.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from rules.model import Item, NotApplicable, Props, Rule, Stack, StackRule, Undecided
from rules.network.doors import (
    BALANCER,
    CACHE_SUBNETS,
    CLUSTER,
    DATABASE_SUBNETS,
    ENDPOINT,
    SUBNET,
    SUBNETS,
    VPC,
    subnets,
)
from rules.network.reach import Ports, wide

_ADDRESS = "aws:ec2/eip:Eip"
_ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
_FLOW_LOG = "aws:ec2/flowLog:FlowLog"
_LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
_NAT = "aws:ec2/natGateway:NatGateway"
_ACLS = ("aws:ec2/networkAcl:NetworkAcl", "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl")
_ACL_RULE = "aws:ec2/networkAclRule:NetworkAclRule"
_ROUTE = "aws:ec2/route:Route"
_TABLE = "aws:ec2/routeTable:RouteTable"
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html"
_GUIDE = "https://docs.aws.amazon.com/vpc/latest/userguide/"
# Two zones may fail in a row where customers are served (DR-01); RDS and EKS refuse fewer than two.
_ZONES, _ZONES_ELSEWHERE = 3, 2
# AUDIT-03: audit evidence is kept for a year (CHK and ISO 27001 A.8.15 name no shorter one); a
# month is what an investigation of an environment without customers needs.
_KEPT_DAYS, _KEPT_DAYS_ELSEWHERE = 365, 30
# Secrets, keys and identities never leave the network; where customers are served neither do
# images, logs and what nodes ask of AWS (EKS user guide, "Deploy private clusters with limited
# internet access", and FSBP EC2.10, .55, .56, .57).
_SERVICES_EVERYWHERE = ("s3", "kms", "secretsmanager", "sts")
_SERVICES = (*_SERVICES_EVERYWHERE, "ec2", "ecr.api", "ecr.dkr", "logs", "ssm")
# Ports whose openness scanners ask of a network ACL: FTP, SSH, RDP (EC2.21, CKV_AWS_229 to 232).
_ADMINISTRATION = (20, 21, 22, 3389)
_PEERS = ("vpcPeeringConnectionId", "transitGatewayId", "coreNetworkArn")
# VPC user guide, "VPC CIDR blocks": a VPC is a /16 at most; its IPv6 block a /44.
_LARGEST = {4: 16, 6: 44}
_ACL_PROTOCOLS = {"-1": "all", "6": "tcp", "tcp": "tcp", "all": "all"}


# -- subnets and ways out ------------------------------------------------------------------------
def _no_public_addresses(subnet: Props) -> Iterator[str]:
    for key in ("mapPublicIpOnLaunch", "assignIpv6AddressOnCreation"):
        if subnet.at(key):
            yield "machines in this subnet would get public addresses"
            return


def _spans_zones(item: Item, stack: Stack) -> Iterator[str]:
    needed = _ZONES if stack.serves_customers else _ZONES_ELSEWHERE
    ours = subnets(stack, item)
    if ours:
        found = len({each.props.at("availabilityZone") for each in ours})
    elif item.type == ENDPOINT and item.props.at("vpcEndpointType", "Gateway") == "Gateway":
        return
    else:  # of a network that was brought: one subnet for each zone
        path = "vpcConfig.subnetIds" if item.type == CLUSTER else SUBNETS[item.type]
        found = len(item.props.at(path, []))
    if found < needed:
        yield f"it stands in {found} zones, {needed} are needed here"


def _nat_serves_its_zone(nat: Item, stack: Stack) -> Iterator[str]:
    if not stack.serves_customers:
        return
    own = {each.props.at("availabilityZone") for each in stack.sources(nat, "subnetId", SUBNET)}
    for route in stack.parts(_ROUTE, "natGatewayId", nat):
        for table in stack.sources(route, "routeTableId", _TABLE):
            for association in stack.parts(_ASSOCIATION, "routeTableId", table):
                for subnet in stack.sources(association, "subnetId", SUBNET):
                    if subnet.props.at("availabilityZone") not in own:
                        yield f"{subnet.name} of another zone leaves through it"


def _no_machine(route: Props) -> Iterator[str]:
    if route.at("networkInterfaceId"):
        yield "a machine of ours stands between a subnet and everything that it calls"


def _narrow(route: Props) -> Iterator[str]:
    peers = [key for key in _PEERS if _set(route, key)]
    if not peers:
        raise NotApplicable("it leads to no other network")
    for key in ("destinationCidrBlock", "destinationIpv6CidrBlock"):
        block = route.at(key)
        if block and ip_network(block).prefixlen < _LARGEST[ip_network(block).version]:
            yield f"it leads to all of {block}, more than any one network has"


def _set(props: Props, path: str) -> bool:
    try:
        return bool(props.at(path))
    except Undecided:
        return True


def _address_used(address: Item, stack: Stack) -> Iterator[str]:
    users = stack.parts(_NAT, "allocationId", address)
    others = ("instance", "networkInterface")
    if not users and not any(address.links.get(k) or address.props.at(k) for k in others):
        yield "nothing uses this public address"


def _no_acl_holes(vpc: Item, stack: Stack) -> Iterator[str]:
    for type_ in _ACLS:
        for acl in stack.parts(type_, "vpcId", vpc):
            for entry in acl.props.at("ingress") or []:
                yield from _hole(acl.name, entry, "action")
            for rule in stack.parts(_ACL_RULE, "networkAclId", acl):
                if not rule.props.at("egress"):
                    yield from _hole(rule.name, rule.props, "ruleAction")


def _hole(name: str, entry: Props, action: str) -> Iterator[str]:
    blocks = (entry.at("cidrBlock"), entry.at("ipv6CidrBlock"))
    world = [str(block) for block in blocks if block and wide(str(block))]
    if entry.at(action) != "allow" or not world:
        return
    protocol = _ACL_PROTOCOLS.get(str(entry.at("protocol", "-1")), "other")
    opened = Ports(protocol, int(entry.at("fromPort", 0)), int(entry.at("toPort", 65535)))
    if protocol == "all" or (opened.low, opened.high) == (0, 65535):
        yield f"{name} opens every port to {world[0]}"
    else:
        for port in _ADMINISTRATION:
            if opened.meets(Ports("tcp", port, port)):
                yield f"{name} opens port {port} to {world[0]}"


# -- endpoints -----------------------------------------------------------------------------------
def _endpoints(vpc: Item, stack: Stack) -> Iterator[str]:
    there = {
        str(each.props.at("serviceName")).split(".", 3)[-1]
        for each in stack.parts(ENDPOINT, "vpcId", vpc)
    }
    needed = _SERVICES if stack.serves_customers else _SERVICES_EVERYWHERE
    if missing := [service for service in needed if service not in there]:
        yield f"calls of {', '.join(missing)} leave the network"


def _private_dns(endpoint: Props) -> Iterator[str]:
    if endpoint.at("vpcEndpointType", "Gateway") != "Interface":
        raise NotApplicable("a gateway endpoint works by routes, not by names")
    if not endpoint.at("privateDnsEnabled"):
        yield "the service's ordinary name still leads out of the network"


# -- flow logs -----------------------------------------------------------------------------------
def _flow_logs(vpc: Item, stack: Stack) -> Iterator[str]:
    if not stack.parts(_FLOW_LOG, "vpcId", vpc):
        yield "this VPC has no flow log"


def _all_traffic(log: Props) -> Iterator[str]:
    kind = log.at("trafficType")
    if kind != "ALL":
        written = {"ACCEPT": "accepted", "REJECT": "rejected"}.get(str(kind), "some")
        yield f"only {written} flows are written"


def _log_kept(log: Item, stack: Stack) -> Iterator[str]:
    groups = stack.sources(log, "logDestination", _LOG_GROUP)
    if not groups:
        yield "its destination is no log group of this stack"
    needed = _KEPT_DAYS if stack.serves_customers else _KEPT_DAYS_ELSEWHERE
    for group in groups:
        days = int(group.props.at("retentionInDays", 0))  # 0: kept for ever
        if 0 < days < needed:
            yield f"flows are kept for {days} days, {needed} are needed here"


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="subnet-no-public-addresses",
        sentence="No subnet hands out public addresses.",
        types=(SUBNET,),
        severity="high",
        requirements=("CHK-SEC-03",),
        controls=("FSBP EC2.15", "CHECKOV CKV_AWS_130", "SOC2 CC6.6", "ISO27001 A.8.22"),
        why="A machine that somebody starts there is on the internet before anybody looks.",
        fix="set map_public_ip_on_launch to false",
        url=f"{_HUB}#ec2-15",
        evidence=("mapPublicIpOnLaunch", "assignIpv6AddressOnCreation"),
        remedy={"mapPublicIpOnLaunch": False},
        judge=_no_public_addresses,
    ),
    StackRule(
        name="subnets-span-zones",
        sentence="Stores, cluster, balancer and endpoints stand in three zones where customers "
        "are served, in two elsewhere.",
        types=(DATABASE_SUBNETS, CACHE_SUBNETS, BALANCER, CLUSTER, ENDPOINT),
        severity="high",
        requirements=("CHK-INFRA-01", "DR-01", "LB-01"),
        controls=("FSBP ELB.13", "SOC2 A1.2", "ISO27001 A.8.14"),
        why="The failure of one data centre would take everything with it.",
        fix="name a subnet in each of the environment's zones",
        url="https://docs.aws.amazon.com/securityhub/latest/userguide/elb-controls.html#elb-13",
        evidence=("subnetIds", "subnets", "vpcConfig.subnetIds"),
        judge=_spans_zones,
    ),
    StackRule(
        name="nat-serves-its-zone",
        sentence="Where customers are served, each zone leaves through a NAT gateway of its own.",
        types=(_NAT,),
        severity="medium",
        requirements=("CHK-INFRA-01", "DR-01"),
        controls=("SOC2 A1.2", "ISO27001 A.8.14"),
        why="Pods of healthy zones could not call anybody while the one zone is down.",
        fix='set network.nat to "per-zone"',
        url=f"{_GUIDE}vpc-nat-gateway.html",
        evidence=("subnetId",),
        judge=_nat_serves_its_zone,
    ),
    Rule(
        name="route-through-no-machine",
        sentence="No route leads through a machine of ours.",
        types=(_ROUTE,),
        severity="medium",
        requirements=("CHK-INFRA-01", "DR-01"),
        controls=("CHECKOV CKV2_AWS_35", "SOC2 A1.2", "ISO27001 A.8.14"),
        why="One machine that nobody patches would see, and could stop, all that leaves.",
        fix="use nat_gateway_id",
        url=f"{_GUIDE}vpc-nat-comparison.html",
        evidence=("destinationCidrBlock", "networkInterfaceId"),
        judge=_no_machine,
    ),
    Rule(
        name="route-to-peers-narrow",
        sentence="A route to another network names that network's block and no more.",
        types=(_ROUTE,),
        severity="medium",
        requirements=("CHK-SEC-03",),
        controls=("CIS-AWS 6.6", "CHECKOV CKV2_AWS_44", "SOC2 CC6.6", "ISO27001 A.8.22"),
        why="Whoever is inside one network could look around in all the others.",
        fix="route the blocks that are called, a VPC's at most",
        url="https://docs.aws.amazon.com/vpc/latest/peering/peering-configurations-partial-access.html",
        evidence=("destinationCidrBlock", "destinationIpv6CidrBlock", "vpcPeeringConnectionId"),
        judge=_narrow,
    ),
    StackRule(
        name="public-address-used",
        sentence="Every public address of ours is used.",
        types=(_ADDRESS,),
        severity="low",
        requirements=("CHK-SEC-03",),
        controls=("FSBP EC2.12", "CHECKOV CKV2_AWS_19"),
        why="An address that nobody watches is paid for, and trusted by lists of partners.",
        fix="give it to a NAT gateway, or release it",
        url=f"{_HUB}#ec2-12",
        evidence=("domain", "publicIp"),
        judge=_address_used,
    ),
    StackRule(
        name="network-acl-no-holes",
        sentence="No network ACL of ours lets the world in to administration ports.",
        types=(VPC,),
        severity="high",
        requirements=("CHK-SEC-03",),
        controls=(
            *("FSBP EC2.21", "CIS-AWS 6.2", "CHECKOV CKV_AWS_229", "CHECKOV CKV_AWS_230"),
            *("CHECKOV CKV_AWS_231", "CHECKOV CKV_AWS_232", "CHECKOV CKV_AWS_352"),
            *("SOC2 CC6.6", "ISO27001 A.8.20"),
        ),
        why="The second line would stand open where a security group makes a mistake.",
        fix="name the blocks that need the port, or leave filtering to security groups",
        url=f"{_HUB}#ec2-21",
        evidence=("cidrBlock",),
        judge=_no_acl_holes,
    ),
    StackRule(
        name="vpc-endpoints-present",
        sentence="Calls of secrets, keys, images and logs never leave the network.",
        types=(VPC,),
        severity="medium",
        requirements=("K8S-09", "CHK-SEC-02"),
        controls=(
            *("FSBP EC2.10", "FSBP EC2.55", "FSBP EC2.56", "FSBP EC2.57"),
            *("SOC2 CC6.7", "ISO27001 A.8.22"),
        ),
        why="Nodes could fetch neither secrets nor images when the way to the internet fails.",
        fix="add the services to network.endpoints",
        url=f"{_HUB}#ec2-10",
        evidence=("cidrBlock",),
        judge=_endpoints,
    ),
    Rule(
        name="vpc-endpoint-private-dns",
        sentence="Every interface endpoint answers by the service's ordinary name.",
        types=(ENDPOINT,),
        severity="medium",
        requirements=("K8S-09",),
        controls=("SOC2 CC6.7",),
        why="Programs would go on calling the public address and never notice the endpoint.",
        fix="set private_dns_enabled to true",
        url="https://docs.aws.amazon.com/vpc/latest/privatelink/interface-endpoints.html",
        evidence=("vpcEndpointType", "privateDnsEnabled", "serviceName"),
        remedy={"privateDnsEnabled": True},
        judge=_private_dns,
    ),
    StackRule(
        name="vpc-flow-logs",
        sentence="Every VPC logs its flows.",
        types=(VPC,),
        severity="medium",
        requirements=("AUDIT-03",),
        controls=(
            *("FSBP EC2.6", "CIS-AWS 4.7", "CHECKOV CKV2_AWS_11"),
            *("SOC2 CC7.2", "ISO27001 A.8.15", "ISO27001 A.8.16"),
        ),
        why="After a break-in nobody could say what was taken, or from where.",
        fix="add an aws.ec2.FlowLog with vpc_id",
        url=f"{_HUB}#ec2-6",
        evidence=("cidrBlock",),
        judge=_flow_logs,
    ),
    Rule(
        name="flow-log-all-traffic",
        sentence="A flow log writes accepted and rejected flows.",
        types=(_FLOW_LOG,),
        severity="medium",
        requirements=("AUDIT-03",),
        controls=("FSBP EC2.6", "CIS-AWS 4.7", "SOC2 CC7.2", "ISO27001 A.8.15"),
        why="Half of the story is missing: who tried, or who came through.",
        fix="set traffic_type to ALL (another flow log takes the place of this one)",
        url=f"{_GUIDE}flow-logs.html",
        evidence=("trafficType",),
        judge=_all_traffic,
    ),
    StackRule(
        name="flow-log-kept",
        sentence="Flow logs go to a log group of ours that keeps them a year where customers are "
        "served, a month elsewhere.",
        types=(_FLOW_LOG,),
        severity="medium",
        requirements=("AUDIT-03",),
        controls=("SOC2 CC7.2", "ISO27001 A.8.15"),
        why="Most break-ins are found after months, when a shorter record is gone.",
        fix="set network.flowLogs.retentionDays",
        url=f"{_GUIDE}flow-logs-cwl.html",
        evidence=("logDestinationType", "logDestination"),
        judge=_log_kept,
    ),
)
