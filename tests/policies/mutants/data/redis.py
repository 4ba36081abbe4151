"""What breaks a Redis with Sentinel in the cluster.

No environment has one today, so these start from one that is added, written by the same functions
as a deployed one (tests/policies/test_data_rules.py judges a whole program that has it).
"""

from __future__ import annotations

import re
from typing import Any

from rules.data.redis import BUDGET
from rules.data.stores import CONFIG_MAP, STATEFUL_SET

from components.kubernetes.data import redis, sentinel
from settings.cache import CacheSettings
from tests.policies.mutation import Change, Mutant, add, drop, edit, put, several

_DIGEST = "@sha256:" + "a" * 64
_SETTINGS = CacheSettings.model_validate(
    {
        "kind": "sentinel",
        "nodeType": "cache.m7g.large",
        "nodes": 3,
        "proxyImage": f"docker.io/library/haproxy:3.0{_DIGEST}",
        "sentinel": {
            "redisImage": f"docker.io/library/redis:7.4{_DIGEST}",
            "exporterImage": f"ghcr.io/oliver006/redis_exporter:v1.89.0{_DIGEST}",
        },
    }
)
_CONF, _START = "redis_etc-arches_redis.conf", "redis_etc-arches_start.sh"
_VOTES, _JOIN = "sentinel_etc-arches_sentinel.conf", "sentinel_etc-arches_start.sh"
_REPLICAS = sentinel.members("redis", "production", redis.REDIS_PORT)
_SENTINELS = sentinel.members("sentinel", "production", redis.SENTINEL_PORT)


def _members(component: str, documents: dict[str, str]) -> Change:
    labels = {"app.kubernetes.io/name": "archesai", "app.kubernetes.io/component": component}
    template = {"metadata": {"labels": labels}}
    return several(
        add(CONFIG_MAP, component, {"metadata": {"name": component}, "data": documents}),
        add(
            STATEFUL_SET,
            component,
            {"spec": {"replicas": 3, "template": template}},
            {"spec": (CONFIG_MAP, component)},
        ),
        add(
            BUDGET,
            component,
            {"spec": {"maxUnavailable": 1, "selector": {"matchLabels": labels}}},
        ),
    )


_WHOLE = several(
    _members(
        "redis",
        {
            _CONF: redis.redis_conf(_SETTINGS, directory="/data"),
            _START: redis.redis_start("own 6379", _SENTINELS, conf="redis.conf", written="written"),
        },
    ),
    _members(
        "sentinel",
        {
            _VOTES: redis.sentinel_conf(_SETTINGS.in_cluster, first=_REPLICAS[0]),
            _JOIN: redis.sentinel_start(
                "own 26379", _REPLICAS, conf="sentinel.conf", written="written"
            ),
        },
    ),
)


def _broken(rule: str, title: str, change: Change, *says: str, at: str = "") -> Mutant:
    return Mutant(rule=rule, title=title, change=several(_WHOLE, change), says=says, at=at)


def _rewrite(component: str, key: str, pattern: str, text: str) -> Change:
    def change(values: dict[str, Any]) -> None:
        before = values["data"][key]
        values["data"][key] = re.sub(pattern, text, before, flags=re.MULTILINE)
        assert values["data"][key] != before, f"nothing in {key} fits {pattern}"

    return edit(CONFIG_MAP, change, component)


def _conf(pattern: str, text: str = "") -> Change:
    return _rewrite("redis", _CONF, pattern, text)


def _votes(pattern: str, text: str = "") -> Change:
    return _rewrite("sentinel", _VOTES, pattern, text)


