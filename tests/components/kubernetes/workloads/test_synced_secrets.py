"""Secrets reach pods by reference only, under the names that pods read."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.kubernetes.workloads.shape import SyncedSecret
from components.kubernetes.workloads.synced_secrets import (
    SyncedSecrets,
    SyncedSecretsArgs,
    external_secret,
)
from tests.neighbours import known
from tests.recorder import ACCOUNT, REGION, Recorder, record

SECRET = "kubernetes:external-secrets.io/v1:ExternalSecret"
CACHE = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:arches/prod/cache-1"
MASTER = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:rds!db-1"
ARNS = {"cache": CACHE}
REDIS = SyncedSecret(
    name="archesai-redis",
    values={"password": "cache"},
    templates={"REDIS_PASSWORD": "{{ .password }}"},
)


def made(*synced: SyncedSecret) -> Recorder:
    def program() -> None:
        on = pulumi.ResourceOptions(providers=[kubernetes.Provider("k", kubeconfig="{}")])
        store = kubernetes.core.v1.ConfigMap("store")
        args = SyncedSecretsArgs(
            namespace="production",
            secrets=synced,
            arns={key: known(arn) for key, arn in ARNS.items()},
            after=[store],
        )
        SyncedSecrets("secrets", args, on)

    return record(program)


def spec(made_: Recorder) -> dict[str, Any]:
    return made_.one(SECRET).inputs["spec"]


def test_a_secret_has_the_name_and_keys_that_the_pods_read():
    made_ = made(REDIS)
    assert spec(made_) == {
        "refreshInterval": "15m0s",
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": "secrets-manager"},
        "target": {
            "name": "archesai-redis",
            "creationPolicy": "Owner",
            "deletionPolicy": "Retain",
            "template": {
                "engineVersion": "v2",
                "metadata": {"labels": {"app.kubernetes.io/name": "archesai"}},
                "data": {"REDIS_PASSWORD": "{{ .password }}"},
            },
        },
        "data": [{"secretKey": "password", "remoteRef": {"key": CACHE}}],
    }


def test_a_secret_without_templates_has_the_keys_of_its_values():
    made_ = made(SyncedSecret(name="archesai-cache", values={"REDIS_PASSWORD": "cache"}))
    assert "data" not in spec(made_)["target"]["template"]
    assert spec(made_)["data"][0]["secretKey"] == "REDIS_PASSWORD"


def test_an_arn_may_stand_for_a_secret_that_is_not_ours():
    made_ = made(SyncedSecret(name="owner", values={"MASTER": known(MASTER)}))
    assert spec(made_)["data"][0]["remoteRef"] == {"key": MASTER}


def test_a_deployment_waits_until_each_secret_is_filled():
    made_ = made(REDIS)
    assert made_.one(SECRET).inputs["metadata"]["annotations"] == {
        "pulumi.com/waitFor": "condition=Ready"
    }, "pods would wait for a Secret that never comes, and nobody would say why"
    assert made_.one("kubernetes:core/v1:ConfigMap").urn in made_.one(SECRET).dependencies


def test_no_value_of_a_secret_is_in_the_program():
    texts = json.dumps([r.inputs for r in made(REDIS).custom])
    assert texts.count(CACHE) == 1, "CHK-SEC-02, SEC-06: the ARN alone"


@pytest.mark.parametrize(
    ("synced", "line"),
    [
        (
            SyncedSecret(name="x", values={"A": "jwt"}),
            r"secret x: A is to come from jwt, which nobody makes; there are cache$",
        ),
        (
            SyncedSecret(name="x", values={"A/B": "cache"}),
            r'secret x: key "A/B"; allowed are letters, digits, "-", "_" and "\."$',
        ),
        (
            SyncedSecret(name="x", values={"pass-word": "cache"}, templates={"A": "{{ .p }}"}),
            r'secret x: templates cannot read "pass-word"; allowed are letters, digits and "_"$',
        ),
    ],
)
def test_a_secret_that_could_not_be_filled_is_refused_with_one_line(
    synced: SyncedSecret, line: str
):
    with pytest.raises(ValueError, match=line):
        external_secret(synced, ARNS)


def test_two_secrets_of_one_name_are_refused():
    with pytest.raises(ValueError, match=r"secret archesai-redis is said twice; allowed is once"):
        SyncedSecretsArgs(namespace="x", secrets=(REDIS, REDIS), arns=ARNS, after=())
