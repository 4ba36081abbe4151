"""What the bench does when its machine or its project is not as it should be."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from rehearsal import bench, forced
from rehearsal.timeline import minutes


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """Every `make` that is asked for, with its environment; each of them fails."""
    found: list[tuple[list[str], dict[str, str]]] = []

    def run(command: list[str], **given: Any) -> subprocess.CompletedProcess[str]:
        found.append((command, given["env"]))
        said = "error: another run is at work\nmake: *** [Makefile:28: rehearse] Error 1\n"
        return subprocess.CompletedProcess(command, 2, stdout="", stderr=said)

    monkeypatch.setattr(bench.subprocess, "run", run)
    return found


def test_the_rehearsal_of_the_bench_leaves_the_one_of_people_alone(
    asked: list[tuple[list[str], dict[str, str]]], tmp_path: Path
) -> None:
    bench._rehearse(tmp_path)
    ((command, environment),) = asked
    assert command[-2:] == ["rehearse", "STACK=prod"]
    assert environment["ARCHES_REHEARSAL_HOME"] == str(tmp_path), (
        "it would destroy what `make up STACK=prod` left"
    )


def test_what_fails_is_a_missed_promise_in_one_line(
    asked: list[tuple[list[str], dict[str, str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench._check() == [False]
    assert len(asked) == 1
    assert capsys.readouterr().out == "MISS make check: error: another run is at work\n"


def test_the_chain_that_aws_forces_is_the_longest_of_those_that_are_known() -> None:
    name, seconds = forced.longest()
    assert name in forced.CHAINS
    assert seconds == max(forced._took(chain) for chain in forced.CHAINS.values()), minutes(seconds)
