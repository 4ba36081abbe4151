"""What ElastiCache refuses: failover, TLS and its steps, tokens, users, names, order.

Rows C1 to C22, but for C18 (a group that is busy: the provider waits until it is available) and C21
(capacity, which AWS alone knows). C19w and C20w are the halves of C19 and C20 that AWS accepts and
that hurt later. Where the service's words are not public, those of its API reference are used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.account import Account, Resource
from rehearsal.refusals.asking import given, known_list
from rehearsal.refusals.table import Operation, Request, Row, lookup
from rehearsal.wire import UNKNOWN

GROUP = "aws:elasticache/replicationGroup:ReplicationGroup"
CLUSTER = "aws:elasticache/cluster:Cluster"
SUBNETS = "aws:elasticache/subnetGroup:SubnetGroup"
PARAMETERS = "aws:elasticache/parameterGroup:ParameterGroup"
USER = "aws:elasticache/user:User"
USER_GROUP = "aws:elasticache/userGroup:UserGroup"
MEMBERSHIP = "aws:elasticache/userGroupAssociation:UserGroupAssociation"

LONGEST_ID = 40  # ElastiCache API reference: ReplicationGroupId
DEFAULT_USER = "default"

# ElastiCache user guide, "Authenticating with AUTH": letters, digits and these only.
_TOKEN = re.compile(r"[A-Za-z0-9!&#$^<>-]{16,128}")
_IDENTIFIER = re.compile(r"[A-Za-z](-?[A-Za-z0-9])*")
_VERSION = re.compile(r"(\d+)(?:\.(\d+|x))?")
_ONE_BY_ONE = " (two steps: first `{}` in one up, `{}` in the next)"


def version_of(text: Any) -> tuple[int, int] | None:
    """Major and minor of an engine version; "6.x" counts as its newest minor."""
    match = _VERSION.match(str(text or ""))
    if match is None:
        return None
    return int(match[1]), int(match[2]) if (match[2] or "").isdigit() else 99


def family(engine: Any, version: Any) -> str | None:
    """The parameter group family of an engine and its version, None where it is not known."""
    number = version_of(version)
    if number is None or engine not in ("redis", "valkey"):
        return None
    major, minor = number
    if engine == "valkey" or major >= 7:
        return f"{engine}{major}"
    return "redis6.x" if major == 6 else f"redis{major}.{minor}"


# -- nodes --------------------------------------------------------------------------------------
def _sharded(request: Request, account: Account) -> bool:
    if request.value("clusterMode") == "enabled":
        return True
    shards = request.value("numNodeGroups")
    if isinstance(shards, int) and shards > 1:
        return True
    name = request.value("parameterGroupName")
    if not isinstance(name, str):
        return False
    group = account.by_id(name, PARAMETERS)
    rows = (group.inputs.get("parameters") or []) if group else []
    return name.endswith(".cluster.on") or any(
        row.get("name") == "cluster-enabled" and row.get("value") == "yes" for row in rows
    )


def _lonely(request: Request, _account: Account) -> str | None:
    in_shards = ("numNodeGroups", "replicasPerNodeGroup", "nodeGroupConfigurations")
    if request.value("automaticFailoverEnabled") is not True or any(
        given(request, name) for name in (*in_shards, "globalReplicationGroupId")
    ):
        return None
    nodes = request.value("numCacheClusters", 1)
    if not isinstance(nodes, int) or nodes >= 2:
        return None
    return (
        "InvalidParameterCombination: When using automatic failover, there must be at least 2 "
        "cache clusters in the replication group."
    )


def _zones_without_failover(request: Request, _account: Account) -> str | None:
    failover = request.value("automaticFailoverEnabled")
    if request.value("multiAzEnabled") is not True or failover in (True, UNKNOWN):
        return None
    return "automatic_failover_enabled must be true if multi_az_enabled is true"


def _shards_without_failover(request: Request, account: Account) -> str | None:
    if request.value("automaticFailoverEnabled") in (True, UNKNOWN):
        return None
    if not _sharded(request, account):
        return None
    return (
        "InvalidParameterValue: Redis with cluster mode enabled cannot be created with auto "
        "failover turned off."
    )


def _other_family(request: Request, account: Account) -> str | None:
    name = request.value("parameterGroupName")
    wanted = family(request.value("engine", "redis"), request.value("engineVersion"))
    if wanted is None or not isinstance(name, str):
        return None
    if name.startswith("default."):
        found = name.removeprefix("default.").removesuffix(".cluster.on")
    else:
        group = account.by_id(name, PARAMETERS)
        found = str(group.get("family", "")) if group else ""
    if found in ("", wanted):
        return None
    return (
        f"InvalidParameterCombination: Expected a parameter group of family {wanted} but found one "
        f"of family {found}"
    )


# -- TLS and tokens -----------------------------------------------------------------------------
def _token_without_tls(request: Request, _account: Account) -> str | None:
    if not any(given(request, name) for name in ("authToken", "authTokenWo")):
        return None
    if request.value("transitEncryptionEnabled") in (True, UNKNOWN):
        return None
    return (
        "InvalidParameterValue: The AUTH token is only supported when encryption-in-transit is "
        "enabled"
    )


def _token_shape(request: Request, _account: Account) -> str | None:
    token = request.value("authToken")
    if not isinstance(token, str) or not token or _TOKEN.fullmatch(token):
        return None
    return "InvalidParameterValue: Invalid AuthToken provided."


def _token_strategy(request: Request, _account: Account) -> str | None:
    strategy = request.value("authTokenUpdateStrategy")
    if strategy == "DELETE" and not given(request, "userGroupIds"):
        return "InvalidParameterValue: Auth token update strategy delete is not supported currently"
    if strategy == "SET" and request.old_value("authToken") and request.changes("authToken"):
        return "InvalidParameterValue: SET is allowed only after ROTATE" + _ONE_BY_ONE.format(
            "authTokenUpdateStrategy: ROTATE", "authTokenUpdateStrategy: SET"
        )
    return None


def _users_without_tls(request: Request, _account: Account) -> str | None:
    if not given(request, "userGroupIds"):
        return None
    refusal = (
        "User group based access control requires encryption-in-transit to be enabled on the "
        "replication group."
    )
    encrypted = request.value("transitEncryptionEnabled")
    if encrypted not in (True, UNKNOWN):
        return refusal
    if (
        encrypted is True
        and request.operation == "update"
        and request.old_value("transitEncryptionEnabled") is not True
    ):
        return refusal + _ONE_BY_ONE.format("transitEncryptionEnabled: true", "userGroupIds")
    return None


def _tls_at_once(request: Request, _account: Account) -> str | None:
    before = bool(request.old_value("transitEncryptionEnabled"))
    after = request.value("transitEncryptionEnabled", False)
    if after is UNKNOWN or before == bool(after):
        return None
    preferred = "transitEncryptionMode: preferred"
    if after:
        if request.value("transitEncryptionMode") in ("preferred", UNKNOWN):
            return None
        return (
            "InvalidParameterCombination: To enable encryption in transit on an existing "
            "replication group, set TransitEncryptionMode to preferred before required."
            + _ONE_BY_ONE.format(preferred, "transitEncryptionMode: required")
        )
    if request.old_value("transitEncryptionMode") == "preferred":
        return None
    return (
        "InvalidParameterCombination: To disable encryption in transit, set TransitEncryptionMode "
        "to preferred first." + _ONE_BY_ONE.format(preferred, "transitEncryptionEnabled: false")
    )


def _tls_unsaid(request: Request, _account: Account) -> str | None:
    if request.value("engine") != "valkey" or given(request, "globalReplicationGroupId"):
        return None
    if request.value("transitEncryptionEnabled") is not None:
        return None
    return "'TransitEncryptionEnabled' is a required property for the engine valkey"


# -- engine -------------------------------------------------------------------------------------
def _older(request: Request, _account: Account) -> str | None:
    if not request.known("engineVersion"):
        return None
    if request.old_value("engine", "redis") != request.value("engine", "redis"):
        return None
    text, old = request.value("engineVersion"), request.old_value("engineVersion")
    before, after = version_of(old), version_of(text)
    if before is None or after is None or after >= before:
        return None
    return (
        "InvalidParameterValue: You cannot downgrade to an earlier engine version: from "
        f"{old} to {text}"
    )


def _durability(request: Request, _account: Account) -> str | None:
    if not request.changes("durability"):
        return None
    return (
        "InvalidParameterValue: Durability can only be specified when the replication group is "
        "created"
    )


# -- users --------------------------------------------------------------------------------------
def _kind(request: Request) -> Any:
    kind = request.value("authenticationMode.type")
    if kind is None and request.value("noPasswordRequired") is True:
        return "no-password-required"
    return kind


def _iam_names(request: Request, _account: Account) -> str | None:
    if _kind(request) != "iam" or not request.known("userId", "userName"):
        return None
    if request.value("userId") == request.value("userName"):
        return None
    return (
        "InvalidParameterCombination: User Id and User name must be same for authentication type: "
        "iam"
    )


def _passwords(request: Request, _account: Account) -> str | None:
    kind = _kind(request)
    paths = ("passwords", "authenticationMode.passwords")
    if kind is UNKNOWN or UNKNOWN in [request.value(name) for name in (*paths, "passwordsWo")]:
        return None
    some = any(given(request, name) for name in (*paths, "passwordsWo"))
    if some and kind in ("iam", "no-password-required"):
        return (
            "InvalidParameterCombination: Password field is not allowed with authentication type: "
            f"{kind}"
        )
    if not some and kind == "password":
        return (
            "InvalidParameterCombination: A user with Authentication Mode: password, must have at "
            "least one password"
        )
    if not some and kind is None and request.value("noPasswordRequired") is not UNKNOWN:
        return (
            "InvalidParameterValue: No password was provided. If you want to create/update the "
            "user without password, please use the NoPasswordRequired flag."
        )
    for path in paths:
        for password in known_list(request, path) or []:
            if isinstance(password, str) and not 16 <= len(password) <= 128:
                return "InvalidParameterValue: Passwords length must be between 16-128 characters."
    return None


def _members(account: Account, group: str) -> Iterator[Resource]:
    """Users that are in a group, by the group itself or one by one."""
    ids: list[str] = []
    found = account.by_id(group, USER_GROUP)
    if found is not None:
        ids += found.inputs.get("userIds") or []
    ids += [str(each.get("userId")) for each in account.find(MEMBERSHIP, userGroupId=group)]
    for each in dict.fromkeys(ids):
        user = account.by_id(each, USER)
        if user is not None:
            yield user


def _names(account: Account, ids: list[Any]) -> list[str] | None:
    """The users' names; None unless all are known. The built-in user is called as its id."""
    names: list[str] = []
    for each in ids:
        user = account.by_id(str(each), USER)
        if user is None and each != DEFAULT_USER:
            return None
        names.append(str(user.get("userName")) if user else DEFAULT_USER)
    return names


