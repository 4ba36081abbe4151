"""What RDS refuses: last snapshots, parameters, storage and its steps, versions, protection.

Rows R1 to R34, but for R20 (no update without a change reaches a provider) and R35 (a failover is
no resource). A final snapshot outlives its instance for ever: the graveyard knows its name. R18
wants to know when storage was last changed; whoever applies an update of an instance notes it with
`storage_changed` under STORAGE_CHANGED_AT in the account's outputs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from rehearsal.account import Account, Resource
from rehearsal.refusals.asking import (
    current,
    given,
    known_list,
    siblings,
    subnets,
    zones,
)
from rehearsal.refusals.table import Request, Row, lookup
from rehearsal.wire import UNKNOWN

INSTANCE = "aws:rds/instance:Instance"
CLUSTER = "aws:rds/cluster:Cluster"
MEMBER = "aws:rds/clusterInstance:ClusterInstance"
SUBNETS = "aws:rds/subnetGroup:SubnetGroup"
PARAMETERS = "aws:rds/parameterGroup:ParameterGroup"
CLUSTER_PARAMETERS = "aws:rds/clusterParameterGroup:ClusterParameterGroup"
SNAPSHOT = "aws:rds/snapshot:Snapshot"
CLUSTER_SNAPSHOT = "aws:rds/clusterSnapshot:ClusterSnapshot"

STORAGE_CHANGED_AT = "storageChangedAt"

INSTANCES = 40  # RDS quotas: DB instances per region
SNAPSHOTS = 100  # RDS quotas: manual snapshots per region; final snapshots are such
MOST_DAYS = 35  # RDS API reference: BackupRetentionPeriod
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 128  # RDS API reference, for PostgreSQL
# RDS user guide, "gp3 storage": below it a volume is one disk at baseline, from it on four.
STRIPED = 400
STRIPED_ORACLE = 200
STRIPED_IOPS = 12_000
SMALLEST = {"gp2": 20, "gp3": 20, "io1": 100, "io2": 100}  # GiB, PostgreSQL and MySQL
RATIOS = {"io1": (0.5, 50.0), "io2": (0.5, 1000.0)}  # IOPS per GiB, RDS user guide
STORAGE_REST = timedelta(hours=6)  # RDS user guide, "Modifying storage"
GROWTH = 10  # percent; RDS user guide, "at least 10 percent"

# Read when the server starts (pg_settings.context "postmaster", PostgreSQL 13 to 18), and RDS's own
# that say ApplyType "static".
STATIC_PARAMETERS = frozenset(
    {
        "autovacuum_freeze_max_age",
        "autovacuum_multixact_freeze_max_age",
        "autovacuum_worker_slots",
        "commit_timestamp_buffers",
        "cron.database_name",
        "cron.max_running_jobs",
        "cron.use_background_workers",
        "dynamic_shared_memory_type",
        "hot_standby",
        "huge_pages",
        "io_max_concurrency",
        "io_method",
        "max_connections",
        "max_files_per_process",
        "max_locks_per_transaction",
        "max_logical_replication_workers",
        "max_notify_queue_pages",
        "max_pred_locks_per_transaction",
        "max_prepared_transactions",
        "max_replication_slots",
        "max_wal_senders",
        "max_worker_processes",
        "min_dynamic_shared_memory",
        "multixact_member_buffers",
        "multixact_offset_buffers",
        "notify_buffers",
        "old_snapshot_threshold",
        "pg_stat_statements.max",
        "rds.logical_replication",
        "rds.restrict_password_commands",
        "reserved_connections",
        "serializable_buffers",
        "shared_buffers",
        "shared_memory_type",
        "shared_preload_libraries",
        "subtransaction_buffers",
        "superuser_reserved_connections",
        "track_activity_query_size",
        "track_commit_timestamp",
        "transaction_buffers",
        "wal_buffers",
        "wal_level",
    }
)
# PostgreSQL's reserved key words (its manual, appendix C), and names that RDS keeps for itself.
_RESERVED = """
    admin rdsadmin rdsrepladmin rds_superuser rds_replication rds_password rds_iam rdstopmgr
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check
    collate collation column concurrently constraint create cross current_catalog current_date
    current_role current_schema current_time current_timestamp current_user default deferrable desc
    distinct do else end except false fetch for foreign freeze from full grant group having ilike in
    initially inner intersect into is isnull join lateral leading left like limit localtime
    localtimestamp natural not notnull null offset on only or order outer overlaps placing primary
    public references returning right select session_user similar some symmetric system_user table
    tablesample then to trailing true union unique user using variadic verbose when where window
    with
