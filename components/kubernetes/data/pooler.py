"""PgBouncer: many clients of the application over few connections of the database.

Meets POOL-01 to POOL-09 and POOL-11, ENV-07 (the database's name and certificate are verified),
ENV-08, ENV-09, SEC-06, ISSUE-07, ISSUE-08; fact A10; POOL-10 with
settings/pooler.py, whose numbers it writes.

- The user list holds plain passwords, in a Secret. A SCRAM secret would do for clients, and for
  the server only if both had the same salt (PgBouncer's manual, "Authentication file format"),
  which RDS shows to nobody; for the same reason `auth_query` cannot work there (POOL-04).
- One password of the application opens both sides, here and in PostgreSQL. So no order of server,
  pooler and API replaces it unnoticed: it is a break of some minutes (runbook rotate-secret).
- Pods speak to it without TLS, inside the namespace and behind its network policy: SCRAM sends no
  password, and the way that leaves the nodes, to the database, is verified TLS.
- A pod becomes ready once it has asked the database for something as the application (startup
  probe), so a rollout with a wrong password or authority stops at its first pod. After that
  readiness asks PgBouncer alone: a full pool or a failover of the database must not take every
  pod out of the Service at once.
- A stopping pod leaves clients time. It takes no new ones; a connection idle for 2 s is closed,
  which pgx notices, since it pings what was idle for 1 s before use; then running statements end,
  for which it waits as long as `bootstrap.statementTimeoutSeconds` lets one run; and last the
  process. A rollout goes on when the old pod has gone, so no more pods than `instances + surge`
  hold connections, which is what the budget counts.

Refused: RDS Proxy (POOL-01: it cannot take the guide's values); `server_fast_close` (POOL-09 wants
it: the manual says that transaction pooling does so anyway); peering for cancel requests (it needs
fixed names; the role's statement_timeout ends a statement whose client has gone); an admin password
(the console is entered over the Unix socket by the pod's own user only).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from components.context import Context
from components.kubernetes.data import sql
from components.kubernetes.workloads.manifests import METRICS_PORT
from components.kubernetes.workloads.shape import (
    Container,
    DataStore,
    Port,
    Probe,
    Resources,
    SecretValue,
    SyncedSecret,
    Workload,
)
from components.kubernetes.workloads.workload import Deployed, DeployedArgs
from settings.pooler import POOL_MODE, PoolerSettings

if TYPE_CHECKING:
    from components.kubernetes.data.bootstrap import Bootstrap, Way

COMPONENT = "pooler"
PORT = "postgres"
SECRET = "archesai-pooler"
EXPORTER_PORT = 9127  # pgbouncer_exporter's own

CONFIGURATION = "/etc/pooler"
USERLIST = "/etc/pgbouncer"  # where the guide has userlist.txt (POOL-04): the directory is a Secret
SOCKETS = "/tmp"
# Whom PgBouncer lets into its console over the Unix socket, if the caller has its own user id.
ADMIN = "pgbouncer"

# A Multi-AZ failover changes the endpoint's address; its record lives 5 s.
DNS_SECONDS = 5
# A dead server is noticed after 30 s of silence, or 15 s after data that nobody acknowledged.
KEEPALIVE = {"tcp_keepalive": 1, "tcp_keepidle": 15, "tcp_keepintvl": 5, "tcp_keepcnt": 3}
UNACKNOWLEDGED_MS = 15_000

# Draining: until every node has dropped the pod from the Service, then clients leave, then
# statements end, the last of them by the application's statement_timeout.
UNLISTED_SECONDS = 5
LEAVING_SECONDS = 15
MARGIN_SECONDS = 5

# PgBouncer's manual: max_client_conn + pools; the rest is for sockets, log and libraries.
SPARE_FILES = 100

EXPORTER = Resources(cpu="10m", memory="32Mi", memory_limit="64Mi")


# -- documents -----------------------------------------------------------------------------------
def pgbouncer_ini(
    settings: PoolerSettings,
    *,
    host: str,
    port: int,
    database: str,
    ca_file: str,
    userlist: str = f"{USERLIST}/userlist.txt",
    sockets: str = SOCKETS,
) -> str:
    """pgbouncer.ini for PgBouncer 1.23 or later; times in seconds unless their name says ms."""
    values: dict[str, str | int] = {
        "listen_addr": "*",
        "listen_port": settings.port,
        # Every pod of the API may come back at once after a failover.
        "listen_backlog": 1024,
        "unix_socket_dir": sockets,
        "unix_socket_mode": "0700",
        "auth_type": "scram-sha-256",
        "auth_file": userlist,
        "stats_users": sql.EXPORTER,
        "pool_mode": POOL_MODE,
        "max_client_conn": settings.max_client_conn,
        "default_pool_size": settings.default_pool_size,
        "min_pool_size": settings.min_pool_size,
        "reserve_pool_size": settings.reserve_pool_size,
        "reserve_pool_timeout": settings.reserve_pool_timeout_seconds,
        "max_db_connections": settings.max_db_connections,
        "max_prepared_statements": settings.max_prepared_statements,
        "server_lifetime": settings.server_lifetime_seconds,
        "server_idle_timeout": settings.server_idle_timeout_seconds,
        "query_wait_timeout": settings.query_wait_timeout_seconds,
        # ENV-09: whoever cannot connect in 5 s tries again.
        "server_connect_timeout": 5,
        "server_login_retry": 1,
        "client_login_timeout": 15,
        "dns_max_ttl": DNS_SECONDS,
        "dns_nxdomain_ttl": DNS_SECONDS,
        **KEEPALIVE,
        "tcp_user_timeout": UNACKNOWLEDGED_MS,
        "client_tls_sslmode": "disable",
        "server_tls_sslmode": "verify-full",
        "server_tls_ca_file": ca_file,
        "server_tls_protocols": "secure",
        # lib/pq, which the exporter uses, says it at every start. Any other unknown parameter is
        # refused aloud, since ignoring it would not do what the client asked for.
        "ignore_startup_parameters": "extra_float_digits",
        # Disconnections stay: why a server was not entered is said nowhere else.
        "log_connections": 0,
        "log_stats": 0,
    }
    lines = [
        "[databases]",
        f"{database} = host={host} port={port} dbname={database}",
        "",
        "[pgbouncer]",
        *(f"{key} = {value}" for key, value in values.items()),
    ]
    return "\n".join(lines) + "\n"


def userlist_template() -> str:
    """userlist.txt for External Secrets: who may come in, and how PgBouncer enters the server."""
    return f'"{sql.APP}" "{{{{ .app }}}}"\n"{sql.EXPORTER}" "{{{{ .exporter }}}}"\n'


def start_script(settings: PoolerSettings, configuration: str = CONFIGURATION) -> str:
    """PgBouncer as the container's first process, with files for every client (POOL-06)."""
    files = settings.max_client_conn + settings.max_db_connections + SPARE_FILES
    return (
        f'[ "$(ulimit -n)" = unlimited ] || [ "$(ulimit -n)" -ge {files} ] || ulimit -n {files}\n'
        f"exec pgbouncer {configuration}/pgbouncer.ini\n"
    )


