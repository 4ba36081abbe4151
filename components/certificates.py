"""The two certificates of the door, validated by DNS and renewed by ACM.

CloudFront takes certificates from us-east-1 only (refusal F1), the balancer from its own region
only (L7): hence two, for the same two names. Both get the *same* validation records: ACM derives a
record from account and name alone (ACM user guide, "DNS validation": one record serves every
certificate of that name in any region), so each record is made once (D1).

Meets LB-07, CHK-SEC-01; controls ACM.1, ACM.2. Refused: wildcards (a stolen key would speak for
every name), files on disk (they expire and are secrets on a node), delete-before-create (A1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.context import Context
from components.dns import GLOBAL_REGION, Dns
from settings.edge import EdgeSettings

RECORD_SECONDS = 60


def certificate_names(settings: EdgeSettings) -> list[str]:
    """Every name on the certificates, the shortest first: it becomes the common name (A4)."""
    return sorted(settings.hosts.values(), key=lambda host: (len(host), host))


def option_of(options: Sequence[Any], name: str) -> Any:
    """The validation option of one name; ACM returns a set, so a position says nothing."""
    return next(option for option in options if option.domain_name == name)


@dataclass(frozen=True, kw_only=True)
class CertificatesArgs:
    """dns: where the validation records go."""

    context: Context
    settings: EdgeSettings
    dns: Dns


class Certificates(pulumi.ComponentResource):
    """Both ARNs come from the validation: whoever reads them waits until ACM has issued."""

    balancer_arn: pulumi.Output[str]
    cdn_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: CertificatesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Certificates", name, None, opts)
        self._name, self._args = name, args
        self._here = pulumi.ResourceOptions(parent=self)
        regions = {"cdn": GLOBAL_REGION, "balancer": args.context.region}
        requested = {use: self._request(use, region) for use, region in regions.items()}
        records = self._prove(requested["cdn"])
        self.cdn_arn = self._validated("cdn", requested["cdn"], records)
        self.balancer_arn = self._validated("balancer", requested["balancer"], records)
        self.register_outputs({"balancerArn": self.balancer_arn, "cdnArn": self.cdn_arn})

    def _request(self, use: str, region: str) -> aws.acm.Certificate:
        first, *others = certificate_names(self._args.settings)
        return aws.acm.Certificate(
            f"{self._name}-{use}",
            domain_name=first,
            subject_alternative_names=others,
            validation_method="DNS",
            key_algorithm="RSA_2048",
            region=region,
            opts=self._here,
        )

    def _prove(self, certificate: aws.acm.Certificate) -> list[aws.route53.Record]:
        """One record for each name. The names are known before ACM answers; only what the records
        say is not, so nothing is registered inside an apply."""
        labels = {host: label for label, host in self._args.settings.hosts.items()}
        return [
            self._record(labels[host], host, certificate)
            for host in certificate_names(self._args.settings)
        ]

    def _record(
        self, label: str, host: str, certificate: aws.acm.Certificate
    ) -> aws.route53.Record:
        option = certificate.domain_validation_options.apply(lambda all_: option_of(all_, host))
        return aws.route53.Record(
            f"{self._name}-proof-{label}",
            zone_id=self._args.dns.zone_id,
            name=option.apply(lambda o: o.resource_record_name),
            type=option.apply(lambda o: o.resource_record_type),
            ttl=RECORD_SECONDS,
            records=[option.apply(lambda o: o.resource_record_value)],
            # A brought zone may hold the record of an older certificate: same account and name,
            # so the same value (D1).
            allow_overwrite=True,
            opts=self._here,
        )

    def _validated(
        self, use: str, certificate: aws.acm.Certificate, records: list[aws.route53.Record]
    ) -> pulumi.Output[str]:
        return aws.acm.CertificateValidation(
            f"{self._name}-{use}",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn for record in records],
            region=certificate.region,
            # ACM looks records up from outside: without delegation it waits 75 minutes (A5).
            opts=pulumi.ResourceOptions.merge(
                self._here, pulumi.ResourceOptions(depends_on=self._args.dns.delegated)
            ),
        ).certificate_arn
