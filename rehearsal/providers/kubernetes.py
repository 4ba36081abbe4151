"""Kubernetes without a cluster: objects checked by schema, kept in the account.

Its place is taken by a real API server when one is to be had; until then this checks each object
against the OpenAPI schema of the cluster's minor version (package kubernetes-validate), which
knows names and types of fields but no admission, quota or RBAC.
"""

from __future__ import annotations

from importlib import metadata
from typing import Any

import kubernetes_validate

from rehearsal.account import Account, Resource
from rehearsal.providers.judge import Table
from rehearsal.providers.standin import (
    Call,
    Difference,
    Failure,
    Refused,
    StandIn,
    Values,
    changed_paths,
)
from rehearsal.wire import UNKNOWN, has_unknown, revealed

# The schema that unknown minors are checked against: the newest that the package has.
_NEWEST = kubernetes_validate.latest_version()
# What makes the provider replace an object (pulumi-kubernetes, provider/pkg/provider/diff.go).
_IMMUTABLE = {
    "ClusterRoleBinding": ("roleRef",),
    "DaemonSet": ("spec.selector",),
    "Deployment": ("spec.selector",),
    "Job": ("spec.completions", "spec.parallelism", "spec.selector", "spec.template"),
    "PersistentVolumeClaim": (
        "spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName",
    ),
    "ResourceQuota": ("spec.scopes",),
    "RoleBinding": ("roleRef",),
    "Secret": ("type",),
    "Service": ("spec.clusterIP",),
    "StatefulSet": (
        "spec.podManagementPolicy", "spec.revisionHistoryLimit", "spec.selector",
        "spec.serviceName", "spec.volumeClaimTemplates",
    ),
    # The API server refuses a change of the last two; replacing is what a person then does.
    "StorageClass": ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"),
}  # fmt: skip
# kind -> the provider's setting that lets its contents change in place, and the contents
_CONTENTS = {
    "ConfigMap": ("enableConfigMapMutable", ("binaryData", "data")),
    "Secret": ("enableSecretMutable", ("data", "stringData")),
}
_AUTONAMED = "pulumi.com/autonamed"
# Groups of the API server's own that look like those of custom resources.
_BUILT_IN = {
    "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io",
    "authentication.k8s.io", "authorization.k8s.io", "certificates.k8s.io", "coordination.k8s.io",
    "discovery.k8s.io", "events.k8s.io", "flowcontrol.apiserver.k8s.io", "networking.k8s.io",
    "node.k8s.io", "rbac.authorization.k8s.io", "resource.k8s.io", "scheduling.k8s.io",
    "storage.k8s.io",
}  # fmt: skip


