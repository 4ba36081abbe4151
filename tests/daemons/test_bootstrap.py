"""The Jobs that make the database's inside, run as declared against PostgreSQL with goose.

The master is what RDS gives: no superuser, may make roles, owns the database.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.kubernetes.data import bootstrap, sql
from tests.daemons import toolbox
from tests.daemons.datapath import (
    DATABASE,
    MASTER,
    PASSWORDS,
    ROLES,
    Cluster,
    bootstrap_settings,
    go_program,
    handed_over,
    session,
)
from tests.daemons.postgres import Refused
from tests.daemons.toolbox import command

RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
GOOSE = "v3.26.0"
# Drivers of other databases are left out: a tenth of the modules and of the time.
_WITHOUT = "clickhouse libsql mssql mysql sqlite3 vertica ydb"

# The application's tables as far as our documents speak of them (A12), and a table of vectors.
FIRST = """\
-- +goose Up
CREATE TABLE "user" (
  id bigserial PRIMARY KEY, email text NOT NULL, name text, deleted_at timestamptz
);
CREATE TABLE organization (id bigserial PRIMARY KEY, name text);
CREATE TABLE session (
  id bigserial PRIMARY KEY, user_id bigint, token text, expires_at timestamptz
);
CREATE TABLE account (id bigserial PRIMARY KEY, user_id bigint);
CREATE TABLE artifact (id bigserial PRIMARY KEY, embedding vector(3));
CREATE FUNCTION newest() RETURNS bigint LANGUAGE sql AS 'SELECT max(id) FROM session';
"""
SECOND = """\
-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY artifact_nearest ON artifact USING hnsw (embedding vector_l2_ops);
"""


@pytest.fixture(scope="session")
def goose() -> Path:
    """The goose command of the module that applications use, built once."""
    without = (f"no_{each}" for each in _WITHOUT.split())
    module = "github.com/pressly/goose/v3"
    return go_program(f"{module}/cmd/goose", module, GOOSE, *without)


@pytest.fixture(scope="module")
def migrations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("migrations")
    (folder / "00001_tables.sql").write_text(FIRST)
    (folder / "00002_nearest.sql").write_text(SECOND)
    return folder


@pytest.fixture(scope="module")
def cluster(goose: Path, migrations: Path) -> Iterator[Cluster]:
    """Everything has run once."""
    with handed_over() as handed:
        run_all(handed, goose, migrations)
        yield handed


def run_all(cluster: Cluster, goose: Path, migrations: Path) -> None:
    """Every Job in its order."""
    cluster.bootstrap("database-roles")
    # RDS lets its master create the allowed extensions; here the superuser has to be it.
    [extensions] = cluster.tasks()["database-extensions"].containers
    made = cluster.run(
        extensions, PGUSER=cluster.server.superuser, PGPASSWORD=cluster.server.password
    )
    assert made.returncode == 0, made.stderr
    cluster.bootstrap("database-migrations")
    migrated = migrate(cluster, goose, migrations)
    assert migrated.returncode == 0, migrated.stdout + migrated.stderr
    cluster.bootstrap("database-indexes", "database-verify")


def migrate(cluster: Cluster, goose: Path, migrations: Path) -> subprocess.CompletedProcess[str]:
    [container] = cluster.tasks()["database-migrations"].containers
    return cluster.run(container, PATH=str(goose), GOOSE_MIGRATION_DIR=str(migrations))


def state(cluster: Cluster) -> str:
    """Roles without their salts, settings, rights, indexes: all that the Jobs decide."""
    return cluster.server.psql(
        "SELECT rolname, rolconnlimit, rolcanlogin, rolconfig FROM pg_roles ORDER BY 1;"
        "SELECT datname, datacl FROM pg_database ORDER BY 1;"
        "SELECT nspname, nspacl FROM pg_namespace ORDER BY 1;"
        "SELECT relname, relacl FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "ORDER BY 1;"
        "SELECT defaclrole::regrole, defaclobjtype, defaclacl FROM pg_default_acl ORDER BY 1, 2;"
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1;"
        "SELECT extname, extversion FROM pg_extension ORDER BY 1;"
        "SELECT count(*) FROM goose_db_version;",
        DATABASE,
    )


# -- again and again -----------------------------------------------------------------------------
def test_every_job_runs_again_and_changes_nothing(cluster: Cluster, goose: Path, migrations: Path):
    """PG-14 to PG-20, MIG-01, MIG-02: migrations too, which fail on a second start in the API."""
    before = state(cluster)
    run_all(cluster, goose, migrations)
    assert state(cluster) == before


def test_migrations_that_stay_pending_fail_the_job(
    cluster: Cluster, goose: Path, migrations: Path, tmp_path: Path
):
    """MIG-02: `goose status` exits with 0, so its answer has to be read."""
    shutil.copytree(migrations, tmp_path / "more")
    (tmp_path / "more/00003_later.sql").write_text("-- +goose Up\nSELECT 1;\n")
    plain = subprocess.run(
        [goose / "goose", "-dir", str(tmp_path / "more"), "status"],
        capture_output=True,
        text=True,
        env={
            **toolbox.environment(),
            "GOOSE_DRIVER": "postgres",
            "GOOSE_DBSTRING": cluster.secrets[bootstrap.OWNER_SECRET]["url"],
        },
    )
    assert plain.returncode == 0, "if goose failed by itself, the check would be superfluous"
    assert "Pending" in plain.stdout + plain.stderr
    settings = bootstrap_settings(
        migrations={
            **bootstrap_settings().migrations.model_dump(by_alias=True),
            "command": (
                "sh",
                "-ec",
                bootstrap_settings().migrations.command[2].replace("goose up\n", ""),
            ),
        }
    )
    lazy = Cluster(server=cluster.server, folder=cluster.folder, settings=settings)
    done = migrate(lazy, goose, tmp_path / "more")
    assert done.returncode == 1
    assert "migrations are pending" in done.stderr


def test_a_statement_of_goose_cannot_build_an_index_concurrently_in_its_transaction(
    cluster: Cluster, goose: Path, tmp_path: Path
):
    """PG-20: the application's own files need `NO TRANSACTION`."""
    (tmp_path / "00009_index.sql").write_text(
        "-- +goose Up\nCREATE INDEX CONCURRENTLY late ON account (user_id);\n"
    )
    for name in ("00001_tables.sql", "00002_nearest.sql"):
        (tmp_path / name).write_text("-- +goose Up\nSELECT 1;\n")
    done = migrate(cluster, goose, tmp_path)
    assert done.returncode == 1
    assert "cannot run inside a transaction block" in done.stdout + done.stderr


