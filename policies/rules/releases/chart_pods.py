"""Pods of releases, as far as values say them: images, contexts, sizes, numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rules.model import Item, NotApplicable, Props, Rule, Stack, StackRule
from rules.releases.charts import RELEASE, chart_of, idle, last, mappings, running

# Where images that values name may come from; what a chart names itself is its publisher's.
IMAGES = ("docker.io/velero/", "ghcr.io/open-telemetry/")
_MOVES = re.compile(r"(latest|main|master|edge|nightly|dev|stable)?$", re.IGNORECASE)

# hostPort, hostPorts by name (sealed-secrets), enableHostPort (node-exporter's proxy).
_OF_THE_NODE = re.compile(r"hostNetwork|hostPID|hostIPC|(hostP|enable\w*HostP)orts?")


def _named(release: Props) -> Iterator[tuple[str, str, str]]:
    """(path, image with its registry but without a tag, tag) of every image that values name."""
    for path, each in mappings(release):
        whole = each.get("image")
        if isinstance(whole, str):
            name, _, digest = whole.partition("@")
            host, _, rest = name.rpartition("/")
            rest, _, tag = rest.partition(":")
            yield f"{path}.image", _full(f"{host}/{rest}" if host else rest), digest or tag
        if last(path).lower().endswith("image") and (
            each.get("repository") or each.get("registry")
        ):
            parts = (each.get("registry"), each.get("repository"))
            name = "/".join(str(part) for part in parts if part)
            yield path, _full(name), str(each.get("digest") or each.get("tag") or "")


def _full(image: str) -> str:
    host = image.partition("/")[0]
    return image if "." in host or ":" in host else f"docker.io/{image}"


def _from_allowed(release: Props) -> Iterator[str]:
    for path, image, _ in _named(release):
        if not image.startswith(IMAGES):
            yield f"{path} comes from {image}"


def _fixed(release: Props) -> Iterator[str]:
    for path, image, tag in _named(release):
        # Without a tag it is the chart's own, which its version fixes, unless it is a whole name.
        if (tag or path.endswith(".image")) and _MOVES.fullmatch(tag):
            yield f"{path} is {image} of whatever day"
    for path, each in mappings(release):
        if last(path).lower().endswith("image") and _MOVES.fullmatch(str(each.get("tag") or "v1")):
            yield f"{path}.tag moves"


def _loosened(release: Props) -> Iterator[str]:
    for path, each in mappings(release):
        if last(path).lower().endswith("securitycontext"):
            yield from (f"{path} {wrong}" for wrong in _loose(each))
        for key in each:
            if _OF_THE_NODE.fullmatch(key) and _given(each[key]):
                yield f"{path or 'the chart'} sets {key}"
        if each.get("hostPath"):
            yield f"{path} mounts a directory of the node"


def _given(value: Any) -> bool:
    """Whether a value says something; false, an empty text and a mapping of such say nothing."""
    return any(value.values()) if isinstance(value, Props) else bool(value)


def _loose(context: Props) -> Iterator[str]:
    if context.get("privileged"):
        yield "is privileged"
    if context.get("allowPrivilegeEscalation"):
        yield "allows privileges to grow"
    if context.get("runAsNonRoot") is False or context.get("runAsUser") == 0:
        yield "runs as root"
    if set(context.at("capabilities.add") or ()) - {"NET_BIND_SERVICE"}:
        yield "adds capabilities"
    if context.at("seccompProfile.type") == "Unconfined":
        yield "allows every system call"


def _confined(release: Props) -> Iterator[str]:
    chart = running(release)
    if not chart.pods and not chart.containers:
        raise NotApplicable("its defaults are restricted")
    for path in chart.containers:
        context = release.at(f"values.{path}") or Props({})
        if context.get("allowPrivilegeEscalation") is not False or "ALL" not in (
            context.at("capabilities.drop") or ()
        ):
            yield f"{path} keeps capabilities and privileges"
        if context.get("readOnlyRootFilesystem") is not True:
            yield f"{path} may write into its image"
    for path in chart.pods or chart.containers:
        context = release.at(f"values.{path}") or Props({})
        if context.get("runAsNonRoot") is not True:
            yield f"{path} may run as root"
        if context.at("seccompProfile.type") not in ("RuntimeDefault", "Localhost"):
            yield f"{path} has no seccomp profile"


def _sized(release: Props) -> Iterator[str]:
    for path in running(release).sizes:
        size = release.at(f"values.{path}") or Props({})
        missing = [
            f"{part}.{name}"
            for part, name in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))
            if not size.at(f"{part}.{name}")
        ]
        if missing:
            yield f"{path} lacks {', '.join(missing)}"


def _replicated(subject: Item, stack: Stack) -> Iterator[str]:
    if not stack.serves_customers or idle(subject.props):
        return
    for path, fewest in (chart_of(subject.props).replicas or {}).items():
        said = int(subject.props.at(f"values.{path}", 1))
        if said < fewest:
            yield f"{path} is {said}, and {fewest} are needed"


_HARDENED = ("PSS restricted", "SOC2 CC6.8", "ISO27001 A.8.9")
_STANDARDS = "https://kubernetes.io/docs/concepts/security/pod-security-standards"
_PODS_OF = "https://helm.sh/docs/chart_best_practices/pods/"

RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="chart-image-allowed-registry",
        sentence="Images that a release names come from where we looked.",
        types=RELEASE,
        severity="high",
        requirements=("CICD-07",),
        controls=("CIS-K8S 5.5.1", "CIS-EKS 5.1.4", "SOC2 CC6.8", "ISO27001 A.8.19"),
        why="One line of values replaces an operator, and all its rights, with a stranger's.",
        fix=f"use the chart's own image, or one of {', '.join(IMAGES)}",
        url=_PODS_OF,
        evidence=("chart", "version", "values.image.repository"),
        judge=_from_allowed,
    ),
    Rule(
        name="chart-image-fixed",
        sentence="Images that a release names have a tag that stays.",
        types=RELEASE,
        severity="medium",
        requirements=("CICD-07",),
        controls=("SOC2 CC8.1", "ISO27001 A.8.32"),
        why="A pod that is moved to another node comes back as another version.",
        fix="name a version or a digest",
        url=_PODS_OF,
        evidence=("chart", "version", "values.image.tag"),
        judge=_fixed,
    ),
    Rule(
        name="chart-not-loosened",
        sentence="No value of a release loosens what its pods may do.",
        types=RELEASE,
        severity="critical",
        requirements=("K8S-11",),
        controls=("PSS baseline", *_HARDENED),
        why="Operators hold more rights than the application; as root they hold the nodes too.",
        fix="remove it",
        url=_STANDARDS,
        evidence=("chart", "version", "namespace"),
        judge=_loosened,
    ),
    Rule(
        name="chart-restricted",
        sentence="Where a chart's defaults are not `restricted`, its values are.",
        types=RELEASE,
        severity="high",
        requirements=("K8S-11",),
        controls=_HARDENED,
        why="The namespace refuses such pods, so that the operator is missing on the next start.",
        fix="give the security contexts of rules/releases/charts.py in full",
        url=_STANDARDS,
        evidence=("chart", "version", "namespace"),
        judge=_confined,
    ),
    Rule(
        name="chart-sized",
        sentence="Every container of a release has requests and a limit of memory.",
        types=RELEASE,
        severity="medium",
        requirements=("K8S-11", "CHK-INFRA-01"),
        controls=("SOC2 A1.1", "ISO27001 A.8.6"),
        why="An operator that leaks takes its node's memory, and the application's pods with it.",
        fix="set requests.cpu, requests.memory and limits.memory there",
        url="https://kubernetes.io/docs/concepts/configuration/manage-resources-containers",
        evidence=("chart", "version"),
        judge=_sized,
    ),
    StackRule(
        name="chart-replicated",
        sentence="Where customers are served, no operator stops with one pod.",
        types=RELEASE,
        severity="medium",
        requirements=("CHK-INFRA-06", "MON-01", "CHK-DR-01"),
        controls=("SOC2 A1.2", "ISO27001 A.8.14"),
        why="With the one pod that moves, targets, secrets, metrics or alerts stand still.",
        fix="raise it",
        url="https://helm.sh/docs/chart_best_practices/values/",
        evidence=("chart", "version"),
        judge=_replicated,
    ),
)
