"""One stack in the rehearsal: its folder, its lock, its config, and the engine run over it.

The program and its `Pulumi.<stack>.yaml` are not touched: the engine reads a derived copy of the
file, in which the real secrets provider is replaced by a passphrase and each given secret by a
canary of the same name.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rehearsal import engine as engines
from rehearsal import locks, paths
from rehearsal.account import Account
from rehearsal.cluster import Cluster, Programs
from rehearsal.faults import Faults
from rehearsal.providers.aws import Aws
from rehearsal.providers.kubernetes import Kubernetes
from rehearsal.providers.random import Random
from rehearsal.providers.standin import StandIn, serving
from reports.run import Finding, finding

# Protects nothing but the form: the rehearsal's secrets are canaries and its state is local.
PASSPHRASE = "rehearsal"
CANARY = "canary-"
PARALLEL = 32
# The engine's heap is 0.1 GB here: letting it grow to five times the live part costs nothing.
_GARBAGE_PERCENT = "400"
# The engine's words around a reason.
_CLOSING = re.compile(r"(preview|update|refresh|destroy) failed")
_OWN_ERROR = "error: "
_PREFIX = re.compile(r"^((Preview|Update|Refresh|Destroy) failed|an unhandled error occurred): ")


class EngineFailed(Exception):
    """The engine ended with an error that it has already explained."""

    def __init__(self, code: int, said: str) -> None:
        self.code = code
        self.said = said
        super().__init__(said)


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one engine command left: its exit code, its events, and what it printed."""

    code: int
    events: list[dict[str, Any]]
    stdout: str
    stderr: str

    @property
    def diagnostics(self) -> list[str]:
        """Errors in the engine's words, one line each, without repeats.

        Its closing `preview failed` says nothing where another line gives the reason. A policy pack
        that cannot start writes the reason itself, and the engine takes that for information.
        """
        told = [e["diagnosticEvent"] for e in self.events if "diagnosticEvent" in e]
        texts = [(each.get("severity"), " ".join(each["message"].split())) for each in told]
        found = [text for severity, text in texts if severity == "error"]
        reasons = [line for line in found if not _CLOSING.fullmatch(line)]
        own = [text for severity, text in texts if severity == "info#err"]
        reasons += [
            # After a colon a traceback follows, whose last line says it.
            line.removeprefix(_OWN_ERROR) + (f" {own[-1]}" if line.endswith(":") else "")
            for line in own
            if line.startswith(_OWN_ERROR)
        ]
        return list(dict.fromkeys(_PREFIX.sub("", line) for line in reasons or found))

    @property
    def reason(self) -> str:
        """Why it failed, a line for each reason."""
        return "\n".join(self.diagnostics or [_last_line(self.stderr or self.stdout)])


