"""A session before its engine runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.account import Account
from rehearsal.engine import Engine
from rehearsal.session import EngineFailed, Session


def session(folder: Path) -> Session:
    """A session whose engine would be missed at once."""
    return Session(
        stack="prod",
        engine=Engine(path=folder / "no engine", version="", origin=""),
        folder=folder,
        account=Account(":memory:"),
        standins=[],
        config=folder / "Pulumi.prod.yaml",
        environment={},
        program=folder,
    )


@pytest.mark.parametrize("verb", ["up", "refresh", "destroy"])
def test_after_a_run_that_was_cut_off_the_next_one_is_sent_to_recover(
    verb: str, tmp_path: Path
) -> None:
    locks = tmp_path / "state" / ".pulumi" / "locks" / "organization" / "arches" / "prod"
    locks.mkdir(parents=True)
    with pytest.raises(FileNotFoundError):  # an empty folder of locks is no lock
        session(tmp_path).run(verb)
    (locks / "0f3a.json").touch()
    with pytest.raises(EngineFailed) as refused:
        session(tmp_path).run(verb)
    assert str(refused.value) == (
        "an earlier run was cut off: run `make recover STACK=prod` before the next run"
    ), "the engine would name its lock's address, with which nobody can do anything"


def test_a_plan_asks_for_no_lock(tmp_path: Path) -> None:
    locks = tmp_path / "state" / ".pulumi" / "locks"
    locks.mkdir(parents=True)
    (locks / "0f3a.json").touch()
    with pytest.raises(FileNotFoundError):
        session(tmp_path).run("preview")
