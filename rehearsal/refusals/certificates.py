"""What Certificate Manager and Route 53 refuse: names, order, records beside records, zones.

Rows A1 to A5 and D1 to D7, but for D6 (changes to a zone at once: the provider tries again). D3 is
a warning here: the provider never sends a name outside its zone, it hangs the zone's name behind
it, and the record exists where nobody looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from rehearsal.account import Account, Resource
from rehearsal.refusals.asking import current, given, known_list, siblings
from rehearsal.refusals.balancers import CERTIFICATE, LISTENER, MORE_CERTIFICATES, VALIDATION
from rehearsal.refusals.table import Operation, Request, Row
from rehearsal.wire import UNKNOWN, has_unknown

ZONE = "aws:route53/zone:Zone"
RECORD = "aws:route53/record:Record"
ASSOCIATION = "aws:route53/zoneAssociation:ZoneAssociation"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"

NAMES = 10  # ACM quotas: domain names per certificate, up to 100 on request
A_YEAR = 5000  # ACM quotas: certificates per year, twice the 2,500; new accounts may have 20
LONGEST_COMMON_NAME = 64  # ACM API reference: the first domain name
VALUES = 100  # Route 53: values in one record
# The provider's timeout of a certificate's validation.
VALIDATION_MINUTES = 75.0
# ACM user guide, "Configure a CAA record": any of the four lets Amazon issue.
AUTHORITIES = ("amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com")

_USERS = frozenset(
    {
        LISTENER,
        MORE_CERTIFICATES,
        DISTRIBUTION,
        "aws:apigateway/domainName:DomainName",
        "aws:apigatewayv2/domainName:DomainName",
        "aws:cognito/userPoolDomain:UserPoolDomain",
    }
)


# -- names --------------------------------------------------------------------------------------
def plain(name: Any) -> str:
    """A DNS name in lower case, without the dot at its end."""
    return str(name or "").lower().rstrip(".")


def zone_name(account: Account, zone_id: Any) -> str | None:
    """The name of a zone of this account; None for a brought one."""
    zone = account.by_id(zone_id, ZONE) if isinstance(zone_id, str) else None
    return plain(zone.get("name")) if zone else None


def full_name(account: Account, zone_id: Any, name: Any) -> str:
    """What the provider makes of a record's name: the zone's name behind it unless it is there."""
    short, zone = plain(name), zone_name(account, zone_id)
    if zone is None or short.endswith(zone):
        return short
    return f"{short}.{zone}" if short else zone


def _records(account: Account, zone_id: Any, name: str) -> list[Resource]:
    return [
        record
        for record in account.find(RECORD, zoneId=zone_id)
        if full_name(account, zone_id, record.get("name")) == name
    ]


# -- certificates -------------------------------------------------------------------------------
def _in_use(request: Request, account: Account) -> str | None:
    certificate = current(request, account)
    if certificate is None:
        return None
    if not any(each.type in _USERS for each in account.referring(certificate)):
        return None
    arn = certificate.arn or request.id
    return f"ResourceInUseException: Certificate {arn} in account {account.account_id} is in use."


def _too_many_names(request: Request, _account: Account) -> str | None:
    others = request.value("subjectAlternativeNames", [])
    if not isinstance(others, list) or has_unknown(others) or not request.known("domainName"):
        return None
    names = {request.value("domainName"), *(known_list(request, "subjectAlternativeNames") or [])}
    if len(names) <= NAMES:
        return None
    return (
        "LimitExceededException: An ACM limit has been exceeded. Need to request SAN limit to be "
        "raised"
    )


def _used_up(request: Request, account: Account) -> str | None:
    # Who brings a certificate or signs it with an own authority counts elsewhere.
    if any(given(request, name) for name in ("certificateBody", "certificateAuthorityArn")):
        return None
    year = timedelta(days=365)
    count = sum(
        1 for each in siblings(request, account, CERTIFICATE) if account.now - each.created <= year
    ) + sum(1 for grave in account.graves(CERTIFICATE, year) if grave.region == request.region)
    if count < A_YEAR:
        return None
    return (
        f"LimitExceededException: Error: you have reached your limit of {A_YEAR} certificates in "
        "the last year."
    )


def _common_name(request: Request, _account: Account) -> str | None:
    name = request.value("domainName")
    if not isinstance(name, str) or len(name) <= LONGEST_COMMON_NAME:
        return None
    return (
        "ValidationException: The first domain name can be no longer than "
        f"{LONGEST_COMMON_NAME} characters."
    )


def _never_issued(request: Request, account: Account) -> str | None:
    if request.preview or not request.known("certificateArn"):
        return None
    certificate = account.by_id(request.value("certificateArn"), CERTIFICATE)
    if certificate is None or certificate.get("validationMethod") == "EMAIL":
        return None
    for option in certificate.outputs.get("domainValidationOptions") or []:
        reason = _unproved(account, option)
        if reason:
            return f"PENDING_VALIDATION until the timeout: {reason}"
    return None


def _unproved(account: Account, option: dict[str, Any]) -> str | None:
    proof, host = plain(option.get("resourceRecordName")), plain(option.get("domainName"))
    host = host.removeprefix("*.")
    kind = option.get("resourceRecordType")
    zones = {
        record.get("zoneId")
        for record in account.all(RECORD)
        if record.get("type") == kind
        and full_name(account, record.get("zoneId"), record.get("name")) == proof
    }
    if not zones:
        return f"there is no {kind} record {proof}"
    if _forbidden(account, host):
        return f"the CAA records of {host} do not let Amazon issue"
    undelegated = next((z for z in (zone_name(account, z) for z in zones) if z), None)
    if undelegated and _undelegated(account, undelegated):
        return f"the zone {undelegated} is not delegated from its parent zone"
    return None


def _ancestors(name: str) -> Iterator[str]:
    labels = name.split(".")
    for start in range(len(labels) - 1):
        yield ".".join(labels[start:])


def _forbidden(account: Account, host: str) -> bool:
    """The nearest name with CAA records decides (RFC 8659)."""
    held: dict[str, list[str]] = {}
    for record in account.all(RECORD):
        if record.get("type") == "CAA":
            name = full_name(account, record.get("zoneId"), record.get("name"))
            held.setdefault(name, []).extend(map(str, record.get("records") or []))
    for name in _ancestors(host):
        issuers = [value for value in held.get(name, []) if " issue " in value]
        if issuers:
            return not any(authority in value for value in issuers for authority in AUTHORITIES)
    return False


def _undelegated(account: Account, zone: str) -> bool:
    """Whether a parent zone is in this account and does not name this one. Other parents are not
    known here."""
    for parent in account.all(ZONE):
        name = plain(parent.get("name"))
        if name != zone and zone.endswith(f".{name}") and not parent.inputs.get("vpcs"):
            there = _records(account, parent.get("zoneId") or parent.id, zone)
            return not any(record.get("type") == "NS" for record in there)
    return False


# -- records ------------------------------------------------------------------------------------
def _same_place(request: Request, account: Account) -> list[Resource]:
    """Other records of the request's zone and name."""
    zone = request.value("zoneId")
    name = full_name(account, zone, request.value("name"))
    return [
        each
        for each in siblings(request, account, RECORD, everywhere=True, zoneId=zone)
        if full_name(account, zone, each.get("name")) == name
    ]


