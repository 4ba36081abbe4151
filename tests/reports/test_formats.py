"""Each format is read by what reads it in production, and a hostile name is harmless in all."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from junitparser import JUnitXml
from rules.model import SECRET, UNKNOWN
from trestle.oscal.assessment_results import AssessmentResults

from reports.build import document
from reports.formats import FORMATS, SCHEMA
from reports.formats.markdown import written as markdown
from reports.formats.table import COLUMNS
from reports.model import Loss, Report, schema
from tests.policies import wire
from tests.reports import events, small
from tests.reports.small import BUCKET, DATABASE, GOOD, HOSTILE, ITEMS, WAIVER, item

# OASIS's errata 01 of SARIF 2.1.0, unchanged, as gosec 2.30.0 ships it (report/sarif/testdata).
SARIF = json.loads((Path(__file__).parent / "sarif-schema-2.1.0.json").read_text())
CANARY = "canary-of-a-secret"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Every outcome, every kind of text that a resource may carry, and both pictures."""
    folder = tmp_path_factory.mktemp("formats")
    items = [
        *ITEMS,
        item("new", open=UNKNOWN),
        item("odd", breaks=True),
        item("secret", open=False, password=SECRET, tags={"owner": "us", "a": f"=1+1 {HOSTILE}"}),
        item(HOSTILE, open=True),
        item("=HYPERLINK(1)", open=True),
        item("a\x07b\nc", open=True, tags={"owner": "us"}),
    ]
    state = folder / "state.json"
    state.write_text(json.dumps(events.state(items)))
    return small.report(folder, items, waivers=[WAIVER], state=state)


@pytest.fixture(scope="module")
def texts(report: Report) -> dict[str, str]:
    return {name: content(report) for name, content in FORMATS.items()}


def outcomes(report: Report) -> Counter[str]:
    return Counter(each.outcome for rule in report.rules for each in rule.judged)


def test_the_sample_has_every_outcome(report: Report):
    assert outcomes(report) == {"violated": 8, "passed": 7, "waived": 1, "unknown": 1, "error": 1}


# -- JSON ----------------------------------------------------------------------------------------
def test_the_published_schema_is_current_and_a_schema():
    assert json.loads(SCHEMA.read_text()) == schema(), "run `python -m reports schema`"
    jsonschema.Draft202012Validator.check_schema(schema())


def test_the_json_is_what_the_schema_says_and_nothing_else(texts: dict[str, str]):
    validator = jsonschema.Draft202012Validator(json.loads(texts["report.schema.json"]))
    told = json.loads(texts["report.json"])
    validator.validate(told)
    assert told["rules"][0]["judged"][0]["name"] == "good"
    for damage in ({"more": 1}, {"digest": "none"}, {"version": 2}, {"rules": [{}]}):
        assert not validator.is_valid({**told, **damage}), f"{damage} passes the schema"


def test_the_json_carries_a_digest_of_itself(report: Report):
    told = document(report)
    assert document(report)["digest"] == told["digest"]
    assert re.fullmatch("sha256:[0-9a-f]{64}", told["digest"])


# -- SARIF ---------------------------------------------------------------------------------------
def test_the_sarif_is_what_oasis_says(report: Report, texts: dict[str, str]):
    log = json.loads(texts["report.sarif"])
    jsonschema.Draft4Validator(SARIF).validate(log)
    assert log["runs"][0]["invocations"][0]["endTimeUtc"] == "2026-11-21T16:02:13Z"
    assert log["$schema"] == SARIF["id"]
    results = log["runs"][0]["results"]
    kinds = Counter(each["kind"] for each in results)
    found = outcomes(report)
    assert kinds["pass"] == found["passed"]
    assert kinds["open"] == found["unknown"]
    assert kinds["fail"] == found["violated"] + found["error"] + found["waived"]
    assert sum("suppressions" in each for each in results) == found["waived"]
    for each in results:
        rule = log["runs"][0]["tool"]["driver"]["rules"][each["ruleIndex"]]
        assert rule["id"] == each["ruleId"]
    fingerprints = [each["partialFingerprints"]["ruleAndResource/v1"] for each in results]
    assert len(set(fingerprints)) == len(fingerprints), "two findings would become one"


# -- JUnit ---------------------------------------------------------------------------------------
def test_a_ci_server_reads_the_same_counts_from_the_junit(report: Report, texts: dict[str, str]):
    found, seen = outcomes(report), JUnitXml.fromstring(texts["report.junit.xml"].encode())
    stated = Counter[str]()
    cases = Counter[str]()
    for suite in seen:
        counts = {"failure": suite.failures, "error": suite.errors, "skipped": suite.skipped}
        stated.update({**counts, "tests": suite.tests})
        for case in suite:
            cases.update([type(each).__name__.lower() for each in case.result] or ["passed"])
            cases["tests"] += 1
    assert cases["failure"] == stated["failure"] == found["violated"]
    assert cases["error"] == stated["error"] == found["error"]
    assert cases["skipped"] == stated["skipped"] == found["waived"] + found["unknown"]
    assert cases["tests"] == stated["tests"] == sum(found.values())
    assert cases["passed"] == found["passed"]
    names = {case.name for suite in seen for case in suite}
    assert f"{BUCKET}::{HOSTILE}" in names
    assert any(name.startswith(f"{BUCKET}::a?b") for name in names), "XML has no bell"


