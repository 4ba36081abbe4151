"""The copies of the cluster's objects: often enough, of the right things, where Velero looks."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_random

from components.kubernetes.operators.releases import velero
from components.kubernetes.operators.velero_schedule import (
    VeleroSchedule,
    VeleroScheduleArgs,
)
from settings.velero import VeleroSettings
from tests.neighbours import known, neighbour
from tests.recorder import Recorder, once, record

SCHEDULE = "kubernetes:velero.io/v1:Schedule"


@once
def deployed(**changed: Any) -> Recorder:
    def program() -> None:
        providers = [
            kubernetes.Provider("kubernetes", kubeconfig="{}"),
            pulumi_random.Provider("random"),
        ]
        on = pulumi.ResourceOptions(providers=providers)
        release = pulumi_random.RandomId("release", byte_length=1, opts=on)
        VeleroSchedule(
            "copies",
            VeleroScheduleArgs(
                settings=VeleroSettings.model_validate_json(json.dumps(changed)),
                base=neighbour(namespace=known("production")),
                after=[release],
            ),
            on,
        )

    return record(program)


def test_the_schedule_lives_where_velero_looks_and_waits_for_velero() -> None:
    made = deployed()
    schedule = made.one(SCHEDULE)
    assert schedule.inputs["metadata"] == {"name": "archesai-backup", "namespace": "velero"}
    assert made.one("random:index/randomId:RandomId").urn in schedule.dependencies, (
        "its kind and its location would not exist yet"
    )
    [component] = made.components
    assert (schedule.parent, component.outputs) == (component.urn, {"schedule": "archesai-backup"})


def test_objects_are_copied_every_half_an_hour_and_kept_for_720_hours() -> None:
    assert deployed().one(SCHEDULE).inputs["spec"] == {
        "schedule": "*/30 * * * *",
        "useOwnerReferencesInBackup": False,
        "template": {
            "ttl": "720h",
            "storageLocation": "s3-backup",
            "includedNamespaces": ["production", "operators", "monitoring"],
            "includeClusterResources": True,
            "labelSelector": {
                "matchExpressions": [
                    {"key": "reconcile.external-secrets.io/managed", "operator": "DoesNotExist"}
                ]
            },
            "snapshotVolumes": False,
            "defaultVolumesToFsBackup": False,
        },
    }


def test_the_location_is_one_that_veleros_release_makes() -> None:
    values: Any = velero.values(bucket="b", region="eu-central-1", key_arn="arn:key")
    locations = [each["name"] for each in values["configuration"]["backupStorageLocation"]]
    template = deployed().one(SCHEDULE).inputs["spec"]["template"]
    assert template["storageLocation"] in locations, "every copy would fail validation (DR-07)"


def test_an_environment_may_copy_more_often_and_keep_less() -> None:
    spec = deployed(everyMinutes=15, keepHours=48).one(SCHEDULE).inputs["spec"]
    assert (spec["schedule"], spec["template"]["ttl"]) == ("*/15 * * * *", "48h")
