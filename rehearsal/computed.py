"""What AWS itself fills in when it makes a resource: ids, ARNs, endpoints, and the like.

One pure function, `computed`, gives the outputs that a resource has beyond its inputs. Shapes
follow the "Attributes" sections of the resources' documentation in the AWS provider; values are
derived from the inputs and a seed, so that the same resource always gets the same ones. The
rehearsal's account and the tests' recorder both use it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# Taken by the resource itself when it has no name of its own to be known by.
_ID_PREFIXES = {
    "aws:ec2/vpc:Vpc": "vpc",
    "aws:ec2/subnet:Subnet": "subnet",
    "aws:ec2/internetGateway:InternetGateway": "igw",
    "aws:ec2/natGateway:NatGateway": "nat",
    "aws:ec2/eip:Eip": "eipalloc",
    "aws:ec2/routeTable:RouteTable": "rtb",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "rtbassoc",
    "aws:ec2/securityGroup:SecurityGroup": "sg",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "vpce",
    "aws:ec2/flowLog:FlowLog": "fl",
    "aws:ec2/launchTemplate:LaunchTemplate": "lt",
    "aws:ec2/networkAcl:NetworkAcl": "acl",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "sgr",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "sgr",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": "a",
    "aws:cloudfront/distribution:Distribution": "E",
    "aws:cloudfront/vpcOrigin:VpcOrigin": "vo",
    "aws:route53/zone:Zone": "Z",
}

# type -> the input that becomes the id, where the service knows the resource by a name.
_ID_INPUTS = {
    "aws:s3/bucket:Bucket": "bucket",
    "aws:iam/role:Role": "name",
    "aws:iam/instanceProfile:InstanceProfile": "name",
    "aws:eks/cluster:Cluster": "name",
    "aws:rds/instance:Instance": "identifier",
    "aws:rds/subnetGroup:SubnetGroup": "name",
    "aws:rds/parameterGroup:ParameterGroup": "name",
    "aws:elasticache/replicationGroup:ReplicationGroup": "replicationGroupId",
    "aws:elasticache/subnetGroup:SubnetGroup": "name",
    "aws:elasticache/parameterGroup:ParameterGroup": "name",
    "aws:elasticache/user:User": "userId",
    "aws:elasticache/userGroup:UserGroup": "userGroupId",
    "aws:cloudwatch/logGroup:LogGroup": "name",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "name",
    "aws:kms/alias:Alias": "name",
    "aws:backup/vault:Vault": "name",
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": "backupVaultName",
    "aws:backup/vaultPolicy:VaultPolicy": "backupVaultName",
    "aws:backup/restoreTestingPlan:RestoreTestingPlan": "name",
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock": "accountId",
    "aws:ecr/repository:Repository": "name",
    "aws:budgets/budget:Budget": "name",
}
# type -> the inputs whose values, joined, are the id.
_ID_JOINS = {
    "aws:eks/nodeGroup:NodeGroup": (":", ("clusterName", "nodeGroupName")),
    "aws:eks/addon:Addon": (":", ("clusterName", "addonName")),
    "aws:eks/accessEntry:AccessEntry": (":", ("clusterName", "principalArn")),
    "aws:route53/record:Record": ("_", ("zoneId", "name", "type")),
    "aws:iam/rolePolicy:RolePolicy": (":", ("role", "name")),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ("/", ("role", "policyArn")),
}
# resources whose id is another resource's: they are settings of it.
_ID_OF_OWNER = {
    "aws:s3/bucketVersioning:BucketVersioning": "bucket",
    "aws:s3/bucketPolicy:BucketPolicy": "bucket",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "bucket",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "bucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "bucket",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "bucket"
    ),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": "bucket",
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": "bucket",
    "aws:s3/bucketLogging:BucketLogging": "bucket",
}
# Settings of something else: there is one for each value of these inputs (in a region). Making a
# second one writes over the first, and deleting either leaves none: the call names these inputs and
# nothing of the setting's own. (The provider's Create and Delete of each type.)
SETTINGS: Mapping[str, tuple[str, ...]] = {
    **{type_: (owner,) for type_, owner in _ID_OF_OWNER.items()},
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": ("backupVaultName",),
    "aws:backup/vaultPolicy:VaultPolicy": ("backupVaultName",),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": ("policyName",),
    "aws:costexplorer/costAllocationTag:CostAllocationTag": ("tagKey",),
    "aws:ebs/encryptionByDefault:EncryptionByDefault": (),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ("vpcId",),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": ("repository",),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": (
        "clusterName",
        "principalArn",
        "policyArn",
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ("role", "policyArn"),
    "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication": (
        "sourceDbInstanceArn",
    ),
    "aws:route53/hostedZoneDnsSec:HostedZoneDnsSec": ("hostedZoneId",),
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock": ("accountId",),
    "aws:sns/topicPolicy:TopicPolicy": ("arn",),
    "aws:wafv2/webAclAssociation:WebAclAssociation": ("resourceArn",),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": ("resourceArn",),
}
# the id is the ARN itself
_ID_IS_ARN = {
    "aws:iam/policy:Policy",
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:lb/targetGroup:TargetGroup",
    "aws:lb/listener:Listener",
    "aws:lb/listenerRule:ListenerRule",
    "aws:acm/certificate:Certificate",
    "aws:sns/topic:Topic",
    "aws:sns/topicSubscription:TopicSubscription",
    "aws:secretsmanager/secret:Secret",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    "aws:cloudtrail/trail:Trail",
}
# service and resource part of the ARN; {id}, {name} and inputs may be used. Global services
# have no region in their ARNs.
_ARNS = {
    "aws:s3/bucket:Bucket": "arn:{partition}:s3:::{id}",
    "aws:iam/role:Role": "arn:{partition}:iam::{account}:role/{id}",
    "aws:iam/policy:Policy": "arn:{partition}:iam::{account}:policy/{name}",
    "aws:iam/instanceProfile:InstanceProfile": (
        "arn:{partition}:iam::{account}:instance-profile/{id}"
    ),
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": (
        "arn:{partition}:iam::{account}:role/aws-service-role/{awsServiceName}/{name}"
    ),
    "aws:kms/key:Key": "arn:{partition}:kms:{region}:{account}:key/{id}",
    "aws:kms/replicaKey:ReplicaKey": "arn:{partition}:kms:{region}:{account}:key/{id}",
    "aws:kms/alias:Alias": "arn:{partition}:kms:{region}:{account}:{id}",
    "aws:rds/instance:Instance": "arn:{partition}:rds:{region}:{account}:db:{id}",
    "aws:rds/parameterGroup:ParameterGroup": "arn:{partition}:rds:{region}:{account}:pg:{id}",
    "aws:rds/subnetGroup:SubnetGroup": "arn:{partition}:rds:{region}:{account}:subgrp:{id}",
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        "arn:{partition}:elasticache:{region}:{account}:replicationgroup:{id}"
    ),
    "aws:cloudwatch/logGroup:LogGroup": "arn:{partition}:logs:{region}:{account}:log-group:{id}",
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        "arn:{partition}:cloudwatch:{region}:{account}:alarm:{id}"
    ),
    "aws:sns/topic:Topic": "arn:{partition}:sns:{region}:{account}:{name}",
    "aws:sns/topicSubscription:TopicSubscription": "{topic}:{uuid}",
    "aws:secretsmanager/secret:Secret": (
        "arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-{hash6}"
    ),
    "aws:eks/cluster:Cluster": "arn:{partition}:eks:{region}:{account}:cluster/{id}",
    "aws:lb/loadBalancer:LoadBalancer": (
        "arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}/{hash16}"
    ),
    "aws:lb/targetGroup:TargetGroup": (
        "arn:{partition}:elasticloadbalancing:{region}:{account}:targetgroup/{name}/{hash16}"
    ),
    "aws:lb/listener:Listener": (
        "arn:{partition}:elasticloadbalancing:{region}:{account}:listener/app/{name}/{hash16}/"
        "{hash16}"
    ),
    "aws:lb/listenerRule:ListenerRule": (
        "arn:{partition}:elasticloadbalancing:{region}:{account}:listener-rule/app/{name}/"
        "{hash16}/{hash16}/{hash16}"
    ),
    "aws:acm/certificate:Certificate": "arn:{partition}:acm:{region}:{account}:certificate/{uuid}",
    "aws:wafv2/webAcl:WebAcl": (
        "arn:{partition}:wafv2:{region}:{account}:{wafScope}/webacl/{name}/{uuid}"
    ),
    "aws:wafv2/ipSet:IpSet": (
        "arn:{partition}:wafv2:{region}:{account}:{wafScope}/ipset/{name}/{uuid}"
    ),
    "aws:cloudfront/distribution:Distribution": (
        "arn:{partition}:cloudfront::{account}:distribution/{id}"
    ),
    "aws:cloudfront/vpcOrigin:VpcOrigin": "arn:{partition}:cloudfront::{account}:vpcorigin/{id}",
    "aws:backup/vault:Vault": "arn:{partition}:backup:{region}:{account}:backup-vault:{id}",
    "aws:backup/plan:Plan": "arn:{partition}:backup:{region}:{account}:backup-plan:{uuid}",
    "aws:ecr/repository:Repository": "arn:{partition}:ecr:{region}:{account}:repository/{id}",
    "aws:cloudtrail/trail:Trail": "arn:{partition}:cloudtrail:{region}:{account}:trail/{name}",
    "aws:guardduty/detector:Detector": (
        "arn:{partition}:guardduty:{region}:{account}:detector/{id}"
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": (
        "arn:{partition}:iam::{account}:oidc-provider/{urlHost}"
    ),
    "aws:route53/zone:Zone": "arn:{partition}:route53:::hostedzone/{id}",
    "aws:ec2/eip:Eip": "arn:{partition}:ec2:{region}:{account}:elastic-ip/{id}",
}

# type -> input -> what AWS adds inside it: a preview must not take the input for the whole output.
WITHIN: dict[str, dict[str, tuple[str, ...]]] = {
    "aws:eks/cluster:Cluster": {"vpcConfig": ("clusterSecurityGroupId", "vpcId")},
}


@dataclass(frozen=True, kw_only=True)
class Made:
    """A resource as AWS has made it: its id and the outputs beyond its inputs."""

    id: str
    outputs: dict[str, Any]


def computed(
    type_: str,
    name: str,
    inputs: Mapping[str, Any],
    *,
    account_id: str,
    region: str,
    seed: str = "",
) -> Made:
    """The id and computed outputs of a new resource.

    type_: the Pulumi token, "aws:ec2/vpc:Vpc". name: the logical or physical name, used where the
    inputs have none. inputs: checked inputs in camelCase, all known. seed: tells two resources with
    equal inputs apart.
    """
    region = str(inputs.get("region") or region)
    facts = _Facts(type_, name, inputs, account_id, region, seed)
    id_ = facts.id()
    outputs: dict[str, Any] = {"region": region, "arn": facts.arn()}
    extra = _EXTRAS.get(type_)
    if extra is not None:
        outputs.update(extra(facts))
    if "tags" in inputs or type_.startswith("aws:"):
        outputs["tagsAll"] = dict(inputs.get("tags") or {})
    if type_ in _ID_IS_ARN:
        id_ = outputs["arn"]
    return Made(id=id_, outputs=outputs)


class _Facts:
    def __init__(
        self,
        type_: str,
        name: str,
        inputs: Mapping[str, Any],
        account: str,
        region: str,
        seed: str,
    ) -> None:
        self.type = type_
        self.inputs = inputs
        self.account = account
        self.region = region
        self.partition = _partition(region)
        self.logical = name
        self.digest = hashlib.sha256(f"{type_}|{name}|{seed}".encode()).hexdigest()

    @property
    def service(self) -> str:
        return self.type.split(":")[1].split("/")[0]

    @property
    def name(self) -> str:
        return str(self.inputs.get("name") or self.logical)

    @property
    def uuid(self) -> str:
        d = self.digest
        return f"{d[:8]}-{d[8:12]}-4{d[13:16]}-a{d[17:20]}-{d[20:32]}"

    def id(self) -> str:
        if self.type in _ID_INPUTS:
            return str(self.inputs.get(_ID_INPUTS[self.type]) or self.logical)
        if self.type in _ID_OF_OWNER:
            return str(self.inputs.get(_ID_OF_OWNER[self.type]))
        if self.type in _ID_JOINS:
            joint, parts = _ID_JOINS[self.type]
            return joint.join(str(self.inputs.get(part) or self.logical) for part in parts)
        if self.type in ("aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey"):
            return self.uuid
        prefix = _ID_PREFIXES.get(self.type)
        if prefix in ("E", "Z"):
            return prefix + self.digest[:13].upper()
        if prefix == "vo":
            return f"vo_{self.digest[:22]}"
        return f"{prefix or self.service}-{self.digest[:17]}"

    def arn(self) -> str:
        template = _ARNS.get(self.type, "arn:{partition}:{service}:{region}:{account}:{kind}/{id}")
        scope = "global" if self.inputs.get("scope") == "CLOUDFRONT" else "regional"
        values = {
            **{k: v for k, v in self.inputs.items() if isinstance(v, str)},
            "partition": self.partition,
            "service": self.service,
            "region": self.region,
            "account": self.account,
            "kind": _kebab(self.type.rsplit(":", 1)[1]),
            "id": "" if self.type in _ID_IS_ARN else self.id(),
            "name": self.name,
            "hash6": self.digest[:6],
            "hash16": self.digest[:16],
            "uuid": self.uuid,
            "wafScope": scope,
            "urlHost": str(self.inputs.get("url", "")).removeprefix("https://"),
        }
        return template.format_map(_Blank(values))


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return self.get("hash16", "")


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def _kebab(camel: str) -> str:
    return "".join("-" + c.lower() if c.isupper() else c for c in camel).lstrip("-")


def _vpc(f: _Facts) -> dict[str, Any]:
    return {
        "defaultSecurityGroupId": f"sg-{f.digest[:17]}",
        "defaultNetworkAclId": f"acl-{f.digest[:17]}",
        "defaultRouteTableId": f"rtb-{f.digest[:17]}",
        "mainRouteTableId": f"rtb-{f.digest[:17]}",
        "ownerId": f.account,
    }


def _cluster(f: _Facts) -> dict[str, Any]:
    endpoint = f"https://{f.digest[:32].upper()}.gr7.{f.region}.eks.amazonaws.com"
    issuer = f"https://oidc.eks.{f.region}.amazonaws.com/id/{f.digest[:32].upper()}"
    authority = base64.b64encode(f"authority of {f.digest[:16]}".encode()).decode()
    vpc_config = dict(f.inputs.get("vpcConfig") or {})
    vpc_config |= {
        "clusterSecurityGroupId": f"sg-{f.digest[:17]}",
        "vpcId": f"vpc-{f.digest[:17]}",
    }
    return {
        "endpoint": endpoint,
        "certificateAuthority": {"data": authority},
        "certificateAuthorities": [{"data": authority}],
        "identities": [{"oidcs": [{"issuer": issuer}]}],
        "platformVersion": "eks.1",
        "status": "ACTIVE",
        "vpcConfig": vpc_config,
        "clusterId": f.uuid,
    }


def _instance(f: _Facts) -> dict[str, Any]:
    address = f"{f.id()}.c{f.digest[:11]}.{f.region}.rds.amazonaws.com"
    port = int(f.inputs.get("port") or 5432)
    outputs: dict[str, Any] = {
        "address": address,
        "endpoint": f"{address}:{port}",
        "port": port,
        "hostedZoneId": "Z" + f.digest[:13].upper(),
        "resourceId": "db-" + f.digest[:26].upper(),
        "status": "available",
        "engineVersionActual": f.inputs.get("engineVersion", ""),
    }
    if f.inputs.get("manageMasterUserPassword"):
        name = f"rds!db-{f.uuid}-{f.digest[:6]}"
        arn = f"arn:{f.partition}:secretsmanager:{f.region}:{f.account}:secret:{name}"
        outputs["masterUserSecrets"] = [
            {
                "secretArn": arn,
                "kmsKeyId": f.inputs.get("masterUserSecretKmsKeyId", ""),
                "secretStatus": "active",
            }
        ]
    return outputs


def _replication_group(f: _Facts) -> dict[str, Any]:
    group = f.id()
    tail = f"{f.digest[:6]}.{f.region}.cache.amazonaws.com"
    count = int(f.inputs.get("numCacheClusters") or 1)
    return {
        "primaryEndpointAddress": f"master.{group}.{tail}",
        "readerEndpointAddress": f"replica.{group}.{tail}",
        "memberClusters": [f"{group}-{i:03d}" for i in range(1, count + 1)],
        "port": int(f.inputs.get("port") or 6379),
        "engineVersionActual": f.inputs.get("engineVersion", ""),
        "clusterEnabled": False,
    }


def _certificate(f: _Facts) -> dict[str, Any]:
    names = [str(f.inputs["domainName"]), *map(str, f.inputs.get("subjectAlternativeNames") or [])]
    return {
        "domainValidationOptions": [
            {
                "domainName": n,
                "resourceRecordName": f"_{_hash(n)[:32]}.{n.removeprefix('*.')}.",
                "resourceRecordType": "CNAME",
                "resourceRecordValue": f"_{_hash(n + f.account)[:32]}.acm-validations.aws.",
            }
            for n in dict.fromkeys(names)
        ],
        "status": "PENDING_VALIDATION",
        "notAfter": "2027-12-21T23:59:59Z",
        "notBefore": "2026-11-21T00:00:00Z",
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


_EXTRAS: dict[str, Callable[[_Facts], dict[str, Any]]] = {
    "aws:ec2/vpc:Vpc": _vpc,
    "aws:ec2/eip:Eip": lambda f: {
        "allocationId": f.id(),
        "publicIp": f"203.0.113.{int(f.digest[:2], 16) % 254 + 1}",
    },
    "aws:ec2/natGateway:NatGateway": lambda f: {
        "publicIp": f"203.0.113.{int(f.digest[:2], 16) % 254 + 1}"
    },
    "aws:ec2/securityGroup:SecurityGroup": lambda f: {"ownerId": f.account},
    "aws:ec2/launchTemplate:LaunchTemplate": lambda f: {"latestVersion": 1, "defaultVersion": 1},
    "aws:ec2/vpcEndpoint:VpcEndpoint": lambda f: {
        "dnsEntries": [],
        "networkInterfaceIds": [],
        "prefixListId": f"pl-{f.digest[:8]}",
        "state": "available",
    },
    "aws:kms/key:Key": lambda f: {"keyId": f.uuid},
    "aws:kms/replicaKey:ReplicaKey": lambda f: {"keyId": f.uuid},
    "aws:kms/alias:Alias": lambda f: {
        "targetKeyArn": (
            f"arn:{f.partition}:kms:{f.region}:{f.account}:key/{f.inputs.get('targetKeyId')}"
        )
    },
    "aws:iam/role:Role": lambda f: {
        "uniqueId": "AROA" + f.digest[:17].upper(),
        "createDate": "2026-11-21T00:00:00Z",
    },
    "aws:iam/policy:Policy": lambda f: {"policyId": "ANPA" + f.digest[:17].upper()},
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": lambda f: {
        "uniqueId": "AROA" + f.digest[:17].upper()
    },
    "aws:eks/cluster:Cluster": _cluster,
    "aws:eks/nodeGroup:NodeGroup": lambda f: {
        "status": "ACTIVE",
        "resources": [
            {
                "autoscalingGroups": [{"name": f"eks-{f.name}-{f.uuid}"}],
                "remoteAccessSecurityGroupId": "",
            }
        ],
    },
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": lambda f: {
        "associationId": f.id(),
        "associationArn": (
            f"arn:{f.partition}:eks:{f.region}:{f.account}:podidentityassociation/"
            f"{f.inputs.get('clusterName')}/{f.id()}"
        ),
    },
    "aws:rds/instance:Instance": _instance,
    "aws:elasticache/replicationGroup:ReplicationGroup": _replication_group,
    "aws:s3/bucket:Bucket": lambda f: {
        "bucketDomainName": f"{f.id()}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{f.id()}.s3.{f.region}.amazonaws.com",
        "hostedZoneId": "Z3BJ6K6RIION7M",
    },
    "aws:lb/loadBalancer:LoadBalancer": lambda f: {
        "dnsName": f"internal-{f.name}-{int(f.digest[:8], 16)}.{f.region}.elb.amazonaws.com",
        "zoneId": "Z215JYRZR1TBD5",
        "arnSuffix": f"app/{f.name}/{f.digest[:16]}",
    },
    "aws:lb/targetGroup:TargetGroup": lambda f: {
        "arnSuffix": f"targetgroup/{f.name}/{f.digest[:16]}"
    },
    "aws:acm/certificate:Certificate": _certificate,
    "aws:acm/certificateValidation:CertificateValidation": lambda f: {},
    "aws:route53/zone:Zone": lambda f: {
        "zoneId": f.id(),
        "nameServers": [f"ns-{i}.awsdns-{i:02d}.org" for i in (1, 2, 3, 4)],
        "primaryNameServer": "ns-1.awsdns-01.org",
    },
    "aws:route53/record:Record": lambda f: {"fqdn": str(f.inputs.get("name", "")).rstrip(".")},
    "aws:cloudfront/distribution:Distribution": lambda f: {
        "domainName": f"d{f.digest[:13]}.cloudfront.net",
        "hostedZoneId": "Z2FDTNDATAQYW2",
        "status": "Deployed",
        "etag": "E" + f.digest[:12].upper(),
    },
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": lambda f: {"etag": "E1"},
    "aws:wafv2/webAcl:WebAcl": lambda f: {"capacity": 0, "lockToken": f.uuid},
    "aws:ecr/repository:Repository": lambda f: {
        "repositoryUrl": f"{f.account}.dkr.ecr.{f.region}.amazonaws.com/{f.id()}",
        "registryId": f.account,
    },
    "aws:secretsmanager/secretVersion:SecretVersion": lambda f: {"versionId": f.uuid},
    "aws:sns/topic:Topic": lambda f: {"owner": f.account},
    "aws:backup/plan:Plan": lambda f: {"version": f.uuid},
    "aws:guardduty/detector:Detector": lambda f: {"accountId": f.account},
}
