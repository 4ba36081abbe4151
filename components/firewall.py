"""The web application firewall: one ACL for CloudFront and, by default, one for the balancer.

Here live the rules, their order, what they cost in capacity, and the logs. Never here: who is
attached. CloudFront names its ACL itself (an association is refused, F11); the balancer makes its
own association, so that it never waits for a firewall.

Meets ENV-16, ENV-17 (no answer is left out of the count), LB-16, LB-17, LB-23 (bodies), LB-25,
SEC-03, CDN-05, CHK-SEC-06, AUDIT-02; controls WAF.10 to WAF.12.

Why it looks so:
- The CDN's ACL sees the client's address; the balancer's sees CloudFront's. So everything that goes
  by address stands at the CDN only: rates, reputation, the deny list, anti-DDoS.
- Rate rules come before the managed groups: a flood must not be inspected for SQL first.
- AWS's common group blocks every body above 8 KB (refusal W6 and traps, WAF). Here its rule only
  labels, and a rule of ours blocks what carries the label outside the upload paths.
- WAF counts approximately and late (LB-16), so the gateway in the cluster keeps the exact limit.

Refused: an allow list (one entry would switch every later rule off), silent JavaScript challenges
of the anti-DDoS group (an API client cannot solve them), and rates at the balancer by
X-Forwarded-For: WAF reads its first address (WAF developer guide, "Using forwarded IP addresses"),
which the client writes, since CloudFront only appends; anybody could lock out whom they like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any, TypeAlias, cast

import pulumi
import pulumi_aws as aws

from components.context import Context
from components.dns import GLOBAL_REGION
from components.documents import document, statement
from components.keys import Keys
from settings.edge import EdgeSettings, FirewallSettings

WINDOW_SECONDS = 60  # allowed: 60, 120, 300, 600 (W9)
TOO_MANY_REQUESTS = 429  # not 503, which would feed the error alerts (LB-17)
PRIORITY_STEP = 10
UNPLACED = 0  # `rules` gives each rule its priority
# AWS WAF developer guide, "AWS Managed Rules rule groups list" (WCU of each group).
GROUP_CAPACITY = {
    "AWSManagedRulesAmazonIpReputationList": 25,
    "AWSManagedRulesAntiDDoSRuleSet": 50,
    "AWSManagedRulesCommonRuleSet": 700,
    "AWSManagedRulesKnownBadInputsRuleSet": 200,
    "AWSManagedRulesSQLiRuleSet": 200,
}
# Same guide, "Web ACL capacity units": the basic price covers 1,500 of at most 5,000 (W7).
CAPACITY_LIMIT = 5000
CAPACITY_IN_PRICE = 1500
LARGE_BODY_LABEL = "awswaf:managed:aws:core-rule-set:SizeRestrictions_Body"
SECRET_HEADERS = ("authorization", "cookie")

Rule: TypeAlias = "aws.wafv2.WebAclRuleArgsDict"
Statement: TypeAlias = "aws.wafv2.WebAclRuleStatementArgsDict"
RateBased: TypeAlias = "aws.wafv2.WebAclRuleStatementRateBasedStatementArgsDict"
ScopeDown: TypeAlias = "aws.wafv2.WebAclRuleStatementRateBasedStatementScopeDownStatementArgsDict"
Managed: TypeAlias = "aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementArgsDict"
ManagedConfig: TypeAlias = (
    "aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementManagedRuleGroupConfigArgsDict"
)


@dataclass(frozen=True, kw_only=True)
class Lists:
    """ARNs of the address sets, all of them at the CDN."""

    denied: Sequence[pulumi.Input[str]] = field(default=())
    trusted: Sequence[pulumi.Input[str]] = field(default=())


def by_version(cidrs: Sequence[str]) -> dict[str, list[str]]:
    """Networks by IP version, since a set holds one version only; versions without any left out."""
    split: dict[str, list[str]] = {}
    for cidr in cidrs:
        split.setdefault(f"IPV{ip_network(cidr).version}", []).append(cidr)
    return dict(sorted(split.items()))


def any_of(statements: Sequence[Statement]) -> Statement:
    """The one statement, or all of them joined by OR (which needs two at least)."""
    if len(statements) == 1:
        return statements[0]
    return {"or_statement": {"statements": list(statements)}}


def all_of(statements: Sequence[Statement]) -> Statement:
    """The one statement, or all of them joined by AND (which needs two at least)."""
    if len(statements) == 1:
        return statements[0]
    return {"and_statement": {"statements": list(statements)}}


def none_of(statements: Sequence[Statement]) -> Statement:
    return {"not_statement": {"statement": any_of(statements)}}


def below(prefixes: Sequence[str]) -> Statement:
    """The path starts with one of the prefixes, however it is written: %2fauth and /AUTH too."""
    return any_of(
        [
            {
                "byte_match_statement": {
                    "search_string": prefix.lower(),
                    "positional_constraint": "STARTS_WITH",
                    "field_to_match": {"uri_path": {}},
                    "text_transformations": [
                        {"priority": 0, "type": "URL_DECODE"},
                        {"priority": 1, "type": "LOWERCASE"},
                    ],
                }
            }
            for prefix in prefixes
        ]
    )


def in_sets(arns: Sequence[pulumi.Input[str]]) -> list[Statement]:
    return [{"ip_set_reference_statement": {"arn": arn}} for arn in arns]


def rules(settings: EdgeSettings, scope: str, lists: Lists) -> list[Rule]:
    """The rules of one ACL in the order they run; priorities are their places in the list (W7).

    scope: CLOUDFRONT or REGIONAL.
    """
    firewall = settings.firewall
    listed = list(_by_address(settings, lists)) if scope == "CLOUDFRONT" else []
    listed += [
        _group(
            "common",
            "AWSManagedRulesCommonRuleSet",
            firewall,
            only_label=("SizeRestrictions_BODY",),
        ),
        _large_body(settings),
        _group("bad-inputs", "AWSManagedRulesKnownBadInputsRuleSet", firewall),
        _group("sql-injection", "AWSManagedRulesSQLiRuleSet", firewall),
    ]
    return [{**rule, "priority": place * PRIORITY_STEP} for place, rule in enumerate(listed, 1)]


def _by_address(settings: EdgeSettings, lists: Lists) -> Iterator[Rule]:
    """What goes by the client's address, which only the CDN sees."""
    firewall = settings.firewall
    if firewall.anti_ddos:
        yield _anti_ddos(firewall)
    if lists.denied:
        yield _own("denied", any_of(in_sets(lists.denied)), {"block": {}})
    yield _group("ip-reputation", "AWSManagedRulesAmazonIpReputationList", firewall)
    auth = [below(settings.auth_paths)]
    yield _rate("rate-auth", firewall.auth_requests_per_minute, auth, lists)
    yield _rate("rate-all", firewall.requests_per_minute, [], lists)


