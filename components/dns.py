"""The public hosted zone, its delegation and signature, and private names for people.

Here live: the zone (made, or brought by `edge.zoneId`), the delegation in the parent zone where
that is in this account, DNSSEC as a choice, CAA for our two hosts, query logs, and the private
zone with `db` and `redis`. Never here: records of the CDN (components/cdn.py) and of certificates
(components/certificates.py), so that each record has the owner of what it points to.

Meets ENV-07 and ENV-10 (aliases for people), LB-06, CHK-SEC-01; controls Route53.2. Refused: CAA at
the zone's apex, since it would bind every other name below it; the private names in a service's
URL, since no certificate covers them and `verify-full` fails (requirements, section 18 row 4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.cache import CacheEndpoint
from components.context import Context
from components.database import Database
from components.documents import document, statement
from components.keys import Keys
from components.network import Network
from settings.edge import EdgeSettings

# Route 53 lives in us-east-1: DNSSEC keys and query logs must be there (Route 53 developer guide,
# "Working with customer managed keys for DNSSEC", "Public DNS query logging").
GLOBAL_REGION = "us-east-1"
# ACM user guide, "Configure a CAA record": any of the four lets Amazon issue.
AMAZON_AUTHORITIES = ("amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com")
RECORD_SECONDS = 300
# People notice a failover through this name; the services themselves use the real endpoints.
INTERNAL_SECONDS = 60


def caa_values() -> list[str]:
    """Only Amazon may issue, and nobody a wildcard (ACM.2: no wildcard certificates)."""
    return [f'0 issue "{name}"' for name in AMAZON_AUTHORITIES] + ['0 issuewild ";"']


def query_log_group(domain: str) -> str:
    """The name that Route 53's documentation asks for, so that one policy covers all zones."""
    return f"/aws/route53/{domain}"


def query_log_policy(context: Context, domain: str) -> str:
    """Lets Route 53 write the zone's query log, and no other account's zone."""
    group = context.arn("logs", f"log-group:{query_log_group(domain)}", region=GLOBAL_REGION)
    return document(
        statement(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [f"{group}:*"],
            sid="QueryLogs",
            principals={"Service": "route53.amazonaws.com"},
            conditions={"StringEquals": {"aws:SourceAccount": context.account_id}},
        )
    )


