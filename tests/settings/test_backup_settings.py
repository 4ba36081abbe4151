"""The backup section, and the lifetimes of GDPR-04."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from settings.backup import BackupSettings, an_hour_longer
from settings.core import refusals
from settings.lifetimes import ERASURE_DAYS, Lifetime, broken, lifetimes
from tests.settings.production import production


def read(values: dict[str, Any]) -> BackupSettings:
    return BackupSettings.model_validate_json(json.dumps(values))


def refused(values: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as raised:
        read(values)
    return "\n".join(refusals(BackupSettings, raised.value, "Pulumi.test.yaml"))


# -- the section ------------------------------------------------------------------------------
def test_an_environment_may_leave_everything_out():
    section = read({})
    assert (section.keep_days, section.lock_min_days, section.lock_max_days) == (30, 7, 30)
    assert section.lock_mode == "governance", "a lock that nobody can lift is never a default"
    assert section.replicate_logs, "losing the region would lose a day"
    assert section.restore_test, "a backup that is never restored is a hope"


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"dailyHour": 24}, "dailyHour"),
        ({"keepDays": 31}, "keepDays"),
        ({"keepDays": 6}, "keepDays"),
        ({"startWindowMinutes": 59}, "startWindowMinutes"),
        ({"startWindowMinutes": 120, "completionWindowMinutes": 179}, "completionWindowMinutes"),
        ({"lockMinDays": 20, "lockMaxDays": 10, "keepDays": 15}, "lockMinDays"),
        ({"lockMinDays": 0}, "lockMinDays"),
        ({"lockMaxDays": 29}, "keepDays"),
        ({"lockMinDays": 10, "keepDays": 9}, "keepDays"),
        ({"hourly": True, "hourlyKeepDays": 2}, "hourlyKeepDays"),
        ({"lockMode": "compliance"}, "lockGraceDays"),
        ({"lockMode": "compliance", "lockGraceDays": 2}, "lockGraceDays"),
        ({"lockGraceDays": 3}, "lockGraceDays"),
        ({"deleters": ["arn:aws:iam::111122223333:role/*"]}, "deleters"),
        ({"deleters": ["arn:aws:iam::111122223333:user/root"]}, "deleters"),
    ],
)
def test_what_aws_would_refuse_at_night_is_refused_at_the_door(values: dict[str, Any], key: str):
    line = refused(values)
    assert f"arches:{key}: got" in line
    assert "; allowed: " in line


def test_the_bounds_of_the_hourly_rule_matter_only_where_it_is_on():
    assert read({"hourlyKeepDays": 2}).hourly is False
    assert read({"hourly": True, "hourlyKeepDays": 2, "lockMinDays": 1}).hourly_keep_days == 2


def test_a_compliance_lock_needs_its_days_of_grace():
    section = read({"lockMode": "compliance", "lockGraceDays": 3})
    assert section.lock_grace_days == 3


@pytest.mark.parametrize(
    ("window", "longer"),
    [
        ("03:00-04:00", "mon:02:00-mon:04:00"),
        ("00:30-01:00", "sun:23:30-mon:01:00"),
        ("23:30-00:30", "mon:22:30-tue:00:30"),
        ("sun:04:30-sun:05:30", "sun:03:30-sun:05:30"),
        ("mon:00:00-mon:00:30", "sun:23:00-mon:00:30"),
    ],
)
def test_the_hour_before_a_window_is_closed_too(window: str, longer: str):
    assert an_hour_longer(window) == longer


@pytest.mark.parametrize(
    ("hour", "blocked"),
    [(1, "03:00-04:00"), (2, "03:00-04:00"), (3, "03:00-04:00"), (4, "sun:04:30-sun:05:30")],
)
def test_a_snapshot_that_aws_backup_could_not_start_is_found(hour: int, blocked: str):
    found = read({"dailyHour": hour, "startWindowMinutes": 90}).blocked_by(
        "03:00-04:00", "sun:04:30-sun:05:30"
    )
    assert found == blocked


def test_the_default_hour_is_clear_of_the_databases_default_windows():
    assert read({}).blocked_by("03:00-04:00", "sun:04:30-sun:05:30") is None


# -- GDPR-04 ----------------------------------------------------------------------------------
def table(changed: dict[str, Any] | None = None) -> list[Lifetime]:
    """Production's copies, where these keys say something else.

    changed: "section.key" -> value, in the model's spelling.
    """
    return list(lifetimes(production(changed or {})))


def test_the_defaults_keep_the_promise_to_erase():
    assert not broken(table())


def test_only_evidence_and_objects_of_the_cluster_outlive_the_promise_and_each_says_why():
    late = [row for row in table() if not row.keeps_promise]
    assert [row.copy for row in late] == [
        "Velero's backups of cluster objects",
        "audit log of API requests",
        "log of the database",
        "log of the control plane",
        "flow logs",
        "logs of the firewall and of names",
        "audit trail",
    ]
    assert all(row.reason for row in late)


def test_the_lifetimes_are_these():
    rows = {row.copy: (row.days, row.gone_after_days) for row in table()}
    assert rows == {
        "dumps and their replica": (30, 33),
        "old and deleted versions of files, and their replica": (29, 30),
        "access logs": (30, 33),
        "automated backups of the database": (30, 31),
        "daily snapshots and their copy in the second region": (30, 31),
        "snapshots of the cache": (7, 8),
        "Velero's backups of cluster objects": (30, 38),
        "application and container logs": (30, 33),
        "audit log of API requests": (365, 368),
        "log of the database": (365, 368),
        "log of the control plane": (365, 368),
        "flow logs": (365, 368),
        "logs of the firewall and of names": (365, 368),
        "log of the cache": (30, 33),
        "audit trail": (365, 368),
        "automated backups of the database in the second region": (30, 31),
    }, "the table that auditors read has changed"


@pytest.mark.parametrize(
    ("changed", "copy"),
    [
        ({"database.backup_retention_days": 35}, "automated backups of the database"),
        ({"operators.logging.retention_days": 60}, "application and container logs"),
        ({"cache.log_retention_days": 90}, "log of the cache"),
    ],
)
def test_a_copy_that_lives_longer_without_a_reason_is_found(changed: dict[str, Any], copy: str):
    assert [row.copy for row in broken(table(changed))] == [copy]


def test_a_cache_inside_the_cluster_has_no_log_of_its_own():
    assert "log of the cache" not in {row.copy for row in table({"cache.kind": "sentinel"})}


def test_snapshots_of_files_hold_old_versions_so_both_times_add_up():
    late = broken(table({"backup.files": True}))
    assert [row.days for row in late] == [59], "a file would be found 59 days after its erasure"
    assert not broken(
        table({"storage.noncurrent_days": 7, "backup.files": True, "backup.keep_days": 23})
    )


def test_hourly_snapshots_and_replicated_logs_have_rows_where_they_exist():
    base = {row.copy for row in table({"backup.replicate_logs": False})}
    both = {row.copy for row in table({"backup.hourly": True})}
    assert both - base == {
        "hourly snapshots and their copy in the second region",
        "automated backups of the database in the second region",
    }


def test_the_promise_is_a_month():
    assert ERASURE_DAYS == 30
