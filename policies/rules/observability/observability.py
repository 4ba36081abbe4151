"""Observability: logs are kept as long as they must and encrypted; alarms ring, and people hear."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rules.documents import (
    accounts,
    bound_by,
    covers,
    everybody,
    known,
    named,
    refusing,
    resources,
    said,
    statements,
)
from rules.model import Item, Props, Rule, Stack, StackRule

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
TOPIC = "aws:sns/topic:Topic"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
CLUSTER = "aws:eks/cluster:Cluster"
DATABASE = "aws:rds/instance:Instance"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
NODES = "aws:eks/nodeGroup:NodeGroup"
# LOG-01: 30 days to find out what happened.
LOG_DAYS = 30
# AUDIT-01, AUDIT-03: evidence is kept for a year.
EVIDENCE_DAYS = 365
# Who writes evidence into a log group, and by which input it names the group; flow logs have a
# rule of their own (flow-log-kept).
WITNESSES = (
    ("aws:cloudtrail/trail:Trail", "cloudWatchLogsGroupArn"),
    ("aws:route53/queryLog:QueryLog", "cloudwatchLogGroupArn"),
    ("aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration", "logDestinationConfigs"),
)
# Services that find their group by its name.
WITNESS_NAMES = ("/aws/eks/", "/aws/rds/")
# What an alarm can do without data; "missing", the default, keeps the last state for ever.
MISSING_DATA = {"breaching", "ignore", "notBreaching"}
# MON-09: what each service dies of, by the metric that shows it first.
VITAL: Mapping[str, tuple[str, ...]] = {
    DATABASE: ("CPUUtilization", "DatabaseConnections", "FreeStorageSpace", "FreeableMemory"),
    CACHE: (
        *("DatabaseMemoryUsagePercentage", "EngineCPUUtilization", "Evictions"),
        "ReplicationLag",
    ),
    BALANCER: ("HTTPCode_Target_5XX_Count", "HealthyHostCount", "TargetResponseTime"),
    NODES: ("CPUUtilization", "GroupInServiceInstances", "StatusCheckFailed"),
    CLUSTER: ("scheduler_pending_pods_UNSCHEDULABLE",),
}


# -- logs ------------------------------------------------------------------------------------------
def _kept(props: Props) -> Iterator[str]:
    days = int(props.at("retentionInDays") or 0)
    if days == 0:
        yield "logs are kept for ever"
    elif days < LOG_DAYS:
        yield f"logs are kept for {days} days only"


def _evidence(group: Item, stack: Stack) -> Iterator[str]:
    if not stack.serves_customers:
        return
    by_name = known(group.props, "name").startswith(WITNESS_NAMES)
    if by_name or any(stack.parts(type_, name, group) for type_, name in WITNESSES):
        days = int(group.props.at("retentionInDays") or 0)
        if 0 < days < EVIDENCE_DAYS:
            yield f"evidence is kept for {days} days only"


def _encrypted(props: Props) -> Iterator[str]:
    if not props.given("kmsKeyId"):
        yield "logs are not encrypted with a key of ours"


def _own_groups(item: Item, stack: Stack) -> Iterator[str]:
    """Groups that a service makes by itself have no key and no end."""
    if item.type == CLUSTER:
        wanted = [f"/aws/eks/{item.props.at('name')}/cluster"]
    else:
        kinds = item.props.at("enabledCloudwatchLogsExports") or []
        wanted = [f"/aws/rds/instance/{item.props.at('identifier')}/{kind}" for kind in kinds]
    for name in wanted:
        if name not in named(stack, LOG_GROUP, "name"):
            yield f"the log group {name} is left to the service, without a key and for ever"


def _bound(props: Props) -> Iterator[str]:
    for statement in statements(props.document("policyDocument")):
        if not bound_by(statement, ("aws:sourceaccount", "aws:sourcearn")):
            yield "a service may write here for somebody else's account"


# -- topics --------------------------------------------------------------------------------------
def _message_key(props: Props) -> Iterator[str]:
    if not props.given("kmsMasterKeyId"):
        yield "notices are not encrypted"
    elif known(props, "kmsMasterKeyId").startswith("alias/aws/"):
        yield "AWS's own key does not let alarms publish: they would be dropped silently"


def _not_public(props: Props) -> Iterator[str]:
    for statement in statements(props.document("policy")):
        bound = bound_by(statement, ("aws:sourceowner", "aws:sourceaccount", "aws:principalorgid"))
        if everybody(statement) and not bound:
            yield "anybody may publish or listen"
        ours = {each.split(":")[4] for each in resources(statement) if each.count(":") > 4}
        for account in accounts(statement):
            if account not in ours:
                yield f"account {account} may publish or listen"


def _over_tls(topic: Item, stack: Stack) -> Iterator[str]:
    if not any(
        covers(statement, "sns:Publish")
        for policy in stack.parts(TOPIC_POLICY, "arn", topic)
        for statement in refusing(
            policy.props.document("policy"), "Bool", "aws:securetransport", "false"
        )
    ):
        yield "notices are taken over plain HTTP"


def _heard(topic: Item, stack: Stack) -> Iterator[str]:
    # An alarm's action may come from the topic or from its policy, which waits for the topic.
    ways = [topic, *stack.parts(TOPIC_POLICY, "arn", topic)]
    alarms = sum(len(stack.parts(ALARM, "alarmActions", way)) for way in ways)
    subscription = "aws:sns/topicSubscription:TopicSubscription"
    if alarms and not any(stack.parts(subscription, "topic", way) for way in ways):
        yield f"{alarms} alarms ring here and nobody listens"


# -- alarms ----------------------------------------------------------------------------------------
def _rings(props: Props) -> Iterator[str]:
    if props.at("actionsEnabled", True) is False:
        yield "its actions are switched off"
    if not said(props, "alarmActions"):
        yield "nobody is told when it goes off"


def _missing_data(props: Props) -> Iterator[str]:
    if props.at("treatMissingData", "missing") not in MISSING_DATA:
        yield "without data it keeps the state it had, for ever"


def _explained(props: Props) -> Iterator[str]:
    if "Runbook: docs/runbooks/" not in props.at("alarmDescription", ""):
        yield "whoever is woken finds no runbook in it"


def _watched(item: Item, stack: Stack) -> Iterator[str]:
    alarms = [
        *stack.parts(ALARM, "dimensions", item),
        *stack.parts(ALARM, "metricQueries", item),
    ]
    found = {metric for alarm in alarms for metric in metrics(alarm.props)}
    for metric in VITAL[item.type]:
        if metric not in found:
            yield f"no alarm watches {metric}"


def metrics(alarm: Props) -> Iterable[str]:
    """The metrics that an alarm watches, alone or in a formula."""
    yield known(alarm, "metricName")
    for query in alarm.at("metricQueries") or []:
        yield known(query, "metric.metricName")


_LOGS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs"
_WATCH = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring"
_SNS = "https://docs.aws.amazon.com/sns/latest/dg"

RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="log-group-retention",
        sentence=f"Logs are kept for {LOG_DAYS} days or more, and not for ever.",
        types=(LOG_GROUP,),
        severity="medium",
        requirements=("LOG-01", "GDPR-04", "CHK-INFRA-04"),
        controls=("CHECKOV CKV_AWS_66", "SOC2 CC7.2", "ISO27001 A.8.15", "GDPR 5"),
        why="Addresses of customers would stay for ever, or be gone before anybody looks.",
        fix="set retention_in_days",
        url=f"{_LOGS}/Working-with-log-groups-and-streams.html",
        evidence=("name", "retentionInDays"),
        judge=_kept,
    ),
    StackRule(
        name="log-group-evidence-kept",
        sentence="Where customers are served, evidence is kept for a year.",
        types=(LOG_GROUP,),
        severity="high",
        requirements=("AUDIT-01", "AUDIT-02", "AUDIT-03"),
        controls=("CHECKOV CKV_AWS_338", "CIS-EKS 2.1.2", "SOC2 CC7.3", "ISO27001 A.5.28"),
        why="An intrusion is found months later, and nothing would tell how it came about.",
        fix=f"set retention_in_days to {EVIDENCE_DAYS} or more",
        url=f"{_LOGS}/Working-with-log-groups-and-streams.html",
        evidence=("name", "retentionInDays"),
        judge=_evidence,
    ),
    Rule(
        name="log-group-encrypted",
        sentence="Logs are encrypted with a key of ours.",
        types=(LOG_GROUP,),
        severity="medium",
        requirements=("LOG-01", "AUDIT-03"),
        controls=("CHECKOV CKV_AWS_158", "SOC2 CC6.1", "ISO27001 A.8.24", "GDPR 32"),
        why="Reading what customers did would need no key that can be taken away.",
        fix="set kms_key_id",
        url=f"{_LOGS}/encrypt-log-data-kms.html",
        evidence=("name", "kmsKeyId"),
        judge=_encrypted,
    ),
    StackRule(
        name="log-group-own",
        sentence="No service makes its log group by itself.",
        types=(CLUSTER, DATABASE),
        severity="medium",
        requirements=("LOG-01", "AUDIT-03"),
        controls=("SOC2 CC7.2", "ISO27001 A.8.15"),
        why="Such a group has no key and no end, and no rule sees it.",
        fix="add an aws.cloudwatch.LogGroup of that name before the service",
        url=f"{_LOGS}/Working-with-log-groups-and-streams.html",
        evidence=("name", "identifier", "enabledCloudwatchLogsExports"),
        judge=_own_groups,
    ),
    Rule(
        name="log-policy-bound",
        sentence="Services write into our log groups for our account only.",
        types=("aws:cloudwatch/logResourcePolicy:LogResourcePolicy",),
        severity="medium",
        requirements=("AUDIT-03",),
        controls=("SOC2 CC6.6", "ISO27001 A.5.33"),
        why="Somebody else could fill our evidence with his own lines.",
        fix="add a condition on aws:SourceAccount",
        url="https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",
        evidence=("policyName", "policyDocument"),
        judge=_bound,
    ),
    Rule(
        name="topic-encrypted",
        sentence="Notices are encrypted with a key that alarms may use.",
        types=(TOPIC,),
        severity="high",
        requirements=("MON-08",),
        controls=(*("FSBP SNS.1", "CHECKOV CKV_AWS_26", "SOC2 CC6.1", "ISO27001 A.8.24"),),
        why="An alarm that the key refuses is lost, and nobody is woken.",
        fix="set kms_master_key_id to a key of ours",
        url=f"{_SNS}/sns-key-management.html",
        evidence=("name", "kmsMasterKeyId"),
        judge=_message_key,
    ),
    Rule(
        name="topic-not-public",
        sentence="Named services publish to our topics, and nobody else.",
        types=(TOPIC_POLICY,),
        severity="high",
        requirements=("MON-08", "CHK-SEC-04"),
        controls=(
            *("FSBP SNS.4", "CHECKOV CKV_AWS_169", "CHECKOV CKV_AWS_385", "SOC2 CC6.1"),
            *("ISO27001 A.5.15",),
        ),
        why="False alarms would hide the true one, or outsiders would read ours.",
        fix="name the principals, and bind services by aws:SourceAccount",
        url=f"{_SNS}/sns-access-policy-use-cases.html",
        evidence=("arn", "policy"),
        judge=_not_public,
    ),
    StackRule(
        name="topic-tls-only",
        sentence="Topics refuse plain HTTP.",
        types=(TOPIC,),
        severity="medium",
        requirements=("MON-08", "CHK-SEC-01"),
        controls=("SOC2 CC6.7", "ISO27001 A.8.24"),
        why="Names of machines and of what fails there would cross the network in clear.",
        fix="deny aws:SecureTransport false in the topic's policy",
        url=f"{_SNS}/sns-security-best-practices.html",
        evidence=("displayName", "arn"),
        judge=_over_tls,
    ),
    StackRule(
        name="topic-heard",
        sentence="Somebody listens where alarms ring.",
        types=(TOPIC,),
        severity="critical",
        requirements=("MON-08", "CHK-INFRA-06"),
        controls=("SOC2 CC7.3", "ISO27001 A.8.16"),
        why="Customers would be the first to notice an outage.",
        fix="add an aws.sns.TopicSubscription",
        url=f"{_SNS}/sns-create-subscribe-endpoint-to-topic.html",
        evidence=("displayName", "arn"),
        judge=_heard,
    ),
    Rule(
        name="alarm-rings",
        sentence="Every alarm tells somebody.",
        types=(ALARM,),
        severity="high",
        requirements=("MON-08", "CHK-INFRA-06"),
        controls=("CHECKOV CKV_AWS_319", "SOC2 CC7.2", "ISO27001 A.8.16"),
        why="An alarm without a receiver is a picture on a wall.",
        fix="set alarm_actions and leave actions_enabled on",
        url=f"{_WATCH}/alarm-actions.html",
        evidence=("name", "actionsEnabled", "alarmActions"),
        remedy={"actionsEnabled": True},
        judge=_rings,
    ),
    Rule(
        name="alarm-missing-data",
        sentence="Every alarm says what silence means.",
        types=(ALARM,),
        severity="medium",
        requirements=("MON-09",),
        controls=("SOC2 CC7.2", "ISO27001 A.8.16"),
        why="A service that has died sends no data, and its alarm would stay green.",
        fix=f"set treat_missing_data to one of {', '.join(sorted(MISSING_DATA))}",
        url=f"{_WATCH}/alarms-and-missing-data.html",
        evidence=("name", "treatMissingData"),
        judge=_missing_data,
    ),
    Rule(
        name="alarm-explained",
        sentence="Every alarm names its runbook.",
        types=(ALARM,),
        severity="low",
        requirements=("MON-08",),
        controls=("SOC2 CC7.4", "ISO27001 A.8.16"),
        why="At three in the morning nobody remembers what to do.",
        fix="end alarm_description with Runbook: docs/runbooks/<name>.md",
        url="https://docs.aws.amazon.com/wellarchitected/latest/operational-excellence-pillar/"
        "ops_ready_to_support_use_runbooks.html",
        evidence=("name", "alarmDescription"),
        judge=_explained,
    ),
    StackRule(
        name="alarm-for-vital-signs",
        sentence="What every service dies of has an alarm.",
        types=tuple(VITAL),
        severity="high",
        requirements=("MON-05", "MON-06", "MON-09", "CHK-INFRA-06"),
        controls=("SOC2 A1.1", "SOC2 CC7.2", "ISO27001 A.8.6", "ISO27001 A.8.16"),
        why="A full disk is an outage of an hour that a warning makes a click.",
        fix="add it to the table of components/alarm_table.py",
        url=f"{_WATCH}/Best_Practice_Recommended_Alarms_AWS_Services.html",
        evidence=("name", "identifier", "replicationGroupId"),
        judge=_watched,
    ),
)
