"""One customer KMS key per purpose, each with an alias and a policy of its own.

Here live the keys and their policies; the IAM rights of our own roles never do: they stand beside
the role. Meets SEC-06 and CHK-SEC-02 in their encryption part, and is the key that REDIS-07,
LOG-01, BAK-03, DR-06, CICD-07, CHK-INFRA-01 and CHK-INFRA-02 ask for; refusals K1, K2, K3, K5, O2,
P4, T2.

Who may use a key, and how it is said:
- the account's root statement comes first in every policy, so that nobody can lock the account out
  (K1); it lets IAM decide, and it grants nothing to a principal that has no IAM right to the key;
- a service that calls KMS in its own name is named, bound to this account;
- a service that calls KMS for a caller (RDS, ElastiCache, EC2, EKS, AWS Backup) gets what AWS's own
  managed keys give: every principal of this account, through that service only;
- the Auto Scaling service-linked role has no KMS right in IAM, so the root statement does not reach
  it. It may not exist yet in a fresh account, and a missing principal is refused (K2): it is
  therefore a condition on aws:PrincipalArn, which AWS does not resolve.

The keys of secrets and of logs have no such open door: whoever reads there in clear needs
kms:Decrypt in IAM as well.

Refused: one key for all (one policy would hold every service's rights); multi-region keys (a key
in the backup region must survive the loss of the first, and share nothing with it); imported key
material (rotation would be by hand).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.context import Context
from components.documents import Statement, document, statement
from settings.keys import KeysSettings

# CloudFront's WAF, certificates and metrics live there, whatever the deployment's region
# (WAF developer guide; the traps' edge part), and a log group takes a key of its own region only.
GLOBAL_REGION = "us-east-1"

USE = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")

# What publishes to an encrypted topic in its own name; the topics' policies name the same (SNS
# developer guide, "Enable compatibility between event sources from AWS services and encrypted
# topics"). In us-east-1 there are only the alarms of the edge.
PUBLISHERS = ("budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.rds.amazonaws.com")
GLOBAL_PUBLISHERS = ("cloudwatch.amazonaws.com",)
# Bound by the topic instead of by the account (see `topics`).
BOUND_BY_TOPIC = ("events.amazonaws.com", "sns.amazonaws.com")
GLOBAL_BOUND_BY_TOPIC = ("sns.amazonaws.com",)


def account_administers(context: Context) -> Statement:
    """The account may always change the policy, and IAM decides about its principals (K1)."""
    return statement(
        ["kms:*"],
        "*",
        sid="AccountAdministers",
        principals={"AWS": context.arn("iam", "root", region="")},
    )


def through(context: Context, region: str, *services: str) -> list[Statement]:
    """The account's principals use the key through these services and in no other way."""
    conditions = {
        "StringEquals": {
            "kms:CallerAccount": context.account_id,
            "kms:ViaService": [f"{service}.{region}.amazonaws.com" for service in services],
        }
    }
    return _use_and_grant("ThroughServices", conditions)


def auto_scaling(context: Context) -> list[Statement]:
    """Auto Scaling starts nodes with encrypted volumes, without being named as principal (K2).

    EC2 Auto Scaling user guide, "Required KMS key policy for use with encrypted volumes".
    """
    role = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    conditions = {
        "StringEquals": {"kms:CallerAccount": context.account_id},
        "ArnEquals": {"aws:PrincipalArn": context.arn("iam", role, region="")},
    }
    return _use_and_grant("AutoScaling", conditions)


def _use_and_grant(sid: str, conditions: Mapping[str, Mapping[str, Any]]) -> list[Statement]:
    on_resources = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    return [
        statement(USE, "*", sid=f"{sid}Use", principals={"AWS": "*"}, conditions=conditions),
        statement(
            ["kms:CreateGrant"],
            "*",
            sid=f"{sid}Grant",
            principals={"AWS": "*"},
            conditions={**conditions, **on_resources},
        ),
    ]


def log_groups(context: Context, region: str) -> Statement:
    """CloudWatch Logs encrypts this account's groups of one region (O2)."""
    groups = context.arn("logs", "log-group:*", region=region)
    return statement(
        USE,
        "*",
        sid="LogGroups",
        principals={"Service": f"logs.{region}.amazonaws.com"},
        conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
    )


def topics(
    context: Context, region: str, publishers: tuple[str, ...], bound_by_topic: tuple[str, ...]
) -> list[Statement]:
    """Alarms and events reach encrypted topics; without this they vanish silently (P4).

    EventBridge is bound by the topic that SNS names in the encryption context: SNS does not support
    aws:SourceAccount in a key policy for it (SNS developer guide, as for PUBLISHERS).
    """
    actions = ["kms:Decrypt", "kms:GenerateDataKey*"]
    ours = context.arn("sns", "*", region=region)
    return [
        statement(
            actions,
            "*",
            sid="Publishers",
            principals={"Service": publishers},
            conditions={"StringEquals": {"aws:SourceAccount": context.account_id}},
        ),
        statement(
            actions,
            "*",
            sid="Topics",
            principals={"Service": bound_by_topic},
            conditions={"ArnLike": {"kms:EncryptionContext:aws:sns:topicArn": ours}},
        ),
    ]


