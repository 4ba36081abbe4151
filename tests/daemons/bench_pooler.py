"""What PgBouncer costs and gives: our settings against direct connections, side by side.

`python -m tests.daemons.bench_pooler` prints one line for each figure, in less than two minutes.
pgbench looks up one row by its key, prepared, as pgx does; each side has verified TLS to the
server. Rounds alternate, so that a busy machine disturbs both sides alike. Clients, pooler and
server share this machine's processors: the pooler's share is therefore counted against it, which
it would not be in a cluster. A number of transactions is run, not a time, since pgbench's clock
starts before its clients have connected.
"""

from __future__ import annotations

import re
import statistics
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from components.kubernetes.data import sql
from tests.daemons.datapath import DATABASE, PASSWORDS, handed_over, pooling
from tests.daemons.toolbox import command, version

CLIENTS = (10, 100, 1000)
ROUNDS = 3
TRANSACTIONS = 10_000  # of a round, over all clients
ROWS = 10_000
STATEMENT = f"\\set id random(1, {ROWS})\nSELECT name FROM item WHERE id = :id;\n"


@dataclass(kw_only=True)
class Side:
    """One way to the database. rates: transactions per second; latencies in milliseconds."""

    environment: dict[str, str]
    rates: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    refusal: str = ""

    def measure(self, clients: int) -> None:
        """One round; a side that was refused once is left alone."""
        if self.refusal:
            return
        with TemporaryDirectory() as folder:
            script = Path(folder) / "statement.sql"
            script.write_text(STATEMENT)
            done = subprocess.run(
                command(
                    "pgbench",
                    *("--no-vacuum", "--protocol", "prepared", "--jobs", "2", "--log"),
                    *("--client", str(clients), "--transactions", str(TRANSACTIONS // clients)),
                    *("--log-prefix", f"{folder}/log", "--file", script),
                ),
                capture_output=True,
                text=True,
                env=self.environment,
            )
            if done.returncode != 0:
                why = re.search(r"FATAL: +(.*)", done.stderr)
                assert why is not None, done.stderr
                self.refusal = why[1]
                return
            rate = re.search(r"tps = ([\d.]+)", done.stdout)
            assert rate is not None, done.stdout
            self.rates.append(float(rate[1]))
            for log in Path(folder).glob("log*"):
                # The third column is the latency in microseconds (pgbench, --log).
                lines = log.read_text().splitlines()
                self.latencies += [int(line.split()[2]) / 1000 for line in lines]

    @property
    def said(self) -> str:
        if self.refusal:
            return f"refused ({self.refusal})"
        p99 = statistics.quantiles(self.latencies, n=100)[98]
        return f"{statistics.median(self.rates):.0f} transactions/s, p99 {p99:.1f} ms"


def main() -> int:
    """Print every figure."""
    with handed_over() as cluster:
        cluster.bootstrap("database-roles", "database-migrations")
        cluster.psql(
            "CREATE TABLE item (id bigint PRIMARY KEY, name text);"
            f"INSERT INTO item SELECT i, 'item ' || i FROM generate_series(1, {ROWS}) i;"
            "ANALYZE item",
            sql.OWNER,
        )
        # The role's limit is the pooler's share; here the server's own is to be met.
        cluster.server.psql(f"ALTER ROLE {sql.APP} CONNECTION LIMIT -1")
        with pooling(cluster) as pool:
            of, by = (".".join(map(str, version(name))) for name in ("postgres", "pgbouncer"))
            print(
                f"pooler: PgBouncer {by} with {pool.settings.max_db_connections} connections, "
                f"PostgreSQL {of} with 195, {ROUNDS} x {TRANSACTIONS} transactions a side"
            )
            password = PASSWORDS[sql.APP]
            entry = {"database": DATABASE, "user": sql.APP, "password": password}
            for clients in CLIENTS:
                direct = Side(environment=cluster.server.environment(**entry))
                pooled = Side(environment=pool.environment())
                for _ in range(ROUNDS):
                    direct.measure(clients)
                    pooled.measure(clients)
                print(f"pooler {clients} clients: {pooled.said}; direct: {direct.said}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
