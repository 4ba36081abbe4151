"""How the program reaches the cluster's API: a kubeconfig without a secret in it, one provider.

Meets CHK-SEC-04: the caller's own AWS identity is the login, a token of 15 minutes; no certificate,
no service-account token is ever written down. The caller must be in the cluster's access list, so
the provider waits for the list; it does not wait for nodes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pulumi
import pulumi_kubernetes as kubernetes

from components.context import Context

if TYPE_CHECKING:
    from components.cluster import Cluster


def kubeconfig(*, name: str, endpoint: str, certificate_authority: str, region: str) -> str:
    """A kubeconfig as JSON (which is YAML) that asks the AWS CLI for a token on each use.

    certificate_authority: base64, as EKS gives it.
    """
    login = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": [
            "eks",
            "get-token",
            "--cluster-name",
            name,
            "--region",
            region,
            "--output",
            "json",
        ],
        "interactiveMode": "Never",
    }
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": name,
                    "cluster": {
                        "server": endpoint,
                        "certificate-authority-data": certificate_authority,
                    },
                }
            ],
            "users": [{"name": name, "user": {"exec": login}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        },
        sort_keys=True,
    )


def on_cluster(name: str, context: Context, cluster: Cluster) -> pulumi.ResourceOptions:
    """Options that hand the one Kubernetes provider of the program to a component."""
    provider = kubernetes.Provider(
        name,
        kubeconfig=cluster.kubeconfig,
        # A constant: otherwise every change of the cluster, which makes the kubeconfig unknown
        # while previewing, would preview the replacement of everything in it.
        cluster_identifier=context.arn("eks", f"cluster/{context.name('cluster', limit=100)}"),
        enable_server_side_apply=True,
        opts=pulumi.ResourceOptions(depends_on=cluster.access_ready),
    )
    return pulumi.ResourceOptions(providers=[provider])
