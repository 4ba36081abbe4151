"""The day for which dates are judged: waivers, ends of support, certificates."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime


def today() -> date:
    """The day of SOURCE_DATE_EPOCH (seconds, UTC) if it is set, so that a run can be repeated."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    return (datetime.fromtimestamp(int(given), UTC) if given else datetime.now(UTC)).date()
