"""When Velero copies the cluster's objects, which of them, and for how long they are kept.

Meets DR-03 to DR-07: the guide's Schedule `archesai-backup`, in Velero's namespace (elsewhere it is
ignored), every half an hour, into the location that Velero's release makes under the guide's name.
Kinds without a namespace go along, so that a restored namespace finds its classes and roles.

Secrets that External Secrets makes are left out: they would lie in the bucket in plain form, and
come back from Secrets Manager by themselves. What remains is encrypted under the key for backups.

Refused: an owner reference from the copies to the Schedule (deleting it would delete them all);
snapshots of volumes (the cache holds nothing unique, the database is RDS).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from components.kubernetes.operators.releases.velero import LOCATION
from components.kubernetes.operators.system_pods import MONITORING, OPERATORS, VELERO
from settings.velero import VeleroSettings

if TYPE_CHECKING:
    from components.kubernetes.base import ClusterBase

NAME = "archesai-backup"
# What External Secrets puts on each Secret that it makes (its apis/externalsecrets/v1,
# LabelManaged).
RECREATED = "reconcile.external-secrets.io/managed"


def schedule_spec(
    settings: VeleroSettings, namespaces: Sequence[pulumi.Input[str]]
) -> dict[str, Any]:
    """The specification of the Schedule (velero.io/v1)."""
    return {
        "schedule": f"*/{settings.every_minutes} * * * *",
        "useOwnerReferencesInBackup": False,
        "template": {
            "ttl": f"{settings.keep_hours}h",
            "storageLocation": LOCATION,
            "includedNamespaces": list(namespaces),
            "includeClusterResources": True,
            "labelSelector": {"matchExpressions": [{"key": RECREATED, "operator": "DoesNotExist"}]},
            "snapshotVolumes": False,
            "defaultVolumesToFsBackup": False,
        },
    }


@dataclass(frozen=True, kw_only=True)
class VeleroScheduleArgs:
    """base: whose namespace is copied, beside the operators'. after: Velero and its location."""

    settings: VeleroSettings
    base: ClusterBase
    after: Sequence[pulumi.Resource]


class VeleroSchedule(pulumi.ComponentResource):
    """The copies of the cluster's objects; the output is the Schedule's name, for alerts."""

    schedule: str

    def __init__(
        self, name: str, args: VeleroScheduleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:VeleroSchedule", name, None, opts)
        self.schedule = NAME
        CustomResource(
            f"{name}-schedule",
            api_version="velero.io/v1",
            kind="Schedule",
            metadata={"name": NAME, "namespace": VELERO},
            spec=schedule_spec(args.settings, (args.base.namespace, OPERATORS, MONITORING)),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
        )
        self.register_outputs({"schedule": self.schedule})
