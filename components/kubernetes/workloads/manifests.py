"""What is written into the cluster about one workload: pure functions from its declaration.

Each function takes a `Workload` or `Task` of `shape.py` and gives a part of a manifest as
Kubernetes spells it; `workload.py` places them.

Meets UPD-01 to UPD-03 (rollout, drain, budget, spread), K8S-11 (restricted pods), ENV-02 (a port
is said once), ENV-20 (port `metrics` is in no Service), LB-01 (a zone for each pod), CICD-09 (a
Service selects exactly its own pods).

- Every container after the first is a native sidecar (KEP-753): it starts before the main one and
  stops after it, so a tunnel outlives the requests that drain through it, and a Job can end.
- What a sidecar or an initial container needs to share goes through a scratch directory of the same
  path; `/tmp` is each container's own.
- Files are one ConfigMap named by its content: a change rolls the pods, and pods of the last
  revision keep the files that they were started with.

Refused: `replicas` beside an autoscaler (two owners of one field, pulumi-kubernetes#2491);
ttlSecondsAfterFinished (a refresh would miss the Job and run it again).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.kubernetes.base import STORAGE_CLASS
from components.kubernetes.workloads.shape import (
    VERSION_LABEL,
    Container,
    FromLoadBalancer,
    Pod,
    Probe,
    SecretValue,
    Task,
    Workload,
)

Manifest = dict[str, Any]

# Of this name, a port is for Prometheus alone (ENV-20).
METRICS_PORT = "metrics"
# After that long without progress a rollout has failed (CICD-10).
PROGRESS_SECONDS = 600
SCRAPE_INTERVAL = "15s"  # the guide's scrape_interval (MON-01)
# Pods rolled when a Secret that they use changes outside the program (Stakater Reloader).
RELOADER = {"reloader.stakater.com/auto": "true"}
# A Job that failed is run again by the next `pulumi up` (pulumi-kubernetes, Job).
AGAIN = {"pulumi.com/replaceUnready": "true"}
# A run that could not start within this time is left out, and an alert says so.
STARTING_DEADLINE_SECONDS = 600
GROUP_READ = 0o440
EVERYONE_READ = 0o444


# -- names ---------------------------------------------------------------------------------------
def fingerprint(content: object) -> str:
    """40 bits of the content, as ten hex digits; mappings count in any order."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]


def file_key(container: str, directory: str, file: str) -> str:
    """The key of a file in its pod's ConfigMap."""
    return f"{container}_{_slug(directory)}_{file}"


def files(pod: Pod) -> dict[str, pulumi.Input[str]]:
    """The contents of the pod's ConfigMap; empty where no container has files.

    Raises ValueError: two files would have one key.
    """
    found: dict[str, pulumi.Input[str]] = {}
    for container in (*pod.before, *pod.containers):
        for directory, texts in container.files.items():
            for file, text in texts.items():
                key = file_key(container.name, directory, file)
                if key in found:
                    raise ValueError(
                        f"workload {pod.component}: file {directory}/{file} is said twice as "
                        f"{key}; rename one of the directories"
                    )
                found[key] = text
    return found


