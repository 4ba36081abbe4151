"""Who reaches whom among the operators: every declared flow is open at both ends, others closed."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

import pytest

from components.kubernetes.guardrails.network_policies import Places
from components.kubernetes.guardrails.system_policies import (
    Scraped,
    SystemPods,
    policies,
)
from components.kubernetes.operators.system_pods import (
    LOGGING,
    MONITORING,
    NODES,
    OPERATORS,
    TRACING,
    VELERO,
    namespaces,
    system_pods,
)
from components.kubernetes.workloads.shape import Neighbours
from tests.components.kubernetes.operators.releases.charts import operators
from tests.settings.test_operators_settings import SIGN_IN

AT = Places(
    namespace="production",
    network="10.20.0.0/16",
    private=("10.20.32.0/19", "10.20.64.0/19"),
    data=("10.20.128.0/24",),
    api_server="172.20.0.1",
)
PODS = system_pods(operators(sealedSecrets=True), managed_cache=True)
POLICIES = policies(PODS, AT)


def pod(namespace: str, name: str) -> SystemPods:
    [found] = [each for each in PODS if (each.namespace, each.name) == (namespace, name)]
    return found


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    return selector.get("matchLabels", {}).items() <= labels.items()


def rules(end: SystemPods, direction: str) -> Iterator[dict[str, Any]]:
    """The rules of one direction that apply to these pods, by the semantics of NetworkPolicy."""
    applied = [
        each["spec"]
        for each in POLICIES
        if each["metadata"]["namespace"] == end.namespace
        and selects(each["spec"]["podSelector"], dict(end.labels))
    ]
    assert applied, "pods that no policy selects are open to everybody"
    assert all(set(spec["policyTypes"]) == {"Ingress", "Egress"} for spec in applied)
    for spec in applied:
        yield from spec.get(direction, [])


def port_fits(rule: dict[str, Any], port: int, protocol: str) -> bool:
    ports = rule.get("ports")
    return ports is None or {"protocol": protocol, "port": port} in ports


def opens(end: SystemPods, direction: str, other: SystemPods, port: int, protocol: str) -> bool:
    side = {"ingress": "from", "egress": "to"}[direction]
    return any(
        port_fits(rule, port, protocol)
        and any(
            "namespaceSelector" in peer
            and selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": other.namespace})
            and selects(peer.get("podSelector", {}), dict(other.labels))
            for peer in rule[side]
        )
        for rule in rules(end, direction)
    )


def reaches(a: SystemPods, b: SystemPods, port: int, protocol: str = "TCP") -> bool:
    return opens(a, "egress", b, port, protocol) and opens(b, "ingress", a, port, protocol)


def address(end: SystemPods, to: str, port: int) -> bool:
    """Whether these pods may send to an address."""
    wanted = ipaddress.IPv4Address(to)
    return any(
        port_fits(rule, port, "TCP")
        and any(
            "ipBlock" in peer
            and wanted in ipaddress.IPv4Network(peer["ipBlock"]["cidr"])
            and not any(
                wanted in ipaddress.IPv4Network(block)
                for block in peer["ipBlock"].get("except", [])
            )
            for peer in rule["to"]
        )
        for rule in rules(end, "egress")
    )


API, AWS, AGENT, METADATA = "172.20.0.1", "52.94.76.10", "169.254.170.23", "169.254.169.254"
DATABASE = "10.20.128.7"


def test_every_namespace_is_closed_before_anything_is_opened() -> None:
    """K8S-01, K8S-03."""
    denied = {
        each["metadata"]["namespace"]
        for each in POLICIES
        if each["metadata"]["name"] == "default-deny"
        and each["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    }
    assert denied == set(namespaces(operators()))
    assert denied == {OPERATORS, MONITORING, NODES, LOGGING, TRACING, VELERO}


def test_each_policy_has_a_name_of_its_own_in_its_namespace() -> None:
    names = [(each["metadata"]["namespace"], each["metadata"]["name"]) for each in POLICIES]
    assert len(set(names)) == len(names) == len(PODS) + 6


def test_every_pod_resolves_names() -> None:
    """K8S-08."""
    dns = SystemPods(name="dns", namespace="kube-system", labels={"k8s-app": "kube-dns"})
    for each in PODS:
        assert opens(each, "egress", dns, 53, "UDP"), each.name
        assert opens(each, "egress", dns, 53, "TCP"), each.name


def test_every_declared_flow_is_open_at_both_ends() -> None:
    flows = 0
    for each in PODS:
        for peer in each.reaches:
            if isinstance(peer, Neighbours):
                [other] = [
                    p for p in PODS if (p.namespace, p.labels) == (peer.namespace, peer.labels)
                ]
                for port in peer.ports:
                    assert reaches(each, other, port), f"{each.name} -> {other.name}:{port}"
                    flows += 1
    assert flows == 9


def test_prometheus_reaches_the_metrics_of_every_pod_and_the_nodes() -> None:
    prometheus = pod(MONITORING, "prometheus")
    assert any(isinstance(peer, Scraped) for peer in prometheus.reaches)
    scraped = [(each, port) for each in PODS for port in each.metrics]
    assert len(scraped) == 24
    for each, port in scraped:
        assert reaches(prometheus, each, port), f"{each.name}:{port} would be a target that is down"
    for port in (10250, 9100):
        assert address(prometheus, "10.20.33.4", port)


@pytest.mark.parametrize(
    ("namespace", "name", "port"),
    [
        (OPERATORS, "aws-load-balancer-controller", 9443),
        (OPERATORS, "external-secrets-webhook", 10250),
        (MONITORING, "prometheus-operator", 10250),
        (OPERATORS, "sealed-secrets", 8080),
    ],
)
def test_the_api_server_reaches_each_webhook(namespace: str, name: str, port: int) -> None:
    blocks = [
        peer["ipBlock"]["cidr"]
        for rule in rules(pod(namespace, name), "ingress")
        if port_fits(rule, port, "TCP")
        for peer in rule["from"]
        if "ipBlock" in peer
    ]
    assert blocks == list(AT.private), "objects of that kind could no longer be written"


def test_members_of_a_cluster_find_each_other() -> None:
    for name, namespace, port, protocols in (
        ("alertmanager", MONITORING, 9094, ("TCP", "UDP")),
        ("loki", LOGGING, 7946, ("TCP", "UDP")),
        ("loki", LOGGING, 9095, ("TCP",)),
        ("alloy", LOGGING, 12345, ("TCP",)),
    ):
        for protocol in protocols:
            each = pod(namespace, name)
            assert reaches(each, each, port, protocol), f"{name}: {protocol} {port}"


def test_pods_of_the_application_reach_the_collector_and_no_other_operator() -> None:
    """ENV-21."""
    api = SystemPods(name="api", namespace="production", labels={"app": "x"})
    open_ = {
        (each.name, port)
        for each in PODS
        for port in (4317, 4318, 14268, *each.metrics, *each.members)
        if opens(each, "ingress", api, port, "TCP")
    }
    assert open_ == {("opentelemetry-collector", port) for port in (4317, 4318, 14268)}


def test_who_calls_aws_reaches_it_and_the_agent_for_credentials() -> None:
    calling = {each.name for each in PODS if address(each, AGENT, 80)}
    assert calling == {
        "alertmanager",
        "aws-load-balancer-controller",
        "cluster-autoscaler",
        "external-secrets",
        "loki",
        "velero",
    }
    assert all(address(each, AWS, 443) for each in PODS if each.name in calling)


def test_nobody_reaches_the_nodes_credentials() -> None:
    for each in PODS:
        assert not address(each, METADATA, 80), each.name
        assert not address(each, METADATA, 443), each.name


def test_only_its_exporter_reaches_a_store() -> None:
    """K8S-06, K8S-07: blocks, since neither is a pod."""
    assert {each.name for each in PODS if address(each, DATABASE, 5432)} == {"postgres-exporter"}
    assert {each.name for each in PODS if address(each, DATABASE, 6379)} == {"redis-exporter"}


def test_who_works_with_the_api_server_reaches_its_service_and_its_interfaces() -> None:
    without = {each.name for each in PODS if not address(each, API, 443)}
    assert without == {
        "alertmanager",
        "blackbox-exporter",
        "jaeger",
        "loki",
        "node-exporter",
        "opentelemetry-collector",
        "postgres-exporter",
        "redis-exporter",
    }
    for each in PODS:
        if each.name not in without:
            assert address(each, "10.20.33.4", 443), "the CNI may see the address behind it"


DENIED = [
    (a, b, port)
    for a, b, port in (
        ((MONITORING, "grafana"), (OPERATORS, "external-secrets"), 8080),
        ((MONITORING, "grafana"), (LOGGING, "loki"), 9095),
        ((MONITORING, "grafana"), (LOGGING, "alloy"), 12345),
        ((MONITORING, "blackbox-exporter"), (MONITORING, "prometheus"), 9090),
        ((MONITORING, "postgres-exporter"), (MONITORING, "alertmanager"), 9093),
        ((MONITORING, "redis-exporter"), (MONITORING, "grafana"), 3000),
        ((MONITORING, "alertmanager"), (MONITORING, "grafana"), 3000),
        ((MONITORING, "kube-state-metrics"), (MONITORING, "prometheus"), 9090),
        ((LOGGING, "alloy"), (MONITORING, "prometheus"), 9090),
        ((LOGGING, "alloy"), (OPERATORS, "external-secrets-webhook"), 10250),
        ((LOGGING, "alloy"), (LOGGING, "loki"), 9095),
        ((LOGGING, "loki"), (LOGGING, "alloy"), 12345),
        ((TRACING, "jaeger"), (TRACING, "opentelemetry-collector"), 4317),
        ((TRACING, "jaeger"), (MONITORING, "grafana"), 3000),
        ((TRACING, "opentelemetry-collector"), (TRACING, "jaeger"), 16686),
        ((TRACING, "opentelemetry-collector"), (LOGGING, "loki"), 3100),
        ((VELERO, "velero"), (MONITORING, "prometheus"), 9090),
        ((VELERO, "velero"), (OPERATORS, "external-secrets"), 8080),
        ((OPERATORS, "reloader"), (OPERATORS, "external-secrets-webhook"), 10250),
        ((OPERATORS, "external-secrets"), (OPERATORS, "external-secrets-webhook"), 10250),
        ((OPERATORS, "aws-load-balancer-controller"), (VELERO, "velero"), 8085),
        ((OPERATORS, "cluster-autoscaler"), (MONITORING, "alertmanager"), 9093),
        ((OPERATORS, "sealed-secrets"), (OPERATORS, "external-secrets"), 8080),
        ((OPERATORS, "reloader"), (LOGGING, "loki"), 3100),
    )
]


@pytest.mark.parametrize(("a", "b", "port"), DENIED)
def test_what_nobody_declared_is_closed(a: tuple, b: tuple, port: int) -> None:
    assert not reaches(pod(*a), pod(*b), port)


@pytest.mark.parametrize(
    ("name", "namespace", "to", "port"),
    [
        ("grafana", MONITORING, "203.0.113.9", 443),
        ("jaeger", TRACING, "203.0.113.9", 443),
        ("opentelemetry-collector", TRACING, "203.0.113.9", 443),
        ("reloader", OPERATORS, "203.0.113.9", 443),
        ("postgres-exporter", MONITORING, "203.0.113.9", 443),
        ("alloy", LOGGING, "203.0.113.9", 443),
        ("blackbox-exporter", MONITORING, "10.20.33.4", 443),
        ("external-secrets", OPERATORS, "10.20.33.4", 5432),
        ("velero", VELERO, "203.0.113.9", 22),
    ],
)
def test_the_way_out_is_as_narrow_as_declared(
    name: str, namespace: str, to: str, port: int
) -> None:
    assert not address(pod(namespace, name), to, port)


def test_grafana_reaches_the_identity_provider_only_where_there_is_one() -> None:
    signed = system_pods(operators(monitoring={"grafanaSignIn": SIGN_IN}), managed_cache=True)
    [grafana] = [each for each in policies(signed, AT) if each["metadata"]["name"] == "grafana"]
    assert any("ipBlock" in peer and peer["ipBlock"]["cidr"] == "0.0.0.0/0"
               for rule in grafana["spec"]["egress"] for peer in rule["to"])  # fmt: skip


def test_what_an_environment_leaves_out_has_neither_pods_nor_a_namespace() -> None:
    small = operators(autoscaler=False, tracing={"enabled": False})
    pods = system_pods(small, managed_cache=False)
    names = {each.name for each in pods}
    assert not names & {"cluster-autoscaler", "jaeger", "redis-exporter", "sealed-secrets"}
    assert TRACING not in namespaces(small)
    assert {each["metadata"]["namespace"] for each in policies(pods, AT)} == set(namespaces(small))


def test_reaching_what_nobody_declares_is_one_clear_line() -> None:
    lost = SystemPods(
        name="lost",
        namespace="velero",
        labels={"a": "b"},
        reaches=(Neighbours(namespace="velero", labels={"c": "d"}, ports=(1234,)),),
    )
    with pytest.raises(ValueError, match=r"velero/lost reaches .*'c': 'd'.* nobody declares"):
        policies([lost], AT)


def test_a_network_outside_the_private_ranges_is_no_internet_either() -> None:
    public = Places(
        namespace="production",
        network="198.18.0.0/16",
        private=("198.18.32.0/19",),
        data=("198.18.128.0/24",),
        api_server="172.20.0.1",
    )
    [blackbox] = [
        each for each in policies(PODS, public) if each["metadata"]["name"] == "blackbox-exporter"
    ]
    [block] = [
        peer["ipBlock"]
        for rule in blackbox["spec"]["egress"]
        for peer in rule["to"]
        if peer.get("ipBlock", {}).get("cidr") == "0.0.0.0/0"
    ]
    assert "198.18.0.0/16" in block["except"]
