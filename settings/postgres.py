"""PostgreSQL on RDS as facts and pure functions: versions, memory, parameters.

Here live the guide's parameters in units a person reads, their conversion into the units RDS takes,
the way each of them is applied, and what an instance class has room for. Resources never do.

Meets PG-01 to PG-13, PG-15 (preload), POOL-03 (SCRAM), CHK-SEC-01 (TLS forced), AUDIT-03 (pgaudit
and connection logging) and ISSUE-04 (slow queries); refusals R5, R7.

Refused: `log_statement = ddl` or `all` (passwords of CREATE ROLE and personal data would be in the
log; pgaudit redacts passwords); formulas such as {DBInstanceClassMemory/32768} (a reviewer would
not see the number, and no rule could add it up).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import Field

from settings.core import Section, setting


@dataclass(frozen=True, kw_only=True)
class Major:
    """One major version.

    end_of_support: the community's last release (postgresql.org, versioning policy); RDS standard
    support ends a few months later, at the end of the next February.
    oldest_minor: the oldest minor that can still be made (cfn-lint 1.58, deprecated engine
    versions; AWS notice of May 2026).
    vector_minor: the first minor that offers pgvector (RDS for PostgreSQL release notes, extension
    versions).
    """

    end_of_support: date
    oldest_minor: int
    vector_minor: int


# 14 is left out: its community support ended in November 2026 (CHK-INFRA-02).
MAJORS: dict[int, Major] = {
    15: Major(end_of_support=date(2027, 11, 11), oldest_minor=13, vector_minor=2),
    16: Major(end_of_support=date(2028, 11, 9), oldest_minor=9, vector_minor=1),
    17: Major(end_of_support=date(2029, 11, 8), oldest_minor=5, vector_minor=1),
    18: Major(end_of_support=date(2030, 11, 14), oldest_minor=1, vector_minor=1),
}

# Memory of a class in GiB = vCPU x GiB per vCPU (RDS user guide, "Hardware specifications for DB
# instance classes"). Smaller burstable classes are left out: the guide's block does not fit them.
_VCPUS = {
    "large": 2,
    "xlarge": 4,
    "2xlarge": 8,
    "4xlarge": 16,
    "8xlarge": 32,
    "12xlarge": 48,
    "16xlarge": 64,
}
_GIB_PER_VCPU = {
    "m6g": 4,
    "m6i": 4,
    "m7g": 4,
    "m7i": 4,
    "m8g": 4,
    "r6g": 8,
    "r6i": 8,
    "r7g": 8,
    "r7i": 8,
    "r8g": 8,
}
CLASS_MEMORY_GIB: dict[str, int] = {
    f"db.{family}.{size}": vcpus * ratio
    for family, ratio in _GIB_PER_VCPU.items()
    for size, vcpus in _VCPUS.items()
} | {
    f"db.{family}.{size}": gib
    for family in ("t3", "t4g")
    for size, gib in {"medium": 4, "large": 8, "xlarge": 16, "2xlarge": 32}.items()
}

# Connections that RDS keeps: 3 superuser_reserved_connections and 2 of its own (requirements,
# arithmetic: 195 of 200 are usable).
RESERVED_CONNECTIONS = 5

# PG-03: 25 % of the class's memory, give or take 5 points.
SHARED_BUFFERS_PERCENT = (20, 30)
# PG-04: 75 % is the usual value; it is a hint, but more than 80 % lies to the planner.
EFFECTIVE_CACHE_PERCENT = (50, 80)
# hash_mem_multiplier is 2 since PostgreSQL 15: a hash may take twice work_mem.
HASH_MEM_MULTIPLIER = 2
# autovacuum_max_workers, the engine's default.
AUTOVACUUM_WORKERS = 3

# Read when the server starts, so "immediate" is refused (R5). Proved against
# `postgres --describe-config`, where their context is "postmaster".
STATIC = frozenset({"max_connections", "shared_buffers", "wal_buffers", "shared_preload_libraries"})

# Values that RDS has anyway. With "immediate" AWS registers no change and every preview shows the
# same difference (traps, RDS: terraform-provider-aws#18035, #36419); the provider's own advice is
# to say "pending-reboot" for them, which costs nothing since nothing changes.
DEFAULTS: dict[str, str] = {
    "checkpoint_completion_target": "0.9",
    "default_statistics_target": "100",
    "password_encryption": "scram-sha-256",
    "rds.force_ssl": "1",
}

# pgaudit's classes: what changes the schema or who may do what. "read" and "write" would log every
# statement of the application, personal data included.
PGAUDIT_CLASSES = "ddl,role"

PRELOADED = ("auto_explain", "pg_stat_statements", "pgaudit")

# PG-10: the meaning of effective_io_concurrency changed in 18; 16 is that version's default.
_IO_CONCURRENCY_TO_17 = 200
_IO_CONCURRENCY_FROM_18 = 16


Extension = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]


class PostgresParameters(Section):
    """The guide's twelve parameters (PG-02 to PG-12), with the unit in each key, and our own five.

    The defaults are the guide's block for 8 GiB and 200 connections.
    """

    max_connections: int = setting(
        200,
        allowed="whole connections from 50 to 5,000; the pooler makes few do for many",
        example=200,
        ge=50,
        le=5000,
    )
    shared_buffers_mib: int = setting(
        2048, allowed="MiB, 20 to 30 % of the class's memory", example=2048, ge=128
    )
    effective_cache_size_mib: int = setting(
        6144, allowed="MiB, 50 to 80 % of the class's memory", example=6144, ge=256
    )
    maintenance_work_mem_mib: int = setting(
        512, allowed="MiB from 64 to 8,192", example=512, ge=64, le=8192
    )
    checkpoint_completion_target: float = setting(
        0.9, allowed="a number from 0.5 to 0.9", example=0.9, ge=0.5, le=0.9
    )
    wal_buffers_mib: int = setting(16, allowed="MiB from 1 to 64", example=16, ge=1, le=64)
    default_statistics_target: int = setting(
        100, allowed="a whole number from 10 to 10,000", example=100, ge=10, le=10000
    )
    random_page_cost: float = setting(
        1.1, allowed="a number from 1.0 to 4.0; 1.1 is right for gp3", example=1.1, ge=1.0, le=4.0
    )
    effective_io_concurrency: int | None = setting(
        None,
        allowed="a whole number from 1 to 1,000; left out: 200 up to PostgreSQL 17 and 16 from 18",
        example=200,
        ge=1,
        le=1000,
    )
    work_mem_kib: int = setting(
        10485, allowed="KiB from 64 to 1,048,576", example=10485, ge=64, le=1048576
    )
    # RDS writes WAL in segments of 64 MB; PostgreSQL wants at least two of them.
    min_wal_size_mib: int = setting(
        1024, allowed="MiB from 128 to 65,536", example=1024, ge=128, le=65536
    )
    max_wal_size_mib: int = setting(
        4096,
        allowed="MiB from 256 to 65,536, more than minWalSizeMib",
        example=4096,
        ge=256,
        le=65536,
    )
    # PG-05: without it each of three workers takes maintenance_work_mem.
    autovacuum_work_mem_mib: int = setting(
        128,
        allowed="MiB from 16 to 8,192, not more than maintenanceWorkMemMib",
        example=128,
        ge=16,
        le=8192,
    )
    log_slower_than_ms: int = setting(
        1000,
        allowed="milliseconds from 100 to 60,000 from which a statement is logged",
        example=1000,
        ge=100,
        le=60000,
    )
    # Off: since PostgreSQL 16 auto_explain logs bind values with its plans, which may be personal
    # data, and whether RDS lets one limit them is not documented. Preloaded, so that switching it
    # on for an investigation needs no reboot.
    explain_slower_than_ms: int | None = setting(
        None,
        allowed="milliseconds from 100 to 600,000 from which a plan is logged; left out: never",
        example=5000,
        ge=100,
        le=600000,
    )
    log_temp_files_mib: int = setting(
        10,
        allowed="MiB from 1 to 10,240 from which a temporary file is logged",
        example=10,
        ge=1,
        le=10240,
    )
    extensions: tuple[Extension, ...] = setting(
        ("pg_stat_statements", "pgaudit", "plpgsql", "vector"),
        allowed="the extensions that may be created; pg_stat_statements, pgaudit, plpgsql and "
        "vector always among them",
        example=["pg_stat_statements", "pgaudit", "plpgsql", "vector"],
    )


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One row of a parameter group, in RDS units. apply: "immediate" or "pending-reboot"."""

    name: str
    value: str
    apply: str


