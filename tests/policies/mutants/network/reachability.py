"""What opens a way that nobody declared, and what closes one that is needed."""

from __future__ import annotations

from tests.policies.mutants.network.network import relink
from tests.policies.mutation import Change, Mutant, add, drop, put, several, unlink, without

_IN = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
_OUT = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
_GROUP = "aws:ec2/securityGroup:SecurityGroup"
_CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
_ORIGIN = "aws:cloudfront/vpcOrigin:VpcOrigin"
_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
_ROUTE = "aws:ec2/route:Route"
_TABLE = "aws:ec2/routeTable:RouteTable"
_ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
_NAT = "aws:ec2/natGateway:NatGateway"
_DATA = "network-data-eu-central-1"
_PRIVATE = "network-private-eu-central-1"
_TO_PODS = "edge-balancer-to-pods-8080"
_FROM_CDN = "edge-balancer-from-cloudfront"
_SSH = {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "description": "SSH"}
_FLAT = {"ipProtocol": "tcp", "fromPort": 0, "toPort": 65535, "description": "the office"}

_SSH_TO_NODES = add(
    _IN, "ssh", {**_SSH, "cidrIpv4": "0.0.0.0/0"}, {"securityGroupId": (_GROUP, "cluster-nodes")}
)

_STORES_BEHIND_NODES = (
    "the internet reaches it through cluster-nodes, on tcp 5432 by database-from-nodes",
    "the internet reaches it through cluster-nodes, on tcp 6379 by cache-from-nodes",
)


