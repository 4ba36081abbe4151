"""The comparison with checkov: what it is given, and what counts as a disagreement."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from rules import RULES
from rules.controls import Catalogue, Control, Difference, Disagreement

from tests.conftest import Recorded
from tests.policies import agreement, checkov, costs, terraform
from tests.policies.agreement import answering, compared, contradicted, stale, unlisted
from tests.policies.checkov import CheckovError, Verdict
from tests.policies.real import items_of, stack_of

CHECK = "CKV_AWS_18"  # bucket-access-logged names it
NAMES = {"urn:logs": "storage-logs", "urn:files": "storage-files"}


def _catalogue(*differs: Disagreement) -> Catalogue:
    known = f"CHECKOV {CHECK}"
    control = Control(id=known, framework="CHECKOV", title="logged", url="https://example.com")
    return Catalogue(
        frameworks={}, controls={known: control}, differences={}, own={}, checkov=differs
    )


def _verdicts(**passed: bool) -> list[Verdict]:
    return [Verdict(check=CHECK, urn=f"urn:{name}", passed=ok) for name, ok in passed.items()]


def _explained(*resources: str) -> Disagreement:
    return Disagreement(check=CHECK, resources=resources, reason="it takes logs itself")


# -- verdicts ------------------------------------------------------------------------------------
def test_both_sides_agree_where_both_refuse_or_both_accept() -> None:
    (row,) = compared(
        _verdicts(logs=True, files=False),
        {"bucket-access-logged": frozenset({"urn:files"})},
        NAMES,
        _catalogue(),
    )
    assert (row.check, row.passed, row.failed, row.refused, row.differs) == (CHECK, 1, 1, 1, ())
    assert "bucket-access-logged" in row.rules


@pytest.mark.parametrize(
    ("passed", "refusals"),
    [(False, frozenset()), (True, frozenset({"urn:logs"}))],
    ids=["only checkov refuses it", "only we refuse it"],
)
def test_one_side_alone_is_a_disagreement(passed: bool, refusals: frozenset[str]) -> None:
    refused = {"bucket-access-logged": refusals}
    (row,) = compared(_verdicts(logs=passed, files=True), refused, NAMES, _catalogue())
    assert row.unexplained == ["storage-logs"]


def test_an_explanation_holds_for_the_resources_that_it_names_and_no_other() -> None:
    (row,) = compared(
        _verdicts(logs=False, files=False), {}, NAMES, _catalogue(_explained("*-logs"))
    )
    assert row.differs == (("storage-files", ""), ("storage-logs", "it takes logs itself"))
    assert row.unexplained == ["storage-files"]


def test_an_explanation_that_nothing_needs_is_told() -> None:
    catalogue = _catalogue(_explained("*-logs", "*-gone"))
    rows = compared(_verdicts(logs=False), {}, NAMES, catalogue)
    assert stale(rows, catalogue) == [f"{CHECK} *-gone"]
    assert stale([], catalogue) == [f"{CHECK} *-logs", f"{CHECK} *-gone"]


def test_a_check_that_runs_and_is_in_no_list_is_told() -> None:
    ran = [*_verdicts(logs=True), Verdict(check="CKV_AWS_99999", urn="", passed=True)]
    assert unlisted(ran, _catalogue()) == ["CKV_AWS_99999"]


def test_an_excuse_that_checkov_contradicts_is_told() -> None:
    excused = Difference(control=f"CHECKOV {CHECK}", kind="not-applicable", reason="no buckets")
    catalogue = replace(_catalogue(), differences={excused.control: excused})
    assert contradicted(_verdicts(logs=True, files=False), catalogue) == [CHECK]
    assert contradicted(_verdicts(logs=True), catalogue) == []
    decided = {excused.control: replace(excused, kind="differs")}
    assert contradicted(_verdicts(logs=False), replace(catalogue, differences=decided)) == []


def test_the_real_environment_is_refused_by_no_rule_of_the_comparison(
    every_stack: dict[str, Recorded],
) -> None:
    refused = agreement.refused(items_of(every_stack["prod"].made, "prod"))
    assert {rule for rule, urns in refused.items() if urns} == set()


def test_every_rule_that_answers_checkov_is_found_by_its_check() -> None:
    named = {rule.name for rule in RULES if any(c.startswith("CHECKOV ") for c in rule.controls)}
    assert {rule for rules in answering().values() for rule in rules} == named
    assert len(named) > 100


# -- what checkov is given -----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("token", "type_"),
    [
        ("aws:rds/instance:Instance", "aws_db_instance"),
        ("aws:ec2/vpcEndpoint:VpcEndpoint", "aws_vpc_endpoint"),
        ("aws:lb/loadBalancer:LoadBalancer", "aws_lb"),
        ("aws:s3/bucketReplicationConfig:BucketReplicationConfig",
         "aws_s3_bucket_replication_configuration"),
        ("aws:cfg/deliveryChannel:DeliveryChannel", "aws_config_delivery_channel"),
    ],
)  # fmt: skip
def test_types_have_terraforms_names(token: str, type_: str) -> None:
    assert terraform.type_of(token) == type_


def _planned(recorded: Recorded, type_: str, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A resource's values and references in the plan."""
    plan = terraform.plan(recorded.made.registrations)
    address = f"{type_}.{name.replace('-', '_')}"
    roots = plan["planned_values"], plan["configuration"]
    values, references = (
        next(each for each in root["root_module"]["resources"] if each["address"] == address)
        for root in roots
    )
    return values["values"], references["expressions"]


