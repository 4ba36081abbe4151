"""Snapshots in a vault, their copies in the second region, and proof that they restore.

Lives here: two vaults with their locks and policies, the plan, what it backs up, the replication of
the database's transaction logs, and the monthly restore test. Never here: RDS's own automated
backups (`components/database.py`), dumps and Velero (in the cluster), buckets
(`components/storage.py`). Meets BAK-01, BAK-06,
DR-01, DR-02, CHK-INFRA-07 and CHK-DR-01; respects refusals B1 to B9.

Refused: continuous backup (it takes over the database's window and retention: traps, RDS; RDS does
point-in-time recovery itself); a selection by tag (whoever forgets a tag has no backup; an ARN
cannot be forgotten); AWS Backup's region settings (they are the account's, and two stacks would
overwrite each other; RDS is opted in unless somebody changed that, S3 by hand where `files` is on).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components import documents
from components.context import Context
from settings.backup import BackupSettings

if TYPE_CHECKING:
    from components.database import Database
    from components.keys import Keys
    from components.storage import Storage

# AWS Backup developer guide, "Managed policies for AWS Backup".
BACKUP_POLICY = "service-role/AWSBackupServiceRolePolicyForBackup"
RESTORE_POLICY = "service-role/AWSBackupServiceRolePolicyForRestores"
FILES_POLICY = "AWSBackupServiceRolePolicyForS3Backup"
# The first of the month at 08:00 UTC, when people are near (BAK-06: monthly).
RESTORE_TEST_SCHEDULE = "cron(0 8 1 * ? *)"
# A restored instance is kept for so long, for who wants to look into it, and then deleted.
RESTORE_TEST_HOURS = 4
# Names of restore tests take letters, digits and underscores, at most 50 (refusal B8).
RESTORE_TEST_NAME_LIMIT = 50


def restore_test_name(context: Context, noun: str) -> str:
    """A name that AWS accepts and that no other stack of the account has."""
    return context.name(noun, limit=RESTORE_TEST_NAME_LIMIT).replace("-", "_")


def vault_policy(deleters: tuple[str, ...]) -> str:
    """Nobody deletes a recovery point or shortens its life, except the named roles.

    The roles are a condition and no principals, so a role that does not exist yet is no error.
    Whoever may change this policy can lift it: that is the first of two reviewed steps.
    """
    return documents.document(
        documents.statement(
            [
                "backup:DeleteRecoveryPoint",
                "backup:DisassociateRecoveryPoint",
                "backup:UpdateRecoveryPointLifecycle",
            ],
            "*",
            sid="KeepRecoveryPoints",
            principals="*",
            conditions={"ArnNotLike": {"aws:PrincipalArn": sorted(deleters)}} if deleters else None,
            effect="Deny",
        )
    )


def plan_rules(
    settings: BackupSettings, *, vault: pulumi.Input[str], copy_vault_arn: pulumi.Input[str]
) -> list[aws.backup.PlanRuleArgsDict]:
    """The daily rule, and the hourly one where it is wanted; every snapshot has its copy.

    No cold storage (RDS has none, B5), no continuous backup (traps, RDS).
    """

    def rule(noun: str, schedule: str, days: int) -> aws.backup.PlanRuleArgsDict:
        return {
            "rule_name": noun,
            "target_vault_name": vault,
            "schedule": schedule,
            "schedule_expression_timezone": "Etc/UTC",
            "start_window": settings.start_window_minutes,
            "completion_window": settings.completion_window_minutes,
            "enable_continuous_backup": False,
            "lifecycle": {"delete_after": days},
            "copy_actions": [
                {"destination_vault_arn": copy_vault_arn, "lifecycle": {"delete_after": days}}
            ],
        }

    rules = [rule("daily", f"cron(0 {settings.daily_hour} * * ? *)", settings.keep_days)]
    if settings.hourly:
        rules.append(rule("hourly", "cron(30 * * * ? *)", settings.hourly_keep_days))
    return rules


def lock_bounds(settings: BackupSettings) -> dict[str, int]:
    """The lock's numbers. The grace period is given only in compliance mode: it makes it final."""
    bounds = {
        "min_retention_days": settings.lock_min_days,
        "max_retention_days": settings.lock_max_days,
    }
    if settings.lock_mode == "compliance" and settings.lock_grace_days is not None:
        bounds["changeable_for_days"] = settings.lock_grace_days
    return bounds


