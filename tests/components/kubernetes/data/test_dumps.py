"""The dump's CronJob: what runs, as whom, and what it may do on AWS."""

from __future__ import annotations

import json
import subprocess

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components.kubernetes.data import dumps
from components.kubernetes.data.bootstrap import Way
from components.kubernetes.data.dumps import Dumps, DumpsArgs, dumps_task
from components.kubernetes.workloads import manifests
from components.kubernetes.workloads.shape import AwsApi, DataStore, SecretValue, Task
from settings.dumps import DumpsSettings
from settings.pooler import DirectUsers
from tests.daemons.datapath import bootstrap_settings
from tests.neighbours import context, key, known, neighbour
from tests.recorder import REGION, Recorder, once, record

DIGEST = "@sha256:" + "a" * 64
SETTINGS = DumpsSettings.model_validate({"uploadImage": "public.ecr.aws/aws-cli/aws-cli" + DIGEST})
WAY = Way(host="database.example", port=5432, database="archesai", settings=bootstrap_settings())
BUCKET = "arn:aws:s3:::arches-prod-dumps"
KEY = f"arn:aws:kms:{REGION}:111122223333:key/backups"
CRON_JOB = "kubernetes:batch/v1:CronJob"


def task() -> Task:
    return dumps_task(SETTINGS, WAY, bucket="arches-prod-dumps", key_arn=KEY, region=REGION)


@once
def placed() -> Recorder:
    def program() -> None:
        providers = [
            kubernetes.Provider("kubernetes", kubeconfig="{}"),
            aws.Provider("aws", region=REGION),
        ]
        Dumps(
            "dumps",
            DumpsArgs(
                context=context(),
                settings=SETTINGS,
                bootstrap=neighbour(way=WAY, ready=[]),
                storage=neighbour(
                    dumps=neighbour(name=known("arches-prod-dumps"), arn=known(BUCKET), ready=[])
                ),
                keys=neighbour(backups=key("backups")),
                cluster=neighbour(cluster_name=known("arches-prod")),
                base=neighbour(namespace=known("production")),
                namespace="production",
            ),
            pulumi.ResourceOptions(providers=providers),
        )

    return record(program)


def test_it_runs_every_day_at_two_never_twice_at_once_and_ends():
    """BAK-05."""
    spec = placed().one(CRON_JOB).inputs["spec"]
    assert spec["schedule"] == "0 2 * * *"
    assert spec["timeZone"] == "Etc/UTC"
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["successfulJobsHistoryLimit"] == spec["failedJobsHistoryLimit"] == 7
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 7200
    assert placed().one(CRON_JOB).inputs["metadata"]["name"] == "archesai-dumps", (
        "the runbook and the alert on its age know it by this name"
    )


def test_nothing_is_uploaded_unless_the_dump_ended_well():
    """BAK-01: an initial container that fails ends the pod."""
    pod = manifests.pod_spec(task(), "files")
    assert [each["name"] for each in pod["initContainers"]] == ["dump"]
    assert "restartPolicy" not in pod["initContainers"][0], "a sidecar would not be waited for"
    assert [each["name"] for each in pod["containers"]] == ["upload"]


def test_both_containers_share_the_scratch_directory_and_nothing_else():
    pod = manifests.pod_spec(task(), "files")
    first, second = (
        {mount["name"] for mount in each["volumeMounts"]}
        for each in (pod["initContainers"][0], pod["containers"][0])
    )
    assert first & second == {"scratch-scratch"}
    (scratch,) = [each for each in pod["volumes"] if each["name"] == "scratch-scratch"]
    assert scratch["emptyDir"] == {"sizeLimit": "20Gi"}
    assert pod["initContainers"][0]["resources"]["requests"]["ephemeral-storage"] == "20Gi", (
        "a node without room would evict it at night"
    )


def test_the_password_goes_to_the_dump_alone_and_over_verified_tls_past_the_pooler():
    """BAK-01."""
    dump, upload = task().before[0], task().main
    password = SecretValue(secret="archesai-database-dump", key="password")
    assert dump.env["PGPASSWORD"] == password
    assert password not in upload.env.values()
    assert {name: dump.env[name] for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE")} == {
        "PGHOST": "database.example",
        "PGPORT": "5432",
        "PGUSER": "archesai_dump",
        "PGDATABASE": "archesai",
    }
    assert dump.env["PGSSLMODE"] == "verify-full"
    assert dump.env["PGREQUIREAUTH"] == "scram-sha-256"
    folder, file = dump.env["PGSSLROOTCERT"].rsplit("/", 1)  # type: ignore[union-attr]
    assert dump.files[folder] == {file: WAY.settings.authorities}
    assert dumps.SYNCED[0].values == {"password": "database-dump"}


def test_it_reaches_the_database_and_aws_and_nothing_else():
    assert task().reaches == (DataStore(store="database"), AwsApi())
    assert task().identity


def test_its_identity_may_put_dumps_and_can_neither_read_list_nor_delete():
    """BAK-03."""
    (policy,) = placed().of("aws:iam/policy:Policy")
    assert json.loads(policy.inputs["policy"])["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["s3:PutObject"],
            "Resource": f"{BUCKET}/postgres/*",
            "Sid": "OnlyPut",
        },
        {
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": KEY,
            "Sid": "EncryptThroughS3",
            "Condition": {
                "StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"},
                "StringLike": {
                    "kms:EncryptionContext:aws:s3:arn": [BUCKET, f"{BUCKET}/postgres/*"]
                },
            },
        },
    ]
    association = placed().one("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    assert association.inputs["serviceAccount"] == "archesai-dumps"
    assert association.inputs["namespace"] == "production"


def test_the_cron_job_waits_for_its_identity():
    association = placed().one("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    assert association.urn in placed().one(CRON_JOB).dependencies, "its first upload is refused"


def test_the_scripts_are_posix_and_have_no_pipe_that_could_hide_an_error():
    """BAK-01: the guide's pipe ends with 0 whatever pg_dump says."""
    for script in (dumps.dump_script(SETTINGS, ()), dumps.upload_script(), dumps.restore_script()):
        assert script.startswith("#!/bin/sh\nset -eu\n")
        parsed = subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True)
        assert parsed.returncode == 0, parsed.stderr
        commands = [line for line in script.splitlines() if "query " not in line]
        assert not [line for line in commands if " | " in line]


def test_no_script_deletes_a_dump():
    """BAK-04: the bucket's lifecycle does."""
    everything = dumps.dump_script(SETTINGS, ()) + dumps.upload_script()
    assert "s3 rm" not in everything
    assert "-mtime" not in everything


def test_the_restore_script_is_at_hand_in_the_pod_that_the_runbook_copies():
    """BAK-06."""
    (files,) = placed().of("kubernetes:core/v1:ConfigMap")
    assert files.inputs["data"]["dump_scripts_restore.sh"] == dumps.restore_script()


def test_a_restore_takes_no_more_connections_than_its_login_has():
    """BAK-06: the owner's limit is what the budget gives migrations (POOL-10)."""
    assert DirectUsers().migrations >= dumps.RESTORE_JOBS
