"""What the collector takes away from a line, and what it adds to it."""

from __future__ import annotations

import json
import re
import textwrap

import pytest

from components.kubernetes.observability.rules.pods import log_counters
from components.kubernetes.operators.releases.alloy import (
    AUDITED,
    MASK,
    MASKED,
    POD_LABELS,
    configuration,
    values,
)


def kept(line: str) -> str:
    """What Alloy's stages leave of a line: each captured group is replaced (loki.process,
    stage.replace)."""
    for expression in MASKED:
        line = re.sub(expression, lambda found: found[0].replace(found[1], MASK, 1), line)
    return line


REQUEST = {
    "time": "2026-11-21T10:00:00Z",
    "level": "INFO",
    "msg": "request",
    "id": "r-1",
    "method": "GET",
    "uri": "/auth/callback?code=SECRET-1&state=SECRET-2",
    "status": 302,
    "latency": 12,
    "remote_ip": "203.0.113.7",
}


def test_a_callbacks_code_is_not_stored_and_the_line_is_still_json() -> None:
    line = kept(json.dumps(REQUEST))
    assert "SECRET" not in line, "whoever reads the logs could sign in (LOG-04)"
    assert json.loads(line) == {**REQUEST, "uri": f"/auth/callback?{MASK}"}


@pytest.mark.parametrize(
    ("line", "left"),
    [
        # Go escapes & in JSON.
        (
            r'{"uri":"/auth/callback?code=SECRET\u0026state=SECRET","status":302}',
            rf'{{"uri":"/auth/callback?{MASK}","status":302}}',
        ),
        (
            '10.0.0.1 - "GET /auth/callback?code=SECRET HTTP/1.1" 302',
            f'10.0.0.1 - "GET /auth/callback?{MASK} HTTP/1.1" 302',
        ),
        (
            '{"referer":"https://app.example.com/verify?token=SECRET"}',
            f'{{"referer":"https://app.example.com/verify?{MASK}"}}',
        ),
        (
            '{"link":"https://app.example.com?token=SECRET"}',
            f'{{"link":"https://app.example.com?{MASK}"}}',
        ),
        (
            '{"headers":{"Authorization":"Bearer SECRET-SECRET","Accept":"*/*"}}',
            f'{{"headers":{{"Authorization":"{MASK}","Accept":"*/*"}}}}',
        ),
        (
            '{"headers":{"authorization":["Basic SECRETSECRET"]}}',
            f'{{"headers":{{"authorization":["{MASK}"]}}}}',
        ),
        (
            '{"Cookie":"session=SECRET; theme=dark"}',
            f'{{"Cookie":"{MASK}"}}',
        ),
        ("authorization: Bearer SECRET.SECRET", f"authorization: {MASK}"),
        ("calling with Bearer SECRET-SECRET now", f"calling with Bearer {MASK} now"),
        (
            "token eyJhbGciOi.eyJSECRET.c2lnSECRET refused",
            f"token {MASK} refused",
        ),
    ],
)
def test_credentials_are_masked_wherever_they_stand(line: str, left: str) -> None:
    assert kept(line) == left


@pytest.mark.parametrize(
    "line",
    [
        json.dumps({**REQUEST, "uri": "/api/v1/artifacts"}),
        '{"level":"ERROR","msg":"failed to connect to Redis, using in-memory alternatives"}',
        "panic: runtime error: index out of range [3] with length 3",
        '{"msg":"what is basic?","level":"INFO"}',
    ],
)
def test_a_line_without_a_secret_is_left_alone(line: str) -> None:
    assert kept(line) == line


def test_the_expressions_are_what_both_engines_read_alike() -> None:
    for expression in MASKED:
        assert re.compile(expression).groups == 1, "each group would be replaced"
        assert not re.search(r"\(\?[=!<]|\\[1-9]", expression), "RE2 knows neither"
        assert "`" not in expression, "it would end the raw string"
        assert f"expression = `{expression}`" in configuration("prod")


def test_lines_are_masked_before_anything_is_taken_from_them() -> None:
    text = configuration("prod", log_counters())
    assert text.index("stage.replace") < text.index("stage.json") < text.index("stage.match")
    assert text.count("stage.replace {") == len(MASKED) == 5
    assert textwrap.indent(log_counters(), "  ") in text, "the alerts on lines would stay silent"
    assert text.count("{") == text.count("}")


def test_labels_come_from_the_pods_own_labels() -> None:
    """LOG-02: app, env and version; the application adds none of them (A19)."""
    text = configuration("prod")
    assert POD_LABELS["app"].endswith("label_app_kubernetes_io_name")
    assert POD_LABELS["version"].endswith("label_app_kubernetes_io_version")
    for label, source in POD_LABELS.items():
        assert f'source_labels = ["{source}"]\n    target_label  = "{label}"' in text
    assert 'external_labels = { env = "prod" }' in text


def test_requests_are_marked_for_the_audit_log() -> None:
    """AUDIT-01: the guide's message, in both spellings of JSON loggers."""
    assert re.search(AUDITED, '{"message":"API Request","path":"/api"}')
    assert re.search(AUDITED, '{"msg": "API Request"}')
    assert not re.search(AUDITED, '{"message":"API Requests are slow"}')
    assert 'values = { log = "audit" }' in configuration("prod")


def test_the_collector_reads_through_the_api_and_sees_no_secret_of_the_cluster() -> None:
    made = values(stack="prod", replicas=2, storage_class="gp3")
    assert 'loki.source.kubernetes "pods"' in made["alloy"]["configMap"]["content"]
    assert "varlog" not in str(made), "a host path needs a privileged namespace"
    assert made["alloy"]["clustering"]["enabled"] is True, "each line would be stored twice"
    rules = [*made["rbac"]["rules"], *made["rbac"]["clusterRules"]]
    assert sorted(kind for rule in rules for kind in rule["resources"]) == [
        "namespaces",
        "pods",
        "pods/log",
    ]
    assert made["rbac"]["clusterRules"], "the chart's YAML breaks where one list is empty"


def test_where_it_has_read_to_survives_a_restart() -> None:
    made = values(stack="prod", replicas=2, storage_class="gp3")
    claim = made["controller"]["volumeClaimTemplates"][0]
    assert made["controller"]["type"] == "statefulset"
    assert made["alloy"]["mounts"]["extra"] == [
        {"name": claim["metadata"]["name"], "mountPath": made["alloy"]["storagePath"]}
    ], "a restart would send every line again"
