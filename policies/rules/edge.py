"""Edge: TLS everywhere, a firewall in front, nothing of the balancer public by itself."""

from __future__ import annotations

from collections.abc import Iterator

from rules.model import Item, Props, Rule, Stack, StackRule

# Policies without TLS 1.0 and 1.1 and without static-RSA suites (ELB user guide, "Security
# policies"); the restricted ones only, see requirement LB-09.
TLS_POLICIES = {
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    "ELBSecurityPolicy-TLS13-1-3-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-3-PQ-2025-09",
}
VIEWER_TLS = {"TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"}


def _balancer(props: Props) -> Iterator[str]:
    if not props.at("internal"):
        yield "the load balancer is open to the internet, past CloudFront and its firewall"
    if not props.at("dropInvalidHeaderFields"):
        yield "invalid header fields are passed on"
    if not props.at("accessLogs.enabled"):
        yield "requests are not logged"


def _listener(props: Props) -> Iterator[str]:
    if props.at("protocol") == "HTTP":
        actions = props.at("defaultActions") or []
        if not all(
            a.get("type") == "redirect" and (a.get("redirect") or {}).get("protocol") == "HTTPS"
            for a in actions
        ):
            yield "plain HTTP is answered and not redirected"
    elif props.at("sslPolicy") not in TLS_POLICIES:
        yield f"TLS policy {props.at('sslPolicy', 'none')} admits old protocols or weak suites"


def _distribution(props: Props) -> Iterator[str]:
    certificate = props.at("viewerCertificate") or {}
    if certificate.get("minimumProtocolVersion") not in VIEWER_TLS:
        oldest = certificate.get("minimumProtocolVersion", "TLSv1")
        yield f"viewers may use {oldest}, which is too old"
    first = props.at("defaultCacheBehavior", Props({}))
    behaviours: list[Props] = [first, *props.at("orderedCacheBehaviors", [])]
    for behaviour in behaviours:
        if behaviour.get("viewerProtocolPolicy") not in ("redirect-to-https", "https-only"):
            yield f"{behaviour.get('pathPattern', 'the default path')} is served over plain HTTP"
        if not behaviour.given("responseHeadersPolicyId"):
            yield f"{behaviour.get('pathPattern', 'the default path')} has no security headers"
    if not props.given("webAclId"):
        yield "no web application firewall stands before this distribution"


def _acl(props: Props) -> Iterator[str]:
    rules = props.at("rules") or []
    if not any("rateBasedStatement" in (r.get("statement") or {}) for r in rules):
        yield "no rule limits the rate of one client"
    if not any("managedRuleGroupStatement" in (r.get("statement") or {}) for r in rules):
        yield "no managed rule group is used"


def _acl_logged(acl: Item, stack: Stack) -> Iterator[str]:
    logging = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
    if not stack.parts(logging, "resourceArn", acl):
        yield "what this firewall blocks is not logged"


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="load-balancer-behind-cdn",
        sentence="The load balancer is internal, logs requests and drops invalid headers.",
        types=("aws:lb/loadBalancer:LoadBalancer",),
        severity="high",
        requirements=("LB-21", "LB-25", "CDN-05"),
        fix="set internal, access_logs and drop_invalid_header_fields",
        judge=_balancer,
    ),
    Rule(
        name="listener-tls",
        sentence="Listeners speak current TLS only; plain HTTP redirects.",
        types=("aws:lb/listener:Listener",),
        severity="critical",
        requirements=("LB-05", "LB-08", "LB-09", "CHK-SEC-01"),
        fix=f"use one of {', '.join(sorted(TLS_POLICIES))}, or a redirect to HTTPS",
        judge=_listener,
    ),
    Rule(
        name="distribution-secure",
        sentence="CloudFront serves current TLS, security headers, and stands behind the firewall.",
        types=("aws:cloudfront/distribution:Distribution",),
        severity="critical",
        requirements=("CDN-04", "CHK-SEC-01", "CHK-SEC-06", "LB-11", "LB-14"),
        fix="set viewer_certificate, viewer_protocol_policy, response_headers_policy_id and "
        "web_acl_id",
        judge=_distribution,
    ),
    Rule(
        name="web-acl-rules",
        sentence="A firewall limits rates and uses managed groups.",
        types=("aws:wafv2/webAcl:WebAcl",),
        severity="high",
        requirements=("ENV-16", "LB-16", "SEC-03", "CHK-SEC-06"),
        fix="add a rate_based_statement rule and AWS managed rule groups",
        judge=_acl,
    ),
    StackRule(
        name="web-acl-logging",
        sentence="A firewall's decisions are logged.",
        types=("aws:wafv2/webAcl:WebAcl",),
        severity="medium",
        requirements=("CHK-SEC-06",),
        fix="add an aws.wafv2.WebAclLoggingConfiguration",
        judge=_acl_logged,
    ),
)
