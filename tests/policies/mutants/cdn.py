"""What breaks CloudFront."""

from __future__ import annotations

from typing import Any

from tests.policies.mutation import Mutant, drop, put, several, unlink, without

_CDN = "aws:cloudfront/distribution:Distribution"
_HEADERS = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
_ORIGIN = "aws:cloudfront/vpcOrigin:VpcOrigin"
_SOURCE = "aws:cloudwatch/logDeliverySource:LogDeliverySource"
_DELIVERY = "aws:cloudwatch/logDelivery:LogDelivery"
_APP = "edge-cdn-app"
_CSP = "securityHeadersConfig.contentSecurityPolicy.contentSecurityPolicy"
_TLS = "viewerCertificate.minimumProtocolVersion"
_ENDPOINT = "vpcOriginEndpointConfig"


def _set(
    rule: str, title: str, path: str, value: Any, *says: str, type_: str = _CDN, on: str = _APP
) -> Mutant:
    return Mutant(rule=rule, title=title, change=put(type_, path, value, on), says=says)


def _gone(
    rule: str, title: str, path: str, *says: str, type_: str = _CDN, on: str = _APP
) -> Mutant:
    return Mutant(rule=rule, title=title, change=drop(type_, path, on), says=says)


def _headers(rule: str, title: str, path: str, value: Any, *says: str) -> Mutant:
    where = f"securityHeadersConfig.{path}"
    if value is None:
        return _gone(rule, title, where, *says, type_=_HEADERS)
    return _set(rule, title, where, value, *says, type_=_HEADERS)


_STS = "strictTransportSecurity"
_SHOWS_OTHERS = "it shows CloudFront's certificate, which does not cover our names"

