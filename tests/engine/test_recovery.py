"""A run that ends in the middle: killed, interrupted, or cut off from a reply."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rehearsal import paths, recovery
from rehearsal.faults import Faults
from rehearsal.session import EngineFailed
from tests.engine import programs
from tests.engine.conftest import Command, Open
from tests.engine.seen import changes, disagreements, lines

pytestmark = pytest.mark.engine

# Staging makes some 300 resources: three kills that many creates apart all strike.
A_THIRD_OF_THE_CREATES = 90


def test_an_up_that_is_killed_three_times_recovers_without_a_duplicate(
    open_stack: Open, command: Command, tmp_path: Path
) -> None:
    seed = int(os.environ.get("ARCHES_TEST_SEED") or random.randrange(1_000_000))
    print(f"ARCHES_TEST_SEED={seed}")
    chance = random.Random(seed)
    staging = tmp_path / "staging"
    for _ in range(3):
        struck = chance.randint(1, A_THIRD_OF_THE_CREATES)
        with open_stack(staging, faults=Faults.parse([f"kill:{struck}"])) as opened:
            with pytest.raises(EngineFailed) as killed:
                opened.run("up", "--yes", "--skip-preview")
            assert lines(str(killed.value)) == [
                "the engine was killed in the middle of `up`: run `make recover STACK=staging` "
                "before the next run"
            ]
            assert opened.state()["deployment"].get("pending_operations"), "the kill struck nothing"
        recovered = command("recover", "staging")
        assert recovered.returncode == 0, recovered.stderr
        assert "recovered: state and account agree" in recovered.stdout
        assert "was in no state" not in recovered.stdout, recovered.stdout
        with open_stack(staging) as opened:
            assert disagreements(opened) == [], f"after the kill in create {struck}, seed {seed}"
    with open_stack(staging) as opened:
        opened.run("up", "--yes", "--skip-preview")
        assert disagreements(opened) == [], f"after one further up, seed {seed}"
        assert not opened.state()["deployment"].get("pending_operations")
        assert len(opened.account.all()) > 250, "the last up did not finish the environment"


def test_ctrl_c_saves_the_state_and_one_recover_and_one_up_finish_the_work(
    open_stack: Open, command: Command, tmp_path: Path
) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "rehearsal", "up", "staging"],
        cwd=paths.ROOT,
        env={**os.environ, "ARCHES_REHEARSAL_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job is born deaf to Ctrl-C, and so would its children be.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        _wait_for_resources(tmp_path / "staging" / "account.db", 60, running)
        second = command("up", "staging")
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=programs.PATIENCE_SECONDS)
    finally:
        running.kill()
    assert second.returncode == 1, "a second run at the same time must be refused"
    assert len(lines(second.stderr)) == 1, second.stderr
    assert f"`up staging`, process {running.pid}" in second.stderr, "the holder must be named"

    assert running.returncode == 130, out + err
    assert lines(err) == [
        "error: interrupted; the state is saved: run `make recover STACK=staging` before the next "
        "run"
    ]
    recovered = command("recover", "staging")
    assert recovered.returncode == 0, recovered.stderr
    with open_stack(tmp_path / "staging") as opened:
        assert disagreements(opened) == [], "Ctrl-C lost something that was made"
        kept = len(opened.account.all())
        finished = opened.run("up", "--yes", "--skip-preview")
        assert set(changes(finished.events).values()) == {"create"}
        assert len(opened.account.all()) > kept
        assert disagreements(opened) == []


def _wait_for_resources(database: Path, wanted: int, running: subprocess.Popen[str]) -> None:
    """Until the account holds `wanted` resources."""
    deadline = time.monotonic() + programs.PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert running.poll() is None, running.stderr and running.stderr.read()
        if database.exists():
            reader = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
            try:
                if reader.execute("select count(*) from resource").fetchone()[0] >= wanted:
                    return
            except sqlite3.OperationalError:
                pass  # its tables are being made
            finally:
                reader.close()
        time.sleep(0.1)
    raise AssertionError(f"no {wanted} resources after {programs.PATIENCE_SECONDS} s")


def test_a_run_after_a_killed_one_is_sent_to_recover_first(
    open_stack: Open, tmp_path: Path
) -> None:
    program = programs.tiny(tmp_path / "program", 'aws.sns.Topic("news", opts=on)')
    faults = Faults.parse(["kill:1"])
    with open_stack(tmp_path / "dev", programs.STACK, program=program, faults=faults) as opened:
        for said in ("the engine was killed in the middle of `up`", "an earlier run was cut off"):
            with pytest.raises(EngineFailed) as failed:
                opened.run("up", "--yes", "--skip-preview", policies=False)
            assert lines(str(failed.value)) == [
                f"{said}: run `make recover STACK=dev` before the next run"
            ]
        recovery.recover(opened)
        opened.run("up", "--yes", "--skip-preview", policies=False)
        assert disagreements(opened) == []


def test_after_a_lost_reply_recover_and_up_make_the_thing_once(
    open_stack: Open, tmp_path: Path
) -> None:
    program = programs.tiny(tmp_path / "program", 'aws.sns.Topic("news", opts=on)')
    faults = Faults.parse(["lose-reply:1"])
    with open_stack(tmp_path / "dev", programs.STACK, program=program, faults=faults) as opened:
        with pytest.raises(EngineFailed) as lost:
            opened.run("up", "--yes", "--skip-preview", policies=False)
        assert len(lines(str(lost.value))) == 1
        assert "news" in str(lost.value)
        orphan = opened.account.all("aws:sns/topic:Topic")[0]
        said = recovery.recover(opened)
        assert said[0].startswith(f"news: aws:sns/topic:Topic {orphan.id} was in no state"), said
        assert said[-1] == "recovered: state and account agree"
        assert disagreements(opened) == []
        opened.run("up", "--yes", "--skip-preview", policies=False)
        assert len(opened.account.all("aws:sns/topic:Topic")) == 1
        assert disagreements(opened) == []


def test_what_the_account_has_lost_is_forgotten_and_made_again(
    open_stack: Open, tmp_path: Path
) -> None:
    program = programs.tiny(tmp_path / "program", 'aws.sns.Topic("news", opts=on)')
    with open_stack(tmp_path / "dev", programs.STACK, program=program) as opened:
        opened.run("up", "--yes", "--skip-preview", policies=False)
        opened.account.undo(opened.account.all()[0])
        assert recovery.recover(opened) == [
            "news: is not in the account any more; forgotten",
            "recovered: state and account agree",
        ]
        assert disagreements(opened) == []
        opened.run("up", "--yes", "--skip-preview", policies=False)
        assert disagreements(opened) == []
