"""Storage: every bucket has its encryption, versioning, public-access block and TLS-only policy."""

from __future__ import annotations

import json
from collections.abc import Iterator

from rules.model import Item, Props, Rule, Stack, StackRule

BUCKET = "aws:s3/bucket:Bucket"
_PARTS = {
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "has no public-access block",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "has no default encryption"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": "keeps no versions",
    "aws:s3/bucketPolicy:BucketPolicy": "has no policy that refuses plain HTTP",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "keeps everything for ever",
}


def _complete(bucket: Item, stack: Stack) -> Iterator[str]:
    for type_, wrong in _PARTS.items():
        if not stack.parts(type_, "bucket", bucket):
            yield f"this bucket {wrong}"


def _blocked(props: Props) -> Iterator[str]:
    for key in (
        "blockPublicAcls",
        "blockPublicPolicy",
        "ignorePublicAcls",
        "restrictPublicBuckets",
    ):
        if not props.at(key):
            yield f"{key} is off"


def _tls_only(props: Props) -> Iterator[str]:
    document = props.document("policy")
    for statement in document.get("Statement", []):
        if (
            statement.get("Effect") == "Deny"
            and statement.get("Principal") in ("*", {"AWS": "*"})
            and statement.get("Action") in ("*", "s3:*", ["s3:*"])
            and '"aws:SecureTransport": "false"' in json.dumps(statement.get("Condition"))
        ):
            return
    yield "plain HTTP is accepted"


def _vault(props: Props) -> Iterator[str]:
    if not props.given("kmsKeyArn"):
        yield "recovery points are encrypted with the account's default key"


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="bucket-complete",
        sentence="Every bucket is encrypted, versioned, private, TLS-only and has lifetimes.",
        types=(BUCKET,),
        severity="critical",
        requirements=("BAK-03", "BAK-04", "CHK-INFRA-07"),
        fix="make buckets with components/bucket.py only",
        judge=_complete,
    ),
    Rule(
        name="bucket-public-access-blocked",
        sentence="A bucket's public-access block is whole.",
        types=("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",),
        severity="critical",
        requirements=("BAK-03",),
        fix="set all four to true",
        judge=_blocked,
    ),
    Rule(
        name="bucket-tls-only",
        sentence="A bucket refuses plain HTTP.",
        types=("aws:s3/bucketPolicy:BucketPolicy",),
        severity="high",
        requirements=("BAK-03", "CHK-SEC-01"),
        fix="add documents.tls_only to its policy",
        judge=_tls_only,
    ),
    Rule(
        name="backup-vault-kms",
        sentence="Backups are encrypted with a key of ours.",
        types=("aws:backup/vault:Vault",),
        severity="high",
        requirements=("CHK-INFRA-07",),
        fix="set kms_key_arn",
        judge=_vault,
    ),
)
