"""What an environment may decide about the copies of its cluster's objects.

Meets DR-04 and DR-05, and DR-02 in its part: an hourly copy cannot lose less than an hour, since
the copy itself takes time.

Refused: a second, daily schedule that alone keeps 720 hours (two ages of one thing to reason about
in a restore; half-hourly copies of objects for 30 days are 1,440 small archives).
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from settings.backup import OBJECTIVE_MINUTES
from settings.core import Section, clash, setting


def worst_loss_minutes(every_minutes: int, copy_minutes: int) -> int:
    """What is lost at worst: everything since the start of the last copy that was finished."""
    return every_minutes + copy_minutes


class VeleroSettings(Section):
    """Answers the guide's Velero schedule, "0 */1 * * *" kept for 720 hours."""

    # Divisors of an hour: cron has no other even periods.
    every_minutes: Literal[5, 10, 15, 20, 30] = setting(
        30, allowed="5, 10, 15, 20 or 30 minutes from one copy to the next", example=30
    )
    copy_minutes: int = setting(
        15,
        allowed="whole minutes from 1 to 59 that a copy may take until it is safe; with "
        "everyMinutes less than 60",
        example=15,
        ge=1,
        le=59,
    )
    keep_hours: int = setting(
        720, allowed="whole hours from 48 to 720 that a copy is kept", example=720, ge=48, le=720
    )

    @property
    def worst_loss_minutes(self) -> int:
        return worst_loss_minutes(self.every_minutes, self.copy_minutes)

    @property
    def keep_days(self) -> int:
        """For the table of lifetimes: a day that has begun counts."""
        return -(-self.keep_hours // 24)

    @property
    def copies(self) -> int:
        """How many there are at once."""
        return self.keep_hours * 60 // self.every_minutes

    @model_validator(mode="after")
    def _under_an_hour(self) -> Self:
        if self.worst_loss_minutes >= OBJECTIVE_MINUTES:
            raise clash(
                "everyMinutes",
                got=f"{self.every_minutes} with copyMinutes {self.copy_minutes}: "
                f"{self.worst_loss_minutes} minutes lost at worst",
                allowed=f"together less than {OBJECTIVE_MINUTES} minutes (DR-02)",
                example=15,
            )
        return self
