"""The pipeline's roles: whom they trust, and what they may never do."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components import delivery
from components.context import Context
from components.delivery import Delivery, DeliveryArgs
from tests.neighbours import neighbour
from tests.recorder import ACCOUNT, REGION, Recorder, once, record
from tests.settings.test_governance_settings import read

ROLE = "aws:iam/role:Role"
POLICY = "aws:iam/policy:Policy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
ENTRY = "aws:eks/accessEntry:AccessEntry"

PROVIDER_ARN = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
IMAGE = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/arches-test-api"


def context(*, protect: bool = True) -> Context:
    return Context(
        project="arches",
        stack="test",
        account_id=ACCOUNT,
        region=REGION,
        backup_region="eu-west-1",
        protect=protect,
        serves_customers=protect,
    )


@once
def made(*, protect: bool = True, **keys: Any) -> Recorder:
    def program() -> None:
        provider = aws.Provider("aws", region=REGION)
        cluster = neighbour(cluster_name=pulumi.Output.from_input("arches-test-cluster"))
        registry = neighbour(repository_arns=[pulumi.Output.from_input(IMAGE)])
        Delivery(
            "delivery",
            DeliveryArgs(
                context=context(protect=protect),
                settings=read(**keys),
                registry=registry,
                cluster=cluster,
            ),
            pulumi.ResourceOptions(providers=[provider]),
        )

    return record(program)


def trust(recorded: Recorder, role: str) -> dict[str, Any]:
    document = json.loads(recorded.one(ROLE, f"delivery-{role}").inputs["assumeRolePolicy"])
    (statement,) = document["Statement"]
    return statement


def by_sid(document: str) -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in json.loads(document)["Statement"]}


def denied(document: str, action: str) -> bool:
    """Whether a denial without conditions matches the action on every resource."""
    return any(
        each["Effect"] == "Deny"
        and each.get("Resource") == "*"
        and "Condition" not in each
        and any(fnmatchcase(action.lower(), pattern.lower()) for pattern in each["Action"])
        for each in json.loads(document)["Statement"]
    )


# -- trust ----------------------------------------------------------------------------------


def test_any_pull_request_of_the_repository_may_preview_and_nothing_else():
    assert trust(made(), "preview") == {
        "Effect": "Allow",
        "Action": ["sts:AssumeRoleWithWebIdentity"],
        "Principal": {"Federated": PROVIDER_ARN},
        "Condition": {
            "StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": (
                    "repo:archesai/infrastructure:pull_request"
                ),
            }
        },
    }


def test_only_the_environment_with_reviewers_may_deploy():
    condition = trust(made(), "deploy")["Condition"]
    assert condition == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": (
                "repo:archesai/infrastructure:environment:production"
            ),
        }
    }


def test_repositories_with_immutable_ids_are_known_by_them():
    recorded = made(githubOwnerId="123456", githubRepositoryId="456789")
    sub = trust(recorded, "deploy")["Condition"]["StringEquals"][
        "token.actions.githubusercontent.com:sub"
    ]
    assert sub == "repo:archesai@123456/infrastructure@456789:environment:production"


def test_a_trust_document_fits():
    document = delivery.github_trust(PROVIDER_ARN, f"repo:{'o' * 39}/{'r' * 100}:pull_request")
    assert len(document) <= 2048, "I3"
    assert '"Resource"' not in document, "I12"
    assert "*" not in document


def test_the_accounts_only_identity_provider_is_made_once():
    provider = made().one(PROVIDER)
    assert provider.inputs == {
        "url": "https://token.actions.githubusercontent.com",
        "clientIdLists": ["sts.amazonaws.com"],
    }
    assert provider.retain_on_delete, "other environments of the account enter by it too"
    brought = made(githubProvider="elsewhere")
    assert not brought.of(PROVIDER), "I13"
    assert trust(brought, "deploy")["Principal"] == {"Federated": PROVIDER_ARN}


# -- preview --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "action",
    [
        "secretsmanager:GetSecretValue",
        "secretsmanager:BatchGetSecretValue",
        "kms:Decrypt",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "ssm:GetParameters",
        "logs:GetLogEvents",
        "logs:FilterLogEvents",
        "rds:DownloadDBLogFilePortion",
        "rds:DownloadCompleteDBLogFile",
        "ecr:BatchGetImage",
        "sts:AssumeRole",
    ],
)
def test_a_pull_requests_code_reads_no_contents(action):
    assert denied(delivery.no_contents(), action), (
        f"{action}: code of a pull request runs with this role before anybody has read it"
    )


@pytest.mark.parametrize("action", ["rds:DescribeDBInstances", "s3:GetBucketPolicy", "ec2:GetX"])
def test_a_preview_still_reads_how_things_are_set_up(action):
    assert not denied(delivery.no_contents(), action)


def test_the_preview_role_never_reads_without_its_denials():
    recorded = made()
    reads = recorded.one(ATTACHMENT, "delivery-preview-reads")
    assert reads.inputs["policyArn"] == "arn:aws:iam::aws:policy/ReadOnlyAccess"
    assert recorded.one(ATTACHMENT, "delivery-preview-no-contents").urn in reads.dependencies


def test_the_preview_role_is_not_in_the_cluster():
    entry = made().one(ENTRY)
    assert entry.inputs["principalArn"].endswith("role/arches-test-deploy"), (
        "a viewer of the cluster reads logs"
    )


# -- deploy ---------------------------------------------------------------------------------


def documents() -> dict[str, str]:
    settings = read(
        stateBucket="b" * 63,
        stateKeyArn=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    )
    images = [f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{'r' * 60}{n}" for n in range(12)]
    return {
        **{group: delivery.service_rights(group) for group in delivery.SERVICES},
        "own": delivery.own_rights(context(), settings, images),
        "boundary": delivery.boundary(context()),
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


def test_a_role_has_fewer_policies_than_iam_takes():
    attached = [each for each in made().of(ATTACHMENT) if each.name.startswith("delivery-deploy")]
    assert len(attached) == len(delivery.SERVICES) + 1 <= 10, "I5"


@pytest.mark.parametrize("group", delivery.SERVICES)
def test_no_right_is_a_whole_service(group):
    for statement in json.loads(delivery.service_rights(group))["Statement"]:
        for action in statement["Action"]:
            assert not action.endswith(":*"), f"{action}: FSBP IAM.21"


def granted(action: str) -> bool:
    """Whether one of the service groups, which have no conditions, grants the action."""
    patterns = [
        pattern
        for group in delivery.SERVICES
        for statement in json.loads(delivery.service_rights(group))["Statement"]
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
        "s3:PutBucketPolicy",
        "s3:PutLifecycleConfiguration",
        "cloudfront:CreateVpcOrigin",
        "wafv2:AssociateWebACL",
        "route53:ChangeResourceRecordSets",
        "sns:SetTopicAttributes",
        "cloudtrail:CreateTrail",
        "budgets:ModifyBudget",
        "config:PutConfigurationRecorder",
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
    rights = by_sid(delivery.own_rights(context(), read(), [IMAGE]))
    assert rights["KeysThroughServices"]["Condition"] == {
        "StringEquals": {
            "kms:ViaService": [
                "rds.eu-central-1.amazonaws.com",
                "rds.eu-west-1.amazonaws.com",
                "secretsmanager.eu-central-1.amazonaws.com",
                "secretsmanager.eu-west-1.amazonaws.com",
            ]
        }
    }
    assert rights["Images"]["Resource"] == [IMAGE], "no other repository of the account"
    assert "State" not in rights
    assert "StateKey" not in rights


def test_secrets_are_read_back_in_the_own_environment_only():
    read_back = by_sid(delivery.own_rights(context(), read(), [IMAGE]))["SecretsItWrote"]
    assert read_back["Resource"] == (
        f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:arches/test/*"
    ), "the pipeline of staging would read production's secrets where both share an account"


def test_roles_are_passed_to_the_programs_services_only():
    passed = by_sid(delivery.own_rights(context(), read(), [IMAGE]))["RolesForServices"]
    assert passed["Action"] == ["iam:PassRole"]
    assert passed["Condition"]["StringEquals"]["iam:PassedToService"] == list(delivery.PASSED_TO)


def test_the_state_is_one_bucket_and_one_key():
    settings = read(
        stateBucket="archesai-pulumi-state", stateKeyArn=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
    )
    rights = by_sid(delivery.own_rights(context(), settings, [IMAGE]))
    assert rights["State"]["Resource"] == [
        "arn:aws:s3:::archesai-pulumi-state",
        "arn:aws:s3:::archesai-pulumi-state/*",
    ]
    assert rights["StateKey"]["Resource"] == settings.state_key_arn


def test_the_pipeline_never_leaves_the_deployments_regions():
    statement = by_sid(delivery.boundary(context()))["OwnRegions"]
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
        "guardduty:DeleteDetector",
        "config:StopConfigurationRecorder",
        "config:DeleteDeliveryChannel",
        "ec2:DisableEbsEncryptionByDefault",
    ],
)
@pytest.mark.parametrize("protect", [True, False])
def test_the_pipeline_cannot_close_the_watchers_eyes(action, protect):
    assert denied(delivery.boundary(context(protect=protect)), action)


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
    ],
)
def test_protected_data_is_destroyed_by_people_only(action):
    assert denied(delivery.boundary(context()), action)
    assert not denied(delivery.boundary(context(protect=False)), action), (
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
    statement = by_sid(delivery.boundary(context()))["NotItself"]
    assert statement["Effect"] == "Deny"
    assert any(fnmatchcase(action, pattern) for pattern in statement["Action"])
    assert any(fnmatchcase(resource, pattern) for pattern in statement["Resource"])


def test_the_boundary_protects_the_names_that_are_really_made():
    protected = by_sid(delivery.boundary(context()))["NotItself"]["Resource"]
    for each in made().custom:
        if each.type in (ROLE, POLICY):
            kind = "role" if each.type == ROLE else "policy"
            arn = f"arn:aws:iam::{ACCOUNT}:{kind}/{each.inputs['name']}"
            assert any(fnmatchcase(arn, pattern) for pattern in protected), arn


@pytest.mark.parametrize(
    "action", ["iam:CreateUser", "iam:CreateAccessKey", "sts:AssumeRole", "organizations:X"]
)
def test_the_ceiling_leaves_out_users_keys_other_roles_and_the_organisation(action):
    ceiling = by_sid(delivery.boundary(context()))["Ceiling"]
    assert any(fnmatchcase(action, pattern) for pattern in ceiling["NotAction"])


def test_both_roles_have_names_that_workflows_know_and_sessions_that_end():
    recorded = made(deploySessionHours=3)
    roles = {role.inputs["name"]: role.inputs for role in recorded.of(ROLE)}
    assert set(roles) == {"arches-test-preview", "arches-test-deploy"}
    assert roles["arches-test-preview"]["maxSessionDuration"] == 3600
    assert roles["arches-test-deploy"]["maxSessionDuration"] == 3 * 3600
    assert "permissionsBoundary" in roles["arches-test-deploy"]


def test_the_deploy_role_may_administer_the_cluster():
    recorded = made()
    association = recorded.one("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
    assert association.inputs["policyArn"].endswith("AmazonEKSClusterAdminPolicy")
    assert recorded.one(ENTRY).inputs["clusterName"] == "arches-test-cluster"
