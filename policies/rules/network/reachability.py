"""Reachability: stores, nodes and the balancer are reached only through the ways declared for them.

The rules ask one graph (reach.py) and the route tables. Reports draw the same graph: `edges`.
"""

from __future__ import annotations

from collections.abc import Iterator

from rules.model import Item, Stack, StackRule, Undecided
from rules.network.doors import (
    BALANCER,
    CACHE,
    CACHE_SUBNETS,
    DATABASE,
    DATABASE_SUBNETS,
    DISTRIBUTION,
    ENDPOINT,
    GROUP,
    INGRESS,
    NODES,
    SUBNET,
    SUBNETS,
    TEMPLATE,
    VPC_ORIGIN,
    WEARERS,
    node_groups,
    not_cloudfront,
    place,
    places,
    ports,
    through_cloudfront,
    through_groups,
)
from rules.network.pods import Pods, policies
from rules.network.reach import INTERNET, Edge, Ports, Reach
from rules.provider import home

_GATEWAY = "aws:ec2/internetGateway:InternetGateway"
_ROUTE = "aws:ec2/route:Route"
_TABLE = "aws:ec2/routeTable:RouteTable"
_ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
# What each engine listens on where no port is said (RDS and ElastiCache user guides).
_DEFAULT_PORTS = {DATABASE: 5432, CACHE: 6379}
_HTTPS = Ports("tcp", 443, 443)
_VPC_GUIDE = "https://docs.aws.amazon.com/vpc/latest/userguide/"
_ORIGINS_URL = (
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
    "private-content-vpc-origins.html"
)


def edges(stack: Stack) -> list[Edge]:
    """Every open way of a stack, in order: what a picture is drawn of."""
    return list(reach(stack).edges)


def reach(stack: Stack) -> Reach:
    """The stack's graph, made once. Raises Undecided where an address is not known yet."""
    return stack.once(_reach)


def _reach(stack: Stack) -> Reach:
    ways = list(through_groups(stack))
    ways += through_cloudfront(stack, ways)
    ways += Pods(stack, ways).ways()
    return Reach(
        Edge(source=way.source, target=way.target, ports=str(way.ports), by=way.by)
        for way in ways
        if way.source != way.target
    )


# -- ways from the internet ----------------------------------------------------------------------
def _past_cloudfront(item: Item, stack: Stack) -> Iterator[str]:
    graph, doors = reach(stack), {each.name for each in stack.of(DISTRIBUTION)}
    for here in places(stack, item):
        if way := graph.path(INTERNET, here, past=doors):
            opened = f"on {way[-1].ports} by {way[-1].by}"
            through = ", ".join(edge.target for edge in way[:-1])
            between = f"through {through}, " if through else ""
            yield f"the internet reaches it {between}{opened}"


def _store_door(store: Item, stack: Stack) -> Iterator[str]:
    groups = stack.sources(store, WEARERS[store.type], GROUP)
    if not groups:
        yield "no security group of this stack stands before it"
    own = int(store.props.at("port", 0) or _DEFAULT_PORTS[store.type])
    nodes = {each.urn for each in stack.once(node_groups).values()}
    for group in groups:
        for rule in stack.parts(INGRESS, "securityGroupId", group):
            if ports(rule.props) != Ports("tcp", own, own):
                yield f"{rule.name} opens {ports(rule.props)}, its own port is tcp {own}"
            named = stack.sources(rule, "referencedSecurityGroupId")
            if not named or any(each.urn not in nodes for each in named):
                yield f"{rule.name} admits {_who(rule, stack)}, which is no node of the cluster"


def _who(rule: Item, stack: Stack) -> str:
    named = stack.sources(rule, "referencedSecurityGroupId", GROUP)
    if named:
        return ", ".join(place(stack, each) for each in named)
    for key in ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"):
        if value := rule.props.at(key):
            return str(value)
    return "nobody known"


def _behind_pooler(store: Item, stack: Stack) -> Iterator[str]:
    """Pods that requests arrive at: those that the balancer reaches, and those behind them."""
    graph, pods = reach(stack), stack.once(policies)
    first = {
        edge.target
        for balancer in stack.of(BALANCER)
        for here in places(stack, balancer)
        for edge in graph.out_of(here)
        if edge.target in pods
    }
    serving = first | {e.target for pod in first for e in graph.out_of(pod) if e.target in pods}
    for here in places(stack, store):
        for edge in graph.into(here):
            if edge.source in serving:
                yield f"{edge.source} reaches it past the pooler ({edge.by})"


