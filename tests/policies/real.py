"""The recorded environments as the policy pack sees a stack: what mutants are made from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from rules.adapter import findings, joined
from rules.model import ROOT, Item, NotApplicable, Props, Rule, Stack, StackRule
from rules.outcomes import Said

from tests.recorder import PROJECT, Recorder

# Far from no end of support that the rules know, and the same for every run of the tests.
TODAY = date(2026, 11, 21)


_KEPT: dict[int, tuple[Recorder, tuple[Item, ...]]] = {}


def items_of(made: Recorder, stack: str) -> tuple[Item, ...]:
    """Every resource as a preview would hand it over, secrets hidden, the stack itself first.

    Made once for a recording, which is held beside them so that its place stays its own.
    """
    if id(made) not in _KEPT:
        _KEPT[id(made)] = made, _items(made, stack)
    return _KEPT[id(made)][1]


def _items(made: Recorder, stack: str) -> tuple[Item, ...]:
    root = Item(
        type=ROOT,
        name=f"{PROJECT}-{stack}",
        urn=f"urn:pulumi:{stack}::{PROJECT}::{ROOT}::{PROJECT}-{stack}",
        props=Props({}),
    )
    return (
        root,
        *(
            Item(
                type=each.type,
                name=each.name,
                urn=each.urn,
                props=Props(each.clear),
                links=each.property_dependencies,
                protect=each.protect,
                parent=each.parent,
            )
            for each in made.registrations
        ),
    )


def stack_of(items: tuple[Item, ...]) -> Stack:
    """The stack on the day of the tests."""
    return Stack(items=items, today=TODAY)


def told(rule: Rule | StackRule, stack: Stack) -> Iterator[tuple[Item, Said]]:
    """What a rule says of each resource that it judges, undecided values and errors too."""
    if isinstance(rule, StackRule):
        yield from joined(rule, stack)
        return
    for item in stack.of(*rule.types):
        try:
            for said in findings(rule, item.props):
                yield item, said
        except NotApplicable:
            continue
