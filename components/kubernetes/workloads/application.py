"""The application's own programs: API, web application, document reader, page reader.

The API reads a file, `/etc/archesai/arches.yaml`, and of the environment only `ARCHES_*` variables
whose key the file contains (fact A2). So the file here contains every key that matters, secrets
come as such variables, and the guide's own names stand beside them for a revision that reads them.

Meets ENV-01 to ENV-21, OPT-01 to OPT-05, SEC-02 (origins), SEC-04 and SEC-05 (every secret in use),
MIG-01 (the application's own runner is off), CICD-08 (programs are declared here, images and
namespace are the environment's, and no chart brings a database or a password along), UPD-03
(drain), LB-22 (timeouts grow outwards), K8S-05, K8S-06, K8S-07, K8S-09 as far as it declares whom
it reaches, LOG-02 and LOG-03 (version, Sentry), A22's sizes (settings/workloads.py).

- Each duration is one number of seconds and is written as its reader takes it: milliseconds, Go.
- `sslmode=prefer` to the pooler: PgBouncer takes TLS where it has a certificate, and the way to it
  stays inside the cluster; PgBouncer itself verifies the database (ENV-07).
- JWT_REFRESH_EXPIRY is 168h, since Go does not know 7d (ENV-13).

Refused: envFrom (a key that is added to a Secret would become a variable unseen); a placeholder
where the file's secrets stand (ENV-12: the default, "change-me-in-production", signs tokens); the
manifests' mount /archesai/conf/config.yaml, where no loader looks (A9); a shared service account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
import yaml

from components.balancer import DRAIN_SECONDS
from components.cache import CacheEndpoint
from components.context import Context
from components.kubernetes.data.sql import APP
from components.kubernetes.workloads.shape import (
    APPLICATION,
    Container,
    Entrance,
    FromLoadBalancer,
    Internet,
    Neighbours,
    Peer,
    Pods,
    Port,
    Probe,
    Resources,
    SecretValue,
    SyncedSecret,
    Workload,
)
from components.kubernetes.workloads.workload import Deployed, DeployedArgs
from settings.edge import EdgeSettings
from settings.pooler import PoolerSettings
from settings.secrets import SecretsSettings
from settings.workloads import (
    API_SURGE,
    METRICS_PORT,
    ApiSettings,
    HelperSettings,
    PlatformSettings,
    SizeSettings,
    WorkloadsSettings,
)

if TYPE_CHECKING:
    from components.kubernetes.data.cache_tunnel import CacheClient

HTTP = "http"
# Where the API's loader looks (A2), and the file's name there.
CONFIGURATION = "/etc/archesai"
FILE = "arches.yaml"
USER = 65532
NODE_USER = 1000  # `node` of the official Node images, and the user of the document reader
POOLER = Pods(component="pooler", port="postgres")

# Timeouts grow outwards (section 1): model < API (its own constant, A18) < load balancer's 60 s.
MODEL_SECONDS = 25
API_SECONDS = 30
# What the guide says in milliseconds.
CONNECT_SECONDS = 5
IDLE_SECONDS = 10
RETRY_SECONDS = 1
RETRIES = 3
WINDOW_SECONDS = 60
REQUESTS = 100
MODEL_TOKENS = 4096
ACCESS = "15m"
REFRESH = "168h"  # the guide's 7d, as Go spells it
CONNECTION_LIFE = "1h"
# OPT-05: the guide's pool of one pod, under the names that the application's code has for them.
REDIS_POOL = 100
REDIS_IDLE = 10

# A pod that the load balancer may still send to lives until the target group has let it go.
DRAIN = DRAIN_SECONDS + 5
STOP_SECONDS = DRAIN + API_SECONDS + 10
# A Service stops sending within seconds; a document may take its reader a minute.
HELPER_DRAIN = 15
HELPER_STOP_SECONDS = HELPER_DRAIN + 75


# -- secrets -------------------------------------------------------------------------------------
DATABASE_SECRET = f"{APPLICATION}-database"
CACHE_SECRET = f"{APPLICATION}-redis"
SECRET = f"{APPLICATION}-secrets"  # the guide's name (SEC-04)

# variable -> key of `components.secrets.Secrets`
KEYS = {
    "JWT_SECRET": "jwt",
    "JWT_REFRESH_SECRET": "jwt-refresh",
    "SESSION_SECRET": "session",
    "ENCRYPTION_KEY": "encryption",
}
MODEL_KEY = "OPENAI_API_KEY"
SENTRY_KEY = "SENTRY_DSN"


def application_secrets(
    secrets: SecretsSettings, pooler: PoolerSettings, cache: CacheEndpoint, *, database: str
) -> tuple[SyncedSecret, ...]:
    """The Kubernetes Secrets of the application, by the names of its manifests (A9).

    database: the database's name. REDIS_URL is for a client that speaks TLS where the cache does.
    """
    scheme = "rediss" if cache.kind == "elasticache" else "redis"
    given = {MODEL_KEY: "open-ai"} if secrets.open_ai else {}
    given |= {SENTRY_KEY: "sentry"} if secrets.sentry else {}
    return (
        SyncedSecret(
            name=DATABASE_SECRET,
            values={"password": "database-app"},
            templates={
                "POSTGRES_PASSWORD": "{{ .password }}",
                "DATABASE_URL": f"postgresql://{APP}:{{{{ .password }}}}@"
                f"{APPLICATION}-{POOLER.component}:{pooler.port}/{database}"
                f"?sslmode=prefer&connect_timeout={CONNECT_SECONDS}",
            },
        ),
        SyncedSecret(
            name=CACHE_SECRET,
            values={"password": "cache"},
            templates={
                "REDIS_PASSWORD": "{{ .password }}",
                "REDIS_URL": pulumi.Output.concat(
                    f"{scheme}://:{{{{ .password }}}}@", cache.primary_host, f":{cache.port}"
                ),
            },
        ),
        SyncedSecret(name=SECRET, values={**KEYS, **given}),
    )


# -- the API -------------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Collector:
    """Where traces go: OTLP over HTTP on `port`, of pods that `pods` selects."""

    host: str
    port: int
    pods: Neighbours


def origins(settings: ApiSettings, edge: EdgeSettings) -> str:
    """Who may call with a user's cookies: exact https origins, by commas (ENV-06)."""
    return ",".join(dict.fromkeys((f"https://{edge.app_host}", *settings.origins)))


