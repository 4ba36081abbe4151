"""Levels: how much a rule binds in an environment, and that a checklist is never lowered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pulumi.runtime.proto import analyzer_pb2 as proto
from rules import CHECKLIST, RULES, levels
from rules.levels import LevelError
from rules.model import GUARDS, ROOT, Item, Props, Stack, StackRule

from tests.conftest import Recorded
from tests.policies.real import TODAY, items_of
from tests.policies.wire import asked_of_all, pack_of

POLICIES = Path(__file__).resolve().parents[2] / "policies"
NAMES = [rule.name for rule in RULES]
KEPT = next(rule for rule in RULES if rule.name == "levels-kept")


def _read(tmp_path: Path, content: Any) -> dict[str, Any]:
    path = tmp_path / "levels.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return levels.read(path, ["rds-encrypted", "rds-logged", *GUARDS])


def test_a_rule_binds_as_its_environment_says() -> None:
    said: Any = {"dev": {"all": "advisory", "rds-encrypted": "mandatory"}}
    names = ["rds-encrypted", "rds-logged"]
    assert levels.of("dev", said, names) == {
        "rds-encrypted": "mandatory",
        "rds-logged": "advisory",
    }


@pytest.mark.parametrize("stack", ["unheard-of", None])
def test_every_rule_binds_where_nobody_says_otherwise(stack: str | None) -> None:
    assert levels.of(stack, {"dev": {"all": "advisory"}}, ["rds-logged"]) == {
        "rds-logged": "mandatory"
    }


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"prod": {"rds-encryptd": "mandatory"}}, "prod: no rule is named 'rds-encryptd'"),
        ({"prod": {"rds-logged": "warn"}}, "prod: rds-logged: 'warn' is no level; allowed are"),
        ({"prod": "mandatory"}, "prod: a mapping of rules to levels is allowed"),
        ({"prod": {"levels-kept": "disabled"}}, "prod: levels-kept guards what this file may say"),
        ({"prod": {"waivers-kept": "advisory"}}, "prod: waivers-kept guards what this file may"),
        ({"dev": {"waivers-kept": "remediate"}}, "dev: waivers-kept guards what this file may say"),
        ("- prod", "a mapping of stacks is allowed"),
        ("prod: [", "cannot be read as YAML"),
    ],
)
def test_a_mistake_is_one_line_that_says_where(tmp_path: Path, content: Any, says: str) -> None:
    with pytest.raises(LevelError) as error:
        _read(tmp_path, content)
    assert str(error.value).startswith(f"levels.yaml: {says}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("level", ["disabled", "advisory", "remediate"])
def test_what_guards_levels_and_waivers_is_mandatory_whatever_all_says(level: Any) -> None:
    assert set(NAMES) >= GUARDS, "a guard that is no rule guards nothing"
    found = levels.of("prod", {"prod": {"all": level}}, NAMES)
    assert {found[rule] for rule in GUARDS} == {"mandatory"}
    assert found["rds-encrypted"] == level


def test_a_guard_may_be_called_what_it_is(tmp_path: Path) -> None:
    said = {"prod": {"levels-kept": "mandatory"}}
    assert _read(tmp_path, said) == said


def test_production_with_everything_disabled_is_refused(every_stack: dict[str, Recorded]) -> None:
    """Over the protocol, as `levels.yaml` would have it: each rule of the checklists is named."""
    pack = pack_of(RULES, levels={"prod": {"all": "disabled"}})
    items = items_of(every_stack["prod"].made, "prod")
    said = pack.AnalyzeStack(asked_of_all(items), None).diagnostics
    assert {each.policyName for each in said} == {"levels-kept"}
    assert {each.enforcementLevel for each in said} == {proto.MANDATORY}
    lowered = {each.message.partition("\n")[2].partition(" ")[0] for each in said}
    assert lowered == CHECKLIST - GUARDS


def test_no_environment_that_serves_customers_lowers_a_checklist(recorded: Recorded) -> None:
    said = levels.read(POLICIES / "levels.yaml", NAMES)
    lowered = {
        rule
        for rule, level in levels.of(recorded.stack, said, NAMES).items()
        if rule in CHECKLIST and level not in ("mandatory", "remediate")
    }
    assert not recorded.settings.identity.serves_customers or lowered == set()


def _judged(stack: Stack) -> list[str]:
    assert isinstance(KEPT, StackRule)
    root = Item(type=ROOT, name="arches-prod", urn="urn", props=Props({}))
    return list(KEPT.judge(root, stack))


def test_a_lowered_checklist_is_a_violation_where_customers_are_served(
    every_stack: dict[str, Recorded],
) -> None:
    name = sorted(CHECKLIST)[0]
    prod = items_of(every_stack["prod"].made, "prod")
    staging = items_of(every_stack["staging"].made, "staging")
    lowered: Any = {name: "advisory"}
    assert _judged(Stack(items=prod, today=TODAY, levels=lowered)) == [
        f"{name} guards the security checklist and is only advisory here"
    ]
    assert _judged(Stack(items=prod, today=TODAY, levels={name: "remediate"})) == []
    assert _judged(Stack(items=staging, today=TODAY, levels=lowered)) == []
