"""Each row about keys and secrets says AWS's words to a wrong request, nothing to a right one."""

from __future__ import annotations

import pytest

from rehearsal.refusals.keys import (
    ALIAS,
    DATABASE,
    GRANT,
    KEY,
    KEY_POLICY,
    REPLICA,
    ROTATION,
    ROWS,
    SECRET,
    SECRET_POLICY,
    VERSION,
)
from rehearsal.wire import UNKNOWN
from tests.rehearsal.refusals.cases import (
    ACCOUNT,
    Case,
    create,
    policy,
    said,
    thing,
    update,
)

KEY_ID = "0a1b2c3d-0000-4000-a000-000000000001"
KEY_ARN = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/{KEY_ID}"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
SECRET_ARN = f"arn:aws:secretsmanager:eu-central-1:{ACCOUNT}:secret:jwt-abcdef"


def allow(principal: object, *actions: str, **more: object) -> dict:
    return {
        "Effect": "Allow",
        "Principal": principal,
        "Action": list(actions),
        "Resource": "*",
        **more,
    }


def key(**inputs: object):
    return thing(KEY, KEY_ID, outputs={"arn": KEY_ARN}, **inputs)


def jwt(**inputs: object):
    return thing(SECRET, SECRET_ARN, outputs={"arn": SECRET_ARN}, name="jwt", **inputs)


ADMINISTERS = allow({"AWS": ROOT}, "kms:*")
LOCKED = (
    "MalformedPolicyDocumentException: The new key policy will not allow you to update the key "
    "policy in the future."
)
INVALID = (
    "MalformedPolicyDocumentException: Policy contains a statement with one or more invalid "
    "principals."
)
PENDING = f"KMSInvalidStateException: {KEY_ARN} is pending deletion."
NO_ACCESS = (
    "KMSKeyNotAccessibleFault: Specified KMS key [{}] does not exist, is not enabled or you do not "
    "have permissions to access it."
)
SCHEDULED = (
    "InvalidRequestException: You can't create this secret because a secret with this name is "
    "already scheduled for deletion."
)
MARKED = (
    "InvalidRequestException: You can't perform this operation on the secret because it was marked "
    "for deletion."
)
WINDOW = (
    "InvalidParameterException: The RecoveryWindowInDays value must be between 7 and 30 days "
    "(inclusive)."
)
PUBLIC = (
    "PublicPolicyException: The BlockPublicPolicy parameter is set to true, and the resource "
    "policy did not prevent broad access to the secret."
)
UNUSABLE = (
    "EncryptionFailure: Secrets Manager can't encrypt the protected secret text using the provided "
    "KMS key. Check that the KMS key is available, enabled, and not in an invalid state."
)
READ = allow("*", "secretsmanager:GetSecretValue")

