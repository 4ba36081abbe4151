"""Three Redis, three Sentinels and the front, run from our documents on ports of this machine."""

from __future__ import annotations

import contextlib
import os
import random
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components.kubernetes.data import redis
from settings.cache import CacheSettings, SentinelSettings
from tests.daemons.toolbox import command, environment, eventually

PASSWORD = "CanaryPasswordCanaryPassword0123456789"
HOST = "localhost"
IMAGE = "docker.io/library/image@sha256:" + "a" * 64


def settings(**sentinel: Any) -> CacheSettings:
    """A cache inside the cluster, with little memory and the guide's times."""
    section = SentinelSettings.model_validate(
        {"redisImage": IMAGE, "exporterImage": IMAGE, **sentinel}
    )
    return CacheSettings.model_validate(
        {"kind": "sentinel", "dataMib": 64, "proxyImage": IMAGE, "sentinel": section}
    )


def ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on, below those that outgoing connections get."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(20000, 32000)
        with socket.socket() as door, contextlib.suppress(OSError):
            door.bind(("", port))
            found.append(port)
        if len(set(found)) < len(found):
            found.pop()
    return found


class Refused(Exception):
    """An error that Redis answered."""


class Client:
    """A client with host, port and password and without TLS, as the application's (A13)."""

    def __init__(self, port: int, password: str | None = PASSWORD, timeout: float = 3) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._socket.settimeout(timeout)
        self._lines = self._socket.makefile("rb")
        if password is not None:
            self.ask("AUTH", password)

    def ask(self, *words: str) -> str | None:
        """One command and its answer. Raises Refused, OSError."""
        text = f"*{len(words)}\r\n" + "".join(f"${len(w.encode())}\r\n{w}\r\n" for w in words)
        self._socket.sendall(text.encode())
        line = self._lines.readline().decode()
        if not line.endswith("\r\n"):
            raise ConnectionError("closed")
        kind, said = line[0], line[1:-2]
        if kind == "-":
            raise Refused(said)
        if kind != "$":
            return said
        return None if said == "-1" else self._lines.read(int(said) + 2)[:-2].decode()

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Quorum:
    """The processes by name: redis-0..2, sentinel-0..2, front."""

    def __init__(self, folder: Path, chosen: CacheSettings, password: str = PASSWORD) -> None:
        self.folder, self.settings, self.password = folder, chosen, password
        *members, self.front, self._health = ports(2 * redis.MEMBERS + 2)
        self.redis, self.sentinels = members[: redis.MEMBERS], members[redis.MEMBERS :]
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._programs = folder / "bin"
        self._programs.mkdir()
        for name in ("redis-server", "redis-cli"):
            wrapper = self._programs / name
            wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(command(name))} "$@"\n')
            wrapper.chmod(0o755)
        self._haproxy = command("haproxy")
        self._write()

    # -- documents ------------------------------------------------------------------------------
    def _write(self) -> None:
        sentinels = [(HOST, port) for port in self.sentinels]
        for index, port in enumerate(self.redis):
            home = self._home(f"redis-{index}")
            files = {
                "redis.conf": redis.redis_conf(self.settings, port=port, directory=str(home)),
                "start.sh": redis.redis_start(
                    f"{HOST} {port}", sentinels, conf=f"{home}/redis.conf", written=f"{home}/own"
                ),
                "ready.sh": redis.redis_ready(port=port),
                "leave.sh": redis.redis_leave(f"{HOST} {port}", sentinels, port=port),
            }
            self._fill(home, files)
        for index, port in enumerate(self.sentinels):
            home = self._home(f"sentinel-{index}")
            conf = redis.sentinel_conf(
                self.settings.in_cluster, first=(HOST, self.redis[0]), port=port
            )
            files = {
                "sentinel.conf": conf,
                "start.sh": redis.sentinel_start(
                    f"{HOST} {port}",
                    [(HOST, each) for each in self.redis],
                    conf=f"{home}/sentinel.conf",
                    written=f"{home}/own",
                ),
                "ready.sh": redis.sentinel_ready(sentinels, port=port),
            }
            self._fill(home, files)
        members = [("127.0.0.1", port) for port in self.redis]
        front = redis.front_cfg(members, port=self.front, health_port=self._health)
        self._fill(self._home("front"), {"haproxy.cfg": front})

    def _home(self, name: str) -> Path:
        home = self.folder / name
        home.mkdir(exist_ok=True)
        return home

    def _fill(self, home: Path, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (home / name).write_text(text)

    # -- processes ------------------------------------------------------------------------------
    def _environment(self) -> dict[str, str]:
        around = environment()
        around["PATH"] = f"{self._programs}:{around['PATH']}"
        return around | {"REDISCLI_AUTH": self.password, "REDIS_PASSWORD": self.password}

    def start(self, *names: str) -> None:
        for name in names:
            home = self.folder / name
            argv = ["sh", str(home / "start.sh")]
            if name == "front":
                argv = [*self._haproxy, "-W", "-db", "-f", str(home / "haproxy.cfg")]
            with (home / "log").open("ab") as log:
                self.running[name] = subprocess.Popen(
                    argv,
                    cwd=home,
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def start_all(self) -> None:
        self.start(*self.names, "front")
        eventually(lambda: all(self.ready(name) for name in self.names), "everything is ready")
        eventually(lambda: self.writes("started"), "the front takes writes")

    @property
    def names(self) -> list[str]:
        return [
            f"{kind}-{index}" for index in range(redis.MEMBERS) for kind in ("sentinel", "redis")
        ]

    def script(self, name: str, script: str) -> subprocess.CompletedProcess[str]:
        """A script of a member, as a probe or a hook runs it."""
        return subprocess.run(
            ["sh", str(self.folder / name / f"{script}.sh")],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )

    def ready(self, name: str) -> bool:
        return self.script(name, "ready").returncode == 0

    def send(self, name: str, what: signal.Signals) -> None:
        os.killpg(self.running[name].pid, what)

    def kill(self, name: str, what: signal.Signals = signal.SIGKILL) -> None:
        """Ends a member, and waits until it has ended."""
        self.send(name, what)
        self.running.pop(name).wait(30)

    def end(self) -> None:
        for name in list(self.running):
            with contextlib.suppress(ProcessLookupError):
                self.send(name, signal.SIGKILL)
            self.running.pop(name).wait(10)

    # -- what it says ---------------------------------------------------------------------------
    def log(self, name: str) -> str:
        return (self.folder / name / "log").read_text(errors="replace")

    def port(self, name: str) -> int:
        kind, index = name.split("-")
        return (self.redis if kind == "redis" else self.sentinels)[int(index)]

    def said(self, name: str, key: str) -> str:
        """A value of INFO replication, empty where it has none or nobody answers."""
        with contextlib.suppress(OSError, Refused), self.client(name) as client:
            for line in (client.ask("INFO", "replication") or "").splitlines():
                if line.startswith(f"{key}:"):
                    return line.split(":", 1)[1]
        return ""

    def client(self, name: str, password: str | None = None, timeout: float = 3) -> Client:
        return Client(self.port(name), password or self.password, timeout)

    def primary(self) -> str:
        """Whom two Sentinels name."""
        named = [self._named_by(index) for index in range(redis.MEMBERS)]
        agreed = [port for port in named if port and named.count(port) >= redis.QUORUM]
        return f"redis-{self.redis.index(agreed[0])}" if agreed else ""

    def _named_by(self, index: int) -> int:
        said = subprocess.run(
            [
                *command("redis-cli", "-p", str(self.sentinels[index])),
                *("SENTINEL", "GET-MASTER-ADDR-BY-NAME", redis.MASTER),
            ],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=10,
        ).stdout.split()
        return int(said[1]) if len(said) == 2 and said[1].isdigit() else 0

    def replicas(self) -> list[str]:
        return [n for n in self.names if n.startswith("redis") and n != self.primary()]

    def writes(self, key: str) -> bool:
        """One write through the front, as a new client."""
        with contextlib.suppress(OSError, Refused), Client(self.front, self.password) as client:
            return client.ask("SET", key, key) == "OK"
        return False


@contextlib.contextmanager
def quorum(folder: Path, chosen: CacheSettings | None = None) -> Iterator[Quorum]:
    """A cache that takes writes; every process ends with the block."""
    made = Quorum(folder, chosen or settings())
    try:
        made.start_all()
        yield made
    finally:
        made.end()
