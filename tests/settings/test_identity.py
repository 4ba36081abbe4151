"""Who a deployment is: names, account, regions, and what protects it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import settings
from settings.core import refusals
from settings.identity import Identity

ROOT = Path(__file__).resolve().parents[2]
REQUIRED: dict[str, Any] = {
    "accountId": "111122223333",
    "region": "eu-central-1",
    "backupRegion": "eu-west-1",
    "servesCustomers": True,
    "owner": "platform-team",
    "costCenter": "arches-production",
}


def read(**changes: Any) -> Identity:
    return Identity.model_validate_json(json.dumps({**REQUIRED, **changes}))


def refused(**changes: Any) -> str:
    with pytest.raises(ValidationError) as error:
        read(**changes)
    [line] = refusals(Identity, error.value, "Pulumi.test.yaml")
    return line


def test_what_an_environment_does_not_decide_is_the_safe_choice() -> None:
    assert read().protect is True, "data could be deleted by an environment that says nothing"
    assert read().project == "arches"


@pytest.mark.parametrize("key", REQUIRED)
def test_nobody_but_the_environment_can_know(key: str) -> None:
    values = {name: value for name, value in REQUIRED.items() if name != key}
    with pytest.raises(ValidationError) as error:
        Identity.model_validate_json(json.dumps(values))
    [line] = refusals(Identity, error.value, "Pulumi.test.yaml")
    assert line.startswith(f"Pulumi.test.yaml: arches:{key}: got nothing; allowed: ")


@pytest.mark.parametrize(
    "region",
    [
        "us-east-1",
        "eu-central-2",
        "ap-southeast-5",
        "me-central-1",
        "us-gov-west-1",
        "il-central-1",
    ],
)
def test_regions_of_aws_are_accepted(region: str) -> None:
    assert read(region=region).region == region


@pytest.mark.parametrize("region", ["eu-central", "eu-central-1a", "EU-CENTRAL-1", "", "eu_west_1"])
def test_what_is_no_region_is_refused(region: str) -> None:
    assert f'arches:region: got "{region}"; allowed: an AWS region' in refused(region=region)


@pytest.mark.parametrize("account", ["11112222333", "1111222233334", "1111-2222-3333", "account"])
def test_what_is_no_account_is_refused(account: str) -> None:
    assert "the 12 digits of the AWS account" in refused(accountId=account)


@pytest.mark.parametrize("project", ["ab", "Arches", "arches-ai", "1arches", "archesaiarches"])
def test_a_project_that_no_bucket_could_start_with_is_refused(project: str) -> None:
    assert f'arches:project: got "{project}"' in refused(project=project)


def test_an_account_that_starts_with_zeros_keeps_them() -> None:
    assert read(accountId="000000000001").account_id == "000000000001"


@pytest.mark.parametrize("key", ["owner", "costCenter"])
@pytest.mark.parametrize("value", ["x", "x" * 64, " team", "team/ops", "Bücher"])
def test_a_tag_that_aws_or_billing_would_refuse_is_refused(key: str, value: str) -> None:
    assert f"arches:{key}: got " in refused(**{key: value})


def test_the_second_copy_is_in_a_second_region() -> None:
    assert refused(backupRegion="eu-central-1") == (
        'Pulumi.test.yaml: arches:backupRegion: got "eu-central-1", the same as region; allowed: a '
        'second region, so that losing one region loses no backup; for example "eu-west-1"'
    )


def test_what_customers_depend_on_cannot_be_unprotected() -> None:
    assert refused(protect=False) == (
        "Pulumi.test.yaml: arches:protect: got false while servesCustomers is true; allowed: true "
        "wherever servesCustomers is true; for example true"
    )
    assert read(protect=False, servesCustomers=False).protect is False


def test_both_environments_share_an_account_and_no_cost_center() -> None:
    prod = settings.read(ROOT / "Pulumi.prod.yaml").identity
    staging = settings.read(ROOT / "Pulumi.staging.yaml").identity
    assert prod.serves_customers
    assert prod.protect
    assert not staging.serves_customers
    assert prod.account_id == staging.account_id
    assert prod.cost_center != staging.cost_center, "nobody could tell what staging costs (GEN-03)"
