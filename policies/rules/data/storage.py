"""Storage: every bucket, joined with what makes it private and encrypted.

Which bucket is what is read from the graph: whoever delivers logs to it, replicates into it, writes
dumps or a trail. A bucket that nobody of these knows holds what nothing else holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rules.data.stores import (
    BUCKET,
    CRON_JOB,
    RELEASE,
    S3_CONTROLS,
    for_customers,
)
from rules.documents import (
    Statement,
    actions,
    covers,
    everybody,
    refusing,
    resources,
    said,
    statements,
    tests,
)
from rules.model import ROOT, Item, NotApplicable, Props, Rule, Stack, StackRule, Undecided

ACCOUNT_BLOCK = "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
LOGGING = "aws:s3/bucketLogging:BucketLogging"
REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
TRAIL = "aws:cloudtrail/trail:Trail"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"

FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")

# What decides who may do what with a bucket (FSBP S3.6).
OWNERS = (
    "s3:DeleteBucketPolicy",
    "s3:PutBucketAcl",
    "s3:PutBucketPolicy",
    "s3:PutEncryptionConfiguration",
    "s3:PutObjectAcl",
)

_BUCKET = (BUCKET,)
_USER_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide"


# -- what a bucket is ----------------------------------------------------------------------------
def takes_logs(bucket: Item, stack: Stack) -> bool:
    """Load balancers and S3 itself deliver logs here; they take no key of ours (S3 user guide)."""
    return bool(
        stack.parts(LOGGING, "targetBucket", bucket) or stack.parts(BALANCER, "accessLogs", bucket)
    )


def originals(bucket: Item, stack: Stack) -> list[Item]:
    """The buckets of which this one is the replica."""
    copies = stack.parts(REPLICATION, "rules", bucket)
    return [original for copy in copies for original in stack.sources(copy, "bucket", BUCKET)]


def takes_trail(bucket: Item, stack: Stack) -> bool:
    """CloudTrail delivers here, or may: another stack's trail is no part of this one's graph."""
    if stack.parts(TRAIL, "s3BucketName", bucket):
        return True
    try:
        return any(
            "cloudtrail.amazonaws.com" in str(statement.get("Principal"))
            for policy in stack.parts(POLICY, "bucket", bucket)
            for statement in statements(policy.props.document("policy"))
        )
    except Undecided:
        return False  # a policy that waits for a key of its own is not for CloudTrail's digests


def keeps_evidence(bucket: Item, stack: Stack) -> bool:
    """Jobs put backups here, or CloudTrail its trail; the same of a replica."""
    return any(
        stack.parts(CRON_JOB, "spec", each) or takes_trail(each, stack)
        for each in (bucket, *originals(bucket, stack))
    )


def holds_copies(bucket: Item, stack: Stack) -> bool:
    """It holds what comes again from elsewhere: logs, a trail, a replica, operators' own files."""
    return bool(
        takes_logs(bucket, stack)
        or originals(bucket, stack)
        or takes_trail(bucket, stack)
        or stack.parts(RELEASE, "values", bucket)
    )


# -- private -------------------------------------------------------------------------------------
def _flags_off(props: Props) -> Iterator[str]:
    for flag in FLAGS:
        if not props.at(flag):
            yield f"{flag} is off"


def _blocked(bucket: Item, stack: Stack) -> Iterator[str]:
    blocks = stack.parts(BLOCK, "bucket", bucket)
    if not blocks:
        yield "this bucket has no public-access block"
    for block in blocks:
        yield from _flags_off(block.props)


@for_customers
def _account_blocked(_root: Item, stack: Stack) -> Iterator[str]:
    if not stack.of(ACCOUNT_BLOCK):
        yield "a bucket that somebody makes by hand may be public"


def _policy_public(props: Props) -> Iterator[str]:
    for statement in statements(props.document("policy")):
        if everybody(statement):
            yield f"everybody may {', '.join(actions(statement))}"


def _delegated(props: Props) -> Iterator[str]:
    for statement in statements(props.document("policy")):
        principal = statement.get("Principal")
        if isinstance(principal, Mapping) and set(principal) == {"Service"}:
            continue
        if may := [each for each in OWNERS if covers(statement, each)]:
            yield f"others than its owner may {', '.join(may)}"


