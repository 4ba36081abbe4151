"""Access inside the cluster: what roles grant, to whom they are bound, whose account has a token.

A power is what the CIS benchmarks name: it is judged on the role, whoever it is bound to, since a
binding is one line that anybody adds later. Only roles that are declared here may be bound, so that
there is none that nobody judged; those of charts are made by charts. One role may have a few
powers, verb by verb, and one group may have that role: somebody has to mend at night.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rules.declared import cluster
from rules.kubernetes import Object, checkov, judged_objects, objects, types
from rules.model import Item, NotApplicable, Props, Rule, Severity, Stack, StackRule

_RBAC = "rbac.authorization.k8s.io"
ROLES = types(f"{_RBAC}/v1:Role", f"{_RBAC}/v1:ClusterRole")
BINDINGS = types(f"{_RBAC}/v1:RoleBinding", f"{_RBAC}/v1:ClusterRoleBinding")
_GOOD = "https://kubernetes.io/docs/concepts/security/rbac-good-practices"
# Cluster roles that have to reach every kind, and why. They may still grant nothing and must name
# their verbs, and only their own chart binds them.
WIDE_ROLES = {
    "arches-velero": "it restores objects of every kind, secrets among them; it cannot escalate, "
    "bind or impersonate",
}
# The role of those who are on call, what it may do of that which no other role may, and why.
RESPONDER, RESPONDERS = "archesai-responder", "arches:responders"
RESPONSES: Mapping[str, frozenset[str]] = {
    "pods/exec": frozenset({"get", "create"}),
    "pods/portforward": frozenset({"get", "create"}),
    "deployments": frozenset({"patch"}),
    "jobs": frozenset({"create"}),
}
_ON_CALL = "the runbooks ask it of whoever is on call, to whom alone the role is bound"
# Built-in roles that read secrets or write workloads; only `view` does neither.
STRONG_ROLES = ("cluster-admin", "admin", "edit")
_EVERYBODY = (
    "system:anonymous",
    "system:authenticated",
    "system:masters",
    "system:serviceaccounts",
    "system:unauthenticated",
)
_WRITE = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_CHANGE = frozenset({"create", "update", "patch"})
_READ = frozenset({"get", "list", "watch"})


@dataclass(frozen=True, kw_only=True)
class Power:
    """Something that a role can grant: one of the verbs on one of the resources of a group."""

    group: str
    resources: tuple[str, ...]
    verbs: frozenset[str]

    def granted(self, rule: Props, excused: Mapping[str, frozenset[str]]) -> Iterator[str]:
        """The resources on which a rule of a role grants it, beyond the verbs that are excused.

        Raises Undecided.
        """
        groups, verbs = rule.at("apiGroups") or (), set(rule.at("verbs") or ())
        held = self.verbs if "*" in verbs else self.verbs & verbs
        if not {self.group, "*"} & set(groups):
            return
        # One named object may be read; a list of one name is a list of all to whoever watches.
        if rule.at("resourceNames") and verbs <= {"get"}:
            return
        for wanted in self.resources:
            beyond = held - excused.get(wanted, frozenset())
            if beyond and any(_covers(each, wanted) for each in rule.at("resources") or ()):
                yield wanted


def _covers(granted: str, wanted: str) -> bool:
    return granted in ("*", wanted) or (granted[:2] == "*/" and wanted.endswith(granted[1:]))


def powers_of(
    rules: Any, *powers: Power, excused: Mapping[str, frozenset[str]] | None = None
) -> list[str]:
    """The resources on which rules of a role grant any of these powers, each once.

    excused: resource -> verbs that this role may have.
    """
    return sorted(
        {
            each
            for rule in rules or ()
            for power in powers
            for each in power.granted(rule, excused or {})
        }
    )


def wildcards_of(rules: Any) -> list[str]:
    """In which fields rules of a role say `*`."""
    fields = ("verbs", "resources", "apiGroups", "nonResourceURLs")
    return [each for each in fields if any("*" in (rule.at(each) or ()) for rule in rules or ())]


def _wide(role: Object) -> bool:
    return role.kind == "ClusterRole" and not role.path and role.name in WIDE_ROLES


def _on_call(role: Object) -> bool:
    return role.kind == "Role" and not role.path and role.name == RESPONDER


def _wildcards(role: Object) -> Iterator[str]:
    found = wildcards_of(role.props.at("rules"))
    if _wide(role):
        if "verbs" not in found:
            raise NotApplicable(WIDE_ROLES[role.name])
        found = ["verbs"]
    if found:
        yield f"it says * for its {', '.join(found)}"


def _grants(role: Object) -> Iterator[str]:
    verbs = {verb for rule in role.props.at("rules") or () for verb in rule.at("verbs") or ()}
    found = verbs & {"escalate", "bind", "impersonate"}
    if found:
        yield f"it grants {', '.join(sorted(found))}"


def _strong(binding: Object) -> Iterator[str]:
    role = str(binding.props.at("roleRef.name", ""))
    if role in (*STRONG_ROLES, *WIDE_ROLES) or role.startswith("system:"):
        yield f"it binds {role}"
    if role == RESPONDER:
        for subject in binding.props.at("subjects") or ():
            if (subject.get("kind"), subject.get("name")) != ("Group", RESPONDERS):
                yield f"it binds {role} to {subject.get('name')}, who is not on call"


def _subjects(binding: Object) -> Iterator[str]:
    for subject in binding.props.at("subjects") or ():
        kind, name = subject.get("kind"), str(subject.get("name", ""))
        if name.startswith(_EVERYBODY):
            yield f"it binds {name}"
        elif kind == "ServiceAccount" and name == "default":
            yield f"it binds the default account of {subject.get('namespace', 'its namespace')}"


def _declared(subject: Item, stack: Stack) -> Iterator[str]:
    here = cluster(stack)
    roles = {each.name for each in here.of("ClusterRole")} | {"view"}
    for binding in objects(subject.props, "RoleBinding", "ClusterRoleBinding"):
        kind, name = binding.props.at("roleRef.kind"), str(binding.props.at("roleRef.name", ""))
        known = roles if kind == "ClusterRole" else ()
        if name not in known and (binding.namespace, name) not in here.named("Role"):
            yield f"{binding.said_of}it binds {name}, which nobody judged"


def _token(account: Object) -> Iterator[str]:
    if account.props.at("automountServiceAccountToken") is not False:
        yield "its pods get a token of the Kubernetes API unless they refuse it"


def _power(
    name: str,
    sentence: str,
    says: str,
    *powers: Power,
    severity: Severity = "high",
    controls: tuple[str, ...],
    why: str,
    fix: str,
) -> Rule:
    """A rule that no role grants any of these powers; says: what its finding calls them."""

    def judge(role: Object) -> Iterator[str]:
        if _wide(role):
            raise NotApplicable(WIDE_ROLES[role.name])
        rules = role.props.at("rules")
        found = powers_of(rules, *powers, excused=RESPONSES if _on_call(role) else None)
        if found:
            yield f"it may {says} {', '.join(found)}"
        elif powers_of(rules, *powers):
            raise NotApplicable(_ON_CALL)

    return Rule(
        name=name,
        sentence=sentence,
        types=ROLES,
        severity=severity,
        requirements=("CHK-SEC-04",),
        controls=(*controls, "SOC2 CC6.3", "ISO27001 A.8.2"),
        why=why,
        fix=fix,
        url=_GOOD,
        evidence=("rules",),
        judge=judged_objects(judge, "Role", "ClusterRole"),
    )


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="role-no-wildcards",
        sentence="Roles name their groups, resources and verbs.",
        types=ROLES,
        severity="high",
        requirements=("CHK-SEC-04",),
        controls=(
            *("CIS-K8S 5.1.3", "CIS-EKS 4.1.3", *checkov(49)),
            *("SOC2 CC6.3", "ISO27001 A.8.2"),
        ),
        why="A wildcard also grants what is installed tomorrow, and nobody will ask again.",
        fix="list what is used",
        url=_GOOD,
        evidence=("rules",),
        judge=judged_objects(_wildcards, "Role", "ClusterRole"),
    ),
    Rule(
        name="role-grants-nothing",
        sentence="No role lets its holder take more rights than it has.",
        types=ROLES,
        severity="critical",
        requirements=("CHK-SEC-04",),
        controls=(
            *("CIS-K8S 5.1.8", "CIS-EKS 4.1.8", *checkov(157, 158), *checkov(1, 3, graph=True)),
            *("SOC2 CC6.3", "ISO27001 A.8.2"),
        ),
        why="With escalate, bind or impersonate a small role is the whole cluster.",
        fix="remove escalate, bind and impersonate from verbs",
        url=_GOOD,
        evidence=("rules",),
        judge=judged_objects(_grants, "Role", "ClusterRole"),
    ),
    _power(
        "role-secrets-unread",
        "No role reads secrets.",
        "read",
        Power(group="", resources=("secrets",), verbs=_READ),
        severity="critical",
        controls=("CIS-K8S 5.1.2", "CIS-EKS 4.1.2", *checkov(5, graph=True)),
        why="Whoever lists secrets has every password of the namespace.",
        fix="remove secrets, or get one by resource_names",
    ),
    _power(
        "role-no-pod-creation",
        "No role makes pods, but for what the runbooks ask of whoever is on call.",
        "make",
        Power(group="", resources=("pods", "replicationcontrollers"), verbs=_CHANGE),
        Power(
            group="apps",
            resources=("daemonsets", "deployments", "replicasets", "statefulsets"),
            verbs=_CHANGE,
        ),
        Power(group="batch", resources=("cronjobs", "jobs"), verbs=_CHANGE),
        controls=("CIS-K8S 5.1.4", "CIS-EKS 4.1.4"),
        why="A pod can mount every secret and run as every account of its namespace.",
        fix="deploy through this program",
    ),
    _power(
        "role-no-pod-entry",
        "No role enters running pods, but the one of those on call.",
        "enter through",
        Power(
            group="",
            resources=("pods/attach", "pods/ephemeralcontainers", "pods/exec", "pods/portforward"),
            verbs=_CHANGE | {"get"},
        ),
        controls=checkov(2, graph=True),
        why="Inside a pod are the customers' data, and no review sees what is typed there.",
        fix="remove these subresources",
    ),
    _power(
        "role-no-node-proxy",
        "No role speaks to the nodes' agents.",
        "reach",
        Power(group="", resources=("nodes/proxy",), verbs=_WRITE | _READ),
        controls=("CIS-K8S 5.1.10", *checkov(2, graph=True)),
        why="The agent runs commands in every pod of its node, past admission and the audit log.",
        fix="remove nodes/proxy",
    ),
    _power(
        "role-no-admission-changes",
        "No role changes what the cluster admits.",
        "change",
        Power(
            group="admissionregistration.k8s.io",
            resources=(
                "mutatingwebhookconfigurations",
                "validatingadmissionpolicies",
                "validatingadmissionpolicybindings",
                "validatingwebhookconfigurations",
            ),
            verbs=_WRITE,
        ),
        controls=("CIS-K8S 5.1.12", *checkov(155)),
        why="A webhook reads and rewrites every object; a policy taken away lets everything in.",
        fix="change admission through this program",
    ),
    _power(
        "role-no-certificate-approval",
        "No role approves certificates.",
        "approve",
        Power(
            group="certificates.k8s.io",
            resources=("certificatesigningrequests/approval", "signers"),
            verbs=_CHANGE | {"approve", "sign"},
        ),
        controls=("CIS-K8S 5.1.11", *checkov(156)),
        why="An approved request is a login as anybody, valid until it expires.",
        fix="remove the approval of requests",
    ),
    _power(
        "role-no-token-creation",
        "No role makes tokens of service accounts.",
        "make",
        Power(group="", resources=("serviceaccounts/token",), verbs=frozenset({"create"})),
        controls=("CIS-K8S 5.1.13",),
        why="Such a token is a login as that account, from anywhere, past its pod's limits.",
        fix="remove serviceaccounts/token",
    ),
    _power(
        "role-no-volume-creation",
        "No role makes volumes of its own.",
        "make",
        Power(group="", resources=("persistentvolumes",), verbs=_CHANGE),
        controls=("CIS-K8S 5.1.9",),
        why="A volume may point at a node's disk, or at the data of another namespace.",
        fix="use claims, which a storage class answers",
    ),
    _power(
        "role-no-service-status",
        "No role says where a Service is reached.",
        "change",
        Power(group="", resources=("services/status",), verbs=frozenset({"update", "patch"})),
        severity="medium",
        controls=checkov(4, graph=True),
        why="An address in that status takes other pods' traffic (CVE-2020-8554).",
        fix="remove services/status",
    ),
    Rule(
        name="binding-no-strong-role",
        sentence="Nobody is bound to a role that reads every secret or writes every workload.",
        types=BINDINGS,
        severity="critical",
        requirements=("CHK-SEC-04",),
        controls=("CIS-K8S 5.1.1", "CIS-EKS 4.1.1", "SOC2 CC6.3", "ISO27001 A.8.2"),
        why="cluster-admin is everything, for ever; admin and edit read and replace all secrets; "
        "the role of those on call enters pods.",
        fix="bind a role that names what is needed",
        url=_GOOD,
        evidence=("roleRef.name",),
        judge=judged_objects(_strong, "RoleBinding", "ClusterRoleBinding"),
    ),
    Rule(
        name="binding-subjects-named",
        sentence="Roles are bound to somebody, not to everybody.",
        types=BINDINGS,
        severity="critical",
        requirements=("CHK-SEC-04",),
        controls=(
            *("CIS-K8S 5.1.5", "CIS-K8S 5.1.7", "CIS-EKS 4.1.5", *checkov(42)),
            *("SOC2 CC6.1", "ISO27001 A.5.15"),
        ),
        why="Such a group holds every pod or every person, and one of them is taken over one day.",
        fix="name a group of our own or a service account",
        url=_GOOD,
        evidence=("subjects.*.kind", "subjects.*.name"),
        judge=judged_objects(_subjects, "RoleBinding", "ClusterRoleBinding"),
    ),
    StackRule(
        name="binding-role-judged",
        sentence="Only roles that are declared here are bound.",
        types=BINDINGS,
        severity="high",
        requirements=("CHK-SEC-04",),
        controls=("SOC2 CC6.3", "ISO27001 A.5.18"),
        why="A role that stands elsewhere grants what nobody reviewed, and may grow unseen.",
        fix="declare the role in this program",
        url=_GOOD,
        evidence=("roleRef.kind", "roleRef.name"),
        judge=_declared,
    ),
    Rule(
        name="service-account-token-off",
        sentence="No service account hands its token to pods that do not ask.",
        types=types("core/v1:ServiceAccount"),
        severity="medium",
        requirements=("CHK-SEC-04", "K8S-11"),
        controls=(
            *("CIS-K8S 5.1.5", "CIS-K8S 5.1.6", "CIS-EKS 4.1.6", *checkov(41)),
            *("SOC2 CC6.3", "ISO27001 A.8.2"),
        ),
        why="A token that nobody uses is one that only an intruder will.",
        fix="set automount_service_account_token to false",
        url="https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account",
        evidence=("automountServiceAccountToken",),
        judge=judged_objects(_token, "ServiceAccount"),
    ),
)
