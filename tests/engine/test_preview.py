"""What `make preview STACK=prod` prints, and that nothing makes a deployment wait needlessly."""

from __future__ import annotations

import re

import pytest

from rehearsal import forced
from rehearsal.timeline import minutes
from tests.engine.conftest import Command

pytestmark = pytest.mark.engine

# Each layer of the foundation, and the resources that a reader looks for in the tree.
FOUNDATION = {
    "network": "ec2:Vpc ec2:Subnet ec2:NatGateway ec2:VpcEndpoint ec2:FlowLog "
    "ec2:DefaultSecurityGroup",
    "keys": "kms:Key kms:Alias",
    "cluster": "eks:Cluster eks:NodeGroup eks:Addon eks:AccessEntry eks:PodIdentityAssociation",
    "database": "rds:Instance rds:ParameterGroup rds:SubnetGroup",
    "cache": "elasticache:ReplicationGroup elasticache:ParameterGroup",
    "storage": "s3:Bucket s3:BucketPolicy s3:BucketVersioning s3:BucketPublicAccessBlock",
    "edge": "route53:Zone acm:Certificate cloudfront:Distribution cloudfront:VpcOrigin "
    "wafv2:WebAcl lb:LoadBalancer lb:Listener",
    "secrets": "secretsmanager:Secret secretsmanager:SecretVersion",
    "observability": "cloudwatch:MetricAlarm sns:Topic",
    "backup": "backup:Plan backup:Vault backup:RestoreTestingPlan",
    "governance": "cloudtrail:Trail guardduty:Detector cfg:Recorder ecr:Repository "
    "iam:OpenIdConnectProvider budgets:Budget",
}


def test_a_preview_of_production_says_what_where_how_long_and_what_was_real(
    command: Command,
) -> None:
    done = command("preview", "prod")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for layer, types in FOUNDATION.items():
        for type_ in types.split():
            assert re.search(rf"^ \+ +aws:{type_}  \S", done.stdout, re.MULTILINE), (
                f"the tree lacks {type_} of the layer {layer}"
            )
    assert re.search(r"^resources: \d{3} created$", done.stdout, re.MULTILINE)
    assert re.search(
        r"^policy: \d+ rules passed on \d{3} resources; 0 mandatory and 0 advisory violations; "
        r"\d+ checks not known until deployed$",
        done.stdout,
        re.MULTILINE,
    )
    for opening in ("real: Pulumi ", "stood in: aws ", "not known here: "):
        assert f"\n{opening}" in done.stdout, f"the preview must say `{opening}...`"

    time, chain = _virtual(done.stdout)
    assert len(chain) > 2, "the critical path must be shown step by step"
    longest, least = forced.longest()
    assert time <= forced.SLACK * least, (
        f"production takes {minutes(time)}, the chain that AWS forces ({longest}) takes "
        f"{minutes(least)}: something waits that need not:\n" + "\n".join(chain)
    )


def _virtual(out: str) -> tuple[float, list[str]]:
    """The virtual time in seconds and the lines of its critical path."""
    said = out.splitlines()
    at = next(i for i, line in enumerate(said) if line.startswith("virtual deployment time "))
    whole, rest = said[at].split()[3].split(":")
    chain = []
    for line in said[at + 1 :]:
        if not line.startswith("  "):
            break
        chain.append(line)
    return int(whole) * 60 + int(rest), chain
