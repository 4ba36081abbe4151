"""CloudFront: one distribution for each public host, both in front of the internal balancer.

Two distributions, because headers and cache rules hang on paths, and a path does not tell the hosts
apart: one content security policy per host (LB-15) needs one distribution per host. They share one
VPC origin. The certificate that the origin is checked against is the balancer's, since the viewer's
Host header is forwarded and covers both names.

Here live: the VPC origin, the distributions with their policies, the alias records, access logs.
Meets CDN-01 to CDN-05, LB-05, LB-11 to LB-15, LB-18, LB-22, SEC-01, AUDIT-02; controls
CloudFront.3, .5 to .10, .15.

Choices:
- Cache-Control for hashed assets is set by a function at the viewer response, not by the headers
  policy: a policy also marks a 404, and a browser that asked during a rollout would keep that for a
  year. CloudFront runs no function when the origin answered 400 or more (developer guide,
  "Restrictions on all edge functions").
- Access logs are the second generation, delivered by CloudWatch to the log bucket: the first needs
  ACLs, which a bucket whose owner is enforced refuses (S4). They are set up in us-east-1 wherever
  the bucket is. Cookies, queries and referrers stay out, since they carry tokens.
- X-XSS-Protection is `0` (LB-13). `X-Cache-Status` is not set; CloudFront sends X-Cache (CDN-03).

Refused: a default root object (`/` is the web application's own route; CloudFront.1), origin
failover (there is one region; CloudFront.4), create-before-delete (an alias lives on one
distribution only, F2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

import pulumi
import pulumi_aws as aws

from components.balancer import FRAME_OPTIONS, HTTPS_PORT, LoadBalancer
from components.certificates import Certificates
from components.context import Context
from components.dns import GLOBAL_REGION, Dns
from components.firewall import Firewall
from components.network import Network
from components.storage import CLOUDFRONT_PREFIX, Storage
from settings.edge import YEAR_SECONDS, EdgeSettings, Host

ORIGIN_ID = "balancer"
# CloudFront developer guide, "Use managed cache policies" and "... origin request policies": these
# ids are the same in every account.
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
CONNECT_SECONDS = 10  # the guide's proxy_connect_timeout (LB-22)
READ_SECONDS = 60  # the chain 25 < 30 < 60 ends at the balancer; the CDN must not cut it
KEEPALIVE_SECONDS = 50  # below the balancer's idle timeout of 60 s, or it closes under a request
# "Deployed" can take longer than the provider's 15 minutes (durations: up to 20).
ORIGIN_TIMEOUT = "40m"
# All codes that CloudFront would otherwise keep for 10 s, also where caching is off: an answer to
# one client must not become everybody's
# (developer guide, "How CloudFront processes HTTP 4xx and 5xx").
UNCACHED_ERRORS = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)
READ_METHODS = ["GET", "HEAD", "OPTIONS"]
ALL_METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
IMMUTABLE = f"public, max-age={YEAR_SECONDS}, immutable"
LOG_FIELDS = (
    "date",
    "time",
    "x-edge-location",
    "sc-bytes",
    "c-ip",
    "cs-method",
    "x-host-header",
    "cs-uri-stem",
    "sc-status",
    "cs(User-Agent)",
    "x-edge-result-type",
    "x-edge-request-id",
    "cs-protocol",
    "cs-bytes",
    "time-taken",
    "ssl-protocol",
    "ssl-cipher",
    "cs-protocol-version",
    "time-to-first-byte",
    "x-edge-detailed-result-type",
    "sc-content-type",
)


def content_security_policy(settings: EdgeSettings, label: Host) -> str:
    """One value per host (LB-15).

    The API keeps the guide's. The web application calls the API and its sockets, and its
    components carry inline styles.
    """
    if label == "api":
        return "default-src 'self'"
    calls = [
        "'self'",
        f"https://{settings.api_host}",
        f"wss://{settings.api_host}",
        *settings.app_connect_sources,
    ]
    return "; ".join(
        [
            "default-src 'self'",
            f"connect-src {' '.join(calls)}",
            "img-src 'self' data: blob:",
            "style-src 'self' 'unsafe-inline'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
            "object-src 'none'",
        ]
    )


def security_headers(
    settings: EdgeSettings, label: Host
) -> aws.cloudfront.ResponseHeadersPolicySecurityHeadersConfigArgsDict:
    """Every security header of one host; each replaces the origin's: none comes twice (LB-11)."""
    return {
        "strict_transport_security": {
            "access_control_max_age_sec": settings.hsts_max_age,
            "include_subdomains": True,
            "override": True,
        },
        "content_type_options": {"override": True},
        "frame_options": {"frame_option": FRAME_OPTIONS, "override": True},
        "xss_protection": {"protection": False, "override": True},
        "referrer_policy": {
            "referrer_policy": "strict-origin-when-cross-origin",
            "override": True,
        },
        "content_security_policy": {
            "content_security_policy": content_security_policy(settings, label),
            "override": True,
        },
    }


