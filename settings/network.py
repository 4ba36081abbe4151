"""What an environment may decide about its network: addresses, zones, ways out, records.

What nobody may decide here: data subnets never reach the internet, subnets never hand out public
addresses, every flow is recorded, endpoints answer this network only.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from typing import Literal, Self

from pydantic import model_validator

from settings.core import Section, clash, setting

# RFC 1918. AWS also accepts others, but 100.64.0.0/10 and public blocks break routing to peers.
PRIVATE_BLOCKS = tuple(
    IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)
# Docker's own bridge, and used by AWS services inside a VPC (VPC user guide, "VPC CIDR blocks").
DOCKER_BRIDGE = IPv4Network("172.17.0.0/16")
# Smallest subnets of a brought network. ALB: /27 with 8 free addresses (Elastic Load Balancing user
# guide); control plane: /26, since an update wants 5 free ones and 16 are advised (EKS user guide;
# refusals E33, N24); anything: /28 (refusal N3).
SMALLEST = {"public": 27, "private": 26, "data": 28}

# Services with an interface endpoint that a cluster, its add-ons and its workloads may call.
ENDPOINT_SERVICES = (
    "autoscaling",
    "ec2",
    "ec2messages",
    "ecr.api",
    "ecr.dkr",
    "eks",
    "eks-auth",
    "elasticache",
    "elasticloadbalancing",
    "events",
    "guardduty-data",
    "kms",
    "logs",
    "monitoring",
    "rds",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "ssmmessages",
    "sts",
    "xray",
)
# Without a way to the internet a node joins and pulls images only with these (EKS user guide,
# "Deploy private clusters with limited internet access"; refusal E26). S3 is always there.
PRIVATE_CLUSTER_ENDPOINTS = ("ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "logs", "sts")

SUBNET_ID = r"subnet-[0-9a-f]{8}([0-9a-f]{9})?"

# PutRetentionPolicy's values (CloudWatch Logs API reference; refusal O3), from 30 days on.
Retention = Literal[
    30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]


class FlowLogs(Section):
    """Answers AUDIT-03: who talked to whom, kept as audit evidence."""

    retention_days: Retention = setting(
        365,
        allowed="days that CloudWatch Logs knows, from 30: 30, 60, 90, 120, 150, 180, 365, 400, "
        "545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653",
        example=365,
    )
    # No other interval exists (refusal N22).
    aggregation_seconds: Literal[60, 600] = setting(
        600, allowed="60 (more records, more cost) or 600 seconds", example=600
    )


class Subnets(Section):
    """One layer of a brought network, in the order of the section's zones."""

    ids: tuple[str, ...] = setting(
        allowed="subnet ids, one for each zone in the order of zones",
        example=["subnet-0a1b2c3d4e5f60718", "subnet-1a1b2c3d4e5f60718"],
    )
    cidrs: tuple[str, ...] = setting(
        allowed="the subnets' IPv4 blocks, one for each id in the order of ids",
        example=["10.20.0.0/19", "10.20.32.0/19"],
    )


class Brought(Section):
    """A network that somebody else owns: given whole, and nothing in it is made or changed."""

    vpc_id: str = setting(
        allowed="the id of a VPC of this account and region, with DNS support and hostnames on",
        example="vpc-0a1b2c3d4e5f60718",
        pattern=r"^vpc-[0-9a-f]{8}([0-9a-f]{9})?$",
    )
    public: Subnets = setting(
        allowed="ids and cidrs of subnets with a route to an internet gateway",
        example={"ids": ["subnet-0a1b2c3d"], "cidrs": ["10.20.0.0/24"]},
    )
    private: Subnets = setting(
        allowed="ids and cidrs of subnets with a way out, for nodes and pods",
        example={"ids": ["subnet-1a1b2c3d"], "cidrs": ["10.20.32.0/19"]},
    )
    data: Subnets = setting(
        allowed="ids and cidrs of subnets without a route to the internet, for databases",
        example={"ids": ["subnet-2a1b2c3d"], "cidrs": ["10.20.1.0/24"]},
    )


