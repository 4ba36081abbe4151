"""The guardrails in a real API server: what it says of pods that Pod Security would let in.

Everything that the application's namespace has stands there: quota, limits, policies, the objects
of a workload; then one thing after the other is broken.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from components.kubernetes.base import READINESS_GATE, pod_security
from components.kubernetes.guardrails.guardrails import (
    admission,
    binding,
    limits,
    quota,
    reading,
    registries,
)
from components.kubernetes.guardrails.network_policies import policies
from components.kubernetes.workloads import manifests
from components.kubernetes.workloads.shape import Task
from rehearsal.apiserver import POLICY_SECONDS, ApiServer, Rejected
from rehearsal.cluster import opened, prepare
from settings.guardrails import GuardrailsSettings
from tests.components.kubernetes.guardrails.test_network_policies import DECLARED, HERE
from tests.components.kubernetes.workloads.test_workload import main, tunnel, workload
from tests.neighbours import context

pytestmark = pytest.mark.cluster

SPACE = "production"
SETTINGS = GuardrailsSettings.model_validate_json(
    json.dumps({"allowedRegistries": ["ghcr.io/archesai", "docker.io/library"]})
)
ALLOWED = registries(context(), SETTINGS)
API = workload()
TASK = Task(component="migrations", containers=(main(), tunnel()))


def of(kind: str, version: str, name: str, spec: Any, *, space: str | None = SPACE) -> Any:
    about = {"name": name} | ({"namespace": space} if space else {})
    return {"apiVersion": version, "kind": kind, "metadata": about, "spec": spec}


def deployment(space: str = SPACE) -> Any:
    spec = manifests.deployment(API, "archesai-api-files") | {"replicas": 3}
    return of("Deployment", "apps/v1", "archesai-api", spec, space=space)


def job(space: str = SPACE) -> Any:
    return of("Job", "batch/v1", "migrations-1", manifests.job(TASK, "files"), space=space)


def pod(space: str = SPACE) -> Any:
    return of("Pod", "v1", "one", manifests.pod_spec(API, "files"), space=space)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with opened(prepare(print), tmp_path_factory.mktemp("cluster")) as cluster:
        server = cluster.api
        for space in (SPACE, "elsewhere"):
            server.apply(
                {
                    "apiVersion": "v1",
                    "kind": "Namespace",
                    "metadata": {
                        "name": space,
                        "labels": {**pod_security("restricted", "1.36"), **READINESS_GATE},
                    },
                }
            )
        for each in guarding():
            server.apply(each)
        for name in ("archesai-api", "archesai-migrations"):
            for space in (SPACE, "elsewhere"):
                server.apply(
                    {
                        "apiVersion": "v1",
                        "kind": "ServiceAccount",
                        "metadata": {"name": name, "namespace": space},
                    }
                )
        time.sleep(POLICY_SECONDS)
        yield server


def guarding() -> list[Any]:
    group = "admissionregistration.k8s.io/v1"
    made = [
        of("ResourceQuota", "v1", "quota", {"hard": quota([API, TASK], SETTINGS)}),
        of("LimitRange", "v1", "limits", {"limits": limits(SETTINGS)}),
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "reader", "namespace": SPACE},
            "rules": reading(),
        },
    ]
    for name, spec in admission(ALLOWED).items():
        made.append(of("ValidatingAdmissionPolicy", group, name, spec, space=None))
        tied = binding(name, SPACE)
        made.append(of("ValidatingAdmissionPolicyBinding", group, name, tied, space=None))
    return made


def containers(manifest: Any, *, which: str = "containers") -> list[Any]:
    spec = manifest["spec"]
    if manifest["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return (spec if manifest["kind"] == "Pod" else spec["template"]["spec"])[which]


def refused(api: ApiServer, manifest: Any) -> str:
    with pytest.raises(Rejected) as caught:
        api.apply(manifest, dry_run=True)
    return str(caught.value)


# -- what must go in -----------------------------------------------------------------------------
def test_every_object_of_a_workload_is_admitted(api: ApiServer):
    cron = of("CronJob", "batch/v1", "at-times", manifests.cron_job(TASK, "files"))
    cron["spec"]["schedule"] = "0 3 * * *"
    service = of("Service", "v1", "archesai-api", manifests.service(API))
    scaler = of("HorizontalPodAutoscaler", "autoscaling/v2", "api", manifests.autoscaler(API))
    budget = of("PodDisruptionBudget", "policy/v1", "api", manifests.disruption_budget(API))
    for each in (deployment(), job(), cron, pod(), service, scaler, budget):
        api.apply(each, dry_run=True)


def test_every_network_policy_is_admitted(api: ApiServer):
    for each in policies(DECLARED, HERE):
        api.apply(each, dry_run=True)


# -- what must not -------------------------------------------------------------------------------
@pytest.mark.parametrize("make", [deployment, job, pod])
@pytest.mark.parametrize("which", ["containers", "initContainers"])
def test_an_image_from_elsewhere_is_refused_wherever_it_stands(
    api: ApiServer, make: Any, which: str
):
    broken = make()
    each = containers(broken, which=which)[0]
    each["image"] = "docker.io/stranger/tool@sha256:" + "a" * 64
    line = refused(api, broken)
    assert f"image of {each['name']} is from no allowed registry" in line
    assert "allowed: 111122223333.dkr.ecr.eu-central-1.amazonaws.com/, ghcr.io/archesai/" in line


def test_a_registry_that_only_begins_like_ours_is_refused(api: ApiServer):
    broken = deployment()
    containers(broken)[0]["image"] = "ghcr.io/archesai-evil/api@sha256:" + "a" * 64
    assert "is from no allowed registry" in refused(api, broken)


@pytest.mark.parametrize(
    "image", ["ghcr.io/archesai/api", "ghcr.io/archesai/api:v1", "ghcr.io/archesai/api@sha256:ab"]
)
def test_an_image_without_a_digest_is_refused(api: ApiServer, image: str):
    broken = deployment()
    containers(broken)[0]["image"] = image
    line = refused(api, broken)
    # what is no digest is refused by the server itself
    assert "image of api has no digest" in line or "Invalid value" in line


@pytest.mark.parametrize("make", [deployment, job])
@pytest.mark.parametrize(
    ("part", "name"), [("requests", "cpu"), ("requests", "memory"), ("limits", "memory")]
)
def test_a_container_without_its_sizes_is_refused(api: ApiServer, make: Any, part: str, name: str):
    broken = make()
    del containers(broken)[0]["resources"][part][name]
    assert "container api lacks a request for CPU or memory, or a memory limit" in refused(
        api, broken
    )


def test_a_container_without_any_size_is_refused_also_among_the_first(api: ApiServer):
    broken = deployment()
    del containers(broken, which="initContainers")[0]["resources"]
    assert "container tunnel lacks a request" in refused(api, broken)


def test_a_pod_that_does_not_say_whether_it_has_a_token_is_refused(api: ApiServer):
    broken = deployment()
    del broken["spec"]["template"]["spec"]["automountServiceAccountToken"]
    assert "automountServiceAccountToken is not said" in refused(api, broken)


def test_the_token_of_the_default_account_is_refused(api: ApiServer):
    broken = deployment()
    spec = broken["spec"]["template"]["spec"]
    spec |= {"automountServiceAccountToken": True, "serviceAccountName": "default"}
    assert "the token of the default service account is mounted" in refused(api, broken)


@pytest.mark.parametrize("kind", ["LoadBalancer", "NodePort", "ExternalName"])
def test_a_service_that_opens_a_door_is_refused(api: ApiServer, kind: str):
    spec: dict[str, Any] = {"type": kind, "ports": [{"port": 80}]}
    if kind == "ExternalName":
        spec["externalName"] = "example.com"
    assert f"a Service of type {kind}; allowed: ClusterIP" in refused(
        api, of("Service", "v1", "door", spec)
    )


def test_a_service_with_an_address_of_somebody_else_is_refused(api: ApiServer):
    spec = {"ports": [{"port": 80}], "externalIPs": ["203.0.113.7"]}
    assert "a Service with externalIPs; allowed: none" in refused(
        api, of("Service", "v1", "door", spec)
    )


def test_a_debugging_container_has_to_come_from_our_registries_too(api: ApiServer):
    running = pod()
    running["metadata"]["name"] = "running"
    api.apply(running)
    path = f"/api/v1/namespaces/{SPACE}/pods/running/ephemeralcontainers"
    debug = {
        "name": "debug",
        "securityContext": deepcopy(containers(running)[0]["securityContext"]),
    }
    patch: Any = {"spec": {"ephemeralContainers": [debug | {"image": "docker.io/busybox"}]}}
    kind = "application/strategic-merge-patch+json"
    with pytest.raises(Rejected, match=r"image of debug is from no allowed registry"):
        api.ask("PATCH", path, patch, kind=kind, query={"dryRun": "All"})
    ours = "docker.io/library/busybox@sha256:" + "b" * 64
    patch["spec"]["ephemeralContainers"] = [debug | {"image": ours}]
    api.ask("PATCH", path, patch, kind=kind, query={"dryRun": "All"})


def test_pod_security_and_the_limits_still_have_their_say(api: ApiServer):
    privileged = pod()
    containers(privileged)[0]["securityContext"] |= {
        "privileged": True,
        "allowPrivilegeEscalation": True,
    }
    assert "violates PodSecurity" in refused(api, privileged)
    large = pod()
    containers(large)[0]["resources"]["limits"]["memory"] = "64Gi"
    assert "maximum memory usage per Pod is 4Gi" in refused(api, large)


def test_other_namespaces_are_not_ours_to_judge(api: ApiServer):
    free = deployment("elsewhere")
    containers(free)[0]["image"] = "docker.io/stranger/tool:latest"
    api.apply(free, dry_run=True)


def test_forty_containers_are_within_the_servers_budget_for_an_expression(api: ApiServer):
    many = deployment()
    first = containers(many)[0]
    many["spec"]["template"]["spec"]["containers"] = [
        {k: v for k, v in first.items() if k not in ("ports", "readinessProbe")} | {"name": f"c{i}"}
        for i in range(40)
    ]
    api.apply(many, dry_run=True)