"""
RESERVED_USERS = frozenset(_RESERVED.split())
_STORAGE = ("allocatedStorage", "storageType", "iops", "storageThroughput")
_WANTED_STATES = ("available", "storage-optimization")
_COMBINATION = "InvalidParameterCombination"
_VALUE = "InvalidParameterValue"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY, _WEEK = 1440, 7 * 1440


def storage_changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether an update changes what RDS then optimizes for hours (R18)."""
    return any(
        lookup(new, name) not in (None, UNKNOWN) and lookup(new, name) != lookup(old, name)
        for name in _STORAGE
    )


def family(engine: str, version: str) -> str | None:
    """The parameter group family of an engine version: "postgres", "16.4" -> "postgres16"."""
    parts = version.split(".")
    if not parts[0].isdigit():
        return None
    if engine in ("postgres", "aurora-postgresql"):
        return f"{engine}{parts[0]}"
    if engine in ("mysql", "mariadb", "aurora-mysql") and len(parts) > 1:
        return f"{engine}{parts[0]}.{parts[1]}"
    return None


def _engine(request: Request) -> str:
    return str(request.value("engine") or request.old_value("engine") or "postgres")


def _gib(request: Request, path: str) -> int | None:
    value = request.value(path)
    return value if isinstance(value, int) and value > 0 else None


def _numbers(version: Any) -> tuple[int, ...] | None:
    parts = str(version).split(".")
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else None


# -- the end of an instance ---------------------------------------------------------------------
def _protected(request: Request, _account: Account) -> str | None:
    if request.old_value("deletionProtection") is not True:
        return None
    noun = "DB Instance" if request.type == INSTANCE else "Cluster"
    return (
        f"{_COMBINATION}: Cannot delete protected {noun}, please disable deletion protection and "
        "try again. (two steps: first `deletionProtection: false` in one up, delete in the next)"
    )


def _final_snapshot(request: Request) -> str | None:
    """The name of the snapshot that this delete would make."""
    if request.old_value("skipFinalSnapshot"):
        return None
    name = request.old_value("finalSnapshotIdentifier")
    return str(name) if name else None


def _unnamed_snapshot(request: Request, _account: Account) -> str | None:
    if request.old_value("skipFinalSnapshot") or request.old_value("finalSnapshotIdentifier"):
        return None
    if request.old_value("replicateSourceDb"):
        return None
    return (
        f"{_COMBINATION}: FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is "
        "specified."
    )


def _snapshots(account: Account, type_: str, region: str) -> Iterator[str]:
    """Names of manual snapshots that exist: those made, and the last ones of what is gone."""
    for grave in account.graves(type_):
        name = grave.inputs.get("finalSnapshotIdentifier")
        if (
            name
            and grave.region == region
            and not grave.inputs.get("skipFinalSnapshot")
            and not grave.inputs.get("replicateSourceDb")
        ):
            yield str(name).lower()
    made, path = (
        (SNAPSHOT, "dbSnapshotIdentifier")
        if type_ == INSTANCE
        else (CLUSTER_SNAPSHOT, "dbClusterSnapshotIdentifier")
    )
    for snapshot in account.all(made, region):
        yield str(snapshot.get(path, "")).lower()


def _snapshot_taken(request: Request, account: Account) -> str | None:
    name = _final_snapshot(request)
    if name is None or name.lower() not in _snapshots(account, request.type, request.region):
        return None
    code = (
        "DBSnapshotAlreadyExists"
        if request.type == INSTANCE
        else "DBClusterSnapshotAlreadyExistsFault"
    )
    return (
        f"{code}: Cannot create the snapshot because a snapshot with the identifier {name} "
        "already exists."
    )


def _replica_snapshot(request: Request, _account: Account) -> str | None:
    if not request.old_value("replicateSourceDb") or _final_snapshot(request) is None:
        return None
    return (
        f"{_COMBINATION}: FinalDBSnapshotIdentifier can not be specified when deleting a replica "
        "instance"
    )


def _members_left(request: Request, account: Account) -> str | None:
    if not account.find(MEMBER, request.region, clusterIdentifier=request.id):
        return None
    return (
        "InvalidDBClusterStateFault: Cluster cannot be deleted, it still contains DB instances in "
        "non-deleting state."
    )


# -- groups -------------------------------------------------------------------------------------
def _before_18(named: str) -> bool:
    number = named.rpartition("postgres")[2].removeprefix("ql")
    return number.isdigit() and int(number) < 18


