"""Jobs: each ends, none runs beside itself, and a missed night is made up for."""

from __future__ import annotations

from collections.abc import Iterator

from rules.kubernetes import Object, judged_objects, types
from rules.model import Props, Rule

_JOB = types("batch/v1:Job", "batch/v1:CronJob")


def _specs(job: Object) -> Props | None:
    return job.props.at("spec" if job.kind == "Job" else "spec.jobTemplate.spec")


def _ends(job: Object) -> Iterator[str]:
    spec = _specs(job)
    if spec is None or not spec.given("activeDeadlineSeconds"):
        yield "it may run for ever"
    if spec is None or not spec.given("backoffLimit"):
        yield "it is tried as often as the cluster likes"


def _once(job: Object) -> Iterator[str]:
    spec = job.props.at("spec") or {}
    if spec.get("concurrencyPolicy") != "Forbid":
        yield "it may run beside itself"
    if not spec.get("startingDeadlineSeconds"):
        yield "a start that was missed is not made up for"
    if not spec.get("timeZone"):
        yield "its hour is that of whatever clock the control plane has"
    if spec.get("suspend"):
        yield "it is suspended"
    if 0 in (spec.get("successfulJobsHistoryLimit"), spec.get("failedJobsHistoryLimit")):
        yield "nobody can see how its last runs ended"


RULES: tuple[Rule, ...] = (
    Rule(
        name="job-ends",
        sentence="Every job has a deadline and a number of tries.",
        types=_JOB,
        severity="medium",
        requirements=("MIG-01", "BAK-05", "GDPR-03"),
        controls=("SOC2 A1.1", "ISO27001 A.8.6"),
        why="A dump or a migration that hangs holds its locks and its connections until morning.",
        fix="set active_deadline_seconds and backoff_limit",
        url="https://kubernetes.io/docs/concepts/workloads/controllers/job",
        evidence=("spec.activeDeadlineSeconds", "spec.backoffLimit"),
        judge=judged_objects(_ends, "Job", "CronJob"),
    ),
    Rule(
        name="cronjob-runs-once",
        sentence="A scheduled job runs at a said hour, once, and its runs can be seen.",
        types=types("batch/v1:CronJob"),
        severity="medium",
        requirements=("BAK-05", "GDPR-03"),
        controls=("SOC2 A1.2", "ISO27001 A.8.13"),
        why="A night without a dump or an erasure is found out on the day that it is needed.",
        fix="set concurrency_policy Forbid, starting_deadline_seconds, time_zone and histories",
        url="https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs",
        evidence=("spec.schedule", "spec.concurrencyPolicy", "spec.suspend"),
        judge=judged_objects(_once, "CronJob"),
    ),
)
