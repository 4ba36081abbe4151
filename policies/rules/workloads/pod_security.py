"""Pod Security Standards: what the processes of a pod may do, field by field.

The API server enforces the same where a namespace is labelled; here it is refused before anything
is sent, with the field named, for every kind that makes pods and for what stands in a List. What
pods take from their node is in `hosts.py`, and what no standard asks in `containers.py`. Fields and
values as k8s.io/pod-security-admission v0.36 checks them for its newest version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rules.kubernetes import PODS, Template, checkov, in_containers, in_pods, judged
from rules.model import Props, Rule, Severity

_STANDARDS = "https://kubernetes.io/docs/concepts/security/pod-security-standards"
# check_seLinuxOptions.go, since 1.31
SELINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"


def contexts(template: Template) -> Iterator[tuple[str, Props]]:
    """The pod's own security context and those of its containers, where one is given."""
    pod = template.spec.at("securityContext")
    if pod:
        yield f"{template.said_of}the pod", pod
    for name, each in template.containers():
        if each.get("securityContext"):
            yield name, each["securityContext"]


def _effective(template: Template, field: str) -> Iterator[tuple[str, Any]]:
    """(container, value of a field): the container's own, else the pod's."""
    whole = template.spec.at(f"securityContext.{field}")
    for name, each in template.containers():
        own = each.at(f"securityContext.{field}")
        yield name, whole if own is None else own


def _privileged(template: Template) -> Iterator[str]:
    for name, each in template.containers():
        if each.at("securityContext.privileged"):
            yield f"{name} is privileged"


def _added(template: Template) -> Iterator[str]:
    for name, each in template.containers():
        added = set(each.at("securityContext.capabilities.add") or ()) - {"NET_BIND_SERVICE"}
        if added:
            yield f"{name} adds the capabilities {', '.join(sorted(added))}"


def _dropped(template: Template) -> Iterator[str]:
    for name, each in template.containers():
        if "ALL" not in (each.at("securityContext.capabilities.drop") or ()):
            yield f"{name} keeps the capabilities that the runtime gives it"


def _apparmor(template: Template) -> Iterator[str]:
    for name, context in contexts(template):
        profile = context.at("appArmorProfile.type", "RuntimeDefault")
        if profile not in ("RuntimeDefault", "Localhost"):
            yield f"{name} runs with AppArmor {profile}"
    for key, profile in template.annotations.items():
        if key.startswith(_APPARMOR) and not profile.startswith(("runtime/default", "localhost/")):
            name = key.removeprefix(_APPARMOR)
            yield f"{template.said_of}container {name} runs with AppArmor {profile or 'off'}"


def _selinux(template: Template) -> Iterator[str]:
    for name, context in contexts(template):
        options = context.at("seLinuxOptions") or {}
        if options.get("type", "") not in SELINUX_TYPES:
            yield f"{name} runs with the SELinux type {options['type']}"
        if options.get("user") or options.get("role"):
            yield f"{name} names its own SELinux user or role"


def _escalation(template: Template) -> Iterator[str]:
    for name, each in template.containers():
        if each.at("securityContext.allowPrivilegeEscalation") is not False:
            yield f"{name} may gain privileges that it was not started with"


def _not_root(template: Template) -> Iterator[str]:
    for name, value in _effective(template, "runAsNonRoot"):
        if value is not True:
            yield f"{name} may run as root"


def _user(template: Template) -> Iterator[str]:
    for name, value in _effective(template, "runAsUser"):
        if value is None:
            yield f"{name} runs as whoever its image says"
        elif value == 0:
            yield f"{name} runs as user 0"


def _seccomp(template: Template) -> Iterator[str]:
    for name, value in _effective(template, "seccompProfile.type"):
        if value not in ("RuntimeDefault", "Localhost"):
            yield f"{name} may make every system call ({value or 'no seccomp profile'})"


