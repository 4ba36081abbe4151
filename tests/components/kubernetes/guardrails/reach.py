"""Whether network policies let a connection through: the semantics of the Kubernetes API.

Source: Kubernetes documentation, "Network Policies", and the API reference of
networking.k8s.io/v1. Written from there and not from what our policies use, so that it can judge
the guide's as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

NAMESPACE_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True, kw_only=True)
class Place:
    """One end of a connection; a pod has a namespace and labels, anything else an address only."""

    address: str
    namespace: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)


def allows(
    policies: Iterable[Mapping[str, Any]],
    source: Place,
    target: Place,
    port: int,
    protocol: str = "TCP",
) -> bool:
    """Whether `source` may open a connection to `port` of `target`: both ends have to agree."""
    if source == target:
        return True
    every = list(policies)
    return _lets(every, source, target, target, "Egress", port, protocol) and _lets(
        every, target, source, target, "Ingress", port, protocol
    )


def _lets(
    policies: list[Mapping[str, Any]],
    own: Place,
    other: Place,
    target: Place,
    direction: str,
    port: int,
    protocol: str,
) -> bool:
    """Whether the policies of `own` let the connection with `other` through in this direction."""
    binding = [
        policy for policy in policies if _selects(policy, own) and direction in _types(policy)
    ]
    if not binding:
        return True  # a pod that no policy selects is open
    peers = "to" if direction == "Egress" else "from"
    return any(
        _peer_matches(rule.get(peers), other, _namespace(policy))
        and _port_matches(rule.get("ports"), target, port, protocol)
        for policy in binding
        for rule in policy["spec"].get(direction.lower()) or []
    )


def _types(policy: Mapping[str, Any]) -> list[str]:
    spec = policy["spec"]
    return spec.get("policyTypes") or ["Ingress", *(["Egress"] if "egress" in spec else [])]


def _namespace(policy: Mapping[str, Any]) -> str:
    return policy["metadata"].get("namespace", "default")


def _selects(policy: Mapping[str, Any], place: Place) -> bool:
    return place.namespace == _namespace(policy) and _labels_match(
        policy["spec"].get("podSelector") or {}, place.labels
    )


def _labels_match(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """An empty selector matches everything."""
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_expression(each, labels) for each in selector.get("matchExpressions") or [])


def _expression(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    found, values = labels.get(expression["key"]), expression.get("values") or []
    return {
        "In": found in values,
        "NotIn": found not in values,
        "Exists": found is not None,
        "DoesNotExist": found is None,
    }[expression["operator"]]


def _peer_matches(peers: list[Any] | None, place: Place, namespace: str) -> bool:
    if not peers:
        return True  # absent or empty: everybody
    return any(_one_peer(peer, place, namespace) for peer in peers)


def _one_peer(peer: Mapping[str, Any], place: Place, namespace: str) -> bool:
    if "ipBlock" in peer:
        block, address = peer["ipBlock"], ip_address(place.address)
        inside = address in ip_network(block["cidr"])
        return inside and not any(address in ip_network(each) for each in block.get("except") or [])
    if place.namespace is None:
        return False
    if "namespaceSelector" in peer:
        if not _labels_match(peer["namespaceSelector"], {NAMESPACE_LABEL: place.namespace}):
            return False
    elif place.namespace != namespace:
        return False
    return _labels_match(peer.get("podSelector") or {}, place.labels)


def _port_matches(ports: list[Any] | None, target: Place, port: int, protocol: str) -> bool:
    if not ports:
        return True  # absent or empty: every port
    return any(_one_port(each, target, port, protocol) for each in ports)


def _one_port(wanted: Mapping[str, Any], target: Place, port: int, protocol: str) -> bool:
    if wanted.get("protocol", "TCP") != protocol:
        return False
    first = wanted.get("port")
    if first is None:
        return True
    if isinstance(first, str):
        return target.ports.get(first) == port
    return first <= port <= wanted.get("endPort", first)
