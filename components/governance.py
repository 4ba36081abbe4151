"""What an account owner wants of a deployment: its audit trail, its budget, its pipeline's roles.

Each has a file of its own; they share one section of the settings and nothing waits for them.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.alarms import Alarms
from components.audit import Audit, AuditArgs
from components.budget import Budget, BudgetArgs
from components.cluster import Cluster
from components.context import Context
from components.delivery import Delivery, DeliveryArgs
from components.keys import Keys
from components.registry import Registry
from components.storage import Storage
from settings.edge import EdgeSettings
from settings.governance import GovernanceSettings


@dataclass(frozen=True, kw_only=True)
class GovernanceArgs:
    """
    edge: whose names the pipeline may change. alarms: who hears of the budget.
    registry, cluster: what the pipeline may write to.
    """

    context: Context
    settings: GovernanceSettings
    edge: EdgeSettings
    keys: Keys
    storage: Storage
    alarms: Alarms
    registry: Registry
    cluster: Cluster


class Governance(pulumi.ComponentResource):
    """delivery: its roles are for a workflow. There are no outputs beside it."""

    delivery: Delivery

    def __init__(
        self, name: str, args: GovernanceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Governance", name, None, opts)
        here = pulumi.ResourceOptions(parent=self)
        at, chosen = args.context, args.settings
        Audit(
            f"{name}-audit",
            AuditArgs(context=at, settings=chosen, keys=args.keys, storage=args.storage),
            here,
        )
        Budget(f"{name}-budget", BudgetArgs(context=at, settings=chosen, alarms=args.alarms), here)
        self.delivery = Delivery(
            f"{name}-delivery",
            DeliveryArgs(
                context=at,
                settings=chosen,
                domains=[each for each in (args.edge.domain, args.edge.internal_domain) if each],
                registry=args.registry,
                cluster=args.cluster,
            ),
            here,
        )
        self.register_outputs({})
