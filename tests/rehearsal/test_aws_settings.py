"""Settings of something else: one thing in AWS, however often the program makes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal import autonames
from rehearsal.account import Account
from rehearsal.computed import SETTINGS
from rehearsal.providers.aws import Aws
from rehearsal.providers.standin import Call
from tests.recorder import Recorder

LOCK = "aws:backup/vaultLockConfiguration:VaultLockConfiguration"
CALL = Call(urn=f"urn:pulumi:prod::arches::{LOCK}::backup-vault-lock")
# AWS gives each an id of its own, or refuses a second one with the same name.
APART = {
    "aws:accessanalyzer/analyzer:Analyzer",
    "aws:acm/certificate:Certificate",
    "aws:acm/certificateValidation:CertificateValidation",
    "aws:cloudfront/distribution:Distribution",
    "aws:cloudfront/vpcOrigin:VpcOrigin",
    "aws:cloudwatch/logDelivery:LogDelivery",
    "aws:ec2/eip:Eip",
    "aws:ec2/flowLog:FlowLog",
    "aws:ec2/internetGateway:InternetGateway",
    "aws:ec2/natGateway:NatGateway",
    "aws:ec2/route:Route",
    "aws:ec2/routeTable:RouteTable",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/vpc:Vpc",
    "aws:ec2/vpcEndpoint:VpcEndpoint",
    "aws:eks/accessEntry:AccessEntry",
    "aws:eks/addon:Addon",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation",
    "aws:guardduty/detector:Detector",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    "aws:kms/key:Key",
    "aws:lb/listener:Listener",
    "aws:lb/listenerRule:ListenerRule",
    "aws:route53/queryLog:QueryLog",
    "aws:route53/record:Record",
    "aws:secretsmanager/secretVersion:SecretVersion",
    "aws:shield/subscription:Subscription",
    "aws:sns/topicSubscription:TopicSubscription",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
}


@pytest.fixture
def account() -> Iterator[Account]:
    made = Account(":memory:")
    yield made
    made.close()


@pytest.fixture
def aws(account: Account) -> Aws:
    return Aws(account)


def lock(days: int, vault: str = "vault", **more: Any) -> dict[str, Any]:
    return {"backupVaultName": vault, "minRetentionDays": days, "maxRetentionDays": 30, **more}


def held(account: Account) -> list[tuple[str, str, int]]:
    found = account.all(LOCK)
    return [(r.get("backupVaultName"), r.region, r.get("minRetentionDays")) for r in found]


def test_a_lock_that_is_replaced_and_then_deleted_leaves_none(aws: Aws, account: Account) -> None:
    """The engine's order where the program does not ask for another."""
    old, _ = aws.create(CALL, lock(7), preview=False)
    aws.create(CALL, lock(8), preview=False)
    assert held(account) == [("vault", "us-east-1", 8)], "a vault has one lock"
    aws.delete(CALL, old, {})
    assert held(account) == [], "the rehearsal would show a lock that AWS no longer has"


def test_a_lock_that_is_deleted_and_then_made_is_there(aws: Aws, account: Account) -> None:
    old, _ = aws.create(CALL, lock(7), preview=False)
    aws.delete(CALL, old, {})
    aws.create(CALL, lock(8), preview=False)
    assert held(account) == [("vault", "us-east-1", 8)]


def test_two_vaults_and_two_regions_have_their_own(aws: Aws, account: Account) -> None:
    aws.create(CALL, lock(7), preview=False)
    aws.create(CALL, lock(8, "other"), preview=False)
    aws.create(CALL, lock(9, region="eu-west-1"), preview=False)
    assert len(held(account)) == 3


def test_every_type_without_a_name_is_a_setting_or_stands_apart(every_choice: Recorder) -> None:
    made = {r.type for r in every_choice.custom if r.type.startswith("aws:")}
    nameless = {type_ for type_ in made if autonames.rule(type_) is None}
    unknown = nameless - set(SETTINGS) - APART
    assert unknown == set(), "say whether making a second one writes over the first"
    assert not APART & set(SETTINGS)
