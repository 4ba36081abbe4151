"""Who may change the whole cluster, and how strong the secrets are that the program makes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from rules.model import Item, Props, Rule, Stack, StackRule

ENTRY = "aws:eks/accessEntry:AccessEntry"
ASSOCIATION = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
# EKS user guide, "Review access policy permissions": these write, the others only read.
WRITING = ("AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy", "AmazonEKSEditPolicy")
# The pipeline's, and one that people take in an emergency.
WRITERS = 2
# 128 bits, which nobody tries through: 22 letters and digits of 62, 16 bytes.
LETTERS, BYTES = 22, 16


def _writers(stack: Stack) -> Mapping[str, list[Item]]:
    """Cluster's URN -> the associations that let a role change everything in it."""
    found: defaultdict[str, list[Item]] = defaultdict(list)
    for each in stack.of(ASSOCIATION):
        policy = str(each.props.at("policyArn")).rpartition("/")[2]
        if policy in WRITING and each.props.at("accessScope.type") != "namespace":
            for entry in stack.sources(each, "principalArn", ENTRY):
                for cluster in entry.links.get("clusterName", ()):
                    found[cluster].append(each)
    return found


def _few_writers(association: Item, stack: Stack) -> Iterator[str]:
    for holders in stack.once(_writers).values():
        if association in holders and len(holders) > WRITERS:
            yield f"one of {len(holders)} roles that may change everything in the cluster"


def _long(least: int, what: str) -> Callable[[Props], Iterator[str]]:
    def judge(props: Props) -> Iterator[str]:
        length = props.at("length", 0)
        if length < least:
            yield f"{length} {what} can be found by trying, {least} cannot"

    return judge


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="eks-few-administrators",
        sentence="Two roles at most may change everything in the cluster.",
        types=(ASSOCIATION,),
        severity="high",
        requirements=("CHK-SEC-04",),
        controls=("CIS-EKS 4.1.1", "CIS-K8S 5.1.1", "SOC2 CC6.3", "ISO27001 A.8.2"),
        why="Each such role can undo every rule, past the pipeline and its reviewers.",
        fix="give people the policy view, admin-view, responder or reader in cluster.access, or "
        "one namespace",
        url="https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html",
        evidence=("policyArn", "accessScope.type", "principalArn"),
        judge=_few_writers,
    ),
    *(
        Rule(
            name=f"generated-{noun}-strong",
            sentence=f"A {noun} that the program makes has 128 bits or more.",
            types=(f"random:index/{type_}",),
            severity="high",
            requirements=("SEC-06", "CHK-SEC-02"),
            controls=("SOC2 CC6.1", "ISO27001 A.5.17", "ISO27001 A.8.24"),
            why="What is short is found by whoever tries long enough, without a trace.",
            fix="make it longer, by docs/runbooks/rotate-secret.md: another value takes its place",
            url="https://csrc.nist.gov/pubs/sp/800/131/a/r2/final",
            evidence=("length",),
            judge=_long(least, what),
        )
        for noun, type_, least, what in (
            ("password", "randomPassword:RandomPassword", LETTERS, "signs"),
            ("key", "randomBytes:RandomBytes", BYTES, "bytes"),
        )
    ),
)
