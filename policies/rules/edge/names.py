"""Names and certificates: renewed by themselves, for our names only, issued by whom we name."""

from __future__ import annotations

from collections.abc import Iterator

from rules.model import Item, Props, Rule, Stack, StackRule, Undecided
from rules.network.doors import BALANCER, DISTRIBUTION

_CERTIFICATE = "aws:acm/certificate:Certificate"
_VALIDATION = "aws:acm/certificateValidation:CertificateValidation"
_ZONE = "aws:route53/zone:Zone"
_RECORD = "aws:route53/record:Record"
_QUERY_LOG = "aws:route53/queryLog:QueryLog"
_SIGNING_KEY = "aws:route53/keySigningKey:KeySigningKey"
_SIGNED = "aws:route53/hostedZoneDnsSec:HostedZoneDnsSec"
_ACM_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/acm-controls.html"
_ACM_GUIDE = "https://docs.aws.amazon.com/acm/latest/userguide/"
_DNS_GUIDE = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/"
# ACM user guide, "Key algorithms": all that ACM issues; RSA below 2,048 bits can only be imported.
_STRONG_KEYS = {"RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"}
_ADDRESSES = ("A", "AAAA")


# -- certificates --------------------------------------------------------------------------------
def _renewed(certificate: Props) -> Iterator[str]:
    if _imported(certificate):
        yield "it was imported, and nobody renews it"
    elif certificate.at("validationMethod") != "DNS":
        how = str(certificate.at("validationMethod", "nothing"))
        yield f"it is proved by {how}: its renewal waits for a person"


def _imported(certificate: Props) -> bool:
    try:
        return bool(certificate.at("certificateBody"))
    except Undecided:
        return True


def _strong_key(certificate: Props) -> Iterator[str]:
    algorithm = str(certificate.at("keyAlgorithm", "RSA_2048"))
    if algorithm not in _STRONG_KEYS:
        yield f"its key is {algorithm}, which can be broken"


def _no_wildcard(certificate: Props) -> Iterator[str]:
    for name in (
        certificate.at("domainName"),
        *(certificate.at("subjectAlternativeNames") or []),
    ):
        if str(name).startswith("*."):
            yield f"it speaks for every name below {str(name)[2:]}"


def _transparent(certificate: Props) -> Iterator[str]:
    said = certificate.at("options.certificateTransparencyLoggingPreference", "ENABLED")
    if said != "ENABLED":
        yield "it is left out of the public logs, and browsers refuse it"


def _issued(certificate: Item, stack: Stack) -> Iterator[str]:
    if not stack.parts(_VALIDATION, "certificateArn", certificate):
        yield "nothing waits until it is issued"


# -- zones and records ---------------------------------------------------------------------------
def _public(zone: Item) -> bool:
    return not zone.props.at("vpcs")


def _queries_logged(zone: Item, stack: Stack) -> Iterator[str]:
    if _public(zone) and not stack.parts(_QUERY_LOG, "zoneId", zone):
        yield "what is asked of this public zone is not logged"


def _kept(zone: Item, stack: Stack) -> Iterator[str]:
    if stack.serves_customers and _public(zone) and zone.props.at("forceDestroy"):
        yield "it would be deleted with every record in it"


def _signed_whole(zone: Item, stack: Stack) -> Iterator[str]:
    keys = stack.parts(_SIGNING_KEY, "hostedZoneId", zone)
    switches = [*stack.parts(_SIGNED, "hostedZoneId", zone)]
    for key in keys:
        switches += stack.parts(_SIGNED, "hostedZoneId", key)
    if keys and not switches:
        yield "it has a signing key, and its answers are not signed"
    if switches and not keys:
        yield "its answers would be signed by a key that is not there"


def _type(record: Item) -> str:
    """A record's type; "" where ACM decides it, which is known after a deployment only."""
    return "" if record.links.get("type") else str(record.props.at("type"))


