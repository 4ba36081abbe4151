"""From which value on Prometheus alerts, who hears it, and what is promised to users.

Meets MON-05 to MON-09 in their numbers. The age at which a backup breaks its promise follows from
`velero` and stands nowhere else. What a managed service measures has its thresholds in `alarms`;
where both watch the same matter (errors, latency, the cache), that key is the one that counts.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from settings.core import Section, clash, setting

Owner = Literal["application", "data", "platform"]
TopicArn = Annotated[
    str, Field(pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$")
]
# A label, an operator and a value without quotes: cannot break out of the selector.
MATCHER = r'^([a-zA-Z_][a-zA-Z0-9_]*(=|!=|=~|!~)"[^"\\{}]+")?$'
_PERCENT = "a whole percentage from {} to {}"


class ObservabilitySettings(Section):
    """Promises first, thresholds next, receivers last; nothing has to be said."""

    objective_percent: float = setting(
        99.9,
        allowed="percent of requests without an error from 90 to 99.99",
        example=99.9,
        ge=90,
        le=99.99,
    )
    # A daily job that starts an hour late and takes an hour.
    daily_job_hours: int = setting(
        26, allowed="whole hours from 25 to 48", example=26, ge=25, le=48
    )

    # -- the API's own metrics (ENV-20)
    status_label: Literal["status", "code"] = setting(
        "status",
        allowed="status or code: the label of http_requests_total that holds the answer's number",
        example="code",
    )
    latency_matcher: str = setting(
        "",
        allowed='one matcher that leaves out requests which are long by nature, as route!="/x"',
        example='route!="/v1/stream"',
        pattern=MATCHER,
    )
    # So low that half of 0.03 requests a second is still seen (MON-05).
    error_floor_requests: int = setting(
        5,
        allowed="requests in 5 minutes from 1 to 1,000; below it a share is not judged",
        example=5,
        ge=1,
        le=1000,
    )
    process_memory_mib: int = setting(
        1000, allowed="whole MiB from 64 to 65,536", example=1000, ge=64, le=65536
    )
    goroutines: int = setting(
        10_000, allowed="goroutines of one process from 100 on", example=10_000, ge=100
    )
    error_lines: int = setting(
        50, allowed="log lines at level ERROR in 5 minutes from 1 on", example=50, ge=1
    )

    # -- the platform
    memory_percent: int = setting(80, allowed=_PERCENT.format(50, 95), example=80, ge=50, le=95)
    node_memory_percent: int = setting(
        90, allowed=_PERCENT.format(50, 97), example=90, ge=50, le=97
    )
    volume_free_percent: int = setting(15, allowed=_PERCENT.format(6, 50), example=15, ge=6, le=50)
    volume_full_percent: int = setting(
        5, allowed=_PERCENT.format(1, 20) + ", less than volumeFreePercent", example=5, ge=1, le=20
    )
    quota_percent: int = setting(90, allowed=_PERCENT.format(50, 99), example=90, ge=50, le=99)
    waiting_clients: int = setting(
        10,
        allowed="clients that wait at one pooler from 1 to 1,000",
        example=10,
        ge=1,
        le=1000,
    )
    pool_percent: int = setting(80, allowed=_PERCENT.format(50, 95), example=80, ge=50, le=95)
    transaction_minutes: int = setting(
        15, allowed="whole minutes from 1 to 1,440", example=15, ge=1, le=1440
    )
    # ACM renews 60 days before the end; `alarms.certificateDays` rings in CloudWatch.
    certificate_days: int = setting(28, allowed="whole days from 7 to 45", example=28, ge=7, le=45)

    # -- who is told
    owner_topics: dict[Owner, TopicArn] = setting(
        {},
        allowed="for an owner (application, data, platform) the ARN of an SNS topic that hears "
        "its alerts beside the receivers of alarms",
        example={"application": "arn:aws:sns:eu-central-1:123456789012:application-team"},
    )
    pager_direct: bool = setting(
        False,
        allowed="true sends critical alerts from Alertmanager to the pager as well, as a second "
        "way beside SNS; needs alarms.pager",
        example=True,
    )
    repeat_critical_hours: int = setting(
        4, allowed="whole hours from 1 to 24", example=4, ge=1, le=24
    )
    repeat_warning_hours: int = setting(
        24, allowed="whole hours from 1 to 168", example=24, ge=1, le=168
    )

    @model_validator(mode="after")
    def _warnings_come_first(self) -> Self:
        if self.volume_full_percent >= self.volume_free_percent:
            raise clash(
                "volumeFullPercent",
                got=self.volume_full_percent,
                allowed=f"less than volumeFreePercent ({self.volume_free_percent})",
                example=self.volume_free_percent // 3,
            )
        return self

    def pager_refused(self, pager: bool) -> PydanticCustomError | None:
        """The refusal of a direct way to a pager that is not there, for whoever knows `alarms`."""
        if not self.pager_direct or pager:
            return None
        return clash(
            "observability.pagerDirect",
            got="true while alarms.pager is false",
            allowed="true only with alarms.pager, which asks for the secret pagerUrl",
            example="false",
        )
