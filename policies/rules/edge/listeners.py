"""Listeners: TLS only and only current TLS, headers, and nothing of the inside shown."""

from __future__ import annotations

from collections.abc import Iterator

from rules.model import Item, NotApplicable, Props, Rule, Stack, StackRule

_LISTENER = "aws:lb/listener:Listener"
_LISTENER_RULE = "aws:lb/listenerRule:ListenerRule"
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/elb-controls.html"
_GUIDE = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/"
# Policies without TLS 1.0 and 1.1 and without static-RSA suites (ELB user guide, "Security
# policies"); the restricted ones only, see requirement LB-09.
TLS_POLICIES = {
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    "ELBSecurityPolicy-TLS13-1-3-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-3-PQ-2025-09",
}
HSTS_SECONDS = 31536000  # LB-14, the guide's year
# LB-19, DBG-04: what the program serves for itself.
INTERNAL_PATHS = ("/metrics", "/debug")
_NO_HTTPS = NotApplicable("only a listener for HTTPS answers requests")


def _https_only(listener: Props) -> Iterator[str]:
    if listener.at("protocol") == "HTTPS":
        return
    actions = listener.at("defaultActions") or []
    if not actions or any(each.at("redirect.protocol") != "HTTPS" for each in actions):
        yield f"plain {listener.at('protocol', 'HTTP')} is answered and not redirected"


def _https(listener: Props) -> None:
    if listener.at("protocol") != "HTTPS":
        raise _NO_HTTPS


def _tls_policy(listener: Props) -> Iterator[str]:
    _https(listener)
    if listener.at("sslPolicy") not in TLS_POLICIES:
        yield f"TLS policy {listener.at('sslPolicy', 'none')} admits old protocols or weak suites"


def _unknown_hosts(listener: Props) -> Iterator[str]:
    _https(listener)
    if any(each.at("type") == "forward" for each in listener.at("defaultActions") or []):
        yield "requests for any host name are passed on"


def _header_values(listener: Props) -> Iterator[str]:
    _https(listener)
    if listener.at("routingHttpResponseXContentTypeOptionsHeaderValue") != "nosniff":
        yield "X-Content-Type-Options is not nosniff"
    frames = listener.at("routingHttpResponseXFrameOptionsHeaderValue")
    if frames not in ("SAMEORIGIN", "DENY"):
        yield "X-Frame-Options is neither SAMEORIGIN nor DENY"
    if listener.at("routingHttpResponseServerEnabled", True):
        yield "the Server header names the program"


def _hsts(listener: Item, stack: Stack) -> Iterator[str]:
    if listener.props.at("protocol") != "HTTPS":
        return
    said = str(listener.props.at("routingHttpResponseStrictTransportSecurityHeaderValue", ""))
    parts = [each.strip().lower() for each in said.split(";")]
    ages = [each.removeprefix("max-age=") for each in parts if each.startswith("max-age=")]
    if not ages or not ages[0].isdigit():
        yield "browsers are not told to insist on TLS"
    elif stack.serves_customers and int(ages[0]) < HSTS_SECONDS:
        yield f"browsers insist on TLS for {ages[0]} seconds, a year is needed here"
    if ages and "includesubdomains" not in parts:
        yield "browsers insist on TLS for this name only, not for those below it"