def arches_yaml(
    settings: WorkloadsSettings,
    *,
    cors: str,
    pool_minimum: int,
    pool_maximum: int,
    redis_host: str,
    redis_port: int,
) -> str:
    """The API's configuration, every key that it is to know, the secret ones empty.

    A key that is missing here could not be overridden by its variable (A2). Unread by this
    revision: `database.minConns`, both lifetimes, `redis.ca` (A10, A14).
    """
    api = settings.api
    assert api is not None
    programs = settings.programs
    reader = f"ws://{APPLICATION}-scraper:{HELPER_PORTS['scraper']}"  # Playwright's server
    scraper = reader if "scraper" in programs else ""
    return yaml.safe_dump(
        {
            "api": {
                "host": "0.0.0.0",
                "port": api.port,
                "cors": cors,
                "docs": api.documentation,
                "environment": api.environment,
                "validation": True,
                "email": {"enabled": False},
            },
            "auth": {
                "enabled": True,
                "local": {
                    "enabled": True,
                    "jwtSecret": "",
                    "accessTokenTTL": ACCESS,
                    "refreshTokenTTL": REFRESH,
                },
            },
            "billing": {"enabled": False},
            "database": {
                "enabled": True,
                "managed": False,
                "type": "postgresql",
                "url": "",
                "maxConns": pool_maximum,
                "minConns": pool_minimum,
                "connMaxLifetime": CONNECTION_LIFE,
                "connMaxIdleTime": f"{IDLE_SECONDS}s",
                "runMigrations": False,
            },
            "redis": {"enabled": True, "host": redis_host, "port": redis_port, "auth": ""},
            "logging": {"level": api.log_level, "pretty": False},
            "intelligence": {
                "llm": {"type": "openai", "token": ""},
                "scraper": {"enabled": "scraper" in programs, "endpoint": scraper},
                "unstructured": {"enabled": "unstructured" in programs},
            },
        },
        sort_keys=False,
    )


