"""The retention's rules, run as declared by their own login: what is due goes, the rest stays."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from components.kubernetes.data import retention, sql
from components.kubernetes.data.bootstrap import Way
from settings.retention import RetentionSettings
from tests.daemons.datapath import (
    DATABASE,
    MASTER,
    PASSWORDS,
    ROLES,
    Cluster,
    as_rds,
    bootstrap_settings,
    handed_over,
)
from tests.daemons.postgres import Refused
from tests.daemons.toolbox import command, eventually

# The application's schema (A12) with the columns that a later revision needs for GDPR-02.
APPLICATION = """
CREATE TABLE "user" (
  id uuid PRIMARY KEY, email text, name text, phone text, image text, deleted_at timestamptz);
CREATE TABLE session (
  id int PRIMARY KEY, user_id uuid REFERENCES "user", ip_address text,
  created_at timestamptz NOT NULL, expires_at timestamptz NOT NULL);
CREATE TABLE account (id int PRIMARY KEY, user_id uuid REFERENCES "user", refresh_token text);
CREATE TABLE api_key (id int PRIMARY KEY, user_id uuid REFERENCES "user", key_hash text);
CREATE TABLE invitation (id int PRIMARY KEY, email text, inviter_id uuid);
"""
# The guide's own names: no column expires_at, ids are numbers.
GUIDE = """
CREATE TABLE users (
  id bigserial PRIMARY KEY, email text, name text, phone text, deleted_at timestamp);
CREATE TABLE user_sessions (id int PRIMARY KEY, created_at timestamptz);
"""
GUIDE_TABLES = {"users": "users", "sessions": "user_sessions"}
# id: created, expires (relative to now)
SESSIONS = {
    1: ("-1 day", "+6 days"),  # in use
    2: ("-8 days", "-1 minute"),  # just expired
    3: ("-8 days", "+1 minute"),  # expires in a minute
    4: ("-90 days -1 minute", "+1 year"),  # older than the bound, although it never expired
    5: ("-90 days +1 minute", "+1 year"),  # not yet
    6: ("-200 days", "-193 days"),  # both
}


class Retained(Cluster):
    """A cluster that has the retention's Secret."""

    @property
    def secrets(self) -> dict[str, dict[str, str]]:
        return {
            **super().secrets,
            retention.SECRET.name: {"password": PASSWORDS[sql.RETENTION]},
        }

    def retain(
        self, tables: dict[str, str] | None = None, **changed: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run the task's container with these settings."""
        settings = RetentionSettings.model_validate({"anonymise": True, **changed})
        way = Way(
            host=self.server.host,
            port=self.server.port,
            database=DATABASE,
            settings=bootstrap_settings(tables=tables or {}),
        )
        return self.run(retention.retention_task(settings, way).main)

    def fresh(self, schema: str, tables: dict[str, str] | None = None) -> None:
        """A new database with this schema and the bootstrap's rights on it."""
        self.server.create_database(DATABASE, owner=MASTER)
        self.psql(sql.roles_sql(ROLES, DATABASE), MASTER)
        as_rds(self)
        named = bootstrap_settings(tables=tables or {}).tables
        self.psql(sql.privileges_sql() + schema, sql.OWNER)
        self.psql(sql.indexes_sql((), sql.erasures(named)), sql.OWNER)

    def owner(self, statements: str) -> str:
        return self.psql(statements, sql.OWNER)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Retained]:
    with handed_over() as made:
        made.bootstrap("database-roles")
        yield Retained(**{**vars(made), "programs": ("psql", "pg_isready")})


@pytest.fixture
def application(cluster: Retained) -> Retained:
    cluster.fresh(APPLICATION)
    return cluster


def user(number: int, deleted: str | None, email: str | None = None) -> str:
    when = f"now() + interval '{deleted}'" if deleted else "NULL"
    address = email or f"person{number}@example.com"
    return (
        f"INSERT INTO \"user\" VALUES ('{uuid(number)}', '{address}', 'Person {number}', "
        f"'+49 30 {number}', 'face{number}.png', {when});"
    )


