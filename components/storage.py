"""The buckets of the deployment, one row each: who fills it, under which key, for how long.

How a bucket is hardened stands in `components/bucket.py`, the same for all; here stand only the
differences. Meets BAK-03, BAK-04, LB-25, AUDIT-03, DR-02, DR-07, GDPR-04 and CHK-INFRA-07.

| row         | holds                                | key     | kept             | copied |
| dumps       | pg_dump archives under `postgres/`   | backups | dumpDays, lock   | yes    |
| velero      | Velero's copies of cluster objects   | backups | Velero decides   | no     |
| access_logs | ALB, CloudFront, S3, Config delivery | SSE-S3  | accessLogDays    | no     |
| files       | the application's files              | data    | until deleted    | yes    |
| audit       | CloudTrail, alone                    | logs    | auditDays, lock  | no     |
| state       | other environments' Pulumi state     | data    | until deleted    | yes    |

Refused:
- a lock on Velero's bucket: Velero prunes its own copies and would fail (DR-07); nor does a rule
  expire its current objects, since a younger copy shares blocks with an older one;
- KMS on the log bucket: load balancers and S3 itself deliver to SSE-S3 only (L6; S3 user guide,
  "Enabling server access logging"), and S3 delivers to no bucket with a default lock;
- AWS Config in the audit bucket: Config does not deliver to a bucket with a default lock (Config
  developer guide, "Managing the delivery channel"). Its files go to the log bucket; Config itself
  keeps the history for years;
- the regional load balancer accounts of before August 2022: the service's principal is the form
  that AWS recommends in every region (ELB user guide, "Enable access logs"; done alike in
  ansible-collections/amazon.aws#2845), so no table of accounts is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components import documents
from components.bucket import Bucket, BucketArgs, Lock, Replication, Transition, arn_of
from components.context import Context
from components.documents import Statement
from settings.storage import VELERO_GRACE_DAYS, StorageSettings

if TYPE_CHECKING:
    from components.keys import Keys

# Where each service puts its objects. S3 adds `s3/<noun>/` for server access logs; CloudFront's
# delivery destination may name its own folder below its prefix.
ALB_PREFIX = "alb"
ALB_CONNECTIONS_PREFIX = "alb-connections"
CLOUDFRONT_PREFIX = "cloudfront"
CONFIG_PREFIX = "config"
DUMPS_PREFIX = "postgres/"

# Versions that only exist because somebody overwrote or lifecycle deleted something: a day, the
# shortest that S3 takes.
NO_GRACE_DAYS = 1

# A bucket's owner gets the objects, not the service that wrote them.
_OWNER = {"s3:x-amz-acl": "bucket-owner-full-control"}


def load_balancer_logs(context: Context, bucket_arn: str) -> list[Statement]:
    """Access and connection logs of this account's load balancers (LB-25, refusal L6).

    The path holds the account, which is the restriction that the ELB user guide gives; a condition
    that the service does not send would make the load balancer fail.
    """
    return [
        documents.statement(
            ["s3:PutObject"],
            [
                f"{bucket_arn}/{prefix}/AWSLogs/{context.account_id}/*"
                for prefix in (ALB_PREFIX, ALB_CONNECTIONS_PREFIX)
            ],
            sid="LoadBalancerLogs",
            principals={"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        )
    ]


def cloudfront_logs(context: Context, bucket_arn: str) -> list[Statement]:
    """CloudFront's standard logs, version 2, which need no ACL; delivered from us-east-1."""
    account = {"aws:SourceAccount": context.account_id}
    source = {"aws:SourceArn": context.arn("logs", "*", region="us-east-1")}
    principal = {"Service": "delivery.logs.amazonaws.com"}
    return [
        documents.statement(
            ["s3:PutObject"],
            [
                f"{bucket_arn}/AWSLogs/{context.account_id}/*",
                f"{bucket_arn}/{CLOUDFRONT_PREFIX}/*",
            ],
            sid="CloudFrontLogs",
            principals=principal,
            conditions={"StringEquals": {**account, **_OWNER}, "ArnLike": source},
        ),
        documents.statement(
            ["s3:GetBucketAcl", "s3:ListBucket"],
            bucket_arn,
            sid="CloudFrontLooks",
            principals=principal,
            conditions={"StringEquals": account, "ArnLike": source},
        ),
    ]


