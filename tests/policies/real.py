"""The recorded environments as the policy pack sees a stack: what mutants are made from."""

from __future__ import annotations

from datetime import date

from rules.model import ROOT, Item, Props, Stack

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
