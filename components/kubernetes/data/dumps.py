"""The daily logical dump of the database, from a read-only login to a bucket that it only fills.

Here live the scripts of dumping, uploading and restoring, and the CronJob that runs the first two.
The bucket, its lock, lifetime and second copy are the storage's; point-in-time recovery is the
database's and comes first (BAK-01); how a person restores is the
runbook "restore-database-from-dump". Answers the guide's `backup.sh`.

Meets BAK-01 (directly on 5432, a read-only role, verified TLS, fails loudly), BAK-02 (the name is
made once, in UTC), BAK-03 (may only put objects), BAK-04 (deletes nothing: lifecycle does), BAK-05
(CronJob at 02:00 UTC, never twice at once, deadline, history; its last success is the metric
kube_cronjob_status_last_successful_time), BAK-06 (the restore script that a test runs).

- Two containers, one after the other: the first has the database's password and no need of AWS, the
  second the reverse. Where the first fails the second never starts, so nothing is uploaded.
- No pipes: each program's end is seen, and what is uploaded was read again from its first block to
  its last.
- The archive rests on the node's disk, which is encrypted (components/nodes.py), until its pod has
  ended; the kubelet then empties it.

Refused:
- `pg_dump | aws s3 cp -`: an archive that broke off would lie in the bucket as a whole one;
- an image of our own with both programs: one more thing to build, scan and keep current;
- reading the bucket with the same identity, for a check or a restore: whoever takes over this pod
  must find no dumps. A person restores with rights of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from components.context import Context
from components.documents import document, statement
from components.kubernetes.data import sql
from components.kubernetes.workloads.shape import (
    AwsApi,
    Container,
    DataStore,
    Resources,
    SecretValue,
    SyncedSecret,
    Task,
)
from components.kubernetes.workloads.workload import Ran, RanArgs
from components.pod_identity import PodIdentity, PodIdentityArgs
from components.storage import DUMPS_PREFIX
from settings.dumps import DumpsSettings

if TYPE_CHECKING:
    from components.cluster import Cluster
    from components.keys import Keys
    from components.kubernetes.base import ClusterBase
    from components.kubernetes.data.bootstrap import Bootstrap, Way
    from components.storage import Storage

COMPONENT = "dumps"
SECRET = SyncedSecret(name="archesai-database-dump", values={"password": "database-dump"})
SYNCED = (SECRET,)

SCRIPTS = "/scripts"
SCRATCH = "/scratch"
# How long a new pod waits until it is let through to the database (traps, EKS: a network policy
# takes a second or two, and its first packets may be lost), or until a failover is over.
PATIENCE_SECONDS = 120
LOCK_SECONDS = 60
# As many connections as the owner has for migrations (settings/pooler.py, DirectUsers).
RESTORE_JOBS = 2

_FAIL = """\
fail() {
  echo "error: $1" >&2
  exit 1
}
"""


def direct(way: Way, role: str, secret: SyncedSecret) -> dict[str, pulumi.Input[str] | SecretValue]:
    """libpq's variables of a task that logs in by itself, past the pooler."""
    return {
        **way.environment(role, SecretValue(secret=secret.name, key="password")),
        "PGAPPNAME": role,
        "PGTZ": "UTC",
        # The root file system is read-only and the user has no home.
        "HOME": "/tmp",
    }


def waiting(patience_seconds: int = PATIENCE_SECONDS) -> str:
    """The lines of a script that wait until the server takes connections, or for so long.

    Then the next program of the script tries by itself, and says what is wrong.
    """
    return f"""\
waited=0
until pg_isready --quiet --timeout=3 || [ "$waited" -ge {patience_seconds} ]; do
  waited=$((waited + 3))
  sleep 3
done
"""


