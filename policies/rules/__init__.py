"""Every rule of the pack, room by room. A rule is in force because it stands in this list."""

from rules import (
    cluster,
    data,
    edge,
    guardrails,
    identity,
    network,
    observability,
    releases,
    whole,
    workloads,
)
from rules.model import Rule, StackRule

# What became of waivers is known once all else is judged, so the whole stands last.
ROOMS: dict[str, tuple[Rule | StackRule, ...]] = {
    "network": network.RULES,
    "edge": edge.RULES,
    "identity": identity.RULES,
    "cluster": cluster.RULES,
    "data": data.RULES,
    "workloads": workloads.RULES,
    "guardrails": guardrails.RULES,
    "releases": releases.RULES,
    "observability": observability.RULES,
    "whole": whole.RULES,
}
RULES: tuple[Rule | StackRule, ...] = tuple(rule for room in ROOMS.values() for rule in room)
# The rules that guard the guide's checklists: they bind wherever customers are served.
CHECKLIST = frozenset(
    rule.name for rule in RULES if any(each.startswith("CHK-") for each in rule.requirements)
)
