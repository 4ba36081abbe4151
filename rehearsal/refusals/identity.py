"""What IAM refuses: documents, sizes, names, and what still hangs on a role when it goes.

Rows I1 to I16, but for I8: the provider drops old policy versions itself, so no request of this
program can meet it. Sizes are those of "IAM and AWS STS quotas" (IAM user guide); IAM does not
count white space. I15 is asked as what can be known beforehand: does the role trust the service
that will assume it? That a new role needs seconds to be seen everywhere, the provider waits out.
"""

from __future__ import annotations

from typing import Any

from rehearsal.account import Account
from rehearsal.refusals.asking import (
    given,
    known_list,
    letters,
    listed,
    missing_principals,
    siblings,
    statements,
    trusts,
)
from rehearsal.refusals.table import Request, Row
from rehearsal.wire import UNKNOWN

ROLE = "aws:iam/role:Role"
POLICY = "aws:iam/policy:Policy"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
ATTACHMENTS = "aws:iam/policyAttachment:PolicyAttachment"
PROFILE = "aws:iam/instanceProfile:InstanceProfile"
OIDC = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
LINKED_ROLE = "aws:iam/serviceLinkedRole:ServiceLinkedRole"

POLICY_SIZE = 6144  # IAM quotas: managed policy, cannot be raised
TRUST_SIZE = 2048  # IAM quotas: role trust policy, up to 4,096 on request
INLINE_SIZE = 10240  # IAM quotas: all inline policies of a role together, cannot be raised
POLICIES_PER_ROLE = 10  # IAM quotas: managed policies attached to a role
NAME_PREFIX = 38  # the provider's check: AWS allows 64, its own suffix takes 26

# Names that services give their linked roles (IAM user guide, "AWS services that work with IAM",
# and each service's page); a service that is not here is compared by its service name.
LINKED_ROLE_NAMES = {
    "autoscaling.amazonaws.com": "AWSServiceRoleForAutoScaling",
    "eks.amazonaws.com": "AWSServiceRoleForAmazonEKS",
    "eks-nodegroup.amazonaws.com": "AWSServiceRoleForAmazonEKSNodegroup",
    "elasticache.amazonaws.com": "AWSServiceRoleForElastiCache",
    "elasticloadbalancing.amazonaws.com": "AWSServiceRoleForElasticLoadBalancing",
    "rds.amazonaws.com": "AWSServiceRoleForRDS",
    "spot.amazonaws.com": "AWSServiceRoleForEC2Spot",
    "config.amazonaws.com": "AWSServiceRoleForConfig",
    "guardduty.amazonaws.com": "AWSServiceRoleForAmazonGuardDuty",
}

# type -> (input that holds the role's ARN, the service that assumes it, the refusal)
_WRONG_TRUST = (
    "InvalidParameterException: Role could not be assumed because the trusted entity is not correct"
)
_NO_MONITORING = (
    "InvalidParameterValue: IAM role ARN value is invalid or does not include the required "
    "permissions for: ENHANCED_MONITORING"
)
_USERS = {
    "aws:eks/cluster:Cluster": ("roleArn", "eks.amazonaws.com", _WRONG_TRUST),
    "aws:eks/nodeGroup:NodeGroup": ("nodeRoleArn", "ec2.amazonaws.com", _WRONG_TRUST),
    "aws:rds/instance:Instance": (
        "monitoringRoleArn",
        "monitoring.rds.amazonaws.com",
        _NO_MONITORING,
    ),
    "aws:rds/cluster:Cluster": (
        "monitoringRoleArn",
        "monitoring.rds.amazonaws.com",
        _NO_MONITORING,
    ),
    "aws:rds/clusterInstance:ClusterInstance": (
        "monitoringRoleArn",
        "monitoring.rds.amazonaws.com",
        _NO_MONITORING,
    ),
}


def _document(request: Request) -> Any:
    return request.value("assumeRolePolicy" if request.type == ROLE else "policy")


# -- documents ----------------------------------------------------------------------------------
def _principal(request: Request, account: Account) -> str | None:
    # A preview cannot tell a role that this very `up` makes first.
    if request.preview:
        return None
    for arn in missing_principals(account, request.value("assumeRolePolicy")):
        return f'MalformedPolicyDocument: Invalid principal in policy: "AWS":"{arn}"'
    return None


def _sids(request: Request, _account: Account) -> str | None:
    sids = [each["Sid"] for each in statements(_document(request)) if each.get("Sid")]
    if len(sids) == len(set(sids)):
        return None
    return "MalformedPolicyDocument: Statement IDs (SID) in a single policy must be unique."


def _parts(request: Request, _account: Account) -> str | None:
    for each in statements(_document(request)):
        actions = listed(each.get("Action")) + listed(each.get("NotAction"))
        if not actions:
            return "MalformedPolicyDocument: Policy statement must contain actions."
        resources = listed(each.get("Resource")) + listed(each.get("NotResource"))
        if not resources and request.type != ROLE:
            return "MalformedPolicyDocument: Policy statement must contain resources."
        if any(":" not in str(action) and action != "*" for action in actions):
            return (
                "MalformedPolicyDocument: Actions/Conditions must be prefaced by a vendor, e.g., "
                "iam, sdb, ec2, etc."
            )
    return None


