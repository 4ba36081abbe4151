"""What each command of `python -m rehearsal` does, in terms of the rooms beside it."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import settings
from rehearsal import cluster, engine, export, locks, paths, recovery, session, summary, timeline
from rehearsal.account import AccountError
from rehearsal.faults import FaultError, Faults
from rehearsal.providers.kubernetes import Kubernetes
from rehearsal.providers.standin import Refused
from reports.__main__ import PROBLEMS, write
from reports.run import Damaged
from reports.run import Run as Verdicts
from reports.run import load as run_of

BAD_INPUT = 2
FAILED = 1
# What makes resources, and so can be struck by a fault.
MAKING = ("export", "rehearse", "report", "up")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


def say(line: str = "") -> None:
    print(line, flush=True)


def run(given: argparse.Namespace) -> int:
    """Run the command of COMMANDS that is given; its exit code."""
    try:
        _refuse_bad_name(given.stack)
        settings.read(paths.stack_file(given.stack))
        given.faults = Faults.parse(given.fault)
        if given.fault and given.command not in MAKING:
            raise FaultError(
                f"--fault: {given.command} makes nothing that a fault could strike; allowed: with "
                f"{', '.join(MAKING)}"
            )
        code = COMMANDS[given.command](given)
        # What failed otherwise may have ended before the fault's turn came.
        for word in given.faults.unstruck() if code == 0 else ():
            made = given.faults.creates
            code = _refused(f"fault {word}: never struck in {made} creates", FAILED)
        return code
    except (BadName, settings.SettingsError, FaultError, AccountError, *PROBLEMS) as error:
        return _refused(str(error), BAD_INPUT)
    except (
        locks.Busy,
        engine.EngineError,
        cluster.ClusterError,
        session.EngineFailed,
        Refused,
    ) as error:
        return _refused(str(error), FAILED)


class BadName(ValueError):
    """No stack can have this name; the message is one line."""


def _refuse_bad_name(stack: str) -> None:
    """A name becomes part of paths and of commands. Raises BadName."""
    if _NAME.fullmatch(stack) is None:
        shown = repr(stack if len(stack) <= 40 else f"{stack[:40]}...")
        raise BadName(
            f"stack: got {shown}; allowed: {', '.join(paths.stacks())}; a name is 1 to 100 of "
            "letters, digits, dots, hyphens and underscores"
        )


def _refused(text: str, code: int) -> int:
    for line in text.splitlines():
        print(f"error: {line}", file=sys.stderr, flush=True)
    return code


def _open(given: argparse.Namespace, **options: Any) -> Any:
    return session.opened(
        given.stack,
        engine=engine.find(say),
        command=f"{given.command} {given.stack}",
        faults=given.faults,
        # A plan asks nothing of a cluster, so a first one needs none; nor does a report.
        programs=None if given.command in ("preview", "report") else cluster.prepare(say),
        **options,
    )


def _settings(given: argparse.Namespace) -> int:
    say(f"Pulumi.{given.stack}.yaml: every setting is accepted")
    return 0


def _engine(given: argparse.Namespace) -> int:
    del given
    found = engine.find(say)
    say(f"engine: {found.describe()}")
    say(f"cluster: {cluster.prepare(say).describe()}")
    return 0


def _preview(given: argparse.Namespace) -> int:
    with _open(given) as opened:
        began = time.monotonic()
        if opened.note:
            say(f"note: {opened.note}")
        run = opened.run("preview", "--json", "--show-sames", check=False)
        document = _json(run.stdout)
        states = [s["newState"] for s in document.get("steps", ()) if s.get("newState")]
        done = summary.operations(run.events)
        if run.code != 0 and not done:
            return _refused(run.reason, FAILED)
        changed = summary.changed_properties(run.events)
        for line in summary.tree(summary.parents_of(states), done, changed):
            say(line)
        say()
        say(f"resources: {summary.counted(done)}")
        lines, mandatory = summary.policy(run.events)
        say("policy: " + lines[0])
        for line in lines[1:]:
            say(line)
        if run.code == 0:
            for line in summary.virtual_time(timeline.schedule(timeline.of_preview(document))):
                say(line)
        _say_honestly(opened)
        say(f"previewed in {time.monotonic() - began:.1f} s")
        if run.code != 0:
            return _refused(run.reason, FAILED)
        return FAILED if mandatory else 0


def _json(text: str) -> dict[str, Any]:
    try:
        return json.loads(text)
    except ValueError:
        return {}


def _say_honestly(opened: session.Session) -> None:
    names = [f"{s.package} {s.version}" for s in opened.standins]
    real = next((each.real for each in _in_cluster(opened)), None)
    for line in summary.honesty(opened.engine.describe(), names, real):
        say(line)


def _in_cluster(opened: session.Session) -> list[Kubernetes]:
    return [each for each in opened.standins if isinstance(each, Kubernetes)]


def _refused_pods(opened: session.Session) -> list[str]:
    """Pods that the finished cluster would refuse, all workloads at their largest."""
    return [line for each in _in_cluster(opened) for line in each.refused_pods()]


def _rehearse(given: argparse.Namespace) -> int:
    with _open(given) as opened:
        say(f"rehearsing {given.stack} with {opened.engine.describe()}")
        if opened.note:
            say(f"note: {opened.note}")
        failures: list[str] = []
        first, up_line = _timed_up(opened)
        say(up_line)
        lines, _ = summary.policy(first.events)
        say("policy: " + lines[0])
        for line in lines[1:]:
            say(line)
        for line in _warnings(opened):
            say(line)
        failures += _refused_pods(opened)
        second, _line = _timed_up(opened)
        changed = {u: o for u, o in summary.operations(second.events).items() if o != "same"}
        say(f"second up: {'nothing changes' if not changed else summary.counted(changed)}")
        failures += [f"the second up would {o} {u.split('::', 3)[3]}" for u, o in changed.items()]
        refreshed = opened.run("refresh", "--yes", "--skip-preview")
        drift = _drift(refreshed.events)
        say(f"refresh: {'finds nothing' if not drift else f'finds {len(drift)} changes'}")
        failures += [f"refresh finds a change in {name}" for name in drift]
        failures += _taken_down(opened)
        _say_honestly(opened)
        return _refused("\n".join(failures), FAILED) if failures else 0


def _timed_up(opened: session.Session) -> tuple[session.Run, str]:
    began = time.monotonic()
    run = opened.run("up", "--yes", "--skip-preview")
    done = summary.operations(run.events)
    took = timeline.schedule(
        timeline.of_state(opened.state(), done, summary.changed_properties(run.events))
    )
    opened.account.pass_time(took.seconds)
    line = (
        f"up: {summary.counted(done)} in {time.monotonic() - began:.1f} s; virtual deployment time "
        f"{timeline.minutes(took.seconds)}"
    )
    return run, line


def _warnings(opened: session.Session) -> list[str]:
    found = [w for s in opened.standins for w in getattr(s, "warnings", [])]
    return [f"warning: {w}" for w in dict.fromkeys(found)]


def _drift(events: list[dict[str, Any]]) -> list[str]:
    """Names of resources that a refresh found changed or gone."""
    found = []
    for event in events:
        step = (event.get("resOutputsEvent") or {}).get("metadata")
        if step and step["op"] in ("update", "delete", "create"):
            found.append(step["urn"].split("::", 3)[3])
    return found


def _taken_down(opened: session.Session) -> list[str]:
    """Take an environment down, in two steps where it protects something; what went wrong.

    The first step (docs/runbooks/retire.md) is an `up`, which would make what is missing: it is
    left out where nothing is protected.
    """
    if any(each.get("protect") for each in _resources(opened)):
        opened.settle(servesCustomers=False, protect=False)
        run = opened.run("up", "--yes", "--skip-preview", policies=False)
        say(f"retire, step one: {summary.counted(summary.operations(run.events))}")
    took = timeline.schedule(timeline.of_destroy(opened.state()))
    gone = opened.run("destroy", "--yes", "--skip-preview")
    left = opened.account.all()
    say(f"destroy: {summary.counted(summary.operations(gone.events))}; {len(left)} left")
    for line in summary.virtual_time(took, "destruction"):
        say(line)
    return [f"destroy leaves {r.type} {r.id}" for r in left]


def _resources(opened: session.Session) -> list[dict[str, Any]]:
    return opened.state()["deployment"].get("resources") or []


def _up(given: argparse.Namespace) -> int:
    with _open(given) as opened:
        if opened.note:
            say(f"note: {opened.note}")
        _, line = _timed_up(opened)
        say(line)
        for warning in _warnings(opened):
            say(warning)
        refused = _refused_pods(opened)
        return _refused("\n".join(refused), FAILED) if refused else 0


def _destroy(given: argparse.Namespace) -> int:
    with _open(given) as opened:
        if opened.note:
            say(f"note: {opened.note}")
        failures = _taken_down(opened)
        return _refused("\n".join(failures), FAILED) if failures else 0


def _recover(given: argparse.Namespace) -> int:
    with _open(given) as opened:
        for each in _in_cluster(opened):
            for line in each.uninstall_pending():
                say(line)
        for line in recovery.recover(opened):
            say(line)
        return 0


@contextlib.contextmanager
def _afresh(given: argparse.Namespace) -> Iterator[Path]:
    """The path of an empty folder for this command, which is gone afterwards. Raises locks.Busy.

    Its lock stands beside it: whoever comes second must not empty what the first works in. Where
    the work fails the folder stays, since its logs say why.
    """
    work = paths.home() / given.command / given.stack
    lock = work.with_name(f"{given.stack}.lock")
    with locks.held(lock, f"{given.command} {given.stack}"):
        shutil.rmtree(work, ignore_errors=True)
        try:
            yield work
        except KeyboardInterrupt:
            shutil.rmtree(work, ignore_errors=True)
            raise
        shutil.rmtree(work, ignore_errors=True)


def _export(given: argparse.Namespace) -> int:
    folder = paths.BUILD / "export" / given.stack
    with _afresh(given) as work, _open(given, folder=work) as opened:
        _timed_up(opened)
        for written in export.write(opened, folder):
            say(f"wrote {written.relative_to(paths.ROOT)}")
    return 0


def _report(given: argparse.Namespace) -> int:
    """The auditor's report from a preview and an `up` in an account of its own."""
    with _afresh(given) as work, _open(given, folder=work) as opened:
        plan = opened.run("preview", check=False)
        planned = opened.folder / "preview.events.jsonl"
        events, state = [planned], None
        if _whole(plan, planned).result == "succeeded":
            _timed_up(opened)
            events.append(opened.folder / "up.events.jsonl")
            state = work / "state.json"
            state.write_text(json.dumps(export.scrubbed(opened.state())), encoding="utf-8")
            for line in _again(opened, events[-1]):
                return _refused(line, FAILED)
        other = _newest_other(given.stack)
        code = write(events, state, paths.BUILD / "report" / given.stack, other)
        _say_honestly(opened)
    return code


