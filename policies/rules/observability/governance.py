"""Governance: what happens in the account is recorded, judged and paid for with open eyes.

An account has one trail, one detector and one recorder, which the environment that serves customers
makes. Where somebody else keeps them (an organisation), a waiver names who.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rules.documents import listed, said
from rules.model import ROOT, Item, Props, Rule, Stack, StackRule, Undecided

DETECTOR = "aws:guardduty/detector:Detector"
FEATURE = "aws:guardduty/detectorFeature:DetectorFeature"
RECORDER = "aws:cfg/recorder:Recorder"
BUDGET = "aws:budgets/budget:Budget"
EVENTS = "aws:cloudwatch/eventRule:EventRule"
# What each watches is deployed here; Lambda and ECS are not (FSBP GuardDuty.5, .8, .9, .10).
FEATURES = ("EBS_MALWARE_PROTECTION", "EKS_AUDIT_LOGS", "RDS_LOGIN_EVENTS", "S3_DATA_EVENTS")


def absent(finding: str, *types: str) -> Callable[[Item, Stack], Iterator[str]]:
    """What the account of an environment that serves customers must have."""

    def judge(_root: Item, stack: Stack) -> Iterator[str]:
        if stack.serves_customers and not stack.of(*types):
            yield finding

    return judge


# -- GuardDuty -------------------------------------------------------------------------------------
def _detects(props: Props) -> Iterator[str]:
    if props.at("enable", True) is False:
        yield "the detector is switched off"


def _features(detector: Item, stack: Stack) -> Iterator[str]:
    on = {
        feature.props.at("name")
        for feature in stack.parts(FEATURE, "detectorId", detector)
        if feature.props.at("status") == "ENABLED"
    }
    missing = [each for each in FEATURES if each not in on]
    if missing:
        yield f"these are not watched: {', '.join(missing)}"


def _findings(_detector: Item, stack: Stack) -> Iterator[str]:
    target = "aws:cloudwatch/eventTarget:EventTarget"
    hidden: Undecided | None = None
    for rule in stack.of(EVENTS):
        try:
            pattern = rule.props.document("eventPattern")
        except Undecided as unknown:
            hidden = unknown
            continue
        if (
            "aws.guardduty" in listed(pattern.get("source"))
            and rule.props.at("state", "ENABLED") != "DISABLED"
            and stack.parts(target, "rule", rule)
        ):
            return
    if hidden is not None:  # it may be the one
        raise hidden
    yield "nobody is told of what it finds"


# -- AWS Config ------------------------------------------------------------------------------------
def _recorded(recorder: Item, stack: Stack) -> Iterator[str]:
    if not recorder.props.at("recordingGroup.allSupported"):
        yield "some kinds of resources are not recorded"
    elif not recorder.props.at("recordingGroup.includeGlobalResourceTypes"):
        yield "roles and policies are not recorded"
    status = stack.parts("aws:cfg/recorderStatus:RecorderStatus", "name", recorder)
    if not any(each.props.at("isEnabled") for each in status):
        yield "the recorder is not started"
    if not stack.of("aws:cfg/deliveryChannel:DeliveryChannel"):
        yield "its history goes nowhere"


# -- the rest of the account -----------------------------------------------------------------------
def _volumes(props: Props) -> Iterator[str]:
    if props.at("enabled", True) is False:
        yield "new volumes are not encrypted unless somebody asks for it"


def _warns(props: Props) -> Iterator[str]:
    heard = [
        each
        for each in props.at("notifications") or []
        if said(each, "subscriberEmailAddresses") or said(each, "subscriberSnsTopicArns")
    ]
    for kind, word in (("ACTUAL", "spent"), ("FORECASTED", "foreseen")):
        if not any(each.get("notificationType") == kind for each in heard):
            yield f"nobody is told when too much is {word}"


_AWS = "https://docs.aws.amazon.com"
_HUB = f"{_AWS}/securityhub/latest/userguide"

RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="guardduty-made",
        sentence="The account of customers has a detector of threats.",
        types=(ROOT,),
        severity="high",
        requirements=("AUDIT-03",),
        controls=("FSBP GuardDuty.1", "CHECKOV CKV2_AWS_3", "SOC2 CC7.2", "ISO27001 A.8.16"),
        why="A stolen credential at work would look like any other.",
        fix="set arches:governance guardDuty: here, or waive it and name who keeps it",
        url=f"{_HUB}/guardduty-controls.html",
        judge=absent("nothing detects threats in this account", DETECTOR),
    ),
    Rule(
        name="guardduty-on",
        sentence="The detector of threats is switched on.",
        types=(DETECTOR,),
        severity="high",
        requirements=("AUDIT-03",),
        controls=("FSBP GuardDuty.1", "CHECKOV CKV_AWS_238", "SOC2 CC7.2", "ISO27001 A.8.16"),
        why="It would find nothing, and say so.",
        fix="leave enable on",
        url=f"{_HUB}/guardduty-controls.html",
        evidence=("enable", "findingPublishingFrequency"),
        remedy={"enable": True},
        judge=_detects,
    ),
    StackRule(
        name="guardduty-features",
        sentence="Threats to the cluster, the database, the buckets and the volumes are detected.",
        types=(DETECTOR,),
        severity="medium",
        requirements=("AUDIT-03",),
        controls=(
            *("FSBP GuardDuty.5", "FSBP GuardDuty.8", "FSBP GuardDuty.9", "FSBP GuardDuty.10"),
            *("SOC2 CC6.8", "SOC2 CC7.2", "ISO27001 A.8.7", "ISO27001 A.8.16"),
        ),
        why="What customers trusted us with would be taken where nobody looks.",
        fix="add an aws.guardduty.DetectorFeature with status ENABLED for each",
        url=f"{_AWS}/guardduty/latest/ug/guardduty-features-activation-model.html",
        evidence=("enable",),
        judge=_features,
    ),
    StackRule(
        name="guardduty-heard",
        sentence="Somebody is told of what the detector finds.",
        types=(DETECTOR,),
        severity="high",
        requirements=("AUDIT-03", "MON-09"),
        controls=("SOC2 CC7.3", "SOC2 CC7.4", "ISO27001 A.8.16", "GDPR 33"),
        why="The 72 hours to report a breach run from the moment that we could have known.",
        fix="set arches:alarms findings: true",
        url=f"{_AWS}/guardduty/latest/ug/guardduty_findings_eventbridge.html",
        evidence=("enable",),
        judge=_findings,
    ),
    StackRule(
        name="config-made",
        sentence="The account of customers records how its resources were set up.",
        types=(ROOT,),
        severity="medium",
        requirements=("AUDIT-03",),
        controls=("CIS-AWS 4.3", "SOC2 CC7.1", "ISO27001 A.8.9"),
        why="After an incident nobody could tell what the set-up had been.",
        fix="set arches:governance config: here, or waive it and name who keeps it",
        url=f"{_HUB}/config-controls.html",
        judge=absent("nothing records how this account is set up", RECORDER),
    ),
    StackRule(
        name="config-recorder-on",
        sentence="The recorder of set-ups records everything and delivers it.",
        types=(RECORDER,),
        severity="medium",
        requirements=("AUDIT-03",),
        controls=(
            *("CIS-AWS 4.3", "CHECKOV CKV2_AWS_45", "CHECKOV CKV2_AWS_48", "SOC2 CC7.1"),
            *("ISO27001 A.8.9",),
        ),
        why="After an incident nobody could tell what the set-up had been.",
        fix="set all_supported and include_global_resource_types, start it, add a delivery channel",
        url=f"{_AWS}/config/latest/developerguide/select-resources.html",
        evidence=(
            "name",
            "recordingGroup.allSupported",
            "recordingGroup.includeGlobalResourceTypes",
        ),
        judge=_recorded,
    ),
    StackRule(
        name="access-analyzer-made",
        sentence="The account of customers is told what it shares with others.",
        types=(ROOT,),
        severity="medium",
        requirements=("AUDIT-03", "CHK-SEC-04"),
        controls=("CIS-AWS 2.19", "SOC2 CC6.1", "ISO27001 A.5.15"),
        why="A key or a bucket that somebody opened by hand would stay open.",
        fix="set arches:governance accessAnalyzer: here, or waive it and name who keeps it",
        url=f"{_AWS}/IAM/latest/UserGuide/what-is-access-analyzer.html",
        judge=absent(
            "nothing tells what this account shares with others",
            "aws:accessanalyzer/analyzer:Analyzer",
        ),
    ),
    StackRule(
        name="ebs-default-made",
        sentence="The account of customers encrypts every new volume.",
        types=(ROOT,),
        severity="medium",
        requirements=("SEC-06", "CHK-INFRA-01"),
        controls=("FSBP EC2.7", "CIS-AWS 6.1.1", "SOC2 CC6.1", "ISO27001 A.8.24"),
        why="A volume that somebody makes by hand would be readable from any copy of it.",
        fix="set arches:governance ebsEncryption: here, or waive it and name who sets it",
        url=f"{_HUB}/ec2-controls.html",
        judge=absent(
            "new volumes are encrypted only where somebody asks for it",
            "aws:ebs/encryptionByDefault:EncryptionByDefault",
        ),
    ),
    Rule(
        name="ebs-default-on",
        sentence="Encryption of every new volume is switched on.",
        types=("aws:ebs/encryptionByDefault:EncryptionByDefault",),
        severity="medium",
        requirements=("SEC-06",),
        controls=(
            *("FSBP EC2.7", "CIS-AWS 6.1.1", "CHECKOV CKV_AWS_106", "SOC2 CC6.1"),
            *("ISO27001 A.8.24",),
        ),
        why="A volume that somebody makes by hand would be readable from any copy of it.",
        fix="leave enabled on",
        url=f"{_HUB}/ec2-controls.html",
        evidence=("enabled",),
        remedy={"enabled": True},
        judge=_volumes,
    ),
    StackRule(
        name="budget-made",
        sentence="Every environment has a budget.",
        types=(ROOT,),
        severity="low",
        requirements=("GEN-03",),
        controls=("SOC2 A1.1", "ISO27001 A.8.6"),
        why="A mistake, or a stolen credential that mines coins, is found on the invoice.",
        fix="set arches:governance budgetUsd",
        url=f"{_AWS}/cost-management/latest/userguide/budgets-managing-costs.html",
        judge=lambda _root, stack: (
            ()
            if stack.of(BUDGET)
            else ("nothing tells when this environment costs more than it should",)
        ),
    ),
    Rule(
        name="budget-warns",
        sentence="Somebody is told what was spent and what will be.",
        types=(BUDGET,),
        severity="low",
        requirements=("GEN-03",),
        controls=("SOC2 A1.1", "ISO27001 A.8.6"),
        why="A budget that nobody hears of is a number.",
        fix="add notifications ACTUAL and FORECASTED with subscribers",
        url=f"{_AWS}/cost-management/latest/userguide/budgets-managing-costs.html",
        evidence=("name", "limitAmount", "notifications.*.notificationType"),
        judge=_warns,
    ),
)
