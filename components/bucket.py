"""One hardened bucket, and its replica in the second region where a restore depends on it.

Lives here: versioning, encryption, ownership, public access block, policy, lifecycle, object lock,
server access logs and replication of a single bucket, always all of them in the same way. Which
buckets there are, for whom and for how long is decided in `components/storage.py`; nothing here
knows a noun. Meets BAK-03, BAK-04, LB-25 (the S3 side), AUDIT-03 (the lock) and the controls S3.1,
S3.5, S3.7, S3.8, S3.9, S3.12 to S3.15 and S3.17; respects refusals S1 to S12 and L6.

Refused: ACLs (S4); inline properties of the bucket and the V2 aliases (traps, S3); a bucket without
lifecycle (S3 would keep old versions for ever, and erasure would fail: GDPR-04); the bucket's own
`object_lock_enabled`, because it is create-only: switching the lock on later would replace a bucket
full of backups, while AWS takes a lock on an existing bucket since November 2023 (S5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

from components import documents
from components.context import Context
from components.documents import Statement

# S3 refuses a move to an infrequent-access class before this age (refusal S12).
SHORTEST_TRANSITION_DAYS = 30
# Parts of an upload that was never finished are invisible and cost money.
ABORT_UPLOADS_DAYS = 1
# The only value that replication time control takes (S3 user guide, replication time control).
REPLICATION_MINUTES = 15


REPLICATION_RULE = "everything"


@dataclass(frozen=True, kw_only=True)
class Transition:
    """A move to a cheaper storage class after so many days."""

    days: int
    storage_class: str = "STANDARD_IA"

    def __post_init__(self) -> None:
        if self.days < SHORTEST_TRANSITION_DAYS:
            raise ValueError(
                f"a transition after {self.days} days is refused by S3: at least "
                f"{SHORTEST_TRANSITION_DAYS} days"
            )


@dataclass(frozen=True, kw_only=True)
class Lock:
    """Object lock: no version can be deleted or overwritten before so many days.

    GOVERNANCE can be lifted with a right of its own (s3:BypassGovernanceRetention); COMPLIANCE by
    nobody, the account's root included.
    """

    days: int
    mode: Literal["GOVERNANCE", "COMPLIANCE"] = "GOVERNANCE"


@dataclass(frozen=True, kw_only=True)
class Replication:
    """A second copy in the backup region.

    key: the key of the replica, in that region.
    delete_markers: true where a deletion here must also hide the replica (erasure of a person's
        files); false where it must not (backups that an intruder deletes).
    timed: replication time control: 15 minutes are promised and late objects are reported.
    """

    key: aws.kms.Key
    delete_markers: bool
    timed: bool = True


def arn_of(partition: str, name: str) -> str:
    """The ARN of a bucket whose name is known before it is made."""
    return f"arn:{partition}:s3:::{name}"


def lifecycle_rules(
    *,
    expire_days: int | None,
    noncurrent_days: int,
    transitions: Sequence[Transition] = (),
) -> list[aws.s3.BucketLifecycleConfigurationRuleArgsDict]:
    """One rule for the whole bucket (BAK-04, GDPR-04).

    With `expire_days` S3 also clears delete markers that stand alone; without, a rule of its own
    says so (both in one rule are refused as malformed).
    """
    rule: aws.s3.BucketLifecycleConfigurationRuleArgsDict = {
        "id": "retention",
        "status": "Enabled",
        # An empty filter block is answered by drift (terraform-provider-aws#41310, #42086).
        "filter": {"prefix": ""},
        "abort_incomplete_multipart_upload": {"days_after_initiation": ABORT_UPLOADS_DAYS},
        "noncurrent_version_expiration": {"noncurrent_days": noncurrent_days},
        "expiration": (
            {"days": expire_days} if expire_days else {"expired_object_delete_marker": True}
        ),
    }
    if transitions:
        rule["transitions"] = [
            {"days": move.days, "storage_class": move.storage_class} for move in transitions
        ]
    return [rule]


def default_encryption(
    key_arn: pulumi.Input[str] | None,
) -> aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgsDict:
    """SSE-KMS under the key, or S3's own keys where there is none (L6)."""
    if key_arn is None:
        return {"sse_algorithm": "AES256"}
    return {"sse_algorithm": "aws:kms", "kms_master_key_id": key_arn}


