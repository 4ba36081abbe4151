"""One run at a time: the second is told who is at work, and a killed run leaves only a note."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rehearsal import locks, paths

_HOLD = """
import sys
from pathlib import Path
from rehearsal import locks
with locks.held(Path(sys.argv[1]), "make up STACK=prod"):
    print("held", flush=True)
    sys.stdin.readline()
print("let go", flush=True)
"""


@contextmanager
def _other_run(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until it reads a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)],
        cwd=paths.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert _heard(process) == "held", "the other run never began"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_lock_is_had_and_given_back(tmp_path: Path) -> None:
    path = tmp_path / "stack" / "lock"
    for _ in range(2):
        with locks.held(path, "make preview") as note:
            assert note is None
            written = json.loads(path.read_text())
            assert (written["pid"], written["host"]) == (os.getpid(), socket.gethostname())
            assert written["command"] == "make preview"
        assert path.read_text() == "", "the next run would think that this one was killed"


def test_the_second_run_is_refused_and_told_who_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        _other_run(path) as process,
        pytest.raises(locks.Busy) as busy,
        locks.held(path, "make preview"),
    ):
        pytest.fail("two runs were at work on one account")
    assert re.fullmatch(
        rf"another run is at work on this stack: `make up STACK=prod`, process {process.pid} on "
        rf"{re.escape(socket.gethostname())}, since \S+; wait for it or end it",
        str(busy.value),
    )


def test_the_refused_run_does_not_touch_the_holders_note(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with _other_run(path):
        before = path.read_text()
        with pytest.raises(locks.Busy), locks.held(path, "make preview"):
            pass
        assert path.read_text() == before


def test_a_lock_that_was_let_go_leaves_no_note(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with _other_run(path) as process:
        assert process.stdin is not None
        process.stdin.write("enough\n")
        process.stdin.flush()
        assert _heard(process) == "let go"
        with locks.held(path, "make preview") as note:
            assert note is None


def test_the_lock_of_a_killed_run_is_taken_over_and_said(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with _other_run(path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        with locks.held(path, "make preview") as note:
            assert note is not None
            assert re.fullmatch(
                rf"the run `make up STACK=prod` \(process {process.pid}, since \S+\) ended without "
                "letting go of its lock; its lock is taken over",
                note,
            )
    with locks.held(path, "make preview") as note:
        assert note is None, "it is said once"


def test_a_run_that_fails_gives_its_lock_back(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(ZeroDivisionError), locks.held(path, "make up"):
        raise ZeroDivisionError
    with locks.held(path, "make up") as note:
        assert note is None


@pytest.mark.parametrize("text", ['{"pid": 1, "comm', "17", '{"pid": 1}', "\x00\x01"])
def test_half_a_note_is_no_note(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lock"
    path.write_text(text)
    with locks.held(path, "make up") as note:
        assert note is None


def test_the_second_run_is_refused_even_before_the_first_has_written_its_note(
    tmp_path: Path,
) -> None:
    path = tmp_path / "lock"
    with _other_run(path):
        path.write_text("")
        with pytest.raises(locks.Busy) as busy, locks.held(path, "make preview"):
            pass
    assert str(busy.value) == "another run is at work on this stack (lock lock); wait for it"
