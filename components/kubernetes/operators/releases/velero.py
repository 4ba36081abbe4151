"""Velero: copies the objects of the cluster into a bucket of ours, and brings them back.

Meets DR-03 and DR-07 in their part (the server, and the location `s3-backup` in a bucket without a
lock), DR-06 (encrypted under our key). Schedules are another's. It copies objects only: no
volume is worth it (the database is RDS, the cache holds nothing unique, metrics and logs are in
two replicas or in S3), so it needs no right on EC2 and no privileged agent on the nodes.

Its CRDs are the one set that the chart itself upgrades before each upgrade, in a hook Job of
Velero's own image, which `restricted` admits with our contexts.

Refused: cluster-admin, the chart's default (`RULES` cannot impersonate, bind or escalate); access
keys in a Secret (velero#8240: the wrong identity may then be used).
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as kubernetes

from components.documents import document, statement
from components.kubernetes.operators.releases import (
    BUDGET,
    CONTAINER,
    POD,
    Chart,
    Values,
    resources,
    selected,
)

CHART = Chart(name="velero", repository="https://vmware-tanzu.github.io/helm-charts")
SERVICE_ACCOUNT = "velero-server"
LOCATION = "s3-backup"  # the guide's name (DR-07)
# 1.14 is for Velero 1.18 (1.14.3 is built against 1.18.1; velero#9741).
PLUGIN = "velero/velero-plugin-for-aws:v1.14.3"
ROLE = "arches-velero"
LABELS = selected("velero")
CRDS_LABELS = {"arches/part": "velero-crds"}
METRICS_PORT = 8085
USER = 65532

# What a backup reads and a restore writes: every kind, known or not. Rights that it does not hold
# itself it cannot give to others: neither `bind` nor `escalate` is here.
RULES: Sequence[kubernetes.rbac.v1.PolicyRuleArgsDict] = [
    {
        "api_groups": ["*"],
        "resources": ["*"],
        "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
    }
]


def policy(bucket_arn: str, key_arn: str) -> str:
    """The plugin's list for S3 (velero-plugin-for-aws, README), without its rights on volumes."""
    return document(
        statement(["s3:ListBucket"], bucket_arn, sid="List"),
        statement(
            [
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
                "s3:GetObject",
                "s3:ListMultipartUploadParts",
                "s3:PutObject",
                "s3:PutObjectTagging",
            ],
            f"{bucket_arn}/*",
            sid="Objects",
        ),
        statement(["kms:Decrypt", "kms:GenerateDataKey"], key_arn, sid="Key"),
    )


def values(*, bucket: pulumi.Input[str], region: str, key_arn: pulumi.Input[str]) -> Values:
    """One replica: Velero knows no second."""
    container = {**CONTAINER, "runAsUser": USER}
    return {
        "credentials": {"useSecret": False},
        "serviceAccount": {"server": {"create": True, "name": SERVICE_ACCOUNT}},
        "rbac": {"clusterAdministrator": True, "clusterAdministratorName": ROLE},
        "initContainers": [
            {
                "name": "velero-plugin-for-aws",
                "image": PLUGIN,
                "resources": resources("10m", "32Mi"),
                "securityContext": container,
                "volumeMounts": [{"name": "plugins", "mountPath": "/target"}],
            }
        ],
        "configuration": {
            "backupStorageLocation": [
                {
                    "name": LOCATION,
                    "provider": "aws",
                    "bucket": bucket,
                    "default": True,
                    "config": {"region": region, "kmsKeyId": key_arn},
                }
            ],
            "volumeSnapshotLocation": [],
            "defaultBackupTTL": "720h",
        },
        "deployNodeAgent": False,
        "upgradeCRDs": True,
        "upgradeJobResources": resources("10m", "64Mi"),
        "kubectl": {"labels": CRDS_LABELS},
        "cleanUpCRDs": False,
        "resources": resources("50m", "192Mi", "512Mi"),
        "podSecurityContext": {**POD, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER},
        "containerSecurityContext": container,
        # An hour, the default, would hold a drain of its node for as long; a backup that is cut
        # off is marked failed, and the next one is at most half an hour away.
        "terminationGracePeriodSeconds": 300,
        "podDisruptionBudget": BUDGET,
        "metrics": {"serviceMonitor": {"enabled": True, "autodetect": False}},
    }
