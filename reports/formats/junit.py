"""The report as JUnit XML, so that a CI server shows rules as it shows tests.

A suite is a room of rules, a case is a rule on a resource. Violations are failures, rules that
broke are errors; what is waived, or not known until deployed, is skipped with its words.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from xml.etree import ElementTree

from reports.model import Judged, Report, RuleResult

_ELEMENTS = {"violated": "failure", "error": "error", "waived": "skipped", "unknown": "skipped"}
# Characters that no XML 1.0 document may hold (XML 1.0, 2.2).
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def written(report: Report) -> str:
    """An XML document with a declaration; the same bytes for the same report."""
    rooms: defaultdict[str, list[RuleResult]] = defaultdict(list)
    for rule in report.rules:
        rooms[rule.room].append(rule)
    root = ElementTree.Element("testsuites", name=f"{report.project}/{report.stack}")
    for room, rules in sorted(rooms.items()):
        cases = [(rule, each) for rule in rules for each in rule.judged]
        counts = Counter(_ELEMENTS.get(each.outcome, "passed") for _, each in cases)
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=room,
            tests=str(len(cases)),
            failures=str(counts["failure"]),
            errors=str(counts["error"]),
            skipped=str(counts["skipped"]),
            timestamp=report.ended,
        )
        for rule, each in cases:
            _case(suite, rule, each)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _case(suite: ElementTree.Element, rule: RuleResult, each: Judged) -> None:
    case = ElementTree.SubElement(
        suite, "testcase", classname=rule.name, name=_legal(f"{each.type}::{each.name}"), time="0"
    )
    if kind := _ELEMENTS.get(each.outcome):
        said = _legal("\n".join(each.said))
        outcome = ElementTree.SubElement(case, kind, message=said.partition("\n")[0])
        if kind != "skipped":
            outcome.set("type", rule.severity)
        outcome.text = said


def _legal(text: str) -> str:
    return _FORBIDDEN.sub("?", text)
