"""What an environment may decide about its cache, and what ElastiCache allows it.

Meets CHK-INFRA-03, REDIS-01 to REDIS-06, SENT-02; refusals C1, C2, C4, C7, C14. The table of what
has no counterpart on ElastiCache (REDIS-03 to REDIS-05) is `NOT_APPLICABLE`.

No setting switches off encryption or the token: nobody needs that.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from settings import windows
from settings.core import Section, clash, setting
from settings.database import LogRetention

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


class CacheSettings(Section):
    """Answers the Redis and Sentinel sections of the guide and the cache row of its checklist."""

    kind: Literal["elasticache"] = setting(
        "elasticache",
        allowed="elasticache, the managed replication group",
        example="elasticache",
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

    @model_validator(mode="after")
    def _data_fits_the_node(self) -> Self:
        if self.usable_mib < self.data_mib:
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
