"""The graph of who reaches whom, at its corners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from rules import RULES
from rules.adapter import joined
from rules.model import UNKNOWN, Item, Props, Undecided
from rules.network import reachability
from rules.network.reach import Edge, Ports, Reach, wide

from tests.conftest import Recorded
from tests.policies.mutation import Draft, add, put, without
from tests.policies.real import items_of, stack_of, told

_GROUP = "aws:ec2/securityGroup:SecurityGroup"
_IN = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
_ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


def _edge(source: str, target: str) -> Edge:
    return Edge(source=source, target=target, ports="tcp 1", by="a rule")


def _policy(name: str, spec: Mapping[str, Any]) -> Item:
    return Item(
        type=_POLICY,
        name=name,
        urn=f"urn:{name}",
        props=Props(
            {
                "kind": "NetworkPolicy",
                "metadata": {"name": name, "namespace": "here"},
                "spec": {"podSelector": {"matchLabels": {"app": name}}, **spec},
            }
        ),
    )


def _pods(*names: str) -> list[dict[str, Any]]:
    return [{"podSelector": {"matchLabels": {"app": name}}} for name in names]


def _ways(*policies: Item) -> list[tuple[str, str, str]]:
    found = reachability.edges(stack_of(policies))
    return [(each.source, each.target, each.ports) for each in found]


# -- the graph by itself -------------------------------------------------------------------------
def test_a_path_is_a_shortest_one_and_empty_where_there_is_none() -> None:
    graph = Reach([_edge("a", "b"), _edge("b", "c"), _edge("c", "d"), _edge("b", "d")])
    assert [each.target for each in graph.path("a", "d")] == ["b", "d"]
    assert graph.path("d", "a") == ()
    assert graph.path("a", "nowhere") == ()


def test_a_path_goes_round_what_it_must_not_pass() -> None:
    graph = Reach([_edge("a", "b"), _edge("b", "d"), _edge("a", "c"), _edge("c", "d")])
    assert [each.target for each in graph.path("a", "d", past={"b"})] == ["c", "d"]
    assert graph.path("a", "d", past={"b", "c"}) == ()


def test_a_circle_ends() -> None:
    graph = Reach([_edge("a", "b"), _edge("b", "a"), _edge("b", "b")])
    assert graph.path("a", "c") == ()
    assert graph.path("a", "a") == (), "a place is no way to itself"


def test_a_graph_tells_the_ways_out_of_a_place_and_into_it() -> None:
    graph = Reach([_edge("a", "b"), _edge("a", "c"), _edge("a", "b")])
    assert graph.edges == graph.out_of("a") == (_edge("a", "b"), _edge("a", "c"))
    assert graph.into("b") == (_edge("a", "b"),)
    assert graph.into("a") == graph.out_of("nowhere") == ()


@pytest.mark.parametrize(
    ("block", "large"),
    [
        ("0.0.0.0/0", True),
        ("128.0.0.0/1", True),
        ("::/0", True),
        ("2000::/3", True),
        ("3.0.0.0/8", True),
        ("10.0.0.0/7", True),
        ("2000::/16", True),
        ("2600:1f00::/24", True),
        ("52.94.0.0/16", False),
        ("10.0.0.0/8", False),
        ("172.16.0.0/12", False),
        ("203.0.113.7/32", False),
        ("2001:db8::/32", False),
        ("fc00::/7", False),
    ],
)
def test_half_of_the_internet_is_the_internet(block: str, large: bool) -> None:
    assert wide(block) is large


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        (Ports("tcp", 1, 10), Ports("tcp", 10, 20), True),
        (Ports("tcp", 1, 9), Ports("tcp", 10, 20), False),
        (Ports("tcp", 53, 53), Ports("udp", 53, 53), False),
        (Ports("all"), Ports("udp", 53, 53), True),
    ],
)
def test_ports_meet_where_protocol_and_range_do(one: Ports, other: Ports, meet: bool) -> None:
    assert (one.meets(other), other.meets(one)) == (meet, meet)


# -- network policies ----------------------------------------------------------------------------
def test_a_way_between_pods_needs_both_of_its_ends() -> None:
    port = [{"port": 8080}]
    asks = _policy("asks", {"egress": [{"to": _pods("answers"), "ports": port}]})
    answers = _policy("answers", {"ingress": [{"from": _pods("asks"), "ports": port}]})
    assert _ways(asks, answers) == [("here/asks", "here/answers", "tcp 8080")]
    assert _ways(_policy("asks", {}), answers) == []
    assert _ways(asks, _policy("answers", {})) == []


def test_a_way_between_pods_needs_the_same_port_at_both_ends() -> None:
    asks = _policy("asks", {"egress": [{"to": _pods("answers"), "ports": [{"port": 8081}]}]})
    answers = _policy("answers", {"ingress": [{"from": _pods("asks"), "ports": [{"port": 8080}]}]})
    assert _ways(asks, answers) == []


def test_a_range_and_a_port_by_its_name_are_ports_too() -> None:
    asks = _policy("asks", {"egress": [{"to": _pods("answers")}]})
    answers = _policy(
        "answers",
        {
            "ingress": [
                {
                    "from": _pods("asks"),
                    "ports": [{"port": 8000, "endPort": 8100}, {"port": "http"}],
                }
            ]
        },
    )
    assert [ports for *_, ports in _ways(asks, answers)] == ["all tcp ports", "tcp 8000-8100"]


def test_an_empty_rule_is_a_way_for_everybody() -> None:
    asks, answers = _policy("asks", {"egress": [{}]}), _policy("answers", {"ingress": [{}]})
    assert _ways(asks, answers) == [
        ("here/asks", "here/answers", "all ports"),
        ("here/asks", "the internet", "all ports"),
        ("the internet", "here/answers", "all ports"),
    ]


def test_pods_that_no_policy_tells_of_are_named_by_their_namespace() -> None:
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "there"}}}
    answers = _policy("answers", {"ingress": [{"from": [peer], "ports": [{"port": 1}]}]})
    assert _ways(answers) == [("pods of there", "here/answers", "tcp 1")]


# -- the real stacks -----------------------------------------------------------------------------
def test_the_declared_way_from_a_viewer_to_the_database_is_the_one_in_the_picture(
    recorded: Recorded,
) -> None:
    graph = reachability.reach(stack_of(items_of(recorded.made, recorded.stack)))
    steps = ["the internet", "edge-cdn-api", "prefix list pl-a3a144ca", "edge-balancer-alb"]
    steps += [f"production/archesai-{each}" for each in ("gateway", "api", "pooler")]
    steps += ["database-instance"]
    for source, target in pairwise(steps):
        assert target in {each.target for each in graph.out_of(source)}, f"{source} -> {target}"
    assert graph.into("cache-group"), "a cache that nobody reaches is of no use"


def test_the_picture_is_the_same_in_every_order_of_resources(recorded: Recorded) -> None:
    items = items_of(recorded.made, recorded.stack)
    there, back = (reachability.edges(stack_of(each)) for each in (items, items[::-1]))
    assert there == back, "the same deployment would give two reports"


def test_an_address_that_is_not_known_yet_leaves_the_graph_undecided(recorded: Recorded) -> None:
    draft = Draft(items_of(recorded.made, recorded.stack))
    put(_IN, "cidrIpv4", UNKNOWN, "network-endpoints-https")(draft)
    with pytest.raises(Undecided, match=r"^cidrIpv4$"):
        reachability.edges(stack_of(tuple(draft.items)))


def test_where_cloudfronts_list_is_not_known_here_the_balancers_door_is_undecided(
    recorded: Recorded,
) -> None:
    draft = Draft(items_of(recorded.made, recorded.stack))
    put("pulumi:providers:aws", "region", "eu-south-1")(draft)
    put(_IN, "prefixListId", "pl-0123", "edge-balancer-from-cloudfront")(draft)
    stack = stack_of(tuple(draft.items))
    rule = next(
        each for each in reachability.RULES if each.name == "balancer-admits-cloudfront-only"
    )
    assert [said.text for _, said in joined(rule, stack)] == [
        "not known until deployed: whether pl-0123 is CloudFront's prefix list in eu-south-1"
    ]
    assert reachability.reach(stack).out_of("prefix list pl-0123"), (
        "the rest is judged all the same"
    )


def test_routes_of_subnets_that_were_brought_are_undecided(recorded: Recorded) -> None:
    draft = Draft(items_of(recorded.made, recorded.stack))
    for place in draft.find("aws:ec2/subnet:Subnet"):
        urn = draft.items[place].urn
        draft.items[:] = [
            replace(each, links={key: urns - {urn} for key, urns in each.links.items()})
            for each in draft.items
        ]
    stack = stack_of(tuple(draft.items))
    for name in (
        *("store-subnets-without-internet", "store-subnets-isolated"),
        "nodes-in-private-subnets",
    ):
        rule = next(each for each in RULES if each.name == name)
        said = [(said.outcome, said.text) for _, said in told(rule, stack)]
        assert set(said) == {
            ("unknown", "not known until deployed: routes of subnets that were brought")
        }, f"{name} passes although nobody has seen a route"


def test_a_subnet_on_a_table_that_nobody_sees_is_undecided(recorded: Recorded) -> None:
    draft = Draft(items_of(recorded.made, recorded.stack))
    without(_ASSOCIATION, "network-data-*")(draft)
    rule = next(
        each for each in reachability.RULES if each.name == "store-subnets-without-internet"
    )
    said = [said.text for _, said in joined(rule, stack_of(tuple(draft.items)))]
    assert len(said) == 2
    assert all(
        each.startswith("not known until deployed: routes of network-data-") for each in said
    )


def test_a_group_that_may_not_leave_is_no_step_on_a_way(recorded: Recorded) -> None:
    """Stores have no rules out: an open cache is no way to the endpoints beside it."""
    draft = Draft(items_of(recorded.made, recorded.stack))
    add(
        _IN,
        "open",
        {"ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"},
        {"securityGroupId": (_GROUP, "cache-door")},
    )(draft)
    graph = reachability.reach(stack_of(tuple(draft.items)))
    assert [each.target for each in graph.path("the internet", "cache-group")] == ["cache-group"]
    assert graph.out_of("cache-group") == ()
