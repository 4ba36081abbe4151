"""Each row about logs, alarms, images, topics and budgets says AWS's words when it must."""

from __future__ import annotations

from typing import Any

from rehearsal.refusals.notices import (
    ALARM,
    BUDGET,
    KEY,
    LOG_GROUP,
    LOG_POLICIES,
    LOG_POLICY,
    REPOSITORY,
    ROWS,
    TOPIC,
    TOPIC_POLICY,
)
from rehearsal.wire import UNKNOWN
from tests.rehearsal.refusals.cases import (
    ACCOUNT,
    Case,
    Thing,
    account_for,
    create,
    delete,
    policy,
    said,
    thing,
    update,
)

KEY_ARN = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/k1"
TOPIC_ARN = f"arn:aws:sns:eu-central-1:{ACCOUNT}:critical"
URL = f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com/arches-api"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
NOT_ALLOWED = (
    "AccessDeniedException: The specified KMS key does not exist or is not allowed to be used with "
    f"Arn 'arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:/arches/api'"
)
RESERVED = "InvalidParameterException: Log groups starting with AWS/ are reserved for AWS."
FULL = (
    "RepositoryNotEmptyException: The repository with name 'arches-api' in registry with id "
    f"'{ACCOUNT}' cannot be deleted because it still contains images"
)
UNHEARD = (
    "KMSAccessDenied at publish: cloudwatch.amazonaws.com may publish to the topic and may not use "
    "its key {}: its messages vanish"
)
LIMIT = "CreationLimitExceededException: You've exceeded the notification or subscriber limit."
# What is counted, or missing, needs no value.
CERTAIN = {"O4", "P5"}


def key(service: str, *actions: str, **condition: Any) -> Thing:
    text = policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": list(actions),
            "Resource": "*",
            "Condition": condition,
        }
    )
    return thing(KEY, "k1", outputs={"arn": KEY_ARN}, policy=text)


def logs_key(groups: str) -> Thing:
    return key(
        "logs.eu-central-1.amazonaws.com",
        "kms:Encrypt",
        "kms:Decrypt",
        "kms:GenerateDataKey*",
        ArnLike={
            "kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:eu-central-1:{ACCOUNT}:{groups}"
        },
    )


def group(**inputs: Any):
    return create(LOG_GROUP, **{"name": "/arches/api", **inputs})


def alarm(**inputs: Any):
    return create(ALARM, **{"name": "a", "period": 60, "evaluationPeriods": 5, **inputs})


def repository(**inputs: Any) -> Thing:
    return thing(REPOSITORY, "arches-api", outputs={"repositoryUrl": URL}, **inputs)


def running(image: str) -> Thing:
    pod = {"spec": {"containers": [{"name": "api", "image": image}]}}
    return thing(DEPLOYMENT, "arches/api", spec={"template": pod})


def topic(**inputs: Any) -> Thing:
    return thing(TOPIC, TOPIC_ARN, outputs={"arn": TOPIC_ARN}, name="critical", **inputs)


