"""Each row about networks says EC2's words to a wrong request and nothing to a right one."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.refusals import network
from rehearsal.refusals.asking import SUBNET
from rehearsal.refusals.network import (
    ADDRESS,
    ADDRESS_USE,
    ATTACHMENT,
    BALANCER,
    CLUSTER,
    DATABASE,
    EGRESS,
    ENDPOINT,
    ENDPOINT_TABLE,
    FLOW_LOG,
    GATEWAY,
    GROUP,
    INGRESS,
    NAT,
    NODE_GROUP,
    PREFIX_LIST,
    ROUTE,
    ROWS,
    TABLE,
    TABLE_USE,
    TEMPLATE,
    VPC,
    VPC_BLOCK,
)
from rehearsal.wire import UNKNOWN
from tests.rehearsal.refusals.cases import (
    Case,
    Thing,
    create,
    delete,
    said,
    thing,
    update,
)

V = "vpc-00000000000000001"
S = "subnet-00000000000000001"
G = "sg-00000000000000001"
G2 = "sg-00000000000000002"
T = "rtb-00000000000000001"
LB = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/app/edge/1"
SECRETS = "com.amazonaws.eu-central-1.secretsmanager"
S3 = "com.amazonaws.eu-central-1.s3"

VPC_THERE = thing(VPC, V, cidrBlock="10.20.0.0/16")
SUBNET_THERE = thing(SUBNET, S, vpcId=V, cidrBlock="10.20.0.0/24", availabilityZone="eu-central-1a")
GROUP_THERE = thing(GROUP, G, vpcId=V, name="nodes")


def many(count: int, type_: str, prefix: str, **inputs: Any) -> list[Thing]:
    return [thing(type_, f"{prefix}-{i:017x}", **inputs) for i in range(count)]


def rule(type_: str = INGRESS, **other: Any):
    return create(
        type_,
        **{
            "securityGroupId": G,
            "ipProtocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
            "cidrIpv4": "10.0.0.0/8",
            **other,
        },
    )


RULE_THERE = thing(
    INGRESS,
    "sgr-00000000000000001",
    securityGroupId=G,
    ipProtocol="6",
    fromPort=443,
    toPort=443,
    cidrIpv4="10.0.0.0/8",
)
VIOLATION = "DependencyViolation: "
IN_USE = VIOLATION + f"The subnet '{S}' has dependencies and cannot be deleted."
MAPPED = VIOLATION + (
    f"Network {V} has some mapped public address(es). Please unmap those public address(es) "
    "before detaching the gateway."
)
VPC_IN_USE = VIOLATION + f"The vpc '{V}' has dependencies and cannot be deleted."
DEPENDENT = VIOLATION + f"resource {G} has a dependent object"
TOO_MANY_RULES = (
    "RulesPerSecurityGroupLimitExceeded: The maximum number of rules per security group has been "
    "reached."
)
CLASH = (
    "InvalidParameter: private-dns-enabled cannot be set because there is already a conflicting "
    f"DNS domain for secretsmanager.eu-central-1.amazonaws.com in the VPC {V}"
)
DNS_OFF = (
    "InvalidParameter: Enabling private DNS requires both enableDnsSupport and enableDnsHostnames "
    f"VPC attributes set to true for {V}"
)
PORTS = (
    "InvalidParameterValue: Invalid value for portRange. Must specify both from and to ports with "
    "TCP/UDP."
)
ENDPOINT_ASKED = create(
    ENDPOINT,
    vpcId=V,
    serviceName=SECRETS,
    vpcEndpointType="Interface",
    privateDnsEnabled=True,
)
S3_THERE = thing(
    ENDPOINT,
    "vpce-00000000000000001",
    outputs={"prefixListId": "pl-6ea54007"},
    vpcId=V,
    serviceName=S3,
    routeTableIds=[T],
)
LOGS: dict[str, Any] = {"vpcId": V, "trafficType": "ALL", "logDestination": "arn:aws:logs:::flow"}
SMALL = thing(SUBNET, S, vpcId=V, cidrBlock="10.20.0.0/28", availabilityZone="eu-central-1a")
TIGHT = [
    SMALL,
    thing(NAT, "nat-00000000000000001", subnetId=S),
    *many(3, ENDPOINT, "vpce", subnetIds=[S]),
]

CASES = [
    Case(
        row="N1",
        have=[VPC_THERE],
        request=create(SUBNET, vpcId=V, cidrBlock="10.30.0.0/24"),
        says="InvalidSubnet.Range: The CIDR '10.30.0.0/24' is invalid.",
    ),
    Case(row="N1", have=[VPC_THERE], request=create(SUBNET, vpcId=V, cidrBlock="10.20.9.0/24")),
    Case(
        row="N1",
        have=[VPC_THERE, thing(VPC_BLOCK, "b", vpcId=V, cidrBlock="10.30.0.0/16")],
        request=create(SUBNET, vpcId=V, cidrBlock="10.30.0.0/24"),
    ),
    Case(row="N1", request=create(SUBNET, vpcId=V, cidrBlock="10.30.0.0/24")),
    Case(
        row="N2",
        have=[SUBNET_THERE],
        request=create(SUBNET, vpcId=V, cidrBlock="10.20.0.128/25"),
        says="InvalidSubnet.Conflict: The CIDR '10.20.0.128/25' conflicts with another subnet",
    ),
    Case(row="N2", have=[SUBNET_THERE], request=create(SUBNET, vpcId=V, cidrBlock="10.20.1.0/24")),
    Case(
        row="N3",
        request=create(VPC, cidrBlock="10.0.0.0/8"),
        says="InvalidVpc.Range: The CIDR '10.0.0.0/8' is invalid.",
    ),
    Case(
        row="N3",
        request=create(SUBNET, vpcId=V, cidrBlock="10.20.0.0/29"),
        says="InvalidSubnet.Range: The CIDR '10.20.0.0/29' is invalid.",
    ),
    Case(row="N3", request=create(VPC, cidrBlock="10.20.0.0/16")),
    Case(
        row="N4",
        have=many(4, VPC_BLOCK, "block", vpcId=V),
        request=create(VPC_BLOCK, vpcId=V, cidrBlock="10.40.0.0/16"),
        says=(
            f"CidrLimitExceeded: This network '{V}' has met its maximum number of allowed CIDRs: 5"
        ),
    ),
    Case(
        row="N4",
        have=many(3, VPC_BLOCK, "block", vpcId=V),
        request=create(VPC_BLOCK, vpcId=V, cidrBlock="10.40.0.0/16"),
    ),
    Case(
        row="N5",
        have=[SUBNET_THERE, thing(BALANCER, LB, subnets=[S])],
        request=delete(SUBNET, S),
        says=IN_USE,
    ),
    Case(
        row="N5",
        have=[
            SUBNET_THERE,
            thing("aws:rds/subnetGroup:SubnetGroup", "data", subnetIds=[S]),
            thing(DATABASE, "db", dbSubnetGroupName="data"),
        ],
        request=delete(SUBNET, S),
        says=IN_USE,
    ),
    Case(
        row="N5",
        have=[
            SUBNET_THERE,
            thing("aws:rds/subnetGroup:SubnetGroup", "data", subnetIds=[S]),
            thing(TABLE_USE, "rtbassoc-1", subnetId=S, routeTableId=T),
        ],
        request=delete(SUBNET, S),
    ),
    Case(
        row="N6",
        have=[SUBNET_THERE, thing(NAT, "nat-00000000000000001", subnetId=S)],
        request=delete(GATEWAY, "igw-00000000000000001", vpcId=V),
        says=MAPPED,
    ),
    Case(
        row="N6",
        have=[SUBNET_THERE, thing(BALANCER, LB, internal=False, subnets=[S])],
        request=delete(ATTACHMENT, "a", vpcId=V, internetGatewayId="igw-00000000000000001"),
        says=MAPPED,
    ),
    Case(
        row="N6",
        have=[SUBNET_THERE, thing(BALANCER, LB, internal=True, subnets=[S])],
        request=delete(GATEWAY, "igw-00000000000000001", vpcId=V),
    ),
    Case(row="N7", have=[VPC_THERE, GROUP_THERE], request=delete(VPC, V), says=VPC_IN_USE),
    Case(
        row="N7",
        have=[VPC_THERE, thing(ENDPOINT, "vpce-1", vpcId=V, serviceName=S3)],
        request=delete(VPC, V),
        says=VPC_IN_USE,
    ),
    Case(row="N7", have=[VPC_THERE, thing(FLOW_LOG, "fl-1", vpcId=V)], request=delete(VPC, V)),
    Case(
        row="N8",
        have=[GROUP_THERE, thing(DATABASE, "db", vpcSecurityGroupIds=[G])],
        request=delete(GROUP, G),
        says=DEPENDENT,
    ),
    Case(
        row="N8",
        have=[
            GROUP_THERE,
            thing(INGRESS, "sgr-1", securityGroupId=G2, referencedSecurityGroupId=G),
        ],
        request=delete(GROUP, G),
        says=DEPENDENT,
    ),
    Case(
        row="N8",
        have=[
            GROUP_THERE,
            thing(TEMPLATE, "lt-00000000000000001", vpcSecurityGroupIds=[G]),
            thing(NODE_GROUP, "c:n", launchTemplate={"id": "lt-00000000000000001"}),
        ],
        request=delete(GROUP, G),
        says=DEPENDENT,
    ),
    Case(
        row="N8",
        have=[
            GROUP_THERE,
            thing(TEMPLATE, "lt-00000000000000001", vpcSecurityGroupIds=[G]),
            thing(INGRESS, "sgr-1", securityGroupId=G, referencedSecurityGroupId=G),
        ],
        request=delete(GROUP, G),
    ),
    Case(
        row="N9",
        have=[thing(TABLE_USE, "rtbassoc-1", subnetId=S, routeTableId=T)],
        request=delete(TABLE, T, vpcId=V),
        says=VIOLATION + f"The routeTable '{T}' has dependencies and cannot be deleted.",
    ),
    Case(row="N9", request=delete(TABLE, T, vpcId=V)),
    Case(
        row="N10",
        have=many(5, ADDRESS, "eipalloc"),
        request=create(ADDRESS, domain="vpc"),
        says="AddressLimitExceeded: The maximum number of addresses has been reached.",
    ),
    Case(row="N10", have=many(4, ADDRESS, "eipalloc"), request=create(ADDRESS, domain="vpc")),
    Case(
        row="N11",
        have=many(5, VPC, "vpc"),
        request=create(VPC, cidrBlock="10.20.0.0/16"),
        says="VpcLimitExceeded: The maximum number of VPCs has been reached.",
    ),
    Case(
        row="N11",
        have=many(5, GATEWAY, "igw"),
        request=create(GATEWAY, vpcId=V),
        says=(
            "InternetGatewayLimitExceeded: The maximum number of internet gateways has been "
            "reached."
        ),
    ),
    Case(row="N11", have=many(4, VPC, "vpc"), request=create(VPC, cidrBlock="10.20.0.0/16")),
    Case(
        row="N12",
        have=[SUBNET_THERE, *many(5, NAT, "nat", subnetId=S)],
        request=create(NAT, subnetId=S, allocationId="eipalloc-1"),
        says=(
            "NatGatewayLimitExceeded: Performing this operation would exceed the limit of 5 NAT "
            "gateways"
        ),
    ),
    Case(
        row="N12",
        have=[SUBNET_THERE, *many(4, NAT, "nat", subnetId=S)],
        request=create(NAT, subnetId=S, allocationId="eipalloc-1"),
    ),
    Case(
        row="N13",
        have=many(60, INGRESS, "sgr", securityGroupId=G),
        request=rule(),
        says=TOO_MANY_RULES,
    ),
    Case(
        row="N13",
        have=many(6, INGRESS, "sgr", securityGroupId=G),
        request=rule(cidrIpv4=None, prefixListId="pl-a3a144ca"),
        says=TOO_MANY_RULES,
    ),
    Case(
        row="N13",
        have=[
            thing(PREFIX_LIST, "pl-00000001", maxEntries=20),
            *many(2, INGRESS, "sgr", securityGroupId=G, prefixListId="pl-00000001"),
            *many(20, EGRESS, "sgr", securityGroupId=G),
        ],
        request=rule(cidrIpv4=None, prefixListId="pl-00000001"),
    ),
    Case(
        row="N13",
        have=[S3_THERE, *many(59, EGRESS, "sgr", securityGroupId=G)],
        request=rule(EGRESS, cidrIpv4=None, prefixListId="pl-6ea54007"),
    ),
    Case(
        row="N14",
        have=[RULE_THERE],
        request=rule(),
        says="InvalidPermission.Duplicate: The specified rule already exists",
    ),
    Case(row="N14", have=[RULE_THERE], request=rule(cidrIpv4="10.1.0.0/16")),
    Case(row="N14", have=[RULE_THERE], request=rule(EGRESS)),
    Case(row="N15", request=rule(toPort=None), says=PORTS),
    Case(row="N15", request=rule()),
    Case(row="N15", request=rule(ipProtocol="-1", fromPort=None, toPort=None)),
    Case(
        row="N16",
        have=[thing(ENDPOINT, "vpce-1", vpcId=V, serviceName=SECRETS, privateDnsEnabled=True)],
        request=ENDPOINT_ASKED,
        says=CLASH,
    ),
    Case(
        row="N16",
        have=[thing(ENDPOINT, "vpce-1", vpcId=V, serviceName=SECRETS, privateDnsEnabled=False)],
        request=ENDPOINT_ASKED,
    ),
    Case(row="N17", have=[VPC_THERE], request=ENDPOINT_ASKED, says=DNS_OFF),
    Case(
        row="N17",
        have=[thing(VPC, V, enableDnsSupport=True, enableDnsHostnames=True)],
        request=ENDPOINT_ASKED,
    ),
    Case(
        row="N18",
        have=[thing(NAT, "nat-1", allocationId="eipalloc-1")],
        request=create(NAT, subnetId=S, allocationId="eipalloc-1"),
        says="Resource.AlreadyAssociated: Resource eipalloc-1 is already associated.",
    ),
    Case(
        row="N18",
        have=[thing(NAT, "nat-1", allocationId="eipalloc-2")],
        request=create(NAT, subnetId=S, allocationId="eipalloc-1"),
    ),
    Case(
        row="N18",
        have=[thing(NAT, "nat-1", allocationId="eipalloc-1")],
        request=create(ADDRESS_USE, allocationId="eipalloc-1", allowReassociation=True),
    ),
    Case(
        row="N19",
        have=[thing(ROUTE, "r-1", routeTableId=T, destinationCidrBlock="0.0.0.0/0")],
        request=create(ROUTE, routeTableId=T, destinationCidrBlock="0.0.0.0/0"),
        says="RouteAlreadyExists: The route identified by 0.0.0.0/0 already exists",
    ),
    Case(
        row="N19",
        have=[thing(TABLE, T, vpcId=V, routes=[{"cidrBlock": "0.0.0.0/0"}])],
        request=create(ROUTE, routeTableId=T, destinationCidrBlock="0.0.0.0/0"),
        says="RouteAlreadyExists: The route identified by 0.0.0.0/0 already exists",
    ),
    Case(
        row="N19",
        have=[S3_THERE],
        request=create(ENDPOINT, vpcId=V, serviceName=S3, routeTableIds=[T]),
        says=(
            f"RouteAlreadyExists: route table {T} already has a route with "
            "destination-prefix-list-id pl-6ea54007"
        ),
    ),
    Case(
        row="N19",
        have=[S3_THERE, thing(ENDPOINT, "vpce-2", vpcId=V, serviceName=S3)],
        request=create(ENDPOINT_TABLE, vpcEndpointId="vpce-2", routeTableId=T),
        says=(
            f"RouteAlreadyExists: route table {T} already has a route with "
            "destination-prefix-list-id pl-6ea54007"
        ),
    ),
    Case(
        row="N19",
        have=[
            S3_THERE,
            thing(ROUTE, "r-1", routeTableId="rtb-2", destinationCidrBlock="0.0.0.0/0"),
        ],
        request=create(ROUTE, routeTableId=T, destinationCidrBlock="0.0.0.0/0"),
    ),
    Case(
        row="N19",
        have=[S3_THERE],
        request=create(ENDPOINT, vpcId=V, serviceName=S3, routeTableIds=["rtb-2"]),
    ),
    Case(
        row="N20",
        have=[thing(TABLE_USE, "rtbassoc-1", subnetId=S, routeTableId=T)],
        request=create(TABLE_USE, subnetId=S, routeTableId="rtb-2"),
        says=(
            f"Resource.AlreadyAssociated: the specified association for route table {T} conflicts "
            "with an existing association"
        ),
    ),
    Case(
        row="N20",
        have=[thing(GATEWAY, "igw-1", vpcId=V)],
        request=create(GATEWAY, vpcId=V),
        says=f"InvalidParameterValue: Network {V} already has an internet gateway attached",
    ),
    Case(row="N20", request=create(TABLE_USE, subnetId=S, routeTableId=T)),
    Case(
        row="N21",
        have=[thing(FLOW_LOG, "fl-1", **LOGS)],
        request=create(FLOW_LOG, **LOGS),
        says=(
            "FlowLogAlreadyExists: Error. There is an existing Flow Log with the same "
            "configuration and log destination."
        ),
    ),
    Case(
        row="N21",
        have=[thing(FLOW_LOG, "fl-1", **LOGS)],
        request=create(FLOW_LOG, **{**LOGS, "trafficType": "REJECT"}),
    ),
    Case(
        row="N22",
        request=create(FLOW_LOG, **LOGS),
        says=(
            "InvalidParameter: DeliverLogsPermissionArn can't be empty if LogDestinationType is "
            "cloud-watch-logs."
        ),
    ),
    Case(
        row="N22",
        request=create(FLOW_LOG, **LOGS, iamRoleArn="arn:r", maxAggregationInterval=300),
        says="InvalidParameter: Invalid Flow Log Max Aggregation Interval",
    ),
    Case(
        row="N22", request=create(FLOW_LOG, **LOGS, iamRoleArn=UNKNOWN, maxAggregationInterval=60)
    ),
    Case(row="N22", request=create(FLOW_LOG, **LOGS, logDestinationType="s3")),
    Case(
        row="N23",
        have=[GROUP_THERE],
        request=create(GROUP, vpcId=V, name="nodes"),
        says="InvalidGroup.Duplicate: The security group 'nodes' already exists",
    ),
    Case(row="N23", have=[GROUP_THERE], request=create(GROUP, vpcId="vpc-2", name="nodes")),
    Case(
        row="N24",
        have=TIGHT,
        request=create(BALANCER, subnets=[S]),
        says=(
            f"InvalidSubnet: The specified subnet is out of available addresses. ({S}: 7 free, 8 "
            "needed)"
        ),
    ),
    Case(
        row="N24",
        have=TIGHT,
        request=create(NODE_GROUP, subnetIds=[S], scalingConfig={"desiredSize": 9}),
        says=(
            "InsufficientFreeAddresses: One or more of the subnets associated with your managed "
            "node group does not have enough available IP addresses for new nodes."
        ),
    ),
    Case(row="N24", have=[SMALL], request=create(BALANCER, subnets=[S])),
    Case(
        row="N24", have=[SUBNET_THERE], request=create(BALANCER, subnetMappings=[{"subnetId": S}])
    ),
    Case(
        row="N24",
        have=[SUBNET_THERE, thing(CLUSTER, "c", vpcConfig={"subnetIds": [S]})],
        request=create(NODE_GROUP, subnetIds=[S], scalingConfig={"desiredSize": 9}),
    ),
]
# These count what exists, or miss what was left out: the values given do not matter.
CERTAIN = {"N10", "N11", "N22"}


def test_the_room_has_all_rows_of_the_reference() -> None:
    assert [row.id for row in ROWS] == [f"N{i}" for i in range(1, 25)]


def test_a_rule_that_is_updated_is_not_its_own_duplicate() -> None:
    old = dict(RULE_THERE.inputs)
    case = Case(row="N14", have=[RULE_THERE], request=update(INGRESS, RULE_THERE.id, old))
    assert said(ROWS, case) is None


def test_a_preview_does_not_count_the_group_that_is_being_replaced() -> None:
    asked = create(GROUP, vpcId=V, name="nodes", preview=True)
    there = thing(GROUP, G, vpcId=V, name="nodes")
    replaced = Case(
        row="N23", have=[type(there)(**{**vars(there), "urn": asked.urn})], request=asked
    )
    assert said(ROWS, replaced) is None, "delete-before-replace frees the name first"


@pytest.mark.parametrize(
    ("service", "domain"),
    [
        ("com.amazonaws.eu-central-1.ecr.api", "api.ecr.eu-central-1.amazonaws.com"),
        ("com.amazonaws.eu-central-1.logs", "logs.eu-central-1.amazonaws.com"),
        ("com.example.service", "com.example.service"),
    ],
)
def test_an_endpoint_answers_for_its_services_domain(service: str, domain: str) -> None:
    assert network.private_domain(service) == domain
