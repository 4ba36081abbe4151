"""An engine's event log and state for a recorded environment, judged by the pack over its protocol.

The verdicts are the pack's own; only what the engine wraps around them is written here, and
tests/engine/test_report.py holds it against a real run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pulumi.runtime.proto import analyzer_pb2 as proto
from rules import RULES, adapter
from rules import pack as own
from rules.model import Item, Level, Rule, StackRule
from rules.waivers import Waiver

from tests.policies.wire import asked, asked_of_all, pack_of, plain

ENDED = 1795276933  # 2026-11-21T16:02:13Z
_LEVELS = {proto.ADVISORY: "advisory", proto.MANDATORY: "mandatory"}


def log(
    items: Sequence[Item],
    *,
    preview: bool = True,
    waivers: Sequence[Waiver] = (),
    ended: int = ENDED,
    rules: Sequence[Rule | StackRule] = RULES,
    levels: Mapping[str, Level] | None = None,
    version: str = "",
) -> list[dict[str, Any]]:
    """The events of one run over these resources, judged by these rules.

    levels: rule -> level in the stack. version: of the pack, this checkout's where none is given.
    """
    stack = items[0].urn.split(":", 3)[2]
    pack = pack_of(rules, waivers, {stack: levels or {}}, version or own.version())
    named = {"policyPackName": own.NAME, "policyPackVersion": pack.version}
    single = [p for p in pack._policies if isinstance(p, adapter.OneResource)]
    events: list[dict[str, Any]] = [{"preludeEvent": {"config": {}}}]
    for item in items:
        events.append({"resourcePreEvent": {"metadata": _step(item)}})
        answer = pack.Remediate(asked(item), None)
        remedied = {each.policyName for each in answer.remediations}
        excused = {n.policy_name for n in answer.not_applicable}
        # The engine lists every policy that says nothing of itself, whatever the resource's type.
        idle = [p.rule.name for p in single if p.rule.name not in remedied | excused]
        events.append(
            {
                "policyRemediateSummaryEvent": {
                    "resourceUrn": item.urn,
                    **named,
                    "passed": idle,
                    "failed": sorted(remedied),
                }
            }
        )
        answer = pack.Analyze(asked(item), None)
        events += [{"policyEvent": _finding(d)} for d in answer.diagnostics]
        failed = {d.policyName for d in answer.diagnostics}
        excused = {n.policy_name for n in answer.not_applicable}
        passed = [p.rule.name for p in single if p.rule.name not in failed | excused]
        events.append(
            {
                "policyAnalyzeSummaryEvent": {
                    "resourceUrn": item.urn,
                    **named,
                    "passed": passed,
                    "failed": sorted(failed),
                }
            }
        )
    answer = pack.AnalyzeStack(asked_of_all(items), None)
    events += [{"policyEvent": _finding(d)} for d in answer.diagnostics]
    failed = {d.policyName for d in answer.diagnostics}
    excused = {n.policy_name for n in answer.not_applicable}
    joined = [p.rule.name for p in pack._policies if isinstance(p, adapter.WholeStack)]
    events.append(
        {
            "policyAnalyzeStackSummaryEvent": {
                **named,
                "passed": [name for name in joined if name not in failed | excused],
                "failed": sorted(failed),
            }
        }
    )
    events.append(
        {
            "summaryEvent": {
                "durationSeconds": 11,
                "resourceChanges": {"create": len(items)},
                "isPreview": preview,
                "result": "succeeded",
            }
        }
    )
    return [{"sequence": place, "timestamp": ended, **event} for place, event in enumerate(events)]


def state(items: Sequence[Item]) -> dict[str, Any]:
    """The exported state of these resources, secrets scrubbed as the rehearsal does."""
    return {
        "version": 3,
        "deployment": {
            "resources": [
                {
                    "urn": item.urn,
                    "type": item.type,
                    "parent": item.parent,
                    "protect": item.protect,
                    "inputs": plain(item.props),
                    "propertyDependencies": {k: sorted(v) for k, v in item.links.items()},
                }
                for item in items
            ]
        },
    }


def written(folder: Path, name: str, events: Sequence[Mapping[str, Any]]) -> Path:
    """The events as the engine writes them, a line each."""
    path = folder / f"{name}.events.jsonl"
    path.write_text("".join(f"{json.dumps(event)}\n" for event in events), encoding="utf-8")
    return path


def _step(item: Item) -> dict[str, Any]:
    return {
        "op": "create",
        "urn": item.urn,
        "type": item.type,
        "old": None,
        "new": {
            "type": item.type,
            "urn": item.urn,
            "parent": item.parent,
            "protect": item.protect,
            "inputs": plain(item.props),
            "outputs": {},
        },
    }


def _finding(said: Any) -> dict[str, Any]:
    return {
        "resourceUrn": said.urn,
        "message": f"{said.message}\n",
        "policyName": said.policyName,
        "policyPackName": said.policyPackName,
        "policyPackVersion": said.policyPackVersion,
        "enforcementLevel": _LEVELS[said.enforcementLevel],
    }
