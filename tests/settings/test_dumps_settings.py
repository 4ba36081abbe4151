"""The dumps section: what may stand there and what is refused at the door."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from settings.core import refusals
from settings.dumps import DumpsSettings, dumps_refusals

DIGEST = "@sha256:" + "a" * 64
SAID = {
    "image": "public.ecr.aws/docker/library/postgres:17" + DIGEST,
    "uploadImage": "public.ecr.aws/aws-cli/aws-cli" + DIGEST,
}


def read(values: dict[str, Any]) -> DumpsSettings:
    return DumpsSettings.model_validate_json(json.dumps(SAID | values))


def refused(values: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as raised:
        read(values)
    return "\n".join(refusals(DumpsSettings, raised.value, "Pulumi.test.yaml"))


def test_an_environment_says_its_two_images_and_may_leave_the_rest_out():
    assert read({}).model_dump() == {
        "image": SAID["image"],
        "upload_image": SAID["uploadImage"],
        "client_major": 17,
        "schedule": "0 2 * * *",
        "schema_name": "public",
        "tables": ("user", "organization"),
        "minimum_kib": 8,
        "scratch_gib": 20,
        "deadline_minutes": 120,
    }, "a dump a day at 02:00 UTC (BAK-05)"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("image", "postgres:17"),
        ("uploadImage", "public.ecr.aws/aws-cli/aws-cli:latest"),
        ("clientMajor", 14),
        ("schedule", "0 2 * * 0"),
        ("schedule", "0 24 * * *"),
        ("schedule", "@daily"),
        ("schemaName", "public; DROP"),
        ("tables", []),
        ("tables", ["user", "x' OR true"]),
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


def test_a_client_older_than_its_server_and_an_archive_larger_than_a_node_are_refused():
    found = dumps_refusals(
        read({"clientMajor": 16, "scratchGib": 61}), engine_version="17.6", disk_gib=80
    )
    first, second = [each.context or {} for each in found]
    assert first["key"] == "dumps.clientMajor"
    assert first["got"] == "16 for a database of version 17"
    assert second["key"] == "dumps.scratchGib"
    assert second["allowed"] == "at most 60, or a larger cluster.nodes.diskGib"


def test_a_client_as_new_as_its_server_and_an_archive_that_fits_are_fine():
    fitting = read({"clientMajor": 18, "scratchGib": 60})
    assert list(dumps_refusals(fitting, engine_version="17", disk_gib=80)) == []
