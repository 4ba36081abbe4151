"""What an environment may say about its network and its keys, and how a wrong value is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from settings.core import Section, refusals
from settings.keys import KeysSettings
from settings.network import PRIVATE_CLUSTER_ENDPOINTS, NetworkSettings

ZONES = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
PLAIN: dict[str, Any] = {"cidr": "10.20.0.0/16", "zones": ZONES}
BROUGHT: dict[str, Any] = {
    "vpcId": "vpc-0a1b2c3d4e5f60718",
    "public": {
        "ids": ["subnet-00000001", "subnet-00000002", "subnet-00000003"],
        "cidrs": ["10.20.0.0/24", "10.20.1.0/24", "10.20.2.0/24"],
    },
    "private": {
        "ids": ["subnet-00000011", "subnet-00000012", "subnet-00000013"],
        "cidrs": ["10.20.32.0/20", "10.20.48.0/20", "10.20.64.0/20"],
    },
    "data": {
        "ids": ["subnet-00000021", "subnet-00000022", "subnet-00000023"],
        "cidrs": ["10.20.4.0/24", "10.20.5.0/24", "10.20.6.0/24"],
    },
}


def read(values: dict[str, Any], section: type[Section] = NetworkSettings) -> Any:
    return section.model_validate_json(json.dumps(values))


def refused(values: dict[str, Any], section: type[Section] = NetworkSettings) -> str:
    """The one line that says no."""
    with pytest.raises(ValidationError) as caught:
        read(values, section)
    lines = refusals(section, caught.value, "Pulumi.test.yaml")
    assert len(lines) == 1, f"one mistake gave {len(lines)} lines: {lines}"
    assert "; allowed: " in lines[0], "nobody learns what may stand there"
    return lines[0]


def brought(**layers: dict[str, Any]) -> dict[str, Any]:
    """The brought network with some entries of some layers exchanged."""
    changed = {name: {**BROUGHT[name], **entries} for name, entries in layers.items()}
    return {**PLAIN, "brought": {**BROUGHT, **changed}}


def test_an_environment_says_its_block_and_zones_and_the_rest_has_defaults():
    network = read(PLAIN)
    assert network.nat == "per-zone", "one zone's failure would cut off the others"
    assert network.brought is None
    assert network.flow_logs.retention_days == 365
    assert network.flow_logs.aggregation_seconds == 600
    assert set(PRIVATE_CLUSTER_ENDPOINTS) <= set(network.endpoints)
    assert len(network.endpoints) == 13


def test_block_and_zones_cannot_be_left_out():
    assert "arches:cidr: got nothing" in refused({"zones": ZONES})
    assert "arches:zones: got nothing" in refused({"cidr": "10.20.0.0/16"})


@pytest.mark.parametrize("cidr", ["10.0.0.0/16", "10.20.0.0/20", "172.31.0.0/16", "192.168.0.0/18"])
def test_a_private_block_of_a_workable_size_is_taken(cidr: str):
    assert read({**PLAIN, "cidr": cidr}).cidr == cidr


@pytest.mark.parametrize(
    "cidr",
    [
        "10.0.0.0/15",  # more than a VPC can hold (N3)
        "10.0.0.0/21",  # too few addresses for pods
        "10.20.0.1/16",  # host bits
        "100.64.0.0/16",  # not RFC 1918
        "52.0.0.0/16",  # somebody else's
        "172.17.0.0/16",  # Docker's
        "10.20.0.0",
        "not a block",
    ],
)
def test_any_other_block_is_refused_with_an_example(cidr: str):
    line = refused({**PLAIN, "cidr": cidr})
    assert line.startswith(f'Pulumi.test.yaml: arches:cidr: got "{cidr}"')
    assert '"10.20.0.0/16"' in line


@pytest.mark.parametrize(
    "zones",
    [
        ["eu-central-1a", "eu-central-1a"],
        ["eu-central-1a", "eu-west-1b"],
        ["eu-central-1", "eu-central-1"],
        ["eu-central-1a"],
        [f"eu-central-1{letter}" for letter in "abcdefg"],
        ["", ""],
    ],
)
def test_zones_are_two_to_six_of_one_region_each_once(zones: list[str]):
    assert "arches:zones: " in refused({**PLAIN, "zones": zones})


def test_a_network_has_one_of_three_ways_out():
    for nat in ("per-zone", "single", "none"):
        assert read({**PLAIN, "nat": nat}).nat == nat
    assert "arches:nat: " in refused({**PLAIN, "nat": "two"})


def test_endpoints_may_be_fewer_but_never_unknown_or_twice():
    assert read({**PLAIN, "endpoints": []}).endpoints == ()
    assert "got ecr.apii" in refused({**PLAIN, "endpoints": ["ecr.apii", "sts"]})
    assert "got sts, sts" in refused({**PLAIN, "endpoints": ["sts", "sts"]})


def test_without_a_nat_the_endpoints_that_nodes_need_to_join_must_be_there():
    line = refused({**PLAIN, "nat": "none", "endpoints": ["sts", "ec2", "logs", "eks"]})
    assert "no ecr.api, ecr.dkr, eks-auth while nat is" in line


def test_flow_logs_cannot_be_switched_off_or_kept_for_less_than_a_month():
    assert "flowLogs.retentionDays" in refused({**PLAIN, "flowLogs": {"retentionDays": 7}})
    assert "flowLogs.retentionDays" in refused({**PLAIN, "flowLogs": {"retentionDays": 366}})
    assert "flowLogs.aggregationSeconds" in refused(
        {**PLAIN, "flowLogs": {"aggregationSeconds": 300}}
    )
    assert "a key that does not exist" in refused({**PLAIN, "flowLogs": {"enabled": False}})


def test_a_brought_network_is_taken_whole():
    network = read({**PLAIN, "brought": BROUGHT})
    assert network.brought.private.ids == ("subnet-00000011", "subnet-00000012", "subnet-00000013")


@pytest.mark.parametrize("part", ["vpcId", "public", "private", "data"])
def test_a_brought_network_that_lacks_a_part_is_refused(part: str):
    values = {**PLAIN, "brought": {k: v for k, v in BROUGHT.items() if k != part}}
    assert f"arches:brought.{part}: got nothing" in refused(values)


def test_a_brought_network_may_be_smaller_than_one_that_is_made():
    layers = {
        "public": {"cidrs": ["10.20.0.0/27", "10.20.0.32/27", "10.20.0.64/27"]},
        "private": {"cidrs": ["10.20.1.0/26", "10.20.1.64/26", "10.20.1.128/26"]},
        "data": {"cidrs": ["10.20.0.128/28", "10.20.0.144/28", "10.20.0.160/28"]},
    }
    assert read({**brought(**layers), "cidr": "10.20.0.0/23"}).cidr == "10.20.0.0/23"


def test_brought_subnets_come_one_per_zone():
    line = refused(brought(data={"ids": ["subnet-00000021", "subnet-00000022"]}))
    assert "arches:brought.data.ids: got 2 for 3 zones" in line


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ("10.21.0.0/20", "outside the VPC (N1)"),
        ("10.20.48.0/20", "twice (N2)"),
        ("10.20.0.0/20", "over the public ones (N2)"),
        ("10.20.80.0/27", "no room for an update of the control plane (E33)"),
        ("10.20.80.1/20", "host bits"),
    ],
)
def test_brought_private_subnets_fit_the_vpc_and_what_lives_in_them(block: str, why: str):
    line = refused(brought(private={"cidrs": [block, "10.20.48.0/20", "10.20.64.0/20"]}))
    assert "arches:brought.private.cidrs: got" in line, why


def test_brought_subnet_ids_are_ids_and_used_once():
    odd = ["subnet-1", "subnet-00000012", "subnet-00000013"]
    assert 'got "subnet-1"' in refused(brought(private={"ids": odd}))
    twice = ["subnet-00000001", "subnet-00000012", "subnet-00000013"]
    assert 'got "subnet-00000001"' in refused(brought(private={"ids": twice}))
    assert "arches:brought.vpcId" in refused({**PLAIN, "brought": {**BROUGHT, "vpcId": "vpc-1"}})


def test_keys_are_recoverable_for_a_month_and_rotate_every_year_unless_said_otherwise():
    keys = read({}, KeysSettings)
    assert (keys.deletion_window_days, keys.rotation_period_days) == (30, 365)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("deletionWindowDays", 6),
        ("deletionWindowDays", 31),
        ("rotationPeriodDays", 89),
        ("rotationPeriodDays", 366),
        ("rotationPeriodDays", "365"),
    ],
)
def test_key_settings_outside_what_kms_and_the_controls_allow_are_refused(key: str, value: object):
    assert f"arches:{key}: got" in refused({key: value}, KeysSettings)
