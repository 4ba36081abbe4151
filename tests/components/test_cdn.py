"""CloudFront: what is kept, what is never kept, and what every answer carries."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.balancer import IDLE_SECONDS
from components.cdn import (
    ALL_VIEWER,
    CACHING_DISABLED,
    CACHING_OPTIMIZED,
    KEEPALIVE_SECONDS,
    LOG_FIELDS,
    Cdn,
    CdnArgs,
    content_security_policy,
    immutable_function,
)
from tests.components.test_dns import assert_at_home, deploy
from tests.neighbours import context, known, neighbour
from tests.recorder import Recorder, Registration, once
from tests.settings.test_edge_settings import edge

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
ORIGIN = "aws:cloudfront/vpcOrigin:VpcOrigin"
HEADERS = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
FUNCTION = "aws:cloudfront/function:Function"
REQUEST_POLICY = "aws:cloudfront/originRequestPolicy:OriginRequestPolicy"
RECORD = "aws:route53/record:Record"
SOURCE = "aws:cloudwatch/logDeliverySource:LogDeliverySource"
DESTINATION = "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination"
DELIVERY = "aws:cloudwatch/logDelivery:LogDelivery"
OUTSIDE = {"gateway", "log-policy"}


@once
def cdn(**changed: Any) -> Recorder:
    def build(opts: pulumi.ResourceOptions) -> None:
        gateway = aws.ec2.InternetGateway("gateway")
        policy = aws.s3.BucketPolicy("log-policy", bucket="logs", policy="{}")
        args = CdnArgs(
            context=context(),
            settings=edge(**changed),
            network=neighbour(ingress=[gateway]),
            balancer=neighbour(
                arn=known("arn:alb"),
                balancer_name=known("balancer-alb-1a2b3c4"),
                dns_name=known("internal-alb.eu-central-1.elb.amazonaws.com"),
            ),
            certificates=neighbour(cdn_arn=known("arn:aws:acm:us-east-1:1:certificate/1")),
            firewall=neighbour(cdn_acl_arn=known("arn:acl/global")),
            dns=neighbour(zone_id=known("Z123")),
            storage=neighbour(
                access_logs=neighbour(arn=known("arn:aws:s3:::logs"), ready=[policy])
            ),
        )
        Cdn("cdn", args, opts)

    return deploy(build)


def behaviours(distribution: Registration) -> dict[str, dict[str, Any]]:
    ordered = distribution.inputs["orderedCacheBehaviors"]
    default = distribution.inputs["defaultCacheBehavior"]
    return {"default": default, **{b["pathPattern"]: b for b in ordered}}


def test_each_host_has_a_distribution_of_its_own() -> None:
    aliases = {d.name: d.inputs["aliases"] for d in cdn().of(DISTRIBUTION)}
    assert aliases == {"cdn-api": ["api.archesai.com"], "cdn-app": ["app.archesai.com"]}, (
        "one distribution could not give each host its own security policy (LB-15)"
    )


def test_viewers_get_current_tls_and_the_validated_certificate() -> None:
    for distribution in cdn().of(DISTRIBUTION):
        assert distribution.inputs["viewerCertificate"] == {
            "acmCertificateArn": "arn:aws:acm:us-east-1:1:certificate/1",
            "minimumProtocolVersion": "TLSv1.2_2021",
            "sslSupportMethod": "sni-only",
        }
        for behaviour in behaviours(distribution).values():
            assert behaviour["viewerProtocolPolicy"] == "redirect-to-https", "LB-05"
        assert distribution.inputs["httpVersion"] == "http2and3"
        assert distribution.inputs["isIpv6Enabled"] is True


def test_the_firewall_is_named_by_the_distribution_itself() -> None:
    recorder = cdn()
    for distribution in recorder.of(DISTRIBUTION):
        assert distribution.inputs["webAclId"] == "arn:acl/global"
    assert recorder.of("aws:wafv2/webAclAssociation:WebAclAssociation") == [], "refused (F11)"


def test_the_only_origin_is_the_internal_balancer_over_tls() -> None:
    recorder = cdn()
    origin = recorder.one(ORIGIN)
    assert origin.inputs["vpcOriginEndpointConfig"] == {
        "name": "balancer-alb-1a2b3c4",
        "arn": "arn:alb",
        "httpPort": 80,
        "httpsPort": 443,
        "originProtocolPolicy": "https-only",
        "originSslProtocols": {"items": ["TLSv1.2"], "quantity": 1},
    }
    for distribution in recorder.of(DISTRIBUTION):
        (found,) = distribution.inputs["origins"]
        assert found["vpcOriginConfig"]["vpcOriginId"].startswith("vo_")
        assert "customOriginConfig" not in found, "a public origin would pass the firewall by"
        assert found["connectionTimeout"] == 10, "LB-22"
        assert found["vpcOriginConfig"]["originReadTimeout"] == 60


def test_the_origin_has_time_enough_to_be_deployed() -> None:
    assert cdn().one(ORIGIN).inputs["timeouts"]["create"] == "40m", "15 min are not enough"


def test_the_origin_waits_for_the_gateway_that_aws_demands_and_for_nothing_slow() -> None:
    waits = {d.rsplit("::", 1)[1] for d in cdn().one(ORIGIN).dependencies}
    assert waits == {"gateway"}, "certificates, firewall and logs run beside it"


def test_an_idle_connection_is_closed_by_the_cdn_first() -> None:
    assert KEEPALIVE_SECONDS < IDLE_SECONDS, "the balancer would close it under a request: 502"


@pytest.mark.parametrize("host", ["api", "app"])
def test_nothing_is_kept_unless_its_name_carries_a_hash(host: str) -> None:
    default = behaviours(cdn().one(DISTRIBUTION, f"cdn-{host}"))["default"]
    assert default["cachePolicyId"] == CACHING_DISABLED, "one user's answer would reach another"
    assert default["originRequestPolicyId"] == ALL_VIEWER
    assert "PATCH" in default["allowedMethods"], "13 routes of the API use it (SEC-02)"


def test_the_api_keeps_nothing_at_all() -> None:
    found = behaviours(cdn().one(DISTRIBUTION, "cdn-api"))
    assert list(found) == ["default", "/auth/*"]
    assert {b["cachePolicyId"] for b in found.values()} == {CACHING_DISABLED}


def test_answers_with_secrets_are_not_compressed() -> None:
    found = behaviours(cdn().one(DISTRIBUTION, "cdn-api"))
    assert found["/auth/*"]["compress"] is False, "LB-18: BREACH"
    assert found["default"]["compress"] is True


def test_hashed_files_are_kept_compressed_and_read_only() -> None:
    recorder = cdn()
    found = behaviours(recorder.one(DISTRIBUTION, "cdn-app"))
    assert list(found) == ["default", "/static/*", "/assets/*"], "CDN-01"
    for pattern in ("/static/*", "/assets/*"):
        asset = found[pattern]
        assert asset["cachePolicyId"] == CACHING_OPTIMIZED
        assert asset["compress"] is True
        assert asset["allowedMethods"] == ["GET", "HEAD", "OPTIONS"]
        (association,) = asset["functionAssociations"]
        assert association["eventType"] == "viewer-response"
    assert "functionAssociations" not in found["default"], "CDN-02: never for index.html"


def test_the_paths_of_hashed_files_are_a_choice() -> None:
    found = behaviours(cdn(assetPaths=["/build/*"]).one(DISTRIBUTION, "cdn-app"))
    assert list(found) == ["default", "/build/*"]


def test_hashed_files_are_fetched_without_cookies_and_kept_without_cookies() -> None:
    recorder = cdn()
    policy = recorder.one(REQUEST_POLICY)
    assert policy.inputs["cookiesConfig"] == {"cookieBehavior": "none"}
    assert policy.inputs["headersConfig"]["headers"] == {"items": ["Host"]}, (
        "without the host the balancer answers 404"
    )
    removed = recorder.one(HEADERS, "cdn-app-assets").inputs["removeHeadersConfig"]["items"]
    assert {"header": "Set-Cookie"} in removed, "one visitor's session would reach everybody"


def test_only_good_answers_are_marked_as_never_changing() -> None:
    recorder = cdn()
    function = recorder.one(FUNCTION)
    assert function.inputs["runtime"] == "cloudfront-js-2.0"
    assert function.inputs["code"] == immutable_function()
    assert "statusCode === 200" in immutable_function(), (
        "a browser that asked during a rollout would keep a 404 for a year"
    )
    assert "'public, max-age=31536000, immutable'" in immutable_function()
    for policy in recorder.of(HEADERS):
        assert "customHeadersConfig" not in policy.inputs


def test_every_answer_carries_every_security_header_once() -> None:
    recorder = cdn()
    policies = recorder.of(HEADERS)
    assert sorted(p.name for p in policies) == ["cdn-api", "cdn-app", "cdn-app-assets"]
    for policy in policies:
        found = policy.inputs["securityHeadersConfig"]
        assert found["strictTransportSecurity"] == {
            "accessControlMaxAgeSec": 31536000,
            "includeSubdomains": True,
            "override": True,
        }
        assert found["frameOptions"] == {"frameOption": "SAMEORIGIN", "override": True}
        assert found["contentTypeOptions"] == {"override": True}
        assert found["xssProtection"] == {"protection": False, "override": True}, "LB-13"
        assert all(header["override"] is True for header in found.values()), "LB-11: no doubles"
    for distribution in recorder.of(DISTRIBUTION):
        for pattern, behaviour in behaviours(distribution).items():
            assert behaviour["responseHeadersPolicyId"], f"{pattern} loses its headers (CDN-04)"


def test_each_host_has_its_own_content_security_policy() -> None:
    assert content_security_policy(edge(), "api") == "default-src 'self'"
    app = content_security_policy(edge(appConnectSources=["https://sentry.io"]), "app")
    assert (
        "connect-src 'self' https://api.archesai.com wss://api.archesai.com https://sentry.io;"
        in (app)
    )
    assert "frame-ancestors 'self'" in app
    assert "'unsafe-inline'" not in app.split("style-src")[0], "only styles may stand inline"


def test_hsts_may_be_introduced_in_steps() -> None:
    policy = cdn(hstsMaxAge=300).one(HEADERS, "cdn-api")
    hsts = policy.inputs["securityHeadersConfig"]["strictTransportSecurity"]
    assert hsts["accessControlMaxAgeSec"] == 300


def test_no_error_is_kept() -> None:
    for distribution in cdn().of(DISTRIBUTION):
        errors = distribution.inputs["customErrorResponses"]
        assert {e["errorCachingMinTtl"] for e in errors} == {0}
        assert {500, 502, 503, 504, 403, 404} <= {e["errorCode"] for e in errors}
        assert not any("responseCode" in e for e in errors), "the API's own answers must arrive"


def test_an_alias_is_let_go_before_another_distribution_takes_it() -> None:
    for distribution in cdn().of(DISTRIBUTION):
        assert distribution.delete_before_replace, "CNAMEAlreadyExists (F2)"


def test_both_names_point_to_cloudfront_over_both_ip_versions() -> None:
    records = cdn().of(RECORD)
    assert sorted((r.inputs["name"], r.inputs["type"]) for r in records) == [
        ("api.archesai.com", "A"),
        ("api.archesai.com", "AAAA"),
        ("app.archesai.com", "A"),
        ("app.archesai.com", "AAAA"),
    ]
    for record in records:
        (alias,) = record.inputs["aliases"]
        assert alias["name"].endswith(".cloudfront.net")
        assert "ttl" not in record.inputs, "an alias with a TTL is refused (D4)"


def test_access_logs_are_set_up_in_us_east_1_and_land_in_our_bucket() -> None:
    recorder = cdn()
    destination = recorder.one(DESTINATION)
    assert destination.inputs["deliveryDestinationConfiguration"] == {
        "destinationResourceArn": "arn:aws:s3:::logs/cloudfront"
    }
    sources = recorder.of(SOURCE)
    assert [s.inputs["logType"] for s in sources] == ["ACCESS_LOGS", "ACCESS_LOGS"]
    for resource in (destination, *sources, *recorder.of(DELIVERY)):
        assert resource.inputs["region"] == "us-east-1", "PutDeliverySource is refused elsewhere"
    for distribution in recorder.of(DISTRIBUTION):
        assert "loggingConfig" not in distribution.inputs, "its ACLs are refused (S4)"


def test_deliveries_are_made_one_after_the_other_into_an_open_bucket() -> None:
    recorder = cdn()
    first, second = recorder.of(DELIVERY)
    assert recorder.one("aws:s3/bucketPolicy:BucketPolicy").urn in first.dependencies
    assert first.urn in second.dependencies, "ConflictException"


def test_access_logs_hold_no_tokens() -> None:
    for field in ("cs(Cookie)", "cs-uri-query", "cs(Referer)"):
        assert field not in LOG_FIELDS
    for delivery in cdn().of(DELIVERY):
        assert delivery.inputs["recordFields"] == list(LOG_FIELDS)


def test_everything_of_the_cdn_is_at_home() -> None:
    recorder = cdn()
    recorder.registrations = [r for r in recorder.registrations if r.name not in OUTSIDE]
    assert_at_home(recorder, "cdn")
