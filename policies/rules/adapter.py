"""From our rules to pulumi-policy's: proxies become plain values, verdicts become reports.

An exception in a policy would abort the engine's run without naming the rule, so each is caught
and reported as an error of that rule on that resource.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_policy import (
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy import policy as sdk
from pulumi_policy.proxy import UnknownValueError

from rules.model import UNKNOWN, Item, Props, Rule, StackRule, Undecided

_SEVERITY = {
    "low": Severity.LOW,
    "medium": Severity.MEDIUM,
    "high": Severity.HIGH,
    "critical": Severity.CRITICAL,
}


def as_policy(rule: Rule | StackRule) -> ResourceValidationPolicy | StackValidationPolicy:
    """The rule as the SDK's policy."""
    if isinstance(rule, StackRule):
        return StackValidationPolicy(
            name=rule.name,
            description=rule.sentence,
            severity=_SEVERITY[rule.severity],
            remediation_steps=rule.fix,
            validate=_stack_validator(rule),
        )
    return ResourceValidationPolicy(
        name=rule.name,
        description=rule.sentence,
        severity=_SEVERITY[rule.severity],
        remediation_steps=rule.fix,
        validate=_validator(rule),
    )


def _validator(rule: Rule) -> Any:
    types = frozenset(rule.types)

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type not in types:
            args.not_applicable(f"judges {', '.join(rule.types)}")
        try:
            for wrong in rule.judge(Props(plain(args.props))):
                report(f"{wrong}; {rule.fix}", None)
        except Undecided as undecided:
            args.not_applicable(f"{undecided} is not known until deployed")
        except Exception as error:
            report(f"the rule itself failed: {type(error).__name__}: {error}", None)

    return validate


def _stack_validator(rule: StackRule) -> Any:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        try:
            for urn, wrong in rule.judge(items(args)):
                report(f"{wrong}; {rule.fix}", urn)
        except Undecided as undecided:
            args.not_applicable(f"{undecided} is not known until deployed")
        except Exception as error:
            report(f"the rule itself failed: {type(error).__name__}: {error}", None)

    return validate


def items(args: StackValidationArgs) -> list[Item]:
    """The stack's resources as plain items."""
    return [
        Item(
            type=r.resource_type,
            name=r.name,
            urn=r.urn,
            props=Props(plain(r.props)),
            links={
                key: frozenset(d.urn for d in dependencies)
                for key, dependencies in r.property_dependencies.items()
            },
            protect=r.opts.protect,
            parent=r.parent.urn if r.parent else "",
        )
        for r in args.resources
    ]


class _DecodedOnce:
    """Stands for `json_format` inside pulumi_policy: each message is decoded once for all rules.

    pulumi-policy 1.21 decodes a resource's properties again for every rule (policy.py, Analyze and
    AnalyzeStack), so its cost is resources times rules. Callers only read the result.
    """

    def __init__(self, real: Any) -> None:
        self._real = real
        self._decoded: dict[int, tuple[Any, Any]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def MessageToDict(self, message: Any) -> Any:  # noqa: N802 (protobuf's name)
        held = self._decoded.get(id(message))
        if held is None or held[0] is not message:
            if len(self._decoded) > _DECODED_AT_MOST:
                self._decoded.clear()
            held = self._decoded[id(message)] = (message, self._real.MessageToDict(message))
        return held[1]


_DECODED_AT_MOST = 50_000


def decode_once() -> None:
    """Let the SDK decode each resource once. Called by the pack's entry point only."""
    real: Any = sdk  # the SDK does not name it among what it exports
    real.json_format = _DecodedOnce(real.json_format)


def plain(value: Any) -> Any:
    """A proxy as plain dicts, lists and scalars, with UNKNOWN for what is not known yet.

    Every number arrives as a float; whole ones become int, as people wrote them.
    """
    if isinstance(value, Mapping):
        found: dict[str, Any] = {}
        for key in value:
            try:
                found[key] = plain(value[key])
            except UnknownValueError:
                found[key] = UNKNOWN
        return found
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        listed: list[Any] = []
        for index in range(len(value)):
            try:
                listed.append(plain(value[index]))
            except UnknownValueError:
                listed.append(UNKNOWN)
        return listed
    return int(value) if isinstance(value, float) and value.is_integer() else value
