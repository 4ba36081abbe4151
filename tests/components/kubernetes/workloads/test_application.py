"""The application's programs: what they read, whom they reach, how they stop."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
import yaml

from components.balancer import DRAIN_SECONDS, IDLE_SECONDS
from components.kubernetes.workloads.application import (
    API_SECONDS,
    MODEL_SECONDS,
    Application,
    ApplicationArgs,
    Collector,
    api_workload,
    application_secrets,
    declared,
)
from components.kubernetes.workloads.shape import (
    Container,
    DataStore,
    FromLoadBalancer,
    Internet,
    Neighbours,
    Pods,
    Resources,
    SecretValue,
    SyncedSecret,
    Workload,
)
from components.secrets import keys_of
from settings.edge import EdgeSettings
from settings.images import DIGEST
from settings.pooler import budget
from settings.secrets import SecretsSettings
from settings.workloads import WorkloadsSettings
from tests.neighbours import context, neighbour
from tests.recorder import Recorder, once, record
from tests.settings.test_pooler_settings import settings as pooler_settings

IMAGE = "ghcr.io/archesai/archesai:v1.2.3@sha256:" + DIGEST
EVERY = ("api", "platform", "unstructured", "scraper")
COLLECTOR = Collector(
    host="otel-collector.monitoring",
    port=4318,
    pods=Neighbours(namespace="monitoring", labels={"app": "otel"}, ports=(4317, 4318)),
)
DEPLOYMENT = "kubernetes:apps/v1:Deployment"


def settings(**changed: dict[str, Any]) -> WorkloadsSettings:
    plain = {name: {"image": IMAGE} | changed.get(name, {}) for name in EVERY}
    return WorkloadsSettings.model_validate_json(json.dumps(plain))


def edge(**given: Any) -> EdgeSettings:
    plain = {
        "domain": "archesai.com",
        "apiHost": "api.archesai.com",
        "appHost": "app.archesai.com",
        "originPrefixList": "pl-a3a144ca",
    }
    return EdgeSettings.model_validate_json(json.dumps({**plain, **given}))


def secrets(**given: Any) -> SecretsSettings:
    return SecretsSettings.model_validate_json(json.dumps(given))


def cache() -> Any:
    tunnel = Container(
        name="cache-tunnel",
        image="docker.io/library/haproxy@sha256:" + DIGEST,
        resources=Resources(cpu="20m", memory="32Mi", memory_limit="96Mi"),
    )
    return neighbour(
        host="127.0.0.1", port=6379, containers=(tunnel,), reaches=DataStore(store="cache")
    )


def programs(
    workloads: WorkloadsSettings | None = None,
    *,
    door: EdgeSettings | None = None,
    given: SecretsSettings | None = None,
    collector: Collector | None = None,
) -> dict[str, Workload]:
    found: dict[str, Workload] = {}

    def program() -> None:
        for each in declared(
            workloads or settings(),
            edge=door or edge(),
            pooler=pooler_settings(),
            secrets=given or secrets(),
            cache=cache(),
            collector=collector,
        ):
            found[each.component] = each

    record(program)
    return found


@once
def deployed(workloads: WorkloadsSettings | None = None) -> Recorder:
    def program() -> None:
        on = pulumi.ResourceOptions(providers=[kubernetes.Provider("k", kubeconfig="{}")])
        args = ApplicationArgs(
            context=context(),
            namespace="production",
            settings=workloads or settings(),
            edge=edge(),
            pooler=pooler_settings(),
            secrets=secrets(),
            cache=cache(),
            target_groups={},
        )
        Application("app", args, on)

    return record(program)


def file() -> dict[str, Any]:
    """The API's file, as its ConfigMap holds it."""
    held = deployed().one("kubernetes:core/v1:ConfigMap", "app-api").inputs["data"]
    return yaml.safe_load(held["api_etc-archesai_arches.yaml"])


def variables(workload: Workload) -> dict[str, Any]:
    return dict(workload.main.env)


def synced(kind: str = "elasticache", /, **given: Any) -> dict[str, SyncedSecret]:
    endpoint = neighbour(kind=kind, primary_host="redis.example.com", port=6379)
    found: dict[str, SyncedSecret] = {}

    def program() -> None:
        for each in application_secrets(
            secrets(**given), pooler_settings(), endpoint, database="archesai"
        ):
            found[each.name] = each

    record(program)
    return found


