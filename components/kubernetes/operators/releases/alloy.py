"""Alloy: collects the logs of every pod through the Kubernetes API, and masks what is private.

Meets LOG-01 (JSON lines, parsed), LOG-02 (labels app, component, version from the pods' own labels,
and env), LOG-04 (query strings, Authorization, cookies and tokens are gone before anything is
stored), AUDIT-01 in its part (requests are marked `log="audit"`).

It reads through the API server, so it needs neither root nor host paths and its namespace stays
`restricted`; its members share the pods among each other. Where it has read to is kept on a volume:
otherwise each restart would send every line again. Refused: Promtail (ended 2026-03-02), Fluent Bit
as a DaemonSet on host paths; the chart's right to read every Secret of the cluster.
"""

from __future__ import annotations

import json
import textwrap

from components.kubernetes.operators.releases import (
    CONTAINER,
    MAX_ONE,
    POD,
    Chart,
    Values,
    resources,
    selected,
)
from components.kubernetes.operators.releases.loki import PUSH_URL

CHART = Chart(name="alloy", repository="https://grafana.github.io/helm-charts")
LABELS = selected("alloy")
PORT = 12345
USER = 473  # of the image
STATE = "/var/lib/alloy"

# The label of a line -> what discovery knows of its pod (LOG-02).
POD_LABELS = {
    "app": "__meta_kubernetes_pod_label_app_kubernetes_io_name",
    "component": "__meta_kubernetes_pod_label_app_kubernetes_io_component",
    "version": "__meta_kubernetes_pod_label_app_kubernetes_io_version",
    "namespace": "__meta_kubernetes_namespace",
    "pod": "__meta_kubernetes_pod_name",
    "container": "__meta_kubernetes_pod_container_name",
}

# RE2; the one group of each is replaced (LOG-04). In order: what follows the question mark of any
# path or address, up to the end of its word (the application logs whole URIs, A19); the value of a
# header that carries credentials, as JSON or as text; a token by the words before it, wherever it
# is; and tokens by their own form.
MASKED = (
    r'/[^\s"?]*\?((?:[^\s"\\]|\\[^"])+)',
    r'(?i)"(?:proxy-)?(?:authorization|cookie|set-cookie|x-api-key)"\s*:\s*\[?\s*"((?:[^"\\]|\\.)+)',
    r"(?i)\b(?:proxy-)?(?:authorization|cookie|set-cookie|x-api-key)(?:=|:\s)\s*([^\"\r\n]+)",
    r"(?i)\b(?:bearer|basic)\s+([A-Za-z0-9._~+/=-]{8,})",
    r"\b(eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*)",
)
MASK = "[masked]"
# The guide's message of a request (AUDIT-01), in the two spellings of JSON loggers.
AUDITED = r'"(?:message|msg)"\s*:\s*"API Request"'


def configuration(stack: str, counters: str = "") -> str:
    """Alloy's own language. stack: the label env. counters: stages that count lines for alerts."""
    rules = "\n".join(
        f'  rule {{\n    source_labels = ["{source}"]\n    target_label  = "{label}"\n  }}'
        for label, source in POD_LABELS.items()
    )
    masks = "\n".join(
        f"  stage.replace {{\n    expression = `{expression}`\n    replace    = {_text(MASK)}\n  }}"
        for expression in MASKED
    )
    audited = _text(f'{{app="archesai"}} |~ `{AUDITED}`')
    return f"""\
logging {{
  level  = "warn"
  format = "json"
}}

discovery.kubernetes "pods" {{
  role = "pod"
}}

discovery.relabel "pods" {{
  targets = discovery.kubernetes.pods.targets
{rules}
}}

loki.source.kubernetes "pods" {{
  targets    = discovery.relabel.pods.output
  forward_to = [loki.process.pods.receiver]
  clustering {{
    enabled = true
  }}
}}

loki.process "pods" {{
  forward_to = [loki.write.loki.receiver]
{masks}
  stage.json {{
    expressions = {{ level = "level" }}
  }}
  stage.labels {{
    values = {{ level = "" }}
  }}
  stage.match {{
    selector = {audited}
    stage.static_labels {{
      values = {{ log = "audit" }}
    }}
  }}
{textwrap.indent(counters, "  ")}}}

loki.write "loki" {{
  endpoint {{
    url = {_text(PUSH_URL)}
  }}
  external_labels = {{ env = {_text(stack)} }}
}}
"""


def values(*, stack: str, replicas: int, storage_class: str, counters: str = "") -> Values:
    """A StatefulSet with a small volume for each member."""
    return {
        "crds": {"create": False},
        "global": {
            "podSecurityContext": {**POD, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER}
        },
        "alloy": {
            "configMap": {"content": configuration(stack, counters)},
            "clustering": {"enabled": True},
            "enableReporting": False,
            "storagePath": STATE,
            "securityContext": {**CONTAINER, "runAsUser": USER},
            "resources": resources("100m", "256Mi"),
            "mounts": {"extra": [{"name": "state", "mountPath": STATE}]},
        },
        "configReloader": {"resources": resources("10m", "48Mi")},
        "controller": {
            "type": "statefulset",
            "replicas": replicas,
            "podDisruptionBudget": {"enabled": True, **MAX_ONE},
            "volumeClaimTemplates": [
                {
                    "metadata": {"name": "state"},
                    "spec": {
                        "storageClassName": storage_class,
                        "accessModes": ["ReadWriteOnce"],
                        "resources": {"requests": {"storage": "1Gi"}},
                    },
                }
            ],
        },
        "serviceAccount": {"name": "alloy"},
        # Both lists must hold something: the chart writes one below the other, and an empty one
        # breaks its YAML.
        "rbac": {
            "rules": [_may_read("pods", "pods/log")],
            "clusterRules": [_may_read("namespaces")],
        },
        "serviceMonitor": {"enabled": True},
    }


def _may_read(*kinds: str) -> Values:
    return {"apiGroups": [""], "resources": list(kinds), "verbs": ["get", "list", "watch"]}


def _text(value: str) -> str:
    """A quoted string of Alloy's language, which escapes as JSON does."""
    return json.dumps(value)
