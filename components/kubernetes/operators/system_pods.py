"""Who runs in the operators' namespaces, and whom they reach: one declaration for each kind of pod.

Read by the network policies, by tests and by pictures. Labels and ports are the charts' own, as
rendered with our values.
"""

from __future__ import annotations

from components.kubernetes.guardrails.system_policies import Scraped, SystemPods
from components.kubernetes.operators.releases import (
    alloy,
    cluster_autoscaler,
    exporters,
    external_secrets,
    jaeger,
    load_balancer_controller,
    loki,
    opentelemetry_collector,
    prometheus_stack,
    reloader,
    sealed_secrets,
    velero,
)
from components.kubernetes.workloads.shape import (
    AwsApi,
    DataStore,
    Internet,
    KubernetesApi,
    Neighbours,
)
from settings.operators import OperatorsSettings

OPERATORS = "operators"
MONITORING = "monitoring"
NODES = "monitoring-nodes"
LOGGING = "logging"
TRACING = "tracing"
VELERO = "velero"

_API = KubernetesApi()
_AWS = AwsApi()
_LOKI = Neighbours(namespace=LOGGING, labels=loki.LABELS, ports=(loki.PORT,))


def namespaces(settings: OperatorsSettings) -> dict[str, str]:
    """The namespaces of the operators, and the Pod Security level of each (K8S-11)."""
    restricted = (OPERATORS, MONITORING, LOGGING, VELERO) + (
        (TRACING,) if settings.tracing.enabled else ()
    )
    # The node exporter reads the host's files: `baseline` refuses it too.
    return {**dict.fromkeys(restricted, "restricted"), NODES: "privileged"}


def system_pods(settings: OperatorsSettings, *, managed_cache: bool) -> tuple[SystemPods, ...]:
    """Every kind of pod that these settings install. managed_cache: Redis is ElastiCache."""
    return (
        *_operators(settings),
        *_monitoring(settings),
        *_exporters(managed_cache),
        *_logging(),
        *(_tracing() if settings.tracing.enabled else ()),
        *_velero(),
    )


def _operators(settings: OperatorsSettings) -> tuple[SystemPods, ...]:
    secrets = external_secrets
    found = [
        SystemPods(
            name="aws-load-balancer-controller",
            namespace=OPERATORS,
            labels=load_balancer_controller.LABELS,
            reaches=(_API, _AWS),
            metrics=(load_balancer_controller.METRICS_PORT,),
            webhook=load_balancer_controller.WEBHOOK_PORT,
        ),
        SystemPods(
            name="external-secrets",
            namespace=OPERATORS,
            labels=secrets.LABELS,
            reaches=(_API, _AWS),
            metrics=(secrets.METRICS_PORT,),
        ),
        SystemPods(
            name="external-secrets-webhook",
            namespace=OPERATORS,
            labels=secrets.WEBHOOK_LABELS,
            reaches=(_API,),
            metrics=(secrets.METRICS_PORT,),
            webhook=secrets.WEBHOOK_PORT,
        ),
        SystemPods(
            name="external-secrets-cert-controller",
            namespace=OPERATORS,
            labels=secrets.CERTIFICATE_LABELS,
            # It asks the webhook itself whether its certificate is served.
            reaches=(
                _API,
                Neighbours(
                    namespace=OPERATORS,
                    labels=secrets.WEBHOOK_LABELS,
                    ports=(secrets.WEBHOOK_PORT, 443),
                ),
            ),
            metrics=(secrets.METRICS_PORT,),
        ),
        SystemPods(
            name="reloader",
            namespace=OPERATORS,
            labels=reloader.LABELS,
            reaches=(_API,),
            metrics=(reloader.METRICS_PORT,),
        ),
    ]
    if settings.autoscaler:
        found.append(
            SystemPods(
                name="cluster-autoscaler",
                namespace=OPERATORS,
                labels=cluster_autoscaler.LABELS,
                reaches=(_API, _AWS),
                metrics=(cluster_autoscaler.METRICS_PORT,),
            )
        )
    if settings.sealed_secrets:
        found.append(
            SystemPods(
                name="sealed-secrets",
                namespace=OPERATORS,
                labels=sealed_secrets.LABELS,
                reaches=(_API,),
                metrics=(sealed_secrets.METRICS_PORT,),
                # `kubeseal` asks for the certificate through the API server's proxy.
                webhook=sealed_secrets.HTTP_PORT,
            )
        )
    return tuple(found)


