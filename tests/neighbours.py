"""Stand-ins for what is beside the thing that a test looks at."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast


def neighbour(**attributes: Any) -> Any:
    """Has these attributes only; untyped, so that it may stand for any type."""
    return cast(Any, SimpleNamespace(**attributes))
