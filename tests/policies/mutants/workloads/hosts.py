"""Pods that take something from their node."""

from __future__ import annotations

from typing import Any

from tests.policies.mutation import Change, Mutant, add, edit, put

_DEPLOYMENT = "kubernetes:apps/v1:Deployment"
_CRONJOB = "kubernetes:batch/v1:CronJob"
_API = "platform-application-api"
_POD = "spec.template.spec"
_NIGHTLY = "spec.jobTemplate.spec.template.spec"
_CONTAINER = f"{_POD}.containers.0"


def _volume(volume: dict[str, Any]) -> Change:
    def mount(values: dict[str, Any]) -> None:
        values["spec"]["template"]["spec"]["volumes"].append(volume)

    return edit(_DEPLOYMENT, mount, _API)


def _daemon(spec: dict[str, Any]) -> Change:
    props = {
        "kind": "DaemonSet",
        "metadata": {"name": "agent"},
        "spec": {"template": {"spec": spec}},
    }
    return add("kubernetes:apps/v1:DaemonSet", "agent", props)


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="pod-no-host-process",
        title="a process of a Windows node",
        change=put(
            _DEPLOYMENT, f"{_POD}.securityContext.windowsOptions", {"hostProcess": True}, _API
        ),
        says=("the pod runs as a process of a Windows node",),
    ),
    Mutant(
        rule="pod-no-host-namespaces",
        title="the node's network",
        change=put(_DEPLOYMENT, f"{_POD}.hostNetwork", True, _API),
        says=("the pod shares the node's network",),
    ),
    Mutant(
        rule="pod-no-host-namespaces",
        title="the node's processes and IPC in a DaemonSet",
        change=_daemon({"hostPID": True, "hostIPC": True, "containers": []}),
        says=("the pod shares the node's processes", "the pod shares the node's IPC"),
    ),
    Mutant(
        rule="pod-no-host-path",
        title="the runtime's socket",
        change=_volume({"name": "runtime", "hostPath": {"path": "/run/containerd"}}),
        says=("volume runtime is a directory of the node",),
    ),
    Mutant(
        rule="pod-no-host-path",
        title="the node's logs in a DaemonSet",
        change=_daemon({"volumes": [{"name": "logs", "hostPath": {"path": "/var/log"}}]}),
        says=("volume logs is a directory of the node",),
    ),
    Mutant(
        rule="pod-no-host-ports",
        title="the API on a port of the node",
        change=put(_DEPLOYMENT, f"{_CONTAINER}.ports.0.hostPort", 8080, _API),
        says=("container api takes port 8080 of the node",),
    ),
    Mutant(
        rule="pod-probes-stay-inside",
        title="a probe that asks the node's metadata",
        change=put(
            _DEPLOYMENT, f"{_CONTAINER}.livenessProbe.httpGet.host", "169.254.169.254", _API
        ),
        says=("the livenessProbe of container api calls another host",),
    ),
    Mutant(
        rule="pod-probes-stay-inside",
        title="a hook that calls out",
        change=put(
            _DEPLOYMENT,
            f"{_CONTAINER}.lifecycle",
            {"postStart": {"tcpSocket": {"host": "x"}}},
            _API,
        ),
        says=("the postStart of container api calls another host",),
    ),
    Mutant(
        rule="pod-proc-masked",
        title="an unmasked /proc",
        change=put(_DEPLOYMENT, f"{_CONTAINER}.securityContext.procMount", "Unmasked", _API),
        says=("container api sees all of /proc",),
    ),
    Mutant(
        rule="pod-sysctls-safe",
        title="a parameter of the whole node",
        change=put(
            _CRONJOB,
            f"{_NIGHTLY}.securityContext.sysctls",
            [{"name": "kernel.msgmax", "value": "65536"}, {"name": "net.ipv4.tcp_syncookies"}],
            "*retention",
        ),
        says=("the pod sets kernel.msgmax",),
    ),
    Mutant(
        rule="pod-volumes-plain",
        title="a file server",
        change=_volume({"name": "share", "nfs": {"server": "10.0.0.9", "path": "/"}}),
        says=("volume share is a nfs",),
    ),
)
