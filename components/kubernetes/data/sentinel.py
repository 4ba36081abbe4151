"""The cache inside the cluster: three Redis, three Sentinels, and the one address before them.

Meets REDIS-01 to REDIS-07, SENT-01 to SENT-07, ENV-10 and CHK-INFRA-03 where the environment's
cache is of the kind "sentinel". What the programs read is components/kubernetes/data/redis.py.

- redis: a StatefulSet of three, one in each zone, each with its append-only file on a volume;
- sentinel: a StatefulSet of three, one in each zone, each with a small volume, since votes and
  epochs must survive; apart from Redis, so that an update of one leaves the other alone;
- cache: a Deployment of two HAProxy, whose Service is the address of the cache, since the
  application speaks to one host and asks no Sentinel (A13, SENT-07).

Without TLS, since this revision of the application has none (A13): the password crosses the
network of our own nodes only, which network policies narrow to the declared pods and which the
Nitro instances encrypt between each other (EC2 user guide, "Encryption in transit"; REDIS-07).

A drain takes one member at a time; a primary hands over before it stops, so that nothing is lost.
A new password (`secrets.generation.cache`) rolls through Redis and Sentinel by itself, in minutes;
while both passwords are about, the cache may stand still and writes of that time may be lost, so
it is done when few people work. Nothing is kept here that PostgreSQL does not have (REDIS-03).

Refused: Redis, Sentinel and front in one pod (each update of any would be a failover); an operator
or a chart for it (a second owner of the same promises, with its own defaults); a reader address
of its own (the application reads where it writes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi

from components.cache import PORT, Cache, CacheArgs, CacheEndpoint
from components.context import Context
from components.kubernetes.data import redis
from components.kubernetes.workloads.shape import (
    APPLICATION,
    Container,
    Pods,
    Port,
    Probe,
    Resources,
    SecretValue,
    SyncedSecret,
    Volume,
    Workload,
)
from components.kubernetes.workloads.workload import Deployed, DeployedArgs
from settings.cache import MEMBERS, CacheSettings
from settings.cluster import ClusterSettings

if TYPE_CHECKING:
    from components.kubernetes.base import ClusterBase

REDIS, SENTINEL, FRONT = "redis", "sentinel", "cache"
EXPORTER_PORT = Port(name="metrics", number=9121)
HEALTH_PORT = Port(name="metrics", number=8404)

# The cache's password, for everybody who speaks to it from the cluster.
PASSWORD = SecretValue(secret=f"{APPLICATION}-cache", key="REDIS_PASSWORD")

_DATA = "/data"
_FILES = "/etc/arches"
_WRITTEN = "/tmp/redis.conf"
# A restart may have to load 2 GiB, and waits for Sentinels that start at the same time.
_PATIENT = 120
_SENTINEL_VOLUME_GIB = 1  # the smallest that EBS has


def members(component: str, namespace: str, port: int) -> tuple[redis.Address, ...]:
    """The addresses of a StatefulSet's pods, in full: HAProxy completes no name."""
    set_name = f"{APPLICATION}-{component}"
    return tuple(
        (f"{set_name}-{index}.{set_name}.{namespace}.svc.cluster.local", port)
        for index in range(MEMBERS)
    )


def _own(component: str, namespace: str, port: int) -> str:
    """What a pod says of itself; its host name is the pod's."""
    return f"$(hostname).{APPLICATION}-{component}.{namespace}.svc.cluster.local {port}"


def _script(name: str) -> tuple[str, ...]:
    return ("sh", f"{_FILES}/{name}.sh")


def _exporter(settings: CacheSettings, port: int) -> Container:
    return Container(
        name="exporter",
        image=settings.in_cluster.exporter_image,
        resources=Resources(cpu="20m", memory="32Mi", memory_limit="64Mi"),
        ports=(EXPORTER_PORT,),
        env={"REDIS_ADDR": f"redis://127.0.0.1:{port}", "REDIS_PASSWORD": PASSWORD},
    )


