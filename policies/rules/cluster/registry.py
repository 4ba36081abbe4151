"""Registry: images are what was pushed, are looked at for flaws, and nobody else's to take."""

from __future__ import annotations

from collections.abc import Iterator

from rules.documents import bound_by, everybody, statements
from rules.model import Item, Props, Rule, Stack, StackRule

REPOSITORY = "aws:ecr/repository:Repository"
PUBLIC = "aws:ecrpublic/repository:Repository"


def _immutable(props: Props) -> Iterator[str]:
    if props.at("imageTagMutability") != "IMMUTABLE":
        yield "a tag can be pushed again with other content"


def _scanned(props: Props) -> Iterator[str]:
    if not props.at("imageScanningConfiguration.scanOnPush"):
        yield "images are not scanned on push"


def _encrypted(props: Props) -> Iterator[str]:
    ours = props.at("encryptionConfigurations") or []
    if not any(c.get("encryptionType") == "KMS" and c.given("kmsKey") for c in ours):
        yield "images are not encrypted with a key of ours"


def _expires(repository: Item, stack: Stack) -> Iterator[str]:
    policies = stack.parts("aws:ecr/lifecyclePolicy:LifecyclePolicy", "repository", repository)
    rules = [rule for each in policies for rule in each.props.document("policy").get("rules", [])]
    if not any(rule.get("selection", {}).get("tagStatus") == "untagged" for rule in rules):
        yield "images without a tag are kept for ever"


def _own(repository: Item, stack: Stack) -> Iterator[str]:
    if repository.type == PUBLIC:
        yield "anybody may pull these images"
    for policy in stack.parts(
        "aws:ecr/repositoryPolicy:RepositoryPolicy", "repository", repository
    ):
        for statement in statements(policy.props.document("policy")):
            ours = bound_by(statement, ("aws:principalorgid", "aws:principalaccount"))
            if everybody(statement) and not ours:
                yield "anybody may use this repository"


_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/ecr-controls.html"
_ECR = "https://docs.aws.amazon.com/AmazonECR/latest/userguide"

RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="ecr-tags-immutable",
        sentence="An image's tag cannot move.",
        types=(REPOSITORY,),
        severity="high",
        requirements=("CICD-07", "CHK-SEC-05"),
        controls=("FSBP ECR.2", "CHECKOV CKV_AWS_51", "SOC2 CC8.1", "ISO27001 A.8.32"),
        why="What was scanned and approved would not be what runs.",
        fix="set image_tag_mutability to IMMUTABLE",
        url=f"{_ECR}/image-tag-mutability.html",
        evidence=("name", "imageTagMutability"),
        remedy={"imageTagMutability": "IMMUTABLE"},
        judge=_immutable,
    ),
    Rule(
        name="ecr-scan-on-push",
        sentence="Every image is scanned when it is pushed.",
        types=(REPOSITORY,),
        severity="high",
        requirements=("CICD-05", "CHK-SEC-05"),
        controls=(
            *("FSBP ECR.1", "CIS-EKS 5.1.1", "CHECKOV CKV_AWS_163", "SOC2 CC7.1"),
            *("ISO27001 A.8.8",),
        ),
        why="Known flaws would reach customers unseen.",
        fix="set image_scanning_configuration.scan_on_push",
        url=_HUB,
        evidence=("name", "imageScanningConfiguration.scanOnPush"),
        remedy={"imageScanningConfiguration": {"scanOnPush": True}},
        judge=_scanned,
    ),
    Rule(
        name="ecr-encrypted",
        sentence="Images are encrypted with a key of ours.",
        types=(REPOSITORY,),
        severity="medium",
        requirements=("CICD-07", "SEC-06"),
        controls=("CHECKOV CKV_AWS_136", "SOC2 CC6.1", "ISO27001 A.8.24"),
        why="Who may read the program's code could not be decided by a key.",
        fix="set encryption_configurations with KMS and a key; it cannot be changed afterwards",
        url=f"{_ECR}/encryption-at-rest.html",
        evidence=(
            "name",
            "encryptionConfigurations.*.encryptionType",
            "encryptionConfigurations.*.kmsKey",
        ),
        judge=_encrypted,
    ),
    StackRule(
        name="ecr-lifecycle",
        sentence="Images that nothing names any more expire.",
        types=(REPOSITORY,),
        severity="low",
        requirements=("CICD-07",),
        controls=("FSBP ECR.3", "ISO27001 A.8.10"),
        why="Old images with old flaws could be deployed by mistake, and cost money.",
        fix="add an aws.ecr.LifecyclePolicy that expires untagged images",
        url=f"{_ECR}/LifecyclePolicies.html",
        evidence=("name",),
        judge=_expires,
    ),
    StackRule(
        name="ecr-not-public",
        sentence="Nobody outside the account uses our repositories.",
        types=(REPOSITORY, PUBLIC),
        severity="critical",
        requirements=("CICD-07", "CHK-SEC-04"),
        controls=("CIS-EKS 5.1.2", "CHECKOV CKV_AWS_32", "SOC2 CC6.1", "ISO27001 A.8.4"),
        why="The application's code would be public, or somebody's image would run as ours.",
        fix="name principals in the repository's policy",
        url=f"{_ECR}/repository-policies.html",
        evidence=("name",),
        judge=_own,
    ),
)