def server_access_logs(context: Context, bucket_arn: str) -> list[Statement]:
    """Access logs of this deployment's own buckets, of no other account's and no other stack's."""
    ours = arn_of(context.partition, f"{context.project}-{context.stack}-*")
    return [
        documents.statement(
            ["s3:PutObject"],
            f"{bucket_arn}/s3/*",
            sid="ServerAccessLogs",
            principals={"Service": "logging.s3.amazonaws.com"},
            conditions={
                "StringEquals": {"aws:SourceAccount": context.account_id},
                "ArnLike": {"aws:SourceArn": ours},
            },
        )
    ]


def config_history(context: Context, bucket_arn: str) -> list[Statement]:
    """Snapshots and history of AWS Config (refusal G3: the policy comes first)."""
    account = {"aws:SourceAccount": context.account_id}
    principal = {"Service": "config.amazonaws.com"}
    return [
        documents.statement(
            ["s3:GetBucketAcl", "s3:ListBucket"],
            bucket_arn,
            sid="ConfigLooks",
            principals=principal,
            conditions={"StringEquals": account},
        ),
        documents.statement(
            ["s3:PutObject"],
            f"{bucket_arn}/{CONFIG_PREFIX}/AWSLogs/{context.account_id}/Config/*",
            sid="ConfigHistory",
            principals=principal,
            conditions={"StringEquals": {**account, **_OWNER}},
        ),
    ]


def trail_logs(context: Context, bucket_arn: str) -> list[Statement]:
    """CloudTrail, but only trails of this deployment (AUDIT-03, refusal T1).

    The trail is made after the bucket, so its ARN is a pattern: `<project>-<stack>-*`.
    """
    trail = {"aws:SourceArn": context.arn("cloudtrail", f"trail/{context.name('*')}")}
    principal = {"Service": "cloudtrail.amazonaws.com"}
    return [
        documents.statement(
            ["s3:GetBucketAcl"],
            bucket_arn,
            sid="TrailLooks",
            principals=principal,
            conditions={"ArnLike": trail},
        ),
        documents.statement(
            ["s3:PutObject"],
            f"{bucket_arn}/AWSLogs/{context.account_id}/*",
            sid="TrailLogs",
            principals=principal,
            conditions={"ArnLike": trail, "StringEquals": _OWNER},
        ),
    ]


def delivered_logs(context: Context, bucket_arn: str) -> tuple[Statement, ...]:
    """Everything that services may write to the log bucket."""
    return (
        *load_balancer_logs(context, bucket_arn),
        *cloudfront_logs(context, bucket_arn),
        *server_access_logs(context, bucket_arn),
        *config_history(context, bucket_arn),
    )


@dataclass(frozen=True, kw_only=True)
class StorageArgs:
    context: Context
    settings: StorageSettings
    keys: Keys


