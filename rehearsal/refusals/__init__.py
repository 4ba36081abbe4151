"""The refusals that real AWS gives and no schema states: one module per room, one list of all."""

from rehearsal.refusals import databases, identity, keys, kubernetes_service, network
from rehearsal.refusals.table import Request, Row

ROWS: tuple[Row, ...] = tuple(
    row
    for room in (network, identity, keys, kubernetes_service, databases)
    for row in getattr(room, "ROWS", ())
)

__all__ = ["ROWS", "Request", "Row"]
