"""`make mutate`: how many of the mutants of the real environments the policy pack kills.

A requirement's score is over the mutants of the rules that guard it. Exit code 1 where a rule has
no mutant, where fewer than 95 % are killed, or where one of a checklist survives.
"""

from __future__ import annotations

import sys
from collections import defaultdict

from rules import CHECKLIST, RULES

from tests.conftest import STACKS, config_of, run_program
from tests.policies.mutants import MUTANTS
from tests.policies.mutation import Mutant
from tests.policies.real import items_of

LEAST_PERCENT = 95.0
# They judge a run, not resources: tests/policies/test_waivers.py and test_levels.py break them.
ABOUT_THE_RUN = {"levels-kept", "waivers-kept"}


def main() -> int:
    """Print the survivors and the score of every requirement."""
    items = {stack: items_of(run_program(stack, config_of(stack)), stack) for stack in STACKS}
    rules = {rule.name: rule for rule in RULES}
    survivors: dict[int, str] = {}
    for number, mutant in enumerate(MUTANTS):
        if why := mutant.survives(rules[mutant.rule], items[mutant.stack]):
            survivors[number] = why
            print(f"survives: {mutant.rule}: {mutant.title}: {why}")
    untried = sorted(set(rules) - {mutant.rule for mutant in MUTANTS} - ABOUT_THE_RUN)
    for name in untried:
        print(f"no mutant: {name}")
    dead = [mutant for number, mutant in enumerate(MUTANTS) if number not in survivors]
    print("requirement\tkilled\tof\tscore")
    for requirement, (killed, tried) in sorted(_by_requirement(dead).items()):
        print(f"{requirement}\t{killed}\t{tried}\t{100 * killed / tried:.0f} %")
    score = 100 * len(dead) / len(MUTANTS)
    guarded = [m for n, m in enumerate(MUTANTS) if n in survivors and m.rule in CHECKLIST]
    checklist = [m for m in MUTANTS if m.rule in CHECKLIST]
    print(
        f"{len(dead)} of {len(MUTANTS)} mutants killed ({score:.1f} %, at least "
        f"{LEAST_PERCENT:.0f} %); of the checklists {len(checklist) - len(guarded)} of "
        f"{len(checklist)} (all)"
    )
    return 1 if untried or guarded or score < LEAST_PERCENT else 0


def _by_requirement(dead: list[Mutant]) -> dict[str, tuple[int, int]]:
    guards = {rule.name: rule.requirements for rule in RULES}
    killed: defaultdict[str, int] = defaultdict(int)
    tried: defaultdict[str, int] = defaultdict(int)
    for counts, mutants in ((tried, MUTANTS), (killed, dead)):
        for mutant in mutants:
            for requirement in guards[mutant.rule]:
                counts[requirement] += 1
    return {each: (killed[each], count) for each, count in tried.items()}


if __name__ == "__main__":
    sys.exit(main())