def _static(request: Request, _account: Account) -> str | None:
    named = str(request.value("family"))
    if "postgres" not in named:
        return None
    # From 18 on the number of autovacuum workers follows without a restart.
    static = STATIC_PARAMETERS | ({"autovacuum_max_workers"} if _before_18(named) else frozenset())
    rows = request.value("parameters", [])
    for index in range(len(rows) if isinstance(rows, list) else 0):
        name = request.value(f"parameters.{index}.name")
        method = request.value(f"parameters.{index}.applyMethod", "immediate")
        if name in static and method == "immediate":
            return f"{_COMBINATION}: cannot use immediate apply method for static parameter"
    return None


def _parameters_in_use(request: Request, account: Account) -> str | None:
    used = (
        ((INSTANCE, "parameterGroupName"), (MEMBER, "dbParameterGroupName"))
        if request.type == PARAMETERS
        else ((CLUSTER, "dbClusterParameterGroupName"),)
    )
    if not any(account.find(type_, request.region, **{path: request.id}) for type_, path in used):
        return None
    return (
        "InvalidDBParameterGroupState: One or more database instances are still members of this "
        f"parameter group {request.id}, so the group cannot be deleted"
    )


def _group_path(request: Request) -> str:
    return "parameterGroupName" if request.type == INSTANCE else "dbClusterParameterGroupName"


def _family_of(request: Request, account: Account) -> tuple[str, str] | None:
    """The parameter group's name and family, where both are known."""
    name = request.value(_group_path(request))
    if not isinstance(name, str):
        return None
    if name.startswith("default."):
        return name, name.removeprefix("default.")
    type_ = PARAMETERS if request.type == INSTANCE else CLUSTER_PARAMETERS
    group = account.by_id(name, type_)
    return (name, str(group.get("family"))) if group else None


def _major_changes(request: Request) -> bool:
    if request.operation != "update" or not request.known("engineVersion"):
        return False
    old, new = (
        _numbers(request.old_value("engineVersion")),
        _numbers(request.value("engineVersion")),
    )
    return bool(old and new and new[0] > old[0])


def _wrong_family(request: Request, account: Account) -> str | None:
    # An upgrade that keeps the old group is R8's.
    if _major_changes(request) and not request.changes(_group_path(request)):
        return None
    if not request.known("engineVersion") or (found := _family_of(request, account)) is None:
        return None
    wanted = family(_engine(request), str(request.value("engineVersion")))
    if wanted is None or found[1] == wanted:
        return None
    return (
        f"{_COMBINATION}: The parameter group {found[0]} with DBParameterGroupFamily {found[1]} "
        "can't be used for this instance. Use a parameter group with DBParameterGroupFamily "
        f"{wanted}."
    )


def _major(request: Request, _account: Account) -> str | None:
    if not _major_changes(request):
        return None
    if request.value("allowMajorVersionUpgrade") is not True:
        return (
            f"{_COMBINATION}: The AllowMajorVersionUpgrade flag must be present when upgrading to "
            "a new major version."
        )
    name = request.value(_group_path(request))
    if not isinstance(name, str) or name.startswith("default."):
        return None
    if request.changes(_group_path(request)):
        return None
    return (
        f"{_COMBINATION}: The current DB instance parameter group {name} is custom. You must "
        "explicitly specify a new DB instance parameter group, either default or custom, for the "
        "engine version upgrade."
    )


def _coverage(request: Request, account: Account) -> str | None:
    found = zones(account, known_list(request, "subnetIds"))
    if found is None or len(found) > 1:
        return None
    return (
        "DBSubnetGroupDoesNotCoverEnoughAZs: The DB subnet group doesn't meet Availability Zone "
        f"(AZ) coverage requirement. Current AZ coverage: {', '.join(found)}. Add subnets to cover "
        "at least 2 AZs."
    )


def _subnets_in_use(request: Request, account: Account) -> str | None:
    for type_, noun in ((INSTANCE, "instance"), (CLUSTER, "cluster")):
        users = account.find(type_, request.region, dbSubnetGroupName=request.id)
        if users:
            return (
                "InvalidDBSubnetGroupStateFault: Cannot delete the subnet group "
                f"'{request.id}' because at least one database {noun}: {users[0].id} is still "
                "using it."
            )
    return None


