"""The server itself: it starts fast, keeps what it is given, and keeps no secret in clear."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rehearsal import cluster
from rehearsal.apiserver import ApiServer
from rehearsal.cluster import Cluster, ClusterError, Programs
from tests.cluster.objects import config_map, deployment

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).resolve().parents[2]
SECRET = "canary-0123456789abcdef"


def secret(namespace: str) -> dict[str, object]:
    meta = {"name": "jwt", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"key": SECRET}}


def test_it_is_the_version_that_it_says(api: ApiServer) -> None:
    assert api.version() == f"v{cluster.VERSION}"


def test_it_starts_in_seconds_and_fits_beside_the_rest(running: Cluster, api: ApiServer) -> None:
    assert api.ready()
    print(f"started in {running.start_seconds:.1f} s, {running.memory_bytes() >> 20} MiB")
    assert running.start_seconds < 60, "3 s on an idle machine of 2 cores"
    assert running.memory_bytes() < 1 << 30, "0.3 GiB empty, 0.6 GiB with every definition"


def test_applying_twice_changes_nothing(api: ApiServer, namespace: str) -> None:
    for manifest in (deployment(namespace), config_map(namespace, a="1"), secret(namespace)):
        first, second = api.apply(manifest), api.apply(manifest)
        assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]


def test_a_namespace_takes_all_it_holds_along(api: ApiServer) -> None:
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "short-lived"}}
    claim = {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "short-lived"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }  # fmt: skip
    inside = [deployment("short-lived"), config_map("short-lived", a="1"), claim]
    for each in (space, *inside):
        api.apply(each)
    api.delete(space)
    assert [api.get(each) for each in (space, *inside)] == [None] * 4, (
        "what is left would be there again in a namespace of the same name"
    )


def test_what_it_holds_outlives_it_and_no_secret_is_in_clear(
    programs: Programs, tmp_path: Path
) -> None:
    folder = tmp_path / "cluster"
    with cluster.opened(programs, folder) as first:
        first.api.apply(secret("default"))
        first.api.apply(config_map("default", key=SECRET))
    with cluster.opened(programs, folder) as second:
        assert second.api.get(config_map("default")) is not None
        kept = second.api.get(secret("default"))
        assert kept is not None
        assert set(kept["data"]) == {"key"}
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "db" for path in files), "etcd's file was not looked at"
    for path in files:
        assert SECRET.encode() not in path.read_bytes(), f"a secret is in clear in {path.name}"


def test_programs_of_a_killed_run_are_ended_by_the_next(programs: Programs, tmp_path: Path) -> None:
    killed = Cluster(programs=programs, folder=tmp_path / "cluster")
    try:
        killed.api.apply(config_map("default", a="1"))
        left = [int(pid) for pid in (killed.folder / "pids").read_text().split()]
        assert len(left) == 2
        with cluster.opened(programs, killed.folder) as after:
            assert after.api.get(config_map("default")) is not None
            for each in killed._running:  # the parent of a killed run would be init
                assert each.wait(10) == -signal.SIGKILL
    finally:
        killed.close()


_RUN = """
import sys, time
from pathlib import Path
from rehearsal.cluster import Cluster, Programs

made = Cluster(programs=Programs(folder=Path(sys.argv[1])), folder=Path(sys.argv[2]))
print(made.api.version(), flush=True)
time.sleep(600)
"""


def test_programs_do_not_outlive_a_run_that_is_killed(programs: Programs, tmp_path: Path) -> None:
    """Nobody may start another one: a test's folder is its own."""
    folder = tmp_path / "cluster"
    with subprocess.Popen(
        [sys.executable, "-c", _RUN, programs.folder, folder], stdout=subprocess.PIPE, cwd=ROOT
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline().decode().strip() == f"v{cluster.VERSION}"
        left = (folder / "pids").read_text().split()
        assert len(left) == 2
        assert all(str(folder) in cluster._command_of(pid) for pid in left)
        run.kill()
    until = time.monotonic() + 30
    while any(str(folder) in cluster._command_of(pid) for pid in left):
        assert time.monotonic() < until, "they would hold 0.3 GiB until somebody found them"
        time.sleep(0.1)


def test_closing_ends_both_programs(programs: Programs, tmp_path: Path) -> None:
    with cluster.opened(programs, tmp_path / "cluster") as opened:
        assert opened.api.ready()
        processes = [each.pid for each in opened._running]
    for pid in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not opened.started


def test_a_cluster_that_cannot_start_says_so_in_one_line(
    programs: Programs, tmp_path: Path
) -> None:
    folder = tmp_path / "cluster"
    with cluster.opened(programs, folder) as first:
        first.api.apply(config_map("default", a="1"))
    for path in (folder / "etcd").rglob("db"):
        path.write_bytes(b"damaged" * 4096)
    broken = Cluster(programs=programs, folder=folder)
    with pytest.raises(ClusterError) as error:
        broken.api.ready()
    assert "\n" not in str(error.value)
    assert f"delete the stack's folder {tmp_path}" in str(error.value)
    assert not subprocess.run(
        ["pgrep", "-f", str(folder)], capture_output=True, text=True
    ).stdout, "its programs were left running"


def test_ctrl_c_does_not_reach_it(running: Cluster, api: ApiServer) -> None:
    assert api.ready()
    groups = {os.getpgid(each.pid) for each in running._running}
    assert os.getpgid(0) not in groups, "the engine could not save what is in the cluster"
