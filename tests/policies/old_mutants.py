"""One happy example per type, built once, and for every rule the ways to break it, one at a time.

The tests run them; so may anything that asks which rule guards a requirement and whether that rule
has ever said no. A mutant changes exactly one thing of a happy example.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rules.model import Item, Props

ACCOUNT = "111122223333"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/0b0e2f9e-7b1c-4c0e-a0a1-2f6d6a1c9e55"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/arches-prod-deploy"
BUCKET_ARN = "arn:aws:s3:::arches-prod-dumps"

REMOVED = object()  # a mutant's value for "this property is not given at all"


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)


_ROOT = {
    "Effect": "Allow",
    "Action": ["kms:*"],
    "Resource": "*",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
}
_FOR_CALLERS_OF_OURS = {
    "Effect": "Allow",
    "Action": ["kms:Decrypt", "kms:Encrypt"],
    "Resource": "*",
    "Principal": {"AWS": "*"},
    "Condition": {
        "StringEquals": {
            "kms:CallerAccount": ACCOUNT,
            "kms:ViaService": ["rds.eu-central-1.amazonaws.com"],
        }
    },
}
_FOR_AUTO_SCALING = {
    **_FOR_CALLERS_OF_OURS,
    "Condition": {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/scaling"}},
}
_ONLY_TLS = {
    "Effect": "Deny",
    "Action": ["s3:*"],
    "Resource": [BUCKET_ARN, f"{BUCKET_ARN}/*"],
    "Principal": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
_READ_DUMPS = {
    "Effect": "Allow",
    "Action": ["s3:GetObject", "s3:ListBucket"],
    "Resource": [BUCKET_ARN, f"{BUCKET_ARN}/*"],
}
_POD_TRUST = {
    "Effect": "Allow",
    "Action": ["sts:AssumeRole", "sts:TagSession"],
    "Principal": {"Service": "pods.eks.amazonaws.com"},
}


def _github(conditions: Mapping[str, Any] | None) -> dict[str, Any]:
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
    trust: dict[str, Any] = {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": provider},
    }
    return trust | ({"Condition": dict(conditions)} if conditions else {})


_AUDIENCE = {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}
_SUBJECT = {
    "token.actions.githubusercontent.com:sub": "repo:arches/infrastructure:environment:prod"
}

_BEHAVIOUR = {"viewerProtocolPolicy": "redirect-to-https", "responseHeadersPolicyId": "headers"}

# type -> {what it is: properties}; the first one is what mutants start from unless they say else
HAPPY: dict[str, dict[str, dict[str, Any]]] = {
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {
        "from our network": {
            "securityGroupId": "sg-0aa",
            "cidrIpv4": "10.20.0.0/16",
            "ipProtocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
        },
        "from a group": {
            "securityGroupId": "sg-0aa",
            "referencedSecurityGroupId": "sg-0bb",
            "ipProtocol": "-1",
        },
    },
    "aws:ec2/securityGroup:SecurityGroup": {
        "without rules": {"description": "the database", "vpcId": "vpc-0aa"}
    },
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": {"emptied": {"vpcId": "vpc-0aa"}},
    "aws:ec2/subnet:Subnet": {
        "private": {"cidrBlock": "10.20.0.0/20", "mapPublicIpOnLaunch": False}
    },
    "aws:lb/loadBalancer:LoadBalancer": {
        "internal": {
            "internal": True,
            "dropInvalidHeaderFields": True,
            "accessLogs": {"bucket": "logs", "enabled": True},
        }
    },
    "aws:lb/listener:Listener": {
        "HTTPS": {
            "port": 443,
            "protocol": "HTTPS",
            "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
            "defaultActions": [{"type": "forward"}],
        },
        "HTTP that redirects": {
            "port": 80,
            "protocol": "HTTP",
            "defaultActions": [
                {"type": "redirect", "redirect": {"protocol": "HTTPS", "statusCode": "HTTP_301"}}
            ],
        },
    },
    "aws:cloudfront/distribution:Distribution": {
        "behind the firewall": {
            "viewerCertificate": {"minimumProtocolVersion": "TLSv1.2_2021"},
            "defaultCacheBehavior": _BEHAVIOUR,
            "orderedCacheBehaviors": [{"pathPattern": "/static/*", **_BEHAVIOUR}],
            "webAclId": "acl",
        }
    },
    "aws:wafv2/webAcl:WebAcl": {
        "rate and managed groups": {
            "rules": [
                {"name": "rate", "statement": {"rateBasedStatement": {"limit": 1000}}},
                {"name": "core", "statement": {"managedRuleGroupStatement": {"name": "Core"}}},
            ]
        }
    },
    "aws:eks/cluster:Cluster": {
        "private": {
            "vpcConfig": {
                "endpointPrivateAccess": True,
                "endpointPublicAccess": True,
                "publicAccessCidrs": ["198.51.100.0/24"],
            },
            "encryptionConfig": {"resources": ["secrets"], "provider": {"keyArn": KEY}},
            "enabledClusterLogTypes": [
                "api", "audit", "authenticator", "controllerManager", "scheduler",
            ],
            "accessConfig": {
                "authenticationMode": "API",
                "bootstrapClusterCreatorAdminPermissions": False,
            },
            "deletionProtection": True,
        }
    },
    "aws:ec2/launchTemplate:LaunchTemplate": {
        "hardened": {
            "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
            "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"encrypted": "true"}}],
            "networkInterfaces": [{"associatePublicIpAddress": "false"}],
        }
    },
    "aws:eks/addon:Addon": {
        "the CNI": {
            "addonName": "vpc-cni",
            "configurationValues": json.dumps({"enableNetworkPolicy": "true"}),
        },
        "any other": {"addonName": "coredns"},
    },
    "aws:ecr/repository:Repository": {
        "immutable": {
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": True},
            "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": KEY}],
        }
    },
    "aws:iam/policy:Policy": {"reads dumps": {"policy": document(_READ_DUMPS)}},
    "aws:iam/rolePolicy:RolePolicy": {
        "reads dumps": {"policy": document(_READ_DUMPS)},
        "refuses everything": {
            "policy": document({"Effect": "Deny", "Action": "*", "Resource": "*"})
        },
    },
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {
        "one purpose": {"policyArn": "arn:aws:iam::aws:policy/AmazonEKSWorkerNodeMinimalPolicy"}
    },
    "aws:iam/role:Role": {
        "of a workload": {"assumeRolePolicy": document(_POD_TRUST)},
        "of a workflow": {
            "assumeRolePolicy": document(_github({"StringEquals": {**_AUDIENCE, **_SUBJECT}}))
        },
    },
    "aws:kms/key:Key": {
        "of the account": {"enableKeyRotation": True, "policy": document(_ROOT)},
        "through a service": {
            "enableKeyRotation": True,
            "policy": document(_ROOT, _FOR_CALLERS_OF_OURS),
        },
        "for a role that may not exist yet": {
            "enableKeyRotation": True,
            "policy": document(_ROOT, _FOR_AUTO_SCALING),
        },
        "that signs, which KMS cannot rotate": {
            "keyUsage": "SIGN_VERIFY",
            "customerMasterKeySpec": "ECC_NIST_P256",
            "policy": document(_ROOT),
        },
    },
    "aws:rds/instance:Instance": {
        "private": {
            "storageEncrypted": True,
            "kmsKeyId": KEY,
            "publiclyAccessible": False,
            "manageMasterUserPassword": True,
            "enabledCloudwatchLogsExports": ["postgresql", "upgrade"],
            "performanceInsightsEnabled": True,
            "performanceInsightsKmsKeyId": KEY,
            "deletionProtection": True,
            "skipFinalSnapshot": False,
            "finalSnapshotIdentifier": "arches-prod-final",
            "deleteAutomatedBackups": False,
            "backupRetentionPeriod": 30,
            "multiAz": True,
        }
    },
    "aws:rds/parameterGroup:ParameterGroup": {
        "TLS and SCRAM": {
            "parameters": [
                {"name": "rds.force_ssl", "value": "1"},
                {"name": "password_encryption", "value": "scram-sha-256"},
            ]
        }
    },
    "aws:elasticache/replicationGroup:ReplicationGroup": {
        "encrypted": {
            "atRestEncryptionEnabled": True,
            "kmsKeyId": KEY,
            "transitEncryptionEnabled": True,
            "authToken": "a token",
            "multiAzEnabled": True,
            "automaticFailoverEnabled": True,
            "finalSnapshotIdentifier": "arches-prod-final",
            "snapshotRetentionLimit": 7,
        },
    },
    "aws:secretsmanager/secret:Secret": {"with our key": {"kmsKeyId": KEY}},
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {
        "whole": {
            "bucket": "dumps",
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        }
    },
    "aws:s3/bucketPolicy:BucketPolicy": {
        "TLS only": {"bucket": "dumps", "policy": document(_ONLY_TLS)}
    },
    "aws:backup/vault:Vault": {"with our key": {"kmsKeyArn": KEY}},
    "aws:cloudwatch/logGroup:LogGroup": {"kept a year": {"retentionInDays": 365, "kmsKeyId": KEY}},
    "aws:sns/topic:Topic": {"with our key": {"kmsMasterKeyId": KEY}},
    "aws:cloudtrail/trail:Trail": {
        "everywhere": {
            "isMultiRegionTrail": True,
            "enableLogFileValidation": True,
            "kmsKeyId": KEY,
        }
    },
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A happy example with exactly one thing changed, and what the rule must say of it.

    change: dotted path -> value; REMOVED takes the property away.
    """

    rule: str
    title: str
    type: str
    change: Mapping[str, Any]
    says: tuple[str, ...]
    of: str = ""

    def props(self) -> Props:
        examples = HAPPY[self.type]
        values = copy.deepcopy(examples[self.of] if self.of else next(iter(examples.values())))
        for path, value in self.change.items():
            put(values, path, value)
        return Props(values)


