"""The reading of the SDK's classes, and the generic check of names and types that rests on it."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
import typing
from typing import Any

import pytest

from rehearsal import schemas, sdk
from rehearsal.wire import UNKNOWN, Secret

INSTANCE = "aws:rds/instance:Instance"
CLUSTER = "aws:eks/cluster:Cluster"


def check(token: str, **inputs: Any) -> list[str]:
    return [str(finding) for finding in sdk.check(token, inputs)]


def cluster(**vpc_config: Any) -> dict[str, Any]:
    arn = "arn:aws:iam::111122223333:role/x"
    return {"roleArn": arn, "vpcConfig": {"subnetIds": ["a"], **vpc_config}}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of modules that we never import
def test_every_type_that_we_know_reads_as_the_sdk_itself_reads_it() -> None:
    """`pulumi._types` over the imported classes is the judge: names, kinds, what is required."""
    from pulumi import _types

    def kind(type_: Any) -> str:
        type_ = _types.unwrap_type(type_)
        scalars = {str: "string", int: "integer", float: "number", bool: "boolean"}
        if type_ in scalars:
            return scalars[type_]
        origin = str(typing.get_origin(type_))
        if "Sequence" in origin:
            return "list"
        return "map" if "Mapping" in origin else "object" if inspect.isclass(type_) else "union"

    def inner(type_: Any) -> Any:
        type_ = _types.unwrap_type(type_)
        while any(word in str(typing.get_origin(type_)) for word in ("Sequence", "Mapping")):
            type_ = _types.unwrap_type(typing.get_args(type_)[-1])
        return type_

    seen: set[type] = set()

    def compare(cls: type, ours: typing.Mapping[str, sdk.Input], where: str, depth: int) -> None:
        if cls in seen:
            return
        seen.add(cls)
        theirs = _types.input_type_types(cls)
        assert set(ours) == set(theirs), f"{where}: other inputs than the SDK's"
        names = _types.input_type_py_to_pulumi_names(cls)
        parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
        required = {names[each.name] for each in parameters if each.default is inspect._empty}
        assert {name for name, each in ours.items() if each.required} == required, where
        for name, type_ in theirs.items():
            assert ours[name].type.kind in (kind(type_), "union", "enum", "any"), f"{where}.{name}"
            below = inner(type_)
            if depth and inspect.isclass(below) and _types.is_input_type(below):
                compare(below, ours[name].nested, f"{where}.{name}", depth - 1)

    for token in sorted(schemas.listed()):
        folder, name = sdk._registry()[token]
        cls = getattr(importlib.import_module(f"pulumi_aws.{folder}"), name)
        module = inspect.getmodule(cls)
        args = getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args")
        compare(args, sdk.inputs(token), token, depth=3)
        assert set(_types.resource_types(cls)) - {"id", "urn"} == sdk.outputs(token), token
    assert len(seen) > 500, "the comparison went over too few classes to mean anything"


def test_the_check_never_imports_the_sdk_because_that_costs_seconds() -> None:
    program = (
        "import sys; from rehearsal import sdk, schemas;"
        f"sdk.check('{INSTANCE}', {{}}); schemas.check('{INSTANCE}', {{}}, 'eu-central-1');"
        "assert not [m for m in sys.modules if m == 'pulumi' or m.startswith('pulumi_aws')]"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_misspelt_type_names_the_nearest_one() -> None:
    (finding,) = check("aws:rds/instanse:Instance")
    assert (
        "has no type aws:rds/instanse:Instance; did you mean aws:rds/instance:Instance?" in finding
    )


def test_a_misspelt_input_names_the_nearest_one() -> None:
    assert check("aws:ec2/vpc:Vpc", cidrBlok="10.0.0.0/16") == [
        "cidrBlok: aws:ec2/vpc:Vpc has no input of this name; did you mean cidrBlock?"
    ]


def test_a_misspelt_nested_input_gives_its_whole_path() -> None:
    assert check(CLUSTER, **cluster(subnetIdz=["b"])) == [
        "vpcConfig.subnetIdz: ClusterVpcConfig has no input of this name; did you mean subnetIds?"
    ]


def test_a_missing_input_is_named_at_the_top_and_inside() -> None:
    assert check(CLUSTER, vpcConfig={}) == [
        "vpcConfig.subnetIds: ClusterVpcConfig requires it, and it is missing",
        f"roleArn: {CLUSTER} requires it, and it is missing",
    ]


def test_an_output_is_no_input() -> None:
    (finding,) = check("aws:ec2/vpc:Vpc", mainRouteTableId="rtb-1")
    assert finding.startswith("mainRouteTableId: aws:ec2/vpc:Vpc has no input of this name")
    assert "mainRouteTableId" in sdk.output_only("aws:ec2/vpc:Vpc")
    assert "cidrBlock" not in sdk.output_only("aws:ec2/vpc:Vpc")


@pytest.mark.parametrize(
    ("inputs", "finding"),
    [
        ({"allocatedStorage": "100"}, "allocatedStorage: needs a whole number, got the string"),
        ({"allocatedStorage": 1.5}, "allocatedStorage: needs a whole number, got the number 1.5"),
        ({"allocatedStorage": True}, "allocatedStorage: needs a whole number, got the value true"),
        ({"multiAz": 1}, "multiAz: needs true or false, got the number 1"),
        ({"engine": 17}, "engine: needs a string, got the number 17"),
        ({"vpcSecurityGroupIds": "sg-1"}, "vpcSecurityGroupIds: needs a list, got the string"),
        ({"vpcSecurityGroupIds": [1]}, "vpcSecurityGroupIds[0]: needs a string, got the number 1"),
        ({"tags": []}, "tags: needs a map, got a list"),
        ({"tags": {"Name": 1}}, "tags.Name: needs a string, got the number 1"),
        ({"blueGreenUpdate": "on"}, "blueGreenUpdate: needs an object, got the string 'on'"),
        ({"blueGreenUpdate": {"enabled": "on"}}, "blueGreenUpdate.enabled: needs true or false"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(inputs: dict[str, Any], finding: str) -> None:
    (found,) = check(INSTANCE, instanceClass="db.m7g.large", **inputs)
    assert found.startswith(finding)


def test_whole_numbers_may_arrive_as_floats() -> None:
    assert check(INSTANCE, instanceClass="db.m7g.large", allocatedStorage=100.0) == []


def test_an_open_enumeration_takes_other_strings_and_a_closed_one_does_not() -> None:
    assert check(INSTANCE, instanceClass="db.not-yet.large") == []
    (finding,) = check(
        "aws:rds/clusterInstance:ClusterInstance",
        clusterIdentifier="c",
        engine="oracle",
        instanceClass="db.r7g.large",
    )
    assert finding.startswith("engine: 'oracle' is none of aurora")


def test_unknown_and_absent_values_are_never_findings() -> None:
    inputs = {"instanceClass": UNKNOWN, "multiAz": UNKNOWN, "tags": UNKNOWN, "port": None}
    assert check(INSTANCE, **inputs) == []


def test_checks_look_through_a_secret_and_never_print_it() -> None:
    assert check(INSTANCE, instanceClass="db.m7g.large", password=Secret("canary")) == []
    found = check(
        INSTANCE,
        instanceClass="db.m7g.large",
        port=Secret("canary"),
        vpcSecurityGroupIds=Secret([12345]),
        blueGreenUpdate=Secret({"enabled": "canary"}),
    )
    assert found == [
        "port: needs a whole number, got a secret",
        "vpcSecurityGroupIds[0]: needs a string, got a secret",
        "blueGreenUpdate.enabled: needs true or false, got a secret",
    ]


def test_the_bridges_own_notes_are_left_alone() -> None:
    assert check(INSTANCE, instanceClass="db.m7g.large", __defaults=["identifier"]) == []


def test_the_arguments_class_is_found_where_a_nested_one_took_its_name() -> None:
    """BucketVersioningArgs is nested in Bucket; the resource's own is BucketVersioningInitArgs."""
    assert set(sdk.inputs("aws:s3/bucketVersioning:BucketVersioning")) >= {
        "bucket",
        "versioningConfiguration",
    }


