"""Every rule says nothing of a happy example, and exactly the right thing of each mutant."""

from __future__ import annotations

import copy
import re
from collections import Counter

import pytest
from rules import RULES
from rules.model import UNKNOWN, Props, Rule, StackRule, Undecided

from tests.policies import mutants
from tests.policies.mutants import HAPPY, MUTANTS, STACK_MUTANTS, Mutant, StackMutant

BY_NAME = {rule.name: rule for rule in RULES}
ONE_RESOURCE = [rule for rule in RULES if isinstance(rule, Rule)]
WHOLE_STACK = [rule for rule in RULES if isinstance(rule, StackRule)]


def _single(name: str) -> Rule:
    rule = BY_NAME[name]
    assert isinstance(rule, Rule)
    return rule


def _whole(name: str) -> StackRule:
    rule = BY_NAME[name]
    assert isinstance(rule, StackRule)
    return rule


# -- the list ------------------------------------------------------------------------------------
def test_no_two_rules_share_a_name() -> None:
    twice = [name for name, times in Counter(r.name for r in RULES).items() if times > 1]
    assert twice == [], "a waiver or a report could not tell these rules apart"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_says_what_it_guards_and_what_to_do(rule: Rule | StackRule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.name)
    assert rule.requirements, "an auditor could not tell why this rule exists"
    for requirement in rule.requirements:
        assert re.fullmatch(r"[A-Z0-9-]+-\d\d", requirement), requirement
    assert rule.sentence.endswith("."), "the report prints it as a sentence"
    assert rule.sentence[0].isupper()
    assert rule.fix, "somebody whose preview is refused would not know what to do"
    assert not rule.fix.endswith("."), "it is the tail of a message"


def test_every_rule_has_a_mutant_that_it_kills() -> None:
    killed = {m.rule for m in (*MUTANTS, *STACK_MUTANTS)}
    unproved = sorted(set(BY_NAME) - killed)
    assert unproved == [], "nobody has ever seen these rules say no"
    assert sorted(killed - set(BY_NAME)) == [], "these mutants name a rule that does not exist"


def test_every_type_that_a_rule_judges_has_a_happy_example() -> None:
    judged = {type_ for rule in ONE_RESOURCE for type_ in rule.types}
    assert sorted(judged - set(HAPPY)) == []
    assert sorted(set(HAPPY) - judged) == [], "these examples prove nothing"


def test_every_type_of_every_rule_is_broken_by_a_mutant() -> None:
    broken = {(m.rule, m.type) for m in MUTANTS}
    declared = {(rule.name, type_) for rule in ONE_RESOURCE for type_ in rule.types}
    assert sorted(declared - broken) == []


# -- verdicts ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rule", "props"),
    [
        pytest.param(rule, props, id=f"{rule.name}: {title}")
        for rule in ONE_RESOURCE
        for type_ in rule.types
        for title, props in HAPPY[type_].items()
    ],
)
def test_a_happy_example_passes(rule: Rule, props: dict) -> None:
    assert list(rule.judge(Props(copy.deepcopy(props)))) == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.rule}: {m.title}")
def test_one_change_is_told_exactly(mutant: Mutant) -> None:
    assert tuple(_single(mutant.rule).judge(mutant.props())) == mutant.says


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.rule}: {m.title}")
def test_a_verdict_never_quotes_a_document_or_a_key(mutant: Mutant) -> None:
    for said in mutant.says:
        assert "{" not in said
        assert "\n" not in said, "people read one line for each finding"
        assert mutants.KEY not in said


@pytest.mark.parametrize("rule", WHOLE_STACK, ids=lambda rule: rule.name)
def test_the_happy_stack_passes(rule: StackRule) -> None:
    assert list(rule.judge(mutants.happy_stack())) == []


@pytest.mark.parametrize("mutant", STACK_MUTANTS, ids=lambda m: f"{m.rule}: {m.title}")
def test_one_change_in_a_stack_is_told_exactly_and_where(mutant: StackMutant) -> None:
    assert tuple(_whole(mutant.rule).judge(mutant.items())) == mutant.says


@pytest.mark.parametrize("rule", WHOLE_STACK, ids=lambda rule: rule.name)
def test_a_rule_over_a_stack_has_nothing_to_say_of_an_empty_one(rule: StackRule) -> None:
    assert list(rule.judge([])) == []


def test_an_environment_without_customers_may_lose_its_data() -> None:
    tags = {**mutants.TAGS, "serves-customers": "false"}
    stack = mutants.with_provider(defaultTags=mutants.json.dumps({"tags": tags}))(
        mutants.unprotected("aws:rds/instance:Instance")(mutants.happy_stack())
    )
    assert list(_whole("stateful-protected").judge(stack)) == [], (
        "nobody could take a review environment down again"
    )


def test_a_part_of_another_bucket_does_not_cover_this_one() -> None:
    other = mutants.item(mutants.BUCKET, "other", {}, protect=True)
    said = list(_whole("bucket-complete").judge([*mutants.happy_stack(), other]))
    assert [where for where, _ in said] == [other.urn] * 5


