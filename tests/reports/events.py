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
from rules.model import Item, Rule, StackRule
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
) -> list[dict[str, Any]]:
    """The events of one run over these resources, judged by these rules."""
    pack = pack_of(rules, waivers)
    events: list[dict[str, Any]] = [{"preludeEvent": {"config": {}}}]
    for item in items:
        events.append({"resourcePreEvent": {"metadata": _step(item)}})
        answer = pack.Analyze(asked(item), None)
        events += [{"policyEvent": _finding(d)} for d in answer.diagnostics]
        failed = {d.policyName for d in answer.diagnostics}
        excused = {n.policy_name for n in answer.not_applicable}
        passed = [r.name for r in rules if r.name not in failed | excused and item.type in r.types]
        single = {p.rule.name for p in pack._policies if isinstance(p, adapter.OneResource)}
        events.append(
            {
                "policyAnalyzeSummaryEvent": {
                    "resourceUrn": item.urn,
                    "policyPackName": "arches",
                    "policyPackVersion": "1.0.0",
                    "passed": [name for name in passed if name in single],
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
                "policyPackName": "arches",
                "policyPackVersion": "1.0.0",
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
