"""The table of CloudWatch alarms: what is watched, from which value on, and what a person does.

Pure: settings and the watched things' names in, rows out. No resource is made here, and no row is
about the application's own metrics (those are Prometheus rules in the cluster). Meets MON-05 and
MON-06 at the load balancer, MON-09, ISSUE-02, and the alarm column of DR-02.

Refused: an alarm on replica lag of the database. The Multi-AZ standby is synchronous and has no
lag; a read replica would bring its own row. Refused: treating silence as well everywhere. Where
silence is itself the fault (storage of the database, backups), missing data is breaching.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi

from settings.alarms import AlarmsSettings

Severity = Literal["critical", "warning"]
Missing = Literal["missing", "notBreaching", "breaching", "ignore"]

MINUTE = 60
FIVE_MINUTES = 300
HOUR = 3600
DAY = 86400
GIB = 1024**3
MIB = 1024**2

# CloudFront and its firewall report to this region only (CloudFront and WAF developer guides).
GLOBAL_REGION = "us-east-1"

ABOVE = "GreaterThanThreshold"
AT_LEAST = "GreaterThanOrEqualToThreshold"
BELOW = "LessThanThreshold"


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric of one thing."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]]
    statistic: str


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One alarm.

    metrics: one metric, or several by the id that `expression` uses.
    period: seconds; 10, 30 or a multiple of 60 (refusal O5).
    datapoints: how many of the last `periods` must breach.
    regional: False for alarms on metrics that exist in GLOBAL_REGION only.
    """

    noun: str
    means: str
    does: str
    runbook: str
    severity: Severity
    metrics: Mapping[str, Metric]
    threshold: float
    comparison: str
    expression: str = ""
    period: int = FIVE_MINUTES
    periods: int = 3
    datapoints: int = 3
    missing: Missing = "notBreaching"
    regional: bool = True

    @property
    def description(self) -> str:
        """What the mail says: meaning, first deed, where the rest is written."""
        return f"{self.means} {self.does} Runbook: docs/runbooks/{self.runbook}.md"


@dataclass(frozen=True, kw_only=True)
class Watched:
    """The names by which CloudWatch knows the deployment's parts; empty parts give no rows."""

    database: pulumi.Input[str]
    database_bursts: bool = False
    usable_connections: int
    cache_members: Sequence[pulumi.Input[str]] = ()
    balancer: pulumi.Input[str]
    target_groups: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    region: str
    balancer_acl: pulumi.Input[str] | None = None
    cdn_acl: pulumi.Input[str] | None = None
    distributions: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    cluster: pulumi.Input[str]
    node_groups: Sequence[pulumi.Input[str]] = ()
    vault: pulumi.Input[str]
    replications: Mapping[str, Mapping[str, pulumi.Input[str]]] = field(default_factory=dict)
    balancer_certificate: pulumi.Input[str] | None = None
    cdn_certificate: pulumi.Input[str] | None = None
    nat_gateways: Sequence[pulumi.Input[str]] = ()


def table(settings: AlarmsSettings, watched: Watched) -> list[Alarm]:
    """Every alarm of a deployment, in the order of the guide's layers."""
    return [
        *_database(settings, watched),
        *_cache(settings, watched),
        *_balancer(settings, watched),
        *_edge(settings, watched),
        *_nodes(settings, watched),
        *_cluster(settings, watched),
        *_backups(watched),
        *_replications(watched),
        *_certificates(settings, watched),
        *_egress(watched),
    ]


def _one(
    namespace: str, name: str, dimensions: Mapping[str, pulumi.Input[str]], statistic: str
) -> dict[str, Metric]:
    return {
        "value": Metric(namespace=namespace, name=name, dimensions=dimensions, statistic=statistic)
    }


