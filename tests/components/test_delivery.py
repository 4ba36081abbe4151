"""The pipeline's roles: whom they trust, and what they may never do."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components import delivery, delivery_rights
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
DOMAINS = ["test.archesai.com", "archesai.internal"]


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
                domains=DOMAINS,
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


def boundary(*, protect: bool = True, **keys: Any) -> str:
    return delivery_rights.boundary(context(protect=protect), read(**keys), DOMAINS)


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


def test_a_role_has_fewer_policies_than_iam_takes():
    attached = [each for each in made().of(ATTACHMENT) if each.name.startswith("delivery-deploy")]
    assert len(attached) == len(delivery_rights.SERVICES) + 1 <= 10, "I5"


def test_the_boundary_protects_the_names_that_are_really_made():
    protected = by_sid(boundary())["NotItself"]["Resource"]
    for each in made().custom:
        if each.type in (ROLE, POLICY):
            kind = "role" if each.type == ROLE else "policy"
            arn = f"arn:aws:iam::{ACCOUNT}:{kind}/{each.inputs['name']}"
            assert any(fnmatchcase(arn, pattern) for pattern in protected), arn


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
