"""What KMS and Secrets Manager refuse: keys that nobody could manage, names that stay taken.

Rows K1 to K11. A key or a secret that is deleted stays for days: the graveyard of the account
remembers it, and these rows read it with the virtual clock.
"""

from __future__ import annotations

from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any

from rehearsal.account import Account
from rehearsal.refusals.asking import (
    account_of,
    listed,
    missing_principals,
    principals,
    siblings,
    statements,
)
from rehearsal.refusals.table import Request, Row

KEY = "aws:kms/key:Key"
REPLICA = "aws:kms/replicaKey:ReplicaKey"
KEY_POLICY = "aws:kms/keyPolicy:KeyPolicy"
ALIAS = "aws:kms/alias:Alias"
GRANT = "aws:kms/grant:Grant"
SECRET = "aws:secretsmanager/secret:Secret"
VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
SECRET_POLICY = "aws:secretsmanager/secretPolicy:SecretPolicy"
ROTATION = "aws:secretsmanager/secretRotation:SecretRotation"
DATABASE = "aws:rds/instance:Instance"
DATABASE_CLUSTER = "aws:rds/cluster:Cluster"
DATABASE_MEMBER = "aws:rds/clusterInstance:ClusterInstance"

WINDOW = 30  # days; default and maximum of both services (KMS and Secrets Manager API references)

_DATABASE_KEYS = ("kmsKeyId", "performanceInsightsKmsKeyId", "masterUserSecretKmsKeyId")
_KEY_OF = {
    ALIAS: "targetKeyId",
    KEY_POLICY: "keyId",
    GRANT: "keyId",
    REPLICA: "primaryKeyArn",
}
# Conditions that narrow a secret's policy to known principals, accounts or networks.
_NARROWING = (
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
)


# -- the state of a key -------------------------------------------------------------------------
def key_state(account: Account, reference: Any) -> str | None:
    """ "pending deletion", "disabled", or None for a key that works or is not known here.

    reference: an ARN or a key id.
    """
    if not isinstance(reference, str) or not reference:
        return None
    key = account.by_id(reference, KEY) or account.by_id(reference, REPLICA)
    if key is not None:
        on = key.get("isEnabled", True) and key.get("enabled", True)
        return None if on else "disabled"
    for type_ in (KEY, REPLICA):
        for grave in account.graves(type_, timedelta(days=WINDOW)):
            window = timedelta(days=int(grave.inputs.get("deletionWindowInDays") or WINDOW))
            if reference.endswith(grave.id) and account.now - grave.deleted <= window:
                return "pending deletion"
    return None


def _allows_put(account: Account, statement: dict[str, Any]) -> bool:
    if statement.get("Effect") != "Allow":
        return False
    # A statement that works only through another service is none for an administrator.
    tests = (statement.get("Condition") or {}).values()
    if any("kms:viaservice" in (name.lower() for name in test) for test in tests):
        return False
    # The caller is a principal of this account, which one is not known here.
    ours = any(
        who in ("*", account.account_id) or account_of(who) == account.account_id
        for who in principals(statement, "AWS")
    )
    return ours and any(
        fnmatchcase("kms:putkeypolicy", str(action).lower())
        for action in listed(statement.get("Action"))
    )


def _lockout(request: Request, account: Account) -> str | None:
    if not request.known("policy") or request.value("bypassPolicyLockoutSafetyCheck"):
        return None
    found = statements(request.value("policy"))
    if not found or any(_allows_put(account, each) for each in found):
        return None
    return (
        "MalformedPolicyDocumentException: The new key policy will not allow you to update the "
        "key policy in the future."
    )


def _principal(request: Request, account: Account) -> str | None:
    # A preview cannot tell a role that this very `up` makes first.
    if request.preview or next(missing_principals(account, request.value("policy")), None) is None:
        return None
    return (
        "MalformedPolicyDocumentException: Policy contains a statement with one or more invalid "
        "principals."
    )


def _alias_taken(request: Request, account: Account) -> str | None:
    if not request.known("name"):
        return None
    name = request.value("name")
    there = siblings(request, account, ALIAS, name=name)
    if not there:
        return None
    arn = there[0].arn or f"arn:aws:kms:{request.region}:{account.account_id}:{name}"
    return f"AlreadyExistsException: An alias with the name {arn} already exists"


def _state(request: Request, account: Account) -> str | None:
    reference = request.value(_KEY_OF[request.type])
    state = key_state(account, reference)
    if state == "disabled":
        return f"DisabledException: {reference} is disabled."
    return f"KMSInvalidStateException: {reference} is {state}." if state else None


def _not_accessible(request: Request, account: Account) -> str | None:
    for path in _DATABASE_KEYS:
        reference = request.value(path)
        if not isinstance(reference, str):
            continue
        parts = reference.split(":")
        elsewhere = len(parts) > 5 and parts[3] != request.region
        if elsewhere or key_state(account, reference):
            return (
                f"KMSKeyNotAccessibleFault: Specified KMS key [{reference}] does not exist, is "
                "not enabled or you do not have permissions to access it."
            )
    return None


