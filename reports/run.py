"""What one engine run says: its resources and the policy pack's verdicts, from the event log.

Nothing is judged again. `read` refuses a log that is not whole, since a report of half a run would
look like one of all of it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from rules import outcomes

from reports import digests

# sdk/go/common/resource: how the engine marks what it does not show.
SIGNATURE = "4dabf18193072939515e22adb298388d"
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SECRET = "[secret]"
UNKNOWN = "(not known until deployed)"
# Steps of one replacement; the last one carries what is there afterwards.
_GONE = ("delete", "delete-replaced", "discard", "discard-replaced", "remove-pending-replace")
# The engine's summaries of what the pack judged, and of what it would have remedied.
_OF_ONE = "policyAnalyzeSummaryEvent"
_OF_ALL = "policyAnalyzeStackSummaryEvent"
_SUMMARIES = (_OF_ONE, _OF_ALL, "policyRemediateSummaryEvent")
_REPLACED = ("replace", "create-replacement", "import-replacement")


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

    pack: its name and version. known: every rule that the engine's summaries name; those of
    remedies name each rule over one resource, also where the stack has nothing of its types
    (NewRemediatePolicySummary of v3.259.0). passed: URN -> rules over one resource that it passed.
    gone: URN -> "delete" or "replace", for what the run takes away. digest: of its log.
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
    known: frozenset[str]
    passed: Mapping[str, frozenset[str]]
    findings: tuple[Finding, ...]
    gone: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""

    @cached_property
    def said(self) -> Mapping[tuple[str, str], Sequence[Finding]]:
        """(rule, URN) -> what the rule said of it."""
        found: defaultdict[tuple[str, str], list[Finding]] = defaultdict(list)
        for each in self.findings:
            found[each.rule, each.urn].append(each)
        return found

    @cached_property
    def by_type(self) -> Mapping[str, Sequence[str]]:
        """Type -> URNs, in the order of the run."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for urn, resource in self.resources.items():
            found[resource.type].append(urn)
        return found


def load(path: Path) -> Run:
    """The run of an event log's file. Raises Damaged."""
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise Damaged(f"{path.name}: cannot be read: {problem.strerror}") from None
    events: list[dict[str, Any]] = []
    for number, line in enumerate(content.splitlines(), 1):
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            raise Damaged(
                f"{path.name}: line {number} is no event: the run was cut off; run it again"
            )
        events.append(event)
    if b'"plaintext"' in content and in_clear(events):
        raise Damaged(f"{path.name}: holds secrets in clear; run it again without --show-secrets")
    return replace(read(events, path.name), digest=digests.of_bytes(content))


def read(events: Sequence[Mapping[str, Any]], name: str = "events") -> Run:
    """The run that these engine events tell of. Raises Damaged."""
    try:
        return _read(events, name)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as problem:
        if isinstance(problem, Damaged):
            raise
        raise Damaged(
            f"{name}: an event is not as the engine writes it ({type(problem).__name__} at "
            f"{problem}); run it again"
        ) from None


def _read(events: Sequence[Mapping[str, Any]], name: str) -> Run:
    _unbroken(events, name)
    resources: dict[str, Resource] = {}
    passed: dict[str, frozenset[str]] = {}
    findings: dict[Finding, None] = {}
    gone: dict[str, str] = {}
    # "" in place of a URN: of the whole stack.
    failed: set[tuple[str, str]] = set()
    known: set[str] = set()
    whole = False
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
        for kind in _SUMMARIES:
            if judged := event.get(kind):
                known.update(judged.get("passed") or (), judged.get("failed") or ())
                packs.add(f"{judged['policyPackName']} {judged['policyPackVersion']}")
        if judged := event.get(_OF_ONE):
            urn = judged["resourceUrn"]
            passed[urn] = frozenset(judged.get("passed") or ())
            failed |= {(urn, rule) for rule in judged.get("failed") or ()}
        if judged := event.get(_OF_ALL):
            whole = True
            failed |= {("", rule) for rule in judged.get("failed") or ()}
        if broken := event.get("resOpFailedEvent"):
            urn = broken["metadata"]["urn"]
            raise Damaged(f"{name}: the run failed at {urn}, so it tells of half a stack; mend it")
        summary = event.get("summaryEvent") or summary
    _whole(name, summary, whole, resources, passed)
    told = {(each.urn, each.rule) for each in findings} | {("", each.rule) for each in findings}
    if untold := sorted(failed - told):
        urn, rule = untold[0]
        raise Damaged(
            f"{name}: {rule} is broken by {urn or 'the stack'} and no event says how; run it again"
        )
    assert summary is not None
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
        known=frozenset(known),
        passed=passed,
        findings=tuple(findings),
        gone=gone,
    )


def _unbroken(events: Sequence[Mapping[str, Any]], name: str) -> None:
    """The engine numbers its events; one that is missing may have been a violation."""
    for place, event in enumerate(events):
        if event["sequence"] != place:
            raise Damaged(
                f"{name}: event {place} is missing or not in its place: the file was cut or "
                "edited; run it again"
            )


def _whole(
    name: str,
    summary: Mapping[str, Any] | None,
    whole: bool,
    resources: Mapping[str, Resource],
    passed: Mapping[str, frozenset[str]],
) -> None:
    if not resources:
        raise Damaged(f"{name}: tells of no resource; allowed: the event log of a preview or an up")
    if summary is None:
        raise Damaged(f"{name}: has no end: the run was cut off; run it again")
    if not whole:
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
    if operation in _REPLACED:
        gone[urn] = "replace"
    if new is None:
        return
    resources[urn] = Resource(
        urn=urn,
        type=new["type"],
        name=urn.split("::", 3)[3],
        parent=new.get("parent") or "",
        protect=bool(new.get("protect")),
        operation="replace" if operation in _REPLACED else operation,
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
        if SIGNATURE in value:
            return SECRET
        return {key: shown(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shown(inner) for inner in value]
    return UNKNOWN if value == _UNKNOWN else value


def in_clear(value: Any) -> bool:
    """Whether a secret stands as `--show-secrets` writes it."""
    if isinstance(value, dict):
        return (SIGNATURE in value and "plaintext" in value) or any(map(in_clear, value.values()))
    return isinstance(value, list) and any(map(in_clear, value))


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
