"""Who should not become a role, and tries."""

from __future__ import annotations

from typing import Any

from tests.policies.mutants.identity.identity import allow, with_statement
from tests.policies.mutants.network.network import relink
from tests.policies.mutation import Change, Mutant, document, put, several, without

_ROLE = "aws:iam/role:Role"
_PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
_ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
_ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
_POLICY = "aws:iam/policy:Policy"
_DEPLOY = "governance-delivery-deploy"
_PREVIEW = "governance-delivery-preview"
_NO_CONTENTS = "governance-delivery-preview-no-contents"
_CLUSTER = "cluster-role"
_GITHUB = "token.actions.githubusercontent.com"
_SUB = f"{_GITHUB}:sub"
_AUD = f"{_GITHUB}:aud"
_ANYBODY = "anybody may assume this role"
_ACCOUNT = "everything in a whole account may assume this role"
_ANY_AUDIENCE = "GitHub's tokens for any audience may assume this role"
_ANY_WORKFLOW = "any GitHub workflow may assume this role"
_A_PATTERN = "every GitHub workflow that fits a pattern may assume this role"
_NOBODY = "no reviewer stands before this role, and it"


def _principal(principal: Any, name: str = _CLUSTER) -> Change:
    def change(found: dict[str, Any]) -> None:
        found["Statement"][0]["Principal"] = principal

    return document(_ROLE, "assumeRolePolicy", change, name)


def _conditions(name: str, conditions: dict[str, Any]) -> Change:
    def change(found: dict[str, Any]) -> None:
        found["Statement"][0]["Condition"] = conditions

    return document(_ROLE, "assumeRolePolicy", change, name)


def _claims(name: str, sub: Any, how: str = "StringEquals") -> Change:
    conditions: dict[str, Any] = {"StringEquals": {_AUD: "sts.amazonaws.com"}}
    conditions.setdefault(how, {})[_SUB] = sub
    return _conditions(name, conditions)


