"""What breaks the cache as ElastiCache runs it, and the way to it."""

from __future__ import annotations

import re
from typing import Any

from rules.data.cache import CACHE_PARAMETERS
from rules.data.stores import CACHE, CONFIG_MAP

from tests.policies.mutation import Change, Mutant, drop, edit, put, unlink

_API = "platform-application-api"
_TUNNEL = "cache-tunnel_etc-arches_haproxy.cfg"


def _broken(rule: str, title: str, change: Change, *says: str, at: str = "") -> Mutant:
    return Mutant(rule=rule, title=title, change=change, says=says, at=at)


def _put(path: str, value: object) -> Change:
    return put(CACHE, path, value)


def _tunnel(pattern: str, text: str) -> Change:
    def change(values: dict[str, Any]) -> None:
        before = values["data"][_TUNNEL]
        values["data"][_TUNNEL] = re.sub(pattern, text, before)
        assert values["data"][_TUNNEL] != before, f"nothing in {_TUNNEL} fits {pattern}"

    return edit(CONFIG_MAP, change, _API)


MUTANTS: tuple[Mutant, ...] = (
    _broken(
        "redis-encrypted-at-rest", "off", _put("atRestEncryptionEnabled", False),
        "data at rest is not encrypted",
    ),
    _broken(
        "redis-encrypted-at-rest", "the account's key", drop(CACHE, "kmsKeyId"),
        "data at rest is encrypted with the account's default key",
    ),
    _broken(
        "redis-encrypted-in-transit", "off", _put("transitEncryptionEnabled", False),
        "connections are not encrypted",
    ),
    _broken(
        "redis-encrypted-in-transit", "both ways", _put("transitEncryptionMode", "preferred"),
        "connections without TLS are accepted",
    ),
    _broken(
        "redis-authenticated", "no token", drop(CACHE, "authToken"), "clients need no password"
    ),
    _broken(
        "redis-authenticated", "an empty list of groups instead",
        edit(CACHE, lambda values: values.update(authToken="", userGroupIds=[])),
        "clients need no password",
    ),
    _broken(
        "redis-minor-upgrades", "off", _put("autoMinorVersionUpgrade", False),
        "security fixes of the engine are not installed",
    ),
    _broken(
        "redis-own-subnets", "the default ones", _put("subnetGroupName", "default"),
        "it is in the default subnets",
    ),
    _broken(
        "redis-own-subnets", "not said", drop(CACHE, "subnetGroupName"),
        "it is in the default subnets",
    ),
    _broken(
        "redis-version", "Redis 6", _put("engineVersion", "6.2"), "redis 6.2 is older than 7"
    ),
    _broken(
        "redis-version", "another engine", _put("engine", "memcached"),
        "the engine is memcached, not Redis",
    ),
    _broken(
        "redis-logs-delivered", "no engine log", drop(CACHE, "logDeliveryConfigurations.1"),
        "logs are not delivered: engine-log",
    ),
    _broken(
        "redis-logs-delivered", "no logs", drop(CACHE, "logDeliveryConfigurations"),
        "logs are not delivered: engine-log, slow-log",
    ),
    _broken(
        "redis-snapshots", "six days", _put("snapshotRetentionLimit", 6),
        "snapshots are kept for 6 days, less than 7",
    ),
    Mutant(
        rule="redis-snapshots",
        title="none in staging",
        change=_put("snapshotRetentionLimit", 0),
        says=("snapshots are kept for 0 days, less than 1",),
        stack="staging",
    ),
    _broken(
        "redis-eviction", "the guide's policy",
        put(CACHE_PARAMETERS, "parameters.0.value", "allkeys-lru"),
        "its policy is allkeys-lru",
        at="cache-group",
    ),
    _broken(
        "redis-eviction", "any key",
        put(CACHE_PARAMETERS, "parameters.0.value", "allkeys-random"),
        "its policy is allkeys-random",
        at="cache-group",
    ),
    _broken(
        "redis-eviction", "the default group", unlink(CACHE, "parameterGroupName"),
        "its parameter group is not of this stack, so nothing says what it evicts",
    ),
    _broken(
        "redis-memory", "half of it reserved",
        edit(
            CACHE_PARAMETERS,
            lambda values: values["parameters"].append(
                {"name": "reserved-memory-percent", "value": "70"}
            ),
        ),
        "1961 MiB are left for data, less than 2048",
        at="cache-group",
    ),
    _broken(
        "redis-memory", "a node nobody knows", _put("nodeType", "cache.t4g.micro"),
        "the memory of cache.t4g.micro is not known to this rule",
    ),
    _broken(
        "redis-client-verifies", "no TLS", _tunnel(r" ssl verify .*", ""),
        "connections to the cache are not encrypted",
    ),
    _broken(
        "redis-client-verifies", "checks without TLS", _tunnel(r" check-ssl", ""),
        "connections to the cache are not encrypted",
    ),
    _broken(
        "redis-client-verifies", "any certificate", _tunnel("verify required", "verify none"),
        "the cache's certificate or name is not verified",
    ),
    _broken(
        "redis-client-verifies", "another name", _tunnel(r"verifyhost \S+", "verifyhost other"),
        "the cache's certificate or name is not verified",
    ),
)  # fmt: skip
