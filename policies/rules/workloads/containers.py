"""Containers beyond the standards: where images come from, what they use, whom they speak as.

Deliberate differences from the scanners: a CPU limit is not asked (throttling delays everybody and
protects nobody; requests share the node), nor a pull at every start (a digest names one content),
nor a user above 10,000 (an image's own user is kept), nor secrets as files only (the application
reads its secrets from the environment, fact A2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rules import provider
from rules.kubernetes import (
    PODS,
    Template,
    checkov,
    in_containers,
    in_pods,
    judged,
    known,
    templates,
)
from rules.looks import found, passed, variable_tells
from rules.model import SECRET, Item, Props, Rule, Stack, StackRule

# What may be in the application's namespace, as `guardrails.allowedRegistries` of the environments.
# Said here as well, so that a change of it there is seen by whoever reviews this pack.
REGISTRIES = (
    "docker.io/library/",
    "docker.io/nginx/",
    "docker.io/nginxinc/",
    "ghcr.io/archesai/",
    "ghcr.io/cloudnative-pg/",
    "ghcr.io/oliver006/",
    "public.ecr.aws/aws-cli/",
    "quay.io/prometheuscommunity/",
    "quay.io/unstructured-io/",
)
_OWN = re.compile(r"^(\d{12})\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/")
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_API = "https://kubernetes.default.svc"  # how a token names the API server as its audience
_LASTING = ("containers", "initContainers")  # an ephemeral one can have no resources


def own_account(image: str) -> str:
    """The account whose private registry an image is in, "" where it is in none."""
    found = _OWN.match(image)
    return found[1] if found else ""


def _registry(template: Template) -> Iterator[str]:
    for name, each in template.containers():
        image = str(each.at("image", ""))
        if not image.startswith(REGISTRIES) and not own_account(image):
            yield f"{name} comes from {image.partition('@')[0] or 'nowhere'}"


def _digest(template: Template) -> Iterator[str]:
    for name, each in template.containers():
        image = str(each.at("image", ""))
        if not _DIGEST.search(image):
            yield f"{name} runs {image or 'no image'}, which may change its content"


def _own(subject: Item, stack: Stack) -> Iterator[str]:
    accounts = stack.once(provider.accounts)
    for template in templates(subject.props) if accounts else ():
        for name, each in template.containers():
            account = own_account(str(known(each, "image", "")))
            if account and account not in accounts:
                yield f"{name} comes from the registry of account {account}"


def _requests(template: Template) -> Iterator[str]:
    for name, each in template.containers(*_LASTING):
        missing = {"cpu", "memory"} - set(each.at("resources.requests") or {})
        if missing:
            yield f"{name} requests no {' and no '.join(sorted(missing))}"


def _limits(template: Template) -> Iterator[str]:
    for name, each in template.containers(*_LASTING):
        missing = {"ephemeral-storage", "memory"} - set(each.at("resources.limits") or {})
        if missing:
            yield f"{name} has no limit of {' and of '.join(sorted(missing))}"


def _read_only(template: Template) -> Iterator[str]:
    for name, each in template.containers():
        if each.at("securityContext.readOnlyRootFilesystem") is not True:
            yield f"{name} may write into its own image"


def _environment(template: Template) -> Iterator[str]:
    for name, each in template.containers():
        for variable in each.at("env") or ():
            if not variable.given("value"):
                continue
            # One that is not known yet is text as well, once it is.
            told = wrong_literal(str(variable.get("name")), known(variable, "value", "not known"))
            if told:
                yield f"variable {variable['name']} of {name} {told}"


def wrong_literal(name: str, value: Any) -> str:
    """What is wrong with a value that stands in clear under a name, "" if nothing is."""
    if not value:
        return ""
    if value == SECRET or variable_tells(name):
        return "holds a secret as text"
    told = found(str(value))
    return f"holds {told[0]}" if told else ""


def _command(template: Template) -> Iterator[str]:
    for name, each in template.containers():
        words = [*(each.at("command") or ()), *(each.at("args") or ())]
        if SECRET in words or passed(" ".join(str(word) for word in words)):
            yield f"the command line of {name} carries a secret"


def _token(template: Template) -> Iterator[str]:
    if template.spec.at("automountServiceAccountToken") is not False:
        yield f"{template.said_of}the pod gets a token of the Kubernetes API"
    for volume in template.spec.at("volumes") or ():
        for source in volume.at("projected.sources") or ():
            if source.given("serviceAccountToken") and _for_the_api(source):
                yield (
                    f"{template.said_of}volume {volume.get('name')} holds a token of the "
                    "Kubernetes API"
                )


def _for_the_api(source: Props) -> bool:
    """Whether the API server takes a projected token: it is the audience where none is named.

    https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/volume
    """
    audience = str(source.at("serviceAccountToken.audience") or _API)
    return audience.startswith(_API)


def _account(template: Template) -> Iterator[str]:
    said = template.spec
    if not said.given("serviceAccountName") or known(said, "serviceAccountName") == "default":
        yield f"{template.said_of}the pod runs as its namespace's default account"


_IMAGES = "https://kubernetes.io/docs/concepts/containers/images"
_RESOURCES = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers"
_SECRETS = "https://kubernetes.io/docs/concepts/security/secrets-good-practices"
_ACCOUNTS = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account"

RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="container-image-allowed-registry",
        sentence="Images come from our own registry, or from one that was reviewed.",
        types=PODS,
        severity="high",
        requirements=("CICD-07", "K8S-11"),
        controls=("CIS-K8S 5.5.1", "CIS-EKS 5.1.4", "SOC2 CC6.8", "ISO27001 A.8.19"),
        why="Anybody may push to a public registry, and what is pulled from it runs beside the "
        "customers' data.",
        fix="copy the image into our registry, or have its registry added to "
        "guardrails.allowedRegistries and to rules/workloads/containers.py",
        url=_IMAGES,
        evidence=in_containers("image"),
        judge=judged(_registry),
    ),
    StackRule(
        name="container-image-own-account",
        sentence="Images from a private registry come from an account that the stack is bound to.",
        types=PODS,
        severity="high",
        requirements=("CICD-07",),
        controls=("CIS-EKS 5.1.4", "SOC2 CC6.8", "ISO27001 A.8.19"),
        why="The name of another account's registry looks like ours, and its owner decides what "
        "runs.",
        fix="use the registry of this account",
        url=_IMAGES,
        evidence=in_containers("image"),
        judge=_own,
    ),
    Rule(
        name="container-image-by-digest",
        sentence="Images are named by the digest of their content.",
        types=PODS,
        severity="high",
        requirements=("CICD-07",),
        controls=(*checkov(14, 43), "SOC2 CC8.1", "ISO27001 A.8.32"),
        why="A tag can be moved, so that what was scanned and approved is not what runs.",
        fix="add @sha256:<64 hex digits>",
        url=_IMAGES,
        evidence=in_containers("image"),
        judge=judged(_digest),
    ),
    Rule(
        name="container-requests-given",
        sentence="Every container requests CPU and memory.",
        types=PODS,
        severity="medium",
        requirements=("K8S-11", "CHK-INFRA-01"),
        controls=(*checkov(10, 12), "SOC2 A1.1", "ISO27001 A.8.6"),
        why="Without requests a node is filled until it evicts what people are using.",
        fix="set resources.requests",
        url=_RESOURCES,
        evidence=in_containers("resources.requests"),
        judge=judged(_requests),
    ),
    Rule(
        name="container-limits-given",
        sentence="Every container has a limit of memory and of scratch space.",
        types=PODS,
        severity="medium",
        requirements=("K8S-11",),
        controls=(*checkov(13), "SOC2 A1.1", "ISO27001 A.8.6"),
        why="One leaking container takes its node's memory or disk, and every pod on it goes down.",
        fix="set resources.limits",
        url=_RESOURCES,
        evidence=in_containers("resources.limits"),
        judge=judged(_limits),
    ),
    Rule(
        name="container-root-read-only",
        sentence="No container can write into its own image.",
        types=PODS,
        severity="high",
        requirements=("K8S-11",),
        controls=("CIS-K8S 5.6.3", *checkov(22, 30), "SOC2 CC6.8", "ISO27001 A.8.9"),
        why="An intruder who can write programs into the image stays there.",
        fix="set read_only_root_filesystem and mount an emptyDir where the program writes",
        url="https://kubernetes.io/docs/tasks/configure-pod-container/security-context",
        evidence=in_containers("securityContext.readOnlyRootFilesystem"),
        judge=judged(_read_only),
    ),
    Rule(
        name="container-env-no-secret",
        sentence="No variable of a container holds a secret as text.",
        types=PODS,
        severity="critical",
        requirements=("CHK-SEC-02", "ENV-07", "ENV-12", "SEC-04"),
        controls=("SOC2 CC6.1", "ISO27001 A.5.17", "GDPR 32"),
        why="Whoever may look at a Deployment or at a backup of it then knows the secret.",
        fix="refer to a Secret with value_from.secret_key_ref",
        url=_SECRETS,
        evidence=in_containers("env.*.name"),
        judge=judged(_environment),
    ),
    Rule(
        name="container-command-no-secret",
        sentence="No command line carries a secret.",
        types=PODS,
        severity="critical",
        requirements=("CHK-SEC-02", "MIG-04"),
        controls=("SOC2 CC6.1", "ISO27001 A.5.17"),
        why="A command line is shown in every list of processes, in events and in logs.",
        fix="pass it as a variable from a Secret",
        url=_SECRETS,
        evidence=in_containers("name"),
        judge=judged(_command),
    ),
    Rule(
        name="pod-token-not-mounted",
        sentence="No pod gets a token of the Kubernetes API.",
        types=PODS,
        severity="high",
        requirements=("CHK-SEC-04", "K8S-11"),
        controls=("CIS-K8S 5.1.6", "CIS-EKS 4.1.6", *checkov(38), "SOC2 CC6.3", "ISO27001 A.8.2"),
        why="Whoever takes over a program that never calls the API should not be able to, either.",
        fix="set automount_service_account_token to false",
        url=_ACCOUNTS,
        evidence=in_pods("automountServiceAccountToken"),
        judge=judged(_token),
    ),
    Rule(
        name="pod-own-service-account",
        sentence="No pod runs as its namespace's default account.",
        types=PODS,
        severity="medium",
        requirements=("CHK-SEC-04",),
        controls=(
            *("CIS-K8S 5.1.5", "CIS-EKS 4.1.5", "CIS-EKS 5.2.1"),
            *("SOC2 CC6.1", "ISO27001 A.5.16"),
        ),
        why="What the default account is granted, every pod is that forgot to name another.",
        fix="name a service account of its own",
        url=_ACCOUNTS,
        evidence=in_pods("serviceAccountName"),
        judge=judged(_account),
    ),
)
