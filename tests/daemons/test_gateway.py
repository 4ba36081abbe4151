"""The gateway's nginx.conf, read and run by nginx: what a client, the API and an auditor see of it.

Meets LB-04, LB-06, LB-11 to LB-24, SEC-01, CDN-01 to CDN-04, LOG-04, AUDIT-01,
ENV-20, UPD-03.
"""

from __future__ import annotations

import gzip
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from components.cdn import IMMUTABLE
from components.kubernetes.gateway.nginx import STATUS_PORT, Timing, security_headers
from tests.daemons.toolbox import PATIENCE_SECONDS, eventually, free_port
from tests.daemons.upstreams import (
    CLOUDFRONT,
    LOOPBACK,
    STRANGER,
    Gateway,
    argv,
    full,
    new_viewer,
    running_gateway,
    stub,
)
from tests.settings.test_edge_settings import edge

API, APP = "api.archesai.com", "app.archesai.com"
SECRET = "code=4%2F0AfJohXm-secret"  # what comes back from an identity provider


@pytest.fixture(scope="module")
def services() -> Iterator[dict[str, str]]:
    with stub() as api, stub() as app:
        yield {"api": api, "app": app}


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, services: dict[str, str]
) -> Iterator[Gateway]:
    """Production's document; every client has an address of its own, so that no test counts
    another's requests."""
    with running_gateway(tmp_path_factory.mktemp("gateway"), services) as gateway:
        yield gateway


# -- who asks ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (f"203.0.113.9, {CLOUDFRONT}", "203.0.113.9"),
        (f"1.1.1.1, 203.0.113.9, {CLOUDFRONT}", "203.0.113.9"),
        (f"1.1.1.1,8.8.8.8 ,203.0.113.9,{CLOUDFRONT}", "203.0.113.9"),
        (f'unknown, "_x:\\y", 203.0.113.9, {CLOUDFRONT}', "203.0.113.9"),
        (f"2001:db8:1:2:3::9, {CLOUDFRONT}", "2001:db8:1:2:3::9"),
        ("203.0.113.9, 10.20.3.4", "203.0.113.9"),
        ("10.20.3.4", "10.20.3.4"),
        ("nonsense", LOOPBACK),
    ],
)
def test_the_client_is_whom_cloudfront_saw_and_never_whom_the_client_says(
    running: Gateway, forwarded: str, client: str
) -> None:
    told = running.ask(forwarded=forwarded).json()["headers"]
    assert told["x-real-ip"] == client
    assert told["x-forwarded-for"] == client, "nothing that the client wrote goes on (LB-21)"


def test_only_the_load_balancer_is_believed(running: Gateway) -> None:
    told = running.ask(viewer="203.0.113.9", source=STRANGER).json()["headers"]
    assert told["x-forwarded-for"] == STRANGER, "any pod could be any client"


def test_the_application_hears_the_request_as_the_client_meant_it(running: Gateway) -> None:
    told = running.ask(
        "/v1/runs?page=2#x",
        headers={
            "X-Real-IP": "1.1.1.1",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Port": "80",
            "Forwarded": "for=1.1.1.1",
            "Proxy": "http://evil.example",
            "Authorization": "Bearer token",
        },
    ).json()
    headers = told["headers"]
    assert told["path"] == "/v1/runs?page=2#x"
    assert headers["host"] == headers["x-forwarded-host"] == API
    assert headers["x-forwarded-proto"] == "https", "else the application redirects for ever"
    assert headers["x-forwarded-port"] == "443"
    assert headers["authorization"] == "Bearer token"
    assert not {"forwarded", "proxy"} & set(headers), "the client decides what they say"
    assert "connection" not in headers, "connections to the application are kept (LB-04)"


def test_connections_to_the_application_are_kept(running: Gateway) -> None:
    used = {running.ask().json()["connection"] for _ in range(20)}
    assert len(used) <= 2, "LB-04: one for each worker, not one for each request"


def test_a_request_keeps_its_name_unless_it_is_no_plain_word(running: Gateway) -> None:
    named = running.ask(headers={"X-Request-ID": "0123-abcd-4567"}).json()
    assert named["headers"]["x-request-id"] == "0123-abcd-4567"
    forged = running.ask(headers={"X-Request-ID": '"},{"status":200'}).json()
    assert len(forged["headers"]["x-request-id"]) == 32, "it would be written into logs"


