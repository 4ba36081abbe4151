"""The operators as the engine sees them: which releases, in which order, with which rights."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
import pytest

from components.kubernetes.operators.operators import Operators, OperatorsArgs
from components.kubernetes.operators.releases import external_secrets
from components.kubernetes.operators.releases.velero import ROLE
from components.kubernetes.operators.system_pods import namespaces
from rehearsal.providers import helm
from settings.operators import CHART_VERSIONS
from tests.components.cluster_neighbours import cluster_settings, context
from tests.components.kubernetes.operators.releases.charts import operators
from tests.neighbours import known, neighbour
from tests.recorder import REGION, SECRET, Recorder, Registration, once, record

RELEASE = "kubernetes:helm.sh/v3:Release"
NAMESPACE = "kubernetes:core/v1:Namespace"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
ROLE_KIND = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
STORE = "kubernetes:external-secrets.io/v1:ClusterSecretStore"
EXTERNAL = "kubernetes:external-secrets.io/v1:ExternalSecret"
MASTER = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rds-master"
# Recordings of a hundred resources that several tests share: every chart, and what is chosen anew.
WHOLE: dict[str, Any] = {"sealedSecrets": True, "releaseTimeoutSeconds": 600}
OTHER: dict[str, Any] = {"protect": False, "chartVersions": {"velero": "12.2.0"}}
KEYS = ("jwt", "grafana-admin", "database-exporter", "cache")


def secret_arn(key: str) -> str:
    return f"arn:aws:secretsmanager:eu-central-1:111122223333:secret:{key}"


@once
def built(*, cache: str = "elasticache", protect: bool = True, **given: Any) -> Recorder:
    def program() -> None:
        provider = aws.Provider("aws", region=REGION)
        cluster_provider = kubernetes.Provider("kubernetes", kubeconfig="{}")
        on = pulumi.ResourceOptions(provider=provider)
        addon = aws.eks.Addon("addon", addon_name="coredns", cluster_name="c", opts=on)
        heard = aws.sns.Topic("heard", opts=on)
        group = aws.lb.TargetGroup("gateway", port=8080, opts=on)
        keys: Any = neighbour(
            logs=aws.kms.Key("logs-key", opts=on),
            secrets=aws.kms.Key("secrets-key", opts=on),
            backups=aws.kms.Key("backups-key", opts=on),
        )
        policy = aws.s3.BucketPolicy("velero-policy", bucket="velero", policy="{}", opts=on)
        Operators(
            "operators",
            OperatorsArgs(
                context=context(protect=protect),
                settings=operators(**given),
                cluster=neighbour(cluster_name=known("arches-prod"), addons_ready=[addon]),
                cluster_settings=cluster_settings(),
                network=neighbour(
                    vpc_id=known("vpc-1"),
                    cidr="10.20.0.0/16",
                    private_cidrs=("10.20.32.0/19",),
                    data_cidrs=("10.20.128.0/24",),
                ),
                keys=keys,
                storage=neighbour(
                    access_logs=neighbour(name=known("access-logs"), ready=[]),
                    velero=neighbour(
                        name=known("velero"), arn=known("arn:aws:s3:::velero"), ready=[policy]
                    ),
                ),
                secrets=neighbour(arns={key: known(secret_arn(key)) for key in KEYS}),
                database=neighbour(
                    address=known("db.example.com"),
                    port=5432,
                    name="archesai",
                    master_secret_arn=known(MASTER),
                ),
                cache=neighbour(kind=cache, primary_host=known("cache.example.com"), port=6379),
                bootstrap=neighbour(authorities="-----BEGIN CERTIFICATE-----"),
                edge=neighbour(balancer=neighbour(target_groups={"gateway": group})),
                edge_settings=neighbour(hosts={"api": "api.example.com", "app": "app.example.com"}),
                governance=neighbour(audit_retention_days=365),
                alerting=neighbour(ready=[heard]),
            ),
            pulumi.ResourceOptions(providers=[provider, cluster_provider]),
        )

    return record(program)


def releases(made: Recorder) -> dict[str, Registration]:
    return {each.inputs["name"]: each for each in made.of(RELEASE)}


def before(made: Recorder, one: Registration) -> set[str]:
    """The logical names of everything that must exist before a resource, near and far."""
    by_urn = {each.urn: each for each in made.registrations}
    seen: set[str] = set()
    open_ = [one.urn]
    while open_:
        for urn in by_urn[open_.pop()].dependencies:
            if urn not in seen:
                seen.add(urn)
                open_.append(urn)
    return {by_urn[urn].name for urn in seen}


# -- what is installed ---------------------------------------------------------------------------
def test_every_chart_is_installed_once_at_the_version_of_the_table() -> None:
    made = releases(built(**WHOLE))
    assert set(made) == {*CHART_VERSIONS, "external-secrets-crds"}
    for name, each in made.items():
        assert each.inputs["version"] == CHART_VERSIONS[each.inputs["chart"]], name
        assert each.inputs["repositoryOpts"]["repo"].startswith("https://"), name


def test_a_choice_that_is_off_installs_nothing() -> None:
    made = releases(built(cache="sentinel", autoscaler=False, tracing={"enabled": False}))
    missing = {
        "cluster-autoscaler", "jaeger", "opentelemetry-collector", "prometheus-redis-exporter",
        "sealed-secrets",
    }  # fmt: skip
    assert set(made) == {*CHART_VERSIONS, "external-secrets-crds"} - missing


def test_a_version_of_the_environment_reaches_its_release() -> None:
    made = releases(built(**OTHER))
    assert made["velero"].inputs["version"] == "12.2.0"


def test_a_release_that_fails_leaves_nothing_behind() -> None:
    for name, each in releases(built(**WHOLE)).items():
        assert each.inputs["atomic"] is True, name
        assert each.inputs["cleanupOnFail"] is True, name
        assert each.inputs["timeout"] == 600, name
        assert each.inputs["maxHistory"] == 10, "each revision is a Secret in the cluster's store"
        assert each.inputs["createNamespace"] is False, "it would have no Pod Security"


def test_only_charts_with_a_folder_of_kinds_bring_their_own() -> None:
    made = releases(built(**WHOLE))
    bringing = {name for name, each in made.items() if not each.inputs["skipCrds"]}
    assert bringing == {"aws-load-balancer-controller", "sealed-secrets", "velero"}


def test_the_rehearsal_knows_every_chart_and_every_key_of_its_values() -> None:
    for name, each in releases(built(**WHOLE)).items():
        found = [f"{failure.path}: {failure.reason}" for failure in helm.refusals(each.inputs)]
        assert found == [], f"{name}: Helm would ignore it without a word"


def test_no_value_of_a_release_is_a_secret() -> None:
    for name, each in releases(built()).items():
        assert SECRET not in json.dumps(each.clear), name


# -- the order -----------------------------------------------------------------------------------
def test_every_release_waits_for_its_closed_namespace_and_for_nodes() -> None:
    made = built()
    for name, each in releases(made).items():
        namespace = each.inputs["namespace"]
        first = before(made, each)
        # The kinds are objects only; whoever waits for nodes makes everybody wait a minute more.
        runs_pods = not each.name.startswith("operators-kinds-")
        assert ("addon" in first) == runs_pods, f"{name}: no node, volume or name yet"
        assert f"operators-namespaces-{namespace}" in first, name
        assert f"operators-namespaces-{namespace}-default-deny" in first, (
            f"{name}: its first pods would be open to everybody"
        )


def test_kinds_come_before_everything_that_uses_them() -> None:
    made = built()
    kinds = {
        "operators-kinds-prometheus-operator-crds",
        "operators-kinds-external-secrets-crds",
    }
    for name, each in releases(made).items():
        if each.name not in kinds:
            assert kinds <= before(made, each), f"{name}: its ServiceMonitor would be refused"


def test_kinds_outlive_a_mistake() -> None:
    for made, protect in ((built(), True), (built(**OTHER), False)):
        for name in ("prometheus-operator-crds", "external-secrets-crds"):
            assert releases(made)[name].protect is protect


@pytest.mark.parametrize(
    ("release", "needs"),
    [
        ("kube-prometheus-stack", "operators-metrics-secrets-grafana-admin"),
        ("kube-prometheus-stack", "heard"),
        ("prometheus-postgres-exporter", "operators-metrics-secrets-postgres-exporter"),
        ("prometheus-postgres-exporter", "operators-metrics-authorities"),
        ("prometheus-redis-exporter", "operators-metrics-secrets-redis-exporter"),
        ("external-secrets", "operators-secrets-identity-association"),
        ("aws-load-balancer-controller",
         "operators-controllers-balancer-association"),
        ("cluster-autoscaler", "operators-controllers-autoscaler-association"),
        ("loki", "operators-logs-identity-association"),
        ("loki", "operators-logs-bucket-policy"),
        ("alloy", "operators-logs-loki"),
        ("jaeger", "operators-traces-claim"),
        ("velero", "operators-backups-identity-association"),
        ("velero", "operators-backups-role"),
        ("velero", "velero-policy"),
    ],
)  # fmt: skip
def test_a_release_waits_for_what_its_pods_need_at_once(release: str, needs: str) -> None:
    made = built()
    found = before(made, releases(made)[release])
    assert needs in found, (
        f"{release} would not become ready, and be rolled back; it waits for "
        f"{sorted(name for name in found if name.startswith('operators'))}"
    )


def test_the_store_waits_for_its_webhook_and_is_waited_for() -> None:
    made = built()
    store = made.one(STORE)
    assert "operators-secrets-external-secrets" in before(made, store)
    assert store.inputs["metadata"]["annotations"] == {"pulumi.com/waitFor": "condition=Ready"}
    for each in made.of(EXTERNAL):
        assert "operators-secrets-store" in before(made, each)


# -- identities ----------------------------------------------------------------------------------
def test_each_service_account_that_calls_aws_has_an_identity_of_its_own() -> None:
    made = built()
    found = {
        (each.inputs["namespace"], each.inputs["serviceAccount"]) for each in made.of(ASSOCIATION)
    }
    assert found == {
        ("operators", "aws-load-balancer-controller"),
        ("operators", "cluster-autoscaler"),
        ("operators", "external-secrets"),
        ("logging", "loki"),
        ("velero", "velero-server"),
    }
    values = {name: each.inputs["values"] for name, each in releases(made).items()}
    assert values["loki"]["serviceAccount"]["name"] == "loki"
    assert values["velero"]["serviceAccount"]["server"]["name"] == "velero-server"
    assert values["cluster-autoscaler"]["rbac"]["serviceAccount"]["name"] == "cluster-autoscaler"


def test_external_secrets_reads_every_secret_of_ours_and_the_masters() -> None:
    policy = built().one("aws:iam/policy:Policy", "operators-secrets-identity-read")
    read, decrypt = json.loads(policy.inputs["policy"])["Statement"]
    assert read["Resource"] == sorted([*(secret_arn(key) for key in KEYS), MASTER])
    assert decrypt["Action"] == ["kms:Decrypt"]


def test_the_store_serves_the_application_and_monitoring_alone() -> None:
    assert built().one(STORE).inputs["spec"] == external_secrets.store(
        REGION, ["production", "monitoring"]
    )


def test_velero_is_bound_to_a_role_that_hands_out_no_rights() -> None:
    role = built().one(ROLE_KIND, "operators-backups-role")
    assert role.inputs["metadata"]["name"] == ROLE
    verbs = {verb for rule in role.inputs["rules"] for verb in rule["verbs"]}
    assert not verbs & {"*", "bind", "escalate", "impersonate"}
    assert role.inputs["rules"][0]["apiGroups"] == ["*"]


def test_grafana_reads_dashboards_everywhere_and_secrets_nowhere() -> None:
    made = built()
    role = made.one(ROLE_KIND, "operators-metrics-dashboards")
    stack = releases(made)["kube-prometheus-stack"]
    grafana = stack.inputs["values"]["grafana"]
    assert grafana["rbac"]["useExistingClusterRole"] == role.inputs["metadata"]["name"]
    assert [rule["resources"] for rule in role.inputs["rules"]] == [["configmaps"]]
    for sidecar in ("dashboards", "datasources"):
        assert grafana["sidecar"][sidecar]["resource"] == "configmap", "it would ask for Secrets"
    assert "operators-metrics-dashboards" in before(made, stack)


# -- namespaces ----------------------------------------------------------------------------------
def test_namespaces_are_restricted_but_for_the_node_exporters() -> None:
    """K8S-11."""
    made = {
        each.inputs["metadata"]["name"]: each.inputs["metadata"]["labels"]
        for each in built().of(NAMESPACE)
    }
    levels = {name: labels["pod-security.kubernetes.io/enforce"] for name, labels in made.items()}
    assert levels == namespaces(operators())
    assert [name for name, level in levels.items() if level != "restricted"] == ["monitoring-nodes"]
    for labels in made.values():
        assert labels["pod-security.kubernetes.io/enforce-version"] == "v1.36"


def test_every_policy_lies_in_a_namespace_that_exists() -> None:
    made = built()
    spaces = {each.inputs["metadata"]["name"] for each in made.of(NAMESPACE)}
    policies = made.of(POLICY)
    assert len(policies) == 27
    for each in policies:
        assert each.inputs["metadata"]["namespace"] in spaces
        assert set(each.inputs["spec"]["policyTypes"]) == {"Ingress", "Egress"}


# -- secrets -------------------------------------------------------------------------------------
def test_monitoring_gets_three_secrets_by_their_arns() -> None:
    """SEC-04, SEC-05."""
    specs = {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in built().of(EXTERNAL)}
    assert set(specs) == {"grafana-admin", "postgres-exporter", "redis-exporter"}
    grafana = specs["grafana-admin"]
    assert grafana["secretStoreRef"] == {
        "kind": "ClusterSecretStore",
        "name": external_secrets.STORE,
    }
    assert grafana["target"]["template"]["data"] == {"user": "admin", "password": "{{ .password }}"}
    assert grafana["data"] == [
        {"secretKey": "password", "remoteRef": {"key": secret_arn("grafana-admin")}}
    ]


# -- logs ----------------------------------------------------------------------------------------
def test_logs_have_a_bucket_under_the_logs_key_that_expires_nothing_by_itself() -> None:
    """LOG-01: Loki's compactor deletes; GDPR-04: a deleted version is gone a day later."""
    made = built()
    loki = releases(made)["loki"].inputs["values"]["loki"]
    bucket = made.one("aws:s3/bucket:Bucket", "operators-logs-bucket")
    assert loki["storage"]["bucketNames"]["chunks"] == bucket.inputs["bucket"]
    rules = made.one("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
    text = json.dumps(rules.inputs["rules"])
    assert '"noncurrentDays": 1' in text
    assert '"days"' not in text, "the index would name chunks that are gone"
    assert loki["limits_config"]["retention_stream"][0]["period"] == "8760h"


def test_the_volume_of_traces_does_not_hold_up_the_deployment() -> None:
    claim = built().one("kubernetes:core/v1:PersistentVolumeClaim").inputs
    assert claim["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}, (
        "the claim waits for its pod, and the pod for the claim"
    )
    assert claim["spec"]["storageClassName"] == "gp3-encrypted"
