"""Releases: charts of others, how they are installed and what their values allow."""

from rules.model import Rule, StackRule
from rules.releases import chart_doors, chart_pods, releases

RULES: tuple[Rule | StackRule, ...] = (
    *chart_pods.RULES,
    *chart_doors.RULES,
    *releases.RULES,
)
