"""An image's name: what runtimes fetch passes, what they would take from elsewhere does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from settings.core import section_in
from settings.environment import Environment
from settings.images import DIGEST, IMAGE, REGISTRY

AT = "@sha256:" + DIGEST


@pytest.mark.parametrize(
    "name",
    [
        "ghcr.io/archesai/api",
        "ghcr.io/archesai/api:v1.2.3",
        "registry.archesai.com:5000/team/part/api",
        "ghcr.io/a/under_score.dot__two---dashes",
        "ghcr.io/archesai/api:_" + "x" * 127,
    ],
)
def test_a_name_of_the_specifications_grammar_is_accepted(name: str) -> None:
    assert re.search(IMAGE, name + AT), name


@pytest.mark.parametrize(
    "name",
    [
        "archesai/api",  # a runtime would ask Docker Hub for it
        "localhost:5000/api",
        "ghcr.io",
        "ghcr.io:123456/api",
        "-ghcr.io/api",
        "ghcr..io/api",
        "https://ghcr.io/api",
        "ghcr.io/Arches/api",
        "ghcr.io/a../api",
        "ghcr.io//api",
        "ghcr.io/api-",
        "ghcr.io/api:",
        "ghcr.io/api:-v1",
        "ghcr.io/api:.v1",
        "ghcr.io/api:x" + "x" * 128,
    ],
)
def test_a_name_that_a_runtime_refuses_or_takes_for_another_is_refused(name: str) -> None:
    assert not re.search(IMAGE, name + AT), name


@pytest.mark.parametrize("digest", ["", "@sha256:" + "a" * 63, AT + "a", AT.upper()])
def test_only_a_whole_digest_says_which_image_it_is(digest: str) -> None:
    assert not re.search(IMAGE, "ghcr.io/archesai/api" + digest)


def test_a_registry_is_what_an_images_name_may_begin_with() -> None:
    for part in ("ghcr.io", "ghcr.io/archesai", "registry.archesai.com:5000/team/part"):
        assert re.search(REGISTRY, part), part
        assert re.search(IMAGE, f"{part}/api{AT}"), part


def images(section: type[BaseModel] = Environment) -> Iterator[tuple[str, list[Any]]]:
    for name, field in section.model_fields.items():
        if name.endswith("image"):
            yield name, [getattr(each, "pattern", None) for each in field.metadata]
        inner = section_in(field.annotation)
        if inner is not None:
            yield from images(inner)


def test_every_setting_that_names_an_image_has_the_one_pattern() -> None:
    found = list(images())
    assert len(found) == 14
    for name, patterns in found:
        assert IMAGE in patterns, f"{name} takes names that others refuse"
