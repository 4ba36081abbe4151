"""nginx.conf of the gateway: one pure function from the settings to the text that nginx reads.

Meets LB-04, LB-06, LB-08 to LB-24, SEC-01, CDN-01 to CDN-04, LOG-04, AUDIT-01, ENV-20.
Proved by nginx itself in tests/daemons/test_gateway.py and test_gateway_documents.py. Choices:

- **Whose request it is** is read by place, not by address: the client is the last but one entry of
  X-Forwarded-For, believed only when the load balancer's subnets send it. CloudFront appends the
  viewer (CloudFront developer guide, "Request and response behavior for custom origins", Client IP
  addresses) and the balancer appends whoever connected to it (Elastic Load Balancing user guide,
  "HTTP headers and Application Load Balancers", append), so what a client writes itself always
  stands further left. `real_ip_recursive` with the VPC's ranges was refused: security groups see
  CloudFront's addresses and not the VPC's on VPC origins (components/balancer.py), so it would stop
  at the CloudFront server and count all its viewers as one client; CloudFront's own ranges change,
  and a list that is out of date does the same.
- **The limit** is one for each client address, for IPv6 one for each /64, of which one home has all
  addresses. Each pod counts for itself; over all pods the firewall's 600 in 60 s hold (LB-16).
  Hashed files are not counted: the CDN keeps them, and one page asks for dozens.
- **One owner for each header.** nginx sets what the CDN sets too, with equal values from the same
  functions, and drops the application's (LB-11). No location adds a header, since it would lose
  all the others (CDN-04); what depends on the path or the status is a `map`.
- **Names are resolved once**, at start: a Service's address lasts as long as the Service. It stands
  for all pods, so there is nothing to balance (LB-02) and nobody to mark as failed (LB-03) here:
  readiness probes take a bad pod out. `resolver` with a variable was refused, since it gives up
  `keepalive`.
- **Logs** hold no query, no Referer, no Authorization and no cookie. Error lines hold the whole
  request line, so only those from `crit` on are written; the access line has every status.
- **Buffering** is on, as the guide wants it: a slow client holds up the application only with what
  is beyond 144 kB. A streamed answer still passes piece by piece (LB-23; a test sees it). Answers
  never go to disk; large bodies of requests do.

Refused: HTTP/2 and h2c behind the balancer (LB-20, it speaks HTTP/1.1 to targets); X-Cache-Status
without a cache (CDN-03); the client's own chain of forwarding headers towards the application.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.balancer import CONTENT_TYPE_OPTIONS, FRAME_OPTIONS, hsts
from components.cdn import IMMUTABLE, content_security_policy
from settings.edge import EdgeSettings, Host, TargetSettings
from settings.gateway import TARGET, GatewaySettings

STATUS_PORT = 8081  # health for the kubelet, counters for the exporter; never the load balancer's
CERTIFICATE = "/etc/gateway-tls"
SCRATCH = "/tmp"  # the only place that may be written
REFERRER_POLICY = "strict-origin-when-cross-origin"
# Headers of the application that have an owner here, or that tell what runs behind.
HIDDEN = ("Cache-Control", "Server", "X-Powered-By")
# The balancer speaks AES-GCM suites to targets; all of these have forward secrecy (LB-09).
CIPHERS = ":".join(
    f"ECDHE-{key}-{suite}"
    for suite in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    for key in ("ECDSA", "RSA")
)
CONNECTIONS = 4096  # of one worker; a proxied request takes two
KEPT_CONNECTIONS = 32  # LB-04, of one worker to each service
HEADER_BUFFER = "16k"  # two JWT cookies and a policy (LB-23); the balancer takes no larger header

# What never reaches the application from outside, or only as this file says it (LB-20, LB-21).
FORWARDED = {
    "Host": "$host",
    "X-Real-IP": "$client",
    "X-Forwarded-For": "$client",
    # Only TLS reaches the balancer's listener, while here $scheme would say http.
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "$host",
    "X-Forwarded-Port": "443",
    "X-Request-ID": "$correlation",
    "Upgrade": "$upgrade",
    "Connection": "$connection_kind",
    "HTTP2-Settings": '""',
    "Forwarded": '""',
    "Proxy": '""',
}
LOG_FIELDS = {  # the guide's (AUDIT-01); no one here knows the user, so the field says null
    "time": '"$time_iso8601"',
    "message": '"API Request"',
    "request_id": '"$correlation"',
    "trace": '"$http_x_amzn_trace_id"',
    "method": '"$request_method"',
    "host": '"$host"',
    "path": '"$path"',
    "ip": '"$client"',
    "user_id": "null",
    "status": "$status",
    "duration": "$request_time",
    "bytes": "$bytes_sent",
    "upstream_status": '"$upstream_status"',
    "upstream_duration": '"$upstream_response_time"',
    "user_agent": '"$http_user_agent"',
}


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Seconds. They grow outwards (LB-22): 25 model call < 30 API < read < 60 balancer; and the
    read limit is longer than the 54 s between two pings of a socket (LB-20)."""

    connect: int = 10
    send: int = 30
    read: int = 57
    # Longer than the balancer keeps an idle connection (60), or it would use one that is closing.
    idle: int = 75
    # Shorter than the other side keeps one: 120 of the API (A18), 5 of Node until its pull request
    # 62782 (server.keepAliveTimeout).
    idle_api: int = 60
    idle_app: int = 4


