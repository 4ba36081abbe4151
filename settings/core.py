"""How a setting is declared and how a bad one is refused.

Every field of a section is made by `setting(...)`, which insists on a sentence that says what is
allowed and on an example, so that a refusal always has four parts: the key, what it got, what is
allowed, an example. A rule over several fields raises `clash(...)`, which has the same four parts.
Nothing here knows a section.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pulumi
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError, PydanticUndefined

NAMESPACE = "arches"

# A refused value longer than this is cut; an example never is, since people copy it.
LONGEST_VALUE = 80
# What may have been pasted into the wrong key: tokens by the beginnings their issuers give them,
# addresses that carry a user or a long key (Sentry, PagerDuty, Slack).
_SECRET = re.compile(
    r"\b(sk-|rk_|AKIA|ASIA|gh[opsu]_|github_pat_|glpat-|xox[a-z]-|eyJ|v1:)|-----BEGIN"
    r"|://[^/\s]*@|://\S*[A-Za-z0-9_-]{20,}"
)
_SHY = "a value that looks like a secret"


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
    """The error of a rule over several fields; `key` is the camelCase path inside the section.

    got, allowed: phrases. example: a value, or a phrase where no single value would help.
    """
    text = example if isinstance(example, str) else _plain(example)
    return PydanticCustomError(
        "clash", "{allowed}", {"key": key, "got": str(got), "allowed": allowed, "example": text}
    )


def line_of(model: type[BaseModel], error: PydanticCustomError, where: str) -> str:
    """The line of a `clash` between the sections of `model`."""
    return _clashed(model, (), error.context or {}, where)


def refusals(
    model: type[BaseModel], error: ValidationError, where: str, also: Collection[str] = ()
) -> list[str]:
    """One line per finding of `error`, each naming file, key, value, what is allowed, an example.

    also: keys beside the fields of `model`, so that a misspelt one of them is recognized too.
    A required key that is absent because it is misspelt gives one line, not two.
    """
    findings = error.errors(include_url=False)
    meant = {
        (*finding["loc"][:-1], near)
        for finding in findings
        if finding["type"] == "extra_forbidden"
        and (near := _near(finding["loc"][-1], _known(model, finding["loc"], also)))
    }
    return [
        _line(model, finding, where, also)
        for finding in findings
        if finding["type"] != "missing" or finding["loc"] not in meant
    ]


def holds_secret(value: object) -> bool:
    """Whether Pulumi's encrypted form, {secure: ...}, stands anywhere in a value of the file."""
    if isinstance(value, Mapping):
        return set(value) == {"secure"} or any(holds_secret(each) for each in value.values())
    return isinstance(value, (list, tuple)) and any(holds_secret(each) for each in value)


def _line(
    model: type[BaseModel], finding: Mapping[str, Any], where: str, also: Collection[str]
) -> str:
    path = finding["loc"]
    if finding["type"] == "clash":
        return _clashed(model, path, finding["ctx"], where)
    if finding["type"] == "extra_forbidden":
        return _unknown_key(where, _key(path), str(path[-1]), _known(model, path, also))
    field = _field(model, path)
    got = "nothing" if finding["type"] == "missing" else _shown(finding.get("input"))
    if field is None:
        return _said(where, _key(path), got, finding["msg"], None)
    return _said(
        where, _key(path), got, str(field.description), _plain((field.examples or [""])[0])
    )


def _unknown_key(where: str, key: str, name: str, known: Iterable[str]) -> str:
    """The line of a key that does not exist: `key` in full, `name` among the `known` ones."""
    names = sorted(known)
    near = _near(name, names)
    hint = f"did you mean {_plain(near)}" if near else f"for example {_plain(names[0])}"
    allowed = ", ".join(names)
    return f"{where}: {key}: got a key that does not exist; allowed: one of {allowed}; {hint}"


def _clashed(
    model: type[BaseModel], path: Sequence[str | int], context: Mapping[str, Any], where: str
) -> str:
    full = (*path, *context["key"].split("."))
    got = _SHY if _SECRET.search(context["got"]) else context["got"]
    example = _example(_field(model, full), context["example"])
    return _said(where, _key(full), got, context["allowed"], example)


