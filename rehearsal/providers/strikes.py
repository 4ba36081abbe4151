"""Faults on demand as a create in the cluster meets them (`rehearsal.faults`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rehearsal.faults import Faults
from rehearsal.providers.standin import Call, Refused


@contextmanager
def creating(faults: Faults, call: Call, warnings: list[str]) -> Iterator[bool]:
    """Around the making of one thing; gives whether the engine dies in the middle of it.

    Raises Refused where the fault is a refusal or a reply that is lost.
    """
    number = faults.next_create()
    what = f"{call.type.rsplit(':', 1)[-1]} ({call.name})"
    if faults.throttle(call.type):
        warnings.append(f"creating {what}: throttled and tried again (a fault on demand: throttle)")
    if number in faults.failing:
        raise Refused(
            f"creating {what}: Internal error occurred: etcdserver: request timed out (a fault on "
            "demand: fail)"
        )
    dies = number in faults.killing and faults.on_kill is not None
    yield dies
    if dies and faults.on_kill:
        faults.on_kill()
    if number in faults.lost:
        raise Refused(
            f"creating {what}: the connection was lost before the reply came; the object may exist "
            "(a fault on demand: lose-reply)"
        )
