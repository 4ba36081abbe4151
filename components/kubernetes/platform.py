"""Everything that runs in the cluster, in the order in which it can start.

    operators  ->  Secrets  ->  bootstrap of the database  ->  pooler  ->  programs  ->  gateway
                                                           ->  daily dump, daily erasure

Policies, quota, admission, rules and dashboards stand beside them and are written from everything
that was declared, so that none of it can be forgotten. Each part has a file of its own; this one
only puts them together.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.alarms import Alarms
from components.cache import CacheEndpoint
from components.cluster import Cluster
from components.context import Context
from components.database import Database
from components.edge import Edge
from components.keys import Keys
from components.kubernetes.base import ClusterBase
from components.kubernetes.data import dumps, retention
from components.kubernetes.data.bootstrap import Bootstrap, BootstrapArgs, bootstrap_secrets
from components.kubernetes.data.cache_tunnel import cache_client
from components.kubernetes.data.pooler import Pooler, PoolerArgs, pooler_secrets
from components.kubernetes.data.sentinel import Sentinel, SentinelArgs, cache_secrets
from components.kubernetes.data.sql import roles
from components.kubernetes.gateway.gateway import Gateway, GatewayArgs
from components.kubernetes.guardrails.guardrails import Guardrails, GuardrailsArgs
from components.kubernetes.guardrails.network_policies import NetworkPolicies, NetworkPoliciesArgs
from components.kubernetes.guardrails.responders import Responders, RespondersArgs
from components.kubernetes.observability.alerting import Alerting, AlertingArgs
from components.kubernetes.observability.observability import Observability, ObservabilityArgs
from components.kubernetes.operators.operators import Operators, OperatorsArgs
from components.kubernetes.operators.releases import opentelemetry_collector
from components.kubernetes.operators.system_pods import TRACING
from components.kubernetes.operators.velero_schedule import VeleroSchedule, VeleroScheduleArgs
from components.kubernetes.workloads.application import (
    Application,
    ApplicationArgs,
    Collector,
    application_secrets,
)
from components.kubernetes.workloads.shape import Neighbours, Pod, Task, Workload
from components.kubernetes.workloads.synced_secrets import SyncedSecrets, SyncedSecretsArgs
from components.network import Network
from components.secrets import Secrets
from components.storage import Storage
from settings.environment import Environment

COLLECTOR = Collector(
    host=opentelemetry_collector.HOST,
    port=opentelemetry_collector.OTLP_HTTP_PORT,
    pods=Neighbours(
        namespace=TRACING,
        labels=opentelemetry_collector.LABELS,
        ports=(opentelemetry_collector.OTLP_HTTP_PORT,),
    ),
)


@dataclass(frozen=True, kw_only=True)
class PlatformArgs:
    """settings: the whole environment's; nearly every section has a say in here."""

    context: Context
    settings: Environment
    keys: Keys
    network: Network
    cluster: Cluster
    base: ClusterBase
    secrets: Secrets
    storage: Storage
    database: Database
    cache: CacheEndpoint
    edge: Edge
    alarms: Alarms


