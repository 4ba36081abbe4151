"""What mutants of the real stacks cannot say about rules of the edge."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from rules.adapter import joined
from rules.edge import cdn, edge, firewall, listeners, names, response_headers
from rules.model import SECRET as HIDDEN
from rules.model import UNKNOWN, Item, NotApplicable, Props, Rule, StackRule

from tests.conftest import Recorded
from tests.policies.mutation import set_at
from tests.policies.real import items_of, stack_of

_RULES: dict[str, Rule | StackRule] = {
    rule.name: rule
    for rule in (
        *edge.RULES,
        *listeners.RULES,
        *cdn.RULES,
        *response_headers.RULES,
        *firewall.RULES,
        *names.RULES,
    )
}
_ACL = "aws:wafv2/webAcl:WebAcl"
_CDN = "aws:cloudfront/distribution:Distribution"


def _judge(rule: str, props: Props) -> list[str]:
    found = _RULES[rule]
    assert isinstance(found, Rule)
    return list(found.judge(props))


def _with(recorded: Recorded, type_: str, path: str, value: Any) -> Props:
    values = copy.deepcopy(recorded.made.of(type_)[0].clear)
    set_at(values, path, value)
    return Props(values)


@pytest.mark.parametrize(
    ("rule", "type_", "path"),
    [
        ("distribution-firewall", _CDN, "webAclId"),
        ("distribution-own-certificate", _CDN, "viewerCertificate.acmCertificateArn"),
        ("distribution-security-headers", _CDN, "defaultCacheBehavior.responseHeadersPolicyId"),
        ("distribution-private-origin", _CDN, "origins.0.vpcOriginConfig.vpcOriginId"),
        ("listener-https-only", "aws:lb/listener:Listener", "loadBalancerArn"),
        ("balancer-logged", "aws:lb/loadBalancer:LoadBalancer", "accessLogs.bucket"),
        ("vpc-origin-tls", "aws:cloudfront/vpcOrigin:VpcOrigin", "vpcOriginEndpointConfig.arn"),
    ],
)
def test_what_is_made_in_the_same_deployment_decides_a_rule(
    recorded: Recorded, rule: str, type_: str, path: str
) -> None:
    assert _judge(rule, _with(recorded, type_, path, UNKNOWN)) == [], (
        "the first preview of an environment would wait for what is there"
    )


def test_lists_of_addresses_that_are_not_made_yet_do_not_stop_rate_rules(
    recorded: Recorded,
) -> None:
    office = {"notStatement": {"statement": {"ipSetReferenceStatement": {"arn": UNKNOWN}}}}
    values = copy.deepcopy(recorded.made.one(_ACL, "edge-firewall-cdn").clear)
    for each in values["rules"]:
        if each["name"] == "rate-all":
            each["statement"]["rateBasedStatement"]["scopeDownStatement"] = office
    assert _judge("web-acl-rate-limited", Props(values)) == []
    assert _judge("web-acl-sign-in-limited", Props(values)) == []


def test_a_rate_rule_for_some_paths_is_no_limit_for_all(recorded: Recorded) -> None:
    values = copy.deepcopy(recorded.made.one(_ACL, "edge-firewall-cdn").clear)
    rates = [e for e in values["rules"] if "rateBasedStatement" in e["statement"]]
    values["rules"] = [each for each in rates if each["name"] == "rate-auth"]
    assert _judge("web-acl-rate-limited", Props(values)) == ["no rule blocks one client by rate"]


def test_a_window_that_nobody_states_is_five_minutes() -> None:
    rule = {
        "statement": {"rateBasedStatement": {"limit": 3000}},
        "action": {"block": {}},
    }
    at_cdn = Props({"scope": "CLOUDFRONT", "rules": [rule]})
    assert _judge("web-acl-rate-limited", at_cdn) == []


@pytest.mark.parametrize("rule", ["web-acl-rate-limited", "web-acl-sign-in-limited"])
def test_rates_are_judged_where_the_caller_is_seen(rule: str) -> None:
    with pytest.raises(NotApplicable, match="always CloudFront's"):
        _judge(rule, Props({"scope": "REGIONAL", "rules": []}))


def test_a_listener_that_redirects_has_no_tls_to_judge() -> None:
    plain = Props({"protocol": "HTTP"})
    for rule in ("listener-tls-policy", "listener-security-headers"):
        with pytest.raises(NotApplicable, match="only a listener for HTTPS answers requests"):
            _judge(rule, plain)


def test_reputation_is_judged_where_the_caller_is_seen() -> None:
    with pytest.raises(NotApplicable, match="always CloudFront's"):
        _judge("web-acl-address-reputation", Props({"scope": "REGIONAL", "rules": []}))


def test_a_certificate_with_a_body_was_imported_also_before_the_body_is_known() -> None:
    assert _judge("certificate-renews-itself", Props({"certificateBody": UNKNOWN})) == [
        "it was imported, and nobody renews it"
    ]


def test_a_certificate_that_is_read_back_has_a_secret_that_says_nothing() -> None:
    """After a deployment the provider fills the private key that nobody gave."""
    issued = {"validationMethod": "DNS", "privateKey": HIDDEN, "certificateBody": ""}
    assert _judge("certificate-renews-itself", Props(issued)) == []


def _named(host: str, **records: list[str]) -> list[str]:
    distribution = Item(type=_CDN, name="cdn", urn="urn:cdn", props=Props({"aliases": [host]}))
    found = [
        Item(
            type="aws:route53/record:Record",
            name=name,
            urn=f"urn:{name}",
            props=Props({"type": "CAA", "name": name.replace("_", "."), "records": values}),
        )
        for name, values in records.items()
    ]
    rule = _RULES["host-issuer-named"]
    assert isinstance(rule, StackRule)
    return list(rule.judge(distribution, stack_of((distribution, *found))))


def test_the_nearest_caa_record_above_a_host_holds() -> None:
    ours, none = ['0 issue "amazon.com"', '0 issuewild ";"'], ['0 issue ";"', '0 issuewild ";"']
    assert _named("app.example.com", example_com=ours) == []
    assert _named("app.example.com", app_example_com=ours, example_com=none) == []
    assert _named("app.example.com", app_example_com=none, example_com=ours) == [
        "ACM may not renew the certificate of app.example.com"
    ]


def test_records_that_prove_a_certificate_do_not_stop_the_rules_over_records(
    recorded: Recorded,
) -> None:
    """ACM tells their type and name, so that a first preview knows neither."""
    items = tuple(
        replace(each, props=Props({**each.props._values, "type": UNKNOWN, "name": UNKNOWN}))
        if each.name.startswith("edge-certificates-proof-")
        else each
        for each in items_of(recorded.made, recorded.stack)
    )
    for name in ("host-issuer-named", "record-points-to-ours", "record-names-no-balancer"):
        rule = _RULES[name]
        assert isinstance(rule, StackRule)
        assert [said.text for _, said in joined(rule, stack_of(items))] == []


def test_a_zone_of_the_network_needs_no_log_and_may_go_with_its_records(
    recorded: Recorded,
) -> None:
    items = items_of(recorded.made, recorded.stack)
    stack = stack_of(items)
    inner = [each for each in stack.of("aws:route53/zone:Zone") if each.props.at("vpcs")]
    assert len(inner) == 1
    for name in ("zone-queries-logged", "zone-kept"):
        rule = _RULES[name]
        assert isinstance(rule, StackRule)
        assert list(rule.judge(inner[0], stack)) == []


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("script-src 'self'; default-src *", []),
        ("default-src 'none'", []),
        ("DEFAULT-SRC https:", ["the content security policy lets scripts in by https:"]),
        ("", ["scripts of any origin may run in our pages"]),
    ],
)
def test_scripts_follow_their_own_directive_and_the_default_only_without_it(
    policy: str, said: list[str]
) -> None:
    headers = {"contentSecurityPolicy": {"contentSecurityPolicy": policy, "override": True}}
    assert _judge("headers-policy-csp", Props({"securityHeadersConfig": headers})) == said


def test_an_origin_that_is_a_bucket_needs_access_control() -> None:
    """ "" is how a provider reads back what nobody set."""
    bucket = {"originId": "files", "originAccessControlId": "", "s3OriginConfig": {}}
    assert _judge("distribution-private-origin", Props({"origins": [bucket]})) != []
    bucket["originAccessControlId"] = UNKNOWN
    assert _judge("distribution-private-origin", Props({"origins": [bucket]})) == []
