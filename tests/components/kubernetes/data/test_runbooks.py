"""What the pages about the database name is what the program makes."""

from __future__ import annotations

import json
import re
from pathlib import Path

from components.kubernetes.data import sql
from tests.components.kubernetes.data.test_bootstrap import CONFIG_MAP, JOB, placed
from tests.conftest import Recorded

PAGES = Path(__file__).resolve().parents[4] / "docs" / "runbooks"
EXTERNAL_SECRET = "kubernetes:external-secrets.io/v1:ExternalSecret"
RUNNING = {
    "kubernetes:apps/v1:Deployment",
    "kubernetes:apps/v1:StatefulSet",
    "kubernetes:batch/v1:CronJob",
}
# What the read-only login is refused.
_OF_THE_MASTER = (
    "pg_terminate_backend",
    "pg_cancel_backend",
    "pg_drop_replication_slot",
    "alter extension",
    '"analyze"',
)


def page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


# -- rotation ------------------------------------------------------------------------------------
def test_the_preview_of_a_rotation_is_what_its_page_says() -> None:
    """SEC-06: beside the value, the Jobs that bring it into PostgreSQL and their files."""
    before, after = (
        {(made.type, made.name): made.inputs for made in recorded.custom}
        for recorded in (placed(), placed("2"))
    )
    changed = {key for key in before if before[key] != after[key]}
    steps = {name.removeprefix("bootstrap-") for _, name in changed}
    assert changed == {(kind, f"bootstrap-{step}") for kind in (JOB, CONFIG_MAP) for step in steps}
    text = page("rotate-secret")
    named = set(re.findall(r"`database-(\w+)`", text)) & {"roles", "verify", "indexes"}
    assert named == steps, "whoever compares the preview with the page would stop here"
    assert r"\password" not in text, "the Job gives the password to PostgreSQL"


def test_a_replaced_value_is_fetched_wherever_the_program_brings_one(recorded: Recorded) -> None:
    """The same password arrives by several Secrets, each at a time of its own."""
    namespaces = {
        made.inputs["metadata"]["namespace"]
        for made in recorded.made.custom
        if made.type == EXTERNAL_SECRET
    }
    [looped] = re.findall(
        r'^for namespace in "\$NS" (.*); do$', page("rotate-secret"), re.MULTILINE
    )
    assert namespaces == {recorded.settings.cluster.namespace, *looped.split()}


# -- restore -------------------------------------------------------------------------------------
def test_whoever_has_a_login_is_stopped_before_the_database_is_swapped(
    recorded: Recorded,
) -> None:
    """BAK-06: a writer that stays would write into the database that was put aside."""
    namespace = recorded.settings.cluster.namespace
    filled = {
        made.inputs["spec"]["target"]["name"]
        for made in recorded.made.custom
        if made.type == EXTERNAL_SECRET and "database-" in json.dumps(made.inputs["spec"]["data"])
    }
    users = {
        made.inputs["metadata"]["name"]
        for made in recorded.made.custom
        if made.type in RUNNING
        and made.inputs["metadata"].get("namespace") == namespace
        and any(f'"{secret}"' in json.dumps(made.inputs["spec"]) for secret in filled)
    }
    assert len(users) > 3, "the test no longer finds who has a login"
    text = page("restore-database-from-dump")
    [swap] = re.findall(r"^## 5.*?(?=^## 6)", text, re.DOTALL | re.MULTILINE)
    stopped, started = swap.split("```sql")
    for name in users:
        assert name in stopped, f"{name} would go on working"
    assert stopped.count("for name in") == started.count("for name in") == 1
    assert re.findall("for name in .*", stopped) == re.findall("for name in .*", started), (
        "what was suspended would stay so"
    )
    assert "> stopped" in stopped
    assert "< stopped" in started, "with 0 pods an autoscaler stays switched off"


# -- as whom -------------------------------------------------------------------------------------
def test_a_page_says_where_only_the_master_may() -> None:
    asked = [
        (path.stem, line)
        for path in PAGES.glob("*.md")
        for line in path.read_text(encoding="utf-8").splitlines()
        if any(word in line for word in _OF_THE_MASTER)
    ]
    assert len(asked) > 5
    within_the_masters = ("restore-database-from-dump",)  # its session is the master's throughout
    silent = [
        each
        for each in asked
        if "master" not in each[1].lower() and each[0] not in within_the_masters
    ]
    assert silent == [], f"{sql.READONLY} is refused"


def test_a_page_that_asks_the_database_says_where_its_login_is_made() -> None:
    lost = [
        path.stem
        for path in PAGES.glob("*.md")
        if re.search(r'psql "\$(DATABASE|MASTER)_URL"', path.read_text(encoding="utf-8"))
        and "DBG-02" not in path.read_text(encoding="utf-8")
    ]
    assert lost == [], "psql would connect to nothing"
    debugging = page("debugging")
    for name in ("DATABASE_URL", "MASTER_URL"):
        assert f"export {name}=" in debugging


def test_pods_are_found_by_their_labels() -> None:
    """What is called PgBouncer everywhere else is the component `pooler` here."""
    text = page("database-connections")
    assert "app.kubernetes.io/component=pooler" in text
    assert "grep" not in text