def uuid(number: int) -> str:
    return f"00000000-0000-0000-0000-{number:012d}"


def whole(cluster: Retained) -> str:
    """Every row and when it was last written: equal before and after means nothing was touched."""
    tables = ('"user"', "session", "account", "api_key", "invitation")
    return "\n".join(
        cluster.owner(f"SELECT '{t}', t.xmin, t.* FROM {t} t ORDER BY id") for t in tables
    )


def with_sessions(cluster: Retained) -> None:
    cluster.owner(
        user(1, None)
        + "".join(
            f"INSERT INTO session VALUES ({number}, '{uuid(1)}', '192.0.2.1', "
            f"now() + interval '{created}', now() + interval '{expires}');"
            for number, (created, expires) in SESSIONS.items()
        )
    )


def sessions_left(cluster: Retained) -> str:
    return cluster.owner("SELECT string_agg(id::text, ' ' ORDER BY id) FROM session")


def test_expired_sessions_and_those_older_than_90_days_go_and_a_second_run_finds_none(
    application: Retained,
):
    """GDPR-01."""
    with_sessions(application)
    first = application.retain()
    assert first.returncode == 0, first.stderr
    assert "sessions deleted: 3" in first.stderr
    assert sessions_left(application) == "1 3 5"
    kept = whole(application)
    second = application.retain()
    assert "sessions deleted: 0" in second.stderr
    assert whole(application) == kept


@pytest.mark.parametrize(("days", "left"), [(7, "1"), (89, "1 3")])
def test_the_outer_bound_of_a_sessions_age_is_a_setting(
    application: Retained, days: int, left: str
):
    with_sessions(application)
    application.retain(sessionDays=days)
    assert sessions_left(application) == left


def test_many_sessions_go_in_batches_of_their_own_transactions(application: Retained):
    application.owner(
        user(1, None) + "CREATE TABLE batches (t bigint);"
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
        "'BEGIN INSERT INTO public.batches VALUES (txid_current()); RETURN NULL; END';"
        "CREATE TRIGGER note AFTER DELETE ON session EXECUTE FUNCTION note();"
        f"INSERT INTO session SELECT n, '{uuid(1)}', '', now() - interval '8 days', "
        "now() - interval '1 day' FROM generate_series(1, 105) n"
    )
    done = application.retain(batchRows=10)
    assert "sessions deleted: 105" in done.stderr
    transactions = application.owner("SELECT count(DISTINCT t) FROM batches")
    # 11 that delete, and one for each column that finds nothing more.
    assert transactions == "13", "one long transaction would hold every row's lock until its end"


def slow(application: Retained, rows: int, seconds: float) -> None:
    """So many expired sessions, of which each batch takes so long."""
    application.owner(
        user(1, None)
        + "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
        f"'BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END';"
        "CREATE TRIGGER wait AFTER DELETE ON session EXECUTE FUNCTION wait();"
        f"INSERT INTO session SELECT n, '{uuid(1)}', '', now() - interval '8 days', "
        f"now() - interval '1 day' FROM generate_series(1, {rows}) n"
    )


def test_a_rule_may_take_as_long_as_its_job(application: Retained):
    """A rule is one statement: its time goes on over the COMMITs inside."""
    slow(application, rows=50, seconds=0.4)
    application.psql(f"ALTER ROLE {sql.RETENTION} SET statement_timeout = '1s'", MASTER)
    cut = application.retain(batchRows=10)
    assert cut.returncode == 1
    assert "canceling statement due to statement timeout" in cut.stderr, (
        "a timeout for each batch would be fine, and there is none"
    )
    application.psql(sql.roles_sql(ROLES, DATABASE), MASTER)
    done = application.retain(batchRows=10)
    assert done.returncode == 0, done.stderr
    assert application.psql("SHOW statement_timeout", sql.RETENTION) == "0", (
        "after five minutes deadlineMinutes would be without effect"
    )


