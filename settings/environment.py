"""One environment: every section, and the rules that no section can see alone."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic_core import PydanticCustomError

from settings.alarms import AlarmsSettings
from settings.backup import BackupSettings
from settings.cache import CacheSettings
from settings.cluster import ClusterSettings, cluster_refusals
from settings.core import Section, clash, setting
from settings.database import DatabaseSettings
from settings.edge import EdgeSettings
from settings.governance import GovernanceSettings
from settings.identity import Identity
from settings.keys import KeysSettings
from settings.lifetimes import ERASURE_DAYS, broken, lifetimes
from settings.network import NetworkSettings
from settings.pooler import PoolerSettings, budget, overdrawn
from settings.registry import RegistrySettings
from settings.secrets import SecretsSettings
from settings.storage import StorageSettings

# Zones that a deployment needs so that a quorum survives the loss of one (CHK-INFRA-01, DR-01).
CUSTOMER_ZONES = 3
# Application logs; their collector arrives with the platform in the cluster (LOG-01).
APPLICATION_LOG_DAYS = 30
BACKUP_DAYS = 30  # the guide's "keep 30 days" (BAK-04)


class Environment(Section):
    """Everything that `Pulumi.<stack>.yaml` says, one section for each component."""

    identity: Identity = setting(allowed="who this deployment is", example={})
    network: NetworkSettings = setting(allowed="the VPC and its subnets", example={})
    keys: KeysSettings = setting(
        KeysSettings(), allowed="lifetimes of the encryption keys", example={}
    )
    storage: StorageSettings = setting(
        StorageSettings(), allowed="buckets and their lifetimes", example={}
    )
    secrets: SecretsSettings = setting(
        SecretsSettings(), allowed="which secrets there are and when they rotate", example={}
    )
    registry: RegistrySettings = setting(
        RegistrySettings(), allowed="image repositories", example={}
    )
    cluster: ClusterSettings = setting(allowed="the Kubernetes cluster and its nodes", example={})
    database: DatabaseSettings = setting(allowed="the PostgreSQL database", example={})
    pooler: PoolerSettings = setting(
        PoolerSettings(), allowed="PgBouncer and the connection budget", example={}
    )
    cache: CacheSettings = setting(allowed="the Redis cache", example={})
    edge: EdgeSettings = setting(
        allowed="names, certificates, firewall, load balancer, CDN", example={}
    )
    backup: BackupSettings = setting(
        BackupSettings(), allowed="backup plan, vaults and restore tests", example={}
    )
    alarms: AlarmsSettings = setting(allowed="thresholds and who is told", example={})
    governance: GovernanceSettings = setting(
        allowed="audit trail, threat detection, budget, delivery roles", example={}
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
    spent = overdrawn(budget(env.pooler, env.database.max_connections))
    if spent is not None:
        yield spent
    yield from _lifetimes(env)
    if env.identity.serves_customers:
        yield from _for_customers(env)


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
            allowed=f"{BACKUP_DAYS} to 35 wherever servesCustomers is true (BAK-01)",
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
    rows = lifetimes(
        env.storage,
        env.backup,
        database_backup_days=env.database.backup_retention_days,
        cache_snapshot_days=env.cache.snapshot_retention_days,
        velero_days=BACKUP_DAYS,
        log_days=APPLICATION_LOG_DAYS,
        audit_log_days=env.governance.audit_retention_days,
    )
    for row in broken(rows):
        yield clash(
            "backup.keepDays" if "snapshots" in row.copy else "database.backupRetentionDays",
            got=f"{row.copy} kept {row.days} days",
            allowed=f"copies that are gone {ERASURE_DAYS} days after an erasure (GDPR-04)",
            example=BACKUP_DAYS,
        )
    blocking = env.backup.blocked_by(env.database.backup_window, env.database.maintenance_window)
    if blocking is not None:
        yield clash(
            "backup.dailyHour",
            got=f"{env.backup.daily_hour}, whose start window meets the database's {blocking}",
            allowed="an hour whose start window is clear of the database's windows and of the hour "
            "before them",
            example=(env.backup.daily_hour + 6) % 24,
        )
    if not env.identity.protect:
        for key, mode in (
            ("storage.lockMode", env.storage.lock_mode),
            ("backup.lockMode", env.backup.lock_mode),
        ):
            if mode.lower() == "compliance":
                yield clash(
                    key,
                    got=f"{mode} while identity.protect is false",
                    allowed="governance: nothing that is locked for compliance can be taken down",
                    example="governance" if key.startswith("backup") else "GOVERNANCE",
                )