@dataclass(kw_only=True)
class Session:
    """A stack under rehearsal. Made by `opened`."""

    stack: str
    engine: engines.Engine
    folder: Path
    account: Account
    standins: list[StandIn]
    config: Path
    environment: dict[str, str]
    program: Path
    note: str | None = None
    _running: subprocess.Popen[str] | None = field(default=None, repr=False)

    def settle(self, **changes: Any) -> None:
        """Change settings of `arches:identity` in the derived config only."""
        self.change({f"identity.{key}": value for key, value in changes.items()})

    def change(self, settings: Mapping[str, Any]) -> None:
        """Change settings, named by path (`cluster.nodes.maxPerZone`), in the derived config."""
        document = _read_yaml(self.config)
        for path, value in settings.items():
            section, *inner, last = path.split(".")
            mapping = document["config"].setdefault(f"arches:{section}", {})
            for key in inner:
                mapping = mapping.setdefault(key, {})
            mapping[last] = value
        self.config.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")

    def run(self, *arguments: str, check: bool = True, policies: bool = True) -> Run:
        """Run one engine command over the program. Raises EngineFailed where `check` asks."""
        verb = arguments[0]
        # No other run is alive (locks.held), so nobody but `recover` will let go of the engine's.
        if verb in ("up", "refresh", "destroy") and self.cut_off:
            raise EngineFailed(
                1,
                f"an earlier run was cut off: run `make recover STACK={self.stack}` before the "
                "next run",
            )
        log = self.folder / f"{verb}.events.jsonl"
        log.unlink(missing_ok=True)
        command = [str(self.engine.path), *arguments, "--stack", self.stack]
        command += ["--non-interactive", "--color", "never"]
        if verb in ("preview", "up", "refresh", "destroy"):
            command += ["--event-log", str(log), "--config-file", str(self.config)]
            # The stand-ins are attached: there is no plugin to look for beforehand, and the search
            # would start a language host of its own.
            command += ["--parallel", str(PARALLEL), "--skip-plugin-pre-install"]
        if policies and verb in ("preview", "up"):
            command += ["--policy-pack", str(self.program / "policies")]
        done = self._call(command)
        events = _read_events(log)
        run = Run(code=done[0], events=events, stdout=done[1], stderr=done[2])
        if check and run.code != 0:
            if run.code < 0:
                raise EngineFailed(
                    run.code,
                    f"the engine was killed in the middle of `{verb}`: run `make recover "
                    f"STACK={self.stack}` before the next run",
                )
            raise EngineFailed(run.code, run.reason)
        return run

    @property
    def cut_off(self) -> bool:
        """Whether a run has left the engine's own lock behind."""
        return any((self.folder / "state" / ".pulumi" / "locks").rglob("*.json"))

    def kill(self) -> None:
        """Kill the engine and all it started, as a power cut would."""
        if self._running is not None:
            os.killpg(self._running.pid, signal.SIGKILL)

    def state(self) -> dict[str, Any]:
        """The stack's deployment as `pulumi stack export` gives it (secrets stay ciphertext)."""
        done = self._call([str(self.engine.path), "stack", "export", "--stack", self.stack])
        if done[0] != 0:
            raise EngineFailed(done[0], _last_line(done[2]))
        return json.loads(done[1])

    def analyze(self) -> list[Finding]:
        """What the policy pack says of the stack's state, without a run. Raises EngineFailed."""
        code, out, err = self._call(
            [
                str(self.engine.path), "policy", "analyze", "--stack", self.stack, "--json",
                "--policy-pack", str(self.program / "policies"),
            ]
        )  # fmt: skip
        said = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
        found = [finding(each["policyEvent"]) for each in said if each.get("policyEvent")]
        if code != 0 and not any(each.level == "mandatory" for each in found):
            raise EngineFailed(code, _last_line(err) or _last_line(out))
        return found

    def pulumi(self, *arguments: str, stdin: str | None = None, cwd: Path | None = None) -> str:
        """A small engine command; its standard output. Raises EngineFailed."""
        code, out, err = self._call([str(self.engine.path), *arguments], stdin=stdin, cwd=cwd)
        if code != 0:
            raise EngineFailed(code, _last_line(err) or _last_line(out))
        return out

    def _call(
        self, command: list[str], stdin: str | None = None, cwd: Path | None = None
    ) -> tuple[int, str, str]:
        # A process group of its own: Ctrl-C reaches this process, which passes it on once and
        # keeps the stand-ins up until the engine has saved its state.
        self._running = subprocess.Popen(
            command,
            cwd=cwd or self.program,
            env=self.environment,
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        interrupted = False
        try:
            while True:
                try:
                    out, err = self._running.communicate(input=None if interrupted else stdin)
                    break
                except KeyboardInterrupt:
                    interrupted = True
                    self._running.send_signal(signal.SIGINT)
            if interrupted:
                raise KeyboardInterrupt
            return self._running.returncode, out, err
        finally:
            self._running = None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "the engine said nothing"


def _read_events(log: Path) -> list[dict[str, Any]]:
    if not log.exists():
        return []
    found: list[dict[str, Any]] = []
    for line in log.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError):  # the last line of a killed engine
            found.append(json.loads(line))
    return found


