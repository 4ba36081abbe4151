"""Workloads: people notice no rollout, no drained node and no lost zone.

What customers' traffic stops without (numbers of pods) binds where customers are served; how a
workload is built binds everywhere, or it would be tried for the first time in production.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rules.declared import cluster
from rules.kubernetes import (
    Object,
    Template,
    checkov,
    in_containers,
    in_pods,
    judged_objects,
    objects,
    template_of,
    types,
)
from rules.model import Item, NotApplicable, Rule, Stack, StackRule

COMPONENT = "app.kubernetes.io/component"
NAME = "app.kubernetes.io/name"
SERVING = ("Deployment", "StatefulSet")
_SERVING = types("apps/v1:Deployment", "apps/v1:StatefulSet")
_DEPLOYMENT = types("apps/v1:Deployment")
_SCALER = types("autoscaling/v2:HorizontalPodAutoscaler")
_BUDGET = types("policy/v1:PodDisruptionBudget")

# UPD-03 and the guide's Kubernetes page: three of the API; of everything else two, so that one may
# go.
FEWEST = {"api": 3}
FEWEST_OTHERS = 2
# What answers customers: it grows with their load, and ends their requests before it stops.
FACING = frozenset({"api", "gateway", "platform"})
# Rolled by taking one away first, and why.
ROLLED_DOWN_FIRST = {
    "pooler": "one more pooler would open more connections than the database has left (POOL-10)",
}
# Fact A18: the application needs up to 30 s to end what it began.
SHUTDOWN_SECONDS = 30
# UPD-03: the load balancer needs that long to stop sending.
DEREGISTERED_SECONDS = 15
# CICD-10
PROGRESS_SECONDS = 600
SKIP = "pulumi.com/skipAwait"


def _component(owner: Object) -> str:
    template = template_of(owner)
    return template.labels.get(COMPONENT, "") if template else ""


def _replicated(subject: Item, stack: Stack) -> Iterator[str]:
    here = cluster(stack)
    for owner in objects(subject.props, *SERVING) if stack.serves_customers else ():
        floor, fewest = here.floor(owner), FEWEST.get(_component(owner), FEWEST_OTHERS)
        if floor < fewest:
            yield f"{owner.said_of}it runs {floor} at least, and {fewest} are needed"


def _autoscaled(subject: Item, stack: Stack) -> Iterator[str]:
    here = cluster(stack)
    for owner in objects(subject.props, *SERVING) if stack.serves_customers else ():
        component = _component(owner)
        if component in FACING and here.scaler(owner) is None:
            yield f"{owner.said_of}nothing adds pods of {component} under load"


def _scaler(subject: Item, stack: Stack) -> Iterator[str]:
    here = cluster(stack)
    for scaler in objects(subject.props, "HorizontalPodAutoscaler"):
        said, spec = scaler.said_of, scaler.props.at("spec")
        kind, name = str(spec.at("scaleTargetRef.kind")), str(spec.at("scaleTargetRef.name"))
        owner = here.named(kind).get((scaler.namespace, name))
        if owner is None:
            yield f"{said}it scales {name}, which is not declared"
            continue
        if owner.props.given("spec.replicas"):
            yield f"{said}every deployment sets {name} back to its own number of replicas"
        if int(spec.at("maxReplicas", 1)) <= int(spec.at("minReplicas", 1)):
            yield f"{said}it never adds a pod"
        if not spec.at("metrics"):
            yield f"{said}it looks at nothing"


def _has_budget(subject: Item, stack: Stack) -> Iterator[str]:
    here = cluster(stack)
    for owner in objects(subject.props, *SERVING):
        template = template_of(owner)
        if template and not here.taking("PodDisruptionBudget", template):
            yield f"{owner.said_of}all of its pods may be moved at the same time"


def _budget(subject: Item, stack: Stack) -> Iterator[str]:
    here = cluster(stack)
    for budget in objects(subject.props, "PodDisruptionBudget"):
        said, spec = budget.said_of, budget.props.at("spec")
        kept, moved = spec.at("minAvailable"), spec.at("maxUnavailable")
        pods = sum(here.floor(each.owner) for each in here.taken(budget))
        if moved in (0, "0", "0%") or kept == "100%":
            yield f"{said}no pod may ever be moved, so no node can be drained"
        elif isinstance(kept, int | float) and kept >= pods:
            yield f"{said}it keeps {int(kept)} of {pods} pods, so no node can be drained"
        if not pods:
            yield f"{said}it guards no pod"
        if spec.at("unhealthyPodEvictionPolicy") != "AlwaysAllow":
            yield f"{said}a pod that is not ready holds its node back"


def _spread(owner: Object) -> Iterator[str]:
    template = template_of(owner)
    if template is None:
        return
    constraints = template.spec.at("topologySpreadConstraints") or ()
    for key, word in (("topology.kubernetes.io/zone", "zone"), ("kubernetes.io/hostname", "node")):
        ours = [c for c in constraints if c.get("topologyKey") == key]
        counted = [c for c in ours if _counts(c.at("labelSelector.matchLabels"), template)]
        if not counted:
            yield f"all of its pods may be in one {word}"
        elif word == "zone" and not any(
            c.get("whenUnsatisfiable") == "DoNotSchedule" for c in counted
        ):
            yield "all of its pods may be in one zone where the others are full"


def _counts(labels: Mapping[str, str] | None, template: Template) -> bool:
    """Whether a constraint counts the pods that it is said of, and not nothing."""
    return bool(labels) and labels.items() <= template.labels.items()


def _rollout(owner: Object) -> Iterator[str]:
    strategy = owner.props.at("spec.strategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        yield "a rollout stops it"
        return
    rolling = strategy.get("rollingUpdate") or {}
    surge, gone = rolling.get("maxSurge", "25%"), rolling.get("maxUnavailable", "25%")
    if _component(owner) in ROLLED_DOWN_FIRST:
        if (surge, gone) != (0, 1):
            yield f"a rollout adds {_n(surge)} and takes {_n(gone)}, where 0 and 1 are the budget"
    elif gone != 0 or surge in (0, "0%"):
        yield f"a rollout adds {_n(surge)} and takes {_n(gone)} of its pods away"


def _n(value: object) -> str:
    return str(int(value)) if isinstance(value, float) else str(value)


def _probed(owner: Object) -> Iterator[str]:
    template = template_of(owner)
    for name, each in template.containers("containers") if template else ():
        for probe, wrong in (
            ("readinessProbe", "gets requests before it can answer them"),
            ("livenessProbe", "stays when it hangs"),
        ):
            if not each.given(probe):
                yield f"{name} {wrong}"


def _drained(owner: Object) -> Iterator[str]:
    template = template_of(owner)
    if template is None:
        return
    serving = [c for c in template.containers("containers") if c[1].at("ports")]
    if not serving and not owner.path:
        raise NotApplicable("it serves nobody")
    grace = float(template.spec.at("terminationGracePeriodSeconds", 30))
    for name, each in serving:
        if not each.given("lifecycle.preStop"):
            yield f"{name} stops while it still gets requests"
        if _component(owner) not in FACING or not each.given("lifecycle.preStop"):
            continue
        slept = each.at("lifecycle.preStop.sleep.seconds")
        if slept is not None and slept < DEREGISTERED_SECONDS:
            yield f"{name} waits {int(slept)} s for its last requests"
        if grace < (slept or DEREGISTERED_SECONDS) + SHUTDOWN_SECONDS:
            yield f"{name} is killed after {int(grace)} s, in the middle of its requests"


def _awaited(owner: Object) -> Iterator[str]:
    if str((owner.props.at("metadata.annotations") or {}).get(SKIP)).lower() == "true":
        yield "a deployment ends well although its pods never start"
    if float(owner.props.at("spec.progressDeadlineSeconds", PROGRESS_SECONDS)) > PROGRESS_SECONDS:
        yield f"a stuck rollout is told after more than {PROGRESS_SECONDS} s"


_K8S = "https://kubernetes.io/docs"
_PODS = f"{_K8S}/concepts/workloads/pods/pod-lifecycle"
_ROLLOUT = f"{_K8S}/concepts/workloads/controllers/deployment"
_PDB = f"{_K8S}/tasks/run-application/configure-pdb"
_HPA = f"{_K8S}/tasks/run-application/horizontal-pod-autoscale"
_AVAILABLE = ("SOC2 A1.2", "ISO27001 A.8.14")

RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="workload-replicated",
        sentence="Where customers are served, no workload stops with one pod.",
        types=_SERVING,
        severity="high",
        requirements=("UPD-03", "LB-01", "POOL-01", "CHK-DR-01"),
        controls=_AVAILABLE,
        why="A node that goes takes its pods along, and people wait until others have started.",
        fix="raise replicas, or the autoscaler's minimum",
        url=_ROLLOUT,
        evidence=("spec.replicas",),
        judge=_replicated,
    ),
    StackRule(
        name="workload-autoscaled",
        sentence="Where customers are served, what meets their load grows with it.",
        types=_SERVING,
        severity="medium",
        requirements=("UPD-03", "ENV-08"),
        controls=("SOC2 A1.1", "ISO27001 A.8.6"),
        why="A busy morning turns into slow answers and then into errors.",
        fix="give it a HorizontalPodAutoscaler",
        url=_HPA,
        evidence=("metadata.name",),
        judge=_autoscaled,
    ),
    StackRule(
        name="autoscaler-effective",
        sentence="An autoscaler scales something that is there, and nobody scales it back.",
        types=_SCALER,
        severity="medium",
        requirements=("UPD-03", "ENV-08"),
        controls=("SOC2 A1.1", "ISO27001 A.8.6"),
        why="Two that set the same number fight, and the pods go in the middle of the day.",
        fix="name the workload, drop its replicas, and leave room above the minimum",
        url=_HPA,
        evidence=("spec.scaleTargetRef", "spec.minReplicas", "spec.maxReplicas"),
        judge=_scaler,
    ),
    StackRule(
        name="workload-has-budget",
        sentence="Every workload has a disruption budget.",
        types=_SERVING,
        severity="high",
        requirements=("UPD-03",),
        controls=_AVAILABLE,
        why="An upgrade of the nodes may move all pods of a workload at once.",
        fix="give it a PodDisruptionBudget with max_unavailable 1",
        url=_PDB,
        evidence=("spec.selector.matchLabels",),
        judge=_has_budget,
    ),
    StackRule(
        name="budget-lets-drain",
        sentence="Every disruption budget guards pods and lets one of them go.",
        types=_BUDGET,
        severity="medium",
        requirements=("UPD-03",),
        controls=_AVAILABLE,
        why="A node that cannot be drained is not patched, and blocks every upgrade.",
        fix="set max_unavailable 1, unhealthy_pod_eviction_policy AlwaysAllow and the right labels",
        url=_PDB,
        evidence=("spec.minAvailable", "spec.maxUnavailable", "spec.unhealthyPodEvictionPolicy"),
        judge=_budget,
    ),
    Rule(
        name="workload-spread",
        sentence="Every workload is spread over zones and nodes.",
        types=_SERVING,
        severity="high",
        requirements=("UPD-03", "LB-01", "CHK-DR-01"),
        controls=_AVAILABLE,
        why="The scheduler may put all pods where one lost zone takes every one of them.",
        fix="add topology_spread_constraints over zones (DoNotSchedule) and nodes for its labels",
        url=f"{_K8S}/concepts/scheduling-eviction/topology-spread-constraints",
        evidence=in_pods("topologySpreadConstraints"),
        judge=judged_objects(_spread, *SERVING),
    ),
    Rule(
        name="workload-rolled-without-gap",
        sentence="A rollout takes no pod away before its successor answers.",
        types=_DEPLOYMENT,
        severity="high",
        requirements=("UPD-01", "UPD-02"),
        controls=("SOC2 CC8.1", *_AVAILABLE),
        why="People get errors at every deployment, most of all under load.",
        fix="set max_surge 1 and max_unavailable 0",
        url=_ROLLOUT,
        evidence=("spec.strategy",),
        judge=judged_objects(_rollout, "Deployment"),
    ),
    Rule(
        name="workload-probed",
        sentence="Every container of a workload is asked whether it is ready and alive.",
        types=(*_SERVING[:2], *types("apps/v1:DaemonSet")),
        severity="medium",
        requirements=("UPD-03",),
        controls=(*checkov(8, 9), *_AVAILABLE),
        why="Requests go to a pod that is still starting, or has hung since yesterday.",
        fix="add readiness_probe and liveness_probe",
        url=_PODS,
        evidence=in_containers("readinessProbe", "livenessProbe"),
        judge=judged_objects(_probed, *SERVING, "DaemonSet"),
    ),
    Rule(
        name="workload-drained",
        sentence="A pod that stops first waits until nobody sends to it, then ends what it began.",
        types=_DEPLOYMENT,
        severity="medium",
        requirements=("UPD-03",),
        controls=_AVAILABLE,
        why="Every rollout and every drained node cuts off the requests that are under way.",
        fix=f"add a pre_stop of {DEREGISTERED_SECONDS} s or more, and a termination grace period "
        f"{SHUTDOWN_SECONDS} s longer",
        url=_PODS,
        evidence=(
            *in_pods("terminationGracePeriodSeconds"),
            *in_containers("lifecycle.preStop"),
        ),
        judge=judged_objects(_drained, "Deployment"),
    ),
    Rule(
        name="workload-rollout-awaited",
        sentence="A deployment has succeeded when its pods answer.",
        types=(*_SERVING[:2], *types("apps/v1:DaemonSet", "batch/v1:Job")),
        severity="medium",
        requirements=("CICD-10",),
        controls=("SOC2 CC8.1", "ISO27001 A.8.32"),
        why="A release that never starts is reported as done, and nobody looks.",
        fix=f"remove {SKIP}; progress_deadline_seconds up to {PROGRESS_SECONDS}",
        url="https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/",
        evidence=("spec.progressDeadlineSeconds",),
        judge=judged_objects(_awaited, *SERVING, "DaemonSet", "Job"),
    ),
)