CASES = [
    Case(
        row="K1",
        request=create(KEY, policy=policy(allow({"Service": "logs.amazonaws.com"}, "kms:*"))),
        says=LOCKED,
    ),
    Case(
        row="K1",
        request=create(KEY, policy=policy(allow({"AWS": ROOT}, "kms:Decrypt"))),
        says=LOCKED,
    ),
    Case(
        row="K1",
        request=create(
            KEY_POLICY,
            keyId=KEY_ID,
            policy=policy(
                allow(
                    {"AWS": "*"},
                    "kms:*",
                    Condition={
                        "StringEquals": {"kms:ViaService": "rds.eu-central-1.amazonaws.com"}
                    },
                )
            ),
        ),
        says=LOCKED,
    ),
    Case(row="K1", request=create(KEY, policy=policy(ADMINISTERS))),
    Case(row="K1", request=create(KEY, policy=policy(allow({"AWS": ACCOUNT}, "kms:Put*")))),
    Case(row="K1", request=create(KEY, description="without a policy of its own")),
    Case(
        row="K2",
        request=create(
            KEY,
            policy=policy(
                ADMINISTERS,
                allow(
                    {
                        "AWS": f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/"
                        "autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
                    },
                    "kms:Decrypt",
                ),
            ),
        ),
        says=INVALID,
    ),
    Case(
        row="K2",
        have=[
            thing(
                "aws:iam/serviceLinkedRole:ServiceLinkedRole",
                "slr",
                outputs={"arn": f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/a/AWSServiceRoleX"},
            )
        ],
        request=create(
            KEY,
            policy=policy(
                allow(
                    {"AWS": f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/a/AWSServiceRoleX"},
                    "kms:Decrypt",
                )
            ),
        ),
    ),
    Case(
        row="K2",
        request=create(
            KEY,
            policy=policy(
                allow(
                    "*",
                    "kms:Decrypt",
                    Condition={
                        "ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/absent"}
                    },
                )
            ),
        ),
    ),
    Case(
        row="K3",
        have=[
            thing(
                ALIAS,
                "alias/data",
                outputs={"arn": f"arn:aws:kms:eu-central-1:{ACCOUNT}:alias/data"},
                name="alias/data",
            )
        ],
        request=create(ALIAS, name="alias/data", targetKeyId=KEY_ID),
        says=(
            "AlreadyExistsException: An alias with the name "
            f"arn:aws:kms:eu-central-1:{ACCOUNT}:alias/data already exists"
        ),
    ),
    Case(
        row="K3",
        have=[thing(ALIAS, "alias/logs", name="alias/logs")],
        request=create(ALIAS, name="alias/data", targetKeyId=KEY_ID),
    ),
    Case(
        row="K4",
        gone=[key(deletionWindowInDays=7)],
        days=6,
        request=create(ALIAS, name="alias/data", targetKeyId=KEY_ARN),
        says=PENDING,
    ),
    Case(
        row="K4",
        gone=[key()],
        days=29,
        request=create(REPLICA, primaryKeyArn=KEY_ARN),
        says=PENDING,
    ),
    Case(
        row="K4",
        have=[key(isEnabled=False)],
        request=create(GRANT, keyId=KEY_ID, granteePrincipal=ROOT, operations=["Decrypt"]),
        says=f"DisabledException: {KEY_ID} is disabled.",
    ),
    Case(row="K4", have=[key()], request=create(ALIAS, name="alias/data", targetKeyId=KEY_ARN)),
    Case(
        row="K4",
        gone=[key(deletionWindowInDays=7)],
        days=8,
        request=create(ALIAS, name="alias/data", targetKeyId=KEY_ARN),
    ),
    Case(
        row="K5",
        have=[key(isEnabled=False)],
        request=create(DATABASE, kmsKeyId=KEY_ARN),
        says=NO_ACCESS.format(KEY_ARN),
    ),
    Case(
        row="K5",
        request=create(
            DATABASE, performanceInsightsKmsKeyId=KEY_ARN.replace("eu-central-1", "eu-west-1")
        ),
        says=NO_ACCESS.format(KEY_ARN.replace("eu-central-1", "eu-west-1")),
    ),
    Case(
        row="K5",
        have=[key()],
        request=create(DATABASE, kmsKeyId=KEY_ARN, masterUserSecretKmsKeyId=UNKNOWN),
    ),
    Case(row="K6", gone=[jwt()], days=29, request=create(SECRET, name="jwt"), says=SCHEDULED),
    Case(
        row="K6",
        gone=[jwt(recoveryWindowInDays=7)],
        days=6,
        request=create(SECRET, name="jwt", recoveryWindowInDays=0),
        says=SCHEDULED,
    ),
    Case(
        row="K6",
        gone=[jwt(recoveryWindowInDays=7)],
        days=7.5,
        request=create(SECRET, name="jwt"),
    ),
    Case(row="K6", gone=[jwt(recoveryWindowInDays=0)], request=create(SECRET, name="jwt")),
    Case(row="K6", gone=[jwt()], request=create(SECRET, name="jwt-1a2b")),
    Case(
        row="K7",
        gone=[jwt()],
        request=create(VERSION, secretId=SECRET_ARN, secretString="s"),
        says=MARKED,
    ),
    Case(
        row="K7",
        gone=[jwt()],
        request=create(SECRET_POLICY, secretArn=SECRET_ARN, policy="{}"),
        says=MARKED,
    ),
    Case(row="K7", have=[jwt()], request=create(ROTATION, secretId=SECRET_ARN)),
    Case(row="K8", request=create(SECRET, name="jwt", recoveryWindowInDays=3), says=WINDOW),
    Case(
        row="K8",
        request=update(SECRET, SECRET_ARN, {"recoveryWindowInDays": 30}, recoveryWindowInDays=31),
        says=WINDOW,
    ),
    Case(row="K8", request=create(SECRET, name="jwt", recoveryWindowInDays=0)),
    Case(row="K8", request=create(SECRET, name="jwt", recoveryWindowInDays=7)),
    Case(
        row="K9",
        have=[jwt()],
        request=create(SECRET, name="jwt"),
        says=(
            "ResourceExistsException: The operation failed because the secret jwt already exists."
        ),
    ),
    Case(row="K9", have=[jwt()], request=create(SECRET, name="session")),
    Case(
        row="K10",
        request=create(
            SECRET_POLICY, secretArn=SECRET_ARN, blockPublicPolicy=True, policy=policy(READ)
        ),
        says=PUBLIC,
    ),
    Case(
        row="K10",
        request=create(
            SECRET_POLICY,
            secretArn=SECRET_ARN,
            blockPublicPolicy=True,
            policy=policy(
                {**READ, "Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}},
                {**READ, "Effect": "Deny"},
            ),
        ),
    ),
    Case(row="K10", request=create(SECRET_POLICY, secretArn=SECRET_ARN, policy=policy(READ))),
    Case(
        row="K11",
        have=[key(isEnabled=False)],
        request=create(SECRET, name="jwt", kmsKeyId=KEY_ARN),
        says=UNUSABLE,
    ),
    Case(
        row="K11",
        gone=[key()],
        request=create(SECRET, name="jwt", kmsKeyId=KEY_ID),
        says=UNUSABLE,
    ),
    Case(row="K11", have=[key()], request=create(SECRET, name="jwt", kmsKeyId=KEY_ARN)),
]


def test_the_room_has_all_rows_of_the_reference() -> None:
    assert [row.id for row in ROWS] == [f"K{i}" for i in range(1, 12)]


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_a_name_that_is_scheduled_in_one_region_is_free_in_another(region: str) -> None:
    elsewhere = type(jwt())(**{**vars(jwt()), "region": region})
    case = Case(row="K6", gone=[elsewhere], request=create(SECRET, name="jwt"))
    assert said(ROWS, case) is None
