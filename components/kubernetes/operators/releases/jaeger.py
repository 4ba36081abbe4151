"""Jaeger: stores and shows the traces, for people who come through Grafana or a port-forward.

Meets ENV-21 in its part. Version 2 is a collector with a store; the chart's README says `config`,
which no template reads: the whole configuration is `userconfig`. Traces live in Badger on a volume,
one pod, and end by themselves. Refused: memory (gone at each restart), an OpenSearch for it.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from components.kubernetes.operators.releases import (
    CONTAINER,
    POD,
    Chart,
    Values,
    resources,
    selected,
)

if TYPE_CHECKING:
    from settings.operators import TracingSettings

CHART = Chart(name="jaeger", repository="https://jaegertracing.github.io/helm-charts")
LABELS = {**selected("jaeger"), "app.kubernetes.io/component": "all-in-one"}
QUERY_PORT, OTLP_PORT, HEALTH_PORT, METRICS_PORT = 16686, 4317, 13133, 8888
CLAIM = "jaeger-traces"
USER = 10001
STORE = "/badger"


def configuration(settings: TracingSettings) -> dict[str, Any]:
    """Jaeger's whole configuration, after its own example for Badger."""
    return {
        "service": {
            "extensions": ["jaeger_storage", "jaeger_query", "healthcheckv2"],
            "pipelines": {
                "traces": {
                    "receivers": ["otlp"],
                    "processors": ["batch"],
                    "exporters": ["jaeger_storage_exporter"],
                }
            },
            "telemetry": {
                "resource": {"service.name": "jaeger"},
                "metrics": {
                    "level": "detailed",
                    "readers": [
                        {
                            "pull": {
                                "exporter": {
                                    "prometheus": {"host": "0.0.0.0", "port": METRICS_PORT}
                                }
                            }
                        }
                    ],
                },
            },
        },
        "extensions": {
            "healthcheckv2": {"use_v2": True, "http": {"endpoint": f"0.0.0.0:{HEALTH_PORT}"}},
            "jaeger_query": {"storage": {"traces": "traces"}},
            "jaeger_storage": {
                "backends": {
                    "traces": {
                        "badger": {
                            "directories": {"keys": f"{STORE}/keys", "values": f"{STORE}/values"},
                            "ephemeral": False,
                            "ttl": {"spans": f"{settings.retention_hours}h"},
                        }
                    }
                }
            },
        },
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"0.0.0.0:{OTLP_PORT}"}}}},
        "processors": {"batch": {}},
        "exporters": {"jaeger_storage_exporter": {"trace_storage": "traces"}},
    }


def values(settings: TracingSettings) -> Values:
    """The checksum rolls the pod: the chart itself does not when the configuration changes."""
    config = configuration(settings)
    checksum = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16]
    return {
        "fullnameOverride": "jaeger",
        "userconfig": config,
        "jaeger": {
            "resources": resources("50m", "384Mi"),
            "podSecurityContext": {
                **POD,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "fsGroupChangePolicy": "OnRootMismatch",
            },
            "securityContext": CONTAINER,
            "podLabels": {"checksum": checksum},
            "extraVolumes": [{"name": "traces", "persistentVolumeClaim": {"claimName": CLAIM}}],
            "extraVolumeMounts": [{"name": "traces", "mountPath": STORE}],
        },
    }
