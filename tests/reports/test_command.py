"""`write` leaves the last report whole until the next is whole; `verify` tells each damage."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from rules.model import ROOT, Item, Props

from reports import __main__ as command
from reports import digests
from reports.formats import FORMATS
from reports.run import Damaged
from tests.reports import events

# One of our own environments, since the commands read this checkout.
STACK = "staging"
BUCKET = "aws:s3/bucket:Bucket"
LATER = events.ENDED + 86400


def item(type_: str, name: str, **props: Any) -> Item:
    chain = type_ if type_ == ROOT else f"{ROOT}${type_}"
    urn = f"urn:pulumi:{STACK}::arches::{chain}::{name}"
    return Item(type=type_, name=name, urn=urn, props=Props(props))


ITEMS = (item(ROOT, f"arches-{STACK}"), item(BUCKET, "files"))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logs of two days and a state."""
    folder = tmp_path_factory.mktemp("inputs")
    events.written(folder, "preview", events.log(ITEMS))
    events.written(folder, "deployed", events.log(ITEMS, preview=False))
    events.written(folder, "later", events.log(ITEMS, ended=LATER))
    (folder / "state.json").write_text(json.dumps(events.state(ITEMS)))
    return folder


def write(inputs: Path, out: Path, *names: str) -> int:
    logs = [f"--events={inputs / name}.events.jsonl" for name in names or ("preview", "deployed")]
    state = [] if names else [f"--state={inputs / 'state.json'}"]
    return command.main(["write", *logs, *state, f"--out={out}"])


def verify(out: Path, name: str = "report.json") -> int:
    return command.main(["verify", str(out / name)])


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def made(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "report"
    write(inputs, out)
    return out


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    """A copy of a whole report, to be damaged."""
    return Path(shutil.copytree(made, tmp_path / "report"))


# -- write ---------------------------------------------------------------------------------------
def test_a_broken_rule_gives_1_and_the_report_is_there(
    inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert write(inputs, tmp_path / "report") == 1, "a stack without a trail is no clean one"
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"arches/{STACK}: ")
    assert said[-1] == f"report: {tmp_path / 'report'}/report.html"
    assert set(contents(tmp_path / "report")) == {
        *FORMATS,
        *(f"inputs/{name}" for name in ("preview.events.jsonl", "deployed.events.jsonl")),
        "inputs/state.json",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["report"], "nothing is left over"


def test_the_same_input_gives_the_same_bytes_also_in_the_same_place(inputs: Path, out: Path):
    before = {name: (out / name).read_bytes() for name in FORMATS}
    write(inputs, out)
    assert {name: (out / name).read_bytes() for name in FORMATS} == before
    assert verify(out) == 0


def test_a_later_report_keeps_the_last_one_for_its_trend(inputs: Path, out: Path):
    write(inputs, out, "later")
    told = json.loads((out / "report.json").read_text())
    assert [each["ended"] for each in told["trend"]] == ["2026-11-21T16:02:13+00:00"]
    assert [path.name for path in (out / "past").iterdir()] == ["2026-11-21T160213+0000.json"]
    assert verify(out) == 0


def test_a_bad_input_gives_2_one_line_and_the_old_report(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    before = contents(out)
    (tmp_path / "cut.events.jsonl").write_text("{")
    assert write(tmp_path, out, "cut") == 2
    assert capsys.readouterr().err == (
        "error: cut.events.jsonl: line 1 is no event: the run was cut off; run it again\n"
    )
    assert contents(out) == before
    assert not out.with_name("report.new").exists()


def test_a_format_that_fails_leaves_the_old_report(
    inputs: Path, out: Path, monkeypatch: pytest.MonkeyPatch
):
    before = contents(out)

    def fails(_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setitem(command.FORMATS, "report.csv", fails)
    with pytest.raises(KeyboardInterrupt):
        write(inputs, out, "later")
    assert contents(out) == before
    monkeypatch.undo()
    assert verify(out) == 0


def test_a_run_that_was_killed_between_the_folders_loses_no_report(inputs: Path, out: Path):
    out.rename(out.with_name("report.old"))
    out.with_name("report.new").mkdir()
    write(inputs, out, "later")
    assert len(json.loads((out / "report.json").read_text())["trend"]) == 1
    assert [path.name for path in out.parent.iterdir()] == ["report"]


def test_an_old_report_that_is_damaged_is_named_and_not_thrown_away(
    inputs: Path, out: Path, capsys: pytest.CaptureFixture[str]
):
    (out / "report.json").write_text("{}")
    assert write(inputs, out) == 2
    assert "report.json: is no report of ours (KeyError at 'ended'); take it away" in (
        capsys.readouterr().err
    )
    assert (out / "report.html").exists()


def test_the_preview_alone_is_enough_and_has_no_picture(inputs: Path, tmp_path: Path):
    write(inputs, tmp_path / "report", "preview")
    told = json.loads((tmp_path / "report/report.json").read_text())
    assert told["pictures"] == []
    assert "without the stack's state nobody knows" in (
        (tmp_path / "report/report.html").read_text()
    )
    assert verify(tmp_path / "report") == 0


# -- verify --------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", FORMATS)
def test_a_whole_report_holds_whichever_file_is_asked(
    made: Path, name: str, capsys: pytest.CaptureFixture[str]
):
    assert verify(made, name) == 0
    assert capsys.readouterr().out == f"{name}: holds; 8 files computed again, byte for byte\n"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_each_edited_file_is_named(out: Path, capsys: pytest.CaptureFixture[str]):
    edited = [name for name in FORMATS if name != "report.json"]
    for name in edited:
        (out / name).write_text(f"{(out / name).read_text()} ")
    assert verify(out) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"error: {name}: computed again it is another: it was edited, or the tests that it names "
        "or the reports under past/ were"
        for name in edited
    ]


def test_of_several_files_only_the_edited_one_is_named(
    out: Path, capsys: pytest.CaptureFixture[str]
):
    (out / "report.md").write_text(f"{(out / 'report.md').read_text()} ")
    assert verify(out) == 1
    assert [line.split(": ")[1] for line in capsys.readouterr().err.splitlines()] == ["report.md"]


def test_a_file_that_was_taken_away_is_named(out: Path, capsys: pytest.CaptureFixture[str]):
    (out / "report.csv").unlink()
    assert verify(out) == 1
    assert "error: report.csv: computed again it is another" in capsys.readouterr().err


def test_a_verdict_that_was_turned_is_told_with_all_else_that_was_edited(
    out: Path, capsys: pytest.CaptureFixture[str]
):
    edit(out / "report.json", '"violated"', '"passed"')
    edit(out / "report.html", "violated", "passed")
    assert verify(out) == 1
    said = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[1] for line in said] == ["report.json", "report.html"]
    assert "its digest does not fit" in said[0]


def test_a_verdict_that_was_turned_with_its_digest_is_told(
    out: Path, capsys: pytest.CaptureFixture[str]
):
    told = json.loads((out / "report.json").read_text())
    del told["digest"]
    told["score"]["share"] = 100
    (out / "report.json").write_text(json.dumps({**told, "digest": digests.of_data(told)}))
    assert verify(out) == 1
    assert "error: report.json: computed again it is another" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "old", "new", "part"),
    [
        ("preview.events.jsonl", '"create": 2', '"create": 3', "events of preview"),
        ("deployed.events.jsonl", '"succeeded"', '"failed"', "events of deployed"),
        ("state.json", '"version": 3', '"version": 4', "state"),
    ],
)
def test_an_edited_input_is_named(
    out: Path, name: str, old: str, new: str, part: str, capsys: pytest.CaptureFixture[str]
):
    edit(out / "inputs" / name, old, new)
    assert verify(out) == 1
    assert capsys.readouterr().err == (
        f"error: {part}: inputs/ holds another one than the report was made from\n"
    )


