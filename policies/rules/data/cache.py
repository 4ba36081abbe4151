"""The cache as ElastiCache runs it, and the way of a client to it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.data.stores import CACHE, CACHE_CONTROLS, CONFIG_MAP, files, number, parameters
from rules.documents import said
from rules.model import Item, NotApplicable, Props, Rule, Stack, StackRule, Undecided

CACHE_PARAMETERS = "aws:elasticache/parameterGroup:ParameterGroup"
_CACHE = (CACHE,)
_USER_GUIDE = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg"

OLDEST_MAJOR = 7
LOGS = ("engine-log", "slow-log")
# The guide's maxmemory (REDIS-01), after the share that ElastiCache keeps for itself.
LEAST_MIB = 2048
DEFAULT_RESERVED_PERCENT = 25
# FSBP ElastiCache.1 asks for a day of snapshots, REDIS-03 for seven.
SHORTEST_SNAPSHOT_DAYS = 1
SNAPSHOT_DAYS = 7
# maxmemory in MiB (ElastiCache user guide, "Redis OSS node-type specific parameters").
MAXMEMORY_MIB = {
    "cache.t4g.medium": 3164,
    "cache.m6g.large": 6537, "cache.m6g.xlarge": 13248, "cache.m6g.2xlarge": 26671,
    "cache.m7g.large": 6537, "cache.m7g.xlarge": 13248, "cache.m7g.2xlarge": 26671,
    "cache.m7g.4xlarge": 53516,
    "cache.r6g.large": 13386, "cache.r6g.xlarge": 26952,
    "cache.r7g.large": 13386, "cache.r7g.xlarge": 26952, "cache.r7g.2xlarge": 54083,
    "cache.r7g.4xlarge": 108346,
}  # fmt: skip


def _at_rest(props: Props) -> Iterator[str]:
    if not props.at("atRestEncryptionEnabled"):
        yield "data at rest is not encrypted"
    elif not said(props, "kmsKeyId"):
        yield "data at rest is encrypted with the account's default key"


def _in_transit(props: Props) -> Iterator[str]:
    if not props.at("transitEncryptionEnabled"):
        yield "connections are not encrypted"
    elif props.at("transitEncryptionMode") == "preferred":
        yield "connections without TLS are accepted"


def _authenticated(props: Props) -> Iterator[str]:
    if not said(props, "authToken") and not said(props, "userGroupIds"):
        yield "clients need no password"


def _minor_upgrades(props: Props) -> Iterator[str]:
    if not props.at("autoMinorVersionUpgrade"):
        yield "security fixes of the engine are not installed"


def _subnets(props: Props) -> Iterator[str]:
    try:
        if props.at("subnetGroupName", "") in ("", "default"):
            yield "it is in the default subnets"
    except Undecided:
        return  # a name that is made with the stack is not the default one


def _version(props: Props) -> Iterator[str]:
    engine = props.at("engine", "redis")
    if engine not in ("redis", "valkey"):
        yield f"the engine is {engine}, not Redis"
    elif number(str(props.at("engineVersion", "0")).partition(".")[0]) < OLDEST_MAJOR:
        yield f"{engine} {props.at('engineVersion')} is older than {OLDEST_MAJOR}"


def _logs(props: Props) -> Iterator[str]:
    delivered = {each["logType"] for each in props.at("logDeliveryConfigurations", [])}
    if missing := [log for log in LOGS if log not in delivered]:
        yield f"logs are not delivered: {', '.join(missing)}"


def _snapshots(item: Item, stack: Stack) -> Iterator[str]:
    least = SNAPSHOT_DAYS if stack.serves_customers else SHORTEST_SNAPSHOT_DAYS
    if (days := number(item.props.at("snapshotRetentionLimit"))) < least:
        yield f"snapshots are kept for {days} days, less than {least}"


def _eviction(item: Item, stack: Stack) -> Iterator[str]:
    groups = stack.sources(item, "parameterGroupName", CACHE_PARAMETERS)
    if not groups:
        yield "its parameter group is not of this stack, so nothing says what it evicts"
    for group in groups:
        policy = parameters(group.props).get("maxmemory-policy", "volatile-lru")
        if policy.startswith("allkeys-"):
            yield f"its policy is {policy}"


def _memory(item: Item, stack: Stack) -> Iterator[str]:
    node = str(item.props.at("nodeType", ""))
    if node not in MAXMEMORY_MIB:
        yield f"the memory of {node or 'its nodes'} is not known to this rule"
        return
    reserved = DEFAULT_RESERVED_PERCENT
    for group in stack.sources(item, "parameterGroupName", CACHE_PARAMETERS):
        reserved = number(parameters(group.props).get("reserved-memory-percent", reserved))
    room = MAXMEMORY_MIB[node] * (100 - reserved) // 100
    if room < LEAST_MIB:
        yield f"{room} MiB are left for data, less than {LEAST_MIB}"


# -- a client's way to it ------------------------------------------------------------------------
_SERVER = re.compile(r"^\s*server \S+ (\S+):\d+ ?(.*)$", re.MULTILINE)


def _tunnel(props: Props) -> Iterator[str]:
    servers = [found for text in files(props, "haproxy.cfg") for found in _SERVER.findall(text)]
    if not servers:
        raise NotApplicable("holds no haproxy.cfg with servers")
    if all(host.endswith(".svc.cluster.local") for host, _ in servers):
        raise NotApplicable("its servers are in the cluster, guarded by network policies")
    for host, words in servers:
        if not {"ssl", "check-ssl"} <= set(words.split()):
            yield "connections to the cache are not encrypted"
        elif "verify required" not in words or f"verifyhost {host}" not in words:
            yield "the cache's certificate or name is not verified"


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="redis-encrypted-at-rest",
        sentence="The cache's disks and snapshots are encrypted with a key of ours.",
        types=_CACHE,
        severity="high",
        requirements=("REDIS-07", "SEC-06"),
        controls=(
            "FSBP ElastiCache.4", "CHECKOV CKV_AWS_29", "CHECKOV CKV_AWS_191", "SOC2 CC6.1",
            "ISO27001 A.8.24", "GDPR 32",
        ),
        why="Sessions and what people do would lie readable in every snapshot.",
        fix="set at_rest_encryption_enabled and kms_key_id; it replaces the group",
        url=f"{CACHE_CONTROLS}#elasticache-4",
        evidence=("atRestEncryptionEnabled", "kmsKeyId"),
        judge=_at_rest,
    ),
    Rule(
        name="redis-encrypted-in-transit",
        sentence="The cache accepts TLS only.",
        types=_CACHE,
        severity="critical",
        requirements=("REDIS-07", "CHK-SEC-01"),
        controls=(
            "FSBP ElastiCache.5", "CHECKOV CKV_AWS_30", "SOC2 CC6.7", "ISO27001 A.8.24",
            "GDPR 32",
        ),
        why="The password and people's sessions would cross the network readable.",
        fix="set transit_encryption_enabled",
        url=f"{CACHE_CONTROLS}#elasticache-5",
        evidence=("transitEncryptionEnabled", "transitEncryptionMode"),
        judge=_in_transit,
    ),
    Rule(
        name="redis-authenticated",
        sentence="The cache wants a password.",
        types=_CACHE,
        severity="critical",
        requirements=("REDIS-06", "CHK-SEC-04"),
        controls=("FSBP ElastiCache.6", "CHECKOV CKV_AWS_31", "SOC2 CC6.1", "ISO27001 A.8.5"),
        why="Whatever runs on a node could read sessions and take anybody's place.",
        fix="set auth_token, or user_group_ids",
        url=f"{CACHE_CONTROLS}#elasticache-6",
        evidence=("authTokenUpdateStrategy", "userGroupIds"),
        judge=_authenticated,
    ),
    Rule(
        name="redis-minor-upgrades",
        sentence="The cache takes minor versions by itself.",
        types=_CACHE,
        severity="medium",
        requirements=("CHK-INFRA-03",),
        controls=("FSBP ElastiCache.2", "SOC2 CC7.1", "ISO27001 A.8.8"),
        why="A hole that was closed months ago would stand open.",
        fix="set auto_minor_version_upgrade",
        url=f"{CACHE_CONTROLS}#elasticache-2",
        evidence=("autoMinorVersionUpgrade",),
        judge=_minor_upgrades,
        remedy={"autoMinorVersionUpgrade": True},
    ),
    Rule(
        name="redis-own-subnets",
        sentence="The cache is in subnets that were chosen for it.",
        types=_CACHE,
        severity="high",
        requirements=("REDIS-07", "CHK-SEC-03"),
        controls=("FSBP ElastiCache.7", "SOC2 CC6.6", "ISO27001 A.8.22"),
        why="The default subnets have a route to the internet.",
        fix="set subnet_group_name",
        url=f"{CACHE_CONTROLS}#elasticache-7",
        evidence=("subnetGroupName",),
        judge=_subnets,
    ),
    Rule(
        name="redis-version",
        sentence="The cache is Redis 7 or newer.",
        types=_CACHE,
        severity="medium",
        requirements=("CHK-INFRA-03",),
        controls=(),
        why="The application's client speaks to Redis 7, and older ones lose their support.",
        fix="set engine and engine_version",
        url=f"{_USER_GUIDE}/engine-versions.html",
        evidence=("engine", "engineVersion"),
        judge=_version,
    ),
    Rule(
        name="redis-logs-delivered",
        sentence="The cache delivers its engine's log and its slow log.",
        types=_CACHE,
        severity="low",
        requirements=("MON-09", "ISSUE-02"),
        controls=("SOC2 CC7.2", "ISO27001 A.8.15"),
        why="Nobody could say why the cache was slow or failed over.",
        fix="set log_delivery_configurations for both",
        url=f"{_USER_GUIDE}/Log_Delivery.html",
        evidence=("logDeliveryConfigurations.*.logType",),
        judge=_logs,
    ),
    StackRule(
        name="redis-snapshots",
        sentence="The cache's snapshots go back 7 days, or 1 where no customers are served.",
        types=_CACHE,
        severity="medium",
        requirements=("REDIS-03", "CHK-INFRA-03", "CHK-INFRA-07"),
        controls=("FSBP ElastiCache.1", "SOC2 A1.2", "ISO27001 A.8.13"),
        why="After a loss everybody would be signed out and every cache empty at once.",
        fix="set snapshot_retention_limit",
        url=f"{CACHE_CONTROLS}#elasticache-1",
        evidence=("snapshotRetentionLimit", "snapshotWindow"),
        judge=_snapshots,
    ),
    StackRule(
        name="redis-eviction",
        sentence="A full cache throws out only what has a time to live.",
        types=_CACHE,
        severity="medium",
        requirements=("REDIS-02", "ISSUE-02"),
        controls=("SOC2 A1.1",),
        why="People would be signed out while cached pages stay.",
        fix="set maxmemory-policy to volatile-lru in a group of this stack",
        url=f"{_USER_GUIDE}/ParameterGroups.Engine.html",
        evidence=("parameterGroupName",),
        judge=_eviction,
    ),
    StackRule(
        name="redis-memory",
        sentence="The cache has 2 GiB for data beside what the service keeps.",
        types=_CACHE,
        severity="medium",
        requirements=("REDIS-01",),
        controls=("SOC2 A1.1", "ISO27001 A.8.6"),
        why="It would evict all day, and the database would do the work.",
        fix="choose a larger node_type",
        url=f"{_USER_GUIDE}/CacheNodes.SupportedTypes.html",
        evidence=("nodeType", "parameterGroupName"),
        judge=_memory,
    ),
    Rule(
        name="redis-client-verifies",
        sentence="Clients reach the cache over TLS and verify its certificate and name.",
        types=(CONFIG_MAP,),
        severity="critical",
        requirements=("ENV-10", "REDIS-07", "CHK-SEC-01"),
        controls=("SOC2 CC6.7", "ISO27001 A.8.24", "GDPR 32"),
        why="Whoever gets between them could read every session.",
        fix="say ssl verify required, ca-file, verifyhost and check-ssl for each server",
        url=f"{_USER_GUIDE}/in-transit-encryption.html",
        evidence=("metadata.name",),
        judge=_tunnel,
    ),
)  # fmt: skip
