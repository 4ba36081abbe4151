"""What logs, alarms, registry, topics and budgets refuse.

Rows O1 to O5 and P1 to P6, but for P2 (images are pushed by others). P4w is the half of P4 that AWS
accepts: messages to an encrypted topic vanish when their publisher may not use the key. A
repository is taken to hold images when a workload of the cluster runs, or ran, one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.account import Account, Resource
from rehearsal.refusals.asking import (
    given,
    listed,
    objects,
    permits,
    principals,
    siblings,
    statements,
)
from rehearsal.refusals.table import Operation, Request, Row, lookup
from rehearsal.wire import UNKNOWN

LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
LOG_POLICY = "aws:cloudwatch/logResourcePolicy:LogResourcePolicy"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
REPOSITORY = "aws:ecr/repository:Repository"
TOPIC = "aws:sns/topic:Topic"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
BUDGET = "aws:budgets/budget:Budget"
KEY = "aws:kms/key:Key"
REPLICA = "aws:kms/replicaKey:ReplicaKey"
KEY_POLICY = "aws:kms/keyPolicy:KeyPolicy"

LOG_POLICIES = 10  # CloudWatch Logs quotas: resource policies per account and Region
# CloudWatch Logs API reference: PutRetentionPolicy; 0 is the provider's "for ever".
RETENTIONS = (0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192)
RETENTIONS += (2557, 2922, 3288, 3653)
ACTIONS = 5  # CloudWatch API reference: PutMetricAlarm, for each state
PERIODS = (10, 20, 30)  # CloudWatch API reference: beside multiples of 60
DAY, WEEK = 86_400, 604_800  # CloudWatch API reference: longest look back, below and from 3,600 s
NOTICES = 10  # Budgets API reference: Notification, per budget
EMAILS = 10  # Budgets API reference: Notification
TOPICS = 1  # Budgets API reference: Notification

_WORKLOADS = tuple(
    f"kubernetes:{group}:{kind}"
    for group, kind in (
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("batch/v1", "Job"),
        ("batch/v1", "CronJob"),
    )
)


def key_lets(
    account: Account, key: Resource, service: str, action: str, context: Mapping[str, str]
) -> bool:
    """Whether a key's policy lets a service do `action`; without a policy only the account may."""
    texts = [each.get("policy") for each in account.find(KEY_POLICY, keyId=key.id)]
    texts.append(key.inputs.get("policy"))
    given_texts = [text for text in texts if text is not None]
    return any(permits(text, service, action, key.arn, context) for text in given_texts)


def key_of(account: Account, reference: Any) -> Resource | None:
    """A key of this account, by its ARN or id."""
    if not isinstance(reference, str):
        return None
    return account.by_id(reference, KEY) or account.by_id(reference, REPLICA)


# -- log groups ---------------------------------------------------------------------------------
def _group_exists(request: Request, account: Account) -> str | None:
    if not request.known("name"):
        return None
    if not siblings(request, account, LOG_GROUP, name=request.value("name")):
        return None
    return "ResourceAlreadyExistsException: The specified log group already exists"


def _group_key(request: Request, account: Account) -> str | None:
    # At preview the key's policy may be about to change.
    if request.preview or not request.known("name", "kmsKeyId"):
        return None
    key = key_of(account, request.value("kmsKeyId"))
    if key is None:
        return None
    partition = key.arn.split(":")[1] if ":" in key.arn else "aws"
    arn = (
        f"arn:{partition}:logs:{request.region}:{account.account_id}:log-group:"
        f"{request.value('name')}"
    )
    service = f"logs.{request.region}.amazonaws.com"
    context = {
        "kms:EncryptionContext:aws:logs:arn": arn,
        "aws:SourceAccount": account.account_id,
        "aws:SourceArn": arn,
    }
    if key.region == request.region and all(
        key_lets(account, key, service, action, context)
        for action in ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey")
    ):
        return None
    return (
        "AccessDeniedException: The specified KMS key does not exist or is not allowed to be used "
        f"with Arn '{arn}'"
    )


def _group_terms(request: Request, _account: Account) -> str | None:
    for path in ("name", "namePrefix"):
        name = request.value(path)
        if isinstance(name, str) and name.lower().startswith("aws/"):
            return "InvalidParameterException: Log groups starting with AWS/ are reserved for AWS."
    days = request.value("retentionInDays")
    if not isinstance(days, int) or days in RETENTIONS:
        return None
    allowed = " ".join(map(str, RETENTIONS))
    return (
        f"InvalidParameterException: expected retention_in_days to be one of [{allowed}], got "
        f"{days}"
    )


