"""Durability: nothing that holds data can be lost by accident, by one mistake or with one zone.

"No replacement and no deletion of what holds data without an approved retirement" is a demand on
what a run does, and a policy pack never learns that: it sees what will be there, not how. So these
rules demand the guards that make the engine and the services refuse: `protect`, deletion
protection, final snapshots. What a run wants to do is judged by reports, from the engine's events.

They bind where customers are served; elsewhere an environment may be taken down (docs/adr/0007).
"""

from __future__ import annotations

from collections.abc import Iterator

from rules.data.stores import (
    BUCKET,
    CACHE,
    CACHE_CONTROLS,
    CLUSTER,
    DATABASE,
    RDS_CONTROLS,
    STATEFUL,
    VAULT,
    for_customers,
    number,
)
from rules.documents import said
from rules.model import Item, Rule, Stack, StackRule

# RDS user guide, "Restoring a DB instance": automated backups are kept 35 days at most; FSBP
# RDS.11 asks for 7, the guide for 30 (BAK-04).
SHORTEST_BACKUP_DAYS = 7
BACKUP_DAYS = 30
# A primary and two replicas: a quorum of two survives the loss of one (SENT-02).
CACHE_NODES = 3

_DATABASE, _CACHE = (DATABASE,), (CACHE,)
_USER_GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide"


@for_customers
def _protected(item: Item, _stack: Stack) -> Iterator[str]:
    if not item.protect:
        yield "`pulumi destroy` may delete it"


@for_customers
def _not_emptied(item: Item, _stack: Stack) -> Iterator[str]:
    if item.props.at("forceDestroy"):
        what = "object" if item.type == BUCKET else "recovery point"
        yield f"its deletion deletes every {what}"


@for_customers
def _multi_az(item: Item, _stack: Stack) -> Iterator[str]:
    if not item.props.at("multiAz"):
        yield "the loss of one zone stops it"


@for_customers
def _deletion_protected(item: Item, _stack: Stack) -> Iterator[str]:
    if not item.props.at("deletionProtection"):
        yield "RDS may delete it"


@for_customers
def _final_snapshot(item: Item, _stack: Stack) -> Iterator[str]:
    if item.props.at("skipFinalSnapshot") or not said(item.props, "finalSnapshotIdentifier"):
        yield "its deletion takes no final snapshot"


@for_customers
def _backups_outlive(item: Item, _stack: Stack) -> Iterator[str]:
    if item.props.at("deleteAutomatedBackups", True):
        yield "its deletion deletes its automated backups"


def _retention(item: Item, stack: Stack) -> Iterator[str]:
    least = BACKUP_DAYS if stack.serves_customers else SHORTEST_BACKUP_DAYS
    if (days := number(item.props.at("backupRetentionPeriod"))) < least:
        yield f"automated backups are kept for {days} days, less than {least}"


@for_customers
def _cluster_protected(item: Item, _stack: Stack) -> Iterator[str]:
    if not item.props.at("deletionProtection"):
        yield "EKS may delete it"