def put(values: Any, path: str, value: Any) -> None:
    """Set (or remove) what stands at a dotted path; lists by index."""
    *way, last = path.split(".")
    for part in way:
        values = values[int(part)] if isinstance(values, list) else values.setdefault(part, {})
    key: Any = int(last) if isinstance(values, list) else last
    if value is REMOVED:
        del values[key]
    else:
        values[key] = value


_INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
_GROUP = "aws:ec2/securityGroup:SecurityGroup"
_DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
_SUBNET = "aws:ec2/subnet:Subnet"
_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
_LISTENER = "aws:lb/listener:Listener"
_CDN = "aws:cloudfront/distribution:Distribution"
_ACL = "aws:wafv2/webAcl:WebAcl"
_CLUSTER = "aws:eks/cluster:Cluster"
_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
_ADDON = "aws:eks/addon:Addon"
_REPOSITORY = "aws:ecr/repository:Repository"
_POLICY = "aws:iam/policy:Policy"
_ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
_ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
_ROLE_TYPE = "aws:iam/role:Role"
_KEY = "aws:kms/key:Key"
_DATABASE = "aws:rds/instance:Instance"
_PARAMETERS = "aws:rds/parameterGroup:ParameterGroup"
_CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
_SECRET = "aws:secretsmanager/secret:Secret"
_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
_BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
_VAULT = "aws:backup/vault:Vault"
_LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
_TOPIC = "aws:sns/topic:Topic"
_TRAIL = "aws:cloudtrail/trail:Trail"