# -- storage ------------------------------------------------------------------------------------
def _small_gp3(request: Request, _account: Account) -> str | None:
    engine, size = _engine(request), _gib(request, "allocatedStorage")
    if request.value("storageType") != "gp3" or size is None or engine.startswith("sqlserver"):
        return None
    limit = STRIPED_ORACLE if engine.startswith("oracle") else STRIPED
    if size >= limit or not (_gib(request, "iops") or _gib(request, "storageThroughput")):
        return None
    return (
        f"{_COMBINATION}: You can't specify IOPS or storage throughput for engine {engine} and a "
        f"storage size less than {limit}."
    )


def _large_gp3(request: Request, _account: Account) -> str | None:
    engine, size = _engine(request), _gib(request, "allocatedStorage")
    iops = request.value("iops")
    if request.value("storageType") != "gp3" or size is None or not isinstance(iops, int):
        return None
    if engine.startswith(("sqlserver", "oracle")) or size < STRIPED or iops >= STRIPED_IOPS:
        return None
    return (
        f"{_COMBINATION}: gp3 storage of {size} GiB for engine {engine} has at least "
        f"{STRIPED_IOPS} IOPS; {iops} was asked for"
    )


def _provisioned(request: Request, _account: Account) -> str | None:
    kind, size = request.value("storageType"), _gib(request, "allocatedStorage")
    if kind not in RATIOS:
        return None
    iops = request.value("iops")
    if iops is UNKNOWN:
        return None
    if not iops:
        return f"{_COMBINATION}: The storage type {kind} requires iops to be specified."
    if size is None:
        return None
    low, high = RATIOS[kind]
    largest = _gib(request, "maxAllocatedStorage") or size
    for ratio in (iops / size, iops / max(largest, size)):
        if not low <= ratio <= high:
            return (
                f"{_COMBINATION}: Invalid iops to max storage (GB) ratio of {ratio:.4f} for "
                f"engine name {_engine(request)} and storage type {kind}"
            )
    return None


def _size_text(request: Request, size: int, kind: str) -> str:
    return (
        f"{_COMBINATION}: Invalid storage size for engine name {_engine(request)} and storage "
        f"type {kind}: {size}"
    )


def _too_small(request: Request, _account: Account) -> str | None:
    size, kind = _gib(request, "allocatedStorage"), request.value("storageType", "gp2")
    if size is None or kind not in SMALLEST or size >= SMALLEST[kind]:
        return None
    if _engine(request) not in ("postgres", "mysql", "mariadb"):
        return None
    return _size_text(request, size, kind)


def _source(request: Request, account: Account) -> Resource | None:
    name = request.value("replicateSourceDb")
    return account.by_id(name, INSTANCE) if isinstance(name, str) else None


def _held(request: Request, account: Account) -> int | None:
    """What is allocated now, by autoscaling as well."""
    found = current(request, account)
    sizes = [request.old_value("allocatedStorage")]
    if found is not None:
        sizes.append(found.outputs.get("allocatedStorage"))
    known = [size for size in sizes if isinstance(size, int)]
    return max(known) if known else None


def _shrunk(request: Request, account: Account) -> str | None:
    size = _gib(request, "allocatedStorage")
    if size is None:
        return None
    if request.operation == "create":
        source = _source(request, account)
        if source is None or size >= int(source.get("allocatedStorage", 0)):
            return None
        return (
            f"{_COMBINATION}: Allocated storage size can't be less than the source instance size."
        )
    held = _held(request, account)
    if held is None or size >= held:
        return None
    return _size_text(request, size, str(request.value("storageType") or "gp2"))


def _small_growth(old: int, new: int) -> bool:
    return (new - old) * 100 < old * GROWTH


def _small_step(request: Request, account: Account) -> str | None:
    held, size = _held(request, account), _gib(request, "allocatedStorage")
    if held and size and held < size and _small_growth(held, size):
        return f"{_COMBINATION}: The allocated storage must be increased by at least 10 percent."
    old, new = request.old_value("maxAllocatedStorage"), _gib(request, "maxAllocatedStorage")
    if isinstance(old, int) and new and old < new and _small_growth(old, new):
        return (
            f"{_COMBINATION}: The maximum allocated storage must be increased by at least 10 "
            "percent."
        )
    return None


def _ceiling(request: Request, _account: Account) -> str | None:
    size, ceiling = _gib(request, "allocatedStorage"), _gib(request, "maxAllocatedStorage")
    if size is None or ceiling is None or ceiling > size:
        return None
    # On an instance that exists, a ceiling equal to the size switches autoscaling off.
    if ceiling == size and request.operation == "update":
        return None
    return f"{_COMBINATION}: Max storage size must be greater than storage size"


