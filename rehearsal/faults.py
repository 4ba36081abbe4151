"""Faults on demand: what a bad day does to a deployment, said in one word on the command line.

`throttle:TYPE`     the first two creates of that type are throttled and retried
`fail:N`            the N-th create of the run is refused by the service
`timeout:TYPE`      a create of that type never becomes ready; the thing exists
`lose-reply:N`      the N-th create succeeds and its reply is lost
`kill:N`            the whole engine is killed in the middle of the N-th create
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from rehearsal import sdk

KINDS = ("throttle", "fail", "timeout", "lose-reply", "kill")


class FaultError(ValueError):
    """A fault that does not exist; the message is one line."""


@dataclass(kw_only=True)
class Faults:
    """The faults of one run, and the count of creates that they are timed by."""

    throttled: set[str] = field(default_factory=set)
    failing: set[int] = field(default_factory=set)
    stuck: set[str] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)
    killing: set[int] = field(default_factory=set)
    on_kill: Callable[[], None] | None = None
    creates: int = 0
    throttles: dict[str, int] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def parse(cls, words: list[str]) -> Faults:
        """Read `kind:argument` words. Raises FaultError."""
        faults = cls()
        for word in words:
            kind, _, argument = word.partition(":")
            if kind not in KINDS or not argument:
                raise FaultError(
                    f'fault "{word}": allowed: {", ".join(k + ":..." for k in KINDS)}; '
                    "for example fail:7 or throttle:aws:rds/instance:Instance"
                )
            if kind in ("fail", "lose-reply", "kill"):
                if not argument.isdecimal() or int(argument) < 1:
                    raise FaultError(
                        f'fault "{word}": allowed: a whole number from 1, the create it strikes; '
                        f"for example {kind}:7"
                    )
                {"fail": faults.failing, "lose-reply": faults.lost, "kill": faults.killing}[
                    kind
                ].add(int(argument))
                continue
            _refuse_unknown(word, argument)
            if kind == "throttle":
                faults.throttled.add(argument)
            else:
                faults.stuck.add(argument)
        return faults

    def next_create(self) -> int:
        """The number of the create that begins now, from 1."""
        with self._lock:
            self.creates += 1
            return self.creates

    def throttle(self, type_: str) -> bool:
        """Whether a create of this type is throttled: the first two of a throttled type are."""
        with self._lock:
            self.created.add(type_)
            if type_ not in self.throttled:
                return False
            self.throttles[type_] = self.throttles.get(type_, 0) + 1
            return self.throttles[type_] <= 2

    def unstruck(self) -> list[str]:
        """The faults for which no create came, as they were given."""
        numbered = {"fail": self.failing, "lose-reply": self.lost, "kill": self.killing}
        typed = {"throttle": self.throttled, "timeout": self.stuck}
        return [
            f"{kind}:{number}"
            for kind, numbers in numbered.items()
            for number in sorted(numbers)
            if number > self.creates
        ] + [
            f"{kind}:{type_}"
            for kind, types in typed.items()
            for type_ in sorted(types - self.created)
        ]


# A kind that an operator brings: no SDK knows it, and its group is a domain.
_CUSTOM = re.compile(r"kubernetes:(?P<group>[a-z0-9-]+(?:\.[a-z0-9-]+)+)/v[a-z0-9]+:[A-Z]\w*")


def _refuse_unknown(word: str, type_: str) -> None:
    """Raises FaultError where no resource can be of the type."""
    known = sdk.tokens() | sdk.kubernetes_tokens()
    custom = _CUSTOM.fullmatch(type_)
    groups = {token.split(":")[1].partition("/")[0] for token in sdk.kubernetes_tokens()}
    if type_ in known or (custom and custom["group"] not in groups):
        return
    near = sdk.nearest(type_, known)
    hint = f"did you mean {near}" if near else "for example throttle:aws:rds/instance:Instance"
    raise FaultError(f'fault "{word}": allowed: a type of the AWS or Kubernetes SDK; {hint}')
