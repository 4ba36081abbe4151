"""Identity: what policies grant. Nobody holds more than the work needs, or can give it to himself.

Documents are judged as they are written, so that a refusal elsewhere (an SCP, a boundary) excuses
nothing, but for one thing: a permissions boundary of ours lets a role change roles.
"""

from __future__ import annotations

from collections.abc import Iterator

from rules.documents import (
    ATTACHMENT,
    BOUNDARY_PATH,
    POLICY,
    ROLE,
    ROLE_POLICY,
    actions,
    bound_by,
    bounded,
    covers,
    granted,
    holders,
    policies,
    reads,
    said,
    wide,
)
from rules.model import ROOT, Item, Props, Rule, Stack, StackRule

DOCUMENTS = (POLICY, ROLE_POLICY)
USERS = (
    "aws:iam/accessKey:AccessKey",
    "aws:iam/user:User",
    "aws:iam/userLoginProfile:UserLoginProfile",
)
# AWS's own policies that make their holder an administrator of the account or of a service, by how
# their names begin or end; and what is made for people's jobs, where one only looks (IAM user
# guide, "AWS managed policies for job functions").
ADMINISTRATORS = ("AdministratorAccess", "PowerUserAccess")
WHOLE_SERVICE = ("FullAccess", "PowerUser", "ReadWrite")
JOB, LOOKING = "job-function/", "ViewOnlyAccess"
# Who may do one of these can make himself an administrator (Rhino Security Labs, "AWS IAM privilege
# escalation methods"; the same list stands in prowler and cloudsplaining).
ESCALATIONS = (
    "iam:AddUserToGroup",
    "iam:AttachGroupPolicy",
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreatePolicyVersion",
    "iam:DeleteRolePermissionsBoundary",
    "iam:PutGroupPolicy",
    "iam:PutRolePolicy",
    "iam:PutUserPolicy",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateLoginProfile",
)
# With iam:PassRole, each of these runs code of the caller's choice as the role that is passed.
RUNS_AS_A_ROLE = (
    "cloudformation:CreateStack",
    "codebuild:CreateProject",
    "ec2:RunInstances",
    "ecs:RunTask",
    "eks:CreatePodIdentityAssociation",
    "glue:CreateJob",
    "lambda:CreateFunction",
    "sagemaker:CreateNotebookInstance",
)
DECRYPTS = ("kms:Decrypt", "kms:ReEncryptFrom")
# A service that calls for the caller, or one thing that was encrypted: either names what is read.
DECRYPT_BONDS = ("kms:viaservice", "kms:resourcealiases", "kms:encryptioncontext:aws:s3:arn")
SECRET_VALUES = (
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue",
    "ssm:GetParameter",
    "ssm:GetParameterHistory",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
)
# Contents of what people keep, past every program that checks who asks.
CONTENTS = (
    "dynamodb:BatchGetItem",
    "dynamodb:GetItem",
    "dynamodb:GetRecords",
    "dynamodb:PartiQLSelect",
    "dynamodb:Query",
    "dynamodb:Scan",
    "s3:GetObject",
    "s3:GetObjectVersion",
)
# Conditions that say what is changed, or through which service. Who asks and how is no answer: the
# policy is held by somebody already.
WRITE_BONDS = (
    "*:resourcetag/*",
    "aws:requesttag/*",
    "cloudwatch:namespace",
    "iam:passedtoservice",
    *DECRYPT_BONDS,
)


def _not_everything(props: Props) -> Iterator[str]:
    for statement in granted(props):
        if any(set(each) <= set("*:") for each in actions(statement)):
            yield "a statement allows every action"
        if "NotAction" in statement:
            yield "a statement allows every action but those it names"


def _no_whole_service(props: Props) -> Iterator[str]:
    for statement in granted(props):
        for action in actions(statement):
            service, _, verb = action.partition(":")
            if verb == "*" and service != "*":
                yield f"a statement allows every action of {service}"


def _pass_role(props: Props) -> Iterator[str]:
    for statement in granted(props):
        passes = covers(statement, "iam:PassRole") and wide(statement)
        if passes and not bound_by(statement, ["iam:passedtoservice"]):
            yield "any role may be passed to any service"


def _decrypt(props: Props) -> Iterator[str]:
    for statement in granted(props):
        decrypts = any(covers(statement, each) for each in DECRYPTS) and wide(statement)
        if decrypts and not bound_by(statement, DECRYPT_BONDS):
            yield "what any key of the account encrypts may be decrypted"


def _secret_values(props: Props) -> Iterator[str]:
    for statement in granted(props):
        if wide(statement) and any(covers(statement, each) for each in SECRET_VALUES):
            yield "every secret of the account may be read"


def _contents(props: Props) -> Iterator[str]:
    for statement in granted(props):
        if wide(statement) and any(covers(statement, each) for each in CONTENTS):
            yield "what lies in every bucket or table of the account may be read"


