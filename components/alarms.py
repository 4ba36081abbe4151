"""Who hears of trouble: two topics, the metric alarms, and the events that no metric shows.

Meets MON-08 (every alarm has a receiver and a runbook), MON-09, CHK-INFRA-06 and, with the backup
rows, the alarm column of DR-02. The rows themselves stand in `components/alarm_table.py`. The
alarms of the application and the heartbeat that proves the way to the receivers live elsewhere.

CloudFront and its firewall report to us-east-1 only, and an alarm may name a topic of its own
region only; so the two topics exist there a second time, with the same receivers.

Nothing waits for this component but the budget: alarms are leaves.

Refused: backup.amazonaws.com in the topics' policy. Vault notices say less than the events of
EventBridge and name success as loudly as failure, so nothing of AWS Backup publishes here itself.
Refused: RDS's category backup: its events (RDS-EVENT-0001, 0002, 0086) tell that a backup begins
and that it has ended, twice a day, and none that one failed. That backups were switched off is a
configuration change (RDS-EVENT-0028).
Refused: an event subscription for parameter groups (RDS.21): it cannot be limited to one
environment while its groups are replaced under new names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from components.alarm_table import GLOBAL_REGION, Alarm, Severity, Watched, table
from components.context import Context
from components.documents import document, statement
from settings.alarms import AlarmsSettings
from settings.database import DatabaseSettings
from settings.postgres import RESERVED_CONNECTIONS
from settings.secret_values import secret_value

if TYPE_CHECKING:
    from components.backup import Backup
    from components.cache import CacheEndpoint
    from components.cluster import Cluster
    from components.database import Database
    from components.edge import Edge
    from components.keys import Keys
    from components.network import Network
    from components.storage import Storage

SEVERITIES: tuple[Severity, ...] = ("critical", "warning")

# Who publishes in its own name, bound to this account. The topics of us-east-1 hear alarms only.
PUBLISHERS = ("budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.rds.amazonaws.com")
GLOBAL_PUBLISHERS = ("cloudwatch.amazonaws.com",)

# RDS user guide, "Amazon RDS event categories"; FSBP RDS.20 asks for maintenance, configuration
# change and failure.
DATABASE_EVENTS: Mapping[Severity, tuple[str, ...]] = {
    "critical": ("availability", "deletion", "failover", "failure", "low storage"),
    "warning": ("configuration change", "maintenance", "notification", "recovery"),
}

# Final states other than COMPLETED (AWS Backup developer guide, job states).
LOST = ("ABORTED", "EXPIRED", "FAILED", "PARTIAL")

# Of a restore, whose events say `status` (same guide, "Restore testing validation").
NOT_RESTORED = ("ABORTED", "FAILED")

# GuardDuty calls findings from 7 on high, from 4 on medium (GuardDuty user guide).
HIGH, MEDIUM = 7, 4


def topic_policy(
    topic_arn: str, account_id: str, publishers: Sequence[str], *, events: bool
) -> str:
    """Who may publish to a topic.

    events: also EventBridge, which publishes without naming its source: a condition on it would
    never be true and each message would be dropped without a word (EventBridge user guide, "You
    can't use of Condition blocks in Amazon SNS topic policies"; the key's policy has the same gap).
    """
    statements = [
        statement(
            ["sns:Publish"],
            topic_arn,
            sid="OwnServices",
            principals={"Service": list(publishers)},
            conditions={"StringEquals": {"aws:SourceAccount": account_id}},
        ),
        statement(
            ["sns:Publish"],
            topic_arn,
            sid="TlsOnly",
            principals="*",
            conditions={"Bool": {"aws:SecureTransport": "false"}},
            effect="Deny",
        ),
    ]
    if events:
        statements.append(
            statement(
                ["sns:Publish"],
                topic_arn,
                sid="Events",
                principals={"Service": "events.amazonaws.com"},
            )
        )
    return document(*statements)


def receivers(settings: AlarmsSettings) -> dict[Severity, tuple[str, ...]]:
    """The addresses of each topic; warnings nobody claims go to those who are paged."""
    return {"critical": settings.critical, "warning": settings.warning or settings.critical}


def slug(address: str) -> str:
    """An address as part of a resource's name, so that the order of a list means nothing."""
    return re.sub(r"[^a-z0-9]+", "-", address.lower().replace("@", "-at-")).strip("-")


