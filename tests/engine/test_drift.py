"""What is changed behind the engine's back is found, and the next up puts it right."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.account import Account
from tests.engine.conftest import Open
from tests.engine.seen import changes, found_by_refresh, name_of

pytestmark = pytest.mark.engine

ALARM = "alarms-database-cpu"
RULE = "database-from-nodes"
DATABASE = "database-instance"


def test_what_was_changed_or_deleted_by_hand_is_found_by_refresh_and_mended(
    open_stack: Open, staging: Path
) -> None:
    account = Account(staging / "account.db")
    named = {
        name_of(r.urn): r for r in account.all() if r.type != "aws:cloudwatch/logGroup:LogGroup"
    }
    for name, wrong in ((ALARM, {"threshold": 99}), (DATABASE, {"backupRetentionPeriod": 1})):
        found = named[name]
        account.change(found, inputs={**found.inputs, **wrong}, outputs=found.outputs)
    account.remove(named[RULE])
    account.close()

    with open_stack(staging) as opened:
        refreshed = opened.run("refresh", "--yes", "--skip-preview")
        assert found_by_refresh(refreshed.events) == {
            ALARM: "update",
            DATABASE: "update",
            RULE: "delete",
        }, "drift must be found where it is, and nowhere else"
        mended = opened.run("up", "--yes", "--skip-preview")
        assert changes(mended.events) == {ALARM: "update", DATABASE: "update", RULE: "create"}
        after = {name_of(r.urn): r for r in opened.account.all()}
        assert after[ALARM].inputs["threshold"] == named[ALARM].inputs["threshold"]
        assert RULE in after, "what was deleted by hand must be there again"
