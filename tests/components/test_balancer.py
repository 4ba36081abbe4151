"""The load balancer: who reaches it, what it forwards, and what it refuses."""

from __future__ import annotations

import re
from typing import Any

import pulumi
import pulumi_aws as aws

from components.balancer import (
    HEALTH_INTERVAL_SECONDS,
    HEALTH_TIMEOUT_SECONDS,
    IDLE_SECONDS,
    UNHEALTHY_AFTER,
    LoadBalancer,
    LoadBalancerArgs,
    hsts,
    listener_rules,
)
from tests.components.test_dns import assert_at_home, deploy
from tests.neighbours import context, known, neighbour
from tests.recorder import Recorder, once
from tests.settings.test_edge_settings import edge

ALB = "aws:lb/loadBalancer:LoadBalancer"
LISTENER = "aws:lb/listener:Listener"
RULE = "aws:lb/listenerRule:ListenerRule"
TARGETS = "aws:lb/targetGroup:TargetGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
ASSOCIATION = "aws:wafv2/webAclAssociation:WebAclAssociation"
CERTIFICATE_ARN = "arn:aws:acm:eu-central-1:111122223333:certificate/1"


def neighbours(*, acl: str | None = "arn:acl") -> dict[str, Any]:
    policy = aws.s3.BucketPolicy("log-policy", bucket="logs", policy="{}")
    return {
        "network": neighbour(
            vpc_id=known("vpc-1"), private_subnet_ids=[known(f"subnet-{i}") for i in (1, 2, 3)]
        ),
        "cluster": neighbour(nodes_security_group_id=known("sg-nodes")),
        "storage": neighbour(access_logs=neighbour(name=known("logs"), ready=[policy])),
        "certificates": neighbour(balancer_arn=known(CERTIFICATE_ARN)),
        "firewall": neighbour(balancer_acl_arn=known(acl) if acl else None),
    }


@once
def balancer(*, acl: str | None = "arn:acl", protect: bool = True, **changed: Any) -> Recorder:
    def build(opts: pulumi.ResourceOptions) -> None:
        args = LoadBalancerArgs(
            context=context(protect=protect), settings=edge(**changed), **neighbours(acl=acl)
        )
        LoadBalancer("balancer", args, opts)

    return deploy(build)


def test_only_cloudfront_gets_in() -> None:
    recorder = balancer()
    (rule,) = [r for r in recorder.of(INGRESS) if "to-pods" not in r.name]
    assert rule.inputs["prefixListId"] == "pl-a3a144ca"
    assert (rule.inputs["fromPort"], rule.inputs["toPort"]) == (443, 443)
    assert "cidrIpv4" not in rule.inputs, (
        "AWS does not match VPC-origin traffic by address: the site would be down, pods let in"
    )
    assert "referencedSecurityGroupId" not in rule.inputs


def test_the_door_narrows_to_the_vpc_origins_own_group_once_it_is_known() -> None:
    recorder = balancer(originSecurityGroup="sg-0123456789abcdef0")
    (rule,) = [r for r in recorder.of(INGRESS) if "to-pods" not in r.name]
    assert rule.inputs["referencedSecurityGroupId"] == "sg-0123456789abcdef0"
    assert "prefixListId" not in rule.inputs, "the wider rule must go"
    assert rule.name != "balancer-from-cloudfront", "a new rule must stand before the old one goes"


def test_the_balancer_reaches_the_gateways_pods_and_nothing_else() -> None:
    recorder = balancer()
    out = recorder.one(EGRESS)
    assert out.inputs["referencedSecurityGroupId"] == "sg-nodes"
    assert (out.inputs["fromPort"], out.inputs["toPort"]) == (8080, 8080)
    into = recorder.one(INGRESS, "balancer-to-pods-8080")
    assert into.inputs["securityGroupId"] == "sg-nodes"
    assert (into.inputs["fromPort"], into.inputs["toPort"]) == (8080, 8080)
    assert "9090" not in str([r.inputs for r in recorder.custom]), "metrics stay inside (ENV-20)"


def test_its_group_has_no_rules_inside() -> None:
    group = balancer().one(GROUP)
    assert "ingress" not in group.inputs
    assert "egress" not in group.inputs


