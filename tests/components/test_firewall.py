"""The firewall: which rules run, in which order, at what cost, and what its logs show."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.firewall import (
    CAPACITY_IN_PRICE,
    CAPACITY_LIMIT,
    Firewall,
    FirewallArgs,
    Lists,
    by_version,
    capacity,
    log_policy,
    rules,
)
from tests.components.test_dns import assert_at_home, deploy, keys
from tests.neighbours import context
from tests.recorder import ACCOUNT, REGION, Recorder, once
from tests.settings.test_edge_settings import edge

ACL = "aws:wafv2/webAcl:WebAcl"
IP_SET = "aws:wafv2/ipSet:IpSet"
LOGGING = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
POLICY = "aws:cloudwatch/logResourcePolicy:LogResourcePolicy"
MANAGED = {"anti-ddos", "ip-reputation", "common", "bad-inputs", "sql-injection"}


def listed(
    scope: str = "CLOUDFRONT", lists: Lists | None = None, **changed: Any
) -> dict[str, dict[str, Any]]:
    return {str(r["name"]): {**r} for r in rules(edge(**changed), scope, lists or Lists())}


@once
def firewall(**changed: Any) -> Recorder:
    return deploy(
        lambda opts: Firewall(
            "firewall", FirewallArgs(context=context(), settings=edge(**changed), keys=keys()), opts
        )
    )


def test_the_cdns_rules_run_in_this_order() -> None:
    found = [(r["priority"], r["name"]) for r in listed().values()]
    assert found == [
        (10, "anti-ddos"),
        (20, "ip-reputation"),
        (30, "rate-auth"),
        (40, "rate-all"),
        (50, "common"),
        (60, "large-body"),
        (70, "bad-inputs"),
        (80, "sql-injection"),
    ], "large-body reads the label that common sets, so it must follow it"


def test_the_balancers_rules_leave_out_what_needs_the_clients_own_address() -> None:
    assert list(listed("REGIONAL")) == [
        "common",
        "large-body",
        "bad-inputs",
        "sql-injection",
    ]


@pytest.mark.parametrize(("name", "limit"), [("rate-all", 600), ("rate-auth", 100)])
def test_a_client_above_the_guides_rate_gets_429(name: str, limit: int) -> None:
    rule = listed()[name]
    rate = rule["statement"]["rate_based_statement"]
    assert (rate["limit"], rate["evaluation_window_sec"]) == (limit, 60)
    assert rate["aggregate_key_type"] == "IP"
    refusal = rule["action"]["block"]["custom_response"]
    assert refusal == {"response_code": 429}, "503 would raise the error alert (LB-17)"


def test_the_overall_rate_counts_every_request() -> None:
    rate = listed()["rate-all"]["statement"]["rate_based_statement"]
    assert "scope_down_statement" not in rate, "ENV-17: no request is exempt"


def test_the_stricter_rate_holds_on_auth_paths_however_they_are_written() -> None:
    rate = listed()["rate-auth"]["statement"]["rate_based_statement"]
    match = rate["scope_down_statement"]["byte_match_statement"]
    assert match["search_string"] == "/auth/"
    assert match["positional_constraint"] == "STARTS_WITH"
    assert [t["type"] for t in match["text_transformations"]] == ["URL_DECODE", "LOWERCASE"]


def test_the_balancer_counts_nobody_by_an_address_that_a_client_writes() -> None:
    found = listed("REGIONAL", Lists(denied=["arn:denied"], trusted=["arn:trusted"]))
    text = json.dumps(found)
    assert "rate_based_statement" not in text, (
        "WAF reads the first address of X-Forwarded-For: two machines could lock anybody out"
    )
    assert "forwarded" not in text
    assert "arn:" not in text, "the balancer sees CloudFront's addresses only"


def test_trusted_networks_skip_the_rates_and_nothing_else() -> None:
    found = listed(lists=Lists(trusted=["arn:set"]))
    rate = found["rate-all"]["statement"]["rate_based_statement"]
    assert rate["scope_down_statement"] == {
        "not_statement": {"statement": {"ip_set_reference_statement": {"arn": "arn:set"}}}
    }
    auth = found["rate-auth"]["statement"]["rate_based_statement"]["scope_down_statement"]
    assert len(auth["and_statement"]["statements"]) == 2
    others = {n: r for n, r in found.items() if not n.startswith("rate-")}
    assert "arn:set" not in json.dumps(others), "an office's network would pass unchecked"


def test_denied_networks_are_blocked_before_any_counting() -> None:
    found = listed(lists=Lists(denied=["arn:v4", "arn:v6"]))
    assert list(found)[:2] == ["anti-ddos", "denied"]
    assert found["denied"]["action"] == {"block": {}}
    assert len(found["denied"]["statement"]["or_statement"]["statements"]) == 2


def test_large_bodies_are_blocked_except_where_people_upload() -> None:
    found = listed()
    common = found["common"]["statement"]["managed_rule_group_statement"]
    assert common["rule_action_overrides"] == [
        {"name": "SizeRestrictions_BODY", "action_to_use": {"count": {}}}
    ], "AWS's rule would block every upload above 8 KB (CHK-SEC-06)"
    labelled, elsewhere = found["large-body"]["statement"]["and_statement"]["statements"]
    assert labelled["label_match_statement"]["key"] == (
        "awswaf:managed:aws:core-rule-set:SizeRestrictions_Body"
    )
    assert found["large-body"]["action"] == {"block": {}}
    uploads = elsewhere["not_statement"]["statement"]["or_statement"]["statements"]
    assert [u["byte_match_statement"]["search_string"] for u in uploads] == ["/artifacts", "/files"]


@pytest.mark.parametrize(("mode", "override"), [("block", "none"), ("count", "count")])
def test_the_managed_groups_block_or_count_as_one(mode: str, override: str) -> None:
    found = listed(firewall={"mode": mode})
    groups = {n: r["override_action"] for n, r in found.items() if "override_action" in r}
    assert groups == {name: {override: {}} for name in MANAGED}
    assert "block" in found["rate-all"]["action"], "rate rules block in every mode"


def test_anti_ddos_never_asks_an_api_client_for_javascript_and_is_a_choice() -> None:
    group = listed()["anti-ddos"]["statement"]["managed_rule_group_statement"]
    (config,) = group["managed_rule_group_configs"]
    assert config["aws_managed_rules_anti_ddos_rule_set"] == {
        "client_side_action_config": {"challenge": {"usage_of_action": "DISABLED"}},
        "sensitivity_to_block": "LOW",
    }
    assert "anti-ddos" not in listed(firewall={"antiDdos": False})


@pytest.mark.parametrize("scope", ["CLOUDFRONT", "REGIONAL"])
def test_no_name_and_no_priority_is_used_twice(scope: str) -> None:
    found = rules(edge(), scope, Lists(denied=["a"], trusted=["b"]))
    assert len({r["name"] for r in found}) == len(found)
    assert len({r["priority"] for r in found}) == len(found), "WAFDuplicateItemException (W7)"


def test_the_capacity_is_the_sum_of_awss_table() -> None:
    auth_prefix, upload_prefix = 22, 22
    rates = 2 + auth_prefix + 2
    large_body = 1 + 2 * upload_prefix
    regional = 700 + large_body + 200 + 200
    assert capacity(rules(edge(), "REGIONAL", Lists())) == regional == 1145
    assert capacity(rules(edge(), "CLOUDFRONT", Lists())) == 50 + 25 + rates + regional == 1246
    assert CAPACITY_IN_PRICE == 1500


def test_even_the_longest_settings_fit_into_one_acl() -> None:
    longest = edge(
        authPaths=[f"/auth{i}/" for i in range(5)], uploadPaths=[f"/up{i}" for i in range(5)]
    )
    both = ["arn:v4", "arn:v6"]
    found = rules(longest, "CLOUDFRONT", Lists(denied=both, trusted=both))
    assert capacity(found) <= CAPACITY_LIMIT, "AWS would refuse the ACL (W7)"


def test_networks_are_split_since_a_set_holds_one_version() -> None:
    assert by_version(["2001:db8::/32", "203.0.113.0/24"]) == {
        "IPV4": ["203.0.113.0/24"],
        "IPV6": ["2001:db8::/32"],
    }
    assert by_version([]) == {}


def test_there_is_one_acl_for_the_cdn_and_one_for_the_balancer() -> None:
    acls = {a.name: (a.inputs["scope"], a.inputs["region"]) for a in firewall().of(ACL)}
    assert acls == {
        "firewall-cdn": ("CLOUDFRONT", "us-east-1"),
        "firewall-balancer": ("REGIONAL", REGION),
    }, "CLOUDFRONT scope is refused outside us-east-1 (W1)"


def test_the_balancers_acl_is_a_choice() -> None:
    recorder = firewall(firewall={"onBalancer": False})
    assert [a.name for a in recorder.of(ACL)] == ["firewall-cdn"]
    assert recorder.one("arches:index:Firewall").outputs is not None


def test_every_rule_can_be_watched() -> None:
    for acl in firewall().of(ACL):
        assert acl.inputs["defaultAction"] == {"allow": {}}
        for rule in [acl.inputs, *acl.inputs["rules"]]:
            seen = rule["visibilityConfig"]
            assert seen["cloudwatchMetricsEnabled"] is True
            assert seen["sampledRequestsEnabled"] is True


def test_what_aws_gets_is_what_the_rules_say() -> None:
    acl = firewall().one(ACL, "firewall-cdn")
    by_name = {r["name"]: r for r in acl.inputs["rules"]}
    rate = by_name["rate-auth"]["statement"]["rateBasedStatement"]
    assert rate["evaluationWindowSec"] == 60
    match = rate["scopeDownStatement"]["byteMatchStatement"]
    assert match["fieldToMatch"] == {"uriPath": {}}
    assert by_name["rate-auth"]["action"]["block"]["customResponse"]["responseCode"] == 429
    config = by_name["anti-ddos"]["statement"]["managedRuleGroupStatement"]
    assert config["managedRuleGroupConfigs"][0]["awsManagedRulesAntiDdosRuleSet"]
    assert by_name["common"]["overrideAction"] == {"none": {}}


def test_logs_are_encrypted_kept_as_told_and_named_as_waf_demands() -> None:
    groups = {g.name: g.inputs for g in firewall(logRetentionDays=365).of(LOG_GROUP)}
    assert groups == {
        "firewall-cdn": {
            "name": "aws-waf-logs-arches-prod-cdn",
            "retentionInDays": 365,
            "kmsKeyId": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/global",
            "region": "us-east-1",
        },
        "firewall-balancer": {
            "name": "aws-waf-logs-arches-prod-balancer",
            "retentionInDays": 365,
            "kmsKeyId": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/logs",
            "region": REGION,
        },
    }


def test_neither_logs_nor_samples_show_tokens_or_sessions() -> None:
    recorder = firewall()
    for logging in recorder.of(LOGGING):
        assert logging.inputs["redactedFields"] == [
            {"singleHeader": {"name": "authorization"}},
            {"singleHeader": {"name": "cookie"}},
            {"queryString": {}},
        ], "LOG-04: what an identity provider sends back would stand in the log"
        (destination,) = logging.inputs["logDestinationConfigs"]
        assert not destination.endswith(":*"), "WAF refuses that form of the ARN (W2)"
    for acl in recorder.of(ACL):
        assert acl.inputs["dataProtectionConfig"]["dataProtections"] == [
            {
                "action": "SUBSTITUTION",
                "field": {"fieldType": "SINGLE_HEADER", "fieldKeys": ["authorization", "cookie"]},
            },
            {"action": "SUBSTITUTION", "field": {"fieldType": "QUERY_STRING"}},
        ]


def test_logging_waits_until_the_log_group_lets_it_in() -> None:
    recorder = firewall()
    for logging in recorder.of(LOGGING):
        assert recorder.one(POLICY, logging.name).urn in logging.dependencies, (
            "WAFLogDestinationPermissionIssueException (W3)"
        )


def test_only_this_accounts_logs_reach_the_log_group() -> None:
    (found,) = json.loads(log_policy(context(), "cdn", "us-east-1"))["Statement"]
    assert found["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
    assert found["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert found["Resource"] == [
        f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:aws-waf-logs-arches-prod-cdn:log-stream:*"
    ]


def test_each_list_becomes_one_set_per_ip_version_at_the_cdn() -> None:
    recorder = firewall(
        firewall={
            "deniedCidrs": ["203.0.113.0/24", "2001:db8::/32"],
            "trustedCidrs": ["198.51.100.7/32"],
        }
    )
    sets = {s.name: s.inputs["region"] for s in recorder.of(IP_SET)}
    assert sets == {
        "firewall-cdn-denied-ipv4": "us-east-1",
        "firewall-cdn-denied-ipv6": "us-east-1",
        "firewall-cdn-trusted-ipv4": "us-east-1",
    }
    assert_at_home(recorder, "firewall")
