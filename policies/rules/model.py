"""What a rule is: one sentence, the types it judges, and a pure function over plain properties.

Rules know nothing of Pulumi, so tests and reports run them on recorded resources as well. A value
that is not known before deployment is `UNKNOWN`; a rule that needs it is undecided, not passed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["low", "medium", "high", "critical"]


class _Unknown:
    """A value that is known only after deployment."""

    def __repr__(self) -> str:
        return "not known until deployed"

    def __bool__(self) -> bool:
        return False


UNKNOWN = _Unknown()


class Undecided(Exception):
    """A rule needs a value that is not known until deployed; the message names it."""


class Props(Mapping[str, Any]):
    """A resource's properties. Reading a value that is not known raises Undecided.

    Objects inside are Props as well, so that an unknown value deep down is never taken for one
    that is missing. A null is the same as nothing.
    """

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        self._values = values
        self._path = path

    def __getitem__(self, key: str) -> Any:
        value = self._values[key]
        if value is None:
            raise KeyError(key)
        return _known(value, self._under(key))

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._values.get(key) is not None

    def __iter__(self) -> Iterator[str]:
        return (key for key, value in self._values.items() if value is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def at(self, path: str, default: Any = None) -> Any:
        """The value at a dotted path; `default` where it is absent. Raises Undecided."""
        found = self._raw(path)
        return default if found is None else _known(found, self._under(path))

    def _raw(self, path: str) -> Any:
        here: Any = self._values
        for part in path.split("."):
            if isinstance(here, Mapping):
                here = here.get(part)
            elif isinstance(here, list) and part.isdigit() and int(part) < len(here):
                here = here[int(part)]
            else:
                return None
            if here is UNKNOWN:
                raise Undecided(self._under(path))
        return here

    def _under(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def given(self, path: str) -> bool:
        """Whether something stands at the path, known or not."""
        try:
            return self.at(path) is not None
        except Undecided:
            return True

    def document(self, path: str) -> dict[str, Any]:
        """The JSON document at a path. Raises Undecided."""
        text = self._raw(path)
        return json.loads(text) if isinstance(text, str) else dict(text or {})


def _known(value: Any, path: str) -> Any:
    """`value` with its objects as Props. Raises Undecided, also for an item of a list."""
    if value is UNKNOWN:
        raise Undecided(path)
    if isinstance(value, Mapping):
        return Props(value, path)
    if isinstance(value, list):
        return [_known(item, f"{path}.{index}") for index, item in enumerate(value)]
    return value


@dataclass(frozen=True, kw_only=True)
class Item:
    """One resource of a stack, for rules that join several.

    links: input name -> URNs of the resources that the input comes from. Ids are not known at
    preview; links are.
    """

    type: str
    name: str
    urn: str
    props: Props
    links: Mapping[str, frozenset[str]] = field(default_factory=dict)
    protect: bool = False
    parent: str = ""

    def comes_from(self, name: str, other: Item) -> bool:
        """Whether the input `name` is taken from `other`."""
        return other.urn in self.links.get(name, frozenset())


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule over one resource at a time; `judge` yields what is wrong, in words.

    requirements: ids of the requirements it guards. fix: what a person should do.
    """

    name: str
    sentence: str
    types: tuple[str, ...]
    severity: Severity
    requirements: tuple[str, ...]
    fix: str
    judge: Callable[[Props], Iterable[str]]


@dataclass(frozen=True, kw_only=True)
class StackRule:
    """A rule over all resources of a stack; `judge` yields (URN, what is wrong)."""

    name: str
    sentence: str
    severity: Severity
    requirements: tuple[str, ...]
    fix: str
    judge: Callable[[list[Item]], Iterable[tuple[str, str]]]


def of_type(items: Iterable[Item], *types: str) -> list[Item]:
    """The items of these types."""
    return [item for item in items if item.type in types]


def serves_customers(items: Iterable[Item]) -> bool:
    """What the stack says of itself through the provider's default tags."""
    return any(
        _tags(item).get("serves-customers") == "true"
        for item in of_type(items, "pulumi:providers:aws")
    )


def default_tags(items: Iterable[Item]) -> list[tuple[Item, dict[str, str]]]:
    """Each AWS provider with its default tags."""
    return [(item, _tags(item)) for item in of_type(items, "pulumi:providers:aws")]


def _tags(provider: Item) -> dict[str, str]:
    # Provider settings that are no scalars arrive as JSON text.
    value = provider.props.at("defaultTags") or {}
    if isinstance(value, str):
        value = json.loads(value)
    return dict(value.get("tags") or {})
