"""The AWS identity of one Kubernetes service account: role, policies, association.

Meets CHK-SEC-04 and SEC-06 (a role per service account, no rights on the nodes). The agent on the
nodes is an add-on; nothing here needs a node, so the CNI's own identity can exist before the first.

Refused: IRSA (an OIDC provider and a trust policy per cluster that outgrow 2,048 characters, I3)
and inline policies (10,240 characters for all of a role together, I4).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import pulumi
import pulumi_aws as aws

from components.context import Context
from components.documents import pod_identity_trust

MAX_POLICIES = 10  # managed policies of one role (refusal I5)
MAX_POLICY_CHARACTERS = 6144  # of one managed policy, spaces not counted; cannot be raised (I2)


class Named(Protocol):
    """A cluster, as far as an identity has to know it."""

    cluster_name: pulumi.Output[str]


def within_limit(label: str, document: str) -> str:
    """The document itself; ValueError where IAM would refuse it for its length."""
    length = len(re.sub(r"\s", "", document))
    if length > MAX_POLICY_CHARACTERS:
        raise ValueError(
            f"policy {label}: {length} characters, IAM takes {MAX_POLICY_CHARACTERS}; split it"
        )
    return document


@dataclass(frozen=True, kw_only=True)
class PodIdentityArgs:
    """
    policies: a word for each policy -> its JSON document; each becomes a managed policy of ours.
    managed: AWS-managed policies by path and name, e.g. "service-role/AmazonEBSCSIDriverPolicy".
    """

    context: Context
    cluster: Named
    namespace: str
    service_account: str
    policies: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    managed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.policies) + len(self.managed) > MAX_POLICIES:
            raise ValueError(
                f"{self.namespace}/{self.service_account}: more than {MAX_POLICIES} policies; "
                "combine some (IAM quota PoliciesPerRole)"
            )


class PodIdentity(pulumi.ComponentResource):
    """What a service account may do on AWS.

    ready: what pods that call AWS at once must wait for; for `depends_on` only.
    """

    role_arn: pulumi.Output[str]
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: PodIdentityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:PodIdentity", name, None, opts)
        here = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role",
            assume_role_policy=pod_identity_trust(),
            description=f"Pods of {args.namespace}/{args.service_account}",
            opts=here,
        )
        attachments = self._attachments(name, role, args, here)
        association = aws.eks.PodIdentityAssociation(
            f"{name}-association",
            cluster_name=args.cluster.cluster_name,
            namespace=args.namespace,
            service_account=args.service_account,
            role_arn=role.arn,
            opts=here,
        )
        self.role_arn = role.arn
        self.ready = [*attachments, association]
        self.register_outputs({"roleArn": self.role_arn})

    def _attachments(
        self,
        name: str,
        role: aws.iam.Role,
        args: PodIdentityArgs,
        here: pulumi.ResourceOptions,
    ) -> list[pulumi.Resource]:
        arns: dict[str, pulumi.Input[str]] = {
            policy.rsplit("/", 1)[-1]: f"arn:{args.context.partition}:iam::aws:policy/{policy}"
            for policy in args.managed
        }
        for label, document in args.policies.items():
            checked = pulumi.Output.from_input(document).apply(
                lambda text, label=label: within_limit(label, text)
            )
            arns[label] = aws.iam.Policy(
                f"{name}-{label}",
                description=f"{label} for {args.namespace}/{args.service_account}",
                policy=checked,
                opts=here,
            ).arn
        return [
            aws.iam.RolePolicyAttachment(
                f"{name}-{label}-attachment", role=role.name, policy_arn=arn, opts=here
            )
            for label, arn in arns.items()
        ]
