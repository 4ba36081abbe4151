"""Every environment's cluster on a real API server: what the program makes goes in, as it is.

The recorded program of each `Pulumi.*.yaml`, and of production with every choice, is made by the
stand-in in an empty cluster, in an order that its dependencies allow and its text does not suggest.
Then the guardrails that it made are asked about pods: the server takes a Deployment whose pods it
would refuse, so each template is tried as the pod that it becomes, alone and all together.

Meets issue B (all of it is accepted; a privileged pod, an image without a digest, a pod without
limits are refused), K8S-11, CHK-SEC-04. Not judged: the pods of releases, whose charts nobody
renders here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter

import pytest
from google.protobuf.struct_pb2 import Struct

from components.kubernetes.workloads.shape import APPLICATION
from rehearsal import cluster
from rehearsal.account import Account
from rehearsal.apiserver import ApiServer, Manifest, pod_of, refused_pod, refused_together
from rehearsal.cluster import Programs
from rehearsal.providers.helm import RELEASE
from rehearsal.providers.kubernetes import Kubernetes
from rehearsal.providers.standin import Call, Refused, Unready
from rehearsal.wire import from_struct
from settings.cluster import RESPONDERS
from tests.cluster.objects import pod_spec
from tests.conftest import GIVEN_SECRETS, STACKS, config_of, run_program
from tests.recorder import Recorder, Registration

pytestmark = pytest.mark.cluster

CHOSEN = "prod-with-every-choice"
# What is made in each cluster: objects, releases beside them, and those objects that make pods.
MADE = {
    "prod": (148, 15, 11),
    "staging": (148, 15, 11),
    CHOSEN: (179, 15, 16),
}
DIGEST = f"@sha256:{'a' * 64}"
REDIS = f"docker.io/library/redis:7.4{DIGEST}"


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """One environment's cluster after its first `up`.

    refused: a line for each object that was not made, or whose pods would not be. manifests: what
    the program asked for, releases left out.
    """

    environment: str
    api: ApiServer
    manifests: list[Manifest]
    releases: int
    refused: list[str]
    warnings: list[str]

    def of(self, *kinds: str) -> list[Manifest]:
        """Copies, to be spoiled."""
        return [copy.deepcopy(each) for each in self.manifests if each["kind"] in kinds]

    @property
    def workloads(self) -> list[Manifest]:
        return [copy.deepcopy(each) for each in self.manifests if pod_of(each) is not None]


@pytest.fixture(scope="module", params=[*STACKS, CHOSEN])
def deployed(
    request: pytest.FixtureRequest,
    program_of: Callable[[str, bool], Recorder],
    programs: Programs,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Deployed]:
    """Each environment in turn, in an empty cluster of its own: all have the same namespaces."""
    environment = request.param
    chosen = environment == CHOSEN
    recorded = _with_every_choice() if chosen else program_of(environment, False)
    ours = [e for e in _soonest(recorded.registrations) if e.type.startswith("kubernetes:")]
    inputs = {each.urn: _from_the_wire(each) for each in ours}
    refused: list[str] = []
    with cluster.opened(programs, tmp_path_factory.mktemp(environment)) as running:
        standin = Kubernetes(Account(":memory:"), cluster=running)
        for urn, wanted in inputs.items():
            try:
                standin.create(Call(urn=urn), wanted, preview=False)
            except (Refused, Unready) as error:
                refused.append(str(error))
        yield Deployed(
            environment=environment,
            api=running.api,
            manifests=[inputs[each.urn] for each in ours if each.type != RELEASE],
            releases=len([each for each in ours if each.type == RELEASE]),
            refused=refused,
            warnings=standin.warnings,
        )


def _with_every_choice() -> Recorder:
    """Production with all that an environment may have in its cluster and neither has today."""
    config = config_of("prod")
    workloads, cache = config["arches:workloads"], config["arches:cache"]
    inside = {"redisImage": REDIS, "exporterImage": REDIS}
    chosen = {
        "arches:cache": {**cache, "kind": "sentinel", "sentinel": inside},
        "arches:workloads": {
            **workloads,
            "api": {**workloads["api"], "metrics": True, "tracing": True, "internet": True},
            "unstructured": {"image": REDIS},
            "scraper": {"image": REDIS},
        },
        "arches:operators": {"sealedSecrets": True},
        "arches:observability": {"pagerDirect": True},
        "arches:alarms": {**config["arches:alarms"], "pager": True},
        "arches:secrets": {"openAi": True, "sentry": True},
        "arches:retention": {"anonymise": True},
    }
    return run_program("prod", {**config, **chosen}, GIVEN_SECRETS)


def _soonest(registrations: list[Registration]) -> Iterator[Registration]:
    """Each resource as soon as what it names is there, before anything that it does not name.

    What a resource needs and does not depend on is then still missing, while the order of the
    program's text would hide that.
    """
    known = {each.urn: each for each in registrations}
    awaited = {urn: {each.parent, *each.dependencies} & {*known} for urn, each in known.items()}
    sorter = TopologicalSorter(awaited)
    sorter.prepare()
    ready: list[str] = []
    while sorter.is_active():
        ready += sorter.get_ready()
        yield known[ready[-1]]
        sorter.done(ready.pop())


def _from_the_wire(registration: Registration) -> Manifest:
    """The inputs as a provider gets them: whole numbers are no fractions."""
    struct = Struct()
    struct.update(registration.inputs)
    return from_struct(struct)


# -- what must go in ------------------------------------------------------------------------------
def test_the_server_refuses_nothing_of_the_environment_and_warns_of_nothing(
    deployed: Deployed,
) -> None:
    assert deployed.refused == []
    assert deployed.warnings == [], "what it warns of is refused by a later version"


def test_every_object_of_the_environment_is_in_its_cluster(deployed: Deployed) -> None:
    made = (len(deployed.manifests), deployed.releases, len(deployed.workloads))
    assert made == MADE.get(deployed.environment), (
        "the program makes more or less in the cluster than before; if that is meant, say so here"
    )
    lost = [each["metadata"] for each in deployed.manifests if deployed.api.get(each) is None]
    assert lost == [], "accepted and not there"


ON_CALL = [
    # verb, group, resource, subresource, name, namespace, allowed
    ("create", "", "pods", "exec", "archesai-pooler-x", "production", True),
    ("get", "", "pods", "exec", "archesai-pooler-x", "production", True),
    ("create", "", "pods", "portforward", "archesai-api-x", "production", True),
    ("patch", "apps", "deployments", "", "archesai-api", "production", True),
    ("create", "batch", "jobs", "", "", "production", True),
    ("create", "", "pods", "exec", "prometheus-monitoring-0", "monitoring", True),
    ("create", "", "pods", "exec", "grafana-x", "monitoring", False),
    ("create", "", "pods", "exec", "velero-x", "velero", False),
    ("create", "", "pods", "", "", "production", False),
    ("get", "", "secrets", "", "archesai-database", "production", False),
    ("patch", "", "nodes", "", "node-1", "", False),
]


@pytest.mark.parametrize("asked", ON_CALL, ids=lambda asked: " ".join(map(str, asked[:6])))
def test_the_server_lets_who_is_on_call_do_what_the_runbooks_say(
    deployed: Deployed, asked: tuple[str, str, str, str, str, str, bool]
) -> None:
    """By RBAC alone, what EKS's policy shows left out; CHK-SEC-04."""
    verb, group, resource, subresource, name, namespace, allowed = asked
    about = {
        "verb": verb,
        "group": group,
        "resource": resource,
        "subresource": subresource,
        "name": name,
        "namespace": namespace,
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": "somebody", "groups": [RESPONDERS], "resourceAttributes": about},
    }
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    assert deployed.api.ask("POST", path, review)["status"]["allowed"] is allowed


