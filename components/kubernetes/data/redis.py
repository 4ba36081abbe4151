"""What Redis, Sentinel and the front before them read: the guide's two files, corrected.

Documents only; `sentinel.py` beside it places them. Each is a pure function of settings and
addresses, so that tests run the real programs from them, with other ports.

Meets REDIS-01 to REDIS-06 and SENT-01 to SENT-07 for a cache inside the cluster. What was wrong in
the guide, and is shown to be by tests/daemons/test_redis.py:
- `${REDIS_PASSWORD}` stays as it stands, since Redis expands nothing, and a replica has no
  `masterauth` (REDIS-06, SENT-03): `start` writes the secret lines when the container starts, into
  a file that only the container's user reads. No ConfigMap holds a password.
- a host name in `sentinel monitor` is a fatal error without `resolve-hostnames` (SENT-02).
  Members are known by their names and never by addresses, which pods lose.
- Sentinel writes its own file (SENT-03): it lives on the pod's volume, since epochs and votes must
  survive a restart; `start` lays our lines over what it has learnt.
- nobody asks Sentinel (SENT-07): the front does, by looking at its result.

A Redis never decides alone what it is: it starts as what two Sentinels say, and waits until two
agree. So the former primary comes back as a replica, and a restart of everything ends where it was.

What can be lost (measured in the tests): replication follows the acknowledgement, so
- the primary dies: what it had acknowledged and not yet handed to the network: next to nothing;
- the primary is cut off: it takes writes until its replicas have been silent for
  `min-replicas-max-lag`, at most `SentinelSettings.loss_window_seconds`, then refuses them;
- it is told to stop (drain, rollout): nothing, `leave` stops writes until a replica has them all;
- power fails everywhere: the last two seconds, by `appendfsync everysec` (REDIS-04).

Refused: asking Sentinel from the front as well (with three members at most one primary can have a
replica, so `min_slaves_good_slaves` already tells the one that may write); `allkeys-lru`
(REDIS-02); the guide's failover-timeout of 10 s, which gives up failovers in progress (SENT-06).
"""

from __future__ import annotations

from collections.abc import Sequence

from settings.cache import CacheSettings, SentinelSettings

Address = tuple[str, int]

REDIS_PORT = 6379
SENTINEL_PORT = 26379
MASTER = "archesai-master"  # the guide's name
MEMBERS = 3
# Two of three: a majority, so that a part that is cut off never elects (SENT-02).
QUORUM = MEMBERS // 2 + 1
# What a restarted replica may have missed and still catch up with, instead of copying everything.
BACKLOG_MIB = 64
# Longest that `leave` holds writes back, and the pod's stop with it.
LEAVE_SECONDS = 20


def redis_conf(settings: CacheSettings, *, port: int = REDIS_PORT, directory: str) -> str:
    """redis.conf without its secret lines. directory: where the append-only file lives."""
    sentinel = settings.in_cluster
    return f"""\
port {port}
bind * -::*
# a password and network policies guard it; the mode would only answer to loopback
protected-mode no
dir {directory}
tcp-keepalive 60

maxmemory {settings.data_mib}mb
maxmemory-policy {settings.maxmemory_policy}

save 900 1 300 10 60 10000
appendonly yes
appendfsync everysec
no-appendfsync-on-rewrite no
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size 64mb

min-replicas-to-write 1
min-replicas-max-lag {sentinel.max_lag_seconds}
repl-backlog-size {BACKLOG_MIB}mb
# a replica that has to copy everything is waited for by every write
repl-diskless-sync-delay 0
"""


def sentinel_conf(settings: SentinelSettings, *, first: Address, port: int = SENTINEL_PORT) -> str:
    """sentinel.conf without its secret lines. first: the primary of a quorum that is new."""
    host, redis_port = first
    return f"""\
port {port}
protected-mode no
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel deny-scripts-reconfig yes
sentinel monitor {MASTER} {host} {redis_port} {QUORUM}
sentinel down-after-milliseconds {MASTER} {settings.down_after_ms}
sentinel parallel-syncs {MASTER} 1
sentinel failover-timeout {MASTER} {settings.failover_timeout_seconds * 1000}
"""


