"""A client of the rehearsal's API server, and the part that controllers play for the rest of us.

Only the API server runs, so what others wait for is done here: a namespace gets its default
service account and, when it goes, loses its contents and its finalizer; a quota gets its status; a
finalizer of Kubernetes' own controllers keeps nothing alive. A workload makes no pods: `pod_of`
gives the one that it would make, and the server is asked whether it would be let in.
"""

from __future__ import annotations

import http
import http.client
import json
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

Manifest = dict[str, Any]
Place = tuple[Any, ...]  # keys and indices from the root of an object

MANAGER = "pulumi-kubernetes"
_DRY_RUN = {"dryRun": "All"}
_BROKEN = (OSError, http.client.HTTPException)
_REQUEST_SECONDS = 60.0
_AGAIN_SECONDS = 0.1
_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
# A new policy is seen after one refresh (apiserver, policy/generic/policy_source.go: 1 s).
POLICY_SECONDS = 1.5
# Controllers try again when these are not there yet; beyond so long somebody has forgotten them.
_SOON_SECONDS = 3.0
_SOON = ("serviceaccount ", "status unknown for quota", "no PriorityClass with name")
# Finalizers of controllers of Kubernetes' own, none of which runs here.
_OF_CONTROLLERS = {
    "foregroundDeletion",
    "kubernetes.io/pv-protection",
    "kubernetes.io/pvc-protection",
    "orphan",
    "service.kubernetes.io/load-balancer-cleanup",
}
_POD_LABEL = "rehearsal/pod"
# kind of workload -> where its pod template is
_TEMPLATES = {
    "CronJob": ("jobTemplate", "spec", "template"),
    "DaemonSet": ("template",),
    "Deployment": ("template",),
    "Job": ("template",),
    "ReplicaSet": ("template",),
    "StatefulSet": ("template",),
}
# Kinds that `refused_together` looks at.
ASKED = {*_TEMPLATES, "HorizontalPodAutoscaler", "ValidatingAdmissionPolicyBinding"}
# What is applied first, when there is no program that says what depends on what.
_FIRST = (
    "Namespace", "CustomResourceDefinition", "PriorityClass", "StorageClass", "ServiceAccount",
    "LimitRange", "ResourceQuota", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
    "ClusterRole", "Role", "ConfigMap", "Secret", "Service",
)  # fmt: skip