# -- passwords -----------------------------------------------------------------------------------
def test_no_password_ever_reaches_the_server(cluster: Cluster):
    """SEC-05: not the log of all statements, not the statistics, not the catalogue."""
    cluster.server.psql("ALTER SYSTEM SET log_statement = 'all'; SELECT pg_reload_conf();")
    try:
        cluster.bootstrap("database-roles")
    finally:
        cluster.server.psql("ALTER SYSTEM RESET log_statement; SELECT pg_reload_conf();")
    log = (cluster.server.ca_file.parent / "log").read_text()
    kept = cluster.server.psql("SELECT query FROM pg_stat_statements", DATABASE)
    assert log.count("PASSWORD 'SCRAM-SHA-256$") >= len(PASSWORDS), "the log is not the whole one"
    for role, password in PASSWORDS.items():
        assert password not in log, f"the log shows the password of {role}"
        assert password not in kept, f"pg_stat_statements shows the password of {role}"
    secrets = cluster.server.psql(
        "SELECT rolpassword FROM pg_authid WHERE rolname LIKE 'archesai%'"
    ).splitlines()
    assert len(secrets) == len(PASSWORDS) + 1
    assert all(each.startswith("SCRAM-SHA-256$4096:") for each in secrets)


def test_a_replaced_password_is_waited_for_and_the_old_one_stays_in_force_until_then(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
):
    """SEC-06: the program knows the new password before External Secrets has brought it."""
    monkeypatch.setattr(bootstrap, "SYNC_SECONDS", 0)
    stale = Cluster(
        server=cluster.server,
        folder=cluster.folder,
        passwords={**PASSWORDS, sql.APP: "TheOneBefore0"},
    )
    [container] = stale.tasks()["database-roles"].containers
    done = stale.run(container)
    assert done.returncode == 1
    assert "the passwords in the cluster are not those of Secrets Manager" in done.stderr
    assert cluster.psql("SELECT 1", sql.APP) == "1"


