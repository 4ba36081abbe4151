"""How a mistake in a stack's file is written down: a row of the tables in `test_refusals`."""

from __future__ import annotations

from typing import Any

import pytest

ABSENT = object()


def case(name: str, stack: str, changes: dict[str, Any], *lines: str) -> Any:
    """One mistake: keys to change in the stack's file, by path, and what is said about them.

    The value ABSENT takes a key away.
    """
    return pytest.param(stack, changes, lines, id=name)
