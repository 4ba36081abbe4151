"""What releases open, as far as values say it: doors, disks and rights."""

from __future__ import annotations

from collections.abc import Iterator

from rules.guardrails.access import STRONG_ROLES, Power, powers_of, wildcards_of
from rules.model import Item, Props, Rule, Stack, StackRule
from rules.releases.charts import RELEASE, last, mappings
from rules.workloads.volumes import encrypted_classes

_SECRETS = Power(group="", resources=("secrets",), verbs=frozenset({"get", "list", "watch"}))


def _doors(release: Props) -> Iterator[str]:
    for path, each in mappings(release):
        name = last(path).lower()
        if name.endswith("service") and each.get("type", "ClusterIP") != "ClusterIP":
            yield f"{path} is a {each['type']}"
        if name.endswith(("ingress", "route", "httproute")) and each.get("enabled"):
            yield f"{path} is on"


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
