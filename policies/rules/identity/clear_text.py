"""Clear text: no secret stands where somebody may read it without being allowed to.

Two ways to find one: by the name of what holds it (PASSWORD, adminPassword) and by its look (a
private key, an AWS key, a password inside a URL). What is known is looked at first; a value that
is not known before deployment leaves the rest undecided. A finding names the place, never the
value.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rules.kubernetes import Object, judged_objects, types
from rules.model import SECRET, NotApplicable, Props, Rule, StackRule, Undecided

# What is kept as files or filled in by an operator; variables and command lines of containers are
# rules/workloads/containers.py's.
CONFIGURATION = types("core/v1:ConfigMap", "external-secrets.io/v1:ExternalSecret")
RELEASE = "kubernetes:helm.sh/v3:Release"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"

LOOKS: Mapping[str, re.Pattern[str]] = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}"),
    "a Slack token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10}"),
    "an OpenAI key": re.compile(r"\bsk-[A-Za-z0-9_-]{20}"),
    "a signed token": re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    # Not a reference that a template, a shell or an operator fills in: {{ }}, $(X), ${X}, <x>.
    "a password in a URL": re.compile(r"://[^\s/:@\"']*:[^\s/@{}$<>\"']+@"),
}
_NAME = (
    r"(?:password|passwd|passphrase|(?<!existing)(?<!config)secret|token|api_?key|private_?key"
    r"|secret_?key|access_?key|credentials?|dsn|webhook_?url)"
)
_SECRET_NAME = re.compile(rf"{_NAME}$", re.IGNORECASE)
# A line of a configuration file: name = value, name: value; and redis.conf's two.
_LINE = re.compile(
    r"^[ \t]*(?:[\"']?(?P<name>[\w.-]+)[\"']?[ \t]*[:=]|(?P<redis>requirepass|masterauth)[ \t])"
    r"[ \t]*[\"']?(?P<value>[^\s\"',#;]+)",
    re.MULTILINE,
)
# What may stand there: nothing, a switch, a number, a file, a reference.
_HARMLESS = re.compile(r"|true|false|null|none|\d+|\*|[./~].*|.*[{}$<>()].*", re.IGNORECASE)


def looks_like(text: str) -> Iterator[str]:
    """What stands in a text that nobody should read, in words."""
    return (what for what, look in LOOKS.items() if look.search(text))


def texts(props: Props, *parts: str) -> Iterator[tuple[str, str, str]]:
    """(place, name, text) of all texts below these paths that are known and no secrets.

    Raises Undecided at the end, for the first value that is not known.
    """
    waiting: list[Undecided] = []
    for part in parts:
        try:
            yield from _below(props.at(part), part, waiting)
        except Undecided as undecided:
            waiting.append(undecided)
    if waiting:
        raise waiting[0]


def _below(value: Any, path: str, waiting: list[Undecided]) -> Iterator[tuple[str, str, str]]:
    if isinstance(value, str):
        if value != SECRET:
            yield path, path.rpartition(".")[2], value
    elif isinstance(value, Mapping):
        for key in value:
            try:
                inner = value[key]
            except Undecided as undecided:
                waiting.append(undecided)
                continue
            yield from _below(inner, f"{path}.{key}", waiting)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _below(each, f"{path}.{index}", waiting)


def _telling(name: str, text: str) -> bool:
    return bool(_SECRET_NAME.search(name)) and not _HARMLESS.fullmatch(text)


def _lines(text: str) -> bool:
    """Whether a line of a file gives something with a telling name a value."""
    return any(
        not _HARMLESS.fullmatch(line["value"])
        for line in _LINE.finditer(text)
        if line["redis"] or _SECRET_NAME.search(line["name"])
    )


def _file(found: Object) -> Iterator[str]:
    for place, name, text in texts(found.props, "data", "spec.target.template.data"):
        looks = list(looks_like(text))
        for what in looks:
            yield f"{what} stands in clear at {place}"
        if not looks and (_lines(text) or _telling(name, text)):
            yield f"a password or key stands in clear at {place}"


def _values(props: Props) -> Iterator[str]:
    for place, name, text in texts(props, "values"):
        looks = list(looks_like(text))
        for what in looks:
            yield f"{what} stands in clear at {place}"
        if not looks and _telling(name, text):
            yield f"a password or key stands in clear at {place}"


def _user_data(props: Props) -> Iterator[str]:
    if not props.at("userData"):
        raise NotApplicable("the template gives no user data")
    try:
        text = base64.b64decode(props.at("userData"), validate=True).decode(errors="replace")
    except (binascii.Error, ValueError):
        text = str(props.at("userData"))
    for what in looks_like(text):
        yield f"{what} stands in the user data"
    if _lines(text):
        yield "a password or key stands in the user data"


def _marked(found: Object) -> Iterator[str]:
    for part in ("data", "stringData"):
        values = found.props.at(part)
        for name in values if isinstance(values, Mapping) else ():
            if values[name] != SECRET:
                yield f"{name} is not marked secret and stands in the state in clear"


def _version(props: Props) -> Iterator[str]:
    for part in ("secretString", "secretBinary"):
        if props.at(part, SECRET) != SECRET:
            yield "the value is not marked secret and stands in the state in clear"


_K8S = "https://kubernetes.io/docs/concepts"

RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="configuration-no-secrets",
        sentence="No file of configuration holds a secret in clear.",
        types=CONFIGURATION,
        severity="critical",
        requirements=("SEC-04", "CHK-SEC-02"),
        controls=("SOC2 CC6.1", "ISO27001 A.5.17", "GDPR 32"),
        why="ConfigMaps are not encrypted and readers of the namespace may see them.",
        fix="move it into a Secret that External Secrets fills",
        url=f"{_K8S}/configuration/configmap/",
        evidence=("metadata.namespace", "metadata.name"),
        judge=judged_objects(_file, "ConfigMap", "ExternalSecret"),
    ),
    Rule(
        name="helm-values-no-secrets",
        sentence="No Helm value is a secret in clear.",
        types=(RELEASE,),
        severity="critical",
        requirements=("SEC-04", "MON-10", "CHK-SEC-02"),
        controls=("SOC2 CC6.1", "ISO27001 A.5.17"),
        why="Helm keeps the values of every release in the cluster, and the state keeps them too.",
        fix="give the chart the name of an existing Secret",
        url="https://helm.sh/docs/chart_best_practices/values/",
        evidence=("name", "chart", "version"),
        judge=_values,
    ),
    Rule(
        name="user-data-no-secrets",
        sentence="No machine's user data holds a secret.",
        types=(TEMPLATE,),
        severity="critical",
        requirements=("SEC-04", "CHK-SEC-02"),
        controls=("CHECKOV CKV_AWS_46", "SOC2 CC6.1", "ISO27001 A.5.17"),
        why="Every process on the machine can read its user data.",
        fix="let the machine's role read the secret from Secrets Manager",
        url="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html",
        evidence=("description",),
        judge=_user_data,
    ),
    Rule(
        name="kubernetes-secret-marked",
        sentence="What a Kubernetes Secret holds is marked secret.",
        types=types("core/v1:Secret"),
        severity="critical",
        requirements=("SEC-04", "CHK-SEC-02"),
        controls=("SOC2 CC6.1", "ISO27001 A.5.17", "GDPR 32"),
        why="The value would be printed in previews and kept in clear in the state.",
        fix="wrap it in pulumi.Output.secret",
        url="https://www.pulumi.com/docs/iac/concepts/secrets/",
        evidence=("metadata.namespace", "metadata.name", "type"),
        judge=judged_objects(_marked, "Secret"),
    ),
    Rule(
        name="secret-value-marked",
        sentence="What a secret of Secrets Manager holds is marked secret.",
        types=("aws:secretsmanager/secretVersion:SecretVersion",),
        severity="critical",
        requirements=("SEC-06", "CHK-SEC-02"),
        controls=("SOC2 CC6.1", "ISO27001 A.5.17", "GDPR 32"),
        why="The value would be printed in previews and kept in clear in the state.",
        fix="wrap it in pulumi.Output.secret",
        url="https://www.pulumi.com/docs/iac/concepts/secrets/",
        evidence=("secretId",),
        judge=_version,
    ),
)
