"""Shield Advanced, off by default: 3,000 USD a month for at least a year, and no way out earlier.

Shield Standard already covers CloudFront and Route 53 at no cost and without a resource. Two flags,
since the subscription belongs to the account and not to an environment: one stack may hold it
(`edge.shieldAdvanced.subscribe`), others protect under it (`edge.shieldAdvanced.protect`); a
protection without a subscription, and a second subscription, are refused (H1).

Meets CHK-SEC-07. Never here: the balancer, which is internal and so cannot be protected.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.cdn import Cdn
from components.context import Context
from components.dns import Dns
from settings.edge import EdgeSettings


@dataclass(frozen=True, kw_only=True)
class ShieldArgs:
    """cdn, dns: what is protected."""

    context: Context
    settings: EdgeSettings
    cdn: Cdn
    dns: Dns


class Shield(pulumi.ComponentResource):
    """protection_ids: by what is protected; empty, with no resource at all, by default."""

    protection_ids: dict[str, pulumi.Output[str]]

    def __init__(
        self, name: str, args: ShieldArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Shield", name, None, opts)
        self._name, self._args = name, args
        self._here = pulumi.ResourceOptions(parent=self)
        subscription = self._subscribe() if args.settings.shield_advanced.subscribe else []
        self.protection_ids = (
            self._cover(subscription) if args.settings.shield_advanced.protect else {}
        )
        self.register_outputs({"protectionIds": self.protection_ids})

    def _subscribe(self) -> list[pulumi.Resource]:
        renew = self._args.settings.shield_advanced.auto_renew
        return [
            aws.shield.Subscription(
                f"{self._name}-subscription",
                auto_renew="ENABLED" if renew else "DISABLED",
                # A locked subscription refuses deletion for a year (H1): leave it, do not fail.
                skip_destroy=True,
                opts=self._here,
            )
        ]

    def _cover(self, subscription: list[pulumi.Resource]) -> dict[str, pulumi.Output[str]]:
        targets: dict[str, pulumi.Input[str]] = {
            **self._args.cdn.distribution_arns,
            "zone": self._args.dns.zone_arn,
        }
        return {
            label: aws.shield.Protection(
                f"{self._name}-{label}",
                name=self._args.context.name(label, limit=128),
                resource_arn=arn,
                opts=pulumi.ResourceOptions.merge(
                    self._here, pulumi.ResourceOptions(depends_on=subscription)
                ),
            ).id
            for label, arn in targets.items()
        }
