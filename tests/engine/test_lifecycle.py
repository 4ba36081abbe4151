"""Up, up again, refresh, destroy: the whole life of an environment on the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.session import EngineFailed
from tests.engine.conftest import Open
from tests.engine.seen import changes, disagreements, found_by_refresh

pytestmark = pytest.mark.engine


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
        found = found_by_refresh(refreshed.events)
        assert found == {}, "a refresh finds differences that nobody made"


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
        # A storage class is only a rule for volumes to come; it cannot be changed in place.
        assert taken == {"base-storage-class": "replace"}, "step one must only lift protection"
        opened.run("destroy", "--yes", "--skip-preview")
        assert [(r.type, r.id) for r in opened.account.all()] == [], "resources are left behind"
