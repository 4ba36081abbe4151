"""A log that is not the whole account of a run is refused; one that is gives its verdicts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.run import SECRET, UNKNOWN, Damaged, at, load, shown
from tests.reports import events, small
from tests.reports.small import BAD, DATABASE, ITEMS

Events = list[dict[str, Any]]


def numbered(found: Events) -> Events:
    return [{**event, "sequence": place} for place, event in enumerate(found)]


def without(kind: str) -> Callable[[Events], Events]:
    return lambda found: numbered([event for event in found if kind not in event])


def unsaid(rule: str) -> Callable[[Events], Events]:
    return lambda found: numbered(
        [each for each in found if each.get("policyEvent", {}).get("policyName") != rule]
    )


def failed_step(found: Events) -> Events:
    failed = {"resOpFailedEvent": {"metadata": {"urn": BAD.urn, "op": "create"}}}
    return numbered([*found, failed])


def unjudged(found: Events) -> Events:
    key = "policyAnalyzeSummaryEvent"
    return numbered([e for e in found if e.get(key, {}).get("resourceUrn") != BAD.urn])


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (lambda _: [], "log.events.jsonl: tells of no resource"),
        (without("summaryEvent"), "has no end: the run was cut off"),
        (without("policyAnalyzeStackSummaryEvent"), "the run had no policy pack, or ended before"),
        (unjudged, f"1 resources were never judged, the first is {BAD.urn}"),
        (lambda found: found[:5] + found[6:], "event 5 is missing or not in its place"),
        (unsaid("bucket-closed"), f"bucket-closed is broken by {BAD.urn} and no event says how"),
        (unsaid("store-owned"), "store-owned is broken by the stack and no event says how"),
        (failed_step, f"the run failed at {BAD.urn}, so it tells of half a stack"),
        (lambda found: [*found, {"sequence": len(found), "resourcePreEvent": 7}], "as the engine"),
        (lambda found: [{"timestamp": 1}, *found], "KeyError at 'sequence'"),
    ],
)
def test_a_log_with_a_hole_is_refused_in_one_line(
    tmp_path: Path, broken: Callable[[Events], Events], says: str
):
    found = broken(small.told(tmp_path))
    with pytest.raises(Damaged, match="event") as refused:
        load(events.written(tmp_path, "log", found))
    assert says in str(refused.value), "nobody could tell what is wrong with the log"
    assert "\n" not in str(refused.value)


def test_a_line_that_is_cut_off_is_named(tmp_path: Path):
    path = small.log(tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    lines = len(path.read_text().splitlines())
    with pytest.raises(Damaged, match=f"^preview.events.jsonl: line {lines} is no event: the run"):
        load(path)


def test_a_log_that_is_not_there_or_holds_a_secret_in_clear_is_refused(tmp_path: Path):
    with pytest.raises(Damaged, match=r"^none: cannot be read: No such file or directory$"):
        load(tmp_path / "none")
    path = small.log(tmp_path)
    secret = '{"4dabf18193072939515e22adb298388d": "1b47", "plaintext": "\\"canary\\""}'
    text = path.read_text().replace('"open": true', f'"open": true, "password": {secret}')
    path.write_text(text)
    with pytest.raises(Damaged, match="holds secrets in clear") as refused:
        load(path)
    assert "canary" not in str(refused.value)


def test_a_line_separator_inside_a_text_does_not_end_the_line(tmp_path: Path):
    found = events.log([small.STACK, small.item("a\u2028b\x85c", tags={"owner": "x"})])
    path = tmp_path / "log"
    path.write_text(
        "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in found), encoding="utf-8"
    )
    assert "a\u2028b\x85c" in {each.name for each in load(path).resources.values()}


@pytest.mark.parametrize(
    ("operations", "loss"),
    [
        (["delete"], "delete"),
        (["create-replacement", "replace", "delete-replaced"], "replace"),
        (["delete-replaced", "replace", "create-replacement"], "replace"),
        (["import-replacement"], "replace"),
        (["update"], ""),
    ],
)
def test_what_a_run_takes_away_is_told(tmp_path: Path, operations: list[str], loss: str):
    found = small.told(tmp_path)
    place = next(
        place
        for place, each in enumerate(found)
        if each.get("resourcePreEvent", {}).get("metadata", {}).get("urn") == DATABASE.urn
    )
    step = found[place]["resourcePreEvent"]["metadata"]
    steps = [
        {"resourcePreEvent": {"metadata": {**step, "op": each, "new": new}}}
        for each in operations
        for new in [None if each.startswith("delete") else step["new"]]
    ]
    run = load(
        events.written(tmp_path, "log", numbered([*found[:place], *steps, *found[place + 1 :]]))
    )
    assert dict(run.gone) == ({DATABASE.urn: loss} if loss else {})


def test_a_run_says_what_it_was(tmp_path: Path):
    run = load(small.log(tmp_path))
    assert (run.kind, run.stack, run.project, run.result) == (
        "preview",
        "dev",
        "arches",
        "succeeded",
    )
    assert run.ended.isoformat() == "2026-11-21T16:02:13+00:00"
    assert len(run.resources) == len(ITEMS)
    assert run.digest.startswith("sha256:")


def test_secrets_and_unknown_values_become_marks():
    secret = {"4dabf18193072939515e22adb298388d": "1b47", "ciphertext": "v1:abc"}
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    assert shown({"a": [secret, unknown, 1], "b": "c"}) == {"a": [SECRET, UNKNOWN, 1], "b": "c"}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.0.b", [("a.0.b", 1)]),
        ("a.*.b", [("a.0.b", 1), ("a.1.b", 2)]),
        ("c.*", [("c.x", 3), ("c.y", 4)]),
        ("a.7.b", []),
        ("a.x", []),
        ("none.b", []),
        ("s.deep", [("s", SECRET)]),
    ],
)
def test_a_path_finds_what_stands_there(path: str, found: list[tuple[str, Any]]):
    inputs = {"a": [{"b": 1}, {"b": 2}], "c": {"y": 4, "x": 3}, "s": SECRET}
    assert list(at(inputs, path)) == found
