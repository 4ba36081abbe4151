"""What the namespace admits, as data; a real API server judges it in test_admission.py."""

from __future__ import annotations

import json
from typing import Any

import kubernetes_validate
import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.kubernetes.guardrails.guardrails import (
    Demand,
    Guardrails,
    GuardrailsArgs,
    admission,
    binding,
    demand,
    limits,
    of_pod,
    quota,
    reading,
    refuse_strangers,
    registries,
)
from components.kubernetes.workloads.shape import Container, Pod, Resources, Task, Volume, Workload
from settings.guardrails import GuardrailsSettings
from settings.images import DIGEST
from tests.neighbours import context
from tests.recorder import Recorder, record

OWN = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/"
POLICY = "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy"
BINDING = "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding"
MIB, GIB = 2**20, 2**30


def settings(**given: Any) -> GuardrailsSettings:
    return GuardrailsSettings.model_validate_json(json.dumps(given))


def container(name: str, cpu: str, memory: str, limit: str, **more: Any) -> Container:
    return Container(
        name=name,
        image=more.pop("image", "ghcr.io/archesai/archesai@sha256:" + DIGEST),
        resources=Resources(cpu=cpu, memory=memory, memory_limit=limit, ephemeral="64Mi"),
    )


API = Workload(
    component="api",
    containers=(
        container("api", "500m", "512Mi", "1Gi"),
        container("tunnel", "20m", "32Mi", "96Mi"),
    ),
    minimum=3,
    maximum=10,
)
REDIS = Workload(
    component="redis",
    containers=(container("redis", "1", "2Gi", "2Gi"),),
    minimum=3,
    volume=Volume(path="/data", gib=10),
)
MIGRATIONS = Task(
    component="migrations",
    containers=(container("migrate", "250m", "256Mi", "512Mi"),),
    before=(container("wait", "10m", "1Gi", "1Gi"),),
)
DECLARED: list[Pod] = [API, REDIS, MIGRATIONS]


def made(declared: list[Pod] | None = None) -> Recorder:
    def program() -> None:
        on = pulumi.ResourceOptions(providers=[kubernetes.Provider("k", kubeconfig="{}")])
        args = GuardrailsArgs(
            context=context(),
            settings=settings(),
            namespace="production",
            declared=declared or DECLARED,
        )
        Guardrails("guardrails", args, on)

    return record(program)


# -- how much ------------------------------------------------------------------------------------
def test_a_pod_asks_for_its_containers_together_or_for_the_largest_before_them():
    assert of_pod(API) == Demand(
        pods=1, cpu=0.52, memory=544 * MIB, memory_limits=1120 * MIB, ephemeral=128 * MIB
    )
    assert of_pod(MIGRATIONS).memory == GIB, "the one before it is larger"
    assert of_pod(MIGRATIONS).cpu == 0.25


def test_everything_grown_and_rolled_out_at_once_is_the_demand():
    found = demand(DECLARED)
    assert found.pods == (10 + 1) + (3 + 1) + 1
    assert found.cpu == pytest.approx(11 * 0.52 + 4 * 1 + 0.25), "CHK-INFRA-01: surge included"
    assert found.memory == 11 * 544 * MIB + 4 * 2 * GIB + GIB
    assert (found.volumes, found.volumes_gib) == (3, 30)
    assert demand(DECLARED, grown=False).pods == (3 + 1) + (3 + 1) + 1


def test_the_quota_is_the_demand_and_its_headroom_and_no_door():
    assert quota(DECLARED, settings(headroomPercent=50)) == {
        "pods": "24",
        "requests.cpu": "14955m",
        "requests.memory": "22800Mi",
        "limits.memory": "32304Mi",
        "requests.ephemeral-storage": "2592Mi",
        "persistentvolumeclaims": "5",
        "requests.storage": "45Gi",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }


def test_limits_give_no_container_a_default():
    assert limits(settings()) == [
        {"type": "Pod", "max": {"memory": "4Gi"}},
        {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "100Gi"}},
    ], "a `max` of a Container is a default too, and a pod without limits would get in"