@pytest.mark.parametrize(
    ("token", "names"),
    [
        (INSTANCE, {"password", "passwordWo"}),
        (
            "aws:secretsmanager/secretVersion:SecretVersion",
            {"secretString", "secretStringWo", "secretBinary"},
        ),
        ("aws:elasticache/replicationGroup:ReplicationGroup", {"authToken", "authTokenWo"}),
        ("aws:ec2/vpc:Vpc", set()),
    ],
)
def test_what_the_sdk_marks_as_secret_is_known(token: str, names: set[str]) -> None:
    assert sdk.secrets(token) == names


def test_deprecated_inputs_say_what_to_use_instead() -> None:
    assert "s3.BucketVersioning" in sdk.deprecated("aws:s3/bucket:Bucket")["versioning"]
    assert "" not in sdk.deprecated("aws:s3/bucket:Bucket")


def test_a_deprecated_type_says_what_to_use_instead() -> None:
    said = sdk.deprecated("aws:s3/bucketV2:BucketV2")[""]
    assert said == "s3.BucketV2 has been deprecated in favor of s3.Bucket"


@pytest.mark.parametrize(
    "documentation",
    [
        "Forces new resource.",
        "Name of the thing. Changing this forces a new resource to be created.",
        "Changing it recreates the resource.",
        "If changed, creates a new resource.",
        "Forces replacement if modified.",
        "Modifying this currently forces Terraform to create a new resource.",
    ],
)
def test_documentation_that_speaks_of_replacement_is_understood(documentation: str) -> None:
    assert sdk.forces_replacement(documentation), "a replacement would be shown as an update"


@pytest.mark.parametrize(
    "documentation",
    [
        "Whether to force detaching any policies the role has before destroying it.",
        "This value can be 0 to force deletion without recovery.",
        "Changing this does not force a new resource.",
        "Name of the thing.",
    ],
)
def test_documentation_that_does_not_is_left_alone(documentation: str) -> None:
    assert not sdk.forces_replacement(documentation), "an update would be shown as a replacement"


def test_replacements_are_read_from_documentation_also_of_nested_inputs() -> None:
    assert sdk.replaces(CLUSTER) == {
        "bootstrapSelfManagedAddons",
        "vpcConfig.controlPlaneEgressMode",
    }
