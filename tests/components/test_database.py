"""The database: private, encrypted, restorable, and with the guide's parameters in RDS units."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_random
import pytest

from components import database as room
from components.database import Database, DatabaseArgs
from settings.database import DatabaseSettings
from tests.neighbours import context, key, neighbour
from tests.recorder import ACCOUNT, REGION, Recorder, once, record

INSTANCE = "aws:rds/instance:Instance"
GROUP = "aws:rds/parameterGroup:ParameterGroup"
LOG = "aws:cloudwatch/logGroup:LogGroup"
RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
IDENTIFIER = "arches-prod-database"


def settings(**changed: Any) -> DatabaseSettings:
    return DatabaseSettings.model_validate_json(json.dumps(changed))


@once
def deployed(chosen: DatabaseSettings | None = None, **changed: Any) -> Recorder:
    def program() -> None:
        providers = [aws.Provider("aws", region=REGION), pulumi_random.Provider("random")]
        cluster: Any = neighbour(nodes_security_group_id=pulumi.Output.from_input("sg-nodes"))
        network: Any = neighbour(
            vpc_id=pulumi.Output.from_input("vpc-1"),
            data_subnet_ids=[pulumi.Output.from_input(f"subnet-{z}") for z in "abc"],
        )
        keys: Any = neighbour(data=key("data"), logs=key("logs"), secrets=key("secrets"))
        Database(
            "database",
            DatabaseArgs(
                context=context(**changed),
                settings=chosen or settings(),
                network=network,
                keys=keys,
                cluster=cluster,
            ),
            pulumi.ResourceOptions(providers=providers),
        )

    return record(program)


@pytest.fixture(scope="module")
def made() -> Recorder:
    return deployed()


@pytest.fixture(scope="module")
def instance(made: Recorder) -> dict[str, Any]:
    return made.one(INSTANCE).inputs


def test_everything_hangs_under_the_database_and_names_its_provider(made: Recorder) -> None:
    assert len(made.custom) == 10, "another number of resources than the room was built for"
    [component] = made.components
    for child in made.custom:
        assert child.parent == component.urn, f"{child.name} has left home"
        assert child.provider, f"{child.name} would go to whatever account is the default"
        assert child.name.startswith("database-"), f"{child.name} could collide"


def test_the_database_is_private_and_encrypted_with_our_keys(instance: dict[str, Any]) -> None:
    assert instance["publiclyAccessible"] is False
    assert instance["storageEncrypted"] is True
    assert instance["kmsKeyId"].endswith(":key/data")
    assert instance["performanceInsightsKmsKeyId"].endswith(":key/data")
    assert instance["masterUserSecretKmsKeyId"].endswith(":key/secrets")


def test_only_the_nodes_come_in_and_nothing_goes_out(made: Recorder) -> None:
    door = made.one("aws:ec2/securityGroup:SecurityGroup").inputs
    assert "ingress" not in door, "inline rules fight with separate ones"
    assert "egress" not in door, "PostgreSQL calls nobody"
    assert made.one(RULE).inputs == {
        "securityGroupId": made.one(INSTANCE).inputs["vpcSecurityGroupIds"][0],
        "referencedSecurityGroupId": "sg-nodes",
        "ipProtocol": "tcp",
        "fromPort": 5432,
        "toPort": 5432,
        "description": "PgBouncer and Jobs on the nodes",
    }
    assert made.of("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule") == []


def test_the_database_never_waits_for_the_cluster(made: Recorder) -> None:
    urn = made.one(RULE).urn
    assert urn not in made.one(INSTANCE).dependencies, (
        "13 minutes would be added to the critical path"
    )


def test_the_master_password_is_made_and_kept_by_rds(instance: dict[str, Any]) -> None:
    assert instance["manageMasterUserPassword"] is True
    assert "password" not in instance, "a password in the state, and refused beside a managed one"
    assert instance["iamDatabaseAuthenticationEnabled"] is True


def test_a_lost_hour_can_be_restored_for_thirty_days(instance: dict[str, Any]) -> None:
    assert instance["backupRetentionPeriod"] == 30
    assert instance["multiAz"] is True
    assert instance["deleteAutomatedBackups"] is False, "backups would die with the instance"
    assert instance["copyTagsToSnapshot"] is True


def test_the_database_cannot_be_lost_by_accident(made: Recorder) -> None:
    registration = made.one(INSTANCE)
    assert registration.protect
    assert registration.inputs["deletionProtection"] is True
    assert registration.inputs["skipFinalSnapshot"] is False
    assert registration.inputs["finalSnapshotIdentifier"] == f"{IDENTIFIER}-final-0badcafe"
    assert registration.delete_before_replace, "the fixed identifier would be taken (R29)"


def test_a_new_instance_gets_a_new_final_snapshot_name(made: Recorder) -> None:
    keepers = made.one("random:index/randomId:RandomId").inputs["keepers"]
    assert set(keepers) == {"identifier", "key", "subnets", "database", "master"}, (
        "a create-only input outside the keepers leaves the old name, and the second snapshot fails"
    )


def test_without_protection_the_final_snapshot_stays() -> None:
    registration = deployed(protect=False, serves_customers=False).one(INSTANCE)
    assert not registration.protect
    assert registration.inputs["deletionProtection"] is False
    assert registration.inputs["skipFinalSnapshot"] is False


def test_the_storage_is_gp3_that_grows_by_itself(instance: dict[str, Any]) -> None:
    assert instance["storageType"] == "gp3"
    assert instance["allocatedStorage"] == 100
    assert instance["maxAllocatedStorage"] == 500
    assert "iops" not in instance, "refused under 400 GiB, even the baseline (R11)"
    assert "storageThroughput" not in instance


def test_faster_storage_is_sent_once_the_size_allows_it() -> None:
    fast = settings(
        allocatedStorageGib=400, maxAllocatedStorageGib=800, iops=12000, throughputMibps=500
    )
    inputs = deployed(fast).one(INSTANCE).inputs
    assert (inputs["iops"], inputs["storageThroughput"]) == (12000, 500)


def test_the_parameter_group_belongs_to_the_engine_and_to_the_instance(made: Recorder) -> None:
    group, instance = made.one(GROUP).inputs, made.one(INSTANCE).inputs
    assert (instance["engine"], instance["engineVersion"]) == ("postgres", "17")
    assert group["family"] == "postgres17"
    assert instance["parameterGroupName"] == "database-parameters", "a group nobody attached"
    assert "name" not in group, "a fixed name stops the next major upgrade (R6)"


def test_the_group_carries_the_guide_in_the_units_of_rds(made: Recorder) -> None:
    rows = {
        row["name"]: (row["value"], row["applyMethod"])
        for row in made.one(GROUP).inputs["parameters"]
    }
    assert rows["shared_buffers"] == ("262144", "pending-reboot")
    assert rows["work_mem"] == ("10485", "immediate")
    assert rows["rds.force_ssl"] == ("1", "pending-reboot"), "connections in clear, or endless diff"
    assert rows["password_encryption"] == ("scram-sha-256", "pending-reboot")
    assert len(rows) == 24


def test_minor_versions_are_kept_current_without_a_failing_downgrade() -> None:
    registration = deployed().one(INSTANCE)
    assert registration.inputs["autoMinorVersionUpgrade"] is True
    assert registration.ignore_changes == ["snapshotIdentifier"], (
        "a major upgrade in the settings would be swallowed"
    )
    pinned = deployed(settings(engineVersion="17.7")).one(INSTANCE)
    assert pinned.inputs["engineVersion"] == "17.7"
    assert pinned.ignore_changes == ["snapshotIdentifier", "engineVersion"], (
        "after AWS raised the minor, `up` would ask for a downgrade (R19)"
    )


def test_extended_support_is_not_paid_for_silently() -> None:
    lifecycle = "engineLifecycleSupport"
    assert deployed().one(INSTANCE).inputs[lifecycle].endswith("-disabled")
    wanted = deployed(settings(extendedSupport=True)).one(INSTANCE).inputs[lifecycle]
    assert wanted == "open-source-rds-extended-support"


def test_log_groups_exist_before_rds_writes_to_them(made: Recorder) -> None:
    groups = made.of(LOG)
    assert [g.inputs["name"] for g in groups] == [
        f"/aws/rds/instance/{IDENTIFIER}/postgresql",
        f"/aws/rds/instance/{IDENTIFIER}/upgrade",
    ]
    instance = made.one(INSTANCE)
    assert instance.inputs["enabledCloudwatchLogsExports"] == ["postgresql", "upgrade"]
    for group in groups:
        assert group.inputs["retentionInDays"] == 365
        assert group.inputs["kmsKeyId"].endswith(":key/logs")
        assert group.urn in instance.dependencies, "RDS would make it first, without retention (O1)"


def test_monitoring_has_its_role_before_the_instance(made: Recorder) -> None:
    role = made.one("aws:iam/role:Role")
    [trusted] = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert trusted["Principal"] == {"Service": "monitoring.rds.amazonaws.com"}
    assert trusted["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "StringLike": {"aws:SourceArn": f"arn:aws:rds:{REGION}:{ACCOUNT}:db:{IDENTIFIER}"},
    }
    attachment = made.one("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    assert attachment.inputs["policyArn"] == (
        "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
    )
    instance = made.one(INSTANCE)
    assert instance.inputs["monitoringInterval"] == 60
    assert attachment.urn in instance.dependencies
    assert instance.inputs["performanceInsightsEnabled"] is True
    assert instance.inputs["databaseInsightsMode"] == "standard"


def test_the_outputs_are_what_the_neighbours_ask_for(made: Recorder) -> None:
    [component] = made.components
    outputs = component.outputs or {}
    assert outputs["port"] == 5432
    assert outputs["name"] == "archesai"
    assert outputs["identifier"] == IDENTIFIER
    assert outputs["address"].startswith(IDENTIFIER)
    assert ":secretsmanager:" in outputs["masterSecretArn"]
    assert set(outputs) == {
        "address",
        "port",
        "name",
        "identifier",
        "arn",
        "masterSecretArn",
        "securityGroupId",
        "subnetGroupName",
    }


def test_a_restore_starts_from_the_named_snapshot() -> None:
    inputs = deployed(settings(restoreFromSnapshot="rds:yesterday")).one(INSTANCE).inputs
    assert inputs["snapshotIdentifier"] == "rds:yesterday"


def test_a_long_stack_name_still_gives_a_legal_identifier() -> None:
    identifier = deployed(stack="a" * 80).one(INSTANCE).inputs["identifier"]
    assert len(identifier) <= room.IDENTIFIER_LIMIT
    assert "--" not in identifier