def _eleventh_policy(request: Request, account: Account) -> str | None:
    if given(request, "resourceArn"):
        return None
    others = [
        each
        for each in siblings(request, account, LOG_POLICY)
        if not each.inputs.get("resourceArn")
    ]
    # A policy of the same name is written over.
    names = {each.get("policyName") for each in others}
    if request.value("policyName") in names or len(names) < LOG_POLICIES:
        return None
    return "LimitExceededException: Resource limit exceeded."


# -- alarms -------------------------------------------------------------------------------------
def _alarm(request: Request, _account: Account) -> str | None:
    for path in ("alarmActions", "okActions", "insufficientDataActions"):
        actions = request.value(path, [])
        if isinstance(actions, list) and len(actions) > ACTIONS:
            return (
                f"ValidationError: 1 validation error detected: Value at '{path}' failed to "
                f"satisfy constraint: Member must have length less than or equal to {ACTIONS}"
            )
    periods = [request.value("period")]
    periods += [lookup(query, "metric.period") for query in objects(request, "metricQueries")]
    rounds = request.value("evaluationPeriods")
    for period in periods:
        if not isinstance(period, int):
            continue
        if period not in PERIODS and (period <= 0 or period % 60):
            return "ValidationError: Period must be 10, 20, 30 or a multiple of 60"
        longest = WEEK if period >= 3600 else DAY
        if isinstance(rounds, int) and rounds * period > longest:
            return f"ValidationError: EvaluationPeriods * Period must be <= {longest}"
    return None


