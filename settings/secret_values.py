"""The settings that are secret: given with `pulumi config set --secret`, never in clear.

Everything else that is secret is born in the program by pulumi-random (see `components/secrets`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pulumi

from settings.core import NAMESPACE

if TYPE_CHECKING:
    from settings.environment import Environment

# name in `arches:<name>` -> when an environment has to give it
SECRET_VALUES: dict[str, Callable[[Environment], bool]] = {
    "openAiApiKey": lambda env: env.secrets.open_ai,
    "sentryDsn": lambda env: env.secrets.sentry,
    "pagerUrl": lambda env: env.alarms.pager,
}


def missing_secrets(env: Environment, given: set[str], where: str) -> list[str]:
    """One line for each secret value that the settings ask for and nobody gave."""
    return [
        f"{where}: {NAMESPACE}:{name}: got nothing; allowed: a secret, since a setting asks for "
        f"it; run `pulumi config set --secret {NAMESPACE}:{name}`"
        for name, wanted in SECRET_VALUES.items()
        if wanted(env) and name not in given
    ]


def given_secret(name: str) -> pulumi.Output[str] | None:
    """The secret value `arches:<name>` where it was given, else None. Raises KeyError."""
    if name not in SECRET_VALUES:
        raise KeyError(name)
    return pulumi.Config(NAMESPACE).get_secret(name)


def secret_value(name: str) -> pulumi.Output[str]:
    """The secret value `arches:<name>` as a secret output. Raises KeyError: no such secret."""
    if name not in SECRET_VALUES:
        raise KeyError(name)
    return pulumi.Config(NAMESPACE).require_secret(name)
