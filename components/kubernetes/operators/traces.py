"""The traces: a collector that takes them in, and Jaeger, which keeps and shows them.

Meets ENV-21. The namespace `tracing` and everything in it is a choice of the environment.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components.kubernetes.base import STORAGE_CLASS
from components.kubernetes.operators.helm import Installed, install
from components.kubernetes.operators.releases import jaeger, opentelemetry_collector
from components.kubernetes.operators.system_pods import TRACING
from settings.operators import OperatorsSettings


@dataclass(frozen=True, kw_only=True)
class TracesArgs:
    settings: OperatorsSettings
    after: list[pulumi.Resource]


class Traces(pulumi.ComponentResource):
    """`ready` is for `depends_on` only."""

    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: TracesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Traces", name, None, opts)
        self._name, self._args = name, args
        self.ready = [self._jaeger(), self._collector()]
        self.register_outputs({})

    def _install(self, what: Installed) -> pulumi.Resource:
        here = pulumi.ResourceOptions(parent=self)
        return install(self._name, self._args.settings, what, here)

    def _jaeger(self) -> pulumi.Resource:
        args = self._args
        return self._install(
            Installed(
                chart=jaeger.CHART,
                namespace=TRACING,
                values=jaeger.values(args.settings.tracing),
                after=[*args.after, self._claim()],
            )
        )

    def _claim(self) -> kubernetes.core.v1.PersistentVolumeClaim:
        args = self._args
        return kubernetes.core.v1.PersistentVolumeClaim(
            f"{self._name}-claim",
            metadata={
                "name": jaeger.CLAIM,
                "namespace": TRACING,
                # It is bound when its pod asks for it, and the pod waits for the claim.
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec={
                "storage_class_name": STORAGE_CLASS,
                "access_modes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": f"{args.settings.tracing.volume_gib}Gi"}},
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=args.after),
        )

    def _collector(self) -> pulumi.Resource:
        args = self._args
        return self._install(
            Installed(
                chart=opentelemetry_collector.CHART,
                namespace=TRACING,
                values=opentelemetry_collector.values(replicas=args.settings.replicas),
                after=args.after,
            )
        )
