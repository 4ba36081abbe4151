"""What breaks the firewall. Its rules have no fixed place, so mutants find them by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.policies.mutation import Change, Mutant, add, edit, put, several, unlink, without

_ACL = "aws:wafv2/webAcl:WebAcl"
_LOGGING = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
_ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"
_CDN = "aws:cloudfront/distribution:Distribution"
_SHIELD = "aws:shield/subscription:Subscription"
_SHIELDED = "aws:shield/protection:Protection"
_AT_CDN, _AT_BALANCER = "edge-firewall-cdn", "edge-firewall-balancer"
_GROUP = "managedRuleGroupStatement"
_FORWARDED = {"headerName": "X-Forwarded-For", "fallbackBehavior": "NO_MATCH"}


def rule(name: str, change: Callable[[dict[str, Any]], None], acl: str = _AT_CDN) -> Change:
    """Edit the rule of an ACL that has this name."""

    def edited(values: dict[str, Any]) -> None:
        change(next(each for each in values["rules"] if each["name"] == name))

    return edit(_ACL, edited, acl)


def no_rule(name: str, acl: str = _AT_CDN) -> Change:
    """Take the rule of an ACL away that has this name."""

    def edited(values: dict[str, Any]) -> None:
        left = [each for each in values["rules"] if each["name"] != name]
        assert len(left) < len(values["rules"]), f"{acl} has no rule {name}"
        values["rules"] = left

    return edit(_ACL, edited, acl)


def _rate(name: str, **changed: Any) -> Change:
    return rule(name, lambda each: each["statement"]["rateBasedStatement"].update(changed))


def _counted_again() -> Change:
    rate = {
        "limit": 600,
        "evaluationWindowSec": 60,
        "aggregateKeyType": "FORWARDED_IP",
        "forwardedIpConfig": _FORWARDED,
    }
    rule_ = {
        "name": "flood",
        "priority": 1,
        "statement": {"rateBasedStatement": rate},
        "action": {"block": {}},
        "visibilityConfig": {"cloudwatchMetricsEnabled": True},
    }
    return edit(_ACL, lambda values: values["rules"].append(rule_), _AT_BALANCER)


def _action(name: str, **actions: Any) -> Change:
    def changed(each: dict[str, Any]) -> None:
        each.pop("action", None)
        each.pop("overrideAction", None)
        each.update(actions)

    return rule(name, changed)


def _mutant(rule_: str, title: str, change: Change, *says: str, at: str = "") -> Mutant:
    return Mutant(rule=rule_, title=title, change=change, says=says, at=at)


def _unused(rule_: str, name: str, group: str) -> tuple[Mutant, ...]:
    """The group is gone at the CDN, at the balancer, or is somebody else's of the same name."""
    return (
        _mutant(rule_, "gone at the CDN", no_rule(name), f"{group} is not used"),
        _mutant(rule_, "gone at the balancer", no_rule(name, _AT_BALANCER), f"{group} is not used"),
        _mutant(
            rule_,
            "a group of the same name by somebody else",
            rule(name, lambda each: each["statement"][_GROUP].update(vendorName="Someone")),
            f"{group} is not used",
        ),
    )


def _count(name: str) -> dict[str, Any]:
    return {"name": name, "actionToUse": {"count": {}}}