# -- limits --------------------------------------------------------------------------------------
def statuses(gateway: Gateway, count: int = 30, **request: Any) -> list[int]:
    return [gateway.ask(**request).status for _ in range(count)]


def at_once(gateway: Gateway, count: int) -> bytes:
    """What one client gets that sends all its requests before it reads the first answer."""
    told = f"Host: {API}\r\nX-Forwarded-For: {new_viewer()}, {CLOUDFRONT}\r\n"
    requests = [f"GET /echo HTTP/1.1\r\n{told}\r\n"] * (count - 1)
    requests.append(f"GET /echo HTTP/1.1\r\n{told}Connection: close\r\n\r\n")
    got = b""
    with socket.create_connection((LOOPBACK, gateway.port), 30) as connection:
        connection.sendall("".join(requests).encode())
        while piece := connection.recv(65536):
            got += piece
    return got


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory, services: dict[str, str]) -> Iterator[Gateway]:
    """One request per second instead of ten: no slow machine gives a client its tokens back while
    a test still counts."""
    folder = tmp_path_factory.mktemp("strict")
    with running_gateway(folder, services, changed={"requests_per_second": 1}) as gateway:
        yield gateway


def test_a_client_gets_twenty_one_answers_at_once_and_then_429(strict: Gateway) -> None:
    begun = time.monotonic()
    got = at_once(strict, 40)
    back = int(time.monotonic() - begun)
    passed = got.count(b"HTTP/1.1 200 ")
    assert 21 <= passed <= 21 + back, "LB-17: one, and a burst of 20"
    assert got.count(b"HTTP/1.1 429 ") == 40 - passed, "503 would feed the error alerts"
    assert got.count(b"Retry-After: 1\r\n") == 40 - passed


def test_other_clients_are_not_punished_and_nobody_becomes_another(strict: Gateway) -> None:
    client = new_viewer()
    assert statuses(strict, 21, viewer=client) == [200] * 21
    assert strict.ask(viewer=new_viewer()).status == 200
    forged = [f"{new_viewer()}, {client}, {CLOUDFRONT}" for _ in range(9)]
    assert 429 in [strict.ask(forwarded=each).status for each in forged], (
        "a client would be somebody else with each request"
    )


def test_the_rate_is_the_guides_ten_in_a_second(running: Gateway) -> None:
    begun = time.monotonic()
    passed = at_once(running, 100).count(b"HTTP/1.1 200 ")
    assert 21 <= passed <= 21 + 10 * (time.monotonic() - begun), "LB-16"
    assert "rate=10r/s;" in running.conf.read_text()


def test_a_home_is_one_client_whatever_address_of_its_network_it_takes(strict: Gateway) -> None:
    home = [f"2001:db8:7:1:{number:x}::1, {CLOUDFRONT}" for number in range(30)]
    assert 429 in [strict.ask(forwarded=each).status for each in home], (
        "2^64 addresses would be 2^64 limits"
    )
    other = f"2001:db8:7:2::1, {CLOUDFRONT}"
    assert strict.ask(forwarded=other).status == 200


def test_hashed_files_are_not_counted(strict: Gateway) -> None:
    page = statuses(strict, path="/assets/index-1a2b3c.js", host=APP, viewer=new_viewer())
    assert page == [200] * 30, "a page asks for dozens of files at once"


@pytest.mark.parametrize(
    ("path", "host"), [("/assets/x", API), ("/assets/../v1/runs", APP), ("/assetsfoo", APP)]
)
def test_nothing_else_passes_as_a_hashed_file(strict: Gateway, path: str, host: str) -> None:
    assert 429 in statuses(strict, path=path, host=host, viewer=new_viewer())


def test_outside_smoke_tests_reach_the_apis_health_and_are_counted(strict: Gateway) -> None:
    told = strict.ask("/health").json()
    assert told["path"] == "/health"
    assert told["headers"]["host"] == API, "LB-24: the guide's location forgets the settings"
    assert 429 in statuses(strict, path="/health", viewer=new_viewer())


def test_the_target_groups_own_checks_are_never_refused(strict: Gateway) -> None:
    seen = statuses(strict, path="/health", host=f"10.20.3.4:{strict.port}", viewer=LOOPBACK)
    assert seen == [200] * 30, "a pod would leave for being asked"