MUTANTS: tuple[Mutant, ...] = (
    _broken(
        "redis-conf-persistent", "no append-only file", _conf("^appendonly yes", "appendonly no"),
        "there is no append-only file",
        at="redis",
    ),
    _broken(
        "redis-conf-persistent", "written when the kernel likes",
        _conf("^appendfsync everysec", "appendfsync no"),
        "the append-only file is written when the kernel likes",
        at="redis",
    ),
    _broken(
        "redis-conf-persistent", "no snapshots", _conf("^save .*", 'save ""'),
        "no snapshots are taken beside it",
        at="redis",
    ),
    _broken(
        "redis-conf-bounded", "no limit", _conf("^maxmemory .*"),
        "it takes memory until the kernel kills it",
        at="redis",
    ),
    _broken(
        "redis-conf-bounded", "the guide's policy",
        _conf("^maxmemory-policy .*", "maxmemory-policy allkeys-lru"),
        "its policy is allkeys-lru",
        at="redis",
    ),
    _broken(
        "redis-conf-replicated", "a primary alone",
        _conf("^min-replicas-to-write 1", "min-replicas-to-write 0"),
        "a primary that is cut off takes writes that will be lost",
        at="redis",
    ),
    _broken(
        "redis-conf-authenticated", "the guide's password",
        _conf("^protected-mode no", "requirepass ${REDIS_PASSWORD}"),
        "redis.conf holds a password in clear, or a variable that Redis never expands",
        at="redis",
    ),
    _broken(
        "redis-conf-authenticated", "replicas without a password",
        _rewrite("redis", _START, "masterauth", "masteruser"),
        "nothing sets masterauth when it starts",
        at="redis",
    ),
    _broken(
        "redis-conf-authenticated", "Sentinels without a password",
        _rewrite("sentinel", _JOIN, "requirepass|auth-pass", "nothing"),
        "nothing sets requirepass and auth-pass when it starts",
        at="sentinel",
    ),
    _broken(
        "redis-conf-authenticated", "Sentinel's in clear",
        _votes("^protected-mode no", "sentinel auth-pass archesai-master letmein"),
        "sentinel.conf holds a password in clear, or a variable that Redis never expands",
        at="sentinel",
    ),
    _broken(
        "sentinel-quorum", "one vote", _votes(r"(^sentinel monitor .*) 2$", r"\1 1"),
        "1 of 3 may elect a primary, which is no majority",
        at="sentinel",
    ),
    _broken(
        "sentinel-quorum", "two Sentinels", put(STATEFUL_SET, "spec.replicas", 2, "sentinel"),
        "2 Sentinels have no majority when one is lost; an odd number from 3 has",
        at="sentinel",
    ),
    _broken(
        "sentinel-quorum", "four Sentinels", put(STATEFUL_SET, "spec.replicas", 4, "sentinel"),
        "4 Sentinels have no majority when one is lost; an odd number from 3 has",
        "2 of 4 may elect a primary, which is no majority",
        at="sentinel",
    ),
    _broken(
        "sentinel-quorum", "nothing monitored", _votes("^sentinel monitor .*"),
        "it monitors no primary",
        at="sentinel",
    ),
    _broken(
        "sentinel-quorum", "names that are not resolved",
        _votes("^sentinel resolve-hostnames yes"),
        "it monitors a name and resolves none, which ends it at once",
        at="sentinel",
    ),
    _broken(
        "sentinel-one-at-a-time", "two may go", put(BUDGET, "spec.maxUnavailable", 2, "redis"),
        "a drain of nodes may take several pods of redis at once",
        at="redis",
    ),
    _broken(
        "sentinel-one-at-a-time", "one must stay",
        several(
            drop(BUDGET, "spec.maxUnavailable", "sentinel"),
            put(BUDGET, "spec.minAvailable", 1, "sentinel"),
        ),
        "a drain of nodes may take several pods of sentinel at once",
        at="sentinel",
    ),
    _broken(
        "sentinel-one-at-a-time", "a budget of others",
        put(BUDGET, "spec.selector.matchLabels", {"app": "other"}, "redis"),
        "a drain of nodes may take every pod of redis at once",
        at="redis",
    ),
)  # fmt: skip
