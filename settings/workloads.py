"""What an environment decides about the application's own programs.

Images by digest, how many pods, how large, and what the application has already: metrics, tracing,
sign-in elsewhere. Each program is there where it is named. What nobody decides (probes, rollout,
security, durations, the timeouts' chain) is in components/kubernetes/workloads/application.py.

Meets ENV-02 (one port), ENV-04, ENV-06 (exact https origins), ENV-20 and ENV-21 as choices, CICD-07
(digests), LB-01 and UPD-03 (three pods where customers are served), CHK-INFRA-01 (sizes of fact
A22). Refused: an `enabled` beside each image (a program that is off would still have to be
given one); the guide's 30 s for the model (it races with the API's, ENV-19).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from settings.core import Section, clash, setting
from settings.edge import EdgeSettings
from settings.images import DIGEST, IMAGE, IMAGE_ALLOWED

CPU = r"^([1-9]\d{0,4}m|[1-9]\d?)$"
MEMORY = r"^[1-9]\d{0,4}(Mi|Gi)$"
ORIGIN = r"^https://([a-z0-9-]+\.)+[a-z]{2,}(:[0-9]{1,5})?$"
METRICS_PORT = 9090  # ENV-20
# UPD-03: pods of the API more than it has, while a revision takes the place of another.
API_SURGE = 1
CUSTOMER_PODS = {"api": 3, "platform": 2}

Origin = Annotated[str, Field(pattern=ORIGIN)]


def _cpu(default: str) -> Any:
    return setting(
        default,
        allowed="CPU that is set aside: 1m to 99999m, or whole cores",
        example=default,
        pattern=CPU,
    )


def _cpu_limit(default: str) -> Any:
    return setting(
        default,
        allowed="CPU that it gets at most, not below cpu; null for none",
        example=default,
        pattern=CPU,
    )


def _memory(default: str) -> Any:
    return setting(
        default, allowed="memory that is set aside, in Mi or Gi", example=default, pattern=MEMORY
    )


def _memory_limit(default: str) -> Any:
    return setting(
        default,
        allowed="memory at which it is killed, not below memory",
        example=default,
        pattern=MEMORY,
    )


class SizeSettings(Section):
    """Requests and limits of a container, as Kubernetes writes them; each program has its own."""

    cpu: str
    cpu_limit: str | None
    memory: str
    memory_limit: str

    @model_validator(mode="after")
    def _limits_are_above(self) -> Self:
        for key, low, high in (
            ("memoryLimit", self.memory, self.memory_limit),
            ("cpuLimit", self.cpu, self.cpu_limit),
        ):
            if high is not None and amount(high) < amount(low):
                raise clash(
                    key, got=f'"{high}"', allowed=f"at least what is set aside, {low}", example=low
                )
        return self


def amount(quantity: str) -> float:
    """A Kubernetes quantity in cores or bytes. Raises ValueError."""
    parts = re.fullmatch(r"(\d+)(m|Ki|Mi|Gi|Ti|)", quantity)
    if parts is None:
        raise ValueError(f'quantity "{quantity}": allowed are digits, then m, Ki, Mi, Gi or Ti')
    factor = {"m": 0.001, "": 1.0, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40}
    return int(parts[1]) * factor[parts[2]]


class ApiSize(SizeSettings):
    """Fact A22."""

    cpu: str = _cpu("500m")
    cpu_limit: str | None = _cpu_limit("1")
    memory: str = _memory("512Mi")
    memory_limit: str = _memory_limit("1Gi")


class PlatformSize(SizeSettings):
    """Fact A22."""

    cpu: str = _cpu("100m")
    cpu_limit: str | None = _cpu_limit("250m")
    memory: str = _memory("256Mi")
    memory_limit: str = _memory_limit("512Mi")


class HelperSize(SizeSettings):
    """Figures of the application's manifests."""

    cpu: str = _cpu("250m")
    cpu_limit: str | None = _cpu_limit("500m")
    memory: str = _memory("512Mi")
    memory_limit: str = _memory_limit("1Gi")


class ProgramSettings(Section):
    """What every program of the application is asked, beside its size."""

    image: str = setting(
        allowed=IMAGE_ALLOWED,
        example="ghcr.io/archesai/archesai:v1.0.0@sha256:" + DIGEST,
        pattern=IMAGE,
    )
    command: tuple[str, ...] = setting(
        (),
        allowed="words that replace the image's entry point; none keeps it",
        example=["node", "server.mjs"],
    )
    minimum: int = setting(2, allowed="whole pods from 1 to 50", example=2, ge=1, le=50)
    maximum: int = setting(
        2,
        allowed="whole pods from minimum to 100; more than minimum makes an autoscaler",
        example=6,
        ge=1,
        le=100,
    )
    cpu_percent: int = setting(
        70,
        allowed="percent of the requested CPU, 20 to 95, that the autoscaler keeps",
        example=70,
        ge=20,
        le=95,
    )

    @property
    def version(self) -> str:
        """The tag beside the digest, as a label takes it; empty where there is none."""
        tag = re.search(r":([\w.-]+)@", self.image)
        return tag[1][:63].rstrip("._-") if tag else ""

    @model_validator(mode="after")
    def _grows_from_the_minimum(self) -> Self:
        if self.maximum < self.minimum:
            raise clash(
                "maximum",
                got=self.maximum,
                allowed=f"at least minimum, {self.minimum}",
                example=self.minimum,
            )
        return self


