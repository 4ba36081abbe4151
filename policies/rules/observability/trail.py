"""The audit trail: everything that is done in the account is recorded, for good."""

from __future__ import annotations

from collections.abc import Iterator

from rules.documents import listed, said
from rules.model import ROOT, Item, Props, Rule, Stack, StackRule
from rules.observability.governance import absent

TRAIL = "aws:cloudtrail/trail:Trail"


def _everywhere(props: Props) -> Iterator[str]:
    if not props.at("isMultiRegionTrail"):
        yield "other regions are not recorded"
    if not props.at("includeGlobalServiceEvents", True):
        yield "what is done in IAM is not recorded"


def _logging(props: Props) -> Iterator[str]:
    if props.at("enableLogging", True) is False:
        yield "the trail is switched off"


def _validated(props: Props) -> Iterator[str]:
    if not props.at("enableLogFileValidation"):
        yield "a changed log file would not be noticed"


def _encrypted(props: Props) -> Iterator[str]:
    if not props.given("kmsKeyId"):
        yield "the trail is not encrypted with a key of ours"


def _searchable(props: Props) -> Iterator[str]:
    if not said(props, "cloudWatchLogsGroupArn") or not said(props, "cloudWatchLogsRoleArn"):
        yield "nobody can search it or be alarmed by it"


def _management(props: Props) -> Iterator[str]:
    selectors = props.at("advancedEventSelectors") or []
    fields = [field for each in selectors for field in each.get("fieldSelectors") or []]
    chosen = [field for field in fields if field.get("field") == "eventCategory"]
    if selectors and not any("Management" in listed(each.get("equals")) for each in chosen):
        yield "who changed the account is not recorded, only what was read"
    for each in props.at("eventSelectors") or []:
        if not each.get("includeManagementEvents", True):
            yield "who changed the account is not recorded, only what was read"


def _bucket(trail: Item, stack: Stack, part: str) -> bool:
    """Whether the bucket that takes the trail has a part; one that was brought is not judged."""
    buckets = stack.sources(trail, "s3BucketName", "aws:s3/bucket:Bucket")
    return all(stack.parts(part, "bucket", bucket) for bucket in buckets)