def _resting(request: Request, account: Account) -> str | None:
    if not storage_changed(request.old or {}, request.new or {}):
        return None
    found = current(request, account)
    since = found.outputs.get(STORAGE_CHANGED_AT) if found else None
    if not since or account.now - datetime.fromisoformat(since) >= STORAGE_REST:
        return None
    return (
        f"{_COMBINATION}: You can't currently modify the storage of this DB instance because the "
        "previous storage change is being optimized."
    )


# -- versions -----------------------------------------------------------------------------------
def _backwards(request: Request, account: Account) -> str | None:
    if not request.known("engineVersion"):
        return None
    found = current(request, account)
    # Minor versions also rise without us; what runs is the highest that is known.
    versions = [
        str(version)
        for version in (
            request.old_value("engineVersion"),
            found.outputs.get("engineVersionActual") if found else None,
        )
        if version and _numbers(version)
    ]
    running = max(versions, key=lambda version: _numbers(version) or (), default="")
    old, new = _numbers(running), _numbers(request.value("engineVersion"))
    # "16" beside "16.4" asks for the major only.
    if old is None or new is None or new >= old or old[: len(new)] == new:
        return None
    return (
        f"{_COMBINATION}: Cannot upgrade {_engine(request)} from {running} to "
        f"{request.value('engineVersion')}"
    )


def _no_writer(request: Request, account: Account) -> str | None:
    if not request.changes("engineVersion") or request.value("dbClusterInstanceClass"):
        return None
    if account.find(MEMBER, request.region, clusterIdentifier=request.id):
        return None
    return (
        "InvalidDBClusterStateFault: Cannot modify engine version without a primary instance in DB "
        "cluster"
    )


# -- users and roles ----------------------------------------------------------------------------
def _password(request: Request, _account: Account) -> str | None:
    head = f"{_VALUE}: The parameter MasterUserPassword is not a valid password"
    for path in ("password", "passwordWo", "masterPassword", "masterPasswordWo"):
        text = request.value(path)
        if not isinstance(text, str):
            continue
        if len(text) < SHORTEST_PASSWORD:
            return f"{head} because it is shorter than {SHORTEST_PASSWORD} characters."
        if len(text) > LONGEST_PASSWORD:
            return f"{head} because it is longer than {LONGEST_PASSWORD} characters."
        if set(text) & set('/@" ') or not (text.isascii() and text.isprintable()):
            return (
                f"{head}. Only printable ASCII characters besides '/', '@', '\"', ' ' may be used."
            )
    return None


def _user(request: Request, _account: Account) -> str | None:
    name = request.value("username" if request.type == INSTANCE else "masterUsername")
    if not isinstance(name, str) or "postgres" not in _engine(request):
        return None
    if name.lower() not in RESERVED_USERS and not name.lower().startswith("pg_"):
        return None
    return (
        f"{_VALUE}: MasterUsername {name} cannot be used as it is a reserved word used by the "
        "engine"
    )


def _two_passwords(request: Request, _account: Account) -> str | None:
    if request.value("manageMasterUserPassword") is not True:
        return None
    if not any(
        given(request, path)
        for path in ("password", "passwordWo", "masterPassword", "masterPasswordWo")
    ):
        return None
    return (
        f"{_COMBINATION}: You can't specify MasterUserPassword and set ManageMasterUserPassword to "
        "true at the same time."
    )


def _monitoring(request: Request, _account: Account) -> str | None:
    interval = request.value("monitoringInterval", 0)
    if interval is UNKNOWN:
        return None
    role = given(request, "monitoringRoleArn")
    if interval and not role:
        return (
            f"{_COMBINATION}: A MonitoringRoleARN value is required if you specify a "
            "MonitoringInterval value other than 0."
        )
    if role and not interval:
        return (
            f"{_COMBINATION}: You must specify a MonitoringInterval value other than 0 when you "
            "specify a MonitoringRoleARN value."
        )
    return None


# -- where and when -----------------------------------------------------------------------------
def _zone(request: Request, _account: Account) -> str | None:
    if request.value("multiAz") is not True or not given(request, "availabilityZone"):
        return None
    return (
        f"{_COMBINATION}: Requesting a specific availability zone is not valid for Multi-AZ "
        "instances."
    )


def _span(start: int, end: int, around: int) -> tuple[int, int]:
    return start, end if end > start else end + around


