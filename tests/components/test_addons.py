"""The cluster's add-ons: which, in what order, with which rights."""

from __future__ import annotations

import json

import pytest

from components.addons import AFTER_NODES, BEFORE_NODES, configuration, volume_key_policy
from settings.eks import ADDON_VERSIONS
from tests.components.cluster_neighbours import (
    CLUSTER_KEY,
    CONTEXT,
    cluster_settings,
    recorded,
)

ADDON = "aws:eks/addon:Addon"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
NAMES = [row.addon for row in (*BEFORE_NODES, *AFTER_NODES)]


def row(addon: str):
    return next(each for each in (*BEFORE_NODES, *AFTER_NODES) if each.addon == addon)


def test_the_cluster_has_these_six_add_ons_and_each_is_pinned():
    made = recorded().of(ADDON)
    assert {each.inputs["addonName"]: each.inputs["addonVersion"] for each in made} == (
        ADDON_VERSIONS["1.36"]
    ), "an unpinned add-on follows the latest on any run"


@pytest.mark.parametrize("minor", sorted(ADDON_VERSIONS))
def test_every_minor_has_a_version_of_every_add_on(minor: str):
    assert sorted(ADDON_VERSIONS[minor]) == sorted(NAMES)
    assert ADDON_VERSIONS[minor]["kube-proxy"].startswith(f"v{minor}."), "refusal E17"


def test_network_policies_are_enforced_and_their_verdicts_logged():
    inputs = recorded().one(ADDON, "cluster-before-nodes-vpc-cni").inputs
    assert inputs["configurationValues"] == (
        '{"enableNetworkPolicy": "true", "nodeAgent": {"enablePolicyEventLogs": "true"}}'
    ), "EKS would accept every network policy and enforce none (K8S-10)"


def test_configurations_are_single_json_strings():
    for each in recorded().of(ADDON):
        text = each.inputs.get("configurationValues")
        assert text is None or isinstance(json.loads(text), dict)


def test_volumes_carry_our_tags_although_the_provider_never_sees_them():
    text = configuration(row("aws-ebs-csi-driver"), CONTEXT)
    assert text is not None
    assert json.loads(text) == {
        "controller": {"extraVolumeTags": {"project": "arches", "stack": "test"}}
    }


def test_an_add_on_without_wishes_sends_no_configuration():
    assert configuration(row("kube-proxy"), CONTEXT) is None


def test_what_was_changed_by_hand_is_put_back():
    for each in recorded().of(ADDON):
        assert each.inputs["resolveConflictsOnCreate"] == "OVERWRITE"
        assert each.inputs["resolveConflictsOnUpdate"] == "OVERWRITE"


def test_the_network_and_the_volumes_have_identities_of_their_own():
    made = recorded()
    assert {
        each.inputs["serviceAccount"]: each.inputs["namespace"] for each in made.of(ASSOCIATION)
    } == {"aws-node": "kube-system", "ebs-csi-controller-sa": "kube-system"}
    policies = {
        each.inputs["policyArn"].rsplit("/", 1)[-1]
        for each in made.of(ATTACHMENT)
        if "-identity-" in each.name and ":aws:policy/" in each.inputs["policyArn"]
    }
    assert policies == {"AmazonEKS_CNI_Policy", "AmazonEBSCSIDriverPolicy"}


def test_nodes_wait_for_the_networks_identity_but_the_identity_for_no_node():
    made = recorded()
    association = made.one(ASSOCIATION, "cluster-before-nodes-vpc-cni-identity-association")
    groups = made.of("aws:eks/nodeGroup:NodeGroup")
    assert all(association.urn in each.dependencies for each in groups)
    assert not {each.urn for each in groups} & set(association.dependencies)


def test_the_volume_driver_starts_with_its_credentials():
    made = recorded()
    association = made.one(
        ASSOCIATION, "cluster-after-nodes-aws-ebs-csi-driver-identity-association"
    )
    addon = made.one(ADDON, "cluster-after-nodes-aws-ebs-csi-driver")
    assert association.urn in addon.dependencies, "its first pods would have no credentials"


def test_the_volume_driver_may_use_one_key_and_grant_it_to_aws_only():
    statements = {
        each["Sid"]: each for each in json.loads(volume_key_policy(CLUSTER_KEY))["Statement"]
    }
    assert {tuple(each["Resource"]) for each in statements.values()} == {(CLUSTER_KEY,)}
    assert statements["GrantToEbs"]["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    assert "kms:CreateGrant" not in statements["EncryptVolumes"]["Action"]


def test_a_single_add_on_can_be_moved_by_a_setting():
    made = recorded(cluster_settings(addonVersions={"coredns": "v1.14.7-eksbuild.10"}))
    assert made.one(ADDON, "cluster-after-nodes-coredns").inputs["addonVersion"] == (
        "v1.14.7-eksbuild.10"
    )
