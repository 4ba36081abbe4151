"""The controllers' values and rights: what each may do on AWS, exactly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.kubernetes.operators.releases import (
    cluster_autoscaler,
    exporters,
    external_secrets,
    load_balancer_controller,
    loki,
    sealed_secrets,
    velero,
)
from components.pod_identity import within_limit
from settings.eks import ADDON_VERSIONS
from tests.components.kubernetes.operators.releases.charts import every

GROUP = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/gateway/1"
BUCKET = "arn:aws:s3:::copies"
KEY = "arn:aws:kms:eu-central-1:111122223333:key/k"


def rights(document: str) -> dict[str, tuple[list[str], Any, Any]]:
    """Sid -> actions, resources, condition."""
    return {
        each["Sid"]: (each["Action"], each["Resource"], each.get("Condition"))
        for each in json.loads(within_limit("p", document))["Statement"]
    }


def test_the_load_balancer_controller_changes_our_target_groups_and_nothing_else() -> None:
    found = rights(load_balancer_controller.policy([GROUP]))
    assert found["Register"] == (
        ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"],
        [GROUP],
        None,
    )
    actions, resource, _ = found["Look"]
    assert resource == "*"
    assert all(action.split(":")[1].startswith("Describe") for action in actions)
    assert set(found) == {"Look", "Register"}


def test_the_load_balancer_controller_makes_no_balancer_of_its_own() -> None:
    _, made = every()["aws-load-balancer-controller"]
    assert made["keepTLSSecret"] is True, "each upgrade would break the webhook for a while"
    for key in ("createIngressClassResource", "enableServiceMutatorWebhook", "enableWafv2"):
        assert made[key] is False
    assert set(made["controllerConfig"]["featureGates"].values()) == {False}
    assert (made["region"], made["vpcId"]) == ("eu-central-1", "vpc-1"), (
        "with a hop limit of 1 it cannot ask the metadata, and never starts"
    )


def test_the_autoscaler_scales_the_groups_of_its_own_cluster() -> None:
    actions, _, condition = rights(cluster_autoscaler.policy("arches-prod"))["Scale"]
    assert len(actions) == 2
    assert condition == {
        "StringEquals": {"aws:ResourceTag/k8s.io/cluster-autoscaler/arches-prod": "owned"}
    }


def test_the_autoscalers_image_is_of_the_clusters_minor() -> None:
    assert set(cluster_autoscaler.IMAGES) == set(ADDON_VERSIONS), "a minor would have no autoscaler"
    for minor, image in cluster_autoscaler.IMAGES.items():
        assert image.startswith(f"v{minor}.")
    with pytest.raises(ValueError, match=r"no image for Kubernetes 1\.30; known are 1\.34"):
        cluster_autoscaler.values(cluster_name="c", region="r", minor="1.30", replicas=2)


def test_the_autoscaler_knows_its_cluster_by_name() -> None:
    _, made = every()["cluster-autoscaler"]
    assert made["autoDiscovery"] == {"clusterName": "c"}, (
        "without it the chart leaves the Deployment out and Helm reports success"
    )
    assert made["serviceMonitor"] == {
        "enabled": True,
        "namespace": "operators",
        "selector": None,
    }


def test_external_secrets_reads_our_secrets_by_name_and_writes_none() -> None:
    """SEC-04, SEC-06."""
    found = rights(external_secrets.policy(["arn:s1", "arn:s2"], KEY))
    assert found == {
        "ReadOurs": (
            ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
            ["arn:s1", "arn:s2"],
            None,
        ),
        "Decrypt": (["kms:Decrypt"], KEY, None),
    }


def test_the_store_is_open_to_named_namespaces_and_has_no_credentials() -> None:
    assert external_secrets.store("eu-central-1", ["production", "monitoring"]) == {
        "provider": {"aws": {"service": "SecretsManager", "region": "eu-central-1"}},
        "conditions": [{"namespaces": ["production", "monitoring"]}],
    }, "an auth block is for IRSA; with Pod Identity it fails"


def test_two_controllers_of_external_secrets_never_both_write() -> None:
    made = external_secrets.values(replicas=2)
    assert (made["replicaCount"], made["leaderElect"]) == (2, True)
    off = [key for key in made if key.startswith("process")]
    assert len(off) == 4
    assert not any(made[key] for key in off)
    assert made["installCRDs"] is False


def test_a_secret_that_is_not_in_step_is_told_with_its_own_namespace() -> None:
    monitor = external_secrets.values(replicas=2)["serviceMonitor"]
    assert monitor["honorLabels"] is True, (
        "SecretNotSynced would name the operator's namespace, where nobody finds the secret"
    )


def test_the_release_of_kinds_holds_nothing_else_and_leaves_them_behind() -> None:
    made = external_secrets.crd_values()
    assert made["crds"]["annotations"] == {"helm.sh/resource-policy": "keep"}, (
        "deleting the release would delete every ExternalSecret, and with it every Secret"
    )
    assert made["createOperator"] is False
    assert [made[part]["create"] for part in ("rbac", "serviceAccount", "webhook")] == [False] * 3
    _, prometheus = every()["prometheus-operator-crds"]
    assert prometheus["crds"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_reloader_runs_twice_only_with_an_election() -> None:
    _, made = every()["reloader"]
    assert made["reloader"]["enableHA"] is True
    assert made["reloader"]["deployment"]["replicas"] == 2
    assert "autoReloadAll" not in made["reloader"], "it rolls what asks for it"


def test_sealed_secrets_open_in_one_namespace_and_not_for_everybody() -> None:
    made = sealed_secrets.values(namespaces=["production"])
    assert made["additionalNamespaces"] == ["production"]
    assert made["rbac"] == {
        "clusterRole": False,
        "namespacedRoles": True,
        "serviceProxier": {"create": False},
    }


@pytest.mark.parametrize("policy", [velero.policy(BUCKET, KEY), loki.policy(BUCKET, KEY)])
def test_a_writer_of_a_bucket_may_use_that_bucket_and_its_key(policy: str) -> None:
    found = rights(policy)
    assert found["List"][:2] == (["s3:ListBucket"], BUCKET)
    assert found["Objects"][1] == f"{BUCKET}/*"
    assert found["Key"][:2] == (["kms:Decrypt", "kms:GenerateDataKey"], KEY)
    assert not any("*" in action for actions, _, _ in found.values() for action in actions)


# -- Velero --------------------------------------------------------------------------------------
def test_velero_keeps_objects_in_the_guides_location_without_access_keys() -> None:
    """DR-07: name, bucket, region and key; DR-05: kept 720 hours."""
    _, made = every()["velero"]
    [location] = made["configuration"]["backupStorageLocation"]
    assert location == {
        "name": "s3-backup",
        "provider": "aws",
        "bucket": "copies",
        "default": True,
        "config": {"region": "eu-central-1", "kmsKeyId": "arn:aws:kms:key"},
    }
    assert made["credentials"] == {"useSecret": False}, "the wrong identity may then be used"
    assert made["configuration"]["defaultBackupTTL"] == "720h"
    assert made["serviceAccount"]["server"]["name"] == "velero-server"
    assert made["initContainers"][0]["image"].endswith(":v1.14.3"), "1.14 is for Velero 1.18"


def test_velero_needs_neither_volumes_nor_the_nodes_nor_cluster_admin() -> None:
    _, made = every()["velero"]
    assert made["deployNodeAgent"] is False
    assert made["configuration"]["volumeSnapshotLocation"] == []
    assert made["rbac"]["clusterAdministratorName"] == velero.ROLE != "cluster-admin"
    [rule] = velero.RULES
    assert not {"*", "bind", "escalate", "impersonate"} & set(rule["verbs"])  # type: ignore[arg-type]


def test_velero_raises_its_own_kinds_before_each_upgrade_and_never_deletes_them() -> None:
    _, made = every()["velero"]
    assert (made["upgradeCRDs"], made["cleanUpCRDs"]) == (True, False)


# -- exporters -----------------------------------------------------------------------------------
def test_the_exporter_of_postgres_goes_past_the_pooler_and_checks_the_servers_name() -> None:
    _, made = every()["prometheus-postgres-exporter"]
    assert made["config"]["datasource"] == {
        "host": "db.example.com",
        "port": "5432",
        "database": "archesai",
        "user": "archesai_exporter",
        "passwordSecret": {"name": "postgres-exporter", "key": "password"},
        "sslmode": "verify-full",
        "extraParams": "sslrootcert=/etc/database/authorities.pem",
    }
    assert made["extraVolumeMounts"][0]["mountPath"] == "/etc/database"
    assert made["extraVolumes"][0]["configMap"] == {"name": exporters.AUTHORITY}


def test_certificates_of_both_names_are_looked_at() -> None:
    """MON-09: what counts is the certificate, so any answer but an outage will do."""
    _, made = every()["prometheus-blackbox-exporter"]
    assert [each["url"] for each in made["serviceMonitor"]["targets"]] == [
        "https://api.example.com/",
        "https://app.example.com/",
    ]
    module = made["config"]["modules"]["https"]["http"]
    assert module["fail_if_not_ssl"] is True
    assert 404 in module["valid_status_codes"]
    assert 502 not in module["valid_status_codes"]
    assert made["serviceMonitor"]["defaults"]["module"] in made["config"]["modules"]