def redis_start(own: str, sentinels: Sequence[Address], *, conf: str, written: str) -> str:
    """The script that starts a Redis as what two Sentinels say; $REDISCLI_AUTH is the password.

    own: "<host> <port>" as Sentinels know this member. conf: our redis.conf. written: what is read.
    """
    return f"""\
#!/bin/sh
set -eu
umask 077
own="{own}"
{_ask(sentinels)}
primary=""
while true; do
  primary=$(ask | sort | uniq -c | awk '$1 >= {QUORUM} {{ print $2, $3 }}')
  [ -z "$primary" ] || break
  echo "waiting until {QUORUM} Sentinels agree on the primary"
  sleep 1
done
echo "the primary is $primary, this is $own"
{{
  cat {conf}
  echo "requirepass \\"$REDISCLI_AUTH\\""
  echo "masterauth \\"$REDISCLI_AUTH\\""
  echo "replica-announce-ip ${{own% *}}"
  echo "replica-announce-port ${{own#* }}"
  [ "$primary" = "$own" ] || echo "replicaof $primary"
}} > {written}
exec redis-server {written}
"""


def sentinel_start(own: str, members: Sequence[Address], *, conf: str, written: str) -> str:
    """The script that starts a Sentinel from our lines and what it has learnt before.

    own: "<host> <port>" of this Sentinel. members: every Redis. written: its own file, on the
    volume.

    All members are named as replicas: Sentinel asks a primary for them every ten seconds only, and
    a replica that it has not heard of when the primary dies would wait for the dead one for ever.
    """
    learnt = "myid|current-epoch|config-epoch|leader-epoch|known-sentinel"
    return f"""\
#!/bin/sh
set -eu
umask 077
own="{own}"
touch {written}
monitor=$(grep '^sentinel monitor ' {written} || grep '^sentinel monitor ' {conf})
primary=$(echo "$monitor" | awk '{{ print $4 ":" $5 }}')
{{
  grep -v '^sentinel monitor ' {conf}
  echo "$monitor"
  grep -E '^sentinel ({learnt}) ' {written} || true
  for member in {_words(members)}; do
    [ "$member" = "$primary" ] ||
      echo "sentinel known-replica {MASTER} ${{member%:*}} ${{member##*:}}"
  done
  echo "dir $(dirname {written})"
  echo "requirepass \\"$REDISCLI_AUTH\\""
  echo "sentinel sentinel-pass \\"$REDISCLI_AUTH\\""
  echo "sentinel auth-pass {MASTER} \\"$REDISCLI_AUTH\\""
  echo "sentinel announce-ip ${{own% *}}"
  echo "sentinel announce-port ${{own#* }}"
}} > {written}.new
mv {written}.new {written}
exec redis-server {written} --sentinel
"""


def redis_ready(*, port: int = REDIS_PORT) -> str:
    """Whether this Redis is what it shall be: a primary, or a replica that follows.

    A rollout waits for it, so that never two members are without the data. A primary that refuses
    the password is one that still has the old one: then the rollout has to go on.
    """
    return f"""\
#!/bin/sh
state=$(redis-cli -p {port} INFO replication | tr -d '\\r')
value() {{ echo "$state" | sed -n "s/^$1://p"; }}
[ "$(value role)" = master ] && exit 0
[ "$(value master_link_status)" = up ] && exit 0
redis-cli -h "$(value master_host)" -p "$(value master_port)" PING 2>&1 | grep -q WRONGPASS
"""


def redis_leave(own: str, sentinels: Sequence[Address], *, port: int = REDIS_PORT) -> str:
    """What a Redis does before it is told to stop: a primary hands over, and nothing is lost.

    Writes are held back, a replica takes the last of them, and Sentinel promotes it. Whatever
    fails, writes go on and the pod stops all the same: the other Sentinels see it.
    """
    return f"""\
#!/bin/sh
own="{own}"
{_ask(sentinels)}
value() {{ redis-cli -p {port} INFO replication | tr -d '\\r' | sed -n "s/^$1://p"; }}
[ "$(value role)" = master ] || exit 0
redis-cli -p {port} CLIENT PAUSE {LEAVE_SECONDS * 1000} WRITE
until_second=$(($(date +%s) + {LEAVE_SECONDS // 4}))
until value 'slave[0-9]*' | grep -q "offset=$(value master_repl_offset),"; do
  [ "$(date +%s)" -lt "$until_second" ] || break
  sleep 0.1
done
for sentinel in {_words(sentinels)}; do
  say "$sentinel" SENTINEL FAILOVER {MASTER} | grep -q OK && break
done
until_second=$(($(date +%s) + {LEAVE_SECONDS // 2}))
while [ "$(date +%s)" -lt "$until_second" ]; do
  away=$(ask | grep -cvxF "$own")
  [ "$away" -lt {QUORUM} ] || exit 0
  sleep 0.2
done
redis-cli -p {port} CLIENT UNPAUSE
"""


