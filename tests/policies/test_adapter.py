"""From rules to the engine: what the pack answers over the analyzer's protocol."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from unittest.mock import Mock

import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2 as proto
from pulumi_policy import EnforcementLevel
from pulumi_policy import policy as sdk
from pulumi_policy import proxy as sdk_proxy
from rules import RULES, adapter, outcomes
from rules.adapter import decoded
from rules.model import (
    SECRET,
    UNKNOWN,
    Item,
    Level,
    NotApplicable,
    Props,
    Rule,
    Stack,
    StackRule,
    Undecided,
)
from rules.waivers import Ledger, Waiver

from tests.conftest import Recorded
from tests.policies.real import TODAY, items_of
from tests.policies.wire import asked, asked_of_all, pack_of

TYPE = "aws:kms/key:Key"
OTHER = "aws:s3/bucket:Bucket"
KINDS_OF_UNKNOWN = [
    sdk_proxy.UNKNOWN_BOOLEAN_VALUE,
    sdk_proxy.UNKNOWN_NUMBER_VALUE,
    sdk_proxy.UNKNOWN_STRING_VALUE,
    sdk_proxy.UNKNOWN_ARRAY_VALUE,
    sdk_proxy.UNKNOWN_OBJECT_VALUE,
]
# sdk/go/common/resource: how the engine marks a secret on the wire.
SIGNATURE, A_SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"


def urn(type_: str = TYPE, name: str = "one") -> str:
    return f"urn:pulumi:prod::arches::arches:index:Keys${type_}::{name}"


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


def _stack_rule(judge: Any, **changed: Any) -> StackRule:
    values = {
        "name": "stack-tested",
        "sentence": "A stack is tested.",
        "types": (TYPE,),
        "severity": "critical",
        "requirements": ("GEN-01",),
        "fix": "do better",
        "judge": judge,
    }
    return StackRule(**(values | changed))


def _pack(*rules: Rule | StackRule, waivers: tuple[Waiver, ...] = (), **levels: Level) -> Any:
    return pack_of(rules, waivers, {"prod": {n.replace("_", "-"): v for n, v in levels.items()}})


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(dict(values), struct_pb2.Struct())


def _request(props: Mapping[str, Any], type_: str = TYPE, name: str = "one") -> Any:
    return proto.AnalyzeRequest(
        type=type_, properties=_struct(props), urn=urn(type_, name), name=name
    )


def _analyze(pack: Any, props: Mapping[str, Any], type_: str = TYPE) -> Any:
    return pack.Analyze(_request(props, type_), None)


def _resource(name: str, props: Mapping[str, Any], **more: Any) -> Any:
    return proto.AnalyzerResource(
        type=TYPE, properties=_struct(props), urn=urn(name=name), name=name, **more
    )


def _said(response: Any) -> list[tuple[str, str, str]]:
    return [(d.policyName, d.urn, d.message) for d in response.diagnostics]


def _levels(response: Any) -> set[int]:
    return {d.enforcementLevel for d in response.diagnostics}


# -- values --------------------------------------------------------------------------------------
@pytest.mark.parametrize("sentinel", KINDS_OF_UNKNOWN)
def test_every_kind_of_unknown_becomes_our_unknown_wherever_it_stands(sentinel: str) -> None:
    told = {"top": sentinel, "in": {"deep": [{"x": sentinel}, sentinel, "known"]}}
    assert decoded(_struct(told)) == {
        "top": UNKNOWN,
        "in": {"deep": [{"x": UNKNOWN}, UNKNOWN, "known"]},
    }


def test_values_arrive_as_people_wrote_them() -> None:
    told = {
        "port": 443.0,
        "ratio": 0.5,
        "on": True,
        "none": None,
        "list": [1.0, "a"],
        "empty": {},
    }
    made = decoded(_struct(told))
    assert made == told
    assert [type(made[k]) for k in ("port", "ratio", "on", "list", "empty")] == [
        int, float, bool, list, dict,
    ]  # fmt: skip


def test_no_rule_ever_sees_a_secret() -> None:
    told = {"token": {SIGNATURE: A_SECRET, "value": "canary"}, "in": [{"k": {SIGNATURE: A_SECRET}}]}
    made = decoded(_struct(told))
    assert made == {"token": SECRET, "in": [{"k": SECRET}]}
    assert "canary" not in repr(made), "a finding could print a password"


# -- one resource --------------------------------------------------------------------------------
def test_a_violation_carries_sentence_finding_and_remedy() -> None:
    response = _analyze(_pack(_rule(lambda _: ["it is wrong", "it is late"])), {})
    assert _said(response) == [
        ("key-tested", urn(), "A key is tested.\nit is wrong; do better"),
        ("key-tested", urn(), "A key is tested.\nit is late; do better"),
    ]
    assert _levels(response) == {proto.MANDATORY}
    assert {d.severity for d in response.diagnostics} == {proto.POLICY_SEVERITY_HIGH}
    assert list(response.not_applicable) == []


def test_a_rule_over_another_type_is_not_applicable_and_not_passed() -> None:
    response = _analyze(_pack(_rule(lambda _: ["never"])), {}, OTHER)
    assert _said(response) == []
    assert [(n.policy_name, n.reason) for n in response.not_applicable] == [
        ("key-tested", "another type")
    ]


def test_a_resource_with_nothing_to_judge_is_not_applicable_and_says_why() -> None:
    def judge(_props: Props) -> Any:
        raise NotApplicable("it signs and does not encrypt")

    response = _analyze(_pack(_rule(judge)), {})
    assert [n.reason for n in response.not_applicable] == ["it signs and does not encrypt"]


def test_an_undecided_rule_is_told_as_such_and_blocks_nothing() -> None:
    pack = _pack(_rule(lambda props: [props.at("policy")]))
    response = _analyze(pack, {"policy": sdk_proxy.UNKNOWN_STRING_VALUE})
    assert _said(response) == [
        ("key-tested", urn(), "A key is tested.\nnot known until deployed: policy")
    ], "it would pass silently"
    assert _levels(response) == {proto.ADVISORY}
    assert list(response.not_applicable) == []


def test_what_was_found_before_an_unknown_value_is_still_told_and_binds() -> None:
    def judge(props: Props) -> Any:
        yield "it is wrong"
        yield props.at("policy")

    response = _analyze(_pack(_rule(judge)), {"policy": sdk_proxy.UNKNOWN_STRING_VALUE})
    assert [(d.message, d.enforcementLevel) for d in response.diagnostics] == [
        ("A key is tested.\nit is wrong; do better", proto.MANDATORY),
        ("A key is tested.\nnot known until deployed: policy", proto.ADVISORY),
    ]


def test_a_rule_that_breaks_is_an_error_of_that_rule_and_the_others_go_on() -> None:
    def broken(_props: Props) -> list[str]:
        raise ZeroDivisionError("canary of a property")

    others = _rule(lambda _: ["it is wrong"], name="key-next")
    response = _analyze(_pack(_rule(broken), others, key_tested="advisory"), {})
    first, second = response.diagnostics
    assert first.message.startswith(
        "A key is tested.\nthe rule itself failed: ZeroDivisionError in line "
    )
    assert "canary" not in first.message, "an exception's words may quote a value"
    assert first.enforcementLevel == proto.MANDATORY, "a broken rule would let everything pass"
    assert (first.policyName, first.urn) == ("key-tested", urn())
    assert second.message == "A key is tested.\nit is wrong; do better"


def test_the_level_of_the_environment_is_the_level_of_the_finding() -> None:
    rule = _rule(lambda _: ["it is wrong"])
    assert _levels(_analyze(_pack(rule, key_tested="advisory"), {})) == {proto.ADVISORY}
    assert _levels(_analyze(_pack(rule, key_tested="remediate"), {})) == {proto.MANDATORY}
    assert _said(_analyze(_pack(rule, key_tested="disabled"), {})) == []


def test_the_engines_configuration_of_packs_is_refused_where_it_changes_a_rule() -> None:
    """No event carries it: a report would call what nobody judged not applicable."""
    pack = _pack(_rule(lambda _: ["it is wrong"]))
    context = Mock(abort=Mock(side_effect=InterruptedError))
    for level in (proto.EnforcementLevel.DISABLED, proto.EnforcementLevel.ADVISORY):
        given = {"key-tested": proto.PolicyConfig(enforcementLevel=level)}
        with pytest.raises(InterruptedError):
            pack.Configure(proto.ConfigureAnalyzerRequest(policyConfig=given), context)
        assert "changes key-tested: allowed: none" in context.abort.call_args.args[1]
    same = {"key-tested": proto.PolicyConfig(enforcementLevel=proto.EnforcementLevel.MANDATORY)}
    pack.Configure(proto.ConfigureAnalyzerRequest(policyConfig=same), context)


@pytest.mark.parametrize("level", ["disabled", "advisory"])
def test_the_rules_that_guard_levels_bind_where_all_else_is_lowered(level: Level) -> None:
    def told(_subject: Item, stack: Stack) -> list[str]:
        return [f"{name} is {stack.levels[name]}" for name in ("levels-kept", "stack-tested")]

    guard = _stack_rule(told, name="levels-kept")
    pack = _pack(guard, _stack_rule(lambda *_: ["never"]), all=level, levels_kept=level)
    request = proto.AnalyzeStackRequest(resources=[_resource("one", {})])
    first, second, *_ = pack.AnalyzeStack(request, None).diagnostics
    assert {first.policyName, second.policyName} == {"levels-kept"}
    assert {first.enforcementLevel, second.enforcementLevel} == {proto.MANDATORY}, (
        "the file of levels could switch off what guards it"
    )
    assert "levels-kept is mandatory" in first.message
    assert f"stack-tested is {level}" in second.message


# -- waivers -------------------------------------------------------------------------------------
def test_the_levels_are_those_of_the_stack_that_a_resource_belongs_to() -> None:
    made = adapter.judging(
        Ledger((), TODAY), TODAY, {"prod": {"all": "advisory"}, "elsewhere": {"all": "disabled"}}
    )
    wrong = [adapter.as_policy(_rule(lambda _: ["it is wrong"]))]
    levels: dict[str, set[int]] = {}
    for stack in ("prod", "elsewhere", "nowhere"):
        pack = made("arches", "1.0.0", wrong, EnforcementLevel.MANDATORY)
        here = urn().replace(":prod::", f":{stack}::")
        response = pack.Analyze(proto.AnalyzeRequest(type=TYPE, urn=here, name="one"), None)
        levels[stack] = _levels(response)
        if stack == "elsewhere":
            (excused,) = response.not_applicable
            assert excused.reason == "disabled in this environment", "the engine counts it passed"
    assert levels == {
        "prod": {proto.EnforcementLevel.ADVISORY},
        "elsewhere": set(),
        "nowhere": {proto.EnforcementLevel.MANDATORY},
    }


def _waiver(**changed: Any) -> Waiver:
    values: dict[str, Any] = {
        "rule": "key-tested",
        "resource": f"{TYPE}::one",
        "stack": "prod",
        "reason": "the vendor delivers it in January",
        "owner": "platform",
        "ticket": "OPS-1",
        "expires": date(2027, 1, 31),
    }
    return Waiver.model_validate(values | changed)


def test_a_waiver_of_one_finding_leaves_the_others_as_they_are() -> None:
    pack = _pack(
        _rule(lambda _: ["it is wrong", "it is late"]),
        waivers=(_waiver(finding="it is late; *"),),
    )
    assert [d.enforcementLevel for d in _analyze(pack, {}).diagnostics] == [
        proto.MANDATORY,
        proto.ADVISORY,
    ], "what was found after the waiver was reviewed would be waived with it"


def test_a_waived_finding_stays_visible_and_blocks_nothing() -> None:
    pack = _pack(_rule(lambda _: ["it is wrong"]), waivers=(_waiver(),))
    response = _analyze(pack, {})
    assert _said(response) == [
        (
            "key-tested",
            urn(),
            "A key is tested.\nwaived until 2027-01-31 (platform, OPS-1): it is wrong; do better",
        )
    ]
    assert _levels(response) == {proto.ADVISORY}


def test_an_expired_waiver_holds_no_longer() -> None:
    pack = _pack(_rule(lambda _: ["it is wrong"]), waivers=(_waiver(expires=date(2026, 11, 20)),))
    assert _levels(_analyze(pack, {})) == {proto.MANDATORY}


# -- a whole stack -------------------------------------------------------------------------------
def test_a_rule_over_a_stack_sees_links_protection_and_plain_values() -> None:
    seen: list[Stack] = []

    def judge(subject: Item, stack: Stack) -> list[str]:
        seen.append(stack)
        return ["it is wrong"] if subject.name == "two" else []

    one = _resource("one", {"number": 3}, options=proto.AnalyzerResourceOptions(protect=True))
    two = _resource(
        "two",
        {"source": sdk_proxy.UNKNOWN_STRING_VALUE},
        parent=urn(name="one"),
        propertyDependencies={"source": proto.AnalyzerPropertyDependencies(urns=[urn(name="one")])},
    )
    request = proto.AnalyzeStackRequest(resources=[one, two])
    response = _pack(_stack_rule(judge)).AnalyzeStack(request, None)
    assert _said(response) == [
        ("stack-tested", urn(name="two"), "A stack is tested.\nit is wrong; do better")
    ]
    stack = seen[0]
    first, second = stack.items
    assert (first.protect, second.protect) == (True, False)
    assert (first.props.at("number"), second.parent) == (3, first.urn)
    assert stack.parts(TYPE, "source", first) == [second]
    assert stack.sources(second, "source") == [first]
    assert stack.sources(second, "source", OTHER) == []
    assert second.comes_from("source", first)
    assert not first.comes_from("source", second)
    assert stack.levels == {"stack-tested": "mandatory"}
    assert stack.today == TODAY


def test_a_resource_without_outputs_yet_is_judged_by_what_the_program_gave_it() -> None:
    pack = _pack(_stack_rule(lambda subject, _stack: [f"the size is {subject.props.at('size')}"]))
    _analyze(pack, {"size": 3})
    for outputs, size in (({}, 3), ({"size": 5}, 5)):
        request = proto.AnalyzeStackRequest(resources=[_resource("one", outputs)])
        (said,) = _said(pack.AnalyzeStack(request, None))
        assert said[2] == f"A stack is tested.\nthe size is {size}; do better", (
            "the first preview of a cluster would see none of its objects"
        )


def test_what_the_program_left_out_is_absent_and_not_unknown() -> None:
    seen: list[Item] = []
    pack = _pack(_stack_rule(lambda subject, _stack: seen.append(subject) or []))
    unknown = sdk_proxy.UNKNOWN_STRING_VALUE
    _analyze(pack, {"given": unknown})
    resource = _resource("one", {"given": unknown, "left-out": unknown, "filled": 1})
    pack.AnalyzeStack(proto.AnalyzeStackRequest(resources=[resource]), None)
    (subject,) = seen
    assert subject.props.at("left-out") is None, (
        "a setting that nobody made leaves a rule undecided"
    )
    assert subject.props.at("filled") == 1
    with pytest.raises(Undecided):
        subject.props.at("given")


@pytest.mark.parametrize(
    ("comes_from", "place"),
    [(["main"], "arches"), (["main", "other"], None), (["pod"], None), ([], None)],
    ids=["one namespace", "either of two", "no namespace", "nothing"],
)
def test_an_object_stands_in_the_namespace_that_its_metadata_comes_from(
    comes_from: list[str], place: str | None
) -> None:
    seen: list[Item] = []
    kinds = {"main": "Namespace", "other": "Namespace", "pod": "Pod", "subject": "Pod"}
    types = {name: f"kubernetes:core/v1:{kind}" for name, kind in kinds.items()}
    metadata: dict[str, dict[str, str]] = {
        "main": {"name": "arches"},
        "other": {"name": "elsewhere"},
        "pod": {"name": "arches"},
        "subject": {"name": "api", "namespace": sdk_proxy.UNKNOWN_STRING_VALUE},
    }
    links = {
        "metadata": proto.AnalyzerPropertyDependencies(
            urns=[urn(types[name], name) for name in comes_from]
        )
    }
    resources = [
        proto.AnalyzerResource(
            type=types[name],
            name=name,
            urn=urn(types[name], name),
            properties=_struct({"metadata": metadata[name]}),
            propertyDependencies=links if name == "subject" else {},
        )
        for name in kinds
    ]
    judge = _stack_rule(lambda each, _: seen.append(each) or [], types=(types["subject"],))
    _pack(judge).AnalyzeStack(proto.AnalyzeStackRequest(resources=resources), None)
    (subject,) = (each for each in seen if each.name == "subject")
    assert subject.props.at("metadata.name") == "api"
    if place is None:
        with pytest.raises(Undecided):
            subject.props.at("metadata.namespace")
    else:
        assert subject.props.at("metadata.namespace") == place


def test_a_broken_or_undecided_rule_over_a_stack_names_the_resource() -> None:
    def broken(_subject: Item, _stack: Stack) -> list[str]:
        raise KeyError("canary")

    def undecided(subject: Item, _stack: Stack) -> list[str]:
        return [str(subject.props.at("x"))]

    request = proto.AnalyzeStackRequest(
        resources=[_resource("one", {"x": sdk_proxy.UNKNOWN_NUMBER_VALUE})]
    )
    (said,) = _said(_pack(_stack_rule(broken)).AnalyzeStack(request, None))
    assert said[:2] == ("stack-tested", urn())
    assert said[2].startswith("A stack is tested.\nthe rule itself failed: KeyError in line ")
    response = _pack(_stack_rule(undecided)).AnalyzeStack(request, None)
    assert _said(response) == [
        ("stack-tested", urn(), "A stack is tested.\nnot known until deployed: x")
    ]


def test_what_a_room_makes_of_a_stack_is_made_once_even_if_it_is_undecided() -> None:
    tried: list[Stack] = []

    def index(stack: Stack) -> str:
        tried.append(stack)
        return str(stack.items[0].props.at("x"))

    def judge(_subject: Item, stack: Stack) -> list[str]:
        return [stack.once(index)]

    unknown = {"x": sdk_proxy.UNKNOWN_NUMBER_VALUE}
    request = proto.AnalyzeStackRequest(resources=[_resource(n, unknown) for n in ("one", "two")])
    said = _said(_pack(_stack_rule(judge)).AnalyzeStack(request, None))
    assert [text.partition("\n")[2] for _, _, text in said] == ["not known until deployed: x"] * 2
    assert len(tried) == 1, "a graph that cannot be drawn would be tried for every resource"


def test_a_rule_over_a_stack_without_its_type_is_not_applicable() -> None:
    request = proto.AnalyzeStackRequest(resources=[])
    response = _pack(_stack_rule(lambda *_: ["never"])).AnalyzeStack(request, None)
    assert [(n.policy_name, n.reason) for n in response.not_applicable] == [
        ("stack-tested", f"the stack has no {TYPE}")
    ]


# -- remedies ------------------------------------------------------------------------------------
def _remedied(pack: Any, props: Mapping[str, Any], type_: str = TYPE) -> list[Any]:
    return list(pack.Remediate(_request(props, type_), None).remediations)


def test_a_remedy_is_written_where_the_environment_asks_for_it_and_secrets_stay_secret() -> None:
    rule = _rule(lambda _: [], remedy={"on": True, "in.deep": "good"})
    props = {
        "on": False,
        "in": {"deep": "bad", "kept": 1},
        "token": {SIGNATURE: A_SECRET, "value": "x"},
    }
    (made,) = _remedied(_pack(rule, key_tested="remediate"), props)
    assert json_format.MessageToDict(made.properties) == {
        **props,
        "on": True,
        "in": {"deep": "good", "kept": 1},
    }
    assert _remedied(_pack(rule), props) == [], "mandatory says no and changes nothing"
    assert _remedied(_pack(rule, key_tested="remediate"), props, OTHER) == []


# -- the whole pack ------------------------------------------------------------------------------
def test_the_pack_describes_every_rule_to_the_engine() -> None:
    info = pack_of(RULES, version="1.0.0+abc").GetAnalyzerInfo(None, None)
    assert (info.name, info.version) == ("arches", "1.0.0+abc"), "no log would say who judged"
    assert [p.name for p in info.policies] == [rule.name for rule in RULES]
    assert {p.enforcementLevel for p in info.policies} == {proto.MANDATORY}
    assert all(p.description and p.remediation_steps for p in info.policies)


def test_the_whole_pack_finds_a_real_environment_clean_over_the_protocol(
    recorded: Recorded,
) -> None:
    pack = _pack(*RULES)
    items = items_of(recorded.made, recorded.stack)
    said = [s for item in items for s in _said(pack.Analyze(asked(item), None))]
    assert said + _said(pack.AnalyzeStack(asked_of_all(items), None)) == []


def test_another_sdk_stops_the_pack_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sdk, "_PolicyAnalyzerServicer")
    with pytest.raises(RuntimeError, match=r"another analyzer; allowed: 1\.21"):
        adapter.install(adapter.judging(Ledger((), TODAY), TODAY))


def test_a_policy_outside_of_the_pack_judges_nothing_silently() -> None:
    policy = adapter.as_policy(_rule(lambda _: []))
    validate: Any = policy.validate
    with pytest.raises(RuntimeError, match="start the pack by its __main__"):
        validate(None, None)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (outcomes.violated("it is wrong", "do better"), "violated"),
        (outcomes.unknown("policy"), "unknown"),
        (outcomes.error(KeyError("x")), "error"),
        (
            outcomes.waived(outcomes.violated("it", "do"), "2027-01-31", "platform", "OPS-1"),
            "waived",
        ),
    ],
)
def test_the_reports_read_what_the_pack_wrote(said: outcomes.Said, outcome: str) -> None:
    assert outcomes.read(said.message("A key is tested.") + "\n") == said
    assert said.outcome == outcome