# -- OSCAL ---------------------------------------------------------------------------------------
def test_trestle_reads_the_oscal_back(report: Report, texts: dict[str, str], tmp_path: Path):
    path = tmp_path / "report.oscal.json"
    path.write_text(texts["report.oscal.json"])
    read = AssessmentResults.oscal_read(path)
    assert isinstance(read, AssessmentResults)
    result = read.results[0]
    assert [each.title for each in result.observations or []] == ["bucket-closed", "store-owned"]
    finding = (result.findings or [])[0]
    assert (finding.title, finding.target.target_id) == ("SOC2 CC6.1", "SOC2_CC6.1")
    assert finding.target.status
    assert finding.target.status.state.value == "not-satisfied"
    seen = {each.observation_uuid for each in finding.related_observations or []}
    assert seen == {(result.observations or [])[0].uuid}
    urns = [subject.title for each in result.observations or [] for subject in each.subjects or []]
    assert len(urns) == sum(outcomes(report).values())


def test_identifiers_of_the_oscal_are_stable_and_no_two_are_one(report: Report):
    def ids(text: str) -> list[str]:
        return re.findall(r'"uuid": "([0-9a-f-]{36})"', text)

    first = ids(FORMATS["report.oscal.json"](report))
    assert first == ids(FORMATS["report.oscal.json"](report))
    assert len(set(first)) == len(first) == 2 + 2 + 1


# -- Markdown ------------------------------------------------------------------------------------
def test_every_row_of_the_markdown_has_the_cells_of_its_head(texts: dict[str, str]):
    heads = 0
    for table in re.findall(r"(?:^\|.*\n)+", texts["report.md"], re.M):
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(widths) == 1, f"a cell breaks out of its row: {table[:400]}"
        heads += 1
    assert heads == 8, "numbers, four outcomes, rules, frameworks, digests"


def test_the_markdown_shows_a_hostile_name_as_text(texts: dict[str, str]):
    kept = r"&lt;script>alert(1)&lt;/script>\|'&#64;x'\[a\](b)"
    assert kept in texts["report.md"]
    for markup in ("<script", "`@", "[a](b)"):
        assert markup not in texts["report.md"]


def test_the_markdown_says_what_a_run_takes_away(tmp_path: Path):
    loss = Loss(urn=DATABASE.urn, type=DATABASE.type, name="database", operation="preview: delete")
    text = markdown(replace(small.report(tmp_path, [small.STACK, GOOD]), losses=(loss,)))
    assert "## Data that a run takes away" in text
    assert "| preview: delete | aws:rds/instance:Instance | database |" in text


# -- CSV -----------------------------------------------------------------------------------------
def test_a_sheet_reads_every_verdict_and_no_formula(report: Report, texts: dict[str, str]):
    rows = list(csv.DictReader(io.StringIO(texts["report.csv"], newline="")))
    assert tuple(rows[0]) == COLUMNS
    judged = [row for row in rows if row["urn"]]
    assert Counter(row["outcome"] for row in judged) == outcomes(report)
    assert [row["rule"] for row in rows if not row["urn"]] == ["queue-encrypted", "bucket-logged"]
    assert {row["resource"] for row in judged} >= {HOSTILE, "'=HYPERLINK(1)", "a\x07b\nc"}
    cells = [cell for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))]


# -- HTML ----------------------------------------------------------------------------------------
class Page(HTMLParser):
    """Elements, attributes and text of a page as a browser would take them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.handlers: list[str] = []
        self.addresses: list[str] = []
        self.ids: Counter[str] = Counter()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            self.handlers += [name] if name.startswith("on") or name == "style" else []
            self.addresses += [value] if name in ("src", "href", "action", "data") else []
            self.ids[value] += name == "id"

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_shows_a_hostile_name_as_text_and_asks_for_nothing(texts: dict[str, str]):
    page = Page(texts["report.html"])
    assert HOSTILE in page.text
    assert page.tags["script"] == 1
    assert not page.handlers
    assert not page.tags.keys() & {"img", "link", "iframe", "object", "embed", "base"}
    odd = [each for each in page.addresses if not each.startswith(("#", "https://"))]
    assert not odd, "a page of one file leads only into itself and to documentation"
    assert "url(http" not in texts["report.html"]
    assert max(page.ids.values()) == 1, "an id that stands twice leads to the wrong place"


def test_every_link_into_the_page_leads_somewhere(texts: dict[str, str]):
    page = Page(texts["report.html"])
    missing = {a for a in page.addresses if a.startswith("#")} - {f"#{each}" for each in page.ids}
    assert not missing


# -- all -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", FORMATS)
def test_the_same_report_gives_the_same_bytes(report: Report, texts: dict[str, str], name: str):
    assert FORMATS[name](report) == texts[name]
    assert texts[name].endswith("\n")


def test_a_secret_is_in_no_format(tmp_path: Path):
    found = small.told(tmp_path, [small.STACK, item("s", open=False, password=CANARY)])
    for event in found:
        step = event.get("resourcePreEvent", {}).get("metadata", {})
        if "password" in step.get("new", {}).get("inputs", {}):
            step["new"]["inputs"]["password"] = wire.MARKED | {"ciphertext": CANARY}
    path = events.written(tmp_path, "log", found)
    root = small.checkout(tmp_path / "checkout")
    report = small.build(small.gather([path], root=root, rules=small.RULES))
    assert small.judged(report, "bucket-closed", "s").evidence["password"] == "[secret]"
    for name, content in FORMATS.items():
        assert CANARY not in content(report), f"{name} tells a secret"
