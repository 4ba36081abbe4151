"""Production's settings with single values changed, also into what a reader would refuse."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import settings
from settings.core import Section
from settings.environment import Environment

Model = TypeVar("Model", bound=Section)

_FILE = Path(__file__).resolve().parents[2] / "Pulumi.prod.yaml"


@cache
def _read() -> Environment:
    return settings.read(_FILE)


def production(changed: Mapping[str, Any]) -> Environment:
    """changed: "section.key" -> value, in the model's spelling; nothing is validated again."""
    env = _read()
    for path, value in changed.items():
        env = _with(env, path.split("."), value)
    return env


def _with(section: Model, path: list[str], value: Any) -> Model:
    first, *rest = path
    assert first in type(section).model_fields, f"{type(section).__name__} has no {first}"
    inner = _with(getattr(section, first), rest, value) if rest else value
    return section.model_copy(update={first: inner})
