"""What an environment may decide about its alerts. MON-05 to MON-09."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from settings.core import refusals
from settings.observability import ObservabilitySettings

TOPIC = "arn:aws:sns:eu-central-1:123456789012:team"


def read(**keys: Any) -> ObservabilitySettings:
    return ObservabilitySettings.model_validate_json(json.dumps(keys))


def refused(**keys: Any) -> str:
    with pytest.raises(ValidationError) as error:
        read(**keys)
    (line,) = refusals(ObservabilitySettings, error.value, "Pulumi.test.yaml")
    return line


def test_nothing_has_to_be_said():
    assert read() == ObservabilitySettings()
    assert read().objective_percent == 99.9


def test_the_guides_memory_threshold_is_the_default():
    assert read().process_memory_mib == 1000


def test_a_volume_is_nearly_full_before_it_is_full():
    assert "less than volumeFreePercent (10)" in refused(volumeFreePercent=10, volumeFullPercent=10)


@pytest.mark.parametrize("matcher", ['a="b"} or vector(1)', "a=b", 'a="b",c="d"', 'a="\\"'])
def test_a_matcher_cannot_break_out_of_its_selector(matcher: str):
    assert "latencyMatcher" in refused(latencyMatcher=matcher)


def test_a_matcher_leaves_out_what_is_long_by_nature():
    assert read(latencyMatcher='route!~"/stream.*"').latency_matcher == 'route!~"/stream.*"'


@pytest.mark.parametrize(
    "topics", [{"marketing": TOPIC}, {"application": "team"}, {"application": TOPIC + ".fifo"}]
)
def test_an_owners_topic_is_one_that_alertmanager_can_publish_to(topics: dict[str, str]):
    assert "ownerTopics" in refused(ownerTopics=topics)


def test_a_direct_way_to_a_pager_needs_the_pager():
    clash = read(pagerDirect=True).pager_refused(pager=False)
    assert clash is not None
    assert clash.context is not None
    assert clash.context["key"] == "observability.pagerDirect"
    assert read(pagerDirect=True).pager_refused(pager=True) is None
    assert read().pager_refused(pager=False) is None
