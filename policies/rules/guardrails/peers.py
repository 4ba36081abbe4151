"""Peers: every pod is closed to others until a policy opens it, and reached through its Service.

What single network policies open is judged in `pods.py`; here is what must be there at all.
"""

from __future__ import annotations

from collections.abc import Iterator

from rules.declared import cluster, selects
from rules.kubernetes import PODS, Object, checkov, judged_objects, objects, templates, types
from rules.model import Item, NotApplicable, Props, Rule, Stack, StackRule

_NAME_LABEL = "kubernetes.io/metadata.name"
_SERVICE = types("core/v1:Service")


def _denied(subject: Item, stack: Stack) -> Iterator[str]:
    closed = stack.once(_closed)
    for namespace in objects(subject.props, "Namespace"):
        for way in ("Ingress", "Egress"):
            if way not in closed.get(namespace.name, ()):
                yield f"{namespace.said_of}no policy closes the {way.lower()} of all its pods"


def _closed(stack: Stack) -> dict[str, set[str]]:
    """Namespace -> the ways that are closed for all of its pods."""
    found: dict[str, set[str]] = {}
    for policy in cluster(stack).of("NetworkPolicy"):
        found.setdefault(policy.namespace, set()).update(_closes(policy))
    return found


def _closes(policy: Object) -> set[str]:
    """The ways that a policy closes for every pod of its namespace and opens for none."""
    spec = policy.props.at("spec") or {}
    selector = spec.get("podSelector")
    if selector is None or selector.get("matchLabels") or selector.get("matchExpressions"):
        return set()
    return {way for way in spec.get("policyTypes") or () if not spec.get(way.lower())}


def _resolved(policy: Object) -> Iterator[str]:
    egress = policy.props.at("spec.egress") or ()
    if not egress:
        if not policy.path:
            raise NotApplicable("it lets nobody out")
        return
    open_ = {protocol for rule in egress if _to_dns(rule) for protocol in _on_53(rule)}
    missing = {"TCP", "UDP"} - open_
    if missing:
        yield f"its pods resolve no names over {' and '.join(sorted(missing))}"


def _to_dns(rule: Props) -> bool:
    for peer in rule.get("to") or ():
        place, pods = peer.get("namespaceSelector"), peer.get("podSelector")
        if selects(place, {_NAME_LABEL: "kube-system"}) and (
            pods is None or selects(pods, {"k8s-app": "kube-dns"})
        ):
            return True
    return False


def _on_53(rule: Props) -> Iterator[str]:
    for each in rule.get("ports") or ():
        if each.get("port") == 53:
            yield str(each.get("protocol", "TCP"))


def _own_policy(subject: Item, stack: Stack) -> Iterator[str]:
    here = cluster(stack)
    for template in templates(subject.props):
        taking = here.taking("NetworkPolicy", template)
        if not any(each.props.at("spec.podSelector.matchLabels") for each in taking):
            yield f"{template.said_of}no network policy says whom its pods may reach"


def _inside(service: Object) -> Iterator[str]:
    spec = service.props.at("spec") or {}
    kind = spec.get("type", "ClusterIP")
    if kind != "ClusterIP":
        yield f"it is a {kind}"
    if spec.get("externalIPs"):
        yield "it takes addresses from outside"


def _selecting(subject: Item, stack: Stack) -> Iterator[str]:
    here = cluster(stack)
    for service in objects(subject.props, "Service"):
        found = here.taken(service)
        owners = sorted({f"{each.owner.kind} {each.owner.name}" for each in found})
        if len(owners) != 1:
            yield f"{service.said_of}it sends to {_those(owners)}"
            continue
        opened = {
            port.get(key)
            for template in found
            for _, each in template.containers("containers", "initContainers")
            for port in each.at("ports") or ()
            for key in ("name", "containerPort")
        }
        for port in service.props.at("spec.ports") or ():
            target = port.get("targetPort", port.get("port"))
            if target not in opened:
                yield f"{service.said_of}nothing listens on {_n(target)}"


def _those(owners: list[str]) -> str:
    return " and ".join(owners) or "nobody" if len(owners) < 4 else f"{len(owners)} workloads"


def _n(port: object) -> str:
    return str(int(port)) if isinstance(port, float) else str(port)


_NETWORK = "https://kubernetes.io/docs/concepts/services-networking/network-policies"
_SERVICES = "https://kubernetes.io/docs/concepts/services-networking/service"
_SEPARATED = ("SOC2 CC6.6", "ISO27001 A.8.22")

RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="namespace-default-deny",
        sentence="Every namespace is closed both ways until a policy opens it.",
        types=types("core/v1:Namespace"),
        severity="critical",
        requirements=("CHK-SEC-03", "K8S-01", "K8S-03"),
        controls=(
            *("CIS-K8S 5.3.2", "CIS-EKS 4.3.2", "CIS-EKS 5.4.4"),
            *(*_SEPARATED, "GDPR 32"),
        ),
        why="A pod that no policy names reaches everything, and everything reaches it.",
        fix="add a NetworkPolicy with an empty pod_selector, both policy_types and no rules",
        url=_NETWORK,
        evidence=("metadata.name",),
        judge=_denied,
    ),
    Rule(
        name="network-policy-keeps-dns",
        sentence="Pods that may reach anything may resolve its name.",
        types=types("networking.k8s.io/v1:NetworkPolicy"),
        severity="medium",
        requirements=("K8S-08",),
        controls=("SOC2 A1.2", "ISO27001 A.8.20"),
        why="Without names nothing is found, and the first sign is that everything times out.",
        fix="add UDP and TCP 53 to kube-dns in kube-system",
        url=_NETWORK,
        evidence=("spec.egress",),
        judge=judged_objects(_resolved, "NetworkPolicy"),
    ),
    StackRule(
        name="pod-has-network-policy",
        sentence="Every pod has a network policy of its own.",
        types=PODS,
        severity="high",
        requirements=("CHK-SEC-03", "K8S-02"),
        controls=("CIS-K8S 5.3.2", *checkov(6, graph=True), *_SEPARATED),
        why="Closed on both sides it works for nobody, and somebody will open the whole namespace.",
        fix="declare it among the workloads, whose policies are written from their peers",
        url=_NETWORK,
        evidence=("metadata.namespace", "spec.template.metadata.labels"),
        judge=_own_policy,
    ),
    Rule(
        name="service-inside",
        sentence="No Service opens a door of its own.",
        types=_SERVICE,
        severity="critical",
        requirements=("CHK-SEC-03", "CHK-INFRA-05", "CHK-SEC-06"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.20"),
        why="Past the load balancer means past TLS, the firewall and the logs.",
        fix="use type ClusterIP, and a target group where the load balancer has to reach it",
        url=_SERVICES,
        evidence=("spec.type", "spec.externalIPs"),
        judge=judged_objects(_inside, "Service"),
    ),
    StackRule(
        name="service-one-workload",
        sentence="A Service sends to the pods of one workload, where something listens.",
        types=_SERVICE,
        severity="high",
        requirements=("CICD-09", "ENV-02"),
        controls=("SOC2 A1.2", "ISO27001 A.8.21"),
        why="Requests for one program reach another, or nobody, in the middle of the day.",
        fix="select by app.kubernetes.io/name and component, and name a port of the container",
        url=_SERVICES,
        evidence=("spec.selector", "spec.ports"),
        judge=_selecting,
    ),
)
