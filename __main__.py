"""Arches on AWS, in build order. What an environment may decide is in Pulumi.<stack>.yaml."""

import settings
from components.alarms import Alarms, AlarmsArgs
from components.backup import Backup, BackupArgs
from components.cache import CacheArgs
from components.cluster import Cluster, ClusterArgs
from components.context import Context
from components.database import Database, DatabaseArgs
from components.edge import Edge, EdgeArgs
from components.exports import publish
from components.governance import Governance, GovernanceArgs
from components.keys import Keys, KeysArgs
from components.kubernetes.base import ClusterBase, ClusterBaseArgs
from components.kubernetes.data.sentinel import cache_of
from components.kubernetes.platform import Platform, PlatformArgs
from components.kubernetes.provider import on_cluster
from components.network import Network, NetworkArgs
from components.providers import providers
from components.registry import Registry, RegistryArgs
from components.secrets import Secrets, SecretsArgs
from components.storage import Storage, StorageArgs

env = settings.load()
at = Context.of(env.identity)
on = providers(at)

# One component a paragraph; the formatter would give each argument a line of its own.
# fmt: off
keys = Keys("keys", KeysArgs(context=at, settings=env.keys), on)
network = Network("network", NetworkArgs(context=at, settings=env.network, keys=keys), on)
storage = Storage("storage", StorageArgs(context=at, settings=env.storage, keys=keys), on)
secrets = Secrets("secrets", SecretsArgs(context=at, settings=env.secrets, keys=keys), on)
registry = Registry("registry", RegistryArgs(context=at, settings=env.registry, keys=keys), on)
cluster = Cluster("cluster", ClusterArgs(
    context=at, settings=env.cluster, network=network, keys=keys), on)
inside = on_cluster("kubernetes", at, cluster, on)
base = ClusterBase("base", ClusterBaseArgs(context=at, settings=env.cluster, keys=keys), inside)
database = Database("database", DatabaseArgs(
    context=at, settings=env.database, network=network, keys=keys, cluster=cluster), on)
cache = cache_of("cache", CacheArgs(
    context=at, settings=env.cache, network=network, keys=keys, cluster=cluster,
    secrets=secrets), base, on)
edge = Edge("edge", EdgeArgs(
    context=at, settings=env.edge, network=network, keys=keys, cluster=cluster,
    storage=storage, database=database, cache=cache), on)
backup = Backup("backup", BackupArgs(
    context=at, settings=env.backup, keys=keys, database=database, storage=storage), on)
alarms = Alarms("alarms", AlarmsArgs(
    context=at, settings=env.alarms, database_settings=env.database, keys=keys, network=network,
    database=database, cache=cache, cluster=cluster, edge=edge, backup=backup, storage=storage), on)
Platform("platform", PlatformArgs(
    context=at, settings=env, keys=keys, network=network, cluster=cluster, base=base,
    secrets=secrets, storage=storage, database=database, cache=cache, edge=edge,
    alarms=alarms), inside)
governance = Governance("governance", GovernanceArgs(
    context=at, settings=env.governance, edge=env.edge, keys=keys, storage=storage, alarms=alarms,
    registry=registry, cluster=cluster), on)
publish(at, backup=backup, base=base, cache=cache, cluster=cluster, database=database, edge=edge,
        delivery=governance.delivery, registry=registry, storage=storage)
