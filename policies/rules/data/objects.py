"""Objects: what becomes of what lies in a bucket - versions, locks, copies, expiry."""

from __future__ import annotations

from collections.abc import Iterator

from rules.data.storage import (
    LOGGING,
    REPLICATION,
    holds_copies,
    keeps_evidence,
    originals,
    takes_logs,
)
from rules.data.stores import BUCKET, CRON_JOB, S3_CONTROLS, for_customers, number, region
from rules.documents import POLICY, ROLE_POLICY, covers, said, statements
from rules.model import Item, Props, Rule, Stack, StackRule

VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"

# Parts of an upload that nobody finished are invisible and cost money; a week is long for one.
LONGEST_UPLOAD_DAYS = 7
# What ends a version before its time.
ERASING = (
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:BypassGovernanceRetention",
    "s3:PutLifecycleConfiguration",
)

_BUCKET = (BUCKET,)
_USER_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide"


# -- lasting -------------------------------------------------------------------------------------
def _versioned(bucket: Item, stack: Stack) -> Iterator[str]:
    found = stack.parts(VERSIONING, "bucket", bucket)
    status = {each.props.at("versioningConfiguration.status") for each in found}
    if status != {"Enabled"}:
        yield "this bucket keeps no versions"


def _logged(bucket: Item, stack: Stack) -> Iterator[str]:
    if takes_logs(bucket, stack) or originals(bucket, stack):
        return
    if not stack.parts(LOGGING, "bucket", bucket):
        yield "nobody knows who read from this bucket"


def _locked(bucket: Item, stack: Stack) -> Iterator[str]:
    if not keeps_evidence(bucket, stack):
        return
    locks = stack.parts(LOCK, "bucket", bucket)
    if not locks or not all(_holds(lock.props) for lock in locks):
        yield "what lies here can be deleted before its time"


def _holds(lock: Props) -> bool:
    default = lock.at("rule.defaultRetention", {})
    return number(default.get("days")) + number(default.get("years")) > 0


def _writers(bucket: Item, stack: Stack) -> Iterator[str]:
    if not stack.parts(CRON_JOB, "spec", bucket):
        return
    for type_ in (POLICY, ROLE_POLICY):
        for policy in stack.parts(type_, "policy", bucket):
            for statement in statements(policy.props.document("policy")):
                if may := [each for each in ERASING if covers(statement, each)]:
                    yield f"{policy.name} may {', '.join(may)}"


@for_customers
def _replicated(bucket: Item, stack: Stack) -> Iterator[str]:
    if holds_copies(bucket, stack):
        return
    replicas = [
        replica
        for config in stack.parts(REPLICATION, "bucket", bucket)
        for replica in stack.sources(config, "rules", BUCKET)
    ]
    if not replicas:
        yield "what lies here is nowhere else"
    elif all(region(each, stack) == region(bucket, stack) for each in replicas):
        yield "its replica is in the same region"


def _replication_whole(props: Props) -> Iterator[str]:
    for place, rule in enumerate(props.at("rules", [])):
        name = rule.at("id", f"rule {place + 1}")
        if rule.at("status") != "Enabled":
            yield f"{name} is switched off"
        if rule.at("filter.prefix", ""):
            yield f"{name} copies a part of the bucket"
        if rule.at("sourceSelectionCriteria.sseKmsEncryptedObjects.status") != "Enabled":
            yield f"{name} leaves encrypted objects out, which all are"
        if not said(props, f"rules.{place}.destination.encryptionConfiguration.replicaKmsKeyId"):
            yield f"{name} names no key for the replica"


# -- forgetful -----------------------------------------------------------------------------------
def lifecycles(bucket: Item, stack: Stack) -> list[Props]:
    """The rules in force for the whole bucket."""
    return [
        rule
        for config in stack.parts(LIFECYCLE, "bucket", bucket)
        for rule in config.props.at("rules", [])
        if rule.at("status") == "Enabled" and not rule.at("filter.prefix", "")
    ]


def _uploads_aborted(bucket: Item, stack: Stack) -> Iterator[str]:
    days = [
        number(rule.at("abortIncompleteMultipartUpload.daysAfterInitiation"))
        for rule in lifecycles(bucket, stack)
    ]
    if not any(0 < each <= LONGEST_UPLOAD_DAYS for each in days):
        yield f"parts of uploads that nobody finished stay longer than {LONGEST_UPLOAD_DAYS} days"


