"""Verdicts, denominators and numbers of a report, on a stack and a pack that can be counted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rules.model import SECRET, UNKNOWN, Level, Rule

from reports import trace
from reports.build import Mismatch, Sources, build, departures, gather
from reports.model import Elsewhere, Loss, Past
from reports.run import SIGNATURE, Damaged
from tests.reports import events, small
from tests.reports.small import BAD, BUCKET, DATABASE, GOOD, ITEMS, STACK, WAIVER, item


def sources(folder: Path, *logs: Path, **given: Any) -> Sources:
    return gather(logs, root=small.checkout(folder / "checkout"), rules=small.RULES, **given)


def state_of(*resources: Any) -> str:
    return json.dumps({"deployment": {"resources": resources}})


def exported(folder: Path, items: Any = ITEMS) -> Path:
    path = folder / "state.json"
    path.write_text(json.dumps(events.state(items)))
    return path


def test_each_rule_has_the_worst_verdict_of_what_it_judged(tmp_path: Path):
    found = small.report(tmp_path)
    assert {each.name: each.verdict for each in found.rules} == {
        "bucket-closed": "violated",
        "store-owned": "violated",
        "queue-encrypted": "not applicable",
        "bucket-logged": "disabled",
    }
    assert [dict(each.counts) for each in found.rules] == [
        {"violated": 1, "passed": 1},
        {"violated": 1, "passed": 3},
        {},
        {},
    ], "the bucket of logs is no part of what `bucket-closed` judged"


def test_a_finding_stands_with_its_resource_and_its_fix(tmp_path: Path):
    found = small.report(tmp_path)
    bad = small.judged(found, "bucket-closed", "bad")
    assert (bad.outcome, bad.before, bad.after) == ("violated", "violated", "")
    assert bad.said == ("is open; close it",)
    assert small.judged(found, "bucket-closed", "good").said == ()


def test_the_score_counts_what_was_judged_and_nothing_else(tmp_path: Path):
    score = small.report(tmp_path, [STACK, GOOD, DATABASE]).score
    assert score.share == 100.0, "rules without a resource, and disabled ones, are no failures"
    assert dict(score.rules) == {"passed": 2, "not applicable": 1, "disabled": 1}
    assert dict(score.checks) == {"passed": 3}
    assert score.resources == 3
    assert small.report(tmp_path).score.share == 0.0
    assert small.report(tmp_path, [STACK]).score.share == 0.0


def test_what_is_not_known_yet_is_neither_passed_nor_violated(tmp_path: Path):
    found = small.report(tmp_path, [STACK, item("new", open=UNKNOWN, tags={"owner": "us"})])
    new = small.judged(found, "bucket-closed", "new")
    assert new.outcome == "unknown"
    assert new.said == ("not known until deployed: open",)
    assert new.evidence["open"] == "(not known until deployed)"
    assert small.rule(found, "bucket-closed").verdict == "unknown"


def test_a_rule_that_breaks_is_an_error_of_that_rule(tmp_path: Path):
    found = small.report(tmp_path, [STACK, GOOD, item("odd", breaks=True, tags={"owner": "us"})])
    odd = small.judged(found, "bucket-closed", "odd")
    assert odd.outcome == "error"
    assert odd.said[0].startswith("the rule itself failed: ZeroDivisionError in line ")
    assert small.judged(found, "bucket-closed", "good").outcome == "passed"
    assert small.rule(found, "bucket-closed").verdict == "error"


def test_a_waived_finding_stays_and_its_waiver_says_what_it_covers(tmp_path: Path):
    found = small.report(tmp_path, waivers=[WAIVER])
    bad = small.judged(found, "bucket-closed", "bad")
    assert bad.outcome == "waived"
    assert bad.said == ("waived until 2027-01-31 (platform, OPS-1): is open; close it",)
    assert [(each.ticket, each.expires, each.findings) for each in found.waivers] == [
        ("OPS-1", "2027-01-31", 1)
    ]
    elsewhere = small.report(tmp_path, waivers=[{**WAIVER, "stack": "prod"}])
    assert elsewhere.waivers == (), "another environment's waiver is not this report's"


def test_a_waiver_of_one_finding_says_its_words_and_counts_only_it(tmp_path: Path):
    waiver = {**WAIVER, "finding": "is open; close*"}
    (row,) = small.report(tmp_path, waivers=[waiver]).waivers
    assert (row.finding, row.findings) == ("is open; close*", 1)
    two = {**WAIVER, "finding": "is wide open; *"}
    found = small.report(tmp_path, waivers=[waiver, {**two, "ticket": "OPS-2"}])
    assert [(row.ticket, row.findings) for row in found.waivers] == [("OPS-1", 1), ("OPS-2", 0)]
    expired = {**waiver, "expires": "2026-11-01"}
    (row,) = small.report(tmp_path, waivers=[expired]).waivers
    assert row.findings == 1, "what an expired waiver covered is violated, and its own"


def test_what_the_preview_did_not_know_the_run_that_deployed_settles(tmp_path: Path):
    before = small.log(tmp_path, [STACK, item("new", open=UNKNOWN, tags={"owner": "us"})])
    after = small.log(
        tmp_path, [STACK, item("new", open=False, tags={"owner": "us"})], preview=False
    )
    found = build(sources(tmp_path, after, before))
    new = small.judged(found, "bucket-closed", "new")
    assert (new.outcome, new.before, new.after) == ("passed", "unknown", "passed")
    assert [run.kind for run in found.runs] == ["preview", "deployed"]
    assert small.rule(found, "bucket-closed").counts == {"passed": 1}


def test_evidence_is_what_stands_at_the_rules_paths_and_never_a_secret(tmp_path: Path):
    rich = item("rich", open=False, password=SECRET, tags={"owner": "us", "a": "b" * 300})
    shown = small.judged(small.report(tmp_path, [STACK, rich]), "bucket-closed", "rich").evidence
    assert dict(shown) == {
        "open": "false",
        "tags.a": "b" * 197 + "...",
        "tags.owner": "us",
        "password": "[secret]",
    }


def test_a_control_answers_with_its_rules_and_every_other_says_why_not(tmp_path: Path):
    found = small.report(tmp_path)
    controls = {f"{c.framework} {c.id}": c for f in found.frameworks for c in f.controls}
    assert controls[small.ANSWERED].rules == ("bucket-closed",)
    assert controls[small.ANSWERED].verdict == "violated"
    for framework in found.frameworks:
        assert sum(framework.counts.values()) == len(framework.controls)


def test_a_type_that_no_rule_judges_says_why_or_that_nobody_does(tmp_path: Path):
    rows = {
        row.type: row for row in small.report(tmp_path, [*ITEMS, item("x", "test:a/b:C")]).types
    }
    assert (rows[BUCKET].resources, rows[BUCKET].rules, rows[BUCKET].reason) == (3, 3, "")
    assert rows["test:a/b:C"].reason == "nobody says why nothing is judged of it"


def test_data_that_a_run_takes_away_is_a_loss_and_a_bucket_policy_is_none(tmp_path: Path):
    found = sources(tmp_path, small.log(tmp_path))
    policy = item("p", "aws:s3/bucketPolicy:BucketPolicy").urn
    run = replace(found.runs[0], gone={DATABASE.urn: "replace", policy: "delete"})
    assert build(replace(found, runs=(run,))).losses == (
        Loss(urn=DATABASE.urn, type=small.STORE, name="database", operation="preview: replace"),
    )


# -- what does not fit together ------------------------------------------------------------------
def test_a_run_with_other_rules_is_refused(tmp_path: Path):
    path = small.log(tmp_path)
    root = small.checkout(tmp_path / "checkout")
    one_less = tuple(rule for rule in small.RULES if rule is not small.OWNED)
    (root / "policies/levels.yaml").write_text("{}")
    with pytest.raises(Mismatch, match="judged by 'store-owned', which is not in force in this"):
        build(gather([path], root=root, rules=one_less))
    joined = replace(small.OWNED, name="store-named")
    with pytest.raises(Mismatch, match="was not judged by 'store-named', which this checkout has"):
        build(gather([path], root=root, rules=(*small.RULES, joined)))


@pytest.mark.parametrize("gone", [small.CLOSED, small.IDLE], ids=lambda rule: rule.name)
def test_a_run_whose_pack_lacked_a_rule_over_one_resource_is_refused(tmp_path: Path, gone: Rule):
    """Its summaries of remedies name each such rule, also where the stack has nothing of its types:
    without them what nobody judged would be as good as what has nothing to judge."""
    told = small.told(tmp_path, [STACK, GOOD])
    for event in told:
        for kind in ("policyAnalyzeSummaryEvent", "policyRemediateSummaryEvent"):
            if kind in event:
                event[kind]["passed"] = [n for n in event[kind]["passed"] if n != gone.name]
    with pytest.raises(Mismatch, match=f"not judged by '{gone.name}', which this checkout has"):
        build(sources(tmp_path, events.written(tmp_path, "x", told)))


def test_a_rule_that_is_disabled_and_one_that_remedies_are_no_hole(tmp_path: Path):
    """The engine's summary of remedies calls a rule failed where it set something."""
    levels: dict[str, Level] = {"bucket-closed": "remediate", "bucket-logged": "disabled"}
    remedied = replace(small.CLOSED, remedy={"open": False})
    rules = (remedied, *small.RULES[1:])
    root = small.checkout(tmp_path / "checkout")
    (root / "policies/levels.yaml").write_text(f"dev: {levels}\n")
    path = small.log(tmp_path, [STACK, GOOD], rules=rules, levels=levels)
    found = build(gather([path], root=root, rules=rules))
    assert small.rule(found, "bucket-closed").verdict == "passed"
    assert small.rule(found, "bucket-closed").level == "remediate"
    assert small.rule(found, "bucket-logged").verdict == "disabled"


