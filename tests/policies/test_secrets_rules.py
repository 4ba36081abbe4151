"""What mutants of the real stacks cannot say about rules of secrets."""

from __future__ import annotations

from typing import Any

import pytest
from rules import looks
from rules.adapter import findings
from rules.identity import clear_text, secrets
from rules.model import SECRET, UNKNOWN, Props, Rule

from tests.policies.mutants import MUTANTS

_RULES = {each.name: each for each in (*secrets.RULES, *clear_text.RULES)}


def _said(rule: str, props: dict[str, Any]) -> list[str]:
    found = _RULES[rule]
    assert isinstance(found, Rule)
    return [each.text.removesuffix(f"; {found.fix}") for each in findings(found, Props(props))]


def _file(text: Any, name: str = "app") -> list[str]:
    return _said(
        "configuration-no-secrets",
        {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {name: text}},
    )


@pytest.mark.parametrize(
    ("duration", "passed"), [("15m0s", 900), ("1h", 3600), ("500ms", 0.5), ("0", 0), ("0s", 0)]
)
def test_a_duration_is_read_as_go_writes_it(duration: str, passed: float) -> None:
    assert secrets.seconds(duration) == passed


@pytest.mark.parametrize("duration", ["", "15", "15 m", "m15", "1d"])
def test_what_go_does_not_take_is_no_duration(duration: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        secrets.seconds(duration)


@pytest.mark.parametrize(
    "line",
    [
        "auth_file = /etc/pooler/userlist.txt",
        "password = ${DB_PASSWORD}",
        "url: https://api.archesai.com:8443/path@2",
        "url = postgresql://app:$(PASSWORD)@db:5432/archesai",
        "url = postgresql://app:{{ .password }}@db:5432/archesai",
        "server_tokens off;",
        "send_credentials: true",
        "max_tokens: 4096",
        "existingSecret: grafana-admin",
        "# password: to be found in Secrets Manager",
        "password:",
        "-----BEGIN CERTIFICATE-----",
        "proxy_set_header Authorization $http_authorization;",
        "key: password",
    ],
)
def test_references_switches_and_files_are_no_secrets(line: str) -> None:
    assert _file(line) == [], "people would learn to ignore the rule"


def test_a_file_of_bytes_that_are_no_text_is_no_secret() -> None:
    props = {"kind": "ConfigMap", "metadata": {"name": "c"}, "binaryData": {"logo": "iVBORw0KGgo="}}
    assert _said("configuration-no-secrets", props) == []


def test_a_pair_whose_name_is_not_known_yet_is_judged_by_its_look() -> None:
    pair = {"name": UNKNOWN, "value": "hunter22"}
    assert _said("helm-values-no-secrets", {"values": {"env": [pair]}}) == [
        "not known until deployed: values.env.0.name"
    ]


def test_a_value_that_is_not_known_yet_is_undecided_and_hides_nothing_that_is_known() -> None:
    assert _file(UNKNOWN) == ["not known until deployed: data.app"]
    said = _said("helm-values-no-secrets", {"values": {"a": UNKNOWN, "password": "canary"}})
    assert [text.partition(";")[0] for text in said] == [
        "a password or key stands in clear at values.password",
        "not known until deployed: values.a",
    ]


def test_what_is_marked_secret_is_never_read() -> None:
    assert _file(SECRET, name="DB_PASSWORD") == []
    assert _said("helm-values-no-secrets", {"values": SECRET}) == []


def test_a_secret_whose_value_is_not_known_yet_is_undecided() -> None:
    assert _said("secret-value-marked", {"secretString": UNKNOWN}) == [
        "not known until deployed: secretString"
    ]
    assert _said("kubernetes-secret-marked", {"kind": "Secret", "data": {"a": UNKNOWN}}) == [
        "not known until deployed: data.a"
    ]


def test_a_policy_that_names_our_organisation_refuses_the_others_too() -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:*", "Resource": "*"}
    others = {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    apart = [{**deny, "Condition": each} for each in (others, plain)]
    assert _said("secret-private", {"policy": {"Statement": apart}}) == []
    both = [{**deny, "Condition": {**others, **plain}}]
    assert _said("secret-private", {"policy": {"Statement": both}}) == [
        "callers of other accounts are not refused",
        "plain HTTP is not refused",
    ], "one denial under both conditions lets others in over TLS, and us over plain HTTP"


def test_no_finding_quotes_the_value_that_it_found() -> None:
    rules = {rule.name for rule in clear_text.RULES}
    told = [said for mutant in MUTANTS if mutant.rule in rules for said in mutant.says]
    assert len(told) > 15
    for said in told:
        assert not any(looks.looks_like(said)), "a report would spread the secret"
        assert "hunter22" not in said