MUTANTS: tuple[Mutant, ...] = (
    _mutant("web-acl-rate-limited", "no limit", no_rule("rate-all"),
            "no rule blocks one client by rate"),
    _mutant("web-acl-rate-limited", "counts only", _action("rate-all", action={"count": {}}),
            "no rule blocks one client by rate"),
    _mutant("web-acl-rate-limited", "ten times as much", _rate("rate-all", limit=6000),
            "one client may send 6000 requests a minute, 600 are allowed"),
    _mutant("web-acl-rate-limited", "all of it within a shorter window",
            _rate("rate-all", limit=3600, evaluationWindowSec=120),
            "one client may send 1800 requests a minute, 600 are allowed"),
    _mutant("web-acl-rate-limited", "by what clients write",
            _rate("rate-all", aggregateKeyType="FORWARDED_IP", forwardedIpConfig=_FORWARDED),
            "no rule blocks one client by rate"),
    _mutant("web-acl-counts-addresses", "by what clients write, at the CDN",
            _rate("rate-auth", aggregateKeyType="FORWARDED_IP", forwardedIpConfig=_FORWARDED),
            "rate-auth counts by what clients write into X-Forwarded-For"),
    _mutant("web-acl-counts-addresses", "a second count at the balancer", _counted_again(),
            "flood counts by what clients write into X-Forwarded-For"),
    _mutant("web-acl-sign-in-limited", "no limit", no_rule("rate-auth"),
            "no rule blocks one client on sign-in paths by rate"),
    _mutant("web-acl-sign-in-limited", "as fast as anything else", _rate("rate-auth", limit=600),
            "one client on sign-in paths may send 600 requests a minute, 100 are allowed"),
    *_unused("web-acl-common-rules", "common", "AWSManagedRulesCommonRuleSet"),
    *_unused("web-acl-known-bad-inputs", "bad-inputs", "AWSManagedRulesKnownBadInputsRuleSet"),
    *_unused("web-acl-sql-injection", "sql-injection", "AWSManagedRulesSQLiRuleSet"),
    _mutant("web-acl-address-reputation", "gone", no_rule("ip-reputation"),
            "AWSManagedRulesAmazonIpReputationList is not used"),
    _mutant("web-acl-rules-act", "a rule without an action", _action("sql-injection"),
            "sql-injection says nothing of what to do"),
    _mutant("web-acl-rules-act", "a rule that lets everything past",
            _action("rate-auth", action={"allow": {}}),
            "rate-auth lets requests past every rule behind it"),
    _mutant("web-acl-blocks", "a group counts",
            _action("bad-inputs", overrideAction={"count": {}}),
            "AWSManagedRulesKnownBadInputsRuleSet counts and blocks nothing", at=_AT_CDN),
    _mutant("web-acl-blocks", "one rule of a group counts",
            rule("sql-injection", lambda each: each["statement"][_GROUP].update(
                ruleActionOverrides=[_count("SQLi_BODY")])),
            "SQLi_BODY of AWSManagedRulesSQLiRuleSet blocks nothing", at=_AT_CDN),
    _mutant("web-acl-blocks", "large bodies are labelled and nobody looks",
            no_rule("large-body"),
            "SizeRestrictions_BODY of AWSManagedRulesCommonRuleSet blocks nothing", at=_AT_CDN),
    _mutant("web-acl-blocks", "large bodies are labelled and counted",
            _action("large-body", action={"count": {}}),
            "SizeRestrictions_BODY of AWSManagedRulesCommonRuleSet blocks nothing", at=_AT_CDN),
    _mutant("web-acl-attached", "the balancer stands alone", without(_ASSOCIATION),
            "it stands before nothing", at=_AT_BALANCER),
    _mutant("web-acl-attached", "the distributions name another one",
            several(*(unlink(_CDN, "webAclId", f"edge-cdn-{each}") for each in ("api", "app"))),
            "it stands before nothing", at=_AT_CDN),
    _mutant("web-acl-metrics", "the ACL counts nothing",
            put(_ACL, "visibilityConfig.cloudwatchMetricsEnabled", False, _AT_CDN),
            "what it blocks is counted nowhere"),
    _mutant("web-acl-metrics", "a rule counts nothing",
            rule("common", lambda each: each["visibilityConfig"].update(
                cloudwatchMetricsEnabled=False)),
            "what common blocks is counted nowhere"),
    _mutant("web-acl-logging", "no log", without(_LOGGING, _AT_BALANCER),
            "what this firewall blocks is not logged", at=_AT_BALANCER),
    _mutant("web-acl-logging", "the log of something else",
            unlink(_LOGGING, "resourceArn", _AT_CDN),
            "what this firewall blocks is not logged", at=_AT_CDN),
    _mutant("web-acl-log-redacted", "sessions in the log",
            put(_LOGGING, "redactedFields",
                [{"singleHeader": {"name": "authorization"}}, {"queryString": {}}]),
            "the header cookie stands in the log"),
    _mutant("web-acl-log-redacted", "codes of identity providers in the log",
            put(_LOGGING, "redactedFields",
                [{"singleHeader": {"name": each}} for each in ("authorization", "cookie")]),
            "the query string stands in the log"),
    _mutant("web-acl-log-redacted", "everything in the log", put(_LOGGING, "redactedFields", []),
            "the header authorization stands in the log", "the header cookie stands in the log",
            "the query string stands in the log"),
    _mutant("web-acl-samples-redacted", "sessions in samples",
            put(_ACL, "dataProtectionConfig.dataProtections.0.field.fieldKeys", ["authorization"]),
            "the header cookie stands in sampled requests"),
    _mutant("web-acl-samples-redacted", "codes of identity providers in samples",
            put(_ACL, "dataProtectionConfig.dataProtections.1.field.fieldType", "BODY"),
            "the query string stands in sampled requests"),
    _mutant("web-acl-samples-redacted", "everything in samples",
            put(_ACL, "dataProtectionConfig", None),
            "the header authorization stands in sampled requests",
            "the header cookie stands in sampled requests",
            "the query string stands in sampled requests"),
    _mutant("distribution-shielded", "bought and not used", add(_SHIELD, "shield", {}),
            *("Shield Advanced is paid for and does not protect it",) * 2),
    _mutant("distribution-shielded", "one of two hosts",
            add(_SHIELDED, "shield-api", {}, {"resourceArn": (_CDN, "edge-cdn-api")}),
            "Shield Advanced is paid for and does not protect it", at="edge-cdn-app"),
)  # fmt: skip