class Platform(pulumi.ComponentResource):
    """workloads, tasks: everything of ours that runs in the namespace."""

    workloads: tuple[Workload, ...]
    tasks: tuple[Task, ...]

    def __init__(
        self, name: str, args: PlatformArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Platform", name, None, opts)
        self._name, self._args = name, args
        self._here = pulumi.ResourceOptions(parent=self)
        self._alerting = self._make_alerting()
        self._operators = self._make_operators()
        synced = self._synced()
        bootstrap = self._bootstrap(synced)
        pooler = Pooler(
            f"{name}-pooler",
            PoolerArgs(
                context=args.context,
                settings=args.settings.pooler,
                bootstrap=bootstrap,
                namespace=args.base.namespace,
                after=synced.ready,
            ),
            self._here,
        )
        inside = self._cache(synced)
        application = self._application(
            [*synced.ready, *bootstrap.ready, *pooler.ready, *inside.ready]
        )
        gateway = self._gateway(application)
        self.workloads = (
            *application.workloads.values(),
            gateway.workload,
            pooler.workload,
            *inside.workloads,
        )
        self.tasks = (*bootstrap.tasks, self._dumps(bootstrap), self._retention(bootstrap))
        self._guard((*self.workloads, *self.tasks))
        self._copies()
        self._observe()
        self.register_outputs({"host": gateway.workload.name})

    def _make_alerting(self) -> Alerting:
        args = self._args
        return Alerting(
            f"{self._name}-alerting",
            AlertingArgs(
                context=args.context,
                settings=args.settings.observability,
                alarms=args.alarms,
                keys=args.keys,
                cluster=args.cluster,
            ),
            self._here,
        )

    def _make_operators(self) -> Operators:
        args, env = self._args, self._args.settings
        return Operators(
            f"{self._name}-operators",
            OperatorsArgs(
                context=args.context,
                settings=env.operators,
                cluster=args.cluster,
                cluster_settings=env.cluster,
                network=args.network,
                keys=args.keys,
                storage=args.storage,
                secrets=args.secrets,
                database=args.database,
                cache=args.cache,
                bootstrap=env.bootstrap,
                edge=args.edge,
                edge_settings=env.edge,
                governance=env.governance,
                alerting=self._alerting,
            ),
            self._here,
        )

    def _synced(self) -> SyncedSecrets:
        args, env = self._args, self._args.settings
        return SyncedSecrets(
            f"{self._name}-secrets",
            SyncedSecretsArgs(
                namespace=args.base.namespace,
                secrets=(
                    *application_secrets(
                        env.secrets, env.pooler, args.cache, database=args.database.name
                    ),
                    *bootstrap_secrets(args.database, roles(env.pooler, env.bootstrap)),
                    *pooler_secrets(env.pooler),
                    *cache_secrets(env.cache),
                    *dumps.SYNCED,
                    *retention.SYNCED,
                ),
                arns=args.secrets.arns,
                after=self._operators.secrets_ready,
            ),
            self._here,
        )

    def _bootstrap(self, synced: SyncedSecrets) -> Bootstrap:
        args = self._args
        return Bootstrap(
            f"{self._name}-database",
            BootstrapArgs(
                context=args.context,
                settings=args.settings.bootstrap,
                pooler=args.settings.pooler,
                database=args.database,
                secrets=args.secrets,
                namespace=args.base.namespace,
                after=synced.ready,
            ),
            self._here,
        )

    def _cache(self, synced: SyncedSecrets) -> Sentinel:
        args = self._args
        return Sentinel(
            f"{self._name}-cache",
            SentinelArgs(
                context=args.context,
                settings=args.settings.cache,
                cluster_settings=args.settings.cluster,
                base=args.base,
                after=synced.ready,
            ),
            self._here,
        )

    def _application(self, after: list[pulumi.Resource]) -> Application:
        args, env = self._args, self._args.settings
        return Application(
            f"{self._name}-application",
            ApplicationArgs(
                context=args.context,
                namespace=args.base.namespace,
                settings=env.workloads,
                edge=env.edge,
                pooler=env.pooler,
                secrets=env.secrets,
                cache=cache_client(args.cache, env.cache),
                collector=COLLECTOR if env.operators.tracing.enabled else None,
                target_groups={
                    label: group.arn for label, group in args.edge.balancer.target_groups.items()
                },
                after=[*after, *self._operators.bindings_ready],
            ),
            self._here,
        )

    def _gateway(self, application: Application) -> Gateway:
        args, env = self._args, self._args.settings
        return Gateway(
            f"{self._name}-gateway",
            GatewayArgs(
                context=args.context,
                settings=env.gateway,
                edge=env.edge,
                network=args.network,
                balancer=args.edge.balancer,
                application=application,
                namespace=args.base.namespace,
                after=self._operators.bindings_ready,
            ),
            self._here,
        )

    def _dumps(self, bootstrap: Bootstrap) -> Task:
        args = self._args
        return dumps.Dumps(
            f"{self._name}-dumps",
            dumps.DumpsArgs(
                context=args.context,
                settings=args.settings.dumps,
                bootstrap=bootstrap,
                storage=args.storage,
                keys=args.keys,
                cluster=args.cluster,
                base=args.base,
                namespace=args.settings.cluster.namespace,
            ),
            self._here,
        ).task

    def _retention(self, bootstrap: Bootstrap) -> Task:
        args = self._args
        return retention.Retention(
            f"{self._name}-retention",
            retention.RetentionArgs(
                context=args.context,
                settings=args.settings.retention,
                bootstrap=bootstrap,
                base=args.base,
            ),
            self._here,
        ).task

    def _guard(self, declared: tuple[Pod, ...]) -> None:
        args = self._args
        NetworkPolicies(
            f"{self._name}-network",
            NetworkPoliciesArgs(
                context=args.context,
                namespace=args.base.namespace,
                network=args.network,
                cluster=args.settings.cluster,
                declared=declared,
            ),
            self._here,
        )
        Guardrails(
            f"{self._name}-guardrails",
            GuardrailsArgs(
                context=args.context,
                settings=args.settings.guardrails,
                namespace=args.base.namespace,
                declared=declared,
            ),
            self._here,
        )
        Responders(
            f"{self._name}-responders",
            RespondersArgs(
                namespace=args.base.namespace,
                prometheus=args.settings.operators.monitoring.prometheus_replicas,
                after=self._operators.kinds_ready,
            ),
            self._here,
        )

    def _copies(self) -> None:
        VeleroSchedule(
            f"{self._name}-copies",
            VeleroScheduleArgs(
                settings=self._args.settings.velero,
                base=self._args.base,
                after=self._operators.backups_ready,
            ),
            self._here,
        )

    def _observe(self) -> None:
        env = self._args.settings
        Observability(
            f"{self._name}-observability",
            ObservabilityArgs(
                settings=env.observability,
                alarms=env.alarms,
                pooler=env.pooler,
                database=env.database,
                alerting=self._alerting,
                application=env.cluster.namespace,
                workloads=self.workloads,
                tasks=self.tasks,
                velero=env.velero,
                after=self._operators.metrics_ready,
            ),
            self._here,
        )