def _strangers(group: str, **source: str) -> Change:
    """A door on port 443 for somebody whom the stack does not make."""
    return add(
        _IN,
        "strangers",
        {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, **source},
        {"securityGroupId": (_GROUP, group)},
    )


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="store-no-way-from-internet",
        title="nodes admit the world, and stores admit nodes",
        change=_SSH_TO_NODES,
        says=_STORES_BEHIND_NODES,
    ),
    *(
        Mutant(
            rule="store-no-way-from-internet",
            title=f"nodes admit {next(iter(source.values()))}",
            change=_strangers("cluster-nodes", **source),
            says=_STORES_BEHIND_NODES,
        )
        for source in (
            {"cidrIpv4": "3.0.0.0/8"},
            {"cidrIpv6": "2600:1f00::/24"},
            {"prefixListId": "pl-0123456789abcdef0"},
            {"prefixListId": "pl-a3a144ca"},
            {"referencedSecurityGroupId": "sg-0123456789abcdef0"},
        )
    ),
    Mutant(
        rule="store-no-way-from-internet",
        title="the balancer admits the world, nodes admit the balancer",
        change=put(_IN, "cidrIpv4", "0.0.0.0/0", _FROM_CDN),
        says=(
            "the internet reaches it through edge-balancer-alb, cluster-nodes, on tcp 5432 by "
            "database-from-nodes",
            "the internet reaches it through edge-balancer-alb, cluster-nodes, on tcp 6379 by "
            "cache-from-nodes",
        ),
    ),
    Mutant(
        rule="store-no-way-from-internet",
        title="the database admits the world",
        change=put(_IN, "cidrIpv4", "0.0.0.0/0", "database-from-nodes"),
        says=("the internet reaches it on tcp 5432 by database-from-nodes",),
        at="database-instance",
    ),
    Mutant(
        rule="store-no-way-from-internet",
        title="the cache admits the network, and with it an open balancer that may leave",
        change=several(
            put(_IN, "cidrIpv6", "::/0", _FROM_CDN),
            put(_OUT, "cidrIpv4", "10.0.0.0/8", _TO_PODS),
            put(_OUT, "fromPort", 0, _TO_PODS),
            unlink(_IN, "referencedSecurityGroupId", _TO_PODS),
            drop(_IN, "referencedSecurityGroupId", _TO_PODS),
            unlink(_IN, "referencedSecurityGroupId", "cache-from-nodes"),
            drop(_IN, "referencedSecurityGroupId", "cache-from-nodes"),
            put(_IN, "cidrIpv4", "10.20.0.0/16", "cache-from-nodes"),
        ),
        says=(
            "the internet reaches it through edge-balancer-alb, on tcp 6379 by cache-from-nodes",
        ),
        at="cache-group",
    ),
    Mutant(
        rule="store-admits-nodes-only",
        title="the whole office network",
        change=add(
            _IN,
            "office",
            {**_FLAT, "cidrIpv4": "10.0.0.0/8"},
            {"securityGroupId": (_GROUP, "database-door")},
        ),
        says=(
            "office opens all tcp ports, its own port is tcp 5432",
            "office admits 10.0.0.0/8, which is no node of the cluster",
        ),
        at="database-instance",
    ),
    Mutant(
        rule="store-admits-nodes-only",
        title="a port range",
        change=put(_IN, "toPort", 6400, "cache-from-nodes"),
        says=("cache-from-nodes opens tcp 6379-6400, its own port is tcp 6379",),
        at="cache-group",
    ),
    Mutant(
        rule="store-admits-nodes-only",
        title="the balancer",
        change=relink(
            _IN,
            "database-from-nodes",
            "referencedSecurityGroupId",
            (_GROUP, "edge-balancer-balancer"),
        ),
        says=("database-from-nodes admits edge-balancer-alb, which is no node of the cluster",),
        at="database-instance",
    ),
    Mutant(
        rule="store-admits-nodes-only",
        title="a group of somebody else",
        change=several(
            unlink(_IN, "referencedSecurityGroupId", "database-from-nodes"),
            put(_IN, "referencedSecurityGroupId", "sg-0123456789abcdef0", "database-from-nodes"),
        ),
        says=("database-from-nodes admits sg-0123456789abcdef0, which is no node of the cluster",),
        at="database-instance",
    ),
    Mutant(
        rule="store-admits-nodes-only",
        title="no group of ours",
        change=unlink(_CACHE, "securityGroupIds"),
        says=("no security group of this stack stands before it",),
        at="cache-group",
    ),
    Mutant(
        rule="database-behind-pooler",
        title="the API goes past the pooler",
        change=put(_POLICY, "spec.egress.2.ports.0.port", 5432, "platform-network-api"),
        says=("production/archesai-api reaches it past the pooler (platform-network-api)",),
        at="database-instance",
    ),
    Mutant(
        rule="database-behind-pooler",
        title="the gateway reaches everything",
        change=put(_POLICY, "spec.egress", [{}], "platform-network-gateway"),
        says=("production/archesai-gateway reaches it past the pooler (platform-network-gateway)",),
        at="database-instance",
    ),
    Mutant(
        rule="store-subnets-without-internet",
        title="a route out through NAT",
        change=add(
            _ROUTE,
            "data-out",
            {"destinationCidrBlock": "0.0.0.0/0"},
            {
                "routeTableId": (_TABLE, "network-data"),
                "natGatewayId": (_NAT, "network-eu-central-1a"),
            },
        ),
        says=tuple(
            f"{_DATA}{zone} leads to the internet by a NAT gateway (data-out)" for zone in "abc"
        )
        * 2,
    ),
    Mutant(
        rule="store-subnets-without-internet",
        title="a data subnet on the public table",
        change=relink(_ASSOCIATION, f"{_DATA}b", "routeTableId", (_TABLE, "network-public")),
        says=(f"{_DATA}b leads to the internet by an internet gateway (network-public)",) * 2,
    ),
    Mutant(
        rule="store-subnets-without-internet",
        title="a gateway that is named by its id",
        change=add(
            _ROUTE,
            "data-in",
            {"destinationIpv6CidrBlock": "::/0", "gatewayId": "igw-0123456789abcdef0"},
            {"routeTableId": (_TABLE, "network-data")},
        ),
        says=tuple(
            f"{_DATA}{zone} leads to the internet by an internet gateway (data-in)"
            for zone in "abc"
        )
        * 2,
    ),
    Mutant(
        rule="store-subnets-without-internet",
        title="routes inside the table",
        change=put(_TABLE, "routes", [{"cidrBlock": "0.0.0.0/0"}], "network-data"),
        says=tuple(
            f"{_DATA}{zone} has routes inside network-data, which no rule follows" for zone in "abc"
        )
        * 2,
    ),
    Mutant(
        rule="nodes-in-private-subnets",
        title="a public table for a private subnet",
        change=relink(_ASSOCIATION, f"{_PRIVATE}a", "routeTableId", (_TABLE, "network-public")),
        says=(f"{_PRIVATE}a leads to the internet by an internet gateway (network-public)",),
        at="cluster-nodes-eu-central-1a",
    ),
    Mutant(
        rule="nodes-in-private-subnets",
        title="nodes in a public subnet",
        change=relink(
            "aws:eks/nodeGroup:NodeGroup",
            "cluster-nodes-eu-central-1c",
            "subnetIds",
            ("aws:ec2/subnet:Subnet", "network-public-eu-central-1c"),
        ),
        says=(
            "network-public-eu-central-1c leads to the internet by an internet gateway "
            "(network-public)",
        ),
        at="cluster-nodes-eu-central-1c",
    ),
    Mutant(
        rule="inside-no-way-from-internet",
        title="the balancer admits the world",
        change=put(_IN, "cidrIpv4", "0.0.0.0/0", _FROM_CDN),
        says=(
            f"the internet reaches it on tcp 443 by {_FROM_CDN}",
            f"the internet reaches it through edge-balancer-alb, on tcp 8080 by {_TO_PODS}",
            *(
                "the internet reaches it through edge-balancer-alb, cluster-nodes, on tcp 443 by "
                "network-endpoints-https",
            )
            * 13,
        ),
    ),
    Mutant(
        rule="inside-no-way-from-internet",
        title="endpoints for everybody",
        change=put(_IN, "cidrIpv4", "0.0.0.0/0", "network-endpoints-https"),
        says=("the internet reaches it on tcp 443 by network-endpoints-https",) * 3,
        stack="staging",
    ),
    Mutant(
        rule="balancer-admits-cloudfront-only",
        title="the network",
        change=several(
            drop(_IN, "prefixListId", _FROM_CDN), put(_IN, "cidrIpv4", "10.20.0.0/16", _FROM_CDN)
        ),
        says=(f"{_FROM_CDN} admits 10.20.0.0/16, which is not CloudFront",),
        at="edge-balancer-alb",
    ),
    Mutant(
        rule="balancer-admits-cloudfront-only",
        title="another list beside CloudFront's",
        change=_strangers("edge-balancer-balancer", prefixListId="pl-0123456789abcdef0"),
        says=("strangers admits pl-0123456789abcdef0, which is not CloudFront",),
        at="edge-balancer-alb",
    ),
    Mutant(
        rule="balancer-admits-cloudfront-only",
        title="another list in place of CloudFront's",
        change=put(_IN, "prefixListId", "pl-0123456789abcdef0", _FROM_CDN),
        says=(f"{_FROM_CDN} admits pl-0123456789abcdef0, which is not CloudFront",),
        at="edge-balancer-alb",
    ),
    Mutant(
        rule="balancer-admits-cloudfront-only",
        title="a group of somebody else beside CloudFront's list",
        change=_strangers("edge-balancer-balancer", referencedSecurityGroupId="sg-0123456789"),
        says=("strangers admits sg-0123456789 beside another door; CloudFront needs one",),
        at="edge-balancer-alb",
    ),
    Mutant(
        rule="balancer-admits-cloudfront-only",
        title="nodes",
        change=add(
            _IN,
            "from-nodes",
            {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443},
            {
                "securityGroupId": (_GROUP, "edge-balancer-balancer"),
                "referencedSecurityGroupId": (_GROUP, "cluster-nodes"),
            },
        ),
        says=("from-nodes admits cluster-nodes, which is not CloudFront",),
        at="edge-balancer-alb",
    ),
    Mutant(
        rule="balancer-admits-cloudfront-only",
        title="plain HTTP too",
        change=put(_IN, "fromPort", 80, _FROM_CDN),
        says=(f"{_FROM_CDN} opens tcp 80-443, CloudFront needs tcp 443",),
        at="edge-balancer-alb",
    ),
    Mutant(
        rule="balancer-admits-cloudfront-only",
        title="no VPC origin",
        change=without(_ORIGIN),
        says=("CloudFront has no VPC origin that leads to it",),
        at="edge-balancer-alb",
    ),
    Mutant(
        rule="balancer-admits-cloudfront-only",
        title="no group of ours",
        change=unlink(_BALANCER, "securityGroups"),
        says=("no security group of this stack stands before it",),
        at="edge-balancer-alb",
    ),
    Mutant(
        rule="balancer-reaches-pods",
        title="nothing out of the balancer",
        change=without(_OUT),
        says=("no pods answer it: a security group or a network policy closes the way",),
        at="edge-balancer-alb",
    ),
    Mutant(
        rule="balancer-reaches-pods",
        title="another port at the pods",
        change=put(_POLICY, "spec.ingress.0.ports.0.port", 3001, "platform-network-gateway"),
        says=("no pods answer it: a security group or a network policy closes the way",),
        at="edge-balancer-alb",
    ),
    Mutant(
        rule="balancer-reaches-pods",
        title="another port at the nodes",
        change=several(
            put(_IN, "fromPort", 3001, _TO_PODS),
            put(_IN, "toPort", 3001, _TO_PODS),
        ),
        says=("no pods answer it: a security group or a network policy closes the way",),
        at="edge-balancer-alb",
    ),
)