TIMING = Timing()


def gateway_target(edge: EdgeSettings) -> TargetSettings:
    """Port, protocol, hosts and health path of the gateway. Raises ValueError: not in the table."""
    if TARGET not in edge.targets:
        raise ValueError(f"edge.targets: got {', '.join(edge.targets)}, {TARGET} is missing")
    return edge.targets[TARGET]


def security_headers(edge: EdgeSettings, host: Host) -> dict[str, str]:
    """What every answer of a host carries, whoever wrote it."""
    return {
        "Strict-Transport-Security": hsts(edge),
        "X-Frame-Options": FRAME_OPTIONS,
        "X-Content-Type-Options": CONTENT_TYPE_OPTIONS,
        "X-XSS-Protection": "0",
        "Referrer-Policy": REFERRER_POLICY,
        "Content-Security-Policy": content_security_policy(edge, host),
    }


def nginx_conf(
    settings: GatewaySettings,
    edge: EdgeSettings,
    *,
    balancer_cidrs: Sequence[str],
    serving: Mapping[Host, str],
    status_port: int = STATUS_PORT,
    scratch: str = SCRATCH,
    certificate: str = CERTIFICATE,
    timing: Timing = TIMING,
) -> str:
    """The whole file.

    balancer_cidrs: where the load balancer's network interfaces live. serving: the Service, as
    name:port, behind each host of the target. certificate: the folder of tls.crt and tls.key, read
    where the target's protocol is HTTPS. Raises ValueError: a host that nobody serves.
    """
    target = gateway_target(edge)
    if unserved := [host for host in target.hosts if host not in serving]:
        raise ValueError(f"edge.targets.{TARGET}.hosts: nobody serves {', '.join(unserved)}")
    idle = {"api": timing.idle_api, "app": timing.idle_app}
    return "\n".join(
        [
            "daemon off;",
            f"worker_processes {settings.workers};",
            # Sockets of a worker that is told to go.
            f"worker_shutdown_timeout {timing.read}s;",
            f"pid {scratch}/nginx.pid;",
            "error_log stderr crit;",
            _block("events", f"worker_connections {CONNECTIONS};"),
            _block(
                "http",
                *_basics(settings, scratch, timing),
                *_logging(),
                *_client(balancer_cidrs),
                *_limits(settings, edge),
                *_towards_the_application(timing),
                *_compression(),
                *(_tls(certificate) if target.protocol == "HTTPS" else []),
                *(_upstream(host, serving[host], idle[host]) for host in target.hosts),
                _status(status_port),
                _default(target),
                *(_host(settings, edge, host) for host in target.hosts),
            ),
            "",
        ]
    )


