"""Which rule binds how much in which environment: `levels.yaml`, checked at the door.

The engine ignores a rule's name that it does not know, so that a misspelt line would change nothing
and say nothing (pulumi-policy 1.21).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

import yaml

from rules.model import GUARDS, Level

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
            if rule in GUARDS and level != "mandatory":
                raise LevelError(
                    f"{path.name}: {stack}: {rule} guards what this file may say and is mandatory "
                    "always, whatever `all` is; take the line away"
                )
    return {stack: dict(levels) for stack, levels in found.items()}


def in_force(rule: str, here: Mapping[str, Level]) -> Level:
    """A rule's level where an environment says this; mandatory where it says nothing."""
    return "mandatory" if rule in GUARDS else here.get(rule, here.get(ALL, "mandatory"))


def of(
    stack: str | None, levels: Mapping[str, Mapping[str, Level]], rules: Iterable[str]
) -> dict[str, Level]:
    """Every rule's level in a stack."""
    here = levels.get(stack or "", {})
    return {rule: in_force(rule, here) for rule in rules}