def test_a_server_whose_certificate_the_authorities_did_not_sign_is_not_entered(
    cluster: Cluster,
):
    """ENV-07: with RDS's own authorities this test's server is a stranger."""
    done = subprocess.run(
        command("psql", "--no-psqlrc", "--command", "SELECT 1"),
        capture_output=True,
        text=True,
        env=cluster.server.environment()
        | {"PGSSLROOTCERT": str(Path("certificates/rds-eu-central-1.pem").resolve())},
    )
    assert done.returncode == 2
    assert "certificate verify failed" in done.stderr


# -- least privilege -----------------------------------------------------------------------------
ALLOWED = [
    (sql.APP, "INSERT INTO \"user\" (email) VALUES ('a@example.com') RETURNING 1"),
    (sql.APP, "UPDATE \"user\" SET name = 'A'"),
    (sql.APP, "SELECT count(*) FROM session"),
    (sql.APP, "DELETE FROM session"),
    (sql.APP, "SELECT newest()"),
    (sql.APP, "SELECT '[1,2,3]'::vector <-> '[1,2,4]'::vector"),
    (sql.OWNER, "CREATE TABLE made (id int); DROP TABLE made"),
    (sql.READONLY, 'SELECT count(*) FROM "user"'),
    (sql.READONLY, "SELECT count(query) FROM pg_stat_statements"),
    (sql.DUMP, "SELECT last_value FROM session_id_seq"),
    (sql.DUMP, "LOCK TABLE session IN ACCESS SHARE MODE"),
    (sql.EXPORTER, "SELECT count(query) FROM pg_stat_statements"),
    (sql.EXPORTER, "SELECT count(*) FROM pg_stat_activity"),
    (sql.RETENTION, "DELETE FROM session WHERE expires_at < now()"),
    (sql.RETENTION, "UPDATE \"user\" SET email = 'x' WHERE deleted_at < now()"),
]
REFUSED = [
    (sql.APP, "CREATE TABLE own (id int)", "permission denied for schema public"),
    (sql.APP, "DROP TABLE session", "must be owner"),
    (sql.APP, "ALTER TABLE session ADD COLUMN more int", "must be owner"),
    (sql.APP, "TRUNCATE session", "permission denied"),
    (sql.APP, "CREATE TEMPORARY TABLE own (id int)", "permission denied to create temporary"),
    (sql.APP, "CREATE ROLE other", "permission denied to create role"),
    (sql.APP, "SET ROLE archesai_owner", "permission denied to set role"),
    (sql.APP, "SELECT rolpassword FROM pg_authid", "permission denied for table pg_authid"),
    (sql.APP, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9, true)",
     "permission denied for table goose_db_version"),
    (sql.APP, "SELECT setval('session_id_seq', 1)", "permission denied for sequence"),
    (sql.APP, "SELECT pg_stat_statements_reset()", "permission denied for function"),
    (sql.APP, "COPY session TO PROGRAM 'cat'", "permission denied to COPY"),
    (sql.APP, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
     "permission denied to terminate process"),
    (sql.OWNER, "CREATE ROLE other", "permission denied to create role"),
    (sql.OWNER, "DROP DATABASE archesai", "must be owner of database"),
    (sql.OWNER, "CREATE EXTENSION dblink", "permission denied to create extension"),
    (sql.READONLY, "INSERT INTO session (token) VALUES ('t')", "read-only transaction"),
    (sql.READONLY, "SET default_transaction_read_only = off; DELETE FROM session",
     "permission denied for table session"),
    (sql.READONLY, "SET default_transaction_read_only = off; CREATE TABLE own (id int)",
     "permission denied for schema public"),
    (sql.DUMP, "SET default_transaction_read_only = off; DELETE FROM session",
     "permission denied for table session"),
    (sql.DUMP, "SELECT newest()", "permission denied for function newest"),
    (sql.EXPORTER, "SELECT * FROM session", "permission denied for table session"),
    (sql.EXPORTER, "SELECT * FROM \"user\"", "permission denied for table user"),
    (sql.RETENTION, "SELECT * FROM organization", "permission denied for table organization"),
    (sql.RETENTION, "DELETE FROM \"user\"", "permission denied for table user"),
    (sql.RETENTION, "INSERT INTO session (token) VALUES ('t')", "permission denied for table"),
    (MASTER, "SELECT * FROM session", "permission denied for table session"),
]  # fmt: skip


