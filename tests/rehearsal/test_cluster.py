"""A cluster that cannot be had is one clear line; a workload's pods are told from its text."""

from __future__ import annotations

import copy
import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rehearsal import __main__ as line
from rehearsal import cluster, commands
from rehearsal.apiserver import ApiServer, Rejected, differing, pod_of
from rehearsal.cluster import ClusterError


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache and a PATH with nothing on it."""
    monkeypatch.setenv("ARCHES_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return tmp_path


def go(folder: Path, script: str) -> None:
    program = folder / "bin" / "go"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def no_cluster(said: list[str]) -> str:
    with pytest.raises(ClusterError) as error:
        cluster.prepare(said.append)
    assert "\n" not in str(error.value)
    return str(error.value)


# -- building -----------------------------------------------------------------------------------
@pytest.mark.usefixtures("empty")
def test_without_go_one_line_names_three_remedies() -> None:
    said: list[str] = []
    assert no_cluster(said) == (
        "no Kubernetes API server: Go is not on PATH. Do one of three: install Go 1.26 or later "
        "with access to a Go module proxy; copy the folder `cluster` of the rehearsal's cache "
        "(ARCHES_CACHE) from a machine like this one that has it; or stay with `make preview`, "
        "which checks Kubernetes objects by schema alone"
    )
    assert said == []


def test_a_build_that_fails_tells_its_last_word_and_leaves_nothing(empty: Path) -> None:
    go(empty, "echo first >&2; echo 'no route to the module proxy' >&2; exit 1")
    said: list[str] = []
    assert "the build of etcd with Go failed (no route to the module proxy)" in no_cluster(said)
    assert said == ["building etcd from its Go module (once; about a minute on 2 cores)"]
    left = [path.name for path in (empty / "cache").rglob("*") if path.is_file()]
    assert left == ["lock"]


def test_a_module_that_is_not_what_it_was_is_refused(empty: Path) -> None:
    answer = json.dumps({"Dir": str(empty), "Sum": "h1:other"})
    go(
        empty,
        'while [ $# -gt 0 ]; do case "$1" in\n'
        f"download) echo '{answer}'; exit 0;;\n"
        '-o) shift; echo built > "$1"; exit 0;;\nesac; shift; done',
    )
    assert "external-secrets v1.3.2 does not match its checksum" in no_cluster([])


def test_a_second_run_builds_nothing(empty: Path) -> None:
    folder = empty / "cache" / "cluster" / cluster._key()
    folder.mkdir(parents=True)
    for name in ("etcd", "kube-apiserver", *(f"{each}.json" for each in cluster.SOURCES)):
        (folder / name).write_text("[]")
    said: list[str] = []
    found = cluster.prepare(said.append)
    assert said == []
    assert (found.apiserver, found.etcd) == (folder / "kube-apiserver", folder / "etcd")
    assert found.describe() == "kube-apiserver v1.36.3 and etcd v3.6.12 (built)"


@pytest.mark.usefixtures("empty")
def test_up_does_not_fall_back_to_the_schema_in_silence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands.engine, "find", lambda _say: None)
    assert line.main(["up", "staging"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("error: no Kubernetes API server: Go is not on PATH")


def test_what_is_built_is_what_is_pinned() -> None:
    folder = Path(cluster.__file__).parent / "go"
    text = (folder / "apiserver" / "go.mod").read_text()
    staging = cluster.VERSION.replace("1.", "0.", 1)
    assert f"k8s.io/kubernetes v{cluster.VERSION} // indirect" in text
    assert text.count(f" v{staging}\n") > 25, "the staging modules are of another release"
    assert f"v{cluster.ETCD_VERSION} // indirect" in (folder / "etcd" / "go.mod").read_text()
    assert text.splitlines()[2].startswith(f"go {cluster.GO_OLDEST}")


def test_the_program_that_listens_is_for_this_machine_alone() -> None:
    programs = cluster.Programs(folder=Path("/programs"))
    started = cluster._apiserver_command(programs, Path("/stack"), 1, 2)
    started += cluster._etcd_command(programs, Path("/stack"), 1, 3)
    addresses = [each for each in started if "address" in each or "urls" in each or "http:" in each]
    assert len(addresses) == 6
    assert all("127.0.0.1" in each for each in addresses)
    assert "--anonymous-auth=false" in started


def test_programs_that_are_not_ours_are_left_alone(tmp_path: Path) -> None:
    other = subprocess.Popen(["sleep", "60"])
    try:
        (tmp_path / "pids").write_text(str(other.pid))
        cluster._end_leftovers(tmp_path)
        assert other.poll() is None, "a process that only has the old number was killed"
        assert not (tmp_path / "pids").exists()
    finally:
        other.kill()
        other.wait()


# -- what a workload asks for -------------------------------------------------------------------
TEMPLATE = {
    "metadata": {"labels": {"app": "api"}, "annotations": {"note": "x"}},
    "spec": {"containers": [{"name": "api", "image": "api"}]},
}


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Deployment", {"template": TEMPLATE}),
        ("StatefulSet", {"template": TEMPLATE}),
        ("DaemonSet", {"template": TEMPLATE}),
        ("Job", {"template": TEMPLATE}),
        ("CronJob", {"jobTemplate": {"spec": {"template": TEMPLATE}}}),
    ],
)
def test_every_kind_of_workload_has_its_pod(kind: str, spec: dict[str, Any]) -> None:
    made = pod_of({"kind": kind, "metadata": {"name": "api"}, "spec": spec})
    assert made == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": "api-",
            "labels": {"app": "api", "rehearsal/pod": ""},
            "annotations": {"note": "x"},
        },
        "spec": TEMPLATE["spec"],
    }


def test_a_stateful_sets_pod_mounts_its_claims() -> None:
    claims = [{"metadata": {"name": "data"}, "spec": {}}]
    spec = {"template": TEMPLATE, "volumeClaimTemplates": claims}
    made = pod_of({"kind": "StatefulSet", "metadata": {"name": "redis"}, "spec": spec})
    assert made is not None
    assert made["spec"]["volumes"] == [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data-redis-0"}}
    ]
    assert "volumes" not in TEMPLATE["spec"], "the declaration itself was changed"


def test_what_is_no_workload_has_no_pod() -> None:
    assert pod_of({"kind": "Service", "metadata": {"name": "api"}, "spec": {}}) is None


# -- what differs -------------------------------------------------------------------------------
OURS = {"spec": {"replicas": 3, "ports": [{"port": 80}]}, "metadata": {"labels": {"a.b/c": "1"}}}


def test_what_we_did_not_say_is_nobodys_drift() -> None:
    live = copy.deepcopy(OURS)
    live["spec"]["clusterIP"] = "172.20.0.1"
    live["metadata"]["uid"] = "x"
    live["spec"]["ports"][0]["protocol"] = "TCP"
    assert list(differing(copy.deepcopy(OURS), live, OURS)) == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("spec", "replicas"), 5),
        (("spec", "ports", 0, "port"), 81),
        (("spec", "ports"), []),
        (("metadata", "labels", "a.b/c"), "2"),
        (("metadata", "labels"), None),
    ],
)
def test_what_we_said_and_is_otherwise_is_told_with_its_place(
    place: tuple[Any, ...], value: Any
) -> None:
    live: Any = copy.deepcopy(OURS)
    here = live
    for step in place[:-1]:
        here = here[step]
    here[place[-1]] = value
    assert list(differing(OURS, live, OURS)) == [(place, value)]


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    (port,) = cluster._free_ports(1)
    gone = ApiServer(port=port, token="none", certificate=tmp_path / "not-made-yet.crt")
    assert not gone.ready()
    with pytest.raises(Rejected, match=r"^the API server does not answer \(\w+Error\)$"):
        gone.version()
