"""Stand-ins for what the cluster's components are given, shared by their tests."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any
from unittest.mock import patch

import pulumi
import pulumi_aws as aws
from pulumi.runtime.mocks import MockResourceArgs

from components.cluster import Cluster, ClusterArgs
from components.context import Context
from settings.cluster import ClusterSettings
from tests.neighbours import neighbour
from tests.recorder import ACCOUNT, REGION, Recorder, once, record

CONTEXT = Context(
    project="arches",
    stack="test",
    account_id=ACCOUNT,
    region=REGION,
    backup_region="eu-west-1",
    protect=True,
    serves_customers=True,
)
DEPLOYER = {
    "name": "deployer",
    "principalArn": f"arn:aws:iam::{ACCOUNT}:role/deployer",
    "policy": "cluster-admin",
}
ZONES = ("eu-central-1a", "eu-central-1b", "eu-central-1c")
EKS_GROUP = "sg-made-by-eks"
CLUSTER_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/cluster"


def context(**changes: Any) -> Context:
    return replace(CONTEXT, **changes)


def cluster_settings(**yaml: Any) -> ClusterSettings:
    # On a fixed day: a minor that leaves support breaks an environment's file, not these tests.
    with patch("settings.cluster.today", lambda: date(2026, 11, 21)):
        return ClusterSettings.model_validate_json(json.dumps({"access": [DEPLOYER], **yaml}))


def keys() -> Any:
    return neighbour(
        **{
            purpose: neighbour(
                arn=pulumi.Output.from_input(f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{purpose}")
            )
            for purpose in ("data", "logs", "cluster")
        }
    )


def network(opts: pulumi.ResourceOptions) -> Any:
    """A network whose way out is a real resource, so that waiting for it can be seen."""
    out = aws.ec2.Route(
        "way-out", route_table_id="rtb-1", destination_cidr_block="0.0.0.0/0", opts=opts
    )
    return neighbour(
        vpc_id=pulumi.Output.from_input("vpc-1"),
        cidr="10.20.0.0/16",
        zones=ZONES,
        private_subnet_ids=[pulumi.Output.from_input(f"subnet-{zone}") for zone in ZONES],
        egress=[out],
    )


class EksRecorder(Recorder):
    """Answers like EKS, which adds its own group to the cluster's `vpcConfig`."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict]:
        made, outputs = super().new_resource(args)
        if args.typ == "aws:eks/cluster:Cluster":
            own = {"clusterSecurityGroupId": EKS_GROUP}
            outputs = {**outputs, "vpcConfig": {**args.inputs["vpcConfig"], **own}}
        return made, outputs


@once
def recorded(settings: ClusterSettings | None = None, **changes: Any) -> Recorder:
    """The whole cluster, as the engine would have seen it."""

    def program() -> None:
        provider = aws.Provider("aws", region=REGION)
        opts = pulumi.ResourceOptions(providers=[provider])
        Cluster(
            "cluster",
            ClusterArgs(
                context=context(**changes),
                settings=settings or cluster_settings(),
                network=network(pulumi.ResourceOptions(provider=provider)),
                keys=keys(),
            ),
            opts,
        )

    return record(program, recorder=EksRecorder())


def waits_for(made: Recorder, urn: str) -> set[str]:
    """The types of everything that must exist before the resource of that URN."""
    by_urn = {each.urn: each for each in made.registrations}
    seen: set[str] = set()
    open_ = [urn]
    while open_:
        for dependency in by_urn[open_.pop()].dependencies:
            if dependency not in seen:
                seen.add(dependency)
                open_.append(dependency)
    return {by_urn[each].type for each in seen}
