"""What an environment may decide about nginx, the gateway inside the cluster.

Which port it listens on, whether by TLS, and for which hosts stands in `edge.targets.gateway`, once
for the load balancer and for the pods. Time limits, header values, TLS versions and what is logged
are no choices: they are constants of the component.

Meets LB-01, LB-16, LB-17 and LB-23 (bodies) as far as they are choices. Refused: limits above the
guide's 10 per second with a burst of 20; an office behind one address belongs into
`edge.firewall.trustedCidrs`, which the count of 600 per minute leaves out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from settings.core import Section, clash, setting
from settings.edge import EdgeSettings, Host
from settings.images import DIGEST, IMAGE

# The row of `edge.targets` that these pods answer for.
TARGET = "gateway"
# The program behind each public host.
BEHIND: Mapping[Host, str] = {"api": "api", "app": "platform"}
CUSTOMER_PODS = 3  # one for each zone (LB-01)


class GatewaySettings(Section):
    """nginx between the load balancer and the application."""

    image: str = setting(
        allowed="nginx 1.25 or later by digest, with its modules ssl and stub_status and a shell",
        example="docker.io/nginxinc/nginx-unprivileged:1.28-alpine@sha256:" + DIGEST,
        pattern=IMAGE,
    )
    exporter_image: str = setting(
        allowed="nginx-prometheus-exporter 1.x by digest",
        example="docker.io/nginx/nginx-prometheus-exporter:1.4.2@sha256:" + DIGEST,
        pattern=IMAGE,
    )
    minimum: int = setting(
        3, allowed="whole pods from 1 to 20; one for each zone", example=3, ge=1, le=20
    )
    maximum: int = setting(
        6, allowed="whole pods from minimum to 20 that the autoscaler may reach", example=6, le=20
    )
    workers: int = setting(
        2,
        allowed="worker processes of a pod from 1 to 8; each may use one CPU",
        example=2,
        ge=1,
        le=8,
    )
    requests_per_second: int = setting(
        10, allowed="requests per second and client from 1 to 10", example=10, ge=1, le=10
    )
    burst: int = setting(
        20,
        allowed="requests from 1 to 20 that a client may send at once beyond that rate",
        example=20,
        ge=1,
        le=20,
    )
    max_body_mib: int = setting(
        25, allowed="whole MiB of a request's body from 1 to 1,024", example=25, ge=1, le=1024
    )
    tls_secret: str | None = setting(
        None,
        allowed="the Secret of type kubernetes.io/tls that holds the pods' own certificate, with "
        "edge.targets.gateway.protocol HTTPS and only then (the load balancer does not verify it)",
        example="gateway-tls",
        pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
    )

    @model_validator(mode="after")
    def _floor_is_below_ceiling(self) -> Self:
        if self.maximum < self.minimum:
            raise clash(
                "maximum",
                got=self.maximum,
                allowed=f"not less than minimum ({self.minimum})",
                example=self.minimum,
            )
        return self


def gateway_refusals(
    gateway: GatewaySettings,
    edge: EdgeSettings,
    programs: Collection[str],
    *,
    serves_customers: bool,
) -> Iterator[PydanticCustomError]:
    """What is wrong between the gateway and its neighbours; keys from the environment's root.

    programs: those of the application that run (`workloads.programs`).
    """
    yield from _target_refusals(gateway, edge, programs)
    if serves_customers and gateway.minimum < CUSTOMER_PODS:
        yield clash(
            "gateway.minimum",
            got=f"{gateway.minimum} while servesCustomers is true",
            allowed=f"{CUSTOMER_PODS} or more wherever servesCustomers is true: one for each zone",
            example=CUSTOMER_PODS,
        )


def _target_refusals(
    gateway: GatewaySettings, edge: EdgeSettings, programs: Collection[str]
) -> Iterator[PydanticCustomError]:
    target = edge.targets.get(TARGET)
    if target is None:
        yield clash(
            "edge.targets",
            got=f"targets {', '.join(edge.targets)}",
            allowed=f"targets with {TARGET} among them, whose pods nginx is",
            example={TARGET: {"port": 8080, "hosts": ["api", "app"]}},
        )
        return
    if (target.protocol == "HTTPS") != (gateway.tls_secret is not None):
        yield clash(
            "gateway.tlsSecret",
            got=f"{gateway.tls_secret or 'nothing'} while edge.targets.{TARGET}.protocol is "
            f"{target.protocol}",
            allowed="a Secret with protocol HTTPS, nothing with HTTP",
            example="gateway-tls" if target.protocol == "HTTPS" else "leave it out",
        )
    for host in target.hosts:
        if BEHIND[host] not in programs:
            yield clash(
                f"edge.targets.{TARGET}.hosts",
                got=f"{host} while workloads.{BEHIND[host]} is absent",
                allowed="hosts whose program runs: nginx does not start without it",
                example=f"workloads.{BEHIND[host]} with its image",
            )
