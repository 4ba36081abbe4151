"""The network: who reaches what, over which way, and what is written down about it."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.endpoints import service_name
from components.flow_logs import flow_log_policy, flow_log_trust
from components.network import Addresses, Network, NetworkArgs, addresses, gateway_zones, plan
from rehearsal.computed import computed
from settings.network import NetworkSettings
from tests.neighbours import context, neighbour
from tests.recorder import ACCOUNT, REGION, Recorder, Registration, record
from tests.settings.test_network_settings import BROUGHT, PLAIN, ZONES

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
ROUTE = "aws:ec2/route:Route"
TABLE = "aws:ec2/routeTable:RouteTable"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
INTERNET = "aws:ec2/internetGateway:InternetGateway"
NAT = "aws:ec2/natGateway:NatGateway"
EIP = "aws:ec2/eip:Eip"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
FLOW_LOG = "aws:ec2/flowLog:FlowLog"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/logs"


def settings(**changed: Any) -> NetworkSettings:
    return NetworkSettings.model_validate_json(json.dumps({**PLAIN, **changed}))


class Deployed:
    """What was registered, and the component that did it."""

    network: Network

    def __init__(self, *, protect: bool = True, **changed: Any) -> None:
        self.chosen = settings(**changed)
        self.context = context(protect=protect)
        self.seen: Recorder = record(self._program)

    def _program(self) -> None:
        provider = aws.Provider("aws", region=REGION)
        keys: Any = neighbour(logs=neighbour(arn=pulumi.Output.from_input(KEY_ARN)))
        self.network = Network(
            "network",
            NetworkArgs(context=self.context, settings=self.chosen, keys=keys),
            pulumi.ResourceOptions(providers=[provider]),
        )

    def id(self, type_: str, name: str) -> str:
        return self.ids(type_)[name]

    def ids(self, type_: str) -> dict[str, str]:
        """The ids that the recorder gave to the resources of a type, by their names."""
        return {
            r.name: computed(
                r.type, r.name, r.inputs, account_id=ACCOUNT, region=REGION, seed=r.name
            ).id
            for r in self.seen.of(type_)
        }

    def waits(self) -> set[tuple[str, str]]:
        return {_noun(r) for r in self.network.egress}


def _noun(resource: pulumi.Resource) -> tuple[str, str]:
    return type(resource).__name__, resource._name


def by_name(found: list[Registration]) -> dict[str, dict[str, Any]]:
    return {r.name: r.inputs for r in found}


@pytest.fixture(scope="module")
def made() -> Deployed:
    return Deployed()


# -- the plan -------------------------------------------------------------------------------
def test_three_zones_of_a_16_are_these_blocks_and_no_others():
    assert plan("10.20.0.0/16", 3) == Addresses(
        private=("10.20.0.0/19", "10.20.32.0/19", "10.20.64.0/19"),
        public=("10.20.192.0/22", "10.20.196.0/22", "10.20.200.0/22"),
        data=("10.20.224.0/22", "10.20.228.0/22", "10.20.232.0/22"),
    ), "a moved block replaces the subnets, and what lives in them"


def test_two_zones_of_a_20_are_these_blocks_and_no_others():
    assert plan("10.30.0.0/20", 2) == Addresses(
        private=("10.30.0.0/23", "10.30.2.0/23"),
        public=("10.30.12.0/26", "10.30.12.64/26"),
        data=("10.30.14.0/26", "10.30.14.64/26"),
    )


@pytest.mark.parametrize("cidr", ["10.20.0.0/16", "172.16.0.0/18", "192.168.16.0/20"])
@pytest.mark.parametrize("zones", [2, 3, 4, 5, 6])
def test_blocks_fit_the_vpc_never_overlap_and_have_room(cidr: str, zones: int):
    blocks = plan(cidr, zones)
    every = [IPv4Network(b) for b in (*blocks.public, *blocks.private, *blocks.data)]
    assert len(every) == 3 * zones
    assert all(b.subnet_of(IPv4Network(cidr)) for b in every), "N1"
    assert not any(a.overlaps(b) for i, a in enumerate(every) for b in every[:i]), "N2"
    assert all(b.prefixlen <= 26 for b in every), "too small for a load balancer or control plane"


@pytest.mark.parametrize("zones", [2, 3, 4, 5])
def test_a_new_zone_moves_no_other(zones: int):
    before, after = plan("10.20.0.0/16", zones), plan("10.20.0.0/16", zones + 1)
    for layer in ("public", "private", "data"):
        assert getattr(after, layer)[:zones] == getattr(before, layer)


def test_a_brought_network_s_blocks_are_the_owner_s():
    assert addresses(settings(brought=BROUGHT)) == Addresses(
        public=tuple(BROUGHT["public"]["cidrs"]),
        private=tuple(BROUGHT["private"]["cidrs"]),
        data=tuple(BROUGHT["data"]["cidrs"]),
    )


def test_gateways_stand_where_the_environment_says():
    assert gateway_zones(settings()) == tuple(ZONES)
    assert gateway_zones(settings(nat="single")) == ("eu-central-1a",)
    assert gateway_zones(settings(nat="none")) == ()
    assert gateway_zones(settings(brought=BROUGHT)) == ()


# -- a network that is made -----------------------------------------------------------------
def test_the_vpc_answers_names_and_is_not_replaced_by_an_edit(made: Deployed):
    vpc = made.seen.one(VPC)
    assert vpc.inputs["cidrBlock"] == "10.20.0.0/16"
    assert vpc.inputs["enableDnsSupport"] is True
    assert vpc.inputs["enableDnsHostnames"] is True, "endpoints and nodes are refused (N17)"
    assert vpc.protect
    assert not Deployed(protect=False).seen.one(VPC).protect


def test_the_default_security_group_lets_nothing_through(made: Deployed):
    group = made.seen.one("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert (group.inputs["ingress"], group.inputs["egress"]) == ([], [])
    assert group.inputs["vpcId"] == made.id(VPC, "network")


def test_each_layer_has_a_subnet_in_each_zone_and_none_hands_out_public_addresses(made: Deployed):
    subnets = by_name(made.seen.of(SUBNET))
    blocks = plan("10.20.0.0/16", 3)
    assert {n: (s["availabilityZone"], s["cidrBlock"]) for n, s in subnets.items()} == {
        f"network-{layer}-{zone}": (zone, block)
        for layer in ("public", "private", "data")
        for zone, block in zip(ZONES, getattr(blocks, layer), strict=True)
    }
    assert {s["mapPublicIpOnLaunch"] for s in subnets.values()} == {False}


def test_load_balancers_find_their_subnets_and_never_the_data_ones(made: Deployed):
    roles = {
        name: {k: v for k, v in subnet["tags"].items() if k != "Name"}
        for name, subnet in by_name(made.seen.of(SUBNET)).items()
    }
    for zone in ZONES:
        assert roles[f"network-public-{zone}"] == {"kubernetes.io/role/elb": "1"}
        assert roles[f"network-private-{zone}"] == {"kubernetes.io/role/internal-elb": "1"}
        assert roles[f"network-data-{zone}"] == {}


def test_every_subnet_stands_behind_one_table_of_its_own_layer(made: Deployed):
    tables, subnets = made.ids(TABLE), made.ids(SUBNET)
    assert len(tables) == 5, "one public, one per zone for nodes, one for data"
    expected = {}
    for zone in ZONES:
        expected[subnets[f"network-public-{zone}"]] = tables["network-public"]
        expected[subnets[f"network-private-{zone}"]] = tables[f"network-private-{zone}"]
        expected[subnets[f"network-data-{zone}"]] = tables["network-data"]
    said = [(a.inputs["subnetId"], a.inputs["routeTableId"]) for a in made.seen.of(ASSOCIATION)]
    assert len(said) == 9
    assert dict(said) == expected
    assert not any("routes" in t.inputs for t in made.seen.of(TABLE)), "two owners of a route"


@pytest.mark.parametrize("nat", ["per-zone", "single", "none"])
def test_data_never_has_a_way_to_the_internet(nat: str):
    deployed = Deployed(nat=nat)
    data = deployed.id(TABLE, "network-data")
    assert not [r.name for r in deployed.seen.of(ROUTE) if r.inputs["routeTableId"] == data]


def test_each_zone_leaves_through_a_gateway_of_its_own(made: Deployed):
    gateways, tables = made.ids(NAT), made.ids(TABLE)
    routes = by_name(made.seen.of(ROUTE))
    assert len(routes) == 4
    for zone in ZONES:
        assert routes[f"network-private-{zone}"] == {
            "routeTableId": tables[f"network-private-{zone}"],
            "destinationCidrBlock": "0.0.0.0/0",
            "natGatewayId": gateways[f"network-{zone}"],
        }, "the zone falls with another one"
    assert routes["network-public"] == {
        "routeTableId": tables["network-public"],
        "destinationCidrBlock": "0.0.0.0/0",
        "gatewayId": made.id(INTERNET, "network"),
    }


def test_each_gateway_has_a_public_subnet_of_its_zone_and_an_address_of_its_own(made: Deployed):
    addresses_, subnets = made.ids(EIP), made.ids(SUBNET)
    for gateway in made.seen.of(NAT):
        zone = gateway.name.removeprefix("network-")
        assert gateway.inputs["subnetId"] == subnets[f"network-public-{zone}"]
        assert gateway.inputs["allocationId"] == addresses_[f"network-nat-{zone}"]
        assert gateway.delete_before_replace, "the address would be in two gateways (N18)"
    assert len(made.seen.of(NAT)) == len(made.seen.of(EIP)) == 3
    assert {e.inputs["domain"] for e in made.seen.of(EIP)} == {"vpc"}


def test_gateways_and_addresses_go_before_the_internet_gateway(made: Deployed):
    internet = made.seen.one(INTERNET).urn
    for resource in (*made.seen.of(NAT), *made.seen.of(EIP)):
        assert internet in resource.dependencies, f"{resource.name}: destroy hangs (N6)"


def test_a_single_gateway_serves_every_zone():
    deployed = Deployed(nat="single")
    assert [g.name for g in deployed.seen.of(NAT)] == ["network-eu-central-1a"]
    assert len(deployed.seen.of(EIP)) == 1
    routes = by_name(deployed.seen.of(ROUTE))
    assert {routes[f"network-private-{zone}"]["natGatewayId"] for zone in ZONES} == {
        deployed.id(NAT, "network-eu-central-1a")
    }


def test_without_a_gateway_no_address_is_taken_and_nodes_wait_for_the_endpoints():
    deployed = Deployed(nat="none")
    assert not deployed.seen.of(NAT)
    assert not deployed.seen.of(EIP)
    assert [r.name for r in deployed.seen.of(ROUTE)] == ["network-public"]
    assert {("VpcEndpoint", e.name) for e in deployed.seen.of(ENDPOINT)} < deployed.waits()
    assert len(deployed.waits()) == 14 + 3


def test_nodes_wait_for_their_way_out_and_for_nothing_else(made: Deployed):
    assert made.waits() == {
        (kind, f"network-private-{zone}")
        for kind in ("Route", "RouteTableAssociation")
        for zone in ZONES
    }, "nodes start too early and never join (E26), or wait for what they do not need"


def test_public_load_balancers_wait_for_the_gateway_and_its_routes(made: Deployed):
    assert {_noun(r) for r in made.network.ingress} == {
        ("InternetGateway", "network"),
        ("Route", "network-public"),
        *(("RouteTableAssociation", f"network-public-{zone}") for zone in ZONES),
    }


def test_neighbours_get_zones_blocks_and_subnets_in_one_order(made: Deployed):
    network = made.network
    blocks = plan("10.20.0.0/16", 3)
    assert network.cidr == "10.20.0.0/16"
    assert network.zones == tuple(ZONES)
    assert network.public_cidrs == blocks.public
    assert network.private_cidrs == blocks.private
    assert network.data_cidrs == blocks.data
    outputs = made.seen.one("arches:index:Network").outputs
    subnets = made.ids(SUBNET)
    assert outputs == {
        "vpcId": made.id(VPC, "network"),
        "publicSubnetIds": [subnets[f"network-public-{zone}"] for zone in ZONES],
        "privateSubnetIds": [subnets[f"network-private-{zone}"] for zone in ZONES],
        "dataSubnetIds": [subnets[f"network-data-{zone}"] for zone in ZONES],
        "natGatewayIds": [made.id(NAT, f"network-{zone}") for zone in ZONES],
        "endpointsSecurityGroupId": made.id(GROUP, "network-endpoints"),
    }


# -- endpoints ------------------------------------------------------------------------------
def test_s3_is_reached_from_nodes_and_data_without_leaving(made: Deployed):
    s3 = made.seen.one(ENDPOINT, "network-endpoints-s3").inputs
    tables = made.ids(TABLE)
    assert s3["vpcEndpointType"] == "Gateway"
    assert s3["serviceName"] == "com.amazonaws.eu-central-1.s3"
    assert sorted(s3["routeTableIds"]) == sorted(
        [tables["network-data"], *(tables[f"network-private-{zone}"] for zone in ZONES)]
    )


def test_every_chosen_service_answers_in_every_zone_under_its_own_name(made: Deployed):
    subnets = made.ids(SUBNET)
    interfaces = [
        e.inputs for e in made.seen.of(ENDPOINT) if e.inputs["vpcEndpointType"] == "Interface"
    ]
    assert sorted(e["serviceName"] for e in interfaces) == sorted(
        service_name(REGION, service) for service in made.chosen.endpoints
    )
    for endpoint in interfaces:
        assert endpoint["privateDnsEnabled"] is True, "clients would go around it"
        assert endpoint["subnetIds"] == [subnets[f"network-private-{zone}"] for zone in ZONES]
        assert endpoint["securityGroupIds"] == [made.id(GROUP, "network-endpoints")]


def test_endpoints_answer_https_from_inside_the_network_and_call_nobody(made: Deployed):
    group = made.seen.one(GROUP)
    assert "ingress" not in group.inputs
    assert "egress" not in group.inputs
    rule = made.seen.one(INGRESS).inputs
    assert rule == {
        "description": "HTTPS from the network",
        "securityGroupId": made.id(GROUP, "network-endpoints"),
        "ipProtocol": "tcp",
        "fromPort": 443,
        "toPort": 443,
        "cidrIpv4": "10.20.0.0/16",
    }
    assert not made.seen.of("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")


def test_an_environment_may_do_with_s3_alone():
    deployed = Deployed(endpoints=[])
    assert [e.name for e in deployed.seen.of(ENDPOINT)] == ["network-endpoints-s3"]
    assert not deployed.seen.of(GROUP)
    assert deployed.network.endpoints_security_group_id is None


# -- a network that is brought ---------------------------------------------------------------
def test_in_a_brought_network_only_flow_logs_are_made():
    deployed = Deployed(brought=BROUGHT)
    assert sorted(r.type for r in deployed.seen.custom) == sorted(
        [LOG_GROUP, FLOW_LOG, "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"]
    ), "something of the owner's would be changed or doubled (N16, N20)"
    assert deployed.seen.one(FLOW_LOG).inputs["vpcId"] == BROUGHT["vpcId"]
    outputs = deployed.seen.one("arches:index:Network").outputs or {}
    assert outputs["vpcId"] == BROUGHT["vpcId"]
    assert outputs["publicSubnetIds"] == BROUGHT["public"]["ids"]
    assert outputs["privateSubnetIds"] == BROUGHT["private"]["ids"]
    assert outputs["dataSubnetIds"] == BROUGHT["data"]["ids"]
    assert deployed.network.egress == []
    assert deployed.network.ingress == []
    assert deployed.network.nat_gateway_ids == []
    assert deployed.network.endpoints_security_group_id is None


# -- the record -----------------------------------------------------------------------------
def test_every_flow_is_recorded_into_an_encrypted_group_that_is_kept(made: Deployed):
    group = made.seen.one(LOG_GROUP)
    assert group.inputs["name"] == "/aws/vpc/arches-prod-flow-logs"
    assert group.inputs["kmsKeyId"] == KEY_ARN
    assert group.inputs["retentionInDays"] == 365
    assert group.inputs["deletionProtectionEnabled"] is True
    assert group.protect, "evidence can be lost by `pulumi destroy`"
    log = made.seen.one(FLOW_LOG)
    assert log.inputs["vpcId"] == made.id(VPC, "network")
    assert log.inputs["trafficType"] == "ALL"
    assert log.inputs["logDestinationType"] == "cloud-watch-logs"
    assert log.inputs["maxAggregationInterval"] == 600
    assert log.inputs["logDestination"].endswith(":log-group:/aws/vpc/arches-prod-flow-logs")
    assert log.delete_before_replace, "a second one is refused (N21)"
    assert made.seen.one("aws:iam/rolePolicy:RolePolicy").urn in log.dependencies


def test_retention_and_interval_are_the_environment_s():
    deployed = Deployed(
        protect=False, flowLogs={"retentionDays": 30, "aggregationSeconds": 60}
    ).seen
    assert deployed.one(LOG_GROUP).inputs["retentionInDays"] == 30
    assert deployed.one(FLOW_LOG).inputs["maxAggregationInterval"] == 60
    assert not deployed.one(LOG_GROUP).protect


def test_only_this_account_s_flow_logs_may_use_the_role():
    assert json.loads(flow_log_trust(context()))["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["sts:AssumeRole"],
            "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnLike": {"aws:SourceArn": f"arn:aws:ec2:eu-central-1:{ACCOUNT}:vpc-flow-log/*"},
            },
        }
    ]


def test_the_role_writes_into_its_own_group_and_can_make_no_other():
    said = json.loads(flow_log_policy(context(), "/aws/vpc/x"))["Statement"]
    groups = f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:"
    assert said == [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            "Resource": [f"{groups}/aws/vpc/x:*"],
        },
        {"Effect": "Allow", "Action": ["logs:DescribeLogGroups"], "Resource": [f"{groups}*"]},
    ]


# -- the house ------------------------------------------------------------------------------
def test_everything_hangs_below_its_component_and_uses_its_provider(made: Deployed):
    components = {c.urn: c for c in made.seen.components}
    assert sorted(c.name for c in components.values()) == [
        "network",
        "network-endpoints",
        "network-flow-logs",
    ]
    for resource in made.seen.custom:
        parent = components[resource.parent]
        assert resource.name.startswith(parent.name), resource.name
        assert "pulumi:providers:aws::aws" in resource.provider, resource.name


def test_only_what_people_search_has_a_name_of_its_own(made: Deployed):
    named = {r.name for r in made.seen.custom if "name" in r.inputs}
    assert named == {"network-flow-logs"}, "a second stack would meet the name (N23)"
