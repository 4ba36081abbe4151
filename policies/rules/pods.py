"""Network policies: the ways that they open between pods, and what is asked of each of them.

Pods run on the nodes and therefore pass the nodes' security group as well. Pods are named by
namespace and policy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from ipaddress import ip_network

from rules.doors import BALANCER, CACHE, DATABASE, ENDPOINT, node_groups, places, subnets
from rules.model import Item, Props, Rule, Stack
from rules.reach import ALL, INTERNET, Network, Ports, Way, overlap, wide

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
# Where a pod finds credentials of its node (EC2 user guide, "Use the IMDS"), and the private blocks
# that hold everything of ours (RFC 1918).
_METADATA = "169.254.169.254"
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
_URL = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"


class Pods:
    """The ways that network policies open, between pods and to what the nodes may reach."""

    def __init__(self, stack: Stack, ways: list[Way]) -> None:
        self._stack = stack
        self._nodes = node_groups(stack)
        self._to_nodes = [way for way in ways if way.target in self._nodes]
        self._from_nodes = [way for way in ways if way.source in self._nodes]
        self._policies = {label(each): each for each in stack.of(POLICY)}
        self._labelled: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
        self._spaces: defaultdict[str, list[str]] = defaultdict(list)
        for name, policy in self._policies.items():
            space = _space(policy)
            self._spaces[space].append(name)
            for key, value in _labels(policy.props.at("spec.podSelector")).items():
                self._labelled[space, key, value].append(name)

    def ways(self) -> Iterator[Way]:
        leaving = list(self._out())
        allowed: defaultdict[tuple[str, str], list[Ports]] = defaultdict(list)
        for way in leaving:
            allowed[way.source, way.target].append(way.ports)
        yield from (way for way in leaving if way.target not in self._policies)
        for name, policy in self._policies.items():
            for rule in policy.props.at("spec.ingress") or []:
                for opened in _opened(rule):
                    for source in self._admitted(policy, rule, opened):
                        known = source in self._policies
                        if not known or any(p.meets(opened) for p in allowed[source, name]):
                            yield Way(source, name, opened, policy.name)

    def _out(self) -> Iterator[Way]:
        for name, policy in self._policies.items():
            for rule in policy.props.at("spec.egress") or []:
                for opened in _opened(rule):
                    for peer in rule.get("to") or [Props({"ipBlock": {"cidr": "0.0.0.0/0"}})]:
                        for target in self._targets(policy, peer, opened):
                            yield Way(name, target, opened, policy.name)

    def _targets(self, policy: Item, peer: Props, opened: Ports) -> Iterator[str]:
        if "ipBlock" not in peer:
            yield from self._selected(policy, peer)
            return
        if wide(peer.at("ipBlock.cidr")):
            yield INTERNET
        homes = self._stack.once(_homes)
        for way in self._from_nodes:
            if way.ports.meets(opened) and _covers(peer, homes.get(way.target, [])):
                yield way.target

    def _admitted(self, policy: Item, rule: Props, opened: Ports) -> Iterator[str]:
        for peer in rule.get("from") or [Props({"ipBlock": {"cidr": "0.0.0.0/0"}})]:
            if "ipBlock" not in peer:
                yield from self._selected(policy, peer) or [
                    f"pods of {_of(policy, peer) or 'any namespace'}"
                ]
            elif wide(peer.at("ipBlock.cidr")):
                yield INTERNET
            else:
                # Nodes themselves, and whoever their group lets through to the pods on them.
                yield from self._nodes
                yield from (way.source for way in self._to_nodes if way.ports.meets(opened))

    def _selected(self, policy: Item, peer: Props) -> list[str]:
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


def _homes(stack: Stack) -> dict[str, list[Network]]:
    """A place -> the address blocks of its subnets; none where the stack does not tell."""
    found: defaultdict[str, list[Network]] = defaultdict(list)
    for type_ in (DATABASE, CACHE, BALANCER, ENDPOINT):
        for item in stack.of(type_):
            blocks = [ip_network(each.props.at("cidrBlock")) for each in subnets(stack, item)]
            for here in places(stack, item):
                found[here] += blocks
    return found


def _covers(peer: Props, homes: list[Network]) -> bool:
    block = ip_network(peer.at("ipBlock.cidr"))
    spared = [ip_network(each) for each in peer.at("ipBlock.except", [])]
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


def _space(policy: Item) -> str:
    return str(policy.props.at("metadata.namespace", "default"))


def _of(policy: Item, peer: Props) -> str:
    """The namespace that a peer means, "" for all of them."""
    if "namespaceSelector" not in peer:
        return _space(policy)
    return _labels(peer.get("namespaceSelector")).get("kubernetes.io/metadata.name", "")


def label(policy: Item) -> str:
    return f"{_space(policy)}/{policy.props.at('metadata.name', policy.name)}"


# -- what is asked of each ------------------------------------------------------------------------
def _no_open_ingress(policy: Props) -> Iterator[str]:
    for rule in policy.at("spec.ingress") or []:
        if not rule.get("from"):
            yield "it admits everybody"
        for peer in rule.get("from") or []:
            if "ipBlock" in peer and wide(peer.at("ipBlock.cidr")):
                yield f"it admits {peer.at('ipBlock.cidr')}"


def _internet_only(policy: Props) -> Iterator[str]:
    for rule in policy.at("spec.egress") or []:
        if not rule.get("to"):
            yield "it lets pods out to everywhere, private addresses too"
        for peer in rule.get("to") or []:
            if "ipBlock" in peer and wide(peer.at("ipBlock.cidr")):
                spared = [str(each) for each in peer.at("ipBlock.except", [])]
                left = [each for each in _PRIVATE if each not in spared]
                if not {f"{_METADATA}/32", "169.254.0.0/16"} & set(spared):
                    left.append(_METADATA)
                if left:
                    yield f"its way to the internet also leads to {', '.join(left)}"


def _ports_named(policy: Props) -> Iterator[str]:
    for way, peers in (("ingress", "from"), ("egress", "to")):
        for rule in policy.at(f"spec.{way}") or []:
            blocks = [
                each.at("ipBlock.cidr") for each in rule.get(peers) or [] if "ipBlock" in each
            ]
            if blocks and not rule.get("ports"):
                yield f"{way} opens every port for {', '.join(blocks)}"


RULES: tuple[Rule, ...] = (
    Rule(
        name="network-policy-no-open-ingress",
        sentence="No network policy admits everybody or the internet.",
        types=(POLICY,),
        severity="high",
        requirements=("CHK-SEC-03", "K8S-03", "K8S-04"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.20", "ISO27001 A.8.22"),
        why="One pod that is taken over could then talk to every other one.",
        fix="name the pods or the address blocks that need it in `from`",
        url=_URL,
        evidence=("spec.ingress",),
        judge=_no_open_ingress,
    ),
    Rule(
        name="network-policy-egress-no-private",
        sentence="A pod's way to the internet excepts private addresses and the node's metadata.",
        types=(POLICY,),
        severity="high",
        requirements=("CHK-SEC-03", "K8S-09"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.20", "ISO27001 A.8.22"),
        why="A pod that may fetch any address could be made to fetch stores and credentials.",
        fix=f"except {', '.join(_PRIVATE)} and {_METADATA}/32 from that block",
        url=_URL,
        evidence=("spec.egress",),
        judge=_internet_only,
    ),
    Rule(
        name="network-policy-ports-named",
        sentence="A network policy that opens addresses names the ports.",
        types=(POLICY,),
        severity="medium",
        requirements=("CHK-SEC-03", "K8S-06"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.20"),
        why="Without ports a way for one service is a way for every service at that address.",
        fix="list the ports that are used",
        url=_URL,
        evidence=("spec.ingress", "spec.egress"),
        judge=_ports_named,
    ),
)