def _database(settings: AlarmsSettings, watched: Watched) -> Iterator[Alarm]:
    def metric(name: str, statistic: str = "Average") -> dict[str, Metric]:
        return _one("AWS/RDS", name, {"DBInstanceIdentifier": watched.database}, statistic)

    yield Alarm(
        noun="database-cpu",
        means=f"The database has been over {settings.database_cpu_percent} % CPU for 15 minutes.",
        does="Find the query that grew and stop or index it.",
        runbook="database-cpu",
        severity="warning",
        metrics=metric("CPUUtilization"),
        threshold=settings.database_cpu_percent,
        comparison=ABOVE,
    )
    if watched.database_bursts:
        yield Alarm(
            noun="database-credits",
            means="A burstable database is about to run out of CPU credits and will crawl.",
            does="Take load off it or move to a class that does not burst.",
            runbook="database-cpu",
            severity="warning",
            metrics=metric("CPUCreditBalance", "Minimum"),
            threshold=settings.database_credit_balance,
            comparison=BELOW,
        )
    yield Alarm(
        noun="database-storage-low",
        means=f"Less than {settings.database_free_storage_warning_gib} GiB are free: storage "
        "autoscaling did not come or cannot keep up.",
        does="Check the autoscaling ceiling and what grows.",
        runbook="database-storage",
        severity="warning",
        metrics=metric("FreeStorageSpace", "Minimum"),
        threshold=settings.database_free_storage_warning_gib * GIB,
        comparison=BELOW,
    )
    yield Alarm(
        noun="database-storage-critical",
        means=f"Less than {settings.database_free_storage_gib} GiB are free, and 4 GB of them may "
        "be needed for WAL (or the database reports nothing at all).",
        does="Raise the storage now; a full database stops.",
        runbook="database-storage",
        severity="critical",
        metrics=metric("FreeStorageSpace", "Minimum"),
        threshold=settings.database_free_storage_gib * GIB,
        comparison=BELOW,
        missing="breaching",
    )
    yield Alarm(
        noun="database-memory",
        means=f"Less than {settings.database_free_memory_mib} MiB of memory are free.",
        does="Look for sessions with large sorts before the database starts to swap.",
        runbook="database-memory",
        severity="warning",
        metrics=metric("FreeableMemory", "Minimum"),
        threshold=settings.database_free_memory_mib * MIB,
        comparison=BELOW,
    )
    limit = watched.usable_connections * settings.database_connections_percent // 100
    yield Alarm(
        noun="database-connections",
        means=f"More than {limit} of {watched.usable_connections} usable connections are taken.",
        does="Find who bypasses the pooler; do not raise the pool first.",
        runbook="database-connections",
        severity="critical",
        metrics=metric("DatabaseConnections", "Maximum"),
        threshold=limit,
        comparison=ABOVE,
        period=MINUTE,
        periods=5,
    )
    yield Alarm(
        noun="database-write-latency",
        means=f"A write takes more than {settings.database_latency_milliseconds} ms.",
        does="Compare operations and throughput with what the volume was bought for.",
        runbook="database-latency",
        severity="warning",
        metrics=metric("WriteLatency"),
        threshold=settings.database_latency_milliseconds / 1000,
        comparison=ABOVE,
    )
    yield Alarm(
        noun="database-disk-queue",
        means=f"More than {settings.database_queue_depth} disk operations wait.",
        does="Compare operations and throughput with what the volume was bought for.",
        runbook="database-latency",
        severity="warning",
        metrics=metric("DiskQueueDepth"),
        threshold=settings.database_queue_depth,
        comparison=ABOVE,
    )
    yield Alarm(
        noun="database-burst",
        means="The instance has used up its burst of disk throughput or operations.",
        does="Expect slow answers; spread the job that causes it or choose a larger class.",
        runbook="database-latency",
        severity="warning",
        metrics={
            "throughput": metric("EBSByteBalance%", "Minimum")["value"],
            "operations": metric("EBSIOBalance%", "Minimum")["value"],
        },
        expression="MIN([throughput, operations])",
        threshold=20,
        comparison=BELOW,
    )
    yield Alarm(
        noun="database-transaction-ids",
        means="Old transaction ids are not being frozen; PostgreSQL stops writes when they end.",
        does="Find what blocks autovacuum: an old transaction, a replication slot, a lock.",
        runbook="database-transaction-ids",
        severity="critical",
        metrics=metric("MaximumUsedTransactionIDs", "Maximum"),
        threshold=settings.database_transaction_ids,
        comparison=ABOVE,
        periods=1,
        datapoints=1,
    )


