"""What S3 refuses: names, contents, ACLs, versions and locks, policies, log targets, lifecycles.

Rows S1 to S12, but for S10 (two settings at once: the provider waits and tries again). S1w is the
part of S1 that the provider usually waits out. A bucket is taken to hold what the program itself
puts there (bucketObject); what applications write is not known here.

Settings of a bucket are resources of their own, so what is missing is judged at the real call only:
a preview cannot tell what the same `up` makes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from rehearsal.account import Account, Resource
from rehearsal.refusals.asking import (
    missing_principals,
    objects,
    permits,
    principals,
    siblings,
    statements,
)
from rehearsal.refusals.table import Operation, Request, Row, lookup
from rehearsal.wire import UNKNOWN

BUCKET = "aws:s3/bucket:Bucket"
OBJECT = "aws:s3/bucketObject:BucketObject"
OBJECT_V2 = "aws:s3/bucketObjectv2:BucketObjectv2"
COPY = "aws:s3/objectCopy:ObjectCopy"
ACL = "aws:s3/bucketAcl:BucketAcl"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ACCOUNT_BLOCK = "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"
LOGGING = "aws:s3/bucketLogging:BucketLogging"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)

# S3 user guide, "Deleting a bucket": a name comes back after "some time"; in another region that
# has been seen to take an hour, in the same one minutes.
NAME_HELD = timedelta(hours=1)
PROVIDER_WAITS_MINUTES = 2.0  # the provider's own retry on OperationAborted
INFREQUENT_DAYS = 30  # S3 user guide, "Constraints and considerations for transitions"

_INFREQUENT = ("STANDARD_IA", "ONEZONE_IA")
_CONTENTS = (OBJECT, OBJECT_V2, COPY)
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
# S3 user guide, "General purpose bucket naming rules".
_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
# Conditions that make a statement not public (S3 user guide, "The meaning of 'public'").
_NARROWING = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    }
)


# -- what the account knows of a bucket ---------------------------------------------------------
def bucket_of(account: Account, name: Any) -> Resource | None:
    """The bucket of that name or ARN, None where it is not of this account."""
    return account.by_id(name, BUCKET) if isinstance(name, str) else None


def settings(account: Account, type_: str, bucket: Resource) -> list[Resource]:
    """Settings of a type that belong to a bucket."""
    return account.find(type_, bucket=bucket.id)


def policies(account: Account, bucket: Resource) -> list[Any]:
    """The policy of a bucket, as the text that was given."""
    given_here = [each.get("policy") for each in settings(account, POLICY, bucket)]
    return [each for each in (*given_here, bucket.inputs.get("policy")) if each is not None]


def writable(
    account: Account,
    bucket: Resource,
    service: str,
    key: str,
    context: Mapping[str, str] | None = None,
    action: str = "s3:PutObject",
) -> bool:
    """Whether the bucket's policy lets a service write an object (or do `action`) at `key`."""
    resource = f"{bucket.arn}/{key}" if key else bucket.arn
    return any(permits(p, service, action, resource, context) for p in policies(account, bucket))


def encrypted_by_kms(account: Account, bucket: Resource) -> bool:
    """Whether objects get a KMS key unless the writer says otherwise."""
    for each in settings(account, ENCRYPTION, bucket):
        for rule in each.inputs.get("rules") or []:
            default = rule.get("applyServerSideEncryptionByDefault") or {}
            if str(default.get("sseAlgorithm", "")).startswith("aws:kms"):
                return True
    return False


def _versioned(account: Account, bucket: Resource) -> bool:
    if bucket.inputs.get("objectLockEnabled"):
        return True
    if lookup(bucket.inputs, "versioning.enabled") is True:
        return True
    return any(
        lookup(each.inputs, "versioningConfiguration.status") == "Enabled"
        for each in settings(account, VERSIONING, bucket)
    )


def _locked(account: Account, bucket: Resource) -> bool:
    if bucket.inputs.get("objectLockEnabled") or settings(account, LOCK, bucket):
        return True
    # Deleting the setting takes its rule away; the bucket stays lockable for ever.
    return any(
        grave.inputs.get("bucket") == bucket.id and grave.deleted >= bucket.created
        for grave in account.graves(LOCK)
    )


# -- names and contents -------------------------------------------------------------------------
def _taken(request: Request, account: Account) -> str | None:
    if not request.known("bucket"):
        return None
    name = request.value("bucket")
    if siblings(request, account, BUCKET, everywhere=True, bucket=name):
        return (
            "BucketAlreadyExists: The requested bucket name is not available. The bucket "
            "namespace is shared by all users of the system. Please select a different name and "
            "try again."
        )
    if any(region != request.region for region in _recently(account, name)):
        return (
            "OperationAborted: A conflicting conditional operation is currently in progress "
            "against this resource. Please try again."
        )
    return None


def _recently(account: Account, name: str) -> Iterator[str]:
    for grave in account.graves(BUCKET, NAME_HELD):
        if grave.id == name:
            yield grave.region


