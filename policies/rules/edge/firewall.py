"""The web application firewall: what it must filter, that it acts, and that it tells.

The rules of an ACL are found by what they do and never by their names or places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rules.model import Item, NotApplicable, Props, Rule, Stack, StackRule, Undecided
from rules.network.doors import DISTRIBUTION

_ACL = "aws:wafv2/webAcl:WebAcl"
_ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"
_LOGGING = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
_SHIELD = "aws:shield/subscription:Subscription"
_SHIELDED = "aws:shield/protection:Protection"
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/waf-controls.html"
_GUIDE = "https://docs.aws.amazon.com/waf/latest/developerguide/"
_BASELINE_URL = f"{_GUIDE}aws-managed-rule-groups-baseline.html"
# Requests a minute and client: the guide's 10 a second (LB-16) and 100 on sign-in paths (SEC-03).
_MOST, _MOST_SIGN_IN = 600, 100
_DEFAULT_WINDOW = 300  # AWS WAF developer guide, "Rate-based rule high-level settings"
# AWS's rule that blocks bodies above 8 KB; uploads need it replaced by a rule of ours, which blocks
# by this label everywhere else (LB-23).
_BODY_RULE = "SizeRestrictions_BODY"
_BODY_LABEL = "awswaf:managed:aws:core-rule-set:SizeRestrictions_Body"
SECRET_HEADERS = ("authorization", "cookie")
# Why no other ACL goes by address: balancers are internal (policies/rules/edge/edge.py).
_BEHIND = "behind CloudFront the caller's address is always CloudFront's"


def _rules(acl: Props) -> list[Props]:
    return acl.at("rules") or []


def _managed(acl: Props) -> dict[str, Props]:
    """AWS's rule groups in an ACL, by name -> the ACL's rule."""
    return {
        str(rule.at("statement.managedRuleGroupStatement.name")): rule
        for rule in _rules(acl)
        if rule.at("statement.managedRuleGroupStatement.vendorName") == "AWS"
    }


def _with(node: Any, key: str) -> Iterator[Props]:
    """Every object below a node that has a key; what is not known is passed over."""
    if isinstance(node, Props):
        if key in node:
            yield node
        for each in node:
            try:
                yield from _with(node[each], key)
            except Undecided:
                continue
    elif isinstance(node, list):
        for each in node:
            yield from _with(each, key)


# -- what is filtered ----------------------------------------------------------------------------
def _rates(acl: Props, *, sign_in: bool) -> list[float]:
    """Requests a minute of the rules that block by rate, for some paths or for all of them."""
    if acl.at("scope") != "CLOUDFRONT":
        raise NotApplicable(_BEHIND)
    found: list[float] = []
    for rule in _rules(acl):
        rate = rule.at("statement.rateBasedStatement")
        if rate is None or rule.at("action.block") is None or _written_by_clients(rate):
            continue
        by_path = any(_with(rate.get("scopeDownStatement"), "uriPath"))
        if by_path == sign_in:
            seconds = int(rate.at("evaluationWindowSec", _DEFAULT_WINDOW))
            found.append(int(rate.at("limit")) * 60 / seconds)
    return found


def _written_by_clients(rate: Props) -> bool:
    """Whether clients are told apart by a header, of which WAF reads the first address."""
    return rate.at("aggregateKeyType", "IP") == "FORWARDED_IP"


def _counts_addresses(acl: Props) -> Iterator[str]:
    for rule in _rules(acl):
        rate = rule.at("statement.rateBasedStatement")
        if rate is not None and _written_by_clients(rate):
            header = rate.at("forwardedIpConfig.headerName")
            yield f"{rule.at('name')} counts by what clients write into {header}"


def _rate_limited(acl: Props) -> Iterator[str]:
    yield from _too_fast(_rates(acl, sign_in=False), _MOST, "one client")


def _sign_in_limited(acl: Props) -> Iterator[str]:
    yield from _too_fast(_rates(acl, sign_in=True), _MOST_SIGN_IN, "one client on sign-in paths")


def _too_fast(rates: list[float], most: int, who: str) -> Iterator[str]:
    if not rates:
        yield f"no rule blocks {who} by rate"
    elif min(rates) > most:
        yield f"{who} may send {min(rates):g} requests a minute, {most} are allowed"


def _group(name: str) -> Callable[[Props], Iterator[str]]:
    def judge(acl: Props) -> Iterator[str]:
        if name not in _managed(acl):
            yield f"{name} is not used"

    return judge


def _reputation(acl: Props) -> Iterator[str]:
    if acl.at("scope") != "CLOUDFRONT":
        raise NotApplicable(_BEHIND)
    yield from _group("AWSManagedRulesAmazonIpReputationList")(acl)


# -- that it acts --------------------------------------------------------------------------------
def _acts(acl: Props) -> Iterator[str]:
    for rule in _rules(acl):
        if not any(rule.at(key) is not None for key in ("action", "overrideAction")):
            yield f"{rule.at('name')} says nothing of what to do"
        elif rule.at("action.allow") is not None:
            yield f"{rule.at('name')} lets requests past every rule behind it"


def _blocks(acl: Item, stack: Stack) -> Iterator[str]:
    for name, rule in _managed(acl.props).items():
        if stack.serves_customers and rule.at("overrideAction.count") is not None:
            yield f"{name} counts and blocks nothing"
        overrides = rule.at("statement.managedRuleGroupStatement.ruleActionOverrides") or []
        for override in overrides:
            weak = {"count", "allow"} & set(override.at("actionToUse", {}))
            if weak and not (override.at("name") == _BODY_RULE and _large_bodies(acl.props)):
                yield f"{override.at('name')} of {name} blocks nothing"


def _large_bodies(acl: Props) -> bool:
    """Whether a rule of ours blocks what AWS's body rule only labels."""
    return any(
        rule.at("action.block") is not None
        and any(each.at("key") == _BODY_LABEL for each in _with(rule.get("statement"), "key"))
        for rule in _rules(acl)
    )


