"""What the pipeline may do: its own deployment, and nothing to its watchers or to other stacks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest

from components import delivery, naming
from components import delivery_rights as rights
from tests.components.test_delivery import (
    DOMAINS,
    IMAGE,
    PROVIDER_ARN,
    boundary,
    by_sid,
    context,
    denied,
)
from tests.recorder import ACCOUNT, REGION
from tests.settings.test_governance_settings import read


def documents() -> dict[str, str]:
    settings = read(
        stateBucket="b" * 63,
        stateKeyArn=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    )
    images = [f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{'r' * 60}{n}" for n in range(12)]
    return {
        **{group: rights.service_rights(group) for group in rights.SERVICES},
        "own": rights.own_rights(context(), settings, images),
        "boundary": rights.boundary(context(), settings, ["d" * 253, "archesai.internal"]),
        "no-contents": delivery.no_contents(),
    }


@pytest.mark.parametrize("noun", documents())
def test_a_policy_fits_below_the_limit_of_iam(noun):
    length = len(re.sub(r"\s", "", documents()[noun]))
    assert length <= 6144, f"I2: {noun} has {length} characters"


@pytest.mark.parametrize("noun", documents())
def test_a_policy_names_each_statement_once(noun):
    sids = [each.get("Sid") for each in json.loads(documents()[noun])["Statement"]]
    assert len(set(sids)) == len(sids), "I10"


@pytest.mark.parametrize("group", rights.SERVICES)
def test_no_right_is_a_whole_service(group):
    for statement in json.loads(rights.service_rights(group))["Statement"]:
        for action in statement["Action"]:
            assert not action.endswith(":*"), f"{action}: FSBP IAM.21"


def granted(action: str) -> bool:
    """Whether one of the service groups, which have no conditions, grants the action."""
    patterns = [
        pattern
        for group in rights.SERVICES
        for statement in json.loads(rights.service_rights(group))["Statement"]
        for pattern in statement["Action"]
    ]
    return any(fnmatchcase(action, pattern) for pattern in patterns)


@pytest.mark.parametrize(
    "action",
    [
        "ec2:CreateVpc",
        "eks:CreateCluster",
        "rds:CreateDBInstance",
        "elasticache:CreateReplicationGroup",
        "cloudfront:CreateVpcOrigin",
        "wafv2:AssociateWebACL",
        "route53:ChangeResourceRecordSets",
        "sns:SetTopicAttributes",
        "budgets:ModifyBudget",
        "backup:PutBackupVaultLockConfiguration",
    ],
)
def test_the_deploy_role_can_make_what_the_program_declares(action):
    assert granted(action)


@pytest.mark.parametrize(
    "action", ["s3:GetObject", "secretsmanager:GetSecretValue", "kms:Decrypt", "iam:PassRole"]
)
def test_what_gives_contents_or_power_is_never_granted_without_a_condition(action):
    assert not granted(action)


def test_keys_are_used_through_services_only():
    found = by_sid(rights.own_rights(context(), read(), [IMAGE]))
    assert found["KeysThroughServices"]["Condition"] == {
        "StringEquals": {
            "kms:ViaService": [
                "backup.eu-central-1.amazonaws.com",
                "backup.eu-west-1.amazonaws.com",
                "rds.eu-central-1.amazonaws.com",
                "rds.eu-west-1.amazonaws.com",
                "secretsmanager.eu-central-1.amazonaws.com",
                "secretsmanager.eu-west-1.amazonaws.com",
            ]
        }
    }
    assert found["Images"]["Resource"] == [IMAGE], "no other repository of the account"
    assert "State" not in found
    assert "StateKey" not in found


def test_secrets_are_read_back_in_the_own_environment_only():
    read_back = by_sid(rights.own_rights(context(), read(), [IMAGE]))["SecretsItWrote"]
    assert read_back["Resource"] == (
        f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:arches/test/*"
    ), "the pipeline of staging would read production's secrets where both share an account"


def test_roles_are_passed_to_the_programs_services_only():
    passed = by_sid(rights.own_rights(context(), read(), [IMAGE]))["RolesForServices"]
    assert passed["Action"] == ["iam:PassRole"]
    assert passed["Condition"]["StringEquals"]["iam:PassedToService"] == list(rights.PASSED_TO)


def test_the_state_is_one_bucket_and_one_key():
    settings = read(
        stateBucket="archesai-pulumi-state", stateKeyArn=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
    )
    found = by_sid(rights.own_rights(context(), settings, [IMAGE]))
    assert found["State"]["Resource"] == [
        "arn:aws:s3:::archesai-pulumi-state",
        "arn:aws:s3:::archesai-pulumi-state/*",
    ]
    assert found["StateKey"]["Resource"] == settings.state_key_arn


def test_the_pipeline_never_leaves_the_deployments_regions():
    statement = by_sid(boundary())["OwnRegions"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {
        "StringNotEquals": {"aws:RequestedRegion": ["eu-central-1", "eu-west-1", "us-east-1"]}
    }


@pytest.mark.parametrize(
    "action",
    [
        "cloudtrail:StopLogging",
        "cloudtrail:DeleteTrail",
        "cloudtrail:UpdateTrail",
        "cloudtrail:PutEventSelectors",
        "guardduty:DeleteDetector",
        "guardduty:UpdateDetector",
        "guardduty:CreateFilter",
        "config:StopConfigurationRecorder",
        "config:PutConfigurationRecorder",
        "config:DeleteDeliveryChannel",
        "access-analyzer:CreateArchiveRule",
        "s3:PutAccountPublicAccessBlock",
        "ec2:DisableEbsEncryptionByDefault",
    ],
)
@pytest.mark.parametrize("protect", [True, False])
def test_the_pipeline_cannot_close_the_watchers_eyes(action, protect):
    assert denied(boundary(protect=protect), action)


@pytest.mark.parametrize(
    "action",
    [
        "rds:DeleteDBInstance",
        "rds:DeleteDBSnapshot",
        "backup:DeleteRecoveryPoint",
        "elasticache:DeleteReplicationGroup",
        "kms:ScheduleKeyDeletion",
        "s3:DeleteObjectVersion",
        "s3:BypassGovernanceRetention",
        "logs:DeleteLogGroup",
        "ec2:DeleteFlowLogs",
        "kms:PutKeyPolicy",
        "backup:PutBackupVaultAccessPolicy",
    ],
)
def test_protected_data_is_destroyed_by_people_only(action):
    assert denied(boundary(), action)
    assert not denied(boundary(protect=False), action), (
        "an environment without protection can be thrown away by its pipeline"
    )


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:DeleteRolePermissionsBoundary", f"arn:aws:iam::{ACCOUNT}:role/arches-test-deploy"),
        ("iam:UpdateAssumeRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/arches-prod-preview"),
        ("iam:CreatePolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/arches-test-deploy-boundary"),
        ("iam:CreatePolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/arches-prod-deploy-own"),
        ("iam:AddClientIDToOpenIDConnectProvider", PROVIDER_ARN),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/arches-test-deploy"),
    ],
)
def test_the_pipeline_cannot_widen_itself_or_another_environments(action, resource):
    statement = by_sid(boundary())["NotItself"]
    assert statement["Effect"] == "Deny"
    assert any(fnmatchcase(action, pattern) for pattern in statement["Action"])
    assert any(fnmatchcase(resource, pattern) for pattern in statement["Resource"])


@pytest.mark.parametrize(
    "action", ["iam:CreateUser", "iam:CreateAccessKey", "sts:AssumeRole", "organizations:X"]
)
def test_the_ceiling_leaves_out_users_keys_other_roles_and_the_organisation(action):
    ceiling = by_sid(boundary())["Ceiling"]
    assert any(fnmatchcase(action, pattern) for pattern in ceiling["NotAction"])


# -- what it comes to -----------------------------------------------------------------------


def _said(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _fits(value: str, patterns: Any) -> bool:
    return any(fnmatchcase(value.lower(), each.lower()) for each in _said(patterns))


def _holds(conditions: Mapping[str, Mapping[str, Any]], asked: Mapping[str, list[str]]) -> bool:
    """IAM user guide, "IAM JSON policy elements: Condition operators", as far as used here."""

    def one(operator: str, values: list[str], found: list[str] | None) -> bool:
        if operator == "Null":
            return (found is None) is (values == ["true"])
        if operator == "ForAnyValue:StringNotLike":
            return any(not _fits(each, values) for each in found or [])
        if operator == "StringNotEquals":  # also where the key is missing
            return not set(found or []) & set(values)
        assert operator in ("StringEquals", "ArnEquals", "Bool"), operator
        return bool(set(found or []) & set(values))

    return all(
        one(operator, _said(values), asked.get(key))
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _speaks(statement: Mapping[str, Any], action: str, resource: str, **asked: list[str]) -> bool:
    """Whether a statement is about a request."""
    actions = _fits(action, statement.get("Action", statement.get("NotAction")))
    resources = _fits(resource, statement.get("Resource", statement.get("NotResource")))
    return (
        actions is ("Action" in statement)
        and resources is ("Resource" in statement)
        and _holds(statement.get("Condition", {}), asked)
    )


def _may(settings: Any, protect: bool, action: str, resource: str, **asked: list[str]) -> bool:
    asked = {"aws:RequestedRegion": [REGION], **asked}
    here = context(protect=protect)
    grants = [
        *(rights.service_rights(group) for group in rights.SERVICES),
        rights.own_rights(here, settings, [IMAGE]),
    ]
    ceiling = rights.boundary(here, settings, DOMAINS)

    def spoken(document: str, effect: str) -> Iterator[Any]:
        for each in json.loads(document)["Statement"]:
            if each["Effect"] == effect and _speaks(each, action, resource, **asked):
                yield each

    return (
        any(any(spoken(each, "Allow")) for each in grants)
        and any(spoken(ceiling, "Allow"))
        and not any(spoken(ceiling, "Deny"))
    )


def may(
    action: str,
    resource: str,
    *,
    of: str | None = None,
    asked: Mapping[str, list[str]] | None = None,
) -> bool:
    """Whether the role of an unprotected stack `test` may, with a resource that bears a tag."""
    tags = {} if of is None else {"aws:ResourceTag/stack": [of]}
    return _may(read(), False, action, resource, **tags, **(asked or {}))


def _at(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


# What would take over an environment or destroy it, where AWS asks for the tags of the thing.
TAKEOVERS = [
    ("eks:CreateAccessEntry", _at("eks", "cluster/arches-*-cluster")),
    ("eks:AssociateAccessPolicy", _at("eks", "access-entry/arches-*-cluster/role/1/r/2")),
    ("eks:CreatePodIdentityAssociation", _at("eks", "cluster/arches-*-cluster")),
    ("rds:ModifyDBInstance", _at("rds", "db:database-1")),
    ("rds:DeleteDBInstance", _at("rds", "db:database-1")),
    ("rds:RestoreDBInstanceFromDBSnapshot", _at("rds", "snapshot:rds:database-1")),
    ("elasticache:DeleteReplicationGroup", _at("elasticache", "replicationgroup:cache-1")),
    ("kms:ScheduleKeyDeletion", _at("kms", "key/1")),
    ("kms:PutKeyPolicy", _at("kms", "key/1")),
    ("kms:CreateGrant", _at("kms", "key/1")),
    ("secretsmanager:PutResourcePolicy", _at("secretsmanager", "secret:arches/*/api")),
    ("backup:DeleteRecoveryPoint", _at("backup", "recovery-point:1")),
    ("logs:DeleteLogGroup", _at("logs", "log-group:trail")),
    ("ec2:DeleteVolume", _at("ec2", "volume/vol-1")),
    ("ec2:AuthorizeSecurityGroupIngress", _at("ec2", "security-group/sg-1")),
    ("ec2:CreateTags", _at("ec2", "volume/vol-1")),
    ("cloudfront:UpdateDistribution", f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1"),
    ("wafv2:UpdateWebACL", _at("wafv2", "regional/webacl/edge/1")),
    ("sns:SetTopicAttributes", _at("sns", "alarms")),
    ("iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/api-1"),
    ("iam:UpdateAssumeRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/api-1"),
    ("iam:CreatePolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/api-1"),
]


@pytest.mark.parametrize(("action", "resource"), TAKEOVERS)
def test_the_pipeline_of_staging_does_nothing_to_what_is_productions(action, resource):
    assert not may(action, resource, of="prod"), (
        "whoever reviews for staging would have production, where both share an account"
    )


@pytest.mark.parametrize(("action", "resource"), TAKEOVERS)
def test_the_pipeline_changes_what_is_its_own_or_nobodys(action, resource):
    assert may(action, resource, of="test"), "the environment's own deployment would stop here"
    assert may(action, resource), "what is about to be made bears no tag yet"


@pytest.mark.parametrize("action", ["s3:PutBucketPolicy", "s3:DeleteBucket", "s3:GetBucketPolicy"])
def test_the_pipeline_changes_its_own_buckets_only(action):
    for region in (REGION, "eu-west-1"):
        assert may(action, f"arn:aws:s3:::arches-test-files-{ACCOUNT}-{region}")
    for other in ("arches-prod-files", "arches-prod-test-files", "arches-test2-files"):
        assert not may(action, f"arn:aws:s3:::{other}-{ACCOUNT}-{REGION}"), (
            "S3 asks no bucket for its tags unless it was told to"
        )


@pytest.mark.parametrize("stack", ["s", "production", "feature-of-thirty-characters-x"])
@pytest.mark.parametrize("noun", ["dumps", "velero", "a-noun-that-is-far-too-long-for-s3"])
def test_every_bucket_of_a_stack_is_granted_however_long_its_name(stack, noun):
    name = naming.bucket("arches", stack, noun, ACCOUNT, REGION)
    assert fnmatchcase(name, naming.buckets("arches", stack, ACCOUNT, REGION)), name


def test_the_pipeline_changes_its_own_names_only():
    def change(*names: str) -> bool:
        key = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
        zone = "arn:aws:route53:::hostedzone/Z1"
        return may("route53:ChangeResourceRecordSets", zone, asked={key: list(names)})

    assert change("test.archesai.com"), "the delegation in the parent zone"
    assert change("api.test.archesai.com", "_1234.app.test.archesai.com")
    assert change("db.archesai.internal")
    assert not change("api.archesai.com"), "Route 53 knows no tags: the zone would be open"
    assert not change("api.test.archesai.com", "api.archesai.com"), "one of several is enough"
    assert not change("nottest.archesai.com")


def test_a_state_key_of_another_stack_is_used_and_nothing_else_is_done_with_it():
    key = _at("kms", "key/state")
    settings = read(stateBucket="arches-prod-state", stateKeyArn=key)
    prods = {"aws:ResourceTag/stack": ["prod"]}
    for action in rights.STATE_KEY_USES:
        assert _may(settings, False, action, key, **prods), (
            f"{action}: this stack could not read its own secrets"
        )
    assert not _may(settings, False, "kms:ScheduleKeyDeletion", key, **prods)
    assert not _may(settings, False, "kms:PutKeyPolicy", key, **prods)
    assert not _may(settings, False, "kms:CreateGrant", _at("kms", "key/data"), **prods)


def test_the_tag_that_tells_stacks_apart_is_the_one_that_everything_bears(recorded):
    (tag,) = by_sid(boundary())["OtherStacks"]["Condition"]["Null"]
    (provider,) = recorded.made.of("pulumi:providers:aws")
    bears = json.loads(provider.inputs["defaultTags"])["tags"]
    assert bears[tag.removeprefix("aws:ResourceTag/")] == recorded.stack, (
        "the boundary would ask for a tag that nothing has"
    )


# What each resource of the program is made, changed and taken away with, beside reading and tags
# (service authorization reference). What a person makes is not among them.
CALLS = {
    "aws:acm/certificate:Certificate": "acm: RequestCertificate DeleteCertificate",
    "aws:backup/plan:Plan": "backup: CreateBackupPlan UpdateBackupPlan DeleteBackupPlan",
    "aws:backup/restoreTestingPlan:RestoreTestingPlan": "backup: CreateRestoreTestingPlan "
    "UpdateRestoreTestingPlan DeleteRestoreTestingPlan",
    "aws:backup/restoreTestingSelection:RestoreTestingSelection": "backup: "
    "CreateRestoreTestingSelection UpdateRestoreTestingSelection DeleteRestoreTestingSelection",
    "aws:backup/selection:Selection": "backup: CreateBackupSelection DeleteBackupSelection",
    "aws:backup/vault:Vault": "backup: CreateBackupVault DeleteBackupVault; backup-storage: "
    "MountCapsule; kms: CreateGrant RetireGrant",
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": "backup: "
    "PutBackupVaultLockConfiguration DeleteBackupVaultLockConfiguration",
    "aws:backup/vaultPolicy:VaultPolicy": "backup: PutBackupVaultAccessPolicy "
    "DeleteBackupVaultAccessPolicy",
    "aws:budgets/budget:Budget": "budgets: ModifyBudget",
    "aws:cloudfront/distribution:Distribution": "cloudfront: CreateDistribution UpdateDistribution "
    "DeleteDistribution",
    "aws:cloudfront/function:Function": "cloudfront: CreateFunction PublishFunction UpdateFunction "
    "DeleteFunction",
    "aws:cloudfront/originRequestPolicy:OriginRequestPolicy": "cloudfront: "
    "CreateOriginRequestPolicy UpdateOriginRequestPolicy DeleteOriginRequestPolicy",
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": "cloudfront: "
    "CreateResponseHeadersPolicy UpdateResponseHeadersPolicy DeleteResponseHeadersPolicy",
    "aws:cloudfront/vpcOrigin:VpcOrigin": "cloudfront: CreateVpcOrigin UpdateVpcOrigin "
    "DeleteVpcOrigin",
    "aws:cloudwatch/eventRule:EventRule": "events: PutRule DeleteRule",
    "aws:cloudwatch/eventTarget:EventTarget": "events: PutTargets RemoveTargets",
    "aws:cloudwatch/logDelivery:LogDelivery": "logs: CreateDelivery UpdateDeliveryConfiguration "
    "DeleteDelivery; cloudfront: AllowVendedLogDeliveryForResource",
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": "logs: PutDeliveryDestination "
    "DeleteDeliveryDestination",
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": "logs: PutDeliverySource "
    "DeleteDeliverySource",
    "aws:cloudwatch/logGroup:LogGroup": "logs: CreateLogGroup PutRetentionPolicy AssociateKmsKey "
    "PutLogGroupDeletionProtection DeleteLogGroup",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": "logs: PutResourcePolicy "
    "DeleteResourcePolicy",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "cloudwatch: PutMetricAlarm DeleteAlarms",
    "aws:costexplorer/costAllocationTag:CostAllocationTag": "ce: UpdateCostAllocationTagsStatus",
    "aws:ebs/encryptionByDefault:EncryptionByDefault": "ec2: EnableEbsEncryptionByDefault",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "ec2: RevokeSecurityGroupIngress "
    "RevokeSecurityGroupEgress",
    "aws:ec2/eip:Eip": "ec2: AllocateAddress DisassociateAddress ReleaseAddress",
    "aws:ec2/flowLog:FlowLog": "ec2: CreateFlowLogs DeleteFlowLogs",
    "aws:ec2/internetGateway:InternetGateway": "ec2: CreateInternetGateway AttachInternetGateway "
    "DetachInternetGateway DeleteInternetGateway",
    "aws:ec2/launchTemplate:LaunchTemplate": "ec2: CreateLaunchTemplate "
    "CreateLaunchTemplateVersion ModifyLaunchTemplate DeleteLaunchTemplate",
    "aws:ec2/natGateway:NatGateway": "ec2: CreateNatGateway DeleteNatGateway",
    "aws:ec2/route:Route": "ec2: CreateRoute ReplaceRoute DeleteRoute",
    "aws:ec2/routeTable:RouteTable": "ec2: CreateRouteTable DeleteRouteTable",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "ec2: AssociateRouteTable "
    "ReplaceRouteTableAssociation DisassociateRouteTable",
    "aws:ec2/securityGroup:SecurityGroup": "ec2: CreateSecurityGroup DeleteSecurityGroup",
    "aws:ec2/subnet:Subnet": "ec2: CreateSubnet ModifySubnetAttribute DeleteSubnet",
    "aws:ec2/vpc:Vpc": "ec2: CreateVpc ModifyVpcAttribute DeleteVpc",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "ec2: CreateVpcEndpoint ModifyVpcEndpoint "
    "DeleteVpcEndpoints",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "ecr: PutLifecyclePolicy DeleteLifecyclePolicy",
    "aws:ecr/repository:Repository": "ecr: CreateRepository PutImageTagMutability "
    "PutImageScanningConfiguration DeleteRepository",
    "aws:eks/accessEntry:AccessEntry": "eks: CreateAccessEntry UpdateAccessEntry DeleteAccessEntry",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": "eks: AssociateAccessPolicy "
    "DisassociateAccessPolicy",
    "aws:eks/addon:Addon": "eks: CreateAddon UpdateAddon DeleteAddon",
    "aws:eks/cluster:Cluster": "eks: CreateCluster UpdateClusterConfig UpdateClusterVersion "
    "AssociateEncryptionConfig DeleteCluster",
    "aws:eks/nodeGroup:NodeGroup": "eks: CreateNodegroup UpdateNodegroupConfig "
    "UpdateNodegroupVersion DeleteNodegroup; ec2: RunInstances",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": "eks: CreatePodIdentityAssociation "
    "UpdatePodIdentityAssociation DeletePodIdentityAssociation",
    "aws:elasticache/parameterGroup:ParameterGroup": "elasticache: CreateCacheParameterGroup "
    "ModifyCacheParameterGroup DeleteCacheParameterGroup",
    "aws:elasticache/replicationGroup:ReplicationGroup": "elasticache: CreateReplicationGroup "
    "ModifyReplicationGroup IncreaseReplicaCount DecreaseReplicaCount DeleteReplicationGroup",
    "aws:elasticache/subnetGroup:SubnetGroup": "elasticache: CreateCacheSubnetGroup "
    "ModifyCacheSubnetGroup DeleteCacheSubnetGroup",
    "aws:iam/policy:Policy": "iam: CreatePolicy CreatePolicyVersion DeletePolicyVersion "
    "DeletePolicy",
    "aws:iam/role:Role": "iam: CreateRole UpdateRole UpdateAssumeRolePolicy DeleteRole",
    "aws:iam/rolePolicy:RolePolicy": "iam: PutRolePolicy DeleteRolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "iam: AttachRolePolicy DetachRolePolicy",
    "aws:kms/alias:Alias": "kms: CreateAlias UpdateAlias DeleteAlias",
    "aws:kms/key:Key": "kms: CreateKey EnableKeyRotation PutKeyPolicy UpdateKeyDescription "
    "ScheduleKeyDeletion",
    "aws:lb/listener:Listener": "elasticloadbalancing: CreateListener ModifyListener "
    "DeleteListener",
    "aws:lb/listenerRule:ListenerRule": "elasticloadbalancing: CreateRule ModifyRule "
    "SetRulePriorities DeleteRule",
    "aws:lb/loadBalancer:LoadBalancer": "elasticloadbalancing: CreateLoadBalancer "
    "ModifyLoadBalancerAttributes SetSecurityGroups SetSubnets DeleteLoadBalancer",
    "aws:lb/targetGroup:TargetGroup": "elasticloadbalancing: CreateTargetGroup ModifyTargetGroup "
    "ModifyTargetGroupAttributes DeleteTargetGroup",
    "aws:rds/eventSubscription:EventSubscription": "rds: CreateEventSubscription "
    "ModifyEventSubscription DeleteEventSubscription",
    "aws:rds/instance:Instance": "rds: CreateDBInstance ModifyDBInstance RebootDBInstance "
    "DeleteDBInstance",
    "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication": "rds: "
    "StartDBInstanceAutomatedBackupsReplication StopDBInstanceAutomatedBackupsReplication",
    "aws:rds/parameterGroup:ParameterGroup": "rds: CreateDBParameterGroup ModifyDBParameterGroup "
    "DeleteDBParameterGroup",
    "aws:rds/subnetGroup:SubnetGroup": "rds: CreateDBSubnetGroup ModifyDBSubnetGroup "
    "DeleteDBSubnetGroup",
    "aws:route53/hostedZoneDnsSec:HostedZoneDnsSec": "route53: EnableHostedZoneDNSSEC "
    "DisableHostedZoneDNSSEC",
    "aws:route53/keySigningKey:KeySigningKey": "route53: CreateKeySigningKey "
    "ActivateKeySigningKey DeactivateKeySigningKey DeleteKeySigningKey",
    "aws:route53/queryLog:QueryLog": "route53: CreateQueryLoggingConfig DeleteQueryLoggingConfig",
    "aws:route53/record:Record": "route53: ChangeResourceRecordSets",
    "aws:route53/zone:Zone": "route53: CreateHostedZone UpdateHostedZoneComment DeleteHostedZone",
    "aws:s3/bucket:Bucket": "s3: CreateBucket DeleteBucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "s3: "
    "PutLifecycleConfiguration",
    "aws:s3/bucketLogging:BucketLogging": "s3: PutBucketLogging",
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": "s3: "
    "PutBucketObjectLockConfiguration",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "s3: PutBucketOwnershipControls",
    "aws:s3/bucketPolicy:BucketPolicy": "s3: PutBucketPolicy DeleteBucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "s3: PutBucketPublicAccessBlock",
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": "s3: PutReplicationConfiguration",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": "s3: "
    "PutEncryptionConfiguration",
    "aws:s3/bucketVersioning:BucketVersioning": "s3: PutBucketVersioning",
    "aws:secretsmanager/secret:Secret": "secretsmanager: CreateSecret UpdateSecret "
    "PutResourcePolicy ReplicateSecretToRegions RemoveRegionsFromReplication DeleteSecret",
    "aws:secretsmanager/secretVersion:SecretVersion": "secretsmanager: PutSecretValue "
    "UpdateSecretVersionStage",
    "aws:shield/protection:Protection": "shield: CreateProtection DeleteProtection TagResource "
    "UntagResource",
    "aws:shield/subscription:Subscription": "shield: CreateSubscription UpdateSubscription",
    "aws:sns/topic:Topic": "sns: CreateTopic SetTopicAttributes DeleteTopic",
    "aws:sns/topicPolicy:TopicPolicy": "sns: SetTopicAttributes",
    "aws:sns/topicSubscription:TopicSubscription": "sns: Subscribe SetSubscriptionAttributes "
    "Unsubscribe",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "ec2: AuthorizeSecurityGroupEgress "
    "ModifySecurityGroupRules RevokeSecurityGroupEgress",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "ec2: "
    "AuthorizeSecurityGroupIngress ModifySecurityGroupRules RevokeSecurityGroupIngress",
    "aws:wafv2/ipSet:IpSet": "wafv2: CreateIPSet UpdateIPSet DeleteIPSet",
    "aws:wafv2/webAcl:WebAcl": "wafv2: CreateWebACL UpdateWebACL DeleteWebACL",
    "aws:wafv2/webAclAssociation:WebAclAssociation": "wafv2: AssociateWebACL DisassociateWebACL",
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": "wafv2: "
    "PutLoggingConfiguration DeleteLoggingConfiguration",
}
NEEDS_NO_CALL = {"aws:acm/certificateValidation:CertificateValidation"}
MADE_BY_A_PERSON = {
    "aws:accessanalyzer/analyzer:Analyzer",
    "aws:cfg/deliveryChannel:DeliveryChannel",
    "aws:cfg/recorder:Recorder",
    "aws:cfg/recorderStatus:RecorderStatus",
    "aws:cloudtrail/trail:Trail",
    "aws:guardduty/detector:Detector",
    "aws:guardduty/detectorFeature:DetectorFeature",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
}
# A thing of each kind that needs its name to be granted.
NAMED = {
    "iam": f"arn:aws:iam::{ACCOUNT}:{{}}/api-1",
    "s3": f"arn:aws:s3:::arches-test-files-{ACCOUNT}-{REGION}",
}


def calls(type_: str) -> Iterator[tuple[str, str]]:
    """(action, resource) of each call that a type of resource needs."""
    for group in CALLS[type_].split("; "):
        service, verbs = group.split(": ")
        for verb in verbs.split():
            kind = "policy" if "RolePolicy" not in verb and "Policy" in verb else "role"
            kind = "role" if verb == "UpdateAssumeRolePolicy" else kind
            yield f"{service}:{verb}", NAMED.get(service, _at(service, "thing")).format(kind)


def test_the_pipeline_may_make_change_and_take_away_every_resource_of_the_program(every_choice):
    types = {each.type for each in every_choice.custom if each.type.startswith("aws:")}
    unknown = types - set(CALLS) - NEEDS_NO_CALL - MADE_BY_A_PERSON
    assert not unknown, f"nobody has said what the pipeline needs for {sorted(unknown)}"
    lacking = [
        f"{type_}: {action}"
        for type_ in sorted(types & set(CALLS))
        for action, resource in calls(type_)
        if not may(action, resource, of="test")
    ]
    assert not lacking, "a deployment would stop halfway:\n" + "\n".join(lacking)
