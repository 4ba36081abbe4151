"""What the guardrails' settings refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from settings.core import refusals
from settings.guardrails import GuardrailsSettings


def refused(**given: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        GuardrailsSettings.model_validate_json(json.dumps(given))
    [line] = refusals(GuardrailsSettings, caught.value, "Pulumi.test.yaml")
    return line.removeprefix("Pulumi.test.yaml: arches:")


@pytest.mark.parametrize("registry", ["*", "ghcr.io/archesai/", "archesai", "https://ghcr.io"])
def test_a_registry_is_a_host_and_a_path_without_a_slash_at_the_end(registry: str):
    line = refused(allowedRegistries=[registry])
    assert line.startswith(f'allowedRegistries[0]: got "{registry}"; allowed: at most 30 registr')


@pytest.mark.parametrize("memory", ["4", "4GB", "0Gi"])
def test_a_pods_memory_is_in_mi_or_gi(memory: str):
    assert refused(podMemory=memory).startswith(f'podMemory: got "{memory}"; allowed: the most')


@pytest.mark.parametrize("percent", [0, 301])
def test_a_quota_without_headroom_or_without_bound_is_refused(percent: int):
    assert refused(headroomPercent=percent).startswith(f"headroomPercent: got {percent}; allowed: ")
