"""Each row about firewalls says WAF's words to a wrong request and nothing to a right one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rehearsal.account import Account
from rehearsal.refusals.firewalls import (
    ACL,
    ADDRESSES,
    DISTRIBUTION,
    LOG_POLICY,
    LOG_SERVICE,
    LOGGING,
    ROWS,
    RULE,
    USE,
    cost,
)
from rehearsal.wire import UNKNOWN
from tests.rehearsal.refusals.cases import (
    ACCOUNT,
    Case,
    Thing,
    create,
    delete,
    policy,
    thing,
)

ARN = f"arn:aws:wafv2:eu-central-1:{ACCOUNT}:regional/webacl/alb/1"
SET = f"arn:aws:wafv2:eu-central-1:{ACCOUNT}:regional/ipset/denied/1"
GROUP = f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:aws-waf-logs-arches-prod"
SCOPE = (
    "WAFInvalidParameterException: Error reason: The scope is not valid., field: SCOPE_VALUE, "
    "parameter: CLOUDFRONT"
)
DUPLICATE = (
    "WAFDuplicateItemException: AWS WAF couldn't perform the operation because some resource in "
    "your request is a duplicate of an existing one: "
)
IN_USE = (
    "WAFAssociatedItemException: AWS WAF couldn't perform the operation because your resource is "
    "being used by another resource or it's associated with another resource."
)
OVERSIZE = (
    "WAFConfigurationWarningException: The operation failed because you are inspecting the web "
    "request body, headers, or cookies without specifying how to handle oversize components."
)


def no_arn(arn: str) -> str:
    return (
        "WAFInvalidParameterException: Error reason: The ARN isn't valid. A valid ARN begins with "
        "arn: and includes other information separated by colons or slashes., field: "
        f"LOG_DESTINATION, parameter: {arn}"
    )


def acl(*rules: dict[str, Any], **inputs: Any):
    return create(ACL, **{"name": "alb", "scope": "REGIONAL", "rules": list(rules), **inputs})


def rule(statement: dict[str, Any], **inputs: Any) -> dict[str, Any]:
    return {"name": "one", "priority": 10, "statement": statement, **inputs}


def rate(limit: Any, window: Any = 60) -> dict[str, Any]:
    body = {"limit": limit, "evaluationWindowSec": window, "aggregateKeyType": "IP"}
    return {"rateBasedStatement": body}


def match(field: dict[str, Any]) -> dict[str, Any]:
    return {
        "byteMatchStatement": {
            "searchString": "x",
            "positionalConstraint": "STARTS_WITH",
            "fieldToMatch": field,
            "textTransformations": [{"priority": 0, "type": "NONE"}],
        }
    }


def managed(name: str) -> dict[str, Any]:
    return {"managedRuleGroupStatement": {"vendorName": "AWS", "name": name}}


def logging(arn: Any = GROUP):
    return create(LOGGING, resourceArn=ARN, logDestinationConfigs=[arn])


def log_policy(resource: str) -> Thing:
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": LOG_SERVICE},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": [resource],
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }
    return thing(LOG_POLICY, "p", policyName="p", policyDocument=policy(allow))


THERE = thing(ACL, "1", outputs={"arn": ARN}, name="alb", scope="REGIONAL")
DENIED = thing(ADDRESSES, "1", outputs={"arn": SET}, name="denied", scope="REGIONAL")
CORE = managed("AWSManagedRulesCommonRuleSet")

CASES = [
    Case(row="W1", request=acl(scope="CLOUDFRONT"), says=SCOPE),
    Case(row="W1", request=create(ADDRESSES, scope="CLOUDFRONT"), says=SCOPE),
    Case(row="W1", request=replace(acl(scope="CLOUDFRONT"), region="us-east-1")),
    Case(row="W1", request=acl()),
    Case(row="W2", request=logging(f"{GROUP}:*"), says=no_arn(f"{GROUP}:*")),
    Case(
        row="W2",
        request=logging(GROUP.replace("aws-waf-logs-", "waf-")),
        says=no_arn(GROUP.replace("aws-waf-logs-", "waf-")),
    ),
    Case(
        row="W2",
        request=logging(GROUP.replace("eu-central-1", "us-east-1")),
        says=no_arn(GROUP.replace("eu-central-1", "us-east-1")),
    ),
    Case(row="W2", request=logging()),
    Case(row="W2", request=logging("arn:aws:s3:::aws-waf-logs-arches")),
    Case(row="W2", request=logging(UNKNOWN)),
    Case(
        row="W3",
        have=[log_policy(f"{GROUP}-other:*")],
        request=logging(),
        says="WAFLogDestinationPermissionIssueException: Unable to deliver logs to the configured "
        "destination. You might need to grant log delivery permissions for the destination.",
    ),
    Case(row="W3", have=[log_policy(f"{GROUP}:log-stream:*")], request=logging()),
    Case(row="W3", request=logging("arn:aws:s3:::aws-waf-logs-arches")),
    Case(
        row="W4",
        have=[THERE, thing(USE, "u", webAclArn=ARN, resourceArn="x")],
        request=delete(ACL, "1"),
        says=IN_USE,
    ),
    Case(
        row="W4",
        have=[THERE, thing(DISTRIBUTION, "E1", webAclId=ARN)],
        request=delete(ACL, "1"),
        says=IN_USE,
    ),
    Case(
        row="W4",
        have=[
            DENIED,
            thing(ACL, "2", rules=[rule({"ipSetReferenceStatement": {"arn": SET}})]),
        ],
        request=delete(ADDRESSES, "1"),
        says=IN_USE,
    ),
    Case(
        row="W4",
        have=[THERE, thing(LOGGING, "l", resourceArn=ARN)],
        request=delete(ACL, "1"),
    ),
    Case(row="W6", request=acl(rule(match({"body": {}}))), says=OVERSIZE),
    Case(
        row="W6",
        request=acl(
            rule({"notStatement": {"statement": match({"cookies": {"matchScope": "ALL"}})}})
        ),
        says=OVERSIZE,
    ),
    Case(
        row="W6",
        request=create(RULE, webAclArn=ARN, priority=1, statement=match({"jsonBody": {}})),
        says=OVERSIZE,
    ),
    Case(row="W6", request=acl(rule(match({"body": {"oversizeHandling": "CONTINUE"}})))),
    Case(row="W6", request=acl(rule(match({"uriPath": {}})))),
    Case(
        row="W6",
        request=acl(
            rule({"sizeConstraintStatement": {"size": 8192, "fieldToMatch": {"body": {}}}}),
            rule(match({"body": {}}), name="two", priority=20),
        ),
    ),
    Case(
        row="W7",
        request=acl(rule(CORE), rule(CORE, name="two")),
        says=f"{DUPLICATE}priority 10",
    ),
    Case(
        row="W7",
        request=acl(rule(CORE), rule(CORE, priority=20)),
        says=f"{DUPLICATE}name one",
    ),
    Case(
        row="W7",
        have=[THERE],
        request=acl(),
        says="WAFDuplicateItemException: AWS WAF couldn't perform the operation because the "
        "resource that you tried to save is a duplicate of an existing one.",
    ),
    Case(
        row="W7",
        have=[thing(RULE, "r", webAclArn=ARN, priority=10)],
        request=create(RULE, webAclArn=ARN, priority=10, name="x"),
        says=f"{DUPLICATE}priority 10",
    ),
    Case(
        row="W7",
        request=acl(*(rule(CORE, name=f"r{i}", priority=i) for i in range(8))),
        says="WAFLimitsExceededException: AWS WAF couldn't perform the operation because you "
        "exceeded your resource limit.",
    ),
    Case(row="W7", request=acl(*(rule(CORE, name=f"r{i}", priority=i) for i in range(7)))),
    Case(
        row="W7",
        request=acl(*(rule(managed("Theirs"), name=f"r{i}", priority=i) for i in range(99))),
    ),
    Case(row="W7", have=[THERE], request=acl(name="other")),
    Case(
        row="W9",
        request=acl(rule(rate(9))),
        says="WAFInvalidParameterException: 1 validation error detected: Value '9' at "
        "'rules.1.member.statement.rateBasedStatement.limit' failed to satisfy constraint: Member "
        "must have value greater than or equal to 10",
    ),
    Case(
        row="W9",
        request=acl(rule(rate(100, 90))),
        says="WAFInvalidParameterException: 1 validation error detected: Value '90' at "
        "'rules.1.member.statement.rateBasedStatement.evaluationWindowSec' failed to satisfy "
        "constraint: Member must satisfy enum value set: [60, 120, 300, 600]",
    ),
    Case(row="W9", request=acl(rule(rate(10, 60)))),
    Case(row="W9", request=acl(rule(rate(UNKNOWN)))),
]


def test_the_room_has_all_rows_but_two_that_are_a_matter_of_time() -> None:
    assert [row.id for row in ROWS] == [f"W{i}" for i in range(1, 10) if i not in (5, 8)]


@pytest.mark.parametrize(
    ("statement", "units"),
    [
        (rate(100), 2),
        (managed("AWSManagedRulesSQLiRuleSet"), 200),
        (managed("Theirs"), None),
        ({"ipSetReferenceStatement": {"arn": SET}}, 1),
        ({"ipSetReferenceStatement": {"arn": SET, "ipSetForwardedIpConfig": {}}}, 4),
        (match({"uriPath": {}}), 2),
        ({"orStatement": {"statements": [match({"uriPath": {}}), rate(100)]}}, 4),
        ({"notStatement": {"statement": {"labelMatchStatement": {"key": "x"}}}}, 1),
        ({"sqliMatchStatement": {"sensitivityLevel": "HIGH"}}, 30),
        ({"someStatement": {}}, None),
        (UNKNOWN, None),
    ],
)
def test_capacity_is_added_up_as_aws_does(statement: Any, units: int | None) -> None:
    assert cost(statement, Account(":memory:")) == units