def test_a_rule_ends_with_its_job(application: Retained):
    """A pod that is killed at its deadline says nothing to the server."""
    slow(application, rows=10_000, seconds=0.4)
    settings = RetentionSettings.model_validate({"batchRows": 10})
    rule = retention.sessions_sql(settings, "session")
    runs = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{sql.RETENTION}'"
    job = subprocess.Popen(
        command("psql", "-X", "-q", "-c", rule),
        env=application.server.environment(
            database=DATABASE, user=sql.RETENTION, password=PASSWORDS[sql.RETENTION]
        ),
    )
    try:
        eventually(lambda: application.server.psql(runs) == "1", "the rule runs")
    finally:
        job.kill()
        job.wait()
    eventually(lambda: application.server.psql(runs) == "0", "the login is free for the next run")
    assert sessions_left(application), "it has come to its end by itself, and this says nothing"


def test_the_search_for_expired_sessions_uses_the_guides_index(application: Retained):
    """PG-19."""
    application.owner(
        user(1, None) + "CREATE INDEX idx_sessions_expires ON session (expires_at);"
        f"INSERT INTO session SELECT n, '{uuid(1)}', '', now(), now() + n * interval '1 hour' "
        "FROM generate_series(-50, 20000) n; ANALYZE session"
    )
    application.server.psql(
        "ALTER SYSTEM SET session_preload_libraries = 'auto_explain';"
        "ALTER SYSTEM SET auto_explain.log_min_duration = 0;"
        "ALTER SYSTEM SET auto_explain.log_nested_statements = on;"
        "ALTER SYSTEM SET auto_explain.log_level = notice;"
    )
    application.server.psql("SELECT pg_reload_conf()")
    try:
        done = application.retain()
    finally:
        application.server.psql("ALTER SYSTEM RESET ALL")
        application.server.psql("SELECT pg_reload_conf()")
    assert "sessions deleted: 51" in done.stderr
    assert "Index Scan using idx_sessions_expires" in done.stderr


