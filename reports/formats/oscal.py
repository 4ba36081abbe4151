"""The report as OSCAL assessment results (NIST), checked by compliance-trestle's own classes.

An observation is a rule with the resources that it judged; a finding is a control of a framework
that our rules answer. OSCAL knows controls by the identifiers of their catalogues, so a finding's
target is "<framework>_<id>" and its title names both. Identifiers are made from the report's digest
(UUID version 5, RFC 9562), so the same report gives the same bytes.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any

from trestle.oscal import OSCAL_VERSION
from trestle.oscal.assessment_results import AssessmentResults

from reports import digests
from reports.model import ControlResult, FrameworkResult, Report, RuleResult, as_data

NAMESPACE = uuid.UUID("8d1f2f0e-6f0c-5d52-9f5d-3c0a3f0e7a11")
# The names of properties that NIST does not define are ours.
_NS = "https://github.com/archesai/infrastructure/ns/policy"
Made = Callable[..., str]


def written(report: Report) -> str:
    """A JSON document with the root `assessment-results`."""
    seed = digests.of_data(as_data(report))

    def made(*names: str) -> str:
        return str(uuid.uuid5(NAMESPACE, "/".join((seed, *names))))

    document = {
        "uuid": made("document"),
        "metadata": {
            "title": f"Policy report of {report.project}/{report.stack}",
            "last-modified": report.ended,
            "version": report.runs[-1].pack or "unknown",
            "oscal-version": OSCAL_VERSION,
        },
        "import-ap": {"href": f"Pulumi.{report.stack}.yaml"},
        "results": [_result(report, made)],
    }
    checked = AssessmentResults.model_validate(document)
    return f"{checked.oscal_serialize_json(pretty=True)}\n"


def _result(report: Report, made: Made) -> dict[str, Any]:
    answering = [each for each in report.frameworks if any(c.rules for c in each.controls)]
    judged = {rule.name for rule in report.rules if rule.judged}
    findings = [
        _finding(framework, control, judged, made)
        for framework in answering
        for control in framework.controls
        if control.rules
    ]
    return {
        "uuid": made("result"),
        "title": f"Policy pack over {report.project}/{report.stack}",
        "description": f"{report.score.share:g} % of the rules that were judged passed.",
        "start": report.ended,
        "end": report.ended,
        "props": _props({f"digest-of-{k}": v for k, v in report.digests.items()}),
        "reviewed-controls": {
            "control-selections": [
                {
                    "description": f"{framework.title} {framework.version}",
                    "include-controls": [
                        {"control-id": _id(framework, control)}
                        for control in framework.controls
                        if control.rules
                    ],
                }
                for framework in answering
            ]
        },
        "observations": [_observation(r, report, made) for r in report.rules if r.judged],
        "findings": findings,
    }


def _observation(rule: RuleResult, report: Report, made: Made) -> dict[str, Any]:
    stated = {
        "verdict": rule.verdict,
        "severity": rule.severity,
        "enforcement": rule.level,
        "rule-version": rule.version,
        **{f"resources-{name}": str(count) for name, count in rule.counts.items()},
    }
    return {
        "uuid": made("observation", rule.name),
        "title": rule.name,
        "description": rule.sentence,
        "methods": ["TEST-AUTOMATED"],
        "collected": report.ended,
        "props": _props(stated),
        "subjects": list(_subjects(rule, made)),
    }


def _subjects(rule: RuleResult, made: Made) -> Iterator[dict[str, Any]]:
    for each in rule.judged:
        subject = {
            "subject-uuid": made("resource", each.urn),
            "type": "component",
            "title": _line(f"{each.type}::{each.name}"),
            "props": _props({"outcome": each.outcome, "urn": each.urn}),
        }
        yield {**subject, **({"remarks": "; ".join(each.said)} if each.said else {})}


def _finding(
    framework: FrameworkResult, control: ControlResult, judged: Set[str], made: Made
) -> dict[str, Any]:
    passed = control.verdict == "passed"
    seen = [{"observation-uuid": made("observation", r)} for r in control.rules if r in judged]
    return {
        "uuid": made("finding", framework.key, control.id),
        "title": f"{framework.key} {control.id}",
        "description": control.title,
        "props": _props({"verdict": control.verdict}),
        "target": {
            "type": "objective-id",
            "target-id": _id(framework, control),
            "status": {
                "state": "satisfied" if passed else "not-satisfied",
                "reason": "pass" if passed else "other",
            },
        },
        **({"related-observations": seen} if seen else {}),
    }


def _props(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {"name": _token(name), "value": _line(value), "ns": _NS} for name, value in values.items()
    ]


def _id(framework: FrameworkResult, control: ControlResult) -> str:
    return _token(f"{framework.key}_{control.id}")


def _line(text: str) -> str:
    """OSCAL's string: one line with no blank at its ends, never empty."""
    return " ".join(text.split()) or "-"


def _token(text: str) -> str:
    """OSCAL's token: a letter or an underline first, then letters, digits, dots, hyphens."""
    kept = re.sub(r"[^A-Za-z0-9._-]", "-", text)
    return kept if re.match(r"[A-Za-z_]", kept) else f"_{kept}"