@contextlib.contextmanager
def opened(
    stack: str,
    *,
    engine: engines.Engine,
    command: str,
    folder: Path | None = None,
    faults: Faults | None = None,
    standins: list[StandIn] | None = None,
    program: Path = paths.ROOT,
    programs: Programs | None = None,
) -> Iterator[Session]:
    """Open a stack's rehearsal: lock, account, derived config, stand-ins listening.

    programs: of the cluster, which starts when a run first touches an object in it; None: objects
    are checked by schema alone. Raises locks.Busy, account.AccountError.
    """
    folder = folder or paths.home() / stack
    with contextlib.ExitStack() as stack_of:
        note = stack_of.enter_context(locks.held(folder / "lock", command))
        source = program / f"Pulumi.{stack}.yaml"
        text = source.read_text(encoding="utf-8")
        document = yaml.safe_load(text) or {}
        account = Account(
            folder / "account.db",
            _account_id(document),
            given=text,
            # The engine's state and its config, and the cluster: all of them know what was made.
            companions=("state", "init", f"Pulumi.{stack}.yaml", "cluster"),
        )
        stack_of.callback(account.close)
        if standins is None:
            faults = faults or Faults()
            cluster = None
            if programs is not None:
                cluster = Cluster(programs=programs, folder=folder / "cluster")
                stack_of.callback(cluster.close)
            standins = [
                Aws(account, faults=faults),
                Kubernetes(account, cluster=cluster, faults=faults),
                Random(),
            ]
        ports = stack_of.enter_context(serving(standins))
        session = Session(
            stack=stack,
            engine=engine,
            folder=folder,
            account=account,
            standins=standins,
            config=folder / f"Pulumi.{stack}.yaml",
            environment=_environment(engine, folder, ports),
            program=program,
            note=note,
        )
        if faults is not None:
            faults.on_kill = session.kill
        _prepare(session, document)
        yield session


def _account_id(document: Mapping[str, Any]) -> str:
    identity = (document.get("config") or {}).get("arches:identity") or {}
    return str(identity.get("accountId", "111122223333"))


def _environment(engine: engines.Engine, folder: Path, ports: Mapping[str, int]) -> dict[str, str]:
    (folder / "state").mkdir(parents=True, exist_ok=True)
    _without_trace(folder / "home")
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PULUMI_"))},
        **engines.environment(engine),
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_DEBUG_PROVIDERS": ",".join(f"{p}:{port}" for p, port in ports.items()),
        "PULUMI_DEBUG_COMMANDS": "true",  # unlocks --event-log
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DIY_BACKEND_RETAIN_CHECKPOINTS": "false",
        "PYTHONPATH": "",
        "GOGC": _GARBAGE_PERCENT,
    }


def _without_trace(home: Path) -> None:
    """Keep the engine from tracing every property of every run, 3 MB and a third of its CPU time.

    It has no switch for that; it goes on without where `$PULUMI_HOME/logs` is no folder
    (pkg/v3/logging/encrypted.go, StartLogging, of v3.259.0).
    """
    home.mkdir(parents=True, exist_ok=True)
    logs = home / "logs"
    if logs.is_dir():
        shutil.rmtree(logs)
    logs.touch()


def _prepare(session: Session, document: Mapping[str, Any]) -> None:
    """Write the derived config and make the stack in the local backend where it is missing."""
    config = dict(document.get("config") or {})
    given = [key for key in config if _is_secret(config[key])]
    for key in given:
        del config[key]
    previous = _read_yaml(session.config)
    salt = previous.get("encryptionsalt") or _made_stack(session)
    kept = previous.get("config") or {}
    config |= {key: kept[key] for key in given if _is_secret(kept.get(key))}
    derived = {"encryptionsalt": salt, "config": config}
    session.config.write_text(yaml.safe_dump(derived, sort_keys=False), encoding="utf-8")
    for key in given:
        if key not in config:
            session.pulumi(
                "config", "set", "--secret", key, "--stack", session.stack, "--non-interactive",
                "--config-file", str(session.config), stdin=CANARY + secrets.token_hex(12),
            )  # fmt: skip


def _made_stack(session: Session) -> str:
    """Make the stack in the local backend and return its passphrase salt.

    `pulumi stack init` writes the salt into `Pulumi.<stack>.yaml` of the folder it runs in, so it
    runs in a folder of its own and the project's file stays as it is.
    """
    project = yaml.safe_load((session.program / "Pulumi.yaml").read_text(encoding="utf-8"))
    scratch = session.folder / "init"
    scratch.mkdir(parents=True, exist_ok=True)
    (scratch / "Pulumi.yaml").write_text(
        yaml.safe_dump({"name": project["name"], "runtime": "python"}), encoding="utf-8"
    )
    session.pulumi(
        "stack", "init", session.stack, "--secrets-provider", "passphrase", "--non-interactive",
        "--no-select", cwd=scratch,
    )  # fmt: skip
    return str(_read_yaml(scratch / f"Pulumi.{session.stack}.yaml")["encryptionsalt"])


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}


def _read_yaml(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
