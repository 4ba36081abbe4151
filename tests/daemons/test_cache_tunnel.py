"""The tunnel beside a client without TLS, in front of a Redis that speaks nothing else (A13).

Meets ENV-10, REDIS-07: what is refused is as important as what goes through.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.kubernetes.cache_tunnel import tunnel_cfg
from tests.daemons.quorum import PASSWORD, Client, Refused, eventually, ports
from tests.daemons.toolbox import command, environment, listens, running

NAME = "master.arches-prod-cache.example.internal"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, and a certificate of NAME with its key."""
    folder = tmp_path_factory.mktemp("authority")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    for arguments in (
        ("-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority"),
        (
            *("-x509", *key, "-keyout", "redis.key", "-out", "redis.pem", "-subj", "/CN=redis"),
            *("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", f"subjectAltName=DNS:{NAME}"),
        ),
    ):
        subprocess.run(
            command("openssl", "req", *arguments), cwd=folder, check=True, capture_output=True
        )
    return folder


@contextlib.contextmanager
def redis_with_tls(authority: Path, folder: Path, port: int) -> Iterator[None]:
    """A Redis that speaks TLS only and wants a password, as ElastiCache does."""
    argv = command(
        "redis-server",
        *("--port", "0", "--tls-port", str(port), "--requirepass", PASSWORD, "--save", ""),
        *("--tls-cert-file", authority / "redis.pem", "--tls-key-file", authority / "redis.key"),
        *("--tls-ca-cert-file", authority / "ca.pem", "--tls-auth-clients", "no"),
        *("--dir", folder),
    )
    with running(argv, ready=lambda: listens(port), log=folder / "redis.log"):
        yield


@contextlib.contextmanager
def tunnel(
    folder: Path, port: int, name: str, authorities: str, password: str = PASSWORD
) -> Iterator[int]:
    """The tunnel to a Redis on this machine; the port where the client connects."""
    listen, health = ports(2)
    document = folder / f"haproxy-{listen}.cfg"
    document.write_text(
        tunnel_cfg(
            name,
            port=port,
            listen=listen,
            health_port=health,
            authorities=authorities,
            address="127.0.0.1",
        )
    )
    argv = ["env", f"REDIS_PASSWORD={password}", *command("haproxy", "-W", "-db", "-f", document)]
    with running(argv, ready=lambda: listens(listen), log=folder / "haproxy.log"):
        yield listen


def answers(port: int) -> bool:
    with contextlib.suppress(OSError, Refused), Client(port) as client:
        return client.ask("PING") == "PONG"
    return False


def test_a_plain_client_reaches_a_redis_that_speaks_tls_only(
    authority: Path, tmp_path: Path
) -> None:
    [port] = ports(1)
    with (
        redis_with_tls(authority, tmp_path, port),
        tunnel(tmp_path, port, NAME, str(authority / "ca.pem")) as entrance,
    ):
        with pytest.raises(ConnectionError):
            Client(port, timeout=2)
        eventually(lambda: answers(entrance), "the tunnel carries")
        with Client(entrance) as client:
            client.ask("SET", "k", "v")
            assert client.ask("GET", "k") == "v"
        with pytest.raises(Refused, match="WRONGPASS"):
            Client(entrance, "another" + PASSWORD)


@pytest.mark.parametrize(
    ("name", "trusted"),
    [("other.example.internal", True), (NAME, False)],
    ids=["another name", "another authority"],
)
def test_a_redis_that_is_not_the_one_asked_for_gets_no_byte(
    authority: Path, tmp_path: Path, name: str, trusted: bool
) -> None:
    [port] = ports(1)
    authorities = str(authority / "ca.pem") if trusted else "@system-ca"
    with (
        redis_with_tls(authority, tmp_path, port),
        tunnel(tmp_path, port, name, authorities) as entrance,
    ):
        assert not answers(entrance), "before the first check too"
        log = tmp_path / "haproxy.log"
        eventually(lambda: "primary/primary is DOWN" in log.read_text(), "it is marked down")
        assert "Layer6 invalid response" in log.read_text(), "refused for another reason than TLS"
        assert not answers(entrance), "the password went to somebody else"


def test_a_restarted_redis_is_found_again_without_a_restart_of_the_tunnel(
    authority: Path, tmp_path: Path
) -> None:
    [port] = ports(1)
    with tunnel(tmp_path, port, NAME, str(authority / "ca.pem")) as entrance:
        assert not answers(entrance), "there is no Redis yet"
        with redis_with_tls(authority, tmp_path, port):
            eventually(lambda: answers(entrance), "first connection")
            held = Client(entrance)
        with pytest.raises(ConnectionError):
            held.ask("PING")
        with redis_with_tls(authority, tmp_path, port):
            took = eventually(lambda: answers(entrance), "connected again")
    print(f"restarted: {took:.1f} s")
    assert took < 5


def test_clients_of_a_primary_that_was_replaced_are_sent_away(
    authority: Path, tmp_path: Path
) -> None:
    [port] = ports(1)
    with (
        redis_with_tls(authority, tmp_path, port),
        tunnel(tmp_path, port, NAME, str(authority / "ca.pem")) as entrance,
    ):
        eventually(lambda: answers(entrance), "the tunnel carries")
        held = Client(entrance, timeout=10)
        argv = command(
            "redis-cli",
            *("-p", str(port), "--tls", "--cacert", authority / "ca.pem", "--sni", NAME),
            *("REPLICAOF", "127.0.0.1", "1"),
        )
        around = environment() | {"REDISCLI_AUTH": PASSWORD}
        subprocess.run(argv, env=around, check=True, capture_output=True)
        began = eventually(lambda: closed(held), "the connection is closed", 10)
        print(f"replaced: closed after {began:.1f} s")


def closed(client: Client) -> bool:
    try:
        client.ask("PING")
    except OSError:
        return True
    return False
