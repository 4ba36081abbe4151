"""From runs, state and the rules' own words to the report. `gather` alone reads files.

Every verdict is the engine's: a rule over one resource passed where the engine's summary says so, a
rule over the stack passed for each of its subjects of which nothing was said. Where runs, state and
the rules at hand do not fit together, `Mismatch` is raised instead of a report with holes.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from rules import CHECKLIST, ROOMS, RULES, levels, outcomes, pack, waivers
from rules.data.stores import STATEFUL
from rules.model import Rule, StackRule
from rules.outcomes import Said
from rules.waivers import Waiver

from reports import ROOT, digests, frameworks, pictures, trace
from reports.model import (
    VERSION,
    WORST,
    Departure,
    Elsewhere,
    Judged,
    Loss,
    Outcome,
    Past,
    Report,
    RuleResult,
    RunRow,
    Score,
    Traced,
    TypeRow,
    Verdict,
    WaiverRow,
    as_data,
)
from reports.run import Damaged, Resource, Run, at, in_clear, load

AnyRule = Rule | StackRule
T = TypeVar("T")
_LONGEST_VALUE = 200
# Among the digests: the other environment's report.
COMPARED = "report compared with"


class Mismatch(ValueError):
    """Runs, state and the rules at hand do not belong together; one line."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What a report is made from.

    runs: the preview, the run that deployed, or both, in this order. pack: this checkout's, as the
    log of a run that it judged names it.
    """

    rules: tuple[AnyRule, ...]
    runs: tuple[Run, ...]
    pack: str
    state: Mapping[str, Any] | None
    digests: Mapping[str, str]
    waivers: tuple[Waiver, ...]
    levels: Mapping[str, str]
    trend: tuple[Past, ...] = ()
    other: Mapping[str, Any] | None = None


def gather(
    events: Sequence[Path],
    state: Path | None = None,
    *,
    root: Path = ROOT,
    past: Iterable[Path] = (),
    other: Path | None = None,
    rules: tuple[AnyRule, ...] = RULES,
) -> Sources:
    """Read everything. Raises Damaged, Mismatch, WaiverError, LevelError.

    past: reports of this stack; those that are not older than this one are no part of its trend.
    """
    runs = sorted(map(load, events), key=lambda run: run.kind, reverse=True)
    kinds = [run.kind for run in runs]
    if not runs or len(kinds) > len(set(kinds)):
        raise Damaged(
            f"{len(runs)} event logs ({', '.join(kinds) or 'none'}); allowed: one of a preview, "
            "one of an up, or both"
        )
    stacks = sorted({f"{run.project}/{run.stack}" for run in runs})
    if len(stacks) > 1:
        raise Damaged(f"event logs of several stacks: {', '.join(stacks)}; give one stack's")
    if runs[0].ended > runs[-1].ended:
        raise Damaged("the preview is newer than the up, which it may contradict; give one of them")
    names = [rule.name for rule in rules]
    stack, ended = runs[0].stack, runs[-1].ended.isoformat()
    kept = _state(state, runs[-1]) if state else None
    try:
        checkout = digests.of_checkout(root, stack)
    except OSError as problem:
        raise Mismatch(
            f"the runs are of {stacks[0]}, of which this checkout has no {problem.filename}"
        ) from None
    made = {
        **checkout,
        **{f"events of {run.kind}": run.digest for run in runs},
        **({"state": digests.of_state(kept)} if kept is not None else {}),
        **({COMPARED: digests.of_data(document_of(other))} if other else {}),
    }
    kept_reports = (picked(path, _past) for path in past)
    return Sources(
        rules=rules,
        runs=tuple(runs),
        pack=pack.named(root / "policies"),
        state=kept,
        digests=dict(sorted(made.items())),
        waivers=waivers.read(root / "policies" / "waivers.yaml", names),
        levels=levels.of(stack, levels.read(root / "policies" / "levels.yaml", names), names),
        trend=tuple(sorted((e for e in kept_reports if e.ended < ended), key=lambda e: e.ended)),
        other=picked(other, _elsewhere) if other else None,
    )


def document_of(path: Path) -> Any:
    """The JSON document in a file. Raises Damaged."""
    try:
        return json.loads(path.read_bytes())
    except OSError as problem:
        raise Damaged(f"{path.name}: cannot be read: {problem.strerror}") from None
    except ValueError:
        raise Damaged(f"{path.name}: is no whole JSON document; write it again") from None


def picked(path: Path, pick: Callable[[Any], T]) -> T:
    """What `pick` takes of a report that was written before. Raises Damaged."""
    try:
        return pick(document_of(path))
    except (AttributeError, KeyError, TypeError) as problem:
        raise Damaged(
            f"{path.name}: is no report of ours ({type(problem).__name__} at {problem}); take it "
            "away and write it again"
        ) from None


def _state(path: Path, run: Run) -> Mapping[str, Any]:
    """An exported state that belongs to a run. Raises Damaged, Mismatch."""
    exported = document_of(path)
    try:
        urns = {each["urn"] for each in exported["deployment"]["resources"] if each["type"]}
    except (KeyError, TypeError) as problem:
        raise Damaged(
            f"{path.name}: is no exported state ({type(problem).__name__} at {problem}); allowed: "
            "what `pulumi stack export` writes"
        ) from None
    if in_clear(exported):
        raise Damaged(f"{path.name}: holds secrets in clear; export it without --show-secrets")
    missing = sorted(set(run.resources) - urns)
    if run.kind == "deployed" and missing:
        raise Mismatch(
            f"{path.name}: lacks {len(missing)} resources that the run deployed, the first is "
            f"{missing[0]}; export it again"
        )
    if strange := sorted(urn for urn in urns if not urn.startswith(f"urn:pulumi:{run.stack}::")):
        raise Mismatch(f"{path.name}: is not the state of {run.stack}: it holds {strange[0]}")
    return exported


def _elsewhere(report: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "stack": report["stack"],
        "verdicts": {rule["name"]: rule["verdict"] for rule in report["rules"]},
    }


def _past(report: Mapping[str, Any]) -> Past:
    return Past(
        ended=report["ended"],
        program=report["digests"]["program"],
        share=report["score"]["share"],
        rules=report["score"]["rules"],
    )


def build(sources: Sources) -> Report:
    """The report. Raises Mismatch, Damaged."""
    last = sources.runs[-1]
    for run in sources.runs:
        _fits(run, sources)
    results = tuple(_result(rule, sources) for rule in sources.rules)
    return Report(
        version=VERSION,
        project=last.project,
        stack=last.stack,
        ended=last.ended.isoformat(),
        score=_score(results, last),
        digests=sources.digests,
        runs=tuple(map(_row, sources.runs)),
        rules=results,
        frameworks=frameworks.answered(results),
        requirements=tuple(_traced(results)),
        departures=tuple(departures((ROOT / "docs" / "guide.md").read_text(encoding="utf-8"))),
        waivers=tuple(_waivers(sources, results)),
        types=tuple(_types(last, sources.rules)),
        losses=tuple(_losses(sources.runs)),
        trend=sources.trend,
        compared_with=str(sources.other["stack"]) if sources.other else "",
        differences=tuple(_differences(results, sources.other)) if sources.other else (),
        pictures=pictures.of(last, sources.state),
    )


def _fits(run: Run, sources: Sources) -> None:
    """Raises Mismatch where a run was judged by another pack than the one at hand."""
    in_force = {r.name: r for r in sources.rules if sources.levels[r.name] != "disabled"}
    told = {finding.rule for finding in run.findings} - set(in_force)
    if strange := sorted(told | (run.known - set(sources.levels))):
        raise Mismatch(
            f"the {run.kind} was judged by {strange[0]!r}, which is not in force in this checkout; "
            "make the report with the checkout that ran it, or run again"
        )
    for finding in run.findings:
        subject = run.resources.get(finding.urn)
        if subject is None or subject.type not in in_force[finding.rule].types:
            raise Mismatch(
                f"the {run.kind} has a finding of {finding.rule!r} on {finding.urn or 'nothing'}, "
                "which that rule does not judge; run again"
            )
    types = {each.type for each in run.resources.values()}
    # A rule over the stack is named only where the stack has something that it judges.
    missing = sorted(
        name
        for name, rule in in_force.items()
        if name not in run.known and (isinstance(rule, Rule) or types & set(rule.types))
    )
    if missing:
        raise Mismatch(
            f"the {run.kind} was not judged by {missing[0]!r}, which this checkout has; run "
            "again with --policy-pack policies"
        )
    if run.pack != sources.pack:
        raise Mismatch(
            f"the {run.kind} was judged by the pack {run.pack}, this checkout's is {sources.pack}; "
            "make the report with the checkout that ran it, or run again"
        )


# -- rules ---------------------------------------------------------------------------------------
def _result(rule: AnyRule, sources: Sources) -> RuleResult:
    level = sources.levels[rule.name]
    judged = () if level == "disabled" else tuple(_judged(rule, sources.runs))
    counts = Counter(each.outcome for each in judged)
    worst: list[Outcome] = [outcome for outcome in WORST if counts[outcome]]
    verdict: Verdict = worst[0] if worst else "not applicable"
    return RuleResult(
        name=rule.name,
        room=room_of(rule),
        sentence=rule.sentence,
        severity=rule.severity,
        level=level,
        version=version_of(room_of(rule)),
        requirements=rule.requirements,
        controls=rule.controls,
        types=rule.types,
        why=rule.why,
        fix=rule.fix,
        url=rule.url,
        checklist=rule.name in CHECKLIST,
        verdict="disabled" if level == "disabled" else verdict,
        counts={outcome: counts[outcome] for outcome in WORST if counts[outcome]},
        judged=judged,
    )


def _judged(rule: AnyRule, runs: Sequence[Run]) -> Iterable[Judged]:
    of_runs = [_outcomes(rule, run) for run in runs]
    last, found = runs[-1], of_runs[-1]
    before = of_runs[0] if runs[0].kind == "preview" else {}
    after = found if last.kind == "deployed" else {}
    for urn, (outcome, said) in found.items():
        resource = last.resources[urn]
        yield Judged(
            urn=urn,
            type=resource.type,
            name=resource.name,
            outcome=outcome,
            before=before[urn][0] if urn in before else "",
            after=after[urn][0] if urn in after else "",
            said=said,
            evidence=_evidence(rule, resource),
        )


def _outcomes(rule: AnyRule, run: Run) -> dict[str, tuple[Outcome, tuple[str, ...]]]:
    """URN -> outcome and findings, for every resource that the rule judged in a run."""
    found: dict[str, tuple[Outcome, tuple[str, ...]]] = {}
    for urn in (urn for type_ in rule.types for urn in run.by_type.get(type_, ())):
        findings = run.said.get((rule.name, urn), ())
        passed = isinstance(rule, StackRule) or rule.name in run.passed[urn]
        if findings:
            said = {finding.outcome for finding in findings}
            worst: list[Outcome] = [o for o in WORST if o in said]
            found[urn] = worst[0], tuple(f.text for f in findings)
        elif passed:
            found[urn] = "passed", ()
    return found


def _evidence(rule: AnyRule, resource: Resource) -> dict[str, str]:
    return {
        place: _text(value) for path in rule.evidence for place, value in at(resource.inputs, path)
    }


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."


_ROOM_OF = {rule.name: room for room, rules in ROOMS.items() for rule in rules}


def room_of(rule: AnyRule) -> str:
    """The folder of `policies/rules/` that holds the rule; "" for a rule of no room."""
    return _ROOM_OF.get(rule.name, "")


@cache
def version_of(room: str) -> str:
    """Digest of the room's files, 12 digits: it changes whenever a rule of the room may."""
    return digests.of_files(ROOT, [f"policies/rules/{room}"]).removeprefix("sha256:")[:12]


