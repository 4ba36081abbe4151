"""The database's settings: what AWS or PostgreSQL would refuse is refused at the door."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest
from pydantic import ValidationError

from settings import postgres, windows
from settings.core import refusals
from settings.database import DatabaseSettings
from settings.postgres import PostgresParameters


def settings(**changed: Any) -> DatabaseSettings:
    return DatabaseSettings.model_validate_json(json.dumps(changed))


def refused(**changed: Any) -> str:
    """The one line with which these settings are refused."""
    with pytest.raises(ValidationError) as caught:
        settings(**changed)
    [line] = refusals(DatabaseSettings, caught.value, "Pulumi.test.yaml")
    return line.removeprefix("Pulumi.test.yaml: arches:")


def rows(version: str = "17", **changed: Any) -> dict[str, tuple[str, str]]:
    chosen = PostgresParameters.model_validate_json(json.dumps(changed))
    return {r.name: (r.value, r.apply) for r in postgres.parameters(chosen, version)}


def test_nothing_said_is_the_guides_database() -> None:
    plain = settings()
    assert (plain.engine_version, plain.family) == ("17", "postgres17")
    assert plain.instance_class == "db.m7g.large"
    assert plain.multi_az
    assert plain.backup_retention_days == 30
    assert plain.max_connections == 200


def test_the_guides_twelve_lines_in_the_units_of_rds() -> None:
    exact = {
        "max_connections": ("200", "pending-reboot"),
        "shared_buffers": ("262144", "pending-reboot"),
        "effective_cache_size": ("786432", "immediate"),
        "maintenance_work_mem": ("524288", "immediate"),
        "checkpoint_completion_target": ("0.9", "pending-reboot"),
        "wal_buffers": ("2048", "pending-reboot"),
        "default_statistics_target": ("100", "pending-reboot"),
        "random_page_cost": ("1.1", "immediate"),
        "effective_io_concurrency": ("200", "immediate"),
        "work_mem": ("10485", "immediate"),
        "min_wal_size": ("1024", "immediate"),
        "max_wal_size": ("4096", "immediate"),
    }
    got = rows()
    assert {name: got[name] for name in exact} == exact


def test_what_we_add_to_the_guide() -> None:
    ours = set(rows()) - {
        "max_connections",
        "shared_buffers",
        "effective_cache_size",
        "maintenance_work_mem",
        "checkpoint_completion_target",
        "wal_buffers",
        "default_statistics_target",
        "random_page_cost",
        "effective_io_concurrency",
        "work_mem",
        "min_wal_size",
        "max_wal_size",
    }
    got = rows()
    assert {name: got[name] for name in ours} == {
        "autovacuum_work_mem": ("131072", "immediate"),
        "log_connections": ("1", "immediate"),
        "log_disconnections": ("1", "immediate"),
        "log_lock_waits": ("1", "immediate"),
        "log_min_duration_statement": ("1000", "immediate"),
        "log_parameter_max_length": ("0", "immediate"),
        "log_temp_files": ("10240", "immediate"),
        "password_encryption": ("scram-sha-256", "pending-reboot"),
        "pgaudit.log": ("ddl,role", "immediate"),
        "rds.allowed_extensions": ("pg_stat_statements,pgaudit,plpgsql,vector", "immediate"),
        "rds.force_ssl": ("1", "pending-reboot"),
        "shared_preload_libraries": (
            "auto_explain,pg_stat_statements,pgaudit",
            "pending-reboot",
        ),
    }


def test_every_value_is_in_a_unit_that_rds_takes() -> None:
    words = {"password_encryption", "pgaudit.log", "rds.allowed_extensions"}
    for name, (value, _) in rows().items():
        if name not in words | {"shared_preload_libraries"}:
            assert re.fullmatch(r"\d+(\.\d+)?", value), f"{name}={value}: RDS refuses units"


def test_a_value_that_rds_has_anyway_makes_no_endless_difference() -> None:
    assert rows(defaultStatisticsTarget=100)["default_statistics_target"][1] == "pending-reboot"
    assert rows(defaultStatisticsTarget=500)["default_statistics_target"] == ("500", "immediate")


def test_statements_with_personal_data_stay_out_of_the_log() -> None:
    got = rows()
    assert "log_statement" not in got
    assert got["log_parameter_max_length"][0] == "0"
    assert "read" not in got["pgaudit.log"][0]
    assert "auto_explain.log_min_duration" not in got, "plans carry bind values since 16"
    assert rows(explainSlowerThanMs=5000)["auto_explain.log_min_duration"][0] == "5000"


def test_concurrent_io_follows_the_major_version() -> None:
    assert rows("17")["effective_io_concurrency"][0] == "200"
    assert rows("18")["effective_io_concurrency"][0] == "16", "the unit changed in 18 (PG-10)"
    assert rows("18", effectiveIoConcurrency=64)["effective_io_concurrency"][0] == "64"


@pytest.mark.skipif(shutil.which("postgres") is None, reason="no PostgreSQL on this machine")
def test_the_static_parameters_are_those_of_a_real_server() -> None:
    described = subprocess.run(
        ["postgres", "--describe-config"], capture_output=True, text=True, check=True
    ).stdout
    contexts = dict(line.split("\t")[:2] for line in described.splitlines() if "\t" in line)
    core = {name for name in rows() if "." not in name}
    assert core <= set(contexts), f"no such parameter: {core - set(contexts)}"
    static = {name for name in core if contexts[name] == "postmaster"}
    assert static == postgres.STATIC & core, "immediate is refused for a static one (R5)"


def test_the_family_always_agrees_with_the_engine() -> None:
    assert [settings(engineVersion=v).family for v in ("15", "16", "17.7", "18")] == [
        "postgres15",
        "postgres16",
        "postgres17",
        "postgres18",
    ]


@pytest.mark.parametrize("version", ["14", "19", "17.x", "seventeen"])
def test_an_engine_out_of_support_or_unknown_is_refused(version: str) -> None:
    assert refused(engineVersion=version).startswith("engineVersion:")


def test_a_minor_that_can_no_longer_be_made_is_refused() -> None:
    line = refused(engineVersion="17.2")
    assert line.startswith('engineVersion: got "17.2"')
    assert "17.5 and newer" in line


def test_a_major_upgrade_is_one_that_happens() -> None:
    assert refused(
        engineVersion="18.4", allowMajorVersionUpgrade=True, applyImmediately=True
    ).startswith("engineVersion:"), "a pinned minor is not compared: nothing would be upgraded"
    assert refused(engineVersion="18", allowMajorVersionUpgrade=True).startswith(
        "applyImmediately:"
    ), "the old parameter group could not be deleted"
    settings(engineVersion="18", allowMajorVersionUpgrade=True, applyImmediately=True)


def test_no_version_outlives_its_support_unnoticed() -> None:
    ends = [postgres.MAJORS[major].end_of_support for major in sorted(postgres.MAJORS)]
    assert ends == sorted(ends)
    assert settings().major in postgres.MAJORS


@pytest.mark.parametrize("name", sorted(postgres.CLASS_MEMORY_GIB))
def test_the_guides_rules_fit_every_class(name: str) -> None:
    for connections in (50, 100, 200, 400):
        block = postgres.suggested(name, connections).model_dump(by_alias=True)
        assert settings(instanceClass=name, parameters=block).memory.fits


def test_the_guides_rules_give_the_guides_block_for_eight_gib() -> None:
    assert postgres.suggested("db.m7g.large") == PostgresParameters()


def test_the_worst_case_is_said_as_a_sum() -> None:
    assert settings().memory.sentence == (
        "2048 (shared buffers) + 4096 (connections x work_mem x 2) + 384 (autovacuum) + 512 "
        "(maintenance) = 7040 of 8192 MiB"
    )


def test_a_smaller_class_with_the_old_values_is_refused() -> None:
    line = refused(instanceClass="db.t4g.medium")
    assert line.startswith("parameters.sharedBuffersMib: got 2048 with instanceClass db.t4g.medium")
    assert "819 to 1228 MiB" in line
    assert line.endswith(("for example 1024", 'for example "1024"'))


def test_a_larger_class_with_the_old_values_is_refused() -> None:
    assert refused(instanceClass="db.r7g.2xlarge").startswith("parameters.sharedBuffersMib:")


def test_memory_that_is_not_there_is_not_promised() -> None:
    line = refused(parameters={"workMemKib": 20000})
    assert line.startswith("parameters.workMemKib:")
    assert "of 8192 MiB" in line, "the sum must be shown"
    assert refused(parameters={"effectiveCacheSizeMib": 8000}).startswith(
        "parameters.effectiveCacheSizeMib:"
    )


def test_the_example_of_a_memory_refusal_would_be_accepted() -> None:
    greedy = {"maintenanceWorkMemMib": 2048, "autovacuumWorkMemMib": 512, "workMemKib": 20000}
    example = int(refused(parameters=greedy).rsplit("for example ", 1)[1].strip('"'))
    settings(parameters={**greedy, "workMemKib": example})


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"allocatedStorageGib": 99}, "allocatedStorageGib"),
        ({"allocatedStorageGib": 500}, "maxAllocatedStorageGib"),
        ({"maxAllocatedStorageGib": 109}, "maxAllocatedStorageGib"),
        ({"maxAllocatedStorageGib": 70000}, "maxAllocatedStorageGib"),
        ({"iops": 3000}, "iops"),
        ({"throughputMibps": 125}, "throughputMibps"),
        ({"allocatedStorageGib": 400, "iops": 11999}, "iops"),
        ({"allocatedStorageGib": 400, "throughputMibps": 499}, "throughputMibps"),
        ({"backupRetentionDays": 36}, "backupRetentionDays"),
        ({"backupRetentionDays": 6}, "backupRetentionDays"),
        ({"masterUsername": "postgres"}, "masterUsername"),
        ({"masterUsername": "rdsmaster"}, "masterUsername"),
        ({"masterUsername": "pg_owner"}, "masterUsername"),
        ({"monitoringIntervalSeconds": 0}, "monitoringIntervalSeconds"),
        ({"insightsMode": "advanced"}, "insightsRetentionDays"),
        ({"insightsRetentionDays": 30}, "insightsRetentionDays"),
        ({"logRetentionDays": 31}, "logRetentionDays"),
        ({"instanceClass": "db.m7g.2large"}, "instanceClass"),
        ({"instanceClass": "db.t4g.micro"}, "instanceClass"),
        ({"parameters": {"minWalSizeMib": 4096}}, "parameters.minWalSizeMib"),
        ({"parameters": {"autovacuumWorkMemMib": 1024}}, "parameters.autovacuumWorkMemMib"),
        ({"parameters": {"extensions": ["vector"]}}, "parameters.extensions"),
        ({"publiclyAccessible": True}, "publiclyAccessible"),
    ],
)
def test_what_aws_would_refuse_later_is_refused_now(changed: dict[str, Any], key: str) -> None:
    assert refused(**changed).startswith(f"{key}:")


def test_advanced_insights_with_fifteen_months_is_accepted() -> None:
    settings(insightsMode="advanced", insightsRetentionDays=465)


def test_backup_and_maintenance_never_meet() -> None:
    line = refused(backupWindow="04:00-05:00")
    assert line.startswith("maintenanceWindow:")
    assert "does not meet backupWindow" in line
    assert refused(backupWindow="04:00-04:10").startswith("backupWindow:")
    assert refused(maintenanceWindow="sun:04:30-sun:04:40").startswith("maintenanceWindow:")


@pytest.mark.parametrize(
    ("daily", "weekly", "meet"),
    [
        ("03:00-04:00", "sun:04:00-sun:05:00", False),
        ("03:00-04:01", "sun:04:00-sun:05:00", True),
        ("03:00-04:00", "sun:02:00-sun:05:00", True),
        ("23:30-00:30", "mon:00:00-mon:01:00", True),
        ("23:30-00:30", "sun:23:00-mon:00:00", True),
        ("12:00-13:00", "sat:23:00-sun:11:00", False),
        ("12:00-13:00", "sat:23:00-sun:12:30", True),
        ("00:00-01:00", "sun:23:30-mon:00:30", True),
    ],
)
def test_windows_meet_across_midnight_and_the_week(daily: str, weekly: str, meet: bool) -> None:
    assert windows.overlap(daily, weekly) is meet


def test_windows_are_measured_across_midnight() -> None:
    assert windows.minutes("23:30-00:30") == 60
    assert windows.minutes("sun:23:30-mon:00:30") == 60
    assert windows.minutes("sun:04:30-sun:05:30") == 60
