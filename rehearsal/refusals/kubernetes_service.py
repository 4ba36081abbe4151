"""What EKS refuses: versions, zones, ways in, add-ons, node groups, and the order on the way down.

Rows E1 to E35, but for two that no request shows: E8 (a second run while an update is under way;
within a run the provider takes turns) and E27 (a drain blocked by a disruption budget: that is in
the cluster, not in the account). E15, E20 and E26 are accepted now and break later: warnings.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from datetime import date
from typing import Any

from rehearsal.account import Account, Resource
from rehearsal.refusals.asking import (
    account_of,
    block,
    given,
    known_list,
    minor,
    siblings,
    subnets,
    zones,
)
from rehearsal.refusals.network import (
    ENDPOINT,
    ROUTE,
    TABLE,
    TABLE_USE,
    TEMPLATE,
    VPC,
    blocks,
    free_addresses,
)
from rehearsal.refusals.table import Request, Row
from rehearsal.wire import UNKNOWN

CLUSTER = "aws:eks/cluster:Cluster"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
FARGATE = "aws:eks/fargateProfile:FargateProfile"
ADDON = "aws:eks/addon:Addon"
ENTRY = "aws:eks/accessEntry:AccessEntry"
ENTRY_POLICY = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
POD_IDENTITY = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ROLE_ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"

# End of extended support: standard support (endoflife.date/amazon-eks, 2026-02; 1.36 as quoted by
# a deployment of 2026-09) and the twelve months that the EKS user guide adds to it.
SUPPORT_ENDS = {
    "1.30": date(2026, 7, 23),
    "1.31": date(2026, 11, 26),
    "1.32": date(2027, 3, 23),
    "1.33": date(2027, 7, 29),
    "1.34": date(2027, 12, 2),
    "1.35": date(2028, 3, 27),
    "1.36": date(2028, 8, 2),
}
# The table above was true on this day. The virtual calendar begins earlier; a version that is gone
# must not come back with it.
AS_OF = date(2026, 11, 1)

# Zones that cannot host control planes (EKS user guide, network requirements); the name is the one
# in eksctl-io/eksctl#817.
NO_CONTROL_PLANE = frozenset({"use1-az3", "usw1-az2", "cac1-az3", "us-east-1e"})

# EKS quotas, "Amazon EKS service quotas".
CLUSTERS = 100
GROUPS_PER_CLUSTER = 30
NODES_PER_GROUP = 450
IDENTITIES_PER_CLUSTER = 1000
PUBLIC_BLOCKS = 40
FREE_PER_SUBNET = 5  # EKS user guide: an update wants up to five free addresses per subnet

_MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")
_RESERVED_NAMES = ("system:", "eks:", "aws:", "amazon:", "iam:")
_SELF_MANAGED = frozenset({"vpc-cni", "coredns", "kube-proxy"})
# Add-ons of AWS and of the community (EKS user guide, "AWS add-ons", "Community add-ons"). Those of
# the Marketplace have an underscore in their names and are not known here.
_ADDONS = frozenset(
    {
        "adot",
        "amazon-cloudwatch-observability",
        "amazon-sagemaker-hyperpod-taskgovernance",
        "amazon-sagemaker-hyperpod-training-operator",
        "aws-ebs-csi-driver",
        "aws-efs-csi-driver",
        "aws-fsx-csi-driver",
        "aws-guardduty-agent",
        "aws-mountpoint-s3-csi-driver",
        "aws-network-flow-monitoring-agent",
        "aws-privateca-connector-for-kubernetes",
        "aws-secrets-store-csi-driver-provider",
        "cert-manager",
        "coredns",
        "eks-node-monitoring-agent",
        "eks-pod-identity-agent",
        "external-dns",
        "fluent-bit",
        "kube-proxy",
        "kube-state-metrics",
        "metrics-server",
        "prometheus-node-exporter",
        "snapshot-controller",
        "vpc-cni",
    }
)
# Deployments: ACTIVE only once a pod runs on a node.
_WANT_NODES = frozenset(
    {
        "aws-ebs-csi-driver",
        "aws-efs-csi-driver",
        "cert-manager",
        "coredns",
        "external-dns",
        "kube-state-metrics",
        "metrics-server",
        "snapshot-controller",
    }
)
_ADDON_VERSION = re.compile(r"^v\d+\.\d+\.\d+(-[a-z]+\.\d+)+$")
_KUBELET_SKEW = 3  # Kubernetes version skew policy: kube-proxy and kubelet
# What a node without a way to the internet asks through endpoints (EKS user guide, private
# clusters).
_NODE_ENDPOINTS = ("ec2", "ecr.api", "ecr.dkr", "s3")
_EVERYWHERE = "0.0.0.0/0"
# Private, shared and reserved ranges: none of them is anybody's public address. The blocks for
# documentation (RFC 5737) are among them: a public log quotes this row's message about
# 203.0.113.0/24.
_NOT_PUBLIC = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_SERVICE_RANGES = tuple(
    ipaddress.IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)
_WRONG = "InvalidParameterException"


def _cluster(request: Request, account: Account) -> Resource | None:
    name = request.value("clusterName")
    return account.by_id(name, CLUSTER) if isinstance(name, str) else None


def _inside(resource: Resource, *path: str) -> Any:
    here: Any = resource.inputs
    for part in path:
        here = (here or {}).get(part)
    return here


def _mode(cluster: Resource) -> str:
    # The API's default where nothing is said (EKS API reference, CreateAccessConfigRequest).
    return str(_inside(cluster, "accessConfig", "authenticationMode") or "CONFIG_MAP")


# -- zones and subnets --------------------------------------------------------------------------
def _one_zone(request: Request, account: Account) -> str | None:
    found = zones(account, known_list(request, "vpcConfig.subnetIds"))
    if found is None or len(found) > 1:
        return None
    return f"{_WRONG}: Subnets specified must be in at least two different AZs"


def _wrong_zone(request: Request, account: Account) -> str | None:
    there = subnets(account, known_list(request, "vpcConfig.subnetIds") or [])
    good, bad = [], []
    for subnet in there:
        names = {subnet.get("availabilityZone"), subnet.get("availabilityZoneId")}
        zone = str(subnet.get("availabilityZone") or subnet.get("availabilityZoneId"))
        (bad if names & NO_CONTROL_PLANE else good).append(zone)
    if not bad:
        return None
    return (
        f"UnsupportedAvailabilityZoneException: Cannot create cluster '{request.value('name')}' "
        f"because {bad[0]}, the targeted availability zone, does not currently have sufficient "
        "capacity to support the cluster. Retry and choose from these availability zones: "
        f"{', '.join(sorted(set(good)))}"
    )


def _moved_subnets(request: Request, account: Account) -> str | None:
    new = known_list(request, "vpcConfig.subnetIds")
    old = request.old_value("vpcConfig.subnetIds", [])
    if not new or not old or set(new) == set(old):
        return None
    vpcs = {s.get("vpcId") for s in subnets(account, [*new, *old])}
    if len(vpcs) > 1:
        return f"{_WRONG}: Subnets provided must belong to the VPC of the cluster"
    before, after = zones(account, old), zones(account, new)
    if before is None or after is None or before == after:
        return None
    return (
        f"{_WRONG}: Provided subnets belong to the AZs '{','.join(after)}'. But they should "
        f"belong to the exact set of AZs '{','.join(before)}' in which subnets were provided "
        "during cluster creation."
    )


def _tight_subnets(request: Request, account: Account) -> str | None:
    if not (request.changes("version") or request.changes("vpcConfig.subnetIds")):
        return None
    for subnet in subnets(account, known_list(request, "vpcConfig.subnetIds") or []):
        free = free_addresses(account, subnet)
        if free is not None and free < FREE_PER_SUBNET:
            return (
                "InsufficientFreeAddresses: One or more of the subnets associated with your "
                "cluster does not have enough available IP addresses for Amazon EKS to perform "
                f"configuration changes. ({subnet.id}: {max(free, 0)} free, {FREE_PER_SUBNET} "
                "needed)"
            )
    return None


# -- versions -----------------------------------------------------------------------------------
def _unsupported(request: Request, account: Account) -> str | None:
    if not request.known("version"):
        return None
    if request.operation == "update" and not request.changes("version"):
        return None
    ends = SUPPORT_ENDS.get(str(request.value("version")))
    if ends is not None and max(account.now.date(), AS_OF) <= ends:
        return None
    return f"{_WRONG}: unsupported Kubernetes version"


def _steps(request: Request) -> tuple[tuple[int, int], tuple[int, int]] | None:
    if not request.known("version"):
        return None
    old, new = minor(request.old_value("version")), minor(request.value("version"))
    return (old, new) if old and new else None


def _step_text(request: Request) -> str:
    return (
        f"{_WRONG}: Unsupported Kubernetes minor version update from "
        f"{request.old_value('version')} to {request.value('version')}"
    )


def _two_minors(request: Request, _account: Account) -> str | None:
    steps = _steps(request)
    if steps is None or steps[1][1] - steps[0][1] < 2:
        return None
    return _step_text(request)


def _downgrade(request: Request, _account: Account) -> str | None:
    steps = _steps(request)
    return _step_text(request) if steps and steps[1] < steps[0] else None


def _old_nodes(request: Request, account: Account) -> str | None:
    steps = _steps(request)
    if steps is None or steps[1] <= steps[0] or request.value("forceUpdateVersion"):
        return None
    behind = []
    for group in account.find(NODE_GROUP, request.region, clusterName=request.id):
        version = minor(group.get("version"))
        if version and version < steps[0]:
            behind.append(f"{group.get('nodeGroupName', group.id)} ({group.get('version')})")
    if not behind:
        return None
    return (
        "InvalidStateException: the cluster has upgrade readiness issues: node groups "
        f"{', '.join(behind)} must be updated to match cluster version "
        f"{request.old_value('version')} before updating cluster version"
    )


def _release(request: Request, account: Account) -> str | None:
    if not request.known("releaseVersion"):
        return None
    # A Bottlerocket release carries the number of its own system, not of Kubernetes.
    kind = request.value("amiType")
    if kind is UNKNOWN or not str(kind or "AL2023").startswith("AL"):
        return None
    cluster = _cluster(request, account)
    version = request.value("version") or (cluster.get("version") if cluster else None)
    if version in (None, UNKNOWN):
        return None
    release = request.value("releaseVersion")
    found, wanted = minor(release), minor(version)
    if found is None or wanted is None or found == wanted:
        return None
    return (
        f"InvalidRequest: Requested release version {release} is not valid for kubernetes "
        f"version {version}."
    )


# -- order and protection -----------------------------------------------------------------------
def _groups_attached(request: Request, account: Account) -> str | None:
    if account.find(NODE_GROUP, request.region, clusterName=request.id):
        return "ResourceInUseException: Cluster has nodegroups attached"
    if account.find(FARGATE, request.region, clusterName=request.id):
        return "ResourceInUseException: Cluster has Fargate profiles attached"
    return None


def _protected(request: Request, _account: Account) -> str | None:
    if request.old_value("deletionProtection") is not True:
        return None
    return (
        "InvalidRequestException: Deletion protection is enabled and the cluster cannot be "
        "deleted until protection is disabled. (two steps: first `deletionProtection: false` in "
        "one up, delete in the next)"
    )


# -- who may enter ------------------------------------------------------------------------------
def _mode_step(request: Request, _account: Account) -> str | None:
    old = request.old_value("accessConfig.authenticationMode", "CONFIG_MAP")
    new = request.value("accessConfig.authenticationMode", "CONFIG_MAP")
    if old not in _MODES or new not in _MODES:
        return None
    step = _MODES.index(new) - _MODES.index(old)
    if step in (0, 1):
        return None
    said = f"{_WRONG}: Unsupported authentication mode update from {old} to {new}"
    if step == 2:
        said += (
            " (two steps: first `authenticationMode: API_AND_CONFIG_MAP` in one up, `API` in the "
            "next)"
        )
    return said


def _no_entries(request: Request, account: Account) -> str | None:
    cluster = _cluster(request, account)
    if cluster is None or _mode(cluster) != "CONFIG_MAP":
        return None
    return (
        "InvalidRequestException: The cluster's authentication mode must be set to one of [API, "
        "API_AND_CONFIG_MAP] to perform this operation."
    )


def _entry_twice(request: Request, account: Account) -> str | None:
    if not request.known("clusterName", "principalArn"):
        return None
    name, principal = request.value("clusterName"), request.value("principalArn")
    there = siblings(request, account, ENTRY, clusterName=name, principalArn=principal)
    # EKS enters the role of a managed node group by itself.
    nodes = account.find(NODE_GROUP, request.region, clusterName=name, nodeRoleArn=principal)
    if not there and not nodes:
        return None
    return (
        "ResourceInUseException: The specified access entry resource is already in use on this "
        "cluster."
    )


def _entry_terms(request: Request, account: Account) -> str | None:
    user = request.value("userName")
    if isinstance(user, str):
        for prefix in _RESERVED_NAMES:
            if user.startswith(prefix):
                return f"{_WRONG}: The username must not begin with {prefix}"
    for group in known_list(request, "kubernetesGroups") or []:
        for prefix in _RESERVED_NAMES:
            if str(group).startswith(prefix):
                return (
                    f"{_WRONG}: The kubernetes group name {group} is invalid, it cannot start "
                    f"with {prefix}"
                )
    if not request.known("principalArn"):
        return None
    principal, kind = request.value("principalArn"), request.value("type", "STANDARD")
    if kind in ("STANDARD", UNKNOWN) or account_of(principal) in ("", account.account_id):
        return None
    return (
        f"{_WRONG}: The type {kind} cannot be given to a principal of another account; only "
        "STANDARD can"
    )


def _stale_entry(request: Request, account: Account) -> str | None:
    if not request.known("name"):
        return None
    name = request.value("name")
    if not any(grave.id == name for grave in account.graves(ROLE)):
        return None
    for entry in account.all(ENTRY):
        principal = str(entry.get("principalArn", ""))
        if account_of(principal) == account.account_id and principal.endswith(f"/{name}"):
            return (
                f"the access entry of {principal} in {entry.get('clusterName')} belongs to the "
                "role that was deleted: it exists and no longer works; replace the entry with "
                "the role"
            )
    return None


def _identity_twice(request: Request, account: Account) -> str | None:
    names = ("clusterName", "namespace", "serviceAccount")
    if not request.known(*names):
        return None
    there = siblings(
        request, account, POD_IDENTITY, **{name: request.value(name) for name in names}
    )
    if not there:
        return None
    return f"ResourceInUseException: Association already exists: {there[0].id}"


# -- add-ons ------------------------------------------------------------------------------------
def _addon_version(request: Request, account: Account) -> str | None:
    if not request.known("addonName"):
        return None
    name = request.value("addonName")
    cluster = _cluster(request, account)
    of_cluster = minor(cluster.get("version")) if cluster else None
    if "_" not in name and name not in _ADDONS:
        where = f"{of_cluster[0]}.{of_cluster[1]}" if of_cluster else "any"
        return f"{_WRONG}: Addon {name} specified is not supported in {where} kubernetes version"
    version = request.value("addonVersion")
    if version in (None, UNKNOWN):
        return None
    refusal = f"{_WRONG}: Addon version specified is not supported"
    if not _ADDON_VERSION.match(str(version)):
        return refusal
    if name != "kube-proxy" or of_cluster is None:
        return None
    # kube-proxy carries the number of Kubernetes, and never runs ahead of the control plane.
    found = minor(version)
    fits = found is not None and 0 <= of_cluster[1] - found[1] <= _KUBELET_SKEW
    return None if fits else refusal


def _addon_conflict(request: Request, account: Account) -> str | None:
    if request.value("addonName") not in _SELF_MANAGED:
        return None
    cluster = _cluster(request, account)
    if cluster is None or cluster.inputs.get("bootstrapSelfManagedAddons") is False:
        return None
    if request.value("resolveConflictsOnCreate", "NONE") in ("OVERWRITE", UNKNOWN):
        return None
    return (
        "unexpected state 'CREATE_FAILED', wanted target 'ACTIVE'. last error: "
        "ConfigurationConflict: Conflicts found when trying to apply. Will not continue due to "
        "resolve conflicts mode."
    )


def _addon_values(request: Request, _account: Account) -> str | None:
    text = request.value("configurationValues")
    if not isinstance(text, str) or not text.strip():
        return None
    refusal = f"{_WRONG}: ConfigurationValue provided in request is not supported"
    try:
        values = json.loads(text)
    except ValueError:
        # EKS takes YAML as well; only what opens as JSON is judged.
        return f"{refusal}: the value is no JSON" if text.lstrip()[0] in '{["' else None
    if not isinstance(values, dict):
        kind = "string" if isinstance(values, str) else type(values).__name__
        return (
            f"{refusal}: Json schema validation failed with error: [$: {kind} found, object "
            "expected]"
        )
    if request.value("addonName") != "vpc-cni":
        return None
    # The CNI's schema has strings where one expects booleans and numbers.
    flat = {f"$.env.{key}": value for key, value in (values.get("env") or {}).items()}
    if "enableNetworkPolicy" in values:
        flat["$.enableNetworkPolicy"] = values["enableNetworkPolicy"]
    for path, value in flat.items():
        if not isinstance(value, str):
            kind = "boolean" if isinstance(value, bool) else "integer"
            return (
                f"{refusal}: Json schema validation failed with error: [{path}: {kind} found, "
                "string expected]"
            )
    return None


def _addon_without_nodes(request: Request, account: Account) -> str | None:
    # A preview of an empty account has no nodes yet, whatever the order will be.
    if request.preview or request.value("addonName") not in _WANT_NODES:
        return None
    cluster = _cluster(request, account)
    if cluster is None or _inside(cluster, "computeConfig", "enabled"):
        return None
    if any(
        account.find(type_, request.region, clusterName=cluster.id)
        for type_ in (NODE_GROUP, FARGATE)
    ):
        return None
    return (
        f"{request.value('addonName')}: timeout while waiting for state to become 'ACTIVE' (last "
        "state: 'DEGRADED', timeout: 20m0s)"
    )


# -- node groups --------------------------------------------------------------------------------
def _with_template(path: str, refusal: str) -> Callable[[Request, Account], str | None]:
    def judge(request: Request, _account: Account) -> str | None:
        both = given(request, path) and given(request, "launchTemplate")
        return f"{_WRONG}: {refusal}" if both else None

    return judge


def _template(request: Request, account: Account) -> Resource | None:
    for name in ("id", "name"):
        wanted = request.value(f"launchTemplate.{name}")
        if isinstance(wanted, str):
            return account.by_id(wanted, TEMPLATE) or next(
                iter(account.find(TEMPLATE, request.region, name=wanted)), None
            )
    return None


def _types_twice(request: Request, account: Account) -> str | None:
    template = _template(request, account) if given(request, "instanceTypes") else None
    if template is None or not template.inputs.get("instanceType"):
        return None
    return (
        "InvalidRequestException: Cannot specify instance types in launch template and API request"
    )


def _template_terms(request: Request, account: Account) -> str | None:
    template = _template(request, account)
    if template is None:
        return None
    if template.inputs.get("iamInstanceProfile"):
        return (
            f"{_WRONG}: Launch template should not specify an instance profile. The noderole in "
            "your request will be used to construct an instance profile."
        )
    if any(each.get("subnetId") for each in template.inputs.get("networkInterfaces") or []):
        return f"{_WRONG}: Launch template should not specify a subnet."
    if template.inputs.get("instanceInitiatedShutdownBehavior"):
        return f"{_WRONG}: Launch template should not specify a shutdown behavior."
    return None


def _scaling(request: Request, _account: Account) -> str | None:
    low, wanted, high = (
        request.value(f"scalingConfig.{name}") for name in ("minSize", "desiredSize", "maxSize")
    )
    if isinstance(low, int) and isinstance(wanted, int) and low > wanted:
        return f"{_WRONG}: Minimum capacity {low} can't be greater than desired size {wanted}"
    if isinstance(wanted, int) and isinstance(high, int) and wanted > high:
        return f"{_WRONG}: desired capacity {wanted} can't be greater than max size {high}"
    return None


def _leads_out(account: Account, subnet: Resource) -> bool:
    routes: list[Any] = []
    for use in account.find(TABLE_USE, subnetId=subnet.id):
        table = account.by_id(str(use.get("routeTableId", "")), TABLE)
        if table is not None:
            routes += [
                {**route, "destinationCidrBlock": route.get("cidrBlock")}
                for route in table.inputs.get("routes") or []
            ]
            routes += [r.inputs for r in account.find(ROUTE, routeTableId=table.id)]
    for route in routes:
        if route.get("destinationCidrBlock") != _EVERYWHERE:
            continue
        # An internet gateway serves only nodes that have public addresses.
        if not str(route.get("gatewayId") or "").startswith("igw-"):
            return True
        if subnet.get("mapPublicIpOnLaunch"):
            return True
    return False


def _unreachable(request: Request, account: Account) -> str | None:
    for subnet in subnets(account, known_list(request, "subnetIds") or []):
        if _leads_out(account, subnet):
            continue
        there = {
            str(e.get("serviceName", "")).split(".", 3)[-1]
            for e in account.find(ENDPOINT, vpcId=subnet.get("vpcId"))
        }
        missing = [name for name in _NODE_ENDPOINTS if name not in there]
        if missing:
            return f"{subnet.id} has no route out and no endpoint for {', '.join(missing)}"
    return None


def _shut_out(request: Request, account: Account) -> str | None:
    cluster = _cluster(request, account)
    if cluster is None or _inside(cluster, "vpcConfig", "endpointPrivateAccess"):
        return None
    allowed = _inside(cluster, "vpcConfig", "publicAccessCidrs") or [_EVERYWHERE]
    if _EVERYWHERE in allowed:
        return None
    return "the private endpoint is off and the public one is for named blocks only"


def _powerless(request: Request, account: Account) -> str | None:
    role = account.by_id(str(request.value("nodeRoleArn")), ROLE)
    if role is None or account.find(ROLE_POLICY, role=role.id):
        return None
    attached = [str(a.get("policyArn")) for a in account.find(ROLE_ATTACHMENT, role=role.id)]
    attached += role.inputs.get("managedPolicyArns") or []
    # Policies of our own may say the same in other words: then it cannot be told.
    if any("AmazonEKSWorkerNode" in arn or ":aws:policy/" not in arn for arn in attached):
        return None
    return f"role {role.id} has no AmazonEKSWorkerNodePolicy yet"


def _nodes_never_join(request: Request, account: Account) -> str | None:
    # A preview of an empty account has no routes yet, whatever the order will be.
    if request.preview:
        return None
    for judge in (_unreachable, _shut_out, _powerless):
        reason = judge(request, account)
        if reason:
            return (
                "CREATE_FAILED: NodeCreationFailure: Instances failed to join the kubernetes "
                f"cluster ({reason})"
            )
    return None


# -- endpoints, addresses, encryption, logs -----------------------------------------------------
def _public_blocks(request: Request, _account: Account) -> str | None:
    listed = known_list(request, "vpcConfig.publicAccessCidrs") or []
    bad = []
    for text in listed:
        found = block(str(text))
        # "Everywhere" is allowed, though it holds every private range.
        if found is not None and found.prefixlen and any(found.overlaps(n) for n in _NOT_PUBLIC):
            bad.append(str(text))
    if bad:
        return (
            f"{_WRONG}: The following CIDRs are not allowed in publicAccessCidrs: "
            f"[{', '.join(bad)}]"
        )
    if len(listed) > PUBLIC_BLOCKS:
        return f"{_WRONG}: publicAccessCidrs holds {len(listed)} blocks; {PUBLIC_BLOCKS} at most"
    return None


def _no_endpoint(request: Request, _account: Account) -> str | None:
    # Defaults: public on, private off (EKS API reference, VpcConfigRequest).
    public = request.value("vpcConfig.endpointPublicAccess", True)
    private = request.value("vpcConfig.endpointPrivateAccess", False)
    if public is not False or private is not False:
        return None
    return f"{_WRONG}: Private and public endpoint access cannot be false"


def _service_block(request: Request, account: Account) -> str | None:
    text = request.value("kubernetesNetworkConfig.serviceIpv4Cidr")
    wanted = block(text) if isinstance(text, str) else None
    if wanted is None:
        return None
    if not any(wanted.subnet_of(private) for private in _SERVICE_RANGES):
        return (
            f"{_WRONG}: serviceIpv4Cidr {text} must be within 10.0.0.0/8, 172.16.0.0/12 or "
            "192.168.0.0/16"
        )
    if not 12 <= wanted.prefixlen <= 24:
        return f"{_WRONG}: serviceIpv4Cidr {text} must be between /24 and /12"
    for subnet in subnets(account, known_list(request, "vpcConfig.subnetIds") or []):
        vpc = account.by_id(str(subnet.get("vpcId", "")), VPC)
        for other in blocks(account, vpc) if vpc else [str(subnet.get("cidrBlock", ""))]:
            taken = block(other)
            if taken is not None and taken.overlaps(wanted):
                return f"{_WRONG}: serviceIpv4Cidr {text} overlaps with VPC CIDR {other}"
    return None


def _encryption(request: Request, _account: Account) -> str | None:
    path = "encryptionConfig.provider.keyArn"
    old = request.old_value(path)
    if not old or not request.changes(path):
        return None
    what = "removed" if request.value(path) is None else "changed"
    return f"{_WRONG}: the encryption config of the cluster cannot be {what} once it is set"


def _log_group(request: Request, account: Account) -> str | None:
    name = request.value("name")
    found = re.fullmatch(r"/aws/eks/(.+)/cluster", name) if isinstance(name, str) else None
    if found is None:
        return None
    cluster = found[1]
    living = account.by_id(cluster, CLUSTER)
    left = bool(living and living.inputs.get("enabledClusterLogTypes"))
    if not living:
        # A group that went before its cluster was made again by EKS, and stayed.
        ends = [
            grave.deleted
            for grave in account.graves(CLUSTER)
            if grave.id == cluster
            and grave.region == request.region
            and grave.inputs.get("enabledClusterLogTypes")
        ]
        logs = [
            grave.deleted
            for grave in account.graves(LOG_GROUP)
            if grave.id == name and grave.region == request.region
        ]
        left = bool(ends) and (not logs or max(logs) < max(ends))
    if not left:
        return None
    return "ResourceAlreadyExistsException: The specified log group already exists"


# -- quotas -------------------------------------------------------------------------------------
def _limit(what: str) -> str:
    return (
        "ResourceLimitExceededException: You have encountered a service limit on the specified "
        f"resource. ({what})"
    )


def _quota(request: Request, account: Account) -> str | None:
    if request.type == CLUSTER:
        over = (
            request.operation == "create" and len(siblings(request, account, CLUSTER)) >= CLUSTERS
        )
        return _limit(f"{CLUSTERS} clusters per region") if over else None
    name = request.value("clusterName")
    if request.type == NODE_GROUP:
        most = request.value("scalingConfig.maxSize")
        if isinstance(most, int) and most > NODES_PER_GROUP:
            return _limit(f"{NODES_PER_GROUP} nodes per node group")
    if not isinstance(name, str) or request.operation != "create":
        return None
    limit, noun = (
        (GROUPS_PER_CLUSTER, "node groups")
        if request.type == NODE_GROUP
        else (IDENTITIES_PER_CLUSTER, "pod identity associations")
    )
    if len(siblings(request, account, request.type, clusterName=name)) < limit:
        return None
    return _limit(f"{limit} {noun} per cluster")


_BC = "botocore 1.44"
_GUIDE = "EKS user guide"
_MODULE = "terraform-aws-modules/terraform-aws-eks"

ROWS: tuple[Row, ...] = (
    Row(
        id="E1",
        title="a cluster spans two zones",
        types=(CLUSTER,),
        operations=("create",),
        source="pulumi/pulumi-eks#311, awsdocs/amazon-eks-user-guide#795",
        judge=_one_zone,
    ),
    Row(
        id="E2",
        title="the zones can host a control plane",
        types=(CLUSTER,),
        operations=("create",),
        source=f"eksctl-io/eksctl#817, {_BC}",
        judge=_wrong_zone,
    ),
    Row(
        id="E3",
        title="the version is one that EKS supports",
        types=(CLUSTER,),
        operations=("create", "update"),
        source="finos/compliant-financial-infrastructure#228",
        judge=_unsupported,
    ),
    Row(
        id="E4",
        title="one minor at a time",
        types=(CLUSTER,),
        operations=("update",),
        source=f"{_MODULE}#2607, {_GUIDE}",
        judge=_two_minors,
    ),
    Row(
        id="E5",
        title="never down",
        types=(CLUSTER,),
        operations=("update",),
        source=f"rancher/rancher#43316, {_BC}",
        judge=_downgrade,
    ),
    Row(
        id="E6",
        title="nodes follow before the control plane goes on",
        types=(CLUSTER,),
        operations=("update",),
        source=f"{_BC} (UpdateClusterVersion), aws/aws-eks-best-practices#476",
        judge=_old_nodes,
    ),
    Row(
        id="E7",
        title="a node release is of the group's minor",
        types=(NODE_GROUP,),
        operations=("create", "update"),
        source="eksctl-io/eksctl#7976",
        judge=_release,
    ),
    Row(
        id="E9",
        title="a cluster goes after its nodes",
        types=(CLUSTER,),
        operations=("delete",),
        source=f"{_BC} (DeleteCluster); public logs",
        judge=_groups_attached,
    ),
    Row(
        id="E10",
        title="a protected cluster stays",
        types=(CLUSTER,),
        operations=("delete",),
        source=_BC,
        judge=_protected,
    ),
    Row(
        id="E11",
        title="authentication modes go one step forward",
        types=(CLUSTER,),
        operations=("update",),
        source=f"pulumi/pulumi-eks#1493, {_GUIDE}",
        judge=_mode_step,
    ),
    Row(
        id="E12",
        title="access entries want an API mode",
        types=(ENTRY, ENTRY_POLICY),
        operations=("create",),
        source=f"{_MODULE}#3048",
        judge=_no_entries,
    ),
    Row(
        id="E13",
        title="a principal is entered once",
        types=(ENTRY,),
        operations=("create",),
        source=f"{_MODULE}#3293 and #2969",
        judge=_entry_twice,
    ),
    Row(
        id="E14",
        title="names of entries are not EKS's own",
        types=(ENTRY,),
        operations=("create", "update"),
        source=f"{_GUIDE}, access entries",
        judge=_entry_terms,
    ),
    Row(
        id="E15",
        title="an entry does not survive its role",
        types=(ROLE,),
        operations=("create",),
        source=f"{_MODULE}#3329",
        judge=_stale_entry,
        kind="warning",
        minutes=1,
    ),
    Row(
        id="E16",
        title="a service account has one pod identity",
        types=(POD_IDENTITY,),
        operations=("create",),
        source=f"{_BC}; awscli's tests",
        judge=_identity_twice,
    ),
    Row(
        id="E17",
        title="an add-on's version fits the cluster's",
        types=(ADDON,),
        operations=("create", "update"),
        source="hashicorp/terraform-provider-aws#33385, marcincuber/eks#10",
        judge=_addon_version,
    ),
    Row(
        id="E18",
        title="an add-on may overwrite what bootstrap installed",
        types=(ADDON,),
        operations=("create",),
        source=f"{_GUIDE}; public logs",
        judge=_addon_conflict,
    ),
    Row(
        id="E19",
        title="configuration values fit the add-on's schema",
        types=(ADDON,),
        operations=("create", "update"),
        source=f"{_BC}; public logs",
        judge=_addon_values,
    ),
    Row(
        id="E20",
        title="DNS, CSI and metrics come after nodes",
        types=(ADDON,),
        operations=("create",),
        source="pulumi/pulumi-eks#1525",
        judge=_addon_without_nodes,
        kind="warning",
        minutes=20,
    ),
    Row(
        id="E21",
        title="disk size stands in the launch template",
        types=(NODE_GROUP,),
        operations=("create", "update"),
        source="crossplane-contrib/provider-upjet-aws#866, pulumi/pulumi-eks#1228",
        judge=_with_template("diskSize", "Disk size must be specified within the launch template."),
    ),
    Row(
        id="E22",
        title="no remote access beside a launch template",
        types=(NODE_GROUP,),
        operations=("create", "update"),
        source=f"{_MODULE}#2219",
        judge=_with_template(
            "remoteAccess",
            "Remote access configuration cannot be specified with a launch template.",
        ),
    ),
    Row(
        id="E23",
        title="instance types stand in one place",
        types=(NODE_GROUP,),
        operations=("create", "update"),
        source=f"{_MODULE}#1386",
        judge=_types_twice,
    ),
    Row(
        id="E24",
        title="a node group's template leaves subnet, profile and shutdown to EKS",
        types=(NODE_GROUP,),
        operations=("create", "update"),
        source=f"{_BC}; public logs",
        judge=_template_terms,
    ),
    Row(
        id="E25",
        title="minimum, desired and maximum are in order",
        types=(NODE_GROUP,),
        operations=("create", "update"),
        source="public logs",
        judge=_scaling,
    ),
    Row(
        id="E26",
        title="nodes reach the API and the registry",
        types=(NODE_GROUP,),
        operations=("create",),
        source=f"{_GUIDE}, {_MODULE}#2572",
        judge=_nodes_never_join,
        kind="warning",
        minutes=15,
    ),
    Row(
        id="E28",
        title="the public endpoint's list holds public blocks",
        types=(CLUSTER,),
        operations=("create", "update"),
        source=f"{_GUIDE}; public logs",
        judge=_public_blocks,
    ),
    Row(
        id="E29",
        title="one endpoint is on",
        types=(CLUSTER,),
        operations=("create", "update"),
        source="public code that quotes it",
        judge=_no_endpoint,
    ),
    Row(
        id="E30",
        title="the service block is private, of a fit size, and not the VPC's",
        types=(CLUSTER,),
        operations=("create",),
        source=_BC,
        judge=_service_block,
    ),
    Row(
        id="E31",
        title="the encryption of secrets stays as it is",
        types=(CLUSTER,),
        operations=("update",),
        source=f"{_GUIDE}, {_BC}",
        judge=_encryption,
    ),
    Row(
        id="E32",
        title="a cluster keeps its VPC and its zones",
        types=(CLUSTER,),
        operations=("update",),
        source=f"{_BC}, {_GUIDE}, network requirements; public logs",
        judge=_moved_subnets,
    ),
    Row(
        id="E33",
        title="an update finds five free addresses per subnet",
        types=(CLUSTER,),
        operations=("update",),
        source=_GUIDE,
        judge=_tight_subnets,
    ),
    Row(
        id="E34",
        title="the log group is there before the cluster and goes after it",
        types=(LOG_GROUP,),
        operations=("create",),
        source=f"{_MODULE}#920",
        judge=_log_group,
    ),
    Row(
        id="E35",
        title="EKS quotas",
        types=(CLUSTER, NODE_GROUP, POD_IDENTITY),
        operations=("create", "update"),
        source=f"{_BC}, {_GUIDE}",
        judge=_quota,
    ),
)
