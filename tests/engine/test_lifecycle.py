"""Up, up again, refresh, destroy: the whole life of an environment on the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal import summary
from rehearsal.session import EngineFailed, Session
from tests.engine.conftest import Open

pytestmark = pytest.mark.engine


def changes(run_events: list[dict]) -> dict[str, str]:
    """Name -> operation, of everything that is not left as it is."""
    done = summary.operations(run_events)
    return {urn.split("::", 3)[3]: op for urn, op in done.items() if op != "same"}


def disagreements(opened: Session) -> list[str]:
    """Where state and account differ: things that only one of them has, or that one has twice."""
    resources = opened.state()["deployment"]["resources"]
    real = ("aws:", "kubernetes:")
    inside = [(r["urn"], r["id"]) for r in resources if r["type"].startswith(real) and r["custom"]]
    outside = [(r.urn, r.id) for r in opened.account.all()]
    found = [f"only in the state: {each}" for each in set(inside) - set(outside)]
    found += [f"only in the account: {each}" for each in set(outside) - set(inside)]
    for place, pairs in (("state", inside), ("account", outside)):
        urns = [urn for urn, _ in pairs]
        found += [f"twice in the {place}: {urn}" for urn in set(urns) if urns.count(urn) > 1]
    return sorted(found)


def test_after_the_first_up_state_and_account_agree(open_stack: Open, staging: Path) -> None:
    with open_stack(staging) as opened:
        deployment = opened.state()["deployment"]
        assert not deployment.get("pending_operations"), "the first up left work unfinished"
        assert len(opened.account.all()) > 250, "staging has lost most of its resources"
        assert disagreements(opened) == []


def test_a_second_up_changes_nothing_and_refresh_finds_nothing(
    open_stack: Open, staging: Path
) -> None:
    with open_stack(staging) as opened:
        second = opened.run("up", "--yes", "--skip-preview")
        assert changes(second.events) == {}, "a second up must change nothing"
        refreshed = opened.run("refresh", "--yes", "--skip-preview")
        found = [
            step["urn"].split("::", 3)[3]
            for event in refreshed.events
            if (step := (event.get("resOutputsEvent") or {}).get("metadata"))
            and step["op"] in ("update", "delete", "create")
        ]
        assert found == [], "a refresh finds differences that nobody made"


def test_destroy_of_staging_leaves_nothing(open_stack: Open, staging: Path) -> None:
    with open_stack(staging) as opened:
        opened.run("destroy", "--yes", "--skip-preview")
        assert [(r.type, r.id) for r in opened.account.all()] == [], "resources are left behind"
        assert opened.state()["deployment"].get("resources", []) == []


def test_production_cannot_be_destroyed_in_one_step_and_can_in_two(
    open_stack: Open, tmp_path: Path
) -> None:
    with open_stack(tmp_path / "prod", "prod") as opened:
        opened.run("up", "--yes", "--skip-preview")
        before = len(opened.account.all())
        assert before > 350, "production has lost most of its resources"
        # The preview refuses before the first deletion; `--skip-preview` would find out too late.
        with pytest.raises(EngineFailed, match="protect"):
            opened.run("destroy", "--yes")
        assert len(opened.account.all()) == before, "a protected production lost resources"

        opened.settle(servesCustomers=False, protect=False)
        retired = opened.run("up", "--yes", "--skip-preview", policies=False)
        taken = {n: o for n, o in changes(retired.events).items() if o in ("delete", "replace")}
        assert taken == {}, "step one of the retirement must only lift protection"
        opened.run("destroy", "--yes", "--skip-preview")
        assert [(r.type, r.id) for r in opened.account.all()] == [], "resources are left behind"
