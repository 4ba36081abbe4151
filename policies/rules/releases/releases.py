"""Releases: which charts are installed, from where, and that one that fails leaves nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.declared import cluster
from rules.model import Item, Props, Rule, Stack, StackRule, Undecided
from rules.releases.charts import CHARTS, RELEASE, brings_kinds

_EXACT = re.compile(r"^v?\d+\.\d+\.\d+$")
# Helm waits that long for pods before it takes the release back (settings/operators.py).
LONGEST_SECONDS = 3600
KEEP = "helm.sh/resource-policy"


def _pinned(release: Props) -> Iterator[str]:
    version = str(release.at("version", ""))
    if not _EXACT.match(version):
        yield f"its version is {version or 'the newest'}"
    if release.at("devel"):
        yield "it may be a version that is not released"


def _reviewed(release: Props) -> Iterator[str]:
    chart, repository = str(release.at("chart", "")), str(release.at("repositoryOpts.repo") or "")
    if chart not in CHARTS:
        yield f"nobody looked at the chart {chart}"
    elif repository != CHARTS[chart].repository:
        yield f"{chart} comes from {repository or 'a folder'}"


def _taken_back(release: Props) -> Iterator[str]:
    if not release.at("atomic"):
        yield "one that fails stays half installed"
    if not release.at("cleanupOnFail"):
        yield "an upgrade that fails leaves its new objects behind"


def _awaited(release: Props) -> Iterator[str]:
    if release.at("skipAwait"):
        yield "it succeeds before anything of it runs"
    if not release.at("waitForJobs"):
        yield "it succeeds before its jobs have ended"
    if not 0 < int(release.at("timeout", 0)) <= LONGEST_SECONDS:
        yield "it is waited for without an end"


def _whole(release: Props) -> Iterator[str]:
    if release.at("reuseValues") or not release.at("resetValues"):
        yield "values of an earlier revision stay in force"
    if release.at("valueYamlFiles"):
        yield "it takes values from files that no rule reads"


def _checked(release: Props) -> Iterator[str]:
    for key, wrong in (
        ("postrender", "a program changes its objects on the way"),
        ("disableWebhooks", "its hooks do not run"),
        ("disableOpenapiValidation", "its objects are not checked"),
        ("forceUpdate", "an upgrade may delete and make objects again"),
        ("takeOwnership", "it takes objects of others"),
    ):
        if release.at(key):
            yield wrong


def _placed(subject: Item, stack: Stack) -> Iterator[str]:
    declared = {name for _, name in cluster(stack).named("Namespace")}
    if subject.props.at("createNamespace"):
        yield "Helm makes its namespace, without labels, policies or quota"
    try:
        place = subject.props.at("namespace", "default")
    except Undecided:
        return  # it comes from a resource
    if place not in declared:
        yield f"the namespace {place} is not declared"


def _kept(subject: Item, stack: Stack) -> Iterator[str]:
    if not brings_kinds(subject.props):
        return
    annotations = subject.props.at("values.crds.annotations") or {}
    if annotations.get(KEEP) != "keep":
        yield "its kinds go with it, and every object of those kinds"
    if stack.serves_customers and not subject.protect:
        yield "`pulumi destroy` may take it away"


def _history(release: Props) -> Iterator[str]:
    kept = int(release.at("maxHistory", 0))
    if kept < 2:
        yield "no revision is kept to go back to" if kept else "every revision is kept for ever"


_CHANGED = ("SOC2 CC8.1", "ISO27001 A.8.32")
_ARGUMENTS = "https://www.pulumi.com/registry/packages/kubernetes/api-docs/helm/v3/release/"
_FLAGS = "https://helm.sh/docs/helm/helm_upgrade/"

RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="release-version-pinned",
        sentence="Every release names the exact version of its chart.",
        types=RELEASE,
        severity="high",
        requirements=("CICD-08", "CICD-09"),
        controls=(*_CHANGED, "ISO27001 A.8.19"),
        why="Two deployments of the same commit would install different operators.",
        fix="name one version, as 1.2.3",
        url=_ARGUMENTS,
        evidence=("chart", "version"),
        judge=_pinned,
    ),
    Rule(
        name="release-chart-reviewed",
        sentence="Only charts that were looked at are installed, from their publisher over https.",
        types=RELEASE,
        severity="high",
        requirements=("CICD-08",),
        controls=("SOC2 CC6.8", "ISO27001 A.8.19"),
        why="A chart runs with the rights of whoever deploys, in a cluster with customers' data.",
        fix="look at its templates and add it to rules/releases/charts.py",
        url="https://helm.sh/docs/topics/provenance/",
        evidence=("chart", "version", "repositoryOpts.repo"),
        judge=_reviewed,
    ),
    Rule(
        name="release-taken-back",
        sentence="A release that fails is taken back.",
        types=RELEASE,
        severity="medium",
        requirements=("CICD-10",),
        controls=(*_CHANGED, "SOC2 A1.2"),
        why="A half installed operator answers nobody, and the next run finds it in the way.",
        fix="set atomic and cleanup_on_fail",
        url=_FLAGS,
        evidence=("atomic", "cleanupOnFail"),
        remedy={"atomic": True, "cleanupOnFail": True},
        judge=_taken_back,
    ),
    Rule(
        name="release-awaited",
        sentence="A release has succeeded when its pods run and its jobs have ended.",
        types=RELEASE,
        severity="medium",
        requirements=("CICD-10",),
        controls=_CHANGED,
        why="What needs the operator is deployed before it is there, and fails somewhere else.",
        fix=f"set wait_for_jobs and a timeout up to {LONGEST_SECONDS} s, and no skip_await",
        url=_FLAGS,
        evidence=("skipAwait", "waitForJobs", "timeout"),
        judge=_awaited,
    ),
    Rule(
        name="release-values-whole",
        sentence="The values of a release are this program's, and all of them.",
        types=RELEASE,
        severity="medium",
        requirements=("CICD-08", "CICD-09"),
        controls=(*_CHANGED, "ISO27001 A.8.9"),
        why="A value that somebody once set by hand stays in force, and no review shows it.",
        fix="set reset_values, and give values in the program",
        url=_FLAGS,
        evidence=("resetValues", "reuseValues"),
        remedy={"resetValues": True, "reuseValues": False},
        judge=_whole,
    ),
    Rule(
        name="release-checked",
        sentence="A release is what its chart renders, and is checked by the API server.",
        types=RELEASE,
        severity="medium",
        requirements=("CICD-08",),
        controls=_CHANGED,
        why="What a reviewer reads is then not what is installed.",
        fix="remove the argument",
        url=_ARGUMENTS,
        evidence=("forceUpdate", "disableWebhooks", "disableOpenapiValidation"),
        judge=_checked,
    ),
    Rule(
        name="release-history-kept",
        sentence="Some revisions of a release are kept, and not all.",
        types=RELEASE,
        severity="low",
        requirements=("CICD-10",),
        controls=("SOC2 A1.2", "ISO27001 A.8.32"),
        why="Without one there is no way back; each is a Secret, and many fill the store.",
        fix="set max_history to 10",
        url=_FLAGS,
        evidence=("maxHistory",),
        judge=_history,
    ),
    StackRule(
        name="release-in-declared-namespace",
        sentence="A release is installed where this stack has made a namespace for it.",
        types=RELEASE,
        severity="high",
        requirements=("K8S-01", "K8S-11"),
        controls=("CIS-K8S 5.2.1", "CIS-K8S 5.6.1", "CIS-EKS 4.5.1", "ISO27001 A.8.22"),
        why="In any other one no policy, no quota and no Pod Security holds for its pods.",
        fix="declare the namespace among the operators', and no create_namespace",
        url=_ARGUMENTS,
        evidence=("namespace", "createNamespace"),
        judge=_placed,
    ),
    StackRule(
        name="release-kinds-kept",
        sentence="Kinds that a release brings outlive it.",
        types=RELEASE,
        severity="critical",
        requirements=("DR-01", "CHK-DR-01"),
        controls=("SOC2 A1.2", "ISO27001 A.8.13"),
        why="With a kind go all its objects: every synchronised secret, every alert.",
        fix=f"annotate its CRDs with {KEEP}: keep, and protect it",
        url="https://helm.sh/docs/chart_best_practices/custom_resource_definitions/",
        evidence=("chart", "version", "name"),
        judge=_kept,
    ),
)
