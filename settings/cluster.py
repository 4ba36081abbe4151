"""What an environment may decide about its Kubernetes cluster and nodes.

Meets CHK-INFRA-01 (nodes), CHK-SEC-04 (who may enter, from where), K8S-11 (the namespace that is
locked down). Secrets encryption, control-plane logs, IMDSv2 and the authentication mode are not
here: nobody needs to relax them.

Refused: a list of add-on versions that "follows the latest" (an unread upgrade on every run), the
support type EXTENDED (six times the price per cluster hour), users as principals (long-lived keys).
"""

from __future__ import annotations

import ipaddress
from datetime import date
from typing import Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from settings.core import Section, clash, setting
from settings.eks import ADDON_VERSIONS, INSTANCE_TYPES, STANDARD_SUPPORT_ENDS, supported

# Retention periods that CloudWatch Logs knows, from one year (control "log retention") up.
LOG_RETENTION_DAYS = (365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)

MAX_PUBLIC_CIDRS = 40  # EKS quota "public endpoint access CIDR ranges per cluster" (refusal E28)
# A block wider than a /16 is no company's: two halves of the internet would pass as a list.
WIDEST_PUBLIC_PREFIX = 16
# Ranges EKS refuses in the public endpoint's list (refusal E28): private, shared, loopback,
# link-local, "this network", documentation, multicast, future use.
NOT_PUBLIC = tuple(
    ipaddress.ip_network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
PRIVATE = tuple(
    ipaddress.IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)

# CHK-INFRA-01: "at least 3 nodes, each 4 vCPU and 8 GB".
MIN_NODES = 3
MIN_NODE_VCPU = 4
MIN_NODE_MEMORY_GIB = 8


# Whom RBAC, and no access policy, lets look into the application's namespace. EKS refuses names of
# its own and of Kubernetes: system:, eks:, aws:, amazon:, iam: (refusal E14).
READER = "reader"
READERS = "arches:readers"
# Who is on call: the policy admin-view, and beside it a group that RBAC lets mend.
RESPONDER = "responder"
RESPONDERS = "arches:responders"
CLUSTER_WIDE_ONLY = ("cluster-admin", "admin-view", RESPONDER)


def today() -> date:
    """The day on which versions are judged; a function of its own so that tests can set it."""
    return date.today()


def refused_cidr(cidr: str) -> str | None:
    """Why the public endpoint may not be opened for `cidr`, or None where it may."""
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError:
        return "not an IPv4 block"
    if network.prefixlen < WIDEST_PUBLIC_PREFIX:
        return f"wider than a /{WIDEST_PUBLIC_PREFIX}"
    if any(network.overlaps(reserved) for reserved in NOT_PUBLIC):
        return "a private or reserved range"
    return None


class AccessSettings(Section):
    """One IAM role that may enter the cluster (CHK-SEC-04); everybody else may not."""

    name: str = setting(
        allowed="a word for the role's job, small letters, digits and hyphens, unique in the list",
        example="deployer",
        pattern=r"^[a-z][a-z0-9-]{1,30}$",
    )
    principal_arn: str = setting(
        allowed="the ARN of an IAM role (no user, no assumed-role session)",
        example="arn:aws:iam::111122223333:role/arches-deployer",
        pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$",
        max_length=2048,
    )
    policy: Literal[
        "cluster-admin", "admin", "edit", "view", "admin-view", "responder", "reader"
    ] = setting(
        allowed='"cluster-admin", "admin", "edit", "view" or "admin-view" (EKS access policies); '
        '"responder", who sees everything and may do what the runbooks ask of whoever is on call; '
        'or "reader", who sees the application\'s namespace, its Secrets excepted',
        example="view",
    )
    namespaces: tuple[str, ...] = setting(
        (),
        allowed='namespaces the policy is limited to, none for the whole cluster; "cluster-admin", '
        '"admin-view", "responder" and "reader" take none',
        example=["production"],
    )

    @model_validator(mode="after")
    def _scope(self) -> Self:
        if self.namespaces and self.policy in (*CLUSTER_WIDE_ONLY, READER):
            raise clash(
                "namespaces",
                got=f"{list(self.namespaces)} with policy {self.policy}",
                allowed='no namespaces with "cluster-admin", "admin-view", "responder" and '
                '"reader"',
                example=[],
            )
        return self


class NodeSettings(Section):
    """The nodes of one zone; every zone of the network gets a group of this shape."""

    instance_types: tuple[str, ...] = setting(
        ("c7i.xlarge",),
        allowed="1 to 4 of " + ", ".join(INSTANCE_TYPES) + ", all of one architecture and size",
        example=["c7i.xlarge", "c6i.xlarge"],
        min_length=1,
        max_length=4,
    )
    capacity: Literal["on-demand", "spot"] = setting(
        "on-demand",
        allowed='"on-demand", or "spot" where servesCustomers is false',
        example="on-demand",
    )
    min_per_zone: int = setting(
        1, allowed="whole nodes per zone from 1 to 50", example=1, ge=1, le=50
    )
    desired_per_zone: int = setting(
        1,
        allowed="nodes per zone at creation, from minPerZone to maxPerZone; the autoscaler decides "
        "afterwards",
        example=1,
        ge=1,
        le=50,
    )
    max_per_zone: int = setting(
        3, allowed="whole nodes per zone from minPerZone to 50", example=3, ge=1, le=50
    )
    disk_gib: int = setting(
        80,
        allowed="whole GiB of a node's disk (images, container logs, emptyDirs) from 30 to 1,000",
        example=80,
        ge=30,
        le=1000,
    )
    release_version: str | None = setting(
        None,
        allowed="the nodes' image: a release of Amazon Linux 2023 for EKS of the cluster's minor, "
        "never an older one than runs; none for the newest at creation and updates by hand "
        "(docs/runbooks/upgrade-cluster.md)",
        example="1.36.2-20261112",
        pattern=r"^1\.\d{2}\.\d{1,2}-\d{8}$",
    )

    @property
    def arm(self) -> bool:
        return INSTANCE_TYPES[self.instance_types[0]].arm

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        """A group of unlike machines misleads the autoscaler, which measures one for all."""
        unknown = [each for each in self.instance_types if each not in INSTANCE_TYPES]
        if unknown:
            raise clash(
                "instanceTypes",
                got=f"{unknown[0]}",
                allowed="one of " + ", ".join(INSTANCE_TYPES),
                example=["c7i.xlarge"],
            )
        machines = {
            (INSTANCE_TYPES[each].vcpu, INSTANCE_TYPES[each].memory_gib, INSTANCE_TYPES[each].arm)
            for each in self.instance_types
        }
        if len(machines) > 1:
            raise clash(
                "instanceTypes",
                got=", ".join(self.instance_types),
                allowed="types of one architecture, vCPU count and memory",
                example=["c7i.xlarge", "c6i.xlarge"],
            )
        return self

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.min_per_zone <= self.desired_per_zone <= self.max_per_zone:  # refusal E25
            raise clash(
                "desiredPerZone",
                got=f"{self.desired_per_zone} between minPerZone {self.min_per_zone} and "
                f"maxPerZone {self.max_per_zone}",
                allowed="minPerZone <= desiredPerZone <= maxPerZone",
                example=self.min_per_zone,
            )
        return self


class ClusterSettings(Section):
    """The cluster: version, who reaches and enters it, its service addresses and its nodes."""

    version: str = setting(
        "1.36",
        allowed="a Kubernetes minor in EKS standard support, quoted; one minor up per deployment, "
        "never down (refusals E4, E5)",
        example="1.36",
        pattern=r"^1\.\d{2}$",
    )
    public_access_cidrs: tuple[str, ...] = setting(
        (),
        allowed=f"up to {MAX_PUBLIC_CIDRS} public IPv4 blocks, none wider than a "
        f"/{WIDEST_PUBLIC_PREFIX}, that may reach the public endpoint; none turns it off",
        example=["52.94.76.10/32"],
        max_length=MAX_PUBLIC_CIDRS,
    )
    service_cidr: str = setting(
        "172.20.0.0/16",
        allowed="a private IPv4 block from /12 to /24 outside the network's, fixed for the "
        "cluster's life",
        example="172.20.0.0/16",
    )
    log_retention_days: int = setting(
        365,
        allowed="days the control plane's logs are kept: one of "
        + ", ".join(map(str, LOG_RETENTION_DAYS)),
        example=365,
    )
    namespace: str = setting(
        "production",
        allowed="the application's namespace, small letters, digits and hyphens, no system one",
        example="production",
        pattern=r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
    )
    access: tuple[AccessSettings, ...] = setting(
        allowed="the roles that may enter, one of them the deploying role as cluster-admin for the "
        "whole cluster (nobody is administrator by having made it)",
        example=[
            {
                "name": "deployer",
                "principalArn": "arn:aws:iam::111122223333:role/arches-deployer",
                "policy": "cluster-admin",
            }
        ],
        max_length=50,
    )
    addon_versions: dict[str, str] = setting(
        {},
        allowed="add-on name to version, for rows that differ from this program's table",
        example={"coredns": "v1.14.3-eksbuild.16"},
    )
    nodes: NodeSettings = setting(
        NodeSettings(), allowed="the nodes' section", example={"instanceTypes": ["c7i.xlarge"]}
    )

    def addon_version(self, addon: str) -> str:
        """The version of an add-on for this cluster's minor."""
        return self.addon_versions.get(addon) or ADDON_VERSIONS[self.version][addon]

    @model_validator(mode="after")
    def _in_support(self) -> Self:
        """EKS itself moves a STANDARD cluster up on that day, and there is no way back (E5)."""
        known = supported(today())
        if self.version not in known:
            ended = STANDARD_SUPPORT_ENDS.get(self.version)
            raise clash(
                "version",
                got=f'"{self.version}"'
                + (f", out of standard support since {ended}" if ended else ""),
                allowed="one of " + ", ".join(known),
                example=known[-1] if known else "a newer release of this program",
            )
        return self

    @model_validator(mode="after")
    def _image_of_the_version(self) -> Self:
        release = self.nodes.release_version
        if release is not None and not release.startswith(f"{self.version}."):  # refusal E7
            raise clash(
                "nodes.releaseVersion",
                got=f'"{release}" with version "{self.version}"',
                allowed=f"a release of {self.version}, or none",
                example=f"{self.version}.2-20261112",
            )
        return self

    @model_validator(mode="after")
    def _reachable_by_few(self) -> Self:
        for cidr in self.public_access_cidrs:
            reason = refused_cidr(cidr)
            if reason:
                raise clash(
                    "publicAccessCidrs",
                    got=f"{cidr}, {reason}",
                    allowed=f"public IPv4 blocks from /{WIDEST_PUBLIC_PREFIX} to /32",
                    example=["52.94.76.10/32"],
                )
        if len(set(self.public_access_cidrs)) < len(self.public_access_cidrs):
            raise clash(
                "publicAccessCidrs",
                got="a block twice",
                allowed="each block once",
                example=["52.94.76.10/32"],
            )
        return self

    @model_validator(mode="after")
    def _service_addresses(self) -> Self:
        try:
            block = ipaddress.IPv4Network(self.service_cidr)
        except ValueError:
            block = None
        if (
            block is None
            or not 12 <= block.prefixlen <= 24  # refusal E30
            or not any(block.subnet_of(private) for private in PRIVATE)
        ):
            raise clash(
                "serviceCidr",
                got=f'"{self.service_cidr}"',
                allowed="a private IPv4 block from /12 to /24",
                example="172.20.0.0/16",
            )
        return self

    @model_validator(mode="after")
    def _own_namespace(self) -> Self:
        if self.namespace == "default" or self.namespace.startswith("kube-"):
            raise clash(
                "namespace",
                got=f'"{self.namespace}"',
                allowed="a namespace of the application's own, not one of Kubernetes",
                example="production",
            )
        return self

    @model_validator(mode="after")
    def _retention(self) -> Self:
        if self.log_retention_days not in LOG_RETENTION_DAYS:
            raise clash(
                "logRetentionDays",
                got=self.log_retention_days,
                allowed="one of " + ", ".join(map(str, LOG_RETENTION_DAYS)),
                example=365,
            )
        return self

    @model_validator(mode="after")
    def _entered_by_few(self) -> Self:
        for key in ("name", "principal_arn"):
            values = [getattr(entry, key) for entry in self.access]
            twice = next((value for value in values if values.count(value) > 1), None)
            if twice:
                raise clash(
                    "access",
                    got=f"{twice} twice",
                    allowed="each name and each role once (refusal E13)",
                    example="one entry per role",
                )
        if not any(entry.policy == "cluster-admin" for entry in self.access):
            raise clash(
                "access",
                got="no cluster-admin",
                allowed="at least one cluster-admin: the role that deploys; without it the program "
                "makes a cluster that it cannot enter",
                example="policy: cluster-admin",
            )
        return self

    @model_validator(mode="after")
    def _known_addons(self) -> Self:
        known = ADDON_VERSIONS[max(ADDON_VERSIONS)]
        unknown = next((addon for addon in self.addon_versions if addon not in known), None)
        if unknown:
            raise clash(
                "addonVersions",
                got=unknown,
                allowed="versions of " + ", ".join(known),
                example={"coredns": "v1.14.3-eksbuild.16"},
            )
        return self


def cluster_refusals(
    cluster: ClusterSettings, *, zones: int, network_cidr: str, serves_customers: bool
) -> list[PydanticCustomError]:
    """What the cluster's section alone cannot see: the network's shape and who depends on it."""
    nodes = cluster.nodes
    found: list[PydanticCustomError] = []
    if ipaddress.IPv4Network(cluster.service_cidr).overlaps(ipaddress.IPv4Network(network_cidr)):
        found.append(
            clash(
                "cluster.serviceCidr",
                got=f"{cluster.service_cidr}, which overlaps the network's {network_cidr}",
                allowed="a block outside the network's (refusal E30)",
                example="172.20.0.0/16",
            )
        )
    if not serves_customers:
        return found
    if zones * nodes.min_per_zone < MIN_NODES:
        found.append(
            clash(
                "cluster.nodes.minPerZone",
                got=f"{nodes.min_per_zone} in {zones} zones",
                allowed=f"at least {MIN_NODES} nodes in all zones together where servesCustomers "
                "is true (CHK-INFRA-01)",
                example=-(-MIN_NODES // zones),
            )
        )
    small = [
        each
        for each in nodes.instance_types
        if INSTANCE_TYPES[each].vcpu < MIN_NODE_VCPU
        or INSTANCE_TYPES[each].memory_gib < MIN_NODE_MEMORY_GIB
    ]
    if small:
        found.append(
            clash(
                "cluster.nodes.instanceTypes",
                got=small[0],
                allowed=f"types of at least {MIN_NODE_VCPU} vCPU and {MIN_NODE_MEMORY_GIB} GiB "
                "where servesCustomers is true (CHK-INFRA-01)",
                example=["c7i.xlarge"],
            )
        )
    if nodes.capacity == "spot":
        found.append(
            clash(
                "cluster.nodes.capacity",
                got="spot",
                allowed="on-demand where servesCustomers is true",
                example="on-demand",
            )
        )
    return found
