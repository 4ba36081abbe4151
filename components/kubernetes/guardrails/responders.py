"""What whoever is on call may do beside looking: what the runbooks ask, and no more.

Meets CHK-SEC-04. The access entry `responder` sees the whole cluster (components/access.py); of
EKS's own policies only those that also write everything may enter pods (EKS user guide, "Review
access policy permissions"). So a Role of ours gives the rest, in two namespaces. A test holds it
against every command of docs/runbooks; what needs more says there that it is `deployer`'s.

- Entering a pod is `get`, as kubectl asks over WebSocket, and since Kubernetes 1.35 `create` too
  (feature gate AuthorizePodWebsocketUpgradeCreatePermission). The audit log has each command.
- A Deployment is patched, to restart it or to take a release back; a Job is made from a CronJob.
  Admission judges both as it judges ours.
- In `monitoring` nothing is entered but Prometheus, which people ask by promtool.

Refused: AmazonEKSEditPolicy for both namespaces (it also writes Secrets, service accounts and
everything else); nodes and other namespaces: a drain moves everybody's pods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.kubernetes.operators.releases import prometheus_stack
from components.kubernetes.operators.system_pods import MONITORING
from components.kubernetes.workloads.manifests import Manifest
from components.kubernetes.workloads.shape import APPLICATION, NAME_LABEL
from settings.cluster import RESPONDERS

NAME = f"{APPLICATION}-responder"
ENTER = ["get", "create"]
PROMETHEUS = f"prometheus-{prometheus_stack.NAME}"  # the operator's StatefulSet


def application() -> list[Manifest]:
    """The rules in the application's namespace."""
    return [
        {"apiGroups": [""], "resources": ["pods/exec", "pods/portforward"], "verbs": ENTER},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]},
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "delete"]},
    ]


def monitoring(prometheus: int) -> list[Manifest]:
    """The rules in the namespace of Prometheus, of which there are so many pods."""
    pods = [f"{PROMETHEUS}-{number}" for number in range(prometheus)]
    return [
        {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ENTER, "resourceNames": pods},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]},
    ]


@dataclass(frozen=True, kw_only=True)
class RespondersArgs:
    """
    namespace: the application's. prometheus: how many pods Prometheus has. after: what the
    namespace `monitoring` is there before.
    """

    namespace: pulumi.Input[str]
    prometheus: int
    after: Sequence[pulumi.Resource]


class Responders(pulumi.ComponentResource):
    """The role and its binding to those on call, in both namespaces."""

    def __init__(
        self, name: str, args: RespondersArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Responders", name, None, opts)
        self._name = name
        here = pulumi.ResourceOptions(parent=self)
        self._granted("application", args.namespace, application(), here)
        later = pulumi.ResourceOptions(parent=self, depends_on=list(args.after))
        self._granted("monitoring", MONITORING, monitoring(args.prometheus), later)
        self.register_outputs({"role": NAME})

    def _granted(
        self,
        where: str,
        namespace: pulumi.Input[str],
        rules: list[Manifest],
        opts: pulumi.ResourceOptions,
    ) -> None:
        about: Any = {"name": NAME, "namespace": namespace, "labels": {NAME_LABEL: APPLICATION}}
        granted: Any = rules
        api = "rbac.authorization.k8s.io"
        role = kubernetes.rbac.v1.Role(
            f"{self._name}-{where}", metadata=about, rules=granted, opts=opts
        )
        kubernetes.rbac.v1.RoleBinding(
            f"{self._name}-{where}",
            metadata=about,
            role_ref={"api_group": api, "kind": "Role", "name": NAME},
            subjects=[{"api_group": api, "kind": "Group", "name": RESPONDERS}],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role]),
        )