class Storage(pulumi.ComponentResource):
    """The buckets; `state` is None unless the environment keeps other environments' state."""

    dumps: Bucket
    velero: Bucket
    access_logs: Bucket
    files: Bucket
    audit: Bucket
    state: Bucket | None

    def __init__(
        self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Storage", name, None, opts)
        self._name, self._args = name, args
        self._here = pulumi.ResourceOptions(parent=self)

        self._block_public_access()
        self.access_logs = self._make_access_logs()
        self.dumps = self._make_dumps()
        self.velero = self._make_velero()
        self.files = self._make_files()
        self.audit = self._make_audit()
        self.state = self._make_state() if args.settings.state_bucket else None

        outputs = {
            "dumps": self.dumps.name,
            "velero": self.velero.name,
            "accessLogs": self.access_logs.name,
            "files": self.files.name,
            "audit": self.audit.name,
        }
        if self.state is not None:
            outputs["state"] = self.state.name
        self.register_outputs(outputs)

    def _block_public_access(self) -> None:
        """Every bucket has its own block; the account's is made by one environment at most."""
        if not self._args.settings.account_public_access_block:
            return
        aws.s3.AccountPublicAccessBlock(
            f"{self._name}-account-public-access",
            account_id=self._args.context.account_id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._here,
        )

    def _make_access_logs(self) -> Bucket:
        """The load balancer waits for this one, and it waits for nothing: not even for a key."""
        context, settings = self._args.context, self._args.settings
        arn = arn_of(context.partition, context.bucket("logs"))
        return Bucket(
            f"{self._name}-logs",
            BucketArgs(
                context=context,
                noun="logs",
                key=None,
                expire_days=settings.access_log_days,
                noncurrent_days=NO_GRACE_DAYS,
                statements=delivered_logs(context, arn),
            ),
            self._here,
        )

    def _make_dumps(self) -> Bucket:
        settings = self._args.settings
        return Bucket(
            f"{self._name}-dumps",
            BucketArgs(
                context=self._args.context,
                noun="dumps",
                key=self._args.keys.backups,
                expire_days=settings.dump_days,
                noncurrent_days=NO_GRACE_DAYS,
                lock=Lock(days=settings.dump_days, mode=settings.lock_mode),
                logs_to=self.access_logs,
                # An intruder's delete must not reach the copy.
                replication=self._second_copy(delete_markers=False),
            ),
            self._here,
        )

    def _make_velero(self) -> Bucket:
        return Bucket(
            f"{self._name}-velero",
            BucketArgs(
                context=self._args.context,
                noun="velero",
                key=self._args.keys.backups,
                noncurrent_days=VELERO_GRACE_DAYS,
                logs_to=self.access_logs,
            ),
            self._here,
        )

    def _make_files(self) -> Bucket:
        settings = self._args.settings
        after = settings.files_infrequent_after_days
        return Bucket(
            f"{self._name}-files",
            BucketArgs(
                context=self._args.context,
                noun="files",
                key=self._args.keys.data,
                noncurrent_days=settings.noncurrent_days,
                transitions=() if after is None else (Transition(days=after),),
                logs_to=self.access_logs,
                # Erasing a person's file has to reach the copy (GDPR-04).
                replication=self._second_copy(delete_markers=True),
            ),
            self._here,
        )

    def _make_audit(self) -> Bucket:
        context, settings = self._args.context, self._args.settings
        arn = arn_of(context.partition, context.bucket("audit"))
        return Bucket(
            f"{self._name}-audit",
            BucketArgs(
                context=context,
                noun="audit",
                key=self._args.keys.logs,
                # CloudTrail encrypts its digests with SSE-S3 whatever the bucket says.
                enforce_key=False,
                expire_days=settings.audit_days,
                noncurrent_days=NO_GRACE_DAYS,
                lock=Lock(days=settings.audit_days, mode=settings.lock_mode),
                statements=tuple(trail_logs(context, arn)),
                logs_to=self.access_logs,
            ),
            self._here,
        )

    def _make_state(self) -> Bucket:
        return Bucket(
            f"{self._name}-state",
            BucketArgs(
                context=self._args.context,
                noun="state",
                key=self._args.keys.data,
                noncurrent_days=self._args.settings.noncurrent_days,
                logs_to=self.access_logs,
                replication=self._second_copy(delete_markers=False),
            ),
            self._here,
        )

    def _second_copy(self, *, delete_markers: bool) -> Replication | None:
        settings = self._args.settings
        if not settings.replicate:
            return None
        return Replication(
            key=self._args.keys.backups_copy,
            delete_markers=delete_markers,
            timed=settings.replication_time_control,
        )