class Rejected(Exception):
    """The server's answer was no; the message is its own words on one line."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(" ".join(message.split()))
        self.code = code
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind as the server serves it."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        root = "/apis" if "/" in self.api_version else "/api"
        inside = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        one = f"/{quote(name)}" if name else ""
        return f"{root}/{self.api_version}{inside}/{self.plural}{one}"


@dataclass(kw_only=True)
class ApiServer:
    """The API server on the loopback interface. May be used from several threads.

    warnings: what it warned of when objects were applied, once each.
    """

    port: int
    token: str = field(repr=False)
    certificate: Path
    warnings: dict[str, None] = field(default_factory=dict)
    _kinds: dict[tuple[str, str], Kind] = field(default_factory=dict, repr=False)
    _local: threading.local = field(default_factory=threading.local, repr=False)

    # -- wire ---------------------------------------------------------------------------------
    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        kind: str = "application/json",
        accept: str = "application/json",
        patience: float = _REQUEST_SECONDS,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """One request; the answer's JSON. Raises Rejected, also where nobody answers."""
        target = path + (f"?{urlencode(query)}" if query else "")
        headers = {"Authorization": f"Bearer {self.token}", "Accept": accept, "Content-Type": kind}
        sent = None if body is None else json.dumps(body)
        try:
            answer, text = self._exchange(method, target, sent, headers)
        except _BROKEN:  # an idle connection that the server closed
            self._local.connection = None
            try:
                answer, text = self._exchange(method, target, sent, headers)
            except _BROKEN as error:
                self._local.connection = None
                said = f"the API server does not answer ({type(error).__name__})"
                raise Rejected(503, "ServiceUnavailable", said) from None
        if method == "PATCH":
            for warning in answer.headers.get_all("Warning") or ():
                said = warning.partition('"')[2].rpartition('"')[0]
                self.warnings[said.replace('\\"', '"')] = None
        if answer.headers.get_content_type() != "application/json":
            return text.decode(errors="replace")
        said = json.loads(text)
        if answer.status == http.HTTPStatus.TOO_MANY_REQUESTS and patience > 0:
            # So it answers while it still reads a kind that was just defined.
            time.sleep(_AGAIN_SECONDS)
            return self.ask(
                method, path, body, kind=kind, accept=accept,
                patience=patience - _AGAIN_SECONDS, query=query,
            )  # fmt: skip
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise Rejected(answer.status, str(said.get("reason")), str(said.get("message", "")))
        return said

    def _exchange(
        self, method: str, target: str, sent: str | None, headers: Mapping[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = self._connection()
        connection.request(method, target, sent, dict(headers))
        answer = connection.getresponse()
        return answer, answer.read()

    def _connection(self) -> http.client.HTTPSConnection:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            trusted = ssl.create_default_context(cafile=str(self.certificate))
            trusted.check_hostname = False  # its certificate is the only one that is trusted
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self.port, context=trusted, timeout=_REQUEST_SECONDS
            )
            self._local.connection = connection
        return connection

    def ready(self) -> bool:
        try:
            return self.ask("GET", "/readyz") == "ok"
        except Rejected:
            return False

    def version(self) -> str:
        return str(self.ask("GET", "/version")["gitVersion"])

    def begin(self) -> None:
        """Play the controllers' part for the namespaces that the server made itself."""
        for space in self.ask("GET", "/api/v1/namespaces")["items"]:
            self._account_of(space["metadata"]["name"])

    # -- kinds --------------------------------------------------------------------------------
    def kind(self, api_version: str, kind: str) -> Kind:
        """Raises Rejected where the server serves no such kind."""
        if (api_version, kind) not in self._kinds:
            self._discover()
        try:
            return self._kinds[api_version, kind]
        except KeyError:
            message = f'no matches for kind "{kind}" in version "{api_version}"'
            raise Rejected(404, "NotFound", message) from None

    def kinds(self) -> list[Kind]:
        self._discover()
        return list(self._kinds.values())

    def _discover(self) -> None:
        found: dict[tuple[str, str], Kind] = {}
        for root in ("/api", "/apis"):
            for group in self.ask("GET", root, accept=_DISCOVERY)["items"]:
                prefix = group.get("metadata", {}).get("name", "")
                for version in group["versions"]:
                    name = f"{prefix}/{version['version']}" if prefix else version["version"]
                    for each in version.get("resources", ()):
                        made = Kind(
                            api_version=name,
                            kind=each["responseKind"]["kind"],
                            plural=each["resource"],
                            namespaced=each["scope"] == "Namespaced",
                            verbs=frozenset(each["verbs"]),
                        )
                        found[name, made.kind] = made
        self._kinds = found

    def path(self, manifest: Mapping[str, Any]) -> str:
        meta = manifest["metadata"]
        kind = self.kind(manifest["apiVersion"], manifest["kind"])
        return kind.path(meta.get("namespace") or "default", meta["name"])

    # -- objects ------------------------------------------------------------------------------
    def get(self, manifest: Mapping[str, Any]) -> Manifest | None:
        """The object of that kind and name as it is, None where it (or its kind) is not."""
        try:
            return self.ask("GET", self.path(manifest))
        except Rejected as rejected:
            if rejected.code == 404:
                return None
            raise

    def apply(self, manifest: Mapping[str, Any], *, dry_run: bool = False) -> Manifest:
        """Server-side apply, every field ours, unknown fields refused. Raises Rejected."""
        made = self._send(manifest, dry_run=dry_run)
        if not dry_run:
            self._after(manifest, made)
        return made

    def _send(self, manifest: Mapping[str, Any], *, dry_run: bool) -> Manifest:
        return self.ask(
            "PATCH",
            self.path(manifest),
            manifest,
            kind="application/apply-patch+yaml",
            query={
                "fieldManager": MANAGER,
                "force": "true",
                "fieldValidation": "Strict",
                **(_DRY_RUN if dry_run else {}),
            },
        )

    def define(self, definitions: Iterable[Manifest]) -> None:
        """Make the definitions that are not there, and wait until all are served. Raises Rejected.

        As Helm does with a chart's `crds` folder: what is there stays as it is.
        """
        known = list(definitions)
        for each in known:
            if self.get(each) is None:
                kind = self.kind(each["apiVersion"], each["kind"])
                self.ask("POST", kind.path(), each, query={"fieldManager": "helm"})
        for each in known:
            self._await_kind(each)

    def delete(self, manifest: Mapping[str, Any]) -> None:
        """Delete it and wait until it is gone. Raises Rejected where something keeps it."""
        try:
            path = self.path(manifest)
            self.ask("DELETE", path, {"propagationPolicy": "Background"})
        except Rejected as rejected:
            if rejected.code == 404:
                return
            raise
        if manifest["kind"] == "Namespace":
            self._empty(manifest["metadata"]["name"])
        until = time.monotonic() + _REQUEST_SECONDS
        while (left := self.get(manifest)) is not None:
            self._let_go(path, left)
            if time.monotonic() > until:
                held = ", ".join(left["metadata"].get("finalizers") or ["something"])
                raise Rejected(409, "Conflict", f"{path} stays Terminating, held by {held}")
            time.sleep(0.02)
        if manifest["kind"] == "CustomResourceDefinition":
            self._kinds = {}

    # -- the controllers' part ------------------------------------------------------------------
    def _after(self, manifest: Mapping[str, Any], made: Manifest) -> None:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        if kind == "Namespace":
            self._account_of(name)
        elif kind == "ResourceQuota":
            self.reckon(made)
        elif kind == "CustomResourceDefinition":
            self._await_kind(made)

    def _account_of(self, namespace: str) -> None:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        try:
            self.ask("POST", path, account)
        except Rejected as rejected:
            if rejected.code != 409:
                raise

    def reckon(self, quota: Mapping[str, Any]) -> None:
        """Give a quota the status without which no pod is let in: all of it is still free."""
        hard = (quota.get("spec") or {}).get("hard") or {}
        meta = quota["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/resourcequotas/{meta['name']}/status"
        status = {"status": {"hard": hard, "used": dict.fromkeys(hard, "0")}}
        self.ask("PATCH", path, status, kind="application/merge-patch+json")

    def _await_kind(self, definition: Manifest) -> None:
        spec = definition["spec"]
        version = next(v["name"] for v in spec["versions"] if v["served"])
        until = time.monotonic() + _REQUEST_SECONDS
        while time.monotonic() < until:
            now = self.get(definition) or {}
            conditions = (now.get("status") or {}).get("conditions") or ()
            if any(c["type"] == "Established" and c["status"] == "True" for c in conditions):
                self._discover()
                if (f"{spec['group']}/{version}", spec["names"]["kind"]) in self._kinds:
                    return
            time.sleep(0.05)
        name = definition["metadata"]["name"]
        raise Rejected(500, "Timeout", f"{name} was accepted and is not served")

    def _empty(self, namespace: str) -> None:
        for kind in self.kinds():
            if not kind.namespaced or "deletecollection" not in kind.verbs:
                continue
            path = kind.path(namespace)
            if not self.ask("GET", path, query={"limit": "1"})["items"]:
                continue
            self.ask("DELETE", path, {"propagationPolicy": "Background", "gracePeriodSeconds": 0})
            for left in self.ask("GET", path)["items"]:
                self._let_go(kind.path(namespace, left["metadata"]["name"]), left)
        path = f"/api/v1/namespaces/{namespace}"
        space = self.ask("GET", path)
        space["spec"]["finalizers"] = []
        self.ask("PUT", f"{path}/finalize", space)

    def _let_go(self, path: str, left: Manifest) -> None:
        finalizers = left["metadata"].get("finalizers") or []
        kept = [each for each in finalizers if each not in _OF_CONTROLLERS]
        if kept != finalizers:
            patch = {"metadata": {"finalizers": kept or None}}
            try:
                self.ask("PATCH", path, patch, kind="application/merge-patch+json")
            except Rejected as rejected:
                if rejected.code != 404:
                    raise


# -- pods ---------------------------------------------------------------------------------------
def pod_of(manifest: Mapping[str, Any]) -> Manifest | None:
    """The first pod that a workload would make, None where the object makes none."""
    if manifest["kind"] not in _TEMPLATES:
        return None
    template: Any = manifest["spec"]
    for part in _TEMPLATES[manifest["kind"]]:
        template = template[part]
    meta, spec = template.get("metadata") or {}, dict(template["spec"])
    name = manifest["metadata"]["name"]
    claims = [
        {"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{name}-0"}}
        for each in manifest["spec"].get("volumeClaimTemplates") or ()
        for claim in (each["metadata"]["name"],)
    ]
    if claims:
        spec["volumes"] = [*(spec.get("volumes") or ()), *claims]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": f"{name[:50]}-",
            "labels": {**(meta.get("labels") or {}), _POD_LABEL: ""},
            "annotations": meta.get("annotations") or {},
        },
        "spec": spec,
    }


