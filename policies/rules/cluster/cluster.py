"""Cluster: who reaches and enters the API server, what it keeps secret and what it records."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from rules.documents import ROLE, said
from rules.kubernetes import Object, judged_objects, types
from rules.model import Item, Props, Rule, Stack, StackRule
from rules.network.reach import WIDEST, wide

CLUSTER = "aws:eks/cluster:Cluster"
ADDON = "aws:eks/addon:Addon"
ENTRY = "aws:eks/accessEntry:AccessEntry"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
CONTROL_PLANE_LOGS = {"api", "audit", "authenticator", "controllerManager", "scheduler"}
# Without these the cluster has no network, no names, no volumes, or pods without identities.
ADDONS = ("vpc-cni", "kube-proxy", "coredns", "aws-ebs-csi-driver", "eks-pod-identity-agent")
# Add-ons that call AWS, and their service accounts (EKS user guide, each add-on's own page).
CALLERS = {"vpc-cni": "aws-node", "aws-ebs-csi-driver": "ebs-csi-controller-sa"}


def _private(props: Props) -> Iterator[str]:
    if not props.at("vpcConfig.endpointPrivateAccess"):
        yield "the API server has no private endpoint: nodes reach it over the internet"


def _restricted(props: Props) -> Iterator[str]:
    if props.at("vpcConfig.endpointPublicAccess", True):
        for block in props.at("vpcConfig.publicAccessCidrs") or ["0.0.0.0/0"]:
            network = ipaddress.ip_network(block, strict=False)
            if network.prefixlen == 0:
                yield "the API server is open to the whole internet"
            elif wide(block):
                widest = WIDEST[network.version]
                yield f"the API server is open to {block}, wider than a /{widest}"


def _encrypted(props: Props) -> Iterator[str]:
    resources = props.at("encryptionConfig.resources") or []
    if "secrets" not in resources or not props.given("encryptionConfig.provider.keyArn"):
        yield "Kubernetes secrets are not encrypted with a key of ours"


def _logged(props: Props) -> Iterator[str]:
    missing = CONTROL_PLANE_LOGS - set(props.at("enabledClusterLogTypes") or [])
    if missing:
        yield f"control-plane logs are off: {', '.join(sorted(missing))}"


def _entries(props: Props) -> Iterator[str]:
    if props.at("accessConfig.authenticationMode") != "API":
        yield "access is not by access entries alone"


def _creator(props: Props) -> Iterator[str]:
    if props.at("accessConfig.bootstrapClusterCreatorAdminPermissions", True):
        yield "whoever creates the cluster stays its administrator"


def _aws_auth(found: Object) -> Iterator[str]:
    if found.name == "aws-auth" and found.namespace == "kube-system":
        yield "who may enter is said in the cluster, where whoever edits it becomes administrator"


def _roles_only(entry: Item, stack: Stack) -> Iterator[str]:
    if stack.sources(entry, "principalArn", ROLE):
        return
    who = str(entry.props.at("principalArn", "")).rpartition(":")[2]
    if who.startswith("user/") or who == "root":
        yield "a user enters the cluster with keys that never expire"
    if "system:masters" in (entry.props.at("kubernetesGroups") or []):
        yield "it is in system:masters, which no policy can limit"


def _upgrades(props: Props) -> Iterator[str]:
    if props.at("upgradePolicy.supportType", "EXTENDED") != "STANDARD":
        yield "the cluster may fall into extended support, at six times its price"


def _addons(cluster: Item, stack: Stack) -> Iterator[str]:
    made = {each.props.at("addonName") for each in stack.parts(ADDON, "clusterName", cluster)}
    missing = [each for each in ADDONS if each not in made]
    if missing:
        yield f"add-ons are not managed: {', '.join(missing)}"


def _pinned(props: Props) -> Iterator[str]:
    if not props.given("addonVersion"):
        yield "its version is whatever EKS takes on the day"


def _network_policy(cluster: Item, stack: Stack) -> Iterator[str]:
    for addon in stack.parts(ADDON, "clusterName", cluster):
        if addon.props.at("addonName") == "vpc-cni":
            values = addon.props.document("configurationValues")
            if str(values.get("enableNetworkPolicy")).lower() == "true":
                return
    yield "network policies are accepted and not enforced"


def _identities(cluster: Item, stack: Stack) -> Iterator[str]:
    served = {
        each.props.at("serviceAccount")
        for each in stack.parts(ASSOCIATION, "clusterName", cluster)
        if each.props.at("namespace") == "kube-system"
    }
    for addon in stack.parts(ADDON, "clusterName", cluster):
        account = CALLERS.get(addon.props.at("addonName"))
        own = account in served or said(addon.props, "serviceAccountRoleArn")
        own = own or said(addon.props, "podIdentityAssociations")
        if account and not own:
            yield f"{addon.props.at('addonName')} calls AWS with the rights of every node"


_EKS = "https://docs.aws.amazon.com/eks/latest"
_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/eks-controls.html"

RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="eks-endpoint-private",
        sentence="Nodes reach the API server inside the network.",
        types=(CLUSTER,),
        severity="high",
        requirements=("CHK-SEC-03", "CHK-SEC-04"),
        controls=("SOC2 CC6.6", "ISO27001 A.8.20"),
        why="Every node would need a way to the internet to stay in the cluster.",
        fix="set vpc_config.endpoint_private_access",
        url=f"{_EKS}/userguide/cluster-endpoint.html",
        evidence=("vpcConfig.endpointPrivateAccess",),
        remedy={"vpcConfig.endpointPrivateAccess": True},
        judge=_private,
    ),
    Rule(
        name="eks-endpoint-restricted",
        sentence="The API server is reached privately, or from named addresses.",
        types=(CLUSTER,),
        severity="critical",
        requirements=("CHK-SEC-04",),
        controls=(*("CIS-EKS 5.4.1", "CHECKOV CKV_AWS_38", "SOC2 CC6.6", "ISO27001 A.8.20"),),
        why="One leaked token or one flaw of the API server would open the cluster to anybody.",
        fix="turn endpoint_public_access off, or name public_access_cidrs",
        url=_HUB,
        evidence=("vpcConfig.endpointPublicAccess", "vpcConfig.publicAccessCidrs"),
        judge=_restricted,
    ),
    Rule(
        name="eks-secrets-encrypted",
        sentence="Kubernetes secrets are encrypted with a key of ours.",
        types=(CLUSTER,),
        severity="high",
        requirements=("SEC-06", "CHK-SEC-02"),
        controls=(
            *("FSBP EKS.3", "CIS-EKS 5.3.1", "CHECKOV CKV_AWS_58", "SOC2 CC6.1"),
            *("ISO27001 A.8.24", "GDPR 32"),
        ),
        why="A copy of the cluster's store would show every password of the application.",
        fix="set encryption_config with resources [secrets] and a key",
        url=f"{_EKS}/userguide/enable-kms.html",
        evidence=("encryptionConfig.resources", "encryptionConfig.provider.keyArn"),
        judge=_encrypted,
    ),
    Rule(
        name="eks-control-plane-logged",
        sentence="All five logs of the control plane are kept.",
        types=(CLUSTER,),
        severity="medium",
        requirements=("AUDIT-03",),
        controls=(
            *("FSBP EKS.8", "CIS-EKS 2.1.1", "CIS-EKS 2.1.2", "CHECKOV CKV_AWS_37"),
            *("SOC2 CC7.2", "ISO27001 A.8.15"),
        ),
        why="Nobody could say who read a secret or deleted a workload.",
        fix=f"set enabled_cluster_log_types to {', '.join(sorted(CONTROL_PLANE_LOGS))}",
        url=f"{_EKS}/userguide/control-plane-logs.html",
        evidence=("enabledClusterLogTypes",),
        remedy={"enabledClusterLogTypes": sorted(CONTROL_PLANE_LOGS)},
        judge=_logged,
    ),
    Rule(
        name="eks-access-entries",
        sentence="Who may enter the cluster is said by access entries alone.",
        types=(CLUSTER,),
        severity="high",
        requirements=("CHK-SEC-04",),
        controls=("CIS-EKS 4.1.7", "CIS-EKS 5.5.1", "SOC2 CC6.2", "ISO27001 A.5.18"),
        why="A map inside the cluster would name administrators whom no review has seen.",
        fix="set access_config.authentication_mode to API",
        url=f"{_EKS}/userguide/access-entries.html",
        evidence=("accessConfig.authenticationMode",),
        judge=_entries,
    ),
    Rule(
        name="eks-no-hidden-administrator",
        sentence="Nobody is the cluster's administrator by having made it.",
        types=(CLUSTER,),
        severity="high",
        requirements=("CHK-SEC-04",),
        controls=("CIS-EKS 4.1.1", "CIS-EKS 4.1.7", "SOC2 CC6.3", "ISO27001 A.8.2"),
        why="A person's account would keep all rights without standing in any list.",
        fix="set access_config.bootstrap_cluster_creator_admin_permissions to false",
        url=f"{_EKS}/userguide/access-entries.html",
        evidence=("accessConfig.bootstrapClusterCreatorAdminPermissions",),
        judge=_creator,
    ),
    Rule(
        name="eks-no-aws-auth",
        sentence="No map of users stands in the cluster.",
        types=types("core/v1:ConfigMap", "core/v1:ConfigMapPatch"),
        severity="high",
        requirements=("CHK-SEC-04",),
        controls=("CIS-EKS 4.1.7", "SOC2 CC6.2", "ISO27001 A.5.18"),
        why="Whoever may edit one object could make himself administrator.",
        fix="use aws.eks.AccessEntry (components/access.py)",
        url=f"{_EKS}/userguide/migrating-access-entries.html",
        evidence=("metadata.namespace", "metadata.name"),
        judge=judged_objects(_aws_auth, "ConfigMap"),
    ),
    StackRule(
        name="eks-access-by-roles",
        sentence="Roles enter the cluster; users do not.",
        types=(ENTRY,),
        severity="high",
        requirements=("CHK-SEC-04",),
        controls=("CIS-EKS 4.1.1", "CIS-EKS 5.5.1", "SOC2 CC6.1", "ISO27001 A.5.16"),
        why="A key in somebody's laptop would open the cluster years later.",
        fix="name a role, and limit it by an access policy",
        url=f"{_EKS}/userguide/access-entries.html",
        evidence=("principalArn", "type", "kubernetesGroups"),
        judge=_roles_only,
    ),
    Rule(
        name="eks-standard-support",
        sentence="The cluster stays in standard support.",
        types=(CLUSTER,),
        severity="medium",
        requirements=("GEN-01",),
        controls=("SOC2 CC7.1", "ISO27001 A.8.8"),
        why="An upgrade that nobody plans is paid for by the hour, and comes in the end anyway.",
        fix="set upgrade_policy.support_type to STANDARD",
        url=f"{_EKS}/userguide/view-upgrade-policy.html",
        evidence=("version", "upgradePolicy.supportType"),
        remedy={"upgradePolicy": {"supportType": "STANDARD"}},
        judge=_upgrades,
    ),
    StackRule(
        name="eks-addons-managed",
        sentence="What every node needs is an add-on that EKS keeps.",
        types=(CLUSTER,),
        severity="medium",
        requirements=("K8S-10",),
        controls=("SOC2 CC7.1", "ISO27001 A.8.9"),
        why="Parts that EKS installs by itself are never patched again.",
        fix=f"add aws.eks.Addon for each of {', '.join(ADDONS)}",
        url=f"{_EKS}/userguide/eks-add-ons.html",
        evidence=("version",),
        judge=_addons,
    ),
    Rule(
        name="eks-addon-pinned",
        sentence="An add-on's version is written down.",
        types=(ADDON,),
        severity="medium",
        requirements=("CICD-07",),
        controls=("SOC2 CC8.1", "ISO27001 A.8.32"),
        why="The same program would deploy another network driver tomorrow, unreviewed.",
        fix="set addon_version",
        url=f"{_EKS}/userguide/updating-an-add-on.html",
        evidence=("addonName", "addonVersion"),
        judge=_pinned,
    ),
    StackRule(
        name="vpc-cni-network-policy",
        sentence="The CNI enforces network policies.",
        types=(CLUSTER,),
        severity="critical",
        requirements=("K8S-10", "CHK-SEC-03"),
        controls=(
            *("CIS-EKS 4.3.1", "CIS-EKS 5.4.4", "CIS-K8S 5.3.1", "SOC2 CC6.6", "ISO27001 A.8.22"),
        ),
        why="Every pod could reach the database, whatever the policies say.",
        fix='give the add-on vpc-cni {"enableNetworkPolicy": "true"}',
        url=f"{_EKS}/userguide/cni-network-policy-configure.html",
        evidence=("name",),
        judge=_network_policy,
    ),
    StackRule(
        name="eks-addons-own-identity",
        sentence="Add-ons that call AWS have identities of their own.",
        types=(CLUSTER,),
        severity="high",
        requirements=("SEC-06", "CHK-SEC-04"),
        controls=("CIS-EKS 5.2.1", "SOC2 CC6.3", "ISO27001 A.8.2"),
        why="Their rights would be every node's, and so any intruder's on a node.",
        fix="add an aws.eks.PodIdentityAssociation for their service account",
        url=f"{_EKS}/userguide/pod-identities.html",
        evidence=("name",),
        judge=_identities,
    ),
)
