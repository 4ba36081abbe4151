"""Workloads that people notice: at a rollout, at a drained node, at a lost zone."""

from __future__ import annotations

from typing import Any

from tests.policies.mutation import Mutant, add, drop, edit, put, several, without

_DEPLOYMENT = "kubernetes:apps/v1:Deployment"
_STATEFUL = "kubernetes:apps/v1:StatefulSet"
_DAEMON = "kubernetes:apps/v1:DaemonSet"
_JOB = "kubernetes:batch/v1:Job"
_SCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
_BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
_API, _POOLER = "platform-application-api", "platform-pooler"
_POD = "spec.template.spec"
_CONTAINER = f"{_POD}.containers.0"
_ROLLING = "spec.strategy.rollingUpdate"


def _bare(kind: str, **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "queue"}}, "spec": {"containers": [{"name": "q"}]}}
    metadata = {"name": "queue", "namespace": "production"}
    return {"kind": kind, "metadata": metadata, "spec": {"template": template, **spec}}


def _unspread(key: str) -> Any:
    def change(values: dict[str, Any]) -> None:
        pod = values["spec"]["template"]["spec"]
        pod["topologySpreadConstraints"] = [
            each for each in pod["topologySpreadConstraints"] if each["topologyKey"] != key
        ]

    return edit(_DEPLOYMENT, change, _API)


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="workload-replicated",
        title="two of the API at night",
        change=put(_SCALER, "spec.minReplicas", 2, _API),
        says=("it runs 2 at least, and 3 are needed",),
        at=_API,
    ),
    Mutant(
        rule="workload-replicated",
        title="one pooler",
        change=put(_DEPLOYMENT, "spec.replicas", 1, _POOLER),
        says=("it runs 1 at least, and 2 are needed",),
        at=_POOLER,
    ),
    Mutant(
        rule="workload-replicated",
        title="a StatefulSet that says nothing",
        change=add(_STATEFUL, "queue", _bare("StatefulSet")),
        says=("it runs 1 at least, and 2 are needed",),
        at="queue",
    ),
    Mutant(
        rule="workload-replicated",
        title="no autoscaler, and no number of replicas",
        change=without(_SCALER, "*gateway"),
        says=("it runs 1 at least, and 2 are needed",),
        at="platform-gateway",
    ),
    Mutant(
        rule="workload-autoscaled",
        title="the API without an autoscaler",
        change=without(_SCALER, _API),
        says=("nothing adds pods of api under load",),
        at=_API,
    ),
    Mutant(
        rule="autoscaler-effective",
        title="a workload that is not there",
        change=put(_SCALER, "spec.scaleTargetRef.name", "archesai-ap", _API),
        says=("it scales archesai-ap, which is not declared",),
    ),
    Mutant(
        rule="autoscaler-effective",
        title="a workload that sets its own number",
        change=put(_DEPLOYMENT, "spec.replicas", 3, _API),
        says=("every deployment sets archesai-api back to its own number of replicas",),
        at=_API,
    ),
    Mutant(
        rule="autoscaler-effective",
        title="no room above the minimum, and nothing to look at",
        change=several(
            put(_SCALER, "spec.maxReplicas", 3, _API), put(_SCALER, "spec.metrics", [], _API)
        ),
        says=("it never adds a pod", "it looks at nothing"),
    ),
    Mutant(
        rule="workload-has-budget",
        title="the API without a budget",
        change=without(_BUDGET, _API),
        says=("all of its pods may be moved at the same time",),
        at=_API,
    ),
    Mutant(
        rule="workload-has-budget",
        title="a budget for other pods",
        change=put(
            _BUDGET, "spec.selector.matchLabels", {"app.kubernetes.io/component": "a"}, _POOLER
        ),
        says=("all of its pods may be moved at the same time",),
        at=_POOLER,
    ),
    Mutant(
        rule="workload-has-budget",
        title="a StatefulSet without a budget",
        change=add(_STATEFUL, "queue", _bare("StatefulSet", replicas=3)),
        says=("all of its pods may be moved at the same time",),
        at="queue",
    ),
    Mutant(
        rule="budget-lets-drain",
        title="no pod may go",
        change=put(_BUDGET, "spec.maxUnavailable", 0, _API),
        says=("no pod may ever be moved, so no node can be drained",),
    ),
    Mutant(
        rule="budget-lets-drain",
        title="as many kept as there are",
        change=put(_BUDGET, "spec.minAvailable", 3, _API),
        says=("it keeps 3 of 3 pods, so no node can be drained",),
    ),
    Mutant(
        rule="budget-lets-drain",
        title="a budget for nobody",
        change=put(
            _BUDGET,
            "spec.selector",
            {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
            _API,
        ),
        says=("it guards no pod",),
    ),
    Mutant(
        rule="budget-lets-drain",
        title="sick pods hold their node back",
        change=drop(_BUDGET, "spec.unhealthyPodEvictionPolicy", _API),
        says=("a pod that is not ready holds its node back",),
    ),
    Mutant(
        rule="workload-spread",
        title="not over zones",
        change=_unspread("topology.kubernetes.io/zone"),
        says=("all of its pods may be in one zone",),
    ),
    Mutant(
        rule="workload-spread",
        title="over nodes of other pods",
        change=put(
            _DEPLOYMENT,
            f"{_POD}.topologySpreadConstraints.1.labelSelector.matchLabels",
            {"app.kubernetes.io/component": "other"},
            _API,
        ),
        says=("all of its pods may be in one node",),
    ),
    Mutant(
        rule="workload-spread",
        title="over zones where that is convenient",
        change=put(
            _DEPLOYMENT,
            f"{_POD}.topologySpreadConstraints.0.whenUnsatisfiable",
            "ScheduleAnyway",
            _API,
        ),
        says=("all of its pods may be in one zone where the others are full",),
    ),
    Mutant(
        rule="workload-spread",
        title="a StatefulSet that says nothing",
        change=add(_STATEFUL, "queue", _bare("StatefulSet")),
        says=("all of its pods may be in one zone", "all of its pods may be in one node"),
    ),
    Mutant(
        rule="workload-rolled-without-gap",
        title="one of the API taken away first",
        change=put(_DEPLOYMENT, f"{_ROLLING}.maxUnavailable", 1, _API),
        says=("a rollout adds 1 and takes 1 of its pods away",),
    ),
    Mutant(
        rule="workload-rolled-without-gap",
        title="the API server's own numbers",
        change=drop(_DEPLOYMENT, "spec.strategy", _API),
        says=("a rollout adds 25% and takes 25% of its pods away",),
    ),
    Mutant(
        rule="workload-rolled-without-gap",
        title="all stopped first",
        change=put(_DEPLOYMENT, "spec.strategy", {"type": "Recreate"}, _API),
        says=("a rollout stops it",),
    ),
    Mutant(
        rule="workload-rolled-without-gap",
        title="one pooler more than the database has connections for",
        change=put(_DEPLOYMENT, f"{_ROLLING}.maxSurge", 1, _POOLER),
        says=("a rollout adds 1 and takes 1, where 0 and 1 are the budget",),
    ),
    Mutant(
        rule="workload-probed",
        title="requests before it is ready",
        change=drop(_DEPLOYMENT, f"{_CONTAINER}.readinessProbe", _API),
        says=("container api gets requests before it can answer them",),
    ),
    Mutant(
        rule="workload-probed",
        title="a DaemonSet without probes",
        change=add(_DAEMON, "queue", _bare("DaemonSet")),
        says=(
            "container q gets requests before it can answer them",
            "container q stays when it hangs",
        ),
    ),
    Mutant(
        rule="workload-drained",
        title="stopped at once",
        change=drop(_DEPLOYMENT, f"{_CONTAINER}.lifecycle", _API),
        says=("container api stops while it still gets requests",),
    ),
    Mutant(
        rule="workload-drained",
        title="a second for the last requests",
        change=put(_DEPLOYMENT, f"{_CONTAINER}.lifecycle.preStop.sleep.seconds", 1, _API),
        says=("container api waits 1 s for its last requests",),
    ),
    Mutant(
        rule="workload-drained",
        title="the API server's own grace",
        change=drop(_DEPLOYMENT, f"{_POD}.terminationGracePeriodSeconds", _API),
        says=("container api is killed after 30 s, in the middle of its requests",),
    ),
    Mutant(
        rule="workload-rollout-awaited",
        title="the API not waited for",
        change=put(_DEPLOYMENT, "metadata.annotations", {"pulumi.com/skipAwait": "true"}, _API),
        says=("a deployment ends well although its pods never start",),
    ),
    Mutant(
        rule="workload-rollout-awaited",
        title="a stuck rollout for an hour",
        change=put(_DEPLOYMENT, "spec.progressDeadlineSeconds", 3600, _API),
        says=("a stuck rollout is told after more than 600 s",),
    ),
    Mutant(
        rule="workload-rollout-awaited",
        title="migrations not waited for",
        change=put(_JOB, "metadata.annotations", {"pulumi.com/skipAwait": "true"}, "*migrations"),
        says=("a deployment ends well although its pods never start",),
    ),
)
