"""Guardrails: what a namespace admits, who may reach whom, who may do what inside."""

from rules.guardrails import access, guardrails, peers
from rules.model import Rule, StackRule

RULES: tuple[Rule | StackRule, ...] = (
    *guardrails.RULES,
    *peers.RULES,
    *access.RULES,
)
