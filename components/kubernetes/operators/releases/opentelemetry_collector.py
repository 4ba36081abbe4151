"""The OpenTelemetry collector: where pods send their traces, over OTLP or as the guide says.

Meets ENV-21: OTLP on 4317 and 4318, and Jaeger's HTTP receiver on 14268, the port of the guide's
TRACING_ENDPOINT, which Jaeger itself no longer has. LOG-04 holds for traces too: query strings and
credentials are cut off before a span leaves.

`alternateConfig` replaces the chart's whole configuration: the default one, which would be merged,
opens seven more receivers. Refused: tail sampling (it needs all spans of a trace in one replica).
"""

from __future__ import annotations

from typing import Any

from components.kubernetes.operators.releases import (
    CONTAINER,
    MAX_ONE,
    POD,
    Chart,
    Values,
    resources,
    selected,
    spread,
)

CHART = Chart(
    name="opentelemetry-collector",
    repository="https://open-telemetry.github.io/opentelemetry-helm-charts",
)
# Since 0.123.1 the Kubernetes distribution is no longer pushed to Docker Hub.
IMAGE = "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-k8s"
LABELS = {**selected("opentelemetry-collector"), "component": "standalone-collector"}
OTLP_PORT, OTLP_HTTP_PORT, JAEGER_HTTP_PORT, METRICS_PORT = 4317, 4318, 14268, 8888
# What the application is told (ENV-21); the second is the guide's own form.
HOST = "opentelemetry-collector.tracing.svc"
ENDPOINT = f"http://{HOST}:{OTLP_PORT}"
GUIDE_ENDPOINT = f"http://{HOST}:{JAEGER_HTTP_PORT}/api/traces"
STORAGE = "jaeger.tracing.svc:4317"

_PRIVATE = ("url.query", "http.request.header.authorization", "http.request.header.cookie")
_ADDRESSES = ("http.target", "http.url", "url.full")
_HERE = "${env:MY_POD_IP}"


def configuration() -> dict[str, Any]:
    """The collector's whole configuration."""
    return {
        "extensions": {"health_check": {"endpoint": f"{_HERE}:13133"}},
        "receivers": {
            "otlp": {
                "protocols": {
                    "grpc": {"endpoint": f"{_HERE}:{OTLP_PORT}"},
                    "http": {"endpoint": f"{_HERE}:{OTLP_HTTP_PORT}"},
                }
            },
            "jaeger": {"protocols": {"thrift_http": {"endpoint": f"{_HERE}:{JAEGER_HTTP_PORT}"}}},
        },
        "processors": {
            "memory_limiter": {
                "check_interval": "5s",
                "limit_percentage": 80,
                "spike_limit_percentage": 25,
            },
            "attributes/private": {
                "actions": [{"key": key, "action": "delete"} for key in _PRIVATE]
            },
            "transform/private": {
                "error_mode": "ignore",
                "trace_statements": [
                    rf'replace_pattern(span.attributes["{key}"], "\\?.*$", "")'
                    for key in _ADDRESSES
                ],
            },
            "batch": {},
        },
        "exporters": {"otlp": {"endpoint": STORAGE, "tls": {"insecure": True}}},
        "service": {
            "extensions": ["health_check"],
            "telemetry": {
                "metrics": {
                    "readers": [
                        {
                            "pull": {
                                "exporter": {"prometheus": {"host": _HERE, "port": METRICS_PORT}}
                            }
                        }
                    ]
                }
            },
            "pipelines": {
                "traces": {
                    "receivers": ["otlp", "jaeger"],
                    "processors": [
                        "memory_limiter",
                        "attributes/private",
                        "transform/private",
                        "batch",
                    ],
                    "exporters": ["otlp"],
                }
            },
        },
    }


def values(*, replicas: int) -> Values:
    """The chart's schema is closed: a misspelt key fails the release."""
    unused = ("jaeger-compact", "jaeger-grpc", "zipkin")
    return {
        "mode": "deployment",
        "fullnameOverride": "opentelemetry-collector",
        "image": {"repository": IMAGE},
        "replicaCount": replicas,
        "alternateConfig": configuration(),
        "ports": {
            **{port: {"enabled": False} for port in unused},
            "metrics": {"enabled": True},
        },
        "resources": resources("50m", "256Mi"),
        "podSecurityContext": POD,
        "securityContext": {**CONTAINER, "runAsUser": 10001},
        "podDisruptionBudget": {"enabled": True, **MAX_ONE},
        "topologySpreadConstraints": spread(LABELS),
        "serviceMonitor": {"enabled": True},
    }
