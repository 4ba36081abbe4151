"""Identity: no wildcard power, no keys that cannot be rotated, trust only in named callers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rules.model import Props, Rule, StackRule

_OIDC = "token.actions.githubusercontent.com"
# What binds a key statement for everybody to callers of ours: the pattern of AWS's own managed
# keys (KMS developer guide, "kms:ViaService" and "kms:CallerAccount").
_BINDING = {
    "kms:calleraccount",
    "kms:viaservice",
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _statements(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [s for s in _listed(document.get("Statement")) if s.get("Effect") == "Allow"]


def _everybody(principal: Any) -> bool:
    """Whether a statement's principal is all the world, as text, alone or in a list."""
    if isinstance(principal, dict):
        return any("*" in _listed(value) for value in principal.values())
    return "*" in _listed(principal)


# A permissions boundary grants nothing by itself. It is known by this path, and a policy with this
# path may not be attached (iam-no-administrator).
BOUNDARY_PATH = "/boundary/"


def _no_wildcards(props: Props) -> Iterator[str]:
    if props.at("path") == BOUNDARY_PATH:
        return
    for statement in _statements(props.document("policy")):
        actions = _listed(statement.get("Action"))
        if "*" in actions:
            yield "a statement allows every action"
        if "NotAction" in statement:
            yield "a statement allows every action but those it names"
        services = [a for a in actions if isinstance(a, str) and a.endswith(":*")]
        if (
            services
            and "*" in _listed(statement.get("Resource"))
            and not statement.get("Condition")
        ):
            yield f"a statement allows {services[0]} on every resource"


def _no_admin(props: Props) -> Iterator[str]:
    arn = props.at("policyArn", "")
    if f":policy{BOUNDARY_PATH}" in arn:
        yield "a permissions boundary is attached as if it were a grant"
    if arn.endswith(("/AdministratorAccess", "/IAMFullAccess", "/PowerUserAccess")):
        yield f"{arn.rsplit('/', 1)[-1]} gives more than any workload needs"


def _trust(props: Props) -> Iterator[str]:
    for statement in _statements(props.document("assumeRolePolicy")):
        principal = statement.get("Principal")
        if _everybody(principal):
            yield "anybody may assume this role"
        if _OIDC in json.dumps(principal):
            tests = (statement.get("Condition") or {}).values()
            subs = [sub for test in tests for sub in _listed(test.get(f"{_OIDC}:sub"))]
            named = bool(subs) and not any(sub.startswith(("*", "repo:*")) for sub in subs)
            if not named or not any(f"{_OIDC}:aud" in test for test in tests):
                yield "any GitHub workflow may assume this role"


def _key(props: Props) -> Iterator[str]:
    # KMS rotates symmetric encryption keys only; a key that signs (DNSSEC) is rolled over by hand.
    signs = props.at("keyUsage", "ENCRYPT_DECRYPT") == "SIGN_VERIFY"
    if not signs and not props.at("enableKeyRotation"):
        yield "the key is never rotated"
    for statement in _statements(props.document("policy")):
        tests = (statement.get("Condition") or {}).values()
        bound = any(key.lower() in _BINDING for test in tests for key in test)
        if _everybody(statement.get("Principal")) and not bound:
            yield "anybody may use this key"


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="iam-no-wildcards",
        sentence="Policies name actions and resources.",
        types=("aws:iam/policy:Policy", "aws:iam/rolePolicy:RolePolicy"),
        severity="high",
        requirements=("SEC-06", "CHK-SEC-04"),
        fix="name the actions and the ARNs",
        judge=_no_wildcards,
    ),
    Rule(
        name="iam-no-administrator",
        sentence="No role holds an administrator's policy.",
        types=("aws:iam/rolePolicyAttachment:RolePolicyAttachment",),
        severity="critical",
        requirements=("CHK-SEC-04",),
        fix="attach a policy that names what the role does",
        judge=_no_admin,
    ),
    Rule(
        name="iam-trust-named",
        sentence="Roles trust named services, accounts and workflows only.",
        types=("aws:iam/role:Role",),
        severity="critical",
        requirements=("CICD-12", "CHK-SEC-04"),
        fix="name the principal; for GitHub also the sub and the aud claim",
        judge=_trust,
    ),
    Rule(
        name="kms-rotation",
        sentence="Keys that encrypt rotate, and no key is for everybody.",
        types=("aws:kms/key:Key",),
        severity="high",
        requirements=("SEC-06",),
        fix="set enable_key_rotation and name principals in the key policy",
        judge=_key,
    ),
)