def immutable_function() -> str:
    """Marks good answers of hashed files as never changing (CDN-02)."""
    return (
        "function handler(event) {\n"
        "  var response = event.response;\n"
        "  if (response.statusCode === 200 || response.statusCode === 304) {\n"
        f"    response.headers['cache-control'] = {{ value: '{IMMUTABLE}' }};\n"
        "  }\n"
        "  return response;\n"
        "}\n"
    )


class Behaviour(TypedDict):
    """The keys that a default and an ordered behaviour share; the SDK has a type for each."""

    target_origin_id: str
    viewer_protocol_policy: str
    allowed_methods: list[str]
    cached_methods: list[str]
    cache_policy_id: str
    origin_request_policy_id: pulumi.Input[str]
    response_headers_policy_id: pulumi.Input[str]
    compress: bool


def behaviour(headers: pulumi.Input[str]) -> Behaviour:
    """Everything passes, nothing is kept. `compress` acts only where the cache policy allows."""
    return {
        "target_origin_id": ORIGIN_ID,
        "viewer_protocol_policy": "redirect-to-https",
        "allowed_methods": ALL_METHODS,
        "cached_methods": ["GET", "HEAD"],
        "cache_policy_id": CACHING_DISABLED,
        "origin_request_policy_id": ALL_VIEWER,
        "response_headers_policy_id": headers,
        "compress": True,
    }


def auth_behaviours(
    settings: EdgeSettings, headers: pulumi.Input[str]
) -> list[aws.cloudfront.DistributionOrderedCacheBehaviorArgsDict]:
    """Secrets beside user input are never compressed (LB-18, BREACH)."""
    return [
        {**behaviour(headers), "path_pattern": f"{prefix}*", "compress": False}
        for prefix in settings.auth_paths
    ]


def asset_behaviours(
    settings: EdgeSettings,
    headers: pulumi.Input[str],
    origin_request: pulumi.Input[str],
    function_arn: pulumi.Input[str],
) -> list[aws.cloudfront.DistributionOrderedCacheBehaviorArgsDict]:
    """Hashed files: kept, without cookies either way, read only."""
    return [
        {
            **behaviour(headers),
            "path_pattern": pattern,
            "allowed_methods": READ_METHODS,
            "cached_methods": READ_METHODS,
            "cache_policy_id": CACHING_OPTIMIZED,
            "origin_request_policy_id": origin_request,
            "function_associations": [
                {"event_type": "viewer-response", "function_arn": function_arn}
            ],
        }
        for pattern in settings.asset_paths
    ]


@dataclass(frozen=True, kw_only=True)
class CdnArgs:
    """network: its internet gateway. balancer: the origin. certificates, firewall: those of
    us-east-1. dns: where the names go. storage: where access logs go.
    """

    context: Context
    settings: EdgeSettings
    network: Network
    balancer: LoadBalancer
    certificates: Certificates
    firewall: Firewall
    dns: Dns
    storage: Storage