def _issuers(stack: Stack) -> dict[str, list[str]]:
    """A name -> the values of its CAA record."""
    return {
        str(each.props.at("name")).rstrip("."): list(each.props.at("records") or [])
        for each in stack.of(_RECORD)
        if _type(each) == "CAA"
    }


def _issuer_named(distribution: Item, stack: Stack) -> Iterator[str]:
    issuers = stack.once(_issuers)
    for host in distribution.props.at("aliases") or []:
        labels = str(host).split(".")
        above = (".".join(labels[start:]) for start in range(len(labels) - 1))
        values = next((issuers[name] for name in above if name in issuers), [])
        if not any(" issue " in value for value in values):
            yield f"anybody may issue a certificate for {host}"
        elif not any("amazon" in value for value in values):
            yield f"ACM may not renew the certificate of {host}"
        if not any('issuewild ";"' in value for value in values):
            yield f"a certificate for every name below {host} may be issued"


def _alive(record: Item, stack: Stack) -> Iterator[str]:
    if _type(record) not in _ADDRESSES:
        return
    if not stack.sources(record, "aliases") and not stack.sources(record, "records"):
        yield "it points to nothing of this stack"


def _past_cloudfront(record: Item, stack: Stack) -> Iterator[str]:
    named = [b for key in ("aliases", "records") for b in stack.sources(record, key, BALANCER)]
    if named and any(_public(zone) for zone in stack.sources(record, "zoneId", _ZONE)):
        yield f"it names {named[0].name}, past CloudFront and its firewall"


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="certificate-renews-itself",
        sentence="Certificates are issued by ACM and proved by DNS, so that they renew themselves.",
        types=(_CERTIFICATE,),
        severity="high",
        requirements=("LB-07", "CHK-SEC-01"),
        controls=("FSBP ACM.1", "SOC2 A1.2", "ISO27001 A.8.24"),
        why="On the day a certificate ends nobody can sign in.",
        fix="request it with validation_method DNS",
        url=f"{_ACM_HUB}#acm-1",
        evidence=("validationMethod", "domainName"),
        judge=_renewed,
    ),
    Rule(
        name="certificate-strong-key",
        sentence="Certificates have keys of 2,048 bits RSA or elliptic curves.",
        types=(_CERTIFICATE,),
        severity="high",
        requirements=("CHK-SEC-01",),
        controls=("FSBP ACM.2", "SOC2 CC6.7", "ISO27001 A.8.24"),
        why="Whoever breaks the key can answer in our name.",
        fix="set key_algorithm to RSA_2048 or an elliptic curve",
        url=f"{_ACM_HUB}#acm-2",
        evidence=("keyAlgorithm",),
        judge=_strong_key,
    ),
    Rule(
        name="certificate-no-wildcard",
        sentence="No certificate speaks for names that nobody has listed.",
        types=(_CERTIFICATE,),
        severity="medium",
        requirements=("LB-07", "CHK-SEC-01"),
        controls=("CHECKOV CKV2_AWS_71", "ISO27001 A.8.24"),
        why="A stolen key would speak for every name that we have or ever will.",
        fix="name the hosts in domain_name and subject_alternative_names",
        url=f"{_ACM_GUIDE}acm-certificate-characteristics.html",
        evidence=("domainName", "subjectAlternativeNames"),
        judge=_no_wildcard,
    ),
    Rule(
        name="certificate-transparent",
        sentence="Certificates stand in the public logs.",
        types=(_CERTIFICATE,),
        severity="low",
        requirements=("CHK-SEC-01",),
        controls=("CHECKOV CKV_AWS_234",),
        why="Browsers refuse a certificate that no public log has seen.",
        fix="leave certificate_transparency_logging_preference at ENABLED",
        url=f"{_ACM_GUIDE}acm-bestpractices.html",
        evidence=("options.certificateTransparencyLoggingPreference",),
        remedy={"options.certificateTransparencyLoggingPreference": "ENABLED"},
        judge=_transparent,
    ),
    StackRule(
        name="certificate-awaited",
        sentence="Whatever shows a certificate waits until it is issued.",
        types=(_CERTIFICATE,),
        severity="low",
        requirements=("LB-07",),
        controls=("SOC2 CC8.1",),
        why="A first deployment would stop half way, with names that answer nobody.",
        fix="add an aws.acm.CertificateValidation and take the ARN from it",
        url=f"{_ACM_GUIDE}dns-validation.html",
        evidence=("domainName",),
        judge=_issued,
    ),
    StackRule(
        name="zone-queries-logged",
        sentence="What is asked of a public zone is logged.",
        types=(_ZONE,),
        severity="low",
        requirements=("AUDIT-02", "LB-06"),
        controls=("FSBP Route53.2", "CHECKOV CKV2_AWS_39", "SOC2 CC7.2", "ISO27001 A.8.15"),
        why="Nobody would see who maps our names before an attack.",
        fix="add an aws.route53.QueryLog",
        url="https://docs.aws.amazon.com/securityhub/latest/userguide/"
        "route53-controls.html#route53-2",
        evidence=("name",),
        judge=_queries_logged,
    ),
    StackRule(
        name="zone-kept",
        sentence="Where customers are served, a public zone is not deleted with its records.",
        types=(_ZONE,),
        severity="high",
        requirements=("LB-06",),
        controls=("SOC2 A1.2", "ISO27001 A.8.14"),
        why="The new zone has other name servers: for days some people find nothing.",
        fix="set force_destroy to false",
        url=f"{_DNS_GUIDE}DeleteHostedZone.html",
        evidence=("name", "forceDestroy"),
        judge=_kept,
    ),
    StackRule(
        name="zone-signed-whole",
        sentence="A zone is signed with key and switch, or not at all.",
        types=(_ZONE,),
        severity="medium",
        requirements=("LB-06",),
        controls=("ISO27001 A.8.20",),
        why="Half a signature makes every resolver that checks refuse our names.",
        fix="set edge.dnssec, which makes both",
        url=f"{_DNS_GUIDE}dns-configuring-dnssec.html",
        evidence=("name",),
        judge=_signed_whole,
    ),
    StackRule(
        name="host-issuer-named",
        sentence="DNS says who may issue certificates for our hosts, and that nobody may for all.",
        types=(DISTRIBUTION,),
        severity="low",
        requirements=("LB-07", "CHK-SEC-01"),
        controls=("ISO27001 A.8.24",),
        why="Any of a hundred authorities could be tricked into a certificate in our name.",
        fix='add a CAA record of the host with Amazon\'s names and 0 issuewild ";"',
        url=f"{_ACM_GUIDE}setup-caa.html",
        evidence=("aliases",),
        judge=_issuer_named,
    ),
    StackRule(
        name="record-points-to-ours",
        sentence="A name of ours leads to something of ours.",
        types=(_RECORD,),
        severity="high",
        requirements=("LB-06",),
        controls=("CHECKOV CKV2_AWS_23", "SOC2 CC6.6", "ISO27001 A.8.20"),
        why="Whoever gets a forgotten address answers in our name.",
        fix="make it an alias of a resource of this stack, or take it away",
        url=f"{_DNS_GUIDE}resource-record-sets-choosing-alias-non-alias.html",
        evidence=("name", "type"),
        judge=_alive,
    ),
    StackRule(
        name="record-names-no-balancer",
        sentence="No public name leads to the load balancer.",
        types=(_RECORD,),
        severity="medium",
        requirements=("CDN-05", "LB-06"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.21"),
        why="A name of the balancer is the first thing that an attacker looks for.",
        fix="make it an alias of the distribution",
        url=f"{_DNS_GUIDE}routing-to-cloudfront-distribution.html",
        evidence=("name", "type"),
        judge=_past_cloudfront,
    ),
)
