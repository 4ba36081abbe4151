"""Waivers: a finding that people accept, by name, for a reason, for a time.

`waivers.yaml` is reviewed like code. A waiver silences nothing: its findings stay in every report,
as advisory ones. One that has expired, that matches nothing, or that is too wide is itself a
violation (rule `waivers-kept`). The rules that guard levels and waivers cannot be waived.
"""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from rules import outcomes
from rules.model import GUARDS, ROOT, Stack
from rules.outcomes import Said

# A waiver is a debt with a date: nobody remembers for longer why it was made.
LONGEST = timedelta(days=180)
# More resources or findings than this are a change of the rule, which belongs into the rule.
WIDEST = 5
# A pattern with fewer letters of its own would accept what nobody has read.
SHORTEST = 10

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class WaiverError(ValueError):
    """The waivers' file cannot be used; one line that says where and what is allowed."""


class Waiver(BaseModel):
    """One accepted finding.

    resource: `<type>::<name>`, the type in full, `*` and `?` in the name only. finding: its words,
    `*` for any part of them. A rule about the stack says everything of one resource, the stack: a
    waiver without words would accept what the rule finds tomorrow.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Text
    resource: Annotated[str, StringConstraints(pattern=r"^[^*?\[\]]+::.+$")]
    finding: Annotated[Text | None, Field(validate_default=True)] = None
    stack: Text
    reason: Annotated[str, StringConstraints(min_length=20, strip_whitespace=True)]
    owner: Text
    ticket: Text
    expires: date = Field(description="the last day on which it holds")

    @field_validator("rule")
    @classmethod
    def _no_guard(cls, rule: str) -> str:
        if rule in GUARDS:
            raise PydanticCustomError("guard", "this rule cannot be waived")
        return rule

    @field_validator("finding")
    @classmethod
    def _in_words(cls, finding: str | None, info: ValidationInfo) -> str | None:
        of_the_stack = info.data.get("resource", "").partition("::")[0] == ROOT
        if finding is None and of_the_stack:
            raise PydanticCustomError("unnamed", "of the stack, one finding is waived by its words")
        if finding is not None and len(finding.replace("*", "").strip()) < SHORTEST:
            raise PydanticCustomError(
                "short", "name {least} characters or more beside `*`", {"least": SHORTEST}
            )
        return finding

    def covers(self, rule: str, urn: str) -> bool:
        """Whether it speaks of what this rule says of this resource."""
        type_, name = told(urn)
        wanted, _, pattern = self.resource.partition("::")
        return (
            rule == self.rule
            and self.concerns(urn)
            and type_ == wanted
            and fnmatch.fnmatchcase(name, pattern)
        )

    def accepts(self, finding: str) -> bool:
        """Whether these words are what it accepts."""
        if self.finding is None:
            return True
        pattern = ".*".join(map(re.escape, self.finding.split("*")))
        return re.fullmatch(pattern, finding, re.DOTALL) is not None

    def waived(self, said: Said) -> Said:
        """The violation as one that is waived."""
        return outcomes.waived(said, self.expires.isoformat(), self.owner, self.ticket)

    def concerns(self, urn: str) -> bool:
        """Whether it was made for the stack of this resource."""
        return urn.startswith(f"urn:pulumi:{self.stack}::")

    def __str__(self) -> str:
        return f"the waiver of {self.rule} on {self.resource} ({self.ticket})"


def told(urn: str) -> tuple[str, str]:
    """A URN's type and name; its parents' types are left out."""
    _, _, chain, name = urn.split("::", 3)
    return chain.rsplit("$", 1)[-1], name


def read(path: Path, rules: Iterable[str]) -> tuple[Waiver, ...]:
    """The waivers of a file. Raises WaiverError, a line for the first mistake."""
    try:
        found: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (OSError, yaml.YAMLError) as problem:
        raise WaiverError(f"{path.name}: cannot be read as YAML: {_one_line(problem)}") from None
    if not isinstance(found, list):
        raise WaiverError(
            f"{path.name}: a list of waivers is allowed, this is {type(found).__name__}"
        )
    known = set(rules)
    waivers: list[Waiver] = []
    for number, entry in enumerate(found, 1):
        try:
            waiver = Waiver.model_validate(entry)
        except ValidationError as problem:
            first = problem.errors()[0]
            key = ".".join(str(part) for part in first["loc"]) or "entry"
            raise WaiverError(
                f"{path.name}: waiver {number}: {key}: {first['msg'].lower()}; needed are rule, "
                "resource (<type>::<name>), stack, reason (20 characters or more), owner, ticket, "
                "expires (YYYY-MM-DD); and finding (its words), where the resource is the stack"
            ) from None
        if waiver.rule not in known:
            raise WaiverError(
                f"{path.name}: waiver {number}: no rule is named {waiver.rule!r}; see `make rules`"
            )
        waivers.append(waiver)
    return tuple(waivers)


def _one_line(problem: Exception) -> str:
    return " ".join(str(problem).split())


class Ledger:
    """The waivers of one run, and what became of them."""

    def __init__(self, waivers: Iterable[Waiver], today: date) -> None:
        self._waivers = tuple(waivers)
        self._today = today
        self._rules = {waiver.rule for waiver in self._waivers}
        self._seen: defaultdict[Waiver, set[str]] = defaultdict(set)
        self._used: defaultdict[Waiver, set[tuple[str, str]]] = defaultdict(set)
        self._undecided: set[Waiver] = set()
        self._missed: set[Waiver] = set()

    def judged(self, rule: str, urn: str) -> None:
        """A rule looked at a resource."""
        if rule in self._rules:
            for waiver in self._covering(rule, urn):
                self._seen[waiver].add(urn)

    def not_applicable(self, rule: str, urn: str) -> None:
        """It had nothing to judge there after all."""
        for waiver in self._covering(rule, urn) if rule in self._rules else ():
            self._seen[waiver].discard(urn)

    def weigh(self, rule: str, urn: str, said: Said) -> Said:
        """A violation that a waiver in force covers becomes a waived one; all else stays."""
        if rule not in self._rules:
            return said
        for waiver in self._covering(rule, urn):
            if said.outcome == "unknown":
                self._undecided.add(waiver)  # it may yet be needed: it cannot be called unused
            elif said.outcome == "violated" and not waiver.accepts(said.text):
                self._missed.add(waiver)
            elif said.outcome == "violated":
                self._used[waiver].add((urn, said.text))
                if waiver.expires >= self._today:
                    return waiver.waived(said)
        return said

    def _covering(self, rule: str, urn: str) -> Iterator[Waiver]:
        return (waiver for waiver in self._waivers if waiver.covers(rule, urn))

    def audit(self, stack: Stack) -> Iterator[str]:
        """What is wrong with the waivers of this stack, once every other rule has been judged."""
        here = next((item.urn for item in stack.items), "")
        for waiver in self._waivers:
            if not waiver.concerns(here):
                continue
            if waiver.expires < self._today:
                yield f"{waiver} expired on {waiver.expires.isoformat()}"
            elif waiver.expires - self._today > LONGEST:
                until = waiver.expires.isoformat()
                yield f"{waiver} holds until {until}, longer than {LONGEST.days} days"
            if not self._used[waiver] and waiver not in self._undecided:
                yield f"{waiver} is not needed: what it covers {self._why_idle(waiver)}"
            elif len(self._seen[waiver]) > WIDEST:
                yield f"{waiver} covers {len(self._seen[waiver])} resources, more than {WIDEST}"
            elif len(self._used[waiver]) > WIDEST:
                yield f"{waiver} covers {len(self._used[waiver])} findings, more than {WIDEST}"

    def _why_idle(self, waiver: Waiver) -> str:
        if not self._seen[waiver]:
            return "is not in this stack"
        return "is not what the rule says there" if waiver in self._missed else "passes"
