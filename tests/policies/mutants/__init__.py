"""Every mutant, room by room, as the rules stand in `rules.RULES`."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from tests.policies.mutation import Mutant

MUTANTS: tuple[Mutant, ...] = tuple(
    mutant
    for room in sorted(each.name for each in pkgutil.iter_modules(__path__))
    for mutant in import_module(f"{__name__}.{room}").MUTANTS
)
