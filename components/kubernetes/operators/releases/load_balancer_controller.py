"""AWS Load Balancer Controller: brings the addresses of pods into target groups of ours.

Only TargetGroupBinding is used: the load balancer, its listeners, target groups and security
groups are Pulumi's (traps, "Teardown"), so nothing waits for a finalizer when they go. Meets LB-01
(targets by address) and UPD-03 (the pod readiness gate) in its part.

Its rights are the subset that the project's own installation guide gives for this case ("You only
want the LBC to add and remove IPs to already existing target groups"), 9 actions instead of the 86
of the full policy; without the two that modify target groups, which version 3.5.0 calls only for
target groups that it made itself (pkg/deploy/elbv2), and with changes bound to our own groups.

Refused: the full policy; cert-manager for one webhook (a release keeps its own certificate with
`keepTLSSecret`); the gateway controllers, which crash-loop without their CRDs (#4684).
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components.documents import document, statement
from components.kubernetes.operators.releases import (
    CONTAINER,
    MAX_ONE,
    POD,
    Chart,
    Values,
    resources,
    selected,
)

CHART = Chart(name="aws-load-balancer-controller", repository="https://aws.github.io/eks-charts")
SERVICE_ACCOUNT = "aws-load-balancer-controller"
LABELS = selected("aws-load-balancer-controller")
WEBHOOK_PORT, METRICS_PORT = 9443, 8080


def policy(target_group_arns: Sequence[str]) -> str:
    """What the controller may do on AWS. target_group_arns: the only ones that it may change."""
    return document(
        statement(
            [
                "ec2:DescribeInstances",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeVpcs",
                "elasticloadbalancing:DescribeTargetGroups",
                "elasticloadbalancing:DescribeTargetHealth",
            ],
            "*",  # Describe* knows no resources (service authorization reference)
            sid="Look",
        ),
        statement(
            ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"],
            target_group_arns,
            sid="Register",
        ),
    )


def values(
    *,
    cluster_name: pulumi.Input[str],
    region: str,
    vpc_id: pulumi.Input[str],
    replicas: int,
) -> Values:
    """region, vpc_id: pods cannot ask the instance metadata (hop limit 1)."""
    off = (
        "ALBGatewayAPI",
        "EnableServiceController",
        "GatewayListenerSet",
        "GlobalAcceleratorController",
        "NLBGatewayAPI",
    )
    return {
        "clusterName": cluster_name,
        "region": region,
        "vpcId": vpc_id,
        "replicaCount": replicas,
        "serviceAccount": {"name": SERVICE_ACCOUNT},
        "keepTLSSecret": True,
        "enableServiceMutatorWebhook": False,
        "createIngressClassResource": False,
        "enableShield": False,
        "enableWaf": False,
        "enableWafv2": False,
        "enableBackendSecurityGroup": False,
        "controllerConfig": {"featureGates": dict.fromkeys(off, False)},
        "resources": resources("25m", "128Mi"),
        "podSecurityContext": {**POD, "fsGroup": 65534},
        "securityContext": CONTAINER,
        "podDisruptionBudget": MAX_ONE,
        "serviceMonitor": {"enabled": True},
    }
