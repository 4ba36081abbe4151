"""What the pack costs: over the analyzer's protocol as in a preview, and as a stack grows."""

from __future__ import annotations

import gc
import math
import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rules import RULES, adapter
from rules.model import ROOT, Item, Props, StackRule

from tests.policies.real import stack_of
from tests.policies.wire import asked, asked_of_all, pack_of

RUNS = 3
ENOUGH_SECONDS = 1.0  # a single short run is noise


def preview(items: Sequence[Item]) -> float:
    """Seconds of CPU for all rules on these resources, a preview's messages and answers included.

    The median of three runs or more, after one that warms up.
    """
    judge = pack_of(RULES)
    single = [asked(item) for item in items]
    whole = asked_of_all(items)

    def run() -> None:
        for request in single:
            judge.Analyze(request, None)
        judge.AnalyzeStack(whole, None)

    return _median(run)


def joining(items: Sequence[Item]) -> float:
    """Seconds of CPU for the rules that join resources, the stack's indices included."""
    rules = [rule for rule in RULES if isinstance(rule, StackRule)]

    def run() -> None:
        stack = stack_of(tuple(items))
        for rule in rules:
            for _ in adapter.joined(rule, stack):
                pass

    return _median(run)


def exponent(small: float, large: float, factor: int) -> float:
    """The power of the size with which a cost grows: 1 is linear."""
    return math.log(large / small) / math.log(factor)


def copies(items: Sequence[Item], times: int) -> tuple[Item, ...]:
    """A stack of so many copies side by side.

    Each has its own names, links, namespaces and addresses: were they shared, every pod of one copy
    could reach the stores of all, and the graph of ways itself would grow as the square.
    """
    spaces = {
        item.props.at("metadata.name")
        for item in items
        if item.type == "kubernetes:core/v1:Namespace"
    }
    (vpc,) = (item for item in items if item.type == "aws:ec2/vpc:Vpc")
    first, second, *_ = str(vpc.props.at("cidrBlock")).split(".")
    grown: list[Item] = []
    for number in range(times):
        suffix = f"-{number}" if number else ""
        moved = re.compile(rf"\b{first}\.{second}\."), f"{first}.{int(second) + number}."
        renamed = {space: f"{space}{suffix}" for space in spaces}
        for item in items:
            if item.type == ROOT:
                grown += [] if number else [item]
                continue
            grown.append(
                replace(
                    item,
                    name=f"{item.name}{suffix}",
                    urn=f"{item.urn}{suffix}",
                    props=Props(_moved(item.props._values, renamed, *moved)),
                    links={
                        key: frozenset(f"{urn}{suffix}" for urn in urns)
                        for key, urns in item.links.items()
                    },
                )
            )
    return tuple(grown)


def _moved(value: Any, names: Mapping[str, str], block: re.Pattern[str], to: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _moved(each, names, block, to) for key, each in value.items()}
    if isinstance(value, list):
        return [_moved(each, names, block, to) for each in value]
    return names.get(value) or block.sub(to, value) if isinstance(value, str) else value


def _median(run: Callable[[], None]) -> float:
    run()
    # What the recording left behind is not the pack's to walk through.
    gc.collect()
    gc.freeze()
    try:
        times: list[float] = []
        while len(times) < RUNS or sum(times) < ENOUGH_SECONDS:
            times.append(_timed(run))
        return statistics.median(times)
    finally:
        gc.unfreeze()


def _timed(run: Callable[[], None]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began
