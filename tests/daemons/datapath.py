"""The way to the database for tests: a server as RDS hands it over, containers run as declared.

A container runs here as the kubelet would run it: its command, its files, its environment, with the
Secrets that External Secrets would have filled. Only the directories it mounts lie elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.kubernetes.data import bootstrap, pooler, sql
from components.kubernetes.workloads.shape import Container, SecretValue, Task
from rehearsal import locks, paths
from settings.bootstrap import BootstrapSettings
from settings.pooler import PoolerSettings
from tests.daemons import toolbox
from tests.daemons.postgres import Refused, Server, serving

DATABASE = "archesai"
MASTER = "archesai_master"
MASTER_PASSWORD = "a:master's %password of RDS"
DIGEST = "@sha256:" + "a" * 64


def bootstrap_settings(**changed: Any) -> BootstrapSettings:
    plain = {
        "image": f"ghcr.io/arches/client:17{DIGEST}",
        "certificates": "certificates/rds-eu-central-1.pem",
        "migrations": {"image": f"ghcr.io/arches/migrations:1{DIGEST}"},
    }
    return BootstrapSettings.model_validate({**plain, **changed}, strict=False)


def pooler_settings(**changed: Any) -> PoolerSettings:
    plain = {
        "image": f"ghcr.io/arches/pgbouncer:1.25.2{DIGEST}",
        "exporterImage": f"ghcr.io/arches/exporter:0.12.1{DIGEST}",
    }
    return PoolerSettings.model_validate({**plain, **changed}, strict=False)


ROLES = sql.roles(pooler_settings(), bootstrap_settings())
PASSWORDS = {role.name: f"Password0of0{role.name.replace('_', '0')}" for role in ROLES}


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A server, and the Kubernetes Secrets beside it. folder: for files of containers."""

    server: Server
    folder: Path
    settings: BootstrapSettings = field(default_factory=bootstrap_settings)
    passwords: Mapping[str, str] = field(default_factory=lambda: dict(PASSWORDS))
    programs: tuple[str, ...] = ("psql",)

    @property
    def secrets(self) -> dict[str, dict[str, str]]:
        """What External Secrets would have written (`bootstrap_secrets`)."""
        url = (
            f"postgresql://{sql.OWNER}:{self.passwords[sql.OWNER]}@{self.server.host}:"
            f"{self.server.port}/{DATABASE}?sslmode=verify-full&sslrootcert={self.server.ca_file}"
        )
        return {
            bootstrap.MASTER_SECRET: {"username": MASTER, "password": MASTER_PASSWORD},
            bootstrap.OWNER_SECRET: {"password": self.passwords[sql.OWNER], "url": url},
            bootstrap.ROLES_SECRET: dict(self.passwords),
        }

    def tasks(self) -> dict[str, Task]:
        """The declared Jobs by component, for this server."""
        way = bootstrap.Way(
            host=self.server.host,
            port=self.server.port,
            database=DATABASE,
            settings=self.settings,
        )
        prints = bootstrap.fingerprints(PASSWORDS)
        made = bootstrap.bootstrap_tasks(way, ROLES, prints)
        return {task.component: task for task in made}

    def run(self, container: Container, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a container to its end."""
        root = Path(tempfile.mkdtemp(dir=self.folder))
        places = self._mounted(container, root)
        programs = root / "bin"
        programs.mkdir()
        for name in self.programs:
            (programs / name).symlink_to(toolbox.command(name)[0])
        given: dict[str, str] = {}
        for name, value in container.env.items():
            if isinstance(value, SecretValue):
                value = self.secrets[value.secret][value.key]
            assert isinstance(value, str), f"{name} is not known"
            given[name] = value
        given["PGSSLROOTCERT"] = str(self.server.ca_file)
        path = f"{programs}:{environment.pop('PATH', '')}:{os.environ['PATH']}"
        return subprocess.run(
            [_moved(word, places) for word in (*container.command, *container.args)],
            capture_output=True,
            text=True,
            env=toolbox.environment() | given | environment | {"PATH": path},
            stdin=subprocess.DEVNULL,
            # psql would ask the terminal of whoever runs the tests; a pod has none.
            start_new_session=True,
        )

    def bootstrap(self, *components: str) -> None:
        """Run the Jobs of these components (all but the migrations by default), in their order."""
        for component, task in self.tasks().items():
            if components and component not in components:
                continue
            mains = () if component == "database-migrations" else task.containers
            for container in (*task.before, *mains):
                done = self.run(container)
                assert done.returncode == 0, f"{component}: {done.stdout}{done.stderr}"

    def psql(self, statements: str, role: str, database: str = DATABASE) -> str:
        """Rows as this role sees them. Raises Refused."""
        password = {MASTER: MASTER_PASSWORD, **PASSWORDS}.get(role, self.server.password)
        return self.server.psql(statements, database, role, password)

    def _mounted(self, container: Container, root: Path) -> dict[str, str]:
        """Write a container's files and Secrets; gives where its directories lie here."""
        secrets = {path: self.secrets[name] for path, name in container.secret_files.items()}
        mounts: dict[str, Mapping[str, Any]] = {**container.files, **secrets}
        places = {path: f"{root}{path}" for path in mounts}
        for path, files in mounts.items():
            directory = Path(places[path])
            directory.mkdir(parents=True)
            for name, text in files.items():
                assert isinstance(text, str), f"{path}/{name} is not known"
                (directory / name).write_text(_moved(text, places))
        return places


def _moved(text: str, places: Mapping[str, str]) -> str:
    for path, place in places.items():
        text = text.replace(f"{path}/", f"{place}/").replace(f"cd {path} ", f"cd {place} ")
    return text


@contextlib.contextmanager
def handed_over(**changed: Any) -> Iterator[Cluster]:
    """A server as RDS hands it over: a master that is no superuser owns an empty database.

    What rds_superuser may do beyond that, creating the extensions, the test's superuser does.
    """
    folder = Path(tempfile.mkdtemp(prefix="arches-datapath-"))
    folder.chmod(0o755)
    try:
        with serving() as server:
            quoted = MASTER_PASSWORD.replace("'", "''")
            server.psql(
                f"CREATE ROLE {MASTER} LOGIN CREATEROLE CREATEDB PASSWORD '{quoted}';"
                f"GRANT pg_monitor TO {MASTER} WITH ADMIN OPTION;"
                # rds_superuser may end sessions (AWS re:Post, rds-cancel-long-running-queries).
                f"GRANT pg_signal_backend TO {MASTER};"
            )
            server.create_database(DATABASE, owner=MASTER)
            server.psql(f"ALTER DATABASE postgres OWNER TO {MASTER}")
            yield Cluster(server=server, folder=folder, **changed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def session(
    server: Server, role: str, statements: str = "", database: str = DATABASE
) -> Iterator[subprocess.Popen[str]]:
    """Somebody who has run these statements and stays."""
    password = {MASTER: MASTER_PASSWORD, **PASSWORDS}[role]
    process = subprocess.Popen(
        toolbox.command("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=server.environment(database=database, user=role, password=password),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(f"{statements}\n\\echo there\n")
        process.stdin.flush()
        assert any(line == "there\n" for line in process.stdout), f"{role} did not get in"
        yield process
    finally:
        process.kill()
        process.wait()


def as_rds(cluster: Cluster) -> None:
    """Create the extensions as RDS lets its master do it."""
    cluster.server.psql(sql.extensions_sql(), DATABASE)


def go_program(package: str, module: str, version: str, *tags: str) -> Path:
    """The folder with a program of a Go module, built once."""
    name = package.rsplit("/", 1)[-1]
    folder = paths.cache() / "daemons" / f"{name}-{version}"
    with locks.awaited(folder / "lock"):
        if not (folder / name).exists():
            # A module of our own that wants exactly this one: `go install` would also ask for the
            # list of all versions, which not every proxy keeps.
            (folder / "go.mod").write_text(f"module program\n\nrequire {module} {version}\n")
            subprocess.run(
                ["go", "build", "-mod=mod", "-tags", ",".join(tags), "-o", name, package],
                check=True,
                cwd=folder,
            )
    return folder


# -- the pooler ----------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Pool:
    """A PgBouncer that runs. process: its own, since the start script becomes it."""

    cluster: Cluster
    settings: PoolerSettings
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def environment(
        self, role: str = sql.APP, password: str | None = None, database: str = DATABASE
    ) -> dict[str, str]:
        """What a client in the namespace needs to enter."""
        return toolbox.environment() | {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.settings.port),
            "PGDATABASE": database,
            "PGUSER": role,
            "PGPASSWORD": PASSWORDS[role] if password is None else password,
            "PGSSLMODE": "prefer",
            "PGCONNECT_TIMEOUT": "10",
        }

    def psql(self, statements: str, **who: Any) -> str:
        """Rows through the pooler. Raises Refused."""
        done = subprocess.run(
            toolbox.command("psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-"),
            input=statements,
            capture_output=True,
            text=True,
            env=self.environment(**who),
        )
        if done.returncode != 0:
            raise Refused(done.stderr.strip())
        return done.stdout.strip()

    @contextlib.contextmanager
    def draining(self, **seconds: int) -> Iterator[None]:
        """What runs before the pod is told to stop, as the pod's own user."""
        script = self.folder / "drain.sh"
        script.write_text(pooler.drain_script(self.settings, str(self.folder), **seconds))
        process = subprocess.Popen(
            [*toolbox.unprivileged(), "env", f"PATH={_programs(self.folder)}", "sh", str(script)],
            env=toolbox.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield
        finally:
            # The container ends with PgBouncer, and all of its processes with it.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def pooling(
    cluster: Cluster,
    *,
    changed: Mapping[str, str] | None = None,
    userlist: str | None = None,
    ca_file: Path | None = None,
    **settings: Any,
) -> Iterator[Pool]:
    """PgBouncer in front of the cluster's server.

    changed: lines of pgbouncer.ini that are replaced by others. userlist: instead of the rendered.
    """
    chosen = pooler_settings(port=toolbox.free_port(), **settings)
    folder = toolbox.give(Path(tempfile.mkdtemp(dir=cluster.folder)))
    ini = pooler.pgbouncer_ini(
        chosen,
        # The certificate names it too; c-ares resolves localhost to ::1, where nobody listens.
        host="127.0.0.1",
        port=cluster.server.port,
        database=DATABASE,
        ca_file=str(ca_file or cluster.server.ca_file),
        userlist=str(folder / "userlist.txt"),
        sockets=str(folder),
    )
    for line, other in (changed or {}).items():
        assert f"{line}\n" in ini, f"pgbouncer.ini has no line {line}"
        ini = ini.replace(f"{line}\n", f"{other}\n")
    filled = (
        pooler.userlist_template()
        .replace("{{ .app }}", PASSWORDS[sql.APP])
        .replace("{{ .exporter }}", PASSWORDS[sql.EXPORTER])
    )
    texts = {
        "pgbouncer.ini": ini,
        "userlist.txt": filled if userlist is None else userlist,
        "start.sh": pooler.start_script(chosen, str(folder)),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
        toolbox.give(folder / name)
    start = [*toolbox.unprivileged(), "env", f"PATH={_programs(folder)}", "sh", "-e"]
    with toolbox.running(
        [*start, str(folder / "start.sh")],
        ready=lambda: toolbox.listens(chosen.port),
        log=folder / "log",
        stop=signal.SIGQUIT,
    ) as process:
        yield Pool(cluster=cluster, settings=chosen, folder=folder, process=process)


def _programs(folder: Path) -> str:
    """A PATH on which the toolbox's programs have their plain names."""
    programs = folder / "bin"
    if not programs.exists():
        programs.mkdir()
        for name in ("pgbouncer", "psql"):
            (programs / name).symlink_to(toolbox.command(name)[0])
    return f"{programs}:{os.environ['PATH']}"
