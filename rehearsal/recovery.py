"""After a run that was killed: one command that brings state and account back together.

The engine keeps what it was doing when it died as pending operations. For each create among them
the account is asked whether the thing was made; if so it is taken into the state under its id, if
not the operation is dropped. Nothing is deleted and nothing is made twice. The state is edited by
export and import: `refresh --import-pending-creates` of engine 3.259 renames the operation to
"importing", which nothing in it carries out, and so forgets what was made. How it is done on real
AWS: docs/runbooks/interrupted-up.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rehearsal.account import Resource
from rehearsal.wire import SIGNATURE

if TYPE_CHECKING:
    from rehearsal.session import Session


def recover(session: Session) -> list[str]:
    """Settle every pending operation; lines that say what was done. Raises EngineFailed."""
    lines = [f"note: {session.note}"] if session.note else []
    if (session.folder / "state" / ".pulumi" / "locks").exists():
        session.pulumi("cancel", "--yes", "--stack", session.stack)
    state = session.state()
    deployment = state["deployment"]
    pending = deployment.get("pending_operations") or []
    known = {(r["type"], r.get("id")) for r in deployment.get("resources") or []}
    made: dict[str, str] = {}
    for operation in pending:
        if operation["type"] != "creating":
            continue
        resource = operation["resource"]
        found = _made(session, resource, known)
        if found is not None:
            made[found.urn] = found.id
            name = found.urn.split("::", 3)[3]
            lines.append(f"{name}: was made as {found.id}; taken into the state")
        elif resource.get("custom", True):  # a component is made nowhere
            lines.append(f"{resource['urn'].split('::', 3)[3]}: was never made; dropped")
    if pending:
        settled = {**state, "deployment": _settled(deployment, made)}
        session.pulumi("stack", "import", "--stack", session.stack, stdin=json.dumps(settled))
        session.run("refresh", "--yes", "--skip-preview", "--run-program=false")
    lines += [f"orphan: {line}" for line in orphans(session)]
    lines.append("recovered: state and account agree" if pending else "nothing was pending")
    return lines


def _settled(deployment: Mapping[str, Any], made: Mapping[str, str]) -> dict[str, Any]:
    """The deployment without pending operations, and with what was made (URN -> id).

    What replaces something stands before it, and the old one waits for its deletion.
    """
    resources = list(deployment.get("resources") or [])
    for operation in deployment["pending_operations"]:
        resource = operation["resource"]
        if operation["type"] != "creating" or resource["urn"] not in made:
            continue
        at = len(resources)
        for index, old in enumerate(resources):
            if old["urn"] == resource["urn"] and not old.get("delete"):
                at, resources[index] = index, {**old, "delete": True}
                break
        resources.insert(at, {**resource, "id": made[resource["urn"]]})
    return {**deployment, "resources": resources, "pending_operations": []}


def orphans(session: Session) -> list[str]:
    """Resources of the account that no state knows, with the command that takes them in."""
    deployment = session.state()["deployment"]
    known = {(r["type"], r.get("id")) for r in deployment.get("resources") or []}
    return [
        f"{r.type} {r.id} is in the account and not in the state; take it in with "
        f"`pulumi import {r.type} {r.urn.split('::', 3)[3]} {r.id}` or delete it"
        for r in session.account.all()
        if (r.type, r.id) not in known
    ]


def _made(
    session: Session, pending: Mapping[str, Any], known: set[tuple[str, Any]]
) -> Resource | None:
    """What the account made for a pending create: same URN, same readable inputs, not in state.

    Inputs alone would not do: three addresses that are made at once have the same ones.
    """
    wanted = _readable(pending.get("inputs") or {})
    for found in session.account.all(pending["type"]):
        if (found.type, found.id) in known or found.urn != pending["urn"]:
            continue
        if all(found.inputs.get(key) == value for key, value in wanted.items()):
            return found
    return None


def _readable(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in inputs.items() if not _has_cipher(v)}


def _has_cipher(value: Any) -> bool:
    if isinstance(value, Mapping):
        return SIGNATURE in value or any(_has_cipher(v) for v in value.values())
    if isinstance(value, list):
        return any(_has_cipher(v) for v in value)
    return False
