"""Namespaces that are open, pods that no policy names, Services that open doors or miss."""

from __future__ import annotations

from typing import Any

from tests.policies.mutation import Mutant, add, drop, put, several, without

_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
_SERVICE = "kubernetes:core/v1:Service"
_OURS = "base-namespace"
_ALL = "platform-network-default-deny"
_API = "platform-application-api"
_LONELY: dict[str, Any] = {
    "kind": "Pod",
    "metadata": {"name": "shell", "namespace": "production", "labels": {"app": "shell"}},
    "spec": {"containers": [{"name": "shell"}]},
}

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="namespace-default-deny",
        title="no policy for all pods",
        change=without(_POLICY, _ALL),
        says=(
            "no policy closes the ingress of all its pods",
            "no policy closes the egress of all its pods",
        ),
        at=_OURS,
    ),
    Mutant(
        rule="namespace-default-deny",
        title="only the way in is closed",
        change=put(_POLICY, "spec.policyTypes", ["Ingress"], _ALL),
        says=("no policy closes the egress of all its pods",),
        at=_OURS,
    ),
    Mutant(
        rule="namespace-default-deny",
        title="everything let out for all pods",
        change=put(_POLICY, "spec.egress", [{}], _ALL),
        says=("no policy closes the egress of all its pods",),
        at=_OURS,
    ),
    Mutant(
        rule="namespace-default-deny",
        title="the policy of all pods is one of some",
        change=put(_POLICY, "spec.podSelector", {"matchLabels": {"app": "x"}}, "*velero-default*"),
        says=(
            "no policy closes the ingress of all its pods",
            "no policy closes the egress of all its pods",
        ),
        at="platform-operators-namespaces-velero",
    ),
    Mutant(
        rule="namespace-default-deny",
        title="a namespace without policies",
        change=add(
            "kubernetes:core/v1:Namespace",
            "playground",
            {"kind": "Namespace", "metadata": {"name": "playground"}},
        ),
        says=(
            "no policy closes the ingress of all its pods",
            "no policy closes the egress of all its pods",
        ),
        at="playground",
    ),
    Mutant(
        rule="network-policy-keeps-dns",
        title="no names for the API",
        change=drop(_POLICY, "spec.egress.0", "platform-network-api"),
        says=("its pods resolve no names over TCP and UDP",),
    ),
    Mutant(
        rule="network-policy-keeps-dns",
        title="no names over UDP",
        change=drop(_POLICY, "spec.egress.0.ports.0", "platform-network-pooler"),
        says=("its pods resolve no names over UDP",),
    ),
    Mutant(
        rule="network-policy-keeps-dns",
        title="names asked in the wrong namespace",
        change=put(
            _POLICY,
            "spec.egress.0.to.0.namespaceSelector.matchLabels",
            {"kubernetes.io/metadata.name": "dns"},
            "platform-network-api",
        ),
        says=("its pods resolve no names over TCP and UDP",),
    ),
    Mutant(
        rule="pod-has-network-policy",
        title="the API without a policy of its own",
        change=without(_POLICY, "platform-network-api"),
        says=("no network policy says whom its pods may reach",),
        at=_API,
    ),
    Mutant(
        rule="pod-has-network-policy",
        title="a policy for other labels",
        change=put(
            _POLICY,
            "spec.podSelector.matchLabels",
            {"app.kubernetes.io/name": "archesai", "app.kubernetes.io/component": "dump"},
            "platform-network-dumps",
        ),
        says=("no network policy says whom its pods may reach",),
        at="platform-dumps",
    ),
    Mutant(
        rule="pod-has-network-policy",
        title="a pod of one's own",
        change=add("kubernetes:core/v1:Pod", "shell", _LONELY),
        says=("no network policy says whom its pods may reach",),
        at="shell",
    ),
    Mutant(
        rule="pod-has-network-policy",
        title="a pod in a List",
        change=add("kubernetes:v1:List", "more", {"kind": "List", "items": [_LONELY]}),
        says=("Pod shell: no network policy says whom its pods may reach",),
        at="more",
    ),
    Mutant(
        rule="service-inside",
        title="a load balancer of its own",
        change=put(_SERVICE, "spec.type", "LoadBalancer", _API),
        says=("it is a LoadBalancer",),
    ),
    Mutant(
        rule="service-inside",
        title="a port on every node, and an address from outside",
        change=several(
            put(_SERVICE, "spec.type", "NodePort", _API),
            put(_SERVICE, "spec.externalIPs", ["192.0.2.1"], _API),
        ),
        says=("it is a NodePort", "it takes addresses from outside"),
    ),
    Mutant(
        rule="service-one-workload",
        title="every pod of the application",
        change=put(_SERVICE, "spec.selector", {"app.kubernetes.io/name": "archesai"}, "*pooler"),
        says=("it sends to 11 workloads",),
    ),
    Mutant(
        rule="service-one-workload",
        title="a label that nothing has",
        change=put(_SERVICE, "spec.selector", {"app": "archesai"}, _API),
        says=("it sends to nobody",),
    ),
    Mutant(
        rule="service-one-workload",
        title="a port that nothing listens on",
        change=put(_SERVICE, "spec.ports.0.targetPort", 3001, _API),
        says=("nothing listens on 3001",),
    ),
)