def _mutants(rule: str, type_: str, *rows: tuple[Any, ...]) -> list[Mutant]:
    """Rows of (title, change, what is said[, which happy example])."""
    return [
        Mutant(
            rule=rule,
            title=row[0],
            type=type_,
            change=row[1],
            says=(row[2],) if isinstance(row[2], str) else tuple(row[2]),
            of=row[3] if len(row) > 3 else "",
        )
        for row in rows
    ]


def _policy(**changed: Any) -> dict[str, Any]:
    statement = {k: v for k, v in {**_READ_DUMPS, **changed}.items() if v is not REMOVED}
    return {"policy": document(statement)}


def _trust(*conditions: Mapping[str, Any]) -> dict[str, Any]:
    tests = {f"String{n}": dict(c) for n, c in enumerate(conditions)}
    return {"assumeRolePolicy": document(_github(tests))}


_ANYBODY_MAY_ASSUME = "anybody may assume this role"
_ANY_WORKFLOW = "any GitHub workflow may assume this role"
_ANYBODY_MAY_USE = "anybody may use this key"
_PLAIN_HTTP = "plain HTTP is accepted"
_NO_KEY = "storage is not encrypted with a key of ours"

MUTANTS: tuple[Mutant, ...] = (
    *_mutants(
        "security-group-no-open-ingress", _INGRESS,
        ("open over IPv4", {"cidrIpv4": "0.0.0.0/0"}, "port 443 is open to 0.0.0.0/0"),
        ("open over IPv6", {"cidrIpv6": "::/0"}, "port 443 is open to ::/0"),
        ("every port open", {"cidrIpv4": "0.0.0.0/0"}, "port any is open to 0.0.0.0/0",
         "from a group"),
    ),
    *_mutants(
        "security-group-no-inline-rules", _GROUP,
        ("inline ingress", {"ingress": [{"fromPort": 22}]},
         "ingress rules stand inside the group and would fight with rules of their own"),
        ("inline egress", {"egress": [{"fromPort": 0}]},
         "egress rules stand inside the group and would fight with rules of their own"),
    ),
    *_mutants(
        "default-security-group-empty", _DEFAULT_GROUP,
        ("admits something", {"ingress": [{"protocol": "-1"}]},
         "the default security group has ingress rules"),
        ("lets something out", {"egress": [{"protocol": "-1"}]},
         "the default security group has egress rules"),
    ),
    *_mutants(
        "subnet-no-public-addresses", _SUBNET,
        ("public addresses", {"mapPublicIpOnLaunch": True},
         "machines in this subnet would get public addresses"),
    ),
    *_mutants(
        "load-balancer-behind-cdn", _BALANCER,
        ("faces the internet", {"internal": False},
         "the load balancer is open to the internet, past CloudFront and its firewall"),
        ("nothing said about facing", {"internal": REMOVED},
         "the load balancer is open to the internet, past CloudFront and its firewall"),
        ("passes odd headers", {"dropInvalidHeaderFields": False},
         "invalid header fields are passed on"),
        ("log switched off", {"accessLogs.enabled": False}, "requests are not logged"),
        ("no log at all", {"accessLogs": REMOVED}, "requests are not logged"),
    ),
    *_mutants(
        "listener-tls", _LISTENER,
        ("TLS 1.0", {"sslPolicy": "ELBSecurityPolicy-2016-08"},
         "TLS policy ELBSecurityPolicy-2016-08 admits old protocols or weak suites"),
        ("AWS's default policy", {"sslPolicy": REMOVED},
         "TLS policy none admits old protocols or weak suites"),
        ("answers plain HTTP", {"defaultActions.0": {"type": "forward"}},
         "plain HTTP is answered and not redirected", "HTTP that redirects"),
        ("redirects to plain HTTP", {"defaultActions.0.redirect.protocol": "HTTP"},
         "plain HTTP is answered and not redirected", "HTTP that redirects"),
    ),
    *_mutants(
        "distribution-secure", _CDN,
        ("old TLS", {"viewerCertificate.minimumProtocolVersion": "TLSv1.1_2016"},
         "viewers may use TLSv1.1_2016, which is too old"),
        ("CloudFront's own certificate",
         {"viewerCertificate": {"cloudfrontDefaultCertificate": True}},
         "viewers may use TLSv1, which is too old"),
        ("plain HTTP by default", {"defaultCacheBehavior.viewerProtocolPolicy": "allow-all"},
         "the default path is served over plain HTTP"),
        ("plain HTTP on a path", {"orderedCacheBehaviors.0.viewerProtocolPolicy": "allow-all"},
         "/static/* is served over plain HTTP"),
        ("no headers by default", {"defaultCacheBehavior.responseHeadersPolicyId": REMOVED},
         "the default path has no security headers"),
        ("no headers on a path", {"orderedCacheBehaviors.0.responseHeadersPolicyId": REMOVED},
         "/static/* has no security headers"),
        ("no firewall", {"webAclId": REMOVED},
         "no web application firewall stands before this distribution"),
    ),
    *_mutants(
        "web-acl-rules", _ACL,
        ("no limit of rate", {"rules.0": REMOVED}, "no rule limits the rate of one client"),
        ("no managed group", {"rules.1": REMOVED}, "no managed rule group is used"),
        ("no rules", {"rules": REMOVED},
         ("no rule limits the rate of one client", "no managed rule group is used")),
    ),
    *_mutants(
        "eks-endpoint-restricted", _CLUSTER,
        ("no private endpoint", {"vpcConfig.endpointPrivateAccess": False},
         "the API server has no private endpoint"),
        ("open over IPv4", {"vpcConfig.publicAccessCidrs": ["198.51.100.0/24", "0.0.0.0/0"]},
         "the API server is open to the whole internet"),
        ("open over IPv6", {"vpcConfig.publicAccessCidrs": ["::/0"]},
         "the API server is open to the whole internet"),
        ("AWS's default addresses", {"vpcConfig.publicAccessCidrs": REMOVED},
         "the API server is open to the whole internet"),
        ("AWS's default endpoint",
         {"vpcConfig": {"endpointPrivateAccess": True}},
         "the API server is open to the whole internet"),
    ),
    *_mutants(
        "eks-protected", _CLUSTER,
        ("no encryption", {"encryptionConfig": REMOVED},
         "Kubernetes secrets are not encrypted with a key of ours"),
        ("two logs off", {"enabledClusterLogTypes": ["api", "authenticator", "controllerManager"]},
         "control-plane logs are off: audit, scheduler"),
        ("the old map of users", {"accessConfig.authenticationMode": "API_AND_CONFIG_MAP"},
         "access is not by access entries alone"),
        ("the creator stays", {"accessConfig.bootstrapClusterCreatorAdminPermissions": True},
         "whoever creates the cluster stays its administrator"),
        ("nothing said of the creator",
         {"accessConfig.bootstrapClusterCreatorAdminPermissions": REMOVED},
         "whoever creates the cluster stays its administrator"),
    ),
    *_mutants(
        "node-template-hardened", _TEMPLATE,
        ("IMDSv1", {"metadataOptions.httpTokens": "optional"}, "machines answer IMDSv1"),
        ("two hops", {"metadataOptions.httpPutResponseHopLimit": 2},
         "pods can reach the machine's metadata (hop limit above 1)"),
        ("nothing said of hops", {"metadataOptions.httpPutResponseHopLimit": REMOVED},
         "pods can reach the machine's metadata (hop limit above 1)"),
        ("a disk in clear", {"blockDeviceMappings.0.ebs.encrypted": "false"},
         "disk 0 is not encrypted"),
        ("nothing said of disks", {"blockDeviceMappings": REMOVED},
         "the disk is the image's own, which is not encrypted"),
        ("public addresses", {"networkInterfaces.0.associatePublicIpAddress": "true"},
         "machines get public addresses"),
    ),
    *_mutants(
        "vpc-cni-network-policy", _ADDON,
        ("switched off", {"configurationValues": json.dumps({"enableNetworkPolicy": "false"})},
         "network policies are accepted and not enforced"),
        ("AWS's default", {"configurationValues": REMOVED},
         "network policies are accepted and not enforced"),
    ),
    *_mutants(
        "ecr-immutable-scanned", _REPOSITORY,
        ("tags move", {"imageTagMutability": "MUTABLE"},
         "a tag can be pushed again with other content"),
        ("no scan", {"imageScanningConfiguration.scanOnPush": False},
         "images are not scanned on push"),
        ("AWS's own key", {"encryptionConfigurations.0.encryptionType": "AES256"},
         "images are not encrypted with a KMS key"),
    ),
    *_mutants(
        "iam-no-wildcards", _POLICY,
        ("every action", _policy(Action="*"), "a statement allows every action"),
        ("every action in a list", _policy(Action=["s3:GetObject", "*"]),
         "a statement allows every action"),
        ("all but", _policy(Action=REMOVED, NotAction=["iam:*"]),
         "a statement allows every action but those it names"),
        ("a service, everywhere", _policy(Action=["s3:*"], Resource="*"),
         "a statement allows s3:* on every resource"),
    ),
    *_mutants(
        "iam-no-wildcards", _ROLE_POLICY,
        ("a service among other things", _policy(Action=["s3:*"], Resource=[BUCKET_ARN, "*"]),
         "a statement allows s3:* on every resource"),
    ),
    *_mutants(
        "iam-no-administrator", _ATTACHMENT,
        *(
            (f"holds {name}", {"policyArn": f"arn:aws:iam::aws:policy/{name}"},
             f"{name} gives more than any workload needs")
            for name in ("AdministratorAccess", "IAMFullAccess", "PowerUserAccess")
        ),
    ),
    *_mutants(
        "iam-trust-named", _ROLE_TYPE,
        ("all the world", {"assumeRolePolicy": document({**_POD_TRUST, "Principal": "*"})},
         _ANYBODY_MAY_ASSUME),
        ("every account", {"assumeRolePolicy": document({**_POD_TRUST, "Principal": {"AWS": "*"}})},
         _ANYBODY_MAY_ASSUME),
        ("every account in a list",
         {"assumeRolePolicy": document({**_POD_TRUST, "Principal": {"AWS": [ROLE, "*"]}})},
         _ANYBODY_MAY_ASSUME),
        ("no condition", {"assumeRolePolicy": document(_github(None))}, _ANY_WORKFLOW),
        ("no subject", _trust(_AUDIENCE), _ANY_WORKFLOW),
        ("no audience", _trust(_SUBJECT), _ANY_WORKFLOW),
        ("any repository", _trust(_AUDIENCE, {next(iter(_SUBJECT)): "repo:*"}), _ANY_WORKFLOW),
        ("anything among subjects",
         _trust(_AUDIENCE, {next(iter(_SUBJECT)): [*_SUBJECT.values(), "*"]}), _ANY_WORKFLOW),
    ),
    *_mutants(
        "kms-rotation", _KEY,
        ("never rotated", {"enableKeyRotation": False}, "the key is never rotated"),
        ("nothing said of rotation", {"enableKeyRotation": REMOVED}, "the key is never rotated"),
        ("every account",
         {"policy": document(_ROOT, {**_FOR_CALLERS_OF_OURS, "Condition": {}})}, _ANYBODY_MAY_USE),
        ("all the world",
         {"policy": document({**_FOR_CALLERS_OF_OURS, "Principal": "*", "Condition": {}})},
         _ANYBODY_MAY_USE),
        ("a condition that names no caller",
         {"policy": document(
             {**_FOR_CALLERS_OF_OURS, "Condition": {"Bool": {"aws:SecureTransport": "true"}}})},
         _ANYBODY_MAY_USE),
    ),
    *_mutants(
        "rds-private-encrypted", _DATABASE,
        ("not encrypted", {"storageEncrypted": False}, _NO_KEY),
        ("AWS's own key", {"kmsKeyId": REMOVED}, _NO_KEY),
        ("a public address", {"publiclyAccessible": True}, "the database has a public address"),
        ("a password of ours", {"manageMasterUserPassword": REMOVED},
         "the master password is not managed by the service"),
        ("no log of queries", {"enabledCloudwatchLogsExports": ["upgrade"]},
         "logs are not exported: postgresql"),
        ("no logs", {"enabledCloudwatchLogsExports": REMOVED},
         "logs are not exported: postgresql, upgrade"),
        ("insights with AWS's own key", {"performanceInsightsKmsKeyId": REMOVED},
         "Performance Insights is not encrypted with a key of ours"),
    ),
    *_mutants(
        "rds-tls-forced", _PARAMETERS,
        ("TLS is optional", {"parameters.0.value": "0"}, "connections without TLS are accepted"),
        ("MD5 passwords", {"parameters.1.value": "md5"}, "passwords are not kept as SCRAM"),
        ("AWS's defaults", {"parameters": REMOVED},
         ("connections without TLS are accepted", "passwords are not kept as SCRAM")),
    ),
    *_mutants(
        "redis-encrypted", _CACHE,
        ("not encrypted", {"atRestEncryptionEnabled": False},
         "data at rest is not encrypted with a key of ours"),
        ("AWS's own key", {"kmsKeyId": REMOVED},
         "data at rest is not encrypted with a key of ours"),
        ("in clear on the wire", {"transitEncryptionEnabled": False},
         "connections are not encrypted"),
        ("no password", {"authToken": REMOVED}, "clients need no password"),
    ),
    *_mutants(
        "secrets-kms", _SECRET,
        ("AWS's own key", {"kmsKeyId": REMOVED},
         "the secret is encrypted with the account's default key"),
    ),
    *_mutants(
        "bucket-public-access-blocked", _BLOCK,
        *(
            (f"{key} is off", {key: value}, f"{key} is off")
            for key, value in (
                ("blockPublicAcls", False),
                ("blockPublicPolicy", REMOVED),
                ("ignorePublicAcls", False),
                ("restrictPublicBuckets", REMOVED),
            )
        ),
    ),
    *_mutants(
        "bucket-tls-only", _BUCKET_POLICY,
        ("no such statement", {"policy": document(_READ_DUMPS)}, _PLAIN_HTTP),
        ("the statement allows", {"policy": document({**_ONLY_TLS, "Effect": "Allow"})},
         _PLAIN_HTTP),
        ("refuses TLS instead",
         {"policy": document(
             {**_ONLY_TLS, "Condition": {"Bool": {"aws:SecureTransport": "true"}}})},
         _PLAIN_HTTP),
        ("refuses one caller only",
         {"policy": document({**_ONLY_TLS, "Principal": {"AWS": ROLE}})}, _PLAIN_HTTP),
        ("refuses one action only", {"policy": document({**_ONLY_TLS, "Action": ["s3:PutObject"]})},
         _PLAIN_HTTP),
    ),
    *_mutants(
        "backup-vault-kms", _VAULT,
        ("AWS's own key", {"kmsKeyArn": REMOVED},
         "recovery points are encrypted with the account's default key"),
    ),
    *_mutants(
        "log-group-retention-kms", _LOG_GROUP,
        ("kept for ever", {"retentionInDays": REMOVED}, "logs are kept for ever"),
        ("AWS's word for ever", {"retentionInDays": 0}, "logs are kept for ever"),
        ("AWS's own key", {"kmsKeyId": REMOVED}, "logs are not encrypted with a key of ours"),
    ),
    *_mutants(
        "topic-encrypted", _TOPIC,
        ("in clear", {"kmsMasterKeyId": REMOVED}, "notices are not encrypted"),
        ("AWS's own key", {"kmsMasterKeyId": "alias/aws/sns"},
         "alias/aws/sns does not let alarms publish: they would be dropped silently"),
    ),
    *_mutants(
        "cloudtrail-on", _TRAIL,
        ("one region", {"isMultiRegionTrail": False}, "other regions are not recorded"),
        ("no validation", {"enableLogFileValidation": False},
         "a changed log file would not be noticed"),
        ("AWS's own key", {"kmsKeyId": REMOVED},
         "the trail is not encrypted with a key of ours"),
    ),
)  # fmt: skip

