"""What mutants of the real stacks cannot say about rules of logs, alarms and governance."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rules.adapter import findings, joined
from rules.model import ROOT, UNKNOWN, Item, NotApplicable, Props, Rule, StackRule
from rules.observability import governance, observability, prometheus, trail

from tests.policies.real import stack_of

_ALL = (*observability.RULES, *prometheus.RULES, *governance.RULES, *trail.RULES)
_RULES = {each.name: each for each in _ALL}
_ACCOUNT = (
    *("cloudtrail-made", "guardduty-made", "config-made", "access-analyzer-made"),
    "ebs-default-made",
)
_ROOT = Item(type=ROOT, name="arches-test", urn="urn:root", props=Props({}))


def _item(type_: str, name: str, props: dict[str, Any], **links: Item) -> Item:
    return Item(
        type=type_,
        name=name,
        urn=f"urn:{name}",
        props=Props(props),
        links={key: frozenset({item.urn}) for key, item in links.items()},
    )


def _said(rule: str, props: dict[str, Any]) -> list[str]:
    found = _RULES[rule]
    assert isinstance(found, Rule)
    return [each.text.removesuffix(f"; {found.fix}") for each in findings(found, Props(props))]


def _joined(rule: str, *items: Item) -> list[str]:
    found = _RULES[rule]
    assert isinstance(found, StackRule)
    return [said.text.removesuffix(f"; {found.fix}") for _, said in joined(found, stack_of(items))]


@pytest.mark.parametrize("rule", _ACCOUNT)
@pytest.mark.parametrize(("serves", "findings_"), [("true", 1), ("false", 0)])
def test_the_account_is_watched_by_the_environment_that_serves_customers(
    rule: str, serves: str, findings_: int
) -> None:
    tags = json.dumps({"tags": {"serves-customers": serves}})
    aws = _item("pulumi:providers:aws", "aws", {"defaultTags": tags})
    assert len(_joined(rule, _ROOT, aws)) == findings_


def test_keys_of_ours_count_before_their_arns_are_known() -> None:
    assert _said("log-group-encrypted", {"kmsKeyId": UNKNOWN}) == []
    assert _said("topic-encrypted", {"kmsMasterKeyId": UNKNOWN}) == []
    assert _said("cloudtrail-encrypted", {"kmsKeyId": UNKNOWN}) == []


def test_an_alarm_rings_before_its_topic_is_known() -> None:
    assert _said("alarm-rings", {"alarmActions": [UNKNOWN]}) == []


def test_a_topic_without_alarms_needs_no_listener() -> None:
    topic = _item(observability.TOPIC, "heartbeat", {})
    assert _joined("topic-heard", topic) == []
    alarm = _item(observability.ALARM, "alarm", {}, alarmActions=topic)
    assert _joined("topic-heard", topic, alarm) == ["1 alarms ring here and nobody listens"]


def test_a_topic_may_be_for_a_role_of_its_own_account() -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:role/alertmanager"},
        "Action": "sns:Publish",
        "Resource": "arn:aws:sns:eu-central-1:111122223333:critical",
    }
    policy = {"policy": json.dumps({"Statement": statement})}
    assert _said("topic-not-public", policy) == []


def test_every_recorder_that_keeps_evidence_of_nothing_may_forget_in_a_month() -> None:
    tags = json.dumps({"tags": {"serves-customers": "true"}})
    aws = _item("pulumi:providers:aws", "aws", {"defaultTags": tags})
    slow = _item(observability.LOG_GROUP, "slow", {"name": "/cache/slow", "retentionInDays": 30})
    assert _joined("log-group-evidence-kept", aws, slow) == []


def test_data_events_beside_management_events_are_no_hole() -> None:
    selectors = [
        {"fieldSelectors": [{"field": "eventCategory", "equals": [category]}]}
        for category in ("Data", "Management")
    ]
    assert _said("cloudtrail-management-events", {"advancedEventSelectors": selectors}) == []


def test_other_charts_are_not_counted_among_the_monitoring() -> None:
    for rule in ("prometheus-interval", "prometheus-persistent", "grafana-signed-in"):
        with pytest.raises(NotApplicable, match="kube-prometheus-stack"):
            _said(rule, {"chart": "loki"})


def test_the_monitoring_chart_without_any_value_breaks_every_rule_about_it() -> None:
    told = {
        rule: len(_said(rule, {"chart": "kube-prometheus-stack"}))
        for rule in (
            *("prometheus-loads-ours", "prometheus-interval", "prometheus-persistent"),
            *("alertmanager-config-secret", "grafana-signed-in"),
        )
    }
    assert told == {
        "prometheus-loads-ours": 4,
        "prometheus-interval": 2,
        "prometheus-persistent": 3,
        "alertmanager-config-secret": 1,
        "grafana-signed-in": 1,
    }, "a default of the chart would pass unseen"


def test_an_alert_of_the_application_does_for_the_alarm_on_its_balancer() -> None:
    """Once the application has metrics of its own, the guide's alerts take over (A5)."""
    rules = [{"alert": name} for name in prometheus.GUIDE]
    own = _item(prometheus.ALERTS, "own", {"spec": {"groups": [{"rules": rules}]}})
    assert _joined("guide-alerts", _ROOT, own) == []


def test_a_cluster_without_prometheus_needs_no_heartbeat() -> None:
    assert _joined("heartbeat", _ROOT) == []


def test_what_nobody_names_metrics_needs_no_monitor() -> None:
    pod = {"spec": {"containers": [{"name": "a", "ports": [{"name": "http"}]}]}}
    web = _item(
        "kubernetes:apps/v1:Deployment",
        "web",
        {"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": pod}},
    )
    assert _joined("workload-monitored", web) == []
