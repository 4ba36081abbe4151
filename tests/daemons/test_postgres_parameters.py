"""PostgreSQL itself starts with every parameter that we render and reports the guide's values."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from settings import Environment, postgres, read
from tests.conftest import ROOT, STACKS
from tests.daemons.postgres import Refused, Server, serving
from tests.daemons.toolbox import command

# What a person reads in the guide (PG-02 to PG-12), as PostgreSQL shows it.
GUIDE = {
    "max_connections": "200",
    "shared_buffers": "2GB",
    "effective_cache_size": "6GB",
    "maintenance_work_mem": "512MB",
    "checkpoint_completion_target": "0.9",
    "wal_buffers": "16MB",
    "default_statistics_target": "100",
    "random_page_cost": "1.1",
    "effective_io_concurrency": "200",
    "work_mem": "10485kB",
    "min_wal_size": "1GB",
    "max_wal_size": "4GB",
}


@pytest.fixture(scope="module", params=STACKS)
def environment(request: pytest.FixtureRequest) -> Environment:
    return read(ROOT / f"Pulumi.{request.param}.yaml")


@pytest.fixture(scope="module")
def started(environment: Environment) -> Iterator[Server]:
    with serving(environment.database.parameters, environment.database.engine_version) as server:
        yield server


def test_the_server_starts_with_every_parameter_and_took_each_as_it_was_given(
    environment: Environment, started: Server
):
    """PG-01 to PG-13: `setting` of pg_settings is in the unit that the row is written in."""
    wanted = {
        row.name: row.value
        for row in postgres.parameters(
            environment.database.parameters, environment.database.engine_version
        )
    }
    names = ", ".join(f"'{name}'" for name in wanted)
    rows = started.psql(f"SELECT name, setting FROM pg_settings WHERE name IN ({names})")
    took = dict(row.split("|") for row in rows.splitlines())
    own = {name: value for name, value in wanted.items() if not name.startswith("rds.")}
    assert took.keys() == own.keys()
    switches = {"1": "on"}
    assert {
        name: value
        for name, value in own.items()
        if value != took[name] and switches.get(value) != took[name]
    } == {}
    assert started.psql("SELECT count(*) FROM pg_settings WHERE pending_restart") == "0"


def test_a_static_parameter_is_the_one_that_the_server_reads_at_its_start(started: Server):
    """PG-02, PG-03, PG-07, PG-15: "immediate" would be refused for exactly these (R5)."""
    names = ", ".join(
        f"'{row.name}'" for row in postgres.parameters(postgres.PostgresParameters(), "17")
    )
    rows = started.psql(
        f"SELECT name FROM pg_settings WHERE name IN ({names}) AND context = 'postmaster'"
    )
    assert set(rows.splitlines()) == postgres.STATIC


def test_the_defaults_are_the_guides_numbers(server: Server):
    """PG-02 to PG-12, in the words of the guide."""
    assert {name: server.psql(f"SHOW {name}") for name in GUIDE} == GUIDE
    assert server.psql("SHOW autovacuum_work_mem") == "128MB", (
        "three workers would take maintenance_work_mem each (PG-05)"
    )


def test_both_extensions_of_the_guide_work(started: Server):
    """PG-14, PG-15: creation succeeds without the preload, the view's queries would not."""
    database = started.create_database("extensions")
    started.psql("CREATE EXTENSION vector; CREATE EXTENSION pg_stat_statements", database)
    assert started.psql("SELECT '[3,4]'::vector <-> '[0,0]'", database) == "5"
    found = started.psql(
        "SELECT count(*) > 0 FROM pg_stat_statements WHERE query LIKE '%vector%'", database
    )
    assert found == "t", "nobody could find a slow query (ISSUE-03)"
    started.psql("CREATE EXTENSION pgaudit", database)


def test_the_guides_200_connections_are_197_for_plain_users(server: Server):
    """PG-02: RDS keeps two more for itself."""
    reserved = int(server.psql("SHOW superuser_reserved_connections"))
    assert 200 - reserved == 197
    assert reserved + 2 == postgres.RESERVED_CONNECTIONS


def test_a_login_without_tls_or_with_a_wrong_password_is_refused(server: Server):
    """POOL-03, CHK-SEC-01."""
    with pytest.raises(Refused, match="password authentication failed"):
        server.psql("SELECT 1", password="wrong")
    plain = subprocess.run(
        command("psql", "-X", "-c", "SELECT 1"),
        capture_output=True,
        text=True,
        env=server.environment() | {"PGSSLMODE": "disable"},
    )
    assert plain.returncode != 0
    assert "no encryption" in plain.stderr, "a password could be read on the way"
    tls = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    assert server.psql(tls) == "TLSv1.3"
    verifier = f"SELECT left(rolpassword, 14) FROM pg_authid WHERE rolname = '{server.superuser}'"
    assert server.psql(verifier) == "SCRAM-SHA-256$"


def test_a_server_that_another_authority_signed_is_not_believed(server: Server):
    with serving() as impostor:
        wrong = Server(port=server.port, ca_file=impostor.ca_file)
        with pytest.raises(Refused, match="certificate verify failed"):
            wrong.psql("SELECT 1")
    assert server.psql("SELECT 1") == "1"
