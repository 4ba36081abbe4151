"""The pack's entry point: hands the list of rules to the engine. `PolicyPack` never returns."""

import sys
from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack
from rules import RULES, levels, pack, waivers
from rules.adapter import as_policy, install, judging
from rules.today import today
from rules.whole import coverage

HERE = Path(__file__).parent
NAMES = [rule.name for rule in RULES]

try:
    WAIVERS = waivers.read(HERE / "waivers.yaml", NAMES)
    LEVELS = levels.read(HERE / "levels.yaml", NAMES)
    coverage.read()
except (waivers.WaiverError, levels.LevelError, coverage.TypesError) as mistake:
    sys.exit(f"error: policies/{mistake}")

install(judging(waivers.Ledger(WAIVERS, today()), today(), LEVELS, pack.version()))

PolicyPack(
    name=pack.NAME,
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[as_policy(rule) for rule in RULES],
)
