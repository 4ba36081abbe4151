"""A real kube-apiserver and etcd for one stack: built from their Go modules, started, stopped.

Both are built once without root from modules pinned by the checked-in go.sum files, and kept in the
user's cache. The definitions of the operators' kinds come from the operators' own modules, each
verified by its checksum below. What a stack's cluster holds lives in the stack's own folder, so
refresh, drift and destroy are real against it. Values in etcd are encrypted: the folder can be read
without learning a secret that the cluster was given.

There are no controllers, no scheduler, no nodes: see `rehearsal.apiserver` for what is played.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import platform
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rehearsal import locks, paths
from rehearsal.apiserver import ApiServer

VERSION = "1.36.3"
ETCD_VERSION = "3.6.12"
GO_OLDEST = "1.26"
# EKS gives this range to Services where the VPC's own is in 10.0.0.0/8.
SERVICE_RANGE = "172.20.0.0/16"
_PATIENCE_SECONDS = 90.0
_END_SECONDS = 10.0
_GUARD = "cat > /dev/null; kill -KILL $(cat pids)"  # once its input ends

_VERSION_PACKAGE = "k8s.io/component-base/version"
_MAJOR, _MINOR, _ = VERSION.split(".")
_STAMP = {
    "gitVersion": f"v{VERSION}",
    "gitMajor": _MAJOR,
    "gitMinor": _MINOR,
    "gitTreeState": "clean",
}
# name of the program -> the folder of its go.mod, its package, its link-time variables
_BUILDS = {
    "etcd": ("etcd", "go.etcd.io/etcd/server/v3", ""),
    "kube-apiserver": (
        "apiserver",
        "k8s.io/kubernetes/cmd/kube-apiserver",
        " ".join(f"-X {_VERSION_PACKAGE}.{name}={value}" for name, value in _STAMP.items()),
    ),
}

Say = Callable[[str], None]


class ClusterError(Exception):
    """No cluster can be had; the message is one line with the remedies."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the definitions of an operator's kinds come from: a Go module and its folders."""

    module: str
    version: str
    sum: str
    folders: tuple[str, ...]


# The module's sum is what `go mod download -json` says and the public checksum database confirms.
SOURCES = {
    "external-secrets": Source(
        module="github.com/external-secrets/external-secrets",
        version="v1.3.2",
        sum="h1:u2J8RjlHIeF0oZCqtl92adI/uZWUwOesJIDkfql6LqQ=",
        folders=("config/crds/bases",),
    ),
    "prometheus-operator": Source(
        module="github.com/prometheus-operator/prometheus-operator",
        version="v0.85.0",
        sum="h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
        folders=("example/prometheus-operator-crd",),
    ),
    "sealed-secrets": Source(
        module="github.com/bitnami-labs/sealed-secrets",
        version="v0.40.0",
        sum="h1:rvCP35JL8ZV5LNA2SrwNR6iLyoM3ulrSFWN0lBtYEYI=",
        folders=("helm/sealed-secrets/crds",),
    ),
    "velero": Source(
        module="github.com/vmware-tanzu/velero",
        version="v1.18.3",
        sum="h1:9uwN5yxTWQl9PsF5ljX4xiG+7VIq3I9mxOQ0DyyZ31A=",
        folders=("config/crd/v1/bases", "config/crd/v2alpha1/bases"),
    ),
}
_FORM = 1  # of what is kept of them
# Definitions whose module cannot be had, written after their documentation.
WRITTEN = paths.ROOT / "rehearsal" / "crds"


@dataclass(frozen=True, kw_only=True)
class Programs:
    """The built programs and the folder of definitions, one JSON file for each operator."""

    folder: Path

    @property
    def apiserver(self) -> Path:
        return self.folder / "kube-apiserver"

    @property
    def etcd(self) -> Path:
        return self.folder / "etcd"

    def definitions(self, operator: str) -> list[dict[str, Any]]:
        """The CustomResourceDefinitions of an operator, one of `operators()`."""
        written = WRITTEN / f"{operator}.yaml"
        if written.exists():
            text = written.read_text(encoding="utf-8")
            return [d for d in yaml.safe_load_all(text) if d]
        return json.loads((self.folder / f"{operator}.json").read_text(encoding="utf-8"))

    def describe(self) -> str:
        return f"kube-apiserver v{VERSION} and etcd v{ETCD_VERSION} (built)"


def operators() -> list[str]:
    """Every operator whose definitions are known."""
    return sorted([*SOURCES, *(path.stem for path in WRITTEN.glob("*.yaml"))])


# -- preparing ----------------------------------------------------------------------------------
def prepare(say: Say) -> Programs:
    """The programs for this machine, built if they have to be. Raises ClusterError."""
    folder = paths.cache() / "cluster" / _key()
    wanted = {name: _built(name) for name in _BUILDS}
    wanted |= {f"{name}.json": _extracted(source) for name, source in SOURCES.items()}
    if any(not (folder / name).exists() for name in wanted):
        with locks.awaited(folder / "lock"):
            for name, make in wanted.items():
                if not (folder / name).exists():
                    fresh = folder / f"{name}.{os.getpid()}"
                    try:
                        make(fresh, say)
                        fresh.replace(folder / name)
                    except ClusterError as error:
                        raise ClusterError(_no_cluster(error)) from None
                    finally:
                        fresh.unlink(missing_ok=True)
    return Programs(folder=folder)


