"""The cache: encrypted, behind a token, in three zones, with no line that ElastiCache refuses."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_random
import pytest

from components import cache as room
from components.cache import Cache, CacheArgs, CacheEndpoint
from settings.cache import NOT_APPLICABLE, CacheSettings
from tests.neighbours import context, key, neighbour
from tests.recorder import REGION, Recorder, once, record

GROUP = "aws:elasticache/replicationGroup:ReplicationGroup"
RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
ID = "arches-prod-cache"
TOKEN = "CanaryTokenCanaryTokenCanaryToken"


class SecretsStandIn:
    def __init__(self) -> None:
        self.arns = {"cache": pulumi.Output.from_input("arn:secret:cache")}

    def value(self, key: str) -> pulumi.Output[str]:
        assert key == "cache", "the cache asked for somebody else's secret"
        return pulumi.Output.secret(TOKEN)


def settings(**changed: Any) -> CacheSettings:
    return CacheSettings.model_validate_json(json.dumps(changed))


@once
def deployed(chosen: CacheSettings | None = None, **changed: Any) -> Recorder:
    def program() -> None:
        providers = [aws.Provider("aws", region=REGION), pulumi_random.Provider("random")]
        cluster: Any = neighbour(nodes_security_group_id=pulumi.Output.from_input("sg-nodes"))
        network: Any = neighbour(
            vpc_id=pulumi.Output.from_input("vpc-1"),
            zones=("eu-central-1a", "eu-central-1b", "eu-central-1c"),
            data_subnet_ids=[pulumi.Output.from_input(f"subnet-{z}") for z in "abc"],
        )
        keys: Any = neighbour(data=key("data"), logs=key("logs"))
        secrets: Any = SecretsStandIn()
        endpoint: CacheEndpoint = Cache(
            "cache",
            CacheArgs(
                context=context(**changed),
                settings=chosen or settings(),
                network=network,
                keys=keys,
                cluster=cluster,
                secrets=secrets,
            ),
            pulumi.ResourceOptions(providers=providers),
        )
        assert endpoint.kind == "elasticache"

    return record(program)


@pytest.fixture(scope="module")
def made() -> Recorder:
    return deployed()


@pytest.fixture(scope="module")
def group(made: Recorder) -> dict[str, Any]:
    return made.one(GROUP).inputs


def test_everything_hangs_under_the_cache_and_names_its_provider(made: Recorder) -> None:
    assert len(made.custom) == 8, "another number of resources than the room was built for"
    [component] = made.components
    for child in made.custom:
        assert child.parent == component.urn, f"{child.name} has left home"
        assert child.provider, f"{child.name} would go to whatever account is the default"
        assert child.name.startswith("cache-"), f"{child.name} could collide"


def test_redis_is_seven_with_the_family_of_its_engine(made: Recorder) -> None:
    inputs = made.one(GROUP).inputs
    assert (inputs["engine"], inputs["engineVersion"]) == ("redis", "7.1")
    parameters = made.one("aws:elasticache/parameterGroup:ParameterGroup")
    assert parameters.inputs["family"] == "redis7"
    assert inputs["parameterGroupName"] == parameters.name, "a group nobody attached"


def test_three_nodes_in_three_zones_take_over_from_each_other(group: dict[str, Any]) -> None:
    assert group["numCacheClusters"] == 3
    assert group["automaticFailoverEnabled"] is True
    assert group["multiAzEnabled"] is True
    assert group["preferredCacheClusterAzs"] == ["eu-central-1a", "eu-central-1b", "eu-central-1c"]


def test_one_node_asks_for_no_failover_that_aws_would_refuse() -> None:
    group = deployed(settings(nodes=1)).one(GROUP).inputs
    assert group["automaticFailoverEnabled"] is False, "refused with one node (C1)"
    assert group["multiAzEnabled"] is False, "refused without failover (C2)"
    assert group["preferredCacheClusterAzs"] == ["eu-central-1a"]


def test_more_nodes_than_zones_go_round() -> None:
    assert room.placement(("a", "b", "c"), 5) == ["a", "b", "c", "a", "b"]


def test_data_is_encrypted_on_disk_and_on_the_wire(group: dict[str, Any]) -> None:
    assert group["atRestEncryptionEnabled"] is True
    assert group["kmsKeyId"].endswith(":key/data")
    assert group["transitEncryptionEnabled"] is True
    assert "transitEncryptionMode" not in group, "a key for groups that began without TLS (C13)"


def test_a_client_needs_the_token(group: dict[str, Any]) -> None:
    assert group["authToken"] == TOKEN
    assert group["authTokenUpdateStrategy"] == "ROTATE"
    assert "userGroupIds" not in group, "exclusive with the token"


def test_the_old_token_ends_by_one_edit() -> None:
    assert (
        deployed(settings(authTokenStep="SET")).one(GROUP).inputs["authTokenUpdateStrategy"]
        == "SET"
    )


def test_only_the_nodes_come_in_and_nothing_goes_out(made: Recorder) -> None:
    door = made.one("aws:ec2/securityGroup:SecurityGroup").inputs
    assert "ingress" not in door
    assert "egress" not in door
    rule = made.one(RULE).inputs
    assert rule["referencedSecurityGroupId"] == "sg-nodes"
    assert (rule["ipProtocol"], rule["fromPort"], rule["toPort"]) == ("tcp", 6379, 6379)
    assert 26379 not in (rule["fromPort"], rule["toPort"]), "there is no Sentinel here (SENT-01)"


def test_the_cache_never_waits_for_the_cluster(made: Recorder) -> None:
    assert made.one(RULE).urn not in made.one(GROUP).dependencies


def test_snapshots_are_kept_and_the_last_one_has_a_name_of_its_own(made: Recorder) -> None:
    registration = made.one(GROUP)
    assert registration.inputs["snapshotRetentionLimit"] == 7
    assert registration.inputs["finalSnapshotIdentifier"] == f"{ID}-final-0badcafe", (
        "without a name no snapshot is taken, and nothing warns (C20)"
    )
    keepers = made.one("random:index/randomId:RandomId").inputs["keepers"]
    assert set(keepers) == {"group", "key", "subnets"}
    assert registration.protect
    assert registration.delete_before_replace, "the fixed id would be taken"


def test_sessions_are_not_evicted_before_cache_entries(made: Recorder) -> None:
    parameters = made.one("aws:elasticache/parameterGroup:ParameterGroup").inputs["parameters"]
    assert parameters == [{"name": "maxmemory-policy", "value": "volatile-lru"}]


def test_no_line_of_the_guide_that_elasticache_refuses_is_sent() -> None:
    sent = {row["name"] for row in room.group_parameters(settings(reservedMemoryPercent=40))}
    assert sent == {"maxmemory-policy", "reserved-memory-percent"}
    assert not sent & set(NOT_APPLICABLE)
    assert {"appendonly", "appendfsync", "save", "maxmemory"} <= set(NOT_APPLICABLE)


def test_slow_and_engine_logs_reach_encrypted_groups(made: Recorder) -> None:
    groups = made.of("aws:cloudwatch/logGroup:LogGroup")
    names = [f"/aws/vendedlogs/elasticache/{ID}/{log}" for log in ("slow-log", "engine-log")]
    assert sorted(g.inputs["name"] for g in groups) == sorted(names)
    assert all(g.inputs["kmsKeyId"].endswith(":key/logs") for g in groups)
    assert all(g.inputs["retentionInDays"] == 30 for g in groups)
    deliveries = made.one(GROUP).inputs["logDeliveryConfigurations"]
    assert [d["logType"] for d in deliveries] == ["slow-log", "engine-log"]
    assert [d["destination"] for d in deliveries] == names
    assert {d["destinationType"] for d in deliveries} == {"cloudwatch-logs"}


def test_the_group_id_fits_elasticache_whatever_the_stack_is_called() -> None:
    group_id = deployed(stack="Preview" + "x" * 60).one(GROUP).inputs["replicationGroupId"]
    assert len(group_id) <= 40
    assert group_id == group_id.lower(), "AWS stores small letters: it would differ for ever (C19)"


def test_the_outputs_are_what_the_neighbours_ask_for(made: Recorder) -> None:
    [component] = made.components
    outputs = component.outputs or {}
    assert outputs["primaryHost"].startswith(f"master.{ID}")
    assert outputs["readerHost"].startswith(f"replica.{ID}")
    assert outputs["memberIds"] == [f"{ID}-001", f"{ID}-002", f"{ID}-003"]
    assert outputs["secretArn"] == "arn:secret:cache"
    assert TOKEN not in json.dumps(outputs), "the token in an output"
    assert (outputs["kind"], outputs["port"], outputs["groupId"]) == ("elasticache", 6379, ID)


def test_a_node_that_is_not_made_yet_gets_the_next_number() -> None:
    assert room.member_id(ID, [f"{ID}-002", f"{ID}-001"], 1) == f"{ID}-002"
    assert room.member_id(ID, [f"{ID}-001"], 2) == f"{ID}-003"
