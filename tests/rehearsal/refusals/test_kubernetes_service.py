"""Each row about EKS says EKS's words to a wrong request and nothing to a right one."""

from __future__ import annotations

import json
from typing import Any

from rehearsal.refusals.asking import SUBNET
from rehearsal.refusals.kubernetes_service import (
    ADDON,
    CLUSTER,
    ENDPOINT,
    ENTRY,
    ENTRY_POLICY,
    FARGATE,
    LOG_GROUP,
    NODE_GROUP,
    POD_IDENTITY,
    ROLE,
    ROLE_ATTACHMENT,
    ROLE_POLICY,
    ROUTE,
    ROWS,
    TABLE,
    TABLE_USE,
    TEMPLATE,
    VPC,
)
from rehearsal.wire import UNKNOWN
from tests.rehearsal.refusals.cases import (
    ACCOUNT,
    Case,
    Thing,
    create,
    delete,
    thing,
    update,
)

V = "vpc-00000000000000001"
A, B, C = (f"subnet-0000000000000000{i}" for i in "abc")
T = "rtb-00000000000000001"
LT = "lt-00000000000000001"
NODES = f"arn:aws:iam::{ACCOUNT}:role/nodes"
OPS = f"arn:aws:iam::{ACCOUNT}:role/ops"
LOGS = "/aws/eks/main/cluster"
WRONG = "InvalidParameterException: "


def subnet(id_: str, zone: str, cidr: str = "10.20.0.0/24", **more: Any) -> Thing:
    return thing(SUBNET, id_, vpcId=V, cidrBlock=cidr, availabilityZone=zone, **more)


def cluster(*, subnets: list[str] | None = None, **inputs: Any) -> Thing:
    inputs = {"name": "main", "version": "1.35", **inputs}
    if subnets:
        inputs["vpcConfig"] = {"subnetIds": subnets, "endpointPrivateAccess": True}
    return thing(CLUSTER, "main", **inputs)


def asked(*subnets: Any, **more: Any):
    return create(CLUSTER, name="main", vpcConfig={"subnetIds": list(subnets), **more})


def group(**inputs: Any) -> Thing:
    return thing(NODE_GROUP, "main:a", clusterName="main", nodeGroupName="a", **inputs)


def nodes(**inputs: Any):
    return create(NODE_GROUP, **{"clusterName": "main", "nodeGroupName": "a", **inputs})


def upgrade(old: str, new: str, **more: Any):
    return update(CLUSTER, "main", {"name": "main", "version": old}, version=new, **more)


def entry(**inputs: Any):
    return create(ENTRY, **{"clusterName": "main", "principalArn": OPS, **inputs})


def addon(name: str, **inputs: Any):
    return create(ADDON, clusterName="main", addonName=name, **inputs)


TWO_ZONES = [subnet(A, "eu-central-1a"), subnet(B, "eu-central-1b", "10.20.1.0/24")]
API: dict[str, Any] = {"accessConfig": {"authenticationMode": "API"}}
OUT = [
    *TWO_ZONES,
    thing(TABLE, T, vpcId=V),
    thing(TABLE_USE, "u", subnetId=A, routeTableId=T),
    thing(ROUTE, "r", routeTableId=T, destinationCidrBlock="0.0.0.0/0", natGatewayId="nat-1"),
]
ENDPOINTS = [
    thing(ENDPOINT, f"vpce-{name}", vpcId=V, serviceName=f"com.amazonaws.eu-central-1.{name}")
    for name in ("ec2", "ecr.api", "ecr.dkr", "s3")
]
ROLE_THERE = thing(ROLE, "nodes", outputs={"arn": NODES}, name="nodes")
NOT_SUPPORTED = WRONG + "Addon version specified is not supported"
STEP = WRONG + "Unsupported Kubernetes minor version update from "
MODE = WRONG + "Unsupported authentication mode update from "
VALUES = WRONG + "ConfigurationValue provided in request is not supported: "
USED = (
    "ResourceInUseException: The specified access entry resource is already in use on this cluster."
)
NEVER_JOIN = "CREATE_FAILED: NodeCreationFailure: Instances failed to join the kubernetes cluster "
EXISTS = "ResourceAlreadyExistsException: The specified log group already exists"
LIMIT = (
    "ResourceLimitExceededException: You have encountered a service limit on the specified "
    "resource. "
)
CONFLICT = (
    "unexpected state 'CREATE_FAILED', wanted target 'ACTIVE'. last error: ConfigurationConflict: "
    "Conflicts found when trying to apply. Will not continue due to resolve conflicts mode."
)
LOGGED = cluster(enabledClusterLogTypes=["audit"])
LOG_GROUP_THERE = thing(LOG_GROUP, LOGS, name=LOGS)

