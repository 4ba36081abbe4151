"""A stack and a pack of tests' own, so that a report's counts can be said exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rules import pack
from rules.model import ROOT, Item, Level, NotApplicable, Props, Rule, Stack, StackRule
from rules.waivers import Waiver

from reports.build import build, gather
from reports.model import Judged, Report, RuleResult
from tests.reports import events

STORE = "aws:rds/instance:Instance"  # of rules.stores.STATEFUL
BUCKET = "aws:s3/bucket:Bucket"
NOBODY = "aws:sqs/queue:Queue"
HOSTILE = "<script>alert(1)</script>|`@x`[a](b)"
ANSWERED = "SOC2 CC6.1"


def _closed(props: Props) -> Iterator[str]:
    if props.at("kind") == "log":
        raise NotApplicable("a log's bucket is judged elsewhere")
    if props.at("open"):
        yield "is open"
    if props.at("breaks"):
        raise ZeroDivisionError


def _owned(subject: Item, _stack: Stack) -> Iterable[str]:
    return () if subject.props.at("tags.owner") else ("has no owner",)


CLOSED = Rule(
    name="bucket-closed",
    sentence="A bucket is closed.",
    types=(BUCKET,),
    severity="critical",
    requirements=("FAKE-01",),
    controls=(ANSWERED,),
    why="Strangers read it.",
    fix="close it",
    evidence=("open", "tags.*", "rules.*.name", "password"),
    judge=_closed,
)
OWNED = StackRule(
    name="store-owned",
    sentence="A store has an owner.",
    types=(BUCKET, STORE),
    severity="low",
    requirements=("FAKE-02",),
    fix="name its owner",
    judge=_owned,
)
IDLE = Rule(
    name="queue-encrypted",
    sentence="A queue is encrypted.",
    types=(NOBODY,),
    severity="high",
    requirements=("FAKE-03",),
    fix="encrypt it",
    judge=lambda _: (),
)
OFF = Rule(
    name="bucket-logged",
    sentence="A bucket is logged.",
    types=(BUCKET,),
    severity="medium",
    requirements=("FAKE-04",),
    fix="log it",
    judge=lambda _: ("is not logged",),
)
RULES = (CLOSED, OWNED, IDLE, OFF)
LEVELS: Mapping[str, Level] = {"bucket-logged": "disabled"}


def item(name: str, type_: str = BUCKET, /, **props: Any) -> Item:
    chain = type_ if type_ == ROOT else f"{ROOT}${type_}"
    return Item(
        type=type_, name=name, urn=f"urn:pulumi:dev::arches::{chain}::{name}", props=Props(props)
    )


STACK = item("arches-dev", ROOT)
GOOD = item("good", open=False, tags={"owner": "us", "team": "a"})
BAD = item("bad", open=True)
LOG = item("log", kind="log", tags={"owner": "us"})
DATABASE = item("database", STORE, tags={"owner": "us"})
ITEMS = (STACK, GOOD, BAD, LOG, DATABASE)
WAIVER: Mapping[str, str] = {
    "rule": "bucket-closed",
    "resource": f"{BUCKET}::bad",
    "stack": "dev",
    "reason": "It is public until the move is over.",
    "owner": "platform",
    "ticket": "OPS-1",
    "expires": "2027-01-31",
}


def checkout(folder: Path, waivers: Sequence[Mapping[str, str]] = ()) -> Path:
    """A folder that stands for the checkout: what `gather` reads of it."""
    (folder / "policies").mkdir(parents=True, exist_ok=True)
    (folder / "policies/waivers.yaml").write_text(
        "".join(f"- {dict(waiver)!r}\n" for waiver in waivers)
    )
    (folder / "policies/levels.yaml").write_text(f"dev: {dict(LEVELS)}\n")
    (folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    (folder / "__main__.py").write_text("")
    return folder


def told(folder: Path, items: Sequence[Item] = ITEMS, **options: Any) -> list[dict[str, Any]]:
    """The events of one run over these resources, judged by the pack of the folder's checkout."""
    root = folder / "checkout"
    if not root.exists():
        checkout(root)
    given = {"rules": RULES, "levels": LEVELS, "version": pack.version(root / "policies")}
    return events.log(items, **{**given, **options})


def log(folder: Path, items: Sequence[Item] = ITEMS, **options: Any) -> Path:
    """The same as the engine's log."""
    name = "preview" if options.get("preview", True) else "deployed"
    return events.written(folder, name, told(folder, items, **options))


def report(
    folder: Path,
    items: Sequence[Item] = ITEMS,
    *,
    waivers: Sequence[Mapping[str, str]] = (),
    **given: Any,
) -> Report:
    """The report of one preview over these resources. given: further arguments of `gather`."""
    root = checkout(folder / "checkout", waivers)
    path = log(folder, items, waivers=[Waiver.model_validate(each) for each in waivers])
    return build(gather([path], root=root, rules=RULES, **given))


def rule(of: Report, name: str) -> RuleResult:
    return next(each for each in of.rules if each.name == name)


def judged(of: Report, name: str, resource: str) -> Judged:
    return next(each for each in rule(of, name).judged if each.name == resource)