def _only_cloudfront(balancer: Item, stack: Stack) -> Iterator[str]:
    groups = stack.sources(balancer, WEARERS[BALANCER], GROUP)
    if not groups:
        yield "no security group of this stack stands before it"
    doors = [rule for group in groups for rule in stack.parts(INGRESS, "securityGroupId", group)]
    for rule in doors:
        # CloudFront comes from AWS's prefix list or from a group of its own, never from ours.
        ours = stack.sources(rule, "referencedSecurityGroupId")
        listed = str(rule.props.at("prefixListId") or "")
        outside = listed or rule.props.at("referencedSecurityGroupId")
        if ours or not outside or (listed and not_cloudfront(stack, listed)):
            yield f"{rule.name} admits {_who(rule, stack)}, which is not CloudFront"
        elif len(doors) > 1 and not listed:
            # The group of VPC origins is made by AWS and takes the list's place (origin_security_
            # group): beside another door it is somebody else's.
            yield f"{rule.name} admits {outside} beside another door; CloudFront needs one"
        if ports(rule.props) != _HTTPS:
            yield f"{rule.name} opens {ports(rule.props)}, CloudFront needs {_HTTPS}"
    if not stack.parts(VPC_ORIGIN, "vpcOriginEndpointConfig", balancer):
        yield "CloudFront has no VPC origin that leads to it"
    for rule in doors:
        if (listed := rule.props.at("prefixListId")) and not_cloudfront(stack, listed) is None:
            raise Undecided(f"whether {listed} is CloudFront's prefix list in {stack.once(home)}")


def _answered(balancer: Item, stack: Stack) -> Iterator[str]:
    graph, pods = reach(stack), stack.once(policies)
    for here in places(stack, balancer):
        if not any(edge.target in pods for edge in graph.out_of(here)):
            yield "no pods answer it: a security group or a network policy closes the way"


# -- routes --------------------------------------------------------------------------------------
def _no_way_out(group: Item, stack: Stack) -> Iterator[str]:
    yield from _leading_out(group, stack, nat=True)


def _no_public_subnet(nodes: Item, stack: Stack) -> Iterator[str]:
    yield from _leading_out(nodes, stack, nat=False)


def _leading_out(item: Item, stack: Stack, *, nat: bool) -> Iterator[str]:
    subnets = stack.sources(item, SUBNETS[item.type], SUBNET)
    unseen = [] if subnets else ["subnets that were brought"]
    for subnet in subnets:
        tables = [
            table
            for association in stack.parts(_ASSOCIATION, "subnetId", subnet)
            for table in stack.sources(association, "routeTableId", _TABLE)
        ]
        for table in tables:
            for route in stack.parts(_ROUTE, "routeTableId", table):
                if gateway := _outside(route, stack, nat=nat):
                    yield f"{subnet.name} leads to the internet by {gateway} ({route.name})"
            if table.props.at("routes"):
                yield f"{subnet.name} has routes inside {table.name}, which no rule follows"
        if not tables:  # the VPC's main table, or one of another stack, serves it
            unseen.append(subnet.name)
    if unseen:
        raise Undecided(f"routes of {', '.join(unseen)}")


def _outside(route: Item, stack: Stack, *, nat: bool) -> str:
    """The gateway by which a route leaves for the internet, "" where it does not."""
    through = ["natGatewayId", "egressOnlyGatewayId"] if nat else []
    if stack.sources(route, "gatewayId", _GATEWAY):
        return "an internet gateway"
    if route.props.given("gatewayId") and not route.links.get("gatewayId"):
        return "an internet gateway" if str(route.props.at("gatewayId")).startswith("igw-") else ""
    return "a NAT gateway" if any(_is_set(route, name) for name in through) else ""


def _is_set(item: Item, name: str) -> bool:
    return bool(item.links.get(name)) or bool(item.props.at(name))


