"""What the pipeline of an environment may do on AWS, and the ceiling over it.

The role that holds these rights is made in components/delivery.py. Its permissions boundary denies:

- other regions;
- making, changing or ending what watches the account (WATCHERS): trail, detector, recorder,
  analyzer, the account's own settings of S3 and EBS. They are a person's, like the first
  deployment;
- where data is protected: destroying it or the logs, and changing who may use a key or a vault
  (DATA);
- changing the roles of the pipelines, its own or another's;
- what bears another environment's tag `stack`, reading it included, and records whose names are not
  this environment's.

Honest limits:
- A tag is no wall where AWS does not ask for it. A bucket's counts only once the bucket is told so
  (S3 user guide, "Enabling ABAC in general purpose buckets"), so buckets are granted by name.
  Route 53 asks for none, so records are told apart by their names; production's domain holds
  staging's, the private zones have one name, and only a zone that still has records is safe from
  being deleted. Not told apart at all: what bears no tags (policies of log groups, query logs,
  functions and header policies of CloudFront), and which role is passed to a service.
- What an environment changes every day can be used against it: its alarms and who hears of them,
  policies of buckets, retention, its roles and so the trail's. The lock on the trail's bucket
  holds.
- Whoever may make roles for workloads may make a strong one, and no boundary is on it. The pipeline
  cannot become that role (sts:AssumeRole is beyond its ceiling), but a pod can: the review of what
  is deployed stays the control, and only an account for each environment is a wall.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components import naming, secrets
from components.alarm_table import GLOBAL_REGION
from components.context import Context
from components.documents import Statement, document, statement
from settings.governance import GovernanceSettings

ISSUER = "token.actions.githubusercontent.com"

TAGS = ("ListTagsForResource", "TagResource", "UntagResource")

# What the resources of this program need, by service; one managed policy for each group, so that
# each has room to grow below the limit (I2). Nothing here reads contents.
SERVICES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "platform": {
        "acm": ("Add*", "Delete*", "Describe*", "List*", "Remove*", "RequestCertificate"),
        "autoscaling": ("Describe*",),
        "cloudfront": (
            *("AllowVendedLogDeliveryForResource", "Create*", "Delete*", "Describe*", "Get*"),
            *("List*", "PublishFunction", "TagResource", "UntagResource", "Update*"),
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
        "route53": (
            *("ActivateKeySigningKey", "Change*", "Create*", "DeactivateKeySigningKey", "Delete*"),
            *("DisableHostedZoneDNSSEC", "EnableHostedZoneDNSSEC", "Get*", "List*", "Update*"),
        ),
        "shield": (
            *("Create*", "Delete*", "Describe*", "Get*", "List*", "TagResource"),
            *("UntagResource", "Update*"),
        ),
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
            *("EnableKey*", "Get*", "List*", "PutKeyPolicy", "RetireGrant"),
            *("ScheduleKeyDeletion", "TagResource", "UntagResource", "Update*"),
        ),
        "rds": (
            *("Add*", "Create*", "Delete*", "Describe*", "List*", "Modify*", "Reboot*"),
            *("Remove*", "RestoreDBInstance*", "StartDBInstanceAutomatedBackupsReplication"),
            *("StopDBInstanceAutomatedBackupsReplication",),
        ),
        "s3": ("GetAccountPublic*", "ListAllMyBuckets"),
        "secretsmanager": (
            *("CreateSecret", "DeleteResourcePolicy", "DeleteSecret", "Describe*"),
            *("GetResourcePolicy", "List*", "Put*", "RemoveRegionsFromReplication"),
            *("ReplicateSecretToRegions", "RestoreSecret", "TagResource", "UntagResource"),
            *("Update*",),
        ),
    },
    "watch": {
        "access-analyzer": ("Get*", "List*", "TagResource", "UntagResource"),
        "budgets": ("ModifyBudget", "ViewBudget", *TAGS),
        "ce": ("ListCostAllocationTags", "UpdateCostAllocationTagsStatus"),
        "cloudtrail": ("AddTags", "Describe*", "Get*", "List*", "RemoveTags", "StartLogging"),
        "cloudwatch": ("DeleteAlarms", "Describe*", "PutMetricAlarm", *TAGS),
        "config": ("Describe*", "List*", "StartConfigurationRecorder"),
        "events": (
            *("Delete*", "Describe*", "List*", "Put*", "Remove*", "TagResource"),
            *("UntagResource",),
        ),
        "guardduty": ("Get*", "List*", "TagResource", "UntagResource"),
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

# What a bucket needs. Granted on this environment's buckets only, and by their names: S3 asks a
# bucket's tags only where it was told to.
BUCKETS = (
    *("s3:CreateBucket", "s3:DeleteBucket*", "s3:GetAccelerate*", "s3:GetBucket*"),
    *("s3:GetEncryption*", "s3:GetLifecycle*", "s3:GetReplication*", "s3:ListBucket*"),
    *(f"s3:{verb}" for verb in TAGS),
    *("s3:PutBucket*", "s3:PutEncryption*", "s3:PutLifecycle*", "s3:PutReplication*"),
)

# Services that get a role from this program, for iam:PassRole; those of components/audit.py get
# theirs from a person.
PASSED_TO = (
    "backup.amazonaws.com",
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
# What records and judges the account (components/audit.py) is a person's to make, change and end: a
# filter, a trusted list, another selector or another recorder silences as well as an end does.
WATCHERS = (
    "access-analyzer:Create*",
    "access-analyzer:Delete*",
    "access-analyzer:Update*",
    "cloudtrail:Create*",
    "cloudtrail:Delete*",
    "cloudtrail:Put*",
    "cloudtrail:StopLogging",
    "cloudtrail:Update*",
    "config:Delete*",
    "config:Put*",
    "config:StopConfigurationRecorder",
    "ec2:DisableEbsEncryptionByDefault",
    "guardduty:Create*",
    "guardduty:Delete*",
    "guardduty:Disassociate*",
    "guardduty:StopMonitoringMembers",
    "guardduty:Update*",
    "s3:PutAccountPublicAccessBlock",
)
# The two-step way to retire data is a person's (context.protect). Logs are evidence; who may use a
# key or empty a vault is said by policies that no setting changes.
DATA = (
    "backup:DeleteBackupVault",
    "backup:DeleteBackupVaultAccessPolicy",
    "backup:DeleteBackupVaultLockConfiguration",
    "backup:DeleteRecoveryPoint",
    "backup:DisassociateRecoveryPoint",
    "backup:PutBackupVaultAccessPolicy",
    "ec2:DeleteFlowLogs",
    "ecr:BatchDeleteImage",
    "ecr:DeleteRepository",
    "elasticache:DeleteReplicationGroup",
    "elasticache:DeleteSnapshot",
    "kms:DisableKey",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "logs:DeleteLogGroup",
    "logs:DeleteLogStream",
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
# What a stack does with the key of its secrets, whoever's key that is.
STATE_KEY_USES = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey")
ADMINISTRATORS = ("AdministratorAccess", "IAMFullAccess", "PowerUserAccess")


def service_rights(group: str) -> str:
    """The rights of one group of SERVICES."""
    actions = [f"{service}:{verb}" for service, verbs in SERVICES[group].items() for verb in verbs]
    return document(statement(actions, "*", sid=group.capitalize()))


def own_rights(
    context: Context, settings: GovernanceSettings, repository_arns: Sequence[str]
) -> str:
    """What needs a resource or a condition: roles, buckets, keys in use, secrets, images, state."""
    return document(
        *_roles(context),
        statement(BUCKETS, _own_buckets(context), sid="Buckets"),
        statement(
            ["kms:Decrypt", "kms:GenerateDataKey*"],
            context.arn("kms", "key/*", region="*"),
            sid="KeysThroughServices",
            conditions={
                "StringEquals": {
                    "kms:ViaService": [
                        f"{service}.{region}.amazonaws.com"
                        # AWS Backup makes a vault with the caller's rights to its key (service
                        # authorization reference, CreateBackupVault, dependent actions).
                        for service in ("backup", "rds", "secretsmanager")
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


def _own_buckets(context: Context) -> list[str]:
    """The buckets of this environment, by the names that `naming.bucket` gives."""
    regions = sorted({context.region, context.backup_region})
    return [
        f"arn:{context.partition}:s3:::"
        + naming.buckets(context.project, context.stack, context.account_id, region)
        for region in regions
    ]


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
        statements.append(statement(STATE_KEY_USES, settings.state_key_arn, sid="StateKey"))
    return statements


# The path tells a ceiling from a grant: the policy pack lets only what stands here be this wide,
# and refuses to see it attached.
BOUNDARY_PATH = "/boundary/"


def boundary(context: Context, settings: GovernanceSettings, domains: Sequence[str]) -> str:
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
        *_others(context, settings),
        statement(
            ["route53:ChangeResourceRecordSets"],
            "*",
            sid="OtherNames",
            # Every name of a change is asked, in small letters and without a dot at its end (Route
            # 53 developer guide, "Using IAM policy conditions for fine-grained access control").
            conditions={
                "ForAnyValue:StringNotLike": {
                    "route53:ChangeResourceRecordSetsNormalizedRecordNames": [
                        name for domain in domains for name in (domain, f"*.{domain}")
                    ]
                }
            },
            effect="Deny",
        ),
    ]
    if context.protect:
        statements.append(statement(DATA, "*", sid="KeepData", effect="Deny"))
    return document(*statements)


def _others(context: Context, settings: GovernanceSettings) -> list[Statement]:
    """Nothing that bears another stack's tag, but for using the key that secrets are under.

    What has no tag of that name is nobody's: the condition asks whether there is one.
    """
    tag = "aws:ResourceTag/stack"
    anothers = {
        "Effect": "Deny",
        "Condition": {"StringNotEquals": {tag: context.stack}, "Null": {tag: "false"}},
    }
    if settings.state_key_arn is None:
        return [{"Sid": "OtherStacks", "Action": ["*"], "Resource": "*", **anothers}]
    key = settings.state_key_arn
    return [
        {"Sid": "OtherStacks", "Action": ["*"], "NotResource": [key], **anothers},
        {"Sid": "SharedKey", "NotAction": list(STATE_KEY_USES), "Resource": key, **anothers},
    ]
