"""What EC2 refuses about networks: blocks, gateways, rules, endpoints, flow logs, and their order.

Rows N1 to N24. Messages are EC2's; where the reference cuts one short, the text of moto 5.2 or of
a public log of the real service fills it. Quotas are the defaults of "Amazon VPC quotas" (VPC user
guide). What only a quota increase could change stays refused here: ask for it before the `up`.
"""

from __future__ import annotations

from typing import Any

from rehearsal.account import Account, Resource
from rehearsal.refusals.asking import SUBNET, block, given, known_list, siblings, subnets
from rehearsal.refusals.table import Request, Row
from rehearsal.wire import UNKNOWN

VPC = "aws:ec2/vpc:Vpc"
VPC_BLOCK = "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation"
GATEWAY = "aws:ec2/internetGateway:InternetGateway"
ATTACHMENT = "aws:ec2/internetGatewayAttachment:InternetGatewayAttachment"
NAT = "aws:ec2/natGateway:NatGateway"
ADDRESS = "aws:ec2/eip:Eip"
ADDRESS_USE = "aws:ec2/eipAssociation:EipAssociation"
TABLE = "aws:ec2/routeTable:RouteTable"
ROUTE = "aws:ec2/route:Route"
TABLE_USE = "aws:ec2/routeTableAssociation:RouteTableAssociation"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
ENDPOINT_TABLE = "aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation"
FLOW_LOG = "aws:ec2/flowLog:FlowLog"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
PREFIX_LIST = "aws:ec2/managedPrefixList:ManagedPrefixList"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
CLUSTER = "aws:eks/cluster:Cluster"
DATABASE = "aws:rds/instance:Instance"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"

BLOCKS_PER_VPC = 5  # VPC quotas: IPv4 CIDR blocks per VPC
ADDRESSES = 5  # VPC quotas: Elastic IP addresses per Region
VPCS = 5  # VPC quotas: VPCs per Region; internet gateways follow it
NATS_PER_ZONE = 5  # VPC quotas: NAT gateways per Availability Zone
RULES = 60  # VPC quotas: inbound or outbound rules per security group
# VPC user guide, "AWS-managed prefix list weight": CloudFront's counts 55, those of gateway
# endpoints (S3, DynamoDB) count 1.
CLOUDFRONT_WEIGHT = 55
RESERVED = 5  # VPC user guide, "Subnet sizing": four first addresses and the last
BALANCER_NEEDS = 8  # ELB user guide: free addresses per subnet

# Types whose network interfaces live in the subnets, and wear the groups, that they name.
_INTERFACES = frozenset(
    {
        NAT,
        ENDPOINT,
        BALANCER,
        CLUSTER,
        NODE_GROUP,
        CACHE,
        DATABASE,
        "aws:rds/cluster:Cluster",
        "aws:rds/proxy:Proxy",
        "aws:elasticache/cluster:Cluster",
        "aws:lambda/function:Function",
        "aws:ec2/instance:Instance",
        "aws:ec2/networkInterface:NetworkInterface",
        "aws:efs/mountTarget:MountTarget",
        "aws:ec2/vpcEndpointSubnetAssociation:VpcEndpointSubnetAssociation",
    }
)
# subnet group -> (what lives in it, the input that names it)
_THROUGH_GROUPS = {
    "aws:rds/subnetGroup:SubnetGroup": (DATABASE, "dbSubnetGroupName"),
    "aws:elasticache/subnetGroup:SubnetGroup": (CACHE, "subnetGroupName"),
}
_IN_A_VPC = (
    SUBNET,
    GROUP,
    ENDPOINT,
    GATEWAY,
    ATTACHMENT,
    NAT,
    TABLE,
    "aws:ec2/networkAcl:NetworkAcl",
)
_DESTINATIONS = ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")
_RULE = ("fromPort", "toPort", "cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")
_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "all": "-1"}
_FLOW_LOG = (
    "vpcId",
    "subnetId",
    "eniId",
    "transitGatewayId",
    "trafficType",
    "logDestination",
    "logDestinationType",
)


def blocks(account: Account, vpc: Resource) -> list[str]:
    """The IPv4 blocks of a VPC, the first one first."""
    more = account.find(VPC_BLOCK, vpcId=vpc.id)
    return [str(b) for b in (vpc.get("cidrBlock"), *(m.get("cidrBlock") for m in more)) if b]


