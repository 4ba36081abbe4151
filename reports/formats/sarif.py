"""The report as SARIF 2.1.0 (OASIS), which code hosts and scanners' dashboards read.

A deployed resource has no line in a file, so its place is a logical location: the URN. The physical
one is the environment's file, since code hosts drop results without any.
"""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

from reports.model import Judged, Report, RuleResult

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVEL = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
# GitHub sorts by this number, 0.0 to 10.0 ("SARIF support for code scanning").
_SECURITY = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}
_KIND = {
    "violated": "fail",
    "error": "fail",
    "waived": "fail",
    "unknown": "open",
    "passed": "pass",
}


def written(report: Report) -> str:
    """Findings that failed, are waived (as suppressed) or are not known yet, and what passed."""
    places = {rule.name: place for place, rule in enumerate(report.rules)}
    run = {
        "tool": {
            "driver": {
                "name": "arches-policy-pack",
                "semanticVersion": _pack_version(report),
                "rules": [_rule(rule) for rule in report.rules],
            }
        },
        "automationDetails": {"id": f"{report.project}/{report.stack}/"},
        "invocations": [
            {
                "executionSuccessful": not any(rule.counts.get("error") for rule in report.rules),
                "endTimeUtc": report.ended.replace("+00:00", "Z"),
            }
        ],
        "properties": {"digests": dict(report.digests)},
        "results": [
            _result(report, rule, each, places[rule.name])
            for rule in report.rules
            for each in rule.judged
        ],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return f"{to_json(log, indent=1).decode()}\n"


def _pack_version(report: Report) -> str:
    return report.runs[-1].pack.rpartition(" ")[2] or "0.0.0"


def _rule(rule: RuleResult) -> dict[str, Any]:
    about: dict[str, Any] = {
        "id": rule.name,
        "shortDescription": {"text": rule.sentence},
        "fullDescription": {"text": rule.why or rule.sentence},
        "help": {"text": f"{rule.fix[:1].upper()}{rule.fix[1:]}."},
        "defaultConfiguration": {
            "level": _LEVEL[rule.severity],
            "enabled": rule.level != "disabled",
        },
        "properties": {
            "tags": [*rule.requirements, *rule.controls],
            "security-severity": _SECURITY[rule.severity],
            "version": rule.version,
        },
    }
    return {**about, **({"helpUri": rule.url} if rule.url else {})}


def _result(report: Report, rule: RuleResult, each: Judged, place: int) -> dict[str, Any]:
    kind = _KIND[each.outcome]
    result: dict[str, Any] = {
        "ruleId": rule.name,
        "ruleIndex": place,
        "kind": kind,
        # SARIF 3.27.10: a level other than none is for failures only.
        "level": _LEVEL[rule.severity] if kind == "fail" else "none",
        "message": {"text": "; ".join(each.said) or f"{each.name} keeps it: {rule.sentence}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": f"Pulumi.{report.stack}.yaml"},
                    "region": {"startLine": 1},
                },
                "logicalLocations": [
                    {"name": each.name, "fullyQualifiedName": each.urn, "kind": "resource"}
                ],
            }
        ],
        "partialFingerprints": {"ruleAndResource/v1": f"{rule.name}:{each.urn}"},
    }
    if each.outcome == "waived":
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": "; ".join(each.said)}
        ]
    return result
