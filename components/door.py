"""The security group of a store: in from the nodes on one port, nothing out.

Meets CHK-SEC-03 and K8S-06, K8S-07: the rule of last resort behind the network policies. The nodes'
group exists before the cluster, so no store waits for the cluster.
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.cluster import Cluster
from components.network import Network


def door(
    name: str,
    *,
    store: str,
    visitors: str,
    port: int,
    network: Network,
    cluster: Cluster,
    opts: pulumi.ResourceOptions,
) -> aws.ec2.SecurityGroup:
    """A group that admits the cluster's nodes on `port`. store, visitors: for its descriptions.

    EC2 takes no apostrophe in a description (its schema's pattern).
    """
    group = aws.ec2.SecurityGroup(
        f"{name}-door",
        vpc_id=network.vpc_id,
        description=f"{store}: in from the nodes of the cluster only",
        opts=opts,
    )
    aws.vpc.SecurityGroupIngressRule(
        f"{name}-from-nodes",
        security_group_id=group.id,
        referenced_security_group_id=cluster.nodes_security_group_id,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        description=f"{visitors} on the nodes",
        opts=opts,
    )
    return group
