"""What only SQL knows of the database, as Jobs in the cluster, one after the other.

Roles, extensions, the application's migrations, indexes, and a check that all of it is there and
that every login enters over verified TLS with SCRAM. They go straight to RDS on 5432: migrations
and CREATE INDEX CONCURRENTLY need a session of their own, which transaction pooling does not give
(POOL-05). The documents are components/kubernetes/data/sql.py.

Meets PG-14 to PG-20, MIG-01 to MIG-04, SEC-05, SEC-06, ENV-07 (verified TLS to the endpoint),
POOL-11 (5432 is for Jobs), ISSUE-05.

- A Job is named by its content; the content holds the fingerprints of the roles' passwords, so a
  replaced password makes a new Job, and that Job waits until External Secrets has brought the same
  password into the cluster. A fingerprint tells nothing: a password has 285 random bits.
- The master's password is read from the secret that RDS rotates, at each run.
- The first connection is tried for a minute: a new pod's network policy opens after a second or
  two (traps, EKS).

Refused: the master as a login of anything but Jobs; migrations by the application itself (A11: its
second start fails, and each replica would run them), or through transaction pooling. Two goose
Jobs at once would race, since its command takes no lock (MIG-01): there is one Job of a content,
with one pod and no retry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from components.context import Context
from components.kubernetes.data import sql
from components.kubernetes.workloads.shape import (
    Container,
    DataStore,
    Resources,
    SecretValue,
    SyncedSecret,
    Task,
)
from components.kubernetes.workloads.workload import Ran, RanArgs
from settings.bootstrap import BootstrapSettings
from settings.pooler import PoolerSettings

if TYPE_CHECKING:
    from components.database import Database
    from components.secrets import Secrets

MASTER_SECRET = "archesai-database-master"
OWNER_SECRET = "archesai-database-owner"
ROLES_SECRET = "archesai-database-roles"

AUTHORITIES = "/etc/database"
AUTHORITIES_FILE = "ca.pem"
DOCUMENTS = "/bootstrap"
PASSWORDS = "/passwords"

# Longer than a new password takes to arrive: 15 minutes (synced_secrets.REFRESH), and the kubelet.
SYNC_SECONDS = 1200
CLIENT = Resources(cpu="50m", memory="64Mi", memory_limit="256Mi")
MIGRATOR = Resources(cpu="250m", memory="256Mi", memory_limit="512Mi", cpu_limit="500m")  # A22


# -- documents -----------------------------------------------------------------------------------
def connected() -> str:
    """The beginning of every script: it waits a minute for the database."""
    return """\
set -eu
attempt=0
until psql --no-psqlrc --quiet --command 'SELECT 1' >/dev/null; do
  attempt=$((attempt + 1))
  if [ "$attempt" -ge 30 ]; then echo "the database cannot be entered" >&2; exit 1; fi
  sleep 2
done
"""


def applying(document: str) -> str:
    """The script that runs one document and stops at its first error."""
    return (
        connected()
        + "psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 "
        + f"--file {DOCUMENTS}/{document}\n"
    )


def passwords_script(every: Sequence[sql.Role]) -> str:
    """Gives each role its password, after it was seen to be the one that the program made.

    psql reads the password twice from its input where there is no terminal, and sends its SCRAM
    secret; the password itself never leaves the pod.
    """
    names = " ".join(role.name for role in every)
    return f"""\
attempt=0
until (cd {PASSWORDS} && sha256sum --check --status {DOCUMENTS}/fingerprints); do
  attempt=$((attempt + 5))
  if [ "$attempt" -gt {SYNC_SECONDS} ]; then
    echo "the passwords in the cluster are not those of Secrets Manager" >&2; exit 1
  fi
  sleep 5
done
for role in {names}; do
  password=$(cat "{PASSWORDS}/$role")
  printf '%s\\n%s\\n' "$password" "$password" |
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --command "\\\\password $role" ||
    {{ echo "the password of $role was refused" >&2; exit 1; }}
done
"""


def logins_script(every: Sequence[sql.Role]) -> str:
    """Enters as each role; the environment insists on verified TLS and SCRAM."""
    names = " ".join(role.name for role in every)
    return f"""\
