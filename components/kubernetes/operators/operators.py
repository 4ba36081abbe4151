"""Everything that runs in the cluster for the application's sake: the operators, in their order.

    namespaces, closed  ->  kinds  ->  External Secrets and its store  ->  metrics
                                   ->  controllers, logs, traces, backups (side by side)

Each is a component of its own beside this one. Meets the operators' half of CHK-INFRA-06, SEC-04,
DR-03, LOG-01 and ENV-21; the sizes and versions are `settings/operators.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from components.context import Context
from components.kubernetes.guardrails.system_policies import SystemPods
from components.kubernetes.operators.cluster_backups import (
    ClusterBackups,
    ClusterBackupsArgs,
)
from components.kubernetes.operators.controllers import Controllers, ControllersArgs
from components.kubernetes.operators.crds import Crds, CrdsArgs
from components.kubernetes.operators.logs import Logs, LogsArgs
from components.kubernetes.operators.metrics import MANAGED, Metrics, MetricsArgs
from components.kubernetes.operators.namespaces import (
    SystemNamespaces,
    SystemNamespacesArgs,
)
from components.kubernetes.operators.secrets_operator import (
    SecretsOperator,
    SecretsOperatorArgs,
)
from components.kubernetes.operators.system_pods import (
    LOGGING,
    MONITORING,
    NODES,
    OPERATORS,
    TRACING,
    VELERO,
    namespaces,
    system_pods,
)
from components.kubernetes.operators.traces import Traces, TracesArgs
from settings.bootstrap import BootstrapSettings
from settings.cluster import ClusterSettings
from settings.edge import EdgeSettings
from settings.governance import GovernanceSettings
from settings.operators import OperatorsSettings

if TYPE_CHECKING:
    from components.cache import CacheEndpoint
    from components.cluster import Cluster
    from components.database import Database
    from components.edge import Edge
    from components.keys import Keys
    from components.kubernetes.observability.alerting import Alerting
    from components.network import Network
    from components.secrets import Secrets
    from components.storage import Storage


@dataclass(frozen=True, kw_only=True)
class OperatorsArgs:
    """
    cluster_settings: the minor, the application's namespace, the Services' block. bootstrap: who
    signs the database's certificate. edge, edge_settings: target groups; public names. governance:
    how long the audit log lives. alerting: Alertmanager's identity.
    """

    context: Context
    settings: OperatorsSettings
    cluster: Cluster
    cluster_settings: ClusterSettings
    network: Network
    keys: Keys
    storage: Storage
    secrets: Secrets
    database: Database
    cache: CacheEndpoint
    bootstrap: BootstrapSettings
    edge: Edge
    edge_settings: EdgeSettings
    governance: GovernanceSettings
    alerting: Alerting


class Operators(pulumi.ComponentResource):
    """
    pods: what is declared to run there, for pictures and policies. kinds_ready: monitors and rules
    may be made. secrets_ready: ExternalSecrets are filled. metrics_ready: rules are checked.
    bindings_ready: TargetGroupBindings are served. backups_ready: Velero takes Schedules.
    Each for `depends_on` only.
    """

    pods: tuple[SystemPods, ...]
    kinds_ready: list[pulumi.Resource]
    secrets_ready: list[pulumi.Resource]
    metrics_ready: list[pulumi.Resource]
    bindings_ready: list[pulumi.Resource]
    backups_ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: OperatorsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Operators", name, None, opts)
        self._name, self._args = name, args
        self._here = pulumi.ResourceOptions(parent=self)
        self.pods = system_pods(args.settings, managed_cache=args.cache.kind == MANAGED)
        self._namespaces = self._make_namespaces()
        crds = Crds(
            f"{name}-kinds",
            CrdsArgs(
                context=args.context,
                settings=args.settings,
                # It runs no pods, so it waits for no node.
                after=[
                    each for at in (OPERATORS, MONITORING) for each in self._namespaces.ready[at]
                ],
            ),
            self._here,
        )
        self.kinds_ready = crds.ready
        self.secrets_ready = self._make_secrets().ready
        self.metrics_ready = self._make_metrics().ready
        self.bindings_ready = self._make_controllers().bindings_ready
        self._make_logs()
        self._make_traces()
        self.backups_ready = self._make_backups().ready
        self.register_outputs({"namespaces": sorted(namespaces(args.settings))})

    def _make_namespaces(self) -> SystemNamespaces:
        args = self._args
        return SystemNamespaces(
            f"{self._name}-namespaces",
            SystemNamespacesArgs(
                context=args.context,
                cluster=args.cluster_settings,
                network=args.network,
                levels=namespaces(args.settings),
                pods=self.pods,
            ),
            self._here,
        )

    def _in(self, *where: str) -> list[pulumi.Resource]:
        """What a release waits for: its namespaces closed, nodes, volumes and names at work."""
        found = [ready for each in where for ready in self._namespaces.ready[each]]
        return [*found, *self._args.cluster.addons_ready]

    def _make_secrets(self) -> SecretsOperator:
        args = self._args
        return SecretsOperator(
            f"{self._name}-secrets",
            SecretsOperatorArgs(
                context=args.context,
                settings=args.settings,
                cluster=args.cluster,
                keys=args.keys,
                secrets=args.secrets,
                database=args.database,
                namespaces=(args.cluster_settings.namespace, MONITORING),
                after=[*self._in(OPERATORS), *self.kinds_ready],
            ),
            self._here,
        )

    def _make_metrics(self) -> Metrics:
        args = self._args
        return Metrics(
            f"{self._name}-metrics",
            MetricsArgs(
                context=args.context,
                settings=args.settings,
                secrets=args.secrets,
                database=args.database,
                cache=args.cache,
                bootstrap=args.bootstrap,
                edge=args.edge_settings,
                alerting=args.alerting.ready,
                after=[*self._in(MONITORING, NODES), *self.secrets_ready],
            ),
            self._here,
        )

    def _make_controllers(self) -> Controllers:
        args = self._args
        return Controllers(
            f"{self._name}-controllers",
            ControllersArgs(
                context=args.context,
                settings=args.settings,
                cluster=args.cluster,
                cluster_settings=args.cluster_settings,
                network=args.network,
                balancer=args.edge.balancer,
                after=[*self._in(OPERATORS), *self.kinds_ready],
            ),
            self._here,
        )

    def _make_logs(self) -> Logs:
        args = self._args
        return Logs(
            f"{self._name}-logs",
            LogsArgs(
                context=args.context,
                settings=args.settings,
                governance=args.governance,
                cluster=args.cluster,
                keys=args.keys,
                storage=args.storage,
                after=[*self._in(LOGGING), *self.kinds_ready],
            ),
            self._here,
        )

    def _make_traces(self) -> Traces | None:
        args = self._args
        if not args.settings.tracing.enabled:
            return None
        return Traces(
            f"{self._name}-traces",
            TracesArgs(settings=args.settings, after=[*self._in(TRACING), *self.kinds_ready]),
            self._here,
        )

    def _make_backups(self) -> ClusterBackups:
        args = self._args
        return ClusterBackups(
            f"{self._name}-backups",
            ClusterBackupsArgs(
                context=args.context,
                settings=args.settings,
                cluster=args.cluster,
                keys=args.keys,
                storage=args.storage,
                after=[*self._in(VELERO), *self.kinds_ready],
            ),
            self._here,
        )
