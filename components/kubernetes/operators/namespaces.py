"""The operators' namespaces, closed before the first pod runs in them.

Meets K8S-11 (`restricted` but for the node exporter's) and K8S-01 for what is not the application.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_kubernetes as kubernetes

from components.context import Context
from components.kubernetes.base import pod_security
from components.kubernetes.guardrails.network_policies import places
from components.kubernetes.guardrails.system_policies import SystemPods, policies
from components.kubernetes.operators.system_pods import MONITORING
from settings.cluster import ClusterSettings

if TYPE_CHECKING:
    from components.network import Network


@dataclass(frozen=True, kw_only=True)
class SystemNamespacesArgs:
    """levels: namespace -> Pod Security level. pods: everything that will run there."""

    context: Context
    cluster: ClusterSettings
    network: Network
    levels: dict[str, str]
    pods: Sequence[SystemPods]


class SystemNamespaces(pulumi.ComponentResource):
    """`ready`: each namespace with its policies, for `depends_on` only."""

    ready: dict[str, list[pulumi.Resource]]

    def __init__(
        self, name: str, args: SystemNamespacesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:SystemNamespaces", name, None, opts)
        # Deleting a namespace deletes its volumes, and with them metrics and logs.
        made = {
            namespace: kubernetes.core.v1.Namespace(
                f"{name}-{namespace}",
                metadata={
                    "name": namespace,
                    "labels": pod_security(level, args.cluster.version),
                },
                opts=pulumi.ResourceOptions(parent=self, protect=args.context.protect),
            )
            for namespace, level in args.levels.items()
        }
        at = places(args.network, args.cluster, monitoring=MONITORING)
        self.ready = {namespace: [resource] for namespace, resource in made.items()}
        for policy in policies(args.pods, at):
            metadata = policy["metadata"]
            namespace = made[metadata["namespace"]]
            self.ready[metadata["namespace"]].append(
                kubernetes.networking.v1.NetworkPolicy(
                    f"{name}-{metadata['namespace']}-{metadata['name']}",
                    metadata=metadata,
                    spec=policy["spec"],
                    opts=pulumi.ResourceOptions(parent=self, depends_on=[namespace]),
                )
            )
        self.register_outputs({"namespaces": sorted(args.levels)})
