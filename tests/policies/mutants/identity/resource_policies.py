"""Documents that nobody can read, or that let strangers in."""

from __future__ import annotations

from typing import Any

from rules.identity.resource_policies import BUCKET_POLICY, ENDPOINT, VAULT_POLICY
from rules.model import SECRET

from tests.policies.mutation import Change, Mutant, add, document, put

_ROLE = "aws:iam/role:Role"
_POLICY = "aws:iam/policy:Policy"
_KEY = "aws:kms/key:Key"
_SECRET = "aws:secretsmanager/secret:Secret"
_STRANGER = "444455556666"


def _lets(
    type_: str, name: str, principal: Any, action: str, path: str = "policy", **more: Any
) -> Change:
    """One more statement in a resource's policy."""
    who = {"Principal": principal} if principal else {}
    grant = {"Effect": "Allow", **who, "Action": action, "Resource": "*", **more}
    return document(type_, path, lambda found: found["Statement"].append(grant), name)


_HIDDEN = "is marked secret, so no rule can read it"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="policy-document-readable",
        title="who may take a role",
        change=put(_ROLE, "assumeRolePolicy", SECRET, "cluster-role"),
        says=(f"assumeRolePolicy {_HIDDEN}",),
    ),
    Mutant(
        rule="policy-document-readable",
        title="what a role may do",
        change=put(_POLICY, "policy", SECRET, "platform-dumps-identity-upload"),
        says=(f"policy {_HIDDEN}",),
    ),
    Mutant(
        rule="policy-document-readable",
        title="who may use a bucket",
        change=put(BUCKET_POLICY, "policy", SECRET, "storage-files-policy"),
        says=(f"policy {_HIDDEN}",),
    ),
    Mutant(
        rule="policy-document-readable",
        title="who may write logs",
        change=put("aws:cloudwatch/logResourcePolicy:LogResourcePolicy", "policyDocument", SECRET),
        says=(f"policyDocument {_HIDDEN}",),
    ),
    Mutant(
        rule="resource-policy-not-public",
        title="a vault for all the world",
        change=_lets(VAULT_POLICY, "backup-vault-policy", "*", "backup:CopyFromBackupVault"),
        says=("everybody may backup:CopyFromBackupVault",),
    ),
    Mutant(
        rule="resource-policy-not-public",
        title="a vault for all but one account",
        change=_lets(
            VAULT_POLICY,
            "backup-vault-policy",
            None,
            "backup:StartRestoreJob",
            NotPrincipal={"AWS": _STRANGER},
        ),
        says=("everybody may backup:StartRestoreJob",),
    ),
    Mutant(
        rule="resource-policy-not-public",
        title="an endpoint for everything",
        change=put(
            ENDPOINT,
            "policy",
            '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}',
        ),
        says=("everybody may *",),
    ),
    *(
        Mutant(
            rule="resource-policy-own-account",
            title=title,
            change=_lets(type_, name, {"AWS": who}, action),
            says=(f"account {_STRANGER} may {action}",),
        )
        for title, type_, name, who, action in (
            ("a key", _KEY, "keys-data", f"arn:aws:iam::{_STRANGER}:root", "kms:Decrypt"),
            ("a key, by number", _KEY, "keys-data", _STRANGER, "kms:CreateGrant"),
            (
                *("a bucket", BUCKET_POLICY, "storage-files-policy"),
                *(f"arn:aws:iam::{_STRANGER}:role/reader", "s3:GetObject"),
            ),
            ("a secret", _SECRET, "secrets-jwt", _STRANGER, "secretsmanager:GetSecretValue"),
            (
                *("a vault", VAULT_POLICY, "backup-copy-vault-policy"),
                *(_STRANGER, "backup:CopyIntoBackupVault"),
            ),
        )
    ),
    Mutant(
        rule="resource-policy-own-account",
        title="a bucket, by an id that names no account",
        change=_lets(
            BUCKET_POLICY, "storage-files-policy", {"CanonicalUser": "79a59df9"}, "s3:GetObject"
        ),
        says=("a user whose account nobody can tell may s3:GetObject",),
    ),
    Mutant(
        rule="resource-policy-own-account",
        title="images",
        change=add(
            "aws:ecr/repositoryPolicy:RepositoryPolicy",
            "share",
            {
                "policy": '{"Statement": [{"Effect": "Allow", "Principal": '
                f'{{"AWS": "{_STRANGER}"}}, "Action": "ecr:BatchGetImage"}}]}}'
            },
        ),
        says=(f"account {_STRANGER} may ecr:BatchGetImage",),
    ),
)