def read(value: Any) -> str:
    """What an input holds once it is known."""
    seen: list[str] = []
    record(lambda: pulumi.Output.from_input(value).apply(seen.append))
    return seen[0]


# -- the file and its overrides ------------------------------------------------------------------
def test_the_api_reads_the_guides_decisions_from_its_own_file():
    read_by_api = file()
    assert read_by_api["api"] == {
        "host": "0.0.0.0",
        "port": 8080,
        "cors": "https://app.archesai.com",
        "docs": False,
        "environment": "production",
        "validation": True,
        "email": {"enabled": False},
    }
    assert read_by_api["database"]["maxConns"] == 50, "OPT-01: the pool of DB_POOL_MAX"
    assert read_by_api["database"]["minConns"] == 10, "OPT-02"
    assert read_by_api["database"]["connMaxLifetime"] == "1h", "OPT-03"
    assert read_by_api["redis"]["host"] == "127.0.0.1", "OPT-04: host and port apart"
    assert read_by_api["redis"]["port"] == 6379
    assert read_by_api["logging"] == {"level": "info", "pretty": False}, "ENV-04, ENV-05"


def test_the_file_is_mounted_where_the_loader_looks():
    mounts = programs()["api"].main.files
    assert list(mounts) == ["/etc/archesai"], "A9: the manifests' place is never searched"
    assert list(mounts["/etc/archesai"]) == ["arches.yaml"]


def test_every_override_has_its_key_in_the_file_or_it_would_not_be_read():
    """The loader's own rule: prefix ARCHES, dots become underscores, any case (A2)."""

    def paths(tree: dict[str, Any], prefix: str = "ARCHES") -> set[str]:
        found = set()
        for key, value in tree.items():
            path = f"{prefix}_{key.upper()}"
            found |= paths(value, path) if isinstance(value, dict) else {path}
        return found

    api = programs(given=secrets(openAi=True, sentry=True))["api"]
    overrides = {name for name in variables(api) if name.startswith("ARCHES_")}
    assert overrides == {
        "ARCHES_DATABASE_URL",
        "ARCHES_DATABASE_RUNMIGRATIONS",
        "ARCHES_REDIS_AUTH",
        "ARCHES_AUTH_LOCAL_JWTSECRET",
        "ARCHES_INTELLIGENCE_LLM_TOKEN",
    }
    assert overrides <= paths(file()), "ENV-12: the published default would sign the tokens"


def test_the_applications_own_migrations_are_off_everywhere():
    assert file()["database"]["runMigrations"] is False, "A11: the second start would fail"
    assert variables(programs()["api"])["ARCHES_DATABASE_RUNMIGRATIONS"] == "false"


def test_no_secret_stands_in_the_file_or_as_a_plain_variable():
    held = file()
    assert held["auth"]["local"]["jwtSecret"] == ""
    assert held["database"]["url"] == ""
    assert held["redis"]["auth"] == ""
    for name, value in variables(programs(given=secrets(openAi=True, sentry=True))["api"]).items():
        if re.search(r"SECRET|_KEY$|_URL$|_DSN$|TOKEN$|AUTH$", name):
            assert isinstance(value, SecretValue), f"{name} would stand in the manifest (ENV-07)"


