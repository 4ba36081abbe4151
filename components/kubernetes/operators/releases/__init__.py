"""What every Helm release in the cluster has in common: where its chart is, and parts of values.

One module per chart beside this one: `CHART`, and `values(...)`, a pure function of what the
environment decides. Helm ignores a misspelt key without a word, so every key was seen to change the
rendered objects of the pinned version. Meets K8S-11 (pods that `restricted` admits) in its part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Values = dict[str, Any]

SECCOMP: Values = {"type": "RuntimeDefault"}
# Charts place these two differently; both say `restricted` in full, so that either place will do.
POD: Values = {"runAsNonRoot": True, "seccompProfile": SECCOMP}
CONTAINER: Values = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": SECCOMP,
}
# The charts' own minAvailable 1 on one replica blocks every drain; with both set the API server
# refuses the object, so the default is nulled (pulumi-kubernetes keeps nulls since 4.30).
BUDGET: Values = {"enabled": True, "minAvailable": None, "maxUnavailable": 1}
# Where only the number is rendered, or `enabled` is no key.
MAX_ONE: Values = {"maxUnavailable": 1}


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart by name, and the address of its repository; its version is a setting."""

    name: str
    repository: str


def selected(name: str, release: str = "") -> dict[str, str]:
    """The labels by which a chart's Service selects its pods, in the charts' common form.

    Network policies must say exactly these: only then does the CNI's controller open the Service's
    own address with them (amazon-network-policy-controller-k8s#224).
    """
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": release or name}


def resources(cpu: str, memory: str, limit: str | None = None) -> Values:
    """Requests and a memory limit, by default twice the request in MiB.

    No CPU limit: throttling a controller delays everybody and protects nobody (the nodes' shares
    follow the requests). memory, limit: in "Mi".
    """
    return {
        "requests": {"cpu": cpu, "memory": memory},
        "limits": {"memory": limit or f"{2 * int(memory.removesuffix('Mi'))}Mi"},
    }


def spread(labels: dict[str, str]) -> list[Values]:
    """Pods with these labels over zones and nodes, without holding one back where it cannot be."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": labels},
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]
