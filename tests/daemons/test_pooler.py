"""PgBouncer reads our documents and does with real clients what they promise."""

from __future__ import annotations

import hashlib
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.kubernetes.data import pooler, sql
from components.kubernetes.data.bootstrap import Way
from components.kubernetes.workloads.shape import Probe
from tests.daemons import toolbox
from tests.daemons.datapath import (
    DATABASE,
    PASSWORDS,
    Cluster,
    Pool,
    go_program,
    handed_over,
    pooler_settings,
    pooling,
)
from tests.daemons.postgres import Refused
from tests.daemons.toolbox import PATIENCE_SECONDS, command, eventually

EXPORTER = "v0.12.1"
QUICK = {"query_wait_timeout = 10": "query_wait_timeout = 2"}
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with handed_over() as handed:
        handed.bootstrap("database-roles")
        yield handed


@pytest.fixture(scope="module")
def pool(cluster: Cluster) -> Iterator[Pool]:
    """As an environment has it that decides nothing."""
    with pooling(cluster) as running:
        yield running


def pgbench(
    pool: Pool, statement: str, *more: str, clients: int, jobs: int = 2, mode: str = "prepared"
) -> subprocess.Popen[str]:
    """Start so many clients; what is said comes in one stream."""
    script = pool.folder / "statement.sql"
    script.write_text(f"{statement}\n")
    return subprocess.Popen(
        command(
            "pgbench",
            *("--no-vacuum", "--protocol", mode, "--client", str(clients), "--jobs", str(jobs)),
            *("--file", script, *more),
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=pool.environment(),
    )


def console(pool: Pool, statement: str) -> str:
    """What Prometheus's exporter may ask."""
    return pool.psql(statement, role=sql.EXPORTER, database="pgbouncer")


def servers(pool: Pool) -> int:
    """Connections of the application at the server itself."""
    asked = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{sql.APP}'"
    return int(pool.cluster.server.psql(asked))


# -- who comes in --------------------------------------------------------------------------------
def test_the_application_comes_in_by_scram_and_reaches_the_database_over_verified_tls(pool: Pool):
    """POOL-01, POOL-03, POOL-11."""
    assert (
        pool.psql("SELECT current_user, ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        == f"{sql.APP}|t|TLSv1.3"
    )


def test_a_wrong_password_and_an_unknown_name_are_refused_alike(pool: Pool):
    for role, password in ((sql.APP, "wrong"), (sql.OWNER, PASSWORDS[sql.OWNER])):
        with pytest.raises(Refused, match="SASL authentication failed"):
            pool.psql("SELECT 1", role=role, password=password)


def test_only_the_exporter_may_look_into_the_console_and_nobody_may_command_there(pool: Pool):
    assert console(pool, "SHOW VERSION").startswith("PgBouncer 1.")
    with pytest.raises(Refused, match="admin access needed"):
        console(pool, "SHUTDOWN")
    with pytest.raises(Refused, match="not allowed"):
        pool.psql("SHOW POOLS", database="pgbouncer")


def test_the_guides_md5_cannot_work(cluster: Cluster):
    """POOL-03: an md5 entry lets nobody in by SCRAM, and enters no SCRAM server."""
    password = PASSWORDS[sql.APP]
    md5 = "md5" + hashlib.md5(f"{password}{sql.APP}".encode()).hexdigest()
    with (
        pooling(cluster, userlist=f'"{sql.APP}" "{md5}"\n') as ours,
        pytest.raises(Refused, match="SASL authentication failed"),
    ):
        ours.psql("SELECT 1")
    guide = {
        "auth_type = scram-sha-256": "auth_type = md5",
        "query_wait_timeout = 10": "query_wait_timeout = 2",
    }
    with pooling(cluster, userlist=f'"{sql.APP}" "{md5}"\n', changed=guide) as theirs:
        with pytest.raises(Refused, match=r"wrong password type|query_wait_timeout"):
            theirs.psql("SELECT 1")
        assert "wrong password type" in theirs.log


def test_a_scram_secret_with_a_salt_of_its_own_lets_clients_in_and_enters_no_server(
    cluster: Cluster,
):
    """The reason for plain passwords in the list: RDS shows nobody the secret that it keeps."""
    cluster.server.psql(f"CREATE ROLE elsewhere PASSWORD '{PASSWORDS[sql.APP]}'")
    secret = cluster.server.psql("SELECT rolpassword FROM pg_authid WHERE rolname = 'elsewhere'")
    cluster.server.psql("DROP ROLE elsewhere")
    with pooling(cluster, userlist=f'"{sql.APP}" "{secret}"\n', changed=QUICK) as theirs:
        with pytest.raises(Refused, match=r"server login|query_wait_timeout|authentication failed"):
            theirs.psql("SELECT 1")
        assert f'password authentication failed for user "{sql.APP}"' in theirs.log


def test_a_server_whose_certificate_is_signed_by_others_is_not_entered(cluster: Cluster):
    """ENV-07: with the authorities of RDS, this test's server is a stranger."""
    rds = ROOT / "certificates/rds-eu-central-1.pem"
    with pooling(cluster, ca_file=rds, changed=QUICK) as deceived:
        with pytest.raises(Refused, match=r"TLS|query_wait_timeout|server login"):
            deceived.psql("SELECT 1")
        assert "certificate verify failed" in deceived.log


def test_a_parameter_that_nobody_would_heed_is_refused(pool: Pool):
    with_options = {**pool.environment(), "PGOPTIONS": "-c statement_timeout=1"}
    done = subprocess.run(
        command("psql", "-X", "-c", "SELECT 1"), capture_output=True, text=True, env=with_options
    )
    assert done.returncode == 2
    assert "unsupported startup parameter" in done.stderr


# -- many clients --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("seconds", "rounds", "mode", "least"),
    [("0.002", 30, "prepared", 25), ("0.7", 1, "simple", 30)],
    ids=["pool", "reserve"],
)
def test_two_hundred_clients_share_the_connections_that_the_budget_counts(
    pool: Pool, seconds: str, rounds: int, mode: str, least: int
):
    """POOL-05, POOL-07, POOL-08, POOL-10: the reserve comes when clients wait for 3 s."""
    # One statement is one transaction. pgbench prepares in a blocking way: a client that waits for
    # a server holds up those of its thread, which after BEGIN may have one.
    each = ("--transactions", str(rounds))
    load = pgbench(pool, f"SELECT pg_sleep({seconds});", *each, clients=200, mode=mode)
    seen = []
    while load.poll() is None:
        seen.append(servers(pool))
        time.sleep(0.1)
    said, _ = load.communicate()
    assert load.returncode == 0, said
    assert "number of failed transactions: 0 (0.000%)" in said
    assert f"actually processed: {200 * rounds}/{200 * rounds}" in said
    assert least <= max(seen) <= pool.settings.max_db_connections == 30, seen


def test_a_thousand_clients_are_connected_at_once_and_the_next_is_refused(pool: Pool):
    """POOL-06: and the console can still be entered, since the probe depends on it."""
    connected, go = pool.folder / "connected", pool.folder / "go"
    # pgbench connects all clients before any speaks; its one thread begins with the first of them,
    # which says so and waits. Nobody asks the console before: that is a client too, and the
    # thousandth would be refused.
    wait = f"touch {connected}; until test -e {go}; do sleep 0.1; done"
    held = pgbench(
        pool,
        f"\\if :client_id = 0\n\\shell sh -c '{wait}'\n\\endif\nSELECT 1;",
        *("--transactions", "1"),
        clients=1000,
        jobs=1,
        mode="simple",
    )
    try:
        eventually(lambda: connected.exists() or held.poll() is not None, "all are connected")
        assert held.poll() is None, held.communicate()[0]
        pools = [row.split("|") for row in console(pool, "SHOW POOLS").splitlines()]
        [ours] = [row for row in pools if row[:2] == [DATABASE, sql.APP]]
        assert int(ours[2]) + int(ours[3]) == 1000, ours
        with pytest.raises(Refused, match="no more connections allowed"):
            pool.psql("SELECT 1")
    finally:
        go.touch()
        said, _ = held.communicate(timeout=PATIENCE_SECONDS)
    assert held.returncode == 0, said
    assert "number of transactions actually processed: 1000/1000" in said
    assert "too many open files" not in pool.log.lower()


def test_files_are_raised_to_what_a_thousand_clients_need():
    """POOL-06: containers often begin with 1,024."""
    script = pooler.start_script(pooler_settings()).replace("exec pgbouncer", "ulimit -n; #")
    done = subprocess.run(
        ["sh", "-ec", f"ulimit -Sn 256\n{script}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1130"


def test_prepared_statements_need_the_setting_that_we_give(cluster: Cluster, pool: Pool):
    """POOL-05: the same load, without it."""
    load = ("SELECT 1 AS prepared;", "--time", "2")
    said, _ = pgbench(pool, *load, clients=40).communicate()
    assert "number of failed transactions: 0 (0.000%)" in said
    off = {"max_prepared_statements = 200": "max_prepared_statements = 0"}
    with pooling(cluster, changed=off) as without:
        said, _ = pgbench(without, *load, clients=40).communicate()
    assert "prepared statement" in said, "PgBouncer does it by itself now; drop the setting"


def test_who_waits_too_long_for_a_connection_is_told_so(cluster: Cluster):
    """POOL-07, ISSUE-08: before the API's own deadline, not after PgBouncer's default of 120 s."""
    with (
        pooling(
            cluster,
            defaultPoolSize=1,
            minPoolSize=0,
            reservePoolSize=0,
            queryWaitTimeoutSeconds=1,
        ) as narrow,
        holding(narrow, "BEGIN; SELECT 1;"),
    ):
        start = time.monotonic()
        with pytest.raises(Refused, match="query_wait_timeout"):
            narrow.psql("SELECT 1")
        assert 1 <= time.monotonic() - start < 9, "it waited for another limit"


def test_clients_outlive_the_servers_connections(pool: Pool):
    """POOL-09: after a failover every connection of the server is another one."""
    with holding(pool, "SELECT 1;") as client:
        pool.cluster.server.psql(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{sql.APP}'"
        )
        time.sleep(0.5)
        assert client.ask("SELECT 40 + 2;") == "42"


# -- leaving -------------------------------------------------------------------------------------
class Client:
    """psql that stays connected."""

    def __init__(self, pool: Pool) -> None:
        self.process = subprocess.Popen(
            command("psql", "-X", "-A", "-t", "-q"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
            env=pool.environment(),
        )

    def ask(self, statements: str) -> str:
        """The first line that comes back; empty where the connection has gone."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{statements}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def holding(pool: Pool, statements: str) -> Client:
    client = Client(pool)
    assert client.ask(statements) == "1"
    return client


def test_a_stopping_pod_lets_idle_clients_go_and_transactions_end(cluster: Cluster):
    """UPD-03: nobody's transaction is cut, nobody new comes in, and then it has gone."""
    with (
        pooling(cluster) as stopping,
        holding(stopping, "SELECT 1;") as idle,
        Client(stopping) as busy,
    ):
        transaction = busy.ask("BEGIN; SELECT pg_current_xact_id();")
        with stopping.draining(unlisted=0, leaving=4, ending=20):
            eventually(lambda: not toolbox.listens(stopping.settings.port), "nobody new comes in")
            eventually(lambda: "client_idle_timeout" in stopping.log, "idle clients may go")
            assert idle.ask("SELECT 42;") != "42", "idle clients would hold up every rollout"
            assert busy.ask("SELECT 7;") == "7", "the transaction was cut while clients leave"
            eventually(lambda: "WAIT_FOR_SERVERS command issued" in stopping.log, "it waits")
            assert busy.ask("SELECT 8;") == "8", "the transaction was cut while transactions end"
            assert stopping.process.poll() is None
            busy.ask("COMMIT; SELECT 9;")
            stopping.process.wait(PATIENCE_SECONDS)
        assert stopping.process.returncode == 0
        status = f"SELECT pg_xact_status('{transaction}')"
        assert cluster.server.psql(status, DATABASE) == "committed"


def test_a_pod_without_clients_stops_without_waiting_for_its_time(cluster: Cluster):
    with pooling(cluster) as empty:
        start = time.monotonic()
        with empty.draining(unlisted=0, leaving=1, ending=20):
            empty.process.wait(PATIENCE_SECONDS)
        assert time.monotonic() - start < 15


# -- probes and metrics --------------------------------------------------------------------------
def probe(pool: Pool, asked: Probe | None) -> int:
    """What the kubelet gets from a probe's command, run as the pod's own user."""
    assert asked is not None
    moved = [str(pool.folder) if word == pooler.SOCKETS else word for word in asked.command]
    ports = ["127.0.0.1", str(pool.settings.port)]
    assert ports[1] in moved
    return subprocess.run(
        [
            *toolbox.unprivileged(),
            *command("psql", *moved[1:]),
        ],
        capture_output=True,
        env={**toolbox.environment(), "PGPASSWORD": PASSWORDS[sql.APP], "PGCONNECT_TIMEOUT": "5"},
    ).returncode


def test_a_pod_is_ready_only_once_it_has_reached_the_database(cluster: Cluster):
    """A rollout with the wrong authorities stops; a database that is away unlists nobody."""
    way = Way(host="", port=0, database=DATABASE, settings=cluster.settings)
    rds = ROOT / "certificates/rds-eu-central-1.pem"
    for ca_file, startup in ((None, 0), (rds, 2)):
        with pooling(cluster, ca_file=ca_file, queryWaitTimeoutSeconds=2) as asked:
            main = pooler.pooler_workload(asked.settings, way).main
            assert probe(asked, main.startup) == startup
            assert probe(asked, main.readiness) == 0
            assert probe(asked, main.liveness) == 0


def test_the_exporter_of_prometheus_reads_the_pools(pool: Pool):
    """The real exporter, with the user and the address that its Secret gives it."""
    module = "github.com/prometheus-community/pgbouncer_exporter"
    folder = go_program(module, module, EXPORTER)
    port = toolbox.free_port()
    [secret] = pooler.pooler_secrets(pool.settings)
    address = str(secret.templates["exporter"]).replace("{{ .exporter }}", PASSWORDS[sql.EXPORTER])
    pool.psql("SELECT 1")
    with (
        toolbox.running(
            [
                *("env", f"PGBOUNCER_EXPORTER_CONNECTION_STRING={address}"),
                *(str(folder / "pgbouncer_exporter"), f"--web.listen-address=127.0.0.1:{port}"),
            ],
            ready=lambda: toolbox.listens(port),
            log=pool.folder / "exporter.log",
        ),
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        metrics = answer.read().decode()
    assert "pgbouncer_up 1" in metrics
    assert f'pgbouncer_pools_server_idle_connections{{database="{DATABASE}"' in metrics
    assert "pgbouncer_config_max_client_connections 1000" in metrics
