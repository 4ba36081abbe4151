"""`python -m rehearsal <command> <stack>`: the commands that the Makefile names.

What they do is in `rehearsal.commands`, whose imports take a second: Ctrl-C is understood from the
first moment, before them.
"""

from __future__ import annotations

import argparse
import signal
import sys
from typing import NoReturn

COMMANDS = (
    "destroy", "engine", "export", "preview", "recover", "rehearse", "report", "settings", "up",
)  # fmt: skip
# What leaves an account and a state behind; the others work in a folder that they empty, or plan.
_KEEPING = ("destroy", "recover", "rehearse", "up")
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code is 0, 1 (refused or failed), 2 (bad input) or 130 (Ctrl-C)."""
    parser = _Parser(prog="rehearsal", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("stack", nargs="?", default="staging")
    parser.add_argument("--fault", action="append", default=[], help="a fault on demand")
    given = parser.parse_args(arguments)
    kept = False
    try:
        from rehearsal import commands

        kept = given.command in _KEEPING
        return commands.run(given)
    except KeyboardInterrupt:
        said = (
            f"the state is saved: run `make recover STACK={given.stack}` before the next run"
            if kept
            else "nothing was kept"
        )
        print(f"error: interrupted; {said}", file=sys.stderr, flush=True)
        return INTERRUPTED


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as everything else here does."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}\n")


def _end_as_by_ctrl_c() -> None:
    """A run that is ended by its pipeline or terminal saves its state too, unless it is told to
    outlive that (`nohup`)."""
    for each in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(each) != signal.SIG_IGN:
            signal.signal(each, signal.default_int_handler)


if __name__ == "__main__":
    _end_as_by_ctrl_c()
    sys.exit(main())
