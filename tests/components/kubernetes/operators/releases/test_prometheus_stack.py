"""Prometheus as the guide says, Alertmanager without secrets in its values, Grafana for few."""

from __future__ import annotations

from components.kubernetes.operators.releases.prometheus_stack import grafana_ini
from settings.operators import GrafanaSignIn
from tests.components.kubernetes.operators.releases.charts import stack
from tests.settings.test_operators_settings import SIGN_IN


def test_prometheus_asks_and_thinks_every_15_seconds_twice_and_keeps_it_on_a_volume() -> None:
    """MON-01."""
    spec = stack(retentionDays=20, volumeGib=100)["prometheus"]["prometheusSpec"]
    assert (spec["scrapeInterval"], spec["evaluationInterval"]) == ("15s", "15s")
    assert spec["replicas"] == 2
    assert spec["podAntiAffinity"] == "hard", "one node would take both"
    assert spec["retention"] == "20d"
    assert spec["retentionSize"] == "80GiB", "it must end before the volume does"
    claim = spec["storageSpec"]["volumeClaimTemplate"]["spec"]
    assert claim["storageClassName"] == "gp3-encrypted"
    assert claim["resources"]["requests"]["storage"] == "100Gi"


def test_rules_and_monitors_are_found_whatever_their_labels() -> None:
    """MON-04: otherwise the operator ignores them without a word."""
    spec = stack()["prometheus"]["prometheusSpec"]
    found = sorted(key for key, value in spec.items() if key.endswith("NilUsesHelmValues"))
    assert found == [
        "podMonitorSelectorNilUsesHelmValues",
        "probeSelectorNilUsesHelmValues",
        "ruleSelectorNilUsesHelmValues",
        "scrapeConfigSelectorNilUsesHelmValues",
        "serviceMonitorSelectorNilUsesHelmValues",
    ]
    assert not any(spec[key] for key in found)


def test_what_eks_hides_is_neither_scraped_nor_alerted_about() -> None:
    values = stack()
    for component in ("kubeControllerManager", "kubeScheduler", "kubeEtcd", "kubeProxy"):
        assert values[component] == {"enabled": False}, "absent(up) would fire for ever"
    assert set(values["defaultRules"]["rules"].values()) == {False}
    assert set(values["defaultRules"]["rules"]) >= {
        "kubeControllerManager",
        "kubeSchedulerAlerting",
        "kubeProxy",
        "etcd",
    }


def test_alertmanager_reads_its_routes_from_a_secret_of_ours() -> None:
    """MON-08."""
    spec = stack()["alertmanager"]["alertmanagerSpec"]
    assert spec["replicas"] == 3
    assert spec["useExistingSecret"] is True
    assert spec["configSecret"] == "alertmanager-config"
    assert "config" not in stack()["alertmanager"], "receivers would stand in Helm's values"
    assert stack()["alertmanager"]["serviceAccount"]["name"] == "alertmanager"


def test_the_node_exporter_alone_leaves_the_restricted_namespace() -> None:
    values = stack()
    assert values["prometheus-node-exporter"]["namespaceOverride"] == "monitoring-nodes"
    assert values["crds"] == {"enabled": False}, "kinds are a step of their own"


def test_nobody_who_only_counts_reads_the_secrets() -> None:
    assert stack()["kube-state-metrics"]["collectorsExclude"] == ["secrets"], (
        "listing Secrets is reading them"
    )


def test_grafana_knows_its_password_from_a_secret_and_its_dashboards_from_code() -> None:
    """MON-10."""
    grafana = stack()["grafana"]
    assert grafana["admin"] == {
        "existingSecret": "grafana-admin",
        "userKey": "user",
        "passwordKey": "password",
    }
    assert grafana["persistence"] == {"enabled": False}, "a root container would own the volume"
    boards = grafana["sidecar"]["dashboards"]
    assert (boards["label"], boards["searchNamespace"]) == ("grafana_dashboard", "ALL")
    assert grafana["defaultDashboardsEditable"] is False
    assert [source["uid"] for source in grafana["additionalDataSources"]] == ["loki", "jaeger"]
    assert "ingress" not in grafana, "not public"


def test_nobody_signs_up_and_nobody_is_anonymous() -> None:
    ini = grafana_ini(None)
    assert ini["auth.anonymous"] == {"enabled": False}
    assert ini["users"] == {"allow_sign_up": False}
    assert "auth.generic_oauth" not in ini


def test_people_sign_in_by_their_own_provider_and_strangers_do_not() -> None:
    ini = grafana_ini(GrafanaSignIn.model_validate(SIGN_IN))
    provider = ini["auth.generic_oauth"]
    assert provider["use_pkce"] is True
    assert "client_secret" not in provider
    assert provider["role_attribute_strict"] is True, "a stranger would become a viewer"
    assert provider["role_attribute_path"] == (
        "contains(groups[*], 'platform') && 'Admin' || "
        "contains(groups[*], 'engineering') && 'Viewer'"
    )
    assert ini["server"] == {"root_url": "http://localhost:3000"}
