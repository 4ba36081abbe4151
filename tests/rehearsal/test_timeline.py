"""Virtual time: the longest path, exactly, and figures that say where they come from."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal import timeline
from rehearsal.timeline import Step, of_destroy, of_preview, of_state, schedule, seconds

VPC = "aws:ec2/vpc:Vpc"  # 12 s to create
NAT = "aws:ec2/natGateway:NatGateway"  # 104 s
CLUSTER = "aws:eks/cluster:Cluster"  # 564 s
NODES = "aws:eks/nodeGroup:NodeGroup"  # 119 s
DATABASE = "aws:rds/instance:Instance"  # 368 s in one zone, 780 s in two


def urn(type_: str, name: str = "one") -> str:
    return f"urn:pulumi:prod::arches::{type_}::{name}"


def step(type_: str, operation: str = "create", *waits: str, **changed: Any) -> Step:
    name = changed.pop("name", "one")
    return Step(urn=urn(type_, name), operation=operation, waits_for=waits, **changed)


# -- one step ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("inputs", "create", "delete"),
    [
        ({}, 368, 240),
        ({"multiAz": False, "skipFinalSnapshot": True}, 368, 240),
        ({"skipFinalSnapshot": False}, 368, 540),
        ({"multiAz": True}, 780, 385),
        ({"multiAz": True, "skipFinalSnapshot": False}, 780, 685),
    ],
)
def test_an_input_picks_another_figure(inputs: dict, create: int, delete: int) -> None:
    assert seconds(step(DATABASE, "create", inputs=inputs)) == create
    assert seconds(step(DATABASE, "delete", inputs=inputs)) == delete


def test_an_update_takes_what_its_slowest_change_takes() -> None:
    assert seconds(step(DATABASE, "update", changed=("backupWindow",))) == 30
    assert seconds(step(DATABASE, "update", changed=("backupWindow", "engineVersion"))) == 900
    assert seconds(step(DATABASE, "update", changed=("tags",))) == 240
    assert seconds(step(DATABASE, "update")) == 240


def test_a_replacement_waits_for_the_old_one_only_where_that_goes_first() -> None:
    assert seconds(step(NAT, "replace")) == 104
    assert seconds(step(NAT, "delete-replace")) == 104 + 70


@pytest.mark.parametrize(
    "type_",
    ["arches:index:Network", "pulumi:providers:aws", "random:index/randomPassword:RandomPassword"],
)
def test_what_no_service_makes_takes_no_time(type_: str) -> None:
    assert seconds(step(type_)) == 0


def test_what_stays_the_same_takes_no_time() -> None:
    assert seconds(step(DATABASE, "same")) == 0


def test_a_type_that_nobody_measured_takes_a_second_and_is_an_estimate() -> None:
    assert seconds(step("aws:new/thing:Thing")) == 1
    assert timeline.is_estimate("aws:new/thing:Thing")
    assert not timeline.is_estimate(DATABASE)


# -- the table -----------------------------------------------------------------------------------
def test_a_figure_says_how_many_it_was_seen_in_or_that_it_is_an_estimate() -> None:
    for type_, entry in timeline.table()["types"].items():
        assert type_.startswith(("aws:", "kubernetes:", "random:"))
        assert {"create", "update", "delete"} <= set(entry), type_
        assert ("n" in entry) != ("est" in entry), f"{type_}: measured, or a guess?"
        assert entry.get("n", 1) >= 1, type_
        assert entry.get("est", True) is True, type_
        assert set(entry) <= {"create", "update", "delete", "n", "est", "when", "changes"}, type_
        figures = [entry[k] for k in ("create", "update", "delete")]
        figures += list(entry.get("changes", {}).values())
        for case in entry.get("when", ()):
            assert set(case) <= {"if", "create", "update", "delete"}, type_
            assert case["if"], f"{type_}: this case would always be picked"
            figures += [v for k, v in case.items() if k != "if"]
        assert all(isinstance(f, int) and 0 <= f <= 3600 for f in figures), type_


def test_the_cases_of_a_type_are_all_reachable() -> None:
    for type_, entry in timeline.table()["types"].items():
        earlier: list[dict[str, Any]] = []
        for case in entry.get("when", ()):
            hidden = [e for e in earlier if e.items() <= case["if"].items()]
            assert not hidden, f"{type_}: {case['if']} stands behind {hidden}"
            earlier.append(case["if"])


# -- the longest path ----------------------------------------------------------------------------
def test_the_longest_path_is_the_deployment() -> None:
    vpc, nat, database = urn(VPC), urn(NAT), urn(DATABASE)
    made = schedule(
        [
            step(NODES, "create", urn(CLUSTER), nat),
            step(CLUSTER, "create", vpc),
            step(DATABASE, "create", vpc),
            step(NAT, "create", vpc),
            step(VPC),
        ]
    )
    assert {u: (t.begins, t.ends) for u, t in made.steps.items()} == {
        vpc: (0, 12),
        nat: (12, 116),
        database: (12, 380),
        urn(CLUSTER): (12, 576),
        urn(NODES): (576, 695),
    }
    assert made.seconds == 695
    assert [t.step.type for t in made.critical] == [VPC, CLUSTER, NODES]
    assert [t.after for t in made.critical] == [None, vpc, urn(CLUSTER)]
    assert made.estimated == frozenset()


def test_a_chain_goes_through_what_takes_no_time_and_does_not_show_it() -> None:
    component, provider = urn("arches:index:Network"), urn("pulumi:providers:aws")
    made = schedule(
        [
            step("pulumi:providers:aws"),
            step(VPC, "create", provider),
            step("arches:index:Network", "create", urn(VPC)),
            step(DATABASE, "create", component),
        ]
    )
    assert [t.step.type for t in made.critical] == [VPC, DATABASE]
    assert made.seconds == 380


def test_nothing_to_do_takes_no_time() -> None:
    made = schedule([])
    assert (made.seconds, made.critical, made.steps) == (0, [], {})
    assert schedule([step(VPC, "same")]).seconds == 0


def test_what_is_waited_for_and_is_not_there_is_not_waited_for() -> None:
    assert schedule([step(VPC, "create", urn(NAT, "of another stack"))]).seconds == 12


def test_a_cycle_is_told_with_its_members() -> None:
    with pytest.raises(ValueError, match="waits for itself through") as error:
        schedule([step(VPC, "create", urn(NAT)), step(NAT, "create", urn(VPC))])
    assert urn(VPC) in str(error.value)
    assert urn(NAT) in str(error.value)


def test_a_dense_graph_without_a_cycle_is_none() -> None:
    # Every step waits for all later ones: a naive search meets each of them again and again.
    names = [f"{n:03d}" for n in range(120)]
    steps = [
        step(VPC, "create", *(urn(VPC, later) for later in names[i + 1 :]), name=name)
        for i, name in enumerate(names)
    ]
    assert schedule(steps).seconds == 120 * 12


def test_a_chain_longer_than_pythons_stack_is_no_trouble() -> None:
    steps = [
        step(VPC, "create", *([urn(VPC, str(n + 1))] if n < 2999 else []), name=str(n))
        for n in range(3000)
    ]
    assert schedule(steps).seconds == 3000 * 12


def test_types_whose_figure_is_judged_are_marked() -> None:
    endpoint = "aws:ec2/vpcEndpoint:VpcEndpoint"
    assert schedule([step(endpoint), step(VPC)]).estimated == {endpoint}
    assert schedule([step(endpoint, "same"), step(VPC)]).estimated == frozenset()


# -- from what the engine says -------------------------------------------------------------------
def _raw(op: str, type_: str, **state: Any) -> dict[str, Any]:
    raw: dict[str, Any] = {"op": op, "urn": urn(type_)}
    if op not in ("delete", "delete-replaced"):
        raw["newState"] = {"urn": urn(type_), "inputs": {}, **state}
    return raw


def test_a_preview_becomes_steps_with_what_they_wait_for() -> None:
    component = urn("arches:index:Network", "network")
    provider = urn("pulumi:providers:aws", "aws")
    steps = of_preview(
        {
            "steps": [
                _raw("same", VPC),
                _raw(
                    "create",
                    NAT,
                    inputs={"subnetId": "a"},
                    dependencies=[urn(VPC)],
                    parent=component,
                    provider=f"{provider}::0f5cd1b4-1b5c-4d8c-9a6c-1f2b3c4d5e6f",
                ),
                {**_raw("update", DATABASE), "diffReasons": ["tags.owner", "parameters[0].value"]},
            ]
        }
    )
    assert [(s.type, s.operation) for s in steps] == [
        (VPC, "same"),
        (NAT, "create"),
        (DATABASE, "update"),
    ]
    assert steps[1].waits_for == (urn(VPC), component, provider)
    assert steps[1].inputs == {"subnetId": "a"}
    assert set(steps[2].changed) == {"tags", "parameters"}


@pytest.mark.parametrize(
    ("order", "operations"),
    [
        (["create-replacement", "replace", "delete-replaced"], ["replace", "delete"]),
        (["delete-replaced", "replace", "create-replacement"], ["delete-replace"]),
    ],
)
def test_a_replacement_takes_its_time_in_the_order_that_the_engine_plans(
    order: list[str], operations: list[str]
) -> None:
    steps = of_preview({"steps": [_raw(op, DATABASE) for op in order]})
    assert [s.operation for s in steps] == operations
    assert steps[-1].waits_for[: len(steps) - 1] == tuple(s.urn for s in steps[:-1]), (
        "the old one would be counted as deleted before the new one is there"
    )


def _state() -> dict[str, Any]:
    return {
        "deployment": {
            "resources": [
                {"urn": urn("arches:index:Network"), "custom": False},
                {"urn": urn(VPC), "custom": True, "parent": urn("arches:index:Network")},
                {"urn": urn(NAT), "custom": True, "dependencies": [urn(VPC)]},
            ]
        }
    }


def test_a_state_without_operations_was_all_created() -> None:
    assert [s.operation for s in of_state(_state())] == ["create"] * 3
    assert schedule(of_state(_state())).seconds == 12 + 104


def test_a_state_counts_only_what_the_run_did() -> None:
    done = {urn(NAT): "create", urn(VPC): "same"}
    assert [s.operation for s in of_state(_state(), done)] == ["same", "same", "create"]
    assert schedule(of_state(_state(), done)).seconds == 104


def test_a_destroy_goes_the_other_way_round() -> None:
    made = schedule(of_destroy(_state()))
    times = {t.step.type: (t.begins, t.ends) for t in made.steps.values()}
    assert times == {NAT: (0, 70), VPC: (70, 71), "arches:index:Network": (71, 71)}
    assert [t.step.type for t in made.critical] == [NAT, VPC]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (3725, "62:05")]
)
def test_time_is_told_in_minutes_and_seconds(value: float, text: str) -> None:
    assert timeline.minutes(value) == text
