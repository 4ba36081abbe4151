"""External Secrets with its identity, and the one store that namespaces of ours may ask.

Meets SEC-04, SEC-06 and CHK-SEC-02 in the cluster: it reads our own secrets by their names, and
decrypts with their key; whoever else asks through the store is refused by its list of namespaces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from components.context import Context
from components.kubernetes.operators.helm import Installed, install
from components.kubernetes.operators.releases import external_secrets
from components.kubernetes.operators.system_pods import OPERATORS
from components.pod_identity import PodIdentity, PodIdentityArgs
from settings.operators import OperatorsSettings

if TYPE_CHECKING:
    from components.cluster import Cluster
    from components.database import Database
    from components.keys import Keys
    from components.secrets import Secrets


@dataclass(frozen=True, kw_only=True)
class SecretsOperatorArgs:
    """database: the secret of its master, which RDS keeps. namespaces: who may use the store."""

    context: Context
    settings: OperatorsSettings
    cluster: Cluster
    keys: Keys
    secrets: Secrets
    database: Database
    namespaces: tuple[str, ...]
    after: list[pulumi.Resource]


class SecretsOperator(pulumi.ComponentResource):
    """`ready`: the store answers; for `depends_on` only."""

    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: SecretsOperatorArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:SecretsOperator", name, None, opts)
        self._name, self._args = name, args
        self._here = pulumi.ResourceOptions(parent=self)
        self.ready = [self._store(self._controllers())]
        self.register_outputs({"store": external_secrets.STORE})

    def _identity(self) -> PodIdentity:
        args = self._args
        arns = [*args.secrets.arns.values(), args.database.master_secret_arn]
        policy = pulumi.Output.all(args.keys.secrets.arn, *arns).apply(
            lambda known: external_secrets.policy(known[1:], known[0])
        )
        return PodIdentity(
            f"{self._name}-identity",
            PodIdentityArgs(
                context=args.context,
                cluster=args.cluster,
                namespace=OPERATORS,
                service_account=external_secrets.SERVICE_ACCOUNT,
                policies={"read": policy},
            ),
            self._here,
        )

    def _controllers(self) -> pulumi.Resource:
        args = self._args
        what = Installed(
            chart=external_secrets.CHART,
            namespace=OPERATORS,
            values=external_secrets.values(replicas=args.settings.replicas),
            after=[*args.after, *self._identity().ready],
        )
        return install(self._name, args.settings, what, self._here)

    def _store(self, controllers: pulumi.Resource) -> CustomResource:
        return CustomResource(
            f"{self._name}-store",
            api_version=external_secrets.API_VERSION,
            kind="ClusterSecretStore",
            metadata={
                "name": external_secrets.STORE,
                "annotations": {"pulumi.com/waitFor": "condition=Ready"},
            },
            spec=external_secrets.store(self._args.context.region, self._args.namespaces),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[controllers]),
        )
