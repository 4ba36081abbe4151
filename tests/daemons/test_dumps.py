"""The dump's scripts, run as they are against PostgreSQL: what is uploaded can be restored."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.kubernetes.data import dumps, sql
from settings.dumps import DumpsSettings
from tests.daemons.datapath import (
    DATABASE,
    MASTER,
    PASSWORDS,
    ROLES,
    Cluster,
    Pool,
    as_rds,
    bootstrap_settings,
    handed_over,
    pooling,
    session,
)
from tests.daemons.postgres import Refused, Server
from tests.daemons.toolbox import command, eventually

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = ROOT / "docs" / "runbooks" / "restore-database-from-dump.md"
IMAGE = "public.ecr.aws/aws-cli/aws-cli@sha256:" + "a" * 64
RESTORED = f"{DATABASE}_restored"
VECTORS = 400
# The application's names (A12); `user` needs quotes.
SCHEMA = f"""
CREATE TABLE "user" (id int PRIMARY KEY, email text NOT NULL, name text);
CREATE TABLE organization (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE artifact (
  id int PRIMARY KEY, owner int REFERENCES "user", title text, embedding vector(8));
INSERT INTO "user" SELECT n, 'user' || n || '@example.com', 'Zoë ' || n
  FROM generate_series(1, 50) n;
INSERT INTO organization VALUES (1, 'Arches'), (2, E'Tab\\there, "quotes" and \\\\');
SELECT setseed(0.5);
INSERT INTO artifact SELECT n, 1 + n % 50, md5(n::text),
  ARRAY(SELECT random() + n * 0 FROM generate_series(1, 8))::vector
  FROM generate_series(1, {VECTORS}) n;
CREATE INDEX ON artifact USING hnsw (embedding vector_l2_ops);
"""
TABLES = ('"user"', "organization", "artifact")
NEAREST = (
    # Looks at every vector: else an index built again may find others, since it is approximate.
    f"SET enable_seqscan = off; SET hnsw.ef_search = {VECTORS}; "
    "SELECT id FROM artifact ORDER BY embedding <-> '[.5,.5,.5,.5,.5,.5,.5,.5]' LIMIT 10"
)
# Stands for AWS CLI: what it was asked, and the object as it was then.
AWS = """\
#!/bin/sh
echo "$*" >> "$RECORDED/asked"
[ "$1 $2" = "s3 cp" ] || exit 2
cp "$3" "$RECORDED/object"
"""
# One second before midnight at the first look, the next day from the second on.
DATE = """\
#!/bin/sh
echo "$*" >> "$RECORDED/clock"
if [ "$(wc -l < "$RECORDED/clock")" -eq 1 ]; then
  exec /bin/date -u -d 2026-11-20T23:59:59Z "${2:-+%s}"
fi
exec /bin/date -u -d 2026-11-21T00:10:00Z "${2:-+%s}"
"""


@dataclass(frozen=True)
class Bench:
    """A pod's view: a scratch directory, programs on PATH, and what the stand-ins recorded."""

    folder: Path
    server: Server

    @property
    def scratch(self) -> Path:
        return self.folder / "scratch"

    @property
    def recorded(self) -> Path:
        return self.folder / "recorded"

    def program(self, name: str, text: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def run(
        self, script: str, *arguments: str, user: str, password: str = "", database: str = DATABASE
    ) -> subprocess.CompletedProcess[str]:
        file = self.folder / "script.sh"
        file.write_text(script)
        programs = Path(command("pg_dump")[0]).parent
        entering = self.server.environment(
            database=database, user=user, password=password or PASSWORDS[user]
        )
        return subprocess.run(
            ["/bin/sh", str(file), *arguments],
            capture_output=True,
            text=True,
            cwd="/",
            env=entering
            | {
                "PATH": f"{self.folder / 'bin'}:{programs}:/usr/bin:/bin",
                "PGREQUIREAUTH": "scram-sha-256",
                "RECORDED": str(self.recorded),
                "BUCKET": "arches-prod-dumps",
                "KEY_ARN": "arn:aws:kms:eu-central-1:111122223333:key/backups",
            },
            timeout=120,
        )

    def dump(
        self,
        *,
        password: str = "",
        settings: DumpsSettings | None = None,
        tables: tuple[str, ...] = ("user", "organization"),
        database: str = DATABASE,
    ) -> subprocess.CompletedProcess[str]:
        """Both containers, the second only where the first ended well, as the kubelet does."""
        script = dumps.dump_script(
            settings or chosen(), tables, scratch=str(self.scratch), patience_seconds=3
        )
        done = self.run(script, user=sql.DUMP, password=password, database=database)
        if done.returncode == 0:
            upload = dumps.upload_script(scratch=str(self.scratch))
            done = self.run(upload, user=sql.DUMP)
        return done

    @property
    def uploaded(self) -> list[str]:
        asked = self.recorded / "asked"
        return asked.read_text().splitlines() if asked.exists() else []


def chosen(**values: object) -> DumpsSettings:
    return DumpsSettings.model_validate({"uploadImage": IMAGE, **values}, strict=False)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A database with the bootstrap's logins, as it is in production."""
    with handed_over() as made:
        made.bootstrap("database-roles")
        yield made


@pytest.fixture
def bench(cluster: Cluster, tmp_path: Path) -> Bench:
    for each in ("scratch", "recorded", "bin"):
        (tmp_path / each).mkdir()
    made = Bench(tmp_path, cluster.server)
    made.program("aws", AWS)
    cluster.server.create_database(DATABASE, owner=MASTER)
    cluster.psql(sql.roles_sql(ROLES, DATABASE), MASTER)
    as_rds(cluster)
    cluster.psql(sql.privileges_sql() + SCHEMA, sql.OWNER)
    cluster.psql(sql.indexes_sql(sql.indexes(bootstrap_settings().tables), ()), sql.OWNER)
    return made


def contents(server: Server, database: str) -> dict[str, str]:
    return {
        table: server.psql(
            f"SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM {table} t", database
        )
        for table in TABLES
    }


def test_a_dump_is_uploaded_once_encrypted_with_our_key_under_the_dumps_prefix(bench: Bench):
    """BAK-01, BAK-03."""
    done = bench.dump()
    assert done.returncode == 0, done.stderr
    (asked,) = bench.uploaded
    match = re.fullmatch(
        r"s3 cp archive s3://arches-prod-dumps/postgres/(archesai-\d{4}-\d\d-\d\dT\d{6}Z\.dump) "
        r"--sse aws:kms --sse-kms-key-id arn:aws:kms:eu-central-1:111122223333:key/backups "
        r"--only-show-errors",
        asked,
    )
    assert match, asked
    assert (bench.recorded / "object").read_bytes()[:5] == b"PGDMP", "not the custom format"
    assert not (bench.scratch / "archive").stat().st_mode & 0o077, "others could read the rows"
    assert PASSWORDS[sql.DUMP] not in done.stdout + done.stderr


def test_what_was_dumped_and_lost_is_restored_with_the_same_rows_and_nearest_vectors(
    bench: Bench, cluster: Cluster
):
    """BAK-06: by the runbook's own SQL and script, until the bootstrap's check passes again."""
    server = bench.server
    before, nearest = contents(server, DATABASE), server.psql(NEAREST, DATABASE)
    assert len(nearest.splitlines()) == 10
    assert bench.dump().returncode == 0
    cluster.psql('DROP TABLE artifact; DELETE FROM "user"', sql.OWNER)

    steps = re.findall(r"```sql\n(.*?)```", RUNBOOK.read_text("utf-8"), re.DOTALL)
    create, extend, grant, swap = steps
    cluster.psql(create, MASTER, "postgres")
    server.psql(extend, RESTORED)  # as RDS lets its master do it
    cluster.psql(grant, MASTER, RESTORED)

    def restore() -> subprocess.CompletedProcess[str]:
        archive = str(bench.recorded / "object")
        return bench.run(dumps.restore_script(), archive, user=sql.OWNER, database=RESTORED)

    done = restore()
    assert done.returncode == 0, done.stderr
    assert f"public.artifact: {VECTORS} rows\n" in done.stdout
    assert re.search(rf"^restored {RESTORED} in \d+ s$", done.stdout, re.MULTILINE)
    assert "run the erasure again" in done.stdout, "erased people would be back (GDPR-04)"
    again = restore()
    assert again.returncode == 1
    assert "nothing is overwritten" in again.stderr

    with contextlib.ExitStack() as there:
        for role in (sql.APP, sql.EXPORTER, sql.READONLY):
            there.enter_context(session(server, role, "SELECT 1;"))
        there.enter_context(session(server, MASTER, database=RESTORED))
        pool = there.enter_context(pooling(cluster))
        assert pool.psql('SELECT count(*) FROM "user"') == "0"
        cluster.psql(swap, MASTER, "postgres")
        with pytest.raises(Refused, match="not currently accepting connections"):
            cluster.psql("SELECT 1", sql.APP, f"{DATABASE}_broken")
        eventually(lambda: _served(pool), "the pooler finds the database of that name")
    assert contents(server, DATABASE) == before
    assert server.psql(NEAREST, DATABASE) == nearest
    plan = server.psql(NEAREST.replace("SELECT", "EXPLAIN SELECT"), DATABASE)
    assert "artifact_embedding_idx" in plan, "the vector index was not built again"
    wanted = sql.indexes(bootstrap_settings().tables)
    cluster.psql(sql.verify_sql(ROLES, wanted, DATABASE), MASTER)
    assert cluster.psql("DELETE FROM artifact WHERE id = 1 RETURNING id", sql.APP) == "1", (
        "rights on tables are lost and the application answers nobody"
    )
    server.psql(f"DROP DATABASE {DATABASE}_broken")


def _served(pool: Pool) -> bool:
    try:
        return pool.psql('SELECT count(*) FROM "user"') == "50"
    except Refused:
        return False


def test_a_dump_over_midnight_is_uploaded_under_the_name_of_its_beginning(bench: Bench):
    """BAK-02: the guide's script looks for another file after midnight."""
    bench.program("date", DATE)
    assert bench.dump().returncode == 0
    assert "/archesai-2026-11-20T235959Z.dump " in bench.uploaded[0]
    assert len((bench.recorded / "clock").read_text().splitlines()) == 1


def test_a_wrong_password_fails_and_uploads_nothing(bench: Bench):
    """BAK-01: the guide's script ends with 0 and leaves an archive of 20 bytes."""
    done = bench.dump(password="wrong")
    assert done.returncode != 0
    assert "password authentication failed" in done.stderr
    assert bench.uploaded == []


def test_a_database_that_does_not_exist_fails_and_uploads_nothing(bench: Bench):
    done = bench.dump(database="nowhere")
    assert done.returncode != 0
    assert bench.uploaded == []


def test_a_server_that_nobody_reaches_fails_after_some_patience(bench: Bench):
    lost = Bench(bench.folder, Server(port=1, ca_file=bench.server.ca_file))
    began = time.monotonic()
    done = lost.dump()
    assert done.returncode != 0
    assert "Connection refused" in done.stderr
    assert time.monotonic() - began >= 3
    assert bench.uploaded == []


def test_a_server_with_a_certificate_of_others_gets_no_password_and_no_dump(
    bench: Bench, tmp_path: Path
):
    stranger = tmp_path / "stranger.crt"
    subprocess.run(
        command(
            "openssl",
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=stranger"),
            *("-keyout", os.devnull, "-out", stranger),
        ),
        check=True,
        capture_output=True,
    )
    done = Bench(bench.folder, Server(port=bench.server.port, ca_file=stranger)).dump()
    assert "certificate verify failed" in done.stderr
    assert bench.uploaded == []


def test_an_archive_that_breaks_off_is_not_uploaded(bench: Bench):
    """Half of it still has its table of contents: only reading all of it tells."""
    bench.program(
        "pg_dump",
        f'#!/bin/sh\n{command("pg_dump")[0]} "$@" || exit\ntruncate --size=-2000 archive\n',
    )
    done = bench.dump()
    assert done.returncode != 0
    assert (bench.scratch / "contents").read_text().count(" TABLE DATA ") == 3
    assert bench.uploaded == []


def test_an_archive_without_a_table_that_matters_is_not_uploaded(bench: Bench):
    done = bench.dump(tables=("user", "invoices"))
    assert done.returncode == 1
    assert "error: the archive does not hold public.invoices" in done.stderr
    assert bench.uploaded == []


def test_an_archive_that_is_smaller_than_ever_is_not_uploaded(bench: Bench):
    """BAK-05."""
    done = bench.dump(settings=chosen(minimumKib=4096))
    assert done.returncode == 1
    assert re.search(r"the archive has \d+ bytes; allowed: at least 4194304", done.stderr)
    assert bench.uploaded == []


def test_an_upload_that_fails_fails_the_job(bench: Bench):
    bench.program("aws", "#!/bin/sh\necho AccessDenied >&2\nexit 1\n")
    done = bench.dump()
    assert done.returncode != 0
    assert "AccessDenied" in done.stderr
    assert "uploaded" not in done.stdout


def test_the_dumps_login_reads_everything_and_changes_nothing(bench: Bench, cluster: Cluster):
    """BAK-01: its own read-only role."""
    assert cluster.psql('SELECT count(*) FROM "user"', sql.DUMP) == "50"
    for statement in ("DELETE FROM organization", "CREATE TABLE t (i int)", "DROP TABLE artifact"):
        with pytest.raises(Refused, match=r"permission denied|must be owner|read-only"):
            cluster.psql(f"SET default_transaction_read_only = off; {statement}", sql.DUMP)
    assert bench.uploaded == []


def test_an_archive_that_is_not_there_is_not_restored(bench: Bench):
    done = bench.run(dumps.restore_script(), "/nowhere", user=sql.OWNER)
    assert done.returncode == 1
    assert done.stderr == "error: there is no archive /nowhere\n"


def test_the_smallest_archive_that_is_allowed_is_larger_than_one_without_tables(bench: Bench):
    """What minimumKib's default tells apart."""
    bench.server.create_database("empty")
    archive = bench.folder / "empty"
    subprocess.run(
        command("pg_dump", "--format=custom", "--file", archive),
        check=True,
        env=bench.server.environment(database="empty"),
    )
    assert archive.stat().st_size < chosen().minimum_kib * 1024
    bench.server.psql("DROP DATABASE empty")
