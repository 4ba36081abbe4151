"""Who may preview and who may deploy from GitHub, without a stored key.

Meets CICD-12, the credentials part of CHK-SEC-05, and CICD-02 as far as a role is bound to one of
GitHub's environments: workflows trade GitHub's signed token for one of two roles. Here live the
roles and whom they trust; the workflows never do.

- `preview` reads how things are set up and may be taken by any pull request of the repository. A
  pull request's code runs with it, so it must not reach a secret or a customer's row: whatever
  gives contents, and every kms:Decrypt, is denied beside AWS's ReadOnlyAccess. Pulumi's state and
  the secrets of a stack file are contents too, so `pulumi preview` does not run with this role: a
  pull request's preview is `make preview`, which needs no AWS. The role is for looking at AWS, for
  example at what somebody changed by hand. It is not in the cluster's access list, since a viewer
  reads logs.
- `deploy` may be taken by one GitHub environment only, the one with reviewers. What it may do, and
  never, stands in components/delivery_rights.py. It cannot change this component, nor what watches
  the account (components/audit.py): a person deploys those.

Refused: long-lived keys; `repo:owner/name:*`, which every branch matches; AdministratorAccess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.access import ClusterAccess, ClusterAccessArgs
from components.context import Context
from components.delivery_rights import (
    BOUNDARY_PATH,
    ISSUER,
    SERVICES,
    boundary,
    own_rights,
    service_rights,
)
from components.documents import document, statement
from components.pod_identity import within_limit
from settings.governance import GovernanceSettings

if TYPE_CHECKING:
    from components.cluster import Cluster
    from components.registry import Registry

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


@dataclass(frozen=True, kw_only=True)
class DeliveryArgs:
    """domains: whose records are this environment's to change."""

    context: Context
    settings: GovernanceSettings
    domains: Sequence[str]
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
                "deploy-boundary",
                boundary(context, settings, self._args.domains),
                path=BOUNDARY_PATH,
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
