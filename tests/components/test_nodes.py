"""The nodes: size, number, zones, and what a pod may learn from them."""

from __future__ import annotations

from tests.components.cluster_neighbours import (
    CLUSTER_KEY,
    EKS_GROUP,
    ZONES,
    cluster_settings,
    recorded,
)

GROUP = "aws:eks/nodeGroup:NodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"


def test_every_zone_has_a_group_so_that_its_volumes_find_nodes():
    groups = sorted(recorded().of(GROUP), key=lambda each: each.name)
    assert [each.name for each in groups] == [f"cluster-nodes-{zone}" for zone in ZONES]
    assert [each.inputs["subnetIds"] for each in groups] == [[f"subnet-{zone}"] for zone in ZONES]


def test_a_group_is_declared_with_exact_inputs():
    made = recorded()
    group = made.one(GROUP, "cluster-nodes-eu-central-1a").inputs
    assert group == {
        "clusterName": "arches-test-cluster",
        "nodeRoleArn": group["nodeRoleArn"],
        "subnetIds": ["subnet-eu-central-1a"],
        "version": "1.36",
        "amiType": "AL2023_x86_64_STANDARD",
        "capacityType": "ON_DEMAND",
        "instanceTypes": ["c7i.xlarge"],
        "launchTemplate": {"id": group["launchTemplate"]["id"], "version": "1"},
        "scalingConfig": {"minSize": 1, "desiredSize": 1, "maxSize": 3},
        "updateConfig": {"maxUnavailable": 1},
        "nodeRepairConfig": {"enabled": True},
        "labels": {"pool": "general"},
    }, "disk size or remote access beside a template is refused (E21, E22)"


def test_a_release_that_was_read_reaches_every_zone_and_none_is_chosen_unasked():
    made = recorded(cluster_settings(nodes={"releaseVersion": "1.36.2-20261112"}))
    assert {each.inputs["releaseVersion"] for each in made.of(GROUP)} == {"1.36.2-20261112"}, (
        "a zone would go on with an image that has known holes"
    )
    assert not any("releaseVersion" in each.inputs for each in recorded().of(GROUP))


def test_the_autoscalers_number_of_nodes_is_left_alone():
    assert all(
        each.ignore_changes == ["scalingConfig.desiredSize"] for each in recorded().of(GROUP)
    )


def test_the_template_demands_imdsv2_one_hop_and_encrypted_disks():
    template = recorded().one(TEMPLATE).inputs
    assert template["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
        "instanceMetadataTags": "disabled",
    }, "a pod could take the node's credentials"
    assert template["blockDeviceMappings"] == [
        {
            "deviceName": "/dev/xvda",
            "ebs": {
                "volumeType": "gp3",
                "volumeSize": 80,
                "encrypted": "true",
                "kmsKeyId": CLUSTER_KEY,
                "deleteOnTermination": "true",
            },
        }
    ]
    assert template["monitoring"] == {"enabled": True}


def test_the_template_leaves_to_the_group_what_eks_refuses_in_it():
    template = recorded().one(TEMPLATE).inputs
    refused = {"instanceType", "imageId", "iamInstanceProfile", "networkInterfaces", "keyName"}
    assert not refused & set(template), "refusals E23 and E24"


def test_a_node_carries_our_group_and_the_one_that_eks_made():
    made = recorded()
    outputs = next(each for each in made.components if each.name == "cluster").outputs
    assert outputs is not None
    assert made.one(TEMPLATE).inputs["vpcSecurityGroupIds"] == [
        EKS_GROUP,
        outputs["nodesSecurityGroupId"],
    ], "without the cluster's own group no node reaches the control plane"


def test_tags_reach_machines_disks_and_interfaces():
    specifications = recorded().one(TEMPLATE).inputs["tagSpecifications"]
    tags = {"Name": "arches-test-node", "project": "arches", "stack": "test"}
    assert specifications == [
        {"resourceType": each, "tags": tags} for each in ("instance", "volume", "network-interface")
    ]


def test_a_node_may_join_and_pull_images_and_nothing_else():
    made = recorded()
    policies = sorted(
        each.inputs["policyArn"]
        for each in made.of(ATTACHMENT)
        if each.name.startswith("cluster-nodes-")
    )
    assert policies == [
        "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly",
        "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy",
    ]
    attachments = {
        each.urn for each in made.of(ATTACHMENT) if each.name.startswith("cluster-nodes-")
    }
    assert all(attachments <= set(each.dependencies) for each in made.of(GROUP)), (
        "a node that starts without its rights never joins, and one that stops after them hangs"
    )


def test_graviton_types_get_a_graviton_image():
    made = recorded(cluster_settings(nodes={"instanceTypes": ["c7g.xlarge"]}))
    assert {each.inputs["amiType"] for each in made.of(GROUP)} == {"AL2023_ARM_64_STANDARD"}


def test_spot_is_possible_where_nobody_depends_on_it():
    made = recorded(cluster_settings(nodes={"capacity": "spot"}), serves_customers=False)
    assert {each.inputs["capacityType"] for each in made.of(GROUP)} == {"SPOT"}
