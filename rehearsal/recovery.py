"""After a run that was killed: one command that brings state and account back together.

The engine keeps what it was doing when it died as pending operations. For each create among them
the account is asked whether the thing was made; if so it is taken into the state under its id, if
not the operation is dropped. What the account has lost is forgotten by a refresh. What no state
knows (the reply to its create was lost) is taken away, so that the next `up` makes it: nothing that
is known is deleted, and nothing is made twice. The state is edited by export and import: `refresh
--import-pending-creates` of engine 3.259 renames the operation to "importing", which nothing in it
carries out, and so forgets what was made. How it is done on real AWS:
docs/runbooks/interrupted-up.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rehearsal.account import Resource
from rehearsal.providers.standin import Call
from rehearsal.wire import SIGNATURE

if TYPE_CHECKING:
    from rehearsal.session import Session


def recover(session: Session) -> list[str]:
    """Settle every difference; lines that say what was done.

    Raises EngineFailed; Refused: a thing that no state knows cannot be taken away.
    """
    lines = [f"note: {session.note}"] if session.note else []
    if (session.folder / "state" / ".pulumi" / "locks").exists():
        session.pulumi("cancel", "--yes", "--stack", session.stack)
    state = session.state()
    deployment = state["deployment"]
    pending = deployment.get("pending_operations") or []
    known = _known(deployment)
    made: dict[str, str] = {}
    for operation in pending:
        if operation["type"] != "creating":
            continue
        resource = operation["resource"]
        found = _made(session, resource, known)
        if found is not None:
            made[found.urn] = found.id
            lines.append(f"{_name(found.urn)}: was made as {found.id}; taken into the state")
        elif resource.get("custom", True):  # a component is made nowhere
            lines.append(f"{_name(resource['urn'])}: was never made; dropped")
    if pending:
        settled = {**state, "deployment": _settled(deployment, made)}
        session.pulumi("stack", "import", "--stack", session.stack, stdin=json.dumps(settled))
    lost = _lost(session, deployment)
    lines += [f"{_name(urn)}: is not in the account any more; forgotten" for urn in lost]
    if pending or lost:
        session.run("refresh", "--yes", "--skip-preview", "--run-program=false")
    strays = orphans(session)
    for orphan in reversed(strays):  # what was made last may need what was made before
        _undo(session, orphan)
        lines.append(
            f"{_name(orphan.urn)}: {orphan.type} {orphan.id} was in no state; taken away, the next "
            "`up` makes it (on AWS: docs/runbooks/interrupted-up.md, Orphans)"
        )
    if pending or lost or strays:
        return [*lines, "recovered: state and account agree"]
    return [*lines, "nothing was pending; state and account agree"]


def _name(urn: str) -> str:
    return urn.split("::", 3)[3]


def _known(deployment: Mapping[str, Any]) -> set[tuple[str, Any]]:
    return {(r["type"], r.get("id")) for r in deployment.get("resources") or []}


def _lost(session: Session, deployment: Mapping[str, Any]) -> list[str]:
    """URNs of what the state holds under an id that the account does not have."""
    there = {(r.type, r.id) for r in session.account.all()}
    return [
        r["urn"]
        for r in deployment.get("resources") or []
        if r["type"].startswith(("aws:", "kubernetes:"))
        and r.get("id")
        and not r.get("delete")  # the next run ends it, there or not
        and (r["type"], r["id"]) not in there
    ]


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


def orphans(session: Session) -> list[Resource]:
    """What the account holds and the state does not."""
    known = _known(session.state()["deployment"])
    return [r for r in session.account.all() if (r.type, r.id) not in known]


def _undo(session: Session, orphan: Resource) -> None:
    """Take a thing away as if it had never been made; out of the cluster too."""
    package = orphan.type.partition(":")[0]
    standin = next((each for each in session.standins if each.package == package), None)
    if package == "kubernetes" and standin is not None:
        standin.delete(Call(urn=orphan.urn), orphan.id, {})
    else:
        session.account.undo(orphan)


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
