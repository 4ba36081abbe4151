"""How a chart is installed: the same way for all, so that one that fails leaves nothing behind.

Each is a `helm.v3.Release`: real Helm, with hooks and `lookup` (ADR 9). A release that does not
become ready in time is taken back, an upgrade rolled back; one whose run was killed stays
"pending" and needs one command (docs/runbooks/helm-release-interrupted.md). The name is fixed:
labels, network policies and that command know it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components.kubernetes.operators.releases import Chart, Values
from settings.operators import OperatorsSettings

# Each revision is a Secret of up to 1 MiB in the cluster's store; ten are enough to go back to.
REVISIONS = 10


@dataclass(frozen=True, kw_only=True)
class Installed:
    """One release. name: the chart's, unless a chart is installed twice. crds: of its `crds/`."""

    chart: Chart
    namespace: pulumi.Input[str]
    values: Values
    name: str = ""
    crds: bool = False
    after: Sequence[pulumi.Resource] = ()


def install(
    name: str, settings: OperatorsSettings, what: Installed, opts: pulumi.ResourceOptions
) -> kubernetes.helm.v3.Release:
    """name: the component's own; the release's follows it."""
    chart = what.chart
    release = what.name or chart.name
    return kubernetes.helm.v3.Release(
        f"{name}-{release}",
        name=release,
        chart=chart.name,
        version=settings.chart_version(chart.name),
        namespace=what.namespace,
        repository_opts={"repo": chart.repository},
        values=what.values,
        atomic=True,
        cleanup_on_fail=True,
        wait_for_jobs=True,
        timeout=settings.release_timeout_seconds,
        max_history=REVISIONS,
        skip_crds=not what.crds,
        create_namespace=False,
        # Values are the program's whole word: nothing of an earlier revision is kept.
        reset_values=True,
        opts=pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(depends_on=list(what.after))
        ),
    )
