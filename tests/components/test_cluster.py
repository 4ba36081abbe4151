"""The control plane: who enters, what is encrypted, what is logged, what waits for what."""

from __future__ import annotations

import json

from components.cluster import vpc_config
from components.kubernetes.kubeconfig import kubeconfig
from tests.components.cluster_neighbours import (
    CLUSTER_KEY,
    DEPLOYER,
    ZONES,
    cluster_settings,
    recorded,
    waits_for,
)
from tests.components.kubernetes.guardrails.test_guardrails import made as guardrails
from tests.components.kubernetes.guardrails.test_responders import made as responders
from tests.recorder import ACCOUNT, REGION

CLUSTER = "aws:eks/cluster:Cluster"
ENTRY = "aws:eks/accessEntry:AccessEntry"
POLICY = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
ROLE_BINDING = "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
ADDON = "aws:eks/addon:Addon"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
ROUTE = "aws:ec2/route:Route"


def test_the_control_plane_is_declared_with_every_security_input():
    inputs = recorded().one(CLUSTER).inputs
    assert inputs == {
        "name": "arches-test-cluster",
        "version": "1.36",
        "roleArn": inputs["roleArn"],
        "accessConfig": {
            "authenticationMode": "API",
            "bootstrapClusterCreatorAdminPermissions": False,
        },
        "bootstrapSelfManagedAddons": False,
        "deletionProtection": True,
        "enabledClusterLogTypes": [
            "api",
            "audit",
            "authenticator",
            "controllerManager",
            "scheduler",
        ],
        "encryptionConfig": {"provider": {"keyArn": CLUSTER_KEY}, "resources": ["secrets"]},
        "kubernetesNetworkConfig": {"ipFamily": "ipv4", "serviceIpv4Cidr": "172.20.0.0/16"},
        "upgradePolicy": {"supportType": "STANDARD"},
        "vpcConfig": {
            "subnetIds": [f"subnet-{zone}" for zone in ZONES],
            "endpointPrivateAccess": True,
            "endpointPublicAccess": False,
        },
    }, "an auditor would find a weaker cluster than the documents promise"


def test_the_public_endpoint_opens_only_for_the_listed_blocks():
    assert vpc_config([], ("52.94.76.10/32", "52.94.77.0/24")) == {
        "subnet_ids": [],
        "endpoint_private_access": True,
        "endpoint_public_access": True,
        "public_access_cidrs": ["52.94.76.10/32", "52.94.77.0/24"],
    }


def test_without_blocks_no_list_is_sent_because_an_empty_one_means_everybody():
    assert "public_access_cidrs" not in vpc_config([], ())
    assert vpc_config([], ()).get("endpoint_public_access") is False


def test_the_log_group_is_made_before_the_cluster_with_key_and_retention():
    made = recorded()
    logs = made.one(LOG_GROUP)
    assert logs.inputs == {
        "name": "/aws/eks/arches-test-cluster/cluster",
        "kmsKeyId": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/logs",
        "retentionInDays": 365,
    }
    assert logs.urn in made.one(CLUSTER).dependencies, (
        "EKS would make the group itself, without key or retention, and the next run would fail"
    )


def test_the_cluster_waits_for_its_log_group_and_role_and_for_nothing_else():
    made = recorded()
    assert waits_for(made, made.one(CLUSTER).urn) == {
        LOG_GROUP,
        "aws:iam/role:Role",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    }, "every further thing in front of the cluster costs the whole deployment its time"


def test_the_cluster_and_its_logs_cannot_be_lost_by_accident():
    made = recorded()
    assert made.one(CLUSTER).protect
    assert made.one(LOG_GROUP).protect


def test_a_throw_away_environment_can_be_thrown_away():
    made = recorded(protect=False, serves_customers=False)
    assert made.one(CLUSTER).inputs["deletionProtection"] is False
    assert not any(each.protect for each in made.registrations)


def test_the_nodes_group_is_there_before_the_cluster_and_has_no_rule():
    made = recorded()
    group = made.one(SECURITY_GROUP, "cluster-nodes")
    assert waits_for(made, group.urn) == set(), (
        "a database that lets this group in would wait ten minutes for the cluster"
    )
    assert group.inputs == {
        "vpcId": "vpc-1",
        "description": "Nodes of the cluster",
        "tags": {"Name": "arches-test-nodes"},
    }
    assert not made.of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")


def test_only_the_listed_roles_enter_and_nobody_by_having_made_the_cluster():
    viewer = {
        "name": "support",
        "principalArn": f"arn:aws:iam::{ACCOUNT}:role/support",
        "policy": "view",
        "namespaces": ["production"],
    }
    made = recorded(cluster_settings(access=[DEPLOYER, viewer]))
    entries = sorted(made.of(ENTRY), key=lambda each: each.name)
    assert [each.inputs for each in entries] == [
        {
            "clusterName": "arches-test-cluster",
            "principalArn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
            "type": "STANDARD",
        }
        for role in ("deployer", "support")
    ]
    scopes = {each.name: each.inputs for each in made.of(POLICY)}
    prefix = "arn:aws:eks::aws:cluster-access-policy/"
    admin = scopes["cluster-access-deployer-policy"]
    assert admin["policyArn"] == prefix + "AmazonEKSClusterAdminPolicy"
    assert admin["accessScope"] == {"type": "cluster"}
    view = scopes["cluster-access-support-policy"]
    assert view["policyArn"] == prefix + "AmazonEKSViewPolicy"
    assert view["accessScope"] == {"type": "namespace", "namespaces": ["production"]}


