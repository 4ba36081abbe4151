"""The gateway's nginx.conf before it serves anybody: what nginx reads, and the TLS it would speak.

Meets LB-08 to LB-10, LB-16.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.kubernetes.gateway.nginx import CIPHERS, nginx_conf
from components.network import addresses
from settings.edge import EdgeSettings
from settings.network import NetworkSettings
from tests.conftest import FILES
from tests.daemons.toolbox import command, free_port
from tests.daemons.upstreams import LOOPBACK, argv, listening, nginx, running_gateway, stub
from tests.settings.test_edge_settings import edge
from tests.settings.test_gateway_settings import gateway

SERVING: Any = {"api": f"{LOOPBACK}:1", "app": f"{LOOPBACK}:2"}

# L106-L161 of the guide, as it stands there but for names and files of another machine, which would
# fail first.
GUIDE = """
upstream archesai_backend {{
    least_conn;
    server 127.0.0.1:8080 max_fails=3 fail_timeout=30s;
    keepalive 32;
}}
{before}
server {{
    listen {port} ssl http2;
    server_name api.archesai.com;
    ssl_certificate {folder}/tls.crt;
    ssl_certificate_key {folder}/tls.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers HIGH:!aNULL:!MD5;
    ssl_prefer_server_ciphers on;
    ssl_session_cache shared:SSL:10m;
    ssl_session_timeout 10m;
    {inside}
    limit_req zone=api burst=20 nodelay;
    location / {{
        proxy_pass http://archesai_backend;
    }}
}}
"""
ZONE = "limit_req_zone $binary_remote_addr zone=api:10m rate=10r/s;"


def accepted(folder: Path, text: str) -> str:
    """What `nginx -t` says against a document; nothing where it accepts it without a warning."""
    conf = folder / "nginx.conf"
    conf.write_text(text)
    done = subprocess.run([*argv(conf), "-t"], capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines() if not line.startswith("nginx: conf")]
    said = [line for line in complaints if "syntax is ok" not in line]
    assert bool(done.returncode) <= bool(said), done.stderr
    return "\n".join(said)


def document(folder: Path, on: EdgeSettings, **changed: Any) -> str:
    plain = {"balancer_cidrs": ["10.20.0.0/19"], "serving": SERVING, "scratch": str(folder)}
    return nginx_conf(
        gateway(), on, status_port=free_port(), certificate=str(folder), **{**plain, **changed}
    )


def guide(folder: Path, port: int, *, before: str = "", inside: str = "") -> str:
    """The guide's file inside the frame that nginx needs."""
    server = GUIDE.format(before=before, inside=inside, port=port, folder=folder)
    pid = f"pid {folder}/nginx.pid;\nerror_log stderr crit;\ndaemon off;\n"
    return f"{pid}events {{}}\nhttp {{\naccess_log off;\n{server}\n}}\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tls.crt and tls.key; the load balancer does not ask who signed it."""
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        [
            *command("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=gateway"),
            *("-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")),
        ],
        check=True,
        capture_output=True,
    )
    return folder


# -- what nginx accepts --------------------------------------------------------------------------
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nginx_reads_the_document_of_every_environment(file: Path, tmp_path: Path) -> None:
    config = yaml.safe_load(file.read_text())["config"]
    on = EdgeSettings.model_validate(config["arches:edge"], strict=False)
    network = NetworkSettings.model_validate(config["arches:network"], strict=False)
    text = document(tmp_path, on, balancer_cidrs=addresses(network).private)
    assert accepted(tmp_path, text) == ""


LONG = "x" * 40 + ".staging.archesai.com"


@pytest.mark.parametrize(
    "changed",
    [
        {"apiHost": f"a.{LONG}", "appHost": f"b.{LONG}"},
        {"internalPaths": ["/metrics", "/debug", "/health", "/auth"]},
        {"authPaths": ["/auth/", "/v1.0/login/"], "assetPaths": ["/auth/*", "/a.b/*"]},
        {"appConnectSources": ["https://*.ingest.sentry.io", "wss://socket.archesai.com:8443"]},
        {"targets": {"gateway": {"port": 8080, "hosts": ["api"]}, "site": {
            "port": 3000, "hosts": ["app"]}}},
    ],
    ids=["long names", "paths twice", "dots in paths", "more sources", "one host"],
)  # fmt: skip
def test_nginx_reads_what_an_environment_may_say(changed: Any, tmp_path: Path) -> None:
    assert accepted(tmp_path, document(tmp_path, edge(**changed))) == ""