class Kubernetes(StandIn):
    """The stand-in for the Kubernetes provider; ignores the kubeconfig that it is handed."""

    package = "kubernetes"
    version = metadata.version("pulumi_kubernetes")

    def __init__(self, account: Account) -> None:
        self._account = account
        self._table = Table(account)
        self._settings: dict[str, Any] = {}

    @property
    def warnings(self) -> list[str]:
        """What was accepted in this run and will break later, a line each."""
        return self._table.warnings

    def configure(self, values: Values) -> None:
        self._settings = {k: v for k, v in values.items() if k.startswith("enable")}

    def check(
        self, call: Call, olds: Values, news: Values, seed: bytes
    ) -> tuple[dict[str, Any], list[Failure]]:
        manifest = {k: v for k, v in news.items() if v is not None}
        meta = manifest.get("metadata")
        meta = dict(meta) if isinstance(meta, dict) else {}
        if "generateName" in meta:
            # The API server would name it, and only when it is made.
            reason = "not known here: leave metadata.name out and Pulumi gives a name"
            return manifest, [Failure(path="metadata.generateName", reason=reason)]
        if "name" not in meta:
            before = olds.get("metadata")
            kept = before.get("name") if isinstance(before, dict) and _autonamed(before) else None
            meta["name"] = kept or f"{call.name}-{seed.hex()[:8]}"
            notes = meta.get("annotations", {})
            if isinstance(notes, dict):
                meta["annotations"] = {**notes, _AUTONAMED: "true"}
        manifest["metadata"] = meta
        if has_unknown(manifest):
            return manifest, []
        return manifest, list(_invalid(revealed(manifest)))

    def diff(
        self, call: Call, id_: str, state: Values, old_inputs: Values, news: Values
    ) -> Difference:
        changed = changed_paths(old_inputs, news)
        fixed = self._fixed(call.type.rsplit(":", 1)[-1], news)
        replaces = [path for path in changed if any(_touches(path, f) for f in fixed)]
        moved = {"metadata.name", "metadata.namespace"} & set(changed)
        named = not _autonamed(revealed(news.get("metadata")) or {})
        return Difference(
            changed=changed,
            replaces=replaces,
            delete_before_replace=bool(replaces) and named and not moved,
        )

    def _fixed(self, kind: str, manifest: Values) -> tuple[str, ...]:
        """The paths of a kind that cannot change in place."""
        fixed = ("kind", "apiVersion", "metadata.name", "metadata.namespace")
        fixed += _IMMUTABLE.get(kind, ())
        if kind in _CONTENTS:
            setting, contents = _CONTENTS[kind]
            mutable = str(self._settings.get(setting)).lower() == "true"
            if not mutable or manifest.get("immutable"):
                fixed += contents
        return fixed

    def create(self, call: Call, inputs: Values, *, preview: bool) -> tuple[str, dict[str, Any]]:
        self._table.ask("create", call, new=inputs, preview=preview)
        if preview:
            return "", {**inputs, "status": UNKNOWN}
        id_ = _id(inputs)
        if any(r.id == id_ for r in self._account.all(call.type)):
            raise Refused(f'{call.type.rsplit(":", 1)[-1].lower()}s "{id_}" already exists')
        made = self._account.make(
            call.type, id_, urn=call.urn, region="", inputs=inputs, outputs={}
        )
        return made.id, dict(inputs)

    def read(
        self, call: Call, id_: str, state: Values, inputs: Values
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        found = self._find(call, id_)
        if found is None:
            return "", {}, {}
        kept = self._account.unsealed(dict(found.inputs), {**state, **inputs})
        return id_, kept, kept

    def update(
        self,
        call: Call,
        id_: str,
        state: Values,
        old_inputs: Values,
        news: Values,
        *,
        preview: bool,
    ) -> dict[str, Any]:
        self._table.ask("update", call, id_, old=old_inputs, new=news, preview=preview)
        if preview:
            return dict(news)
        found = self._find(call, id_)
        if found is None:
            raise Refused(f"{id_} not found; run `pulumi refresh` first")
        self._account.change(found, inputs=news, outputs={})
        return dict(news)

    def delete(self, call: Call, id_: str, state: Values) -> None:
        found = self._find(call, id_)
        if found is not None:
            self._table.ask("delete", call, id_, old=found.inputs)
            self._account.remove(found)

    def _find(self, call: Call, id_: str) -> Resource | None:
        return next((r for r in self._account.all(call.type) if r.id == id_), None)


def _autonamed(meta: Values) -> bool:
    annotations = meta.get("annotations")
    return isinstance(annotations, dict) and annotations.get(_AUTONAMED) == "true"


def _touches(path: str, fixed: str) -> bool:
    """Whether a changed path is a fixed one, or lies below or above it."""
    return (
        path == fixed or path.startswith((f"{fixed}.", f"{fixed}[")) or fixed.startswith(f"{path}.")
    )


def _id(manifest: Values) -> str:
    meta = revealed(manifest.get("metadata") or {})
    namespace, name = meta.get("namespace"), meta.get("name")
    return f"{namespace}/{name}" if namespace else str(name)


def _invalid(manifest: dict[str, Any]) -> list[Failure]:
    for part in ("apiVersion", "kind"):
        if not isinstance(manifest.get(part), str):
            return [Failure(path=part, reason="missing")]
    try:
        kubernetes_validate.validate(manifest, _NEWEST, strict=True)
    except kubernetes_validate.ValidationError as error:
        path = ".".join(str(part) for part in error.path)
        return [Failure(path=path, reason=" ".join(str(error.message).split()))]
    except kubernetes_validate.SchemaNotFoundError:
        group, slash, _ = manifest["apiVersion"].partition("/")
        if slash and "." in group and group not in _BUILT_IN:
            return []  # a custom resource: only its own definition can judge it
        return [
            Failure(
                path="",
                reason=f"no {manifest.get('apiVersion')} {manifest.get('kind')} in Kubernetes "
                f"{_NEWEST}",
            )
        ]
    return []
