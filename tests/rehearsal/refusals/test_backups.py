"""Each row about backups says AWS Backup's words to a wrong request, nothing to a right one."""

from __future__ import annotations

from typing import Any

from rehearsal.refusals.backups import (
    LOCK,
    PLAN,
    ROWS,
    SELECTION,
    TEST_PLAN,
    TEST_SELECTION,
    VAULT,
)
from rehearsal.wire import UNKNOWN
from tests.rehearsal.refusals.cases import (
    ACCOUNT,
    Case,
    Thing,
    account_for,
    create,
    delete,
    thing,
    update,
)

COPY = f"arn:aws:backup:eu-west-1:{ACCOUNT}:backup-vault:copy"
CONTAINS = (
    "InvalidRequestException: Backup vault cannot be deleted because it contains recovery points."
)
CONTINUOUS = (
    "InvalidParameterValueException: A rule with continuous backup keeps recovery points 1 to 35 "
    "days"
)
COLD = (
    "InvalidParameterValueException: Error in some rules due to : Invalid lifecycle. "
    "DeleteAfterDays cannot be less than 90 days apart from MoveToColdStorageAfterDays"
)
# These fire only when time has passed: their own tests are below.
FIRE_LATER = ["B1", "B3"]


def rule(days: Any = 35, copied: Any = 35, **inputs: Any) -> dict[str, Any]:
    return {
        "ruleName": "daily",
        "targetVaultName": "vault",
        "lifecycle": {"deleteAfter": days},
        "copyActions": [{"destinationVaultArn": COPY, "lifecycle": {"deleteAfter": copied}}],
        **inputs,
    }


def plan(*rules: dict[str, Any], **inputs: Any):
    return create(PLAN, name="plan", rules=list(rules), **inputs)


def locked(vault: str = "vault", **bounds: Any) -> Thing:
    return thing(LOCK, vault, backupVaultName=vault, **bounds)


def lock(**bounds: Any):
    return create(LOCK, backupVaultName="vault", **bounds)


MADE = thing(VAULT, "vault", name="vault")
PLANNED = thing(PLAN, "p1", name="plan", rules=[rule()])
SELECTED = thing(SELECTION, "s1", planId="p1", resources=["x"])

CASES = [
    Case(row="B1", have=[MADE, PLANNED, SELECTED], request=delete(VAULT, "vault", name="vault")),
    Case(
        row="B2",
        request=lock(changeableForDays=2),
        says="InvalidParameterValueException: ChangeableForDays must be at least 3 days",
    ),
    Case(
        row="B2",
        request=lock(minRetentionDays=30, maxRetentionDays=7),
        says="InvalidParameterValueException: MinRetentionDays cannot be greater than "
        "MaxRetentionDays",
    ),
    Case(
        row="B2",
        request=lock(minRetentionDays=0),
        says="InvalidParameterValueException: MinRetentionDays must be at least 1 day",
    ),
    Case(row="B2", request=lock(minRetentionDays=7, maxRetentionDays=35)),
    Case(row="B2", request=lock(changeableForDays=3)),
    Case(
        row="B3",
        have=[locked(changeableForDays=3)],
        request=delete(LOCK, "vault", changeableForDays=3),
    ),
    Case(
        row="B4",
        have=[locked(minRetentionDays=60)],
        request=plan(rule()),
        says="rule daily keeps recovery points 35 days, but the lock of vault vault allows 60 to "
        "36500 days: its jobs will fail",
    ),
    Case(
        row="B4",
        have=[locked("copy", maxRetentionDays=30)],
        request=plan(rule()),
        says="rule daily keeps recovery points 35 days, but the lock of vault copy allows 1 to 30 "
        "days: its jobs will fail",
    ),
    Case(
        row="B4",
        have=[locked(maxRetentionDays=30)],
        request=plan({"ruleName": "daily", "targetVaultName": "vault"}),
        says="rule daily keeps recovery points for ever, but the lock of vault vault allows 1 to "
        "30 days: its jobs will fail",
    ),
    Case(
        row="B4",
        have=[locked(minRetentionDays=7, maxRetentionDays=35), locked("copy", minRetentionDays=7)],
        request=plan(rule()),
    ),
    Case(row="B4", have=[locked(minRetentionDays=60)], request=plan(rule(UNKNOWN, UNKNOWN))),
    Case(
        row="B5",
        request=plan(rule(lifecycle={"coldStorageAfter": 30, "deleteAfter": 119})),
        says=COLD,
    ),
    Case(
        row="B5",
        request=plan(
            rule(copyActions=[{"lifecycle": {"coldStorageAfter": 30, "deleteAfter": 60}}])
        ),
        says=COLD,
    ),
    Case(row="B5", request=plan(rule(lifecycle={"coldStorageAfter": 30, "deleteAfter": 120}))),
    Case(row="B5", request=plan(rule())),
    Case(
        row="B6",
        have=[PLANNED, SELECTED],
        request=delete(PLAN, "p1", name="plan"),
        says="InvalidRequestException: Related backup plan selections must be deleted prior to "
        "backup plan deletion",
    ),
    Case(
        row="B6",
        have=[thing(TEST_SELECTION, "x", restoreTestingPlanName="monthly")],
        request=delete(TEST_PLAN, "monthly", name="monthly"),
        says="InvalidRequestException: Related restore testing selections must be deleted prior to "
        "restore testing plan deletion",
    ),
    Case(row="B6", have=[PLANNED], gone=[SELECTED], request=delete(PLAN, "p1", name="plan")),
    Case(
        row="B7",
        request=plan(rule(startWindow=30)),
        says="InvalidParameterValueException: StartWindowMinutes must be at least 60 minutes, got "
        "30",
    ),
    Case(
        row="B7",
        request=plan(rule(startWindow=60, completionWindow=90)),
        says="InvalidParameterValueException: CompletionWindowMinutes (90) must be at least 60 "
        "minutes greater than StartWindowMinutes (60)",
    ),
    Case(row="B7", request=plan(rule(startWindow=60, completionWindow=120))),
    Case(
        row="B8",
        request=create(TEST_PLAN, name="arches-prod"),
        says="InvalidParameterValueException: RestoreTestingPlanName 'arches-prod' must have 1 to "
        "50 letters, digits and underscores",
    ),
    Case(
        row="B8",
        request=create(TEST_SELECTION, name="a" * 51),
        says=f"InvalidParameterValueException: RestoreTestingSelectionName '{'a' * 51}' must have "
        "1 to 50 letters, digits and underscores",
    ),
    Case(
        row="B8",
        request=create(TEST_SELECTION, name="database", protectedResourceArns=["*", "arn:x"]),
        says='InvalidParameterValueException: ProtectedResourceArns takes "*" or specific ARNs, '
        "but not both",
    ),
    Case(
        row="B8",
        request=create(TEST_SELECTION, name="arches_prod", protectedResourceArns=["*"]),
    ),
    Case(row="B9", request=plan(rule(36, enableContinuousBackup=True)), says=CONTINUOUS),
    Case(
        row="B9",
        have=[MADE],
        request=create(VAULT, name="vault"),
        says="AlreadyExistsException: Backup vault with the same name already exists",
    ),
    Case(
        row="B9",
        have=[PLANNED],
        request=plan(rule()),
        says="AlreadyExistsException: Backup plan with the same plan document already exists",
    ),
    Case(row="B9", request=plan(rule(35, enableContinuousBackup=True))),
    Case(row="B9", request=plan(rule(365, enableContinuousBackup=False))),
    Case(row="B9", have=[MADE], request=create(VAULT, name="other")),
    Case(
        row="B9",
        have=[PLANNED],
        request=update(PLAN, "p1", {"name": "plan", "rules": [rule()]}, rules=[rule(30)]),
    ),
]


