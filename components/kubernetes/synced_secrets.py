"""Kubernetes Secrets that External Secrets fills from Secrets Manager.

Meets SEC-04, SEC-05 and CHK-SEC-02 in the cluster: names and keys are declared (`SyncedSecret`),
values never pass through the program. A rotated value arrives within REFRESH, and Reloader rolls
the pods that use it (SEC-06).

Refused: a store in each namespace (each could be pointed elsewhere); deleting the Secret with its
ExternalSecret would be right, but while a secret is out of reach the last value stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from components.kubernetes.releases.external_secrets import API_VERSION, STORE
from components.kubernetes.shape import SyncedSecret

REFRESH = "15m"
# What waits for this object waits until the Secret is filled: pods without it do not start, and
# their release would be rolled back.
FILLED = {"pulumi.com/waitFor": "condition=Ready"}


def external_secret(secret: SyncedSecret, arns: Mapping[str, pulumi.Input[str]]) -> dict[str, Any]:
    """The specification. arns: key of a secret of ours -> its ARN.

    Raises ValueError: a key that is neither one of ours nor an ARN.
    """
    target: dict[str, Any] = {
        "name": secret.name,
        "creationPolicy": "Owner",
        "deletionPolicy": "Retain",
    }
    if secret.templates:
        target["template"] = {"engineVersion": "v2", "data": dict(secret.templates)}
    return {
        "refreshInterval": REFRESH,
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": STORE},
        "target": target,
        "data": [
            {"secretKey": key, "remoteRef": {"key": _arn(secret, value, arns)}}
            for key, value in secret.values.items()
        ],
    }


def _arn(
    secret: SyncedSecret, value: pulumi.Input[str], arns: Mapping[str, pulumi.Input[str]]
) -> pulumi.Input[str]:
    if not isinstance(value, str) or value.startswith("arn:"):
        return value
    if value not in arns:
        raise ValueError(
            f"secret {secret.name}: {value} is no secret of ours; known are "
            f"{', '.join(sorted(arns))}"
        )
    return arns[value]


@dataclass(frozen=True, kw_only=True)
class SyncedSecretsArgs:
    """arns: `Secrets.arns`. after: the store, and the namespace."""

    namespace: pulumi.Input[str]
    secrets: Sequence[SyncedSecret]
    arns: Mapping[str, pulumi.Input[str]]
    after: Sequence[pulumi.Resource]


class SyncedSecrets(pulumi.ComponentResource):
    """`ready`: the Secrets are filled; for `depends_on` only."""

    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: SyncedSecretsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:SyncedSecrets", name, None, opts)
        self.ready = [
            CustomResource(
                f"{name}-{secret.name}",
                api_version=API_VERSION,
                kind="ExternalSecret",
                metadata={
                    "name": secret.name,
                    "namespace": args.namespace,
                    "annotations": FILLED,
                },
                spec=external_secret(secret, args.arns),
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
            )
            for secret in args.secrets
        ]
        self.register_outputs({})
