"""Logs that are lost or read by others, and alarms that nobody hears."""

from __future__ import annotations

from typing import Any

from tests.policies.mutation import Mutant, document, drop, edit, put, several, without

_GROUP = "aws:cloudwatch/logGroup:LogGroup"
_ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
_TOPIC = "aws:sns/topic:Topic"
_TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
_SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
_LOG_POLICY = "aws:cloudwatch/logResourcePolicy:LogResourcePolicy"
_CRITICAL = "alarms-critical-policy"
_FOR_EVER = "logs are kept for ever"
_IN_CLEAR = "notices are not encrypted"
_DROPPED = "AWS's own key does not let alarms publish: they would be dropped silently"
_MONTH = "evidence is kept for 30 days only"
_PUBLIC = "anybody may publish or listen"
_PLAIN = "notices are taken over plain HTTP"
_NO_RUNBOOK = "whoever is woken finds no runbook in it"
_SILENT = "without data it keeps the state it had, for ever"


def _publish(found: dict[str, Any]) -> None:
    found["Statement"].append(
        {"Effect": "Allow", "Action": "sns:Publish", "Principal": {"AWS": "*"}, "Resource": "*"}
    )


def _another_account(found: dict[str, Any]) -> None:
    found["Statement"][0]["Principal"] = {"AWS": "arn:aws:iam::444455556666:role/pager"}


def _unbound(found: dict[str, Any]) -> None:
    del found["Statement"][0]["Condition"]


