"""A running PostgreSQL 17 as RDS would run it: our parameters, TLS forced, SCRAM.

The parameters are `settings.postgres.parameters`, in the server's own units and unchanged, the
`rds.*` ones included (PostgreSQL takes any name with a dot). What RDS does by itself is said here:
TLS alone is admitted (rds.force_ssl), passwords are SCRAM, WAL segments have 64 MB. The certificate
of `localhost` is signed by an authority of this test run, so clients can use verify-full.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from settings import postgres
from settings.postgres import PostgresParameters
from tests.daemons import toolbox
from tests.daemons.toolbox import command

HOST = "localhost"
SUPERUSER = "postgres"
PASSWORD = "superuser-of-a-test"
VERSION = "17"
_HBA = """\
hostssl all all 127.0.0.1/32 scram-sha-256
host    all all 0.0.0.0/0    reject
"""


class Refused(Exception):
    """PostgreSQL refused a statement or a login; the message is the client's."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that runs. ca_file: the authority that signed its certificate."""

    port: int
    ca_file: Path
    host: str = HOST
    superuser: str = SUPERUSER
    password: str = PASSWORD

    @property
    def dsn(self) -> str:
        """The superuser's way in, verified."""
        return (
            f"host={self.host} port={self.port} user={self.superuser} password={self.password} "
            f"dbname=postgres sslmode=verify-full sslrootcert={self.ca_file}"
        )

    def environment(
        self, *, database: str = "postgres", user: str = SUPERUSER, password: str = PASSWORD
    ) -> dict[str, str]:
        """What a client needs to enter over verified TLS, beside this process's environment."""
        return toolbox.environment() | {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGDATABASE": database,
            "PGUSER": user,
            "PGPASSWORD": password,
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": str(self.ca_file),
            "PGCONNECT_TIMEOUT": "10",
        }

    def psql(
        self,
        sql: str,
        database: str = "postgres",
        user: str = SUPERUSER,
        password: str = PASSWORD,
    ) -> str:
        """The rows of `sql`, columns separated by "|". Raises Refused."""
        done = subprocess.run(
            command("psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-"),
            input=sql,
            capture_output=True,
            text=True,
            env=self.environment(database=database, user=user, password=password),
        )
        if done.returncode != 0:
            raise Refused(done.stderr.strip())
        return done.stdout.strip()

    def create_database(self, name: str, *, owner: str = SUPERUSER) -> str:
        """A fresh database; one of that name is dropped first. Gives its name."""
        self.psql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self.psql(f'CREATE DATABASE "{name}" OWNER "{owner}"')
        return name

    def create_role(self, name: str, password: str, attributes: str = "") -> None:
        """A login role; what it may do is up to the test."""
        self.psql(f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{password}' {attributes}")


@contextlib.contextmanager
def serving(
    parameters: PostgresParameters | None = None, version: str = VERSION
) -> Iterator[Server]:
    """A server with these parameters (the guide's by default) for as long as the block runs."""
    rows = postgres.parameters(parameters or PostgresParameters(), version)
    # Not pytest's folder: PostgreSQL runs as another user than root, who may not enter that.
    folder = toolbox.give(Path(tempfile.mkdtemp(prefix="arches-postgres-")))
    try:
        data = folder / "data"
        _initialize(folder, data)
        ca_file = _certificates(folder)
        (data / "pg_hba.conf").write_text(_HBA)
        port = toolbox.free_port()
        settings = {
            **{row.name: row.value for row in rows},
            "port": str(port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "ssl": "on",
            "ssl_cert_file": str(folder / "server.crt"),
            "ssl_key_file": str(folder / "server.key"),
            # A test's data may be lost with the machine.
            "fsync": "off",
        }
        server = Server(port=port, ca_file=ca_file)
        with toolbox.running(
            [
                *toolbox.unprivileged(),
                *command("postgres", "-D", data),
                *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
            ],
            ready=lambda: _ready(server),
            log=folder / "log",
            stop=signal.SIGINT,
        ):
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One PostgreSQL for all tests of a worker; each test makes databases of its own."""
    with serving() as running:
        yield running


def _ready(server: Server) -> bool:
    if not toolbox.listens(server.port):
        return False
    try:
        return server.psql("SELECT 1") == "1"
    except Refused:
        return False


def _initialize(folder: Path, data: Path) -> None:
    secret = folder / "password"
    secret.write_text(PASSWORD)
    toolbox.give(secret)
    argv = command(
        "initdb",
        *("-D", data, "--username", SUPERUSER, "--pwfile", secret, "--auth", "scram-sha-256"),
        *("--encoding", "UTF8", "--locale-provider", "builtin", "--locale", "C.UTF-8"),
        *("--wal-segsize", "64", "--no-sync", "--no-instructions"),
    )
    subprocess.run(
        [*toolbox.unprivileged(), *argv],
        check=True,
        capture_output=True,
        cwd=folder,
        env=toolbox.environment(),
    )


def _certificates(folder: Path) -> Path:
    """A throw-away authority and a certificate of localhost; gives the authority's file."""
    ca, ca_key = folder / "ca.crt", folder / "ca.key"
    crt, key = folder / "server.crt", folder / "server.key"
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    # An authority may sign, a server may not: verify-full checks both.
    authority = ("-addext", "basicConstraints=critical,CA:TRUE")
    leaf = (
        *("-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1"),
        *("-addext", "basicConstraints=critical,CA:FALSE"),
    )
    config = folder / "openssl.cnf"
    config.write_text("[req]\ndistinguished_name = dn\n[dn]\n")
    common = (*new, "-config", config, "-days", "2")
    signed = ("-CA", ca, "-CAkey", ca_key)
    for argv in (
        (*common, *authority, "-subj", "/CN=test authority", "-out", ca, "-keyout", ca_key),
        (*common, *leaf, "-subj", f"/CN={HOST}", "-out", crt, "-keyout", key, *signed),
    ):
        subprocess.run(command("openssl", *argv), check=True, capture_output=True)
    ca_key.unlink()
    for each in (crt, key):
        toolbox.give(each).chmod(0o600)
    folder.chmod(0o755)
    return ca
