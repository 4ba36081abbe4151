"""Finding the engine: the good one is used, the bad thrown away, a failure says what to do."""

from __future__ import annotations

import hashlib
import io
import platform
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rehearsal import engine, paths
from rehearsal.engine import VERSION, Engine, EngineError

_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
ARCHIVE = (
    f"pulumi-v{VERSION}-{platform.system().lower()}-{_MACHINES[platform.machine().lower()]}.tar.gz"
)
SUMS = f"pulumi-{VERSION}-checksums.txt"


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine, no Go, no network, an empty cache."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("ARCHES_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("ARCHES_PULUMI_RELEASES", "http://127.0.0.1:9")  # discard: nobody listens


def put_on_path(tmp_path: Path, name: str, says: str, code: int = 0) -> Path:
    script = tmp_path / "bin" / name
    script.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    script.chmod(0o755)
    return script


def quiet(_line: str) -> None:
    return None


# -- on PATH -------------------------------------------------------------------------------------
@pytest.mark.parametrize("version", ["v3.259.0", "v3.260.1", "3.300.1", "v4.0.0-alpha.1+dirty"])
def test_an_engine_on_path_that_is_new_enough_is_used(tmp_path: Path, version: str) -> None:
    script = put_on_path(tmp_path, "pulumi", version)
    plain = version.removeprefix("v").split("-")[0]
    assert engine.find(quiet) == Engine(path=script, version=plain, origin="PATH")
    assert not (tmp_path / "cache").exists(), "nothing is made where nothing is needed"


@pytest.mark.parametrize(
    ("says", "code"), [("v3.258.9", 0), ("v2.999.0", 0), ("no version here", 0), ("", 1)]
)
def test_an_engine_on_path_that_is_too_old_or_broken_is_passed_over(
    tmp_path: Path, says: str, code: int
) -> None:
    put_on_path(tmp_path, "pulumi", says, code)
    with pytest.raises(EngineError, match=r"^no Pulumi engine: "):
        engine.find(quiet)


def test_an_engine_tells_its_version_and_where_it_came_from() -> None:
    made = Engine(path=Path("pulumi"), version="3.259.0", origin="download")
    assert made.describe() == "Pulumi 3.259.0 (download)"


# -- nothing works -------------------------------------------------------------------------------
def test_without_go_and_network_there_is_one_line_with_three_remedies() -> None:
    with pytest.raises(EngineError) as error:
        engine.find(quiet)
    said = str(error.value)
    assert "\n" not in said
    assert said.startswith("no Pulumi engine: the download failed (")
    assert said.endswith(
        "; Go is not on PATH. Do one of three: install the Pulumi CLI 3.259 or later and put it on "
        "PATH; give this machine access to the Pulumi releases; install Go 1.25 or later with "
        "access to a Go module proxy"
    )


def test_a_build_that_fails_tells_the_compilers_last_word(tmp_path: Path) -> None:
    go = tmp_path / "bin" / "go"
    go.write_text("#!/bin/sh\necho first >&2\necho 'go: no such module' >&2\nexit 1\n")
    go.chmod(0o755)
    with pytest.raises(EngineError, match=r"the build with Go failed \(go: no such module\)"):
        engine.find(quiet)
    assert [f.name for f in (tmp_path / "cache").rglob("pulumi*")] == [], (
        "half an engine would be taken for a whole one"
    )


# -- download ------------------------------------------------------------------------------------
def archive() -> bytes:
    """A release's archive, with a script in the engine's place."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in (("pulumi", f"#!/bin/sh\necho v{VERSION}\n"), ("pulumi-watch", "")):
            member = tarfile.TarInfo(f"pulumi/{name}")
            member.size, member.mode = len(text), 0o755
            tar.addfile(member, io.BytesIO(text.encode()))
    return out.getvalue()


class Releases:
    """What the server has, and what it was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.cut = False

    def put(self, name: str, content: bytes) -> None:
        self.files[f"/v{VERSION}/{name}"] = content


@pytest.fixture
def releases(monkeypatch: pytest.MonkeyPatch) -> Iterator[Releases]:
    held = Releases()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            held.asked.append(self.path.rsplit("/", 1)[-1])
            content = held.files.get(self.path)
            self.send_response(404 if content is None else 200)
            longer = 1000 if held.cut else 0
            self.send_header("Content-Length", str(len(content or b"") + longer))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: ARG002
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("ARCHES_PULUMI_RELEASES", f"http://127.0.0.1:{server.server_port}")
    yield held
    server.shutdown()
    server.server_close()


def test_a_download_with_the_right_checksum_is_used_and_kept(
    tmp_path: Path, releases: Releases
) -> None:
    content = archive()
    releases.put(ARCHIVE, content)
    other = f"{'0' * 64}  pulumi-v{VERSION}-windows-x64.zip"
    releases.put(SUMS, f"{other}\n{hashlib.sha256(content).hexdigest()}  {ARCHIVE}\n".encode())
    said: list[str] = []
    found = engine.find(said.append)
    assert (found.version, found.origin) == (VERSION, "download")
    assert found.path.is_relative_to(tmp_path / "cache" / "engine")
    assert engine._version_of(found.path) == tuple(map(int, VERSION.split(".")))
    assert (found.path.parent / "pulumi-watch").exists(), "the release's other tools come along"
    assert said == [f"downloading Pulumi {VERSION}"]
    assert engine.find(said.append) == found
    assert releases.asked == [SUMS, ARCHIVE], "the second run asks nobody"
    left = {p.name for p in found.path.parent.parent.iterdir()}
    assert left == {"download", "lock"}, "nothing half-made stays behind"