def sentinel_ready(sentinels: Sequence[Address], *, port: int = SENTINEL_PORT) -> str:
    """Whether this Sentinel has found enough others to fail over with.

    Others that refuse the password still have the old one: then the rollout has to go on.
    """
    return f"""\
#!/bin/sh
redis-cli -p {port} SENTINEL CKQUORUM {MASTER} | grep -q '^OK' && exit 0
{_say()}
for sentinel in {_words(sentinels)}; do
  say "$sentinel" PING 2>&1 | grep -q WRONGPASS && exit 0
done
exit 1
"""


def _words(addresses: Sequence[Address]) -> str:
    return " ".join(f"{host}:{port}" for host, port in addresses)


def _say() -> str:
    # redis-cli 7.0 has no limit of its own for a connection.
    return """say() {
  to="$1"; shift
  timeout 2 redis-cli -h "${to%:*}" -p "${to##*:}" "$@"
}"""


def _ask(sentinels: Sequence[Address]) -> str:
    """`ask` prints "<host> <port>" of the primary for each Sentinel that answers."""
    return f"""{_say()}
ask() {{
  for each in {_words(sentinels)}; do
    say "$each" SENTINEL GET-MASTER-ADDR-BY-NAME {MASTER} 2>/dev/null | paste -s -d ' ' -
  done | grep -E '^[^ ]+ [0-9]+$'
}}"""


# -- the front -----------------------------------------------------------------------------------
def haproxy_base(*, health_port: int, nameserver: str = "parse-resolv-conf") -> str:
    """What every HAProxy of ours has: no privileges, DNS that notices, health and metrics.

    nameserver: the line that says whom to ask for addresses; the pod's own unless told otherwise.

    Health is the proxy's own: where it followed the cache's, a failover would take the proxies out
    of service, and their return would only add to its time.
    """
    return f"""\
global
  log stdout format raw local0 notice
  maxconn 4096
  # connections of Redis clients last for ever
  hard-stop-after 10s
  ssl-default-server-options ssl-min-ver TLSv1.2

defaults
  log global
  option dontlognull
  timeout connect 2s
  # a second each, in which the next primary may come up: shorter than clients wait
  retries 2
  option redispatch 1
  timeout check 2s
  timeout client 30s
  timeout server 30s
  # a subscriber may hear nothing for hours
  timeout tunnel 12h
  option clitcpka
  option srvtcpka

resolvers cluster
  {nameserver}
  accepted_payload_size 8192
  timeout resolve 1s
  timeout retry 1s
  resolve_retries 3
  hold valid 1s
  # a name that does not answer for a moment is no reason to forget its address
  hold nx 30s
  hold timeout 30s
  hold refused 30s
  hold other 30s
  hold obsolete 0s

frontend health
  mode http
  bind :{health_port}
  monitor-uri /health
  http-request use-service prometheus-exporter if {{ path /metrics }}
  http-request deny
"""


def follows_primary(*wanted: str) -> str:
    """The lines of a backend by which only a Redis is up whose replication says `wanted` in turn.

    $REDIS_PASSWORD is expanded by HAProxy. Connections to a Redis that has stopped saying so are
    closed, so that their clients come back to the new primary.
    """
    said = r"[\s\S]*".join(wanted)
    # Role and replicas stand in the first 100 bytes; without a least length HAProxy would wait for
    # more, until its time is over, before it believes that they say something else.
    return f"""\
  mode tcp
  option tcp-check
  tcp-check connect default
  tcp-check send "AUTH ${{REDIS_PASSWORD}}\\r\\n"
  tcp-check expect string +OK
  tcp-check send "INFO replication\\r\\n"
  tcp-check expect min-recv 100 rstring {said}
  tcp-check send "QUIT\\r\\n"
  tcp-check expect string +OK
  default-server check inter 1s fastinter 500ms downinter 500ms fall 2 rise 1 \
on-marked-down shutdown-sessions resolvers cluster init-addr last,libc,none
"""


def front_cfg(members: Sequence[Address], *, port: int = REDIS_PORT, health_port: int) -> str:
    """haproxy.cfg of the front: to the one primary that may write, or to nobody."""
    servers = "\n".join(
        f"  server redis-{index} {host}:{number}" for index, (host, number) in enumerate(members)
    )
    return f"""\
{haproxy_base(health_port=health_port)}
frontend cache
  mode tcp
  bind :{port}
  default_backend primary

backend primary
{follows_primary("role:master", "min_slaves_good_slaves:[1-9]")}{servers}
"""
