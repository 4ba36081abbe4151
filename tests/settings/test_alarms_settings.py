"""What an environment may decide about its alarms."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from settings.alarms import AlarmsSettings
from settings.core import refusals

LEAST: dict[str, Any] = {"critical": ["oncall@archesai.com"], "findings": True}


def read(**keys: Any) -> AlarmsSettings:
    return AlarmsSettings.model_validate_json(json.dumps({**LEAST, **keys}))


def refused(**keys: Any) -> str:
    with pytest.raises(ValidationError) as error:
        read(**keys)
    (line,) = refusals(AlarmsSettings, error.value, "Pulumi.test.yaml")
    return line


def test_an_environment_has_to_name_who_is_woken():
    assert "critical" in refused(critical=[]), "an alarm that nobody receives does not count"
    assert read(critical=[], pager=True).pager, "a pager alone is a receiver"


def test_a_refusal_names_key_value_allowed_and_example():
    assert refused(critical=[]) == (
        "Pulumi.test.yaml: arches:critical: got an empty list and no pager; allowed: at least one "
        'address, or pager: true; for example ["oncall@archesai.com"]'
    )


@pytest.mark.parametrize("address", ["oncall", "a@b", "two@words.com extra", "@archesai.com"])
def test_what_is_no_address_is_refused(address):
    assert "critical" in refused(critical=[address])


def test_the_same_person_is_not_told_twice():
    assert "the same address twice" in refused(critical=["a@x.com", "A@x.com"])


def test_the_storage_alarm_leaves_room_for_the_guides_wal():
    assert read().database_free_storage_gib >= 6, "4 GB of WAL must fit into what is left"
    assert "databaseFreeStorageGib" in refused(databaseFreeStorageGib=4)


def test_the_storage_warning_comes_before_the_storage_alarm():
    assert "more than databaseFreeStorageGib (8)" in refused(databaseFreeStorageWarningGib=8)


def test_a_pagers_address_cannot_stand_in_the_file():
    assert "pagerUrl" in refused(pagerUrl="https://pager.example/key")


def test_an_unknown_threshold_is_refused_with_the_near_one():
    assert 'did you mean "nodeCpuPercent"' in refused(nodeCpuPercnt=90)