def dump_script(
    settings: DumpsSettings,
    tables: Sequence[str],
    *,
    scratch: str = SCRATCH,
    patience_seconds: int = PATIENCE_SECONDS,
) -> str:
    """Writes `archive` and its `name` into the scratch directory, or fails. POSIX sh.

    The name stands last: where it is, everything before it went well. tables: each archive must
    hold them; names as PostgreSQL keeps them.
    """
    return f"""\
#!/bin/sh
set -eu
umask 077
{_FAIL}
# The only look at the clock: a dump that runs over midnight keeps its name (BAK-02).
moment="$(date -u +%Y-%m-%dT%H%M%SZ)"
{waiting(patience_seconds)}
cd {scratch}
rm -f archive contents name
pg_dump --format=custom --no-password --lock-wait-timeout={LOCK_SECONDS}s --file=archive

pg_restore --list archive > contents
for table in {" ".join(tables)}; do
  grep -q " TABLE DATA {sql.SCHEMA} $table " contents ||
    fail "the archive does not hold {sql.SCHEMA}.$table"
done
# Unpacks every block, so that an archive that breaks off or was damaged fails here.
pg_restore --file=/dev/null archive
size="$(wc -c < archive)"
[ "$size" -ge {settings.minimum_kib * 1024} ] ||
  fail "the archive has $size bytes; allowed: at least {settings.minimum_kib * 1024}"

echo "$PGDATABASE-$moment.dump" > name
echo "dumped $PGDATABASE: $size bytes"
"""


def upload_script(*, scratch: str = SCRATCH, prefix: str = DUMPS_PREFIX) -> str:
    """Puts the archive under its name into $BUCKET, encrypted with $KEY_ARN. POSIX sh."""
    return f"""\
#!/bin/sh
set -eu
cd {scratch}
name="$(cat name)"
aws s3 cp archive "s3://$BUCKET/{prefix}$name" \\
  --sse aws:kms --sse-kms-key-id "$KEY_ARN" --only-show-errors
echo "uploaded $name"
"""


def restore_script() -> str:
    """Brings the archive (first argument) into the empty database of libpq's variables. POSIX sh.

    The login owns the database. Extensions that only a master may make are there already. Roles are
    the server's and are never in an archive; rights on tables are.
    """
    own = "NOT IN ('pg_catalog', 'information_schema')"
    return f"""\
#!/bin/sh
set -eu
{_FAIL}
[ "$#" -eq 1 ] || fail "say the archive: $0 <archive>"
[ -s "$1" ] || fail "there is no archive $1"
query() {{
  psql --no-psqlrc --no-password --no-align --tuples-only --set=ON_ERROR_STOP=1 --command="$1"
}}
tables="$(query "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname {own}")"
[ "$tables" -eq 0 ] ||
  fail "$PGDATABASE holds $tables tables; allowed: an empty database, nothing is overwritten"

began="$(date +%s)"
pg_restore --exit-on-error --no-password --no-owner --no-comments --jobs={RESTORE_JOBS} \\
  --dbname="$PGDATABASE" "$1"
# Without statistics the first queries would take plans for empty tables.
query "ANALYZE"
ended="$(date +%s)"

query "SELECT schemaname || '.' || relname || ': ' || n_live_tup || ' rows'
  FROM pg_catalog.pg_stat_user_tables ORDER BY 1"
echo "restored $PGDATABASE in $((ended - began)) s"
echo "next: run the erasure again, what was erased since the dump is back (GDPR-04)"
"""


def upload_policy(
    context: Context, bucket_arn: str, key_arn: str, *, prefix: str = DUMPS_PREFIX
) -> str:
    """May put objects under the prefix and nothing else, through S3 with the backups' key.

    kms:Decrypt is what S3 asks of whoever uploads in parts (S3 user guide, "Uploading and copying
    objects using multipart upload", API and permissions); it opens no object, since reading one
    needs s3:GetObject.
    """
    return document(
        statement(["s3:PutObject"], f"{bucket_arn}/{prefix}*", sid="OnlyPut"),
        statement(
            ["kms:Decrypt", "kms:GenerateDataKey"],
            key_arn,
            sid="EncryptThroughS3",
            conditions={
                "StringEquals": {"kms:ViaService": f"s3.{context.region}.amazonaws.com"},
                "StringLike": {
                    "kms:EncryptionContext:aws:s3:arn": [bucket_arn, f"{bucket_arn}/{prefix}*"]
                },
            },
        ),
    )


