"""Who is told, and from which value on: the receivers and thresholds of the CloudWatch alarms.

Answers MON-08 (an alarm that nobody receives does not count) and the thresholds of MON-09. The
pager's address holds its key, so it is the secret `arches:pagerUrl` and never stands here.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from settings.core import Section, clash, setting

EMAIL = r"^[A-Za-z0-9][A-Za-z0-9._+-]*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
Email = Annotated[str, Field(max_length=254, pattern=EMAIL)]

_ADDRESSES = "a list of at most 10 e-mail addresses"
_PERCENT = "a whole percentage from {} to {}"


class AlarmsSettings(Section):
    """Receivers first, thresholds after; every threshold has the value that production uses."""

    critical: tuple[Email, ...] = setting(
        allowed=_ADDRESSES + ", at least one unless pager is true",
        example=["oncall@archesai.com"],
        max_length=10,
    )
    warning: tuple[Email, ...] = setting(
        (),
        allowed=_ADDRESSES + "; an empty list sends warnings to the addresses of critical",
        example=["platform@archesai.com"],
        max_length=10,
    )
    pager: bool = setting(
        False,
        allowed="true sends critical alarms to the https address in the secret pagerUrl as well",
        example=True,
    )
    findings: bool = setting(
        allowed="true sends the account's GuardDuty findings to these receivers (one environment "
        "of an account is enough), else false",
        example=True,
    )

    # RDS. 80 % of the usable connections is the guide's pool limit as MON-09 asks for it.
    database_cpu_percent: int = setting(
        80, allowed=_PERCENT.format(50, 95), example=80, ge=50, le=95
    )
    database_connections_percent: int = setting(
        80,
        allowed="a whole percentage of the usable connections from 50 to 95",
        example=80,
        ge=50,
        le=95,
    )
    # PG-12: WAL may grow to 4 GB (and beyond, max_wal_size is a soft limit) before a checkpoint.
    database_free_storage_gib: int = setting(
        8,
        allowed="whole GiB from 6 to 1,000 (4 GB of WAL must still fit)",
        example=8,
        ge=6,
        le=1000,
    )
    database_free_storage_warning_gib: int = setting(
        15,
        allowed="whole GiB up to 2,000, more than databaseFreeStorageGib",
        example=15,
        ge=7,
        le=2000,
    )
    database_free_memory_mib: int = setting(
        512, allowed="whole MiB from 128 to 65,536", example=512, ge=128, le=65536
    )
    database_latency_milliseconds: int = setting(
        20, allowed="whole milliseconds from 5 to 500", example=20, ge=5, le=500
    )
    database_queue_depth: int = setting(
        20, allowed="waiting disk operations from 1 to 500", example=20, ge=1, le=500
    )
    database_credit_balance: int = setting(
        30,
        allowed="CPU credits from 1 to 500 (only burstable classes report them)",
        example=30,
        ge=1,
        le=500,
    )
    # Autovacuum freezes at 200 million; PostgreSQL refuses writes near 2,000 million.
    database_transaction_ids: int = setting(
        500_000_000,
        allowed="used transaction ids from 250,000,000 to 1,500,000,000",
        example=500_000_000,
        ge=250_000_000,
        le=1_500_000_000,
    )

    cache_cpu_percent: int = setting(80, allowed=_PERCENT.format(50, 95), example=80, ge=50, le=95)
    cache_memory_percent: int = setting(
        80, allowed=_PERCENT.format(50, 95), example=80, ge=50, le=95
    )
    cache_evictions: int = setting(
        100, allowed="evicted keys in 5 minutes from 1 to 100,000", example=100, ge=1, le=100_000
    )
    cache_connections: int = setting(
        2000,
        allowed="connections to one node from 100 to 60,000 (ElastiCache takes 65,000)",
        example=2000,
        ge=100,
        le=60_000,
    )
    cache_lag_seconds: int = setting(
        5, allowed="whole seconds from 1 to 60", example=5, ge=1, le=60
    )

    # MON-05: a share of requests, with a floor so that one failure at night pages nobody.
    error_percent: int = setting(5, allowed=_PERCENT.format(1, 50), example=5, ge=1, le=50)
    error_floor_requests: int = setting(
        20,
        allowed="requests in one minute from 1 to 10,000; below it a share is not judged",
        example=20,
        ge=1,
        le=10_000,
    )
    latency_seconds: float = setting(
        1.0, allowed="seconds from 0.1 to 30 (95th percentile)", example=1.0, ge=0.1, le=30
    )
    handshake_errors: int = setting(
        100,
        allowed="failed TLS handshakes in 5 minutes from 1 to 100,000",
        example=100,
        ge=1,
        le=100_000,
    )
    blocked_requests: int = setting(
        2000,
        allowed="requests blocked by the firewall in 5 minutes from 1 to 10,000,000",
        example=2000,
        ge=1,
        le=10_000_000,
    )

    node_cpu_percent: int = setting(85, allowed=_PERCENT.format(50, 99), example=85, ge=50, le=99)
    unschedulable_pods: int = setting(1, allowed="pods from 1 to 1,000", example=1, ge=1, le=1000)
    api_errors: int = setting(
        50,
        allowed="failed requests to the cluster's API in 5 minutes from 1 to 100,000",
        example=50,
        ge=1,
        le=100_000,
    )
    # ACM renews 60 days before the end: at 30 days the renewal has failed for a month.
    certificate_days: int = setting(30, allowed="whole days from 7 to 45", example=30, ge=7, le=45)

    @model_validator(mode="after")
    def _heard(self) -> Self:
        if not self.critical and not self.pager:
            raise clash(
                "critical",
                got="an empty list and no pager",
                allowed="at least one address, or pager: true",
                example='["oncall@archesai.com"]',
            )
        for key, addresses in (("critical", self.critical), ("warning", self.warning)):
            if len({address.lower() for address in addresses}) != len(addresses):
                raise clash(
                    key,
                    got="the same address twice",
                    allowed="each address once",
                    example='["oncall@archesai.com"]',
                )
        if self.database_free_storage_warning_gib <= self.database_free_storage_gib:
            raise clash(
                "databaseFreeStorageWarningGib",
                got=self.database_free_storage_warning_gib,
                allowed=f"more than databaseFreeStorageGib ({self.database_free_storage_gib}), so "
                "that the warning comes first",
                example=self.database_free_storage_gib * 2,
            )
        return self