def test_descriptions_hold_only_what_ec2_takes() -> None:
    allowed = re.compile(r"[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}")
    for resource in (r for t in (GROUP, INGRESS, EGRESS) for r in balancer().of(t)):
        text = resource.inputs["description"]
        assert allowed.fullmatch(text), f"EC2 refuses: {text}"


def test_it_has_no_address_on_the_internet() -> None:
    alb = balancer().one(ALB)
    assert alb.inputs["internal"] is True
    assert alb.inputs["subnets"] == ["subnet-1", "subnet-2", "subnet-3"], "one per zone (LB-01)"


def test_it_is_hardened() -> None:
    inputs = balancer().one(ALB).inputs
    assert inputs["dropInvalidHeaderFields"] is True
    assert inputs["desyncMitigationMode"] == "strictest"
    assert inputs["preserveHostHeader"] is True
    assert inputs["xffHeaderProcessingMode"] == "append"
    assert inputs["enableWafFailOpen"] is False, "an unreachable firewall must not open the door"
    assert inputs["enableHttp2"] is True
    assert inputs["idleTimeout"] == 60


def test_time_limits_grow_outwards() -> None:
    model_call, api, keep_alive, ping = 25, 30, 120, 54
    assert model_call < api < IDLE_SECONDS < keep_alive, "LB-22, LB-04: else 502 at random"
    assert ping < IDLE_SECONDS, "LB-20: a silent socket would die between two pings"


def test_it_cannot_be_deleted_where_the_environment_is_protected() -> None:
    alb = balancer().one(ALB)
    assert alb.inputs["enableDeletionProtection"] is True
    assert alb.protect
    bare = balancer(protect=False).one(ALB)
    assert bare.inputs["enableDeletionProtection"] is False
    assert not bare.protect


def test_access_logs_go_to_a_bucket_that_already_lets_them_in() -> None:
    recorder = balancer()
    alb = recorder.one(ALB)
    assert alb.inputs["accessLogs"] == {"bucket": "logs", "enabled": True, "prefix": "alb"}
    assert "connectionLogs" not in alb.inputs
    policy = recorder.one("aws:s3/bucketPolicy:BucketPolicy")
    assert policy.urn in alb.dependencies, "Access Denied for bucket (L6)"


def test_connection_logs_are_a_choice() -> None:
    alb = balancer(connectionLogs=True).one(ALB)
    assert alb.inputs["connectionLogs"]["prefix"] == "alb-connections"


def test_the_balancer_waits_for_no_certificate_no_firewall_and_no_cluster() -> None:
    recorder = balancer()
    alb = recorder.one(ALB)
    waits = {d.rsplit("::", 1)[1] for d in alb.dependencies}
    assert waits == {"balancer-balancer", "log-policy"}, (
        "every other wait makes the longest path of a deployment longer"
    )