def metadata(
    pod: Pod,
    namespace: pulumi.Input[str],
    *,
    name: pulumi.Input[str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    """Name, namespace and labels of an object about this pod."""
    made: Manifest = {"name": name or pod.name, "namespace": namespace, "labels": labels(pod)}
    return made | ({"annotations": dict(annotations)} if annotations else {})


def labels(pod: Pod) -> dict[str, str]:
    """The labels of its objects; what selects its pods, and the version beside it."""
    return pod.labels | ({VERSION_LABEL: pod.version} if pod.version else {})


# -- the pod -------------------------------------------------------------------------------------
def pod_template(pod: Pod, files_name: pulumi.Input[str] | None) -> Manifest:
    """The template of its pods. files_name: its ConfigMap, None where it has no files."""
    return {"metadata": {"labels": labels(pod)}, "spec": pod_spec(pod, files_name)}


def pod_spec(pod: Pod, files_name: pulumi.Input[str] | None = None) -> Manifest:
    """A pod that the Pod Security standard `restricted` admits (K8S-11)."""
    main, *sidecars = pod.containers
    first = [container(pod, each) for each in pod.before]
    beside = [container(pod, each) | {"restartPolicy": "Always"} for each in sidecars]
    stops = _stop(pod)
    spec: Manifest = {
        "serviceAccountName": pod.name,
        "automountServiceAccountToken": pod.api_access,
        # Else every Service of the namespace is an environment variable of every pod.
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": pod.stop_seconds,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": pod.user,
            "runAsGroup": pod.user,
            "fsGroup": pod.user,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container(pod, main) | ({"lifecycle": stops} if stops else {})],
    }
    if held := volumes(pod, files_name):
        spec["volumes"] = held
    if first or beside:
        spec["initContainers"] = [*first, *beside]
    if isinstance(pod, Workload):
        spec["topologySpreadConstraints"] = spread(pod)
    return spec


def container(pod: Pod, each: Container) -> Manifest:
    """One container; of `pod` it needs to know where its volumes are."""
    made: Manifest = {
        "name": each.name,
        "image": each.image,
        "resources": resources(each),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "command": list(each.command),
        "args": list(each.args),
        "ports": [
            {"name": port.name, "containerPort": port.number, "protocol": "TCP"}
            for port in each.ports
        ],
        "env": [{"name": name} | _value(value) for name, value in each.env.items()],
        "volumeMounts": mounts(pod, each),
        "readinessProbe": probe(each.readiness),
        "livenessProbe": probe(each.liveness),
        "startupProbe": probe(each.startup),
    }
    if each.before_stop:
        made["lifecycle"] = {"preStop": {"exec": {"command": list(each.before_stop)}}}
    return {key: value for key, value in made.items() if value}


def resources(each: Container) -> Manifest:
    """Requests, and limits; a limit on CPU only where it is wanted."""
    wanted = each.resources
    limits = {"memory": wanted.memory_limit, "ephemeral-storage": wanted.ephemeral_limit}
    if wanted.cpu_limit is not None:
        limits["cpu"] = wanted.cpu_limit
    requests = {"cpu": wanted.cpu, "memory": wanted.memory, "ephemeral-storage": wanted.ephemeral}
    return {"requests": requests, "limits": limits}


def probe(asked: Probe | None) -> Manifest | None:
    """A probe as the kubelet takes it."""
    if asked is None:
        return None
    if asked.command:
        how: Manifest = {"exec": {"command": list(asked.command)}}
    elif asked.path:
        how = {"httpGet": {"path": asked.path, "port": asked.port, "scheme": "HTTP"}}
    else:
        how = {"tcpSocket": {"port": asked.port}}
    return how | {
        "initialDelaySeconds": asked.delay,
        "periodSeconds": asked.period,
        "timeoutSeconds": asked.timeout,
        "failureThreshold": asked.failures,
    }


def volumes(pod: Pod, files_name: pulumi.Input[str] | None) -> list[Manifest]:
    """Every volume of the pod once; the claim of a StatefulSet is not among them."""
    found: dict[str, Manifest] = {}
    for each in (*pod.before, *pod.containers):
        for path in each.scratch:
            size = {"emptyDir": {"sizeLimit": each.resources.ephemeral_limit}}
            found.setdefault(_scratch(each, path), size)
        for directory, texts in each.files.items():
            found[_files(each, directory)] = {
                "configMap": {
                    "name": files_name,
                    "defaultMode": EVERYONE_READ,
                    "items": [
                        {"key": file_key(each.name, directory, file), "path": file}
                        for file in texts
                    ],
                }
            }
        for secret in each.secret_files.values():
            found[_secret(secret)] = {"secret": {"secretName": secret, "defaultMode": GROUP_READ}}
    return [{"name": name} | source for name, source in found.items()]


def mounts(pod: Pod, each: Container) -> list[Manifest]:
    """Where a container sees its volumes; the one that is kept is for the main one and for those
    that run before it."""
    found: list[Manifest] = [
        {"name": _scratch(each, path), "mountPath": path} for path in each.scratch
    ]
    found += [
        {"name": _files(each, path), "mountPath": path, "readOnly": True} for path in each.files
    ]
    found += [
        {"name": _secret(secret), "mountPath": path, "readOnly": True}
        for path, secret in each.secret_files.items()
    ]
    kept = pod.volume if isinstance(pod, Workload) else None
    if kept is not None and any(each is one for one in (pod.main, *pod.before)):
        found.append({"name": "data", "mountPath": kept.path})
    return found


def spread(workload: Workload) -> list[Manifest]:
    """One zone each, then one node each.

    A revision is spread by itself, since the pods of the last one are about to leave. A cordoned
    node does not count: its zone would block the pods that were drained from it.
    """
    counted: Manifest = {
        "maxSkew": 1,
        "labelSelector": {"matchLabels": workload.labels},
        "nodeTaintsPolicy": "Honor",
    }
    if workload.volume is None:  # pods of a StatefulSet have no such label
        counted["matchLabelKeys"] = ["pod-template-hash"]
    zone, host = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
    return [
        counted | {"topologyKey": zone, "whenUnsatisfiable": "DoNotSchedule"},
        counted | {"topologyKey": host, "whenUnsatisfiable": "ScheduleAnyway"},
    ]


def _stop(pod: Pod) -> Manifest | None:
    """What the main container does before it is told to stop: its own command, or it waits while
    the load balancer and the Services stop sending (UPD-03)."""
    if pod.main.before_stop:
        return {"preStop": {"exec": {"command": list(pod.main.before_stop)}}}
    if isinstance(pod, Workload) and pod.drain_seconds:
        # The kubelet's own, so the image needs no shell (KEP-3960).
        return {"preStop": {"sleep": {"seconds": pod.drain_seconds}}}
    return None


def _value(value: pulumi.Input[str] | SecretValue) -> Manifest:
    if isinstance(value, SecretValue):
        return {"valueFrom": {"secretKeyRef": {"name": value.secret, "key": value.key}}}
    return {"value": value}


def _slug(path: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")


def _scratch(each: Container, path: str) -> str:
    own = f"{each.name}-" if path == "/tmp" else ""
    return f"scratch-{own}{_slug(path)}"[:63].rstrip("-")


def _files(each: Container, directory: str) -> str:
    return f"files-{each.name}-{_slug(directory)}"[:63].rstrip("-")


def _secret(secret: str) -> str:
    return f"secret-{secret}"[:63].rstrip("-")


# -- what runs it --------------------------------------------------------------------------------
def deployment(workload: Workload, files_name: pulumi.Input[str] | None = None) -> Manifest:
    """The spec of its Deployment: pods more during a rollout, never one less (UPD-02); where there
    may be no more, one less."""
    # Both 0 is refused by the API server: nothing could be replaced.
    less = 0 if workload.surge else 1
    return _running(workload, files_name) | {
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": workload.surge, "maxUnavailable": less},
        },
        "progressDeadlineSeconds": PROGRESS_SECONDS,
    }


def stateful_set(workload: Workload, files_name: pulumi.Input[str] | None = None) -> Manifest:
    """The spec of its StatefulSet; the claims stay when it goes. Raises ValueError: no volume."""
    if workload.volume is None:
        raise ValueError(f"workload {workload.component}: it has no volume, so it is a Deployment")
    return _running(workload, files_name) | {
        "serviceName": workload.name,
        # Members of a quorum need each other to become ready; updates still go one by one.
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate"},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "volumeClaimTemplates": [
            {
                "metadata": {"name": "data", "labels": workload.labels},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": STORAGE_CLASS,
                    "resources": {"requests": {"storage": f"{workload.volume.gib}Gi"}},
                },
            }
        ],
    }