def _exists(request: Request, account: Account) -> str | None:
    if not request.known("zoneId", "name", "type") or request.value("allowOverwrite") is True:
        return None
    kind, variant = request.value("type"), request.value("setIdentifier")
    if variant is UNKNOWN or not any(
        each.get("type") == kind and each.inputs.get("setIdentifier") == variant
        for each in _same_place(request, account)
    ):
        return None
    name = full_name(account, request.value("zoneId"), request.value("name"))
    return (
        f"InvalidChangeBatch: Tried to create resource record set [name='{name}.', "
        f"type='{kind}'] but it already exists"
    )


def _outside(request: Request, account: Account) -> str | None:
    if not request.known("zoneId", "name"):
        return None
    name, zone = request.value("name"), zone_name(account, request.value("zoneId"))
    short = plain(name)
    if zone is None or not short or short == zone or short.endswith(f".{zone}"):
        return None
    # A relative name is none of these: it has no dot at its end and no top-level domain.
    meant_whole = name.endswith(".") or short.rpartition(".")[2] == zone.rpartition(".")[2]
    if not meant_whole:
        return None
    made = full_name(account, request.value("zoneId"), name)
    return (
        f"RRSet with DNS name {short}. is not permitted in zone {zone}.; the provider makes "
        f"{made} of it"
    )


def _beside(request: Request, account: Account) -> str | None:
    if given(request, "aliases") and given(request, "ttl"):
        return 'Conflicting configuration arguments: "alias": conflicts with ttl'
    if not request.known("zoneId", "name", "type"):
        return None
    zone_id, kind = request.value("zoneId"), request.value("type")
    name, zone = full_name(account, zone_id, request.value("name")), zone_name(account, zone_id)
    if kind == "CNAME" and name == zone:
        return (
            f"InvalidChangeBatch: RRSet of type CNAME with DNS name {name}. is not permitted at "
            f"apex in zone {zone}."
        )
    kinds = {each.get("type") for each in _same_place(request, account)} - {kind}
    where = f"{zone}." if zone else str(zone_id)
    if kind == "CNAME" and kinds:
        return (
            f"InvalidChangeBatch: RRSet of type CNAME with DNS name {name}. is not permitted as it "
            f"conflicts with other records with the same DNS name in zone {where}"
        )
    if "CNAME" in kinds:
        return (
            f"InvalidChangeBatch: RRSet of type {kind} with DNS name {name}. is not permitted "
            "because a conflicting RRSet of type CNAME with the same DNS name already exists in "
            f"zone {where}"
        )
    return None


def _values(request: Request, _account: Account) -> str | None:
    values = request.value("records")
    if not isinstance(values, list) or len(values) <= VALUES:
        return None
    return f"InvalidChangeBatch: Cannot have more than {VALUES} records in a RRSet."


