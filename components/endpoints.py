"""Ways from the network to AWS services that never leave it.

Here live the S3 gateway, the interface endpoints and their one security group; which services get
one is the environment's choice. Meets the endpoint half of the network row, K8S-09 (AWS APIs inside
the network) and CHK-SEC-03 (nobody outside the VPC reaches them); refusals N14, N15, N16, N17, N19.

Refused: one security group per service (thirteen groups that say the same); an endpoint policy on
S3 (image layers come from buckets of AWS's own accounts, whose names differ by region); gateway
endpoints on the public table (nothing in the public subnets reads S3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.context import Context

HTTPS = 443


def service_name(region: str, service: str) -> str:
    """The name that EC2 knows a service's endpoint by."""
    return f"com.amazonaws.{region}.{service}"


@dataclass(frozen=True, kw_only=True)
class EndpointsArgs:
    """vpc: has DNS support and hostnames on, or private DNS is refused (N17).

    subnet_ids: where the interface endpoints stand, one subnet per zone.
    route_table_ids: each by its subnet layer and zone; S3's routes go there.
    services: none gives the S3 gateway alone.
    """

    context: Context
    vpc: aws.ec2.Vpc
    cidr: str
    subnet_ids: Sequence[pulumi.Input[str]]
    route_table_ids: Sequence[pulumi.Input[str]]
    services: tuple[str, ...]


class Endpoints(pulumi.ComponentResource):
    """security_group_id is None where there is no interface endpoint."""

    security_group_id: pulumi.Output[str] | None
    all: list[pulumi.Resource]

    def __init__(
        self, name: str, args: EndpointsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Endpoints", name, None, opts)
        self._name = name
        self._args = args
        self._here = pulumi.ResourceOptions(parent=self)

        self.all = [self._s3()]
        self.security_group_id = None
        if args.services:
            group = self._security_group()
            self.all += [self._interface(service, group) for service in args.services]
            self.security_group_id = group.id
        self.register_outputs({"securityGroupId": self.security_group_id})

    def _s3(self) -> aws.ec2.VpcEndpoint:
        context = self._args.context
        return aws.ec2.VpcEndpoint(
            f"{self._name}-s3",
            vpc_id=self._args.vpc.id,
            service_name=service_name(context.region, "s3"),
            vpc_endpoint_type="Gateway",
            route_table_ids=self._args.route_table_ids,
            tags={"Name": context.name("s3")},
            opts=self._here,
        )

    def _security_group(self) -> aws.ec2.SecurityGroup:
        """HTTPS in from the VPC, nothing out: endpoints answer, they never call."""
        group = aws.ec2.SecurityGroup(
            self._name,
            description="AWS service endpoints: HTTPS from inside the network",
            vpc_id=self._args.vpc.id,
            tags={"Name": self._args.context.name("endpoints")},
            opts=self._here,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-https",
            description="HTTPS from the network",
            security_group_id=group.id,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            cidr_ipv4=self._args.cidr,
            opts=self._here,
        )
        return group

    def _interface(self, service: str, group: aws.ec2.SecurityGroup) -> aws.ec2.VpcEndpoint:
        context = self._args.context
        return aws.ec2.VpcEndpoint(
            f"{self._name}-{service.replace('.', '-')}",
            vpc_id=self._args.vpc.id,
            service_name=service_name(context.region, service),
            vpc_endpoint_type="Interface",
            # The service's ordinary name then leads here: no client has to be told (N16, N17).
            private_dns_enabled=True,
            subnet_ids=self._args.subnet_ids,
            security_group_ids=[group.id],
            tags={"Name": context.name(service.replace(".", "-"))},
            # A second endpoint of the service with private DNS is refused while the first is
            # there (N16).
            opts=pulumi.ResourceOptions.merge(
                self._here, pulumi.ResourceOptions(delete_before_replace=True)
            ),
        )