def _default_missing(request: Request, account: Account) -> str | None:
    ids = known_list(request, "userIds")
    # Valkey groups need none.
    if str(request.value("engine", "")).lower() != "redis" or ids is None:
        return None
    names = _names(account, ids)
    if names is None or DEFAULT_USER in names:
        return None
    return "DefaultUserRequired: User group needs to contain a user with the user name default."


def _name_twice(request: Request, account: Account) -> str | None:
    if request.type == MEMBERSHIP:
        if not request.known("userGroupId", "userId"):
            return None
        mine = _names(account, [request.value("userId")])
        there = _members(account, request.value("userGroupId"))
        others = [str(u.get("userName")) for u in there if u.id != request.value("userId")]
        names = [*(mine or []), *others]
        twice = bool(mine) and mine[0] in others
    else:
        names = _names(account, known_list(request, "userIds") or []) or []
        twice = len(names) != len(set(names))
    return "DuplicateUserName: A user with this username already exists." if twice else None


def _default_user(request: Request, account: Account) -> str | None:
    if request.operation == "create":
        if request.value("userId") != DEFAULT_USER:
            return None
        return f"UserAlreadyExists: User {DEFAULT_USER} already exists."
    user = account.by_id(request.id, USER)
    name = user.get("userName") if user else request.old_value("userName")
    if request.old_value("userId", request.id) == DEFAULT_USER:
        return (
            "InvalidParameterValue: The built-in default user cannot be modified or deleted; "
            "make one of your own with the user name default"
        )
    if request.operation == "delete" and name == DEFAULT_USER and _in_a_group(account, request.id):
        return "DefaultUserAssociatedToUserGroup: The default user assigned to the user group."
    return None


