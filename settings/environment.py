"""One environment: every section, and the rules that no section can see alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic_core import PydanticCustomError

from settings.alarms import AlarmsSettings
from settings.backup import BackupSettings
from settings.bootstrap import BootstrapSettings, bootstrap_refusals
from settings.cache import CacheSettings, cache_refusals
from settings.cluster import ClusterSettings, cluster_refusals
from settings.core import Section, clash, setting
from settings.database import DatabaseSettings
from settings.dumps import DumpsSettings, dumps_refusals
from settings.edge import EdgeSettings
from settings.gateway import GatewaySettings, gateway_refusals
from settings.governance import GovernanceSettings
from settings.guardrails import GuardrailsSettings
from settings.identity import Identity
from settings.images import DIGEST
from settings.keys import KeysSettings
from settings.lifetimes import ERASURE_DAYS, broken, lifetimes
from settings.network import NetworkSettings
from settings.observability import ObservabilitySettings
from settings.operators import OperatorsSettings, operators_refusals
from settings.pooler import PoolerSettings, budget, overdrawn
from settings.registry import RegistrySettings
from settings.retention import RetentionSettings
from settings.secrets import SecretsSettings
from settings.storage import StorageSettings
from settings.velero import VeleroSettings
from settings.workloads import WorkloadsSettings
from settings.workloads import refused as workloads_refusals

# Zones that a deployment needs so that a quorum survives the loss of one (CHK-INFRA-01, DR-01).
CUSTOMER_ZONES = 3
BACKUP_DAYS = 30  # the guide's "keep 30 days" (BAK-04)

_LIBRARY, _DIGEST = "docker.io/library", f"@sha256:{DIGEST}"

# Which key decides how long a copy of people's data lives (settings/lifetimes.py).
DECIDED_BY: Mapping[str, str] = {
    "dumps and their replica": "storage.dumpDays",
    "old and deleted versions of files, and their replica": "storage.noncurrentDays",
    "access logs": "storage.accessLogDays",
    "automated backups of the database": "database.backupRetentionDays",
    "automated backups of the database in the second region": "backup.keepDays",
    "daily snapshots and their copy in the second region": "backup.keepDays",
    "hourly snapshots and their copy in the second region": "backup.hourlyKeepDays",
    "snapshots of files with their old versions, and their copy": "backup.files",
    "snapshots of the cache": "cache.snapshotRetentionDays",
    "log of the cache": "cache.logRetentionDays",
    "application and container logs": "operators.logging.retentionDays",
}


def _smallest(section: type[Section]) -> dict[str, Any]:
    """What a section has to say, from its keys' examples; its first key where it has to nothing."""
    fields = list(section.model_fields.values())
    return {
        str(field.alias): (field.examples or [None])[0]
        for field in [each for each in fields if each.is_required()] or fields[:1]
    }


