"""The buckets of the deployment: each row, what may be written to it, and for how long."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components import storage as room
from components.context import Context
from components.storage import Storage, StorageArgs
from settings.storage import StorageSettings
from tests.components.test_bucket import context, kind
from tests.neighbours import neighbour
from tests.recorder import ACCOUNT, REGION, Recorder, record

ROWS = ("audit", "dumps", "files", "logs", "velero")


def built(settings: dict[str, Any] | None = None) -> tuple[Storage, Recorder]:
    seen: dict[str, Any] = {}

    def program() -> None:
        provider = aws.Provider("aws", region=REGION)
        named = pulumi.ResourceOptions(provider=provider)
        keys: Any = neighbour(
            data=aws.kms.Key("data", opts=named),
            logs=aws.kms.Key("logs", opts=named),
            backups=aws.kms.Key("backups", opts=named),
            backups_copy=aws.kms.Key("copy", region="eu-west-1", opts=named),
        )
        seen["storage"] = Storage(
            "storage",
            StorageArgs(
                context=context(),
                settings=StorageSettings.model_validate_json(json.dumps(settings or {})),
                keys=keys,
            ),
            pulumi.ResourceOptions(providers=[provider]),
        )

    recorder = record(program)
    return seen["storage"], recorder


@pytest.fixture(scope="module")
def seen() -> Recorder:
    return built()[1]


def key_of(seen: Recorder, name: str) -> str | None:
    (rule,) = seen.one(
        kind("BucketServerSideEncryptionConfiguration"), f"storage-{name}-encryption"
    ).inputs["rules"]
    return rule["applyServerSideEncryptionByDefault"].get("kmsMasterKeyId")


def lifecycle(seen: Recorder, name: str) -> tuple[Any, int]:
    (rule,) = seen.one(kind("BucketLifecycleConfiguration"), f"storage-{name}-lifecycle").inputs[
        "rules"
    ]
    return rule["expiration"], rule["noncurrentVersionExpiration"]["noncurrentDays"]


def policy(seen: Recorder, name: str) -> dict[str, dict[str, Any]]:
    text = seen.one(kind("BucketPolicy"), f"storage-{name}-policy").inputs["policy"]
    return {s["Sid"]: s for s in json.loads(text)["Statement"]}


def services(seen: Recorder, name: str) -> set[str]:
    allowed = [s for s in policy(seen, name).values() if s["Effect"] == "Allow"]
    return {s["Principal"]["Service"] for s in allowed}


def test_there_are_five_buckets_and_two_replicas(seen: Recorder):
    names = [r.name for r in seen.of(kind("Bucket"))]
    assert sorted(names) == sorted(
        [
            *(f"storage-{row}" for row in ROWS),
            "storage-dumps-replica",
            "storage-files-replica",
        ]
    )


def test_their_names_are_known_and_hold_account_and_region(seen: Recorder):
    for row in ROWS:
        known = seen.one(kind("Bucket"), f"storage-{row}").inputs["bucket"]
        assert known == f"arches-test-{row}-{ACCOUNT}-{REGION}"


def test_every_bucket_is_private_and_has_a_lifecycle(seen: Recorder):
    buckets = {r.inputs["bucket"] for r in seen.of(kind("Bucket"))}
    for noun in (
        "BucketVersioning",
        "BucketPolicy",
        "BucketPublicAccessBlock",
        "BucketOwnershipControls",
        "BucketServerSideEncryptionConfiguration",
        "BucketLifecycleConfiguration",
    ):
        assert {r.inputs["bucket"] for r in seen.of(kind(noun))} == buckets, noun


@pytest.mark.parametrize(
    ("row", "expiration", "noncurrent"),
    [
        ("dumps", {"days": 30}, 1),
        ("dumps-replica", {"days": 30}, 1),
        ("logs", {"days": 30}, 1),
        ("audit", {"days": 365}, 1),
        ("velero", {"expiredObjectDeleteMarker": True}, 7),
        ("files", {"expiredObjectDeleteMarker": True}, 29),
        ("files-replica", {"expiredObjectDeleteMarker": True}, 29),
    ],
)
def test_each_is_kept_for_its_time(
    seen: Recorder, row: str, expiration: dict[str, Any], noncurrent: int
):
    assert lifecycle(seen, row) == (expiration, noncurrent)


def test_each_has_its_key_and_the_log_bucket_has_none(seen: Recorder):
    assert key_of(seen, "logs") is None, "load balancers deliver to SSE-S3 only (L6)"
    keys = {row: key_of(seen, row) for row in ("dumps", "velero", "files", "audit")}
    assert keys["dumps"] == keys["velero"]
    assert len({keys["dumps"], keys["files"], keys["audit"]}) == 3


def test_dumps_and_audit_are_locked_as_long_as_they_are_kept(seen: Recorder):
    locks = {
        r.name: r.inputs["rule"]["defaultRetention"]
        for r in seen.of(kind("BucketObjectLockConfiguration"))
    }
    assert locks == {
        "storage-dumps-lock": {"mode": "GOVERNANCE", "days": 30},
        "storage-dumps-replica-lock": {"mode": "GOVERNANCE", "days": 30},
        "storage-audit-lock": {"mode": "GOVERNANCE", "days": 365},
    }, "a lock on Velero's bucket stops its pruning (DR-07), on the log bucket its deliveries"


def test_erasing_a_file_reaches_the_copy_and_deleting_a_dump_does_not(seen: Recorder):
    markers = {
        r.name: r.inputs["rules"][0]["deleteMarkerReplication"]["status"]
        for r in seen.of(kind("BucketReplicationConfig"))
    }
    assert markers == {
        "storage-dumps-replication": "Disabled",
        "storage-files-replication": "Enabled",
    }


def test_each_bucket_but_the_log_bucket_says_who_read_it(seen: Recorder):
    logging = {r.inputs["bucket"]: r for r in seen.of(kind("BucketLogging"))}
    target = f"arches-test-logs-{ACCOUNT}-{REGION}"
    assert set(logging) == {
        f"arches-test-{row}-{ACCOUNT}-{REGION}" for row in ROWS if row != "logs"
    }, "a bucket that logs to itself grows by its own logs"
    for row in ("audit", "dumps", "files", "velero"):
        one = logging[f"arches-test-{row}-{ACCOUNT}-{REGION}"]
        assert (one.inputs["targetBucket"], one.inputs["targetPrefix"]) == (target, f"s3/{row}/")
        assert seen.one(kind("BucketPolicy"), "storage-logs-policy").urn in one.dependencies, "S11"


def test_four_services_may_write_logs_and_only_to_their_places(seen: Recorder):
    arn = f"arn:aws:s3:::arches-test-logs-{ACCOUNT}-{REGION}"
    said = policy(seen, "logs")
    assert services(seen, "logs") == {
        "logdelivery.elasticloadbalancing.amazonaws.com",
        "delivery.logs.amazonaws.com",
        "logging.s3.amazonaws.com",
        "config.amazonaws.com",
    }
    assert {sid: s["Resource"] for sid, s in said.items() if "s3:PutObject" in s["Action"]} == {
        "LoadBalancerLogs": [
            f"{arn}/alb-connections/AWSLogs/{ACCOUNT}/*",
            f"{arn}/alb/AWSLogs/{ACCOUNT}/*",
        ],
        "CloudFrontLogs": [f"{arn}/AWSLogs/{ACCOUNT}/*", f"{arn}/cloudfront/*"],
        "ServerAccessLogs": f"{arn}/s3/*",
        "ConfigHistory": f"{arn}/config/AWSLogs/{ACCOUNT}/Config/*",
    }


def test_only_our_own_account_may_send_a_service(seen: Recorder):
    for row in ("logs", "audit"):
        for sid, said in policy(seen, row).items():
            if said["Effect"] == "Deny" or sid == "LoadBalancerLogs":
                continue  # the load balancer's restriction is the account in the path
            conditions = json.dumps(said["Condition"])
            assert ACCOUNT in conditions, f"{sid}: another account could write here"


def test_only_a_trail_of_this_deployment_writes_to_the_audit_bucket(seen: Recorder):
    arn = f"arn:aws:s3:::arches-test-audit-{ACCOUNT}-{REGION}"
    trail = {"aws:SourceArn": f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/arches-test-*"}
    said = policy(seen, "audit")
    assert services(seen, "audit") == {"cloudtrail.amazonaws.com"}
    assert said["TrailLooks"]["Action"] == ["s3:GetBucketAcl"]
    assert said["TrailLooks"]["Condition"] == {"ArnLike": trail}
    assert said["TrailLogs"]["Resource"] == f"{arn}/AWSLogs/{ACCOUNT}/*"
    assert said["TrailLogs"]["Condition"] == {
        "ArnLike": trail,
        "StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"},
    }
    assert "OwnKeyOnly" not in said, "CloudTrail's digests are SSE-S3 and would be refused"


def test_no_service_writes_to_dumps_velero_or_files(seen: Recorder):
    for row in ("dumps", "velero", "files", "dumps-replica", "files-replica"):
        assert services(seen, row) == set()
        assert {"TlsOnly", "OwnEncryptionOnly", "OwnKeyOnly"} <= set(policy(seen, row))


def test_the_account_wide_block_has_one_owner(seen: Recorder):
    block = kind("AccountPublicAccessBlock")
    assert not seen.of(block), "two stacks of one account would overwrite each other"
    _, owner = built({"accountPublicAccessBlock": True})
    assert owner.one(block).inputs == {
        "accountId": ACCOUNT,
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    }


def test_the_state_bucket_is_a_choice():
    storage, seen = built()
    assert storage.state is None
    storage, seen = built({"stateBucket": True})
    assert storage.state is not None
    assert lifecycle(seen, "state") == ({"expiredObjectDeleteMarker": True}, 29)
    assert seen.one(kind("BucketReplicationConfig"), "storage-state-replication")


def test_a_smaller_environment_may_do_without_copies():
    _, seen = built({"replicate": False, "replicationTimeControl": False})
    assert not seen.of(kind("BucketReplicationConfig"))
    assert len(seen.of(kind("Bucket"))) == 5
    assert not seen.of("aws:iam/role:Role")


def test_files_may_move_to_the_cheaper_class_later():
    _, seen = built({"filesInfrequentAfterDays": 90})
    (rule,) = seen.one(kind("BucketLifecycleConfiguration"), "storage-files-lifecycle").inputs[
        "rules"
    ]
    assert rule["transitions"] == [{"days": 90, "storageClass": "STANDARD_IA"}]


def test_two_stacks_in_one_account_share_no_name():
    def names(stack: str) -> set[str]:
        one = Context(
            project="arches",
            stack=stack,
            account_id=ACCOUNT,
            region=REGION,
            backup_region="eu-west-1",
            protect=True,
            serves_customers=True,
        )
        return {one.bucket(row, region) for row in ROWS for region in (None, "eu-west-1")}

    assert not names("prod") & names("staging")


def test_the_stack_announces_five_buckets(seen: Recorder):
    (component,) = [r for r in seen.components if r.type == "arches:index:Storage"]
    assert set(component.outputs or {}) == {"dumps", "velero", "accessLogs", "files", "audit"}
    assert room.DUMPS_PREFIX == "postgres/", "the guide's prefix"
