"""Where the rehearsal keeps what it makes: beside the project, and in the user's cache."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
POLICIES = ROOT / "policies"
BUILD = ROOT / "build"


def home() -> Path:
    """The folder of all rehearsal state of this checkout; `ARCHES_REHEARSAL_HOME` moves it."""
    return Path(os.environ.get("ARCHES_REHEARSAL_HOME") or ROOT / ".rehearsal")


def cache() -> Path:
    """What may be shared by all checkouts and is expensive to make; `ARCHES_CACHE` moves it."""
    given = os.environ.get("ARCHES_CACHE")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "arches-rehearsal"


def stack_file(stack: str) -> Path:
    """`Pulumi.<stack>.yaml` of the project."""
    return ROOT / f"Pulumi.{stack}.yaml"


def stacks() -> list[str]:
    """The stacks that the project has a file for."""
    found = (path.name for path in ROOT.glob("Pulumi.*.yaml"))
    return sorted(name.removeprefix("Pulumi.").removesuffix(".yaml") for name in found)