def api_environment(
    settings: ApiSettings,
    *,
    cors: str,
    pooler: PoolerSettings,
    secrets: SecretsSettings,
    collector: Collector | None,
) -> dict[str, pulumi.Input[str] | SecretValue]:
    """Overrides of the file's keys, then the guide's variables (ENV-01 to ENV-21)."""
    jwt = SecretValue(secret=SECRET, key="JWT_SECRET")
    url = SecretValue(secret=DATABASE_SECRET, key="DATABASE_URL")
    found: dict[str, pulumi.Input[str] | SecretValue] = {
        "ARCHES_DATABASE_URL": url,
        "ARCHES_DATABASE_RUNMIGRATIONS": "false",
        "ARCHES_REDIS_AUTH": SecretValue(secret=CACHE_SECRET, key="REDIS_PASSWORD"),
        "ARCHES_AUTH_LOCAL_JWTSECRET": jwt,
        "NODE_ENV": "production",
        "API_PORT": str(settings.port),
        "API_HOST": "0.0.0.0",
        "LOG_LEVEL": settings.log_level,
        "LOG_FORMAT": "json",
        "APP_VERSION": settings.version,
        "CORS_ORIGINS": cors,
        "DATABASE_URL": url,
        "DB_POOL_MIN": str(pooler.api_pool_min),
        "DB_POOL_MAX": str(pooler.api_pool_max),
        "DB_CONNECTION_TIMEOUT": milliseconds(CONNECT_SECONDS),
        "DB_IDLE_TIMEOUT": milliseconds(IDLE_SECONDS),
        "REDIS_URL": SecretValue(secret=CACHE_SECRET, key="REDIS_URL"),
        "REDIS_MAX_RETRIES": str(RETRIES),
        "REDIS_RETRY_DELAY": milliseconds(RETRY_SECONDS),
        "REDIS_POOL_SIZE": str(REDIS_POOL),
        "REDIS_MIN_IDLE_CONNS": str(REDIS_IDLE),
        **{variable: SecretValue(secret=SECRET, key=variable) for variable in KEYS},
        "JWT_EXPIRY": ACCESS,
        "JWT_REFRESH_EXPIRY": REFRESH,
        "RATE_LIMIT_WINDOW": milliseconds(WINDOW_SECONDS),
        "RATE_LIMIT_MAX_REQUESTS": str(REQUESTS),
        "RATE_LIMIT_SKIP_SUCCESSFUL_REQUESTS": "false",
        "OPENAI_MAX_TOKENS": str(MODEL_TOKENS),
        "OPENAI_TIMEOUT": milliseconds(MODEL_SECONDS),
        "METRICS_ENABLED": _flag(settings.metrics),
        "METRICS_PORT": str(METRICS_PORT),
        "TRACING_ENABLED": _flag(settings.tracing),
    }
    if secrets.open_ai:
        key = SecretValue(secret=SECRET, key=MODEL_KEY)
        found |= {MODEL_KEY: key, "ARCHES_INTELLIGENCE_LLM_TOKEN": key}
    if secrets.sentry:
        found[SENTRY_KEY] = SecretValue(secret=SECRET, key=SENTRY_KEY)
    if collector is not None and settings.tracing:
        found["TRACING_ENDPOINT"] = f"http://{collector.host}:{collector.port}/v1/traces"
    return found


def milliseconds(seconds: int) -> str:
    """Seconds as the guide's variables count."""
    return str(seconds * 1000)


def _flag(value: bool) -> str:
    return "true" if value else "false"