def _attached(acl: Item, stack: Stack) -> Iterator[str]:
    if not stack.parts(_ASSOCIATION, "webAclArn", acl) and not stack.parts(
        DISTRIBUTION, "webAclId", acl
    ):
        yield "it stands before nothing"


# -- that it tells -------------------------------------------------------------------------------
def _metrics(acl: Props) -> Iterator[str]:
    if not acl.at("visibilityConfig.cloudwatchMetricsEnabled"):
        yield "what it blocks is counted nowhere"
    for rule in _rules(acl):
        if not rule.at("visibilityConfig.cloudwatchMetricsEnabled"):
            yield f"what {rule.at('name')} blocks is counted nowhere"


def _logged(acl: Item, stack: Stack) -> Iterator[str]:
    if not stack.parts(_LOGGING, "resourceArn", acl):
        yield "what this firewall blocks is not logged"


def _log_redacted(logging: Props) -> Iterator[str]:
    redacted = logging.at("redactedFields") or []
    hidden = {str(each.at("singleHeader.name")).lower() for each in redacted}
    for header in SECRET_HEADERS:
        if header not in hidden:
            yield f"the header {header} stands in the log"
    if not any(each.at("queryString") is not None for each in redacted):
        yield "the query string stands in the log"


def _samples_redacted(acl: Props) -> Iterator[str]:
    protected = acl.at("dataProtectionConfig.dataProtections") or []
    hidden = {
        str(key).lower()
        for each in protected
        if each.at("field.fieldType") == "SINGLE_HEADER"
        for key in each.at("field.fieldKeys", [])
    }
    for header in SECRET_HEADERS:
        if header not in hidden:
            yield f"the header {header} stands in sampled requests"
    if not any(each.at("field.fieldType") == "QUERY_STRING" for each in protected):
        yield "the query string stands in sampled requests"


def _shielded(item: Item, stack: Stack) -> Iterator[str]:
    """Shield Standard guards CloudFront by itself; Advanced guards what it is told to."""
    bought = stack.of(_SHIELD) or stack.of(_SHIELDED)
    if bought and not stack.parts(_SHIELDED, "resourceArn", item):
        yield "Shield Advanced is paid for and does not protect it"


