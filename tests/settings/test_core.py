"""How a setting is declared: every key of every section says what is allowed and shows a value."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple, get_origin

import pytest
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import settings
from settings import cluster
from settings.core import (
    Section,
    SettingsError,
    bare,
    clash,
    holds_secret,
    line_of,
    refusals,
    section_in,
    setting,
)
from settings.environment import Environment
from settings.schema import default_of
from settings.secret_values import SECRET_VALUES
from settings.source import parse
from tests.settings.test_refusals import BROUGHT, changed

# What else has to stand there so that the example of a key can stand: keys by path.
TOGETHER: dict[str, dict[str, Any]] = {
    "cluster.access[].name": {"cluster.access.0.name": "pipeline"},
    "cluster.access[].principalArn": {
        "cluster.access.0.principalArn": "arn:aws:iam::111122223333:role/pipeline"
    },
    "cluster.access[].namespaces": {"cluster.access.1.policy": "view"},
    "database.iops": {"database.allocatedStorageGib": 400},
    "database.throughputMibps": {"database.allocatedStorageGib": 400},
    "governance.githubOwnerId": {"governance.githubRepositoryId": "456789"},
    "governance.githubRepositoryId": {"governance.githubOwnerId": "123456"},
    "backup.lockGraceDays": {"backup.lockMode": "compliance"},
    "observability.pagerDirect": {"alarms.pager": True},
    "gateway.tlsSecret": {
        "edge.targets": {"gateway": {"port": 8080, "hosts": ["api", "app"], "protocol": "HTTPS"}}
    },
}
IMAGE = "docker.io/library/redis:7.4@sha256:" + "a" * 64
# Mappings that no environment has today, with what each of them has to say.
WHOLE: dict[str, dict[str, Any]] = {
    "cache.sentinel": {"redisImage": IMAGE, "exporterImage": IMAGE},
    "workloads.unstructured": {"image": IMAGE},
    "workloads.scraper": {"image": IMAGE},
    "operators.monitoring.grafanaSignIn": {
        "rootUrl": "https://grafana.archesai.com",
        "clientId": "grafana",
        "authUrl": "https://sign-in.archesai.com/authorize",
        "tokenUrl": "https://sign-in.archesai.com/token",
        "userInfoUrl": "https://sign-in.archesai.com/userinfo",
        "adminGroup": "platform",
        "viewerGroup": "engineers",
    },
}
# Their default is nothing, which is for an environment that needs none; each of today's does.
NEEDED = {"cache.proxyImage", "workloads.api", "workloads.platform"}
# Examples that show a form and are no whole value: one key of a mapping that needs four, and one
# subnet where each zone needs its own.
SHOWS_A_FORM = {
    "network.brought",
    "network.brought.public",
    "network.brought.private",
    "network.brought.data",
    "network.brought.public.ids",
    "network.brought.public.cidrs",
    "network.brought.private.ids",
    "network.brought.private.cidrs",
    "network.brought.data.ids",
    "network.brought.data.cidrs",
}


class Key(NamedTuple):
    """One key: its path as people write it, and as it can be set in the production file."""

    path: str
    place: str
    field: FieldInfo
    section: type[BaseModel]


def keys(section: type[BaseModel] = Environment, path: str = "", place: str = "") -> Iterator[Key]:
    for field in section.model_fields.values():
        here, there = path + str(field.alias), place + str(field.alias)
        yield Key(here, there, field, section)
        inner = section_in(field.annotation)
        if inner is not None:
            kind = get_origin(bare(field.annotation))
            yield from keys(
                inner,
                here + {tuple: "[].", dict: ".<name>."}.get(kind, "."),
                there + {tuple: ".1.", dict: ".gateway."}.get(kind, "."),
            )


ALL = list(keys())


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "today", lambda: date(2026, 11, 21))


def accepted(changes: dict[str, Any]) -> Environment:
    """The production file with these changes."""
    return checked(changed("prod", changes))


def checked(document: dict[str, Any]) -> Environment:
    """A stack's file as the program reads it, with every secret given."""
    plain = {
        key.removeprefix("arches:"): value
        for key, value in document["config"].items()
        if key.startswith("arches:")
    }
    return parse(plain, set(SECRET_VALUES), "Pulumi.prod.yaml")


