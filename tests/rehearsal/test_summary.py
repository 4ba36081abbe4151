"""What a rehearsal prints, line by line."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal import summary
from rehearsal.timeline import Step, schedule

STACK = "urn:pulumi:prod::arches::pulumi:pulumi:Stack::arches-prod"
NETWORK = "urn:pulumi:prod::arches::arches:index:Network::network"
VPC = "urn:pulumi:prod::arches::arches:index:Network$aws:ec2/vpc:Vpc::network-vpc"
DATABASE = "urn:pulumi:prod::arches::aws:rds/instance:Instance::database"
CLUSTER = "urn:pulumi:prod::arches::aws:eks/cluster:Cluster::cluster"


def before(op: str, urn: str, **more: Any) -> dict[str, Any]:
    """One event as the engine's log has it."""
    return {"sequence": 1, "resourcePreEvent": {"metadata": {"op": op, "urn": urn, **more}}}


REPLACED = [
    before("create-replacement", DATABASE),
    before("replace", DATABASE, detailedDiff={"engine": {"diffKind": "update-replace"}}),
    before("delete-replaced", DATABASE),
]


# -- operations ----------------------------------------------------------------------------------
@pytest.mark.parametrize("events", [REPLACED, REPLACED[::-1]], ids=["new first", "old first"])
def test_a_replacement_in_three_steps_is_one(events: list[dict]) -> None:
    done = summary.operations(events)
    assert done == {DATABASE: "replace"}
    assert summary.counted(done) == "1 replaced"


def test_each_resource_has_one_operation_and_other_events_none() -> None:
    events = [
        before("same", STACK),
        before("create", NETWORK),
        before("create", VPC),
        {"sequence": 4, "diagnosticEvent": {"message": "note"}},
        {"sequence": 5, "resourceOutputsEvent": {"metadata": {"op": "delete", "urn": VPC}}},
    ]
    assert summary.operations(events) == {STACK: "same", NETWORK: "create", VPC: "create"}


def test_the_most_dangerous_is_counted_first() -> None:
    done = {
        "a": "create",
        "b": "create",
        "c": "delete",
        "d": "update",
        "e": "replace",
        "f": "same",
        "g": "import",
        "h": "refresh",
        "i": "read",
    }
    assert summary.counted(done) == (
        "1 deleted, 1 replaced, 1 updated, 2 created, 1 unchanged, 1 imported"
    )
    assert summary.counted({}) == "nothing to do"


def test_changed_properties_are_told_in_order() -> None:
    events = [
        before("update", DATABASE, detailedDiff={"tags.owner": {}, "instanceClass": {}}),
        before("create", VPC),
        before("update", CLUSTER, detailedDiff={}),
    ]
    assert summary.changed_properties(events) == {DATABASE: ["instanceClass", "tags.owner"]}


# -- the tree ------------------------------------------------------------------------------------
def test_the_tree_shows_children_below_their_component_with_mark_and_change() -> None:
    parents = {STACK: "", NETWORK: STACK, VPC: NETWORK, DATABASE: STACK, CLUSTER: STACK}
    done = {NETWORK: "create", VPC: "create", DATABASE: "replace", CLUSTER: "delete"}
    assert summary.tree(parents, done, {DATABASE: ["engine", "tags.owner"]}) == [
        "   pulumi:pulumi:Stack  arches-prod",
        " +   arches:index:Network  network",
        " +     aws:ec2:Vpc  network-vpc",
        "+-   aws:rds:Instance  database  [engine, tags.owner]",
        " -   aws:eks:Cluster  cluster",
    ]


def test_a_resource_whose_parent_is_not_listed_stands_at_the_root() -> None:
    assert summary.tree({VPC: NETWORK}, {VPC: "update"}, {}) == [" ~ aws:ec2:Vpc  network-vpc"]


def test_parents_come_from_states_with_and_without_one() -> None:
    assert summary.parents_of([{"urn": STACK}, {"urn": NETWORK, "parent": STACK}]) == {
        STACK: "",
        NETWORK: STACK,
    }


@pytest.mark.parametrize(
    ("token", "short"),
    [
        ("aws:rds/instance:Instance", "aws:rds:Instance"),
        ("kubernetes:apps/v1:Deployment", "kubernetes:apps:Deployment"),
        ("arches:index:Network", "arches:index:Network"),
        ("odd", "odd"),
    ],
)
def test_types_are_told_short(token: str, short: str) -> None:
    assert summary.short_type(token) == short


