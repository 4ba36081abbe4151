"""The cache inside the cluster, run from our documents: REDIS-01 to REDIS-06, SENT-01 to SENT-07.

Three Redis, three Sentinels and the front, with the guide's own files beside them as they fail.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from components.kubernetes.data import redis
from tests.daemons.quorum import (
    PASSWORD,
    Client,
    Quorum,
    Refused,
    quorum,
    settings,
)
from tests.daemons.toolbox import (
    command,
    environment,
    eventually,
    free_port,
    listens,
    running,
)

GUIDE_REDIS = """\
maxmemory 2gb
maxmemory-policy allkeys-lru
save 900 1
save 300 10
save 60 10000
appendonly yes
appendfsync everysec
no-appendfsync-on-rewrite no
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size 64mb
requirepass ${REDIS_PASSWORD}
"""
GUIDE_SENTINEL = """\
port 26379
sentinel monitor archesai-master redis-master 6379 2
sentinel auth-pass archesai-master ${REDIS_PASSWORD}
sentinel down-after-milliseconds archesai-master 5000
sentinel parallel-syncs archesai-master 1
sentinel failover-timeout archesai-master 10000
"""
LITERAL = "${REDIS_PASSWORD}"


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Quorum]:
    with quorum(tmp_path) as made:
        yield made


class Writer:
    """A client that counts through the front without a pause, and remembers what was acknowledged.

    acknowledged: (number, when). It connects again whenever it is refused or cut off.
    """

    def __init__(self, port: int) -> None:
        self.acknowledged: list[tuple[int, float]] = []
        self._port = port
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def _write(self) -> None:
        number = 0
        while not self._stop.is_set():
            with contextlib.suppress(OSError, Refused), Client(self._port, timeout=1) as client:
                while not self._stop.is_set():
                    number += 1
                    assert client.ask("SET", f"n{number}", "x") == "OK"
                    self.acknowledged.append((number, time.monotonic()))
                    time.sleep(0.001)
            time.sleep(0.02)

    def __enter__(self) -> Writer:
        self._thread.start()
        eventually(lambda: len(self.acknowledged) > 100, "the writer writes")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def silence(self, since: float) -> float:
        """Seconds from `since` until the first write after it; waits for that write."""
        eventually(lambda: self.acknowledged[-1][1] > since + 0.5, "writes resume")
        return min(when for _, when in self.acknowledged if when > since + 0.5) - since

    def gap(self) -> float:
        """The longest time between two writes, in seconds."""
        times = [when for _, when in self.acknowledged]
        return max(later - earlier for earlier, later in pairwise(times))

    def lost(self, client: Client) -> list[float]:
        """When each write was acknowledged that is not there."""
        return [
            when for number, when in self.acknowledged if client.ask("EXISTS", f"n{number}") != "1"
        ]


# -- the guide's files ---------------------------------------------------------------------------
def guide_redis(folder: Path, port: int, *more: str) -> contextlib.AbstractContextManager[object]:
    home = folder / str(port)
    home.mkdir()
    (home / "redis.conf").write_text(GUIDE_REDIS)
    argv = command("redis-server", home / "redis.conf", "--port", str(port), "--dir", home, *more)
    return running(argv, ready=lambda: listens(port), log=home / "log")


def test_in_the_guides_file_the_password_is_the_literal_text(tmp_path: Path) -> None:
    port = free_port()
    with guide_redis(tmp_path, port):
        with pytest.raises(Refused, match="WRONGPASS"):
            Client(port, PASSWORD)
        with Client(port, LITERAL) as anybody:
            assert anybody.ask("SET", "k", "v") == "OK", "published text opens the guide's Redis"


def test_a_replica_of_the_guides_file_never_follows(tmp_path: Path) -> None:
    primary, replica = free_port(), free_port()
    with (
        guide_redis(tmp_path, primary),
        guide_redis(tmp_path, replica, "--replicaof", "127.0.0.1", str(primary)),
        Client(replica, LITERAL) as client,
    ):
        log = tmp_path / str(replica) / "log"
        eventually(lambda: "NOAUTH" in log.read_text(), "the replica is refused: no masterauth")
        assert "master_link_status:down" in (client.ask("INFO", "replication") or "")


def sentinel_of(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    conf = folder / "sentinel.conf"
    conf.write_text(text.replace("26379", str(free_port())))
    with contextlib.suppress(subprocess.TimeoutExpired):
        return subprocess.run(
            command("redis-server", conf, "--sentinel"),
            capture_output=True,
            text=True,
            timeout=20,
            env=environment(),
        )
    pytest.fail("the guide's Sentinel started")


def test_the_guides_sentinel_does_not_start(tmp_path: Path) -> None:
    ended = sentinel_of(tmp_path, GUIDE_SENTINEL)
    assert ended.returncode != 0
    assert "Can't resolve instance hostname" in ended.stdout + ended.stderr


def test_our_sentinel_starts_before_any_redis_has_a_name(tmp_path: Path) -> None:
    port = free_port()
    conf = tmp_path / "sentinel.conf"
    first = ("archesai-redis-0.invalid", 6379)
    conf.write_text(redis.sentinel_conf(settings().in_cluster, first=first, port=port))
    argv = command("redis-server", conf, "--sentinel")
    with (
        running(argv, ready=lambda: listens(port), log=tmp_path / "log"),
        Client(port, None) as client,
    ):
        assert client.ask("PING") == "PONG", "pods of both sets start at the same time"


# -- what runs -----------------------------------------------------------------------------------
def test_redis_runs_with_the_corrected_lines_and_is_reached_by_one_address(cache: Quorum) -> None:
    wanted = {
        "maxmemory": str(64 * 1024**2),
        "maxmemory-policy": "volatile-lru",
        "save": "900 1 300 10 60 10000",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "no-appendfsync-on-rewrite": "no",
        "auto-aof-rewrite-percentage": "100",
        "auto-aof-rewrite-min-size": str(64 * 1024**2),
        "requirepass": PASSWORD,
        "masterauth": PASSWORD,
        "min-replicas-to-write": "1",
        "min-replicas-max-lag": "5",
    }
    for name in ("redis-0", "redis-1", "redis-2"):
        said = cli(cache.port(name), "CONFIG", "GET", *wanted).splitlines()
        assert dict(zip(said[::2], said[1::2], strict=True)) == wanted, name
    assert cache.primary() == "redis-0"
    with Client(cache.front) as client:
        assert "role:master" in (client.ask("INFO", "replication") or "")

    wrong = "another" + PASSWORD
    for port in (cache.front, *cache.redis, *cache.sentinels):
        with pytest.raises(Refused, match="WRONGPASS"):
            Client(port, wrong)
        with Client(port, None) as nobody, pytest.raises(Refused, match="NOAUTH"):
            nobody.ask("PING")

    for file in (each for each in cache.folder.rglob("*") if each.is_file()):
        holds = PASSWORD in file.read_text(errors="replace")
        assert holds == (file.name == "own"), f"{file}: the password belongs in `own` only"
        if holds:
            assert file.stat().st_mode & 0o077 == 0, f"{file} is read by others"


def cli(port: int, *words: str) -> str:
    return subprocess.run(
        command("redis-cli", "-p", str(port), *words),
        env=environment() | {"REDISCLI_AUTH": PASSWORD},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    ).stdout


def test_at_the_limit_cache_entries_go_and_sessions_stay(cache: Quorum) -> None:
    with Client(cache.front) as client:
        for number in range(50):
            client.ask("SET", f"session{number}", "s")
        fill = "for i = 1, 1000 do redis.call('SET', ARGV[1]..i, ARGV[2], 'EX', 3600) end"
        for batch in range(90):  # 90 MB into 64 MiB
            client.ask("EVAL", fill, "0", f"c{batch}-", "x" * 1000)
        evicted = [s for s in (client.ask("INFO", "stats") or "").splitlines() if "evicted" in s]
        assert evicted[0] != "evicted_keys:0", "the limit was not reached"
        kept = [client.ask("EXISTS", f"session{number}") for number in range(50)]
    assert kept == ["1"] * 50, "people would be signed out (REDIS-02)"


# -- losing the primary --------------------------------------------------------------------------
def test_the_primary_is_killed_and_writes_resume_in_time_with_next_to_nothing_lost(
    cache: Quorum,
) -> None:
    promised = cache.settings.in_cluster
    first = cache.primary()
    with Writer(cache.front) as writer:
        killed = time.monotonic()
        cache.kill(first)
        silence = writer.silence(killed)
        time.sleep(0.5)
    second = cache.primary()
    assert second != first
    assert silence < promised.failover_seconds, f"writes stood still for {silence:.1f} s"
    with Client(cache.front) as client:
        lost = writer.lost(client)
    print(f"killed: {silence:.1f} s without writes, {len(lost)} of {len(writer.acknowledged)} lost")
    assert all(killed - promised.loss_window_seconds <= when <= killed + 1 for when in lost)
    assert len(lost) < 10, "the network was whole: only what was on its way may be lost"

    cache.start(first)
    eventually(lambda: cache.ready(first), "the former primary is ready")
    assert cache.said(first, "role") == "slave", "two primaries"
    assert cache.said(first, "master_port") == str(cache.port(second))
    with cache.client(first) as replica:
        assert not writer.lost(replica), "it has not caught up"


def test_a_primary_that_is_told_to_stop_hands_over_and_nothing_is_lost(cache: Quorum) -> None:
    first = cache.primary()
    with Writer(cache.front) as writer:
        told = time.monotonic()
        assert cache.script(first, "leave").returncode == 0
        cache.kill(first, signal.SIGTERM)
        took = time.monotonic() - told
        writer.silence(told + 2)
        time.sleep(0.5)
    assert cache.primary() != first
    assert took < redis.LEAVE_SECONDS + 40, "the pod would be killed before"
    with Client(cache.front) as client:
        assert writer.lost(client) == []
    print(
        f"told to stop: {writer.gap():.1f} s without writes, 0 of {len(writer.acknowledged)} lost"
    )
    assert writer.gap() < 10

    replica = next(n for n in cache.replicas() if n != first)
    began = time.monotonic()
    assert cache.script(replica, "leave").returncode == 0, "a replica has nothing to hand over"
    assert time.monotonic() - began < redis.LEAVE_SECONDS / 2
    assert cache.writes("after")


def writes_taken(client: Client, seconds: float) -> tuple[float, str]:
    """How long a Redis takes writes from now on, and what ended it; empty: nothing did."""
    began = last = time.monotonic()
    try:
        while last - began < seconds:
            client.ask("SET", "alone", "x")
            last = time.monotonic()
            time.sleep(0.01)
    except (Refused, OSError) as error:
        return last - began, str(error)
    return last - began, ""


def test_a_primary_cut_off_from_its_replicas_takes_writes_for_the_stated_window_only(
    cache: Quorum,
) -> None:
    window = cache.settings.in_cluster.loss_window_seconds
    replicas = cache.replicas()
    with cache.client(cache.primary()) as client:  # beside the front, as an old connection
        for name in replicas:
            cache.send(name, signal.SIGSTOP)
        taken, refused = writes_taken(client, 3 * window)
    assert "NOREPLICAS" in refused
    print(f"cut off: writes were taken for {taken:.1f} s of {window} s")
    assert 1 < taken <= window, f"{taken:.1f} s of writes would be lost, {window} s are stated"
    eventually(lambda: not cache.writes("k"), "the front sends nobody to it")
    for name in replicas:
        cache.send(name, signal.SIGCONT)
    eventually(lambda: cache.writes("k"), "writes resume when a replica is back")


def test_a_primary_that_slept_through_its_replacement_cannot_keep_its_clients(
    cache: Quorum,
) -> None:
    window = cache.settings.in_cluster.loss_window_seconds
    first = cache.primary()
    stuck = cache.client(first)
    cache.send(first, signal.SIGSTOP)
    eventually(lambda: cache.writes("k"), "another one takes writes")
    assert cache.primary() != first
    cache.send(first, signal.SIGCONT)
    taken, refused = writes_taken(stuck, 3 * window)
    print(f"woken: the former primary took writes for {taken:.1f} s of {window} s, then: {refused}")
    assert refused, "it takes writes that nobody will ever see"
    assert taken <= window
    assert cache.writes("k"), "the front stays with the new one"
    eventually(lambda: cache.said(first, "role") == "slave", "it follows")


def test_one_sentinel_alone_promotes_nobody(tmp_path: Path) -> None:
    with quorum(tmp_path, settings(downAfterMs=1000)) as cache:
        first = cache.primary()
        cache.kill("sentinel-1")
        cache.kill("sentinel-2")
        cache.kill(first)
        time.sleep(4)
        roles = {cache.said(n, "role") for n in ("redis-1", "redis-2")}
        assert roles == {"slave"}, "a part that is cut off elected a second primary"
        cache.start("sentinel-1")
        eventually(lambda: cache.writes("k"), "two of three are enough")
        assert cache.primary() != first


def test_everything_is_killed_and_comes_back_where_it_was(cache: Quorum) -> None:
    with Writer(cache.front) as writer:
        cache.kill(cache.primary())
        writer.silence(time.monotonic())
    second = cache.primary()
    assert second != "redis-0", "else the start-up order alone would explain the end"
    time.sleep(2)  # appendfsync everysec
    cache.end()
    for name in cache.names:
        assert (cache.folder / name / "own").exists()

    cache.start("redis-0", "redis-1", "redis-2", "front")
    time.sleep(1)
    assert not any(listens(port) for port in cache.redis), "a Redis decided alone what it is"
    cache.start("sentinel-0", "sentinel-1", "sentinel-2")
    eventually(lambda: cache.writes("k"), "writes resume")
    assert cache.primary() == second
    with Client(cache.front) as client:
        lost = writer.lost(client)
    assert len(lost) < 10, "the append-only file was not read"


def test_a_new_password_rolls_through_without_help(cache: Quorum) -> None:
    assert cache.writes("before")
    cache.password = "Next" + PASSWORD

    def rolled(kind: str) -> None:
        """From the last to the first, each when the one before is ready, as a StatefulSet does."""
        for name in (f"{kind}-2", f"{kind}-1", f"{kind}-0"):
            cache.kill(name, signal.SIGTERM)
            cache.start(name)
            eventually(lambda name=name: cache.ready(name), f"{name} is ready")

    with ThreadPoolExecutor(2) as both:
        list(both.map(rolled, ("sentinel", "redis")))
    cache.kill("front")
    cache.start("front")
    took = eventually(lambda: cache.writes("after"), "the new password opens")
    print(f"a new password: writes {took:.1f} s after the last pod")
    with pytest.raises(Refused, match="WRONGPASS"):
        Client(cache.front, PASSWORD)
    with Client(cache.front, cache.password) as client:
        assert client.ask("GET", "before") == "before"
