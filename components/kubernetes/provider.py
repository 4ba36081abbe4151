"""How the program reaches the cluster's API: one provider for all that lives in the cluster.

Meets CHK-SEC-04: the caller must be in the cluster's access list, so the provider waits for the
list; it does not wait for nodes.
"""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster import Cluster
from components.context import Context


def on_cluster(
    name: str, context: Context, cluster: Cluster, on: pulumi.ResourceOptions
) -> pulumi.ResourceOptions:
    """`on` with the one Kubernetes provider of the program added to its providers.

    What lives in the cluster brings its own rights on AWS along, so it needs both.
    """
    provider = kubernetes.Provider(
        name,
        kubeconfig=cluster.kubeconfig,
        # A constant: otherwise every change of the cluster, which makes the kubeconfig unknown
        # while previewing, would preview the replacement of everything in it.
        cluster_identifier=context.arn("eks", f"cluster/{context.name('cluster', limit=100)}"),
        enable_server_side_apply=True,
        # Else each change of a configuration would replace the object, deleting a named one first.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        opts=pulumi.ResourceOptions(depends_on=cluster.access_ready),
    )
    return pulumi.ResourceOptions.merge(on, pulumi.ResourceOptions(providers=[provider]))
