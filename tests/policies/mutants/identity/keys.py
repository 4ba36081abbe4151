"""Keys that protect nothing, or too much at once."""

from __future__ import annotations

from typing import Any

from tests.policies.mutants.network.network import relink
from tests.policies.mutation import Change, Mutant, document, drop, put, several

_KEY = "aws:kms/key:Key"
_ANYBODY = "anybody may use this key"


def _policy(change: Any, name: str = "keys-data") -> Change:
    return document(_KEY, "policy", change, name)


def _unbound(found: dict[str, Any]) -> None:
    del found["Statement"][1]["Condition"]


def _of_any_account(found: dict[str, Any]) -> None:
    del found["Statement"][1]["Condition"]["StringEquals"]["kms:CallerAccount"]


def _all_but_one_account(found: dict[str, Any]) -> None:
    found["Statement"][1]["Condition"] = {"StringNotEquals": {"kms:CallerAccount": "444455556666"}}


def _decrypts(more: dict[str, Any]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", **more}


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="kms-key-rotated",
        title="never rotated",
        change=put(_KEY, "enableKeyRotation", False),
        says=("the key is never rotated",),
    ),
    Mutant(
        rule="kms-key-rotated",
        title="nothing said of rotation",
        change=drop(_KEY, "enableKeyRotation"),
        says=("the key is never rotated",),
    ),
    Mutant(
        rule="kms-key-rotated",
        title="every second year",
        change=put(_KEY, "rotationPeriodInDays", 730),
        says=("the key is rotated every 730 days",),
    ),
    Mutant(
        rule="kms-key-not-public",
        title="callers need not be ours",
        change=_policy(_unbound),
        says=(_ANYBODY,),
    ),
    Mutant(
        rule="kms-key-not-public",
        title="callers of any account, through a service",
        change=_policy(_of_any_account),
        says=(_ANYBODY,),
    ),
    Mutant(
        rule="kms-key-not-public",
        title="everybody but one account",
        change=_policy(_all_but_one_account),
        says=(_ANYBODY,),
    ),
    Mutant(
        rule="kms-key-not-public",
        title="all the world, over TLS",
        change=_policy(
            lambda found: found["Statement"].append(
                {
                    "Effect": "Allow",
                    "Action": "kms:Decrypt",
                    "Resource": "*",
                    "Principal": "*",
                    "Condition": {"Bool": {"aws:SecureTransport": "true"}},
                }
            ),
            "keys-secrets",
        ),
        says=(_ANYBODY,),
    ),
    *(
        Mutant(
            rule="kms-key-not-public",
            title=title,
            change=_policy(lambda found, more=more: found["Statement"].append(_decrypts(more))),
            says=(_ANYBODY,),
        )
        for title, more in (
            (
                "any role of any account",
                {
                    "Principal": "*",
                    "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}},
                },
            ),
            (
                "accounts by their first digit",
                {"Principal": "*", "Condition": {"StringLike": {"aws:PrincipalAccount": "1*"}}},
            ),
            ("everybody but our account", {"NotPrincipal": {"AWS": "111122223333"}}),
        )
    ),
    Mutant(
        rule="kms-key-administered",
        title="the account is locked out",
        change=_policy(lambda found: found["Statement"].pop(0)),
        says=("the account itself could not change the key's policy again",),
    ),
    Mutant(
        rule="kms-key-administered",
        title="AWS's policy",
        change=drop(_KEY, "policy"),
        says=("the key has AWS's default policy",),
    ),
    Mutant(
        rule="kms-key-administered",
        title="KMS does not check",
        change=put(_KEY, "bypassPolicyLockoutSafetyCheck", True),
        says=("KMS is told not to check that somebody can still change the policy",),
    ),
    Mutant(
        rule="kms-key-enabled",
        title="switched off",
        change=put(_KEY, "isEnabled", False),
        says=("the key is disabled: nothing that it encrypted can be read",),
    ),
    Mutant(
        rule="kms-key-deletion-window",
        title="a week",
        change=put(_KEY, "deletionWindowInDays", 7),
        says=("its deletion can be cancelled for 7 days only",),
    ),
    Mutant(
        rule="kms-key-one-purpose",
        title="logs with the key of secrets",
        change=relink(
            "aws:cloudwatch/logGroup:LogGroup", "cluster-logs", "kmsKeyId", (_KEY, "keys-secrets")
        ),
        says=("this key serves logs and secrets",),
        at="keys-secrets",
    ),
    Mutant(
        rule="kms-key-one-purpose",
        title="the master password with the key of the database",
        change=relink(
            "aws:rds/instance:Instance", "*", "masterUserSecretKmsKeyId", (_KEY, "keys-data")
        ),
        says=("this key serves data and secrets",),
        at="keys-data",
    ),
    Mutant(
        rule="kms-key-one-purpose",
        title="one key for all",
        change=several(
            relink("aws:backup/vault:Vault", "backup-vault", "kmsKeyArn", (_KEY, "keys-data")),
            relink("aws:eks/cluster:Cluster", "*", "encryptionConfig", (_KEY, "keys-data")),
        ),
        says=("this key serves backups and data and the cluster",),
    ),
    Mutant(
        rule="kms-key-described",
        title="nameless",
        change=put(_KEY, "description", ""),
        says=("nothing says what this key is for",),
    ),
)