# Notices whose text is AWS's own: only this table leads to their runbook.
OWN_TEXT = {"RDS event": "database-events", "AWS budget": "budget"}


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that AWS tells once, as opposed to a metric that stays red.

    pattern: EventBridge's. says: the mail's text, with the names of `paths` in angle brackets.
    """

    noun: str
    severity: Severity
    runbook: str
    pattern: Mapping[str, Any]
    says: str
    paths: Mapping[str, str]


def events(
    settings: AlarmsSettings,
    *,
    vault_name: str,
    vault_arn: str,
    restore_plan_arn: str | None,
    stack: str,
) -> Iterator[Event]:
    """The events of one environment; each is limited to what it owns or was told to hear."""
    yield Event(
        noun="backup-job",
        severity="warning",
        runbook="backups",
        pattern={
            "source": ["aws.backup"],
            "detail-type": ["Backup Job State Change"],
            "detail": {"state": list(LOST), "backupVaultName": [vault_name]},
        },
        says=f"{stack}: backup of <resource> ended as <state>.",
        paths={"resource": "$.detail.resourceArn", "state": "$.detail.state"},
    )
    yield Event(
        noun="backup-copy-job",
        severity="warning",
        runbook="backups",
        pattern={
            "source": ["aws.backup"],
            "detail-type": ["Copy Job State Change"],
            "detail": {"state": list(LOST), "sourceBackupVaultArn": [vault_arn]},
        },
        says=f"{stack}: copy of the backup of <resource> ended as <state>.",
        paths={"resource": "$.detail.resourceArn", "state": "$.detail.state"},
    )
    if restore_plan_arn is not None:
        yield Event(
            noun="restore-test",
            severity="warning",
            runbook="restore-test",
            pattern={
                "source": ["aws.backup"],
                "detail-type": ["Restore Job State Change"],
                "detail": {
                    "restoreTestingPlanArn": [restore_plan_arn],
                    "status": list(NOT_RESTORED),
                },
            },
            says=f"{stack}: the monthly restore test <job> ended as <status>.",
            paths={"job": "$.detail.restoreJobId", "status": "$.detail.status"},
        )
    if not settings.findings:
        return
    ranges: tuple[tuple[Severity, list[Any]], ...] = (
        ("critical", [">=", HIGH]),
        ("warning", [">=", MEDIUM, "<", HIGH]),
    )
    for severity, numbers in ranges:
        yield Event(
            noun=f"findings-{severity}",
            severity=severity,
            runbook="findings",
            pattern={
                "source": ["aws.guardduty"],
                "detail-type": ["GuardDuty Finding"],
                "detail": {"severity": [{"numeric": numbers}]},
            },
            says="GuardDuty in <account>: <title> (<type>, severity <severity>).",
            paths={
                "account": "$.detail.accountId",
                "title": "$.detail.title",
                "type": "$.detail.type",
                "severity": "$.detail.severity",
            },
        )


@dataclass(frozen=True, kw_only=True)
class AlarmsArgs:
    """What is watched, and by whom.

    database_settings: for the usable connections and whether the class bursts.
    network: for its NAT gateways; none where it was brought or goes out without them.
    """

    context: Context
    settings: AlarmsSettings
    database_settings: DatabaseSettings
    keys: Keys
    database: Database
    cache: CacheEndpoint
    cluster: Cluster
    network: Network
    edge: Edge
    backup: Backup
    storage: Storage


class Alarms(pulumi.ComponentResource):
    """Topics and alarms.

    topic_arns: by severity, in this deployment's region; whoever uses one waits for its policy.
    """

    topic_arns: dict[str, pulumi.Output[str]]
    global_topic_arns: dict[str, pulumi.Output[str]]

    def __init__(
        self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Alarms", name, None, opts)
        self._name, self._args = name, args
        self._here = pulumi.ResourceOptions(parent=self)

        self.topic_arns = self._topics("", args.keys.logs, PUBLISHERS, None)
        self.global_topic_arns = (
            self.topic_arns
            if args.context.region == GLOBAL_REGION
            else self._topics("global-", args.keys.logs_global, GLOBAL_PUBLISHERS, GLOBAL_REGION)
        )
        for row in table(args.settings, watched(args)):
            self._alarm(row)
        self._database_events()
        self._events()
        self.register_outputs(
            {"topicArns": self.topic_arns, "globalTopicArns": self.global_topic_arns}
        )

    def _topics(
        self, prefix: str, key: aws.kms.Key, publishers: Sequence[str], region: str | None
    ) -> dict[str, pulumi.Output[str]]:
        return {
            severity: self._topic(f"{prefix}{severity}", severity, key, publishers, region)
            for severity in SEVERITIES
        }

    def _topic(
        self,
        noun: str,
        severity: Severity,
        key: aws.kms.Key,
        publishers: Sequence[str],
        region: str | None,
    ) -> pulumi.Output[str]:
        """A topic with its policy and receivers; the answer is the policy's ARN, which is the
        topic's, so that no publisher comes before the right to publish."""
        context = self._args.context
        topic = aws.sns.Topic(
            f"{self._name}-{noun}",
            display_name=f"{context.project} {context.stack} {severity}",
            kms_master_key_id=key.arn,
            signature_version=2,
            region=region,
            opts=self._here,
        )
        policy = aws.sns.TopicPolicy(
            f"{self._name}-{noun}-policy",
            arn=topic.arn,
            policy=topic.arn.apply(
                lambda arn: topic_policy(arn, context.account_id, publishers, events=region is None)
            ),
            region=region,
            opts=self._here,
        )
        self._subscribe(noun, severity, topic, region)
        return policy.arn

    def _subscribe(
        self, noun: str, severity: Severity, topic: aws.sns.Topic, region: str | None
    ) -> None:
        for address in receivers(self._args.settings)[severity]:
            aws.sns.TopicSubscription(
                f"{self._name}-{noun}-{slug(address)}",
                topic=topic.arn,
                protocol="email",
                endpoint=address,
                region=region,
                opts=self._here,
            )
        if not self._args.settings.pager or severity != "critical":
            return
        aws.sns.TopicSubscription(
            f"{self._name}-{noun}-pager",
            topic=topic.arn,
            protocol="https",
            endpoint=secret_value("pagerUrl"),
            # Pagers confirm by themselves; else the deployment fails, and not the first alarm.
            endpoint_auto_confirms=True,
            region=region,
            opts=self._here,
        )

    def _alarm(self, row: Alarm) -> None:
        topic = (self.topic_arns if row.regional else self.global_topic_arns)[row.severity]
        aws.cloudwatch.MetricAlarm(
            f"{self._name}-{row.noun}",
            # The name is what the person who is woken reads first.
            name=self._args.context.name(row.noun, limit=255),
            alarm_description=row.description,
            threshold=row.threshold,
            comparison_operator=row.comparison,
            evaluation_periods=row.periods,
            datapoints_to_alarm=row.datapoints,
            treat_missing_data=row.missing,
            alarm_actions=[topic],
            ok_actions=[topic],
            region=None if row.regional else GLOBAL_REGION,
            **measured(row),
            opts=self._here,
        )

    def _database_events(self) -> None:
        for severity, categories in DATABASE_EVENTS.items():
            aws.rds.EventSubscription(
                f"{self._name}-database-{severity}",
                sns_topic=self.topic_arns[severity],
                source_type="db-instance",
                source_ids=[self._args.database.identifier],
                event_categories=list(categories),
                opts=self._here,
            )

    def _events(self) -> None:
        """A rule waits only for the name in its pattern: the others are known at preview."""
        args = self._args
        tested = args.backup.restore_plan_arn is not None

        def known(vault_name: str, restore_plan_arn: str) -> list[Event]:
            arn = args.context.arn("backup", f"backup-vault:{vault_name}")
            return list(
                events(
                    args.settings,
                    vault_name=vault_name,
                    vault_arn=arn,
                    restore_plan_arn=restore_plan_arn if tested else None,
                    stack=args.context.stack,
                )
            )

        of_vault, of_plan = known("-", ""), known("", "-")
        for number, row in enumerate(known("", "")):
            pattern = pulumi.Output.all(
                args.backup.vault_name if of_vault[number] != row else "",
                (args.backup.restore_plan_arn or "") if of_plan[number] != row else "",
            ).apply(
                lambda of, number=number: json.dumps(known(*of)[number].pattern, sort_keys=True)
            )
            rule = aws.cloudwatch.EventRule(
                f"{self._name}-{row.noun}",
                description=f"Runbook: docs/runbooks/{row.runbook}.md",
                event_pattern=pattern,
                opts=self._here,
            )
            aws.cloudwatch.EventTarget(
                f"{self._name}-{row.noun}-topic",
                rule=rule.name,
                arn=self.topic_arns[row.severity],
                input_transformer={
                    "input_paths": dict(row.paths),
                    "input_template": json.dumps(
                        f"{row.says} Runbook: docs/runbooks/{row.runbook}.md"
                    ),
                },
                opts=self._here,
            )