def _lockout(props: Props) -> Iterator[str]:
    for statement in statements(props.document("policy"), "Deny"):
        bound = any(tests(statement)) or not everybody(statement)
        if not bound and (never := [each for each in OWNERS if covers(statement, each)]):
            yield f"nobody may {', '.join(never)} ever again"


def _tls_only(bucket: Item, stack: Stack) -> Iterator[str]:
    if not any(
        _whole(statement)
        for policy in stack.parts(POLICY, "bucket", bucket)
        for statement in refusing(
            policy.props.document("policy"), "Bool", "aws:securetransport", "false"
        )
    ):
        yield "plain HTTP is accepted"


def _whole(statement: Statement) -> bool:
    """Whether it speaks of all that can be done with a bucket and with its objects."""
    objects = {each.endswith("/*") for each in resources(statement)}
    return bool({"*", "s3:*"} & set(actions(statement))) and objects == {True, False}


def _acls_off(bucket: Item, stack: Stack) -> Iterator[str]:
    controls = stack.parts(OWNERSHIP, "bucket", bucket)
    if {each.props.at("rule.objectOwnership") for each in controls} != {"BucketOwnerEnforced"}:
        yield "whoever writes an object may decide who reads it"


# -- encrypted -----------------------------------------------------------------------------------
def _encrypted(bucket: Item, stack: Stack) -> Iterator[str]:
    found = stack.parts(ENCRYPTION, "bucket", bucket)
    if not found:
        yield "this bucket has no default encryption"
    for each in found:
        for place, rule in enumerate(each.props.at("rules", [])):
            default = f"rules.{place}.applyServerSideEncryptionByDefault"
            kind = rule.at("applyServerSideEncryptionByDefault.sseAlgorithm", "nothing")
            if kind == "AES256" and takes_logs(bucket, stack):
                continue
            if not str(kind).startswith("aws:kms"):
                yield f"objects are encrypted with {kind}, not with a key of ours"
            elif not said(each.props, f"{default}.kmsMasterKeyId"):
                yield "objects are encrypted with the account's default key"


