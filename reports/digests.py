"""Digests of what a report was made from, so that anybody can tell whether it still holds.

A digest of a folder is over the sorted list of its files, each with its own SHA-256: the same files
give the same digest on every machine.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rules import pack

PROGRAM = (
    "__main__.py",
    "Pulumi.yaml",
    "components",
    "settings",
    "certificates",
    "requirements.txt",
)
# What writes the report, and the table of differences that it prints.
WRITER = ("reports", "docs/guide.md")


def of_bytes(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def of_data(value: Any) -> str:
    """Of a JSON value, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return of_bytes(text.encode())


def of_file(path: Path) -> str:
    return of_bytes(path.read_bytes())


def of_files(root: Path, names: Iterable[str]) -> str:
    """Of the files under these names of a checkout; what git ignores is left out."""
    lines = [f"{path} {of_file(root / path)}" for path in _listed(root, names)]
    return of_bytes("\n".join(lines).encode())


def _listed(root: Path, names: Iterable[str]) -> list[str]:
    """Paths of files, sorted: what git knows or would add, and all files outside of a checkout."""
    asked = [name for name in names if (root / name).exists()]
    if not asked:
        return []
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--"]
    try:
        done = subprocess.run([*command, *asked], cwd=root, capture_output=True, check=True)
        found = [name for name in done.stdout.decode().split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        found = [
            str(path.relative_to(root))
            for name in asked
            for path in ((root / name).rglob("*") if (root / name).is_dir() else [root / name])
            if path.is_file() and "__pycache__" not in path.parts
        ]
    return sorted({name for name in found if (root / name).is_file()})


def of_checkout(root: Path, stack: str) -> dict[str, str]:
    """Of program, pack, report writer and an environment's configuration, as a checkout has them.

    Raises OSError where it has no such environment.
    """
    return {
        "program": of_files(root, PROGRAM),
        "pack": pack.digest(root / "policies"),
        "writer": of_files(root, WRITER),
        "configuration": of_file(root / f"Pulumi.{stack}.yaml"),
    }


def of_state(state: Any) -> str:
    """Of a stack's exported state; ciphertexts are left out, since each export writes them anew."""
    return of_data(_without_ciphertext(state))


def _without_ciphertext(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_ciphertext(v) for k, v in value.items() if k != "ciphertext"}
    return [_without_ciphertext(v) for v in value] if isinstance(value, list) else value
