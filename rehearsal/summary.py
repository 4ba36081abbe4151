"""What a rehearsal prints: pure functions from events and state to lines of text."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rehearsal.timeline import Timeline, minutes
from reports.run import Finding, finding

_MARKS = {
    "create": "+",
    "update": "~",
    "delete": "-",
    "replace": "+-",
    "create-replacement": "++",
    "delete-replaced": "--",
    "same": " ",
    "read": ">",
    "refresh": "~",
    "import": "=",
}
# The engine tells one replacement in three steps; people count it once.
_COUNTED = {"create", "update", "delete", "replace", "same", "import"}


def operations(events: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """URN -> operation, as the engine announced it; a replacement is "replace"."""
    found: dict[str, str] = {}
    for event in events:
        step = (event.get("resourcePreEvent") or {}).get("metadata")
        if step is None:
            continue
        urn, operation = step["urn"], step["op"]
        if operation in ("create-replacement", "delete-replaced"):
            operation = "replace"
        if found.get(urn) != "replace":
            found[urn] = operation
    return found


def changed_properties(events: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """URN -> the paths that an update or a replacement changes."""
    found: dict[str, list[str]] = {}
    for event in events:
        step = (event.get("resourcePreEvent") or {}).get("metadata")
        if step and step.get("detailedDiff"):
            found[step["urn"]] = sorted(step["detailedDiff"])
    return found


def counts(done: Mapping[str, str]) -> Counter[str]:
    """How many resources each operation concerns."""
    return Counter(op for op in done.values() if op in _COUNTED)


def counted(done: Mapping[str, str]) -> str:
    """`412 to create, 3 to replace` in the order that people look for."""
    words = {
        "delete": "deleted",
        "replace": "replaced",
        "update": "updated",
        "create": "created",
        "same": "unchanged",
        "import": "imported",
    }
    have = counts(done)
    said = [f"{have[op]} {word}" for op, word in words.items() if have[op]]
    return ", ".join(said) or "nothing to do"


def tree(
    parents: Mapping[str, str], done: Mapping[str, str], changed: Mapping[str, Sequence[str]]
) -> list[str]:
    """The resource tree, a line for each resource, children below their component.

    parents: URN -> parent's URN ("" for the root).
    """
    children: defaultdict[str, list[str]] = defaultdict(list)
    for urn, parent in parents.items():
        children[parent if parent in parents else ""].append(urn)
    lines: list[str] = []

    def show(urn: str, depth: int) -> None:
        type_, name = urn.split("::")[2].split("$")[-1], urn.split("::", 3)[3]
        mark = _MARKS.get(done.get(urn, "same"), "?")
        tail = f"  [{', '.join(changed[urn])}]" if changed.get(urn) else ""
        lines.append(f"{mark:>2} {'  ' * depth}{short_type(type_)}  {name}{tail}")
        for child in children[urn]:
            show(child, depth + 1)

    for root in children[""]:
        show(root, 0)
    return lines


def short_type(token: str) -> str:
    """`aws:rds/instance:Instance` as `aws:rds:Instance`."""
    package, _, rest = token.partition(":")
    module, _, kind = rest.partition(":")
    return f"{package}:{module.split('/')[0]}:{kind}" if kind else token


def parents_of(steps: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """URN -> parent from the states of a preview's steps or of an exported deployment."""
    return {s["urn"]: s.get("parent") or "" for s in steps}


def policy(events: Iterable[Mapping[str, Any]]) -> tuple[list[str], int]:
    """Lines on the policy pack's verdicts, and how many mandatory rules were broken.

    What is not known until deployed is a line for each rule: a preview of a new environment has
    many of those, and nobody can act on one.
    """
    findings: dict[Finding, None] = {}
    passed: Counter[str] = Counter()
    judged: set[str] = set()
    for event in events:
        if said := event.get("policyEvent"):
            findings[finding(said)] = None
        for kind in ("policyAnalyzeSummaryEvent", "policyAnalyzeStackSummaryEvent"):
            if verdict := event.get(kind):
                passed.update(verdict.get("passed") or ())
                judged.add(verdict.get("resourceUrn") or "stack")
    told = [each for each in findings if each.outcome != "unknown"]
    unknown = Counter(each.rule for each in findings if each.outcome == "unknown")
    mandatory = sum(each.level == "mandatory" for each in told)
    lines = [
        f"{len(passed)} rules passed on {len(judged)} resources; "
        f"{mandatory} mandatory and {len(told) - mandatory} advisory violations; "
        f"{sum(unknown.values())} checks not known until deployed"
    ]
    for each in sorted(told, key=lambda f: (f.level != "mandatory", f.rule, f.urn, f.text)):
        name = each.urn.split("::", 3)[3] if each.urn.count("::") >= 3 else "stack"
        lines.append(f"  {each.level}: {each.rule} on {name}: {each.text}")
    for rule, count in sorted(unknown.items()):
        lines.append(f"  not known until deployed: {rule} on {count} resources")
    return lines, mandatory


def virtual_time(timeline: Timeline, verb: str = "deployment") -> list[str]:
    """The virtual duration and its critical path, a line for each step of the chain."""
    lines = [f"virtual {verb} time {minutes(timeline.seconds)} (m:ss on real AWS, from medians)"]
    for timed in timeline.critical:
        guess = " est." if timed.step.type in timeline.estimated else ""
        lines.append(
            f"  {minutes(timed.begins):>6} +{minutes(timed.seconds):>6}{guess:5} "
            f"{short_type(timed.step.type)}  {timed.step.name}"
        )
    return lines


def honesty(engine: str, standins: Iterable[str], cluster: str | None = None) -> list[str]:
    """What was real in this run and what stood in. cluster: the API server that judged objects."""
    objects = (
        f"{cluster}, whose admission, quotas and definitions judged every object; no controllers, "
        "no nodes, no pods that run, no charts rendered"
        if cluster
        else "Kubernetes objects by schema alone (no API server in this run)"
    )
    return [
        f"real: {engine}, its planning and its state; the program and Pulumi.<stack>.yaml; "
        "the policy pack; names and types of every input (installed SDK)",
        f"in the cluster: {objects}",
        f"stood in: {', '.join(standins)}; AWS answers from resource schemas, a table of known "
        "refusals and an account on disk; durations are medians; nothing was asked of AWS",
        "not known here: account quotas beyond defaults, capacity, IAM permissions of the caller, "
        "what AWS changed since the schemas were made (docs/rehearsal.md)",
    ]
