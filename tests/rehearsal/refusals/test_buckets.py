"""Each row about buckets says S3's words to a wrong request and nothing to a right one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rehearsal.refusals.buckets import (
    ACCOUNT_BLOCK,
    ACL,
    BLOCK,
    BUCKET,
    LIFECYCLE,
    LOCK,
    LOGGING,
    OBJECT,
    OBJECT_V2,
    OWNERSHIP,
    POLICY,
    REPLICATION,
    ROWS,
    VERSIONING,
)
from rehearsal.wire import UNKNOWN
from tests.rehearsal.refusals.cases import (
    ACCOUNT,
    Case,
    Thing,
    account_for,
    create,
    delete,
    policy,
    thing,
    update,
)

NAME = f"arches-prod-files-{ACCOUNT}-eu-central-1"
ARN = f"arn:aws:s3:::{NAME}"
COPY_ARN = f"arn:aws:s3:::{NAME}-copy"
INVALID_NAME = "InvalidBucketName: The specified bucket is not valid."
NO_ACLS = "AccessControlListNotSupported: The bucket does not allow ACLs"
LOCKED = (
    "InvalidBucketState: An Object Lock configuration is present on this bucket, so the versioning "
    "state cannot be changed."
)
BLOCKED = (
    "AccessDenied: User is not authorized to perform: s3:PutBucketPolicy on resource: "
    f'"{ARN}" because public policies are blocked by the BlockPublicPolicy block public access '
    "setting."
)
NO_LOGS = (
    "InvalidTargetBucketForLogging: You must either provide the necessary permissions to the "
    "logging service using a bucket policy or give the log-delivery group WRITE and READ_ACP "
    "permissions to the target bucket"
)
PUBLIC = policy({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": ARN})
ON = {"status": "Enabled"}


def bucket(name: str = NAME, *, region: str = "eu-central-1", **inputs: Any) -> Thing:
    made = thing(BUCKET, name, outputs={"arn": f"arn:aws:s3:::{name}"}, bucket=name, **inputs)
    return replace(made, region=region)


def of(type_: str, **inputs: Any) -> Thing:
    return thing(type_, NAME, bucket=NAME, **inputs)


def logs(**more: Any) -> Thing:
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::logs/s3/*",
        **more,
    }
    return thing(POLICY, "logs", bucket="logs", policy=policy(allow))


def logging():
    return create(LOGGING, bucket=NAME, targetBucket="logs", targetPrefix="s3/files/")


def rules(**rule: Any):
    return create(LIFECYCLE, bucket=NAME, rules=[{"id": "retention", "status": "Enabled", **rule}])


def replicate():
    return create(REPLICATION, bucket=NAME, rules=[{"destination": {"bucket": COPY_ARN}}])


CASES = [
    Case(
        row="S1",
        have=[bucket(region="us-east-1")],
        request=create(BUCKET, bucket=NAME),
        says="BucketAlreadyExists: The requested bucket name is not available. The bucket "
        "namespace is shared by all users of the system. Please select a different name and try "
        "again.",
    ),
    Case(
        row="S1",
        gone=[bucket(region="us-east-1")],
        request=create(BUCKET, bucket=NAME),
        says="OperationAborted: A conflicting conditional operation is currently in progress "
        "against this resource. Please try again.",
    ),
    Case(row="S1", gone=[bucket(region="us-east-1")], days=1, request=create(BUCKET, bucket=NAME)),
    Case(row="S1", gone=[bucket()], request=create(BUCKET, bucket=NAME)),
    Case(
        row="S1w",
        gone=[bucket()],
        request=create(BUCKET, bucket=NAME),
        says=f"the name {NAME} was free less than an hour ago; S3 may still hold it, and the "
        "provider tries for 2 minutes only",
    ),
    Case(row="S1w", gone=[bucket()], days=1, request=create(BUCKET, bucket=NAME)),
    Case(row="S2", request=create(BUCKET, bucket="Arches"), says=INVALID_NAME),
    Case(row="S2", request=create(BUCKET, bucket="ab"), says=INVALID_NAME),
    Case(row="S2", request=create(BUCKET, bucket="a..b"), says=INVALID_NAME),
    Case(row="S2", request=create(BUCKET, bucket="192.168.0.1"), says=INVALID_NAME),
    Case(row="S2", request=create(BUCKET, bucket="xn--arches"), says=INVALID_NAME),
    Case(row="S2", request=create(BUCKET, bucket="arches-s3alias"), says=INVALID_NAME),
    Case(row="S2", request=create(BUCKET, bucket="a" * 64), says=INVALID_NAME),
    Case(row="S2", request=create(BUCKET, bucket=NAME)),
    Case(
        row="S3",
        have=[bucket(), of(OBJECT_V2, key="a")],
        request=delete(BUCKET, NAME, bucket=NAME),
        says="BucketNotEmpty: The bucket you tried to delete is not empty",
    ),
    Case(
        row="S3",
        have=[bucket(), of(OBJECT, key="a")],
        request=delete(BUCKET, NAME, bucket=NAME, forceDestroy=True),
    ),
    Case(row="S3", have=[bucket()], request=delete(BUCKET, NAME, bucket=NAME)),
    Case(row="S4", have=[bucket()], request=create(ACL, bucket=NAME, acl="private"), says=NO_ACLS),
    Case(row="S4", request=create(BUCKET, bucket=NAME, acl="public-read"), says=NO_ACLS),
    Case(
        row="S4",
        have=[bucket(), of(OWNERSHIP, rule={"objectOwnership": "BucketOwnerEnforced"})],
        request=create(OBJECT, bucket=NAME, key="a", acl="public-read"),
        says=NO_ACLS,
    ),
    Case(
        row="S4",
        have=[bucket(), of(OWNERSHIP, rule={"objectOwnership": "BucketOwnerPreferred"})],
        request=create(ACL, bucket=NAME, acl="log-delivery-write"),
    ),
    Case(row="S4", have=[bucket()], request=create(OBJECT, bucket=NAME, key="a")),
    Case(row="S4", request=create(BUCKET, bucket=NAME)),
    Case(
        row="S5",
        have=[bucket()],
        request=create(LOCK, bucket=NAME),
        says="InvalidRequest: Versioning must be 'Enabled' on the bucket to apply a Object Lock "
        f"configuration (two steps: first `versioningConfiguration.status: Enabled` on {NAME}, "
        "then the lock, which depends on it)",
    ),
    Case(
        row="S5",
        have=[bucket(), of(VERSIONING, versioningConfiguration=ON)],
        request=create(LOCK, bucket=NAME),
    ),
    Case(row="S5", have=[bucket()], request=create(LOCK, preview=True, bucket=NAME)),
    Case(
        row="S6",
        have=[bucket(), of(LOCK)],
        request=update(
            VERSIONING,
            NAME,
            {"bucket": NAME, "versioningConfiguration": ON},
            versioningConfiguration={"status": "Suspended"},
        ),
        says=LOCKED,
    ),
    Case(
        row="S6",
        have=[bucket(), of(LOCK)],
        request=delete(VERSIONING, NAME, bucket=NAME, versioningConfiguration=ON),
        says=LOCKED,
    ),
    Case(
        row="S6",
        have=[bucket(objectLockEnabled=True)],
        request=delete(VERSIONING, NAME, bucket=NAME, versioningConfiguration=ON),
        says=LOCKED,
    ),
    Case(
        row="S6",
        have=[bucket()],
        request=delete(VERSIONING, NAME, bucket=NAME, versioningConfiguration=ON),
    ),
    Case(
        row="S6",
        have=[bucket(), of(LOCK)],
        request=update(VERSIONING, NAME, {"bucket": NAME}, versioningConfiguration=ON),
    ),
    Case(
        row="S7",
        have=[bucket(), bucket(f"{NAME}-copy", region="eu-west-1")],
        request=replicate(),
        says="InvalidRequest: Versioning must be 'Enabled' on the bucket to apply a replication "
        "configuration",
    ),
    Case(
        row="S7",
        have=[
            bucket(),
            bucket(f"{NAME}-copy", region="eu-west-1"),
            of(VERSIONING, versioningConfiguration=ON),
        ],
        request=replicate(),
        says="InvalidRequest: Destination bucket must have versioning enabled.",
    ),
    Case(
        row="S7",
        have=[
            bucket(),
            bucket(f"{NAME}-copy", region="eu-west-1", objectLockEnabled=True),
            of(VERSIONING, versioningConfiguration=ON),
        ],
        request=replicate(),
    ),
    Case(
        row="S8", have=[bucket()], request=create(POLICY, bucket=NAME, policy=PUBLIC), says=BLOCKED
    ),
    Case(
        row="S8",
        have=[
            bucket(),
            of(BLOCK, blockPublicPolicy=False),
            thing(ACCOUNT_BLOCK, "account", blockPublicPolicy=True),
        ],
        request=create(POLICY, bucket=NAME, policy=PUBLIC),
        says=BLOCKED,
    ),
    Case(
        row="S8",
        have=[bucket(), of(BLOCK, blockPublicPolicy=False)],
        request=create(POLICY, bucket=NAME, policy=PUBLIC),
    ),
    Case(
        row="S8",
        have=[bucket()],
        request=create(
            POLICY,
            bucket=NAME,
            policy=policy(
                {
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "s3:GetObject",
                    "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
                },
                {"Effect": "Deny", "Principal": "*", "Action": "s3:*"},
            ),
        ),
    ),
    Case(
        row="S9",
        have=[bucket()],
        request=create(
            POLICY,
            bucket=NAME,
            policy=policy(
                {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/gone"}}
            ),
        ),
        says="MalformedPolicy: Invalid principal in policy",
    ),
    Case(
        row="S9",
        have=[bucket(), thing("aws:iam/role:Role", "there")],
        request=create(
            POLICY,
            bucket=NAME,
            policy=policy(
                {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/there"}}
            ),
        ),
    ),
    Case(row="S11", have=[bucket(), bucket("logs")], request=logging(), says=NO_LOGS),
    Case(
        row="S11",
        have=[bucket(), bucket("logs"), logs(Resource="arn:aws:s3:::logs/other/*")],
        request=logging(),
        says=NO_LOGS,
    ),
    Case(
        row="S11",
        have=[
            bucket(),
            bucket("logs"),
            logs(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:s3:::arches-staging-*"}}),
        ],
        request=logging(),
        says=NO_LOGS,
    ),
    Case(
        row="S11",
        have=[bucket(), bucket("logs", region="eu-west-1"), logs()],
        request=logging(),
        says="CrossLocationLoggingProhibited: Cross S3 location logging not allowed.",
    ),
    Case(
        row="S11",
        have=[
            bucket(),
            bucket("logs"),
            logs(
                Condition={
                    "ArnLike": {"aws:SourceArn": "arn:aws:s3:::arches-prod-*"},
                    "StringEquals": {"aws:SourceAccount": ACCOUNT},
                }
            ),
        ],
        request=logging(),
    ),
    Case(row="S11", have=[bucket()], request=logging()),
    Case(
        row="S12",
        request=rules(transitions=[{"days": 7, "storageClass": "STANDARD_IA"}]),
        says="InvalidArgument: 'Days' in Transition action must be greater than or equal to 30 for "
        "storageClass 'STANDARD_IA'",
    ),
    Case(
        row="S12",
        request=rules(
            noncurrentVersionTransitions=[{"noncurrentDays": 1, "storageClass": "ONEZONE_IA"}]
        ),
        says="InvalidArgument: 'NoncurrentDays' in NoncurrentVersionTransition action must be "
        "greater than or equal to 30 for storageClass 'ONEZONE_IA'",
    ),
    Case(row="S12", request=rules(transitions=[{"days": 30, "storageClass": "STANDARD_IA"}])),
    Case(row="S12", request=rules(transitions=[{"days": 1, "storageClass": "GLACIER"}])),
    Case(row="S12", request=rules(transitions=[{"days": UNKNOWN, "storageClass": "STANDARD_IA"}])),
]


def test_the_room_has_all_rows_of_the_reference_but_the_one_that_the_provider_waits_out() -> None:
    rows = [row.id for row in ROWS if not row.id.endswith("w")]
    assert rows == [f"S{i}" for i in range(1, 13) if i != 10]


def test_a_lock_that_was_taken_away_still_holds_the_bucket() -> None:
    account = account_for(Case(row="S6", request=logging(), have=[bucket(), of(LOCK)]))
    account.remove(account.find(LOCK)[0])
    (row,) = [row for row in ROWS if row.id == "S6"]
    request = delete(VERSIONING, NAME, bucket=NAME, versioningConfiguration=ON)
    assert row.judge(request, account) == LOCKED, "a bucket cannot be unlocked again"
