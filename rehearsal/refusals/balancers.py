"""What Elastic Load Balancing refuses: zones, names, certificates, logs, priorities, order.

Rows L1 to L13. Figures are the defaults of "Quotas for your Application Load Balancers" (ELB user
guide). Not asked: a lambda target's protocol (L11 in part), which the provider does not send.
"""

from __future__ import annotations

import re

from rehearsal.account import Account, Resource
from rehearsal.refusals.asking import (
    current,
    given,
    known_list,
    permits,
    principals,
    siblings,
    statements,
    subnets,
    zones,
)
from rehearsal.refusals.buckets import bucket_of, encrypted_by_kms, policies
from rehearsal.refusals.table import Operation, Request, Row, lookup
from rehearsal.wire import UNKNOWN

BALANCER = "aws:lb/loadBalancer:LoadBalancer"
TARGETS = "aws:lb/targetGroup:TargetGroup"
TARGET = "aws:lb/targetGroupAttachment:TargetGroupAttachment"
LISTENER = "aws:lb/listener:Listener"
RULE = "aws:lb/listenerRule:ListenerRule"
MORE_CERTIFICATES = "aws:lb/listenerCertificate:ListenerCertificate"
CERTIFICATE = "aws:acm/certificate:Certificate"
VALIDATION = "aws:acm/certificateValidation:CertificateValidation"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"
ATTACHMENT = "aws:ec2/internetGatewayAttachment:InternetGatewayAttachment"

BALANCERS = 50  # ALB quotas: Application Load Balancers per Region
RULES = 100  # ALB quotas: rules per load balancer, default rules not counted
CERTIFICATES = 25  # ALB quotas: certificates per load balancer, default ones not counted
TARGETS_PER_GROUP = 1000  # ALB quotas: targets per target group
LONGEST_NAME = 32  # ELB API reference, of load balancers and target groups
DEFAULT_INTERVAL = 30  # ELB API reference: HealthCheckIntervalSeconds

LOG_SERVICE = "logdelivery.elasticloadbalancing.amazonaws.com"
_LOGS = ("accessLogs", "connectionLogs", "healthCheckLogs")
_WITH_TLS = ("HTTPS", "TLS")
_LAYER_4 = ("TCP", "TLS", "UDP", "TCP_UDP")
# ELB user guide, "Security policies for your Application Load Balancer".
_TLS_POLICY = re.compile(
    r"ELBSecurityPolicy-("
    r"2015-05|2016-08|TLS-1-[012]-20(15-04|17-01)|TLS-1-2-Ext-2018-06"
    r"|FS-(1-[12]-(Res-)?)?20(18-06|19-08|20-10)"
    r"|TLS13-1-[0-3](-(Res|Ext[0-2]))?(-FIPS)?(-PQ)?-20(21-06|23-04|25-09))"
)


# -- the load balancer --------------------------------------------------------------------------
def _one_zone(request: Request, account: Account) -> str | None:
    if request.value("loadBalancerType", "application") != "application":
        return None
    plain, mapped = request.value("subnets", []), request.value("subnetMappings", [])
    if not isinstance(plain, list) or not isinstance(mapped, list):
        return None
    ids = [*plain, *(lookup(each, "subnetId") for each in mapped)]
    found = zones(account, ids) if UNKNOWN not in ids and None not in ids else None
    if len(ids) < 2 or (found is not None and len(set(found)) < 2):
        return (
            "ValidationError: At least two subnets in two different Availability Zones must be "
            "specified"
        )
    placed = [subnet.get("availabilityZone") for subnet in subnets(account, ids)]
    if found is not None and len(placed) != len(set(placed)):
        return (
            "InvalidConfigurationRequest: More than 1 subnet cannot be specified for 1 "
            "availability zone"
        )
    return None


