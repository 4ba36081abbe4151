"""What WAF refuses: scopes and their region, log destinations, rules and their cost, order.

Rows W1 to W9, but for W5 (a fresh load balancer: the provider tries again for minutes) and W8 (two
owners of one ACL). Costs are those of "Rule statements" and "AWS managed rule groups list" in the
WAF developer guide; an ACL with a statement that has no known cost is not added up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.account import Account
from rehearsal.refusals.asking import current, known_list, objects, permits, siblings
from rehearsal.refusals.table import Operation, Request, Row, lookup
from rehearsal.wire import UNKNOWN, Secret

ACL = "aws:wafv2/webAcl:WebAcl"
RULE = "aws:wafv2/webAclRule:WebAclRule"
RULE_GROUP = "aws:wafv2/ruleGroup:RuleGroup"
ADDRESSES = "aws:wafv2/ipSet:IpSet"
PATTERNS = "aws:wafv2/regexPatternSet:RegexPatternSet"
USE = "aws:wafv2/webAclAssociation:WebAclAssociation"
LOGGING = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
LOG_POLICY = "aws:cloudwatch/logResourcePolicy:LogResourcePolicy"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"

GLOBAL_REGION = "us-east-1"
CAPACITY = 5000  # WAF quotas: capacity units in a web ACL
LOWEST_RATE = 10  # WAF API reference: RateBasedStatement.Limit
WINDOWS = (60, 120, 300, 600)  # WAF API reference: EvaluationWindowSec
LOG_PREFIX = "aws-waf-logs-"
LOG_SERVICE = "delivery.logs.amazonaws.com"

# Capacity units of AWS's own groups (WAF developer guide).
GROUPS = {
    "AWSManagedRulesCommonRuleSet": 700,
    "AWSManagedRulesAdminProtectionRuleSet": 100,
    "AWSManagedRulesKnownBadInputsRuleSet": 200,
    "AWSManagedRulesSQLiRuleSet": 200,
    "AWSManagedRulesLinuxRuleSet": 200,
    "AWSManagedRulesUnixRuleSet": 100,
    "AWSManagedRulesWindowsRuleSet": 200,
    "AWSManagedRulesPHPRuleSet": 100,
    "AWSManagedRulesWordPressRuleSet": 100,
    "AWSManagedRulesAmazonIpReputationList": 25,
    "AWSManagedRulesAnonymousIpList": 50,
    "AWSManagedRulesBotControlRuleSet": 50,
    "AWSManagedRulesATPRuleSet": 50,
    "AWSManagedRulesACFPRuleSet": 50,
    "AWSManagedRulesAntiDDoSRuleSet": 50,
}
_FIXED = {"geoMatchStatement": 1, "labelMatchStatement": 1, "asnMatchStatement": 1}
_BASE = {"regexMatchStatement": 3, "regexPatternSetReferenceStatement": 25}
_BASE |= {"sizeConstraintStatement": 1, "xssMatchStatement": 40}
_SETS = (ADDRESSES, PATTERNS, RULE_GROUP)
_DESTINATION = re.compile(
    r"arn:aws[\w-]*:(?:logs:[\w-]+:\d{12}:log-group:|s3:::|firehose:[\w-]+:\d{12}:deliverystream/)"
    r"(?P<name>[^:]+)"
)


# -- statements ---------------------------------------------------------------------------------
def _opened(value: Any) -> Any:
    return value.value if isinstance(value, Secret) else value


def nested(statement: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every (kind, body) in a statement, the outer ones first."""
    statement = _opened(statement)
    if not isinstance(statement, Mapping):
        return
    for kind, body in statement.items():
        body = _opened(body)
        if not isinstance(body, Mapping):
            continue
        yield kind, body
        inner = lookup(body, "statements", [])
        for each in (
            *(inner if isinstance(inner, list) else ()),
            body.get("statement"),
            body.get("scopeDownStatement"),
        ):
            yield from nested(each)


def _rules(request: Request) -> list[Mapping[str, Any]]:
    if request.type == RULE:
        return [request.new or {}]
    return objects(request, "rules")


# -- scopes, names, order -----------------------------------------------------------------------
def _scope(request: Request, _account: Account) -> str | None:
    if request.value("scope") != "CLOUDFRONT" or request.region == GLOBAL_REGION:
        return None
    return (
        "WAFInvalidParameterException: Error reason: The scope is not valid., field: SCOPE_VALUE, "
        "parameter: CLOUDFRONT"
    )


