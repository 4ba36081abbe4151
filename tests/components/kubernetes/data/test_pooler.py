"""PgBouncer as declared: its documents line by line, its pods, and what stands around them.

That PgBouncer does what the documents promise is tests/daemons/test_pooler.py.
"""

from __future__ import annotations

import configparser
import dataclasses
import re
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.kubernetes.data import pooler, sql
from components.kubernetes.data.bootstrap import Way
from components.kubernetes.data.pooler import Pooler, PoolerArgs, pooler_workload
from components.kubernetes.workloads import manifests
from components.kubernetes.workloads.shape import DataStore, Port, SecretValue
from settings.pooler import budget
from tests.daemons.datapath import bootstrap_settings, pooler_settings
from tests.neighbours import context, known, neighbour
from tests.recorder import Recorder, once, record

HOST = "arches-prod-database.abc.eu-central-1.rds.amazonaws.com"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
SERVICE = "kubernetes:core/v1:Service"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
WAY = Way(host=HOST, port=5432, database="archesai", settings=bootstrap_settings())


def ini(**changed: Any) -> dict[str, dict[str, str]]:
    text = pooler.pgbouncer_ini(
        pooler_settings(**changed),
        host=HOST,
        port=5432,
        database="archesai",
        ca_file="/etc/database/ca.pem",
    )
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}


@once
def placed(**changed: Any) -> Recorder:
    def program() -> None:
        provider = kubernetes.Provider("kubernetes", kubeconfig="{}")
        here = pulumi.ResourceOptions(providers=[provider])
        roles = kubernetes.core.v1.ConfigMap("bootstrapped", opts=here)
        secret = kubernetes.core.v1.ConfigMap("synced", opts=here)
        made = Pooler(
            "pooler",
            PoolerArgs(
                context=context(),
                settings=pooler_settings(**changed),
                bootstrap=neighbour(way=WAY, logins_ready=[roles]),
                namespace=known("production"),
                after=[secret],
            ),
            here,
        )
        pulumi.export("ready", len(made.ready))

    return record(program)


# -- documents -----------------------------------------------------------------------------------
def test_the_guides_file_with_scram_and_verified_tls():
    """POOL-01 to POOL-09: each of the guide's lines, and what it lacks."""
    written = ini()
    assert written["databases"] == {"archesai": f"host={HOST} port=5432 dbname=archesai"}
    assert written["pgbouncer"] == {
        "listen_addr": "*",
        "listen_port": "6432",
        "listen_backlog": "1024",
        "unix_socket_dir": "/tmp",
        "unix_socket_mode": "0700",
        "auth_type": "scram-sha-256",
        "auth_file": "/etc/pgbouncer/userlist.txt",
        "stats_users": "archesai_exporter",
        "pool_mode": "transaction",
        "max_client_conn": "1000",
        "default_pool_size": "25",
        "min_pool_size": "10",
        "reserve_pool_size": "5",
        "reserve_pool_timeout": "3",
        "max_db_connections": "30",
        "max_prepared_statements": "200",
        "server_lifetime": "3600",
        "server_idle_timeout": "600",
        "query_wait_timeout": "10",
        "server_connect_timeout": "5",
        "server_login_retry": "1",
        "client_login_timeout": "15",
        "dns_max_ttl": "5",
        "dns_nxdomain_ttl": "5",
        "tcp_keepalive": "1",
        "tcp_keepidle": "15",
        "tcp_keepintvl": "5",
        "tcp_keepcnt": "3",
        "tcp_user_timeout": "15000",
        "client_tls_sslmode": "disable",
        "server_tls_sslmode": "verify-full",
        "server_tls_ca_file": "/etc/database/ca.pem",
        "server_tls_protocols": "secure",
        "ignore_startup_parameters": "extra_float_digits",
        "log_connections": "0",
        "log_stats": "0",
    }


def test_sizes_are_the_settings_and_the_ceiling_is_what_the_budget_counts():
    """POOL-10."""
    chosen = pooler_settings(defaultPoolSize=15, minPoolSize=5, reservePoolSize=2, instances=2)
    written = ini(defaultPoolSize=15, minPoolSize=5, reservePoolSize=2)["pgbouncer"]
    assert written["default_pool_size"] == "15"
    assert written["max_db_connections"] == "17"
    pods = chosen.instances + chosen.surge
    assert pods * int(written["max_db_connections"]) == budget(chosen, 200, None).pooled == 51


