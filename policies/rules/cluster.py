"""Cluster: the API server is not open, secrets are encrypted, machines answer only IMDSv2."""

from __future__ import annotations

from collections.abc import Iterator

from rules.model import Props, Rule, StackRule

CONTROL_PLANE_LOGS = {"api", "audit", "authenticator", "controllerManager", "scheduler"}


def _endpoint(props: Props) -> Iterator[str]:
    config = props.at("vpcConfig") or {}
    if not config.get("endpointPrivateAccess"):
        yield "the API server has no private endpoint"
    if config.get("endpointPublicAccess", True):
        open_to = set(config.get("publicAccessCidrs") or ["0.0.0.0/0"])
        if open_to & {"0.0.0.0/0", "::/0"}:
            yield "the API server is open to the whole internet"


def _protected(props: Props) -> Iterator[str]:
    resources = props.at("encryptionConfig.resources") or []
    if "secrets" not in resources:
        yield "Kubernetes secrets are not encrypted with a key of ours"
    missing = CONTROL_PLANE_LOGS - set(props.at("enabledClusterLogTypes") or [])
    if missing:
        yield f"control-plane logs are off: {', '.join(sorted(missing))}"
    if props.at("accessConfig.authenticationMode") != "API":
        yield "access is not by access entries alone"
    if props.at("accessConfig.bootstrapClusterCreatorAdminPermissions", True):
        yield "whoever creates the cluster stays its administrator"


def _template(props: Props) -> Iterator[str]:
    if props.at("metadataOptions.httpTokens") != "required":
        yield "machines answer IMDSv1"
    if int(props.at("metadataOptions.httpPutResponseHopLimit", 2)) > 1:
        yield "pods can reach the machine's metadata (hop limit above 1)"
    disks = props.at("blockDeviceMappings") or []
    if not disks:
        yield "the disk is the image's own, which is not encrypted"
    for index, disk in enumerate(disks):
        if str((disk.get("ebs") or {}).get("encrypted")).lower() != "true":
            yield f"disk {index} is not encrypted"
    for interface in props.at("networkInterfaces") or []:
        if str(interface.get("associatePublicIpAddress")).lower() == "true":
            yield "machines get public addresses"


def _repository(props: Props) -> Iterator[str]:
    if props.at("imageTagMutability") != "IMMUTABLE":
        yield "a tag can be pushed again with other content"
    if not props.at("imageScanningConfiguration.scanOnPush"):
        yield "images are not scanned on push"
    configurations = props.at("encryptionConfigurations") or []
    if not any(c.get("encryptionType") == "KMS" for c in configurations):
        yield "images are not encrypted with a KMS key"


def _cni(props: Props) -> Iterator[str]:
    if props.at("addonName") != "vpc-cni":
        return
    values = props.document("configurationValues")
    if str(values.get("enableNetworkPolicy")).lower() != "true":
        yield "network policies are accepted and not enforced"


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="eks-endpoint-restricted",
        sentence="The API server is reached privately, or from named addresses.",
        types=("aws:eks/cluster:Cluster",),
        severity="critical",
        requirements=("CHK-SEC-04",),
        fix="turn the private endpoint on and name public_access_cidrs",
        judge=_endpoint,
    ),
    Rule(
        name="eks-protected",
        sentence="Secrets are encrypted, the control plane is logged, access is by entries.",
        types=("aws:eks/cluster:Cluster",),
        severity="high",
        requirements=("SEC-06", "AUDIT-03", "CHK-SEC-04"),
        fix="set encryption_config, enabled_cluster_log_types and access_config",
        judge=_protected,
    ),
    Rule(
        name="node-template-hardened",
        sentence="Machines answer only IMDSv2 at one hop and have encrypted disks.",
        types=("aws:ec2/launchTemplate:LaunchTemplate",),
        severity="high",
        requirements=("CHK-INFRA-01",),
        fix="set metadata_options, encrypted block devices and no public address",
        judge=_template,
    ),
    Rule(
        name="vpc-cni-network-policy",
        sentence="The CNI enforces network policies.",
        types=("aws:eks/addon:Addon",),
        severity="critical",
        requirements=("K8S-10", "CHK-SEC-03"),
        fix='give vpc-cni {"enableNetworkPolicy": "true"}',
        judge=_cni,
    ),
    Rule(
        name="ecr-immutable-scanned",
        sentence="Image tags cannot move; images are scanned and encrypted.",
        types=("aws:ecr/repository:Repository",),
        severity="high",
        requirements=("CICD-07", "CHK-SEC-05"),
        fix="set image_tag_mutability, image_scanning_configuration, encryption_configurations",
        judge=_repository,
    ),
)
