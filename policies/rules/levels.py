"""Which rule binds how much in which environment: `levels.yaml`, checked at the door.

The engine ignores a rule's name that it does not know, so that a misspelt line would change nothing
and say nothing (pulumi-policy 1.21).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

import yaml

from rules.model import Level

ALL = "all"
LEVELS: tuple[str, ...] = get_args(Level)


class LevelError(ValueError):
    """The file of levels cannot be used; one line that says where and what is allowed."""


def read(path: Path, rules: Iterable[str]) -> dict[str, dict[str, Level]]:
    """Stack -> rule (or "all") -> level. Raises LevelError, a line for the first mistake."""
    try:
        found: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as problem:
        said = " ".join(str(problem).split())
        raise LevelError(f"{path.name}: cannot be read as YAML: {said}") from None
    if not isinstance(found, Mapping):
        raise LevelError(f"{path.name}: a mapping of stacks is allowed")
    known = {ALL, *rules}
    for stack, levels in found.items():
        if not isinstance(levels, Mapping):
            raise LevelError(f"{path.name}: {stack}: a mapping of rules to levels is allowed")
        for rule, level in levels.items():
            if rule not in known:
                raise LevelError(
                    f"{path.name}: {stack}: no rule is named {rule!r}; allowed are `all` and the "
                    "names that `make rules` prints"
                )
            if level not in LEVELS:
                raise LevelError(
                    f"{path.name}: {stack}: {rule}: {level!r} is no level; allowed are "
                    f"{', '.join(LEVELS)}"
                )
    return {stack: dict(levels) for stack, levels in found.items()}


def of(
    stack: str | None, levels: Mapping[str, Mapping[str, Level]], rules: Iterable[str]
) -> dict[str, Level]:
    """Every rule's level in a stack; mandatory where nothing else is said."""
    here = levels.get(stack or "", {})
    return {rule: here.get(rule, here.get(ALL, "mandatory")) for rule in rules}
