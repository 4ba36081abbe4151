"""Trust: who may become a role. Named services, named workflows, one workload each."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.documents import (
    ROLE,
    Statement,
    actions,
    covers,
    everybody,
    foreign,
    granted,
    listed,
    policies,
    principals,
    reads,
    statements,
    tests,
    wide,
)
from rules.model import Item, NotApplicable, Props, Rule, Stack, StackRule

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
PODS = "pods.eks.amazonaws.com"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
# A GitHub environment can have reviewers; a branch, a tag and a pull request have none
# (GitHub documentation, "OpenID Connect reference", subject claims).
_ENVIRONMENT = re.compile(r"repo:[^*?:]+:environment:[^*?:]+")
# AWS's own policies that change nothing.
READ_ONLY = ("ReadOnlyAccess", "SecurityAudit", "ViewOnlyAccess")
# What gives contents or another role's rights, beside how things are set up.
CONTENTS = (
    "eks:AccessKubernetesApi",
    "kms:Decrypt",
    "logs:GetLogEvents",
    "s3:GetObject",
    "secretsmanager:GetSecretValue",
    "ssm:GetParameter",
    "sts:AssumeRole",
)

# Production deploys in less than half an hour of the rehearsal's virtual time.
LONGEST_SESSION = 2 * 3600


def _trusts(props: Props) -> list[Statement]:
    return statements(props.document("assumeRolePolicy"))


def _github(props: Props) -> list[Statement]:
    """The statements that trust GitHub's tokens."""
    return [s for s in _trusts(props) if any(ISSUER in each for each in principals(s, "Federated"))]


def _workflows(props: Props) -> list[Statement]:
    """The same, for rules over one role. Raises NotApplicable where there are none."""
    found = _github(props)
    if not found:
        raise NotApplicable("the role trusts no GitHub workflow")
    return found


def _claim(statement: Statement, claim: str) -> list[tuple[str, str]]:
    """(operator, value) of each condition on a claim of GitHub's token."""
    return [
        (operator, value)
        for operator, key, values in tests(statement)
        if key == f"{ISSUER}:{claim}"
        for value in values
    ]


def _claims(statement: Statement) -> Iterator[str]:
    """The values of the claims that say for whom a foreign token was made, or about whom it is."""
    for operator, key, values in tests(statement):
        if key.endswith((":sub", ":aud")) and operator == "StringEquals":
            yield from values


def _named(props: Props) -> Iterator[str]:
    for statement in _trusts(props):
        if everybody(statement):
            yield "anybody may assume this role"
        for each in principals(statement, "AWS"):
            if each.endswith(":root") or each.isdigit():
                yield "everything in a whole account may assume this role"
        for each in principals(statement, "Federated"):
            if not any(_claims(statement)):
                yield f"everybody whom {each.rpartition('provider/')[2]} knows may assume this role"


def _audience(props: Props) -> Iterator[str]:
    for statement in _workflows(props):
        if set(_claim(statement, "aud")) != {("StringEquals", AUDIENCE)}:
            yield "GitHub's tokens for any audience may assume this role"


def _subject(props: Props) -> Iterator[str]:
    for statement in _workflows(props):
        subjects = _claim(statement, "sub")
        if not subjects or any(sub.startswith(("*", "repo:*")) for _, sub in subjects):
            yield "any GitHub workflow may assume this role"
        elif any(how != "StringEquals" or set(sub) & set("*?") for how, sub in subjects):
            yield "every GitHub workflow that fits a pattern may assume this role"


def _subjects(role: Item) -> list[str]:
    return [sub for s in _github(role.props) for _, sub in _claim(s, "sub")]


def _unreviewed(role: Item) -> bool:
    """Whether a workflow takes the role without a GitHub environment in between."""
    subjects = _subjects(role)
    if not _github(role.props):
        return False
    return not subjects or not all(_ENVIRONMENT.fullmatch(sub) for sub in subjects)


def _one_environment(role: Item, _stack: Stack) -> Iterator[str]:
    subjects = sorted(set(_subjects(role)))
    if len(subjects) > 1 and any(":environment:" in sub for sub in subjects):
        yield f"{len(subjects)} subjects of GitHub's tokens may deploy with this role"


def _only_reads(role: Item, stack: Stack) -> Iterator[str]:
    if not _unreviewed(role):
        return
    for name in foreign(role, stack):
        if name not in READ_ONLY:
            yield f"no reviewer stands before this role, and it holds {name}"
    for policy in policies(role, stack):
        for action in (a for s in granted(policy.props) for a in actions(s) if not reads(a)):
            yield f"no reviewer stands before this role, and it may {action}"


def _no_contents(role: Item, stack: Stack) -> Iterator[str]:
    if not _unreviewed(role):
        return
    denied = [
        statement
        for policy in policies(role, stack)
        for statement in statements(policy.props.document("policy"), "Deny")
        if wide(statement) and not statement.get("Condition")
    ]
    for action in CONTENTS:
        if not any(covers(statement, action) for statement in denied):
            yield f"code that nobody has reviewed is not denied {action}"


def _provider(props: Props) -> Iterator[str]:
    if ISSUER in str(props.at("url", "")) and listed(props.at("clientIdLists")) != [AUDIENCE]:
        yield "GitHub's tokens for another audience are accepted"


