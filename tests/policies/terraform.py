"""A recorded environment in the forms that scanners read: Terraform's plan as JSON, and manifests.

Pulumi's AWS provider is Terraform's with other names, so that a plan is a change of names: types by
rule and a table of exceptions, inputs from camelCase, lists of blocks in the singular. A wrong name
cannot hide a disagreement: a scanner that does not find what it looks for says so.

Refused: HCL, because its parser would spend most of a scanner's time on our account; and
CloudFormation, for which scanners have a third of the checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tests.recorder import Registration

# https://registry.terraform.io/providers/hashicorp/aws: what a module's types begin with, where it
# is not the module's name.
_BEGINS = {"ec2": "", "rds": "db_", "cfg": "config_", "costexplorer": "ce_"}
_TYPES = {
    "aws:cfg/recorder:Recorder": "aws_config_configuration_recorder",
    "aws:cfg/recorderStatus:RecorderStatus": "aws_config_configuration_recorder_status",
    "aws:cloudtrail/trail:Trail": "aws_cloudtrail",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": "aws_iam_openid_connect_provider",
    "aws:lb/loadBalancer:LoadBalancer": "aws_lb",
    "aws:route53/hostedZoneDnsSec:HostedZoneDnsSec": "aws_route53_hosted_zone_dnssec",
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": (
        "aws_s3_bucket_replication_configuration"
    ),
}
# Lists of blocks that Terraform itself has in the plural.
_PLURAL = {
    "block_device_mappings",
    "items",
    "managed_rule_group_configs",
    "network_interfaces",
    "redacted_fields",
    "tag_specifications",
}
_FREE = {"tags"}  # people's own keys


def type_of(token: str) -> str:
    """Terraform's type: "aws:rds/instance:Instance" is "aws_db_instance"."""
    if token in _TYPES:
        return _TYPES[token]
    module, name = re.findall(r"aws:(\w+)/(\w+):", token)[0]
    begins = _BEGINS.get(module, f"{module}_")
    return f"aws_{begins}{_snake(name)}"


def address_of(each: Registration) -> str:
    return f"{type_of(each.type)}.{_label(each)}"


def plan(resources: Iterable[Registration]) -> dict[str, Any]:
    """What `terraform show -json` would say of the AWS resources: all are to be created.

    Values are known but for plain references, which are named in the configuration, as they are in
    a first plan.
    """
    ours = {each.urn: each for each in resources if each.type.startswith("aws:")}
    planned, configured, changes = [], [], []
    for each in ours.values():
        references = {
            _snake(key): [f"{address_of(ours[urn])}.id" for urn in sorted(urns) if urn in ours]
            for key, urns in each.property_dependencies.items()
            if key in each.clear
        }
        expressions = {key: {"references": found} for key, found in references.items() if found}
        values = {
            key: value
            for key, value in _renamed(each.clear).items()
            if key not in expressions or not _plain_reference(value)
        }
        head = {
            "address": address_of(each),
            "mode": "managed",
            "type": type_of(each.type),
            "name": _label(each),
        }
        planned.append({**head, "values": values})
        configured.append({**head, "expressions": expressions})
        changes.append({**head, "change": {"actions": ["create"], "before": None, "after": values}})
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": planned}},
        "resource_changes": changes,
        "configuration": {"root_module": {"resources": configured}},
    }


def manifests(resources: Iterable[Registration]) -> list[dict[str, Any]]:
    """The objects of the cluster as `kubectl apply` takes them; Helm's releases are none."""
    return [
        _whole({key: value for key, value in each.clear.items() if not key.startswith("__")})
        for each in resources
        if each.type.startswith("kubernetes:") and "apiVersion" in each.clear
    ]


def _plain_reference(value: Any) -> bool:
    return isinstance(value, str) and not value.startswith(("{", "["))


def _label(each: Registration) -> str:
    return re.sub(r"\W", "_", each.name)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def _renamed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            _key(key, inner): _whole(inner) if key in _FREE else _renamed(inner)
            for key, inner in value.items()
        }
    return [_renamed(each) for each in value] if isinstance(value, list) else _whole(value)


def _key(name: str, value: Any) -> str:
    key = _snake(name)
    blocks = isinstance(value, list) and any(isinstance(each, Mapping) for each in value)
    if not blocks or key in _PLURAL:
        return key
    return f"{key[:-3]}y" if key.endswith("ies") else key.removesuffix("s")


def _whole(value: Any) -> Any:
    """Numbers as people wrote them: the wire knows only floats."""
    if isinstance(value, Mapping):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