def test_no_document_holds_a_password():
    """POOL-04: they are in the Secret, which has the user list at the guide's place."""
    [secret] = pooler.pooler_secrets(pooler_settings())
    assert secret.name == "archesai-pooler"
    assert secret.values == {"app": "database-app", "exporter": "database-exporter"}
    assert secret.templates == {
        "userlist.txt": '"archesai_app" "{{ .app }}"\n"archesai_exporter" "{{ .exporter }}"\n',
        "password": "{{ .app }}",
        "exporter": "postgres://archesai_exporter:{{ .exporter }}@127.0.0.1:6432/pgbouncer"
        "?sslmode=disable",
    }
    main = pooler_workload(pooler_settings(), WAY).main
    assert main.secret_files == {"/etc/pgbouncer": "archesai-pooler"}
    assert main.env["PGPASSWORD"] == SecretValue(secret="archesai-pooler", key="password")


# -- pods ----------------------------------------------------------------------------------------
def test_it_reaches_the_database_and_nothing_else():
    workload = pooler_workload(pooler_settings(), WAY)
    assert workload.component == "pooler"
    assert workload.reaches == (DataStore(store="database"),)
    assert workload.main.ports == (Port(name="postgres", number=6432),)
    assert workload.metrics == "metrics"
    assert workload.port("metrics") == 9127
    assert not workload.api_access
    assert not workload.identity


def test_a_new_pod_asks_the_database_and_a_running_one_itself():
    main = pooler_workload(pooler_settings(), WAY).main
    assert main.startup is not None
    assert main.readiness is not None
    assert main.startup.command[-3:] == ("-c", "SELECT 1", "archesai")
    assert sql.APP in main.startup.command
    assert main.readiness.command[-3:] == ("-c", "SHOW VERSION", "pgbouncer"), (
        "a full pool or a failover would take every pod out of the Service at once"
    )


def test_a_rollout_never_has_more_pods_than_the_budget_counts():
    """POOL-10: the pod that drains still holds its connections."""
    for surge in (1, 2):
        workload = pooler_workload(pooler_settings(surge=surge), WAY)
        assert workload.surge == surge - 1, "one of them is the pod that drains"
        assert workload.settle_seconds >= workload.stop_seconds, (
            "the next pod would be taken away while the last one still drains"
        )


@pytest.mark.parametrize("longest", [1, 30, 120])
def test_no_rollout_cuts_a_statement_that_the_database_would_have_let_end(longest: int):
    """UPD-03: the application's statements may take as long as the bootstrap allows."""
    settings = bootstrap_settings(statementTimeoutSeconds=longest)
    workload = pooler_workload(pooler_settings(), dataclasses.replace(WAY, settings=settings))
    script = str(workload.main.files["/etc/pooler"]["drain.sh"])
    unlisted, leaving, ending = map(int, re.findall(r"sleep (\d+)", script))
    assert ending > longest, "statements of the last clients end in the middle"
    assert workload.stop_seconds > unlisted + leaving + ending, "the kubelet would kill it before"
    assert workload.settle_seconds < manifests.PROGRESS_SECONDS, "the rollout would have failed"
    assert workload.main.before_stop == ("sh", "/etc/pooler/drain.sh")


# -- in the cluster ------------------------------------------------------------------------------
def test_it_waits_for_the_logins_and_for_its_secret():
    made = placed()
    waits = made.one(DEPLOYMENT).dependencies
    assert {"bootstrapped", "synced"} <= {urn.rsplit("::", 1)[-1] for urn in waits}
    assert made.exports == {"ready": 1}


def test_it_is_three_pods_behind_one_name_that_roll_one_by_one():
    made = placed()
    spec = made.one(DEPLOYMENT).inputs["spec"]
    assert spec["replicas"] == 3
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert spec["minReadySeconds"] == 60
    service = made.one(SERVICE).inputs
    assert service["metadata"]["name"] == "archesai-pooler"
    assert [(port["name"], port["port"]) for port in service["spec"]["ports"]] == [
        ("postgres", 6432)
    ], "metrics are for Prometheus alone"
    assert made.one("arches:index:Pooler", "pooler").outputs == {
        "host": "archesai-pooler",
        "port": 6432,
    }


def test_its_files_are_the_documents_and_the_authorities():
    data = placed().one(CONFIG_MAP, "pooler").inputs["data"]
    assert sorted(name.rsplit("_", 1)[-1] for name in data) == [
        "ca.pem",
        "drain.sh",
        "pgbouncer.ini",
        "start.sh",
    ]