def test_the_report_that_it_was_compared_with_is_an_input_like_any_other(
    inputs: Path, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Also what this report does not show of it: whoever reads it there trusts it."""
    log, fresh = inputs / "preview.events.jsonl", tmp_path / "compared"
    assert command.write([log], None, fresh, out / "report.json") == 1
    assert verify(fresh) == 0
    edit(fresh / "inputs/other.json", '"project": "arches"', '"project": "others"')
    assert verify(fresh) == 1
    assert capsys.readouterr().err == (
        "error: report compared with: inputs/ holds another one than the report was made from\n"
    )
    (fresh / "inputs/other.json").unlink()
    assert verify(fresh) == 2
    assert "other.json: cannot be read" in capsys.readouterr().err


def test_an_input_that_was_taken_away_is_named(out: Path, capsys: pytest.CaptureFixture[str]):
    (out / "inputs/deployed.events.jsonl").unlink()
    assert verify(out) == 2
    assert "deployed.events.jsonl: cannot be read" in capsys.readouterr().err


def test_another_checkout_is_told_by_its_part(
    made: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    real = digests.of_checkout

    def other(root: Path, stack: str) -> dict[str, str]:
        return {**real(root, stack), "program": "sha256:other"}

    monkeypatch.setattr(digests, "of_checkout", other)
    assert verify(made) == 1
    assert capsys.readouterr().err == (
        "error: program: this checkout has another one than the report was made from\n"
    )


def test_what_is_no_report_is_refused_with_what_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert verify(tmp_path, "notes.txt") == 2
    assert verify(tmp_path) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert all("is no file of a report; allowed: one of report.html, " in line for line in said)
    (tmp_path / "report.json").write_text("[]")
    assert verify(tmp_path) == 2
    assert "report.json: is no report of ours (TypeError" in capsys.readouterr().err


# -- the rest ------------------------------------------------------------------------------------
def test_the_rules_are_listed_with_severity_and_demand(capsys: pytest.CaptureFixture[str]):
    assert command.main(["rules"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == len(command.RULES)
    assert {len(row) for row in rows} == {3}


def test_the_folder_of_a_report_is_asked_for():
    with pytest.raises(SystemExit):
        command.main(["write", "--events", "x"])
    with pytest.raises(Damaged, match="x: cannot be read"):
        command.write([Path("x")], None, Path("nowhere/report"))
