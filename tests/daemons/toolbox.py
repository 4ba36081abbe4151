"""The programs that read our documents in production, for tests: found on PATH or installed here.

A program on PATH is taken when its version is right. Otherwise the project installs it itself,
without root and beside the machine's own packages: an apt of its own (lists, state, archives in the
cache) takes signed Debian packages from the mirror that this machine's apt already uses, unpacks
them into a folder, and starts them with that folder's own C library. Nothing outside the cache is
written. `python -m tests.daemons.toolbox` does all of it and prints the versions.

Refused:
- containers: neither a laptop in a train nor a CI worker must have a container runtime for tests;
- the machine's own packages: PgBouncer before 1.21 has no `max_prepared_statements` (POOL-05), and
  a server older than production's accepts other parameters (PG-01);
- rewriting the programs' ELF headers: a two-line launcher through the folder's dynamic loader does
  the same and needs no further tool.

nginx of Debian opens /var/log/nginx/error.log before it reads its configuration: give it
`-e stderr`, and `-p <folder>` for relative paths.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rehearsal import locks, paths

Version = tuple[int, ...]

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_POSTGRES = "usr/lib/postgresql/17/bin"


@dataclass(frozen=True, kw_only=True)
class Program:
    """One program: where its package puts it, and which versions are as good as production's.

    suite: a key of PACKAGES. least is allowed, below is not. asks: the argument that prints the
    version. always: arguments without which it does not run from a folder of its own ({path}: its
    launcher). beside: it looks for its files beside itself, which here is its loader.
    """

    path: str
    suite: str
    least: Version
    below: Version | None = None
    asks: str = "--version"
    always: tuple[str, ...] = ()
    beside: bool = False

    def suits(self, version: Version | None) -> bool:
        return (
            version is not None
            and version >= self.least
            and (self.below is None or version < self.below)
        )


def _postgres(name: str) -> Program:
    return Program(path=f"{_POSTGRES}/{name}", suite="trixie", least=(17,), below=(18,))


def _redis(name: str) -> Program:
    # The guide wants Redis 7; later Debian suites ship 8.
    return Program(path=f"usr/bin/{name}", suite="bookworm", least=(7,), below=(8,))


POSTGRES = (
    "initdb",
    "pg_ctl",
    "postgres",
    "psql",
    "pg_dump",
    "pg_restore",
    "pg_isready",
    "pgbench",
)
PROGRAMS: dict[str, Program] = {
    **{name: _postgres(name) for name in POSTGRES},
    **{name: _redis(name) for name in ("redis-server", "redis-sentinel", "redis-cli")},
    "pgbouncer": Program(path="usr/sbin/pgbouncer", suite="trixie", least=(1, 21)),
    "nginx": Program(path="usr/sbin/nginx", suite="trixie", least=(1, 26), asks="-v"),
    "promtool": Program(path="usr/bin/promtool", suite="trixie", least=(2, 53)),
    "amtool": Program(path="usr/bin/amtool", suite="trixie", least=(0, 27)),
    "haproxy": Program(path="usr/sbin/haproxy", suite="trixie", least=(2, 8), asks="-v"),
    "stunnel": Program(path="usr/bin/stunnel4", suite="trixie", least=(5, 60), asks="-version"),
    "openssl": Program(path="usr/bin/openssl", suite="trixie", least=(3,), asks="version"),
    # Its children start by /proc/self/exe, which is the loader, unless their program is named and
    # no zygote forks them. It drives pages of ours only, as a user who may make no namespaces.
    "chromium": Program(
        path="usr/lib/chromium/chromium-headless-shell",
        suite="browser",
        least=(120,),
        always=("--no-sandbox", "--no-zygote", "--browser-subprocess-path={path}"),
        beside=True,
    ),
}
PACKAGES: dict[str, tuple[str, ...]] = {
    "trixie": (
        "postgresql-17",
        "postgresql-17-pgaudit",
        "postgresql-17-pgvector",
        "pgbouncer",
        "nginx",
        "promtool",
        "prometheus-alertmanager",
        "haproxy",
        "stunnel4",
        "openssl",
    ),
    "bookworm": ("redis-server", "redis-sentinel"),
    "browser": ("chromium-headless-shell", "fonts-dejavu-core"),
}
# What is no name of Debian's is a folder of its own, since it is large.
_DEBIAN = {"browser": "trixie"}
PATIENCE_SECONDS = 90.0  # for what must happen, however busy the machine; no promise
EXTENSIONS = ("pg_stat_statements", "pgaudit", "vector")
# What these packages want of a whole system (users, services, prompts) and no program of ours
# opens; this apt is told that it is installed. It is half of the download.
_OF_A_SYSTEM = (
    "adduser",
    "debconf",
    "init-system-helpers",
    "iproute2",
    "locales",
    "lsb-base",
    "netbase",
    "passwd",
    "perl",
    "postgresql-client-common",
    "postgresql-common",
    "procps",
    "ssl-cert",
    "systemd",
    "sysvinit-utils",
    "tzdata",
    "ucf",
)
# The accessibility checks that browsers' own tools make; Deque, MPL-2.0.
_AXE = "4.14.1"
_AXE_SHA512 = (
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)


class ToolboxError(Exception):
    """A program cannot be had; the message is one line with the remedies."""


def command(name: str, *arguments: str | Path) -> list[str]:
    """The argv that runs a program of PROGRAMS; the first call may install. Raises ToolboxError."""
    return [str(_found(name)), *map(str, arguments)]


def version(name: str) -> Version:
    """What the program that `command` runs says of itself, for example (17, 11)."""
    said = _version_of(_found(name), PROGRAMS[name].asks)
    if said is None:
        raise ToolboxError(f"{name} does not say its version")
    return said


def axe() -> Path:
    """axe-core's script, from the npm registry by its client, once. Raises ToolboxError."""
    script = paths.cache() / "daemons" / f"axe-core-{_AXE}" / "axe.min.js"
    with locks.awaited(script.parent.with_name(f"{script.parent.name}.lock")):
        if not script.exists():
            _fetch_axe(script)
    return script


