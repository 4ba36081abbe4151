"""The vaults, the plan and the restore test: what is kept, where, and who could lose it."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components import backup as room
from components.backup import Backup, BackupArgs
from settings.backup import BackupSettings
from tests.components.test_bucket import context
from tests.neighbours import neighbour
from tests.recorder import ACCOUNT, REGION, Recorder, Registration, once, record

DATABASE = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:arches-test-database"
FILES = "arn:aws:s3:::files"


def kind(noun: str) -> str:
    return f"aws:backup/{noun[0].lower()}{noun[1:]}:{noun}"


def read(values: dict[str, Any] | None = None) -> BackupSettings:
    return BackupSettings.model_validate_json(json.dumps(values or {}))


@once
def built(settings: dict[str, Any] | None = None, *, protect: bool = True) -> Recorder:
    def program() -> None:
        provider = aws.Provider("aws", region=REGION)
        named = pulumi.ResourceOptions(provider=provider)
        keys: Any = neighbour(
            backups=aws.kms.Key("backups", opts=named),
            backups_copy=aws.kms.Key("copy", region="eu-west-1", opts=named),
        )
        database: Any = neighbour(
            arn=pulumi.Output.from_input(DATABASE),
            subnet_group_name=pulumi.Output.from_input("database-subnets"),
        )
        storage: Any = neighbour(files=neighbour(arn=pulumi.Output.from_input(FILES)))
        Backup(
            "backup",
            BackupArgs(
                context=context(protect=protect),
                settings=read(settings),
                keys=keys,
                database=database,
                storage=storage,
            ),
            pulumi.ResourceOptions(providers=[provider]),
        )

    return record(program)


@pytest.fixture(scope="module")
def seen() -> Recorder:
    return built()


# -- documents --------------------------------------------------------------------------------
def test_nobody_deletes_a_recovery_point():
    (said,) = json.loads(room.vault_policy(()))["Statement"]
    assert said == {
        "Sid": "KeepRecoveryPoints",
        "Effect": "Deny",
        "Principal": "*",
        "Action": [
            "backup:DeleteRecoveryPoint",
            "backup:DisassociateRecoveryPoint",
            "backup:UpdateRecoveryPointLifecycle",
        ],
        "Resource": "*",
    }


def test_named_roles_may_and_need_not_exist_yet():
    role = f"arn:aws:iam::{ACCOUNT}:role/break-glass"
    (said,) = json.loads(room.vault_policy((role,)))["Statement"]
    assert said["Condition"] == {"ArnNotLike": {"aws:PrincipalArn": [role]}}
    assert said["Principal"] == "*", "a missing role as principal would be refused"


def test_names_of_restore_tests_are_letters_digits_and_underscores():
    name = room.restore_test_name(context(stack="a-stack-with-a-very-long-name"), "restore-test")
    assert name.replace("_", "").isalnum()
    assert len(name) <= 50, "B8"
    assert name != room.restore_test_name(
        context(stack="a-stack-with-a-very-long-nam"), "restore-test"
    )


def test_the_lock_becomes_final_only_where_the_settings_say_compliance():
    assert room.lock_bounds(read()) == {"min_retention_days": 7, "max_retention_days": 30}
    final = room.lock_bounds(read({"lockMode": "compliance", "lockGraceDays": 14}))
    assert final["changeable_for_days"] == 14


# -- the vaults -------------------------------------------------------------------------------
def pair(seen: Recorder, noun: str, end: str = "") -> tuple[Registration, Registration]:
    """What there is for the vault here and for the one in the second region."""
    assert len(seen.of(kind(noun))) == 2
    return (
        seen.one(kind(noun), f"backup-vault{end}"),
        seen.one(kind(noun), f"backup-copy-vault{end}"),
    )


def test_there_is_a_vault_here_and_one_in_the_second_region(seen: Recorder):
    here, there = pair(seen, "Vault")
    assert "region" not in here.inputs
    assert there.inputs["region"] == "eu-west-1"
    assert here.inputs["kmsKeyArn"].startswith(f"arn:aws:kms:{REGION}:")
    assert there.inputs["kmsKeyArn"].startswith("arn:aws:kms:eu-west-1:"), (
        "a vault takes a key of its own region only"
    )
    for vault in (here, there):
        assert vault.protect
        assert vault.inputs["forceDestroy"] is False
        assert "name" not in vault.inputs, "a fixed name is taken after a failed destroy (B9)"


def test_where_nothing_is_protected_the_vaults_can_be_emptied():
    for vault in built(protect=False).of(kind("Vault")):
        assert vault.inputs["forceDestroy"] is True
        assert not vault.protect


def test_both_vaults_are_locked_within_the_promise_to_erase(seen: Recorder):
    locks = pair(seen, "VaultLockConfiguration", "-lock")
    for lock in locks:
        assert lock.inputs["minRetentionDays"] == 7
        assert lock.inputs["maxRetentionDays"] == 30
        assert "changeableForDays" not in lock.inputs, "a number here makes the lock final"
    assert [lock.inputs.get("region") for lock in locks] == [None, "eu-west-1"]


def test_both_vaults_refuse_deletion(seen: Recorder):
    policies = pair(seen, "VaultPolicy", "-policy")
    assert [p.inputs.get("region") for p in policies] == [None, "eu-west-1"]
    assert {p.inputs["policy"] for p in policies} == {room.vault_policy(())}


# -- the plan ---------------------------------------------------------------------------------
def test_a_snapshot_is_taken_daily_and_copied(seen: Recorder):
    (rule,) = seen.one(kind("Plan")).inputs["rules"]
    copy = f"arn:aws:backup:eu-west-1:{ACCOUNT}:backup-vault:backup-copy-vault"
    assert rule == {
        "ruleName": "daily",
        "targetVaultName": "backup-vault",
        "schedule": "cron(0 6 * * ? *)",
        "scheduleExpressionTimezone": "Etc/UTC",
        "startWindow": 60,
        "completionWindow": 300,
        "enableContinuousBackup": False,
        "lifecycle": {"deleteAfter": 30},
        "copyActions": [{"destinationVaultArn": copy, "lifecycle": {"deleteAfter": 30}}],
    }


def test_every_rule_stays_within_the_lock():
    settings = {"hourly": True, "lockMinDays": 2, "hourlyKeepDays": 2}
    plan = built(settings).one(kind("Plan")).inputs["rules"]
    assert [rule["ruleName"] for rule in plan] == ["daily", "hourly"]
    assert plan[1]["schedule"] == "cron(30 * * * ? *)"
    bounds = room.lock_bounds(read(settings))
    for rule in plan:
        for kept in (rule, *rule["copyActions"]):
            days = kept["lifecycle"]["deleteAfter"]
            assert bounds["min_retention_days"] <= days <= bounds["max_retention_days"], "B4"
            assert "coldStorageAfter" not in kept["lifecycle"], "RDS has no cold storage (B5)"


def test_the_database_is_selected_by_its_arn_and_the_role_can_do_it(seen: Recorder):
    selection = seen.one(kind("Selection"))
    assert selection.inputs["resources"] == [DATABASE], "a forgotten tag is no backup"
    assert "selectionTags" not in selection.inputs
    rights = seen.one(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "backup-backup-role-AWSBackupServiceRolePolicyForBackup",
    )
    assert rights.urn in selection.dependencies


def test_files_come_into_the_vaults_where_they_are_wanted():
    recorder = built({"files": True})
    found = {r.name: r.inputs["resources"] for r in recorder.of(kind("Selection"))}
    assert found == {"backup-database": [DATABASE], "backup-files": [FILES]}
    attached = {
        r.inputs["policyArn"]
        for r in recorder.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    }
    assert "arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForS3Backup" in attached


def test_who_takes_snapshots_cannot_restore_and_the_other_way_round(seen: Recorder):
    attached: dict[str, set[str]] = {}
    for one in seen.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment"):
        attached.setdefault(one.inputs["role"], set()).add(one.inputs["policyArn"])
    assert attached == {
        "backup-backup-role": {
            "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup"
        },
        "backup-restore-role": {
            "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForRestores"
        },
    }
    for role in seen.of("aws:iam/role:Role"):
        (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        assert trust["Principal"] == {"Service": "backup.amazonaws.com"}


def test_transaction_logs_follow_into_the_second_region(seen: Recorder):
    kind_ = "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication"
    logs = seen.one(kind_)
    assert logs.inputs["sourceDbInstanceArn"] == DATABASE
    assert logs.inputs["region"] == "eu-west-1"
    assert logs.inputs["retentionPeriod"] == 30
    assert logs.inputs["kmsKeyId"].startswith("arn:aws:kms:eu-west-1:")
    assert not built({"replicateLogs": False}).of(kind_)


# -- the restore test -------------------------------------------------------------------------
def test_the_newest_snapshot_is_restored_every_month(seen: Recorder):
    plan = seen.one(kind("RestoreTestingPlan"))
    vault = f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:backup-vault"
    assert plan.inputs["name"] == "arches_test_restore_test"
    assert plan.inputs["scheduleExpression"] == "cron(0 8 1 * ? *)"
    assert plan.inputs["recoveryPointSelection"] == {
        "algorithm": "LATEST_WITHIN_WINDOW",
        "includeVaults": [vault],
        "recoveryPointTypes": ["SNAPSHOT"],
        "selectionWindowDays": 2,
    }
    selection = seen.one(kind("RestoreTestingSelection"))
    assert selection.inputs["protectedResourceArns"] == [DATABASE]
    assert selection.inputs["protectedResourceType"] == "RDS"
    assert selection.inputs["restoreMetadataOverrides"] == {
        "dbSubnetGroupName": "database-subnets",
        "multiAz": "false",
    }, "without its subnets the test takes the default VPC, which need not exist"


def test_the_restore_test_can_be_left_out():
    recorder = built({"restoreTest": False})
    assert not recorder.of(kind("RestoreTestingPlan"))
    assert len(recorder.of("aws:iam/role:Role")) == 1


def test_the_component_announces_its_vaults_and_plan(seen: Recorder):
    (component,) = [r for r in seen.components if r.type == "arches:index:Backup"]
    assert set(component.outputs or {}) == {"vaultName", "vaultArn", "copyVaultArn", "planId"}
    for made in seen.custom:
        if made.type != "aws:kms/key:Key":
            assert made.name.startswith("backup"), made.name
            assert "arches:index:Backup" in made.parent
            assert made.provider
