"""The physical names that Pulumi's AWS provider makes up when the program gives none.

The bridge's rule: a type whose `name` is an input that may be left out is named
`<logical name>-<7 hex digits>`; a type that a table of the provider treats differently follows that
table. Nothing is named while a name, or the prefix of one, is given. A name that would be too long
is refused, as the bridge refuses it: it never cuts one.

Source: provider/resources.go and its overrides in pulumi-aws v7 (`SetAutonaming(255, "-")`,
`AutoName`, `AutoNameTransform`, `ComputeAutoNameDefault`), and `NewUniqueName` of the Pulumi SDK.
The digits differ from the bridge's, which draws them from its own generator; they are as random
and, for one seed, as stable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal import sdk


class NameTooLongError(ValueError):
    """A logical name leaves no room for the random digits in the service's limit."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How one property is named. longest: characters; digits: how many are random."""

    input: str = "name"
    longest: int = 255
    separator: str = "-"
    digits: int = 7
    lower: bool = False
    finish: Callable[[str, Mapping[str, Any]], str] = lambda name, inputs: name  # noqa: ARG005


def _alias(name: str, _: Mapping[str, Any]) -> str:
    return name if name.startswith("alias/") else f"alias/{name}"


def _fifo(flag: str) -> Callable[[str, Mapping[str, Any]], str]:
    return lambda name, inputs: f"{name}.fifo" if inputs.get(flag) is True else name


# Every row of the provider's own table whose type this account could hold.
_RULES: dict[str, Rule] = {
    "aws:alb/loadBalancer:LoadBalancer": Rule(longest=32),
    "aws:alb/targetGroup:TargetGroup": Rule(longest=32),
    "aws:backup/restoreTestingPlan:RestoreTestingPlan": Rule(separator="_"),
    "aws:cloudwatch/eventRule:EventRule": Rule(longest=64),
    "aws:cloudwatch/eventTarget:EventTarget": Rule(input="targetId"),
    "aws:ec2/keyPair:KeyPair": Rule(input="keyName"),
    "aws:efs/fileSystem:FileSystem": Rule(input="creationToken"),
    "aws:eks/fargateProfile:FargateProfile": Rule(input="fargateProfileName"),
    "aws:eks/nodeGroup:NodeGroup": Rule(input="nodeGroupName"),
    "aws:elasticache/cluster:Cluster": Rule(input="clusterId", longest=50, lower=True),
    "aws:elasticache/replicationGroup:ReplicationGroup": Rule(
        input="replicationGroupId", longest=40, lower=True
    ),
    "aws:iam/role:Role": Rule(longest=64),
    "aws:kms/alias:Alias": Rule(longest=238, finish=_alias),
    "aws:lambda/function:Function": Rule(longest=64),
    "aws:lambda/permission:Permission": Rule(input="statementId", longest=100),
    # the schema of the service; the provider itself says so for target groups only
    "aws:lb/loadBalancer:LoadBalancer": Rule(longest=32),
    "aws:lb/targetGroup:TargetGroup": Rule(longest=32),
    "aws:msk/cluster:Cluster": Rule(input="clusterName"),
    "aws:opensearch/domain:Domain": Rule(input="domainName"),
    "aws:rds/instance:Instance": Rule(input="identifier", separator=""),
    "aws:s3/bucket:Bucket": Rule(input="bucket", longest=63, lower=True),
    "aws:sns/topic:Topic": Rule(longest=80, finish=_fifo("fifoTopic")),
    "aws:sqs/queue:Queue": Rule(longest=80, finish=_fifo("fifoQueue")),
}

# Types with a `name` input that the provider leaves alone: the name means something to others.
_NEVER = frozenset(
    {
        "aws:directoryservice/directory:Directory",
        "aws:route53/record:Record",
    }
)


def rule(token: str) -> Rule | None:
    """How a type is named, or None when the provider never makes up a name for it."""
    if token in _NEVER or token not in sdk.tokens():
        return None
    found = _RULES.get(token)
    if found is not None:
        return found
    name = sdk.inputs(token).get("name")
    if name is None or name.required or name.type.kind != "string":
        return None
    return Rule()


def autoname(
    token: str, logical_name: str, inputs: Mapping[str, Any], seed: bytes
) -> dict[str, str]:
    """The inputs to add to a new resource: its made-up name, or nothing.

    seed: the random seed that the engine hands to Check; the same one gives the same name.
    """
    found = rule(token)
    if found is None or inputs.get(found.input) is not None:
        return {}
    if inputs.get(f"{found.input}Prefix") is not None:
        return {}
    stem = (logical_name.lower() if found.lower else logical_name) + found.separator
    if len(stem) + found.digits > found.longest:
        raise NameTooLongError(
            f"could not make instance of '{token}': name '{stem}' plus {found.digits} random chars"
            f" is longer than maximum length {found.longest}"
        )
    digits = hashlib.sha256(seed + stem.encode()).hexdigest()[: found.digits]
    return {found.input: found.finish(stem + digits, inputs)}
