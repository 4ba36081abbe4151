"""The export: the deployment as files that may be shown to anybody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal import export
from rehearsal.export import SCRUBBED, scrubbed
from tests.neighbours import neighbour

CIPHER = "v1:Zm9vYmFy:Y2lwaGVydGV4dA=="
SALT = "v1:c2FsdHNhbHQ=:v1:bm9uY2U=:Y2hlY2s="
SECRET = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    "ciphertext": CIPHER,
}


def _resource(type_: str, name: str, /, **inputs: Any) -> dict[str, Any]:
    urn = f"urn:pulumi:prod::arches::{type_}::{name}"
    return {"urn": urn, "type": type_, "custom": True, "inputs": inputs, "outputs": {**inputs}}


def _state(*resources: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": 3,
        "deployment": {
            "secrets_providers": {"type": "passphrase", "state": {"salt": SALT}},
            "resources": list(resources),
        },
    }


def _write(state: dict[str, Any], folder: Path) -> list[str]:
    files = export.write(neighbour(state=lambda: state), folder)
    assert all(file.exists() for file in files)
    return [str(file.relative_to(folder)) for file in files]


def test_neither_ciphertext_nor_salt_leaves_the_machine(tmp_path: Path) -> None:
    files = _write(
        _state(
            _resource("aws:secretsmanager/secretVersion:SecretVersion", "jwt", secretString=SECRET),
            _resource(
                "kubernetes:core/v1:Secret", "jwt", stringData={"key": SECRET}, list=[[SECRET]]
            ),
            _resource(
                "kubernetes:helm.sh/v3:Release", "grafana", chart="grafana", values={"pw": SECRET}
            ),
        ),
        tmp_path,
    )
    assert len(files) == 3
    for file in files:
        text = (tmp_path / file).read_text()
        assert SCRUBBED in text
        for hidden in (CIPHER, SALT, "ciphertext", "4dabf18193072939515e22adb298388d"):
            assert hidden not in text, f"{file} holds what a passphrase would open"


def test_scrubbing_leaves_everything_else_as_it_is() -> None:
    state = _state(_resource("aws:ec2/vpc:Vpc", "network", cidrBlock="10.20.0.0/16", state="on"))
    clean = scrubbed(state)
    assert clean["deployment"]["resources"] == state["deployment"]["resources"]
    assert clean["deployment"]["secrets_providers"] == {"type": "passphrase", "state": {}}
    assert state["deployment"]["secrets_providers"]["state"] == {"salt": SALT}, (
        "the session's own state must stay whole"
    )


def test_objects_releases_and_documents_are_files_of_their_own(tmp_path: Path) -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    files = _write(
        _state(
            _resource("kubernetes:core/v1:Namespace", "arches", kind="Namespace", apiVersion="v1"),
            _resource(
                "kubernetes:helm.sh/v3:Release",
                "loki",
                chart="loki",
                version="6.1.0",
                repositoryOpts={"repo": "https://charts.example"},
                values={"replicas": 3},
            ),
            _resource("aws:iam/role:Role", "deploy", assumeRolePolicy=policy, name="deploy"),
            _resource("aws:cloudfront/function:Function", "answers", code="function handler() {}"),
            _resource("aws:ec2/vpc:Vpc", "network", cidrBlock="10.20.0.0/16"),
        ),
        tmp_path,
    )
    assert sorted(files) == [
        "config/answers.js",
        "config/deploy.Role.assumeRolePolicy.json",
        "helm/loki.json",
        "manifests/arches.Namespace.yaml",
        "stack.json",
    ]
    assert (tmp_path / "config/answers.js").read_text() == "function handler() {}"
    manifest = yaml.safe_load((tmp_path / "manifests/arches.Namespace.yaml").read_text())
    assert manifest == {"apiVersion": "v1", "kind": "Namespace"}
    assert json.loads((tmp_path / "helm/loki.json").read_text()) == {
        "chart": "loki",
        "repository": "https://charts.example",
        "version": "6.1.0",
        "values": {"replicas": 3},
    }
    document = json.loads((tmp_path / "config/deploy.Role.assumeRolePolicy.json").read_text())
    assert document == {"Version": "2012-10-17", "Statement": []}


def test_what_a_daemon_reads_can_be_handed_to_it(tmp_path: Path) -> None:
    rules = {"groups": [{"name": "api", "rules": [{"alert": "Down", "expr": "up == 0"}]}]}
    files = _write(
        _state(
            _resource(
                "kubernetes:core/v1:ConfigMap",
                "gateway-files",
                kind="ConfigMap",
                data={"nginx.conf": "events {}\n", "mime.types": "types {}\n"},
            ),
            _resource(
                "kubernetes:monitoring.coreos.com/v1:PrometheusRule",
                "alerts",
                kind="PrometheusRule",
                spec=rules,
            ),
        ),
        tmp_path,
    )
    assert files == [
        "stack.json",
        "manifests/gateway-files.ConfigMap.yaml",
        "config/gateway-files.mime.types",
        "config/gateway-files.nginx.conf",
        "manifests/alerts.PrometheusRule.yaml",
        "config/alerts.rules.yaml",
    ]
    assert (tmp_path / "config/gateway-files.nginx.conf").read_text() == "events {}\n"
    assert yaml.safe_load((tmp_path / "config/alerts.rules.yaml").read_text()) == rules


def test_resources_that_share_a_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    policy = '{"Statement": []}'
    files = _write(
        _state(
            _resource("kubernetes:apps/v1:Deployment", "api", kind="Deployment"),
            _resource("kubernetes:core/v1:Service", "api", kind="Service"),
            _resource("kubernetes:core/v1:Service", "api", kind="Service"),
            _resource("aws:iam/policy:Policy", "api", policy=policy),
            _resource("aws:s3/bucketPolicy:BucketPolicy", "api", policy=policy),
        ),
        tmp_path,
    )
    assert sorted(files) == [
        "config/api.BucketPolicy.policy.json",
        "config/api.Policy.policy.json",
        "manifests/api.Deployment.yaml",
        "manifests/api.Service.2.yaml",
        "manifests/api.Service.yaml",
        "stack.json",
    ], "an object of the deployment would be missing from the export without a word"


def test_an_export_is_written_afresh(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    _write(_state(_resource("kubernetes:core/v1:Namespace", "old", kind="Namespace")), folder)
    _write(_state(_resource("kubernetes:core/v1:Namespace", "new", kind="Namespace")), folder)
    assert [f.name for f in (folder / "manifests").iterdir()] == ["new.Namespace.yaml"]


def test_two_exports_of_one_state_are_equal_byte_for_byte(tmp_path: Path) -> None:
    state = _state(_resource("aws:iam/policy:Policy", "reads", policy='{"b": 1, "a": 2}'))
    for name in ("one", "two"):
        _write(state, tmp_path / name)
    for file in ("stack.json", "config/reads.Policy.policy.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_the_order_in_which_a_run_made_things_changes_no_file(tmp_path: Path) -> None:
    urn = "urn:pulumi:prod::arches::arches:index:{}$kubernetes:core/v1:ConfigMap::files"
    made = [
        _resource("kubernetes:core/v1:ConfigMap", "files", kind="ConfigMap", data={"a": parent})
        | {"urn": urn.format(parent)}
        for parent in ("Gateway", "Pooler")
    ]
    made.append(_resource("kubernetes:apps/v1:Deployment", "files", kind="Deployment"))
    written: list[dict[str, str]] = []
    for name, order in (("one", made), ("two", made[::-1])):
        files = _write(_state(*order), tmp_path / name)
        written.append({file: (tmp_path / name / file).read_text() for file in files[1:]})
    assert written[0] == written[1], "two exports could not be compared"
    assert len(written[0]) == 5


@pytest.mark.parametrize("text", ["[secret]", "plain words", ""])
def test_a_policy_that_is_no_json_object_is_no_document(tmp_path: Path, text: str) -> None:
    state = _state(_resource("aws:iam/policy:Policy", "reads", policy=text))
    assert _write(state, tmp_path) == ["stack.json"]
