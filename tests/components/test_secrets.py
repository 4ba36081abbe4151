"""The secrets: each its own, none in clear, and the encryption key never lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_random
import pytest

from components import secrets as room
from components.secrets import Secrets, SecretsArgs
from settings.secrets import ROTATABLE, SecretsSettings
from tests.neighbours import context, key, neighbour
from tests.recorder import ACCOUNT, REGION, Recorder, once, record

SECRET = "aws:secretsmanager/secret:Secret"
VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
PASSWORD = "random:index/randomPassword:RandomPassword"
BYTES = "random:index/randomBytes:RandomBytes"
KEYS = {
    "jwt",
    "jwt-refresh",
    "session",
    "encryption",
    "database-owner",
    "database-app",
    "database-readonly",
    "database-dump",
    "database-exporter",
    "database-retention",
    "cache",
    "grafana-admin",
}
GIVEN = {"arches:openAiApiKey": "canary-openai", "arches:sentryDsn": "canary-sentry"}


def program(**changed: Any) -> Secrets:
    """The room under test; the given secrets are in the configuration as the engine hands them."""
    pulumi.runtime.set_all_config(dict(GIVEN), list(GIVEN))
    providers = [aws.Provider("aws", region=REGION), pulumi_random.Provider("random")]
    keys: Any = neighbour(secrets=key("secrets"), backups_copy=key("backups-copy"))
    return Secrets(
        "secrets",
        SecretsArgs(
            context=context(),
            settings=SecretsSettings.model_validate_json(json.dumps(changed)),
            keys=keys,
        ),
        pulumi.ResourceOptions(providers=providers),
    )


@once
def deployed(**changed: Any) -> Recorder:
    return record(lambda: program(**changed) and None)


@pytest.fixture(autouse=True, scope="module")
def _no_configuration_is_left_behind() -> Iterator[None]:
    yield
    pulumi.runtime.set_all_config({})


@pytest.fixture(scope="module")
def made() -> Recorder:
    return deployed()


def test_everything_hangs_under_the_secrets_and_names_its_provider(made: Recorder) -> None:
    assert len(made.custom) == 1 + 12 * 3, "a suffix, and a value, a secret and a version for each"
    [component] = made.components
    for child in made.custom:
        assert child.parent == component.urn, f"{child.name} has left home"
        assert child.provider, f"{child.name} would go to whatever account is the default"
        assert child.name.startswith("secrets-"), f"{child.name} could collide"


def test_the_list_of_secrets_is_complete(made: Recorder) -> None:
    assert {s.name.removeprefix("secrets-") for s in made.of(SECRET)} == KEYS
    assert {v.name.removeprefix("secrets-") for v in made.of(VERSION)} == KEYS
    [component] = made.components
    assert set((component.outputs or {})["arns"]) == KEYS


def test_every_secret_is_under_our_key_and_can_be_recovered(made: Recorder) -> None:
    for secret in made.of(SECRET):
        assert secret.inputs["kmsKeyId"].endswith(":key/secrets"), secret.name
        assert secret.inputs["recoveryWindowInDays"] == 30, secret.name


def test_a_deleted_secret_does_not_block_its_successor(made: Recorder) -> None:
    names = {s.inputs["name"] for s in made.of(SECRET)}
    assert "arches/prod/jwt-0badcafe" in names
    assert all(name.endswith("-0badcafe") for name in names), "the name is blocked for 30 days (K6)"


def test_every_value_is_long_and_fits_a_url(made: Recorder) -> None:
    for password in made.of(PASSWORD):
        assert password.inputs["special"] is False, f"{password.name} breaks a URL"
        assert password.inputs["length"] >= 43, f"{password.name} has fewer than 256 bits"
    assert made.one(PASSWORD, "secrets-cache").inputs["length"] <= 128, "ElastiCache's limit (C6)"


def test_no_two_secrets_share_a_value(made: Recorder) -> None:
    values = [v.inputs["secretString"] for v in made.of(VERSION)]
    assert len(set(values)) == len(values), "whoever learns one secret learns another"


def test_the_encryption_key_has_exactly_32_bytes(made: Recorder) -> None:
    assert made.one(BYTES).inputs["length"] == 32, "AES-256 takes 32 bytes (ENV-15)"


def test_the_encryption_key_cannot_be_lost_or_replaced(made: Recorder) -> None:
    source = made.one(BYTES)
    assert source.protect
    assert "keepers" not in source.inputs, "a keeper could replace the key and what it encrypted"
    for type_ in (SECRET, VERSION):
        kept = made.one(type_, "secrets-encryption")
        assert kept.retain_on_delete, "destroy would take the key with it"
        assert kept.protect
    others = [s for s in made.of(SECRET) if s.name != "secrets-encryption"]
    assert not any(s.retain_on_delete or s.protect for s in others)


def test_the_encryption_key_is_where_backups_are_restored(made: Recorder) -> None:
    [copy] = made.one(SECRET, "secrets-encryption").inputs["replicas"]
    assert copy["region"] == "eu-west-1"
    assert copy["kmsKeyId"].endswith(":key/backups-copy")
    others = [s for s in made.of(SECRET) if s.name != "secrets-encryption"]
    assert not any("replicas" in s.inputs for s in others)


def test_no_secret_answers_in_clear_or_to_another_account(made: Recorder) -> None:
    for secret in made.of(SECRET):
        tls, account = json.loads(secret.inputs["policy"])["Statement"]
        assert {tls["Effect"], account["Effect"]} == {"Deny"}, "a resource policy that grants"
        assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert account["Condition"]["StringNotEquals"] == {"aws:PrincipalAccount": ACCOUNT}


def test_raising_a_generation_replaces_one_value_only() -> None:
    keepers = {p.name: p.inputs["keepers"] for p in deployed(generation={"jwt": 2}).of(PASSWORD)}
    assert keepers.pop("secrets-jwt") == {"generation": "2"}
    assert set(map(str, keepers.values())) == {"{'generation': '1'}"}


def test_every_born_secret_but_the_encryption_key_can_be_rotated() -> None:
    assert set(ROTATABLE) == set(room.LENGTHS)


def test_given_secrets_are_stored_only_where_they_are_wanted() -> None:
    both = deployed(openAi=True, sentry=True)
    assert both.one(VERSION, "secrets-open-ai").inputs["secretString"] == "canary-openai"
    assert both.one(VERSION, "secrets-sentry").inputs["secretString"] == "canary-sentry"
    assert "secrets-sentry" not in {s.name for s in deployed(openAi=True).of(SECRET)}


def test_values_leave_only_as_secrets() -> None:
    seen: list[Secrets] = []
    marks: dict[str, bool] = {}

    async def collect(key: str, value: pulumi.Output[str]) -> None:
        marks[key] = await value.is_secret()

    def look() -> pulumi.Output[Any]:
        secrets = program(openAi=True, sentry=True)
        seen.append(secrets)
        return pulumi.Output.from_input([collect(k, secrets.value(k)) for k in secrets.arns])

    record(look)
    assert set(marks) == KEYS | {"open-ai", "sentry"}
    assert all(marks.values()), f"in clear: {[k for k, secret in marks.items() if not secret]}"
    with pytest.raises(KeyError):
        seen[0].value("database-master")


def test_no_value_is_an_output(made: Recorder) -> None:
    [component] = made.components
    assert set(component.outputs or {}) == {"arns"}
    said = json.dumps(component.outputs)
    for version in made.of(VERSION):
        assert version.inputs["secretString"] not in said, f"{version.name} is exported in clear"
