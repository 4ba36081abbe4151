"""The dumps section: what may stand there and what is refused at the door."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from settings.core import refusals
from settings.dumps import DumpsSettings, dumps_refusals
from settings.retention import RetentionSettings

SAID = {"uploadImage": "public.ecr.aws/aws-cli/aws-cli@sha256:" + "a" * 64}


def read(values: dict[str, Any]) -> DumpsSettings:
    return DumpsSettings.model_validate_json(json.dumps(SAID | values))


def refused(values: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as raised:
        read(values)
    return "\n".join(refusals(DumpsSettings, raised.value, "Pulumi.test.yaml"))


def test_an_environment_says_its_image_and_may_leave_the_rest_out():
    assert read({}).model_dump() == {
        "upload_image": SAID["uploadImage"],
        "schedule": "0 2 * * *",
        "minimum_kib": 8,
        "scratch_gib": 20,
        "deadline_minutes": 120,
    }, "a dump a day at 02:00 UTC (BAK-05)"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("uploadImage", "public.ecr.aws/aws-cli/aws-cli:latest"),
        ("schedule", "0 2 * * 0"),
        ("schedule", "0 24 * * *"),
        ("schedule", "@daily"),
        ("minimumKib", 3),
        ("scratchGib", 0),
        ("deadlineMinutes", 9),
    ],
)
def test_a_value_out_of_bounds_is_named_with_what_is_allowed(key: str, value: object):
    line = refused({key: value})
    assert f"arches:{key}" in line, "the person must see which key is meant"
    assert "; allowed: " in line
    assert "; for example " in line


@pytest.mark.parametrize("minute_and_hour", ["0 2", "59 23", "5 07"])
def test_any_time_of_every_day_is_a_schedule(minute_and_hour: str):
    assert read({"schedule": f"{minute_and_hour} * * *"}).schedule.endswith("* * *")


def retention(schedule: str = "0 1 * * *") -> RetentionSettings:
    return RetentionSettings.model_validate({"schedule": schedule})


def test_an_archive_larger_than_a_node_and_an_erasure_after_the_dump_are_refused():
    found = dumps_refusals(read({"scratchGib": 61}), retention("0 2 * * *"), disk_gib=80)
    first, second = [each.context or {} for each in found]
    assert first["key"] == "dumps.scratchGib"
    assert first["allowed"] == "at most 60, or a larger cluster.nodes.diskGib"
    assert second["key"] == "retention.schedule"
    assert second["got"] == "0 2 * * *, not before the dump of 0 2 * * *"


def test_an_archive_that_fits_and_an_erasure_before_the_dump_are_fine():
    assert (
        list(dumps_refusals(read({"scratchGib": 60}), retention("59 1 * * *"), disk_gib=80)) == []
    )