def _no_cluster(error: ClusterError) -> str:
    return (
        f"no Kubernetes API server: {error}. Do one of three: install Go {GO_OLDEST} or later with "
        "access to a Go module proxy; copy the folder `cluster` of the rehearsal's cache (ARCHES_"
        "CACHE) from a machine like this one that has it; or stay with `make preview`, which "
        "checks Kubernetes objects by schema alone"
    )


def _key() -> str:
    digest = hashlib.sha256(repr((_FORM, sorted(SOURCES.items()))).encode())
    for module, _, _ in _BUILDS.values():
        digest.update((paths.ROOT / "rehearsal" / "go" / module / "go.sum").read_bytes())
    machine = f"{platform.system().lower()}-{platform.machine()}"
    return f"v{VERSION}-{machine}-{digest.hexdigest()[:12]}"


def _go() -> str:
    go = shutil.which("go")
    if go is None:
        raise ClusterError("Go is not on PATH")
    return go


def _built(name: str) -> Callable[[Path, Say], None]:
    module, package, variables = _BUILDS[name]

    def build(fresh: Path, say: Say) -> None:
        go = _go()
        took = "5 to 15 minutes" if name == "kube-apiserver" else "about a minute"
        say(f"building {name} from its Go module (once; {took} on 2 cores)")
        began = time.monotonic()
        command = [go, "build", "-mod=readonly", "-trimpath", "-ldflags", f"-s -w {variables}"]
        done = subprocess.run(
            [*command, "-o", str(fresh), package],
            cwd=paths.ROOT / "rehearsal" / "go" / module,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise ClusterError(f"the build of {name} with Go failed ({last})")
        say(f"built in {time.monotonic() - began:.0f} s")

    return build


def _extracted(source: Source) -> Callable[[Path, Say], None]:
    """Makes the JSON of a module's definitions: read ten times as fast as its YAML."""

    def extract(fresh: Path, say: Say) -> None:
        say(f"taking definitions from {source.module}@{source.version}")
        done = subprocess.run(
            [_go(), "mod", "download", "-json", f"{source.module}@{source.version}"],
            cwd=fresh.parent,
            env={**os.environ, "GOFLAGS": "-mod=mod", "GO111MODULE": "on"},
            capture_output=True,
            text=True,
        )
        said = json.loads(done.stdout) if done.stdout.startswith("{") else {}
        if done.returncode != 0 or "Dir" not in said:
            reason = " ".join(str(said.get("Error") or done.stderr or "no message").split())
            raise ClusterError(f"{source.module} {source.version} cannot be had ({reason})")
        if said.get("Sum") != source.sum:
            raise ClusterError(f"{source.module} {source.version} does not match its checksum")
        files = sorted(
            path for each in source.folders for path in (Path(said["Dir"]) / each).glob("*.yaml")
        )
        documents = [yaml.load(path.read_bytes(), _Plain) for path in files]
        kept = [d for d in documents if d and d.get("kind") == "CustomResourceDefinition"]
        fresh.write_text(json.dumps([_without_prose(d) for d in kept]), encoding="utf-8")

    return extract


def _without_prose(schema: Any) -> Any:
    """A definition without its descriptions, which are most of it: the server reads it in a third
    of the time. A property that is called `description` has a schema, not a text, and stays.
    """
    if isinstance(schema, list):
        return [_without_prose(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_prose(value)
        for key, value in schema.items()
        if key != "description" or not isinstance(value, str)
    }


class _Plain(yaml.CSafeLoader):
    """YAML 1.2's idea of `=`, which stands in an enumeration: a string like any other."""


_Plain.add_constructor("tag:yaml.org,2002:value", lambda _loader, node: node.value)


# -- running ------------------------------------------------------------------------------------
@dataclass(kw_only=True)
class Cluster:
    """The cluster of one stack in `folder`; it starts when it is first asked and not before.

    `api` may be asked from several threads. `close` keeps what the cluster holds.
    """

    programs: Programs
    folder: Path
    start_seconds: float = 0.0
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list, repr=False)
    _guard: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _api: ApiServer | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def started(self) -> bool:
        return self._api is not None

    @property
    def api(self) -> ApiServer:
        """The running API server. Raises ClusterError."""
        with self._lock:
            if self._api is None:
                began = time.monotonic()
                try:
                    self._api = self._start()
                except BaseException:
                    self._end()
                    raise
                self.start_seconds = time.monotonic() - began
            return self._api

    def memory_bytes(self) -> int:
        """What both programs hold in memory now (Linux)."""
        status = [Path(f"/proc/{each.pid}/status").read_text() for each in self._running]
        lines = [line for text in status for line in text.splitlines() if "VmRSS" in line]
        return sum(int(line.split()[1]) * 1024 for line in lines)

    def close(self) -> None:
        with self._lock:
            self._end()
            self._api = None

    def _start(self) -> ApiServer:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        _end_leftovers(self.folder)
        store, peers, secure = _free_ports(3)
        token = secrets.token_hex(24)
        _private(self.folder / "tokens.csv", f"{token},rehearsal,rehearsal,system:masters\n")
        encryption = self.folder / "encryption.json"
        if not encryption.exists():
            _private(encryption, json.dumps(_encryption(os.urandom(32))))
        # Its input ends with this process, however that ends; nobody else holds the other end.
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD], stdin=subprocess.PIPE, cwd=self.folder, start_new_session=True
        )
        self._run("etcd", _etcd_command(self.programs, self.folder, store, peers))
        self._run("kube-apiserver", _apiserver_command(self.programs, self.folder, store, secure))
        api = ApiServer(port=secure, token=token, certificate=self.folder / "tls" / "apiserver.crt")
        until = time.monotonic() + _PATIENCE_SECONDS
        while not api.ready():
            ended = [each for each in self._running if each.poll() is not None]
            if ended or time.monotonic() > until:
                raise ClusterError(
                    f"the rehearsal's cluster did not start ({self._last_word()}); its logs are in "
                    f"{self.folder}; to begin with an empty one, delete the stack's folder "
                    f"{self.folder.parent}"
                )
            time.sleep(0.05)
        api.begin()
        return api

    def _run(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            # A session of their own: Ctrl-C is the engine's, and it needs them to save its state.
            started = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )
        self._running.append(started)
        pids = [str(each.pid) for each in self._running]
        (self.folder / "pids").write_text("\n".join(pids))

    def _last_word(self) -> str:
        for name in ("etcd", "kube-apiserver"):
            log = self.folder / f"{name}.log"
            lines = log.read_text(errors="replace").split("\n") if log.exists() else []
            told = [line for line in lines if line.startswith(("Error", "F")) or "fatal" in line]
            if told:
                return f"{name}: {told[-1][:300]}"
        return f"not ready after {_PATIENCE_SECONDS:.0f} s"

    def _end(self) -> None:
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None
        # The API server keeps nothing and would drain for seconds; etcd closes its file properly.
        for each, how in zip(
            reversed(self._running), (signal.SIGKILL, signal.SIGTERM), strict=False
        ):
            if len(self._running) == 1:
                how = signal.SIGTERM
            each.send_signal(how)
            try:
                each.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()
        self._running.clear()
        (self.folder / "pids").unlink(missing_ok=True)


