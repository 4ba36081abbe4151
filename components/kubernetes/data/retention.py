"""Erases what may no longer be kept: expired sessions, and who was deleted a month ago.

Here live the rules as SQL and the CronJob that runs them. What the login may touch is granted by
the bootstrap (components/kubernetes/data/sql.py, `erasures`); copies of the data are
settings/lifetimes.py.

Meets GDPR-01 (sessions by expiry, 90 days at most), GDPR-02 (deleted users, with what is theirs),
GDPR-03 (daily, with its last success as metric kube_cronjob_status_last_successful_time), GDPR-04
(the runbook of a restore runs it again).

- Each rule goes through its table in batches, each a transaction of its own, so that no lock lasts
  and an interrupted run loses one batch. A second run finds nothing.
- A rule that fails does not keep the next from running; the Job fails in the end.
- A table or column that is absent changes nothing: the rule fails loudly, or is skipped where the
  settings say so. What is theirs (accounts, keys, ...) may be absent.

Refused:
- the guide's `DELETE ... WHERE created_at < ...` as it is: addresses of sessions that expired after
  a week would be kept for three months;
- its `example.com`, where mail could be sent: RFC 2606 keeps `.invalid` free for ever;
- rewriting who is anonymous already: a run would change every row of the past, each day;
- functions in the database: the login would need a right to create, and another migration owner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from components.context import Context
from components.kubernetes.data import sql
from components.kubernetes.data.dumps import direct, waiting
from components.kubernetes.workloads.shape import (
    Container,
    DataStore,
    Resources,
    SyncedSecret,
    Task,
)
from components.kubernetes.workloads.workload import Ran, RanArgs
from settings.bootstrap import Tables
from settings.retention import RetentionSettings

if TYPE_CHECKING:
    from components.kubernetes.base import ClusterBase
    from components.kubernetes.data.bootstrap import Bootstrap, Way

COMPONENT = "retention"
SECRET = SyncedSecret(name="archesai-database-retention", values={"password": "database-retention"})
SYNCED = (SECRET,)
RULES = "/rules"
SCRIPTS = "/scripts"

ANONYMOUS_NAME = "Deleted User"
ANONYMOUS_DOMAIN = "deleted.invalid"
# Without these nobody can be made anonymous.
_NEEDED = ("id", "email", "name", "deleted_at")
# Emptied where the application has them.
_CLEARED = ("phone", "image")


def _absent(settings: RetentionSettings, what: str) -> str:
    """The statement for a rule whose table or columns are not there; `what` is SQL text."""
    level = "EXCEPTION" if settings.when_absent == "fail" else "NOTICE"
    return f"RAISE {level} '% absent: nothing was changed', {what}; RETURN;"


def sessions_sql(settings: RetentionSettings, table: str) -> str:
    """Deletes sessions that expired, and those older than the outer bound (GDPR-01).

    One column after the other, so that each uses its own index (PG-19); one of the two is enough.
    """
    bounds = {
        "expires_at": "now()",
        "created_at": f"now() - interval '{settings.session_days} days'",
    }
    known = ", ".join(f"('{column}', $${bound}$$)" for column, bound in bounds.items())
    return f"""\
DO $rule$
DECLARE
  sessions constant regclass := to_regclass('{sql.SCHEMA}."{table}"');
  due text[];
  rule text;
  gone bigint;
  total bigint := 0;
BEGIN
  SELECT array_agg(format('%I < %s', attname, bound) ORDER BY attname DESC) INTO due
    FROM pg_attribute JOIN (VALUES {known}) AS known (name, bound) ON attname = name
    WHERE attrelid = sessions AND NOT attisdropped;
  IF due IS NULL THEN
    {_absent(settings, f"'table {table} with a column {' or '.join(bounds)} is'")}
  END IF;
  FOREACH rule IN ARRAY due LOOP
    LOOP
      EXECUTE format(
        'DELETE FROM %1$s WHERE %2$s AND ctid = ANY (ARRAY('
        'SELECT ctid FROM %1$s WHERE %2$s LIMIT {settings.batch_rows}))', sessions, rule);
      GET DIAGNOSTICS gone = ROW_COUNT;
      COMMIT;
      EXIT WHEN gone = 0;
      total := total + gone;
    END LOOP;
  END LOOP;
  RAISE NOTICE 'sessions deleted: %', total;
END
$rule$;
"""


def users_sql(settings: RetentionSettings, tables: Tables) -> str:
    """Makes deleted users anonymous and deletes what is theirs, a batch in one transaction.

    GDPR-02. Who is anonymous already is left alone. Ids may be of any type.
    """
    theirs = ", ".join(
        f"""('{sql.SCHEMA}."{table}"', '{column}')"""
        for table, column in (
            (tables.sessions, "user_id"),
            (tables.accounts, "user_id"),
            (tables.api_keys, "user_id"),
            (tables.invitations, "email"),
        )
    )
    needed = ", ".join(f"'{column}'" for column in _NEEDED)
    cleared = ", ".join(f"'{column}'" for column in _CLEARED)
    address = f"'deleted-' || id || '@{ANONYMOUS_DOMAIN}'"
    return f"""\