class Environment(Section):
    """Everything that `Pulumi.<stack>.yaml` says, one section for each component."""

    identity: Identity = setting(
        allowed="a mapping that says who this deployment is", example=_smallest(Identity)
    )
    network: NetworkSettings = setting(
        allowed="a mapping for the VPC and its subnets", example=_smallest(NetworkSettings)
    )
    keys: KeysSettings = setting(
        KeysSettings(),
        allowed="a mapping for the encryption keys",
        example=_smallest(KeysSettings),
    )
    storage: StorageSettings = setting(
        StorageSettings(),
        allowed="a mapping for the buckets and how long they keep things",
        example=_smallest(StorageSettings),
    )
    secrets: SecretsSettings = setting(
        SecretsSettings(),
        allowed="a mapping that says which secrets there are and when they are replaced",
        # Its first key would ask for a secret.
        example={"recoveryWindowDays": 30},
    )
    registry: RegistrySettings = setting(
        RegistrySettings(),
        allowed="a mapping for the image repositories",
        example=_smallest(RegistrySettings),
    )
    cluster: ClusterSettings = setting(
        allowed="a mapping for the Kubernetes cluster and its nodes",
        example=_smallest(ClusterSettings),
    )
    database: DatabaseSettings = setting(
        allowed="a mapping for the PostgreSQL database", example=_smallest(DatabaseSettings)
    )
    bootstrap: BootstrapSettings = setting(
        allowed="a mapping for the inside of the database: roles, extensions, migrations",
        example=_smallest(BootstrapSettings),
    )
    pooler: PoolerSettings = setting(
        allowed="a mapping for PgBouncer and the connection budget",
        example=_smallest(PoolerSettings),
    )
    cache: CacheSettings = setting(
        allowed="a mapping for the Redis cache",
        example={"proxyImage": f"{_LIBRARY}/haproxy{_DIGEST}"},
    )
    edge: EdgeSettings = setting(
        allowed="a mapping for names, certificates, firewall, load balancer and CDN",
        example=_smallest(EdgeSettings),
    )
    workloads: WorkloadsSettings = setting(
        allowed="a mapping for the application's programs",
        example={
            "api": {"image": f"ghcr.io/archesai/archesai{_DIGEST}"},
            "platform": {"image": f"ghcr.io/archesai/platform{_DIGEST}"},
        },
    )
    gateway: GatewaySettings = setting(
        allowed="a mapping for nginx between the load balancer and the programs",
        example=_smallest(GatewaySettings),
    )
    guardrails: GuardrailsSettings = setting(
        GuardrailsSettings(),
        allowed="a mapping for what the application's namespace admits",
        example=_smallest(GuardrailsSettings),
    )
    operators: OperatorsSettings = setting(
        OperatorsSettings(),
        allowed="a mapping for what runs beside the application: charts and their sizes",
        example=_smallest(OperatorsSettings),
    )
    observability: ObservabilitySettings = setting(
        ObservabilitySettings(),
        allowed="a mapping for what alerts promise and who hears of them",
        example=_smallest(ObservabilitySettings),
    )
    dumps: DumpsSettings = setting(
        allowed="a mapping for the daily dump of the database",
        example=_smallest(DumpsSettings),
    )
    velero: VeleroSettings = setting(
        VeleroSettings(),
        allowed="a mapping for the copies of the cluster's objects",
        example=_smallest(VeleroSettings),
    )
    retention: RetentionSettings = setting(
        RetentionSettings(),
        allowed="a mapping for what is erased, and after how many days",
        example=_smallest(RetentionSettings),
    )
    backup: BackupSettings = setting(
        BackupSettings(),
        allowed="a mapping for the backup plan, its vaults and restore tests",
        example=_smallest(BackupSettings),
    )
    alarms: AlarmsSettings = setting(
        allowed="a mapping that says who is told, and from which value on",
        example=_smallest(AlarmsSettings),
    )
    governance: GovernanceSettings = setting(
        allowed="a mapping for audit trail, threat detection, budget and delivery",
        example=_smallest(GovernanceSettings),
    )


def refused(env: Environment) -> Iterator[PydanticCustomError]:
    """What is wrong between sections; keys are paths from the environment's root."""
    yield from _zones(env)
    yield from cluster_refusals(
        env.cluster,
        zones=len(env.network.zones),
        network_cidr=env.network.cidr,
        serves_customers=env.identity.serves_customers,
    )
    spent = overdrawn(budget(env.pooler, env.database.max_connections, env.workloads.api))
    if spent is not None:
        yield spent
    yield from _inside(env)
    yield from _lifetimes(env)
    if env.identity.serves_customers:
        yield from _for_customers(env)


def _inside(env: Environment) -> Iterator[PydanticCustomError]:
    """What runs in the cluster agrees with the door before it and the stores behind it."""
    people = env.identity.serves_customers
    yield from workloads_refusals(env.workloads, env.edge, serves_customers=people)
    yield from gateway_refusals(
        env.gateway, env.edge, env.workloads.programs, serves_customers=people
    )
    yield from operators_refusals(env.operators, serves_customers=people)
    yield from bootstrap_refusals(env.bootstrap, database_major=env.database.major)
    yield from cache_refusals(env.cache)
    pager = env.observability.pager_refused(env.alarms.pager)
    if pager is not None:
        yield pager
    yield from dumps_refusals(env.dumps, env.retention, disk_gib=env.cluster.nodes.disk_gib)


