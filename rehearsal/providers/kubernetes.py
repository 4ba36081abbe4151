"""Kubernetes without nodes: objects checked by schema, applied to a real API server, remembered.

A preview checks each object against the OpenAPI schema of the cluster's minor version (package
kubernetes-validate), which knows names and types of fields. What is then done is done to a real
kube-apiserver by server-side apply, as the provider does it, so admission, Pod Security, quotas,
definitions and immutable fields are the real ones; `rehearsal.apiserver` says what is played. The
account remembers which objects are the program's. Without a cluster all of it ends at the schema.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from typing import Any

import kubernetes_validate

from rehearsal import apiserver
from rehearsal.account import Account, Resource
from rehearsal.apiserver import Manifest, Rejected
from rehearsal.cluster import Cluster, ClusterError
from rehearsal.faults import Faults
from rehearsal.providers.helm import RELEASE, Releases
from rehearsal.providers.judge import Table
from rehearsal.providers.standin import (
    Call,
    Difference,
    Failure,
    Refused,
    StandIn,
    Unready,
    Values,
    changed_paths,
)
from rehearsal.providers.strikes import creating
from rehearsal.wire import UNKNOWN, Secret, has_unknown, revealed

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
    """The stand-in for the Kubernetes provider; ignores the kubeconfig that it is handed.

    cluster: where objects are really applied; None: nowhere, the schema is all that is asked.
    """

    package = "kubernetes"
    version = metadata.version("pulumi_kubernetes")

    def __init__(
        self, account: Account, *, cluster: Cluster | None = None, faults: Faults | None = None
    ) -> None:
        self._account = account
        self._table = Table(account)
        self._settings: dict[str, Any] = {}
        self._cluster = cluster
        self._faults = faults or Faults()
        self._releases = Releases(account, self._table, cluster=cluster, faults=self._faults)

    @property
    def warnings(self) -> list[str]:
        """What was accepted in this run and will break later, a line each."""
        said = self._cluster.api.warnings if self._cluster and self._cluster.started else ()
        return [*self._table.warnings, *(f"the API server warns: {each}" for each in said)]

    @property
    def real(self) -> str | None:
        """What judged the objects of this run besides their schema."""
        started = self._cluster is not None and self._cluster.started
        return self._cluster.programs.describe() if self._cluster and started else None

    def refused_pods(self) -> list[str]:
        """Pods that would be refused now that all is made; nothing without a cluster."""
        if self._cluster is None:
            return []
        mine = [
            r.inputs
            for r in self._account.all()
            if r.type.startswith("kubernetes:") and r.inputs.get("kind") in apiserver.ASKED
        ]
        try:
            api = self._cluster.api
            live = [found for each in mine if (found := api.get(each)) is not None]
            return apiserver.refused_together(api, live)
        except (Rejected, ClusterError) as error:
            raise Refused(str(error)) from None

    def uninstall_pending(self) -> list[str]:
        """Releases that a killed run left unfinished are uninstalled; a line for each."""
        return self._releases.uninstall_pending()

    def configure(self, values: Values) -> None:
        self._settings = {k: v for k, v in values.items() if k.startswith("enable")}

    def check(
        self, call: Call, olds: Values, news: Values, seed: bytes
    ) -> tuple[dict[str, Any], list[Failure]]:
        if call.type == RELEASE:
            return self._releases.check(call, olds, news, seed)
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
        if call.type == RELEASE:
            return self._releases.diff(call, id_, state, old_inputs, news)
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
        if call.type == RELEASE:
            return self._releases.create(call, inputs, preview=preview)
        self._table.ask("create", call, new=inputs, preview=preview)
        if preview:
            return "", {**inputs, "status": UNKNOWN}
        id_ = _id(inputs)
        if any(r.id == id_ for r in self._account.all(call.type)):
            raise Refused(f'{call.type.rsplit(":", 1)[-1].lower()}s "{id_}" already exists')
        with creating(self._faults, call, self._table.warnings):
            with self._words(call, inputs) as api:
                if api:
                    api.apply(_manifest(inputs))
            made = self._account.make(
                call.type, id_, urn=call.urn, region="", inputs=inputs, outputs={}
            )
        self._ask_for_a_pod(call, id_, inputs)
        if call.type in self._faults.stuck:
            raise Unready(_never_ready(call), id_, inputs, inputs)
        return made.id, dict(inputs)

    def read(
        self, call: Call, id_: str, state: Values, inputs: Values
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        if call.type == RELEASE:
            return self._releases.read(call, id_, state, inputs)
        found = self._find(call, id_)
        if found is None:
            return "", {}, {}
        kept = self._account.unsealed(dict(found.inputs), {**state, **inputs})
        with self._words(call, kept) as api:
            live = self._live(api, kept) if api else kept
        if live is None:
            self._account.remove(found)
            return "", {}, {}
        return id_, live, live

    def _live(self, api: apiserver.ApiServer, kept: Values) -> dict[str, Any] | None:
        """`kept` with what is different in the cluster; None where the object is gone.

        What the server writes in its own way ("1000m" as "1") is no difference: the live object is
        compared with what it would be after one more apply of `kept`.
        """
        manifest = _manifest(kept)
        live = api.get(manifest)
        if live is None:
            return None
        try:
            wanted = api.apply(manifest, dry_run=True)
        except Rejected:
            wanted = manifest  # somebody changed what cannot be changed back in place
        different = list(apiserver.differing(wanted, live, manifest))
        return _with(kept, different) if different else dict(kept)

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
        if call.type == RELEASE:
            return self._releases.update(call, id_, state, old_inputs, news, preview=preview)
        self._table.ask("update", call, id_, old=old_inputs, new=news, preview=preview)
        if preview:
            return dict(news)
        found = self._find(call, id_)
        if found is None:
            raise Refused(f"{id_} not found; run `pulumi refresh` first")
        with self._words(call, news) as api:
            if api:
                api.apply(_manifest(news))
        self._account.change(found, inputs=news, outputs={})
        self._ask_for_a_pod(call, id_, news)
        return dict(news)

    def delete(self, call: Call, id_: str, state: Values) -> None:
        if call.type == RELEASE:
            return self._releases.delete(call, id_, state)
        found = self._find(call, id_)
        if found is not None:
            self._table.ask("delete", call, id_, old=found.inputs)
            with self._words(call, found.inputs) as api:
                if api:
                    api.delete(found.inputs)
            self._account.remove(found)
        return None

    @contextmanager
    def _words(self, call: Call, inputs: Values) -> Iterator[apiserver.ApiServer | None]:
        """The API server where there is one; its refusal in its own words, without a secret."""
        try:
            yield self._cluster.api if self._cluster else None
        except (Rejected, ClusterError) as error:
            kind = call.type.rsplit(":", 1)[-1]
            raise Refused(f"{kind} ({call.name}): {without_secrets(str(error), inputs)}") from None

    def _ask_for_a_pod(self, call: Call, id_: str, inputs: Values) -> None:
        """Raises Unready: the workload is there and its pods are refused."""
        with self._words(call, inputs) as api:
            said = apiserver.refused_pod(api, _manifest(inputs)) if api else None
        if said is not None:
            kind = call.type.rsplit(":", 1)[-1]
            words = without_secrets(said, inputs)
            raise Unready(
                f"{kind} ({call.name}): its pods are refused: {words}", id_, inputs, inputs
            )

    def _find(self, call: Call, id_: str) -> Resource | None:
        return next((r for r in self._account.all(call.type) if r.id == id_), None)


def _manifest(inputs: Values) -> Manifest:
    """What is sent: secrets opened, and a Secret's text as the server keeps it, in base64."""
    made = revealed(dict(inputs))
    if made.get("kind") == "Secret" and "stringData" in made:
        texts = made.pop("stringData") or {}
        made["data"] = {**(made.get("data") or {}), **{k: _base64(v) for k, v in texts.items()}}
    return made


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _never_ready(call: Call) -> str:
    return (
        f"{call.type.rsplit(':', 1)[-1]} ({call.name}): timeout while waiting for it to become "
        "ready (a fault on demand: timeout)"
    )


