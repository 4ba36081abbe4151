"""Where settings come from: a stack's file, or the same values through the engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime import config as engine

import settings
from settings import cluster
from settings.secret_values import SECRET_VALUES, given_secret, missing_secrets, secret_value
from settings.source import parse
from tests.recorder import record
from tests.settings.test_refusals import ROOT, changed

STACKS = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "today", lambda: date(2026, 11, 21))


@pytest.fixture(autouse=True)
def _untouched_engine() -> Iterator[None]:
    before, secret = engine.CONFIG.get(), engine._SECRET_KEYS.get()
    yield
    engine.set_all_config(before, list(secret))


def file_of(folder: Path, text: str, stack: str = "prod") -> Path:
    path = folder / f"Pulumi.{stack}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def lines_of(path: Path) -> list[str]:
    with pytest.raises(settings.SettingsError) as error:
        settings.read(path)
    return error.value.lines


def through_the_engine(document: dict[str, Any], stack: str) -> settings.Environment:
    """`load()` inside a program, with the document's values as the engine hands them over."""
    plain: dict[str, str] = {}
    secret: list[str] = []
    for key, value in document["config"].items():
        if isinstance(value, dict) and set(value) == {"secure"}:
            plain[key] = "decrypted"
            secret.append(key)
        else:
            plain[key] = value if isinstance(value, str) else json.dumps(value)
    found: list[settings.Environment | settings.SettingsError] = []

    def program() -> None:
        engine.set_all_config(plain, secret)
        try:
            found.append(settings.load())
        except settings.SettingsError as error:  # the recorder wants to end in peace
            found.append(error)

    record(program, stack=stack)
    if isinstance(found[0], settings.SettingsError):
        raise found[0]
    return found[0]


# -- the file -----------------------------------------------------------------------------------
@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_can_be_read_without_an_engine(stack: str) -> None:
    env = settings.read(ROOT / f"Pulumi.{stack}.yaml")
    assert env.network.zones[0].startswith(env.identity.region)
    identity: Any = env.identity  # untyped, since type checkers refuse the next line too
    with pytest.raises(ValueError, match="frozen"):
        identity.project = "other"


def test_an_unknown_stack_is_told_which_there_are(tmp_path: Path) -> None:
    for stack in ("prod", "staging"):
        file_of(tmp_path, "config: {}", stack)
    assert lines_of(tmp_path / "Pulumi.prood.yaml") == [
        'Pulumi.prood.yaml: stack: got "prood", which has no such file; allowed: prod, staging; '
        'did you mean "prod"'
    ]
    assert lines_of(tmp_path / "Pulumi.x.yaml")[0].endswith(
        'allowed: prod, staging; for example "prod"'
    )


def test_without_any_stack_the_line_still_says_what_to_do(tmp_path: Path) -> None:
    assert lines_of(tmp_path / "Pulumi.prod.yaml") == [
        'Pulumi.prod.yaml: stack: got "prod", which has no such file; allowed: nothing yet: write '
        'the file first; for example "prod"'
    ]


def test_what_is_no_yaml_is_refused_with_its_place_and_without_its_text(tmp_path: Path) -> None:
    text = "config:\n  arches:openAiApiKey: sk-live: 0000\n"
    assert lines_of(file_of(tmp_path, text)) == [
        "Pulumi.prod.yaml: line 2, column 31: got no YAML (mapping values are not allowed in this "
        "context); allowed: one YAML mapping, each key once; for example config: and below it, "
        "indented, arches:network:"
    ], "the text around the mistake may be a secret"


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.prod.yaml"
    path.write_bytes(b"config: \xff\xfe")
    [line] = lines_of(path)
    assert line.startswith("Pulumi.prod.yaml: the file: got no YAML (UnicodeDecodeError); allowed:")