def capacity(listed: Sequence[Mapping[str, Any]]) -> int:
    """The capacity units of the rules, by AWS's table."""
    return sum(_statement_capacity(rule["statement"]) for rule in listed)


def _statement_capacity(node: Mapping[str, Any]) -> int:
    """Guide, "Using rule statements": 2 for a rate rule or a prefix match, 10 for each
    transformation, 1 for a label or an address set."""
    kind, body = next(iter(node.items()))
    match kind:
        case "managed_rule_group_statement":
            return GROUP_CAPACITY[body["name"]]
        case "rate_based_statement":
            scope_down = body.get("scope_down_statement")
            return 2 + (_statement_capacity(scope_down) if scope_down else 0)
        case "and_statement" | "or_statement":
            return sum(_statement_capacity(inner) for inner in body["statements"])
        case "not_statement":
            return _statement_capacity(body["statement"])
        case "byte_match_statement":
            return 2 + 10 * len(body["text_transformations"])
        case "ip_set_reference_statement" | "label_match_statement":
            return 1
    raise ValueError(f"no capacity is known for {kind}")


def log_group_name(context: Context, place: str) -> str:
    """WAF takes only log groups whose names start so (W2)."""
    return f"aws-waf-logs-{context.name(place)}"


def log_policy(context: Context, place: str, region: str) -> str:
    """Lets log delivery write to the ACL's log group, for this account only (W3)."""
    group = context.arn("logs", f"log-group:{log_group_name(context, place)}", region=region)
    return document(
        statement(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [f"{group}:log-stream:*"],
            sid="FirewallLogs",
            principals={"Service": "delivery.logs.amazonaws.com"},
            conditions={
                "StringEquals": {"aws:SourceAccount": context.account_id},
                "ArnLike": {"aws:SourceArn": context.arn("logs", "*", region=region)},
            },
        )
    )


