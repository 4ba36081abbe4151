"""What a workload in the cluster says of itself, once; every object about it follows from this.

Service, probes, resources, autoscaler, disruption budget, spread, service account, network
policies, monitor and target group are written from these declarations, so that a port or a label
stands in one place (requirement ENV-02, K8S-02, traps "Kubernetes / Helm / jobs"). Nothing here
knows Pulumi's engine: a declaration is data that rules, tests and pictures read as well.

A declaration that cannot work raises ValueError with one line: what it got, what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pulumi

# The application's own labels (A7): who it belongs to, and which part it is.
APPLICATION = "archesai"
NAME_LABEL = "app.kubernetes.io/name"
COMPONENT_LABEL = "app.kubernetes.io/component"
VERSION_LABEL = "app.kubernetes.io/version"

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_NAME = re.compile(r"^[a-z]([a-z0-9-]{0,40}[a-z0-9])?$")
_PORT_NAME = re.compile(r"^[a-z]([a-z0-9-]{0,13}[a-z0-9])?$")


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port that a container listens on; others speak of it by its name."""

    name: str
    number: int

    def __post_init__(self) -> None:
        if not _PORT_NAME.match(self.name):
            raise ValueError(f'port "{self.name}": allowed are 1 to 15 of a-z, 0-9 and "-"')
        if not 1024 <= self.number <= 65535:
            raise ValueError(
                f"port {self.name}: got {self.number}, allowed 1,024 to 65,535 (pods are no root)"
            )


@dataclass(frozen=True, kw_only=True)
class Probe:
    """How the kubelet asks: a path over HTTP on a named port, or a command, or a connection.

    path and command both empty: only whether the port takes a connection. Times in seconds.
    """

    port: str = ""
    path: str = ""
    command: tuple[str, ...] = ()
    delay: int = 0
    period: int = 10
    timeout: int = 5
    failures: int = 3

    def __post_init__(self) -> None:
        if bool(self.command) == bool(self.port):
            raise ValueError("a probe asks either a port or a command, and exactly one of them")


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Kubernetes quantities. A memory limit is always set; a CPU limit only where it is wanted."""

    cpu: str
    memory: str
    memory_limit: str
    cpu_limit: str | None = None
    ephemeral: str = "64Mi"
    ephemeral_limit: str = "512Mi"


@dataclass(frozen=True, kw_only=True)
class SecretValue:
    """A key of a Kubernetes Secret, as an environment variable's value."""

    secret: str
    key: str


# -- who a workload speaks to --------------------------------------------------------------------
# DNS is granted to every pod, the Pod Identity agent to those with `identity`.


@dataclass(frozen=True, kw_only=True)
class Pods:
    """Another workload of the application's namespace, on a port that it declares."""

    component: str
    port: str


@dataclass(frozen=True, kw_only=True)
class DataStore:
    """A managed store in the data subnets: "database" (5432) or "cache" (6379)."""

    store: Literal["database", "cache"]


@dataclass(frozen=True, kw_only=True)
class Internet:
    """Hosts outside the VPC; never the VPC itself nor link-local addresses."""

    ports: tuple[int, ...] = (443,)


@dataclass(frozen=True, kw_only=True)
class AwsApi:
    """AWS APIs on 443: the VPC's interface endpoints and the services' public addresses."""


@dataclass(frozen=True, kw_only=True)
class KubernetesApi:
    """The cluster's API server on 443."""


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """Pods of another namespace of ours, by that namespace and their labels; ports by number."""

    namespace: str
    labels: Mapping[str, str]
    ports: tuple[int, ...]


Peer = Pods | DataStore | Internet | AwsApi | KubernetesApi | Neighbours


# -- who else comes in ---------------------------------------------------------------------------
# Pods come in by declaring that they reach; Prometheus by `metrics`.


@dataclass(frozen=True, kw_only=True)
class FromLoadBalancer:
    """The load balancer's network interfaces (private subnets), on a declared port."""

    port: str


@dataclass(frozen=True, kw_only=True)
class FromApiServer:
    """The API server as a client of an admission webhook, on a declared port."""

    port: str


Entrance = FromLoadBalancer | FromApiServer


# -- what runs -----------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Container:
    """One container.

    env: name -> value or key of a Secret. files: mount directory -> file name -> text; all of a
    pod's files are one ConfigMap, and a change of any text rolls the pod. secret_files: mount
    directory -> Secret. scratch: writable directories (the root file system is read-only).
    """

    name: str
    image: str
    resources: Resources
    ports: tuple[Port, ...] = ()
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: Mapping[str, pulumi.Input[str] | SecretValue] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, pulumi.Input[str]]] = field(default_factory=dict)
    secret_files: Mapping[str, str] = field(default_factory=dict)
    scratch: tuple[str, ...] = ("/tmp",)
    readiness: Probe | None = None
    liveness: Probe | None = None
    startup: Probe | None = None
    before_stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise ValueError(f'container "{self.name}": allowed are 1 to 42 of a-z, 0-9 and "-"')
        if not _DIGEST.search(self.image):
            raise ValueError(
                f"container {self.name}: image {self.image} has no digest; allowed is "
                "<registry>/<name>[:<tag>]@sha256:<64 hex digits>"
            )
        _twice(f"container {self.name}: port", [p.name for p in self.ports])
        _twice(f"container {self.name}: port", [p.number for p in self.ports])
        known = {p.name for p in self.ports}
        for probe in (self.readiness, self.liveness, self.startup):
            if probe is not None and probe.port and probe.port not in known:
                raise ValueError(
                    f"container {self.name}: a probe asks port {probe.port}, declared are "
                    f"{', '.join(sorted(known)) or 'none'}"
                )


