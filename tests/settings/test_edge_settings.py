"""What an environment may say about its door, and how a wrong value is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from settings.core import refusals
from settings.edge import EdgeSettings

PLAIN: dict[str, Any] = {
    "domain": "archesai.com",
    "apiHost": "api.archesai.com",
    "appHost": "app.archesai.com",
    "originPrefixList": "pl-a3a144ca",
}


def edge(**changed: Any) -> EdgeSettings:
    return EdgeSettings.model_validate_json(json.dumps({**PLAIN, **changed}))


def refused(**changed: Any) -> str:
    """The one line that says no."""
    with pytest.raises(ValidationError) as caught:
        edge(**changed)
    lines = refusals(EdgeSettings, caught.value, "Pulumi.test.yaml")
    assert len(lines) == 1, f"one mistake gave {len(lines)} lines: {lines}"
    assert "; allowed: " in lines[0], "nobody learns what may stand there"
    return lines[0]


def test_four_facts_are_enough_and_the_rest_are_the_guides_values() -> None:
    plain = edge()
    assert plain.hosts == {"api": "api.archesai.com", "app": "app.archesai.com"}
    assert plain.ports == (8080,), "the gateway's port is said once"
    assert plain.firewall.requests_per_minute == 600, "LB-16: 10 requests per second"
    assert plain.firewall.auth_requests_per_minute == 100, "SEC-03"
    assert plain.firewall.mode == "block"
    assert plain.hsts_max_age == 31536000, "LB-14: a year"
    assert plain.asset_paths == ("/static/*", "/assets/*"), "CDN-01"
    assert plain.customer_clash() is None, "the defaults must be good enough for customers"


def test_shield_advanced_is_bought_by_nobody_who_did_not_ask() -> None:
    shield = edge().shield_advanced
    assert not shield.subscribe, "3,000 USD a month for a year must never be a silent default"
    assert not shield.protect


def test_its_price_is_said_where_it_is_switched_on() -> None:
    field = type(edge().shield_advanced).model_fields["subscribe"]
    assert "3,000 USD a month" in (field.description or "")


@pytest.mark.parametrize(
    ("changed", "key", "said"),
    [
        ({"apiHost": "api.example.com"}, "apiHost", "a name below domain, archesai.com"),
        ({"appHost": "app.notarchesai.com"}, "appHost", "a name below domain"),
        ({"appHost": "api.archesai.com"}, "appHost", "a name of its own"),
        ({"appHost": "app.archesai.com."}, "appHost", "at most 64 characters"),
        ({"domain": "Archesai.com"}, "domain", "small letters"),
        ({"originPrefixList": "10.0.0.0/8"}, "originPrefixList", "prefix list"),
        ({"originSecurityGroup": "default"}, "originSecurityGroup", "VPCOrigins-Service-SG"),
        ({"zoneId": "Z0123456789", "dnssec": True}, "dnssec", "a zone that is made here"),
        (
            {"zoneId": "Z0123456789", "parentZoneId": "Z9876543210"},
            "parentZoneId",
            "a zone that is made here",
        ),
        ({"hstsMaxAge": 60}, "hstsMaxAge", "31536000"),
        ({"internalPaths": ["/metrics", "/admin"]}, "internalPaths", "/metrics and /debug"),
        ({"authPaths": ["/auth"]}, "authPaths", "end in /"),
        ({"assetPaths": ["*"]}, "assetPaths[0]", "path patterns"),
        ({"assetPaths": []}, "assetPaths", "1 to 5"),
        ({"targets": {"gateway": {"port": 8080, "hosts": ["api"]}}}, "targets", "exactly once"),
        ({"targets": {}}, "targets", "exactly once"),
        (
            {"targets": {"gateway": {"port": 443, "hosts": ["api", "app"]}}},
            "targets.gateway.port",
            "1024 to 65,535",
        ),
        ({"firewall": {"requestsPerMinute": 601}}, "firewall.requestsPerMinute", "10 to 600"),
        ({"firewall": {"authRequestsPerMinute": 9}}, "firewall.authRequestsPerMinute", "10 to 100"),
        ({"firewall": {"mode": "off"}}, "firewall.mode", "block, or count"),
        ({"firewall": {"trustedCidrs": ["0.0.0.0/0"]}}, "firewall.trustedCidrs[0]", "20"),
        ({"firewall": {"deniedCidrs": ["203.0.113.1/24"]}}, "firewall.deniedCidrs[0]", "100"),
        ({"shieldAdvanced": {"subscribe": True}}, "shieldAdvanced.protect", "true with subscribe"),
        ({"logRetentionDays": 7}, "logRetentionDays", "30, 60, 90"),
        ({"internalDomain": "archesai.com"}, "internalDomain", "private zone"),
        ({"fireWall": {}}, "fireWall", "one of"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_what_is_allowed(
    changed: dict[str, Any], key: str, said: str
) -> None:
    line = refused(**changed)
    assert line.startswith(f"Pulumi.test.yaml: arches:{key}: got "), line
    assert said in line


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"hstsMaxAge": 300}, "edge.hstsMaxAge"),
        ({"hstsMaxAge": 86400}, "edge.hstsMaxAge"),
        ({"firewall": {"mode": "count"}}, "edge.firewall.mode"),
        ({"firewall": {"onBalancer": False}}, "edge.firewall.onBalancer"),
    ],
)
def test_what_may_be_tried_out_elsewhere_is_refused_where_customers_are_served(
    changed: dict[str, Any], key: str
) -> None:
    found = edge(**changed).customer_clash()
    assert found is not None, "customers would get the trial"
    assert found.context is not None
    assert found.context["key"] == key


def test_each_host_may_have_a_service_of_its_own() -> None:
    split = edge(
        targets={"api": {"port": 8080, "hosts": ["api"]}, "web": {"port": 3000, "hosts": ["app"]}}
    )
    assert split.ports == (3000, 8080)
