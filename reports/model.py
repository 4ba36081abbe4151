"""The report: plain data that every format is written from.

`as_data` gives the same JSON value for the same report; reports/schema.json, which `python -m
reports schema` writes, is the schema of it and the digest that `document` adds. A
verdict is what the later run settled: what a preview could not know, the run that deployed knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

# Of the schema: raised when a reader of the last one would misread.
VERSION = 1
Outcome = Literal["passed", "violated", "waived", "unknown", "error"]
Verdict = Literal["passed", "violated", "waived", "unknown", "error", "not applicable", "disabled"]
# The worst first: a rule's verdict is the worst of its resources'.
WORST: tuple[Outcome, ...] = ("error", "violated", "unknown", "waived", "passed")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What one rule says of one resource.

    before, after: in the preview and in the run that deployed, "" where there was none. said: the
    findings of the later run. evidence: property path -> its value as text, cut at 200 characters.
    """

    urn: str
    type: str
    name: str
    outcome: Outcome
    before: str
    after: str
    said: tuple[str, ...]
    evidence: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class RuleResult:
    """One rule of the pack and its verdict over the stack.

    version: digest of its room's files. counts: outcome -> resources.
    """

    name: str
    room: str
    sentence: str
    severity: str
    level: str
    version: str
    requirements: tuple[str, ...]
    controls: tuple[str, ...]
    types: tuple[str, ...]
    why: str
    fix: str
    url: str
    checklist: bool
    verdict: Verdict
    counts: Mapping[str, int]
    judged: tuple[Judged, ...]


@dataclass(frozen=True, kw_only=True)
class ControlResult:
    """One control of a recognised framework.

    verdict: the worst of its rules', or the kind of difference ("manual", "not applicable",
    "differs", "elsewhere") with its reason.
    """

    framework: str
    id: str
    title: str
    url: str
    verdict: str
    rules: tuple[str, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class FrameworkResult:
    """A framework and how much of it is answered. counts: verdict -> controls."""

    key: str
    title: str
    version: str
    url: str
    counts: Mapping[str, int]
    controls: tuple[ControlResult, ...]


@dataclass(frozen=True, kw_only=True)
class Traced:
    """One requirement of the guide: where it is met, what guards it, and what proves that."""

    id: str
    stands: str
    code: tuple[str, ...]
    rules: tuple[str, ...]
    tests: tuple[str, ...]
    verdict: str


@dataclass(frozen=True, kw_only=True)
class Departure:
    """A row of docs/guide.md: the guide says, we deploy, why."""

    number: str
    guide: str
    deployed: str
    why: str
    state: str


@dataclass(frozen=True, kw_only=True)
class WaiverRow:
    """A waiver of this stack and what it covers now.

    finding: pattern of the words that it accepts, "" for whatever the rule says of the resource.
    findings: how many it covers.
    """

    rule: str
    resource: str
    finding: str
    reason: str
    owner: str
    ticket: str
    expires: str
    findings: int


@dataclass(frozen=True, kw_only=True)
class TypeRow:
    """A resource type of the stack. reason: why nothing is judged of it, "" where a rule is."""

    type: str
    resources: int
    rules: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """One engine run that the report is made from.

    pack: the policy pack that judged it, as the run's log names it: its version ends in the first
    digits of the digest "pack", or the report is refused.
    """

    kind: str
    ended: str
    result: str
    seconds: int
    resources: int
    changes: Mapping[str, int]
    pack: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Score:
    """The environment in numbers.

    rules: verdict -> rules. checks: outcome -> pairs of rule and resource. share: rules passed of
    those that were judged, in percent with one decimal; waived and undecided ones are not passed.
    """

    share: float
    rules: Mapping[str, int]
    checks: Mapping[str, int]
    resources: int


@dataclass(frozen=True, kw_only=True)
class Past:
    """A report that was kept: what a trend is drawn from."""

    ended: str
    program: str
    share: float
    rules: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """Where another environment's report differs: a rule's verdict here and there."""

    rule: str
    here: str
    there: str


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A stateful resource that a run replaces or deletes."""

    urn: str
    type: str
    name: str
    operation: str


@dataclass(frozen=True, kw_only=True)
class Node:
    """A part of the deployment in a picture. group: the component that it belongs to."""

    id: str
    label: str
    kind: str
    group: str


@dataclass(frozen=True, kw_only=True)
class Edge:
    """An arrow of a picture."""

    source: str
    target: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture that is drawn from the deployment's own resources. legend: what an arrow says."""

    title: str
    legend: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything an auditor is told of one environment.

    digests: what it was made from, name -> "sha256:..."; see reports/digests.py. The runs' logs
    name the same "pack". "program", "configuration" and "writer" are those of the checkout that
    wrote the report: no log names the program.
    """

    version: int
    project: str
    stack: str
    ended: str
    score: Score
    digests: Mapping[str, str]
    runs: tuple[RunRow, ...]
    rules: tuple[RuleResult, ...]
    frameworks: tuple[FrameworkResult, ...]
    requirements: tuple[Traced, ...]
    departures: tuple[Departure, ...]
    waivers: tuple[WaiverRow, ...]
    types: tuple[TypeRow, ...]
    losses: tuple[Loss, ...]
    trend: tuple[Past, ...]
    compared_with: str
    differences: tuple[Elsewhere, ...]
    pictures: tuple[Picture, ...]


def as_data(report: Report) -> dict[str, Any]:
    """The report as JSON values."""
    return to_jsonable_python(report)


def schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of report.json: every field is there and no other."""
    made = TypeAdapter(Report).json_schema(mode="serialization")
    made["properties"]["digest"] = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
    made["properties"]["version"] = {"const": VERSION}
    made["required"] = [*made["required"], "digest"]
    for each in (made, *made["$defs"].values()):
        each["additionalProperties"] = False
        each["description"] = " ".join(each["description"].split())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
