"""The PostgreSQL of the deployment: one RDS instance with its parameters, network door and logs.

Here lives what the AWS API knows of the database. What only SQL knows (roles, extensions, indexes,
migrations) never does: Jobs in the cluster do that (PG-14 to PG-20). Answers the guide's
"PostgreSQL Production Settings" and the database row of its checklist.

Meets PG-01 to PG-13, PG-15 (preload), CHK-INFRA-02, CHK-INFRA-04, CHK-INFRA-07, CHK-SEC-01,
SEC-06 (managed master password), BAK-01 (point in time), DR-01 and DR-02 (Multi-AZ, 30 days),
AUDIT-03 and ISSUE-04 (logs), ISSUE-03 (Performance Insights); refusals R1 to R12, R15, R17, R23 to
R26, R29, R33, I15, O1.

Refused:
- Aurora: WAL and checkpoint parameters of the guide cannot be set there (traps, RDS);
- RDS Proxy: it cannot take the pooler's values (POOL-01), and managed passwords exclude it from
  blue/green upgrades;
- another port than 5432 (FSBP RDS.23): every chapter of the guide and every client says 5432, and
  the door admits the cluster's nodes only;
- `ignore_changes` on the storage: with autoscaling on, the provider itself ignores storage that is
  larger than the setting, while a setting that is raised on purpose must still be applied.

The identifier is fixed, so that people, runbooks and log groups know it and a restored instance can
take its place under the same address; a replacement therefore deletes first, which `protect`,
deletion protection and the final snapshot guard. The ways to retire or restore it are runbooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components import documents
from components.context import Context
from components.door import door
from settings import postgres
from settings.database import DatabaseSettings

if TYPE_CHECKING:
    from components.cluster import Cluster
    from components.keys import Keys
    from components.network import Network

PORT = 5432
# The longest DB instance identifier (RDS API reference, CreateDBInstance).
IDENTIFIER_LIMIT = 63
# What RDS for PostgreSQL can export (RDS.36; CreateDBInstance, EnableCloudwatchLogsExports).
LOG_TYPES = ("postgresql", "upgrade")


def log_group_name(identifier: str, log_type: str) -> str:
    """Where RDS writes a log; the group must exist before RDS makes it without retention (O1)."""
    return f"/aws/rds/instance/{identifier}/{log_type}"


def monitoring_trust(context: Context, identifier: str) -> str:
    """Only this instance's enhanced monitoring takes the role (RDS user guide, confused deputy)."""
    return documents.trust(
        "monitoring.rds.amazonaws.com",
        conditions={
            "StringEquals": {"aws:SourceAccount": context.account_id},
            "StringLike": {"aws:SourceArn": context.arn("rds", f"db:{identifier}")},
        },
    )


def group_parameters(settings: DatabaseSettings) -> list[aws.rds.ParameterGroupParameterArgsDict]:
    """The parameter group's rows as the provider takes them."""
    return [
        {"name": row.name, "value": row.value, "apply_method": row.apply}
        for row in postgres.parameters(settings.parameters, settings.engine_version)
    ]


def left_alone(settings: DatabaseSettings) -> list[str]:
    """What a later deployment must not compare.

    A snapshot matters at birth only. A minor that was written down is raised by AWS in the
    maintenance window, and comparing it would ask for a downgrade (R19); a major alone is compared
    by prefix, so that a wanted upgrade is still seen.
    """
    pinned = postgres.minor(settings.engine_version) is not None
    return ["snapshotIdentifier", *(["engineVersion"] if pinned else [])]


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    """cluster: only its nodes' security group is used, so the database never waits for EKS."""

    context: Context
    settings: DatabaseSettings
    network: Network
    keys: Keys
    cluster: Cluster


