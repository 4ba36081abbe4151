"""Cases for the table of refusals: an account, a request, and what the row says to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from rehearsal import sdk
from rehearsal.account import Account
from rehearsal.refusals.table import Request, Row
from rehearsal.wire import UNKNOWN, Secret

REGION = "eu-central-1"
ACCOUNT = "111122223333"


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A resource of the account."""

    type: str
    id: str
    region: str = REGION
    urn: str = "urn:pulumi:prod::arches::thing"
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Case:
    """have: what exists. gone: what was deleted, in this order, a minute apart. days: since then.
    says: the exact message, or None where the request is right."""

    row: str
    request: Request
    says: str | None = None
    have: Sequence[Thing] = ()
    gone: Sequence[Thing] = ()
    days: float = 0.0

    def __str__(self) -> str:
        return f"{self.row}-{self.request.operation}-{'fires' if self.says else 'passes'}"


def thing(type_: str, id_: str, *, outputs: dict[str, Any] | None = None, **inputs: Any) -> Thing:
    return Thing(type=type_, id=id_, inputs=inputs, outputs=outputs or {})


def create(type_: str, *, preview: bool = False, **inputs: Any) -> Request:
    return _request("create", type_, new=inputs, preview=preview)


def update(type_: str, id_: str, old: dict[str, Any], **new: Any) -> Request:
    """new: what changes; the rest stays as it was."""
    return _request("update", type_, id=id_, old=old, new={**old, **new})


def delete(type_: str, id_: str, **old: Any) -> Request:
    return _request("delete", type_, id=id_, old=old)


def _request(operation: Any, type_: str, **parts: Any) -> Request:
    return Request(
        operation=operation,
        type=type_,
        name="it",
        urn=f"urn:pulumi:prod::arches::{type_}::it",
        region=REGION,
        **parts,
    )


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def account_for(case: Case) -> Account:
    account = Account(":memory:")
    for each in case.gone:
        made = _make(account, each)
        account.remove(made)
        account.pass_time(60)
    account.pass_time(case.days * 86400)
    for each in case.have:
        _make(account, each)
    return account


def _make(account: Account, each: Thing) -> Any:
    return account.make(
        each.type,
        each.id,
        urn=each.urn,
        region=each.region,
        inputs=each.inputs,
        outputs=each.outputs,
    )


def said(rows: Sequence[Row], case: Case) -> str | None:
    """What the case's row says, asked as the provider would ask it."""
    (row,) = [row for row in rows if row.id == case.row]
    assert case.request.type in row.types, f"{row.id} is never asked about {case.request.type}"
    assert case.request.operation in row.operations, (
        f"{row.id} is never asked at {case.request.operation}"
    )
    return row.judge(case.request, account_for(case))


def each(cases: Sequence[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=str)


def firing(cases: Sequence[Case]) -> list[Case]:
    return [case for case in cases if case.says is not None]


def holes(rows: Sequence[Row], cases: Sequence[Case]) -> list[str]:
    """Rows without a case that fires or without one that passes."""
    fires = {case.row for case in cases if case.says is not None}
    passes = {case.row for case in cases if case.says is None}
    return [row.id for row in rows if row.id not in fires or row.id not in passes]


def unknown(case: Case) -> Case:
    """The case with every new value known only after deployment."""
    new = dict.fromkeys(case.request.new or {}, UNKNOWN)
    return replace(case, request=replace(case.request, new=new, preview=True))


def secret(case: Case) -> Case:
    """The case with every new value a secret."""
    new = {key: Secret(value) for key, value in (case.request.new or {}).items()}
    return replace(case, request=replace(case.request, new=new))


def misnamed(rows: Sequence[Row], cases: Sequence[Case]) -> list[str]:
    """Types and inputs that the provider does not have: a row about them would never fire."""
    types = {type_ for row in rows for type_ in row.types}
    found = {type_ for type_ in types if type_ not in sdk.tokens()}
    for case in cases:
        stated = [(it.type, it.inputs) for it in (*case.have, *case.gone)]
        stated += [
            (case.request.type, values or {}) for values in (case.request.old, case.request.new)
        ]
        for type_, values in stated:
            found |= {f"{type_} {name}" for name in values if name not in sdk.inputs(type_)}
    return sorted(found)
