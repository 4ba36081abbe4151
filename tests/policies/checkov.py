"""checkov beside our rules: installed by hash into a folder of the cache, run without a network.

Its pins conflict with the project's, so it never enters the project's own environment. What it is
given is what `terraform show -json` and `kubectl apply` would know of the recorded environment.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rehearsal import locks, paths
from tests.policies import terraform
from tests.recorder import Registration

LOCK = Path(__file__).with_name("checkov.txt")


class CheckovError(Exception):
    """checkov cannot be had or does not answer; the message is one line with the remedy."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one check says of one resource; urn is "" for what is none of ours."""

    check: str
    urn: str
    passed: bool


@dataclass(frozen=True, kw_only=True)
class Scan:
    """One run: verdicts, resources read, seconds of CPU of all its processes."""

    verdicts: tuple[Verdict, ...]
    resources: int
    seconds: float


def installed() -> Path:
    """The program, installed at the first call. Raises CheckovError."""
    recipe = LOCK.read_bytes() + sys.version.encode()
    home = paths.cache() / "checkov"
    tree = home / hashlib.sha256(recipe).hexdigest()[:12]
    if not tree.exists():
        with locks.awaited(home / "checkov.lock"):
            if not tree.exists():
                _install(tree)
    return tree / "bin" / "checkov"


def _install(tree: Path) -> None:
    print("installing checkov (once)", file=sys.stderr)
    # Made where it will stay: the scripts of an environment name its folder.
    pip = [str(tree / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    lock = ["--disable-pip-version-check", "--require-hashes", "-r", str(LOCK)]
    for argv in ([sys.executable, "-m", "venv", str(tree)], [*pip, *lock]):
        done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode != 0:
            shutil.rmtree(tree, ignore_errors=True)
            said = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise CheckovError(
                f"checkov cannot be installed: {said}; a package index with the packages of "
                f"{LOCK.name} is needed"
            )


def scan(resources: Iterable[Registration], folder: Path) -> Scan:
    """One run over these resources; the files are written to `folder`. Raises CheckovError."""
    registered = list(resources)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    plan, manifests = terraform.plan(registered), terraform.manifests(registered)
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    (folder / "manifests.yaml").write_text(yaml.safe_dump_all(manifests), encoding="utf-8")
    program = installed()
    before = _spent()
    done = subprocess.run(
        [
            str(program),
            *("--directory", str(folder)),
            *("--framework", "terraform_plan", "kubernetes"),
            *("--compact", "--output", "json", "--skip-download"),
        ],
        capture_output=True,
        text=True,
        env={key: each for key, each in os.environ.items() if not key.startswith(("BC_", "CKV_"))},
    )
    seconds = _spent() - before
    try:
        reports = json.loads(done.stdout)
    except json.JSONDecodeError:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise CheckovError(f"checkov gave no report: {said}") from None
    _whole(reports, len(plan["resource_changes"]), len(manifests))
    urns = {**_addresses(registered), **_objects(registered)}
    return Scan(
        verdicts=tuple(
            Verdict(check=row["check_id"], urn=_urn(row["resource"], urns), passed=passed)
            for report in reports
            for kind, passed in (("passed_checks", True), ("failed_checks", False))
            for row in report["results"][kind]
        ),
        resources=len(plan["resource_changes"]) + len(manifests),
        seconds=seconds,
    )


def _whole(reports: list[Any], planned: int, objects: int) -> None:
    """Raises CheckovError where it did not read everything: what is unread is never refused."""
    read = {report["check_type"]: report["summary"] for report in reports}
    plan, manifests = read["terraform_plan"], read["kubernetes"]
    unread = plan["parsing_errors"] or manifests["parsing_errors"]
    # Beside the objects it counts the pods that it makes of Deployments for its graph.
    if unread or plan["resource_count"] != planned or manifests["resource_count"] < objects:
        raise CheckovError(
            f"checkov read {plan['resource_count']} of {planned} resources and "
            f"{manifests['resource_count']} of {objects} objects"
        )


def _urn(named: str, urns: Mapping[str, str]) -> str:
    """The URN of what checkov names; a pod of its graph is the Deployment that it is made of."""
    kind, _, rest = named.partition(".")
    if kind == "Pod" and named not in urns:
        owners = (f"{owner}.{rest}" for owner in ("Deployment", "Job", "StatefulSet", "DaemonSet"))
        return next(
            (urns[known] for name in owners for known in urns if name.startswith(f"{known}.")), ""
        )
    return urns.get(named, "")


def _spent() -> float:
    """Seconds of CPU of all child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _addresses(resources: Iterable[Registration]) -> dict[str, str]:
    return {terraform.address_of(e): e.urn for e in resources if e.type.startswith("aws:")}


def _objects(resources: Iterable[Registration]) -> dict[str, str]:
    """checkov's names of objects, <kind>.<namespace>.<name>, to their URNs."""
    found: dict[str, str] = {}
    for each in resources:
        if each.type.startswith("kubernetes:") and "metadata" in each.clear:
            metadata = each.clear["metadata"]
            namespace = metadata.get("namespace", "default")
            found[f"{each.clear['kind']}.{namespace}.{metadata.get('name')}"] = each.urn
    return found
