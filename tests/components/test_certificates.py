"""Two certificates for the same names, proved once."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from components.certificates import Certificates, CertificatesArgs, certificate_names
from rehearsal.computed import computed
from tests.components.test_dns import assert_at_home, deploy
from tests.neighbours import context, known, neighbour
from tests.recorder import REGION, Recorder, once
from tests.settings.test_edge_settings import edge

CERTIFICATE = "aws:acm/certificate:Certificate"
VALIDATION = "aws:acm/certificateValidation:CertificateValidation"
RECORD = "aws:route53/record:Record"


@once
def certificates(found: dict[str, Any] | None = None, *, delegated: bool = False) -> Recorder:
    def build(opts: pulumi.ResourceOptions) -> None:
        waits: list[pulumi.Resource] = []
        if delegated:
            waits.append(
                aws.route53.Record(
                    "delegation", zone_id="Z1", name="a.b", type="NS", ttl=1, records=["x"]
                )
            )
        dns = neighbour(zone_id=known("Z123"), delegated=waits)
        made = Certificates(
            "certificates", CertificatesArgs(context=context(), settings=edge(), dns=dns), opts
        )
        if found is not None:
            note = found.update
            made.cdn_arn.apply(lambda arn: note(cdn=arn))
            made.balancer_arn.apply(lambda arn: note(balancer=arn))

    return deploy(build)


def test_each_consumer_gets_a_certificate_of_the_region_that_it_accepts() -> None:
    regions = {r.name: r.inputs["region"] for r in certificates().of(CERTIFICATE)}
    assert regions == {"certificates-cdn": "us-east-1", "certificates-balancer": REGION}


def test_both_certificates_speak_for_both_hosts_and_no_other_name() -> None:
    for certificate in certificates().of(CERTIFICATE):
        assert certificate.inputs["domainName"] == "api.archesai.com"
        assert certificate.inputs["subjectAlternativeNames"] == ["app.archesai.com"]
        assert certificate.inputs["validationMethod"] == "DNS", "mail would need a person a year"
        assert certificate.inputs["keyAlgorithm"] == "RSA_2048"
        assert not certificate.delete_before_replace, "ACM refuses to delete one in use (A1)"


def test_the_shortest_name_comes_first_so_that_it_fits_as_common_name() -> None:
    settings = edge(apiHost="interface.archesai.com")
    assert certificate_names(settings) == ["app.archesai.com", "interface.archesai.com"]


def test_one_record_proves_a_name_for_both_regions() -> None:
    recorder = certificates()
    records = recorder.of(RECORD)
    assert len(records) == 2, "a second record of the same name would be refused (D1)"
    assert len({r.inputs["name"] for r in records}) == 2
    for label in ("api", "app"):
        record = recorder.one(RECORD, f"certificates-proof-{label}")
        assert record.inputs["name"].endswith(f".{label}.archesai.com.")
        assert record.inputs["type"] == "CNAME"
        assert record.inputs["zoneId"] == "Z123"


def test_the_records_would_also_prove_the_balancers_certificate() -> None:
    recorder = certificates()
    made = {r.inputs["name"]: r.inputs["records"] for r in recorder.of(RECORD)}
    for certificate in recorder.of(CERTIFICATE):
        answered = computed(
            CERTIFICATE,
            certificate.name,
            certificate.inputs,
            account_id=recorder.account,
            region=recorder.region,
            seed=certificate.name,
        ).outputs["domainValidationOptions"]
        assert {o["resourceRecordName"]: [o["resourceRecordValue"]] for o in answered} == made, (
            "ACM would wait for a record that nobody makes"
        )


def test_nobody_gets_a_certificate_that_is_not_issued_yet() -> None:
    found: dict[str, Any] = {}
    recorder = certificates(found)
    validations = recorder.of(VALIDATION)
    assert {v.name: v.inputs["region"] for v in validations} == {
        "certificates-cdn": "us-east-1",
        "certificates-balancer": REGION,
    }
    for validation in validations:
        assert len(validation.inputs["validationRecordFqdns"]) == 2
    assert f":acm:{REGION}:" in found["balancer"]
    assert ":acm:us-east-1:" in found["cdn"]


def test_validation_waits_for_the_delegation_that_acm_looks_through() -> None:
    recorder = certificates(delegated=True)
    delegation = recorder.one(RECORD, "delegation")
    for validation in recorder.of(VALIDATION):
        assert delegation.urn in validation.dependencies, "ACM would wait 75 minutes (A5)"


def test_everything_of_the_certificates_is_at_home() -> None:
    assert_at_home(certificates(), "certificates")