MUTANTS: tuple[Mutant, ...] = (
    _set(
        "distribution-https-only",
        "plain HTTP on the default path",
        "defaultCacheBehavior.viewerProtocolPolicy",
        "allow-all",
        "the default path is served over plain HTTP",
    ),
    _set(
        "distribution-https-only",
        "plain HTTP for files",
        "orderedCacheBehaviors.0.viewerProtocolPolicy",
        "allow-all",
        "/static/* is served over plain HTTP",
    ),
    _set(
        "distribution-tls-policy",
        "old TLS",
        _TLS,
        "TLSv1.1_2016",
        "viewers may use TLSv1.1_2016, which is too old",
    ),
    _gone(
        "distribution-tls-policy",
        "CloudFront's default",
        _TLS,
        "viewers may use TLSv1, which is too old",
    ),
    _set(
        "distribution-own-certificate",
        "CloudFront's certificate",
        "viewerCertificate",
        {"cloudfrontDefaultCertificate": True},
        _SHOWS_OTHERS,
    ),
    _gone(
        "distribution-own-certificate",
        "no certificate",
        "viewerCertificate.acmCertificateArn",
        _SHOWS_OTHERS,
    ),
    _set("distribution-own-certificate", "no name", "aliases", [], "it has no name of ours"),
    _set(
        "distribution-sni",
        "addresses of its own",
        "viewerCertificate.sslSupportMethod",
        "vip",
        "it serves TLS by vip, not by server name",
    ),
    _gone(
        "distribution-firewall",
        "no firewall",
        "webAclId",
        "no web application firewall stands before this distribution",
    ),
    _set(
        "distribution-firewall",
        "an empty name, as it is read back",
        "webAclId",
        "",
        "no web application firewall stands before this distribution",
    ),
    _gone(
        "distribution-security-headers",
        "files without headers",
        "orderedCacheBehaviors.1.responseHeadersPolicyId",
        "/assets/* has no security headers",
    ),
    _gone(
        "distribution-security-headers",
        "pages without headers",
        "defaultCacheBehavior.responseHeadersPolicyId",
        "the default path has no security headers",
    ),
    _gone(
        "distribution-private-origin",
        "an origin on the internet",
        "origins.0.vpcOriginConfig",
        "origin balancer must be open to the internet to be reached",
    ),
    _set(
        "distribution-keeps-nothing-personal",
        "pages are kept",
        "defaultCacheBehavior.cachePolicyId",
        "658327ea-f89d-4fab-a63d-7e88639e58f6",
        "answers of the default path are kept and handed to others",
    ),
    _set(
        "distribution-keeps-nothing-personal",
        "answers to writes are kept",
        "orderedCacheBehaviors.0.allowedMethods",
        ["GET", "HEAD", "POST"],
        "answers of /static/* are kept and handed to others",
    ),
    Mutant(
        rule="distribution-logged",
        title="no source",
        change=without(_SOURCE, _APP),
        says=("what viewers ask for is not logged",),
        at=_APP,
    ),
    Mutant(
        rule="distribution-logged",
        title="a source that is delivered nowhere",
        change=without(_DELIVERY, _APP),
        says=("what viewers ask for is not logged",),
        at=_APP,
    ),
    Mutant(
        rule="distribution-logged",
        title="the source of something else",
        change=unlink(_SOURCE, "resourceArn", _APP),
        says=("what viewers ask for is not logged",),
        at=_APP,
    ),
    _headers("headers-policy-hsts", "nothing said", _STS, None,
             "browsers are not told to insist on TLS"),
    _headers("headers-policy-hsts", "five minutes", f"{_STS}.accessControlMaxAgeSec", 300,
             "browsers insist on TLS for 300 seconds, a year is needed here"),
    _headers("headers-policy-hsts", "one name only", f"{_STS}.includeSubdomains", False,
             "browsers insist on TLS for this name only, not for those below it"),
    _headers("headers-policy-complete", "sniffing", "contentTypeOptions", None,
             "X-Content-Type-Options is missing"),
    _headers("headers-policy-complete", "framing", "frameOptions", None,
             "X-Frame-Options is neither SAMEORIGIN nor DENY"),
    _headers("headers-policy-complete", "whole addresses", "referrerPolicy.referrerPolicy",
             "unsafe-url", "other sites are told whole addresses, with what they hold"),
    _headers("headers-policy-complete", "the browser's default", "referrerPolicy", None,
             "other sites are told whole addresses, with what they hold"),
    _headers("headers-policy-complete", "the old filter", "xssProtection.protection", True,
             "X-XSS-Protection is on, which old browsers can be made to misuse"),
    _headers("headers-policy-overrides-origin", "twice", "frameOptions.override", False,
             "frameOptions may come twice, with the origin's value first"),
    _set("headers-policy-csp", "inline scripts", _CSP, "default-src 'self' 'unsafe-inline'",
         "the content security policy lets scripts in by 'unsafe-inline'", type_=_HEADERS),
    _set("headers-policy-csp", "scripts of anybody", _CSP, "default-src 'self'; script-src *",
         "the content security policy lets scripts in by *", type_=_HEADERS),
    _set("headers-policy-csp", "no word on scripts", _CSP, "frame-ancestors 'self'",
         "scripts of any origin may run in our pages", type_=_HEADERS),
    _headers("headers-policy-csp", "no policy", "contentSecurityPolicy", None,
             "scripts of any origin may run in our pages"),
    _set("vpc-origin-tls", "whatever the viewer speaks", f"{_ENDPOINT}.originProtocolPolicy",
         "match-viewer", "CloudFront talks to the balancer by match-viewer",
         type_=_ORIGIN, on="*"),
    _set("vpc-origin-tls", "old TLS", f"{_ENDPOINT}.originSslProtocols.items",
         ["TLSv1", "TLSv1.2"], "CloudFront may talk TLSv1 to the balancer",
         type_=_ORIGIN, on="*"),
    Mutant(
        rule="headers-policy-hsts",
        title="a day in staging is said, and for one name only",
        change=several(
            put(_HEADERS, f"securityHeadersConfig.{_STS}.accessControlMaxAgeSec", 86400, _APP),
            put(_HEADERS, f"securityHeadersConfig.{_STS}.includeSubdomains", False, _APP),
        ),
        says=("browsers insist on TLS for this name only, not for those below it",),
        stack="staging",
        at=_APP,
    ),
)  # fmt: skip
