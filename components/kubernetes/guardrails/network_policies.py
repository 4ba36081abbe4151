"""Who may speak to whom in the application's namespace: default deny, then what was declared.

One policy per component, both directions, written from all declarations together: what A reaches is
A's egress and B's ingress, on the port that B declares. So a flow that nobody declared is closed at
both ends, and a declared one cannot be half open.

Meets K8S-01 to K8S-09, CHK-SEC-03, ENV-02 (a port is asked of its owner), ENV-18, ENV-20 and ENV-21
(the guide's own policy blocks what its settings need). Enforcement is switched on by the CNI add-on
(K8S-10); the security groups repeat the rules towards the data, since a pod is open for a moment
when it starts.

- Selectors are exactly those of the Services: the controller of Amazon EKS opens a Service's own
  address only where they are equal (amazon-network-policy-controller-k8s#224).
- RDS and ElastiCache are no pods: blocks of the data subnets (K8S-06, K8S-07).
- The load balancer and the API server are interfaces in the private subnets, which pods share: by
  address alone a pod elsewhere could enter that port. Other namespaces have policies of their own.
- IPv6: the cluster has none, and no rule names it, so it is closed.

Refused: one DNS rule for all pods of the namespace (an undeclared pod could then send data out in
names); a port range; a rule without a port.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.cache import PORT as CACHE_PORT
from components.context import Context
from components.database import PORT as DATABASE_PORT
from components.kubernetes.workloads.manifests import Manifest
from components.kubernetes.workloads.shape import (
    APPLICATION,
    NAME_LABEL,
    AwsApi,
    DataStore,
    Internet,
    KubernetesApi,
    Neighbours,
    Peer,
    Pod,
    Pods,
)
from components.network import Network
from settings.cluster import ClusterSettings

NAMESPACE_LABEL = "kubernetes.io/metadata.name"  # the API server's own, on every namespace
DNS_PORT = 53
# Where a node-local cache listens, if one is used (Kubernetes, "Using NodeLocal DNSCache").
NODE_DNS = "169.254.20.10/32"
# EKS user guide, "Pod Identity": the agent on each node.
IDENTITY_AGENT, IDENTITY_PORT = "169.254.170.23/32", 80
HTTPS_PORT = 443
STORE_PORTS = {"database": DATABASE_PORT, "cache": CACHE_PORT}
# RFC 1918 and 6598, link-local (IMDS), loopback: never the internet, whoever routes there.
NOT_INTERNET = (
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
)
# What may be reached without knowing the application's declarations.
OutsidePeer = DataStore | Internet | AwsApi | KubernetesApi | Neighbours
PROMETHEUS = {NAME_LABEL: "prometheus"}


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where what is no pod of ours lives: blocks as "10.0.0.0/16", the API server's address.

    monitoring: Prometheus' namespace. api_server: the Service `kubernetes`, without a mask.
    """

    namespace: str
    network: str
    private: tuple[str, ...]
    data: tuple[str, ...]
    api_server: str
    monitoring: str = "monitoring"


def places(network: Network, cluster: ClusterSettings, *, monitoring: str) -> Places:
    """The places of this deployment; the API server has the services' first address."""
    return Places(
        namespace=cluster.namespace,
        network=network.cidr,
        private=network.private_cidrs,
        data=network.data_cidrs,
        api_server=str(next(IPv4Network(cluster.service_cidr).hosts())),
        monitoring=monitoring,
    )


def policies(declared: Sequence[Pod], places: Places) -> list[Manifest]:
    """Every policy of the namespace, default deny first, then by component.

    Raises ValueError: a component is declared twice; one reaches what nobody declares, or a port
    that its owner has not.
    """
    known: dict[str, Pod] = {}
    for pod in declared:
        if pod.component in known:
            raise ValueError(f"workload {pod.component} is declared twice; allowed is once")
        known[pod.component] = pod
    callers = _callers(known)
    deny = _policy(f"{APPLICATION}-default-deny", places, {}, ingress=[], egress=[])
    return [deny] + [
        _policy(
            pod.name,
            places,
            pod.labels,
            ingress=_ingress(pod, callers.get(pod.component, {}), places),
            egress=_egress(pod, known, places),
        )
        for pod in known.values()
    ]


def _callers(known: Mapping[str, Pod]) -> dict[str, dict[int, list[Pod]]]:
    """Component -> port -> who reaches it there."""
    found: dict[str, dict[int, list[Pod]]] = {}
    for pod in known.values():
        for peer in pod.reaches:
            if isinstance(peer, Pods):
                ports = found.setdefault(peer.component, {})
                ports.setdefault(_port(pod, peer, known), []).append(pod)
    return found


def _port(pod: Pod, peer: Pods, known: Mapping[str, Pod]) -> int:
    if peer.component not in known:
        raise ValueError(
            f"workload {pod.component}: it reaches {peer.component}, which nobody declares; "
            f"declared are {', '.join(sorted(known))}"
        )
    owner = known[peer.component]
    try:
        return owner.port(peer.port)
    except ValueError:
        raise ValueError(
            f"workload {pod.component}: it reaches port {peer.port} of {peer.component}, which has "
            f"{', '.join(sorted(p.name for p in owner.ports)) or 'none'}"
        ) from None


