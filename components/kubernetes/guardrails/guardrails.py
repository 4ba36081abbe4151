"""What the application's namespace admits, how much of it, and who may look.

Meets CHK-SEC-04 (RBAC without a wildcard, Secrets unread), K8S-11 (what Pod Security `restricted`
does not ask: origin and digest of images, requests and limits, tokens), CICD-07, SEC-04,
CHK-INFRA-01 (`demand`: what the declared pods ask of the nodes). Issue B: an image without a digest
and a pod without limits are refused by the API server itself.

- Admission policies also judge Deployments, StatefulSets, DaemonSets, Jobs and CronJobs, so that
  whoever applies one is told at once, and not its controller minutes later.
- They are bound by `kubernetes.io/metadata.name`, the one label of a namespace that nobody can take
  off it.
- No defaults in the LimitRange: a container that says nothing is refused instead of being given
  something. That is why its limits are of pods: `max` of a Container is a default as well.
- `kubectl debug` has to bring an image by digest from an allowed registry, too.

Refused: a webhook or an engine of its own (it can be down; CEL runs in the API server); parameters
in a ConfigMap (whoever may edit it may switch the policy off); readers who read Secrets or enter
pods (who is on call mends by a role of its own, responders.py).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.context import Context
from components.kubernetes.guardrails.network_policies import NAMESPACE_LABEL
from components.kubernetes.workloads.manifests import Manifest
from components.kubernetes.workloads.shape import (
    APPLICATION,
    NAME_LABEL,
    Container,
    Pod,
    Workload,
)
from settings.cluster import READERS
from settings.guardrails import GuardrailsSettings
from settings.workloads import amount

MIB = 2**20
READ = ["get", "list", "watch"]
# What an engineer looks at; Secrets are not among it.
READABLE: dict[str, list[str]] = {
    "": [
        "configmaps",
        "endpoints",
        "events",
        "limitranges",
        "persistentvolumeclaims",
        "pods",
        "pods/log",
        "pods/status",
        "resourcequotas",
        "serviceaccounts",
        "services",
    ],
    "apps": ["daemonsets", "deployments", "replicasets", "statefulsets"],
    "autoscaling": ["horizontalpodautoscalers"],
    "batch": ["cronjobs", "jobs"],
    "discovery.k8s.io": ["endpointslices"],
    "elbv2.k8s.aws": ["targetgroupbindings"],
    "events.k8s.io": ["events"],
    "external-secrets.io": ["externalsecrets", "secretstores"],
    "metrics.k8s.io": ["pods"],
    "monitoring.coreos.com": ["podmonitors"],
    "networking.k8s.io": ["networkpolicies"],
    "policy": ["poddisruptionbudgets"],
}


# -- how much ------------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Demand:
    """CPU in cores; memory, its limits and ephemeral storage in bytes; volumes in GiB."""

    pods: int = 0
    cpu: float = 0.0
    memory: float = 0.0
    memory_limits: float = 0.0
    ephemeral: float = 0.0
    volumes: int = 0
    volumes_gib: int = 0

    def __add__(self, other: Demand) -> Demand:
        return Demand(**{key: value + getattr(other, key) for key, value in vars(self).items()})

    def __mul__(self, times: float) -> Demand:
        """Whole numbers are rounded up."""
        grown = {key: value * times for key, value in vars(self).items()}
        whole = {key: math.ceil(value) for key, value in grown.items() if key in _WHOLE}
        return Demand(**{**grown, **whole})


_WHOLE = ("pods", "volumes", "volumes_gib")


def of_pod(pod: Pod) -> Demand:
    """What one pod asks for: its containers together, or the largest of those that run before."""
    together = sum((_of_container(each) for each in pod.containers), Demand())
    first = [_of_container(each) for each in pod.before]
    largest = {
        key: max([value, *(getattr(each, key) for each in first)])
        for key, value in vars(together).items()
    }
    return Demand(**{**largest, "pods": 1})


def _of_container(each: Container) -> Demand:
    wanted = each.resources
    return Demand(
        cpu=amount(wanted.cpu),
        memory=amount(wanted.memory),
        memory_limits=amount(wanted.memory_limit),
        ephemeral=amount(wanted.ephemeral),
    )


def demand(declared: Sequence[Pod], *, grown: bool = True) -> Demand:
    """What all pods ask for while everything is rolled out at once.

    grown: at the autoscalers' maximum, else at the minimum. A task counts as one pod.
    """
    found = Demand()
    for pod in declared:
        if not isinstance(pod, Workload):
            found += of_pod(pod)
            continue
        count = (pod.maximum if grown else None) or pod.minimum
        found += of_pod(pod) * (count + pod.surge)
        if pod.volume is not None:
            found += Demand(volumes=count, volumes_gib=count * pod.volume.gib)
    return found


def quota(declared: Sequence[Pod], settings: GuardrailsSettings) -> Manifest:
    """The hard limits of the namespace; no Service may open a door of its own."""
    most = demand(declared) * (1 + settings.headroom_percent / 100)
    return {
        "pods": str(most.pods),
        "requests.cpu": f"{math.ceil(round(most.cpu * 1000, 3))}m",
        "requests.memory": f"{math.ceil(most.memory / MIB)}Mi",
        "limits.memory": f"{math.ceil(most.memory_limits / MIB)}Mi",
        "requests.ephemeral-storage": f"{math.ceil(most.ephemeral / MIB)}Mi",
        "persistentvolumeclaims": str(most.volumes),
        "requests.storage": f"{most.volumes_gib}Gi",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }


def limits(settings: GuardrailsSettings) -> list[Manifest]:
    """The largest pod and volume; a pod without a memory limit is refused."""
    return [
        {"type": "Pod", "max": {"memory": settings.pod_memory}},
        {
            "type": "PersistentVolumeClaim",
            "min": {"storage": "1Gi"},
            "max": {"storage": f"{settings.volume_gib}Gi"},
        },
    ]


# -- what ----------------------------------------------------------------------------------------
def registries(context: Context, settings: GuardrailsSettings) -> list[str]:
    """What an image's name may begin with: the account's own registry, and what the settings say.

    Each ends in a slash, or `ghcr.io/archesai` would admit `ghcr.io/archesai-evil`.
    """
    own = f"{context.account_id}.dkr.ecr.{context.region}.amazonaws.com"
    return [f"{each}/" for each in (own, *settings.allowed_registries)]


def refuse_strangers(
    declared: Sequence[Pod], allowed: Sequence[str], settings: GuardrailsSettings
) -> None:
    """ValueError: what is declared would be refused by our own guardrails."""
    for pod in declared:
        for each in (*pod.before, *pod.containers):
            if not each.image.startswith(tuple(allowed)):
                raise ValueError(
                    f"workload {pod.component}: image {each.image} is from no allowed registry; "
                    f"guardrails.allowedRegistries has {', '.join(settings.allowed_registries)}"
                )
        most = of_pod(pod).memory_limits
        if most > amount(settings.pod_memory):
            raise ValueError(
                f"workload {pod.component}: its containers are limited to {most / MIB:.0f}Mi "
                f"together, guardrails.podMemory allows {settings.pod_memory}"
            )
        kept = pod.volume if isinstance(pod, Workload) else None
        if kept is not None and kept.gib > settings.volume_gib:
            raise ValueError(
                f"workload {pod.component}: a volume of {kept.gib} GiB, guardrails.volumeGib "
                f"allows {settings.volume_gib}"
            )


@dataclass(frozen=True, kw_only=True)
class Check:
    """One expression that must be true of an object, and what is said where it is not (CEL)."""

    expression: str
    message: str


# The pod of whatever has one, and its containers: `has` is asked, since an absent list is no list.
_POD = {
    "pod": "object.kind == 'Pod' ? object.spec : object.kind == 'CronJob' ? "
    "object.spec.jobTemplate.spec.template.spec : object.spec.template.spec",
    "lasting": "variables.pod.containers + "
    "(has(variables.pod.initContainers) ? variables.pod.initContainers : [])",
    "containers": "variables.lasting + "
    "(has(variables.pod.ephemeralContainers) ? variables.pod.ephemeralContainers : [])",
}
_PODS = [
    {"apiGroups": [""], "resources": ["pods", "pods/ephemeralcontainers"]},
    {"apiGroups": ["apps"], "resources": ["deployments", "statefulsets", "daemonsets"]},
    {"apiGroups": ["batch"], "resources": ["jobs", "cronjobs"]},
]
_SERVICES = [{"apiGroups": [""], "resources": ["services"]}]


def _named(condition: str) -> str:
    """The names of the containers of which `condition` (over `c`) holds, as CEL."""
    return f"variables.containers.filter(c, {condition}).map(c, c.name).join(', ')"


def images(allowed: Sequence[str]) -> list[Check]:
    """Every container, also initial and ephemeral ones. allowed: beginnings of names."""
    stranger = f"!{json.dumps(list(allowed))}.exists(r, c.image.startsWith(r))"
    loose = "!c.image.matches('@sha256:[0-9a-f]{64}$')"
    said = ", ".join(allowed)
    return [
        Check(
            expression=f"!variables.containers.exists(c, {stranger})",
            message=f"'image of ' + {_named(stranger)} + ' is from no allowed registry; allowed: "
            f"{said}'",
        ),
        Check(
            expression=f"!variables.containers.exists(c, {loose})",
            message=f"'image of ' + {_named(loose)} + ' has no digest; allowed: "
            "<registry>/<name>@sha256:<64 hex digits>'",
        ),
    ]


def sizes() -> list[Check]:
    """Ephemeral containers can have no resources, so they are not asked."""

    def said(part: str, name: str) -> str:
        return f"has(c.resources.{part}) && '{name}' in c.resources.{part}"

    wanted = " && ".join(
        f"({said(part, name)})"
        for part, name in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))
    )
    silent = f"!(has(c.resources) && {wanted})"
    names = f"variables.lasting.filter(c, {silent}).map(c, c.name).join(', ')"
    return [
        Check(
            expression=f"!variables.lasting.exists(c, {silent})",
            message=f"'container ' + {names} + ' lacks a request for CPU or memory, or a memory "
            "limit'",
        )
    ]


def tokens() -> list[Check]:
    """A pod says whether it speaks to the Kubernetes API, and speaks under a name of its own."""
    asks = "has(variables.pod.automountServiceAccountToken)"
    named = "has(variables.pod.serviceAccountName) && variables.pod.serviceAccountName != 'default'"
    return [
        Check(
            expression=asks,
            message="'automountServiceAccountToken is not said; allowed: false, or true with a "
            "service account of its own'",
        ),
        Check(
            expression=f"!({asks}) || !variables.pod.automountServiceAccountToken || ({named})",
            message="'the token of the default service account is mounted; allowed: a service "
            "account of its own'",
        ),
    ]


def doors() -> list[Check]:
    """Nothing is reachable from outside but through the load balancer that the program owns."""
    return [
        Check(
            expression="object.spec.type == 'ClusterIP'",
            message="'a Service of type ' + object.spec.type + '; allowed: ClusterIP'",
        ),
        Check(
            expression="!has(object.spec.externalIPs) || object.spec.externalIPs.size() == 0",
            message="'a Service with externalIPs; allowed: none'",
        ),
    ]


def admission(allowed: Sequence[str]) -> dict[str, Manifest]:
    """The specs of the ValidatingAdmissionPolicies, by name."""
    return {
        "images": _policy(_PODS, images(allowed), _POD),
        "sizes": _policy(_PODS, sizes(), _POD),
        "tokens": _policy(_PODS, tokens(), _POD),
        "doors": _policy(_SERVICES, doors(), {}),
    }


def _policy(
    resources: Sequence[Manifest], checks: Sequence[Check], variables: dict[str, str]
) -> Manifest:
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {**each, "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"]}
                for each in resources
            ]
        },
        "variables": [{"name": key, "expression": text} for key, text in variables.items()],
        "validations": [
            {
                "expression": check.expression,
                "messageExpression": check.message,
                "reason": "Invalid",
            }
            for check in checks
        ],
    }


def binding(policy: str, namespace: pulumi.Input[str]) -> Manifest:
    """The spec of its binding: refuse, and write down."""
    return {
        "policyName": policy,
        "validationActions": ["Deny", "Audit"],
        "matchResources": {
            "namespaceSelector": {
                "matchExpressions": [
                    {"key": NAMESPACE_LABEL, "operator": "In", "values": [namespace]}
                ]
            }
        },
    }


def reading() -> list[Manifest]:
    """The rules of the role for people: each resource by name, no wildcard, no Secrets."""
    return [
        {"apiGroups": [group], "resources": resources, "verbs": READ}
        for group, resources in READABLE.items()
    ]


# -- in the cluster ------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class GuardrailsArgs:
    """declared: every workload and task of the namespace."""

    context: Context
    settings: GuardrailsSettings
    namespace: pulumi.Input[str]
    declared: Sequence[Pod]


class Guardrails(pulumi.ComponentResource):
    """Quota, ranges, admission and readers of one namespace.

    No pod waits for them: they know every declared pod, whose images and sizes `refuse_strangers`
    has judged by the same settings before anything is made.
    """

    def __init__(
        self, name: str, args: GuardrailsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Guardrails", name, None, opts)
        self._name, self._args = name, args
        self._here = pulumi.ResourceOptions(parent=self)
        allowed = registries(args.context, args.settings)
        refuse_strangers(args.declared, allowed, args.settings)
        self._sizes()
        self._admission(allowed)
        self._readers()
        self.register_outputs({"registries": allowed})

    def _metadata(self, called: str) -> Any:
        return {
            "name": f"{APPLICATION}-{called}",
            "namespace": self._args.namespace,
            "labels": {NAME_LABEL: APPLICATION},
        }

    def _sizes(self) -> None:
        settings, declared = self._args.settings, self._args.declared
        ranges: Any = limits(settings)
        kubernetes.core.v1.ResourceQuota(
            f"{self._name}-quota",
            metadata=self._metadata("quota"),
            spec={"hard": quota(declared, settings)},
            opts=self._here,
        )
        kubernetes.core.v1.LimitRange(
            f"{self._name}-limits",
            metadata=self._metadata("limits"),
            spec={"limits": ranges},
            opts=self._here,
        )

    def _admission(self, allowed: Sequence[str]) -> None:
        for called, spec in admission(allowed).items():
            about: Any = {"name": f"{APPLICATION}-{called}", "labels": {NAME_LABEL: APPLICATION}}
            checks: Any = spec
            policy = kubernetes.admissionregistration.v1.ValidatingAdmissionPolicy(
                f"{self._name}-{called}", metadata=about, spec=checks, opts=self._here
            )
            tied: Any = binding(f"{APPLICATION}-{called}", self._args.namespace)
            kubernetes.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
                f"{self._name}-{called}",
                metadata=about,
                spec=tied,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
            )

    def _readers(self) -> None:
        rules: Any = reading()
        role = kubernetes.rbac.v1.Role(
            f"{self._name}-reader",
            metadata=self._metadata("reader"),
            rules=rules,
            opts=self._here,
        )
        api = "rbac.authorization.k8s.io"
        kubernetes.rbac.v1.RoleBinding(
            f"{self._name}-reader",
            metadata=self._metadata("reader"),
            role_ref={"api_group": api, "kind": "Role", "name": f"{APPLICATION}-reader"},
            subjects=[{"api_group": api, "kind": "Group", "name": READERS}],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role]),
        )
