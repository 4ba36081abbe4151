"""What mutants of the real stacks cannot say about rules of the cluster, its nodes and images."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rules.adapter import findings, joined
from rules.cluster import cluster, nodes, registry
from rules.model import UNKNOWN, Item, Props, Rule, StackRule

from tests.policies.real import stack_of

_RULES = {each.name: each for each in (*cluster.RULES, *nodes.RULES, *registry.RULES)}
_TAGS = json.dumps({"tags": {"serves-customers": "true"}})
_AWS = Item(
    type="pulumi:providers:aws", name="aws", urn="urn:aws", props=Props({"defaultTags": _TAGS})
)


def _item(type_: str, name: str, props: dict[str, Any], **links: Item) -> Item:
    return Item(
        type=type_,
        name=name,
        urn=f"urn:{name}",
        props=Props(props),
        links={key: frozenset({item.urn}) for key, item in links.items()},
    )


def _said(rule: str, props: dict[str, Any]) -> list[str]:
    found = _RULES[rule]
    assert isinstance(found, Rule)
    return [each.text.removesuffix(f"; {found.fix}") for each in findings(found, Props(props))]


def _joined(rule: str, *items: Item) -> list[str]:
    found = _RULES[rule]
    assert isinstance(found, StackRule)
    stack = stack_of((_AWS, *items))
    return [said.text.removesuffix(f"; {found.fix}") for _, said in joined(found, stack)]


@pytest.mark.parametrize(
    ("instance_type", "offers"),
    [
        ("c7i.xlarge", (4, 8)),
        ("c7i-flex.2xlarge", (8, 16)),
        ("m7g.large", (2, 8)),
        ("r6idn.24xlarge", (96, 768)),
        ("t3.medium", (2, 4)),
        ("t4g.xlarge", (4, 16)),
        ("c4.xlarge", (0, 0)),
        ("m5.metal", (0, 0)),
        ("xlarge", (0, 0)),
    ],
)
def test_what_a_machine_offers_is_told_by_its_name_or_not_at_all(
    instance_type: str, offers: tuple[int, int]
) -> None:
    assert nodes.machine(instance_type) == offers


def test_keys_of_ours_count_before_their_arns_are_known() -> None:
    assert (
        _said(
            "eks-secrets-encrypted",
            {"encryptionConfig": {"resources": ["secrets"], "provider": {"keyArn": UNKNOWN}}},
        )
        == []
    )
    disk = {"ebs": {"encrypted": "true", "kmsKeyId": UNKNOWN}}
    assert _said("node-volumes-encrypted", {"blockDeviceMappings": [disk]}) == []
    ours = {"encryptionType": "KMS", "kmsKey": UNKNOWN}
    assert _said("ecr-encrypted", {"encryptionConfigurations": [ours]}) == []


def test_a_few_addresses_may_reach_the_api_server() -> None:
    opened = {"endpointPublicAccess": True, "publicAccessCidrs": ["52.94.76.10/32", "52.94.0.0/16"]}
    assert _said("eks-endpoint-restricted", {"vpcConfig": opened}) == []


def test_addresses_that_are_not_known_yet_are_undecided() -> None:
    opened = {"endpointPublicAccess": True, "publicAccessCidrs": [UNKNOWN]}
    assert _said("eks-endpoint-restricted", {"vpcConfig": opened}) == [
        "not known until deployed: vpcConfig.publicAccessCidrs.0"
    ]


def test_nodes_in_subnets_that_were_brought_are_counted_by_subnet() -> None:
    control_plane = _item(nodes.CLUSTER, "cluster", {})
    groups = [
        _item(
            nodes.GROUP,
            f"group-{n}",
            {"scalingConfig": {"minSize": 1}, "subnetIds": [f"subnet-{n}"]},
            clusterName=control_plane,
        )
        for n in range(3)
    ]
    assert _joined("node-count", control_plane, *groups) == []
    assert _joined("node-count", control_plane, *groups[:2]) == [
        "2 nodes are promised, 3 are needed",
        "nodes stand in 2 zones, 3 are needed",
    ]


def test_a_test_environment_may_have_two_small_nodes() -> None:
    control_plane = _item(nodes.CLUSTER, "cluster", {})
    group = _item(
        nodes.GROUP,
        "group",
        {"scalingConfig": {"minSize": 2}, "instanceTypes": ["t3.large"], "capacityType": "SPOT"},
        clusterName=control_plane,
    )
    for name in ("node-count", "node-size", "node-capacity-kept"):
        rule = _RULES[name]
        assert isinstance(rule, StackRule)
        assert list(joined(rule, stack_of((control_plane, group)))) == []


def test_a_third_of_the_nodes_may_be_replaced_at_once() -> None:
    assert _said("node-update-one-by-one", {"updateConfig": {"maxUnavailablePercentage": 33}}) == []


def test_a_cni_may_bring_its_own_identity() -> None:
    """EKS can make the association with the add-on; an old cluster uses a role for the account."""
    control_plane = _item(cluster.CLUSTER, "cluster", {})
    for own in (
        {"serviceAccountRoleArn": UNKNOWN},
        {"podIdentityAssociations": [{"roleArn": "r"}]},
    ):
        addon = _item(
            cluster.ADDON, "cni", {"addonName": "vpc-cni", **own}, clusterName=control_plane
        )
        assert _joined("eks-addons-own-identity", control_plane, addon) == []


def test_a_repository_may_be_shared_with_the_own_organisation() -> None:
    ours = _item(registry.REPOSITORY, "ours", {})
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "ecr:BatchGetImage",
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
    }
    policy = _item(
        "aws:ecr/repositoryPolicy:RepositoryPolicy",
        "policy",
        {"policy": json.dumps({"Statement": [statement]})},
        repository=ours,
    )
    assert _joined("ecr-not-public", ours, policy) == []