@pytest.mark.parametrize(("role", "statement"), ALLOWED)
def test_each_role_can_do_what_it_is_for(cluster: Cluster, role: str, statement: str):
    cluster.psql(f"BEGIN; {statement}; ROLLBACK", role)


@pytest.mark.parametrize(("role", "statement", "why"), REFUSED)
def test_no_role_can_do_anything_else(cluster: Cluster, role: str, statement: str, why: str):
    with pytest.raises(Refused, match=why):
        cluster.psql(statement, role)


@pytest.mark.parametrize("role", sorted(PASSWORDS))
def test_a_role_enters_this_database_only_and_with_its_own_password_only(
    cluster: Cluster, role: str
):
    with pytest.raises(Refused, match='permission denied for database "postgres"'):
        cluster.psql("SELECT 1", role, "postgres")
    with pytest.raises(Refused, match="password authentication failed"):
        cluster.server.psql("SELECT 1", DATABASE, role, PASSWORDS[role] + "0")


def test_sessions_begin_with_the_limits_of_their_role(cluster: Cluster):
    shown = {role.name: cluster.psql("SHOW statement_timeout", role.name) for role in ROLES}
    assert shown == {
        sql.OWNER: "0",
        sql.APP: "30s",
        sql.READONLY: "1min",
        sql.DUMP: "0",
        sql.EXPORTER: "10s",
        sql.RETENTION: "0",
    }


def test_people_see_what_everybody_does_and_end_nobody(cluster: Cluster):
    """DBG-02: the pages ask who holds the database, and leave ending it to the master."""
    of_the_application = f"FROM pg_stat_activity WHERE usename = '{sql.APP}'"
    with session(cluster.server, sql.APP, "BEGIN; SELECT count(*) FROM session;"):
        seen = cluster.psql(f"SELECT state, query {of_the_application}", sql.READONLY)
        assert seen == "idle in transaction|SELECT count(*) FROM session;", (
            "whoever is woken would see empty columns and look elsewhere"
        )
        for deed in ("terminate", "cancel"):
            with pytest.raises(Refused, match=f"permission denied to {deed}"):
                cluster.psql(f"SELECT pg_{deed}_backend(pid) {of_the_application}", sql.READONLY)
        ended = cluster.psql(
            f"SELECT pg_terminate_backend(pid, 10000) {of_the_application}", MASTER
        )
        assert ended == "t"
    texts = cluster.psql(
        "SELECT count(*), count(*) FILTER (WHERE query = '<insufficient privilege>') "
        "FROM pg_stat_statements",
        sql.READONLY,
    ).split("|")
    assert int(texts[0]) > 0
    assert texts[1] == "0", "the dearest statements would have no text (ISSUE-03)"


# Its column is that of the page's example.
_EXAMPLES = ("display_name",)


def test_every_query_of_the_pages_runs_as_the_read_only_login(cluster: Cluster):
    asked = {
        (page.stem, query)
        for page in RUNBOOKS.glob("*.md")
        for _, query in re.findall(
            r"""psql "\$DATABASE_URL" -c (["'])(.*?)\1$""", page.read_text("utf-8"), re.MULTILINE
        )
        if not any(word in query for word in _EXAMPLES)
    }
    assert len(asked) >= 18, "the pages say it in another way now"
    refused = {}
    for page, query in sorted(asked):
        try:
            cluster.psql(query, sql.READONLY)
        except Refused as error:
            refused[page] = f"{query}: {error}"
    assert refused == {}, "whoever is woken would debug the page"


def test_statistics_after_an_upgrade_are_gathered_by_the_master_and_by_no_reader(
    cluster: Cluster,
):
    """psql ends with 0 either way: a new major would run without statistics."""
    page = (RUNBOOKS / "upgrade-database.md").read_text("utf-8")
    *extensions, gather, left = re.findall(r'^psql "\$MASTER_URL" -c "(.*?)"$', page, re.MULTILINE)
    assert [line.split()[:2] for line in extensions] == [["alter", "extension"]] * 2
    cluster.server.psql("SELECT pg_stat_reset()", DATABASE)
    without = cluster.psql(left, MASTER)
    assert int(without) > 5
    cluster.psql(f"SET default_transaction_read_only = off; {gather}", sql.READONLY)
    assert cluster.psql(left, MASTER) == without, "the reader has gathered them"
    cluster.psql(gather, MASTER)
    assert cluster.psql(left, MASTER) == "0"
    for line in extensions:  # as RDS lets its master do it, who has created them
        cluster.server.psql(line, DATABASE)


