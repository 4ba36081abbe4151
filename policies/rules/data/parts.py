"""Parts: what settles a bucket, a topic, a role or a door is a resource linked to its owner.

Rules find a part by its link. One that stands inside its owner, or names its owner by hand, is in
force all the same and would be judged by nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rules.cluster.cluster import ENTRY
from rules.cluster.registry import REPOSITORY
from rules.data.backup import VAULT_LOCK, VAULT_POLICY
from rules.data.objects import LIFECYCLE, LOCK, VERSIONING
from rules.data.storage import BLOCK, ENCRYPTION, LOGGING, OWNERSHIP, POLICY, REPLICATION
from rules.data.stores import BUCKET, VAULT
from rules.documents import ATTACHMENT, ROLE, ROLE_POLICY, said
from rules.identity.secrets import SECRET_TYPE
from rules.model import Item, Props, Rule, Stack, StackRule
from rules.network.doors import CLUSTER, EGRESS, GROUP, INGRESS
from rules.observability.observability import TOPIC, TOPIC_POLICY

# What has a resource of its own and may be written inside all the same (Pulumi's AWS provider).
INSIDE = (
    "accelerationStatus",
    "acl",
    "corsRules",
    "grants",
    "lifecycleRules",
    "logging",
    "objectLockConfiguration",
    "policy",
    "replicationConfiguration",
    "requestPayer",
    "serverSideEncryptionConfiguration",
    "versioning",
    "website",
)
# Parts of which AWS keeps one for each owner, so that a second one overwrites the first: type ->
# (the input that names the owner, the owner's types).
ONLY: Mapping[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        (
            *(BLOCK, ENCRYPTION, POLICY, OWNERSHIP, LOGGING, REPLICATION),
            *(VERSIONING, LIFECYCLE, LOCK),
        ),
        ("bucket", (BUCKET,)),
    ),
    **dict.fromkeys((VAULT_LOCK, VAULT_POLICY), ("backupVaultName", (VAULT,))),
    **dict.fromkeys(
        ("aws:ecr/lifecyclePolicy:LifecyclePolicy", "aws:ecr/repositoryPolicy:RepositoryPolicy"),
        ("repository", (REPOSITORY,)),
    ),
    TOPIC_POLICY: ("arn", (TOPIC,)),
}
# Parts of which an owner has many.
MANY: Mapping[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys((ATTACHMENT, ROLE_POLICY), ("role", (ROLE,))),
    **dict.fromkeys((INGRESS, EGRESS), ("securityGroupId", (GROUP, CLUSTER))),
    **dict.fromkeys(
        (
            ENTRY,
            "aws:eks/addon:Addon",
            "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        ),
        ("clusterName", (CLUSTER,)),
    ),
    # It waits for the entry, and has the cluster's name from there.
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": ("clusterName", (CLUSTER, ENTRY)),
    "aws:secretsmanager/secretVersion:SecretVersion": ("secretId", (SECRET_TYPE,)),
}


def _apart(props: Props) -> Iterator[str]:
    for key in INSIDE:
        if said(props, key):
            yield f"{key} stands inside, where no rule looks"


def _linked(part: Item, stack: Stack) -> Iterator[str]:
    name, types = ONLY.get(part.type) or MANY[part.type]
    owners = stack.sources(part, name, *types)
    if not owners:
        yield f"its {name} is written by hand, so no rule knows whose it is"
    for owner in owners:
        if part.type in ONLY and stack.parts(part.type, name, owner)[0] is not part:
            yield f"{owner.name} has one already, and the last that is written counts"


_PULUMI = "https://www.pulumi.com"

RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="parts-apart",
        sentence="What settles a bucket or a topic is a resource of its own.",
        types=(BUCKET, TOPIC),
        severity="high",
        requirements=("BAK-03", "CHK-SEC-03", "CHK-SEC-04"),
        controls=("SOC2 CC6.1", "ISO27001 A.8.9"),
        why="A bucket that is open to the world by a setting inside it would pass every rule.",
        fix="use the resource for it: aws.s3.BucketPolicy, aws.sns.TopicPolicy, and so on",
        url=f"{_PULUMI}/registry/packages/aws/api-docs/s3/bucket/",
        evidence=("bucket", "name"),
        judge=_apart,
    ),
    StackRule(
        name="parts-linked",
        sentence="Every part names its owner by an output of it, and is the only one of its kind.",
        types=(*ONLY, *MANY),
        severity="high",
        requirements=("BAK-03", "SEC-06", "CHK-SEC-03", "CHK-SEC-04"),
        controls=("SOC2 CC8.1", "ISO27001 A.8.9"),
        why="A right or a door that rules cannot tie to its owner is in force and seen by nobody.",
        fix="take the owner's id, name or arn from the resource itself, once for each kind of part",
        url=f"{_PULUMI}/docs/iac/concepts/inputs-outputs/",
        evidence=("bucket", "role", "securityGroupId", "arn", "clusterName", "secretId"),
        judge=_linked,
    ),
)