@dataclass(frozen=True, kw_only=True)
class BackupArgs:
    """database: what is backed up, and the subnet group that a test restores into.

    storage: its files, where the settings want them in the vaults too.
    """

    context: Context
    settings: BackupSettings
    keys: Keys
    database: Database
    storage: Storage


class Backup(pulumi.ComponentResource):
    """vault_name, plan_id: where to look. copy_vault_arn: the vault in the second region.

    restore_plan_arn: the monthly test, where there is one.
    """

    vault_name: pulumi.Output[str]
    vault_arn: pulumi.Output[str]
    copy_vault_arn: pulumi.Output[str]
    plan_id: pulumi.Output[str]
    restore_plan_arn: pulumi.Output[str] | None

    def __init__(
        self, name: str, args: BackupArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Backup", name, None, opts)
        self._name, self._args = name, args
        self._here = pulumi.ResourceOptions(parent=self)

        vault = self._make_vault("vault", args.keys.backups, None)
        copy = self._make_vault("copy-vault", args.keys.backups_copy, args.context.backup_region)
        plan = self._make_plan(vault, copy)
        self._make_selection(plan)
        if args.settings.replicate_logs:
            self._replicate_logs()
        self.restore_plan_arn = (
            self._make_restore_test(vault) if args.settings.restore_test else None
        )

        self.vault_name, self.vault_arn = vault.name, vault.arn
        self.copy_vault_arn = copy.arn
        self.plan_id = plan.id
        self.register_outputs(
            {
                "vaultName": self.vault_name,
                "vaultArn": self.vault_arn,
                "copyVaultArn": self.copy_vault_arn,
                "planId": self.plan_id,
            }
        )

    def _make_vault(self, noun: str, key: aws.kms.Key, region: str | None) -> aws.backup.Vault:
        """A vault, its lock and its policy. Names are Pulumi's: a fixed one is taken (B9) when a
        vault that cannot be emptied outlives its stack."""
        context, settings = self._args.context, self._args.settings
        vault = aws.backup.Vault(
            f"{self._name}-{noun}",
            kms_key_arn=key.arn,
            region=region,
            # A vault with recovery points cannot be deleted (B1); in production it shall not be.
            force_destroy=not context.protect,
            opts=pulumi.ResourceOptions.merge(
                self._here, pulumi.ResourceOptions(protect=context.protect)
            ),
        )
        aws.backup.VaultLockConfiguration(
            f"{self._name}-{noun}-lock",
            backup_vault_name=vault.name,
            region=region,
            **lock_bounds(settings),
            # A vault has one lock: the old one's deletion would take the new one away.
            opts=self._replaced_first(),
        )
        aws.backup.VaultPolicy(
            f"{self._name}-{noun}-policy",
            backup_vault_name=vault.name,
            region=region,
            policy=vault_policy(settings.deleters),
            opts=self._here,
        )
        return vault

    def _make_plan(self, vault: aws.backup.Vault, copy: aws.backup.Vault) -> aws.backup.Plan:
        return aws.backup.Plan(
            f"{self._name}-plan",
            rules=plan_rules(self._args.settings, vault=vault.name, copy_vault_arn=copy.arn),
            opts=self._here,
        )

    def _make_selection(self, plan: aws.backup.Plan) -> None:
        files = self._args.settings.files
        policies = [BACKUP_POLICY, FILES_POLICY] if files else [BACKUP_POLICY]
        role, rights = self._make_role("backup-role", "takes snapshots", policies)
        sources = {"database": self._args.database.arn}
        if files:
            sources["files"] = self._args.storage.files.arn
        for noun, arn in sources.items():
            aws.backup.Selection(
                f"{self._name}-{noun}",
                plan_id=plan.id,
                iam_role_arn=role.arn,
                resources=[arn],
                # The role must be able to do it before the first job starts (I15).
                opts=self._after(*rights),
            )

    def _replicate_logs(self) -> None:
        """Point-in-time recovery in the second region: half an hour is lost with the first one,
        where a copied daily snapshot alone would lose a day (DR-02)."""
        context, keys = self._args.context, self._args.keys
        aws.rds.InstanceAutomatedBackupsReplication(
            f"{self._name}-logs",
            source_db_instance_arn=self._args.database.arn,
            kms_key_id=keys.backups_copy.arn,
            retention_period=self._args.settings.keep_days,
            region=context.backup_region,
            # It is stopped by the database's ARN: stopping the old one would stop the new one.
            opts=self._replaced_first(),
        )

    def _make_restore_test(self, vault: aws.backup.Vault) -> pulumi.Output[str]:
        """Restores the newest snapshot once a month and deletes what came of it (BAK-06).

        Into the database's own subnets, because AWS Backup would take the default VPC, which need
        not exist; without a security group, so in the VPC's default one, which lets nothing in.
        """
        context, database = self._args.context, self._args.database
        plan = aws.backup.RestoreTestingPlan(
            f"{self._name}-restore-test",
            name=restore_test_name(context, "restore-test"),
            schedule_expression=RESTORE_TEST_SCHEDULE,
            schedule_expression_timezone="Etc/UTC",
            start_window_hours=RESTORE_TEST_HOURS,
            recovery_point_selection={
                "algorithm": "LATEST_WITHIN_WINDOW",
                "include_vaults": [vault.arn],
                "recovery_point_types": ["SNAPSHOT"],
                # A snapshot older than two days means that backups have stopped: let the test fail.
                "selection_window_days": 2,
            },
            opts=self._here,
        )
        role, rights = self._make_role("restore-role", "restores in tests", [RESTORE_POLICY])
        aws.backup.RestoreTestingSelection(
            f"{self._name}-restore-test-database",
            name=restore_test_name(context, "database"),
            restore_testing_plan_name=plan.name,
            protected_resource_type="RDS",
            protected_resource_arns=[database.arn],
            iam_role_arn=role.arn,
            validation_window_hours=RESTORE_TEST_HOURS,
            restore_metadata_overrides={
                "dbSubnetGroupName": database.subnet_group_name,
                "multiAz": "false",
            },
            opts=self._after(*rights),
        )
        return plan.arn

    def _make_role(
        self, noun: str, does: str, policies: list[str]
    ) -> tuple[aws.iam.Role, list[aws.iam.RolePolicyAttachment]]:
        """One role to take snapshots, another to restore: neither can do the other's work."""
        role = aws.iam.Role(
            f"{self._name}-{noun}",
            description=f"AWS Backup {does}.",
            assume_role_policy=documents.trust("backup.amazonaws.com"),
            opts=self._here,
        )
        attachments = [
            aws.iam.RolePolicyAttachment(
                f"{self._name}-{noun}-{policy.rsplit('/', 1)[-1]}",
                role=role.name,
                policy_arn=f"arn:{self._args.context.partition}:iam::aws:policy/{policy}",
                opts=self._here,
            )
            for policy in policies
        ]
        return role, attachments

    def _replaced_first(self) -> pulumi.ResourceOptions:
        """For what AWS knows by its owner and changes by no call: first the old one goes."""
        return pulumi.ResourceOptions.merge(
            self._here, pulumi.ResourceOptions(delete_before_replace=True)
        )

    def _after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(
            self._here, pulumi.ResourceOptions(depends_on=list(resources))
        )
