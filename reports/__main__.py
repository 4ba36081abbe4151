"""`python -m reports`: the report's files from a run, and the proof that they still hold.

`write` puts every format into a folder, with what it was made from under `inputs/` and the reports
before it under `past/`. `verify` takes one file of such a folder and computes it all again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rules import RULES
from rules.controls import CatalogueError
from rules.levels import LevelError
from rules.waivers import WaiverError

from reports import ROOT, digests
from reports.build import Mismatch, build, gather
from reports.formats import FORMATS
from reports.model import Report
from reports.run import Damaged

# What is wrong with what a report is made from; each is one line.
PROBLEMS = (Damaged, Mismatch, WaiverError, LevelError, CatalogueError)
BAD_INPUT = 2
FAILED = 1
# A year of monthly reports: what a trend is drawn from.
KEPT = 12
_EVENTS = ("preview.events.jsonl", "deployed.events.jsonl")
_STATE = "state.json"
_OTHER = "other.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, 1 (a rule is broken, a report does not hold) or 2 (bad input)."""
    parser = argparse.ArgumentParser(prog="reports", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    writing = commands.add_parser("write", help="make a report from event logs and a state")
    writing.add_argument("--events", type=Path, action="append", required=True)
    writing.add_argument("--state", type=Path)
    writing.add_argument("--other", type=Path, help="report.json of another environment")
    writing.add_argument("--out", type=Path, required=True, help="folder of the report")
    verifying = commands.add_parser("verify", help="compute a report again")
    verifying.add_argument("file", type=Path)
    commands.add_parser("rules", help="every rule: its name, its severity and its demand")
    given = parser.parse_args(arguments)
    try:
        if given.command == "rules":
            return _rules()
        if given.command == "verify":
            return _verify(given.file)
        return write(given.events, given.state, given.out, given.other)
    except PROBLEMS as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT


def _rules() -> int:
    for rule in RULES:
        print(f"{rule.name}\t{rule.severity}\t{rule.sentence}")
    return 0


def write(events: Sequence[Path], state: Path | None, out: Path, other: Path | None = None) -> int:
    """Write the report's folder afresh; 1 where a mandatory rule is broken.

    Raises Damaged, Mismatch. Nothing is replaced before the whole new report is there.
    """
    past = _kept(out)
    sources = gather(events, state, past=past, other=other)
    report = build(sources)
    fresh = out.with_name(f"{out.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    inputs = fresh / "inputs"
    inputs.mkdir(parents=True)
    for path in events:
        kind = next(k for k, v in sources.digests.items() if v == digests.of_file(path))
        shutil.copyfile(path, inputs / f"{kind.removeprefix('events of ')}.events.jsonl")
    for path, name in ((state, _STATE), (other, _OTHER)):
        if path is not None:
            shutil.copyfile(path, inputs / name)
    (fresh / "past").mkdir()
    for path in past:
        shutil.copyfile(path, fresh / "past" / path.name)
    for name, content in FORMATS.items():
        (fresh / name).write_bytes(content(report).encode())
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)
    for line in summary(report, out):
        print(line)
    return FAILED if _broken(report) else 0


def _kept(out: Path) -> list[Path]:
    """The reports that a trend is drawn from: those kept, and the one that is to be replaced."""
    here, past = out / "report.json", out / "past"
    if here.exists():
        past.mkdir(exist_ok=True)
        ended = _read(here)["ended"].replace(":", "")
        shutil.copyfile(here, past / f"{ended}.json")
    return sorted(past.glob("*.json"))[-KEPT:]


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise Damaged(f"{path.name}: cannot be read: {problem.strerror}") from None
    except ValueError:
        raise Damaged(f"{path.name}: is no whole JSON document; write it again") from None


def summary(report: Report, out: Path) -> list[str]:
    """What a person in a hurry is told."""
    rules, checks = report.score.rules, report.score.checks
    return [
        f"{report.project}/{report.stack}: {report.score.share:g} % of {len(report.rules)} rules "
        f"passed on {report.score.resources} resources",
        "rules: " + ", ".join(f"{count} {name}" for name, count in rules.items()),
        "checks: " + ", ".join(f"{count} {name}" for name, count in checks.items()),
        f"report: {_shown(out)}/report.html",
    ]


def _shown(path: Path) -> str:
    here = path.resolve()
    return str(here.relative_to(ROOT)) if here.is_relative_to(ROOT) else str(path)


def _broken(report: Report) -> bool:
    return any(
        rule.counts.get("error")
        or (rule.counts.get("violated") and rule.level in ("mandatory", "remediate"))
        for rule in report.rules
    )


def _verify(path: Path) -> int:
    """Compute a report again from its inputs and this checkout; say what does not hold."""
    folder = path.parent
    told = _read(folder / "report.json")
    wrong: list[str] = []
    digest = told.pop("digest", "")
    if digests.of_data(told) != digest:
        wrong.append("report.json: was changed after it was written: its digest does not fit")
    here = digests.of_checkout(ROOT, told["stack"])
    for name, value in here.items():
        if told["digests"].get(name) != value:
            wrong.append(f"{name}: this checkout has another one than the report was made from")
    if not wrong:
        inputs = folder / "inputs"
        events = [inputs / name for name in _EVENTS if (inputs / name).exists()]
        state, other = inputs / _STATE, inputs / _OTHER
        again = build(
            gather(
                events,
                state if state.exists() else None,
                past=sorted((folder / "past").glob("*.json")),
                other=other if other.exists() else None,
            )
        )
        for name, content in FORMATS.items():
            if content(again).encode() != (folder / name).read_bytes():
                wrong.append(f"{name}: computed again from its inputs it is another")
    for line in wrong:
        print(f"error: {line}", file=sys.stderr)
    if not wrong:
        print(f"{path.name}: holds; {len(FORMATS)} files computed again, byte for byte")
    return FAILED if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
