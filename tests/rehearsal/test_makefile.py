"""What stands between a person and the commands: the Makefile, run beside interpreters that only
note what they are asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from rehearsal import paths

# Makes a virtual environment that is a copy of itself.
_PYTHON = """#!/bin/sh
printf '%s|' "$@" >> asked
case "$*" in "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;; esac
"""
# What is left of an environment whose making was interrupted.
_WITHOUT_PIP = """#!/bin/sh
case "$*" in *pip*) exit 1 ;; esac
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(paths.ROOT / "Makefile", tmp_path)
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).touch()
    _script(tmp_path / "python", _PYTHON)
    return tmp_path


def _script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def make(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # The inner loop is a make itself; this one is nothing of its.
    mine = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "STACK")}
    return subprocess.run(
        ["make", *arguments], cwd=project, env=mine, capture_output=True, text=True
    )


def test_an_environment_that_was_left_half_made_is_made_again(project: Path) -> None:
    _script(project / ".venv" / "bin" / "python", _WITHOUT_PIP)
    done = make(project, "preview", "PYTHON=./python")
    assert done.returncode == 0, "after one Ctrl-C `make` would never work again: " + done.stderr
    assert "-m|venv|.venv|" in (project / "asked").read_text()


def test_a_missing_interpreter_is_one_line_that_says_so(project: Path) -> None:
    done = make(project, "preview", "PYTHON=./nowhere")
    assert done.returncode == 2
    said = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert said == [
        "error: ./nowhere is missing; allowed: Python 3.11 or later; for example make "
        "PYTHON=python3.12 preview"
    ]


@pytest.mark.parametrize("stack", ["staging prod", "prod\ntouch oh-no", "$(touch oh-no)", "'"])
def test_the_name_of_a_stack_arrives_as_it_was_given(project: Path, stack: str) -> None:
    done = make(project, "up", "PYTHON=./python", f"STACK={stack.replace('$', '$$')}")
    assert done.returncode == 0, done.stderr
    assert (project / "asked").read_text().endswith(f"-m|rehearsal|up|{stack}|")
    assert not (project / "oh-no").exists(), "the name of a stack was run"


def test_without_a_name_the_stack_is_staging(project: Path) -> None:
    make(project, "up", "PYTHON=./python")
    assert (project / "asked").read_text().endswith("-m|rehearsal|up|staging|")
