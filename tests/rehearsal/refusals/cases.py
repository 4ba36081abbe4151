"""Cases for the table of refusals: an account, a request, and what the row says to it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pulumi_kubernetes
from pulumi import _types

from rehearsal import sdk
from rehearsal.account import Account
from rehearsal.refusals.table import Request, Row
from rehearsal.wire import UNKNOWN, Secret

REGION = "eu-central-1"
ACCOUNT = "111122223333"
CUSTOM_INPUTS = {"apiVersion", "kind", "metadata", "spec"}


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
    stated = [(type_, ()) for row in rows for type_ in row.types]
    for case in cases:
        stated += [(it.type, tuple(it.inputs)) for it in (*case.have, *case.gone)]
        stated += [
            (case.request.type, tuple(values or ()))
            for values in (case.request.old, case.request.new)
        ]
    found = set()
    for type_, names in stated:
        known = _inputs(type_)
        if known is None:
            found.add(type_)
        else:
            found |= {f"{type_} {name}" for name in names if name not in known}
    return sorted(found)


def _inputs(type_: str) -> Collection[str] | None:
    """The inputs of a type; None where the provider has no such type."""
    if type_.startswith("kubernetes:"):
        return _kubernetes_inputs(*type_.split(":")[1:])
    return sdk.inputs(type_) if type_ in sdk.tokens() else None


def _kubernetes_inputs(version: str, kind: str) -> Collection[str] | None:
    """As `_inputs`, asked of the Kubernetes SDK, which knows the groups of the API server only.

    A custom resource's group is a domain; its definition alone knows the kind.
    """
    group, _, number = version.partition("/")
    module = getattr(pulumi_kubernetes, group.split(".")[0], None)
    if module is None:
        return CUSTOM_INPUTS if "." in group and number else None
    made = getattr(getattr(module, number, None), kind, None)
    if getattr(made, "pulumi_type", None) != f"kubernetes:{version}:{kind}":
        return None
    file = inspect.getmodule(made)
    args = getattr(file, f"{kind}InitArgs", None) or getattr(file, f"{kind}Args")
    return _types.input_type_types(args)