def test_https_takes_only_current_ciphers_and_the_validated_certificate() -> None:
    listener = balancer().one(LISTENER, "balancer-https")
    assert listener.inputs["sslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
    assert listener.inputs["certificateArn"] == CERTIFICATE_ARN
    assert (listener.inputs["port"], listener.inputs["protocol"]) == (443, "HTTPS")


def test_plain_http_only_redirects() -> None:
    listener = balancer().one(LISTENER, "balancer-http")
    (action,) = listener.inputs["defaultActions"]
    assert action == {
        "type": "redirect",
        "redirect": {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"},
    }


def test_unknown_hosts_reach_nobody() -> None:
    (action,) = balancer().one(LISTENER, "balancer-https").inputs["defaultActions"]
    assert action["type"] == "fixed-response"
    assert action["fixedResponse"]["statusCode"] == "404"


def test_the_listeners_own_answers_carry_the_security_headers_too() -> None:
    inputs = balancer().one(LISTENER, "balancer-https").inputs
    start = "routingHttpResponse"
    assert inputs[f"{start}StrictTransportSecurityHeaderValue"] == (
        "max-age=31536000; includeSubDomains"
    )
    assert inputs[f"{start}XFrameOptionsHeaderValue"] == "SAMEORIGIN"
    assert inputs[f"{start}XContentTypeOptionsHeaderValue"] == "nosniff"
    assert inputs[f"{start}ServerEnabled"] is False
    assert hsts(edge(hstsMaxAge=300)) == "max-age=300; includeSubDomains"


def test_the_table_of_rules_hides_internal_paths_before_it_forwards() -> None:
    table = [(r.priority, r.label, r.hosts, r.paths, r.target) for r in listener_rules(edge())]
    assert table == [
        (10, "internal-1", (), ("/metrics", "/metrics/*", "/debug", "/debug/*"), None),
        (20, "internal-2", (), ("/internal", "/internal/*"), None),
        (30, "api", ("api.archesai.com",), (), "gateway"),
        (40, "app", ("app.archesai.com",), (), "gateway"),
    ]


def test_no_rule_has_more_values_than_aws_takes_and_no_priority_comes_twice() -> None:
    most = edge(internalPaths=["/metrics", "/debug", *[f"/p{i}" for i in range(6)]])
    table = listener_rules(most)
    assert all(len(r.hosts) + len(r.paths) <= 5 for r in table), "TooManyConditionValues"
    assert len({r.priority for r in table}) == len(table), "PriorityInUse (L10)"


def test_outside_smoke_tests_reach_the_health_path() -> None:
    hidden = {path for r in listener_rules(edge()) if r.target is None for path in r.paths}
    assert not {"/health", "/*"} & hidden, "LB-24"


def test_each_rule_does_what_its_row_says() -> None:
    rules = {r.name: r.inputs for r in balancer().of(RULE)}
    assert sorted(rules) == [
        "balancer-api",
        "balancer-app",
        "balancer-internal-1",
        "balancer-internal-2",
    ]
    assert rules["balancer-internal-1"]["actions"][0]["fixedResponse"]["statusCode"] == "404"
    assert rules["balancer-api"]["conditions"] == [{"hostHeader": {"values": ["api.archesai.com"]}}]
    (forward,) = rules["balancer-api"]["actions"]
    assert forward["type"] == "forward"
    assert ":targetgroup/" in forward["targetGroupArn"]


def test_the_target_group_finds_a_dead_pod_in_the_guides_thirty_seconds() -> None:
    group = balancer().one(TARGETS)
    assert group.name == "balancer-gateway"
    assert group.inputs["healthCheck"] == {
        "enabled": True,
        "path": "/health",
        "port": "traffic-port",
        "protocol": "HTTP",
        "matcher": "200",
        "interval": 10,
        "timeout": 5,
        "unhealthyThreshold": 3,
        "healthyThreshold": 2,
    }
    assert HEALTH_INTERVAL_SECONDS * UNHEALTHY_AFTER == 30, "LB-03"
    assert HEALTH_TIMEOUT_SECONDS < HEALTH_INTERVAL_SECONDS, "AWS refuses it otherwise (L9)"


def test_pods_are_targets_themselves_and_the_least_busy_is_next() -> None:
    inputs = balancer().one(TARGETS).inputs
    assert inputs["targetType"] == "ip"
    assert inputs["port"] == 8080
    assert inputs["loadBalancingAlgorithmType"] == "least_outstanding_requests"
    assert inputs["deregistrationDelay"] == 30
    assert inputs["protocolVersion"] == "HTTP1"
    assert "slowStart" not in inputs, "not together with least_outstanding_requests (LB-02)"


def test_each_host_may_have_target_and_port_of_its_own() -> None:
    recorder = balancer(
        targets={"api": {"port": 8080, "hosts": ["api"]}, "web": {"port": 3000, "hosts": ["app"]}}
    )
    assert {g.name: g.inputs["port"] for g in recorder.of(TARGETS)} == {
        "balancer-api": 8080,
        "balancer-web": 3000,
    }
    assert sorted(e.inputs["fromPort"] for e in recorder.of(EGRESS)) == [3000, 8080]


def test_names_leave_room_for_the_suffix_that_makes_them_unique() -> None:
    for resource in (*balancer().of(ALB), *balancer().of(TARGETS)):
        assert "name" not in resource.inputs, "a fixed name blocks its own replacement (L3, L4)"
        assert len(resource.name) <= 32 - 8, "AWS takes 32 characters (L2)"


def test_the_regional_firewall_stands_before_the_balancer() -> None:
    association = balancer().one(ASSOCIATION)
    assert association.inputs["webAclArn"] == "arn:acl"
    assert ":loadbalancer/app/" in association.inputs["resourceArn"]
    assert balancer(acl=None).of(ASSOCIATION) == []


def test_everything_of_the_balancer_is_at_home() -> None:
    recorder = balancer()
    recorder.registrations = [r for r in recorder.registrations if r.name != "log-policy"]
    assert_at_home(recorder, "balancer")