def windows_overlap(daily: str, weekly: str) -> bool | None:
    """Whether "03:00-04:00" on any day meets "sun:04:30-sun:05:30"; None where one is no window."""
    day = re.fullmatch(r"(\d\d):(\d\d)-(\d\d):(\d\d)", daily.strip())
    week = re.fullmatch(
        r"([a-z]{3}):(\d\d):(\d\d)-([a-z]{3}):(\d\d):(\d\d)", weekly.strip().lower()
    )
    if day is None or week is None or week[1] not in _DAYS or week[4] not in _DAYS:
        return None
    hours = [int(part) for part in day.groups()]
    backup = _span(hours[0] * 60 + hours[1], hours[2] * 60 + hours[3], _DAY)
    start, end = (
        _DAYS.index(week[i]) * _DAY + int(week[i + 1]) * 60 + int(week[i + 2]) for i in (1, 4)
    )
    upkeep = _span(start, end, _WEEK)
    # Eight days before and after cover windows that run over the end of a day or of the week.
    return any(
        backup[0] + shift < upkeep[1] and upkeep[0] < backup[1] + shift
        for shift in range(-_DAY, _WEEK + 2 * _DAY, _DAY)
    )


def _windows(request: Request, _account: Account) -> str | None:
    names = (
        ("backupWindow", "maintenanceWindow")
        if request.type == INSTANCE
        else ("preferredBackupWindow", "preferredMaintenanceWindow")
    )
    if not request.known(*names):
        return None
    if not windows_overlap(*(str(request.value(name)) for name in names)):
        return None
    return f"{_VALUE}: The backup window and maintenance window must not overlap."


def _retention(request: Request, account: Account) -> str | None:
    days = request.value("backupRetentionPeriod")
    if not isinstance(days, int):
        return None
    lowest = 0 if request.type == INSTANCE else 1
    if not lowest <= days <= MOST_DAYS:
        return (
            f"{_VALUE}: Invalid backup retention period: {days}. Retention period must be between "
            f"{lowest} and {MOST_DAYS}."
        )
    if days == 0 and request.operation == "update":
        here = current(request, account)
        names = {request.id, request.old_value("identifier"), here.arn if here else ""} - {"", None}
        if any(r.get("replicateSourceDb") in names for r in account.all(INSTANCE)):
            return (
                f"{_VALUE}: Backup retention period can't be set to 0 if the DB instance is a "
                "source to read replicas."
            )
    return None


def _unavailable(request: Request, account: Account) -> str | None:
    found = current(request, account)
    if found is None or found.outputs.get("status", "available") in _WANTED_STATES:
        return None
    return f"InvalidDBInstanceState: Instance {request.id} is not in available state."


# -- names and quotas ---------------------------------------------------------------------------
def _name_taken(request: Request, account: Account) -> str | None:
    if not request.known("identifier"):
        return None
    name = str(request.value("identifier")).lower()
    for type_ in (INSTANCE, MEMBER):
        for other in siblings(request, account, type_):
            if str(other.get("identifier", other.id)).lower() == name:
                return "DBInstanceAlreadyExists: DB instance already exists"
    return None


def _in_multi_az(request: Request, account: Account) -> str | None:
    if not request.known("clusterIdentifier"):
        return None
    cluster = account.by_id(str(request.value("clusterIdentifier")), CLUSTER) or next(
        iter(account.find(CLUSTER, clusterIdentifier=request.value("clusterIdentifier"))), None
    )
    if cluster is None or not cluster.get("dbClusterInstanceClass"):
        return None
    return (
        f"{_VALUE}: CreateDBInstance can't be used to create a DB instance in a Multi-AZ DB "
        "cluster. Use CreateDBCluster instead."
    )


def _vpc_of(account: Account, group: Any) -> Any:
    found = account.by_id(str(group), SUBNETS)
    there = subnets(account, list(found.inputs.get("subnetIds") or [])) if found else []
    return there[0].get("vpcId") if there else None


def _fixed(request: Request, account: Account) -> str | None:
    fixed = {
        "storageEncrypted": "storage encryption",
        "kmsKeyId": "the KMS key",
        "username": "the master user's name",
        "dbName": "the name of the first database",
    }
    for path, what in fixed.items():
        if given(request, path) and request.old_value(path) and request.changes(path):
            return (
                f"{_COMBINATION}: {what} of DB instance {request.id} cannot be modified (two "
                "steps: restore a snapshot into a new instance beside it in one up, retire the old "
                "one in the next)"
            )
    old, new = request.old_value("dbSubnetGroupName"), request.value("dbSubnetGroupName")
    if not old or not isinstance(new, str) or new == old:
        return None
    if _vpc_of(account, old) != _vpc_of(account, new):
        return None
    return (
        f"InvalidVPCNetworkStateFault: You cannot move DB instance {request.id} to subnet group "
        f"{new}. The specified DB subnet group and DB instance are in the same VPC. Choose a DB "
        "subnet group in different VPC than the specified DB instance and try again."
    )


