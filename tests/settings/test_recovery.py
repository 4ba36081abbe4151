"""Less than an hour lost, and back within one: DR-01, DR-02, CHK-DR-01, recomputed."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from pydantic import ValidationError

from components.storage import Storage
from settings.backup import OBJECTIVE_MINUTES
from settings.cache import SentinelSettings
from settings.core import refusals
from settings.recovery import (
    BUCKETS,
    RECOVERIES,
    Objective,
    Recovery,
    objectives,
    promises,
)
from settings.velero import VeleroSettings, worst_loss_minutes
from tests.settings.production import production

IMAGE = "docker.io/library/image@sha256:" + "a" * 64


def velero(**changed: Any) -> VeleroSettings:
    return VeleroSettings.model_validate_json(json.dumps(changed))


def table(changed: dict[str, Any] | None = None) -> dict[str, Objective]:
    """Production's stores, where these keys say something else; in the model's spelling."""
    rows = objectives(production(changed or {}))
    found = {row.store: row for row in rows}
    assert len(found) == len(rows), "a store is said twice"
    return found


INSIDE = {
    "cache.kind": "sentinel",
    "cache.sentinel": SentinelSettings.model_validate(
        {"redisImage": IMAGE, "exporterImage": IMAGE}
    ),
}
STATE = {"storage.state_bucket": True}
USUAL = promises(production(STATE))


# -- Velero --------------------------------------------------------------------------------------
def test_half_hourly_copies_lose_45_minutes_and_hourly_ones_would_lose_75() -> None:
    assert velero().worst_loss_minutes == 45
    assert worst_loss_minutes(60, 15) == 75, "the guide's hourly copy cannot be under an hour"
    assert (velero().copies, velero().keep_days) == (1440, 30)


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"everyMinutes": 60}, "everyMinutes"),
        ({"everyMinutes": 45}, "everyMinutes"),
        ({"copyMinutes": 30}, "everyMinutes"),
        ({"everyMinutes": 20, "copyMinutes": 40}, "everyMinutes"),
        ({"copyMinutes": 0}, "copyMinutes"),
        ({"keepHours": 721}, "keepHours"),
        ({"keepHours": 24}, "keepHours"),
    ],
)
def test_a_schedule_that_could_lose_an_hour_is_refused_in_one_line(
    changed: dict[str, Any], key: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        velero(**changed)
    [line] = refusals(VeleroSettings, caught.value, "Pulumi.test.yaml")
    assert line.startswith(f"Pulumi.test.yaml: arches:{key}: got ")


def test_the_sum_is_shown_where_it_is_too_long() -> None:
    with pytest.raises(ValidationError) as caught:
        velero(copyMinutes=30)
    [line] = refusals(VeleroSettings, caught.value, "Pulumi.test.yaml")
    assert "30 with copyMinutes 30: 60 minutes lost at worst" in line


# -- DR-02 ---------------------------------------------------------------------------------------
def test_every_mechanism_that_counts_loses_less_than_an_hour() -> None:
    worst = {(p.store, p.mechanism): p.worst_loss_minutes for p in USUAL if p.counts}
    assert worst
    late = {row: minutes for row, minutes in worst.items() if minutes >= OBJECTIVE_MINUTES}
    assert not late, f"the guide's RPO of one hour is not kept by {late}"


def test_the_worst_losses_are_these() -> None:
    table = {(p.store, p.period_minutes, p.delay_minutes) for p in USUAL if p.counts}
    assert ("database", 5, 0) in table, "point-in-time recovery: five minutes"
    assert ("database", 5, 30) in table, "second region: 35 minutes"
    assert ("files", 0, 15) in table, "replica: 15 minutes"
    assert ("cluster objects", 30, 15) in table, "Velero: 45 minutes, where hourly would be 75"


def test_neither_the_dump_nor_the_daily_snapshot_is_what_the_promise_rests_on() -> None:
    daily = [p for p in USUAL if p.period_minutes >= 24 * 60]
    assert {p.store for p in daily} >= {"database"}
    assert not any(p.counts for p in daily), "24 hours are not under one hour"


def test_every_store_of_data_has_a_mechanism_that_counts_or_holds_nothing_of_its_own() -> None:
    stores = {p.store for p in USUAL}
    assert stores == {
        "database",
        "files",
        "cluster objects",
        "secrets",
        "cache",
        "images",
        "access logs",
        "audit trail",
        "metrics and logs in the cluster",
        "state of other environments",
    }
    counted = {p.store for p in USUAL if p.counts}
    assert stores - counted == {
        "cache",
        "images",
        "access logs",
        "metrics and logs in the cluster",
    }


def test_every_mechanism_says_how_its_silence_is_noticed() -> None:
    """That each of these alarms exists is asked of whole environments (tests/test_stacks.py)."""
    wrong = [p.mechanism for p in USUAL if bool(p.alarms) == bool(p.unwatched)]
    assert wrong == [], "an alarm's name, or the reason why there is none"


def test_only_what_settings_switch_on_tells_of_itself() -> None:
    def alarms(changed: dict[str, Any]) -> set[str]:
        return {name for p in promises(production(changed)) for name in p.alarms}

    assert {"restore-test", "replication-files"} <= alarms({})
    assert "restore-test" not in alarms({"backup.restore_test": False})
    assert "replication-files" not in alarms({"storage.replication_time_control": False})


# -- DR-01 ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("recovery", RECOVERIES, ids=lambda r: r.loss)
def test_every_loss_is_repaired_within_an_hour(recovery: Recovery) -> None:
    assert recovery.minutes < OBJECTIVE_MINUTES, (
        f"{recovery.loss}: {recovery.minutes} minutes; the guide says less than one hour"
    )


def test_the_minutes_are_these() -> None:
    assert {r.loss: r.minutes for r in RECOVERIES} == {
        "a zone": 7,
        "data, by a mistake": 50,
        "the cluster": 47,
        "the region": 49,
    }


def test_one_after_the_other_the_region_would_not_be_back_within_an_hour() -> None:
    region = next(r for r in RECOVERIES if r.loss == "the region")
    assert region.minutes_in_sequence > OBJECTIVE_MINUTES, (
        "then the runbook need not insist on doing both at once"
    )


# -- the table -----------------------------------------------------------------------------------
@pytest.mark.parametrize("changed", [{}, INSIDE], ids=["elasticache", "sentinel"])
def test_every_store_loses_less_than_an_hour_and_is_back_within_one(
    changed: dict[str, Any],
) -> None:
    broken = {
        store: (row.loss_minutes, row.recovery.minutes)
        for store, row in table(changed).items()
        if not row.kept
    }
    assert not broken, f"the guide promises both under an hour: {broken}"


def test_these_are_the_minutes_lost_and_until_it_is_back() -> None:
    assert {s: (r.loss_minutes, r.recovery.minutes) for s, r in table(STATE).items()} == {
        "database": (35, 50),
        "files": (15, 40),
        "cluster objects": (45, 47),
        "secrets": (0, 40),
        "images": (0, 45),
        "access logs": (0, 0),
        "audit trail": (20, 0),
        "metrics and logs in the cluster": (0, 0),
        "cache": (0, 6),
        "state of other environments": (0, 30),
    }


def test_the_settings_move_the_table() -> None:
    often = {"velero.every_minutes": 10, "velero.copy_minutes": 5}
    assert table(often)["cluster objects"].loss_minutes == 15
    assert "state of other environments" not in table({"storage.state_bucket": False})
    [inside] = [row for row in promises(production(INSIDE)) if row.store == "cache"]
    assert "loses 7 s" in inside.mechanism
    assert inside.worst_loss_minutes == 1


@pytest.mark.parametrize(
    ("changed", "store", "minutes", "gone"),
    [
        ({"backup.replicate_logs": False}, "database", 5, "transaction logs replicated"),
        ({"database.multi_az": False}, "database", 35, "Multi-AZ standby"),
        ({"storage.replicate": False}, "files", 0, "replica in the second region"),
        (
            {"storage.replication_time_control": False},
            "files",
            0,
            "with replication time control",
        ),
    ],
)
def test_what_an_environment_does_without_is_not_promised(
    changed: dict[str, Any], store: str, minutes: int, gone: str
) -> None:
    """minutes: what is lost by the mechanisms that are left, each for its own kind of loss."""
    assert any(gone in each.mechanism for each in table()[store].promises)
    row = table(changed)[store]
    assert row.loss_minutes == minutes
    assert not any(gone in each.mechanism for each in row.promises)


def test_what_the_promise_does_not_rest_on_holds_nothing_of_its_own() -> None:
    assert {store for store, row in table().items() if not row.unique} == {
        "cache",
        "images",
        "access logs",
        "metrics and logs in the cluster",
    }


def test_a_store_that_is_too_slow_or_loses_too_much_would_be_found() -> None:
    row = table()["cluster objects"]
    slow = dataclasses.replace(row.recovery, after=(("wait", 60),))
    assert not dataclasses.replace(row, recovery=slow).kept
    late = dataclasses.replace(row.promises[0], period_minutes=60)
    assert not dataclasses.replace(row, promises=(late,)).kept


def test_every_store_of_the_table_of_mechanisms_and_every_bucket_has_its_row() -> None:
    assert {row.store for row in USUAL} == set(table(STATE))
    buckets = {n for n, kind in Storage.__annotations__.items() if "Bucket" in str(kind)}
    assert buckets == set(BUCKETS), "a bucket that no objective knows of"
    assert set(BUCKETS.values()) <= set(table(STATE))
