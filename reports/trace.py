"""The requirement trace: which of the guide's requirements this program meets, and where.

Every id of the requirements stands in exactly one of three lists. `HERE` is met by what the program
deploys, on AWS and in the cluster; `SHARED` is met in part, and says whose the rest is; `NOT_HERE`
says who meets it instead. `python -m reports.trace` prints the matrix and fails on a hole; an id is
traced by being named in the docstring or comment of the code that meets it, and in the rule that
guards it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules.model import Rule, StackRule

ROOT = Path(__file__).resolve().parents[1]
# How many requirements each chapter has.
CHAPTERS = {
    "GEN": 3, "ENV": 21, "PG": 20, "POOL": 11, "REDIS": 7, "SENT": 7, "LB": 25, "SEC": 6,
    "K8S": 11, "MON": 10, "LOG": 4, "BAK": 6, "DR": 7, "OPT": 6, "CDN": 5, "CICD": 12, "UPD": 3,
    "MIG": 4, "AUDIT": 3, "GDPR": 4, "DBG": 5, "ISSUE": 9, "CHK-INFRA": 7, "CHK-SEC": 7,
    "CHK-DR": 1,
}  # fmt: skip
_ID = re.compile(r"\b((?:CHK-)?[A-Z][A-Z0-9]{1,5})-(\d\d)(?:(?: to |\.\.)\1-(\d\d))?\b")


def ids(text: str) -> set[str]:
    """Every requirement that a text names: "PG-01", and each of "PG-01 to PG-13"."""
    joined = re.sub(r"\s+(?:#\s*)?", " ", text)
    return {
        f"{chapter}-{number:02}"
        for chapter, first, last in _ID.findall(joined)
        if chapter in CHAPTERS
        for number in range(int(first), int(last or first) + 1)
    }


EVERY = tuple(f"{c}-{number:02}" for c, count in CHAPTERS.items() for number in range(1, count + 1))

HERE = ids("""
    GEN-01 GEN-03
    ENV-01 to ENV-21
    PG-01 to PG-20
    POOL-01 to POOL-11
    REDIS-01 to REDIS-07, SENT-01 to SENT-07
    LB-01 to LB-25
    SEC-01 SEC-03 to SEC-06
    K8S-01 to K8S-11
    MON-01 to MON-10, LOG-01 to LOG-04
    BAK-01 to BAK-05, DR-01 to DR-07
    OPT-01 to OPT-05, CDN-01 to CDN-05
    CICD-08 to CICD-10
    UPD-01 to UPD-03
    MIG-01 MIG-02 MIG-04
    AUDIT-01 to AUDIT-03
    GDPR-01 GDPR-03 GDPR-04
    DBG-01 to DBG-05, ISSUE-01 ISSUE-03 to ISSUE-08
    CHK-INFRA-01 to CHK-INFRA-07
    CHK-SEC-01 to CHK-SEC-04, CHK-SEC-06 CHK-SEC-07 CHK-DR-01
""")

# What is met, and whose the rest is.
SHARED = {
    "SEC-02": "the origins, and PATCH at the edge; methods and headers are the application's",
    "BAK-06": "snapshots are restored every month; the dump's drill is a person's, by its runbook",
    "OPT-06": "the index and slow queries in the log; the query is the application's",
    "CICD-02": "the role bound to one GitHub environment; its reviewers and permissions are the "
    "workflow's",
    "CICD-05": "the registry scans every push; the failing scan is a step of the workflow",
    "CICD-07": "immutable, encrypted, tidied repositories, and pods by digest from allowed "
    "registries only; pushing and signing are the workflow's",
    "CICD-12": "the roles, their limits, and Jobs before programs; what comes before and after "
    "`up` is the workflow's",
    "MIG-03": "Jobs before programs, indexes built concurrently, docs/runbooks/migrations.md; that "
    "old and new versions bear a migration is the application's",
    "GDPR-02": "the rule, off until the application marks deleted users (`retention.anonymise`)",
    "ISSUE-02": "alarms on memory, evictions and keys without a lifetime; lifetimes are the "
    "application's",
    "ISSUE-09": "readiness, timeouts and a runbook; the breaker is the application's",
    "CHK-SEC-05": "roles, scanning registry and admission; the scanning steps are the workflow's",
}

_NOT_HERE = {
    "the list in this file": "GEN-02",
    "the delivery workflows": "CICD-01 CICD-03 CICD-04 CICD-06 CICD-11",
}
NOT_HERE = {each: who for who, text in _NOT_HERE.items() for each in ids(text)}
MET = HERE | set(SHARED)


@cache
def named_in(*rooms: str) -> dict[str, list[str]]:
    """Where each requirement is named, by its id."""
    found: dict[str, list[str]] = {}
    for path in sorted(path for room in rooms for path in (ROOT / room).rglob("*.py")):
        for each in ids(path.read_text(encoding="utf-8")):
            found.setdefault(each, []).append(str(path.relative_to(ROOT)))
    return found


def _rules() -> Iterable[Rule | StackRule]:
    # The pack runs with its own folder as import root; pytest sets the path, a shell does not.
    if (root := str(ROOT / "policies")) not in sys.path:
        sys.path.append(root)
    from rules import RULES

    return RULES


def guarded_by() -> dict[str, list[str]]:
    """The rules of the policy pack, by the requirement that they guard."""
    found: dict[str, list[str]] = {}
    for rule in _rules():
        for each in rule.requirements:
            found.setdefault(each, []).append(rule.name)
    return found


def holes() -> list[str]:
    """What the program should meet and no code names."""
    met = named_in("components", "settings")
    return [each for each in EVERY if each in MET and each not in met]


def matrix() -> Iterable[str]:
    """One line for each requirement, tab separated: id, where it stands, code, rules."""
    met, guarded = named_in("components", "settings"), guarded_by()
    for each in EVERY:
        stands = "here" if each in HERE else SHARED.get(each) or NOT_HERE[each]
        code = met.get(each, []) if each in MET else []
        yield "\t".join((each, stands, " ".join(code), " ".join(guarded.get(each, []))))


if __name__ == "__main__":
    print("requirement\tstands\tcode\trules")
    print("\n".join(matrix()))
    missing = holes()
    for each in missing:
        print(f"error: {each} is named nowhere in components/ or settings/", file=sys.stderr)
    sys.exit(bool(missing))