@dataclass(frozen=True, kw_only=True)
class Memory:
    """The worst case of PG-11 in MiB, addend by addend."""

    shared_buffers: int
    backends: int
    autovacuum: int
    maintenance: int
    of_class: int

    @property
    def total(self) -> int:
        return self.shared_buffers + self.backends + self.autovacuum + self.maintenance

    @property
    def fits(self) -> bool:
        return self.total < self.of_class

    def work_mem_kib(self, max_connections: int) -> int:
        """The largest work_mem with which this sum would fit."""
        room = self.of_class - 1 - (self.total - self.backends)
        return max(room * 1024 // (max_connections * HASH_MEM_MULTIPLIER), 64)

    @property
    def sentence(self) -> str:
        return (
            f"{self.shared_buffers} (shared buffers) + {self.backends} (connections x work_mem x "
            f"{HASH_MEM_MULTIPLIER}) + {self.autovacuum} (autovacuum) + {self.maintenance} "
            f"(maintenance) = {self.total} of {self.of_class} MiB"
        )


def major(version: str) -> int:
    """The major version of "17" or "17.6"."""
    return int(version.split(".")[0])


def minor(version: str) -> int | None:
    """The minor version of "17.6"; None for "17"."""
    _, _, tail = version.partition(".")
    return int(tail) if tail else None


def family(version: str) -> str:
    """The parameter group family; derived, so that it always agrees with the engine (R7)."""
    return f"postgres{major(version)}"


def class_memory_mib(instance_class: str) -> int:
    """Memory of an instance class in MiB. Raises KeyError: not in CLASS_MEMORY_GIB."""
    return CLASS_MEMORY_GIB[instance_class] * 1024


def worst_case(chosen: PostgresParameters, instance_class: str) -> Memory:
    """What the server takes when every connection sorts at once and an index is built (PG-11)."""
    backends = chosen.max_connections * chosen.work_mem_kib * HASH_MEM_MULTIPLIER
    return Memory(
        shared_buffers=chosen.shared_buffers_mib,
        backends=-(-backends // 1024),
        autovacuum=AUTOVACUUM_WORKERS * chosen.autovacuum_work_mem_mib,
        maintenance=chosen.maintenance_work_mem_mib,
        of_class=class_memory_mib(instance_class),
    )


def suggested(instance_class: str, max_connections: int = 200) -> PostgresParameters:
    """The guide's block for another class (PG-13), by the rules that made it for 8 GiB.

    25 % shared buffers, 75 % cache, a sixteenth for maintenance (2 GiB at most), and of the rest a
    third of each connection's share: (memory - shared buffers) / (3 x connections).
    """
    memory = class_memory_mib(instance_class)
    shared = memory // 4
    return PostgresParameters.model_validate(
        {
            "maxConnections": max_connections,
            "sharedBuffersMib": shared,
            "effectiveCacheSizeMib": memory * 3 // 4,
            "maintenanceWorkMemMib": min(memory // 16, 2048),
            "workMemKib": min((memory - shared) * 1024 // (3 * max_connections), 1048576),
        }
    )


def parameters(chosen: PostgresParameters, version: str) -> tuple[Parameter, ...]:
    """Every row of the parameter group, sorted by name, in the units of RDS.

    Pages of 8 kB: shared_buffers, effective_cache_size, wal_buffers. kB: work_mem,
    maintenance_work_mem, autovacuum_work_mem, log_temp_files. MB: min_wal_size, max_wal_size.
    Milliseconds: log_min_duration_statement.
    """
    newest = major(version)
    values: dict[str, int | float | str] = {
        "max_connections": chosen.max_connections,
        "shared_buffers": _pages(chosen.shared_buffers_mib),
        "effective_cache_size": _pages(chosen.effective_cache_size_mib),
        "maintenance_work_mem": _kib(chosen.maintenance_work_mem_mib),
        "checkpoint_completion_target": chosen.checkpoint_completion_target,
        "wal_buffers": _pages(chosen.wal_buffers_mib),
        "default_statistics_target": chosen.default_statistics_target,
        "random_page_cost": chosen.random_page_cost,
        "effective_io_concurrency": _io_concurrency(chosen, newest),
        "work_mem": chosen.work_mem_kib,
        "min_wal_size": chosen.min_wal_size_mib,
        "max_wal_size": chosen.max_wal_size_mib,
        "autovacuum_work_mem": _kib(chosen.autovacuum_work_mem_mib),
        "log_connections": 1,
        "log_disconnections": 1,
        "log_lock_waits": 1,
        "log_min_duration_statement": chosen.log_slower_than_ms,
        # Bind values may be personal data: none of them in the log.
        "log_parameter_max_length": 0,
        "log_temp_files": _kib(chosen.log_temp_files_mib),
        "password_encryption": "scram-sha-256",
        "pgaudit.log": PGAUDIT_CLASSES,
        "rds.allowed_extensions": _listed(chosen.extensions),
        "rds.force_ssl": 1,
        "shared_preload_libraries": _listed(PRELOADED),
    }
    if chosen.explain_slower_than_ms is not None:
        values["auto_explain.log_min_duration"] = chosen.explain_slower_than_ms
    return tuple(
        Parameter(name=name, value=str(value), apply=apply_method(name, str(value)))
        for name, value in sorted(values.items())
    )


def apply_method(name: str, value: str) -> str:
    """ "pending-reboot" for a static parameter and for a value that RDS has anyway."""
    if name in STATIC or DEFAULTS.get(name) == value:
        return "pending-reboot"
    return "immediate"


def _io_concurrency(chosen: PostgresParameters, newest: int) -> int:
    if chosen.effective_io_concurrency is not None:
        return chosen.effective_io_concurrency
    return _IO_CONCURRENCY_TO_17 if newest <= 17 else _IO_CONCURRENCY_FROM_18


def _pages(mib: int) -> int:
    return mib * 1024 // 8


def _kib(mib: int) -> int:
    return mib * 1024


def _listed(names: Iterable[str]) -> str:
    return ",".join(sorted(set(names)))
