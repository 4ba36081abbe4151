"""What EKS offers: minors with their end of support, add-on versions, instance types for nodes.

Tables with their sources, and nothing else; what an environment picks from them is in
`settings/cluster.py`. Look a row up again before relying on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

# End of standard support. 1.33 to 1.35: EKS user guide's calendar as kept by aws-samples
# (sample-apex-skills, eks-operation-review, verified 2026-04-24); 1.36: the same calendar as quoted
# by a deployment of 2026-09-16 (`aws eks describe-cluster-versions`). Add a minor here and in
# ADDON_VERSIONS together.
STANDARD_SUPPORT_ENDS: Mapping[str, date] = {
    "1.33": date(2026, 7, 29),
    "1.34": date(2026, 12, 2),
    "1.35": date(2027, 3, 27),
    "1.36": date(2027, 8, 2),
}

# The version of each add-on for each minor (refusal E17). 1.36: what EKS resolved as default on a
# cluster of 2026-09-16 in us-west-2, metrics-server from a later `describe-addon-versions`, EBS CSI
# as declared with 1.36 elsewhere; 1.35: the defaults that `aws eks describe-addon-versions` gave in
# ap-northeast-2 on 2026-08-04; 1.34: as declared in public deployments. Ask that command again
# before an upgrade; `addonVersions` overrides a single row.
ADDON_VERSIONS: Mapping[str, Mapping[str, str]] = {
    "1.34": {
        "vpc-cni": "v1.21.1-eksbuild.1",
        "kube-proxy": "v1.34.1-eksbuild.2",
        "eks-pod-identity-agent": "v1.3.10-eksbuild.2",
        "coredns": "v1.12.4-eksbuild.1",
        "aws-ebs-csi-driver": "v1.54.0-eksbuild.1",
        "metrics-server": "v0.8.0-eksbuild.5",
    },
    "1.35": {
        "vpc-cni": "v1.22.3-eksbuild.1",
        "kube-proxy": "v1.35.3-eksbuild.17",
        "eks-pod-identity-agent": "v1.3.10-eksbuild.3",
        "coredns": "v1.13.2-eksbuild.11",
        "aws-ebs-csi-driver": "v1.63.1-eksbuild.1",
        "metrics-server": "v0.9.0-eksbuild.5",
    },
    "1.36": {
        "vpc-cni": "v1.22.4-eksbuild.3",
        "kube-proxy": "v1.36.0-eksbuild.21",
        "eks-pod-identity-agent": "v1.3.10-eksbuild.3",
        "coredns": "v1.14.3-eksbuild.16",
        "aws-ebs-csi-driver": "v1.63.1-eksbuild.1",
        "metrics-server": "v0.9.0-eksbuild.11",
    },
}


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a node of an instance type offers.

    pods: interfaces x (addresses per interface - 1) + 2, the VPC CNI's limit without prefixes.
    """

    vcpu: int
    memory_gib: int
    pods: int
    arm: bool = False


# Sizes: EC2 user guide, "Specifications for Amazon EC2 instance types" (compute, general purpose);
# pods: amazon-eks-ami, eni-max-pods.txt.
INSTANCE_TYPES: Mapping[str, Machine] = {
    "t3.large": Machine(vcpu=2, memory_gib=8, pods=35),
    "t3.xlarge": Machine(vcpu=4, memory_gib=16, pods=58),
    "c6i.xlarge": Machine(vcpu=4, memory_gib=8, pods=58),
    "c7i.xlarge": Machine(vcpu=4, memory_gib=8, pods=58),
    "c7i.2xlarge": Machine(vcpu=8, memory_gib=16, pods=58),
    "m6i.xlarge": Machine(vcpu=4, memory_gib=16, pods=58),
    "m7i.large": Machine(vcpu=2, memory_gib=8, pods=29),
    "m7i.xlarge": Machine(vcpu=4, memory_gib=16, pods=58),
    "m7i.2xlarge": Machine(vcpu=8, memory_gib=32, pods=58),
    "t4g.large": Machine(vcpu=2, memory_gib=8, pods=35, arm=True),
    "c7g.xlarge": Machine(vcpu=4, memory_gib=8, pods=58, arm=True),
    "c7g.2xlarge": Machine(vcpu=8, memory_gib=16, pods=58, arm=True),
    "m7g.large": Machine(vcpu=2, memory_gib=8, pods=29, arm=True),
    "m7g.xlarge": Machine(vcpu=4, memory_gib=16, pods=58, arm=True),
    "m7g.2xlarge": Machine(vcpu=8, memory_gib=32, pods=58, arm=True),
}


def supported(on: date) -> list[str]:
    """The minors that a cluster may run on that day, oldest first."""
    return [minor for minor in ADDON_VERSIONS if STANDARD_SUPPORT_ENDS[minor] >= on]
