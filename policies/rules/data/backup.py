"""Backups: every store has one, where nobody deletes it and in a second region, and it restores.

How old a backup may be is the business of `promises.py`, how long it may live of `lifetimes.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

from rules.data.stores import (
    BUCKET,
    CACHE,
    CRON_JOB,
    DATABASE,
    KEY,
    PLAN,
    SELECTION,
    VAULT,
    for_customers,
    longest_gap,
    number,
    region,
)
from rules.documents import covers, everybody, said, statements
from rules.model import Item, Props, Rule, Stack, StackRule

VAULT_LOCK = "aws:backup/vaultLockConfiguration:VaultLockConfiguration"
VAULT_POLICY = "aws:backup/vaultPolicy:VaultPolicy"
TEST_PLAN = "aws:backup/restoreTestingPlan:RestoreTestingPlan"
TEST = "aws:backup/restoreTestingSelection:RestoreTestingSelection"
LOG_REPLICATION = "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication"
# Stores that AWS Backup can hold and that we do not have today: whoever adds one backs it up.
OTHER_STORES = (
    "aws:rds/cluster:Cluster",
    "aws:dynamodb/table:Table",
    "aws:efs/fileSystem:FileSystem",
    "aws:ebs/volume:Volume",
    "aws:fsx/openZfsFileSystem:OpenZfsFileSystem",
    "aws:docdb/cluster:Cluster",
    "aws:neptune/cluster:Cluster",
)
# What takes a recovery point away before its time.
ERASING = (
    "backup:DeleteRecoveryPoint",
    "backup:DisassociateRecoveryPoint",
    "backup:UpdateRecoveryPointLifecycle",
)
A_DAY = 24 * 60
# BAK-06: monthly; the longest month.
A_MONTH = 31 * A_DAY

_GUIDE = "https://docs.aws.amazon.com/aws-backup/latest/devguide"


# -- vaults --------------------------------------------------------------------------------------
def _encrypted(props: Props) -> Iterator[str]:
    if not said(props, "kmsKeyArn"):
        yield "recovery points are encrypted with the account's default key"


def _locked(vault: Item, stack: Stack) -> Iterator[str]:
    locks = stack.parts(VAULT_LOCK, "backupVaultName", vault)
    if not locks:
        yield "recovery points may be deleted before their time"
    for lock in locks:
        if not number(lock.props.at("minRetentionDays")):
            yield "its lock has no shortest time"
        if not number(lock.props.at("maxRetentionDays")):
            yield "its lock has no longest time"


def _erasure_denied(vault: Item, stack: Stack) -> Iterator[str]:
    denied = [
        statement
        for policy in stack.parts(VAULT_POLICY, "backupVaultName", vault)
        for statement in statements(policy.props.document("policy"), "Deny")
        if everybody(statement)
    ]
    may = [each for each in ERASING if not any(covers(one, each) for one in denied)]
    if may:
        yield f"whoever has the right may {', '.join(may)}"


# -- plans ---------------------------------------------------------------------------------------
def _daily(props: Props) -> Iterator[str]:
    gaps: list[int] = []
    for rule in props.at("rules", []):
        name = rule["ruleName"]
        try:
            gaps.append(longest_gap(str(rule.get("schedule", ""))))
        except ValueError:
            yield f"when {name} runs cannot be read"
        if not number(rule.at("lifecycle.deleteAfter")):
            yield f"what {name} makes is never deleted"
        if number(rule.at("lifecycle.coldStorageAfter")):
            yield f"what {name} makes goes into cold storage, which databases do not have"
    if not gaps or min(gaps) > A_DAY:
        yield "it makes no backup every day"


def _copied(plan: Item, stack: Stack) -> Iterator[str]:
    vaults = {region(vault, stack) for vault in stack.sources(plan, "rules", VAULT)}
    if len(vaults) < 2:
        yield "its vaults are all in one region"
    for rule in plan.props.at("rules", []):
        if not rule.get("copyActions"):
            yield f"what {rule['ruleName']} makes is not copied"


def _within_lock(plan: Item, stack: Stack) -> Iterator[str]:
    for vault in stack.sources(plan, "rules", VAULT):
        for lock in stack.parts(VAULT_LOCK, "backupVaultName", vault):
            least = number(lock.props.at("minRetentionDays"))
            most = number(lock.props.at("maxRetentionDays")) or 36500
            for name, days in retentions(plan):
                if not least <= days <= most:
                    yield f"{vault.name} refuses what {name} makes for {days} days at night"


def retentions(plan: Item) -> list[tuple[str, int]]:
    """(rule's name, days) of everything that a plan makes, copies too; 0 for ever."""
    return [
        (str(rule["ruleName"]), number(each.at("lifecycle.deleteAfter")))
        for rule in plan.props.at("rules", [])
        for each in (rule, *rule.get("copyActions", []))
    ]


# -- stores --------------------------------------------------------------------------------------
def _selected(store: Item, stack: Stack) -> Iterator[str]:
    selections = stack.parts(SELECTION, "resources", store)
    if not any(stack.sources(each, "planId", PLAN) for each in selections):
        yield "no backup plan selects it"


def _cache_backed_up(cache: Item, _stack: Stack) -> Iterator[str]:
    if not number(cache.props.at("snapshotRetentionLimit")):
        yield "no snapshots are taken of it"


def _backed_up(store: Item, stack: Stack) -> Iterator[str]:
    yield from (_cache_backed_up if store.type == CACHE else _selected)(store, stack)


@for_customers
def _logs_replicated(database: Item, stack: Stack) -> Iterator[str]:
    copies = stack.parts(LOG_REPLICATION, "sourceDbInstanceArn", database)
    if not copies:
        yield "its transaction logs are in one region only"
    for copy in copies:
        if region(copy, stack) == region(database, stack):
            yield "its transaction logs are replicated into their own region"
        if not stack.sources(copy, "kmsKeyId", KEY):
            yield "its replicated logs are encrypted with the account's default key"


@for_customers
def _restored(database: Item, stack: Stack) -> Iterator[str]:
    tests = [
        plan
        for test in stack.parts(TEST, "protectedResourceArns", database)
        for plan in stack.sources(test, "restoreTestingPlanName", TEST_PLAN)
    ]
    if not tests:
        yield "nobody tries whether its backups restore"
    for plan in tests:
        try:
            often = longest_gap(str(plan.props.at("scheduleExpression", ""))) <= A_MONTH
        except ValueError:
            often = False
        if not often:
            yield f"{plan.name} does not run every month"


def _dumped(database: Item, stack: Stack) -> Iterator[str]:
    jobs = [
        job for job in stack.parts(CRON_JOB, "spec", database) if stack.sources(job, "spec", BUCKET)
    ]
    if not jobs:
        yield "no job dumps it into a bucket"
    for job in jobs:
        try:
            daily = longest_gap(str(job.props.at("spec.schedule", ""))) <= A_DAY
        except ValueError:
            daily = False
        if not daily or job.props.at("spec.suspend"):
            yield f"{job.name} does not run every day"
        if job.props.at("spec.concurrencyPolicy") != "Forbid":
            yield f"{job.name} may run twice at once"
        if not number(job.props.at("spec.jobTemplate.spec.activeDeadlineSeconds")):
            yield f"{job.name} may hang for ever"


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="vault-encrypted",
        sentence="Recovery points are encrypted with a key of ours.",
        types=(VAULT,),
        severity="high",
        requirements=("CHK-INFRA-07", "SEC-06"),
        controls=(
            "FSBP Backup.1", "CHECKOV CKV_AWS_166", "SOC2 CC6.1", "ISO27001 A.8.24", "GDPR 32",
        ),
        why="Whoever reaches the vault could restore everybody's data and read it.",
        fix="set kms_key_arn",
        url="https://docs.aws.amazon.com/securityhub/latest/userguide/"
        "backup-controls.html#backup-1",
        evidence=("kmsKeyArn",),
        judge=_encrypted,
    ),
    StackRule(
        name="vault-locked",
        sentence="A vault is locked: nothing is kept shorter or longer than it allows.",
        types=(VAULT,),
        severity="high",
        requirements=("CHK-INFRA-07", "BAK-03"),
        controls=("SOC2 A1.2", "ISO27001 A.5.33", "ISO27001 A.8.13"),
        why="An intruder deletes the backups first, and then asks for money.",
        fix="give it a vault lock with both bounds",
        url=f"{_GUIDE}/vault-lock.html",
        evidence=("name", "kmsKeyArn"),
        judge=_locked,
    ),
    StackRule(
        name="vault-erasure-denied",
        sentence="A vault's policy refuses to delete recovery points.",
        types=(VAULT,),
        severity="high",
        requirements=("CHK-INFRA-07", "BAK-03"),
        controls=("SOC2 CC6.3", "ISO27001 A.5.33", "ISO27001 A.8.3"),
        why="A stolen administrator's session would be enough to lose every backup.",
        fix="deny these actions to everybody but named roles",
        url=f"{_GUIDE}/create-a-vault-access-policy.html",
        evidence=("name", "kmsKeyArn"),
        judge=_erasure_denied,
    ),
    Rule(
        name="backup-plan-daily",
        sentence="A backup plan runs every day and deletes what is old.",
        types=(PLAN,),
        severity="high",
        requirements=("BAK-01", "BAK-04", "CHK-INFRA-07"),
        controls=("SOC2 A1.2", "ISO27001 A.8.13"),
        why="The newest snapshot would be too old to help, or the oldest too old to be allowed.",
        fix="give it a daily rule with delete_after",
        url=f"{_GUIDE}/plan-options-and-configuration.html",
        evidence=("rules.*.ruleName", "rules.*.schedule", "rules.*.lifecycle.deleteAfter"),
        judge=_daily,
    ),
    StackRule(
        name="backup-plan-copied",
        sentence="Every snapshot has a copy in a second region.",
        types=(PLAN,),
        severity="high",
        requirements=("DR-02", "BAK-03", "CHK-DR-01"),
        controls=("SOC2 A1.2", "ISO27001 A.8.13", "ISO27001 A.8.14"),
        why="With its region the data and every backup of it would be lost.",
        fix="give each rule a copy action into the vault of the backup region",
        url=f"{_GUIDE}/cross-region-backup.html",
        evidence=("rules.*.ruleName",),
        judge=_copied,
    ),
    StackRule(
        name="backup-plan-within-lock",
        sentence="What a plan makes is allowed by the locks of its vaults.",
        types=(PLAN,),
        severity="high",
        requirements=("CHK-INFRA-07",),
        controls=("ISO27001 A.8.13",),
        why="The plan is accepted, and then every job fails at night.",
        fix="change backup.keepDays or the lock's bounds",
        url=f"{_GUIDE}/vault-lock.html",
        evidence=("rules.*.lifecycle.deleteAfter",),
        judge=_within_lock,
    ),
    StackRule(
        name="store-backed-up",
        sentence="Every store of data has a backup.",
        types=(DATABASE, CACHE, *OTHER_STORES),
        severity="critical",
        requirements=("CHK-INFRA-07", "BAK-01", "DR-02"),
        controls=(
            "FSBP RDS.26", "CHECKOV CKV2_AWS_9", "CHECKOV CKV2_AWS_18", "SOC2 A1.2",
            "ISO27001 A.8.13", "GDPR 32",
        ),
        why="Whatever happens to it, people's data would be gone.",
        fix="select it in components/backup.py",
        url=f"{_GUIDE}/assigning-resources.html",
        evidence=("identifier", "snapshotRetentionLimit"),
        judge=_backed_up,
    ),
    StackRule(
        name="database-logs-replicated",
        sentence="Where customers are served, the database can be restored in a second region.",
        types=(DATABASE,),
        severity="high",
        requirements=("DR-02", "CHK-DR-01"),
        controls=("CHECKOV CKV_AWS_245", "SOC2 A1.2", "ISO27001 A.8.14"),
        why="The loss of a region would lose a day of everybody's work.",
        fix="set backup.replicateLogs",
        url="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReplicateBackups.html",
        evidence=("identifier",),
        judge=_logs_replicated,
    ),
    StackRule(
        name="database-restores-tested",
        sentence="Where customers are served, the newest snapshot is restored every month.",
        types=(DATABASE,),
        severity="high",
        requirements=("BAK-06", "CHK-INFRA-07"),
        controls=("SOC2 A1.3", "SOC2 CC7.5", "ISO27001 A.8.13", "GDPR 32"),
        why="A backup that was never restored is a hope.",
        fix="set backup.restoreTest",
        url=f"{_GUIDE}/restore-testing.html",
        evidence=("identifier",),
        judge=_restored,
    ),
    StackRule(
        name="database-dumped",
        sentence="A job dumps the database every day, once at a time, and ends.",
        types=(DATABASE,),
        severity="high",
        requirements=("BAK-01", "BAK-05", "CHK-INFRA-07"),
        controls=("SOC2 A1.2", "ISO27001 A.8.13"),
        why="A single table that somebody emptied could only come back with all the others.",
        fix="declare it as components/kubernetes/data/dumps.py does",
        url="https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/",
        evidence=("identifier",),
        judge=_dumped,
    ),
)  # fmt: skip
