"""The retention section: what may stand there and what is refused at the door."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from settings.core import refusals
from settings.lifetimes import ERASURE_DAYS
from settings.retention import RetentionSettings


def read(values: dict[str, Any]) -> RetentionSettings:
    return RetentionSettings.model_validate_json(json.dumps(values))


def test_an_environment_may_leave_everything_out():
    assert read({}).model_dump() == {
        "schedule": "0 1 * * *",
        "session_days": 90,
        "anonymise": False,
        "anonymise_after_days": 30,
        "batch_rows": 1000,
        "when_absent": "fail",
        "deadline_minutes": 60,
    }, "the guide's 90 and 30 days, every day (GDPR-01 to GDPR-03)"


def test_users_are_made_anonymous_within_the_days_that_copies_are_kept():
    assert read({}).anonymise_after_days <= ERASURE_DAYS


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schedule", "0 1 * * 0"),
        ("sessionDays", 91),
        ("sessionDays", 6),
        ("anonymise", "yes"),
        ("anonymiseAfterDays", 31),
        ("anonymiseAfterDays", 0),
        ("batchRows", 9),
        ("whenAbsent", "ignore"),
        ("deadlineMinutes", 4),
    ],
)
def test_a_value_out_of_bounds_is_named_with_what_is_allowed(key: str, value: object):
    with pytest.raises(ValidationError) as raised:
        read({key: value})
    (line,) = refusals(RetentionSettings, raised.value, "Pulumi.test.yaml")
    assert f"arches:{key}: got" in line, "the person must see which key is meant"
    assert "; allowed: " in line
    assert "; for example " in line
