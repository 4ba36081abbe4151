"""Network: what is open, what reaches what, and what is told of it."""

from rules.model import Rule, StackRule
from rules.network import network, pods, reachability, security_groups

RULES: tuple[Rule | StackRule, ...] = (
    *network.RULES,
    *security_groups.RULES,
    *pods.RULES,
    *reachability.RULES,
)
