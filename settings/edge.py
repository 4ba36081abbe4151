"""What an environment decides about its door: names, certificates' hosts, firewall, CDN, balancer.

Meets LB-06, LB-14, LB-15, LB-19, SEC-03, CDN-01, CHK-SEC-06 and CHK-SEC-07 as far as they are
choices. TLS versions, header values, timeouts and health-check figures are no choices: they are
constants of the components. Refused: a switch that turns the firewall off, and rate limits above
the guide's; an office behind one address belongs into `firewall.trustedCidrs`.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from settings.core import Section, clash, setting

HOST = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$"
HOST_LENGTH = 64  # of a certificate's first name (refusal A4)
YEAR_SECONDS = 31536000
# CloudWatch Logs API reference, PutRetentionPolicy; shorter than a month loses an investigation.
Host = Literal["api", "app"]
RETENTION = Literal[30, 60, 90, 120, 150, 180, 365, 400, 545, 731]

Prefix = Annotated[str, Field(pattern=r"^/[A-Za-z0-9._/-]{1,60}$")]
Pattern = Annotated[str, Field(pattern=r"^/[A-Za-z0-9._/-]{1,60}/\*$")]
Source = Annotated[
    str, Field(pattern=r"^(https|wss)://(\*\.)?([a-z0-9-]+\.)+[a-z]{2,}(:[0-9]{1,5})?$")
]


def _network(value: str) -> str:
    network = ip_network(value)  # ValueError: no network, or host bits are set
    if network.prefixlen == 0:
        raise ValueError("the whole internet is no list entry")
    return value


Cidr = Annotated[str, AfterValidator(_network)]


class TargetSettings(Section):
    """One service in the cluster that the balancer forwards to."""

    port: int = setting(
        allowed="the port that the service's pods listen on, 1024 to 65,535",
        example=8080,
        ge=1024,
        le=65535,
    )
    protocol: Literal["HTTP", "HTTPS"] = setting(
        "HTTP",
        allowed="HTTP or HTTPS; HTTPS needs a certificate inside the pods (any: the balancer does "
        "not verify it)",
        example="HTTP",
    )
    hosts: tuple[Host, ...] = setting(
        allowed="which of the hosts api and app this service answers for",
        example=["api", "app"],
        max_length=2,
    )
    health_path: str = setting(
        "/health",
        allowed="the path that answers 200 while the pod may get traffic",
        example="/health",
        pattern=r"^/[A-Za-z0-9._/-]{0,60}$",
    )


class FirewallSettings(Section):
    """The web ACLs. The CDN's always exists, and its two rate rules always block."""

    mode: Literal["block", "count"] = setting(
        "block",
        allowed="block, or count while AWS's managed groups are tried out where no customer is "
        "served (rate rules and the deny list always block)",
        example="block",
    )
    requests_per_minute: int = setting(
        600,
        allowed="requests per minute and client address, 10 to 600 (the guide's 10 per second)",
        example=600,
        ge=10,
        le=600,
    )
    auth_requests_per_minute: int = setting(
        100,
        allowed="requests per minute and client address on authPaths, 10 to 100",
        example=100,
        ge=10,
        le=100,
    )
    anti_ddos: bool = setting(
        True,
        allowed="true adds AWS's anti-DDoS rule group to the CDN's ACL (charged beside the ACL: "
        "see AWS WAF pricing), else false",
        example=True,
    )
    on_balancer: bool = setting(
        True,
        allowed="true puts a second, regional ACL on the balancer (about 10 USD a month), false "
        "only where no customer is served",
        example=True,
    )
    denied_cidrs: tuple[Cidr, ...] = setting(
        (),
        allowed="at most 100 IPv4 or IPv6 networks whose requests are blocked",
        example=["203.0.113.0/24"],
        max_length=100,
    )
    trusted_cidrs: tuple[Cidr, ...] = setting(
        (),
        allowed="at most 20 IPv4 or IPv6 networks that the rate rules leave out, such as an office "
        "behind one address; every other rule still holds for them",
        example=["198.51.100.7/32"],
        max_length=20,
    )


class ShieldSettings(Section):
    """Shield Advanced; Shield Standard protects CloudFront and Route 53 without any setting."""

    subscribe: bool = setting(
        False,
        allowed="true buys the account's subscription: 3,000 USD a month, for at least one year, "
        "which nobody can cancel earlier (aws.amazon.com/shield/pricing)",
        example=False,
    )
    auto_renew: bool = setting(
        False,
        allowed="true renews the subscription for another year at its end, else false",
        example=False,
    )
    protect: bool = setting(
        False,
        allowed="true puts this environment under the account's subscription (ours or one that "
        "exists), else false",
        example=False,
    )

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.subscribe and not self.protect:
            raise clash(
                "protect",
                got="false while subscribe is true",
                allowed="true with subscribe: a paid subscription that protects nothing helps "
                "nobody",
                example="true",
            )
        return self