def _bucket_key(props: Props) -> Iterator[str]:
    rules = props.at("rules", [])
    kinds = [str(r.at("applyServerSideEncryptionByDefault.sseAlgorithm")) for r in rules]
    if not any(kind.startswith("aws:kms") for kind in kinds):
        raise NotApplicable("its objects are not encrypted with KMS")
    if not all(rule.at("bucketKeyEnabled") for rule in rules):
        yield "every object asks KMS for itself"


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="bucket-public-access-blocked",
        sentence="Every bucket blocks public access, in all four ways.",
        types=_BUCKET,
        severity="critical",
        requirements=("BAK-03", "CHK-SEC-03"),
        controls=(
            "FSBP S3.8", "FSBP CloudTrail.6", "CIS-AWS 3.1.4", "CHECKOV CKV_AWS_53",
            "CHECKOV CKV_AWS_54", "CHECKOV CKV_AWS_55", "CHECKOV CKV_AWS_56", "CHECKOV CKV2_AWS_6",
            "SOC2 CC6.6", "ISO27001 A.8.3",
        ),
        why="One mistake in a policy would show every file to everybody.",
        fix="make buckets with components/bucket.py only",
        url=f"{S3_CONTROLS}#s3-8",
        evidence=("bucket",),
        judge=_blocked,
    ),
    StackRule(
        name="account-public-access-required",
        sentence="Where customers are served, the whole account blocks public buckets.",
        types=(ROOT,),
        severity="high",
        requirements=("BAK-03", "CHK-SEC-03"),
        controls=("FSBP S3.1", "CIS-AWS 3.1.4", "SOC2 CC6.6", "ISO27001 A.8.3"),
        why="A bucket that somebody makes by hand in a hurry has no rule of ours.",
        fix="set storage.accountPublicAccessBlock, or waive it where another stack owns it",
        url=f"{S3_CONTROLS}#s3-1",
        judge=_account_blocked,
    ),
    Rule(
        name="account-public-access-blocked",
        sentence="The account's block of public buckets is whole.",
        types=(ACCOUNT_BLOCK,),
        severity="critical",
        requirements=("BAK-03", "CHK-SEC-03"),
        controls=("FSBP S3.1", "CIS-AWS 3.1.4", "SOC2 CC6.6", "ISO27001 A.8.3"),
        why="What is left open is what somebody will use.",
        fix="set all four to true",
        url=f"{S3_CONTROLS}#s3-1",
        evidence=FLAGS,
        judge=_flags_off,
        remedy=dict.fromkeys(FLAGS, True),
    ),
    Rule(
        name="bucket-policy-not-public",
        sentence="No bucket's policy lets everybody in.",
        types=(POLICY,),
        severity="critical",
        requirements=("BAK-03", "CHK-SEC-04"),
        controls=(
            "FSBP S3.2", "FSBP S3.3", "CHECKOV CKV_AWS_70", "SOC2 CC6.1", "ISO27001 A.8.3",
        ),
        why="Only the block above it would stand between people's files and everybody.",
        fix="name the services and roles that may come",
        url=f"{S3_CONTROLS}#s3-2",
        evidence=("bucket",),
        judge=_policy_public,
    ),
    Rule(
        name="bucket-policy-not-delegated",
        sentence="A bucket's policy lets nobody else decide who may come.",
        types=(POLICY,),
        severity="high",
        requirements=("BAK-03", "CHK-SEC-04"),
        controls=("FSBP S3.6", "SOC2 CC6.3", "ISO27001 A.8.3"),
        why="Another account could open the bucket, or close it to us.",
        fix="grant reading and writing of objects only",
        url=f"{S3_CONTROLS}#s3-6",
        evidence=("bucket",),
        judge=_delegated,
    ),
    Rule(
        name="bucket-policy-no-lockout",
        sentence="A bucket's policy does not lock everybody out.",
        types=(POLICY,),
        severity="medium",
        requirements=("BAK-03",),
        controls=("CHECKOV CKV_AWS_93", "ISO27001 A.8.3"),
        why="Only the account's root could take it back, in the middle of a restore.",
        fix="bind the refusal to a condition",
        url=f"{_USER_GUIDE}/troubleshoot-403-errors.html",
        evidence=("bucket",),
        judge=_lockout,
    ),
    StackRule(
        name="bucket-tls-only",
        sentence="A bucket refuses plain HTTP, for itself and its objects.",
        types=_BUCKET,
        severity="high",
        requirements=("BAK-03", "CHK-SEC-01"),
        controls=(
            "FSBP S3.5", "CIS-AWS 3.1.1", "CHECKOV CKV_AWS_379", "SOC2 CC6.7", "ISO27001 A.8.24",
        ),
        why="Files and dumps would cross networks readable.",
        fix="add documents.tls_only to its policy",
        url=f"{S3_CONTROLS}#s3-5",
        evidence=("bucket",),
        judge=_tls_only,
    ),
    StackRule(
        name="bucket-acls-off",
        sentence="A bucket's owner owns its objects, and access lists are off.",
        types=_BUCKET,
        severity="medium",
        requirements=("BAK-03",),
        controls=(
            "FSBP S3.12", "CHECKOV CKV2_AWS_65", "CHECKOV CKV_AWS_20", "CHECKOV CKV_AWS_57",
            "ISO27001 A.8.3",
        ),
        why="Access would be decided in places that nobody reviews.",
        fix="set BucketOwnerEnforced",
        url=f"{S3_CONTROLS}#s3-12",
        evidence=("bucket",),
        judge=_acls_off,
    ),
    StackRule(
        name="bucket-encrypted",
        sentence="Objects are encrypted with a key of ours, but for logs that AWS itself delivers.",
        types=_BUCKET,
        severity="high",
        requirements=("BAK-03", "SEC-06"),
        controls=(
            "FSBP S3.17", "CHECKOV CKV_AWS_19", "CHECKOV CKV_AWS_145", "SOC2 CC6.1",
            "ISO27001 A.8.24", "GDPR 32",
        ),
        why="Whoever may read a bucket would read it all, and nobody could take the key away.",
        fix="set SSE-KMS with a key as its default encryption",
        url=f"{S3_CONTROLS}#s3-17",
        evidence=("bucket",),
        judge=_encrypted,
    ),
    Rule(
        name="bucket-key-used",
        sentence="A bucket under KMS uses a bucket key.",
        types=(ENCRYPTION,),
        severity="low",
        requirements=("BAK-03",),
        controls=(),
        why="Each object would cost a request to KMS, and a busy hour would be throttled.",
        fix="set bucket_key_enabled",
        url=f"{_USER_GUIDE}/bucket-key.html",
        evidence=("rules.*.bucketKeyEnabled",),
        judge=_bucket_key,
    ),
)  # fmt: skip
