"""The deployment's secrets: each value in Secrets Manager, under the key for secrets.

Here values are born (pulumi-random) or taken from secret settings, and stored; nobody reads them
here. What hands them to pods is External Secrets, by the ARNs. The database's master password never
passes through: RDS makes, keeps and rotates it.

Meets SEC-04 to SEC-06, ENV-10 (no sign that breaks a URL), ENV-12, ENV-14, ENV-15, ENV-18,
CHK-SEC-02; refusals K6, K8, K9, K10. No known default string can occur, since no value is written
down.

- Letters and digits only: every value survives a URL, an ini file and ElastiCache's token rules.
- Two values are never the same one: each key has a random resource of its own.
- A value is replaced by raising its number under `secrets.generation`, one reviewed edit.
- The encryption key is the exception: what it encrypted dies with it. It is never replaced in
  place, survives `destroy` while the environment is protected, and has a copy in the backup
  region, where backups are restored.

Refused: write-only arguments (the value would reach the state anyway, traps, RDS); a rotation
Lambda (PgBouncer's user list and the pods must follow a new password, SEC-06).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.context import Context
from components.documents import document, statement
from settings.secret_values import secret_value
from settings.secrets import SecretsSettings

if TYPE_CHECKING:
    from components.keys import Keys

ENCRYPTION = "encryption"
# ENV-15: exactly 32 bytes, for AES-256.
ENCRYPTION_BYTES = 32

# Characters of each value; a letter or digit carries 5.95 bits, so 43 carry 256 bits.
LENGTHS: dict[str, int] = {
    "jwt": 64,
    "jwt-refresh": 64,
    "session": 64,
    "database-owner": 48,
    "database-app": 48,
    "database-readonly": 48,
    "database-dump": 48,
    "database-exporter": 48,
    "database-retention": 48,
    # ElastiCache takes 16 to 128 (C6).
    "cache": 64,
    "grafana-admin": 48,
}

# key -> the name in `settings.secret_values`, and whether the settings ask for it.
GIVEN: dict[str, tuple[str, Callable[[SecretsSettings], bool]]] = {
    "open-ai": ("openAiApiKey", lambda settings: settings.open_ai),
    "sentry": ("sentryDsn", lambda settings: settings.sentry),
}


def keys_of(settings: SecretsSettings) -> tuple[str, ...]:
    """The keys of every secret that these settings make."""
    given = [key for key, (_, wanted) in GIVEN.items() if wanted(settings)]
    return (*LENGTHS, ENCRYPTION, *given)


def path(context: Context) -> str:
    """What the names of all secrets of this environment begin with, and of no other's."""
    return f"{context.project}/{context.stack}/"


def own_account_over_tls(account_id: str) -> str:
    """The resource policy of each secret: it grants nothing, and refuses what must never happen."""
    return document(
        statement(
            ["secretsmanager:*"],
            "*",
            sid="TlsOnly",
            principals="*",
            conditions={"Bool": {"aws:SecureTransport": "false"}},
            effect="Deny",
        ),
        statement(
            ["secretsmanager:*"],
            "*",
            sid="OwnAccountOnly",
            principals="*",
            conditions={
                "Bool": {"aws:PrincipalIsAWSService": "false"},
                "StringNotEquals": {"aws:PrincipalAccount": account_id},
            },
            effect="Deny",
        ),
    )


@dataclass(frozen=True, kw_only=True)
class SecretsArgs:
    context: Context
    settings: SecretsSettings
    keys: Keys


class Secrets(pulumi.ComponentResource):
    """`arns` has one entry for each secret; `value(key)` is for resources that need the value."""

    arns: dict[str, pulumi.Output[str]]

    def __init__(
        self, name: str, args: SecretsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("arches:index:Secrets", name, None, opts)
        self._child = name
        self._args = args
        self._here = pulumi.ResourceOptions(parent=self)
        # One suffix for all names: a deleted secret keeps its name for 7 to 30 days (K6).
        suffix = random.RandomId(f"{name}-suffix", byte_length=4, opts=self._here)
        self._values = self._born() | {ENCRYPTION: self._encryption_key()} | self._given()
        self.arns = {key: self._stored(key, suffix.hex) for key in keys_of(args.settings)}
        self.register_outputs({"arns": self.arns})

    def value(self, key: str) -> pulumi.Output[str]:
        """The value of a secret as a secret output. Raises KeyError: no such secret here."""
        return pulumi.Output.secret(self._values[key])

    def _born(self) -> dict[str, pulumi.Output[str]]:
        return {
            key: random.RandomPassword(
                f"{self._child}-{key}",
                length=length,
                special=False,
                min_lower=1,
                min_upper=1,
                min_numeric=1,
                keepers={"generation": str(self._args.settings.generation_of(key))},
                opts=self._here,
            ).result
            for key, length in LENGTHS.items()
        }

    def _encryption_key(self) -> pulumi.Output[str]:
        # No keepers: nothing in the settings can replace it.
        return random.RandomBytes(
            f"{self._child}-{ENCRYPTION}",
            length=ENCRYPTION_BYTES,
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.context.protect),
        ).base64

    def _given(self) -> dict[str, pulumi.Output[str]]:
        return {
            key: secret_value(name)
            for key, (name, wanted) in GIVEN.items()
            if wanted(self._args.settings)
        }

    def _stored(self, key: str, suffix: pulumi.Output[str]) -> pulumi.Output[str]:
        context, keys = self._args.context, self._args.keys
        kept = key == ENCRYPTION
        opts = (
            pulumi.ResourceOptions(
                parent=self, protect=context.protect, retain_on_delete=context.protect
            )
            if kept
            else self._here
        )
        copy: aws.secretsmanager.SecretReplicaArgsDict = {
            "region": context.backup_region,
            "kms_key_id": keys.backups_copy.arn,
        }
        secret = aws.secretsmanager.Secret(
            f"{self._child}-{key}",
            name=pulumi.Output.concat(f"{path(context)}{key}-", suffix),
            description=f"{key} of {context.project} {context.stack}",
            kms_key_id=keys.secrets.arn,
            recovery_window_in_days=self._args.settings.recovery_window_days,
            policy=own_account_over_tls(context.account_id),
            replicas=[copy] if kept else None,
            opts=opts,
        )
        aws.secretsmanager.SecretVersion(
            f"{self._child}-{key}",
            secret_id=secret.id,
            secret_string=self.value(key),
            opts=opts,
        )
        return secret.arn