def _own_role(association: Item, stack: Stack) -> Iterator[str]:
    for role in stack.sources(association, "roleArn", ROLE):
        shared = len(stack.parts(ASSOCIATION, "roleArn", role))
        if shared > 1:
            yield f"its role serves {shared} workloads"
        services = {
            str(each)
            for statement in _trusts(role.props)
            for key, value in dict(statement.get("Principal") or {}).items()
            for each in (listed(value) if key == "Service" else [key])
        }
        if services - {PODS}:
            yield "its role may be assumed by others than pods"


def _session(props: Props) -> Iterator[str]:
    if _workflows(props) and int(props.at("maxSessionDuration") or 3600) > LONGEST_SESSION:
        yield "a stolen token's session would last longer than 2 hours"


_GITHUB = "https://docs.github.com/en/actions/reference/security/oidc"
_AWS = "https://docs.aws.amazon.com"

RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="iam-trust-named",
        sentence="Roles trust named services, roles and workflows only.",
        types=(ROLE,),
        severity="critical",
        requirements=("CHK-SEC-04",),
        controls=(*("CHECKOV CKV_AWS_60", "CHECKOV CKV_AWS_61", "SOC2 CC6.1", "ISO27001 A.5.15"),),
        why="Somebody from outside would act with the role's rights.",
        fix="name the principal",
        url=f"{_AWS}/IAM/latest/UserGuide/best-practices.html",
        evidence=("name", "assumeRolePolicy"),
        judge=_named,
    ),
    Rule(
        name="github-trust-audience",
        sentence="Roles trust GitHub's tokens that were made for AWS.",
        types=(ROLE, "aws:iam/openIdConnectProvider:OpenIdConnectProvider"),
        severity="high",
        requirements=("CICD-12", "CHK-SEC-04"),
        controls=("CHECKOV CKV_AWS_393", "SOC2 CC6.1", "ISO27001 A.8.5"),
        why="A token that was given to some other service could be played back here.",
        fix=f"compare the aud claim with {AUDIENCE} by StringEquals",
        url=_GITHUB,
        evidence=("assumeRolePolicy", "clientIdLists"),
        judge=lambda props: _provider(props) if "url" in props else _audience(props),
    ),
    Rule(
        name="github-trust-exact",
        sentence="Roles trust exactly named GitHub workflows.",
        types=(ROLE,),
        severity="critical",
        requirements=("CICD-12", "CHK-SEC-04"),
        controls=("CHECKOV CKV_AWS_393", "SOC2 CC6.1", "ISO27001 A.5.15"),
        why="Anybody with a GitHub account, or any branch, would deploy to this environment.",
        fix="compare the sub claim with one whole subject by StringEquals",
        url=_GITHUB,
        evidence=("name", "assumeRolePolicy"),
        judge=_subject,
    ),
    StackRule(
        name="github-deploy-one-environment",
        sentence="A role that deploys is bound to one GitHub environment.",
        types=(ROLE,),
        severity="high",
        requirements=("CICD-02", "CICD-12"),
        controls=("SOC2 CC8.1", "ISO27001 A.5.3", "ISO27001 A.8.32"),
        why="What was approved for a test would reach customers.",
        fix="name one subject, repo:<owner>/<name>:environment:<environment>",
        url=_GITHUB,
        evidence=("name", "assumeRolePolicy"),
        judge=_one_environment,
    ),
    StackRule(
        name="github-unreviewed-reads-only",
        sentence="A role that a workflow takes without a reviewer changes nothing.",
        types=(ROLE,),
        severity="critical",
        requirements=("CICD-12", "CHK-SEC-05"),
        controls=("SOC2 CC8.1", "ISO27001 A.8.32"),
        why="A pull request would change production before anybody has read it.",
        fix="let it read only, or bind it to a GitHub environment with reviewers",
        url=_GITHUB,
        evidence=("name", "assumeRolePolicy"),
        judge=_only_reads,
    ),
    StackRule(
        name="github-unreviewed-no-contents",
        sentence="A role that a workflow takes without a reviewer reads no contents.",
        types=(ROLE,),
        severity="critical",
        requirements=("CICD-12", "CHK-SEC-02"),
        controls=("SOC2 CC6.1", "ISO27001 A.8.3", "GDPR 32"),
        why="A pull request would carry passwords and customers' rows out of the account.",
        fix="deny the action on every resource in a policy of the role",
        url=_GITHUB,
        evidence=("name", "assumeRolePolicy"),
        judge=_no_contents,
    ),
    Rule(
        name="github-session-short",
        sentence="A workflow's session ends within two hours.",
        types=(ROLE,),
        severity="medium",
        requirements=("CICD-12",),
        controls=("SOC2 CC6.1", "ISO27001 A.8.5"),
        why="A credential that leaks from a workflow would work for the rest of the day.",
        fix="set max_session_duration to 7200 or less",
        url=f"{_AWS}/IAM/latest/UserGuide/id_roles_use.html",
        evidence=("name", "maxSessionDuration"),
        judge=_session,
    ),
    StackRule(
        name="pod-identity-own-role",
        sentence="Every workload that calls AWS has a role of its own, for pods only.",
        types=(ASSOCIATION,),
        severity="high",
        requirements=("SEC-06", "CHK-SEC-04"),
        controls=("CIS-EKS 5.2.1", "SOC2 CC6.3", "ISO27001 A.8.2"),
        why="A workload that is taken over would have the rights of its neighbours.",
        fix="give each service account a role that trusts pods.eks.amazonaws.com alone",
        url=f"{_AWS}/eks/latest/userguide/pod-identities.html",
        evidence=("namespace", "serviceAccount", "roleArn"),
        judge=_own_role,
    ),
)