def free_addresses(account: Account, subnet: Resource) -> int | None:
    """Addresses that are free at the most: one per interface that the account knows of."""
    size = block(str(subnet.get("cidrBlock", "")))
    if size is None:
        return None
    taken = 0
    for resource in account.referring(subnet):
        if resource.type == NODE_GROUP:
            nodes = int((resource.inputs.get("scalingConfig") or {}).get("desiredSize") or 1)
            taken += -(-nodes // max(1, len(resource.inputs.get("subnetIds") or [])))
        elif resource.type in _INTERFACES:
            taken += 1
    return size.num_addresses - RESERVED - taken


# -- blocks -------------------------------------------------------------------------------------
def _outside(request: Request, account: Account) -> str | None:
    if not request.known("vpcId", "cidrBlock"):
        return None
    cidr = request.value("cidrBlock")
    wanted = block(cidr)
    vpc = account.by_id(request.value("vpcId"), VPC)
    if vpc is None or wanted is None:
        return None
    held = [b for b in map(block, blocks(account, vpc)) if b is not None]
    if not held or any(wanted.subnet_of(b) for b in held):
        return None
    return f"InvalidSubnet.Range: The CIDR '{cidr}' is invalid."


def _overlap(request: Request, account: Account) -> str | None:
    if not request.known("vpcId", "cidrBlock"):
        return None
    cidr = request.value("cidrBlock")
    wanted = block(cidr)
    if wanted is None:
        return None
    for other in siblings(request, account, SUBNET, vpcId=request.value("vpcId")):
        there = block(str(other.get("cidrBlock", "")))
        if there is not None and wanted.overlaps(there):
            return f"InvalidSubnet.Conflict: The CIDR '{cidr}' conflicts with another subnet"
    return None


def _size(request: Request, _account: Account) -> str | None:
    if not request.known("cidrBlock"):
        return None
    cidr = request.value("cidrBlock")
    wanted = block(cidr)
    if wanted is None or 16 <= wanted.prefixlen <= 28:
        return None
    code = "InvalidSubnet.Range" if request.type == SUBNET else "InvalidVpc.Range"
    return f"{code}: The CIDR '{cidr}' is invalid."


def _sixth_block(request: Request, account: Account) -> str | None:
    if not request.known("vpcId"):
        return None
    vpc = request.value("vpcId")
    # One block came with the VPC itself.
    if 1 + len(siblings(request, account, VPC_BLOCK, vpcId=vpc)) < BLOCKS_PER_VPC:
        return None
    return (
        f"CidrLimitExceeded: This network '{vpc}' has met its maximum number of allowed CIDRs: "
        f"{BLOCKS_PER_VPC}"
    )


# -- order on the way down ----------------------------------------------------------------------
def _subnet_in_use(request: Request, account: Account) -> str | None:
    subnet = account.by_id(request.id, SUBNET)
    if subnet is None:
        return None
    for resource in account.referring(subnet):
        if resource.type in _THROUGH_GROUPS:
            type_, path = _THROUGH_GROUPS[resource.type]
            held = bool(account.find(type_, **{path: resource.id}))
        else:
            held = resource.type in _INTERFACES
        if held:
            return (
                f"DependencyViolation: The subnet '{request.id}' has dependencies and cannot be "
                "deleted."
            )
    return None


def _mapped_addresses(request: Request, account: Account) -> str | None:
    vpc = request.old_value("vpcId")
    if not vpc or (request.operation == "update" and not request.changes("vpcId")):
        return None
    inside = {s.id: s for s in account.find(SUBNET, vpcId=vpc)}
    mapped = any(
        (n.get("subnetId") in inside or n.get("vpcId") == vpc)
        and n.get("connectivityType", "public") == "public"
        for n in account.all(NAT)
    )
    mapped = mapped or any(
        not b.get("internal", False) and any(s in inside for s in _subnets_of_balancer(b.inputs))
        for b in account.all(BALANCER)
    )
    mapped = mapped or any(
        s in inside and inside[s].get("mapPublicIpOnLaunch")
        for g in account.all(NODE_GROUP)
        for s in g.inputs.get("subnetIds") or []
    )
    if not mapped:
        return None
    return (
        f"DependencyViolation: Network {vpc} has some mapped public address(es). Please unmap "
        "those public address(es) before detaching the gateway."
    )


def _vpc_in_use(request: Request, account: Account) -> str | None:
    if not any(account.find(type_, vpcId=request.id) for type_ in _IN_A_VPC):
        return None
    return f"DependencyViolation: The vpc '{request.id}' has dependencies and cannot be deleted."


def _group_in_use(request: Request, account: Account) -> str | None:
    group = account.by_id(request.id, GROUP)
    if group is None:
        return None
    for resource in account.referring(group):
        if resource.type in (INGRESS, EGRESS):
            # A group's own rules go with it, even those that name the group itself.
            held = (
                resource.get("referencedSecurityGroupId") == group.id
                and resource.get("securityGroupId") != group.id
            )
        elif resource.type == TEMPLATE:
            held = any(u.type in _INTERFACES for u in account.referring(resource))
        else:
            held = resource.type in _INTERFACES or resource.type == GROUP
        if held:
            return f"DependencyViolation: resource {request.id} has a dependent object"
    return None


def _table_in_use(request: Request, account: Account) -> str | None:
    if not account.find(TABLE_USE, routeTableId=request.id):
        return None
    return (
        f"DependencyViolation: The routeTable '{request.id}' has dependencies and cannot be "
        "deleted."
    )


# -- quotas -------------------------------------------------------------------------------------
def _sixth_address(request: Request, account: Account) -> str | None:
    if len(siblings(request, account, ADDRESS)) < ADDRESSES:
        return None
    return "AddressLimitExceeded: The maximum number of addresses has been reached."


def _sixth_vpc(request: Request, account: Account) -> str | None:
    if len(siblings(request, account, request.type)) < VPCS:
        return None
    if request.type == VPC:
        return "VpcLimitExceeded: The maximum number of VPCs has been reached."
    return "InternetGatewayLimitExceeded: The maximum number of internet gateways has been reached."


def _sixth_nat(request: Request, account: Account) -> str | None:
    if not request.known("subnetId"):
        return None
    here = account.by_id(request.value("subnetId"), SUBNET)
    zone = here.get("availabilityZone") if here else None
    if zone is None:
        return None
    there = (
        account.by_id(str(nat.get("subnetId", "")), SUBNET)
        for nat in siblings(request, account, NAT)
    )
    if sum(1 for s in there if s and s.get("availabilityZone") == zone) < NATS_PER_ZONE:
        return None
    return (
        "NatGatewayLimitExceeded: Performing this operation would exceed the limit of "
        f"{NATS_PER_ZONE} NAT gateways"
    )


def _weight(account: Account, prefix_list: Any) -> int:
    if not prefix_list:
        return 1
    own = account.by_id(str(prefix_list), PREFIX_LIST)
    if own is not None:
        return int(own.get("maxEntries", 1))
    if account.find(ENDPOINT, prefixListId=prefix_list):
        return 1
    return CLOUDFRONT_WEIGHT


def _sixty_first_rule(request: Request, account: Account) -> str | None:
    if not request.known("securityGroupId") or request.value("prefixListId") is UNKNOWN:
        return None
    group = request.value("securityGroupId")
    others = siblings(request, account, request.type, securityGroupId=group)
    total = _weight(account, request.value("prefixListId")) + sum(
        _weight(account, other.get("prefixListId")) for other in others
    )
    if total <= RULES:
        return None
    return (
        "RulesPerSecurityGroupLimitExceeded: The maximum number of rules per security group has "
        "been reached."
    )


# -- rules --------------------------------------------------------------------------------------
def _protocol(value: Any) -> str:
    return _PROTOCOLS.get(str(value).lower(), str(value).lower())


def _rule_twice(request: Request, account: Account) -> str | None:
    if not request.known("securityGroupId", "ipProtocol"):
        return None
    mine = {name: request.value(name) for name in _RULE}
    if UNKNOWN in mine.values():
        return None
    protocol = _protocol(request.value("ipProtocol"))
    if protocol == "-1":
        mine |= {"fromPort": None, "toPort": None}
    for other in siblings(
        request, account, request.type, securityGroupId=request.value("securityGroupId")
    ):
        theirs = {name: other.inputs.get(name) for name in _RULE}
        if protocol == "-1":
            theirs |= {"fromPort": None, "toPort": None}
        if _protocol(other.get("ipProtocol")) == protocol and theirs == mine:
            return "InvalidPermission.Duplicate: The specified rule already exists"
    return None


def _ports(request: Request, _account: Account) -> str | None:
    if not request.known("ipProtocol"):
        return None
    if _protocol(request.value("ipProtocol")) not in ("tcp", "udp"):
        return None
    if request.value("fromPort") is not None and request.value("toPort") is not None:
        return None
    return (
        "InvalidParameterValue: Invalid value for portRange. Must specify both from and to ports "
        "with TCP/UDP."
    )


def _group_name(request: Request, account: Account) -> str | None:
    if not request.known("name", "vpcId"):
        return None
    name = request.value("name")
    if not siblings(request, account, GROUP, name=name, vpcId=request.value("vpcId")):
        return None
    return f"InvalidGroup.Duplicate: The security group '{name}' already exists"


# -- endpoints, routes, gateways ----------------------------------------------------------------
def private_domain(service: str) -> str:
    """The domain that an interface endpoint answers for: "com.amazonaws.R.ecr.api" ->
    "api.ecr.R.amazonaws.com"."""
    parts = service.split(".")
    if parts[:2] != ["com", "amazonaws"] or len(parts) < 4:
        return service
    return ".".join([*reversed(parts[3:]), parts[2], "amazonaws.com"])


def _dns_conflict(request: Request, account: Account) -> str | None:
    if not request.known("vpcId", "serviceName") or request.value("privateDnsEnabled") is not True:
        return None
    vpc, service = request.value("vpcId"), request.value("serviceName")
    if not siblings(
        request, account, ENDPOINT, vpcId=vpc, serviceName=service, privateDnsEnabled=True
    ):
        return None
    return (
        "InvalidParameter: private-dns-enabled cannot be set because there is already a "
        f"conflicting DNS domain for {private_domain(service)} in the VPC {vpc}"
    )


def _dns_off(request: Request, account: Account) -> str | None:
    if not request.known("vpcId") or request.value("privateDnsEnabled") is not True:
        return None
    vpc = account.by_id(request.value("vpcId"), VPC)
    # EC2's defaults for a VPC that was made: support on, host names off.
    if vpc is None or (vpc.get("enableDnsSupport", True) and vpc.get("enableDnsHostnames", False)):
        return None
    return (
        "InvalidParameter: Enabling private DNS requires both enableDnsSupport and "
        f"enableDnsHostnames VPC attributes set to true for {vpc.id}"
    )


def _address_twice(request: Request, account: Account) -> str | None:
    if not request.known("allocationId"):
        return None
    address = request.value("allocationId")
    if request.type == ADDRESS_USE and request.value("allowReassociation"):
        return None
    if not any(
        siblings(request, account, type_, allocationId=address) for type_ in (NAT, ADDRESS_USE)
    ):
        return None
    return f"Resource.AlreadyAssociated: Resource {address} is already associated."


def _route_twice(request: Request, account: Account) -> str | None:
    if not request.known("routeTableId"):
        return None
    table = request.value("routeTableId")
    for name in _DESTINATIONS:
        wanted = request.value(name)
        if not isinstance(wanted, str):
            continue
        inline = account.by_id(table, TABLE)
        declared = [
            route.get("cidrBlock") or route.get("ipv6CidrBlock") or route.get(name)
            for route in (inline.inputs.get("routes") or [] if inline else [])
        ]
        where: dict[str, Any] = {"routeTableId": table, name: wanted}
        if wanted in declared or siblings(request, account, ROUTE, everywhere=False, **where):
            return f"RouteAlreadyExists: The route identified by {wanted} already exists"
    return None


def _gateway_endpoint_twice(request: Request, account: Account) -> str | None:
    if request.type == ENDPOINT:
        if request.value("vpcEndpointType", "Gateway") != "Gateway":
            return None
        service = request.value("serviceName")
        tables = known_list(request, "routeTableIds") or []
        itself = request.id
    else:
        if not request.known("vpcEndpointId", "routeTableId"):
            return None
        mine = account.by_id(request.value("vpcEndpointId"), ENDPOINT)
        if mine is None:
            return None
        service, itself = mine.get("serviceName"), mine.id
        tables = [request.value("routeTableId")]
    for other in account.find(ENDPOINT, request.region, serviceName=service):
        if other.id == itself or (request.preview and other.urn == request.urn):
            continue
        theirs = set(other.inputs.get("routeTableIds") or []) | {
            a.get("routeTableId") for a in account.find(ENDPOINT_TABLE, vpcEndpointId=other.id)
        }
        for table in tables:
            if table in theirs:
                return (
                    f"RouteAlreadyExists: route table {table} already has a route with "
                    f"destination-prefix-list-id {other.get('prefixListId', 'of the service')}"
                )
    return None


def _routes(request: Request, account: Account) -> str | None:
    return (
        _route_twice(request, account)
        if request.type == ROUTE
        else _gateway_endpoint_twice(request, account)
    )


def _associated_twice(request: Request, account: Account) -> str | None:
    if request.type == TABLE_USE:
        for name in ("subnetId", "gatewayId"):
            if request.known(name):
                wanted: dict[str, Any] = {name: request.value(name)}
                there = siblings(request, account, TABLE_USE, everywhere=False, **wanted)
                if there:
                    return (
                        "Resource.AlreadyAssociated: the specified association for route table "
                        f"{there[0].get('routeTableId')} conflicts with an existing association"
                    )
        return None
    if not request.known("vpcId"):
        return None
    vpc = request.value("vpcId")
    if not any(siblings(request, account, t, vpcId=vpc) for t in (GATEWAY, ATTACHMENT)):
        return None
    return f"InvalidParameterValue: Network {vpc} already has an internet gateway attached"


# -- flow logs ----------------------------------------------------------------------------------
def _flow_log_twice(request: Request, account: Account) -> str | None:
    mine = {name: request.value(name) for name in _FLOW_LOG}
    if UNKNOWN in mine.values():
        return None
    for other in siblings(request, account, FLOW_LOG):
        if {name: other.inputs.get(name) for name in _FLOW_LOG} == mine:
            return (
                "FlowLogAlreadyExists: Error. There is an existing Flow Log with the same "
                "configuration and log destination."
            )
    return None


def _flow_log_terms(request: Request, _account: Account) -> str | None:
    kind = request.value("logDestinationType", "cloud-watch-logs")
    if kind == "cloud-watch-logs" and not given(request, "iamRoleArn"):
        return (
            "InvalidParameter: DeliverLogsPermissionArn can't be empty if LogDestinationType is "
            "cloud-watch-logs."
        )
    interval = request.value("maxAggregationInterval", 600)
    if interval is not UNKNOWN and int(interval) not in (60, 600):
        return "InvalidParameter: Invalid Flow Log Max Aggregation Interval"
    return None


# -- addresses ----------------------------------------------------------------------------------
def _subnets_of_balancer(inputs: Any) -> list[str]:
    mappings = inputs.get("subnetMappings") or []
    return [*(inputs.get("subnets") or []), *(m.get("subnetId") for m in mappings)]


def _no_addresses(request: Request, account: Account) -> str | None:
    if request.type == BALANCER:
        plain = known_list(request, "subnets")
        mapped = known_list(request, "subnetMappings")
        if plain is None or mapped is None:
            return None
        for subnet in subnets(account, [*plain, *(m.get("subnetId") for m in mapped)]):
            free = free_addresses(account, subnet)
            if free is not None and free < BALANCER_NEEDS:
                return (
                    "InvalidSubnet: The specified subnet is out of available addresses. "
                    f"({subnet.id}: {max(free, 0)} free, {BALANCER_NEEDS} needed)"
                )
        return None
    ids = known_list(request, "subnetIds")
    wanted = request.value("scalingConfig.desiredSize")
    if not ids or not isinstance(wanted, int):
        return None
    there = subnets(account, ids)
    free_in_each = [free_addresses(account, subnet) for subnet in there]
    if len(there) < len(ids) or None in free_in_each:
        return None
    if sum(max(free, 0) for free in free_in_each if free is not None) >= wanted:
        return None
    return (
        "InsufficientFreeAddresses: One or more of the subnets associated with your managed node "
        "group does not have enough available IP addresses for new nodes."
    )


_RULES = (INGRESS, EGRESS)
_MO = "moto 5.2"

ROWS: tuple[Row, ...] = (
    Row(
        id="N1",
        title="a subnet's block lies in its VPC's",
        types=(SUBNET,),
        operations=("create",),
        source=_MO,
        judge=_outside,
    ),
    Row(
        id="N2",
        title="subnets of a VPC do not overlap",
        types=(SUBNET,),
        operations=("create",),
        source=_MO,
        judge=_overlap,
    ),
    Row(
        id="N3",
        title="VPC and subnet blocks are /16 to /28",
        types=(VPC, SUBNET, VPC_BLOCK),
        operations=("create",),
        source=_MO,
        judge=_size,
    ),
    Row(
        id="N4",
        title="a VPC has five IPv4 blocks at most",
        types=(VPC_BLOCK,),
        operations=("create",),
        source=_MO,
        judge=_sixth_block,
    ),
    Row(
        id="N5",
        title="a subnet goes after the interfaces in it",
        types=(SUBNET,),
        operations=("delete",),
        source="appvia/kore#808, aws/aws-cdk#26716",
        judge=_subnet_in_use,
    ),
    Row(
        id="N6",
        title="a gateway goes after the public addresses behind it",
        types=(GATEWAY, ATTACHMENT),
        operations=("update", "delete"),
        source="eksctl-io/eksctl#253",
        judge=_mapped_addresses,
    ),
    Row(
        id="N7",
        title="a VPC goes last",
        types=(VPC,),
        operations=("delete",),
        source="pulumi/pulumi-awsx#905",
        judge=_vpc_in_use,
    ),
    Row(
        id="N8",
        title="a security group goes after what wears or names it",
        types=(GROUP,),
        operations=("delete",),
        source="terraform-aws-modules/terraform-aws-eks#285",
        judge=_group_in_use,
    ),
    Row(
        id="N9",
        title="a route table goes after its associations",
        types=(TABLE,),
        operations=("delete",),
        source=_MO,
        judge=_table_in_use,
    ),
    Row(
        id="N10",
        title="five elastic IPs per region",
        types=(ADDRESS,),
        operations=("create",),
        source=(
            "eksctl-io/eksctl#1646, hashicorp-education/learn-terraform-provision-eks-cluster#59"
        ),
        judge=_sixth_address,
    ),
    Row(
        id="N11",
        title="five VPCs and five internet gateways per region",
        types=(VPC, GATEWAY),
        operations=("create",),
        source="canonical/bundle-kubeflow#1171",
        judge=_sixth_vpc,
    ),
    Row(
        id="N12",
        title="five NAT gateways per zone",
        types=(NAT,),
        operations=("create",),
        source="eksctl-io/eksctl#560",
        judge=_sixth_nat,
    ),
    Row(
        id="N13",
        title="sixty rules per group and direction, prefix lists by their entries",
        types=_RULES,
        operations=("create",),
        source="aws-samples/aws-cloudfront-samples#53",
        judge=_sixty_first_rule,
    ),
    Row(
        id="N14",
        title="a rule stands once",
        types=_RULES,
        operations=("create", "update"),
        source=_MO,
        judge=_rule_twice,
    ),
    Row(
        id="N15",
        title="TCP and UDP rules have both ports",
        types=_RULES,
        operations=("create", "update"),
        source=_MO,
        judge=_ports,
    ),
    Row(
        id="N16",
        title="one interface endpoint with private DNS per service and VPC",
        types=(ENDPOINT,),
        operations=("create", "update"),
        source="hashicorp/terraform-provider-aws#17535",
        judge=_dns_conflict,
    ),
    Row(
        id="N17",
        title="private DNS wants DNS support and host names on the VPC",
        types=(ENDPOINT,),
        operations=("create", "update"),
        source="EKS user guide; EC2's text from public logs",
        judge=_dns_off,
    ),
    Row(
        id="N18",
        title="an elastic IP serves one gateway",
        types=(NAT, ADDRESS_USE),
        operations=("create",),
        source=_MO,
        judge=_address_twice,
    ),
    Row(
        id="N19",
        title="one route per destination, one gateway endpoint per service and table",
        types=(ROUTE, ENDPOINT, ENDPOINT_TABLE),
        operations=("create",),
        source=f"{_MO}; the endpoint's text from public logs",
        judge=_routes,
    ),
    Row(
        id="N20",
        title="one route table per subnet, one internet gateway per VPC",
        types=(TABLE_USE, GATEWAY, ATTACHMENT),
        operations=("create",),
        source=f"{_MO}; the gateway's text from public logs",
        judge=_associated_twice,
    ),
    Row(
        id="N21",
        title="a flow log stands once",
        types=(FLOW_LOG,),
        operations=("create",),
        source=_MO,
        judge=_flow_log_twice,
    ),
    Row(
        id="N22",
        title="a flow log to CloudWatch has a role, and an interval of 60 or 600 s",
        types=(FLOW_LOG,),
        operations=("create", "update"),
        source=_MO,
        judge=_flow_log_terms,
    ),
    Row(
        id="N23",
        title="group names are unique in a VPC",
        types=(GROUP,),
        operations=("create",),
        source=_MO,
        judge=_group_name,
    ),
    Row(
        id="N24",
        title="balancers and nodes find free addresses",
        types=(BALANCER, NODE_GROUP),
        operations=("create",),
        source="botocore 1.44 (ELBv2, EKS); EKS user guide",
        judge=_no_addresses,
    ),
)
