"""Releases of whatever chart from wherever, and ones that stay half installed."""

from __future__ import annotations

from typing import Any

from tests.policies.mutation import Mutant, add, drop, edit, put, several, unprotect

_RELEASE = "kubernetes:helm.sh/v3:Release"
_LOKI = "*-loki"


def _one(rule: str, title: str, path: str, value: Any, says: str) -> Mutant:
    return Mutant(rule=rule, title=title, change=put(_RELEASE, path, value, _LOKI), says=(says,))


MUTANTS: tuple[Mutant, ...] = (
    _one(
        "release-version-pinned", "any of a major", "version", "^18.0.0", "its version is ^18.0.0"
    ),
    _one("release-version-pinned", "any patch", "version", "18.11", "its version is 18.11"),
    Mutant(
        rule="release-version-pinned",
        title="the newest",
        change=drop(_RELEASE, "version", _LOKI),
        says=("its version is the newest",),
    ),
    _one(
        "release-version-pinned",
        "what is not released",
        "devel",
        True,
        "it may be a version that is not released",
    ),
    _one(
        "release-chart-reviewed",
        "a chart of the same name from elsewhere",
        "repositoryOpts.repo",
        "https://charts.example.com",
        "loki comes from https://charts.example.com",
    ),
    _one(
        "release-chart-reviewed",
        "without TLS",
        "repositoryOpts.repo",
        "http://grafana-community.github.io/helm-charts",
        "loki comes from http://grafana-community.github.io/helm-charts",
    ),
    _one(
        "release-chart-reviewed",
        "a folder",
        "chart",
        "./charts/loki",
        "nobody looked at the chart ./charts/loki",
    ),
    _one(
        "release-chart-reviewed",
        "a registry",
        "chart",
        "oci://example.com/loki",
        "nobody looked at the chart oci://example.com/loki",
    ),
    Mutant(
        rule="release-chart-reviewed",
        title="no repository",
        change=drop(_RELEASE, "repositoryOpts", _LOKI),
        says=("loki comes from a folder",),
    ),
    _one(
        "release-taken-back", "not atomic", "atomic", False, "one that fails stays half installed"
    ),
    Mutant(
        rule="release-taken-back",
        title="nothing said",
        change=several(drop(_RELEASE, "atomic", _LOKI), drop(_RELEASE, "cleanupOnFail", _LOKI)),
        says=(
            "one that fails stays half installed",
            "an upgrade that fails leaves its new objects behind",
        ),
    ),
    _one(
        "release-awaited",
        "not waited for",
        "skipAwait",
        True,
        "it succeeds before anything of it runs",
    ),
    _one(
        "release-awaited",
        "jobs not waited for",
        "waitForJobs",
        False,
        "it succeeds before its jobs have ended",
    ),
    _one("release-awaited", "two hours", "timeout", 7200, "it is waited for without an end"),
    _one(
        "release-values-whole",
        "values of yesterday",
        "reuseValues",
        True,
        "values of an earlier revision stay in force",
    ),
    _one(
        "release-values-whole",
        "values not reset",
        "resetValues",
        False,
        "values of an earlier revision stay in force",
    ),
    _one(
        "release-values-whole",
        "a file of values",
        "valueYamlFiles",
        ["values.yaml"],
        "it takes values from files that no rule reads",
    ),
    _one(
        "release-checked",
        "a program in between",
        "postrender",
        "./patch.sh",
        "a program changes its objects on the way",
    ),
    _one("release-checked", "no hooks", "disableWebhooks", True, "its hooks do not run"),
    _one(
        "release-checked",
        "not checked",
        "disableOpenapiValidation",
        True,
        "its objects are not checked",
    ),
    _one(
        "release-history-kept",
        "one revision",
        "maxHistory",
        1,
        "no revision is kept to go back to",
    ),
    Mutant(
        rule="release-history-kept",
        title="all of them",
        change=drop(_RELEASE, "maxHistory", _LOKI),
        says=("every revision is kept for ever",),
    ),
    _one(
        "release-in-declared-namespace",
        "a namespace that nobody declares",
        "namespace",
        "loki",
        "the namespace loki is not declared",
    ),
    Mutant(
        rule="release-in-declared-namespace",
        title="a namespace that Helm makes",
        change=several(
            put(_RELEASE, "createNamespace", True, _LOKI), put(_RELEASE, "namespace", "x", _LOKI)
        ),
        says=(
            "Helm makes its namespace, without labels, policies or quota",
            "the namespace x is not declared",
        ),
        at="platform-operators-logs-loki",
    ),
    Mutant(
        rule="release-in-declared-namespace",
        title="the default namespace",
        change=add(_RELEASE, "more", {"chart": "loki"}),
        says=("the namespace default is not declared",),
        at="more",
    ),
    Mutant(
        rule="release-kinds-kept",
        title="the kinds of secrets go with their release",
        change=drop(_RELEASE, "values.crds.annotations", "*external-secrets-crds"),
        says=("its kinds go with it, and every object of those kinds",),
        at="platform-operators-kinds-external-secrets-crds",
    ),
    Mutant(
        rule="release-kinds-kept",
        title="the kinds of alerts unprotected",
        change=unprotect(_RELEASE, "*prometheus-operator-crds"),
        says=("`pulumi destroy` may take it away",),
        at="platform-operators-kinds-prometheus-operator-crds",
    ),
    Mutant(
        rule="release-kinds-kept",
        title="kinds brought by the operator itself",
        change=edit(
            _RELEASE,
            lambda values: values["values"].update(installCRDs=True),
            "*-secrets-external-secrets",
        ),
        says=(
            "its kinds go with it, and every object of those kinds",
            "`pulumi destroy` may take it away",
        ),
        at="platform-operators-secrets-external-secrets",
    ),
)
