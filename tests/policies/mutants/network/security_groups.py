"""What breaks security groups."""

from __future__ import annotations

from tests.policies.mutation import Mutant, add, drop, put, several, unlink, without

_IN = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
_OUT = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
_GROUP = "aws:ec2/securityGroup:SecurityGroup"
_DEFAULT = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
_VPC = "aws:ec2/vpc:Vpc"
_RDS = "aws:rds/instance:Instance"
_ENDPOINTS = "network-endpoints-https"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="security-group-no-open-ingress",
        title="open over IPv4",
        change=put(_IN, "cidrIpv4", "0.0.0.0/0", _ENDPOINTS),
        says=("tcp 443 is open to 0.0.0.0/0",),
    ),
    Mutant(
        rule="security-group-no-open-ingress",
        title="open over IPv6",
        change=put(_IN, "cidrIpv6", "::/0", "database-from-nodes"),
        says=("tcp 5432 is open to ::/0",),
    ),
    Mutant(
        rule="security-group-no-open-ingress",
        title="half of the internet",
        change=put(_IN, "cidrIpv4", "128.0.0.0/1", _ENDPOINTS),
        says=("tcp 443 is open to 128.0.0.0/1",),
    ),
    Mutant(
        rule="security-group-no-open-ingress",
        title="every port",
        change=several(
            put(_IN, "cidrIpv4", "0.0.0.0/0", _ENDPOINTS),
            put(_IN, "ipProtocol", "-1", _ENDPOINTS),
        ),
        says=("all ports are open to 0.0.0.0/0",),
    ),
    Mutant(
        rule="security-group-no-open-ingress",
        title="SSH for the world",
        change=add(
            _IN, "ssh", {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": "0.0.0.0/0"}
        ),
        says=("tcp 22 is open to 0.0.0.0/0",),
    ),
    Mutant(
        rule="security-group-no-open-egress",
        title="everything out",
        change=several(put(_OUT, "cidrIpv4", "0.0.0.0/0"), put(_OUT, "ipProtocol", "-1")),
        says=("all ports are open towards 0.0.0.0/0",),
    ),
    Mutant(
        rule="security-group-no-open-egress",
        title="every TCP port out over IPv6",
        change=several(
            put(_OUT, "cidrIpv6", "::/0"), put(_OUT, "fromPort", 0), put(_OUT, "toPort", 65535)
        ),
        says=("all tcp ports are open towards ::/0",),
    ),
    Mutant(
        rule="security-group-described",
        title="a group that says nothing",
        change=put(_GROUP, "description", "Managed by Pulumi", "database-door"),
        says=("it does not say what it is for",),
    ),
    Mutant(
        rule="security-group-described",
        title="a way in without a reason",
        change=drop(_IN, "description"),
        says=("it does not say what it is for",),
    ),
    Mutant(
        rule="security-group-described",
        title="a way out without a reason",
        change=put(_OUT, "description", " "),
        says=("it does not say what it is for",),
    ),
    Mutant(
        rule="security-group-no-inline-rules",
        title="inline ingress",
        change=put(_GROUP, "ingress", [{"fromPort": 22}], "cache-door"),
        says=("ingress rules stand inside the group and would fight with rules of their own",),
    ),
    Mutant(
        rule="security-group-no-inline-rules",
        title="inline egress",
        change=put(_GROUP, "egress", [{"protocol": "-1"}], "cache-door"),
        says=("egress rules stand inside the group and would fight with rules of their own",),
    ),
    Mutant(
        rule="security-group-used",
        title="the database wears another group",
        change=unlink(_RDS, "vpcSecurityGroupIds"),
        says=("nothing of this stack wears it",),
        at="database-door",
    ),
    Mutant(
        rule="security-group-used",
        title="a group for later",
        change=add(_GROUP, "later", {"description": "for later"}),
        says=("nothing of this stack wears it",),
        at="later",
    ),
    Mutant(
        rule="default-security-group-empty",
        title="its members talk to each other",
        change=put(_DEFAULT, "ingress", [{"protocol": "-1", "self": True}]),
        says=("the default security group has ingress rules",),
    ),
    Mutant(
        rule="default-security-group-empty",
        title="lets everything out",
        change=put(_DEFAULT, "egress", [{"protocol": "-1", "cidrBlocks": ["0.0.0.0/0"]}]),
        says=("the default security group has egress rules",),
    ),
    Mutant(
        rule="vpc-default-group-locked",
        title="AWS's own default group",
        change=without(_DEFAULT),
        says=(
            "its default security group is AWS's own, which lets its members talk to each other",
        ),
        at="network",
    ),
    Mutant(
        rule="vpc-default-group-locked",
        title="a second VPC",
        change=add(_VPC, "second", {"cidrBlock": "10.99.0.0/16"}),
        says=(
            "its default security group is AWS's own, which lets its members talk to each other",
        ),
        at="second",
    ),
)
