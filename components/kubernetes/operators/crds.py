"""The kinds that operators bring along, as a step of their own before all that uses them (ADR 9).

- Prometheus operator: a chart of CRDs alone.
- External Secrets: the controllers' chart once more, with everything off but its CRDs.

Both hold them as templates, so an upgrade upgrades them, and `keep` leaves them where a release is
deleted: with a kind go all its objects. The others bring theirs in a `crds/` folder, which Helm
installs once and never touches again: Velero's chart upgrades its own in a hook; for the load
balancer controller and Sealed Secrets a person does (docs/runbooks/helm-release-interrupted.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.context import Context
from components.kubernetes.operators.helm import Installed, install
from components.kubernetes.operators.releases import external_secrets, prometheus_crds
from components.kubernetes.operators.system_pods import MONITORING, OPERATORS
from settings.operators import OperatorsSettings


@dataclass(frozen=True, kw_only=True)
class CrdsArgs:
    """after: namespaces, and the access to the API."""

    context: Context
    settings: OperatorsSettings
    after: list[pulumi.Resource]


class Crds(pulumi.ComponentResource):
    """`ready` is for `depends_on` only."""

    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: CrdsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Crds", name, None, opts)
        here = pulumi.ResourceOptions(parent=self, protect=args.context.protect)
        rows = (
            Installed(
                chart=prometheus_crds.CHART,
                namespace=MONITORING,
                values=prometheus_crds.values(),
                after=args.after,
            ),
            Installed(
                name="external-secrets-crds",
                chart=external_secrets.CHART,
                namespace=OPERATORS,
                values=external_secrets.crd_values(),
                after=args.after,
            ),
        )
        self.ready = [install(name, args.settings, row, here) for row in rows]
        self.register_outputs({})
