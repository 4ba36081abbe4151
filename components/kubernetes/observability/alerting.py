"""Alertmanager: who hears of which alert, how often, what silences what, and by which right.

Meets MON-08: routes by owner and severity, receivers with a right to publish, inhibition, and a
heartbeat that is judged outside the cluster; the alerting part of CHK-INFRA-06.

- Alerts go to the topics of the CloudWatch alarms, so that mail addresses and pager stand once.
  Owner and severity are attributes of the message; a subscription may filter by them. An owner may
  have a topic of its own beside them.
- The heartbeat: `Watchdog` always fires; Alertmanager publishes it to a topic that nobody reads,
  and a CloudWatch alarm rings when no message came for a quarter of an hour. So it is noticed that
  Prometheus, Alertmanager, their identity or the whole cluster is gone.
- The configuration holds no secret: the pager's address is a file beside it (`url_file`), which the
  operator copies along (prometheus-operator, `configSecret`: additional keys are mounted).

Alertmanager signs with what Pod Identity gives its service account; the association must exist
before its pods, which get their credentials when they start. So this comes before the release of
kube-prometheus-stack, and the rules after it (observability.py).

Refused: an outside service for the heartbeat (one more secret, one more account); a Slack receiver
(SNS reaches chat as well); Alertmanager's default subject, which grows past the 100 characters that
SNS takes and makes the message fail (SNS API, Publish).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from components.context import Context
from components.documents import document, statement
from components.kubernetes.observability.rules.model import OWNERS
from components.kubernetes.observability.rules.monitoring import WATCHDOG
from components.pod_identity import PodIdentity, PodIdentityArgs
from settings.observability import ObservabilitySettings

if TYPE_CHECKING:
    from components.alarms import Alarms
    from components.cluster import Cluster
    from components.keys import Keys

NAMESPACE = "monitoring"
SERVICE_ACCOUNT = "alertmanager"  # kube-prometheus-stack: alertmanager.serviceAccount.name
CONFIG_KEY, PAGER_KEY = "alertmanager.yaml", "pager-url"
# Where the operator mounts every key of the configuration's Secret.
PAGER_FILE = f"/etc/alertmanager/config/{PAGER_KEY}"

QUIET = "quiet"
HEARTBEAT = "heartbeat"
# CloudWatch counts messages in periods of five minutes; each must hold at least one.
HEARTBEAT_MINUTES, HEARTBEAT_PERIOD, HEARTBEAT_PERIODS = 4, 300, 3
SUBJECT_LIMIT = 100  # SNS API, Publish: Subject

# Labels that say what an alert is about, beside `about`. Where both lack one, it counts as equal.
SAME_THING = (
    "namespace", "pod", "container", "deployment", "node", "persistentvolumeclaim", "cronjob",
)  # fmt: skip


def subject(place: str) -> str:
    """The mail's subject: one short line of ASCII, whatever the alerts say."""
    return (
        '{{ if eq .Status "firing" }}Alert{{ else }}Over{{ end }}: '
        f"{{{{ .GroupLabels.alertname }}}} ({{{{ .CommonLabels.severity }}}}) in {place}"
    )


MESSAGE = (
    "{{ range .Alerts }}"
    '{{ if eq .Status "firing" }}FIRING{{ else }}OVER{{ end }} '
    "{{ .Labels.alertname }}: {{ .Annotations.summary }}\n"
    "{{ .Annotations.description }}\n"
    "Since {{ .StartsAt }}. Runbook: {{ .Annotations.runbook }}\n\n"
    "{{ end }}"
)


def alertmanager_config(
    settings: ObservabilitySettings,
    topics: Mapping[str, str],
    *,
    region: str,
    place: str,
    pager: bool = False,
) -> dict[str, Any]:
    """Alertmanager's configuration.

    topics: ARNs of critical, warning and heartbeat. place: project and stack, as people know them.
    pager: critical alerts go to the address in PAGER_FILE as well.
    """
    return {
        "route": route(settings),
        "inhibit_rules": inhibitions(),
        "receivers": receivers(settings, topics, region=region, place=place, pager=pager),
    }


