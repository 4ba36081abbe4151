"""What the environment may cost in a month, and who is told before it does.

Meets GEN-03 ("cost visibility is covered by tags and a budget"). A budget stops nothing; it speaks.

A budget over a cost tag counts only what billing has seen under an active tag. The tag can be
activated after its first use, up to a day later, so until then the budget watches the whole account
rather than nothing (setting costTag). Refused: two cost filters on tags, project and stack; filters
of one dimension are joined by "or", so one tag has to tell the environment from all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.context import Context
from settings.governance import GovernanceSettings

if TYPE_CHECKING:
    from components.alarms import Alarms

# Percent of the limit, and of what: spent already, or expected by the end of the month.
NOTICES = (("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100))


def notices(
    emails: tuple[str, ...], topic_arn: pulumi.Input[str]
) -> list[aws.budgets.BudgetNotificationArgsDict]:
    """Each notice goes to one topic and at most five addresses (P6)."""
    return [
        {
            "comparison_operator": "GREATER_THAN",
            "notification_type": kind,
            "threshold": percent,
            "threshold_type": "PERCENTAGE",
            "subscriber_email_addresses": list(emails),
            "subscriber_sns_topic_arns": [topic_arn],
        }
        for kind, percent in NOTICES
    ]


# The one tag of components/providers.py that this environment's resources alone carry.
COST_TAG = "stack"


@dataclass(frozen=True, kw_only=True)
class BudgetArgs:
    """alarms: for the topic that is told beside the addresses."""

    context: Context
    settings: GovernanceSettings
    alarms: Alarms


class Budget(pulumi.ComponentResource):
    """budget_name: as the billing console shows it."""

    budget_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: BudgetArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Budget", name, None, opts)
        settings = args.settings
        key, value = COST_TAG, args.context.stack
        waits: list[pulumi.Resource] = []
        if settings.cost_tag == "activate":
            waits.append(
                aws.costexplorer.CostAllocationTag(
                    f"{name}-tag",
                    tag_key=key,
                    status="Active",
                    # The tag is the account's: other budgets may rest on it.
                    opts=pulumi.ResourceOptions(parent=self, retain_on_delete=args.context.protect),
                )
            )
        budget = aws.budgets.Budget(
            f"{name}-monthly",
            # Two environments share an account, and a budget's name is its id (P5).
            name=args.context.name("monthly"),
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(settings.budget_usd),
            limit_unit="USD",
            cost_filters=(
                None
                if settings.cost_tag == "unseen"
                else [{"name": "TagKeyValue", "values": [f"user:{key}${value}"]}]
            ),
            notifications=notices(settings.budget_emails, args.alarms.topic_arns["warning"]),
            opts=pulumi.ResourceOptions(parent=self, depends_on=waits),
        )
        self.budget_name = budget.name
        self.register_outputs({"budgetName": self.budget_name})
