"""What breaks network policies."""

from __future__ import annotations

from tests.policies.mutation import Mutant, add, drop, put

_POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
_API, _GATEWAY, _DUMPS = (f"platform-network-{each}" for each in ("api", "gateway", "dumps"))
_BLACKBOX = "platform-operators-namespaces-monitoring-blackbox-exporter"
_SPARED = "spec.egress.1.to.0.ipBlock.except"

_MORE = "it opens a store's port to more than named pods"
_EVERY_POD = "it admits every pod of the cluster"
_POOLER = "platform-network-pooler"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="network-policy-store-by-labels",
        title="every pod of the namespace",
        change=put(_POLICY, "spec.ingress.0.from", [{"podSelector": {}}], _POOLER),
        says=(_MORE,),
    ),
    Mutant(
        rule="network-policy-store-by-labels",
        title="every address of the nodes",
        change=put(
            _POLICY, "spec.ingress.0.from", [{"ipBlock": {"cidr": "10.20.0.0/19"}}], _POOLER
        ),
        says=(_MORE,),
    ),
    Mutant(
        rule="network-policy-store-by-labels",
        title="everybody",
        change=drop(_POLICY, "spec.ingress.0.from", _POOLER),
        says=(_MORE,),
    ),
    Mutant(
        rule="network-policy-no-open-ingress",
        title="a policy inside a List",
        change=add(
            "kubernetes:core/v1:List",
            "list",
            {
                "kind": "List",
                "items": [
                    {
                        "kind": "NetworkPolicy",
                        "metadata": {"name": "open", "namespace": "production"},
                        "spec": {"ingress": [{}]},
                    }
                ],
            },
        ),
        says=("NetworkPolicy open: it admits everybody",),
    ),
    Mutant(
        rule="network-policy-no-open-ingress",
        title="everybody",
        change=drop(_POLICY, "spec.ingress.0.from", _API),
        says=("it admits everybody",),
    ),
    Mutant(
        rule="network-policy-no-open-ingress",
        title="an empty list, which is everybody",
        change=put(_POLICY, "spec.ingress.0.from", [], _API),
        says=("it admits everybody",),
    ),
    Mutant(
        rule="network-policy-no-open-ingress",
        title="the internet",
        change=put(_POLICY, "spec.ingress.0.from.0.ipBlock.cidr", "0.0.0.0/0", _GATEWAY),
        says=("it admits 0.0.0.0/0",),
    ),
    *(
        Mutant(
            rule="network-policy-no-open-ingress",
            title=title,
            change=put(_POLICY, "spec.ingress.0.from", [peer], _API),
            says=(says,),
        )
        for title, peer, says in (
            ("every namespace", {"namespaceSelector": {}}, _EVERY_POD),
            ("every pod", {"namespaceSelector": {}, "podSelector": {}}, _EVERY_POD),
            ("a cloud", {"ipBlock": {"cidr": "3.0.0.0/8"}}, "it admits 3.0.0.0/8"),
        )
    ),
    *(
        Mutant(
            rule="network-policy-egress-no-private",
            title=f"a way to {block}",
            change=put(_POLICY, "spec.egress.0.to", [{"ipBlock": {"cidr": block}}], _API),
            says=(says,),
        )
        for block, says in (
            *(
                (block, f"its way to {block} leads to services of the node")
                for block in (
                    *("169.254.169.254/32", "169.254.0.0/16", "169.254.170.0/24"),
                    *("fd00:ec2::254/128", "fd00:ec2::/64"),
                )
            ),
            ("169.0.0.0/8", "its way to the internet also leads to 169.254.169.254"),
            ("::/0", "its way to the internet also leads to fc00::/7, fd00:ec2::254"),
        )
    ),
    Mutant(
        rule="network-policy-egress-no-private",
        title="everywhere",
        change=put(_POLICY, "spec.egress", [{}], _API),
        says=("it lets pods out to everywhere, private addresses too",),
    ),
    Mutant(
        rule="network-policy-egress-no-private",
        title="nothing excepted",
        change=drop(_POLICY, _SPARED, _BLACKBOX),
        says=(
            "its way to the internet also leads to 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, "
            "169.254.169.254",
        ),
    ),
    Mutant(
        rule="network-policy-egress-no-private",
        title="the node's metadata not excepted",
        change=put(_POLICY, _SPARED, ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"], _BLACKBOX),
        says=("its way to the internet also leads to 169.254.169.254",),
    ),
    Mutant(
        rule="network-policy-egress-no-private",
        title="our own network not excepted",
        change=put(
            _POLICY, _SPARED, ["169.254.169.254/32", "172.16.0.0/12", "192.168.0.0/16"], _BLACKBOX
        ),
        says=("its way to the internet also leads to 10.0.0.0/8",),
    ),
    Mutant(
        rule="network-policy-ports-named",
        title="every port of the data subnets",
        change=drop(_POLICY, "spec.egress.2.ports", _API),
        says=("egress opens every port for 10.20.224.0/22, 10.20.228.0/22, 10.20.232.0/22",),
    ),
    Mutant(
        rule="network-policy-ports-named",
        title="every port of the gateway",
        change=drop(_POLICY, "spec.ingress.0.ports", _GATEWAY),
        says=("ingress opens every port for 10.20.0.0/19, 10.20.32.0/19, 10.20.64.0/19",),
    ),
    Mutant(
        rule="network-policy-ports-named",
        title="every port of the internet",
        change=drop(_POLICY, "spec.egress.3.ports", _DUMPS),
        says=("egress opens every port for 10.20.0.0/19, 10.20.32.0/19, 10.20.64.0/19, 0.0.0.0/0",),
    ),
)
