"""`python -m tests.reports.bench`: what the report of production costs, in CPU seconds.

The command runs in a process of its own, as `make report` would start it, with both runs and the
state. The least of some runs counts: other work on the machine only adds. Exit code 1 where the
promise is not kept.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from reports import ROOT
from tests.conftest import config_of, run_program
from tests.policies.real import items_of
from tests.reports import events

STACK = "prod"
RUNS = 3
# What is promised.
SECONDS = 3.0


def main() -> int:
    """Print the numbers."""
    items = items_of(run_program(STACK, config_of(STACK)), STACK)
    with TemporaryDirectory() as name:
        folder = Path(name)
        events.written(folder, "preview", events.log(items))
        events.written(folder, "deployed", events.log(items, preview=False))
        (folder / "state.json").write_text(json.dumps(events.state(items)))
        seconds = min(written(folder) for _ in range(RUNS))
        size = sum(path.stat().st_size for path in (folder / "report").glob("report.*"))
    print(f"report of {STACK}: {len(items)} resources, {size / 1e6:.1f} MB, {seconds:.2f} s of CPU")
    if seconds > SECONDS:
        print(f"error: the report takes more than {SECONDS:g} s", file=sys.stderr)
        return 1
    return 0


def written(folder: Path) -> float:
    """CPU seconds, user and system, of one `write`. Raises AssertionError where it fails."""
    logs = [f"--events={folder / kind}.events.jsonl" for kind in ("preview", "deployed")]
    command = [sys.executable, "-m", "reports", "write", *logs]
    command += [f"--state={folder / 'state.json'}", f"--out={folder / 'report'}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in (0, 1), done.stderr
    assert (folder / "report/report.html").exists(), done.stderr
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main())
