"""The four releases of docs/runbooks/migrations.md, with its own files, goose and PostgreSQL.

MIG-03: at each moment the revision that serves and the one that comes can both work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.kubernetes.data import sql
from tests.daemons.datapath import Cluster, as_rds, handed_over
from tests.daemons.postgres import Refused
from tests.daemons.test_bootstrap import goose, migrate

__all__ = ["goose"]

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbooks" / "migrations.md"
FIRST = """\
-- +goose Up
CREATE TABLE "user" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL);
"""
# What each release's program does: it writes a row and reads what it wrote.
PROGRAMS = (
    "INSERT INTO \"user\" (name) VALUES ('Ada') RETURNING name",
    "INSERT INTO \"user\" (name, display_name) VALUES ('Ada', 'Ada') RETURNING name",
    "INSERT INTO \"user\" (name, display_name) VALUES ('Ada', 'Ada') RETURNING display_name",
    "INSERT INTO \"user\" (display_name) VALUES ('Ada') RETURNING display_name",
    "INSERT INTO \"user\" (display_name) VALUES ('Ada') RETURNING display_name",
)


def files(release: int) -> list[str]:
    """The runbook's files of a release, in their order."""
    text = RUNBOOK.read_text(encoding="utf-8")
    chapter = re.split(r"^## ", text, flags=re.MULTILINE)
    [own] = [each for each in chapter if each.startswith(f"{release}. ")]
    return re.findall(r"^```sql\n(.*?)^```", own, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("migrations")


@pytest.fixture(scope="module")
def cluster(goose: Path, folder: Path) -> Iterator[Cluster]:
    """Release 0 serves, and has rows for more than one batch."""
    with handed_over() as handed:
        handed.bootstrap("database-roles")
        as_rds(handed)
        handed.bootstrap("database-migrations")
        (folder / "00001_first.sql").write_text(FIRST)
        assert migrate(handed, goose, folder).returncode == 0
        handed.psql(
            "INSERT INTO \"user\" (name) SELECT 'Old ' || n FROM generate_series(1, 2500) AS n",
            sql.APP,
        )
        yield handed


def deploy(cluster: Cluster, goose: Path, folder: Path, release: int) -> None:
    """The Job of a release: its files beside all of those before."""
    for each in files(release):
        number = len(list(folder.iterdir())) + 1
        (folder / f"{number:05}_release_{release}.sql").write_text(each)
    done = migrate(cluster, goose, folder)
    assert done.returncode == 0, done.stdout + done.stderr


def works(cluster: Cluster, release: int) -> bool:
    try:
        return cluster.psql(PROGRAMS[release], sql.APP) == "Ada"
    except Refused:
        return False


def test_at_each_step_the_revision_that_serves_and_the_one_that_comes_both_work(
    cluster: Cluster, goose: Path, folder: Path
):
    for release in (1, 2, 3, 4):
        deploy(cluster, goose, folder, release)
        assert works(cluster, release - 1), f"release {release} breaks the pods that still serve"
        assert works(cluster, release)
        if release == 2:
            unlike = 'SELECT count(*) FROM "user" WHERE display_name IS DISTINCT FROM name'
            assert cluster.psql(unlike, sql.APP) == "0", "rows of before were not filled"
            assert not works(cluster, 0), "the reason to wait until release 0 has gone"
    assert not works(cluster, 2), "the reason to wait with the last step"


@pytest.mark.parametrize("release", [1, 2])
def test_a_file_without_a_transaction_may_run_again(
    cluster: Cluster, goose: Path, tmp_path: Path, release: int
):
    """As after a Job that was cut off between the file's work and goose's note of it."""
    [again] = [each for each in files(release) if "NO TRANSACTION" in each]
    cluster.psql(
        'DROP TABLE IF EXISTS "user"; DELETE FROM goose_db_version WHERE version_id > 0;', sql.OWNER
    )
    (tmp_path / "00001_first.sql").write_text(FIRST)
    (tmp_path / "00002_expand.sql").write_text(files(1)[0])
    (tmp_path / "00003_once.sql").write_text(again)
    (tmp_path / "00004_again.sql").write_text(again)
    done = migrate(cluster, goose, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
