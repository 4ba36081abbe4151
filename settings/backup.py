"""What an environment may decide about its backups, and what all backups together promise.

Two tables stand beside the section because they are its arithmetic: `PROMISES` says for every store
of data what would be lost at worst, `RECOVERIES` how long it takes to be back. Tests recompute both
against one hour. Meets DR-01, DR-02, CHK-DR-01, BAK-01 and BAK-06 in their part of the settings;
respects refusals B2 to B5, B7 to B9.

Refused: monthly or yearly copies (they would outlive the promise to erase people's data after 30
days, GDPR-04); continuous backup by AWS Backup (it takes over window and retention of the database,
which then drifts; RDS does point-in-time recovery itself: traps, RDS); cold storage (RDS has none,
B5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from pydantic import model_validator

from settings import windows
from settings.core import Section, clash, setting
from settings.storage import LONGEST_PERSONAL_DAYS

# Minutes after its schedule in which AWS Backup may start a job; the service takes no less (B7).
SHORTEST_START_WINDOW = 60
# PutBackupVaultLockConfiguration: a compliance lock can be taken back for at least three days (B2).
SHORTEST_GRACE_DAYS = 3

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


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What is lost of one store at worst, by one mechanism.

    period_minutes: from one copy to the next. delay_minutes: from a copy's start until it is safe.
    counts: true where DR-02 rests on this mechanism; false for a second line, which may be older,
    and for what holds nothing of its own.
    alarm: what tells that the mechanism has stopped.
    """

    store: str
    mechanism: str
    period_minutes: int
    delay_minutes: int
    counts: bool
    alarm: str

    @property
    def worst_loss_minutes(self) -> int:
        return self.period_minutes + self.delay_minutes