def _cache(settings: AlarmsSettings, watched: Watched) -> Iterator[Alarm]:
    for number, member in enumerate(watched.cache_members, start=1):

        def metric(
            name: str, statistic: str = "Average", member: pulumi.Input[str] = member
        ) -> dict[str, Metric]:
            return _one("AWS/ElastiCache", name, {"CacheClusterId": member}, statistic)

        yield Alarm(
            noun=f"cache-{number}-cpu",
            means=f"Redis itself uses more than {settings.cache_cpu_percent} % of its one core.",
            does="Look for slow commands and hot keys.",
            runbook="cache-cpu",
            severity="warning",
            metrics=metric("EngineCPUUtilization"),
            threshold=settings.cache_cpu_percent,
            comparison=ABOVE,
        )
        yield Alarm(
            noun=f"cache-{number}-memory",
            means=f"More than {settings.cache_memory_percent} % of the cache's memory is used.",
            does="Find what has no time to live before sessions are at risk.",
            runbook="cache-memory",
            severity="warning",
            metrics=metric("DatabaseMemoryUsagePercentage", "Maximum"),
            threshold=settings.cache_memory_percent,
            comparison=ABOVE,
        )
        yield Alarm(
            noun=f"cache-{number}-evictions",
            means=f"More than {settings.cache_evictions} keys were thrown out in 5 minutes.",
            does="Find what fills the memory; choose a larger node if it is wanted.",
            runbook="cache-memory",
            severity="warning",
            metrics=metric("Evictions", "Sum"),
            threshold=settings.cache_evictions,
            comparison=ABOVE,
        )
        yield Alarm(
            noun=f"cache-{number}-lag",
            means=f"A replica is more than {settings.cache_lag_seconds} s behind its primary; a "
            "failover now would lose that much.",
            does="Check the primary's load and the replica's health.",
            runbook="cache-replication",
            severity="critical",
            metrics=metric("ReplicationLag", "Maximum"),
            threshold=settings.cache_lag_seconds,
            comparison=ABOVE,
            period=MINUTE,
            periods=5,
        )
        yield Alarm(
            noun=f"cache-{number}-connections",
            means=f"More than {settings.cache_connections} clients are connected to one node.",
            does="Find the client that opens without closing.",
            runbook="cache-connections",
            severity="warning",
            metrics=metric("CurrConnections", "Maximum"),
            threshold=settings.cache_connections,
            comparison=ABOVE,
        )
        yield Alarm(
            noun=f"cache-{number}-authentication",
            means="Somebody fails to authenticate to the cache.",
            does="Tell a stale password after a rotation from an intruder.",
            runbook="cache-connections",
            severity="critical",
            metrics=metric("AuthenticationFailures", "Sum"),
            threshold=10,
            comparison=ABOVE,
            periods=1,
            datapoints=1,
        )


