"""What mutants of the real stacks cannot say about rules of identity, trust and keys."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rules.adapter import findings, joined
from rules.documents import ATTACHMENT, POLICY, ROLE, bound_by, covers, wide
from rules.identity import identity, keys, resource_policies, trust
from rules.model import SECRET, UNKNOWN, Item, NotApplicable, Props, Rule, StackRule

from tests.policies.real import stack_of

_RULES = {
    each.name: each
    for each in (*identity.RULES, *trust.RULES, *keys.RULES, *resource_policies.RULES)
}
_PASS = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}


def _item(type_: str, name: str, props: dict[str, Any], **links: Item) -> Item:
    return Item(
        type=type_,
        name=name,
        urn=f"urn:{name}",
        props=Props(props),
        links={key: frozenset({item.urn}) for key, item in links.items()},
    )


def _said(rule: str, props: dict[str, Any]) -> list[str]:
    found = _RULES[rule]
    assert isinstance(found, Rule)
    return [each.text.removesuffix(f"; {found.fix}") for each in findings(found, Props(props))]


def _joined(rule: str, *items: Item) -> list[str]:
    found = _RULES[rule]
    assert isinstance(found, StackRule)
    return [said.text.removesuffix(f"; {found.fix}") for _, said in joined(found, stack_of(items))]


def _policy(*statements: dict[str, Any]) -> dict[str, str]:
    return {"policy": json.dumps({"Statement": list(statements)})}


# -- reading documents ---------------------------------------------------------------------------
def test_a_statement_may_stand_alone_and_iam_knows_no_case() -> None:
    alone = {"policy": json.dumps({"Statement": {**_PASS, "Action": "IAM:passrole"}})}
    assert _said("iam-pass-role-bound", alone) == ["any role may be passed to any service"]


@pytest.mark.parametrize("rule", [r.name for r in identity.RULES if identity.POLICY in r.types])
def test_what_is_denied_is_not_granted(rule: str) -> None:
    everything = _policy({"Effect": "Deny", "Action": "*", "Resource": "*"})
    if isinstance(_RULES[rule], Rule):
        assert _said(rule, everything) == []
    else:
        assert _joined(rule, _item(POLICY, "deny", everything)) == []


def test_a_document_that_is_not_known_yet_is_undecided_and_never_passes() -> None:
    told = _said("iam-no-full-access", {"policy": UNKNOWN})
    assert told == ["not known until deployed: policy"]


def test_all_actions_but_some_cover_the_others() -> None:
    but = {"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}
    assert covers(but, "s3:GetObject")
    assert not covers(but, "iam:PassRole")


@pytest.mark.parametrize(
    ("resource", "everything"),
    [
        ("*", True),
        ("arn:aws:kms:*:111122223333:key/*", True),
        ("arn:aws:secretsmanager:eu-central-1:111122223333:secret:*", True),
        ("arn:aws:s3:::*", True),
        ("arn:aws:s3:::*/*", True),
        ("arn:aws:iam::111122223333:role*", True),
        ("arn:aws:s3:::dumps/*", False),
        ("arn:aws:s3:::arches-*", False),
        ("arn:aws:iam::111122223333:role/arches-*", False),
        ("arn:aws:secretsmanager:eu-central-1:111122223333:secret:arches/prod/*", False),
        ("arn:aws:iam::111122223333:role/aws-service-role/*", False),
    ],
)
def test_what_a_star_reaches_depends_on_where_it_stands(resource: str, everything: bool) -> None:
    assert wide({"Resource": resource}) is everything


@pytest.mark.parametrize(
    ("operator", "value", "binds"),
    [
        ("StringEquals", "s3.eu-central-1.amazonaws.com", True),
        ("ForAnyValue:StringEquals", ["s3.eu-central-1.amazonaws.com"], True),
        ("StringEqualsIfExists", "s3.eu-central-1.amazonaws.com", False),
        ("ForAllValues:StringEquals", "s3.eu-central-1.amazonaws.com", False),
        ("StringNotEquals", "s3.eu-central-1.amazonaws.com", False),
        ("StringLike", "*", False),
        ("StringEquals", [], False),
        ("Null", "false", False),
    ],
)
def test_a_condition_binds_where_it_names_what_it_admits(
    operator: str, value: Any, binds: bool
) -> None:
    statement = {"Condition": {operator: {"kms:ViaService": value}}}
    assert bound_by(statement, ["kms:viaservice"]) is binds, (
        "a condition that passes where its key is missing lets everybody through"
    )


@pytest.mark.parametrize(
    ("key", "value", "binds"),
    [
        ("aws:PrincipalArn", "arn:aws:iam::111122223333:role/*", True),
        ("aws:PrincipalArn", "arn:aws:iam::*:role/deploy", False),
        ("aws:PrincipalArn", "*/deploy", False),
        ("aws:SourceArn", "arn:aws:s3:::arches-prod-files", True),
        ("aws:SourceArn", "arn:aws:s3:::*", False),
        ("aws:PrincipalAccount", "1*", False),
        ("aws:PrincipalOrgID", "o-*", False),
        ("kms:ViaService", "s3.*.amazonaws.com", True),
        ("kms:ViaService", "*.amazonaws.com", False),
        ("aws:ResourceTag/owner", "us", True),
        ("aws:ResourceTag/owner", "?*", False),
    ],
)
def test_a_condition_binds_where_its_value_is_more_than_wildcards(
    key: str, value: str, binds: bool
) -> None:
    statement = {"Condition": {"StringLike": {key: value}}}
    assert bound_by(statement, [key.lower()]) is binds, "anybody can have what the pattern asks"


def test_an_account_that_no_provider_names_leaves_strangers_undecided() -> None:
    key = _item(
        keys.KEY, "key", _policy({"Effect": "Allow", "Action": "x", "Principal": {"AWS": "1"}})
    )
    assert _joined("resource-policy-own-account", key) == [
        "not known until deployed: the account, which no AWS provider names in allowed_account_ids"
    ]


def test_an_endpoint_may_let_everybody_through_to_what_it_names() -> None:
    layers = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    named = _policy(
        {**layers, "Resource": "arn:aws:s3:::prod-eu-central-1-starport-layer-bucket/*"}
    )
    assert _said("resource-policy-not-public", named) == []
    with pytest.raises(NotApplicable):
        _said("resource-policy-not-public", {})


def test_a_hidden_document_is_said_to_be_hidden() -> None:
    hidden = {"policy": SECRET}
    assert _said("policy-document-readable", {"policy": UNKNOWN}) == []
    assert _said("policy-document-readable", hidden) == [
        "policy is marked secret, so no rule can read it"
    ]
    assert _said("iam-no-full-access", hidden) == [
        "not known until deployed: policy, which is marked secret"
    ]


# -- joins ---------------------------------------------------------------------------------------
def test_our_own_policy_is_told_by_its_link_while_its_arn_is_not_known() -> None:
    ours = _item(POLICY, "ours", {"path": "/", "policy": UNKNOWN})
    attached = _item(ATTACHMENT, "attached", {"policyArn": UNKNOWN}, policyArn=ours)
    for rule in ("iam-no-administrator", "iam-boundary-not-granted"):
        assert _joined(rule, ours, attached) == [], "every first preview would be full of noise"


def test_a_boundary_that_is_not_known_yet_is_one_and_an_empty_one_is_none() -> None:
    """After `up` providers answer "" for what nobody set."""
    for boundary, ways in ((UNKNOWN, 0), ("", 1)):
        role = _item(ROLE, "role", {"permissionsBoundary": boundary})
        policy = _item(
            POLICY,
            "policy",
            _policy({"Effect": "Allow", "Action": "iam:PutRolePolicy", "Resource": "arn:x"}),
        )
        attached = _item(ATTACHMENT, "attached", {}, policyArn=policy, role=role)
        assert len(_joined("iam-no-escalation", role, policy, attached)) == ways


def test_a_policy_that_nobody_holds_yet_is_judged_as_if_somebody_did() -> None:
    loose = _item(
        POLICY, "loose", _policy({"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"})
    )
    assert _joined("iam-writes-named", loose) == [
        "s3:PutObject is allowed on everything, to a role without a permissions boundary"
    ]


def test_a_role_that_trusts_no_workflow_is_not_counted_among_those_that_do() -> None:
    service = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}
    props = {"assumeRolePolicy": json.dumps({"Statement": [service]})}
    for rule in ("github-trust-audience", "github-trust-exact", "github-session-short"):
        with pytest.raises(NotApplicable):
            _said(rule, props)


def test_a_role_without_any_subject_has_no_reviewer() -> None:
    workflow = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::1:oidc-provider/{trust.ISSUER}"},
    }
    role = _item(ROLE, "role", {"assumeRolePolicy": json.dumps({"Statement": [workflow]})})
    attached = _item(
        ATTACHMENT,
        "attached",
        {"policyArn": "arn:aws:iam::aws:policy/AmazonS3FullAccess"},
        role=role,
    )
    assert _joined("github-unreviewed-reads-only", role, attached) == [
        "no reviewer stands before this role, and it holds AmazonS3FullAccess"
    ]


# -- keys ----------------------------------------------------------------------------------------
def test_a_key_that_signs_cannot_rotate_and_is_not_counted() -> None:
    with pytest.raises(NotApplicable, match="sign"):
        _said("kms-key-rotated", {"keyUsage": "SIGN_VERIFY"})


def test_a_key_without_a_window_has_kms_longest() -> None:
    tags = json.dumps({"tags": {"serves-customers": "true"}})
    aws = _item("pulumi:providers:aws", "aws", {"defaultTags": tags})
    assert _joined("kms-key-deletion-window", aws, _item(keys.KEY, "key", {})) == []
    assert _joined(
        "kms-key-deletion-window", aws, _item(keys.KEY, "key", {"deletionWindowInDays": 29})
    ) == ["its deletion can be cancelled for 29 days only"]


def test_an_environment_for_tests_may_be_taken_down_in_a_week() -> None:
    assert (
        _joined("kms-key-deletion-window", _item(keys.KEY, "k", {"deletionWindowInDays": 7})) == []
    )
