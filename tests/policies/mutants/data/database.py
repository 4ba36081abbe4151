"""What breaks the database itself."""

from __future__ import annotations

from rules.data.database import CACHE_SUBNET_GROUP, EVENT_SUBSCRIPTION, SUBNET_GROUP
from rules.data.stores import DATABASE

from tests.policies.mutation import Change, Mutant, add, drop, put, several, unlink, without


def _broken(rule: str, title: str, change: Change, *says: str, at: str = "") -> Mutant:
    return Mutant(rule=rule, title=title, change=change, says=says, at=at)


def _put(path: str, value: object) -> Change:
    return put(DATABASE, path, value)


_ROUTE = add(
    "aws:ec2/route:Route",
    "data-to-internet",
    {"destinationCidrBlock": "0.0.0.0/0", "natGatewayId": "nat-0aa"},
    {"routeTableId": ("aws:ec2/routeTable:RouteTable", "network-data")},
)
_ZONES = ("network-data-eu-central-1a", "network-data-eu-central-1b", "network-data-eu-central-1c")

MUTANTS: tuple[Mutant, ...] = (
    _broken(
        "rds-not-public",
        "a public address",
        _put("publiclyAccessible", True),
        "the database has a public address",
    ),
    _broken(
        "rds-encrypted", "no encryption", _put("storageEncrypted", False),
        "storage is not encrypted",
    ),
    _broken(
        "rds-encrypted", "encryption is not said", drop(DATABASE, "storageEncrypted"),
        "storage is not encrypted",
    ),
    _broken(
        "rds-encrypted", "the account's key", drop(DATABASE, "kmsKeyId"),
        "storage is encrypted with the account's default key",
    ),
    _broken(
        "rds-managed-password", "a password of ours", _put("manageMasterUserPassword", False),
        "the master password is not managed by the service",
    ),
    _broken(
        "rds-managed-password", "under the account's key",
        drop(DATABASE, "masterUserSecretKmsKeyId"),
        "the master password is kept under the account's default key",
    ),
    _broken(
        "rds-admin-name", "the engine's own name", _put("username", "postgres"),
        "the master user is called postgres, which is tried first",
    ),
    _broken(
        "rds-admin-name", "written with a capital", _put("username", "Admin"),
        "the master user is called Admin, which is tried first",
    ),
    _broken(
        "rds-logs-exported", "no upgrade log", _put("enabledCloudwatchLogsExports", ["postgresql"]),
        "logs are not exported: upgrade",
    ),
    _broken(
        "rds-logs-exported", "no logs", drop(DATABASE, "enabledCloudwatchLogsExports"),
        "logs are not exported: postgresql, upgrade",
    ),
    _broken(
        "rds-insights", "off", _put("performanceInsightsEnabled", False),
        "Performance Insights is off",
    ),
    _broken(
        "rds-insights", "the account's key", drop(DATABASE, "performanceInsightsKmsKeyId"),
        "Performance Insights is not encrypted with a key of ours",
    ),
    _broken(
        "rds-enhanced-monitoring", "an interval of nothing", _put("monitoringInterval", 0),
        "enhanced monitoring is off",
    ),
    _broken(
        "rds-iam-authentication", "off", _put("iamDatabaseAuthenticationEnabled", False),
        "people need a password of the database's own",
    ),
    _broken(
        "rds-minor-upgrades", "off", _put("autoMinorVersionUpgrade", False),
        "security fixes of the engine are not installed",
    ),
    _broken(
        "rds-tags-copied", "off", _put("copyTagsToSnapshot", False),
        "snapshots do not say whose they are",
    ),
    _broken(
        "rds-storage", "99 GiB", _put("allocatedStorage", 99),
        "storage is 99 GiB, less than 100",
    ),
    _broken(
        "rds-storage", "a disk that turns", _put("storageType", "standard"),
        "storage is standard, no SSD with performance of its own",
    ),
    _broken(
        "rds-storage", "a ceiling at its floor", _put("maxAllocatedStorage", 100),
        "storage does not grow by itself",
    ),
    _broken(
        "rds-version", "another engine", _put("engine", "mysql"),
        "the engine is mysql, not PostgreSQL",
    ),
    _broken(
        "rds-version", "PostgreSQL 13", _put("engineVersion", "13.20"),
        "PostgreSQL 13 is older than 14",
    ),
    _broken(
        "rds-version", "a minor without pgvector", _put("engineVersion", "15.1"),
        "PostgreSQL 15.1 has no pgvector",
    ),
    _broken(
        "rds-own-subnets", "the default ones", drop(DATABASE, "dbSubnetGroupName"),
        "it is in the default subnets",
    ),
    _broken(
        "rds-certificate-authority", "one that has expired",
        _put("caCertIdentifier", "rds-ca-2019"),
        "its certificate is signed by rds-ca-2019, which has expired or is unknown to clients",
    ),
    _broken(
        "rds-own-parameters", "the default group", unlink(DATABASE, "parameterGroupName"),
        "its parameter group is not of this stack, so nothing says that TLS is forced",
    ),
    _broken(
        "rds-events-told", "nobody is told", without(EVENT_SUBSCRIPTION),
        "nobody is told of its events: configuration change, failure, maintenance, failover, "
        "low storage",
        at="database-instance",
    ),
    _broken(
        "rds-events-told", "no failovers",
        put(EVENT_SUBSCRIPTION, "eventCategories", ["failure", "low storage"], "*critical"),
        "nobody is told of its events: failover",
        at="database-instance",
    ),
    _broken(
        "rds-events-told", "switched off", put(EVENT_SUBSCRIPTION, "enabled", False, "*warning"),
        "nobody is told of its events: configuration change, maintenance",
        at="database-instance",
    ),
    _broken(
        "store-subnets-isolated", "data subnets with a way out", _ROUTE,
        *(f"{zone} has a route to the internet" for zone in (*_ZONES, *_ZONES)),
    ),
    *(
        _broken(
            "store-subnets-isolated", f"a {kind} in a public subnet",
            several(
                without(CACHE_SUBNET_GROUP if type_ == SUBNET_GROUP else SUBNET_GROUP),
                add(
                    type_, "public", {"subnetIds": ["subnet-0aa"]},
                    {"subnetIds": ("aws:ec2/subnet:Subnet", "network-public-eu-central-1a")},
                ),
            ),
            "network-public-eu-central-1a has a route to the internet",
            at="public",
        )
        for kind, type_ in (("database", SUBNET_GROUP), ("cache", CACHE_SUBNET_GROUP))
    ),
    _broken(
        "store-subnets-isolated", "a subnet on the main route table",
        several(
            without(CACHE_SUBNET_GROUP),
            unlink("aws:ec2/routeTableAssociation:RouteTableAssociation", "subnetId", _ZONES[0]),
        ),
        f"{_ZONES[0]} has no route table of its own",
        at="database-subnets",
    ),
)  # fmt: skip