class ApiSettings(ProgramSettings):
    """The API; figures of the guide and of fact A22."""

    minimum: int = setting(3, allowed="whole pods from 1 to 50", example=3, ge=1, le=50)
    maximum: int = setting(
        10,
        allowed="whole pods from minimum to 100; the connection budget counts with it",
        example=10,
        ge=1,
        le=100,
    )
    size: ApiSize = setting(
        ApiSize(), allowed="requests and limits", example={"memoryLimit": "2Gi"}
    )
    port: int = setting(
        8080, allowed="a port from 1,024 to 65,535, not 9090", example=8080, ge=1024, le=65535
    )
    environment: Literal["development", "staging", "production"] = setting(
        "production",
        allowed='what the application calls it: "development", "staging" or "production"',
        example="production",
    )
    log_level: Literal["error", "warn", "info", "debug"] = setting(
        "info", allowed='"error", "warn", "info" or "debug"', example="info"
    )
    documentation: bool = setting(
        False, allowed="true serves the API's own documentation page", example=False
    )
    origins: tuple[Origin, ...] = setting(
        (),
        allowed="at most 10 origins beside the web application's own that may call the API with a "
        "user's cookies, each https://<host>; no wildcard",
        example=["https://admin.archesai.com"],
        max_length=10,
    )
    internet: bool = setting(
        False,
        allowed="true where the API calls hosts outside, such as sign-in elsewhere; a chat model "
        "and Sentry open the way by themselves",
        example=False,
    )
    metrics: bool = setting(
        False,
        allowed="true once the application serves /metrics on 9090 (this revision does not, A5)",
        example=False,
    )
    tracing: bool = setting(
        False,
        allowed="true once the application sends traces (this revision does not, A5)",
        example=False,
    )

    @model_validator(mode="after")
    def _ports_differ(self) -> Self:
        if self.port == METRICS_PORT:
            raise clash(
                "port", got=self.port, allowed=f"not {METRICS_PORT}, the metrics'", example=8080
            )
        return self


class PlatformSettings(ProgramSettings):
    """The web application's server; figures of fact A22."""

    maximum: int = setting(
        6,
        allowed="whole pods from minimum to 100; more than minimum makes an autoscaler",
        example=6,
        ge=1,
        le=100,
    )
    size: PlatformSize = setting(
        PlatformSize(), allowed="requests and limits", example={"memoryLimit": "2Gi"}
    )
    port: int = setting(
        3000, allowed="a port from 1,024 to 65,535", example=3000, ge=1024, le=65535
    )


class HelperSettings(ProgramSettings):
    """A program that only the API calls; figures of the application's manifests."""

    size: HelperSize = setting(
        HelperSize(), allowed="requests and limits", example={"memoryLimit": "2Gi"}
    )


class WorkloadsSettings(Section):
    """Which of the application's programs run here."""

    api: ApiSettings | None = setting(
        None,
        allowed="a mapping for the API, at least its image; leave out for none",
        example={"image": "ghcr.io/archesai/archesai:v1.0.0@sha256:" + DIGEST},
    )
    platform: PlatformSettings | None = setting(
        None,
        allowed="a mapping for the web application, at least its image; leave out for none",
        example={"image": "ghcr.io/archesai/platform:v1.0.0@sha256:" + DIGEST},
    )
    unstructured: HelperSettings | None = setting(
        None,
        allowed="a mapping for the program that reads documents, at least its image; leave out "
        "for none",
        example={"image": "quay.io/unstructured-io/unstructured-api@sha256:" + DIGEST},
    )
    scraper: HelperSettings | None = setting(
        None,
        allowed="a mapping for the program that reads web pages, at least its image; leave out "
        "for none",
        example={"image": "mcr.microsoft.com/playwright:v1.55.0@sha256:" + DIGEST},
    )

    @model_validator(mode="after")
    def _all_serve_the_api(self) -> Self:
        if self.api is None and self.programs:
            raise clash(
                "api",
                got=f"nothing while {', '.join(self.programs)} is given",
                allowed="a mapping with the API's image wherever another program runs: only it "
                "calls them, or is what they show",
                example={"image": "ghcr.io/archesai/archesai:v1.0.0@sha256:" + DIGEST},
            )
        return self

    @property
    def programs(self) -> dict[str, ProgramSettings]:
        """Those that run, by the component that they are."""
        named = {
            "api": self.api,
            "platform": self.platform,
            "unstructured": self.unstructured,
            "scraper": self.scraper,
        }
        return {name: each for name, each in named.items() if each is not None}


def refused(
    workloads: WorkloadsSettings, edge: EdgeSettings, *, serves_customers: bool
) -> Iterator[PydanticCustomError]:
    """What is wrong between the workloads and other sections; keys from the environment's root."""
    for name, target in edge.targets.items():
        program = workloads.programs.get(name)
        if isinstance(program, (ApiSettings, PlatformSettings)) and program.port != target.port:
            yield clash(
                f"edge.targets.{name}.port",
                got=f"{target.port} while workloads.{name}.port is {program.port}",
                allowed="the port that the program listens on (ENV-02)",
                example=program.port,
            )
    if not serves_customers:
        return
    for name, least in CUSTOMER_PODS.items():
        program = workloads.programs.get(name)
        if program is None:
            yield clash(
                f"workloads.{name}",
                got="nothing while servesCustomers is true",
                allowed="a mapping with the program's image wherever servesCustomers is true",
                example={"image": f"ghcr.io/archesai/{name}@sha256:{DIGEST}"},
            )
        elif program.minimum < least:
            yield clash(
                f"workloads.{name}.minimum",
                got=f"{program.minimum} while servesCustomers is true",
                allowed=f"{least} or more wherever servesCustomers is true (UPD-03)",
                example=least,
            )
