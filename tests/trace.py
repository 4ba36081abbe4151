"""The requirement trace: which of the guide's requirements this program meets, and where.

Every id of the requirements stands in exactly one of three lists. `HERE` is met by what is
deployed on AWS; `SHARED` has one half there, and says what the other half is; `NOT_HERE` says who
meets it instead. `python -m tests.trace` prints the matrix and fails on a hole; an id is traced by
being named in the docstring or comment of the code that meets it, and in the rule that guards it.
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
    ENV-14 to ENV-17
    PG-01 to PG-13
    POOL-10
    REDIS-01 to REDIS-07, SENT-01 to SENT-07
    LB-02 to LB-14, LB-18 to LB-22, LB-24, LB-25
    SEC-01 SEC-03 SEC-05 SEC-06
    K8S-10
    BAK-04
    DR-01 DR-02
    CDN-01 to CDN-05
    AUDIT-02 AUDIT-03
    DBG-04 ISSUE-03 ISSUE-04 ISSUE-06 ISSUE-07
    CHK-INFRA-01 to CHK-INFRA-05, CHK-INFRA-07
    CHK-SEC-01 CHK-SEC-06 CHK-SEC-07 CHK-DR-01
""")

# What the other half is, and whose.
SHARED = {
    "ENV-02": "the target group's port is a setting; container, probes and policies are workloads",
    "ENV-07": "the names inside the VPC; the URL and its user are the workload's secret",
    "ENV-08": "the budget; the pool sizes reach the API's configuration file",
    "ENV-10": "TLS and a token that fits a URL; the URL is the workload's secret",
    "ENV-12": "the two values; the configuration file that holds the key is the workload's",
    "ENV-18": "the secret; the way out to the model's provider is a network policy",
    "ENV-20": "no way in from the balancer; the port and its monitor are the workload's",
    "PG-15": "the preload; the extension is created by a Job",
    "POOL-03": "SCRAM at the server; the pooler's own file is in the cluster",
    "POOL-05": "the mode; pgbouncer.ini is written by the pooler's component",
    "POOL-06": "as POOL-05",
    "POOL-07": "as POOL-05",
    "POOL-08": "as POOL-05",
    "POOL-09": "as POOL-05",
    "LB-01": "target group by address; the pods and their spread are workloads",
    "LB-15": "one policy for each host; the gateway keeps the same ones",
    "LB-16": "the firewall's rate, which is approximate; the gateway counts exactly",
    "LB-17": "429 from the firewall; the burst is the gateway's",
    "LB-23": "the body's size at the firewall; buffers are the gateway's",
    "SEC-04": "the values in Secrets Manager; External Secrets brings them into the cluster",
    "K8S-04": "the blocks of the subnets; the policies that name them are guardrails",
    "K8S-06": "as K8S-04, for the database",
    "K8S-07": "as K8S-04, for the cache",
    "K8S-09": "endpoints for AWS APIs; the way out to everything else is a network policy",
    "K8S-11": "the namespace's level; the pods' security contexts are workloads",
    "MON-05": "the share at the balancer; the application's own rule is Prometheus's",
    "MON-06": "the latency at the balancer; the application's own rule is Prometheus's",
    "MON-08": "topics, receivers and runbooks; Alertmanager's routes are in the cluster",
    "MON-09": "alarms of the managed services; the cluster's own are Prometheus rules",
    "LOG-01": "key and lifetime of logs; the collector is in the cluster",
    "BAK-01": "point in time and snapshots; the dump is a CronJob",
    "BAK-03": "the bucket; the role that may only put objects belongs to the CronJob",
    "BAK-06": "snapshots are restored every month; the dump's drill is a runbook",
    "DR-06": "the bucket's key; what is included is Velero's schedule",
    "DR-07": "a bucket of its own without a lock; the location is Velero's",
    "OPT-01": "the one number; the API's configuration file reads it",
    "CICD-05": "the registry scans every push; the failing scan is a step of the workflow",
    "CICD-07": "immutable, encrypted, tidied repositories; pushing by digest is the workflow's",
    "CICD-12": "the roles and their limits; the order of steps is the workflow's",
    "UPD-03": "the time to drain; probes, grace and disruption budgets are workloads",
    "AUDIT-01": "how long it is kept; the gateway writes the line",
    "GDPR-04": "every lifetime in one table; the erasure after a restore is a Job",
    "ISSUE-02": "alarms on memory and evictions; lifetimes of keys are the application's",
    "CHK-INFRA-06": "CloudWatch alarms; Prometheus and Grafana are in the cluster",
    "CHK-SEC-02": "Secrets Manager and the keys; External Secrets is in the cluster",
    "CHK-SEC-03": "security groups and the switch; the policies are guardrails",
    "CHK-SEC-04": "who may enter, and as what; roles inside namespaces are guardrails",
    "CHK-SEC-05": "roles and scanning registry; the scanning steps are the workflow's",
}

_NOT_HERE = {
    "the list in this file": "GEN-02",
    "workloads: the application's configuration and pods": (
        "ENV-01 ENV-03 to ENV-06, ENV-09 ENV-11 ENV-13 ENV-19 SEC-02 K8S-05 "
        "OPT-02 to OPT-05, UPD-01 UPD-02"
    ),
    "observability in the cluster": (
        "ENV-21 MON-01 to MON-04, MON-07 MON-10 LOG-02 to LOG-04, ISSUE-01"
    ),
    "Jobs and CronJobs in the cluster": (
        "PG-14 PG-16 to PG-20, MIG-01 to MIG-04, OPT-06 ISSUE-05 BAK-02 BAK-05 GDPR-01 to GDPR-03"
    ),
    "the pooler in the cluster": "POOL-01 POOL-02 POOL-04 POOL-11 ISSUE-08",
    "guardrails: network policies in the cluster": "K8S-01 to K8S-03, K8S-08",
    "Velero in the cluster": "DR-03 to DR-05",
    "the delivery workflows": "CICD-01 to CICD-04, CICD-06 CICD-08 to CICD-11",
    "runbooks": "DBG-01 to DBG-03, DBG-05 ISSUE-09",
}
NOT_HERE = {each: who for who, text in _NOT_HERE.items() for each in ids(text)}
FOUNDATION = HERE | set(SHARED)


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
    """What the foundation should meet and no code names."""
    met = named_in("components", "settings")
    return [each for each in EVERY if each in FOUNDATION and each not in met]


def matrix() -> Iterable[str]:
    """One line for each requirement, tab separated: id, where it stands, code, rules."""
    met, guarded = named_in("components", "settings"), guarded_by()
    for each in EVERY:
        stands = "here" if each in HERE else SHARED.get(each) or NOT_HERE[each]
        code = met.get(each, []) if each in FOUNDATION else []
        yield "\t".join((each, stands, " ".join(code), " ".join(guarded.get(each, []))))


if __name__ == "__main__":
    print("requirement\tstands\tcode\trules")
    print("\n".join(matrix()))
    missing = holes()
    for each in missing:
        print(f"error: {each} is named nowhere in components/ or settings/", file=sys.stderr)
    sys.exit(bool(missing))
