"""Who may preview and who may deploy from GitHub, without a stored key.

Meets CICD-12, the credentials part of CHK-SEC-05, and CICD-02 as far as a role is bound to one of
GitHub's environments: workflows trade GitHub's signed token for one
of two roles. Here live the trust, the rights and their ceiling; the workflows never do.

- `preview` reads how things are set up and may be taken by any pull request of the repository. A
  pull request's code runs with it, so it must not reach a secret or a customer's row: whatever
  gives contents, and every kms:Decrypt, is denied beside AWS's ReadOnlyAccess. It is not in the
  cluster's access list, since a viewer reads logs.
- `deploy` may be taken by one GitHub environment only, the one with reviewers. It may do what the
  program's services need. Its permissions boundary denies other regions, silencing the trail,
  destroying protected data, and changing the two roles: changes of this component are made by a
  person, not by the pipeline.

Honest limit: whoever may make roles for workloads may make a strong one. The pipeline cannot
become that role (sts:AssumeRole is beyond its ceiling); the review of what it deploys stays the
control. Refused: long-lived keys; `repo:owner/name:*`, which every branch matches;
AdministratorAccess.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components import secrets
from components.access import ClusterAccess, ClusterAccessArgs
from components.alarm_table import GLOBAL_REGION
from components.context import Context
from components.documents import Statement, document, statement
from components.pod_identity import within_limit
from settings.governance import GovernanceSettings

if TYPE_CHECKING:
    from components.cluster import Cluster
    from components.registry import Registry

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
HOUR = 3600

# ReadOnlyAccess reads contents as well as set-up; these calls give contents.
CONTENTS = (
    "athena:GetQueryResults*",
    "dynamodb:BatchGet*",
    "dynamodb:GetItem",
    "dynamodb:PartiQLSelect",
    "dynamodb:Query",
    "dynamodb:Scan",
    "ec2:GetConsole*",
    "ec2:GetPasswordData",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "eks:AccessKubernetesApi",
    "kinesis:Get*",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "lambda:GetFunction",
    "logs:FilterLogEvents",
    "logs:GetLog*",
    "logs:GetQueryResults",
    "logs:StartLiveTail",
    "logs:StartQuery",
    "rds:Download*",
    "s3:GetObject*",
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue",
    "sqs:ReceiveMessage",
    "ssm:GetParameter*",
    "sts:AssumeRole",
)

TAGS = ("ListTagsForResource", "TagResource", "UntagResource")

# What the resources of this program need, by service; one managed policy for each group, so that
# each has room to grow below the limit (I2). Nothing here reads contents.
SERVICES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "platform": {
        "acm": ("Add*", "Delete*", "Describe*", "List*", "Remove*", "RequestCertificate"),
        "autoscaling": ("Describe*",),
        "cloudfront": (
            *("AllowVendedLogDeliveryForResource", "Create*", "Delete*", "Describe*", "Get*"),
            *("List*", "TagResource", "UntagResource", "Update*"),
        ),
        "ec2": (
            *("Allocate*", "Associate*", "Attach*", "Authorize*", "Create*", "Delete*"),
            *("Describe*", "Detach*", "Disassociate*", "EnableEbsEncryptionByDefault"),
            *("GetEbsEncryptionByDefault", "GetManagedPrefixList*", "GetSecurityGroupsForVpc"),
            *("Modify*", "Release*"),
            *("Replace*", "Revoke*", "RunInstances"),
        ),
        "ecr": (
            *("CreateRepository", "Delete*", "Describe*", "GetLifecyclePolicy"),
            *("GetRepositoryPolicy", *TAGS, "PutImageScanningConfiguration"),
            *("PutImageTagMutability", "PutLifecyclePolicy", "SetRepositoryPolicy"),
        ),
        "eks": (
            *("Associate*", "Create*", "Delete*", "Describe*", "Disassociate*", "List*"),
            *("TagResource", "UntagResource", "Update*"),
        ),
        "elasticloadbalancing": (
            *("Add*", "Create*", "Delete*", "Describe*", "Modify*", "Remove*", "Set*"),
        ),
        "route53": ("Change*", "Create*", "Delete*", "Get*", "List*", "Update*"),
        "shield": ("Create*", "Delete*", "Describe*", "Get*", "List*", "Update*"),
        "wafv2": (
            *("Associate*", "Create*", "Delete*", "Disassociate*", "Get*", "List*", "Put*"),
            *("TagResource", "UntagResource", "Update*"),
        ),
    },
    "data": {
        "backup": (
            *("Create*", "Delete*", "Describe*", "Get*", "List*", "Put*", "TagResource"),
            *("UntagResource", "Update*"),
        ),
        "backup-storage": ("MountCapsule",),
        "elasticache": (
            *("Add*", "Create*", "Decrease*", "Delete*", "Describe*", "Increase*", "List*"),
            *("Modify*", "Remove*"),
        ),
        "kms": (
            *("CreateAlias", "CreateGrant", "CreateKey", "DeleteAlias", "Describe*"),
            *("EnableKey*", "Get*", "List*", "PutKeyPolicy", "ScheduleKeyDeletion"),
            *("TagResource", "UntagResource", "Update*"),
        ),
        "rds": (
            *("Add*", "Create*", "Delete*", "Describe*", "List*", "Modify*", "Reboot*"),
            *("Remove*", "RestoreDBInstance*"),
        ),
        "s3": (
            *("CreateBucket", "DeleteBucket*", "GetAccelerate*", "GetAccountPublic*"),
            *("GetBucket*", "GetEncryption*", "GetLifecycle*", "GetReplication*"),
            *("ListAllMyBuckets", "ListBucket*", *TAGS, "PutAccountPublic*", "PutBucket*"),
            *("PutEncryption*", "PutLifecycle*", "PutReplication*"),
        ),
        "secretsmanager": (
            *("CreateSecret", "DeleteResourcePolicy", "DeleteSecret", "Describe*"),
            *("GetResourcePolicy", "List*", "Put*", "RestoreSecret", "TagResource"),
            *("UntagResource", "Update*"),
        ),
    },
    "watch": {
        "access-analyzer": ("Create*", "Get*", "List*", "TagResource", "UntagResource"),
        "budgets": ("ModifyBudget", "ViewBudget", *TAGS),
        "ce": ("ListCostAllocationTags", "UpdateCostAllocationTagsStatus"),
        "cloudtrail": (
            *("AddTags", "Create*", "Describe*", "Get*", "List*", "Put*", "RemoveTags"),
            *("StartLogging",),
        ),
        "cloudwatch": ("DeleteAlarms", "Describe*", "PutMetricAlarm", *TAGS),
        "config": ("Describe*", "List*", "Put*", "StartConfigurationRecorder"),
        "events": ("Delete*", "Describe*", "List*", "Put*", "Remove*", "TagResource"),
        "guardduty": ("Create*", "Get*", "List*", "TagResource", "UntagResource", "Update*"),
        "logs": (
            *("Associate*", "Create*", "Delete*", "Describe*", "Disassociate*"),
            *("GetDelivery*", "List*", "Put*", "TagResource", "UntagResource", "Update*"),
        ),
        "sns": (
            *("Create*", "Delete*", "Get*", "List*", "Set*", "Subscribe", "TagResource"),
            *("Unsubscribe", "UntagResource"),
        ),
    },
}

# Services that get a role from this program, for iam:PassRole.
PASSED_TO = (
    "backup.amazonaws.com",
    "cloudtrail.amazonaws.com",
    "config.amazonaws.com",
    "ec2.amazonaws.com",
    "eks.amazonaws.com",
    "monitoring.rds.amazonaws.com",
    "pods.eks.amazonaws.com",
    "s3.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
)

# No rights of the deploy role ever reach these, whatever is attached to it.
BEYOND = (
    "account:*",
    "billing:*",
    "iam:*AccessKey*",
    "iam:*LoginProfile*",
    "iam:*MFADevice*",
    "iam:*SAML*",
    "iam:*User*",
    "identitystore:*",
    "organizations:*",
    "sso:*",
    "sts:AssumeRole",
)
WATCHERS = (
    "access-analyzer:DeleteAnalyzer",
    "cloudtrail:DeleteTrail",
    "cloudtrail:StopLogging",
    "cloudtrail:UpdateTrail",
    "config:Delete*",
    "config:StopConfigurationRecorder",
    "ec2:DisableEbsEncryptionByDefault",
    "guardduty:Delete*",
    "guardduty:Disassociate*",
    "guardduty:StopMonitoringMembers",
)
# The two-step way to retire data is a person's (context.protect).
DATA = (
    "backup:DeleteBackupVault",
    "backup:DeleteBackupVaultAccessPolicy",
    "backup:DeleteBackupVaultLockConfiguration",
    "backup:DeleteRecoveryPoint",
    "backup:DisassociateRecoveryPoint",
    "ecr:BatchDeleteImage",
    "ecr:DeleteRepository",
    "elasticache:DeleteReplicationGroup",
    "elasticache:DeleteSnapshot",
    "kms:DisableKey",
    "kms:ScheduleKeyDeletion",
    "rds:DeleteDBInstance",
    "rds:DeleteDBInstanceAutomatedBackup",
    "rds:DeleteDBSnapshot",
    "s3:BypassGovernanceRetention",
    "s3:DeleteBucket",
    "s3:DeleteObjectVersion",
)
IAM_WRITES = tuple(
    f"iam:{verb}*"
    for verb in (
        *("Add", "Attach", "Create", "Delete", "Detach", "Put", "Remove", "Set", "Tag"),
        *("Untag", "Update"),
    )
)
ADMINISTRATORS = ("AdministratorAccess", "IAMFullAccess", "PowerUserAccess")


def subject(settings: GovernanceSettings, ending: str) -> str:
    """The `sub` of this repository's tokens, with the immutable ids where they have them."""
    owner, repository = settings.github_repository.split("/")
    if settings.github_owner_id and settings.github_repository_id:
        owner = f"{owner}@{settings.github_owner_id}"
        repository = f"{repository}@{settings.github_repository_id}"
    return f"repo:{owner}/{repository}:{ending}"


