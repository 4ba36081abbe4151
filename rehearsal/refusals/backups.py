"""What AWS Backup refuses: locks, lifecycles, windows, names, order on the way down.

Rows B1 to B9. B10 depends on the caller's rights, which are not known here. A vault is taken to
hold recovery points once a day of virtual time has passed under a plan with a selection that
targets it: jobs themselves are not played.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from rehearsal.account import Account, Resource
from rehearsal.refusals.asking import current, known_list, objects, siblings
from rehearsal.refusals.table import Operation, Request, Row, lookup
from rehearsal.wire import UNKNOWN

VAULT = "aws:backup/vault:Vault"
LOCK = "aws:backup/vaultLockConfiguration:VaultLockConfiguration"
PLAN = "aws:backup/plan:Plan"
SELECTION = "aws:backup/selection:Selection"
TEST_PLAN = "aws:backup/restoreTestingPlan:RestoreTestingPlan"
TEST_SELECTION = "aws:backup/restoreTestingSelection:RestoreTestingSelection"

FIRST_JOB = timedelta(days=1)
SHORTEST_GRACE = 3  # AWS Backup API reference: ChangeableForDays
COLD_APART = 90  # AWS Backup API reference: Lifecycle
SHORTEST_WINDOW = 60  # AWS Backup API reference: StartWindowMinutes
CONTINUOUS_DAYS = 35  # AWS Backup developer guide, point-in-time recovery
# A daily job and its start window: when the first broken job would show.
FIRST_FAILURE_MINUTES = 24 * 60.0 + SHORTEST_WINDOW

_TEST_NAME = re.compile(r"[A-Za-z0-9_]{1,50}")


def _lifecycles(rule: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The lifecycles of a rule and of its copies."""
    own = lookup(rule, "lifecycle")
    if isinstance(own, Mapping):
        yield own
    for copy in _copies(rule):
        theirs = lookup(copy, "lifecycle")
        if isinstance(theirs, Mapping):
            yield theirs