# -- rules over a whole stack ------------------------------------------------------------------
TAGS = {
    "project": "arches",
    "stack": "prod",
    "owner": "platform",
    "cost-center": "arches",
    "serves-customers": "true",
}


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:prod::arches::{type_}::{name}"


def item(
    type_: str,
    name: str,
    props: Mapping[str, Any] | None = None,
    *,
    links: Mapping[str, tuple[str, str]] | None = None,
    protect: bool = False,
) -> Item:
    """links: input -> (type, name) of the resource it comes from."""
    given = dict(props) if props is not None else copy.deepcopy(next(iter(HAPPY[type_].values())))
    return Item(
        type=type_,
        name=name,
        urn=urn(type_, name),
        props=Props(given),
        links={key: frozenset({urn(*source)}) for key, source in (links or {}).items()},
        protect=protect,
    )


PROVIDER = "pulumi:providers:aws"
BUCKET = "aws:s3/bucket:Bucket"
VPC = "aws:ec2/vpc:Vpc"
FLOW_LOG = "aws:ec2/flowLog:FlowLog"
ACL_LOGGING = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"


def provider(name: str = "aws", **props: Any) -> Item:
    """An AWS provider: its settings that are no scalars are JSON text, as the engine has them."""
    given = {
        "region": "eu-central-1",
        "allowedAccountIds": json.dumps([ACCOUNT]),
        "defaultTags": json.dumps({"tags": TAGS}),
        **props,
    }
    return item(PROVIDER, name, {k: v for k, v in given.items() if v is not REMOVED})


