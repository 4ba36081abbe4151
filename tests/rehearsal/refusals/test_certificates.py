"""Each row about certificates and names says AWS's words when it must, and else nothing."""

from __future__ import annotations

from typing import Any

from rehearsal.refusals.certificates import (
    ASSOCIATION,
    CERTIFICATE,
    LISTENER,
    RECORD,
    ROWS,
    VALIDATION,
    ZONE,
)
from rehearsal.wire import UNKNOWN
from tests.rehearsal.refusals.cases import (
    ACCOUNT,
    Case,
    Thing,
    create,
    delete,
    said,
    thing,
    update,
)

CERT = f"arn:aws:acm:eu-central-1:{ACCOUNT}:certificate/1"
PROOF = "_0a1b.api.archesai.com"
OPTION = {
    "domainName": "api.archesai.com",
    "resourceRecordName": f"{PROOF}.",
    "resourceRecordType": "CNAME",
}
NOT_EMPTY = (
    "HostedZoneNotEmpty: The hosted zone contains resource records that are not SOA or NS records."
)
CONFLICTING = (
    "ConflictingDomainExists: The VPC vpc-1 in region eu-central-1 has already been associated "
    "with the hosted zone ZPRIVATE with the same domain name."
)
# What is given is given at preview too; what is counted needs no value.
CERTAIN = {"A3", "D4"}


def zone(id_: str = "Z1", name: str = "archesai.com", **inputs: Any) -> Thing:
    return thing(ZONE, id_, outputs={"zoneId": id_}, name=name, **inputs)


def record(name: str, type_: str = "A", **inputs: Any) -> Thing:
    return thing(
        RECORD, f"Z1_{name}_{type_}", **{"zoneId": "Z1", "name": name, "type": type_, **inputs}
    )


def make(name: Any, type_: str = "A", **inputs: Any):
    return create(RECORD, zoneId="Z1", name=name, type=type_, **inputs)


def certificate() -> Thing:
    outputs = {"arn": CERT, "domainValidationOptions": [OPTION]}
    return thing(CERTIFICATE, CERT, outputs=outputs, domainName="api.archesai.com")


def private(**inputs: Any) -> Thing:
    return zone("ZPRIVATE", "archesai.internal", vpcs=[{"vpcId": "vpc-1"}], **inputs)


PROVED = record(f"{PROOF}.", "CNAME", records=["x"])
VALIDATE = create(VALIDATION, certificateArn=CERT)

