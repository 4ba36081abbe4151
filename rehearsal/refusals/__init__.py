"""The refusals that real AWS gives and no schema states: one module per room, one list of all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from rehearsal.refusals import (
    audits,
    backups,
    balancers,
    buckets,
    caches,
    certificates,
    databases,
    distributions,
    firewalls,
    identity,
    keys,
    kubernetes_service,
    network,
    notices,
    objects,
)
from rehearsal.refusals.table import Request, Row

ROWS: tuple[Row, ...] = (
    *network.ROWS,
    *identity.ROWS,
    *keys.ROWS,
    *kubernetes_service.ROWS,
    *databases.ROWS,
    *caches.ROWS,
    *buckets.ROWS,
    *balancers.ROWS,
    *certificates.ROWS,
    *distributions.ROWS,
    *firewalls.ROWS,
    *backups.ROWS,
    *audits.ROWS,
    *notices.ROWS,
    *objects.ROWS,
)


def by_type() -> Mapping[str, list[Row]]:
    """The rows that judge each type, in the order of the table."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in ROWS:
        for type_ in row.types:
            found[type_].append(row)
    return found


__all__ = ["ROWS", "Request", "Row", "by_type"]