def dumps_task(
    settings: DumpsSettings,
    way: Way,
    *,
    bucket: pulumi.Input[str],
    key_arn: pulumi.Input[str],
    region: str,
) -> Task:
    """The CronJob: dump, then upload."""
    size = f"{settings.scratch_gib}Gi"
    tables = way.settings.tables
    dump = Container(
        name="dump",
        image=way.settings.image,
        command=("/bin/sh", f"{SCRIPTS}/dump.sh"),
        resources=Resources(
            cpu="250m",
            memory="256Mi",
            memory_limit="512Mi",
            ephemeral=size,
            ephemeral_limit=size,
        ),
        env=direct(way, sql.DUMP, SECRET),
        files={
            SCRIPTS: {
                "dump.sh": dump_script(settings, (tables.users, tables.organizations)),
                # For a person who works in a copy of this pod (runbook).
                "restore.sh": restore_script(),
            },
            **way.authorities,
        },
        scratch=("/tmp", SCRATCH),
    )
    upload = Container(
        name="upload",
        image=settings.upload_image,
        command=("/bin/sh", f"{SCRIPTS}/upload.sh"),
        resources=Resources(cpu="100m", memory="256Mi", memory_limit="512Mi", ephemeral_limit=size),
        env={"BUCKET": bucket, "KEY_ARN": key_arn, "AWS_REGION": region, "HOME": "/tmp"},
        files={SCRIPTS: {"upload.sh": upload_script()}},
        scratch=("/tmp", SCRATCH),
    )
    return Task(
        component=COMPONENT,
        before=(dump,),
        containers=(upload,),
        reaches=(DataStore(store="database"), AwsApi()),
        identity=True,
        schedule=settings.schedule,
        deadline_seconds=settings.deadline_minutes * 60,
        retries=2,
        keep_succeeded=7,
        keep_failed=7,
    )


@dataclass(frozen=True, kw_only=True)
class DumpsArgs:
    """namespace: the application's, as the cluster's settings say it."""

    context: Context
    settings: DumpsSettings
    bootstrap: Bootstrap
    storage: Storage
    keys: Keys
    cluster: Cluster
    base: ClusterBase
    namespace: str


class Dumps(pulumi.ComponentResource):
    """The daily dump; `task` is its declaration. It has no outputs: nobody waits for it."""

    task: Task

    def __init__(
        self, name: str, args: DumpsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Dumps", name, None, opts)
        here = pulumi.ResourceOptions(parent=self)
        self.task = dumps_task(
            args.settings,
            args.bootstrap.way,
            bucket=args.storage.dumps.name,
            key_arn=args.keys.backups.arn,
            region=args.context.region,
        )
        identity = PodIdentity(
            f"{name}-identity",
            PodIdentityArgs(
                context=args.context,
                cluster=args.cluster,
                namespace=args.namespace,
                service_account=self.task.name,
                policies=self._policies(args),
            ),
            here,
        )
        Ran(
            name,
            RanArgs(
                context=args.context,
                namespace=args.base.namespace,
                task=self.task,
                after=[*identity.ready, *args.storage.dumps.ready, *args.bootstrap.ready],
            ),
            here,
        )
        self.register_outputs({})

    def _policies(self, args: DumpsArgs) -> Mapping[str, pulumi.Input[str]]:
        arns = pulumi.Output.all(args.storage.dumps.arn, args.keys.backups.arn)
        return {"upload": arns.apply(lambda each: upload_policy(args.context, each[0], each[1]))}
