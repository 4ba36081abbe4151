"""What a rule may say of a resource, as the engine's events carry it.

The engine knows violations of a level and nothing else, so that other outcomes are told as findings
with a fixed beginning. The pack writes them and the reports read them, both through this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# passed and not applicable need no words: the engine's summary tells who passed.
Outcome = Literal["violated", "waived", "unknown", "error"]

_UNKNOWN = "not known until deployed: "
_ERROR = "the rule itself failed: "
_WAIVED = "waived until "


@dataclass(frozen=True)
class Said:
    """One finding: its outcome and its words, the rule's sentence left out."""

    outcome: Outcome
    text: str

    def message(self, sentence: str) -> str:
        """What the engine is told: the sentence, a line's end, the finding."""
        return f"{sentence}\n{self.text}"


def violated(wrong: str, fix: str) -> Said:
    return Said("violated", f"{wrong}; {fix}")


def unknown(what: str) -> Said:
    return Said("unknown", f"{_UNKNOWN}{what}")


def error(problem: Exception) -> Said:
    # The words of a foreign exception may quote a value; its type and place never do.
    where = problem.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    line = f" in line {where.tb_lineno} of {where.tb_frame.f_code.co_name}" if where else ""
    return Said("error", f"{_ERROR}{type(problem).__name__}{line}")


def waived(finding: Said, expires: str, owner: str, ticket: str) -> Said:
    return Said("waived", f"{_WAIVED}{expires} ({owner}, {ticket}): {finding.text}")


def read(message: str) -> Said:
    """The finding in an engine's message."""
    _, _, text = message.rstrip("\n").partition("\n")
    return of(text)


def of(text: str) -> Said:
    """The finding that these words are."""
    beginnings: dict[str, Outcome] = {_UNKNOWN: "unknown", _ERROR: "error", _WAIVED: "waived"}
    for beginning, outcome in beginnings.items():
        if text.startswith(beginning):
            return Said(outcome, text)
    return Said("violated", text)