def test_a_reader_enters_the_group_that_rbac_names_and_has_no_policy_of_eks():
    """CHK-SEC-04: what a reader sees is what the guardrails' Role says, and no more."""
    reader = {
        "name": "engineers",
        "principalArn": f"arn:aws:iam::{ACCOUNT}:role/engineers",
        "policy": "reader",
    }
    made = recorded(cluster_settings(access=[DEPLOYER, reader]))
    [subject] = guardrails().one(ROLE_BINDING).inputs["subjects"]
    entry = made.one(ENTRY, "cluster-access-engineers-entry").inputs
    assert entry["kubernetesGroups"] == [subject["name"]], "nobody would ever be in the group"
    assert "kubernetesGroups" not in made.one(ENTRY, "cluster-access-deployer-entry").inputs
    assert [each.name for each in made.of(POLICY)] == ["cluster-access-deployer-policy"]


def test_who_is_on_call_sees_everything_and_is_in_the_group_that_may_mend():
    on_call = {
        "name": "on-call",
        "principalArn": f"arn:aws:iam::{ACCOUNT}:role/on-call",
        "policy": "responder",
    }
    made = recorded(cluster_settings(access=[DEPLOYER, on_call]))
    [subject] = responders().one(ROLE_BINDING, "responders-application").inputs["subjects"]
    entry = made.one(ENTRY, "cluster-access-on-call-entry").inputs
    assert entry["kubernetesGroups"] == [subject["name"]], "at night every exec would be Forbidden"
    policy = made.one(POLICY, "cluster-access-on-call-policy").inputs
    assert policy["policyArn"].endswith("/AmazonEKSAdminViewPolicy")
    assert policy["accessScope"] == {"type": "cluster"}


def test_add_ons_and_nodes_come_in_the_only_order_that_works():
    made = recorded()
    for group in made.of(NODE_GROUP):
        waits = {
            each.inputs["addonName"] for each in made.of(ADDON) if each.urn in group.dependencies
        }
        assert waits == {"vpc-cni", "kube-proxy", "eks-pod-identity-agent"}, (
            "the first node would stay NotReady"
        )
        assert ROUTE in waits_for(made, group.urn), "a node without a way out never joins (E26)"
    nodes = {each.urn for each in made.of(NODE_GROUP)}
    for addon in made.of(ADDON):
        after = nodes <= set(addon.dependencies)
        assert after == (
            addon.inputs["addonName"] in ("coredns", "aws-ebs-csi-driver", "metrics-server")
        ), f"{addon.name} is on the wrong side of the nodes"


def test_add_ons_before_the_nodes_wait_for_the_cluster_only():
    made = recorded()
    for addon in made.of(ADDON):
        if addon.name.startswith("cluster-before-nodes"):
            assert ROUTE not in waits_for(made, addon.urn), f"{addon.name} waits for NAT"
            assert addon.dependencies == [made.one(CLUSTER).urn]


def test_every_resource_hangs_in_its_component_and_names_a_provider():
    made = recorded()
    ours = [each for each in made.custom if each.name != "way-out"]
    assert all(each.name.startswith("cluster-") for each in ours)
    assert all("arches:index:" in each.parent for each in ours), "an orphan at the stack's root"
    assert all(each.provider.split("::")[2].endswith("aws") for each in ours)


def test_the_outputs_are_the_contract_and_the_kubeconfig_is_among_them():
    made = recorded()
    outputs = next(each for each in made.components if each.name == "cluster").outputs
    assert outputs is not None
    assert sorted(outputs) == [
        "autoscalingGroupNames",
        "certificateAuthority",
        "clusterName",
        "endpoint",
        "kubeconfig",
        "nodeGroupNames",
        "nodesSecurityGroupId",
        "securityGroupId",
    ]
    assert len(outputs["nodeGroupNames"]) == 3
    assert all(name.startswith("eks-") for name in outputs["autoscalingGroupNames"])
    assert (
        json.loads(outputs["kubeconfig"])["clusters"][0]["cluster"]["server"]
        == (outputs["endpoint"])
    )


def test_the_kubeconfig_asks_the_cli_for_a_token_and_holds_no_secret():
    text = kubeconfig(
        name="arches-test-cluster",
        endpoint="https://example.eks.amazonaws.com",
        certificate_authority="Q0E=",
        region=REGION,
    )
    assert json.loads(text)["users"] == [
        {
            "name": "arches-test-cluster",
            "user": {
                "exec": {
                    "apiVersion": "client.authentication.k8s.io/v1beta1",
                    "command": "aws",
                    "args": [
                        "eks",
                        "get-token",
                        "--cluster-name",
                        "arches-test-cluster",
                        "--region",
                        REGION,
                        "--output",
                        "json",
                    ],
                    "interactiveMode": "Never",
                }
            },
        }
    ]
    assert "token:" not in text
