"""Frameworks and their controls: answered by rules, or with the reason why none does."""

from __future__ import annotations

import fnmatch
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache

from rules import controls
from rules.controls import Catalogue
from rules.whole import coverage
from rules.whole.coverage import Types

from reports.model import WORST, ControlResult, FrameworkResult, RuleResult


@cache
def catalogue() -> Catalogue:
    """policies/controls.yaml. Raises CatalogueError."""
    return controls.read()


def answered(results: Sequence[RuleResult]) -> tuple[FrameworkResult, ...]:
    """Every framework with the verdict of each of its controls, in the catalogue's order."""
    rules: defaultdict[str, list[RuleResult]] = defaultdict(list)
    for result in results:
        for control in result.controls:
            rules[control].append(result)
    known = catalogue()
    rows: defaultdict[str, list[ControlResult]] = defaultdict(list)
    for control in known.controls.values():
        difference = known.differences.get(control.id)
        naming = rules[control.id]
        rows[control.framework].append(
            ControlResult(
                framework=control.framework,
                id=control.id.removeprefix(f"{control.framework} "),
                title=control.title,
                url=control.url,
                verdict=difference.kind.replace("-", " ") if difference else _worst(naming),
                rules=tuple(result.name for result in naming),
                reason=difference.reason if difference else "",
            )
        )
    return tuple(
        FrameworkResult(
            key=key,
            title=framework.title,
            version=framework.version,
            url=framework.url,
            counts=dict(sorted(Counter(row.verdict for row in rows[key]).items())),
            controls=tuple(rows[key]),
        )
        for key, framework in known.frameworks.items()
    )


def _worst(results: Sequence[RuleResult]) -> str:
    """A control whose rules found nothing to judge is not applicable, never passed."""
    found = {result.verdict for result in results}
    return next((outcome for outcome in WORST if outcome in found), "not applicable")


def excuse(type_: str) -> str:
    """Why nothing is judged of a resource type, "" where nobody says it."""
    patterns = _types().excused.items()
    return next((why for each, why in patterns if fnmatch.fnmatchcase(type_, each)), "")


@cache
def _types() -> Types:
    return coverage.read()