def _trust_resource(request: Request, _account: Account) -> str | None:
    for each in statements(request.value("assumeRolePolicy")):
        for name in ("Resource", "NotResource"):
            if name in each:
                return f"MalformedPolicyDocument: Has prohibited field {name}."
    return None


# -- sizes --------------------------------------------------------------------------------------
def _policy_size(request: Request, _account: Account) -> str | None:
    text = request.value("policy")
    if not isinstance(text, str) or letters(text) <= POLICY_SIZE:
        return None
    return f"LimitExceeded: Cannot exceed quota for PolicySize: {POLICY_SIZE}"


def _trust_size(request: Request, _account: Account) -> str | None:
    text = request.value("assumeRolePolicy")
    if not isinstance(text, str) or letters(text) <= TRUST_SIZE:
        return None
    return f"LimitExceeded: Cannot exceed quota for ACLSizePerRole: {TRUST_SIZE}"


def _inline_size(request: Request, account: Account) -> str | None:
    if not request.known("role", "policy"):
        return None
    role = request.value("role")
    texts = [request.value("policy")] + [
        other.get("policy")
        for other in siblings(request, account, ROLE_POLICY, everywhere=True, role=role)
    ]
    if sum(letters(text) for text in texts if isinstance(text, str)) <= INLINE_SIZE:
        return None
    return f"LimitExceeded: Maximum policy size of {INLINE_SIZE} bytes exceeded for role {role}"


def _attached(request: Request, account: Account) -> str | None:
    refusal = f"LimitExceeded: Cannot exceed quota for PoliciesPerRole: {POLICIES_PER_ROLE}"
    if request.type == ROLE:
        arns = known_list(request, "managedPolicyArns")
        return refusal if arns and len(set(arns)) > POLICIES_PER_ROLE else None
    if not request.known("role"):
        return None
    role, mine = request.value("role"), request.value("policyArn")
    there = {
        other.get("policyArn")
        for other in siblings(request, account, ATTACHMENT, everywhere=True, role=role)
    }
    if mine in there or len(there) < POLICIES_PER_ROLE:
        return None
    return refusal


# -- order on the way down ----------------------------------------------------------------------
def _role_in_use(request: Request, account: Account) -> str | None:
    role = request.id
    if not request.old_value("forceDetachPolicies", False):
        if account.find(ATTACHMENT, role=role) or any(
            role in (several.inputs.get("roles") or []) for several in account.all(ATTACHMENTS)
        ):
            return "DeleteConflict: Cannot delete entity, must detach all policies first."
        if account.find(ROLE_POLICY, role=role):
            return "DeleteConflict: Cannot delete entity, must delete policies first."
    if account.find(PROFILE, role=role):
        return (
            "DeleteConflict: Cannot delete entity, must remove roles from instance profile first."
        )
    return None


def _policy_in_use(request: Request, account: Account) -> str | None:
    policy = account.by_id(request.id, POLICY)
    arn = policy.arn if policy else request.id
    if (
        account.find(ATTACHMENT, policyArn=arn)
        or account.find(ATTACHMENTS, policyArn=arn)
        or any(
            arn in (role.inputs.get("managedPolicyArns") or [])
            or role.inputs.get("permissionsBoundary") == arn
            for role in account.all(ROLE)
        )
    ):
        return "DeleteConflict: Cannot delete a policy attached to entities."
    return None


# -- names --------------------------------------------------------------------------------------
def _name_taken(request: Request, account: Account) -> str | None:
    prefix = request.value("namePrefix")
    if isinstance(prefix, str) and len(prefix) > NAME_PREFIX and request.type == ROLE:
        return f"expected length of namePrefix to be in the range (1 - {NAME_PREFIX}), got {prefix}"
    if not request.known("name"):
        return None
    name = request.value("name")
    # IAM compares names without regard to case.
    if not any(
        str(other.get("name", other.id)).lower() == name.lower()
        for other in siblings(request, account, request.type, everywhere=True)
    ):
        return None
    if request.type == POLICY:
        return (
            f"EntityAlreadyExists: A policy called {name} already exists. Duplicate names are not "
            "allowed."
        )
    noun = "Role with name" if request.type == ROLE else "Instance Profile"
    return f"EntityAlreadyExists: {noun} {name} already exists."


def _issuer(url: Any) -> str:
    return str(url).removeprefix("https://").rstrip("/").lower()


def _second_issuer(request: Request, account: Account) -> str | None:
    if not request.known("url"):
        return None
    url = request.value("url")
    if not any(
        _issuer(other.get("url")) == _issuer(url)
        for other in siblings(request, account, OIDC, everywhere=True)
    ):
        return None
    return f"EntityAlreadyExists: Provider with url https://{_issuer(url)} already exists."