class Database(pulumi.ComponentResource):
    """`master_secret_arn` names the secret that RDS writes and rotates; its value stays there.

    `subnet_group_name` is for restores beside it.
    """

    address: pulumi.Output[str]
    port: int
    name: str
    identifier: pulumi.Output[str]
    arn: pulumi.Output[str]
    master_secret_arn: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    subnet_group_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Database", name, None, opts)
        self._child = name
        self._args = args
        self._here = pulumi.ResourceOptions(parent=self)
        identifier = args.context.name("database", limit=IDENTIFIER_LIMIT)
        entrance, subnets = self._door(), self._subnet_group()
        instance = self._instance(identifier, entrance, subnets)
        self.address = instance.address
        self.port = PORT
        self.name = args.settings.name
        self.identifier = instance.identifier
        self.arn = instance.arn
        self.master_secret_arn = instance.master_user_secrets.apply(
            lambda secrets: str(secrets[0].secret_arn)
        )
        self.security_group_id = entrance.id
        self.subnet_group_name = subnets.name
        self.register_outputs(
            {
                "address": self.address,
                "port": self.port,
                "name": self.name,
                "identifier": self.identifier,
                "arn": self.arn,
                "masterSecretArn": self.master_secret_arn,
                "securityGroupId": self.security_group_id,
                "subnetGroupName": self.subnet_group_name,
            }
        )

    def _door(self) -> aws.ec2.SecurityGroup:
        """In from the nodes on 5432; nothing out, since PostgreSQL calls nobody."""
        return door(
            self._child,
            store="PostgreSQL",
            visitors="PgBouncer and Jobs",
            port=PORT,
            network=self._args.network,
            cluster=self._args.cluster,
            opts=self._here,
        )

    def _subnet_group(self) -> aws.rds.SubnetGroup:
        return aws.rds.SubnetGroup(
            f"{self._child}-subnets",
            subnet_ids=self._args.network.data_subnet_ids,
            description="Data subnets, without a route to the internet",
            opts=self._here,
        )

    def _parameter_group(self) -> aws.rds.ParameterGroup:
        # Named by Pulumi: another family replaces the group, and the new one must exist before the
        # old one is let go (R6, R8).
        return aws.rds.ParameterGroup(
            f"{self._child}-parameters",
            family=self._args.settings.family,
            description="The production guide's parameters in the units of RDS",
            parameters=group_parameters(self._args.settings),
            opts=self._here,
        )

    def _monitoring(self, identifier: str) -> tuple[aws.iam.Role, pulumi.Resource]:
        context = self._args.context
        role = aws.iam.Role(
            f"{self._child}-monitoring",
            description="Enhanced monitoring writes the operating system's metrics",
            assume_role_policy=monitoring_trust(context, identifier),
            opts=self._here,
        )
        policy = "service-role/AmazonRDSEnhancedMonitoringRole"
        attached = aws.iam.RolePolicyAttachment(
            f"{self._child}-monitoring",
            role=role.name,
            policy_arn=f"arn:{context.partition}:iam::aws:policy/{policy}",
            opts=self._here,
        )
        return role, attached

    def _logs(self, identifier: str) -> list[pulumi.Resource]:
        return [
            aws.cloudwatch.LogGroup(
                f"{self._child}-{log_type}-log",
                name=log_group_name(identifier, log_type),
                retention_in_days=self._args.settings.log_retention_days,
                kms_key_id=self._args.keys.logs.arn,
                opts=self._here,
            )
            for log_type in LOG_TYPES
        ]

    def _final_snapshot(self, identifier: str, subnets: aws.rds.SubnetGroup) -> pulumi.Output[str]:
        """A name that no earlier snapshot has: new whenever the instance is a new one (R3)."""
        settings = self._args.settings
        keepers: Mapping[str, pulumi.Input[str]] = {
            "identifier": identifier,
            "key": self._args.keys.data.arn,
            "subnets": subnets.name,
            "database": settings.name,
            "master": settings.master_username,
        }
        suffix = random.RandomId(
            f"{self._child}-final-snapshot", byte_length=4, keepers=keepers, opts=self._here
        )
        return pulumi.Output.concat(identifier, "-final-", suffix.hex)

    def _instance(
        self,
        identifier: str,
        entrance: aws.ec2.SecurityGroup,
        subnets: aws.rds.SubnetGroup,
    ) -> aws.rds.Instance:
        context, settings, keys = self._args.context, self._args.settings, self._args.keys
        role, attached = self._monitoring(identifier)
        return aws.rds.Instance(
            f"{self._child}-instance",
            identifier=identifier,
            engine="postgres",
            engine_version=settings.engine_version,
            auto_minor_version_upgrade=True,
            allow_major_version_upgrade=settings.allow_major_version_upgrade,
            engine_lifecycle_support="open-source-rds-extended-support"
            if settings.extended_support
            else "open-source-rds-extended-support-disabled",
            instance_class=settings.instance_class,
            multi_az=settings.multi_az,
            storage_type="gp3",
            allocated_storage=settings.allocated_storage_gib,
            max_allocated_storage=settings.max_allocated_storage_gib,
            iops=settings.iops,
            storage_throughput=settings.throughput_mibps,
            storage_encrypted=True,
            kms_key_id=keys.data.arn,
            db_name=settings.name,
            username=settings.master_username,
            manage_master_user_password=True,
            master_user_secret_kms_key_id=keys.secrets.arn,
            iam_database_authentication_enabled=True,
            snapshot_identifier=settings.restore_from_snapshot,
            port=PORT,
            network_type="IPV4",
            publicly_accessible=False,
            db_subnet_group_name=subnets.name,
            vpc_security_group_ids=[entrance.id],
            ca_cert_identifier=settings.ca_certificate,
            parameter_group_name=self._parameter_group().name,
            backup_retention_period=settings.backup_retention_days,
            backup_window=settings.backup_window,
            maintenance_window=settings.maintenance_window,
            copy_tags_to_snapshot=True,
            delete_automated_backups=False,
            deletion_protection=context.protect,
            skip_final_snapshot=False,
            final_snapshot_identifier=self._final_snapshot(identifier, subnets),
            performance_insights_enabled=True,
            performance_insights_kms_key_id=keys.data.arn,
            performance_insights_retention_period=settings.insights_retention_days,
            database_insights_mode=settings.insights_mode,
            monitoring_interval=settings.monitoring_interval_seconds,
            monitoring_role_arn=role.arn,
            enabled_cloudwatch_logs_exports=list(LOG_TYPES),
            apply_immediately=settings.apply_immediately,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=context.protect,
                depends_on=[attached, *self._logs(identifier)],
                ignore_changes=left_alone(settings),
                delete_before_replace=True,
            ),
        )