def happy_stack() -> list[Item]:
    """One of each thing that stack rules look at, all as they should be."""
    of_bucket = {"bucket": (BUCKET, "dumps")}
    balancer = {**next(iter(HAPPY[_BALANCER].values())), "enableDeletionProtection": True}
    return [
        provider(),
        item(VPC, "network", {"cidrBlock": "10.20.0.0/16"}),
        item(FLOW_LOG, "network-flows", {}, links={"vpcId": (VPC, "network")}),
        item(BUCKET, "dumps", {"forceDestroy": False}, protect=True),
        item(_BLOCK, "dumps", links=of_bucket),
        item(ENCRYPTION, "dumps", {}, links=of_bucket),
        item(VERSIONING, "dumps", {}, links=of_bucket),
        item(_BUCKET_POLICY, "dumps", links=of_bucket),
        item(LIFECYCLE, "dumps", {}, links=of_bucket),
        item(_KEY, "data", protect=True),
        item(_VAULT, "vault", protect=True),
        item(_DATABASE, "database", protect=True),
        item(_CACHE, "cache", protect=True),
        item(_CLUSTER, "cluster"),
        item(_BALANCER, "balancer", balancer),
        item(_ACL, "firewall"),
        item(ACL_LOGGING, "firewall-log", {}, links={"resourceArn": (_ACL, "firewall")}),
    ]


