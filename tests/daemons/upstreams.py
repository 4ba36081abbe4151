"""What stands on both sides of the gateway in its tests: stub services behind, clients before it.

The stubs answer as the application does (A17, A19 of the requirements): with security headers of
their own, one JSON object, large headers, streams and sockets, by path.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import socket
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from components.kubernetes.gateway.nginx import nginx_conf
from settings.edge import EdgeSettings
from tests.daemons.toolbox import command, free_port, listens, running
from tests.settings.test_edge_settings import edge
from tests.settings.test_gateway_settings import gateway

LOOPBACK = "127.0.0.1"  # stands for the load balancer's subnets
STRANGER = "127.0.0.2"  # a peer that is not the load balancer
CLOUDFRONT = "130.176.1.1"  # what the balancer appends: who connected to it
# The application's own headers (A17), each of which would come twice.
OWN_HEADERS = {
    "Strict-Transport-Security": "max-age=31536000",
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "1; mode=block",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'",
    "X-Powered-By": "Express",
}


class _Stub(BaseHTTPRequestHandler):
    """Answers by path; unknown ones echo the request."""

    protocol_version = "HTTP/1.1"
    server_version = "archesai/1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        address = urllib.parse.urlsplit(self.path)
        asked = dict(urllib.parse.parse_qsl(address.query))
        if self.headers.get("Upgrade") == "websocket":
            return self._socket()
        if address.path == "/stream":
            return self._stream()
        if address.path == "/slow":
            time.sleep(float(asked["seconds"]))
        headers = {"Content-Type": asked.get("type", "application/json")}
        if "cookie" in asked:
            headers["Set-Cookie"] = "session=" + "x" * int(asked["cookie"])
        if "caching" in asked:
            headers["Cache-Control"] = asked["caching"]
        body = b"x" * int(asked["bytes"]) if "bytes" in asked else self._echo()
        return self._answer(int(asked.get("status", 200)), body, headers)

    do_POST = do_GET  # noqa: N815 (http.server's name)

    def _echo(self) -> bytes:
        length = int(self.headers.get("Content-Length", 0))
        received = len(self.rfile.read(length))
        told = {name.lower(): value for name, value in self.headers.items()}
        return json.dumps(
            {
                "path": self.path,
                "headers": told,
                "received": received,
                "connection": self.client_address[1],
            }
        ).encode()

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**OWN_HEADERS, **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for wait, piece in ((0, b"data: one\n\n"), (3, b"data: two\n\n")):
            time.sleep(wait)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _socket(self) -> None:
        """Says hello and gives back what comes."""
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.end_headers()
        self.wfile.write(b"hello")
        self.wfile.write(self.connection.recv(64))
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the gateway's log is the one that is looked at."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextlib.contextmanager
def stub() -> Iterator[str]:
    """A service of the application, as host:port."""
    server = _Server((LOOPBACK, 0), _Stub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def full() -> Iterator[str]:
    """A service that takes no connection: its queue is full, and the kernel drops who knocks."""
    with socket.socket() as door, contextlib.ExitStack() as waiting:
        door.bind((LOOPBACK, 0))
        door.listen(0)
        for _ in range(4):
            caller = waiting.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(door.getsockname())
        yield f"{LOOPBACK}:{door.getsockname()[1]}"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """headers: as they came, in order; a name may stand there twice."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """A running nginx with a document of ours."""

    port: int
    status_port: int
    conf: Path
    log: Path
    daemon: Any

    def ask(
        self,
        path: str = "/echo",
        *,
        host: str = "api.archesai.com",
        viewer: str | None = None,
        forwarded: str | None = None,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        body: bytes | None = None,
        source: str = LOOPBACK,
        status: bool = False,
    ) -> Answer:
        """One request as the balancer sends it.

        viewer: the client's address, one that nobody had before unless given. forwarded: the whole
        X-Forwarded-For instead. status: to the port that the kubelet asks.
        """
        sent = {
            "Host": host,
            "X-Forwarded-For": forwarded or f"{viewer or new_viewer()}, {CLOUDFRONT}",
            "X-Forwarded-Proto": "https",
            "Via": "2.0 abc.cloudfront.net (CloudFront)",
            **(headers or {}),
        }
        port = self.status_port if status else self.port
        connection = http.client.HTTPConnection(LOOPBACK, port, 30, source_address=(source, 0))
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers=sent)
            got = connection.getresponse()
            return Answer(status=got.status, headers=got.getheaders(), body=got.read())

    def lines(self, request_id: str) -> list[dict[str, Any]]:
        """The access log's lines about one request; waits for them, since nginx writes last."""
        for _ in range(40):
            text = self.log.read_text()
            found = [json.loads(line) for line in text.splitlines() if request_id in line]
            if found:
                return found
            time.sleep(0.05)
        return []


_viewers = itertools.count(1)


def new_viewer() -> str:
    """An address that no client had before (198.18.0.0/15, RFC 2544: for measurements)."""
    number = next(_viewers)
    return f"198.18.{number // 256}.{number % 256}"


def argv(conf: Path) -> list[str]:
    """nginx with this document. As root its workers must be root as well, to reach the tests'
    folders; in a pod there is no root."""
    directives = ("-g", "user root;") if os.geteuid() == 0 else ()
    return command("nginx", "-e", "stderr", "-p", conf.parent, *directives, "-c", conf)


@contextlib.contextmanager
def nginx(folder: Path, port: int, text: str) -> Iterator[Any]:
    """A running nginx with any document that listens on `port`."""
    conf = folder / "nginx.conf"
    conf.write_text(text)
    with running(argv(conf), ready=lambda: listens(port), log=folder / "log") as daemon:
        yield daemon


@contextlib.contextmanager
def running_gateway(
    folder: Path,
    serving: Mapping[Any, str],
    *,
    changed: Mapping[str, Any] | None = None,
    protocol: str = "HTTP",
    **document: Any,
) -> Iterator[Gateway]:
    """The gateway's document, run.

    changed: settings, also beyond what an environment may choose. document: of nginx_conf.
    """
    port, status_port = free_port(), free_port()
    settings = gateway().model_copy(update=dict(changed or {}))
    text = nginx_conf(
        settings,
        listening(port, protocol),
        balancer_cidrs=[f"{LOOPBACK}/32"],
        serving=serving,
        status_port=status_port,
        scratch=str(folder),
        certificate=str(folder),
        **document,
    )
    with nginx(folder, port, text) as daemon:
        yield Gateway(
            port=port,
            status_port=status_port,
            conf=folder / "nginx.conf",
            log=folder / "log",
            daemon=daemon,
        )


def listening(port: int, protocol: str = "HTTP") -> EdgeSettings:
    """The edge with the gateway on this port."""
    target = {"port": port, "protocol": protocol, "hosts": ["api", "app"]}
    return edge(targets={"gateway": target})
