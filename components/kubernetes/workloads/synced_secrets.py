"""Kubernetes Secrets that External Secrets fills from Secrets Manager.

Meets SEC-04 (names as the workloads read them), SEC-05 (every key in use), ENV-10, ENV-12 and
CHK-SEC-02 in the cluster: names and keys are declared (`SyncedSecret`), values never pass through
the program or its state. A rotated value arrives within REFRESH, and Reloader rolls the pods that
use it (SEC-06).

Refused: a store in each namespace (each could be pointed elsewhere; the one there is names the
namespaces that may use it); `dataFrom` (a key that is added upstream would become a key here
unseen); deleting the Secret with its source: while a secret is out of reach the last value stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from components.kubernetes.operators.releases.external_secrets import API_VERSION, STORE
from components.kubernetes.workloads.manifests import Manifest
from components.kubernetes.workloads.shape import APPLICATION, NAME_LABEL, SyncedSecret

REFRESH = "15m0s"
# What waits for this object waits until the Secret is filled: pods without it do not start, and
# their release would be rolled back.
FILLED = {"pulumi.com/waitFor": "condition=Ready"}
_LABELS = {NAME_LABEL: APPLICATION}
_WORD = re.compile(r"^[A-Za-z_]\w*$")
_DATA_KEY = re.compile(r"^[-._A-Za-z0-9]{1,253}$")


def external_secret(secret: SyncedSecret, arns: Mapping[str, pulumi.Input[str]]) -> Manifest:
    """The specification. arns: key of a secret of ours -> its ARN.

    Raises ValueError: a value is neither one of ours nor an ARN; a key cannot stand in a Secret; a
    template could not read its value.
    """
    for key in (*secret.values, *secret.templates):
        if not _DATA_KEY.match(key):
            raise ValueError(
                f'secret {secret.name}: key "{key}"; allowed are letters, digits, "-", "_" and "."'
            )
    for key in secret.values if secret.templates else ():
        if not _WORD.match(key):
            raise ValueError(
                f'secret {secret.name}: templates cannot read "{key}"; allowed are letters, digits '
                'and "_"'
            )
    template: Manifest = {"engineVersion": "v2", "metadata": {"labels": _LABELS}}
    if secret.templates:
        template["data"] = dict(secret.templates)
    return {
        "refreshInterval": REFRESH,
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": STORE},
        "target": {
            "name": secret.name,
            "creationPolicy": "Owner",
            "deletionPolicy": "Retain",
            "template": template,
        },
        "data": [
            {"secretKey": key, "remoteRef": {"key": _arn(secret, key, value, arns)}}
            for key, value in secret.values.items()
        ],
    }


def _arn(
    secret: SyncedSecret,
    key: str,
    value: pulumi.Input[str],
    arns: Mapping[str, pulumi.Input[str]],
) -> pulumi.Input[str]:
    if not isinstance(value, str) or value.startswith("arn:"):
        return value
    if value not in arns:
        raise ValueError(
            f"secret {secret.name}: {key} is to come from {value}, which nobody makes; there are "
            + ", ".join(sorted(arns))
        )
    return arns[value]


@dataclass(frozen=True, kw_only=True)
class SyncedSecretsArgs:
    """arns: `Secrets.arns`. after: the store, and the namespace.

    Raises ValueError: a name twice.
    """

    namespace: pulumi.Input[str]
    secrets: Sequence[SyncedSecret]
    arns: Mapping[str, pulumi.Input[str]]
    after: Sequence[pulumi.Resource]

    def __post_init__(self) -> None:
        names = [each.name for each in self.secrets]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"secret {twice[0]} is said twice; allowed is once in a namespace")


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
                    "labels": _LABELS,
                    "annotations": FILLED,
                },
                spec=external_secret(secret, args.arns),
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
            )
            for secret in args.secrets
        ]
        self.register_outputs({})