def refused_pod(api: ApiServer, manifest: Mapping[str, Any]) -> str | None:
    """Why a pod of this workload would be refused now, in the server's words; None: it would not.

    Pod Security, quotas, limit ranges, admission policies and the service account are all asked.
    """
    pod = pod_of(manifest)
    if pod is None:
        return None
    namespace = manifest["metadata"].get("namespace") or "default"
    until = time.monotonic() + _SOON_SECONDS
    while True:
        try:
            _make(api, namespace, pod, _DRY_RUN)
            return None
        except Rejected as rejected:
            soon = any(word in str(rejected) for word in _SOON)
            if not soon or time.monotonic() > until:
                return str(rejected)
        time.sleep(0.1)


def refused_together(api: ApiServer, manifests: Iterable[Mapping[str, Any]]) -> list[str]:
    """What is refused once every workload asks for all its pods: quotas count, all policies hold.

    A workload asks for as many pods as its autoscaler may want, a CronJob for one. The pods are
    made, counted by the server's quota, and taken away again.
    """
    known = list(manifests)
    workloads = [each for each in known if each["kind"] in _TEMPLATES]
    most = _most(known)
    if any(each["kind"] == "ValidatingAdmissionPolicyBinding" for each in known):
        time.sleep(POLICY_SECONDS)
    quotas = api.ask("GET", "/api/v1/resourcequotas")["items"]
    for quota in quotas:
        api.reckon(quota)
    found: list[str] = []
    spaces: set[str] = set()
    for each in workloads:
        pod, meta = pod_of(each), each["metadata"]
        namespace = meta.get("namespace") or "default"
        spaces.add(namespace)
        assert pod is not None
        for number in range(most[namespace, each["kind"], meta["name"]]):
            said = refused_pod(api, each)
            if said is None:
                _make(api, namespace, pod)
            else:
                found.append(f"{each['kind']} {namespace}/{meta['name']}, pod {number + 1}: {said}")
                break
    for namespace in spaces:
        api.ask(
            "DELETE",
            f"/api/v1/namespaces/{namespace}/pods",
            {"gracePeriodSeconds": 0},
            query={"labelSelector": _POD_LABEL},
        )
    for quota in quotas:
        api.reckon(quota)
    _until_counted(api, workloads)
    return found


