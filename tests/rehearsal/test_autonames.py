"""The names that the provider makes up where the program gives none."""

from __future__ import annotations

import re
from typing import Any

import pytest

from rehearsal import autonames, sdk
from rehearsal.autonames import NameTooLongError, autoname
from rehearsal.wire import UNKNOWN, Secret

SEED = b"the engine's seed"


@pytest.mark.parametrize(
    ("token", "name", "pattern"),
    [
        ("aws:s3/bucket:Bucket", {"bucket"}, "files-data-[0-9a-f]{7}"),
        ("aws:rds/instance:Instance", {"identifier"}, "Files-Data[0-9a-f]{7}"),
        (
            "aws:elasticache/replicationGroup:ReplicationGroup",
            {"replicationGroupId"},
            "files-data-",
        ),
        ("aws:eks/nodeGroup:NodeGroup", {"nodeGroupName"}, "Files-Data-[0-9a-f]{7}"),
        ("aws:cloudwatch/eventTarget:EventTarget", {"targetId"}, "Files-Data-[0-9a-f]{7}"),
        ("aws:kms/alias:Alias", {"name"}, "alias/Files-Data-[0-9a-f]{7}"),
        ("aws:backup/restoreTestingPlan:RestoreTestingPlan", {"name"}, "Files-Data_[0-9a-f]{7}"),
        ("aws:iam/role:Role", {"name"}, "Files-Data-[0-9a-f]{7}"),
        ("aws:ec2/securityGroup:SecurityGroup", {"name"}, "Files-Data-[0-9a-f]{7}"),
        ("aws:wafv2/webAcl:WebAcl", {"name"}, "Files-Data-[0-9a-f]{7}"),
        ("aws:cloudwatch/metricAlarm:MetricAlarm", {"name"}, "Files-Data-[0-9a-f]{7}"),
    ],
)
def test_a_type_is_named_after_its_own_rule(token: str, name: set[str], pattern: str) -> None:
    made = autoname(token, "Files-Data", {}, SEED)
    assert set(made) == name
    assert all(re.match(pattern, each) for each in made.values()), made
    assert set(made) <= set(sdk.inputs(token)), "the made-up name is no input of the type"


@pytest.mark.parametrize(
    "token",
    [
        "aws:route53/record:Record",
        "aws:ec2/vpc:Vpc",
        "aws:eks/addon:Addon",
        "aws:elasticache/user:User",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:cloudwatch/dashboard:Dashboard",
        "aws:accessanalyzer/analyzer:Analyzer",
        "kubernetes:core/v1:Namespace",
    ],
)
def test_a_type_that_the_provider_leaves_alone_is_left_alone(token: str) -> None:
    assert autoname(token, "x", {}, SEED) == {}


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        ("aws:s3/bucket:Bucket", {"bucket": "mine"}),
        ("aws:s3/bucket:Bucket", {"bucketPrefix": "mine-"}),
        ("aws:iam/role:Role", {"namePrefix": "mine-"}),
        ("aws:rds/instance:Instance", {"identifierPrefix": "mine"}),
        ("aws:eks/nodeGroup:NodeGroup", {"nodeGroupNamePrefix": "mine-"}),
        ("aws:iam/role:Role", {"name": UNKNOWN}),
        ("aws:iam/role:Role", {"name": Secret("mine")}),
    ],
)
def test_a_given_name_or_prefix_is_kept(token: str, inputs: dict[str, Any]) -> None:
    assert autoname(token, "x", inputs, SEED) == {}


def test_one_seed_gives_one_name_and_another_seed_another() -> None:
    """Preview and update of one run must agree; a replacement must not collide with the old one."""
    token = "aws:iam/role:Role"
    assert autoname(token, "x", {}, SEED) == autoname(token, "x", {}, SEED)
    assert autoname(token, "x", {}, SEED) != autoname(token, "x", {}, b"another seed")


def test_a_fifo_topic_ends_as_aws_demands() -> None:
    made = autoname("aws:sns/topic:Topic", "x", {"fifoTopic": True}, SEED)
    assert re.fullmatch(r"x-[0-9a-f]{7}\.fifo", made["name"])


@pytest.mark.parametrize(
    ("token", "room"),
    [
        ("aws:s3/bucket:Bucket", 55),
        ("aws:lb/targetGroup:TargetGroup", 24),
        ("aws:elasticache/replicationGroup:ReplicationGroup", 32),
        ("aws:iam/role:Role", 56),
    ],
)
def test_a_name_is_never_cut_but_refused_when_it_is_too_long(token: str, room: int) -> None:
    """The bridge refuses it too; a name cut here would hide an error of the real deployment."""
    (name,) = autoname(token, "n" * room, {}, SEED).values()
    longest = autonames.rule(token)
    assert longest is not None
    assert len(name) == longest.longest
    with pytest.raises(NameTooLongError, match="plus 7 random chars is longer than maximum length"):
        autoname(token, "n" * (room + 1), {}, SEED)


def test_every_row_of_the_table_is_an_optional_input_of_the_sdk() -> None:
    for token, rule in autonames._RULES.items():
        assert not sdk.inputs(token)[rule.input].required, f"{token} is not named by the provider"