def _score(results: Sequence[RuleResult], run: Run) -> Score:
    rules = Counter(result.verdict for result in results)
    checks: Counter[str] = Counter()
    for result in results:
        checks.update(result.counts)
    judged = sum(rules[outcome] for outcome in WORST)
    return Score(
        share=round(100 * rules["passed"] / judged, 1) if judged else 0.0,
        rules=dict(sorted(rules.items())),
        checks=dict(sorted(checks.items())),
        resources=len(run.resources),
    )


# -- the rest ------------------------------------------------------------------------------------
def _row(run: Run) -> RunRow:
    return RunRow(
        kind=run.kind,
        ended=run.ended.isoformat(),
        result=run.result,
        seconds=run.seconds,
        resources=len(run.resources),
        changes=run.changes,
        pack=run.pack,
        digest=run.digest,
    )


def _traced(results: Sequence[RuleResult]) -> Iterable[Traced]:
    met, proved = trace.named_in("components", "settings"), trace.named_in("tests")
    for each in trace.EVERY:
        guards = [result for result in results if each in result.requirements]
        found = {result.verdict for result in guards}
        stands = "here" if each in trace.HERE else trace.SHARED.get(each) or trace.NOT_HERE[each]
        yield Traced(
            id=each,
            stands=stands,
            code=tuple(met.get(each, ())) if each in trace.MET else (),
            rules=tuple(result.name for result in guards),
            tests=tuple(proved.get(each, ())),
            verdict=next((o for o in WORST if o in found), "no rule"),
        )


