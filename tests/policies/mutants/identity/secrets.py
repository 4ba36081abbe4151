"""Secrets that others read, that are gone for good, or that never arrive."""

from __future__ import annotations

from typing import Any

from tests.policies.mutation import Change, Mutant, add, document, drop, put, without

_SECRET = "aws:secretsmanager/secret:Secret"
_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
_EXTERNAL = "kubernetes:external-secrets.io/v1:ExternalSecret"
_STORE = "kubernetes:external-secrets.io/v1:ClusterSecretStore"
_NEVER = "a replaced value never reaches the pods"
_ANY_NAMESPACE = "any namespace may copy any secret that this store reads"


def _shared(found: dict[str, Any]) -> None:
    found["Statement"].append(
        {
            "Effect": "Allow",
            "Action": "secretsmanager:GetSecretValue",
            "Principal": {"AWS": "*"},
            "Resource": "*",
        }
    )


def _narrowed(**change: Any) -> Change:
    """Both denials of a secret's policy, changed."""

    def narrow(found: dict[str, Any]) -> None:
        for statement in found["Statement"]:
            statement.update(change)

    return document(_SECRET, "policy", narrow, "secrets-cache")


def _for_one_caller(found: dict[str, Any]) -> None:
    for statement in found["Statement"]:
        statement["Condition"]["StringLike"] = {"aws:PrincipalArn": "nobody"}


MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="secret-encrypted",
        title="AWS's own key",
        change=drop(_SECRET, "kmsKeyId", "secrets-jwt"),
        says=("the secret is encrypted with the account's default key",),
    ),
    Mutant(
        rule="secret-encrypted",
        title="AWS's own key for the copy",
        change=drop(_SECRET, "replicas.0.kmsKeyId", "secrets-encryption"),
        says=("its copy in eu-west-1 has the default key",),
    ),
    Mutant(
        rule="secret-private",
        title="for everybody",
        change=document(_SECRET, "policy", _shared, "secrets-jwt"),
        says=("anybody may use this secret",),
    ),
    Mutant(
        rule="secret-private",
        title="other accounts are not refused",
        change=document(_SECRET, "policy", lambda found: found["Statement"].pop(1)),
        says=("callers of other accounts are not refused",),
    ),
    Mutant(
        rule="secret-private",
        title="over plain HTTP",
        change=document(_SECRET, "policy", lambda found: found["Statement"].pop(0)),
        says=("plain HTTP is not refused",),
    ),
    Mutant(
        rule="secret-private",
        title="everybody but our account may read",
        change=document(
            _SECRET,
            "policy",
            lambda found: found["Statement"].append(
                {
                    "Effect": "Allow",
                    "Action": "secretsmanager:GetSecretValue",
                    "NotPrincipal": {"AWS": "111122223333"},
                    "Resource": "*",
                }
            ),
        ),
        says=("anybody may use this secret",),
    ),
    *(
        Mutant(
            rule="secret-private",
            title=f"refused {title} only",
            change=change,
            says=("callers of other accounts are not refused", "plain HTTP is not refused"),
        )
        for title, change in (
            ("to tag", _narrowed(Action="secretsmanager:TagResource")),
            (
                "another secret",
                _narrowed(Resource="arn:aws:secretsmanager:eu-west-1:111122223333:secret:other"),
            ),
            ("nobody", document(_SECRET, "policy", _for_one_caller, "secrets-cache")),
        )
    ),
    Mutant(
        rule="secret-private",
        title="no policy",
        change=drop(_SECRET, "policy"),
        says=("callers of other accounts are not refused", "plain HTTP is not refused"),
    ),
    Mutant(
        rule="secret-recoverable",
        title="gone at once",
        change=put(_SECRET, "recoveryWindowInDays", 0, "secrets-jwt"),
        says=("it is deleted at once, without a way back",),
        at="secrets-jwt",
    ),
    Mutant(
        rule="secret-recoverable",
        title="gone at once, in staging",
        change=put(_SECRET, "recoveryWindowInDays", 0, "secrets-jwt"),
        says=("it is deleted at once, without a way back",),
        stack="staging",
    ),
    Mutant(
        rule="secret-recoverable",
        title="a week",
        change=put(_SECRET, "recoveryWindowInDays", 7, "secrets-jwt"),
        says=("its deletion can be cancelled for 7 days only",),
    ),
    Mutant(
        rule="secret-filled",
        title="empty",
        change=without(_VERSION, "secrets-session"),
        says=("nothing puts a value into this secret: pods that need it would never start",),
        at="secrets-session",
    ),
    Mutant(
        rule="external-secret-refreshed",
        title="once a day",
        change=put(_EXTERNAL, "spec.refreshInterval", "24h0m0s"),
        says=("a replaced value reaches the pods after 24h0m0s only",),
    ),
    Mutant(
        rule="external-secret-refreshed",
        title="never again",
        change=put(_EXTERNAL, "spec.refreshInterval", "0s"),
        says=(_NEVER,),
    ),
    Mutant(
        rule="external-secret-refreshed",
        title="at creation only",
        change=put(_EXTERNAL, "spec.refreshPolicy", "CreatedOnce"),
        says=(_NEVER,),
    ),
    Mutant(
        rule="external-secret-refreshed",
        title="a number without a unit",
        change=put(_EXTERNAL, "spec.refreshInterval", "15"),
        says=("its refresh interval is no duration such as 15m0s",),
    ),
    Mutant(
        rule="external-secret-refreshed",
        title="never again, in a List",
        change=add(
            "kubernetes:v1:List",
            "hidden",
            {
                "kind": "List",
                "items": [
                    {
                        "kind": "ExternalSecret",
                        "metadata": {"name": "late"},
                        "spec": {"refreshInterval": "0"},
                    }
                ],
            },
        ),
        says=(f"ExternalSecret late: {_NEVER}",),
    ),
    Mutant(
        rule="secret-store-external",
        title="from another store",
        change=put(_STORE, "spec.provider", {"kubernetes": {"remoteNamespace": "default"}}),
        says=("its values do not come from Secrets Manager",),
    ),
    Mutant(
        rule="secret-store-external",
        title="with keys",
        change=put(
            _STORE, "spec.provider.aws.auth", {"secretRef": {"accessKeyIDSecretRef": {"name": "a"}}}
        ),
        says=("it signs in with a key that never expires",),
    ),
    Mutant(
        rule="secret-store-bounded",
        title="for every namespace",
        change=drop(_STORE, "spec.conditions"),
        says=(_ANY_NAMESPACE,),
    ),
    Mutant(
        rule="secret-store-bounded",
        title="a condition that names nothing",
        change=put(_STORE, "spec.conditions", [{"namespaces": ["production"]}, {}]),
        says=(_ANY_NAMESPACE,),
    ),
)
