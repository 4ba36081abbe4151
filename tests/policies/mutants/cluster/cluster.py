"""A cluster that lets people in, forgets what they did, or falls behind."""

from __future__ import annotations

import json

from tests.policies.mutation import Change, Mutant, add, drop, put, several, unlink, without

_CLUSTER = "aws:eks/cluster:Cluster"
_ADDON = "aws:eks/addon:Addon"
_ENTRY = "aws:eks/accessEntry:AccessEntry"
_ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
_CNI = "cluster-before-nodes-vpc-cni"
_OPEN = "the API server is open to the whole internet"
_NO_KEY = "Kubernetes secrets are not encrypted with a key of ours"
_MAP = "who may enter is said in the cluster, where whoever edits it becomes administrator"
_UNENFORCED = "network policies are accepted and not enforced"
_CREATOR = "whoever creates the cluster stays its administrator"
_EVERY_NODES = "calls AWS with the rights of every node"


def _opened(*blocks: str) -> Change:
    return several(
        put(_CLUSTER, "vpcConfig.endpointPublicAccess", True),
        put(_CLUSTER, "vpcConfig.publicAccessCidrs", list(blocks)),
    )


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="eks-endpoint-private",
        title="over the internet",
        change=put(_CLUSTER, "vpcConfig.endpointPrivateAccess", False),
        says=("the API server has no private endpoint: nodes reach it over the internet",),
    ),
    Mutant(
        rule="eks-endpoint-private",
        title="nothing said",
        change=drop(_CLUSTER, "vpcConfig.endpointPrivateAccess"),
        says=("the API server has no private endpoint: nodes reach it over the internet",),
    ),
    Mutant(
        rule="eks-endpoint-restricted",
        title="AWS's default endpoint",
        change=drop(_CLUSTER, "vpcConfig.endpointPublicAccess"),
        says=(_OPEN,),
    ),
    Mutant(
        rule="eks-endpoint-restricted",
        title="open over IPv4, among others",
        change=_opened("198.51.100.0/24", "0.0.0.0/0"),
        says=(_OPEN,),
    ),
    Mutant(
        rule="eks-endpoint-restricted",
        title="open over IPv6",
        change=_opened("::/0"),
        says=(_OPEN,),
    ),
    Mutant(
        rule="eks-endpoint-restricted",
        title="open in two halves",
        change=_opened("0.0.0.0/1", "128.0.0.0/1"),
        says=(
            "the API server is open to 0.0.0.0/1, wider than a /16",
            "the API server is open to 128.0.0.0/1, wider than a /16",
        ),
    ),
    Mutant(
        rule="eks-secrets-encrypted",
        title="no encryption",
        change=drop(_CLUSTER, "encryptionConfig"),
        says=(_NO_KEY,),
    ),
    Mutant(
        rule="eks-secrets-encrypted",
        title="of something else",
        change=put(_CLUSTER, "encryptionConfig.resources", []),
        says=(_NO_KEY,),
    ),
    Mutant(
        rule="eks-secrets-encrypted",
        title="without a key",
        change=drop(_CLUSTER, "encryptionConfig.provider"),
        says=(_NO_KEY,),
    ),
    Mutant(
        rule="eks-control-plane-logged",
        title="two logs off",
        change=put(
            _CLUSTER, "enabledClusterLogTypes", ["api", "authenticator", "controllerManager"]
        ),
        says=("control-plane logs are off: audit, scheduler",),
    ),
    Mutant(
        rule="eks-control-plane-logged",
        title="no logs",
        change=drop(_CLUSTER, "enabledClusterLogTypes"),
        says=(
            "control-plane logs are off: api, audit, authenticator, controllerManager, scheduler",
        ),
    ),
    Mutant(
        rule="eks-access-entries",
        title="the old map as well",
        change=put(_CLUSTER, "accessConfig.authenticationMode", "API_AND_CONFIG_MAP"),
        says=("access is not by access entries alone",),
    ),
    Mutant(
        rule="eks-access-entries",
        title="AWS's default",
        change=drop(_CLUSTER, "accessConfig"),
        says=("access is not by access entries alone",),
    ),
    Mutant(
        rule="eks-no-hidden-administrator",
        title="the creator stays",
        change=put(_CLUSTER, "accessConfig.bootstrapClusterCreatorAdminPermissions", True),
        says=(_CREATOR,),
    ),
    Mutant(
        rule="eks-no-hidden-administrator",
        title="nothing said of the creator",
        change=drop(_CLUSTER, "accessConfig.bootstrapClusterCreatorAdminPermissions"),
        says=(_CREATOR,),
    ),
    Mutant(
        rule="eks-no-aws-auth",
        title="a map of users",
        change=add(
            "kubernetes:core/v1:ConfigMap",
            "map",
            {"kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"}},
        ),
        says=(_MAP,),
    ),
    Mutant(
        rule="eks-no-aws-auth",
        title="a patch of the map of users",
        change=add(
            "kubernetes:core/v1:ConfigMapPatch",
            "map",
            {"kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"}},
        ),
        says=(_MAP,),
    ),
    Mutant(
        rule="eks-no-aws-auth",
        title="a map of users in a List",
        change=add(
            "kubernetes:v1:List",
            "hidden",
            {
                "kind": "List",
                "items": [
                    {
                        "kind": "ConfigMap",
                        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
                    }
                ],
            },
        ),
        says=(f"ConfigMap aws-auth: {_MAP}",),
    ),
    Mutant(
        rule="eks-access-by-roles",
        title="a user",
        change=put(
            _ENTRY,
            "principalArn",
            "arn:aws:iam::111122223333:user/olga",
            "cluster-access-engineers-entry",
        ),
        says=("a user enters the cluster with keys that never expire",),
        at="cluster-access-engineers-entry",
    ),
    Mutant(
        rule="eks-access-by-roles",
        title="the root user",
        change=put(
            _ENTRY,
            "principalArn",
            "arn:aws:iam::111122223333:root",
            "cluster-access-deployer-entry",
        ),
        says=("a user enters the cluster with keys that never expire",),
    ),
    Mutant(
        rule="eks-access-by-roles",
        title="a group that nothing limits",
        change=put(
            _ENTRY, "kubernetesGroups", ["system:masters"], "cluster-access-engineers-entry"
        ),
        says=("it is in system:masters, which no policy can limit",),
    ),
    Mutant(
        rule="eks-standard-support",
        title="AWS's default",
        change=drop(_CLUSTER, "upgradePolicy"),
        says=("the cluster may fall into extended support, at six times its price",),
    ),
    Mutant(
        rule="eks-standard-support",
        title="extended",
        change=put(_CLUSTER, "upgradePolicy.supportType", "EXTENDED"),
        says=("the cluster may fall into extended support, at six times its price",),
    ),
    Mutant(
        rule="eks-addons-managed",
        title="no names and no volumes",
        change=several(
            without(_ADDON, "cluster-after-nodes-coredns"),
            without(_ADDON, "cluster-after-nodes-aws-ebs-csi-driver"),
        ),
        says=("add-ons are not managed: coredns, aws-ebs-csi-driver",),
        at="cluster-control-plane",
    ),
    Mutant(
        rule="eks-addons-managed",
        title="an add-on of another cluster",
        change=unlink(_ADDON, "clusterName", "cluster-before-nodes-kube-proxy"),
        says=("add-ons are not managed: kube-proxy",),
    ),
    Mutant(
        rule="eks-addon-pinned",
        title="whatever is newest",
        change=drop(_ADDON, "addonVersion", "cluster-after-nodes-coredns"),
        says=("its version is whatever EKS takes on the day",),
    ),
    Mutant(
        rule="vpc-cni-network-policy",
        title="switched off",
        change=put(
            _ADDON, "configurationValues", json.dumps({"enableNetworkPolicy": "false"}), _CNI
        ),
        says=(_UNENFORCED,),
        at="cluster-control-plane",
    ),
    Mutant(
        rule="vpc-cni-network-policy",
        title="AWS's default",
        change=drop(_ADDON, "configurationValues", _CNI),
        says=(_UNENFORCED,),
    ),
    Mutant(
        rule="vpc-cni-network-policy",
        title="a CNI that EKS installs by itself",
        change=without(_ADDON, _CNI),
        says=(_UNENFORCED,),
    ),
    Mutant(
        rule="eks-addons-own-identity",
        title="the CNI with the node's rights",
        change=without(_ASSOCIATION, f"{_CNI}-identity-association"),
        says=(f"vpc-cni {_EVERY_NODES}",),
        at="cluster-control-plane",
    ),
    Mutant(
        rule="eks-addons-own-identity",
        title="an identity in the wrong namespace",
        change=put(
            _ASSOCIATION,
            "namespace",
            "default",
            "cluster-after-nodes-aws-ebs-csi-driver-identity-association",
        ),
        says=(f"aws-ebs-csi-driver {_EVERY_NODES}",),
    ),
)
