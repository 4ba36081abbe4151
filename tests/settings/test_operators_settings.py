"""What an environment may and may not decide about its operators."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from settings.core import line_of, refusals
from settings.environment import Environment
from settings.operators import CHART_VERSIONS, OperatorsSettings, operators_refusals


def read(values: dict[str, Any] | None = None) -> OperatorsSettings:
    return OperatorsSettings.model_validate_json(json.dumps(values or {}))


def refused(values: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        read(values)
    return refusals(OperatorsSettings, caught.value, "operators")


def test_nothing_has_to_be_said_and_the_guides_numbers_hold() -> None:
    plain = read()
    assert plain.monitoring.prometheus_replicas == 2, "MON-01: two replicas"
    assert plain.monitoring.retention_days == 15, "MON-01: retention is stated"
    assert plain.monitoring.alertmanager_replicas == 3
    assert plain.logging.retention_days == 30, "LOG-01: the guide keeps logs 30 days"
    assert plain.tracing.enabled, "ENV-21: the guide switches tracing on"
    assert not plain.sealed_secrets, "SEC-04: a choice, off by default"
    assert plain.autoscaler


def test_every_version_of_the_table_is_exact() -> None:
    assert len(CHART_VERSIONS) == 15
    for chart, version in CHART_VERSIONS.items():
        assert read({"chartVersions": {chart: version}}).chart_version(chart) == version


def test_a_version_may_be_raised_within_its_major() -> None:
    raised = read({"chartVersions": {"velero": "12.2.0"}})
    assert raised.chart_version("velero") == "12.2.0"
    assert raised.chart_version("loki") == CHART_VERSIONS["loki"]


@pytest.mark.parametrize("version", ["13.0.0", "12", "^12.1.0", "latest", "12.1.0-rc.1", "012.1.0"])
def test_another_major_or_a_range_is_refused_in_one_line(version: str) -> None:
    lines = refused({"chartVersions": {"velero": version}})
    assert len(lines) == 1, lines
    for part in ("chartVersions.velero", version, "major 12", "12.1.0"):
        assert part in lines[0], "Helm would ignore renamed keys, or upgrade unread"


def test_a_chart_that_the_program_does_not_install_is_refused_by_name() -> None:
    lines = refused({"chartVersions": {"promtail": "6.17.1"}})
    assert len(lines) == 1
    assert "promtail" in lines[0]
    assert "alloy" in lines[0]


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"replicas": 0}, "replicas"),
        ({"releaseTimeoutSeconds": 60}, "releaseTimeoutSeconds"),
        ({"monitoring": {"alertmanagerReplicas": 2}}, "monitoring.alertmanagerReplicas"),
        ({"monitoring": {"volumeGib": 5}}, "monitoring.volumeGib"),
        ({"logging": {"replicas": 2}}, "logging.replicas"),
        ({"logging": {"retentionDays": 31}}, "logging.retentionDays"),
        ({"tracing": {"retentionHours": 0}}, "tracing.retentionHours"),
        ({"monitoring": {"retention": 15}}, "monitoring.retention"),
    ],
)
def test_a_value_out_of_bounds_names_its_key(values: dict[str, Any], key: str) -> None:
    lines = refused(values)
    assert len(lines) == 1
    assert key in lines[0]


SIGN_IN = {
    "rootUrl": "http://localhost:3000",
    "clientId": "grafana",
    "authUrl": "https://login.example.com/authorize",
    "tokenUrl": "https://login.example.com/token",
    "userInfoUrl": "https://login.example.com/userinfo",
    "adminGroup": "platform",
    "viewerGroup": "engineering",
}


def test_sign_in_is_read_whole() -> None:
    found = read({"monitoring": {"grafanaSignIn": SIGN_IN}}).monitoring.grafana_sign_in
    assert found is not None
    assert found.client_id == "grafana"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("authUrl", "http://login.example.com/authorize"),
        ("tokenUrl", "https://user@login.example.com/token"),
        ("rootUrl", "http://grafana.example.com"),
        ("adminGroup", "it's"),
    ],
)
def test_a_sign_in_over_plain_http_or_with_a_quote_is_refused(key: str, value: str) -> None:
    lines = refused({"monitoring": {"grafanaSignIn": {**SIGN_IN, key: value}}})
    assert len(lines) == 1
    assert key in lines[0], "a password would cross the network, or the role's expression break"


def test_who_serves_customers_saves_on_no_replica() -> None:
    single = read(
        {
            "replicas": 1,
            "monitoring": {"prometheusReplicas": 1, "alertmanagerReplicas": 1},
            "logging": {"replicas": 1},
        }
    )
    lines = [
        line_of(Environment, error, "Pulumi.prod.yaml")
        for error in operators_refusals(single, serves_customers=True)
    ]
    assert len(lines) == 4
    for key in ("replicas", "prometheusReplicas", "alertmanagerReplicas", "logging.replicas"):
        assert sum(key in line for line in lines) >= 1
    assert not list(operators_refusals(single, serves_customers=False))
    assert not list(operators_refusals(read(), serves_customers=True))
