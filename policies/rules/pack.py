"""Who judges, as each event of the engine says it: the pack's name, and a version of its content.

A report takes verdicts from a log, and words, levels and waivers from a checkout. That both are of
one pack can be told only if the log says which pack it was. The engine puts the version of
PulumiPolicy.yaml in place of the pack's own (pkg/resource/plugin/analyzer_plugin.go of v3.259.0),
so that file names none.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

NAME = "arches"
VERSION = "1.0.0"
FOLDER = Path(__file__).parents[1]


def digest(folder: Path = FOLDER) -> str:
    """Of every file of a pack's folder; what Python and editors leave there is no part of it."""
    found = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    text = "\n".join(
        f"{name.as_posix()} {hashlib.sha256(found[name].read_bytes()).hexdigest()}"
        for name in sorted(found)
        if not any(part == "__pycache__" or part.startswith(".") for part in name.parts)
    )
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def version(folder: Path = FOLDER) -> str:
    """The version with 12 digits of the digest, as semver's build metadata."""
    return f"{VERSION}+{digest(folder).removeprefix('sha256:')[:12]}"


def named(folder: Path = FOLDER) -> str:
    """Name and version, as a report prints them."""
    return f"{NAME} {version(folder)}"