def _balancer(settings: AlarmsSettings, watched: Watched) -> Iterator[Alarm]:
    def metric(
        name: str, statistic: str = "Sum", **dimensions: pulumi.Input[str]
    ) -> dict[str, Metric]:
        where = {"LoadBalancer": watched.balancer, **dimensions}
        return _one("AWS/ApplicationELB", name, where, statistic)

    # RequestCount holds only requests for which a target could be chosen, so that what the
    # balancer refused itself has to be added to the total (Application Load Balancer guide).
    yield Alarm(
        noun="balancer-errors",
        means=f"More than {settings.error_percent} % of all requests fail with 5xx.",
        does="Roll back if a release is younger than the alarm.",
        runbook="balancer-errors",
        severity="critical",
        metrics={
            "requests": metric("RequestCount")["value"],
            "refused": metric("HTTPCode_ELB_5XX_Count")["value"],
            "failed": metric("HTTPCode_Target_5XX_Count")["value"],
        },
        expression=share_of_errors(settings.error_floor_requests),
        threshold=settings.error_percent,
        comparison=ABOVE,
        period=MINUTE,
        periods=5,
        datapoints=5,
    )
    for noun, group in watched.target_groups.items():
        yield Alarm(
            noun=f"balancer-{noun}-unhealthy",
            means=f"At least one target of {noun} has failed its health check for 5 minutes.",
            does="Look at the pod that fails.",
            runbook="balancer-targets",
            severity="warning",
            metrics=metric("UnHealthyHostCount", "Maximum", TargetGroup=group),
            threshold=0,
            comparison=ABOVE,
            period=MINUTE,
            periods=5,
            datapoints=5,
        )
        yield Alarm(
            noun=f"balancer-{noun}-down",
            means=f"No target of {noun} is healthy: customers get errors.",
            does="Roll back, or find what every pod has in common.",
            runbook="balancer-targets",
            severity="critical",
            # From the view of one zone's node the count may be zero: the best view decides.
            metrics=metric("HealthyHostCount", "Maximum", TargetGroup=group),
            threshold=1,
            comparison=BELOW,
            period=MINUTE,
            periods=2,
            datapoints=2,
        )
        yield Alarm(
            noun=f"balancer-{noun}-latency",
            means=f"The slowest 5 % of answers of {noun} take more than "
            f"{settings.latency_seconds:g} s.",
            does="Look at the database and the model's provider first.",
            runbook="balancer-latency",
            severity="warning",
            metrics=metric("TargetResponseTime", "p95", TargetGroup=group),
            threshold=settings.latency_seconds,
            comparison=ABOVE,
            period=MINUTE,
            periods=5,
            datapoints=5,
        )
    yield Alarm(
        noun="balancer-handshakes",
        means=f"More than {settings.handshake_errors} TLS handshakes failed in 5 minutes.",
        does="Check the certificate and whether the CDN still speaks a policy that is allowed.",
        runbook="balancer-connections",
        severity="warning",
        metrics=metric("ClientTLSNegotiationErrorCount"),
        threshold=settings.handshake_errors,
        comparison=ABOVE,
    )
    yield Alarm(
        noun="balancer-rejected",
        means="The load balancer turned connections away: it is at its limit.",
        does="Find the source of the traffic; let the firewall take it.",
        runbook="balancer-connections",
        severity="critical",
        metrics=metric("RejectedConnectionCount"),
        threshold=0,
        comparison=ABOVE,
        periods=1,
        datapoints=1,
    )


def share_of_errors(floor: int) -> str:
    """Percentage of failed requests as metric math; 0 where fewer than `floor` came (MON-05).

    The metrics are called requests, refused and failed. `floor` is at least 1, so that nothing is
    divided by zero.
    """
    total = "(FILL(requests, 0) + FILL(refused, 0))"
    bad = "(FILL(refused, 0) + FILL(failed, 0))"
    return f"IF({total} >= {floor}, 100 * {bad} / {total}, 0)"


