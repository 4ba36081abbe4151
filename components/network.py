"""The network: three layers of subnets over the zones, the ways out, and the record of every flow.

public: load balancers and NAT gateways. private: nodes and pods, out through NAT. data: databases
and caches, with no route to the internet at all. Security groups of other components never live
here; they stand beside what they guard.

Meets the node and network rows (CHK-INFRA-01: private subnets; CHK-SEC-03; K8S-04, K8S-06 and
K8S-07, whose policies take the blocks given here; K8S-10 in its security group part), POOL-01's
three zones, and AUDIT-03 by FlowLogs. Refusals N1-N3, N6, N9, N10, N17-N20, E1, E26, R9.

Refused: network ACLs (a second, stateless copy of the security groups); one route table for all
private subnets (going from one NAT gateway to one per zone would move every subnet); the main route
table (it is empty, so a subnet that somebody adds by hand reaches nothing).
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
import pulumi_aws as aws

from components.context import Context
from components.endpoints import Endpoints, EndpointsArgs
from components.flow_logs import FlowLogs, FlowLogsArgs
from components.keys import Keys
from settings.network import Brought, NetworkSettings

ANYWHERE = "0.0.0.0/0"
# A zone's private subnet is an eighth of the VPC, its public and data subnet an eighth of that: in
# a /16 8,187 addresses for nodes and pods, in a /20 507 beside 59 for load balancers. The VPC CNI
# gives each pod an address of its subnet (EKS best practices guide, VPC and subnets).
SHARE = 3


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """One block per zone and layer, in the order of the zones."""

    public: tuple[str, ...]
    private: tuple[str, ...]
    data: tuple[str, ...]


def plan(cidr: str, zones: int) -> Addresses:
    """The blocks of each layer, by arithmetic alone (refusals N1, N2).

    Eighths 1 to 6 are the private subnets, eighth 7 holds the public ones and eighth 8 the data
    ones. A zone's place in the list decides its blocks, so a new zone at the end moves no other.
    """
    eighths = list(IPv4Network(cidr).subnets(prefixlen_diff=SHARE))
    public = list(eighths[6].subnets(prefixlen_diff=SHARE))
    data = list(eighths[7].subnets(prefixlen_diff=SHARE))
    return Addresses(
        public=tuple(map(str, public[:zones])),
        private=tuple(map(str, eighths[:zones])),
        data=tuple(map(str, data[:zones])),
    )


def addresses(settings: NetworkSettings) -> Addresses:
    """The plan, or the blocks of the network that was brought."""
    if settings.brought is None:
        return plan(settings.cidr, len(settings.zones))
    return Addresses(
        public=settings.brought.public.cidrs,
        private=settings.brought.private.cidrs,
        data=settings.brought.data.cidrs,
    )


def gateway_zones(settings: NetworkSettings) -> tuple[str, ...]:
    """The zones that have a NAT gateway of their own."""
    if settings.brought is not None or settings.nat == "none":
        return ()
    return settings.zones if settings.nat == "per-zone" else settings.zones[:1]


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    context: Context
    settings: NetworkSettings
    keys: Keys


class Network(pulumi.ComponentResource):
    """Subnets and blocks are in the order of `zones`.

    egress: what a node waits for before it can reach AWS and the internet, nothing more: clusters
    and databases need subnets only.
    ingress: what a public load balancer or a CloudFront VPC origin waits for (the gateway), and
    what must outlive it on the way down (N6).
    nat_gateway_ids: for the alarms that watch them.
    All three are empty in a brought network, whose owner has seen to them.
    """

    vpc_id: pulumi.Output[str]
    cidr: str
    zones: tuple[str, ...]
    public_subnet_ids: list[pulumi.Output[str]]
    private_subnet_ids: list[pulumi.Output[str]]
    data_subnet_ids: list[pulumi.Output[str]]
    public_cidrs: tuple[str, ...]
    private_cidrs: tuple[str, ...]
    data_cidrs: tuple[str, ...]
    egress: list[pulumi.Resource]
    ingress: list[pulumi.Resource]
    nat_gateway_ids: list[pulumi.Output[str]]
    endpoints_security_group_id: pulumi.Output[str] | None

    def __init__(
        self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Network", name, None, opts)
        self._name = name
        self._args = args
        self._here = pulumi.ResourceOptions(parent=self)
        settings, blocks = args.settings, addresses(args.settings)
        self.cidr = settings.cidr
        self.zones = settings.zones
        self.public_cidrs, self.private_cidrs = blocks.public, blocks.private
        self.data_cidrs = blocks.data

        if settings.brought is None:
            self._make(blocks)
        else:
            self._adopt(settings.brought)
        FlowLogs(
            f"{name}-flow-logs",
            FlowLogsArgs(
                context=args.context,
                settings=settings.flow_logs,
                vpc_id=self.vpc_id,
                keys=args.keys,
            ),
            self._here,
        )

        self.register_outputs(
            {
                "vpcId": self.vpc_id,
                "publicSubnetIds": self.public_subnet_ids,
                "privateSubnetIds": self.private_subnet_ids,
                "dataSubnetIds": self.data_subnet_ids,
                "natGatewayIds": self.nat_gateway_ids,
                "endpointsSecurityGroupId": self.endpoints_security_group_id,
            }
        )

    def _adopt(self, brought: Brought) -> None:
        """Nothing of the owner's is made or changed: endpoints would collide with theirs (N16)."""
        self.vpc_id = pulumi.Output.from_input(brought.vpc_id)
        self.public_subnet_ids = [pulumi.Output.from_input(i) for i in brought.public.ids]
        self.private_subnet_ids = [pulumi.Output.from_input(i) for i in brought.private.ids]
        self.data_subnet_ids = [pulumi.Output.from_input(i) for i in brought.data.ids]
        self.egress, self.ingress, self.nat_gateway_ids = [], [], []
        self.endpoints_security_group_id = None

    def _make(self, blocks: Addresses) -> None:
        vpc = self._vpc()
        public = self._subnets(vpc, "public", blocks.public, {"kubernetes.io/role/elb": "1"})
        private = self._subnets(
            vpc, "private", blocks.private, {"kubernetes.io/role/internal-elb": "1"}
        )
        data = self._subnets(vpc, "data", blocks.data, {})

        gateway = self._internet_gateway(vpc)
        self.ingress = [gateway, *self._public_routes(vpc, public, gateway)]
        gateways = self._nat_gateways(public, gateway)
        tables, self.egress = self._private_routes(vpc, private, gateways)
        endpoints = self._endpoints(vpc, private, [*tables, self._data_table(vpc, data)])
        if not gateways:
            self.egress += endpoints.all

        self.vpc_id = vpc.id
        self.nat_gateway_ids = [nat.id for nat in gateways]
        self.public_subnet_ids = [subnet.id for subnet in public]
        self.private_subnet_ids = [subnet.id for subnet in private]
        self.data_subnet_ids = [subnet.id for subnet in data]
        self.endpoints_security_group_id = endpoints.security_group_id

    def _vpc(self) -> aws.ec2.Vpc:
        context = self._args.context
        vpc = aws.ec2.Vpc(
            self._name,
            cidr_block=self.cidr,
            # Nodes and the endpoints' private names need both (N17; EKS user guide, networking).
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={"Name": context.name("network")},
            # Another block is another VPC, and with it everything in it: never by an edit alone.
            opts=pulumi.ResourceOptions(parent=self, protect=context.protect),
        )
        # Whatever names no group of its own lands in this one: it lets nothing in or out.
        aws.ec2.DefaultSecurityGroup(
            f"{self._name}-default", vpc_id=vpc.id, ingress=[], egress=[], opts=self._here
        )
        return vpc

    def _subnets(
        self, vpc: aws.ec2.Vpc, layer: str, blocks: tuple[str, ...], tags: dict[str, str]
    ) -> list[aws.ec2.Subnet]:
        return [
            aws.ec2.Subnet(
                f"{self._name}-{layer}-{zone}",
                vpc_id=vpc.id,
                availability_zone=zone,
                cidr_block=block,
                # Load balancers and NAT gateways bring their own addresses; nothing else has one.
                map_public_ip_on_launch=False,
                tags={"Name": self._args.context.name(f"{layer}-{zone}"), **tags},
                opts=self._here,
            )
            for zone, block in zip(self.zones, blocks, strict=True)
        ]

    def _internet_gateway(self, vpc: aws.ec2.Vpc) -> aws.ec2.InternetGateway:
        return aws.ec2.InternetGateway(
            self._name,
            vpc_id=vpc.id,
            tags={"Name": self._args.context.name("internet")},
            opts=self._here,
        )

    def _table(
        self, vpc: aws.ec2.Vpc, noun: str, subnets: dict[str, aws.ec2.Subnet]
    ) -> tuple[aws.ec2.RouteTable, list[aws.ec2.RouteTableAssociation]]:
        """A table and its subnets, by zone. Its routes are resources of their own (N19)."""
        table = aws.ec2.RouteTable(
            f"{self._name}-{noun}",
            vpc_id=vpc.id,
            tags={"Name": self._args.context.name(noun)},
            opts=self._here,
        )
        layer = noun.split("-", 1)[0]
        associations = [
            aws.ec2.RouteTableAssociation(
                f"{self._name}-{layer}-{zone}",
                route_table_id=table.id,
                subnet_id=subnet.id,
                opts=self._here,
            )
            for zone, subnet in subnets.items()
        ]
        return table, associations

    def _public_routes(
        self, vpc: aws.ec2.Vpc, public: list[aws.ec2.Subnet], gateway: aws.ec2.InternetGateway
    ) -> list[pulumi.Resource]:
        table, associations = self._table(vpc, "public", self._by_zone(public))
        route = aws.ec2.Route(
            f"{self._name}-public",
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            gateway_id=gateway.id,
            opts=self._here,
        )
        return [route, *associations]

    def _nat_gateways(
        self, public: list[aws.ec2.Subnet], gateway: aws.ec2.InternetGateway
    ) -> list[aws.ec2.NatGateway]:
        """One address each: five are allowed in a region, three here leave two (N10)."""
        gateways = []
        for zone in gateway_zones(self._args.settings):
            tags = {"Name": self._args.context.name(f"nat-{zone}")}
            # Both work only while the internet gateway is attached (N6), which no input shows.
            address = aws.ec2.Eip(
                f"{self._name}-nat-{zone}",
                domain="vpc",
                tags=tags,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[gateway]),
            )
            gateways.append(
                aws.ec2.NatGateway(
                    f"{self._name}-{zone}",
                    allocation_id=address.allocation_id,
                    subnet_id=self._by_zone(public)[zone].id,
                    tags=tags,
                    # An address cannot be in two gateways, so the old one goes first (N18).
                    opts=pulumi.ResourceOptions(
                        parent=self, depends_on=[gateway], delete_before_replace=True
                    ),
                )
            )
        return gateways

    def _private_routes(
        self,
        vpc: aws.ec2.Vpc,
        private: list[aws.ec2.Subnet],
        gateways: list[aws.ec2.NatGateway],
    ) -> tuple[list[aws.ec2.RouteTable], list[pulumi.Resource]]:
        """One table per zone, and what makes it a way out: its subnet and its route."""
        tables: list[aws.ec2.RouteTable] = []
        ways_out: list[pulumi.Resource] = []
        for place, (zone, subnet) in enumerate(self._by_zone(private).items()):
            table, associations = self._table(vpc, f"private-{zone}", {zone: subnet})
            tables.append(table)
            ways_out += associations
            if gateways:
                # "single" sends every zone through the first gateway.
                nearest = gateways[min(place, len(gateways) - 1)]
                ways_out.append(
                    aws.ec2.Route(
                        f"{self._name}-private-{zone}",
                        route_table_id=table.id,
                        destination_cidr_block=ANYWHERE,
                        nat_gateway_id=nearest.id,
                        opts=self._here,
                    )
                )
        return tables, ways_out

    def _data_table(self, vpc: aws.ec2.Vpc, data: list[aws.ec2.Subnet]) -> aws.ec2.RouteTable:
        """No route is ever added: S3's gateway endpoint is the only way out."""
        table, _ = self._table(vpc, "data", self._by_zone(data))
        return table

    def _endpoints(
        self, vpc: aws.ec2.Vpc, private: list[aws.ec2.Subnet], tables: list[aws.ec2.RouteTable]
    ) -> Endpoints:
        return Endpoints(
            f"{self._name}-endpoints",
            EndpointsArgs(
                context=self._args.context,
                vpc=vpc,
                cidr=self.cidr,
                subnet_ids=[subnet.id for subnet in private],
                route_table_ids=[table.id for table in tables],
                services=self._args.settings.endpoints,
            ),
            self._here,
        )

    def _by_zone(self, subnets: list[aws.ec2.Subnet]) -> dict[str, aws.ec2.Subnet]:
        return dict(zip(self.zones, subnets, strict=True))
