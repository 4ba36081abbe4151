"""Mutants: a real environment with exactly one thing broken, and what a rule must say of it.

`make mutate` and the tests run the same mutants. A room of rules has its mutants in the file of the
same name under `tests/policies/mutants/`. Each starts from a recorded `Pulumi.<stack>.yaml`, so a
mutant whose resource is gone from the program fails loudly instead of proving nothing.
"""

from __future__ import annotations

import copy
import fnmatch
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rules.model import Item, Props, Rule, StackRule

from tests.policies.real import stack_of, told


class NoSuchResource(AssertionError):
    """The mutant's resource is not in the environment: the mutant proves nothing."""


class Draft:
    """An environment's resources while they are broken; only what is touched is copied."""

    def __init__(self, items: tuple[Item, ...]) -> None:
        self.items = list(items)
        self.touched: set[str] = set()

    def find(self, type_: str, name: str = "*") -> list[int]:
        """Places of the resources of a type whose name fits; at least one."""
        found = [
            place
            for place, item in enumerate(self.items)
            if item.type == type_ and fnmatch.fnmatchcase(item.name, name)
        ]
        if not found:
            raise NoSuchResource(f"no {type_} named {name} is in this environment")
        return found

    def change(self, type_: str, name: str, edit: Callable[[dict[str, Any]], None]) -> None:
        """Edit the properties of the first resource that fits."""
        place = self.find(type_, name)[0]
        item = self.items[place]
        values = _thawed(item.props)
        edit(values)
        self._set(place, replace(item, props=Props(values)))

    def swap(self, type_: str, name: str, **fields: Any) -> None:
        """Replace fields of the first item that fits: protect, links, parent, name."""
        place = self.find(type_, name)[0]
        self._set(place, replace(self.items[place], **fields))

    def _set(self, place: int, item: Item) -> None:
        self.items[place] = item
        self.touched.add(item.urn)


def _thawed(value: Any) -> Any:
    if isinstance(value, Mapping):
        inner = value._values if isinstance(value, Props) else value
        return {key: _thawed(each) for key, each in inner.items()}
    return [_thawed(each) for each in value] if isinstance(value, list) else copy.copy(value)


Change = Callable[[Draft], None]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One thing broken in a real environment.

    says: every finding of the rule, the remedy left out. at: the name of the resource that they are
    about, if it is not the one that was changed.
    """

    rule: str
    title: str
    change: Change
    says: tuple[str, ...]
    stack: str = "prod"
    at: str = ""

    def told(self, rule: Rule | StackRule, items: tuple[Item, ...]) -> list[tuple[str, str]]:
        """(resource's name, finding) as the rule tells them, unknown values and errors too."""
        draft = Draft(items)
        self.change(draft)
        tail = f"; {rule.fix}"
        # A rule over one resource says of all others what it said before.
        asked = [
            each for each in draft.items if isinstance(rule, StackRule) or each.urn in draft.touched
        ]
        found = told(rule, stack_of(tuple(asked)))
        return [(item.name, said.text.removesuffix(tail)) for item, said in found]

    def survives(self, rule: Rule | StackRule, items: tuple[Item, ...]) -> str:
        """Why the rule did not kill it, "" where it did."""
        try:
            told = self.told(rule, items)
        except NoSuchResource as gone:
            return str(gone)
        said = tuple(text for _, text in told)
        if said != self.says:
            return f"the rule says {list(said)}, expected {list(self.says)}"
        wrong = [name for name, _ in told if self.at and name != self.at]
        return f"the rule blames {wrong}, expected {self.at}" if wrong else ""


# -- the ways to break something -----------------------------------------------------------------
def put(type_: str, path: str, value: Any, name: str = "*") -> Change:
    """Set what stands at a dotted path (lists by index) of the first resource that fits."""
    return lambda draft: draft.change(type_, name, lambda values: set_at(values, path, value))


def drop(type_: str, path: str, name: str = "*") -> Change:
    """Take away what stands at a dotted path."""

    def edit(values: dict[str, Any]) -> None:
        *way, last = path.split(".")
        here = _walk(values, way)
        del here[int(last) if isinstance(here, list) else last]

    return lambda draft: draft.change(type_, name, edit)


def edit(type_: str, change: Callable[[dict[str, Any]], None], name: str = "*") -> Change:
    """Any edit of the properties of the first resource that fits."""
    return lambda draft: draft.change(type_, name, change)


def document(
    type_: str, path: str, change: Callable[[dict[str, Any]], None], name: str = "*"
) -> Change:
    """Edit the JSON document that stands as text at a dotted path."""

    def edited(values: dict[str, Any]) -> None:
        *way, last = path.split(".")
        here = _walk(values, way)
        found = json.loads(here[last])
        change(found)
        here[last] = json.dumps(found)

    return lambda draft: draft.change(type_, name, edited)


def without(type_: str, name: str = "*") -> Change:
    """Take every resource away that fits."""

    def remove(draft: Draft) -> None:
        gone = set(draft.find(type_, name))
        draft.items = [item for place, item in enumerate(draft.items) if place not in gone]

    return remove


def unlink(type_: str, input_: str, name: str = "*") -> Change:
    """An input of the first resource that fits comes from nowhere in the stack."""

    def cut(draft: Draft) -> None:
        item = draft.items[draft.find(type_, name)[0]]
        links = {key: urns for key, urns in item.links.items() if key != input_}
        draft.swap(type_, name, links=links)

    return cut


def unprotect(type_: str, name: str = "*") -> Change:
    """The first resource that fits loses its protection in Pulumi."""
    return lambda draft: draft.swap(type_, name, protect=False)


def add(
    type_: str,
    name: str,
    props: Mapping[str, Any],
    links: Mapping[str, tuple[str, str]] | None = None,
) -> Change:
    """One more resource; links: input -> (type, name pattern) of the resource it comes from."""

    def append(draft: Draft) -> None:
        sources = {
            key: frozenset({draft.items[draft.find(*source)[0]].urn})
            for key, source in (links or {}).items()
        }
        urn = f"{draft.items[0].urn.rsplit('::', 2)[0]}::{type_}::{name}"
        item = Item(type=type_, name=name, urn=urn, props=Props(dict(props)), links=sources)
        draft.items.append(item)
        draft.touched.add(urn)

    return append


def several(*changes: Change) -> Change:
    """Changes that only together make one mistake."""

    def all_of_them(draft: Draft) -> None:
        for change in changes:
            change(draft)

    return all_of_them


def set_at(values: Any, path: str, value: Any) -> None:
    """Set what stands at a dotted path, making mappings on the way."""
    *way, last = path.split(".")
    here = _walk(values, way)
    here[int(last) if isinstance(here, list) else last] = value


def _walk(values: Any, way: list[str]) -> Any:
    for part in way:
        values = values[int(part)] if isinstance(values, list) else values.setdefault(part, {})
    return values
