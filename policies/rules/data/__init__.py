"""Data: what holds it, how it is kept, copied, brought back and erased."""

from rules.data import (
    backup,
    cache,
    database,
    durability,
    lifetimes,
    objects,
    parameters,
    parts,
    pooler,
    promises,
    redis,
    storage,
    support,
    velero,
)
from rules.model import Rule, StackRule

RULES: tuple[Rule | StackRule, ...] = (
    *database.RULES,
    *parameters.RULES,
    *pooler.RULES,
    *cache.RULES,
    *redis.RULES,
    *storage.RULES,
    *objects.RULES,
    *parts.RULES,
    *backup.RULES,
    *velero.RULES,
    *durability.RULES,
    *promises.RULES,
    *support.RULES,
    *lifetimes.RULES,
)
