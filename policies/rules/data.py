"""Data: database, cache and secrets are encrypted, private and cannot be lost by accident."""

from __future__ import annotations

from collections.abc import Iterator

from rules.model import Item, Props, Rule, Stack, StackRule

STATEFUL = (
    "aws:rds/instance:Instance",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:s3/bucket:Bucket",
    "aws:backup/vault:Vault",
    "aws:kms/key:Key",
)
BACKUP_DAYS = 30


def _database(props: Props) -> Iterator[str]:
    if not props.at("storageEncrypted") or not props.given("kmsKeyId"):
        yield "storage is not encrypted with a key of ours"
    if props.at("publiclyAccessible"):
        yield "the database has a public address"
    if not props.at("manageMasterUserPassword"):
        yield "the master password is not managed by the service"
    missing = {"postgresql", "upgrade"} - set(props.at("enabledCloudwatchLogsExports") or [])
    if missing:
        yield f"logs are not exported: {', '.join(sorted(missing))}"
    if props.at("performanceInsightsEnabled") and not props.given("performanceInsightsKmsKeyId"):
        yield "Performance Insights is not encrypted with a key of ours"


def _tls_forced(props: Props) -> Iterator[str]:
    values = {p.get("name"): str(p.get("value")) for p in props.at("parameters") or []}
    if values.get("rds.force_ssl") != "1":
        yield "connections without TLS are accepted"
    if values.get("password_encryption") != "scram-sha-256":
        yield "passwords are not kept as SCRAM"


def _cache(props: Props) -> Iterator[str]:
    if not props.at("atRestEncryptionEnabled") or not props.given("kmsKeyId"):
        yield "data at rest is not encrypted with a key of ours"
    if not props.at("transitEncryptionEnabled"):
        yield "connections are not encrypted"
    if not props.given("authToken") and not props.given("userGroupIds"):
        yield "clients need no password"


def _secret(props: Props) -> Iterator[str]:
    if not props.given("kmsKeyId"):
        yield "the secret is encrypted with the account's default key"


def _undeletable(item: Item, stack: Stack) -> Iterator[str]:
    if not stack.serves_customers:
        return
    props = item.props
    if item.type in STATEFUL and not item.protect:
        yield "`pulumi destroy` may delete it"
    if item.type == "aws:rds/instance:Instance":
        if not props.at("deletionProtection"):
            yield "RDS may delete it"
        if props.at("skipFinalSnapshot") or not props.given("finalSnapshotIdentifier"):
            yield "its deletion takes no final snapshot"
        if props.at("deleteAutomatedBackups", True):
            yield "its deletion deletes its automated backups"
        if int(props.at("backupRetentionPeriod", 0)) < BACKUP_DAYS:
            yield f"backups are kept for less than {BACKUP_DAYS} days"
        if not props.at("multiAz"):
            yield "the loss of one zone stops it"
    if item.type == "aws:elasticache/replicationGroup:ReplicationGroup":
        if not props.at("multiAzEnabled") or not props.at("automaticFailoverEnabled"):
            yield "the loss of one zone stops it"
        if not props.given("finalSnapshotIdentifier"):
            yield "its deletion takes no final snapshot"
        if int(props.at("snapshotRetentionLimit", 0)) < 7:
            yield "snapshots are kept for less than 7 days"
    if item.type == "aws:s3/bucket:Bucket" and props.at("forceDestroy"):
        yield "its deletion deletes every object"
    if item.type == "aws:eks/cluster:Cluster" and not props.at("deletionProtection"):
        yield "EKS may delete it"
    if item.type == "aws:lb/loadBalancer:LoadBalancer" and not props.at("enableDeletionProtection"):
        yield "the load balancer may be deleted"


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="rds-private-encrypted",
        sentence="The database is private, encrypted, logged, and its password is managed.",
        types=("aws:rds/instance:Instance",),
        severity="critical",
        requirements=("CHK-INFRA-02", "SEC-06", "AUDIT-03"),
        fix="set storage_encrypted, kms_key_id, publicly_accessible, manage_master_user_password, "
        "enabled_cloudwatch_logs_exports",
        judge=_database,
    ),
    Rule(
        name="rds-tls-forced",
        sentence="The database refuses connections without TLS and keeps SCRAM passwords.",
        types=("aws:rds/parameterGroup:ParameterGroup",),
        severity="critical",
        requirements=("CHK-SEC-01", "ENV-07", "POOL-03"),
        fix="set rds.force_ssl=1 and password_encryption=scram-sha-256",
        judge=_tls_forced,
    ),
    Rule(
        name="redis-encrypted",
        sentence="The cache is encrypted at rest and in transit and wants a password.",
        types=("aws:elasticache/replicationGroup:ReplicationGroup",),
        severity="critical",
        requirements=("REDIS-06", "REDIS-07", "CHK-SEC-01"),
        fix="set at_rest_encryption_enabled, kms_key_id, transit_encryption_enabled, auth_token",
        judge=_cache,
    ),
    Rule(
        name="secrets-kms",
        sentence="Secrets are encrypted with a key of ours.",
        types=("aws:secretsmanager/secret:Secret",),
        severity="high",
        requirements=("SEC-06", "CHK-SEC-02"),
        fix="set kms_key_id",
        judge=_secret,
    ),
    StackRule(
        name="stateful-protected",
        sentence="Where customers are served, nothing that holds data can be lost by accident.",
        types=(*STATEFUL, "aws:eks/cluster:Cluster", "aws:lb/loadBalancer:LoadBalancer"),
        severity="critical",
        requirements=("DR-01", "DR-02", "CHK-INFRA-07", "CHK-DR-01"),
        fix="see docs/runbooks/retire.md for the way to take an environment down",
        judge=_undeletable,
    ),
)
