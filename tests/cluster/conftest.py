"""One real API server for all cluster tests of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rehearsal import cluster
from rehearsal.apiserver import ApiServer, refusals
from rehearsal.cluster import Cluster, Programs

Accepts = Callable[[list[dict[str, Any]]], list[str]]


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the marks in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker for all of them: a server takes half a gigabyte."""
    for item in items:
        if item.get_closest_marker("cluster"):
            item.add_marker(pytest.mark.xdist_group("cluster"))


@pytest.fixture(scope="session")
def programs() -> Programs:
    return cluster.prepare(print)


@pytest.fixture(scope="session")
def running(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster.opened(programs, tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture(scope="session")
def api(running: Cluster) -> ApiServer:
    return running.api


@pytest.fixture
def namespace(api: ApiServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, under `restricted`."""
    name = f"t-{abs(hash(request.node.name)) % 10**8}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    api.apply(made)
    yield name
    api.delete(made)


@pytest.fixture(scope="session")
def accepts(api: ApiServer) -> Accepts:
    """What the server refuses of these manifests, a line each; [] where it accepts all of them."""

    def asked(manifests: list[dict[str, Any]]) -> list[str]:
        return refusals(api, manifests)

    return asked
