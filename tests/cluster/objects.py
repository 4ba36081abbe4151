"""Objects that a cluster of ours would accept, for tests to spoil."""

from __future__ import annotations

import copy
from typing import Any

Manifest = dict[str, Any]


def deployment(namespace: str, name: str = "api", replicas: int = 1) -> Manifest:
    """A workload that `restricted` admits."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "securityContext": {
                        "runAsNonRoot": True,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [
                        {
                            "name": name,
                            "image": f"registry.example/{name}@sha256:{'a' * 64}",
                            "resources": {
                                "requests": {"cpu": "100m", "memory": "64Mi"},
                                "limits": {"memory": "128Mi"},
                            },
                            "securityContext": {
                                "allowPrivilegeEscalation": False,
                                "capabilities": {"drop": ["ALL"]},
                            },
                        }
                    ],
                },
            },
        },
    }


def of_kind(made: Manifest, kind: str) -> Manifest:
    """The same pods as another kind of workload."""
    template = copy.deepcopy(made["spec"]["template"])
    selector, labels = made["spec"]["selector"], made["metadata"]
    if kind in ("Job", "CronJob"):
        template["spec"]["restartPolicy"] = "Never"
    spec: Manifest = {
        "DaemonSet": {"selector": selector, "template": template},
        "StatefulSet": {"selector": selector, "template": template, "serviceName": "api"},
        "Job": {"template": template},
        "CronJob": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": template}}},
        "Deployment": made["spec"],
    }[kind]
    group = "batch/v1" if kind in ("Job", "CronJob") else "apps/v1"
    return {"apiVersion": group, "kind": kind, "metadata": labels, "spec": spec}


def pod_spec(made: Manifest) -> Manifest:
    """The pod's part of a Deployment, to be changed in place."""
    return made["spec"]["template"]["spec"]


def quota(namespace: str, **hard: str) -> Manifest:
    named = {key.replace("_", "."): value for key, value in hard.items()}
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "quota", "namespace": namespace},
        "spec": {"hard": named},
    }


def config_map(namespace: str, **data: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": namespace},
        "data": data,
    }
