"""CloudFront's response headers: each of them set, once, and for the whole of a year."""

from __future__ import annotations

from collections.abc import Iterator

from rules.edge.listeners import HSTS_SECONDS
from rules.model import Item, Props, Rule, Stack, StackRule

_HEADERS = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
# What a content security policy must not allow scripts (W3C, Content Security Policy Level 3).
_SCRIPT_HOLES = ("'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:", "data:")


def _hsts(policy: Item, stack: Stack) -> Iterator[str]:
    said = policy.props.at("securityHeadersConfig.strictTransportSecurity")
    if said is None:
        yield "browsers are not told to insist on TLS"
        return
    seconds = int(said.at("accessControlMaxAgeSec", 0))
    if stack.serves_customers and seconds < HSTS_SECONDS:
        yield f"browsers insist on TLS for {seconds} seconds, a year is needed here"
    if not said.at("includeSubdomains"):
        yield "browsers insist on TLS for this name only, not for those below it"


def _plain_headers(policy: Props) -> Iterator[str]:
    said = policy.at("securityHeadersConfig", Props({}))
    if "contentTypeOptions" not in said:
        yield "X-Content-Type-Options is missing"
    if said.at("frameOptions.frameOption") not in ("SAMEORIGIN", "DENY"):
        yield "X-Frame-Options is neither SAMEORIGIN nor DENY"
    if said.at("referrerPolicy.referrerPolicy", "unsafe-url") in (
        "unsafe-url",
        "no-referrer-when-downgrade",
    ):
        yield "other sites are told whole addresses, with what they hold"
    if said.at("xssProtection.protection"):
        yield "X-XSS-Protection is on, which old browsers can be made to misuse"


def _origin_overridden(policy: Props) -> Iterator[str]:
    for header, said in policy.at("securityHeadersConfig", Props({})).items():
        if not said.at("override"):
            yield f"{header} may come twice, with the origin's value first"


def _csp(policy: Props) -> Iterator[str]:
    text = policy.at("securityHeadersConfig.contentSecurityPolicy.contentSecurityPolicy", "")
    rules = {words[0]: words[1:] for words in map(str.split, str(text).lower().split(";")) if words}
    scripts = rules.get("script-src", rules.get("default-src"))
    if scripts is None:
        yield "scripts of any origin may run in our pages"
    for hole in _SCRIPT_HOLES:
        if hole in (scripts or []):
            yield f"the content security policy lets scripts in by {hole}"


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="headers-policy-hsts",
        sentence="CloudFront tells browsers to insist on TLS, for a year where customers are "
        "served.",
        types=(_HEADERS,),
        severity="medium",
        requirements=("LB-14", "CHK-SEC-01"),
        controls=("CHECKOV CKV_AWS_259", "SOC2 CC6.7", "ISO27001 A.8.24"),
        why="The first request of a day could be caught and answered by somebody else.",
        fix="set strict_transport_security with 31536000 seconds and include_subdomains",
        url=f"{_GUIDE}adding-response-headers.html",
        evidence=("securityHeadersConfig.strictTransportSecurity",),
        judge=_hsts,
    ),
    Rule(
        name="headers-policy-complete",
        sentence="Headers against sniffing, framing and leaking addresses are set.",
        types=(_HEADERS,),
        severity="medium",
        requirements=("LB-11", "LB-12", "LB-13", "SEC-01"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.26"),
        why="Other sites could frame our pages, and learn what stands in their addresses.",
        fix="set content_type_options, frame_options and referrer_policy; xss_protection off",
        url=f"{_GUIDE}adding-response-headers.html",
        evidence=(
            "securityHeadersConfig.contentTypeOptions",
            "securityHeadersConfig.frameOptions",
            "securityHeadersConfig.referrerPolicy",
            "securityHeadersConfig.xssProtection",
        ),
        judge=_plain_headers,
    ),
    Rule(
        name="headers-policy-overrides-origin",
        sentence="CloudFront's security headers take the place of the origin's.",
        types=(_HEADERS,),
        severity="low",
        requirements=("LB-11",),
        controls=("ISO27001 A.8.26",),
        why="Of two values browsers take the first, which is the one nobody reviews.",
        fix="set override to true on every security header",
        url=f"{_GUIDE}understanding-response-headers-policies.html",
        evidence=("securityHeadersConfig.*.override",),
        judge=_origin_overridden,
    ),
    Rule(
        name="headers-policy-csp",
        sentence="Only scripts of our own run in our pages.",
        types=(_HEADERS,),
        severity="medium",
        requirements=("LB-15", "SEC-01"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.26"),
        why="A line that somebody smuggles into a page could act as the person who reads it.",
        fix="name the sources of scripts in default-src or script-src; no inline, no eval, no *",
        url="https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/CSP",
        evidence=("securityHeadersConfig.contentSecurityPolicy.contentSecurityPolicy",),
        judge=_csp,
    ),
)
