"""Who reaches whom: every declared flow is open at both ends, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import kubernetes_validate
import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.kubernetes.guardrails.network_policies import (
    NetworkPolicies,
    NetworkPoliciesArgs,
    Places,
    places,
    policies,
)
from components.kubernetes.workloads.shape import (
    AwsApi,
    Container,
    DataStore,
    FromApiServer,
    FromLoadBalancer,
    Internet,
    KubernetesApi,
    Neighbours,
    Peer,
    Pod,
    Pods,
    Port,
    Resources,
    Task,
    Workload,
)
from settings.images import DIGEST
from tests.components.cluster_neighbours import cluster_settings
from tests.components.kubernetes.guardrails.reach import Place, allows
from tests.neighbours import context, neighbour
from tests.recorder import record

HERE = Places(
    namespace="production",
    network="10.20.0.0/16",
    private=("10.20.64.0/19", "10.20.96.0/19", "10.20.128.0/19"),
    data=("10.20.16.0/24", "10.20.17.0/24", "10.20.18.0/24"),
    api_server="172.20.0.1",
)


def container(name: str, **ports: int) -> Container:
    return Container(
        name=name,
        image="ghcr.io/archesai/archesai@sha256:" + DIGEST,
        resources=Resources(cpu="100m", memory="64Mi", memory_limit="64Mi"),
        ports=tuple(Port(name=port, number=number) for port, number in ports.items()),
    )


def workload(component: str, *reaches: Peer, ports: dict[str, int], **more: Any) -> Workload:
    return Workload(
        component=component,
        containers=(container(component, **ports),),
        reaches=reaches,
        metrics="metrics" if "metrics" in ports else None,
        **more,
    )


COLLECTOR = Neighbours(namespace="tracing", labels={"app": "collector"}, ports=(4317, 4318))
DECLARED: list[Pod] = [
    workload(
        "gateway",
        Pods(component="api", port="http"),
        Pods(component="platform", port="http"),
        ports={"http": 8080, "metrics": 9113},
        entered_by=(FromLoadBalancer(port="http"),),
    ),
    workload(
        "api",
        Pods(component="pooler", port="postgres"),
        DataStore(store="cache"),
        Pods(component="unstructured", port="http"),
        Pods(component="scraper", port="http"),
        Internet(),
        COLLECTOR,
        ports={"http": 8080, "metrics": 9090},
    ),
    workload("platform", Pods(component="api", port="http"), ports={"http": 3000}),
    workload("unstructured", ports={"http": 8000}),
    workload("scraper", Internet(ports=(80, 443)), ports={"http": 8080}),
    workload("pooler", DataStore(store="database"), ports={"postgres": 6432, "metrics": 9127}),
    workload("redis", Pods(component="redis", port="redis"), ports={"redis": 6379}),
    workload(
        "operator",
        KubernetesApi(),
        ports={"webhook": 9443},
        entered_by=(FromApiServer(port="webhook"),),
        api_access=True,
    ),
    Task(
        component="migrations",
        containers=(container("migrations"),),
        reaches=(DataStore(store="database"),),
    ),
    Task(
        component="dump",
        containers=(container("dump"),),
        reaches=(DataStore(store="database"), AwsApi()),
        schedule="0 3 * * *",
        identity=True,
    ),
]
OURS = policies(DECLARED, HERE)


# -- places of a deployment ----------------------------------------------------------------------
def pod_place(component: str, address: str = "10.20.64.20", namespace: str = "production") -> Place:
    labels = {"app.kubernetes.io/name": "archesai", "app.kubernetes.io/component": component}
    return Place(address=address, namespace=namespace, labels=labels)


PLACES = {pod.component: pod_place(pod.component, f"10.20.64.{20 + i}") for i, pod in
          enumerate(DECLARED)} | {
    "undeclared": pod_place("undeclared", "10.20.64.99"),
    "stranger": Place(address="10.20.96.7", namespace="default", labels={"app": "x"}),
    "api elsewhere": pod_place("api", "10.20.97.7", "staging"),
    "prometheus": Place(
        address="10.20.96.8",
        namespace="monitoring",
        labels={"app.kubernetes.io/name": "prometheus"},
    ),
    "grafana": Place(
        address="10.20.96.9", namespace="monitoring", labels={"app.kubernetes.io/name": "grafana"}
    ),
    "collector": Place(address="10.20.96.10", namespace="tracing", labels={"app": "collector"}),
    "dns": Place(address="10.20.96.11", namespace="kube-system", labels={"k8s-app": "kube-dns"}),
    "node dns": Place(address="169.254.20.10"),
    "controller": Place(address="10.20.96.12", namespace="kube-system", labels={"app": "lbc"}),
    "balancer": Place(address="10.20.64.5"),
    "api server": Place(address="10.20.128.5"),
    "api service": Place(address="172.20.0.1"),
    "database": Place(address="10.20.16.10"),
    "cache": Place(address="10.20.17.10"),
    "endpoint": Place(address="10.20.65.5"),
    "public subnet": Place(address="10.20.0.5"),
    "internet": Place(address="104.18.6.192"),
    "metadata": Place(address="169.254.169.254"),
    "identity agent": Place(address="169.254.170.23"),
    "office": Place(address="192.168.1.10"),
}  # fmt: skip
TCP, UDP = "TCP", "UDP"
Flow = tuple[str, str, int, str]

# What the declarations above say, written out by hand.
OPEN: list[Flow] = [
    ("balancer", "gateway", 8080, TCP),
    ("gateway", "api", 8080, TCP),
    ("gateway", "platform", 3000, TCP),
    ("platform", "api", 8080, TCP),
    ("api", "pooler", 6432, TCP),
    ("api", "cache", 6379, TCP),
    ("api", "unstructured", 8000, TCP),
    ("api", "scraper", 8080, TCP),
    ("api", "internet", 443, TCP),
    ("api", "collector", 4317, TCP),
    ("api", "collector", 4318, TCP),
    ("scraper", "internet", 80, TCP),
    ("scraper", "internet", 443, TCP),
    ("pooler", "database", 5432, TCP),
    ("migrations", "database", 5432, TCP),
    ("dump", "database", 5432, TCP),
    ("dump", "endpoint", 443, TCP),
    ("dump", "internet", 443, TCP),
    ("dump", "identity agent", 80, TCP),
    ("operator", "api service", 443, TCP),
    ("operator", "api server", 443, TCP),
    ("api server", "operator", 9443, TCP),
    ("prometheus", "api", 9090, TCP),
    ("prometheus", "gateway", 9113, TCP),
    ("prometheus", "pooler", 9127, TCP),
    *((pod.component, "dns", 53, protocol) for pod in DECLARED for protocol in (UDP, TCP)),
    *((pod.component, "node dns", 53, UDP) for pod in DECLARED),
]
CLOSED: list[Flow] = [
    # past the pooler, the gateway and the API
    ("api", "database", 5432, TCP),
    ("platform", "database", 5432, TCP),
    ("platform", "cache", 6379, TCP),
    ("platform", "pooler", 6432, TCP),
    ("gateway", "pooler", 6432, TCP),
    ("gateway", "database", 5432, TCP),
    ("gateway", "unstructured", 8000, TCP),
    ("unstructured", "api", 8080, TCP),
    ("unstructured", "database", 5432, TCP),
    ("unstructured", "internet", 443, TCP),
    ("scraper", "api", 8080, TCP),
    ("scraper", "pooler", 6432, TCP),
    ("scraper", "database", 5432, TCP),
    ("scraper", "office", 80, TCP),
    ("migrations", "pooler", 6432, TCP),
    ("migrations", "internet", 443, TCP),
    ("dump", "cache", 6379, TCP),
    # another port of a place that is open
    ("api", "cache", 5432, TCP),
    ("pooler", "database", 22, TCP),
    ("pooler", "database", 6379, TCP),
    ("api", "pooler", 5432, TCP),
    ("api", "internet", 25, TCP),
    ("gateway", "api", 3001, TCP),
    ("gateway", "api", 9090, TCP),
    ("balancer", "gateway", 9113, TCP),
    ("prometheus", "api", 8080, TCP),
    ("prometheus", "pooler", 6432, TCP),
    # the load balancer and the internet enter at the gateway only
    ("balancer", "api", 8080, TCP),
    ("balancer", "api", 9090, TCP),
    ("balancer", "platform", 3000, TCP),
    ("internet", "gateway", 8080, TCP),
    ("public subnet", "gateway", 8080, TCP),
    # credentials of the node and of others
    ("api", "metadata", 80, TCP),
    ("scraper", "metadata", 80, TCP),
    ("dump", "metadata", 80, TCP),
    ("api", "identity agent", 80, TCP),
    ("scraper", "identity agent", 80, TCP),
    # the cluster itself
    ("api", "api service", 443, TCP),
    ("api", "api server", 443, TCP),
    ("scraper", "api server", 443, TCP),
    ("scraper", "endpoint", 443, TCP),
    ("dump", "api service", 443, TCP),
    # whom nobody declared, here and in other namespaces
    ("undeclared", "dns", 53, UDP),
    ("undeclared", "api", 8080, TCP),
    ("undeclared", "pooler", 6432, TCP),
    ("undeclared", "internet", 443, TCP),
    ("api", "undeclared", 8080, TCP),
    ("stranger", "api", 8080, TCP),
    ("stranger", "pooler", 6432, TCP),
    ("api elsewhere", "pooler", 6432, TCP),
    ("grafana", "api", 9090, TCP),
    ("controller", "api", 8080, TCP),
    ("dns", "api", 8080, TCP),
    ("platform", "collector", 4317, TCP),
    ("api", "grafana", 3000, TCP),
    ("api", "stranger", 8080, TCP),
    ("redis", "internet", 443, TCP),
]  # fmt: skip


def reaches(manifests: list[dict[str, Any]], flow: Flow) -> bool:
    source, target, port, protocol = flow
    return allows(manifests, PLACES[source], PLACES[target], port, protocol)


def said(flow: Flow) -> str:
    return "{}-to-{}-{}-{}".format(*flow).replace(" ", "-")


# -- ours ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("flow", OPEN, ids=said)
def test_a_declared_flow_is_open_at_both_ends(flow: Flow):
    assert reaches(OURS, flow), "what was declared would time out"


@pytest.mark.parametrize("flow", CLOSED, ids=said)
def test_what_nobody_declared_is_closed(flow: Flow):
    assert not reaches(OURS, flow), "CHK-SEC-03"


def test_enough_flows_are_tried():
    assert len(set(CLOSED)) == len(CLOSED) >= 30
    assert not set(OPEN) & set(CLOSED)


def test_members_of_a_quorum_reach_each_other():
    other = pod_place("redis", "10.20.65.77")
    assert allows(OURS, PLACES["redis"], other, 6379)
    assert not allows(OURS, PLACES["redis"], other, 26379)


def test_each_is_one_manifest_that_kubernetes_takes_in_the_applications_namespace():
    assert len(OURS) == 1 + len(DECLARED)
    for each in OURS:
        assert each["metadata"]["namespace"] == "production", "K8S-01: it would protect nothing"
        assert each["spec"]["policyTypes"] == ["Ingress", "Egress"], "K8S-03"
        kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)


def test_every_rule_names_peers_and_ports_since_none_means_all():
    for each in OURS:
        for rule in each["spec"]["ingress"]:
            assert rule["from"], each["metadata"]["name"]
            assert rule["ports"], each["metadata"]["name"]
        for rule in each["spec"]["egress"]:
            assert rule["to"], each["metadata"]["name"]
            assert rule["ports"], each["metadata"]["name"]


def test_the_selectors_are_those_of_the_services():
    """amazon-network-policy-controller-k8s#224: otherwise a Service's own address stays closed."""
    egress = next(p for p in OURS if p["metadata"]["name"] == "archesai-gateway")["spec"]["egress"]
    chosen = [peer["podSelector"]["matchLabels"] for rule in egress[1:] for peer in rule["to"]]
    assert chosen == [dict(pod.labels) for pod in DECLARED if pod.component in ("api", "platform")]


