"""Exporters: what Prometheus cannot ask of PostgreSQL, Redis and our public names by itself.

Meets MON-09 in its part (connections, replication, evictions, certificates that end). Three charts
of one repository, each one pod. The one for PostgreSQL goes straight to port 5432, past the pooler,
with a login that may only read statistics (section 1 of the budget: 3 connections).

Two of them have a password in their environment, so their Deployments ask for Reloader (SEC-06): a
replaced password would otherwise read as a database that is down. Each chart has a key of its own
for that.
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components.kubernetes.operators.releases import (
    CONTAINER,
    MAX_ONE,
    POD,
    Chart,
    Values,
    resources,
    selected,
)
from components.kubernetes.operators.releases.prometheus_stack import CHART as STACK
from components.kubernetes.workloads.manifests import RELOADER

POSTGRES = Chart(name="prometheus-postgres-exporter", repository=STACK.repository)
REDIS = Chart(name="prometheus-redis-exporter", repository=STACK.repository)
BLACKBOX = Chart(name="prometheus-blackbox-exporter", repository=STACK.repository)

POSTGRES_LABELS = selected(POSTGRES.name)
REDIS_LABELS = selected(REDIS.name)
BLACKBOX_LABELS = selected(BLACKBOX.name)
POSTGRES_PORT, REDIS_PORT, BLACKBOX_PORT = 9187, 9121, 9115

POSTGRES_SECRET = "postgres-exporter"
REDIS_SECRET = "redis-exporter"
PASSWORD = "password"
LOGIN = "archesai_exporter"
AUTHORITY = "database-authorities"  # a ConfigMap with their certificates
AUTHORITY_FILE = "authorities.pem"
AUTHORITY_PATH = "/etc/database"


def postgres_values(*, host: pulumi.Input[str], port: int, database: str) -> Values:
    """The server's name is checked against the authorities in the ConfigMap AUTHORITY."""
    return {
        "fullnameOverride": "postgres-exporter",
        # This chart's `annotations` are the pod's alone (templates/deployment.yaml of 8.2.0).
        "deployment": {"annotations": RELOADER},
        "config": {
            "datasource": {
                "host": host,
                "port": str(port),
                "database": database,
                "user": LOGIN,
                "passwordSecret": {"name": POSTGRES_SECRET, "key": PASSWORD},
                "sslmode": "verify-full",
                "extraParams": f"sslrootcert={AUTHORITY_PATH}/{AUTHORITY_FILE}",
            }
        },
        "extraVolumes": [{"name": "authorities", "configMap": {"name": AUTHORITY}}],
        "extraVolumeMounts": [
            {"name": "authorities", "mountPath": AUTHORITY_PATH, "readOnly": True}
        ],
        "resources": resources("10m", "48Mi"),
        "serviceMonitor": {"enabled": True},
        "podDisruptionBudget": {"enabled": True, **MAX_ONE},
    }


def redis_values(*, host: pulumi.Input[str], port: int) -> Values:
    """ElastiCache: TLS, whose authority is Amazon's public one, and the token."""
    return {
        "fullnameOverride": "redis-exporter",
        "annotations": RELOADER,
        "redisAddress": pulumi.Output.concat("rediss://", host, f":{port}"),
        "auth": {"enabled": True, "secret": {"name": REDIS_SECRET, "key": PASSWORD}},
        "resources": resources("10m", "32Mi"),
        "podSecurityContext": {**POD, "runAsUser": 59000},
        "securityContext": CONTAINER,
        "serviceMonitor": {"enabled": True},
    }


def blackbox_values(*, hosts: Sequence[str]) -> Values:
    """hosts: asked over HTTPS every minute; any answer will do, the certificate is what counts."""
    return {
        "fullnameOverride": "blackbox-exporter",
        "config": {
            "modules": {
                "https": {
                    "prober": "http",
                    "timeout": "10s",
                    "http": {
                        "fail_if_not_ssl": True,
                        "follow_redirects": False,
                        "preferred_ip_protocol": "ip4",
                        "valid_status_codes": [*range(200, 500)],
                    },
                }
            }
        },
        "resources": resources("10m", "32Mi"),
        "podSecurityContext": POD,
        "podDisruptionBudget": MAX_ONE,
        "serviceMonitor": {
            "enabled": True,
            "defaults": {"module": "https", "interval": "60s", "scrapeTimeout": "15s"},
            "targets": [{"name": host, "url": f"https://{host}/"} for host in hosts],
        },
    }
