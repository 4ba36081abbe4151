"""CloudFront: TLS on both sides, our own names, the firewall in front, logs.

What its policies of response headers say is rules/edge/response_headers.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from rules.model import Item, Props, Rule, Stack, StackRule, Undecided
from rules.network.doors import DISTRIBUTION, VPC_ORIGIN

_DELIVERY = "aws:cloudwatch/logDelivery:LogDelivery"
_LOG_SOURCE = "aws:cloudwatch/logDeliverySource:LogDeliverySource"
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/cloudfront-controls.html"
_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
# CloudFront developer guide, "Supported protocols and ciphers between viewers and CloudFront":
# those without TLS 1.0, 1.1 and CBC suites.
VIEWER_TLS = {"TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"}
# Same guide, "Use managed cache policies": CachingDisabled, the same id in every account.
_CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
_READ_ONLY = {"GET", "HEAD", "OPTIONS"}


def _behaviours(distribution: Props) -> Iterator[tuple[str, Props]]:
    yield "the default path", distribution.at("defaultCacheBehavior", Props({}))
    for each in distribution.at("orderedCacheBehaviors") or []:
        yield str(each.at("pathPattern")), each


def _present(props: Props, path: str) -> bool:
    """Whether something stands there, known or not; after a deployment "" says nothing."""
    try:
        return bool(props.at(path))
    except Undecided:
        return True


# -- distributions -------------------------------------------------------------------------------
def _https_only(distribution: Props) -> Iterator[str]:
    for path, behaviour in _behaviours(distribution):
        if behaviour.at("viewerProtocolPolicy") not in ("redirect-to-https", "https-only"):
            yield f"{path} is served over plain HTTP"


def _enabled(distribution: Props) -> Iterator[str]:
    if not distribution.at("enabled"):
        yield "it answers nobody"


def _tls(distribution: Props) -> Iterator[str]:
    oldest = distribution.at("viewerCertificate.minimumProtocolVersion", "TLSv1")
    if oldest not in VIEWER_TLS:
        yield f"viewers may use {oldest}, which is too old"


def _own_certificate(distribution: Props) -> Iterator[str]:
    if distribution.at("viewerCertificate.cloudfrontDefaultCertificate") or not any(
        _present(distribution, f"viewerCertificate.{key}")
        for key in ("acmCertificateArn", "iamCertificateId")
    ):
        yield "it shows CloudFront's certificate, which does not cover our names"
    if not distribution.at("aliases"):
        yield "it has no name of ours"


def _sni(distribution: Props) -> Iterator[str]:
    method = distribution.at("viewerCertificate.sslSupportMethod", "none")
    if method != "sni-only":
        yield f"it serves TLS by {method}, not by server name"


def _firewall(distribution: Props) -> Iterator[str]:
    if not _present(distribution, "webAclId"):
        yield "no web application firewall stands before this distribution"


def _headers(distribution: Props) -> Iterator[str]:
    for path, behaviour in _behaviours(distribution):
        if not _present(behaviour, "responseHeadersPolicyId"):
            yield f"{path} has no security headers"


def _private_origin(distribution: Props) -> Iterator[str]:
    for origin in distribution.at("origins") or []:
        if not any(_present(origin, key) for key in ("vpcOriginConfig", "originAccessControlId")):
            yield f"origin {origin.at('originId')} must be open to the internet to be reached"


def _uncached(distribution: Props) -> Iterator[str]:
    for path, behaviour in _behaviours(distribution):
        answers_writes = not set(behaviour.at("allowedMethods", [])) <= _READ_ONLY
        personal = path == "the default path" or answers_writes
        if personal and behaviour.at("cachePolicyId") != _CACHING_DISABLED:
            yield f"answers of {path} are kept and handed to others"


def _logged(distribution: Item, stack: Stack) -> Iterator[str]:
    sources = stack.parts(_LOG_SOURCE, "resourceArn", distribution)
    delivered = [s for s in sources if stack.parts(_DELIVERY, "deliverySourceName", s)]
    if not delivered and not distribution.props.at("loggingConfig.bucket"):
        yield "what viewers ask for is not logged"


# -- origins -------------------------------------------------------------------------------------
def _origin_tls(origin: Props) -> Iterator[str]:
    policy = origin.at("vpcOriginEndpointConfig.originProtocolPolicy")
    if policy != "https-only":
        yield f"CloudFront talks to the balancer by {policy}"
    for protocol in origin.at("vpcOriginEndpointConfig.originSslProtocols.items", []):
        if protocol != "TLSv1.2":
            yield f"CloudFront may talk {protocol} to the balancer"


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="distribution-https-only",
        sentence="CloudFront answers over TLS only; plain HTTP is redirected.",
        types=(DISTRIBUTION,),
        severity="critical",
        requirements=("LB-05", "CHK-SEC-01"),
        controls=("FSBP CloudFront.3", "CHECKOV CKV_AWS_34", "SOC2 CC6.7", "GDPR 32"),
        why="Passwords and sessions could be read by anybody on the way.",
        fix="set viewer_protocol_policy to redirect-to-https",
        url=f"{_HUB}#cloudfront-3",
        evidence=(
            "defaultCacheBehavior.viewerProtocolPolicy",
            "orderedCacheBehaviors.*.viewerProtocolPolicy",
        ),
        judge=_https_only,
    ),
    Rule(
        name="distribution-enabled",
        sentence="Every distribution answers.",
        types=(DISTRIBUTION,),
        severity="medium",
        requirements=("CDN-01",),
        controls=("CHECKOV CKV_AWS_216", "SOC2 A1.2"),
        why="Our names would lead to an error of CloudFront's.",
        fix="set enabled to true, or take the distribution away",
        url=f"{_GUIDE}HowToDeleteDistribution.html",
        evidence=("enabled",),
        remedy={"enabled": True},
        judge=_enabled,
    ),
    Rule(
        name="distribution-tls-policy",
        sentence="Viewers speak TLS 1.2 or newer, with forward secrecy.",
        types=(DISTRIBUTION,),
        severity="high",
        requirements=("LB-08", "LB-09", "CHK-SEC-01"),
        controls=(
            *("FSBP CloudFront.15", "CHECKOV CKV_AWS_174", "CHECKOV CKV2_AWS_54"),
            *("SOC2 CC6.7", "ISO27001 A.8.24"),
        ),
        why="Old protocols can be broken by whoever shares the viewer's network.",
        fix=f"set minimum_protocol_version to one of {', '.join(sorted(VIEWER_TLS))}",
        url=f"{_HUB}#cloudfront-15",
        evidence=("viewerCertificate.minimumProtocolVersion",),
        remedy={"viewerCertificate.minimumProtocolVersion": "TLSv1.2_2021"},
        judge=_tls,
    ),
    Rule(
        name="distribution-own-certificate",
        sentence="CloudFront shows a certificate for our own names.",
        types=(DISTRIBUTION,),
        severity="medium",
        requirements=("LB-07", "CHK-SEC-01"),
        controls=("FSBP CloudFront.7", "CHECKOV CKV2_AWS_42", "ISO27001 A.8.24"),
        why="People would be taught to trust an address that anybody can have.",
        fix="set viewer_certificate.acm_certificate_arn, and the host in aliases",
        url=f"{_HUB}#cloudfront-7",
        evidence=("aliases", "viewerCertificate.acmCertificateArn"),
        judge=_own_certificate,
    ),
    Rule(
        name="distribution-sni",
        sentence="CloudFront serves TLS by server name.",
        types=(DISTRIBUTION,),
        severity="low",
        requirements=("LB-05",),
        controls=("FSBP CloudFront.8",),
        why="Addresses of our own cost 600 USD a month and protect nobody.",
        fix="set viewer_certificate.ssl_support_method to sni-only",
        url=f"{_HUB}#cloudfront-8",
        evidence=("viewerCertificate.sslSupportMethod",),
        judge=_sni,
    ),
    Rule(
        name="distribution-firewall",
        sentence="A web application firewall stands before every distribution.",
        types=(DISTRIBUTION,),
        severity="critical",
        requirements=("CDN-05", "CHK-SEC-06", "CHK-SEC-07"),
        controls=("FSBP CloudFront.6", "CHECKOV CKV_AWS_68", "SOC2 CC6.6", "ISO27001 A.8.21"),
        why="Floods, scanners and known exploits would reach the programs as they come.",
        fix="set web_acl_id to the firewall's ARN",
        url=f"{_HUB}#cloudfront-6",
        evidence=("webAclId",),
        judge=_firewall,
    ),
    Rule(
        name="distribution-security-headers",
        sentence="Every path of a distribution has a policy of response headers.",
        types=(DISTRIBUTION,),
        severity="medium",
        requirements=("CDN-04", "LB-11", "SEC-01"),
        controls=("CHECKOV CKV2_AWS_32", "SOC2 CC6.6", "ISO27001 A.8.26"),
        why="One path without headers is the path that an attacker frames.",
        fix="set response_headers_policy_id on this behaviour",
        url=f"{_GUIDE}adding-response-headers.html",
        evidence=(
            "defaultCacheBehavior.responseHeadersPolicyId",
            "orderedCacheBehaviors.*.responseHeadersPolicyId",
        ),
        judge=_headers,
    ),
    Rule(
        name="distribution-private-origin",
        sentence="CloudFront's origins are not open to the internet.",
        types=(DISTRIBUTION,),
        severity="high",
        requirements=("CDN-05", "CHK-SEC-07"),
        controls=(
            *("FSBP CloudFront.13", "FSBP CloudFront.16", "CHECKOV CKV2_AWS_46"),
            *("SOC2 CC6.6", "ISO27001 A.8.20"),
        ),
        why="An origin with an address of its own is attacked past the firewall.",
        fix="use vpc_origin_config, or origin_access_control_id for a bucket",
        url=f"{_GUIDE}private-content-vpc-origins.html",
        evidence=("origins.*.originId", "origins.*.vpcOriginConfig"),
        judge=_private_origin,
    ),
    Rule(
        name="distribution-keeps-nothing-personal",
        sentence="Answers that may be personal are not kept by CloudFront.",
        types=(DISTRIBUTION,),
        severity="high",
        requirements=("CDN-02",),
        controls=("SOC2 CC6.1", "GDPR 32"),
        why="One person's answer would be handed to the next who asks.",
        fix="use the managed cache policy CachingDisabled; keep files with a hash only",
        url=f"{_GUIDE}using-managed-cache-policies.html",
        evidence=("defaultCacheBehavior.cachePolicyId", "orderedCacheBehaviors.*.cachePolicyId"),
        judge=_uncached,
    ),
    StackRule(
        name="distribution-logged",
        sentence="What viewers ask CloudFront for is logged.",
        types=(DISTRIBUTION,),
        severity="medium",
        requirements=("AUDIT-02",),
        controls=("FSBP CloudFront.5", "CHECKOV CKV_AWS_86", "SOC2 CC7.2", "ISO27001 A.8.15"),
        why="Only here stands the address that a request really came from.",
        fix="add a LogDeliverySource for it and a LogDelivery to the bucket of logs",
        url=f"{_HUB}#cloudfront-5",
        evidence=("aliases",),
        judge=_logged,
    ),
    Rule(
        name="vpc-origin-tls",
        sentence="CloudFront talks TLS 1.2 to the load balancer, nothing else.",
        types=(VPC_ORIGIN,),
        severity="high",
        requirements=("CHK-SEC-01", "LB-05"),
        controls=(
            *("FSBP CloudFront.9", "FSBP CloudFront.10", "CHECKOV CKV2_AWS_72"),
            *("SOC2 CC6.7", "ISO27001 A.8.24", "GDPR 32"),
        ),
        why="The half of the way that nobody sees would be in clear.",
        fix="set origin_protocol_policy to https-only and origin_ssl_protocols to TLSv1.2",
        url=f"{_HUB}#cloudfront-9",
        evidence=(
            "vpcOriginEndpointConfig.originProtocolPolicy",
            "vpcOriginEndpointConfig.originSslProtocols",
        ),
        judge=_origin_tls,
    ),
)
