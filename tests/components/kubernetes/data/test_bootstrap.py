"""The Jobs that make the database's inside: their order, whom they enter as, what renews them.

That PostgreSQL takes their documents is tests/daemons/test_bootstrap.py.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.kubernetes.data import bootstrap, sql
from components.kubernetes.data.bootstrap import Bootstrap, BootstrapArgs, Way, bootstrap_tasks
from components.kubernetes.workloads.shape import DataStore, SecretValue, SyncedSecret, Task
from settings.secrets import ROTATABLE
from tests.daemons.datapath import ROLES, bootstrap_settings, pooler_settings
from tests.neighbours import context, known, neighbour
from tests.recorder import Recorder, once, record

HOST = "arches-prod-database.abc.eu-central-1.rds.amazonaws.com"
MASTER_ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rds!db-1"
JOB = "kubernetes:batch/v1:Job"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
ORDER = ["roles", "extensions", "migrations", "indexes", "verify"]


def database() -> Any:
    return neighbour(
        address=known(HOST), port=5432, name="archesai", master_secret_arn=known(MASTER_ARN)
    )


def tasks(**changed: Any) -> dict[str, Task]:
    settings = bootstrap_settings(**changed)
    way = Way(host=HOST, port=5432, database="archesai", settings=settings)
    return {t.component.removeprefix("database-"): t for t in bootstrap_tasks(way, ROLES, "")}


@once
def placed(generation: str = "1") -> Recorder:
    def program() -> None:
        provider = kubernetes.Provider("kubernetes", kubeconfig="{}")
        here = pulumi.ResourceOptions(providers=[provider])
        synced = kubernetes.core.v1.ConfigMap("synced", opts=here)
        Bootstrap(
            "bootstrap",
            BootstrapArgs(
                context=context(),
                settings=bootstrap_settings(),
                pooler=pooler_settings(),
                database=database(),
                secrets=neighbour(
                    value=lambda key: pulumi.Output.secret(f"canary-{key}-{generation}")
                ),
                namespace=known("production"),
                after=[synced],
            ),
            here,
        )

    return record(program)


# -- order ---------------------------------------------------------------------------------------
def test_each_job_waits_for_the_one_before_and_the_first_for_its_secrets():
    """MIG-01: roles, extensions, migrations, indexes, check."""
    made = placed()
    jobs = {job.name: job for job in made.of(JOB)}
    assert set(jobs) == {f"bootstrap-{step}" for step in ORDER}
    for step, before in zip(ORDER, ["synced", *(f"bootstrap-{s}" for s in ORDER)], strict=False):
        waits = {urn.rsplit("::", 1)[-1] for urn in jobs[f"bootstrap-{step}"].dependencies}
        assert before in waits, f"{step} would start before {before}"


def test_migrations_are_one_pod_that_is_not_tried_again():
    """MIG-01: goose takes no lock."""
    made = placed().one(JOB, "bootstrap-migrations").inputs["spec"]
    assert made["backoffLimit"] == 0
    assert made["activeDeadlineSeconds"] == 1800
    assert made["podReplacementPolicy"] == "Failed"


def test_a_replaced_password_makes_new_jobs_and_nothing_else_does():
    """SEC-06."""
    names = [
        {job.name: job.inputs["metadata"]["name"] for job in recorded.of(JOB)}
        for recorded in (placed(), placed("2"))
    ]
    renewed = {step for step in names[0] if names[0][step] != names[1][step]}
    assert renewed == {"bootstrap-roles", "bootstrap-verify"}


# -- as whom -------------------------------------------------------------------------------------
def test_every_job_goes_straight_to_the_endpoint_over_verified_tls():
    """ENV-07, POOL-05, POOL-11: 5432, past the pooler."""
    for step, task in tasks().items():
        assert task.reaches == (DataStore(store="database"),), step
        for container in (*task.before, *task.containers):
            env = container.env
            assert (env["PGHOST"], env["PGPORT"]) == (HOST, "5432")
            assert env["PGSSLMODE"] == "verify-full"
            assert env["PGREQUIREAUTH"] == "scram-sha-256"
            assert container.files["/etc/database"]["ca.pem"] == bootstrap_settings().authorities


def test_only_roles_extensions_and_the_check_are_the_masters():
    """MIG-01: tables belong to the owner."""
    master = SecretValue(secret="archesai-database-master", key="username")
    who = {
        (step, container.name): container.env["PGUSER"]
        for step, task in tasks().items()
        for container in (*task.before, *task.containers)
    }
    assert who == {
        ("roles", "roles"): master,
        ("extensions", "extensions"): master,
        ("migrations", "privileges"): sql.OWNER,
        ("migrations", "migrations"): sql.OWNER,
        ("indexes", "indexes"): sql.OWNER,
        ("verify", "verify"): master,
    }


def test_no_secret_stands_in_a_document_or_an_argument():
    """MIG-04, SEC-05: goose finds its address in the environment."""
    migrations = tasks()["migrations"].main
    assert migrations.env["GOOSE_DBSTRING"] == SecretValue(
        secret="archesai-database-owner", key="url"
    )
    assert migrations.env["GOOSE_MIGRATION_DIR"] == "/migrations"
    assert migrations.command == bootstrap_settings().migrations.command
    said = json.dumps([each.inputs for each in placed().custom])
    assert "canary" not in said, "a password is in clear"
    mounted = {
        (step, container.name)
        for step, task in tasks().items()
        for container in (*task.before, *task.containers)
        if container.secret_files
    }
    assert mounted == {("roles", "roles"), ("verify", "verify")}


def test_fingerprints_are_what_sha256sum_checks():
    assert bootstrap.fingerprints({"b": "two", "a": "one"}) == (
        f"{hashlib.sha256(b'one').hexdigest()}  a\n{hashlib.sha256(b'two').hexdigest()}  b\n"
    )
    [data] = [
        each.inputs["data"] for each in placed().of(CONFIG_MAP) if each.name == "bootstrap-roles"
    ]
    [prints] = [text for name, text in data.items() if name.endswith("_fingerprints")]
    assert len(prints.splitlines()) == 6


def test_the_secrets_are_the_masters_the_owners_and_every_roles():
    """SEC-05: each key exists; the master's is the one that RDS rotates."""
    secrets: list[SyncedSecret] = []

    def program() -> None:
        secrets.extend(bootstrap.bootstrap_secrets(database(), ROLES))
        pulumi.export("url", secrets[1].templates["url"])
        pulumi.export("master", secrets[0].values["master"])

    assert record(program).exports == {
        "url": "postgresql://archesai_owner:{{ .owner }}@" + HOST + ":5432/archesai"
        "?sslmode=verify-full&sslrootcert=/etc/database/ca.pem&connect_timeout=5",
        "master": MASTER_ARN,
    }
    assert [secret.name for secret in secrets] == [
        "archesai-database-master",
        "archesai-database-owner",
        "archesai-database-roles",
    ]
    assert secrets[2].values == {
        "archesai_owner": "database-owner",
        "archesai_app": "database-app",
        "archesai_readonly": "database-readonly",
        "archesai_dump": "database-dump",
        "archesai_exporter": "database-exporter",
        "archesai_retention": "database-retention",
    }
    assert set(secrets[2].values.values()) <= set(ROTATABLE)
    assert secrets[0].templates == {
        "username": "{{ (.master | fromJson).username }}",
        "password": "{{ (.master | fromJson).password }}",
    }


# -- what the budget says ------------------------------------------------------------------------
def test_roles_have_the_connections_of_the_budget():
    """POOL-10: the application's are those of all poolers during a rollout."""
    assert {role.name: role.connections for role in ROLES} == {
        sql.OWNER: 2,
        sql.APP: 120,
        sql.READONLY: 5,
        sql.DUMP: 2,
        sql.EXPORTER: 3,
        sql.RETENTION: 1,
    }
    few = sql.roles(pooler_settings(instances=2, defaultPoolSize=15), bootstrap_settings())
    assert {role.connections for role in few if role.name == sql.APP} == {60}


def test_no_statement_says_a_password():
    """SEC-05: psql sends a SCRAM secret that it makes itself."""
    every = (
        sql.roles_sql(ROLES, "archesai")
        + sql.extensions_sql()
        + sql.privileges_sql()
        + sql.indexes_sql(sql.indexes(bootstrap_settings().tables), ())
    )
    assert "PASSWORD" not in every.upper()
    assert every.count("CONCURRENTLY idx_") == 4
    assert "CREATE INDEX IF NOT EXISTS" not in every, "an invalid index would stay (PG-20)"
