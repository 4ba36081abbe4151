"""The internal load balancer: who may reach it, which paths and hosts it forwards, what it logs.

It has no address on the internet. CloudFront reaches it through a VPC origin (components/cdn.py),
and nothing else does (CDN-05): the only inbound rule names CloudFront's origin-facing prefix list
or, once it exists, the group CloudFront-VPCOrigins-Service-SG.

Why not the private subnets' address ranges, where the VPC origin's interfaces live: AWS matches
VPC-origin traffic against the prefix list or that group (CloudFront developer guide, "Restrict
access with VPC origins"), and teams that allowed the ranges only got timeouts (londonaicentre/FLIP
pull request 473). Ranges would moreover let every pod in. AWS makes the group with the first VPC
origin, and looking its id up would be an AWS call while the program is built, so the first
deployment starts with the prefix list and `edge.originSecurityGroup` narrows it afterwards. The
list counts as 55 of a group's 60 rules (N13): it fits once.

Meets LB-01 to LB-09, LB-11, LB-12, LB-14, LB-19 to LB-22, LB-24, LB-25, CHK-INFRA-05, ENV-02,
ENV-20, DBG-04, K8S-04, CDN-05; controls ELB.1, .4, .5, .6, .12, .13, .16, .17, .18. Pods are
registered by a TargetGroupBinding; here are only the target groups. Not set: a rule of its own for
`/health`, which the API host's rule covers and the rate rules count (LB-24); LB-10, which AWS does
not offer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.certificates import Certificates
from components.cluster import Cluster
from components.context import Context
from components.firewall import Firewall
from components.network import Network
from components.storage import ALB_CONNECTIONS_PREFIX, ALB_PREFIX, Storage
from settings.edge import EdgeSettings, TargetSettings

HTTPS_PORT = 443
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"  # LB-08, LB-09: forward secrecy, AEAD only
# 25 s model call < 30 s API < 60 s here (LB-22), < 120 s keep-alive of the API (LB-04), and longer
# than the server's ping every 54 s (LB-20).
IDLE_SECONDS = 60
DRAIN_SECONDS = 30  # UPD-03
HEALTH_INTERVAL_SECONDS = 10  # x 3 failures = the guide's fail_timeout of 30 s (LB-03)
HEALTH_TIMEOUT_SECONDS = 5  # below the interval (L9)
UNHEALTHY_AFTER = 3
HEALTHY_AFTER = 2
PRIORITY_STEP = 10
# Elastic Load Balancing quotas: condition values per rule; a path takes two of them.
PATHS_PER_RULE = 2
FRAME_OPTIONS = "SAMEORIGIN"
CONTENT_TYPE_OPTIONS = "nosniff"


def hsts(settings: EdgeSettings) -> str:
    """The Strict-Transport-Security value, equal here and at the CDN (LB-11, LB-14)."""
    return f"max-age={settings.hsts_max_age}; includeSubDomains"


@dataclass(frozen=True, kw_only=True)
class ListenerRule:
    """One row of the listener's table; without a target it answers 404."""

    label: str
    priority: int
    hosts: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    target: str | None = None


def listener_rules(settings: EdgeSettings) -> list[ListenerRule]:
    """All rules in the order they are tried: internal paths first (LB-19), then the hosts.

    One numbered list, so no priority is used twice (L10).
    """
    rows: list[dict[str, Any]] = []
    internal = settings.internal_paths
    for start in range(0, len(internal), PATHS_PER_RULE):
        chunk = internal[start : start + PATHS_PER_RULE]
        paths = tuple(path for prefix in chunk for path in (prefix, f"{prefix}/*"))
        rows.append({"label": f"internal-{start // PATHS_PER_RULE + 1}", "paths": paths})
    for target_name, target in settings.targets.items():
        for host in target.hosts:
            rows.append({"label": host, "hosts": (settings.hosts[host],), "target": target_name})
    return [
        ListenerRule(priority=place * PRIORITY_STEP, **row) for place, row in enumerate(rows, 1)
    ]


def conditions(rule: ListenerRule) -> list[aws.lb.ListenerRuleConditionArgsDict]:
    """The rule's conditions as the listener takes them."""
    found: list[aws.lb.ListenerRuleConditionArgsDict] = []
    if rule.hosts:
        found.append({"host_header": {"values": list(rule.hosts)}})
    if rule.paths:
        found.append({"path_pattern": {"values": list(rule.paths)}})
    return found


