"""The record of every flow in a network: its log group, the role that writes it, the flow log.

Meets AUDIT-03 in its network part (control: flow logs on every VPC). Refusals N21, N22, O1, O2.

Refused: delivery to S3 (searches and alarms want CloudWatch); accepted flows only (a rejected one
is what an auditor asks for first).
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import Context
from components.documents import document, statement, trust
from components.keys import Keys
from settings.network import FlowLogs as FlowLogsSettings


def group_name(context: Context) -> str:
    """Auditors search the group by name; it holds the stack's, so two stacks never meet."""
    return f"/aws/vpc/{context.name('flow-logs')}"


def flow_log_trust(context: Context) -> str:
    """Only this account's flow logs may use the role (VPC user guide, "confused deputy")."""
    return trust(
        "vpc-flow-logs.amazonaws.com",
        conditions={
            "StringEquals": {"aws:SourceAccount": context.account_id},
            "ArnLike": {"aws:SourceArn": context.arn("ec2", "vpc-flow-log/*")},
        },
    )


def flow_log_policy(context: Context, group: str) -> str:
    """Writing into one group.

    Without CreateLogGroup: a late delivery would bring the group back after it was destroyed,
    without key or retention, and the next deployment would meet it (O1).
    """
    return document(
        statement(
            ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            [context.arn("logs", f"log-group:{group}:*")],
        ),
        statement(["logs:DescribeLogGroups"], [context.arn("logs", "log-group:*")]),
    )


@dataclass(frozen=True, kw_only=True)
class FlowLogsArgs:
    context: Context
    settings: FlowLogsSettings
    vpc_id: pulumi.Input[str]
    keys: Keys


class FlowLogs(pulumi.ComponentResource):
    """The log of every connection; log_group_name is what auditors search."""

    log_group_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: FlowLogsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:FlowLogs", name, None, opts)
        self._name = name
        self._args = args
        self._here = pulumi.ResourceOptions(parent=self)

        group = self._group()
        role, rights = self._role()
        self._flow_log(group, role, rights)

        self.log_group_name = group.name
        self.register_outputs({"logGroupName": self.log_group_name})

    def _group(self) -> aws.cloudwatch.LogGroup:
        context = self._args.context
        return aws.cloudwatch.LogGroup(
            self._name,
            name=group_name(context),
            retention_in_days=self._args.settings.retention_days,
            kms_key_id=self._args.keys.logs.arn,
            # Evidence: the service itself refuses to delete it too.
            deletion_protection_enabled=context.protect,
            opts=pulumi.ResourceOptions(parent=self, protect=context.protect),
        )

    def _role(self) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        context = self._args.context
        role = aws.iam.Role(
            self._name,
            description="Lets VPC flow logs write into their log group",
            assume_role_policy=flow_log_trust(context),
            opts=self._here,
        )
        rights = aws.iam.RolePolicy(
            self._name,
            role=role.id,
            policy=flow_log_policy(context, group_name(context)),
            opts=self._here,
        )
        return role, rights

    def _flow_log(
        self, group: aws.cloudwatch.LogGroup, role: aws.iam.Role, rights: aws.iam.RolePolicy
    ) -> None:
        aws.ec2.FlowLog(
            self._name,
            vpc_id=self._args.vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=self._args.settings.aggregation_seconds,
            tags={"Name": self._args.context.name("flow-logs")},
            # It delivers at once, so the rights come first; a second one with the same
            # destination is refused, so the old one goes first (N21).
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[rights], delete_before_replace=True
            ),
        )
