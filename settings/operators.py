"""What an environment may decide about the operators in its cluster: versions, sizes, lifetimes.

The charts' versions are pinned here, each with the release of its values that this program was
written for; an environment may raise one within its major. Meets MON-01 (retention stated, two
replicas), LOG-01 (30 days), ENV-21 (tracing as a choice), SEC-04 (Sealed Secrets as a choice).

Refused: a version range (an unread upgrade on every run), another major (Helm ignores a key that a
new major renamed, without a word).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from settings.core import Section, clash, setting

# The newest that was read, key by key, in July and August 2026; those of the Prometheus operator
# and of its kinds go together.
CHART_VERSIONS: Mapping[str, str] = {
    "alloy": "1.11.1",
    "aws-load-balancer-controller": "3.5.0",
    "cluster-autoscaler": "9.59.0",
    "external-secrets": "2.9.0",
    "jaeger": "4.11.1",
    "kube-prometheus-stack": "88.5.3",
    "loki": "18.11.0",
    "opentelemetry-collector": "0.170.0",
    "prometheus-blackbox-exporter": "11.17.2",
    "prometheus-operator-crds": "31.0.1",
    "prometheus-postgres-exporter": "8.2.0",
    "prometheus-redis-exporter": "6.29.0",
    "reloader": "2.2.16",
    "sealed-secrets": "2.19.1",
    "velero": "12.1.0",
}
_EXACT = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_HTTPS = r"^https://[^\s@]+$"


class GrafanaSignIn(Section):
    """The identity provider for Grafana (MON-10): a public client with PKCE, so no secret."""

    root_url: str = setting(
        allowed="the https address at which people open Grafana, or http://localhost",
        example="http://localhost:3000",
        pattern=r"^(https://[^\s@]+|http://localhost(:\d+)?)$",
    )
    client_id: str = setting(
        allowed="the client's id at the identity provider", example="grafana", min_length=1
    )
    auth_url: str = setting(
        allowed="the provider's authorization endpoint, an https address",
        example="https://login.example.com/authorize",
        pattern=_HTTPS,
    )
    token_url: str = setting(
        allowed="the provider's token endpoint, an https address",
        example="https://login.example.com/token",
        pattern=_HTTPS,
    )
    user_info_url: str = setting(
        allowed="the provider's user information endpoint, an https address",
        example="https://login.example.com/userinfo",
        pattern=_HTTPS,
    )
    admin_group: str = setting(
        allowed="the group whose members administer Grafana, in letters, digits, dots, _ and -",
        example="platform",
        pattern=r"^[\w.-]+$",
    )
    viewer_group: str = setting(
        allowed="the group whose members may look, in letters, digits, dots, _ and -",
        example="engineering",
        pattern=r"^[\w.-]+$",
    )


class MonitoringSettings(Section):
    """Prometheus, Alertmanager and Grafana."""

    prometheus_replicas: int = setting(
        2, allowed="1 or 2 pods of Prometheus, each with all of the data", example=2, ge=1, le=2
    )
    prometheus_memory_mib: int = setting(
        1024,
        allowed="whole MiB from 512 to 16,384 that a Prometheus asks for; its limit is twice that",
        example=1024,
        ge=512,
        le=16384,
    )
    retention_days: int = setting(
        15, allowed="whole days from 2 to 90 that metrics are kept", example=15, ge=2, le=90
    )
    volume_gib: int = setting(
        50, allowed="whole GiB from 10 to 1,000 for each Prometheus", example=50, ge=10, le=1000
    )
    alertmanager_replicas: Literal[1, 3] = setting(
        3, allowed="1, or 3 of which one may be lost", example=3
    )
    grafana_sign_in: GrafanaSignIn | None = setting(
        None,
        allowed="null for the one administrator from the secret, or the identity provider",
        example={
            "rootUrl": "http://localhost:3000",
            "clientId": "grafana",
            "authUrl": "https://login.example.com/authorize",
            "tokenUrl": "https://login.example.com/token",
            "userInfoUrl": "https://login.example.com/userinfo",
            "adminGroup": "platform",
            "viewerGroup": "engineering",
        },
    )


class LoggingSettings(Section):
    """Loki and its collector."""

    replicas: Literal[1, 3] = setting(3, allowed="1, or 3 of which one may be lost", example=3)
    retention_days: int = setting(
        30,
        allowed="whole days from 7 to 30 that logs are kept (the guide says 30; longer would "
        "outlive the promise to erase)",
        example=30,
        ge=7,
        le=30,
    )
    volume_gib: int = setting(
        20,
        allowed="whole GiB from 5 to 500 for what each Loki has not yet put into its bucket",
        example=20,
        ge=5,
        le=500,
    )


class TracingSettings(Section):
    """The OpenTelemetry collector and Jaeger (ENV-21)."""

    enabled: bool = setting(True, allowed="true, or false where no pod sends traces", example=True)
    retention_hours: int = setting(
        72, allowed="whole hours from 1 to 720 that traces are kept", example=72, ge=1, le=720
    )
    volume_gib: int = setting(
        20, allowed="whole GiB from 5 to 500 for the traces", example=20, ge=5, le=500
    )


class OperatorsSettings(Section):
    """Answers the guide's monitoring, logging and secrets chapters in the cluster."""

    chart_versions: dict[str, str] = setting(
        {},
        allowed="chart to exact version, for charts that differ from this program's table",
        example={"velero": "12.1.0"},
    )
    replicas: int = setting(
        2,
        allowed="1 to 3 pods of each controller that elects a leader",
        example=2,
        ge=1,
        le=3,
    )
    release_timeout_seconds: int = setting(
        900,
        allowed="whole seconds from 300 to 3,600 until a release that is not ready is rolled back",
        example=900,
        ge=300,
        le=3600,
    )
    autoscaler: bool = setting(
        True,
        allowed="true, or false where the number of nodes is changed by hand",
        example=True,
    )
    sealed_secrets: bool = setting(
        False,
        allowed="true for teams that keep further secrets in git, sealed for this cluster",
        example=False,
    )
    monitoring: MonitoringSettings = setting(
        MonitoringSettings(),
        allowed="a mapping for Prometheus, Alertmanager and Grafana",
        example={"volumeGib": 50},
    )
    logging: LoggingSettings = setting(
        LoggingSettings(), allowed="a mapping for the logs", example={"replicas": 3}
    )
    tracing: TracingSettings = setting(
        TracingSettings(), allowed="a mapping for the traces", example={"retentionHours": 72}
    )

    def chart_version(self, chart: str) -> str:
        """The version of a chart. Raises KeyError: this program installs no such chart."""
        return self.chart_versions.get(chart) or CHART_VERSIONS[chart]

    @model_validator(mode="after")
    def _known_charts(self) -> Self:
        for chart, version in self.chart_versions.items():
            known = CHART_VERSIONS.get(chart)
            if known is None:
                raise clash(
                    "chartVersions",
                    got=chart,
                    allowed="versions of " + ", ".join(CHART_VERSIONS),
                    example={"velero": "12.1.0"},
                )
            major = known.split(".")[0]
            if not _EXACT.fullmatch(version) or version.split(".")[0] != major:
                raise clash(
                    f"chartVersions.{chart}",
                    got=f'"{version}"',
                    allowed=f"an exact version of major {major}, whose values this program writes",
                    example=known,
                )
        return self


def operators_refusals(
    operators: OperatorsSettings, *, serves_customers: bool
) -> Iterator[PydanticCustomError]:
    """What an environment that people depend on may not save on; keys from the environment's root.

    A pod that is moved must not leave a hole in the metrics, an alert untold or a log unwritten.
    """
    if not serves_customers:
        return
    rows = (
        ("operators.replicas", operators.replicas, 2, "2 or 3"),
        (
            "operators.monitoring.prometheusReplicas",
            operators.monitoring.prometheus_replicas,
            2,
            "2 (MON-01)",
        ),
        (
            "operators.monitoring.alertmanagerReplicas",
            operators.monitoring.alertmanager_replicas,
            3,
            "3 (MON-08)",
        ),
        ("operators.logging.replicas", operators.logging.replicas, 3, "3 (LOG-01)"),
    )
    for key, got, least, allowed in rows:
        if got < least:
            yield clash(
                key, got=f"{got} while servesCustomers is true", allowed=allowed, example=least
            )
