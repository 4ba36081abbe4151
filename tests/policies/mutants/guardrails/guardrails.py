"""Namespaces that admit too much, or bound nothing; admission policies that stop nobody."""

from __future__ import annotations

from typing import Any

from tests.policies.mutation import Mutant, add, edit, put, unprotect, without

_NAMESPACE = "kubernetes:core/v1:Namespace"
_QUOTA = "kubernetes:core/v1:ResourceQuota"
_LIMITS = "kubernetes:core/v1:LimitRange"
_ADMISSION = "kubernetes:admissionregistration.k8s.io/v1"
_CHECKS = f"{_ADMISSION}:ValidatingAdmissionPolicy"
_BINDING = f"{_CHECKS}Binding"
_OURS = "base-namespace"
_SECURITY = "pod-security.kubernetes.io"


def _label(key: str, value: str | None, name: str = _OURS) -> Any:
    def change(values: dict[str, Any]) -> None:
        values["metadata"]["labels"].pop(f"{_SECURITY}/{key}")
        if value is not None:
            values["metadata"]["labels"][f"{_SECURITY}/{key}"] = value

    return edit(_NAMESPACE, change, name)


_SPACE = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "playground"}}
_AGENT = {
    "kind": "DaemonSet",
    "metadata": {"name": "agent", "namespace": "monitoring-nodes"},
    "spec": {"template": {"spec": {"containers": []}}},
}

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="namespace-restricted",
        title="only baseline for the application",
        change=_label("enforce", "baseline"),
        says=("it admits baseline pods",),
    ),
    Mutant(
        rule="namespace-restricted",
        title="warned about and not refused",
        change=_label("enforce", None, "*-operators"),
        says=("it admits every pod",),
    ),
    Mutant(
        rule="namespace-restricted",
        title="a namespace of one's own",
        change=add(_NAMESPACE, "playground", _SPACE),
        says=("it admits every pod",),
    ),
    Mutant(
        rule="namespace-restricted",
        title="a namespace in a List",
        change=add("kubernetes:core/v1:List", "more", {"kind": "List", "items": [_SPACE]}),
        says=("Namespace playground: it admits every pod",),
    ),
    Mutant(
        rule="namespace-privileged-apart",
        title="an agent of ours beside the node exporter",
        change=add("kubernetes:apps/v1:DaemonSet", "agent", _AGENT),
        says=("DaemonSet agent runs there",),
        at="platform-operators-namespaces-monitoring-nodes",
    ),
    Mutant(
        rule="namespace-pod-security-pinned",
        title="the newest rules, whichever",
        change=_label("enforce-version", "latest"),
        says=("its rules are those of latest",),
    ),
    Mutant(
        rule="namespace-pod-security-pinned",
        title="no version",
        change=_label("enforce-version", None),
        says=("its rules are those of whatever version the cluster has",),
    ),
    Mutant(
        rule="namespace-protected",
        title="the application's namespace unprotected",
        change=unprotect(_NAMESPACE, _OURS),
        says=("`pulumi destroy` may delete it with everything in it",),
        at=_OURS,
    ),
    Mutant(
        rule="namespace-bounded",
        title="no quota",
        change=without(_QUOTA),
        says=("pods of ours run there without a quota",),
        at=_OURS,
    ),
    Mutant(
        rule="namespace-bounded",
        title="limits for another namespace",
        change=put(_LIMITS, "metadata.namespace", "operators"),
        says=("pods of ours run there without a limit of single pods",),
        at=_OURS,
    ),
    Mutant(
        rule="quota-closed",
        title="ports on every node",
        change=edit(_QUOTA, lambda values: values["spec"]["hard"].pop("services.nodeports")),
        says=("it admits services.nodeports",),
    ),
    Mutant(
        rule="quota-closed",
        title="load balancers, and memory not counted",
        change=put(_QUOTA, "spec.hard", {"pods": "9", "services.nodeports": "0"}),
        says=(
            "it counts no limits.memory, requests.cpu, requests.memory",
            "it admits services.loadbalancers",
        ),
    ),
    Mutant(
        rule="limit-range-bounds-memory",
        title="volumes only",
        change=put(_LIMITS, "spec.limits", [{"type": "PersistentVolumeClaim", "max": {}}]),
        says=("one pod may take all the memory of its node",),
    ),
    Mutant(
        rule="admission-policy-fails-closed",
        title="errors admitted",
        change=put(_CHECKS, "spec.failurePolicy", "Ignore", "*images"),
        says=("what it cannot judge is admitted",),
    ),
    Mutant(
        rule="admission-policy-fails-closed",
        title="no question",
        change=put(_CHECKS, "spec.validations", [], "*tokens"),
        says=("it asks nothing",),
    ),
    Mutant(
        rule="admission-policy-bound",
        title="no binding",
        change=without(_BINDING, "*doors"),
        says=("nothing that breaks it is refused",),
        at="platform-guardrails-doors",
    ),
    Mutant(
        rule="admission-policy-bound",
        title="only written down",
        change=put(_BINDING, "spec.validationActions", ["Audit"], "*images"),
        says=("nothing that breaks it is refused",),
        at="platform-guardrails-images",
    ),
    Mutant(
        rule="namespace-admission-guarded",
        title="Services unguarded",
        change=without(_CHECKS, "*doors"),
        says=("no bound policy looks at services",),
        at=_OURS,
    ),
    Mutant(
        rule="namespace-admission-guarded",
        title="bound to another namespace",
        change=put(
            _BINDING,
            "spec.matchResources.namespaceSelector.matchExpressions.0.values",
            ["staging"],
            "*doors",
        ),
        says=("no bound policy looks at services",),
        at=_OURS,
    ),
)