_ROW = re.compile(r"^\| (\d+) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$")


def departures(guide: str) -> list[Departure]:
    """The numbered rows of docs/guide.md."""
    found = [_ROW.match(line) for line in guide.splitlines()]
    return [Departure(**dict(zip(
        ("number", "guide", "deployed", "why", "state"), row.groups(), strict=True,
    ))) for row in found if row]  # fmt: skip


def _waivers(sources: Sources, results: Sequence[RuleResult]) -> Iterable[WaiverRow]:
    by_rule = {result.name: result for result in results}
    for each in sources.waivers:
        if not each.concerns(next(iter(sources.runs[-1].resources))):
            continue
        covered = [
            text
            for judged in by_rule[each.rule].judged
            if each.covers(each.rule, judged.urn)
            for text in judged.said
            if _accepted(each, text)
        ]
        yield WaiverRow(
            rule=each.rule,
            resource=each.resource,
            finding=each.finding or "",
            reason=each.reason,
            owner=each.owner,
            ticket=each.ticket,
            expires=each.expires.isoformat(),
            findings=len(covered),
        )


def _accepted(waiver: Waiver, text: str) -> bool:
    """Whether a finding is one that the waiver accepts, or accepted until it expired."""
    own = waiver.waived(Said("violated", "")).text
    if text.startswith(own):
        return True
    return outcomes.of(text).outcome == "violated" and waiver.accepts(text)