def _in_a_group(account: Account, user: str) -> bool:
    return bool(account.find(MEMBERSHIP, userId=user)) or any(
        user in (group.inputs.get("userIds") or []) for group in account.all(USER_GROUP)
    )


# -- order, names, snapshots --------------------------------------------------------------------
def _in_use(request: Request, account: Account) -> str | None:
    path = "subnetGroupName" if request.type == SUBNETS else "parameterGroupName"
    name = request.id.lower()
    if not any(
        str(cache.get(path, "")).lower() == name
        for type_ in (GROUP, CLUSTER)
        for cache in account.all(type_, request.region)
    ):
        return None
    if request.type == SUBNETS:
        return (
            f"CacheSubnetGroupInUse: Cache subnet group {request.id} is currently in use by a "
            "cache cluster."
        )
    return (
        "InvalidCacheParameterGroupState: One or more cache clusters are still members of this "
        f"parameter group {request.id}, so the group cannot be deleted."
    )


def _identifier(request: Request, _account: Account) -> str | None:
    name = request.value("replicationGroupId")
    if not isinstance(name, str):
        return None
    if not _IDENTIFIER.fullmatch(name):
        return (
            "InvalidParameterValue: The parameter ReplicationGroupIdentifier is not a valid "
            "identifier. Identifiers must begin with a letter; must contain only ASCII letters, "
            "digits, and hyphens; and must not end with a hyphen or contain two consecutive "
            "hyphens."
        )
    if len(name) > LONGEST_ID:
        return (
            "InvalidParameterValue: The parameter ReplicationGroupIdentifier must not be longer "
            f"than {LONGEST_ID} characters"
        )
    return None


