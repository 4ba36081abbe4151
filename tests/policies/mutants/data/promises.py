"""What breaks the promise of an hour."""

from __future__ import annotations

import re
from typing import Any

from rules.data.backup import LOG_REPLICATION
from rules.data.promises import ALARM, RECORD
from rules.data.storage import REPLICATION
from rules.data.stores import ALERTS, CRON_JOB, DATABASE, PLAN, SELECTION

from tests.policies.mutation import Change, Mutant, drop, edit, put, several, without

_DATABASE, _FILES = "database-instance", "storage-files"
_JOBS = "platform-observability-archesai-jobs"
_DOWN = "alarms-balancer-gateway-down"


def _broken(rule: str, title: str, change: Change, *says: str, at: str = "") -> Mutant:
    return Mutant(rule=rule, title=title, change=change, says=says, at=at)


def _timed(path: str, value: Any) -> Change:
    return put(REPLICATION, f"rules.0.destination.{path}", value, f"{_FILES}-replication")


def _alert(pattern: str, text: str) -> Change:
    def change(values: dict[str, Any]) -> None:
        for group in values["spec"]["groups"]:
            for alert in group["rules"]:
                alert["expr"] = re.sub(pattern, text, alert["expr"])

    return edit(ALERTS, change, _JOBS)


MUTANTS: tuple[Mutant, ...] = (
    _broken(
        "rpo-database", "no automated backups", put(DATABASE, "backupRetentionPeriod", 0),
        "a mistake loses up to 1740 minutes of it",
        "the loss of a region loses up to 1740 minutes of it",
    ),
    _broken(
        "rpo-database", "logs in one region", without(LOG_REPLICATION),
        "the loss of a region loses up to 1740 minutes of it",
        at=_DATABASE,
    ),
    _broken(
        "rpo-database", "logs in their own region",
        put(LOG_REPLICATION, "region", "eu-central-1"),
        "the loss of a region loses up to 1740 minutes of it",
        at=_DATABASE,
    ),
    _broken(
        "rpo-database", "hourly snapshots instead",
        several(without(LOG_REPLICATION), put(PLAN, "rules.0.schedule", "rate(1 hour)")),
        "the loss of a region loses up to 360 minutes of it",
        at=_DATABASE,
    ),
    _broken(
        "rpo-database", "nothing at all", several(without(LOG_REPLICATION), without(SELECTION)),
        "the loss of a region loses all of it",
        at=_DATABASE,
    ),
    _broken(
        "rpo-files", "without a promise", drop(
            REPLICATION, "rules.0.destination.replicationTime", f"{_FILES}-replication"
        ),
        "nothing promises when its replica has an object",
        at=_FILES,
    ),
    _broken(
        "rpo-files", "a promise of two hours", _timed("replicationTime.time.minutes", 120),
        "its replica may be 120 minutes behind",
        at=_FILES,
    ),
    _broken(
        "rpo-files", "nobody counts", _timed("metrics.status", "Disabled"),
        "nobody can see whether its replica is late",
        at=_FILES,
    ),
    _broken(
        "rpo-files", "nobody hears", without(ALARM, "alarms-replication-files"),
        "nobody is told when an object cannot be copied",
        at=_FILES,
    ),
    _broken(
        "rto-database", "an alarm after a quarter of an hour", put(ALARM, "period", 600, _DOWN),
        "it is back after 66 minutes: alarm 20, people and restore 45, names 1",
        at=_DATABASE,
    ),
    _broken(
        "rto-database", "a name that lives a day", put(RECORD, "ttl", 86400, "edge-internal-db"),
        "it is back after 1487 minutes: alarm 2, people and restore 45, names 1440",
        at=_DATABASE,
    ),
    _broken(
        "rto-database", "no alarm", without(ALARM, _DOWN),
        "nobody is told that the application is down",
        at=_DATABASE,
    ),
    _broken(
        "rto-database", "an alarm that is switched off", put(ALARM, "actionsEnabled", False, _DOWN),
        "nobody is told that the application is down",
        at=_DATABASE,
    ),
    _broken(
        "cron-job-watched", "a job with another name",
        put(CRON_JOB, "metadata.name", "archesai-dump", "platform-dumps"),
        "nobody is told when it stops",
        at="platform-dumps",
    ),
    _broken(
        "cron-job-watched", "told after a week", _alert(r"> 93600", "> 604800"),
        "people are told after 10080 minutes, and it runs every 1440",
        "people are told after 10080 minutes, and it runs every 1440",
    ),
    _broken(
        "cron-job-watched", "told every day", _alert(r"> 93600", "> 3600"),
        "people are told after 60 minutes, and it runs every 1440",
        "people are told after 60 minutes, and it runs every 1440",
    ),
    _broken(
        "cron-job-watched", "a schedule that means nothing",
        put(CRON_JOB, "spec.schedule", "daily", "platform-dumps"),
        "when it runs cannot be read",
    ),
    _broken(
        "rpo-database", "snapshots at no time that can be read",
        several(without(LOG_REPLICATION), put(PLAN, "rules.0.schedule", "daily")),
        "the loss of a region loses all of it",
        at=_DATABASE,
    ),
    _broken(
        "cron-job-watched", "no alerts", without(ALERTS, _JOBS),
        "nobody is told when it stops",
        "nobody is told when it stops",
    ),
    _broken(
        "vault-watched", "silence is good news",
        put(ALARM, "treatMissingData", "notBreaching", "alarms-backup-missing"),
        "nobody is told when backups stop without a word",
        at="backup-vault",
    ),
    _broken(
        "vault-watched", "no alarms", without(ALARM, "alarms-backup-*"),
        "nobody is told when backups stop without a word",
        "nobody is told when a backup fails",
        at="backup-vault",
    ),
)  # fmt: skip
