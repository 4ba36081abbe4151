"""Each row about load balancers says ELB's words to a wrong request and nothing to a right one."""

from __future__ import annotations

from typing import Any

from rehearsal.refusals.asking import SUBNET
from rehearsal.refusals.balancers import (
    BALANCER,
    BALANCERS,
    CERTIFICATE,
    CERTIFICATES,
    GATEWAY,
    LISTENER,
    LOG_SERVICE,
    MORE_CERTIFICATES,
    ROWS,
    RULE,
    RULES,
    TARGET,
    TARGETS,
    TARGETS_PER_GROUP,
    VALIDATION,
)
from rehearsal.refusals.buckets import BUCKET, ENCRYPTION
from rehearsal.refusals.buckets import POLICY as BUCKET_POLICY
from rehearsal.wire import UNKNOWN
from tests.rehearsal.refusals.cases import (
    ACCOUNT,
    Case,
    Thing,
    create,
    delete,
    policy,
    thing,
    update,
)

A, B = "subnet-0000000000000000a", "subnet-0000000000000000b"
ALB = f"arn:aws:elasticloadbalancing:eu-central-1:{ACCOUNT}:loadbalancer/app/alb/1"
GROUP = f"arn:aws:elasticloadbalancing:eu-central-1:{ACCOUNT}:targetgroup/api/1"
HTTPS = f"arn:aws:elasticloadbalancing:eu-central-1:{ACCOUNT}:listener/app/alb/1/1"
CERT = f"arn:aws:acm:eu-central-1:{ACCOUNT}:certificate/1"
TLS = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
TWO_ZONES = (
    "ValidationError: At least two subnets in two different Availability Zones must be specified"
)
DENIED = (
    "InvalidConfigurationRequest: Access Denied for bucket: logs. Please check S3bucket permission"
)
# What is missing is missing at preview too.
CERTAIN = {"L1", "L8"}


def subnet(id_: str, zone: str) -> Thing:
    return thing(SUBNET, id_, availabilityZone=zone, vpcId="vpc-0000000000000000a")


def certificate(arn: str = CERT, **inputs: Any) -> Thing:
    return thing(CERTIFICATE, arn, outputs={"arn": arn}, domainName="archesai.com", **inputs)


ZONES = [subnet(A, "eu-central-1a"), subnet(B, "eu-central-1b")]
LOGS = thing(BUCKET, "logs", outputs={"arn": "arn:aws:s3:::logs"}, bucket="logs")
LISTENING = thing(LISTENER, HTTPS, outputs={"arn": HTTPS}, loadBalancerArn=ALB, port=443)


def log_policy(resource: str = f"arn:aws:s3:::logs/alb/AWSLogs/{ACCOUNT}/*") -> Thing:
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": LOG_SERVICE},
        "Action": ["s3:PutObject"],
        "Resource": [resource],
    }
    return thing(BUCKET_POLICY, "logs", bucket="logs", policy=policy(allow))


def balancer(**inputs: Any):
    return create(BALANCER, **{"subnets": [A, B], "internal": True, **inputs})


def logging():
    return balancer(accessLogs={"bucket": "logs", "enabled": True, "prefix": "alb"})


def https(**inputs: Any):
    given = {"loadBalancerArn": ALB, "port": 443, "protocol": "HTTPS", "certificateArn": CERT}
    return create(LISTENER, **{**given, "sslPolicy": TLS, **inputs})


def group(**inputs: Any):
    return create(TARGETS, **{"name": "api", "protocol": "HTTP", "port": 8080, **inputs})


def many(type_: str, count: int, **inputs: Any) -> list[Thing]:
    return [thing(type_, f"{type_}-{i}", **inputs) for i in range(count)]


