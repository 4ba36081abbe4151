"""What an environment may decide about its image registry (CICD-05, CICD-07).

Immutable tags, scanning on push and encryption are not here: nobody needs to relax them.
"""

from __future__ import annotations

import re
from typing import Self

from pydantic import model_validator

from settings.core import Section, clash, setting

REPOSITORY = r"^[a-z0-9]+([._-][a-z0-9]+)*$"  # ECR user guide, repository names


class RegistrySettings(Section):
    """One repository for each image that the deployment runs."""

    repositories: tuple[str, ...] = setting(
        ("api", "platform", "unstructured", "scraper", "migrations"),
        allowed="names of small letters and digits, joined by . _ or -, each once",
        example=["api", "platform"],
        min_length=1,
    )
    keep_images: int = setting(
        200,
        allowed="newest images kept in each repository, from 50 to 5,000; a running image older "
        "than these could not be pulled by a new node",
        example=200,
        ge=50,
        le=5000,
    )
    keep_untagged_days: int = setting(
        14, allowed="days an image without a tag is kept, from 1 to 90", example=14, ge=1, le=90
    )

    @model_validator(mode="after")
    def _names(self) -> Self:
        for name in self.repositories:
            if not re.match(REPOSITORY, name) or self.repositories.count(name) > 1:
                raise clash(
                    "repositories",
                    got=f'"{name}"' + (" twice" if self.repositories.count(name) > 1 else ""),
                    allowed="names of small letters and digits, joined by . _ or -, each once",
                    example=["api", "platform"],
                )
        return self