# -- the guide's variables -----------------------------------------------------------------------
# requirement -> the variable and its value; of a secret, the Secret and its key
GUIDE: list[tuple[str, str, Any]] = [
    ("ENV-01", "NODE_ENV", "production"),
    ("ENV-02", "API_PORT", "8080"),
    ("ENV-03", "API_HOST", "0.0.0.0"),
    ("ENV-04", "LOG_LEVEL", "info"),
    ("ENV-05", "LOG_FORMAT", "json"),
    ("LOG-02", "APP_VERSION", "v1.2.3"),
    ("ENV-06", "CORS_ORIGINS", "https://app.archesai.com"),
    ("ENV-07", "DATABASE_URL", SecretValue(secret="archesai-database", key="DATABASE_URL")),
    ("ENV-08", "DB_POOL_MIN", "10"),
    ("ENV-08", "DB_POOL_MAX", "50"),
    ("ENV-09", "DB_CONNECTION_TIMEOUT", "5000"),
    ("ENV-09", "DB_IDLE_TIMEOUT", "10000"),
    ("ENV-10", "REDIS_URL", SecretValue(secret="archesai-redis", key="REDIS_URL")),
    ("ENV-11", "REDIS_MAX_RETRIES", "3"),
    ("ENV-11", "REDIS_RETRY_DELAY", "1000"),
    ("OPT-05", "REDIS_POOL_SIZE", "100"),
    ("OPT-05", "REDIS_MIN_IDLE_CONNS", "10"),
    ("ENV-12", "JWT_SECRET", SecretValue(secret="archesai-secrets", key="JWT_SECRET")),
    (
        "ENV-12",
        "JWT_REFRESH_SECRET",
        SecretValue(secret="archesai-secrets", key="JWT_REFRESH_SECRET"),
    ),
    ("ENV-13", "JWT_EXPIRY", "15m"),
    ("ENV-13", "JWT_REFRESH_EXPIRY", "168h"),
    ("ENV-14", "SESSION_SECRET", SecretValue(secret="archesai-secrets", key="SESSION_SECRET")),
    ("ENV-15", "ENCRYPTION_KEY", SecretValue(secret="archesai-secrets", key="ENCRYPTION_KEY")),
    ("ENV-16", "RATE_LIMIT_WINDOW", "60000"),
    ("ENV-16", "RATE_LIMIT_MAX_REQUESTS", "100"),
    ("ENV-17", "RATE_LIMIT_SKIP_SUCCESSFUL_REQUESTS", "false"),
    ("ENV-18", "OPENAI_API_KEY", SecretValue(secret="archesai-secrets", key="OPENAI_API_KEY")),
    ("ENV-19", "OPENAI_MAX_TOKENS", "4096"),
    ("ENV-19", "OPENAI_TIMEOUT", "25000"),
    ("ENV-20", "METRICS_ENABLED", "true"),
    ("ENV-20", "METRICS_PORT", "9090"),
    ("ENV-21", "TRACING_ENABLED", "true"),
    ("ENV-21", "TRACING_ENDPOINT", "http://otel-collector.monitoring:4318/v1/traces"),
    ("LOG-03", "SENTRY_DSN", SecretValue(secret="archesai-secrets", key="SENTRY_DSN")),
]


def test_the_guides_variables_stand_beside_them_with_the_right_values():
    everything = programs(
        settings(api={"metrics": True, "tracing": True}),
        given=secrets(openAi=True, sentry=True),
        collector=COLLECTOR,
    )
    found = variables(everything["api"])
    for row, name, value in GUIDE:
        assert found.get(name) == value, f"{row}: {name}"
    ours = {name for name in found if not name.startswith("ARCHES_")}
    assert ours == {name for _, name, _ in GUIDE}, "a variable that no requirement asks for"


def test_every_pods_pool_together_is_far_below_what_a_redis_node_takes():
    api = programs()["api"]
    clients = ((api.maximum or api.minimum) + 1) * int(variables(api)["REDIS_POOL_SIZE"])
    assert clients == 1100 < 65_000, "OPT-05; ElastiCache: 65,000 connections of a node"


def test_every_duration_that_go_reads_is_one_that_go_parses():
    go = re.compile(r"(\d+(\.\d+)?(ns|us|ms|s|m|h))+")
    held = file()
    found = [
        held["auth"]["local"]["accessTokenTTL"],
        held["auth"]["local"]["refreshTokenTTL"],
        held["database"]["connMaxLifetime"],
        held["database"]["connMaxIdleTime"],
    ]
    assert found == ["15m", "168h", "1h", "10s"]
    assert all(go.fullmatch(each) for each in found), "ENV-13: Go refuses 7d"


def test_timeouts_grow_outwards():
    assert MODEL_SECONDS < API_SECONDS < IDLE_SECONDS, "LB-22: equal ones race"
    assert variables(programs()["api"])["OPENAI_TIMEOUT"] == str(MODEL_SECONDS * 1000)


def test_origins_are_exact_and_the_same_in_file_and_variable():
    more = settings(api={"origins": ["https://admin.archesai.com"]})
    found = variables(programs(more)["api"])["CORS_ORIGINS"]
    assert found == "https://app.archesai.com,https://admin.archesai.com", "SEC-02"
    assert "*" not in file()["api"]["cors"], "ENV-06: any site could use a user's cookies"