CASES = [
    Case(row="L1", request=balancer(subnets=[A]), says=TWO_ZONES),
    Case(row="L1", request=create(BALANCER, internal=True), says=TWO_ZONES),
    Case(
        row="L1",
        have=[subnet(A, "eu-central-1a"), subnet(B, "eu-central-1a")],
        request=balancer(),
        says=TWO_ZONES,
    ),
    Case(
        row="L1",
        have=[*ZONES, subnet("subnet-0000000000000000c", "eu-central-1a")],
        request=balancer(subnets=[A, B, "subnet-0000000000000000c"]),
        says="InvalidConfigurationRequest: More than 1 subnet cannot be specified for 1 "
        "availability zone",
    ),
    Case(row="L1", have=ZONES, request=balancer()),
    Case(row="L1", request=balancer(subnets=[UNKNOWN, UNKNOWN, UNKNOWN])),
    Case(row="L1", request=balancer(subnets=UNKNOWN)),
    Case(row="L1", request=balancer(subnets=[A], loadBalancerType="network")),
    Case(
        row="L2",
        request=balancer(name="a" * 33),
        says=f"ValidationError: The load balancer name '{'a' * 33}' cannot be longer than '32' "
        "characters",
    ),
    Case(
        row="L2",
        request=group(name="api-"),
        says="ValidationError: Target group name 'api-' cannot begin or end with '-'",
    ),
    Case(
        row="L2",
        request=balancer(name="internal-alb"),
        says="ValidationError: The load balancer name 'internal-alb' cannot begin with 'internal-'",
    ),
    Case(row="L2", request=group(name="internal-api")),
    Case(row="L2", request=balancer(name="edge-alb-0a1b2c3")),
    Case(
        row="L3",
        have=[thing(BALANCER, ALB, name="alb")],
        request=balancer(name="alb"),
        says="DuplicateLoadBalancerName: A load balancer with the specified name already exists.",
    ),
    Case(
        row="L3",
        have=[thing(TARGETS, GROUP, name="api")],
        request=group(name="api"),
        says="DuplicateTargetGroupName: A target group with the specified name already exists.",
    ),
    Case(
        row="L3",
        have=[LISTENING],
        request=https(),
        says="DuplicateListener: A listener with the specified port already exists.",
    ),
    Case(row="L3", have=[LISTENING], request=https(port=80)),
    Case(row="L3", have=[thing(TARGETS, GROUP, name="app")], request=group(name="api")),
    Case(
        row="L4",
        have=[
            thing(TARGETS, GROUP, outputs={"arn": GROUP}),
            thing(RULE, "rule", actions=[{"type": "forward", "targetGroupArn": GROUP}]),
        ],
        request=delete(TARGETS, GROUP),
        says=f"ResourceInUse: Target group '{GROUP}' is currently in use by a listener or a rule",
    ),
    Case(
        row="L4",
        have=[
            thing(TARGETS, GROUP, outputs={"arn": GROUP}),
            thing("aws:cloudwatch/metricAlarm:MetricAlarm", "alarm", dimensions={"x": GROUP}),
        ],
        request=delete(TARGETS, GROUP),
    ),
    Case(
        row="L5",
        request=delete(BALANCER, ALB, enableDeletionProtection=True),
        says=f"OperationNotPermitted: Load balancer '{ALB}' cannot be deleted because deletion "
        "protection is enabled (two steps: first `enableDeletionProtection: false` in one up, "
        "delete in the next)",
    ),
    Case(row="L5", request=delete(BALANCER, ALB, enableDeletionProtection=False)),
    Case(row="L6", have=[LOGS], request=logging(), says=DENIED),
    Case(
        row="L6",
        have=[LOGS, log_policy("arn:aws:s3:::logs/other/*")],
        request=logging(),
        says=DENIED,
    ),
    Case(
        row="L6",
        have=[
            LOGS,
            log_policy(),
            thing(
                ENCRYPTION,
                "logs",
                bucket="logs",
                rules=[{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}],
            ),
        ],
        request=logging(),
        says=DENIED,
    ),
    Case(row="L6", have=[LOGS, log_policy()], request=logging()),
    Case(row="L6", have=[LOGS], request=balancer()),
    Case(row="L6", request=logging()),
    Case(
        row="L7",
        request=https(certificateArn=f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1"),
        says="CertificateNotFound: The specified certificate does not exist.",
    ),
    Case(
        row="L7",
        have=[certificate()],
        request=create(MORE_CERTIFICATES, listenerArn=HTTPS, certificateArn=CERT),
        says=f"UnsupportedCertificate: The certificate '{CERT}' must have a fully-qualified domain "
        "name, a supported signature, and a supported key size.",
    ),
    Case(
        row="L7",
        have=[certificate(), thing(VALIDATION, "v", certificateArn=CERT)],
        request=https(),
    ),
    Case(row="L7", have=[certificate(certificateBody="PEM")], request=https()),
    Case(
        row="L8",
        request=create(LISTENER, loadBalancerArn=ALB, port=443, protocol="HTTPS"),
        says="ValidationError: A certificate must be specified for HTTPS listeners",
    ),
    Case(
        row="L8",
        request=https(sslPolicy="ELBSecurityPolicy-TLS14"),
        says="SSLPolicyNotFound: SSL policy 'ELBSecurityPolicy-TLS14' not found",
    ),
    Case(row="L8", request=https()),
    Case(row="L8", request=https(certificateArn=UNKNOWN)),
    Case(row="L8", request=create(LISTENER, loadBalancerArn=ALB, port=80, protocol="HTTP")),
    Case(
        row="L9",
        request=group(healthCheck={"interval": 10, "timeout": 10}),
        says="ValidationError: Health check timeout '10' must be smaller than the interval '10'",
    ),
    Case(
        row="L9",
        request=group(protocol="TCP", healthCheck={"interval": 10, "timeout": 11}),
        says="ValidationError: Health check timeout '11' must be smaller than or equal to the "
        "interval '10'",
    ),
    Case(row="L9", request=group(healthCheck={"interval": 10, "timeout": 5})),
    Case(row="L9", request=group(protocol="TCP", healthCheck={"interval": 10, "timeout": 10})),
    Case(
        row="L10",
        have=[thing(RULE, "rule", listenerArn=HTTPS, priority=10)],
        request=create(RULE, listenerArn=HTTPS, priority=10),
        says="PriorityInUse: The specified priority is in use.",
    ),
    Case(
        row="L10",
        have=[thing(RULE, "rule", listenerArn=HTTPS, priority=20)],
        request=update(RULE, "other", {"listenerArn": HTTPS, "priority": 10}, priority=20),
        says="PriorityInUse: The specified priority is in use.",
    ),
    Case(
        row="L10",
        have=[thing(RULE, "rule", listenerArn=HTTPS, priority=10)],
        request=create(RULE, listenerArn=HTTPS, priority=20),
    ),
    Case(
        row="L11",
        request=group(protocol="TCP", stickiness={"type": "lb_cookie"}),
        says="InvalidConfigurationRequest: Stickiness type 'lb_cookie' is not supported for target "
        "groups with the TCP protocol",
    ),
    Case(
        row="L11",
        request=group(stickiness={"type": "app_cookie"}),
        says="InvalidConfigurationRequest: You must set an application cookie name to enable "
        "stickiness of type 'app_cookie'",
    ),
    Case(
        row="L11",
        request=group(stickiness={"type": "source_ip"}),
        says="InvalidConfigurationRequest: Stickiness type 'source_ip' is not supported for target "
        "groups with the HTTP protocol",
    ),
    Case(row="L11", request=group(stickiness={"type": "lb_cookie"})),
    Case(row="L11", request=group(stickiness={"type": "source_ip", "enabled": False})),
    Case(
        row="L12",
        have=many(BALANCER, BALANCERS),
        request=balancer(loadBalancerType="application"),
        says="TooManyLoadBalancers: You've reached the limit on the number of load balancers for "
        "your Amazon Web Services account.",
    ),
    Case(
        row="L12",
        have=[LISTENING, *many(RULE, RULES, listenerArn=HTTPS)],
        request=create(RULE, listenerArn=HTTPS, priority=1),
        says="TooManyRules: You've reached the limit on the number of rules per load balancer.",
    ),
    Case(
        row="L12",
        have=[LISTENING, *many(MORE_CERTIFICATES, CERTIFICATES, listenerArn=HTTPS)],
        request=create(MORE_CERTIFICATES, listenerArn=HTTPS, certificateArn=CERT),
        says="TooManyCertificates: You've reached the limit on the number of certificates per load "
        "balancer.",
    ),
    Case(
        row="L12",
        have=many(TARGET, TARGETS_PER_GROUP, targetGroupArn=GROUP),
        request=create(TARGET, targetGroupArn=GROUP, targetId="10.0.0.1"),
        says="TooManyTargets: You've reached the limit on the number of targets.",
    ),
    Case(
        row="L12",
        have=[LISTENING, *many(RULE, RULES - 1, listenerArn=HTTPS)],
        request=create(RULE, listenerArn=HTTPS, priority=1),
    ),
    Case(row="L12", have=many(BALANCER, BALANCERS - 1), request=balancer()),
    Case(
        row="L13",
        have=ZONES,
        request=balancer(internal=False),
        says="InvalidSubnet: VPC vpc-0000000000000000a has no internet gateway",
    ),
    Case(
        row="L13",
        have=[*ZONES, thing(GATEWAY, "igw-0000000000000000a", vpcId="vpc-0000000000000000a")],
        request=balancer(internal=False),
    ),
    Case(row="L13", have=ZONES, request=balancer(internal=True)),
]


def test_the_room_has_all_rows_of_the_reference() -> None:
    assert [row.id for row in ROWS] == [f"L{i}" for i in range(1, 14)]
