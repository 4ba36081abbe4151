"""The budget and the anomalies: who hears of cost, and when."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from components.budget import NOTICES, Budget, BudgetArgs
from components.context import Context
from tests.neighbours import neighbour
from tests.recorder import ACCOUNT, REGION, Recorder, once, record
from tests.settings.test_governance_settings import read

BUDGET = "aws:budgets/budget:Budget"
TAG = "aws:costexplorer/costAllocationTag:CostAllocationTag"


@once
def budget(**keys: Any) -> Recorder:
    def program() -> None:
        provider = aws.Provider("aws", region=REGION)
        topics = {"warning": pulumi.Output.from_input("arn:warning")}
        Budget(
            "budget",
            BudgetArgs(
                context=Context(
                    project="arches",
                    stack="test",
                    account_id=ACCOUNT,
                    region=REGION,
                    backup_region="eu-west-1",
                    protect=True,
                    serves_customers=True,
                ),
                settings=read(**keys),
                alarms=neighbour(topic_arns=topics),
            ),
            pulumi.ResourceOptions(providers=[provider]),
        )

    return record(program)


def test_the_month_has_a_limit_under_a_name_no_other_environment_has():
    made = budget(budgetUsd=2500).one(BUDGET)
    assert made.inputs["name"] == "arches-test-monthly"
    assert (made.inputs["limitAmount"], made.inputs["limitUnit"]) == ("2500", "USD")
    assert (made.inputs["budgetType"], made.inputs["timeUnit"]) == ("COST", "MONTHLY")


def test_people_are_told_at_80_and_100_percent_and_when_the_forecast_breaks_it():
    made = budget().one(BUDGET).inputs["notifications"]
    assert [(each["notificationType"], each["threshold"]) for each in made] == [
        ("ACTUAL", 80),
        ("ACTUAL", 100),
        ("FORECASTED", 100),
    ]
    assert len(made) == len(NOTICES)
    for each in made:
        assert each["thresholdType"] == "PERCENTAGE"
        assert each["comparisonOperator"] == "GREATER_THAN"
        assert each["subscriberEmailAddresses"] == ["finance@archesai.com"]
        assert each["subscriberSnsTopicArns"] == ["arn:warning"]


def test_a_budget_over_a_tag_nobody_has_seen_would_count_nothing():
    recorded = budget()
    assert "costFilters" not in recorded.one(BUDGET).inputs
    assert not recorded.of(TAG), "billing refuses a tag that it has not seen"


def test_an_active_tag_narrows_the_budget_to_this_environment():
    recorded = budget(costTag="active")
    assert recorded.one(BUDGET).inputs["costFilters"] == [
        {"name": "TagKeyValue", "values": ["user:stack$test"]}
    ]
    assert not recorded.of(TAG)


def test_a_tag_is_active_before_the_budget_rests_on_it_and_stays_for_others():
    recorded = budget(costTag="activate")
    tag = recorded.one(TAG)
    assert tag.inputs == {"tagKey": "stack", "status": "Active"}
    assert tag.retain_on_delete
    assert tag.urn in recorded.one(BUDGET).dependencies
