"""What an environment may decide about its database, and what PostgreSQL on RDS allows it.

Meets CHK-INFRA-02, CHK-INFRA-04, PG-11 and PG-13 at the door; refusals R11, R12, R16, R17, R22,
R26, R27.

No setting makes the database public, unencrypted, open to plain connections, or deletable without
a final snapshot: nobody needs that.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from settings import postgres, windows
from settings.core import Section, clash, setting
from settings.postgres import PostgresParameters

# CloudWatch Logs takes only these numbers of days (PutRetentionPolicy API reference).
LogRetention = Literal[
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
]

# gp3 on RDS for PostgreSQL: from 400 GiB on four volumes are striped, and only then speed may be
# chosen (RDS user guide, "gp3 storage"; refusals R11 and R12).
GP3_STRIPED_FROM_GIB = 400
GP3_STRIPED_IOPS = (12_000, 64_000)
GP3_STRIPED_THROUGHPUT = (500, 4_000)

# Words that PostgreSQL or RDS keeps for itself (R22), and the names every attacker tries first.
RESERVED_USERS = ("admin", "administrator", "postgres", "rdsadmin", "root", "user")

# Advanced Database Insights wants 15 months (RDS user guide, "Considerations for Database
# Insights").
ADVANCED_INSIGHTS_DAYS = 465

REQUIRED_EXTENSIONS = ("pg_stat_statements", "pgaudit", "plpgsql", "vector")


class DatabaseSettings(Section):
    """Answers the PostgreSQL section of the guide and the database row of its checklist."""

    engine_version: str = setting(
        "17",
        allowed="a major version of PostgreSQL from 15 to 18, quoted; AWS then keeps the minor "
        "current. Major and minor only where a new database must start with that minor: the key is "
        "then no longer compared",
        example="17",
        pattern=r"^1[5-8](\.\d{1,2})?$",
    )
    allow_major_version_upgrade: bool = setting(
        False,
        allowed="true for the one deployment that changes the major version, else false",
        example=False,
    )
    extended_support: bool = setting(
        False,
        allowed="true pays for RDS Extended Support after the version's end of support; false lets "
        "AWS upgrade then. Fixed when the database is made",
        example=False,
    )
    instance_class: str = setting(
        "db.m7g.large",
        allowed="an RDS class of a 6th to 8th m or r generation, or t3/t4g from medium up",
        example="db.m7g.large",
        pattern=r"^db\.(m6g|m6i|m7g|m7i|m8g|r6g|r6i|r7g|r7i|r8g)\.(large|(|2|4|8|12|16)xlarge)$"
        r"|^db\.t(3|4g)\.(medium|large|xlarge|2xlarge)$",
    )
    multi_az: bool = setting(
        True,
        allowed="true for a standby in a second zone; false only where nobody depends on it",
        example=True,
    )
    # CHK-INFRA-04 wants 100 GB; RDS gp3 ends at 65,536 GiB.
    allocated_storage_gib: int = setting(
        100, allowed="whole GiB from 100 to 65,536", example=100, ge=100, le=65536
    )
    max_allocated_storage_gib: int = setting(
        500,
        allowed="whole GiB, at least 10 % more than allocatedStorageGib, up to 65,536",
        example=500,
        le=65536,
    )
    iops: int | None = setting(
        None,
        allowed="left out under 400 GiB; from 400 GiB on left out or 12,000 to 64,000",
        example=12000,
    )
    throughput_mibps: int | None = setting(
        None,
        allowed="left out under 400 GiB; from 400 GiB on left out or 500 to 4,000 MiB/s",
        example=500,
    )
    name: str = setting(
        "archesai",
        allowed="1 to 63 small letters, digits or underscores, a letter first",
        example="archesai",
        pattern=r"^[a-z][a-z0-9_]{0,62}$",
    )
    master_username: str = setting(
        "archesai_master",
        allowed="1 to 63 small letters, digits or underscores, a letter first, no reserved word "
        "and no name that is guessed first",
        example="archesai_master",
        pattern=r"^[a-z][a-z0-9_]{0,62}$",
    )
    backup_retention_days: int = setting(
        30, allowed="whole days from 7 to 30 of point-in-time recovery", example=30, ge=7, le=30
    )
    backup_window: str = setting(
        "03:00-04:00",
        allowed="a daily window in UTC of 30 minutes or more",
        example="03:00-04:00",
        pattern=windows.DAILY,
    )
    maintenance_window: str = setting(
        "sun:04:30-sun:05:30",
        allowed="a weekly window in UTC of 30 minutes to 24 hours that does not meet backupWindow",
        example="sun:04:30-sun:05:30",
        pattern=windows.WEEKLY,
    )
    apply_immediately: bool = setting(
        False,
        allowed="false applies changes in the maintenance window, true at once (some restart the "
        "server)",
        example=False,
    )
    monitoring_interval_seconds: Literal[1, 5, 10, 15, 30, 60] = setting(
        60, allowed="1, 5, 10, 15, 30 or 60 seconds", example=60
    )
    insights_mode: Literal["standard", "advanced"] = setting(
        "standard",
        allowed="standard, or advanced (charged by vCPU; keeps 15 months)",
        example="standard",
    )
    insights_retention_days: int = setting(
        7,
        allowed="7, 731, or a multiple of 31 from 31 to 713; from 465 with insightsMode advanced",
        example=7,
    )
    log_retention_days: LogRetention = setting(
        365,
        allowed="one of CloudWatch's numbers of days: 30, 60, 90, 180, 365, 400, 731, ...; the "
        "logs hold the audit trail of schema and roles",
        example=365,
    )
    ca_certificate: Literal["rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"] = setting(
        "rds-ca-rsa2048-g1",
        allowed="rds-ca-rsa2048-g1, rds-ca-rsa4096-g1 or rds-ca-ecc384-g1",
        example="rds-ca-rsa2048-g1",
    )
    restore_from_snapshot: str | None = setting(
        None,
        allowed="the identifier or ARN of a snapshot that a new database starts from; without "
        "effect on one that exists",
        example="rds:arches-prod-database-2026-11-20-03-05",
        min_length=1,
        max_length=255,
    )
    parameters: PostgresParameters = setting(
        PostgresParameters(),
        allowed="the mapping of PostgreSQL's parameters",
        example={"maxConnections": 200},
    )

    @property
    def major(self) -> int:
        return postgres.major(self.engine_version)

    @property
    def family(self) -> str:
        return postgres.family(self.engine_version)

    @property
    def max_connections(self) -> int:
        return self.parameters.max_connections

    @property
    def memory(self) -> postgres.Memory:
        return postgres.worst_case(self.parameters, self.instance_class)

    @model_validator(mode="after")
    def _version_can_be_made(self) -> Self:
        minor = postgres.minor(self.engine_version)
        known = postgres.MAJORS[self.major]
        oldest = max(known.oldest_minor, known.vector_minor)
        if minor is not None and minor < oldest:
            raise clash(
                "engineVersion",
                got=f'"{self.engine_version}"',
                allowed=f"the major alone, or {self.major}.{oldest} and newer: older minors can no "
                "longer be made or lack pgvector",
                example=str(self.major),
            )
        if minor is not None and self.allow_major_version_upgrade:
            raise clash(
                "engineVersion",
                got=f'"{self.engine_version}" with allowMajorVersionUpgrade true',
                allowed="the new major alone: a minor is no longer compared once the database is "
                "made, so the upgrade would not happen",
                example=str(self.major),
            )
        # The old parameter group is deleted in the same deployment; it cannot be while the upgrade
        # waits for the maintenance window (R6, R8).
        if self.allow_major_version_upgrade and not self.apply_immediately:
            raise clash(
                "applyImmediately",
                got="false with allowMajorVersionUpgrade true",
                allowed="true for the deployment that changes the major version",
                example="true",
            )
        return self

    @model_validator(mode="after")
    def _storage_is_accepted(self) -> Self:
        least = -(-self.allocated_storage_gib * 11 // 10)
        if self.max_allocated_storage_gib < least:
            raise clash(
                "maxAllocatedStorageGib",
                got=self.max_allocated_storage_gib,
                allowed=f"{least} or more: 10 % above allocatedStorageGib "
                f"({self.allocated_storage_gib}), so that the storage can grow by itself",
                example=max(500, least),
            )
        for key, value, (low, high) in (
            ("iops", self.iops, GP3_STRIPED_IOPS),
            ("throughputMibps", self.throughput_mibps, GP3_STRIPED_THROUGHPUT),
        ):
            if value is None:
                continue
            if self.allocated_storage_gib < GP3_STRIPED_FROM_GIB:
                raise clash(
                    key,
                    got=f"{value} with allocatedStorageGib {self.allocated_storage_gib}",
                    allowed="nothing under 400 GiB: gp3 then has a fixed speed",
                    example="(left out)",
                )
            if not low <= value <= high:
                raise clash(key, got=value, allowed=f"left out, or {low} to {high}", example=low)
        return self

    @model_validator(mode="after")
    def _parameters_agree(self) -> Self:
        chosen = self.parameters
        if chosen.min_wal_size_mib >= chosen.max_wal_size_mib:
            raise clash(
                "parameters.minWalSizeMib",
                got=f"{chosen.min_wal_size_mib} with maxWalSizeMib {chosen.max_wal_size_mib}",
                allowed="less than maxWalSizeMib",
                example=1024,
            )
        if chosen.autovacuum_work_mem_mib > chosen.maintenance_work_mem_mib:
            raise clash(
                "parameters.autovacuumWorkMemMib",
                got=chosen.autovacuum_work_mem_mib,
                allowed="not more than maintenanceWorkMemMib "
                f"({chosen.maintenance_work_mem_mib}): three workers take it at once",
                example=128,
            )
        absent = sorted(set(REQUIRED_EXTENSIONS) - set(chosen.extensions))
        if absent:
            raise clash(
                "parameters.extensions",
                got=f"a list without {', '.join(absent)}",
                allowed="a list with " + ", ".join(REQUIRED_EXTENSIONS),
                example=list(REQUIRED_EXTENSIONS),
            )
        return self

    @model_validator(mode="after")
    def _parameters_fit_the_class(self) -> Self:
        memory = postgres.class_memory_mib(self.instance_class)
        better = postgres.suggested(self.instance_class, self.max_connections)
        for key, value, (low, high), example in (
            (
                "parameters.sharedBuffersMib",
                self.parameters.shared_buffers_mib,
                postgres.SHARED_BUFFERS_PERCENT,
                better.shared_buffers_mib,
            ),
            (
                "parameters.effectiveCacheSizeMib",
                self.parameters.effective_cache_size_mib,
                postgres.EFFECTIVE_CACHE_PERCENT,
                better.effective_cache_size_mib,
            ),
        ):
            if not memory * low <= value * 100 <= memory * high:
                raise clash(
                    key,
                    got=f"{value} with instanceClass {self.instance_class} ({memory} MiB)",
                    allowed=f"{low} to {high} % of the class's memory: {memory * low // 100} to "
                    f"{memory * high // 100} MiB",
                    example=example,
                )
        if not self.memory.fits:
            raise clash(
                "parameters.workMemKib",
                got=f"{self.parameters.work_mem_kib}, which makes {self.memory.sentence}",
                allowed="a worst case below the class's memory, or the server is killed under load",
                example=min(better.work_mem_kib, self.memory.work_mem_kib(self.max_connections)),
            )
        return self

    @model_validator(mode="after")
    def _names_and_times(self) -> Self:
        reserved = self.master_username in RESERVED_USERS
        if reserved or self.master_username.startswith(("pg_", "rds")):
            raise clash(
                "masterUsername",
                got=f'"{self.master_username}"',
                allowed="a name of its own: no reserved word and nothing that is guessed first",
                example="archesai_master",
            )
        windows.check_pair(
            ("backupWindow", self.backup_window, "03:00-04:00"),
            ("maintenanceWindow", self.maintenance_window, "sun:04:30-sun:05:30"),
            least=30,
            phrase="30 minutes",
        )
        return self

    @model_validator(mode="after")
    def _insights_are_kept_long_enough(self) -> Self:
        days = self.insights_retention_days
        known = days in (7, 731) or (31 <= days <= 713 and days % 31 == 0)
        enough = self.insights_mode == "standard" or days >= ADVANCED_INSIGHTS_DAYS
        if not (known and enough):
            raise clash(
                "insightsRetentionDays",
                got=f"{days} with insightsMode {self.insights_mode}",
                allowed="7, 731, or a multiple of 31 from 31 to 713; with advanced at least "
                f"{ADVANCED_INSIGHTS_DAYS}",
                example=7 if self.insights_mode == "standard" else ADVANCED_INSIGHTS_DAYS,
            )
        return self
