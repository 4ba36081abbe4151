"""Pod Security Standards: what a pod takes from its node (the rest is in `pod_security.py`)."""

from __future__ import annotations

from collections.abc import Iterator

from rules.kubernetes import Template, checkov, in_containers, in_pods
from rules.model import Rule
from rules.workloads.pod_security import contexts, standard

# check_sysctls.go, since 1.32
SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
# check_restrictedVolumes.go; `name` is no type
VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "name",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HOOKS = ("lifecycle.preStop", "lifecycle.postStart")


def _host_process(template: Template) -> Iterator[str]:
    for name, context in contexts(template):
        if context.at("windowsOptions.hostProcess"):
            yield f"{name} runs as a process of a Windows node"


def _host_namespaces(template: Template) -> Iterator[str]:
    for field, word in (("hostNetwork", "network"), ("hostPID", "processes"), ("hostIPC", "IPC")):
        if template.spec.at(field):
            yield f"{template.said_of}the pod shares the node's {word}"


def _host_path(template: Template) -> Iterator[str]:
    for volume in template.spec.at("volumes") or ():
        if volume.given("hostPath"):
            yield f"{template.said_of}volume {volume.get('name')} is a directory of the node"


def _volume_types(template: Template) -> Iterator[str]:
    for volume in template.spec.at("volumes") or ():
        # A host path has a rule of its own, which says more.
        strange = set(volume) - VOLUMES - {"hostPath"}
        if strange:
            yield f"{template.said_of}volume {volume.get('name')} is a {', '.join(sorted(strange))}"


def _host_ports(template: Template) -> Iterator[str]:
    for name, each in template.containers():
        for port in each.at("ports") or ():
            if port.get("hostPort"):
                yield f"{name} takes port {int(port['hostPort'])} of the node"


def _hosts(template: Template) -> Iterator[str]:
    for name, each in template.containers():
        for place in (*_PROBES, *_HOOKS):
            if each.at(f"{place}.httpGet.host") or each.at(f"{place}.tcpSocket.host"):
                yield f"the {place.rpartition('.')[2]} of {name} calls another host"


def _proc(template: Template) -> Iterator[str]:
    for name, each in template.containers():
        if each.at("securityContext.procMount", "Default") != "Default":
            yield f"{name} sees all of /proc"


def _sysctls(template: Template) -> Iterator[str]:
    for each in template.spec.at("securityContext.sysctls") or ():
        if each.get("name") not in SYSCTLS:
            yield f"{template.said_of}the pod sets {each.get('name')}"


RULES: tuple[Rule, ...] = (
    standard(
        "pod-no-host-process",
        "baseline",
        "No container is a process of a Windows node.",
        _host_process,
        controls=("CIS-K8S 5.2.10",),
        why="Such a process is outside every container boundary and owns the node.",
        fix="remove windows_options.host_process",
        evidence=in_pods("securityContext.windowsOptions.hostProcess"),
    ),
    standard(
        "pod-no-host-namespaces",
        "baseline",
        "No pod shares its node's network, processes or IPC.",
        _host_namespaces,
        severity="critical",
        controls=(
            *(f"CIS-K8S 5.2.{n}" for n in (3, 4, 5)),
            *(f"CIS-EKS 4.2.{n}" for n in (2, 3, 4)),
            *checkov(17, 18, 19),
        ),
        why="Whoever takes over such a pod reads its neighbours' traffic and memory, and no "
        "network policy applies to it.",
        fix="remove host_network, host_pid and host_ipc",
        evidence=in_pods("hostNetwork", "hostPID", "hostIPC"),
    ),
    standard(
        "pod-no-host-path",
        "baseline",
        "No pod mounts a directory of its node.",
        _host_path,
        severity="critical",
        controls=("CIS-K8S 5.2.11", *checkov(27)),
        why="The node's files hold every other pod's secrets and the way to its runtime.",
        fix="use an emptyDir or a claim",
        evidence=in_pods("volumes.*.hostPath"),
    ),
    standard(
        "pod-no-host-ports",
        "baseline",
        "No container takes a port of its node.",
        _host_ports,
        controls=("CIS-K8S 5.2.12", *checkov(26)),
        why="Such a port is reached past the Service, the gateway and the network policies.",
        fix="remove host_port and use the Service",
        evidence=in_containers("ports.*.hostPort"),
    ),
    standard(
        "pod-probes-stay-inside",
        "baseline",
        "No probe and no hook calls another host.",
        _hosts,
        severity="medium",
        why="The node's agent makes these calls, so that they reach what no pod may reach.",
        fix="remove host from the probe or hook",
        evidence=in_pods(
            "containers.*.livenessProbe.httpGet", "containers.*.readinessProbe.httpGet"
        ),
    ),
    standard(
        "pod-proc-masked",
        "baseline",
        "No container sees an unmasked /proc.",
        _proc,
        why="Unmasked, /proc shows and changes settings of the node's kernel.",
        fix="remove proc_mount",
        evidence=in_containers("securityContext.procMount"),
    ),
    standard(
        "pod-sysctls-safe",
        "baseline",
        "No pod sets a kernel parameter that others feel.",
        _sysctls,
        severity="medium",
        why="Other parameters change the node for every pod on it, or weaken its isolation.",
        fix="remove it from sysctls",
        evidence=in_pods("securityContext.sysctls.*.name"),
    ),
    standard(
        "pod-volumes-plain",
        "restricted",
        "Pods mount nothing but claims, scratch space, configuration and secrets.",
        _volume_types,
        severity="medium",
        why="Other volumes reach storage past the class that encrypts it and the claim that counts "
        "it.",
        fix="use one of configMap, csi, downwardAPI, emptyDir, ephemeral, image, "
        "persistentVolumeClaim, projected, secret",
        evidence=in_pods("volumes.*.name"),
    ),
)
