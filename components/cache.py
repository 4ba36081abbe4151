"""The Redis of the deployment: one ElastiCache replication group with its door, logs and snapshots.

Here lives the managed cache and `CacheEndpoint`, what every user of a cache may know of it, so that
a Redis with Sentinel inside the cluster can take this one's place. Clients and their TLS never do.
Answers "Redis Production Settings" and "Redis Sentinel for HA".

Meets REDIS-01 to REDIS-07, SENT-01 to SENT-07 (the service fails over and its primary endpoint
follows), ENV-10 (TLS, a token that fits a URL), CHK-INFRA-03, CHK-SEC-01, ISSUE-06 (with the CDN);
refusals C1, C2, C4 to C7, C16 to C20, O1.

"Persistence enabled" in the checklist is met by replicas with automatic failover and by daily
snapshots; ElastiCache has no append-only file. The worst loss of a snapshot is 24 hours, which is
why nothing may live here that PostgreSQL does not have (REDIS-03, DR-02).

Refused: user groups (exclusive with the token, and the application sends a password only, A13);
`transit_encryption_mode` (TLS is required from birth; the key is for groups that began without it,
C13); MemoryDB and Valkey (another service and another engine than the checklist's Redis 7).

The group's id is fixed, so that people and alarms know it; a replacement therefore deletes first,
which `protect` and the final snapshot guard. A token is rotated in two deployments: raise
`secrets.generation.cache` under ROTATE, then set `cache.authTokenStep` to SET (C7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.context import Context
from components.door import door
from settings.cache import DEFAULT_RESERVED_PERCENT, CacheSettings

if TYPE_CHECKING:
    from components.cluster import Cluster
    from components.keys import Keys
    from components.network import Network
    from components.secrets import Secrets

PORT = 6379
# The longest replication group id (ElastiCache API reference; C19).
ID_LIMIT = 40
LOG_TYPES = ("slow-log", "engine-log")


class CacheEndpoint(Protocol):
    """What a client needs of a cache, whoever runs it. `secret_arn` holds the password alone.

    member_ids: ElastiCache's nodes, which CloudWatch watches; none of a cache in the cluster.
    """

    kind: str
    primary_host: pulumi.Output[str]
    reader_host: pulumi.Output[str]
    port: int
    secret_arn: pulumi.Output[str]
    member_ids: list[pulumi.Output[str]]


def log_group_name(group_id: str, log_type: str) -> str:
    """Under /aws/vendedlogs/, since each other group would add to the account's one resource policy
    for log delivery, whose size is limited (CloudWatch Logs user guide, "Enabling logging")."""
    return f"/aws/vendedlogs/elasticache/{group_id}/{log_type}"


def placement(zones: Sequence[str], nodes: int) -> list[str]:
    """A zone for each node, as evenly as it goes; the first one gets the primary (SENT-02)."""
    return [zones[i % len(zones)] for i in range(nodes)]


def member_id(group_id: str, members: Sequence[str], index: int) -> str:
    """The id of a node; one that is not made yet gets the next number, as AWS gives it."""
    return sorted(members)[index] if index < len(members) else f"{group_id}-{index + 1:03d}"


def group_parameters(
    settings: CacheSettings,
) -> list[aws.elasticache.ParameterGroupParameterArgsDict]:
    """Only what differs from ElastiCache's own value, and the policy, which an auditor looks for.

    Nothing of the guide's persistence lines: the service refuses them (REDIS-03 to REDIS-05).
    """
    rows = {"maxmemory-policy": settings.maxmemory_policy}
    if settings.reserved_memory_percent != DEFAULT_RESERVED_PERCENT:
        rows["reserved-memory-percent"] = str(settings.reserved_memory_percent)
    return [{"name": name, "value": value} for name, value in sorted(rows.items())]


@dataclass(frozen=True, kw_only=True)
class CacheArgs:
    """cluster: only its nodes' security group is used, so the cache never waits for EKS."""

    context: Context
    settings: CacheSettings
    network: Network
    keys: Keys
    cluster: Cluster
    secrets: Secrets


