"""Every requirement is traced: to the code that meets it and the rules that guard it."""

from __future__ import annotations

import re

from reports import trace


def test_every_requirement_stands_in_exactly_one_list() -> None:
    lists = (trace.HERE, set(trace.SHARED), set(trace.NOT_HERE))
    assert sum(map(len, lists)) == len(trace.EVERY) == 204, "one is missing or stands twice"
    assert set().union(*lists) == set(trace.EVERY)


def test_what_the_program_meets_is_named_where_it_is_met() -> None:
    assert sorted(trace.MET - set(trace.named_in("components", "settings"))) == [], (
        "an auditor could not find the code: name the id in its docstring, or move it to NOT_HERE"
    )


def test_no_code_names_a_requirement_that_does_not_exist() -> None:
    every = set(trace.EVERY)
    named = trace.named_in("components", "settings", "policies")
    assert {each: where for each, where in named.items() if each not in every} == {}


def test_no_range_of_requirements_crosses_chapters_or_runs_backwards() -> None:
    pattern = re.compile(r"\b([A-Z][A-Z0-9-]*)-(\d\d) to ([A-Z][A-Z0-9-]*)-(\d\d)\b")
    wrong = []
    for room in ("components", "settings", "policies"):
        for path in (trace.ROOT / room).rglob("*.py"):
            for one, first, other, last in pattern.findall(path.read_text(encoding="utf-8")):
                if one != other or first >= last:
                    wrong.append(f"{path.name}: {one}-{first} to {other}-{last}")
    assert wrong == []


def test_every_rule_guards_requirements_that_exist() -> None:
    assert set(trace.guarded_by()) <= set(trace.EVERY)


def test_no_rule_guards_what_nobody_here_meets() -> None:
    assert sorted(set(trace.guarded_by()) - trace.MET) == []


def test_the_trace_says_who_has_the_rest() -> None:
    for said in (*trace.SHARED.values(), *trace.NOT_HERE.values()):
        assert said
        assert not said.endswith(".")
    assert trace.holes() == []
    assert len(list(trace.matrix())) == len(trace.EVERY)


def test_a_range_names_every_requirement_in_it() -> None:
    assert trace.ids("Meets PG-01 to PG-03, LB-09.") == {"PG-01", "PG-02", "PG-03", "LB-09"}
    assert trace.ids("# REDIS-03 to\n    # REDIS-05") == {"REDIS-03", "REDIS-04", "REDIS-05"}
    assert trace.ids("TLS13-1-2-Res-2021-06 of 2026-11") == set()
    assert trace.ids("CHK-SEC-03 and SEC-06") == {"CHK-SEC-03", "SEC-06"}
