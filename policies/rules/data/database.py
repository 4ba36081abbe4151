"""The database: the instance itself, as RDS runs it. Its parameters have a file of their own."""

from __future__ import annotations

from collections.abc import Iterator

from rules.data.stores import DATABASE, PARAMETERS, RDS_CONTROLS, for_customers, number
from rules.documents import said
from rules.model import Item, Props, Rule, Stack, StackRule, Undecided

# The checklist's row "Storage" (CHK-INFRA-04).
LEAST_GIB = 100
OLDEST_MAJOR = 14
# The first minor with pgvector (RDS for PostgreSQL release notes, "Extension versions"); later
# majors have had it from their first.
VECTOR_MINORS = {15: 2, 16: 1}
LOGS = ("postgresql", "upgrade")
# Names that everybody tries first (FSBP RDS.25: the engine's default; the others are as guessable).
COMMON_NAMES = ("admin", "administrator", "master", "postgres", "rds", "root")
# FSBP RDS.20 demands the first three; the others announce what costs data or availability.
EVENTS = ("configuration change", "failure", "maintenance", "failover", "low storage")
# RDS user guide, "Using SSL/TLS to encrypt a connection": in force until 2061 or later. The first
# is what RDS takes where none is said; rds-ca-2019 expired in 2024.
AUTHORITIES = ("rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1")
EVENT_SUBSCRIPTION = "aws:rds/eventSubscription:EventSubscription"
SUBNET_GROUP = "aws:rds/subnetGroup:SubnetGroup"
CACHE_SUBNET_GROUP = "aws:elasticache/subnetGroup:SubnetGroup"
SUBNET = "aws:ec2/subnet:Subnet"
ROUTE_TABLE = "aws:ec2/routeTable:RouteTable"

_DATABASE = (DATABASE,)
_USER_GUIDE = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide"


def _not_public(props: Props) -> Iterator[str]:
    if props.at("publiclyAccessible"):
        yield "the database has a public address"


def _encrypted(props: Props) -> Iterator[str]:
    if not props.at("storageEncrypted"):
        yield "storage is not encrypted"
    elif not said(props, "kmsKeyId"):
        yield "storage is encrypted with the account's default key"


def _managed_password(props: Props) -> Iterator[str]:
    if not props.at("manageMasterUserPassword"):
        yield "the master password is not managed by the service"
    elif not said(props, "masterUserSecretKmsKeyId"):
        yield "the master password is kept under the account's default key"


def _admin_name(props: Props) -> Iterator[str]:
    if (name := str(props.at("username", ""))).lower() in COMMON_NAMES:
        yield f"the master user is called {name}, which is tried first"


def _logs(props: Props) -> Iterator[str]:
    missing = sorted(set(LOGS) - set(props.at("enabledCloudwatchLogsExports", [])))
    if missing:
        yield f"logs are not exported: {', '.join(missing)}"


def _insights(props: Props) -> Iterator[str]:
    if not props.at("performanceInsightsEnabled"):
        yield "Performance Insights is off"
    elif not said(props, "performanceInsightsKmsKeyId"):
        yield "Performance Insights is not encrypted with a key of ours"


def _monitored(props: Props) -> Iterator[str]:
    if not number(props.at("monitoringInterval")):
        yield "enhanced monitoring is off"


def _iam(props: Props) -> Iterator[str]:
    if not props.at("iamDatabaseAuthenticationEnabled"):
        yield "people need a password of the database's own"


def _minor_upgrades(props: Props) -> Iterator[str]:
    if not props.at("autoMinorVersionUpgrade"):
        yield "security fixes of the engine are not installed"


def _tags_copied(props: Props) -> Iterator[str]:
    if not props.at("copyTagsToSnapshot"):
        yield "snapshots do not say whose they are"


def _storage(props: Props) -> Iterator[str]:
    size = number(props.at("allocatedStorage"))
    if size < LEAST_GIB:
        yield f"storage is {size} GiB, less than {LEAST_GIB}"
    if (kind := props.at("storageType", "nothing")) not in ("gp3", "io1", "io2"):
        yield f"storage is {kind}, no SSD with performance of its own"
    if number(props.at("maxAllocatedStorage")) <= size:
        yield "storage does not grow by itself"


