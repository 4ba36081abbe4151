"""Which programs run, how large, and what their settings refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from settings.core import line_of, refusals
from settings.edge import EdgeSettings
from settings.environment import Environment
from settings.images import DIGEST
from settings.workloads import WorkloadsSettings, amount
from settings.workloads import refused as between

IMAGE = "ghcr.io/archesai/archesai:v1.2.3@sha256:" + DIGEST
EDGE = {
    "domain": "archesai.com",
    "apiHost": "api.archesai.com",
    "appHost": "app.archesai.com",
    "originPrefixList": "pl-a3a144ca",
}


def settings(**given: Any) -> WorkloadsSettings:
    return WorkloadsSettings.model_validate_json(json.dumps(given))


def edge(**given: Any) -> EdgeSettings:
    return EdgeSettings.model_validate_json(json.dumps({**EDGE, **given}))


def refused(**given: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        settings(**given)
    [line] = refusals(WorkloadsSettings, caught.value, "Pulumi.test.yaml")
    return line.removeprefix("Pulumi.test.yaml: arches:")


def test_nothing_named_runs_nothing():
    assert settings().programs == {}


def test_an_image_is_enough_for_the_guides_api():
    api = settings(api={"image": IMAGE}).api
    assert api is not None
    assert (api.port, api.minimum, api.maximum, api.environment) == (8080, 3, 10, "production")
    assert (api.size.cpu, api.size.cpu_limit) == ("500m", "1"), "fact A22"
    assert (api.size.memory, api.size.memory_limit) == ("512Mi", "1Gi"), "fact A22"
    assert api.version == "v1.2.3"


EVERY = {name: {"image": IMAGE} for name in ("api", "platform", "unstructured", "scraper")}


def sizes(**given: Any) -> dict[str, tuple[str | None, ...]]:
    """cpu, cpuLimit, memory and memoryLimit of every program."""
    said = settings(**given)
    named = {
        "api": said.api,
        "platform": said.platform,
        "unstructured": said.unstructured,
        "scraper": said.scraper,
    }
    return {
        name: (each.size.cpu, each.size.cpu_limit, each.size.memory, each.size.memory_limit)
        for name, each in named.items()
        if each is not None
    }


def test_the_others_have_the_sizes_of_the_manifests():
    found = sizes(**EVERY)
    assert found["platform"] == ("100m", "250m", "256Mi", "512Mi")
    assert found["unstructured"] == found["scraper"] == ("250m", "500m", "512Mi", "1Gi")


def test_who_says_a_part_of_a_size_keeps_the_programs_own_rest():
    part = {"memoryLimit": "2Gi"}
    usual = sizes(**EVERY)
    larger = sizes(**{name: said | {"size": part} for name, said in EVERY.items()})
    for name, size in usual.items():
        assert larger[name] == (*size[:3], "2Gi"), f"{name}: what was not said has changed"


def test_a_program_without_a_limit_of_cpu_says_so():
    unlimited = sizes(api={"image": IMAGE, "size": {"cpuLimit": None}})["api"]
    assert unlimited == ("500m", None, "512Mi", "1Gi")


@pytest.mark.parametrize(
    "image",
    [
        "ghcr.io/archesai/archesai:v1.2.3",
        "ghcr.io/archesai/archesai:latest@sha256:abc",
        "archesai@sha256:" + DIGEST,
    ],
)
def test_an_image_that_can_change_under_its_name_is_refused(image: str):
    line = refused(api={"image": image})
    assert line.startswith(f'api.image: got "{image[:60]}')
    assert "an image by digest, <registry>/<name>[:<tag>]@sha256:<64 hex digits>" in line


@pytest.mark.parametrize("origin", ["*", "http://app.archesai.com", "https://app.archesai.com/"])
def test_only_exact_https_origins_may_call_with_cookies(origin: str):
    assert "no wildcard" in refused(api={"image": IMAGE, "origins": [origin]})


def test_an_autoscaler_that_would_shrink_is_refused():
    line = refused(api={"image": IMAGE, "minimum": 5, "maximum": 4})
    assert line == "api.maximum: got 4; allowed: at least minimum, 5; for example 5"


def test_a_limit_below_the_request_is_refused():
    line = refused(api={"image": IMAGE, "size": {"memory": "1Gi", "memoryLimit": "900Mi"}})
    assert line == (
        'api.size.memoryLimit: got "900Mi"; allowed: at least what is set aside, 1Gi; '
        'for example "1Gi"'
    )


def test_the_metrics_port_is_no_port_for_callers():
    assert refused(api={"image": IMAGE, "port": 9090}).startswith(
        "api.port: got 9090; allowed: not"
    )


def test_a_program_without_the_api_is_refused():
    line = refused(platform={"image": IMAGE})
    assert line.startswith("api: got nothing while platform is given; allowed: a mapping with")


def test_quantities_are_counted_in_cores_and_bytes():
    assert [amount(each) for each in ("250m", "2", "512Mi", "1Gi")] == [0.25, 2, 2**29, 2**30]
    with pytest.raises(ValueError, match=r'quantity "1e3": allowed are digits'):
        amount("1e3")


# -- between sections ----------------------------------------------------------------------------
def lines(workloads: WorkloadsSettings, edge: EdgeSettings, *, customers: bool) -> list[str]:
    found = between(workloads, edge, serves_customers=customers)
    return [line_of(Environment, error, "Pulumi.test.yaml") for error in found]


def test_what_customers_depend_on_runs_three_times_and_twice():
    small = settings(api={"image": IMAGE, "minimum": 2}, platform={"image": IMAGE, "minimum": 1})
    found = lines(small, edge(), customers=True)
    assert [line.split(":", 2)[2].split(";")[0] for line in found] == [
        "workloads.api.minimum: got 2 while servesCustomers is true",
        "workloads.platform.minimum: got 1 while servesCustomers is true",
    ]
    assert lines(small, edge(), customers=False) == []


def test_customers_are_not_served_by_nothing():
    found = lines(settings(), edge(), customers=True)
    assert len(found) == 2
    assert "workloads.api: got nothing while servesCustomers is true" in found[0]


def test_a_target_group_has_the_port_of_its_program():
    given = settings(api={"image": IMAGE})
    other = edge(targets={"api": {"port": 3001, "hosts": ["api", "app"]}})
    [line] = lines(given, other, customers=False)
    assert "edge.targets.api.port: got 3001 while workloads.api.port is 8080" in line