def _name(request: Request, _account: Account) -> str | None:
    name = request.value("name")
    if not isinstance(name, str):
        return None
    noun = "Target group" if request.type == TARGETS else "The load balancer"
    if len(name) > LONGEST_NAME:
        return (
            f"ValidationError: {noun} name '{name}' cannot be longer than '{LONGEST_NAME}' "
            "characters"
        )
    if name.startswith("-") or name.endswith("-"):
        return f"ValidationError: {noun} name '{name}' cannot begin or end with '-'"
    if request.type == BALANCER and name.startswith("internal-"):
        return f"ValidationError: {noun} name '{name}' cannot begin with 'internal-'"
    return None


def _taken(request: Request, account: Account) -> str | None:
    if request.type == LISTENER:
        if not request.known("loadBalancerArn", "port"):
            return None
        balancer, port = request.value("loadBalancerArn"), request.value("port")
        if not siblings(request, account, LISTENER, loadBalancerArn=balancer, port=port):
            return None
        return "DuplicateListener: A listener with the specified port already exists."
    if not request.known("name"):
        return None
    if not siblings(request, account, request.type, name=request.value("name")):
        return None
    if request.type == TARGETS:
        return "DuplicateTargetGroupName: A target group with the specified name already exists."
    return "DuplicateLoadBalancerName: A load balancer with the specified name already exists."


def _protected(request: Request, _account: Account) -> str | None:
    if request.old_value("enableDeletionProtection") is not True:
        return None
    return (
        f"OperationNotPermitted: Load balancer '{request.id}' cannot be deleted because deletion "
        "protection is enabled (two steps: first `enableDeletionProtection: false` in one up, "
        "delete in the next)"
    )


def _logs_refused(request: Request, account: Account) -> str | None:
    if request.preview:
        return None
    for path in _LOGS:
        if request.value(f"{path}.enabled") is not True:
            continue
        bucket = bucket_of(account, request.value(f"{path}.bucket"))
        prefix = request.value(f"{path}.prefix", "")
        if bucket is None or prefix is UNKNOWN:
            continue
        key = f"{prefix}/AWSLogs" if prefix else "AWSLogs"
        if encrypted_by_kms(account, bucket) or not _log_writer(account, bucket, key):
            return (
                f"InvalidConfigurationRequest: Access Denied for bucket: {bucket.id}. Please "
                "check S3bucket permission"
            )
    return None


def _log_writer(account: Account, bucket: Resource, key: str) -> bool:
    """Regions of before August 2022 also take ELB's own account as the writer."""
    place = f"{bucket.arn}/{key}/{account.account_id}/elasticloadbalancing/log.gz"
    for text in policies(account, bucket):
        if permits(text, LOG_SERVICE, "s3:PutObject", place):
            return True
        for each in statements(text):
            others = [p for p in principals(each, "AWS") if account.account_id not in p]
            if each.get("Effect") == "Allow" and others:
                return True
    return False


def _no_gateway(request: Request, account: Account) -> str | None:
    if request.value("internal", False) is not False:
        return None
    ids = known_list(request, "subnets")
    if not ids:
        return None
    for vpc in {subnet.get("vpcId") for subnet in subnets(account, ids)} - {None}:
        if not any(account.find(type_, vpcId=vpc) for type_ in (GATEWAY, ATTACHMENT)):
            return f"InvalidSubnet: VPC {vpc} has no internet gateway"
    return None


# -- listeners and rules ------------------------------------------------------------------------
def issued(account: Account, certificate: Resource) -> bool:
    """Whether ACM has issued it: imported, of a private authority, or validated by now."""
    if any(certificate.inputs.get(name) for name in ("certificateBody", "certificateAuthorityArn")):
        return True
    return bool(account.find(VALIDATION, certificateArn=certificate.arn))


def region_of(arn: str) -> str:
    """The region in an ARN, "" where it has none."""
    parts = arn.split(":")
    return parts[3] if len(parts) > 5 else ""


