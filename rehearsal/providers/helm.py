"""Helm releases without Helm: chart, version and value keys checked, then remembered.

What Helm would do with a wrong value is nothing at all: it ignores a misspelt key without a word.
Here it is refused. `charts.yaml` has what is known of each chart. The objects of a chart are not
rendered; of what a release brings only its definitions are made in the API server, so that objects
of those kinds are judged by them and those that come too early are refused.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rehearsal.account import Account, Resource
from rehearsal.apiserver import ApiServer, Rejected
from rehearsal.cluster import Cluster, ClusterError
from rehearsal.faults import Faults
from rehearsal.providers.judge import Table
from rehearsal.providers.standin import (
    Call,
    Difference,
    Failure,
    Refused,
    Unready,
    Values,
    changed_paths,
)
from rehearsal.providers.strikes import creating
from rehearsal.wire import UNKNOWN, has_unknown, revealed

RELEASE = "kubernetes:helm.sh/v3:Release"
NAMESPACE = "kubernetes:core/v1:Namespace"
CHARTS = Path(__file__).parent.parent / "charts.yaml"
# Namespaces that every cluster has.
_BORN = {"default", "kube-node-lease", "kube-public", "kube-system"}
# Any chart takes these; `global` is handed on to the charts inside it.
_ANYWHERE = {"fullnameOverride", "global", "nameOverride"}
_DEPLOYED = "deployed"
# What Helm says while a revision is pending (helm, pkg/action/upgrade.go and install.go).
_PENDING = "another operation (install/upgrade/rollback) is in progress"
_TAKEN = "cannot re-use a name that is still in use"


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What is known of one chart.

    keys: the tree of its values; an empty branch takes anything below it. The rest: charts.yaml.
    """

    name: str
    repository: str
    versions: Mapping[str, str]  # of the chart -> of the program
    keys: Mapping[str, Any]
    operator: str | None = None
    switch: str | None = None
    hook: str | None = None
    kept: bool = True


