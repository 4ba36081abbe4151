"""Secrets: kept under a key of ours, private, recoverable, and in step with the cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rules.documents import Statement, actions, everybody, refusing, resources, said, statements
from rules.kubernetes import Object, judged_objects, types
from rules.model import Item, Props, Rule, Stack, StackRule

SECRET_TYPE = "aws:secretsmanager/secret:Secret"
EXTERNAL = types("external-secrets.io/v1:ExternalSecret")
STORE = types("external-secrets.io/v1:ClusterSecretStore", "external-secrets.io/v1:SecretStore")
# SEC-06: a recovery window of 30 days, which is Secrets Manager's longest and its default.
RECOVERY_DAYS = 30
# A replaced password must reach the pods before somebody has to be woken; also External Secrets'
# default (external-secrets documentation, ExternalSecret, refreshInterval).
LONGEST_REFRESH_S = 3600
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def seconds(duration: str) -> float:
    """A Go duration in seconds: "15m0s" is 900. Raises ValueError."""
    if duration == "0":  # the only one without a unit
        return 0
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"{duration!r} is no duration such as 15m0s")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _encrypted(props: Props) -> Iterator[str]:
    if not props.given("kmsKeyId"):
        yield "the secret is encrypted with the account's default key"
    for replica in props.at("replicas") or []:
        if not replica.given("kmsKeyId"):
            yield f"its copy in {replica.get('region', 'another region')} has the default key"


def _private(props: Props) -> Iterator[str]:
    document = props.document("policy")
    if any(everybody(each) for each in statements(document)):
        yield "anybody may use this secret"
    if not any(
        _whole(each)
        for key in ("aws:principalaccount", "aws:principalorgid")
        for each in refusing(document, "StringNotEquals", key)
    ):
        yield "callers of other accounts are not refused"
    if not any(map(_whole, refusing(document, "Bool", "aws:securetransport", "false"))):
        yield "plain HTTP is not refused"


def _whole(statement: Statement) -> bool:
    """Whether it speaks of all that can be done with the secret that it stands at."""
    return "*" in resources(statement) and bool({"*", "secretsmanager:*"} & set(actions(statement)))


def _recoverable(secret: Item, stack: Stack) -> Iterator[str]:
    days = secret.props.at("recoveryWindowInDays", RECOVERY_DAYS)
    if int(days) == 0:
        yield "it is deleted at once, without a way back"
    elif stack.serves_customers and int(days) < RECOVERY_DAYS:
        yield f"its deletion can be cancelled for {days} days only"


def _filled(secret: Item, stack: Stack) -> Iterator[str]:
    version = "aws:secretsmanager/secretVersion:SecretVersion"
    if not stack.parts(version, "secretId", secret):
        yield "nothing puts a value into this secret: pods that need it would never start"


def _refreshed(found: Object) -> Iterator[str]:
    if found.props.at("spec.refreshPolicy", "Periodic") != "Periodic":
        yield "a replaced value never reaches the pods"
        return
    every = found.props.at("spec.refreshInterval", "1h0m0s")
    try:
        passed = seconds(str(every))
    except ValueError:
        yield "its refresh interval is no duration such as 15m0s"
        return
    if passed == 0:
        yield "a replaced value never reaches the pods"
    elif passed > LONGEST_REFRESH_S:
        yield f"a replaced value reaches the pods after {every} only"


def _bounded_store(found: Object) -> Iterator[str]:
    conditions = found.props.at("spec.conditions") or []
    if not conditions or not all(_names_namespaces(each) for each in conditions):
        yield "any namespace may copy any secret that this store reads"


def _names_namespaces(condition: Mapping[str, object]) -> bool:
    return any(condition.get(key) for key in ("namespaces", "namespaceSelector"))


def _from_manager(found: Object) -> Iterator[str]:
    if found.props.at("spec.provider.aws.service") != "SecretsManager":
        yield "its values do not come from Secrets Manager"
    if said(found.props, "spec.provider.aws.auth.secretRef"):
        yield "it signs in with a key that never expires"


_AWS = "https://docs.aws.amazon.com"
_ESO = "https://external-secrets.io/latest/api"

RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="secret-encrypted",
        sentence="Secrets and their copies are encrypted with keys of ours.",
        types=(SECRET_TYPE,),
        severity="high",
        requirements=("SEC-06", "CHK-SEC-02"),
        controls=("CHECKOV CKV_AWS_149", "SOC2 CC6.1", "ISO27001 A.8.24", "GDPR 32"),
        why="Reading a password would need one right only, and no key could be taken away.",
        fix="set kms_key_id, in each replica too",
        url=f"{_AWS}/secretsmanager/latest/userguide/security-encryption.html",
        evidence=("name", "kmsKeyId", "replicas.*.region", "replicas.*.kmsKeyId"),
        judge=_encrypted,
    ),
    Rule(
        name="secret-private",
        sentence="A secret is read over TLS by callers of its own account only.",
        types=(SECRET_TYPE,),
        severity="critical",
        requirements=("SEC-06", "CHK-SEC-02"),
        controls=("SOC2 CC6.1", "ISO27001 A.8.3", "GDPR 32"),
        why="A password of production could be read from somewhere else.",
        fix="give it the policy of components/secrets.py",
        url=f"{_AWS}/secretsmanager/latest/userguide/auth-and-access_resource-policies.html",
        evidence=("name", "policy"),
        judge=_private,
    ),
    StackRule(
        name="secret-recoverable",
        sentence="A deleted secret comes back, for 30 days where customers are served.",
        types=(SECRET_TYPE,),
        severity="high",
        requirements=("SEC-06", "DR-01"),
        controls=("SOC2 A1.2", "ISO27001 A.8.13"),
        why="What the lost key had encrypted could never be read again.",
        fix=f"set recovery_window_in_days to {RECOVERY_DAYS}",
        url=f"{_AWS}/secretsmanager/latest/userguide/manage_delete-secret.html",
        evidence=("name", "recoveryWindowInDays"),
        judge=_recoverable,
    ),
    StackRule(
        name="secret-filled",
        sentence="Every secret has a value from this program.",
        types=(SECRET_TYPE,),
        severity="medium",
        requirements=("SEC-05",),
        controls=("ISO27001 A.5.17",),
        why="Somebody would type a value by hand, on the day of a restore.",
        fix="add an aws.secretsmanager.SecretVersion with secret_id",
        url=f"{_AWS}/secretsmanager/latest/userguide/best-practices.html",
        evidence=("name",),
        judge=_filled,
    ),
    Rule(
        name="external-secret-refreshed",
        sentence="A replaced secret reaches the cluster within an hour.",
        types=EXTERNAL,
        severity="medium",
        requirements=("SEC-04", "SEC-06"),
        controls=("CIS-EKS 4.4.2", "CIS-K8S 5.4.2", "SOC2 CC6.1", "ISO27001 A.5.17"),
        why="A password that leaked would go on working after it was replaced.",
        fix="set refreshInterval to 1h or less and leave refreshPolicy Periodic",
        url=f"{_ESO}/externalsecret/",
        evidence=("metadata.namespace", "metadata.name", "spec.refreshInterval"),
        judge=judged_objects(_refreshed, "ExternalSecret"),
    ),
    Rule(
        name="secret-store-external",
        sentence="The cluster's secrets come from Secrets Manager by the operator's own role.",
        types=STORE,
        severity="high",
        requirements=("SEC-04", "CHK-SEC-02"),
        controls=("CIS-EKS 4.4.2", "CIS-K8S 5.4.2", "SOC2 CC6.1", "ISO27001 A.5.17"),
        why="Passwords would live in the cluster alone, and be lost or copied with it.",
        fix="use provider.aws with service SecretsManager and no secretRef",
        url=f"{_ESO}/clustersecretstore/",
        evidence=("metadata.name", "spec.provider.aws.service"),
        judge=judged_objects(_from_manager, "ClusterSecretStore", "SecretStore"),
    ),
    Rule(
        name="secret-store-bounded",
        sentence="Named namespaces only may ask for secrets.",
        types=STORE,
        severity="high",
        requirements=("SEC-06", "CHK-SEC-02"),
        controls=("SOC2 CC6.3", "ISO27001 A.8.3"),
        why="Whoever may make objects in any namespace could read the master password.",
        fix="name the namespaces in spec.conditions",
        url=f"{_ESO}/clustersecretstore/",
        evidence=("metadata.name", "spec.conditions.*.namespaces"),
        judge=judged_objects(_bounded_store, "ClusterSecretStore"),
    ),
)
