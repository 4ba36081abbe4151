"""Network policies: the ways that they open between pods, and what is asked of each of them.

Pods run on the nodes and therefore pass the nodes' security group as well. Pods are named by
namespace and policy. Whether a namespace is closed at all is rules/guardrails/peers.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

from rules.kubernetes import Object, judged_objects, objects, types
from rules.model import NotApplicable, Props, Rule, Stack
from rules.network.doors import (
    BALANCER,
    CACHE,
    DATABASE,
    ENDPOINT,
    NODES,
    node_groups,
    places,
    subnets,
)
from rules.network.reach import (
    ALL,
    INTERNET,
    PRIVATE,
    Network,
    Ports,
    Way,
    overlap,
    wide,
    within,
)

POLICIES = types("networking.k8s.io/v1:NetworkPolicy")
_ANYBODY = Props({"ipBlock": {"cidr": "0.0.0.0/0"}})
# Where a pod finds credentials of its node (EC2 user guide, "Use the IMDS"), and what else stands
# beside it: services of the node, of which pods need the DNS cache and the Pod Identity agent
# (Kubernetes and EKS documentation).
_METADATA = (IPv4Network("169.254.169.254/32"), IPv6Network("fd00:ec2::254/128"))
_LOCAL = (IPv4Network("169.254.0.0/16"), IPv6Network("fd00:ec2::/32"))
_NODE_SERVICES = ("169.254.20.10/32", "169.254.170.23/32", "fd00:ec2::23/128")
# PostgreSQL, Redis, PgBouncer and Sentinel (requirements PG, REDIS, POOL-02, SENT).
_STORES = tuple(Ports("tcp", port, port) for port in (5432, 6379, 6432, 26379))
_URL = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"


class Pods:
    """The ways that network policies open, between pods and to what the nodes may reach.

    Both ends of a way between pods must allow it: the one by the other's labels, or by addresses
    that cover the nodes' subnets, since pods have addresses of these.
    """

    def __init__(self, stack: Stack, ways: list[Way]) -> None:
        self._nodes = node_groups(stack)
        self._to_nodes = [way for way in ways if way.target in self._nodes]
        self._from_nodes: defaultdict[str, list[Ports]] = defaultdict(list)
        for way in ways:
            if way.source in self._nodes:
                self._from_nodes[way.target].append(way.ports)
        self._homes = _homes(stack)
        # Many policies name the same blocks, and comparing addresses is what costs.
        self._reached: dict[tuple[str, ...], tuple[bool, list[str]]] = {}
        self._node_blocks = [
            ip_network(each.props.at("cidrBlock"))
            for group in stack.of(NODES)
            for each in subnets(stack, group)
        ]
        self._policies = policies(stack)
        self._labelled: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
        self._spaces: defaultdict[str, list[str]] = defaultdict(list)
        for name, policy in self._policies.items():
            self._spaces[policy.namespace].append(name)
            for key, value in _labels(policy.props.at("spec.podSelector")).items():
                self._labelled[policy.namespace, key, value].append(name)
        # Who may leave for whom: by the target's labels, and by address for any pod.
        self._to: defaultdict[str, defaultdict[str, list[Ports]]]
        self._to = defaultdict(lambda: defaultdict(list))
        self._by_address: defaultdict[str, list[Ports]] = defaultdict(list)

    def ways(self) -> Iterator[Way]:
        for name, policy in self._policies.items():
            for rule in policy.props.at("spec.egress") or []:
                for opened in _opened(rule):
                    for target in self._leaving(name, policy, rule, opened):
                        yield Way(name, target, opened, _by(policy))
        for name, policy in self._policies.items():
            for rule in policy.props.at("spec.ingress") or []:
                for opened in _opened(rule):
                    for source in self._admitted(name, policy, rule, opened):
                        yield Way(source, name, opened, _by(policy))

    def _leaving(self, name: str, policy: Object, rule: Props, opened: Ports) -> Iterator[str]:
        """What stands outside the cluster; the pods that are meant are kept for the other end."""
        for peer in rule.get("to") or [_ANYBODY]:
            if "ipBlock" not in peer:
                for target in self._selected(policy, peer):
                    self._to[target][name].append(opened)
                continue
            if wide(peer.at("ipBlock.cidr")):
                yield INTERNET
            pods, outside = self._by_block(peer)
            if pods:
                self._by_address[name].append(opened)
            for target in outside:
                if any(each.meets(opened) for each in self._from_nodes[target]):
                    yield target

    def _by_block(self, peer: Props) -> tuple[bool, list[str]]:
        """Whether a block of addresses covers nodes, and what they may reach that it covers."""
        named = (str(peer.at("ipBlock.cidr")), *map(str, peer.at("ipBlock.except", [])))
        if named not in self._reached:
            blocks = [ip_network(each) for each in named]
            self._reached[named] = (
                _covers(blocks, self._node_blocks),
                [each for each in self._from_nodes if _covers(blocks, self._homes.get(each, []))],
            )
        return self._reached[named]

    def _admitted(self, name: str, policy: Object, rule: Props, opened: Ports) -> Iterator[str]:
        for peer in rule.get("from") or [_ANYBODY]:
            if "ipBlock" not in peer:
                found = self._selected(policy, peer)
                yield from (each for each in found if self._may(each, name, opened))
                if not found:
                    yield f"pods of {_of(policy, peer) or 'any namespace'}"
                continue
            if wide(peer.at("ipBlock.cidr")):
                yield INTERNET
            if self._by_block(peer)[0]:
                # Nodes themselves, whoever their group lets through, and pods by their addresses.
                yield from self._nodes
                yield from (way.source for way in self._to_nodes if way.ports.meets(opened))
                by_address = {*self._by_address, *self._to[name]}
                yield from (each for each in by_address if self._may(each, name, opened))

    def _may(self, source: str, target: str, opened: Ports) -> bool:
        allowed = (*self._to[target].get(source, ()), *self._by_address.get(source, ()))
        return any(each.meets(opened) for each in allowed)

    def _selected(self, policy: Object, peer: Props) -> list[str]:
        """The policies whose pods a peer means."""
        wanted = _labels(peer.get("podSelector"))
        space = _of(policy, peer)
        spaces = [space] if space else list(self._spaces)
        if not wanted:
            return [name for each in spaces for name in self._spaces.get(each, ())]
        found = [
            set.intersection(*(set(self._labelled.get((s, *pair), ())) for pair in wanted.items()))
            for s in spaces
        ]
        return sorted(set().union(*found))


def policies(stack: Stack) -> dict[str, Object]:
    """Every network policy, alone or in a List, by its place in the graph."""
    found = (
        each
        for item in stack.of(*POLICIES)
        for each in objects(item.props, "NetworkPolicy", item=item)
    )
    return {f"{each.namespace}/{each.name}": each for each in found}


def _by(policy: Object) -> str:
    return policy.item.name if policy.item else policy.name


def _homes(stack: Stack) -> dict[str, list[Network]]:
    """A place -> the address blocks of its subnets; none where the stack does not tell."""
    found: defaultdict[str, list[Network]] = defaultdict(list)
    for type_ in (DATABASE, CACHE, BALANCER, ENDPOINT):
        for item in stack.of(type_):
            blocks = [ip_network(each.props.at("cidrBlock")) for each in subnets(stack, item)]
            for here in places(stack, item):
                found[here] += blocks
    return found


def _covers(blocks: list[Network], homes: list[Network]) -> bool:
    """Whether the first block, less the others, has room for one of these homes."""
    block, *spared = blocks
    return not homes or any(
        overlap(block, home) and not any(overlap(home, each) for each in spared) for home in homes
    )


def _opened(rule: Props) -> list[Ports]:
    """The ports of a policy's rule; a port by its name is taken to be any."""
    found: list[Ports] = []
    for each in rule.get("ports") or []:
        protocol, port = str(each.get("protocol", "TCP")).lower(), each.get("port")
        if port is None or isinstance(port, str):
            found.append(Ports(protocol))
        else:
            found.append(Ports(protocol, int(port), int(each.get("endPort", port))))
    return found or [ALL]


