"""Who may open a connection to whom, as one graph of places and ways.

Pure: doors.py and pods.py read the ways from a stack, reachability.py asks.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple, TypeAlias

INTERNET = "the internet"
Network: TypeAlias = IPv4Network | IPv6Network
# A public block larger than these is no company's: two halves of the internet would pass as a list.
# The same bound is at the door (settings/cluster.py).
WIDEST = {4: 16, 6: 32}
# Addresses that no stranger has: RFC 1918 and RFC 4193.
PRIVATE: tuple[Network, ...] = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv6Network("fc00::/7"),
)


def wide(block: str) -> bool:
    """Whether a CIDR block is the internet or a large part of it. Raises ValueError."""
    found = ip_network(block, strict=False)
    private = any(within(found, each) for each in PRIVATE)
    return not private and found.prefixlen < WIDEST[found.version]


def within(inner: Network, outer: Network) -> bool:
    """Whether every address of the one block lies in the other."""
    return (
        inner.version == outer.version
        and inner.prefixlen >= outer.prefixlen
        and inner.overlaps(outer)
    )


@dataclass(frozen=True)
class Ports:
    """What a rule opens; protocol "all" stands for every port of every protocol."""

    protocol: str
    low: int = 0
    high: int = 65535

    def meets(self, other: Ports) -> bool:
        same = "all" in (self.protocol, other.protocol) or self.protocol == other.protocol
        return same and self.low <= other.high and other.low <= self.high

    def __str__(self) -> str:
        if self.protocol == "all" or (self.low, self.high) == (0, 65535):
            return "all ports" if self.protocol == "all" else f"all {self.protocol} ports"
        last = "" if self.low == self.high else f"-{self.high}"
        return f"{self.protocol} {self.low}{last}"


ALL = Ports("all")


@dataclass(frozen=True, kw_only=True, order=True)
class Edge:
    """An open way. by: the rule, origin or policy that opens it."""

    source: str
    target: str
    ports: str
    by: str


class Reach:
    """Places and the ways between them."""

    def __init__(self, edges: Iterable[Edge]) -> None:
        self.edges = tuple(sorted(set(edges)))
        self._out: defaultdict[str, list[Edge]] = defaultdict(list)
        self._into: defaultdict[str, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            self._out[edge.source].append(edge)
            self._into[edge.target].append(edge)

    def out_of(self, place: str) -> tuple[Edge, ...]:
        return tuple(self._out.get(place, ()))

    def into(self, place: str) -> tuple[Edge, ...]:
        return tuple(self._into.get(place, ()))

    def path(self, source: str, target: str, *, past: Collection[str] = ()) -> tuple[Edge, ...]:
        """A shortest way that goes through no place of `past`; () where there is none."""
        came: dict[str, Edge] = {}
        waiting = deque([source])
        while waiting and target not in came:
            for edge in self._out.get(waiting.popleft(), ()):
                if edge.target not in came and edge.target != source and edge.target not in past:
                    came[edge.target] = edge
                    waiting.append(edge.target)
        way: list[Edge] = []
        while target in came:
            way.append(came[target])
            target = came[target].source
        return tuple(reversed(way))


class Way(NamedTuple):
    source: str
    target: str
    ports: Ports
    by: str


def overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)
