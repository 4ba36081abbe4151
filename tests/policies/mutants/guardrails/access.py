"""Roles that grant too much, bindings that give them to the wrong people, tokens for all."""

from __future__ import annotations

from typing import Any

from tests.policies.mutation import Change, Mutant, add, drop, edit, put

_RBAC = "kubernetes:rbac.authorization.k8s.io/v1"
_ROLE, _CLUSTER_ROLE = f"{_RBAC}:Role", f"{_RBAC}:ClusterRole"
_BINDING, _CLUSTER_BINDING = f"{_RBAC}:RoleBinding", f"{_RBAC}:ClusterRoleBinding"
_READER, _GRAFANA, _VELERO = "*reader", "*dashboards", "*backups-role"
_ON_CALL = "*responders-application"


def _rule(group: str, resource: str, *verbs: str, **more: Any) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs), **more}


def _grant(rule: dict[str, Any], type_: str = _ROLE, name: str = _READER) -> Change:
    return edit(type_, lambda values: values["rules"].append(rule), name)


def _power(
    rule: str, title: str, says: str, granted: dict[str, Any], name: str = _READER
) -> Mutant:
    return Mutant(rule=rule, title=title, change=_grant(granted, name=name), says=(says,))


_ADMISSION = "admissionregistration.k8s.io"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="role-no-wildcards",
        title="every verb",
        change=put(_ROLE, "rules.0.verbs", ["*"], _READER),
        says=("it says * for its verbs",),
    ),
    Mutant(
        rule="role-no-wildcards",
        title="everything in every group",
        change=_grant(_rule("*", "*", "get"), _CLUSTER_ROLE, _GRAFANA),
        says=("it says * for its resources, apiGroups",),
    ),
    Mutant(
        rule="role-no-wildcards",
        title="Velero with every verb",
        change=put(_CLUSTER_ROLE, "rules.0.verbs", ["*"], _VELERO),
        says=("it says * for its verbs",),
    ),
    Mutant(
        rule="role-no-wildcards",
        title="a role in a List that borrows Velero's name",
        change=add(
            "kubernetes:v1:List",
            "roles",
            {
                "kind": "List",
                "items": [
                    {
                        "kind": "ClusterRole",
                        "metadata": {"name": "arches-velero"},
                        "rules": [_rule("*", "*", "get")],
                    }
                ],
            },
        ),
        says=("ClusterRole arches-velero: it says * for its resources, apiGroups",),
    ),
    _power(
        "role-grants-nothing",
        "people may be impersonated",
        "it grants impersonate",
        _rule("", "users", "impersonate"),
    ),
    Mutant(
        rule="role-grants-nothing",
        title="Velero may escalate",
        change=_grant(
            _rule("rbac.authorization.k8s.io", "roles", "escalate", "bind"),
            _CLUSTER_ROLE,
            _VELERO,
        ),
        says=("it grants bind, escalate",),
    ),
    _power(
        "role-secrets-unread",
        "secrets listed",
        "it may read secrets",
        _rule("", "secrets", "list"),
    ),
    _power(
        "role-secrets-unread",
        "secrets of one name watched",
        "it may read secrets",
        _rule("", "secrets", "get", "watch", resourceNames=["archesai-database"]),
    ),
    Mutant(
        rule="role-secrets-unread",
        title="dashboards read secrets in all namespaces",
        change=put(_CLUSTER_ROLE, "rules.0.resources", ["configmaps", "secrets"], _GRAFANA),
        says=("it may read secrets",),
    ),
    _power(
        "role-secrets-unread",
        "who is on call lists secrets",
        "it may read secrets",
        _rule("", "secrets", "list"),
        _ON_CALL,
    ),
    _power(
        "role-no-pod-creation",
        "who is on call makes pods",
        "it may make pods",
        _rule("", "pods", "create"),
        _ON_CALL,
    ),
    _power(
        "role-no-pod-creation",
        "who is on call makes Deployments",
        "it may make deployments",
        _rule("apps", "deployments", "create"),
        _ON_CALL,
    ),
    _power(
        "role-no-pod-creation",
        "engineers take releases back",
        "it may make deployments",
        _rule("apps", "deployments", "patch"),
    ),
    _power(
        "role-no-pod-creation",
        "pods made",
        "it may make pods",
        _rule("", "pods", "create"),
    ),
    _power(
        "role-no-pod-creation",
        "Deployments patched",
        "it may make daemonsets, deployments, replicasets, statefulsets",
        _rule("apps", "*", "patch"),
    ),
    _power(
        "role-no-pod-entry",
        "a shell in pods",
        "it may enter through pods/exec",
        _rule("", "pods/exec", "create"),
    ),
    _power(
        "role-no-pod-entry",
        "who is on call attaches to pods",
        "it may enter through pods/attach",
        _rule("", "pods/attach", "create"),
        _ON_CALL,
    ),
    _power(
        "role-no-pod-entry",
        "who is on call enters by every verb",
        "it may enter through pods/exec",
        _rule("", "pods/exec", "*"),
        _ON_CALL,
    ),
    Mutant(
        rule="role-no-pod-entry",
        title="a role for the whole cluster that borrows the name of the one for those on call",
        change=add(
            _CLUSTER_ROLE,
            "more",
            {
                "kind": "ClusterRole",
                "metadata": {"name": "archesai-responder"},
                "rules": [_rule("", "pods/exec", "create")],
            },
        ),
        says=("it may enter through pods/exec",),
    ),
    _power(
        "role-no-pod-entry",
        "every exec by a pattern",
        "it may enter through pods/exec",
        _rule("", "*/exec", "get"),
    ),
    _power(
        "role-no-node-proxy",
        "the agents' interface",
        "it may reach nodes/proxy",
        _rule("", "nodes/proxy", "get"),
    ),
    _power(
        "role-no-admission-changes",
        "webhooks changed",
        "it may change validatingwebhookconfigurations",
        _rule(_ADMISSION, "validatingwebhookconfigurations", "update"),
    ),
    _power(
        "role-no-admission-changes",
        "the guardrails unbound",
        "it may change validatingadmissionpolicybindings",
        _rule(_ADMISSION, "validatingadmissionpolicybindings", "delete"),
    ),
    _power(
        "role-no-certificate-approval",
        "requests approved",
        "it may approve certificatesigningrequests/approval",
        _rule("certificates.k8s.io", "certificatesigningrequests/approval", "update"),
    ),
    _power(
        "role-no-token-creation",
        "tokens made",
        "it may make serviceaccounts/token",
        _rule("", "serviceaccounts/token", "create"),
    ),
    _power(
        "role-no-volume-creation",
        "volumes made",
        "it may make persistentvolumes",
        _rule("", "persistentvolumes", "create"),
    ),
    _power(
        "role-no-service-status",
        "addresses of Services changed",
        "it may change services/status",
        _rule("", "services/status", "patch"),
    ),
    Mutant(
        rule="binding-no-strong-role",
        title="the readers become administrators",
        change=put(_BINDING, "roleRef", {"kind": "ClusterRole", "name": "cluster-admin"}, _READER),
        says=("it binds cluster-admin",),
    ),
    Mutant(
        rule="binding-no-strong-role",
        title="engineers mend as those who are on call",
        change=put(_BINDING, "subjects.0.name", "arches:readers", _ON_CALL),
        says=("it binds archesai-responder to arches:readers, who is not on call",),
    ),
    Mutant(
        rule="binding-no-strong-role",
        title="a pod has the role of those who are on call",
        change=put(
            _BINDING,
            "subjects.0",
            {"kind": "ServiceAccount", "name": "arches:responders", "namespace": "production"},
            _ON_CALL,
        ),
        says=("it binds archesai-responder to arches:responders, who is not on call",),
    ),
    Mutant(
        rule="binding-no-strong-role",
        title="somebody gets Velero's role",
        change=add(
            _CLUSTER_BINDING,
            "more",
            {
                "kind": "ClusterRoleBinding",
                "roleRef": {"kind": "ClusterRole", "name": "arches-velero"},
            },
        ),
        says=("it binds arches-velero",),
    ),
    Mutant(
        rule="binding-subjects-named",
        title="everybody who is logged in",
        change=put(_BINDING, "subjects.0.name", "system:authenticated", _READER),
        says=("it binds system:authenticated",),
    ),
    Mutant(
        rule="binding-subjects-named",
        title="every service account of a namespace",
        change=put(_BINDING, "subjects.0.name", "system:serviceaccounts:production", _READER),
        says=("it binds system:serviceaccounts:production",),
    ),
    Mutant(
        rule="binding-subjects-named",
        title="a default account",
        change=put(
            _BINDING,
            "subjects",
            [{"kind": "ServiceAccount", "name": "default", "namespace": "production"}],
            _READER,
        ),
        says=("it binds the default account of production",),
    ),
    Mutant(
        rule="binding-role-judged",
        title="a role that is made elsewhere",
        change=put(_BINDING, "roleRef.name", "made-by-hand", _READER),
        says=("it binds made-by-hand, which nobody judged",),
        at="platform-guardrails-reader",
    ),
    Mutant(
        rule="binding-role-judged",
        title="a cluster role that is made elsewhere",
        change=add(
            _CLUSTER_BINDING,
            "more",
            {
                "kind": "ClusterRoleBinding",
                "roleRef": {"kind": "ClusterRole", "name": "made-by-hand"},
            },
        ),
        says=("it binds made-by-hand, which nobody judged",),
        at="more",
    ),
    Mutant(
        rule="service-account-token-off",
        title="the API's account gives its token",
        change=put(
            "kubernetes:core/v1:ServiceAccount", "automountServiceAccountToken", True, "*api"
        ),
        says=("its pods get a token of the Kubernetes API unless they refuse it",),
    ),
    Mutant(
        rule="service-account-token-off",
        title="nothing said of the token",
        change=drop("kubernetes:core/v1:ServiceAccount", "automountServiceAccountToken"),
        says=("its pods get a token of the Kubernetes API unless they refuse it",),
    ),
)