# -- zones --------------------------------------------------------------------------------------
def _zone_not_empty(request: Request, account: Account) -> str | None:
    if request.old_value("forceDestroy", False):
        return None
    zone = account.by_id(request.id, ZONE)
    apex = plain(zone.get("name")) if zone else ""
    for record in account.find(RECORD, zoneId=request.id):
        name = full_name(account, request.id, record.get("name"))
        own = record.get("type") in ("SOA", "NS") and name == apex
        if not own:
            return (
                "HostedZoneNotEmpty: The hosted zone contains resource records that are not SOA or "
                "NS records."
            )
    return None


def _networks(account: Account, zone: Resource) -> set[Any]:
    own = {each.get("vpcId") for each in zone.inputs.get("vpcs") or []}
    return own | {each.get("vpcId") for each in account.find(ASSOCIATION, zoneId=zone.id)}


def _associations(request: Request, account: Account) -> str | None:
    if request.operation == "update":
        before, after = request.old_value("vpcs", []), request.value("vpcs", [])
        if not before or after is UNKNOWN or after:
            return None
        if account.find(ASSOCIATION, zoneId=request.id):
            return None
        return (
            "LastVPCAssociation: The VPC that you're trying to disassociate from the private "
            "hosted zone is the last VPC that is associated with the hosted zone. Amazon Route 53 "
            "doesn't support disassociating the last VPC from a hosted zone."
        )
    if request.type == ASSOCIATION:
        name = zone_name(account, request.value("zoneId"))
        mine, itself = {request.value("vpcId")}, request.value("zoneId")
    else:
        name = plain(request.value("name")) if request.known("name") else None
        networks = known_list(request, "vpcs") or []
        mine, itself = {each.get("vpcId") for each in networks}, request.id
    if not name:
        return None
    for other in account.all(ZONE):
        if other.id == itself or plain(other.get("name")) != name:
            continue
        if request.preview and other.urn == request.urn:
            continue
        for vpc in mine & _networks(account, other):
            return (
                f"ConflictingDomainExists: The VPC {vpc} in region {request.region} has already "
                f"been associated with the hosted zone {other.id} with the same domain name."
            )
    return None


_WRITE: tuple[Operation, ...] = ("create", "update")
_BC = "botocore 1.44"
_MO = "moto 5.2"

ROWS: tuple[Row, ...] = (
    Row(
        id="A1",
        title="a certificate goes after its users",
        types=(CERTIFICATE,),
        operations=("delete",),
        source=f"{_BC}, dfds/infrastructure-modules#5",
        judge=_in_use,
    ),
    Row(
        id="A2",
        title="ten names on a certificate",
        types=(CERTIFICATE,),
        operations=("create",),
        source=f"{_BC}, {_MO}; ACM user guide, quotas",
        judge=_too_many_names,
    ),
    Row(
        id="A3",
        title="a year has only so many certificates",
        types=(CERTIFICATE,),
        operations=("create",),
        source="hashicorp/terraform-provider-aws#14025; ACM user guide, quotas",
        judge=_used_up,
    ),
    Row(
        id="A4",
        title="a common name has 64 characters",
        types=(CERTIFICATE,),
        operations=("create",),
        source=f"{_BC}; the text from public logs",
        judge=_common_name,
    ),
    Row(
        id="A5",
        title="a certificate without its proof is never issued",
        types=(VALIDATION,),
        operations=("create",),
        source="public logs of deployments; ACM user guide, DNS validation and CAA",
        judge=_never_issued,
        kind="warning",
        minutes=VALIDATION_MINUTES,
    ),
    Row(
        id="D1",
        title="a record stands once",
        types=(RECORD,),
        operations=("create",),
        source=f"aws-quickstart/quickstart-aws-acm-certificate#5, {_MO}",
        judge=_exists,
    ),
    Row(
        id="D2",
        title="a zone goes after its records",
        types=(ZONE,),
        operations=("delete",),
        source=f"{_BC}, {_MO}",
        judge=_zone_not_empty,
    ),
    Row(
        id="D3",
        title="a record lies in its zone",
        types=(RECORD,),
        operations=("create",),
        source=f"{_MO}; the provider's expandRecordName",
        judge=_outside,
        kind="warning",
    ),
    Row(
        id="D4",
        title="a CNAME stands alone and not at the apex; an alias has no TTL",
        types=(RECORD,),
        operations=_WRITE,
        source="cert-manager/cert-manager#5388; public logs of the real service",
        judge=_beside,
    ),
    Row(
        id="D5",
        title="a record has only so many values",
        types=(RECORD,),
        operations=_WRITE,
        source="rancher/rancher#10253",
        judge=_values,
    ),
    Row(
        id="D7",
        title="a private zone keeps a VPC, and a VPC has one zone of a name",
        types=(ZONE, ASSOCIATION),
        operations=_WRITE,
        source=f"{_BC}, {_MO}, confluentinc/terraform-provider-confluent#395",
        judge=_associations,
    ),
)