def test_a_download_with_a_wrong_checksum_is_thrown_away(
    tmp_path: Path, releases: Releases
) -> None:
    releases.put(ARCHIVE, archive() + b"something else")
    releases.put(SUMS, f"{hashlib.sha256(archive()).hexdigest()}  {ARCHIVE}\n".encode())
    with pytest.raises(EngineError) as error:
        engine.find(quiet)
    assert f"the download of {ARCHIVE} does not match its checksum and was thrown away" in str(
        error.value
    )
    assert list((tmp_path / "cache").rglob("pulumi*")) == [], "it would run on the next try"


def test_a_release_without_our_checksum_is_not_downloaded(releases: Releases) -> None:
    releases.put(ARCHIVE, archive())
    releases.put(SUMS, b"0000  something-else.tar.gz\n")
    with pytest.raises(EngineError, match=f"the release has no checksum for {ARCHIVE}"):
        engine.find(quiet)
    assert releases.asked == [SUMS]


def test_a_release_that_is_not_there_is_one_line(releases: Releases) -> None:
    with pytest.raises(EngineError, match=r"the download failed \(Not Found\)") as error:
        engine.find(quiet)
    assert "\n" not in str(error.value)
    assert releases.asked == [SUMS]


def test_a_download_that_breaks_off_is_one_line(releases: Releases) -> None:
    releases.put(SUMS, b"0000")
    releases.cut = True
    with pytest.raises(EngineError, match=r"the download failed \(.+\)") as error:
        engine.find(quiet)
    assert "\n" not in str(error.value)


def test_nothing_is_downloaded_for_a_machine_without_releases(
    monkeypatch: pytest.MonkeyPatch, releases: Releases
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(EngineError, match=r"no download for .* on riscv64; Go is not on PATH"):
        engine.find(quiet)
    assert releases.asked == []


# -- build ---------------------------------------------------------------------------------------
FAKE_GO = """#!/bin/sh
echo "$PWD $*" >> "$0.log"
while [ "$1" != "-o" ]; do shift; done
printf '#!/bin/sh\\necho v{version}\\n' > "$2"
/bin/chmod 755 "$2"
"""


def test_a_build_uses_the_checked_in_module_and_gets_a_language_host(tmp_path: Path) -> None:
    go = tmp_path / "bin" / "go"
    go.write_text(FAKE_GO.format(version=VERSION))
    go.chmod(0o755)
    said: list[str] = []
    found = engine.find(said.append)
    assert (found.version, found.origin) == (VERSION, "build")
    assert said[0] == (
        f"building Pulumi {VERSION} from its Go module (once; 2 to 6 minutes on 2 cores)"
    )
    assert said[1].startswith("built in ")
    (asked,) = (tmp_path / "bin" / "go.log").read_text().splitlines()
    assert asked.startswith(f"{paths.ROOT / 'rehearsal' / 'go' / 'engine'} build -mod=readonly ")
    assert f"-X {engine.VERSION_VARIABLE}=v{VERSION}" in asked
    assert asked.endswith(engine.MODULE)
    host = found.path.with_name("pulumi-language-python")
    assert host.stat().st_mode & 0o111, "the engine could not start the program"
    assert '-m rehearsal.language "$@"' in host.read_text()
    assert engine.find(quiet) == found
    assert len((tmp_path / "bin" / "go.log").read_text().splitlines()) == 1, "built once"


def test_a_language_host_that_somebody_changed_is_written_again(tmp_path: Path) -> None:
    go = tmp_path / "bin" / "go"
    go.write_text(FAKE_GO.format(version=VERSION))
    go.chmod(0o755)
    host = engine.find(quiet).path.with_name("pulumi-language-python")
    good = host.read_text()
    host.write_text("#!/bin/sh\nexit 1\n")
    engine.find(quiet)
    assert host.read_text() == good


def test_a_downloaded_engine_has_its_own_language_host(releases: Releases) -> None:
    content = archive()
    releases.put(ARCHIVE, content)
    releases.put(SUMS, f"{hashlib.sha256(content).hexdigest()}  {ARCHIVE}\n".encode())
    found = engine.find(quiet)
    assert not found.path.with_name("pulumi-language-python").exists()


# -- surroundings --------------------------------------------------------------------------------
def test_the_cache_is_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert paths.cache() == tmp_path / "cache"
    monkeypatch.delenv("ARCHES_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert paths.cache() == tmp_path / "xdg" / "arches-rehearsal"


def test_launchers_are_told_where_python_and_the_checkout_are(tmp_path: Path) -> None:
    made = engine.environment(
        Engine(path=tmp_path / "engine" / "pulumi", version=VERSION, origin="build")
    )
    assert made["ARCHES_ROOT"] == str(paths.ROOT)
    assert Path(made["ARCHES_PYTHON"]).exists()
    assert made["PATH"] == f"{tmp_path / 'engine'}:{tmp_path / 'bin'}"


def test_another_go_sum_is_another_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = engine._key()
    (tmp_path / "go.sum").write_text("other")
    monkeypatch.setattr(engine, "_module_folder", lambda: tmp_path)
    assert engine._key() != before, "an engine of other sources would be taken from the cache"
