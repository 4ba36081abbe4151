"""A bad day at AWS: one clear line, and the next up finishes."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.faults import Faults
from rehearsal.session import EngineFailed
from tests.engine import programs
from tests.engine.conftest import Command, Open
from tests.engine.seen import disagreements, lines

pytestmark = pytest.mark.engine

TOPIC = "aws:sns/topic:Topic"
THREE_TOPICS = 'for name in ("red", "green", "blue"): aws.sns.Topic(name, opts=on)'


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("fail:2", "InternalFailure"), (f"timeout:{TOPIC}", "timeout while waiting for state")],
)
def test_a_create_that_fails_is_one_line_and_the_next_up_finishes(
    open_stack: Open, tmp_path: Path, fault: str, reason: str
) -> None:
    program = programs.tiny(tmp_path / "program", THREE_TOPICS)
    folder = tmp_path / "dev"
    faults = Faults.parse([fault])
    with open_stack(folder, programs.STACK, program=program, faults=faults) as opened:
        with pytest.raises(EngineFailed) as failed:
            opened.run("up", "--yes", "--skip-preview", policies=False)
        said = lines(str(failed.value))
        # The engine begins no create after it has heard of a failure; one that timed out was made.
        hurt = 1 if fault.startswith("fail") else len(opened.account.all(TOPIC))
        assert hurt > 0
        assert len(said) == hurt, f"one line for each create that failed: {said}"
        assert all(reason in line for line in said), said
        assert disagreements(opened) == [], "what was made must be known, also when it is not ready"
    with open_stack(folder, programs.STACK, program=program) as opened:
        opened.run("up", "--yes", "--skip-preview", policies=False)
        assert len(opened.account.all(TOPIC)) == 3, "three topics, none of them twice"
        assert disagreements(opened) == []


def test_throttling_is_ridden_out_and_said(open_stack: Open, tmp_path: Path) -> None:
    program = programs.tiny(tmp_path / "program", THREE_TOPICS)
    faults = Faults.parse([f"throttle:{TOPIC}"])
    with open_stack(tmp_path / "dev", programs.STACK, program=program, faults=faults) as opened:
        opened.run("up", "--yes", "--skip-preview", policies=False)
        said = [w for s in opened.standins for w in getattr(s, "warnings", [])]
        assert len(said) == 2, said
        assert all("throttled and tried again" in line for line in said)
        assert len(opened.account.all(TOPIC)) == 3


def test_a_half_made_environment_can_be_previewed_and_taken_down(command: Command) -> None:
    # Between the cluster's controllers and its nodes: both have to be planned from what AWS tells.
    failed = command("up", "staging", "--fault", "fail:60")
    assert failed.returncode == 1, "the fault struck nothing"
    previewed = command("preview", "staging")
    assert previewed.returncode == 0, previewed.stderr
    assert previewed.stderr == ""
    destroyed = command("destroy", "staging")
    assert destroyed.returncode == 0, destroyed.stderr
    assert "created" not in destroyed.stdout, "what was missing was made to be destroyed"
    assert "; 0 left" in destroyed.stdout