@contextlib.contextmanager
def opened(programs: Programs, folder: Path) -> Iterator[Cluster]:
    """A cluster in `folder` that ends with the block."""
    cluster = Cluster(programs=programs, folder=folder)
    try:
        yield cluster
    finally:
        cluster.close()


def _etcd_command(programs: Programs, folder: Path, store: int, peers: int) -> list[str]:
    return [
        str(programs.etcd),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls=http://127.0.0.1:{store}",
        f"--advertise-client-urls=http://127.0.0.1:{store}",
        f"--listen-peer-urls=http://127.0.0.1:{peers}",
        "--log-level=error",
        # A rehearsal's cluster may be lost with the machine's power, and is made again.
        "--unsafe-no-fsync",
    ]


def _apiserver_command(programs: Programs, folder: Path, store: int, secure: int) -> list[str]:
    key = folder / "tls" / "apiserver.key"
    return [
        str(programs.apiserver),
        f"--etcd-servers=http://127.0.0.1:{store}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",
        f"--secure-port={secure}",
        f"--cert-dir={folder / 'tls'}",  # it makes its own certificate there
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        f"--encryption-provider-config={folder / 'encryption.json'}",
        "--authorization-mode=RBAC",
        "--anonymous-auth=false",
        # As on EKS: it is Pod Security that refuses a privileged pod.
        "--allow-privileged=true",
        "--enable-priority-and-fairness=false",
        "--profiling=false",
    ]


def _encryption(key: bytes) -> Mapping[str, Any]:
    secret = base64.b64encode(key).decode()
    provider = {"secretbox": {"keys": [{"name": "rehearsal", "secret": secret}]}}
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{"resources": ["*.*"], "providers": [provider]}],
    }


def _private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _end_leftovers(folder: Path) -> None:
    """End the programs of a run that was killed: by the stack's lock they are nobody's."""
    noted = folder / "pids"
    for pid in noted.read_text().split() if noted.exists() else []:
        until = time.monotonic() + _END_SECONDS
        while str(folder) in _command_of(pid) and time.monotonic() < until:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
            time.sleep(0.02)  # it holds its files' locks until it is gone
    noted.unlink(missing_ok=True)


def _command_of(pid: str) -> str:
    command = ["ps", "-ww", "-o", "command=", "-p", pid]
    return subprocess.run(command, capture_output=True, text=True).stdout