def test_a_network_outside_the_private_ranges_is_no_internet_either():
    outside = replace(HERE, network="198.18.0.0/16")
    found = policies([workload("api", Internet(), ports={"http": 8080})], outside)
    blocks = found[1]["spec"]["egress"][1]["to"][0]["ipBlock"]["except"]
    assert "198.18.0.0/16" in blocks


def test_the_places_are_the_deployments_own():
    network = neighbour(cidr="10.20.0.0/16", private_cidrs=HERE.private, data_cidrs=HERE.data)
    found = places(network, cluster_settings(), monitoring="monitoring")
    assert found == HERE, "the API server answers at the first address of the services' block"


# -- what is refused -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("declared", "line"),
    [
        (
            [workload("api", Pods(component="pooler", port="postgres"), ports={"http": 8080})],
            r"workload api: it reaches pooler, which nobody declares; declared are api$",
        ),
        (
            [
                workload("api", Pods(component="pooler", port="sql"), ports={"http": 8080}),
                workload("pooler", ports={"postgres": 6432}),
            ],
            r"workload api: it reaches port sql of pooler, which has postgres$",
        ),
        (
            [workload("api", ports={"http": 8080}), workload("api", ports={"http": 8081})],
            r"workload api is declared twice; allowed is once$",
        ),
    ],
)
def test_a_declaration_that_leads_nowhere_is_refused_with_one_line(declared: list[Pod], line: str):
    with pytest.raises(ValueError, match=line):
        policies(declared, HERE)


