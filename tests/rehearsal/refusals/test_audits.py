"""Each row about the account's audit says AWS's words when it must, and else nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rehearsal.refusals.audits import (
    CHANNEL,
    CLOUDTRAIL,
    CONFIG,
    DETECTOR,
    FEATURE,
    RECORDER,
    ROLE,
    ROLE_POLICY,
    ROWS,
    STATUS,
    TRAIL,
    TRAILS,
)
from rehearsal.refusals.buckets import BUCKET
from rehearsal.refusals.buckets import POLICY as BUCKET_POLICY
from rehearsal.refusals.notices import KEY
from rehearsal.wire import UNKNOWN
from tests.rehearsal.refusals.cases import (
    ACCOUNT,
    Case,
    Thing,
    create,
    delete,
    policy,
    said,
    thing,
)

KEY_ARN = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/k1"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/trail"
GROUP = f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:trail"
BUCKET_REFUSED = (
    "InsufficientS3BucketPolicyException: Incorrect S3 bucket policy is detected for bucket: audit"
)
KEY_REFUSED = (
    "InsufficientEncryptionPolicyException: Insufficient permissions to access S3 bucket audit or "
    f"KMS key {KEY_ARN}."
)
DELIVERY = (
    "InsufficientDeliveryPolicyException: Insufficient delivery policy to s3 bucket: logs, unable "
    "to write to bucket, provided s3 key prefix is 'config'."
)
# What is counted needs no value.
CERTAIN = {"T4", "G4", "G5"}


def bucket(name: str) -> Thing:
    return thing(BUCKET, name, outputs={"arn": f"arn:aws:s3:::{name}"}, bucket=name)


def bucket_policy(name: str, service: str, place: str, **condition: Any) -> Thing:
    who = {"Effect": "Allow", "Principal": {"Service": service}}
    if condition:
        who["Condition"] = condition
    text = policy(
        {**who, "Action": ["s3:GetBucketAcl"], "Resource": f"arn:aws:s3:::{name}"},
        {**who, "Action": ["s3:PutObject"], "Resource": f"arn:aws:s3:::{name}/{place}"},
    )
    return thing(BUCKET_POLICY, name, bucket=name, policy=text)


def key(*statements: dict[str, Any], region: str = "eu-central-1") -> Thing:
    made = thing(KEY, "k1", outputs={"arn": KEY_ARN}, policy=policy(*statements))
    return replace(made, region=region)


def lets(*actions: str, **conditions: Any) -> dict[str, Any]:
    found = {"Effect": "Allow", "Principal": {"Service": CLOUDTRAIL}, "Action": list(actions)}
    return {**found, "Resource": "*", **({"Condition": conditions} if conditions else {})}


def role(name: str, service: str) -> Thing:
    trust = policy(
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    )
    return thing(
        ROLE, name, outputs={"arn": f"arn:aws:iam::{ACCOUNT}:role/{name}"}, assumeRolePolicy=trust
    )


def right_of(name: str, action: str, resource: str) -> Thing:
    text = policy({"Effect": "Allow", "Action": [action], "Resource": [resource]})
    return thing(ROLE_POLICY, f"{name}:p", role=name, policy=text)


def trail(**inputs: Any):
    return create(TRAIL, **{"name": "arches-prod-trail", "s3BucketName": "audit", **inputs})


def logging():
    return trail(cloudWatchLogsGroupArn=f"{GROUP}:*", cloudWatchLogsRoleArn=ROLE_ARN)


def channel(**inputs: Any):
    given = {"name": "config", "s3BucketName": "logs", "s3KeyPrefix": "config"}
    return create(CHANNEL, **{**given, **inputs})


PLACE = f"AWSLogs/{ACCOUNT}/*"
OURS = {"aws:SourceArn": f"arn:aws:cloudtrail:eu-central-1:{ACCOUNT}:trail/arches-prod-*"}
THEIRS = {"aws:SourceArn": f"arn:aws:cloudtrail:eu-central-1:{ACCOUNT}:trail/arches-staging-*"}
CONFIG_PLACE = f"config/AWSLogs/{ACCOUNT}/Config/*"
RECORDING = thing(RECORDER, "config", name="config", roleArn=f"arn:aws:iam::{ACCOUNT}:role/config")
TRAIL_CONTEXT = {
    "ArnLike": {"aws:SourceArn": f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"},
    "StringLike": {
        "kms:EncryptionContext:aws:cloudtrail:arn": f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"
    },
}

CASES = [
    Case(row="T1", have=[bucket("audit")], request=trail(), says=BUCKET_REFUSED),
    Case(
        row="T1",
        have=[bucket("audit"), bucket_policy("audit", CLOUDTRAIL, PLACE, ArnLike=THEIRS)],
        request=trail(),
        says=BUCKET_REFUSED,
    ),
    Case(
        row="T1",
        have=[bucket("audit"), bucket_policy("audit", CLOUDTRAIL, "other/*")],
        request=trail(),
        says=BUCKET_REFUSED,
    ),
    Case(
        row="T1",
        have=[bucket("audit"), bucket_policy("audit", CLOUDTRAIL, PLACE, ArnLike=OURS)],
        request=trail(),
    ),
    Case(row="T1", request=trail()),
    Case(row="T2", have=[key()], request=trail(kmsKeyId=KEY_ARN), says=KEY_REFUSED),
    Case(
        row="T2",
        have=[key(lets("kms:GenerateDataKey*"))],
        request=trail(kmsKeyId=KEY_ARN),
        says=KEY_REFUSED,
    ),
    Case(
        row="T2",
        have=[key(region="us-east-1")],
        request=trail(kmsKeyId=KEY_ARN),
        says=f"KmsKeyNotFoundException: KMS key {KEY_ARN} does not exist or is not in the Region "
        "of the S3 bucket: eu-central-1",
    ),
    Case(
        row="T2",
        have=[key(lets("kms:GenerateDataKey*", **TRAIL_CONTEXT), lets("kms:DescribeKey"))],
        request=trail(kmsKeyId=KEY_ARN),
    ),
    Case(row="T2", request=trail()),
    Case(
        row="T3",
        have=[role("trail", "ec2.amazonaws.com")],
        request=logging(),
        says="InvalidCloudWatchLogsRoleArnException: Access denied. Check the trust relationships "
        "for your role.",
    ),
    Case(
        row="T3",
        have=[role("trail", CLOUDTRAIL)],
        request=logging(),
        says="InvalidCloudWatchLogsLogGroupArnException: Access denied. Check the permissions for "
        "your role.",
    ),
    Case(
        row="T3",
        have=[
            role("trail", CLOUDTRAIL),
            right_of("trail", "logs:PutLogEvents", f"{GROUP}:log-stream:*"),
        ],
        request=logging(),
    ),
    Case(
        row="T4",
        have=[thing(TRAIL, f"t{i}", isMultiRegionTrail=True) for i in range(TRAILS)],
        request=trail(),
        says=f"MaximumNumberOfTrailsExceededException: User: {ACCOUNT} already has 5 trails in "
        "eu-central-1.",
    ),
    Case(row="T4", have=[thing(TRAIL, f"t{i}") for i in range(TRAILS - 1)], request=trail()),
    Case(
        row="G1",
        have=[RECORDING],
        request=create(RECORDER, name="second"),
        says="MaxNumberOfConfigurationRecordersExceededException: Failed to put configuration "
        "recorder 'second' because the maximum number of configuration recorders: 1 is reached.",
    ),
    Case(row="G1", request=create(RECORDER, name="second")),
    Case(
        row="G1", have=[replace(RECORDING, region="us-east-1")], request=create(RECORDER, name="x")
    ),
    Case(
        row="G2",
        request=channel(),
        says="NoAvailableConfigurationRecorderException: Configuration recorder is not available "
        "to put delivery channel.",
    ),
    Case(
        row="G2",
        have=[RECORDING],
        request=create(STATUS, name="config", isEnabled=True),
        says="NoAvailableDeliveryChannelException: Delivery channel is not available to start "
        "configuration recorder.",
    ),
    Case(
        row="G2",
        have=[thing(CHANNEL, "config", name="config"), thing(STATUS, "config", isEnabled=True)],
        request=delete(CHANNEL, "config", name="config"),
        says="LastDeliveryChannelDeleteFailedException: Failed to delete last specified delivery "
        "channel with name 'config', because there, because there is a running configuration "
        "recorder.",
    ),
    Case(row="G2", have=[RECORDING], request=channel()),
    Case(
        row="G2",
        have=[RECORDING, thing(CHANNEL, "config", name="config")],
        request=create(STATUS, name="config", isEnabled=True),
    ),
    Case(row="G2", have=[RECORDING], request=delete(CHANNEL, "config", name="config")),
    Case(
        row="G3",
        have=[bucket("logs"), RECORDING, role("config", CONFIG)],
        request=channel(),
        says=DELIVERY,
    ),
    Case(
        row="G3",
        have=[bucket("logs"), RECORDING, bucket_policy("logs", CONFIG, CONFIG_PLACE)],
        request=channel(),
    ),
    Case(
        row="G3",
        have=[
            bucket("logs"),
            RECORDING,
            role("config", CONFIG),
            right_of("config", "s3:PutObject", f"arn:aws:s3:::logs/{CONFIG_PLACE}"),
        ],
        request=channel(),
    ),
    Case(
        row="G4",
        have=[thing(DETECTOR, "d1", enable=True)],
        request=create(DETECTOR, enable=True),
        says="BadRequestException: The request is rejected because a detector already exists for "
        "the current account.",
    ),
    Case(row="G4", request=create(DETECTOR, enable=True)),
    Case(
        row="G5",
        have=[thing(DETECTOR, "d1", datasources={"s3Logs": {"enable": True}})],
        request=create(FEATURE, detectorId="d1", name="S3_DATA_EVENTS", status="ENABLED"),
        says="Both data sources and features were provided; you can provide only one: each "
        "deployment undoes what the other one says",
    ),
    Case(
        row="G5",
        have=[thing(DETECTOR, "d1", enable=True)],
        request=create(FEATURE, detectorId="d1", name="S3_DATA_EVENTS", status="ENABLED"),
    ),
]


def test_the_room_has_all_rows_of_the_reference() -> None:
    expected = [f"T{i}" for i in range(1, 5)] + [f"G{i}" for i in range(1, 6)]
    assert [row.id for row in ROWS] == expected


def test_a_policy_that_cannot_be_read_is_not_judged() -> None:
    sealed = replace(
        bucket_policy("audit", CLOUDTRAIL, PLACE), inputs={"bucket": "audit", "policy": "no JSON"}
    )
    case = Case(row="T1", have=[bucket("audit"), sealed], request=trail())
    assert said(ROWS, case) is None


def test_a_trail_whose_name_is_not_known_yet_is_not_judged() -> None:
    case = Case(row="T1", have=[bucket("audit")], request=trail(name=UNKNOWN))
    assert said(ROWS, case) is None
