"""Keys: they rotate, they come back after a mistake, and nobody but named callers uses them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rules.documents import CALLERS, actions, bound_by, everybody, principals, said, statements
from rules.model import Item, NotApplicable, Props, Rule, Stack, StackRule

KEY = "aws:kms/key:Key"
# CIS AWS Foundations 6.0, 4.6: at least once a year.
LONGEST_ROTATION_DAYS = 365
# SEC-06: 30 days to notice; also the longest that KMS offers (ScheduleKeyDeletion).
RECOVERY_DAYS = 30
# What a key is for: (type, input that takes it) -> purpose. Buckets take the key of what they hold.
PURPOSES: Mapping[tuple[str, str], str] = {
    ("aws:backup/vault:Vault", "kmsKeyArn"): "backups",
    ("aws:cloudtrail/trail:Trail", "kmsKeyId"): "logs",
    ("aws:cloudwatch/logGroup:LogGroup", "kmsKeyId"): "logs",
    ("aws:ec2/launchTemplate:LaunchTemplate", "blockDeviceMappings"): "the cluster",
    ("aws:ecr/repository:Repository", "encryptionConfigurations"): "data",
    ("aws:eks/cluster:Cluster", "encryptionConfig"): "the cluster",
    ("aws:elasticache/replicationGroup:ReplicationGroup", "kmsKeyId"): "data",
    ("aws:rds/instance:Instance", "kmsKeyId"): "data",
    ("aws:rds/instance:Instance", "masterUserSecretKmsKeyId"): "secrets",
    ("aws:rds/instance:Instance", "performanceInsightsKmsKeyId"): "data",
    (
        "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication",
        "kmsKeyId",
    ): "backups",
    ("aws:route53/keySigningKey:KeySigningKey", "keyManagementServiceArn"): "signatures",
    ("aws:secretsmanager/secret:Secret", "kmsKeyId"): "secrets",
    ("aws:sns/topic:Topic", "kmsMasterKeyId"): "logs",
}


def _rotated(props: Props) -> Iterator[str]:
    # KMS rotates symmetric encryption keys only; a key that signs (DNSSEC) is rolled over by hand.
    if props.at("keyUsage", "ENCRYPT_DECRYPT") != "ENCRYPT_DECRYPT":
        raise NotApplicable("KMS does not rotate keys that sign")
    if not props.at("enableKeyRotation"):
        yield "the key is never rotated"
    elif int(props.at("rotationPeriodInDays") or 365) > LONGEST_ROTATION_DAYS:
        yield f"the key is rotated every {props.at('rotationPeriodInDays')} days"


def _not_public(props: Props) -> Iterator[str]:
    for statement in statements(props.document("policy")):
        if everybody(statement) and not bound_by(statement, CALLERS):
            yield "anybody may use this key"


def _administered(props: Props) -> Iterator[str]:
    if not props.given("policy"):
        yield "the key has AWS's default policy"
    elif not any(
        "kms:*" in actions(statement) and principal.endswith(":root")
        for statement in statements(props.document("policy"))
        for principal in principals(statement, "AWS")
    ):
        yield "the account itself could not change the key's policy again"
    if props.at("bypassPolicyLockoutSafetyCheck"):
        yield "KMS is told not to check that somebody can still change the policy"


def _usable(props: Props) -> Iterator[str]:
    if props.at("isEnabled", True) is False:
        yield "the key is disabled: nothing that it encrypted can be read"


def _window(key: Item, stack: Stack) -> Iterator[str]:
    days = int(key.props.at("deletionWindowInDays") or RECOVERY_DAYS)
    if stack.serves_customers and days < RECOVERY_DAYS:
        yield f"its deletion can be cancelled for {days} days only"


def _one_purpose(key: Item, stack: Stack) -> Iterator[str]:
    purposes = {
        purpose for (type_, name), purpose in PURPOSES.items() if stack.parts(type_, name, key)
    }
    if len(purposes) > 1:
        yield f"this key serves {' and '.join(sorted(purposes))}"


def _described(props: Props) -> Iterator[str]:
    if not said(props, "description"):
        yield "nothing says what this key is for"


_GUIDE = "https://docs.aws.amazon.com/kms/latest/developerguide"

RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="kms-key-rotated",
        sentence="Keys that encrypt rotate at least once a year.",
        types=(KEY,),
        severity="medium",
        requirements=("SEC-06",),
        controls=(
            *("FSBP KMS.4", "CIS-AWS 4.6", "CHECKOV CKV_AWS_7", "SOC2 CC6.1"),
            *("ISO27001 A.8.24", "GDPR 32"),
        ),
        why="What one key has encrypted for years is lost at once with it.",
        fix=f"set enable_key_rotation and rotation_period_in_days up to {LONGEST_ROTATION_DAYS}",
        url=f"{_GUIDE}/rotate-keys.html",
        evidence=("keyUsage", "enableKeyRotation", "rotationPeriodInDays"),
        judge=_rotated,
    ),
    Rule(
        name="kms-key-not-public",
        sentence="No key is for everybody.",
        types=(KEY,),
        severity="critical",
        requirements=("SEC-06", "CHK-SEC-02"),
        controls=(
            *("FSBP KMS.5", "CHECKOV CKV_AWS_33", "SOC2 CC6.1", "ISO27001 A.8.24", "GDPR 32"),
        ),
        why="Another account could read what customers trusted us with.",
        fix="name principals, or bind the statement to the account by kms:CallerAccount",
        url=f"{_GUIDE}/key-policies.html",
        evidence=("policy",),
        judge=_not_public,
    ),
    Rule(
        name="kms-key-administered",
        sentence="A key's policy is written down and the account can always change it.",
        types=(KEY,),
        severity="high",
        requirements=("SEC-06",),
        controls=("CHECKOV CKV2_AWS_64", "SOC2 CC6.1", "ISO27001 A.8.24"),
        why="A key that nobody can change takes its data with it; only AWS's support can help.",
        fix="begin the policy with kms:* for the account's root",
        url=f"{_GUIDE}/key-policy-default.html",
        evidence=("policy", "bypassPolicyLockoutSafetyCheck"),
        judge=_administered,
    ),
    Rule(
        name="kms-key-enabled",
        sentence="No key of ours is switched off.",
        types=(KEY,),
        severity="high",
        requirements=("SEC-06",),
        controls=("CHECKOV CKV_AWS_227", "SOC2 A1.2", "ISO27001 A.8.24"),
        why="Databases and nodes stop minutes after their key does.",
        fix="leave is_enabled away",
        url=f"{_GUIDE}/enabling-keys.html",
        evidence=("description", "isEnabled"),
        remedy={"isEnabled": True},
        judge=_usable,
    ),
    StackRule(
        name="kms-key-deletion-window",
        sentence=f"Where customers are served, a deleted key comes back for {RECOVERY_DAYS} days.",
        types=(KEY,),
        severity="high",
        requirements=("SEC-06", "DR-01"),
        controls=("SOC2 A1.2", "ISO27001 A.8.24"),
        why="A key that is gone is every database, backup and secret that it encrypted.",
        fix=f"set deletion_window_in_days to {RECOVERY_DAYS}",
        url=f"{_GUIDE}/deleting-keys.html",
        evidence=("deletionWindowInDays",),
        judge=_window,
    ),
    StackRule(
        name="kms-key-one-purpose",
        sentence="One key serves one purpose.",
        types=(KEY,),
        severity="medium",
        requirements=("SEC-06", "CHK-SEC-02"),
        controls=("SOC2 CC6.1", "ISO27001 A.8.24"),
        why="Whoever may decrypt logs could decrypt the passwords of the database as well.",
        fix="give each purpose a key of its own (components/keys.py)",
        url="https://docs.aws.amazon.com/prescriptive-guidance/latest/aws-kms-best-practices/"
        "data-protection.html",
        evidence=("description",),
        judge=_one_purpose,
    ),
    Rule(
        name="kms-key-described",
        sentence="Every key says what it is for.",
        types=(KEY,),
        severity="low",
        requirements=("SEC-06",),
        controls=("ISO27001 A.8.24",),
        why="In an emergency nobody would know which key may be disabled.",
        fix="set description",
        url=f"{_GUIDE}/overview.html",
        evidence=("description",),
        judge=_described,
    ),
)