CASES = [
    Case(
        row="E1",
        have=[subnet(A, "eu-central-1a"), subnet(B, "eu-central-1a", "10.20.1.0/24")],
        request=asked(A, B),
        says=WRONG + "Subnets specified must be in at least two different AZs",
    ),
    Case(row="E1", have=TWO_ZONES, request=asked(A, B)),
    Case(row="E1", have=TWO_ZONES[:1], request=asked(A, UNKNOWN)),
    Case(
        row="E2",
        have=[subnet(A, "us-east-1e"), subnet(B, "us-east-1a", "10.20.1.0/24")],
        request=asked(A, B),
        says=(
            "UnsupportedAvailabilityZoneException: Cannot create cluster 'main' because "
            "us-east-1e, the targeted availability zone, does not currently have sufficient "
            "capacity to support the cluster. Retry and choose from these availability zones: "
            "us-east-1a"
        ),
    ),
    Case(row="E2", have=TWO_ZONES, request=asked(A, B)),
    Case(
        row="E3",
        request=create(CLUSTER, name="main", version="1.29"),
        says=WRONG + "unsupported Kubernetes version",
    ),
    Case(
        row="E3",
        request=upgrade("1.36", "1.37"),
        says=WRONG + "unsupported Kubernetes version",
    ),
    Case(
        row="E3",
        request=create(CLUSTER, name="main", version="1.35"),
        days=900,
        says=WRONG + "unsupported Kubernetes version",
    ),
    Case(row="E3", request=create(CLUSTER, name="main", version="1.36")),
    Case(row="E4", request=upgrade("1.33", "1.35"), says=STEP + "1.33 to 1.35"),
    Case(row="E4", request=upgrade("1.34", "1.35")),
    Case(row="E5", request=upgrade("1.35", "1.34"), says=STEP + "1.35 to 1.34"),
    Case(row="E5", request=upgrade("1.35", "1.36")),
    Case(
        row="E6",
        have=[group(version="1.34")],
        request=upgrade("1.35", "1.36"),
        says=(
            "InvalidStateException: the cluster has upgrade readiness issues: node groups a (1.34) "
            "must be updated to match cluster version 1.35 before updating cluster version"
        ),
    ),
    Case(row="E6", have=[group(version="1.35")], request=upgrade("1.35", "1.36")),
    Case(
        row="E6",
        have=[group(version="1.34")],
        request=upgrade("1.35", "1.36", forceUpdateVersion=True),
    ),
    Case(
        row="E7",
        request=nodes(version="1.30", releaseVersion="1.31.3-20250101"),
        says=(
            "InvalidRequest: Requested release version 1.31.3-20250101 is not valid for kubernetes "
            "version 1.30."
        ),
    ),
    Case(row="E7", have=[cluster()], request=nodes(releaseVersion="1.35.2-20260801")),
    Case(
        row="E7",
        request=nodes(
            version="1.35", releaseVersion="1.20.5-a3e8bda1", amiType="BOTTLEROCKET_x86_64"
        ),
    ),
    Case(
        row="E9",
        have=[cluster(), group()],
        request=delete(CLUSTER, "main", name="main"),
        says="ResourceInUseException: Cluster has nodegroups attached",
    ),
    Case(
        row="E9",
        have=[cluster(), thing(FARGATE, "main:f", clusterName="main")],
        request=delete(CLUSTER, "main", name="main"),
        says="ResourceInUseException: Cluster has Fargate profiles attached",
    ),
    Case(
        row="E9",
        have=[cluster(), thing(NODE_GROUP, "other:a", clusterName="other")],
        request=delete(CLUSTER, "main", name="main"),
    ),
    Case(
        row="E10",
        request=delete(CLUSTER, "main", name="main", deletionProtection=True),
        says=(
            "InvalidRequestException: Deletion protection is enabled and the cluster cannot be "
            "deleted until protection is disabled. (two steps: first `deletionProtection: false` "
            "in one up, delete in the next)"
        ),
    ),
    Case(row="E10", request=delete(CLUSTER, "main", name="main", deletionProtection=False)),
    Case(
        row="E11",
        request=update(CLUSTER, "main", {"name": "main"}, **API),
        says=(
            MODE + "CONFIG_MAP to API (two steps: first `authenticationMode: API_AND_CONFIG_MAP` "
            "in one up, `API` in the next)"
        ),
    ),
    Case(
        row="E11",
        request=update(
            CLUSTER,
            "main",
            {"accessConfig": {"authenticationMode": "API"}},
            accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"},
        ),
        says=MODE + "API to API_AND_CONFIG_MAP",
    ),
    Case(
        row="E11",
        request=update(
            CLUSTER,
            "main",
            {"accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"}},
            **API,
        ),
    ),
    Case(
        row="E12",
        have=[cluster()],
        request=entry(),
        says=(
            "InvalidRequestException: The cluster's authentication mode must be set to one of "
            "[API, API_AND_CONFIG_MAP] to perform this operation."
        ),
    ),
    Case(row="E12", have=[cluster(**API)], request=entry()),
    Case(row="E12", request=create(ENTRY_POLICY, clusterName="main", principalArn=OPS)),
    Case(
        row="E13",
        have=[thing(ENTRY, "e", clusterName="main", principalArn=OPS)],
        request=entry(),
        says=USED,
    ),
    Case(
        row="E13",
        have=[group(nodeRoleArn=NODES)],
        request=entry(principalArn=NODES, type="EC2_LINUX"),
        says=USED,
    ),
    Case(
        row="E13",
        have=[thing(ENTRY, "e", clusterName="other", principalArn=OPS), group(nodeRoleArn=NODES)],
        request=entry(),
    ),
    Case(
        row="E14",
        request=entry(userName="system:ops"),
        says=WRONG + "The username must not begin with system:",
    ),
    Case(
        row="E14",
        request=entry(kubernetesGroups=["system:masters"]),
        says=(
            WRONG + "The kubernetes group name system:masters is invalid, it cannot start with "
            "system:"
        ),
    ),
    Case(
        row="E14",
        request=entry(principalArn="arn:aws:iam::999988887777:role/n", type="EC2_LINUX"),
        says=(
            WRONG + "The type EC2_LINUX cannot be given to a principal of another account; only "
            "STANDARD can"
        ),
    ),
    Case(row="E14", request=entry(userName="ops", kubernetesGroups=["readers"], type="STANDARD")),
    Case(
        row="E15",
        gone=[thing(ROLE, "ops", name="ops")],
        have=[thing(ENTRY, "e", clusterName="main", principalArn=OPS)],
        request=create(ROLE, name="ops"),
        says=(
            f"the access entry of {OPS} in main belongs to the role that was deleted: it exists "
            "and no longer works; replace the entry with the role"
        ),
    ),
    Case(
        row="E15",
        have=[thing(ENTRY, "e", clusterName="main", principalArn=OPS)],
        request=create(ROLE, name="ops"),
    ),
    Case(row="E15", gone=[thing(ROLE, "ops", name="ops")], request=create(ROLE, name="ops")),
    Case(
        row="E16",
        have=[
            thing(
                POD_IDENTITY,
                "a-1",
                clusterName="main",
                namespace="arches",
                serviceAccount="api",
            )
        ],
        request=create(
            POD_IDENTITY, clusterName="main", namespace="arches", serviceAccount="api", roleArn=OPS
        ),
        says="ResourceInUseException: Association already exists: a-1",
    ),
    Case(
        row="E16",
        have=[
            thing(
                POD_IDENTITY,
                "a-1",
                clusterName="main",
                namespace="arches",
                serviceAccount="api",
            )
        ],
        request=create(
            POD_IDENTITY, clusterName="main", namespace="arches", serviceAccount="web", roleArn=OPS
        ),
    ),
    Case(
        row="E17",
        have=[cluster(version="1.34")],
        request=addon("kube-proxy", addonVersion="v1.35.3-eksbuild.17"),
        says=NOT_SUPPORTED,
    ),
    Case(row="E17", request=addon("vpc-cni", addonVersion="latest"), says=NOT_SUPPORTED),
    Case(
        row="E17",
        have=[cluster()],
        request=addon("ebs-csi-driver"),
        says=WRONG + "Addon ebs-csi-driver specified is not supported in 1.35 kubernetes version",
    ),
    Case(
        row="E17",
        have=[cluster()],
        request=addon("kube-proxy", addonVersion="v1.35.3-eksbuild.17"),
    ),
    Case(row="E17", request=addon("aws-ebs-csi-driver", addonVersion="v1.63.1-eksbuild.1")),
    Case(row="E17", request=addon("upwind-security_upwind-operator")),
    Case(row="E18", have=[cluster()], request=addon("coredns"), says=CONFLICT),
    Case(
        row="E18",
        have=[cluster()],
        request=addon("coredns", resolveConflictsOnCreate="OVERWRITE"),
    ),
    Case(
        row="E18",
        have=[cluster(bootstrapSelfManagedAddons=False)],
        request=addon("vpc-cni", resolveConflictsOnCreate="NONE"),
    ),
    Case(row="E18", have=[cluster()], request=addon("metrics-server")),
    Case(
        row="E19",
        request=addon("vpc-cni", configurationValues='{"enableNetworkPolicy": true}'),
        says=(
            VALUES + "Json schema validation failed with error: [$.enableNetworkPolicy: boolean "
            "found, string expected]"
        ),
    ),
    Case(
        row="E19",
        request=addon("vpc-cni", configurationValues='{"env": {"WARM_IP_TARGET": 2}}'),
        says=(
            VALUES + "Json schema validation failed with error: [$.env.WARM_IP_TARGET: integer "
            "found, string expected]"
        ),
    ),
    Case(
        row="E19",
        request=addon("coredns", configurationValues=json.dumps('{"replicaCount": 3}')),
        says=VALUES
        + "Json schema validation failed with error: [$: string found, object expected]",
    ),
    Case(
        row="E19",
        request=addon("coredns", configurationValues='{"replicaCount": 3'),
        says=VALUES + "the value is no JSON",
    ),
    Case(
        row="E19",
        request=addon(
            "vpc-cni", configurationValues='{"enableNetworkPolicy": "true", "env": {"A": "1"}}'
        ),
    ),
    Case(row="E19", request=addon("coredns", configurationValues="replicaCount: 3")),
    Case(
        row="E20",
        have=[cluster()],
        request=addon("coredns"),
        says=(
            "coredns: timeout while waiting for state to become 'ACTIVE' (last state: 'DEGRADED', "
            "timeout: 20m0s)"
        ),
    ),
    Case(row="E20", have=[cluster(), group()], request=addon("coredns")),
    Case(row="E20", have=[cluster()], request=addon("vpc-cni")),
    Case(row="E20", have=[cluster(computeConfig={"enabled": True})], request=addon("coredns")),
    Case(
        row="E20",
        have=[cluster()],
        request=create(ADDON, preview=True, clusterName="main", addonName="coredns"),
    ),
    Case(
        row="E21",
        request=nodes(diskSize=100, launchTemplate={"id": UNKNOWN}),
        says=WRONG + "Disk size must be specified within the launch template.",
    ),
    Case(row="E21", request=nodes(diskSize=100)),
    Case(
        row="E22",
        request=nodes(remoteAccess={"ec2SshKey": "k"}, launchTemplate={"id": LT}),
        says=WRONG + "Remote access configuration cannot be specified with a launch template.",
    ),
    Case(row="E22", request=nodes(launchTemplate={"id": LT})),
    Case(
        row="E23",
        have=[thing(TEMPLATE, LT, instanceType="m7i.xlarge")],
        request=nodes(instanceTypes=["m7i.xlarge"], launchTemplate={"id": LT}),
        says=(
            "InvalidRequestException: Cannot specify instance types in launch template and API "
            "request"
        ),
    ),
    Case(
        row="E23",
        have=[thing(TEMPLATE, LT, name="nodes")],
        request=nodes(instanceTypes=["m7i.xlarge"], launchTemplate={"name": "nodes"}),
    ),
    Case(
        row="E24",
        have=[thing(TEMPLATE, LT, iamInstanceProfile={"name": "p"})],
        request=nodes(launchTemplate={"id": LT}),
        says=(
            WRONG + "Launch template should not specify an instance profile. The noderole in your "
            "request will be used to construct an instance profile."
        ),
    ),
    Case(
        row="E24",
        have=[thing(TEMPLATE, LT, networkInterfaces=[{"subnetId": A}])],
        request=nodes(launchTemplate={"id": LT}),
        says=WRONG + "Launch template should not specify a subnet.",
    ),
    Case(
        row="E24",
        have=[thing(TEMPLATE, LT, instanceInitiatedShutdownBehavior="terminate")],
        request=nodes(launchTemplate={"id": LT}),
        says=WRONG + "Launch template should not specify a shutdown behavior.",
    ),
    Case(
        row="E24",
        have=[thing(TEMPLATE, LT, networkInterfaces=[{"securityGroups": ["sg-1"]}])],
        request=nodes(launchTemplate={"id": LT}),
    ),
    Case(
        row="E25",
        request=nodes(scalingConfig={"minSize": 3, "desiredSize": 2, "maxSize": 6}),
        says=WRONG + "Minimum capacity 3 can't be greater than desired size 2",
    ),
    Case(
        row="E25",
        request=nodes(scalingConfig={"minSize": 1, "desiredSize": 7, "maxSize": 6}),
        says=WRONG + "desired capacity 7 can't be greater than max size 6",
    ),
    Case(row="E25", request=nodes(scalingConfig={"minSize": 3, "desiredSize": 3, "maxSize": 6})),
    Case(
        row="E26",
        have=TWO_ZONES,
        request=nodes(subnetIds=[A]),
        says=NEVER_JOIN + f"({A} has no route out and no endpoint for ec2, ecr.api, ecr.dkr, s3)",
    ),
    Case(
        row="E26",
        have=[
            *OUT,
            thing(CLUSTER, "main", name="main", vpcConfig={"publicAccessCidrs": ["198.18.0.1/32"]}),
        ],
        request=nodes(subnetIds=[A]),
        says=NEVER_JOIN
        + "(the private endpoint is off and the public one is for named blocks only)",
    ),
    Case(
        row="E26",
        have=[*OUT, ROLE_THERE],
        request=nodes(subnetIds=[A], nodeRoleArn=NODES),
        says=NEVER_JOIN + "(role nodes has no AmazonEKSWorkerNodePolicy yet)",
    ),
    Case(row="E26", have=[*TWO_ZONES, *ENDPOINTS], request=nodes(subnetIds=[A])),
    Case(
        row="E26",
        have=[
            *OUT,
            ROLE_THERE,
            cluster(subnets=[A, B]),
            thing(
                ROLE_ATTACHMENT,
                "x",
                role="nodes",
                policyArn="arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy",
            ),
        ],
        request=nodes(subnetIds=[A], nodeRoleArn=NODES),
    ),
    Case(
        row="E26",
        have=[*OUT, ROLE_THERE, thing(ROLE_POLICY, "nodes:own", role="nodes")],
        request=nodes(subnetIds=[A], nodeRoleArn=NODES),
    ),
    Case(
        row="E28",
        request=asked(publicAccessCidrs=["10.1.0.128/27", "8.8.8.0/24", "192.168.0.0/24"]),
        says=(
            WRONG + "The following CIDRs are not allowed in publicAccessCidrs: [10.1.0.128/27, "
            "192.168.0.0/24]"
        ),
    ),
    Case(
        row="E28",
        request=asked(publicAccessCidrs=[f"8.8.{i}.0/24" for i in range(41)]),
        says=WRONG + "publicAccessCidrs holds 41 blocks; 40 at most",
    ),
    Case(row="E28", request=asked(publicAccessCidrs=["8.8.8.0/24"])),
    Case(row="E28", request=asked(publicAccessCidrs=["0.0.0.0/0"])),
    Case(
        row="E29",
        request=asked(endpointPublicAccess=False),
        says=WRONG + "Private and public endpoint access cannot be false",
    ),
    Case(row="E29", request=asked(endpointPublicAccess=False, endpointPrivateAccess=True)),
    Case(row="E29", request=asked()),
    Case(
        row="E30",
        request=create(
            CLUSTER, name="main", kubernetesNetworkConfig={"serviceIpv4Cidr": "100.64.0.0/16"}
        ),
        says=(
            WRONG + "serviceIpv4Cidr 100.64.0.0/16 must be within 10.0.0.0/8, 172.16.0.0/12 or "
            "192.168.0.0/16"
        ),
    ),
    Case(
        row="E30",
        request=create(
            CLUSTER, name="main", kubernetesNetworkConfig={"serviceIpv4Cidr": "172.20.0.0/28"}
        ),
        says=WRONG + "serviceIpv4Cidr 172.20.0.0/28 must be between /24 and /12",
    ),
    Case(
        row="E30",
        have=[*TWO_ZONES, thing(VPC, V, cidrBlock="10.20.0.0/16")],
        request=create(
            CLUSTER,
            name="main",
            vpcConfig={"subnetIds": [A, B]},
            kubernetesNetworkConfig={"serviceIpv4Cidr": "10.20.128.0/20"},
        ),
        says=WRONG + "serviceIpv4Cidr 10.20.128.0/20 overlaps with VPC CIDR 10.20.0.0/16",
    ),
    Case(
        row="E30",
        have=[*TWO_ZONES, thing(VPC, V, cidrBlock="10.20.0.0/16")],
        request=create(
            CLUSTER,
            name="main",
            vpcConfig={"subnetIds": [A, B]},
            kubernetesNetworkConfig={"serviceIpv4Cidr": "172.20.0.0/16"},
        ),
    ),
    Case(
        row="E31",
        request=update(
            CLUSTER,
            "main",
            {"encryptionConfig": {"provider": {"keyArn": "k1"}}},
            encryptionConfig={"provider": {"keyArn": "k2"}},
        ),
        says=WRONG + "the encryption config of the cluster cannot be changed once it is set",
    ),
    Case(
        row="E31",
        request=update(
            CLUSTER,
            "main",
            {"encryptionConfig": {"provider": {"keyArn": "k1"}}},
            encryptionConfig=None,
        ),
        says=WRONG + "the encryption config of the cluster cannot be removed once it is set",
    ),
    Case(
        row="E31",
        request=update(
            CLUSTER, "main", {"name": "main"}, encryptionConfig={"provider": {"keyArn": "k1"}}
        ),
    ),
    Case(
        row="E32",
        have=[*TWO_ZONES, subnet(C, "eu-central-1c", "10.20.2.0/24")],
        request=update(
            CLUSTER, "main", {"vpcConfig": {"subnetIds": [A, B]}}, vpcConfig={"subnetIds": [A, C]}
        ),
        says=(
            WRONG + "Provided subnets belong to the AZs 'eu-central-1a,eu-central-1c'. But they "
            "should belong to the exact set of AZs 'eu-central-1a,eu-central-1b' in which subnets "
            "were provided during cluster creation."
        ),
    ),
    Case(
        row="E32",
        have=[*TWO_ZONES, thing(SUBNET, C, vpcId="vpc-2", availabilityZone="eu-central-1b")],
        request=update(
            CLUSTER, "main", {"vpcConfig": {"subnetIds": [A, B]}}, vpcConfig={"subnetIds": [A, C]}
        ),
        says=WRONG + "Subnets provided must belong to the VPC of the cluster",
    ),
    Case(
        row="E32",
        have=[*TWO_ZONES, subnet(C, "eu-central-1b", "10.20.2.0/24")],
        request=update(
            CLUSTER, "main", {"vpcConfig": {"subnetIds": [A, B]}}, vpcConfig={"subnetIds": [A, C]}
        ),
    ),
    Case(
        row="E33",
        have=[
            subnet(A, "eu-central-1a", "10.20.0.0/28"),
            *(thing(ENDPOINT, f"vpce-{i}", subnetIds=[A]) for i in range(7)),
        ],
        request=update(
            CLUSTER,
            "main",
            {"version": "1.34", "vpcConfig": {"subnetIds": [A]}},
            version="1.35",
        ),
        says=(
            "InsufficientFreeAddresses: One or more of the subnets associated with your cluster "
            "does not have enough available IP addresses for Amazon EKS to perform configuration "
            f"changes. ({A}: 4 free, 5 needed)"
        ),
    ),
    Case(
        row="E33",
        have=TWO_ZONES,
        request=update(
            CLUSTER,
            "main",
            {"version": "1.34", "vpcConfig": {"subnetIds": [A, B]}},
            version="1.35",
        ),
    ),
    Case(row="E34", have=[LOGGED], request=create(LOG_GROUP, name=LOGS), says=EXISTS),
    Case(
        row="E34",
        gone=[LOG_GROUP_THERE, LOGGED],
        request=create(LOG_GROUP, name=LOGS),
        says=EXISTS,
    ),
    Case(row="E34", gone=[LOGGED, LOG_GROUP_THERE], request=create(LOG_GROUP, name=LOGS)),
    Case(row="E34", have=[cluster()], request=create(LOG_GROUP, name=LOGS)),
    Case(row="E34", have=[LOGGED], request=create(LOG_GROUP, name="/aws/rds/main")),
    Case(
        row="E35",
        have=[thing(CLUSTER, f"c{i}", name=f"c{i}") for i in range(100)],
        request=create(CLUSTER, name="main"),
        says=LIMIT + "(100 clusters per region)",
    ),
    Case(
        row="E35",
        have=[thing(NODE_GROUP, f"main:{i}", clusterName="main") for i in range(30)],
        request=nodes(),
        says=LIMIT + "(30 node groups per cluster)",
    ),
    Case(
        row="E35",
        request=nodes(scalingConfig={"minSize": 1, "desiredSize": 1, "maxSize": 451}),
        says=LIMIT + "(450 nodes per node group)",
    ),
    Case(
        row="E35",
        have=[thing(NODE_GROUP, f"main:{i}", clusterName="main") for i in range(29)],
        request=nodes(scalingConfig={"minSize": 1, "desiredSize": 1, "maxSize": 450}),
    ),
]
# These count what exists, or miss what was left out: the values given do not matter.
CERTAIN = {"E21", "E22", "E35"}
# The virtual minute at which each surfaces.
WARNINGS = {"E15": 1, "E20": 20, "E26": 15}


def test_the_room_has_all_rows_of_the_reference_but_the_two_that_no_request_shows() -> None:
    assert [row.id for row in ROWS] == [f"E{i}" for i in range(1, 36) if i not in (8, 27)]


def test_what_breaks_later_is_a_warning_with_the_minute_at_which_it_does() -> None:
    assert {row.id: row.minutes for row in ROWS if row.kind == "warning"} == WARNINGS
