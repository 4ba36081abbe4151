"""The storage section: what may stand there and what is refused at the door."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from settings.core import refusals
from settings.storage import StorageSettings


def read(values: dict[str, Any]) -> StorageSettings:
    return StorageSettings.model_validate_json(json.dumps(values))


def refused(values: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as raised:
        read(values)
    return "\n".join(refusals(StorageSettings, raised.value, "Pulumi.test.yaml"))


def test_an_environment_may_leave_everything_out():
    section = read({})
    assert section.model_dump() == {
        "dump_days": 30,
        "access_log_days": 30,
        "audit_days": 365,
        "noncurrent_days": 29,
        "files_infrequent_after_days": None,
        "lock_mode": "GOVERNANCE",
        "replicate": True,
        "replication_time_control": True,
        "account_public_access_block": False,
        "state_bucket": False,
    }, "the guide's values are the defaults: a new environment is safe without a word"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dumpDays", 31),
        ("dumpDays", 6),
        ("accessLogDays", 31),
        ("auditDays", 364),
        ("noncurrentDays", 30),
        ("filesInfrequentAfterDays", 29),
        ("lockMode", "NONE"),
        ("lockMode", "governance"),
        ("replicate", "yes"),
    ],
)
def test_a_value_out_of_bounds_is_named_with_what_is_allowed(key: str, value: object):
    line = refused({key: value})
    assert f"arches:{key}: got" in line, "the person must see which key is meant"
    assert "; allowed: " in line
    assert "; for example " in line


def test_nothing_in_the_section_can_switch_encryption_versions_or_privacy_off():
    for key in ("versioning", "encryption", "publicAccess", "tlsOnly", "objectLock"):
        assert "a key that does not exist" in refused({key: False}), (
            f"{key} could be relaxed in an environment"
        )


def test_a_promise_of_fifteen_minutes_needs_a_second_copy():
    line = refused({"replicate": False})
    assert "replicationTimeControl: got true while replicate is false" in line
    assert not read({"replicate": False, "replicationTimeControl": False}).replicate
