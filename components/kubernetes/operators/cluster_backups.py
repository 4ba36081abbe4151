"""Velero with its rights: in the cluster on all kinds but without power over rights, on AWS on one
bucket.

Meets DR-03, DR-06 and DR-07 in their part. The schedules belong to whoever knows how often; they
name the location that is made here (`velero.LOCATION`) and wait for `ready`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_kubernetes as kubernetes

from components.context import Context
from components.kubernetes.operators.helm import Installed, install
from components.kubernetes.operators.releases import velero
from components.kubernetes.operators.system_pods import VELERO
from components.pod_identity import PodIdentity, PodIdentityArgs
from settings.operators import OperatorsSettings

if TYPE_CHECKING:
    from components.cluster import Cluster
    from components.keys import Keys
    from components.storage import Storage


@dataclass(frozen=True, kw_only=True)
class ClusterBackupsArgs:
    context: Context
    settings: OperatorsSettings
    cluster: Cluster
    keys: Keys
    storage: Storage
    after: list[pulumi.Resource]


class ClusterBackups(pulumi.ComponentResource):
    """`ready`: the server runs, its kinds and its location exist; for `depends_on` only."""

    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: ClusterBackupsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:ClusterBackups", name, None, opts)
        here = pulumi.ResourceOptions(parent=self)
        bucket = args.storage.velero
        identity = PodIdentity(
            f"{name}-identity",
            PodIdentityArgs(
                context=args.context,
                cluster=args.cluster,
                namespace=VELERO,
                service_account=velero.SERVICE_ACCOUNT,
                policies={
                    "bucket": pulumi.Output.all(bucket.arn, args.keys.backups.arn).apply(
                        lambda known: velero.policy(*known)
                    )
                },
            ),
            here,
        )
        role = kubernetes.rbac.v1.ClusterRole(
            f"{name}-role",
            metadata={"name": velero.ROLE},
            rules=velero.RULES,
            opts=here,
        )
        what = Installed(
            chart=velero.CHART,
            namespace=VELERO,
            values=velero.values(
                bucket=bucket.name, region=args.context.region, key_arn=args.keys.backups.arn
            ),
            crds=True,
            after=[*args.after, *identity.ready, *bucket.ready, role],
        )
        self.ready = [install(name, args.settings, what, here)]
        self.register_outputs({"location": velero.LOCATION})