def route(settings: ObservabilitySettings) -> dict[str, Any]:
    """By owner and severity; what has no owner (the chart's own rules) is the platform's."""
    critical = {"repeat_interval": f"{settings.repeat_critical_hours}h", "group_wait": "10s"}
    owners = [
        {
            "matchers": [f'owner="{owner}"', f'severity="{severity}"'],
            "receiver": f"{owner}-{severity}",
            **(critical if severity == "critical" else {}),
        }
        for owner in OWNERS
        for severity in ("critical", "warning")
    ]
    return {
        "receiver": "platform-warning",
        "group_by": ["alertname", "namespace"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": f"{settings.repeat_warning_hours}h",
        "routes": [
            {
                "matchers": [f'alertname="{WATCHDOG}"'],
                "receiver": HEARTBEAT,
                "group_wait": "0s",
                "group_interval": "1m",
                "repeat_interval": f"{HEARTBEAT_MINUTES}m",
            },
            {"matchers": ['severity=~"none|info"'], "receiver": QUIET},
            *owners,
            {"matchers": ['severity="critical"'], "receiver": "platform-critical", **critical},
        ],
    }


def inhibitions() -> list[dict[str, Any]]:
    """What need not be told while something worse is."""
    return [
        # A node that is down explains its pods.
        {
            "source_matchers": ['alertname="NodeNotReady"'],
            "target_matchers": ['alertname=~"Pod.+|NodeUnderPressure"'],
            "equal": ["node"],
        },
        # A critical alert explains the warnings of the same matter about the same thing.
        {
            "source_matchers": ['severity="critical"'],
            "target_matchers": ['severity="warning"', 'about!=""'],
            "equal": ["about", *SAME_THING],
        },
        # The chart's InfoInhibitor: alerts at level info matter only beside another one.
        {
            "source_matchers": ['alertname="InfoInhibitor"'],
            "target_matchers": ['severity="info"'],
            "equal": ["namespace"],
        },
    ]


def receivers(
    settings: ObservabilitySettings,
    topics: Mapping[str, str],
    *,
    region: str,
    place: str,
    pager: bool,
) -> list[dict[str, Any]]:
    """One for each owner and severity, the heartbeat's and the one that tells nobody."""

    def publish(arn: str, **attributes: str) -> dict[str, Any]:
        return {
            "topic_arn": arn,
            "sigv4": {"region": arn.split(":")[3] or region},
            "subject": subject(place),
            "message": MESSAGE,
            "send_resolved": True,
            **({"attributes": attributes} if attributes else {}),
        }

    made: list[dict[str, Any]] = [
        {"name": QUIET},
        {
            "name": HEARTBEAT,
            "sns_configs": [{**publish(topics[HEARTBEAT]), "message": "alive"}],
        },
    ]
    for owner in OWNERS:
        own = settings.owner_topics.get(owner)
        for severity in ("critical", "warning"):
            arns = [topics[severity], *([own] if own else [])]
            receiver: dict[str, Any] = {
                "name": f"{owner}-{severity}",
                "sns_configs": [publish(arn, owner=owner, severity=severity) for arn in arns],
            }
            if pager and severity == "critical":
                receiver["webhook_configs"] = [{"url_file": PAGER_FILE, "send_resolved": True}]
            made.append(receiver)
    return made


def publish_policy(topic_arns: list[str], key_arn: str, region: str) -> str:
    """What Alertmanager may do on AWS: publish to these topics, whose messages our key encrypts."""
    return document(
        statement(["sns:Publish"], topic_arns, sid="Publish"),
        statement(
            ["kms:Decrypt", "kms:GenerateDataKey*"],
            key_arn,
            sid="ThroughSns",
            conditions={"StringEquals": {"kms:ViaService": f"sns.{region}.amazonaws.com"}},
        ),
    )


def heartbeat_topic_policy(topic_arn: str) -> str:
    """Nobody speaks to the heartbeat's topic without TLS; who may publish says their own role."""
    return document(
        statement(
            ["sns:Publish"],
            topic_arn,
            sid="TlsOnly",
            principals="*",
            conditions={"Bool": {"aws:SecureTransport": "false"}},
            effect="Deny",
        )
    )


@dataclass(frozen=True, kw_only=True)
class AlertingArgs:
    context: Context
    settings: ObservabilitySettings
    alarms: Alarms
    keys: Keys
    cluster: Cluster


class Alerting(pulumi.ComponentResource):
    """What Alertmanager needs on AWS.

    config: its configuration as a document. pager: whether the pager's address stands beside it.
    ready: what its pods must wait for, for `depends_on` only.
    """

    config: pulumi.Output[dict[str, Any]]
    pager: bool
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: AlertingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Alerting", name, None, opts)
        self._name, self._args = name, args
        self._here = pulumi.ResourceOptions(parent=self)
        topic = self._heartbeat_topic()
        topics = pulumi.Output.all(**args.alarms.topic_arns, **{HEARTBEAT: topic.arn})
        self.pager = args.settings.pager_direct
        self.ready = self._identity(topics).ready
        self._heartbeat_alarm(topic)
        self.config = topics.apply(
            lambda arns: alertmanager_config(
                args.settings,
                arns,
                region=args.context.region,
                place=f"{args.context.project} {args.context.stack}",
                pager=self.pager,
            )
        )
        self.register_outputs({"heartbeatTopicArn": topic.arn})

    def _heartbeat_topic(self) -> aws.sns.Topic:
        context = self._args.context
        topic = aws.sns.Topic(
            f"{self._name}-{HEARTBEAT}",
            display_name=f"{context.project} {context.stack} {HEARTBEAT}",
            kms_master_key_id=self._args.keys.logs.arn,
            signature_version=2,
            opts=self._here,
        )
        aws.sns.TopicPolicy(
            f"{self._name}-{HEARTBEAT}-policy",
            arn=topic.arn,
            policy=topic.arn.apply(heartbeat_topic_policy),
            opts=self._here,
        )
        return topic

    def _identity(self, topics: pulumi.Output[dict[str, str]]) -> PodIdentity:
        args = self._args
        own = list(args.settings.owner_topics.values())
        policy = pulumi.Output.all(topics, args.keys.logs.arn).apply(
            lambda each: publish_policy([*each[0].values(), *own], each[1], args.context.region)
        )
        return PodIdentity(
            f"{self._name}-identity",
            PodIdentityArgs(
                context=args.context,
                cluster=args.cluster,
                namespace=NAMESPACE,
                service_account=SERVICE_ACCOUNT,
                policies={"publish": policy},
            ),
            self._here,
        )

    def _heartbeat_alarm(self, topic: aws.sns.Topic) -> None:
        minutes = HEARTBEAT_PERIOD * HEARTBEAT_PERIODS // 60
        critical = self._args.alarms.topic_arns["critical"]
        aws.cloudwatch.MetricAlarm(
            f"{self._name}-{HEARTBEAT}",
            name=self._args.context.name(f"alerting-{HEARTBEAT}", limit=255),
            alarm_description=f"Alertmanager has not been heard for {minutes} minutes: nobody "
            "would be told of what happens in the cluster. "
            f"Runbook: docs/runbooks/{HEARTBEAT}.md",
            namespace="AWS/SNS",
            metric_name="NumberOfMessagesPublished",
            dimensions={"TopicName": topic.name},
            statistic="Sum",
            period=HEARTBEAT_PERIOD,
            evaluation_periods=HEARTBEAT_PERIODS,
            datapoints_to_alarm=HEARTBEAT_PERIODS,
            threshold=1,
            comparison_operator="LessThanThreshold",
            # Silence is the fault itself.
            treat_missing_data="breaching",
            alarm_actions=[critical],
            ok_actions=[critical],
            opts=self._here,
        )
