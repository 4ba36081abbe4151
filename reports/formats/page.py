"""The report as one HTML page that needs nothing else: no network, no script to be read on paper.

The page's own style and script are named by their hash in its content security policy, so that
nothing which a resource's name smuggles in can run.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from reports.drawing import svg
from reports.model import WORST, Report

HERE = Path(__file__).parent / "parts"
# What a person has to act on, in the order of urgency.
OPEN = tuple(outcome for outcome in WORST if outcome != "passed")


def written(report: Report) -> str:
    """The page; the same bytes for the same report."""
    style, script = _text("page.css"), _text("page.js")
    return _template().render(
        report=report,
        style=Markup(style),  # ours, and hashed below
        script=Markup(script),
        policy=f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
        open=[(outcome, _open(report, outcome)) for outcome in OPEN],
        order={outcome: place for place, outcome in enumerate(WORST)},
        pictures=[
            (picture, Markup(svg(picture, f"picture-{place}")))  # drawing.py escapes every label
            for place, picture in enumerate(report.pictures)
        ],
    )


def _open(report: Report, outcome: str) -> list[tuple[Any, Any]]:
    return [
        (rule, each) for rule in report.rules for each in rule.judged if each.outcome == outcome
    ]


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.jinja")