def _tls_optional(found: dict[str, Any]) -> None:
    found["Statement"] = [each for each in found["Statement"] if each["Effect"] == "Allow"]


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="log-group-retention",
        title="kept for ever",
        change=drop(_GROUP, "retentionInDays"),
        says=(_FOR_EVER,),
    ),
    Mutant(
        rule="log-group-retention",
        title="AWS's word for ever",
        change=put(_GROUP, "retentionInDays", 0),
        says=(_FOR_EVER,),
    ),
    Mutant(
        rule="log-group-retention",
        title="two weeks",
        change=put(_GROUP, "retentionInDays", 14),
        says=("logs are kept for 14 days only",),
    ),
    *(
        Mutant(
            rule="log-group-evidence-kept",
            title=f"a month of {name}",
            change=put(_GROUP, "retentionInDays", 30, name),
            says=(_MONTH,),
            at=name,
        )
        for name in (
            "cluster-logs",
            "database-postgresql-log",
            "edge-dns-queries",
            "edge-firewall-cdn",
            "governance-audit-trail-logs",
        )
    ),
    Mutant(
        rule="log-group-encrypted",
        title="AWS's own key",
        change=drop(_GROUP, "kmsKeyId"),
        says=("logs are not encrypted with a key of ours",),
    ),
    Mutant(
        rule="log-group-own",
        title="left to EKS",
        change=without(_GROUP, "cluster-logs"),
        says=(
            "the log group /aws/eks/arches-prod-cluster/cluster is left to the service, "
            "without a key and for ever",
        ),
        at="cluster-control-plane",
    ),
    Mutant(
        rule="log-group-own",
        title="a misspelt name",
        change=put(_GROUP, "name", "/aws/rds/instance/arches/upgrade", "database-upgrade-log"),
        says=(
            "the log group /aws/rds/instance/arches-prod-database/upgrade is left to the "
            "service, without a key and for ever",
        ),
        at="database-instance",
    ),
    Mutant(
        rule="log-policy-bound",
        title="for any account",
        change=document(_LOG_POLICY, "policyDocument", _unbound),
        says=("a service may write here for somebody else's account",),
    ),
    Mutant(
        rule="topic-encrypted",
        title="in clear",
        change=drop(_TOPIC, "kmsMasterKeyId"),
        says=(_IN_CLEAR,),
    ),
    Mutant(
        rule="topic-encrypted",
        title="AWS's own key",
        change=put(_TOPIC, "kmsMasterKeyId", "alias/aws/sns"),
        says=(_DROPPED,),
    ),
    Mutant(
        rule="topic-not-public",
        title="for everybody",
        change=document(_TOPIC_POLICY, "policy", _publish, _CRITICAL),
        says=(_PUBLIC,),
    ),
    Mutant(
        rule="topic-not-public",
        title="for all but one account",
        change=document(
            _TOPIC_POLICY,
            "policy",
            lambda found: found["Statement"].append(
                {
                    "Effect": "Allow",
                    "Action": "sns:Subscribe",
                    "NotPrincipal": {"AWS": "444455556666"},
                    "Resource": "*",
                }
            ),
            _CRITICAL,
        ),
        says=(_PUBLIC,),
    ),
    Mutant(
        rule="topic-not-public",
        title="for everybody over TLS",
        change=document(
            _TOPIC_POLICY,
            "policy",
            lambda found: found["Statement"].append(
                {
                    "Effect": "Allow",
                    "Action": "sns:Subscribe",
                    "Principal": "*",
                    "Resource": "*",
                    "Condition": {"Bool": {"aws:SecureTransport": "true"}},
                }
            ),
            _CRITICAL,
        ),
        says=(_PUBLIC,),
    ),
    Mutant(
        rule="topic-not-public",
        title="for another account",
        change=document(_TOPIC_POLICY, "policy", _another_account, _CRITICAL),
        says=("account 444455556666 may publish or listen",),
    ),
    Mutant(
        rule="topic-tls-only",
        title="plain HTTP",
        change=document(_TOPIC_POLICY, "policy", _tls_optional, _CRITICAL),
        says=(_PLAIN,),
        at="alarms-critical",
    ),
    Mutant(
        rule="topic-tls-only",
        title="plain HTTP, but for one caller",
        change=document(
            _TOPIC_POLICY,
            "policy",
            lambda found: found["Statement"][1]["Condition"].update(
                {"StringEquals": {"aws:PrincipalArn": "nobody"}}
            ),
            _CRITICAL,
        ),
        says=(_PLAIN,),
        at="alarms-critical",
    ),
    Mutant(
        rule="topic-tls-only",
        title="no policy",
        change=without(_TOPIC_POLICY, "platform-alerting-heartbeat-policy"),
        says=(_PLAIN,),
        at="platform-alerting-heartbeat",
    ),
    Mutant(
        rule="topic-heard",
        title="nobody subscribed",
        change=without(_SUBSCRIPTION, "alarms-global-critical-*"),
        says=("3 alarms ring here and nobody listens",),
        at="alarms-global-critical",
    ),
    Mutant(
        rule="alarm-rings",
        title="switched off",
        change=put(_ALARM, "actionsEnabled", False),
        says=("its actions are switched off",),
    ),
    Mutant(
        rule="alarm-rings",
        title="tells nobody",
        change=put(_ALARM, "alarmActions", []),
        says=("nobody is told when it goes off",),
    ),
    Mutant(
        rule="alarm-missing-data",
        title="AWS's default",
        change=drop(_ALARM, "treatMissingData"),
        says=(_SILENT,),
    ),
    Mutant(
        rule="alarm-missing-data",
        title="missing",
        change=put(_ALARM, "treatMissingData", "missing"),
        says=(_SILENT,),
    ),
    Mutant(
        rule="alarm-explained",
        title="no runbook",
        change=put(_ALARM, "alarmDescription", "CPU is high"),
        says=(_NO_RUNBOOK,),
    ),
    Mutant(
        rule="alarm-explained",
        title="nothing said",
        change=drop(_ALARM, "alarmDescription"),
        says=(_NO_RUNBOOK,),
    ),
    Mutant(
        rule="alarm-for-vital-signs",
        title="nobody watches the disk",
        change=without(_ALARM, "alarms-database-storage-*"),
        says=("no alarm watches FreeStorageSpace",),
        at="database-instance",
    ),
    Mutant(
        rule="alarm-for-vital-signs",
        title="nobody watches the cache's memory",
        change=without(_ALARM, "alarms-cache-*-memory"),
        says=("no alarm watches DatabaseMemoryUsagePercentage",),
        at="cache-group",
    ),
    Mutant(
        rule="alarm-for-vital-signs",
        title="nobody watches errors and health",
        change=several(
            without(_ALARM, "alarms-balancer-errors"),
            without(_ALARM, "alarms-balancer-gateway-down"),
        ),
        says=(
            "no alarm watches HTTPCode_Target_5XX_Count",
            "no alarm watches HealthyHostCount",
        ),
        at="edge-balancer-alb",
    ),
    Mutant(
        rule="alarm-for-vital-signs",
        title="nobody counts the nodes of a zone",
        change=without(_ALARM, "alarms-nodes-2-missing"),
        says=("no alarm watches GroupInServiceInstances",),
        at="cluster-nodes-eu-central-1b",
    ),
    Mutant(
        rule="alarm-for-vital-signs",
        title="pods wait and nobody knows",
        change=edit(
            _ALARM,
            lambda values: values.update(metricName="something_else"),
            "alarms-cluster-pending",
        ),
        says=("no alarm watches scheduler_pending_pods_UNSCHEDULABLE",),
        at="cluster-control-plane",
    ),
)
