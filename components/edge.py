"""Everything between a viewer and the cluster, in the order in which a request passes it.

Names, certificates, firewall, load balancer, CDN and the opt-in Shield Advanced each have a file of
their own; this one only puts them together, since none of them is of use without the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.balancer import LoadBalancer, LoadBalancerArgs
from components.cache import CacheEndpoint
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
    cache: CacheEndpoint


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
        self._name, self._args = name, args
        self._here = here = pulumi.ResourceOptions(parent=self)
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
        self.balancer = self._balancer()
        self.cdn = self._cdn()
        Shield(
            f"{name}-shield",
            ShieldArgs(context=at, settings=chosen, cdn=self.cdn, dns=self.dns),
            here,
        )
        self.internal_names = self._internal_names()
        self.register_outputs({"urls": self.cdn.urls, "zoneId": self.dns.zone_id})

    def _balancer(self) -> LoadBalancer:
        args = self._args
        return LoadBalancer(
            f"{self._name}-balancer",
            LoadBalancerArgs(
                context=args.context,
                settings=args.settings,
                network=args.network,
                cluster=args.cluster,
                storage=args.storage,
                certificates=self.certificates,
                firewall=self.firewall,
            ),
            self._here,
        )

    def _cdn(self) -> Cdn:
        args = self._args
        return Cdn(
            f"{self._name}-cdn",
            CdnArgs(
                context=args.context,
                settings=args.settings,
                network=args.network,
                balancer=self.balancer,
                certificates=self.certificates,
                firewall=self.firewall,
                dns=self.dns,
                storage=args.storage,
            ),
            self._here,
        )

    def _internal_names(self) -> InternalNames:
        args = self._args
        return InternalNames(
            f"{self._name}-internal",
            InternalNamesArgs(
                context=args.context,
                settings=args.settings,
                network=args.network,
                database=args.database,
                cache=args.cache,
            ),
            self._here,
        )
