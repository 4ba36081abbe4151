"""Jobs that never end, run twice, or do not run."""

from __future__ import annotations

from tests.policies.mutation import Mutant, drop, put

_JOB, _CRONJOB = "kubernetes:batch/v1:Job", "kubernetes:batch/v1:CronJob"
_DUMPS = "platform-dumps"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="job-ends",
        title="migrations without a deadline",
        change=drop(_JOB, "spec.activeDeadlineSeconds", "*migrations"),
        says=("it may run for ever",),
    ),
    Mutant(
        rule="job-ends",
        title="migrations tried again and again",
        change=drop(_JOB, "spec.backoffLimit", "*migrations"),
        says=("it is tried as often as the cluster likes",),
    ),
    Mutant(
        rule="job-ends",
        title="a dump without a deadline",
        change=drop(_CRONJOB, "spec.jobTemplate.spec.activeDeadlineSeconds", _DUMPS),
        says=("it may run for ever",),
    ),
    Mutant(
        rule="cronjob-runs-once",
        title="dumps beside each other",
        change=put(_CRONJOB, "spec.concurrencyPolicy", "Allow", _DUMPS),
        says=("it may run beside itself",),
    ),
    Mutant(
        rule="cronjob-runs-once",
        title="a missed night is lost",
        change=drop(_CRONJOB, "spec.startingDeadlineSeconds", _DUMPS),
        says=("a start that was missed is not made up for",),
    ),
    Mutant(
        rule="cronjob-runs-once",
        title="an hour of no zone",
        change=drop(_CRONJOB, "spec.timeZone", "*retention"),
        says=("its hour is that of whatever clock the control plane has",),
    ),
    Mutant(
        rule="cronjob-runs-once",
        title="erasure suspended",
        change=put(_CRONJOB, "spec.suspend", True, "*retention"),
        says=("it is suspended",),
    ),
    Mutant(
        rule="cronjob-runs-once",
        title="no history of failures",
        change=put(_CRONJOB, "spec.failedJobsHistoryLimit", 0, _DUMPS),
        says=("nobody can see how its last runs ended",),
    ),
)
