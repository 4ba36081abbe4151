"""Secrets where anybody may read them. Every value here is made up."""

from __future__ import annotations

import base64
from typing import Any

from rules.model import SECRET

from tests.policies.mutation import Change, Mutant, add, edit, put, set_at

_CONFIG = "kubernetes:core/v1:ConfigMap"
_EXTERNAL = "kubernetes:external-secrets.io/v1:ExternalSecret"
_RELEASE = "kubernetes:helm.sh/v3:Release"
_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
_K8S_SECRET = "kubernetes:core/v1:Secret"
_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
_MONITORING = "platform-operators-metrics-kube-prometheus-stack"
_ALERTMANAGER = "platform-observability-alertmanager-config"
_POOLER = "platform-pooler"
_INI = "pgbouncer_etc-pooler_pgbouncer.ini"
# Cut in two, so that a scanner of this repository finds nothing.
_PRIVATE_KEY = "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIE"
_ACCESS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
_TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
_WEBHOOK = "https://hooks.slack.com" + "/services/T00000000/B00000000/XXXXXXXXXXXX"
_JWT = "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJl"


def _added(name: str, text: str, type_: str = _CONFIG, key: str = "data") -> Change:
    """One more file in a ConfigMap; file names have dots, so no path can name them."""

    def change(values: dict[str, Any]) -> None:
        values[key] = {**values[key], "added": text}

    return edit(type_, change, name)


def _line(text: str) -> Change:
    def change(values: dict[str, Any]) -> None:
        values["data"][_INI] += f"\n{text}\n"

    return edit(_CONFIG, change, _POOLER)


def _value(path: str, value: Any) -> Change:
    return edit(_RELEASE, lambda values: set_at(values, f"values.{path}", value), _MONITORING)


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _machine(script: str) -> Change:
    return put(_TEMPLATE, "userData", _encoded(script))


def _marked(value: Any) -> Change:
    return put(_K8S_SECRET, "stringData", value, _ALERTMANAGER)