def _duplicate(request: Request, account: Account) -> str | None:
    rules = _rules(request)
    if request.type == RULE:
        where = {"webAclArn": request.value("webAclArn")}
        taken = siblings(request, account, RULE, **where) if request.known("webAclArn") else []
        priorities = [each.get("priority") for each in taken]
        if request.known("priority") and request.value("priority") in priorities:
            return _twice(request.value("priority"))
        return None
    for path in ("priority", "name"):
        seen: list[Any] = []
        for rule in rules:
            value = lookup(rule, path)
            if value in (None, UNKNOWN):
                continue
            if value in seen:
                return _twice(value)
            seen.append(value)
    if request.operation == "create" and request.known("name", "scope"):
        same = {name: request.value(name) for name in ("name", "scope")}
        if siblings(request, account, request.type, **same):
            return _ITEM
    return None


_ITEM = (
    "WAFDuplicateItemException: AWS WAF couldn't perform the operation because the resource that "
    "you tried to save is a duplicate of an existing one."
)


def _twice(value: Any) -> str:
    what = "priority" if isinstance(value, int) else "name"
    return (
        "WAFDuplicateItemException: AWS WAF couldn't perform the operation because some resource "
        f"in your request is a duplicate of an existing one: {what} {value}"
    )


def _over_capacity(request: Request, account: Account) -> str | None:
    if request.type != ACL:
        return None
    costs = [cost(lookup(rule, "statement"), account) for rule in _rules(request)]
    if None in costs or sum(c for c in costs if c is not None) <= CAPACITY:
        return None
    return (
        "WAFLimitsExceededException: AWS WAF couldn't perform the operation because you exceeded "
        "your resource limit."
    )


def _duplicate_or_dear(request: Request, account: Account) -> str | None:
    return _duplicate(request, account) or _over_capacity(request, account)


def cost(statement: Any, account: Account) -> int | None:
    """The capacity units of a statement, None where a part of it is not known."""
    statement = _opened(statement)
    if not isinstance(statement, Mapping):
        return None
    kinds = [(kind, _opened(body)) for kind, body in statement.items() if body is not None]
    if len(kinds) != 1 or not isinstance(kinds[0][1], Mapping):
        return None
    kind, body = kinds[0]
    if kind in ("andStatement", "orStatement"):
        inner = lookup(body, "statements", [])
        parts = [cost(each, account) for each in inner] if isinstance(inner, list) else [None]
        return None if None in parts else sum(p for p in parts if p is not None)
    if kind == "notStatement":
        return cost(lookup(body, "statement"), account)
    if kind == "rateBasedStatement":
        keys = lookup(body, "customKeys", [])
        own = 2 + (30 * len(keys) if isinstance(keys, list) else 0)
        narrowed = lookup(body, "scopeDownStatement")
        inner_cost = 0 if narrowed is None else cost(narrowed, account)
        return None if inner_cost is None else own + inner_cost
    if kind == "managedRuleGroupStatement":
        return GROUPS.get(str(lookup(body, "name")))
    if kind == "ruleGroupReferenceStatement":
        group = account.by_id(str(lookup(body, "arn")), RULE_GROUP)
        return group.get("capacity") if group else None
    if kind == "ipSetReferenceStatement":
        return 4 if lookup(body, "ipSetForwardedIpConfig") is not None else 1
    if kind in _FIXED:
        return _FIXED[kind]
    return _inspection(kind, body)


def _inspection(kind: str, body: Mapping[str, Any]) -> int | None:
    """A statement that inspects text: 10 for each transformation, double for a JSON body."""
    if kind == "byteMatchStatement":
        contains = str(lookup(body, "positionalConstraint", "")).startswith("CONTAINS")
        base = 10 if contains else 2
    elif kind == "sqliMatchStatement":
        base = 30 if lookup(body, "sensitivityLevel") == "HIGH" else 20
    elif kind in _BASE:
        base = _BASE[kind]
    else:
        return None
    changes = lookup(body, "textTransformations", [])
    if not isinstance(changes, list):
        return None
    changed = sum(10 for each in changes if lookup(each, "type") != "NONE")
    if lookup(body, "fieldToMatch.jsonBody") is not None:
        base *= 2
    if lookup(body, "fieldToMatch.allQueryArguments") is not None:
        base += 10
    return base + changed


def _in_use(request: Request, account: Account) -> str | None:
    part = current(request, account)
    if part is None:
        return None
    holders = (ACL, RULE, RULE_GROUP) if request.type in _SETS else (USE, DISTRIBUTION)
    if not any(each.type in holders for each in account.referring(part)):
        return None
    return (
        "WAFAssociatedItemException: AWS WAF couldn't perform the operation because your resource "
        "is being used by another resource or it's associated with another resource."
    )


# -- logs ---------------------------------------------------------------------------------------
def _destination(request: Request, _account: Account) -> str | None:
    for arn in known_list(request, "logDestinationConfigs") or []:
        match = _DESTINATION.fullmatch(str(arn))
        region = str(arn).split(":")[3] if str(arn).count(":") > 4 else ""
        if match and match["name"].startswith(LOG_PREFIX) and region in ("", request.region):
            continue
        return (
            "WAFInvalidParameterException: Error reason: The ARN isn't valid. A valid ARN begins "
            "with arn: and includes other information separated by colons or slashes., field: "
            f"LOG_DESTINATION, parameter: {arn}"
        )
    return None