def _internal_paths(listener: Item, stack: Stack) -> Iterator[str]:
    rules = stack.parts(_LISTENER_RULE, "listenerArn", listener)
    forwards = [r for r in rules if "forward" in {a.at("type") for a in r.props.at("actions", [])}]
    if not forwards:
        return
    first = min(int(each.props.at("priority", 0)) for each in forwards)
    closed = {
        str(value)
        for each in rules
        if each not in forwards and int(each.props.at("priority", 0)) < first
        for condition in each.props.at("conditions", [])
        for value in condition.at("pathPattern.values", [])
    }
    for path in INTERNAL_PATHS:
        if not {path, f"{path}/*"} <= closed and f"{path}*" not in closed:
            yield f"{path} is passed on to the program"


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="listener-https-only",
        sentence="Listeners speak TLS; plain HTTP only redirects.",
        types=(_LISTENER,),
        severity="critical",
        requirements=("LB-05", "CHK-SEC-01", "CHK-INFRA-05"),
        controls=(
            *("FSBP ELB.1", "FSBP ELB.18", "CHECKOV CKV_AWS_2", "CHECKOV CKV2_AWS_20"),
            *("CIS-EKS 5.4.5", "SOC2 CC6.7", "ISO27001 A.8.24", "GDPR 32"),
        ),
        why="Passwords and sessions could be read by anybody on the way.",
        fix="use protocol HTTPS, or a default action that redirects to HTTPS",
        url=f"{_HUB}#elb-1",
        evidence=("protocol", "port", "defaultActions.*.type", "defaultActions.*.redirect"),
        judge=_https_only,
    ),
    Rule(
        name="listener-tls-policy",
        sentence="Listeners for HTTPS speak TLS 1.2 or newer with forward secrecy.",
        types=(_LISTENER,),
        severity="high",
        requirements=("LB-08", "LB-09", "CHK-SEC-01"),
        controls=(
            *("FSBP ELB.17", "CHECKOV CKV_AWS_103", "CHECKOV CKV2_AWS_74"),
            *("SOC2 CC6.7", "ISO27001 A.8.24"),
        ),
        why="What is recorded today could be read on the day the key is stolen.",
        fix=f"use one of {', '.join(sorted(TLS_POLICIES))}",
        url=f"{_GUIDE}describe-ssl-policies.html",
        evidence=("sslPolicy",),
        remedy={"sslPolicy": "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"},
        judge=_tls_policy,
    ),
    Rule(
        name="listener-refuses-unknown-hosts",
        sentence="Requests for a host name that is not ours are answered, never passed on.",
        types=(_LISTENER,),
        severity="medium",
        requirements=("LB-06",),
        controls=("SOC2 CC6.6", "ISO27001 A.8.26"),
        why="Links in mails and caches could be made to carry an attacker's host name.",
        fix="make the default action a fixed response of 404",
        url=f"{_GUIDE}load-balancer-listeners.html",
        evidence=("defaultActions.*.type",),
        judge=_unknown_hosts,
    ),
    Rule(
        name="listener-security-headers",
        sentence="Listeners add the security headers and hide the program's name.",
        types=(_LISTENER,),
        severity="medium",
        requirements=("LB-11", "LB-12", "SEC-01"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.26"),
        why="Other sites could frame our pages and take clicks that were meant for us.",
        fix="set the listener's routing_http_response_* attributes",
        url=f"{_GUIDE}header-modification.html",
        evidence=(
            "routingHttpResponseXContentTypeOptionsHeaderValue",
            "routingHttpResponseXFrameOptionsHeaderValue",
            "routingHttpResponseServerEnabled",
        ),
        judge=_header_values,
    ),
    StackRule(
        name="listener-hsts",
        sentence="Listeners tell browsers to insist on TLS, for a year where customers are served.",
        types=(_LISTENER,),
        severity="medium",
        requirements=("LB-14", "CHK-SEC-01"),
        controls=("SOC2 CC6.7", "ISO27001 A.8.24"),
        why="The first request of a day could be caught and answered by somebody else.",
        fix="set edge.hstsMaxAge to 31536000",
        url=f"{_GUIDE}header-modification.html",
        evidence=("routingHttpResponseStrictTransportSecurityHeaderValue",),
        judge=_hsts,
    ),
    StackRule(
        name="internal-paths-closed",
        sentence="Metrics and debug pages are never passed on, whatever the host name.",
        types=(_LISTENER,),
        severity="high",
        requirements=("LB-19", "ENV-20", "DBG-04"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.26"),
        why="A memory dump of the API shows every secret and session that it holds.",
        fix="put a rule with a fixed response for these paths before every rule that forwards",
        url=f"{_GUIDE}listener-rules.html",
        evidence=("protocol", "port"),
        judge=_internal_paths,
    ),
)
