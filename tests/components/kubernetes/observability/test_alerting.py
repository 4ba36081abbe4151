"""Who hears of an alert, and by which right. MON-08, CHK-INFRA-06; amtool judges elsewhere."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from components.kubernetes.observability.alert_rules import alerts
from components.kubernetes.observability.alerting import (
    HEARTBEAT,
    HEARTBEAT_MINUTES,
    HEARTBEAT_PERIOD,
    NAMESPACE,
    PAGER_FILE,
    SERVICE_ACCOUNT,
    SUBJECT_LIMIT,
    Alerting,
    AlertingArgs,
    alertmanager_config,
    inhibitions,
    publish_policy,
    subject,
)
from components.kubernetes.observability.rules.model import Alert
from settings.observability import ObservabilitySettings
from tests.components.kubernetes.observability.alert_cases import SETTINGS
from tests.components.kubernetes.observability.test_alert_rules import GROUPS
from tests.neighbours import context, key, known, neighbour
from tests.recorder import ACCOUNT, REGION, Recorder, once, record

TOPICS = {
    noun: f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms-{noun}"
    for noun in ("critical", "warning", HEARTBEAT)
}
TEAM = "arn:aws:sns:eu-west-1:444455556666:application-team"


def config(settings: ObservabilitySettings = SETTINGS, pager: bool = False) -> dict[str, Any]:
    return alertmanager_config(settings, TOPICS, region=REGION, place="arches test", pager=pager)


def receiver(made: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [each for each in made["receivers"] if each["name"] == name]
    return found


# -- the document --------------------------------------------------------------------------------
def test_every_owner_has_a_receiver_for_each_severity():
    assert [each["name"] for each in config()["receivers"]] == [
        "quiet", "heartbeat",
        "application-critical", "application-warning",
        "data-critical", "data-warning",
        "platform-critical", "platform-warning",
    ]  # fmt: skip


def test_an_alert_goes_to_the_topic_of_its_severity_and_says_whose_it_is():
    (sns,) = receiver(config(), "data-critical")["sns_configs"]
    assert sns["topic_arn"] == TOPICS["critical"]
    assert sns["attributes"] == {"owner": "data", "severity": "critical"}
    assert sns["sigv4"] == {"region": REGION}, "credentials are Pod Identity's, not a key's"
    assert sns["send_resolved"] is True


def test_an_owner_may_hear_its_alerts_on_a_topic_of_its_own_in_its_own_region():
    settings = ObservabilitySettings.model_validate({"ownerTopics": {"application": TEAM}})
    first, second = receiver(config(settings), "application-warning")["sns_configs"]
    assert (first["topic_arn"], second["topic_arn"]) == (TOPICS["warning"], TEAM)
    assert second["sigv4"] == {"region": "eu-west-1"}
    assert len(receiver(config(settings), "data-warning")["sns_configs"]) == 1


def test_the_pager_hears_critical_alerts_only_and_its_address_is_no_part_of_the_document():
    made = config(pager=True)
    paged = [each["name"] for each in made["receivers"] if "webhook_configs" in each]
    assert paged == ["application-critical", "data-critical", "platform-critical"]
    (webhook,) = receiver(made, "data-critical")["webhook_configs"]
    assert webhook == {"url_file": PAGER_FILE, "send_resolved": True}
    assert "http" not in json.dumps(made), "an address holds the pager's key"


def test_the_subject_fits_for_the_longest_name_of_an_alert():
    longest = max((alert.name for alert in alerts(GROUPS)), key=len)
    text = subject("arches " + "x" * 20)
    written = text[text.index(": ") :].replace("{{ .GroupLabels.alertname }}", longest)
    written = "Alert" + written.replace("{{ .CommonLabels.severity }}", "critical")
    assert len(written) <= SUBJECT_LIMIT, "SNS refuses the whole message"
    assert written.isascii()
    assert "{{" not in written


def test_the_heartbeat_beats_in_every_period_that_is_counted():
    (beat,) = [each for each in config()["route"]["routes"] if each["receiver"] == HEARTBEAT]
    assert beat["repeat_interval"] == f"{HEARTBEAT_MINUTES}m"
    assert HEARTBEAT_MINUTES * 60 < HEARTBEAT_PERIOD, "a period without one would be an alarm"


def test_critical_alerts_are_repeated_sooner_than_warnings():
    route = config()["route"]
    assert route["repeat_interval"] == "24h"
    assert {
        each["repeat_interval"] for each in route["routes"] if "critical" in each["receiver"]
    } == {"4h"}


# -- inhibition ----------------------------------------------------------------------------------
def inhibited(source: dict[str, str], target: dict[str, str]) -> bool:
    """Alertmanager's rule: matchers of both, and equal labels, where absent is empty."""

    def matches(matchers: list[str], labels: dict[str, str]) -> bool:
        for matcher in matchers:
            name, operator, value = re.fullmatch(r'(\w+)(=~|!=|=)"(.*)"', matcher).groups()  # type: ignore[union-attr]
            got = labels.get(name, "")
            right = {
                "=": got == value,
                "!=": got != value,
                "=~": re.fullmatch(value, got) is not None,
            }
            if not right[operator]:
                return False
        return True

    return any(
        matches(rule["source_matchers"], source)
        and matches(rule["target_matchers"], target)
        and all(source.get(name, "") == target.get(name, "") for name in rule["equal"])
        for rule in inhibitions()
    )


