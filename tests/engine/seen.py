"""What a run did and left, as plain values that tests compare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rehearsal import summary
from rehearsal.session import Session

Events = list[dict[str, Any]]
REAL = ("aws:", "kubernetes:")  # what the account keeps; random values live in the state alone


def changes(events: Events) -> dict[str, str]:
    """Name -> operation, of everything that is not left as it is."""
    done = summary.operations(events)
    return {name_of(urn): operation for urn, operation in done.items() if operation != "same"}


def found_by_refresh(events: Events) -> dict[str, str]:
    """Name -> "update" or "delete", of what a refresh found to be other than the state says."""
    steps = ((event.get("resOutputsEvent") or {}).get("metadata") for event in events)
    return {
        name_of(step["urn"]): step["op"]
        for step in steps
        if step and step["op"] in ("create", "update", "delete")
    }


def disagreements(opened: Session) -> list[str]:
    """Where state and account differ: what only one of them has, and what one of them has twice."""
    resources = opened.state()["deployment"].get("resources") or []
    inside = [(r["urn"], r["id"]) for r in resources if r["custom"] and r["type"].startswith(REAL)]
    outside = [(r.urn, r.id) for r in opened.account.all()]
    found = [f"only in the state: {each}" for each in set(inside) - set(outside)]
    found += [f"only in the account: {each}" for each in set(outside) - set(inside)]
    for place, pairs in (("state", inside), ("account", outside)):
        urns = [urn for urn, _ in pairs]
        found += [f"twice in the {place}: {urn}" for urn in set(urns) if urns.count(urn) > 1]
    return sorted(found)


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def name_of(urn: str) -> str:
    return urn.split("::", 3)[3]


def strings(value: Any) -> Iterator[str]:
    """Every string inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
