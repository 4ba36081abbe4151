"""The real Pulumi engine: found on PATH, downloaded, or built from its Go module.

In this order: a `pulumi` on PATH that is new enough; the one in the cache; the official download,
verified against the release's checksums; a build from the Go module with the checked-in go.sum.
A built engine gets the language host of `rehearsal.language` beside it, since the module has none.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rehearsal import locks, paths

VERSION = "3.259.0"
# Only this version was seen with every flag that the rehearsal uses (`--event-log` beside `--json`,
# `--skip-plugin-pre-install`, attached providers); an older one may refuse some of them.
OLDEST = (3, 259, 0)
MODULE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
GO_OLDEST = (1, 25)
RELEASES = "https://github.com/pulumi/pulumi/releases/download"
_CONNECT_SECONDS = 10

Say = Callable[[str], None]


class EngineError(Exception):
    """No engine can be had; the message is one line with the remedies."""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A usable engine. origin: "PATH", "download" or "build"."""

    path: Path
    version: str
    origin: str

    def describe(self) -> str:
        return f"Pulumi {self.version} ({self.origin})"


def find(say: Say) -> Engine:
    """The engine for this machine, made if it has to be. Raises EngineError."""
    on_path = _on_path()
    if on_path is not None:
        return on_path
    folder = paths.cache() / "engine" / _key()
    for origin in ("download", "build"):
        binary = folder / origin / "pulumi"
        if binary.exists():
            return _ready(binary, origin)
    with locks.awaited(folder / "lock"):
        for origin in ("download", "build"):
            binary = folder / origin / "pulumi"
            if binary.exists():
                return _ready(binary, origin)
        problems: list[str] = []
        for origin, make in (("download", _download), ("build", _build)):
            try:
                make(folder / origin, say)
            except EngineError as error:
                problems.append(str(error))
            else:
                return _ready(folder / origin / "pulumi", origin)
    raise EngineError(
        f"no Pulumi engine: {'; '.join(problems)}. Do one of three: install the Pulumi CLI "
        f"{OLDEST[0]}.{OLDEST[1]} or later and put it on PATH; give this machine access to the "
        f"Pulumi releases; install Go {GO_OLDEST[0]}.{GO_OLDEST[1]} or later with access to a Go "
        "module proxy"
    )


def _key() -> str:
    sums = hashlib.sha256((_module_folder() / "go.sum").read_bytes()).hexdigest()[:12]
    return f"v{VERSION}-{platform.system().lower()}-{platform.machine()}-{sums}"


def _module_folder() -> Path:
    return paths.ROOT / "rehearsal" / "go" / "engine"


def _on_path() -> Engine | None:
    found = shutil.which("pulumi")
    if found is None:
        return None
    version = _version_of(Path(found))
    if version is None or version < OLDEST:
        return None
    return Engine(path=Path(found), version=".".join(map(str, version)), origin="PATH")


def _version_of(binary: Path) -> tuple[int, int, int] | None:
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(
            [binary, "version"], capture_output=True, text=True, timeout=60, env=environment
        ).stdout
        match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", said.strip())
        if match:
            return int(match[1]), int(match[2]), int(match[3])
    return None


def _ready(binary: Path, origin: str) -> Engine:
    if origin == "build":
        _write_language_host(binary.parent)
    return Engine(path=binary, version=VERSION, origin=origin)


def _write_language_host(folder: Path) -> None:
    """The launcher that the engine finds beside itself; ARCHES_PYTHON and ARCHES_ROOT steer it."""
    launcher = folder / "pulumi-language-python"
    text = (
        "#!/bin/sh\n"
        "# Written by rehearsal/engine.py: runs rehearsal/language.py of the calling checkout.\n"
        'PYTHONPATH="$ARCHES_ROOT" exec "$ARCHES_PYTHON" -m rehearsal.language "$@"\n'
    )
    if launcher.exists() and launcher.read_text() == text:
        return
    fresh = launcher.with_name(f"{launcher.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.chmod(0o755)
    fresh.replace(launcher)


def _download(folder: Path, say: Say) -> None:
    system = platform.system().lower()
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(
        platform.machine().lower()
    )
    if system not in ("linux", "darwin") or machine is None:
        raise EngineError(f"no download for {system} on {platform.machine()}")
    name = f"pulumi-v{VERSION}-{system}-{machine}.tar.gz"
    base = os.environ.get("ARCHES_PULUMI_RELEASES", RELEASES) + f"/v{VERSION}"
    sums = _fetch(f"{base}/pulumi-{VERSION}-checksums.txt").decode()
    wanted = next((line.split()[0] for line in sums.splitlines() if line.endswith(name)), None)
    if wanted is None:
        raise EngineError(f"the release has no checksum for {name}")
    say(f"downloading Pulumi {VERSION}")
    archive = _fetch(f"{base}/{name}")
    if hashlib.sha256(archive).hexdigest() != wanted:
        raise EngineError(f"the download of {name} does not match its checksum and was thrown away")
    fresh = folder.with_name(f"download.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(fresh, filter="data")
    shutil.rmtree(folder, ignore_errors=True)
    (fresh / "pulumi").rename(folder)
    shutil.rmtree(fresh, ignore_errors=True)


def _fetch(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=_CONNECT_SECONDS) as answer:
            return answer.read()
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise EngineError(f"the download failed ({reason})") from None


def _build(folder: Path, say: Say) -> None:
    go = shutil.which("go")
    if go is None:
        raise EngineError("Go is not on PATH")
    say(f"building Pulumi {VERSION} from its Go module (once; 2 to 6 minutes on 2 cores)")
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"pulumi.{os.getpid()}"
    flags = f"-s -w -X {VERSION_VARIABLE}=v{VERSION}"
    command = [go, "build", "-mod=readonly", "-trimpath", "-ldflags", flags, "-o", str(fresh)]
    try:
        built = subprocess.run(
            [*command, MODULE], cwd=_module_folder(), capture_output=True, text=True
        )
        if built.returncode != 0:
            last = (built.stderr.strip().splitlines() or ["no message"])[-1]
            raise EngineError(f"the build with Go failed ({last})")
        fresh.replace(folder / "pulumi")
    finally:
        fresh.unlink(missing_ok=True)
    say(f"built in {time.monotonic() - began:.0f} s")


def environment(engine: Engine) -> dict[str, str]:
    """What the engine and its launchers need to find each other."""
    return {
        "ARCHES_ROOT": str(paths.ROOT),
        "ARCHES_PYTHON": sys.executable,
        "PATH": os.pathsep.join([str(engine.path.parent), os.environ.get("PATH", os.defpath)]),
    }