# -- secrets ------------------------------------------------------------------------------------
def _scheduled(account: Account, region: str, *, name: str = "", id_: str = "") -> bool:
    for grave in account.graves(SECRET, timedelta(days=WINDOW)):
        days = grave.inputs.get("recoveryWindowInDays")
        window = timedelta(days=WINDOW if days is None else int(days))
        if grave.region != region or not window or account.now - grave.deleted > window:
            continue
        if (name and grave.inputs.get("name") == name) or (id_ and grave.id == id_):
            return True
    return False


def _in_its_window(request: Request, account: Account) -> str | None:
    if not request.known("name") or not _scheduled(
        account, request.region, name=request.value("name")
    ):
        return None
    return (
        "InvalidRequestException: You can't create this secret because a secret with this name is "
        "already scheduled for deletion."
    )


def _marked(request: Request, account: Account) -> str | None:
    path = "secretArn" if request.type == SECRET_POLICY else "secretId"
    if not request.known(path):
        return None
    id_ = request.value(path)
    if account.by_id(id_, SECRET) or not _scheduled(account, request.region, id_=id_):
        return None
    return (
        "InvalidRequestException: You can't perform this operation on the secret because it was "
        "marked for deletion."
    )


def _window(request: Request, _account: Account) -> str | None:
    days = request.value("recoveryWindowInDays")
    if not isinstance(days, int) or days == 0 or 7 <= days <= WINDOW:
        return None
    return (
        "InvalidParameterException: The RecoveryWindowInDays value must be between 7 and 30 days "
        "(inclusive)."
    )


def _secret_exists(request: Request, account: Account) -> str | None:
    if not request.known("name"):
        return None
    name = request.value("name")
    if not siblings(request, account, SECRET, name=name):
        return None
    return (
        f"ResourceExistsException: The operation failed because the secret {name} already exists."
    )


def _public(request: Request, _account: Account) -> str | None:
    if not request.value("blockPublicPolicy") or not request.known("policy"):
        return None
    for each in statements(request.value("policy")):
        names = {name.lower() for test in (each.get("Condition") or {}).values() for name in test}
        if (
            each.get("Effect") == "Allow"
            and "*" in principals(each, "AWS")
            and not names.intersection(_NARROWING)
        ):
            return (
                "PublicPolicyException: The BlockPublicPolicy parameter is set to true, and the "
                "resource policy did not prevent broad access to the secret."
            )
    return None


def _encryption(request: Request, account: Account) -> str | None:
    if key_state(account, request.value("kmsKeyId")) is None:
        return None
    return (
        "EncryptionFailure: Secrets Manager can't encrypt the protected secret text using the "
        "provided KMS key. Check that the KMS key is available, enabled, and not in an invalid "
        "state."
    )


_MO = "moto 5.2"
_BC = "botocore 1.44"
_POLICIES = (KEY, REPLICA, KEY_POLICY)

ROWS: tuple[Row, ...] = (
    Row(
        id="K1",
        title="a key's policy leaves somebody who can change it",
        types=_POLICIES,
        operations=("create", "update"),
        source=(
            "terraform-aws-modules/terraform-aws-eks#1950, trussworks/terraform-aws-cloudtrail#178"
        ),
        judge=_lockout,
    ),
    Row(
        id="K2",
        title="a key's policy names principals that exist",
        types=_POLICIES,
        operations=("create", "update"),
        source=("lightspin-tech/eks-creation-engine#4, terraform-aws-modules/terraform-aws-kms#30"),
        judge=_principal,
    ),
    Row(
        id="K3",
        title="an alias stands once per region",
        types=(ALIAS,),
        operations=("create",),
        source=_MO,
        judge=_alias_taken,
    ),
    Row(
        id="K4",
        title="a key that is used is enabled and stays",
        types=tuple(_KEY_OF),
        operations=("create", "update"),
        source=_BC,
        judge=_state,
    ),
    Row(
        id="K5",
        title="the database can use its keys",
        types=(DATABASE, DATABASE_CLUSTER, DATABASE_MEMBER),
        operations=("create", "update"),
        source=_MO,
        judge=_not_accessible,
    ),
    Row(
        id="K6",
        title="a deleted secret's name is free after its window",
        types=(SECRET,),
        operations=("create",),
        source="aws-ia/terraform-aws-eks-blueprints#1733, hashicorp/terraform-provider-aws#8219",
        judge=_in_its_window,
    ),
    Row(
        id="K7",
        title="a deleted secret is neither read nor written",
        types=(VERSION, SECRET_POLICY, ROTATION),
        operations=("create", "update"),
        source=f"{_MO}, AWS provider v1.60",
        judge=_marked,
    ),
    Row(
        id="K8",
        title="a recovery window is 0 or 7 to 30 days",
        types=(SECRET,),
        operations=("create", "update"),
        source=_BC,
        judge=_window,
    ),
    Row(
        id="K9",
        title="a secret's name stands once per region",
        types=(SECRET,),
        operations=("create",),
        source=_MO,
        judge=_secret_exists,
    ),
    Row(
        id="K10",
        title="a blocked public policy is narrow",
        types=(SECRET_POLICY,),
        operations=("create", "update"),
        source=_BC,
        judge=_public,
    ),
    Row(
        id="K11",
        title="a secret's key works",
        types=(SECRET,),
        operations=("create", "update"),
        source=_BC,
        judge=_encryption,
    ),
)