def _types(run: Run, rules: Iterable[AnyRule]) -> Iterable[TypeRow]:
    judged = Counter(type_ for rule in rules for type_ in rule.types)
    for type_, count in sorted(Counter(r.type for r in run.resources.values()).items()):
        reason = frameworks.excuse(type_) or "nobody says why nothing is judged of it"
        yield TypeRow(
            type=type_, resources=count, rules=judged[type_], reason="" if judged[type_] else reason
        )


def _losses(runs: Sequence[Run]) -> Iterable[Loss]:
    for run in runs:
        for urn, operation in sorted(run.gone.items()):
            type_ = urn.split("::")[2].rsplit("$", 1)[-1]
            if type_ in STATEFUL:
                name = urn.split("::", 3)[3]
                yield Loss(urn=urn, type=type_, name=name, operation=f"{run.kind}: {operation}")


def _differences(results: Sequence[RuleResult], other: Mapping[str, Any]) -> Iterable[Elsewhere]:
    here = {result.name: result.verdict for result in results}
    there: Mapping[str, str] = other["verdicts"]
    for name in dict.fromkeys((*here, *there)):
        verdicts = here.get(name, "no such rule"), there.get(name, "no such rule")
        if verdicts[0] != verdicts[1]:
            yield Elsewhere(rule=name, here=verdicts[0], there=verdicts[1])


def document(report: Report) -> dict[str, Any]:
    """The report as JSON with a digest of itself, which `verify` computes again."""
    data = as_data(report)
    return {**data, "digest": digests.of_data(data)}
