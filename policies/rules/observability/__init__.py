"""Observability: logs, alarms, metrics, the trail, and who is told."""

from rules.model import Rule, StackRule
from rules.observability import governance, observability, prometheus, trail

RULES: tuple[Rule | StackRule, ...] = (
    *observability.RULES,
    *prometheus.RULES,
    *governance.RULES,
    *trail.RULES,
)
