"""The retention's CronJob: when it runs, as whom, and with which rules."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from components.kubernetes.data import retention, sql
from components.kubernetes.data.bootstrap import Way
from components.kubernetes.data.retention import Retention, RetentionArgs, retention_task
from components.kubernetes.workloads.shape import DataStore, SecretValue
from settings.retention import RetentionSettings
from tests.daemons.datapath import bootstrap_settings
from tests.neighbours import context, known, neighbour
from tests.recorder import Recorder, once, record

ROOT = Path(__file__).resolve().parents[4]
SETTINGS = RetentionSettings()
WAY = Way(host="database.example", port=5432, database="archesai", settings=bootstrap_settings())
CRON_JOB = "kubernetes:batch/v1:CronJob"


@once
def placed() -> Recorder:
    def program() -> None:
        provider = kubernetes.Provider("kubernetes", kubeconfig="{}")
        Retention(
            "retention",
            RetentionArgs(
                context=context(),
                settings=SETTINGS,
                bootstrap=neighbour(way=WAY, ready=[]),
                base=neighbour(namespace=known("production")),
            ),
            pulumi.ResourceOptions(providers=[provider]),
        )

    return record(program)


def test_it_runs_every_day_before_the_dump_and_never_twice_at_once():
    """GDPR-03."""
    made = placed().one(CRON_JOB).inputs
    assert made["metadata"]["name"] == "archesai-retention", (
        "the runbook of a restore and the alert on its age know it by this name"
    )
    assert made["spec"]["schedule"] == "0 1 * * *"
    assert made["spec"]["concurrencyPolicy"] == "Forbid"
    assert made["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 3600


def test_it_enters_with_its_own_login_past_the_pooler_and_reaches_nothing_else():
    """GDPR-01."""
    task = retention_task(SETTINGS, WAY)
    assert task.main.env["PGUSER"] == sql.RETENTION == "archesai_retention"
    assert task.main.env["PGPASSWORD"] == SecretValue(
        secret="archesai-database-retention", key="password"
    )
    assert task.main.env["PGSSLMODE"] == "verify-full"
    assert task.main.env["PGPORT"] == "5432"
    assert task.reaches == (DataStore(store="database"),)
    assert not task.identity
    assert retention.SYNCED[0].values == {"password": "database-retention"}


def test_users_are_touched_only_where_the_application_marks_deletion():
    """GDPR-02, A12."""
    tables = WAY.settings.tables
    assert list(retention.rules(SETTINGS, tables)) == ["1-sessions.sql"]
    marked = SETTINGS.model_copy(update={"anonymise": True})
    assert list(retention.rules(marked, tables)) == ["1-sessions.sql", "2-users.sql"]


def test_the_script_runs_every_rule_that_the_pod_has():
    task = retention_task(SETTINGS.model_copy(update={"anonymise": True}), WAY)
    script = task.main.files["/scripts"]["retention.sh"]
    assert isinstance(script, str)
    assert f"for rule in {' '.join(task.main.files['/rules'])}; do" in script
    parsed = subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True)
    assert parsed.returncode == 0, parsed.stderr


def test_what_it_touches_is_what_the_bootstrap_lets_it_touch():
    """GDPR-01, GDPR-02: a table that is forgotten in either place would fail at night."""
    tables = WAY.settings.tables
    users = retention.users_sql(SETTINGS, tables)
    for grant in sql.erasures(tables):
        assert grant.role == sql.RETENTION
        assert f'"{grant.table}"' in users
    assert f'"{tables.sessions}"' in retention.sessions_sql(SETTINGS, tables.sessions)


def test_the_runbook_of_a_restore_runs_the_erasure_again():
    """GDPR-04: what was erased since the dump is back."""
    runbook = ROOT / "docs" / "runbooks" / "restore-database-from-dump.md"
    name = placed().one(CRON_JOB).inputs["metadata"]["name"]
    assert f" --from=cronjob/{name}\n" in runbook.read_text(encoding="utf-8")