def test_each_template_is_let_in_as_a_pod_under_all_guardrails(deployed: Deployed) -> None:
    said = {e["metadata"]["name"]: refused_pod(deployed.api, e) for e in deployed.workloads}
    assert {name: line for name, line in said.items() if line} == {}


def test_the_quota_has_room_for_every_maximum_while_all_is_rolled_out_and_every_job_runs(
    deployed: Deployed,
) -> None:
    assert refused_together(deployed.api, at_their_most(deployed)) == []
    twice = refused_together(deployed.api, at_their_most(deployed, times=2))
    assert any(f"exceeded quota: {APPLICATION}-quota" in line for line in twice), (
        "nothing was counted"
    )


def at_their_most(deployed: Deployed, *, times: int = 1) -> list[Manifest]:
    """All that makes pods, each Deployment with its autoscaler's maximum and its surge."""
    scalers = [each["spec"] for each in deployed.of("HorizontalPodAutoscaler")]
    maximum = {each["scaleTargetRef"]["name"]: each["maxReplicas"] for each in scalers}
    found = deployed.workloads
    for each in found:
        if each["kind"] == "Deployment":
            spec = each["spec"]
            most = maximum.get(each["metadata"]["name"]) or spec["replicas"]
            spec["replicas"] = times * (most + spec["strategy"]["rollingUpdate"]["maxSurge"])
    return found


# -- what must not --------------------------------------------------------------------------------
def privileged(pod: Manifest) -> None:
    pod["containers"][0]["securityContext"] |= {
        "privileged": True,
        "allowPrivilegeEscalation": True,
    }


def without_a_digest(pod: Manifest) -> None:
    container = pod["containers"][0]
    container["image"] = container["image"].partition("@")[0]


def from_elsewhere(pod: Manifest) -> None:
    pod["containers"][0]["image"] = f"docker.io/stranger/tool{DIGEST}"


def without_limits(pod: Manifest) -> None:
    for each in (*pod["containers"], *pod.get("initContainers", ())):
        del each["resources"]["limits"]


def without_a_share_of_the_processor(pod: Manifest) -> None:
    for sizes in pod["containers"][0]["resources"].values():
        sizes.pop("cpu", None)


def with_nobodys_token(pod: Manifest) -> None:
    pod |= {"automountServiceAccountToken": True, "serviceAccountName": "default"}


@pytest.mark.parametrize(
    ("spoil", "rule", "words"),
    [
        (privileged, 'PodSecurity "restricted:v1.36"', "must not set securityContext.privileged"),
        (without_a_digest, f"'{APPLICATION}-images'", "image of api has no digest"),
        (from_elsewhere, f"'{APPLICATION}-images'", "image of api is from no allowed registry"),
        (without_limits, "maximum memory usage per Pod is 4Gi", "No limit is specified"),
        (without_a_share_of_the_processor, f"'{APPLICATION}-sizes'", "api lacks a request for CPU"),
        (with_nobodys_token, f"'{APPLICATION}-tokens'", "the default service account is mounted"),
    ],
)
def test_a_pod_that_breaks_a_rule_is_refused_by_it_in_the_applications_own_namespace(
    deployed: Deployed, spoil: Callable[[Manifest], None], rule: str, words: str
) -> None:
    name = f"{APPLICATION}-api"
    (api,) = (each for each in deployed.of("Deployment") if each["metadata"]["name"] == name)
    assert refused_pod(deployed.api, api) is None, "what is refused must be the change"
    spoil(pod_spec(api))
    said = refused_pod(deployed.api, api)
    assert said is not None, "let in"
    assert rule in said
    assert words in said