def _running(workload: Workload, files_name: pulumi.Input[str] | None) -> Manifest:
    count = {} if autoscaled(workload) else {"replicas": workload.minimum}
    return count | {
        "selector": {"matchLabels": workload.labels},
        "minReadySeconds": workload.settle_seconds,
        "revisionHistoryLimit": 5,
        "template": pod_template(workload, files_name),
    }


def autoscaled(workload: Workload) -> bool:
    """Whether the number of its pods is an autoscaler's."""
    return workload.maximum is not None and workload.maximum > workload.minimum


def job(task: Task, files_name: pulumi.Input[str] | None = None) -> Manifest:
    """The spec of its Job, or of the Jobs of its CronJob."""
    template = pod_template(task, files_name)
    template["spec"]["restartPolicy"] = "Never"  # the logs of a failed pod stay
    return {
        "backoffLimit": task.retries,
        "activeDeadlineSeconds": task.deadline_seconds,
        # A pod whose node was drained has not failed, and its successor waits until it is gone.
        "podFailurePolicy": {
            "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]
        },
        "podReplacementPolicy": "Failed",
        "template": template,
    }


def cron_job(task: Task, files_name: pulumi.Input[str] | None = None) -> Manifest:
    """The spec of its CronJob, never twice at once."""
    return {
        "schedule": task.schedule,
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": STARTING_DEADLINE_SECONDS,
        "successfulJobsHistoryLimit": task.keep_succeeded,
        "failedJobsHistoryLimit": task.keep_failed,
        "jobTemplate": {
            "metadata": {"labels": labels(task)},
            "spec": job(task, files_name),
        },
    }