def test_a_session_that_is_prolonged_meanwhile_stays(application: Retained):
    """The row is looked at again under its lock."""
    with_sessions(application)
    held = subprocess.Popen(
        command("psql", "-X", "-q", "-A", "-t"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=application.server.environment(
            database=DATABASE, user=sql.OWNER, password=PASSWORDS[sql.OWNER]
        ),
    )
    assert held.stdin is not None
    assert held.stdout is not None
    held.stdin.write(
        "BEGIN; UPDATE session SET expires_at = now() + interval '7 days' WHERE id = 2;\n"
        "\\echo held\nSELECT pg_sleep(2); COMMIT;\n"
    )
    held.stdin.close()
    assert held.stdout.readline() == "held\n"
    done = application.retain()
    held.wait(10)
    assert "sessions deleted: 2" in done.stderr
    assert sessions_left(application) == "1 2 3 5", "somebody would be signed out while at work"


def test_users_deleted_a_month_ago_are_anonymous_with_all_that_is_theirs_and_only_once(
    application: Retained,
):
    """GDPR-02."""
    application.owner(
        user(1, None)
        + user(2, "-30 days -1 minute")
        + user(3, "-30 days +1 minute")
        + "".join(
            f"INSERT INTO account VALUES ({n}, '{uuid(n)}', 'token{n}');"
            f"INSERT INTO api_key VALUES ({n}, '{uuid(n)}', 'hash{n}');"
            f"INSERT INTO invitation VALUES ({n}, 'person{n}@example.com', '{uuid(1)}');"
            f"INSERT INTO session VALUES ({n}, '{uuid(n)}', '192.0.2.{n}', now(), now() + "
            "interval '1 day');"
            for n in (1, 2, 3)
        )
    )
    first = application.retain()
    assert first.returncode == 0, first.stderr
    assert "users made anonymous: 1" in first.stderr
    rows = application.owner('SELECT id, email, name, phone, image FROM "user" ORDER BY id')
    assert rows.splitlines() == [
        f"{uuid(1)}|person1@example.com|Person 1|+49 30 1|face1.png",
        f"{uuid(2)}|deleted-{uuid(2)}@deleted.invalid|Deleted User||",
        f"{uuid(3)}|person3@example.com|Person 3|+49 30 3|face3.png",
    ]
    for table in ("account", "api_key", "invitation", "session"):
        assert application.owner(f"SELECT string_agg(id::text, ' ') FROM {table}") == "1 3", (
            f"{table} still knows who was deleted"
        )
    kept = whole(application)
    second = application.retain()
    assert "users made anonymous: 0" in second.stderr
    assert whole(application) == kept, "the guide's statement rewrites every old row, each day"


def test_many_users_go_in_batches(application: Retained):
    application.owner("".join(user(n, "-31 days") for n in range(1, 36)))
    done = application.retain(batchRows=10)
    assert "users made anonymous: 35" in done.stderr
    distinct = (
        "SELECT count(DISTINCT xmin::text), count(*) FROM \"user\" WHERE name = 'Deleted User'"
    )
    assert application.owner(distinct) == "4|35", "35 by 10 are four transactions"


def test_a_trigger_that_brings_the_address_back_ends_in_an_error_not_in_a_circle(
    application: Retained,
):
    application.owner(
        user(1, "-31 days") + "CREATE FUNCTION back() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN NEW.email := OLD.email; RETURN NEW; END';"
        'CREATE TRIGGER back BEFORE UPDATE ON "user" FOR EACH ROW EXECUTE FUNCTION back()'
    )
    application.owner("GRANT EXECUTE ON FUNCTION back() TO PUBLIC")
    done = application.retain()
    assert done.returncode == 1
    assert "does a trigger change them back?" in done.stderr


def test_the_guides_own_schema_is_served_by_its_names_alone(cluster: Retained):
    """GDPR-01, GDPR-02: sessions without expiry, users with numbers, nothing of theirs."""
    cluster.fresh(GUIDE, GUIDE_TABLES)
    cluster.owner(
        "INSERT INTO user_sessions VALUES (1, now() - interval '89 days'),"
        " (2, now() - interval '90 days'), (3, now() - interval '91 days');"
        "INSERT INTO users (email, name, phone, deleted_at) VALUES"
        " ('a@example.com', 'A', '1', NULL),"
        " ('b@example.com', 'B', '2', now() - interval '31 days')"
    )
    done = cluster.retain(GUIDE_TABLES)
    assert done.returncode == 0, done.stderr
    assert cluster.owner("SELECT string_agg(id::text, ' ') FROM user_sessions") == "1"
    assert cluster.owner("SELECT id, email, name, phone FROM users ORDER BY id") == (
        "1|a@example.com|A|1\n2|deleted-2@deleted.invalid|Deleted User|"
    )


def test_todays_application_has_no_mark_of_deletion_so_it_fails_loudly_and_changes_no_user(
    application: Retained,
):
    """A12, GDPR-02; the sessions' rule has run all the same."""
    with_sessions(application)
    application.owner('ALTER TABLE "user" DROP COLUMN deleted_at')
    before = application.owner('SELECT * FROM "user"')
    done = application.retain()
    assert done.returncode == 1
    assert "table user with deleted_at is absent: nothing was changed" in done.stderr
    assert application.owner('SELECT * FROM "user"') == before
    assert sessions_left(application) == "1 3 5"


def test_an_empty_database_fails_or_is_skipped_as_the_settings_say(cluster: Retained):
    cluster.fresh("")
    failed = cluster.retain()
    assert failed.returncode == 1
    assert "table session with a column expires_at or created_at is absent" in failed.stderr
    skipped = cluster.retain(whenAbsent="skip")
    assert skipped.returncode == 0
    assert skipped.stderr.count("absent: nothing was changed") == 2


def test_the_login_deletes_what_it_must_and_can_touch_nothing_else(application: Retained):
    """GDPR-01."""
    application.owner("CREATE TABLE artifact (id int)")
    for statement in (
        'DELETE FROM "user"',
        "DELETE FROM artifact",
        "SELECT * FROM artifact",
        "INSERT INTO session (id) VALUES (1)",
        "UPDATE account SET refresh_token = ''",
        "TRUNCATE session",
        "CREATE TABLE mine (id int)",
    ):
        with pytest.raises(Refused, match="permission denied"):
            application.psql(statement, sql.RETENTION)