def _writes_named(policy: Item, stack: Stack) -> Iterator[str]:
    changing = [
        action
        for statement in granted(policy.props)
        if wide(statement) and not bound_by(statement, WRITE_BONDS)
        for action in actions(statement)
        if not reads(action)
    ]
    roles = holders(policy, stack)
    if changing and not (roles and all(bounded(role) for role in roles)):
        yield f"{changing[0]} is allowed on everything, to a role without a permissions boundary"


def _no_escalation(role: Item, stack: Stack) -> Iterator[str]:
    if bounded(role):
        return
    held = [each for policy in policies(role, stack) for each in granted(policy.props)]
    ways = [each for each in ESCALATIONS if any(covers(s, each) for s in held)]
    if any(covers(s, "iam:PassRole") for s in held):
        ways += [
            f"iam:PassRole with {each}"
            for each in RUNS_AS_A_ROLE
            if any(covers(s, each) for s in held)
        ]
    if ways:
        yield f"this role can give itself any right by {', '.join(ways)}"


def _attached(attachment: Item, stack: Stack) -> str:
    """The ARN of a policy that the stack does not make, "" for one that it does."""
    ours = stack.sources(attachment, "policyArn", POLICY)
    return "" if ours else str(attachment.props.at("policyArn", ""))


def _no_administrator(attachment: Item, stack: Stack) -> Iterator[str]:
    path, _, name = _attached(attachment, stack).rpartition("/")
    job = f"{path}/".endswith(f"/{JOB}") and name != LOOKING
    if job or name.startswith(ADMINISTRATORS) or name.endswith(WHOLE_SERVICE):
        yield f"{name} gives more than any workload needs"


def _boundary(attachment: Item, stack: Stack) -> Iterator[str]:
    ours = stack.sources(attachment, "policyArn", POLICY)
    if any(
        policy.props.at("path") == BOUNDARY_PATH for policy in ours
    ) or f":policy{BOUNDARY_PATH}" in _attached(attachment, stack):
        yield "a permissions boundary is attached as if it were a grant"


def _apart(props: Props) -> Iterator[str]:
    for key in ("inlinePolicies", "managedPolicyArns"):
        if said(props, key):
            yield f"{key} stands inside the role, where no rule about policies looks"


def _no_users(_root: Item, stack: Stack) -> Iterator[str]:
    for item in stack.of(*USERS):
        yield f"{item.name} is a person's or a program's own credential, which never expires"


_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide"
_GUIDE = "https://docs.aws.amazon.com/IAM/latest/UserGuide"

RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="iam-no-full-access",
        sentence="No policy allows everything.",
        types=DOCUMENTS,
        severity="critical",
        requirements=("SEC-06", "CHK-SEC-04"),
        controls=(
            *("FSBP IAM.1", "CIS-AWS 2.15", "CHECKOV CKV_AWS_62", "CHECKOV CKV_AWS_63"),
            *("CHECKOV CKV2_AWS_40", "SOC2 CC6.3", "ISO27001 A.8.2"),
        ),
        why="One stolen credential would be the whole account, customers' data included.",
        fix="name the actions",
        url=f"{_HUB}/iam-controls.html",
        evidence=("path", "policy"),
        judge=_not_everything,
    ),
    Rule(
        name="iam-no-service-wildcards",
        sentence="Policies name the actions of a service.",
        types=DOCUMENTS,
        severity="high",
        requirements=("SEC-06", "CHK-SEC-04"),
        controls=("FSBP IAM.21", "SOC2 CC6.3", "ISO27001 A.8.2"),
        why="Whoever needs to read would also be able to delete, and to hand on what he may do.",
        fix="name the actions, a verb with a star at the end at most (ec2:Describe*)",
        url="https://docs.aws.amazon.com/config/latest/developerguide/"
        "iam-policy-no-statements-with-full-access.html",
        evidence=("path", "policy"),
        judge=_no_whole_service,
    ),
    StackRule(
        name="iam-writes-named",
        sentence="What changes things is allowed on named things, or under a permissions boundary.",
        types=DOCUMENTS,
        severity="high",
        requirements=("SEC-06", "CHK-SEC-04"),
        controls=(
            *("CHECKOV CKV_AWS_289", "CHECKOV CKV_AWS_290", "CHECKOV CKV_AWS_355"),
            *("SOC2 CC6.3", "ISO27001 A.8.2"),
        ),
        why="A workload that is taken over would change what belongs to all the others.",
        fix="name the ARNs, add a condition on their tags, or give the role a permissions boundary",
        url=f"{_GUIDE}/best-practices.html",
        evidence=("policy",),
        judge=_writes_named,
    ),
    Rule(
        name="iam-pass-role-bound",
        sentence="Roles are passed by name, or to named services.",
        types=DOCUMENTS,
        severity="high",
        requirements=("CICD-12", "CHK-SEC-04"),
        controls=("SOC2 CC6.3", "ISO27001 A.8.2"),
        why="Whoever passes any role to any service has the rights of the strongest one.",
        fix="name the roles, or add a condition on iam:PassedToService",
        url=f"{_GUIDE}/id_roles_use_passrole.html",
        evidence=("path", "policy"),
        judge=_pass_role,
    ),
    StackRule(
        name="iam-no-escalation",
        sentence="Nobody can give himself more rights, but within a permissions boundary.",
        types=(ROLE,),
        severity="critical",
        requirements=("CICD-12", "CHK-SEC-04"),
        controls=("CHECKOV CKV_AWS_286", "SOC2 CC6.3", "ISO27001 A.8.2"),
        why="Every other limit of the role would be worth nothing.",
        fix="take the action away, or give the role a permissions boundary",
        url=f"{_GUIDE}/access_policies_boundaries.html",
        evidence=("name", "permissionsBoundary"),
        judge=_no_escalation,
    ),
    Rule(
        name="iam-decrypt-named-keys",
        sentence="Decryption is allowed with named keys, or through named services.",
        types=DOCUMENTS,
        severity="high",
        requirements=("SEC-06", "CHK-SEC-04"),
        controls=("FSBP KMS.1", "FSBP KMS.2", "SOC2 CC6.1", "ISO27001 A.8.24"),
        why="A key protects nothing from a role that may decrypt with every key.",
        fix="name the key's ARN, or add a condition on kms:ViaService",
        url=f"{_HUB}/kms-controls.html",
        evidence=("path", "policy"),
        judge=_decrypt,
    ),
    Rule(
        name="iam-secrets-named",
        sentence="The values of secrets are read by name.",
        types=DOCUMENTS,
        severity="critical",
        requirements=("SEC-06", "CHK-SEC-02"),
        controls=("CHECKOV CKV_AWS_287", "SOC2 CC6.1", "ISO27001 A.8.3"),
        why="One workload or environment would read the passwords of all the others.",
        fix="name the secrets' ARNs, or the path that the environment's secrets share",
        url="https://docs.aws.amazon.com/secretsmanager/latest/userguide/best-practices.html",
        evidence=("path", "policy"),
        judge=_secret_values,
    ),
    Rule(
        name="iam-contents-named",
        sentence="Objects and rows are read from named buckets and tables.",
        types=DOCUMENTS,
        severity="high",
        requirements=("SEC-06", "CHK-SEC-04"),
        controls=("CHECKOV CKV_AWS_288", "SOC2 CC6.1", "ISO27001 A.8.3", "GDPR 32"),
        why="One workload that is taken over would carry everybody's files out.",
        fix="name the bucket or the table",
        url=f"{_GUIDE}/best-practices.html",
        evidence=("path", "policy"),
        judge=_contents,
    ),
    StackRule(
        name="iam-no-administrator",
        sentence="No role holds an administrator's policy.",
        types=(ATTACHMENT,),
        severity="critical",
        requirements=("CHK-SEC-04",),
        controls=(
            *("FSBP IAM.1", "CIS-AWS 2.15", "CIS-AWS 2.21", "CHECKOV CKV_AWS_274"),
            *("CHECKOV CKV_AWS_275", "CHECKOV CKV2_AWS_56", "SOC2 CC6.3", "ISO27001 A.8.2"),
        ),
        why="One stolen credential would be the whole account, customers' data included.",
        fix="attach a policy that names what the role does",
        url=f"{_HUB}/iam-controls.html",
        evidence=("policyArn",),
        judge=_no_administrator,
    ),
    StackRule(
        name="iam-boundary-not-granted",
        sentence="A permissions boundary is never attached as a grant.",
        types=(ATTACHMENT,),
        severity="critical",
        requirements=("CICD-12", "CHK-SEC-04"),
        controls=("SOC2 CC6.3", "ISO27001 A.8.2"),
        why="A ceiling allows all that it does not forbid: attached, it makes an administrator.",
        fix="set it as the role's permissions_boundary only",
        url=f"{_GUIDE}/access_policies_boundaries.html",
        evidence=("policyArn",),
        judge=_boundary,
    ),
    Rule(
        name="iam-role-policies-apart",
        sentence="A role's rights are resources of their own.",
        types=(ROLE,),
        severity="medium",
        requirements=("SEC-06",),
        controls=("SOC2 CC6.3", "ISO27001 A.5.18"),
        why="Rights that stand inside a role would escape every rule above.",
        fix="use aws.iam.Policy or aws.iam.RolePolicy, and aws.iam.RolePolicyAttachment",
        url=f"{_GUIDE}/access_policies_managed-vs-inline.html",
        evidence=("name",),
        judge=_apart,
    ),
    StackRule(
        name="iam-no-users",
        sentence="Nobody and nothing has a credential that does not expire.",
        types=(ROOT,),
        severity="critical",
        requirements=("CICD-12", "CHK-SEC-04"),
        controls=(
            *("FSBP IAM.2", "CIS-AWS 2.14", "CIS-AWS 2.17", "CIS-AWS 2.20", "CHECKOV CKV_AWS_40"),
            *("CHECKOV CKV_AWS_273", "CHECKOV CKV2_AWS_22", "SOC2 CC6.1", "ISO27001 A.5.17"),
        ),
        why="Keys that never expire are found in laptops and repositories years later, and work.",
        fix="use a role: single sign-on for people, Pod Identity or OIDC for programs",
        url=f"{_GUIDE}/best-practices.html",
        judge=_no_users,
    ),
)