# -- what is not known yet -----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rule", "path", "missing"),
    [
        ("security-group-no-open-ingress", "cidrIpv4", "cidrIpv4"),
        ("iam-no-wildcards", "policy", "policy"),
        ("iam-trust-named", "assumeRolePolicy", "assumeRolePolicy"),
        ("iam-no-administrator", "policyArn", "policyArn"),
        ("vpc-cni-network-policy", "configurationValues", "configurationValues"),
        ("eks-endpoint-restricted", "vpcConfig.publicAccessCidrs", "vpcConfig.publicAccessCidrs"),
        ("eks-endpoint-restricted", "vpcConfig.publicAccessCidrs.0",
         "vpcConfig.publicAccessCidrs.0"),
        ("eks-endpoint-restricted", "vpcConfig.endpointPrivateAccess",
         "vpcConfig.endpointPrivateAccess"),
        ("eks-endpoint-restricted", "vpcConfig", "vpcConfig"),
        ("listener-tls", "sslPolicy", "sslPolicy"),
        ("node-template-hardened", "blockDeviceMappings.0.ebs.encrypted",
         "blockDeviceMappings.0.ebs.encrypted"),
        ("rds-tls-forced", "parameters.0.value", "parameters.0.value"),
        ("bucket-tls-only", "policy", "policy"),
        ("topic-encrypted", "kmsMasterKeyId", "kmsMasterKeyId"),
    ],
)  # fmt: skip
def test_a_value_that_is_not_known_leaves_the_rule_undecided(
    rule: str, path: str, missing: str
) -> None:
    judging = _single(rule)
    values = copy.deepcopy(next(iter(HAPPY[judging.types[0]].values())))
    mutants.put(values, path, UNKNOWN)
    with pytest.raises(Undecided) as undecided:
        list(judging.judge(Props(values)))
    assert str(undecided.value) == missing, "the preview could not say what it waits for"


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("distribution-secure", "webAclId"),
        ("distribution-secure", "defaultCacheBehavior.responseHeadersPolicyId"),
        ("distribution-secure", "orderedCacheBehaviors.0.responseHeadersPolicyId"),
        ("rds-private-encrypted", "kmsKeyId"),
        ("rds-private-encrypted", "performanceInsightsKmsKeyId"),
        ("redis-encrypted", "authToken"),
        ("redis-encrypted", "kmsKeyId"),
        ("secrets-kms", "kmsKeyId"),
        ("backup-vault-kms", "kmsKeyArn"),
        ("log-group-retention-kms", "kmsKeyId"),
        ("cloudtrail-on", "kmsKeyId"),
        ("ecr-immutable-scanned", "encryptionConfigurations.0.kmsKey"),
        ("web-acl-rules", "rules.0.statement.rateBasedStatement.limit"),
    ],
)
def test_a_reference_to_something_new_counts_as_given(rule: str, path: str) -> None:
    judging = _single(rule)
    values = copy.deepcopy(next(iter(HAPPY[judging.types[0]].values())))
    mutants.put(values, path, UNKNOWN)
    assert list(judging.judge(Props(values))) == [], (
        "the first preview of an environment would be refused for what is not made yet"
    )


def test_names_that_are_made_later_do_not_stop_the_rules_over_a_stack() -> None:
    stack = mutants.changed("aws:rds/instance:Instance", finalSnapshotIdentifier=UNKNOWN)(
        mutants.happy_stack()
    )
    assert list(_whole("stateful-protected").judge(stack)) == []


# -- properties ----------------------------------------------------------------------------------
def test_properties_are_read_by_a_dotted_path() -> None:
    props = Props({"a": {"b": [{"c": 1}]}, "none": None})
    assert props.at("a.b.0.c") == 1
    assert props.at("a.b.1.c", "absent") == "absent"
    assert props.at("a.b.c.d") is None
    assert props.at("none", "absent") == "absent", "a null is the same as nothing"


def test_a_default_stands_in_for_what_is_absent_inside_an_object_too() -> None:
    inner = Props({"outer": {"none": None}}).at("outer")
    assert inner.get("absent", True) is True
    assert inner.get("none", True) is True
    assert "absent" not in inner
    assert "none" not in inner
    assert (list(inner), len(inner)) == ([], 0)
    with pytest.raises(KeyError):
        inner["absent"]


def test_an_unknown_value_is_there_and_cannot_be_read() -> None:
    props = Props({"a": {"b": UNKNOWN}, "list": [1, UNKNOWN]})
    assert props.given("a.b")
    assert props.given("list")
    assert not props.given("a.c")
    assert "b" in props.at("a")
    for path, named in (("a.b", "a.b"), ("a.b.c", "a.b.c"), ("list", "list.1")):
        with pytest.raises(Undecided, match=f"^{re.escape(named)}$"):
            props.at(path)
    with pytest.raises(Undecided, match=r"^a\.b$"):
        props.at("a")["b"]


def test_a_document_may_be_text_or_an_object() -> None:
    assert Props({"policy": '{"Statement": []}'}).document("policy") == {"Statement": []}
    assert Props({"policy": {"Statement": []}}).document("policy") == {"Statement": []}
    assert Props({}).document("policy") == {}