def _version(props: Props) -> Iterator[str]:
    if (engine := props.at("engine")) != "postgres":
        yield f"the engine is {engine}, not PostgreSQL"
        return
    major, _, minor = str(props.at("engineVersion", "0")).partition(".")
    if number(major) < OLDEST_MAJOR:
        yield f"PostgreSQL {major} is older than {OLDEST_MAJOR}"
    elif minor.isdigit() and int(minor) < VECTOR_MINORS.get(int(major), 0):
        yield f"PostgreSQL {major}.{minor} has no pgvector"


def _own_subnets(props: Props) -> Iterator[str]:
    try:
        if props.at("dbSubnetGroupName", "") in ("", "default"):
            yield "it is in the default subnets"
    except Undecided:
        return  # a name that is made with the stack is not the default one


def _authority(props: Props) -> Iterator[str]:
    if (name := props.at("caCertIdentifier") or AUTHORITIES[0]) not in AUTHORITIES:
        yield f"its certificate is signed by {name}, which has expired or is unknown to clients"


# -- with what stands beside it ------------------------------------------------------------------
def _own_parameters(item: Item, stack: Stack) -> Iterator[str]:
    if not stack.sources(item, "parameterGroupName", PARAMETERS):
        yield "its parameter group is not of this stack, so nothing says that TLS is forced"


@for_customers
def _events(item: Item, stack: Stack) -> Iterator[str]:
    told = {
        category
        for each in stack.parts(EVENT_SUBSCRIPTION, "sourceIds", item)
        if each.props.at("enabled", True)
        for category in each.props.at("eventCategories", [])
    }
    if missing := [event for event in EVENTS if event not in told]:
        yield f"nobody is told of its events: {', '.join(missing)}"