def test_a_role_has_no_more_connections_than_the_budget_gives_it(cluster: Cluster):
    """POOL-10: the exporter has three."""
    held = [
        subprocess.Popen(
            command("psql", "--no-psqlrc", "--command", "SELECT pg_sleep(8)"),
            env=cluster.server.environment(
                database=DATABASE, user=sql.EXPORTER, password=PASSWORDS[sql.EXPORTER]
            ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(3)
    ]
    count = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{sql.EXPORTER}'"
    try:
        for _ in range(100):
            if cluster.server.psql(count) == "3":
                break
        with pytest.raises(Refused, match="too many connections for role"):
            cluster.psql("SELECT 1", sql.EXPORTER)
    finally:
        for each in held:
            each.kill()
            each.wait()


# -- indexes -------------------------------------------------------------------------------------
@pytest.fixture
def filled(cluster: Cluster) -> Iterator[Cluster]:
    """Enough rows for an index to be worth it."""
    cluster.psql(
        "INSERT INTO \"user\" (email) SELECT 'u' || i || '@example.com' "
        "FROM generate_series(1, 5000) i;"
        "INSERT INTO organization (name) SELECT 'o' || i FROM generate_series(1, 5000) i;"
        "INSERT INTO session (token, expires_at) SELECT 't' || i, now() - i * interval '1 minute' "
        "FROM generate_series(1, 5000) i;"
        "INSERT INTO artifact (embedding) SELECT ARRAY[i, i % 7, 1]::vector "
        "FROM generate_series(1, 2000) i;",
        sql.APP,
    )
    cluster.psql("VACUUM ANALYZE", sql.OWNER)
    yield cluster
    cluster.psql('TRUNCATE "user", organization, session, artifact', sql.OWNER)


@pytest.mark.parametrize(
    ("index", "query"),
    [
        ("idx_users_email", "SELECT * FROM \"user\" WHERE email = 'u7@example.com' "
         "AND deleted_at IS NULL LIMIT 1"),
        ("idx_organizations_name", "SELECT * FROM organization WHERE name = 'o7'"),
        ("idx_sessions_token", "SELECT * FROM session WHERE token = 't7'"),
        ("idx_sessions_expires",
         "DELETE FROM session WHERE expires_at < now() - interval '83 hours'"),
        ("artifact_nearest", "SELECT id FROM artifact ORDER BY embedding <-> '[7,0,1]' LIMIT 3"),
    ],
)  # fmt: skip
def test_each_index_serves_the_query_it_is_for(filled: Cluster, index: str, query: str):
    """PG-16 to PG-19, OPT-06, ISSUE-05."""
    plan = filled.psql(f"EXPLAIN {query}", sql.APP)
    assert index in plan, plan


def test_the_nearest_vector_is_found(filled: Cluster):
    """PG-14: pgvector works for the application's own login."""
    near = "SELECT embedding FROM artifact ORDER BY embedding <-> '[7,0,1]' LIMIT 1"
    assert filled.psql(near, sql.APP) == "[7,0,1]"


def test_an_index_whose_build_was_interrupted_is_built_again(cluster: Cluster):
    """PG-20: a unique build that meets duplicates ends like one that was interrupted."""
    cluster.psql("DROP INDEX idx_sessions_token", sql.OWNER)
    cluster.psql("INSERT INTO session (token) VALUES ('same'), ('same')", sql.APP)
    [build] = cluster.tasks()["database-indexes"].containers
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'idx_sessions_token'::regclass"
    failed = cluster.run(build)
    assert failed.returncode != 0
    assert "could not create unique index" in failed.stderr
    assert cluster.psql(valid, sql.OWNER) == "f", "CONCURRENTLY leaves an invalid index"
    cluster.psql("DELETE FROM session", sql.APP)
    done = cluster.run(build)
    assert done.returncode == 0, done.stderr
    assert cluster.psql(valid, sql.OWNER) == "t"


def test_the_guides_own_table_names_are_a_setting_and_absent_tables_are_left_out(
    cluster: Cluster,
):
    """PG-16: users, organizations, sessions; nothing exists, then the tables without columns."""
    tables = bootstrap_settings(
        tables={"users": "users", "organizations": "organizations", "sessions": "sessions"}
    ).tables
    document = sql.indexes_sql(sql.indexes(tables), sql.erasures(tables))
    built = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname"
    database = cluster.server.create_database("guide", owner=sql.OWNER)
    cluster.psql(document, sql.OWNER, database)
    assert cluster.psql(built, sql.OWNER, database) == ""
    cluster.psql(
        "CREATE TABLE users (email text); CREATE TABLE organizations (name text);"
        "CREATE TABLE sessions (token text, expires_at timestamptz)",
        sql.OWNER,
        database,
    )
    cluster.psql(document, sql.OWNER, database)
    assert cluster.psql(built, sql.OWNER, database).splitlines() == [
        "CREATE INDEX idx_organizations_name ON public.organizations USING btree (name)",
        "CREATE INDEX idx_sessions_expires ON public.sessions USING btree (expires_at)",
        "CREATE UNIQUE INDEX idx_sessions_token ON public.sessions USING btree (token)",
        "CREATE INDEX idx_users_email ON public.users USING btree (email)",
    ]
    cluster.server.psql("DROP DATABASE guide")


# -- the check -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("broken", "mended", "says"),
    [
        (
            "DROP INDEX idx_organizations_name",
            "CREATE INDEX idx_organizations_name ON organization (name)",
            "index idx_organizations_name is absent",
        ),
        (
            "UPDATE pg_index SET indisvalid = false "
            "WHERE indexrelid = 'artifact_nearest'::regclass",
            "UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'artifact_nearest'::regclass",
            "index artifact_nearest is invalid",
        ),
        (
            "ALTER ROLE archesai_app CREATEDB",
            "ALTER ROLE archesai_app NOCREATEDB",
            "role archesai_app is not as declared",
        ),
        (
            "ALTER ROLE archesai_dump BYPASSRLS",
            "ALTER ROLE archesai_dump NOBYPASSRLS",
            "role archesai_dump is not as declared",
        ),
        (
            "GRANT pg_write_all_data TO archesai_readonly",
            "REVOKE pg_write_all_data FROM archesai_readonly",
            "role archesai_readonly is a member of pg_write_all_data",
        ),
        (
            "REVOKE pg_monitor FROM archesai_readonly GRANTED BY archesai_master",
            "GRANT pg_monitor TO archesai_readonly GRANTED BY archesai_master",
            "role archesai_readonly is no member of pg_monitor",
        ),
        (
            "GRANT CONNECT ON DATABASE archesai TO PUBLIC",
            "REVOKE CONNECT ON DATABASE archesai FROM PUBLIC",
            "everybody may enter database archesai",
        ),
        (
            "GRANT CREATE ON SCHEMA public TO PUBLIC",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            "everybody may create in schema public",
        ),
        (
            "ALTER ROLE archesai_master SET password_encryption = 'md5'",
            "ALTER ROLE archesai_master RESET password_encryption",
            "passwords are not kept as SCRAM",
        ),
        (
            "DROP EXTENSION pg_stat_statements",
            "CREATE EXTENSION pg_stat_statements",
            'relation "public.pg_stat_statements" does not exist',
        ),
        (
            "ALTER ROLE archesai_retention PASSWORD 'another'",
            f"ALTER ROLE archesai_retention PASSWORD '{PASSWORDS[sql.RETENTION]}'",
            'password authentication failed for user "archesai_retention"',
        ),
    ],
)
def test_the_last_job_fails_and_names_what_is_not_as_declared(
    cluster: Cluster, broken: str, mended: str, says: str
):
    [verify] = cluster.tasks()["database-verify"].containers
    cluster.server.psql(f"SET allow_system_table_mods = on; {broken}", DATABASE)
    try:
        done = cluster.run(verify)
    finally:
        cluster.server.psql(f"SET allow_system_table_mods = on; {mended}", DATABASE)
    assert done.returncode != 0
    assert says in done.stderr
    assert cluster.run(verify).returncode == 0, "the rest of the tests would stand on sand"