def test_the_room_has_all_rows_but_the_one_about_the_caller() -> None:
    assert [row.id for row in ROWS] == [f"B{i}" for i in range(1, 10)]


def later(case: Case, days: float, *buried: str) -> str | None:
    """What the case's row says after so many days, and after these types were deleted."""
    account = account_for(case)
    account.pass_time(days * 86400)
    for type_ in buried:
        for resource in account.all(type_):
            account.remove(resource)
    (row,) = [row for row in ROWS if row.id == case.row]
    return row.judge(case.request, account)


def test_a_vault_that_a_plan_has_filled_for_a_day_stays() -> None:
    asked = delete(VAULT, "vault", name="vault")
    full = Case(row="B1", have=[MADE, PLANNED, SELECTED], request=asked)
    assert later(full, 2) == CONTAINS
    assert later(full, 2, SELECTION, PLAN) == CONTAINS, "recovery points outlive their plan"
    assert later(full, 0.5) is None


def test_a_vault_goes_when_nothing_filled_it_or_it_may_be_emptied() -> None:
    asked = delete(VAULT, "vault", name="vault")
    assert later(Case(row="B1", have=[MADE, PLANNED], request=asked), 2) is None
    emptied = delete(VAULT, "vault", name="vault", forceDestroy=True)
    assert later(Case(row="B1", have=[MADE, PLANNED, SELECTED], request=emptied), 2) is None


def test_the_copy_vault_is_filled_by_copies() -> None:
    copy = thing(VAULT, "copy", name="copy")
    case = Case(row="B1", have=[copy, PLANNED, SELECTED], request=delete(VAULT, "copy"))
    assert later(case, 2) == CONTAINS


def test_a_lock_is_final_after_its_days_of_grace() -> None:
    immutable = "InvalidRequestException: Vault Lock configuration is immutable and cannot be "
    old = {"backupVaultName": "vault", "changeableForDays": 3, "minRetentionDays": 7}
    held = [locked(changeableForDays=3, minRetentionDays=7)]
    removing = Case(row="B3", have=held, request=delete(LOCK, "vault", **old))
    changing = Case(row="B3", have=held, request=update(LOCK, "vault", old, minRetentionDays=1))
    assert later(removing, 4) == f"{immutable}deleted"
    assert later(changing, 4) == f"{immutable}modified"
    assert later(removing, 2) is None


def test_a_lock_in_governance_mode_is_never_final() -> None:
    old = {"backupVaultName": "vault", "minRetentionDays": 7}
    case = Case(row="B3", have=[locked(minRetentionDays=7)], request=delete(LOCK, "vault", **old))
    assert later(case, 400) is None
