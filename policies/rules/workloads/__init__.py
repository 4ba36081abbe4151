"""Workloads: pods as Pod Security and availability want them."""

from rules.model import Rule, StackRule
from rules.workloads import containers, hosts, jobs, manifests, pod_security, volumes, workloads

RULES: tuple[Rule | StackRule, ...] = (
    *hosts.RULES,
    *pod_security.RULES,
    *containers.RULES,
    *workloads.RULES,
    *jobs.RULES,
    *volumes.RULES,
    *manifests.RULES,
)
