"""What the database is told in SQL: roles, extensions, rights, indexes, and what is checked after.

Every document may run again and then changes nothing; psql reads them (`\\gexec` runs each row of
a result as a statement of its own, outside a transaction, which PG-20 needs). No password stands
in them: psql's `\\password` makes the SCRAM secret before anything is sent, so neither the log nor
pg_stat_statements, which keeps the text of CREATE ROLE, ever sees one.

Meets PG-14 to PG-20, OPT-06 and ISSUE-05 (indexes), SEC-05 and SEC-06 (a login for each purpose
with least privilege), POOL-03 (SCRAM is checked), MIG-02 (checks follow), GDPR-01 (a role that may
only delete there).

Refused: CREATE INDEX IF NOT EXISTS (an interrupted CONCURRENTLY leaves an invalid index of that
name, which would stay); pg_read_all_data for the dump (it reads every schema and every table to
come); a membership of the master in the owner (the owner's rights are given by itself); NOSUPERUSER
and its like (only a superuser may say them, which RDS gives nobody: they are checked instead).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from settings.bootstrap import BootstrapSettings, Tables
from settings.pooler import PoolerSettings

OWNER = "archesai_owner"
APP = "archesai_app"
READONLY = "archesai_readonly"
DUMP = "archesai_dump"
EXPORTER = "archesai_exporter"
RETENTION = "archesai_retention"

SCHEMA = "public"
EXTENSIONS = ("pg_stat_statements", "vector")
# Where the server loads it: staging on another machine need not.
OPTIONAL_EXTENSIONS = ("pgaudit",)
# goose's own table; who may write there may skip or repeat a migration.
VERSIONS = "goose_db_version"


@dataclass(frozen=True, kw_only=True)
class Role:
    """A login. secret: its key in `components.secrets`. connections: at most at once.

    settings: what its sessions begin with. member_of: roles of PostgreSQL that it has.
    """

    name: str
    secret: str
    connections: int
    settings: Mapping[str, str]
    member_of: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Index:
    """An index of the guide, built where its table and column exist.

    where_null: a column that, where it exists, is NULL in the rows that the index holds.
    """

    name: str
    table: str
    column: str
    unique: bool = False
    where_null: str = ""


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a role may do with a table, if there is one."""

    role: str
    table: str
    rights: tuple[str, ...] = field(default=("SELECT", "DELETE"))


def roles(pooler: PoolerSettings, settings: BootstrapSettings) -> tuple[Role, ...]:
    """Every login, with the connections that the budget gives it (POOL-10)."""
    direct = pooler.direct_users
    soon = {"idle_in_transaction_session_timeout": "60s", "lock_timeout": "10s"}
    reads = {"default_transaction_read_only": "on"}
    # Else the activity, the locks and the statements of all others are NULL.
    watches = ("pg_monitor",)
    return (
        Role(
            name=OWNER,
            secret="database-owner",
            connections=direct.migrations,
            # A migration may take its time, but must not queue the application behind a lock.
            settings={**soon, "statement_timeout": "0"},
        ),
        Role(
            name=APP,
            secret="database-app",
            connections=(pooler.instances + pooler.surge) * pooler.max_db_connections,
            settings={**soon, "statement_timeout": f"{settings.statement_timeout_seconds}s"},
        ),
        Role(
            name=READONLY,
            secret="database-readonly",
            connections=direct.people,
            settings={**soon, **reads, "statement_timeout": "60s"},
            member_of=watches,
        ),
        Role(
            name=DUMP,
            secret="database-dump",
            connections=direct.dump,
            settings={**reads, "lock_timeout": "60s", "statement_timeout": "0"},
        ),
        Role(
            name=EXPORTER,
            secret="database-exporter",
            connections=direct.exporter,
            settings={**soon, **reads, "statement_timeout": "10s"},
            member_of=watches,
        ),
        Role(
            name=RETENTION,
            secret="database-retention",
            connections=direct.retention,
            # A rule is one statement, whose time goes on over the COMMITs inside. The Job's
            # deadline bounds it: the server looks whether the Job is still there.
            settings={
                **soon,
                "statement_timeout": "0",
                "client_connection_check_interval": "5s",
            },
        ),
    )


def indexes(tables: Tables) -> tuple[Index, ...]:
    """PG-16 to PG-19."""
    return (
        Index(
            name="idx_users_email",
            table=tables.users,
            column="email",
            where_null="deleted_at",
        ),
        Index(name="idx_organizations_name", table=tables.organizations, column="name"),
        Index(name="idx_sessions_token", table=tables.sessions, column="token", unique=True),
        Index(name="idx_sessions_expires", table=tables.sessions, column="expires_at"),
    )


