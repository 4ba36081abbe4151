"""Alarms: what each watches, whom it tells, and that none is forgotten."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.alarm_table import Watched, share_of_errors, table
from components.alarms import (
    DATABASE_EVENTS,
    GLOBAL_PUBLISHERS,
    PUBLISHERS,
    Alarms,
    AlarmsArgs,
    Event,
    events,
    measured,
    receivers,
    slug,
    topic_policy,
)
from components.context import Context
from settings.alarms import AlarmsSettings
from tests.neighbours import neighbour
from tests.recorder import ACCOUNT, REGION, Recorder, once, record

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
TOPIC = "aws:sns/topic:Topic"
POLICY = "aws:sns/topicPolicy:TopicPolicy"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
RULE = "aws:cloudwatch/eventRule:EventRule"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
DATABASE_EVENT = "aws:rds/eventSubscription:EventSubscription"


def context(region: str = REGION) -> Context:
    return Context(
        project="arches",
        stack="test",
        account_id=ACCOUNT,
        region=region,
        backup_region="eu-west-1",
        protect=True,
        serves_customers=True,
    )


def settings(**keys: Any) -> AlarmsSettings:
    least = {"critical": ["oncall@archesai.com"], "findings": True}
    return AlarmsSettings.model_validate_json(json.dumps({**least, **keys}))


def watched(**changes: Any) -> Watched:
    everything: dict[str, Any] = {
        "region": REGION,
        "database": "db",
        "usable_connections": 195,
        "cache_members": ["cache-001", "cache-002", "cache-003"],
        "balancer": "app/balancer/1",
        "target_groups": {"api": "targetgroup/api/1", "platform": "targetgroup/platform/1"},
        "balancer_acl": "acl-b",
        "cdn_acl": "acl-c",
        "distributions": {"api": "E1", "app": "E2"},
        "cluster": "arches-test-cluster",
        "node_groups": ["asg-1", "asg-2", "asg-3"],
        "vault": "vault",
        "replications": {"files": {"SourceBucket": "files", "RuleId": "everything"}},
        "balancer_certificate": "arn:aws:acm:eu-central-1:1:certificate/1",
        "cdn_certificate": "arn:aws:acm:us-east-1:1:certificate/2",
        "nat_gateways": ["nat-1"],
    }
    return Watched(**{**everything, **changes})


@once
def alarms(
    region: str = REGION,
    keys: dict[str, Any] | None = None,
    pager_url: str | None = None,
) -> Recorder:
    def key(name: str) -> Any:
        return neighbour(arn=pulumi.Output.from_input(f"arn:aws:kms:::key/{name}"))

    def group(name: str) -> Any:
        return neighbour(arn_suffix=pulumi.Output.from_input(f"targetgroup/{name}/1"))

    out = pulumi.Output.from_input

    def program() -> None:
        provider = aws.Provider("aws", region=region)
        neighbours: dict[str, Any] = {
            "keys": neighbour(logs=key("logs"), logs_global=key("logs-global")),
            "database": neighbour(identifier=out("database-1")),
            "cache": neighbour(member_ids=[out("cache-001"), out("cache-002")]),
            "cluster": neighbour(
                cluster_name=out("arches-test-cluster"),
                autoscaling_group_names=[out("asg-1")],
            ),
            "edge": neighbour(
                balancer=neighbour(
                    arn_suffix=out("app/balancer/1"), target_groups={"api": group("api")}
                ),
                firewall=neighbour(acl_names={"cdn": out("acl-c"), "balancer": out("acl-b")}),
                certificates=neighbour(balancer_arn=out("arn:b"), cdn_arn=out("arn:c")),
                cdn=neighbour(distribution_ids={"api": out("E1")}),
            ),
            "network": neighbour(nat_gateway_ids=["nat-1"]),
            "backup": neighbour(vault_name=out("vault-1"), restore_plan_arn=out("arn:test-plan")),
            "storage": neighbour(
                dumps=neighbour(replication=None),
                files=neighbour(replication={"SourceBucket": out("files")}),
                state=None,
            ),
        }
        pulumi.runtime.set_all_config(
            {"arches:pagerUrl": pager_url} if pager_url else {}, ["arches:pagerUrl"]
        )
        Alarms(
            "alarms",
            AlarmsArgs(
                context=context(region),
                settings=settings(**(keys or {})),
                database_settings=neighbour(max_connections=200, instance_class="db.m7g.large"),
                **neighbours,
            ),
            pulumi.ResourceOptions(providers=[provider]),
        )

    return record(program, recorder=Recorder(region=region))


# -- the table ------------------------------------------------------------------------------


def test_every_thing_that_the_guide_promises_has_an_alarm():
    nouns = {row.noun for row in table(settings(), watched())}
    assert nouns == {
        *(f"database-{noun}" for noun in (
            "cpu", "storage-low", "storage-critical", "memory", "connections", "write-latency",
            "disk-queue", "burst", "transaction-ids",
        )),
        *(f"cache-{n}-{noun}" for n in (1, 2, 3) for noun in (
            "cpu", "memory", "evictions", "lag", "connections", "authentication",
        )),
        "balancer-errors", "balancer-handshakes", "balancer-rejected",
        *(f"balancer-{group}-{noun}" for group in ("api", "platform") for noun in (
            "unhealthy", "down", "latency",
        )),
        "cdn-api-errors", "cdn-app-errors", "waf-cdn-blocks", "waf-balancer-blocks",
        *(f"nodes-{n}-{noun}" for n in (1, 2, 3) for noun in ("missing", "status", "cpu")),
        "cluster-pending", "cluster-errors",
        "backup-failed", "backup-copy-failed", "backup-missing", "replication-files",
        "certificate-balancer", "certificate-cdn", "nat-1-ports",
    }  # fmt: skip


def test_no_two_alarms_share_a_name():
    names = Counter(row.noun for row in table(settings(), watched()))
    assert names.most_common(1)[0][1] == 1


@pytest.mark.parametrize(
    ("noun", "metric", "threshold", "comparison", "severity"),
    [
        ("database-cpu", "CPUUtilization", 80, "GreaterThanThreshold", "warning"),
        ("database-connections", "DatabaseConnections", 156, "GreaterThanThreshold", "critical"),
        (
            "database-storage-critical",
            "FreeStorageSpace",
            8 * 1024**3,
            "LessThanThreshold",
            "critical",
        ),
        ("database-memory", "FreeableMemory", 512 * 1024**2, "LessThanThreshold", "warning"),
        ("database-write-latency", "WriteLatency", 0.02, "GreaterThanThreshold", "warning"),
        ("cache-1-lag", "ReplicationLag", 5, "GreaterThanThreshold", "critical"),
        ("balancer-api-latency", "TargetResponseTime", 1.0, "GreaterThanThreshold", "warning"),
        ("balancer-api-down", "HealthyHostCount", 1, "LessThanThreshold", "critical"),
        ("certificate-cdn", "DaysToExpiry", 30, "LessThanThreshold", "critical"),
        ("backup-missing", "NumberOfBackupJobsCompleted", 1, "LessThanThreshold", "critical"),
    ],
)
def test_a_threshold_is_what_the_guide_and_the_settings_say(
    noun, metric, threshold, comparison, severity
):
    (row,) = [row for row in table(settings(), watched()) if row.noun == noun]
    assert row.metrics["value"].name == metric
    assert (row.threshold, row.comparison, row.severity) == (threshold, comparison, severity)


def test_the_connection_alarm_is_80_percent_of_what_is_usable_not_of_what_is_configured():
    (row,) = [r for r in table(settings(), watched()) if r.noun == "database-connections"]
    assert row.threshold == 195 * 80 // 100, "at 195 logins fail, so 160 of 200 would be late"


def test_every_period_is_one_that_cloudwatch_takes():
    for row in table(settings(), watched(database_bursts=True)):
        assert row.period in (10, 30) or row.period % 60 == 0, row.noun
        assert row.period * row.periods <= (86400 if row.period < 3600 else 604800), row.noun
        assert 1 <= row.datapoints <= row.periods, row.noun


def test_every_description_fits_and_tells_a_person_what_to_do():
    for row in table(settings(), watched(database_bursts=True)):
        assert len(row.description) <= 1024, f"{row.noun}: CloudWatch cuts off"
        assert row.does.endswith("."), row.noun
        assert row.description.endswith(f"Runbook: docs/runbooks/{row.runbook}.md")


def test_silence_is_a_fault_where_silence_means_that_something_is_gone():
    rows = {row.noun: row.missing for row in table(settings(), watched())}
    assert {noun for noun, missing in rows.items() if missing == "breaching"} == {
        "database-storage-critical",
        "backup-missing",
    }


def test_credits_are_watched_only_where_the_class_has_them():
    assert "database-credits" not in {row.noun for row in table(settings(), watched())}
    bursts = table(settings(), watched(database_bursts=True))
    assert "database-credits" in {row.noun for row in bursts}


def test_parts_that_do_not_exist_have_no_alarms():
    bare = watched(
        cache_members=[],
        balancer_acl=None,
        cdn_acl=None,
        distributions={},
        nat_gateways=[],
        cdn_certificate=None,
        replications={},
    )
    kinds = {row.noun.split("-")[0] for row in table(settings(), bare)}
    assert kinds == {"database", "balancer", "nodes", "cluster", "backup", "certificate"}


def test_only_the_edge_is_watched_in_us_east_1():
    away = {row.noun for row in table(settings(), watched()) if not row.regional}
    assert away == {"cdn-api-errors", "cdn-app-errors", "waf-cdn-blocks", "certificate-cdn"}


def test_the_share_of_errors_counts_what_the_balancer_refused_in_the_total():
    assert share_of_errors(20) == (
        "IF((FILL(requests, 0) + FILL(refused, 0)) >= 20, "
        "100 * (FILL(refused, 0) + FILL(failed, 0)) / "
        "(FILL(requests, 0) + FILL(refused, 0)), 0)"
    )


@pytest.mark.parametrize(
    ("requests", "refused", "failed", "share"),
    [
        (2, 0, 1, 0),  # one of two at night pages nobody
        (1000, 0, 1, 0.1),
        (0, 60, 0, 100),  # no target at all: every request is refused
        (100, 0, 50, 50),
        (0, 0, 0, 0),
    ],
)
def test_a_share_is_not_a_rate(requests, refused, failed, share):
    seen = {"requests": requests, "refused": refused, "failed": failed}

    def fill(value: float, _: float) -> float:
        return value

    condition, yes, no = share_of_errors(20)[3:-1].rsplit(", ", 1)[0], None, 0
    condition, yes = condition.split(" >= 20, ")
    total = eval(condition, {"FILL": fill}, seen)
    assert (eval(yes, {"FILL": fill}, seen) if total >= 20 else no) == pytest.approx(share)


def test_a_metric_and_an_expression_are_never_said_together():
    for row in table(settings(), watched()):
        inputs = measured(row)
        assert ("metric_queries" in inputs) != ("metric_name" in inputs), row.noun
        assert not (inputs.keys() & {"period", "statistic"} and "metric_queries" in inputs)
        if "metric_queries" in inputs:
            returned = [q["id"] for q in inputs["metric_queries"] if q.get("return_data")]
            assert returned == ["result"], "exactly one series may decide"


def test_a_percentile_is_an_extended_statistic():
    (row,) = [r for r in table(settings(), watched()) if r.noun == "balancer-api-latency"]
    inputs = measured(row)
    assert inputs["extended_statistic"] == "p95"
    assert inputs["evaluate_low_sample_count_percentiles"] == "ignore"
    assert "statistic" not in inputs


# -- topics ---------------------------------------------------------------------------------


def test_the_topics_admit_own_services_events_and_no_plain_http():
    policy = json.loads(topic_policy("arn:topic", ACCOUNT, PUBLISHERS, events=True))
    assert policy["Statement"] == [
        {
            "Sid": "OwnServices",
            "Effect": "Allow",
            "Action": ["sns:Publish"],
            "Resource": "arn:topic",
            "Principal": {
                "Service": [
                    "budgets.amazonaws.com",
                    "cloudwatch.amazonaws.com",
                    "events.rds.amazonaws.com",
                ]
            },
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        },
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Action": ["sns:Publish"],
            "Resource": "arn:topic",
            "Principal": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            "Sid": "Events",
            "Effect": "Allow",
            "Action": ["sns:Publish"],
            "Resource": "arn:topic",
            "Principal": {"Service": "events.amazonaws.com"},
        },
    ]


def test_the_topics_of_us_east_1_hear_alarms_only():
    policy = json.loads(topic_policy("arn:topic", ACCOUNT, GLOBAL_PUBLISHERS, events=False))
    assert [s["Sid"] for s in policy["Statement"]] == ["OwnServices", "TlsOnly"]
    assert policy["Statement"][0]["Principal"] == {"Service": ["cloudwatch.amazonaws.com"]}


def test_there_are_two_topics_in_each_region_under_the_key_of_that_region():
    made = {
        topic.name: (topic.inputs.get("region"), topic.inputs["kmsMasterKeyId"])
        for topic in alarms().of(TOPIC)
    }
    assert made == {
        "alarms-critical": (None, "arn:aws:kms:::key/logs"),
        "alarms-warning": (None, "arn:aws:kms:::key/logs"),
        "alarms-global-critical": ("us-east-1", "arn:aws:kms:::key/logs-global"),
        "alarms-global-warning": ("us-east-1", "arn:aws:kms:::key/logs-global"),
    }


def test_a_deployment_in_us_east_1_needs_no_second_pair():
    recorded = alarms(region="us-east-1")
    assert {topic.name for topic in recorded.of(TOPIC)} == {"alarms-critical", "alarms-warning"}
    (cdn,) = [a for a in recorded.of(ALARM) if a.name == "alarms-cdn-api-errors"]
    (critical,) = [t for t in recorded.of(POLICY) if t.name == "alarms-critical-policy"]
    assert cdn.inputs["alarmActions"] == [critical.inputs["arn"]]


def test_every_topic_has_a_receiver_also_in_us_east_1():
    recorded = alarms()
    heard = {made.inputs["topic"] for made in recorded.of(SUBSCRIPTION)}
    assert heard == {policy.inputs["arn"] for policy in recorded.of(POLICY)}, (
        "an alarm whose topic nobody subscribes to wakes nobody"
    )


def test_warnings_nobody_claims_go_to_whoever_is_paged():
    assert receivers(settings())["warning"] == ("oncall@archesai.com",)
    assert receivers(settings(warning=["team@archesai.com"]))["warning"] == ("team@archesai.com",)


def test_a_subscription_keeps_its_name_when_the_list_is_sorted_anew():
    assert slug("On.Call+1@archesai.com") == "on-call-1-at-archesai-com"


def test_the_pager_hears_critical_alarms_only_and_confirms_by_itself():
    recorded = alarms(pager_url="https://pager.example/key", keys={"pager": True})
    pagers = [s for s in recorded.of(SUBSCRIPTION) if s.inputs["protocol"] == "https"]
    assert {s.name for s in pagers} == {"alarms-critical-pager", "alarms-global-critical-pager"}
    assert all(s.inputs["endpointAutoConfirms"] is True for s in pagers)
    assert {s.inputs["endpoint"] for s in pagers} == {"https://pager.example/key"}


# -- alarms and events ----------------------------------------------------------------------


def test_an_alarm_names_only_topics_of_its_own_region():
    recorded = alarms()
    regions = {policy.inputs["arn"]: policy.inputs.get("region") for policy in recorded.of(POLICY)}
    assert recorded.of(ALARM)
    for alarm in recorded.of(ALARM):
        (action,) = alarm.inputs["alarmActions"]
        assert regions[action] == alarm.inputs.get("region"), (
            f"{alarm.name}: CloudWatch does not publish across regions, the alarm would be silent"
        )
        assert alarm.inputs["okActions"] == [action], "the same people hear that it is over"


def test_an_alarm_as_aws_gets_it():
    made = alarms().one(ALARM, "alarms-database-connections")
    assert made.inputs == {
        "name": "arches-test-database-connections",
        "alarmDescription": (
            "More than 156 of 195 usable connections are taken. Find who bypasses the pooler; do "
            "not raise the pool first. Runbook: docs/runbooks/database-connections.md"
        ),
        "namespace": "AWS/RDS",
        "metricName": "DatabaseConnections",
        "dimensions": {"DBInstanceIdentifier": "database-1"},
        "statistic": "Maximum",
        "period": 60,
        "evaluationPeriods": 5,
        "datapointsToAlarm": 3,
        "threshold": 156,
        "comparisonOperator": "GreaterThanThreshold",
        "treatMissingData": "notBreaching",
        "alarmActions": made.inputs["okActions"],
        "okActions": made.inputs["alarmActions"],
    }


def test_a_failover_is_told_by_the_database_itself():
    recorded = alarms()
    made = {s.name: s.inputs for s in recorded.of(DATABASE_EVENT)}
    assert set(made) == {"alarms-database-critical", "alarms-database-warning"}
    critical = made["alarms-database-critical"]
    assert critical["sourceIds"] == ["database-1"], "other environments' databases are not ours"
    assert {"failover", "failure", "low storage"} <= set(critical["eventCategories"])
    told = {category for categories in DATABASE_EVENTS.values() for category in categories}
    assert {"maintenance", "configuration change", "failure"} <= told, "FSBP RDS.20"


def told(restore_plan_arn: str | None = "arn:plan", **keys: Any) -> Iterator[Event]:
    return events(
        settings(**keys),
        vault_name="v",
        vault_arn="arn:v",
        restore_plan_arn=restore_plan_arn,
        stack="test",
    )


def test_events_are_limited_to_the_own_vault_and_the_own_test():
    rows = list(told())
    assert {row.noun: row.pattern["detail"] for row in rows} == {
        "backup-job": {
            "state": ["ABORTED", "EXPIRED", "FAILED", "PARTIAL"],
            "backupVaultName": ["v"],
        },
        "backup-copy-job": {
            "state": ["ABORTED", "EXPIRED", "FAILED", "PARTIAL"],
            "sourceBackupVaultArn": ["arn:v"],
        },
        "restore-test": {
            "status": ["ABORTED", "FAILED"],
            "restoreTestingPlanArn": ["arn:plan"],
        },
        "findings-critical": {"severity": [{"numeric": [">=", 7]}]},
        "findings-warning": {"severity": [{"numeric": [">=", 4, "<", 7]}]},
    }


def test_findings_are_heard_where_the_settings_say_so():
    nouns = [row.noun for row in told(findings=False)]
    assert nouns == ["backup-job", "backup-copy-job", "restore-test"]


def test_a_restore_test_is_heard_where_there_is_one():
    assert "restore-test" not in {row.noun for row in told(restore_plan_arn=None)}
    rule = alarms().one(RULE, "alarms-restore-test")
    assert json.loads(rule.inputs["eventPattern"])["detail"]["restoreTestingPlanArn"] == [
        "arn:test-plan"
    ]


def test_a_copy_that_fails_is_told_in_the_region_of_its_source():
    (row,) = [row for row in table(settings(), watched()) if row.noun == "replication-files"]
    assert row.metrics["value"].name == "OperationsFailedReplication"
    assert row.regional
    alarm = alarms().one(ALARM, "alarms-replication-files")
    assert alarm.inputs["dimensions"] == {"SourceBucket": "files"}


def test_rds_is_not_asked_for_two_mails_of_success_a_day():
    assert "backup" not in {each for row in DATABASE_EVENTS.values() for each in row}


def test_every_rule_has_the_topic_of_its_severity_and_a_readable_text():
    recorded = alarms()
    targets = {target.name: target.inputs for target in recorded.of(TARGET)}
    policies = {policy.name: policy.inputs["arn"] for policy in recorded.of(POLICY)}
    assert len(recorded.of(RULE)) == len(targets) == 5
    critical = targets["alarms-findings-critical-topic"]
    assert critical["arn"] == policies["alarms-critical-policy"]
    assert json.loads(critical["inputTransformer"]["inputTemplate"]) == (
        "GuardDuty in <account>: <title> (<type>, severity <severity>). "
        "Runbook: docs/runbooks/findings.md"
    )
    copied = recorded.one(RULE, "alarms-backup-copy-job").inputs["eventPattern"]
    assert json.loads(copied)["detail"]["sourceBackupVaultArn"] == [
        f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:vault-1"
    ]


def test_every_child_lives_in_the_component_and_is_named_after_it():
    recorded = alarms()
    (component,) = recorded.components
    assert component.type == "arches:index:Alarms"
    for made in recorded.custom:
        assert made.parent == component.urn, made.name
        assert made.name.startswith("alarms-"), made.name
    assert set(component.outputs or {}) == {"topicArns", "globalTopicArns"}