# -- what stands beside it -----------------------------------------------------------------------
def service(workload: Workload) -> Manifest | None:
    """The spec of its Service, None where nobody may call it; headless for a StatefulSet.

    What the main container listens on; sidecars listen for it, for Prometheus or for the kubelet.
    """
    ports = [port for port in workload.main.ports if port.name != METRICS_PORT]
    if not workload.service or not ports:
        return None
    spec: Manifest = {
        "type": "ClusterIP",
        "selector": workload.labels,
        "ports": [
            {
                "name": port.name,
                "port": port.number,
                "targetPort": port.number,
                "protocol": "TCP",
            }
            for port in ports
        ],
    }
    if workload.volume is not None:
        # Members find each other by name before they are ready.
        spec |= {"clusterIP": "None", "publishNotReadyAddresses": True}
    return spec


def autoscaler(workload: Workload) -> Manifest | None:
    """The spec of its HorizontalPodAutoscaler, on the main container's CPU; None where its number
    is fixed."""
    if not autoscaled(workload):
        return None
    return {
        "scaleTargetRef": {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet" if workload.volume else "Deployment",
            "name": workload.name,
        },
        "minReplicas": workload.minimum,
        "maxReplicas": workload.maximum,
        "metrics": [
            {
                "type": "ContainerResource",
                "containerResource": {
                    "name": "cpu",
                    "container": workload.main.name,
                    "target": {"type": "Utilization", "averageUtilization": workload.cpu_percent},
                },
            }
        ],
        # Down slowly: each pod that goes takes its warm connections with it.
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
    }


def disruption_budget(workload: Workload) -> Manifest:
    """The spec of its PodDisruptionBudget; broken pods never hold up a drain."""
    return {
        "maxUnavailable": workload.may_be_down,
        "selector": {"matchLabels": workload.labels},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }


def pod_monitor(pod: Pod) -> Manifest | None:
    """The spec of its PodMonitor; None where it has no metrics."""
    if pod.metrics is None:
        return None
    return {
        "selector": {"matchLabels": pod.labels},
        "podTargetLabels": list(pod.labels),
        "podMetricsEndpoints": [
            {
                "port": pod.metrics,
                "interval": SCRAPE_INTERVAL,
                # Else the job is "<namespace>/<name>", and no rule of ours would see it (MON-02).
                "relabelings": [{"targetLabel": "job", "replacement": pod.name}],
            }
        ],
    }


def target_group_binding(workload: Workload, target_group_arn: pulumi.Input[str]) -> Manifest:
    """The spec of its TargetGroupBinding. Security groups are the balancer's, so it names none.

    Raises ValueError: the load balancer does not enter it.
    """
    ports = entrances(workload)
    if len(ports) != 1:
        raise ValueError(
            f"workload {workload.component}: bound to a target group, but the load balancer enters "
            f"{len(ports)} of its ports; allowed is one FromLoadBalancer"
        )
    return {
        "targetGroupARN": target_group_arn,
        "targetType": "ip",
        "serviceRef": {"name": workload.name, "port": ports[0]},
    }


def entrances(workload: Workload) -> Sequence[int]:
    """The numbers of the ports that the load balancer enters."""
    return [
        workload.port(each.port)
        for each in workload.entered_by
        if isinstance(each, FromLoadBalancer)
    ]
