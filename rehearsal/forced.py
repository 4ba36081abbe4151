"""How long a deployment of production has to take: the chains in which AWS itself makes each thing
wait for the one before. What takes longer than the longest of them waits for no good reason.
"""

from __future__ import annotations

from typing import Any

from rehearsal.timeline import Step, seconds

CHAINS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "edge": [
        ("aws:ec2/vpc:Vpc", {}),
        ("aws:ec2/subnet:Subnet", {}),
        ("aws:ec2/securityGroup:SecurityGroup", {}),
        ("aws:lb/loadBalancer:LoadBalancer", {}),
        ("aws:cloudfront/vpcOrigin:VpcOrigin", {}),
        ("aws:cloudfront/distribution:Distribution", {}),
        ("aws:route53/record:Record", {}),
    ],
    "cluster": [
        ("aws:kms/key:Key", {}),
        ("aws:cloudwatch/logGroup:LogGroup", {}),
        ("aws:eks/cluster:Cluster", {}),
        ("aws:eks/addon:Addon", {"addonName": "vpc-cni"}),
        ("aws:eks/nodeGroup:NodeGroup", {}),
        ("aws:eks/addon:Addon", {"addonName": "coredns"}),
    ],
    "database": [
        ("aws:kms/key:Key", {}),
        ("aws:rds/instance:Instance", {"multiAz": True, "skipFinalSnapshot": False}),
        # It copies the backups of an instance that is there.
        (
            "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication",
            {},
        ),
    ],
}
# How much longer than that a deployment may take.
SLACK = 1.05


def longest() -> tuple[str, float]:
    """The chain that takes longest: its name and its seconds."""
    return max(((name, _took(chain)) for name, chain in CHAINS.items()), key=lambda each: each[1])


def _took(chain: list[tuple[str, dict[str, Any]]]) -> float:
    return sum(
        seconds(Step(urn=f"urn:pulumi:prod::arches::{type_}::x", operation="create", inputs=given))
        for type_, given in chain
    )