# -- the policy pack -----------------------------------------------------------------------------
def violation(rule: str, urn: str, message: str, level: str = "mandatory") -> dict[str, Any]:
    return {
        "policyEvent": {
            "policyName": rule,
            "resourceUrn": urn,
            "message": f"A rule's sentence.\n{message}",
            "enforcementLevel": level,
        }
    }


def test_policy_lines_say_what_passed_and_each_violation_once() -> None:
    events = [
        {"policyAnalyzeSummaryEvent": {"resourceUrn": VPC, "passed": ["a", "b"]}},
        {"policyAnalyzeSummaryEvent": {"resourceUrn": DATABASE, "passed": ["b"], "failed": ["c"]}},
        {"policyAnalyzeStackSummaryEvent": {"passed": ["d"]}},
        violation("rds-private", DATABASE, "it has a public address; fix it"),
        violation("rds-private", DATABASE, "it has a public address; fix it"),
        violation("required-tags", "", "no owner", "advisory"),
    ]
    lines, mandatory = summary.policy(events)
    assert lines == [
        "3 rules passed on 3 resources; 1 mandatory and 1 advisory violations; "
        "0 checks not known until deployed",
        "  mandatory: rds-private on database: it has a public address; fix it",
        "  advisory: required-tags on stack: no owner",
    ]
    assert mandatory == 1


def test_what_is_not_known_yet_is_counted_by_rule() -> None:
    unknown = [
        violation("kms-rotation", urn, "not known until deployed: policy", "advisory")
        for urn in (VPC, DATABASE)
    ]
    lines, mandatory = summary.policy(unknown)
    assert lines == [
        "0 rules passed on 0 resources; 0 mandatory and 0 advisory violations; "
        "2 checks not known until deployed",
        "  not known until deployed: kms-rotation on 2 resources",
    ]
    assert mandatory == 0


def test_two_findings_of_one_rule_on_one_resource_are_two() -> None:
    events = [violation("r", VPC, "one"), violation("r", VPC, "two")]
    assert summary.policy(events)[1] == 2


def test_without_a_policy_pack_nothing_passed_and_nothing_broke() -> None:
    assert summary.policy([]) == (
        [
            "0 rules passed on 0 resources; 0 mandatory and 0 advisory violations; "
            "0 checks not known until deployed"
        ],
        0,
    )


# -- time and honesty ----------------------------------------------------------------------------
def test_the_critical_path_is_printed_step_by_step_with_estimates_marked() -> None:
    endpoint = "urn:pulumi:prod::arches::aws:ec2/vpcEndpoint:VpcEndpoint::registry"
    made = schedule(
        [
            Step(urn=VPC, operation="create"),
            Step(urn=endpoint, operation="create", waits_for=(VPC,)),
            Step(urn=CLUSTER, operation="create", waits_for=(endpoint,)),
            Step(urn=DATABASE, operation="create", waits_for=(VPC,)),
        ]
    )
    assert summary.virtual_time(made) == [
        "virtual deployment time 10:51 (m:ss on real AWS, from medians)",
        "    0:00 +  0:12      aws:ec2:Vpc  network-vpc",
        "    0:12 +  1:15 est. aws:ec2:VpcEndpoint  registry",
        "    1:27 +  9:24      aws:eks:Cluster  cluster",
    ]


def test_a_run_without_work_still_tells_its_time() -> None:
    assert summary.virtual_time(schedule([]), "destroy") == [
        "virtual destroy time 0:00 (m:ss on real AWS, from medians)"
    ]


def test_every_run_says_what_was_real_and_what_stood_in() -> None:
    lines = summary.honesty("Pulumi 3.259.0 (build)", ["aws", "random"])
    opening = ["real", "in the cluster", "stood in", "not known here"]
    assert [line.split(":")[0] for line in lines] == opening
    assert "Pulumi 3.259.0 (build)" in lines[0]
    assert "by schema alone (no API server in this run)" in lines[1]
    assert "stood in: aws, random;" in lines[2]
    assert all("\n" not in line for line in lines)


def test_a_run_with_an_api_server_names_it() -> None:
    lines = summary.honesty("Pulumi 3.259.0 (build)", ["aws"], "kube-apiserver v1.36.3 (built)")
    assert lines[1].startswith("in the cluster: kube-apiserver v1.36.3 (built), whose admission")
    assert "by schema alone" not in " ".join(lines)