_IN_INI = f"a password or key stands in clear at data.{_INI}"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        rule="configuration-no-secrets",
        title="a private key",
        change=_added(_POOLER, _PRIVATE_KEY),
        says=("a private key stands in clear at data.added",),
    ),
    Mutant(
        rule="configuration-no-secrets",
        title="an AWS key",
        change=_added("platform-dumps", f"aws_access_key_id={_ACCESS_KEY}"),
        says=("an AWS access key stands in clear at data.added",),
    ),
    Mutant(
        rule="configuration-no-secrets",
        title="a password in a URL",
        change=_line("db = host=postgresql://app:hunter22@db.internal:5432/archesai"),
        says=(f"a password in a URL stands in clear at data.{_INI}",),
    ),
    Mutant(
        rule="configuration-no-secrets",
        title="a line that gives a password",
        change=_line("auth_password = hunter22"),
        says=(_IN_INI,),
    ),
    Mutant(
        rule="configuration-no-secrets",
        title="a line of JSON that gives a key",
        change=_line('  "apiKey": "hunter22hunter22",'),
        says=(_IN_INI,),
    ),
    Mutant(
        rule="configuration-no-secrets",
        title="redis.conf's own word",
        change=_line("requirepass hunter22"),
        says=(_IN_INI,),
    ),
    Mutant(
        rule="configuration-no-secrets",
        title="a key named for what it holds",
        change=edit(_CONFIG, lambda values: values["data"].update(DB_PASSWORD="hunter22"), _POOLER),
        says=("a password or key stands in clear at data.DB_PASSWORD",),
    ),
    Mutant(
        rule="configuration-no-secrets",
        title="a private key as bytes",
        change=edit(
            _CONFIG,
            lambda values: values.update(binaryData={"id": _encoded(_PRIVATE_KEY)}),
            _POOLER,
        ),
        says=("a private key stands in clear at binaryData.id",),
    ),
    Mutant(
        rule="configuration-no-secrets",
        title="a password as bytes",
        change=edit(
            _CONFIG,
            lambda values: values.update(binaryData={"any": _encoded("auth_password=hunter22")}),
            _POOLER,
        ),
        says=("a password or key stands in clear at binaryData.any",),
    ),
    Mutant(
        rule="configuration-no-secrets",
        title="the application's published default",
        change=_added(_POOLER, "seed: supersecretkey"),
        says=("a secret that everybody knows stands in clear at data.added",),
    ),
    Mutant(
        rule="configuration-no-secrets",
        title="a key that only its last word tells",
        change=_line("encryption_key = hunter22"),
        says=(_IN_INI,),
    ),
    Mutant(
        rule="configuration-no-secrets",
        title="a template that holds the value itself",
        change=put(
            _EXTERNAL,
            "spec.target.template.data.DATABASE_URL",
            "postgresql://archesai_app:hunter22@archesai-pooler:6432/archesai",
            "platform-secrets-archesai-database",
        ),
        says=("a password in a URL stands in clear at spec.target.template.data.DATABASE_URL",),
    ),
    Mutant(
        rule="configuration-no-secrets",
        title="in a List",
        change=add(
            "kubernetes:core/v1:List",
            "hidden",
            {
                "kind": "List",
                "items": [
                    {"kind": "ConfigMap", "metadata": {"name": "keys"}, "data": {"jwt": _JWT}}
                ],
            },
        ),
        says=("ConfigMap keys: a signed token stands in clear at data.jwt",),
    ),
    Mutant(
        rule="helm-values-no-secrets",
        title="Grafana's password",
        change=_value("grafana.adminPassword", "admin"),
        says=("a password or key stands in clear at values.grafana.adminPassword",),
    ),
    Mutant(
        rule="helm-values-no-secrets",
        title="a pager's address",
        change=_value(
            "alertmanager.config",
            {"receivers": [{"slack_configs": [{"webhook_url": "https://hooks.example/T0/B0"}]}]},
        ),
        says=(
            "a password or key stands in clear at "
            "values.alertmanager.config.receivers.0.slack_configs.0.webhook_url",
        ),
    ),
    Mutant(
        rule="helm-values-no-secrets",
        title="a token anywhere",
        change=_value("grafana.env.ANY", _TOKEN),
        says=("a GitHub token stands in clear at values.grafana.env.ANY",),
    ),
    Mutant(
        rule="helm-values-no-secrets",
        title="a password in a list of variables",
        change=_value(
            "grafana.extraEnv", [{"name": "GF_SECURITY_ADMIN_PASSWORD", "value": "hunter22"}]
        ),
        says=("a password or key stands in clear at values.grafana.extraEnv.0.value",),
    ),
    Mutant(
        rule="helm-values-no-secrets",
        title="Velero's credentials as a file",
        change=put(
            _RELEASE,
            "values.credentials.secretContents",
            {"cloud": "[default]\naws_secret_access_key=hunter22/hunter22"},
            "*-velero",
        ),
        says=("a password or key stands in clear at values.credentials.secretContents.cloud",),
    ),
    Mutant(
        rule="helm-values-no-secrets",
        title="a webhook by its address alone",
        change=_value("alertmanager.config.global.slack_api_url", _WEBHOOK),
        says=(
            "a webhook's address stands in clear at "
            "values.alertmanager.config.global.slack_api_url",
        ),
    ),
    Mutant(
        rule="user-data-no-secrets",
        title="an AWS key in a script",
        change=_machine(f"#!/bin/sh\naws configure set aws_access_key_id {_ACCESS_KEY}\n"),
        says=("an AWS access key stands in the user data",),
    ),
    Mutant(
        rule="user-data-no-secrets",
        title="a password in a script",
        change=_machine("#!/bin/sh\nexport=1\nDB_PASSWORD=hunter22\n"),
        says=("a password or key stands in the user data",),
    ),
    Mutant(
        rule="user-data-no-secrets",
        title="not encoded at all",
        change=put(_TEMPLATE, "userData", f"#cloud-config\n{_PRIVATE_KEY}"),
        says=("a private key stands in the user data",),
    ),
    Mutant(
        rule="kubernetes-secret-marked",
        title="in clear",
        change=_marked({"alertmanager.yaml": "route: {}"}),
        says=("alertmanager.yaml is not marked secret and stands in the state in clear",),
    ),
    Mutant(
        rule="kubernetes-secret-marked",
        title="one of two in clear",
        change=_marked({"user": "admin", "password": SECRET}),
        says=("user is not marked secret and stands in the state in clear",),
    ),
    Mutant(
        rule="kubernetes-secret-marked",
        title="encoded and in clear",
        change=put(_K8S_SECRET, "data", {"password": "aHVudGVyMjI="}, _ALERTMANAGER),
        says=("password is not marked secret and stands in the state in clear",),
    ),
    Mutant(
        rule="secret-value-marked",
        title="in clear",
        change=put(_VERSION, "secretString", "hunter22", "secrets-jwt"),
        says=("the value is not marked secret and stands in the state in clear",),
    ),
    Mutant(
        rule="secret-value-marked",
        title="bytes in clear",
        change=put(_VERSION, "secretBinary", "aHVudGVyMjI=", "secrets-encryption"),
        says=("the value is not marked secret and stands in the state in clear",),
    ),
)