DO $rule$
DECLARE
  users constant regclass := to_regclass('{sql.SCHEMA}."{tables.users}"');
  missing text;
  emptied text;
  kind text;
  batch record;
  last text[];
  owned record;
  total bigint := 0;
BEGIN
  SELECT string_agg(name, ', ') INTO missing FROM unnest(ARRAY[{needed}]) AS name
    WHERE NOT EXISTS (SELECT FROM pg_attribute
      WHERE attrelid = users AND attname = name AND NOT attisdropped);
  IF missing IS NOT NULL THEN
    {_absent(settings, f"'table {tables.users} with ' || missing || ' is'")}
  END IF;
  SELECT string_agg(format(', %I = NULL', attname), '') INTO emptied FROM pg_attribute
    WHERE attrelid = users AND attname IN ({cleared}) AND NOT attisdropped;
  SELECT atttypid::regtype INTO kind FROM pg_attribute WHERE attrelid = users AND attname = 'id';
  LOOP
    EXECUTE format(
      $$SELECT array_agg(id::text) AS ids, array_agg(email::text) AS emails FROM (
        SELECT id, email FROM %s WHERE email IS DISTINCT FROM {address}
        AND deleted_at < now() - interval '{settings.anonymise_after_days} days'
        LIMIT {settings.batch_rows}) AS due$$, users) INTO batch;
    EXIT WHEN batch.ids IS NULL;
    IF batch.ids && last THEN
      RAISE EXCEPTION 'users that were made anonymous are not: does a trigger change them back?';
    END IF;
    FOR owned IN
      SELECT attrelid::regclass AS rows, attname AS name, atttypid::regtype AS type
      FROM (VALUES {theirs}) AS theirs (of, key)
      JOIN pg_attribute ON attrelid = to_regclass(of) AND attname = key AND NOT attisdropped
    LOOP
      EXECUTE format('DELETE FROM %s WHERE %I = ANY ($1::%s[])',
        owned.rows, owned.name, owned.type)
        USING CASE owned.name WHEN 'email' THEN batch.emails ELSE batch.ids END;
    END LOOP;
    EXECUTE format(
      $$UPDATE %s SET email = {address}, name = '{ANONYMOUS_NAME}'%s
        WHERE id = ANY ($1::%s[])$$, users, coalesce(emptied, ''), kind) USING batch.ids;
    COMMIT;
    last := batch.ids;
    total := total + cardinality(batch.ids);
  END LOOP;
  RAISE NOTICE 'users made anonymous: %', total;
END
$rule$;
"""


def rules(settings: RetentionSettings, tables: Tables) -> dict[str, str]:
    """The rules as files, in their order."""
    found = {"1-sessions.sql": sessions_sql(settings, tables.sessions)}
    if settings.anonymise:
        found["2-users.sql"] = users_sql(settings, tables)
    return found


def retention_script(names: Sequence[str], *, folder: str = RULES) -> str:
    """Runs every rule, and fails in the end where one of them did. POSIX sh."""
    return f"""\
#!/bin/sh
set -eu
{waiting()}
failed=0
for rule in {" ".join(names)}; do
  psql --no-psqlrc --no-password --quiet --set=ON_ERROR_STOP=1 --file="{folder}/$rule" || failed=1
done
exit "$failed"
"""


def retention_task(settings: RetentionSettings, way: Way) -> Task:
    """The CronJob of the rules."""
    wanted = rules(settings, way.settings.tables)
    return Task(
        component=COMPONENT,
        containers=(
            Container(
                name="retention",
                image=way.settings.image,
                command=("/bin/sh", f"{SCRIPTS}/retention.sh"),
                resources=Resources(cpu="50m", memory="64Mi", memory_limit="256Mi"),
                env=direct(way, sql.RETENTION, SECRET),
                files={
                    SCRIPTS: {"retention.sh": retention_script(tuple(wanted))},
                    RULES: wanted,
                    **way.authorities,
                },
            ),
        ),
        reaches=(DataStore(store="database"),),
        schedule=settings.schedule,
        deadline_seconds=settings.deadline_minutes * 60,
        # Once more is harmless: a second run finds what the first one left.
        retries=2,
        keep_succeeded=7,
        keep_failed=7,
    )


@dataclass(frozen=True, kw_only=True)
class RetentionArgs:
    context: Context
    settings: RetentionSettings
    bootstrap: Bootstrap
    base: ClusterBase


class Retention(pulumi.ComponentResource):
    """The daily erasure; `task` is its declaration. It has no outputs: nobody waits for it."""

    task: Task

    def __init__(
        self, name: str, args: RetentionArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Retention", name, None, opts)
        self.task = retention_task(args.settings, args.bootstrap.way)
        Ran(
            name,
            RanArgs(
                context=args.context,
                namespace=args.base.namespace,
                task=self.task,
                after=args.bootstrap.ready,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
