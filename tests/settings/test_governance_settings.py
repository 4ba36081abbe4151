"""What an environment may decide about audit, cost and delivery."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from settings.core import refusals
from settings.governance import GovernanceSettings

LEAST: dict[str, Any] = {
    "cloudTrail": "here",
    "guardDuty": "here",
    "config": "here",
    "accessAnalyzer": "here",
    "ebsEncryption": "here",
    "budgetUsd": 3000,
    "budgetEmails": ["finance@archesai.com"],
    "githubProvider": "here",
    "githubRepository": "archesai/infrastructure",
    "githubEnvironment": "production",
}


def read(**keys: Any) -> GovernanceSettings:
    return GovernanceSettings.model_validate_json(json.dumps({**LEAST, **keys}))


def refused(**keys: Any) -> str:
    with pytest.raises(ValidationError) as error:
        read(**keys)
    (line,) = refusals(GovernanceSettings, error.value, "Pulumi.test.yaml")
    return line


@pytest.mark.parametrize(
    "key",
    ["cloudTrail", "guardDuty", "config", "accessAnalyzer", "ebsEncryption", "githubProvider"],
)
def test_what_watches_the_account_cannot_be_switched_off(key):
    assert "here" in refused(**{key: "off"})
    assert "here" in refused(**{key: False})
    assert read(**{key: "elsewhere"})


@pytest.mark.parametrize("feature", ["eksAuditLogs", "rds", "s3"])
def test_guardduty_always_sees_cluster_database_and_buckets(feature):
    kept = [each for each in ("eksAuditLogs", "rds", "s3") if each != feature]
    assert "guardDutyFeatures" in refused(guardDutyFeatures=kept)


def test_audit_logs_are_kept_for_a_year_at_least_and_only_for_periods_aws_knows():
    assert "auditRetentionDays" in refused(auditRetentionDays=90)
    assert "auditRetentionDays" in refused(auditRetentionDays=500)
    assert read(auditRetentionDays=731).audit_retention_days == 731


def test_a_budget_has_a_reader():
    assert "budgetEmails" in refused(budgetEmails=[])
    assert "budgetEmails" in refused(budgetEmails=[f"p{n}@x.com" for n in range(6)])


@pytest.mark.parametrize("repository", ["infrastructure", "a/b/c", "org/*", "*/x", "org/re po"])
def test_a_repository_is_one_repository(repository):
    assert "githubRepository" in refused(githubRepository=repository)


@pytest.mark.parametrize("environment", ["*", "prod*", "a:b", ""])
def test_an_environment_is_one_environment(environment):
    assert "githubEnvironment" in refused(githubEnvironment=environment)


def test_immutable_ids_come_in_pairs():
    assert "githubRepositoryId" in refused(githubOwnerId="123456")
    assert "githubOwnerId" in refused(githubRepositoryId="456789")
    assert read(githubOwnerId="123456", githubRepositoryId="456789")


def test_sessions_end_within_what_iam_allows():
    assert "deploySessionHours" in refused(deploySessionHours=13)