def _taken_here(request: Request, account: Account) -> str | None:
    if not request.known("bucket"):
        return None
    name = request.value("bucket")
    if request.region not in _recently(account, name):
        return None
    return (
        f"the name {name} was free less than an hour ago; S3 may still hold it, and the provider "
        f"tries for {PROVIDER_WAITS_MINUTES:g} minutes only"
    )


def _name(request: Request, _account: Account) -> str | None:
    name = request.value("bucket")
    if not isinstance(name, str):
        return None
    good = (
        _NAME.fullmatch(name)
        and ".." not in name
        and not _ADDRESS.fullmatch(name)
        and not name.startswith(_PREFIXES)
        and not name.endswith(_SUFFIXES)
    )
    return None if good else "InvalidBucketName: The specified bucket is not valid."


def _not_empty(request: Request, account: Account) -> str | None:
    if request.old_value("forceDestroy", False):
        return None
    if not any(account.find(type_, bucket=request.id) for type_ in _CONTENTS):
        return None
    return "BucketNotEmpty: The bucket you tried to delete is not empty"


# -- ACLs ---------------------------------------------------------------------------------------
def _acl(request: Request, account: Account) -> str | None:
    if request.preview:
        return None
    acl = request.value("acl")
    if acl is UNKNOWN:
        return None
    if request.type == BUCKET:
        name = request.id or request.value("bucket")
        harmless = acl in (None, "private")
    else:
        name = request.value("bucket")
        harmless = acl == "bucket-owner-full-control" or (request.type != ACL and acl is None)
    if harmless or not isinstance(name, str):
        return None
    controls = account.find(OWNERSHIP, bucket=name)
    if any(lookup(c.inputs, "rule.objectOwnership") != "BucketOwnerEnforced" for c in controls):
        return None
    if request.type != BUCKET and bucket_of(account, name) is None:
        return None
    return "AccessControlListNotSupported: The bucket does not allow ACLs"


# -- versions, locks, replication ---------------------------------------------------------------
def _lock_without_versions(request: Request, account: Account) -> str | None:
    bucket = bucket_of(account, request.value("bucket"))
    if request.preview or bucket is None or _versioned(account, bucket):
        return None
    return (
        "InvalidRequest: Versioning must be 'Enabled' on the bucket to apply a Object Lock "
        "configuration (two steps: first `versioningConfiguration.status: Enabled` on "
        f"{bucket.id}, then the lock, which depends on it)"
    )


def _suspended(request: Request, account: Account) -> str | None:
    status = request.value("versioningConfiguration.status")
    if request.operation == "update" and status in ("Enabled", UNKNOWN, None):
        return None
    if request.operation == "delete":
        # Taking the setting away suspends versioning, unless it never was on.
        if request.old_value("versioningConfiguration.status") != "Enabled":
            return None
        name = request.old_value("bucket")
    else:
        name = request.value("bucket")
    bucket = bucket_of(account, name)
    if bucket is None or not _locked(account, bucket):
        return None
    return (
        "InvalidBucketState: An Object Lock configuration is present on this bucket, so the "
        "versioning state cannot be changed."
    )


def _replicated(request: Request, account: Account) -> str | None:
    if request.preview:
        return None
    source = bucket_of(account, request.value("bucket"))
    if source is not None and not _versioned(account, source):
        return (
            "InvalidRequest: Versioning must be 'Enabled' on the bucket to apply a replication "
            "configuration"
        )
    for rule in objects(request, "rules"):
        target = bucket_of(account, lookup(rule, "destination.bucket"))
        if target is not None and not _versioned(account, target):
            return "InvalidRequest: Destination bucket must have versioning enabled."
    return None


# -- policies -----------------------------------------------------------------------------------
def _public(statement: dict[str, Any]) -> bool:
    if statement.get("Effect") != "Allow" or "*" not in principals(statement, "AWS"):
        return False
    tests = (statement.get("Condition") or {}).items()
    narrowed = {name.lower() for operator, test in tests if "Not" not in operator for name in test}
    return not narrowed & _NARROWING


def _blocked(account: Account, bucket: Resource) -> bool:
    if any(each.get("blockPublicPolicy") is True for each in account.all(ACCOUNT_BLOCK)):
        return True
    blocks = settings(account, BLOCK, bucket)
    if blocks:
        return any(each.get("blockPublicPolicy") is True for each in blocks)
    # New buckets are blocked since April 2023, until their setting is taken away.
    return not any(
        grave.inputs.get("bucket") == bucket.id and grave.deleted >= bucket.created
        for grave in account.graves(BLOCK)
    )


def _public_policy(request: Request, account: Account) -> str | None:
    if request.preview:
        return None
    bucket = bucket_of(account, request.value("bucket"))
    if bucket is None or not any(map(_public, statements(request.value("policy")))):
        return None
    if not _blocked(account, bucket):
        return None
    return (
        "AccessDenied: User is not authorized to perform: s3:PutBucketPolicy on resource: "
        f'"{bucket.arn}" because public policies are blocked by the BlockPublicPolicy block public '
        "access setting."
    )