# -- secrets -------------------------------------------------------------------------------------
def test_every_secret_that_a_program_reads_is_made():
    made = {
        (each.name, key)
        for each in synced(openAi=True, sentry=True).values()
        for key in (each.templates or each.values)
    }
    wanted = {
        (value.secret, value.key)
        for workload in programs(given=secrets(openAi=True, sentry=True)).values()
        for value in variables(workload).values()
        if isinstance(value, SecretValue)
    }
    assert wanted <= made, "SEC-04: the pod would wait for it for ever"
    assert made - wanted == {("archesai-database", "POSTGRES_PASSWORD")}, (
        "A9 names it, nobody reads"
    )


@pytest.mark.parametrize("flags", [{}, {"openAi": True, "sentry": True}])
def test_every_value_comes_from_a_secret_that_these_settings_have(flags: dict[str, bool]):
    have = set(keys_of(secrets(**flags)))
    wanted = {value for each in synced(**flags).values() for value in each.values.values()}
    assert wanted <= have, "SEC-05: a secret that nobody makes"
    assert ("open-ai" in wanted) is ("openAi" in flags)


def test_the_database_is_reached_through_the_pooler():
    url = read(synced()["archesai-database"].templates["DATABASE_URL"])
    parts = urlsplit(url.replace("{{ .password }}", "secret"))
    assert (parts.hostname, parts.port, parts.path) == ("archesai-pooler", 6432, "/archesai")
    assert (parts.username, parts.password) == ("archesai_app", "secret")
    assert parts.query == "sslmode=prefer&connect_timeout=5", "ENV-09: seconds in a URL"


@pytest.mark.parametrize(("kind", "scheme"), [("elasticache", "rediss"), ("sentinel", "redis")])
def test_the_caches_url_says_tls_where_the_cache_demands_it(kind: str, scheme: str):
    url = read(synced(kind)["archesai-redis"].templates["REDIS_URL"])
    assert url == f"{scheme}://:{{{{ .password }}}}@redis.example.com:6379", "ENV-10"


# -- whom they reach -----------------------------------------------------------------------------
def test_the_api_reaches_what_it_is_configured_for_and_nothing_else():
    reaches = programs()["api"].reaches
    assert reaches == (
        Pods(component="pooler", port="postgres"),
        DataStore(store="cache"),
        Pods(component="unstructured", port="http"),
        Pods(component="scraper", port="http"),
    )


@pytest.mark.parametrize("flag", ["openAi", "sentry"])
def test_a_service_outside_opens_the_way_to_it(flag: str):
    assert Internet() in programs(given=secrets(**{flag: True}))["api"].reaches, (
        "ENV-18: the guide's policy blocks the call"
    )


def test_the_reader_of_strangers_documents_reaches_nobody():
    assert programs()["unstructured"].reaches == ()


def test_a_page_reader_reaches_the_web_and_nothing_of_ours():
    assert programs()["scraper"].reaches == (Internet(ports=(80, 443)),)


def test_the_gateway_is_the_door_unless_the_load_balancer_forwards_here():
    assert programs()["api"].entered_by == ()
    direct = edge(
        targets={
            "api": {"port": 8080, "hosts": ["api"]},
            "platform": {"port": 3000, "hosts": ["app"], "healthPath": "/"},
        }
    )
    found = programs(door=direct)
    assert found["api"].entered_by == (FromLoadBalancer(port="http"),)
    assert found["platform"].entered_by == (FromLoadBalancer(port="http"),)


# -- what the application does not have yet ------------------------------------------------------
def test_metrics_and_traces_are_off_until_the_application_has_them():
    api = programs()["api"]
    assert api.metrics is None
    assert [port.number for port in api.main.ports] == [8080], "A5: nothing would answer on 9090"
    assert "TRACING_ENDPOINT" not in variables(api)


def test_one_setting_each_switches_them_on():
    api = programs(settings(api={"metrics": True, "tracing": True}), collector=COLLECTOR)["api"]
    assert api.metrics == "metrics"
    assert api.port("metrics") == 9090
    assert COLLECTOR.pods in api.reaches, "ENV-21: the guide's policy blocks its own endpoint"
    endpoint = variables(api)["TRACING_ENDPOINT"]
    assert endpoint == "http://otel-collector.monitoring:4318/v1/traces"
    assert urlsplit(endpoint).port in COLLECTOR.pods.ports


