"""Stand-ins for what is beside the thing that a test looks at."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pulumi

from components.context import Context
from tests.recorder import ACCOUNT, REGION


def neighbour(**attributes: Any) -> Any:
    """Has these attributes only; untyped, so that it may stand for any type."""
    return cast(Any, SimpleNamespace(**attributes))


def context(**changed: Any) -> Context:
    """A protected environment that serves customers; `changed` replaces what it says."""
    plain: dict[str, Any] = {
        "project": "arches",
        "stack": "prod",
        "account_id": ACCOUNT,
        "region": REGION,
        "backup_region": "eu-west-1",
        "protect": True,
        "serves_customers": True,
    }
    return Context(**{**plain, **changed})


def known(value: str) -> pulumi.Output[str]:
    """An output that is known."""
    return pulumi.Output.from_input(value)


def key(noun: str) -> Any:
    """A key of our own in the environment's region."""
    return neighbour(arn=known(f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{noun}"))
