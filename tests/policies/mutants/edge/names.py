"""What breaks names and certificates."""

from __future__ import annotations

from tests.policies.mutation import Mutant, add, drop, put, several, unlink, without

_CERTIFICATE = "aws:acm/certificate:Certificate"
_VALIDATION = "aws:acm/certificateValidation:CertificateValidation"
_ZONE = "aws:route53/zone:Zone"
_RECORD = "aws:route53/record:Record"
_QUERY_LOG = "aws:route53/queryLog:QueryLog"
_KEY = "aws:route53/keySigningKey:KeySigningKey"
_SIGNED = "aws:route53/hostedZoneDnsSec:HostedZoneDnsSec"
_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
_PUBLIC = "edge-dns-zone"
_ISSUERS = "edge-dns-issuers-app"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="certificate-renews-itself",
        title="proved by mail",
        change=put(_CERTIFICATE, "validationMethod", "EMAIL"),
        says=("it is proved by EMAIL: its renewal waits for a person",),
    ),
    Mutant(
        rule="certificate-renews-itself",
        title="imported",
        change=put(_CERTIFICATE, "certificateBody", "-----BEGIN CERTIFICATE-----"),
        says=("it was imported, and nobody renews it",),
    ),
    Mutant(
        rule="certificate-strong-key",
        title="1,024 bits",
        change=put(_CERTIFICATE, "keyAlgorithm", "RSA_1024"),
        says=("its key is RSA_1024, which can be broken",),
    ),
    Mutant(
        rule="certificate-no-wildcard",
        title="for every name",
        change=put(_CERTIFICATE, "domainName", "*.archesai.com"),
        says=("it speaks for every name below archesai.com",),
    ),
    Mutant(
        rule="certificate-no-wildcard",
        title="for every name beside its own",
        change=put(_CERTIFICATE, "subjectAlternativeNames.0", "*.archesai.com"),
        says=("it speaks for every name below archesai.com",),
    ),
    Mutant(
        rule="certificate-transparent",
        title="left out of the public logs",
        change=put(
            _CERTIFICATE, "options", {"certificateTransparencyLoggingPreference": "DISABLED"}
        ),
        says=("it is left out of the public logs, and browsers refuse it",),
    ),
    Mutant(
        rule="certificate-awaited",
        title="nobody waits",
        change=without(_VALIDATION, "edge-certificates-cdn"),
        says=("nothing waits until it is issued",),
        at="edge-certificates-cdn",
    ),
    Mutant(
        rule="zone-queries-logged",
        title="no query log",
        change=without(_QUERY_LOG),
        says=("what is asked of this public zone is not logged",),
        at=_PUBLIC,
    ),
    Mutant(
        rule="zone-queries-logged",
        title="the log of another zone",
        change=unlink(_QUERY_LOG, "zoneId"),
        says=("what is asked of this public zone is not logged",),
        at=_PUBLIC,
    ),
    Mutant(
        rule="zone-kept",
        title="deleted with its records",
        change=put(_ZONE, "forceDestroy", True, _PUBLIC),
        says=("it would be deleted with every record in it",),
    ),
    Mutant(
        rule="zone-signed-whole",
        title="a key without the switch",
        change=add(_KEY, "key", {}, {"hostedZoneId": (_ZONE, _PUBLIC)}),
        says=("it has a signing key, and its answers are not signed",),
        at=_PUBLIC,
    ),
    Mutant(
        rule="zone-signed-whole",
        title="the switch without a key",
        change=add(_SIGNED, "switch", {}, {"hostedZoneId": (_ZONE, _PUBLIC)}),
        says=("its answers would be signed by a key that is not there",),
        at=_PUBLIC,
    ),
    Mutant(
        rule="host-issuer-named",
        title="no CAA record",
        change=without(_RECORD, _ISSUERS),
        says=(
            "anybody may issue a certificate for app.archesai.com",
            "a certificate for every name below app.archesai.com may be issued",
        ),
        at="edge-cdn-app",
    ),
    Mutant(
        rule="host-issuer-named",
        title="wildcards by anybody",
        change=drop(_RECORD, "records.4", _ISSUERS),
        says=("a certificate for every name below app.archesai.com may be issued",),
        at="edge-cdn-app",
    ),
    Mutant(
        rule="host-issuer-named",
        title="another authority",
        change=put(_RECORD, "records", ['0 issue "letsencrypt.org"', '0 issuewild ";"'], _ISSUERS),
        says=("ACM may not renew the certificate of app.archesai.com",),
        at="edge-cdn-app",
    ),
    Mutant(
        rule="record-points-to-ours",
        title="an address by hand",
        change=add(_RECORD, "old", {"type": "A", "name": "old", "records": ["203.0.113.7"]}),
        says=("it points to nothing of this stack",),
        at="old",
    ),
    Mutant(
        rule="record-points-to-ours",
        title="a distribution of somebody else",
        change=unlink(_RECORD, "aliases", "edge-cdn-api-a"),
        says=("it points to nothing of this stack",),
        at="edge-cdn-api-a",
    ),
    Mutant(
        rule="record-names-no-balancer",
        title="a name of the balancer",
        change=add(
            _RECORD,
            "direct",
            {"type": "A", "name": "direct"},
            {"aliases": (_BALANCER, "*"), "zoneId": (_ZONE, _PUBLIC)},
        ),
        says=("it names edge-balancer-alb, past CloudFront and its firewall",),
        at="direct",
    ),
    Mutant(
        rule="record-names-no-balancer",
        title="a CNAME of the balancer",
        change=several(
            add(
                _RECORD,
                "direct",
                {"type": "CNAME", "name": "direct"},
                {"records": (_BALANCER, "*"), "zoneId": (_ZONE, _PUBLIC)},
            )
        ),
        says=("it names edge-balancer-alb, past CloudFront and its firewall",),
        at="direct",
    ),
)
