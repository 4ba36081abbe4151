"""The keys: what is encrypted can be read by those who must, and by nobody else."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components import keys as room
from components.keys import Keys, KeysArgs
from settings.keys import KeysSettings
from tests.neighbours import context
from tests.recorder import ACCOUNT, REGION, Recorder, once, record

KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
POLICIES = (
    room.data_policy,
    room.logs_policy,
    room.logs_global_policy,
    room.secrets_policy,
    room.cluster_policy,
    room.backups_policy,
)


@once
def deployed(**changed: Any) -> Recorder:
    def program() -> None:
        provider = aws.Provider("aws", region=REGION)
        settings = KeysSettings.model_validate_json(json.dumps(changed.pop("settings", {})))
        Keys(
            "keys",
            KeysArgs(context=context(**changed), settings=settings),
            pulumi.ResourceOptions(providers=[provider]),
        )

    return record(program)


def statements(policy: str) -> dict[str, dict[str, Any]]:
    return {s["Sid"]: s for s in json.loads(policy)["Statement"]}


def test_each_purpose_has_a_key_and_the_copies_and_the_edge_have_theirs_in_their_region():
    keys = {r.name: r.inputs.get("region") for r in deployed().of(KEY)}
    assert keys == {
        "keys-data": None,
        "keys-logs": None,
        "keys-secrets": None,
        "keys-cluster": None,
        "keys-backups": None,
        "keys-backups-copy": "eu-west-1",
        "keys-logs-global": "us-east-1",
    }, "a key in the wrong region encrypts nothing"


def test_in_us_east_1_the_edge_uses_the_key_for_logs():
    seen = deployed(region="us-east-1")
    assert len(seen.of(KEY)) == 6
    outputs = seen.one("arches:index:Keys").outputs or {}
    assert outputs["logsGlobal"] == outputs["logs"]


def test_every_key_rotates_is_recoverable_and_is_protected_like_its_data():
    for key in deployed().of(KEY):
        assert key.inputs["enableKeyRotation"] is True, key.name
        assert key.inputs["rotationPeriodInDays"] == 365, key.name
        assert key.inputs["deletionWindowInDays"] == 30, key.name
        assert key.inputs["description"].startswith("arches prod: "), key.name
        assert key.protect, f"{key.name}: `pulumi destroy` would lose all that it encrypts"


def test_settings_reach_every_key():
    seen = deployed(protect=False, settings={"deletionWindowDays": 7, "rotationPeriodDays": 90}).of(
        KEY
    )
    assert {k.inputs["deletionWindowInDays"] for k in seen} == {7}
    assert {k.inputs["rotationPeriodInDays"] for k in seen} == {90}
    assert not any(k.protect for k in seen)


def test_each_key_has_one_alias_in_its_own_region_that_holds_the_stack_s_name():
    seen = deployed()
    aliases = {a.name: a for a in seen.of(ALIAS)}
    assert sorted(aliases) == sorted(k.name for k in seen.of(KEY))
    for key in seen.of(KEY):
        alias = aliases[key.name]
        assert alias.inputs["name"] == "alias/arches-prod-" + key.name.removeprefix("keys-")
        assert alias.inputs.get("region") == key.inputs.get("region"), "alias and key are apart"


def test_two_stacks_of_one_account_share_no_alias():
    prod = {a.inputs["name"] for a in deployed().of(ALIAS)}
    staging = {a.inputs["name"] for a in deployed(stack="staging").of(ALIAS)}
    assert prod.isdisjoint(staging), "the second stack would be refused (K3)"


def test_everything_hangs_below_the_component_and_uses_its_provider():
    seen = deployed()
    component = seen.one("arches:index:Keys")
    for resource in seen.custom:
        assert resource.parent == component.urn, resource.name
        assert "pulumi:providers:aws::aws" in resource.provider, resource.name
    assert sorted(component.outputs or {}) == [
        "backups",
        "backupsCopy",
        "cluster",
        "data",
        "logs",
        "logsGlobal",
        "secrets",
    ]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: p.__name__)
def test_the_account_can_always_change_a_policy(policy: Any):
    first = json.loads(policy(context(), REGION))["Statement"][0]
    assert first == {
        "Sid": "AccountAdministers",
        "Effect": "Allow",
        "Principal": {"AWS": ROOT},
        "Action": ["kms:*"],
        "Resource": "*",
    }, "the key would be locked for ever (K1)"


@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: p.__name__)
def test_whoever_is_not_named_is_bound_to_this_account_and_a_service(policy: Any):
    for sid, said in statements(policy(context(), REGION)).items():
        principal, conditions = said["Principal"], said.get("Condition", {})
        assert principal != "*", f"{sid}: open to the world"
        if principal == {"AWS": "*"}:
            equals = conditions["StringEquals"]
            assert equals["kms:CallerAccount"] == ACCOUNT, f"{sid}: other accounts may use the key"
            assert "kms:ViaService" in equals or "ArnEquals" in conditions, sid
        if sid not in ("AccountAdministers", "TrailDescribes"):
            assert ACCOUNT in json.dumps(conditions), f"{sid}: a confused deputy may use the key"
        if sid != "AccountAdministers":
            assert "kms:*" not in said["Action"], sid
        if "kms:CreateGrant" in said["Action"]:
            assert conditions["Bool"] == {"kms:GrantIsForAWSResource": "true"}, sid


@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: p.__name__)
def test_no_policy_names_a_principal_that_may_not_exist(policy: Any):
    for sid, said in statements(policy(context(), REGION)).items():
        named = said["Principal"].get("AWS", ROOT)
        assert named in (ROOT, "*"), f"{sid}: PutKeyPolicy fails in a fresh account (K2)"


@pytest.mark.parametrize("policy", POLICIES, ids=lambda p: p.__name__)
def test_a_policy_fits_into_a_key(policy: Any):
    # 32 KiB (KMS developer guide, "Resource quotas").
    assert len(policy(context(), REGION)) < 32768


def test_the_data_key_serves_rds_and_elasticache_of_this_account_only():
    said = statements(room.data_policy(context(), REGION))
    assert list(said) == ["AccountAdministers", "ThroughServicesUse", "ThroughServicesGrant"]
    assert said["ThroughServicesUse"] == {
        "Sid": "ThroughServicesUse",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": sorted(room.USE),
        "Resource": "*",
        "Condition": {
            "StringEquals": {
                "kms:CallerAccount": ACCOUNT,
                "kms:ViaService": [
                    "elasticache.eu-central-1.amazonaws.com",
                    "rds.eu-central-1.amazonaws.com",
                ],
            }
        },
    }


def test_nodes_start_with_encrypted_volumes_in_an_account_that_never_had_auto_scaling():
    said = statements(room.cluster_policy(context(), REGION))
    role = (
        f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/autoscaling.amazonaws.com/"
        "AWSServiceRoleForAutoScaling"
    )
    for sid in ("AutoScalingUse", "AutoScalingGrant"):
        assert said[sid]["Condition"]["ArnEquals"] == {"aws:PrincipalArn": role}
    assert said["AutoScalingGrant"]["Action"] == ["kms:CreateGrant"]
    assert said["ThroughServicesUse"]["Condition"]["StringEquals"]["kms:ViaService"] == [
        "ec2.eu-central-1.amazonaws.com",
        "eks.eu-central-1.amazonaws.com",
    ]


def test_log_groups_of_this_account_and_region_may_be_encrypted():
    said = statements(room.logs_policy(context(), REGION))["LogGroups"]
    assert said["Principal"] == {"Service": "logs.eu-central-1.amazonaws.com"}
    assert said["Condition"] == {
        "ArnLike": {
            "kms:EncryptionContext:aws:logs:arn": (
                f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:*"
            )
        }
    }, "the log group is refused (O2)"


def test_alarms_and_events_reach_an_encrypted_topic():
    said = statements(room.logs_policy(context(), REGION))
    assert said["Publishers"]["Principal"]["Service"] == [
        "budgets.amazonaws.com",
        "cloudwatch.amazonaws.com",
        "events.rds.amazonaws.com",
    ], "an alarm would vanish silently (P4)"
    assert said["Publishers"]["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert said["Topics"]["Principal"]["Service"] == ["events.amazonaws.com", "sns.amazonaws.com"]
    assert said["Topics"]["Condition"] == {
        "ArnLike": {
            "kms:EncryptionContext:aws:sns:topicArn": f"arn:aws:sns:eu-central-1:{ACCOUNT}:*"
        }
    }, "SNS does not support aws:SourceAccount for EventBridge: events would vanish"


def test_the_trail_writes_into_an_encrypted_bucket():
    said = statements(room.logs_policy(context(), REGION))
    assert said["TrailEncrypts"]["Condition"] == {
        "ArnLike": {"aws:SourceArn": f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"},
        "StringLike": {
            "kms:EncryptionContext:aws:cloudtrail:arn": f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"
        },
    }, "the trail is refused (T2)"
    assert said["TrailDescribes"]["Action"] == ["kms:DescribeKey"]
    assert list(said) == [
        "AccountAdministers",
        "LogGroups",
        "Publishers",
        "Topics",
        "TrailEncrypts",
        "TrailDescribes",
    ], "a service has a right that nothing here needs"


def test_the_edge_s_key_serves_log_groups_and_topics_of_us_east_1_and_no_trail():
    said = statements(room.logs_global_policy(context(), "us-east-1"))
    assert list(said) == ["AccountAdministers", "LogGroups", "Publishers", "Topics"]
    assert said["LogGroups"]["Principal"] == {"Service": "logs.us-east-1.amazonaws.com"}
    assert said["Publishers"]["Principal"] == {"Service": ["cloudwatch.amazonaws.com"]}
    assert said["Topics"]["Principal"] == {"Service": ["sns.amazonaws.com"]}


def test_reading_a_secret_always_needs_a_right_of_ones_own():
    assert list(statements(room.secrets_policy(context(), REGION))) == ["AccountAdministers"]


def test_copies_are_made_by_the_services_of_the_backup_region():
    copy = deployed().one(KEY, "keys-backups-copy").inputs["policy"]
    through = statements(copy)["ThroughServicesUse"]["Condition"]["StringEquals"]
    assert through["kms:ViaService"] == [
        "backup.eu-west-1.amazonaws.com",
        "rds.eu-west-1.amazonaws.com",
    ]