def audit_trail(context: Context) -> list[Statement]:
    """CloudTrail writes into an encrypted bucket (AUDIT-03, T2).

    AWS Config and the access logs of load balancer, CDN and buckets need nothing here: their bucket
    takes no KMS (L6).
    """
    trails = context.arn("cloudtrail", "trail/*", region="*")
    return [
        statement(
            ["kms:GenerateDataKey*"],
            "*",
            sid="TrailEncrypts",
            principals={"Service": "cloudtrail.amazonaws.com"},
            conditions={
                "ArnLike": {"aws:SourceArn": trails},
                "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": trails},
            },
        ),
        # No more than the key's metadata, and CloudTrail's user guide asks for no condition: a
        # condition that the call does not carry is T2, and the trail is refused.
        statement(
            ["kms:DescribeKey"],
            "*",
            sid="TrailDescribes",
            principals={"Service": "cloudtrail.amazonaws.com"},
        ),
    ]


def data_policy(context: Context, region: str) -> str:
    """Databases and caches at rest; buckets and registries follow their callers' IAM rights."""
    return document(account_administers(context), *through(context, region, "elasticache", "rds"))


def logs_policy(context: Context, region: str) -> str:
    """Log groups, alarm topics, and the bucket of the audit trail."""
    return document(
        account_administers(context),
        log_groups(context, region),
        *topics(context, region, PUBLISHERS, BOUND_BY_TOPIC),
        *audit_trail(context),
    )


def logs_global_policy(context: Context, region: str) -> str:
    """Log groups and alarm topics of the edge, which only exist in us-east-1."""
    return document(
        account_administers(context),
        log_groups(context, region),
        *topics(context, region, GLOBAL_PUBLISHERS, GLOBAL_BOUND_BY_TOPIC),
    )


def secrets_policy(context: Context, region: str) -> str:  # noqa: ARG001 (one form for all)
    """IAM alone decides: reading a secret needs kms:Decrypt beside the secret's own right."""
    return document(account_administers(context))


def cluster_policy(context: Context, region: str) -> str:
    """Kubernetes secrets in etcd, volumes of nodes and of pods."""
    return document(
        account_administers(context),
        *through(context, region, "ec2", "eks"),
        *auto_scaling(context),
    )


def backups_policy(context: Context, region: str) -> str:
    """Recovery points; a copy is encrypted by the service of its source (RDS), not by the vault."""
    return document(account_administers(context), *through(context, region, "backup", "rds"))


@dataclass(frozen=True, kw_only=True)
class KeysArgs:
    context: Context
    settings: KeysSettings


class Keys(pulumi.ComponentResource):
    """logs_global is in us-east-1 (`logs` itself if that is the region); backups_copy is in the
    backup region."""

    data: aws.kms.Key
    logs: aws.kms.Key
    logs_global: aws.kms.Key
    secrets: aws.kms.Key
    cluster: aws.kms.Key
    backups: aws.kms.Key
    backups_copy: aws.kms.Key

    def __init__(
        self, name: str, args: KeysArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Keys", name, None, opts)
        self._name = name
        self._args = args
        context = args.context

        self.data = self._key("data", "databases and caches at rest", data_policy)
        self.logs = self._key("logs", "logs, alarms and the audit trail", logs_policy)
        self.secrets = self._key("secrets", "secrets of the application", secrets_policy)
        self.cluster = self._key("cluster", "Kubernetes secrets and volumes", cluster_policy)
        self.backups = self._key("backups", "backups", backups_policy)
        self.backups_copy = self._key(
            "backups-copy", "copies of backups", backups_policy, context.backup_region
        )
        self.logs_global = (
            self.logs
            if context.region == GLOBAL_REGION
            else self._key(
                "logs-global", "logs and alarms of the edge", logs_global_policy, GLOBAL_REGION
            )
        )
        self.register_outputs(
            {
                "data": self.data.arn,
                "logs": self.logs.arn,
                "logsGlobal": self.logs_global.arn,
                "secrets": self.secrets.arn,
                "cluster": self.cluster.arn,
                "backups": self.backups.arn,
                "backupsCopy": self.backups_copy.arn,
            }
        )

    def _key(
        self,
        purpose: str,
        what: str,
        policy: Callable[[Context, str], str],
        elsewhere: str | None = None,
    ) -> aws.kms.Key:
        """A key and its alias, in another region where one is named."""
        context, settings = self._args.context, self._args.settings
        region = elsewhere or context.region
        key = aws.kms.Key(
            f"{self._name}-{purpose}",
            description=f"{context.project} {context.stack}: {what}",
            policy=policy(context, region),
            enable_key_rotation=True,
            rotation_period_in_days=settings.rotation_period_days,
            deletion_window_in_days=settings.deletion_window_days,
            region=elsewhere,
            # Without the key its data is gone, so it is protected like the data.
            opts=pulumi.ResourceOptions(parent=self, protect=context.protect),
        )
        # People find the key by this name; it holds the stack's, so two stacks never meet (K3).
        aws.kms.Alias(
            f"{self._name}-{purpose}",
            name=f"alias/{context.name(purpose, limit=250)}",
            target_key_id=key.key_id,
            region=elsewhere,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return key
