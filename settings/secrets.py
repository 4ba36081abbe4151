"""What an environment may decide about its secrets; the values themselves never stand here.

Meets SEC-05 and SEC-06 (recovery window, rotation as one reviewed edit); refusal K8. The given
values are read by `settings.secret_values`.
"""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from settings.core import Section, clash, setting

# Born in the program and replaced by raising their generation.
ROTATABLE = (
    "cache",
    "database-app",
    "database-dump",
    "database-exporter",
    "database-owner",
    "database-readonly",
    "database-retention",
    "grafana-admin",
    "jwt",
    "jwt-refresh",
    "session",
)


class SecretsSettings(Section):
    """Answers the secrets row of the security checklist (CHK-SEC-02)."""

    open_ai: bool = setting(
        False,
        allowed="true where the chat is used; the secret openAiApiKey must then be given",
        example=True,
    )
    sentry: bool = setting(
        False,
        allowed="true where errors go to Sentry; the secret sentryDsn must then be given",
        example=True,
    )
    # 0 (delete at once) is not offered: a random suffix already frees the name (K6).
    recovery_window_days: int = setting(
        30,
        allowed="whole days from 7 to 30 in which a deleted secret can be restored",
        example=30,
        ge=7,
        le=30,
    )
    generation: dict[str, int] = setting(
        {},
        allowed="for each secret to be replaced a number from 1 to 9,999 that is raised by one: "
        + ", ".join(ROTATABLE),
        example={"jwt": 2},
    )

    def generation_of(self, key: str) -> int:
        return self.generation.get(key, 1)

    @model_validator(mode="after")
    def _generations_are_known(self) -> Self:
        for key, number in self.generation.items():
            if key not in ROTATABLE:
                raise clash(
                    f"generation.{key}",
                    got="a key that cannot be replaced by the program",
                    allowed="one of "
                    + ", ".join(ROTATABLE)
                    + "; encryption is never replaced in place, since what it encrypted would be "
                    "lost (ENV-15)",
                    example="jwt: 2",
                )
            if not 1 <= number <= 9999:
                raise clash(
                    f"generation.{key}", got=number, allowed="a number from 1 to 9,999", example=2
                )
        return self