for role in {names}; do
  PGUSER=$role PGPASSWORD=$(cat "{PASSWORDS}/$role") psql --no-psqlrc --quiet \\
    --set ON_ERROR_STOP=1 --command 'SELECT 1' >/dev/null
done
"""


def fingerprints(passwords: Mapping[str, str]) -> str:
    """The input of `sha256sum --check`: file (role) by file."""
    return "".join(
        f"{hashlib.sha256(password.encode()).hexdigest()}  {name}\n"
        for name, password in sorted(passwords.items())
    )


# -- secrets -------------------------------------------------------------------------------------
def direct_url(
    host: pulumi.Input[str], port: int, database: str, user: str, password: str
) -> pulumi.Output[str]:
    """The way past the pooler. password: itself, or the template's name of it (MIG-04).

    ENV-07, ENV-09: verified to the endpoint's own name, 5 s to connect; a password of letters and
    digits needs no escaping.
    """
    return pulumi.Output.format(
        "postgresql://{0}:{1}@{2}:{3}/{4}?sslmode=verify-full&sslrootcert={5}/{6}"
        "&connect_timeout=5",
        *(user, password, host, port, database, AUTHORITIES, AUTHORITIES_FILE),
    )


def bootstrap_secrets(database: Database, every: Sequence[sql.Role]) -> tuple[SyncedSecret, ...]:
    """What the Jobs read: the master as RDS keeps it, the owner, and every role's password."""
    url = direct_url(database.address, database.port, database.name, sql.OWNER, "{{ .owner }}")
    return (
        SyncedSecret(
            name=MASTER_SECRET,
            values={"master": database.master_secret_arn},
            templates={
                key: f"{{{{ (.master | fromJson).{key} }}}}" for key in ("username", "password")
            },
        ),
        SyncedSecret(
            name=OWNER_SECRET,
            values={"owner": "database-owner"},
            templates={"password": "{{ .owner }}", "url": url},
        ),
        SyncedSecret(name=ROLES_SECRET, values={role.name: role.secret for role in every}),
    )


# -- tasks ---------------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Way:
    """The way to the database: where it is, who signs its certificate, with which client."""

    host: pulumi.Input[str]
    port: int
    database: str
    settings: BootstrapSettings

    def environment(
        self, user: str | SecretValue, password: SecretValue
    ) -> dict[str, pulumi.Input[str] | SecretValue]:
        """What libpq, and pgx with it, reads: verified TLS, and SCRAM or nothing."""
        return {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGDATABASE": self.database,
            "PGUSER": user,
            "PGPASSWORD": password,
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": self.ca_file,
            "PGCONNECT_TIMEOUT": "5",
            "PGREQUIREAUTH": "scram-sha-256",
        }

    @property
    def ca_file(self) -> str:
        """Where `authorities` lie in a container."""
        return f"{AUTHORITIES}/{AUTHORITIES_FILE}"

    @property
    def authorities(self) -> dict[str, dict[str, pulumi.Input[str]]]:
        """The file of a container that checks the database's certificate."""
        return {AUTHORITIES: {AUTHORITIES_FILE: self.settings.authorities}}

    def client(
        self,
        name: str,
        script: str,
        documents: Mapping[str, pulumi.Input[str]],
        *,
        master: bool,
        passwords: bool = False,
    ) -> Container:
        """psql with a script and its documents, as the master or as the owner."""
        who = (
            self.environment(
                SecretValue(secret=MASTER_SECRET, key="username"),
                SecretValue(secret=MASTER_SECRET, key="password"),
            )
            if master
            else self.environment(sql.OWNER, SecretValue(secret=OWNER_SECRET, key="password"))
        )
        return Container(
            name=name,
            image=self.settings.image,
            resources=CLIENT,
            command=("sh", f"{DOCUMENTS}/run.sh"),
            env=who,
            files={**self.authorities, DOCUMENTS: {"run.sh": script, **documents}},
            secret_files={PASSWORDS: ROLES_SECRET} if passwords else {},
        )


