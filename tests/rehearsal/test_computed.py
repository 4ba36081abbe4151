"""What AWS fills in by itself: shaped as the real one, the same in every run."""

from __future__ import annotations

import re
from typing import Any

import pytest

from rehearsal import computed as module
from rehearsal.computed import Made, computed

ACCOUNT = "111122223333"
REGION = "eu-central-1"


def made(type_: str, name: str = "one", seed: str = "s", /, **inputs: Any) -> Made:
    region = inputs.pop("at", REGION)
    return computed(type_, name, inputs, account_id=ACCOUNT, region=region, seed=seed)


# -- ids and ARNs --------------------------------------------------------------------------------
_HEX17 = "[0-9a-f]{17}"
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}"
_HERE = f"{REGION}:{ACCOUNT}"


@pytest.mark.parametrize(
    ("type_", "inputs", "id_", "arn"),
    [
        ("aws:ec2/vpc:Vpc", {}, f"vpc-{_HEX17}", None),
        ("aws:ec2/subnet:Subnet", {}, f"subnet-{_HEX17}", None),
        ("aws:ec2/securityGroup:SecurityGroup", {}, f"sg-{_HEX17}", None),
        ("aws:ec2/eip:Eip", {}, f"eipalloc-{_HEX17}", None),
        ("aws:kms/key:Key", {}, _UUID, f"arn:aws:kms:{_HERE}:key/{_UUID}"),
        ("aws:s3/bucket:Bucket", {"bucket": "dumps"}, "dumps", "arn:aws:s3:::dumps"),
        ("aws:iam/role:Role", {"name": "deploy"}, "deploy", f"arn:aws:iam::{ACCOUNT}:role/deploy"),
        ("aws:iam/policy:Policy", {"name": "reads"}, f"arn:aws:iam::{ACCOUNT}:policy/reads",
         f"arn:aws:iam::{ACCOUNT}:policy/reads"),
        ("aws:rds/instance:Instance", {"identifier": "db"}, "db", f"arn:aws:rds:{_HERE}:db:db"),
        ("aws:elasticache/replicationGroup:ReplicationGroup", {"replicationGroupId": "cache"},
         "cache", f"arn:aws:elasticache:{_HERE}:replicationgroup:cache"),
        ("aws:eks/cluster:Cluster", {"name": "c"}, "c", f"arn:aws:eks:{_HERE}:cluster/c"),
        ("aws:eks/nodeGroup:NodeGroup", {"clusterName": "c", "nodeGroupName": "g"}, "c:g", None),
        ("aws:eks/addon:Addon", {"clusterName": "c", "addonName": "vpc-cni"}, "c:vpc-cni", None),
        ("aws:cloudwatch/logGroup:LogGroup", {"name": "/a/b"}, "/a/b",
         f"arn:aws:logs:{_HERE}:log-group:/a/b"),
        ("aws:sns/topic:Topic", {"name": "t"}, f"arn:aws:sns:{_HERE}:t",
         f"arn:aws:sns:{_HERE}:t"),
        ("aws:secretsmanager/secret:Secret", {"name": "jwt"},
         f"arn:aws:secretsmanager:{_HERE}:secret:jwt-[0-9a-f]{{6}}",
         f"arn:aws:secretsmanager:{_HERE}:secret:jwt-[0-9a-f]{{6}}"),
        ("aws:lb/loadBalancer:LoadBalancer", {"name": "edge"},
         f"arn:aws:elasticloadbalancing:{_HERE}:loadbalancer/app/edge/[0-9a-f]{{16}}",
         f"arn:aws:elasticloadbalancing:{_HERE}:loadbalancer/app/edge/[0-9a-f]{{16}}"),
        ("aws:route53/zone:Zone", {}, "Z[0-9A-F]{13}",
         "arn:aws:route53:::hostedzone/Z[0-9A-F]{13}"),
        ("aws:route53/record:Record", {"zoneId": "Z1", "name": "api", "type": "A"}, "Z1_api_A",
         None),
        ("aws:cloudfront/distribution:Distribution", {}, "E[0-9A-F]{13}",
         f"arn:aws:cloudfront::{ACCOUNT}:distribution/E[0-9A-F]{{13}}"),
        ("aws:wafv2/webAcl:WebAcl", {"name": "w", "scope": "CLOUDFRONT", "region": "us-east-1"},
         None, f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/w/{_UUID}"),
        ("aws:wafv2/webAcl:WebAcl", {"name": "w", "scope": "REGIONAL"}, None,
         f"arn:aws:wafv2:{_HERE}:regional/webacl/w/{_UUID}"),
        ("aws:backup/vault:Vault", {"name": "v"}, "v", f"arn:aws:backup:{_HERE}:backup-vault:v"),
        ("aws:iam/openIdConnectProvider:OpenIdConnectProvider", {"url": "https://issuer.example"},
         f"arn:aws:iam::{ACCOUNT}:oidc-provider/issuer.example",
         f"arn:aws:iam::{ACCOUNT}:oidc-provider/issuer.example"),
        ("aws:s3/bucketPolicy:BucketPolicy", {"bucket": "dumps"}, "dumps", None),
    ],
)  # fmt: skip
def test_ids_and_arns_have_the_shape_of_the_real_ones(
    type_: str, inputs: dict[str, Any], id_: str | None, arn: str | None
) -> None:
    given = made(type_, "one", "s", **inputs)
    if id_ is not None:
        assert re.fullmatch(id_, given.id), given.id
    if arn is not None:
        assert re.fullmatch(arn, given.outputs["arn"]), given.outputs["arn"]


TOPIC = "arn:aws:sns:eu-central-1:111122223333:alarms"


def test_two_subscriptions_of_one_topic_are_two() -> None:
    subscription = "aws:sns/topicSubscription:TopicSubscription"
    one, two = (made(subscription, name, "s", topic=TOPIC).id for name in ("one", "two"))
    assert one.startswith(f"{TOPIC}:")
    assert one != two, "the account would hold one of them, and a refresh lose the other"


@pytest.mark.parametrize("type_", sorted({*module._ARNS, *module._EXTRAS, *module._ID_PREFIXES}))
def test_every_type_of_the_tables_is_made_whole(type_: str) -> None:
    given = made(type_, "one", "s", domainName="a.example", bucket="b", name="n", topic=TOPIC)
    assert given.id
    assert given.outputs["arn"].startswith("arn:aws:")
    for text in (given.id, given.outputs["arn"]):
        assert "{" not in text
        assert "None" not in text
    if type_ in module._ID_IS_ARN:
        assert given.id == given.outputs["arn"]


# -- the same and not the same -------------------------------------------------------------------
def _every_type() -> list[str]:
    return sorted({*module._ID_PREFIXES, "aws:kms/key:Key", "aws:new/thing:Thing"})


@pytest.mark.parametrize("type_", _every_type())
def test_the_same_seed_gives_the_same_resource_and_another_seed_another(type_: str) -> None:
    assert made(type_, "one", "a") == made(type_, "one", "a"), "two previews would differ"
    assert made(type_, "one", "a").id != made(type_, "one", "b").id
    assert made(type_, "one", "a").id != made(type_, "two", "a").id


def test_two_types_with_one_name_and_seed_have_different_ids() -> None:
    ids = [made(type_, "one", "a").id.split("-", 1)[-1] for type_ in _every_type()]
    assert len(set(ids)) == len(ids)


def test_what_a_service_knows_by_name_keeps_its_id_whatever_the_seed() -> None:
    bucket = "aws:s3/bucket:Bucket"
    assert made(bucket, "x", "a", bucket="dumps") == made(bucket, "x", "b", bucket="dumps")
    assert made(bucket, "fallback", "a").id == "fallback"


# -- regions -------------------------------------------------------------------------------------
def test_a_resource_in_another_region_says_so_in_its_arn() -> None:
    key = made("aws:kms/key:Key", "one", "s", region="eu-west-1")
    assert key.outputs["region"] == "eu-west-1"
    assert key.outputs["arn"].startswith(f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/")


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-central-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_an_arn_has_its_regions_partition(region: str, partition: str) -> None:
    assert made("aws:s3/bucket:Bucket", "b", "s", at=region).outputs["arn"] == (
        f"arn:{partition}:s3:::b"
    )


# -- what else AWS tells -------------------------------------------------------------------------
def test_a_database_tells_its_address_port_and_managed_password() -> None:
    outputs = made(
        "aws:rds/instance:Instance", "one", "s",
        identifier="db", port=6432, engineVersion="17.4", manageMasterUserPassword=True,
        masterUserSecretKmsKeyId="key",
    ).outputs  # fmt: skip
    assert re.fullmatch(r"db\.c[0-9a-f]{11}\.eu-central-1\.rds\.amazonaws\.com", outputs["address"])
    assert outputs["endpoint"] == f"{outputs['address']}:6432"
    assert outputs["port"] == 6432
    assert outputs["engineVersionActual"] == "17.4"
    (secret,) = outputs["masterUserSecrets"]
    assert secret["kmsKeyId"] == "key"
    assert secret["secretArn"].startswith(f"arn:aws:secretsmanager:{_HERE}:secret:rds!db-")


def test_a_database_with_a_password_of_its_own_has_no_managed_one() -> None:
    outputs = made("aws:rds/instance:Instance", "one", "s", identifier="db").outputs
    assert "masterUserSecrets" not in outputs
    assert outputs["port"] == 5432


def test_a_cache_tells_two_endpoints_and_its_members() -> None:
    outputs = made(
        "aws:elasticache/replicationGroup:ReplicationGroup", "one", "s",
        replicationGroupId="cache", numCacheClusters=3,
    ).outputs  # fmt: skip
    assert outputs["memberClusters"] == ["cache-001", "cache-002", "cache-003"]
    assert outputs["primaryEndpointAddress"].startswith("master.cache.")
    assert outputs["readerEndpointAddress"].startswith("replica.cache.")
    assert outputs["port"] == 6379


def test_a_cluster_tells_endpoint_issuer_and_its_own_security_group() -> None:
    given = {"subnetIds": ["subnet-1"], "endpointPrivateAccess": True}
    outputs = made("aws:eks/cluster:Cluster", "one", "s", name="c", vpcConfig=given).outputs
    assert re.fullmatch(
        r"https://[0-9A-F]{32}\.gr7\.eu-central-1\.eks\.amazonaws\.com", outputs["endpoint"]
    )
    issuer = outputs["identities"][0]["oidcs"][0]["issuer"]
    assert issuer.startswith("https://oidc.eks.eu-central-1.amazonaws.com/id/")
    assert outputs["vpcConfig"]["subnetIds"] == ["subnet-1"], "what was asked for stays"
    assert re.fullmatch(f"sg-{_HEX17}", outputs["vpcConfig"]["clusterSecurityGroupId"])
    assert outputs["certificateAuthority"]["data"]
    assert given == {"subnetIds": ["subnet-1"], "endpointPrivateAccess": True}


def test_a_certificate_asks_for_one_record_for_each_name() -> None:
    outputs = made(
        "aws:acm/certificate:Certificate", "one", "s",
        domainName="a.example", subjectAlternativeNames=["*.a.example", "b.example", "a.example"],
    ).outputs  # fmt: skip
    options = outputs["domainValidationOptions"]
    assert [o["domainName"] for o in options] == ["a.example", "*.a.example", "b.example"]
    assert options[1]["resourceRecordName"].endswith(".a.example."), "a wildcard is no label"
    assert {o["resourceRecordType"] for o in options} == {"CNAME"}


def test_tags_are_told_as_all_tags() -> None:
    assert made("aws:ec2/vpc:Vpc", "one", "s", tags={"Name": "a"}).outputs["tagsAll"] == {
        "Name": "a"
    }
    assert made("aws:ec2/vpc:Vpc").outputs["tagsAll"] == {}


def test_a_type_that_no_table_knows_still_gets_an_id_and_an_arn() -> None:
    given = made("aws:new/bigThing:BigThing")
    assert re.fullmatch(f"new-{_HEX17}", given.id)
    assert given.outputs["arn"] == f"arn:aws:new:{_HERE}:big-thing/{given.id}"
