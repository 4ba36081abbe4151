"""The exporters' Deployments: whom they ask for when a password is replaced."""

from __future__ import annotations

from components.kubernetes.workloads.manifests import RELOADER
from rehearsal.providers import helm
from tests.components.kubernetes.operators.releases.charts import every

# Where each chart's templates/deployment.yaml takes the annotations of its Deployment.
KEYS = {
    "prometheus-postgres-exporter": ("deployment", "annotations"),
    "prometheus-redis-exporter": ("annotations",),
}


def test_an_exporter_starts_again_with_a_replaced_password() -> None:
    """SEC-06, MON-09: its password is in its environment, and only a new pod reads it again."""
    for name, path in KEYS.items():
        chart, values = every()[name]
        known = helm.charts()[chart.name].keys
        for key in path:
            assert key in known, f"{name} has no key {'.'.join(path)}"
            known, values = known[key] or {}, values.get(key, {})
        assert values == RELOADER, f"{name}: a rotation would look like an outage until a restart"


def test_every_exporter_with_a_password_is_in_the_table() -> None:
    named = {
        name
        for name, (_, values) in every().items()
        if name.endswith("-exporter") and "password" in str(values)
    }
    assert named == set(KEYS)