def _principal(request: Request, account: Account) -> str | None:
    if request.preview or next(missing_principals(account, request.value("policy")), None) is None:
        return None
    return "MalformedPolicy: Invalid principal in policy"


# -- logs and lifecycles ------------------------------------------------------------------------
def _log_target(request: Request, account: Account) -> str | None:
    if request.preview:
        return None
    source = bucket_of(account, request.value("bucket"))
    target = bucket_of(account, request.value("targetBucket"))
    if source is None or target is None:
        return None
    if source.region != target.region:
        return "CrossLocationLoggingProhibited: Cross S3 location logging not allowed."
    if settings(account, ACL, target):
        return None
    prefix = request.value("targetPrefix", "")
    context = {"aws:SourceArn": source.arn, "aws:SourceAccount": account.account_id}
    if prefix is UNKNOWN or writable(
        account, target, "logging.s3.amazonaws.com", f"{prefix}log", context
    ):
        return None
    return (
        "InvalidTargetBucketForLogging: You must either provide the necessary permissions to the "
        "logging service using a bucket policy or give the log-delivery group WRITE and READ_ACP "
        "permissions to the target bucket"
    )


def _too_early(request: Request, _account: Account) -> str | None:
    for rule in objects(request, "rules"):
        for path, days_of, action in (
            ("transitions", "days", "Transition"),
            ("noncurrentVersionTransitions", "noncurrentDays", "NoncurrentVersionTransition"),
        ):
            for move in _parts(rule, path):
                days, to = lookup(move, days_of), lookup(move, "storageClass")
                if to in _INFREQUENT and isinstance(days, int) and days < INFREQUENT_DAYS:
                    name = days_of[0].upper() + days_of[1:]
                    return (
                        f"InvalidArgument: '{name}' in {action} action must be greater than or "
                        f"equal to {INFREQUENT_DAYS} for storageClass '{to}'"
                    )
    return None


def _parts(rule: Mapping[str, Any], path: str) -> list[Mapping[str, Any]]:
    value = lookup(rule, path, [])
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


_WRITE: tuple[Operation, ...] = ("create", "update")
_MO = "moto 5.2"

ROWS: tuple[Row, ...] = (
    Row(
        id="S1",
        title="a bucket's name is free in the whole world",
        types=(BUCKET,),
        operations=("create",),
        source=f"{_MO}; the second text from public logs of the real service",
        judge=_taken,
    ),
    Row(
        id="S1w",
        title="a bucket's name comes back after a while",
        types=(BUCKET,),
        operations=("create",),
        source="S3 user guide, deleting a bucket",
        judge=_taken_here,
        kind="warning",
        minutes=PROVIDER_WAITS_MINUTES,
    ),
    Row(
        id="S2",
        title="a bucket's name keeps the rules",
        types=(BUCKET,),
        operations=("create",),
        source=f"{_MO}; S3 user guide, bucket naming rules",
        judge=_name,
    ),
    Row(
        id="S3",
        title="a bucket goes after its objects",
        types=(BUCKET,),
        operations=("delete",),
        source=_MO,
        judge=_not_empty,
    ),
    Row(
        id="S4",
        title="no ACLs where the owner is enforced",
        types=(ACL, OBJECT, OBJECT_V2, BUCKET),
        operations=_WRITE,
        source="defenseunicorns/delivery-aws-iac#159",
        judge=_acl,
    ),
    Row(
        id="S5",
        title="versioning comes before a lock",
        types=(LOCK,),
        operations=_WRITE,
        source=_MO,
        judge=_lock_without_versions,
    ),
    Row(
        id="S6",
        title="versioning stays on under a lock",
        types=(VERSIONING,),
        operations=("update", "delete"),
        source="storj/edge#509",
        judge=_suspended,
    ),
    Row(
        id="S7",
        title="both ends of a replication have versions",
        types=(REPLICATION,),
        operations=_WRITE,
        source=f"AWS provider v1.60, s3_bucket:1967; {_MO}",
        judge=_replicated,
    ),
    Row(
        id="S8",
        title="no public policy while it is blocked",
        types=(POLICY,),
        operations=_WRITE,
        source="public logs of the real service",
        judge=_public_policy,
    ),
    Row(
        id="S9",
        title="a bucket's policy names principals that exist",
        types=(POLICY,),
        operations=_WRITE,
        source="public logs of the real service",
        judge=_principal,
    ),
    Row(
        id="S11",
        title="the log service may write to the log target",
        types=(LOGGING,),
        operations=_WRITE,
        source=_MO,
        judge=_log_target,
    ),
    Row(
        id="S12",
        title="infrequent access after 30 days",
        types=(LIFECYCLE,),
        operations=_WRITE,
        source="public logs of the real service",
        judge=_too_early,
    ),
)
