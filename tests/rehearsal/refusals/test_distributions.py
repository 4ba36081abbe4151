"""Each row about CloudFront and Shield says AWS's words when it must, and else nothing."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.refusals.asking import SUBNET
from rehearsal.refusals.balancers import BALANCER, CERTIFICATE, VALIDATION
from rehearsal.refusals.distributions import (
    ACL_USE,
    DISTRIBUTION,
    PROTECTION,
    ROWS,
    SUBSCRIPTION,
    VPC,
    VPC_ORIGIN,
    covers,
)
from rehearsal.wire import UNKNOWN
from tests.rehearsal.refusals.cases import (
    ACCOUNT,
    Case,
    Thing,
    create,
    delete,
    thing,
    update,
)

CERT = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1"
HERE = f"arn:aws:acm:eu-central-1:{ACCOUNT}:certificate/1"
ACL = f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/cdn/1"
REGIONAL = f"arn:aws:wafv2:eu-central-1:{ACCOUNT}:regional/webacl/alb/1"
CDN = f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1"
ALB = f"arn:aws:elasticloadbalancing:eu-central-1:{ACCOUNT}:loadbalancer/app/alb/1"
HOST = "api.archesai.com"
POLICY = "aws:cloudfront/cachePolicy:CachePolicy"
KEY, KEYS = "aws:cloudfront/publicKey:PublicKey", "aws:cloudfront/keyGroup:KeyGroup"
BAD = (
    "InvalidViewerCertificate: The specified SSL certificate doesn't exist, isn't in us-east-1 "
    "region, isn't valid, or doesn't include a valid certificate chain."
)
UNCOVERED = (
    "InvalidViewerCertificate: The certificate that is attached to your distribution doesn't cover "
    "the alternate domain name (CNAME) that you're trying to add."
)
NO_ORIGIN = "NoSuchOrigin: One or more of your origins or origin groups do not exist."
BAD_ACL = (
    "InvalidWebACLId: A web ACL ID specified is not valid. To specify a web ACL created using the "
    "latest version of WAF, use the ACL ARN."
)
STEPS = (
    " (two steps: first move the distributions to a new origin beside this one in one up, delete "
    "this one in the next)"
)
TWICE = "ResourceAlreadyExistsException: The specified resource already exists."
# What is missing from the account is missing at preview too; a subscription has no values.
CERTAIN = {"H1"}


def right(**inputs: Any):
    """As the program makes it."""
    given = {
        "aliases": [HOST],
        "origins": [{"originId": "alb", "domainName": "alb.internal"}],
        "defaultCacheBehavior": {"targetOriginId": "alb"},
        "orderedCacheBehaviors": [{"pathPattern": "/auth*", "targetOriginId": "alb"}],
        "viewerCertificate": {"acmCertificateArn": CERT},
        "webAclId": ACL,
    }
    return create(DISTRIBUTION, **{**given, **inputs})


def certificate(*names: str) -> list[Thing]:
    first, *others = names
    made = thing(
        CERTIFICATE,
        CERT,
        outputs={"arn": CERT},
        domainName=first,
        subjectAlternativeNames=others,
    )
    return [made, thing(VALIDATION, "v", certificateArn=CERT)]


def with_certificate(arn: Any):
    return right(viewerCertificate={"acmCertificateArn": arn})


ENDPOINT = {"name": "alb", "arn": ALB, "httpsPort": 443}
ORIGIN = thing(VPC_ORIGIN, "vo_1", vpcOriginEndpointConfig=ENDPOINT)
ATTACHED = thing(
    DISTRIBUTION, "E1", origins=[{"originId": "alb", "vpcOriginConfig": {"vpcOriginId": "vo_1"}}]
)
SUBNET_A = thing(SUBNET, "subnet-0000000000000000a", vpcId="vpc-0000000000000000a")
BALANCING = thing(BALANCER, ALB, outputs={"arn": ALB}, subnets=["subnet-0000000000000000a"])

CASES = [
    Case(row="F1", request=with_certificate(HERE), says=BAD),
    Case(row="F1", have=certificate(HOST)[:1], request=right(), says=BAD),
    Case(row="F1", have=certificate(HOST), request=right()),
    Case(row="F1", request=with_certificate(UNKNOWN)),
    Case(
        row="F2",
        have=[thing(DISTRIBUTION, "E9", aliases=[HOST])],
        request=right(),
        says="CNAMEAlreadyExists: One or more of the CNAMEs you provided are already associated "
        "with a different resource.",
    ),
    Case(row="F2", have=[thing(DISTRIBUTION, "E9", aliases=["app.archesai.com"])], request=right()),
    Case(row="F3", have=certificate("app.archesai.com"), request=right(), says=UNCOVERED),
    Case(
        row="F3",
        request=right(viewerCertificate={"cloudfrontDefaultCertificate": True}),
        says="InvalidViewerCertificate: To add an alternate domain name (CNAME) to a CloudFront "
        "distribution, you must attach a trusted certificate that validates your authorization to "
        "use the domain name.",
    ),
    Case(row="F3", have=certificate("app.archesai.com", HOST), request=right()),
    Case(row="F3", have=certificate("*.archesai.com"), request=right()),
    Case(
        row="F5",
        have=[
            thing(POLICY, "0a1b-policy"),
            thing(DISTRIBUTION, "E1", defaultCacheBehavior={"cachePolicyId": "0a1b-policy"}),
        ],
        request=delete(POLICY, "0a1b-policy"),
        says="CachePolicyInUse: Cannot delete the cache policy because it is attached to one or "
        "more cache behaviors.",
    ),
    Case(
        row="F5",
        have=[thing(KEY, "K1"), thing(KEYS, "G1", items=["K1"])],
        request=delete(KEY, "K1"),
        says="PublicKeyInUse: The specified public key is in use.",
    ),
    Case(
        row="F5",
        have=[thing(POLICY, "0a1b-policy"), ATTACHED],
        request=delete(POLICY, "0a1b-policy"),
    ),
    Case(
        row="F6",
        have=[ORIGIN, ATTACHED],
        request=delete(VPC_ORIGIN, "vo_1"),
        says="CannotDeleteEntityWhileInUse: The entity cannot be deleted while it is in use."
        + STEPS,
    ),
    Case(
        row="F6",
        have=[ORIGIN, ATTACHED],
        request=update(
            VPC_ORIGIN,
            "vo_1",
            {"vpcOriginEndpointConfig": ENDPOINT},
            vpcOriginEndpointConfig={**ENDPOINT, "httpsPort": 8443},
        ),
        says="CannotUpdateEntityWhileInUse: The entity cannot be updated while it is in use."
        + STEPS,
    ),
    Case(row="F6", have=[ORIGIN], request=delete(VPC_ORIGIN, "vo_1")),
    Case(
        row="F6",
        have=[ORIGIN, ATTACHED],
        request=update(VPC_ORIGIN, "vo_1", {"vpcOriginEndpointConfig": ENDPOINT}, tags={"a": "b"}),
    ),
    Case(
        row="F7",
        have=[ORIGIN, BALANCING, SUBNET_A],
        request=delete(SUBNET, "subnet-0000000000000000a"),
        says="DependencyViolation: The subnet 'subnet-0000000000000000a' has dependencies and "
        "cannot be deleted.",
    ),
    Case(
        row="F7",
        gone=[BALANCING, SUBNET_A],
        have=[ORIGIN],
        request=delete(VPC, "vpc-0000000000000000a"),
        says="DependencyViolation: The vpc 'vpc-0000000000000000a' has dependencies and cannot be "
        "deleted.",
    ),
    Case(row="F7", have=[BALANCING, SUBNET_A], request=delete(SUBNET, "subnet-0000000000000000a")),
    Case(
        row="F8",
        request=right(defaultCacheBehavior={"targetOriginId": "other"}),
        says=NO_ORIGIN,
    ),
    Case(
        row="F8",
        request=right(orderedCacheBehaviors=[{"pathPattern": "/x", "targetOriginId": "other"}]),
        says=NO_ORIGIN,
    ),
    Case(row="F8", request=right()),
    Case(
        row="F8",
        request=right(
            defaultCacheBehavior={"targetOriginId": "both"}, originGroups=[{"originId": "both"}]
        ),
    ),
    Case(row="F10", request=right(webAclId=REGIONAL), says=BAD_ACL),
    Case(row="F10", request=right(webAclId="473e64fd-f30b-4765-81a0-62ad96dd167a"), says=BAD_ACL),
    Case(row="F10", request=right()),
    Case(row="F10", request=right(webAclId=UNKNOWN)),
    Case(
        row="F11",
        request=create(ACL_USE, resourceArn=CDN, webAclArn=ACL),
        says=f'"web_acl_arn" ({ACL}) is an invalid ARN: invalid region value',
    ),
    Case(row="F11", request=create(ACL_USE, resourceArn=ALB, webAclArn=REGIONAL)),
    Case(
        row="H1",
        request=create(PROTECTION, resourceArn=CDN),
        says="ResourceNotFoundException: The subscription does not exist.",
    ),
    Case(
        row="H1",
        have=[thing(SUBSCRIPTION, "s"), thing(PROTECTION, "p", resourceArn=CDN)],
        request=create(PROTECTION, resourceArn=CDN),
        says=TWICE,
    ),
    Case(
        row="H1",
        have=[thing(SUBSCRIPTION, "s")],
        request=create(SUBSCRIPTION, autoRenew="ENABLED"),
        says=TWICE,
    ),
    Case(
        row="H1",
        have=[thing(SUBSCRIPTION, "s")],
        request=delete(SUBSCRIPTION, "s"),
        says="LockedSubscriptionException: You are trying to update a subscription that has not "
        "yet completed the 1-year commitment.",
    ),
    Case(row="H1", have=[thing(SUBSCRIPTION, "s")], request=create(PROTECTION, resourceArn=CDN)),
    Case(
        row="H1",
        have=[thing(SUBSCRIPTION, "s")],
        request=delete(SUBSCRIPTION, "s", skipDestroy=True),
    ),
]


def test_the_room_has_all_rows_but_two_that_the_provider_takes_care_of() -> None:
    assert [row.id for row in ROWS] == [f"F{i}" for i in range(1, 12) if i not in (4, 9)] + ["H1"]


@pytest.mark.parametrize(
    ("names", "host", "covered"),
    [
        (["archesai.com"], "archesai.com", True),
        (["*.archesai.com"], "api.archesai.com", True),
        (["*.archesai.com"], "archesai.com", False),
        (["*.archesai.com"], "a.b.archesai.com", False),
    ],
)
def test_a_wildcard_stands_for_one_label(names: list[str], host: str, covered: bool) -> None:
    assert covers(names, host) is covered
