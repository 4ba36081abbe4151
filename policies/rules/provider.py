"""What the AWS providers of a stack are set to, asked by `stack.once`."""

from __future__ import annotations

import json

from rules.model import Stack

AWS = "pulumi:providers:aws"


def home(stack: Stack) -> str:
    """The region of the stack's AWS provider, "" where it has none."""
    return next((str(each.props.at("region")) for each in stack.of(AWS)), "")


def accounts(stack: Stack) -> frozenset[str]:
    """The accounts that the providers may deploy to; nothing where any is allowed."""
    found: set[str] = set()
    for provider in stack.of(AWS):
        # Provider settings that are no scalars arrive as JSON text.
        allowed = provider.props.at("allowedAccountIds") or []
        found |= set(json.loads(allowed) if isinstance(allowed, str) else allowed)
    return frozenset(found)
