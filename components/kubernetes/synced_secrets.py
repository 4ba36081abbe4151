"""Secrets on their way to pods: External Secrets reads Secrets Manager and fills Kubernetes Secrets.

Meets SEC-04 (names as the workloads read them), SEC-05 (every key in use), SEC-06, ENV-10, ENV-12,
CHK-SEC-02. No value passes through the program or its state: it knows ARNs only. A value that is
replaced in Secrets Manager arrives within `REFRESH`, and the pods that read it roll (annotation of
components/kubernetes/manifests.py).

A store has no `auth` block: with Pod Identity the operator's own identity reads, and its policy
names the secrets (external-secrets#2951). One store in each namespace that has secrets, so that an
ExternalSecret elsewhere finds none.

Refused: ClusterSecretStore (usable wherever its conditions forget to look); `dataFrom` (a key that
is added upstream would become a key here unseen); SealedSecret as the way in (a choice for teams,
installed by its chart, SEC-04).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from components.context import Context
from components.kubernetes.manifests import Manifest
from components.kubernetes.shape import APPLICATION, NAME_LABEL, SyncedSecret
from components.secrets import Secrets

API = "external-secrets.io/v1"
# How soon a new value arrives; also what a lost one costs in calls, 4 an hour and value.
REFRESH = "15m0s"
# A Secret that is not there yet keeps pods waiting: the deployment says so instead (provider's
# annotation `waitFor`, pulumi-kubernetes 4.18 on).
READY = {"pulumi.com/waitFor": "condition=Ready"}
_WORD = re.compile(r"^[A-Za-z_]\w*$")
_DATA_KEY = re.compile(r"^[-._A-Za-z0-9]{1,253}$")


def secret_store(region: str) -> Manifest:
    """The spec of the namespace's SecretStore."""
    return {"provider": {"aws": {"service": "SecretsManager", "region": region}}}


def external_secret(
    synced: SyncedSecret, *, store: str, arns: Mapping[str, pulumi.Input[str]]
) -> Manifest:
    """The spec of one ExternalSecret. arns: of the deployment's secrets, by key.

    Raises ValueError: a value names no secret, a key cannot stand in a Secret, a template could
    not read its value.
    """
    template: Manifest = {
        "engineVersion": "v2",
        "mergePolicy": "Replace",
        "metadata": {"labels": {NAME_LABEL: APPLICATION}},
    }
    if synced.templates:
        template["data"] = dict(synced.templates)
    for key in (*synced.values, *synced.templates):
        if not _DATA_KEY.match(key):
            raise ValueError(
                f'secret {synced.name}: key "{key}"; allowed are letters, digits, "-", "_" and "."'
            )
    for key in synced.values if synced.templates else ():
        if not _WORD.match(key):
            raise ValueError(
                f'secret {synced.name}: templates cannot read "{key}"; allowed are letters, digits '
                'and "_"'
            )
    return {
        "refreshPolicy": "Periodic",
        "refreshInterval": REFRESH,
        "secretStoreRef": {"kind": "SecretStore", "name": store},
        "target": {
            "name": synced.name,
            "creationPolicy": "Owner",
            # A slip in Secrets Manager must not take the Secret from running pods.
            "deletionPolicy": "Retain",
            "template": template,
        },
        "data": [
            {"secretKey": key, "remoteRef": {"key": _arn(synced.name, key, value, arns)}}
            for key, value in synced.values.items()
        ],
    }


def _arn(
    secret: str, key: str, value: pulumi.Input[str], arns: Mapping[str, pulumi.Input[str]]
) -> pulumi.Input[str]:
    if not isinstance(value, str) or value.startswith("arn:"):
        return value
    if value not in arns:
        raise ValueError(
            f"secret {secret}: {key} is to come from {value}, which nobody makes; there are "
            + ", ".join(sorted(arns))
        )
    return arns[value]


@dataclass(frozen=True, kw_only=True)
class SyncedSecretsArgs:
    """after: the operator with its definitions, and its identity."""

    context: Context
    namespace: pulumi.Input[str]
    secrets: Secrets
    synced: Sequence[SyncedSecret]
    after: Sequence[pulumi.Resource] = ()

    def __post_init__(self) -> None:
        names = [each.name for each in self.synced]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"secret {twice[0]} is said twice; allowed is once in a namespace")


class SyncedSecrets(pulumi.ComponentResource):
    """The Secrets of one namespace. ready: they are filled; for `depends_on` only."""

    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: SyncedSecretsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:SyncedSecrets", name, None, opts)
        self._name, self._args = name, args
        store = self._object(
            "SecretStore", "store", APPLICATION, secret_store(args.context.region), args.after
        )
        self.ready = [
            self._object(
                "ExternalSecret",
                each.name,
                each.name,
                external_secret(each, store=APPLICATION, arns=args.secrets.arns),
                [store, *args.after],
            )
            for each in args.synced
        ]
        self.register_outputs({"names": [each.name for each in args.synced]})

    def _object(
        self,
        kind: str,
        child: str,
        called: str,
        spec: Manifest,
        after: Sequence[pulumi.Resource],
    ) -> CustomResource:
        return CustomResource(
            f"{self._name}-{child}",
            api_version=API,
            kind=kind,
            metadata={
                "name": called,
                "namespace": self._args.namespace,
                "labels": {NAME_LABEL: APPLICATION},
                "annotations": READY,
            },
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*after]),
        )