def _upper_case(request: Request, _account: Account) -> str | None:
    name = request.value("replicationGroupId")
    if not isinstance(name, str) or name == name.lower():
        return None
    return (
        f"ElastiCache keeps {name} as {name.lower()}, so every later preview shows a replacement; "
        "write it in lower case"
    )


def _snapshot_name(inputs: Mapping[str, Any]) -> Any:
    return lookup(inputs, "finalSnapshotIdentifier")


def _snapshot_taken(request: Request, account: Account) -> str | None:
    name = _snapshot_name(request.old or {})
    if not name:
        return None
    # A final snapshot outlives its group for ever.
    if not any(
        grave.region == request.region and _snapshot_name(grave.inputs) == name
        for type_ in (GROUP, CLUSTER)
        for grave in account.graves(type_)
    ):
        return None
    return f"SnapshotAlreadyExistsFault: Snapshot {name} already exists."


def _no_snapshot(request: Request, _account: Account) -> str | None:
    if request.value("finalSnapshotIdentifier") is not None:
        return None
    return (
        "no finalSnapshotIdentifier: when this cache is deleted no snapshot is taken, and nothing "
        "says so"
    )


_WRITE: tuple[Operation, ...] = ("create", "update")
_BC = "botocore 1.44"
_MO = "moto 5.2"
_GUIDE = "ElastiCache user guide"