def _own(name: str, condition: Statement, action: aws.wafv2.WebAclRuleActionArgsDict) -> Rule:
    return {
        "name": name,
        "priority": UNPLACED,
        "statement": condition,
        "action": action,
        "visibility_config": _seen(name),
    }


def _group(
    name: str,
    group: str,
    firewall: FirewallSettings,
    *,
    only_label: Sequence[str] = (),
    configs: Sequence[ManagedConfig] = (),
) -> Rule:
    body: Managed = {"vendor_name": "AWS", "name": group}
    if only_label:
        body["rule_action_overrides"] = [
            {"name": rule, "action_to_use": {"count": {}}} for rule in only_label
        ]
    if configs:
        body["managed_rule_group_configs"] = list(configs)
    return {
        "name": name,
        "priority": UNPLACED,
        "statement": {"managed_rule_group_statement": body},
        "override_action": {"none": {}} if firewall.mode == "block" else {"count": {}},
        "visibility_config": _seen(name),
    }


def _anti_ddos(firewall: FirewallSettings) -> Rule:
    config: ManagedConfig = {
        "aws_managed_rules_anti_ddos_rule_set": {
            "client_side_action_config": {"challenge": {"usage_of_action": "DISABLED"}},
            "sensitivity_to_block": "LOW",
        }
    }
    return _group(
        "anti-ddos",
        "AWSManagedRulesAntiDDoSRuleSet",
        firewall,
        configs=[config],
    )


def _rate(name: str, limit: int, paths: Sequence[Statement], lists: Lists) -> Rule:
    body: RateBased = {
        "limit": limit,
        "evaluation_window_sec": WINDOW_SECONDS,
        "aggregate_key_type": "IP",
    }
    narrowed = list(paths)
    if lists.trusted:
        narrowed.append(none_of(in_sets(lists.trusted)))
    if narrowed:
        # The SDK repeats the type of a statement under another name here.
        body["scope_down_statement"] = cast(ScopeDown, all_of(narrowed))
    return _own(
        name,
        {"rate_based_statement": body},
        {"block": {"custom_response": {"response_code": TOO_MANY_REQUESTS}}},
    )


def _large_body(settings: EdgeSettings) -> Rule:
    labelled: Statement = {"label_match_statement": {"scope": "LABEL", "key": LARGE_BODY_LABEL}}
    elsewhere = none_of([below(settings.upload_paths)])
    blocks = settings.firewall.mode == "block"
    return _own(
        "large-body",
        all_of([labelled, elsewhere]),
        {"block": {}} if blocks else {"count": {}},
    )


def _seen(name: str) -> aws.wafv2.WebAclRuleVisibilityConfigArgsDict:
    return {
        "cloudwatch_metrics_enabled": True,
        "sampled_requests_enabled": True,
        "metric_name": name,
    }


@dataclass(frozen=True, kw_only=True)
class FirewallArgs:
    """keys: `logs` encrypts logs in the region, `logs_global` those in us-east-1."""

    context: Context
    settings: EdgeSettings
    keys: Keys


