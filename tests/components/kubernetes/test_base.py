"""The ground in the cluster, and the way to its API."""

from __future__ import annotations

from typing import Any, cast

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components.kubernetes.base import ClusterBase, ClusterBaseArgs, pod_security
from components.kubernetes.provider import on_cluster
from tests.components.cluster_neighbours import (
    CLUSTER_KEY,
    CONTEXT,
    cluster_settings,
    context,
    keys,
)
from tests.neighbours import neighbour
from tests.recorder import ACCOUNT, REGION, Recorder, once, record

NAMESPACE = "kubernetes:core/v1:Namespace"
STORAGE_CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"


@once
def base(**changes: Any) -> Recorder:
    def program() -> None:
        provider = kubernetes.Provider("kubernetes", kubeconfig="{}")
        ClusterBase(
            "base",
            ClusterBaseArgs(context=context(**changes), settings=cluster_settings(), keys=keys()),
            pulumi.ResourceOptions(providers=[provider]),
        )

    return record(program)


def provider_of_a_cluster() -> Recorder:
    def program() -> None:
        on_aws = aws.Provider("aws", region=REGION)
        entry = aws.eks.AccessEntry(
            "entry",
            cluster_name="c",
            principal_arn="arn:aws:iam::1:role/x",
            opts=pulumi.ResourceOptions(provider=on_aws),
        )
        cluster: Any = neighbour(kubeconfig=pulumi.Output.secret("{}"), access_ready=[entry])
        both = on_cluster(
            "kubernetes", CONTEXT, cluster, pulumi.ResourceOptions(providers=[on_aws])
        )
        assert set(cast(Any, both.providers)) == {"aws", "kubernetes"}, "one of both would be lost"

    return record(program)


def test_the_applications_namespace_enforces_restricted_pods_of_the_clusters_minor():
    namespace = base().one(NAMESPACE)
    assert namespace.inputs["metadata"] == {
        "name": "production",
        "labels": {
            "pod-security.kubernetes.io/enforce": "restricted",
            "pod-security.kubernetes.io/enforce-version": "v1.36",
            "pod-security.kubernetes.io/audit": "restricted",
            "pod-security.kubernetes.io/audit-version": "v1.36",
            "pod-security.kubernetes.io/warn": "restricted",
            "pod-security.kubernetes.io/warn-version": "v1.36",
            "elbv2.k8s.aws/pod-readiness-gate-inject": "enabled",
        },
    }, "a pod as root would be admitted (K8S-11)"
    assert namespace.protect, "deleting the namespace deletes everything in it"


def test_volumes_are_encrypted_gp3_in_the_zone_of_their_pod_and_by_default():
    inputs = base().one(STORAGE_CLASS).inputs
    assert inputs["metadata"] == {
        "name": "gp3-encrypted",
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
    }
    assert inputs["provisioner"] == "ebs.csi.aws.com"
    assert inputs["parameters"] == {
        "type": "gp3",
        "encrypted": "true",
        "kmsKeyId": CLUSTER_KEY,
        "csi.storage.k8s.io/fstype": "ext4",
    }
    assert inputs["volumeBindingMode"] == "WaitForFirstConsumer", (
        "a volume in a zone without room would hold its pod for ever"
    )
    assert inputs["allowVolumeExpansion"] is True
    assert inputs["reclaimPolicy"] == "Retain"


def test_volumes_of_a_throw_away_environment_go_with_their_claims():
    made = base(protect=False, serves_customers=False)
    assert made.one(STORAGE_CLASS).inputs["reclaimPolicy"] == "Delete"
    assert not made.one(NAMESPACE).protect


def test_the_base_is_a_namespace_and_a_storage_class_and_says_their_names():
    made = base()
    assert len(made.custom) == 2
    assert made.components[0].outputs == {
        "namespace": "production",
        "storageClass": "gp3-encrypted",
    }


def test_pod_security_labels_can_be_made_for_other_levels():
    assert pod_security("baseline", "1.35")["pod-security.kubernetes.io/enforce"] == "baseline"


def test_the_provider_applies_on_the_server_and_keeps_its_identity_over_changes():
    made = provider_of_a_cluster()
    provider = made.one("pulumi:providers:kubernetes")
    assert provider.inputs["clusterIdentifier"] == (
        f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/arches-test-cluster"
    ), "any change of the cluster would preview the replacement of everything in it"
    assert provider.inputs["enableServerSideApply"] in (True, "true")


def test_the_provider_waits_until_its_role_may_enter():
    made = provider_of_a_cluster()
    entry = made.one("aws:eks/accessEntry:AccessEntry")
    assert entry.urn in made.one("pulumi:providers:kubernetes").dependencies, (
        "the first run would be refused with Unauthorized"
    )