@dataclass(frozen=True, kw_only=True)
class StackMutant:
    """The happy stack with one item changed, taken away or added."""

    rule: str
    title: str
    change: Callable[[list[Item]], list[Item]]
    says: tuple[tuple[str, str], ...] = field(default=())

    def items(self) -> list[Item]:
        return self.change(happy_stack())


Change = Callable[[list[Item]], list[Item]]


def without(type_: str) -> Change:
    return lambda items: [i for i in items if i.type != type_]


def changed(type_: str, **change: Any) -> Change:
    """Properties by name; REMOVED takes one away."""

    def edit(items: list[Item]) -> list[Item]:
        return [replace(i, props=_edited(i.props, change)) if i.type == type_ else i for i in items]

    return edit


def _edited(props: Props, change: Mapping[str, Any]) -> Props:
    values = {**dict(props), **change}
    return Props({k: v for k, v in values.items() if v is not REMOVED})


def unprotected(type_: str) -> Change:
    return lambda items: [replace(i, protect=False) if i.type == type_ else i for i in items]


def unlinked(type_: str) -> Change:
    return lambda items: [replace(i, links={}) if i.type == type_ else i for i in items]


def with_provider(name: str = "aws", **props: Any) -> Change:
    return lambda items: [provider(name, **props), *(i for i in items if i.type != PROVIDER)]


