"""One IAM role's entry into the cluster, with one EKS access policy or as a reader.

Meets CHK-SEC-04: who is in this list is in the cluster, nobody else; the cluster's maker is not.
SEC-04: a reader is in a Kubernetes group and has no access policy, so what it may see is the Role
that the guardrails bind to that group, without Secrets. A responder sees everything, and is in the
group of those who are on call (components/kubernetes/guardrails/responders.py).

Refused: user names of our own choice (the audit log would no longer say which role it was) and
groups as a setting: one that no binding names gives nothing, and EKS does not say so.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import Context
from components.pod_identity import Named
from settings.cluster import READER, READERS, RESPONDER, RESPONDERS

# EKS user guide, "Review access policy permissions".
POLICIES = {
    "cluster-admin": "AmazonEKSClusterAdminPolicy",
    "admin": "AmazonEKSAdminPolicy",
    "edit": "AmazonEKSEditPolicy",
    "view": "AmazonEKSViewPolicy",
    "admin-view": "AmazonEKSAdminViewPolicy",
    RESPONDER: "AmazonEKSAdminViewPolicy",
}
GROUPS = {READER: READERS, RESPONDER: RESPONDERS}


@dataclass(frozen=True, kw_only=True)
class ClusterAccessArgs:
    """
    policy: a key of POLICIES, or READER.
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
            kubernetes_groups=[GROUPS[args.policy]] if args.policy in GROUPS else None,
            opts=here,
        )
        self.principal_arn = entry.principal_arn
        self.ready = [entry]
        if args.policy != READER:
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
                # EKS knows it by role and policy: the old one's deletion would take the new one
                # away, and the role would be left without access.
                opts=pulumi.ResourceOptions.merge(
                    here, pulumi.ResourceOptions(delete_before_replace=True)
                ),
            )
            self.ready.append(association)
        self.register_outputs({"principalArn": self.principal_arn})
