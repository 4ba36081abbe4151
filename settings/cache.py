"""What an environment may decide about its cache, in both kinds, and what ElastiCache allows it.

Meets CHK-INFRA-03, REDIS-01 to REDIS-06, SENT-02, SENT-04, SENT-06; refusals C1, C2, C4, C7, C14.
The table of what has no counterpart on ElastiCache (REDIS-03 to REDIS-05) is `NOT_APPLICABLE`; a
cache inside the cluster has all of it.

No setting switches off encryption or the token: nobody needs that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from settings import windows
from settings.core import Section, clash, setting
from settings.database import LogRetention
from settings.images import DIGEST, IMAGE, IMAGE_ALLOWED
from settings.workloads import CPU

# maxmemory in bytes, which a node type has and nobody can set (ElastiCache user guide, "Redis OSS
# node-type specific parameters").
MAXMEMORY: dict[str, int] = {
    "cache.t4g.medium": 3317862236,
    "cache.m6g.large": 6854542746,
    "cache.m6g.xlarge": 13891921715,
    "cache.m6g.2xlarge": 27966669210,
    "cache.m7g.large": 6854542746,
    "cache.m7g.xlarge": 13891921715,
    "cache.m7g.2xlarge": 27966669210,
    "cache.m7g.4xlarge": 56116178125,
    "cache.r6g.large": 14037181030,
    "cache.r6g.xlarge": 28261849702,
    "cache.r7g.large": 14037181030,
    "cache.r7g.xlarge": 28261849702,
    "cache.r7g.2xlarge": 56711183565,
    "cache.r7g.4xlarge": 113609865216,
}

# ElastiCache's own default, and what the requirements count with (REDIS-01).
DEFAULT_RESERVED_PERCENT = 25

# What the guide's redis.conf says and ElastiCache refuses or has no word for: never sent.
NOT_APPLICABLE: dict[str, str] = {
    "maxmemory": "fixed by the node type (REDIS-01)",
    "save": "one automatic snapshot a day instead (REDIS-03)",
    "appendonly": "not supported since 2.8.22; replicas and failover instead (REDIS-04)",
    "appendfsync": "as appendonly (REDIS-04)",
    "no-appendfsync-on-rewrite": "as appendonly (REDIS-05)",
    "auto-aof-rewrite-percentage": "as appendonly (REDIS-05)",
    "auto-aof-rewrite-min-size": "as appendonly (REDIS-05)",
    "requirepass": "the auth token of the replication group (REDIS-06)",
    "sentinel": "failover and its times belong to the replication group (SENT-01 to SENT-07)",
}

_DIGEST = f"@sha256:{DIGEST}"

# Three members: with fewer a failure leaves no majority, with more a second primary could have a
# replica and both would take writes (components/kubernetes/data/redis.py).
MEMBERS = 3


class SentinelSettings(Section):
    """Redis 7 with Sentinel inside the cluster: three of each."""

    redis_image: str = setting(
        allowed=f"{IMAGE_ALLOWED}, of Redis 7, with redis-server, redis-cli and a shell",
        example="docker.io/library/redis:7.4" + _DIGEST,
        pattern=IMAGE,
    )
    exporter_image: str = setting(
        allowed=f"{IMAGE_ALLOWED}, of redis_exporter",
        example="ghcr.io/oliver006/redis_exporter:v1.89.0" + _DIGEST,
        pattern=IMAGE,
    )
    storage_gib: int = setting(
        10,
        allowed="whole GiB of each member's volume from 1 to 1,000, at least four times dataMib: "
        "the append-only file grows to twice the data before it is rewritten beside itself",
        example=10,
        ge=1,
        le=1000,
    )
    cpu: str = setting(
        "500m",
        allowed="the processor share of each Redis, as Kubernetes writes it",
        example="500m",
        pattern=CPU,
    )
    # The guide's. The application's retries end before it (ENV-11), so users notice a failover.
    down_after_ms: int = setting(
        5000,
        allowed="whole milliseconds of silence from 1,000 to 30,000 after which a primary is down",
        example=5000,
        ge=1000,
        le=30000,
    )
    # SENT-06: the guide's 10 s gives up failovers that are still in progress; Redis's default of
    # three minutes waits six before it tries again.
    failover_timeout_seconds: int = setting(
        60,
        allowed="whole seconds from 30 to 600 that one failover may take; the next try comes after "
        "twice as many",
        example=60,
        ge=30,
        le=600,
    )
    max_lag_seconds: int = setting(
        5,
        allowed="whole seconds from 2 to 30 that replicas may be silent until the primary refuses "
        "writes",
        example=5,
        ge=2,
        le=30,
    )

    @property
    def loss_window_seconds(self) -> int:
        """The longest time of acknowledged writes that a primary cut off from its replicas loses.

        Redis compares whole seconds, once a second: one more for each (replication.c,
        `refreshGoodSlavesCount`, called by `replicationCron`).
        """
        return self.max_lag_seconds + 2

    @property
    def failover_seconds(self) -> int:
        """From the loss of a primary until writes are taken again, at most: the silence, then
        vote, promotion, the other replica's turn and the front's check (measured: 2 to 4 s)."""
        return -(-self.down_after_ms // 1000) + 10


class CacheSettings(Section):
    """Answers the Redis and Sentinel sections of the guide and the cache row of its checklist."""

    kind: Literal["elasticache", "sentinel"] = setting(
        "elasticache",
        allowed="elasticache, the managed replication group; or sentinel, Redis with Sentinel "
        "inside the cluster",
        example="elasticache",
    )
    sentinel: SentinelSettings | None = setting(
        None,
        allowed="the mapping for the cache inside the cluster; needed where kind is sentinel",
        example={
            "redisImage": "docker.io/library/redis:7.4" + _DIGEST,
            "exporterImage": "ghcr.io/oliver006/redis_exporter:v1.89.0" + _DIGEST,
        },
    )
    proxy_image: str | None = setting(
        None,
        allowed=f"{IMAGE_ALLOWED}, of HAProxy 2.6 or newer with the system's CA certificates: "
        "the TLS tunnel beside a client that has none, and the front of a cache in the cluster",
        example="docker.io/library/haproxy:3.2" + _DIGEST,
        pattern=IMAGE,
    )
    client_tls: bool = setting(
        False,
        allowed="true once the application speaks TLS to Redis itself; the tunnel is then gone",
        example=False,
    )
    # Redis 7.1 is the last Redis that ElastiCache has; valkey is another engine with another
    # family, and the checklist asks for Redis 7 (CHK-INFRA-03).
    engine_version: Literal["7.0", "7.1"] = setting(
        "7.1", allowed="7.0 or 7.1, quoted; never lower than what runs", example="7.1"
    )
    node_type: str = setting(
        "cache.m7g.large",
        allowed="one of " + ", ".join(MAXMEMORY),
        example="cache.m7g.large",
        pattern="^(" + "|".join(name.replace(".", r"\.") for name in MAXMEMORY) + ")$",
    )
    nodes: int = setting(
        3,
        allowed="whole nodes from 1 to 6: a primary and its replicas; from 2 on a replica takes "
        "over by itself, and 3 is one for each zone",
        example=3,
        ge=1,
        le=6,
    )
    data_mib: int = setting(
        2048,
        allowed="MiB of data from 64 up that the node type must hold beside its reserve",
        example=2048,
        ge=64,
    )
    reserved_memory_percent: int = setting(
        DEFAULT_RESERVED_PERCENT,
        allowed="whole percent from 10 to 60 that is kept for snapshots and failover",
        example=25,
        ge=10,
        le=60,
    )
    # REDIS-02: allkeys-lru would evict sessions and one-time codes before cache entries.
    maxmemory_policy: Literal["volatile-lru", "volatile-lfu", "volatile-ttl", "noeviction"] = (
        setting(
            "volatile-lru",
            allowed="volatile-lru, volatile-lfu, volatile-ttl or noeviction; none that evicts keys "
            "without expiry",
            example="volatile-lru",
        )
    )
    auth_token_step: Literal["ROTATE", "SET"] = setting(
        "ROTATE",
        allowed="ROTATE, under which a new token is valid beside the old one; SET in a second "
        "deployment, once every client has the new one, ends the old",
        example="ROTATE",
    )
    snapshot_retention_days: int = setting(
        7, allowed="whole days from 7 to 30", example=7, ge=7, le=30
    )
    snapshot_window: str = setting(
        "01:00-02:00",
        allowed="a daily window in UTC of 60 minutes or more",
        example="01:00-02:00",
        pattern=windows.DAILY,
    )
    maintenance_window: str = setting(
        "sun:06:00-sun:07:00",
        allowed="a weekly window in UTC of 1 to 24 hours that does not meet snapshotWindow",
        example="sun:06:00-sun:07:00",
        pattern=windows.WEEKLY,
    )
    apply_immediately: bool = setting(
        False,
        allowed="false applies changes in the maintenance window, true at once",
        example=False,
    )
    log_retention_days: LogRetention = setting(
        30,
        allowed="one of CloudWatch's numbers of days: 30, 60, 90, 180, 365, 400, 731, ...",
        example=30,
    )

    @property
    def family(self) -> str:
        """The parameter group family; derived, so that it always agrees with the engine (C4)."""
        return f"redis{self.engine_version.split('.')[0]}"

    @property
    def usable_mib(self) -> int:
        """What one node holds beside its reserve."""
        usable = MAXMEMORY[self.node_type] * (100 - self.reserved_memory_percent) // 100
        return usable // (1024 * 1024)

    @property
    def in_cluster(self) -> SentinelSettings:
        """The section of the cache inside the cluster. Raises ValueError: it is elsewhere."""
        if self.sentinel is None:
            raise ValueError(f"cache.sentinel is absent; the kind is {self.kind}")
        return self.sentinel

    @property
    def tunnel(self) -> bool:
        """Whether a client needs the tunnel: TLS is asked for and the application has none."""
        return self.kind == "elasticache" and not self.client_tls

    @property
    def member_mib(self) -> int:
        """The memory of a Redis in the cluster: dataMib beside the reserve (REDIS-01)."""
        return -(-self.data_mib * 100 // (100 - self.reserved_memory_percent))

    @model_validator(mode="after")
    def _inside_the_cluster(self) -> Self:
        if self.kind != "sentinel":
            return self
        if self.sentinel is None:
            raise clash(
                "sentinel",
                got="nothing while kind is sentinel",
                allowed="its mapping, with redisImage and exporterImage",
                example={
                    "redisImage": "docker.io/library/redis:7.4" + _DIGEST,
                    "exporterImage": "ghcr.io/oliver006/redis_exporter:v1.89.0" + _DIGEST,
                },
            )
        if self.proxy_image is None:
            raise _no_proxy("proxyImage", "kind is sentinel")
        if self.nodes != MEMBERS:
            raise clash(
                "nodes",
                got=f"{self.nodes} while kind is sentinel",
                allowed=f"{MEMBERS}: a majority must be left, and only one primary may ever have "
                "a replica",
                example=MEMBERS,
            )
        if self.sentinel.storage_gib * 1024 < 4 * self.data_mib:
            raise clash(
                "sentinel.storageGib",
                got=f"{self.sentinel.storage_gib} with dataMib {self.data_mib}",
                allowed="at least four times dataMib, for the append-only file and its rewriting",
                example=-(-4 * self.data_mib // 1024),
            )
        return self

    @model_validator(mode="after")
    def _data_fits_the_node(self) -> Self:
        if self.kind == "elasticache" and self.usable_mib < self.data_mib:
            fitting = next(
                (
                    name
                    for name, size in sorted(MAXMEMORY.items(), key=lambda row: row[1])
                    if size * (100 - self.reserved_memory_percent) // 100 >= self.data_mib * 1024**2
                ),
                "(fewer dataMib)",
            )
            raise clash(
                "nodeType",
                got=f"{self.node_type}, which holds {self.usable_mib} MiB beside its reserve of "
                f"{self.reserved_memory_percent} %",
                allowed=f"a node type that holds dataMib ({self.data_mib})",
                example=fitting,
            )
        return self

    @model_validator(mode="after")
    def _windows_do_not_meet(self) -> Self:
        # ElastiCache wants 60 minutes at least for both (CreateReplicationGroup API reference).
        windows.check_pair(
            ("snapshotWindow", self.snapshot_window, "01:00-02:00"),
            ("maintenanceWindow", self.maintenance_window, "sun:06:00-sun:07:00"),
            least=60,
            phrase="1",
        )
        return self


def _no_proxy(key: str, why: str) -> PydanticCustomError:
    return clash(
        key,
        got=f"nothing while {why}",
        allowed=IMAGE_ALLOWED,
        example="docker.io/library/haproxy:3.2" + _DIGEST,
    )


def cache_refusals(cache: CacheSettings) -> Iterator[PydanticCustomError]:
    """What the cache's clients need of it; for the rules of the whole environment."""
    if cache.tunnel and cache.proxy_image is None:
        yield _no_proxy("cache.proxyImage", "clientTls is false: ElastiCache speaks TLS only (A13)")
