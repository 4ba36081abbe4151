"""What a rule is: one demand, the types it judges, and a pure function over plain properties.

Rules know nothing of Pulumi, so tests and the mutation proof run them on recorded resources too. A
value that is not known before deployment is `UNKNOWN`; a rule that needs it is undecided, not
passed. A secret's value is never here: `SECRET` stands in its place.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Literal, TypeVar

T = TypeVar("T")
Severity = Literal["low", "medium", "high", "critical"]
Level = Literal["disabled", "advisory", "mandatory", "remediate"]
ROOT = "pulumi:pulumi:Stack"  # the subject of a rule about the stack as a whole
SECRET = "[secret]"
# The rules that guard levels and waivers. Whatever they guard cannot switch them off: no level but
# mandatory, no waiver.
GUARDS = frozenset({"levels-kept", "waivers-kept"})


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
        """The JSON document at a path, {} where none is. Raises Undecided, also for a secret."""
        text = self._raw(path)
        if text == SECRET:
            raise Undecided(f"{self._under(path)}, which is marked secret")
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


@dataclass(kw_only=True)
class Stack:
    """All resources of one stack, indexed, with what the run is about.

    today: the day for which dates are judged. levels: rule -> level in force. audit: what is wrong
    with the waivers, filled while rules are judged, so the rule that tells it stands last.
    """

    items: tuple[Item, ...]
    today: date
    levels: Mapping[str, Level] = field(default_factory=dict)
    audit: Callable[[Stack], Iterable[str]] = lambda _: ()
    _made: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, build: Callable[[Stack], T]) -> T:
        """What `build` makes of this stack, made at the first call: an index of a room's own.

        That it was undecided is kept as well, or it would be tried again for each subject.
        """
        if build not in self._made:
            try:
                self._made[build] = build(self)
            except Undecided as undecided:
                self._made[build] = undecided
        made = self._made[build]
        if isinstance(made, Undecided):
            raise made.with_traceback(None)
        return made

    @cached_property
    def by_urn(self) -> dict[str, Item]:
        return {item.urn: item for item in self.items}

    @cached_property
    def _by_type(self) -> dict[str, list[Item]]:
        found: defaultdict[str, list[Item]] = defaultdict(list)
        for item in self.items:
            found[item.type].append(item)
        return found

    @cached_property
    def _by_link(self) -> dict[tuple[str, str, str], list[Item]]:
        found: defaultdict[tuple[str, str, str], list[Item]] = defaultdict(list)
        for item in self.items:
            for name, urns in item.links.items():
                for urn in urns:
                    found[item.type, name, urn].append(item)
        return found

    def of(self, *types: str) -> list[Item]:
        """The items of these types, in the stack's order."""
        return [item for type_ in types for item in self._by_type.get(type_, ())]

    def parts(self, type_: str, name: str, subject: Item) -> list[Item]:
        """Items of `type_` whose input `name` is taken from `subject`: a bucket's policy."""
        return self._by_link.get((type_, name, subject.urn), [])

    def sources(self, item: Item, name: str, *types: str) -> list[Item]:
        """The items (of these types, if any are named) that an input of `item` is taken from."""
        found = [self.by_urn[u] for u in sorted(item.links.get(name, ())) if u in self.by_urn]
        return [each for each in found if not types or each.type in types]

    @property
    def tags(self) -> list[tuple[Item, dict[str, str]]]:
        """Each AWS provider with the tags that it gives to everything."""
        return [(item, _tags(item)) for item in self.of("pulumi:providers:aws")]

    @cached_property
    def serves_customers(self) -> bool:
        """What the stack says of itself through its provider's tags."""
        return any(tags.get("serves-customers") == "true" for _, tags in self.tags)


def _tags(provider: Item) -> dict[str, str]:
    # Provider settings that are no scalars arrive as JSON text.
    value = provider.props.at("defaultTags") or {}
    if isinstance(value, str):
        value = json.loads(value)
    return dict(value.get("tags") or {})


@dataclass(frozen=True, kw_only=True)
class _Stated:
    """What every rule states.

    sentence: the demand, as the report prints it. types: what it judges; the denominator.
    requirements: ids of the guide's requirements that it guards.
    controls: ids of recognised frameworks, each "<framework> <id>" as in controls.yaml.
    why: what happens to people where it is broken. fix: what to do, the tail of a message.
    url: where that is explained. evidence: dotted paths of the properties that prove a verdict.
    """

    name: str
    sentence: str
    types: tuple[str, ...]
    severity: Severity
    requirements: tuple[str, ...]
    controls: tuple[str, ...] = ()
    why: str = ""
    fix: str
    url: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rule(_Stated):
    """A rule over one resource at a time; `judge` yields what is wrong, in words.

    remedy: dotted path -> the value that is right wherever the rule is broken. Only where setting
    it loses nothing and replaces nothing.
    """

    judge: Callable[[Props], Iterable[str]]
    remedy: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StackRule(_Stated):
    """A rule that joins resources: `judge` yields what is wrong with one subject of its stack."""

    judge: Callable[[Item, Stack], Iterable[str]]


class NotApplicable(Exception):
    """A resource has the rule's type and yet nothing to judge; the message says why."""
