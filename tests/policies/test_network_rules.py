"""What mutants of the real stacks cannot say about rules of the network."""

from __future__ import annotations

import pytest
from rules.model import UNKNOWN, Item, NotApplicable, Props, Rule, StackRule
from rules.network import network, pods, reachability

from tests.policies.real import stack_of

_RULES: dict[str, Rule | StackRule] = {
    rule.name: rule for rule in (*network.RULES, *reachability.RULES, *pods.RULES)
}
_VPC = Item(type="aws:ec2/vpc:Vpc", name="vpc", urn="urn:vpc", props=Props({}))


def _item(type_: str, name: str, props: dict, **links: Item) -> Item:
    return Item(
        type=type_,
        name=name,
        urn=f"urn:{name}",
        props=Props(props),
        links={key: frozenset({item.urn}) for key, item in links.items()},
    )


def _said(rule: str, subject: Item, *others: Item) -> list[str]:
    found = _RULES[rule]
    assert isinstance(found, StackRule)
    return list(found.judge(subject, stack_of((subject, *others))))


def _acl(**entry: object) -> list[str]:
    acl = _item("aws:ec2/networkAcl:NetworkAcl", "acl", {"ingress": [entry]}, vpcId=_VPC)
    return _said("network-acl-no-holes", _VPC, acl)


def test_an_acl_that_denies_or_names_a_block_is_no_hole() -> None:
    world = {"cidrBlock": "0.0.0.0/0", "protocol": "-1"}
    assert _acl(action="deny", **world) == []
    assert _acl(action="allow", **{**world, "cidrBlock": "10.0.0.0/8"}) == []
    assert _acl(action="allow", **world) == ["acl opens every port to 0.0.0.0/0"]


def test_an_acl_may_let_the_world_in_to_web_ports_and_to_answers() -> None:
    world = {"action": "allow", "cidrBlock": "0.0.0.0/0", "protocol": "tcp"}
    assert _acl(**world, fromPort=443, toPort=443) == []
    assert _acl(**world, fromPort=32768, toPort=60999) == []


def test_outgoing_rules_of_an_acl_are_no_holes() -> None:
    acl = _item("aws:ec2/networkAcl:NetworkAcl", "acl", {}, vpcId=_VPC)
    rule = _item(
        "aws:ec2/networkAclRule:NetworkAclRule",
        "out",
        {"egress": True, "ruleAction": "allow", "cidrBlock": "0.0.0.0/0", "protocol": "-1"},
        networkAclId=acl,
    )
    assert _said("network-acl-no-holes", _VPC, acl, rule) == []


def test_flows_that_are_kept_for_ever_are_kept_long_enough() -> None:
    group = _item("aws:cloudwatch/logGroup:LogGroup", "group", {"retentionInDays": 0})
    log = _item("aws:ec2/flowLog:FlowLog", "log", {}, logDestination=group)
    assert _said("flow-log-kept", log, group) == []


def test_an_address_that_is_read_back_empty_is_unused() -> None:
    """After a deployment the provider fills what nobody set."""
    address = _item("aws:ec2/eip:Eip", "spare", {"instance": "", "networkInterface": ""})
    assert _said("public-address-used", address) == ["nothing uses this public address"]
    used = _item("aws:ec2/eip:Eip", "used", {"instance": "i-0123456789abcdef0"})
    assert _said("public-address-used", used) == []


def test_gateways_that_are_not_made_yet_decide_by_their_links() -> None:
    gateway = _item("aws:ec2/internetGateway:InternetGateway", "door", {})
    subnet = _item("aws:ec2/subnet:Subnet", "data", {})
    table = _item("aws:ec2/routeTable:RouteTable", "table", {})
    parts = (
        gateway,
        subnet,
        table,
        _item("aws:ec2/routeTableAssociation:RouteTableAssociation", "its-table", {},
              subnetId=subnet, routeTableId=table),
        _item("aws:ec2/route:Route", "out", {"gatewayId": UNKNOWN},
              routeTableId=table, gatewayId=gateway),
    )  # fmt: skip
    group = _item("aws:rds/subnetGroup:SubnetGroup", "group", {}, subnetIds=subnet)
    assert _said("store-subnets-without-internet", group, *parts) == [
        "data leads to the internet by an internet gateway (out)"
    ]


def test_routes_of_a_private_line_are_no_way_to_the_internet() -> None:
    subnet = _item("aws:ec2/subnet:Subnet", "data", {})
    table = _item("aws:ec2/routeTable:RouteTable", "table", {})
    parts = (
        subnet,
        table,
        _item("aws:ec2/routeTableAssociation:RouteTableAssociation", "its-table", {},
              subnetId=subnet, routeTableId=table),
        _item("aws:ec2/route:Route", "office", {"gatewayId": "vgw-0123456789abcdef0"},
              routeTableId=table),
        # As it is read back after a deployment.
        _item("aws:ec2/route:Route", "peers",
              {"gatewayId": "", "natGatewayId": "", "vpcPeeringConnectionId": "pcx-1"},
              routeTableId=table),
    )  # fmt: skip
    group = _item("aws:rds/subnetGroup:SubnetGroup", "group", {}, subnetIds=subnet)
    assert _said("store-subnets-without-internet", group, *parts) == []


def test_a_route_that_leads_to_no_other_network_has_nothing_to_judge() -> None:
    rule = _RULES["route-to-peers-narrow"]
    assert isinstance(rule, Rule)
    with pytest.raises(NotApplicable, match="it leads to no other network"):
        list(rule.judge(Props({"destinationCidrBlock": "0.0.0.0/0", "natGatewayId": UNKNOWN})))
    peer = {"vpcPeeringConnectionId": UNKNOWN, "destinationCidrBlock": "10.0.0.0/16"}
    assert list(rule.judge(Props(peer))) == []
