"""What an environment may decide about erasing what it no longer may keep.

What the tables are called is `bootstrap.tables`. Copies (dumps, snapshots, logs) are
`settings/lifetimes.py`. Meets GDPR-01 to GDPR-03 in their part of the settings.
"""

from __future__ import annotations

from typing import Literal

from settings.core import Section, setting


class RetentionSettings(Section):
    """Answers the guide's retention policy."""

    # Before the dump of 02:00, so that no dump holds what was due on its day.
    schedule: str = setting(
        "0 1 * * *",
        allowed="a time of every day in UTC: minute and hour, then three stars; before "
        "dumps.schedule",
        example="0 1 * * *",
        pattern=r"^([0-5]?\d) ([01]?\d|2[0-3]) \* \* \*$",
    )
    session_days: int = setting(
        90,
        allowed="whole days from 7 to 90 after which a session is deleted, expired or not; an "
        "expired one goes on the next day",
        example=90,
        ge=7,
        le=90,
    )
    # The application marks no deletion yet (A12): switched on, the task would fail every day.
    anonymise: bool = setting(
        False,
        allowed="true once the application marks deleted users in a column deleted_at",
        example=True,
    )
    anonymise_after_days: int = setting(
        30,
        allowed="whole days from 1 to 30 after which a deleted user is made anonymous",
        example=30,
        ge=1,
        le=30,
    )
    batch_rows: int = setting(
        1000,
        allowed="whole rows from 10 to 10,000 that one transaction changes",
        example=1000,
        ge=10,
        le=10000,
    )
    when_absent: Literal["fail", "skip"] = setting(
        "fail",
        allowed="fail where a table or column of a rule is absent, or skip, which says so in the "
        "log alone; neither changes anything",
        example="fail",
    )
    deadline_minutes: int = setting(
        60, allowed="whole minutes from 5 to 240 for all rules", example=60, ge=5, le=240
    )
