"""What the gateway's rules cost: our document against a bare proxy, both run by the same nginx.

`python -m tests.daemons.bench_gateway` prints one line for each figure; a few thousand requests,
some seconds. Both proxies stand before the same service (a third nginx, so that Python is no
bottleneck), and rounds alternate, so that a busy machine disturbs both sides alike. All rules are
on; only the limit is out of reach, and gzip has work to do.
"""

from __future__ import annotations

import os
import socket
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.daemons.toolbox import free_port, version
from tests.daemons.upstreams import CLOUDFRONT, LOOPBACK, nginx, running_gateway

ROUNDS = 5
CONNECTIONS = 8
BATCH = 50  # requests that a connection sends before it reads: the client must not be the limit
BATCHES = 5
SINGLE = 3000  # requests of a side one after the other, for the latency
OUT_OF_REACH = 1_000_000
BODY = 1200
REQUEST = (
    "GET /v1/runs?page=2 HTTP/1.1\r\nHost: api.archesai.com\r\nAccept-Encoding: gzip\r\n"
    f"X-Forwarded-For: 203.0.113.9, {CLOUDFRONT}\r\nX-Forwarded-Proto: https\r\n\r\n"
).encode()
FRAME = (
    "daemon off;\npid {folder}/pid;\nerror_log stderr crit;\nworker_processes 2;\n"
    "events {{ worker_connections 4096; }}\nhttp {{ access_log off; keepalive_requests 100000;\n"
    "client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; {inside} }}\n"
)
SERVICE = (
    "server {{ listen {port}; location / {{ default_type application/json; "
    'return 200 "{body}"; }} }}'
)
BARE = (
    "upstream service {{ server {service}; keepalive 32; }}\n"
    "server {{ listen {port}; location / {{ proxy_http_version 1.1; "
    'proxy_set_header Connection ""; proxy_pass http://service; }} }}'
)


@dataclass(kw_only=True)
class Side:
    """One proxy and what was measured of it. answer: bytes of one; times in seconds."""

    port: int
    daemon: Any
    answer: int = 0
    rates: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    processor: float = 0.0
    requests: int = 0

    def measure(self) -> None:
        self.answer = self.answer or one_answer(self.port)
        before, begun = processor_seconds(self.daemon.pid), time.perf_counter()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(lambda _: self._batches(), range(CONNECTIONS)))
        count = CONNECTIONS * BATCHES * BATCH
        self.rates.append(count / (time.perf_counter() - begun))
        self.processor += processor_seconds(self.daemon.pid) - before
        self.requests += count

    def _batches(self) -> None:
        with connected(self.port) as connection:
            for _ in range(BATCHES):
                connection.sendall(REQUEST * BATCH)
                read(connection, self.answer * BATCH)

    def percentile(self, percent: int) -> float:
        """Microseconds."""
        return statistics.quantiles(self.latencies, n=100)[percent - 1] * 1e6

    @property
    def processor_each(self) -> float:
        """Microseconds of processor that nginx spends on a request."""
        return self.processor / self.requests * 1e6


def one_by_one(bare: Side, ours: Side) -> None:
    """Latencies in turn, request by request: what disturbs one side disturbs the other as well."""
    with connected(bare.port) as to_bare, connected(ours.port) as to_ours:
        for side, connection in [(bare, to_bare), (ours, to_ours)] * SINGLE:
            begun = time.perf_counter()
            connection.sendall(REQUEST)
            read(connection, side.answer)
            side.latencies.append(time.perf_counter() - begun)


def connected(port: int) -> socket.socket:
    connection = socket.create_connection((LOOPBACK, port), 30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def one_answer(port: int) -> int:
    """How long an answer is; every one is of the same length."""
    with connected(port) as connection:
        connection.sendall(REQUEST)
        got = connection.recv(65536)
        connection.settimeout(0.5)
        try:
            while piece := connection.recv(65536):
                got += piece
        except TimeoutError:
            assert got.startswith(b"HTTP/1.1 200 "), got
            return len(got)
    raise AssertionError("the proxy closed a connection that it should keep")


def read(connection: socket.socket, size: int) -> None:
    while size:
        got = len(connection.recv(min(size, 262144)))
        assert got, "the proxy closed a connection that it should keep"
        size -= got


def processor_seconds(pid: int) -> float:
    """Of a process and its children, which are nginx's workers (proc(5), stat: fields 14, 15)."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ticks = 0
    for each in (str(pid), *children):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def folder(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    return made


def proxy(stack: ExitStack, home: Path, template: str, **values: Any) -> Side:
    """A plain nginx that runs until the stack is closed."""
    port = free_port()
    text = FRAME.format(folder=home, inside=template.format(port=port, **values))
    return Side(port=port, daemon=stack.enter_context(nginx(home, port, text)))


def measured(home: Path) -> tuple[Side, Side]:
    """The bare proxy and ours."""
    with ExitStack() as stack:
        service = proxy(stack, folder(home, "service"), SERVICE, body="x" * BODY)
        behind = f"{LOOPBACK}:{service.port}"
        bare = proxy(stack, folder(home, "bare"), BARE, service=behind)
        limits = {"requests_per_second": OUT_OF_REACH, "burst": OUT_OF_REACH}
        serving = {"api": behind, "app": behind}
        running = running_gateway(folder(home, "ours"), serving, changed=limits)
        gateway = stack.enter_context(running)
        ours = Side(port=gateway.port, daemon=gateway.daemon)
        for _ in range(ROUNDS):
            bare.measure()
            ours.measure()
        one_by_one(bare, ours)
    return bare, ours


def main() -> int:
    """Print every figure."""
    with tempfile.TemporaryDirectory() as home:
        bare, ours = measured(Path(home))
    ratio = statistics.median(o / b for o, b in zip(ours.rates, bare.rates, strict=True))
    number = ".".join(map(str, version("nginx")))
    print(f"gateway: nginx {number}, {ours.requests + SINGLE} requests a side, {BODY} B each")
    print(
        f"gateway throughput: {statistics.median(ours.rates):.0f} requests/s with all rules, "
        f"{statistics.median(bare.rates):.0f} of a bare proxy: {ratio:.2f} of it"
    )
    print(
        f"gateway processor: {ours.processor_each:.0f} us a request, {bare.processor_each:.0f} us "
        "of a bare proxy"
    )
    for percent in (50, 99):
        added = ours.percentile(percent) - bare.percentile(percent)
        print(
            f"gateway latency p{percent}: {ours.percentile(percent):.0f} us, "
            f"{bare.percentile(percent):.0f} us of a bare proxy: {added:+.0f} us"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