class Cdn(pulumi.ComponentResource):
    """Every mapping is by label, api and app. domain_names: CloudFront's own, not the hosts'."""

    domain_names: dict[str, pulumi.Output[str]]
    distribution_ids: dict[str, pulumi.Output[str]]
    distribution_arns: dict[str, pulumi.Output[str]]
    urls: dict[str, str]
    vpc_origin_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: CdnArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Cdn", name, None, opts)
        self._name, self._args = name, args
        self._here = pulumi.ResourceOptions(parent=self)
        self.vpc_origin_id = self._vpc_origin()
        made: dict[Host, aws.cloudfront.Distribution] = {
            label: self._distribution(label) for label in args.settings.hosts
        }
        for label, distribution in made.items():
            self._records(label, distribution)
        self._log(made)
        self.domain_names = {label: d.domain_name for label, d in made.items()}
        self.distribution_ids = {label: d.id for label, d in made.items()}
        self.distribution_arns = {label: d.arn for label, d in made.items()}
        self.urls = {label: f"https://{host}" for label, host in args.settings.hosts.items()}
        self.register_outputs(
            {
                "domainNames": self.domain_names,
                "distributionIds": self.distribution_ids,
                "distributionArns": self.distribution_arns,
                "urls": self.urls,
                "vpcOriginId": self.vpc_origin_id,
            }
        )

    def _vpc_origin(self) -> pulumi.Output[str]:
        return aws.cloudfront.VpcOrigin(
            f"{self._name}-origin",
            vpc_origin_endpoint_config={
                # The balancer's own name, which is new whenever the balancer is.
                "name": self._args.balancer.balancer_name,
                "arn": self._args.balancer.arn,
                "http_port": 80,
                "https_port": HTTPS_PORT,
                "origin_protocol_policy": "https-only",
                "origin_ssl_protocols": {"items": ["TLSv1.2"], "quantity": 1},
            },
            timeouts={
                "create": ORIGIN_TIMEOUT,
                "update": ORIGIN_TIMEOUT,
                "delete": ORIGIN_TIMEOUT,
            },
            # An attached origin refuses updates (F6): a new one is made beside it instead. AWS
            # wants an internet gateway in the VPC, though no traffic passes it.
            opts=self._with(
                replace_on_changes=["vpcOriginEndpointConfig"],
                depends_on=self._args.network.ingress,
            ),
        ).id

    def _distribution(self, label: Host) -> aws.cloudfront.Distribution:
        settings, context = self._args.settings, self._args.context
        headers = self._headers(label)
        return aws.cloudfront.Distribution(
            f"{self._name}-{label}",
            comment=f"{context.project} {context.stack}: {settings.hosts[label]}",
            enabled=True,
            aliases=[settings.hosts[label]],
            http_version="http2and3",
            is_ipv6_enabled=True,
            price_class=settings.price_class,
            web_acl_id=self._args.firewall.cdn_acl_arn,
            origins=[self._origin()],
            default_cache_behavior={**behaviour(headers)},
            ordered_cache_behaviors=self._ordered(label, headers),
            custom_error_responses=[
                {"error_code": code, "error_caching_min_ttl": 0} for code in UNCACHED_ERRORS
            ],
            restrictions={"geo_restriction": {"restriction_type": "none"}},
            viewer_certificate={
                "acm_certificate_arn": self._args.certificates.cdn_arn,
                "minimum_protocol_version": "TLSv1.2_2021",
                "ssl_support_method": "sni-only",
            },
            wait_for_deployment=True,
            opts=self._with(delete_before_replace=True),
        )

    def _origin(self) -> aws.cloudfront.DistributionOriginArgsDict:
        return {
            "origin_id": ORIGIN_ID,
            "domain_name": self._args.balancer.dns_name,
            "connection_attempts": 3,
            "connection_timeout": CONNECT_SECONDS,
            "vpc_origin_config": {
                "vpc_origin_id": self.vpc_origin_id,
                "origin_read_timeout": READ_SECONDS,
                "origin_keepalive_timeout": KEEPALIVE_SECONDS,
            },
        }

    def _headers(self, label: Host, *, assets: bool = False) -> pulumi.Output[str]:
        removed = ["Server", "X-Powered-By"]
        if assets:
            removed.append("Set-Cookie")  # a kept cookie would be handed to everybody
        return aws.cloudfront.ResponseHeadersPolicy(
            f"{self._name}-{label}" + ("-assets" if assets else ""),
            comment=f"Security headers of {self._args.settings.hosts[label]}",
            security_headers_config=security_headers(self._args.settings, label),
            remove_headers_config={"items": [{"header": header} for header in removed]},
            opts=self._here,
        ).id

    def _ordered(
        self, label: Host, headers: pulumi.Output[str]
    ) -> list[aws.cloudfront.DistributionOrderedCacheBehaviorArgsDict]:
        settings = self._args.settings
        if label == "api":
            return auth_behaviours(settings, headers)
        host_only = aws.cloudfront.OriginRequestPolicy(
            f"{self._name}-{label}-assets",
            comment="Hashed files: the host, for the balancer's rule, and nothing of the viewer",
            headers_config={"header_behavior": "whitelist", "headers": {"items": ["Host"]}},
            cookies_config={"cookie_behavior": "none"},
            query_strings_config={"query_string_behavior": "none"},
            opts=self._here,
        )
        immutable = aws.cloudfront.Function(
            f"{self._name}-immutable",
            comment="Cache-Control of hashed files",
            runtime="cloudfront-js-2.0",
            publish=True,
            code=immutable_function(),
            opts=self._here,
        )
        asset_headers = self._headers(label, assets=True)
        return asset_behaviours(settings, asset_headers, host_only.id, immutable.arn)

    def _records(self, label: Host, distribution: aws.cloudfront.Distribution) -> None:
        for type_ in ("A", "AAAA"):
            aws.route53.Record(
                f"{self._name}-{label}-{type_.lower()}",
                zone_id=self._args.dns.zone_id,
                name=self._args.settings.hosts[label],
                type=type_,
                aliases=[
                    {
                        "name": distribution.domain_name,
                        "zone_id": distribution.hosted_zone_id,
                        "evaluate_target_health": False,
                    }
                ],
                opts=self._here,
            )

    def _log(self, made: dict[Host, aws.cloudfront.Distribution]) -> None:
        bucket = self._args.storage.access_logs
        destination = aws.cloudwatch.LogDeliveryDestination(
            f"{self._name}-logs",
            output_format="json",
            delivery_destination_configuration={
                "destination_resource_arn": bucket.arn.apply(lambda a: f"{a}/{CLOUDFRONT_PREFIX}")
            },
            region=GLOBAL_REGION,
            opts=self._here,
        )
        # Without a policy that lets it write, delivery makes one of its own on the bucket.
        before: list[pulumi.Resource] = list(bucket.ready)
        for label, distribution in made.items():
            source = aws.cloudwatch.LogDeliverySource(
                f"{self._name}-{label}",
                log_type="ACCESS_LOGS",
                resource_arn=distribution.arn,
                region=GLOBAL_REGION,
                opts=self._here,
            )
            delivery = aws.cloudwatch.LogDelivery(
                f"{self._name}-{label}",
                delivery_source_name=source.name,
                delivery_destination_arn=destination.arn,
                record_fields=list(LOG_FIELDS),
                region=GLOBAL_REGION,
                opts=self._with(depends_on=before),
            )
            # Deliveries made at once to one destination are refused with ConflictException
            # (hashicorp/terraform-provider-aws issue 42194).
            before = [delivery]

    def _with(self, **options: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(self._here, pulumi.ResourceOptions(**options))