def own_key_only(bucket_arn: str, key_arn: str) -> list[Statement]:
    """Refuse an upload that asks for another encryption or another key than the bucket's.

    An upload that asks for nothing gets the bucket's default, so the condition has to hold only
    where the header is there: `Null: false` beside `StringNotEquals`. (`StringNotEqualsIfExists`
    is true for a missing header and would refuse every plain upload.)
    """
    header = "s3:x-amz-server-side-encryption"
    key_header = f"{header}-aws-kms-key-id"
    return [
        documents.statement(
            ["s3:PutObject"],
            f"{bucket_arn}/*",
            sid="OwnEncryptionOnly",
            principals="*",
            conditions={"StringNotEquals": {header: "aws:kms"}, "Null": {header: "false"}},
            effect="Deny",
        ),
        documents.statement(
            ["s3:PutObject"],
            f"{bucket_arn}/*",
            sid="OwnKeyOnly",
            principals="*",
            conditions={"StringNotEquals": {key_header: key_arn}, "Null": {key_header: "false"}},
            effect="Deny",
        ),
    ]


def no_bypass(bucket_arn: str) -> Statement:
    """Nobody lifts a governance lock: this policy must go first, in a step that is reviewed."""
    return documents.statement(
        ["s3:BypassGovernanceRetention"],
        f"{bucket_arn}/*",
        sid="NoBypass",
        principals="*",
        effect="Deny",
    )


def bucket_policy(
    bucket_arn: str,
    *,
    key_arn: str | None = None,
    locked: bool = False,
    statements: Sequence[Statement] = (),
) -> str:
    """The policy of one bucket: TLS only, then what its use adds.

    key_arn: given where uploads must use this key. locked: given where a lock may not be lifted.
    """
    own = own_key_only(bucket_arn, key_arn) if key_arn else []
    lock = [no_bypass(bucket_arn)] if locked else []
    return documents.document(documents.tls_only(bucket_arn), *own, *lock, *statements)


def replication_policy(
    *,
    source_arn: str,
    source_key_arn: str,
    source_region: str,
    replica_arn: str,
    replica_key_arn: str,
    replica_region: str,
    dns_suffix: str = "amazonaws.com",
) -> str:
    """What S3 may do to copy encrypted, perhaps locked, objects from one bucket to another.

    After the S3 user guide, "Setting up permissions for live replication" and "Replicating
    encrypted objects". GetObjectRetention and GetObjectLegalHold are needed under object lock;
    without a lock they read nothing.
    """

    def via(region: str) -> dict[str, dict[str, str]]:
        return {"StringEquals": {"kms:ViaService": f"s3.{region}.{dns_suffix}"}}

    return documents.document(
        documents.statement(
            ["s3:GetReplicationConfiguration", "s3:ListBucket"], source_arn, sid="ReadSource"
        ),
        documents.statement(
            [
                "s3:GetObjectLegalHold",
                "s3:GetObjectRetention",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionTagging",
            ],
            f"{source_arn}/*",
            sid="ReadVersions",
        ),
        documents.statement(
            ["s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"],
            f"{replica_arn}/*",
            sid="WriteReplica",
        ),
        documents.statement(
            ["kms:Decrypt"], source_key_arn, sid="Decrypt", conditions=via(source_region)
        ),
        documents.statement(
            ["kms:Encrypt", "kms:GenerateDataKey"],
            replica_key_arn,
            sid="Encrypt",
            conditions=via(replica_region),
        ),
    )


def replication_rule(
    *,
    replica_arn: pulumi.Input[str],
    key_arn: pulumi.Input[str],
    delete_markers: bool,
    timed: bool,
) -> aws.s3.BucketReplicationConfigRuleArgsDict:
    """The one rule of a replication: everything, under the replica's own key."""
    destination: aws.s3.BucketReplicationConfigRuleDestinationArgsDict = {
        "bucket": replica_arn,
        "encryption_configuration": {"replica_kms_key_id": key_arn},
    }
    if timed:
        destination["replication_time"] = {
            "status": "Enabled",
            "time": {"minutes": REPLICATION_MINUTES},
        }
        destination["metrics"] = {
            "status": "Enabled",
            "event_threshold": {"minutes": REPLICATION_MINUTES},
        }
    return {
        "id": REPLICATION_RULE,
        "status": "Enabled",
        "priority": 1,
        "filter": {"prefix": ""},
        "delete_marker_replication": {"status": "Enabled" if delete_markers else "Disabled"},
        "source_selection_criteria": {"sse_kms_encrypted_objects": {"status": "Enabled"}},
        "destination": destination,
    }