class NetworkSettings(Section):
    """Answers the guide's infrastructure and network policy rows (CHK-INFRA-01, CHK-SEC-03)."""

    cidr: str = setting(
        allowed="the VPC's IPv4 block: private (RFC 1918), /16 to /20, /24 at the smallest where "
        "the VPC is brought; one that no other stack or office uses",
        example="10.20.0.0/16",
    )
    # EKS and RDS want two zones (refusal E1); six is the most that any region has.
    zones: tuple[str, ...] = setting(
        allowed="2 to 6 availability zones of one region, each once; add new ones at the end, "
        "since a zone's place decides its addresses",
        example=["eu-central-1a", "eu-central-1b", "eu-central-1c"],
        min_length=2,
        max_length=6,
    )
    nat: Literal["per-zone", "single", "none"] = setting(
        "per-zone",
        allowed='"per-zone" (a zone that fails takes no other with it), "single" (cheaper) or '
        '"none" (no internet; AWS through endpoints only)',
        example="per-zone",
    )
    endpoints: tuple[str, ...] = setting(
        (
            "autoscaling",
            "ec2",
            "ecr.api",
            "ecr.dkr",
            "eks",
            "eks-auth",
            "elasticloadbalancing",
            "kms",
            "logs",
            "monitoring",
            "secretsmanager",
            "ssm",
            "sts",
        ),
        allowed="AWS services reached inside the network, each once: "
        + ", ".join(ENDPOINT_SERVICES)
        + " (S3 always is; each costs per zone and hour); unused where the VPC is brought",
        example=["ecr.api", "ecr.dkr", "sts"],
    )
    flow_logs: FlowLogs = setting(
        FlowLogs(), allowed="retentionDays and aggregationSeconds", example={"retentionDays": 365}
    )
    brought: Brought | None = setting(
        None,
        allowed="vpcId, public, private and data, all of them, to use a network that exists; "
        "left out, one is made",
        example={"vpcId": "vpc-0a1b2c3d4e5f60718"},
    )

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        block = self._block()
        self._check_zones()
        self._check_endpoints()
        if self.brought is not None:
            self._check_brought(self.brought, block)
        return self

    def _block(self) -> IPv4Network:
        longest = 20 if self.brought is None else 24
        wanted = f"a private IPv4 block without host bits, /16 to /{longest}"
        block = _network("cidr", self.cidr, wanted)
        if not 16 <= block.prefixlen <= longest or not any(
            block.subnet_of(private) for private in PRIVATE_BLOCKS
        ):
            raise clash("cidr", got=f'"{self.cidr}"', allowed=wanted, example="10.20.0.0/16")
        if block.overlaps(DOCKER_BRIDGE):
            raise clash(
                "cidr",
                got=f'"{self.cidr}"',
                allowed=f"{wanted}, outside 172.17.0.0/16 (Docker's own)",
                example="10.20.0.0/16",
            )
        return block

    def _check_zones(self) -> None:
        regions = {zone[:-1] for zone in self.zones}
        letters = all(zone[-1:].isalpha() and zone[-2:-1].isdigit() for zone in self.zones)
        if len(set(self.zones)) != len(self.zones) or len(regions) != 1 or not letters:
            raise clash(
                "zones",
                got=", ".join(self.zones),
                allowed="availability zones of one region, each once",
                example="eu-central-1a, eu-central-1b, eu-central-1c",
            )

    def _check_endpoints(self) -> None:
        unknown = [s for s in self.endpoints if s not in ENDPOINT_SERVICES]
        if unknown or len(set(self.endpoints)) != len(self.endpoints):
            raise clash(
                "endpoints",
                got=", ".join(unknown or self.endpoints),
                allowed="each once, of: " + ", ".join(ENDPOINT_SERVICES),
                example="ecr.api, ecr.dkr, sts",
            )
        missing = [s for s in PRIVATE_CLUSTER_ENDPOINTS if s not in self.endpoints]
        if self.brought is None and self.nat == "none" and missing:
            raise clash(
                "endpoints",
                got=f'no {", ".join(missing)} while nat is "none"',
                allowed="at least " + ", ".join(PRIVATE_CLUSTER_ENDPOINTS) + ", or a nat",
                example=", ".join(PRIVATE_CLUSTER_ENDPOINTS),
            )

    def _check_brought(self, brought: Brought, block: IPv4Network) -> None:
        taken: list[IPv4Network] = []
        ids: list[str] = []
        for layer, longest in SMALLEST.items():
            subnets: Subnets = getattr(brought, layer)
            for kind, values in (("ids", subnets.ids), ("cidrs", subnets.cidrs)):
                if len(values) != len(self.zones):
                    raise clash(
                        f"brought.{layer}.{kind}",
                        got=f"{len(values)} for {len(self.zones)} zones",
                        allowed="one for each zone, in the order of zones",
                        example=", ".join(self.zones),
                    )
            for text in subnets.cidrs:
                taken.append(self._fits(f"brought.{layer}.cidrs", text, block, longest, taken))
            ids += subnets.ids
        bad = [i for i in ids if not _is_subnet_id(i)] or [i for i in ids if ids.count(i) > 1]
        if bad:
            raise clash(
                "brought",
                got=f'"{bad[0]}"',
                allowed="ids of subnets (subnet- and 8 or 17 hex digits), each used once",
                example="subnet-0a1b2c3d4e5f60718",
            )

    def _fits(
        self, key: str, text: str, block: IPv4Network, longest: int, taken: list[IPv4Network]
    ) -> IPv4Network:
        """Refusals N1 and N2, and a size that what lives there can work in."""
        wanted = f"blocks inside {block}, /{longest} or larger, that do not overlap"
        subnet = _network(key, text, wanted)
        if (
            not subnet.subnet_of(block)
            or subnet.prefixlen > longest
            or any(subnet.overlaps(other) for other in taken)
        ):
            raise clash(key, got=f'"{text}"', allowed=wanted, example="10.20.32.0/19")
        return subnet


def _network(key: str, text: str, wanted: str) -> IPv4Network:
    try:
        if "/" not in text:
            raise ValueError(text)
        return IPv4Network(text)
    except ValueError:
        raise clash(key, got=f'"{text}"', allowed=wanted, example="10.20.0.0/16") from None


def _is_subnet_id(text: str) -> bool:
    return re.fullmatch(SUBNET_ID, text) is not None