def _stack_mutants(rule: str, *rows: tuple[str, Change, str, str]) -> list[StackMutant]:
    """Rows of (title, change, URN, what is said)."""
    return [
        StackMutant(rule=rule, title=title, change=change, says=((where, said),))
        for title, change, where, said in rows
    ]


_VPC_URN = urn(VPC, "network")
_BUCKET_URN = urn(BUCKET, "dumps")
_DATABASE_URN = urn(_DATABASE, "database")
_CACHE_URN = urn(_CACHE, "cache")
_ACL_URN = urn(_ACL, "firewall")
_AWS_URN = urn(PROVIDER, "aws")
_DESTROYED = "`pulumi destroy` may delete it"
_LONE_ZONE = "the loss of one zone stops it"
_NOT_KEPT = "its deletion takes no final snapshot"

STACK_MUTANTS: tuple[StackMutant, ...] = (
    *_stack_mutants(
        "vpc-flow-logs",
        ("no flow log", without(FLOW_LOG), _VPC_URN, "this VPC has no flow log"),
        ("a flow log of something else", unlinked(FLOW_LOG), _VPC_URN, "this VPC has no flow log"),
    ),
    *_stack_mutants(
        "web-acl-logging",
        ("no log", without(ACL_LOGGING), _ACL_URN, "what this firewall blocks is not logged"),
        ("a log of something else", unlinked(ACL_LOGGING), _ACL_URN,
         "what this firewall blocks is not logged"),
    ),
    *_stack_mutants(
        "bucket-complete",
        *(
            (f"it {said}", change(type_), _BUCKET_URN, f"this bucket {said}")
            for type_, change, said in (
                (_BLOCK, without, "has no public-access block"),
                (ENCRYPTION, without, "has no default encryption"),
                (VERSIONING, without, "keeps no versions"),
                (_BUCKET_POLICY, without, "has no policy that refuses plain HTTP"),
                (LIFECYCLE, unlinked, "keeps everything for ever"),
            )
        ),
    ),
    *_stack_mutants(
        "stateful-protected",
        *(
            (f"{kind} without protection", unprotected(type_), urn(type_, name), _DESTROYED)
            for kind, type_, name in (
                ("a database", _DATABASE, "database"),
                ("a cache", _CACHE, "cache"),
                ("a bucket", BUCKET, "dumps"),
                ("a vault", _VAULT, "vault"),
                ("a key", _KEY, "data"),
            )
        ),
        ("RDS may delete", changed(_DATABASE, deletionProtection=False), _DATABASE_URN,
         "RDS may delete it"),
        ("no final snapshot", changed(_DATABASE, skipFinalSnapshot=True), _DATABASE_URN, _NOT_KEPT),
        ("a final snapshot without a name", changed(_DATABASE, finalSnapshotIdentifier=REMOVED),
         _DATABASE_URN, _NOT_KEPT),
        ("backups go with it", changed(_DATABASE, deleteAutomatedBackups=REMOVED), _DATABASE_URN,
         "its deletion deletes its automated backups"),
        ("29 days", changed(_DATABASE, backupRetentionPeriod=29), _DATABASE_URN,
         "backups are kept for less than 30 days"),
        ("no backups", changed(_DATABASE, backupRetentionPeriod=REMOVED), _DATABASE_URN,
         "backups are kept for less than 30 days"),
        ("one zone", changed(_DATABASE, multiAz=False), _DATABASE_URN, _LONE_ZONE),
        ("cache in one zone", changed(_CACHE, multiAzEnabled=False), _CACHE_URN, _LONE_ZONE),
        ("cache without failover", changed(_CACHE, automaticFailoverEnabled=False), _CACHE_URN,
         _LONE_ZONE),
        ("cache without final snapshot", changed(_CACHE, finalSnapshotIdentifier=REMOVED),
         _CACHE_URN, _NOT_KEPT),
        ("six days of the cache", changed(_CACHE, snapshotRetentionLimit=6), _CACHE_URN,
         "snapshots are kept for less than 7 days"),
        ("a bucket that empties itself", changed(BUCKET, forceDestroy=True), _BUCKET_URN,
         "its deletion deletes every object"),
        ("EKS may delete", changed(_CLUSTER, deletionProtection=REMOVED), urn(_CLUSTER, "cluster"),
         "EKS may delete it"),
        ("the balancer may go", changed(_BALANCER, enableDeletionProtection=False),
         urn(_BALANCER, "balancer"), "the load balancer may be deleted"),
    ),
    *_stack_mutants(
        "required-tags",
        ("no owner", with_provider(
            defaultTags=json.dumps({"tags": {k: v for k, v in TAGS.items() if k != "owner"}})),
         _AWS_URN, "resources would lack the tags owner"),
        ("an empty owner", with_provider(
            defaultTags=json.dumps({"tags": {**TAGS, "owner": ""}})),
         _AWS_URN, "resources would lack the tags owner"),
        ("no tags", with_provider(defaultTags=REMOVED), _AWS_URN,
         "resources would lack the tags project, stack, owner, cost-center, serves-customers"),
    ),
    *_stack_mutants(
        "explicit-providers",
        ("the default AWS provider", lambda items: [*items, provider("default_7_51_1")],
         urn(PROVIDER, "default_7_51_1"),
         "resources use default_7_51_1, which has no tags and no region"),
        ("the default of another package",
         lambda items: [*items, item("pulumi:providers:random", "default", {})],
         urn("pulumi:providers:random", "default"),
         "resources use default, which has no tags and no region"),
    ),
    *_stack_mutants(
        "account-pinned",
        ("any account", with_provider(allowedAccountIds=REMOVED), _AWS_URN,
         "an `up` with the wrong credentials would change another account"),
        ("an empty list of accounts", with_provider(allowedAccountIds="[]"), _AWS_URN,
         "an `up` with the wrong credentials would change another account"),
    ),
)  # fmt: skip