def redis_workload(settings: CacheSettings, namespace: str) -> Workload:
    """Three Redis, of which Sentinel says who is the primary."""
    sentinels = members(SENTINEL, namespace, redis.SENTINEL_PORT)
    own = _own(REDIS, namespace, redis.REDIS_PORT)
    memory = f"{settings.member_mib}Mi"
    ping = ("redis-cli", "-p", str(redis.REDIS_PORT), "ping")
    main = Container(
        name=REDIS,
        image=settings.in_cluster.redis_image,
        # As much as it may take: a node that runs out of memory would kill it first otherwise.
        resources=Resources(cpu=settings.in_cluster.cpu, memory=memory, memory_limit=memory),
        ports=(Port(name="redis", number=redis.REDIS_PORT),),
        command=_script("start"),
        env={"REDISCLI_AUTH": PASSWORD},
        files={
            _FILES: {
                "redis.conf": redis.redis_conf(settings, directory=_DATA),
                "start.sh": redis.redis_start(
                    own, sentinels, conf=f"{_FILES}/redis.conf", written=_WRITTEN
                ),
                "ready.sh": redis.redis_ready(),
                "leave.sh": redis.redis_leave(own, sentinels),
            }
        },
        startup=Probe(command=ping, period=5, failures=_PATIENT),
        readiness=Probe(command=_script("ready"), period=5),
        liveness=Probe(command=ping, failures=6),
        before_stop=_script("leave"),
    )
    return Workload(
        component=REDIS,
        containers=(main, _exporter(settings, redis.REDIS_PORT)),
        reaches=(
            Pods(component=REDIS, port="redis"),
            Pods(component=SENTINEL, port="sentinel"),
        ),
        metrics=EXPORTER_PORT.name,
        minimum=MEMBERS,
        volume=Volume(path=_DATA, gib=settings.in_cluster.storage_gib),
        # To hand over, and then Redis's own ten seconds for replicas that lag (shutdown-timeout).
        stop_seconds=redis.LEAVE_SECONDS + 40,
    )


def sentinel_workload(settings: CacheSettings, namespace: str) -> Workload:
    """Three Sentinels, which agree by two on who is the primary."""
    sentinels = members(SENTINEL, namespace, redis.SENTINEL_PORT)
    own = _own(SENTINEL, namespace, redis.SENTINEL_PORT)
    replicas = members(REDIS, namespace, redis.REDIS_PORT)
    ping = ("redis-cli", "-p", str(redis.SENTINEL_PORT), "ping")
    main = Container(
        name=SENTINEL,
        image=settings.in_cluster.redis_image,
        resources=Resources(cpu="50m", memory="32Mi", memory_limit="64Mi"),
        ports=(Port(name="sentinel", number=redis.SENTINEL_PORT),),
        command=_script("start"),
        env={"REDISCLI_AUTH": PASSWORD},
        files={
            _FILES: {
                "sentinel.conf": redis.sentinel_conf(settings.in_cluster, first=replicas[0]),
                "start.sh": redis.sentinel_start(
                    own,
                    replicas,
                    conf=f"{_FILES}/sentinel.conf",
                    written=f"{_DATA}/sentinel.conf",
                ),
                "ready.sh": redis.sentinel_ready(sentinels),
            }
        },
        startup=Probe(command=ping, period=2, failures=30),
        readiness=Probe(command=_script("ready"), timeout=8),
        liveness=Probe(command=ping, failures=6),
    )
    return Workload(
        component=SENTINEL,
        containers=(main, _exporter(settings, redis.SENTINEL_PORT)),
        reaches=(
            Pods(component=REDIS, port="redis"),
            Pods(component=SENTINEL, port="sentinel"),
        ),
        metrics=EXPORTER_PORT.name,
        minimum=MEMBERS,
        volume=Volume(path=_DATA, gib=_SENTINEL_VOLUME_GIB),
    )