def _edge(settings: AlarmsSettings, watched: Watched) -> Iterator[Alarm]:
    for noun, distribution in watched.distributions.items():
        where = {"DistributionId": distribution, "Region": "Global"}
        yield Alarm(
            noun=f"cdn-{noun}-errors",
            means=f"More than {settings.error_percent} % of answers of the CDN ({noun}) are 5xx.",
            does="Compare with the load balancer: errors only here mean the way between them.",
            runbook="cdn-errors",
            severity="critical",
            metrics={
                "share": Metric(
                    namespace="AWS/CloudFront",
                    name="5xxErrorRate",
                    dimensions=where,
                    statistic="Average",
                ),
                "requests": Metric(
                    namespace="AWS/CloudFront",
                    name="Requests",
                    dimensions=where,
                    statistic="Sum",
                ),
            },
            expression=f"IF(requests >= {settings.error_floor_requests}, share, 0)",
            threshold=settings.error_percent,
            comparison=ABOVE,
            period=MINUTE,
            periods=5,
            datapoints=5,
            regional=False,
        )
    # WebACL is the ACL's name, not its metric_name; the CDN's metrics carry no Region
    # (compiler-explorer/infra#2357, checked there against live metrics).
    walls = (
        ("cdn", watched.cdn_acl, False, {}),
        ("balancer", watched.balancer_acl, True, {"Region": watched.region}),
    )
    for noun, acl, regional, extra in walls:
        if acl is None:
            continue
        yield Alarm(
            noun=f"waf-{noun}-blocks",
            means=f"The firewall of the {noun} blocked more than {settings.blocked_requests} "
            "requests in 5 minutes.",
            does="Tell an attack from a rule that hits customers.",
            runbook="waf-blocks",
            severity="warning",
            metrics=_one(
                "AWS/WAFV2", "BlockedRequests", {"WebACL": acl, "Rule": "ALL", **extra}, "Sum"
            ),
            threshold=settings.blocked_requests,
            comparison=ABOVE,
            periods=2,
            datapoints=2,
            regional=regional,
        )


def _nodes(settings: AlarmsSettings, watched: Watched) -> Iterator[Alarm]:
    for number, group in enumerate(watched.node_groups, start=1):
        where = {"AutoScalingGroupName": group}
        yield Alarm(
            noun=f"nodes-{number}-missing",
            means="A node group has had fewer working nodes than its minimum for 10 minutes.",
            does="Read why instances do not start: capacity, quota, image, key.",
            runbook="nodes",
            severity="critical",
            metrics={
                "serving": _one("AWS/AutoScaling", "GroupInServiceInstances", where, "Minimum")[
                    "value"
                ],
                "least": _one("AWS/AutoScaling", "GroupMinSize", where, "Maximum")["value"],
            },
            # The group's own minimum is a metric, so that the number is not said a second time.
            expression="serving - least",
            threshold=0,
            comparison=BELOW,
            period=MINUTE,
            periods=10,
            datapoints=10,
        )
        yield Alarm(
            noun=f"nodes-{number}-status",
            means="A node fails the status checks of EC2.",
            does="Drain it and let the group replace it.",
            runbook="nodes",
            severity="warning",
            metrics=_one("AWS/EC2", "StatusCheckFailed", where, "Maximum"),
            threshold=1,
            comparison=AT_LEAST,
            period=MINUTE,
            periods=5,
            datapoints=5,
        )
        yield Alarm(
            noun=f"nodes-{number}-cpu",
            means=f"A node group has been over {settings.node_cpu_percent} % CPU for 15 minutes.",
            does="See whether the autoscaler is at its maximum.",
            runbook="nodes",
            severity="warning",
            metrics=_one("AWS/EC2", "CPUUtilization", where, "Average"),
            threshold=settings.node_cpu_percent,
            comparison=ABOVE,
        )


def _cluster(settings: AlarmsSettings, watched: Watched) -> Iterator[Alarm]:
    def metric(name: str, statistic: str) -> dict[str, Metric]:
        return _one("AWS/EKS", name, {"ClusterName": watched.cluster}, statistic)

    yield Alarm(
        noun="cluster-pending",
        means=f"At least {settings.unschedulable_pods} pods have found no node for 15 minutes.",
        does="Compare requests with what the nodes have left.",
        runbook="cluster",
        severity="warning",
        metrics=metric("scheduler_pending_pods_UNSCHEDULABLE", "Maximum"),
        threshold=settings.unschedulable_pods,
        comparison=AT_LEAST,
    )
    yield Alarm(
        noun="cluster-errors",
        means=f"The cluster's API failed more than {settings.api_errors} requests in 5 minutes.",
        does="Look for a broken webhook or a controller that asks too much.",
        runbook="cluster",
        severity="warning",
        metrics=metric("apiserver_request_total_5XX", "Sum"),
        threshold=settings.api_errors,
        comparison=ABOVE,
    )