def _zones(env: Environment) -> Iterator[PydanticCustomError]:
    region = env.identity.region
    strangers = [zone for zone in env.network.zones if zone[:-1] != region]
    if strangers:
        yield clash(
            "network.zones",
            got=f"{strangers[0]}, which is not in {region}",
            allowed=f"zones of the region {region}",
            example=[f"{region}a", f"{region}b", f"{region}c"],
        )


def _for_customers(env: Environment) -> Iterator[PydanticCustomError]:
    """What an environment may not save on where people depend on it."""
    region = env.identity.region
    if len(env.network.zones) < CUSTOMER_ZONES:
        yield clash(
            "network.zones",
            got=f"{len(env.network.zones)} zones while servesCustomers is true",
            allowed=f"at least {CUSTOMER_ZONES} zones, so that losing one is survived",
            example=[f"{region}a", f"{region}b", f"{region}c"],
        )
    if env.network.nat == "single":
        yield clash(
            "network.nat",
            got='"single" while servesCustomers is true',
            allowed='"per-zone", so that losing a zone cuts off that zone only, or "none"',
            example="per-zone",
        )
    if not env.database.multi_az:
        yield clash(
            "database.multiAz",
            got="false while servesCustomers is true",
            allowed="true wherever servesCustomers is true (DR-01)",
            example="true",
        )
    if env.cache.nodes < CUSTOMER_ZONES:
        yield clash(
            "cache.nodes",
            got=f"{env.cache.nodes} while servesCustomers is true",
            allowed="3 to 6: a primary and two replicas in three zones (SENT-02, SENT-05)",
            example=CUSTOMER_ZONES,
        )
    if env.database.backup_retention_days < BACKUP_DAYS:
        yield clash(
            "database.backupRetentionDays",
            got=f"{env.database.backup_retention_days} while servesCustomers is true",
            allowed=f"{BACKUP_DAYS} wherever servesCustomers is true (BAK-01); longer would "
            "outlive the promise to erase (GDPR-04)",
            example=BACKUP_DAYS,
        )
    copies = {
        "storage.replicate": env.storage.replicate,
        "storage.replicationTimeControl": env.storage.replication_time_control,
        "backup.replicateLogs": env.backup.replicate_logs,
        "backup.restoreTest": env.backup.restore_test,
    }
    for key, on in copies.items():
        if not on:
            yield clash(
                key,
                got="false while servesCustomers is true",
                allowed="true wherever servesCustomers is true (DR-01, DR-02)",
                example="true",
            )
    edge = env.edge.customer_clash()
    if edge is not None:
        yield edge


def _lifetimes(env: Environment) -> Iterator[PydanticCustomError]:
    """No copy outlives the promise of erasure, no lock outlives the environment."""
    for row in broken(lifetimes(env)):
        key = DECIDED_BY[row.copy]
        yield clash(
            key,
            got=f"{row.copy} kept {row.days} days",
            allowed=f"copies that are gone {ERASURE_DAYS} days after an erasure (GDPR-04)",
            # Files: two keys add up, so no single number would help.
            example="false, or storage.noncurrentDays 23 with backup.keepDays 7"
            if key == "backup.files"
            else ERASURE_DAYS,
        )
    times = (env.database.backup_window, env.database.maintenance_window)
    blocking = env.backup.blocked_by(*times)
    if blocking is not None:
        later = [(env.backup.daily_hour + hours) % 24 for hours in range(1, 24)]
        moved = [env.backup.model_copy(update={"daily_hour": hour}) for hour in later]
        clear = [backup.daily_hour for backup in moved if backup.blocked_by(*times) is None]
        yield clash(
            "backup.dailyHour",
            got=f"{env.backup.daily_hour}, whose start window meets the database's {blocking}",
            allowed="an hour whose start window is clear of the database's windows and of the hour "
            "before them",
            example=clear[0] if clear else "a shorter backup.startWindowMinutes",
        )
    if not env.identity.protect:
        for key, mode, other in (
            ("storage.lockMode", env.storage.lock_mode, "GOVERNANCE"),
            ("backup.lockMode", env.backup.lock_mode, "governance"),
        ):
            if mode.lower() == "compliance":
                yield clash(
                    key,
                    got=f'"{mode}" while identity.protect is false',
                    allowed=f"{other}: nothing that is locked for compliance can be taken down",
                    example=other,
                )
