"""One hardened bucket: private, versioned, encrypted, over TLS, and never without a lifecycle."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components import bucket as room
from components.bucket import Bucket, BucketArgs, Lock, Replication, Transition
from components.context import Context
from tests.recorder import ACCOUNT, REGION, Recorder, record

S3 = "aws:s3/"
MAIN = f"arches-test-dumps-{ACCOUNT}-{REGION}"
COPY = f"arches-test-dumps-{ACCOUNT}-eu-west-1"


def context(**changed: Any) -> Context:
    values: dict[str, Any] = {
        "project": "arches",
        "stack": "test",
        "account_id": ACCOUNT,
        "region": REGION,
        "backup_region": "eu-west-1",
        "protect": True,
        "serves_customers": True,
    }
    return Context(**(values | changed))


@cache
def built(*, protect: bool = True, key: bool = True, replicated: bool = False, **args: Any):
    """A bucket of dumps, and the recorder that saw it made."""
    seen: dict[str, Any] = {}

    def program() -> None:
        provider = aws.Provider("aws", region=REGION)
        named = pulumi.ResourceOptions(provider=provider)
        main = aws.kms.Key("key", opts=named) if key else None
        given = dict(args)
        if replicated:
            copy = aws.kms.Key("copy-key", region="eu-west-1", opts=named)
            given["replication"] = Replication(key=copy, delete_markers=False)
        seen["bucket"] = Bucket(
            "dumps",
            BucketArgs(
                context=context(protect=protect),
                noun="dumps",
                noncurrent_days=1,
                key=main,
                **given,
            ),
            pulumi.ResourceOptions(providers=[provider]),
        )

    recorder = record(program)
    return seen["bucket"], recorder


def kind(noun: str) -> str:
    return f"{S3}{noun[0].lower()}{noun[1:]}:{noun}"


def statements(recorder: Recorder, name: str = "dumps-policy") -> dict[str, dict[str, Any]]:
    policy = json.loads(recorder.one(kind("BucketPolicy"), name).inputs["policy"])
    return {s["Sid"]: s for s in policy["Statement"]}


# -- documents --------------------------------------------------------------------------------
def test_the_lifecycle_expires_hides_and_aborts_in_one_rule():
    assert room.lifecycle_rules(expire_days=30, noncurrent_days=1) == [
        {
            "id": "retention",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
            "noncurrent_version_expiration": {"noncurrent_days": 1},
            "expiration": {"days": 30},
        }
    ]


def test_without_expiry_lone_delete_markers_still_go():
    (rule,) = room.lifecycle_rules(expire_days=None, noncurrent_days=29)
    assert rule.get("expiration") == {"expired_object_delete_marker": True}


def test_s3_is_never_asked_for_an_infrequent_class_before_thirty_days():
    with pytest.raises(ValueError, match="at least 30 days"):
        Transition(days=29)
    (rule,) = room.lifecycle_rules(
        expire_days=None, noncurrent_days=29, transitions=[Transition(days=30)]
    )
    assert rule.get("transitions") == [{"days": 30, "storage_class": "STANDARD_IA"}]


def test_a_plain_upload_is_taken_and_one_under_a_foreign_key_is_not():
    encryption, key = room.own_key_only("arn:aws:s3:::b", "arn:aws:kms:r:1:key/k")
    header = "s3:x-amz-server-side-encryption"
    assert encryption["Condition"] == {
        "StringNotEquals": {header: "aws:kms"},
        "Null": {header: "false"},
    }
    assert key["Condition"] == {
        "StringNotEquals": {f"{header}-aws-kms-key-id": "arn:aws:kms:r:1:key/k"},
        "Null": {f"{header}-aws-kms-key-id": "false"},
    }, "without Null an upload that names no key, which gets the bucket's, would be refused"
    assert {encryption["Effect"], key["Effect"]} == {"Deny"}


def test_the_replicator_may_copy_and_nothing_else():
    policy = json.loads(
        room.replication_policy(
            source_arn="arn:aws:s3:::a",
            source_key_arn="arn:aws:kms:eu-central-1:1:key/a",
            source_region="eu-central-1",
            replica_arn="arn:aws:s3:::b",
            replica_key_arn="arn:aws:kms:eu-west-1:1:key/b",
            replica_region="eu-west-1",
        )
    )
    said = {s["Sid"]: (s["Action"], s["Resource"]) for s in policy["Statement"]}
    assert said == {
        "ReadSource": (["s3:GetReplicationConfiguration", "s3:ListBucket"], "arn:aws:s3:::a"),
        "ReadVersions": (
            [
                "s3:GetObjectLegalHold",
                "s3:GetObjectRetention",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionTagging",
            ],
            "arn:aws:s3:::a/*",
        ),
        "WriteReplica": (
            ["s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"],
            "arn:aws:s3:::b/*",
        ),
        "Decrypt": (["kms:Decrypt"], "arn:aws:kms:eu-central-1:1:key/a"),
        "Encrypt": (["kms:Encrypt", "kms:GenerateDataKey"], "arn:aws:kms:eu-west-1:1:key/b"),
    }
    via = [
        s["Condition"]["StringEquals"]["kms:ViaService"]
        for s in policy["Statement"]
        if "Condition" in s
    ]
    assert via == ["s3.eu-central-1.amazonaws.com", "s3.eu-west-1.amazonaws.com"]


# -- one bucket -------------------------------------------------------------------------------
def test_a_bucket_is_made_of_exactly_these_parts():
    _, seen = built(expire_days=30)
    made = sorted(r.type for r in seen.custom if r.type.startswith(S3))
    assert made == sorted(
        kind(noun)
        for noun in (
            "Bucket",
            "BucketVersioning",
            "BucketPolicy",
            "BucketPublicAccessBlock",
            "BucketOwnershipControls",
            "BucketServerSideEncryptionConfiguration",
            "BucketLifecycleConfiguration",
        )
    )


def test_its_name_holds_the_account_and_the_region():
    _, seen = built()
    bucket = seen.one(kind("Bucket"))
    assert bucket.inputs == {"bucket": MAIN, "forceDestroy": False}
    assert bucket.protect, "a destroy would take the backups with it"


def test_where_nothing_is_protected_a_full_bucket_can_be_destroyed():
    _, seen = built(protect=False)
    bucket = seen.one(kind("Bucket"))
    assert bucket.inputs["forceDestroy"] is True
    assert not bucket.protect


def test_it_is_private_versioned_and_owned():
    _, seen = built()
    assert seen.one(kind("BucketPublicAccessBlock")).inputs == {
        "bucket": MAIN,
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    }
    versioning = seen.one(kind("BucketVersioning"))
    assert versioning.inputs["versioningConfiguration"] == {"status": "Enabled"}
    assert versioning.retain_on_delete, "suspending versions is refused under a lock (S6)"
    ownership = seen.one(kind("BucketOwnershipControls"))
    assert ownership.inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


def test_it_is_encrypted_with_its_key_and_takes_no_other():
    _, seen = built()
    key = seen.one("aws:kms/key:Key")
    arn = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/"
    (rule,) = seen.one(kind("BucketServerSideEncryptionConfiguration")).inputs["rules"]
    default = rule["applyServerSideEncryptionByDefault"]
    assert default["sseAlgorithm"] == "aws:kms"
    assert default["kmsMasterKeyId"].startswith(arn), key.name
    assert rule["bucketKeyEnabled"] is True
    assert rule["blockedEncryptionTypes"] == ["SSE-C"]
    assert list(statements(seen)) == ["TlsOnly", "OwnEncryptionOnly", "OwnKeyOnly"]


def test_a_service_that_encrypts_by_itself_is_not_locked_out():
    _, seen = built(enforce_key=False)
    assert list(statements(seen)) == ["TlsOnly"]


def test_every_request_without_tls_is_refused():
    _, seen = built()
    tls = statements(seen)["TlsOnly"]
    assert (tls["Effect"], tls["Principal"], tls["Action"]) == ("Deny", "*", ["s3:*"])
    assert tls["Resource"] == [f"arn:aws:s3:::{MAIN}", f"arn:aws:s3:::{MAIN}/*"]
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_log_bucket_is_ready_after_policy_and_block_alone():
    bucket, seen = built(key=False)
    (rule,) = seen.one(kind("BucketServerSideEncryptionConfiguration")).inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}, (
        "a load balancer cannot write to a bucket with a key (L6)"
    )
    assert [r._type for r in bucket.ready] == [
        kind("BucketPolicy"),
        kind("BucketPublicAccessBlock"),
    ], "the load balancer waits for more than it has to"
    policy = seen.one(kind("BucketPolicy"))
    owner = seen.one(kind("Bucket"))
    assert policy.dependencies == [owner.urn], "the policy waits for more than the bucket"


def test_who_writes_to_a_locked_bucket_waits_for_default_encryption_and_lock():
    bucket, _ = built(lock=Lock(days=30))
    assert [r._type for r in bucket.ready] == [
        kind("BucketPolicy"),
        kind("BucketPublicAccessBlock"),
        kind("BucketServerSideEncryptionConfiguration"),
        kind("BucketObjectLockConfiguration"),
    ], "an object written earlier would be neither encrypted nor locked"


def test_versions_come_before_lock_and_lifecycle():
    _, seen = built(lock=Lock(days=30))
    versioning = seen.one(kind("BucketVersioning")).urn
    lock = seen.one(kind("BucketObjectLockConfiguration"))
    assert versioning in lock.dependencies, "S5"
    assert versioning in seen.one(kind("BucketLifecycleConfiguration")).dependencies
    assert lock.inputs["objectLockEnabled"] == "Enabled"
    assert lock.inputs["rule"] == {"defaultRetention": {"mode": "GOVERNANCE", "days": 30}}


def test_a_lock_is_not_lifted_without_changing_the_policy_first():
    _, seen = built(lock=Lock(days=30))
    bypass = statements(seen)["NoBypass"]
    assert (bypass["Effect"], bypass["Action"]) == ("Deny", ["s3:BypassGovernanceRetention"])
    _, unprotected = built(lock=Lock(days=30), protect=False)
    assert "NoBypass" not in statements(unprotected), "`destroy` of a test would never end"


def test_a_bucket_without_lock_has_no_lock_configuration():
    _, seen = built()
    assert not seen.of(kind("BucketObjectLockConfiguration"))


# -- its replica ------------------------------------------------------------------------------
def test_the_replica_is_hardened_like_the_bucket_in_the_other_region():
    bucket, seen = built(replicated=True, expire_days=30, lock=Lock(days=30))
    assert bucket.replica is not None
    parts = [r for r in seen.custom if f"{r.name}-".startswith("dumps-replica-")]
    assert len(parts) == 8
    assert {r.inputs["region"] for r in parts} == {"eu-west-1"}
    assert seen.one(kind("Bucket"), "dumps-replica").inputs["bucket"] == COPY
    assert seen.one(kind("Bucket"), "dumps-replica").protect
    rules = [
        seen.one(kind("BucketLifecycleConfiguration"), name).inputs["rules"]
        for name in ("dumps-lifecycle", "dumps-replica-lifecycle")
    ]
    assert rules[0] == rules[1], "the copy would outlive the promise to erase"
    (encryption,) = seen.one(
        kind("BucketServerSideEncryptionConfiguration"), "dumps-replica-encryption"
    ).inputs["rules"]
    key = encryption["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"]
    assert key.startswith(f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/")
    assert "NoBypass" in statements(seen, "dumps-replica-policy")


def test_replication_waits_for_versions_and_locks_on_both_ends_and_for_its_rights():
    _, seen = built(replicated=True, lock=Lock(days=30))
    replication = seen.one(kind("BucketReplicationConfig"))
    for noun, name in (
        ("BucketVersioning", "dumps-versioning"),
        ("BucketVersioning", "dumps-replica-versioning"),
        ("BucketObjectLockConfiguration", "dumps-lock"),
        ("BucketObjectLockConfiguration", "dumps-replica-lock"),
    ):
        assert seen.one(kind(noun), name).urn in replication.dependencies, f"S7: {name}"
    rights = seen.one("aws:iam/rolePolicy:RolePolicy")
    assert rights.urn in replication.dependencies, "what is written before is never copied"


def test_the_replication_is_timed_and_encrypted_and_keeps_what_an_intruder_deletes():
    _, seen = built(replicated=True)
    (rule,) = seen.one(kind("BucketReplicationConfig")).inputs["rules"]
    destination = rule.pop("destination")
    assert rule == {
        "id": "everything",
        "status": "Enabled",
        "priority": 1,
        "filter": {"prefix": ""},
        "deleteMarkerReplication": {"status": "Disabled"},
        "sourceSelectionCriteria": {"sseKmsEncryptedObjects": {"status": "Enabled"}},
    }
    assert destination["bucket"] == f"arn:aws:s3:::{COPY}"
    assert destination["replicationTime"] == {"status": "Enabled", "time": {"minutes": 15}}
    assert destination["metrics"] == {"status": "Enabled", "eventThreshold": {"minutes": 15}}
    replica_key = destination["encryptionConfiguration"]["replicaKmsKeyId"]
    assert replica_key.startswith("arn:aws:kms:eu-west-1:")


def test_best_effort_replication_is_neither_timed_nor_measured():
    rule: Any = room.replication_rule(
        replica_arn="b", key_arn="k", delete_markers=True, timed=False
    )
    assert set(rule["destination"]) == {"bucket", "encryption_configuration"}
    assert rule["delete_marker_replication"] == {"status": "Enabled"}


def test_a_bucket_without_a_key_cannot_be_replicated():
    with pytest.raises(ValueError, match="only a bucket with a key"):
        built(key=False, replicated=True)


def test_everything_is_a_child_of_the_bucket_and_names_no_provider_itself():
    _, seen = built(replicated=True, lock=Lock(days=30))
    for made in seen.custom:
        if made.type == "aws:kms/key:Key":
            continue
        assert "arches:index:Bucket" in made.parent, f"{made.name} left home"
        assert made.name.startswith("dumps")
        assert made.provider, f"{made.name} would be made by a default provider"