def test_a_run_that_another_pack_judged_is_refused(tmp_path: Path):
    path = small.log(tmp_path)
    root = small.checkout(tmp_path / "checkout")
    (root / "policies/rules.py").write_text("# the rule says something else now")
    with pytest.raises(Mismatch, match=r"^the preview was judged by the pack arches 1") as said:
        build(gather([path], root=root, rules=small.RULES))
    assert "make the report with the checkout that ran it, or run again" in str(said.value)
    old = small.log(tmp_path, version="1.0.0")
    with pytest.raises(Mismatch, match=r"by the pack arches 1\.0\.0, this checkout's is arches 1"):
        build(gather([old], root=root, rules=small.RULES))


def test_a_preview_after_the_up_is_refused_beside_it(tmp_path: Path):
    """The report would give the verdicts of the older run, whatever the newer one found."""
    deployed = small.log(tmp_path, [STACK, GOOD], preview=False)
    later = small.log(tmp_path, ended=events.ENDED + 1)
    with pytest.raises(Damaged, match=r"the preview is newer than the up.*; give one of them"):
        sources(tmp_path, deployed, later)
    assert small.rule(build(sources(tmp_path, later)), "bucket-closed").verdict == "violated"


def test_a_finding_of_a_disabled_rule_is_refused(tmp_path: Path):
    path = small.log(tmp_path, levels={})
    with pytest.raises(Mismatch, match="judged by 'bucket-logged', which is not in force"):
        build(sources(tmp_path, path))