def _managed_rule(
    name: str, sentence: str, group: str, why: str, controls: tuple[str, ...]
) -> Rule:
    return Rule(
        name=name,
        sentence=sentence,
        types=(_ACL,),
        severity="high",
        requirements=("CHK-SEC-06", "SEC-03"),
        controls=(*controls, "SOC2 CC6.6", "ISO27001 A.8.26"),
        why=why,
        fix=f"add a managed_rule_group_statement with {group} of vendor AWS",
        url=_BASELINE_URL,
        evidence=("rules.*.statement.managedRuleGroupStatement.name",),
        judge=_group(group),
    )


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="web-acl-rate-limited",
        sentence="The firewall of CloudFront blocks a client above 600 requests a minute.",
        types=(_ACL,),
        severity="high",
        requirements=("ENV-16", "LB-16", "SEC-03", "CHK-SEC-06", "CHK-SEC-07"),
        controls=("SOC2 CC6.6", "SOC2 A1.2"),
        why="One client could use up what everybody else needs.",
        fix="add a rate_based_statement rule without paths that blocks",
        url=f"{_GUIDE}waf-rule-statement-type-rate-based.html",
        evidence=("scope", "rules.*.statement.rateBasedStatement.limit", "rules.*.name"),
        judge=_rate_limited,
    ),
    Rule(
        name="web-acl-sign-in-limited",
        sentence="The firewall of CloudFront blocks a client above 100 sign-ins a minute.",
        types=(_ACL,),
        severity="high",
        requirements=("ENV-16", "SEC-03", "CHK-SEC-06"),
        controls=("SOC2 CC6.1", "SOC2 CC6.6", "ISO27001 A.8.5"),
        why="Stolen passwords are tried by the thousand within minutes.",
        fix="add a rate_based_statement rule whose scope_down_statement names the sign-in paths",
        url=f"{_GUIDE}waf-rule-statement-type-rate-based.html",
        evidence=("scope", "rules.*.statement.rateBasedStatement.limit", "rules.*.name"),
        judge=_sign_in_limited,
    ),
    Rule(
        name="web-acl-counts-addresses",
        sentence="A firewall tells clients apart by their address and not by what they write.",
        types=(_ACL,),
        severity="medium",
        requirements=("ENV-16", "LB-16", "CHK-SEC-06"),
        controls=("SOC2 CC6.6", "SOC2 A1.2", "ISO27001 A.8.20"),
        why="Of X-Forwarded-For the first address counts, which a client writes: two machines "
        "could lock anybody out.",
        fix="set aggregate_key_type to IP, at CloudFront",
        url=f"{_GUIDE}waf-rule-statement-forwarded-ip-address.html",
        evidence=("rules.*.statement.rateBasedStatement.aggregateKeyType", "rules.*.name"),
        judge=_counts_addresses,
    ),
    _managed_rule(
        "web-acl-common-rules",
        "A firewall uses AWS's common rules.",
        "AWSManagedRulesCommonRuleSet",
        "The ten best-known kinds of attack would reach the programs.",
        ("FSBP WAF.10", "CHECKOV CKV_AWS_175"),
    ),
    _managed_rule(
        "web-acl-known-bad-inputs",
        "A firewall blocks inputs that are known to be attacks.",
        "AWSManagedRulesKnownBadInputsRuleSet",
        "One line in a header took over thousands of servers in December 2021 (Log4j).",
        ("CHECKOV CKV_AWS_192", "CHECKOV CKV2_AWS_47", "CHECKOV CKV2_AWS_76"),
    ),
    _managed_rule(
        "web-acl-sql-injection",
        "A firewall blocks SQL in requests.",
        "AWSManagedRulesSQLiRuleSet",
        "One query that is put together carelessly would hand out the whole database.",
        (),
    ),
    Rule(
        name="web-acl-address-reputation",
        sentence="The firewall of CloudFront blocks addresses that are known to attack.",
        types=(_ACL,),
        severity="medium",
        requirements=("CHK-SEC-06", "CHK-SEC-07"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.20"),
        why="Machines that attack others today would be served tomorrow.",
        fix="add a managed_rule_group_statement with AWSManagedRulesAmazonIpReputationList",
        url=f"{_GUIDE}aws-managed-rule-groups-ip-rep.html",
        evidence=("scope", "rules.*.statement.managedRuleGroupStatement.name"),
        judge=_reputation,
    ),
    Rule(
        name="web-acl-rules-act",
        sentence="Every rule of a firewall acts, and none lets requests past the others.",
        types=(_ACL,),
        severity="medium",
        requirements=("CHK-SEC-06",),
        controls=("CHECKOV CKV_AWS_342", "SOC2 CC6.6"),
        why="One rule that allows switches every later rule off for whoever matches it.",
        fix="give the rule a block or count action; let rate rules scope trusted networks out",
        url=f"{_GUIDE}web-acl-rule-actions.html",
        evidence=("rules.*.name", "rules.*.action", "rules.*.overrideAction"),
        judge=_acts,
    ),
    StackRule(
        name="web-acl-blocks",
        sentence="Where customers are served, AWS's rules block and do not only count.",
        types=(_ACL,),
        severity="high",
        requirements=("CHK-SEC-06", "LB-23"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.26"),
        why="A firewall that only counts tells afterwards what it could have stopped.",
        fix="set edge.firewall.mode to block, and take the override away",
        url=f"{_GUIDE}web-acl-rule-group-override-options.html",
        evidence=("rules.*.name", "rules.*.overrideAction"),
        judge=_blocks,
    ),
    StackRule(
        name="web-acl-attached",
        sentence="Every firewall stands before something.",
        types=(_ACL,),
        severity="high",
        requirements=("CHK-SEC-06", "CDN-05"),
        controls=("FSBP CloudFront.6", "FSBP ELB.16", "SOC2 CC6.6"),
        why="Everybody would believe in a firewall that no request ever passes.",
        fix="name it in a distribution's web_acl_id or in a WebAclAssociation",
        url=f"{_GUIDE}web-acl-associating-aws-resource.html",
        evidence=("scope",),
        judge=_attached,
    ),
    Rule(
        name="web-acl-metrics",
        sentence="A firewall and each of its rules count what they block.",
        types=(_ACL,),
        severity="low",
        requirements=("CHK-SEC-06", "MON-09"),
        controls=("FSBP WAF.12", "SOC2 CC7.2", "ISO27001 A.8.16"),
        why="An attack would raise no alarm.",
        fix="set cloudwatch_metrics_enabled in its visibility_config",
        url=f"{_HUB}#waf-12",
        evidence=(
            "visibilityConfig.cloudwatchMetricsEnabled",
            "rules.*.visibilityConfig.cloudwatchMetricsEnabled",
        ),
        judge=_metrics,
    ),
    StackRule(
        name="web-acl-logging",
        sentence="A firewall's decisions are logged.",
        types=(_ACL,),
        severity="medium",
        requirements=("CHK-SEC-06", "AUDIT-02"),
        controls=("FSBP WAF.11", "CHECKOV CKV2_AWS_31", "SOC2 CC7.2", "ISO27001 A.8.15"),
        why="Nobody could say what an attacker tried, or why a customer was refused.",
        fix="add an aws.wafv2.WebAclLoggingConfiguration",
        url=f"{_HUB}#waf-11",
        evidence=("scope",),
        judge=_logged,
    ),
    Rule(
        name="web-acl-log-redacted",
        sentence="A firewall's log holds no passwords and no sessions.",
        types=(_LOGGING,),
        severity="high",
        requirements=("CHK-SEC-06", "LOG-04"),
        controls=("SOC2 CC6.1", "ISO27001 A.8.11", "GDPR 32"),
        why="Whoever reads the log could go on as any of the people in it.",
        fix="redact the headers authorization and cookie, and the query string",
        url=f"{_GUIDE}logging-management.html",
        evidence=("redactedFields",),
        judge=_log_redacted,
    ),
    Rule(
        name="web-acl-samples-redacted",
        sentence="A firewall's sampled requests hold no passwords and no sessions.",
        types=(_ACL,),
        severity="medium",
        requirements=("CHK-SEC-06", "LOG-04"),
        controls=("SOC2 CC6.1", "ISO27001 A.8.11", "GDPR 32"),
        why="Everybody who may look at the console could go on as one of our customers.",
        fix="protect the headers authorization and cookie and the query string in "
        "data_protection_config",
        url=f"{_GUIDE}data-protection-masking.html",
        evidence=("dataProtectionConfig.dataProtections.*.field",),
        judge=_samples_redacted,
    ),
    StackRule(
        name="distribution-shielded",
        sentence="Where Shield Advanced is bought, it protects every distribution.",
        types=(DISTRIBUTION,),
        severity="medium",
        requirements=("CHK-SEC-07",),
        controls=("SOC2 A1.2", "ISO27001 A.8.6"),
        why="The subscription costs 3,000 USD a month and would help nobody in a flood.",
        fix="set edge.shieldAdvanced.protect to true",
        url=f"{_GUIDE}ddos-advanced-summary-protected-resources.html",
        evidence=("aliases",),
        judge=_shielded,
    ),
)