class Cache(pulumi.ComponentResource):
    """A `CacheEndpoint`; `group_id` and `member_ids` are for alarms."""

    kind: str
    primary_host: pulumi.Output[str]
    reader_host: pulumi.Output[str]
    port: int
    secret_arn: pulumi.Output[str]
    group_id: pulumi.Output[str]
    member_ids: list[pulumi.Output[str]]
    security_group_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: CacheArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Cache", name, None, opts)
        self._child = name
        self._args = args
        self._here = pulumi.ResourceOptions(parent=self)
        group_id = args.context.name("cache", limit=ID_LIMIT).lower()
        entrance = self._door()
        group = self._group(group_id, entrance, self._subnet_group(), self._parameter_group())
        self.kind = args.settings.kind
        self.primary_host = group.primary_endpoint_address
        self.reader_host = group.reader_endpoint_address
        self.port = PORT
        self.secret_arn = args.secrets.arns["cache"]
        self.group_id = group.replication_group_id
        self.member_ids = [
            group.member_clusters.apply(lambda members, i=i: member_id(group_id, members, i))
            for i in range(args.settings.nodes)
        ]
        self.security_group_id = entrance.id
        self.register_outputs(
            {
                "kind": self.kind,
                "primaryHost": self.primary_host,
                "readerHost": self.reader_host,
                "port": self.port,
                "secretArn": self.secret_arn,
                "groupId": self.group_id,
                "memberIds": self.member_ids,
                "securityGroupId": self.security_group_id,
            }
        )

    def _door(self) -> aws.ec2.SecurityGroup:
        """In from the nodes on 6379; replication between the nodes is the service's own."""
        return door(
            self._child,
            store="Redis",
            visitors="Pods of the application",
            port=PORT,
            network=self._args.network,
            cluster=self._args.cluster,
            opts=self._here,
        )

    def _subnet_group(self) -> aws.elasticache.SubnetGroup:
        return aws.elasticache.SubnetGroup(
            f"{self._child}-subnets",
            subnet_ids=self._args.network.data_subnet_ids,
            description="Data subnets, without a route to the internet",
            opts=self._here,
        )

    def _parameter_group(self) -> aws.elasticache.ParameterGroup:
        return aws.elasticache.ParameterGroup(
            f"{self._child}-parameters",
            family=self._args.settings.family,
            description="Evicts only keys that have an expiry",
            parameters=group_parameters(self._args.settings),
            opts=self._here,
        )

    def _logs(
        self, group_id: str
    ) -> list[aws.elasticache.ReplicationGroupLogDeliveryConfigurationArgsDict]:
        deliveries: list[aws.elasticache.ReplicationGroupLogDeliveryConfigurationArgsDict] = []
        for log_type in LOG_TYPES:
            log = aws.cloudwatch.LogGroup(
                f"{self._child}-{log_type}",
                name=log_group_name(group_id, log_type),
                retention_in_days=self._args.settings.log_retention_days,
                kms_key_id=self._args.keys.logs.arn,
                opts=self._here,
            )
            deliveries.append(
                {
                    "log_type": log_type,
                    "log_format": "json",
                    "destination_type": "cloudwatch-logs",
                    "destination": log.name,
                }
            )
        return deliveries

    def _final_snapshot(
        self, group_id: str, subnets: aws.elasticache.SubnetGroup
    ) -> pulumi.Output[str]:
        """A name that no earlier snapshot has: new whenever the group is a new one (C20)."""
        keepers: Mapping[str, pulumi.Input[str]] = {
            "group": group_id,
            "key": self._args.keys.data.arn,
            "subnets": subnets.name,
        }
        suffix = random.RandomId(
            f"{self._child}-final-snapshot", byte_length=4, keepers=keepers, opts=self._here
        )
        return pulumi.Output.concat(group_id, "-final-", suffix.hex)

    def _group(
        self,
        group_id: str,
        entrance: aws.ec2.SecurityGroup,
        subnets: aws.elasticache.SubnetGroup,
        parameters: aws.elasticache.ParameterGroup,
    ) -> aws.elasticache.ReplicationGroup:
        context, settings = self._args.context, self._args.settings
        replicated = settings.nodes > 1
        return aws.elasticache.ReplicationGroup(
            f"{self._child}-group",
            replication_group_id=group_id,
            description=f"Redis of {context.project} {context.stack}",
            engine="redis",
            engine_version=settings.engine_version,
            auto_minor_version_upgrade=True,
            node_type=settings.node_type,
            num_cache_clusters=settings.nodes,
            automatic_failover_enabled=replicated,
            multi_az_enabled=replicated,
            preferred_cache_cluster_azs=placement(self._args.network.zones, settings.nodes),
            parameter_group_name=parameters.name,
            port=PORT,
            subnet_group_name=subnets.name,
            security_group_ids=[entrance.id],
            at_rest_encryption_enabled=True,
            kms_key_id=self._args.keys.data.arn,
            transit_encryption_enabled=True,
            auth_token=self._args.secrets.value("cache"),
            # Not sent when the group is made; the provider uses it for later tokens only.
            auth_token_update_strategy=settings.auth_token_step,
            snapshot_retention_limit=settings.snapshot_retention_days,
            snapshot_window=settings.snapshot_window,
            final_snapshot_identifier=self._final_snapshot(group_id, subnets),
            maintenance_window=settings.maintenance_window,
            log_delivery_configurations=self._logs(group_id),
            apply_immediately=settings.apply_immediately,
            opts=pulumi.ResourceOptions(
                parent=self, protect=context.protect, delete_before_replace=True
            ),
        )
