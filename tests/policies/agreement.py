"""Our verdicts beside checkov's, check by check: where the two differ, and what is unexplained.

A rule that names a check of checkov says that it answers the same demand. So a resource that one
side refuses and the other does not is a disagreement; `checkov_differs` in policies/controls.yaml
explains it, resource by resource, or the comparison fails.
"""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rules import RULES, controls
from rules.controls import Catalogue
from rules.model import Item

from tests.policies.checkov import Verdict
from tests.policies.real import stack_of, told

PREFIX = "CHECKOV "


@dataclass(frozen=True, kw_only=True)
class Row:
    """One check: what checkov says, what the rules that name it say, and where the two differ.

    differs: names of the resources that one side refuses and the other does not, with the reason,
    "" where nobody explained it.
    """

    check: str
    rules: tuple[str, ...]
    passed: int
    failed: int
    refused: int
    differs: tuple[tuple[str, str], ...]

    @property
    def unexplained(self) -> list[str]:
        return [name for name, reason in self.differs if not reason]


def of(
    items: Sequence[Item], verdicts: Sequence[Verdict], names: Mapping[str, str]
) -> tuple[list[Row], list[str]]:
    """The rows of all checks that rules name, and what is wrong with the catalogue, in words."""
    known = controls.read()
    rows = compared(verdicts, refused(items), names, known)
    wrong = [
        *(f"{each}: runs here and stands in no list" for each in unlisted(verdicts, known)),
        *(f"{each}: is explained, and nothing differs" for each in stale(rows, known)),
        *(f"{each}: is excused, and refuses" for each in contradicted(verdicts, known)),
    ]
    return rows, wrong


def refused(items: Sequence[Item]) -> dict[str, frozenset[str]]:
    """Rule -> URNs of the resources that it refuses; what is undecided is not refused."""
    stack = stack_of(tuple(items))
    found: defaultdict[str, set[str]] = defaultdict(set)
    for rule in RULES:
        for item, said in told(rule, stack):
            if said.outcome != "unknown":
                found[rule.name].add(item.urn)
    return {rule: frozenset(urns) for rule, urns in found.items()}


def answering() -> dict[str, tuple[str, ...]]:
    """Check -> the rules that name it."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for rule in RULES:
        for control in rule.controls:
            if control.startswith(PREFIX):
                found[control.removeprefix(PREFIX)].append(rule.name)
    return {check: tuple(rules) for check, rules in found.items()}


def compared(
    verdicts: Iterable[Verdict],
    refusals: Mapping[str, frozenset[str]],
    names: Mapping[str, str],
    catalogue: Catalogue,
) -> list[Row]:
    """A row for each check that a rule names and checkov ran. names: URN -> resource's name."""
    theirs: defaultdict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        theirs[verdict.check].append(verdict)
    rows: list[Row] = []
    for check, rules in sorted(answering().items(), key=lambda each: _order(each[0])):
        said = theirs.get(check)
        if said is None:
            continue
        ours = frozenset[str]().union(*(refusals.get(rule, frozenset()) for rule in rules))
        judged, failed = {v.urn for v in said}, {v.urn for v in said if not v.passed}
        differ = sorted(names.get(urn, urn) for urn in (failed ^ ours) & judged)
        rows.append(
            Row(
                check=check,
                rules=rules,
                passed=sum(v.passed for v in said),
                failed=sum(not v.passed for v in said),
                refused=len(ours),
                differs=tuple((name, _reason(catalogue, check, name)) for name in differ),
            )
        )
    return rows


def unlisted(verdicts: Iterable[Verdict], catalogue: Catalogue) -> list[str]:
    """Checks that ran on what we deploy and are not in the catalogue."""
    ran = {verdict.check for verdict in verdicts}
    return sorted((c for c in ran if f"{PREFIX}{c}" not in catalogue.controls), key=_order)


def contradicted(verdicts: Iterable[Verdict], catalogue: Catalogue) -> list[str]:
    """Checks that refuse something of ours, while the catalogue says that we have nothing such."""
    failed = {verdict.check for verdict in verdicts if not verdict.passed}
    found = {check: catalogue.differences.get(f"{PREFIX}{check}") for check in failed}
    kinds = ("not-applicable", "manual", "elsewhere")
    return sorted((c for c, why in found.items() if why and why.kind in kinds), key=_order)


def stale(rows: Iterable[Row], catalogue: Catalogue) -> list[str]:
    """Explanations of what no longer differs, as "<check> <pattern>"."""
    differs = {row.check: [name for name, _ in row.differs] for row in rows}
    return [
        f"{each.check} {pattern}"
        for each in catalogue.checkov
        for pattern in each.resources
        if not fnmatch.filter(differs.get(each.check, []), pattern)
    ]


def _reason(catalogue: Catalogue, check: str, name: str) -> str:
    return next(
        (
            each.reason
            for each in catalogue.checkov
            if each.check == check
            and any(fnmatch.fnmatchcase(name, pattern) for pattern in each.resources)
        ),
        "",
    )


def _order(check: str) -> tuple[str, str, int]:
    family, kind, number = check.split("_")
    return kind, family, int(number)
