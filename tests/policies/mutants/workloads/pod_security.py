"""Pods whose processes may do more than `restricted` allows."""

from __future__ import annotations

from typing import Any

from tests.policies.mutation import Mutant, add, drop, put

_DEPLOYMENT = "kubernetes:apps/v1:Deployment"
_JOB = "kubernetes:batch/v1:Job"
_CRONJOB = "kubernetes:batch/v1:CronJob"
_API = "platform-application-api"
_POD = "spec.template.spec"
_FIRST = f"{_POD}.containers.0.securityContext"
_TUNNEL = f"{_POD}.initContainers.0.securityContext"
_NIGHTLY = "spec.jobTemplate.spec.template.spec"


def _ephemeral(context: dict[str, Any]) -> dict[str, Any]:
    return {"name": "debugger", "image": "busybox", "securityContext": context}


def _list_with(container: dict[str, Any]) -> dict[str, Any]:
    pod = {"kind": "Pod", "metadata": {"name": "shell"}, "spec": {"containers": [container]}}
    return {"kind": "List", "apiVersion": "v1", "items": [{"kind": "Service"}, pod]}


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="pod-not-privileged",
        title="the API privileged",
        change=put(_DEPLOYMENT, f"{_FIRST}.privileged", True, _API),
        says=("container api is privileged",),
    ),
    Mutant(
        rule="pod-not-privileged",
        title="an init container privileged",
        change=put(_DEPLOYMENT, f"{_TUNNEL}.privileged", True, _API),
        says=("init container cache-tunnel is privileged",),
    ),
    Mutant(
        rule="pod-not-privileged",
        title="a nightly job privileged",
        change=put(_CRONJOB, f"{_NIGHTLY}.containers.0.securityContext.privileged", True, "*dumps"),
        says=("container upload is privileged",),
    ),
    Mutant(
        rule="pod-not-privileged",
        title="an ephemeral container privileged",
        change=put(_DEPLOYMENT, f"{_POD}.ephemeralContainers", [_ephemeral({"privileged": True})]),
        says=("ephemeral container debugger is privileged",),
    ),
    Mutant(
        rule="pod-not-privileged",
        title="a privileged pod in a List",
        change=add(
            "kubernetes:v1:List",
            "tools",
            _list_with({"name": "shell", "securityContext": {"privileged": True}}),
        ),
        says=("Pod shell: container shell is privileged",),
    ),
    Mutant(
        rule="pod-capabilities-not-added",
        title="SYS_ADMIN and NET_RAW added",
        change=put(_DEPLOYMENT, f"{_FIRST}.capabilities.add", ["SYS_ADMIN", "NET_RAW"], _API),
        says=("container api adds the capabilities NET_RAW, SYS_ADMIN",),
    ),
    Mutant(
        rule="pod-capabilities-not-added",
        title="a capability that baseline admits",
        change=put(_JOB, f"{_FIRST}.capabilities.add", ["CHOWN"], "*roles"),
        says=("container roles adds the capabilities CHOWN",),
    ),
    Mutant(
        rule="pod-capabilities-dropped",
        title="one capability dropped in place of all",
        change=put(_DEPLOYMENT, f"{_FIRST}.capabilities.drop", ["NET_RAW"], _API),
        says=("container api keeps the capabilities that the runtime gives it",),
    ),
    Mutant(
        rule="pod-capabilities-dropped",
        title="nothing said of capabilities",
        change=drop(_DEPLOYMENT, f"{_TUNNEL}.capabilities", _API),
        says=("init container cache-tunnel keeps the capabilities that the runtime gives it",),
    ),
    Mutant(
        rule="pod-apparmor-on",
        title="a pod unconfined",
        change=put(
            _DEPLOYMENT, f"{_POD}.securityContext.appArmorProfile", {"type": "Unconfined"}, _API
        ),
        says=("the pod runs with AppArmor Unconfined",),
    ),
    Mutant(
        rule="pod-apparmor-on",
        title="a container unconfined by the old annotation",
        change=put(
            _DEPLOYMENT,
            "spec.template.metadata.annotations",
            {"container.apparmor.security.beta.kubernetes.io/api": "unconfined"},
            _API,
        ),
        says=("container api runs with AppArmor unconfined",),
    ),
    Mutant(
        rule="pod-selinux-contained",
        title="the type of privileged containers",
        change=put(_JOB, f"{_FIRST}.seLinuxOptions", {"type": "spc_t"}, "*verify"),
        says=("container verify runs with the SELinux type spc_t",),
    ),
    Mutant(
        rule="pod-selinux-contained",
        title="a user of its own",
        change=put(_JOB, f"{_POD}.securityContext.seLinuxOptions", {"user": "root"}, "*verify"),
        says=("the pod names its own SELinux user or role",),
    ),
    Mutant(
        rule="pod-no-privilege-escalation",
        title="escalation allowed",
        change=put(_DEPLOYMENT, f"{_FIRST}.allowPrivilegeEscalation", True, _API),
        says=("container api may gain privileges that it was not started with",),
    ),
    Mutant(
        rule="pod-no-privilege-escalation",
        title="nothing said of escalation",
        change=drop(_DEPLOYMENT, f"{_TUNNEL}.allowPrivilegeEscalation", _API),
        says=("init container cache-tunnel may gain privileges that it was not started with",),
    ),
    Mutant(
        rule="pod-not-root",
        title="the pod says nothing",
        change=drop(_JOB, f"{_POD}.securityContext.runAsNonRoot", "*roles"),
        says=("container roles may run as root",),
    ),
    Mutant(
        rule="pod-not-root",
        title="one container takes it back",
        change=put(_DEPLOYMENT, f"{_TUNNEL}.runAsNonRoot", False, _API),
        says=("init container cache-tunnel may run as root",),
    ),
    Mutant(
        rule="pod-user-numbered",
        title="one container as user 0",
        change=put(_DEPLOYMENT, f"{_FIRST}.runAsUser", 0, _API),
        says=("container api runs as user 0",),
    ),
    Mutant(
        rule="pod-user-numbered",
        title="the image's user, whoever that is",
        change=drop(_JOB, f"{_POD}.securityContext.runAsUser", "*roles"),
        says=("container roles runs as whoever its image says",),
    ),
    Mutant(
        rule="pod-seccomp-confined",
        title="no profile",
        change=drop(_JOB, f"{_POD}.securityContext.seccompProfile", "*roles"),
        says=("container roles may make every system call (no seccomp profile)",),
    ),
    Mutant(
        rule="pod-seccomp-confined",
        title="a container unconfined",
        change=put(_DEPLOYMENT, f"{_FIRST}.seccompProfile", {"type": "Unconfined"}, _API),
        says=("container api may make every system call (Unconfined)",),
    ),
)
