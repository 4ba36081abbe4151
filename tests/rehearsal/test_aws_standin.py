"""The stand-in for AWS by itself: what it tells a preview, without an engine."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.account import Account
from rehearsal.computed import WITHIN, computed
from rehearsal.providers.aws import Aws
from rehearsal.providers.standin import Call
from rehearsal.wire import UNKNOWN

CLUSTER = "aws:eks/cluster:Cluster"


def planned(type_: str, **inputs: Any) -> dict[str, Any]:
    """The outputs of a resource that a preview would make."""
    call = Call(urn=f"urn:pulumi:prod::arches::{type_}::one")
    return Aws(Account(":memory:")).create(call, inputs, preview=True)[1]


def test_a_planned_cluster_does_not_know_its_security_group_yet() -> None:
    told = planned(CLUSTER, vpcConfig={"endpointPrivateAccess": True})["vpcConfig"]
    assert told == {
        "endpointPrivateAccess": True,
        "clusterSecurityGroupId": UNKNOWN,
        "vpcId": UNKNOWN,
    }, "the nodes' template would get no group, and the preview of a half-made stack be refused"


def test_an_input_that_is_unknown_itself_stays_so() -> None:
    assert planned(CLUSTER, vpcConfig=UNKNOWN)["vpcConfig"] is UNKNOWN


@pytest.mark.parametrize("type_", sorted(WITHIN))
def test_what_is_unknown_inside_an_input_is_what_aws_adds(type_: str) -> None:
    given = {name: {"given": True} for name in WITHIN[type_]}
    made = computed(type_, "one", given, account_id="1" * 12, region="eu-central-1", seed="s")
    for name, added in WITHIN[type_].items():
        assert set(made.outputs[name]) == {"given", *added}