def around(key: Key) -> dict[str, Any]:
    """What the production file leaves out and the key stands in."""
    if key.path.startswith("network.brought."):
        return {"network.brought": copy.deepcopy(BROUGHT)}
    if key.path.startswith("edge.targets."):
        return {"edge.targets": {"gateway": {"port": 8080, "hosts": ["api", "app"]}}}
    for path, mapping in WHOLE.items():
        if key.path.startswith(f"{path}."):
            return {path: copy.deepcopy(mapping)}
    return {}


# -- every key ----------------------------------------------------------------------------------
def test_all_sections_are_looked_at() -> None:
    paths = [key.path for key in ALL]
    assert len(paths) == len(set(paths))
    assert len(paths) > 150
    for path in (
        "network.flowLogs.retentionDays",
        "cluster.access[].policy",
        "edge.targets.<name>.port",
        "database.parameters.maxConnections",
        "network.brought.data.cidrs",
    ):
        assert path in paths


def test_a_key_says_what_is_allowed_and_gives_an_example() -> None:
    for key in ALL:
        said = key.field.description or ""
        assert len(said) >= 5, f"{key.path}: a refusal could not say what is allowed"
        assert not said.removesuffix("...").endswith("."), f"{key.path}: an example follows"
        assert "\n" not in said, key.path
        assert len(key.field.examples or []) == 1, key.path
        assert key.field.examples != [{}], f"{key.path}: an empty example helps nobody"
        assert issubclass(key.section, Section), f"{key.path}: unknown keys would pass"


def test_an_example_can_be_copied_into_the_file() -> None:
    refused = {}
    for key in ALL:
        example = (key.field.examples or [None])[0]
        try:
            accepted({**around(key), **TOGETHER.get(key.path, {}), key.place: example})
        except SettingsError as error:
            refused[key.path] = error.lines
    assert {path: lines for path, lines in refused.items() if path not in SHOWS_A_FORM} == {}
    assert sorted(SHOWS_A_FORM - set(refused)) == [], "whole values: take them out of the list"


def test_a_default_can_be_written_out_and_changes_nothing() -> None:
    others = []
    for key in ALL:
        if default_of(key.field) is PydanticUndefined or key.path in NEEDED:
            continue
        document = changed("prod", {**around(key), key.place: default_of(key.field)})
        written = checked(document)
        *way, last = key.place.split(".")
        here = document["config"]
        for step in [f"arches:{way[0]}", *way[1:]] if way else []:
            here = here[int(step)] if isinstance(here, list) else here[step]
        del here[last if way else f"arches:{last}"]
        if written != checked(document):
            others.append(key.path)
    assert others == [], "the default is not what stands there without the key"


def test_an_environment_can_say_only_what_it_has_to() -> None:
    required = {
        f"arches:{field.alias}": (field.examples or [None])[0]
        for field in Environment.model_fields.values()
        if field.is_required()
    }
    plain = {key.removeprefix("arches:"): value for key, value in required.items()}
    env = parse(plain, set(), "Pulumi.new.yaml")
    assert env.identity.serves_customers
    assert env.database.multi_az, "a new environment is safe before it has decided anything"


def test_every_key_is_written_in_camel_case() -> None:
    for key in ALL:
        assert "_" not in str(key.field.alias)
        assert str(key.field.alias)[0].islower()


# -- the base -----------------------------------------------------------------------------------
class Leaf(Section):
    size: int = setting(1, allowed="1 to 3", example=2, ge=1, le=3)
    tag: str | None = setting(None, allowed="a word", example="word", pattern="^[a-z]+$")


class Root(Section):
    one: Leaf = setting(Leaf(), allowed="a leaf", example={"size": 2})
    many: tuple[Leaf, ...] = setting((), allowed="leaves", example=[{"size": 2}])
    named: dict[str, Leaf] = setting({}, allowed="leaves by name", example={"a": {"size": 2}})
    maybe: Leaf | None = setting(None, allowed="a leaf or nothing", example={"size": 2})
    words: tuple[str, ...] = setting(("a",), allowed="words", example=["b"])


