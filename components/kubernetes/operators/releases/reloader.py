"""Reloader: rolls the pods that use a Secret or ConfigMap which changed outside the program.

Meets SEC-06 in its part: a rotated secret reaches the pods. It touches only what asks for it by
annotation (`RELOADER` in components/kubernetes/workloads/manifests.py).
"""

from __future__ import annotations

from components.kubernetes.operators.releases import (
    CONTAINER,
    MAX_ONE,
    Chart,
    Values,
    resources,
    selected,
    spread,
)

CHART = Chart(name="reloader", repository="https://stakater.github.io/stakater-charts")
LABELS = selected("reloader")
METRICS_PORT = 9090


def values(*, replicas: int) -> Values:
    """Two replicas only with leader election, which the chart calls high availability."""
    return {
        "reloader": {
            "enableHA": replicas > 1,
            "ignoreJobs": True,  # a Job is named by its content and runs once
            "ignoreCronJobs": True,
            # By default it would add a variable to the application's own environment.
            "reloadStrategy": "annotations",
            "logFormat": "json",
            "readOnlyRootFileSystem": True,
            "deployment": {
                "replicas": replicas,
                "containerSecurityContext": CONTAINER,
                "resources": resources("10m", "96Mi"),
                "topologySpreadConstraints": spread(LABELS),
            },
            "podDisruptionBudget": {"enabled": True, **MAX_ONE},
            "podMonitor": {"enabled": True},
        }
    }
