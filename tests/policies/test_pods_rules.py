"""Pods in every place where one can be declared, and what is not known of them yet."""

from __future__ import annotations

from typing import Any

import pytest
from rules.adapter import findings
from rules.kubernetes import MAKERS, PODS, templates
from rules.model import UNKNOWN, NotApplicable, Props, Rule
from rules.workloads import containers, hosts, pod_security

from tests.conftest import config_of

DIGEST = "@sha256:" + "a" * 64
GOOD: dict[str, Any] = {
    "automountServiceAccountToken": False,
    "serviceAccountName": "archesai-api",
    "securityContext": {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
    "containers": [
        {
            "name": "api",
            "image": f"ghcr.io/archesai/archesai{DIGEST}",
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "resources": {
                "requests": {"cpu": "1", "memory": "1Gi"},
                "limits": {"memory": "1Gi", "ephemeral-storage": "1Gi"},
            },
        }
    ],
}
SINGLE = [
    rule
    for rule in (*pod_security.RULES, *hosts.RULES, *containers.RULES)
    if isinstance(rule, Rule)
]


def made_by(kind: str, pod: dict[str, Any]) -> dict[str, Any]:
    """An object of a kind with this pod at its place."""
    whole: dict[str, Any] = {"kind": kind, "metadata": {"name": "it"}}
    here = whole
    for part in MAKERS[kind].split(".") if MAKERS[kind] else ():
        here = here.setdefault(part, {})
    here["spec"] = pod
    return whole


def told(rule: Rule, props: dict[str, Any]) -> list[str]:
    return [said.text.removesuffix(f"; {rule.fix}") for said in findings(rule, Props(props))]


def rule_of(name: str) -> Rule:
    return next(rule for rule in SINGLE if rule.name == name)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_pod_is_found_in_whatever_makes_it(kind: str) -> None:
    pod = GOOD | {"hostNetwork": True}
    rule = rule_of("pod-no-host-namespaces")
    assert told(rule, made_by(kind, pod)) == ["the pod shares the node's network"], (
        f"a {kind} could take its node's network unseen"
    )
    assert any(type_.endswith(f":{kind}") for type_ in PODS), f"no rule about pods judges a {kind}"


@pytest.mark.parametrize("kind", MAKERS)
def test_a_pod_is_found_in_a_list_inside_a_list(kind: str) -> None:
    inner = {"kind": "List", "items": [made_by(kind, GOOD | {"hostPID": True})]}
    outer = {"kind": "List", "items": [{"kind": "ConfigMap"}, inner]}
    (found,) = templates(Props(outer))
    assert found.path.startswith("items.1.items.0."), found.path
    assert told(rule_of("pod-no-host-namespaces"), outer) == [
        f"{kind} it: the pod shares the node's processes"
    ]


@pytest.mark.parametrize("rule", SINGLE, ids=lambda rule: rule.name)
def test_a_pod_as_it_should_be_breaks_nothing(rule: Rule) -> None:
    assert told(rule, made_by("Deployment", GOOD)) == []


@pytest.mark.parametrize("rule", SINGLE, ids=lambda rule: rule.name)
def test_a_list_without_pods_is_not_counted_as_judged(rule: Rule) -> None:
    with pytest.raises(NotApplicable, match="declares no pod"):
        told(rule, {"kind": "List", "items": [{"kind": "ConfigMap"}]})


def test_an_image_that_is_not_known_yet_is_undecided_and_not_passed() -> None:
    pod = GOOD | {"containers": [GOOD["containers"][0] | {"image": UNKNOWN}]}
    for name in ("container-image-by-digest", "container-image-allowed-registry"):
        (said,) = findings(rule_of(name), Props(made_by("Deployment", pod)))
        assert said.outcome == "unknown", f"{name} took an unknown image for a good one"


def test_a_variable_that_is_not_known_yet_is_told_only_where_its_name_tells() -> None:
    env = [{"name": "PGHOST", "value": UNKNOWN}, {"name": "PGPASSWORD", "value": UNKNOWN}]
    pod = GOOD | {"containers": [GOOD["containers"][0] | {"env": env}]}
    assert told(rule_of("container-env-no-secret"), made_by("Deployment", pod)) == [
        "variable PGPASSWORD of container api holds a secret as text"
    ], "every address of a database would be a finding in each preview"


@pytest.mark.parametrize(
    "name",
    ["OPENAI_MAX_TOKENS", "KEY_ARN", "PGREQUIREAUTH", "JWT_EXPIRY", "TOKEN_FILE", "SECRET_NAME"],
)
def test_a_variable_that_only_speaks_of_secrets_is_none(name: str) -> None:
    assert containers.wrong_literal(name, "x") == ""


def test_a_token_for_somebody_else_is_no_way_to_the_api() -> None:
    token = {"serviceAccountToken": {"path": "token", "audience": "sts.amazonaws.com"}}
    pod = GOOD | {"volumes": [{"name": "aws", "projected": {"sources": [token]}}]}
    assert told(rule_of("pod-token-not-mounted"), made_by("Deployment", pod)) == []


@pytest.mark.parametrize(
    "name", ["JWTSECRET", "SENTRY_DSN", "API_KEY", "redis_auth", "SECRET_2", "key"]
)
def test_a_variable_with_a_telling_name_is_a_secret(name: str) -> None:
    assert containers.wrong_literal(name, "x") == "holds a secret as text"


@pytest.mark.parametrize(
    "line",
    [
        ["redis-server", "--requirepass", "$(REDIS_PASSWORD)"],
        ["pgbouncer", "--password-file=/etc/secrets/password"],
        ["postgres-exporter", "--token=${TOKEN}"],
        ["api", "--rotate-token", "--verbose"],
        ["curl", "-H", "Authorization: Bearer $(TOKEN)"],
        ["sh", "-c", "API_KEY=$KEY api"],
    ],
)
def test_a_command_line_that_refers_to_a_secret_carries_none(line: list[str]) -> None:
    pod = GOOD | {"containers": [GOOD["containers"][0] | {"command": line}]}
    assert told(rule_of("container-command-no-secret"), made_by("Deployment", pod)) == []


def test_a_container_overrides_its_pod_in_both_directions() -> None:
    container = GOOD["containers"][0]
    own = container | {"securityContext": container["securityContext"] | {"runAsNonRoot": True}}
    pod = GOOD | {"securityContext": {}, "containers": [own, container | {"name": "second"}]}
    assert told(rule_of("pod-not-root"), made_by("Job", pod)) == [
        "container second may run as root"
    ]


@pytest.mark.parametrize("stack", ["prod", "staging"])
def test_what_an_environment_admits_was_reviewed_here_as_well(stack: str) -> None:
    admitted = {f"{each}/" for each in config_of(stack)["arches:guardrails"]["allowedRegistries"]}
    assert admitted - set(containers.REGISTRIES) == set(), (
        "the cluster would run images that the policy pack refuses"
    )
