"""The cache inside the cluster: three of each, one address, and no password in any document."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
import pulumi_random
import pytest

from components.cache import CacheArgs
from components.kubernetes.data import redis
from components.kubernetes.data.sentinel import (
    PASSWORD,
    Sentinel,
    SentinelArgs,
    cache_of,
    cache_secrets,
    front_workload,
    redis_workload,
    sentinel_workload,
)
from components.kubernetes.workloads.shape import Pods, SecretValue
from settings.cache import CacheSettings
from tests.components.cluster_neighbours import cluster_settings
from tests.neighbours import context, key, known, neighbour
from tests.recorder import REGION, Recorder, once, record

IMAGE = "docker.io/library/image@sha256:" + "a" * 64
ALL = (redis_workload, sentinel_workload, front_workload)
SENTINELS = tuple(
    f"archesai-sentinel-{i}.archesai-sentinel.production.svc.cluster.local:26379" for i in range(3)
)


def settings(kind: str = "sentinel", **changed: Any) -> CacheSettings:
    images = {"redisImage": IMAGE, "exporterImage": IMAGE}
    plain = {"kind": kind, "proxyImage": IMAGE, "sentinel": images}
    return CacheSettings.model_validate_json(json.dumps(plain | changed))


@once
def deployed(kind: str) -> Recorder:
    def program() -> None:
        providers = [
            aws.Provider("aws", region=REGION),
            kubernetes.Provider("kubernetes", kubeconfig="{}"),
            pulumi_random.Provider("random"),
        ]
        chosen = settings(kind)
        base = neighbour(namespace=known("production"))
        endpoint = cache_of(
            "cache",
            CacheArgs(
                context=context(),
                settings=chosen,
                network=neighbour(
                    vpc_id=known("vpc-1"),
                    zones=("eu-central-1a", "eu-central-1b", "eu-central-1c"),
                    data_subnet_ids=[known("subnet-a")],
                ),
                keys=neighbour(data=key("data"), logs=key("logs")),
                cluster=neighbour(nodes_security_group_id=known("sg-nodes")),
                secrets=neighbour(arns={"cache": known("arn:secret:cache")}, value=known),
            ),
            base,
            pulumi.ResourceOptions(providers=providers),
        )
        first = pulumi_random.RandomId("after", byte_length=1)
        Sentinel(
            "sentinel",
            SentinelArgs(
                context=context(),
                settings=chosen,
                cluster_settings=cluster_settings(),
                base=base,
                after=[first],
            ),
            pulumi.ResourceOptions(providers=providers),
        )
        assert endpoint.kind == kind
        pulumi.export("host", endpoint.primary_host)
        pulumi.export("port", endpoint.port)
        pulumi.export("members", endpoint.member_ids)

    return record(program)


def test_the_settings_choose_who_runs_the_cache_and_clients_see_one_interface() -> None:
    inside, managed = deployed("sentinel"), deployed("elasticache")
    assert inside.exports == {
        "host": "archesai-cache.production.svc.cluster.local",
        "port": 6379,
        "members": [],
    }
    assert len(managed.exports["members"]) == 3
    assert managed.exports["host"].startswith("master.arches-prod-cache")
    group = "aws:elasticache/replicationGroup:ReplicationGroup"
    assert (len(inside.of(group)), len(managed.of(group))) == (0, 1)
    sets = "kubernetes:apps/v1:StatefulSet"
    assert (len(inside.of(sets)), len(managed.of(sets))) == (2, 0)


def test_three_redis_and_three_sentinels_keep_what_they_know_and_two_fronts_need_not() -> None:
    made = deployed("sentinel")
    counts = {
        each.inputs["metadata"]["name"]: each.inputs["spec"]["replicas"]
        for kind in ("StatefulSet", "Deployment")
        for each in made.of(f"kubernetes:apps/v1:{kind}")
    }
    assert counts == {"archesai-redis": 3, "archesai-sentinel": 3, "archesai-cache": 2}
    budgets = made.of("kubernetes:policy/v1:PodDisruptionBudget")
    assert [b.inputs["spec"]["maxUnavailable"] for b in budgets] == [1, 1, 1], "two of one quorum"
    [component] = [c for c in made.components if c.type == "arches:index:Sentinel"]
    assert all(
        c.parent == component.urn for c in made.components if c.type == "arches:index:Deployed"
    )


def test_members_have_names_that_outlive_their_addresses() -> None:
    made = deployed("sentinel")
    services = {
        each.inputs["metadata"]["name"]: each.inputs["spec"]
        for each in made.of("kubernetes:core/v1:Service")
    }
    for name in ("archesai-redis", "archesai-sentinel"):
        assert services[name]["clusterIP"] == "None"
        assert services[name]["publishNotReadyAddresses"] is True, (
            "they could never find each other"
        )
    assert [p["port"] for p in services["archesai-cache"]["ports"]] == [6379]


def test_pods_wait_for_their_secret() -> None:
    made = deployed("sentinel")
    first = made.one("random:index/randomId:RandomId", "after").urn
    for kind in ("StatefulSet", "Deployment"):
        for pods in made.of(f"kubernetes:apps/v1:{kind}"):
            assert first in pods.dependencies, f"{pods.name} would start without its password"


def test_zones_are_spread_and_a_member_ends_only_after_it_has_handed_over() -> None:
    pods = redis_workload(settings(), "production")
    assert pods.main.before_stop == ("sh", "/etc/arches/leave.sh")
    assert pods.stop_seconds > redis.LEAVE_SECONDS + 10, "killed while it hands over"
    stateful = deployed("sentinel").one("kubernetes:apps/v1:StatefulSet", "sentinel-redis")
    spreads = stateful.inputs["spec"]["template"]["spec"]["topologySpreadConstraints"]
    zone = next(s for s in spreads if s["topologyKey"] == "topology.kubernetes.io/zone")
    assert zone["whenUnsatisfiable"] == "DoNotSchedule", "a zone could take the majority"


def test_redis_has_the_guides_lines_corrected() -> None:
    lines = redis.redis_conf(settings(), directory="/data").splitlines()
    for line in (
        "maxmemory 2048mb",
        "maxmemory-policy volatile-lru",
        "save 900 1 300 10 60 10000",
        "appendonly yes",
        "appendfsync everysec",
        "no-appendfsync-on-rewrite no",
        "auto-aof-rewrite-percentage 100",
        "auto-aof-rewrite-min-size 64mb",
        "min-replicas-to-write 1",
        "min-replicas-max-lag 5",
        "dir /data",
    ):
        assert line in lines
    assert not any("requirepass" in line or "REDIS_PASSWORD" in line for line in lines)


def test_sentinel_has_the_guides_lines_corrected() -> None:
    text = redis.sentinel_conf(settings().in_cluster, first=("archesai-redis-0", 6379))
    assert text.splitlines() == [
        "port 26379",
        "protected-mode no",
        "sentinel resolve-hostnames yes",
        "sentinel announce-hostnames yes",
        "sentinel deny-scripts-reconfig yes",
        "sentinel monitor archesai-master archesai-redis-0 6379 2",
        "sentinel down-after-milliseconds archesai-master 5000",
        "sentinel parallel-syncs archesai-master 1",
        "sentinel failover-timeout archesai-master 60000",
    ]


def test_every_member_asks_all_three_sentinels_by_their_full_names() -> None:
    files = redis_workload(settings(), "production").main.files["/etc/arches"]
    for script in ("start.sh", "leave.sh"):
        assert all(address in str(files[script]) for address in SENTINELS)
        assert "$(hostname).archesai-redis.production.svc.cluster.local 6379" in str(files[script])


def test_a_sentinel_knows_every_member_from_the_first_moment() -> None:
    script = str(sentinel_workload(settings(), "production").main.files["/etc/arches"]["start.sh"])
    assert "sentinel known-replica archesai-master" in script
    [members] = [line for line in script.splitlines() if "for member in" in line]
    assert members.count("archesai-redis.production") == 3, (
        "a replica that no Sentinel has heard of when the primary dies follows nobody ever after"
    )


def test_the_front_sends_nobody_to_a_redis_that_may_not_write() -> None:
    text = str(front_workload(settings(), "production").main.files["/etc/arches"]["haproxy.cfg"])
    assert "rstring role:master[\\s\\S]*min_slaves_good_slaves:[1-9]" in text
    assert "on-marked-down shutdown-sessions" in text, "clients would stay with the former primary"
    for index in range(3):
        host = f"archesai-redis-{index}.archesai-redis.production.svc.cluster.local:6379"
        assert f"server redis-{index} {host}" in text


@pytest.mark.parametrize("workload", ALL, ids=lambda each: each.__name__)
def test_the_password_comes_from_the_secret_and_stands_in_no_document(workload: Any) -> None:
    declared = workload(settings(), "production")
    for container in declared.containers:
        secrets = [v for v in container.env.values() if isinstance(v, SecretValue)]
        assert secrets == [PASSWORD], f"{container.name} has no password, or another one"


def test_the_secret_is_synced_wherever_something_in_the_cluster_reads_it() -> None:
    for kind in ("sentinel", "elasticache"):
        [secret] = cache_secrets(settings(kind))
        assert (secret.name, secret.values) == (PASSWORD.secret, {"REDIS_PASSWORD": "cache"})
    assert cache_secrets(settings("elasticache", clientTls=True)) == ()


def test_who_speaks_to_whom_is_declared() -> None:
    members = (Pods(component="redis", port="redis"), Pods(component="sentinel", port="sentinel"))
    reaches = [workload(settings(), "production").reaches for workload in ALL]
    assert reaches == [members, members, members[:1]]


def test_memory_is_promised_as_much_as_it_may_take_and_every_workload_is_watched() -> None:
    resources = redis_workload(settings(), "production").main.resources
    assert (resources.memory, resources.memory_limit) == ("2731Mi", "2731Mi")
    ports = [w(settings(), "production").port("metrics") for w in ALL]
    assert ports == [9121, 9121, 8404]
