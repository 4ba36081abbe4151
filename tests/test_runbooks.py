"""Every alarm names a runbook that exists, and no alarm's runbook is an orphan."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from components.alarm_table import table
from components.alarms import OWN_TEXT, events
from tests.components.test_alarms import settings, watched
from tests.conftest import Recorded
from tests.test_stacks import EXPORTS

RUNBOOKS = Path(__file__).parent.parent / "docs" / "runbooks"
TITLE = "# Alarm: "
HEADINGS = ["What it means", "First three checks", "What to do", "When to escalate"]

# Other runbooks (a restore, a retirement) live in the same folder under other titles.
ALARMS = sorted(
    path for path in RUNBOOKS.glob("*.md") if path.read_text(encoding="utf-8").startswith(TITLE)
)


EVERY = sorted(RUNBOOKS.glob("*.md"))
NAMESPACE = 'NS="$(pulumi stack output namespace -s "$STACK")"'


def named() -> set[str]:
    rows = table(settings(), watched(database_bursts=True))
    told = events(
        settings(), vault_name="v", vault_arn="arn:v", restore_plan_arn="arn:p", stack="test"
    )
    return {row.runbook for row in rows} | {row.runbook for row in told} | set(OWN_TEXT.values())


def test_every_alarm_names_a_runbook_that_exists():
    missing = named() - {path.stem for path in ALARMS}
    assert not missing, f"whoever is woken finds nothing to read: {sorted(missing)}"


def test_every_runbook_of_an_alarm_is_named_by_one():
    orphans = {path.stem for path in ALARMS} - named()
    assert not orphans, f"no alarm leads to {sorted(orphans)}"


@pytest.mark.parametrize("path", ALARMS, ids=lambda path: path.stem)
def test_a_runbook_says_meaning_three_checks_deeds_and_when_to_escalate(path: Path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"{TITLE}{path.stem}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    checks = text.split("## First three checks")[1].split("## What to do")[0]
    assert checks.count("```bash\n") == 3


def test_the_commands_of_a_runbook_hold_no_placeholder():
    """That they parse is asked of every document (test_docs)."""
    open_ = [
        f"{path.stem}: {command}"
        for path in ALARMS
        for command in re.findall(r"```bash\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
        if "<" in re.sub(r"<>", "", command)
    ]
    assert open_ == [], "a placeholder would be a redirection"


def test_a_runbook_asks_the_stack_for_its_namespace_before_it_uses_it():
    for path in EVERY:
        text = path.read_text(encoding="utf-8")
        for asked in re.findall(r"-n (\S+)|namespace=[\"'](\w+)", text):
            assert "production" not in asked, (
                f"{path.stem}: another environment's namespace has another name"
            )
        used = [text.index(word) for word in ('"$NS"', "'$NS'") if word in text]
        if used:
            assert text.count(NAMESPACE) == 1, f"{path.stem}: said once"
            assert text.index(NAMESPACE) < min(used), (
                f"{path.stem}: kubectl would look into the default namespace"
            )


def test_no_release_is_taken_back_by_undo_alone():
    """The files of the revision before are gone once an `up` has ended well."""
    alone = [
        f"{path.stem}: {line}"
        for path in EVERY
        for line in path.read_text(encoding="utf-8").splitlines()
        if "rollout undo" in line and not ("evert" in line and "`pulumi up`" in line)
    ]
    assert alone == [], "new pods would wait for ever, or the next run brings the fault again"


def test_the_page_about_rollouts_names_whoever_loses_a_pod_first(every_stack: dict[str, Recorded]):
    text = (RUNBOOKS / "rollout.md").read_text(encoding="utf-8")
    for stack, recorded in every_stack.items():
        for each in recorded.made.of("kubernetes:apps/v1:Deployment"):
            less = each.inputs["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"]
            name = each.inputs["metadata"]["name"].removeprefix("archesai-")
            assert less == 0 or f"the {name} takes one away first" in text, (
                f"{stack}: whoever reads the page believes that nothing of the {name} is missing"
            )


def test_who_looks_at_containers_sees_those_beside_the_main_one():
    for path in EVERY:
        text = path.read_text(encoding="utf-8")
        assert "containerStatuses[0]" not in text, f"{path.stem}: the others may be the cause"
        asked = len(re.findall(r"kube_pod_container_", text))
        assert asked == len(re.findall(r"kube_pod_init_container_", text)), (
            f"{path.stem}: to kube-state-metrics a sidecar is an init container"
        )


def test_every_output_that_a_runbook_asks_for_is_an_output_of_the_stack():
    asked = {
        (path.stem, output)
        for path in EVERY
        for output in re.findall(r"stack output ([a-z]\w*)", path.read_text(encoding="utf-8"))
    }
    unknown = [(runbook, output) for runbook, output in sorted(asked) if output not in EXPORTS]
    assert unknown == [], "the command would print nothing"
