"""What breaks CloudFront."""

from __future__ import annotations

from typing import Any

from tests.policies.mutation import Mutant, drop, put, unlink, without

_CDN = "aws:cloudfront/distribution:Distribution"
_ORIGIN = "aws:cloudfront/vpcOrigin:VpcOrigin"
_SOURCE = "aws:cloudwatch/logDeliverySource:LogDeliverySource"
_DELIVERY = "aws:cloudwatch/logDelivery:LogDelivery"
_APP = "edge-cdn-app"
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
    _set("distribution-enabled", "switched off", "enabled", False, "it answers nobody"),
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
        "distribution-private-origin",
        "a bucket that everybody may read",
        "origins.0",
        {"originId": "files", "domainName": "files.s3.amazonaws.com", "s3OriginConfig": {}},
        "origin files must be open to the internet to be reached",
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
    _set("vpc-origin-tls", "whatever the viewer speaks", f"{_ENDPOINT}.originProtocolPolicy",
         "match-viewer", "CloudFront talks to the balancer by match-viewer",
         type_=_ORIGIN, on="*"),
    _set("vpc-origin-tls", "old TLS", f"{_ENDPOINT}.originSslProtocols.items",
         ["TLSv1", "TLSv1.2"], "CloudFront may talk TLSv1 to the balancer",
         type_=_ORIGIN, on="*"),
)  # fmt: skip
