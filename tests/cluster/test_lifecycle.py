"""The real engine in front of the real API server: up, again, drift, interrupted, destroy."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from rehearsal import engine as engines
from rehearsal import recovery, session
from rehearsal.cluster import Programs
from rehearsal.faults import Faults
from rehearsal.providers.kubernetes import Kubernetes
from rehearsal.session import EngineFailed, Session
from tests.engine import programs as tiny_programs
from tests.engine.seen import changes, disagreements, found_by_refresh

pytestmark = pytest.mark.cluster

BODY = """
import pulumi_kubernetes as k8s

cluster = k8s.Provider("k8s", kubeconfig="{}")
here = pulumi.ResourceOptions(provider=cluster)
space = k8s.core.v1.Namespace("space", metadata={"name": "apps", "labels": {
    "pod-security.kubernetes.io/enforce": "restricted"}}, opts=here)
inside = pulumi.ResourceOptions(provider=cluster, depends_on=[space])
settings = k8s.core.v1.ConfigMap("settings", metadata={"name": "settings", "namespace": "apps"},
    data={"a": "1"}, opts=inside)
jwt = k8s.core.v1.Secret("jwt", metadata={"name": "jwt", "namespace": "apps"},
    string_data={"key": pulumi.Output.secret("canary-0123456789")}, opts=inside)
once = k8s.batch.v1.Job("once", metadata={"name": "once", "namespace": "apps"}, spec={
    "template": {"spec": {"restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "runAsUser": USER,
            "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "once", "image": "once", "resources": {"requests": {
            "cpu": "1000m"}}, "securityContext": {"allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]}}}]}}}, opts=inside)
k8s.helm.v3.Release("sealed", name="sealed", namespace="apps", chart="sealed-secrets",
    version="2.19.1", repository_opts={"repo": "https://bitnami.github.io/sealed-secrets"},
    values={"pdb": {"create": True}},
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[space, settings, jwt, once]))
"""
GOOD, BAD = BODY.replace("USER", "1000"), BODY.replace("USER", "0")


def opened(
    folder: Path, body: str, programs: Programs, faults: Faults | None = None
) -> AbstractContextManager[Session]:
    program = tiny_programs.tiny(folder / "program", body)
    return session.opened(
        tiny_programs.STACK, engine=engines.find(print), command="test", folder=folder / "dev",
        program=program, programs=programs, faults=faults,
    )  # fmt: skip


def up(made: Session) -> dict[str, str]:
    return changes(made.run("up", "--yes", "--skip-preview", policies=False).events)


def kubernetes(made: Session) -> Kubernetes:
    (found,) = (each for each in made.standins if isinstance(each, Kubernetes))
    return found


def test_an_environment_lives_in_the_cluster_over_several_runs(
    programs: Programs, tmp_path: Path
) -> None:
    with opened(tmp_path, GOOD, programs) as made:
        assert len([op for op in up(made).values() if op == "create"]) == 8
        assert kubernetes(made).refused_pods() == []
        assert kubernetes(made).real == programs.describe()
    with opened(tmp_path, GOOD, programs) as made:  # another process, so to say
        assert up(made) == {}, "a second up must change nothing"
        refreshed = made.run("refresh", "--yes", "--skip-preview")
        assert found_by_refresh(refreshed.events) == {}, "a refresh finds what nobody changed"
        cluster = kubernetes(made)._cluster
        assert cluster is not None
        settings = {"apiVersion": "v1", "kind": "ConfigMap"}
        path = cluster.api.path({**settings, "metadata": {"name": "settings", "namespace": "apps"}})
        cluster.api.ask("PATCH", path, {"data": {"a": "2"}}, kind="application/merge-patch+json")
        drift = made.run("refresh", "--yes", "--skip-preview")
        assert found_by_refresh(drift.events) == {"settings": "update"}
        assert up(made) == {"settings": "replace"}, "contents of a ConfigMap make a new one"
    with opened(tmp_path, GOOD, programs) as made:
        made.run("destroy", "--yes", "--skip-preview")
        assert made.account.all() == []
        cluster = kubernetes(made)._cluster
        assert cluster is not None
        spaces = cluster.api.ask("GET", "/api/v1/namespaces")["items"]
        assert "apps" not in {each["metadata"]["name"] for each in spaces}


def test_a_refused_pod_fails_the_up_with_the_servers_words_and_a_mended_one_goes_through(
    programs: Programs, tmp_path: Path
) -> None:
    with opened(tmp_path, BAD, programs) as made:
        with pytest.raises(EngineFailed, match="runAsUser=0") as failed:
            up(made)
        assert "Job (once): its pods are refused: " in str(failed.value)
        assert disagreements(made) == [], "what was made must be known"
    with opened(tmp_path, GOOD, programs) as made:
        up(made)
        assert disagreements(made) == []


def test_an_interrupted_release_recovers_in_one_command_and_one_up(
    programs: Programs, tmp_path: Path
) -> None:
    # The release waits for the four others, so the fifth create is its.
    with opened(tmp_path, GOOD, programs, Faults.parse(["kill:5"])) as made:
        with pytest.raises(EngineFailed):
            up(made)
        release = made.account.all("kubernetes:helm.sh/v3:Release")
        assert [r.outputs["status"]["status"] for r in release] == ["pending-install"]
    with opened(tmp_path, GOOD, programs) as made:
        assert len(kubernetes(made).uninstall_pending()) == 1
        lines = recovery.recover(made)
        assert "sealed: was never made; dropped" in lines
        assert up(made)["sealed"] == "create"
        assert disagreements(made) == []
