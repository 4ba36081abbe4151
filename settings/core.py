"""How a setting is declared and how a bad one is refused.

Every field of a section is made by `setting(...)`, which insists on a sentence that says what is
allowed and on an example, so that a refusal always has four parts: the key, what it got, what is
allowed, an example. A rule over several fields raises `clash(...)`, which has the same four parts.
Nothing here knows a section.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError, PydanticUndefined

NAMESPACE = "arches"


class SettingsError(pulumi.RunError):
    """One or more settings are refused; `str()` gives one line for each.

    A RunError, so that the engine prints the lines and no stack trace.
    """

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))


class Section(BaseModel):
    """A frozen group of settings: unknown keys are refused, keys are camelCase in YAML."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=False,
        validate_by_alias=True,
        validate_default=True,
        strict=True,
        hide_input_in_errors=True,
    )


def setting(
    default: Any = PydanticUndefined, *, allowed: str, example: Any, **constraints: Any
) -> Any:
    """Declare one setting.

    allowed: what may stand here, as a phrase ("whole GiB from 100 to 65,536").
    example: a value that is accepted.
    default: leave out where an environment has to decide.
    constraints: pydantic's own (ge, le, pattern, min_length, ...).
    """
    if isinstance(default, (list, dict)):
        value = default
        return Field(
            default_factory=lambda: type(value)(value),
            description=allowed,
            examples=[example],
            **constraints,
        )
    return Field(default, description=allowed, examples=[example], **constraints)


def clash(key: str, *, got: object, allowed: str, example: object) -> PydanticCustomError:
    """The error of a rule over several fields; `key` is the camelCase path inside the section."""
    return PydanticCustomError(
        "clash",
        "{allowed}",
        {"key": key, "got": str(got), "allowed": allowed, "example": str(example)},
    )


def line_of(error: PydanticCustomError, where: str) -> str:
    """The line of a `clash` between sections."""
    context = error.context or {}
    return _said(where, context["key"], context["got"], context["allowed"], context["example"])


def refusals(model: type[BaseModel], error: ValidationError, where: str) -> list[str]:
    """One line per finding of `error`, each naming file, key, value, what is allowed, an example."""
    return [_line(model, finding, where) for finding in error.errors(include_url=False)]


def _line(model: type[BaseModel], finding: Mapping[str, Any], where: str) -> str:
    path = [part for part in finding["loc"]]
    context = finding.get("ctx") or {}
    if finding["type"] == "clash":
        key = ".".join([*map(str, path), context["key"]])
        return _said(where, key, context["got"], context["allowed"], context["example"])
    key = ".".join(map(str, path))
    section, field = _declared(model, path)
    if finding["type"] == "extra_forbidden":
        known = sorted(_aliases(section)) if section else []
        near = difflib.get_close_matches(str(path[-1]), known, n=1)
        hint = near[0] if near else (known[0] if known else "")
        return _said(
            where,
            key,
            "a key that does not exist",
            "one of " + ", ".join(known) if known else "no key here",
            hint,
            verb="did you mean" if near else "for example",
        )
    allowed = field.description if field is not None and field.description else finding["msg"]
    example = field.examples[0] if field is not None and field.examples else ""
    got = "nothing" if finding["type"] == "missing" else _shown(finding.get("input"))
    return _said(where, key, got, allowed, example)


def _said(
    where: str, key: str, got: str, allowed: str, example: object, *, verb: str = "for example"
) -> str:
    tail = f"; {verb} {_shown(example)}" if example not in ("", None) else ""
    return f"{where}: {NAMESPACE}:{key}: got {got}; allowed: {allowed}{tail}"


def _shown(value: object) -> str:
    if isinstance(value, (dict, Mapping)) and "secure" in value:
        return "a secret"
    text = repr(value) if not isinstance(value, str) else f'"{value}"'
    return text if len(text) <= 80 else text[:77] + "..."


def _aliases(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name


def _declared(model: type[BaseModel], path: list[Any]) -> tuple[type[BaseModel] | None, Any]:
    """The section and the field that `path` leads to, through lists, mappings and optionals."""
    section: type[BaseModel] | None = model
    field: Any = None
    for part in path:
        if not isinstance(part, str) or section is None:
            continue
        found = next(
            (f for n, f in section.model_fields.items() if part in (f.alias, n)),
            None,
        )
        if found is None:
            nested = section.model_fields.get(part)
            if nested is None:
                continue
            found = nested
        field = found
        section = _model_in(found.annotation) or section
    return section, field


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        model = _model_in(inner)
        if model is not None:
            return model
    return None