@pytest.mark.parametrize("missing", ["data", "private"])
def test_a_rule_that_would_mean_everybody_is_refused(missing: str):
    with pytest.raises(ValueError, match=r"rule without a peer or a port; allowed is one or more"):
        policies(DECLARED, replace(HERE, **{missing: ()}))


# -- the guide's own -----------------------------------------------------------------------------
NGINX = {"app.kubernetes.io/name": "nginx-ingress"}
GUIDE: dict[str, Any] = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "archesai-network-policy"},
    "spec": {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "archesai"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {
                "from": [{"podSelector": {"matchLabels": NGINX}}],
                "ports": [{"protocol": "TCP", "port": 3001}],
            }
        ],
        "egress": [
            {"to": [{"podSelector": {"matchLabels": {
                "app.kubernetes.io/name": "archesai", "app.kubernetes.io/component": store}}}]}
            for store in ("postgres", "redis")
        ],
    },
}  # fmt: skip


def test_the_guides_policy_protects_nothing_where_it_lands():
    assert reaches([GUIDE], ("stranger", "api", 8080, TCP)), "K8S-01: it names no namespace"
    assert reaches([GUIDE], ("internet", "pooler", 6432, TCP)), "K8S-01"


@pytest.mark.parametrize(
    ("flow", "row"),
    [
        (("gateway", "platform", 3000, TCP), "K8S-02: the label is on every pod"),
        (("gateway", "api", 8080, TCP), "K8S-04: the gateway is no nginx-ingress"),
        (("balancer", "gateway", 8080, TCP), "K8S-04: a load balancer is no pod"),
        (("prometheus", "api", 9090, TCP), "K8S-09: no way in for Prometheus"),
        (("pooler", "database", 5432, TCP), "K8S-06: RDS is no pod"),
        (("api", "pooler", 6432, TCP), "K8S-06: the pooler is no postgres"),
        (("api", "cache", 6379, TCP), "K8S-07: ElastiCache is no pod"),
        (("api", "dns", 53, UDP), "K8S-08: no name resolves"),
        (("api", "internet", 443, TCP), "K8S-09: OpenAI and Sentry"),
        (("api", "collector", 4318, TCP), "K8S-09: its own tracing endpoint"),
    ],
)
def test_where_the_guides_policy_binds_it_is_an_outage(flow: Flow, row: str):
    bound = {**GUIDE, "metadata": {**GUIDE["metadata"], "namespace": "production"}}
    assert not reaches([bound], flow), row
    assert reaches(OURS, flow), row


def test_the_guides_policy_opens_a_port_that_nobody_listens_on():
    bound = {**GUIDE, "metadata": {**GUIDE["metadata"], "namespace": "production"}}
    nginx = Place(address="10.20.64.200", namespace="production", labels=NGINX)
    assert allows([bound], nginx, PLACES["api"], 3001), "K8S-05"
    assert not allows([bound], nginx, PLACES["api"], 8080), "K8S-05: the guide's own API port"


# -- in the cluster ------------------------------------------------------------------------------
def test_every_policy_is_a_resource_in_the_namespace_that_was_made():
    def program() -> None:
        on = pulumi.ResourceOptions(providers=[kubernetes.Provider("k", kubeconfig="{}")])
        network = neighbour(cidr=HERE.network, private_cidrs=HERE.private, data_cidrs=HERE.data)
        args = NetworkPoliciesArgs(
            context=context(),
            namespace="made",
            network=network,
            cluster=cluster_settings(),
            declared=DECLARED,
        )
        NetworkPolicies("flows", args, on)

    made = record(program).of("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    assert len(made) == len(OURS)
    assert {each.inputs["metadata"]["namespace"] for each in made} == {"made"}
    assert "flows-default-deny" in {each.name for each in made}
