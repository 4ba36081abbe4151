"""Each row about caches says ElastiCache's words to a wrong request and nothing to a right one."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.refusals.caches import (
    CLUSTER,
    GROUP,
    MEMBERSHIP,
    PARAMETERS,
    ROWS,
    SUBNETS,
    USER,
    USER_GROUP,
    family,
)
from rehearsal.wire import UNKNOWN
from tests.rehearsal.refusals.cases import (
    Case,
    Thing,
    create,
    delete,
    firing,
    said,
    thing,
    update,
)

TOKEN = "a" * 64
ONE_NODE = (
    "InvalidParameterCombination: When using automatic failover, there must be at least 2 cache "
    "clusters in the replication group."
)
NO_FAILOVER = "automatic_failover_enabled must be true if multi_az_enabled is true"
SHARDS = (
    "InvalidParameterValue: Redis with cluster mode enabled cannot be created with auto failover "
    "turned off."
)
NO_TLS = (
    "InvalidParameterValue: The AUTH token is only supported when encryption-in-transit is enabled"
)
BAD_TOKEN = "InvalidParameterValue: Invalid AuthToken provided."
USERS_WITHOUT_TLS = (
    "User group based access control requires encryption-in-transit to be enabled on the "
    "replication group."
)
NO_DEFAULT = "DefaultUserRequired: User group needs to contain a user with the user name default."
TWICE = "DuplicateUserName: A user with this username already exists."
IDENTIFIER = (
    "InvalidParameterValue: The parameter ReplicationGroupIdentifier is not a valid identifier. "
    "Identifiers must begin with a letter; must contain only ASCII letters, digits, and hyphens; "
    "and must not end with a hyphen or contain two consecutive hyphens."
)
BUILT_IN = (
    "InvalidParameterValue: The built-in default user cannot be modified or deleted; make one of "
    "your own with the user name default"
)
# What is missing is missing at preview too.
CERTAIN = {"C11", "C20w"}


def group(**inputs: Any):
    return create(GROUP, engine="redis", replicationGroupId="arches-prod-cache", **inputs)


def change(old: dict[str, Any], **new: Any):
    return update(GROUP, "cache", {"engine": "redis", **old}, **new)


def right():
    """As the program makes it."""
    return group(
        engineVersion="7.1",
        numCacheClusters=3,
        automaticFailoverEnabled=True,
        multiAzEnabled=True,
        parameterGroupName="parameters",
        transitEncryptionEnabled=True,
        authToken=TOKEN,
        authTokenUpdateStrategy="ROTATE",
        finalSnapshotIdentifier="arches-prod-cache-final-0a1b2c3d",
    )


def user(id_: str, name: str) -> Thing:
    return thing(USER, id_, userId=id_, userName=name, engine="redis")


PARAMETERS_7 = thing(PARAMETERS, "parameters", name="parameters", family="redis7")
SHARDED = thing(
    PARAMETERS,
    "sharded",
    name="sharded",
    family="redis7",
    parameters=[{"name": "cluster-enabled", "value": "yes"}],
)

CASES = [
    Case(row="C1", request=group(automaticFailoverEnabled=True, numCacheClusters=1), says=ONE_NODE),
    Case(row="C1", request=group(automaticFailoverEnabled=True), says=ONE_NODE),
    Case(
        row="C1",
        request=change(
            {"numCacheClusters": 2, "automaticFailoverEnabled": True}, numCacheClusters=1
        ),
        says=ONE_NODE,
    ),
    Case(row="C1", request=group(automaticFailoverEnabled=False, numCacheClusters=1)),
    Case(row="C1", request=group(automaticFailoverEnabled=True, numCacheClusters=UNKNOWN)),
    Case(row="C1", request=group(automaticFailoverEnabled=True, numNodeGroups=2)),
    Case(row="C1", request=right()),
    Case(row="C2", request=group(multiAzEnabled=True), says=NO_FAILOVER),
    Case(row="C2", request=right()),
    Case(row="C2", request=group(multiAzEnabled=True, automaticFailoverEnabled=UNKNOWN)),
    Case(row="C3", request=group(numNodeGroups=3), says=SHARDS),
    Case(row="C3", request=group(clusterMode="enabled"), says=SHARDS),
    Case(row="C3", request=group(parameterGroupName="default.redis7.cluster.on"), says=SHARDS),
    Case(row="C3", have=[SHARDED], request=group(parameterGroupName="sharded"), says=SHARDS),
    Case(row="C3", request=group(numNodeGroups=3, automaticFailoverEnabled=True)),
    Case(row="C3", have=[PARAMETERS_7], request=group(parameterGroupName="parameters")),
    Case(
        row="C4",
        have=[PARAMETERS_7],
        request=group(engineVersion="6.2", parameterGroupName="parameters"),
        says="InvalidParameterCombination: Expected a parameter group of family redis6.x but found "
        "one of family redis7",
    ),
    Case(
        row="C4",
        request=group(engineVersion="7.1", parameterGroupName="default.redis6.x"),
        says="InvalidParameterCombination: Expected a parameter group of family redis7 but found "
        "one of family redis6.x",
    ),
    Case(row="C4", have=[PARAMETERS_7], request=right()),
    Case(row="C4", request=group(engineVersion="6.x", parameterGroupName="default.redis6.x")),
    Case(row="C5", request=group(authToken=TOKEN, transitEncryptionEnabled=False), says=NO_TLS),
    Case(row="C5", request=right()),
    Case(row="C5", request=group(transitEncryptionEnabled=False)),
    Case(row="C6", request=group(authToken="short"), says=BAD_TOKEN),
    Case(row="C6", request=group(authToken="with@sign" * 3), says=BAD_TOKEN),
    Case(row="C6", request=group(authToken="a" * 129), says=BAD_TOKEN),
    Case(row="C6", request=group(authToken="aA1!&#$^<>-" * 2)),
    Case(row="C6", request=right()),
    Case(
        row="C7",
        request=change({"authToken": TOKEN}, authToken="b" * 64, authTokenUpdateStrategy="SET"),
        says="InvalidParameterValue: SET is allowed only after ROTATE (two steps: first "
        "`authTokenUpdateStrategy: ROTATE` in one up, `authTokenUpdateStrategy: SET` in the next)",
    ),
    Case(
        row="C7",
        request=change({"authToken": TOKEN}, authTokenUpdateStrategy="DELETE"),
        says="InvalidParameterValue: Auth token update strategy delete is not supported currently",
    ),
    Case(row="C7", request=change({"authToken": TOKEN}, authTokenUpdateStrategy="SET")),
    Case(
        row="C7",
        request=change({"authToken": TOKEN}, authToken="b" * 64, authTokenUpdateStrategy="ROTATE"),
    ),
    Case(
        row="C8",
        have=[user("api", "api")],
        request=create(USER_GROUP, engine="redis", userGroupId="all", userIds=["api"]),
        says=NO_DEFAULT,
    ),
    Case(
        row="C8",
        have=[user("api", "api"), user("nobody", "default")],
        request=create(USER_GROUP, engine="redis", userGroupId="all", userIds=["api", "nobody"]),
    ),
    Case(
        row="C8",
        have=[user("api", "api")],
        request=create(USER_GROUP, engine="valkey", userGroupId="all", userIds=["api"]),
    ),
    Case(
        row="C8",
        request=create(USER_GROUP, engine="redis", userGroupId="all", userIds=["not-here"]),
    ),
    Case(
        row="C9",
        request=group(userGroupIds=["all"], transitEncryptionEnabled=False),
        says=USERS_WITHOUT_TLS,
    ),
    Case(
        row="C9",
        request=change(
            {"transitEncryptionEnabled": False},
            transitEncryptionEnabled=True,
            userGroupIds=["all"],
        ),
        says=USERS_WITHOUT_TLS
        + " (two steps: first `transitEncryptionEnabled: true` in one up, `userGroupIds` in the "
        "next)",
    ),
    Case(row="C9", request=group(userGroupIds=["all"], transitEncryptionEnabled=True)),
    Case(row="C9", request=change({"transitEncryptionEnabled": True}, userGroupIds=["all"])),
    Case(
        row="C10",
        request=create(
            USER, engine="redis", userId="a", userName="b", authenticationMode={"type": "iam"}
        ),
        says="InvalidParameterCombination: User Id and User name must be same for authentication "
        "type: iam",
    ),
    Case(
        row="C10",
        request=create(
            USER, engine="redis", userId="a", userName="a", authenticationMode={"type": "iam"}
        ),
    ),
    Case(
        row="C11",
        request=create(USER, userId="a", userName="a", passwords=["short"]),
        says="InvalidParameterValue: Passwords length must be between 16-128 characters.",
    ),
    Case(
        row="C11",
        request=create(USER, userId="a", userName="a"),
        says="InvalidParameterValue: No password was provided. If you want to create/update the "
        "user without password, please use the NoPasswordRequired flag.",
    ),
    Case(
        row="C11",
        request=create(USER, userId="a", userName="a", noPasswordRequired=True, passwords=[TOKEN]),
        says="InvalidParameterCombination: Password field is not allowed with authentication type: "
        "no-password-required",
    ),
    Case(
        row="C11",
        request=create(USER, userId="a", userName="a", authenticationMode={"type": "password"}),
        says="InvalidParameterCombination: A user with Authentication Mode: password, must have at "
        "least one password",
    ),
    Case(row="C11", request=create(USER, userId="a", userName="a", passwords=[TOKEN])),
    Case(row="C11", request=create(USER, userId="a", userName="a", noPasswordRequired=True)),
    Case(
        row="C11",
        request=create(USER, userId="a", userName="a", authenticationMode={"type": "iam"}),
    ),
    Case(
        row="C12",
        have=[user("one", "api"), user("two", "api")],
        request=create(USER_GROUP, engine="redis", userGroupId="all", userIds=["one", "two"]),
        says=TWICE,
    ),
    Case(
        row="C12",
        have=[
            user("one", "api"),
            user("two", "api"),
            thing(USER_GROUP, "all", userGroupId="all", userIds=["one"]),
        ],
        request=create(MEMBERSHIP, userGroupId="all", userId="two"),
        says=TWICE,
    ),
    Case(
        row="C12",
        have=[user("one", "api"), user("two", "default")],
        request=create(USER_GROUP, engine="redis", userGroupId="all", userIds=["one", "two"]),
    ),
    Case(
        row="C13",
        request=change({"transitEncryptionEnabled": False}, transitEncryptionEnabled=True),
        says="InvalidParameterCombination: To enable encryption in transit on an existing "
        "replication group, set TransitEncryptionMode to preferred before required. (two steps: "
        "first `transitEncryptionMode: preferred` in one up, `transitEncryptionMode: required` in "
        "the next)",
    ),
    Case(
        row="C13",
        request=change({"transitEncryptionEnabled": True}, transitEncryptionEnabled=False),
        says="InvalidParameterCombination: To disable encryption in transit, set "
        "TransitEncryptionMode to preferred first. (two steps: first `transitEncryptionMode: "
        "preferred` in one up, `transitEncryptionEnabled: false` in the next)",
    ),
    Case(
        row="C13",
        request=change({}, transitEncryptionEnabled=True, transitEncryptionMode="preferred"),
    ),
    Case(
        row="C13",
        request=change(
            {"transitEncryptionEnabled": True, "transitEncryptionMode": "preferred"},
            transitEncryptionMode="required",
        ),
    ),
    Case(
        row="C14",
        request=change({"engineVersion": "7.1"}, engineVersion="6.2"),
        says="InvalidParameterValue: You cannot downgrade to an earlier engine version: from 7.1 "
        "to 6.2",
    ),
    Case(row="C14", request=change({"engineVersion": "6.2"}, engineVersion="7.1")),
    Case(row="C14", request=change({"engineVersion": "7.1"}, engine="valkey", engineVersion="8.0")),
    Case(
        row="C15",
        request=change({}, durability="sync"),
        says="InvalidParameterValue: Durability can only be specified when the replication group "
        "is created",
    ),
    Case(row="C15", request=change({"durability": "sync"}, nodeType="cache.r7g.large")),
    Case(
        row="C16",
        request=create(GROUP, engine="valkey"),
        says="'TransitEncryptionEnabled' is a required property for the engine valkey",
    ),
    Case(row="C16", request=create(GROUP, engine="valkey", transitEncryptionEnabled=True)),
    Case(row="C16", request=create(GROUP, engine="redis")),
    Case(
        row="C17",
        have=[thing(GROUP, "cache", subnetGroupName="subnets")],
        request=delete(SUBNETS, "subnets"),
        says="CacheSubnetGroupInUse: Cache subnet group subnets is currently in use by a cache "
        "cluster.",
    ),
    Case(
        row="C17",
        have=[thing(CLUSTER, "cache", parameterGroupName="parameters")],
        request=delete(PARAMETERS, "parameters"),
        says="InvalidCacheParameterGroupState: One or more cache clusters are still members of "
        "this parameter group parameters, so the group cannot be deleted.",
    ),
    Case(row="C17", gone=[thing(GROUP, "x", subnetGroupName="s")], request=delete(SUBNETS, "s")),
    Case(row="C19", request=create(GROUP, replicationGroupId="arches-"), says=IDENTIFIER),
    Case(row="C19", request=create(GROUP, replicationGroupId="arches--prod"), says=IDENTIFIER),
    Case(row="C19", request=create(GROUP, replicationGroupId="1arches"), says=IDENTIFIER),
    Case(
        row="C19",
        request=create(GROUP, replicationGroupId="a" * 41),
        says="InvalidParameterValue: The parameter ReplicationGroupIdentifier must not be longer "
        "than 40 characters",
    ),
    Case(row="C19", request=right()),
    Case(
        row="C19w",
        request=create(GROUP, replicationGroupId="Arches"),
        says="ElastiCache keeps Arches as arches, so every later preview shows a replacement; "
        "write it in lower case",
    ),
    Case(row="C19w", request=right()),
    Case(
        row="C20",
        gone=[thing(GROUP, "cache", finalSnapshotIdentifier="last")],
        days=400,
        request=delete(GROUP, "cache", finalSnapshotIdentifier="last"),
        says="SnapshotAlreadyExistsFault: Snapshot last already exists.",
    ),
    Case(
        row="C20",
        gone=[thing(GROUP, "cache", finalSnapshotIdentifier="last")],
        request=delete(GROUP, "cache", finalSnapshotIdentifier="last-2"),
    ),
    Case(row="C20", request=delete(GROUP, "cache", finalSnapshotIdentifier="last")),
    Case(
        row="C20w",
        request=group(),
        says="no finalSnapshotIdentifier: when this cache is deleted no snapshot is taken, and "
        "nothing says so",
    ),
    Case(row="C20w", request=right()),
    Case(
        row="C22",
        request=create(USER, userId="default", userName="default"),
        says="UserAlreadyExists: User default already exists.",
    ),
    Case(row="C22", request=delete(USER, "default", userId="default"), says=BUILT_IN),
    Case(
        row="C22",
        have=[
            user("nobody", "default"),
            thing(USER_GROUP, "all", userGroupId="all", userIds=["nobody"]),
        ],
        request=delete(USER, "nobody", userId="nobody", userName="default"),
        says="DefaultUserAssociatedToUserGroup: The default user assigned to the user group.",
    ),
    Case(
        row="C22",
        have=[user("nobody", "default")],
        request=delete(USER, "nobody", userId="nobody", userName="default"),
    ),
    Case(row="C22", request=create(USER, userId="nobody", userName="default")),
]


def test_the_room_has_all_rows_of_the_reference_but_two_that_nobody_can_know() -> None:
    rows = [row.id for row in ROWS if not row.id.endswith("w")]
    assert rows == [f"C{i}" for i in range(1, 23) if i not in (18, 21)]


def test_no_message_about_a_token_shows_it() -> None:
    for case in firing(CASES):
        for value in (case.request.new or {}).get("authToken", "-"), "b" * 64, TOKEN:
            assert value == "-" or value not in (case.says or ""), "a secret would be printed"


@pytest.mark.parametrize("row", [row for row in ROWS if GROUP in row.types], ids=lambda r: r.id)
def test_the_cache_of_the_program_passes_every_row(row: Any) -> None:
    if "create" in row.operations:
        assert said(ROWS, Case(row=row.id, have=[PARAMETERS_7], request=right())) is None


@pytest.mark.parametrize(
    ("engine", "version", "expected"),
    [
        ("redis", "7.1", "redis7"),
        ("redis", "6.x", "redis6.x"),
        ("redis", "5.0.6", "redis5.0"),
        ("valkey", "8.0", "valkey8"),
        ("memcached", "1.6", None),
        ("redis", None, None),
    ],
)
def test_the_family_follows_from_engine_and_version(
    engine: str, version: str | None, expected: str | None
) -> None:
    assert family(engine, version) == expected