def api_workload(
    settings: WorkloadsSettings,
    *,
    edge: EdgeSettings,
    pooler: PoolerSettings,
    secrets: SecretsSettings,
    cache: CacheClient,
    collector: Collector | None = None,
) -> Workload:
    """The API. cache: the way to Redis. collector: where traces go, once it sends any.

    Raises ValueError: no API in the settings; tracing is on and there is no collector.
    """
    api = settings.api
    if api is None:
        raise ValueError("workloads.api is absent; the API cannot be declared without its image")
    if api.tracing and collector is None:
        raise ValueError("workloads.api.tracing is true and no collector runs; switch one of both")
    cors = origins(api, edge)
    document = pulumi.Output.from_input(cache.host).apply(
        lambda host: arches_yaml(
            settings,
            cors=cors,
            pool_minimum=pooler.api_pool_min,
            pool_maximum=pooler.api_pool_max,
            redis_host=host,
            redis_port=cache.port,
        )
    )
    metrics = (Port(name="metrics", number=METRICS_PORT),) if api.metrics else ()
    main = Container(
        name="api",
        image=api.image,
        command=api.command,
        args=("api",),
        resources=_resources(api.size),
        ports=(Port(name=HTTP, number=api.port), *metrics),
        env=api_environment(api, cors=cors, pooler=pooler, secrets=secrets, collector=collector),
        files={CONFIGURATION: {FILE: document}},
        **_probes("/health"),
    )
    return Workload(
        component="api",
        version=api.version,
        containers=(main, *cache.containers),
        user=USER,
        reaches=_api_reaches(settings, secrets, cache, collector),
        entered_by=_entrances(edge, "api"),
        metrics="metrics" if api.metrics else None,
        minimum=api.minimum,
        maximum=api.maximum,
        surge=API_SURGE,
        cpu_percent=api.cpu_percent,
        drain_seconds=DRAIN,
        stop_seconds=STOP_SECONDS,
    )


def _api_reaches(
    settings: WorkloadsSettings,
    secrets: SecretsSettings,
    cache: CacheClient,
    collector: Collector | None,
) -> tuple[Peer, ...]:
    api = settings.api
    assert api is not None
    found: list[Peer] = [POOLER, cache.reaches]
    found += [Pods(component=name, port=HTTP) for name in HELPER_PORTS if name in settings.programs]
    if api.internet or secrets.open_ai or secrets.sentry:
        found.append(Internet())
    if api.tracing and collector is not None:
        found.append(collector.pods)
    return tuple(found)


# -- the others ----------------------------------------------------------------------------------
def platform_workload(settings: PlatformSettings, *, api: Workload, edge: EdgeSettings) -> Workload:
    """The web application's server, which calls the API for what it renders itself.

    What a browser calls is fixed when the image is built (VITE_API_URL, A20).
    """
    main = Container(
        name="platform",
        image=settings.image,
        command=settings.command,
        resources=_resources(settings.size),
        ports=(Port(name=HTTP, number=settings.port),),
        env={
            "NODE_ENV": "production",
            "HOST": "0.0.0.0",
            "PORT": str(settings.port),
            "APP_VERSION": settings.version,
            "ARCHES_SERVER_HOST": f"{api.name}:{api.port(HTTP)}",
            "HOME": "/tmp",  # the package manager writes there, and the root is read-only
        },
        **_probes("/"),
    )
    return Workload(
        component="platform",
        version=settings.version,
        containers=(main,),
        user=NODE_USER,
        reaches=(Pods(component=api.component, port=HTTP),),
        entered_by=_entrances(edge, "platform"),
        minimum=settings.minimum,
        maximum=settings.maximum,
        cpu_percent=settings.cpu_percent,
        drain_seconds=DRAIN,
        stop_seconds=STOP_SECONDS,
    )


# A3; what the images listen on.
HELPER_PORTS = {"unstructured": 8000, "scraper": 8080}


def unstructured_workload(settings: HelperSettings) -> Workload:
    """The document reader: it parses what strangers upload, so it reaches nobody."""
    return _helper("unstructured", settings, scratch=("/tmp",), reaches=())


def scraper_workload(settings: HelperSettings) -> Workload:
    """The page reader, a browser: it reaches the web and nothing of ours."""
    port = str(HELPER_PORTS["scraper"])
    start = ("npx", "-y", "playwright@1.55.0", "run-server", "--port", port, "--host", "0.0.0.0")
    return _helper(
        "scraper",
        settings,
        command=start,
        scratch=("/tmp", "/dev/shm"),  # a browser's pages share more than the runtime's 64 MiB
        reaches=(Internet(ports=(80, 443)),),
    )


