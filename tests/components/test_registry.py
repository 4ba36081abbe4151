"""The images' repositories: scanned, immutable, tidied up."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_aws as aws

from components.registry import Registry, RegistryArgs, lifecycle
from settings.registry import RegistrySettings
from tests.components.cluster_neighbours import context, keys
from tests.recorder import ACCOUNT, REGION, Recorder, once, record

REPOSITORY = "aws:ecr/repository:Repository"


@once
def registry(yaml: str = "{}", **changes: Any) -> Recorder:
    def program() -> None:
        provider = aws.Provider("aws", region=REGION)
        Registry(
            "registry",
            RegistryArgs(
                context=context(**changes),
                settings=RegistrySettings.model_validate_json(yaml),
                keys=keys(),
            ),
            pulumi.ResourceOptions(providers=[provider]),
        )

    return record(program)


def test_every_image_of_the_deployment_has_a_repository_named_after_the_stack():
    assert {each.inputs["name"] for each in registry().of(REPOSITORY)} == {
        "arches-test-api",
        "arches-test-platform",
        "arches-test-unstructured",
        "arches-test-scraper",
        "arches-test-migrations",
    }


def test_tags_cannot_be_moved_images_are_scanned_and_encrypted_with_our_key():
    made = registry().one(REPOSITORY, "registry-api")
    assert made.inputs == {
        "name": "arches-test-api",
        "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": {"scanOnPush": True},
        "encryptionConfigurations": [
            {"encryptionType": "KMS", "kmsKey": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/data"}
        ],
        "forceDelete": False,
    }
    assert made.protect, "an image that is gone cannot be rolled back to"


def test_a_throw_away_registry_goes_with_its_images():
    made = registry(protect=False, serves_customers=False).one(REPOSITORY, "registry-api")
    assert made.inputs["forceDelete"] is True
    assert not made.protect


def test_every_repository_forgets_by_the_same_rules():
    made = registry('{"keepImages": 60}').of("aws:ecr/lifecyclePolicy:LifecyclePolicy")
    assert len(made) == 5
    assert {each.inputs["policy"] for each in made} == {
        lifecycle(keep_images=60, keep_untagged_days=14)
    }


def test_the_rule_for_any_image_is_the_last_one_as_ecr_demands():
    rules = json.loads(lifecycle(keep_images=60, keep_untagged_days=14))["rules"]
    assert [(each["rulePriority"], each["selection"]["tagStatus"]) for each in rules] == [
        (1, "untagged"),
        (2, "any"),
    ]
    assert rules[1]["selection"]["countNumber"] == 60


def test_the_accounts_own_scanning_configuration_is_left_alone():
    assert not registry().of("aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration")


def test_others_find_repositories_by_their_short_names():
    made = registry()
    outputs = made.components[0].outputs
    assert outputs is not None
    assert outputs["repositoryUrls"]["api"] == (
        f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/arches-test-api"
    )
    assert len(outputs["repositoryArns"]) == 5