def _bucket_private(trail: Item, stack: Stack) -> Iterator[str]:
    if not _bucket(trail, stack, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"):
        yield "its bucket may be made public"


def _bucket_logged(trail: Item, stack: Stack) -> Iterator[str]:
    if not _bucket(trail, stack, "aws:s3/bucketLogging:BucketLogging"):
        yield "nobody could tell who read it"


_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide"
_TRAIL = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide"

RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="cloudtrail-made",
        sentence="The account of customers has an audit trail.",
        types=(ROOT,),
        severity="critical",
        requirements=("AUDIT-03",),
        controls=("FSBP CloudTrail.3", "CIS-AWS 4.1", "SOC2 CC7.2", "ISO27001 A.8.15"),
        why="Nobody could say who did what.",
        fix="set arches:governance cloudTrail: here, or waive it and name the trail that there is",
        url=f"{_HUB}/cloudtrail-controls.html",
        judge=absent("no audit trail records this account", TRAIL),
    ),
    Rule(
        name="cloudtrail-everywhere",
        sentence="The audit trail covers all regions and IAM.",
        types=(TRAIL,),
        severity="high",
        requirements=("AUDIT-03",),
        controls=(
            *("FSBP CloudTrail.1", "CIS-AWS 4.1", "CHECKOV CKV_AWS_67", "SOC2 CC7.2"),
            *("ISO27001 A.8.15",),
        ),
        why="Whoever breaks in works in the region where nobody looks.",
        fix="set is_multi_region_trail and include_global_service_events",
        url=f"{_TRAIL}/receive-cloudtrail-log-files-from-multiple-regions.html",
        evidence=("name", "isMultiRegionTrail", "includeGlobalServiceEvents"),
        remedy={"isMultiRegionTrail": True, "includeGlobalServiceEvents": True},
        judge=_everywhere,
    ),
    Rule(
        name="cloudtrail-logging",
        sentence="The audit trail is switched on.",
        types=(TRAIL,),
        severity="critical",
        requirements=("AUDIT-03",),
        controls=(
            *("FSBP CloudTrail.3", "CIS-AWS 4.1", "CHECKOV CKV_AWS_251", "SOC2 CC7.2"),
            *("ISO27001 A.8.15",),
        ),
        why="A trail that does not write looks, from afar, like one that does.",
        fix="leave enable_logging on",
        url=f"{_HUB}/cloudtrail-controls.html",
        evidence=("name", "enableLogging"),
        remedy={"enableLogging": True},
        judge=_logging,
    ),
    Rule(
        name="cloudtrail-management-events",
        sentence="The audit trail records who changes the account.",
        types=(TRAIL,),
        severity="high",
        requirements=("AUDIT-03",),
        controls=("FSBP CloudTrail.1", "CIS-AWS 4.1", "SOC2 CC7.2", "ISO27001 A.8.15"),
        why="Selectors that someone added for data would silently end the rest.",
        fix="select the category Management beside the others",
        url=f"{_TRAIL}/logging-management-events-with-cloudtrail.html",
        evidence=("name", "advancedEventSelectors.*.name"),
        judge=_management,
    ),
    Rule(
        name="cloudtrail-validated",
        sentence="A changed file of the audit trail is noticed.",
        types=(TRAIL,),
        severity="medium",
        requirements=("AUDIT-03",),
        controls=(
            *("FSBP CloudTrail.4", "CIS-AWS 4.2", "CHECKOV CKV_AWS_36", "SOC2 CC7.2"),
            *("ISO27001 A.5.33",),
        ),
        why="Evidence that may have been edited proves nothing.",
        fix="set enable_log_file_validation",
        url=f"{_TRAIL}/cloudtrail-log-file-validation-intro.html",
        evidence=("name", "enableLogFileValidation"),
        remedy={"enableLogFileValidation": True},
        judge=_validated,
    ),
    Rule(
        name="cloudtrail-encrypted",
        sentence="The audit trail is encrypted with a key of ours.",
        types=(TRAIL,),
        severity="medium",
        requirements=("AUDIT-03",),
        controls=(
            *("FSBP CloudTrail.2", "CIS-AWS 4.5", "CHECKOV CKV_AWS_35", "SOC2 CC6.1"),
            *("ISO27001 A.8.24",),
        ),
        why="Whoever may read the bucket would know every move of every administrator.",
        fix="set kms_key_id",
        url=f"{_TRAIL}/encrypting-cloudtrail-log-files-with-aws-kms.html",
        evidence=("name", "kmsKeyId"),
        judge=_encrypted,
    ),
    Rule(
        name="cloudtrail-searchable",
        sentence="The audit trail is in CloudWatch as well.",
        types=(TRAIL,),
        severity="medium",
        requirements=("AUDIT-03",),
        controls=("FSBP CloudTrail.5", "CHECKOV CKV2_AWS_10", "SOC2 CC7.3", "ISO27001 A.8.16"),
        why="While an intruder is in, nobody has time to open thousands of files.",
        fix="set cloud_watch_logs_group_arn and cloud_watch_logs_role_arn",
        url=f"{_TRAIL}/send-cloudtrail-events-to-cloudwatch-logs.html",
        evidence=("name", "cloudWatchLogsGroupArn"),
        judge=_searchable,
    ),
    StackRule(
        name="cloudtrail-bucket-private",
        sentence="The bucket of the audit trail cannot be made public.",
        types=(TRAIL,),
        severity="critical",
        requirements=("AUDIT-03",),
        controls=("FSBP CloudTrail.6", "SOC2 CC6.1", "ISO27001 A.5.33"),
        why="Every move of every administrator would be on the internet.",
        fix="make the bucket with components/bucket.py",
        url=f"{_HUB}/cloudtrail-controls.html",
        evidence=("name", "s3BucketName"),
        judge=_bucket_private,
    ),
    StackRule(
        name="cloudtrail-bucket-logged",
        sentence="Whoever reads the audit trail is recorded himself.",
        types=(TRAIL,),
        severity="low",
        requirements=("AUDIT-03",),
        controls=("FSBP CloudTrail.7", "CIS-AWS 4.4", "SOC2 CC7.2", "ISO27001 A.8.15"),
        why="An intruder who learns what we know of him would leave no trace of it.",
        fix="add an aws.s3.BucketLogging for its bucket",
        url=f"{_HUB}/cloudtrail-controls.html",
        evidence=("name", "s3BucketName"),
        judge=_bucket_logged,
    ),
)