def _linked_role_taken(request: Request, account: Account) -> str | None:
    if not request.known("awsServiceName"):
        return None
    service = request.value("awsServiceName")
    suffix = request.value("customSuffix")
    if suffix is UNKNOWN or not siblings(
        request, account, LINKED_ROLE, everywhere=True, awsServiceName=service, customSuffix=suffix
    ):
        return None
    name = LINKED_ROLE_NAMES.get(service) or str(service)
    if suffix:
        name += f"_{suffix}"
    return (
        f"InvalidInput: Service role name {name} has been taken in this account, please try a "
        "different suffix."
    )


# -- use ----------------------------------------------------------------------------------------
def _wrong_trust(request: Request, account: Account) -> str | None:
    path, service, refusal = _USERS[request.type]
    if not given(request, path) or not request.known(path):
        return None
    role = account.by_id(request.value(path), ROLE)
    if role is None or trusts(role.get("assumeRolePolicy"), service):
        return None
    return refusal


def _protected(request: Request, _account: Account) -> str | None:
    if not request.known("role"):
        return None
    role = str(request.value("role"))
    if not role.startswith(("AWSServiceRoleFor", "AWSReservedSSO_")):
        return None
    return (
        f"UnmodifiableEntity: Cannot perform the operation on the protected role '{role}' - this "
        "role is only modifiable by AWS"
    )


_MO = "moto 5.2"
_DOCUMENTS = (ROLE, POLICY, ROLE_POLICY)

ROWS: tuple[Row, ...] = (
    Row(
        id="I1",
        title="a trust policy names principals that exist",
        types=(ROLE,),
        operations=("create", "update"),
        source="AWS provider v1.60, iam_role:175",
        judge=_principal,
    ),
    Row(
        id="I2",
        title="a managed policy has 6,144 characters at most",
        types=(POLICY,),
        operations=("create", "update"),
        source=(
            "ministryofjustice/analytical-platform#6873, hashicorp/terraform-provider-aws#45533"
        ),
        judge=_policy_size,
    ),
    Row(
        id="I3",
        title="a trust policy has 2,048 characters at most",
        types=(ROLE,),
        operations=("create", "update"),
        source="kubeflow/dashboard#29, kubernetes-sigs/aws-load-balancer-controller#2718",
        judge=_trust_size,
    ),
    Row(
        id="I4",
        title="a role's inline policies have 10,240 characters together",
        types=(ROLE_POLICY,),
        operations=("create", "update"),
        source="aws-amplify/amplify-backend#2615",
        judge=_inline_size,
    ),
    Row(
        id="I5",
        title="ten managed policies on a role",
        types=(ROLE, ATTACHMENT),
        operations=("create", "update"),
        source="ministryofjustice/cloud-platform-environments#14118",
        judge=_attached,
    ),
    Row(
        id="I6",
        title="a role goes after its policies and profiles",
        types=(ROLE,),
        operations=("delete",),
        source=f"{_MO}, botocore 1.44",
        judge=_role_in_use,
    ),
    Row(
        id="I7",
        title="a policy goes after its attachments",
        types=(POLICY,),
        operations=("delete",),
        source="botocore 1.44; the provider's own page of the resource",
        judge=_policy_in_use,
    ),
    Row(
        id="I9",
        title="names of roles, profiles and policies are unique",
        types=(ROLE, PROFILE, POLICY),
        operations=("create",),
        source=_MO,
        judge=_name_taken,
    ),
    Row(
        id="I10",
        title="statement ids are unique",
        types=_DOCUMENTS,
        operations=("create", "update"),
        source=_MO,
        judge=_sids,
    ),
    Row(
        id="I11",
        title="a statement has actions of a vendor, and resources",
        types=_DOCUMENTS,
        operations=("create", "update"),
        source=_MO,
        judge=_parts,
    ),
    Row(
        id="I12",
        title="a trust policy has no resource",
        types=(ROLE,),
        operations=("create", "update"),
        source=_MO,
        judge=_trust_resource,
    ),
    Row(
        id="I13",
        title="one OIDC provider per issuer",
        types=(OIDC,),
        operations=("create",),
        source="public logs of GitHub's issuer",
        judge=_second_issuer,
    ),
    Row(
        id="I14",
        title="a service-linked role is made once",
        types=(LINKED_ROLE,),
        operations=("create",),
        source="lightspin-tech/eks-creation-engine#4; AWS code examples",
        judge=_linked_role_taken,
    ),
    Row(
        id="I15",
        title="a role trusts the service that it is given to",
        types=tuple(_USERS),
        operations=("create", "update"),
        source="AWS provider v1.60, eks_cluster:134 and rds_cluster:505",
        judge=_wrong_trust,
    ),
    Row(
        id="I16",
        title="service-linked roles belong to AWS",
        types=(ROLE_POLICY, ATTACHMENT),
        operations=("create", "update"),
        source="botocore 1.44; public logs",
        judge=_protected,
    ),
)