def _basics(settings: GatewaySettings, scratch: str, timing: Timing) -> list[str]:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return [
        "default_type text/plain;",
        "server_tokens off;",
        "server_names_hash_bucket_size 128;",  # names of 64 characters
        "tcp_nodelay on;",
        f"client_max_body_size {settings.max_body_mib}m;",
        "client_header_buffer_size 4k;",
        f"large_client_header_buffers 4 {HEADER_BUFFER};",
        f"keepalive_timeout {timing.idle}s;",
        "keepalive_requests 10000;",
        *(f"{kind}_temp_path {scratch}/{kind};" for kind in kinds),
    ]


def _logging() -> list[str]:
    fields = ",".join(f'"{name}":{value}' for name, value in LOG_FIELDS.items())
    return [
        _map("$request_uri", "$path", {"default": '""', '"~^(?<before>[^?]*)"': "$before"}),
        # A client may name its request; what it says goes into logs, so only plain words pass.
        _map(
            "$http_x_request_id",
            "$correlation",
            {"default": "$request_id", '"~^[A-Za-z0-9-]{8,64}$"': "$http_x_request_id"},
        ),
        f"log_format audit escape=json '{{{fields}}}';",
        "access_log /dev/stdout audit;",
    ]


def _client(balancer_cidrs: Sequence[str]) -> list[str]:
    """$client: who asks. $client_network: what the limit counts by."""
    address = "[0-9A-Fa-f.:]+"
    return [
        _block("geo $of_balancer", "default 0;", *(f"{cidr} 1;" for cidr in balancer_cidrs)),
        _map(
            '"$of_balancer $http_x_forwarded_for"',
            "$client",
            {
                "default": "$remote_addr",
                # One entry: somebody at the balancer who did not come through CloudFront.
                f'"~^1 (?<only>{address})$"': "$only",
                f'"~^1 (?:.*,)?\\s*(?<viewer>{address})\\s*,\\s*{address}\\s*$"': "$viewer",
            },
        ),
        _map(
            "$client",
            "$client_network",
            {"default": "$client", '"~^(?<network>([0-9A-Fa-f]+:){1,4})"': "$network"},
        ),
    ]


def _limits(settings: GatewaySettings, edge: EdgeSettings) -> list[str]:
    folders = "|".join(re.escape(path.removesuffix("*")) for path in edge.asset_paths)
    files = f'"~^{re.escape(edge.app_host)}(?:{folders})"'
    return [
        _map('"$host$uri"', "$hashed_file", {"default": "0", files: "1"}),
        _map("$hashed_file", "$counted", {"default": "$client_network", "1": '""'}),
        f"limit_req_zone $counted zone=clients:10m rate={settings.requests_per_second}r/s;",
        "limit_req_status 429;",
        _map("$status", "$retry_after", {"default": '""', "429": "1"}),
        # A 404 during a rollout must not be kept for a year (CDN-02).
        _map(
            '"$hashed_file $status"',
            "$cache_control",
            {
                "default": "$upstream_http_cache_control",
                '"~^1 (200|206|304)$"': f'"{IMMUTABLE}"',
                '"~^1 "': "no-store",
            },
        ),
    ]


def _towards_the_application(timing: Timing) -> list[str]:
    return [
        # Any other Upgrade, h2c above all, would carry requests past every rule here.
        _map("$http_upgrade", "$upgrade", {"default": '""', '"~*^websocket$"': "websocket"}),
        _map("$upgrade", "$connection_kind", {"default": '""', "websocket": "upgrade"}),
        "proxy_http_version 1.1;",
        *(f"proxy_set_header {name} {value};" for name, value in FORWARDED.items()),
        f"proxy_connect_timeout {timing.connect}s;",
        f"proxy_send_timeout {timing.send}s;",
        f"proxy_read_timeout {timing.read}s;",
        "proxy_buffering on;",
        f"proxy_buffer_size {HEADER_BUFFER};",
        f"proxy_buffers 8 {HEADER_BUFFER};",
        "proxy_max_temp_file_size 0;",
    ]