# One row for each store and mechanism (DR-02). Sources: RDS user guide, "Restoring a DB instance to
# a specified time" (latest restorable time typically within five minutes); AWS prescriptive
# guidance, "RDS PITR snapshot replication" (5 to 30 minutes); S3 user guide, "Replication time
# control" (15 minutes); DR-04 for Velero, whose quarter of an hour is the margin for the copy
# itself; durations for the dump.
PROMISES: tuple[Promise, ...] = (
    Promise(
        store="database",
        mechanism="Multi-AZ standby, written in the same transaction",
        period_minutes=0,
        delay_minutes=0,
        counts=True,
        alarm="RDS failover event",
    ),
    Promise(
        store="database",
        mechanism="point-in-time recovery in the region",
        period_minutes=5,
        delay_minutes=0,
        counts=True,
        alarm="RDS backup event",
    ),
    Promise(
        store="database",
        mechanism="transaction logs replicated to the second region",
        period_minutes=5,
        delay_minutes=30,
        counts=True,
        alarm="RDS backup replication event",
    ),
    Promise(
        store="database",
        mechanism="AWS Backup snapshot and its copy in the second region",
        period_minutes=24 * 60,
        delay_minutes=300,
        counts=False,
        alarm="AWS Backup job failed or missing",
    ),
    Promise(
        store="database",
        mechanism="pg_dump in the bucket of dumps and its replica",
        period_minutes=24 * 60,
        delay_minutes=60,
        counts=False,
        alarm="age of the newest dump",
    ),
    Promise(
        store="files",
        mechanism="versions in the bucket",
        period_minutes=0,
        delay_minutes=0,
        counts=True,
        alarm="none: every write makes a version",
    ),
    Promise(
        store="files",
        mechanism="replica in the second region, with replication time control",
        period_minutes=0,
        delay_minutes=15,
        counts=True,
        alarm="S3 replication threshold missed",
    ),
    Promise(
        store="cluster objects",
        mechanism="Velero, half-hourly",
        period_minutes=30,
        delay_minutes=15,
        counts=True,
        alarm="age of the newest Velero backup",
    ),
    Promise(
        store="cluster objects",
        mechanism="this program, run again",
        period_minutes=0,
        delay_minutes=0,
        counts=True,
        alarm="drift run",
    ),
    Promise(
        store="secrets",
        mechanism="Secrets Manager, and the program's encrypted state",
        period_minutes=0,
        delay_minutes=0,
        counts=True,
        alarm="drift run",
    ),
    Promise(
        store="cache",
        mechanism="daily snapshots; the cache holds nothing that the database does not (REDIS-03)",
        period_minutes=24 * 60,
        delay_minutes=60,
        counts=False,
        alarm="ElastiCache snapshot event",
    ),
    Promise(
        store="images",
        mechanism="registry; built again from the commit that the tag names",
        period_minutes=0,
        delay_minutes=0,
        counts=False,
        alarm="pull errors",
    ),
    Promise(
        store="access logs",
        mechanism="delivered by the load balancer every five minutes; observation, not data",
        period_minutes=5,
        delay_minutes=10,
        counts=False,
        alarm="none",
    ),
    Promise(
        store="audit trail",
        mechanism="delivered by CloudTrail, locked in its bucket",
        period_minutes=5,
        delay_minutes=15,
        counts=True,
        alarm="CloudTrail delivery error",
    ),
    Promise(
        store="metrics and logs in the cluster",
        mechanism="two replicas on their own volumes; observation, not data",
        period_minutes=24 * 60,
        delay_minutes=0,
        counts=False,
        alarm="Prometheus and Loki targets down",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """How long it takes to be back after one kind of loss, all in minutes.

    before: what has to be done first (notice, decide). branches: what runs at the same time, each
    a chain of steps. after: what comes last.
    """

    loss: str
    before: tuple[tuple[str, int], ...]
    branches: tuple[tuple[tuple[str, int], ...], ...]
    after: tuple[tuple[str, int], ...]

    @property
    def minutes(self) -> int:
        def total(steps: tuple[tuple[str, int], ...]) -> int:
            return sum(minutes for _, minutes in steps)

        longest = max((total(branch) for branch in self.branches), default=0)
        return total(self.before) + longest + total(self.after)

    @property
    def minutes_in_sequence(self) -> int:
        """The same work done one after the other: what DR-01 warns of."""
        steps = (*self.before, *(step for branch in self.branches for step in branch), *self.after)
        return sum(minutes for _, minutes in steps)


_NOTICE = (("alarm fires and a person answers", 10), ("decide", 5))
_VERIFY = (("smoke test", 5),)
# Durations of a Multi-AZ instance and of a cluster, upper ends (durations, databases and EKS): a
# restore of little data takes 8 to 12 minutes and one Multi-AZ instance 9 to 20; blocks of a
# restored volume arrive on first use. The drill of BAK-06 replaces these estimates by measurements.
_RESTORE = (("restore to a point in time", 20), ("first pages and statistics", 5))
_CLUSTER = (
    ("network", 3),
    ("control plane", 10),
    ("nodes and add-ons", 6),
    ("workloads", 8),
)

# One row for each kind of loss that DR-01 has to survive. Estimates, see above.
RECOVERIES: tuple[Recovery, ...] = (
    Recovery(
        loss="a zone",
        before=(),
        branches=(
            (("database failover", 2), ("clients connect again", 5)),
            (("cache failover", 1),),
            (("pods start on other nodes", 3),),
        ),
        after=(),
    ),
    Recovery(
        loss="data, by a mistake",
        before=_NOTICE,
        branches=(_RESTORE,),
        after=(("point the program at the new instance", 5), *_VERIFY),
    ),
    Recovery(
        loss="the cluster",
        before=_NOTICE,
        branches=(_CLUSTER,),
        after=_VERIFY,
    ),
    Recovery(
        loss="the region",
        before=_NOTICE,
        branches=(_RESTORE, _CLUSTER, (("edge and certificates", 10),)),
        after=(("names point to the second region", 2), *_VERIFY),
    ),
)
