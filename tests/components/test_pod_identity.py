"""One role for one service account, and nobody else."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.documents import document, statement
from components.pod_identity import PodIdentity, PodIdentityArgs, within_limit
from tests.components.cluster_neighbours import CONTEXT
from tests.neighbours import neighbour
from tests.recorder import REGION, Recorder, once, record

POLICY = document(statement(["s3:GetObject"], ["arn:aws:s3:::files/*"]))


@once
def identity(**changes: Any) -> Recorder:
    def program() -> None:
        provider = aws.Provider("aws", region=REGION)
        made = PodIdentity(
            "dumps",
            PodIdentityArgs(
                **{
                    "context": CONTEXT,
                    "cluster": neighbour(cluster_name=pulumi.Output.from_input("east")),
                    "namespace": "production",
                    "service_account": "dumps",
                    "policies": {"read": POLICY},
                    **changes,
                }
            ),
            pulumi.ResourceOptions(providers=[provider]),
        )
        assert len(made.ready) == len(changes.get("managed", ())) + 2

    return record(program)


def test_the_role_trusts_pods_of_eks_and_nobody_else():
    role = identity().one("aws:iam/role:Role").inputs
    assert json.loads(role["assumeRolePolicy"])["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Principal": {"Service": "pods.eks.amazonaws.com"},
        }
    ]
    assert "name" not in role, "a fixed role name would collide with the other stack's (I9)"


def test_the_service_account_is_bound_to_the_role():
    made = identity()
    association = made.one("aws:eks/podIdentityAssociation:PodIdentityAssociation").inputs
    assert association == {
        "clusterName": "east",
        "namespace": "production",
        "serviceAccount": "dumps",
        "roleArn": association["roleArn"],
    }


def test_each_document_becomes_one_managed_policy_and_aws_ones_are_attached_by_name():
    made = identity(managed=("service-role/AmazonEBSCSIDriverPolicy",))
    assert made.one("aws:iam/policy:Policy").inputs["policy"] == POLICY
    assert {
        each.inputs["policyArn"].split(":", 4)[-1]
        for each in made.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    } == {"aws:policy/service-role/AmazonEBSCSIDriverPolicy", "111122223333:policy/dumps-read"}
    assert not made.of("aws:iam/rolePolicy:RolePolicy")


def test_an_eleventh_policy_is_refused_before_anything_is_made():
    with pytest.raises(ValueError, match="more than 10 policies"):
        PodIdentityArgs(
            context=CONTEXT,
            cluster=neighbour(cluster_name="east"),
            namespace="production",
            service_account="dumps",
            policies={f"p{each}": POLICY for each in range(11)},
        )


def test_a_policy_that_iam_would_refuse_for_its_length_is_refused_here():
    long = document(
        statement(["s3:GetObject"], [f"arn:aws:s3:::{each:0100}" for each in range(60)])
    )
    with pytest.raises(ValueError, match=r"policy read: \d+ characters, IAM takes 6144"):
        within_limit("read", long)
    assert within_limit("read", POLICY) == POLICY
