"""The zone, its delegation and signature, and what people may call the data services."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.dns import (
    Dns,
    DnsArgs,
    InternalNames,
    InternalNamesArgs,
    caa_values,
    query_log_policy,
    signing_key_policy,
)
from tests.neighbours import context, known, neighbour
from tests.recorder import ACCOUNT, REGION, Recorder, once, record
from tests.settings.test_edge_settings import edge

ZONE = "aws:route53/zone:Zone"
RECORD = "aws:route53/record:Record"
KEY = "aws:kms/key:Key"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"


def keys() -> Any:
    return neighbour(
        logs=neighbour(arn=known(f"arn:aws:kms:{REGION}:{ACCOUNT}:key/logs")),
        logs_global=neighbour(arn=known(f"arn:aws:kms:us-east-1:{ACCOUNT}:key/global")),
    )


def deploy(build: Callable[[pulumi.ResourceOptions], Any]) -> Recorder:
    """Runs `build` as the stack would: with one AWS provider handed to the component."""

    def program() -> None:
        build(pulumi.ResourceOptions(providers=[aws.Provider("aws", region=REGION)]))

    return record(program)


def assert_at_home(recorder: Recorder, name: str) -> None:
    """Every resource hangs under a component, is named after it and uses the stack's provider."""
    assert recorder.custom, "nothing was registered"
    for resource in recorder.custom:
        assert "arches:index:" in resource.parent, f"{resource.urn} left its component"
        assert resource.name.startswith(name), f"{resource.name} would collide in a second instance"
        assert "::aws::" in resource.provider, f"{resource.urn} uses a default provider"


@once
def dns(**changed: Any) -> Recorder:
    return deploy(
        lambda opts: Dns(
            "dns", DnsArgs(context=context(), settings=edge(**changed), keys=keys()), opts
        )
    )


def test_the_zone_cannot_be_lost_by_accident() -> None:
    zone = dns().one(ZONE)
    assert zone.inputs["name"] == "archesai.com"
    assert zone.protect, "a lost zone takes every name of the domain with it"
    assert zone.inputs["forceDestroy"] is False


def test_an_environment_without_protection_removes_its_zone_with_leftover_records() -> None:
    bare = deploy(
        lambda opts: Dns(
            "dns", DnsArgs(context=context(protect=False), settings=edge(), keys=keys()), opts
        )
    )
    zone = bare.one(ZONE)
    assert zone.inputs["forceDestroy"] is True, "a destroy would end in HostedZoneNotEmpty (D2)"
    assert not zone.protect


def test_a_brought_zone_is_used_and_nothing_of_its_owner_is_made() -> None:
    recorder = dns(zoneId="Z0123456789ABC")
    assert [r.type for r in recorder.custom] == [RECORD, RECORD], "only our hosts' CAA"
    assert {r.inputs["zoneId"] for r in recorder.of(RECORD)} == {"Z0123456789ABC"}


def test_only_amazon_may_issue_certificates_and_only_for_our_own_hosts() -> None:
    records = [r for r in dns().of(RECORD) if r.inputs["type"] == "CAA"]
    assert sorted(r.inputs["name"] for r in records) == ["api.archesai.com", "app.archesai.com"], (
        "a record at the apex would bind names that are not ours"
    )
    for found in records:
        assert found.inputs["records"] == caa_values()
    assert caa_values() == [
        '0 issue "amazon.com"',
        '0 issue "amazontrust.com"',
        '0 issue "awstrust.com"',
        '0 issue "amazonaws.com"',
        '0 issuewild ";"',
    ]


def test_queries_are_logged_where_route_53_can_log_them() -> None:
    recorder = dns()
    group = recorder.one(LOG_GROUP)
    assert group.inputs == {
        "name": "/aws/route53/archesai.com",
        "retentionInDays": 90,
        "kmsKeyId": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/global",
        "region": "us-east-1",
    }
    policy = recorder.one("aws:cloudwatch/logResourcePolicy:LogResourcePolicy")
    assert policy.inputs["region"] == "us-east-1"
    log = recorder.one("aws:route53/queryLog:QueryLog")
    assert policy.urn in log.dependencies, "Route 53 refuses a log that it may not write yet"