@for_customers
def _cache_multi_az(item: Item, _stack: Stack) -> Iterator[str]:
    if not item.props.at("multiAzEnabled") or not item.props.at("automaticFailoverEnabled"):
        yield "the loss of one zone stops it"
    if (nodes := number(item.props.at("numCacheClusters"))) < CACHE_NODES:
        yield f"it has {nodes} nodes, less than {CACHE_NODES}"


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="stateful-protected",
        sentence="Where customers are served, the engine refuses to delete or replace what holds "
        "data.",
        types=STATEFUL,
        severity="critical",
        requirements=("DR-01", "DR-02", "CHK-INFRA-07", "CHK-DR-01"),
        controls=("SOC2 A1.2", "SOC2 CC8.1", "ISO27001 A.5.33", "ISO27001 A.8.32"),
        why="One renamed resource in a pull request would take every person's data away.",
        fix="set identity.protect; see docs/runbooks/retire.md for the way to take an environment "
        "down",
        url="https://www.pulumi.com/docs/iac/concepts/options/protect/",
        judge=_protected,
    ),
    StackRule(
        name="stateful-not-emptied",
        sentence="Where customers are served, nothing that holds data may be deleted with it.",
        types=(BUCKET, VAULT),
        severity="critical",
        requirements=("DR-02", "BAK-03"),
        controls=("SOC2 A1.2", "ISO27001 A.5.33"),
        why="Files and backups would go with one command that nobody can take back.",
        fix="set force_destroy to false",
        url="https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html",
        evidence=("forceDestroy",),
        judge=_not_emptied,
    ),
    StackRule(
        name="rds-multi-az",
        sentence="Where customers are served, the database survives the loss of a zone.",
        types=_DATABASE,
        severity="high",
        requirements=("DR-01", "CHK-DR-01", "CHK-INFRA-02"),
        controls=(
            "FSBP RDS.5", "CIS-AWS 3.2.4", "CHECKOV CKV_AWS_157", "SOC2 A1.2", "ISO27001 A.8.14",
        ),
        why="One power failure in one building would stop every customer for the better part of "
        "an hour.",
        fix="set multi_az",
        url=f"{RDS_CONTROLS}#rds-5",
        evidence=("multiAz",),
        judge=_multi_az,
    ),
    StackRule(
        name="rds-deletion-protected",
        sentence="Where customers are served, RDS itself refuses to delete the database.",
        types=_DATABASE,
        severity="critical",
        requirements=("CHK-INFRA-02", "DR-02"),
        controls=("FSBP RDS.8", "CHECKOV CKV_AWS_293", "SOC2 A1.2", "ISO27001 A.5.33"),
        why="One mistaken click would take every person's data away.",
        fix="set deletion_protection; docs/runbooks/retire.md is the way to take it down",
        url=f"{RDS_CONTROLS}#rds-8",
        evidence=("deletionProtection",),
        judge=_deletion_protected,
    ),
    StackRule(
        name="rds-final-snapshot",
        sentence="Where customers are served, a deleted database leaves a snapshot.",
        types=_DATABASE,
        severity="high",
        requirements=("DR-02", "CHK-INFRA-07"),
        controls=("SOC2 A1.2", "ISO27001 A.8.13"),
        why="What was written since the last backup would be gone.",
        fix="set skip_final_snapshot to false and final_snapshot_identifier",
        url=f"{_USER_GUIDE}/USER_DeleteInstance.html",
        evidence=("skipFinalSnapshot", "finalSnapshotIdentifier"),
        judge=_final_snapshot,
    ),
    StackRule(
        name="rds-backups-outlive-it",
        sentence="Where customers are served, automated backups outlive the database.",
        types=_DATABASE,
        severity="high",
        requirements=("DR-02", "CHK-INFRA-07"),
        controls=("SOC2 A1.2", "ISO27001 A.8.13"),
        why="Deleting the database would delete the way back to any earlier minute.",
        fix="set delete_automated_backups to false",
        url=f"{_USER_GUIDE}/USER_WorkingWithAutomatedBackups.Retaining.html",
        evidence=("deleteAutomatedBackups",),
        judge=_backups_outlive,
    ),
    StackRule(
        name="rds-backup-retention",
        sentence="Automated backups go back 30 days, or 7 where no customers are served.",
        types=_DATABASE,
        severity="high",
        requirements=("DR-02", "BAK-01", "BAK-04", "CHK-INFRA-07", "CHK-DR-01"),
        controls=(
            "FSBP RDS.11", "CHECKOV CKV_AWS_133", "SOC2 A1.2", "ISO27001 A.8.13", "GDPR 32",
        ),
        why="A mistake that is noticed after the last backup is gone cannot be undone.",
        fix="set backup_retention_period",
        url=f"{RDS_CONTROLS}#rds-11",
        evidence=("backupRetentionPeriod", "backupWindow"),
        judge=_retention,
    ),
    StackRule(
        name="eks-deletion-protected",
        sentence="Where customers are served, EKS itself refuses to delete the cluster.",
        types=(CLUSTER,),
        severity="high",
        requirements=("DR-01", "CHK-DR-01"),
        controls=("SOC2 A1.2", "ISO27001 A.5.33"),
        why="One mistaken command would stop everything that customers use.",
        fix="set deletion_protection; docs/runbooks/retire.md is the way to take it down",
        url="https://docs.aws.amazon.com/eks/latest/userguide/deletion-protection.html",
        evidence=("deletionProtection",),
        judge=_cluster_protected,
    ),
    StackRule(
        name="redis-multi-az",
        sentence="Where customers are served, the cache survives the loss of a zone.",
        types=_CACHE,
        severity="high",
        requirements=("REDIS-04", "SENT-02", "DR-01", "CHK-INFRA-03"),
        controls=("FSBP ElastiCache.3", "CHECKOV CKV2_AWS_50", "SOC2 A1.2", "ISO27001 A.8.14"),
        why="Everybody would be signed out, and the database would do the cache's work.",
        fix="set multi_az_enabled, automatic_failover_enabled and three nodes",
        url=f"{CACHE_CONTROLS}#elasticache-3",
        evidence=("multiAzEnabled", "automaticFailoverEnabled", "numCacheClusters"),
        judge=_cache_multi_az,
    ),
    StackRule(
        name="redis-final-snapshot",
        sentence="Where customers are served, a deleted cache leaves a snapshot.",
        types=_CACHE,
        severity="medium",
        requirements=("REDIS-03", "CHK-INFRA-03"),
        controls=("SOC2 A1.2", "ISO27001 A.8.13"),
        why="A replacement would start empty, with the database under all of the load.",
        fix="set final_snapshot_identifier",
        url="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/backups-final.html",
        evidence=("finalSnapshotIdentifier",),
        judge=_final_snapshot,
    ),
)  # fmt: skip