@dataclass(frozen=True, kw_only=True)
class BucketArgs:
    """What one bucket is told.

    noun: what the bucket holds, one word; the name adds project, stack, account and region.
    noncurrent_days: how long an overwritten or deleted version can still be brought back.
    key: None means SSE-S3, only for buckets that load balancers and S3 itself write logs to (L6).
    enforce_key: refuse uploads under another key; off where a service decides the encryption.
    expire_days: None where the owner of the objects deletes them.
    statements: what services may do here, beside TLS for all.
    logs_to: the bucket for server access logs; in the same region, and never itself.
    region: another region than the provider's, for a replica.
    """

    context: Context
    noun: str
    noncurrent_days: int
    key: aws.kms.Key | None
    enforce_key: bool = True
    expire_days: int | None = None
    transitions: tuple[Transition, ...] = ()
    lock: Lock | None = None
    statements: tuple[Statement, ...] = ()
    logs_to: Bucket | None = None
    replication: Replication | None = None
    region: str | None = None


class Bucket(pulumi.ComponentResource):
    """A private, versioned, encrypted bucket that is reached over TLS only.

    name: the bucket's name. arn: its ARN. replica: the second copy, where there is one.
    ready: what whoever writes here has to wait for: the policy, the public access block and, where
    they exist, default encryption and lock (an object written earlier has neither). For a bucket
    without key and lock it is as short as AWS allows, since load balancers wait for it.
    replication: how CloudWatch knows the copying, where S3 measures it.
    """

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    ready: list[pulumi.Resource]
    replica: Bucket | None
    replication: dict[str, pulumi.Output[str]] | None

    def __init__(
        self, name: str, args: BucketArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Bucket", name, None, opts)
        self._name, self._args = name, args
        self._known = args.context.bucket(args.noun, args.region)
        self._here = pulumi.ResourceOptions(parent=self)

        self._bucket = self._make_bucket()
        self._versioning = self._make_versioning()
        policy, block = self._make_policy(), self._make_public_access_block()
        self._make_ownership()
        encryption = self._make_encryption()
        self._make_lifecycle()
        self._lock = self._make_lock()
        self._make_logging()
        self.replica = self._make_replica()

        self.name = self._bucket.id
        self.arn = self._bucket.arn
        self.replication = self._measured()
        self.ready = [policy, block]
        if args.key is not None:
            self.ready.append(encryption)
        if self._lock is not None:
            self.ready.append(self._lock)
        self.register_outputs({"name": self.name, "arn": self.arn})

    def _after(self, *resources: pulumi.Resource | None, **more: Any) -> pulumi.ResourceOptions:
        waits = [resource for resource in resources if resource is not None]
        return pulumi.ResourceOptions.merge(
            self._here, pulumi.ResourceOptions(depends_on=waits or None, **more)
        )

    def _make_bucket(self) -> aws.s3.Bucket:
        context = self._args.context
        return aws.s3.Bucket(
            self._name,
            bucket=self._known,
            region=self._args.region,
            force_destroy=not context.protect,
            opts=self._after(protect=context.protect),
        )

    def _make_versioning(self) -> aws.s3.BucketVersioning:
        return aws.s3.BucketVersioning(
            f"{self._name}-versioning",
            bucket=self._bucket.id,
            region=self._args.region,
            versioning_configuration={"status": "Enabled"},
            # Taking the setting away means suspending it, which S3 refuses under a lock (S6) and
            # which would leave a bucket that stays without versions.
            opts=self._after(retain_on_delete=True),
        )

    def _make_policy(self) -> aws.s3.BucketPolicy:
        args, arn = self._args, arn_of(self._args.context.partition, self._known)
        locked = args.lock is not None and args.context.protect

        def build(key_arn: str | None) -> str:
            return bucket_policy(arn, key_arn=key_arn, locked=locked, statements=args.statements)

        enforced = args.key if args.enforce_key else None
        return aws.s3.BucketPolicy(
            f"{self._name}-policy",
            bucket=self._bucket.id,
            region=args.region,
            # Without a key the document is known before anything is made, so that a preview can
            # already be judged.
            policy=build(None) if enforced is None else enforced.arn.apply(build),
            opts=self._here,
        )

    def _make_public_access_block(self) -> aws.s3.BucketPublicAccessBlock:
        return aws.s3.BucketPublicAccessBlock(
            f"{self._name}-public-access",
            bucket=self._bucket.id,
            region=self._args.region,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._here,
        )

    def _make_ownership(self) -> None:
        aws.s3.BucketOwnershipControls(
            f"{self._name}-ownership",
            bucket=self._bucket.id,
            region=self._args.region,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self._here,
        )

    def _make_encryption(self) -> aws.s3.BucketServerSideEncryptionConfiguration:
        key = self._args.key
        default = default_encryption(None if key is None else key.arn)
        return aws.s3.BucketServerSideEncryptionConfiguration(
            f"{self._name}-encryption",
            bucket=self._bucket.id,
            region=self._args.region,
            rules=[
                {
                    "apply_server_side_encryption_by_default": default,
                    # One key request for many objects instead of one for each.
                    "bucket_key_enabled": key is not None,
                    # A key that only the uploader holds is how data is taken hostage.
                    "blocked_encryption_types": ["SSE-C"],
                }
            ],
            opts=self._here,
        )

    def _make_lifecycle(self) -> None:
        args = self._args
        aws.s3.BucketLifecycleConfiguration(
            f"{self._name}-lifecycle",
            bucket=self._bucket.id,
            region=args.region,
            rules=lifecycle_rules(
                expire_days=args.expire_days,
                noncurrent_days=args.noncurrent_days,
                transitions=args.transitions,
            ),
            opts=self._after(self._versioning),
        )

    def _make_lock(self) -> aws.s3.BucketObjectLockConfiguration | None:
        lock = self._args.lock
        if lock is None:
            return None
        return aws.s3.BucketObjectLockConfiguration(
            f"{self._name}-lock",
            bucket=self._bucket.id,
            region=self._args.region,
            object_lock_enabled="Enabled",
            rule={"default_retention": {"mode": lock.mode, "days": lock.days}},
            opts=self._after(self._versioning),
        )

    def _make_logging(self) -> None:
        target = self._args.logs_to
        if target is None:
            return
        aws.s3.BucketLogging(
            f"{self._name}-logging",
            bucket=self._bucket.id,
            region=self._args.region,
            target_bucket=target.name,
            target_prefix=f"s3/{self._args.noun}/",
            # S3 tries the target's policy at once (S11).
            opts=self._after(*target.ready),
        )

    def _make_replica(self) -> Bucket | None:
        args, wanted = self._args, self._args.replication
        if wanted is None:
            return None
        if args.key is None:
            raise ValueError(f"{self._name}: only a bucket with a key can be replicated")
        replica = Bucket(
            f"{self._name}-replica",
            BucketArgs(
                context=args.context,
                noun=args.noun,
                noncurrent_days=args.noncurrent_days,
                key=wanted.key,
                expire_days=args.expire_days,
                transitions=args.transitions,
                lock=args.lock,
                region=args.context.backup_region,
            ),
            self._here,
        )
        role, rights = self._make_replication_role(args.key, wanted.key, replica)
        aws.s3.BucketReplicationConfig(
            f"{self._name}-replication",
            bucket=self._bucket.id,
            role=role.arn,
            rules=[
                replication_rule(
                    replica_arn=replica.arn,
                    key_arn=wanted.key.arn,
                    delete_markers=wanted.delete_markers,
                    timed=wanted.timed,
                )
            ],
            # Versions on both ends (S7), a lock on both ends or none, and rights: what is written
            # before the role may copy is never copied.
            opts=self._after(
                self._versioning, self._lock, replica._versioning, replica._lock, rights
            ),
        )
        return replica

    def _measured(self) -> dict[str, pulumi.Output[str]] | None:
        """Metrics come with replication time control (`replication_rule`)."""
        wanted = self._args.replication
        if self.replica is None or wanted is None or not wanted.timed:
            return None
        return {
            "SourceBucket": self.name,
            "DestinationBucket": self.replica.name,
            "RuleId": pulumi.Output.from_input(REPLICATION_RULE),
        }

    def _make_replication_role(
        self, key: aws.kms.Key, replica_key: aws.kms.Key, replica: Bucket
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        context = self._args.context
        role = aws.iam.Role(
            f"{self._name}-replicator",
            description=f"Lets S3 copy {self._args.noun} to {context.backup_region}.",
            assume_role_policy=documents.trust("s3.amazonaws.com"),
            opts=self._here,
        )
        rights = aws.iam.RolePolicy(
            f"{self._name}-replicator-rights",
            role=role.id,
            policy=pulumi.Output.all(
                source=self._bucket.arn, source_key=key.arn, copy=replica.arn, key=replica_key.arn
            ).apply(
                lambda of: replication_policy(
                    source_arn=of["source"],
                    source_key_arn=of["source_key"],
                    source_region=context.region,
                    replica_arn=of["copy"],
                    replica_key_arn=of["key"],
                    replica_region=context.backup_region,
                )
            ),
            opts=self._here,
        )
        return role, rights