def test_only_this_accounts_zones_may_write_the_query_log() -> None:
    (found,) = json.loads(query_log_policy(context(), "archesai.com"))["Statement"]
    assert found["Principal"] == {"Service": "route53.amazonaws.com"}
    assert found["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert found["Resource"] == [
        f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/route53/archesai.com:*"
    ]


def test_no_zone_is_signed_unless_asked() -> None:
    assert not dns().of(KEY)


def test_a_signed_zone_has_a_key_of_its_own_in_us_east_1() -> None:
    recorder = dns(dnssec=True)
    key = recorder.one(KEY)
    assert key.inputs["customerMasterKeySpec"] == "ECC_NIST_P256"
    assert key.inputs["keyUsage"] == "SIGN_VERIFY"
    assert key.inputs["region"] == "us-east-1"
    assert key.protect, "without the key the zone cannot be signed again: names go dark"
    signing = recorder.one("aws:route53/keySigningKey:KeySigningKey")
    signed = recorder.one("aws:route53/hostedZoneDnsSec:HostedZoneDnsSec")
    assert signing.urn in signed.dependencies


def test_route_53_signs_for_this_account_only() -> None:
    statements = {s["Sid"]: s for s in json.loads(signing_key_policy(context()))["Statement"]}
    assert sorted(statements) == ["Account", "Grant", "Sign"]
    condition = statements["Sign"]["Condition"]
    assert condition["StringEquals"] == {"aws:SourceAccount": ACCOUNT}


def test_the_delegation_is_made_where_the_parent_zone_is_ours() -> None:
    recorder = dns(parentZoneId="Z9876543210")
    delegation = recorder.one(RECORD, "dns-delegation")
    assert delegation.inputs["zoneId"] == "Z9876543210"
    assert delegation.inputs["type"] == "NS"
    assert len(delegation.inputs["records"]) == 4


def test_the_parent_learns_the_signature_only_after_the_zone_is_signed() -> None:
    recorder = dns(parentZoneId="Z9876543210", dnssec=True)
    signer = recorder.one(RECORD, "dns-delegation-signer")
    assert signer.inputs["type"] == "DS"
    signed = recorder.one("aws:route53/hostedZoneDnsSec:HostedZoneDnsSec")
    assert signed.urn in signer.dependencies, "resolvers would refuse an unsigned zone"


def test_everything_of_the_zone_is_at_home() -> None:
    assert_at_home(dns(dnssec=True, parentZoneId="Z9876543210"), "dns")


@once
def internal(kind: str = "elasticache", **changed: Any) -> Recorder:
    def args() -> InternalNamesArgs:
        return InternalNamesArgs(
            context=context(),
            settings=edge(**changed),
            network=neighbour(vpc_id=known("vpc-1")),
            database=neighbour(address=known("db.abc.rds.amazonaws.com")),
            cache=neighbour(kind=kind, primary_host=known("master.cache.amazonaws.com")),
        )

    return deploy(lambda opts: InternalNames("internal", args(), opts))


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (
            "elasticache",
            {
                "db.archesai.internal": "db.abc.rds.amazonaws.com",
                "redis.archesai.internal": "master.cache.amazonaws.com",
            },
        ),
        ("sentinel", {"db.archesai.internal": "db.abc.rds.amazonaws.com"}),
    ],
)
def test_people_find_the_data_services_by_the_guides_names(
    kind: str, names: dict[str, str]
) -> None:
    recorder = internal(kind)
    assert recorder.one(ZONE).inputs["vpcs"] == [{"vpcId": "vpc-1"}], "the zone must be private"
    found = {r.inputs["name"]: r.inputs["records"][0] for r in recorder.of(RECORD)}
    assert found == names
    assert {r.inputs["type"] for r in recorder.of(RECORD)} == {"CNAME"}
    assert_at_home(recorder, "internal")


def test_the_private_zone_is_a_choice() -> None:
    assert internal(internalDomain=None).custom == []
