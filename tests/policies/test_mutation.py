"""The unmutated environments are clean, and every rule kills every mutant that is made for it."""

from __future__ import annotations

from collections import Counter

import pytest
from rules import RULES

from tests.conftest import Recorded
from tests.policies.mutants import MUTANTS
from tests.policies.mutation import Mutant
from tests.policies.real import items_of, stack_of, told
from tests.recorder import Recorder

BY_NAME = {rule.name: rule for rule in RULES}
# They judge the run and not its resources: tests/policies/test_waivers.py and test_levels.py.
ABOUT_THE_RUN = {"levels-kept", "waivers-kept"}


def verdicts(made: Recorder, stack: str) -> list[str]:
    """What the rules say of an environment, rules and resources named."""
    whole = stack_of(items_of(made, stack))
    return [
        f"{rule.name}: {item.type} {item.name}: {said.text}"
        for rule in RULES
        for item, said in told(rule, whole)
    ]


def test_every_environment_keeps_every_rule(recorded: Recorded) -> None:
    assert verdicts(recorded.made, recorded.stack) == []


def test_no_choice_of_a_setting_breaks_a_rule(every_choice: Recorder, stack: str) -> None:
    assert verdicts(every_choice, stack) == []


def test_every_rule_has_something_to_judge(every_stack: dict[str, Recorded]) -> None:
    made = {i.type for each in every_stack.values() for i in items_of(each.made, each.stack)}
    idle = [rule.name for rule in RULES if not made & set(rule.types)]
    assert idle == [], "no environment has what these rules guard"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.rule}: {m.title}")
def test_a_mutant_is_killed_by_its_rule(mutant: Mutant, every_stack: dict[str, Recorded]) -> None:
    made = every_stack[mutant.stack].made
    assert mutant.survives(BY_NAME[mutant.rule], items_of(made, mutant.stack)) == ""


def test_every_rule_has_a_mutant_that_it_kills() -> None:
    tried = {mutant.rule for mutant in MUTANTS} | ABOUT_THE_RUN
    assert sorted(set(BY_NAME) - tried) == [], "nobody has ever seen these rules say no"
    assert sorted(tried - set(BY_NAME)) == [], "these mutants name a rule that does not exist"


def test_no_two_mutants_are_the_same() -> None:
    twice = [each for each, n in Counter((m.rule, m.title) for m in MUTANTS).items() if n > 1]
    assert twice == [], "a score would count these twice"
