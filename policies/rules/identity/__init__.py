"""Identity: who may do what, with which keys, and where secrets stand."""

from rules.identity import clear_text, identity, keys, resource_policies, secrets, trust
from rules.model import Rule, StackRule

RULES: tuple[Rule | StackRule, ...] = (
    *identity.RULES,
    *trust.RULES,
    *keys.RULES,
    *secrets.RULES,
    *resource_policies.RULES,
    *clear_text.RULES,
)
