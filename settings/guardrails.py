"""What the application's namespace admits: registries and sizes.

Meets CICD-07 (registries), K8S-11 in what Pod Security does not cover. Who may look is said where
people enter (`cluster.access`). Refused: a switch for each guardrail (nobody needs to relax them;
an image is moved to an allowed registry instead) and a quota in numbers (it follows from what is
declared, and another number would only be wrong in another way).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.core import Section, setting
from settings.images import REGISTRY
from settings.workloads import MEMORY

Registry = Annotated[str, Field(pattern=REGISTRY)]


class GuardrailsSettings(Section):
    """Answers the guide's "RBAC" and what it leaves open about pods."""

    allowed_registries: tuple[Registry, ...] = setting(
        ("ghcr.io/archesai",),
        allowed="at most 30 registries or paths in them, without a slash at the end, that images "
        "may come from, beside the account's own in this region",
        example=["ghcr.io/archesai", "docker.io/nginxinc"],
        max_length=30,
    )
    headroom_percent: int = setting(
        50,
        allowed="percent from 10 to 300 by which the quota is above what all declared pods ask for "
        "at their maximum; Jobs that are run by hand take it",
        example=50,
        ge=10,
        le=300,
    )
    pod_memory: str = setting(
        "4Gi",
        allowed="the most memory that one pod may be limited to, in Mi or Gi",
        example="4Gi",
        pattern=MEMORY,
    )
    volume_gib: int = setting(
        100, allowed="whole GiB from 1 to 16,384 of one volume", example=100, ge=1, le=16384
    )
