"""Clear text: no secret stands where somebody may read it without being allowed to.

What looks like one is rules/looks.py's. What is known is looked at first; a value that is not known
before deployment leaves the rest undecided. A finding names the place, never the value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rules.kubernetes import Object, judged_objects, known, types
from rules.looks import decoded, found
from rules.model import SECRET, NotApplicable, Props, Rule, StackRule, Undecided

# What is kept as files or filled in by an operator; variables and command lines of containers are
# rules/workloads/containers.py's.
CONFIGURATION = types("core/v1:ConfigMap", "external-secrets.io/v1:ExternalSecret")
RELEASE = "kubernetes:helm.sh/v3:Release"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


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


def _below(
    value: Any, path: str, waiting: list[Undecided], name: str = ""
) -> Iterator[tuple[str, str, str]]:
    """name: what the value is named, where it is not the last part of its path that says it."""
    if isinstance(value, str):
        if value != SECRET:
            yield path, name or path.rpartition(".")[2], value
    elif isinstance(value, Props):
        for key in value:
            try:
                inner = value[key]
            except Undecided as undecided:
                waiting.append(undecided)
                continue
            yield from _below(inner, f"{path}.{key}", waiting, _paired(value, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _below(each, f"{path}.{index}", waiting)


def _paired(values: Props, key: str) -> str:
    """X where {name: X, value: it} stands for X: it, as in lists of variables; else ""."""
    name = known(values, "name") if key == "value" else None
    return name if isinstance(name, str) else ""


def _file(configuration: Object) -> Iterator[str]:
    for place, name, text in texts(
        configuration.props, "data", "binaryData", "spec.target.template.data"
    ):
        inside = decoded(text) if place.startswith("binaryData.") else text
        for what in found(inside, name):
            yield f"{what} stands in clear at {place}"


def _values(props: Props) -> Iterator[str]:
    for place, name, text in texts(props, "values"):
        for what in found(text, name):
            yield f"{what} stands in clear at {place}"


def _user_data(props: Props) -> Iterator[str]:
    if not props.at("userData"):
        raise NotApplicable("the template gives no user data")
    for what in found(decoded(props.at("userData"))):
        yield f"{what} stands in the user data"


def _marked(secret: Object) -> Iterator[str]:
    for part in ("data", "stringData"):
        values = secret.props.at(part)
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
