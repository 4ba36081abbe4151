"""The pack's entry point: hands the list of rules to the engine. `PolicyPack` never returns."""

from pulumi_policy import EnforcementLevel, PolicyPack
from rules import RULES
from rules.adapter import as_policy, decode_once

decode_once()

PolicyPack(
    name="arches",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[as_policy(rule) for rule in RULES],
)
