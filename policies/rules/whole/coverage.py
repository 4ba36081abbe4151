"""Every type of resource is judged by a rule, or excused with a reason: nothing passes unseen.

Without this rule a queue that somebody adds tomorrow would be in no report: no rule knows its type,
so none refuses it. `types.yaml` says which types need no judging, and which can never be excused.
The type of a List says nothing of what it holds, so its objects are counted as if they stood alone.
"""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from rules.kubernetes import LISTS, Object, objects
from rules.model import ROOT, Item, Rule, Stack, StackRule, Undecided

FILE = Path(__file__).parents[2] / "types.yaml"


class TypesError(ValueError):
    """The file of types cannot be used; one line that says where and what is allowed."""


@dataclass(frozen=True, kw_only=True)
class Types:
    """What `types.yaml` says, as patterns of types: `*` and `?` stand for anything.

    excused: pattern -> why there is nothing to judge. must_be_judged: pattern -> what such a
    resource holds or opens; no excuse counts.
    """

    excused: Mapping[str, str]
    must_be_judged: Mapping[str, str]

    def missing(self, type_: str, judged: frozenset[str]) -> str:
        """What is wrong with a type that no rule judges, "" where nothing is."""
        if type_ in judged:
            return ""
        if holds := _matching(type_, self.must_be_judged):
            return f"{holds} and no rule judges it"
        return "" if _matching(type_, self.excused) else "is judged by no rule and not excused"


def _matching(type_: str, patterns: Mapping[str, str]) -> str:
    return next((why for each, why in patterns.items() if fnmatch.fnmatchcase(type_, each)), "")


def read(path: Path = FILE) -> Types:
    """The types of a file. Raises TypesError, a line for the first mistake."""
    try:
        found: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        excused, must = _flat(found["excused"]), _flat(found["must_be_judged"])
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as problem:
        raise TypesError(
            f"{path.name}: allowed are `excused` and `must_be_judged`, each a mapping of reasons "
            f"to lists of types: {' '.join(str(problem).split())}"
        ) from None
    both = sorted(set(excused) & set(must))
    if both:
        raise TypesError(f"{path.name}: {both[0]} holds data or opens a door: it cannot be excused")
    return Types(excused=excused, must_be_judged=must)


def _flat(groups: Mapping[str, list[str]]) -> dict[str, str]:
    flat: dict[str, str] = {}
    for reason, patterns in groups.items():
        for pattern in patterns:
            if pattern in flat:
                raise ValueError(f"{pattern} stands twice")
            flat[pattern] = reason
    return flat


@cache
def _types() -> Types:
    return read()


def excused() -> Mapping[str, str]:
    """Pattern of types -> why nothing is judged of them."""
    return _types().excused


@cache
def judged() -> frozenset[str]:
    """Every type that a rule of the pack judges; the stack as a whole judges no type."""
    from rules import RULES

    return frozenset(type_ for rule in RULES for type_ in rule.types if type_ != ROOT)


@cache
def _judged_in_lists() -> frozenset[str]:
    """Every type of which a rule also judges the objects of a List."""
    from rules import RULES

    return frozenset(
        type_ for rule in RULES if set(LISTS) <= set(rule.types) for type_ in rule.types
    )


def _covered(_root: Item, stack: Stack) -> Iterator[str]:
    for type_, count in sorted(Counter(item.type for item in stack.items).items()):
        if type_ != ROOT and (wrong := _types().missing(type_, judged())):
            yield f"{type_} ({count} {'resource' if count == 1 else 'resources'}) {wrong}"
    yield from _covered_in_lists(stack)


def _covered_in_lists(stack: Stack) -> Iterator[str]:
    found: Counter[str] = Counter()
    waiting: list[Undecided] = []
    for item in stack.of(*LISTS):
        try:
            for each in objects(item.props):
                type_ = _type_of(each)
                if type_:
                    found[type_] += 1
                else:
                    yield f"{item.name} holds what is of no kind at {each.path.rstrip('.')}"
        except Undecided as undecided:
            waiting.append(undecided)
    for type_, count in sorted(found.items()):
        if wrong := _types().missing(type_, _judged_in_lists()):
            yield f"{type_} ({count} in a List) {wrong}"
    if waiting:
        raise waiting[0]


def _type_of(each: Object) -> str:
    """The type that an object of a List would have alone, "" where the API server takes it not."""
    version = str(each.props.at("apiVersion", ""))
    if not each.kind or not version:
        return ""
    return f"kubernetes:{version if '/' in version else f'core/{version}'}:{each.kind}"


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="types-covered",
        sentence="Every type of resource is judged by a rule, or excused with a reason.",
        types=(ROOT,),
        severity="high",
        requirements=("CHK-SEC-05",),
        controls=("ISO27001 A.5.9", "ISO27001 A.8.9", "SOC2 CC7.1"),
        why="What no rule looks at may hold customers' data in the open and turn no report red.",
        fix="write a rule for it, or excuse it with its reason in policies/types.yaml",
        url="https://docs.aws.amazon.com/config/latest/developerguide/resource-config-reference.html",
        judge=_covered,
    ),
)