def test_a_finding_that_would_be_lost_is_refused(tmp_path: Path):
    found = sources(tmp_path, small.log(tmp_path))
    run = found.runs[0]
    for urn in ("", DATABASE.urn):
        stray = replace(run.findings[0], urn=urn)
        broken = replace(run, findings=(*run.findings, stray))
        with pytest.raises(Mismatch, match="which that rule does not judge"):
            build(replace(found, runs=(broken,)))


def test_runs_that_are_no_pair_are_refused(tmp_path: Path):
    path = small.log(tmp_path)
    with pytest.raises(Damaged, match=r"^0 event logs \(none\); allowed: one of a preview"):
        sources(tmp_path)
    with pytest.raises(Damaged, match=r"^2 event logs \(preview, preview\); allowed"):
        sources(tmp_path, path, path)
    text = small.log(tmp_path, preview=False).read_text().replace(":dev::", ":prod::")
    (tmp_path / "prod").write_text(text)
    with pytest.raises(Damaged, match="several stacks: arches/dev, arches/prod"):
        sources(tmp_path, path, tmp_path / "prod")


def test_a_stack_that_the_checkout_does_not_have_is_refused(tmp_path: Path):
    root = small.checkout(tmp_path / "checkout")
    (root / "Pulumi.dev.yaml").unlink()
    with pytest.raises(Mismatch, match=r"of arches/dev, of which this checkout has no .*dev\.yaml"):
        gather([small.log(tmp_path)], root=root, rules=small.RULES)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", r"state.json: is no whole JSON document"),
        ("[]", r"state.json: is no exported state \(TypeError"),
        ('{"deployment": {}}', r"no exported state \(KeyError at 'resources'\)"),
        (state_of({"urn": "x"}), r"no exported state \(KeyError at 'type'\)"),
        (state_of({"urn": "urn:pulumi:x::a::b::c", "type": "b"}), "is not the state of dev"),
        (
            state_of({"urn": "x", "type": "b", "p": {SIGNATURE: "1b47", "plaintext": "canary"}}),
            "state.json: holds secrets in clear",
        ),
    ],
)
def test_a_damaged_state_is_refused_in_one_line(tmp_path: Path, text: str, says: str):
    (tmp_path / "state.json").write_text(text)
    with pytest.raises((Damaged, Mismatch), match=says) as refused:
        sources(tmp_path, small.log(tmp_path), state=tmp_path / "state.json")
    assert "\n" not in str(refused.value)
    assert "canary" not in str(refused.value)


