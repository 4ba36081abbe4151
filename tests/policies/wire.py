"""A stack's items as the analyzer's protocol carries them, and the pack at its other end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2 as proto
from pulumi_policy import EnforcementLevel, proxy
from rules import adapter, pack
from rules.adapter import Levels
from rules.model import SECRET, UNKNOWN, Item, Props, Rule, StackRule
from rules.waivers import Ledger, Waiver

from tests.policies.real import TODAY

# sdk/go/common/resource: how the engine marks a secret.
MARKED = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


def pack_of(
    rules: Iterable[Rule | StackRule],
    waivers: Sequence[Waiver] = (),
    levels: Levels | None = None,
    version: str = pack.VERSION,
) -> Any:
    """The analyzer that serves these rules, on the day of the tests."""
    judge = adapter.judging(Ledger(waivers, TODAY), TODAY, levels, version)
    policies = [adapter.as_policy(rule) for rule in rules]
    # The version that the SDK gives is never told (SDK 1.21, PolicyPack).
    return judge(pack.NAME, "0.0.1", policies, EnforcementLevel.MANDATORY)


def asked(item: Item) -> proto.AnalyzeRequest:
    """What the engine asks of one resource."""
    return proto.AnalyzeRequest(
        type=item.type, urn=item.urn, name=item.name, properties=_struct(item.props)
    )


def asked_of_all(items: Iterable[Item]) -> proto.AnalyzeStackRequest:
    """What the engine asks of the whole stack."""
    return proto.AnalyzeStackRequest(
        resources=[
            proto.AnalyzerResource(
                type=item.type,
                urn=item.urn,
                name=item.name,
                parent=item.parent,
                properties=_struct(item.props),
                options=proto.AnalyzerResourceOptions(protect=item.protect),
                propertyDependencies={
                    key: proto.AnalyzerPropertyDependencies(urns=sorted(urns))
                    for key, urns in item.links.items()
                },
            )
            for item in items
        ]
    )


def plain(value: Any) -> Any:
    """Properties as JSON values; secrets and unknown values are marked as the engine marks them."""
    if isinstance(value, Mapping):
        inner = value._values if isinstance(value, Props) else value
        return {key: plain(each) for key, each in inner.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if value is UNKNOWN:
        return proxy.UNKNOWN_STRING_VALUE
    return {**MARKED, "ciphertext": SECRET} if value == SECRET else value


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(plain(values), struct_pb2.Struct())
