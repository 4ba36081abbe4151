"""The pack's entry point: hands the list of rules to the engine. `PolicyPack` never returns."""

import os
import sys
from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack
from rules import RULES, levels, waivers
from rules.adapter import as_policy, install, judging
from rules.today import today

HERE = Path(__file__).parent
NAMES = [rule.name for rule in RULES]

try:
    WAIVERS = waivers.read(HERE / "waivers.yaml", NAMES)
    LEVELS = levels.of(
        os.environ.get("PULUMI_STACK"), levels.read(HERE / "levels.yaml", NAMES), NAMES
    )
except (waivers.WaiverError, levels.LevelError) as mistake:
    sys.exit(f"error: policies/{mistake}")

install(judging(waivers.Ledger(WAIVERS, today()), today()))

PolicyPack(
    name="arches",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[as_policy(rule) for rule in RULES],
    initial_config={rule: EnforcementLevel(level) for rule, level in LEVELS.items()},
)