def erasures(tables: Tables) -> tuple[Grant, ...]:
    """What retention and erasure touch: people are made anonymous, what is theirs goes."""
    theirs = (tables.sessions, tables.accounts, tables.invitations, tables.api_keys)
    return (
        Grant(role=RETENTION, table=tables.users, rights=("SELECT", "UPDATE")),
        *(Grant(role=RETENTION, table=table) for table in theirs),
    )


# -- as the master -------------------------------------------------------------------------------
def roles_sql(every: Iterable[Role], database: str) -> str:
    """Logins without passwords, and who may enter what; all or nothing."""
    every = tuple(every)
    lines = ["BEGIN;"]
    for role in every:
        lines += [
            f"SELECT 'CREATE ROLE {role.name}' WHERE to_regrole('{role.name}') IS NULL \\gexec",
            f"ALTER ROLE {role.name} LOGIN NOCREATEDB NOCREATEROLE CONNECTION LIMIT "
            f"{role.connections};",
            f"ALTER ROLE {role.name} RESET ALL;",
            *(f"ALTER ROLE {role.name} SET {key} = '{v}';" for key, v in role.settings.items()),
            *(f"GRANT {group} TO {role.name};" for group in role.member_of),
        ]
    names = ", ".join(role.name for role in every)
    lines += [
        # Also `postgres` and `template1`, where PUBLIC may enter and make temporary tables.
        "SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', datname) FROM pg_database",
        "WHERE pg_has_role(datdba, 'USAGE') ORDER BY datname \\gexec",
        f"GRANT CONNECT ON DATABASE {database} TO {names};",
        f"REVOKE ALL ON SCHEMA {SCHEMA} FROM PUBLIC;",
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {names};",
        f"GRANT CREATE ON SCHEMA {SCHEMA} TO {OWNER};",
        "COMMIT;",
    ]
    return "\n".join(lines) + "\n"


def extensions_sql() -> str:
    """Extensions of this database, at the version that the server has (an upgrade leaves them)."""
    lines = [
        line
        for name in EXTENSIONS
        for line in (
            f"CREATE EXTENSION IF NOT EXISTS {name} SCHEMA {SCHEMA};",
            f"ALTER EXTENSION {name} UPDATE;",
        )
    ]
    lines += [
        f"SELECT 'CREATE EXTENSION IF NOT EXISTS {name} SCHEMA {SCHEMA}' FROM "
        f"pg_available_extensions WHERE name = '{name}' AND "
        f"current_setting('shared_preload_libraries') ~ '\\m{name}\\M' \\gexec"
        for name in OPTIONAL_EXTENSIONS
    ]
    return "\n".join(lines) + "\n"


# -- as the owner --------------------------------------------------------------------------------
# kind of object -> rights -> roles; sequences are written by taking the next number only.
_RIGHTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("TABLES", "SELECT, INSERT, UPDATE, DELETE", (APP,)),
    ("TABLES", "SELECT", (READONLY, DUMP)),
    ("SEQUENCES", "USAGE, SELECT", (APP,)),
    ("SEQUENCES", "SELECT", (DUMP,)),
    ("FUNCTIONS", "EXECUTE", (APP, READONLY)),
)
_KINDS = {"TABLES": "'r', 'p', 'v', 'm', 'f'", "SEQUENCES": "'S'"}


def privileges_sql() -> str:
    """Who may do what with the owner's objects: those to come, and those that are there."""
    lines = ["BEGIN;", "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;"]
    for kind, rights, names in _RIGHTS:
        to = ", ".join(names)
        lines.append(
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA {SCHEMA} GRANT {rights} ON {kind} TO {to};"
        )
        if kind in _KINDS:
            of = kind.removesuffix("S")
            lines.append(
                f"SELECT format('GRANT {rights} ON {of} %s TO {to}', oid::regclass) FROM pg_class "
                f"WHERE relnamespace = '{SCHEMA}'::regnamespace "
                f"AND relowner = current_user::regrole AND relkind IN ({_KINDS[kind]}) \\gexec"
            )
    return "\n".join([*lines, "COMMIT;"]) + "\n"


def indexes_sql(every: Iterable[Index], grants: Iterable[Grant]) -> str:
    """After the migrations: indexes, each by itself, and the rights on single tables."""
    lines: list[str] = []
    for index in every:
        lines += [
            f"SELECT 'DROP INDEX CONCURRENTLY {SCHEMA}.{index.name}' FROM pg_index WHERE "
            f"indexrelid = to_regclass('{SCHEMA}.{index.name}') AND NOT indisvalid \\gexec",
            _build(index),
        ]
    lines += [
        f"SELECT 'GRANT {', '.join(grant.rights)} ON {_named(grant.table)} TO {grant.role}' "
        f"WHERE to_regclass('{_named(grant.table)}') IS NOT NULL \\gexec"
        for grant in grants
    ]
    lines.append(
        f"SELECT 'REVOKE INSERT, UPDATE, DELETE ON {SCHEMA}.{VERSIONS} FROM {APP}' "
        f"WHERE to_regclass('{SCHEMA}.{VERSIONS}') IS NOT NULL \\gexec"
    )
    return "\n".join(lines) + "\n"


