"""One run at a time for each stack: the second is refused and told who is at work.

What is made once for all runs is different: whoever comes second waits and uses it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path


class Busy(Exception):
    """Another run holds the lock; the message names it."""


@contextlib.contextmanager
def awaited(path: Path) -> Iterator[None]:
    """Hold the lock at `path`, after whoever has it: two first runs at once make one thing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def held(path: Path, command: str) -> Iterator[str | None]:
    """Hold the lock at `path`; gives a note about a stale lock that was found, or None.

    The kernel gives the lock up with the process that held it, so what a killed run leaves behind
    is only its note, which says who it was. Raises Busy.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(_who(path)) from None
        stale = _note(path)
        file.seek(0)
        file.truncate()
        json.dump(
            {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "command": command,
                "since": datetime.now(UTC).isoformat(timespec="seconds"),
            },
            file,
        )
        file.flush()
        try:
            yield (
                f"the run `{stale['command']}` (process {stale['pid']}, since {stale['since']}) "
                "ended without letting go of its lock; its lock is taken over"
                if stale
                else None
            )
        finally:
            file.seek(0)
            file.truncate()


def _note(path: Path) -> dict[str, str] | None:
    try:
        note = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    whole = isinstance(note, dict) and {"pid", "host", "command", "since"} <= set(note)
    return note if whole else None


def _who(path: Path) -> str:
    note = _note(path)
    if note is None:
        return f"another run is at work on this stack (lock {path.name}); wait for it"
    return (
        f"another run is at work on this stack: `{note['command']}`, process {note['pid']} on "
        f"{note['host']}, since {note['since']}; wait for it or end it"
    )
