"""What makes a bucket public or readable."""

from __future__ import annotations

from typing import Any

from rules.data.storage import ACCOUNT_BLOCK, BLOCK, ENCRYPTION, FLAGS, LOGGING, OWNERSHIP, POLICY
from rules.data.stores import BUCKET

from tests.policies.mutation import (
    Change,
    Mutant,
    add,
    document,
    drop,
    put,
    several,
    unlink,
    without,
)

_FILES, _LOGS = "storage-files", "storage-logs"
_DEFAULT = "rules.0.applyServerSideEncryptionByDefault"


def _broken(rule: str, title: str, change: Change, *says: str, at: str = "") -> Mutant:
    return Mutant(rule=rule, title=title, change=change, says=says, at=at)


def _policy(change: Any) -> Change:
    return document(POLICY, "policy", change, f"{_FILES}-policy")


def _tls(key: str, value: Any) -> Change:
    def change(policy: dict[str, Any]) -> None:
        statement = next(each for each in policy["Statement"] if each["Sid"] == "TlsOnly")
        statement[key] = value

    return _policy(change)


def _open(principal: Any) -> Change:
    grant = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "*"}
    return _policy(lambda policy: policy["Statement"].append(grant))


MUTANTS: tuple[Mutant, ...] = (
    *(
        _broken(
            "bucket-public-access-blocked", f"{flag} off",
            put(BLOCK, flag, False, f"{_FILES}-public-access"),
            f"{flag} is off",
            at=_FILES,
        )
        for flag in FLAGS
    ),
    _broken(
        "bucket-public-access-blocked", "no block", without(BLOCK, f"{_FILES}-public-access"),
        "this bucket has no public-access block",
        at=_FILES,
    ),
    _broken(
        "bucket-public-access-blocked", "a block of another bucket",
        unlink(BLOCK, "bucket", f"{_FILES}-public-access"),
        "this bucket has no public-access block",
        at=_FILES,
    ),
    _broken(
        "account-public-access-required", "no block", without(ACCOUNT_BLOCK),
        "a bucket that somebody makes by hand may be public",
        at="arches-prod",
    ),
    *(
        _broken(
            "account-public-access-blocked", f"{flag} off", put(ACCOUNT_BLOCK, flag, False),
            f"{flag} is off",
        )
        for flag in FLAGS
    ),
    _broken(
        "account-public-access-blocked", "a flag that is not said", drop(ACCOUNT_BLOCK, FLAGS[0]),
        f"{FLAGS[0]} is off",
    ),
    _broken(
        "bucket-policy-not-public", "everybody", _open("*"), "everybody may s3:GetObject"
    ),
    _broken(
        "bucket-policy-not-public", "every principal", _open({"AWS": ["*"]}),
        "everybody may s3:GetObject",
    ),
    _broken(
        "bucket-policy-not-public", "everybody but one account",
        _policy(
            lambda policy: policy["Statement"].append(
                {
                    "Effect": "Allow", "NotPrincipal": {"AWS": "444455556666"},
                    "Action": "s3:GetObject", "Resource": "*",
                }
            )
        ),
        "everybody may s3:GetObject",
    ),
    _broken(
        "bucket-policy-not-delegated", "another account",
        _policy(
            lambda policy: policy["Statement"].append(
                {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "s3:Put*"}
            )
        ),
        "others than its owner may s3:PutBucketAcl, s3:PutBucketPolicy, "
        "s3:PutEncryptionConfiguration, s3:PutObjectAcl",
    ),
    _broken(
        "bucket-policy-no-lockout", "a refusal without a condition", _tls("Condition", {}),
        "nobody may s3:DeleteBucketPolicy, s3:PutBucketAcl, s3:PutBucketPolicy, "
        "s3:PutEncryptionConfiguration, s3:PutObjectAcl ever again",
    ),
    _broken(
        "bucket-tls-only", "no policy", without(POLICY, f"{_FILES}-policy"),
        "plain HTTP is accepted",
        at=_FILES,
    ),
    _broken(
        "bucket-tls-only", "allowed", _tls("Effect", "Allow"), "plain HTTP is accepted", at=_FILES
    ),
    _broken(
        "bucket-tls-only", "for one caller only",
        _tls(
            "Condition",
            {
                "Bool": {"aws:SecureTransport": "false"},
                "StringEquals": {"aws:PrincipalArn": "nobody"},
            },
        ),
        "plain HTTP is accepted",
        at=_FILES,
    ),
    _broken(
        "bucket-tls-only", "reading only", _tls("Action", ["s3:GetObject"]),
        "plain HTTP is accepted",
        at=_FILES,
    ),
    _broken(
        "bucket-tls-only", "one role only", _tls("Principal", {"AWS": "arn:aws:iam::1:role/a"}),
        "plain HTTP is accepted",
        at=_FILES,
    ),
    _broken(
        "bucket-tls-only", "the bucket without its objects",
        _tls("Resource", "arn:aws:s3:::arches-prod-files-111122223333-eu-central-1"),
        "plain HTTP is accepted",
        at=_FILES,
    ),
    _broken(
        "bucket-tls-only", "the other way round",
        _tls("Condition", {"Bool": {"aws:SecureTransport": "true"}}),
        "plain HTTP is accepted",
        at=_FILES,
    ),
    _broken(
        "bucket-tls-only", "without its condition", _tls("Condition", {}),
        "plain HTTP is accepted",
        at=_FILES,
    ),
    _broken(
        "bucket-acls-off", "writers own what they write",
        put(OWNERSHIP, "rule.objectOwnership", "ObjectWriter", f"{_FILES}-ownership"),
        "whoever writes an object may decide who reads it",
        at=_FILES,
    ),
    _broken(
        "bucket-acls-off", "switched on by a second one",
        add(
            OWNERSHIP, "second", {"rule": {"objectOwnership": "ObjectWriter"}},
            {"bucket": (BUCKET, _FILES)},
        ),
        "whoever writes an object may decide who reads it",
        at=_FILES,
    ),
    _broken(
        "bucket-acls-off", "not said", without(OWNERSHIP, f"{_FILES}-ownership"),
        "whoever writes an object may decide who reads it",
        at=_FILES,
    ),
    _broken(
        "bucket-encrypted", "not said", without(ENCRYPTION, f"{_FILES}-encryption"),
        "this bucket has no default encryption",
        at=_FILES,
    ),
    _broken(
        "bucket-encrypted", "S3's own keys",
        put(ENCRYPTION, _DEFAULT, {"sseAlgorithm": "AES256"}, f"{_FILES}-encryption"),
        "objects are encrypted with AES256, not with a key of ours",
        at=_FILES,
    ),
    _broken(
        "bucket-encrypted", "the account's key",
        drop(ENCRYPTION, f"{_DEFAULT}.kmsMasterKeyId", f"{_FILES}-encryption"),
        "objects are encrypted with the account's default key",
        at=_FILES,
    ),
    _broken(
        "bucket-encrypted", "a bucket for logs that nobody delivers to",
        several(
            without(LOGGING),
            put("aws:lb/loadBalancer:LoadBalancer", "accessLogs", {"enabled": False}),
            unlink("aws:lb/loadBalancer:LoadBalancer", "accessLogs"),
        ),
        "objects are encrypted with AES256, not with a key of ours",
        at=_LOGS,
    ),
    _broken(
        "bucket-key-used", "off",
        put(ENCRYPTION, "rules.0.bucketKeyEnabled", False, f"{_FILES}-encryption"),
        "every object asks KMS for itself",
    ),
)  # fmt: skip
