"""An account in which things happen unseen."""

from __future__ import annotations

from typing import Any

from rules.model import UNKNOWN

from tests.policies.mutation import Mutant, document, drop, edit, put, several, unlink, without

_DETECTOR = "aws:guardduty/detector:Detector"
_FEATURE = "aws:guardduty/detectorFeature:DetectorFeature"
_RECORDER = "aws:cfg/recorder:Recorder"
_STATUS = "aws:cfg/recorderStatus:RecorderStatus"
_CHANNEL = "aws:cfg/deliveryChannel:DeliveryChannel"
_VOLUMES = "aws:ebs/encryptionByDefault:EncryptionByDefault"
_BUDGET = "aws:budgets/budget:Budget"
_EVENTS = "aws:cloudwatch/eventRule:EventRule"
_ROOT = "arches-prod"
_UNHEARD = "nobody is told of what it finds"
_NOT_STARTED = "the recorder is not started"


def _unheard(values: dict[str, Any]) -> None:
    for each in values["notifications"]:
        each["subscriberEmailAddresses"] = []
        each["subscriberSnsTopicArns"] = []


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="guardduty-made",
        title="no detector",
        change=without(_DETECTOR),
        says=("nothing detects threats in this account",),
        at=_ROOT,
    ),
    Mutant(
        rule="guardduty-on",
        title="switched off",
        change=put(_DETECTOR, "enable", False),
        says=("the detector is switched off",),
    ),
    Mutant(
        rule="guardduty-features",
        title="the cluster is not watched",
        change=put(_FEATURE, "status", "DISABLED", "*-eks-audit-logs"),
        says=("these are not watched: EKS_AUDIT_LOGS",),
        at="governance-audit-detector",
    ),
    Mutant(
        rule="guardduty-features",
        title="nothing but the foundation",
        change=without(_FEATURE),
        says=(
            "these are not watched: EBS_MALWARE_PROTECTION, EKS_AUDIT_LOGS, RDS_LOGIN_EVENTS, "
            "S3_DATA_EVENTS",
        ),
    ),
    Mutant(
        rule="guardduty-heard",
        title="no rule",
        change=without(_EVENTS, "alarms-findings-*"),
        says=(_UNHEARD,),
        at="governance-audit-detector",
    ),
    Mutant(
        rule="guardduty-heard",
        title="rules without targets",
        change=without("aws:cloudwatch/eventTarget:EventTarget", "alarms-findings-*"),
        says=(_UNHEARD,),
    ),
    Mutant(
        rule="guardduty-heard",
        title="no rule, and one whose pattern is not known yet",
        change=several(
            without(_EVENTS, "alarms-findings-*"),
            put(_EVENTS, "eventPattern", UNKNOWN, "alarms-restore-test"),
        ),
        says=("not known until deployed: eventPattern",),
    ),
    Mutant(
        rule="config-made",
        title="no recorder",
        change=without(_RECORDER),
        says=("nothing records how this account is set up",),
        at=_ROOT,
    ),
    Mutant(
        rule="config-recorder-on",
        title="some kinds only",
        change=put(_RECORDER, "recordingGroup.allSupported", False),
        says=("some kinds of resources are not recorded",),
    ),
    Mutant(
        rule="config-recorder-on",
        title="no roles",
        change=drop(_RECORDER, "recordingGroup.includeGlobalResourceTypes"),
        says=("roles and policies are not recorded",),
    ),
    Mutant(
        rule="config-recorder-on",
        title="stopped",
        change=put(_STATUS, "isEnabled", False),
        says=(_NOT_STARTED,),
        at="governance-audit-config",
    ),
    Mutant(
        rule="config-recorder-on",
        title="another recorder is started",
        change=unlink(_STATUS, "name"),
        says=(_NOT_STARTED,),
    ),
    Mutant(
        rule="config-recorder-on",
        title="history goes nowhere",
        change=without(_CHANNEL),
        says=("its history goes nowhere",),
    ),
    Mutant(
        rule="access-analyzer-made",
        title="no analyzer",
        change=without("aws:accessanalyzer/analyzer:Analyzer"),
        says=("nothing tells what this account shares with others",),
        at=_ROOT,
    ),
    Mutant(
        rule="ebs-default-made",
        title="volumes as they come",
        change=without(_VOLUMES),
        says=("new volumes are encrypted only where somebody asks for it",),
        at=_ROOT,
    ),
    Mutant(
        rule="ebs-default-on",
        title="switched off",
        change=put(_VOLUMES, "enabled", False),
        says=("new volumes are not encrypted unless somebody asks for it",),
    ),
    Mutant(
        rule="budget-made",
        title="no budget",
        change=without(_BUDGET),
        says=("nothing tells when this environment costs more than it should",),
        at=_ROOT,
    ),
    Mutant(
        rule="budget-made",
        title="no budget for a test",
        change=without(_BUDGET),
        says=("nothing tells when this environment costs more than it should",),
        stack="staging",
    ),
    Mutant(
        rule="budget-warns",
        title="only looking back",
        change=drop(_BUDGET, "notifications.2"),
        says=("nobody is told when too much is foreseen",),
    ),
    Mutant(
        rule="budget-warns",
        title="nobody hears",
        change=edit(_BUDGET, _unheard),
        says=(
            "nobody is told when too much is spent",
            "nobody is told when too much is foreseen",
        ),
    ),
    Mutant(
        rule="guardduty-heard",
        title="rules of something else",
        change=several(
            *(
                document(
                    _EVENTS,
                    "eventPattern",
                    lambda found: found.update(source=["aws.backup"]),
                    f"alarms-findings-{level}",
                )
                for level in ("critical", "warning")
            )
        ),
        says=(_UNHEARD,),
    ),
)