def signing_key_policy(context: Context) -> str:
    """The account administers the key; Route 53 signs with it for this account's zones only."""
    dnssec = {"Service": "dnssec-route53.amazonaws.com"}
    return document(
        statement(
            ["kms:*"],
            "*",
            sid="Account",
            principals={"AWS": f"arn:{context.partition}:iam::{context.account_id}:root"},
        ),
        statement(
            ["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign"],
            "*",
            sid="Sign",
            principals=dnssec,
            conditions={
                "StringEquals": {"aws:SourceAccount": context.account_id},
                "ArnLike": {"aws:SourceArn": f"arn:{context.partition}:route53:::hostedzone/*"},
            },
        ),
        statement(
            ["kms:CreateGrant"],
            "*",
            sid="Grant",
            principals=dnssec,
            conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    )


def internal_names(database: Any, cache: Any) -> dict[str, pulumi.Input[str]]:
    """People's names of the data services; Redis inside the cluster has no name the VPC knows."""
    names: dict[str, pulumi.Input[str]] = {"db": database.address}
    if cache.kind == "elasticache":
        names["redis"] = cache.primary_host
    return names


@dataclass(frozen=True, kw_only=True)
class DnsArgs:
    """keys: `logs_global` encrypts the query log."""

    context: Context
    settings: EdgeSettings
    keys: Keys


class Dns(pulumi.ComponentResource):
    """zone_id: of the public zone. name_servers: what the registrar must know (empty for a brought
    zone). ds_record: what the parent zone must hold when the zone is signed, else None. delegated:
    what a certificate's validation has to wait for (refusal A5).
    """

    zone_id: pulumi.Output[str]
    zone_arn: pulumi.Output[str]
    name_servers: pulumi.Output[Sequence[str]]
    ds_record: pulumi.Output[str] | None
    delegated: list[pulumi.Resource]

    def __init__(
        self, name: str, args: DnsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Dns", name, None, opts)
        self._name, self._args = name, args
        self._here = pulumi.ResourceOptions(parent=self)
        self.ds_record, self.delegated = None, []
        if args.settings.zone_id is None:
            self._make_zone()
        else:
            self.zone_id = pulumi.Output.from_input(args.settings.zone_id)
            self.name_servers = pulumi.Output.from_input([])
        self.zone_arn = self.zone_id.apply(
            lambda zone: f"arn:{args.context.partition}:route53:::hostedzone/{zone}"
        )
        self._restrict_issuers()
        self.register_outputs(
            {
                "zoneId": self.zone_id,
                "zoneArn": self.zone_arn,
                "nameServers": self.name_servers,
                "dsRecord": self.ds_record,
            }
        )

    def _make_zone(self) -> None:
        context, settings = self._args.context, self._args.settings
        zone = aws.route53.Zone(
            f"{self._name}-zone",
            name=settings.domain,
            comment=f"{context.project} {context.stack}: public names",
            # Records of controllers would keep a throw-away zone alive (refusal D2).
            force_destroy=not context.protect,
            opts=self._with(protect=context.protect),
        )
        self.zone_id = zone.zone_id
        self.name_servers = zone.name_servers
        self._log_queries()
        if settings.dnssec:
            self._sign()
        if settings.parent_zone_id is not None:
            self._delegate(settings.parent_zone_id)

    def _log_queries(self) -> None:
        context, domain = self._args.context, self._args.settings.domain
        group = aws.cloudwatch.LogGroup(
            f"{self._name}-queries",
            name=query_log_group(domain),
            retention_in_days=self._args.settings.log_retention_days,
            kms_key_id=self._args.keys.logs_global.arn,
            region=GLOBAL_REGION,
            opts=self._here,
        )
        policy = aws.cloudwatch.LogResourcePolicy(
            f"{self._name}-queries",
            policy_name=context.name("dns-queries"),
            policy_document=query_log_policy(context, domain),
            region=GLOBAL_REGION,
            opts=self._here,
        )
        aws.route53.QueryLog(
            f"{self._name}-queries",
            zone_id=self.zone_id,
            cloudwatch_log_group_arn=group.arn,
            opts=self._with(depends_on=[policy]),
        )

    def _sign(self) -> None:
        context = self._args.context
        key = aws.kms.Key(
            f"{self._name}-signing",
            description=f"{context.project} {context.stack}: signs {self._args.settings.domain}",
            customer_master_key_spec="ECC_NIST_P256",
            key_usage="SIGN_VERIFY",
            deletion_window_in_days=30,
            policy=signing_key_policy(context),
            region=GLOBAL_REGION,
            opts=self._with(protect=context.protect),
        )
        signing_key = aws.route53.KeySigningKey(
            f"{self._name}-signing",
            hosted_zone_id=self.zone_id,
            key_management_service_arn=key.arn,
            name=context.name("signing", limit=128).replace("-", "_"),
            opts=self._here,
        )
        signed = aws.route53.HostedZoneDnsSec(
            f"{self._name}-signing",
            hosted_zone_id=signing_key.hosted_zone_id,
            opts=self._with(depends_on=[signing_key]),
        )
        self.ds_record = pulumi.Output.all(signing_key.ds_record, signed.id).apply(
            lambda made: made[0]
        )

    def _delegate(self, parent_zone_id: str) -> None:
        domain = self._args.settings.domain
        self.delegated.append(
            aws.route53.Record(
                f"{self._name}-delegation",
                zone_id=parent_zone_id,
                name=domain,
                type="NS",
                ttl=RECORD_SECONDS,
                records=self.name_servers,
                opts=self._here,
            )
        )
        if self.ds_record is not None:
            aws.route53.Record(
                f"{self._name}-delegation-signer",
                zone_id=parent_zone_id,
                name=domain,
                type="DS",
                ttl=RECORD_SECONDS,
                records=[self.ds_record],
                opts=self._here,
            )

    def _restrict_issuers(self) -> None:
        for label, host in self._args.settings.hosts.items():
            aws.route53.Record(
                f"{self._name}-issuers-{label}",
                zone_id=self.zone_id,
                name=host,
                type="CAA",
                ttl=RECORD_SECONDS,
                records=caa_values(),
                opts=self._here,
            )

    def _with(self, **options: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(self._here, pulumi.ResourceOptions(**options))


@dataclass(frozen=True, kw_only=True)
class InternalNamesArgs:
    """database, cache: whose addresses get a name."""

    context: Context
    settings: EdgeSettings
    network: Network
    database: Database
    cache: CacheEndpoint


class InternalNames(pulumi.ComponentResource):
    """names: alias to address, empty where `edge.internalDomain` is null."""

    zone_id: pulumi.Output[str] | None
    names: Mapping[str, pulumi.Input[str]]

    def __init__(
        self, name: str, args: InternalNamesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:InternalNames", name, None, opts)
        here = pulumi.ResourceOptions(parent=self)
        domain = args.settings.internal_domain
        self.zone_id, self.names = None, {}
        if domain is not None:
            zone = aws.route53.Zone(
                f"{name}-zone",
                name=domain,
                comment=f"{args.context.project} {args.context.stack}: names for people",
                force_destroy=True,  # holds nothing but aliases that the program can make again
                vpcs=[{"vpc_id": args.network.vpc_id}],
                opts=here,
            )
            targets = internal_names(args.database, args.cache)
            for label, address in targets.items():
                aws.route53.Record(
                    f"{name}-{label}",
                    zone_id=zone.zone_id,
                    name=f"{label}.{domain}",
                    type="CNAME",
                    ttl=INTERNAL_SECONDS,
                    records=[address],
                    opts=here,
                )
            self.zone_id = zone.zone_id
            self.names = {f"{label}.{domain}": address for label, address in targets.items()}
        self.register_outputs({"zoneId": self.zone_id, "names": self.names})