def without_secrets(text: str, inputs: Any) -> str:
    """`text` with every secret of the inputs that it quotes taken out."""
    for secret in sorted(_secrets(inputs), key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return text


def _secrets(value: Any, *, inside: bool = False) -> Iterator[str]:
    if isinstance(value, Secret):
        yield from _secrets(value.value, inside=True)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _secrets(inner, inside=inside)
    elif isinstance(value, list):
        for inner in value:
            yield from _secrets(inner, inside=inside)
    elif inside and isinstance(value, str) and value:
        yield value
        yield _base64(value)


def _with(kept: Values, different: list[tuple[apiserver.Place, Any]]) -> dict[str, Any]:
    """A copy of `kept` with what the cluster has at some places; None takes a field away."""
    made = copy.deepcopy(dict(kept))
    for place, value in different:
        if made.get("kind") == "Secret" and place[0] == "data":
            texts = made.get("stringData") or {}
            inside = "stringData" if place[-1] in texts else "data"
            made[inside] = {**made.get(inside, {}), place[-1]: Secret(value)}
            continue
        here: Any = made
        for step in place[:-1]:
            if isinstance(here[step], Secret):  # as a whole, then: nothing inside it is told
                break
            here = here[step]
        else:
            step = place[-1]
            if value is None and isinstance(here, dict):
                here.pop(step, None)
            else:
                here[step] = Secret(value) if isinstance(here[step], Secret) else value
            continue
        here[step] = Secret("changed outside of this program")
    return made


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