def standard(
    name: str,
    level: str,
    sentence: str,
    judge: Callable[[Template], Iterator[str]],
    *,
    severity: Severity = "high",
    controls: tuple[str, ...] = (),
    why: str,
    fix: str,
    evidence: tuple[str, ...],
) -> Rule:
    """A rule about one control of the standards; level: "baseline" or "restricted"."""
    return Rule(
        name=name,
        sentence=sentence,
        types=PODS,
        severity=severity,
        requirements=("K8S-11",),
        controls=(f"PSS {level}", *controls, "SOC2 CC6.8", "ISO27001 A.8.9"),
        why=why,
        fix=fix,
        url=_STANDARDS,
        evidence=evidence,
        judge=judged(judge),
    )


RULES: tuple[Rule, ...] = (
    standard(
        "pod-not-privileged",
        "baseline",
        "No container is privileged.",
        _privileged,
        severity="critical",
        controls=("CIS-K8S 5.2.2", "CIS-EKS 4.2.1", *checkov(16)),
        why="A privileged container is root on the node, and from there on everybody's data.",
        fix="remove privileged",
        evidence=in_containers("securityContext.privileged"),
    ),
    standard(
        "pod-capabilities-not-added",
        "baseline",
        "No container adds a capability but NET_BIND_SERVICE.",
        _added,
        controls=("PSS restricted", *checkov(25, 39)),
        why="One capability, such as SYS_ADMIN, is enough to leave the container.",
        fix="remove it from capabilities.add",
        evidence=in_containers("securityContext.capabilities.add"),
    ),
    standard(
        "pod-capabilities-dropped",
        "restricted",
        "Every container drops all capabilities.",
        _dropped,
        controls=("CIS-K8S 5.2.8", "CIS-K8S 5.2.9", *checkov(28, 37)),
        why="The runtime's own set, NET_RAW among it, lets a pod forge its neighbours' packets.",
        fix='set capabilities.drop to ["ALL"]',
        evidence=in_containers("securityContext.capabilities.drop"),
    ),
    standard(
        "pod-apparmor-on",
        "baseline",
        "No pod switches AppArmor off.",
        _apparmor,
        why="Without its profile a container may write where the node's kernel trusts it.",
        fix="remove the profile, or name RuntimeDefault",
        evidence=in_pods("securityContext.appArmorProfile"),
    ),
    standard(
        "pod-selinux-contained",
        "baseline",
        "No pod leaves SELinux's types for containers.",
        _selinux,
        why="Another type or user gives a container the rights of a process of the node.",
        fix="remove se_linux_options, or name container_t",
        evidence=in_pods("securityContext.seLinuxOptions"),
    ),
    standard(
        "pod-no-privilege-escalation",
        "restricted",
        "No process gains privileges that it was not started with.",
        _escalation,
        controls=("CIS-K8S 5.2.6", "CIS-EKS 4.2.5", *checkov(20)),
        why="A set-uid program in an image turns any foothold into root.",
        fix="set allow_privilege_escalation to false",
        evidence=in_containers("securityContext.allowPrivilegeEscalation"),
    ),
    standard(
        "pod-not-root",
        "restricted",
        "No container runs as root.",
        _not_root,
        controls=("CIS-K8S 5.2.7", "CIS-K8S 5.6.3", *checkov(23, 29)),
        why="Root inside is root outside as soon as one boundary of the runtime breaks.",
        fix="set run_as_non_root on the pod",
        evidence=(
            *in_pods("securityContext.runAsNonRoot"),
            *in_containers("securityContext.runAsNonRoot"),
        ),
    ),
    standard(
        "pod-user-numbered",
        "restricted",
        "Every container runs as a numbered user other than 0.",
        _user,
        severity="medium",
        controls=("CIS-K8S 5.2.7",),
        why="An image without a number does not start under runAsNonRoot, or starts as root "
        "without it.",
        fix="set run_as_user on the pod",
        evidence=(
            *in_pods("securityContext.runAsUser"),
            *in_containers("securityContext.runAsUser"),
        ),
    ),
    standard(
        "pod-seccomp-confined",
        "restricted",
        "Every container runs with a seccomp profile.",
        _seccomp,
        controls=("PSS baseline", "CIS-K8S 5.6.2", *checkov(31)),
        why="Most ways out of a container begin with a system call that no program here needs.",
        fix="set seccomp_profile to RuntimeDefault on the pod",
        evidence=(
            *in_pods("securityContext.seccompProfile.type"),
            *in_containers("securityContext.seccompProfile.type"),
        ),
    ),
)