ROWS: tuple[Row, ...] = (
    Row(
        id="C1",
        title="failover wants two nodes",
        types=(GROUP,),
        operations=_WRITE,
        source="ministryofjustice/cloud-platform-environments#5719, hashicorp/terraform#25077",
        judge=_lonely,
    ),
    Row(
        id="C2",
        title="several zones want failover",
        types=(GROUP,),
        operations=_WRITE,
        source="hashicorp/terraform-provider-aws#49221",
        judge=_zones_without_failover,
    ),
    Row(
        id="C3",
        title="cluster mode wants failover",
        types=(GROUP,),
        operations=("create",),
        source="hashicorp/terraform-provider-aws#2730, cfn-lint E3026",
        judge=_shards_without_failover,
    ),
    Row(
        id="C4",
        title="the parameter group is of the engine's family",
        types=(GROUP,),
        operations=_WRITE,
        source=f"hashicorp/terraform-provider-aws#27708, {_GUIDE}",
        judge=_other_family,
    ),
    Row(
        id="C5",
        title="a token wants TLS",
        types=(GROUP,),
        operations=_WRITE,
        source="widdix/aws-cf-templates#263",
        judge=_token_without_tls,
    ),
    Row(
        id="C6",
        title="a token has 16 to 128 of the characters that AUTH takes",
        types=(GROUP,),
        operations=_WRITE,
        source=f"magenx/Magento-2-aws-cluster-terraform#43, {_GUIDE}",
        judge=_token_shape,
    ),
    Row(
        id="C7",
        title="a token is rotated before it is set",
        types=(GROUP,),
        operations=("update",),
        source=f"{_BC}, crossplane-contrib/provider-upjet-aws#1370",
        judge=_token_strategy,
    ),
    Row(
        id="C8",
        title="a Redis user group has a user named default",
        types=(USER_GROUP,),
        operations=_WRITE,
        source="hashicorp/terraform-provider-aws#25593, #34784",
        judge=_default_missing,
    ),
    Row(
        id="C9",
        title="user groups come after TLS",
        types=(GROUP,),
        operations=_WRITE,
        source="hashicorp/terraform-provider-aws#42966",
        judge=_users_without_tls,
    ),
    Row(
        id="C10",
        title="an IAM user's id is its name",
        types=(USER,),
        operations=_WRITE,
        source="terraform-aws-modules/terraform-aws-elasticache#65",
        judge=_iam_names,
    ),
    Row(
        id="C11",
        title="a user has the passwords that its type wants",
        types=(USER,),
        operations=_WRITE,
        source=_MO,
        judge=_passwords,
    ),
    Row(
        id="C12",
        title="a user name stands once in a group",
        types=(USER_GROUP, MEMBERSHIP),
        operations=_WRITE,
        source=_BC,
        judge=_name_twice,
    ),
    Row(
        id="C13",
        title="TLS comes to an existing group in two steps",
        types=(GROUP,),
        operations=("update",),
        source=f"{_BC}: TransitEncryptionMode",
        judge=_tls_at_once,
    ),
    Row(
        id="C14",
        title="no way back to an older engine",
        types=(GROUP,),
        operations=("update",),
        source=f"{_BC}, {_GUIDE}",
        judge=_older,
    ),
    Row(
        id="C15",
        title="durability is chosen at creation",
        types=(GROUP,),
        operations=("update",),
        source="AWS resource schema of 2026-10-20",
        judge=_durability,
    ),
    Row(
        id="C16",
        title="valkey says whether it has TLS",
        types=(GROUP,),
        operations=("create",),
        source="cfn-lint 1.58, extension schema of the replication group",
        judge=_tls_unsaid,
    ),
    Row(
        id="C17",
        title="subnet and parameter groups go after the cache",
        types=(SUBNETS, PARAMETERS),
        operations=("delete",),
        source=f"{_BC}, AWS provider v1.60",
        judge=_in_use,
    ),
    Row(
        id="C19",
        title="a group's id is an identifier of 40 characters at most",
        types=(GROUP,),
        operations=("create",),
        source=_BC,
        judge=_identifier,
    ),
    Row(
        id="C19w",
        title="a group's id is kept in lower case",
        types=(GROUP,),
        operations=("create",),
        source=_BC,
        judge=_upper_case,
        kind="warning",
    ),
    Row(
        id="C20",
        title="a final snapshot's name is new",
        types=(GROUP, CLUSTER),
        operations=("delete",),
        source=f"{_MO}, {_BC}",
        judge=_snapshot_taken,
    ),
    Row(
        id="C20w",
        title="a cache without a named final snapshot leaves none",
        types=(GROUP,),
        operations=_WRITE,
        source=_BC,
        judge=_no_snapshot,
        kind="warning",
    ),
    Row(
        id="C22",
        title="the default user is left alone, and swapped before it goes",
        types=(USER,),
        operations=("create", "update", "delete"),
        source=f"{_GUIDE}, {_BC}",
        judge=_default_user,
    ),
)