def test_a_plan_has_terraforms_names_and_references(every_stack: dict[str, Recorded]) -> None:
    prod = every_stack["prod"]
    values, references = _planned(prod, "aws_db_instance", "database-instance")
    assert values["storage_encrypted"] is True
    assert values["backup_retention_period"] == 30
    assert "kms_key_id" not in values, "a first plan does not know what is not made yet"
    assert references["kms_key_id"] == {"references": ["aws_kms_key.keys_data.id"]}
    rules, _ = _planned(prod, "aws_s3_bucket_lifecycle_configuration", "storage-dumps-lifecycle")
    assert {type(rule) for rule in rules["rule"]} == {dict}, "blocks are in the singular"


def test_a_plan_holds_everything_on_aws_and_no_secret(every_stack: dict[str, Recorded]) -> None:
    made = every_stack["prod"].made
    plan = terraform.plan(made.registrations)
    addresses = [each["address"] for each in plan["resource_changes"]]
    ours = [each for each in made.registrations if each.type.startswith("aws:")]
    assert len(set(addresses)) == len(ours), "two resources with one name would be judged as one"
    secret = [value for each in made.registrations for value in _hidden(each.inputs, each.clear)]
    assert secret
    assert not [value for value in secret if value in str(plan)]


def _hidden(inputs: Any, clear: Any) -> list[str]:
    """What stands in the inputs where anybody reads that it is a secret; short words left out."""
    if clear == "[secret]":
        return [inputs] if isinstance(inputs, str) and len(inputs) > 12 else []
    if isinstance(clear, dict):
        return [each for key in clear for each in _hidden(inputs[key], clear[key])]
    if isinstance(clear, list):
        return [f for one, other in zip(inputs, clear, strict=True) for f in _hidden(one, other)]
    return []


def test_manifests_are_objects_as_people_apply_them(every_stack: dict[str, Recorded]) -> None:
    found = terraform.manifests(every_stack["prod"].made.registrations)
    api = next(
        each
        for each in found
        if each["kind"] == "Deployment" and each["metadata"]["name"] == "archesai-api"
    )
    assert api["apiVersion"] == "apps/v1"
    ports = [p for c in api["spec"]["template"]["spec"]["containers"] for p in c.get("ports", [])]
    assert {type(port["containerPort"]) for port in ports} == {int}


@pytest.mark.parametrize(
    ("plan", "objects"),
    [((9, 0), (5, 0)), ((10, 1), (5, 0)), ((10, 0), (4, 0)), ((10, 0), (5, 1))],
)
def test_a_scan_that_left_something_unread_is_an_error(
    plan: tuple[int, int], objects: tuple[int, int]
) -> None:
    def summary(kind: str, counts: tuple[int, int]) -> dict[str, Any]:
        read, errors = counts
        return {
            "check_type": kind,
            "summary": {"resource_count": read, "parsing_errors": errors},
        }

    with pytest.raises(CheckovError, match=r"^checkov read \d+ of 10 resources and \d+ of 5"):
        checkov._whole([summary("terraform_plan", plan), summary("kubernetes", objects)], 10, 5)
    checkov._whole([summary("terraform_plan", (10, 0)), summary("kubernetes", (6, 0))], 10, 5)


# -- costs ---------------------------------------------------------------------------------------
def test_copies_stand_side_by_side(every_stack: dict[str, Recorded]) -> None:
    items = items_of(every_stack["prod"].made, "prod")
    grown = costs.copies(items, 3)
    assert len(grown) == 3 * (len(items) - 1) + 1, "the stack itself is there once"
    assert len({item.urn for item in grown}) == len(grown)
    stack = stack_of(grown)
    assert {vpc.props.at("cidrBlock") for vpc in stack.of("aws:ec2/vpc:Vpc")} == {
        "10.20.0.0/16", "10.21.0.0/16", "10.22.0.0/16",
    }  # fmt: skip
    linked = [urn for item in grown for urns in item.links.values() for urn in urns]
    missing = {urn.rsplit("::", 1)[1] for urn in linked if urn not in stack.by_urn}
    before = {u for item in items for urns in item.links.values() for u in urns}
    assert len(missing) <= 3 * len(before - {item.urn for item in items})


def test_a_cost_that_doubles_with_the_size_is_linear() -> None:
    assert costs.exponent(1.0, 16.0, 16) == pytest.approx(1.0)
    assert costs.exponent(1.0, 256.0, 16) == pytest.approx(2.0)
    assert math.isclose(costs.exponent(2.0, 2.0, 16), 0.0)
