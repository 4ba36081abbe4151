"""Loki: keeps the logs in a bucket of ours, for as long as the environment says.

Meets LOG-01 in its part in the cluster (kept 30 days, then deleted by the compactor) and AUDIT-01
(lines that the collector marks `log="audit"` live as long as the audit log has to). In place of the
CloudWatch group of the requirement's row: queries beside the metrics, no price for each GB that
is looked at, and one key and one lifetime all the same.

Monolithic: one program, because Simple Scalable ends with Loki 4. The chart's caches are off (one
asks for 9.8 GB), and so is everything that only proves itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from components.documents import document, statement
from components.kubernetes.operators.releases import (
    MAX_ONE,
    Chart,
    Values,
    resources,
    selected,
)

if TYPE_CHECKING:
    from settings.operators import LoggingSettings

CHART = Chart(name="loki", repository="https://grafana-community.github.io/helm-charts")
SERVICE_ACCOUNT = "loki"
LABELS = {**selected("loki"), "app.kubernetes.io/component": "single-binary"}
PORT, GRPC_PORT, MEMBERS_PORT = 3100, 9095, 7946
PUSH_URL = "http://loki.logging.svc:3100/loki/api/v1/push"
AUDIT = '{log="audit"}'


def policy(bucket_arn: str, key_arn: str) -> str:
    """Loki's own list for S3 (documentation, "Storage", AWS), with the bucket's key."""
    return document(
        statement(["s3:ListBucket"], bucket_arn, sid="List"),
        statement(
            ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], f"{bucket_arn}/*", sid="Objects"
        ),
        statement(["kms:Decrypt", "kms:GenerateDataKey"], key_arn, sid="Key"),
    )


def values(
    settings: LoggingSettings,
    *,
    bucket: pulumi.Input[str],
    region: str,
    storage_class: str,
    audit_days: int,
) -> Values:
    """The factor of replication is the number of replicas, 1 or 3: two cannot outvote one."""
    return {
        "deploymentMode": "Monolithic",
        **{part: {"replicas": 0} for part in ("write", "read", "backend")},
        "serviceAccount": {"name": SERVICE_ACCOUNT},
        "loki": {
            "auth_enabled": False,
            "analytics": {"reporting_enabled": False},
            "commonConfig": {"replication_factor": settings.replicas},
            "storage": {
                "type": "s3",
                "bucketNames": {"chunks": bucket, "ruler": bucket},
                "s3": {"region": region},
            },
            "schemaConfig": {"configs": [schema()]},
            "compactor": {
                # Without both, `retention_period` does nothing.
                "retention_enabled": True,
                "delete_request_store": "s3",
            },
            "limits_config": {
                "retention_period": f"{24 * settings.retention_days}h",
                "retention_stream": [
                    {"selector": AUDIT, "priority": 1, "period": f"{24 * audit_days}h"}
                ],
            },
        },
        "singleBinary": {
            "replicas": settings.replicas,
            "resources": resources("100m", "512Mi"),
            "podDisruptionBudget": MAX_ONE,
            "persistence": {"size": f"{settings.volume_gib}Gi", "storageClass": storage_class},
        },
        "chunksCache": {"enabled": False},
        "resultsCache": {"enabled": False},
        "lokiCanary": {"enabled": False},
        "test": {"enabled": False},
        "gateway": {"enabled": False},
        "sidecar": {"rules": {"enabled": False}},
        "monitoring": {"serviceMonitor": {"enabled": True}},
    }


def schema() -> Values:
    """Of the first day on; a later schema is a row below it, never a change of this one."""
    return {
        "from": "2024-04-01",
        "store": "tsdb",
        "object_store": "s3",
        "schema": "v13",
        "index": {"prefix": "index_", "period": "24h"},
    }
