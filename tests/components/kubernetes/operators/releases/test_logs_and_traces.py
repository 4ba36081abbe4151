"""Loki, the OpenTelemetry collector and Jaeger: how long, how many, through which door."""

from __future__ import annotations

import re

import pytest

from components.kubernetes.operators.releases import jaeger, loki, opentelemetry_collector
from components.kubernetes.operators.releases.alloy import values as alloy_values
from tests.components.kubernetes.operators.releases.charts import every, operators


def loki_values(**logging: int) -> dict:
    return loki.values(
        operators(logging=logging).logging,
        bucket="logs",
        region="eu-central-1",
        storage_class="gp3-encrypted",
        audit_days=365,
    )


# -- Loki ----------------------------------------------------------------------------------------
def test_logs_are_deleted_after_30_days_and_the_audit_log_after_a_year() -> None:
    """LOG-01, AUDIT-01: the period alone does nothing; the compactor must be told."""
    made = loki_values()["loki"]
    assert made["limits_config"]["retention_period"] == "720h"
    assert made["limits_config"]["retention_stream"] == [
        {"selector": '{log="audit"}', "priority": 1, "period": "8760h"}
    ]
    assert made["compactor"] == {"retention_enabled": True, "delete_request_store": "s3"}


@pytest.mark.parametrize("replicas", [1, 3])
def test_a_line_is_written_as_often_as_there_are_replicas(replicas: int) -> None:
    made = loki_values(replicas=replicas)
    assert made["singleBinary"]["replicas"] == replicas
    assert made["loki"]["commonConfig"]["replication_factor"] == replicas, (
        "the default 3 leaves one Loki waiting for two others for ever"
    )


def test_loki_is_one_program_with_a_bucket_and_without_keys() -> None:
    made = loki_values()
    assert made["deploymentMode"] == "Monolithic"
    assert [made[part]["replicas"] for part in ("write", "read", "backend")] == [0, 0, 0], (
        "the chart refuses the mix, and they default to 3"
    )
    storage = made["loki"]["storage"]
    assert storage["bucketNames"] == {"chunks": "logs", "ruler": "logs"}
    assert storage["s3"] == {"region": "eu-central-1"}, "an access key has no place here"
    assert made["loki"]["schemaConfig"]["configs"][0]["schema"] == "v13"
    assert made["chunksCache"] == {"enabled": False}, "it asks for 9.8 GB in one pod"


def test_the_collector_and_grafana_know_lokis_address() -> None:
    assert f"http://loki.logging.svc:{loki.PORT}/loki/api/v1/push" == loki.PUSH_URL
    content = alloy_values(stack="prod", replicas=2, storage_class="gp3")["alloy"]["configMap"]
    assert f'url = "{loki.PUSH_URL}"' in content["content"]


# -- traces --------------------------------------------------------------------------------------
def test_the_guides_endpoint_is_a_port_of_the_collector() -> None:
    """ENV-21: OTLP on 4317 and 4318, and 14268 for the guide's own variable."""
    receivers = opentelemetry_collector.configuration()["receivers"]
    heard = {int(port) for port in re.findall(r":(\d+)'", str(receivers))}
    assert heard == {4317, 4318, 14268}
    assert opentelemetry_collector.GUIDE_ENDPOINT.endswith(":14268/api/traces")
    assert opentelemetry_collector.ENDPOINT.endswith(":4317")


def test_spans_lose_their_query_strings_and_credentials_before_they_leave() -> None:
    made = opentelemetry_collector.configuration()
    order = made["service"]["pipelines"]["traces"]["processors"]
    assert order == ["memory_limiter", "attributes/private", "transform/private", "batch"]
    deleted = [action["key"] for action in made["processors"]["attributes/private"]["actions"]]
    assert "http.request.header.authorization" in deleted
    statements = made["processors"]["transform/private"]["trace_statements"]
    assert statements[0] == r'replace_pattern(span.attributes["http.target"], "\\?.*$", "")'


def test_every_part_of_the_collector_that_is_named_is_there() -> None:
    made = opentelemetry_collector.configuration()
    pipeline = made["service"]["pipelines"]["traces"]
    for part in ("receivers", "processors", "exporters"):
        assert set(pipeline[part]) == set(made[part]), "the collector would not start"
    assert made["service"]["extensions"] == list(made["extensions"])


def test_the_collector_replaces_the_charts_configuration_and_opens_three_doors() -> None:
    _, made = every()["opentelemetry-collector"]
    assert "config" not in made, "it would be merged with seven receivers of the chart"
    off = {name for name, port in made["ports"].items() if not port["enabled"]}
    assert off == {"jaeger-compact", "jaeger-grpc", "zipkin"}
    assert made["image"]["repository"].startswith("ghcr.io/"), "Docker Hub's copy ended"


def test_traces_end_by_themselves_and_survive_a_restart() -> None:
    settings = operators(tracing={"retentionHours": 48}).tracing
    made = jaeger.configuration(settings)
    badger = made["extensions"]["jaeger_storage"]["backends"]["traces"]["badger"]
    assert badger["ttl"] == {"spans": "48h"}
    assert badger["ephemeral"] is False
    mounts = jaeger.values(settings)["jaeger"]
    path = mounts["extraVolumeMounts"][0]["mountPath"]
    assert badger["directories"]["keys"].startswith(path + "/")
    assert mounts["extraVolumes"][0]["persistentVolumeClaim"] == {"claimName": jaeger.CLAIM}


def test_jaegers_pod_rolls_when_its_configuration_changes() -> None:
    short = jaeger.values(operators(tracing={"retentionHours": 24}).tracing)
    long = jaeger.values(operators(tracing={"retentionHours": 72}).tracing)
    assert short["jaeger"]["podLabels"] != long["jaeger"]["podLabels"]
    assert "userconfig" in long
    assert "config" not in long, "no template reads it"