def _old_versions_expire(bucket: Item, stack: Stack) -> Iterator[str]:
    rules = lifecycles(bucket, stack)
    if not any(number(rule.at("noncurrentVersionExpiration.noncurrentDays")) for rule in rules):
        yield "this bucket keeps every old version for ever"


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="bucket-versioned",
        sentence="A bucket keeps what is overwritten or deleted.",
        types=_BUCKET,
        severity="high",
        requirements=("BAK-03", "DR-02", "CHK-INFRA-07"),
        controls=("FSBP S3.14", "CHECKOV CKV_AWS_21", "SOC2 A1.2", "ISO27001 A.8.13"),
        why="A mistake or an intruder would delete files for good.",
        fix="set versioning to Enabled",
        url=f"{S3_CONTROLS}#s3-14",
        evidence=("bucket",),
        judge=_versioned,
    ),
    StackRule(
        name="bucket-access-logged",
        sentence="Who reads from a bucket is logged, but for logs and replicas.",
        types=_BUCKET,
        severity="medium",
        requirements=("AUDIT-03",),
        controls=(
            *("FSBP S3.9", "FSBP CloudTrail.7", "CIS-AWS 4.4", "CHECKOV CKV_AWS_18"),
            *("SOC2 CC7.2", "ISO27001 A.8.15"),
        ),
        why="Nobody could say afterwards whose files were taken.",
        fix="set logs_to",
        url=f"{S3_CONTROLS}#s3-9",
        evidence=("bucket",),
        judge=_logged,
    ),
    StackRule(
        name="bucket-backups-locked",
        sentence="Dumps and the audit trail cannot be deleted before their time.",
        types=_BUCKET,
        severity="high",
        requirements=("BAK-03", "AUDIT-03"),
        controls=(
            "FSBP S3.15", "CHECKOV CKV_AWS_143", "SOC2 A1.2", "ISO27001 A.5.33",
            "ISO27001 A.8.13",
        ),
        why="An intruder deletes the backups and the traces first.",
        fix="give it a lock with a default retention",
        url=f"{S3_CONTROLS}#s3-15",
        evidence=("bucket",),
        judge=_locked,
    ),
    StackRule(
        name="bucket-writers-cannot-erase",
        sentence="Who uploads dumps cannot delete them.",
        types=_BUCKET,
        severity="high",
        requirements=("BAK-03",),
        controls=("SOC2 CC6.3", "ISO27001 A.5.15"),
        why="Whoever takes over that pod would take the backups away.",
        fix="allow s3:PutObject only",
        url=f"{_USER_GUIDE}/security-best-practices.html",
        evidence=("bucket",),
        judge=_writers,
    ),
    StackRule(
        name="bucket-replicated",
        sentence="Where customers are served, what no other place holds has a second region.",
        types=_BUCKET,
        severity="high",
        requirements=("BAK-03", "DR-02", "CHK-DR-01"),
        controls=("FSBP S3.7", "CHECKOV CKV_AWS_144", "SOC2 A1.2", "ISO27001 A.8.14"),
        why="With its region every person's files would be lost.",
        fix="set storage.replicate",
        url=f"{S3_CONTROLS}#s3-7",
        evidence=("bucket",),
        judge=_replicated,
    ),
    Rule(
        name="bucket-replication-whole",
        sentence="A replication copies everything, under a key of the replica's region.",
        types=(REPLICATION,),
        severity="high",
        requirements=("BAK-03", "DR-02"),
        controls=("FSBP S3.7", "SOC2 A1.2"),
        why="People would find half of their files after the loss of a region.",
        fix="use the one rule of components/bucket.py",
        url=f"{_USER_GUIDE}/replication-config-for-kms-objects.html",
        evidence=("rules.*.id", "rules.*.status"),
        judge=_replication_whole,
    ),
    StackRule(
        name="bucket-uploads-aborted",
        sentence="Uploads that nobody finishes are cleared away.",
        types=_BUCKET,
        severity="low",
        requirements=("BAK-04",),
        controls=("FSBP S3.13", "CHECKOV CKV_AWS_300", "CHECKOV CKV2_AWS_61"),
        why="Parts of files stay invisible, cost money and are never erased.",
        fix="set abort_incomplete_multipart_upload for the whole bucket",
        url=f"{S3_CONTROLS}#s3-13",
        evidence=("bucket",),
        judge=_uploads_aborted,
    ),
    StackRule(
        name="bucket-old-versions-expire",
        sentence="Old versions expire.",
        types=_BUCKET,
        severity="high",
        requirements=("BAK-04", "GDPR-04"),
        controls=("FSBP S3.10", "CHECKOV CKV2_AWS_61", "ISO27001 A.8.10", "GDPR 17"),
        why="What a person has erased would stay for ever.",
        fix="set noncurrent_version_expiration for the whole bucket",
        url=f"{S3_CONTROLS}#s3-10",
        evidence=("bucket",),
        judge=_old_versions_expire,
    ),
)  # fmt: skip
