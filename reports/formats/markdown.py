"""The report as Markdown: what a reviewer reads in a pull request or keeps beside a ticket."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from reports.model import Report, RuleResult

_SAID = ("error", "violated", "unknown", "waived")


def written(report: Report) -> str:
    """A page: the score, what needs a person, and each rule's verdict."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# Policy report: {report.project}/{report.stack}"
    yield ""
    runs = " and ".join(f"{run.kind} of {run.resources} resources" for run in report.runs)
    yield f"{report.ended}: {runs}. {report.score.share:g} % of the rules that were judged passed."
    yield ""
    yield from _table(
        ("verdict", "rules", "checks"),
        (
            (name, str(report.score.rules.get(name, 0)), str(report.score.checks.get(name, 0)))
            for name in sorted({*report.score.rules, *report.score.checks})
        ),
    )
    for outcome in _SAID:
        rows = [
            (rule.name, rule.severity, each.name, "; ".join(each.said))
            for rule in report.rules
            for each in rule.judged
            if each.outcome == outcome
        ]
        if rows:
            yield f"## {outcome.capitalize()}"
            yield ""
            yield from _table(("rule", "severity", "resource", "finding"), rows)
    if report.losses:
        yield "## Data that a run takes away"
        yield ""
        rows = [(each.operation, each.type, each.name) for each in report.losses]
        yield from _table(("operation", "type", "resource"), rows)
    yield "## Rules"
    yield ""
    yield from _table(
        ("rule", "demand", "severity", "level", "verdict", "resources"),
        (
            (r.name, r.sentence, r.severity, r.level, r.verdict, str(len(r.judged)))
            for r in sorted(report.rules, key=_order)
        ),
    )
    yield "## Frameworks"
    yield ""
    yield from _table(
        ("framework", "version", "controls", "of which"),
        (
            (
                each.title,
                each.version,
                str(sum(each.counts.values())),
                ", ".join(f"{count} {verdict}" for verdict, count in each.counts.items()),
            )
            for each in report.frameworks
        ),
    )
    yield "## Made from"
    yield ""
    yield "The run's log names the pack that judged, and it is this one. Program, configuration"
    yield "and writer are those of the checkout that wrote this report: no log names the program."
    yield ""
    yield from _table(("what", "digest"), report.digests.items())


def _order(rule: RuleResult) -> tuple[str, str]:
    return rule.room, rule.name


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join(_cell(each) for each in row)} |"
    yield ""


def _cell(text: str) -> str:
    """Text that stays text in a table: no pipe, line's end, markup or mention of a person."""
    kept = re.sub(r"([\\|*\[\]!])", r"\\\1", " ".join(text.split()))
    return kept.replace("<", "&lt;").replace("`", "'").replace("@", "&#64;")