def _not_permitted(request: Request, account: Account) -> str | None:
    if request.preview:
        return None
    for arn in known_list(request, "logDestinationConfigs") or []:
        if ":log-group:" not in str(arn):
            continue
        stream = f"{arn}:log-stream:cdn"
        context = {"aws:SourceAccount": account.account_id}
        if not any(
            permits(p.get("policyDocument"), LOG_SERVICE, "logs:PutLogEvents", stream, context)
            for p in account.all(LOG_POLICY, request.region)
        ):
            return (
                "WAFLogDestinationPermissionIssueException: Unable to deliver logs to the "
                "configured destination. You might need to grant log delivery permissions for the "
                "destination."
            )
    return None


# -- single rules -------------------------------------------------------------------------------
def _oversize(request: Request, _account: Account) -> str | None:
    for rule in _rules(request):
        kinds = list(nested(lookup(rule, "statement")))
        for kind, body in kinds:
            field = lookup(body, "fieldToMatch")
            if not isinstance(field, Mapping):
                continue
            # A size constraint on the body is itself what blocks the rest.
            if kind == "sizeConstraintStatement":
                return None
            for part in ("body", "jsonBody", "headers", "cookies"):
                inspected = _opened(field.get(part))
                if isinstance(inspected, Mapping) and not inspected.get("oversizeHandling"):
                    if inspected.get("oversizeHandling") is UNKNOWN:
                        continue
                    return (
                        "WAFConfigurationWarningException: The operation failed because you are "
                        "inspecting the web request body, headers, or cookies without specifying "
                        "how to handle oversize components."
                    )
    return None


def _rate(request: Request, _account: Account) -> str | None:
    for place, rule in enumerate(_rules(request), 1):
        for kind, body in nested(lookup(rule, "statement")):
            if kind != "rateBasedStatement":
                continue
            limit, window = lookup(body, "limit"), lookup(body, "evaluationWindowSec")
            where = f"rules.{place}.member.statement.rateBasedStatement"
            if isinstance(limit, int) and limit < LOWEST_RATE:
                return (
                    "WAFInvalidParameterException: 1 validation error detected: Value "
                    f"'{limit}' at '{where}.limit' failed to satisfy constraint: Member must have "
                    f"value greater than or equal to {LOWEST_RATE}"
                )
            if isinstance(window, int) and window not in WINDOWS:
                return (
                    "WAFInvalidParameterException: 1 validation error detected: Value "
                    f"'{window}' at '{where}.evaluationWindowSec' failed to satisfy constraint: "
                    f"Member must satisfy enum value set: {list(WINDOWS)}"
                )
    return None


_WRITE: tuple[Operation, ...] = ("create", "update")
_BC = "botocore 1.44"
_WITH_RULES = (ACL, RULE_GROUP, RULE)

ROWS: tuple[Row, ...] = (
    Row(
        id="W1",
        title="what CloudFront uses lives in us-east-1",
        types=(ACL, RULE_GROUP, ADDRESSES, PATTERNS),
        operations=_WRITE,
        source="aws-solutions/aws-waf-security-automations#300",
        judge=_scope,
    ),
    Row(
        id="W2",
        title="logs go to aws-waf-logs- of the same region",
        types=(LOGGING,),
        operations=_WRITE,
        source="pulumi/pulumi-aws#1214, hashicorp/terraform-provider-aws#23934, #32779",
        judge=_destination,
    ),
    Row(
        id="W3",
        title="log delivery may write to the destination",
        types=(LOGGING,),
        operations=_WRITE,
        source=f"{_BC}; WAF developer guide, logging",
        judge=_not_permitted,
    ),
    Row(
        id="W4",
        title="an ACL, a set or a group goes after its users",
        types=(ACL, *_SETS),
        operations=("delete",),
        source=_BC,
        judge=_in_use,
    ),
    Row(
        id="W6",
        title="inspecting bodies, headers and cookies says what to do with large ones",
        types=_WITH_RULES,
        operations=_WRITE,
        source=_BC,
        judge=_oversize,
    ),
    Row(
        id="W7",
        title="names and priorities stand once, capacity is bounded",
        types=_WITH_RULES,
        operations=_WRITE,
        source=f"{_BC}; WAF developer guide, quotas",
        judge=_duplicate_or_dear,
    ),
    Row(
        id="W9",
        title="rate rules count at least 10 in a known window",
        types=_WITH_RULES,
        operations=_WRITE,
        source=_BC,
        judge=_rate,
    ),
)
