"""TLS to the cache for a client that has none, and what a client has to know of either kind.

The application's Redis client speaks no TLS (A13), and ElastiCache with a token speaks nothing else
(ENV-10, REDIS-07): an HAProxy beside the application takes plain connections on 127.0.0.1 and
forwards them over TLS to the primary endpoint, whose certificate it checks against its name. It
starts before the application, whose first ping decides whether it uses the cache at all, and ends
after it (a native sidecar, as every container after the first).

Meets ENV-10 (e), REDIS-07, SENT-07. A failover moves the endpoint's name: it is asked for every
second, and connections to a Redis that is no primary any more are closed (refusing writes would
be all that a client saw of it). `cache.clientTls` takes the tunnel away once the application has
TLS of its own.

Refused: stunnel (it keeps the address that it found at start, unless it is told to look each time,
and closes nothing on a failover); one tunnel for all pods (plain text on the network again); health
that follows the cache's (the application is to serve without it).
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.cache import PORT, CacheEndpoint
from components.kubernetes.data import redis
from components.kubernetes.data.sentinel import FRONT, PASSWORD
from components.kubernetes.workloads.shape import (
    Container,
    DataStore,
    Peer,
    Pods,
    Port,
    Probe,
    Resources,
)
from settings.cache import CacheSettings

LOOPBACK = "127.0.0.1"
# Not called "metrics": that is the application's own port, and a pod has one.
HEALTH_PORT = Port(name="cache-tunnel", number=8405)
_FILES = "/etc/arches"


def tunnel_cfg(
    host: str,
    *,
    port: int = PORT,
    listen: int = PORT,
    health_port: int = HEALTH_PORT.number,
    authorities: str = "@system-ca",
    nameserver: str = "parse-resolv-conf",
) -> str:
    """haproxy.cfg of the tunnel.

    host: the endpoint's name, in the DNS and in the certificate. authorities: a PEM file, or
    HAProxy's word for those of the system (Amazon's root is there). nameserver: as `haproxy_base`.
    """
    tls = f"ssl verify required ca-file {authorities} sni str({host}) verifyhost {host}"
    return f"""\
{redis.haproxy_base(health_port=health_port, nameserver=nameserver)}
frontend cache
  mode tcp
  bind {LOOPBACK}:{listen}
  default_backend primary

backend primary
{redis.follows_primary("role:master")}\
  server primary {host}:{port} {tls} check-ssl check-sni {host}
"""


def cache_tunnel(endpoint_host: pulumi.Input[str], settings: CacheSettings) -> Container:
    """The container beside a client; the client speaks to 127.0.0.1:6379. Raises ValueError."""
    if settings.proxy_image is None:
        raise ValueError("cache.proxyImage is absent; a client without TLS needs it (A13)")
    health = Probe(port=HEALTH_PORT.name, path="/health", period=5)
    document = (
        tunnel_cfg(endpoint_host)
        if isinstance(endpoint_host, str)
        else pulumi.Output.from_input(endpoint_host).apply(tunnel_cfg)
    )
    return Container(
        name="cache-tunnel",
        image=settings.proxy_image,
        resources=Resources(cpu="20m", memory="32Mi", memory_limit="96Mi"),
        ports=(HEALTH_PORT,),
        command=("haproxy", "-W", "-db", "-f", f"{_FILES}/haproxy.cfg"),
        env={"REDIS_PASSWORD": PASSWORD},
        files={_FILES: {"haproxy.cfg": document}},
        startup=Probe(port=HEALTH_PORT.name, path="/health", period=1, failures=30),
        readiness=health,
        liveness=health,
    )


@dataclass(frozen=True, kw_only=True)
class CacheClient:
    """What a workload that uses the cache declares.

    host, port: where its client connects. containers: beside its own. reaches: for the network
    policies.
    """

    host: pulumi.Input[str]
    port: int
    containers: tuple[Container, ...]
    reaches: Peer


def cache_client(cache: CacheEndpoint, settings: CacheSettings) -> CacheClient:
    """The way to the cache of either kind. Raises ValueError: as `cache_tunnel`."""
    if settings.tunnel:
        return CacheClient(
            host=LOOPBACK,
            port=PORT,
            containers=(cache_tunnel(cache.primary_host, settings),),
            reaches=DataStore(store="cache"),
        )
    inside = settings.kind == "sentinel"
    return CacheClient(
        host=cache.primary_host,
        port=cache.port,
        containers=(),
        reaches=Pods(component=FRONT, port="redis") if inside else DataStore(store="cache"),
    )