def _certificate(request: Request, account: Account) -> str | None:
    arn = request.value("certificateArn")
    if not isinstance(arn, str) or ":acm:" not in arn:
        return None
    if region_of(arn) != request.region:
        return "CertificateNotFound: The specified certificate does not exist."
    certificate = account.by_id(arn, CERTIFICATE)
    if request.preview or certificate is None or issued(account, certificate):
        return None
    return (
        f"UnsupportedCertificate: The certificate '{arn}' must have a fully-qualified domain name, "
        "a supported signature, and a supported key size."
    )


def _tls(request: Request, _account: Account) -> str | None:
    if request.value("protocol") not in _WITH_TLS:
        return None
    if not given(request, "certificateArn"):
        return (
            "ValidationError: A certificate must be specified for "
            f"{request.value('protocol')} listeners"
        )
    policy = request.value("sslPolicy")
    if isinstance(policy, str) and not _TLS_POLICY.fullmatch(policy):
        return f"SSLPolicyNotFound: SSL policy '{policy}' not found"
    return None


def _priority(request: Request, account: Account) -> str | None:
    # At preview the rule that has this priority may be about to give it up.
    if request.preview or not request.known("listenerArn", "priority"):
        return None
    where = {name: request.value(name) for name in ("listenerArn", "priority")}
    if not siblings(request, account, RULE, **where):
        return None
    return "PriorityInUse: The specified priority is in use."


# -- target groups ------------------------------------------------------------------------------
def _targets_in_use(request: Request, account: Account) -> str | None:
    targets = current(request, account)
    if targets is None:
        return None
    if not any(each.type in (LISTENER, RULE) for each in account.referring(targets)):
        return None
    return (
        f"ResourceInUse: Target group '{targets.arn or request.id}' is currently in use by a "
        "listener or a rule"
    )


def _health(request: Request, _account: Account) -> str | None:
    timeout = request.value("healthCheck.timeout")
    interval = request.value("healthCheck.interval", DEFAULT_INTERVAL)
    if not isinstance(timeout, int) or not isinstance(interval, int):
        return None
    web = request.value("protocol") in ("HTTP", "HTTPS")
    if timeout < interval or (timeout == interval and not web):
        return None
    than = "smaller than" if web else "smaller than or equal to"
    return (
        f"ValidationError: Health check timeout '{timeout}' must be {than} the interval "
        f"'{interval}'"
    )


def _stickiness(request: Request, _account: Account) -> str | None:
    kind, protocol = request.value("stickiness.type"), request.value("protocol")
    if not isinstance(kind, str) or not isinstance(protocol, str):
        return None
    if request.value("stickiness.enabled", True) is not True:
        return None
    if kind == "app_cookie" and not given(request, "stickiness.cookieName"):
        return (
            "InvalidConfigurationRequest: You must set an application cookie name to enable "
            "stickiness of type 'app_cookie'"
        )
    refused = (
        (kind == "app_cookie" and protocol in (*_LAYER_4, "GENEVE"))
        or (kind == "lb_cookie" and protocol in _LAYER_4)
        or (kind == "source_ip" and protocol in ("HTTP", "HTTPS"))
    )
    if not refused:
        return None
    return (
        f"InvalidConfigurationRequest: Stickiness type '{kind}' is not supported for target groups "
        f"with the {protocol} protocol"
    )


# -- quotas -------------------------------------------------------------------------------------
def _of_same_balancer(request: Request, account: Account, type_: str) -> list[Resource]:
    listener = account.by_id(str(request.value("listenerArn")), LISTENER)
    if listener is None:
        return []
    balancer = listener.get("loadBalancerArn")
    arns = {each.arn for each in account.find(LISTENER, loadBalancerArn=balancer)}
    return [r for r in siblings(request, account, type_) if r.get("listenerArn") in arns]