def lines(text: str) -> list[str]:
    with pytest.raises(ValidationError) as error:
        Root.model_validate_json(text)
    return refusals(Root, error.value, "f")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"one": {"size": 4}}', "f: arches:one.size: got 4; allowed: 1 to 3; for example 2"),
        (
            '{"many": [{}, {"size": 0}]}',
            "f: arches:many[1].size: got 0; allowed: 1 to 3; for example 2",
        ),
        (
            '{"named": {"a.b": {"size": null}}}',
            'f: arches:named["a.b"].size: got null; allowed: 1 to 3; for example 2',
        ),
        (
            '{"maybe": {"tag": "A"}}',
            'f: arches:maybe.tag: got "A"; allowed: a word; for example "word"',
        ),
        (
            '{"maybe": {"siez": 1}}',
            "f: arches:maybe.siez: got a key that does not exist; allowed: one of size, tag; did "
            'you mean "size"',
        ),
        (
            '{"many": [{"Size": 1}]}',
            "f: arches:many[0].Size: got a key that does not exist; allowed: one of size, tag; did "
            'you mean "size"',
        ),
        (
            '{"named": {"size": {"tga": "a"}}}',
            "f: arches:named.size.tga: got a key that does not exist; allowed: one of size, tag; "
            'did you mean "tag"',
        ),
        (
            '{"named": {"a": 1}}',
            'f: arches:named.a: got 1; allowed: leaves by name; for example {"a": {"size": 2}}',
        ),
        (
            '{"words": ["a", true]}',
            'f: arches:words[1]: got true; allowed: words; for example ["b"]',
        ),
        ('{"words": null}', 'f: arches:words: got null; allowed: words; for example ["b"]'),
        (
            '{"words": {"a": "ü"}}',
            'f: arches:words: got {"a": "ü"}; allowed: words; for example ["b"]',
        ),
    ],
)
def test_a_line_reads_like_the_file(text: str, line: str) -> None:
    assert lines(text) == [line]


def test_a_setting_cannot_be_declared_without_its_two_sentences() -> None:
    untyped: Any = setting  # type checkers refuse both calls too
    with pytest.raises(TypeError):
        untyped(1)
    with pytest.raises(TypeError):
        untyped(1, allowed="a number")


def test_two_sections_do_not_share_a_default_mapping() -> None:
    assert Root().named is not Root().named


def test_a_section_cannot_be_changed_and_takes_no_python_names() -> None:
    leaf: Any = Leaf()  # untyped, since type checkers refuse the assignment too
    with pytest.raises(ValidationError, match="frozen"):
        leaf.size = 2
    with pytest.raises(ValidationError):
        settings.Environment.model_validate({"identity": {"account_id": "111122223333"}})


@pytest.mark.parametrize(
    ("key", "example", "shown"),
    [
        ("one.tag", "word", '"word"'),
        ("one.tag", "leave it out", "leave it out"),
        ("one.size", "2", "2"),
        ("one.size", 2, "2"),
        ("one.size", "true", "true"),
        ("words", ["b"], '["b"]'),
        ("words", "b, c", "b, c"),
        ("named", {"a": {"size": 2}}, '{"a": {"size": 2}}'),
        ("nowhere", "a phrase", "a phrase"),
    ],
)
def test_the_example_of_a_rule_is_shown_as_it_would_stand_in_the_file(
    key: str, example: object, shown: str
) -> None:
    error = clash(key, got="this", allowed="that", example=example)
    assert line_of(Root, error, "f") == (
        f"f: arches:{key}: got this; allowed: that; for example {shown}"
    )


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ({"secure": "v1:abc"}, True),
        ({"a": [{"b": {"secure": "v1:abc"}}]}, True),
        ({"secure": "v1:abc", "more": 1}, False),
        (["secure"], False),
        ("secure", False),
        (None, False),
    ],
)
def test_an_encrypted_value_is_found_wherever_it_stands(value: object, secret: bool) -> None:
    assert holds_secret(value) is secret
