"""PgBouncer's settings, and the one connection budget of the deployment.

Four chapters of the guide set connection numbers and nobody adds them up (POOL-10, ENV-08): here
they are one sum over the settings, checked at the door. How many pods the API has at most is said
with the API (settings/workloads.py). What PgBouncer reads (pgbouncer.ini) is written by the
component that runs it.

Meets POOL-05 to POOL-10, ENV-08, OPT-01, ISSUE-07. Refused: session pooling (each API connection
would hold one of the server's 195) and a setting for it; a rollout without a pod more (the one that
drains still holds its connections, so the sum would be wrong).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from settings.core import Section, clash, setting
from settings.images import DIGEST, IMAGE
from settings.postgres import RESERVED_CONNECTIONS
from settings.workloads import API_SURGE, ApiSettings

POOL_MODE = "transaction"

# The API answers within 30 s (requirements, arithmetic: timeouts grow outwards); a client that
# waits longer than this for a connection would be cut off by its own deadline instead (POOL-07).
LONGEST_QUERY_WAIT_SECONDS = 25


class DirectUsers(Section):
    """Who connects to the database beside the pooler, at most at once (section 1: 13 together)."""

    migrations: int = setting(2, allowed="whole connections from 1 to 10", example=2, ge=1, le=10)
    dump: int = setting(2, allowed="whole connections from 1 to 10", example=2, ge=1, le=10)
    exporter: int = setting(3, allowed="whole connections from 1 to 10", example=3, ge=1, le=10)
    retention: int = setting(1, allowed="whole connections from 1 to 10", example=1, ge=1, le=10)
    people: int = setting(5, allowed="whole connections from 1 to 50", example=5, ge=1, le=50)


class PoolerSettings(Section):
    """Answers the PgBouncer section of the guide, and its DB_POOL_* variables (ENV-08)."""

    image: str = setting(
        allowed="PgBouncer 1.25.2 or later (CVE-2026-6664) by digest, with psql and a shell",
        example="ghcr.io/cloudnative-pg/pgbouncer:1.25.2@sha256:" + DIGEST,
        pattern=IMAGE,
    )
    exporter_image: str = setting(
        allowed="prometheus-community/pgbouncer_exporter 0.12 or later by digest",
        example="quay.io/prometheuscommunity/pgbouncer-exporter:v0.12.1@sha256:" + DIGEST,
        pattern=IMAGE,
    )
    instances: int = setting(
        3, allowed="whole pods from 1 to 10; one for each zone", example=3, ge=1, le=10
    )
    surge: int = setting(
        1,
        allowed="whole pods from 1 to 3 that a rollout has beside them, counting the one that "
        "drains",
        example=1,
        ge=1,
        le=3,
    )
    port: int = setting(
        6432, allowed="a port from 1,024 to 65,535", example=6432, ge=1024, le=65535
    )
    max_client_conn: int = setting(
        1000, allowed="whole clients from 50 to 10,000, per instance", example=1000, ge=50, le=10000
    )
    default_pool_size: int = setting(
        25, allowed="whole server connections from 1 to 500, per instance", example=25, ge=1, le=500
    )
    min_pool_size: int = setting(
        10,
        allowed="whole server connections from 0 to defaultPoolSize, per instance",
        example=10,
        ge=0,
        le=500,
    )
    reserve_pool_size: int = setting(
        5, allowed="whole server connections from 0 to 100, per instance", example=5, ge=0, le=100
    )
    reserve_pool_timeout_seconds: int = setting(
        3, allowed="whole seconds from 1 to 60", example=3, ge=1, le=60
    )
    server_lifetime_seconds: int = setting(
        3600, allowed="whole seconds from 60 to 86,400", example=3600, ge=60, le=86400
    )
    server_idle_timeout_seconds: int = setting(
        600,
        allowed="whole seconds from 10 to 86,400, at most serverLifetimeSeconds",
        example=600,
        ge=10,
        le=86400,
    )
    query_wait_timeout_seconds: int = setting(
        10,
        allowed=f"whole seconds from 1 to {LONGEST_QUERY_WAIT_SECONDS}, below the request timeout",
        example=10,
        ge=1,
        le=LONGEST_QUERY_WAIT_SECONDS,
    )
    # pgx prepares statements; transaction pooling carries them since PgBouncer 1.21 (POOL-05).
    max_prepared_statements: int = setting(
        200, allowed="a whole number from 1 to 10,000", example=200, ge=1, le=10000
    )
    direct_users: DirectUsers = setting(
        DirectUsers(),
        allowed="the mapping of users beside the pooler",
        example={"migrations": 2},
    )
    api_pool_max: int = setting(
        50, allowed="whole connections from 1 to 500, per API pod", example=50, ge=1, le=500
    )
    api_pool_min: int = setting(
        10, allowed="whole connections from 0 to apiPoolMax, per API pod", example=10, ge=0, le=500
    )
    # One thread: more than a whole CPU is never used.
    cpu_millis: int = setting(
        250, allowed="thousandths of a CPU from 50 to 1,000", example=250, ge=50, le=1000
    )
    # The manual's worst case of 200 statements for 1,000 clients is 17 MB, beside buffers.
    memory_mib: int = setting(
        128,
        allowed="whole MiB from 64 to 2,048; twice as much is the limit",
        example=128,
        ge=64,
        le=2048,
    )

    @property
    def max_db_connections(self) -> int:
        """The ceiling of one instance towards the database, over all pools (POOL-08).

        Written into pgbouncer.ini, so that a second (database, user) pair queues instead of
        breaking the budget.
        """
        return self.default_pool_size + self.reserve_pool_size

    @model_validator(mode="after")
    def _floors_are_below_ceilings(self) -> Self:
        for key, low, ceiling, high in (
            ("minPoolSize", self.min_pool_size, "defaultPoolSize", self.default_pool_size),
            ("apiPoolMin", self.api_pool_min, "apiPoolMax", self.api_pool_max),
            (
                "serverIdleTimeoutSeconds",
                self.server_idle_timeout_seconds,
                "serverLifetimeSeconds",
                self.server_lifetime_seconds,
            ),
        ):
            if low > high:
                raise clash(key, got=low, allowed=f"not more than {ceiling} ({high})", example=high)
        return self


@dataclass(frozen=True, kw_only=True)
class ConnectionBudget:
    """Both sides of the pooler, addend by addend.

    surviving: instances that are left when zones fail; the clients of all API pods must fit there.
    """

    instances: int
    surge: int
    pool: int
    reserve: int
    migrations: int
    dump: int
    exporter: int
    retention: int
    people: int
    max_connections: int
    reserved: int
    api_replicas: int
    api_surge: int
    api_pool: int
    max_client_conn: int
    surviving: int

    @property
    def pooled(self) -> int:
        return (self.instances + self.surge) * (self.pool + self.reserve)

    @property
    def direct(self) -> int:
        return self.migrations + self.dump + self.exporter + self.retention + self.people

    @property
    def total(self) -> int:
        return self.pooled + self.direct

    @property
    def usable(self) -> int:
        return self.max_connections - self.reserved

    @property
    def headroom(self) -> int:
        return self.usable - self.total

    @property
    def clients(self) -> int:
        return (self.api_replicas + self.api_surge) * self.api_pool

    @property
    def client_capacity(self) -> int:
        return self.max_client_conn * self.surviving

    @property
    def server_side_fits(self) -> bool:
        return self.total <= self.usable

    @property
    def client_side_fits(self) -> bool:
        return self.clients <= self.client_capacity

    @property
    def server_sentence(self) -> str:
        return (
            f"({self.instances} instances + {self.surge} surge) x ({self.pool} pool + "
            f"{self.reserve} reserve) = {self.pooled}, + {self.migrations} migrations + "
            f"{self.dump} dump + {self.exporter} exporter + {self.retention} retention + "
            f"{self.people} people = {self.total} of {self.usable} usable connections "
            f"({self.max_connections} - {self.reserved} reserved)"
        )

    @property
    def client_sentence(self) -> str:
        return (
            f"({self.api_replicas} API pods + {self.api_surge} surge) x {self.api_pool} "
            f"connections = {self.clients} of {self.client_capacity} clients "
            f"({self.max_client_conn} x {self.surviving} surviving instances)"
        )


def budget(
    pooler: PoolerSettings,
    max_connections: int,
    api: ApiSettings | None,
    *,
    surviving: int = 1,
    reserved: int = RESERVED_CONNECTIONS,
) -> ConnectionBudget:
    """The connection budget of these settings.

    max_connections: the database's. api: the pooler's clients, None where no API runs.
    surviving: pooler instances left at the worst moment.
    """
    direct = pooler.direct_users
    return ConnectionBudget(
        instances=pooler.instances,
        surge=pooler.surge,
        pool=pooler.default_pool_size,
        reserve=pooler.reserve_pool_size,
        migrations=direct.migrations,
        dump=direct.dump,
        exporter=direct.exporter,
        retention=direct.retention,
        people=direct.people,
        max_connections=max_connections,
        reserved=reserved,
        api_replicas=api.maximum if api is not None else 0,
        api_surge=API_SURGE if api is not None else 0,
        api_pool=pooler.api_pool_max,
        max_client_conn=pooler.max_client_conn,
        surviving=surviving,
    )


def overdrawn(spent: ConnectionBudget, *, section: str = "pooler") -> PydanticCustomError | None:
    """The refusal of a budget that does not add up, to be raised by whoever knows both sections."""
    if not spent.server_side_fits:
        room = spent.usable - spent.direct
        per_instance = max(room // (spent.instances + spent.surge) - spent.reserve, 1)
        return clash(
            f"{section}.defaultPoolSize",
            got=f"{spent.pool}, which makes {spent.server_sentence}",
            allowed="a sum of at most the usable connections of the database",
            example=per_instance,
        )
    if not spent.client_side_fits:
        return clash(
            f"{section}.maxClientConn",
            got=f"{spent.max_client_conn}, which makes {spent.client_sentence}",
            allowed="room for every API pod's pool on the instances that survive",
            example=-(-spent.clients // spent.surviving),
        )
    return None
