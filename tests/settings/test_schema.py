"""The schema and the reference: current, complete, and of one mind with the program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from settings import schema
from settings.core import section_in
from settings.environment import Environment
from settings.secret_values import SECRET_VALUES
from tests.settings.test_refusals import RANGE, ROOT, SHAPE, changed

STACKS = sorted(ROOT.glob("Pulumi.*.yaml"))
# Written as a function over the value, which no schema can hold; the program refuses it.
BEYOND_A_SCHEMA = {"edge_whole_internet_denied"}


@cache
def validator() -> Any:
    made = schema.json_schema()
    jsonschema.Draft7Validator.check_schema(made)
    return jsonschema.Draft7Validator(made)


def complaints(document: Any) -> list[str]:
    return [error.message for error in validator().iter_errors(document)]


def with_config(**config: Any) -> dict[str, Any]:
    document = changed("prod", {})
    document["config"] |= config
    return document


@pytest.mark.parametrize("path", schema.documents(), ids=lambda path: path.name)
def test_the_written_file_is_what_the_settings_say_now(path: Path) -> None:
    written = path.read_bytes()
    assert written == schema.documents()[path].encode(), "stale: run make schema"


@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.name)
def test_every_stack_is_valid_and_tells_editors_where_its_schema_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=./settings/schema.json\n"), (
        "without its first line no editor checks the file"
    )
    assert (path.parent / "settings/schema.json").is_file()
    assert complaints(yaml.safe_load(text)) == []


@pytest.mark.parametrize(("stack", "changes", "lines"), [*SHAPE, *RANGE])
def test_an_editor_refuses_a_wrong_key_or_value_as_the_program_does(
    request: pytest.FixtureRequest, stack: str, changes: dict[str, Any], lines: tuple[str, ...]
) -> None:
    found = complaints(changed(stack, changes))
    if request.node.callspec.id in BEYOND_A_SCHEMA:
        assert found == [], "the schema knows it after all: take it out of the list"
    else:
        assert found, f"an editor would let this pass: {lines[0]}"


def test_a_misspelt_key_is_named() -> None:
    [said] = complaints(with_config(**{"arches:netwrok": {}}))
    assert "arches:netwrok" in said
    assert complaints({**with_config(), "cofnig": {}}), "a misspelt key beside config"


def test_keys_of_pulumi_are_let_through_and_those_of_others_are_not() -> None:
    assert complaints(with_config(**{"pulumi:tags": {"a": "b"}})) == []
    assert complaints({**with_config(), "secretsprovider": "awskms://alias/x"}) == []
    assert complaints({**with_config(), "encryptionsalt": "v1:abc"}) == []
    assert complaints(with_config(**{"aws:region": "eu-central-1"}))
    assert complaints(with_config(identity={}))


@pytest.mark.parametrize("name", SECRET_VALUES)
def test_a_secret_is_taken_encrypted_and_never_in_clear(name: str) -> None:
    assert complaints(with_config(**{f"arches:{name}": {"secure": "v1:abc"}})) == []
    assert complaints(with_config(**{f"arches:{name}": "in-clear"}))
    assert complaints(with_config(**{f"arches:{name}": {"secure": "v1:abc", "plain": "x"}}))


def test_every_secret_is_described() -> None:
    assert set(schema.SECRETS) == set(SECRET_VALUES)


def declared() -> Iterator[tuple[str, Any, Any]]:
    """Every key with its field and the schema's part for it."""
    made = schema.json_schema()["properties"]["config"]["properties"]
    for field in Environment.model_fields.values():
        yield from _below(section_in(field.annotation), made[f"arches:{field.alias}"], "")


def _below(section: Any, made: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any, Any]]:
    for field in section.model_fields.values():
        part = made["properties"][field.alias]
        yield prefix + field.alias, field, part
        inner = section_in(field.annotation)
        if inner is None:
            continue
        inside = part["anyOf"][0] if "anyOf" in part else part
        inside = inside.get("items", inside)
        if "patternProperties" in inside:
            inside = next(iter(inside["patternProperties"].values()))
        yield from _below(inner, inside, f"{field.alias}.")


def test_every_key_shows_what_is_allowed_and_an_example() -> None:
    count = 0
    for key, field, part in declared():
        assert part["description"] == field.description, key
        assert part["examples"] == field.examples, key
        if section_in(field.annotation) is None:
            default = schema.default_of(field)
            assert part.get("default", "absent") == (
                "absent" if field.is_required() else default
            ), f"{key}: an editor would complete another default"
        count += 1
    assert count > 150, "a section is missing"


def test_every_default_that_an_editor_offers_is_valid() -> None:
    for key, _, part in declared():
        if "default" in part:
            found = list(jsonschema.Draft7Validator(part).iter_errors(part["default"]))
            assert found == [], f"{key}: {found}"


def test_the_reference_has_a_section_for_each_of_the_environment_and_a_row_for_each_key() -> None:
    text = schema.reference()
    headings = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    wanted = [f"arches:{field.alias}" for field in Environment.model_fields.values()]
    assert headings == [*wanted, "Secrets"]
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    keys = sum(1 for _ in declared())
    assert len(rows) > keys * 0.9, "a key is missing; only sections of sections have no row"
    for row in rows:
        cells = row.replace("\\|", "").count("|")
        assert cells in (3, 5), f"a broken table row: {row}"
    assert "| `zones` | required | 2 to 6 availability zones of one region" in text
    assert '| `nat` | `"per-zone"` | ' in text
    assert "| `flowLogs.retentionDays` | `365` | " in text
    assert "| `access[].policy` | required | " in text
    assert "| `targets.<name>.port` | required | " in text
    assert "| `brought` | left out | " in text


def test_the_schema_is_plain_json_without_references() -> None:
    text = (ROOT / "settings/schema.json").read_text(encoding="utf-8")
    assert json.loads(text)["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert "$ref" not in text, "draft 7 ignores the description beside a reference"