def test_traces_to_nowhere_are_refused():
    with pytest.raises(ValueError, match=r"tracing is true and no collector runs"):
        alone(settings(api={"tracing": True}))


# -- pods ----------------------------------------------------------------------------------------
def test_a_stopping_pod_serves_until_the_target_group_has_let_it_go():
    for name in ("api", "platform"):
        found = programs()[name]
        assert found.drain_seconds > DRAIN_SECONDS, name
        assert found.stop_seconds > found.drain_seconds + API_SECONDS, (
            f"{name}: its own 30 s of shutdown would be cut off (UPD-03)"
        )


def test_a_rollout_of_the_api_has_the_pods_that_the_connection_budget_counts():
    """UPD-03, POOL-10."""
    rollout = deployed().one(DEPLOYMENT, "app-api").inputs["spec"]["strategy"]["rollingUpdate"]
    counted = budget(pooler_settings(), 200, settings().api)
    assert rollout == {"maxSurge": counted.api_surge, "maxUnavailable": 0}
    assert programs()["api"].maximum == counted.api_replicas, "the autoscaler would go beyond it"


def test_probes_ask_what_the_guide_asks_as_often():
    api = programs()["api"].main
    assert api.readiness is not None
    assert api.liveness is not None
    assert (api.readiness.path, api.readiness.period) == ("/health", 5)
    assert (api.liveness.path, api.liveness.period) == ("/health", 10)
    platform = programs()["platform"].main.readiness
    assert platform is not None
    assert platform.path == "/"


def test_the_tunnel_to_the_cache_runs_beside_the_api_only():
    assert [c.name for c in programs()["api"].containers] == ["api", "cache-tunnel"]
    assert [c.name for c in programs()["platform"].containers] == ["platform"]


def test_only_what_is_named_is_deployed_under_the_applications_names():
    made = deployed(WorkloadsSettings.model_validate_json(json.dumps({"api": {"image": IMAGE}})))
    assert [r.inputs["metadata"]["name"] for r in made.of(DEPLOYMENT)] == ["archesai-api"]
    every = deployed()
    assert sorted(r.inputs["metadata"]["name"] for r in every.of(DEPLOYMENT)) == [
        "archesai-api",
        "archesai-platform",
        "archesai-scraper",
        "archesai-unstructured",
    ], "A8"


def test_images_and_namespace_are_the_environments_and_no_store_comes_along():
    """CICD-08: the guide's chart would bring PostgreSQL and Redis with a password of its own."""
    built = {name: IMAGE.replace("archesai:v1.2.3", f"{name}:v2.0.0") for name in EVERY}
    made = deployed(settings(**{name: {"image": image} for name, image in built.items()}))
    running = {each.name: each.inputs for each in made.of(DEPLOYMENT)}
    for name, image in built.items():
        described = running.pop(f"app-{name}")
        assert described["metadata"]["namespace"] == "production"
        assert image in {
            each["image"] for each in described["spec"]["template"]["spec"]["containers"]
        }
    assert not running, "a program that nobody named"
    for kind in ("apps/v1:StatefulSet", "core/v1:Secret", "helm.sh/v3:Release"):
        assert not made.of(f"kubernetes:{kind}"), "what the chart's defaults bring along"


def test_the_api_port_is_one_number_everywhere():
    both = {"api": {"image": IMAGE, "port": 8181}, "platform": {"image": IMAGE}}
    made = deployed(WorkloadsSettings.model_validate_json(json.dumps(both)))
    texts = json.dumps([r.inputs for r in made.custom if "app-api" in r.name])
    assert set(re.findall(r"\b(?:8080|3001|8181)\b", texts)) == {"8181"}, "ENV-02"
    platform = json.dumps(made.one(DEPLOYMENT, "app-platform").inputs)
    assert "archesai-api:8181" in platform


def alone(workloads: WorkloadsSettings) -> Workload:
    return api_workload(
        workloads, edge=edge(), pooler=pooler_settings(), secrets=secrets(), cache=cache()
    )


def test_an_api_without_an_image_cannot_be_declared():
    with pytest.raises(ValueError, match=r"workloads\.api is absent"):
        alone(WorkloadsSettings())