def test_the_guides_own_file_does_not_load(tmp_path: Path, certificate: Path) -> None:
    inside = accepted(tmp_path, guide(certificate, free_port(), inside=ZONE))
    assert '"limit_req_zone" directive is not allowed here' in inside, "LB-16 says why"
    before = accepted(tmp_path, guide(certificate, free_port(), before=ZONE))
    assert "[emerg]" not in before, "the zone's place is all that keeps it from loading"


def test_a_host_that_nobody_serves_is_no_gateway(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"edge\.targets\.gateway\.hosts: nobody serves app"):
        document(tmp_path, edge(), serving={"api": "archesai-api:8080"})


# -- TLS -----------------------------------------------------------------------------------------
def handshake(port: int, *options: str) -> str:
    """The suite that was agreed on, "" where the server refused."""
    done = subprocess.run(
        command("openssl", "s_client", "-connect", f"{LOOPBACK}:{port}", "-brief", *options),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )
    said = done.stderr + done.stdout
    agreed = [line for line in said.splitlines() if line.startswith("Ciphersuite: ")]
    return agreed[0].removeprefix("Ciphersuite: ") if agreed and done.returncode == 0 else ""


WEAK = ("AES128-SHA", "CAMELLIA128-SHA", "AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA")


def test_the_guides_ciphers_accept_weak_suites(tmp_path: Path, certificate: Path) -> None:
    port = free_port()
    with nginx(tmp_path, port, guide(certificate, port, before=ZONE)):
        got = [handshake(port, "-tls1_2", "-cipher", suite) for suite in WEAK[:2]]
    assert got == list(WEAK[:2]), "LB-09 says so; if it no longer is, the departure has no reason"


def test_pods_that_speak_tls_take_current_versions_and_suites_only(certificate: Path) -> None:
    with (
        stub() as api,
        running_gateway(certificate, {"api": api, "app": api}, protocol="HTTPS") as gateway,
    ):
        good = "ECDHE-RSA-AES128-GCM-SHA256"
        assert handshake(gateway.port, "-tls1_2", "-cipher", good) == good, "what the ALB speaks"
        assert handshake(gateway.port, "-tls1_3").startswith("TLS_"), "LB-08"
        for suite in WEAK:
            assert handshake(gateway.port, "-tls1_2", "-cipher", suite) == "", f"LB-09: {suite}"
        for version in ("-tls1", "-tls1_1"):
            old = handshake(gateway.port, version, "-cipher", "ALL:@SECLEVEL=0")
            assert old == "", f"LB-08: {version}"
        assert gateway.ask("/health", status=True).status == 200, "the kubelet asks without TLS"
        spoken_plainly = gateway.ask("/health")
        assert spoken_plainly.status == 400, "and nobody else does"


def test_old_versions_are_refused_by_the_document_and_not_by_luck(certificate: Path) -> None:
    """Debian's OpenSSL refuses them too; here it is told not to."""
    any_suite = "ALL:@SECLEVEL=0"
    port = free_port()
    text = document(certificate, listening(port, "HTTPS")).replace(CIPHERS, any_suite)
    assert any_suite in text
    for protocols, agreed in (("TLSv1.2 TLSv1.3", False), ("TLSv1.1 TLSv1.2 TLSv1.3", True)):
        changed = text.replace("ssl_protocols TLSv1.2 TLSv1.3;", f"ssl_protocols {protocols};")
        with nginx(certificate, port, changed):
            assert bool(handshake(port, "-tls1_1", "-cipher", any_suite)) is agreed, "LB-08"


def test_nothing_is_encrypted_twice_by_default() -> None:
    text = nginx_conf(gateway(), listening(8080), balancer_cidrs=["10.20.0.0/19"], serving=SERVING)
    assert "ssl" not in text