class EdgeSettings(Section):
    """Everything between a browser and the gateway's pods."""

    domain: str = setting(
        allowed="the domain of the hosted zone, in small letters",
        example="archesai.com",
        pattern=HOST,
        max_length=HOST_LENGTH,
    )
    api_host: str = setting(
        allowed="the API's host name inside domain, at most 64 characters",
        example="api.archesai.com",
        pattern=HOST,
        max_length=HOST_LENGTH,
    )
    app_host: str = setting(
        allowed="the web application's host name inside domain, at most 64 characters",
        example="app.archesai.com",
        pattern=HOST,
        max_length=HOST_LENGTH,
    )
    zone_id: str | None = setting(
        None,
        allowed="the id of a public hosted zone that exists already; leave out to have one made",
        example="Z0123456789ABCDEFGHIJ",
        pattern=r"^Z[A-Z0-9]{7,31}$",
    )
    parent_zone_id: str | None = setting(
        None,
        allowed="the id of the zone above domain in this account, so that the delegation is made "
        "too; leave out where the name servers are entered by hand",
        example="Z0123456789ABCDEFGHIJ",
        pattern=r"^Z[A-Z0-9]{7,31}$",
    )
    dnssec: bool = setting(
        False,
        allowed="true signs the zone (only one that is made here); the DS record must reach the "
        "parent zone",
        example=False,
    )
    internal_domain: str | None = setting(
        "archesai.internal",
        allowed="the private zone with names for people (db, redis), or null for none",
        example="archesai.internal",
        pattern=r"^([a-z0-9-]+\.)+internal$",
    )
    log_retention_days: RETENTION = setting(
        90,
        allowed="how many days firewall and DNS query logs stay: 30, 60, 90, 120, 150, 180, 365, "
        "400, 545 or 731",
        example=90,
    )
    origin_prefix_list: str = setting(
        allowed="the id, in this region, of AWS's prefix list "
        "com.amazonaws.global.cloudfront.origin-facing (`aws ec2 describe-managed-prefix-lists`)",
        example="pl-a3a144ca",
        pattern=r"^pl-[0-9a-f]{8,17}$",
    )
    origin_security_group: str | None = setting(
        None,
        allowed="the id of the group CloudFront-VPCOrigins-Service-SG that AWS makes in the VPC "
        "with its first VPC origin; replaces the prefix list by the narrower rule",
        example="sg-0123456789abcdef0",
        pattern=r"^sg-[0-9a-f]{8,17}$",
    )
    price_class: Literal["PriceClass_100", "PriceClass_200", "PriceClass_All"] = setting(
        "PriceClass_100",
        allowed="PriceClass_100 (Europe and North America), PriceClass_200 or PriceClass_All",
        example="PriceClass_100",
    )
    hsts_max_age: Literal[300, 86400, 31536000] = setting(
        YEAR_SECONDS,
        allowed="seconds for which a browser insists on TLS: 31536000, or 300 and then 86400 while "
        "it is introduced where no customer is served",
        example=YEAR_SECONDS,
    )
    asset_paths: tuple[Pattern, ...] = setting(
        ("/static/*", "/assets/*"),
        allowed="1 to 5 path patterns of the web application whose file names carry a hash, each "
        "ending in /*",
        example=["/assets/*"],
        max_length=5,
    )
    auth_paths: tuple[Prefix, ...] = setting(
        ("/auth/",),
        allowed="1 to 5 path prefixes under the stricter rate limit, each ending in /",
        example=["/auth/"],
        max_length=5,
    )
    upload_paths: tuple[Prefix, ...] = setting(
        ("/artifacts", "/files"),
        allowed="1 to 5 path prefixes on which large bodies are counted instead of blocked",
        example=["/artifacts"],
        max_length=5,
    )
    internal_paths: tuple[Prefix, ...] = setting(
        ("/metrics", "/debug", "/internal"),
        allowed="2 to 8 paths that answer 404 at the balancer, with everything below them; "
        "/metrics and /debug are always among them",
        example=["/metrics", "/debug", "/internal"],
        max_length=8,
    )
    app_connect_sources: tuple[Source, ...] = setting(
        (),
        allowed="at most 8 https or wss origins beside the API that the web application may call",
        example=["https://o1.ingest.sentry.io"],
        max_length=8,
    )
    targets: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{1,11}$")], TargetSettings] = (
        setting(
            {"gateway": TargetSettings.model_validate({"port": 8080, "hosts": ("api", "app")})},
            allowed="services by name (2 to 12 small letters or digits), each host in exactly one",
            example={"gateway": {"port": 8080, "hosts": ["api", "app"]}},
        )
    )
    connection_logs: bool = setting(
        False,
        allowed="true also logs TLS connections of the balancer, else false",
        example=False,
    )
    firewall: FirewallSettings = setting(
        FirewallSettings(), allowed="the firewall's settings", example={"mode": "block"}
    )
    shield_advanced: ShieldSettings = setting(
        ShieldSettings(), allowed="Shield Advanced's settings", example={"subscribe": False}
    )

    @property
    def hosts(self) -> dict[Host, str]:
        """Both public host names by what answers there."""
        return {"api": self.api_host, "app": self.app_host}

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port that the balancer may reach in the cluster, once."""
        return tuple(sorted({target.port for target in self.targets.values()}))

    @model_validator(mode="after")
    def _names(self) -> Self:
        for key, host in (("apiHost", self.api_host), ("appHost", self.app_host)):
            if not host.endswith("." + self.domain):  # refusal D3
                raise clash(
                    key,
                    got=f'"{host}"',
                    allowed=f"a name below domain, {self.domain}",
                    example=f"{key[:3]}.{self.domain}",
                )
        if self.api_host == self.app_host:
            raise clash(
                "appHost",
                got=f'"{self.app_host}", the same as apiHost',
                allowed="a name of its own: each host has its own cache rules and headers",
                example=f"app.{self.domain}",
            )
        return self

    @model_validator(mode="after")
    def _zone(self) -> Self:
        for key, given in (("dnssec", self.dnssec), ("parentZoneId", self.parent_zone_id)):
            if self.zone_id is not None and given:
                raise clash(
                    key,
                    got=f"{given} while zoneId is given",
                    allowed="only with a zone that is made here: a brought zone has an owner who "
                    "signs and delegates it",
                    example="leave one of the two out",
                )
        return self

    @model_validator(mode="after")
    def _paths(self) -> Self:
        # Asked here and not by min_length, which would say a second line about every bad entry.
        for key, paths, example in (
            ("assetPaths", self.asset_paths, ["/assets/*"]),
            ("authPaths", self.auth_paths, ["/auth/"]),
            ("uploadPaths", self.upload_paths, ["/artifacts"]),
        ):
            if not paths:
                raise clash(key, got="an empty list", allowed="1 to 5 paths", example=example)
        missing = {"/metrics", "/debug"} - set(self.internal_paths)
        if missing:
            raise clash(
                "internalPaths",
                got=f"a list without {' and '.join(sorted(missing))}",
                allowed="a list that holds /metrics and /debug",
                example=["/metrics", "/debug", "/internal"],
            )
        for prefix in self.auth_paths:
            if not prefix.endswith("/"):
                raise clash(
                    "authPaths",
                    got=f'"{prefix}"',
                    allowed="prefixes that end in /, or /authors would count as /auth",
                    example=["/auth/"],
                )
        return self

    @model_validator(mode="after")
    def _targets(self) -> Self:
        served = [host for target in self.targets.values() for host in target.hosts]
        if sorted(served) != ["api", "app"]:
            raise clash(
                "targets",
                got=f"targets for {', '.join(sorted(served)) or 'no host'}",
                allowed="targets that name api and app exactly once together",
                example={"gateway": {"port": 8080, "hosts": ["api", "app"]}},
            )
        return self

    def customer_clash(self) -> PydanticCustomError | None:
        """What an environment that serves customers may not have, or None.

        The section does not know whom it serves; the environment asks. Keys are given from the
        environment's root.
        """
        if self.hsts_max_age != YEAR_SECONDS:
            return clash(
                "edge.hstsMaxAge",
                got=f"{self.hsts_max_age} while servesCustomers is true",
                allowed=f"{YEAR_SECONDS} wherever servesCustomers is true",
                example=YEAR_SECONDS,
            )
        if self.firewall.mode != "block":
            return clash(
                "edge.firewall.mode",
                got=f'"{self.firewall.mode}" while servesCustomers is true',
                allowed="block wherever servesCustomers is true",
                example="block",
            )
        if not self.firewall.on_balancer:
            return clash(
                "edge.firewall.onBalancer",
                got="false while servesCustomers is true",
                allowed="true wherever servesCustomers is true",
                example="true",
            )
        return None