RULES: tuple[StackRule, ...] = (
    StackRule(
        name="store-no-way-from-internet",
        sentence="No chain of security groups leads from the internet to a store.",
        types=(DATABASE, CACHE),
        severity="critical",
        requirements=("CHK-SEC-03", "CHK-INFRA-02", "REDIS-07"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.20", "ISO27001 A.8.22", "GDPR 32"),
        why="Whoever takes one machine that faces the world could read every customer's data.",
        fix="close the first of these doors to the world, or let no group admit it",
        url=f"{_VPC_GUIDE}security-group-rules.html",
        evidence=("publiclyAccessible", "port"),
        judge=_past_cloudfront,
    ),
    StackRule(
        name="store-admits-nodes-only",
        sentence="A store's door admits the cluster's nodes on the store's own port, nobody else.",
        types=(DATABASE, CACHE),
        severity="critical",
        requirements=("CHK-SEC-03", "K8S-06", "K8S-07", "REDIS-07"),
        controls=("SOC2 CC6.1", "SOC2 CC6.6", "ISO27001 A.8.20", "ISO27001 A.8.22"),
        why="Every further visitor is one more machine from which data can be taken.",
        fix="admit the nodes' security group on the store's port with referenced_security_group_id",
        url=f"{_VPC_GUIDE}security-group-rules.html",
        evidence=("port",),
        judge=_store_door,
    ),
    StackRule(
        name="database-behind-pooler",
        sentence="Pods that answer requests reach the database through the pooler only.",
        types=(DATABASE,),
        severity="high",
        requirements=("ENV-07", "ENV-08", "K8S-06", "POOL-02"),
        controls=("SOC2 CC6.6", "SOC2 A1.1", "ISO27001 A.8.22"),
        why="A busy hour would use up the database's connections, and everybody would get errors.",
        fix="take the database's port out of that pod's network policy; it has the pooler's",
        url="https://www.pgbouncer.org/features.html",
        evidence=("port",),
        judge=_behind_pooler,
    ),
    StackRule(
        name="store-subnets-without-internet",
        sentence="The subnets of a store have no route to the internet, in or out.",
        types=(DATABASE_SUBNETS, CACHE_SUBNETS),
        severity="high",
        requirements=("CHK-INFRA-02", "REDIS-07"),
        controls=("FSBP RDS.46", "SOC2 CC6.6", "ISO27001 A.8.22"),
        why="One wrong rule in a security group would then be enough to lose the data.",
        fix="put the store into subnets whose route table has local routes only",
        url="https://docs.aws.amazon.com/securityhub/latest/userguide/rds-controls.html#rds-46",
        evidence=("subnetIds",),
        judge=_no_way_out,
    ),
    StackRule(
        name="nodes-in-private-subnets",
        sentence="Nodes stand in subnets that no internet gateway leads into.",
        types=(NODES,),
        severity="high",
        requirements=("CHK-INFRA-01",),
        controls=("CIS-EKS 5.4.3", "SOC2 CC6.6", "ISO27001 A.8.22"),
        why="A node with a way in is scanned within minutes and carries every pod's secrets.",
        fix="give the node group the private subnets, whose way out is a NAT gateway",
        url="https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html",
        evidence=("subnetIds",),
        judge=_no_public_subnet,
    ),
    StackRule(
        name="inside-no-way-from-internet",
        sentence="Nothing in the network is reached from the internet but through CloudFront.",
        types=(BALANCER, TEMPLATE, ENDPOINT),
        severity="critical",
        requirements=("CDN-05", "CHK-SEC-03", "CHK-SEC-06"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.20", "ISO27001 A.8.21"),
        why="An attacker who goes round the firewall meets no limit, no filter and no log of it.",
        fix="close the door to the world; requests come in through CloudFront's VPC origin",
        url=_ORIGINS_URL,
        evidence=("internal",),
        judge=_past_cloudfront,
    ),
    StackRule(
        name="balancer-admits-cloudfront-only",
        sentence="The load balancer admits CloudFront on port 443 and nobody else.",
        types=(BALANCER,),
        severity="critical",
        requirements=("CDN-05", "LB-21", "CHK-SEC-06"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.20", "ISO27001 A.8.21"),
        why="Whoever stands beside the firewall could send what it would have blocked.",
        fix="admit CloudFront's origin-facing prefix list, or the group of its VPC origins",
        url=_ORIGINS_URL,
        evidence=("internal", "securityGroups"),
        judge=_only_cloudfront,
    ),
    StackRule(
        name="balancer-reaches-pods",
        sentence="Security groups and network policies let the balancer through to its pods.",
        types=(BALANCER,),
        severity="high",
        requirements=("LB-01", "K8S-04", "K8S-05"),
        controls=("SOC2 A1.2",),
        why="Every request would end in a gateway error although all pods are well.",
        fix="open the pods' port in the balancer's egress, the nodes' ingress and the policy of "
        "the pods",
        url="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/"
        "load-balancer-update-security-groups.html",
        evidence=("securityGroups",),
        judge=_answered,
    ),
)
