"""One deployed staging for all engine tests of a run; each test that needs one gets a copy."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from rehearsal import engine as engines
from rehearsal import paths, session
from rehearsal.session import Session
from tests.engine import programs

# The longest first, those that need no deployed staging before those that do: two workers then end
# together, and neither waits for the other's.
_FIRST = (
    "test_production_cannot_be_destroyed_in_one_step_and_can_in_two",
    "test_twelve_edits_change_in_place_and_replace_nothing",
    "test_an_up_that_is_killed_three_times_recovers_without_a_duplicate",
    "test_no_secret_is_printed_logged_or_kept_in_clear",
    "test_ctrl_c_saves_the_state_and_one_recover_and_one_up_finish_the_work",
    "test_destroy_of_staging_leaves_nothing",
    "test_a_second_up_changes_nothing_and_refresh_finds_nothing",
    "test_what_was_changed_or_deleted_by_hand_is_found_by_refresh_and_mended",
    "test_a_preview_of_production_says_what_where_how_long_and_what_was_real",
    "test_an_open_store_fails_the_preview_with_rule_resource_and_fix",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        return _FIRST.index(item.name) if item.name in _FIRST else len(_FIRST)

    ranked = sorted((item for item in items if item.get_closest_marker("engine")), key=rank)
    items[:] = [item for item in items if not item.get_closest_marker("engine")] + ranked


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
        return programs.called(project, "rehearsal", *arguments, home=home)

    return called
