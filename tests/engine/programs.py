"""Programs for one question each: a few lines of their own, or the project with one edit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import yaml

from rehearsal import paths

# A command takes seconds; this is where a test gives up on a machine that is busy.
PATIENCE_SECONDS = 300
STACK = "dev"
ACCOUNT = "111122223333"
# What a program of a few lines begins with; `on` hands its provider to a resource.
_HEAD = """
import pulumi
import pulumi_aws as aws

provider = aws.Provider("aws", region="eu-central-1", allowed_account_ids=["111122223333"])
on = pulumi.ResourceOptions(provider=provider)
"""
_PROJECT = ("__main__.py", "Pulumi.yaml", "Pulumi.prod.yaml", "Pulumi.staging.yaml")
_FOLDERS = (
    "certificates",
    "components",
    "docs",
    "policies",
    "rehearsal",
    "reports",
    "settings",
    "tests",
)


def tiny(folder: Path, body: str) -> Path:
    """A project of one file in `folder`, with the stack `dev`; written over what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    project = {"name": "tiny", "runtime": {"name": "python", "options": {"virtualenv": ".venv"}}}
    config = {"config": {"arches:identity": {"accountId": ACCOUNT}}}
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project))
    (folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump(config))
    (folder / "__main__.py").write_text(_HEAD + dedent(body))
    _lend_environment(folder)
    if not (folder / "policies").exists():
        shutil.copytree(paths.POLICIES, folder / "policies", ignore=_caches)
    return folder


def edited(folder: Path, *edits: tuple[str, str, str]) -> Path:
    """A copy of the project with edits (file, old text, new text); each old text stands once."""
    folder.mkdir(parents=True)
    for name in _PROJECT:
        shutil.copy(paths.ROOT / name, folder / name)
    for name in _FOLDERS:
        shutil.copytree(paths.ROOT / name, folder / name, ignore=_caches)
    _lend_environment(folder)
    edit(folder, *edits)
    return folder


def edit(folder: Path, *edits: tuple[str, str, str]) -> None:
    """Edit files of a project: (file, old text, new text); each old text stands once."""
    for name, old, new in edits:
        file = folder / name
        text = file.read_text()
        assert text.count(old) == 1, f"{name} has {old!r} {text.count(old)} times: mend this test"
        file.write_text(text.replace(old, new))


def called(
    project: Path, module: str, *arguments: str, home: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """`python -m <module> ...` as a person calls it in a project."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=project,
        env={**os.environ, **({"ARCHES_REHEARSAL_HOME": str(home)} if home else {})},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


def _lend_environment(folder: Path) -> None:
    if not (folder / ".venv").exists():
        (folder / ".venv").symlink_to(paths.ROOT / ".venv", target_is_directory=True)


_caches = shutil.ignore_patterns("__pycache__")
