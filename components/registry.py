"""The image registry: one private ECR repository for each image that the deployment runs.

Meets CICD-05 (scan on push) and CICD-07 (immutable tags, our key, life cycle). Pulling needs no
policy here: the nodes' role may pull, and the pushing role is the delivery's.

Refused: the registry's scanning configuration (`RegistryScanningConfiguration`). It is one object
per account and region, and two stacks share the account; enhanced scanning is therefore switched on
once by whoever owns the account.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import Context
from components.keys import Keys
from settings.registry import RegistrySettings

NAME_LIMIT = 256  # ECR user guide: a repository's name has 2 to 256 characters


def lifecycle(*, keep_images: int, keep_untagged_days: int) -> str:
    """What ECR throws away: images without a tag after days, the oldest beyond a number."""
    untagged = {
        "rulePriority": 1,
        "description": "images without a tag",
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": keep_untagged_days,
        },
        "action": {"type": "expire"},
    }
    # "any" must be the last rule (ECR user guide, lifecycle policy parameters).
    oldest = {
        "rulePriority": 2,
        "description": "all but the newest images",
        "selection": {
            "tagStatus": "any",
            "countType": "imageCountMoreThan",
            "countNumber": keep_images,
        },
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [untagged, oldest]}, sort_keys=True)


@dataclass(frozen=True, kw_only=True)
class RegistryArgs:
    context: Context
    settings: RegistrySettings
    keys: Keys


class Registry(pulumi.ComponentResource):
    """The repositories, by the short names of the settings."""

    repository_urls: dict[str, pulumi.Output[str]]
    repository_arns: list[pulumi.Output[str]]

    def __init__(
        self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Registry", name, None, opts)
        here = pulumi.ResourceOptions(parent=self)
        repositories = {
            image: self._repository(name, image, args, here) for image in args.settings.repositories
        }
        self.repository_urls = {image: made.repository_url for image, made in repositories.items()}
        self.repository_arns = [made.arn for made in repositories.values()]
        self.register_outputs(
            {"repositoryUrls": self.repository_urls, "repositoryArns": self.repository_arns}
        )

    def _repository(
        self, name: str, image: str, args: RegistryArgs, here: pulumi.ResourceOptions
    ) -> aws.ecr.Repository:
        repository = aws.ecr.Repository(
            f"{name}-{image}",
            # People and pipelines push to it by name.
            name=args.context.name(image, limit=NAME_LIMIT),
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "KMS", "kms_key": args.keys.data.arn}],
            force_delete=not args.context.protect,  # refusal P1
            opts=pulumi.ResourceOptions.merge(
                here, pulumi.ResourceOptions(protect=args.context.protect)
            ),
        )
        aws.ecr.LifecyclePolicy(
            f"{name}-{image}-lifecycle",
            repository=repository.name,
            policy=lifecycle(
                keep_images=args.settings.keep_images,
                keep_untagged_days=args.settings.keep_untagged_days,
            ),
            # A repository has one, and the provider replaces it: the old one's deletion would take
            # the new one away, and every image would stay for ever.
            opts=pulumi.ResourceOptions.merge(
                here, pulumi.ResourceOptions(delete_before_replace=True)
            ),
        )
        return repository
