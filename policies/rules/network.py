"""Network: nothing of ours is open to the world, and every flow is logged."""

from __future__ import annotations

from collections.abc import Iterator

from rules.model import Item, Props, Rule, Stack, StackRule

_WORLD = {"0.0.0.0/0", "::/0"}


def _no_open_ingress(props: Props) -> Iterator[str]:
    for key in ("cidrIpv4", "cidrIpv6"):
        if props.at(key) in _WORLD:
            yield f"port {props.at('fromPort', 'any')} is open to {props.at(key)}"


def _no_inline_rules(props: Props) -> Iterator[str]:
    for key in ("ingress", "egress"):
        if props.at(key):
            yield f"{key} rules stand inside the group and would fight with rules of their own"


def _default_group_empty(props: Props) -> Iterator[str]:
    for key in ("ingresses", "egresses", "ingress", "egress"):
        if props.at(key):
            yield f"the default security group has {key} rules"


def _no_public_addresses(props: Props) -> Iterator[str]:
    if props.at("mapPublicIpOnLaunch"):
        yield "machines in this subnet would get public addresses"


def _flow_logs(vpc: Item, stack: Stack) -> Iterator[str]:
    if not stack.parts("aws:ec2/flowLog:FlowLog", "vpcId", vpc):
        yield "this VPC has no flow log"


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="security-group-no-open-ingress",
        sentence="No security group of ours admits the whole internet.",
        types=("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",),
        severity="critical",
        requirements=("CHK-SEC-03",),
        fix="name the CIDR block, prefix list or security group that needs the port",
        judge=_no_open_ingress,
    ),
    Rule(
        name="security-group-no-inline-rules",
        sentence="Security group rules are resources of their own.",
        types=("aws:ec2/securityGroup:SecurityGroup",),
        severity="medium",
        requirements=("CHK-SEC-03",),
        fix="use aws.vpc.SecurityGroupIngressRule and SecurityGroupEgressRule",
        judge=_no_inline_rules,
    ),
    Rule(
        name="default-security-group-empty",
        sentence="The VPC's default security group admits nothing.",
        types=("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",),
        severity="high",
        requirements=("CHK-SEC-03",),
        fix="give it no rules and use groups of your own",
        judge=_default_group_empty,
    ),
    Rule(
        name="subnet-no-public-addresses",
        sentence="No subnet hands out public addresses.",
        types=("aws:ec2/subnet:Subnet",),
        severity="high",
        requirements=("CHK-SEC-03",),
        fix="set map_public_ip_on_launch to false",
        judge=_no_public_addresses,
    ),
    StackRule(
        name="vpc-flow-logs",
        sentence="Every VPC logs its flows.",
        types=("aws:ec2/vpc:Vpc",),
        severity="medium",
        requirements=("AUDIT-03",),
        fix="add an aws.ec2.FlowLog with vpc_id",
        judge=_flow_logs,
    ),
)
