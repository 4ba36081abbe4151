"""What every component is told about where it lives: said once, handed to each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from components import naming
from settings.identity import Identity


@dataclass(frozen=True, kw_only=True)
class Context:
    """The identity of one deployment.

    stack: the Pulumi stack's name; only for names and tags, never compared with anything.
    partition: "aws", "aws-cn" or "aws-us-gov", for ARNs. tags: of everything that is made here.
    """

    project: str
    stack: str
    account_id: str
    region: str
    backup_region: str
    protect: bool
    serves_customers: bool
    partition: str = "aws"
    tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, identity: Identity) -> Context:
        """The context of the running stack."""
        stack = pulumi.get_stack()
        return cls(
            project=identity.project,
            stack=stack,
            account_id=identity.account_id,
            region=identity.region,
            backup_region=identity.backup_region,
            protect=identity.protect,
            serves_customers=identity.serves_customers,
            partition=_partition(identity.region),
            tags=tags(identity, stack),
        )

    def name(self, noun: str, *, limit: int = 64) -> str:
        """A physical name that people or other systems know."""
        return naming.physical(self.project, self.stack, noun, limit=limit)

    def bucket(self, noun: str, region: str | None = None) -> str:
        """A bucket's name, in this deployment's region unless another is given."""
        return naming.bucket(self.project, self.stack, noun, self.account_id, region or self.region)

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """An ARN of this account, e.g. `arn("rds", "db:name")`; `region=""` for global services."""
        where = self.region if region is None else region
        return f"arn:{self.partition}:{service}:{where}:{self.account_id}:{resource}"


def tags(identity: Identity, stack: str) -> dict[str, str]:
    """Whose a resource is and what it costs (GEN-03); no time or revision: they change each run."""
    return {
        "project": identity.project,
        "stack": stack,
        "owner": identity.owner,
        "cost-center": identity.cost_center,
        "serves-customers": str(identity.serves_customers).lower(),
        "managed-by": "pulumi",
    }


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
