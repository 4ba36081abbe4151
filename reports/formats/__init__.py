"""What a report is written as: file name -> a pure function from the report to its text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic_core import to_json

from reports.build import document
from reports.formats import junit, markdown, oscal, page, sarif, table
from reports.model import Report


def _json(report: Report) -> str:
    return f"{to_json(document(report), indent=1).decode()}\n"


# The published schema of report.json; `python -m reports schema` writes it.
SCHEMA = Path(__file__).parents[1] / "schema.json"

FORMATS: dict[str, Callable[[Report], str]] = {
    "report.html": page.written,
    "report.json": _json,
    "report.schema.json": lambda _: SCHEMA.read_text(encoding="utf-8"),
    "report.md": markdown.written,
    "report.csv": table.written,
    "report.sarif": sarif.written,
    "report.junit.xml": junit.written,
    "report.oscal.json": oscal.written,
}
