"""The table of refusals as the stand-ins ask it."""

from __future__ import annotations

from rehearsal import refusals
from rehearsal.account import Account
from rehearsal.providers.standin import Call, Refused, Values
from rehearsal.refusals.table import Operation, Request

_DOING = {"create": "creating", "update": "updating", "delete": "deleting"}


class Table:
    """Asks every row that concerns a call; what breaks only later is kept in `warnings`."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._rows = refusals.by_type()
        self.warnings: list[str] = []

    def ask(
        self,
        operation: Operation,
        call: Call,
        id_: str = "",
        *,
        old: Values | None = None,
        new: Values | None = None,
        region: str = "",
        preview: bool = False,
    ) -> None:
        """Raises Refused with the first row's words."""
        request = Request(
            operation=operation,
            type=call.type,
            name=call.name,
            urn=call.urn,
            region=region,
            id=id_,
            old=old,
            new=new,
            preview=preview,
        )
        kind = call.type.rsplit(":", 1)[-1]
        for row in self._rows.get(call.type, ()):
            said = row.judge(request, self._account) if operation in row.operations else None
            if said is None:
                continue
            if row.kind == "refusal":
                raise Refused(f"{_DOING[operation]} {kind} ({call.name}): {said} [{row.id}]")
            self.warnings.append(f"{row.id} {call.name}: {said} (after {row.minutes:g} min)")
