"""The controllers that serve the whole cluster: targets, nodes, rollouts, and sealed secrets.

Meets LB-01 (pods become targets), UPD-03 (the readiness gate), OPT-03 (nodes follow the pods),
SEC-06 (a new secret reaches the pods), CHK-SEC-04 (an identity each, bound to its own resources).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from components.context import Context
from components.kubernetes.operators.helm import Installed, install
from components.kubernetes.operators.releases import (
    cluster_autoscaler,
    load_balancer_controller,
    reloader,
    sealed_secrets,
)
from components.kubernetes.operators.system_pods import OPERATORS
from components.pod_identity import PodIdentity, PodIdentityArgs
from settings.cluster import ClusterSettings
from settings.operators import OperatorsSettings

if TYPE_CHECKING:
    from components.balancer import LoadBalancer
    from components.cluster import Cluster
    from components.network import Network


@dataclass(frozen=True, kw_only=True)
class ControllersArgs:
    """balancer: its target groups are the only ones that may be changed. after: what all need."""

    context: Context
    settings: OperatorsSettings
    cluster: Cluster
    cluster_settings: ClusterSettings
    network: Network
    balancer: LoadBalancer
    after: list[pulumi.Resource]


class Controllers(pulumi.ComponentResource):
    """
    bindings_ready: what a TargetGroupBinding waits for, and outlives it: its finalizer needs the
    controller. ready: all of them. Both for `depends_on` only.
    """

    bindings_ready: list[pulumi.Resource]
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: ControllersArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Controllers", name, None, opts)
        self._name, self._args = name, args
        self._here = pulumi.ResourceOptions(parent=self)
        self.bindings_ready = [self._install(self._load_balancer())]
        self.ready = [*self.bindings_ready, *(self._install(each) for each in self._others())]
        self.register_outputs({})

    def _install(self, what: Installed) -> pulumi.Resource:
        return install(self._name, self._args.settings, what, self._here)

    def _identity(
        self, noun: str, account: str, policy: pulumi.Input[str]
    ) -> list[pulumi.Resource]:
        identity = PodIdentity(
            # Of a role's 64 characters this name and seven random ones have to be enough.
            f"{self._name}-{noun}",
            PodIdentityArgs(
                context=self._args.context,
                cluster=self._args.cluster,
                namespace=OPERATORS,
                service_account=account,
                policies={"access": policy},
            ),
            self._here,
        )
        return [*self._args.after, *identity.ready]

    def _load_balancer(self) -> Installed:
        args, controller = self._args, load_balancer_controller
        groups = pulumi.Output.all(*[group.arn for group in args.balancer.target_groups.values()])
        return Installed(
            chart=controller.CHART,
            namespace=OPERATORS,
            values=controller.values(
                cluster_name=args.cluster.cluster_name,
                region=args.context.region,
                vpc_id=args.network.vpc_id,
                replicas=args.settings.replicas,
            ),
            crds=True,
            after=self._identity(
                "balancer", controller.SERVICE_ACCOUNT, groups.apply(controller.policy)
            ),
        )

    def _others(self) -> Iterator[Installed]:
        args = self._args
        yield Installed(
            chart=reloader.CHART,
            namespace=OPERATORS,
            values=reloader.values(replicas=args.settings.replicas),
            after=args.after,
        )
        if args.settings.autoscaler:
            yield self._autoscaler()
        if args.settings.sealed_secrets:
            yield Installed(
                chart=sealed_secrets.CHART,
                namespace=OPERATORS,
                values=sealed_secrets.values(namespaces=[args.cluster_settings.namespace]),
                crds=True,
                after=args.after,
            )

    def _autoscaler(self) -> Installed:
        args, scaler = self._args, cluster_autoscaler
        return Installed(
            chart=scaler.CHART,
            namespace=OPERATORS,
            values=scaler.values(
                cluster_name=args.cluster.cluster_name,
                region=args.context.region,
                minor=args.cluster_settings.version,
                replicas=args.settings.replicas,
            ),
            after=self._identity(
                "autoscaler", scaler.SERVICE_ACCOUNT, args.cluster.cluster_name.apply(scaler.policy)
            ),
        )
