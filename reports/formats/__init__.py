"""What a report is written as: file name -> a pure function from the report to its text."""

from __future__ import annotations

import json
from collections.abc import Callable

from reports.build import document
from reports.formats import junit, markdown, oscal, page, sarif, table
from reports.model import Report


def _json(report: Report) -> str:
    return json.dumps(document(report), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


FORMATS: dict[str, Callable[[Report], str]] = {
    "report.html": page.written,
    "report.json": _json,
    "report.md": markdown.written,
    "report.csv": table.written,
    "report.sarif": sarif.written,
    "report.junit.xml": junit.written,
    "report.oscal.json": oscal.written,
}