def _trusts(more: dict[str, Any]) -> Change:
    """One more statement in the cluster's trust."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", **more}
    return document(
        _ROLE, "assumeRolePolicy", lambda found: found["Statement"].append(trust), _CLUSTER
    )


def _undenied(action: str) -> Change:
    return document(
        _POLICY,
        "policy",
        lambda found: found["Statement"][0]["Action"].remove(action),
        _NO_CONTENTS,
    )


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="iam-trust-named",
        title="all the world",
        change=_principal("*"),
        says=(_ANYBODY,),
    ),
    Mutant(
        rule="iam-trust-named",
        title="every account in a list",
        change=_principal({"AWS": ["arn:aws:iam::111122223333:role/app", "*"]}),
        says=(_ANYBODY,),
    ),
    Mutant(
        rule="iam-trust-named",
        title="a whole account",
        change=_principal({"AWS": "arn:aws:iam::444455556666:root"}),
        says=(_ACCOUNT,),
    ),
    Mutant(
        rule="iam-trust-named",
        title="a whole account by its number",
        change=_principal({"AWS": "444455556666"}),
        says=(_ACCOUNT,),
    ),
    Mutant(
        rule="iam-trust-named",
        title="all but one account",
        change=_trusts({"NotPrincipal": {"AWS": "444455556666"}}),
        says=(_ANYBODY,),
    ),
    *(
        Mutant(
            rule="iam-trust-named",
            title=f"everybody at {issuer}, {title}",
            change=_trusts({"Principal": {"Federated": principal}, "Condition": condition}),
            says=(f"everybody whom {issuer} knows may assume this role",),
        )
        for title, issuer, principal, condition in (
            ("without a condition", "accounts.google.com", "accounts.google.com", {}),
            (
                *("without a condition", "gitlab.com"),
                *("arn:aws:iam::111122223333:oidc-provider/gitlab.com", {}),
            ),
            (
                *("for any subject", "accounts.google.com", "accounts.google.com"),
                {"StringLike": {"accounts.google.com:sub": "*"}},
            ),
        )
    ),
    Mutant(
        rule="github-trust-audience",
        title="no audience",
        change=_conditions(_DEPLOY, {"StringEquals": {_SUB: "repo:a/b:environment:production"}}),
        says=(_ANY_AUDIENCE,),
    ),
    Mutant(
        rule="github-trust-audience",
        title="somebody else's audience as well",
        change=_conditions(
            _PREVIEW,
            {
                "StringEquals": {
                    _AUD: ["sts.amazonaws.com", "https://github.com/archesai"],
                    _SUB: "repo:archesai/infrastructure:pull_request",
                }
            },
        ),
        says=(_ANY_AUDIENCE,),
    ),
    Mutant(
        rule="github-trust-audience",
        title="a provider for everybody's tokens",
        change=put(_PROVIDER, "clientIdLists", ["sts.amazonaws.com", "vault"]),
        says=("GitHub's tokens for another audience are accepted",),
    ),
    Mutant(
        rule="github-trust-exact",
        title="no conditions",
        change=_conditions(_DEPLOY, {}),
        says=(_ANY_WORKFLOW,),
    ),
    Mutant(
        rule="github-trust-exact",
        title="any repository",
        change=_claims(_DEPLOY, "repo:*", how="StringLike"),
        says=(_ANY_WORKFLOW,),
    ),
    Mutant(
        rule="github-trust-exact",
        title="anything among subjects",
        change=_claims(_PREVIEW, ["repo:archesai/infrastructure:pull_request", "*"]),
        says=(_ANY_WORKFLOW,),
    ),
    Mutant(
        rule="github-trust-exact",
        title="every branch",
        change=_claims(_DEPLOY, "repo:archesai/infrastructure:*", how="StringLike"),
        says=(_A_PATTERN,),
    ),
    Mutant(
        rule="github-trust-exact",
        title="everybody but one branch",
        change=_claims(_DEPLOY, "repo:archesai/infrastructure:x", how="StringNotEquals"),
        says=(_A_PATTERN,),
    ),
    Mutant(
        rule="github-deploy-one-environment",
        title="from staging too",
        change=_claims(
            _DEPLOY,
            [
                "repo:archesai/infrastructure:environment:production",
                "repo:archesai/infrastructure:environment:staging",
            ],
        ),
        says=("2 subjects of GitHub's tokens may deploy with this role",),
        at=_DEPLOY,
    ),
    Mutant(
        rule="github-unreviewed-reads-only",
        title="a pull request that may do anything",
        change=put(
            _ATTACHMENT,
            "policyArn",
            "arn:aws:iam::aws:policy/AdministratorAccess",
            "governance-delivery-preview-reads",
        ),
        says=(f"{_NOBODY} holds AdministratorAccess",),
        at=_PREVIEW,
    ),
    Mutant(
        rule="github-unreviewed-reads-only",
        title="a pull request that writes one bucket",
        change=with_statement(_NO_CONTENTS, allow(["s3:PutObject"], "arn:aws:s3:::state/*")),
        says=(f"{_NOBODY} may s3:PutObject",),
        at=_PREVIEW,
    ),
    Mutant(
        rule="github-unreviewed-reads-only",
        title="a push to main deploys by itself, in staging",
        change=several(
            _claims(_DEPLOY, "repo:archesai/infrastructure:ref:refs/heads/main"),
            *(
                document(_POLICY, "policy", lambda found: found.update(Statement=[]), name)
                for name in (
                    "governance-delivery-deploy-platform",
                    "governance-delivery-deploy-data",
                    "governance-delivery-deploy-watch",
                )
            ),
            document(
                _POLICY,
                "policy",
                lambda found: found.update(Statement=[allow(["rds:DeleteDBInstance"])]),
                "governance-delivery-deploy-own",
            ),
        ),
        says=(f"{_NOBODY} may rds:DeleteDBInstance",),
        at=_DEPLOY,
        stack="staging",
    ),
    Mutant(
        rule="github-unreviewed-no-contents",
        title="a pull request that reads secrets",
        change=_undenied("secretsmanager:GetSecretValue"),
        says=("code that nobody has reviewed is not denied secretsmanager:GetSecretValue",),
        at=_PREVIEW,
    ),
    Mutant(
        rule="github-unreviewed-no-contents",
        title="a pull request that becomes somebody else",
        change=_undenied("sts:AssumeRole"),
        says=("code that nobody has reviewed is not denied sts:AssumeRole",),
        at=_PREVIEW,
    ),
    Mutant(
        rule="github-unreviewed-no-contents",
        title="nothing is denied",
        change=without(_ATTACHMENT, _NO_CONTENTS),
        says=tuple(
            f"code that nobody has reviewed is not denied {action}"
            for action in (
                "eks:AccessKubernetesApi",
                "kms:Decrypt",
                "logs:GetLogEvents",
                "s3:GetObject",
                "secretsmanager:GetSecretValue",
                "ssm:GetParameter",
                "sts:AssumeRole",
            )
        ),
        at=_PREVIEW,
    ),
    Mutant(
        rule="github-session-short",
        title="half a day",
        change=put(_ROLE, "maxSessionDuration", 12 * 3600, _DEPLOY),
        says=("a stolen token's session would last longer than 2 hours",),
    ),
    Mutant(
        rule="pod-identity-own-role",
        title="two workloads as one",
        change=relink(
            _ASSOCIATION,
            "platform-dumps-identity-association",
            "roleArn",
            (_ROLE, "platform-alerting-identity-role"),
        ),
        says=("its role serves 2 workloads", "its role serves 2 workloads"),
    ),
    Mutant(
        rule="pod-identity-own-role",
        title="machines may take it too",
        change=_principal(
            {"Service": ["pods.eks.amazonaws.com", "ec2.amazonaws.com"]},
            "platform-dumps-identity-role",
        ),
        says=("its role may be assumed by others than pods",),
        at="platform-dumps-identity-association",
    ),
    Mutant(
        rule="pod-identity-own-role",
        title="a person may take it too",
        change=_principal(
            {"Service": "pods.eks.amazonaws.com", "AWS": "arn:aws:iam::111122223333:role/olga"},
            "platform-dumps-identity-role",
        ),
        says=("its role may be assumed by others than pods",),
    ),
)