def _labels(selector: Props | None) -> dict[str, str]:
    return dict((selector or Props({})).get("matchLabels") or {})


def _says(selector: Props | None) -> bool:
    """Whether a selector selects; an empty one means everything."""
    return any((selector or {}).get(key) for key in ("matchLabels", "matchExpressions"))


def _empty(peer: Props, key: str) -> bool:
    return key in peer and not _says(peer.get(key))


def _of(policy: Object, peer: Props) -> str:
    """The namespace that a peer means, "" for all of them."""
    if "namespaceSelector" not in peer:
        return policy.namespace
    return _labels(peer.get("namespaceSelector")).get("kubernetes.io/metadata.name", "")


# -- what is asked of each ------------------------------------------------------------------------
def _no_open_ingress(policy: Object) -> Iterator[str]:
    for rule in policy.props.at("spec.ingress") or []:
        if not rule.get("from"):
            yield "it admits everybody"
        for peer in rule.get("from") or []:
            if "ipBlock" in peer and wide(peer.at("ipBlock.cidr")):
                yield f"it admits {peer.at('ipBlock.cidr')}"
            elif _empty(peer, "namespaceSelector") and not _says(peer.get("podSelector")):
                yield "it admits every pod of the cluster"


def _internet_only(policy: Object) -> Iterator[str]:
    for rule in policy.props.at("spec.egress") or []:
        if not rule.get("to"):
            yield "it lets pods out to everywhere, private addresses too"
        for peer in rule.get("to") or []:
            if "ipBlock" in peer:
                yield from _leads_inside(
                    str(peer.at("ipBlock.cidr")), *map(str, peer.at("ipBlock.except", []))
                )


