"""What gives somebody more than the work needs."""

from __future__ import annotations

from typing import Any

from tests.policies.mutants.network.network import relink
from tests.policies.mutation import (
    Change,
    Mutant,
    add,
    document,
    drop,
    put,
    several,
    unlink,
)

_POLICY = "aws:iam/policy:Policy"
_ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
_ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
_ROLE = "aws:iam/role:Role"
_DUMPS = "platform-dumps-identity-upload"
_REPLICATOR = "storage-dumps-replicator-rights"
_BALANCER = "platform-operators-controllers-balancer-access"
_OWN = "governance-delivery-deploy-own"
_BOUNDARY = "governance-delivery-deploy-boundary"
_DEPLOYER = "governance-delivery-deploy"
_SECRETS = "platform-operators-secrets-identity-read"
_ACCOUNT = "arn:aws:iam::111122223333"
_EVERY_ACTION = "a statement allows every action"
_ADMIN = "gives more than any workload needs"
_ANY_ROLE = "any role may be passed to any service"
_ANY_KEY = "what any key of the account encrypts may be decrypted"
_ANY_CONTENTS = "what lies in every bucket or table of the account may be read"
_ANY_SECRET = "every secret of the account may be read"


def allow(actions: Any, resources: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def with_statement(name: str, statement: dict[str, Any], type_: str = _POLICY) -> Change:
    """One more statement in a policy."""
    return document(type_, "policy", lambda found: found["Statement"].append(statement), name)


def without_condition(name: str, sid: str, type_: str = _POLICY) -> Change:
    """A statement of a policy loses its conditions."""

    def strip(found: dict[str, Any]) -> None:
        for statement in found["Statement"]:
            if statement.get("Sid") == sid:
                del statement["Condition"]

    return document(type_, "policy", strip, name)


def _widened(name: str, sid: str, resource: str, type_: str = _POLICY) -> Change:
    def widen(found: dict[str, Any]) -> None:
        for statement in found["Statement"]:
            if statement.get("Sid") == sid:
                statement["Resource"] = resource

    return document(type_, "policy", widen, name)


def _on_everything(action: str) -> tuple[str, ...]:
    return (f"{action} is allowed on everything, to a role without a permissions boundary",)


def _itself(ways: str) -> tuple[str, ...]:
    return (f"this role can give itself any right by {ways}",)


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="iam-no-full-access",
        title="every action",
        change=with_statement(_DUMPS, allow("*")),
        says=(_EVERY_ACTION,),
    ),
    Mutant(
        rule="iam-no-full-access",
        title="every action in a list, of a role",
        change=with_statement(_REPLICATOR, allow(["s3:GetObject", "*:*"]), _ROLE_POLICY),
        says=(_EVERY_ACTION,),
    ),
    Mutant(
        rule="iam-no-full-access",
        title="all but",
        change=with_statement(_DUMPS, {"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}),
        says=("a statement allows every action but those it names",),
    ),
    Mutant(
        rule="iam-no-full-access",
        title="a boundary that is no longer one",
        change=put(_POLICY, "path", "/", _BOUNDARY),
        says=("a statement allows every action but those it names",),
    ),
    Mutant(
        rule="iam-no-service-wildcards",
        title="a service, on one bucket",
        change=with_statement(_DUMPS, allow(["s3:*"], "arn:aws:s3:::dumps/*")),
        says=("a statement allows every action of s3",),
    ),
    Mutant(
        rule="iam-no-service-wildcards",
        title="two services of a role",
        change=with_statement(_REPLICATOR, allow(["s3:*", "kms:*"]), _ROLE_POLICY),
        says=("a statement allows every action of s3", "a statement allows every action of kms"),
    ),
    Mutant(
        rule="iam-writes-named",
        title="registers anywhere",
        change=_widened(_BALANCER, "Register", "*"),
        says=_on_everything("elasticloadbalancing:DeregisterTargets"),
        at=_BALANCER,
    ),
    Mutant(
        rule="iam-writes-named",
        title="scales every group of the account",
        change=without_condition("platform-operators-controllers-autoscaler-access", "Scale"),
        says=_on_everything("autoscaling:SetDesiredCapacity"),
    ),
    Mutant(
        rule="iam-writes-named",
        title="a role's own right on everything",
        change=with_statement(_REPLICATOR, allow(["s3:DeleteObject"]), _ROLE_POLICY),
        says=_on_everything("s3:DeleteObject"),
    ),
    Mutant(
        rule="iam-writes-named",
        title="on everything but",
        change=with_statement(
            _DUMPS, {"Effect": "Allow", "Action": "s3:PutObject", "NotResource": "arn:aws:s3:::a"}
        ),
        says=_on_everything("s3:PutObject"),
    ),
    *(
        Mutant(
            rule="iam-writes-named",
            title=f"on everything, {title}",
            change=with_statement(_DUMPS, allow("s3:DeleteBucket", Condition=condition)),
            says=_on_everything("s3:DeleteBucket"),
        )
        for title, condition in (
            ("over TLS", {"Bool": {"aws:SecureTransport": "true"}}),
            ("by anybody", {"StringLike": {"aws:PrincipalArn": "*"}}),
            ("with any tag", {"StringLike": {"aws:ResourceTag/owner": "*"}}),
            ("without a tag", {"StringEqualsIfExists": {"aws:ResourceTag/owner": "us"}}),
        )
    ),
    Mutant(
        rule="iam-writes-named",
        title="every object of every bucket",
        change=with_statement(_DUMPS, allow("s3:DeleteObject", "arn:aws:s3:::*/*")),
        says=_on_everything("s3:DeleteObject"),
    ),
    Mutant(
        rule="iam-writes-named",
        title="the pipeline without its boundary",
        change=drop(_ROLE, "permissionsBoundary", _DEPLOYER),
        says=(
            *_on_everything("backup-storage:MountCapsule"),
            *_on_everything("iam:AttachRolePolicy"),
            *_on_everything("acm:Add*"),
            *_on_everything("access-analyzer:TagResource"),
        ),
    ),
    Mutant(
        rule="iam-pass-role-bound",
        title="to any service",
        change=without_condition(_OWN, "RolesForServices"),
        says=(_ANY_ROLE,),
    ),
    Mutant(
        rule="iam-pass-role-bound",
        title="to every service by a star",
        change=with_statement(
            _DUMPS,
            allow(
                "iam:PassRole",
                f"{_ACCOUNT}:role*",
                Condition={"StringLike": {"iam:PassedToService": "*.amazonaws.com"}},
            ),
        ),
        says=(_ANY_ROLE,),
    ),
    Mutant(
        rule="iam-pass-role-bound",
        title="by a star in the action",
        change=with_statement(_REPLICATOR, allow("iam:Pass*"), _ROLE_POLICY),
        says=(_ANY_ROLE,),
    ),
    Mutant(
        rule="iam-pass-role-bound",
        title="to every service but one",
        change=with_statement(
            _DUMPS,
            allow(
                "iam:PassRole",
                f"{_ACCOUNT}:role/*",
                Condition={"StringNotEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
            ),
        ),
        says=(_ANY_ROLE,),
    ),
    Mutant(
        rule="iam-no-escalation",
        title="a pod that changes roles",
        change=with_statement(_DUMPS, allow(["iam:PutRolePolicy"], f"{_ACCOUNT}:role/app")),
        says=_itself("iam:PutRolePolicy"),
        at="platform-dumps-identity-role",
    ),
    Mutant(
        rule="iam-no-escalation",
        title="a new version of a policy, by a star",
        change=with_statement(_REPLICATOR, allow("iam:CreatePolicy*"), _ROLE_POLICY),
        says=_itself("iam:CreatePolicyVersion"),
        at="storage-dumps-replicator",
    ),
    Mutant(
        rule="iam-no-escalation",
        title="a machine with a stronger role",
        change=several(
            with_statement(_BALANCER, allow("iam:PassRole", f"{_ACCOUNT}:role/app")),
            with_statement(_BALANCER, allow("ec2:RunInstances")),
        ),
        says=_itself("iam:PassRole with ec2:RunInstances"),
    ),
    Mutant(
        rule="iam-no-escalation",
        title="the pipeline without its boundary",
        change=drop(_ROLE, "permissionsBoundary", _DEPLOYER),
        says=_itself(
            "iam:AttachRolePolicy, iam:CreatePolicyVersion, iam:PutRolePolicy, "
            "iam:SetDefaultPolicyVersion, iam:UpdateAssumeRolePolicy, "
            "iam:PassRole with ec2:RunInstances, "
            "iam:PassRole with eks:CreatePodIdentityAssociation"
        ),
        at=_DEPLOYER,
    ),
    Mutant(
        rule="iam-decrypt-named-keys",
        title="with every key, directly",
        change=without_condition(_OWN, "KeysThroughServices"),
        says=(_ANY_KEY,),
    ),
    Mutant(
        rule="iam-decrypt-named-keys",
        title="with any key at all",
        change=_widened(_SECRETS, "Decrypt", "*"),
        says=(_ANY_KEY,),
    ),
    Mutant(
        rule="iam-decrypt-named-keys",
        title="encrypted again for somebody else, by a role",
        change=with_statement(
            _REPLICATOR,
            allow("kms:ReEncrypt*", "arn:aws:kms:eu-central-1:111122223333:key/*"),
            _ROLE_POLICY,
        ),
        says=(_ANY_KEY,),
    ),
    Mutant(
        rule="iam-decrypt-named-keys",
        title="with every key, without the slash",
        change=with_statement(_DUMPS, allow("kms:Decrypt", "arn:aws:kms:*:*:key*")),
        says=(_ANY_KEY,),
    ),
    Mutant(
        rule="iam-decrypt-named-keys",
        title="through any service",
        change=with_statement(
            _DUMPS, allow("kms:Decrypt", Condition={"StringLike": {"kms:ViaService": "*"}})
        ),
        says=(_ANY_KEY,),
    ),
    Mutant(
        rule="iam-secrets-named",
        title="the operator reads everything",
        change=_widened(_SECRETS, "ReadOurs", "*"),
        says=(_ANY_SECRET,),
    ),
    Mutant(
        rule="iam-secrets-named",
        title="another environment's too",
        change=_widened(
            _OWN, "SecretsItWrote", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:*"
        ),
        says=(_ANY_SECRET,),
    ),
    Mutant(
        rule="iam-secrets-named",
        title="every parameter, by a role",
        change=with_statement(_REPLICATOR, allow("ssm:GetParameter*"), _ROLE_POLICY),
        says=(_ANY_SECRET,),
    ),
    *(
        Mutant(
            rule="iam-secrets-named",
            title=f"{action} on {resource}",
            change=with_statement(_DUMPS, allow(action, resource)),
            says=(_ANY_SECRET,),
        )
        for action, resource in (
            ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:*:secret*"),
            ("ssm:GetParameterHistory", "*"),
            ("ssm:GetParameters", "*"),
        )
    ),
    *(
        Mutant(
            rule="iam-contents-named",
            title=f"{action} on {resource}",
            change=with_statement(_DUMPS, allow(action, resource)),
            says=(_ANY_CONTENTS,),
        )
        for action, resource in (
            ("dynamodb:BatchGetItem", "*"),
            ("dynamodb:GetRecords", "*"),
            ("dynamodb:PartiQLSelect", "*"),
            ("s3:GetObject", "arn:aws:s3:::*/*"),
            ("s3:GetObjectVersion", "*"),
        )
    ),
    Mutant(
        rule="iam-contents-named",
        title="every object",
        change=with_statement(_DUMPS, allow("s3:Get*")),
        says=(_ANY_CONTENTS,),
    ),
    Mutant(
        rule="iam-contents-named",
        title="every table, by a role",
        change=with_statement(
            _REPLICATOR,
            allow("dynamodb:Scan", "arn:aws:dynamodb:eu-central-1:111122223333:table/*"),
            _ROLE_POLICY,
        ),
        says=(_ANY_CONTENTS,),
    ),
    *(
        Mutant(
            rule="iam-no-administrator",
            title=name,
            change=put(_ATTACHMENT, "policyArn", f"arn:aws:iam::aws:policy/{name}", "cluster-*"),
            says=(f"{name} {_ADMIN}",),
        )
        for name in (
            "AdministratorAccess",
            "AdministratorAccess-Amplify",
            "PowerUserAccess",
            "IAMFullAccess",
            "SecretsManagerReadWrite",
        )
    ),
    *(
        Mutant(
            rule="iam-no-administrator",
            title=f"{job}, by its path",
            change=put(
                _ATTACHMENT,
                "policyArn",
                f"arn:aws:iam::aws:policy/job-function/{job}",
                "database-monitoring",
            ),
            says=(f"{job} {_ADMIN}",),
            at="database-monitoring",
        )
        for job in ("SystemAdministrator", "DatabaseAdministrator")
    ),
    Mutant(
        rule="iam-boundary-not-granted",
        title="the ceiling as a grant",
        change=relink(
            _ATTACHMENT,
            "governance-delivery-deploy-watch",
            "policyArn",
            (_POLICY, _BOUNDARY),
        ),
        says=("a permissions boundary is attached as if it were a grant",),
        at="governance-delivery-deploy-watch",
    ),
    Mutant(
        rule="iam-boundary-not-granted",
        title="the ceiling of another environment",
        change=several(
            unlink(_ATTACHMENT, "policyArn", "governance-delivery-deploy-watch"),
            put(
                _ATTACHMENT,
                "policyArn",
                f"{_ACCOUNT}:policy/boundary/arches-staging-deploy-boundary",
                "governance-delivery-deploy-watch",
            ),
        ),
        says=("a permissions boundary is attached as if it were a grant",),
    ),
    Mutant(
        rule="iam-role-policies-apart",
        title="rights inside the role",
        change=put(_ROLE, "inlinePolicies", [{"name": "all", "policy": "{}"}], "cluster-role"),
        says=("inlinePolicies stands inside the role, where no rule about policies looks",),
    ),
    Mutant(
        rule="iam-role-policies-apart",
        title="attached inside the role",
        change=put(_ROLE, "managedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
        says=("managedPolicyArns stands inside the role, where no rule about policies looks",),
    ),
    Mutant(
        rule="iam-no-users",
        title="a key for the pipeline",
        change=add("aws:iam/accessKey:AccessKey", "pipeline", {"user": "pipeline"}),
        says=("pipeline is a person's or a program's own credential, which never expires",),
        at="arches-prod",
    ),
    Mutant(
        rule="iam-no-users",
        title="a user with a password",
        change=several(
            add("aws:iam/user:User", "olga", {"name": "olga"}),
            add("aws:iam/userLoginProfile:UserLoginProfile", "olga-console", {"user": "olga"}),
        ),
        says=(
            "olga is a person's or a program's own credential, which never expires",
            "olga-console is a person's or a program's own credential, which never expires",
        ),
        at="arches-prod",
    ),
)