def _build(index: Index) -> str:
    """CREATE INDEX where the column is there and the index is not; partial where it can be."""
    unique = "UNIQUE " if index.unique else ""
    statement = f"CREATE {unique}INDEX CONCURRENTLY {index.name} ON {_named(index.table)}"
    partial = (
        f" || CASE WHEN {_has(index.table, index.where_null)} "
        f"THEN ' WHERE {index.where_null} IS NULL' ELSE '' END"
        if index.where_null
        else ""
    )
    return (
        f"SELECT '{statement} ({index.column})'{partial} WHERE {_has(index.table, index.column)} "
        f"AND to_regclass('{SCHEMA}.{index.name}') IS NULL \\gexec"
    )


# -- as the master, at the end -------------------------------------------------------------------
def verify_sql(every: Iterable[Role], wanted: Iterable[Index], database: str) -> str:
    """Fails with a line for each thing that is not as it was declared."""
    every = tuple(every)
    faults = [
        *(_fault(f"extension {n} is absent", _no(_extension(n))) for n in EXTENSIONS),
        *(
            _fault(f"index {i.name} is absent", f"{_has(i.table, i.column)} AND {_no(_index(i))}")
            for i in wanted
        ),
        "SELECT 'index ' || indexrelid::regclass || ' is invalid: an interrupted build' "
        "FROM pg_index WHERE NOT indisvalid",
        *(_fault(f"role {r.name} is not as declared", _no(_as_declared(r))) for r in every),
        *(
            f"SELECT 'role {r.name} is a member of ' || roleid::regrole FROM pg_auth_members "
            f"WHERE member = to_regrole('{r.name}') AND roleid::regrole::text "
            f"NOT IN ({', '.join(repr(g) for g in ('', *r.member_of))})"
            for r in every
        ),
        *(
            _fault(f"role {r.name} is no member of {group}", _no(_member(r, group)))
            for r in every
            for group in r.member_of
        ),
        _fault(
            f"everybody may enter database {database}",
            f"has_database_privilege('public', '{database}', 'CONNECT')",
        ),
        _fault(
            f"everybody may create in schema {SCHEMA}",
            f"has_schema_privilege('public', '{SCHEMA}', 'CREATE')",
        ),
        _fault(
            "passwords are not kept as SCRAM",
            "current_setting('password_encryption') <> 'scram-sha-256'",
        ),
        _fault(
            "this connection has no TLS",
            "NOT (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid())",
        ),
    ]
    rows = "\nUNION ALL ".join(faults)
    return (
        # Both fail where the extension is there and does not work (PG-15).
        f"SELECT count(*) FROM {SCHEMA}.pg_stat_statements;\n"
        f"SELECT '[1,0]'::{SCHEMA}.vector OPERATOR({SCHEMA}.<->) '[0,1]'::{SCHEMA}.vector;\n"
        "DO $$ DECLARE faults text; BEGIN\n"
        f"SELECT string_agg(fault, '; ') INTO faults FROM (\n{rows}\n) AS found(fault);\n"
        "IF faults IS NOT NULL THEN RAISE EXCEPTION '%', faults; END IF;\nEND $$;\n"
    )


def _fault(text: str, condition: str) -> str:
    return f"SELECT '{text}' WHERE {condition}"


def _no(query: str) -> str:
    return f"NOT EXISTS ({query})"


def _extension(name: str) -> str:
    return f"SELECT FROM pg_extension WHERE extname = '{name}'"


def _index(index: Index) -> str:
    unique = " AND indisunique" if index.unique else ""
    return (
        f"SELECT FROM pg_index WHERE indexrelid = to_regclass('{SCHEMA}.{index.name}') AND "
        f"indisvalid AND indrelid = to_regclass('{_named(index.table)}'){unique}"
    )


def _as_declared(role: Role) -> str:
    return (
        f"SELECT FROM pg_roles WHERE rolname = '{role.name}' AND rolcanlogin AND NOT rolsuper "
        "AND NOT rolcreaterole AND NOT rolcreatedb AND NOT rolreplication AND NOT rolbypassrls "
        f"AND rolconnlimit = {role.connections}"
    )


def _member(role: Role, group: str) -> str:
    return (
        f"SELECT FROM pg_auth_members WHERE member = to_regrole('{role.name}') "
        f"AND roleid = to_regrole('{group}')"
    )


def _named(table: str) -> str:
    """A table in full, quoted: `user` is a word of SQL (PG-16)."""
    return f'{SCHEMA}."{table}"'


def _has(table: str, column: str) -> str:
    return (
        f"EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('{_named(table)}') "
        f"AND attname = '{column}' AND NOT attisdropped)"
    )
