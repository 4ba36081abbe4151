"""From rules to policies, through the SDK's own analyzer: what the engine would be told."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2 as proto
from pulumi_policy import EnforcementLevel
from pulumi_policy import policy as sdk
from pulumi_policy import proxy as sdk_proxy
from rules import RULES, adapter
from rules.model import UNKNOWN, Item, Props, Rule, StackRule, Undecided

from tests.policies import mutants
from tests.policies.mutants import HAPPY

TYPE = "aws:kms/key:Key"
KINDS_OF_UNKNOWN = [
    sdk_proxy.UNKNOWN_BOOLEAN_VALUE,
    sdk_proxy.UNKNOWN_NUMBER_VALUE,
    sdk_proxy.UNKNOWN_STRING_VALUE,
    sdk_proxy.UNKNOWN_ARRAY_VALUE,
    sdk_proxy.UNKNOWN_OBJECT_VALUE,
]


def _rule(judge: Any, **changed: Any) -> Rule:
    values = {
        "name": "key-tested",
        "sentence": "A key is tested.",
        "types": (TYPE,),
        "severity": "high",
        "requirements": ("SEC-06",),
        "fix": "do better",
        "judge": judge,
    }
    return Rule(**(values | changed))


def _stack_rule(judge: Any) -> StackRule:
    return StackRule(
        name="stack-tested",
        sentence="A stack is tested.",
        severity="critical",
        requirements=("GEN-01",),
        fix="do better",
        judge=judge,
    )


def _analyzer(*rules: Rule | StackRule) -> Any:
    return sdk._PolicyAnalyzerServicer(
        name="arches",
        version="1.0.0",
        policies=[adapter.as_policy(rule) for rule in rules],
        enforcement_level=EnforcementLevel.MANDATORY,
    )


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(dict(values), struct_pb2.Struct())


def _analyze(rules: tuple[Rule | StackRule, ...], type_: str, props: Mapping[str, Any]) -> Any:
    request = proto.AnalyzeRequest(
        type=type_, properties=_struct(props), urn=mutants.urn(type_, "one"), name="one"
    )
    return _analyzer(*rules).Analyze(request, None)


def _analyze_stack(rules: tuple[Rule | StackRule, ...], items: list[Item]) -> Any:
    return _analyzer(*rules).AnalyzeStack(_stack_request(items), None)


def _stack_request(items: list[Item]) -> proto.AnalyzeStackRequest:
    return proto.AnalyzeStackRequest(
        resources=[
            proto.AnalyzerResource(
                type=item.type,
                properties=_struct(_deep(item.props)),
                urn=item.urn,
                name=item.name,
                options=proto.AnalyzerResourceOptions(protect=item.protect),
                propertyDependencies={
                    key: proto.AnalyzerPropertyDependencies(urns=sorted(urns))
                    for key, urns in item.links.items()
                },
            )
            for item in items
        ]
    )


def _deep(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _deep(v) for k, v in value.items()}
    return [_deep(v) for v in value] if isinstance(value, list) else value


def _said(response: Any) -> list[tuple[str, str, str]]:
    return [(d.policyName, d.urn, d.message) for d in response.diagnostics]


# -- proxies -------------------------------------------------------------------------------------
@pytest.mark.parametrize("sentinel", KINDS_OF_UNKNOWN)
def test_every_kind_of_unknown_becomes_our_unknown_wherever_it_stands(sentinel: str) -> None:
    proxied = sdk_proxy.unknown_checking_proxy(
        {"top": sentinel, "in": {"deep": [{"x": sentinel}, sentinel, "known"]}}
    )
    assert adapter.plain(proxied) == {
        "top": UNKNOWN,
        "in": {"deep": [{"x": UNKNOWN}, UNKNOWN, "known"]},
    }


def test_a_proxy_becomes_plain_dicts_lists_and_numbers_as_people_wrote_them() -> None:
    made = adapter.plain(
        sdk_proxy.unknown_checking_proxy(
            {"port": 443.0, "ratio": 0.5, "on": True, "none": None, "list": [1.0, "a"], "empty": {}}
        )
    )
    assert made == {
        "port": 443,
        "ratio": 0.5,
        "on": True,
        "none": None,
        "list": [1, "a"],
        "empty": {},
    }
    assert [type(made[k]) for k in ("port", "ratio", "on", "list", "empty")] == [
        int, float, bool, list, dict,
    ]  # fmt: skip


# -- one resource --------------------------------------------------------------------------------
def test_a_violation_carries_sentence_finding_and_remedy() -> None:
    response = _analyze((_rule(lambda _: ["it is wrong", "it is late"]),), TYPE, {})
    assert _said(response) == [
        ("key-tested", "", "A key is tested.\nit is wrong; do better"),
        ("key-tested", "", "A key is tested.\nit is late; do better"),
    ]
    assert {d.enforcementLevel for d in response.diagnostics} == {proto.MANDATORY}
    assert {d.severity for d in response.diagnostics} == {proto.POLICY_SEVERITY_HIGH}
    assert list(response.not_applicable) == []


def test_a_rule_over_another_type_is_not_applicable_and_not_passed() -> None:
    response = _analyze((_rule(lambda _: ["never"]),), "aws:s3/bucket:Bucket", {})
    assert _said(response) == []
    assert [(n.policy_name, n.reason) for n in response.not_applicable] == [
        ("key-tested", f"judges {TYPE}")
    ]


def test_an_undecided_rule_is_not_applicable_and_names_what_it_waits_for() -> None:
    response = _analyze(
        (_rule(lambda props: [props.at("policy")]),),
        TYPE,
        {"policy": sdk_proxy.UNKNOWN_STRING_VALUE},
    )
    assert _said(response) == []
    assert [n.reason for n in response.not_applicable] == ["policy is not known until deployed"]


def test_what_was_found_before_an_unknown_value_is_still_told() -> None:
    def judge(props: Props) -> Any:
        yield "it is wrong"
        yield props.at("policy")

    response = _analyze((_rule(judge),), TYPE, {"policy": sdk_proxy.UNKNOWN_STRING_VALUE})
    assert [message for _, _, message in _said(response)] == [
        "A key is tested.\nit is wrong; do better"
    ]


def test_a_rule_that_breaks_is_an_error_of_that_rule_and_the_others_go_on() -> None:
    def broken(_props: Props) -> list[str]:
        raise ZeroDivisionError("division by zero")

    others = _rule(lambda _: ["it is wrong"], name="key-next")
    response = _analyze((_rule(broken), others), TYPE, {})
    assert _said(response) == [
        (
            "key-tested",
            "",
            "A key is tested.\nthe rule itself failed: ZeroDivisionError: division by zero",
        ),
        ("key-next", "", "A key is tested.\nit is wrong; do better"),
    ], "an exception would abort the engine's run and name nobody"


# -- a whole stack -------------------------------------------------------------------------------
def test_a_rule_over_a_stack_sees_links_protection_and_plain_values() -> None:
    seen: list[Item] = []

    def judge(items: list[Item]) -> list[tuple[str, str]]:
        seen.extend(items)
        return [(items[1].urn, "it is wrong")]

    vpc = mutants.item(mutants.VPC, "network", {"number": 3}, protect=True)
    log = mutants.item(
        mutants.FLOW_LOG,
        "flows",
        {"vpcId": sdk_proxy.UNKNOWN_STRING_VALUE},
        links={"vpcId": (mutants.VPC, "network")},
    )
    response = _analyze_stack((_stack_rule(judge),), [vpc, log])
    assert _said(response) == [
        ("stack-tested", log.urn, "A stack is tested.\nit is wrong; do better")
    ]
    assert (seen[0].protect, seen[1].protect) == (True, False)
    assert seen[0].props.at("number") == 3
    assert seen[1].comes_from("vpcId", seen[0])
    assert not seen[0].comes_from("vpcId", seen[1])
    with pytest.raises(Undecided):
        seen[1].props.at("vpcId")


def test_a_broken_or_undecided_rule_over_a_stack_is_told_as_such() -> None:
    def broken(_items: list[Item]) -> list[tuple[str, str]]:
        raise KeyError("missing")

    def undecided(items: list[Item]) -> list[tuple[str, str]]:
        return [(items[0].urn, str(items[0].props.at("x")))]

    one = [mutants.item(TYPE, "one", {"x": sdk_proxy.UNKNOWN_NUMBER_VALUE})]
    assert _said(_analyze_stack((_stack_rule(broken),), one)) == [
        ("stack-tested", "", "A stack is tested.\nthe rule itself failed: KeyError: 'missing'")
    ]
    response = _analyze_stack((_stack_rule(undecided),), one)
    assert _said(response) == []
    assert [n.reason for n in response.not_applicable] == ["x is not known until deployed"]


# -- the whole pack ------------------------------------------------------------------------------
def _verdicts() -> list[Any]:
    """What the pack says of every happy example, one mutant of each type and of the stack."""
    said: list[Any] = []
    for type_, examples in HAPPY.items():
        said += [_analyze(RULES, type_, props) for props in examples.values()]
    of_type = {m.type: m for m in mutants.MUTANTS}
    said += [_analyze(RULES, m.type, _deep(m.props())) for m in of_type.values()]
    said.append(_analyze_stack(RULES, mutants.happy_stack()))
    of_rule = {m.rule: m for m in mutants.STACK_MUTANTS}
    said += [_analyze_stack(RULES, m.items()) for m in of_rule.values()]
    return said


def test_the_pack_says_the_same_through_the_sdk_as_alone() -> None:
    for type_, examples in HAPPY.items():
        for title, props in examples.items():
            assert _said(_analyze(RULES, type_, props)) == [], f"{type_}, {title}"
    for mutant in {m.rule: m for m in mutants.MUTANTS}.values():
        said = _said(_analyze(RULES, mutant.type, _deep(mutant.props())))
        rule = next(r for r in RULES if r.name == mutant.rule)
        expected = [(rule.name, "", f"{rule.sentence}\n{s}; {rule.fix}") for s in mutant.says]
        assert [d for d in said if d[0] == rule.name] == expected
    assert _said(_analyze_stack(RULES, mutants.happy_stack())) == []
    for stack_mutant in {m.rule: m for m in mutants.STACK_MUTANTS}.values():
        rule = next(r for r in RULES if r.name == stack_mutant.rule)
        assert _said(_analyze_stack(RULES, stack_mutant.items())) == [
            (rule.name, where, f"{rule.sentence}\n{s}; {rule.fix}")
            for where, s in stack_mutant.says
        ]


def test_decoding_each_resource_once_changes_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [copy.deepcopy(response) for response in _verdicts()]
    monkeypatch.setattr(sdk, "json_format", json_format)  # put back after the test
    adapter.decode_once()
    assert _verdicts() == before


def test_each_resource_is_decoded_once_for_all_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[str] = []

    class Counting:
        def MessageToDict(self, message: Any) -> Any:  # noqa: N802 (protobuf's name)
            decoded.append(str(message))
            return json_format.MessageToDict(message)

    monkeypatch.setattr(sdk, "json_format", Counting())
    adapter.decode_once()
    stack = mutants.happy_stack()
    _analyze_stack(RULES, stack)
    assert len(decoded) == len(stack), "a preview would take many times as long"


def test_a_message_in_the_place_of_a_dead_one_is_decoded_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sdk, "json_format", json_format)
    monkeypatch.setattr(adapter, "_DECODED_AT_MOST", 3)
    adapter.decode_once()
    for number in range(50):
        response = _analyze((_rule(lambda props: [f"got {props.at('n')}"]),), TYPE, {"n": number})
        assert response.diagnostics[0].message == f"A key is tested.\ngot {number}; do better"


def test_the_pack_describes_every_rule_to_the_engine() -> None:
    info = _analyzer(*RULES).GetAnalyzerInfo(None, None)
    assert [p.name for p in info.policies] == [rule.name for rule in RULES]
    assert {p.enforcementLevel for p in info.policies} == {proto.MANDATORY}
    assert all(p.description and p.remediation_steps for p in info.policies)
