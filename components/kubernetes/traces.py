"""The traces: a collector that takes them in, and Jaeger, which keeps and shows them.

Meets ENV-21. The namespace `tracing` and everything in it is a choice of the environment.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components.kubernetes.base import STORAGE_CLASS
from components.kubernetes.helm import Installed, install
from components.kubernetes.releases import jaeger, opentelemetry_collector
from components.kubernetes.system_pods import TRACING
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
        here = pulumi.ResourceOptions(parent=self)
        claim = kubernetes.core.v1.PersistentVolumeClaim(
            f"{name}-claim",
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
        store = install(
            name,
            args.settings,
            Installed(
                chart=jaeger.CHART,
                namespace=TRACING,
                values=jaeger.values(args.settings.tracing),
                after=[*args.after, claim],
            ),
            here,
        )
        collector = install(
            name,
            args.settings,
            Installed(
                chart=opentelemetry_collector.CHART,
                namespace=TRACING,
                values=opentelemetry_collector.values(replicas=args.settings.replicas),
                after=args.after,
            ),
            here,
        )
        self.ready = [store, collector]
        self.register_outputs({})
