"""Network policies of the operators' namespaces, generated from what their pods declare.

Default deny both ways; then one policy for each kind of pod. What comes in is never said: it
follows from what others reach, from the metrics that Prometheus scrapes and from the webhooks that
the API server calls. Meets K8S-01, K8S-03, K8S-08 and CHK-SEC-03 for those namespaces, as
`components/kubernetes/guardrails/network_policies.py` does for the application's.

Kubelet probes need no rule: a node may always reach its own pods. Refused: the charts' own policies
(each opens more than it needs, or cuts off DNS and AWS; five charts have none).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.kubernetes.guardrails.network_policies import (
    NAMESPACE_LABEL,
    Places,
    blocks,
    identity_agent,
    names,
    rule,
    towards,
)
from components.kubernetes.guardrails.network_policies import pods as chosen
from components.kubernetes.workloads.shape import (
    AwsApi,
    DataStore,
    Internet,
    KubernetesApi,
    Neighbours,
)

Manifest = dict[str, Any]

KUBELET_PORT, NODE_EXPORTER_PORT = 10250, 9100


@dataclass(frozen=True, kw_only=True)
class Scraped:
    """Every pod of the cluster on any port, and the nodes' own metrics: Prometheus alone."""


SystemPeer = AwsApi | DataStore | Internet | KubernetesApi | Neighbours | Scraped


@dataclass(frozen=True, kw_only=True)
class SystemPods:
    """Pods of an operator, by namespace and labels.

    metrics: ports that Prometheus scrapes. webhook: port that the API server calls. members: TCP
    ports that these pods open to each other; gossip: TCP and UDP. serves: ports that pods of the
    application's namespace may reach.
    """

    name: str
    namespace: str
    labels: Mapping[str, str]
    reaches: tuple[SystemPeer, ...] = ()
    metrics: tuple[int, ...] = ()
    webhook: int | None = None
    members: tuple[int, ...] = ()
    gossip: tuple[int, ...] = ()
    serves: tuple[int, ...] = ()


def policies(pods: Sequence[SystemPods], at: Places) -> list[Manifest]:
    """Every policy of the namespaces of `pods`. Raises ValueError: a peer that nobody declares."""
    _known(pods)
    namespaces = sorted({each.namespace for each in pods})
    return [
        *map(closed, namespaces),
        *(_policy(each, pods, at) for each in pods),
    ]


def closed(namespace: str) -> Manifest:
    """Nothing in, nothing out, not even names."""
    spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    return _manifest("default-deny", namespace, spec)


def _policy(pods: SystemPods, every: Sequence[SystemPods], at: Places) -> Manifest:
    egress = [names(), *(rule for peer in pods.reaches for rule in _out(peer, at))]
    ingress = _in(pods, every, at)
    if mesh := _mesh(pods):
        ours = [chosen(pods.labels, pods.namespace)]
        egress.append({"to": ours, "ports": mesh})
        ingress.append({"from": ours, "ports": mesh})
    spec = {
        "podSelector": {"matchLabels": dict(pods.labels)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": ingress,
        "egress": egress,
    }
    return _manifest(pods.name, pods.namespace, spec)


def _in(pods: SystemPods, every: Sequence[SystemPods], at: Places) -> list[Manifest]:
    rules: list[Manifest] = []
    for other in every:
        for peer in other.reaches:
            if isinstance(peer, Neighbours) and _is(peer, pods):
                rules.append(rule("from", [chosen(other.labels, other.namespace)], peer.ports))
            if isinstance(peer, Scraped) and pods.metrics:
                rules.append(rule("from", [chosen(other.labels, other.namespace)], pods.metrics))
    if pods.webhook is not None:
        rules.append(rule("from", blocks(at.private), [pods.webhook]))
    if pods.serves:
        application = {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: at.namespace}}}
        rules.append(rule("from", [application], pods.serves))
    return rules


def _out(peer: SystemPeer, at: Places) -> list[Manifest]:
    match peer:
        case AwsApi():
            return [towards(peer, at), identity_agent()]
        case Scraped():
            nodes = [KUBELET_PORT, NODE_EXPORTER_PORT]
            return [{"to": [{"namespaceSelector": {}}]}, rule("to", blocks(at.private), nodes)]
        case _:
            return [towards(peer, at)]


def _known(pods: Sequence[SystemPods]) -> None:
    for each in pods:
        for peer in each.reaches:
            if isinstance(peer, Neighbours) and not any(_is(peer, other) for other in pods):
                raise ValueError(
                    f"{each.namespace}/{each.name} reaches {dict(peer.labels)} in "
                    f"{peer.namespace}, which nobody declares; declared are "
                    + ", ".join(f"{other.namespace}/{other.name}" for other in pods)
                )


def _is(peer: Neighbours, pods: SystemPods) -> bool:
    return peer.namespace == pods.namespace and dict(peer.labels) == dict(pods.labels)


def _mesh(pods: SystemPods) -> list[Manifest]:
    udp = [{"protocol": "UDP", "port": port} for port in pods.gossip]
    return [*_tcp(*pods.members, *pods.gossip), *udp]


def _tcp(*ports: int) -> list[Manifest]:
    return [{"protocol": "TCP", "port": port} for port in ports]


def _manifest(name: str, namespace: str, spec: Manifest) -> Manifest:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec}
