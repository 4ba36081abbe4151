"""What records and judges everything that happens in the account.

Meets AUDIT-03: CloudTrail in all regions, with validated files, encrypted, in a bucket of its own
that is locked, and in a log group that can be searched; GuardDuty over EKS audit logs, S3, RDS
logins and malware; AWS Config's history; IAM Access Analyzer; encryption of every new volume.
Who hears of a finding is said in `components/alarms.py`.

All of it is account-wide, and two environments may share an account: each part is made where its
setting says `here` and is left alone where it says `elsewhere` (refusals G1, G4, T4).

Refused: data sources on the detector (G5, features only); AWS Config in the trail's bucket (it
does not deliver to a locked one); Config's service-linked role (it may exist already, I14).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.context import Context
from components.documents import document, statement, trust
from components.storage import CONFIG_PREFIX
from settings.governance import GovernanceSettings

if TYPE_CHECKING:
    from components.keys import Keys
    from components.storage import Storage

# Feature of the settings -> feature of the API. A new detector switches some of them on by itself,
# so each one is said, on or off.
FEATURES = {
    "eksAuditLogs": "EKS_AUDIT_LOGS",
    "lambda": "LAMBDA_NETWORK_LOGS",
    "malware": "EBS_MALWARE_PROTECTION",
    "rds": "RDS_LOGIN_EVENTS",
    "runtime": "RUNTIME_MONITORING",
    "s3": "S3_DATA_EVENTS",
}
# Only the cluster's nodes are ours to watch; the agent comes as an EKS add-on.
RUNTIME_AGENTS = {
    "EKS_ADDON_MANAGEMENT": "ENABLED",
    "ECS_FARGATE_AGENT_MANAGEMENT": "DISABLED",
    "EC2_AGENT_MANAGEMENT": "DISABLED",
}


def log_writer(group_arn: str) -> str:
    """What CloudTrail may do in its log group, and in no other."""
    return document(
        statement(["logs:CreateLogStream", "logs:PutLogEvents"], f"{group_arn}:log-stream:*")
    )


def config_writer(bucket_arn: str, account_id: str) -> str:
    """What AWS Config may do in the bucket that takes its history."""
    return document(
        statement(["s3:GetBucketAcl", "s3:ListBucket"], bucket_arn, sid="Look"),
        statement(
            ["s3:PutObject"],
            f"{bucket_arn}/{CONFIG_PREFIX}/AWSLogs/{account_id}/Config/*",
            sid="Deliver",
            conditions={"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
        ),
    )


def selectors(
    bucket_arns: Sequence[pulumi.Input[str]],
) -> list[aws.cloudtrail.TrailAdvancedEventSelectorArgsDict]:
    """Management events, and data events of these buckets (never of the trail's own: a loop)."""
    return [
        {
            "name": "management",
            "field_selectors": [{"field": "eventCategory", "equals": ["Management"]}],
        },
        {
            "name": "objects",
            "field_selectors": [
                {"field": "eventCategory", "equals": ["Data"]},
                {"field": "resources.type", "equals": ["AWS::S3::Object"]},
                {
                    "field": "resources.ARN",
                    "starts_withs": [pulumi.Output.concat(arn, "/") for arn in bucket_arns],
                },
            ],
        },
    ]


@dataclass(frozen=True, kw_only=True)
class AuditArgs:
    context: Context
    settings: GovernanceSettings
    keys: Keys
    storage: Storage


class Audit(pulumi.ComponentResource):
    """trail_arn, detector_id: None where the account has them from elsewhere."""

    trail_arn: pulumi.Output[str] | None
    detector_id: pulumi.Output[str] | None

    def __init__(
        self, name: str, args: AuditArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Audit", name, None, opts)
        self._name, self._args = name, args
        self._here = pulumi.ResourceOptions(parent=self)
        # What watches stays when data stays: an intruder's first deed is to switch it off.
        self._kept = pulumi.ResourceOptions(parent=self, protect=args.context.protect)

        settings = args.settings
        self.trail_arn = self._trail() if settings.cloud_trail == "here" else None
        self.detector_id = self._detector() if settings.guard_duty == "here" else None
        if settings.config == "here":
            self._recorder()
        if settings.access_analyzer == "here":
            self._analyzer()
        if settings.ebs_encryption == "here":
            self._encrypted_volumes()
        self.register_outputs({"trailArn": self.trail_arn, "detectorId": self.detector_id})

    def _trail(self) -> pulumi.Output[str]:
        args, settings = self._args, self._args.settings
        group = aws.cloudwatch.LogGroup(
            f"{self._name}-trail-logs",
            kms_key_id=args.keys.logs.arn,
            retention_in_days=settings.audit_retention_days,
            opts=self._kept,
        )
        role = aws.iam.Role(
            f"{self._name}-trail",
            description="CloudTrail writes into its log group",
            # Without a condition, for this role alone: it "doesn't support the use of aws:SourceArn
            # and aws:SourceAccount" (CloudTrail user guide, "Role policy document for CloudTrail to
            # use CloudWatch Logs for monitoring"); with one, no event arrives (prowler issue 4714).
            # All that the role can do is to write into our log group.
            assume_role_policy=trust("cloudtrail.amazonaws.com"),
            opts=self._here,
        )
        rights = aws.iam.RolePolicy(
            f"{self._name}-trail",
            role=role.name,
            policy=group.arn.apply(log_writer),
            opts=self._here,
        )
        storage = args.storage
        watched = [storage.dumps.arn, storage.velero.arn, storage.files.arn]
        trail = aws.cloudtrail.Trail(
            f"{self._name}-trail",
            # The bucket's policy names it before it exists (T1).
            name=args.context.name("trail"),
            s3_bucket_name=storage.audit.name,
            kms_key_id=args.keys.logs.arn,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            enable_logging=True,
            cloud_watch_logs_group_arn=group.arn.apply(lambda arn: f"{arn}:*"),
            cloud_watch_logs_role_arn=role.arn,
            advanced_event_selectors=(selectors(watched) if settings.trail_data_events else None),
            insight_selectors=(
                [
                    {"insight_type": "ApiCallRateInsight"},
                    {"insight_type": "ApiErrorRateInsight"},
                ]
                if settings.trail_insights
                else None
            ),
            # T1 and T3: both policies before the trail.
            opts=pulumi.ResourceOptions.merge(
                self._kept, pulumi.ResourceOptions(depends_on=[*storage.audit.ready, rights])
            ),
        )
        return trail.arn

    def _detector(self) -> pulumi.Output[str]:
        detector = aws.guardduty.Detector(
            f"{self._name}-detector",
            enable=True,
            finding_publishing_frequency="FIFTEEN_MINUTES",
            opts=self._kept,
        )
        for feature, known_as in FEATURES.items():
            chosen = feature in self._args.settings.guard_duty_features
            aws.guardduty.DetectorFeature(
                f"{self._name}-detector-{known_as.lower().replace('_', '-')}",
                detector_id=detector.id,
                name=known_as,
                status="ENABLED" if chosen else "DISABLED",
                additional_configurations=(
                    [
                        {"name": agent, "status": status if chosen else "DISABLED"}
                        for agent, status in RUNTIME_AGENTS.items()
                    ]
                    if feature == "runtime"
                    else None
                ),
                opts=self._here,
            )
        return detector.id

    def _recorder(self) -> None:
        args = self._args
        role = aws.iam.Role(
            f"{self._name}-config",
            description="AWS Config reads the account and delivers its history",
            assume_role_policy=trust(
                "config.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": args.context.account_id}},
            ),
            opts=self._here,
        )
        reads = aws.iam.RolePolicyAttachment(
            f"{self._name}-config-reads",
            role=role.name,
            policy_arn=f"arn:{args.context.partition}:iam::aws:policy/service-role/AWS_ConfigRole",
            opts=self._here,
        )
        bucket = args.storage.access_logs
        writes = aws.iam.RolePolicy(
            f"{self._name}-config-writes",
            role=role.name,
            policy=bucket.arn.apply(lambda arn: config_writer(arn, args.context.account_id)),
            opts=self._here,
        )
        recorder = aws.cfg.Recorder(
            f"{self._name}-config",
            role_arn=role.arn,
            recording_group={"all_supported": True, "include_global_resource_types": True},
            opts=self._here,
        )
        # G2: recorder, then channel, then start; a destroy walks the same way back. G3: the
        # bucket's policy and the role's rights before the first delivery is tried.
        channel = aws.cfg.DeliveryChannel(
            f"{self._name}-config",
            s3_bucket_name=bucket.name,
            s3_key_prefix=CONFIG_PREFIX,
            snapshot_delivery_properties={"delivery_frequency": "TwentyFour_Hours"},
            opts=pulumi.ResourceOptions.merge(
                self._here,
                pulumi.ResourceOptions(depends_on=[recorder, reads, writes, *bucket.ready]),
            ),
        )
        aws.cfg.RecorderStatus(
            f"{self._name}-config",
            name=recorder.name,
            is_enabled=True,
            opts=pulumi.ResourceOptions.merge(
                self._here, pulumi.ResourceOptions(depends_on=[channel])
            ),
        )

    def _analyzer(self) -> None:
        aws.accessanalyzer.Analyzer(
            f"{self._name}-analyzer",
            # The service has no names of its own making: people find it by this one.
            analyzer_name=self._args.context.name("analyzer"),
            type="ACCOUNT",
            opts=self._here,
        )

    def _encrypted_volumes(self) -> None:
        """Without a default key of ours: other environments of the account must not need it."""
        aws.ebs.EncryptionByDefault(
            f"{self._name}-volumes",
            enabled=True,
            # Destroying one environment must not open the others' volumes.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=self._args.context.protect),
        )
