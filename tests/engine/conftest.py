"""One deployed staging for all engine tests of a run; each test that needs one gets a copy."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from rehearsal import engine as engines
from rehearsal import paths, session
from rehearsal.session import Session

# A command takes seconds; this is where a test gives up on a machine that is busy.
PATIENCE_SECONDS = 300


class Open(Protocol):
    """Opens a session over a folder; the arguments are those of `session.opened`."""

    def __call__(
        self, folder: Path, stack: str = "staging", **options: Any
    ) -> AbstractContextManager[Session]: ...


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def engine() -> engines.Engine:
    return engines.find(print)


@pytest.fixture(scope="session")
def open_stack(engine: engines.Engine) -> Open:
    def opened(folder: Path, stack: str = "staging", **options: Any) -> Any:
        return session.opened(
            stack, engine=engine, command=f"test {stack}", folder=folder, **options
        )

    return opened


@pytest.fixture(scope="session")
def deployed(open_stack: Open, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Staging brought up from an empty account: made once, by the worker that asks first.

    Nobody works in this folder itself: see `staging`.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "deployed"
    with (shared / "deployed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "first-up.events.jsonl").exists():
            shutil.rmtree(folder, ignore_errors=True)
            with open_stack(folder) as opened:
                opened.run("up", "--yes", "--skip-preview")
            shutil.copy(folder / "up.events.jsonl", folder / "first-up.events.jsonl")
    return folder


@pytest.fixture
def staging(deployed: Path, tmp_path: Path) -> Path:
    """A deployed staging of the test's own: state, account and derived config."""
    return Path(shutil.copytree(deployed, tmp_path / "staging"))


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """`python -m rehearsal ...` as a person calls it, with its home in the test's folder."""

    def called(
        *arguments: str, project: Path = paths.ROOT, home: Path = tmp_path
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "rehearsal", *arguments],
            cwd=project,
            env={**os.environ, "ARCHES_REHEARSAL_HOME": str(home)},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )

    return called
