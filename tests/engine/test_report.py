"""`make report` from end to end: what the engine said twice, in every format, and no secret in any.

One report of staging is made for all tests here, in a copy of the project. Its stand-in for random
values notes each secret that it makes, so that the tests know what to look for.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rules import pack

from rehearsal.session import CANARY
from reports.formats import FORMATS
from tests.engine import programs
from tests.engine.seen import lines

# One worker makes the report for all.
pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("report")]

STACK = "staging"
DAY_SECONDS = 86_400
_RANDOM = "rehearsal/providers/random.py"
_GIVEN = (
    "Pulumi.staging.yaml",
    "  arches:registry:",
    "  arches:openAiApiKey: {secure: AAABAGiven}\n"
    "  arches:secrets: {openAi: true}\n"
    "  arches:registry:",
)


@dataclass(frozen=True)
class Made:
    """A project with a report, and how the command that made it ended."""

    project: Path
    done: subprocess.CompletedProcess[str]
    planted: frozenset[str]

    @property
    def out(self) -> Path:
        return self.project / "build" / "report" / STACK

    def told(self) -> dict[str, Any]:
        return json.loads((self.out / "report.json").read_text(encoding="utf-8"))

    def reports(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python -m reports ...` in the project."""
        return programs.called(self.project, "reports", *arguments)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("report")
    note = folder / "planted"
    noted = f'open({str(note)!r}, "a").write(f"{{%s}}\\n")'
    text, raw = "text = _text(inputs)", 'raw = secrets.token_bytes(int(inputs["length"]))'
    project = programs.edited(
        folder / "project",
        _GIVEN,
        (_RANDOM, text, f"{text}\n        {noted % 'text'}"),
        (_RANDOM, raw, f"{raw}\n        {noted % 'base64.b64encode(raw).decode()'}"),
    )
    done = programs.called(project, "rehearsal", "report", STACK, home=folder / "home")
    assert not list((folder / "home").rglob("state.json")), "what it was made from is left behind"
    return Made(project=project, done=done, planted=frozenset(note.read_text().splitlines()))


@pytest.fixture
def copy(made: Made, tmp_path: Path) -> Made:
    """The same report in a project of the test's own."""
    project = shutil.copytree(made.project, tmp_path / "project", symlinks=True)
    return Made(project=project, done=made.done, planted=made.planted)


def test_a_report_of_a_sound_environment_is_written_in_every_format(made: Made) -> None:
    # The command itself fails where preview, `up` and `policy analyze` do not agree.
    assert made.done.returncode == 0, made.done.stderr
    assert made.done.stderr == ""
    assert {path.name for path in made.out.iterdir() if path.is_file()} == set(FORMATS)
    told = made.told()
    assert [run["kind"] for run in told["runs"]] == ["preview", "deployed"]
    assert [run["result"] for run in told["runs"]] == ["succeeded", "succeeded"]
    assert told["score"]["share"] == 100.0, f"of our own environment: {told['score']}"
    assert set(told["score"]["checks"]) == {"passed"}
    assert "nothing was asked of AWS" in made.done.stdout


def test_the_engines_log_names_the_pack_by_its_content(made: Made) -> None:
    """Or the engine would put another version in its place, and any pack's run would do."""
    named = pack.named(made.project / "policies")
    assert [run["pack"] for run in made.told()["runs"]] == [named, named]


def test_what_a_first_preview_cannot_know_is_settled_by_the_run_that_deploys(made: Made) -> None:
    judged = [each for rule in made.told()["rules"] for each in rule["judged"]]
    before = Counter(each["before"] for each in judged)
    after = Counter(each["after"] for each in judged)
    assert before["unknown"] > 0, "a first preview knows no ARN; does it say what it cannot judge?"
    assert set(before) == {"passed", "unknown"}
    assert set(after) == {"passed"}, f"left open after everything was made: {after}"


def test_a_report_can_be_computed_again_from_what_is_kept_beside_it(made: Made) -> None:
    done = made.reports("verify", str(made.out / "report.html"))
    assert done.returncode == 0, done.stderr
    assert lines(done.stdout) == [
        f"report.html: holds; {len(FORMATS)} files computed again, byte for byte"
    ]


def test_a_report_that_was_edited_does_not_hold(copy: Made) -> None:
    page = copy.out / "report.html"
    page.write_text(page.read_text(encoding="utf-8").replace("passed", "waived", 1))
    done = copy.reports("verify", str(page))
    assert done.returncode == 1
    assert len(lines(done.stderr)) == 1, done.stderr
    assert done.stderr.startswith("error: report.html: computed again it is another")


def test_no_secret_is_in_any_file_of_a_report(made: Made) -> None:
    assert len(made.planted) > 5, f"{len(made.planted)} secrets were planted"
    kept = [path for path in made.out.rglob("*") if path.is_file()]
    assert len(kept) >= len(FORMATS) + 3, "two event logs and the state are kept as well"
    for path in kept:
        content = path.read_bytes()
        assert CANARY.encode() not in content, f"{path.name} holds the secret that a person gave"
        for secret in made.planted:
            for shape in (secret.encode(), base64.b64encode(secret.encode())):
                assert shape not in content, f"{path.name} holds a random secret"


def test_the_next_report_shows_where_the_environment_stood_before(copy: Made) -> None:
    first = copy.told()
    logs = [_a_day_later(path) for path in sorted((copy.out / "inputs").glob("*.events.jsonl"))]
    state = shutil.copy(copy.out / "inputs" / "state.json", copy.project / "state.json")
    done = copy.reports(
        "write", *(f"--events={log}" for log in logs), f"--state={state}", f"--out={copy.out}"
    )
    assert done.returncode == 0, done.stderr
    (row,) = copy.told()["trend"]
    assert row["ended"] == first["ended"]
    day = first["ended"][:10]
    page = (copy.out / "report.html").read_text(encoding="utf-8")
    trend = page[page.index('id="trend"') :]
    assert day in trend[: trend.index("</section>")], "the page does not show the report before"


def _a_day_later(log: Path) -> Path:
    later = log.parents[4] / log.name
    clock = re.compile(r'"timestamp":(\d+)')
    text = log.read_text(encoding="utf-8")
    later.write_text(
        clock.sub(lambda found: f'"timestamp":{int(found[1]) + DAY_SECONDS}', text), "utf-8"
    )
    return later


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text[: len(text) // 2], "is no event: the run was cut off; run it again"),
        (
            lambda text: "".join(
                line
                for line in text.splitlines(keepends=True)
                if "policyAnalyzeStackSummaryEvent" not in line
            ),
            "is missing or not in its place: the file was cut or edited; run it again",
        ),
    ],
    ids=["cut in the middle", "a verdict taken out"],
)
def test_a_damaged_log_is_refused_in_one_line_and_the_report_stays(
    damage: Any, said: str, copy: Made
) -> None:
    log = copy.project / "deployed.events.jsonl"
    whole = (copy.out / "inputs" / log.name).read_text(encoding="utf-8")
    log.write_text(damage(whole), encoding="utf-8")
    before = copy.told()
    done = copy.reports("write", f"--events={log}", f"--out={copy.out}")
    assert done.returncode == 2
    (line,) = lines(done.stderr)
    assert line.startswith(f"error: {log.name}: ")
    assert line.endswith(said)
    assert copy.told() == before