def _too_many(request: Request, account: Account) -> str | None:
    if request.type == BALANCER:
        kind = "application"
        if request.value("loadBalancerType", kind) != kind:
            return None
        there = [
            each
            for each in siblings(request, account, BALANCER)
            if each.inputs.get("loadBalancerType", kind) == kind
        ]
        if len(there) < BALANCERS:
            return None
        return (
            "TooManyLoadBalancers: You've reached the limit on the number of load balancers for "
            "your Amazon Web Services account."
        )
    if request.type == RULE:
        if len(_of_same_balancer(request, account, RULE)) < RULES:
            return None
        return "TooManyRules: You've reached the limit on the number of rules per load balancer."
    if request.type == MORE_CERTIFICATES:
        if len(_of_same_balancer(request, account, MORE_CERTIFICATES)) < CERTIFICATES:
            return None
        return (
            "TooManyCertificates: You've reached the limit on the number of certificates per load "
            "balancer."
        )
    group = request.value("targetGroupArn")
    if len(siblings(request, account, TARGET, targetGroupArn=group)) < TARGETS_PER_GROUP:
        return None
    return "TooManyTargets: You've reached the limit on the number of targets."


_WRITE: tuple[Operation, ...] = ("create", "update")
_MO = "moto 5.2"
_BC = "botocore 1.44"

ROWS: tuple[Row, ...] = (
    Row(
        id="L1",
        title="an application load balancer stands in two zones, once in each",
        types=(BALANCER,),
        operations=_WRITE,
        source=f"{_MO}, {_BC}; the first text from public logs",
        judge=_one_zone,
    ),
    Row(
        id="L2",
        title="names have 32 characters, no hyphen at an end, no internal- in front",
        types=(BALANCER, TARGETS),
        operations=("create",),
        source=f"{_MO}, {_BC}",
        judge=_name,
    ),
    Row(
        id="L3",
        title="names and ports stand once",
        types=(BALANCER, TARGETS, LISTENER),
        operations=("create",),
        source=f"{_MO}, {_BC}",
        judge=_taken,
    ),
    Row(
        id="L4",
        title="a target group goes after its listeners and rules",
        types=(TARGETS,),
        operations=("delete",),
        source=_MO,
        judge=_targets_in_use,
    ),
    Row(
        id="L5",
        title="a protected load balancer stays",
        types=(BALANCER,),
        operations=("delete",),
        source=f"{_BC}; the text from public logs",
        judge=_protected,
    ),
    Row(
        id="L6",
        title="the load balancer may write its logs",
        types=(BALANCER,),
        operations=_WRITE,
        source=(
            "kubernetes-sigs/aws-load-balancer-controller#1956, "
            "terraform-aws-modules/terraform-aws-s3-bucket#98"
        ),
        judge=_logs_refused,
    ),
    Row(
        id="L7",
        title="a listener's certificate is issued, in its region",
        types=(LISTENER, MORE_CERTIFICATES),
        operations=_WRITE,
        source=f"{_BC}; the second text from public logs",
        judge=_certificate,
    ),
    Row(
        id="L8",
        title="a TLS listener has a certificate and a policy that exists",
        types=(LISTENER,),
        operations=_WRITE,
        source=f"{_BC}; texts from public logs",
        judge=_tls,
    ),
    Row(
        id="L9",
        title="a health check ends before the next begins",
        types=(TARGETS,),
        operations=_WRITE,
        source=_MO,
        judge=_health,
    ),
    Row(
        id="L10",
        title="a priority stands once",
        types=(RULE,),
        operations=_WRITE,
        source=_MO,
        judge=_priority,
    ),
    Row(
        id="L11",
        title="stickiness fits the protocol",
        types=(TARGETS,),
        operations=_WRITE,
        source=_MO,
        judge=_stickiness,
    ),
    Row(
        id="L12",
        title="quotas of load balancers, rules, certificates, targets",
        types=(BALANCER, RULE, MORE_CERTIFICATES, TARGET),
        operations=("create",),
        source=f"{_BC}; ELB user guide, quotas",
        judge=_too_many,
    ),
    Row(
        id="L13",
        title="a public load balancer stands behind an internet gateway",
        types=(BALANCER,),
        operations=("create",),
        source="public logs of the real service",
        judge=_no_gateway,
    ),
)