def drain_script(
    settings: PoolerSettings,
    sockets: str = SOCKETS,
    *,
    ending: int,
    unlisted: int = UNLISTED_SECONDS,
    leaving: int = LEAVING_SECONDS,
) -> str:
    """What runs before the pod is told to stop. Times in seconds; ending: of the last statements.

    One session of the console for all of it: before 1.25 nobody gets in once a shutdown began. It
    must not return before PgBouncer has gone, since a SIGTERM during a shutdown ends it at once.
    """
    return f"""\
sleep {unlisted}
{{
  echo 'SET client_idle_timeout = 2;'
  echo 'SET min_pool_size = 0;'
  echo 'SET server_idle_timeout = 1;'
  echo 'SHUTDOWN WAIT_FOR_CLIENTS;'
  sleep {leaving}
  echo 'SHUTDOWN WAIT_FOR_SERVERS;'
  sleep {ending}
}} | psql --no-psqlrc --quiet --host {sockets} --port {settings.port} --username {ADMIN} {ADMIN}
"""


def pooler_secrets(settings: PoolerSettings) -> tuple[SyncedSecret, ...]:
    """The user list, and what the probe and the exporter enter with."""
    address = f"127.0.0.1:{settings.port}/{ADMIN}?sslmode=disable"
    return (
        SyncedSecret(
            name=SECRET,
            values={"app": "database-app", "exporter": "database-exporter"},
            templates={
                "userlist.txt": userlist_template(),
                "password": "{{ .app }}",
                "exporter": f"postgres://{sql.EXPORTER}:{{{{ .exporter }}}}@{address}",
            },
        ),
    )