def bootstrap_tasks(
    way: Way, every: Sequence[sql.Role], prints: pulumi.Input[str]
) -> tuple[Task, ...]:
    """The Jobs in their order. prints: `fingerprints` of the roles' passwords."""
    settings = way.settings
    wanted = sql.indexes(settings.tables)
    reaches = (DataStore(store="database"),)
    roles = way.client(
        "roles",
        applying("roles.sql") + passwords_script(every),
        {"roles.sql": sql.roles_sql(every, way.database), "fingerprints": prints},
        master=True,
        passwords=True,
    )
    extensions = way.client(
        "extensions",
        applying("extensions.sql"),
        {"extensions.sql": sql.extensions_sql()},
        master=True,
    )
    privileges = way.client(
        "privileges",
        applying("privileges.sql"),
        {"privileges.sql": sql.privileges_sql()},
        master=False,
    )
    indexes = way.client(
        "indexes",
        applying("indexes.sql"),
        {"indexes.sql": sql.indexes_sql(wanted, sql.erasures(settings.tables))},
        master=False,
    )
    verify = way.client(
        "verify",
        applying("verify.sql") + logins_script(every),
        {"verify.sql": sql.verify_sql(every, wanted, way.database), "fingerprints": prints},
        master=True,
        passwords=True,
    )
    return (
        Task(
            component="database-roles",
            containers=(roles,),
            reaches=reaches,
            deadline_seconds=SYNC_SECONDS + 300,
        ),
        Task(component="database-extensions", containers=(extensions,), reaches=reaches),
        Task(
            component="database-migrations",
            before=(privileges,),
            containers=(_migrator(way),),
            reaches=reaches,
            deadline_seconds=settings.migrations.deadline_minutes * 60,
            retries=0,
        ),
        # An index on a large table takes its time.
        Task(
            component="database-indexes",
            containers=(indexes,),
            reaches=reaches,
            deadline_seconds=3600,
        ),
        Task(component="database-verify", containers=(verify,), reaches=reaches),
    )


def _migrator(way: Way) -> Container:
    """The application's migrations as the owner; no secret in its arguments (MIG-04)."""
    migrations = way.settings.migrations
    password = SecretValue(secret=OWNER_SECRET, key="password")
    return Container(
        name="migrations",
        image=migrations.image,
        resources=MIGRATOR,
        command=migrations.command,
        env={
            **way.environment(sql.OWNER, password),
            "GOOSE_DRIVER": "postgres",
            "GOOSE_DBSTRING": SecretValue(secret=OWNER_SECRET, key="url"),
            "GOOSE_MIGRATION_DIR": migrations.directory,
        },
        files=way.authorities,
    )


# -- component -----------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class BootstrapArgs:
    """
    pooler: its budget gives each role its connections. after: what brings `bootstrap_secrets`.
    """

    context: Context
    settings: BootstrapSettings
    pooler: PoolerSettings
    database: Database
    secrets: Secrets
    namespace: pulumi.Input[str]
    after: Sequence[pulumi.Resource] = ()


class Bootstrap(pulumi.ComponentResource):
    """`ready`: the database is as the application needs it; for `depends_on` only.

    way: how to reach the database with its certificate checked, for others who go straight to it.
    logins_ready: the roles are there, for `depends_on` only.
    """

    way: Way
    tasks: tuple[Task, ...]
    logins_ready: list[pulumi.Resource]
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, args: BootstrapArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Bootstrap", name, None, opts)
        database = args.database
        every = sql.roles(args.pooler, args.settings)
        self.way = Way(
            host=database.address,
            port=database.port,
            database=database.name,
            settings=args.settings,
        )
        self.tasks = bootstrap_tasks(self.way, every, _fingerprints(args.secrets, every))
        self.ready = self.logins_ready = list(args.after)
        for task in self.tasks:
            ran = Ran(
                f"{name}-{task.component.removeprefix('database-')}",
                RanArgs(
                    context=args.context, namespace=args.namespace, task=task, after=self.ready
                ),
                pulumi.ResourceOptions(parent=self),
            )
            self.ready = ran.ready
            if task is self.tasks[0]:
                self.logins_ready = ran.ready
        self.register_outputs({})


def _fingerprints(secrets: Secrets, every: Sequence[sql.Role]) -> pulumi.Output[str]:
    """Not secret: they name the Jobs, and nobody can find 285 random bits from their hash."""
    values = {role.name: secrets.value(role.secret) for role in every}
    return pulumi.Output.unsecret(pulumi.Output.all(**values).apply(fingerprints))
