"""The data path inside the cluster: pooler, Redis, gateway, and the database as SQL sees it.

Meets MON-09 (pool, evictions, memory, replica lag), POOL-10 and ISSUE-07 (saturation before
refusal), ISSUE-08, ISSUE-02, SENT-01 as far as an alert can. Names: pgbouncer_exporter 0.12.1,
redis_exporter 1.89.0, HAProxy's own, nginx-prometheus-exporter, postgres_exporter 0.20.1.

The managed cache and database have CloudWatch alarms too, which ring when nothing in the cluster
does; thresholds of the same matter are the same settings (`alarms`), said once.
"""

from __future__ import annotations

from components.kubernetes.observability.rules.model import Alert, Group, Watched
from settings.alarms import AlarmsSettings
from settings.observability import ObservabilitySettings
from settings.pooler import PoolerSettings

# Keys with a time to live must be the rule: volatile-lru can evict nothing else (ISSUE-02).
_MOST = 0.5


def pooler(settings: ObservabilitySettings, pools: PoolerSettings) -> Group:
    per_pod = "sum by (namespace, pod)"
    waits = max(pools.query_wait_timeout_seconds // 2, 1)
    return Group(
        name="archesai-pooler",
        rules=(
            Alert(
                name="PoolerDown",
                expr="max by (namespace, pod) (pgbouncer_up) == 0",
                lasts="1m",
                severity="critical",
                owner="data",
                runbook="pooler",
                summary="PgBouncer does not answer",
                description="{{ $labels.pod }} does not answer its own exporter.",
            ),
            Alert(
                name="PoolClientsWait",
                expr=f"{per_pod} (pgbouncer_pools_client_waiting_connections)"
                f" > {settings.waiting_clients}",
                lasts="2m",
                severity="warning",
                owner="data",
                runbook="pooler",
                summary="Clients wait for a connection to the database",
                description='{{ $value | printf "%.0f" }} clients wait at {{ $labels.pod }}.',
            ),
            Alert(
                name="PoolWaitTooLong",
                expr=f"max by (namespace, pod) (pgbouncer_pools_client_maxwait_seconds) > {waits}",
                lasts="1m",
                severity="critical",
                owner="data",
                runbook="pooler",
                summary="Clients are about to be turned away",
                description="The oldest client has waited {{ $value | humanizeDuration }} at "
                f"{{{{ $labels.pod }}}}; after {pools.query_wait_timeout_seconds} s it is refused.",
            ),
            Alert(
                name="PoolSaturated",
                expr=f"{per_pod} (pgbouncer_pools_server_active_connections)"
                f" / {pools.max_db_connections} > {settings.pool_percent / 100:g}",
                severity="warning",
                owner="data",
                runbook="pooler",
                summary="A pool is nearly used up",
                description="{{ $labels.pod }} uses {{ $value | humanizePercentage }} of its "
                f"{pools.max_db_connections} connections to the database.",
            ),
            Alert(
                name="PoolerClientsHigh",
                expr=f"{per_pod} (pgbouncer_used_clients)"
                f" / {per_pod} (pgbouncer_config_max_client_connections)"
                f" > {settings.pool_percent / 100:g}",
                severity="warning",
                owner="data",
                runbook="pooler",
                summary="PgBouncer will soon accept no more clients",
                description="{{ $labels.pod }} has {{ $value | humanizePercentage }} of the "
                f"{pools.max_client_conn} clients that it accepts.",
            ),
        ),
    )


def gateway() -> Group:
    return Group(
        name="archesai-gateway",
        rules=(
            Alert(
                name="GatewayDown",
                expr="max by (namespace, pod) (nginx_up) == 0",
                lasts="1m",
                severity="critical",
                owner="platform",
                runbook="gateway",
                summary="A gateway does not answer",
                description="nginx in {{ $labels.pod }} does not answer its own exporter.",
            ),
            Alert(
                name="GatewayDropsConnections",
                expr="sum by (namespace, pod) (rate(nginx_connections_accepted[5m])"
                " - rate(nginx_connections_handled[5m])) > 0",
                severity="warning",
                owner="platform",
                runbook="gateway",
                summary="A gateway drops connections",
                description="{{ $labels.pod }} drops {{ $value | humanize }} connections a second: "
                "it is at its limit of workers.",
            ),
        ),
    )


def cache(alarms: AlarmsSettings, *, inside: bool) -> Group:
    """inside: Redis, Sentinel and their front are pods of ours; else one exporter asks ElastiCache.

    The pod is then the exporter's.
    """
    used = "redis_memory_used_bytes / (redis_memory_max_bytes > 0)"
    without = "redis_db_keys - redis_db_keys_expiring"
    per_pod = "by (namespace, pod)"
    rules = [
        _of_cache(
            "CacheDown",
            f"max {per_pod} (redis_up) == 0",
            "A Redis does not answer",
            "The exporter {{ $labels.pod }} gets no answer from its Redis.",
            lasts="1m",
        ),
        _of_cache(
            "CacheReplicaLags",
            f"max {per_pod} (redis_connected_slave_lag_seconds) > {alarms.cache_lag_seconds}",
            "A replica is behind its primary",
            "A replica is {{ $value }} s behind; a failover now would lose that much.",
        ),
        _of_cache(
            "CacheMemoryHigh",
            f"max {per_pod} ({used}) > {alarms.cache_memory_percent / 100:g}",
            "A Redis is nearly full",
            "{{ $value | humanizePercentage }} of maxmemory are used, says {{ $labels.pod }}.",
            lasts="15m",
            critical=False,
        ),
        _of_cache(
            "CacheEvicts",
            f"sum {per_pod} (increase(redis_evicted_keys_total[5m])) > {alarms.cache_evictions}",
            "Redis throws keys out",
            '{{ $value | printf "%.0f" }} keys were thrown out in 5 minutes.',
            lasts="0s",
            critical=False,
        ),
        _of_cache(
            "CacheKeysNeverExpire",
            f"sum {per_pod} ({without}) / sum {per_pod} (redis_db_keys > 0) > {_MOST}"
            f" and on (namespace, pod) max {per_pod} ({used}) > {_MOST}",
            "Most keys never expire",
            "{{ $value | humanizePercentage }} of the keys have no time to live: when memory ends, "
            "writes fail.",
            lasts="1h",
            critical=False,
        ),
    ]
    return Group(name="archesai-cache", rules=(*rules, *(_inside() if inside else ())))


def _inside() -> tuple[Alert, ...]:
    """What ElastiCache looks after by itself."""
    per_pod = "by (namespace, pod)"
    return (
        _of_cache(
            # The front of the three (components/kubernetes/data/redis.py): no server, no cache.
            "CacheWithoutPrimary",
            'max by (namespace) (haproxy_backend_active_servers{proxy="primary"}) == 0',
            "There is no primary Redis",
            "No Redis takes writes; the application cannot reach its cache.",
            lasts="1m",
        ),
        _of_cache(
            "CacheReplicationBroken",
            f"max {per_pod} (redis_master_link_up) == 0",
            "A replica has lost its primary",
            "{{ $labels.pod }} receives nothing; a failover to it would lose data.",
            lasts="1m",
        ),
        _of_cache(
            "CacheNotPersisted",
            f"min {per_pod} (redis_rdb_last_bgsave_status) == 0"
            f" or min {per_pod} (redis_aof_last_write_status) == 0",
            "Redis cannot write to its disk",
            "{{ $labels.pod }} could not save; a restart would lose what came since.",
        ),
        _of_cache(
            "SentinelQuorumLost",
            "min by (namespace, pod, master_name) (redis_sentinel_master_ckquorum_status) == 0",
            "Nobody could be made primary",
            "{{ $labels.pod }} sees too few Sentinels for {{ $labels.master_name }}.",
            lasts="2m",
        ),
    )


def _of_cache(
    name: str,
    expr: str,
    summary: str,
    description: str,
    *,
    lasts: str = "5m",
    critical: bool = True,
) -> Alert:
    return Alert(
        name=name,
        expr=expr,
        lasts=lasts,
        severity="critical" if critical else "warning",
        owner="data",
        runbook="redis",
        summary=summary,
        description=description,
    )


def database(settings: ObservabilitySettings, alarms: AlarmsSettings, usable: int) -> Group:
    """What only SQL sees. usable: connections that the server leaves to logins (section 1)."""
    return Group(
        name="archesai-database",
        rules=(
            Alert(
                name="DatabaseUnreachable",
                expr="max by (namespace) (pg_up) == 0",
                lasts="2m",
                severity="critical",
                owner="data",
                runbook="database-sessions",
                summary="The database takes no login",
                description="The exporter cannot log in; failovers take up to 2 minutes.",
            ),
            Alert(
                name="DatabaseConnectionsHigh",
                expr="sum by (namespace) (pg_stat_database_numbackends)"
                f" > {usable * alarms.database_connections_percent // 100}",
                severity="critical",
                owner="data",
                runbook="database-sessions",
                summary=f"Over {alarms.database_connections_percent} % of the connections are used",
                description=f'{{{{ $value | printf "%.0f" }}}} of {usable} usable connections are '
                "taken.",
            ),
            Alert(
                name="DatabaseLongTransaction",
                expr="max by (namespace, datname)"
                ' (pg_stat_activity_max_tx_duration{state=~"active|idle in transaction.*",'
                'application_name!~"pg_dump.*"})'
                f" > {settings.transaction_minutes * 60}",
                lasts="1m",
                severity="warning",
                owner="data",
                runbook="database-sessions",
                summary="A transaction stays open",
                description="A transaction in {{ $labels.datname }} has been open for "
                "{{ $value | humanizeDuration }}; it holds locks and stops vacuum.",
            ),
            Alert(
                name="DatabaseDeadlocks",
                expr="sum by (namespace, datname) (increase(pg_stat_database_deadlocks[15m])) > 0",
                lasts="0s",
                severity="warning",
                owner="data",
                runbook="database-sessions",
                summary="Transactions block each other",
                description='{{ $value | printf "%.0f" }} deadlocks in {{ $labels.datname }} in 15 '
                "minutes.",
            ),
        ),
    )


def data(
    settings: ObservabilitySettings,
    alarms: AlarmsSettings,
    pools: PoolerSettings,
    watched: Watched,
    usable: int,
) -> list[Group]:
    return [
        pooler(settings, pools),
        gateway(),
        cache(alarms, inside=watched.redis),
        database(settings, alarms, usable),
    ]
