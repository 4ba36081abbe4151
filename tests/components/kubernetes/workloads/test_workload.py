"""A declared workload in the cluster: each object once, and each fact in one place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import kubernetes_validate
import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.kubernetes.workloads import manifests
from components.kubernetes.workloads.shape import (
    Container,
    FromLoadBalancer,
    Port,
    Probe,
    Resources,
    SecretValue,
    Task,
    Volume,
    Workload,
)
from components.kubernetes.workloads.workload import Deployed, DeployedArgs, Ran, RanArgs
from tests.neighbours import context, known
from tests.recorder import Recorder, record

DIGEST = "@sha256:" + "a" * 64
RESOURCES = Resources(cpu="500m", memory="512Mi", memory_limit="1Gi", cpu_limit="1")
TARGET_GROUP = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/gateway/1"

SERVICE_ACCOUNT = "kubernetes:core/v1:ServiceAccount"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
SERVICE = "kubernetes:core/v1:Service"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
JOB = "kubernetes:batch/v1:Job"
CRON_JOB = "kubernetes:batch/v1:CronJob"
POD_MONITOR = "kubernetes:monitoring.coreos.com/v1:PodMonitor"
BINDING = "kubernetes:elbv2.k8s.aws/v1beta1:TargetGroupBinding"


def main(**changes: Any) -> Container:
    plain: dict[str, Any] = {
        "name": "api",
        "image": "ghcr.io/archesai/archesai" + DIGEST,
        "resources": RESOURCES,
        "ports": (Port(name="http", number=8080), Port(name="metrics", number=9090)),
        "env": {"NODE_ENV": "production", "JWT_SECRET": SecretValue(secret="keys", key="jwt")},
        "files": {"/etc/archesai": {"arches.yaml": "api: {}\n"}},
        "secret_files": {"/etc/tls": "archesai-tls"},
        "readiness": Probe(port="http", path="/health", period=5),
    }
    return Container(**{**plain, **changes})


def tunnel() -> Container:
    return Container(
        name="tunnel",
        image="docker.io/library/haproxy" + DIGEST,
        resources=RESOURCES,
        ports=(Port(name="exporter", number=9121),),
        scratch=("/tmp", "/run/shared"),
    )


def workload(**changes: Any) -> Workload:
    plain: dict[str, Any] = {
        "component": "api",
        "containers": (main(), tunnel()),
        "entered_by": (FromLoadBalancer(port="http"),),
        "metrics": "metrics",
        "minimum": 3,
        "maximum": 10,
        "drain_seconds": 45,
        "stop_seconds": 90,
        "version": "1.2.3",
    }
    return Workload(**{**plain, **changes})


def task(**changes: Any) -> Task:
    plain: dict[str, Any] = {"component": "migrations", "containers": (main(), tunnel())}
    return Task(**{**plain, **changes})


def deployed(declared: Workload, **more: Any) -> Recorder:
    def program() -> None:
        on = pulumi.ResourceOptions(providers=[kubernetes.Provider("k", kubeconfig="{}")])
        args = DeployedArgs(context=context(), namespace="production", workload=declared, **more)
        Deployed("api", args, on)

    return record(program)


def ran(declared: Task) -> Recorder:
    def program() -> None:
        on = pulumi.ResourceOptions(providers=[kubernetes.Provider("k", kubeconfig="{}")])
        Ran("job", RanArgs(context=context(), namespace="production", task=declared), on)

    return record(program)


def pod_of(made: Recorder, kind: str) -> dict[str, Any]:
    return made.one(kind).inputs["spec"]["template"]["spec"]


def valid(made: Recorder) -> None:
    """Every built-in object fits the schema of the newest Kubernetes that the package has."""
    newest = kubernetes_validate.latest_version()
    for each in made.custom:
        if "coreos" not in each.type and "elbv2" not in each.type:
            kubernetes_validate.validate(each.inputs, newest, strict=True)


# -- what is made --------------------------------------------------------------------------------
def test_one_declaration_makes_every_object_of_a_service_once():
    made = deployed(workload(), target_group_arn=known(TARGET_GROUP))
    assert sorted(r.type for r in made.custom) == sorted(
        [SERVICE_ACCOUNT, CONFIG_MAP, SERVICE, DEPLOYMENT, AUTOSCALER, BUDGET, POD_MONITOR, BINDING]
    )
    valid(made)


def test_every_object_has_the_same_name_namespace_and_labels():
    for each in deployed(workload(), target_group_arn=TARGET_GROUP).custom:
        about = each.inputs["metadata"]
        assert about["namespace"] == "production", f"{each.type} would land elsewhere (K8S-01)"
        assert about["name"].startswith("archesai-api")
        assert about["labels"] == {
            "app.kubernetes.io/name": "archesai",
            "app.kubernetes.io/component": "api",
            "app.kubernetes.io/version": "1.2.3",
        }


def test_a_service_selects_exactly_the_pods_of_its_component():
    made = deployed(workload())
    chosen = {"app.kubernetes.io/name": "archesai", "app.kubernetes.io/component": "api"}
    assert made.one(SERVICE).inputs["spec"]["selector"] == chosen, "CICD-09: all pods would answer"
    assert made.one(DEPLOYMENT).inputs["spec"]["selector"] == {"matchLabels": chosen}, (
        "a version in the selector would make every release a new Deployment"
    )
    assert made.one(BUDGET).inputs["spec"]["selector"] == {"matchLabels": chosen}


def test_the_port_of_the_declaration_is_the_only_one_anywhere():
    made = deployed(workload(), target_group_arn=TARGET_GROUP)
    ports = made.one(SERVICE).inputs["spec"]["ports"]
    assert [(p["port"], p["targetPort"]) for p in ports] == [(8080, 8080)]
    assert made.one(BINDING).inputs["spec"] == {
        "targetGroupARN": TARGET_GROUP,
        "targetType": "ip",
        "serviceRef": {"name": "archesai-api", "port": 8080},
    }
    pod = pod_of(made, DEPLOYMENT)
    assert pod["containers"][0]["readinessProbe"]["httpGet"]["port"] == "http"


def test_the_metrics_port_is_in_no_service_but_is_scraped():
    made = deployed(workload())
    assert 9090 not in [p["port"] for p in made.one(SERVICE).inputs["spec"]["ports"]], (
        "the load balancer could be pointed at it (ENV-20)"
    )
    (endpoint,) = made.one(POD_MONITOR).inputs["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] == "metrics"
    assert endpoint["interval"] == "15s", "MON-01: the guide's interval"
    assert endpoint["relabelings"] == [{"targetLabel": "job", "replacement": "archesai-api"}], (
        "no rule would see the pods (MON-02)"
    )


# -- rollout -------------------------------------------------------------------------------------
def test_a_rollout_adds_one_pod_and_never_takes_one_away():
    spec = deployed(workload()).one(DEPLOYMENT).inputs["spec"]
    assert spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
    }, "UPD-01, UPD-02: users would meet fewer pods during a release"
    assert (spec["minReadySeconds"], spec["progressDeadlineSeconds"]) == (10, 600), "CICD-10"


def test_a_rollout_that_may_add_none_takes_one_away():
    spec = deployed(workload(surge=0, settle_seconds=30)).one(DEPLOYMENT).inputs["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert spec["minReadySeconds"] == 30


def test_where_there_is_an_autoscaler_nobody_else_says_how_many_pods():
    made = deployed(workload())
    assert "replicas" not in made.one(DEPLOYMENT).inputs["spec"], "each run would scale back"
    spec = made.one(AUTOSCALER).inputs["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 10)
    assert spec["metrics"][0]["containerResource"]["container"] == "api", (
        "the sidecar's idle CPU would hide the load"
    )


@pytest.mark.parametrize("maximum", [None, 3])
def test_a_fixed_number_of_pods_has_no_autoscaler(maximum: int | None):
    made = deployed(workload(maximum=maximum))
    assert made.of(AUTOSCALER) == []
    assert made.one(DEPLOYMENT).inputs["spec"]["replicas"] == 3


def test_a_stopping_pod_serves_until_it_is_deregistered_and_its_tunnel_outlives_it():
    pod = pod_of(deployed(workload()), DEPLOYMENT)
    (api,) = pod["containers"]
    (beside,) = pod["initContainers"]
    assert api["lifecycle"] == {"preStop": {"sleep": {"seconds": 45}}}
    assert pod["terminationGracePeriodSeconds"] == 90
    assert beside["name"] == "tunnel"
    assert beside["restartPolicy"] == "Always", "requests that drain would lose their Redis"
    assert "lifecycle" not in beside


def test_a_program_that_drains_by_itself_is_told_by_its_own_command():
    declared = workload(containers=(main(before_stop=("/bin/drain",)),))
    (api,) = pod_of(deployed(declared), DEPLOYMENT)["containers"]
    assert api["lifecycle"] == {"preStop": {"exec": {"command": ["/bin/drain"]}}}


def test_pods_are_there_only_after_what_they_need():
    made = deployed(workload(), target_group_arn=TARGET_GROUP)
    waits = set(made.one(DEPLOYMENT).dependencies)
    for kind in (SERVICE_ACCOUNT, CONFIG_MAP, SERVICE, BINDING):
        assert made.one(kind).urn in waits, f"the first pods would start without their {kind}"
    notes = made.one(SERVICE).inputs["metadata"]["annotations"]
    assert notes == {"pulumi.com/skipAwait": "true"}, "Service and pods would wait for each other"


def test_zones_are_spread_hard_and_nodes_softly_per_revision():
    zone, host = pod_of(deployed(workload()), DEPLOYMENT)["topologySpreadConstraints"]
    assert (zone["topologyKey"], zone["whenUnsatisfiable"]) == (
        "topology.kubernetes.io/zone",
        "DoNotSchedule",
    ), "LB-01: one zone could hold every pod"
    assert (host["topologyKey"], host["whenUnsatisfiable"]) == (
        "kubernetes.io/hostname",
        "ScheduleAnyway",
    )
    assert zone["matchLabelKeys"] == ["pod-template-hash"], "the old revision would block the new"
    assert zone["nodeTaintsPolicy"] == "Honor", "a drained zone would block its own pods"


def test_a_drain_takes_one_pod_at_a_time_and_broken_ones_never_stop_it():
    spec = deployed(workload()).one(BUDGET).inputs["spec"]
    assert spec["maxUnavailable"] == 1
    assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


# -- security ------------------------------------------------------------------------------------
def test_pods_are_as_the_restricted_standard_wants_them():
    pod = pod_of(deployed(workload()), DEPLOYMENT)
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }, "K8S-11: the namespace would refuse the pod"
    for each in (*pod["containers"], *pod["initContainers"]):
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, each["name"]
        assert set(each["resources"]["requests"]) == {"cpu", "memory", "ephemeral-storage"}
        assert set(each["resources"]["limits"]) == {"cpu", "memory", "ephemeral-storage"}


@pytest.mark.parametrize("api_access", [False, True])
def test_a_pod_has_the_clusters_token_only_where_it_speaks_to_the_api(api_access: bool):
    made = deployed(workload(api_access=api_access))
    assert made.one(SERVICE_ACCOUNT).inputs["automountServiceAccountToken"] is False
    pod = pod_of(made, DEPLOYMENT)
    assert pod["automountServiceAccountToken"] is api_access
    assert pod["serviceAccountName"] == "archesai-api"
    assert pod["enableServiceLinks"] is False


def test_secrets_come_by_reference_and_read_only():
    pod = pod_of(deployed(workload()), DEPLOYMENT)
    (api,) = pod["containers"]
    assert api["env"] == [
        {"name": "NODE_ENV", "value": "production"},
        {"name": "JWT_SECRET", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "jwt"}}},
    ]
    assert {"name": "secret-archesai-tls", "mountPath": "/etc/tls", "readOnly": True} in api[
        "volumeMounts"
    ]
    volume = next(v for v in pod["volumes"] if v["name"] == "secret-archesai-tls")
    assert volume["secret"] == {"secretName": "archesai-tls", "defaultMode": 0o440}


def test_a_secret_that_changes_outside_the_program_rolls_the_pods():
    about = deployed(workload()).one(DEPLOYMENT).inputs["metadata"]
    assert about["annotations"] == {"reloader.stakater.com/auto": "true"}, "SEC-06"


# -- files ---------------------------------------------------------------------------------------
def test_a_change_of_any_file_is_another_config_map_and_so_another_revision():
    first = deployed(workload())
    other = deployed(
        workload(containers=(main(files={"/etc/archesai": {"arches.yaml": "api: {port: 1}\n"}}),))
    )
    names = [made.one(CONFIG_MAP).inputs["metadata"]["name"] for made in (first, other)]
    assert names[0] != names[1], "pods would keep the configuration that they started with"
    assert first.one(CONFIG_MAP).inputs["immutable"] is True
    for made, name in zip((first, other), names, strict=True):
        volume = next(v for v in pod_of(made, DEPLOYMENT)["volumes"] if "configMap" in v)
        assert volume["configMap"]["name"] == name


def test_files_are_mounted_read_only_under_their_own_names():
    made = deployed(workload())
    assert made.one(CONFIG_MAP).inputs["data"] == {"api_etc-archesai_arches.yaml": "api: {}\n"}
    pod = pod_of(made, DEPLOYMENT)
    volume = next(v for v in pod["volumes"] if "configMap" in v)
    assert volume["configMap"]["items"] == [
        {"key": "api_etc-archesai_arches.yaml", "path": "arches.yaml"}
    ]
    mount = next(m for m in pod["containers"][0]["volumeMounts"] if m["name"] == volume["name"])
    assert (mount["mountPath"], mount["readOnly"]) == ("/etc/archesai", True)


def test_two_files_of_one_key_are_refused():
    twice = main(files={"/etc/a": {"x": "1"}, "/etc-a": {"x": "2"}})
    with pytest.raises(ValueError, match=r"workload api: file /etc-a/x is said twice"):
        manifests.files(workload(containers=(twice,)))


def test_scratch_is_limited_and_shared_by_path_but_not_tmp():
    sharing = replace(tunnel(), name="first", ports=())
    pod = manifests.pod_spec(workload(before=(sharing,)))
    scratch = {v["name"]: v["emptyDir"] for v in pod["volumes"] if "emptyDir" in v}
    assert scratch == {
        "scratch-first-tmp": {"sizeLimit": "512Mi"},
        "scratch-run-shared": {"sizeLimit": "512Mi"},
        "scratch-api-tmp": {"sizeLimit": "512Mi"},
        "scratch-tunnel-tmp": {"sizeLimit": "512Mi"},
    }


# -- what keeps its data -------------------------------------------------------------------------
def test_a_workload_with_a_volume_is_a_protected_stateful_set_behind_a_headless_service():
    made = deployed(workload(volume=Volume(path="/data", gib=20), maximum=None))
    kept = made.one(STATEFUL_SET)
    spec = kept.inputs["spec"]
    assert kept.protect
    assert spec["serviceName"] == "archesai-api"
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["spec"]["storageClassName"] == "gp3-encrypted"
    assert claim["spec"]["resources"] == {"requests": {"storage": "20Gi"}}
    service = made.one(SERVICE).inputs["spec"]
    assert (service["clusterIP"], service["publishNotReadyAddresses"]) == ("None", True)
    (api,) = spec["template"]["spec"]["containers"]
    (beside,) = spec["template"]["spec"]["initContainers"]
    data = {"name": "data", "mountPath": "/data"}
    assert data in api["volumeMounts"]
    assert data not in beside["volumeMounts"]
    valid(made)


# -- tasks ---------------------------------------------------------------------------------------
def test_a_job_is_named_by_its_content_so_that_a_change_makes_a_new_one():
    names = [
        ran(each).one(JOB).inputs["metadata"]["name"]
        for each in (task(), task(), task(containers=(main(env={"A": "2"}), tunnel())))
    ]
    assert names[0] == names[1], "every run would migrate again"
    assert names[0] != names[2], "Jobs are immutable: the change would be refused"
    assert names[0].startswith("archesai-migrations-")


def test_a_job_ends_although_it_has_a_sidecar_and_is_kept():
    made = ran(task(retries=0))
    spec = made.one(JOB).inputs["spec"]
    assert spec["template"]["spec"]["initContainers"][0]["restartPolicy"] == "Always"
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert spec["backoffLimit"] == 0
    assert spec["podReplacementPolicy"] == "Failed", "two pods could migrate at once (MIG-01)"
    assert "ttlSecondsAfterFinished" not in spec, "a refresh would run it again"
    assert made.one(JOB).inputs["metadata"]["annotations"] == {"pulumi.com/replaceUnready": "true"}
    valid(made)


def test_a_task_at_times_is_a_cron_job_in_utc_that_never_runs_twice_at_once():
    made = ran(task(schedule="15 3 * * *"))
    assert made.of(JOB) == []
    spec = made.one(CRON_JOB).inputs["spec"]
    assert (spec["schedule"], spec["timeZone"]) == ("15 3 * * *", "Etc/UTC")
    assert spec["concurrencyPolicy"] == "Forbid"
    assert "annotations" not in made.one(CRON_JOB).inputs["metadata"], (
        "a changed Secret would start a run at any hour"
    )
    valid(made)


# -- what is refused -----------------------------------------------------------------------------
def test_a_target_group_needs_exactly_one_port_that_the_load_balancer_enters():
    with pytest.raises(ValueError, match=r"the load balancer enters 0 of its ports; allowed is on"):
        manifests.target_group_binding(workload(entered_by=()), TARGET_GROUP)


def test_a_workload_without_a_volume_is_no_stateful_set():
    with pytest.raises(ValueError, match=r"workload api: it has no volume"):
        manifests.stateful_set(workload())
