"""External Secrets: fills Kubernetes Secrets from Secrets Manager, and nothing else.

Meets SEC-04 and CHK-SEC-02 in their part in the cluster, SEC-06 (its own identity, read-only, ours
alone). The chart is installed twice: once for its CRDs alone, which outlive everything
(`crd_values`, components/kubernetes/operators/crds.py), once for the controllers.

With Pod Identity a store has no `auth` block: the controller's own identity reads
(external-secrets#2951, #4888). Refused: pushing secrets back, generators and cluster-wide external
secrets (each is a way around the list of namespaces that may use the store).
"""

from __future__ import annotations

from collections.abc import Sequence

from components.documents import document, statement
from components.kubernetes.operators.releases import (
    MAX_ONE,
    Chart,
    Values,
    resources,
    selected,
    spread,
)

CHART = Chart(name="external-secrets", repository="https://charts.external-secrets.io")
SERVICE_ACCOUNT = "external-secrets"
STORE = "secrets-manager"
API_VERSION = "external-secrets.io/v1"
LABELS = selected("external-secrets")
WEBHOOK_LABELS = selected("external-secrets-webhook", "external-secrets")
CERTIFICATE_LABELS = selected("external-secrets-cert-controller", "external-secrets")
WEBHOOK_PORT, METRICS_PORT = 10250, 8080

# The kinds that nobody here uses: neither their CRDs nor their controllers exist.
_UNUSED = ("ClusterExternalSecret", "PushSecret", "ClusterPushSecret", "ClusterGenerator")


def policy(secret_arns: Sequence[str], key_arn: str) -> str:
    """Reads these secrets and decrypts with their key; it can list none and change none."""
    return document(
        statement(
            ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
            secret_arns,
            sid="ReadOurs",
        ),
        statement(["kms:Decrypt"], key_arn, sid="Decrypt"),
    )


def store(region: str, namespaces: Sequence[str]) -> Values:
    """The specification of the ClusterSecretStore, for these namespaces only."""
    return {
        "provider": {"aws": {"service": "SecretsManager", "region": region}},
        "conditions": [{"namespaces": list(namespaces)}],
    }


def crd_values() -> Values:
    """The chart's CRDs and nothing else; Helm leaves them behind whatever happens."""
    return {
        "installCRDs": True,
        "crds": {
            "annotations": {"helm.sh/resource-policy": "keep"},
            **{f"create{kind}": False for kind in _UNUSED},
        },
        "createOperator": False,
        "serviceAccount": {"create": False},
        "rbac": {"create": False},
        "webhook": {"create": False},
        "certController": {"create": False},
    }


def values(*, replicas: int) -> Values:
    """The three controllers; the certificate of the webhook is made and renewed by the third."""
    account = {"name": SERVICE_ACCOUNT}
    # The metrics name the namespace of the secret; without this it would be the operator's own
    # (chart, templates/servicemonitor.yaml).
    monitor = {"enabled": True, "renderMode": "alwaysRender", "honorLabels": True}
    return {
        "installCRDs": False,
        "replicaCount": replicas,
        # Without it, two controllers would both write.
        "leaderElect": True,
        "serviceAccount": account,
        **{f"process{kind}": False for kind in _UNUSED},
        "rbac": {"serviceAccountTokenCreate": False},
        "resources": resources("20m", "96Mi"),
        "podDisruptionBudget": {"enabled": True, **MAX_ONE},
        "topologySpreadConstraints": spread(LABELS),
        "livenessProbe": {"enabled": True},
        "readinessProbe": {"enabled": True},
        "serviceMonitor": monitor,
        "webhook": {
            "replicaCount": replicas,
            "serviceAccount": {"name": f"{SERVICE_ACCOUNT}-webhook"},
            "resources": resources("10m", "64Mi"),
            "podDisruptionBudget": {"enabled": True, **MAX_ONE},
            "topologySpreadConstraints": spread(WEBHOOK_LABELS),
        },
        "certController": {
            "replicaCount": 1,
            "serviceAccount": {"name": f"{SERVICE_ACCOUNT}-cert-controller"},
            "resources": resources("10m", "96Mi"),
            "podDisruptionBudget": {"enabled": True, **MAX_ONE},
        },
    }
