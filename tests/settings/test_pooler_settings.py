"""The pooler's settings and the connection budget: the sum is made before anybody waits."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from pydantic import ValidationError

from settings.core import refusals
from settings.images import DIGEST
from settings.pooler import ConnectionBudget, PoolerSettings, budget, overdrawn
from settings.workloads import ApiSettings

PLAIN = {
    "image": f"ghcr.io/cloudnative-pg/pgbouncer@sha256:{DIGEST}",
    "exporterImage": f"quay.io/prometheuscommunity/pgbouncer-exporter@sha256:{DIGEST}",
}


def settings(**changed: Any) -> PoolerSettings:
    return PoolerSettings.model_validate_json(json.dumps(PLAIN | changed))


def api(pods: int = 10) -> ApiSettings:
    image = f"ghcr.io/archesai/archesai@sha256:{DIGEST}"
    return ApiSettings.model_validate({"image": image, "maximum": pods})


def spent(max_connections: int = 200, pods: int = 10, **changed: Any) -> ConnectionBudget:
    return budget(settings(**changed), max_connections, api(pods))


def refused(**changed: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        settings(**changed)
    [line] = refusals(PoolerSettings, caught.value, "Pulumi.test.yaml")
    return line.removeprefix("Pulumi.test.yaml: arches:")


def test_nothing_said_is_the_guides_pooler() -> None:
    plain = settings()
    assert (plain.port, plain.max_client_conn) == (6432, 1000)
    assert (plain.default_pool_size, plain.min_pool_size) == (25, 10)
    assert (plain.reserve_pool_size, plain.reserve_pool_timeout_seconds) == (5, 3)
    assert (plain.server_lifetime_seconds, plain.server_idle_timeout_seconds) == (3600, 600)
    assert (plain.api_pool_min, plain.api_pool_max) == (10, 50)
    assert plain.max_db_connections == 30


def test_the_guides_numbers_fit_the_guides_database() -> None:
    plain = spent()
    assert (plain.pooled, plain.direct, plain.total, plain.usable) == (120, 13, 133, 195)
    assert plain.headroom == 62
    assert (plain.clients, plain.client_capacity) == (550, 1000)
    assert overdrawn(plain) is None


def test_both_sums_are_said_in_full() -> None:
    assert spent().server_sentence == (
        "(3 instances + 1 surge) x (25 pool + 5 reserve) = 120, + 2 migrations + 2 dump + 3 "
        "exporter + 1 retention + 5 people = 133 of 195 usable connections (200 - 5 reserved)"
    )
    assert spent().client_sentence == (
        "(10 API pods + 1 surge) x 50 connections = 550 of 1000 clients "
        "(1000 x 1 surviving instances)"
    )


def test_a_budget_that_does_not_add_up_is_refused_with_its_sum() -> None:
    error = overdrawn(spent(max_connections=100))
    assert error is not None
    said = error.context or {}
    assert said["key"] == "pooler.defaultPoolSize"
    assert "= 133 of 95 usable connections" in said["got"]


def test_the_example_of_a_refusal_would_be_accepted() -> None:
    error = overdrawn(spent(max_connections=100))
    assert error is not None
    size = int((error.context or {})["example"])
    assert overdrawn(spent(max_connections=100, defaultPoolSize=size, minPoolSize=1)) is None


def test_every_connection_that_fits_is_usable_and_not_one_more() -> None:
    assert overdrawn(spent(max_connections=138)) is None, "133 + 5 reserved"
    assert overdrawn(spent(max_connections=137)) is not None


def test_twenty_api_pods_are_the_ceiling_on_one_surviving_instance() -> None:
    assert overdrawn(spent(pods=19)) is None, "19 and one surge: 1,000 clients"
    error = overdrawn(spent(pods=20))
    assert error is not None
    assert (error.context or {})["key"] == "pooler.maxClientConn"
    assert (error.context or {})["example"] == "1050"
    assert budget(settings(), 200, api(20), surviving=2).client_side_fits


def test_how_many_pods_the_api_has_is_said_with_the_api_alone() -> None:
    assert spent(pods=4).clients == (4 + 1) * 50
    assert budget(settings(), 200, None).clients == 0, "no API, no clients"
    for key in ("apiMaxReplicas", "apiSurge"):
        assert refused(**{key: 1}).startswith(f"{key}: got a key that does not exist")


def test_the_sum_is_the_sum_of_its_addends_for_any_numbers() -> None:
    for instances, surge, pool, reserve in product((1, 3, 10), (1, 2), (1, 25), (0, 5)):
        got = spent(
            instances=instances,
            surge=surge,
            defaultPoolSize=pool,
            minPoolSize=0,
            reservePoolSize=reserve,
        )
        assert got.total == (instances + surge) * (pool + reserve) + 13
        assert got.server_side_fits is (got.total <= 195)
        assert (overdrawn(got) is None) is got.server_side_fits


def test_without_the_pooler_the_guides_numbers_do_not_fit() -> None:
    plain = settings()
    assert (3 + 1) * plain.api_pool_max > spent().usable, "the reason for the pooler (ENV-08)"


def test_a_connection_may_idle_as_long_as_it_lives_and_no_longer() -> None:
    assert settings(serverIdleTimeoutSeconds=3600).server_idle_timeout_seconds == 3600
    assert refused(serverIdleTimeoutSeconds=3601).startswith(
        "serverIdleTimeoutSeconds: got 3601; allowed: not more than serverLifetimeSeconds (3600)"
    )
    field = PoolerSettings.model_fields["server_idle_timeout_seconds"]
    assert "at most serverLifetimeSeconds" in str(field.description)


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"minPoolSize": 26}, "minPoolSize"),
        ({"apiPoolMin": 51}, "apiPoolMin"),
        ({"queryWaitTimeoutSeconds": 30}, "queryWaitTimeoutSeconds"),
        ({"maxPreparedStatements": 0}, "maxPreparedStatements"),
        ({"directUsers": {"people": 0}}, "directUsers.people"),
        ({"surge": 0}, "surge"),
        ({"poolMode": "session"}, "poolMode"),
    ],
)
def test_numbers_that_defeat_the_pooler_are_refused(changed: dict[str, Any], key: str) -> None:
    assert refused(**changed).startswith(f"{key}:")


@pytest.mark.parametrize("key", ["image", "exporterImage"])
@pytest.mark.parametrize("value", [None, "ghcr.io/cloudnative-pg/pgbouncer:1.25.2"])
def test_the_pods_images_are_said_by_digest(key: str, value: str | None) -> None:
    others = {name: image for name, image in PLAIN.items() if name != key}
    with pytest.raises(ValidationError) as caught:
        PoolerSettings.model_validate(others | ({key: value} if value else {}))
    [line] = refusals(PoolerSettings, caught.value, "Pulumi.test.yaml")
    got = f'"{value}"' if value else "nothing"
    assert line.startswith(f"Pulumi.test.yaml: arches:{key}: got {got}; allowed: ")
    assert "by digest" in line
