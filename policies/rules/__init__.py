"""Every rule of the pack, room by room. A rule is in force because it stands in this list."""

from rules import (
    access,
    clear_text,
    cluster,
    containers,
    data,
    edge,
    governance,
    hosts,
    identity,
    keys,
    network,
    nodes,
    observability,
    pod_security,
    pods,
    prometheus,
    reachability,
    registry,
    secrets,
    security_groups,
    stack,
    storage,
    trail,
    trust,
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
    *nodes.RULES,
    *registry.RULES,
    *identity.RULES,
    *trust.RULES,
    *keys.RULES,
    *secrets.RULES,
    *clear_text.RULES,
    *data.RULES,
    *storage.RULES,
    *observability.RULES,
    *prometheus.RULES,
    *governance.RULES,
    *trail.RULES,
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
