"""What an environment may say about the gateway, and how a wrong value is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from settings.core import refusals
from settings.gateway import GatewaySettings, gateway_refusals
from tests.settings.test_edge_settings import edge

DIGEST = "@sha256:" + "a" * 64
PLAIN: dict[str, Any] = {
    "image": "docker.io/nginxinc/nginx-unprivileged:1.28-alpine" + DIGEST,
    "exporterImage": "docker.io/nginx/nginx-prometheus-exporter:1.4.2" + DIGEST,
}


def gateway(**changed: Any) -> GatewaySettings:
    return GatewaySettings.model_validate_json(json.dumps({**PLAIN, **changed}))


def refused(**changed: Any) -> str:
    """The one line that says no."""
    with pytest.raises(ValidationError) as caught:
        gateway(**changed)
    [line] = refusals(GatewaySettings, caught.value, "Pulumi.test.yaml")
    return line.removeprefix("Pulumi.test.yaml: arches:")


BOTH = ("api", "platform")


def between(
    *,
    serves_customers: bool = False,
    target: dict[str, Any] | None = None,
    programs: tuple[str, ...] = BOTH,
    **changed: Any,
) -> list[Any]:
    """What is wrong between the gateway and the edge: key and what it got."""
    plain = {"port": 8080, "hosts": ["api", "app"]}
    found = gateway_refusals(
        gateway(**changed),
        edge(targets={"gateway": {**plain, **(target or {})}}),
        programs,
        serves_customers=serves_customers,
    )
    return [((each.context or {})["key"], (each.context or {})["got"]) for each in found]


def test_two_images_are_enough_and_the_rest_are_the_guides_values() -> None:
    plain = gateway()
    assert (plain.requests_per_second, plain.burst) == (10, 20), "LB-16, LB-17"
    assert plain.max_body_mib == 25, "LB-23: nginx's own 1 MiB breaks uploads"
    assert (plain.minimum, plain.maximum) == (3, 6)
    assert plain.tls_secret is None
    assert between(serves_customers=True) == [], "the defaults must be good enough for customers"


@pytest.mark.parametrize("key", ["image", "exporterImage"])
def test_an_image_is_named_by_its_digest(key: str) -> None:
    assert refused(**{key: "docker.io/nginxinc/nginx-unprivileged:1.28-alpine"}).startswith(
        f'{key}: got "docker.io/nginxinc/nginx-unprivileged:1.28-alpine"; allowed: '
    ), "what a tag means changes under a running system"


@pytest.mark.parametrize("key", ["image", "exporterImage"])
def test_nobody_invents_an_image(key: str) -> None:
    without = {name: value for name, value in PLAIN.items() if name != key}
    with pytest.raises(ValidationError) as caught:
        GatewaySettings.model_validate_json(json.dumps(without))
    [line] = refusals(GatewaySettings, caught.value, "Pulumi.test.yaml")
    assert f"arches:{key}: got nothing" in line


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("requestsPerSecond", 11),
        ("requestsPerSecond", 0),
        ("burst", 21),
        ("burst", 0),
        ("maxBodyMib", 1025),
        ("minimum", 0),
        ("maximum", 21),
        ("workers", 9),
        ("tlsSecret", "Not A Name"),
    ],
)
def test_a_value_outside_its_bounds_is_refused(key: str, value: Any) -> None:
    line = refused(**{key: value})
    assert line.startswith(f"{key}: got {json.dumps(value)}; allowed: "), line


def test_the_autoscalers_ceiling_is_not_below_its_floor() -> None:
    assert refused(minimum=4, maximum=3) == (
        "maximum: got 3; allowed: not less than minimum (4); for example 4"
    )


def test_tls_is_said_with_its_certificate_or_not_at_all() -> None:
    assert between(target={"protocol": "HTTPS"}) == [
        ("gateway.tlsSecret", "nothing while edge.targets.gateway.protocol is HTTPS")
    ]
    assert between(tlsSecret="gateway-tls") == [
        ("gateway.tlsSecret", "gateway-tls while edge.targets.gateway.protocol is HTTP")
    ]
    assert between(target={"protocol": "HTTPS"}, tlsSecret="gateway-tls") == []


def test_the_load_balancer_has_to_know_the_gateway() -> None:
    other = edge(targets={"nginx": {"port": 8080, "hosts": ["api", "app"]}})
    [found] = gateway_refusals(gateway(), other, BOTH, serves_customers=False)
    assert (found.context or {})["key"] == "edge.targets"
    assert (found.context or {})["got"] == "targets nginx"


def test_a_host_whose_program_does_not_run_is_refused_before_nginx_refuses_it() -> None:
    assert between(programs=("api",)) == [
        ("edge.targets.gateway.hosts", "app while workloads.platform is absent")
    ]


def test_customers_get_a_gateway_in_each_zone() -> None:
    assert between(minimum=2) == []
    assert between(minimum=2, serves_customers=True) == [
        ("gateway.minimum", "2 while servesCustomers is true")
    ], "LB-01: one zone's loss would leave one pod"
