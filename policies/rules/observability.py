"""Observability: logs are kept for a stated time and encrypted; notices are encrypted."""

from __future__ import annotations

from collections.abc import Iterator

from rules.model import Props, Rule, StackRule


def _log_group(props: Props) -> Iterator[str]:
    if not props.at("retentionInDays"):
        yield "logs are kept for ever"
    if not props.given("kmsKeyId"):
        yield "logs are not encrypted with a key of ours"


def _topic(props: Props) -> Iterator[str]:
    if not props.given("kmsMasterKeyId"):
        yield "notices are not encrypted"
    elif props.at("kmsMasterKeyId") == "alias/aws/sns":
        yield "alias/aws/sns does not let alarms publish: they would be dropped silently"


def _trail(props: Props) -> Iterator[str]:
    if not props.at("isMultiRegionTrail"):
        yield "other regions are not recorded"
    if not props.at("enableLogFileValidation"):
        yield "a changed log file would not be noticed"
    if not props.given("kmsKeyId"):
        yield "the trail is not encrypted with a key of ours"


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="log-group-retention-kms",
        sentence="Log groups have a lifetime and a key.",
        types=("aws:cloudwatch/logGroup:LogGroup",),
        severity="medium",
        requirements=("LOG-01", "AUDIT-03", "GDPR-04"),
        fix="set retention_in_days and kms_key_id",
        judge=_log_group,
    ),
    Rule(
        name="topic-encrypted",
        sentence="Notices are encrypted with a key that alarms may use.",
        types=("aws:sns/topic:Topic",),
        severity="medium",
        requirements=("MON-08",),
        fix="set kms_master_key_id to a key of ours",
        judge=_topic,
    ),
    Rule(
        name="cloudtrail-on",
        sentence="The audit trail covers all regions, is validated and encrypted.",
        types=("aws:cloudtrail/trail:Trail",),
        severity="high",
        requirements=("AUDIT-03",),
        fix="set is_multi_region_trail, enable_log_file_validation and kms_key_id",
        judge=_trail,
    ),
)
