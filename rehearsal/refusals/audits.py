"""What CloudTrail, Config and GuardDuty refuse: rights that come too late, and second ones.

Rows T1 to T4 and G1 to G5. All of them are account-wide, so what another program made in the
account is found here only when it was rehearsed in the same account. G5 is a warning: the provider
sends data sources and features in separate calls, which AWS takes, and each undoes the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from rehearsal.account import Account, Resource
from rehearsal.refusals.asking import (
    document,
    given,
    listed,
    siblings,
    statements,
    trusts,
)
from rehearsal.refusals.buckets import bucket_of, writable
from rehearsal.refusals.notices import key_lets, key_of
from rehearsal.refusals.table import Operation, Request, Row
from rehearsal.wire import UNKNOWN

TRAIL = "aws:cloudtrail/trail:Trail"
RECORDER = "aws:cfg/recorder:Recorder"
CHANNEL = "aws:cfg/deliveryChannel:DeliveryChannel"
STATUS = "aws:cfg/recorderStatus:RecorderStatus"
DETECTOR = "aws:guardduty/detector:Detector"
FEATURE = "aws:guardduty/detectorFeature:DetectorFeature"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
POLICY = "aws:iam/policy:Policy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"

TRAILS = 5  # CloudTrail quotas: trails per Region, not adjustable
CLOUDTRAIL = "cloudtrail.amazonaws.com"
CONFIG = "config.amazonaws.com"


def _documents(account: Account, role: Resource) -> Iterator[Any]:
    """Every policy of a role that this account holds; AWS's managed ones are not among them."""
    for each in account.find(ROLE_POLICY, role=role.id):
        yield each.get("policy")
    for each in account.find(ATTACHMENT, role=role.id):
        policy = account.by_id(str(each.get("policyArn")), POLICY)
        if policy is not None:
            yield policy.get("policy")


def may(account: Account, role: Resource, action: str, resource: str) -> bool:
    """Whether a role's policies allow an action; a document that cannot be read counts as yes."""
    for text in _documents(account, role):
        if not isinstance(text, str) or document(text) is None:
            return True
        for each in statements(text):
            if (
                each.get("Effect") == "Allow"
                and _any(action.lower(), listed(each.get("Action")), lower=True)
                and _any(resource, listed(each.get("Resource")))
            ):
                return True
    return False


def _any(value: str, patterns: list[Any], *, lower: bool = False) -> bool:
    texts = (str(p).lower() if lower else str(p) for p in patterns)
    return any(fnmatchcase(value, text) for text in texts)


# -- CloudTrail ---------------------------------------------------------------------------------
def _trail_arn(request: Request, account: Account) -> str:
    name = request.value("name")
    return f"arn:aws:cloudtrail:{request.region}:{account.account_id}:trail/{name}"


def _trail_bucket(request: Request, account: Account) -> str | None:
    if request.preview or not request.known("s3BucketName", "name"):
        return None
    bucket, prefix = bucket_of(account, request.value("s3BucketName")), request.value("s3KeyPrefix")
    if bucket is None or prefix is UNKNOWN:
        return None
    context = {
        "aws:SourceArn": _trail_arn(request, account),
        "aws:SourceAccount": account.account_id,
    }
    folder = f"AWSLogs/{account.account_id}/CloudTrail/log.json.gz"
    key = f"{prefix}/{folder}" if prefix else folder
    if writable(account, bucket, CLOUDTRAIL, key, context) and writable(
        account, bucket, CLOUDTRAIL, "", context, "s3:GetBucketAcl"
    ):
        return None
    return (
        "InsufficientS3BucketPolicyException: Incorrect S3 bucket policy is detected for bucket: "
        f"{bucket.id}"
    )


def _trail_key(request: Request, account: Account) -> str | None:
    reference = request.value("kmsKeyId")
    key = key_of(account, reference)
    if key is None:
        return None
    if key.region != request.region:
        return (
            f"KmsKeyNotFoundException: KMS key {reference} does not exist or is not in the Region "
            f"of the S3 bucket: {request.region}"
        )
    if request.preview or not request.known("name"):
        return None
    arn = _trail_arn(request, account)
    context = {
        "aws:SourceArn": arn,
        "aws:SourceAccount": account.account_id,
        "kms:EncryptionContext:aws:cloudtrail:arn": arn,
    }
    if all(
        key_lets(account, key, CLOUDTRAIL, action, context)
        for action in ("kms:GenerateDataKey", "kms:DescribeKey")
    ):
        return None
    return (
        "InsufficientEncryptionPolicyException: Insufficient permissions to access S3 bucket "
        f"{request.value('s3BucketName')} or KMS key {key.arn}."
    )


def _trail_role(request: Request, account: Account) -> str | None:
    if request.preview or not request.known("cloudWatchLogsRoleArn", "cloudWatchLogsGroupArn"):
        return None
    role = account.by_id(request.value("cloudWatchLogsRoleArn"), ROLE)
    if role is None:
        return None
    if not trusts(role.get("assumeRolePolicy"), CLOUDTRAIL):
        return (
            "InvalidCloudWatchLogsRoleArnException: Access denied. Check the trust relationships "
            "for your role."
        )
    group = str(request.value("cloudWatchLogsGroupArn")).removesuffix(":*")
    stream = f"{group}:log-stream:{account.account_id}_CloudTrail_{request.region}"
    if may(account, role, "logs:PutLogEvents", stream):
        return None
    return (
        "InvalidCloudWatchLogsLogGroupArnException: Access denied. Check the permissions for your "
        "role."
    )


def _sixth_trail(request: Request, account: Account) -> str | None:
    there = [
        trail
        for trail in siblings(request, account, TRAIL, everywhere=True)
        if trail.region == request.region or trail.inputs.get("isMultiRegionTrail")
    ]
    if len(there) < TRAILS:
        return None
    return (
        f"MaximumNumberOfTrailsExceededException: User: {account.account_id} already has "
        f"{len(there)} trails in {request.region}."
    )


