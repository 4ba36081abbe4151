"""Sealed Secrets, as a choice: for teams that keep other secrets in git.

Meets SEC-04 in the guide's own form. Off by default: sealed values die with one cluster's key. It
lives in our own namespace, under `restricted` and network policies, so `kubeseal` is told where:
SEALED_SECRETS_CONTROLLER_NAMESPACE=operators. Its power ends at the namespaces that it is given.
"""

from __future__ import annotations

from collections.abc import Sequence

from components.kubernetes.operators.releases import Chart, Values, resources, selected

CHART = Chart(name="sealed-secrets", repository="https://bitnami.github.io/sealed-secrets")
LABELS = selected("sealed-secrets")
HTTP_PORT, METRICS_PORT = 8080, 8081


def values(*, namespaces: Sequence[str]) -> Values:
    """namespaces: where sealed secrets are opened, beside its own."""
    return {
        "fullnameOverride": "sealed-secrets-controller",
        "keyrenewperiod": "720h",
        "additionalNamespaces": list(namespaces),
        # By default every authenticated user may reach the service through the API server.
        "rbac": {
            "clusterRole": False,
            "namespacedRoles": True,
            "serviceProxier": {"create": False},
        },
        "resources": resources("10m", "64Mi"),
        "pdb": {"create": True, "minAvailable": "", "maxUnavailable": 1},
        "metrics": {"serviceMonitor": {"enabled": True}},
    }