def topic_policy(*actions: str, service: str = "cloudwatch.amazonaws.com"):
    allow = {"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions)}
    return create(TOPIC_POLICY, arn=TOPIC_ARN, policy=policy({**allow, "Resource": TOPIC_ARN}))


def budget(**inputs: Any):
    return create(BUDGET, **{"name": "arches-prod", "limitAmount": "1000", **inputs})


def notice(emails: int, topics: int = 1) -> dict[str, Any]:
    return {
        "subscriberEmailAddresses": [f"{i}@archesai.com" for i in range(emails)],
        "subscriberSnsTopicArns": [f"arn:{i}" for i in range(topics)],
    }


CASES = [
    Case(
        row="O1",
        have=[thing(LOG_GROUP, "/arches/api", name="/arches/api")],
        request=group(),
        says="ResourceAlreadyExistsException: The specified log group already exists",
    ),
    Case(row="O1", gone=[thing(LOG_GROUP, "/arches/api", name="/arches/api")], request=group()),
    Case(
        row="O2",
        have=[logs_key("log-group:/aws/eks/*")],
        request=group(kmsKeyId=KEY_ARN),
        says=NOT_ALLOWED,
    ),
    Case(
        row="O2",
        have=[key("logs.us-east-1.amazonaws.com", "kms:*")],
        request=group(kmsKeyId=KEY_ARN),
        says=NOT_ALLOWED,
    ),
    Case(row="O2", have=[logs_key("log-group:*")], request=group(kmsKeyId=KEY_ARN)),
    Case(row="O2", request=group()),
    Case(row="O3", request=group(name="aws/spans"), says=RESERVED),
    Case(row="O3", request=create(LOG_GROUP, namePrefix="AWS/x"), says=RESERVED),
    Case(
        row="O3",
        request=group(retentionInDays=100),
        says="InvalidParameterException: expected retention_in_days to be one of [0 1 3 5 7 14 30 "
        "60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653], got 100",
    ),
    Case(row="O3", request=group(name="/aws/eks/x", retentionInDays=90)),
    Case(
        row="O4",
        have=[thing(LOG_POLICY, f"p{i}", policyName=f"p{i}") for i in range(LOG_POLICIES)],
        request=create(LOG_POLICY, policyName="eleventh"),
        says="LimitExceededException: Resource limit exceeded.",
    ),
    Case(
        row="O4",
        have=[thing(LOG_POLICY, f"p{i}", policyName=f"p{i}") for i in range(LOG_POLICIES)],
        request=create(LOG_POLICY, policyName="p0"),
    ),
    Case(
        row="O4",
        have=[thing(LOG_POLICY, f"p{i}", policyName=f"p{i}") for i in range(LOG_POLICIES - 1)],
        request=create(LOG_POLICY, policyName="tenth"),
    ),
    Case(
        row="O5",
        request=alarm(period=45),
        says="ValidationError: Period must be 10, 20, 30 or a multiple of 60",
    ),
    Case(
        row="O5",
        request=alarm(alarmActions=[f"arn:{i}" for i in range(6)]),
        says="ValidationError: 1 validation error detected: Value at 'alarmActions' failed to "
        "satisfy constraint: Member must have length less than or equal to 5",
    ),
    Case(
        row="O5",
        request=alarm(period=300, evaluationPeriods=289),
        says="ValidationError: EvaluationPeriods * Period must be <= 86400",
    ),
    Case(
        row="O5",
        request=create(
            ALARM, evaluationPeriods=8, metricQueries=[{"id": "m", "metric": {"period": 86400}}]
        ),
        says="ValidationError: EvaluationPeriods * Period must be <= 604800",
    ),
    Case(row="O5", request=alarm()),
    Case(row="O5", request=alarm(period=86400, evaluationPeriods=2)),
    Case(row="O5", request=alarm(period=10, evaluationPeriods=UNKNOWN)),
    Case(
        row="P1",
        have=[repository(), running(f"{URL}:1.0.0")],
        request=delete(REPOSITORY, "arches-api"),
        says=FULL,
    ),
    Case(
        row="P1",
        have=[repository(), running(f"{URL}@sha256:0a")],
        request=delete(REPOSITORY, "arches-api", forceDelete=True),
    ),
    Case(
        row="P1",
        have=[repository(), running(f"{URL}-worker:1.0.0")],
        request=delete(REPOSITORY, "arches-api"),
    ),
    Case(
        row="P3",
        have=[topic(displayName="old")],
        request=create(TOPIC, name="critical", displayName="new"),
        says="InvalidParameter: Invalid parameter: Attributes Reason: Topic already exists with "
        "different attributes",
    ),
    Case(
        row="P3",
        have=[topic(tags={"stack": "prod"})],
        request=create(TOPIC, name="critical", tags={"stack": "staging"}),
        says="InvalidParameter: Invalid parameter: Tags Reason: Topic already exists with "
        "different tags",
    ),
    Case(
        row="P3",
        have=[topic(displayName="same")],
        request=create(TOPIC, name="critical", displayName="same"),
    ),
    Case(row="P3", have=[topic()], request=create(TOPIC, name="warning", displayName="x")),
    Case(
        row="P4",
        request=topic_policy("sns:Publish", "sqs:SendMessage"),
        says="InvalidParameter: Invalid parameter: Policy statement action out of service scope!",
    ),
    Case(row="P4", request=topic_policy("sns:Publish")),
    Case(
        row="P4w",
        have=[topic(kmsMasterKeyId=KEY_ARN), key("events.amazonaws.com", "kms:*")],
        request=topic_policy("sns:Publish"),
        says=UNHEARD.format(KEY_ARN),
    ),
    Case(
        row="P4w",
        have=[topic(kmsMasterKeyId="alias/aws/sns")],
        request=topic_policy("sns:Publish"),
        says=UNHEARD.format("alias/aws/sns"),
    ),
    Case(
        row="P4w",
        have=[
            topic(kmsMasterKeyId=KEY_ARN),
            key(
                "cloudwatch.amazonaws.com",
                "kms:Decrypt",
                "kms:GenerateDataKey*",
                StringEquals={"aws:SourceAccount": ACCOUNT},
            ),
        ],
        request=topic_policy("sns:Publish"),
    ),
    Case(row="P4w", have=[topic()], request=topic_policy("sns:Publish")),
    Case(
        row="P5",
        have=[thing(BUDGET, "arches-prod", name="arches-prod")],
        request=budget(),
        says="DuplicateRecordException: Error creating budget: arches-prod - the budget already "
        "exists.",
    ),
    Case(
        row="P5",
        request=create(BUDGET, name="arches-prod"),
        says="InvalidParameterException: Unable to create/update budget - please provide one of "
        "the followings: Budget Limit/ Planned Budget Limit/ Auto Adjust Data",
    ),
    Case(row="P5", request=budget()),
    Case(row="P6", request=budget(notifications=[notice(11)]), says=LIMIT),
    Case(row="P6", request=budget(notifications=[notice(1, 2)]), says=LIMIT),
    Case(row="P6", request=budget(notifications=[notice(1)] * 11), says=LIMIT),
    Case(row="P6", request=budget(notifications=[notice(10)] * 3)),
]


def test_the_room_has_all_rows_of_the_reference_but_the_push_of_an_image() -> None:
    rows = [row.id for row in ROWS if not row.id.endswith("w")]
    expected = [f"O{i}" for i in range(1, 6)] + [f"P{i}" for i in range(1, 7) if i != 2]
    assert rows == expected


def test_images_of_a_workload_that_is_gone_are_still_in_the_repository() -> None:
    case = Case(
        row="P1",
        have=[repository(), running(f"{URL}:1.0.0")],
        request=delete(REPOSITORY, "arches-api"),
    )
    account = account_for(case)
    account.remove(account.all(DEPLOYMENT)[0])
    (row,) = [row for row in ROWS if row.id == "P1"]
    assert row.judge(case.request, account) == FULL


def test_a_budget_is_not_its_own_double() -> None:
    old: dict[str, Any] = {"name": "arches-prod", "limitAmount": "1000"}
    case = Case(
        row="P5",
        have=[thing(BUDGET, "arches-prod", **old)],
        request=update(BUDGET, "arches-prod", old, limitAmount="2000"),
    )
    assert said(ROWS, case) is None