# -- registry -----------------------------------------------------------------------------------
def _images(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name == "image" and isinstance(inner, str):
                yield inner
            else:
                yield from _images(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _images(inner)


def _has_images(request: Request, account: Account) -> str | None:
    if request.old_value("forceDelete", False):
        return None
    repository = account.by_id(request.id, REPOSITORY)
    url = repository.get("repositoryUrl") if repository else None
    if repository is None or not url:
        return None
    running = (each.inputs for type_ in _WORKLOADS for each in account.all(type_))
    gone = (
        grave.inputs
        for type_ in _WORKLOADS
        for grave in account.graves(type_)
        if grave.deleted >= repository.created
    )
    starts = (f"{url}:", f"{url}@")
    if not any(
        image.startswith(starts)
        for several in (running, gone)
        for x in several
        for image in _images(x)
    ):
        return None
    return (
        f"RepositoryNotEmptyException: The repository with name '{request.id}' in registry with id "
        f"'{account.account_id}' cannot be deleted because it still contains images"
    )


# -- topics -------------------------------------------------------------------------------------
_NO_ATTRIBUTES = frozenset({"name", "namePrefix", "region", "tags", "tagsAll"})


def _topic_differs(request: Request, account: Account) -> str | None:
    if not request.known("name"):
        return None
    for other in siblings(request, account, TOPIC, name=request.value("name")):
        mine = {name: request.value(name) for name in request.new or {}}
        if any(
            value not in (None, UNKNOWN) and value != other.inputs.get(name)
            for name, value in mine.items()
            if name not in _NO_ATTRIBUTES
        ):
            return (
                "InvalidParameter: Invalid parameter: Attributes Reason: Topic already exists with "
                "different attributes"
            )
        tags = mine.get("tags")
        if isinstance(tags, Mapping) and tags != (other.inputs.get("tags") or {}):
            return (
                "InvalidParameter: Invalid parameter: Tags Reason: Topic already exists with "
                "different tags"
            )
    return None


def _foreign_actions(request: Request, _account: Account) -> str | None:
    for each in statements(request.value("policy")):
        actions = [str(action).lower() for action in listed(each.get("Action"))]
        if any(":" in action and not action.startswith("sns:") for action in actions):
            return (
                "InvalidParameter: Invalid parameter: Policy statement action out of service scope!"
            )
    return None


def _unheard(request: Request, account: Account) -> str | None:
    if request.preview or not request.known("arn"):
        return None
    topic = account.by_id(request.value("arn"), TOPIC)
    reference = topic.inputs.get("kmsMasterKeyId") if topic else None
    if topic is None or not reference:
        return None
    key = key_of(account, reference)
    own = str(reference).endswith("alias/aws/sns")
    if key is None and not own:
        return None
    context = {
        "kms:EncryptionContext:aws:sns:topicArn": topic.arn,
        "aws:SourceAccount": account.account_id,
    }
    for each in statements(request.value("policy")):
        if each.get("Effect") != "Allow":
            continue
        for service in principals(each, "Service"):
            if key is None or not key_lets(account, key, service, "kms:GenerateDataKey", context):
                return (
                    f"KMSAccessDenied at publish: {service} may publish to the topic and may not "
                    f"use its key {reference}: its messages vanish"
                )
    return None


# -- budgets ------------------------------------------------------------------------------------
def _budget(request: Request, account: Account) -> str | None:
    if request.operation == "create" and request.known("name"):
        name = request.value("name")
        if siblings(request, account, BUDGET, everywhere=True, name=name):
            return (
                f"DuplicateRecordException: Error creating budget: {name} - the budget already "
                "exists."
            )
    if any(given(request, path) for path in ("limitAmount", "plannedLimits", "autoAdjustData")):
        return None
    return (
        "InvalidParameterException: Unable to create/update budget - please provide one of the "
        "followings: Budget Limit/ Planned Budget Limit/ Auto Adjust Data"
    )


def _subscribers(request: Request, _account: Account) -> str | None:
    notices = objects(request, "notifications")
    over = len(notices) > NOTICES
    for notice in notices:
        for path, most in (
            ("subscriberEmailAddresses", EMAILS),
            ("subscriberSnsTopicArns", TOPICS),
        ):
            addresses = lookup(notice, path, [])
            over = over or (isinstance(addresses, list) and len(addresses) > most)
    if not over:
        return None
    return "CreationLimitExceededException: You've exceeded the notification or subscriber limit."


_WRITE: tuple[Operation, ...] = ("create", "update")
_BC = "botocore 1.44"
_MO = "moto 5.2"

ROWS: tuple[Row, ...] = (
    Row(
        id="O1",
        title="a log group stands once per region",
        types=(LOG_GROUP,),
        operations=("create",),
        source=f"terraform-aws-modules/terraform-aws-eks#920, {_MO}",
        judge=_group_exists,
    ),
    Row(
        id="O2",
        title="CloudWatch Logs may use the group's key",
        types=(LOG_GROUP,),
        operations=_WRITE,
        source="hashicorp/terraform-provider-aws#29282, aws/aws-cdk#28304",
        judge=_group_key,
    ),
    Row(
        id="O3",
        title="a log group's name is not AWS's, its retention is in the list",
        types=(LOG_GROUP,),
        operations=_WRITE,
        source=f"{_BC}; texts of the service and the provider",
        judge=_group_terms,
    ),
    Row(
        id="O4",
        title="ten log resource policies per region",
        types=(LOG_POLICY,),
        operations=("create",),
        source=_BC,
        judge=_eleventh_policy,
    ),
    Row(
        id="O5",
        title="an alarm has a known period, a bounded look back and five actions",
        types=(ALARM,),
        operations=_WRITE,
        source=f"{_BC}, cfn-lint E3615; texts from public logs",
        judge=_alarm,
    ),
    Row(
        id="P1",
        title="a repository goes after its images",
        types=(REPOSITORY,),
        operations=("delete",),
        source=_MO,
        judge=_has_images,
    ),
    Row(
        id="P3",
        title="a topic of the same name is the same topic",
        types=(TOPIC,),
        operations=("create",),
        source="public logs of the real service",
        judge=_topic_differs,
    ),
    Row(
        id="P4",
        title="a topic's policy speaks of sns actions only",
        types=(TOPIC_POLICY, TOPIC),
        operations=_WRITE,
        source=_MO,
        judge=_foreign_actions,
    ),
    Row(
        id="P4w",
        title="who publishes to an encrypted topic may use its key",
        types=(TOPIC_POLICY,),
        operations=_WRITE,
        source=f"{_BC}; SNS developer guide, encrypted topics and event sources",
        judge=_unheard,
        kind="warning",
    ),
    Row(
        id="P5",
        title="a budget has a name of its own and a limit",
        types=(BUDGET,),
        operations=_WRITE,
        source=_MO,
        judge=_budget,
    ),
    Row(
        id="P6",
        title="a notice has ten addresses and one topic",
        types=(BUDGET,),
        operations=_WRITE,
        source=_BC,
        judge=_subscribers,
    ),
)