def _isolated(group: Item, stack: Stack) -> Iterator[str]:
    subnets = stack.sources(group, "subnetIds", SUBNET)
    if not subnets:
        raise Undecided("routes of subnets that were brought")
    for subnet in subnets:
        associations = stack.parts(
            "aws:ec2/routeTableAssociation:RouteTableAssociation", "subnetId", subnet
        )
        if not associations:
            yield f"{subnet.name} has no route table of its own"
        for association in associations:
            for table in stack.sources(
                association, "routeTableId", "aws:ec2/routeTable:RouteTable"
            ):
                for route in stack.parts("aws:ec2/route:Route", "routeTableId", table):
                    if said(route.props, "gatewayId") or said(route.props, "natGatewayId"):
                        yield f"{subnet.name} has a route to the internet"


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="rds-not-public",
        sentence="The database has no public address.",
        types=_DATABASE,
        severity="critical",
        requirements=("CHK-INFRA-02", "CHK-SEC-03"),
        controls=(
            "FSBP RDS.2", "CIS-AWS 3.2.3", "CHECKOV CKV_AWS_17", "SOC2 CC6.6", "ISO27001 A.8.20",
        ),
        why="Anybody on the internet could try passwords against it.",
        fix="set publicly_accessible to false",
        url=f"{RDS_CONTROLS}#rds-2",
        evidence=("publiclyAccessible",),
        judge=_not_public,
        remedy={"publiclyAccessible": False},
    ),
    Rule(
        name="rds-encrypted",
        sentence="The database's storage is encrypted with a key of ours.",
        types=_DATABASE,
        severity="critical",
        requirements=("CHK-INFRA-02", "SEC-06"),
        controls=(
            "FSBP RDS.3", "FSBP RDS.1", "FSBP RDS.4", "CIS-AWS 3.2.1", "CHECKOV CKV_AWS_16",
            "SOC2 CC6.1", "ISO27001 A.8.24", "GDPR 32",
        ),
        # A snapshot of an encrypted instance is encrypted, and then cannot be shared with all (RDS
        # user guide, "Sharing a DB snapshot"): RDS.1 and RDS.4.
        why="Whoever gets at a volume or a snapshot could read every person's data.",
        fix="set storage_encrypted and kms_key_id; an existing instance is restored from an "
        "encrypted copy of its snapshot",
        url=f"{RDS_CONTROLS}#rds-3",
        evidence=("storageEncrypted", "kmsKeyId"),
        judge=_encrypted,
    ),
    Rule(
        name="rds-managed-password",
        sentence="RDS makes, keeps and rotates the master password under a key of ours.",
        types=_DATABASE,
        severity="high",
        requirements=("SEC-06", "CHK-SEC-02"),
        controls=("SOC2 CC6.1", "ISO27001 A.5.17"),
        why="A password that people or state files know is never changed and ends up somewhere.",
        fix="set manage_master_user_password and master_user_secret_kms_key_id",
        url=f"{_USER_GUIDE}/rds-secrets-manager.html",
        evidence=("manageMasterUserPassword", "masterUserSecretKmsKeyId"),
        judge=_managed_password,
    ),
    Rule(
        name="rds-admin-name",
        sentence="The master user has no name that everybody tries.",
        types=_DATABASE,
        severity="low",
        requirements=("SEC-06",),
        controls=("FSBP RDS.25",),
        why="Half of what an intruder has to guess would be known.",
        fix="set another username; it replaces the instance, so choose it at birth",
        url=f"{RDS_CONTROLS}#rds-25",
        evidence=("username",),
        judge=_admin_name,
    ),
    Rule(
        name="rds-logs-exported",
        sentence="The database's logs leave the instance for CloudWatch.",
        types=_DATABASE,
        severity="high",
        requirements=("AUDIT-03", "ISSUE-04"),
        controls=(
            "FSBP RDS.9", "FSBP RDS.36", "CHECKOV CKV_AWS_129", "SOC2 CC7.2", "ISO27001 A.8.15",
        ),
        why="Who connected and what was slow would be gone with the instance after a few days.",
        fix="set enabled_cloudwatch_logs_exports to postgresql and upgrade",
        url=f"{RDS_CONTROLS}#rds-36",
        evidence=("enabledCloudwatchLogsExports",),
        judge=_logs,
    ),
    Rule(
        name="rds-insights",
        sentence="Performance Insights is on and encrypted with a key of ours.",
        types=_DATABASE,
        severity="medium",
        requirements=("ISSUE-03",),
        controls=("CHECKOV CKV_AWS_353", "CHECKOV CKV_AWS_354", "ISO27001 A.8.6"),
        why="Nobody could say which query made the database slow, or its text would lie open.",
        fix="set performance_insights_enabled and performance_insights_kms_key_id",
        url=f"{_USER_GUIDE}/USER_PerfInsights.html",
        evidence=("performanceInsightsEnabled", "performanceInsightsKmsKeyId"),
        judge=_insights,
    ),
    Rule(
        name="rds-enhanced-monitoring",
        sentence="The database's operating system is monitored.",
        types=_DATABASE,
        severity="low",
        requirements=("MON-09",),
        controls=("FSBP RDS.6", "CHECKOV CKV_AWS_118", "SOC2 CC7.2", "ISO27001 A.8.16"),
        why="A server that runs out of memory would look like a slow application.",
        fix="set monitoring_interval and monitoring_role_arn",
        url=f"{RDS_CONTROLS}#rds-6",
        evidence=("monitoringInterval", "monitoringRoleArn"),
        judge=_monitored,
    ),
    Rule(
        name="rds-iam-authentication",
        sentence="People can log in to the database as themselves.",
        types=_DATABASE,
        severity="medium",
        requirements=("CHK-INFRA-02", "CHK-SEC-04"),
        controls=("FSBP RDS.10", "CHECKOV CKV_AWS_161", "SOC2 CC6.1", "ISO27001 A.8.5"),
        why="People would share a password that stays valid when one of them leaves.",
        fix="set iam_database_authentication_enabled",
        url=f"{RDS_CONTROLS}#rds-10",
        evidence=("iamDatabaseAuthenticationEnabled",),
        judge=_iam,
        remedy={"iamDatabaseAuthenticationEnabled": True},
    ),
    Rule(
        name="rds-minor-upgrades",
        sentence="The database takes minor versions by itself.",
        types=_DATABASE,
        severity="medium",
        requirements=("CHK-INFRA-02",),
        controls=(
            "FSBP RDS.13", "CIS-AWS 3.2.2", "CHECKOV CKV_AWS_226", "SOC2 CC7.1", "ISO27001 A.8.8",
        ),
        why="A hole that was closed months ago would stand open.",
        fix="set auto_minor_version_upgrade",
        url=f"{RDS_CONTROLS}#rds-13",
        evidence=("autoMinorVersionUpgrade",),
        judge=_minor_upgrades,
        remedy={"autoMinorVersionUpgrade": True},
    ),
    Rule(
        name="rds-tags-copied",
        sentence="Snapshots carry the tags of their database.",
        types=_DATABASE,
        severity="low",
        requirements=("GEN-03",),
        controls=("FSBP RDS.17", "CHECKOV CKV2_AWS_60", "ISO27001 A.5.9"),
        why="Nobody would know whose data a snapshot holds, or who may delete it.",
        fix="set copy_tags_to_snapshot",
        url=f"{RDS_CONTROLS}#rds-17",
        evidence=("copyTagsToSnapshot",),
        judge=_tags_copied,
        remedy={"copyTagsToSnapshot": True},
    ),
    Rule(
        name="rds-storage",
        sentence="The database has 100 GiB of SSD or more, and grows by itself.",
        types=_DATABASE,
        severity="medium",
        requirements=("CHK-INFRA-04",),
        controls=("ISO27001 A.8.6", "SOC2 A1.1"),
        why="A full database stops, and everybody with it.",
        fix="set storage_type to gp3, allocated_storage, and max_allocated_storage above it",
        url=f"{_USER_GUIDE}/CHAP_Storage.html",
        evidence=("allocatedStorage", "storageType", "maxAllocatedStorage"),
        judge=_storage,
    ),
    Rule(
        name="rds-own-subnets",
        sentence="The database is in subnets that were chosen for it.",
        types=_DATABASE,
        severity="high",
        requirements=("CHK-INFRA-02", "CHK-SEC-03"),
        controls=("FSBP RDS.18", "SOC2 CC6.6", "ISO27001 A.8.22"),
        why="The default subnets have a route to the internet.",
        fix="set db_subnet_group_name",
        url=f"{RDS_CONTROLS}#rds-18",
        evidence=("dbSubnetGroupName",),
        judge=_own_subnets,
    ),
    Rule(
        name="rds-certificate-authority",
        sentence="The database's certificate is signed by an authority that clients know.",
        types=_DATABASE,
        severity="medium",
        requirements=("CHK-SEC-01", "ENV-07"),
        controls=("CHECKOV CKV_AWS_211", "ISO27001 A.8.24"),
        why="Every client that verifies it, as all of ours do, would be refused at once.",
        fix=f"set ca_cert_identifier to {AUTHORITIES[0]}",
        url=f"{_USER_GUIDE}/UsingWithRDS.SSL.html",
        evidence=("caCertIdentifier",),
        judge=_authority,
    ),
    Rule(
        name="rds-version",
        sentence="The database is PostgreSQL 14 or newer, of a minor that has pgvector.",
        types=_DATABASE,
        severity="high",
        requirements=("CHK-INFRA-02", "PG-14"),
        controls=("CHECKOV CKV_AWS_250",),  # older majors let log_fdw read files
        why="The application's searches need vectors, and its migrations a current server.",
        fix="set engine to postgres and engine_version to a current one",
        url="https://docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes/"
        "postgresql-extensions.html",
        evidence=("engine", "engineVersion"),
        judge=_version,
    ),
    StackRule(
        name="rds-own-parameters",
        sentence="The database uses a parameter group of this stack.",
        types=_DATABASE,
        severity="high",
        requirements=("PG-01", "CHK-SEC-01"),
        controls=("ISO27001 A.8.9",),
        why="The rules about parameters would judge a group that nobody uses.",
        fix="set parameter_group_name to a group of this stack",
        url=f"{_USER_GUIDE}/USER_WorkingWithParamGroups.html",
        evidence=("parameterGroupName",),
        judge=_own_parameters,
    ),
    StackRule(
        name="rds-events-told",
        sentence="Where customers are served, people are told of the database's critical events.",
        types=_DATABASE,
        severity="medium",
        requirements=("MON-09", "DR-02"),
        controls=("FSBP RDS.20", "SOC2 CC7.2", "ISO27001 A.8.16"),
        why="A failover or a failed backup would be noticed by customers first.",
        fix="subscribe to these categories in components/alarms.py",
        url=f"{RDS_CONTROLS}#rds-20",
        judge=_events,
    ),
    StackRule(
        name="store-subnets-isolated",
        sentence="The subnets of database and cache have no route to the internet.",
        types=(SUBNET_GROUP, CACHE_SUBNET_GROUP),
        severity="high",
        requirements=("CHK-INFRA-02", "CHK-SEC-03"),
        controls=("FSBP RDS.46", "SOC2 CC6.6", "ISO27001 A.8.22"),
        why="Data could leave for anywhere, and a mistake in one group would open it to all.",
        fix="use the network's data subnets",
        url=f"{_USER_GUIDE}/USER_VPC.WorkingWithRDSInstanceinaVPC.html",
        evidence=("subnetIds",),
        judge=_isolated,
    ),
)  # fmt: skip
