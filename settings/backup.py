"""What an environment may decide about its backups.

What all of them together promise is `settings/recovery.py`. Meets BAK-01 and BAK-06, DR-01 and
DR-02 in their part of the settings; respects refusals B2 to B5, B7 to B9.

Refused: monthly or yearly copies (they would outlive the promise to erase people's data after 30
days, GDPR-04); continuous backup by AWS Backup (it takes over window and retention of the database,
which then drifts; RDS does point-in-time recovery itself: traps, RDS); cold storage (RDS has none,
B5).
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from settings import windows
from settings.core import Section, clash, setting
from settings.storage import LONGEST_PERSONAL_DAYS

# Minutes after its schedule in which AWS Backup may start a job; the service takes no less (B7).
SHORTEST_START_WINDOW = 60
# PutBackupVaultLockConfiguration: a compliance lock can be taken back for at least three days (B2).
SHORTEST_GRACE_DAYS = 3

# DR-01, DR-02: both less than this.
OBJECTIVE_MINUTES = 60

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 24 * 60


def an_hour_longer(window: str) -> str:
    """A daily or weekly window of RDS with the hour before it, as a weekly window.

    A daily window becomes Monday's; which day is of no matter beside a daily job.
    """
    *day, hour, minute = window.split("-")[0].split(":")
    start = (_DAYS.index(day[0]) if day else 0) * _DAY + int(hour) * 60 + int(minute)
    return f"{_point(start - 60)}-{_point(start + windows.minutes(window))}"


def _point(minute: int) -> str:
    day, rest = divmod(minute % (7 * _DAY), _DAY)
    return f"{_DAYS[day]}:{_clock(rest)}"


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


class BackupSettings(Section):
    """Answers the guide's backup script and its recovery objectives."""

    daily_hour: int = setting(
        6,
        allowed="the hour in UTC, 0 to 23, of the daily snapshot; outside the database's backup "
        "and maintenance windows and the hour before them, in which AWS Backup does not start",
        example=6,
        ge=0,
        le=23,
    )
    keep_days: int = setting(
        30,
        allowed="whole days from 7 to 30 that a daily snapshot and its copy in backupRegion are "
        "kept, within lockMinDays and lockMaxDays",
        example=30,
        ge=7,
        le=LONGEST_PERSONAL_DAYS,
    )
    hourly: bool = setting(
        False,
        allowed="true for a snapshot every hour, copied to backupRegion, beside the daily one",
        example=False,
    )
    hourly_keep_days: int = setting(
        7,
        allowed="whole days from 1 to 30 that an hourly snapshot is kept, within lockMinDays and "
        "lockMaxDays where hourly is true",
        example=7,
        ge=1,
        le=LONGEST_PERSONAL_DAYS,
    )
    files: bool = setting(
        False,
        allowed="true to keep snapshots of the files bucket in the vaults too, where nobody can "
        "delete them; storage.noncurrentDays and keepDays together must then stay within 30, and "
        "S3 must be opted in to AWS Backup in the account, by hand",
        example=False,
    )
    start_window_minutes: int = setting(
        60,
        allowed="whole minutes from 60 to 720 in which a job has to start",
        example=60,
        ge=SHORTEST_START_WINDOW,
        le=720,
    )
    completion_window_minutes: int = setting(
        300,
        allowed="whole minutes up to 10,080 in which a job has to end, at least 60 more than "
        "startWindowMinutes",
        example=300,
        ge=120,
        le=10080,
    )
    replicate_logs: bool = setting(
        True,
        allowed="true to send the database's transaction logs to backupRegion, so that losing the "
        "region loses half an hour and not a day; false only where servesCustomers is false",
        example=True,
    )
    restore_test: bool = setting(
        True,
        allowed="true to restore the newest snapshot every month, and to delete what was restored; "
        "false only where servesCustomers is false",
        example=True,
    )
    lock_mode: Literal["governance", "compliance"] = setting(
        "governance",
        allowed="governance, or compliance, which nobody can lift once lockGraceDays are over: "
        "the vaults then cannot be deleted while a snapshot lives",
        example="governance",
    )
    lock_grace_days: int | None = setting(
        None,
        allowed="null in governance mode; in compliance mode whole days from 3 to 36,500 in which "
        "the lock can still be taken back",
        example=14,
        ge=SHORTEST_GRACE_DAYS,
        le=36500,
    )
    lock_min_days: int = setting(
        7,
        allowed="whole days from 1 to 30: the vaults refuse a snapshot that is kept shorter",
        example=7,
        ge=1,
        le=LONGEST_PERSONAL_DAYS,
    )
    lock_max_days: int = setting(
        LONGEST_PERSONAL_DAYS,
        allowed="whole days from 7 to 30: the vaults refuse a snapshot that is kept longer",
        example=30,
        ge=7,
        le=LONGEST_PERSONAL_DAYS,
    )
    deleters: tuple[str, ...] = setting(
        (),
        allowed="ARNs of IAM roles that may delete snapshots before their time, at most 5; nobody "
        "else may",
        example=["arn:aws:iam::111122223333:role/break-glass"],
        max_length=5,
    )

    def blocked_by(self, *database_windows: str) -> str | None:
        """The database's window, daily or weekly, in which the daily snapshot could not start.

        AWS Backup starts no RDS snapshot in such a window nor in the hour before it (AWS Backup
        developer guide, "Plan options and configuration").
        """
        start = self.daily_hour * 60
        ours = f"{_clock(start)}-{_clock(start + self.start_window_minutes)}"
        return next((w for w in database_windows if windows.overlap(ours, an_hour_longer(w))), None)

    @model_validator(mode="after")
    def _windows(self) -> Self:
        if self.completion_window_minutes < self.start_window_minutes + 60:
            raise clash(
                "completionWindowMinutes",
                got=f"{self.completion_window_minutes} with startWindowMinutes "
                f"{self.start_window_minutes}",
                allowed="at least 60 more than startWindowMinutes",
                example=self.start_window_minutes + 240,
            )
        return self

    @model_validator(mode="after")
    def _lock_bounds(self) -> Self:
        if self.lock_min_days > self.lock_max_days:
            raise clash(
                "lockMinDays",
                got=f"{self.lock_min_days} with lockMaxDays {self.lock_max_days}",
                allowed="at most lockMaxDays",
                example=7,
            )
        # A plan outside the lock's bounds is accepted and its jobs fail at night (B4).
        kept = {"keepDays": self.keep_days}
        if self.hourly:
            kept["hourlyKeepDays"] = self.hourly_keep_days
        for key, days in kept.items():
            if not self.lock_min_days <= days <= self.lock_max_days:
                raise clash(
                    key,
                    got=f"{days} with lockMinDays {self.lock_min_days} and lockMaxDays "
                    f"{self.lock_max_days}",
                    allowed="a number of days within the vault's lock, or every job fails",
                    example=self.lock_max_days,
                )
        return self

    @model_validator(mode="after")
    def _lock_kind(self) -> Self:
        compliance = self.lock_mode == "compliance"
        if compliance != (self.lock_grace_days is not None):
            raise clash(
                "lockGraceDays",
                got=f"{self.lock_grace_days or 'nothing'} with lockMode {self.lock_mode}",
                allowed="days in compliance mode (a number makes the lock final), none in "
                "governance mode",
                example=14 if compliance else "null",
            )
        return self

    @model_validator(mode="after")
    def _roles(self) -> Self:
        for arn in self.deleters:
            if not arn.startswith("arn:aws") or ":role/" not in arn or "*" in arn:
                raise clash(
                    "deleters",
                    got=f'"{arn}"',
                    allowed="ARNs of IAM roles, without *",
                    example=["arn:aws:iam::111122223333:role/break-glass"],
                )
        return self