def _quota(request: Request, account: Account) -> str | None:
    if request.operation == "delete":
        if _final_snapshot(request) is None:
            return None
        kept = sum(
            1 for type_ in (INSTANCE, CLUSTER) for _ in _snapshots(account, type_, request.region)
        )
        if kept < SNAPSHOTS:
            return None
        return (
            "SnapshotQuotaExceeded: The request cannot be processed because it would exceed the "
            "maximum number of snapshots."
        )
    held = sum(len(siblings(request, account, type_)) for type_ in (INSTANCE, MEMBER))
    if request.type == CLUSTER or held < INSTANCES:
        return None
    return (
        "InstanceQuotaExceeded: The request would result in the user exceeding the allowed number "
        "of DB instances."
    )


_MO = "moto 5.2"
_BC = "botocore 1.44"
_GUIDE = "RDS user guide"
_MOJ = "ministryofjustice/cloud-platform-environments"
_BOTH = (INSTANCE, CLUSTER)

ROWS: tuple[Row, ...] = (
    Row(
        id="R1",
        title="a protected database stays",
        types=_BOTH,
        operations=("delete",),
        source=_MO,
        judge=_protected,
    ),
    Row(
        id="R2",
        title="a database leaves a snapshot or says that it will not",
        types=_BOTH,
        operations=("delete",),
        source=_BC,
        judge=_unnamed_snapshot,
    ),
    Row(
        id="R3",
        title="a final snapshot's name is new",
        types=_BOTH,
        operations=("delete",),
        source="terraform-aws-modules/terraform-aws-rds#445, cloud-custodian/cloud-custodian#309",
        judge=_snapshot_taken,
    ),
    Row(
        id="R4",
        title="a replica leaves no final snapshot",
        types=(INSTANCE,),
        operations=("delete",),
        source="cloud-custodian/cloud-custodian#436 and #1153",
        judge=_replica_snapshot,
    ),
    Row(
        id="R5",
        title="static parameters wait for a reboot",
        types=(PARAMETERS, CLUSTER_PARAMETERS),
        operations=("create", "update"),
        source="hashicorp/terraform-provider-aws#216, ministryofjustice/cloud-platform#1197",
        judge=_static,
    ),
    Row(
        id="R6",
        title="a parameter group goes after its databases",
        types=(PARAMETERS, CLUSTER_PARAMETERS),
        operations=("delete",),
        source=f"{_BC}; public logs",
        judge=_parameters_in_use,
    ),
    Row(
        id="R7",
        title="a parameter group is of the engine's major",
        types=_BOTH,
        operations=("create", "update"),
        source=f"{_BC}; public logs",
        judge=_wrong_family,
    ),
    Row(
        id="R8",
        title="a major upgrade brings its flag and a new parameter group",
        types=_BOTH,
        operations=("update",),
        source=f"{_BC}; public logs",
        judge=_major,
    ),
    Row(
        id="R9",
        title="a subnet group covers two zones",
        types=(SUBNETS,),
        operations=("create", "update"),
        source="ExtensionEngine/infra-code-blocks#28, terraform-aws-modules/terraform-aws-vpc#821",
        judge=_coverage,
    ),
    Row(
        id="R10",
        title="a subnet group goes after its databases",
        types=(SUBNETS,),
        operations=("delete",),
        source="terraform-aws-modules/terraform-aws-eks#285",
        judge=_subnets_in_use,
    ),
    Row(
        id="R11",
        title="small gp3 volumes have their baseline and nothing else",
        types=(INSTANCE,),
        operations=("create", "update"),
        source=(
            "cloudtools/troposphere#2141, braintrustdata/terraform-aws-braintrust-data-plane#288"
        ),
        judge=_small_gp3,
    ),
    Row(
        id="R12",
        title="large gp3 volumes have 12,000 IOPS or more",
        types=(INSTANCE,),
        operations=("create", "update"),
        source=f"opensupplyhub/open-supply-hub#1114, {_MOJ}#26258",
        judge=_large_gp3,
    ),
    Row(
        id="R13",
        title="provisioned IOPS are given, and in proportion",
        types=(INSTANCE,),
        operations=("create", "update"),
        source=f"terraform-community-modules/tf_aws_rds#22, {_MOJ}#3972",
        judge=_provisioned,
    ),
    Row(
        id="R14",
        title="a volume has its type's least size",
        types=(INSTANCE,),
        operations=("create",),
        source="convox/rack#2846",
        judge=_too_small,
    ),
    Row(
        id="R15",
        title="storage never shrinks",
        types=(INSTANCE,),
        operations=("create", "update"),
        source=f"{_GUIDE}, {_MO}; public logs",
        judge=_shrunk,
    ),
    Row(
        id="R16",
        title="storage grows by 10 percent or more",
        types=(INSTANCE,),
        operations=("update",),
        source=f"{_GUIDE}, {_BC}, {_MOJ}#24410",
        judge=_small_step,
    ),
    Row(
        id="R17",
        title="the ceiling of storage is above the storage",
        types=(INSTANCE,),
        operations=("create", "update"),
        source=f"{_MOJ}#7471, {_MO}",
        judge=_ceiling,
    ),
    Row(
        id="R18",
        title="one storage change in six hours",
        types=(INSTANCE,),
        operations=("update",),
        source=f"{_GUIDE}, {_MOJ}#659",
        judge=_resting,
    ),
    Row(
        id="R19",
        title="engine versions never go down",
        types=_BOTH,
        operations=("update",),
        source=f"{_MOJ}#8659 and #3517",
        judge=_backwards,
    ),
    Row(
        id="R21",
        title="a master password is of RDS's alphabet and length",
        types=_BOTH,
        operations=("create", "update"),
        source=f"{_BC}, {_MO}; public logs",
        judge=_password,
    ),
    Row(
        id="R22",
        title="a master user has a name of its own",
        types=_BOTH,
        operations=("create",),
        source=f"{_BC}; public logs",
        judge=_user,
    ),
    Row(
        id="R23",
        title="Multi-AZ chooses its zones",
        types=(INSTANCE,),
        operations=("create", "update"),
        source=f"{_BC}, {_MO}",
        judge=_zone,
    ),
    Row(
        id="R24",
        title="enhanced monitoring has an interval and a role",
        types=(INSTANCE, CLUSTER, MEMBER),
        operations=("create", "update"),
        source=_MO,
        judge=_monitoring,
    ),
    Row(
        id="R25",
        title="a password is managed or given",
        types=_BOTH,
        operations=("create", "update"),
        source=_BC,
        judge=_two_passwords,
    ),
    Row(
        id="R26",
        title="backup and maintenance windows do not meet",
        types=_BOTH,
        operations=("create", "update"),
        source=f"{_BC}, {_MO}",
        judge=_windows,
    ),
    Row(
        id="R27",
        title="backups are kept up to 35 days, and some while replicas exist",
        types=_BOTH,
        operations=("create", "update"),
        source=_BC,
        judge=_retention,
    ),
    Row(
        id="R28",
        title="a database that is changed is available",
        types=(INSTANCE,),
        operations=("update",),
        source=_MO,
        judge=_unavailable,
    ),
    Row(
        id="R29",
        title="an instance's name stands once per region",
        types=(INSTANCE, MEMBER),
        operations=("create",),
        source=_MO,
        judge=_name_taken,
    ),
    Row(
        id="R30",
        title="a cluster goes after its members",
        types=(CLUSTER,),
        operations=("delete",),
        source=_MO,
        judge=_members_left,
    ),
    Row(
        id="R31",
        title="a cluster is upgraded with a writer",
        types=(CLUSTER,),
        operations=("update",),
        source="AWS provider v1.60, rds_cluster:1104",
        judge=_no_writer,
    ),
    Row(
        id="R32",
        title="a Multi-AZ cluster makes its instances itself",
        types=(MEMBER,),
        operations=("create",),
        source="cloudposse/terraform-aws-rds-cluster#148",
        judge=_in_multi_az,
    ),
    Row(
        id="R33",
        title="encryption, user, database name and subnet group stay",
        types=(INSTANCE,),
        operations=("update",),
        source="AWS resource schema of 2026-10-20; public logs",
        judge=_fixed,
    ),
    Row(
        id="R34",
        title="forty instances and a hundred manual snapshots per region",
        types=(INSTANCE, MEMBER, CLUSTER),
        operations=("create", "delete"),
        source=f"{_GUIDE}, {_MO}, {_BC}",
        judge=_quota,
    ),
)
