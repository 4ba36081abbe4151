"""`python -m reports`: the report's files from a run, and the proof that they still hold.

`write` puts every format into a folder, with what it was made from under `inputs/` and the reports
before it under `past/`. `verify` takes one file of such a folder and computes it all again.
"""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rules import RULES
from rules.controls import CatalogueError
from rules.levels import LevelError
from rules.waivers import WaiverError

from reports import ROOT, digests
from reports.build import COMPARED, Mismatch, build, gather, picked
from reports.formats import FORMATS, SCHEMA
from reports.model import Report, schema
from reports.run import Damaged

# What is wrong with what a report is made from; each is one line.
PROBLEMS = (Damaged, Mismatch, WaiverError, LevelError, CatalogueError)
BAD_INPUT = 2
FAILED = 1
# A year of monthly reports: what a trend is drawn from.
KEPT = 12
KINDS = ("preview", "deployed")
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
    commands.add_parser("schema", help="write the JSON schema of report.json")
    given = parser.parse_args(arguments)
    try:
        if given.command == "rules":
            return _rules()
        if given.command == "schema":
            SCHEMA.write_text(f"{json.dumps(schema(), indent=1)}\n", encoding="utf-8")
            return 0
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

    Raises Damaged, Mismatch. The report before it stays whole until the new one is whole.
    """
    fresh, old = (out.with_name(f"{out.name}.{suffix}") for suffix in ("new", "old"))
    if old.exists() and not out.exists():
        old.rename(out)  # a run before this one was ended between the two renames below
    shutil.rmtree(fresh, ignore_errors=True)
    inputs, past = fresh / "inputs", fresh / "past"
    inputs.mkdir(parents=True)
    past.mkdir()
    try:
        for name, path in _kept(out).items():
            shutil.copyfile(path, past / name)
        sources = gather(events, state, past=sorted(past.iterdir()), other=other)
        kinds = {run.digest: run.kind for run in sources.runs}
        for path in events:
            shutil.copyfile(path, inputs / f"{kinds[digests.of_file(path)]}.events.jsonl")
        for path, name in ((state, _STATE), (other, _OTHER)):
            if path is not None:
                shutil.copyfile(path, inputs / name)
        report = build(sources)
        for name, content in FORMATS.items():
            (fresh / name).write_bytes(content(report).encode())
        shutil.rmtree(old, ignore_errors=True)
        if out.exists():
            out.rename(old)
        fresh.rename(out)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    for line in summary(report, out):
        print(line)
    return FAILED if _broken(report) else 0


def _kept(out: Path) -> dict[str, Path]:
    """The reports that a trend is drawn from: those kept, and the one that is to be replaced."""
    found = {path.name: path for path in (out / "past").glob("*.json")}
    here = out / "report.json"
    if here.exists():
        ended = picked(here, lambda report: str(report["ended"]))
        found[f"{ended.replace(':', '')}.json"] = here
    return {name: found[name] for name in sorted(found)[-KEPT:]}


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


def _verify(file: Path) -> int:
    """Compute a report again from its inputs and this checkout; say what does not hold."""
    folder, inputs = file.parent, file.parent / "inputs"
    if file.name not in FORMATS or not file.exists():
        raise Damaged(f"{file}: is no file of a report; allowed: one of {', '.join(FORMATS)}")
    told, stack, made_from = picked(
        folder / "report.json", lambda report: (report, report["stack"], dict(report["digests"]))
    )
    edited = False
    wrong: list[str] = []
    if digests.of_data({k: v for k, v in told.items() if k != "digest"}) != told.get("digest"):
        edited = True
        wrong.append("report.json: was changed after it was written: its digest does not fit")
    try:
        here = digests.of_checkout(ROOT, stack)
    except OSError as problem:
        raise Mismatch(f"this checkout has no {problem.filename}, of which {file} is") from None
    state, other = inputs / _STATE, inputs / _OTHER
    sources = gather(
        [inputs / f"{kind}.events.jsonl" for kind in KINDS if f"events of {kind}" in made_from],
        state if "state" in made_from else None,
        past=sorted((folder / "past").glob("*.json")),
        other=other if COMPARED in made_from else None,
    )
    others = [name for name, value in sources.digests.items() if made_from.get(name) != value]
    for name in others:
        what = "this checkout has another one" if name in here else "inputs/ holds another one"
        wrong.append(f"{name}: {what} than the report was made from")
    if not others:
        again = build(sources)
        for name, content in FORMATS.items():
            path = folder / name
            if edited and name == "report.json":
                continue
            if not path.exists() or content(again).encode() != path.read_bytes():
                wrong.append(
                    f"{name}: computed again it is another: it was edited, or the tests that it "
                    "names or the reports under past/ were"
                )
    for line in wrong:
        print(f"error: {line}", file=sys.stderr)
    if not wrong:
        print(f"{file.name}: holds; {len(FORMATS)} files computed again, byte for byte")
    return FAILED if wrong else 0


if __name__ == "__main__":
    gc.disable()  # a short process without circles; collecting would be a fifth of its time
    sys.exit(main())