# -- Config -------------------------------------------------------------------------------------
def _second_recorder(request: Request, account: Account) -> str | None:
    name = request.value("name", "default")
    others = siblings(request, account, RECORDER)
    # A recorder of the same name is written over.
    if name is UNKNOWN or all(other.get("name", "default") == name for other in others):
        return None
    return (
        "MaxNumberOfConfigurationRecordersExceededException: Failed to put configuration recorder "
        f"'{name}' because the maximum number of configuration recorders: 1 is reached."
    )


def _config_order(request: Request, account: Account) -> str | None:
    if request.operation == "delete":
        running = (each.get("isEnabled") for each in account.all(STATUS, request.region))
        if request.type != CHANNEL or True not in running:
            return None
        name = request.old_value("name", request.id)
        return (
            "LastDeliveryChannelDeleteFailedException: Failed to delete last specified delivery "
            f"channel with name '{name}', because there, because there is a running configuration "
            "recorder."
        )
    if request.preview:
        return None
    if request.type == CHANNEL and not account.all(RECORDER, request.region):
        return (
            "NoAvailableConfigurationRecorderException: Configuration recorder is not available to "
            "put delivery channel."
        )
    if (
        request.type == STATUS
        and request.value("isEnabled") is True
        and not account.all(CHANNEL, request.region)
    ):
        return (
            "NoAvailableDeliveryChannelException: Delivery channel is not available to start "
            "configuration recorder."
        )
    return None


def _config_bucket(request: Request, account: Account) -> str | None:
    if request.preview or not request.known("s3BucketName"):
        return None
    bucket, prefix = bucket_of(account, request.value("s3BucketName")), request.value("s3KeyPrefix")
    if bucket is None or prefix is UNKNOWN:
        return None
    folder = f"AWSLogs/{account.account_id}/Config/ConfigWritabilityCheckFile"
    key = f"{prefix}/{folder}" if prefix else folder
    context = {"aws:SourceAccount": account.account_id}
    if writable(account, bucket, CONFIG, key, context):
        return None
    for recorder in account.all(RECORDER, request.region):
        role = account.by_id(str(recorder.get("roleArn")), ROLE)
        # A role from elsewhere may be allowed to write; that is not known here.
        if role is None or may(account, role, "s3:PutObject", f"{bucket.arn}/{key}"):
            return None
    shown = f"'{prefix}'" if prefix else "'null'"
    return (
        "InsufficientDeliveryPolicyException: Insufficient delivery policy to s3 bucket: "
        f"{bucket.id}, unable to write to bucket, provided s3 key prefix is {shown}."
    )


# -- GuardDuty ----------------------------------------------------------------------------------
def _second_detector(request: Request, account: Account) -> str | None:
    if not siblings(request, account, DETECTOR):
        return None
    return (
        "BadRequestException: The request is rejected because a detector already exists for the "
        "current account."
    )


def _both_ways(request: Request, account: Account) -> str | None:
    if request.type == DETECTOR:
        both = (
            given(request, "datasources")
            and request.operation == "update"
            and bool(account.find(FEATURE, detectorId=request.id))
        )
    else:
        known = request.known("detectorId")
        detector = account.by_id(request.value("detectorId"), DETECTOR) if known else None
        both = detector is not None and bool(detector.inputs.get("datasources"))
    if not both:
        return None
    return (
        "Both data sources and features were provided; you can provide only one: each deployment "
        "undoes what the other one says"
    )


_WRITE: tuple[Operation, ...] = ("create", "update")
_BC = "botocore 1.44"
_MO = "moto 5.2"

ROWS: tuple[Row, ...] = (
    Row(
        id="T1",
        title="CloudTrail may write to the trail's bucket",
        types=(TRAIL,),
        operations=_WRITE,
        source="boto/boto3#1766",
        judge=_trail_bucket,
    ),
    Row(
        id="T2",
        title="CloudTrail may use the trail's key, which is of its region",
        types=(TRAIL,),
        operations=_WRITE,
        source=_BC,
        judge=_trail_key,
    ),
    Row(
        id="T3",
        title="CloudTrail may write to the trail's log group",
        types=(TRAIL,),
        operations=_WRITE,
        source="AWS provider v1.60, cloudtrail:180",
        judge=_trail_role,
    ),
    Row(
        id="T4",
        title="five trails in a region",
        types=(TRAIL,),
        operations=("create",),
        source=_BC,
        judge=_sixth_trail,
    ),
    Row(
        id="G1",
        title="one configuration recorder per region",
        types=(RECORDER,),
        operations=("create",),
        source="trussworks/terraform-aws-config#69",
        judge=_second_recorder,
    ),
    Row(
        id="G2",
        title="recorder, channel, start; and the same way back",
        types=(CHANNEL, STATUS),
        operations=("create", "update", "delete"),
        source=f"{_MO}, AWS provider v1.60",
        judge=_config_order,
    ),
    Row(
        id="G3",
        title="Config may write to the channel's bucket",
        types=(CHANNEL,),
        operations=_WRITE,
        source=f"{_BC}; the text from public logs",
        judge=_config_bucket,
    ),
    Row(
        id="G4",
        title="one detector per region",
        types=(DETECTOR,),
        operations=("create",),
        source="nozaq/terraform-aws-secure-baseline#35",
        judge=_second_detector,
    ),
    Row(
        id="G5",
        title="a detector has features or data sources",
        types=(DETECTOR, FEATURE),
        operations=_WRITE,
        source="cfn-lint E3063",
        judge=_both_ways,
        kind="warning",
    ),
)
