"""The logs: Loki with a bucket of its own, and Alloy, which collects and masks.

Meets LOG-01, LOG-02, LOG-04 and AUDIT-01 in the cluster. The bucket is under the logs' key; Loki's
compactor deletes what is over its time, and a deleted version is gone a day later (GDPR-04). No
rule of the bucket expires objects: the index would name chunks that are gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from components.bucket import Bucket, BucketArgs
from components.context import Context
from components.kubernetes.base import STORAGE_CLASS
from components.kubernetes.observability.rules.pods import log_counters
from components.kubernetes.operators.helm import Installed, install
from components.kubernetes.operators.releases import alloy, loki
from components.kubernetes.operators.system_pods import LOGGING
from components.pod_identity import PodIdentity, PodIdentityArgs
from components.storage import NO_GRACE_DAYS
from settings.governance import GovernanceSettings
from settings.operators import OperatorsSettings

if TYPE_CHECKING:
    from components.cluster import Cluster
    from components.keys import Keys
    from components.storage import Storage


@dataclass(frozen=True, kw_only=True)
class LogsArgs:
    """governance: how long the audit log lives. storage: where the bucket's own log goes."""

    context: Context
    settings: OperatorsSettings
    governance: GovernanceSettings
    cluster: Cluster
    keys: Keys
    storage: Storage
    after: list[pulumi.Resource]


class Logs(pulumi.ComponentResource):
    """bucket: where the logs are. ready: for `depends_on` only."""

    bucket: Bucket
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: LogsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Logs", name, None, opts)
        self._name, self._args = name, args
        self._here = pulumi.ResourceOptions(parent=self)
        self.bucket = Bucket(
            f"{name}-bucket",
            BucketArgs(
                context=args.context,
                noun="loki",
                key=args.keys.logs,
                noncurrent_days=NO_GRACE_DAYS,
                logs_to=args.storage.access_logs,
            ),
            self._here,
        )
        store = self._loki()
        self.ready = [store, self._alloy(store)]
        self.register_outputs({"bucket": self.bucket.name})

    def _loki(self) -> pulumi.Resource:
        args = self._args
        identity = PodIdentity(
            f"{self._name}-identity",
            PodIdentityArgs(
                context=args.context,
                cluster=args.cluster,
                namespace=LOGGING,
                service_account=loki.SERVICE_ACCOUNT,
                policies={
                    "bucket": pulumi.Output.all(self.bucket.arn, args.keys.logs.arn).apply(
                        lambda known: loki.policy(*known)
                    )
                },
            ),
            self._here,
        )
        what = Installed(
            chart=loki.CHART,
            namespace=LOGGING,
            values=loki.values(
                args.settings.logging,
                bucket=self.bucket.name,
                region=args.context.region,
                storage_class=STORAGE_CLASS,
                audit_days=args.governance.audit_retention_days,
            ),
            after=[*args.after, *identity.ready, *self.bucket.ready],
        )
        return install(self._name, args.settings, what, self._here)

    def _alloy(self, store: pulumi.Resource) -> pulumi.Resource:
        args = self._args
        what = Installed(
            chart=alloy.CHART,
            namespace=LOGGING,
            values=alloy.values(
                stack=args.context.stack,
                replicas=args.settings.replicas,
                storage_class=STORAGE_CLASS,
                counters=log_counters(),
            ),
            after=[*args.after, store],
        )
        return install(self._name, args.settings, what, self._here)
