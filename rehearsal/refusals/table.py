"""What a row of the table of refusals is.

A row says for which types and operations it is asked, where its message comes from, and has one
pure function that looks at the request and at the account and gives the message, or None. Values
that are not known yet (`UNKNOWN`, at preview) are never judged: a row asks `known` first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rehearsal.account import Account
from rehearsal.wire import UNKNOWN, Secret

Operation = Literal["create", "update", "delete"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call that the provider is about to make.

    type: the Pulumi token. name: the resource's logical name. region: where the call goes.
    old: inputs of the existing resource (None at create). new: checked inputs (None at delete),
    which may hold UNKNOWN at preview and Secret anywhere.
    """

    operation: Operation
    type: str
    name: str
    urn: str
    region: str
    id: str = ""
    old: Mapping[str, Any] | None = None
    new: Mapping[str, Any] | None = None
    preview: bool = False

    def value(self, path: str, default: Any = None) -> Any:
        """The new value at a dotted path ("vpcConfig.subnetIds", "rules.0.priority").

        Secrets are opened, absent values are `default`; UNKNOWN stays UNKNOWN.
        """
        return lookup(self.new or {}, path, default)

    def old_value(self, path: str, default: Any = None) -> Any:
        """The old value at a dotted path, as `value`."""
        return lookup(self.old or {}, path, default)

    def known(self, *paths: str) -> bool:
        """Whether each of these is given and known."""
        return all(self.value(path) not in (None, UNKNOWN) for path in paths)

    def changes(self, path: str) -> bool:
        """Whether an update gives `path` another (known) value."""
        new = self.value(path)
        return new is not UNKNOWN and new != self.old_value(path)


def lookup(values: Any, path: str, default: Any = None) -> Any:
    """The value at a dotted path through mappings and lists, secrets opened."""
    here = values
    for part in path.split("."):
        if isinstance(here, Secret):
            here = here.value
        if here is UNKNOWN:
            return UNKNOWN
        if isinstance(here, Mapping):
            here = here.get(part)
        elif isinstance(here, list) and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        else:
            return default
        if here is None:
            return default
    return here.value if isinstance(here, Secret) else here


Judge = Callable[[Request, Account], str | None]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One refusal.

    id: as in the reference ("R1"). types: Pulumi tokens. source: where the message was seen.
    kind: "refusal" stops the call; "warning" lets it pass and says what will break later, with
    `minutes` of virtual time until it does.
    """

    id: str
    title: str
    types: tuple[str, ...]
    operations: tuple[Operation, ...]
    source: str
    judge: Judge
    kind: Literal["refusal", "warning"] = "refusal"
    minutes: float = 0.0