def _until_counted(api: ApiServer, workloads: Iterable[Mapping[str, Any]]) -> None:
    """Wait until the server's admission has seen that the pods are gone: it reads quotas late."""
    until = time.monotonic() + _SOON_SECONDS
    for each in workloads:
        while "exceeded quota" in (refused_pod(api, each) or "") and time.monotonic() < until:
            time.sleep(0.1)


def _make(
    api: ApiServer, namespace: str, pod: Manifest, query: Mapping[str, str] | None = None
) -> Manifest:
    return api.ask("POST", f"/api/v1/namespaces/{namespace}/pods", pod, query=query)


def _most(manifests: list[Mapping[str, Any]]) -> dict[tuple[str, str, str], int]:
    """(namespace, kind, name) of a workload -> the pods that it may have at once."""
    found: dict[tuple[str, str, str], int] = {}
    for each in manifests:
        meta, spec = each["metadata"], each.get("spec") or {}
        if each["kind"] in _TEMPLATES:
            count = spec.get("parallelism" if each["kind"] == "Job" else "replicas", 1)
            key = (meta.get("namespace") or "default", each["kind"], meta["name"])
            found[key] = max(count, found.get(key, 0))
        elif each["kind"] == "HorizontalPodAutoscaler":
            target = spec["scaleTargetRef"]
            key = (meta.get("namespace") or "default", target["kind"], target["name"])
            found[key] = max(spec["maxReplicas"], found.get(key, 0))
    return found


def refusals(api: ApiServer, manifests: Iterable[Mapping[str, Any]]) -> list[str]:
    """Apply every object as one would who knows the right order; what the server refused.

    Each line names the object and quotes the server. Pods of workloads are asked for too, first
    one by one, then all together.
    """
    known = list(manifests)
    found: list[str] = []
    for each in sorted(known, key=_rank):
        meta = each["metadata"]
        name = "/".join(part for part in (meta.get("namespace"), meta["name"]) if part)
        try:
            api.apply(each)
            said = refused_pod(api, each)
        except Rejected as rejected:
            said = str(rejected)
        if said:
            found.append(f"{each['kind']} {name}: {said}")
    return found or refused_together(api, known)


def _rank(manifest: Mapping[str, Any]) -> int:
    if manifest["kind"] in _TEMPLATES:
        return len(_FIRST) + 1
    return _FIRST.index(manifest["kind"]) if manifest["kind"] in _FIRST else len(_FIRST)


# -- comparing ----------------------------------------------------------------------------------
def differing(wanted: Any, live: Any, shape: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """(place, live value) of what differs inside `shape`: what it does not name is not ours.

    A list that is not as long as wanted differs as a whole.
    """
    if isinstance(shape, Mapping) and isinstance(live, Mapping) and isinstance(wanted, Mapping):
        for key, inner in shape.items():
            yield from differing(wanted.get(key), live.get(key), inner, (*place, key))
    elif (
        isinstance(shape, list)
        and isinstance(live, list)
        and isinstance(wanted, list)
        and len(shape) == len(live) == len(wanted)
    ):
        for index, inner in enumerate(shape):
            yield from differing(wanted[index], live[index], inner, (*place, index))
    elif wanted != live:
        yield place, live