def github_trust(provider_arn: str, sub: str) -> str:
    """Only GitHub's tokens, for this audience, of exactly this subject: no pattern."""
    return document(
        statement(
            ["sts:AssumeRoleWithWebIdentity"],
            principals={"Federated": provider_arn},
            conditions={"StringEquals": {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": sub}},
        )
    )


def no_contents() -> str:
    """What ReadOnlyAccess would show and a pull request must not see."""
    return document(statement(CONTENTS, "*", sid="NoContents", effect="Deny"))


def service_rights(group: str) -> str:
    """The rights of one group of SERVICES."""
    actions = [f"{service}:{verb}" for service, verbs in SERVICES[group].items() for verb in verbs]
    return document(statement(actions, "*", sid=group.capitalize()))


def own_rights(
    context: Context, settings: GovernanceSettings, repository_arns: Sequence[str]
) -> str:
    """What needs a resource or a condition: roles, keys in use, secrets, images, Pulumi's state."""
    return document(
        *_roles(context),
        statement(
            ["kms:Decrypt", "kms:GenerateDataKey*"],
            context.arn("kms", "key/*", region="*"),
            sid="KeysThroughServices",
            conditions={
                "StringEquals": {
                    "kms:ViaService": [
                        f"{service}.{region}.amazonaws.com"
                        for service in ("rds", "secretsmanager")
                        for region in (context.region, context.backup_region)
                    ]
                }
            },
        ),
        statement(
            ["secretsmanager:GetSecretValue"],
            context.arn("secretsmanager", f"secret:{secrets.path(context)}*"),
            sid="SecretsItWrote",
        ),
        statement(["ecr:GetAuthorizationToken"], "*", sid="RegistryLogin"),
        statement(
            [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:CompleteLayerUpload",
                "ecr:GetDownloadUrlForLayer",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:UploadLayerPart",
            ],
            list(repository_arns),
            sid="Images",
        ),
        *_state(context, settings),
    )


def _roles(context: Context) -> list[Statement]:
    roles = context.arn("iam", "role/*", region="")
    return [
        statement(
            [
                "iam:AttachRolePolicy",
                "iam:CreateRole",
                "iam:DeleteRole",
                "iam:DeleteRolePolicy",
                "iam:DetachRolePolicy",
                "iam:GetRole*",
                "iam:ListAttachedRolePolicies",
                "iam:ListInstanceProfilesForRole",
                "iam:ListRole*",
                "iam:PutRolePolicy",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole*",
            ],
            roles,
            sid="Roles",
        ),
        statement(
            [
                "iam:CreatePolicy*",
                "iam:DeletePolicy*",
                "iam:GetPolicy*",
                "iam:ListEntitiesForPolicy",
                "iam:ListPolicy*",
                "iam:SetDefaultPolicyVersion",
                "iam:TagPolicy",
                "iam:UntagPolicy",
            ],
            context.arn("iam", "policy/*", region=""),
            sid="Policies",
        ),
        statement(
            ["iam:GetOpenIDConnectProvider"],
            context.arn("iam", f"oidc-provider/{ISSUER}", region=""),
            sid="Provider",
        ),
        statement(
            ["iam:CreateServiceLinkedRole"],
            context.arn("iam", "role/aws-service-role/*", region=""),
            sid="ServiceRoles",
        ),
        statement(
            ["iam:PassRole"],
            roles,
            sid="RolesForServices",
            conditions={"StringEquals": {"iam:PassedToService": list(PASSED_TO)}},
        ),
    ]


def _state(context: Context, settings: GovernanceSettings) -> list[Statement]:
    statements = []
    if settings.state_bucket:
        bucket = f"arn:{context.partition}:s3:::{settings.state_bucket}"
        statements.append(
            statement(
                ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"],
                [bucket, f"{bucket}/*"],
                sid="State",
            )
        )
    if settings.state_key_arn:
        statements.append(
            statement(
                ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"],
                settings.state_key_arn,
                sid="StateKey",
            )
        )
    return statements


# The path tells a ceiling from a grant: the policy pack lets only what stands here be this wide,
# and refuses to see it attached.
BOUNDARY_PATH = "/boundary/"


def boundary(context: Context) -> str:
    """The ceiling of the deploy role. The first statement grants nothing: a boundary never does."""
    own = f"{context.project}-*"
    delivery = [
        context.arn("iam", f"role/{own}-deploy", region=""),
        context.arn("iam", f"role/{own}-preview", region=""),
        context.arn("iam", f"policy/{own}-deploy-*", region=""),
        context.arn("iam", f"policy{BOUNDARY_PATH}{own}-deploy-*", region=""),
        context.arn("iam", f"policy/{own}-preview-*", region=""),
        context.arn("iam", f"oidc-provider/{ISSUER}", region=""),
    ]
    regions = sorted({context.region, context.backup_region, GLOBAL_REGION})
    administrators = [
        f"arn:{context.partition}:iam::aws:policy/{policy}" for policy in ADMINISTRATORS
    ]
    statements: list[Statement] = [
        {"Sid": "Ceiling", "Effect": "Allow", "NotAction": sorted(BEYOND), "Resource": "*"},
        statement(
            ["*"],
            "*",
            sid="OwnRegions",
            # Global services answer from us-east-1, which is therefore among them.
            conditions={"StringNotEquals": {"aws:RequestedRegion": regions}},
            effect="Deny",
        ),
        statement(WATCHERS, "*", sid="KeepWatch", effect="Deny"),
        statement([*IAM_WRITES, "iam:PassRole"], delivery, sid="NotItself", effect="Deny"),
        statement(
            ["iam:AttachRolePolicy"],
            "*",
            sid="NoAdministrators",
            conditions={"ArnEquals": {"iam:PolicyARN": administrators}},
            effect="Deny",
        ),
        statement(
            ["secretsmanager:DeleteSecret"],
            "*",
            sid="SecretsComeBack",
            conditions={"Bool": {"secretsmanager:ForceDeleteWithoutRecovery": "true"}},
            effect="Deny",
        ),
    ]
    if context.protect:
        statements.append(statement(DATA, "*", sid="KeepData", effect="Deny"))
    return document(*statements)


@dataclass(frozen=True, kw_only=True)
class DeliveryArgs:
    context: Context
    settings: GovernanceSettings
    registry: Registry
    cluster: Cluster


class Delivery(pulumi.ComponentResource):
    """The two roles; workflows know them by name, `<project>-<stack>-preview` and `-deploy`."""

    preview_role_arn: pulumi.Output[str]
    deploy_role_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: DeliveryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Delivery", name, None, opts)
        self._name, self._args = name, args
        self._here = pulumi.ResourceOptions(parent=self)

        provider_arn = self._issuer()
        self.preview_role_arn = self._preview(provider_arn)
        self.deploy_role_arn = self._deploy(provider_arn)
        self.register_outputs(
            {"previewRoleArn": self.preview_role_arn, "deployRoleArn": self.deploy_role_arn}
        )

    def _issuer(self) -> pulumi.Output[str]:
        """GitHub's issuer, of which an account has one (I13)."""
        if self._args.settings.github_provider == "elsewhere":
            known = self._args.context.arn("iam", f"oidc-provider/{ISSUER}", region="")
            return pulumi.Output.from_input(known)
        provider = aws.iam.OpenIdConnectProvider(
            f"{self._name}-github",
            url=f"https://{ISSUER}",
            client_id_lists=[AUDIENCE],
            # Other environments of the account enter by it too.
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=self._args.context.protect,
                retain_on_delete=self._args.context.protect,
            ),
        )
        return provider.arn

    def _preview(self, provider_arn: pulumi.Output[str]) -> pulumi.Output[str]:
        context, settings = self._args.context, self._args.settings
        sub = subject(settings, "pull_request")
        role = aws.iam.Role(
            f"{self._name}-preview",
            name=context.name("preview"),
            description="Pull requests read the set-up, never contents",
            assume_role_policy=provider_arn.apply(lambda arn: github_trust(arn, sub)),
            max_session_duration=settings.preview_session_hours * HOUR,
            opts=self._here,
        )
        denied = aws.iam.RolePolicyAttachment(
            f"{self._name}-preview-no-contents",
            role=role.name,
            policy_arn=self._policy("preview-no-contents", no_contents()),
            opts=self._here,
        )
        aws.iam.RolePolicyAttachment(
            f"{self._name}-preview-reads",
            role=role.name,
            policy_arn=f"arn:{context.partition}:iam::aws:policy/ReadOnlyAccess",
            # The role never reads, not even for a second, without its denials.
            opts=pulumi.ResourceOptions.merge(
                self._here, pulumi.ResourceOptions(depends_on=[denied])
            ),
        )
        return role.arn

    def _deploy(self, provider_arn: pulumi.Output[str]) -> pulumi.Output[str]:
        context, settings = self._args.context, self._args.settings
        sub = subject(settings, f"environment:{settings.github_environment}")
        role = aws.iam.Role(
            f"{self._name}-deploy",
            name=context.name("deploy"),
            description=f"Deploys {context.stack} from one GitHub environment",
            assume_role_policy=provider_arn.apply(lambda arn: github_trust(arn, sub)),
            max_session_duration=settings.deploy_session_hours * HOUR,
            permissions_boundary=self._policy(
                "deploy-boundary", boundary(context), path=BOUNDARY_PATH
            ),
            opts=self._here,
        )
        repositories = pulumi.Output.all(*self._args.registry.repository_arns)
        rights: dict[str, pulumi.Input[str]] = {group: service_rights(group) for group in SERVICES}
        rights["own"] = repositories.apply(lambda arns: own_rights(context, settings, arns))
        for noun, rights_document in rights.items():
            aws.iam.RolePolicyAttachment(
                f"{self._name}-deploy-{noun}",
                role=role.name,
                policy_arn=self._policy(f"deploy-{noun}", rights_document),
                opts=self._here,
            )
        ClusterAccess(
            f"{self._name}-deploy",
            ClusterAccessArgs(
                context=context,
                cluster=self._args.cluster,
                principal_arn=role.arn,
                policy="cluster-admin",
            ),
            self._here,
        )
        return role.arn

    def _policy(self, noun: str, text: pulumi.Input[str], *, path: str = "/") -> pulumi.Output[str]:
        """A managed policy; ours by name, since the boundary protects it by name."""
        policy = aws.iam.Policy(
            f"{self._name}-{noun}",
            name=self._args.context.name(noun, limit=128),
            path=path,
            policy=pulumi.Output.from_input(text).apply(lambda plain: within_limit(noun, plain)),
            opts=self._here,
        )
        return policy.arn
