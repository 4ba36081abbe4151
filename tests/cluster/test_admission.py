"""What the real API server lets in and what it refuses, in its own words."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.apiserver import ApiServer, Rejected, refused_pod
from tests.cluster.conftest import Accepts
from tests.cluster.objects import Manifest, config_map, deployment, of_kind, pod_spec, quota

pytestmark = pytest.mark.cluster

KINDS = ("CronJob", "DaemonSet", "Deployment", "Job", "StatefulSet")


def test_a_workload_of_our_making_is_accepted_in_every_kind(
    accepts: Accepts, namespace: str
) -> None:
    manifests = [of_kind(deployment(namespace, f"a-{k.lower()}"), k) for k in KINDS]
    assert accepts(manifests) == []


def privileged(pod: Manifest) -> None:
    pod["containers"][0]["securityContext"] = {"privileged": True}


def root(pod: Manifest) -> None:
    pod["securityContext"]["runAsUser"] = 0


def host_path(pod: Manifest) -> None:
    pod["volumes"] = [{"name": "host", "hostPath": {"path": "/"}}]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("spoil", "words"),
    [(privileged, "privileged"), (root, "runAsUser=0"), (host_path, "hostPath")],
)
def test_restricted_refuses_a_bad_pod_of_every_kind_of_workload(
    accepts: Accepts, namespace: str, kind: str, spoil: Any, words: str
) -> None:
    made = deployment(namespace)
    spoil(pod_spec(made))
    (refused,) = accepts([of_kind(made, kind)])
    assert refused.startswith(f"{kind} {namespace}/api: ")
    assert 'violates PodSecurity "restricted:latest"' in refused
    assert words in refused


def test_a_field_that_nobody_knows_is_refused(accepts: Accepts, namespace: str) -> None:
    made = deployment(namespace)
    made["spec"]["replicass"] = 3
    (refused,) = accepts([made])
    assert ".spec.replicass: field not declared in schema" in refused


def test_a_pod_whose_service_account_nobody_made_is_refused(
    accepts: Accepts, namespace: str
) -> None:
    made = deployment(namespace)
    pod_spec(made)["serviceAccountName"] = "api"
    account = {
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "api", "namespace": namespace},
    }  # fmt: skip
    (refused,) = accepts([made])
    assert 'serviceaccount "api" not found' in refused
    assert accepts([made, account]) == []


# -- quotas and limits --------------------------------------------------------------------------
def test_a_quota_refuses_the_pod_that_no_longer_fits(accepts: Accepts, namespace: str) -> None:
    four = quota(namespace, requests_cpu="400m")
    three, two = deployment(namespace, "api", 3), deployment(namespace, "platform", 2)
    assert accepts([four, three]) == []
    (refused,) = accepts([four, three, two])
    assert refused.startswith(f"Deployment {namespace}/platform, pod 2: ")
    assert "exceeded quota: quota, requested: requests.cpu=100m, used: requests.cpu=400m" in refused


def test_a_quota_counts_what_the_autoscaler_may_ask_for(accepts: Accepts, namespace: str) -> None:
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "api", "namespace": namespace},
        "spec": {
            "maxReplicas": 5,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
        },
    }
    (refused,) = accepts([quota(namespace, pods="4"), deployment(namespace), scaler])
    assert ", pod 5: " in refused
    assert "exceeded quota" in refused


def test_a_quota_wants_every_pod_to_say_what_it_needs(accepts: Accepts, namespace: str) -> None:
    made = deployment(namespace)
    pod_spec(made)["containers"][0]["resources"] = {}
    limits = {
        "apiVersion": "v1", "kind": "LimitRange",
        "metadata": {"name": "limits", "namespace": namespace},
        "spec": {"limits": [{"type": "Container", "defaultRequest": {"cpu": "50m"}}]},
    }  # fmt: skip
    (refused,) = accepts([quota(namespace, requests_cpu="1"), made])
    assert "must specify requests.cpu" in refused
    assert accepts([quota(namespace, requests_cpu="1"), limits, made]) == [], (
        "the limit range's default is what the quota counts"
    )


def test_a_limit_range_refuses_a_container_that_wants_too_much(
    accepts: Accepts, namespace: str
) -> None:
    limits = {
        "apiVersion": "v1", "kind": "LimitRange",
        "metadata": {"name": "limits", "namespace": namespace},
        "spec": {"limits": [{"type": "Container", "max": {"memory": "100Mi"}}]},
    }  # fmt: skip
    (refused,) = accepts([limits, deployment(namespace)])
    assert "maximum memory usage per Container is 100Mi, but limit is 128Mi" in refused


# -- policies -----------------------------------------------------------------------------------
def test_an_admission_policy_of_ours_refuses_with_its_own_message(
    accepts: Accepts, api: ApiServer, namespace: str
) -> None:
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": namespace},
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                     "resources": ["pods"]},
                ],
            },
            "validations": [
                {"expression": "object.spec.containers.all(c, c.image.contains('@sha256:'))",
                 "message": "an image needs a digest"},
            ],
        },
    }  # fmt: skip
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": namespace},
        "spec": {
            "policyName": namespace,
            "validationActions": ["Deny"],
            "matchResources": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
            },
        },
    }
    good, bad = deployment(namespace), deployment(namespace, "platform")
    pod_spec(bad)["containers"][0]["image"] = "registry.example/platform:latest"
    try:
        (refused,) = accepts([policy, binding, good, bad])
        assert refused.startswith(f"Deployment {namespace}/platform")
        assert "an image needs a digest" in refused
    finally:
        api.delete(binding)
        api.delete(policy)


def test_an_expression_that_does_not_compile_is_refused(api: ApiServer) -> None:
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "broken"},
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                     "resources": ["pods"]},
                ],
            },
            "validations": [{"expression": "object.spec.containers.every(c, true)"}],
        },
    }  # fmt: skip
    with pytest.raises(Rejected, match="undeclared reference"):
        api.apply(policy)


# -- objects ------------------------------------------------------------------------------------
def test_an_object_in_a_namespace_that_nobody_made_is_refused(accepts: Accepts) -> None:
    assert accepts([config_map("nowhere", a="1")]) == [
        'ConfigMap nowhere/settings: namespaces "nowhere" not found'
    ]


def test_an_immutable_field_stays(api: ApiServer, namespace: str) -> None:
    made = deployment(namespace)
    api.apply(made)
    made["spec"]["selector"]["matchLabels"]["app"] = "other"
    made["spec"]["template"]["metadata"]["labels"]["app"] = "other"
    with pytest.raises(Rejected, match="field is immutable"):
        api.apply(made, dry_run=True)


def test_asking_for_a_pod_makes_none(api: ApiServer, namespace: str) -> None:
    made = deployment(namespace)
    api.apply(made)
    assert refused_pod(api, made) is None
    assert api.ask("GET", f"/api/v1/namespaces/{namespace}/pods")["items"] == []
