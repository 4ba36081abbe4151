"""Cluster Autoscaler: adds nodes when pods wait for room, and takes them away when they idle.

Meets OPT-03 in its part, CHK-INFRA-01 (the groups keep their minimum: EKS's own limits hold). Its
version follows the cluster's minor, not the chart's. Refused: Karpenter, which would replace the
managed groups with their one node for each zone.
"""

from __future__ import annotations

from collections.abc import Mapping

from components.documents import document, statement
from components.kubernetes.operators.releases import (
    CONTAINER,
    MAX_ONE,
    POD,
    Chart,
    Values,
    resources,
    selected,
    spread,
)

CHART = Chart(name="cluster-autoscaler", repository="https://kubernetes.github.io/autoscaler")
SERVICE_ACCOUNT = "cluster-autoscaler"
LABELS = selected("aws-cluster-autoscaler", "cluster-autoscaler")
METRICS_PORT = 8085

# Minor of the cluster -> image (releases of 2026-07-22).
IMAGES: Mapping[str, str] = {"1.34": "v1.34.5", "1.35": "v1.35.2", "1.36": "v1.36.1"}


def policy(cluster_name: str) -> str:
    """The autoscaler's "full features" policy, changes bound to the groups of this cluster.

    The tag is the one that the groups are found by (cluster-autoscaler, cloudprovider/aws/README).
    """
    return document(
        statement(
            [
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingInstances",
                "autoscaling:DescribeLaunchConfigurations",
                "autoscaling:DescribeScalingActivities",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplateVersions",
                "ec2:GetInstanceTypesFromInstanceRequirements",
                "eks:DescribeNodegroup",
            ],
            "*",
            sid="Look",
        ),
        statement(
            ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
            "*",
            sid="Scale",
            conditions={
                "StringEquals": {
                    f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster_name}": "owned"
                }
            },
        ),
    )


def values(*, cluster_name: str, region: str, minor: str, replicas: int) -> Values:
    """cluster_name is said in full: without it the chart leaves the Deployment out, and Helm
    reports success. minor: the cluster's.

    Raises ValueError: no image for that minor.
    """
    if minor not in IMAGES:
        raise ValueError(
            f"cluster autoscaler: no image for Kubernetes {minor}; known are {', '.join(IMAGES)}"
        )
    return {
        "autoDiscovery": {"clusterName": cluster_name},
        "awsRegion": region,
        "fullnameOverride": SERVICE_ACCOUNT,
        "image": {"tag": IMAGES[minor]},
        "replicaCount": replicas,
        "rbac": {"serviceAccount": {"name": SERVICE_ACCOUNT}},
        "extraArgs": {
            "balance-similar-node-groups": True,  # one group a zone
            "expander": "least-waste",
            "skip-nodes-with-local-storage": False,
            "skip-nodes-with-system-pods": False,
        },
        "resources": resources("20m", "192Mi", "512Mi"),
        # The pod's; the container's has a name of its own.
        "securityContext": {**POD, "runAsUser": 65534, "runAsGroup": 65534, "fsGroup": 65534},
        "containerSecurityContext": CONTAINER,
        "podDisruptionBudget": MAX_ONE,
        "topologySpreadConstraints": spread(LABELS),
        "serviceMonitor": {"enabled": True, "namespace": "operators", "selector": None},
    }