def _leads_inside(named: str, *spared: str) -> Iterator[str]:
    block, *without = map(ip_network, (named, *spared))

    def left(blocks: Iterable[Network]) -> list[Network]:
        there = [each for each in blocks if overlap(block, each)]
        return [each for each in there if not any(within(each, other) for other in without)]

    metadata = left(_METADATA)
    if wide(named):
        if found := [*map(str, left(PRIVATE)), *(str(each.network_address) for each in metadata)]:
            yield f"its way to the internet also leads to {', '.join(found)}"
    elif metadata or (left(_LOCAL) and not without and named not in _NODE_SERVICES):
        yield f"its way to {named} leads to services of the node"


def _ports_named(policy: Object) -> Iterator[str]:
    for way, peers in (("ingress", "from"), ("egress", "to")):
        for rule in policy.props.at(f"spec.{way}") or []:
            blocks = [
                each.at("ipBlock.cidr") for each in rule.get(peers) or [] if "ipBlock" in each
            ]
            if blocks and not rule.get("ports"):
                yield f"{way} opens every port for {', '.join(blocks)}"


def _store_by_labels(policy: Object) -> Iterator[str]:
    opened = [
        rule
        for rule in policy.props.at("spec.ingress") or []
        if any(ports.meets(store) for ports in _opened(rule) for store in _STORES)
    ]
    if not opened and not policy.path:
        raise NotApplicable("its pods listen on no store's port")
    for rule in opened:
        if not all(_labels(peer.get("podSelector")) for peer in rule.get("from") or [_ANYBODY]):
            yield "it opens a store's port to more than named pods"


RULES: tuple[Rule, ...] = (
    Rule(
        name="network-policy-store-by-labels",
        sentence="A store in the cluster, and the pooler before one, admits named pods only.",
        types=POLICIES,
        severity="high",
        requirements=("CHK-SEC-03", "POOL-02", "K8S-06", "K8S-07"),
        controls=("SOC2 CC6.1", "SOC2 CC6.6", "ISO27001 A.8.20", "ISO27001 A.8.22"),
        why="Any pod that is taken over could try its luck with the data.",
        fix="name the pods that use it by their labels in `from`",
        url=_URL,
        evidence=("spec.podSelector", "spec.ingress"),
        judge=judged_objects(_store_by_labels, "NetworkPolicy"),
    ),
    Rule(
        name="network-policy-no-open-ingress",
        sentence="No network policy admits everybody or the internet.",
        types=POLICIES,
        severity="high",
        requirements=("CHK-SEC-03", "K8S-03", "K8S-04"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.20", "ISO27001 A.8.22"),
        why="One pod that is taken over could then talk to every other one.",
        fix="name the pods or the address blocks that need it in `from`",
        url=_URL,
        evidence=("spec.ingress",),
        judge=judged_objects(_no_open_ingress, "NetworkPolicy"),
    ),
    Rule(
        name="network-policy-egress-no-private",
        sentence="A pod's way to the internet excepts private addresses and the node's metadata.",
        types=POLICIES,
        severity="high",
        requirements=("CHK-SEC-03", "K8S-09"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.20", "ISO27001 A.8.22"),
        why="A pod that may fetch any address could be made to fetch stores and credentials.",
        fix=f"except {', '.join(map(str, PRIVATE[:3]))} and {_METADATA[0]} from that block",
        url=_URL,
        evidence=("spec.egress",),
        judge=judged_objects(_internet_only, "NetworkPolicy"),
    ),
    Rule(
        name="network-policy-ports-named",
        sentence="A network policy that opens addresses names the ports.",
        types=POLICIES,
        severity="medium",
        requirements=("CHK-SEC-03", "K8S-06"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.20"),
        why="Without ports a way for one service is a way for every service at that address.",
        fix="list the ports that are used",
        url=_URL,
        evidence=("spec.ingress", "spec.egress"),
        judge=judged_objects(_ports_named, "NetworkPolicy"),
    ),
)
