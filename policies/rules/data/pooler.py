"""The pooler: how PgBouncer lets clients in, reaches the database, and stays within its budget."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from rules.data.stores import (
    CONFIG_MAP,
    DATABASE,
    DEPLOYMENT,
    PARAMETERS,
    files,
    ini,
    number,
    once_a_stack,
    only_with,
    parameters,
)
from rules.model import Item, Props, Rule, Stack, StackRule

HPA = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
INI = "pgbouncer.ini"
# The API answers within 30 s (requirements, arithmetic); a client that waits longer for a
# connection is cut off by its own deadline instead (POOL-07).
LONGEST_WAIT_SECONDS = 25
# Connections that RDS keeps: 3 superuser_reserved_connections and 2 of its own (requirements,
# arithmetic: 195 of 200 are usable).
RESERVED_CONNECTIONS = 5
# How many instances of the pooler must carry every client at the worst moment (POOL-06).
SURVIVORS = 1
CLIENT_POOL = "DB_POOL_MAX"

_MANUAL = "https://www.pgbouncer.org/config.html"
_LIMITED = re.compile(r"ALTER ROLE (\w+) LOGIN\b([^;]*);")
_LIMIT = re.compile(r"CONNECTION LIMIT (\d+)")


def _scram(props: Props) -> Iterator[str]:
    kind = ini(only_with(props, INI)).get("auth_type", "md5")
    if kind != "scram-sha-256":
        yield f"clients authenticate by {kind}"


def _verified(props: Props) -> Iterator[str]:
    given = ini(only_with(props, INI))
    if (mode := given.get("server_tls_sslmode", "prefer")) != "verify-full":
        yield f"the database's certificate is not verified: server_tls_sslmode is {mode}"
    if not given.get("server_tls_ca_file"):
        yield "no authorities are named for the database's certificate"


def _transactions(props: Props) -> Iterator[str]:
    given = ini(only_with(props, INI))
    if (mode := given.get("pool_mode", "session")) != "transaction":
        yield f"a client keeps its connection for a whole {mode}"
    if not number(given.get("max_prepared_statements")):
        yield "prepared statements fail, and the application prepares all of them"


def _waits(props: Props) -> Iterator[str]:
    seconds = number(ini(only_with(props, INI)).get("query_wait_timeout", 120))
    if not 0 < seconds <= LONGEST_WAIT_SECONDS:
        yield f"a client waits up to {seconds or 'endless'} s for a connection"


def _userlist(item: Item, stack: Stack) -> Iterator[str]:
    if files(item.props, "userlist.txt"):
        yield "the list of users and passwords is in a ConfigMap"
    for text in files(item.props, INI):
        directory = posixpath.dirname(ini(text).get("auth_file", ""))
        for deployment in stack.parts(DEPLOYMENT, "spec", item):
            if directory not in _secret_mounts(deployment):
                yield "auth_file is not in a mounted Secret"


def _secret_mounts(deployment: Item) -> set[str]:
    pod = deployment.props.at("spec.template.spec", {})
    secret = {volume["name"] for volume in pod.get("volumes", []) if "secret" in volume}
    return {
        mount["mountPath"]
        for container in pod.get("containers", [])
        for mount in container.get("volumeMounts", [])
        if mount["name"] in secret
    }


# -- the budget ----------------------------------------------------------------------------------
def _budget(database: Item, stack: Stack) -> Iterator[str]:
    """What may be open at once: the limits of the logins are the ceiling that holds whatever
    happens, and the pooler must not want more than the largest of them."""
    groups = stack.sources(database, "parameterGroupName", PARAMETERS)
    most = sum(number(parameters(group.props).get("max_connections")) for group in groups)
    if not most:
        yield "nothing says how many connections it has"
        return
    usable = most - RESERVED_CONNECTIONS
    limits = _limits(stack)
    if free := sorted(role for role, limit in limits.items() if limit is None):
        yield f"logins without a limit of connections: {', '.join(free)}"
        return
    known = [limit for limit in limits.values() if limit is not None]
    if not known:
        yield "no login has a limit of connections"
        return
    if sum(known) > usable:
        yield f"the logins may open {sum(known)} connections of {usable} usable ones"
    pooled = sum(each for each, _ in _pools(database, stack))
    if pooled > max(known):
        yield f"the pooler may open {pooled} connections and its login {max(known)}"


@once_a_stack
def _limits(stack: Stack) -> dict[str, int | None]:
    """Login -> its limit of connections, None where it has none."""
    found: dict[str, int | None] = {}
    for config in stack.of(CONFIG_MAP):
        for text in files(config.props, "roles.sql"):
            for role, words in _LIMITED.findall(text):
                limit = _LIMIT.search(words)
                found[role] = int(limit[1]) if limit else None
    return found


def _pools(database: Item, stack: Stack) -> Iterator[tuple[int, int]]:
    """For each pooler of a database: its connections to it, and the clients that one pod takes."""
    for config in stack.parts(CONFIG_MAP, "data", database):
        for text in files(config.props, INI):
            given = ini(text)
            pool = number(given.get("default_pool_size", 20))
            pool += number(given.get("reserve_pool_size"))
            each = number(given.get("max_db_connections")) or pool
            for deployment in stack.parts(DEPLOYMENT, "spec", config):
                # Pods that drain still hold their connections.
                draining = max(1, _rolled(deployment, "maxUnavailable", _pods(deployment, stack)))
                yield (
                    (_most_pods(deployment, stack) + draining) * each,
                    number(given.get("max_client_conn", 100)),
                )


def _most_pods(deployment: Item, stack: Stack) -> int:
    """Pods at the height of a rollout, as many as autoscaling allows."""
    pods = _pods(deployment, stack)
    return pods + _rolled(deployment, "maxSurge", pods)


def _pods(deployment: Item, stack: Stack) -> int:
    name = str(deployment.props.at("metadata.name"))
    return _scaled(stack).get(name) or number(deployment.props.at("spec.replicas", 1))


@once_a_stack
def _scaled(stack: Stack) -> dict[str, int]:
    """Deployment -> the most pods that autoscaling makes of it."""
    return {
        str(each.props.at("spec.scaleTargetRef.name")): number(each.props.at("spec.maxReplicas"))
        for each in stack.of(HPA)
    }


def _rolled(deployment: Item, bound: str, pods: int) -> int:
    """A bound of the rollout in pods; Kubernetes takes 25 % where nothing is said."""
    share = str(deployment.props.at(f"spec.strategy.rollingUpdate.{bound}", "25%"))
    return -(-pods * number(share[:-1]) // 100) if share.endswith("%") else number(share)


def _clients(database: Item, stack: Stack) -> Iterator[str]:
    room = min((clients for _, clients in _pools(database, stack)), default=None)
    if room is None:
        return
    if (wanted := _wanted(stack)) > room * SURVIVORS:
        yield f"{wanted} clients may come, and one pod of the pooler takes {room}"


@once_a_stack
def _wanted(stack: Stack) -> int:
    return sum(
        _most_pods(deployment, stack) * pool
        for deployment in stack.of(DEPLOYMENT)
        if (pool := _client_pool(deployment))
    )


def _client_pool(deployment: Item) -> int:
    return sum(
        number(variable.get("value"))
        for container in deployment.props.at("spec.template.spec.containers", [])
        for variable in container.get("env", [])
        if variable["name"] == CLIENT_POOL
    )


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="pooler-scram",
        sentence="PgBouncer's clients authenticate by SCRAM.",
        types=(CONFIG_MAP,),
        severity="high",
        requirements=("POOL-03", "CHK-SEC-04"),
        controls=("SOC2 CC6.1", "ISO27001 A.8.5"),
        why="An md5 entry can be replayed, and cannot log in to a server that keeps SCRAM.",
        fix="set auth_type = scram-sha-256",
        url=_MANUAL,
        evidence=("metadata.name",),
        judge=_scram,
    ),
    Rule(
        name="pooler-verifies-database",
        sentence="PgBouncer verifies the database's certificate and name.",
        types=(CONFIG_MAP,),
        severity="critical",
        requirements=("POOL-01", "ENV-07", "CHK-SEC-01"),
        controls=("SOC2 CC6.7", "ISO27001 A.8.24", "GDPR 32"),
        why="Whoever gets between them could read and change every person's data.",
        fix="set server_tls_sslmode = verify-full and server_tls_ca_file",
        url=_MANUAL,
        evidence=("metadata.name",),
        judge=_verified,
    ),
    Rule(
        name="pooler-transaction-mode",
        sentence="PgBouncer pools by transaction and carries prepared statements.",
        types=(CONFIG_MAP,),
        severity="medium",
        requirements=("POOL-05",),
        controls=("SOC2 A1.1", "ISO27001 A.8.6"),
        why="A few idle clients would hold all connections that the database has.",
        fix="set pool_mode = transaction and max_prepared_statements",
        url=_MANUAL,
        evidence=("metadata.name",),
        judge=_transactions,
    ),
    Rule(
        name="pooler-waits-briefly",
        sentence="A client of PgBouncer waits less for a connection than its caller waits for it.",
        types=(CONFIG_MAP,),
        severity="medium",
        requirements=("POOL-07", "ISSUE-08"),
        controls=("SOC2 A1.1",),
        why="People would see timeouts that tell nobody that the pool was full.",
        fix=f"set query_wait_timeout to at most {LONGEST_WAIT_SECONDS}",
        url=_MANUAL,
        evidence=("metadata.name",),
        judge=_waits,
    ),
    StackRule(
        name="pooler-userlist-secret",
        sentence="PgBouncer's list of users is in a Secret.",
        types=(CONFIG_MAP,),
        severity="critical",
        requirements=("POOL-04", "CHK-SEC-02"),
        controls=("SOC2 CC6.1", "ISO27001 A.5.17"),
        why="It holds the application's password, and many may read ConfigMaps.",
        fix="mount it from the Secret that External Secrets writes",
        url=_MANUAL,
        evidence=("metadata.name",),
        judge=_userlist,
    ),
    StackRule(
        name="db-connection-budget",
        sentence="All logins together want fewer connections than the database has.",
        types=(DATABASE,),
        severity="high",
        requirements=("POOL-10", "ENV-08", "PG-02", "UPD-02"),
        controls=("SOC2 A1.1", "ISO27001 A.8.6"),
        why="In the middle of a rollout pods would be refused, and people with them.",
        fix="change pooler.instances, pooler.defaultPoolSize or database.parameters.maxConnections",
        url="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html",
        evidence=("parameterGroupName", "instanceClass"),
        judge=_budget,
    ),
    StackRule(
        name="db-client-budget",
        sentence="One pod of the pooler takes the clients of every pod of the application.",
        types=(DATABASE,),
        severity="high",
        requirements=("POOL-06", "ENV-08", "UPD-02"),
        controls=("SOC2 A1.1", "ISO27001 A.8.6"),
        why="When zones fail, the pods that are left would be refused.",
        fix="raise pooler.maxClientConn or lower workloads.api.maximum",
        url=_MANUAL,
        evidence=("identifier",),
        judge=_clients,
    ),
)  # fmt: skip
