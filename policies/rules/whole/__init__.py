"""The whole: every resource is tagged, placed and judged, and the pack itself binds."""

from rules.model import Rule, StackRule
from rules.whole import coverage, stack

RULES: tuple[Rule | StackRule, ...] = (
    *coverage.RULES,
    *stack.RULES,
)