def _whole(plan: session.Run, planned: Path) -> Verdicts:
    """What a preview found; the reason where it did not come to an end."""
    try:
        return run_of(planned)
    except Damaged:
        if plan.code == 0:
            raise
        raise session.EngineFailed(plan.code, plan.reason) from None


def _again(opened: session.Session, deployed: Path) -> list[str]:
    """Where the pack judges the finished state otherwise than the `up` that made it."""
    during = {(f.rule, f.urn, f.text) for f in run_of(deployed).findings}
    after = {(f.rule, f.urn, f.text) for f in opened.analyze()}
    return [
        f"{rule} says of {urn.split('::', 3)[3]}, judging the "
        f"{'run' if (rule, urn, text) in during else 'state'} and not the other: {text}"
        for rule, urn, text in sorted(during ^ after)
    ]


def _newest_other(stack: str) -> Path | None:
    """The report of another environment, to compare with: the one that was written last."""
    found = (paths.BUILD / "report").glob("*/report.json")
    others = [path for path in found if path.parent.name != stack]
    return max(others, key=lambda path: path.stat().st_mtime, default=None)


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "settings": _settings,
    "preview": _preview,
    "rehearse": _rehearse,
    "up": _up,
    "export": _export,
    "report": _report,
    "recover": _recover,
    "destroy": _destroy,
    "engine": _engine,
}