def _compression() -> list[str]:
    """LB-18. Every request comes through proxies, of which nginx would compress nothing."""
    return [
        "gzip on;",
        "gzip_proxied any;",
        "gzip_vary on;",
        "gzip_min_length 1000;",
        "gzip_types text/plain application/json application/javascript;",
    ]


def _tls(certificate: str) -> list[str]:
    return [
        f"ssl_certificate {certificate}/tls.crt;",
        f"ssl_certificate_key {certificate}/tls.key;",
        "ssl_protocols TLSv1.2 TLSv1.3;",
        f"ssl_ciphers {CIPHERS};",
        "ssl_prefer_server_ciphers on;",
        "ssl_session_cache shared:tls:10m;",
        "ssl_session_timeout 10m;",
        "ssl_session_tickets off;",
    ]


def _upstream(name: str, address: str, idle_seconds: int) -> str:
    return _block(
        f"upstream {name}",
        f"server {address} max_fails=0;",
        f"keepalive {KEPT_CONNECTIONS};",
        f"keepalive_timeout {idle_seconds}s;",
    )


def _status(port: int) -> str:
    return _block(
        "server",
        f"listen {port};",
        "access_log off;",
        _block("location = /health", 'return 200 "ok\\n";'),
        _block("location = /stub_status", "allow 127.0.0.1;", "deny all;", "stub_status;"),
        _block("location /", "return 404;"),
    )


def _listen(target: TargetSettings, kind: str = "") -> str:
    return f"listen {target.port}{' ssl' if target.protocol == 'HTTPS' else ''}{kind};"


def _default(target: TargetSettings) -> str:
    """Unknown hosts (LB-06), among them the address by which the target group asks for health."""
    return _block(
        "server",
        _listen(target, " default_server"),
        "server_name _;",
        _block(f"location = {target.health_path}", "access_log off;", 'return 200 "ok\\n";'),
        _block("location /", "return 404;"),
    )


def _host(settings: GatewaySettings, edge: EdgeSettings, host: Host) -> str:
    headers = security_headers(edge, host)
    own = {**headers, "Cache-Control": "$cache_control", "Retry-After": "$retry_after"}
    return _block(
        "server",
        _listen(gateway_target(edge)),
        f"server_name {edge.hosts[host]};",
        f"limit_req zone=clients burst={settings.burst} nodelay;",
        *(f"proxy_hide_header {name};" for name in (*headers, *HIDDEN)),
        *(f'add_header {name} "{value}" always;' for name, value in own.items()),
        *(_block(f"location {match}", *body) for match, body in _locations(edge, host).items()),
    )


def _locations(edge: EdgeSettings, host: Host) -> dict[str, tuple[str, ...]]:
    """Each match once, as nginx wants it; of two that are the same the closed one wins (LB-19)."""
    pass_on = f"proxy_pass http://{host};"
    # Secrets beside user input: the size of a compressed answer would tell them (BREACH).
    plain = [f"^~ {path}" for path in edge.auth_paths]
    rows: dict[str, tuple[str, ...]] = {"/": (pass_on,)}
    if host == "app":
        # The CDN compresses what it keeps, also by Brotli, and only what comes plain.
        plain += [f"^~ {path.removesuffix('*')}" for path in edge.asset_paths]
    else:
        rows["= /health"] = ("access_log off;", pass_on)  # LB-24; counted like any other
    rows |= dict.fromkeys(plain, ("gzip off;", pass_on))
    for path in edge.internal_paths:
        rows |= {f"= {path}": ("return 404;",), f"^~ {path}/": ("return 404;",)}
    return rows


def _map(source: str, into: str, rows: dict[str, str]) -> str:
    return _block(f"map {source} {into}", *(f"{key} {value};" for key, value in rows.items()))


def _block(head: str, *body: str) -> str:
    return f"{head} {{\n{textwrap.indent(chr(10).join(body), '    ')}\n}}"