def _monitoring(settings: OperatorsSettings) -> tuple[SystemPods, ...]:
    stack = prometheus_stack
    alertmanager = Neighbours(namespace=MONITORING, labels=stack.ALERTMANAGER_LABELS, ports=(9093,))
    prometheus = Neighbours(namespace=MONITORING, labels=stack.PROMETHEUS_LABELS, ports=(9090,))
    traces = Neighbours(namespace=TRACING, labels=jaeger.LABELS, ports=(jaeger.QUERY_PORT,))
    return (
        SystemPods(
            name="prometheus",
            namespace=MONITORING,
            labels=stack.PROMETHEUS_LABELS,
            reaches=(_API, Scraped(), alertmanager),
            metrics=(9090, 8080),
        ),
        SystemPods(
            name="alertmanager",
            namespace=MONITORING,
            labels=stack.ALERTMANAGER_LABELS,
            # SNS, and the pager's address outside.
            reaches=(_AWS,),
            metrics=(9093, 8080),
            gossip=(9094,),
        ),
        SystemPods(
            name="grafana",
            namespace=MONITORING,
            labels=stack.GRAFANA_LABELS,
            reaches=(
                _API,
                prometheus,
                alertmanager,
                _LOKI,
                *((traces,) if settings.tracing.enabled else ()),
                *((Internet(),) if settings.monitoring.grafana_sign_in else ()),
            ),
            metrics=(3000,),
        ),
        SystemPods(
            name="prometheus-operator",
            namespace=MONITORING,
            labels=stack.OPERATOR_LABELS,
            # Its hook Jobs, which make the webhook's certificate, carry the same label.
            reaches=(_API,),
            metrics=(10250,),
            webhook=10250,
        ),
        SystemPods(
            name="kube-state-metrics",
            namespace=MONITORING,
            labels=stack.STATE_LABELS,
            reaches=(_API,),
            metrics=(8080, 8081),
        ),
        SystemPods(
            name="node-exporter", namespace=NODES, labels=stack.NODE_LABELS, metrics=(9100,)
        ),
    )


def _exporters(managed_cache: bool) -> tuple[SystemPods, ...]:
    found = [
        SystemPods(
            name="postgres-exporter",
            namespace=MONITORING,
            labels=exporters.POSTGRES_LABELS,
            reaches=(DataStore(store="database"),),
            metrics=(exporters.POSTGRES_PORT,),
        ),
        SystemPods(
            name="blackbox-exporter",
            namespace=MONITORING,
            labels=exporters.BLACKBOX_LABELS,
            reaches=(Internet(),),
            metrics=(exporters.BLACKBOX_PORT,),
        ),
    ]
    if managed_cache:
        found.append(
            SystemPods(
                name="redis-exporter",
                namespace=MONITORING,
                labels=exporters.REDIS_LABELS,
                reaches=(DataStore(store="cache"),),
                metrics=(exporters.REDIS_PORT,),
            )
        )
    return tuple(found)


def _logging() -> tuple[SystemPods, ...]:
    return (
        SystemPods(
            name="loki",
            namespace=LOGGING,
            labels=loki.LABELS,
            reaches=(_AWS,),
            metrics=(loki.PORT,),
            members=(loki.PORT, loki.GRPC_PORT),
            gossip=(loki.MEMBERS_PORT,),
        ),
        SystemPods(
            name="alloy",
            namespace=LOGGING,
            labels=alloy.LABELS,
            reaches=(_API, _LOKI),
            metrics=(alloy.PORT,),
            members=(alloy.PORT,),
        ),
    )


def _tracing() -> tuple[SystemPods, ...]:
    collector = opentelemetry_collector
    return (
        SystemPods(
            name="opentelemetry-collector",
            namespace=TRACING,
            labels=collector.LABELS,
            reaches=(
                Neighbours(namespace=TRACING, labels=jaeger.LABELS, ports=(jaeger.OTLP_PORT,)),
            ),
            metrics=(collector.METRICS_PORT,),
            serves=(collector.OTLP_PORT, collector.OTLP_HTTP_PORT, collector.JAEGER_HTTP_PORT),
        ),
        SystemPods(
            name="jaeger",
            namespace=TRACING,
            labels=jaeger.LABELS,
            metrics=(jaeger.METRICS_PORT,),
        ),
    )


def _velero() -> tuple[SystemPods, ...]:
    return (
        SystemPods(
            name="velero",
            namespace=VELERO,
            labels=velero.LABELS,
            reaches=(_API, _AWS),
            metrics=(velero.METRICS_PORT,),
        ),
        SystemPods(
            name="velero-crds", namespace=VELERO, labels=velero.CRDS_LABELS, reaches=(_API,)
        ),
    )
