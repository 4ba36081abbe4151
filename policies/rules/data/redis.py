"""Redis with Sentinel inside the cluster: its two files, its members, and who may be away at once.

TLS between its members is not demanded: the application has none (A13), so that the password and
the data cross our own nodes' network only, behind network policies (components/kubernetes/data).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.data.stores import CONFIG_MAP, STATEFUL_SET, directives, files, number, only_with
from rules.model import Item, Props, Rule, Stack, StackRule

REDIS, SENTINEL = "redis.conf", "sentinel.conf"
BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
MEMBERS = 3
_SECRETS = re.compile(
    r"^\s*(requirepass|masterauth|sentinel auth-pass|sentinel sentinel-pass)\b", re.MULTILINE
)
_MANUAL = "https://redis.io/docs/latest/operate/oss_and_stack/management"
_MONITOR = re.compile(r"^sentinel monitor \S+ (\S+) \d+ (\d+)$", re.MULTILINE)


def _persistent(props: Props) -> Iterator[str]:
    given = directives(only_with(props, REDIS))
    if given.get("appendonly") != "yes":
        yield "there is no append-only file"
    elif given.get("appendfsync", "everysec") == "no":
        yield "the append-only file is written when the kernel likes"
    if given.get("save", '""') in ('""', "''", ""):
        yield "no snapshots are taken beside it"


def _bounded(props: Props) -> Iterator[str]:
    given = directives(only_with(props, REDIS))
    if given.get("maxmemory", "0") == "0":
        yield "it takes memory until the kernel kills it"
    if (policy := given.get("maxmemory-policy", "noeviction")).startswith("allkeys-"):
        yield f"its policy is {policy}"


def _replicated(props: Props) -> Iterator[str]:
    given = directives(only_with(props, REDIS))
    if not number(given.get("min-replicas-to-write")):
        yield "a primary that is cut off takes writes that will be lost"


def _authenticated(props: Props) -> Iterator[str]:
    names = [name for name in (REDIS, SENTINEL) if files(props, name)]
    if not names:
        only_with(props, REDIS)
    start = "\n".join(files(props, "start.sh"))
    for name in names:
        if _SECRETS.search("\n".join(files(props, name))):
            yield f"{name} holds a password in clear, or a variable that Redis never expands"
    wanted = ("requirepass", "masterauth") if REDIS in names else ("requirepass", "auth-pass")
    if missing := [word for word in wanted if word not in start]:
        yield f"nothing sets {' and '.join(missing)} when it starts"


def _quorum(item: Item, stack: Stack) -> Iterator[str]:
    for text in files(item.props, SENTINEL):
        sets = stack.parts(STATEFUL_SET, "spec", item)
        members = sum(number(each.props.at("spec.replicas", 1)) for each in sets)
        if members < MEMBERS or members % 2 == 0:
            yield f"{members} Sentinels have no majority when one is lost; an odd number from 3 has"
        monitored = _MONITOR.search(text)
        if monitored is None:
            yield "it monitors no primary"
            continue
        if (votes := int(monitored[2])) <= members // 2:
            yield f"{votes} of {members} may elect a primary, which is no majority"
        if directives(text).get("sentinel") is not None and not re.search(
            r"^sentinel resolve-hostnames yes$", text, re.MULTILINE
        ):
            yield "it monitors a name and resolves none, which ends it at once"


def _one_at_a_time(item: Item, stack: Stack) -> Iterator[str]:
    if not files(item.props, REDIS) and not files(item.props, SENTINEL):
        return
    for members in stack.parts(STATEFUL_SET, "spec", item):
        labels = members.props.at("spec.template.metadata.labels", {})
        budgets = [
            budget
            for budget in stack.of(BUDGET)
            if dict(budget.props.at("spec.selector.matchLabels", {})).items()
            <= dict(labels).items()
        ]
        if not budgets:
            yield f"a drain of nodes may take every pod of {members.name} at once"
        for budget in budgets:
            spec = budget.props.at("spec", {})
            away = number(spec.get("maxUnavailable"))
            least = number(spec.get("minAvailable"))
            if away > 1 or (not away and least <= number(members.props.at("spec.replicas", 1)) - 2):
                yield f"a drain of nodes may take several pods of {members.name} at once"


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="redis-conf-persistent",
        sentence="A Redis in the cluster writes an append-only file every second, and snapshots.",
        types=(CONFIG_MAP,),
        severity="high",
        requirements=("REDIS-03", "REDIS-04", "CHK-INFRA-03"),
        controls=("SOC2 A1.2", "ISO27001 A.8.13"),
        why="A restart of all members would sign everybody out.",
        fix="set appendonly yes, appendfsync everysec and save",
        url=f"{_MANUAL}/persistence/",
        evidence=("metadata.name",),
        judge=_persistent,
    ),
    Rule(
        name="redis-conf-bounded",
        sentence="A Redis in the cluster has a limit of memory and evicts only what may expire.",
        types=(CONFIG_MAP,),
        severity="medium",
        requirements=("REDIS-01", "REDIS-02"),
        controls=("SOC2 A1.1", "ISO27001 A.8.6"),
        why="The kernel would kill it with all it holds, or people would be signed out.",
        fix="set maxmemory, and maxmemory-policy to volatile-lru",
        url="https://redis.io/docs/latest/develop/reference/eviction/",
        evidence=("metadata.name",),
        judge=_bounded,
    ),
    Rule(
        name="redis-conf-replicated",
        sentence="A Redis in the cluster takes writes only while a replica has them.",
        types=(CONFIG_MAP,),
        severity="medium",
        requirements=("REDIS-04", "DR-02"),
        controls=("SOC2 A1.2", "ISO27001 A.8.14"),
        why="Two primaries would take writes, and those of one would be lost.",
        fix="set min-replicas-to-write 1",
        url=f"{_MANUAL}/replication/",
        evidence=("metadata.name",),
        judge=_replicated,
    ),
    Rule(
        name="redis-conf-authenticated",
        sentence="Redis and Sentinel in the cluster want a password, which no ConfigMap holds.",
        types=(CONFIG_MAP,),
        severity="critical",
        requirements=("REDIS-06", "SENT-03", "CHK-SEC-02", "CHK-SEC-04"),
        controls=("SOC2 CC6.1", "ISO27001 A.5.17"),
        why="The guide's ${REDIS_PASSWORD} would be the password itself, which everybody knows.",
        fix="write requirepass, masterauth and auth-pass from the Secret when the container starts",
        url=f"{_MANUAL}/security/",
        evidence=("metadata.name",),
        judge=_authenticated,
    ),
    StackRule(
        name="sentinel-quorum",
        sentence="A majority of an odd number of Sentinels elects the primary.",
        types=(CONFIG_MAP,),
        severity="high",
        requirements=("SENT-02", "REDIS-04"),
        controls=("SOC2 A1.2", "ISO27001 A.8.14"),
        why="A part that is cut off would elect a second primary, and writes would be lost.",
        fix="run three Sentinels with a quorum of two, and resolve-hostnames",
        url=f"{_MANUAL}/sentinel/",
        evidence=("metadata.name",),
        judge=_quorum,
    ),
    StackRule(
        name="sentinel-one-at-a-time",
        sentence="A drain of nodes takes one member of Redis or Sentinel at a time.",
        types=(CONFIG_MAP,),
        severity="high",
        requirements=("SENT-02", "DR-01"),
        controls=("SOC2 A1.2", "ISO27001 A.8.14"),
        why="An upgrade of the nodes would end the quorum, and with it every session.",
        fix="give it a disruption budget of maxUnavailable 1",
        url="https://kubernetes.io/docs/tasks/run-application/configure-pdb/",
        evidence=("metadata.name",),
        judge=_one_at_a_time,
    ),
)  # fmt: skip
