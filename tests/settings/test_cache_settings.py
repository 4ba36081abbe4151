"""The settings of the cache and of the secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from settings.cache import MAXMEMORY, CacheSettings, cache_refusals
from settings.core import Section, refusals
from settings.secrets import SecretsSettings

IMAGE = "docker.io/library/redis:7.4@sha256:" + "a" * 64
SENTINEL = {"redisImage": IMAGE, "exporterImage": IMAGE}
INSIDE = {"kind": "sentinel", "sentinel": SENTINEL, "proxyImage": IMAGE}


def settings(**changed: Any) -> CacheSettings:
    return CacheSettings.model_validate_json(json.dumps(changed))


def refused(section: type[Section] = CacheSettings, /, **changed: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        section.model_validate_json(json.dumps(changed))
    [line] = refusals(section, caught.value, "Pulumi.test.yaml")
    return line.removeprefix("Pulumi.test.yaml: arches:")


def test_nothing_said_is_the_guides_cache() -> None:
    plain = settings()
    assert (plain.kind, plain.engine_version, plain.family) == ("elasticache", "7.1", "redis7")
    assert (plain.node_type, plain.nodes) == ("cache.m7g.large", 3)
    assert plain.maxmemory_policy == "volatile-lru"
    assert plain.snapshot_retention_days == 7


def test_a_node_holds_the_guides_two_gigabytes_beside_its_reserve() -> None:
    assert settings().usable_mib == 4902
    assert settings(nodeType="cache.t4g.medium").usable_mib == 2373
    fitting = [name for name in MAXMEMORY if settings(nodeType=name).usable_mib >= 2048]
    assert len(fitting) == len(MAXMEMORY), "a type in the table that never fits"


def test_a_node_that_is_too_small_is_refused_with_one_that_fits() -> None:
    line = refused(nodeType="cache.t4g.medium", dataMib=3000)
    assert line.startswith("nodeType: got cache.t4g.medium, which holds 2373 MiB")
    assert "cache.m6g.large" in line


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "allkeys-random"])
def test_sessions_may_not_be_evicted(policy: str) -> None:
    assert refused(maxmemoryPolicy=policy).startswith("maxmemoryPolicy:")


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"kind": "memorydb"}, "kind"),
        ({"engineVersion": "6.2"}, "engineVersion"),
        ({"engineVersion": "7"}, "engineVersion"),
        ({"nodeType": "cache.t4g.micro"}, "nodeType"),
        ({"nodes": 0}, "nodes"),
        ({"nodes": 7}, "nodes"),
        ({"snapshotRetentionDays": 6}, "snapshotRetentionDays"),
        ({"snapshotWindow": "01:00-01:30"}, "snapshotWindow"),
        ({"maintenanceWindow": "sun:06:00-sun:06:30"}, "maintenanceWindow"),
        ({"snapshotWindow": "06:30-07:30"}, "maintenanceWindow"),
        ({"authTokenStep": "DELETE"}, "authTokenStep"),
        ({"transitEncryption": False}, "transitEncryption"),
    ],
)
def test_what_elasticache_would_refuse_is_refused_now(changed: dict[str, Any], key: str) -> None:
    assert refused(**changed).startswith(f"{key}:")


def test_a_cache_inside_the_cluster_has_the_guides_times_where_they_were_right() -> None:
    inside = settings(**INSIDE).in_cluster
    assert inside.down_after_ms == 5000, "the guide's (SENT-04)"
    assert inside.failover_timeout_seconds == 60, "the guide's 10 s gives up too early (SENT-06)"
    assert (inside.max_lag_seconds, inside.loss_window_seconds) == (5, 7)
    assert inside.failover_seconds == 15


def test_a_member_has_its_data_and_the_reserve_as_memory() -> None:
    assert settings(**INSIDE).member_mib == 2731, "2 GiB / 0.75 (REDIS-01)"


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"sentinel": None}, "sentinel"),
        ({"proxyImage": None}, "proxyImage"),
        ({"nodes": 2}, "nodes"),
        ({"nodes": 5}, "nodes"),
        ({"dataMib": 2561}, "sentinel.storageGib"),
        ({"sentinel": {**SENTINEL, "redisImage": "redis:7.4"}}, "sentinel.redisImage"),
        ({"sentinel": {"redisImage": IMAGE}}, "sentinel.exporterImage"),
        ({"sentinel": {**SENTINEL, "failoverTimeoutSeconds": 10}}, "sentinel.failoverTimeout"),
        ({"sentinel": {**SENTINEL, "maxLagSeconds": 31}}, "sentinel.maxLagSeconds"),
        ({"sentinel": {**SENTINEL, "downAfterMs": 0}}, "sentinel.downAfterMs"),
        ({"sentinel": {**SENTINEL, "cpu": "0.5"}}, "sentinel.cpu"),
        ({"maxmemoryPolicy": "allkeys-lru"}, "maxmemoryPolicy"),
    ],
)
def test_a_cache_that_could_not_fail_over_is_refused(changed: dict[str, Any], key: str) -> None:
    assert refused(**{**INSIDE, **changed}).startswith(key)


def test_the_size_of_a_node_is_no_matter_inside_the_cluster() -> None:
    small = settings(**INSIDE, nodeType="cache.t4g.medium", dataMib=2500)
    assert small.in_cluster.storage_gib == 10


def test_a_client_without_tls_needs_the_image_of_the_tunnel() -> None:
    [clash] = cache_refusals(settings())
    assert clash.context is not None
    assert clash.context["key"] == "cache.proxyImage"
    assert not list(cache_refusals(settings(proxyImage=IMAGE)))
    assert not list(cache_refusals(settings(clientTls=True))), "the application has its own"
    assert not list(cache_refusals(settings(**INSIDE)))


def test_there_is_a_tunnel_where_tls_is_asked_for_and_the_client_has_none() -> None:
    assert settings().tunnel
    assert not settings(clientTls=True).tunnel
    assert not settings(**INSIDE).tunnel


def test_secrets_are_born_with_generation_one_and_raised_by_an_edit() -> None:
    plain = SecretsSettings.model_validate_json("{}")
    assert plain.generation_of("jwt") == 1
    raised = SecretsSettings.model_validate_json('{"generation": {"jwt": 2}}')
    assert (raised.generation_of("jwt"), raised.generation_of("session")) == (2, 1)


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"generation": {"encryption": 2}}, "generation.encryption"),
        ({"generation": {"master": 2}}, "generation.master"),
        ({"generation": {"jwt": 0}}, "generation.jwt"),
        ({"recoveryWindowDays": 0}, "recoveryWindowDays"),
        ({"recoveryWindowDays": 31}, "recoveryWindowDays"),
        ({"openAiApiKey": "sk-in-clear"}, "openAiApiKey"),
    ],
)
def test_a_secret_cannot_be_lost_by_a_setting(changed: dict[str, Any], key: str) -> None:
    line = refused(SecretsSettings, **changed)
    assert line.startswith(f"{key}:")
    assert "sk-in-clear" not in line, "a value in an error message"