def _helper(
    name: str,
    settings: HelperSettings,
    *,
    scratch: tuple[str, ...],
    reaches: tuple[Peer, ...],
    command: tuple[str, ...] = (),
) -> Workload:
    listens = Probe(port=HTTP, period=10)
    main = Container(
        name=name,
        image=settings.image,
        command=settings.command or command,
        resources=_resources(settings.size, scratch="2Gi"),
        ports=(Port(name=HTTP, number=HELPER_PORTS[name]),),
        env={"HOME": "/tmp"},
        scratch=scratch,
        readiness=listens,
        liveness=listens,
        startup=Probe(port=HTTP, period=5, failures=60),
    )
    return Workload(
        component=name,
        version=settings.version,
        containers=(main,),
        user=NODE_USER,
        reaches=reaches,
        minimum=settings.minimum,
        maximum=settings.maximum,
        cpu_percent=settings.cpu_percent,
        drain_seconds=HELPER_DRAIN,
        stop_seconds=HELPER_STOP_SECONDS,
    )


def _resources(size: SizeSettings, *, scratch: str = "512Mi") -> Resources:
    return Resources(
        cpu=size.cpu,
        cpu_limit=size.cpu_limit,
        memory=size.memory,
        memory_limit=size.memory_limit,
        ephemeral_limit=scratch,
    )


def _probes(path: str) -> dict[str, Any]:
    """The manifests' periods (A22); a slow start is the startup probe's matter, not a delay's."""
    return {
        "readiness": Probe(port=HTTP, path=path, period=5),
        "liveness": Probe(port=HTTP, path=path, period=10),
        "startup": Probe(port=HTTP, path=path, period=2, failures=60),
    }


def _entrances(edge: EdgeSettings, target: str) -> tuple[Entrance, ...]:
    """The load balancer, where it forwards here without the gateway."""
    return (FromLoadBalancer(port=HTTP),) if target in edge.targets else ()


def declared(
    settings: WorkloadsSettings,
    *,
    edge: EdgeSettings,
    pooler: PoolerSettings,
    secrets: SecretsSettings,
    cache: CacheClient,
    collector: Collector | None = None,
) -> tuple[Workload, ...]:
    """Every program that the settings name; the web application only with the API."""
    found: list[Workload] = []
    if settings.unstructured is not None:
        found.append(unstructured_workload(settings.unstructured))
    if settings.scraper is not None:
        found.append(scraper_workload(settings.scraper))
    if settings.api is not None:
        api = api_workload(
            settings, edge=edge, pooler=pooler, secrets=secrets, cache=cache, collector=collector
        )
        found.append(api)
        if settings.platform is not None:
            found.append(platform_workload(settings.platform, api=api, edge=edge))
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class ApplicationArgs:
    """
    target_groups: ARNs by the names in `edge.targets`. after: what must be there before the first
    pod: Secrets, migrations, the pooler.
    """

    context: Context
    namespace: pulumi.Input[str]
    settings: WorkloadsSettings
    edge: EdgeSettings
    pooler: PoolerSettings
    secrets: SecretsSettings
    cache: CacheClient
    collector: Collector | None = None
    target_groups: Mapping[str, pulumi.Input[str]]
    after: Sequence[pulumi.Resource] = ()


class Application(pulumi.ComponentResource):
    """workloads: what was declared, by component.

    doors: their names can be asked for. ready: their pods. Both for `depends_on` only.
    """

    workloads: dict[str, Workload]
    doors: list[pulumi.Resource]
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: ApplicationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Application", name, None, opts)
        found = declared(
            args.settings,
            edge=args.edge,
            pooler=args.pooler,
            secrets=args.secrets,
            cache=args.cache,
            collector=args.collector,
        )
        self.workloads = {each.component: each for each in found}
        placed = [
            Deployed(
                f"{name}-{each.component}",
                DeployedArgs(
                    context=args.context,
                    namespace=args.namespace,
                    workload=each,
                    target_group_arn=args.target_groups.get(each.component),
                    after=args.after,
                ),
                pulumi.ResourceOptions(parent=self),
            )
            for each in found
        ]
        self.doors = [door for each in placed for door in each.doors]
        self.ready = [pods for each in placed for pods in each.ready]
        self.register_outputs({"hosts": {each.component: each.name for each in found}})
