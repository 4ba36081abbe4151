"""What records and judges everything in the account."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_aws as aws

from components.audit import Audit, AuditArgs, config_writer, log_writer
from components.context import Context
from settings.governance import GovernanceSettings
from tests.neighbours import neighbour
from tests.recorder import ACCOUNT, REGION, Recorder, once, record
from tests.settings.test_governance_settings import read

TRAIL = "aws:cloudtrail/trail:Trail"
DETECTOR = "aws:guardduty/detector:Detector"
FEATURE = "aws:guardduty/detectorFeature:DetectorFeature"
RECORDER = "aws:cfg/recorder:Recorder"
CHANNEL = "aws:cfg/deliveryChannel:DeliveryChannel"
STATUS = "aws:cfg/recorderStatus:RecorderStatus"
ANALYZER = "aws:accessanalyzer/analyzer:Analyzer"
VOLUMES = "aws:ebs/encryptionByDefault:EncryptionByDefault"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"

NOTHING_HERE: dict[str, Any] = dict.fromkeys(
    ("cloudTrail", "guardDuty", "config", "accessAnalyzer", "ebsEncryption"), "elsewhere"
)


@once
def audit(*, protect: bool = True, **keys: Any) -> Recorder:
    def bucket(name: str) -> Any:
        policy = aws.s3.BucketPolicy(
            f"{name}-policy", bucket=name, policy="{}", opts=pulumi.ResourceOptions(provider=ours())
        )
        return neighbour(
            name=pulumi.Output.from_input(name),
            arn=pulumi.Output.from_input(f"arn:aws:s3:::{name}"),
            ready=[policy],
        )

    made: dict[str, aws.Provider] = {}

    def ours() -> aws.Provider:
        return made["aws"]

    def program() -> None:
        made["aws"] = aws.Provider("aws", region=REGION)
        buckets = {
            noun: bucket(noun) for noun in ("audit", "access_logs", "dumps", "velero", "files")
        }
        key = neighbour(arn=pulumi.Output.from_input("arn:aws:kms:::key/logs"))
        settings: GovernanceSettings = read(**keys)
        Audit(
            "audit",
            AuditArgs(
                context=Context(
                    project="arches",
                    stack="test",
                    account_id=ACCOUNT,
                    region=REGION,
                    backup_region="eu-west-1",
                    protect=protect,
                    serves_customers=protect,
                ),
                settings=settings,
                keys=neighbour(logs=key),
                storage=neighbour(**buckets),
            ),
            pulumi.ResourceOptions(providers=[ours()]),
        )

    return record(program)


def urn(recorded: Recorder, type_: str, name: str) -> str:
    return recorded.one(type_, name).urn


def test_the_trail_sees_every_region_and_its_files_can_be_verified():
    trail = audit().one(TRAIL)
    assert {
        key: trail.inputs[key]
        for key in (
            "name",
            "s3BucketName",
            "kmsKeyId",
            "isMultiRegionTrail",
            "includeGlobalServiceEvents",
            "enableLogFileValidation",
            "enableLogging",
        )
    } == {
        "name": "arches-test-trail",
        "s3BucketName": "audit",
        "kmsKeyId": "arn:aws:kms:::key/logs",
        "isMultiRegionTrail": True,
        "includeGlobalServiceEvents": True,
        "enableLogFileValidation": True,
        "enableLogging": True,
    }
    assert trail.protect
    assert "advancedEventSelectors" not in trail.inputs


def test_the_trail_waits_for_the_buckets_policy_and_for_its_roles_rights():
    recorded = audit()
    waits = recorded.one(TRAIL).dependencies
    assert urn(recorded, BUCKET_POLICY, "audit-policy") in waits, "T1: refused before the policy"
    assert urn(recorded, "aws:iam/rolePolicy:RolePolicy", "audit-trail") in waits, "T3"


def test_the_trail_can_be_searched_in_a_log_group_of_a_year():
    recorded = audit()
    group = recorded.one("aws:cloudwatch/logGroup:LogGroup")
    assert group.inputs["retentionInDays"] == 365
    assert group.inputs["kmsKeyId"] == "arn:aws:kms:::key/logs"
    assert recorded.one(TRAIL).inputs["cloudWatchLogsGroupArn"].endswith(":*"), (
        "CloudTrail refuses the group's bare ARN"
    )


def test_cloudtrail_writes_to_its_own_log_group_only():
    assert json.loads(log_writer("arn:group"))["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": "arn:group:log-stream:*",
        }
    ]


def test_reads_of_backups_are_recorded_on_demand_and_management_events_stay():
    made = audit(trailDataEvents=True).one(TRAIL).inputs["advancedEventSelectors"]
    assert made == [
        {
            "name": "management",
            "fieldSelectors": [{"field": "eventCategory", "equals": ["Management"]}],
        },
        {
            "name": "objects",
            "fieldSelectors": [
                {"field": "eventCategory", "equals": ["Data"]},
                {"field": "resources.type", "equals": ["AWS::S3::Object"]},
                {
                    "field": "resources.ARN",
                    "startsWiths": [
                        "arn:aws:s3:::dumps/",
                        "arn:aws:s3:::velero/",
                        "arn:aws:s3:::files/",
                    ],
                },
            ],
        },
    ], "with selectors of its own a trail forgets management events unless they are named"


def test_every_feature_of_guardduty_is_said_on_or_off():
    recorded = audit()
    assert recorded.one(DETECTOR).inputs == {
        "enable": True,
        "findingPublishingFrequency": "FIFTEEN_MINUTES",
    }
    assert {each.inputs["name"]: each.inputs["status"] for each in recorded.of(FEATURE)} == {
        "EKS_AUDIT_LOGS": "ENABLED",
        "LAMBDA_NETWORK_LOGS": "DISABLED",
        "EBS_MALWARE_PROTECTION": "ENABLED",
        "RDS_LOGIN_EVENTS": "ENABLED",
        "RUNTIME_MONITORING": "DISABLED",
        "S3_DATA_EVENTS": "ENABLED",
    }


def test_runtime_monitoring_brings_its_agent_to_the_cluster_only():
    chosen = ["eksAuditLogs", "rds", "runtime", "s3"]
    runtime = audit(guardDutyFeatures=chosen).one(FEATURE, "audit-detector-runtime-monitoring")
    assert runtime.inputs["status"] == "ENABLED"
    assert runtime.inputs["additionalConfigurations"] == [
        {"name": "EKS_ADDON_MANAGEMENT", "status": "ENABLED"},
        {"name": "ECS_FARGATE_AGENT_MANAGEMENT", "status": "DISABLED"},
        {"name": "EC2_AGENT_MANAGEMENT", "status": "DISABLED"},
    ]


def test_config_starts_after_its_channel_and_the_channel_after_its_recorder():
    recorded = audit()
    channel, status = recorded.one(CHANNEL), recorded.one(STATUS)
    assert recorded.one(RECORDER).urn in channel.dependencies, "G2"
    assert urn(recorded, BUCKET_POLICY, "access_logs-policy") in channel.dependencies, "G3"
    assert channel.urn in status.dependencies, "G2"
    assert status.inputs["isEnabled"] is True


def test_config_never_delivers_to_the_locked_bucket():
    channel = audit().one(CHANNEL)
    assert channel.inputs["s3BucketName"] == "access_logs"
    assert channel.inputs["s3KeyPrefix"] == "config"
    rights = json.loads(config_writer("arn:b", ACCOUNT))["Statement"]
    assert rights[1]["Resource"] == f"arn:b/config/AWSLogs/{ACCOUNT}/Config/*"


def test_what_the_account_has_already_is_left_alone():
    recorded = audit(**NOTHING_HERE)
    assert [made.type for made in recorded.custom] == [BUCKET_POLICY] * 5
    (component,) = recorded.components
    assert not component.outputs, "there is no trail and no detector to hand on"


def test_every_part_is_decided_for_itself():
    for key, type_ in {
        "cloudTrail": TRAIL,
        "guardDuty": DETECTOR,
        "config": RECORDER,
        "accessAnalyzer": ANALYZER,
        "ebsEncryption": VOLUMES,
    }.items():
        recorded = audit(**{**NOTHING_HERE, key: "here"})
        others = {TRAIL, DETECTOR, RECORDER, ANALYZER, VOLUMES} - {type_}
        assert len(recorded.of(type_)) == 1
        assert not [made for made in recorded.custom if made.type in others], key


def test_a_throw_away_environment_does_not_lock_its_trail():
    recorded = audit(protect=False)
    assert not recorded.one(TRAIL).protect
    assert not recorded.one(DETECTOR).protect


def test_a_destroyed_environment_leaves_the_accounts_volumes_encrypted():
    assert audit().one(VOLUMES).retain_on_delete


def trust(role: str) -> dict[str, Any]:
    document = audit().one("aws:iam/role:Role", f"audit-{role}").inputs["assumeRolePolicy"]
    (statement,) = json.loads(document)["Statement"]
    return statement


def test_config_takes_its_role_for_this_account_only():
    assert trust("config")["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_cloudtrail_takes_its_role_without_a_condition_that_it_does_not_know():
    assert trust("trail") == {
        "Effect": "Allow",
        "Action": ["sts:AssumeRole"],
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
    }, "CloudTrail sends neither aws:SourceAccount nor aws:SourceArn: no event would reach the logs"


def test_every_child_lives_in_the_component_and_is_named_after_it():
    recorded = audit()
    (component,) = recorded.components
    for made in recorded.custom:
        if made.type != BUCKET_POLICY:
            assert made.parent == component.urn, made.name
            assert made.name.startswith("audit-"), made.name
