"""Where settings come from: the stack's YAML file, or the same values through the engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pydantic import ValidationError

from settings.core import NAMESPACE, SettingsError, line_of, refusals
from settings.environment import Environment, refused
from settings.secret_values import SECRET_VALUES, missing_secrets

_PREFIX = NAMESPACE + ":"


def read(path: Path) -> Environment:
    """Read and check `Pulumi.<stack>.yaml` without an engine.

    Raises SettingsError: the file is absent, is no YAML mapping, or a key is refused.
    """
    where = path.name
    if not path.is_file():
        raise SettingsError([_unknown_stack(path)])
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise SettingsError([f"{where}: not YAML: {' '.join(str(error).split())}"]) from None
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        raise SettingsError(
            [f"{where}: got no `config:` mapping; allowed: keys that start with {_PREFIX}"]
        )
    plain: dict[str, Any] = {}
    secret: set[str] = set()
    for key, value in config.items():
        if not str(key).startswith(_PREFIX):
            continue
        short = str(key).removeprefix(_PREFIX)
        if short in SECRET_VALUES:
            if not (isinstance(value, dict) and set(value) == {"secure"}):
                raise SettingsError([_not_secret(where, short)])
            secret.add(short)
        else:
            plain[short] = value
    return parse(plain, secret, where)


def load() -> Environment:
    """Read and check the settings of the running Pulumi program.

    Raises SettingsError as `read` does; secret values stay with the engine (see `secret_value`).
    """
    where = f"Pulumi.{pulumi.get_stack()}.yaml"
    config = pulumi.Config(NAMESPACE)
    plain: dict[str, Any] = {}
    secret: set[str] = set()
    for key in pulumi.runtime.config.CONFIG.get():
        if not key.startswith(_PREFIX):
            continue
        short = key.removeprefix(_PREFIX)
        if short in SECRET_VALUES:
            if not pulumi.runtime.is_config_secret(key):
                raise SettingsError([_not_secret(where, short)])
            secret.add(short)
        else:
            plain[short] = config.require_object(short)
    return parse(plain, secret, where)


def parse(plain: Mapping[str, Any], secret: set[str], where: str) -> Environment:
    """Check plain settings and the names of the secret ones; `where` starts every error line."""
    try:
        environment = Environment.model_validate_json(json.dumps(plain, default=str))
    except ValidationError as error:
        raise SettingsError(refusals(Environment, error, where)) from None
    lines = [line_of(error, where) for error in refused(environment)]
    lines += missing_secrets(environment, secret, where)
    if lines:
        raise SettingsError(lines)
    return environment


def _unknown_stack(path: Path) -> str:
    stack = path.name.removeprefix("Pulumi.").removesuffix(".yaml")
    known = sorted(
        p.name.removeprefix("Pulumi.").removesuffix(".yaml")
        for p in path.parent.glob("Pulumi.*.yaml")
    )
    return f'unknown stack "{stack}": allowed: {", ".join(known)} (one file {path.name} for each)'


def _not_secret(where: str, key: str) -> str:
    return (
        f"{where}: {_PREFIX}{key}: got a value in clear; allowed: a secret; run "
        f"`pulumi config set --secret {_PREFIX}{key}` and change the value at its issuer, "
        "since it has been seen"
    )
