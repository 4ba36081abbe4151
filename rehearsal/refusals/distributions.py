"""What CloudFront and Shield refuse: certificates, aliases, origins, order on the way down.

Rows F1 to F11 and H1, but for F4 (the provider disables a distribution and waits before it deletes)
and F9 (a change behind the program's back: refresh finds it). CloudFront is one service for all
regions, so nothing here asks for a region but what must be in us-east-1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from rehearsal.account import Account, Resource
from rehearsal.refusals.asking import SUBNET, current, known_list, objects, siblings
from rehearsal.refusals.balancers import BALANCER, CERTIFICATE, issued, region_of
from rehearsal.refusals.table import Operation, Request, Row, lookup
from rehearsal.wire import UNKNOWN

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
VPC_ORIGIN = "aws:cloudfront/vpcOrigin:VpcOrigin"
VPC = "aws:ec2/vpc:Vpc"
ACL_USE = "aws:wafv2/webAclAssociation:WebAclAssociation"
PROTECTION = "aws:shield/protection:Protection"
SUBSCRIPTION = "aws:shield/subscription:Subscription"

HOME = "us-east-1"
COMMITMENT = timedelta(days=365)  # Shield Advanced: one year
# AutoRenew can be changed in the last 30 days of a commitment (Shield API reference).
LAST_DAYS = timedelta(days=30)

# type -> what CloudFront says while a behaviour or an origin still names it (its API reference)
_ATTACHED = {
    "aws:cloudfront/originAccessControl:OriginAccessControl": (
        "OriginAccessControlInUse: Cannot delete the origin access control because it's in use by "
        "one or more distributions."
    ),
    "aws:cloudfront/cachePolicy:CachePolicy": (
        "CachePolicyInUse: Cannot delete the cache policy because it is attached to one or more "
        "cache behaviors."
    ),
    "aws:cloudfront/originRequestPolicy:OriginRequestPolicy": (
        "OriginRequestPolicyInUse: Cannot delete the origin request policy because it is attached "
        "to one or more cache behaviors."
    ),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": (
        "ResponseHeadersPolicyInUse: Cannot delete the response headers policy because it is "
        "attached to one or more cache behaviors in a CloudFront distribution."
    ),
    "aws:cloudfront/function:Function": (
        "FunctionInUse: Cannot delete the function because it's attached to one or more cache "
        "behaviors."
    ),
    "aws:cloudfront/realtimeLogConfig:RealtimeLogConfig": (
        "RealtimeLogConfigInUse: Cannot delete the real-time log configuration because it is "
        "attached to one or more cache behaviors."
    ),
    "aws:cloudfront/keyGroup:KeyGroup": (
        "ResourceInUse: Cannot delete this resource because it is in use."
    ),
    "aws:cloudfront/publicKey:PublicKey": "PublicKeyInUse: The specified public key is in use.",
}
_KEY_GROUP = "aws:cloudfront/keyGroup:KeyGroup"
_GLOBAL_ACL = re.compile(r"arn:aws[\w-]*:wafv2:us-east-1:\d{12}:global/webacl/[^/]+/[^/]+")


# -- viewers ------------------------------------------------------------------------------------
def _certificate_arn(request: Request) -> Any:
    return request.value("viewerCertificate.acmCertificateArn")


def _bad_certificate(request: Request, account: Account) -> str | None:
    arn = _certificate_arn(request)
    if not isinstance(arn, str) or not arn:
        return None
    certificate = account.by_id(arn, CERTIFICATE)
    pending = not request.preview and certificate is not None and not issued(account, certificate)
    if region_of(arn) == HOME and not pending:
        return None
    return (
        "InvalidViewerCertificate: The specified SSL certificate doesn't exist, isn't in us-east-1 "
        "region, isn't valid, or doesn't include a valid certificate chain."
    )


def _alias_taken(request: Request, account: Account) -> str | None:
    mine = set(known_list(request, "aliases") or [])
    if not mine:
        return None
    for other in siblings(request, account, DISTRIBUTION, everywhere=True):
        if mine & set(other.inputs.get("aliases") or []):
            return (
                "CNAMEAlreadyExists: One or more of the CNAMEs you provided are already associated "
                "with a different resource."
            )
    return None


def covers(names: list[str], host: str) -> bool:
    """Whether a certificate with these names speaks for a host; a wildcard is one label."""
    parent = host.partition(".")[2]
    return host in names or bool(parent and f"*.{parent}" in names)


def _uncovered(request: Request, account: Account) -> str | None:
    aliases = known_list(request, "aliases")
    if not aliases:
        return None
    if request.value("viewerCertificate.cloudfrontDefaultCertificate") is True:
        return (
            "InvalidViewerCertificate: To add an alternate domain name (CNAME) to a CloudFront "
            "distribution, you must attach a trusted certificate that validates your authorization "
            "to use the domain name."
        )
    arn = _certificate_arn(request)
    certificate = account.by_id(arn, CERTIFICATE) if isinstance(arn, str) else None
    if certificate is None or not certificate.inputs.get("domainName"):
        return None
    others = certificate.inputs.get("subjectAlternativeNames") or []
    names = [str(name).lower() for name in (certificate.inputs["domainName"], *others)]
    if all(covers(names, str(alias).lower()) for alias in aliases):
        return None
    return (
        "InvalidViewerCertificate: The certificate that is attached to your distribution doesn't "
        "cover the alternate domain name (CNAME) that you're trying to add."
    )


# -- origins and behaviours ---------------------------------------------------------------------
def _no_origin(request: Request, _account: Account) -> str | None:
    lists = [request.value(path, []) for path in ("origins", "originGroups")]
    if not all(isinstance(each, list) for each in lists):
        return None
    ids = {lookup(each, "originId") for items in lists for each in items}
    behaviours: list[Any] = [request.value("defaultCacheBehavior")]
    behaviours += objects(request, "orderedCacheBehaviors")
    targets = {lookup(each, "targetOriginId") for each in behaviours} - {None, UNKNOWN}
    if UNKNOWN in ids or targets <= ids:
        return None
    return "NoSuchOrigin: One or more of your origins or origin groups do not exist."


def _wrong_acl(request: Request, _account: Account) -> str | None:
    acl = request.value("webAclId")
    if not isinstance(acl, str) or not acl or _GLOBAL_ACL.fullmatch(acl):
        return None
    return (
        "InvalidWebACLId: A web ACL ID specified is not valid. To specify a web ACL created using "
        "the latest version of WAF, use the ACL ARN."
    )


def _acl_by_association(request: Request, _account: Account) -> str | None:
    acl, resource = request.value("webAclArn"), request.value("resourceArn")
    to_cdn = isinstance(resource, str) and ":cloudfront:" in resource
    is_global = isinstance(acl, str) and ":global/webacl/" in acl
    if not to_cdn and not is_global:
        return None
    shown = acl if isinstance(acl, str) else "of the web ACL"
    return f'"web_acl_arn" ({shown}) is an invalid ARN: invalid region value'


# -- order on the way down ----------------------------------------------------------------------
def _attached(request: Request, account: Account) -> str | None:
    part = current(request, account)
    if part is None:
        return None
    users = {each.type for each in account.referring(part)}
    if DISTRIBUTION not in users and _KEY_GROUP not in users:
        return None
    return _ATTACHED[request.type]


def _origin_in_use(request: Request, account: Account) -> str | None:
    origin = current(request, account)
    if origin is None:
        return None
    if request.operation == "update" and not request.changes("vpcOriginEndpointConfig"):
        return None
    if not any(each.type == DISTRIBUTION for each in account.referring(origin)):
        return None
    steps = (
        " (two steps: first move the distributions to a new origin beside this one in one up, "
        "delete this one in the next)"
    )
    if request.operation == "update":
        return (
            "CannotUpdateEntityWhileInUse: The entity cannot be updated while it is in use." + steps
        )
    return "CannotDeleteEntityWhileInUse: The entity cannot be deleted while it is in use." + steps


def _origin_subnets(account: Account) -> Iterator[tuple[str, Any]]:
    """Subnets (with their VPC) in which a VPC origin has interfaces; load balancers and subnets may
    be gone by now."""
    for origin in account.all(VPC_ORIGIN):
        arn = str(lookup(origin.inputs, "vpcOriginEndpointConfig.arn", ""))
        balancer = account.by_id(arn, BALANCER)
        inputs = balancer.inputs if balancer else None
        if inputs is None:
            graves = account.graves(BALANCER)
            inputs = next((grave.inputs for grave in graves if grave.id == arn), {})
        for subnet in inputs.get("subnets") or []:
            yield str(subnet), _vpc_of(account, str(subnet))


def _vpc_of(account: Account, subnet: str) -> Any:
    found = account.by_id(subnet, SUBNET)
    if found is not None:
        return found.get("vpcId")
    graves = account.graves(SUBNET)
    return next((grave.inputs.get("vpcId") for grave in graves if grave.id == subnet), None)


def _origin_inside(request: Request, account: Account) -> str | None:
    held = any(
        request.id == (subnet if request.type == SUBNET else vpc)
        for subnet, vpc in _origin_subnets(account)
    )
    if not held:
        return None
    noun = "subnet" if request.type == SUBNET else "vpc"
    return f"DependencyViolation: The {noun} '{request.id}' has dependencies and cannot be deleted."


# -- Shield -------------------------------------------------------------------------------------
def _shield(request: Request, account: Account) -> str | None:
    if request.operation == "delete":
        return _cancelled_early(request, account)
    exists = "ResourceAlreadyExistsException: The specified resource already exists."
    if request.type == SUBSCRIPTION:
        return exists if siblings(request, account, SUBSCRIPTION, everywhere=True) else None
    if not request.preview and not account.all(SUBSCRIPTION):
        return "ResourceNotFoundException: The subscription does not exist."
    if not request.known("resourceArn"):
        return None
    arn = request.value("resourceArn")
    twice = siblings(request, account, PROTECTION, everywhere=True, resourceArn=arn)
    return exists if twice else None


def _cancelled_early(request: Request, account: Account) -> str | None:
    if request.type != SUBSCRIPTION or request.old_value("skipDestroy") is True:
        return None
    subscription: Resource | None = current(request, account)
    if subscription is None or account.now - subscription.created >= COMMITMENT - LAST_DAYS:
        return None
    return (
        "LockedSubscriptionException: You are trying to update a subscription that has not yet "
        "completed the 1-year commitment."
    )


_WRITE: tuple[Operation, ...] = ("create", "update")
_BC = "botocore 1.44"

ROWS: tuple[Row, ...] = (
    Row(
        id="F1",
        title="a viewer certificate is issued, in us-east-1",
        types=(DISTRIBUTION,),
        operations=_WRITE,
        source="pulumi/pulumi-aws#5649, hashicorp/terraform-provider-aws#13489",
        judge=_bad_certificate,
    ),
    Row(
        id="F2",
        title="an alias is on one distribution",
        types=(DISTRIBUTION,),
        operations=_WRITE,
        source=f"{_BC}; the text from public logs",
        judge=_alias_taken,
    ),
    Row(
        id="F3",
        title="the certificate has every alias",
        types=(DISTRIBUTION,),
        operations=_WRITE,
        source=f"{_BC}; the text from public logs",
        judge=_uncovered,
    ),
    Row(
        id="F5",
        title="policies, controls and functions go after the distributions",
        types=tuple(_ATTACHED),
        operations=("delete",),
        source=(f"{_BC}, terraform-aws-modules/terraform-aws-cloudfront#135, anomalyco/ion#443"),
        judge=_attached,
    ),
    Row(
        id="F6",
        title="a VPC origin in use is neither changed nor deleted",
        types=(VPC_ORIGIN,),
        operations=("update", "delete"),
        source=f"hashicorp/terraform-provider-aws#40905, {_BC}",
        judge=_origin_in_use,
    ),
    Row(
        id="F7",
        title="a VPC goes after its VPC origins",
        types=(VPC, SUBNET),
        operations=("delete",),
        source="ekristen/aws-nuke#615",
        judge=_origin_inside,
    ),
    Row(
        id="F8",
        title="behaviours name origins that exist",
        types=(DISTRIBUTION,),
        operations=_WRITE,
        source="moto 5.2, cfn-lint E3057",
        judge=_no_origin,
    ),
    Row(
        id="F10",
        title="a distribution takes a global web ACL, by its ARN",
        types=(DISTRIBUTION,),
        operations=_WRITE,
        source=_BC,
        judge=_wrong_acl,
    ),
    Row(
        id="F11",
        title="a distribution's web ACL is named on the distribution",
        types=(ACL_USE,),
        operations=_WRITE,
        source=f"hashicorp/terraform-provider-aws#40893, {_BC}",
        judge=_acl_by_association,
    ),
    Row(
        id="H1",
        title="Shield protects what is subscribed, once, for a year",
        types=(PROTECTION, SUBSCRIPTION),
        operations=("create", "delete"),
        source=_BC,
        judge=_shield,
    ),
)
