"""The command line itself: what it takes, and how it ends when somebody ends it."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

import pytest

from rehearsal import __main__ as line
from rehearsal import commands, locks, paths, session
from rehearsal.account import Account


def test_every_command_that_can_be_named_does_something() -> None:
    assert set(line.COMMANDS) == set(commands.COMMANDS)


def test_an_unknown_command_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        line.main(["explode"])
    assert ended.value.code == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1, said
    assert said[0].startswith("error: ")
    assert "preview" in said[0], "the line must name the commands that there are"


def _ended_while_importing(command: str, how: signal.Signals, tmp_path: Path) -> tuple[int, str]:
    """Exit code and standard error of a run that is ended before its imports are done."""
    # The first thing that the commands import waits until it is ended.
    (tmp_path / "yaml.py").write_text(
        "from pathlib import Path\nimport time\n"
        f"Path({str(tmp_path / 'importing')!r}).touch()\ntime.sleep(60)\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-m", "rehearsal", command, "prod"],
        cwd=paths.ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "ARCHES_REHEARSAL_HOME": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job is born deaf to Ctrl-C, and one of `nohup` to a lost terminal.
        preexec_fn=lambda: signal.signal(how, signal.SIG_DFL),
    )
    try:
        deadline = time.monotonic() + 90
        while not (tmp_path / "importing").exists():
            assert time.monotonic() < deadline, "it never began to import"
            time.sleep(0.02)
        running.send_signal(how)
        _, err = running.communicate(timeout=90)
    finally:
        running.kill()
    return running.returncode, err


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_ended_in_its_first_second_says_so_in_one_line(
    how: signal.Signals, tmp_path: Path
) -> None:
    code, said = _ended_while_importing("up", how, tmp_path)
    assert (code, said) == (130, "error: interrupted; nothing was kept\n"), (
        "nothing was begun, so there is nothing to recover; and a traceback helps nobody"
    )


@pytest.mark.parametrize("command", line.COMMANDS)
def test_only_what_leaves_something_behind_is_told_to_recover(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "run", interrupted)
    assert line.main([command, "prod"]) == 130
    advice = "the state is saved: run `make recover STACK=prod` before the next run"
    keeps = command in ("up", "rehearse", "destroy", "recover")
    assert capsys.readouterr().err == (
        f"error: interrupted; {advice if keeps else 'nothing was kept'}\n"
    )


# -- a folder for one command --------------------------------------------------------------------
@pytest.mark.parametrize("command", ["export", "report"])
def test_a_second_export_or_report_leaves_the_folder_of_the_first_alone(
    command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ARCHES_REHEARSAL_HOME", str(tmp_path))
    given = argparse.Namespace(command=command, stack="prod")
    with commands._afresh(given) as work:
        work.mkdir()
        (work / "account.db").touch()
        with pytest.raises(locks.Busy, match=f"`{command} prod`"), commands._afresh(given):
            pass
        assert (work / "account.db").exists(), "the first one's account was deleted under it"
    assert not work.exists()


@pytest.mark.parametrize(("ended", "stays"), [(ValueError, True), (KeyboardInterrupt, False)])
def test_such_a_folder_stays_only_where_its_logs_say_what_failed(
    ended: type[BaseException], stays: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ARCHES_REHEARSAL_HOME", str(tmp_path))
    left = tmp_path / "export" / "prod"
    (left / "cluster").mkdir(parents=True)

    def work() -> None:
        with commands._afresh(argparse.Namespace(command="export", stack="prod")) as folder:
            assert not folder.exists(), "what an earlier run made would be in the export"
            folder.mkdir()
            raise ended

    with pytest.raises(ended):
        work()
    assert left.exists() is stays


# -- bad input -----------------------------------------------------------------------------------
def _refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line with which a command line is refused as bad input."""
    assert line.main(list(arguments)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (only,) = said.err.splitlines()
    return only


@pytest.mark.parametrize("stack", ["../prod", "a/b", "prod\nrm", "", "p" * 5_000, "prod ", "é"])
def test_what_can_be_no_stack_is_one_line_with_the_stacks_that_there_are(
    stack: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = _refusal(capsys, "preview", stack)
    assert len(said) < 200, "a long name must not fill the terminal"
    assert said.startswith(f"error: stack: got '{stack[:2]}".replace("\n", "\\n"))
    assert "; allowed: prod, staging; " in said


@pytest.mark.parametrize("stack", ["..", "nosuch"])
def test_a_stack_without_a_file_is_one_line(stack: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "allowed: prod, staging" in _refusal(capsys, "up", stack)


@pytest.mark.parametrize("command", sorted(set(line.COMMANDS) - set(commands.MAKING)))
def test_what_makes_nothing_takes_no_fault(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _refusal(capsys, command, "prod", "--fault", "fail:1") == (
        f"error: --fault: {command} makes nothing that a fault could strike; allowed: with export, "
        "rehearse, report, up"
    )


@pytest.mark.parametrize(("code", "told"), [(0, 1), (1, 0)])
def test_a_fault_that_never_struck_is_a_failure_of_a_run_that_came_to_its_end(
    code: int, told: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(commands.COMMANDS, "up", lambda _: code)
    assert line.main(["up", "prod", "--fault", "fail:999999"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said == ["error: fault fail:999999: never struck in 0 creates"][:told]


# -- taking down ---------------------------------------------------------------------------------
class Session:
    """A session's face; nothing is destroyed by it, as of things that no state knows."""

    def __init__(self, *resources: dict[str, Any]) -> None:
        self.resources = [{"urn": f"{URN}::{n}", **r} for n, r in enumerate(resources)]
        self.account = Account(":memory:")
        self.ran: list[str] = []

    def state(self) -> dict[str, Any]:
        return {"deployment": {"resources": self.resources}}

    def settle(self, **changes: Any) -> None:
        self.ran.append(f"settle {changes}")

    def run(self, verb: str, *_: str, policies: bool = True) -> session.Run:
        self.ran.append(f"{verb}, {'with' if policies else 'without'} policies")
        return session.Run(code=0, events=[], stdout="", stderr="")


URN = "urn:pulumi:prod::arches::aws:ec2/vpc:Vpc"


def taken_down(made: Session) -> list[str]:
    return commands._taken_down(cast(session.Session, made))


def test_only_what_is_protected_is_retired_first(capsys: pytest.CaptureFixture[str]) -> None:
    open_ = Session({"protect": False}, {})
    assert taken_down(open_) == []
    assert open_.ran == ["destroy, with policies"], "an `up` would make what is missing"
    assert "; 0 left" in capsys.readouterr().out
    protected = Session({}, {"protect": True})
    taken_down(protected)
    assert protected.ran == [
        "settle {'servesCustomers': False, 'protect': False}",
        "up, without policies",
        "destroy, with policies",
    ]


def test_what_a_destroy_leaves_is_said_and_is_a_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = Session()
    made.account.make(
        "aws:ec2/vpc:Vpc", "vpc-1", urn=f"{URN}::network", region="eu-central-1", inputs={},
        outputs={},
    )  # fmt: skip
    assert taken_down(made) == ["destroy leaves aws:ec2/vpc:Vpc vpc-1"]
    assert "; 1 left" in capsys.readouterr().out
