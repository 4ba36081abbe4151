"""Faults on demand: what a bad day does to a deployment, said in one word on the command line.

`throttle:TYPE`     the first two creates of that type are throttled and retried
`fail:N`            the N-th create of the run is refused by the service
`timeout:TYPE`      a create of that type never becomes ready; the thing exists
`lose-reply:N`      the N-th create succeeds and its reply is lost
`kill:N`            the whole engine is killed in the middle of the N-th create
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

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
            elif kind == "throttle":
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
        """Whether this call is throttled: the first two of a type are."""
        if type_ not in self.throttled:
            return False
        with self._lock:
            self.throttles[type_] = self.throttles.get(type_, 0) + 1
            return self.throttles[type_] <= 2
