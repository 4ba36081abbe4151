"""Guardrails: what a namespace admits, how much runs in it, and that it lasts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rules.declared import cluster, selects
from rules.kubernetes import Object, judged_objects, known, objects, types
from rules.model import Item, NotApplicable, Rule, Stack, StackRule

NAMESPACE = types("core/v1:Namespace")
_ADMISSION = "admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy"
# Namespaces that cannot be `restricted`, and why.
PRIVILEGED_NAMESPACES = {
    "monitoring-nodes": "the node exporter reads the node's own processes and disks; nothing else "
    "runs there, and only Prometheus reaches it",
}
_LABEL = "pod-security.kubernetes.io"
_VERSION = re.compile(r"^v1\.\d+$")
_NAME_LABEL = "kubernetes.io/metadata.name"
# What the admission policies of a namespace with pods of ours must look at.
ADMITTED = frozenset(
    {
        "pods",
        "deployments",
        "statefulsets",
        "daemonsets",
        "jobs",
        "cronjobs",
        "services",
    }
)


def _enforced(namespace: Object) -> Iterator[str]:
    level = namespace.labels.get(f"{_LABEL}/enforce")
    if namespace.name in PRIVILEGED_NAMESPACES and not namespace.path:
        raise NotApplicable(PRIVILEGED_NAMESPACES[namespace.name])
    if level != "restricted":
        yield f"it admits {level or 'every'} pod{'' if level is None else 's'}"


def _pinned(namespace: Object) -> Iterator[str]:
    version = namespace.labels.get(f"{_LABEL}/enforce-version")
    if not _VERSION.match(version or ""):
        yield f"its rules are those of {version or 'whatever version the cluster has'}"


def _kept_apart(subject: Item, stack: Stack) -> Iterator[str]:
    for namespace in objects(subject.props, "Namespace"):
        if namespace.name in PRIVILEGED_NAMESPACES:
            for template in cluster(stack).templates.get(namespace.name, ()):
                yield f"{template.owner.kind} {template.owner.name} runs there"


def _unprotected(subject: Item, stack: Stack) -> Iterator[str]:
    if stack.serves_customers and not subject.protect:
        for namespace in objects(subject.props, "Namespace"):
            yield f"{namespace.said_of}`pulumi destroy` may delete it with everything in it"


def _bounded(subject: Item, stack: Stack) -> Iterator[str]:
    here = cluster(stack)
    for namespace in objects(subject.props, "Namespace"):
        if not here.templates.get(namespace.name):
            continue
        for kind, word in (("ResourceQuota", "quota"), ("LimitRange", "limit of single pods")):
            if not here.within(kind).get(namespace.name):
                yield f"{namespace.said_of}pods of ours run there without a {word}"


def _quota(quota: Object) -> Iterator[str]:
    hard: Any = quota.props.at("spec.hard") or {}
    missing = {"pods", "requests.cpu", "requests.memory", "limits.memory"} - set(hard)
    if missing:
        yield f"it counts no {', '.join(sorted(missing))}"
    for kind in ("services.loadbalancers", "services.nodeports"):
        if str(hard.get(kind, "")) != "0":
            yield f"it admits {kind}"


def _limits(ranges: Object) -> Iterator[str]:
    if not any(
        each.get("type") in ("Pod", "Container") and (each.get("max") or {}).get("memory")
        for each in ranges.props.at("spec.limits") or ()
    ):
        yield "one pod may take all the memory of its node"


def _fails_closed(policy: Object) -> Iterator[str]:
    if policy.props.at("spec.failurePolicy", "Fail") != "Fail":
        yield "what it cannot judge is admitted"
    if not policy.props.at("spec.validations"):
        yield "it asks nothing"


def _bound(subject: Item, stack: Stack) -> Iterator[str]:
    bound = stack.once(_denying)
    for policy in objects(subject.props, "ValidatingAdmissionPolicy"):
        if not bound.get(policy.name):
            yield f"{policy.said_of}nothing that breaks it is refused"


def _denying(stack: Stack) -> dict[str, list[Object]]:
    """Admission policy -> its bindings that refuse."""
    found: dict[str, list[Object]] = {}
    for each in cluster(stack).of("ValidatingAdmissionPolicyBinding"):
        if "Deny" in (known(each.props, "spec.validationActions") or ()):
            found.setdefault(str(known(each.props, "spec.policyName")), []).append(each)
    return found


def _admission(subject: Item, stack: Stack) -> Iterator[str]:
    here, bound = cluster(stack), stack.once(_denying)
    for namespace in objects(subject.props, "Namespace"):
        if not here.templates.get(namespace.name):
            continue
        labels = {**namespace.labels, _NAME_LABEL: namespace.name}
        seen: set[str] = set()
        for policy in here.named("ValidatingAdmissionPolicy").values():
            if any(_reaches(each, labels) for each in bound.get(policy.name, ())):
                rules = policy.props.at("spec.matchConstraints.resourceRules") or ()
                seen |= {kind for rule in rules for kind in rule.get("resources") or ()}
        missing = ADMITTED - seen
        if missing:
            yield f"{namespace.said_of}no bound policy looks at {', '.join(sorted(missing))}"


def _reaches(binding: Object, labels: dict[str, str]) -> bool:
    selector = binding.props.at("spec.matchResources.namespaceSelector")
    return selector is None or selects(selector, labels)


_K8S = "https://kubernetes.io/docs"
_PSA = f"{_K8S}/concepts/security/pod-security-admission"
_VAP = f"{_K8S}/reference/access-authn-authz/validating-admission-policy"
_CONFIGURED = ("SOC2 CC6.8", "ISO27001 A.8.9")

RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="namespace-restricted",
        sentence="Every namespace enforces Pod Security `restricted`.",
        types=NAMESPACE,
        severity="critical",
        requirements=("K8S-11",),
        controls=(
            *("PSS baseline", "PSS restricted", "CIS-K8S 5.2.1"),
            *(f"CIS-EKS 4.2.{number}" for number in range(1, 6)),
            *_CONFIGURED,
        ),
        why="Pods that others make there, by hand or by a chart, are then refused as well.",
        fix=f"label it {_LABEL}/enforce: restricted",
        url=_PSA,
        evidence=("metadata.name", "metadata.labels"),
        judge=judged_objects(_enforced, "Namespace"),
    ),
    StackRule(
        name="namespace-privileged-apart",
        sentence="Where pods may be privileged, nothing of ours runs.",
        types=NAMESPACE,
        severity="high",
        requirements=("K8S-11",),
        controls=("PSS restricted", "CIS-K8S 5.2.1", *_CONFIGURED),
        why="The exception that one exporter needs would quietly become everybody's.",
        fix="move it to a namespace that is restricted",
        url=_PSA,
        evidence=("metadata.name", "metadata.labels"),
        judge=_kept_apart,
    ),
    Rule(
        name="namespace-pod-security-pinned",
        sentence="Every namespace names the version of Pod Security that it enforces.",
        types=NAMESPACE,
        severity="low",
        requirements=("K8S-11",),
        controls=("CIS-K8S 5.2.1", "SOC2 CC8.1", "ISO27001 A.8.32"),
        why="An upgrade of the cluster would refuse running pods at their next start.",
        fix=f"label it {_LABEL}/enforce-version: v1.<minor of the cluster>",
        url=_PSA,
        evidence=("metadata.name", "metadata.labels"),
        judge=judged_objects(_pinned, "Namespace"),
    ),
    StackRule(
        name="namespace-protected",
        sentence="Where customers are served, no namespace is deleted by accident.",
        types=NAMESPACE,
        severity="high",
        requirements=("DR-01", "CHK-DR-01"),
        controls=("SOC2 A1.2", "ISO27001 A.8.14"),
        why="With a namespace go its volumes, its secrets and everything that runs in it.",
        fix="protect it; docs/runbooks/retire.md says how an environment is taken down",
        url="https://www.pulumi.com/docs/iac/concepts/options/protect/",
        evidence=("metadata.name",),
        judge=_unprotected,
    ),
    StackRule(
        name="namespace-bounded",
        sentence="Pods of ours run where a quota and limits hold.",
        types=NAMESPACE,
        severity="medium",
        requirements=("K8S-11", "CHK-INFRA-01"),
        controls=("SOC2 A1.1", "ISO27001 A.8.6"),
        why="A mistake in one number fills the nodes, and the pods that people use are evicted.",
        fix="add a ResourceQuota and a LimitRange",
        url=f"{_K8S}/concepts/policy/resource-quotas",
        evidence=("metadata.name",),
        judge=_bounded,
    ),
    Rule(
        name="quota-closed",
        sentence="A quota counts pods, CPU and memory, and admits no door of its own.",
        types=types("core/v1:ResourceQuota"),
        severity="medium",
        requirements=("CHK-SEC-03", "CHK-INFRA-01"),
        controls=("SOC2 A1.1", "ISO27001 A.8.6"),
        why="A Service that opens a port on every node is in front of the firewall, not behind it.",
        fix="set hard limits for them, and 0 for services.loadbalancers and services.nodeports",
        url=f"{_K8S}/concepts/policy/resource-quotas",
        evidence=("spec.hard",),
        judge=judged_objects(_quota, "ResourceQuota"),
    ),
    Rule(
        name="limit-range-bounds-memory",
        sentence="A limit range says how much memory one pod may take.",
        types=types("core/v1:LimitRange"),
        severity="low",
        requirements=("K8S-11",),
        controls=("SOC2 A1.1", "ISO27001 A.8.6"),
        why="One pod with a wrong limit takes a node, and its neighbours are killed.",
        fix="add a limit of type Pod with max.memory",
        url=f"{_K8S}/concepts/policy/limit-range",
        evidence=("spec.limits",),
        judge=judged_objects(_limits, "LimitRange"),
    ),
    Rule(
        name="admission-policy-fails-closed",
        sentence="An admission policy refuses what it cannot judge.",
        types=types(_ADMISSION),
        severity="high",
        requirements=("K8S-11", "CICD-07"),
        controls=("CIS-K8S 5.2.1", "CIS-K8S 5.5.1", *_CONFIGURED),
        why="An error in an expression would otherwise switch the guardrail off, unseen.",
        fix="set failure_policy to Fail",
        url=_VAP,
        evidence=("spec.failurePolicy",),
        judge=judged_objects(_fails_closed, "ValidatingAdmissionPolicy"),
    ),
    StackRule(
        name="admission-policy-bound",
        sentence="Every admission policy is bound, and refuses.",
        types=types(_ADMISSION),
        severity="high",
        requirements=("K8S-11", "CICD-07"),
        controls=("CIS-K8S 5.2.1", "CIS-K8S 5.5.1", *_CONFIGURED),
        why="A policy without a binding that denies is text: it stops nobody.",
        fix="bind it with validation_actions Deny and Audit",
        url=_VAP,
        evidence=("metadata.name",),
        judge=_bound,
    ),
    StackRule(
        name="namespace-admission-guarded",
        sentence="Where pods of ours run, admission policies look at everything that makes pods or "
        "opens doors.",
        types=NAMESPACE,
        severity="high",
        requirements=("K8S-11", "CICD-07", "CHK-SEC-03"),
        controls=("CIS-K8S 5.2.1", "CIS-K8S 5.5.1", "CIS-EKS 5.1.4", *_CONFIGURED),
        why="What is applied by hand, past this program, meets nothing else that asks for digests.",
        fix="bind the policies to the namespace by kubernetes.io/metadata.name",
        url=_VAP,
        evidence=("metadata.name",),
        judge=_admission,
    ),
)
