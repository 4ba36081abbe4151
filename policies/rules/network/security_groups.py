"""Security groups: nothing is open to the world, every rule stands alone and says what it is for.

Who reaches whom through them is rules/network/reachability.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from rules.model import Item, Props, Rule, Stack, StackRule
from rules.network.doors import EGRESS, GROUP, INGRESS, VPC, ports, worn
from rules.network.reach import wide

_DEFAULT = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html"
_GUIDE = "https://docs.aws.amazon.com/vpc/latest/userguide/"
# What Pulumi and Terraform write where nothing is said.
_SAYS_NOTHING = ("Managed by Pulumi", "Managed by Terraform")


def _world(rule: Props) -> list[str]:
    return [
        str(block)
        for block in (rule.at("cidrIpv4"), rule.at("cidrIpv6"))
        if block and wide(str(block))
    ]


def _no_open_ingress(rule: Props) -> Iterator[str]:
    for block in _world(rule):
        yield f"{_opened(rule)} open to {block}"


def _no_open_egress(rule: Props) -> Iterator[str]:
    opened = ports(rule)
    if (opened.low, opened.high) == (0, 65535):
        for block in _world(rule):
            yield f"{_opened(rule)} open towards {block}"


def _opened(rule: Props) -> str:
    opened = str(ports(rule))
    return f"{opened} are" if opened.endswith("ports") else f"{opened} is"


def _described(props: Props) -> Iterator[str]:
    said = str(props.at("description", "")).strip()
    if not said or said in _SAYS_NOTHING:
        yield "it does not say what it is for"


def _no_inline_rules(group: Props) -> Iterator[str]:
    for key in ("ingress", "egress"):
        if group.at(key):
            yield f"{key} rules stand inside the group and would fight with rules of their own"


def _used(group: Item, stack: Stack) -> Iterator[str]:
    if group.urn not in stack.once(worn):
        yield "nothing of this stack wears it"


def _default_empty(group: Props) -> Iterator[str]:
    for key in ("ingress", "egress"):
        if group.at(key):
            yield f"the default security group has {key} rules"


def _default_locked(vpc: Item, stack: Stack) -> Iterator[str]:
    if not stack.parts(_DEFAULT, "vpcId", vpc):
        yield "its default security group is AWS's own, which lets its members talk to each other"


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="security-group-no-open-ingress",
        sentence="No security group of ours admits the whole internet.",
        types=(INGRESS,),
        severity="critical",
        requirements=("CHK-SEC-03",),
        controls=(
            *("FSBP EC2.13", "FSBP EC2.14", "FSBP EC2.18", "FSBP EC2.19"),
            *("FSBP EC2.53", "FSBP EC2.54", "CIS-AWS 6.1.2", "CIS-AWS 6.3", "CIS-AWS 6.4"),
            *("CHECKOV CKV_AWS_24", "CHECKOV CKV_AWS_25", "CHECKOV CKV_AWS_260"),
            *("CHECKOV CKV_AWS_277", "SOC2 CC6.6", "ISO27001 A.8.20"),
        ),
        why="Machines that the world can talk to are scanned within minutes and attacked the same "
        "day.",
        fix="name the CIDR block, prefix list or security group that needs the port",
        url=f"{_HUB}#ec2-18",
        evidence=("cidrIpv4", "cidrIpv6", "ipProtocol", "fromPort", "toPort"),
        judge=_no_open_ingress,
    ),
    Rule(
        name="security-group-no-open-egress",
        sentence="No security group of ours lets every port out to the whole internet.",
        types=(EGRESS,),
        severity="medium",
        requirements=("CHK-SEC-03",),
        controls=("CHECKOV CKV_AWS_382", "SOC2 CC6.6", "ISO27001 A.8.20"),
        why="A machine that is taken over could send out whatever it finds, wherever it likes.",
        fix="name the ports and the groups or blocks that the machine calls",
        url=f"{_GUIDE}security-group-rules.html",
        evidence=("cidrIpv4", "cidrIpv6", "ipProtocol", "fromPort", "toPort"),
        judge=_no_open_egress,
    ),
    Rule(
        name="security-group-described",
        sentence="Every security group and every rule of one says what it is for.",
        types=(GROUP, INGRESS, EGRESS),
        severity="low",
        requirements=("CHK-SEC-03",),
        controls=("CHECKOV CKV_AWS_23", "ISO27001 A.8.20"),
        why="A door that nobody can explain is a door that nobody dares to close.",
        fix="say in `description` who comes through and why",
        url=f"{_GUIDE}security-group-rules.html",
        evidence=("description",),
        judge=_described,
    ),
    Rule(
        name="security-group-no-inline-rules",
        sentence="Security group rules are resources of their own.",
        types=(GROUP,),
        severity="medium",
        requirements=("CHK-SEC-03",),
        controls=("ISO27001 A.8.9",),
        why="Rules in two places undo each other at every deployment, and doors open by accident.",
        fix="use aws.vpc.SecurityGroupIngressRule and SecurityGroupEgressRule",
        url="https://www.pulumi.com/registry/packages/aws/api-docs/ec2/securitygroup/",
        evidence=("ingress", "egress"),
        judge=_no_inline_rules,
    ),
    StackRule(
        name="security-group-used",
        sentence="Every security group is worn by something.",
        types=(GROUP,),
        severity="low",
        requirements=("CHK-SEC-03",),
        controls=("FSBP EC2.22", "CHECKOV CKV2_AWS_5"),
        why="A forgotten group is put on in a hurry, with rules that nobody has read.",
        fix="take it away, or name it where it is meant to stand",
        url=f"{_HUB}#ec2-22",
        evidence=("description",),
        judge=_used,
    ),
    Rule(
        name="default-security-group-empty",
        sentence="The VPC's default security group admits nothing.",
        types=(_DEFAULT,),
        severity="high",
        requirements=("CHK-SEC-03",),
        controls=(
            *("FSBP EC2.2", "CIS-AWS 6.5", "CHECKOV CKV2_AWS_12"),
            *("SOC2 CC6.6", "ISO27001 A.8.20"),
        ),
        why="Whatever forgets to name a group lands in this one and gets all that it allows.",
        fix="give it no rules and use groups of your own",
        url=f"{_HUB}#ec2-2",
        evidence=("ingress", "egress"),
        remedy={"ingress": [], "egress": []},
        judge=_default_empty,
    ),
    StackRule(
        name="vpc-default-group-locked",
        sentence="Every VPC of ours has its default security group under our rules.",
        types=(VPC,),
        severity="high",
        requirements=("CHK-SEC-03",),
        controls=("FSBP EC2.2", "CIS-AWS 6.5", "CHECKOV CKV2_AWS_12"),
        why="AWS's own default group lets everything out and its members in.",
        fix="add an aws.ec2.DefaultSecurityGroup with vpc_id and no rules",
        url=f"{_HUB}#ec2-2",
        evidence=("cidrBlock",),
        judge=_default_locked,
    ),
)