def labels(name: str, **more: str) -> dict[str, str]:
    (alert,) = [each for each in alerts(GROUPS) if each.name == name]
    assert isinstance(alert, Alert)
    return {"alertname": name, **alert.rule()["labels"], **more}


@pytest.mark.parametrize("target", ["PodCrashLooping", "PodRestarts", "PodNotReady"])
def test_a_node_that_is_down_explains_its_own_pods_only(target: str):
    down = labels("NodeNotReady", node="n1")
    assert inhibited(down, labels(target, node="n1", pod="api-1", namespace="production"))
    assert not inhibited(down, labels(target, node="n2", pod="api-1", namespace="production"))


def test_a_critical_alert_explains_the_warnings_of_the_same_matter_about_the_same_thing():
    waits = labels("PoolWaitTooLong", namespace="production", pod="pooler-1")
    assert inhibited(waits, labels("PoolClientsWait", namespace="production", pod="pooler-1"))
    assert not inhibited(waits, labels("PoolClientsWait", namespace="production", pod="pooler-2"))
    assert not inhibited(waits, labels("HighMemoryUsage", namespace="production", pod="pooler-1"))
    full = {"namespace": "monitoring", "persistentvolumeclaim": "prometheus-0"}
    assert inhibited(labels("VolumeFull", **full), labels("VolumeFillsUp", **full))
    assert inhibited(labels("HighErrorRate", job="x"), labels("ErrorBudgetBurnsSlowly", job="x"))


def test_a_warning_explains_nothing_and_nothing_hides_a_critical_alert():
    late, old = labels("ClusterBackupLate"), labels("ClusterBackupTooOld")
    assert inhibited(old, late)
    assert not inhibited(late, old)
    assert not inhibited(labels("HighErrorRate"), labels("ErrorBudgetBurnsFast"))


def test_nothing_hides_the_heartbeat():
    beat = labels("Watchdog")
    assert not any(
        inhibited(labels(alert.name), beat) for alert in alerts(GROUPS) if alert.name != "Watchdog"
    )


# -- rights --------------------------------------------------------------------------------------
def test_alertmanager_may_publish_to_its_topics_and_nothing_else():
    document = json.loads(publish_policy(list(TOPICS.values()), "arn:key", REGION))
    publish, encrypt = document["Statement"]
    assert publish["Action"] == ["sns:Publish"]
    assert publish["Resource"] == sorted(TOPICS.values())
    assert encrypt["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert encrypt["Resource"] == "arn:key"
    assert encrypt["Condition"] == {
        "StringEquals": {"kms:ViaService": f"sns.{REGION}.amazonaws.com"}
    }


# -- the component -------------------------------------------------------------------------------
@once
def built(**changed: Any) -> Recorder:
    def program() -> None:
        Alerting(
            "alerting",
            AlertingArgs(
                context=context(),
                settings=ObservabilitySettings.model_validate(changed),
                alarms=neighbour(
                    topic_arns={noun: known(TOPICS[noun]) for noun in ("critical", "warning")}
                ),
                keys=neighbour(logs=key("logs")),
                cluster=neighbour(cluster_name=known("arches-test-cluster")),
            ),
        )

    return record(program)


def test_the_identity_belongs_to_alertmanagers_service_account():
    association = built().one("aws:eks/podIdentityAssociation:PodIdentityAssociation").inputs
    assert (association["namespace"], association["serviceAccount"]) == (NAMESPACE, SERVICE_ACCOUNT)
    policy = json.loads(built().one("aws:iam/policy:Policy").inputs["policy"])
    assert len(policy["Statement"][0]["Resource"]) == 3


def test_an_owners_topic_may_be_published_to():
    made = built(ownerTopics={"application": TEAM})
    policy = json.loads(made.one("aws:iam/policy:Policy").inputs["policy"])
    assert TEAM in policy["Statement"][0]["Resource"]


def test_silence_of_a_quarter_of_an_hour_rings_outside_the_cluster():
    alarm = built().one("aws:cloudwatch/metricAlarm:MetricAlarm").inputs
    assert alarm["namespace"] == "AWS/SNS"
    assert alarm["metricName"] == "NumberOfMessagesPublished"
    assert alarm["treatMissingData"] == "breaching", "silence is the fault itself"
    assert (alarm["period"], alarm["evaluationPeriods"], alarm["threshold"]) == (300, 3, 1)
    assert alarm["comparisonOperator"] == "LessThanThreshold"
    assert alarm["alarmActions"] == alarm["okActions"] == [TOPICS["critical"]]
    assert "docs/runbooks/heartbeat.md" in alarm["alarmDescription"]


def test_the_heartbeats_topic_is_encrypted_and_takes_tls_only():
    topic = built().one("aws:sns/topic:Topic").inputs
    assert topic["kmsMasterKeyId"].endswith("key/logs")
    (denied,) = json.loads(built().one("aws:sns/topicPolicy:TopicPolicy").inputs["policy"])[
        "Statement"
    ]
    assert denied["Effect"] == "Deny"
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