def _fetch_axe(script: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise ToolboxError("this machine has no npm, which brings axe-core; install Node.js")
    script.parent.mkdir(parents=True, exist_ok=True)
    argv = [npm, "pack", "--silent", f"axe-core@{_AXE}"]
    done = subprocess.run(argv, cwd=script.parent, capture_output=True, text=True)
    packed = script.parent / f"axe-core-{_AXE}.tgz"
    if done.returncode != 0 or not packed.exists():
        said = done.stderr.strip().splitlines() or ["no message"]
        raise ToolboxError(f"npm cannot bring axe-core {_AXE} ({said[-1]})")
    digest = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
    if digest != _AXE_SHA512:
        packed.unlink()
        raise ToolboxError(f"axe-core {_AXE} of this registry is another than the one we know")
    with tarfile.open(packed) as archive:
        member = archive.extractfile("package/axe.min.js")
        assert member is not None
        fresh = script.with_suffix(".new")
        fresh.write_bytes(member.read())
    fresh.rename(script)


def environment() -> dict[str, str]:
    """This process's environment without what would steer the programs, and in the C locale."""
    steering = ("PG", "REDISCLI_", "OPENSSL_", "AWS_", "LC_", "LD_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(steering)}
    return {**kept, "LANG": "C.UTF-8", "TZ": "UTC"}


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


@cache
def unprivileged() -> tuple[str, ...]:
    """Before an argv: PostgreSQL and PgBouncer refuse to run as root. Empty for any other user.

    Where root's cache is closed to others, the programs may still read through its folders; the
    secure bit lets access(2), with which PostgreSQL looks for itself, know of that
    (capabilities(7)). Raises ToolboxError.
    """
    if os.geteuid() != 0:
        return ()
    drop = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--no-new-privs")
    for may in ("", "dac_read_search", "dac_override"):
        keep = (f"--inh-caps=+{may}", f"--ambient-caps=+{may}", "--securebits=+no_setuid_fixup")
        prefix = (*drop, *keep) if may else drop
        if _runs([*prefix, *command("initdb", "--show", "--pgdata", "/nowhere")]):
            return prefix
    raise ToolboxError(
        "PostgreSQL refuses root, and the user nobody cannot read the programs; run the tests as "
        "another user, or set ARCHES_CACHE to a folder that everybody may read"
    )


def give(path: Path) -> Path:
    """Make a file or folder the unprivileged user's own."""
    if os.geteuid() == 0:
        shutil.chown(path, "nobody", "nogroup")
    return path


@contextlib.contextmanager
def running(
    argv: list[str],
    *,
    ready: Callable[[], bool],
    log: Path,
    seconds: float = PATIENCE_SECONDS,
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon in the foreground for as long as the block runs; its output goes to `log`.

    ready: asked until it says yes. stop: what asks it to end (PostgreSQL waits for its clients on
    SIGTERM, and ends at once on SIGINT). Raises AssertionError with the log's end where the daemon
    ends or is not ready in time.
    """
    with log.open("ab") as output:
        daemon = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment(),
            start_new_session=True,
        )
        try:
            until = time.monotonic() + seconds
            while not ready():
                ended = daemon.poll() is not None
                if ended or time.monotonic() > until:
                    what = f"ended with {daemon.returncode}" if ended else "is not ready"
                    raise AssertionError(f"{argv[0]} {what}: {log.read_text()[-2000:]}")
                time.sleep(0.05)
            yield daemon
        finally:
            daemon.send_signal(stop)
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def eventually(holds: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> float:
    """How many seconds it took until it held; an AssertionError where it never does."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - began


def listens(port: int) -> bool:
    """Somebody takes connections on this loopback port."""
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex(("127.0.0.1", port)) == 0


def packages() -> Mapping[str, Mapping[str, str]]:
    """Package -> its version and sha256, of every suite that is installed here."""
    found: dict[str, Mapping[str, str]] = {}
    for suite in PACKAGES:
        written = paths.cache() / "daemons" / f"{suite}-{_key(suite)}" / "packages.json"
        if written.exists():
            found |= json.loads(written.read_text())
    return found


# -- finding -------------------------------------------------------------------------------------
@cache
def _found(name: str) -> Path:
    program = PROGRAMS.get(name)
    if program is None:
        raise ToolboxError(f"no program {name}; allowed are {', '.join(sorted(PROGRAMS))}")
    on_path = shutil.which(name)
    if on_path and program.suits(_version_of(Path(on_path), program.asks)) and _whole(name):
        return Path(on_path)
    return _tree(program.suite) / program.path


def _whole(name: str) -> bool:
    """PostgreSQL of PATH will do only with all its programs and the extensions that we use."""
    if name not in POSTGRES:
        return True
    asked = shutil.which("pg_config")
    if asked is None or any(shutil.which(each) is None for each in POSTGRES):
        return False
    said = subprocess.run([asked, "--version", "--sharedir"], capture_output=True, text=True).stdout
    of, share = [*said.splitlines(), "", ""][:2]
    return PROGRAMS[name].suits(_number(of)) and all(
        (Path(share) / f"extension/{each}.control").exists() for each in EXTENSIONS
    )


def _version_of(program: Path, asks: str) -> Version | None:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(
            [program, asks], capture_output=True, text=True, timeout=60, env=environment()
        )
        return _number(said.stdout + said.stderr)
    return None


def _number(text: str) -> Version | None:
    match = re.search(r"\d+(\.\d+)+", text)
    return tuple(map(int, match[0].split("."))) if match else None


def _runs(argv: list[str]) -> bool:
    try:
        return subprocess.run(argv, capture_output=True).returncode == 0
    except OSError:
        return False


# -- installing ----------------------------------------------------------------------------------
def _tree(suite: str) -> Path:
    """The folder of a suite's packages, made if it has to be. Raises ToolboxError."""
    home = paths.cache() / "daemons"
    tree = home / f"{suite}-{_key(suite)}"
    if not tree.exists():
        with locks.awaited(home / f"{suite}.lock"):
            if not tree.exists():
                _install(suite, tree)
    return tree


def _key(suite: str) -> str:
    """Other packages or another way of unpacking make another folder."""
    programs = sorted(" ".join((each.path, *each.always)) for each in _programs(suite))
    recipe = json.dumps([PACKAGES[suite], _OF_A_SYSTEM, programs, _LAUNCHER, platform.machine()])
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]


def _programs(suite: str) -> list[Program]:
    return [each for each in PROGRAMS.values() if each.suite == suite]


def _install(suite: str, tree: Path) -> None:
    for tool in ("apt-get", "dpkg-deb", "dpkg"):
        if shutil.which(tool) is None:
            raise _hopeless(suite, f"this machine has no {tool}")
    if not _KEYRING.exists():
        raise _hopeless(suite, f"there is no {_KEYRING} to verify packages with")
    print(f"installing {', '.join(PACKAGES[suite])} (once)", file=sys.stderr)
    work = tree.with_name(f"{tree.name}.{os.getpid()}")
    shutil.rmtree(work, ignore_errors=True)
    try:
        fresh = work / "tree"
        fresh.mkdir(parents=True)
        versions = {}
        for archive in _download(suite, work / "apt"):
            _run(suite, ["dpkg-deb", "-x", str(archive), str(fresh)])
            said = _run(suite, ["dpkg-deb", "-W", str(archive)])
            package, _, number = said.strip().partition("\t")
            digest = hashlib.sha256(archive.read_bytes()).hexdigest()
            versions[package] = {"version": number, "sha256": digest}
        for program in _programs(suite):
            _launcher(fresh, tree, program)
        (fresh / "packages.json").write_text(json.dumps(versions, indent=1, sort_keys=True))
        fresh.rename(tree)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _download(suite: str, apt: Path) -> list[Path]:
    """The suite's packages and what they need, verified by apt against Debian's key."""
    (apt / "state/lists/partial").mkdir(parents=True)
    (apt / "cache/archives/partial").mkdir(parents=True)
    (apt / "status").write_text(_pretended(_run(suite, ["dpkg", "--print-architecture"]).strip()))
    (apt / "sources.list").write_text(
        f"deb [signed-by={_KEYRING}] {_mirror(suite)} {_DEBIAN.get(suite, suite)} main\n"
    )
    (apt / "apt.conf").write_text(_configuration(apt))
    for what in (["update"], ["install", "--download-only", "--yes", *PACKAGES[suite]]):
        _run(suite, ["apt-get", "-qq", "-c", str(apt / "apt.conf"), *what])
    return sorted((apt / "cache/archives").glob("*.deb"))


def _configuration(apt: Path) -> str:
    """Read after the machine's own, of which proxies and mirrors' options stay in force.

    The hooks of the machine would clean the machine's cache; only downloads run here, and as root
    they must reach a folder that apt's own user cannot.
    """
    return "\n".join(
        (
            "#clear APT::Update::Post-Invoke;",
            "#clear APT::Update::Post-Invoke-Success;",
            f'Dir::State "{apt}/state";',
            f'Dir::State::status "{apt}/status";',
            f'Dir::Cache "{apt}/cache";',
            f'Dir::Etc::SourceList "{apt}/sources.list";',
            'Dir::Etc::SourceParts "/dev/null";',
            'Dir::Etc::Preferences "/dev/null";',
            'Dir::Etc::PreferencesParts "/dev/null";',
            'APT::Sandbox::User "root";',
            'APT::Install-Recommends "false";',
            'Acquire::Languages "none";',
            'Acquire::Retries "3";',
            "",
        )
    )


def _pretended(architecture: str) -> str:
    """A dpkg status file in which what no program of ours opens is installed, newer than all."""
    return "".join(
        f"Package: {name}\nStatus: install ok installed\nVersion: 999:999\n"
        f"Architecture: {architecture}\nMulti-Arch: {'allowed' if name == 'perl' else 'foreign'}\n"
        "Maintainer: none\nDescription: not needed here\n\n"
        for name in _OF_A_SYSTEM
    )


def _mirror(suite: str) -> str:
    """The Debian mirror that this machine's apt uses."""
    rows = _run(
        suite,
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(ORIGIN)|$(LABEL)|$(REPO_URI)",
            "Identifier: Packages",
        ],
    )
    for row in rows.splitlines():
        origin, label, address = row.split("|", 2)
        if (origin, label) == ("Debian", "Debian"):
            return address
    raise _hopeless(suite, "its apt knows no Debian mirror")


# The folder's own loader and libraries, whatever the machine's are. argv[0] stays the launcher's
# path: PostgreSQL finds its files relative to it, Redis tells from it that it is a Sentinel.
_LAUNCHER = """\
#!/bin/sh
exec {loader} --library-path {libraries} --argv0 {path} {program} "$@"
"""


def _launcher(fresh: Path, tree: Path, of: Program) -> None:
    """Put a launcher where the program was; it names the folder's final place."""
    program = fresh / of.path
    real = program.resolve()
    if not real.is_relative_to(fresh.resolve()) or not real.exists():
        raise ToolboxError(f"the packages have no /{of.path}")
    aside = fresh / "programs" / program.name
    aside.parent.mkdir(exist_ok=True)
    shutil.copy2(real, aside)
    program.unlink()
    libraries = [tree / each for each in _libraries(fresh)]
    loader = next(
        each
        for folder in _libraries(fresh)
        for each in sorted((fresh / folder).glob("ld-linux*.so.*"))
    )
    if of.beside:
        loader = Path(shutil.copy2(loader, program.with_name(f"{program.name}.loader")))
    start = str(tree / loader.relative_to(fresh))
    if (fresh / "etc/fonts").is_dir():
        start = f"env FONTCONFIG_FILE={tree / _FONTS} {start}"
        (fresh / _FONTS).write_text(_FONTS_ARE.format(tree=tree))
    always = [each.format(path=tree / of.path) for each in of.always]
    program.write_text(
        _LAUNCHER.format(
            loader=start,
            libraries=":".join(map(str, libraries)),
            path=tree / of.path,
            program=" ".join((str(tree / aside.relative_to(fresh)), *always)),
        )
    )
    program.chmod(0o755)


_FONTS = "etc/fonts/toolbox.conf"
_FONTS_ARE = """\
<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><dir>{tree}/usr/share/fonts</dir><cachedir>{tree}/fonts</cachedir></fontconfig>
"""


def _libraries(fresh: Path) -> list[str]:
    """Where the packages put their libraries, such as usr/lib/x86_64-linux-gnu."""
    patterns = ("lib/*-linux-gnu*", "usr/lib/*-linux-gnu*", "usr/lib/*-linux-gnu*/pulseaudio")
    folders = [folder for pattern in patterns for folder in fresh.glob(pattern)]
    return sorted(str(each.relative_to(fresh)) for each in folders)


def _run(suite: str, argv: list[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, env=environment())
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise _hopeless(suite, f"{argv[0]} failed ({said[-1]})")
    return done.stdout


def _hopeless(suite: str, reason: str) -> ToolboxError:
    wanted = {
        _least(name, each)
        for name, each in PROGRAMS.items()
        if each.suite == suite and name not in POSTGRES[1:]
    }
    return ToolboxError(
        f"the programs for the daemons' tests cannot be installed: {reason}. Do one of three: run "
        "the tests on Debian with a mirror in apt's sources; put them on PATH yourself "
        f"({', '.join(sorted(wanted))}); leave them out with -m 'not daemons'"
    )


def _least(name: str, program: Program) -> str:
    number = ".".join(map(str, program.least))
    return (
        f"PostgreSQL {number} with pgvector and pgaudit" if name in POSTGRES else f"{name} {number}"
    )


if __name__ == "__main__":
    try:
        for each in PROGRAMS:
            print(each, ".".join(map(str, version(each))), _found(each), sep="\t")
    except ToolboxError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
