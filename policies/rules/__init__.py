"""Every rule of the pack, room by room. A rule is in force because it stands in this list."""

from rules import (
    access,
    cluster,
    containers,
    data,
    edge,
    hosts,
    identity,
    network,
    observability,
    pod_security,
    pods,
    reachability,
    security_groups,
    stack,
    storage,
    workloads,
)
from rules.model import Rule, StackRule

RULES: tuple[Rule | StackRule, ...] = (
    *network.RULES,
    *security_groups.RULES,
    *reachability.RULES,
    *pods.RULES,
    *edge.RULES,
    *cluster.RULES,
    *identity.RULES,
    *data.RULES,
    *storage.RULES,
    *observability.RULES,
    *hosts.RULES,
    *pod_security.RULES,
    *containers.RULES,
    *access.RULES,
    *workloads.RULES,
    *stack.RULES,
)
# The rules that guard the guide's checklists: they bind wherever customers are served.
CHECKLIST = frozenset(
    rule.name for rule in RULES if any(each.startswith("CHK-") for each in rule.requirements)
)
