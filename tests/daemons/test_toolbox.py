"""The programs of the daemons' tests are the ones that production's documents are written for."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.daemons import toolbox
from tests.daemons.toolbox import PROGRAMS, Program, ToolboxError, command, version


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_program_runs_and_is_as_new_as_production(name: str):
    assert PROGRAMS[name].suits(version(name)), f"{name} {version(name)} proves little"


def test_a_version_counts_from_the_least_to_the_first_that_is_too_new():
    redis = Program(path="usr/bin/redis-server", suite="bookworm", least=(7,), below=(8,))
    assert redis.suits((7, 0, 15))
    assert not redis.suits((6, 2))
    assert not redis.suits((8, 0)), "Redis 8 has other defaults than the guide's Redis 7"
    assert not redis.suits(None)


def test_an_unknown_program_is_refused_with_the_known_ones():
    with pytest.raises(ToolboxError, match=r"no program cowsay; allowed are amtool, chromium, "):
        command("cowsay")


def test_a_program_of_an_own_tree_needs_nothing_of_the_machine():
    launcher = toolbox._tree("trixie") / PROGRAMS["openssl"].path
    said = subprocess.run([launcher, "version"], capture_output=True, text=True, env={}, check=True)
    assert said.stdout.startswith("OpenSSL 3.")
    assert str(toolbox.paths.cache()) in launcher.read_text()


def test_what_was_installed_is_written_down_with_its_digest():
    toolbox._tree("trixie")
    assert toolbox.packages()["postgresql-17"]["version"].startswith("17.")
    assert len(toolbox.packages()["pgbouncer"]["sha256"]) == 64


def test_without_apt_the_error_names_the_remedies_in_one_line(tmp_path: Path):
    made = subprocess.run(
        [sys.executable, "-m", "tests.daemons.toolbox"],
        capture_output=True,
        text=True,
        env={"PATH": str(tmp_path), "ARCHES_CACHE": str(tmp_path)},
        cwd=toolbox.paths.ROOT,
    )
    assert made.returncode == 1
    assert made.stderr == (
        "error: the programs for the daemons' tests cannot be installed: this machine has no "
        "apt-get. Do one of three: run the tests on Debian with a mirror in apt's sources; put "
        "them on PATH yourself (PostgreSQL 17 with pgvector and pgaudit, amtool 0.27, "
        "haproxy 2.8, nginx 1.26, openssl 3, pgbouncer 1.21, promtool 2.53, stunnel 5.60); leave "
        "them out with -m 'not daemons'\n"
    )
    assert not [each for each in (tmp_path / "daemons").iterdir() if each.is_dir()], (
        "a half-made folder would be taken for a whole one"
    )


def test_two_first_runs_at_once_install_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ARCHES_CACHE", str(tmp_path))
    installed: list[Path] = []

    def install(_suite: str, tree: Path) -> None:
        installed.append(tree)
        time.sleep(0.2)
        tree.mkdir()

    monkeypatch.setattr(toolbox, "_install", install)
    with ThreadPoolExecutor(2) as pool:
        trees = list(pool.map(toolbox._tree, ["trixie", "trixie"]))
    assert len(installed) == 1
    assert trees == [installed[0]] * 2


def test_the_environment_holds_nothing_that_steers_a_client(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PGHOST", "production.example.com")
    monkeypatch.setenv("AWS_PROFILE", "production")
    assert not {"PGHOST", "AWS_PROFILE"} & set(toolbox.environment()), (
        "a test could reach production"
    )


def test_a_daemon_ends_with_its_block_and_tells_why_it_did_not_start(tmp_path: Path):
    port = toolbox.free_port()
    argv = command("redis-server", "--port", str(port), "--save", "", "--dir", str(tmp_path))
    log = tmp_path / "log"
    with toolbox.running(argv, ready=lambda: toolbox.listens(port), log=log) as daemon:
        assert os.path.exists(f"/proc/{daemon.pid}")
    assert daemon.returncode is not None
    assert not toolbox.listens(port)
    wrong = command("redis-server", "--port", "not-a-port")
    began = time.monotonic()
    with (
        pytest.raises(AssertionError, match="not-a-port"),
        toolbox.running(wrong, ready=lambda: False, log=log),
    ):
        pass
    assert time.monotonic() - began < toolbox.PATIENCE_SECONDS / 2, "who ended is waited for"


def test_what_an_npm_registry_brings_is_the_script_that_we_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ARCHES_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(toolbox, "_AXE_SHA512", "another")
    with pytest.raises(ToolboxError, match="is another than the one we know"):
        toolbox.axe()
    monkeypatch.setattr(toolbox.shutil, "which", lambda _name: None)
    with pytest.raises(ToolboxError, match=r"has no npm.*install Node\.js"):
        toolbox.axe()
