"""What editors and people read about the settings, written from the sections themselves.

`python -m settings.schema` writes `settings/schema.json`, which lets an editor complete and check a
whole `Pulumi.<stack>.yaml`, and `docs/settings.md`, the reference. Both are in the repository; a
test compares them with what this module makes. Rules over several keys are in neither: only the
program (`settings.read`) refuses those.

Refused: `$ref` in the schema (draft 7, which editors know best, ignores the description beside it).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from settings.core import NAMESPACE, bare, section_in
from settings.environment import Environment
from settings.secret_values import SECRET_VALUES

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "settings" / "schema.json"
REFERENCE = ROOT / "docs" / "settings.md"

# What each secret is; when it has to be given is decided in `settings.secret_values`.
SECRETS = {
    "openAiApiKey": "the key of the OpenAI account; needed where secrets.openAi is true",
    "sentryDsn": "the address to which Sentry takes errors; needed where secrets.sentry is true",
    "pagerUrl": "the https address of the pager, with its key; needed where alarms.pager is true",
}
# What Pulumi itself keeps in a stack's file beside `config` (Pulumi docs, "Stack settings file").
_ENGINE_KEYS: dict[str, dict[str, Any]] = {
    "secretsprovider": {"type": "string"},
    "encryptedkey": {"type": "string"},
    "encryptionsalt": {"type": "string"},
    "environment": {},
}


def json_schema() -> dict[str, Any]:
    """The schema of a whole stack file."""
    sections = _section_schema(Environment)
    properties = {f"{NAMESPACE}:{key}": each for key, each in sections["properties"].items()}
    config = {
        "type": "object",
        "properties": properties | {f"{NAMESPACE}:{key}": _secret(key) for key in SECRET_VALUES},
        "patternProperties": {"^pulumi:": {"description": "a key of Pulumi's own"}},
        "additionalProperties": False,
        "required": [f"{NAMESPACE}:{key}" for key in sections["required"]],
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "The settings of one Arches environment (Pulumi.<stack>.yaml)",
        "type": "object",
        "properties": {"config": config, **_ENGINE_KEYS},
        "additionalProperties": False,
        "required": ["config"],
    }


def reference() -> str:
    """Every key as a Markdown document: one table for each section."""
    lines = [
        "# Settings",
        "",
        "Written by `make schema`; do not edit. Every environment is one file "
        "`Pulumi.<stack>.yaml`; this is what may stand in it. `required` in the column of defaults "
        "means that the environment has to decide. Rules over several keys are checked when the "
        "file is read; a refusal names the key, what it got, what is allowed and an example.",
        "",
        "```yaml",
        "# yaml-language-server: $schema=./settings/schema.json",
        "config:",
        f"  {NAMESPACE}:network:",
        "    cidr: 10.20.0.0/16",
        "```",
    ]
    for name, field in Environment.model_fields.items():
        section = section_in(field.annotation)
        assert section is not None, f"{name} is no section"
        said = str(field.description)
        presence = "Required." if field.is_required() else "May be left out."
        lines += [
            "",
            f"## {NAMESPACE}:{field.alias}",
            "",
            f"{said[0].upper()}{said[1:]}. {presence}",
            "",
            "| key | default | allowed | example |",
            "| --- | --- | --- | --- |",
            *_rows(section, ""),
        ]
    lines += [
        "",
        "## Secrets",
        "",
        "Given with `pulumi config set --secret <key>`, never in clear.",
        "",
        "| key | what it is |",
        "| --- | --- |",
        *(f"| `{NAMESPACE}:{key}` | {_cell(SECRETS[key])} |" for key in SECRET_VALUES),
    ]
    return "\n".join(lines) + "\n"


def documents() -> dict[Path, str]:
    """Both files with their exact content."""
    schema = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    return {SCHEMA: schema, REFERENCE: reference()}


def _secret(key: str) -> dict[str, Any]:
    return {
        "description": f"{SECRETS[key]}; `pulumi config set --secret {NAMESPACE}:{key}`",
        "type": "object",
        "properties": {"secure": {"type": "string", "description": "Pulumi's encrypted value"}},
        "additionalProperties": False,
        "required": ["secure"],
    }


def _section_schema(section: type[BaseModel]) -> dict[str, Any]:
    fields = section.model_fields.values()
    return {
        "type": "object",
        "properties": {str(field.alias): _field_schema(field) for field in fields},
        "additionalProperties": False,
        "required": [str(field.alias) for field in fields if field.is_required()],
    }


def _field_schema(field: FieldInfo) -> dict[str, Any]:
    """Description and examples first: they are what an editor shows."""
    said: dict[str, Any] = {"description": field.description, "examples": field.examples}
    inner = section_in(field.annotation)
    shape = _shape(field) if inner is None else _around(_section_schema(inner), field)
    default = default_of(field)
    # A whole section is no default that anybody would want completed.
    if default is not PydanticUndefined and not (inner and isinstance(default, dict)):
        said["default"] = default
    return said | shape


def _around(section: dict[str, Any], field: FieldInfo) -> dict[str, Any]:
    """The section itself, or pydantic's list or mapping with it in the place of its reference."""
    if get_origin(bare(field.annotation)) is None:
        none = NoneType in get_args(field.annotation)
        return {"anyOf": [section, {"type": "null"}]} if none else section
    shape = _shape(field)
    if "items" in shape:
        return shape | {"items": section}
    names = shape.get("patternProperties", {".": None})
    return {
        "type": "object",
        "patternProperties": dict.fromkeys(names, section),
        "additionalProperties": False,
    }


def _shape(field: FieldInfo) -> dict[str, Any]:
    """Pydantic's schema of the type with its constraints, without the titles it makes up."""
    kind: Any = field.annotation
    for constraint in field.metadata:
        kind = Annotated[kind, constraint]
    made = TypeAdapter(kind).json_schema(by_alias=True)
    made.pop("$defs", None)
    return _untitled(made)


def _untitled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _untitled(each) for key, each in value.items() if key != "title"}
    return [_untitled(each) for each in value] if isinstance(value, list) else value


def default_of(field: FieldInfo) -> Any:
    """The default as it would stand in YAML; PydanticUndefined where there is none."""
    if field.is_required():
        return PydanticUndefined
    default = field.get_default(call_default_factory=True)
    kind: Any = field.annotation
    return TypeAdapter(kind).dump_python(default, mode="json", by_alias=True)


def _rows(section: type[BaseModel], prefix: str) -> Iterator[str]:
    for field in section.model_fields.values():
        key = prefix + str(field.alias)
        inner = section_in(field.annotation)
        kind = bare(field.annotation)
        # A section that is always there says nothing beside its own keys.
        if inner is None or inner is not kind or NoneType in get_args(field.annotation):
            yield _row(key, field)
        if inner is not None:
            step = {tuple: "[].", dict: ".<name>."}.get(get_origin(kind), ".")
            yield from _rows(inner, key + step)


def _row(key: str, field: FieldInfo) -> str:
    default = default_of(field)
    shown = "required" if default is PydanticUndefined else _code(default)
    example = _code((field.examples or [None])[0])
    return f"| `{key}` | {shown} | {_cell(str(field.description))} | {example} |"


def _code(value: Any) -> str:
    if value is None:
        return "left out"
    text = json.dumps(value, ensure_ascii=False)
    return "`" + text.replace("|", "\\|") + "`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def main() -> None:
    for path, content in documents().items():
        path.write_text(content, encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
