"""What AWS's schemas refuse, and which change they say makes a new resource."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal import schemas, sdk
from rehearsal.wire import UNKNOWN, Secret

REGION = "eu-central-1"
ACCOUNT = "111122223333"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-4333-a444-555555555555"

VPC = "aws:ec2/vpc:Vpc"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
CLUSTER = "aws:eks/cluster:Cluster"
NODES = "aws:eks/nodeGroup:NodeGroup"
INSTANCE = "aws:rds/instance:Instance"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
BUCKET = "aws:s3/bucket:Bucket"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
TARGETS = "aws:lb/targetGroup:TargetGroup"
LISTENER = "aws:lb/listener:Listener"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
RECORD = "aws:route53/record:Record"
PLAN = "aws:backup/plan:Plan"
CDN = "aws:cloudfront/distribution:Distribution"

# One accepted set of inputs for each type; each test below breaks exactly one thing in it.
GOOD: dict[str, dict[str, Any]] = {
    VPC: {"cidrBlock": "10.20.0.0/16", "tags": {"Name": "arches"}},
    GROUP: {
        "name": "database",
        "description": "in from the nodes",
        "vpcId": "vpc-0123456789abcdef0",
    },
    INGRESS: {
        "securityGroupId": "sg-0123456789abcdef0",
        "referencedSecurityGroupId": "sg-0123456789abcdef1",
        "ipProtocol": "tcp",
        "fromPort": 5432,
        "toPort": 5432,
    },
    CLUSTER: {
        "name": "arches",
        "roleArn": f"arn:aws:iam::{ACCOUNT}:role/cluster",
        "version": "1.34",
        "accessConfig": {"authenticationMode": "API"},
        "enabledClusterLogTypes": ["api", "audit"],
        "encryptionConfig": {"provider": {"keyArn": KEY}, "resources": ["secrets"]},
        "upgradePolicy": {"supportType": "STANDARD"},
        "vpcConfig": {"subnetIds": ["subnet-0123456789abcdef0"], "endpointPrivateAccess": True},
    },
    NODES: {
        "clusterName": "arches",
        "nodeRoleArn": f"arn:aws:iam::{ACCOUNT}:role/nodes",
        "subnetIds": ["subnet-0123456789abcdef0"],
        "instanceTypes": ["m7g.xlarge"],
        "amiType": "AL2023_ARM_64_STANDARD",
        "capacityType": "ON_DEMAND",
        "scalingConfig": {"minSize": 3, "maxSize": 6, "desiredSize": 3},
        "taints": [{"key": "a", "effect": "NO_SCHEDULE"}],
    },
    INSTANCE: {
        "identifier": "database1234567",
        "engine": "postgres",
        "engineVersion": "17.6",
        "instanceClass": "db.m7g.large",
        "allocatedStorage": 100,
        "storageEncrypted": True,
        "kmsKeyId": KEY,
        "username": "arches",
        "backupRetentionPeriod": 35,
        "performanceInsightsEnabled": True,
        "performanceInsightsRetentionPeriod": 7,
        "monitoringInterval": 60,
        "multiAz": True,
        "port": 5432,
    },
    CACHE: {
        "replicationGroupId": "cache-1234567",
        "description": "sessions",
        "engine": "valkey",
        "engineVersion": "8.0",
        "nodeType": "cache.m7g.large",
        "transitEncryptionEnabled": True,
        "numCacheClusters": 3,
    },
    BUCKET: {"bucket": "arches-prod-dumps-1234567"},
    LIFECYCLE: {
        "bucket": "arches-prod-dumps-1234567",
        "rules": [
            {
                "id": "dumps",
                "status": "Enabled",
                "filter": {"prefix": "dumps/"},
                "expiration": {"days": 30},
                "transitions": [{"days": 7, "storageClass": "STANDARD_IA"}],
                "noncurrentVersionExpiration": {"noncurrentDays": 7},
            }
        ],
    },
    TARGETS: {
        "name": "api-1234567",
        "port": 8080,
        "protocol": "HTTP",
        "targetType": "ip",
        "vpcId": "vpc-0123456789abcdef0",
        "healthCheck": {"path": "/health", "interval": 15, "timeout": 5, "matcher": "200"},
    },
    LISTENER: {
        "loadBalancerArn": f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/a/b",
        "port": 443,
        "protocol": "HTTPS",
        "certificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/1",
        "defaultActions": [
            {
                "type": "fixed-response",
                "fixedResponse": {"contentType": "text/plain", "statusCode": "404"},
            }
        ],
    },
    ALARM: {
        "name": "database-connections",
        "comparisonOperator": "GreaterThanThreshold",
        "evaluationPeriods": 3,
        "metricName": "DatabaseConnections",
        "namespace": "AWS/RDS",
        "period": 60,
        "statistic": "Average",
        "threshold": 80.0,
        "treatMissingData": "breaching",
        "unit": "Count",
    },
    LOGS: {"name": "/aws/eks/arches/cluster", "retentionInDays": 90, "kmsKeyId": KEY},
    RECORD: {
        "zoneId": "Z0123456789ABCDEFGHIJ",
        "name": "api.archesai.com",
        "type": "A",
        "ttl": 300,
        "records": ["192.0.2.1"],
    },
    PLAN: {
        "name": "database",
        "rules": [
            {
                "ruleName": "hourly",
                "targetVaultName": "vault",
                "schedule": "cron(0 * * * ? *)",
                "lifecycle": {"deleteAfter": 35},
            }
        ],
    },
    CDN: {
        "enabled": True,
        "httpVersion": "http2and3",
        "priceClass": "PriceClass_100",
        "origins": [
            {
                "originId": "api",
                "domainName": "api.archesai.com",
                "customOriginConfig": {
                    "httpPort": 80,
                    "httpsPort": 443,
                    "originProtocolPolicy": "https-only",
                    "originSslProtocols": ["TLSv1.2"],
                },
            }
        ],
        "defaultCacheBehavior": {
            "allowedMethods": ["GET", "HEAD"],
            "cachedMethods": ["GET", "HEAD"],
            "targetOriginId": "api",
            "viewerProtocolPolicy": "redirect-to-https",
        },
        "restrictions": {"geoRestriction": {"restrictionType": "none"}},
        "viewerCertificate": {
            "acmCertificateArn": f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1",
            "minimumProtocolVersion": "TLSv1.2_2021",
            "sslSupportMethod": "sni-only",
        },
    },
}


def check(token: str, region: str = REGION, **changes: Any) -> list[str]:
    """The findings on the accepted inputs with these changes; a change to None leaves it out."""
    return [str(each) for each in schemas.check(token, GOOD[token] | changes, region)]


@pytest.mark.parametrize("token", sorted(GOOD))
def test_good_inputs_pass(token: str) -> None:
    assert check(token) == [], "the rehearsal would refuse what AWS accepts"
    assert sdk.check(token, GOOD[token]) == []


@pytest.mark.parametrize(
    ("token", "changes", "finding"),
    [
        (VPC, {"tags": {"k" * 129: "v"}}, None),  # the schema of a VPC's tags has no limit
        (GROUP, {"description": "the cluster's nodes"}, "description: "),
        (GROUP, {"vpcId": "subnet-0123456789abcdef0"}, "is no AWS::EC2::VPC.Id"),
        (INGRESS, {"toPort": None}, "ToPort is required here"),
        (CLUSTER, {"version": "latest"}, "version: 'latest' does not match"),
        (
            CLUSTER,
            {"accessConfig": {"authenticationMode": "IAM"}},
            "accessConfig.authenticationMode: 'IAM' is not one of CONFIG_MAP, API_AND_CONFIG_MAP",
        ),
        (
            CLUSTER,
            {"enabledClusterLogTypes": ["api", "kubelet"]},
            "enabledClusterLogTypes[1]: 'kubelet' is not one of api, audit",
        ),
        (
            CLUSTER,
            {"vpcConfig": {"subnetIds": ["a"], "controlPlaneEgressMode": "NAT"}},
            "vpcConfig.controlPlaneEgressMode: 'NAT' is not one of AWS_MANAGED",
        ),
        (NODES, {"instanceTypes": ["m7g.xlarge", "m7g.tiny"]}, "instanceTypes[1]: 'm7g.tiny' is"),
        (NODES, {"amiType": "AL2023"}, "amiType: 'AL2023' is not one of"),
        (NODES, {"taints": [{"key": "a", "effect": "NoSchedule"}]}, "taints[0].effect: 'NoSch"),
        (NODES, {"scalingConfig": {"minSize": -1}}, "scalingConfig.minSize: -1 is below 0"),
        (INSTANCE, {"engineVersion": "17.99"}, "engineVersion: '17.99' is not one of 17"),
        (INSTANCE, {"engine": "postgresql"}, "engine: 'postgresql' is not one of"),
        (INSTANCE, {"instanceClass": "db.m7g.tiny"}, "instanceClass: 'db.m7g.tiny' is not one of"),
        (INSTANCE, {"backupRetentionPeriod": 36}, "backupRetentionPeriod: 36 is above 35"),
        (INSTANCE, {"storageEncrypted": None}, "StorageEncrypted is required here"),
        (INSTANCE, {"identifier": "1-database"}, "identifier: '1-database' does not match"),
        (INSTANCE, {"username": "app user"}, "username: 'app user' does not match"),
        (
            INSTANCE,
            {"performanceInsightsRetentionPeriod": 30},
            "performanceInsightsRetentionPeriod: 30 is not one of",
        ),
        (CACHE, {"engineVersion": "7.1"}, "engineVersion: '7.1' is not one of 7.2, 8.0"),
        (CACHE, {"nodeType": "cache.m7g.tiny"}, "nodeType: 'cache.m7g.tiny' is not one of"),
        (CACHE, {"transitEncryptionEnabled": None}, "TransitEncryptionEnabled is required here"),
        (BUCKET, {"bucket": "Arches_Dumps"}, "bucket: 'Arches_Dumps' does not match"),
        (BUCKET, {"bucket": "a" * 64}, "has 64 characters, at most 63 may be"),
        (TARGETS, {"protocol": "HTTP2"}, "protocol: 'HTTP2' is not one of"),
        (TARGETS, {"port": 0}, "port: 0 is below 1"),
        (TARGETS, {"vpcId": None}, "VpcId is required here"),
        (TARGETS, {"healthCheck": {"interval": 4}}, "healthCheck.interval: 4 is below 5"),
        (LISTENER, {"certificateArn": None}, "Certificates is required here"),
        (LISTENER, {"protocol": "H2"}, "protocol: 'H2' is not one of"),
        (
            LISTENER,
            {"defaultActions": [{"type": "drop"}]},
            "defaultActions[0].type: 'drop' is not one of",
        ),
        (ALARM, {"comparisonOperator": ">"}, "comparisonOperator: '>' is not one of"),
        (ALARM, {"period": 90}, "period: 90 is no multiple of 60"),
        (ALARM, {"treatMissingData": "bad"}, "treatMissingData: 'bad' is not one of"),
        (
            ALARM,
            {"alarmActions": [f"arn:{n}" for n in range(6)]},
            "alarmActions: a list has 6 different elements, at most 5 may be",
        ),
        (LOGS, {"retentionInDays": 100}, "retentionInDays: 100 is not one of"),
        (LOGS, {"kmsKeyId": "alias/logs"}, "kmsKeyId: 'alias/logs' does not match"),
        (RECORD, {"records": ["192.0.2.256"]}, "records[0]: '192.0.2.256' is no ipv4"),
        (RECORD, {"aliases": [{"name": "a.b", "zoneId": "Z1"}]}, "ttl: "),
        (CDN, {"priceClass": "PriceClass_50"}, "priceClass: 'PriceClass_50' is not one of"),
    ],
)
def test_one_wrong_value_gives_one_line_with_its_path(
    token: str, changes: dict[str, Any], finding: str | None
) -> None:
    found = check(token, **changes)
    if finding is None:
        assert found == []
    else:
        assert any(finding in each for each in found), found


def test_nested_lists_are_mapped_with_their_positions() -> None:
    rules = [{**GOOD[LIFECYCLE]["rules"][0], "transitions": [{"days": 7, "storageClass": "COLD"}]}]
    (found,) = check(LIFECYCLE, rules=rules)
    assert found.startswith("rules[0].transitions[0].storageClass: 'COLD' is not one of")


def test_what_the_provider_folds_into_one_object_finds_its_place_outside() -> None:
    """A lifecycle rule's `expiration.days` is ExpirationInDays of the rule in AWS's own words."""
    rules = [{**GOOD[LIFECYCLE]["rules"][0], "status": "On"}]
    (found,) = check(LIFECYCLE, rules=rules)
    assert found.startswith("rules[0].status: 'On' is not one of Enabled, Disabled")


def test_what_is_sold_in_one_region_only_is_refused_in_another() -> None:
    assert check(INSTANCE, "eu-central-1", instanceClass="db.m5.large") == []
    (found,) = check(INSTANCE, "ap-southeast-7", instanceClass="db.m5.large")
    assert found.startswith("instanceClass: 'db.m5.large' is not one of")


def test_a_resource_that_names_its_own_region_is_checked_against_that_one() -> None:
    assert check(INSTANCE, instanceClass="db.m5.large") == []
    assert check(INSTANCE, instanceClass="db.m5.large", region="ap-southeast-7") != []


def test_unknown_values_are_never_findings_nor_is_what_depends_on_them() -> None:
    assert check(INSTANCE, engine=UNKNOWN, engineVersion="17.99") == []
    assert check(INSTANCE, engineVersion=UNKNOWN, identifier=UNKNOWN, kmsKeyId=UNKNOWN) == []
    assert check(CLUSTER, vpcConfig=UNKNOWN, enabledClusterLogTypes=[UNKNOWN, "audit"]) == []
    assert check(LISTENER, certificateArn=UNKNOWN) == [], "it is given, only not known yet"


def test_checks_look_through_a_secret_and_never_print_it() -> None:
    (found,) = check(INSTANCE, engineVersion=Secret("17.99"))
    assert found.startswith("engineVersion: a secret is not one of")
    assert "17.99" not in found
    (found,) = check(BUCKET, bucket=Secret("CANARY"))
    assert found.startswith("bucket: a secret does not match")
    assert check(INSTANCE, password=Secret("x" * 8)) == []


def test_the_quotes_of_a_text_record_are_the_providers_matter() -> None:
    assert check(RECORD, type="TXT", records=["v=spf1 -all"]) == []


def test_logs_that_are_kept_for_ever_are_written_as_zero() -> None:
    assert check(LOGS, retentionInDays=0) == []


def test_a_type_that_no_schema_knows_is_not_checked_here() -> None:
    assert (
        schemas.check("aws:shield/subscription:Subscription", {"autoRenew": "MAYBE"}, REGION) == []
    )


# --- the table of aliases -----------------------------------------------------------------------


def test_every_input_of_a_listed_type_is_mapped_or_said_to_have_no_schema() -> None:
    gaps = {token: schemas.unmapped(token, sdk.inputs(token)) for token in schemas.listed()}
    assert {token: names for token, names in gaps.items() if names} == {}, (
        "nothing checks these, and no one says so"
    )


def exists(token: str, path: str) -> bool:
    """Whether a type has an input."""
    level = sdk.inputs(token)
    for part in path.split("."):
        if part not in level:
            return False
        level = level[part].nested
    return True


def test_every_alias_leads_from_a_real_input_to_a_real_property() -> None:
    everywhere = schemas._table()["everywhere"]
    common = {name for part in everywhere.values() for names in part.values() for name in names}
    for token in sorted(schemas.listed()):
        row = schemas.aliases(token)
        for part in (row.inputs, row.no_schema, row.create_only, row.updatable, row.unset):
            for path in part:
                assert path in common or exists(token, path), f"{token} has no input {path}"
        assert row.cfn is not None or row.why, f"{token}: say why no schema covers it"
        for path in row.inputs:
            if "." not in path:
                assert schemas.mapped(token, path), f"{token}: {row.inputs[path]} is nowhere"


def test_nested_aliases_lead_to_real_properties_too() -> None:
    for token in sorted(schemas.listed()):
        row = schemas.aliases(token)
        if row.cfn is None:
            continue
        schema = schemas._schema(row.cfn, "us-east-1")
        assert schema is not None, f"{token}: there is no {row.cfn}"
        for path in row.inputs:
            node: Any = schema
            level = sdk.inputs(token)
            parts = path.split(".")
            for depth, name in enumerate(parts):
                plain = ".".join(parts[: depth + 1])
                nouns = () if depth else schemas._nouns(token, row.cfn)
                way = schemas._way(plain, name, node, schema, row, nouns)
                assert way is not None, f"{token}: {plain} leads nowhere"
                node = schemas._descend(node, way, schema)
                assert node is not None, f"{token}: {plain} leads nowhere"
                if "array" in schemas.type_names(node):
                    node = schemas.resolve(node.get("items") or {}, schema)
                level = level[name].nested


def test_no_reason_is_given_for_what_was_never_claimed() -> None:
    """An `updatable` that nothing calls create-only is a leftover."""
    for token in schemas.listed():
        row = schemas.aliases(token)
        claimed = schemas.create_only(token) | sdk.replaces(token) | set(row.create_only)
        assert set(row.updatable) <= claimed, token


def test_an_unlisted_type_is_mapped_by_rule_and_its_gaps_are_named() -> None:
    token = "aws:sqs/queue:Queue"
    assert token not in schemas.listed()
    assert schemas.cfn_type(token) == "AWS::SQS::Queue"
    assert "visibilityTimeoutSeconds" in schemas.unmapped(
        token, ["name", "visibilityTimeoutSeconds"]
    )
    assert "name" not in schemas.unmapped(token, ["name"])


# --- replacement --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        (VPC, {"cidrBlock"}),
        ("aws:ec2/subnet:Subnet", {"vpcId", "cidrBlock", "availabilityZone"}),
        (GROUP, {"name", "description", "vpcId"}),
        (CLUSTER, {"name", "roleArn", "encryptionConfig", "bootstrapSelfManagedAddons"}),
        (CLUSTER, {"kubernetesNetworkConfig.ipFamily", "kubernetesNetworkConfig.serviceIpv4Cidr"}),
        (NODES, {"instanceTypes", "subnetIds", "amiType", "launchTemplate.id", "remoteAccess"}),
        (INSTANCE, {"engine", "kmsKeyId", "storageEncrypted", "username", "dbName"}),
        (CACHE, {"atRestEncryptionEnabled", "kmsKeyId", "replicationGroupId", "subnetGroupName"}),
        (BUCKET, {"bucket", "objectLockEnabled"}),
        ("aws:lb/loadBalancer:LoadBalancer", {"name", "internal", "loadBalancerType"}),
        (TARGETS, {"name", "port", "protocol", "targetType", "vpcId"}),
        ("aws:acm/certificate:Certificate", {"domainName", "subjectAlternativeNames"}),
        ("aws:secretsmanager/secretVersion:SecretVersion", {"secretId", "secretString"}),
        ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", {"role", "policyArn"}),
        ("aws:backup/vault:Vault", {"name", "kmsKeyArn"}),
        ("aws:rds/parameterGroup:ParameterGroup", {"family", "name", "description"}),
        ("aws:ec2/flowLog:FlowLog", {"vpcId", "logDestination", "trafficType"}),
    ],
)
def test_what_can_be_given_at_creation_only_makes_a_new_resource(
    token: str, inputs: set[str]
) -> None:
    assert inputs <= schemas.replaces(token), "a replacement would be shown as an update"


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        (VPC, {"enableDnsHostnames", "tags"}),
        (CLUSTER, {"version", "vpcConfig", "vpcConfig.subnetIds", "enabledClusterLogTypes"}),
        (NODES, {"scalingConfig", "version", "launchTemplate", "launchTemplate.version"}),
        (INSTANCE, {"identifier", "instanceClass", "allocatedStorage", "engineVersion"}),
        (CACHE, {"nodeType", "engineVersion", "numCacheClusters", "transitEncryptionEnabled"}),
        (INGRESS, {"cidrIpv4", "fromPort", "toPort"}),
        ("aws:ec2/vpcEndpoint:VpcEndpoint", {"privateDnsEnabled", "policy", "subnetIds"}),
        ("aws:ec2/routeTableAssociation:RouteTableAssociation", {"routeTableId"}),
        ("aws:budgets/budget:Budget", {"notifications", "limitAmount"}),
        ("aws:lb/listenerRule:ListenerRule", {"priority", "actions"}),
        (CDN, {"origins", "webAclId"}),
    ],
)
def test_what_the_provider_changes_in_place_does_not(token: str, inputs: set[str]) -> None:
    assert not inputs & schemas.replaces(token), "an update would be shown as a replacement"


def test_a_part_of_what_replaces_replaces_as_well() -> None:
    changed = [
        "encryptionConfig.provider.keyArn",
        "vpcConfig.subnetIds[0]",
        "kubernetesNetworkConfig.ipFamily",
        "version",
    ]
    assert schemas.forces_new(CLUSTER, changed) == [changed[0], changed[2]]


def test_every_resource_that_moves_to_another_region_is_made_anew() -> None:
    for token in schemas.listed():
        if "region" in sdk.inputs(token):
            assert "region" in schemas.replaces(token), token
