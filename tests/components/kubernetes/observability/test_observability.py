"""What Prometheus, Alertmanager and Grafana find in the cluster. MON-04, MON-08, MON-10."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from components.kubernetes.observability.alerting import alertmanager_config
from components.kubernetes.observability.observability import (
    Observability,
    ObservabilityArgs,
)
from tests.components.kubernetes.observability.alert_cases import POOLER, SETTINGS, alarms, database
from tests.components.kubernetes.observability.test_alerting import TOPICS
from tests.neighbours import known, neighbour
from tests.recorder import REGION, SECRET, Recorder, once, record

RULE = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
KUBERNETES_SECRET = "kubernetes:core/v1:Secret"
PAGER = "https://pager.example/canary-5f1c"


@once
def built(pager: bool = False) -> Recorder:
    def program() -> None:
        config = alertmanager_config(
            SETTINGS, TOPICS, region=REGION, place="arches test", pager=pager
        )
        alerting: Any = neighbour(config=known(config), pager=pager)  # type: ignore[arg-type]
        Observability(
            "observability",
            ObservabilityArgs(
                settings=SETTINGS,
                alarms=alarms(),
                pooler=POOLER,
                database=database(),
                alerting=alerting,
                application="production",
                workloads=(),
            ),
        )

    return record(program)


def test_every_group_is_a_rule_object_that_the_operator_finds():
    rules = built().of(RULE)
    assert len(rules) == 13
    names = [rule.inputs["metadata"]["name"] for rule in rules]
    assert names[0] == "archesai", "the guide's name (MON-04)"
    for rule in rules:
        assert rule.inputs["metadata"]["namespace"] == "monitoring"
        (group,) = rule.inputs["spec"]["groups"]
        assert group["rules"]


def test_alertmanagers_configuration_is_where_the_operator_looks():
    secret = built().one(KUBERNETES_SECRET).inputs
    assert secret["metadata"]["name"] == "alertmanager-config"
    assert secret["metadata"]["namespace"] == "monitoring"
    assert list(secret["stringData"]) == ["alertmanager.yaml"]
    assert yaml.safe_load(secret["stringData"]["alertmanager.yaml"])["receivers"]


def test_the_pagers_address_is_a_file_beside_it_and_never_in_clear(
    monkeypatch: pytest.MonkeyPatch,
):
    import pulumi

    monkeypatch.setattr(
        "components.kubernetes.observability.observability.secret_value",
        lambda name: pulumi.Output.secret(PAGER if name == "pagerUrl" else ""),
    )
    secret = built(pager=True).one(KUBERNETES_SECRET)
    assert secret.inputs["stringData"]["pager-url"] == PAGER
    assert PAGER not in json.dumps(secret.clear)
    assert secret.clear["stringData"] == SECRET or SECRET in secret.clear["stringData"].values()


def test_each_dashboard_is_a_config_map_that_the_sidecar_finds():
    boards = built().of(CONFIG_MAP)
    assert len(boards) == 6
    for board in boards:
        assert board.inputs["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert board.inputs["metadata"]["annotations"] == {"grafana_folder": "Arches"}
        ((name, text),) = board.inputs["data"].items()
        assert name == f"{json.loads(text)['uid']}.json"
        assert len(text) < 200_000, "client-side tools fail above 262,144 bytes"


def test_a_component_says_how_many_rules_it_made():
    (component,) = built().components
    groups = [rule.inputs["spec"]["groups"][0]["rules"] for rule in built().of(RULE)]
    assert component.outputs == {"rules": sum(map(len, groups))}
