"""Virtual time: how long the real deployment will take, and which chain of resources decides it.

Nobody waits. Each resource begins when everything it depends on has ended, and takes what its type
takes on real AWS (`durations.yaml`); the longest path over that graph is the deployment.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

DURATIONS = Path(__file__).with_name("durations.yaml")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One resource's operation: "create", "update", "replace", "delete-replace" or "delete".

    waits_for: URNs of what must end before it begins. changed: top-level inputs that an update
    changes.
    """

    urn: str
    operation: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    waits_for: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        return self.urn.split("::")[2].split("$")[-1]

    @property
    def name(self) -> str:
        return self.urn.split("::", 3)[3]


@dataclass(frozen=True, kw_only=True)
class Timed:
    """A step with its place in virtual time, in seconds from the beginning."""

    step: Step
    begins: float
    ends: float
    after: str | None  # the URN that it waited for last

    @property
    def seconds(self) -> float:
        return self.ends - self.begins


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Every timed step; `critical` is the chain that decides, first step first."""

    steps: dict[str, Timed]
    critical: list[Timed]
    estimated: frozenset[str]  # types whose figure is an estimate

    @property
    def seconds(self) -> float:
        return self.critical[-1].ends if self.critical else 0.0


@functools.cache
def table() -> dict[str, Any]:
    """`durations.yaml` as it is."""
    return yaml.safe_load(DURATIONS.read_text(encoding="utf-8"))


def seconds(step: Step) -> float:
    """How long one step takes."""
    entry = {**table()["default"], **table()["types"].get(step.type, {})}
    if step.operation == "same" or not step.type.startswith(("aws:", "kubernetes:")):
        return 0.0
    for case in entry.get("when", ()):
        if all(step.inputs.get(key) == value for key, value in case["if"].items()):
            entry = {**entry, **case}
            break
    if step.operation == "update":
        by_change = entry.get("changes", {})
        return float(max((by_change.get(c, 0) for c in step.changed), default=0) or entry["update"])
    if step.operation == "delete-replace":
        return float(entry["delete"] + entry["create"])
    if step.operation == "replace":
        return float(entry["create"])
    return float(entry[step.operation])


def is_estimate(type_: str) -> bool:
    """Whether a type's figure was judged and not seen."""
    entry = table()["types"].get(type_, table()["default"])
    return bool(entry.get("est"))


def schedule(steps: Iterable[Step]) -> Timeline:
    """Place every step as early as its dependencies allow. Raises ValueError on a cycle."""
    by_urn = {step.urn: step for step in steps}
    timed: dict[str, Timed] = {}
    visiting: set[str] = set()

    def place(urn: str) -> Timed:
        stack = [urn]
        while stack:
            here = stack[-1]
            if here in timed:
                stack.pop()
                continue
            step = by_urn[here]
            waiting = [w for w in step.waits_for if w in by_urn and w not in timed and w != here]
            if waiting:
                if here in visiting:
                    raise ValueError(f"{here} waits for itself through {waiting[0]}")
                visiting.add(here)
                stack.extend(waiting)
                continue
            visiting.discard(here)
            before = [timed[w] for w in step.waits_for if w in timed]
            last = max(before, key=lambda t: t.ends, default=None)
            begins = last.ends if last else 0.0
            timed[here] = Timed(
                step=step,
                begins=begins,
                ends=begins + seconds(step),
                after=last.step.urn if last else None,
            )
            stack.pop()
        return timed[urn]

    for urn in by_urn:
        place(urn)
    return Timeline(
        steps=timed,
        critical=_critical(timed),
        estimated=frozenset(
            t.step.type for t in timed.values() if t.seconds and is_estimate(t.step.type)
        ),
    )


def _critical(timed: Mapping[str, Timed]) -> list[Timed]:
    if not timed:
        return []
    here: Timed | None = max(timed.values(), key=lambda t: t.ends)
    chain: list[Timed] = []
    while here is not None:
        if here.seconds:
            chain.append(here)
        here = timed.get(here.after) if here.after else None
    return chain[::-1]