@dataclass(frozen=True, kw_only=True)
class Pod:
    """What a workload and a task have in common.

    component: `app.kubernetes.io/component`, unique in the namespace. containers: the first is the
    main one; `before` run to their end, in order, before it. user: numeric, also the group of the
    volumes. identity: the service account has an AWS identity (components/pod_identity.py).
    api_access: the pod speaks to the Kubernetes API, so its token is mounted.
    metrics: name of the port that Prometheus scrapes.
    """

    component: str
    containers: tuple[Container, ...]
    before: tuple[Container, ...] = ()
    user: int = 65532
    reaches: tuple[Peer, ...] = ()
    entered_by: tuple[Entrance, ...] = ()
    identity: bool = False
    api_access: bool = False
    metrics: str | None = None
    version: str = ""
    stop_seconds: int = 30

    def __post_init__(self) -> None:
        if not _NAME.match(self.component):
            raise ValueError(f'workload "{self.component}": allowed are 1 to 42 of a-z, 0-9, "-"')
        if not self.containers:
            raise ValueError(f"workload {self.component}: it has no container")
        if self.user < 1:
            raise ValueError(
                f"workload {self.component}: user {self.user} is root; allowed is 1 on"
            )
        ports = self.ports
        _twice(f"workload {self.component}: port", [p.name for p in ports])
        _twice(f"workload {self.component}: port", [p.number for p in ports])
        _twice(
            f"workload {self.component}: container",
            [c.name for c in (*self.containers, *self.before)],
        )
        wanted = [e.port for e in self.entered_by] + ([self.metrics] if self.metrics else [])
        for name in wanted:
            if name not in {p.name for p in ports}:
                raise ValueError(
                    f"workload {self.component}: port {name} is not declared; declared are "
                    f"{', '.join(sorted(p.name for p in ports)) or 'none'}"
                )

    @property
    def main(self) -> Container:
        """The container that the workload is about."""
        return self.containers[0]

    @property
    def ports(self) -> tuple[Port, ...]:
        """The ports of all containers."""
        return tuple(port for container in self.containers for port in container.ports)

    def port(self, name: str) -> int:
        """The number of a declared port. Raises ValueError."""
        for port in self.ports:
            if port.name == name:
                return port.number
        raise ValueError(f"workload {self.component}: port {name} is not declared")

    @property
    def name(self) -> str:
        """The name of its objects, as the application's manifests have them (A8)."""
        return f"{APPLICATION}-{self.component}"

    @property
    def labels(self) -> dict[str, str]:
        """What selects its pods."""
        return {NAME_LABEL: APPLICATION, COMPONENT_LABEL: self.component}


@dataclass(frozen=True, kw_only=True)
class Volume:
    """Storage that a pod keeps over restarts; makes the workload a StatefulSet."""

    path: str
    gib: int


@dataclass(frozen=True, kw_only=True)
class Workload(Pod):
    """Pods that always run.

    minimum to maximum: pods; an autoscaler exists where they differ. cpu_percent: of the request.
    drain_seconds: how long a stopping pod still serves while the load balancer deregisters it.
    may_be_down: pods of it that a drain or a rollout may take away at once.
    surge: pods more during a rollout; with 0 it takes one away instead and never has more.
    settle_seconds: how long a new pod must be ready before the rollout goes on.
    """

    minimum: int = 2
    maximum: int | None = None
    cpu_percent: int = 70
    drain_seconds: int = 0
    may_be_down: int = 1
    surge: int = 1
    settle_seconds: int = 10
    volume: Volume | None = None
    service: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.minimum < 1:
            raise ValueError(f"workload {self.component}: minimum {self.minimum}, allowed 1 on")
        if self.maximum is not None and self.maximum < self.minimum:
            raise ValueError(
                f"workload {self.component}: maximum {self.maximum} is below minimum {self.minimum}"
            )
        if not 1 <= self.may_be_down <= self.minimum:
            raise ValueError(
                f"workload {self.component}: mayBeDown {self.may_be_down}, allowed 1 to "
                f"{self.minimum}; 0 would block every drain of a node"
            )
        if self.stop_seconds <= self.drain_seconds:
            raise ValueError(
                f"workload {self.component}: killed after {self.stop_seconds} s while it drains "
                f"for {self.drain_seconds} s; allowed is more"
            )


@dataclass(frozen=True, kw_only=True)
class Task(Pod):
    """Pods that run to their end: once for each content, or at times.

    schedule: cron in UTC; empty for a Job, which is named by its content, so that a change makes a
    new one. deadline_seconds: killed and failed after it. retries: of a failed pod.
    """

    schedule: str = ""
    deadline_seconds: int = 600
    retries: int = 2
    keep_succeeded: int = 3
    keep_failed: int = 3


@dataclass(frozen=True, kw_only=True)
class SyncedSecret:
    """A Kubernetes Secret that External Secrets fills from Secrets Manager.

    values: key in the Secret -> key of `components.secrets.Secrets.arns`, or an ARN. templates: key
    in the Secret -> text with `{{ .<key of values> }}` in it; where there are templates only they
    appear in the Secret.
    """

    name: str
    values: Mapping[str, pulumi.Input[str]]
    templates: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)


def _twice(what: str, values: list[str] | list[int]) -> None:
    for value in values:
        if values.count(value) > 1:  # type: ignore[arg-type]
            raise ValueError(f"{what} {value} is said twice; allowed is once")