def not_found() -> aws.lb.ListenerRuleActionFixedResponseArgsDict:
    """What unknown hosts and internal paths get."""
    return {"content_type": "text/plain", "message_body": "Not found", "status_code": "404"}


@dataclass(frozen=True, kw_only=True)
class LoadBalancerArgs:
    """network: VPC and private subnets. cluster: only `nodes_security_group_id`, which is there
    before the cluster. storage: where access logs go. certificates: the region's. firewall: its
    regional ACL.
    """

    context: Context
    settings: EdgeSettings
    network: Network
    cluster: Cluster
    storage: Storage
    certificates: Certificates
    firewall: Firewall


class LoadBalancer(pulumi.ComponentResource):
    """target_groups: by the names in `edge.targets`, for TargetGroupBindings and alarms."""

    arn: pulumi.Output[str]
    arn_suffix: pulumi.Output[str]
    balancer_name: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    zone_id: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    target_groups: dict[str, aws.lb.TargetGroup]

    def __init__(
        self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:LoadBalancer", name, None, opts)
        self._name, self._args = name, args
        self._here = pulumi.ResourceOptions(parent=self)
        self.security_group_id = self._security_group()
        balancer = self._balancer()
        self.arn, self.arn_suffix = balancer.arn, balancer.arn_suffix
        self.balancer_name = balancer.name
        self.dns_name, self.zone_id = balancer.dns_name, balancer.zone_id
        self.target_groups = {
            label: self._target_group(label, target)
            for label, target in args.settings.targets.items()
        }
        self._redirect()
        self._rules(self._listener())
        self._associate_firewall()
        self.register_outputs(
            {
                "arn": self.arn,
                "arnSuffix": self.arn_suffix,
                "balancerName": self.balancer_name,
                "dnsName": self.dns_name,
                "zoneId": self.zone_id,
                "securityGroupId": self.security_group_id,
                "targetGroups": {k: group.arn for k, group in self.target_groups.items()},
            }
        )

    def _security_group(self) -> pulumi.Output[str]:
        args = self._args
        group = aws.ec2.SecurityGroup(
            f"{self._name}-balancer",
            description="Load balancer: CloudFront in, gateway pods out",
            vpc_id=args.network.vpc_id,
            opts=self._here,
        )
        self._admit_cloudfront(group.id)
        nodes = args.cluster.nodes_security_group_id
        for port in args.settings.ports:
            self._open(f"to-pods-{port}", group.id, nodes, port)
        return group.id

    def _admit_cloudfront(self, group: pulumi.Output[str]) -> None:
        settings = self._args.settings
        narrow = settings.origin_security_group
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-from-cloudfront" + ("-origin" if narrow else ""),
            security_group_id=group,
            description="HTTPS from the CloudFront VPC origin only",
            ip_protocol="tcp",
            from_port=HTTPS_PORT,
            to_port=HTTPS_PORT,
            prefix_list_id=None if narrow else settings.origin_prefix_list,
            referenced_security_group_id=narrow,
            opts=self._here,
        )

    def _open(
        self, label: str, group: pulumi.Output[str], nodes: pulumi.Output[str], port: int
    ) -> None:
        """One port from the balancer to the pods, at both ends."""
        shared: dict[str, Any] = {"ip_protocol": "tcp", "from_port": port, "to_port": port}
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-{label}",
            security_group_id=group,
            referenced_security_group_id=nodes,
            description="Requests and health checks to the gateway pods",
            opts=self._here,
            **shared,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-{label}",
            security_group_id=nodes,
            referenced_security_group_id=group,
            description="Requests and health checks from the load balancer",
            opts=self._here,
            **shared,
        )

    def _balancer(self) -> aws.lb.LoadBalancer:
        args = self._args
        connections = self._logs(ALB_CONNECTIONS_PREFIX)
        return aws.lb.LoadBalancer(
            f"{self._name}-alb",
            load_balancer_type="application",
            internal=True,
            ip_address_type="ipv4",
            subnets=args.network.private_subnet_ids,
            security_groups=[self.security_group_id],
            idle_timeout=IDLE_SECONDS,
            enable_http2=True,
            enable_deletion_protection=args.context.protect,
            enable_waf_fail_open=False,
            enable_zonal_shift=True,
            drop_invalid_header_fields=True,
            desync_mitigation_mode="strictest",
            preserve_host_header=True,
            xff_header_processing_mode="append",
            access_logs=self._logs(ALB_PREFIX),
            connection_logs=connections if args.settings.connection_logs else None,
            # AWS writes a test object before it accepts the bucket (L6): its policy must be there.
            opts=self._with(
                depends_on=args.storage.access_logs.ready, protect=args.context.protect
            ),
        )

    def _logs(self, prefix: str) -> aws.lb.LoadBalancerAccessLogsArgsDict:
        bucket = self._args.storage.access_logs
        return {"bucket": bucket.name, "enabled": True, "prefix": prefix}

    def _target_group(self, label: str, target: TargetSettings) -> aws.lb.TargetGroup:
        return aws.lb.TargetGroup(
            f"{self._name}-{label}",
            vpc_id=self._args.network.vpc_id,
            target_type="ip",
            port=target.port,
            protocol=target.protocol,
            protocol_version="HTTP1",
            load_balancing_algorithm_type="least_outstanding_requests",
            deregistration_delay=DRAIN_SECONDS,
            health_check={
                "enabled": True,
                "path": target.health_path,
                "port": "traffic-port",
                "protocol": target.protocol,
                "matcher": "200",
                "interval": HEALTH_INTERVAL_SECONDS,
                "timeout": HEALTH_TIMEOUT_SECONDS,
                "unhealthy_threshold": UNHEALTHY_AFTER,
                "healthy_threshold": HEALTHY_AFTER,
            },
            opts=self._here,
        )

    def _redirect(self) -> None:
        """LB-05. CloudFront redirects viewers already; this keeps plain HTTP from ever being
        served, should someone open the port."""
        aws.lb.Listener(
            f"{self._name}-http",
            load_balancer_arn=self.arn,
            port=80,
            protocol="HTTP",
            default_actions=[
                {
                    "type": "redirect",
                    "redirect": {
                        "protocol": "HTTPS",
                        "port": str(HTTPS_PORT),
                        "status_code": "HTTP_301",
                    },
                }
            ],
            opts=self._here,
        )

    def _listener(self) -> aws.lb.Listener:
        return aws.lb.Listener(
            f"{self._name}-https",
            load_balancer_arn=self.arn,
            port=HTTPS_PORT,
            protocol="HTTPS",
            ssl_policy=TLS_POLICY,
            certificate_arn=self._args.certificates.balancer_arn,
            default_actions=[{"type": "fixed-response", "fixed_response": not_found()}],
            routing_http_response_server_enabled=False,
            routing_http_response_strict_transport_security_header_value=hsts(self._args.settings),
            routing_http_response_x_content_type_options_header_value=CONTENT_TYPE_OPTIONS,
            routing_http_response_x_frame_options_header_value=FRAME_OPTIONS,
            opts=self._here,
        )

    def _rules(self, listener: aws.lb.Listener) -> None:
        for rule in listener_rules(self._args.settings):
            action: aws.lb.ListenerRuleActionArgsDict
            if rule.target is None:
                action = {"type": "fixed-response", "fixed_response": not_found()}
            else:
                group = self.target_groups[rule.target]
                action = {"type": "forward", "target_group_arn": group.arn}
            aws.lb.ListenerRule(
                f"{self._name}-{rule.label}",
                listener_arn=listener.arn,
                priority=rule.priority,
                conditions=conditions(rule),
                actions=[action],
                opts=self._here,
            )

    def _associate_firewall(self) -> None:
        if self._args.firewall.balancer_acl_arn is not None:
            aws.wafv2.WebAclAssociation(
                f"{self._name}-firewall",
                resource_arn=self.arn,
                web_acl_arn=self._args.firewall.balancer_acl_arn,
                # It is undone by the balancer's ARN: undoing the one to an old firewall would undo
                # the one to the new.
                opts=self._with(delete_before_replace=True),
            )

    def _with(self, **options: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(self._here, pulumi.ResourceOptions(**options))