CASES = [
    Case(
        row="A1",
        have=[certificate(), thing(LISTENER, "https", certificateArn=CERT)],
        request=delete(CERTIFICATE, CERT),
        says=f"ResourceInUseException: Certificate {CERT} in account {ACCOUNT} is in use.",
    ),
    Case(
        row="A1",
        have=[certificate(), thing(VALIDATION, "v", certificateArn=CERT)],
        request=delete(CERTIFICATE, CERT),
    ),
    Case(
        row="A2",
        request=create(
            CERTIFICATE,
            domainName="archesai.com",
            subjectAlternativeNames=[f"{i}.archesai.com" for i in range(10)],
        ),
        says="LimitExceededException: An ACM limit has been exceeded. Need to request SAN limit to "
        "be raised",
    ),
    Case(
        row="A2",
        request=create(
            CERTIFICATE,
            domainName="archesai.com",
            subjectAlternativeNames=["archesai.com", *(f"{i}.archesai.com" for i in range(9))],
        ),
    ),
    # Asked where a year has room for two certificates, not for five thousand.
    Case(
        row="A3",
        have=[certificate()],
        gone=[certificate()],
        request=create(CERTIFICATE, domainName="archesai.com"),
        says="LimitExceededException: Error: you have reached your limit of 2 certificates in the "
        "last year.",
    ),
    Case(row="A3", gone=[certificate()], request=create(CERTIFICATE, domainName="archesai.com")),
    Case(
        row="A3",
        gone=[certificate(), certificate()],
        days=366,
        request=create(CERTIFICATE, domainName="archesai.com"),
    ),
    Case(
        row="A4",
        request=create(CERTIFICATE, domainName="a" * 60 + ".com.au"),
        says="ValidationException: The first domain name can be no longer than 64 characters.",
    ),
    Case(
        row="A4",
        request=create(
            CERTIFICATE, domainName="archesai.com", subjectAlternativeNames=["a" * 60 + ".com.au"]
        ),
    ),
    Case(
        row="A5",
        have=[zone(), certificate()],
        request=VALIDATE,
        says=f"PENDING_VALIDATION until the timeout: there is no CNAME record {PROOF}",
    ),
    Case(
        row="A5",
        have=[
            zone(),
            certificate(),
            PROVED,
            record("archesai.com", "CAA", records=['0 issue "letsencrypt.org"']),
        ],
        request=VALIDATE,
        says="PENDING_VALIDATION until the timeout: the CAA records of api.archesai.com do not let "
        "Amazon issue",
    ),
    Case(
        row="A5",
        have=[zone(), zone("ZPARENT", "com"), certificate(), PROVED],
        request=VALIDATE,
        says="PENDING_VALIDATION until the timeout: the zone archesai.com is not delegated from "
        "its parent zone",
    ),
    Case(
        row="A5",
        have=[
            zone(),
            zone("ZPARENT", "com"),
            record("archesai.com", "NS", zoneId="ZPARENT"),
            certificate(),
            PROVED,
            record("archesai.com", "CAA", records=['0 issue "letsencrypt.org"']),
            record("api.archesai.com", "CAA", records=['0 issue "amazon.com"']),
        ],
        request=VALIDATE,
    ),
    Case(row="A5", have=[zone(), certificate(), PROVED], request=VALIDATE),
    Case(
        row="D1",
        have=[zone(), record("api.archesai.com")],
        request=make("api"),
        says="InvalidChangeBatch: Tried to create resource record set [name='api.archesai.com.', "
        "type='A'] but it already exists",
    ),
    Case(row="D1", have=[zone(), record("api")], request=make("api", allowOverwrite=True)),
    Case(row="D1", have=[zone(), record("api")], request=make("api", "AAAA")),
    Case(row="D1", have=[record("api", setIdentifier="a")], request=make("api", setIdentifier="b")),
    Case(
        row="D2",
        have=[zone(), record("archesai.com", "NS"), record("api.archesai.com")],
        request=delete(ZONE, "Z1", name="archesai.com"),
        says=NOT_EMPTY,
    ),
    Case(
        row="D2",
        have=[zone(), record("staging.archesai.com", "NS")],
        request=delete(ZONE, "Z1", name="archesai.com"),
        says=NOT_EMPTY,
    ),
    Case(
        row="D2",
        have=[zone(), record("archesai.com.", "NS")],
        request=delete(ZONE, "Z1", name="archesai.com"),
    ),
    Case(
        row="D2",
        have=[zone(), record("api.archesai.com")],
        request=delete(ZONE, "Z1", name="archesai.com", forceDestroy=True),
    ),
    Case(
        row="D3",
        have=[zone()],
        request=make("api.example.com"),
        says="RRSet with DNS name api.example.com. is not permitted in zone archesai.com.; the "
        "provider makes api.example.com.archesai.com of it",
    ),
    Case(
        row="D3",
        have=[zone()],
        request=make("_0a.example.org.", "CNAME"),
        says="RRSet with DNS name _0a.example.org. is not permitted in zone archesai.com.; the "
        "provider makes _0a.example.org.archesai.com of it",
    ),
    Case(row="D3", have=[zone()], request=make("_dmarc.mail")),
    Case(row="D3", have=[zone()], request=make("api.archesai.com.")),
    Case(row="D3", request=make("api.example.com")),
    Case(
        row="D4",
        have=[zone()],
        request=make("archesai.com", "CNAME", ttl=60, records=["x"]),
        says="InvalidChangeBatch: RRSet of type CNAME with DNS name archesai.com. is not permitted "
        "at apex in zone archesai.com.",
    ),
    Case(
        row="D4",
        have=[zone(), record("api")],
        request=make("api.archesai.com", "CNAME"),
        says="InvalidChangeBatch: RRSet of type CNAME with DNS name api.archesai.com. is not "
        "permitted as it conflicts with other records with the same DNS name in zone "
        "archesai.com.",
    ),
    Case(
        row="D4",
        have=[zone(), record("api", "CNAME")],
        request=make("api.archesai.com", "TXT"),
        says="InvalidChangeBatch: RRSet of type TXT with DNS name api.archesai.com. is not "
        "permitted because a conflicting RRSet of type CNAME with the same DNS name already exists "
        "in zone archesai.com.",
    ),
    Case(
        row="D4",
        request=make("api", ttl=60, aliases=[{"name": "x", "zoneId": "Z2"}]),
        says='Conflicting configuration arguments: "alias": conflicts with ttl',
    ),
    Case(
        row="D4",
        have=[zone(), record("api", "AAAA"), record("api", "CAA")],
        request=make("api.archesai.com", aliases=[{"name": "x", "zoneId": "Z2"}]),
    ),
    Case(
        row="D5",
        request=make("api", "TXT", records=["x"] * 101),
        says="InvalidChangeBatch: Cannot have more than 100 records in a RRSet.",
    ),
    Case(row="D5", request=make("api", "TXT", records=["x"] * 100)),
    Case(
        row="D7",
        have=[private()],
        request=update(ZONE, "ZPRIVATE", {"name": "x", "vpcs": [{"vpcId": "vpc-1"}]}, vpcs=[]),
        says="LastVPCAssociation: The VPC that you're trying to disassociate from the private "
        "hosted zone is the last VPC that is associated with the hosted zone. Amazon Route 53 "
        "doesn't support disassociating the last VPC from a hosted zone.",
    ),
    Case(
        row="D7",
        have=[private()],
        request=create(ZONE, name="archesai.internal", vpcs=[{"vpcId": "vpc-1"}]),
        says=CONFLICTING,
    ),
    Case(
        row="D7",
        have=[private(), zone("ZOTHER", "archesai.internal")],
        request=create(ASSOCIATION, zoneId="ZOTHER", vpcId="vpc-1"),
        says=CONFLICTING,
    ),
    Case(
        row="D7",
        have=[private()],
        request=create(ZONE, name="archesai.internal", vpcs=[{"vpcId": "vpc-2"}]),
    ),
    Case(row="D7", have=[zone()], request=create(ZONE, name="archesai.com")),
    Case(
        row="D7",
        have=[private(), thing(ASSOCIATION, "a", zoneId="ZPRIVATE", vpcId="vpc-2")],
        request=update(ZONE, "ZPRIVATE", {"name": "x", "vpcs": [{"vpcId": "vpc-1"}]}, vpcs=[]),
    ),
]


def test_the_room_has_all_rows_of_the_reference_but_the_one_that_the_provider_tries_again() -> None:
    expected = [f"A{i}" for i in range(1, 6)] + [f"D{i}" for i in range(1, 8) if i != 6]
    assert [row.id for row in ROWS] == expected


def test_a_record_without_a_value_for_its_name_is_not_judged() -> None:
    case = Case(row="D1", have=[zone(), record("api")], request=make(UNKNOWN))
    assert said(ROWS, case) is None
