"""Images that are not what was pushed, or that others take."""

from __future__ import annotations

import json
from typing import Any

from tests.policies.mutation import Mutant, add, document, drop, put, unlink

_REPOSITORY = "aws:ecr/repository:Repository"
_LIFECYCLE = "aws:ecr/lifecyclePolicy:LifecyclePolicy"
_API = "registry-api"
_NO_KEY = "images are not encrypted with a key of ours"
_FOR_EVER = "images without a tag are kept for ever"


def _policy(principal: Any) -> dict[str, str]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "ecr:BatchGetImage"}
    return {"policy": json.dumps({"Statement": [statement]})}


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="ecr-tags-immutable",
        title="tags move",
        change=put(_REPOSITORY, "imageTagMutability", "MUTABLE", _API),
        says=("a tag can be pushed again with other content",),
    ),
    Mutant(
        rule="ecr-tags-immutable",
        title="some tags move",
        change=put(_REPOSITORY, "imageTagMutability", "IMMUTABLE_WITH_EXCLUSION", _API),
        says=("a tag can be pushed again with other content",),
    ),
    Mutant(
        rule="ecr-tags-immutable",
        title="AWS's default",
        change=drop(_REPOSITORY, "imageTagMutability", _API),
        says=("a tag can be pushed again with other content",),
    ),
    Mutant(
        rule="ecr-scan-on-push",
        title="no scan",
        change=put(_REPOSITORY, "imageScanningConfiguration.scanOnPush", False, _API),
        says=("images are not scanned on push",),
    ),
    Mutant(
        rule="ecr-encrypted",
        title="AWS's own cipher",
        change=put(_REPOSITORY, "encryptionConfigurations.0.encryptionType", "AES256", _API),
        says=(_NO_KEY,),
    ),
    Mutant(
        rule="ecr-encrypted",
        title="AWS's own key",
        change=drop(_REPOSITORY, "encryptionConfigurations.0.kmsKey", _API),
        says=(_NO_KEY,),
    ),
    Mutant(
        rule="ecr-lifecycle",
        title="nothing expires",
        change=unlink(_LIFECYCLE, "repository", "registry-api-lifecycle"),
        says=(_FOR_EVER,),
        at=_API,
    ),
    Mutant(
        rule="ecr-lifecycle",
        title="untagged images stay",
        change=document(
            _LIFECYCLE, "policy", lambda found: found["rules"].pop(0), "registry-api-lifecycle"
        ),
        says=(_FOR_EVER,),
        at=_API,
    ),
    Mutant(
        rule="ecr-not-public",
        title="for everybody",
        change=add(
            "aws:ecr/repositoryPolicy:RepositoryPolicy",
            "share",
            _policy({"AWS": "*"}),
            {"repository": (_REPOSITORY, _API)},
        ),
        says=("anybody may use this repository",),
        at=_API,
    ),
    Mutant(
        rule="ecr-not-public",
        title="a public repository",
        change=add("aws:ecrpublic/repository:Repository", "gallery", {"repositoryName": "api"}),
        says=("anybody may pull these images",),
        at="gallery",
    ),
)
