"""The report as CSV (RFC 4180): a row for each rule and resource, for those who count in sheets."""

from __future__ import annotations

import csv
import io

from reports.model import Report

COLUMNS = (
    "rule", "severity", "level", "requirements", "controls", "type", "resource", "urn", "outcome",
    "preview", "deployed", "finding", "evidence",
)  # fmt: skip
# A cell that begins with one of these is a formula to a spreadsheet; the last four are the first
# four in full width (OWASP, "CSV Injection").
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def written(report: Report) -> str:
    """One line for each verdict, and one for each rule that judged nothing."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    for rule in report.rules:
        stated = [
            rule.name,
            rule.severity,
            rule.level,
            " ".join(rule.requirements),
            "; ".join(rule.controls),
        ]
        if not rule.judged:
            rows.writerow([*stated, "", "", "", rule.verdict, "", "", "", ""])
        for each in rule.judged:
            evidence = "; ".join(f"{path}={value}" for path, value in each.evidence.items())
            rows.writerow(
                [
                    *stated,
                    each.type,
                    _harmless(each.name),
                    each.urn,
                    each.outcome,
                    each.before,
                    each.after,
                    _harmless("; ".join(each.said)),
                    _harmless(evidence),
                ]
            )
    return out.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
