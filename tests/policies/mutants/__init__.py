"""Every mutant, room by room, as the rules stand in `rules.RULES`."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from tests.policies.mutation import Mutant

MUTANTS: tuple[Mutant, ...] = tuple(
    mutant
    for file in sorted(each.name for each in pkgutil.walk_packages(__path__, f"{__name__}."))
    for mutant in getattr(import_module(file), "MUTANTS", ())
)
