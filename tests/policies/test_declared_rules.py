"""What the cluster's rules join by names and labels, where joins are easily wrong."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

import pytest
from rules.adapter import joined
from rules.declared import Cluster, cluster, selects
from rules.guardrails import peers
from rules.guardrails.access import Power, powers_of, wildcards_of
from rules.model import UNKNOWN, Item, Props, Rule, Stack, StackRule
from rules.releases import chart_doors, chart_pods, releases
from rules.releases.charts import CHARTS, mappings
from rules.workloads import workloads

from components.kubernetes.operators import releases as installed
from components.kubernetes.operators.releases import Chart
from tests.policies.real import stack_of
from tests.policies.real import told as all_told

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


def item(type_: str, name: str, props: dict[str, Any]) -> Item:
    kind = type_.rpartition(":")[2]
    return Item(
        type=type_, name=name, urn=f"urn::{type_}::{name}", props=Props({"kind": kind} | props)
    )


def policy(name: str, **spec: Any) -> Item:
    return item(POLICY, name, {"metadata": {"name": name, "namespace": "a"}, "spec": spec})


def space(name: str = "a") -> Item:
    return item("kubernetes:core/v1:Namespace", name, {"metadata": {"name": name}})


def told(rules: Any, name: str, *items: Item) -> list[str]:
    rule = next(each for each in rules.RULES if each.name == name)
    assert isinstance(rule, StackRule)
    return [said.text.removesuffix(f"; {rule.fix}") for _, said in joined(rule, stack_of(items))]


@pytest.mark.parametrize(
    ("operator", "values", "taken"),
    [
        ("In", ["api"], True),
        ("In", ["web"], False),
        ("NotIn", ["api"], False),
        ("NotIn", ["web"], True),
        ("Exists", None, True),
        ("DoesNotExist", None, False),
    ],
)
def test_a_selector_takes_what_the_api_server_would(
    operator: str, values: list[str] | None, taken: bool
) -> None:
    expression = {"key": "app", "operator": operator, "values": values}
    assert selects(Props({"matchExpressions": [expression]}), {"app": "api"}) is taken


def test_an_empty_selector_takes_all_and_none_takes_nothing() -> None:
    assert selects(Props({}), {"app": "api"})
    assert not selects(None, {"app": "api"})


def test_a_namespace_may_be_closed_by_two_policies_one_for_each_way() -> None:
    both = (
        policy("in", podSelector={}, policyTypes=["Ingress"]),
        policy("out", podSelector={}, policyTypes=["Egress"], egress=[]),
    )
    assert told(peers, "namespace-default-deny", space(), *both) == []


def test_a_policy_of_another_namespace_closes_nothing_here() -> None:
    everything = policy("all", podSelector={}, policyTypes=["Ingress", "Egress"])
    assert len(told(peers, "namespace-default-deny", space("b"), everything)) == 2


def test_an_object_whose_name_is_not_known_hides_no_other() -> None:
    nameless = item(POLICY, "x", {"metadata": {"name": UNKNOWN, "namespace": "a"}})
    stack = stack_of((nameless, policy("all", podSelector={})))
    assert [each.name for each in cluster(stack).of("NetworkPolicy")] == ["all"]


def test_the_cluster_is_indexed_once_for_all_rules() -> None:
    stack = stack_of((space(),))
    assert cluster(stack) is cluster(stack)
    assert isinstance(cluster(stack), Cluster)


def test_a_budget_by_expressions_alone_guards_its_pods() -> None:
    labels = {"app": "queue"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": []}}
    owner = item(
        "kubernetes:apps/v1:StatefulSet",
        "queue",
        {"metadata": {"name": "queue", "namespace": "a"}, "spec": {"template": pod}},
    )
    expression = {"key": "app", "operator": "In", "values": ["queue"]}
    budget = item(
        "kubernetes:policy/v1:PodDisruptionBudget",
        "queue",
        {
            "metadata": {"name": "queue", "namespace": "a"},
            "spec": {"selector": {"matchExpressions": [expression]}},
        },
    )
    assert told(workloads, "workload-has-budget", owner, budget) == []


def _rule(*verbs: str, group: str = "", resource: str = "secrets", **more: Any) -> Props:
    said = {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}
    return Props(said | more)


_READ = Power(group="", resources=("secrets",), verbs=frozenset({"get", "list", "watch"}))


@pytest.mark.parametrize(
    ("rule", "granted"),
    [
        (_rule("get"), ["secrets"]),
        (_rule("*"), ["secrets"]),
        (_rule("list", group="*", resource="*"), ["secrets"]),
        (_rule("get", resourceNames=["one"]), []),
        (_rule("list", resourceNames=["one"]), ["secrets"]),
        (_rule("create"), []),
        (_rule("get", group="apps"), []),
        (_rule("get", resource="configmaps"), []),
    ],
)
def test_a_power_is_granted_as_the_api_server_would(rule: Props, granted: list[str]) -> None:
    assert powers_of([rule], _READ) == granted


def test_a_wildcard_for_addresses_is_one() -> None:
    assert wildcards_of([Props({"nonResourceURLs": ["*"], "verbs": ["get"]})]) == [
        "nonResourceURLs"
    ]


def _charts() -> dict[str, str]:
    found: dict[str, str] = {}
    for each in pkgutil.iter_modules(installed.__path__):
        module = import_module(f"{installed.__name__}.{each.name}")
        for value in vars(module).values():
            if isinstance(value, Chart):
                found[value.name] = value.repository
    return found


def test_every_chart_of_the_program_has_a_row_and_no_row_is_left_over() -> None:
    assert {name: chart.repository for name, chart in CHARTS.items()} == _charts(), (
        "a chart that the pack does not know is refused, and one that is gone proves nothing"
    )


def test_values_that_are_not_known_hide_no_others() -> None:
    release = Props({"values": {"bucket": UNKNOWN, "list": [UNKNOWN, {"service": {"type": "x"}}]}})
    assert [path for path, _ in mappings(release)] == ["", "list.1", "list.1.service"]


@pytest.mark.parametrize(
    "values",
    [
        {"service": {"type": "ClusterIP", "externalIPs": [], "loadBalancerIP": ""}},
        {"prometheus": {"thanosServiceExternal": {"enabled": False}}},
        {"prometheus": {"thanosServiceExternal": {"enabled": True, "type": "ClusterIP"}}},
        {"ingress": {"enabled": False}, "route": {"main": {"enabled": False}}},
        {"networkPolicy": {"enabled": True, "ingress": True}, "gateway": {"enabled": True}},
        {"alertmanager": {"config": {"route": {"receiver": "page", "routes": []}}}},
        {"controller": {"type": "statefulset"}, "storage": {"type": "s3"}},
        {"extraObjects": [], "extraManifests": {}, "extraDeploy": "", "extraContainers": []},
        {"additionalDataSources": [{"type": "loki"}], "hostPort": 0, "hostPorts": {"http": ""}},
    ],
    ids=str,
)
def test_a_value_that_opens_nothing_is_no_finding(values: dict[str, Any]) -> None:
    it = item("kubernetes:helm.sh/v3:Release", "it", {"chart": "it", "values": values})
    rules = (each for each in (*chart_doors.RULES, *chart_pods.RULES) if isinstance(each, Rule))
    said = [(rule.name, each.text) for rule in rules for _, each in all_told(rule, stack_of((it,)))]
    assert said == [], "nobody could install a chart"


def test_a_release_into_a_namespace_that_is_not_known_yet_is_no_finding() -> None:
    release = item("kubernetes:helm.sh/v3:Release", "loki", {"chart": "loki", "namespace": UNKNOWN})
    assert told(releases, "release-in-declared-namespace", release) == []


def test_nothing_is_asked_of_numbers_of_pods_where_no_customer_is_served() -> None:
    one = item(
        "kubernetes:apps/v1:Deployment",
        "api",
        {
            "metadata": {"name": "api", "namespace": "a"},
            "spec": {"replicas": 1, "template": {"spec": {"containers": []}}},
        },
    )
    stack: Stack = stack_of((one,))
    assert not stack.serves_customers
    assert told(workloads, "workload-replicated", one) == []