def test_a_body_passes_up_to_the_limit(running: Gateway) -> None:
    two = 2 * 1024 * 1024
    answer = running.ask(method="POST", body=b"x" * two)
    assert answer.json()["received"] == two, "LB-23: nginx's own limit is 1 MiB"
    declared = {"Content-Length": str(25 * 1024 * 1024 + 1)}
    assert running.ask(method="POST", body=b"", headers=declared).status == 413


# -- headers -------------------------------------------------------------------------------------
ONCE = (
    "Strict-Transport-Security",
    "X-Frame-Options",
    "X-Content-Type-Options",
    "X-XSS-Protection",
    "Referrer-Policy",
    "Content-Security-Policy",
)


@pytest.mark.parametrize("host", ["api", "app"])
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/echo", 200),
        ("/v1/runs?status=500", 500),
        ("/auth/callback", 200),
        ("/metrics", 404),
        ("/assets/index-1a2b3c.js", 200),
        ("/static/gone.css?status=404", 404),
    ],
)
def test_every_answer_has_each_security_header_once(
    running: Gateway, host: Any, path: str, status: int
) -> None:
    answer = running.ask(path, host=edge().hosts[host])
    assert answer.status == status
    expected = security_headers(edge(), host)
    assert tuple(expected) == ONCE
    for name, value in expected.items():
        assert answer.all(name) == [value], f"LB-11: one owner for {name}"
    assert answer.all("X-Powered-By") == []
    assert answer.all("Server") == ["nginx"], "no version, and not the application's"


def test_the_values_are_the_guides(running: Gateway) -> None:
    api = running.ask()
    assert api.all("X-Frame-Options") == ["SAMEORIGIN"]
    assert api.all("X-Content-Type-Options") == ["nosniff"]
    assert api.all("X-XSS-Protection") == ["0"], "LB-13"
    assert api.all("Strict-Transport-Security") == ["max-age=31536000; includeSubDomains"]
    assert api.all("Content-Security-Policy") == ["default-src 'self'"]
    [app] = running.ask(host=APP).all("Content-Security-Policy")
    assert "connect-src 'self' https://api.archesai.com wss://api.archesai.com" in app, "LB-15"


def test_refusals_carry_them_too(strict: Gateway) -> None:
    client = new_viewer()
    answers = [strict.ask(viewer=client) for _ in range(30)]
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.all("Strict-Transport-Security") == ["max-age=31536000; includeSubDomains"]


@pytest.mark.parametrize(
    ("path", "host", "caching"),
    [
        ("/assets/index-1a2b3c.js", APP, [IMMUTABLE]),
        ("/static/logo-1a2b3c.svg?caching=no-cache", APP, [IMMUTABLE]),
        ("/assets/gone.js?status=404&caching=public", APP, ["no-store"]),
        ("/staticfoo", APP, []),
        ("/?caching=no-cache", APP, ["no-cache"]),
        ("/assets/x", API, []),
        ("/v1/runs?caching=private", API, ["private"]),
    ],
)
def test_only_hashed_files_that_exist_are_kept_for_ever(
    running: Gateway, path: str, host: str, caching: list[str]
) -> None:
    assert running.ask(path, host=host).all("Cache-Control") == caching, "CDN-01, CDN-02"


@pytest.mark.parametrize("size", [5000, 8000])
def test_large_headers_pass_both_ways(running: Gateway, size: int) -> None:
    answer = running.ask(f"/echo?cookie={size}", headers={"Cookie": "s=" + "x" * size})
    assert answer.status == 200, "LB-23: two JWTs in cookies end in 502 with the guide's 4 kB"
    assert len(answer.all("Set-Cookie")[0]) == size + len("session=")
    assert len(answer.json()["headers"]["cookie"]) == size + len("s=")


# -- compression ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "host", "compressed"),
    [
        ("/v1/runs?bytes=1000", API, True),
        ("/v1/runs?bytes=999", API, False),
        ("/v1/runs?bytes=5000&type=text/plain", API, True),
        ("/x.js?bytes=5000&type=application/javascript", APP, True),
        ("/v1/artifacts/1?bytes=5000&type=application/pdf", API, False),
        ("/auth/session?bytes=5000", API, False),
        ("/auth/session?bytes=5000", APP, False),
        ("/assets/x.js?bytes=5000&type=application/javascript", APP, False),
    ],
)
def test_compressed_is_what_the_guide_names_but_no_secret(
    running: Gateway, path: str, host: str, compressed: bool
) -> None:
    answer = running.ask(path, host=host, headers={"Accept-Encoding": "gzip, br"})
    assert answer.all("Content-Encoding") == (["gzip"] if compressed else []), "LB-18"
    plain = gzip.decompress(answer.body) if compressed else answer.body
    assert set(plain) == {ord("x")}


