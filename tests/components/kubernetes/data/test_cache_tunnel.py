"""What a client of either cache declares, and the tunnel beside one that has no TLS (A13)."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from components.kubernetes.data.cache_tunnel import cache_client, cache_tunnel, tunnel_cfg
from components.kubernetes.data.sentinel import PASSWORD
from components.kubernetes.workloads.shape import DataStore, Pods
from settings.cache import CacheSettings
from tests.neighbours import known, neighbour
from tests.recorder import record

IMAGE = "docker.io/library/haproxy@sha256:" + "a" * 64
HOST = "master.arches-prod-cache.abc123.euc1.cache.amazonaws.com"


def settings(**changed: Any) -> CacheSettings:
    return CacheSettings.model_validate_json(json.dumps({"proxyImage": IMAGE} | changed))


def endpoint(kind: str, host: str = HOST) -> Any:
    return neighbour(kind=kind, primary_host=host, port=6379)


def test_the_tunnel_checks_the_certificate_against_the_endpoints_name() -> None:
    text = tunnel_cfg(HOST)
    [server] = [line for line in text.splitlines() if line.startswith("  server ")]
    assert server.split() == [
        *("server", "primary", f"{HOST}:6379", "ssl", "verify", "required"),
        *("ca-file", "@system-ca", "sni", f"str({HOST})", "verifyhost", HOST),
        *("check-ssl", "check-sni", HOST),
    ]
    assert "ssl-min-ver TLSv1.2" in text


def test_only_the_pod_itself_enters_the_tunnel() -> None:
    binds = [line.split()[1] for line in tunnel_cfg(HOST).splitlines() if "bind " in line]
    assert binds == [":8405", "127.0.0.1:6379"], "plain Redis on the network"


def test_the_tunnel_is_beside_the_client_and_its_health_is_its_own() -> None:
    container = cache_tunnel(HOST, settings())
    assert container.image == IMAGE
    assert container.env == {"REDIS_PASSWORD": PASSWORD}
    assert [p.number for p in container.ports] == [8405]
    for probe in (container.startup, container.readiness, container.liveness):
        assert probe is not None
        assert (probe.port, probe.path) == ("cache-tunnel", "/health")


def test_the_tunnels_document_names_the_endpoint_that_is_known_later() -> None:
    def program() -> None:
        document = cache_tunnel(known(HOST), settings()).files["/etc/arches"]["haproxy.cfg"]
        pulumi.export("document", document)

    assert record(program).exports["document"] == tunnel_cfg(HOST)


def test_a_tunnel_without_an_image_is_one_clear_line() -> None:
    with pytest.raises(ValueError, match=r"^cache.proxyImage is absent; a client without TLS"):
        cache_tunnel(HOST, settings(proxyImage=None))


def test_a_client_of_elasticache_speaks_to_its_own_pod() -> None:
    client = cache_client(endpoint("elasticache"), settings())
    assert (client.host, client.port) == ("127.0.0.1", 6379)
    assert [c.name for c in client.containers] == ["cache-tunnel"]
    assert client.reaches == DataStore(store="cache")


def test_a_client_with_tls_of_its_own_needs_no_tunnel() -> None:
    client = cache_client(endpoint("elasticache"), settings(clientTls=True, proxyImage=None))
    assert client.containers == ()
    assert client.host == HOST
    assert client.reaches == DataStore(store="cache")


def test_a_client_of_the_cache_inside_the_cluster_speaks_to_its_front() -> None:
    images = {"redisImage": IMAGE, "exporterImage": IMAGE}
    chosen = settings(kind="sentinel", sentinel=images)
    client = cache_client(endpoint("sentinel", "archesai-cache.production"), chosen)
    assert (client.host, client.containers) == ("archesai-cache.production", ())
    assert client.reaches == Pods(component="cache", port="redis")