@pytest.mark.parametrize("text", ["", "config:\n", "config: []\n", "- config\n", "confg: {}\n"])
def test_a_file_without_a_config_mapping_is_refused(tmp_path: Path, text: str) -> None:
    assert lines_of(file_of(tmp_path, text)) == [
        "Pulumi.prod.yaml: config: got no mapping; allowed: a mapping of keys that start with "
        "arches:; for example arches:network"
    ]


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    text = "config:\n  arches:keys: {}\n  arches:registry: {}\n  arches:keys: {}\n"
    [line] = lines_of(file_of(tmp_path, text))
    assert line.startswith(
        'Pulumi.prod.yaml: line 4, column 3: got no YAML (the key "arches:keys" stands there twice)'
    ), "the first of two would be lost without a word"


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "Yes", "NO"])
def test_yes_and_no_are_texts_as_they_are_for_pulumi(tmp_path: Path, word: str) -> None:
    text = (ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8")
    assert "servesCustomers: true" in text
    path = file_of(tmp_path, text.replace("servesCustomers: true", f"servesCustomers: {word}"))
    [line] = lines_of(path)
    assert f'arches:identity.servesCustomers: got "{word}"' in line


@pytest.mark.parametrize("word", ["true", "True", "TRUE"])
def test_true_is_true_in_every_spelling_of_yaml(tmp_path: Path, word: str) -> None:
    text = (ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8")
    path = file_of(tmp_path, text.replace("servesCustomers: true", f"servesCustomers: {word}"))
    assert settings.read(path).identity.serves_customers is True


def test_keys_of_the_engine_are_none_of_our_business(tmp_path: Path) -> None:
    document = changed("prod", {"pulumi:tags": {"a": "b"}})
    path = file_of(tmp_path, yaml.safe_dump(document))
    assert settings.read(path) == settings.read(ROOT / "Pulumi.prod.yaml")


# -- several mistakes ---------------------------------------------------------------------------
def test_several_mistakes_give_several_lines_in_one_go(tmp_path: Path) -> None:
    document = changed(
        "prod",
        {
            "aws:region": "eu-central-1",
            "openAiApiKey": "sk-live-0000",
            "identity.owner": "x",
            "network.nat": "double",
            "cache.nodez": 3,
        },
    )
    lines = lines_of(file_of(tmp_path, yaml.safe_dump(document)))
    assert {line.split(": ")[1] for line in lines} == {
        "aws:region",
        "arches:openAiApiKey",
        "arches:identity.owner",
        "arches:network.nat",
        "arches:cache.nodez",
    }
    assert len(lines) == 5, "a person would need five runs to learn of five mistakes"


# -- secrets ------------------------------------------------------------------------------------
def test_a_secret_in_clear_is_one_line_even_where_it_is_asked_for(tmp_path: Path) -> None:
    document = changed("prod", {"secrets": {"openAi": True}, "openAiApiKey": "sk-live-0000"})
    [line] = lines_of(file_of(tmp_path, yaml.safe_dump(document)))
    assert "got a value in clear; allowed: a secret; run `pulumi config set --secret" in line
    assert "sk-live" not in line


@pytest.mark.parametrize(
    ("name", "switch"),
    [
        ("openAiApiKey", {"secrets": {"openAi": True}}),
        ("sentryDsn", {"secrets": {"sentry": True}}),
        ("pagerUrl", {"alarms.pager": True}),
    ],
)
def test_a_secret_is_asked_for_by_its_switch_and_satisfied_encrypted(
    tmp_path: Path, name: str, switch: dict[str, Any]
) -> None:
    absent = file_of(tmp_path, yaml.safe_dump(changed("prod", switch)))
    assert lines_of(absent) == [
        f"Pulumi.prod.yaml: arches:{name}: got nothing; allowed: a secret, since a setting asks "
        f"for it; run `pulumi config set --secret arches:{name}`"
    ]
    given = changed("prod", {**switch, name: {"secure": "v1:abc"}})
    assert settings.read(file_of(tmp_path, yaml.safe_dump(given)))


def test_a_secret_that_nobody_asks_for_is_let_be() -> None:
    env = settings.read(ROOT / "Pulumi.prod.yaml")
    assert missing_secrets(env, set(SECRET_VALUES), "Pulumi.prod.yaml") == []


def test_secrets_that_do_not_exist_are_a_mistake_of_the_program() -> None:
    for read in (secret_value, given_secret):
        with pytest.raises(KeyError):
            read("nobodysSecret")


# -- parse --------------------------------------------------------------------------------------
def test_parse_is_what_both_ways_share() -> None:
    document = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8"))
    plain = {
        key.removeprefix("arches:"): value
        for key, value in document["config"].items()
        if key.startswith("arches:")
    }
    assert parse(plain, set(), "here") == settings.read(ROOT / "Pulumi.prod.yaml")
    with pytest.raises(settings.SettingsError) as error:
        parse({**plain, "keys": {"deletionWindowDays": 1}}, set(), "here")
    assert str(error.value).startswith("here: arches:keys.deletionWindowDays: got 1; allowed: ")


# -- the engine ---------------------------------------------------------------------------------
@pytest.mark.parametrize("stack", STACKS)
def test_the_program_sees_what_the_file_says(stack: str) -> None:
    document = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    env = through_the_engine(document, stack)
    assert env == settings.read(ROOT / f"Pulumi.{stack}.yaml")


@pytest.mark.parametrize(
    "changes",
    [
        {"netwrok": {}},
        {"network": 5},
        {"network": "eu-central-1"},
        {"identity.owner": "x", "network.nat": "double"},
        {"network.nat": "single", "database.multiAz": False},
        {"openAiApiKey": "sk-live-0000"},
        {"openAiKey": {"secure": "v1:abc"}},
        {"identity": {"secure": "v1:abc"}},
        {"secrets": {"openAi": True}},
        {"aws:region": "eu-central-1"},
    ],
    ids=lambda changes: "+".join(changes),
)
def test_the_program_refuses_with_the_lines_of_the_file(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    document = changed("prod", changes)
    wanted = lines_of(file_of(tmp_path, yaml.safe_dump(document)))
    with pytest.raises(settings.SettingsError) as error:
        through_the_engine(document, "prod")
    assert error.value.lines == wanted
    assert isinstance(error.value, pulumi.RunError), "the engine would print a stack trace"
    assert "decrypted" not in str(error.value)


def test_a_given_secret_stays_a_secret_in_the_program() -> None:
    document = changed("prod", {"secrets": {"openAi": True}, "openAiApiKey": {"secure": "v1:abc"}})
    env = through_the_engine(document, "prod")
    assert env.secrets.open_ai
    assert "decrypted" not in repr(env), "settings hold names of secrets, never their values"
    engine.set_all_config({"arches:openAiApiKey": "decrypted"}, ["arches:openAiApiKey"])

    async def seen() -> tuple[Any, bool]:
        value = secret_value("openAiApiKey")
        return await value.future(), await value.is_secret()

    assert asyncio.run(seen()) == ("decrypted", True)
    assert given_secret("sentryDsn") is None