# -- paths and hosts -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/metrics/",
        "/metrics?x=1",
        "/debug/pprof/heap",
        "/internal/jobs",
        "//metrics",
        "/./metrics",
        "/v1/../metrics",
        "/v1/%2e%2e/debug/pprof",
        "/%6detrics",
        "/debug%2fpprof",
    ],
)
@pytest.mark.parametrize("host", [API, APP])
def test_internal_paths_do_not_exist_outside(running: Gateway, host: str, path: str) -> None:
    answer = running.ask(path, host=host)
    assert answer.status == 404
    assert b"x-real-ip" not in answer.body, "LB-19: it reached the application"


def test_a_path_that_only_begins_like_an_internal_one_is_served(running: Gateway) -> None:
    assert running.ask("/metricsandmore").status == 200


@pytest.mark.parametrize("host", ["evil.example", "archesai.com", "10.20.3.4", "www.archesai.com"])
def test_unknown_hosts_reach_nobody(running: Gateway, host: str) -> None:
    answer = running.ask(host=host)
    assert answer.status == 404, "LB-06"
    assert b"x-real-ip" not in answer.body


def test_each_host_reaches_its_own_service(tmp_path: Path, services: dict[str, str]) -> None:
    half = {**services, "app": f"{LOOPBACK}:{free_port()}"}
    with running_gateway(tmp_path, half) as gateway:
        assert gateway.ask(host=API).status == 200
        assert gateway.ask(host=APP).status == 502, "the web application's requests went to the API"


def test_the_kubelet_and_the_exporter_have_a_port_of_their_own(running: Gateway) -> None:
    assert running.ask("/health", status=True).status == 200
    counters = running.ask("/stub_status", status=True).body.decode()
    assert counters.startswith("Active connections: ")
    assert running.ask("/stub_status", status=True, source=STRANGER).status == 403
    assert running.ask("/v1/runs", status=True).status == 404
    assert running.ask("/stub_status").json()["path"] == "/stub_status", "counters are public"
    assert edge().ports == (8080,) != (STATUS_PORT,), "the balancer must not reach it (ENV-20)"


# -- sockets, streams, time ----------------------------------------------------------------------
def spoken(gateway: Gateway, upgrade: str) -> bytes:
    """What comes back on a raw connection that asks for another protocol."""
    with socket.create_connection((LOOPBACK, gateway.port), 10) as connection:
        connection.sendall(
            f"GET /socket HTTP/1.1\r\nHost: {API}\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            f"Upgrade: {upgrade}\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
            f"X-Forwarded-For: {new_viewer()}, {CLOUDFRONT}\r\n\r\n".encode()
        )
        got = b""
        while b"hello" not in got and b"}" not in got:
            got += connection.recv(4096)
        if b"hello" in got:
            connection.sendall(b"ping")
            got += connection.recv(64)
        return got


def test_a_socket_is_opened_only_where_one_is_asked_for(running: Gateway) -> None:
    opened = spoken(running, "websocket")
    assert opened.startswith(b"HTTP/1.1 101")
    assert opened.endswith(b"helloping"), "both sides speak"
    plain = running.ask().json()["headers"]
    assert not {"upgrade", "connection"} & set(plain), "LB-20: the guide sends them always"


def test_no_other_protocol_gets_through(running: Gateway) -> None:
    answer = spoken(running, "h2c")
    assert answer.startswith(b"HTTP/1.1 200"), "h2c would carry requests past every rule"
    assert b"http2-settings" not in answer
    assert b'"upgrade"' not in answer


def test_a_streamed_answer_arrives_piece_by_piece(running: Gateway) -> None:
    with socket.create_connection((LOOPBACK, running.port), 10) as connection:
        connection.sendall(
            f"GET /stream HTTP/1.1\r\nHost: {API}\r\nAccept-Encoding: gzip\r\n"
            f"X-Forwarded-For: {new_viewer()}, {CLOUDFRONT}\r\n\r\n".encode()
        )
        got = b""
        while b"data: one" not in got:
            got += connection.recv(4096)
        assert b"data: two" not in got, "LB-23: it waited for the end"