class Firewall(pulumi.ComponentResource):
    """balancer_acl_arn: None where `edge.firewall.onBalancer` is false."""

    cdn_acl_arn: pulumi.Output[str]
    balancer_acl_arn: pulumi.Output[str] | None
    acl_names: dict[str, pulumi.Output[str]]

    def __init__(
        self, name: str, args: FirewallArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Firewall", name, None, opts)
        self._name, self._args = name, args
        self._here = pulumi.ResourceOptions(parent=self)
        self.acl_names = {}
        self.cdn_acl_arn = self._acl("cdn", "CLOUDFRONT", GLOBAL_REGION, args.keys.logs_global)
        self.balancer_acl_arn = (
            self._acl("balancer", "REGIONAL", args.context.region, args.keys.logs)
            if args.settings.firewall.on_balancer
            else None
        )
        self.register_outputs(
            {
                "cdnAclArn": self.cdn_acl_arn,
                "balancerAclArn": self.balancer_acl_arn,
                "aclNames": self.acl_names,
            }
        )

    def _acl(self, place: str, scope: str, region: str, key: aws.kms.Key) -> pulumi.Output[str]:
        lists = self._lists(place) if scope == "CLOUDFRONT" else Lists()
        listed = rules(self._args.settings, scope, lists)
        if capacity(listed) > CAPACITY_LIMIT:
            raise ValueError(f"{place}: {capacity(listed)} WCU of at most {CAPACITY_LIMIT}")
        acl = aws.wafv2.WebAcl(
            f"{self._name}-{place}",
            scope=scope,
            description=f"{self._args.context.project} {self._args.context.stack}: {place}",
            default_action={"allow": {}},
            rules=listed,
            # Sampled requests and logs show neither tokens nor sessions (LOG-04): what comes back
            # from an identity provider stands in the query string.
            data_protection_config={
                "data_protections": [
                    {
                        "action": "SUBSTITUTION",
                        "field": {
                            "field_type": "SINGLE_HEADER",
                            "field_keys": list(SECRET_HEADERS),
                        },
                    },
                    {"action": "SUBSTITUTION", "field": {"field_type": "QUERY_STRING"}},
                ]
            },
            visibility_config=_seen(place),
            region=region,
            opts=self._here,
        )
        self.acl_names[place] = acl.name
        self._log(place, region, key, acl)
        return acl.arn

    def _lists(self, place: str) -> Lists:
        firewall = self._args.settings.firewall
        return Lists(
            denied=self._sets(f"{place}-denied", firewall.denied_cidrs),
            trusted=self._sets(f"{place}-trusted", firewall.trusted_cidrs),
        )

    def _sets(self, label: str, cidrs: Sequence[str]) -> list[pulumi.Output[str]]:
        return [
            aws.wafv2.IpSet(
                f"{self._name}-{label}-{version.lower()}",
                scope="CLOUDFRONT",
                ip_address_version=version,
                addresses=addresses,
                region=GLOBAL_REGION,
                opts=self._here,
            ).arn
            for version, addresses in by_version(cidrs).items()
        ]

    def _log(self, place: str, region: str, key: aws.kms.Key, acl: aws.wafv2.WebAcl) -> None:
        context = self._args.context
        group = aws.cloudwatch.LogGroup(
            f"{self._name}-{place}",
            name=log_group_name(context, place),
            retention_in_days=self._args.settings.log_retention_days,
            kms_key_id=key.arn,
            region=region,
            opts=self._here,
        )
        policy = aws.cloudwatch.LogResourcePolicy(
            f"{self._name}-{place}",
            policy_name=context.name(f"{place}-firewall-logs"),
            policy_document=log_policy(context, place, region),
            region=region,
            opts=self._here,
        )
        aws.wafv2.WebAclLoggingConfiguration(
            f"{self._name}-{place}",
            resource_arn=acl.arn,
            log_destination_configs=[group.arn],
            redacted_fields=[
                *({"single_header": {"name": header}} for header in SECRET_HEADERS),
                {"query_string": {}},
            ],
            region=region,
            # Delivery is refused while the policy is missing (W3); nothing of it flows in here.
            opts=pulumi.ResourceOptions.merge(
                self._here, pulumi.ResourceOptions(depends_on=[policy])
            ),
        )
