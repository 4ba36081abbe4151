"""`make bench`: the numbers that the project promises, each beside the machine's own floor.

Every figure is measured in this run on this machine; a ratio is taken pair by pair, so that a busy
machine disturbs both sides alike.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rehearsal import engine as engines
from rehearsal import forced, paths, session, timeline
from rehearsal.account import Account
from rehearsal.providers.aws import Aws
from rehearsal.providers.kubernetes import Kubernetes
from rehearsal.providers.random import Random
from rehearsal.providers.standin import StandIn
from rehearsal.providers.trivial import Trivial

STACK = "prod"
PAIRS = 3
GROWTH = (1, 4, 16)
PROGRAM = paths.ROOT / "rehearsal" / "programs" / "replay"

# What is promised: preview at most 2x the floor and 40 s, a rehearsal against the API server 4
# minutes, `make check` 60 s, memory 1.5 GB, growth exponent 1.1, and a critical path of 1.05x the
# chain that AWS forces.
LIMITS = {
    "ratio": 2.0,
    "preview": 40.0,
    "rehearse": 240.0,
    "check": 60.0,
    "memory": 1.5,
    "growth": 1.1,
    "path": forced.SLACK,
}


def main() -> int:
    """Print every number; exit code 1 where a promise is not kept."""
    engine = engines.find(print)
    print(f"machine: {os.cpu_count()} cores, Python {sys.version.split()[0]}, {engine.describe()}")
    kept: list[bool] = []
    # A home of its own: it neither waits for what people have up nor takes that down.
    with tempfile.TemporaryDirectory(prefix="arches-bench-") as home:
        work = Path(home)
        kept += _preview_against_floor(engine, work)
        kept += _growth(engine, work)
        kept += _rehearse(work)
        kept += _check()
    print("all promises kept" if all(kept) else "a promise is broken")
    return 0 if all(kept) else 1


def _said(name: str, value: float, limit: float, unit: str) -> bool:
    kept = value <= limit
    print(f"{'ok  ' if kept else 'MISS'} {name}: {value:.2f} {unit} (at most {limit:g} {unit})")
    return kept


def _preview_against_floor(engine: engines.Engine, work: Path) -> list[bool]:
    resources, chain = _recorded(engine, work)
    trivial = work / "trivial.json"
    trivial.write_text(
        json.dumps(
            {
                "providers": {"floor": {}},
                "resources": [
                    {"type": "floor:index:Thing", "name": f"thing-{i}", "inputs": {"size": i}}
                    for i in range(resources["registered"])
                ],
            }
        )
    )
    previews, floors, memory = [], [], 0.0
    for _ in range(PAIRS):
        with _peak_memory() as peak:
            previews.append(_timed(lambda: _preview(engine, work)))
        memory = max(memory, peak[0])
        floors.append(
            _timed(lambda: _replay(engine, work, trivial, 1, [Trivial("floor")], policies=False))
        )
    ratios = [p / f for p, f in zip(previews, floors, strict=True)]
    count = resources["registered"]
    print(f"preview of {STACK}: {count} resources; pairs {_pairs(previews, floors)}")
    name, least = forced.longest()
    print(
        f"virtual deployment time {timeline.minutes(chain)} (m:ss); the chain that AWS forces "
        f"({name}) {timeline.minutes(least)}"
    )
    return [
        _said("preview against the floor", statistics.median(ratios), LIMITS["ratio"], "x"),
        _said("preview, warm", statistics.median(previews), LIMITS["preview"], "s"),
        _said("peak memory of all processes", memory, LIMITS["memory"], "GB"),
        _said(
            "critical path against the chain that AWS forces", chain / least, LIMITS["path"], "x"
        ),
    ]


def _pairs(previews: list[float], floors: list[float]) -> str:
    return ", ".join(f"{p:.1f} s / {f:.1f} s" for p, f in zip(previews, floors, strict=True))


def _growth(engine: engines.Engine, work: Path) -> list[bool]:
    times: list[float] = []
    for factor in GROWTH:
        account = Account(":memory:", given=paths.stack_file(STACK).read_text(encoding="utf-8"))
        standins: list[StandIn] = [Aws(account), Kubernetes(account), Random()]
        times.append(
            _timed(
                lambda standins=standins, factor=factor: _replay(
                    engine, work, work / "resources.json", factor, standins, policies=True
                )
            )
        )
        print(f"growth {factor:>2}x: {times[-1]:.1f} s")
    exponent = math.log(times[-1] / times[0]) / math.log(GROWTH[-1] / GROWTH[0])
    return [_said("growth exponent", exponent, LIMITS["growth"], "")]


def _rehearse(home: Path) -> list[bool]:
    given = [f"STACK={STACK}"]
    return [_made("rehearse", *given, limit=LIMITS["rehearse"], ARCHES_REHEARSAL_HOME=str(home))]


def _check() -> list[bool]:
    return [_made("check", limit=LIMITS["check"])]


def _made(*what: str, limit: float, **environment: str) -> bool:
    """Whether `make` does it in time; what it says where it fails."""
    command = ["make", "--no-print-directory", *what]
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=paths.ROOT, env={**os.environ, **environment}, capture_output=True, text=True
    )
    if done.returncode != 0:
        said = [line for line in (done.stderr or done.stdout).splitlines() if "error" in line]
        print(f"MISS make {' '.join(what)}: {said[0] if said else f'ended {done.returncode}'}")
        return False
    return _said(f"make {' '.join(what)}", time.monotonic() - began, limit, "s")


def _timed(work: Callable[[], Any]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _preview(engine: engines.Engine, work: Path) -> session.Run:
    with session.opened(STACK, engine=engine, command="bench", folder=work / "preview") as opened:
        return opened.run("preview", "--json", "--show-sames")


def _recorded(engine: engines.Engine, work: Path) -> tuple[dict[str, Any], float]:
    """What a real preview registers, as a list to replay; and its virtual duration in seconds."""
    document = json.loads(_preview(engine, work).stdout)
    registered = [s["newState"] for s in document["steps"] if s.get("newState")]
    states = [s for s in registered if s["custom"]]
    resources = [
        {
            "type": s["type"],
            "name": s["urn"].split("::", 3)[3],
            "inputs": _speakable(s.get("inputs") or {}),
        }
        for s in states
        if not s["type"].startswith("pulumi:")
    ]
    listed = {
        "providers": {
            "aws": {"region": "eu-central-1"},
            "kubernetes": {"kubeconfig": "{}"},
            "random": {},
        },
        "resources": resources,
        "registered": len(registered),
    }
    (work / "resources.json").write_text(json.dumps(listed))
    return listed, timeline.schedule(timeline.of_preview(document)).seconds


def _speakable(value: Any) -> Any:
    """Recorded inputs with letters where the engine hides a secret: rows judge their form."""
    if isinstance(value, dict):
        return {key: _speakable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_speakable(inner) for inner in value]
    return "s" * 40 if value == "[secret]" else value


def _replay(
    engine: engines.Engine,
    work: Path,
    resources: Path,
    times: int,
    standins: list[StandIn],
    *,
    policies: bool,
) -> None:
    with session.opened(
        "bench",
        engine=engine,
        command="bench",
        folder=work / f"replay-{resources.stem}-{times}",
        standins=standins,
        program=PROGRAM,
    ) as opened:
        opened.environment |= {"REPLAY_RESOURCES": str(resources), "REPLAY_TIMES": str(times)}
        pack = ["--policy-pack", str(paths.POLICIES)] if policies else []
        run = opened.run("preview", "--json", "--show-sames", *pack, check=False, policies=False)
        # The pack may object to copies without their neighbours, which does not matter here; a
        # run that ended early would.
        planned = len(json.loads(run.stdout or "{}").get("steps", ()))
        wanted = times * len(json.loads(resources.read_text())["resources"])
        if planned < wanted:
            raise SystemExit(f"error: {planned} of {wanted} resources planned: {run.diagnostics}")


@contextmanager
def _peak_memory() -> Iterator[list[float]]:
    """The highest sum of resident memory, in GB, of this process and all below it."""
    peak = [0.0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            peak[0] = max(peak[0], _resident(os.getpid()) / 1e9)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def _resident(root: int) -> int:
    """Bytes resident in a process and its descendants (Linux: /proc)."""
    parents: dict[int, int] = {}
    sizes: dict[int, int] = {}
    page = os.sysconf("SC_PAGE_SIZE")
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            parents[int(entry.name)] = int(stat[1])
            sizes[int(entry.name)] = int(stat[21]) * page
        except (OSError, IndexError):
            continue
    total = 0
    for pid in sizes:
        here = pid
        while here not in (0, 1, root):
            here = parents.get(here, 0)
        if here == root:
            total += sizes[pid]
    return total


if __name__ == "__main__":
    sys.exit(main())
