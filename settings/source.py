"""Where settings come from: the stack's YAML file, or the same values through the engine."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pydantic import ValidationError

from settings.core import NAMESPACE, SettingsError, holds_secret, line_of, refusals
from settings.environment import Environment, refused
from settings.secret_values import SECRET_VALUES, missing_secrets

_PREFIX = NAMESPACE + ":"
_ENGINE = "pulumi:"  # the engine's own keys; it checks them itself
# YAML 1.1 also has yes, no, on and off; Pulumi reads YAML 1.2, where they are texts.
_BOOL = "tag:yaml.org,2002:bool"


# libyaml's parser, which every wheel of PyYAML holds: a tenth of the time of the one in Python.
class _Yaml(yaml.CSafeLoader):
    """YAML as Pulumi reads it: true and false are the only booleans, no key stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f'the key "{key.value}" stands there twice', key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Yaml.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOL]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Yaml.add_implicit_resolver(_BOOL, re.compile("^(true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def read(path: Path) -> Environment:
    """Read and check `Pulumi.<stack>.yaml` without an engine.

    Raises SettingsError: the file is absent, is no YAML mapping, or a key is refused.
    """
    where = path.name
    if not path.is_file():
        raise SettingsError([_unknown_stack(path)])
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Yaml)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError([_not_yaml(where, error)]) from None
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        raise SettingsError(
            [
                f"{where}: config: got no mapping; allowed: a mapping of keys that start with "
                f"{_PREFIX}; for example {_PREFIX}network"
            ]
        )
    return _checked(
        ((str(key), value, holds_secret(value)) for key, value in config.items()), where
    )


def load() -> Environment:
    """Read and check the settings of the running Pulumi program.

    Raises SettingsError as `read` does; secret values stay with the engine (see `secret_value`).
    """
    return _checked(
        (
            (key, _decoded(value), pulumi.runtime.is_config_secret(key))
            for key, value in pulumi.runtime.config.CONFIG.get().items()
        ),
        f"Pulumi.{pulumi.get_stack()}.yaml",
    )


def parse(plain: Mapping[str, Any], secret: set[str], where: str) -> Environment:
    """Check plain settings and the names of the secret ones; `where` starts every error line."""
    try:
        environment = Environment.model_validate_json(json.dumps(plain, default=str))
    except ValidationError as error:
        raise SettingsError(refusals(Environment, error, where, also=SECRET_VALUES)) from None
    lines = [line_of(Environment, error, where) for error in refused(environment)]
    lines += missing_secrets(environment, secret, where)
    if lines:
        raise SettingsError(lines)
    return environment


def _checked(entries: Iterable[tuple[str, Any, bool]], where: str) -> Environment:
    """Sort plain from secret and check both; an entry is a full key, its value, is it encrypted.

    The value of an encrypted key goes no further: no line can show it.
    """
    plain: dict[str, Any] = {}
    secret: set[str] = set()
    lines: list[str] = []
    hidden = False
    for key, value, encrypted in entries:
        short = key.removeprefix(_PREFIX)
        if key.startswith(_ENGINE):
            continue
        if short == key:
            lines.append(_foreign(where, key))
        elif short in SECRET_VALUES:
            secret.add(short)
            if not encrypted:
                lines.append(_in_clear(where, short))
        elif encrypted and short in _sections():
            lines.append(_encrypted(where, short))
            hidden = True
        else:
            plain[short] = None if encrypted else value
    if hidden:  # the section's own check would call it absent
        raise SettingsError(lines)
    try:
        environment = parse(plain, secret, where)
    except SettingsError as error:
        raise SettingsError(lines + error.lines) from None
    if lines:
        raise SettingsError(lines)
    return environment


def _decoded(text: str) -> Any:
    """What the engine hands over: mappings as JSON, single values as they are."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _sections() -> list[str]:
    return [field.alias or name for name, field in Environment.model_fields.items()]


def _foreign(where: str, key: str) -> str:
    """A key of another namespace, which nobody would read."""
    name = key.rpartition(":")[2]
    ours = name in (*_sections(), *SECRET_VALUES)
    hint = f'did you mean "{_PREFIX}{name}"' if ours else f'for example "{_PREFIX}network"'
    return (
        f"{where}: {key}: got a key that nobody reads; allowed: keys that start with {_PREFIX} or "
        f"{_ENGINE}; {hint}"
    )


def _not_yaml(where: str, error: Exception) -> str:
    """The place and the reason; never the text around it, which may be a secret."""
    mark = getattr(error, "problem_mark", None)
    reason = getattr(error, "problem", None) or type(error).__name__
    place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the file"
    return (
        f"{where}: {place}: got no YAML ({reason}); allowed: one YAML mapping, each key once; "
        f"for example config: and below it, indented, {_PREFIX}network:"
    )


def _unknown_stack(path: Path) -> str:
    stack = path.name.removeprefix("Pulumi.").removesuffix(".yaml")
    known = sorted(
        p.name.removeprefix("Pulumi.").removesuffix(".yaml")
        for p in path.parent.glob("Pulumi.*.yaml")
    )
    near = next(iter(difflib.get_close_matches(stack, known, n=1)), None)
    hint = f'did you mean "{near}"' if near else f'for example "{(known or ["prod"])[0]}"'
    return (
        f'{path.name}: stack: got "{stack}", which has no such file; allowed: '
        f"{', '.join(known) or 'nothing yet: write the file first'}; {hint}"
    )


def _in_clear(where: str, key: str) -> str:
    return (
        f"{where}: {_PREFIX}{key}: got a value in clear; allowed: a secret; run "
        f"`pulumi config set --secret {_PREFIX}{key}` and change the value at its issuer, "
        "since it has been seen"
    )


def _encrypted(where: str, key: str) -> str:
    secrets = ", ".join(_PREFIX + name for name in SECRET_VALUES)
    return (
        f"{where}: {_PREFIX}{key}: got a secret inside; allowed: plain values, so that a review "
        f"can read them; secrets stand only in {secrets}; for example `pulumi config set --secret "
        f"{_PREFIX}{next(iter(SECRET_VALUES))}`"
    )