def watched(args: AlarmsArgs) -> Watched:
    """The neighbours' names as CloudWatch's dimensions."""
    database = args.database_settings
    return Watched(
        region=args.context.region,
        database=args.database.identifier,
        database_bursts=database.instance_class.startswith("db.t"),
        usable_connections=database.max_connections - RESERVED_CONNECTIONS,
        cache_members=args.cache.member_ids,
        balancer=args.edge.balancer.arn_suffix,
        target_groups={
            noun: group.arn_suffix for noun, group in args.edge.balancer.target_groups.items()
        },
        balancer_acl=args.edge.firewall.acl_names.get("balancer"),
        cdn_acl=args.edge.firewall.acl_names.get("cdn"),
        distributions=args.edge.cdn.distribution_ids,
        cluster=args.cluster.cluster_name,
        node_groups=args.cluster.autoscaling_group_names,
        vault=args.backup.vault_name,
        replications={
            noun: bucket.replication
            for noun, bucket in (
                ("dumps", args.storage.dumps),
                ("files", args.storage.files),
                ("state", args.storage.state),
            )
            if bucket is not None and bucket.replication is not None
        },
        balancer_certificate=args.edge.certificates.balancer_arn,
        cdn_certificate=args.edge.certificates.cdn_arn,
        nat_gateways=args.network.nat_gateway_ids,
    )


def measured(row: Alarm) -> dict[str, Any]:
    """The inputs that say what an alarm looks at: one metric, or several and an expression."""
    if not row.expression:
        (metric,) = row.metrics.values()
        percentile = metric.statistic.startswith("p")
        return {
            "namespace": metric.namespace,
            "metric_name": metric.name,
            "dimensions": dict(metric.dimensions),
            "period": row.period,
            # With few requests a percentile is one request's fate; it then keeps its state.
            **(
                {
                    "extended_statistic": metric.statistic,
                    "evaluate_low_sample_count_percentiles": "ignore",
                }
                if percentile
                else {"statistic": metric.statistic}
            ),
        }
    parts = [
        {
            "id": part,
            "return_data": False,
            "metric": {
                "namespace": metric.namespace,
                "metric_name": metric.name,
                "dimensions": dict(metric.dimensions),
                "period": row.period,
                "stat": metric.statistic,
            },
        }
        for part, metric in row.metrics.items()
    ]
    result = {
        "id": "result",
        "expression": row.expression,
        "label": row.noun,
        "return_data": True,
    }
    return {"metric_queries": [*parts, result]}
