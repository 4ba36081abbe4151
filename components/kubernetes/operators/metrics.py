"""Prometheus, Alertmanager, Grafana and the exporters, with the Secrets that they read.

Meets MON-01, MON-03, MON-04, MON-10, CHK-INFRA-06, and MON-09 in its part: what the exporters ask.
The rules, the routes and the dashboards are others' (components/kubernetes/observability/); they
are found here whatever their labels. `ready` is also what a PrometheusRule may wait for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_kubernetes as kubernetes

from components.context import Context
from components.kubernetes.base import STORAGE_CLASS
from components.kubernetes.operators.helm import Installed, install
from components.kubernetes.operators.releases import exporters, prometheus_stack
from components.kubernetes.operators.system_pods import MONITORING, NODES
from components.kubernetes.workloads.shape import SyncedSecret
from components.kubernetes.workloads.synced_secrets import SyncedSecrets, SyncedSecretsArgs
from settings.bootstrap import BootstrapSettings
from settings.edge import EdgeSettings
from settings.operators import OperatorsSettings

if TYPE_CHECKING:
    from components.cache import CacheEndpoint
    from components.database import Database
    from components.secrets import Secrets

MANAGED = "elasticache"


def monitoring_secrets(*, managed_cache: bool) -> tuple[SyncedSecret, ...]:
    """What the pods of the namespace `monitoring` read."""
    found = [
        SyncedSecret(
            name=prometheus_stack.GRAFANA_SECRET,
            values={"password": "grafana-admin"},
            templates={"user": prometheus_stack.GRAFANA_USER, "password": "{{ .password }}"},
        ),
        SyncedSecret(
            name=exporters.POSTGRES_SECRET, values={exporters.PASSWORD: "database-exporter"}
        ),
    ]
    if managed_cache:
        found.append(
            SyncedSecret(name=exporters.REDIS_SECRET, values={exporters.PASSWORD: "cache"})
        )
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class MetricsArgs:
    """
    bootstrap: the authorities that sign the database's certificate. edge: our public names.
    alerting: what Alertmanager's pods wait for (their identity). after: namespaces, kinds, store.
    """

    context: Context
    settings: OperatorsSettings
    secrets: Secrets
    database: Database
    cache: CacheEndpoint
    bootstrap: BootstrapSettings
    edge: EdgeSettings
    alerting: list[pulumi.Resource]
    after: list[pulumi.Resource]


class Metrics(pulumi.ComponentResource):
    """`ready` is for `depends_on` only."""

    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: MetricsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Metrics", name, None, opts)
        self._name, self._args = name, args
        self._here = pulumi.ResourceOptions(parent=self)
        self._managed = args.cache.kind == MANAGED
        secrets = SyncedSecrets(
            f"{name}-secrets",
            SyncedSecretsArgs(
                namespace=MONITORING,
                secrets=monitoring_secrets(managed_cache=self._managed),
                arns=args.secrets.arns,
                after=args.after,
            ),
            self._here,
        )
        self._after = [*args.after, *secrets.ready]
        self.ready = [self._install(self._stack())]
        for each in self._exporters():
            self._install(each)
        self.register_outputs({})

    def _install(self, what: Installed) -> pulumi.Resource:
        return install(self._name, self._args.settings, what, self._here)

    def _stack(self) -> Installed:
        args = self._args
        return Installed(
            chart=prometheus_stack.CHART,
            namespace=MONITORING,
            values=prometheus_stack.values(
                args.settings.monitoring,
                stack=args.context.stack,
                storage_class=STORAGE_CLASS,
                node_namespace=NODES,
                traces=args.settings.tracing.enabled,
            ),
            after=[*self._after, *args.alerting, self._dashboards_role()],
        )

    def _dashboards_role(self) -> kubernetes.rbac.v1.ClusterRole:
        return kubernetes.rbac.v1.ClusterRole(
            f"{self._name}-dashboards",
            metadata={"name": prometheus_stack.GRAFANA_ROLE},
            rules=prometheus_stack.GRAFANA_RULES,
            opts=self._here,
        )

    def _exporters(self) -> Iterator[Installed]:
        args = self._args
        yield Installed(
            chart=exporters.POSTGRES,
            namespace=MONITORING,
            values=exporters.postgres_values(
                host=args.database.address, port=args.database.port, database=args.database.name
            ),
            after=[*self._after, self._authorities()],
        )
        if self._managed:
            yield Installed(
                chart=exporters.REDIS,
                namespace=MONITORING,
                values=exporters.redis_values(host=args.cache.primary_host, port=args.cache.port),
                after=self._after,
            )
        yield Installed(
            chart=exporters.BLACKBOX,
            namespace=MONITORING,
            values=exporters.blackbox_values(hosts=list(args.edge.hosts.values())),
            after=self._after,
        )

    def _authorities(self) -> kubernetes.core.v1.ConfigMap:
        return kubernetes.core.v1.ConfigMap(
            f"{self._name}-authorities",
            metadata={"name": exporters.AUTHORITY, "namespace": MONITORING},
            data={exporters.AUTHORITY_FILE: self._args.bootstrap.authorities},
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._args.after),
        )
