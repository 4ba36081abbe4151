"""Each row about databases says RDS's words to a wrong request and nothing to a right one."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.refusals.asking import SUBNET
from rehearsal.refusals.databases import (
    CLUSTER,
    CLUSTER_SNAPSHOT,
    INSTANCE,
    MEMBER,
    PARAMETERS,
    ROWS,
    SNAPSHOT,
    STORAGE_CHANGED_AT,
    SUBNETS,
    family,
    storage_changed,
    windows_overlap,
)
from rehearsal.wire import UNKNOWN, Secret
from tests.rehearsal.refusals.cases import (
    Case,
    Thing,
    create,
    delete,
    firing,
    thing,
    update,
)

A, B = "subnet-0000000000000000a", "subnet-0000000000000000b"
COMBINATION = "InvalidParameterCombination: "
VALUE = "InvalidParameterValue: "
PASSWORD = VALUE + "The parameter MasterUserPassword is not a valid password"
TWO_STEPS = " (two steps: first `deletionProtection: false` in one up, delete in the next)"


def db(**inputs: Any):
    return create(INSTANCE, **{"engine": "postgres", **inputs})


def change(old: dict[str, Any], **new: Any):
    return update(INSTANCE, "db", {"identifier": "db", "engine": "postgres", **old}, **new)


def there(*, outputs: dict[str, Any] | None = None, **inputs: Any) -> Thing:
    return thing(INSTANCE, "db", outputs=outputs, identifier="db", engine="postgres", **inputs)


def parameters(*rows: dict[str, Any], family: str = "postgres16"):
    return create(PARAMETERS, name="pg", family=family, parameters=list(rows))


def group(id_: str = "pg", family: str = "postgres16") -> Thing:
    return thing(PARAMETERS, id_, name=id_, family=family)


def subnet(id_: str, zone: str, vpc: str = "vpc-1") -> Thing:
    return thing(SUBNET, id_, vpcId=vpc, availabilityZone=zone)


def snapshot_taken(code: str, name: str) -> str:
    return (
        f"{code}: Cannot create the snapshot because a snapshot with the identifier {name} already "
        "exists."
    )


def size_refused(kind: str, size: int) -> str:
    return (
        COMBINATION
        + f"Invalid storage size for engine name postgres and storage type {kind}: {size}"
    )


LAST = {"finalSnapshotIdentifier": "db-last", "skipFinalSnapshot": False}
STATIC = COMBINATION + "cannot use immediate apply method for static parameter"
FAMILY = (
    COMBINATION + "The parameter group pg with DBParameterGroupFamily postgres16 can't be used for "
    "this instance. Use a parameter group with DBParameterGroupFamily postgres17."
)
FLAG = (
    COMBINATION + "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major "
    "version."
)
CUSTOM = (
    COMBINATION + "The current DB instance parameter group pg is custom. You must explicitly "
    "specify a new DB instance parameter group, either default or custom, for the engine version "
    "upgrade."
)
SMALL_GP3 = (
    COMBINATION + "You can't specify IOPS or storage throughput for engine postgres and a storage "
    "size less than 400."
)
OVERLAP = VALUE + "The backup window and maintenance window must not overlap."
NO_MOVE = (
    "InvalidVPCNetworkStateFault: You cannot move DB instance db to subnet group other. The "
    "specified DB subnet group and DB instance are in the same VPC. Choose a DB subnet group in "
    "different VPC than the specified DB instance and try again."
)
RESTING = (
    COMBINATION + "You can't currently modify the storage of this DB instance because the previous "
    "storage change is being optimized."
)
UNAVAILABLE = "InvalidDBInstanceState: Instance db is not in available state."
GROUPS = [
    thing(SUBNETS, "data", subnetIds=[A]),
    thing(SUBNETS, "other", subnetIds=[B]),
]

CASES = [
    Case(
        row="R1",
        request=delete(INSTANCE, "db", deletionProtection=True),
        says=COMBINATION
        + "Cannot delete protected DB Instance, please disable deletion protection and try again."
        + TWO_STEPS,
    ),
    Case(
        row="R1",
        request=delete(CLUSTER, "c", deletionProtection=True),
        says=COMBINATION
        + "Cannot delete protected Cluster, please disable deletion protection and try again."
        + TWO_STEPS,
    ),
    Case(row="R1", request=delete(INSTANCE, "db", deletionProtection=False)),
    Case(
        row="R2",
        request=delete(INSTANCE, "db", skipFinalSnapshot=False),
        says=COMBINATION
        + "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
    ),
    Case(row="R2", request=delete(INSTANCE, "db", **LAST)),
    Case(row="R2", request=delete(INSTANCE, "db", skipFinalSnapshot=True)),
    Case(row="R2", request=delete(INSTANCE, "db", replicateSourceDb="main")),
    Case(
        row="R3",
        gone=[there(**LAST)],
        days=400,
        request=delete(INSTANCE, "db", **LAST),
        says=snapshot_taken("DBSnapshotAlreadyExists", "db-last"),
    ),
    Case(
        row="R3",
        have=[thing(SNAPSHOT, "s", dbSnapshotIdentifier="DB-last")],
        request=delete(INSTANCE, "db", **LAST),
        says=snapshot_taken("DBSnapshotAlreadyExists", "db-last"),
    ),
    Case(
        row="R3",
        have=[thing(CLUSTER_SNAPSHOT, "s", dbClusterSnapshotIdentifier="db-last")],
        request=delete(CLUSTER, "c", **LAST),
        says=snapshot_taken("DBClusterSnapshotAlreadyExistsFault", "db-last"),
    ),
    Case(
        row="R3",
        gone=[there(**{**LAST, "skipFinalSnapshot": True})],
        request=delete(INSTANCE, "db", **LAST),
    ),
    Case(
        row="R3",
        gone=[there(**LAST)],
        request=delete(INSTANCE, "db", finalSnapshotIdentifier="db-last-1a2b"),
    ),
    Case(
        row="R4",
        request=delete(INSTANCE, "r", replicateSourceDb="db", **LAST),
        says=COMBINATION
        + "FinalDBSnapshotIdentifier can not be specified when deleting a replica instance",
    ),
    Case(row="R4", request=delete(INSTANCE, "r", replicateSourceDb="db", skipFinalSnapshot=True)),
    Case(row="R4", request=delete(INSTANCE, "db", **LAST)),
    Case(
        row="R5",
        request=parameters(
            {"name": "work_mem", "value": "4096"}, {"name": "max_connections", "value": "200"}
        ),
        says=STATIC,
    ),
    Case(
        row="R5",
        request=parameters(
            {"name": "autovacuum_max_workers", "value": "4", "applyMethod": "immediate"}
        ),
        says=STATIC,
    ),
    Case(
        row="R5",
        request=parameters(
            {"name": "work_mem", "value": "4096", "applyMethod": "immediate"},
            {"name": "max_connections", "value": "200", "applyMethod": "pending-reboot"},
        ),
    ),
    Case(
        row="R5",
        request=parameters({"name": "autovacuum_max_workers", "value": "4"}, family="postgres18"),
    ),
    Case(
        row="R6",
        have=[there(parameterGroupName="pg")],
        request=delete(PARAMETERS, "pg", name="pg"),
        says=(
            "InvalidDBParameterGroupState: One or more database instances are still members of "
            "this parameter group pg, so the group cannot be deleted"
        ),
    ),
    Case(
        row="R6",
        have=[there(parameterGroupName="other")],
        request=delete(PARAMETERS, "pg", name="pg"),
    ),
    Case(
        row="R7",
        have=[group()],
        request=db(engineVersion="17.2", parameterGroupName="pg"),
        says=FAMILY,
    ),
    Case(
        row="R7",
        request=db(engineVersion="16.4", parameterGroupName="default.postgres17"),
        says=(
            COMBINATION + "The parameter group default.postgres17 with DBParameterGroupFamily "
            "postgres17 can't be used for this instance. Use a parameter group with "
            "DBParameterGroupFamily postgres16."
        ),
    ),
    Case(row="R7", have=[group()], request=db(engineVersion="16", parameterGroupName="pg")),
    Case(
        row="R7",
        have=[group()],
        request=change({"engineVersion": "16.4", "parameterGroupName": "pg"}, engineVersion="17.2"),
    ),
    Case(
        row="R8",
        have=[group()],
        request=change({"engineVersion": "16.4", "parameterGroupName": "pg"}, engineVersion="17.2"),
        says=FLAG,
    ),
    Case(
        row="R8",
        request=change(
            {"engineVersion": "16.4", "parameterGroupName": "pg"},
            engineVersion="17.2",
            allowMajorVersionUpgrade=True,
        ),
        says=CUSTOM,
    ),
    Case(
        row="R8",
        request=change(
            {"engineVersion": "16.4", "parameterGroupName": "pg"},
            engineVersion="17.2",
            allowMajorVersionUpgrade=True,
            parameterGroupName="pg17",
        ),
    ),
    Case(row="R8", request=change({"engineVersion": "16.4"}, engineVersion="16.6")),
    Case(
        row="R9",
        have=[subnet(A, "eu-central-1a"), subnet(B, "eu-central-1a")],
        request=create(SUBNETS, name="data", subnetIds=[A, B]),
        says=(
            "DBSubnetGroupDoesNotCoverEnoughAZs: The DB subnet group doesn't meet Availability "
            "Zone (AZ) coverage requirement. Current AZ coverage: eu-central-1a. Add subnets to "
            "cover at least 2 AZs."
        ),
    ),
    Case(
        row="R9",
        have=[subnet(A, "eu-central-1a"), subnet(B, "eu-central-1b")],
        request=create(SUBNETS, name="data", subnetIds=[A, B]),
    ),
    Case(
        row="R10",
        have=[there(dbSubnetGroupName="data")],
        request=delete(SUBNETS, "data", name="data"),
        says=(
            "InvalidDBSubnetGroupStateFault: Cannot delete the subnet group 'data' because at "
            "least one database instance: db is still using it."
        ),
    ),
    Case(row="R10", request=delete(SUBNETS, "data", name="data")),
    Case(
        row="R11",
        request=db(storageType="gp3", allocatedStorage=100, iops=3000),
        says=SMALL_GP3,
    ),
    Case(
        row="R11",
        request=db(storageType="gp3", allocatedStorage=399, storageThroughput=125),
        says=SMALL_GP3,
    ),
    Case(row="R11", request=db(storageType="gp3", allocatedStorage=100)),
    Case(row="R11", request=db(storageType="gp3", allocatedStorage=400, iops=12000)),
    Case(
        row="R12",
        request=db(storageType="gp3", allocatedStorage=500, iops=3000),
        says=(
            COMBINATION + "gp3 storage of 500 GiB for engine postgres has at least 12000 IOPS; "
            "3000 was asked for"
        ),
    ),
    Case(row="R12", request=db(storageType="gp3", allocatedStorage=500)),
    Case(row="R12", request=db(storageType="gp3", allocatedStorage=500, iops=12000)),
    Case(
        row="R13",
        request=db(storageType="io1", allocatedStorage=100),
        says=COMBINATION + "The storage type io1 requires iops to be specified.",
    ),
    Case(
        row="R13",
        request=db(storageType="io1", allocatedStorage=100, iops=6000),
        says=(
            COMBINATION + "Invalid iops to max storage (GB) ratio of 60.0000 for engine name "
            "postgres and storage type io1"
        ),
    ),
    Case(
        row="R13",
        request=db(storageType="io1", allocatedStorage=1000, maxAllocatedStorage=4000, iops=1000),
        says=(
            COMBINATION + "Invalid iops to max storage (GB) ratio of 0.2500 for engine name "
            "postgres and storage type io1"
        ),
    ),
    Case(row="R13", request=db(storageType="io1", allocatedStorage=100, iops=1000)),
    Case(row="R13", request=db(storageType="io2", allocatedStorage=100, iops=6000)),
    Case(
        row="R14",
        request=db(storageType="gp2", allocatedStorage=10),
        says=size_refused("gp2", 10),
    ),
    Case(row="R14", request=db(storageType="gp3", allocatedStorage=20)),
    Case(
        row="R15",
        request=change({"storageType": "gp3", "allocatedStorage": 100}, allocatedStorage=50),
        says=size_refused("gp3", 50),
    ),
    Case(
        row="R15",
        have=[there(outputs={"allocatedStorage": 200}, allocatedStorage=100)],
        request=change({"storageType": "gp3", "allocatedStorage": 100}, allocatedStorage=150),
        says=size_refused("gp3", 150),
    ),
    Case(
        row="R15",
        have=[there(allocatedStorage=200)],
        request=db(replicateSourceDb="db", allocatedStorage=100),
        says=COMBINATION + "Allocated storage size can't be less than the source instance size.",
    ),
    Case(row="R15", request=change({"allocatedStorage": 100}, allocatedStorage=200)),
    Case(row="R15", request=db(allocatedStorage=100)),
    Case(
        row="R16",
        request=change({"allocatedStorage": 100}, allocatedStorage=105),
        says=COMBINATION + "The allocated storage must be increased by at least 10 percent.",
    ),
    Case(
        row="R16",
        request=change({"maxAllocatedStorage": 500}, maxAllocatedStorage=520),
        says=(
            COMBINATION + "The maximum allocated storage must be increased by at least 10 percent."
        ),
    ),
    Case(row="R16", request=change({"allocatedStorage": 100}, allocatedStorage=110)),
    Case(
        row="R17",
        request=db(allocatedStorage=100, maxAllocatedStorage=100),
        says=COMBINATION + "Max storage size must be greater than storage size",
    ),
    Case(row="R17", request=db(allocatedStorage=100, maxAllocatedStorage=500)),
    Case(row="R17", request=db(allocatedStorage=100, maxAllocatedStorage=0)),
    Case(row="R17", request=change({"allocatedStorage": 100}, maxAllocatedStorage=100)),
    Case(
        row="R18",
        days=0.2,
        have=[there(outputs={STORAGE_CHANGED_AT: "2026-01-01T00:00:00+00:00"})],
        request=change({"allocatedStorage": 100}, allocatedStorage=200),
        says=RESTING,
    ),
    Case(
        row="R18",
        days=0.3,
        have=[there(outputs={STORAGE_CHANGED_AT: "2026-01-01T00:00:00+00:00"})],
        request=change({"allocatedStorage": 100}, allocatedStorage=200),
    ),
    Case(
        row="R18",
        have=[there(outputs={STORAGE_CHANGED_AT: "2026-01-01T00:00:00+00:00"})],
        request=change({"allocatedStorage": 100}, backupRetentionPeriod=14),
    ),
    Case(
        row="R19",
        request=change({"engineVersion": "14.3"}, engineVersion="14.2"),
        says=COMBINATION + "Cannot upgrade postgres from 14.3 to 14.2",
    ),
    Case(
        row="R19",
        have=[there(outputs={"engineVersionActual": "16.6"}, engineVersion="16.4")],
        request=change({"engineVersion": "16.4"}, engineVersion="16.5"),
        says=COMBINATION + "Cannot upgrade postgres from 16.6 to 16.5",
    ),
    Case(row="R19", request=change({"engineVersion": "16.4"}, engineVersion="16")),
    Case(row="R19", request=change({"engineVersion": "16.4"}, engineVersion="16.6")),
    Case(
        row="R21",
        request=db(password="Zq9-Zq9"),
        says=PASSWORD + " because it is shorter than 8 characters.",
    ),
    Case(
        row="R21",
        request=db(password="x" * 129),
        says=PASSWORD + " because it is longer than 128 characters.",
    ),
    Case(
        row="R21",
        request=create(CLUSTER, engine="aurora-postgresql", masterPassword="with@sign"),
        says=PASSWORD
        + ". Only printable ASCII characters besides '/', '@', '\"', ' ' may be used.",
    ),
    Case(row="R21", request=db(password="Aa1-" * 8)),
    Case(
        row="R22",
        request=db(username="admin"),
        says=(
            VALUE + "MasterUsername admin cannot be used as it is a reserved word used by the "
            "engine"
        ),
    ),
    Case(row="R22", request=db(username="arches_owner")),
    Case(row="R22", request=db(username="postgres")),
    Case(row="R22", request=db(engine="mysql", username="admin")),
    Case(
        row="R23",
        request=db(multiAz=True, availabilityZone="eu-central-1a"),
        says=COMBINATION
        + "Requesting a specific availability zone is not valid for Multi-AZ instances.",
    ),
    Case(row="R23", request=db(multiAz=True)),
    Case(row="R23", request=db(availabilityZone="eu-central-1a")),
    Case(
        row="R24",
        request=db(monitoringInterval=60),
        says=(
            COMBINATION + "A MonitoringRoleARN value is required if you specify a "
            "MonitoringInterval value other than 0."
        ),
    ),
    Case(
        row="R24",
        request=db(monitoringInterval=0, monitoringRoleArn=UNKNOWN),
        says=(
            COMBINATION + "You must specify a MonitoringInterval value other than 0 when you "
            "specify a MonitoringRoleARN value."
        ),
    ),
    Case(row="R24", request=db(monitoringInterval=60, monitoringRoleArn=UNKNOWN)),
    Case(row="R24", request=db()),
    Case(
        row="R25",
        request=db(manageMasterUserPassword=True, password="Aa1-Aa1-"),
        says=(
            COMBINATION + "You can't specify MasterUserPassword and set ManageMasterUserPassword "
            "to true at the same time."
        ),
    ),
    Case(row="R25", request=db(manageMasterUserPassword=True)),
    Case(
        row="R26",
        request=db(backupWindow="03:00-04:00", maintenanceWindow="sun:03:30-sun:04:30"),
        says=OVERLAP,
    ),
    Case(
        row="R26",
        request=db(backupWindow="03:00-04:00", maintenanceWindow="sun:04:00-sun:05:00"),
    ),
    Case(
        row="R27",
        request=db(backupRetentionPeriod=36),
        says=(
            VALUE + "Invalid backup retention period: 36. Retention period must be between 0 and "
            "35."
        ),
    ),
    Case(
        row="R27",
        have=[thing(INSTANCE, "r", replicateSourceDb="db")],
        request=change({"backupRetentionPeriod": 7}, backupRetentionPeriod=0),
        says=(
            VALUE + "Backup retention period can't be set to 0 if the DB instance is a source to "
            "read replicas."
        ),
    ),
    Case(row="R27", request=db(backupRetentionPeriod=35)),
    Case(row="R27", request=change({"backupRetentionPeriod": 7}, backupRetentionPeriod=0)),
    Case(
        row="R28",
        have=[there(outputs={"status": "modifying"})],
        request=change({"allocatedStorage": 100}, allocatedStorage=200),
        says=UNAVAILABLE,
    ),
    Case(
        row="R28",
        have=[there(outputs={"status": "available"})],
        request=change({"allocatedStorage": 100}, allocatedStorage=200),
    ),
    Case(
        row="R29",
        have=[there()],
        request=db(identifier="DB"),
        says="DBInstanceAlreadyExists: DB instance already exists",
    ),
    Case(row="R29", have=[there()], request=db(identifier="db-2")),
    Case(
        row="R30",
        have=[thing(MEMBER, "m", clusterIdentifier="c")],
        request=delete(CLUSTER, "c"),
        says=(
            "InvalidDBClusterStateFault: Cluster cannot be deleted, it still contains DB instances "
            "in non-deleting state."
        ),
    ),
    Case(row="R30", request=delete(CLUSTER, "c")),
    Case(
        row="R31",
        request=update(CLUSTER, "c", {"engineVersion": "16.4"}, engineVersion="16.6"),
        says=(
            "InvalidDBClusterStateFault: Cannot modify engine version without a primary instance "
            "in DB cluster"
        ),
    ),
    Case(
        row="R31",
        have=[thing(MEMBER, "m", clusterIdentifier="c")],
        request=update(CLUSTER, "c", {"engineVersion": "16.4"}, engineVersion="16.6"),
    ),
    Case(
        row="R32",
        have=[thing(CLUSTER, "c", dbClusterInstanceClass="db.m6gd.large")],
        request=create(MEMBER, clusterIdentifier="c", engine="postgres"),
        says=(
            VALUE + "CreateDBInstance can't be used to create a DB instance in a Multi-AZ DB "
            "cluster. Use CreateDBCluster instead."
        ),
    ),
    Case(
        row="R32",
        have=[thing(CLUSTER, "c", engine="aurora-postgresql")],
        request=create(MEMBER, clusterIdentifier="c", engine="aurora-postgresql"),
    ),
    Case(
        row="R33",
        request=change({"dbName": "arches"}, dbName="other"),
        says=(
            COMBINATION + "the name of the first database of DB instance db cannot be modified "
            "(two steps: restore a snapshot into a new instance beside it in one up, retire the "
            "old one in the next)"
        ),
    ),
    Case(
        row="R33",
        have=[*GROUPS, subnet(A, "eu-central-1a"), subnet(B, "eu-central-1b")],
        request=change({"dbSubnetGroupName": "data"}, dbSubnetGroupName="other"),
        says=NO_MOVE,
    ),
    Case(
        row="R33",
        have=[*GROUPS, subnet(A, "eu-central-1a"), subnet(B, "eu-central-1b", vpc="vpc-2")],
        request=change({"dbSubnetGroupName": "data"}, dbSubnetGroupName="other"),
    ),
    Case(row="R33", request=change({"dbName": "arches"}, multiAz=True)),
    Case(
        row="R34",
        have=[thing(INSTANCE, f"db-{i}") for i in range(40)],
        request=db(identifier="db"),
        says=(
            "InstanceQuotaExceeded: The request would result in the user exceeding the allowed "
            "number of DB instances."
        ),
    ),
    Case(
        row="R34",
        have=[thing(SNAPSHOT, f"s{i}", dbSnapshotIdentifier=f"s{i}") for i in range(100)],
        request=delete(INSTANCE, "db", **LAST),
        says=(
            "SnapshotQuotaExceeded: The request cannot be processed because it would exceed the "
            "maximum number of snapshots."
        ),
    ),
    Case(
        row="R34",
        have=[thing(INSTANCE, f"db-{i}") for i in range(39)],
        request=db(identifier="db"),
    ),
]
# These count what exists, or ask the state of what exists: the values given do not matter.
CERTAIN = {"R28", "R34"}


def test_the_room_has_all_rows_of_the_reference_but_the_two_that_no_request_can_meet() -> None:
    assert [row.id for row in ROWS] == [f"R{i}" for i in range(1, 35) if i != 20]


def test_no_message_about_a_password_shows_it() -> None:
    for case in firing(CASES):
        for name in ("password", "masterPassword"):
            value = (case.request.new or {}).get(name)
            assert value is None or value not in (case.says or ""), "a secret would be printed"


@pytest.mark.parametrize(
    ("daily", "weekly", "overlap"),
    [
        ("03:00-04:00", "sun:04:30-sun:05:30", False),
        ("23:30-00:30", "mon:00:00-mon:01:00", True),
        ("23:30-00:30", "sun:23:45-mon:00:15", True),
        ("00:10-00:40", "sun:23:45-mon:00:15", True),
        ("01:00-02:00", "sun:23:00-mon:01:00", False),
        ("nonsense", "sun:23:00-mon:01:00", None),
    ],
)
def test_windows_meet_over_midnight_and_over_the_end_of_the_week(
    daily: str, weekly: str, overlap: bool | None
) -> None:
    assert windows_overlap(daily, weekly) is overlap


@pytest.mark.parametrize(
    ("engine", "version", "expected"),
    [
        ("postgres", "16.4", "postgres16"),
        ("postgres", "17", "postgres17"),
        ("aurora-postgresql", "16.4", "aurora-postgresql16"),
        ("mysql", "8.0.36", "mysql8.0"),
        ("sqlserver-ex", "15.00", None),
    ],
)
def test_the_family_follows_from_engine_and_version(
    engine: str, version: str, expected: str | None
) -> None:
    assert family(engine, version) == expected


def test_a_storage_change_is_told_from_other_changes() -> None:
    old = {"allocatedStorage": 100, "iops": 3000}
    assert storage_changed(old, {**old, "allocatedStorage": 200})
    assert storage_changed(old, {**old, "iops": Secret(4000)})
    assert not storage_changed(old, {**old, "iops": Secret(3000), "multiAz": True})
    assert not storage_changed(old, {**old, "allocatedStorage": UNKNOWN})
