"""What releases open, as far as values say it: doors, disks, rights, and objects of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.guardrails.access import STRONG_ROLES, Power, powers_of, wildcards_of
from rules.kubernetes import known
from rules.model import Item, Props, Rule, Stack, StackRule
from rules.releases.charts import RELEASE, last, mappings
from rules.workloads.volumes import encrypted_classes

_SECRETS = Power(group="", resources=("secrets",), verbs=frozenset({"get", "list", "watch"}))


# Types of a Service that lead in from outside the cluster, or out of it.
_OPEN = ("ExternalName", "LoadBalancer", "NodePort")
# Such a Service is a LoadBalancer where nothing else is said (kube-prometheus-stack,
# prometheus.thanosServiceExternal).
_OPEN_BY_DEFAULT = re.compile(r"service_?external$", re.IGNORECASE)
# What lets HTTP in is called ingress, ingressPerReplica, route.main, httproute.
_ENTRY = re.compile(r"(ingress|route)(e?s|perreplica)?$", re.IGNORECASE)
# Where a Service of any type answers outside the cluster as well.
_ADDRESSES = ("externalIPs", "loadBalancerIP")
# What charts render as it stands: extraObjects, extraManifests, extraDeploy (sealed-secrets).
_OBJECTS = re.compile(r"(extra|additional|raw)(objects|manifests|deploy|resources)", re.IGNORECASE)


def _doors(release: Props) -> Iterator[str]:
    for path, each in mappings(release):
        for key in each:
            if key.lower().endswith("type") and each[key] in _OPEN:
                yield f"{path if key == 'type' else f'{path}.{key}'} has the type {each[key]}"
            if key in _ADDRESSES and each[key]:
                yield f"{path}.{key} is an address outside the cluster"
        if _OPEN_BY_DEFAULT.search(path) and each.get("enabled") and "type" not in each:
            yield f"{path} has the type LoadBalancer"
        if any(_ENTRY.search(part) for part in path.split(".")) and each.get("enabled"):
            yield f"{path} is on"


def _unseen(release: Props) -> Iterator[str]:
    for path, each in mappings(release):
        for key in each:
            place = f"{path}.{key}" if path else key
            # What is not known yet is something.
            if _OBJECTS.fullmatch(key) and known(each, key, "later"):
                yield f"{place} brings objects"
            # Grafana's chart takes them as a template too.
            if key.lower().endswith("containers") and isinstance(known(each, key), str):
                yield f"{place} brings containers as text"


def _disks(subject: Item, stack: Stack) -> Iterator[str]:
    classes = stack.once(encrypted_classes)
    for path, each in mappings(subject.props):
        for key in ("storageClass", "storageClassName"):
            name = each.get(key)
            if isinstance(name, str) and name not in classes:
                yield f"{path}.{key} {name} is not known to be encrypted"
        if "accessModes" in each and "storageClassName" not in each and "" not in classes:
            yield f"{path} asks for the default class, which is not known to be encrypted"


def _rights(release: Props) -> Iterator[str]:
    for path, each in mappings(release):
        if each.get("clusterAdministrator") and (
            each.get("clusterAdministratorName", "cluster-admin") in STRONG_ROLES
        ):
            yield f"{path} makes it an administrator of the cluster"
        if "verbs" not in each or "resources" not in each:
            continue
        wide, secrets = wildcards_of([each]), powers_of([each], _SECRETS)
        if wide:
            yield f"{path} says * for its {', '.join(wide)}"
        elif secrets:
            yield f"{path} reads {', '.join(secrets)}"
        grants = {"escalate", "bind", "impersonate"} & set(each.get("verbs") or ())
        if grants:
            yield f"{path} grants {', '.join(sorted(grants))}"


def _identities(release: Props) -> Iterator[str]:
    for path, each in mappings(release):
        if last(path) == "annotations" and "eks.amazonaws.com/role-arn" in each:
            yield f"{path} names a role past Pod Identity"


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="chart-inside",
        sentence="No release opens a door of its own.",
        types=RELEASE,
        severity="critical",
        requirements=("CHK-SEC-03", "CHK-INFRA-05", "MON-10"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.20"),
        why="A dashboard or an operator would be on the internet, past TLS, the firewall and logs.",
        fix="use ClusterIP and no Ingress; people reach it through kubectl port-forward",
        url="https://kubernetes.io/docs/concepts/services-networking/service",
        evidence=("chart", "version"),
        judge=_doors,
    ),
    Rule(
        name="chart-objects-seen",
        sentence="No value of a release brings objects or containers that no rule sees.",
        types=RELEASE,
        severity="critical",
        requirements=("CHK-SEC-04", "K8S-11", "CICD-08"),
        controls=("SOC2 CC6.3", "SOC2 CC8.1", "ISO27001 A.8.2", "ISO27001 A.8.32"),
        why="Helm makes an administrator or a public Service of it, and every report is green.",
        fix="declare each object as a resource of its own kind, and containers as a list",
        url="https://helm.sh/docs/chart_best_practices/values/",
        evidence=("chart", "version", "namespace"),
        judge=_unseen,
    ),
    StackRule(
        name="chart-volumes-encrypted",
        sentence="Volumes of a release are of an encrypted class of this stack.",
        types=RELEASE,
        severity="high",
        requirements=("CHK-INFRA-04", "SEC-06"),
        controls=("FSBP EC2.3", "SOC2 CC6.1", "ISO27001 A.8.24"),
        why="Metrics and logs hold addresses of people, and lie in clear on such a disk.",
        fix="name the class that components/kubernetes/base.py makes",
        url="https://kubernetes.io/docs/concepts/storage/storage-classes",
        evidence=("chart", "version"),
        judge=_disks,
    ),
    Rule(
        name="chart-rights-narrow",
        sentence="Rights that values give to a release are named, and read no secrets.",
        types=RELEASE,
        severity="high",
        requirements=("CHK-SEC-04",),
        controls=(
            *("CIS-K8S 5.1.1", "CIS-K8S 5.1.2", "CIS-K8S 5.1.3"),
            *("CIS-EKS 4.1.1", "CIS-EKS 4.1.2", "CIS-EKS 4.1.3"),
            *("SOC2 CC6.3", "ISO27001 A.8.2"),
        ),
        why="An operator with every right is the shortest way from one pod to the whole cluster.",
        fix="name groups, resources and verbs; give an administrator's role of our own",
        url="https://kubernetes.io/docs/concepts/security/rbac-good-practices",
        evidence=("chart", "version", "values.rbac.clusterAdministratorName"),
        judge=_rights,
    ),
    Rule(
        name="chart-pod-identity",
        sentence="A release gets its AWS role by Pod Identity alone.",
        types=RELEASE,
        severity="medium",
        requirements=("SEC-06", "CHK-SEC-04"),
        controls=("CIS-EKS 5.2.1", "SOC2 CC6.1", "ISO27001 A.5.16"),
        why="A role that an annotation names stands in no association, where reviews look.",
        fix="remove the annotation and declare the association",
        url="https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html",
        evidence=("chart", "version", "namespace"),
        judge=_identities,
    ),
)
