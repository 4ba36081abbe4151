"""What `make export` writes: the deployment as files for people and other tools.

`stack.json` is `pulumi stack export` after a rehearsed `up` with every secret scrubbed;
`manifests/` holds each Kubernetes object, `helm/` each release, `config/` each rendered document.
Names do not depend on the order in which a run made things, so two exports can be compared. A
Secret has "[secret]" in the place of its data: no API server takes it, so nobody overwrites one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from rehearsal.wire import SIGNATURE

if TYPE_CHECKING:
    from rehearsal.session import Session

SCRUBBED = "[secret]"
# Inputs that are whole documents.
_DOCUMENTS = ("policy", "policyDocument", "assumeRolePolicy", "configurationValues", "eventPattern")


def write(session: Session, folder: Path) -> list[Path]:
    """Write the export of a session's stack afresh; the files in order."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    state = scrubbed(session.state())
    return list(_files(state, folder))


def _files(state: Mapping[str, Any], folder: Path) -> Iterator[Path]:
    yield _write(folder / "stack.json", json.dumps(state, indent=2, sort_keys=True) + "\n")
    taken: set[Path] = set()
    for resource in sorted(state["deployment"].get("resources", []), key=lambda each: each["urn"]):
        name = resource["urn"].split("::", 3)[3]
        kind = resource["type"].rsplit(":", 1)[-1]
        inputs = resource.get("inputs") or {}
        if resource["type"] == "kubernetes:helm.sh/v3:Release":
            release = {
                "chart": inputs.get("chart"),
                "repository": (inputs.get("repositoryOpts") or {}).get("repo"),
                "version": inputs.get("version"),
                "values": inputs.get("values"),
            }
            path = _own(folder / "helm", name, ".json", taken)
            yield _write(path, json.dumps(release, indent=2) + "\n")
        elif resource["type"].startswith("kubernetes:"):
            path = _own(folder / "manifests", f"{name}.{kind}", ".yaml", taken)
            yield _write(path, yaml.safe_dump(inputs, sort_keys=True))
            for label, text in _documents(kind, inputs):
                yield _write(_own(folder / "config", f"{name}.{label}", "", taken), text)
        elif resource["type"] == "aws:cloudfront/function:Function":
            yield _write(_own(folder / "config", name, ".js", taken), inputs["code"])
        for key, value in inputs.items():
            if key in _DOCUMENTS and isinstance(value, str) and value.startswith("{"):
                document = json.dumps(json.loads(value), indent=2, sort_keys=True) + "\n"
                path = _own(folder / "config", f"{name}.{kind}", f".{key}.json", taken)
                yield _write(path, document)


def _documents(kind: str, manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a daemon reads of an object: a ConfigMap's files, a PrometheusRule's groups."""
    if kind == "ConfigMap":
        for name, text in sorted((manifest.get("data") or {}).items()):
            yield name, str(text)
    if kind == "PrometheusRule":
        spec = manifest.get("spec") or {}
        yield "rules.yaml", yaml.safe_dump(spec, sort_keys=False)


def _own(folder: Path, name: str, ending: str, taken: set[Path]) -> Path:
    """A path that no other resource has: components may share the names of their children."""
    names = chain([name], (f"{name}.{number}" for number in count(2)))
    path = next(path for each in names if (path := folder / f"{each}{ending}") not in taken)
    taken.add(path)
    return path


def scrubbed(value: Any) -> Any:
    """`value` with every encrypted secret, and what decrypts it, replaced by "[secret]"."""
    if isinstance(value, Mapping):
        if SIGNATURE in value:
            return SCRUBBED
        return {
            k: ({} if k == "state" and "salt" in str(v) else scrubbed(v)) for k, v in value.items()
        }
    if isinstance(value, list):
        return [scrubbed(v) for v in value]
    return value


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