def test_time_limits_grow_outwards() -> None:
    ours, balancer, model, api, ping, kept = Timing(), 60, 25, 30, 54, 120
    assert all(inner < outer for inner, outer in pairwise((model, api, ours.read, balancer)))
    assert ping < ours.read, "LB-20: a silent socket would die between two pings"
    assert (ours.connect, ours.send) == (10, 30), "LB-22"
    assert balancer < ours.idle, "LB-04: the balancer would use a connection that is closing"
    assert ours.idle_api < kept
    assert ours.idle_app < 5, "of Node: the same, one step further in"


def test_a_service_that_hangs_is_given_up(tmp_path: Path, services: dict[str, str]) -> None:
    quickly = Timing(connect=1, send=1, read=1)
    with full() as deaf:
        serving = {**services, "app": deaf}
        with running_gateway(tmp_path, serving, timing=quickly) as gateway:
            begun = time.monotonic()
            assert gateway.ask("/slow?seconds=3").status == 504
            assert gateway.ask(host=APP).status == 504, "LB-22: connecting has a limit of its own"
            assert time.monotonic() - begun < 30, "nginx's own limits are 60 s"
            assert gateway.ask("/slow?seconds=0.2").status == 200


def test_a_stopping_gateway_finishes_what_it_began(
    tmp_path: Path, services: dict[str, str]
) -> None:
    with running_gateway(tmp_path, services) as gateway:
        answers: list[int] = []
        asking = threading.Thread(
            target=lambda: answers.append(gateway.ask("/slow?seconds=1.5").status)
        )
        asking.start()
        eventually(
            lambda: b"Writing: 2" in gateway.ask("/stub_status", status=True).body,
            "the slow answer is under way",
        )
        subprocess.run([*argv(gateway.conf), "-s", "quit"], check=True)
        asking.join()
        assert answers == [200], "UPD-03: the preStop command would cut requests off"
        assert gateway.daemon.wait(PATIENCE_SECONDS) == 0


# -- logs ----------------------------------------------------------------------------------------
def test_the_access_log_says_what_an_auditor_asks_and_no_secret(running: Gateway) -> None:
    name, client = "audit-line-0001", new_viewer()
    running.ask(
        f"/auth/callback?{SECRET}&status=403",
        viewer=client,
        headers={
            "X-Request-ID": name,
            "Authorization": "Bearer hidden-token",
            "Cookie": "session=hidden-cookie",
            "Referer": f"https://idp.example/?{SECRET}",
            "User-Agent": 'a "quoted"\tname',
        },
    )
    [line] = running.lines(name)
    assert line | {"time": "", "duration": 0, "bytes": 0, "upstream_duration": ""} == {
        "time": "",
        "message": "API Request",
        "request_id": name,
        "trace": "",
        "method": "GET",
        "host": API,
        "path": "/auth/callback",
        "ip": client,
        "user_id": None,
        "status": 403,
        "duration": 0,
        "bytes": 0,
        "upstream_status": "403",
        "upstream_duration": "",
        "user_agent": 'a "quoted"\tname',
    }, "AUDIT-01"
    assert line["bytes"] > 0
    for hidden in ("secret", "hidden-token", "hidden-cookie"):
        assert hidden not in running.log.read_text(), "LOG-04"


def test_failures_leave_no_query_in_any_log(tmp_path: Path) -> None:
    nobody = {"api": f"{LOOPBACK}:{free_port()}", "app": f"{LOOPBACK}:{free_port()}"}
    with running_gateway(tmp_path, nobody, changed={"requests_per_second": 1}) as gateway:
        client, name = new_viewer(), "failing-0001"
        headers = {"X-Request-ID": name}
        answers = [
            gateway.ask(f"/auth/callback?{SECRET}", viewer=client, headers=headers).status
            for _ in range(30)
        ]
        assert set(answers) == {502, 429}
        eventually(lambda: len(gateway.lines(name)) == 30, "each has its line")
        assert "secret" not in gateway.log.read_text(), (
            "LOG-04: nginx's error lines hold the whole request line"
        )


def test_probes_and_smoke_tests_are_not_logged(running: Gateway) -> None:
    unlogged = {"X-Request-ID": "unlogged-0001"}
    running.ask("/health", host=API, headers=unlogged)
    running.ask("/health", host="10.20.3.4", headers=unlogged)
    running.ask("/health", status=True, headers=unlogged)
    running.ask(headers={"X-Request-ID": "logged-0001"})
    assert len(running.lines("logged-0001")) == 1
    assert "unlogged-0001" not in running.log.read_text()