# -- what ----------------------------------------------------------------------------------------
def test_images_come_from_the_accounts_registry_and_the_settings_own():
    found = registries(context(), settings(allowedRegistries=["docker.io/nginxinc"]))
    assert found == [OWN, "docker.io/nginxinc/"], "CICD-07"


@pytest.mark.parametrize(
    ("pod", "line"),
    [
        (
            Task(
                component="dump",
                containers=(
                    container("dump", "1", "1Gi", "1Gi", image="quay.io/x/y@sha256:" + DIGEST),
                ),
            ),
            r"workload dump: image quay\.io/x/y@sha256:\w+ is from no allowed registry; "
            r"guardrails\.allowedRegistries has ghcr\.io/archesai$",
        ),
        (
            Task(component="large", containers=(container("a", "1", "1Gi", "5Gi"),)),
            r"workload large: its containers are limited to 5120Mi together, "
            r"guardrails\.podMemory allows 4Gi$",
        ),
        (
            Workload(
                component="deep",
                containers=(container("a", "1", "1Gi", "1Gi"),),
                volume=Volume(path="/d", gib=200),
            ),
            r"workload deep: a volume of 200 GiB, guardrails\.volumeGib allows 100$",
        ),
    ],
)
def test_what_our_own_guardrails_would_refuse_is_said_at_preview(pod: Pod, line: str):
    with pytest.raises(ValueError, match=line):
        refuse_strangers([pod], registries(context(), settings()), settings())


def test_every_policy_fails_closed_and_judges_changes_too():
    found = admission([OWN])
    assert set(found) == {"images", "sizes", "tokens", "doors"}
    for name, spec in found.items():
        assert spec["failurePolicy"] == "Fail", name
        for rule in spec["matchConstraints"]["resourceRules"]:
            assert rule["operations"] == ["CREATE", "UPDATE"], f"{name}: kubectl set image"
    resources = [
        each
        for rule in found["images"]["matchConstraints"]["resourceRules"]
        for each in rule["resources"]
    ]
    assert "pods/ephemeralcontainers" in resources, "kubectl debug would bring any image"
    assert {"pods", "deployments", "statefulsets", "daemonsets", "jobs", "cronjobs"} <= set(
        resources
    )


def test_policies_are_bound_by_the_label_that_nobody_can_take_off():
    assert binding("archesai-images", "production") == {
        "policyName": "archesai-images",
        "validationActions": ["Deny", "Audit"],
        "matchResources": {
            "namespaceSelector": {
                "matchExpressions": [
                    {
                        "key": "kubernetes.io/metadata.name",
                        "operator": "In",
                        "values": ["production"],
                    }
                ]
            }
        },
    }


# -- who -----------------------------------------------------------------------------------------
def test_people_read_by_name_and_no_secret():
    for rule in reading():
        assert rule["verbs"] == ["get", "list", "watch"], "a reader changes nothing"
        assert "*" not in (*rule["apiGroups"], *rule["resources"]), "CHK-SEC-04"
        assert "secrets" not in rule["resources"]
        assert not {"pods/exec", "pods/attach", "pods/portforward"} & set(rule["resources"])


# -- in the cluster ------------------------------------------------------------------------------
def test_the_guardrails_are_twelve_objects_that_kubernetes_takes():
    recorded = made()
    assert sorted(r.type.rsplit(":", 1)[-1] for r in recorded.custom) == sorted(
        [
            "ResourceQuota",
            "LimitRange",
            "Role",
            "RoleBinding",
            *["ValidatingAdmissionPolicy"] * 4,
            *["ValidatingAdmissionPolicyBinding"] * 4,
        ]
    )
    for each in recorded.custom:
        kubernetes_validate.validate(each.inputs, kubernetes_validate.latest_version(), strict=True)


def test_each_binding_comes_after_its_policy():
    recorded = made()
    for bound in recorded.of(BINDING):
        assert recorded.one(POLICY, bound.name).urn in bound.dependencies
        assert bound.inputs["spec"]["policyName"] == f"archesai-{bound.name.split('-', 1)[1]}"


def test_the_readers_are_a_group_and_nobody_by_name():
    [subject] = made().one("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding").inputs["subjects"]
    assert subject == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "Group",
        "name": "arches:readers",
    }
