"""Cluster: the control plane, its machines and its images' registry."""

from rules.cluster import cluster, entries, nodes, registry
from rules.model import Rule, StackRule

RULES: tuple[Rule | StackRule, ...] = (
    *cluster.RULES,
    *nodes.RULES,
    *registry.RULES,
    *entries.RULES,
)