# -- from what the engine says -------------------------------------------------------------------
_OPERATIONS = {
    "create": "create",
    "update": "update",
    "create-replacement": "replace",
    "replace": "replace",
}
_OLD = " (old)"  # tells the deletion of a replaced resource from the making of its successor


def of_preview(document: Mapping[str, Any]) -> list[Step]:
    """The steps of `pulumi preview --json` that take time, with their dependencies.

    The engine deletes what is replaced or gone when everything else is done, dependents first; a
    resource that must go before its replacement comes is one step of both.
    """
    made: set[str] = set()
    first_deleted: set[str] = set()
    steps: list[Step] = []
    deleted: list[Mapping[str, Any]] = []
    for raw in document.get("steps", []):
        urn, operation, state = raw["urn"], raw["op"], raw.get("newState")
        if operation == "delete-replaced" and urn not in made:
            first_deleted.add(urn)
        elif operation in ("delete", "delete-replaced"):
            deleted.append(raw.get("oldState") or {"urn": urn})
        elif state is not None and operation in ("create", "update", "create-replacement", "same"):
            made.add(urn)
            known = _OPERATIONS.get(operation, "same")
            steps.append(
                Step(
                    urn=urn,
                    operation="delete-replace" if urn in first_deleted else known,
                    inputs=state.get("inputs") or {},
                    waits_for=dependencies(state),
                    changed=tuple({_head(path) for path in raw.get("diffReasons") or ()}),
                )
            )
    return steps + _deletions(deleted, tuple(step.urn for step in steps), _OLD)


def _deletions(
    states: Iterable[Mapping[str, Any]], after: tuple[str, ...] = (), mark: str = ""
) -> list[Step]:
    states = list(states)
    users: dict[str, list[str]] = {state["urn"]: [] for state in states}
    for state in states:
        for urn in dependencies(state):
            if urn in users:
                users[urn].append(state["urn"] + mark)
    return [
        Step(
            urn=state["urn"] + mark,
            operation="delete",
            inputs=state.get("inputs") or {},
            waits_for=(*after, *users[state["urn"]]),
        )
        for state in states
    ]


def _head(path: str) -> str:
    return path.split(".")[0].split("[")[0]


def of_state(
    state: Mapping[str, Any],
    operations: Mapping[str, str] | None = None,
    changed: Mapping[str, Iterable[str]] | None = None,
) -> list[Step]:
    """The steps of an `up` from the exported state, the operation of each URN and changed paths.

    Without operations every resource is taken as created.
    """
    steps = []
    for resource in state["deployment"].get("resources", []):
        urn = resource["urn"]
        operation = "create" if operations is None else operations.get(urn, "")
        steps.append(
            Step(
                urn=urn,
                operation=_OPERATIONS.get(operation, "same"),
                inputs=resource.get("inputs") or {},
                waits_for=dependencies(resource),
                changed=tuple({_head(path) for path in (changed or {}).get(urn, ())}),
            )
        )
    return steps


def of_destroy(state: Mapping[str, Any]) -> list[Step]:
    """The steps of a `destroy`: each resource waits for everything that depends on it."""
    return _deletions(state["deployment"].get("resources", []))


def dependencies(state: Mapping[str, Any]) -> tuple[str, ...]:
    """URNs that a resource waits for: its inputs' sources, dependsOn, its parent, its provider.

    A component is no work of its own: its children wait for what it waits for.
    """
    found = list(state.get("dependencies") or [])
    parent = state.get("parent")
    if parent:
        found.append(parent)
    provider = state.get("provider")
    if provider:
        found.append(provider.rsplit("::", 1)[0])
    return tuple(dict.fromkeys(found))


def minutes(value: float) -> str:
    """Seconds as m:ss."""
    whole = round(value)
    return f"{whole // 60}:{whole % 60:02d}"