@functools.cache
def charts() -> dict[str, Chart]:
    """Every known chart by name, from `charts.yaml`."""
    document = yaml.load(CHARTS.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return {name: Chart(name=name, **entry) for name, entry in document.items()}


class Releases:
    """The branch of the Kubernetes stand-in for `helm.sh/v3:Release`."""

    def __init__(
        self, account: Account, table: Table, *, cluster: Cluster | None, faults: Faults
    ) -> None:
        self._account = account
        self._table = table
        self._cluster = cluster
        self._faults = faults

    # -- check and diff -------------------------------------------------------------------------
    def check(
        self, call: Call, olds: Values, news: Values, seed: bytes
    ) -> tuple[dict[str, Any], list[Failure]]:
        inputs = {k: v for k, v in news.items() if v is not None}
        inputs.setdefault("name", olds.get("name") or f"{call.name}-{seed.hex()[:8]}")
        inputs.setdefault("namespace", "default")
        if not revealed(inputs.get("skipAwait")):
            inputs.setdefault("timeout", 300)
        return inputs, list(refusals(inputs))

    def diff(
        self, call: Call, id_: str, state: Values, old_inputs: Values, news: Values
    ) -> Difference:
        # pulumi-kubernetes, provider/pkg/provider/helm_release.go, forceNewFields.
        changed = changed_paths(old_inputs, news)
        return Difference(
            changed=changed, replaces=[path for path in changed if path in ("name", "namespace")]
        )

    # -- life -----------------------------------------------------------------------------------
    def create(self, call: Call, inputs: Values, *, preview: bool) -> tuple[str, dict[str, Any]]:
        self._table.ask("create", call, new=inputs, preview=preview)
        if preview:
            return "", {**inputs, "status": UNKNOWN}
        id_ = f"{inputs['namespace']}/{inputs['name']}"
        if self._find(id_) is not None:
            raise Refused(f"Release ({call.name}): {_TAKEN}")
        with creating(self._faults, call, self._table.warnings) as dies:
            self._install(call, inputs)
            made = self._account.make(
                call.type, id_, urn=call.urn, region="", inputs=inputs,
                outputs={"status": _status(inputs, 1, "pending-install")},
            )  # fmt: skip
            if not dies and call.type not in self._faults.stuck:
                made = self._account.change(
                    made, inputs=inputs, outputs={"status": _status(inputs, 1, _DEPLOYED)}
                )
        if call.type in self._faults.stuck and revealed(inputs.get("atomic")) is True:
            self._account.remove(made)
            raise Refused(
                f"Release ({call.name}): release {inputs['name']} failed, and has been uninstalled "
                "due to atomic being set: context deadline exceeded (a fault on demand: timeout)"
            )
        if call.type in self._faults.stuck:
            self._account.change(
                made, inputs=inputs, outputs={"status": _status(inputs, 1, "failed")}
            )
            raise Unready(
                f"Release ({call.name}): Helm release {id_} was created, but failed to initialize "
                "completely: context deadline exceeded (a fault on demand: timeout)",
                id_, inputs, {**inputs, "status": _status(inputs, 1, "failed")},
            )  # fmt: skip
        return id_, {**inputs, **made.outputs}

    def read(
        self, call: Call, id_: str, state: Values, inputs: Values
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        found = self._find(id_)
        if found is None:
            return "", {}, {}
        kept = self._account.unsealed(dict(found.inputs), {**state, **inputs})
        return id_, {**kept, **found.outputs}, kept

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
        found = self._find(id_)
        if preview:
            return {**news, "status": UNKNOWN}
        if found is None:
            raise Refused(f'Release ({call.name}): "{id_}" has no deployed releases')
        status = found.outputs["status"]
        if status["status"].startswith("pending-"):
            raise Refused(
                f"Release ({call.name}): {_PENDING}; it is {status['status']} since a run was cut "
                f"off: `helm uninstall {status['name']} -n {status['namespace']}` on a cluster, "
                "`make recover` here; then deploy again"
            )
        outputs = {"status": _status(news, status["revision"] + 1, _DEPLOYED)}
        self._account.change(found, inputs=news, outputs=outputs)
        return {**news, **outputs}

    def delete(self, call: Call, id_: str, state: Values) -> None:
        found = self._find(id_)
        if found is None:
            return
        self._table.ask("delete", call, id_, old=found.inputs)
        chart = _chart(found.inputs)
        if self._cluster and chart and takes_definitions(chart, found.inputs):
            for each in self._definitions(chart):
                self._api(call).delete(each)
        self._account.remove(found)

    def uninstall_pending(self) -> list[str]:
        """What `helm uninstall` does about releases that a killed run left; a line for each."""
        lines: list[str] = []
        for each in self._account.all(RELEASE):
            status = each.outputs["status"]
            if status["status"].startswith("pending-"):
                self._account.remove(each)
                lines.append(
                    f"release {each.id} was {status['status']}: uninstalled, as `helm uninstall "
                    f"{status['name']} -n {status['namespace']}` does it on a cluster"
                )
        return lines

    # -- parts ----------------------------------------------------------------------------------
    def _find(self, id_: str) -> Resource | None:
        return next((r for r in self._account.all(RELEASE) if r.id == id_), None)

    def _api(self, call: Call) -> ApiServer:
        assert self._cluster is not None
        try:
            return self._cluster.api
        except ClusterError as error:
            raise Refused(f"Release ({call.name}): {error}") from None

    def _definitions(self, chart: Chart) -> list[dict[str, Any]]:
        assert self._cluster is not None
        assert chart.operator is not None
        return self._cluster.programs.definitions(chart.operator)

    def _install(self, call: Call, inputs: Values) -> None:
        """What a release needs of the cluster and brings to it. Raises Refused."""
        space = str(inputs["namespace"])
        makes_space = revealed(inputs.get("createNamespace")) is True
        if self._cluster is None:
            known = {r.id for r in self._account.all(NAMESPACE)} | _BORN
            if space not in known and not makes_space:
                raise Refused(f"Release ({call.name}): {_no_namespace(space)}")
            return
        api = self._api(call)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}
        try:
            if api.get(namespace) is None:
                if not makes_space:
                    raise Refused(f"Release ({call.name}): {_no_namespace(space)}")
                api.apply(namespace)
            chart = _chart(inputs)
            if chart is not None and brings_definitions(chart, inputs):
                definitions = self._definitions(chart)
                if not chart.kept:
                    definitions = [_owned(each, inputs) for each in definitions]
                    for each in definitions:
                        _look_at_owner(call, api.get(each), each)
                api.define(definitions)
        except Rejected as rejected:
            raise Refused(f"Release ({call.name}): {rejected}") from None


def _no_namespace(space: str) -> str:
    return (
        f'create: failed to create: namespaces "{space}" not found; make the namespace first, and '
        "let the release depend on it"
    )


def _owned(definition: Mapping[str, Any], inputs: Values) -> dict[str, Any]:
    """An object with the marks by which Helm knows it again."""
    meta = definition["metadata"]
    marks = {
        "meta.helm.sh/release-name": inputs["name"],
        "meta.helm.sh/release-namespace": inputs["namespace"],
    }
    annotations = {**(meta.get("annotations") or {}), **marks}
    return {**definition, "metadata": {**meta, "annotations": annotations}}


def _look_at_owner(call: Call, live: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> None:
    """Raises Refused where the object is another release's, or nobody's that Helm knows."""
    marks = ("meta.helm.sh/release-name", "meta.helm.sh/release-namespace")
    mine = wanted["metadata"]["annotations"]
    there = ((live or wanted)["metadata"].get("annotations")) or {}
    if any(there.get(mark) != mine[mark] for mark in marks):
        raise Refused(
            f"Release ({call.name}): Unable to continue with install: CustomResourceDefinition "
            f'"{wanted["metadata"]["name"]}" in namespace "" exists and cannot be imported into '
            "the current release: invalid ownership metadata; leave the definitions out of this "
            "release"
        )


def _status(inputs: Values, revision: int, status: str) -> dict[str, Any]:
    chart = _chart(inputs)
    version = str(inputs.get("version", ""))
    return {
        "appVersion": chart.versions.get(version, "") if chart else "",
        "chart": chart.name if chart else "",
        "name": inputs["name"],
        "namespace": inputs["namespace"],
        "revision": revision,
        "status": status,
        "version": version,
    }


def _chart(inputs: Values) -> Chart | None:
    return charts().get(str(inputs.get("chart", "")).rstrip("/").rpartition("/")[2])


def brings_definitions(chart: Chart, inputs: Values) -> bool:
    """Whether the release makes its chart's definitions with these inputs."""
    values = revealed(inputs.get("values") or {})
    if chart.operator is None or (chart.switch and not _switched(values, chart.switch)):
        return False
    if chart.kept and revealed(inputs.get("skipCrds")) is True:
        return chart.hook is not None and _switched(values, chart.hook)
    return True


def _switched(values: Any, path: str) -> bool:
    """A switch of a chart; each of them is on by default."""
    here = values
    for part in path.split("."):
        here = here.get(part, True) if isinstance(here, Mapping) else True
    return here is not False


def takes_definitions(chart: Chart, inputs: Values) -> bool:
    """Whether the release takes them along when it goes: Helm's annotation leaves them behind."""
    values = revealed(inputs.get("values") or {})
    notes = (values.get("crds") or {}).get("annotations") or {}
    kept = chart.kept or notes.get("helm.sh/resource-policy") == "keep"
    return brings_definitions(chart, inputs) and not kept


# -- what is refused before anything is made ----------------------------------------------------
def refusals(inputs: Values) -> Iterator[Failure]:
    """What is wrong with a release's chart, repository, version and values."""
    name = inputs.get("chart")
    if has_unknown(name):
        return
    chart = _chart(inputs)
    if chart is None:
        yield Failure(
            path="chart",
            reason=f'"{name}" is no known chart{_nearest(str(name), charts())}; known are '
            f"{', '.join(sorted(charts()))}; a new one is declared in rehearsal/charts.yaml",
        )
        return
    repository = (inputs.get("repositoryOpts") or {}).get("repo")
    if repository is not UNKNOWN and str(repository).rstrip("/") != chart.repository:
        yield Failure(
            path="repositoryOpts.repo",
            reason=f"{repository} has no chart {chart.name}; it is at {chart.repository}",
        )
    version = inputs.get("version")
    if version is not UNKNOWN and str(version) not in chart.versions:
        yield Failure(
            path="version",
            reason=f"{version} is no known version of chart {chart.name}; allowed: "
            f"{', '.join(chart.versions)}; another one is declared in rehearsal/charts.yaml after "
            "its values have been read",
        )
    for path, known in _unknown_keys(inputs.get("values") or {}, chart.keys):
        yield Failure(
            path=f"values.{path}",
            reason=f"chart {chart.name} {version} reads no such value{_nearest(path, known)}; Helm "
            "would ignore it without a word",
        )


def _nearest(wrong: str, known: Any) -> str:
    head, dot, last = wrong.rpartition(".")
    near = difflib.get_close_matches(last, [str(each) for each in known], n=1, cutoff=0.6)
    return f' (did you mean "{head}{dot}{near[0]}"?)' if near else ""


def _unknown_keys(
    values: Any, known: Any, path: str = ""
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(path, what is known beside it) of each key that no branch of the tree has."""
    values = revealed(values)
    if not isinstance(values, Mapping) or not known:
        return
    for key, inner in values.items():
        at = f"{path}.{key}" if path else str(key)
        if key in known:
            yield from _unknown_keys(inner, known[key], at)
        elif key not in _ANYWHERE:
            yield at, known