def _said(where: str, key: str, got: str, allowed: str, example: str | None) -> str:
    tail = f"; for example {example}" if example else ""
    return f"{where}: {key}: got {got}; allowed: {allowed}{tail}"


def _key(path: Sequence[str | int]) -> str:
    """`arches:network.zones[0]`: the spelling that `pulumi config set --path` takes."""
    text = ""
    for part in path:
        if part == "[key]":  # pydantic's mark for a name in a mapping that is refused itself
            continue
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[\w-]+", part):
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return f"{NAMESPACE}:{text}"


def _shown(value: object) -> str:
    """A refused value as it would stand in YAML, cut, and without what looks like a secret."""
    text = _plain(value)
    if holds_secret(value):
        return "a secret"
    if _SECRET.search(text):
        return _SHY
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _example(field: FieldInfo | None, example: str) -> str:
    """An example of a clash: a value as it stands in YAML, a phrase as it was written.

    A rule may write a phrase ("true", "leave one of the two out"); what the field itself would
    accept as a text is a value and is quoted.
    """
    return example if field is None or not _accepts(field, example) else _plain(example)


def _accepts(field: FieldInfo, value: str) -> bool:
    kind: Any = field.annotation
    for constraint in field.metadata:
        kind = Annotated[kind, constraint]
    try:
        TypeAdapter(kind).validate_json(json.dumps(value), strict=True)
    except ValidationError:
        return False
    return True


def _near(key: str | int, known: Iterable[str]) -> str | None:
    """The existing key that a misspelt one most likely means."""
    names = list(known)
    folded = {_folded(name): name for name in names}
    if _folded(str(key)) in folded:
        return folded[_folded(str(key))]
    return next(iter(difflib.get_close_matches(str(key), names, n=1)), None)


def _folded(key: str) -> str:
    return re.sub(r"[-_]", "", key).lower()


def _known(model: type[BaseModel], path: Sequence[str | int], also: Collection[str]) -> list[str]:
    """The keys that could stand where the last part of `path` stands."""
    section = section_in(_annotation(model, path[:-1]))
    names = [] if section is None else [f.alias or n for n, f in section.model_fields.items()]
    return sorted([*names, *also] if len(path) == 1 else names)


def _field(model: type[BaseModel], path: Sequence[str | int]) -> FieldInfo | None:
    """The declared field that `path` leads to or into: of zones[0] it is zones."""
    found = None
    annotation: Any = model
    for part in path:
        section = annotation if isinstance(annotation, type) else None
        if section is not None and issubclass(section, BaseModel):
            field = _named(section, part)
            if field is None:
                break
            found = field
        annotation = _inside(annotation, part)
    return found


def _annotation(model: type[BaseModel], path: Sequence[str | int]) -> Any:
    annotation: Any = model
    for part in path:
        annotation = _inside(annotation, part)
    return annotation


def _inside(annotation: Any, part: str | int) -> Any:
    """The type of what `part` names inside a section, a list or a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = _named(annotation, part)
        return None if field is None else bare(field.annotation)
    arguments = get_args(annotation)
    if not arguments:
        return None
    return bare(arguments[-1] if get_origin(annotation) is dict else arguments[0])


def _named(section: type[BaseModel], part: str | int) -> FieldInfo | None:
    return next((f for n, f in section.model_fields.items() if part == (f.alias or n)), None)


def bare(annotation: Any) -> Any:
    """A type without its constraints and without "or nothing"."""
    if get_origin(annotation) is Annotated:
        return bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return bare(next(each for each in get_args(annotation) if each is not NoneType))
    return annotation


def section_in(annotation: Any) -> type[BaseModel] | None:
    """The section that a type is, may be, or holds as a list or a mapping."""
    kind = bare(annotation)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    if get_origin(kind) in (tuple, dict):
        arguments = get_args(kind)
        return section_in(arguments[-1] if get_origin(kind) is dict else arguments[0])
    return None
