"""Everything between a viewer and the cluster, in the order in which a request passes it.

Names, certificates, firewall, load balancer, CDN and the opt-in Shield Advanced each have a file of
their own; this one only puts them together, since none of them is of use without the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.balancer import LoadBalancer, LoadBalancerArgs
from components.cache import Cache
from components.cdn import Cdn, CdnArgs
from components.certificates import Certificates, CertificatesArgs
from components.cluster import Cluster
from components.context import Context
from components.database import Database
from components.dns import Dns, DnsArgs, InternalNames, InternalNamesArgs
from components.firewall import Firewall, FirewallArgs
from components.keys import Keys
from components.network import Network
from components.shield import Shield, ShieldArgs
from components.storage import Storage
from settings.edge import EdgeSettings


@dataclass(frozen=True, kw_only=True)
class EdgeArgs:
    """database and cache: for the names that people use inside the VPC."""

    context: Context
    settings: EdgeSettings
    keys: Keys
    network: Network
    cluster: Cluster
    storage: Storage
    database: Database
    cache: Cache


class Edge(pulumi.ComponentResource):
    """The parts of the edge; alarms and outputs take what they need from each."""

    dns: Dns
    certificates: Certificates
    firewall: Firewall
    balancer: LoadBalancer
    cdn: Cdn
    internal_names: InternalNames

    def __init__(
        self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Edge", name, None, opts)
        here = pulumi.ResourceOptions(parent=self)
        at, chosen = args.context, args.settings
        self.dns = Dns(f"{name}-dns", DnsArgs(context=at, settings=chosen, keys=args.keys), here)
        self.certificates = Certificates(
            f"{name}-certificates",
            CertificatesArgs(context=at, settings=chosen, dns=self.dns),
            here,
        )
        self.firewall = Firewall(
            f"{name}-firewall", FirewallArgs(context=at, settings=chosen, keys=args.keys), here
        )
        self.balancer = LoadBalancer(
            f"{name}-balancer",
            LoadBalancerArgs(
                context=at,
                settings=chosen,
                network=args.network,
                cluster=args.cluster,
                storage=args.storage,
                certificates=self.certificates,
                firewall=self.firewall,
            ),
            here,
        )
        self.cdn = Cdn(
            f"{name}-cdn",
            CdnArgs(
                context=at,
                settings=chosen,
                network=args.network,
                balancer=self.balancer,
                certificates=self.certificates,
                firewall=self.firewall,
                dns=self.dns,
                storage=args.storage,
            ),
            here,
        )
        Shield(
            f"{name}-shield",
            ShieldArgs(context=at, settings=chosen, cdn=self.cdn, dns=self.dns),
            here,
        )
        self.internal_names = InternalNames(
            f"{name}-internal",
            InternalNamesArgs(
                context=at,
                settings=chosen,
                network=args.network,
                database=args.database,
                cache=args.cache,
            ),
            here,
        )
        self.register_outputs({"urls": self.cdn.urls, "zoneId": self.dns.zone_id})