# -- workload ------------------------------------------------------------------------------------
def pooler_workload(settings: PoolerSettings, way: Way) -> Workload:
    """PgBouncer, and beside it the exporter."""

    def written(host: str) -> str:
        return pgbouncer_ini(
            settings, host=host, port=way.port, database=way.database, ca_file=way.ca_file
        )

    ini = (
        written(way.host)
        if isinstance(way.host, str)
        else pulumi.Output.from_input(way.host).apply(written)
    )
    alive = ("psql", "-X", "-q", "-h", SOCKETS, "-p", str(settings.port), "-U", ADMIN, "-c")
    through = ("psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(settings.port), "-U", sql.APP)
    ending = way.settings.statement_timeout_seconds + MARGIN_SECONDS
    stop = UNLISTED_SECONDS + LEAVING_SECONDS + ending + MARGIN_SECONDS
    asks_itself = Probe(command=(*alive, "SHOW VERSION", ADMIN), timeout=5)
    pgbouncer = Container(
        name="pgbouncer",
        image=settings.image,
        resources=Resources(
            cpu=f"{settings.cpu_millis}m",
            memory=f"{settings.memory_mib}Mi",
            memory_limit=f"{2 * settings.memory_mib}Mi",
        ),
        ports=(Port(name=PORT, number=settings.port),),
        command=("sh", "-e", f"{CONFIGURATION}/start.sh"),
        env={
            # Only the startup probe reads it.
            "PGPASSWORD": SecretValue(secret=SECRET, key="password"),
            "PGCONNECT_TIMEOUT": "5",
        },
        files={
            CONFIGURATION: {
                "pgbouncer.ini": ini,
                "start.sh": start_script(settings),
                "drain.sh": drain_script(settings, ending=ending),
            },
            **way.authorities,
        },
        secret_files={USERLIST: SECRET},
        startup=Probe(
            command=(*through, "-c", "SELECT 1", way.database), period=3, timeout=8, failures=40
        ),
        readiness=asks_itself,
        liveness=Probe(command=asks_itself.command, period=20, timeout=10, failures=6),
        before_stop=("sh", f"{CONFIGURATION}/drain.sh"),
    )
    exporter = Container(
        name="exporter",
        image=settings.exporter_image,
        resources=EXPORTER,
        ports=(Port(name=METRICS_PORT, number=EXPORTER_PORT),),
        args=(f"--web.listen-address=:{EXPORTER_PORT}",),
        env={"PGBOUNCER_EXPORTER_CONNECTION_STRING": SecretValue(secret=SECRET, key="exporter")},
    )
    return Workload(
        component=COMPONENT,
        containers=(pgbouncer, exporter),
        reaches=(DataStore(store="database"),),
        metrics=METRICS_PORT,
        minimum=settings.instances,
        surge=settings.surge - 1,
        settle_seconds=stop,
        stop_seconds=stop,
    )


# -- component -----------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class PoolerArgs:
    """bootstrap: the logins are there before the first pod enters. after: `pooler_secrets`."""

    context: Context
    settings: PoolerSettings
    bootstrap: Bootstrap
    namespace: pulumi.Input[str]
    after: Sequence[pulumi.Resource] = ()


class Pooler(pulumi.ComponentResource):
    """host and port: where the application finds its database (POOL-11).

    ready: its pods have asked the database; for `depends_on` only.
    """

    workload: Workload
    host: str
    port: int
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: PoolerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Pooler", name, None, opts)
        self.workload = pooler_workload(args.settings, args.bootstrap.way)
        deployed = Deployed(
            name,
            DeployedArgs(
                context=args.context,
                namespace=args.namespace,
                workload=self.workload,
                after=[*args.bootstrap.logins_ready, *args.after],
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.host = deployed.host
        self.port = self.workload.port(PORT)
        self.ready = deployed.ready
        self.register_outputs({"host": self.host, "port": self.port})
