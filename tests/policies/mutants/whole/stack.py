"""What breaks the stack as a whole."""

from __future__ import annotations

import json

from tests.policies.mutation import Mutant, add, drop, put, several

_AWS = "pulumi:providers:aws"
_TAGS = {"project": "arches", "stack": "prod", "owner": "platform", "serves-customers": "true"}

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="required-tags",
        title="a provider without a cost center",
        change=put(_AWS, "defaultTags", json.dumps({"tags": _TAGS})),
        says=("resources would lack the tags cost-center",),
    ),
    Mutant(
        rule="explicit-providers",
        title="a resource on the default provider",
        change=add(_AWS, "default_7_51_1", {}),
        says=("resources use default_7_51_1, which has no tags and no region",),
        at="arches-prod",
    ),
    Mutant(
        rule="account-pinned",
        title="any account",
        change=drop(_AWS, "allowedAccountIds"),
        says=("an `up` with the wrong credentials would change another account",),
    ),
    Mutant(
        rule="account-pinned",
        title="an empty list of accounts",
        change=several(put(_AWS, "allowedAccountIds", "[]")),
        says=("an `up` with the wrong credentials would change another account",),
    ),
)