def front_workload(settings: CacheSettings, namespace: str) -> Workload:
    """The address of the cache: connections go to the one primary that may write."""
    assert settings.proxy_image is not None  # the settings refuse this kind without it
    replicas = members(REDIS, namespace, redis.REDIS_PORT)
    health = Probe(port=HEALTH_PORT.name, path="/health", period=5)
    return Workload(
        component=FRONT,
        containers=(
            Container(
                name=FRONT,
                image=settings.proxy_image,
                resources=Resources(cpu="50m", memory="64Mi", memory_limit="128Mi"),
                ports=(Port(name="redis", number=PORT), HEALTH_PORT),
                command=("haproxy", "-W", "-db", "-f", f"{_FILES}/haproxy.cfg"),
                env={"REDIS_PASSWORD": PASSWORD},
                files={
                    _FILES: {
                        "haproxy.cfg": redis.front_cfg(replicas, health_port=HEALTH_PORT.number)
                    }
                },
                readiness=health,
                liveness=health,
            ),
        ),
        reaches=(Pods(component=REDIS, port="redis"),),
        metrics=HEALTH_PORT.name,
        minimum=2,
        drain_seconds=5,
    )


def sentinel_workloads(settings: CacheSettings, namespace: str) -> tuple[Workload, ...]:
    """What runs for the cache in the cluster: nothing where it is ElastiCache."""
    if settings.kind != "sentinel":
        return ()
    makers = (sentinel_workload, redis_workload, front_workload)
    return tuple(make(settings, namespace) for make in makers)


def cache_secrets(settings: CacheSettings) -> tuple[SyncedSecret, ...]:
    """The Secret of `PASSWORD`, where anything in the cluster reads it."""
    if settings.kind != "sentinel" and not settings.tunnel:
        return ()
    return (SyncedSecret(name=PASSWORD.secret, values={PASSWORD.key: "cache"}),)


@dataclass(kw_only=True)
class InsideCache:
    """A `CacheEndpoint`: where the cache in the cluster will be, before any pod of it is."""

    kind: str
    primary_host: pulumi.Output[str]
    reader_host: pulumi.Output[str]
    port: int
    secret_arn: pulumi.Output[str]
    member_ids: list[pulumi.Output[str]] = field(default_factory=list)


def cache_of(
    name: str, args: CacheArgs, base: ClusterBase, opts: pulumi.ResourceOptions | None = None
) -> CacheEndpoint:
    """The environment's cache, of whichever kind its settings say.

    Pods of the one in the cluster are `Sentinel`'s, which has to wait for operators; those who
    only need its address do not.
    """
    if args.settings.kind != "sentinel":
        return Cache(name, args, opts)
    host = pulumi.Output.concat(f"{APPLICATION}-{FRONT}.", base.namespace, ".svc.cluster.local")
    return InsideCache(
        kind=args.settings.kind,
        primary_host=host,
        reader_host=host,
        port=PORT,
        secret_arn=args.secrets.arns["cache"],
    )


@dataclass(frozen=True, kw_only=True)
class SentinelArgs:
    """after: what its pods wait for, `cache_secrets` and the kinds of monitors among it."""

    context: Context
    settings: CacheSettings
    cluster_settings: ClusterSettings
    base: ClusterBase
    after: Sequence[pulumi.Resource] = ()


class Sentinel(pulumi.ComponentResource):
    """The pods of the cache in the cluster; none where it is ElastiCache.

    workloads: what it runs. ready: what a client waits for; for `depends_on` only.
    """

    workloads: tuple[Workload, ...]
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: SentinelArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Sentinel", name, None, opts)
        self.workloads = sentinel_workloads(args.settings, args.cluster_settings.namespace)
        # All at once: a Redis waits for Sentinels, and the front for a Redis.
        self.ready = [
            resource
            for workload in self.workloads
            for resource in Deployed(
                f"{name}-{workload.component}",
                DeployedArgs(
                    context=args.context,
                    namespace=args.base.namespace,
                    workload=workload,
                    after=args.after,
                ),
                pulumi.ResourceOptions(parent=self),
            ).ready
        ]
        self.register_outputs({"components": [each.component for each in self.workloads]})
