"""Pictures of a deployment, from its own resources: what it is made of, and who reaches whom.

Only the data stands here; reports/drawing.py lays it out. Without a state there are no links
between resources, so there is no picture, and the report says so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from rules.model import ROOT as STACK
from rules.model import Item, Props, Stack
from rules.network import reachability

from reports.model import Edge, Node, Picture
from reports.run import Run, shown


def of(run: Run, state: Mapping[str, Any] | None) -> tuple[Picture, ...]:
    """Architecture and reachability, or nothing where the state is not given."""
    if state is None:
        return ()
    stack = stack_of(state, run)
    return (architecture(stack), reached(stack))


def stack_of(state: Mapping[str, Any], run: Run) -> Stack:
    """The exported state's resources as rules see them, secrets hidden."""
    resources = (state.get("deployment") or {}).get("resources") or []
    return Stack(
        items=tuple(_item(each) for each in resources if not each.get("delete")),
        today=run.ended.date(),
    )


def _item(resource: Mapping[str, Any]) -> Item:
    return Item(
        type=resource["type"],
        name=resource["urn"].split("::", 3)[3],
        urn=resource["urn"],
        props=Props(shown(resource.get("inputs") or {})),
        links={
            key: frozenset(urns)
            for key, urns in (resource.get("propertyDependencies") or {}).items()
            if urns
        },
        protect=bool(resource.get("protect")),
        parent=resource.get("parent") or "",
    )


def architecture(stack: Stack) -> Picture:
    """The components below the stack, and which takes something of which."""
    owner = _owners(stack)
    made: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for item in stack.items:
        if item.urn in owner and not item.type.startswith("arches:"):
            made[owner[item.urn]][_kind(item.type)] += 1
    edges: Counter[tuple[str, str]] = Counter()
    for item in stack.items:
        for urn in {urn for urns in item.links.values() for urn in urns}:
            source, target = owner.get(item.urn), owner.get(urn)
            if source and target and source != target:
                edges[source, target] += 1
    return Picture(
        title="What the deployment is made of",
        legend="An arrow leads from a component to one of which it takes inputs",
        nodes=tuple(
            Node(id=name, label=name, kind=_counted(kinds), group="")
            for name, kinds in sorted(made.items())
        ),
        edges=tuple(
            Edge(source=source, target=target, label=f"{count} input{'s' if count > 1 else ''}")
            for (source, target), count in sorted(edges.items())
        ),
    )


def _owners(stack: Stack) -> dict[str, str]:
    """URN -> name of the component right below the stack that it belongs to."""
    found: dict[str, str] = {}
    for item in stack.items:
        here = item
        while (above := stack.by_urn.get(here.parent)) is not None and above.type != STACK:
            here = above
        if here.type.startswith("arches:"):
            found[item.urn] = here.name
    return found


def _kind(token: str) -> str:
    return token.rsplit(":", 1)[-1]


def _counted(kinds: Counter[str]) -> str:
    most = [f"{count} {kind}" for kind, count in kinds.most_common(3)]
    rest = sum(kinds.values()) - sum(count for _, count in kinds.most_common(3))
    return ", ".join([*most, f"{rest} more"] if rest else most)


def reached(stack: Stack) -> Picture:
    """Who may open a connection to whom, as the security groups and network policies say."""
    edges = tuple(
        Edge(source=each.source, target=each.target, label=each.ports)
        for each in reachability.edges(stack)
    )
    return Picture(
        title="Who reaches whom",
        legend="An arrow leads from the one that may open a connection to the one that answers; "
        "routes, security groups and network policies let it through",
        nodes=tuple(_ends(edges)),
        edges=edges,
    )


def _ends(edges: Iterable[Edge]) -> Iterable[Node]:
    names = sorted({end for edge in edges for end in (edge.source, edge.target)})
    return (Node(id=name, label=name, kind="", group="") for name in names)
