"""`python -m tests.bench_policy`: what the policy pack costs, and whether checkov agrees with it.

Both judge the same recorded environment in one run. checkov's share is what its CPU time exceeds
that of a run over two trivial resources, so that nobody pays for starting up. Exit code 1 where a
promise is not kept, where a disagreement is not explained in policies/controls.yaml, or where that
file is wrong: an explanation that nothing needs, a check that it lacks or excuses without cause.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.conftest import config_of, run_program
from tests.policies import agreement, checkov, costs, real
from tests.policies.checkov import Scan
from tests.policies.real import Item

STACK = "prod"
GROWTH = (1, 4, 16)
# What is promised.
RESOURCE_MS = 5.0
TIMES_FASTER = 10.0
EXPONENT = 1.1


def main() -> int:
    """Print every number and every disagreement."""
    made = run_program(STACK, config_of(STACK))
    items = real.items_of(made, STACK)
    trivial = [made.of("aws:s3/bucket:Bucket")[0], made.of("kubernetes:core/v1:ConfigMap")[0]]
    scans: list[Scan] = []
    floors: list[Scan] = []
    try:
        with TemporaryDirectory() as folder:
            for _ in range(costs.RUNS):
                floors.append(checkov.scan(trivial, Path(folder)))
                scans.append(checkov.scan(made.registrations, Path(folder)))
    except checkov.CheckovError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    kept = [*_agreement(items, scans[0]), *_speed(items, scans, floors), *_growth(items)]
    print("all promises kept" if all(kept) else "a promise is broken")
    return 0 if all(kept) else 1


def _agreement(items: Sequence[Item], scan: Scan) -> list[bool]:
    names = {item.urn: item.name for item in items}
    rows, wrong = agreement.of(items, scan.verdicts, names)
    print("check\tcheckov passed\tfailed\twe refuse\trules")
    for row in rows:
        print(f"{row.check}\t{row.passed}\t{row.failed}\t{row.refused}\t{' '.join(row.rules)}")
    for row in rows:
        for name, reason in row.differs:
            print(
                f"{'differs' if reason else 'MISS'} {row.check} {name}: {reason or 'unexplained'}"
            )
    for each in wrong:
        print(f"MISS policies/controls.yaml: {each}")
    ran = {verdict.check for verdict in scan.verdicts}
    alike = sum(not row.differs for row in rows)
    print(
        f"{len(ran)} checks of checkov run on {scan.resources} resources; rules name {len(rows)} "
        f"of them, and {alike} agree on every resource"
    )
    return [not (wrong or any(row.unexplained for row in rows))]


def _speed(items: Sequence[Item], scans: Sequence[Scan], floors: Sequence[Scan]) -> list[bool]:
    count, floor = scans[0].resources, floors[0].resources
    pairs = zip(scans, floors, strict=True)
    theirs = statistics.median(scan.seconds - start.seconds for scan, start in pairs)
    whole = statistics.median(scan.seconds for scan in scans)
    # Ours judges everything that a preview registers; only what checkov can read is counted.
    ours = 1000 * costs.preview(items) / count
    each = 1000 * theirs / (count - floor)
    print(f"checkov: {each:.2f} ms a resource, with starting up {1000 * whole / count:.2f} ms")
    return [
        _said("the pack", ours, ours <= RESOURCE_MS, f"ms a resource (at most {RESOURCE_MS:g})"),
        _said(
            "the pack against checkov",
            each / ours,
            each / ours >= TIMES_FASTER,
            f"times faster (at least {TIMES_FASTER:g})",
        ),
    ]


def _growth(items: Sequence[Item]) -> list[bool]:
    times: list[float] = []
    for factor in GROWTH:
        grown = costs.copies(items, factor)
        times.append(costs.joining(grown))
        print(f"rules that join, {factor:>2}x ({len(grown)} resources): {times[-1]:.3f} s")
    exponent = costs.exponent(times[0], times[-1], GROWTH[-1] // GROWTH[0])
    return [_said("growth exponent", exponent, exponent <= EXPONENT, f"(at most {EXPONENT:g})")]


def _said(name: str, value: float, kept: bool, unit: str) -> bool:
    print(f"{'ok  ' if kept else 'MISS'} {name}: {value:.2f} {unit}")
    return kept


if __name__ == "__main__":
    sys.exit(main())
