"""Every chart that is installed, with the values that a production environment gives it."""

from __future__ import annotations

from typing import Any

from components.kubernetes.operators.releases import (
    Chart,
    Values,
    alloy,
    cluster_autoscaler,
    exporters,
    external_secrets,
    jaeger,
    load_balancer_controller,
    loki,
    opentelemetry_collector,
    prometheus_crds,
    prometheus_stack,
    reloader,
    sealed_secrets,
    velero,
)
from settings.operators import OperatorsSettings

REGION = "eu-central-1"


def operators(**given: Any) -> OperatorsSettings:
    return OperatorsSettings.model_validate(given)


def stack(**monitoring: Any) -> Values:
    return prometheus_stack.values(
        operators(monitoring=monitoring).monitoring,
        stack="prod",
        storage_class="gp3-encrypted",
        node_namespace="monitoring-nodes",
        traces=True,
    )


def every() -> dict[str, tuple[Chart, Values]]:
    """Release name -> its chart and values."""
    plain = operators()
    return {
        "alloy": (alloy.CHART, alloy.values(stack="prod", replicas=2, storage_class="gp3")),
        "aws-load-balancer-controller": (
            load_balancer_controller.CHART,
            load_balancer_controller.values(
                cluster_name="c", region=REGION, vpc_id="vpc-1", replicas=2
            ),
        ),
        "cluster-autoscaler": (
            cluster_autoscaler.CHART,
            cluster_autoscaler.values(cluster_name="c", region=REGION, minor="1.36", replicas=2),
        ),
        "external-secrets": (external_secrets.CHART, external_secrets.values(replicas=2)),
        "external-secrets-crds": (external_secrets.CHART, external_secrets.crd_values()),
        "jaeger": (jaeger.CHART, jaeger.values(plain.tracing)),
        "kube-prometheus-stack": (prometheus_stack.CHART, stack()),
        "loki": (
            loki.CHART,
            loki.values(
                plain.logging,
                bucket="logs",
                region=REGION,
                storage_class="gp3-encrypted",
                audit_days=365,
            ),
        ),
        "opentelemetry-collector": (
            opentelemetry_collector.CHART,
            opentelemetry_collector.values(replicas=2),
        ),
        "prometheus-blackbox-exporter": (
            exporters.BLACKBOX,
            exporters.blackbox_values(hosts=["api.example.com", "app.example.com"]),
        ),
        "prometheus-operator-crds": (prometheus_crds.CHART, prometheus_crds.values()),
        "prometheus-postgres-exporter": (
            exporters.POSTGRES,
            exporters.postgres_values(host="db.example.com", port=5432, database="archesai"),
        ),
        "prometheus-redis-exporter": (
            exporters.REDIS,
            exporters.redis_values(host="cache.example.com", port=6379),
        ),
        "reloader": (reloader.CHART, reloader.values(replicas=2)),
        "sealed-secrets": (sealed_secrets.CHART, sealed_secrets.values(namespaces=["production"])),
        "velero": (
            velero.CHART,
            velero.values(bucket="copies", region=REGION, key_arn="arn:aws:kms:key"),
        ),
    }
