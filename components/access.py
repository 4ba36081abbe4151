"""One IAM role's entry into the cluster, with one EKS access policy.

Meets CHK-SEC-04: who is in this list is in the cluster, nobody else; the cluster's maker is not.

Refused: Kubernetes groups and user names of our own choice; the access policies suffice, and names
that begin with system:, eks:, aws:, amazon: or iam: are refused (E14).
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import Context
from components.pod_identity import Named

# EKS user guide, "Review access policy permissions".
POLICIES = {
    "cluster-admin": "AmazonEKSClusterAdminPolicy",
    "admin": "AmazonEKSAdminPolicy",
    "edit": "AmazonEKSEditPolicy",
    "view": "AmazonEKSViewPolicy",
    "admin-view": "AmazonEKSAdminViewPolicy",
}


@dataclass(frozen=True, kw_only=True)
class ClusterAccessArgs:
    """
    policy: a key of POLICIES.
    namespaces: what the policy is limited to; none means the whole cluster.
    """

    context: Context
    cluster: Named
    principal_arn: pulumi.Input[str]
    policy: str
    namespaces: tuple[str, ...] = ()


class ClusterAccess(pulumi.ComponentResource):
    """The entry; `ready` is what a Kubernetes client of that role must wait for."""

    principal_arn: pulumi.Output[str]
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: ClusterAccessArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:ClusterAccess", name, None, opts)
        here = pulumi.ResourceOptions(parent=self)
        entry = aws.eks.AccessEntry(
            f"{name}-entry",
            cluster_name=args.cluster.cluster_name,
            principal_arn=args.principal_arn,
            type="STANDARD",
            opts=here,
        )
        policy = f"arn:{args.context.partition}:eks::aws:cluster-access-policy/"
        association = aws.eks.AccessPolicyAssociation(
            f"{name}-policy",
            cluster_name=entry.cluster_name,
            principal_arn=entry.principal_arn,
            policy_arn=policy + POLICIES[args.policy],
            access_scope=(
                {"type": "namespace", "namespaces": list(args.namespaces)}
                if args.namespaces
                else {"type": "cluster"}
            ),
            opts=here,
        )
        self.principal_arn = entry.principal_arn
        self.ready = [entry, association]
        self.register_outputs({"principalArn": self.principal_arn})
