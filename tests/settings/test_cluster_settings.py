"""What an environment may decide about its cluster."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from settings import cluster, core
from settings.cluster import READERS, RESPONDERS, ClusterSettings, cluster_refusals, refused_cidr
from settings.eks import ADDON_VERSIONS, INSTANCE_TYPES, STANDARD_SUPPORT_ENDS, supported
from settings.registry import RegistrySettings

DEPLOYER = {
    "name": "deployer",
    "principalArn": "arn:aws:iam::111122223333:role/deployer",
    "policy": "cluster-admin",
}


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "today", lambda: date(2026, 11, 21))


def settings(**yaml: Any) -> ClusterSettings:
    return ClusterSettings.model_validate_json(json.dumps({"access": [DEPLOYER], **yaml}))


def refused(**yaml: Any) -> str:
    with pytest.raises(ValidationError) as error:
        settings(**yaml)
    lines = core.refusals(ClusterSettings, error.value, "Pulumi.test.yaml")
    assert len(lines) == 1, lines
    return lines[0]


def test_the_defaults_are_the_guides_cluster():
    found = settings()
    assert found.version == "1.36"
    assert found.public_access_cidrs == ()
    assert found.service_cidr == "172.20.0.0/16"
    assert found.namespace == "production"
    assert found.log_retention_days == 365
    assert found.nodes.instance_types == ("c7i.xlarge",)
    assert found.nodes.capacity == "on-demand"


def test_a_version_past_standard_support_is_refused_with_its_date():
    assert refused(version="1.33") == (
        'Pulumi.test.yaml: arches:version: got "1.33", out of standard support since 2026-07-29; '
        'allowed: one of 1.34, 1.35, 1.36; for example "1.36"'
    )


def test_an_unknown_version_is_refused():
    assert "one of 1.34, 1.35, 1.36" in refused(version="1.99")


def test_a_version_is_good_up_to_its_last_day():
    assert supported(date(2026, 12, 2)) == ["1.34", "1.35", "1.36"]
    assert supported(date(2026, 12, 3)) == ["1.35", "1.36"]
    assert supported(date(2027, 8, 3)) == []


def test_every_version_with_add_ons_has_a_date():
    assert set(ADDON_VERSIONS) <= set(STANDARD_SUPPORT_ENDS)


def test_the_add_on_versions_follow_the_minor_unless_a_row_is_overridden():
    assert settings(version="1.35").addon_version("kube-proxy").startswith("v1.35.")
    moved = settings(addonVersions={"coredns": "v9"})
    assert moved.addon_version("coredns") == "v9"
    assert "versions of vpc-cni" in refused(addonVersions={"core-dns": "v9"})


@pytest.mark.parametrize(
    ("cidr", "reason"),
    [
        ("0.0.0.0/0", "wider than a /16"),
        ("0.0.0.0/1", "wider than a /16"),
        ("128.0.0.0/1", "wider than a /16"),
        ("10.20.0.0/16", "a private or reserved range"),
        ("172.31.4.0/24", "a private or reserved range"),
        ("192.168.1.1/32", "a private or reserved range"),
        ("100.64.3.0/24", "a private or reserved range"),
        ("169.254.169.254/32", "a private or reserved range"),
        ("52.94.76.10/24", "not an IPv4 block"),
        ("2001:db8::/32", "not an IPv4 block"),
        ("office", "not an IPv4 block"),
    ],
)
def test_the_public_endpoint_is_never_opened_for(cidr: str, reason: str):
    assert refused_cidr(cidr) == reason
    assert f"arches:publicAccessCidrs: got {cidr}, {reason}" in refused(publicAccessCidrs=[cidr])


def test_the_public_endpoint_can_be_opened_for_an_office():
    found = settings(publicAccessCidrs=["52.94.76.10/32", "52.94.77.0/24"])
    assert found.public_access_cidrs == ("52.94.76.10/32", "52.94.77.0/24")
    assert "each block once" in refused(publicAccessCidrs=["52.94.76.10/32"] * 2)


def test_the_forty_first_block_is_refused():
    blocks = [f"52.94.76.{each}/32" for each in range(41)]
    assert settings(publicAccessCidrs=blocks[:40])
    assert "up to 40 public IPv4 blocks" in refused(publicAccessCidrs=blocks)


@pytest.mark.parametrize("block", ["8.8.0.0/16", "10.0.0.0/8", "10.1.0.0/25", "10.1.0.1/16", "x"])
def test_service_addresses_are_a_private_block_of_a_size_that_eks_takes(block: str):
    assert f'arches:serviceCidr: got "{block}"' in refused(serviceCidr=block)


def test_somebody_must_be_able_to_enter():
    viewer = {**DEPLOYER, "name": "viewer", "policy": "view"}
    assert "got no cluster-admin" in refused(access=[viewer])
    assert "arches:access" in refused(access=[])


def test_a_role_enters_once():
    assert "deployer twice" in refused(access=[DEPLOYER, DEPLOYER])
    other = {**DEPLOYER, "name": "other"}
    assert "role/deployer twice" in refused(access=[DEPLOYER, other])


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::111122223333:user/somebody",
        "arn:aws:iam::111122223333:root",
        "arn:aws:sts::111122223333:assumed-role/deployer/session",
    ],
)
def test_only_roles_enter_no_users_with_keys_that_live_for_ever(arn: str):
    assert "got " + f'"{arn}"' in refused(access=[{**DEPLOYER, "principalArn": arn}])


@pytest.mark.parametrize("policy", ["cluster-admin", "admin-view", "responder", "reader"])
def test_a_policy_whose_scope_is_given_takes_no_namespaces(policy: str):
    entry = {**DEPLOYER, "policy": policy, "namespaces": ["production"]}
    assert "no namespaces with" in refused(access=[entry])


@pytest.mark.parametrize("group", [READERS, RESPONDERS])
def test_a_group_has_no_name_that_eks_keeps_for_itself(group: str):
    assert not group.startswith(("system:", "eks:", "aws:", "amazon:", "iam:")), "refusal E14"


@pytest.mark.parametrize("name", ["default", "kube-system"])
def test_the_application_has_a_namespace_of_its_own(name: str):
    assert "a namespace of the application's own" in refused(namespace=name)


def test_logs_are_kept_for_a_year_or_longer_and_for_a_period_that_cloudwatch_knows():
    assert settings(logRetentionDays=731).log_retention_days == 731
    for days in (30, 366):
        assert f"arches:logRetentionDays: got {days}" in refused(logRetentionDays=days)


@pytest.mark.parametrize(("low", "desired", "high"), [(2, 1, 3), (1, 4, 3), (3, 3, 2)])
def test_node_counts_are_in_order(low: int, desired: int, high: int):
    nodes = {"minPerZone": low, "desiredPerZone": desired, "maxPerZone": high}
    assert "minPerZone <= desiredPerZone <= maxPerZone" in refused(nodes=nodes)


def test_a_group_has_machines_of_one_kind():
    assert settings(nodes={"instanceTypes": ["c7i.xlarge", "c6i.xlarge"]})
    assert "of one architecture" in refused(nodes={"instanceTypes": ["c7i.xlarge", "c7g.xlarge"]})
    assert "of one architecture" in refused(nodes={"instanceTypes": ["c7i.xlarge", "m7i.xlarge"]})
    assert "got c9z.xlarge" in refused(nodes={"instanceTypes": ["c9z.xlarge"]})


def test_the_nodes_image_is_a_release_of_the_clusters_minor():
    assert settings().nodes.release_version is None
    found = settings(version="1.36", nodes={"releaseVersion": "1.36.2-20261112"})
    assert found.nodes.release_version == "1.36.2-20261112"
    assert "a release of 1.36, or none" in refused(
        version="1.36", nodes={"releaseVersion": "1.35.9-20261112"}
    ), "EKS refuses it in the middle of the run, when the control plane has moved on (E7)"
    assert "releaseVersion" in refused(nodes={"releaseVersion": "latest"})


def test_the_default_node_is_the_checklists_node():
    machine = INSTANCE_TYPES["c7i.xlarge"]
    assert (machine.vcpu, machine.memory_gib, machine.pods) == (4, 8, 58)


def across(found: ClusterSettings, **facts: Any) -> list[str]:
    facts = {"zones": 3, "network_cidr": "10.20.0.0/16", "serves_customers": True, **facts}
    return [error.context["key"] for error in cluster_refusals(found, **facts) if error.context]


def test_the_defaults_serve_customers():
    assert across(settings()) == []


def test_fewer_than_three_nodes_serve_no_customers():
    assert across(settings(), zones=2) == ["cluster.nodes.minPerZone"]
    assert across(settings(), zones=2, serves_customers=False) == []


def test_small_or_interruptible_nodes_serve_no_customers():
    assert across(settings(nodes={"instanceTypes": ["m7i.large"]})) == [
        "cluster.nodes.instanceTypes"
    ]
    assert across(settings(nodes={"capacity": "spot"})) == ["cluster.nodes.capacity"]


def test_service_addresses_are_outside_the_network_everywhere():
    found = settings(serviceCidr="10.20.128.0/20")
    assert across(found, serves_customers=False) == ["cluster.serviceCidr"]


@pytest.mark.parametrize("names", [["API"], ["api", "api"], ["-api"], []])
def test_repositories_have_names_that_ecr_takes(names: list[str]):
    with pytest.raises(ValidationError):
        RegistrySettings.model_validate_json(json.dumps({"repositories": names}))
