"""The tunnel beside a client without TLS, in front of a Redis that speaks nothing else (A13).

Meets ENV-10, REDIS-07: what is refused is as important as what goes through.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.kubernetes.data.cache_tunnel import tunnel_cfg
from tests.daemons.quorum import PASSWORD, Client, Refused, ports
from tests.daemons.toolbox import command, environment, eventually, listens, running

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


class Names:
    """A nameserver that gives every name the same address, which may change at any time."""

    def __init__(self) -> None:
        self.address = "127.0.0.1"
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.line = f"nameserver test 127.0.0.1:{self._socket.getsockname()[1]}"

    def answer_all(self) -> None:
        """Until `end`. One question, one A record that lives five seconds (RFC 1035, 4.1)."""
        while question := self._socket.recvfrom(512):
            asked, who = question
            if not asked:
                return
            end = asked.index(b"\0", 12) + 5
            known = asked[end - 4 : end - 2] == b"\0\1"
            record = b"\xc0\x0c\0\1\0\1" + (5).to_bytes(4, "big") + b"\0\4"
            record += socket.inet_aton(self.address)
            head = asked[:2] + b"\x81\x80\0\1" + (b"\0\1" if known else b"\0\0") + bytes(4)
            self._socket.sendto(head + asked[12:end] + (record if known else b""), who)

    def end(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
            caller.sendto(b"", self._socket.getsockname())


@pytest.fixture
def names() -> Iterator[Names]:
    made = Names()
    thread = threading.Thread(target=made.answer_all)
    thread.start()
    yield made
    made.end()
    thread.join()


@contextlib.contextmanager
def redis_with_tls(
    authority: Path, folder: Path, port: int, address: str = "127.0.0.1"
) -> Iterator[None]:
    """A Redis that speaks TLS only and wants a password, as ElastiCache does."""
    argv = command(
        "redis-server",
        *("--port", "0", "--tls-port", str(port), "--requirepass", PASSWORD, "--save", ""),
        *("--tls-cert-file", authority / "redis.pem", "--tls-key-file", authority / "redis.key"),
        *("--tls-ca-cert-file", authority / "ca.pem", "--tls-auth-clients", "no"),
        *("--dir", folder, "--bind", address),
    )

    def ready() -> bool:
        with socket.socket() as caller:
            return caller.connect_ex((address, port)) == 0

    with running(argv, ready=ready, log=folder / f"redis-{address}.log"):
        yield


@contextlib.contextmanager
def tunnel(
    names: Names, folder: Path, port: int, authorities: str | Path, name: str = NAME
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
            authorities=str(authorities),
            nameserver=names.line,
        )
    )
    argv = ["env", f"REDIS_PASSWORD={PASSWORD}", *command("haproxy", "-W", "-db", "-f", document)]
    with running(argv, ready=lambda: listens(listen), log=folder / "haproxy.log"):
        yield listen


def answers(port: int) -> bool:
    with contextlib.suppress(OSError, Refused), Client(port) as client:
        return client.ask("PING") == "PONG"
    return False


def test_a_plain_client_reaches_a_redis_that_speaks_tls_only(
    authority: Path, names: Names, tmp_path: Path
) -> None:
    [port] = ports(1)
    with (
        redis_with_tls(authority, tmp_path, port),
        tunnel(names, tmp_path, port, authority / "ca.pem") as entrance,
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
    authority: Path, names: Names, tmp_path: Path, name: str, trusted: bool
) -> None:
    [port] = ports(1)
    authorities = authority / "ca.pem" if trusted else "@system-ca"
    with (
        redis_with_tls(authority, tmp_path, port),
        tunnel(names, tmp_path, port, authorities, name) as entrance,
    ):
        assert not answers(entrance), "before the first check too"
        log = tmp_path / "haproxy.log"
        eventually(lambda: "primary/primary is DOWN" in log.read_text(), "it is marked down")
        assert "Layer6 invalid response" in log.read_text(), "refused for another reason than TLS"
        assert not answers(entrance), "the password went to somebody else"


def test_a_restarted_redis_is_found_again_without_a_restart_of_the_tunnel(
    authority: Path, names: Names, tmp_path: Path
) -> None:
    [port] = ports(1)
    with tunnel(names, tmp_path, port, authority / "ca.pem") as entrance:
        assert not answers(entrance), "there is no Redis yet"
        with redis_with_tls(authority, tmp_path, port):
            eventually(lambda: answers(entrance), "first connection")
            held = Client(entrance)
        with pytest.raises(ConnectionError):
            held.ask("PING")
        with redis_with_tls(authority, tmp_path, port):
            took = eventually(lambda: answers(entrance), "connected again")
    print(f"restarted: {took:.1f} s")
    assert took < 15


def test_a_name_that_moves_to_another_redis_is_followed_within_seconds(
    authority: Path, names: Names, tmp_path: Path
) -> None:
    [port] = ports(1)
    with (
        redis_with_tls(authority, tmp_path, port),
        redis_with_tls(authority, tmp_path, port, "127.0.0.2"),
        tunnel(names, tmp_path, port, authority / "ca.pem") as entrance,
    ):
        eventually(lambda: answers(entrance), "the tunnel carries")
        with Client(entrance) as client:
            client.ask("SET", "where", "first")
        names.address = "127.0.0.2"
        took = eventually(lambda: said(entrance, "where") is None, "new clients are at the other")
    print(f"moved: {took:.1f} s")
    assert took < 20, "ElastiCache's failover ends when the name has moved"


def said(port: int, key: str) -> str | None:
    with Client(port) as client:
        return client.ask("GET", key)


def test_clients_of_a_primary_that_was_replaced_are_sent_away(
    authority: Path, names: Names, tmp_path: Path
) -> None:
    [port] = ports(1)
    with (
        redis_with_tls(authority, tmp_path, port),
        tunnel(names, tmp_path, port, authority / "ca.pem") as entrance,
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
        began = eventually(lambda: closed(held), "the connection is closed")
        print(f"replaced: closed after {began:.1f} s")


def closed(client: Client) -> bool:
    try:
        client.ask("PING")
    except OSError:
        return True
    return False
