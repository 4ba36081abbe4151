"""What one engine run says: its resources and the policy pack's verdicts, from the event log.

Nothing is judged again. `read` refuses a log that is not whole, since a report of half a run would
look like one of all of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rules import outcomes

# sdk/go/common/resource: how the engine marks what it does not show.
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SECRET = "[secret]"
UNKNOWN = "(not known until deployed)"
# Steps of one replacement; the last one carries what is there afterwards.
_GONE = ("delete", "delete-replaced", "discard", "discard-replaced", "remove-pending-replace")


class Damaged(ValueError):
    """An event log or a state that is no whole account of a run; one line."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource as the run leaves it, or would leave it. Secrets and unknowns are marked."""

    urn: str
    type: str
    name: str
    parent: str
    protect: bool
    operation: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a rule said of one resource."""

    rule: str
    urn: str
    level: str
    outcome: outcomes.Outcome
    text: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """One `preview` or `up`: what it was over, what it would change, and each verdict.

    passed: URN -> rules over one resource that it passed. joined: rules over the stack that were
    judged. gone: URN -> "delete" or "replace", for what the run takes away.
    """

    kind: str
    stack: str
    project: str
    ended: datetime
    result: str
    seconds: int
    changes: Mapping[str, int]
    pack: str
    resources: Mapping[str, Resource]
    passed: Mapping[str, frozenset[str]]
    joined: frozenset[str]
    findings: tuple[Finding, ...]
    gone: Mapping[str, str] = field(default_factory=dict)


def load(path: Path) -> Run:
    """The run of an event log's file. Raises Damaged."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as problem:
        raise Damaged(f"{path.name}: cannot be read: {problem.strerror}") from None
    events: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        try:
            events.append(json.loads(line))
        except ValueError:
            raise Damaged(
                f"{path.name}: line {number} is no JSON: the run was cut off; run it again"
            ) from None
    return read(events, path.name)


def read(events: Iterable[Mapping[str, Any]], name: str = "events") -> Run:
    """The run that these engine events tell of. Raises Damaged."""
    resources: dict[str, Resource] = {}
    passed: dict[str, frozenset[str]] = {}
    findings: dict[Finding, None] = {}
    gone: dict[str, str] = {}
    joined: frozenset[str] | None = None
    summary: Mapping[str, Any] | None = None
    packs: set[str] = set()
    ended = 0
    for event in events:
        ended = max(ended, int(event.get("timestamp", 0)))
        if metadata := (event.get("resourcePreEvent") or {}).get("metadata"):
            _note(metadata, resources, gone)
        if metadata := (event.get("resOutputsEvent") or {}).get("metadata"):
            _note(metadata, resources, {})
        if said := event.get("policyEvent"):
            findings[finding(said)] = None
        if judged := event.get("policyAnalyzeSummaryEvent"):
            passed[judged["resourceUrn"]] = frozenset(judged.get("passed") or ())
            packs.add(f"{judged['policyPackName']} {judged['policyPackVersion']}")
        if judged := event.get("policyAnalyzeStackSummaryEvent"):
            names = (*(judged.get("passed") or ()), *(judged.get("failed") or ()))
            joined = (joined or frozenset()) | frozenset(names)
        summary = event.get("summaryEvent") or summary
    _whole(name, summary, joined, resources, passed)
    assert summary is not None
    assert joined is not None
    first = next(iter(resources))
    stack, project = first.split(":", 3)[2], first.split("::", 2)[1]
    return Run(
        kind="preview" if summary.get("isPreview") else "deployed",
        stack=stack,
        project=project,
        ended=datetime.fromtimestamp(ended, UTC),
        result=str(summary.get("result", "")),
        seconds=int(summary.get("durationSeconds", 0)),
        changes=dict(sorted((summary.get("resourceChanges") or {}).items())),
        pack=", ".join(sorted(packs)),
        resources=resources,
        passed=passed,
        joined=joined,
        findings=tuple(findings),
        gone=gone,
    )


def _whole(
    name: str,
    summary: Mapping[str, Any] | None,
    joined: frozenset[str] | None,
    resources: Mapping[str, Resource],
    passed: Mapping[str, frozenset[str]],
) -> None:
    if not resources:
        raise Damaged(f"{name}: tells of no resource; allowed: the event log of a preview or an up")
    if summary is None:
        raise Damaged(f"{name}: has no end: the run was cut off; run it again")
    if joined is None:
        raise Damaged(
            f"{name}: no rule over the whole stack was judged: the run had no policy pack, or "
            "ended before it; run it again with --policy-pack policies"
        )
    unjudged = [urn for urn in resources if urn not in passed]
    if unjudged:
        raise Damaged(
            f"{name}: {len(unjudged)} resources were never judged, the first is {unjudged[0]}; run "
            "it again with --policy-pack policies"
        )


def _note(
    metadata: Mapping[str, Any], resources: dict[str, Resource], gone: dict[str, str]
) -> None:
    urn, operation, new = metadata["urn"], metadata["op"], metadata.get("new")
    if operation in _GONE:
        gone.setdefault(urn, "delete")
        return
    if operation in ("replace", "create-replacement"):
        gone[urn] = "replace"
    if new is None:
        return
    resources[urn] = Resource(
        urn=urn,
        type=new["type"],
        name=urn.split("::", 3)[3],
        parent=new.get("parent") or "",
        protect=bool(new.get("protect")),
        operation="replace" if operation == "create-replacement" else operation,
        inputs=shown(new.get("inputs") or {}),
    )


def finding(said: Mapping[str, Any]) -> Finding:
    """The finding of one of the engine's policy events."""
    told = outcomes.read(said["message"])
    return Finding(
        rule=said["policyName"],
        urn=said.get("resourceUrn", ""),
        level=said["enforcementLevel"],
        outcome=told.outcome,
        text=told.text,
    )


def shown(value: Any) -> Any:
    """A value as anybody may read it: secrets and unknown values become a mark."""
    if isinstance(value, Mapping):
        if _SIGNATURE in value:
            return SECRET
        return {key: shown(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shown(inner) for inner in value]
    return UNKNOWN if value == _UNKNOWN else value


def at(inputs: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    """(path, value) of what stands at a dotted path; `*` is every item of a list or mapping."""
    yield from _at(inputs, path.split("."), ())


def _at(value: Any, way: list[str], been: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if not way:
        yield ".".join(been), value
        return
    first, *rest = way
    if isinstance(value, Mapping):
        keys = sorted(value) if first == "*" else [first] if first in value else []
        for key in keys:
            yield from _at(value[key], rest, (*been, str(key)))
    elif isinstance(value, list):
        places = range(len(value)) if first == "*" else [int(first)] if first.isdigit() else []
        for place in places:
            if place < len(value):
                yield from _at(value[place], rest, (*been, str(place)))
    elif value in (SECRET, UNKNOWN):
        yield ".".join(been), value