def _ingress(pod: Pod, callers: Mapping[int, Sequence[Pod]], places: Places) -> list[Manifest]:
    rules = [
        rule("from", [pods(caller.labels) for caller in of_port], [number])
        for number, of_port in callers.items()
    ]
    rules += [
        rule("from", blocks(places.private), [pod.port(entrance.port)])
        for entrance in pod.entered_by
    ]
    if pod.metrics is not None:
        prometheus = pods(PROMETHEUS, places.monitoring)
        rules.append(rule("from", [prometheus], [pod.port(pod.metrics)]))
    return rules


def _egress(pod: Pod, known: Mapping[str, Pod], places: Places) -> list[Manifest]:
    rules = [names()]
    if pod.identity:
        rules.append(identity_agent())
    return rules + [_towards(pod, peer, known, places) for peer in pod.reaches]


def _towards(pod: Pod, peer: Peer, known: Mapping[str, Pod], places: Places) -> Manifest:
    if isinstance(peer, Pods):
        number = _port(pod, peer, known)
        return rule("to", [pods(known[peer.component].labels)], [number])
    return towards(peer, places)


# -- rules, for every namespace's generator ------------------------------------------------------
def names() -> Manifest:
    """Egress to the cluster's DNS."""
    return {
        "to": [pods({"k8s-app": "kube-dns"}, "kube-system"), *blocks([NODE_DNS])],
        "ports": [{"protocol": protocol, "port": DNS_PORT} for protocol in ("UDP", "TCP")],
    }


def identity_agent() -> Manifest:
    """Egress to the agent that hands out AWS credentials."""
    return rule("to", blocks([IDENTITY_AGENT]), [IDENTITY_PORT])


def towards(peer: OutsidePeer, places: Places) -> Manifest:
    """Egress to a peer that is no workload of the application's namespace."""
    match peer:
        case DataStore():
            return rule("to", blocks(places.data), [STORE_PORTS[peer.store]])
        case Internet():
            return rule("to", [_internet(places)], peer.ports)
        case AwsApi():
            # Interface endpoints are in the private subnets, other services outside.
            return rule("to", [*blocks(places.private), _internet(places)], [HTTPS_PORT])
        case KubernetesApi():
            # The Service's address, and the interfaces behind it.
            served = blocks([f"{places.api_server}/32", *places.private])
            return rule("to", served, [HTTPS_PORT])
        case Neighbours():
            return rule("to", [pods(peer.labels, peer.namespace)], peer.ports)


def _internet(places: Places) -> Manifest:
    own = IPv4Network(places.network)
    inside = any(own.subnet_of(IPv4Network(block)) for block in NOT_INTERNET)
    excepted = [*NOT_INTERNET, *([] if inside else [places.network])]
    return {"ipBlock": {"cidr": "0.0.0.0/0", "except": excepted}}


def blocks(cidrs: Sequence[str]) -> list[Manifest]:
    """Peers by address."""
    return [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]


def pods(labels: Mapping[str, str], namespace: str | None = None) -> Manifest:
    """Pods of another namespace are both selectors in one entry; two entries would mean "or"."""
    chosen: Manifest = {"podSelector": {"matchLabels": dict(labels)}}
    if namespace is not None:
        chosen["namespaceSelector"] = {"matchLabels": {NAMESPACE_LABEL: namespace}}
    return chosen


def rule(direction: str, peers: Sequence[Manifest], ports: Sequence[int]) -> Manifest:
    """One rule on TCP ports, `from` or `to`. Raises ValueError: it would let everybody in."""
    if not peers or not ports:
        # An empty list means everybody (Kubernetes API, NetworkPolicyIngressRule).
        raise ValueError("a network policy's rule without a peer or a port; allowed is one or more")
    return {
        direction: list(peers),
        "ports": [{"protocol": "TCP", "port": port} for port in ports],
    }


def _policy(
    name: str,
    places: Places,
    labels: Mapping[str, str],
    *,
    ingress: list[Manifest],
    egress: list[Manifest],
) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": name,
            "namespace": places.namespace,
            "labels": dict(labels) or {NAME_LABEL: APPLICATION},
        },
        "spec": {
            "podSelector": {"matchLabels": dict(labels)} if labels else {},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": ingress,
            "egress": egress,
        },
    }


@dataclass(frozen=True, kw_only=True)
class NetworkPoliciesArgs:
    """
    namespace: the application's, as the ground made it. declared: every workload and task there.
    monitoring: the namespace of Prometheus.
    """

    context: Context
    namespace: pulumi.Input[str]
    network: Network
    cluster: ClusterSettings
    declared: Sequence[Pod]
    monitoring: str = "monitoring"


class NetworkPolicies(pulumi.ComponentResource):
    """Every policy of one namespace. No pod waits for them: they know all that is declared."""

    def __init__(
        self, name: str, args: NetworkPoliciesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:NetworkPolicies", name, None, opts)
        where = places(args.network, args.cluster, monitoring=args.monitoring)
        made = policies(args.declared, where)
        for policy in made:
            self._made(name, policy, args.namespace)
        self.register_outputs({"policies": len(made)})

    def _made(self, name: str, policy: Manifest, namespace: pulumi.Input[str]) -> None:
        about: Any = {**policy["metadata"], "namespace": namespace}
        called = policy["metadata"]["name"].removeprefix(f"{APPLICATION}-")
        kubernetes.networking.v1.NetworkPolicy(
            f"{name}-{called}",
            metadata=about,
            spec=policy["spec"],
            opts=pulumi.ResourceOptions(parent=self),
        )