def _backups(watched: Watched) -> Iterator[Alarm]:
    def metric(name: str) -> dict[str, Metric]:
        return _one("AWS/Backup", name, {"BackupVaultName": watched.vault}, "Sum")

    yield Alarm(
        noun="backup-failed",
        means="A backup job failed.",
        does="Read its message, repair, start the job by hand.",
        runbook="backups",
        severity="critical",
        metrics=metric("NumberOfBackupJobsFailed"),
        threshold=0,
        comparison=ABOVE,
        period=HOUR,
        periods=1,
        datapoints=1,
    )
    yield Alarm(
        noun="backup-copy-failed",
        means="The copy of a backup into the second region failed.",
        does="Check the second vault and its key, then copy by hand.",
        runbook="backups",
        severity="critical",
        metrics=metric("NumberOfCopyJobsFailed"),
        threshold=0,
        comparison=ABOVE,
        period=HOUR,
        periods=1,
        datapoints=1,
    )
    yield Alarm(
        noun="backup-missing",
        means="No backup was completed in the last 24 hours (on the first day of an environment "
        "this is so until its first backup).",
        does="Check that the plan still selects the database.",
        runbook="backups",
        severity="critical",
        metrics=metric("NumberOfBackupJobsCompleted"),
        threshold=1,
        comparison=BELOW,
        period=DAY,
        periods=1,
        datapoints=1,
        missing="breaching",
    )


def _replications(watched: Watched) -> Iterator[Alarm]:
    """What S3 could not copy. It tells EventBridge nothing of replication (EventBridge reference,
    "Amazon Simple Storage Service events"), and of its metrics this one alone is published where
    the source is (S3 user guide, "Using S3 Replication metrics"); so what is late rings nowhere."""
    for noun, dimensions in watched.replications.items():
        yield Alarm(
            noun=f"replication-{noun}",
            means=f"S3 could not copy objects of {noun} to the second region; it does not try "
            "again by itself.",
            does="Repair the rights, then copy what failed.",
            runbook="replication",
            severity="critical",
            metrics=_one("AWS/S3", "OperationsFailedReplication", dimensions, "Sum"),
            threshold=0,
            comparison=ABOVE,
            periods=1,
            datapoints=1,
        )


def _certificates(settings: AlarmsSettings, watched: Watched) -> Iterator[Alarm]:
    rows = (
        ("balancer", watched.balancer_certificate, True),
        ("cdn", watched.cdn_certificate, False),
    )
    for noun, certificate, regional in rows:
        if certificate is None:
            continue
        yield Alarm(
            noun=f"certificate-{noun}",
            means=f"The certificate of the {noun} ends in less than {settings.certificate_days} "
            "days: its renewal has failed for weeks.",
            does="Restore the validation record.",
            runbook="certificates",
            severity="critical",
            metrics=_one(
                "AWS/CertificateManager",
                "DaysToExpiry",
                {"CertificateArn": certificate},
                "Minimum",
            ),
            threshold=settings.certificate_days,
            comparison=BELOW,
            period=DAY,
            periods=1,
            datapoints=1,
            regional=regional,
        )


def _egress(watched: Watched) -> Iterator[Alarm]:
    for number, gateway in enumerate(watched.nat_gateways, start=1):
        yield Alarm(
            noun=f"nat-{number}-ports",
            means="A NAT gateway has no ports left for one destination: calls out fail.",
            does="Find the client that opens too many connections.",
            runbook="nat",
            severity="critical",
            metrics=_one("AWS/NATGateway", "ErrorPortAllocation", {"NatGatewayId": gateway}, "Sum"),
            threshold=0,
            comparison=ABOVE,
            periods=1,
            datapoints=1,
        )