def test_a_state_without_what_was_deployed_is_refused(tmp_path: Path):
    after = small.log(tmp_path, preview=False)
    with pytest.raises(Mismatch, match=f"lacks 1 resources .* the first is .*{BAD.name}; export"):
        sources(tmp_path, after, state=exported(tmp_path, [i for i in ITEMS if i is not BAD]))
    assert sources(tmp_path, after, state=exported(tmp_path)).state is not None


# -- beside the verdicts -------------------------------------------------------------------------
def test_without_a_state_there_is_no_picture(tmp_path: Path):
    assert small.report(tmp_path).pictures == ()
    titles = [each.title for each in small.report(tmp_path, state=exported(tmp_path)).pictures]
    assert titles == ["What the deployment is made of", "Who reaches whom"]


def test_the_trend_is_of_older_reports_only_from_the_oldest(tmp_path: Path):
    def kept(ended: str, share: float) -> Path:
        path = tmp_path / f"{share}.json"
        told = {"ended": ended, "digests": {"program": "sha256:a"}}
        path.write_text(json.dumps({**told, "score": {"share": share, "rules": {"passed": 1}}}))
        return path

    now = "2026-11-21T16:02:13+00:00"
    past = [kept("2026-11-01T00:00:00+00:00", 2), kept("2026-10-01T00:00:00+00:00", 1)]
    past += [kept(now, 3), kept("2027-01-01T00:00:00+00:00", 4)]
    found = small.report(tmp_path, past=past)
    assert found.ended == now
    assert found.trend == tuple(
        Past(ended=e, program="sha256:a", share=share, rules={"passed": 1})
        for e, share in (("2026-10-01T00:00:00+00:00", 1), ("2026-11-01T00:00:00+00:00", 2))
    )


def test_a_past_report_or_another_environments_that_is_none_is_refused(tmp_path: Path):
    (tmp_path / "x.json").write_text('{"ended": "2026"}')
    with pytest.raises(Damaged, match=r"^x.json: is no report of ours \(KeyError at 'digests'\)"):
        small.report(tmp_path, past=[tmp_path / "x.json"])
    with pytest.raises(Damaged, match="is no report of ours"):
        small.report(tmp_path, other=tmp_path / "x.json")


def test_differences_name_each_rule_that_is_otherwise_there(tmp_path: Path):
    there = {"bucket-closed": "passed", "store-owned": "violated", "old-rule": "passed"}
    rules = [{"name": name, "verdict": verdict} for name, verdict in there.items()]
    (tmp_path / "o.json").write_text(json.dumps({"stack": "prod", "rules": rules}))
    found = small.report(tmp_path, other=tmp_path / "o.json")
    assert found.compared_with == "prod"
    assert found.differences == (
        Elsewhere(rule="bucket-closed", here="violated", there="passed"),
        Elsewhere(rule="queue-encrypted", here="not applicable", there="no such rule"),
        Elsewhere(rule="bucket-logged", here="disabled", there="no such rule"),
        Elsewhere(rule="old-rule", here="no such rule", there="passed"),
    )


def test_the_guides_table_is_read_row_by_row():
    rows = departures("| No. | a |\n|---|---|\n| 1 | says | does | why | state |\nelse\n")
    assert [(row.number, row.guide, row.why, row.state) for row in rows] == [
        ("1", "says", "why", "state")
    ]


def test_the_report_has_the_guides_table_and_every_requirement(tmp_path: Path):
    found = small.report(tmp_path)
    assert len(found.departures) > 10
    assert [row.id for row in found.requirements] == list(trace.EVERY)
    first = trace.EVERY[0]
    guard = replace(small.CLOSED, requirements=(first,))
    root = tmp_path / "checkout"
    found = build(gather([small.log(tmp_path)], root=root, rules=(guard, *small.RULES[1:])))
    assert (found.requirements[0].id, found.requirements[0].rules) == (first, ("bucket-closed",))
    assert found.requirements[0].verdict == "violated"
    assert found.requirements[1].verdict == "no rule"