def _copies(rule: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    copies = lookup(rule, "copyActions", [])
    return [c for c in copies if isinstance(c, Mapping)] if isinstance(copies, list) else []


def _vault_name(reference: Any) -> Any:
    """The name of a vault by its name or its ARN."""
    return reference.rpartition(":")[2] if isinstance(reference, str) else reference


# -- vaults and locks ---------------------------------------------------------------------------
def _targets(rules: Any) -> set[Any]:
    found: set[Any] = set()
    for rule in rules or []:
        if isinstance(rule, Mapping):
            found.add(_vault_name(lookup(rule, "targetVaultName")))
            found |= {_vault_name(lookup(c, "destinationVaultArn")) for c in _copies(rule)}
    return found - {None, UNKNOWN}


def _not_empty(request: Request, account: Account) -> str | None:
    if request.old_value("forceDestroy", False):
        return None
    vault = account.by_id(request.id, VAULT)
    if vault is None or account.now - vault.created < FIRST_JOB:
        return None
    plans = {p.id: p.inputs for p in account.all(PLAN)}
    plans |= {g.id: g.inputs for g in account.graves(PLAN) if g.deleted >= vault.created}
    selected = {s.get("planId") for s in account.all(SELECTION)}
    selected |= {
        g.inputs.get("planId") for g in account.graves(SELECTION) if g.deleted >= vault.created
    }
    if not any(vault.id in _targets(plans[plan].get("rules")) for plan in plans.keys() & selected):
        return None
    return (
        "InvalidRequestException: Backup vault cannot be deleted because it contains recovery "
        "points."
    )


def _lock_bounds(request: Request, _account: Account) -> str | None:
    grace, least, most = (
        request.value(name)
        for name in ("changeableForDays", "minRetentionDays", "maxRetentionDays")
    )
    if isinstance(least, int) and least < 1:
        return "InvalidParameterValueException: MinRetentionDays must be at least 1 day"
    if isinstance(least, int) and isinstance(most, int) and least > most:
        return (
            "InvalidParameterValueException: MinRetentionDays cannot be greater than "
            "MaxRetentionDays"
        )
    if isinstance(grace, int) and grace < SHORTEST_GRACE:
        return "InvalidParameterValueException: ChangeableForDays must be at least 3 days"
    return None


def _final(request: Request, account: Account) -> str | None:
    lock = current(request, account)
    grace = request.old_value("changeableForDays")
    if lock is None or not isinstance(grace, int):
        return None
    if account.now - lock.created <= timedelta(days=grace):
        return None
    verb = "modified" if request.operation == "update" else "deleted"
    return f"InvalidRequestException: Vault Lock configuration is immutable and cannot be {verb}"


def _locks(account: Account, vault: Any) -> list[Resource]:
    return account.find(LOCK, backupVaultName=vault) if isinstance(vault, str) else []


def _outside_lock(account: Account, rule: Mapping[str, Any]) -> str | None:
    places = [(lookup(rule, "targetVaultName"), lookup(rule, "lifecycle.deleteAfter"))]
    for copy in _copies(rule):
        places.append((lookup(copy, "destinationVaultArn"), lookup(copy, "lifecycle.deleteAfter")))
    for place, days in places:
        vault = _vault_name(place)
        for lock in _locks(account, vault):
            least, most = lock.get("minRetentionDays"), lock.get("maxRetentionDays")
            if days is UNKNOWN:
                continue
            # Kept for ever is longer than any bound.
            short = isinstance(days, int) and least is not None and days < least
            long = most is not None and (days is None or days > most)
            if short or long:
                kept = "for ever" if days is None else f"{days} days"
                return (
                    f"rule {lookup(rule, 'ruleName')} keeps recovery points {kept}, but the lock "
                    f"of vault {vault} allows {least or 1} to {most or 36500} days: its jobs will "
                    "fail"
                )
    return None


def _jobs_will_fail(request: Request, account: Account) -> str | None:
    if request.preview:
        return None
    for rule in objects(request, "rules"):
        reason = _outside_lock(account, rule)
        if reason:
            return reason
    return None


# -- plans --------------------------------------------------------------------------------------
def _too_soon_after_cold(request: Request, _account: Account) -> str | None:
    for rule in objects(request, "rules"):
        for lifecycle in _lifecycles(rule):
            cold, gone = lookup(lifecycle, "coldStorageAfter"), lookup(lifecycle, "deleteAfter")
            if not isinstance(cold, int) or not isinstance(gone, int) or cold <= 0:
                continue
            if gone < cold + COLD_APART:
                return (
                    "InvalidParameterValueException: Error in some rules due to : Invalid "
                    f"lifecycle. DeleteAfterDays cannot be less than {COLD_APART} days apart from "
                    "MoveToColdStorageAfterDays"
                )
    return None


def _still_selected(request: Request, account: Account) -> str | None:
    if request.type == PLAN:
        if not account.find(SELECTION, planId=request.id):
            return None
        return (
            "InvalidRequestException: Related backup plan selections must be deleted prior to "
            "backup plan deletion"
        )
    name = request.old_value("name", request.id)
    if not account.find(TEST_SELECTION, restoreTestingPlanName=name):
        return None
    return (
        "InvalidRequestException: Related restore testing selections must be deleted prior to "
        "restore testing plan deletion"
    )


def _window(request: Request, _account: Account) -> str | None:
    for rule in objects(request, "rules"):
        start, end = lookup(rule, "startWindow"), lookup(rule, "completionWindow")
        if isinstance(start, int) and start < SHORTEST_WINDOW:
            return (
                "InvalidParameterValueException: StartWindowMinutes must be at least "
                f"{SHORTEST_WINDOW} minutes, got {start}"
            )
        if isinstance(start, int) and isinstance(end, int) and end < start + SHORTEST_WINDOW:
            return (
                f"InvalidParameterValueException: CompletionWindowMinutes ({end}) must be at least "
                f"{SHORTEST_WINDOW} minutes greater than StartWindowMinutes ({start})"
            )
    return None


def _test_names(request: Request, _account: Account) -> str | None:
    name = request.value("name")
    if isinstance(name, str) and not _TEST_NAME.fullmatch(name):
        noun = "RestoreTestingPlanName"
        if request.type == TEST_SELECTION:
            noun = "RestoreTestingSelectionName"
        return (
            f"InvalidParameterValueException: {noun} '{name}' must have 1 to 50 letters, digits "
            "and underscores"
        )
    arns = known_list(request, "protectedResourceArns") or []
    if "*" in arns and len(arns) > 1:
        return (
            'InvalidParameterValueException: ProtectedResourceArns takes "*" or specific ARNs, '
            "but not both"
        )
    return None


def _continuous_or_taken(request: Request, account: Account) -> str | None:
    if request.type == VAULT:
        if request.operation != "create" or not request.known("name"):
            return None
        if not siblings(request, account, VAULT, name=request.value("name")):
            return None
        return "AlreadyExistsException: Backup vault with the same name already exists"
    for rule in objects(request, "rules"):
        days = lookup(rule, "lifecycle.deleteAfter")
        if lookup(rule, "enableContinuousBackup") is not True or days is UNKNOWN:
            continue
        if days is None or days > CONTINUOUS_DAYS:
            return (
                "InvalidParameterValueException: A rule with continuous backup keeps recovery "
                f"points 1 to {CONTINUOUS_DAYS} days"
            )
    if request.operation != "create" or not request.known("name"):
        return None
    if not siblings(request, account, PLAN, name=request.value("name")):
        return None
    return "AlreadyExistsException: Backup plan with the same plan document already exists"


_WRITE: tuple[Operation, ...] = ("create", "update")
_BC = "botocore 1.44"
_MO = "moto 5.2"

ROWS: tuple[Row, ...] = (
    Row(
        id="B1",
        title="a vault goes after its recovery points",
        types=(VAULT,),
        operations=("delete",),
        source="aws/aws-cdk#33711, gruntwork-io/cloud-nuke#730, go-to-k/delstack#370",
        judge=_not_empty,
    ),
    Row(
        id="B2",
        title="a lock's bounds fit each other",
        types=(LOCK,),
        operations=_WRITE,
        source=f"{_MO}, {_BC}",
        judge=_lock_bounds,
    ),
    Row(
        id="B3",
        title="a final lock stays",
        types=(LOCK,),
        operations=("update", "delete"),
        source=f"{_MO}, {_BC}",
        judge=_final,
    ),
    Row(
        id="B4",
        title="a plan keeps what its vault's lock allows",
        types=(PLAN,),
        operations=_WRITE,
        source=_BC,
        judge=_jobs_will_fail,
        kind="warning",
        minutes=FIRST_FAILURE_MINUTES,
    ),
    Row(
        id="B5",
        title="cold storage lasts 90 days",
        types=(PLAN,),
        operations=_WRITE,
        source=f"{_BC}, cfn-lint E3504; the text from public logs",
        judge=_too_soon_after_cold,
    ),
    Row(
        id="B6",
        title="a plan goes after its selections",
        types=(PLAN, TEST_PLAN),
        operations=("delete",),
        source=f"{_BC}; the provider's own retry",
        judge=_still_selected,
    ),
    Row(
        id="B7",
        title="a job has an hour to start, and one more to end",
        types=(PLAN,),
        operations=_WRITE,
        source=_BC,
        judge=_window,
    ),
    Row(
        id="B8",
        title="restore tests have names without hyphens and one kind of ARN",
        types=(TEST_PLAN, TEST_SELECTION),
        operations=_WRITE,
        source=_BC,
        judge=_test_names,
    ),
    Row(
        id="B9",
        title="continuous backup keeps 35 days; plans and vaults have names of their own",
        types=(PLAN, VAULT),
        operations=_WRITE,
        source=_MO,
        judge=_continuous_or_taken,
    ),
)
